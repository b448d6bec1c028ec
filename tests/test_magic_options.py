"""The options of %%cpjit and %cpjit, the expression behind them, and their completion."""

import json

import pytest
from reports import runs

from cpnum import cpjit
from cpnum.errors import RangeError
from cpnum.notebook.examples import examples
from cpnum.notebook.options import OPTIONS
from cpnum.show.report import PARTS, parts_of
from cpnum.tables.isa import LEVELS

F = "def f(x, n):\n    return np.sqrt(x) * n\n"
CALL = f"{F}f(np.ones(99), 2.5);"


@runs
def test_the_parts_that_are_asked_for_are_shown(session):
    code, both, all_parts = session(
        f"%%cpjit --show code\n{CALL}",
        f"%%cpjit -s gt\n{CALL}",
        f"%%cpjit --show {','.join(PARTS.values())}\n{CALL}",
    )
    assert "\n\nCode: " in code.texts[0]
    assert "\n\nTime" not in code.texts[0]
    assert [text.split()[0] for text in both.texts[0].split("\n\n")[1:]] == ["Graph", "Time"]
    titles = [text.split()[0] for text in all_parts.texts[0].split("\n\n")[1:]]
    assert titles == [
        "Source", "Code:", "Why", "Time", "Compile", "Graph", "Loops", "Holes", "Bound", "Key",
    ]  # fmt: skip


@runs
def test_the_bound_code_is_shown_on_request(session):
    plain, bound = session(f"%%cpjit --no-time\n{CALL}", f"%%cpjit --no-time --bound\n{CALL}")
    assert "Bound code" not in plain.texts[0] + plain.html[0]
    assert "\n\nBound code" in bound.texts[0]
    assert "<b>Bound code" in bound.html[0]
    assert "IMMEDIATE" in bound.html[0]
    assert "IMMEDIATE" not in plain.html[0]


@runs
def test_samples_and_loops_are_those_asked_for(session):
    _, counted = session(
        f"%%cpjit -n 3 -r 5 -o report\ncalls = []\n{F.replace('return', 'calls.append(0); return')}"
        "f(np.ones(9), 2.5);",
        "compared = report.comparison; times = compared.timings.values()\n"
        "len(calls), [(each.loops, len(each.samples)) for each in times], compared.runs",
    )
    # Traced twice, run once as written to compare, then for each sample.
    assert counted.value == "(18, [(3, 5), (3, 5), (3, 5)], 16)"


@runs
def test_a_report_is_kept_shown_or_written_as_asked(session, tmp_path):
    files = [tmp_path / name for name in ("report.txt", "report.html", "report.json")]
    *written, quiet, kept, text = session(
        *(f"%%cpjit -q --no-time -T {file}\n{CALL}" for file in files),
        f"%%cpjit -q --no-time --out seen\n{CALL}",
        "type(seen).__name__",
        f"%%cpjit --text --no-time\n{CALL}",
    )
    assert [each.texts for each in written] == [[f"%%cpjit: the report is in {f}"] for f in files]
    as_text, as_html, as_json = (file.read_text(encoding="utf-8") for file in files)
    assert as_text.startswith("f(x: f64[:], n: float) -> f64\n")
    assert "\nKey\n" in as_text
    assert '<div class="cpnum-report">' in as_html
    assert json.loads(as_json)["function"] == "f"
    assert (quiet.texts, kept.value) == ([], "'Report'")
    assert text.html == [None]


@runs
def test_plain_words_stand_beside_the_instructions(session):
    plain, explained = session(f"%%cpjit --no-time\n{CALL}", f"%%cpjit --no-time --explain\n{CALL}")
    assert "lanes of float64" not in plain.texts[0] + plain.html[0]
    assert "lanes of float64" in explained.texts[0]
    assert "lanes of float64" in explained.html[0]


@runs
def test_a_bench_is_shown_on_request(session):
    plain, bench = session(f"%%cpjit --no-time\n{CALL}", f"%%cpjit --no-time --bench\n{CALL}")
    assert len(plain.texts) == 1
    assert len(bench.texts) == 2
    assert "NumPy" in bench.texts[1]
    assert 'class="cpnum-bench"' in bench.html[1]


@runs
def test_a_signature_is_compiled_without_a_call(session):
    f32, named, of_line, not_one = session(
        f"%%cpjit --signature 'f32[:], float'\n{F}",
        f"%%cpjit --signature 'f64[:, :], f64[:]' -f g\n{F}def g(x, y):\n    return x + y\n",
        "%cpjit --signature 'f64[:], int' f",
        f"%%cpjit --signature 'f64[:]'\n{F}def g(x):\n    return x\n",
    )
    assert f32.texts[-1].startswith("f(x: f32[:], n: float) -> f32\n")
    assert "Time" not in f32.texts[-1]
    assert named.texts[-1].startswith("g(x: f64[:, :], y: f64[:]) -> f64\n")
    assert of_line.texts[-1].startswith("f(x: f64[:], n: int) -> f64\n")
    assert "write the name of one function" in not_one.printed


@runs
def test_the_chosen_function_is_shown(session):
    chosen, missing = session(
        f"%%cpjit --no-time -f f\n{F}def g(x):\n    return x + 1\nf(1.0, 2.0); g(np.ones(3));",
        "%%cpjit --no-time -f h\nf(1.0, 2.0);",
    )
    assert chosen.texts[-1].startswith("f(x: float, n: float) -> f64")
    assert chosen.texts[0] == (
        "%%cpjit: the last call of f is shown; the cell also calls g(x: f64[:])"
    )
    assert missing.texts == [
        "%%cpjit: no function h is called; the cell calls f(x: float, n: float)"
    ]


@runs
def test_a_report_says_whether_the_call_was_compiled_before(session):
    first, again, other = session(
        f"%%cpjit --no-time\n{CALL}",
        "%%cpjit --no-time\nf(np.ones(7), 2.5);",
        "%%cpjit --no-time\nf(np.ones((7, 2)), 2.5);",
    )
    assert "\ncompiled by this call in " in first.texts[0]
    assert "\ncompiled by an earlier call in " in again.texts[0]
    assert "\ncompiled by this call in " in other.texts[0]


# -- expressions --------------------------------------------------------------------------------


@runs
def test_an_expression_is_compiled_and_its_value_returned(session):
    _, made, value = session(
        "x, y, scale = np.arange(3.0), np.ones(3), 2",
        "%cpjit --no-time np.sqrt(x * x + y) * scale",
        "_",
    )
    assert made.texts[0].startswith("expression(x: f64[:], y: f64[:], scale: int) -> f64")
    assert "np.sqrt(x * x + y) * scale" in made.texts[0]  # the source
    assert value.value == made.value == "array([2.        , 2.82842712, 4.47213595])"


@runs
def test_a_call_of_a_compiled_function_is_made_as_it_stands(session):
    _, call, method, below = session(
        f"@cpjit\n{F}class A:\n    @cpjit\n    def m(self, x):\n        return x + 1\na = A()",
        "%cpjit --no-time f(np.ones(2), n=3.0)",
        "%cpjit --no-time a.m(np.ones(2))",
        f"%%cpjit --no-time f(np.ones(4), 2.0)\n{F}",
    )
    assert call.value == "array([3., 3.])"
    assert call.texts[0].startswith("f(x: f64[:], n: float) -> f64")
    assert method.texts[0].startswith("m(")
    assert below.value == "array([2., 2., 2., 2.])"
    assert below.texts[0].startswith("f(x: f64[:], n: float) -> f64")


@runs
def test_errors_of_expressions_are_short(session):
    _, wrong, refused, behind = session(
        "x = np.ones(3)",
        "%cpjit x +",
        "%cpjit np.unique(x)",
        "%%cpjit x +\nprint('the cell ran')",
    )
    assert "SyntaxError" in wrong.printed
    assert "np.unique(x)" in refused.printed
    assert "SyntaxError" in behind.printed
    assert "the cell ran" not in behind.printed
    for each in (wrong, refused, behind):
        assert not each.success
        assert len(each.printed.strip().splitlines()) <= 6


# -- completion and help ------------------------------------------------------------------------


def test_options_and_their_values_are_completed(session):
    asked = {
        "%%cpjit --f": ["--function", "--fastmath", "--fallback"],
        "%%cpjit --isa ": list(LEVELS),
        "%cpjit --precision fu": ["full"],
        "%cpjit --fallback ": ["error", "numpy"],
        "%%cpjit -o name --sh": ["--show"],
        "%%cpjit --show lo": ["loops"],
        "%cpbench --th": ["--threads"],
    }
    (cell,) = session(
        "from IPython.core.completer import provisionalcompleter\n"
        f"for line in {list(asked)!r}:\n"
        "    with provisionalcompleter():\n"
        "        found = get_ipython().Completer.completions(line, len(line))\n"
        "        print(*sorted(each.text for each in found))"
    )
    assert cell.printed.splitlines() == [" ".join(sorted(each)) for each in asked.values()]


def test_the_help_has_all_options_and_examples(session):
    (helped,) = session("%cpjit?")
    text = helped.printed + "".join(helped.texts)
    for option in OPTIONS:
        assert option.names[-1] in text
    assert "%cpjit np.sqrt(x * x + y * y)" in text


# -- parts and signatures -----------------------------------------------------------------------


def test_parts_are_named_by_letters_or_names():
    assert parts_of("".join(PARTS)) == tuple(PARTS.values())
    assert parts_of("code, why,code") == ("code", "why")
    for wrong in ("bytes", "code,x", "cx", ""):
        with pytest.raises(RangeError, match="no part of a report"):
            parts_of(wrong)


def test_examples_have_the_signature_that_is_written_down():
    for text in ("f64[:]", "f32[:, 1], float", "i64[:], i32, bool", "b[:, :, :], int"):
        kernel = cpjit(lambda *values: values[0] + 0).lower(*examples(text))
        assert ", ".join(str(each.type) for each in kernel.graph.signature) == text
    (x,) = examples("x: i64[3, 0]")
    assert x.shape == (3, 0)
