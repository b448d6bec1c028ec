"""Reports: what runs is shown, as text and as HTML, and escaped."""

import html.parser
import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from reports import arguments, explained, runs, view_bytes, wave
from test_stages import CASES

import cpnum.show.comparison
from cpnum import cpjit, special
from cpnum.compile.kernel import Clock
from cpnum.compile.skeleton import Entry
from cpnum.pack.stencil import PACKS, Pack
from cpnum.run.machine import machine_of
from cpnum.show.as_html import fold
from cpnum.show.table import Table
from cpnum.show.view import view_of
from cpnum.tables.block import MEANINGS, Hole
from cpnum.tables.isa import LEVELS
from cpnum.trace.arguments import arguments_of


# A function of several lines, calls of another function, and hoisted work.
def helper(x):
    return np.sin(x) * 2.0


def lines(x, y, n):
    r = np.sqrt(x * x + y * n)
    s = helper(r)
    return np.where(s > n, s, r)


def rows_of(report, again=True):
    sections = [each for each in report.view().sections if again or not each.again]
    return [row for section in sections for row in section.rows]


# -- what runs ----------------------------------------------------------------------------------


@runs
def test_report_shows_the_called_kernel_as_it_lies_in_memory():
    x, y, a = arguments()
    function = cpjit(wave)
    function(x, y, a)
    placement = function._slow.prepared(arguments_of(wave, (x, y, a), {}), None).placement
    report = function.explain(x, y, a)
    assert report.code == placement.region.read() == report.kernel.code.data
    assert report.kernel.entry is Entry.CALLED
    assert view_bytes(report.view(), report.code) == report.code


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", CASES)
def test_every_byte_is_shown(name, level):
    function, values = CASES[name]
    report = cpjit(function, isa=level).report((values, None, {}), timed=False)
    assert view_bytes(report.view(raw=True), report.code) == report.code


@runs
def test_the_bound_code_is_the_one_of_the_bound_call():
    x, y, a = arguments()
    report = explained(wave, x, y, a)
    assert report.bound.kernel.entry is Entry.BOUND
    assert report.bound.data != report.code
    assert struct.pack("<d", a) in report.bound.data
    assert hex(x.ctypes.data) in report.text(parts=("bound",), full=True, raw=True)
    assert hex(x.ctypes.data) not in report.text(parts=("bound",), full=True)


@runs
def test_holes_show_what_was_patched_into_them():
    x, y, a = arguments()
    view = view_of(*explained(wave, x, y, a).bound[:2])

    def after(meaning, raw):
        shown = view_of(*explained(wave, x, y, a).bound[:2], raw=raw) if raw else view
        holes = [hole for section in shown.sections for row in section.rows for hole in row.holes]
        (hole,) = [each for each in holes if each.name == "IMMEDIATE" and each.meaning == meaning]
        assert hole.before == "00 00 00 00 00 00 00 00"
        return hole.after

    assert after("<a>", False) == struct.pack("<d", a).hex(" ")
    assert after("<inner stride of y>", False) == struct.pack("<q", 16).hex(" ")
    assert after("<extent of i1>", False) == struct.pack("<q", 7).hex(" ")
    assert after("<y.data>", False) == ".. .. .. .. .. .. .. .."
    assert after("<y.data>", True) == struct.pack("<Q", y.ctypes.data).hex(" ")


@runs
def test_report_is_the_same_for_arrays_elsewhere():
    parts = ("code", "why", "graph", "loops", "holes", "bound", "key")
    kept = [arguments() for _ in range(2)]  # or the second ones would lie where the first did
    first, second = (explained(wave, *each) for each in kept)
    texts = [each.text(parts=parts, full=True).partition("\n\n")[2] for each in (first, second)]
    assert texts[0] == texts[1]
    raw = [each.text(parts=parts, full=True, raw=True) for each in (first, second)]
    assert raw[0].partition("\n\n")[2] != raw[1].partition("\n\n")[2]


def test_code_that_cannot_run_here_is_shown_and_said_not_to_run():
    other = next(name for name in ("aarch64", "x86-64-v3") if machine_of(LEVELS[name]) is None)
    report = cpjit(wave, isa=other).explain(*arguments())
    assert not report.ran
    assert report.code == report.kernel.code.data
    assert "not run as machine code: this machine cannot run it" in report.head
    assert ", not run here\n" in str(report)
    assert report.shown() == ("code", "why", "stages", "graph", "loops", "key")


# -- links --------------------------------------------------------------------------------------


def test_each_stencil_has_the_line_that_it_computes():
    report = cpjit(lines, isa="x86-64-v4").explain(np.ones(9), np.ones((2, 9)), 2.0)
    first = lines.__code__.co_firstlineno
    by_stencil = {}
    for row in rows_of(report):
        line = None if row.location is None else row.location[1]
        by_stencil.setdefault(row.stencil, set()).add(line)
    assert by_stencil["sqrt_f64"] == {first + 1}
    assert by_stencil["sin_f64"] == {helper.__code__.co_firstlineno + 1}
    assert by_stencil["where_greater_f64"] == {first + 3}
    assert by_stencil["load_f64"] == {first + 1}
    assert by_stencil["store_f64"] == {first + 3}
    assert by_stencil["entry"] == {None}
    sizes = {line.location[1]: line.size for line in report.view().source}
    assert sizes[first] == 0
    assert sizes[helper.__code__.co_firstlineno + 1] > 300
    loops = sum(row.size * (1 + len(row.copies)) for row in rows_of(report) if row.location)
    assert sum(sizes.values()) == loops


def test_a_function_without_operations_shows_its_lines():
    def same(x):
        return np.copy(x)

    report = cpjit(same, isa="x86-64-v4").explain(np.ones(3))
    assert [line.text.strip() for line in report.view().source] == [
        "def same(x):",
        "return np.copy(x)",
    ]


def test_a_value_has_one_name_in_all_parts():
    report = cpjit(lines, isa="x86-64-v4").explain(np.ones(9), np.ones((2, 9)), 2.0)
    for part in ("graph", "loops"):
        named = dict(
            re.findall(r"^ +(%\d+) = (\w+)", "\n".join(t for _, t in report.lines(part)), re.M)
        )
        assert named["%5"] == "sin"
    assert any(row.value.startswith("%5 = sin_f64 %4") for row in rows_of(report))


def test_lines_of_several_files_are_told_apart(tmp_path):
    file = tmp_path / "other.py"
    file.write_text("def doubled(x):\n    return x + x\n")
    scope = {}
    exec(compile(file.read_text(), str(file), "exec"), scope)
    report = cpjit(lambda x: scope["doubled"](x) * 3.0, isa="x86-64-v4").explain(np.ones(3))
    tags = set(report.view().tags.values())
    assert {tag[0] for tag in tags} == {"a", "b"}
    assert "other.py" in report.text(parts=("code",))


def test_a_value_is_live_from_its_row_to_its_last_use():
    report = cpjit(lines, isa="x86-64-v4").explain(np.ones(9), np.ones((2, 9)), 2.0)
    rows = {row.number: row for row in rows_of(report)}
    for row in rows.values():
        if row.live is None:
            continue
        first, last = row.live
        assert first == row.number
        name = row.value.split(" = ")[0].split()[0]
        assert last == first or name in rows[last].value.split(" = ")[-1].split()
    sine = next(row for row in rows.values() if row.stencil == "sin_f64")
    assert rows[sine.live[1]].stencil == "add_f64"  # twice the sine


def test_interleaved_vectors_are_folded_into_the_first():
    function, values = CASES["interleaved"]
    report = cpjit(function, isa="x86-64-v4").explain(*values)
    vectors = report.kernel.loop_nest.vectors
    (main,) = [each for each in report.view().sections if each.title.endswith(f"{vectors} x 8")]
    counts = {len(row.copies) for row in main.rows if row.location is not None}
    assert counts == {vectors - 1}
    assert f"x {vectors}" in report.text(parts=("code",))


# -- reasons ------------------------------------------------------------------------------------


def reasons_of(function, *values, **options):
    report = cpjit(function, isa="x86-64-v4", **options).explain(*values)
    return " | ".join(reason.text for reason in report.why())


def test_reasons():
    x = np.ones((3, 8))
    hoisted = reasons_of(lambda x, y: np.sin(y) * x, x, x[:, :1])
    assert "%0 = sin is computed once for each i0, because it is the same along i1" in hoisted
    assert "y is broadcast along i1: it is read outside of that loop" in hoisted
    once = reasons_of(lambda x, n: x * np.sqrt(n), x, 2.0)
    assert "= sqrt is computed once a call, because it is the same for all elements" in once
    python = reasons_of(lambda x, n: x * (n + 1), x, 2)
    assert "%0 = add is computed by Python once a call" in python
    assert "x is converted from i32 to f64" in reasons_of(lambda x: x * 0.5, np.ones(3, "i4"))
    assert "x is strided along i0" in reasons_of(lambda x: x * 0.5, np.ones(9)[::3])
    summed = reasons_of(lambda x, y: x * y + x, x, x)
    assert "%0 = multiply is rounded before the addition" in summed
    assert "rounded" not in reasons_of(lambda x, y: x * y + x, x, x, fastmath=True)
    assert "8 vectors of 8 at once: too few operations" in reasons_of(*_case("interleaved"))
    assert "values are spilled to memory and reloaded" in reasons_of(*_case("tree"))
    assert "1 vector of 8 at once: sin alone" in reasons_of(_many_sines, x)


def _many_sines(x):
    for _ in range(20):
        x = np.sin(x)
    return x


def _case(name):
    function, values = CASES[name]
    return function, *values


# -- faces --------------------------------------------------------------------------------------


@runs
def test_report_has_all_its_parts():
    report = cpjit(wave).explain(*arguments())
    assert repr(report) == str(report) == report.text()
    assert report.head[0] == "wave(x: f64[:, :], y: f64[:], a: float) -> f64"
    assert report.head[1].startswith("fused into 2 nested loops, ")
    assert re.fullmatch(r"[\d.]+ ± [\d.]+ x NumPy, .* a call; .*", report.head[2])
    assert re.fullmatch(r"compiled in .*, again in .*", report.head[3])
    full = report.text(full=True)
    titles = ("Source", "Code", "Why", "Time", "Compile time", "Graph", "Loops", "Key")
    assert [each in full for each in (f"\n\n{title}" for title in titles)] == [True] * 8
    stages = [row[0] for row in report.table("stages").rows]
    # The pack is read once, by this kernel or by another one of the process.
    stages = [each for each in stages if each != "read the pack"]
    assert stages == ["trace", "simplify", "schedule", "select", "assign", "emit", "place"]
    assert list(report.timings) == ["called", "bound", "NumPy"]
    assert all(timing.median > 0 for timing in report.timings.values())


@pytest.mark.parametrize("width", (80, 120))
@pytest.mark.parametrize("name", CASES)
def test_text_is_as_wide_as_asked_for(name, width):
    function, values = CASES[name]
    report = cpjit(function, isa="x86-64-v4").explain(*values)
    for full in (False, True):
        assert max(map(len, report.text(width=width, full=full).splitlines())) <= width
    assert max(map(len, report.text(width=0, full=True).splitlines())) > 80


def test_json_has_all_of_it():
    report = cpjit(wave, isa="x86-64-v4").explain(*arguments())
    data = json.loads(json.dumps(report.json()))
    assert bytes.fromhex(data["bytes"]) == report.code
    assert [each["title"] for each in data["sections"]] == [s.title for s in report.view().sections]
    assert data["sections"][0]["rows"][0]["instructions"][0]["assembly"]
    assert data["source"][0]["text"] == "def wave(x, y, a):"


def test_every_hole_has_a_meaning():
    assert set(MEANINGS) == set(Hole)


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
def test_report_without_times_runs_nothing():
    calls = []

    def counted(x):
        calls.append(x)
        return x + 1

    report = explained(counted, np.ones(3))
    assert len(calls) == 2  # traced, and once more for the time of that
    assert "\n\nTime" not in str(report)


@runs
def test_what_the_function_prints_is_not_printed_again(capsys):
    def loud(x):
        print("called")  # noqa: T201
        return x + 1

    report = explained(loud, np.ones(3), timed=True)
    assert capsys.readouterr().out.count("called") == 1  # while it was traced first
    assert report.timings


@runs
def test_an_interrupt_keeps_the_report_without_times():
    calls = []

    def interrupted(x):
        calls.append(x)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return x + 1

    report = explained(interrupted, np.ones(3), timed=True)
    assert not report.timings
    assert str(report).endswith("Time\n  none: they were interrupted")


@runs
def test_a_slow_call_is_timed_once(monkeypatch):
    monkeypatch.setattr(cpnum.show.comparison, "_SECONDS", 0.0)
    report = explained(wave, *arguments(), timed=True)
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
    assert "<by>" in report.text(full=True)
    assert "bit for bit" in report.difference


@runs
def test_special_functions_are_explained():
    scale = cpjit(lambda x: special.erf(x) * 2)
    for report in (special.erf.explain(np.ones(3)), scale.explain(np.ones(3))):
        assert list(report.timings) == ["called", "bound", "NumPy"]
        assert "as written; cpnum.special by Python's math" in report.text(width=0)


@pytest.mark.parametrize("name", special.__all__)
def test_a_special_function_as_written_computes_what_the_compiled_one_does(name):
    function = getattr(special, name)
    for x in (np.float32([0.25, 0.75]), np.array([0.5]), np.array([1, 2]), 0.5, True):
        with np.errstate(all="ignore"):
            expected, written = function(x), function.py_func(x)
        assert (type(written), written.dtype) == (type(expected), expected.dtype)
        np.testing.assert_allclose(written, expected, rtol=1e-6)


def test_a_report_of_a_hundred_operations_is_small():
    def long(x, y):
        for number in range(50):
            x = (x + y) * (number + 0.5)
        return x

    def sines(x):
        for _ in range(10):
            x = np.sin(x)
        return x

    for function, values in ((long, (np.ones(9), np.ones((2, 9)))), (sines, (np.ones(9),))):
        report = cpjit(function, isa="x86-64-v4").explain(*values)
        assert len(report._repr_html_().encode()) <= 150_000
    assert "more: report.text(full=True) has all" in report._repr_html_()
    assert "more" not in report.text(full=True, parts=("code",))


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


def shown(page):
    """Return the text of a page; its spaces may be ones that do not collapse."""
    return "".join(page.texts).replace("\N{NO-BREAK SPACE}", " ")


def test_html_has_what_the_text_has():
    report = cpjit(lines, isa="x86-64-v4").explain(np.ones(9), np.ones((2, 9)), 2.0)
    page = shown(Page(report._repr_html_()))
    for line in report.head:
        assert line in page
    main = {row.stencil for row in rows_of(report, again=False)}
    for row in rows_of(report):
        # Of the tail, the rows that the main loop has are counted.
        if row.stencil not in main or row.number < 20:
            assert row.value in page
            assert all(each.assembly in page for each in row.instructions[:20])
    assert "more rows as in the main loop" in page
    for each in report.view().source:
        assert each.text in page
    for part in ("why", "graph", "loops"):
        assert all(text in page for _, text in report.lines(part))


def test_html_links_lines_by_number_and_class():
    report = cpjit(lines, isa="x86-64-v4").explain(np.ones(9), np.ones((2, 9)), 2.0)
    html = report._repr_html_()
    view = report.view()
    used = [line for line in view.source if line.size]
    for at, line in enumerate(used):
        assert f".cpnum-report:has(.cpn-{at}:is(:hover,:focus-within,:focus)) .cpn-{at}{{" in html
        (source,) = re.findall(rf'<span class="cpn-{at}"[^>]* tabindex=0>([^<]*)', html)
        assert source.split()[0] == view.tags[line.location]
    for classes, text in re.findall(
        r'<details class="cpn-(\d+)"[^>]*><summary><code>([^<]*)', html
    ):
        assert text.split()[0] == view.tags[used[int(classes)].location]


@runs
def test_html_keeps_to_its_own_element():
    page = Page(explained(lambda x: x + 1, np.ones(3))._repr_html_())
    assert page.tags <= {
        *("div", "style", "b", "u", "span", "details", "summary", "pre", "code"),
    }
    assert len(page.style) <= 4000
    style = re.sub(r"@media print\{((?:[^{}]*\{[^}]*\})*)\}", r"\1", page.style.replace("\n", ""))
    selectors = re.sub(r"\{[^}]*\}", ",", style).strip(",").split(",")
    assert selectors
    for selector in selectors:
        assert re.match(r"(html\[[a-z-]+=dark\] )?\.cpnum-report\b|:focus", selector), selector
    for colours in re.findall(r"\{([^}]*)\}", style):
        assert bool(re.search(r"(^|;)color:", colours)) == ("background:" in colours)


def test_html_escapes_everything():
    table = Table("<a>", ("<b>",), (("<c>&", "[X <d>]"), ("<e>",)), "<f>")
    page = Page(table.html())
    assert page.tags == {"pre", "u"}
    assert "".join(page.texts).split() == ["<b>", "<c>&", "[X", "<d>]", "<e>"]
    page = Page(fold("<a>", "", opened=True, note="<f>"))
    assert page.tags == {"details", "summary", "span", "b"}
    assert "".join(page.texts) == "<a> <f>"


def test_holes_are_bracketed_and_underlined():
    table = Table("Code", ("bytes", "hole"), (("62 [STEP 08 00] 1", "STEP"),))
    assert "  62 <u>[STEP 08 00]</u> 1  STEP" in table.html()


def test_columns_and_indentation_need_no_style_sheet():
    """Hosts that drop <style> keep <pre>; JupyterLab aligns the cells of tables to the right."""
    assert Table("Code", ("a", "b"), (("12", "3"), ("4",))).html() == (
        "<pre>  a   b\n  12  3\n  4</pre>"
    )
    page = explained(lambda x: x + 1, np.ones(3))._repr_html_()
    assert "<table" not in page
    assert page.index("<style>") > page.index("</details>")
