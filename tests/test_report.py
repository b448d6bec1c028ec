"""Reports: what runs is shown, as text and as HTML, and escaped."""

import html.parser
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from reports import arguments, code_bytes, explained, runs, wave, without_times

import cpnum.show.report
from cpnum import cpjit, special
from cpnum.compile.kernel import Clock
from cpnum.pack.stencil import PACKS, Pack
from cpnum.show.table import Table


@runs
def test_report_shows_the_bytes_that_run():
    report, bound = explained(wave, *arguments())
    assert report.code == bound.region.read() == bound.code
    assert code_bytes(report.tables(raw=True)) == report.code


@runs
def test_holes_show_what_was_patched_into_them():
    x, y, a = arguments()
    report, _ = explained(wave, x, y, a)

    def after(meaning, raw):
        (table,) = [each for each in report.tables(raw=raw) if each.title == "Holes"]
        (row,) = [row for row in table.rows if row[2] == "IMMEDIATE" and row[5] == meaning]
        assert row[3] == "00 00 00 00 00 00 00 00"
        return row[4]

    assert after("<a>", False) == struct.pack("<d", a).hex(" ")
    assert after("<inner stride of y>", False) == struct.pack("<q", 16).hex(" ")
    assert after("<extent of i1>", False) == struct.pack("<q", 7).hex(" ")
    assert after("<y.data>", False) == ".. .. .. .. .. .. .. .."
    assert after("<y.data>", True) == struct.pack("<Q", y.ctypes.data).hex(" ")


@runs
def test_report_is_the_same_for_arrays_elsewhere():
    kept = arguments()
    first, second = explained(wave, *kept)[0], explained(wave, *arguments())[0]
    assert without_times(first) == without_times(second)
    assert first.text(raw=True) != second.text(raw=True)
    assert hex(kept[0].ctypes.data) in first.text(raw=True)
    assert hex(kept[0].ctypes.data) not in first.text()


@runs
def test_report_has_all_its_parts():
    x, y, a = arguments()
    report = cpjit(wave).explain(x, y, a)
    text = str(report)
    assert repr(report) == text
    assert text.startswith("wave(x: f64[:, :], y: f64[:], a: float) -> f64: ")
    titles = [table.title for table in report.tables()]
    assert titles == [
        "Compile time",
        "Graph",
        "Loops",
        "Stencils",
        "Holes",
        "Code before the main loop",
        "Code from the main loop on",
        "Time",
    ]
    assert all(f"\n\n{title}" in text for title in titles)
    stages = [row[0] for row in report.tables()[0].rows]
    # The pack is read once, by this kernel or by another one of the process.
    stages = [each for each in stages if each != "read the pack"]
    assert stages == ["trace", "simplify", "schedule", "select", "assign", "emit", "place"]
    assert list(report.timings) == ["called", "bound", "NumPy"]
    assert all(timing.median > 0 for timing in report.timings.values())


def test_reading_the_pack_is_a_stage_of_its_own():
    pack = Pack(Path(PACKS) / "aarch64.pack")
    clock = Clock()
    clock.end("schedule", pack)
    opened = clock.seconds["pack"]
    assert opened > clock.seconds["schedule"]
    assert pack["sin_f64"].size > 0
    clock.end("select", pack)
    assert clock.seconds["pack"] > opened
    assert list(clock.seconds) == ["pack", "schedule", "select"]
    before = clock.seconds["pack"]
    assert pack["sin_f64"].size > 0
    clock.end("assign", pack)
    assert clock.seconds["pack"] == before


@runs
def test_code_is_split_at_the_head_of_the_main_loop():
    report, _ = explained(wave, *arguments())
    (loop,) = [each for each in report.tables() if each.title == "Code from the main loop on"]
    assert re.fullmatch(r"by[124]:", loop.rows[0][0])
    assert loop.rows[2][0] == f"{report.bound.code.head:#06x}"


@runs
def test_report_without_times_runs_nothing():
    calls = []

    def counted(x):
        calls.append(x)
        return x + 1

    report, _ = explained(counted, np.ones(3))
    assert len(calls) == 1  # traced
    assert [table.title for table in report.tables()][-1] != "Time"


@runs
def test_what_the_function_prints_is_not_printed_again(capsys):
    def loud(x):
        print("called")  # noqa: T201
        return x + 1

    report, _ = explained(loud, np.ones(3), timed=True)
    assert capsys.readouterr().out.count("called") == 1  # while it was traced
    assert report.timings


@runs
def test_an_interrupt_keeps_the_report_without_times():
    calls = []

    def interrupted(x):
        calls.append(x)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return x + 1

    report, _ = explained(interrupted, np.ones(3), timed=True)
    assert not report.timings
    assert str(report).endswith("Time\n  none: they were interrupted")


@runs
def test_a_slow_call_is_timed_once(monkeypatch):
    monkeypatch.setattr(cpnum.show.report, "_SECONDS", 0.0)
    report, _ = explained(wave, *arguments(), timed=True)
    assert {len(timing.samples) for timing in report.timings.values()} == {1}
    assert "Time (one call each; the function as written ran 2 times for this)" in str(report)


@runs
def test_explaining_into_an_argument_computes_once():
    x = np.full(5, 16.0)
    report = cpjit(lambda x: np.sqrt(x)).explain(x, out=x)
    assert x.tolist() == [4.0] * 5
    assert "bit for bit" in report.difference


@runs
def test_explaining_leaves_the_result_in_out():
    out = np.zeros(5)
    report = cpjit(lambda x: np.sqrt(x)).explain(np.full(5, 16.0), out=out)
    assert "bit for bit" in report.difference
    assert out.tolist() == [4.0] * 5


@runs
def test_keywords_are_explained():
    def scaled(x, *, by=2.0):
        return x * by

    report = cpjit(scaled).explain(np.ones(3), by=3.0)
    assert "<by>" in str(report)
    assert "bit for bit" in report.difference


@runs
def test_special_functions_are_explained():
    scale = cpjit(lambda x: special.erf(x) * 2)
    for report in (special.erf.explain(np.ones(3)), scale.explain(np.ones(3))):
        assert list(report.timings) == ["called", "bound", "NumPy"]
        assert "without cpjit; cpnum.special by Python's math" in str(report)


@pytest.mark.parametrize("name", special.__all__)
def test_a_special_function_as_written_computes_what_the_compiled_one_does(name):
    function = getattr(special, name)
    for x in (np.float32([0.25, 0.75]), np.array([0.5]), np.array([1, 2]), 0.5, True):
        with np.errstate(all="ignore"):
            expected, written = function(x), function.py_func(x)
        assert (type(written), written.dtype) == (type(expected), expected.dtype)
        np.testing.assert_allclose(written, expected, rtol=1e-6)


@runs
def test_long_tables_are_cut_and_say_so():
    def long(x):
        for number in range(500):
            x = x * 1.5 + number
        return x

    report, _ = explained(long, np.ones(3))
    html = report._repr_html_()
    assert len(html.encode()) <= 60_000
    assert len(str(report)) <= 60_000
    for face in (str(report), html):
        assert re.search(r"[0-9]+ more rows are cut", face)


# -- HTML ---------------------------------------------------------------------------------------


class Page(html.parser.HTMLParser):
    """The tags and the text of a page; each tag that opens must close."""

    def __init__(self, source):
        super().__init__()
        self.open, self.tags, self.texts, self.style = [], set(), [], ""
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.open.append(tag)
        assert not any(name.startswith("on") for name, _ in attributes)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            self.style += data
        else:
            self.texts.append(data)


@runs
def test_html_has_what_the_text_has():
    report, _ = explained(lambda x: x + 1, np.ones(3))
    page = Page(report._repr_html_())
    shown = re.sub(r"\s", "", "".join(page.texts))
    for table in report.tables():
        for row in table.cut().rows:
            assert re.sub(r"\s", "", "".join(row)) in shown
    assert "<lambda>(x: f64[:])" in "".join(page.texts)


@runs
def test_html_keeps_to_its_own_element():
    page = Page(explained(lambda x: x + 1, np.ones(3))[0]._repr_html_())
    assert page.tags <= {
        *("div", "style", "b", "u", "span", "details", "summary"),
        *("table", "tr", "th", "td", "pre"),
    }
    assert len(page.style) <= 4000
    style = page.style.replace("\n", "")
    selectors = re.sub(r"\{[^}]*\}", ",", style).strip(",").split(",")
    assert selectors
    for selector in selectors:
        assert re.match(r"(html\[[a-z-]+=dark\] )?\.cpnum-report\b", selector)
    for colours in re.findall(r"\{([^}]*)\}", style):
        assert bool(re.search(r"(^|;)color:", colours)) == ("background:" in colours)


def test_html_escapes_everything():
    table = Table("<a>", ("<b>",), (("<c>&", "[X <d>]"), ("<e>",)), "<f>")
    page = Page(table.html(opened=True))
    assert page.tags == {"details", "summary", "span", "table", "tr", "th", "td", "u"}
    assert "".join(page.texts) == "<a> (<f>)<b><c>&[X <d>]<e>"


def test_holes_are_bracketed_and_underlined():
    table = Table("Code", ("bytes",), (("62 [STEP 08 00] 1", ""),))
    assert ">62 <u>[STEP 08 00]</u> 1</td>" in table.html(opened=False)


def test_cells_and_indentation_need_no_style_sheet():
    """Hosts that drop <style> keep styles of elements, or <pre>; JupyterLab aligns to the right."""
    cells = re.findall(
        "<t[dh][^>]*>", Table("Code", ("a", "b"), (("1", "2"), ("3",))).html(opened=True)
    )
    assert len(cells) == 5
    assert all('style="text-align:left"' in each for each in cells)
    lines = Table("Loops", (), (("for i0:",), ("  x < y",))).html(opened=True)
    assert "<pre>for i0:\n  x &lt; y</pre>" in lines
