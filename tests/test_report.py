"""Listings and reports: every byte is shown, read back from the memory that runs, and escaped."""

import functools
import html.parser
import re
import struct
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import cpnum.show.report
from cpnum import cpjit, special
from cpnum.run import memory
from cpnum.show.listing import code_table, disassembled, hole_table, listing
from cpnum.show.report import Report, difference
from cpnum.show.table import Table
from cpnum.tables import isa
from cpnum.trace.trace import as_written

LEVELS = list(isa.LEVELS)
MARKS = re.compile(r"\[[A-Z]\w* |[\[\]()]")

runs = pytest.mark.skipif(
    isa.host() is None or memory.mode()[0] == "none", reason="machine code cannot run here"
)


def wave(x, y, a):
    return np.where(x > y, np.sin(x) * a, np.exp(-y)) / 3.0


def arguments():
    # One contiguous, one strided, broadcast along an outer axis; one scalar.
    return np.linspace(0.1, 2.0, 21).reshape(3, 7), np.linspace(1.0, 5.0, 14)[::2], 2.5


def code_bytes(tables):
    """Return the bytes that the code's tables show."""
    rows = [row for table in tables if table.title.startswith("Code") for row in table.rows]
    return bytes.fromhex(" ".join(MARKS.sub("", row[1]) for row in rows if len(row) > 1))


def without_times(report):
    tables = report.tables()
    assert tables[0].title == "Compile time"
    return "\n".join(table.text() for table in tables[1:])


def explained(function, *values, timed=False, **keywords):
    jit = cpjit(function)
    bound = jit.bind(*values, **keywords)
    return Report(jit.lower(*values, **keywords), bound, jit, values, keywords, timed=timed), bound


# -- the listing --------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
def test_listing_has_every_byte(level):
    kernel = cpjit(wave, isa=level).lower(*arguments())
    table = code_table(kernel, kernel.code.data, raw=True)
    assert code_bytes([table]) == kernel.code.data


@pytest.mark.parametrize("level", LEVELS)
def test_every_instruction_is_decoded(level):
    kernel = cpjit(wave, isa=level).lower(*arguments())
    code = listing(kernel).partition("  constants:")[0]
    assert ".byte" not in code
    assert len(code.splitlines()) > 100


@pytest.mark.parametrize("level", LEVELS)
def test_listing_without_capstone_has_the_bytes(level, monkeypatch):
    kernel = cpjit(wave, isa=level).lower(*arguments())
    monkeypatch.setitem(sys.modules, "capstone", None)
    table = code_table(kernel, kernel.code.data, raw=True)
    assert code_bytes([table]) == kernel.code.data


def test_what_cannot_be_decoded_is_shown_as_bytes():
    # 06 is no instruction in 64-bit mode; aarch64 has none of three bytes.
    assert list(disassembled(b"\x06\x90", 0, "x86_64")) == [
        (b"\x06", ".byte 0x06"),
        (b"\x90", "nop"),
    ]
    assert list(disassembled(b"\xc0\x03\x5f\xd6\x01\x02\x03", 0, "aarch64")) == [
        (b"\xc0\x03\x5f\xd6", "ret"),
        (b"\x01\x02\x03", ".byte 0x01, 0x02, 0x03"),
    ]


def test_listing_names_stencils_registers_holes_and_constants():
    text = listing(cpjit(lambda x: x * 2.5, isa="x86-64-v4").lower(np.ones(3)))
    assert re.search(r"^  0x[0-9a-f]{4}  multiply_f64 r\d+ r\d+ r\d+$", text, re.M)
    multiply = r"62 \(.. .. ..\) 59 \(..\)  +vmulpd zmm\d+, zmm\d+, zmm\d+$"
    assert re.search(multiply, text, re.M)
    load = r"62 .*\[OFFSET 00 00 00 00\]  +vmovups zmm\d+, zmmword ptr .*  OFFSET: 0$"
    assert re.search(load, text, re.M)
    assert re.search(r"\[HEAD .. .. .. ..\]  +jle 0x[0-9a-f]+  +HEAD: by1$", text, re.M)
    assert re.search(r"00 00 00 00 00 00 04 40  +\.quad 0x4004000000000000  +2\.5$", text, re.M)
    assert "  by1:\n" in text


def test_inspect_asm_has_the_listing():
    jit = cpjit(wave, isa="aarch64")
    kernel = jit.lower(*arguments())
    assert jit.inspect_asm() == {"f64[:, :], f64[:], float": listing(kernel)}


@pytest.mark.parametrize("level", LEVELS)
def test_lines_are_not_wider_than_their_instructions(level):
    # A stencil may read a table of hundreds of bytes; it is shown where it lies, once.
    kernel = cpjit(lambda x: np.sin(x) + np.arctan(x) + np.log(x), isa=level).lower(np.ones(3))
    holes = hole_table(kernel, kernel.code.data, raw=False).text()
    for text in (listing(kernel), holes):
        longest = max(text.splitlines(), key=len)
        assert len(longest) <= 240, longest


@pytest.mark.parametrize("level", ["x86-64-v4", "x86-64-v3"])
def test_instructions_that_read_a_table_show_what_they_read(level):
    kernel = cpjit(lambda x: np.sin(x), isa=level).lower(np.ones(3))
    pattern = r"\[CONSTANT .. .. .. ..\].* qword ptr \[rip .*CONSTANT: (0x[0-9a-f]+)$"
    read = {int(number, 16) for number in re.findall(pattern, listing(kernel), re.M)}
    (table,) = [each for each in kernel.code.pool if len(each) > 64]
    assert read == read & {word for (word,) in struct.iter_unpack("<Q", table)}
    assert struct.unpack("<Q", struct.pack("<d", 2 / np.pi))[0] in read
    assert struct.unpack("<Q", table[-8:])[0] in read


# -- the report ---------------------------------------------------------------------------------


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
    assert stages == ["trace", "simplify", "schedule", "select", "assign", "emit", "place"]
    assert list(report.timings) == ["called", "bound", "NumPy"]
    assert all(timing.median > 0 for timing in report.timings.values())


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
def test_a_slow_call_is_timed_once(monkeypatch):
    monkeypatch.setattr(cpnum.show.report, "_SECONDS", 0.0)
    report, _ = explained(wave, *arguments(), timed=True)
    assert {len(timing.samples) for timing in report.timings.values()} == {1}
    assert "Time (one call each)" in str(report)


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
        *("table", "tr", "th", "td"),
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
    assert "<td>62 <u>[STEP 08 00]</u> 1</td>" in table.html(opened=False)


# -- the comparison with NumPy ------------------------------------------------------------------


def test_difference_counts_ulps():
    one = np.ones(5)
    off = one.copy()
    off[3] = np.nextafter(np.nextafter(1.0, 2.0), 2.0)
    assert difference(one, one) == "the result is that of NumPy, bit for bit"
    wanted = "at most 2 ULP from the result of NumPy, 1 of 5 elements differ"
    assert difference(one, off) == wanted


def test_difference_sees_zeros_and_nans():
    assert "1 of 1 elements differ" in difference(np.array([0.0]), np.array([-0.0]))
    assert "bit for bit" in difference(np.array([np.nan]), np.array([np.nan]))
    assert "at most inf ULP" in difference(np.array([np.nan]), np.array([1.0]))


def test_difference_says_that_numpys_result_is_converted():
    assert (
        difference(np.float32([1.5]), np.array([1.5]))
        == "the result is that of NumPy, converted from float64 to float32, bit for bit"
    )
    assert "result of NumPy, converted from int64 to float64, 1" in difference(
        np.array([1.5]), np.array([1])
    )


def test_difference_of_integers_is_a_number_of_elements():
    assert difference(np.array([1, 2, 3]), np.array([1, 5, 5])) == "2 of 3 elements differ"


def test_difference_looks_at_every_part_of_a_large_result():
    one = np.ones(cpnum.show.report._CHUNK * 2 + 5)
    off = one.copy()
    off[[0, -1]] = np.nextafter(1.0, 2.0), 3.0
    assert f"2 of {one.size:,} elements differ" in difference(one, off)


# -- NumPy's time ---------------------------------------------------------------------------------

half = cpjit(lambda x: x / 2)
table = {"half": half}


def helper(x):
    return half(x)


CALLERS = {
    "by its name": lambda x: half(x) + 1,
    "in a function": lambda x: helper(x) + 1,
    "in a table": lambda x: table["half"](x) + 1,
    "as a default": lambda x, h=half: h(x) + 1,
    "in a function of its own": lambda x: (lambda y: half(y))(x) + 1,
    "in a list": lambda x: sum([half(x) for _ in range(2)]),
    "by functools.partial": lambda x: functools.partial(half)(x) + 1,
}


@runs
@pytest.mark.parametrize("name", CALLERS)
def test_numpys_time_is_without_compiled_code_however_it_is_called(name):
    outer = cpjit(CALLERS[name])
    compiled = []
    run = type(half)._run

    def noted(self, *rest):
        compiled.append(self)
        return run(self, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(half), "_run", noted)
        report = outer.explain(np.ones(3))
    assert "NumPy" in report.timings
    assert set(compiled) == {outer}


@runs
@pytest.mark.parametrize(
    ("times", "result"),
    [(1, [0.0, 1.0, 2.0]), (3, [0.0, 2.0, 4.0])],
    ids=["after one run", "after three runs"],
)
def test_a_function_that_fails_when_it_runs_again_leaves_a_report(times, result):
    left = iter([2.0] * times)
    x = np.arange(3.0)
    report = cpjit(lambda x: x * next(left)).explain(x, out=x)
    assert report.timings == {}
    assert x.tolist() == result
    assert str(report).endswith("\n\nTime\n  none: run again, the function raised StopIteration")


# 1.0 as written, 0.0 as compiled.
is_written = cpjit(lambda x: x * float(type(x) is np.ndarray))


def test_only_the_thread_that_asks_runs_functions_as_written():
    with as_written(), ThreadPoolExecutor(1) as other:
        assert is_written(np.ones(1)) == 1.0
        assert other.submit(is_written, np.ones(1)).result() == 0.0
    assert is_written(np.ones(1)) == 0.0


def test_a_function_as_written_fills_out():
    out = np.empty(1, "f4")
    with as_written():
        assert is_written(np.ones(1), out=out) is out
    assert out == 1.0


@runs
def test_a_report_calls_the_function_a_few_times():
    calls = []

    def noted(x):
        calls.append(x)
        return x + 1

    cpjit(noted).explain(np.ones(3))
    assert 1 < len(calls) <= 2 + cpnum.show.report._CALLS
