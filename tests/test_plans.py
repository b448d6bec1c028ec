"""The steps of programs in reports: their bytes, kernels and buffers; long programs are short."""

import json
import re

import numpy as np
import pytest
from reports import runs

from cpnum import cpjit
from cpnum.ir.program import folded, repeats

SIZE = 1000
X = np.linspace(0.0, 1.0, SIZE)


def explained(function, *arguments, **options):
    compiled = cpjit(function, **options)
    return compiled.report((arguments, None, {}), timed=False)


def rows(function, *arguments):
    """Return the rows of a program, whose names of what steps made have no numbers."""
    return [
        (re.sub(r"^([bt])\d+", r"\1", target), *rest)
        for _, target, *rest in explained(function, *arguments).steps.rows
    ]


def relax(u, n):
    for _ in range(n):
        u[1:-1] = 0.5 * (u[2:] + u[:-2])


def heat(u, n):
    for _ in range(n):
        v = u.copy()
        v[1:-1] = 0.5 * (u[2:] + u[:-2])
        u = v
    return u


def rows_of(a):
    for i in range(1, a.shape[0]):
        a[i] = a[i - 1] * 2 + a[0]


# -- rows ---------------------------------------------------------------------------------------


@runs
def test_rows_say_what_moves_and_who_computes():
    def function(x, y):
        x[:] = x * 2 + y
        y[1:] = y[:-1] * 3
        return np.sort(x) * x.sum()

    whole, inner = 8 * SIZE, 8 * (SIZE - 1)
    assert rows(function, X, X.copy()) == [
        ("x", 2 * whole, whole, "kernel 1", ""),
        # It is computed into a buffer, which is read again.
        ("y[1:]", 2 * inner, 2 * inner, "kernel 2", "through buffer 1"),
        ("b", whole, whole, "numpy.sort", "NumPy's: sorting and searching"),
        ("b", whole, 8, "kernel 3", "sum"),
        ("returns", whole, whole, "kernel 4", ""),
    ]


@runs
def test_the_elements_of_a_broadcast_are_read_once():
    def function(x, row):
        x[:] = x * row

    x = np.ones((20, 30))
    ((_, read, written, *_),) = rows(function, x, np.broadcast_to(x[0], x.shape))
    assert (read, written) == (8 * (600 + 30), 8 * 600)


@runs
def test_rows_of_changes_and_checks():
    def function(x, y):
        if x.min() < -1:
            raise ValueError
        x.sort()
        np.put(y, [0, 1], 5.0)
        y += 1
        return np.linalg.norm(x), x[x.argmax()]

    found = rows(function, X, X.copy())
    by = [(target, by, note) for target, _, _, by, note in found]
    assert by == [
        ("b", "kernel 1", "min"),
        ("t", "kernel 2", ""),
        ("", "Python", "compares contents"),
        ("x", "numpy.ndarray.sort", "NumPy's: sorting and searching"),
        ("y", "numpy.put", "NumPy's: elements by their indices"),
        ("y", "kernel 3", ""),
        ("b", "numpy.linalg.norm", "NumPy's: linear algebra"),
        ("b", "numpy.argmax", "NumPy's: reductions"),
        ("b", "operator.getitem", "NumPy's: elements by their indices"),
    ]


@runs
def test_rows_of_assignments_that_numpy_makes():
    def function(x):
        x[1:] = x[:-1]
        x *= 3

    inner = 8 * (SIZE - 1)
    assert rows(function, X.copy()) == [
        ("x[1:]", inner, inner, "assignment", "NumPy's: from one view of an array to another"),
        ("x", 8 * SIZE, 8 * SIZE, "kernel 1", ""),
    ]


@runs
def test_kernels_have_the_numbers_of_the_reports():
    def function(x, y):
        for _ in range(2):
            x += 1
            y[1:] = np.sqrt(y[:-1])
        z = np.sort(y)
        z[1:] = z[:-1] * 3
        return np.exp(z), y[1:] / 3

    report = explained(function, X.copy(), X.copy())
    by = [row.by for row in report.steps.rows if row.by.startswith("kernel")]
    assert by == [*["kernel 1", "kernel 2"] * 2, "kernel 3", "kernel 4", "kernel 5"]
    operators = {1: "add", 2: "sqrt", 3: "multiply", 4: "exp", 5: "divide"}
    assert len(report.each) == len(operators)
    for number, operator in operators.items():
        assert f" {operator} " in str(report.each[number - 1].kernel.graph)


@runs
def test_a_loop_that_is_planned_for_each_layout_goes_through_a_buffer_of_its_run():
    def function(x):
        y = np.sort(x)
        y[1:] = y[:-1] * 2
        return y

    report = explained(function, X)
    assert report.steps.rows[1].note == "through a buffer"
    assert report.steps.buffers == ()


def test_without_a_machine_there_are_no_buffers(always):
    report = explained(heat, X, 2, isa="aarch64")
    if report.each[0].ran:
        pytest.skip("this machine runs it")
    assert [row.by for row in report.steps.rows] == ["kernel 1", "kernel 2"] * 2
    assert report.steps.buffers == ()
    assert "Buffers" not in str(report)


@runs
def test_the_kernel_of_a_result_in_a_buffer_is_the_one_that_runs(always):
    def function(x):
        y = x[::2]
        y[1:] = y[:-1] * 3

    x = X.copy()
    compiled = cpjit(function)
    compiled(x)
    assert compiled.compiled == 1
    lowered = compiled.lower(x)
    # It would be another kernel that writes to the argument.
    assert compiled.compiled == 1
    assert lowered.loop_nest == compiled.explain(x).each[0].kernel.loop_nest


# -- buffers ------------------------------------------------------------------------------------


@runs
def test_buffers_are_shared_by_values_that_are_not_needed_at_once():
    report = explained(heat, X, 5)
    assert [each[1:] for each in report.steps.buffers] == [
        (8192, ("t2", "t6"), 1, 8),
        (8192, ("t4", "t8"), 3, 10),
    ]
    assert [row.note for row in report.steps.rows] == [
        *("buffer 1", "", "buffer 2", "") * 2,
        *("", ""),  # the caller gets it
    ]
    assert "Buffers (16.0 KB)" in str(report)


@runs
def test_a_buffer_of_many_values_names_a_few():
    text = explained(heat, X, 41).steps.buffer_table().text()
    assert "t2, t6, t10 and 17 more" in text
    assert "t78" in explained(heat, X, 41).steps.buffer_table(full=True).text()


# -- why a call runs as written -----------------------------------------------------------------


@runs
def test_a_report_says_why_a_call_runs_as_written():
    def function(u, v):
        u += v

    small, large = np.ones(8), np.ones(100_000)
    fixed, memory = large.copy(), np.ones(150_000)
    fixed.flags.writeable = False
    for arguments, why in (
        ((small, small.copy()), "the arrays are too small, a program would take about "),
        ((fixed, large), "the function writes to u, which is read-only"),
        (
            (memory[:100_000], memory[50_000:]),
            "the function writes to u, which shares memory with v",
        ),
    ):
        steps = explained(function, *arguments).steps
        assert steps.why.startswith(why)
        assert f"This call runs as written: {why}" in str(steps)
        assert why in steps.html()
        assert steps.json()["as_written"] == steps.why
    assert explained(function, large, large.copy()).steps.why == ""


@runs
def test_the_contents_that_miss_are_said():
    def function(x):
        return x * 2 + 1 if x[0] > 0 else np.sqrt(x)

    compiled = cpjit(function)
    x = np.ones(100_000)
    compiled(x)
    for _ in range(8):
        compiled(x - 1)
    steps = compiled.report(((x,), None, {}), timed=False).steps
    assert steps.why == "contents had another outcome in 8 calls, one after the other"


# -- faces --------------------------------------------------------------------------------------


@runs
def test_steps_stand_above_the_kernels(always):
    report = explained(relax, X.copy(), 50)
    text = str(report)
    assert max(map(len, text.splitlines())) <= 80
    for part in (
        "relax is a program of 50 loops\nrelax(u: f64[:], n: int)\n",
        "  ... so 50 times\n  where n == 50\n  return None\n\nSteps (1.1 MB read and 779.7 KB",
        "\n  step  writes   reads    writes   by        notes\n  1     u[1:-1]  ",
        "\n    ... so 50 times\n\nBuffers (8.0 KB)\n",
        "\n\nkernel 1 of 1: relax(",
    ):
        assert part in text
    assert text.count("kernel 1  through buffer 1") == 1
    assert repr(report) == text


@runs
def test_steps_in_html_and_json(always):
    report = explained(lambda x: np.sort(x * 2) - x.sum(), X)
    html = report.html()
    assert html.index("<b>Steps</b> <span>") < html.index("kernel 1 of 3")
    assert "NumPy&#x27;s: sorting and searching" in html
    for foreign in ("<script", "<table"):
        assert foreign not in html
    values = json.loads(json.dumps(report.json()))
    assert values["as_written"] == ""
    assert [each["number"] for each in values["steps"]] == [1, 2, 3, 4]
    assert values["steps"][1]["by"] == "numpy.sort"
    assert values["buffers"] == [
        {"number": 1, "size": 8192, "names": ["t3"], "first": 1, "last": 2}
    ]
    assert len(values["kernels"]) == 3


@runs
def test_errors_of_the_run_that_plans_are_not_reported(always):
    with np.errstate(all="raise"):
        report = explained(lambda x: np.sort(1 / x), X)
    assert len(report.steps.rows) == 2


# -- long programs ------------------------------------------------------------------------------


def triangles(a):
    n = len(a)
    for k in range(n - 1):
        a[k + 1 :, k] /= a[k, k]
        a[k + 1 :, k + 1 :] -= a[k + 1 :, k : k + 1] * a[k, k + 1 :]


LONG = {
    "one loop": (relax, (np.ones(50), 1000)),
    "new names": (heat, (np.ones(50), 1000)),
    "rows": (rows_of, (np.ones((1001, 3)),)),
    "other extents": (triangles, (np.eye(60),)),
    "other functions": (lambda x: [np.sort(x * k) for k in range(300)], (X,)),
}


@runs
@pytest.mark.parametrize("name", LONG)
def test_texts_of_long_programs_are_short(name, always):
    function, arguments = LONG[name]
    report = explained(function, *arguments)
    program = report.steps.program
    assert len(program.steps) > 100
    kernels = cpjit(function).lower(*arguments)
    for text in (str(program), report.steps.text(), repr(kernels), repr(program)):
        assert len(text) < 20_000
    assert len(kernels._repr_html_()) < 30_000
    assert len(str(report)) < 60_000
    assert len(report.html()) < 250_000


@runs
def test_long_tables_are_cut(always):
    x = np.ones(3600)
    steps = explained(lambda x: [np.sort(x[: k * k]) * x[0] for k in range(60)], x).steps
    cut = steps.table().text().splitlines()
    assert len(cut) == 43
    assert "more rows: text(full=True) has all" in cut[32]
    assert len(steps.table(full=True).rows) > 55


def powers(x):
    """Return the medians of ten computed arrays, each by a kernel of its own."""
    return [np.median(x * float(k)) for k in range(10)]


@runs
def test_a_report_shows_the_first_kernels(always):
    report = explained(powers, X)
    assert len(report.each) > 8
    more = len(report.each) - 8
    assert f"and {more} more kernels: text(full=True) has all" in str(report)
    assert f"kernel 9 of {len(report.each)}" not in str(report)
    assert f"kernel 9 of {len(report.each)}" in report.text(full=True)
    kernels = cpjit(powers).lower(X)
    assert f"and {more} more kernels" in kernels._repr_html_()


@runs
def test_the_text_of_kernels_has_all_of_them(always):
    kernels = cpjit(lambda x: np.sort(x * 2) / x.sum()).lower(X)
    text = str(kernels)
    assert text.startswith(str(kernels.graph))
    for each in kernels.each:
        assert str(each) in text


def test_steps_are_folded_if_names_and_indices_move_alike():
    def text(*lines, made=()):
        return folded(lines, lambda at: [lines[at]], made)

    same = ["x[1:-1] = x"] * 3
    assert text(*same) == ["x[1:-1] = x", "  ... so 3 times"]
    indices = [f"x[{k}, -{k}:{2 * k + 1}] = x" for k in (1, 2, 3)]
    assert text(*indices) == [indices[0], f"  ... so 3 times, until {indices[-1]}"]
    others = [f"x[{k}] = x" for k in (1, 2, 4)]
    assert text(*others) == [others[0], f"  ... so 2 times, until {others[1]}", others[2]]
    constants = [f"x = multiply x {k}" for k in (1, 2, 3)]
    assert text(*constants) == constants
    names = ["t2 = t1", "t3 = t2", "t4 = t3"]
    assert text(*names, made=["t1", "t2", "t3", "t4"])[1:] == ["  ... so 3 times, until t4 = t3"]
    assert text(*names) == names


def test_long_texts_of_steps_are_cut_in_the_middle():
    lines = [f"x = multiply x {k * k}" for k in range(1000)]
    found = folded(lines, lambda at: [lines[at]])
    assert found[:80] == lines[:80]
    assert found[80:] == ["  ... and 900 more steps", *lines[-20:]]


def test_the_longest_repeat_is_taken():
    steps = "abab" * 3 + "c"
    assert [(each.at, each.length, each.times) for each in repeats(steps)] == [
        (0, 2, 6),
        (12, 1, 1),
    ]
