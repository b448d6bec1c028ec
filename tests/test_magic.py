"""%%cpjit in an IPython of its own: what it compiles, what it shows, and what it leaves behind."""

import os
import re
import subprocess
import sys

from reports import runs

from cpnum.tables import isa

# The ways in which a user calls a compiled function.
USES = ("(np.ones(3))", ".bind(np.ones(3))", ".lower(np.ones(3))", ".explain(np.ones(3))")


NORM = (
    "def norm(x, y):\n    return np.sqrt(x * x + y * y)\n\nnorm(np.full(3, 3.0), np.full(3, 4.0))"
)


@runs
def test_cell_is_compiled_run_and_shown_in_both_faces(session):
    (cell,) = session(f"%%cpjit\n{NORM}")
    assert cell.success
    assert cell.value == "array([5., 5., 5.])"
    (report,) = cell.texts
    assert report.startswith("norm(x: f64[:], y: f64[:]) -> f64")
    for title in ("Source", "Code", "Why", "Time"):
        assert f"\n\n{title}" in report
    assert '<div class="cpnum-report">' in cell.html[0]
    assert "norm(x: f64[:], y: f64[:]) -&gt; f64</b>" in cell.html[0]


@runs
def test_cell_without_its_first_line_is_the_same_working_python(session):
    cells = [
        NORM,
        "scale = 2.0\ndef a(x):\n    return x * scale\ndef b(x):\n    return a(x) + 1\nb(4.0)",
        "total = 0\nfor number in range(5):\n    total += number\ntotal",
        "def nothing():\n    return 'text'\nnothing()",
        "def numbers(n):\n    yield from range(n)\nlist(numbers(3))",
        "@cpjit(fastmath=True)\ndef c(x):\n    return x * 3\nc(2.0);",
        "y = np.arange(3.0)\n@cpjit\ndef d(x):\n    return x + 1\nd(y, out=y)\ny",
        "[each for each in range(3)]\n",
        "pass",
        "# nothing",
    ]
    plain = session(*cells)
    magic = session(*[f"%%cpjit --no-time\n{cell}" for cell in cells])
    for cell, without, with_magic in zip(cells, plain, magic, strict=True):
        assert without.success, cell
        assert with_magic.success, with_magic.printed
        assert _number(without.value) == _number(with_magic.value), cell
        assert without.texts == []
    assert [bool(each.value) for each in plain] == [
        *(True, True, True, True, True),
        *(False, True, True, False, False),
    ]


def _number(value):
    # Given a Python number, a function of NumPy's returns a NumPy number; `*` alone does not.
    return value and re.sub(r"np\.float64\((.*)\)", r"\1", value)


def test_every_function_with_parameters_is_compiled_and_no_other(session):
    compiled = (
        "def args(*xs): return xs[0]",
        "def keywords(**named): return named['x']",
        "if True:\n    def below_if(x): return x",
        "try:\n    pass\nfinally:\n    for _ in 'a':\n        def deep(x): return x",
    )
    others = (
        "def none(): return 1",
        "def generator(x): yield x",
        "async def later(x): return x",
        "class Class:\n    def method(self, x): return x",
        "def outer(x):\n    def inner(y): return y\n    return inner",
    )
    names = "args, keywords, below_if, deep, none, generator, later, Class.method, outer.py_func(1)"
    _, kinds = session(
        "%%cpjit\n" + "\n".join(compiled + others),
        f"' '.join(type(each).__name__ for each in ({names}))",
    )
    assert kinds.value == repr(" ".join(["Jit"] * 4 + ["function"] * 5))


def test_a_cell_may_run_another_one(session):
    inner = "get_ipython().run_cell_magic('cpjit', '', 'def g(x): return x')"
    cell, kinds, left = session(
        f"%%cpjit\n{inner}\ndef f(x):\n    return x",
        "type(f).__name__, type(g).__name__",
        "[each for each in globals() if 'cpnum' in each]",
    )
    assert cell.success
    assert kinds.value == "('Jit', 'Jit')"
    assert left.value == "[]"


def test_what_ipython_is_told_to_show_is_shown(session):
    cells = ["1\n2", "1\n2;", "a = 5", "a: int = 6", "a = b = 7", "for i in 3, 4: i", "pass"]

    def values(prefix):
        told = [
            (
                f"get_ipython().ast_node_interactivity = {shown!r}",
                *[prefix + each for each in cells],
            )
            for shown in ("all", "last", "last_expr", "last_expr_or_assign", "none")
        ]
        return [each.value for each in session(*[each for cells in told for each in cells])]

    assert values("%%cpjit\n") == values("")


def test_an_embedded_shell_has_the_names_of_its_module(tmp_path):
    script = """
from IPython.terminal.embed import InteractiveShellEmbed
from cpnum.notebook import magic
OUTSIDE = 2.0

def main():
    local = 3.0
    shell = InteractiveShellEmbed(colors="nocolor")
    shell.history_manager.enabled = False
    magic.register(shell)
    def interact():
        cell = "%%cpjit --no-time\\ndef f(x):\\n    return x * OUTSIDE\\nf(local)"
        shell.run_cell(cell).raise_error()
    shell.interact = interact
    shell()

main()
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "IPYTHONDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "6.0" in done.stdout


@runs
def test_the_last_call_is_shown(session):
    define = "@cpjit\ndef f(x):\n    return x + 1\n@cpjit\ndef g(x):\n    return f(x) * 2\n"
    of_both, of_f, fallen, earlier = session(
        f"%%cpjit --no-time\n{define}f(1.0); g(1.0); g(np.ones(2));",
        f"%%cpjit --no-time\n{define}g(1.0); f(np.float64(1.0));",
        "%%cpjit --no-time --fallback numpy\n"
        "import warnings\nwarnings.simplefilter('ignore')\n"
        "def h(x):\n    return g(np.linalg.eigvals(x).real)\nh(np.eye(2));",
        "%%cpjit --no-time\nf(np.float64(2.0));",
    )
    assert of_both.texts[-1].startswith("g(x: f64[:]) -> f64")
    assert of_both.texts[:-1] == [
        "%%cpjit: the last call is shown; the cell also calls f(x: float) and g(x: float)"
    ]
    assert of_f.texts[-1].startswith("f(x: f64) -> f64")
    assert fallen.texts[-1].startswith("%%cpjit: h has no machine code")
    assert earlier.texts[-1].startswith("f(x: f64) -> f64")


@runs
def test_calls_are_counted_by_signature(session):
    (cell,) = session(
        "%%cpjit --no-time\ndef f(x, n):\n    return x + n\n"
        "for i in range(1000):\n    f(np.ones(2), i), f(np.ones((2, 2)), n=i)\nf(1.0, 2);",
    )
    assert cell.texts[0] == (
        "%%cpjit: the last call is shown; the cell also calls f(x: f64[:], n: int) 1000 times and "
        "f(x: f64[:, :], n: int) 1000 times"
    )


@runs
def test_a_function_prints_in_the_cell_once_for_each_call(session):
    (cell,) = session("%%cpjit\ndef f(x):\n    print('called')\n    return x + 1\nf(np.ones(3));")
    assert cell.printed.count("called") == 1
    assert "NumPy" in cell.texts[-1]


def test_below_timeit_it_is_refused(session):
    (cell,) = session("%%timeit\n%%cpjit\ndef f(x):\n    return x\nf(1.0)")
    assert "UsageError: %%cpjit: write %timeit f(x) in a cell below" in cell.printed
    assert not cell.texts


@runs
def test_calls_by_other_threads_are_counted_and_not_shown(session):
    there, here_too = session(
        "%%cpjit --no-time\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def f(x):\n    return x + 1\n"
        "with ThreadPoolExecutor(2) as pool:\n    list(pool.map(f, [1.0, 2.0, 3.0]))\n",
        "%%cpjit --no-time\n"
        "f(np.ones(2))\n"
        "with ThreadPoolExecutor(2) as pool:\n    list(pool.map(f, [1.0, 2.0]))\n",
    )
    assert there.texts[-2:] == [
        "%%cpjit: calls by other threads, which are not shown: 3",
        "%%cpjit: f is compiled at the first call",
    ]
    assert here_too.texts[-2] == "%%cpjit: calls by other threads, which are not shown: 2"
    assert here_too.texts[-1].startswith("f(x: f64[:]) -> f64")


@runs
def test_a_call_into_its_own_argument_is_not_made_twice(session):
    _, seen = session(
        "%%cpjit\ny = np.zeros(3)\ndef d(x):\n    return x + 1\nd(y, out=y);",
        "y.tolist()",
    )
    assert seen.value == "[1.0, 1.0, 1.0]"


@runs
def test_the_kernel_shown_is_the_one_that_ran_whatever_the_strides_of_out(session):
    define = "def f(x):\n    return x * 2\nx, z = np.arange(10.0), np.arange(40.0)\n"
    outs = ["z[::4]", "z[10:0:-1]", "z[:10]", "z.reshape(10, 4)[:, 1:2].T"]
    cells = [f"%%cpjit -o seen\n{define}out = {out}\nf(x, out=out);" for out in outs]
    seen = "str(seen.kernel) == str(f.lower(x, out=out)), np.array_equal(out.ravel(), 2 * x)"
    outcomes = session(*[each for cell in cells for each in (cell, seen)])
    assert [each.value for each in outcomes[1::2]] == ["(True, True)"] * len(outs)


@runs
def test_options_are_passed_on(session):
    define = "def f(x):\n    return x * 2.5 + 1\nf(np.ones(3));"
    fast, kept, level, helped = session(
        f"%%cpjit --fastmath --precision fast --no-time -o seen\n{define}",
        "type(seen).__name__, f.fastmath, f.precision, f.fallback, 'Time (' in str(seen), "
        "seen.kernel.graph",
        f"%%cpjit --isa x86-64-v3 --no-time\n{define}",
        "%%cpjit?",
    )
    assert fast.success
    assert kept.value.startswith("('Report', True, 'fast', 'error', False, ")
    if isa.runs_here(isa.LEVELS["x86-64-v3"]):
        assert "4 elements at once (x86-64-v3)" in level.texts[-1]
    assert "--fallback" in helped.printed + "".join(helped.texts)


def test_wrong_options_and_cells_are_usage_errors(session):
    messages = {
        "%%cpjit --fallbck error\n1": "there is no option --fallbck, did you mean --fallback?",
        "%%cpjit --fast-math\n1": "there is no option --fast-math, did you mean --fastmath?",
        "%%cpjit --xyz\n1": "there is no option --xyz, `%%cpjit?` lists the options",
        "%%cpjit --out\n1": "--out takes a value: --out NAME",
        "%%cpjit --text=no\n1": "--text takes no value",
        "%%cpjit -r few\n1": "argument -r: invalid int value: 'few'",
        "%%cpjit --show code,bytes\n1": "no part of a report is called 'bytes'",
        "%%cpjit --signature 'f65[:]'\ndef f(x):\n    return x": "the text is no signature",
        "%cpjit": "write an expression behind it",
        "%cpjit np.sin(1.0)": "no name in np.sin(1.0) stands for an array or a number",
        "%%cpjit --isa x86-64-v9\n1": "%%cpjit: argument --isa: invalid choice: 'x86-64-v9'",
        "%%cpjit -o 1a\n1": "1a is not a name",
        "%%cpjit -o class\n1": "class is not a name",
        "%%cpjit --signature 'a\n1": "No closing quotation",
        "%%cpjit\n\n%%time\n1": "write %%time above %%cpjit",
        "import asyncio": "",
        "%%cpjit\nawait asyncio.sleep(0)\n1": "write the `await` in a cell of its own",
        "%%cpjit\n1\nawait asyncio.sleep(0, 'done')": "write the `await` in a cell of its own",
    }
    for cell, message in zip(session(*messages), messages.values(), strict=True):
        assert ("UsageError" in cell.printed) == bool(message), cell.printed
        assert message in cell.printed
        assert not cell.texts
        assert not cell.value


def test_no_report_after_a_syntax_error_and_the_line_is_the_users(session):
    cell, names = session("%%cpjit\n\ndef f(x)\n    return x\n", "'f' in globals()")
    assert not cell.success
    assert not cell.texts
    # The magic's line is line 1, as the user sees the cell.
    assert re.search(r"Cell In\[2\], line 3\n +def f\(x\)\n", cell.printed)
    assert len(cell.printed.splitlines()) <= 6
    assert names.value == "False"


def test_no_report_after_an_exception_and_the_lines_are_the_users(session):
    untraced, wrong = session(
        "%%cpjit\ndef relu(x):\n    if x > 0:\n        return x\n    return -x\n\nrelu(np.ones(3))",
        "%%cpjit\n\n\ny = 1\ny / 0",
    )
    assert not untraced.success
    assert not untraced.texts
    name, line, carets, *_ = untraced.printed.splitlines()
    assert name.startswith("TraceError: ")
    assert line == "  cell 2, line 3:  if x > 0:"
    assert carets == " " * line.index("x > 0") + "^^^^^"
    assert re.search(r"Cell In\[3\], line 5\n", wrong.printed)


BROKEN = {
    "a refusal": "return np.unique(x)",
    "a refusal by shapes": "return x + np.ones_like(x)[:2]",
    "a truth value": "return x if x > 0 else -x",
}


def test_a_refusal_has_six_lines_and_no_frame(session):
    cells = [f"def f(x):\n    {line}\ncpjit(f){use}" for line in BROKEN.values() for use in USES]
    for cell in session(
        *cells, *(f"%%cpjit\ndef f(x):\n    {x}\nf(np.ones(3))" for x in BROKEN.values())
    ):
        assert not cell.success
        lines = cell.printed.splitlines()
        assert len(lines) <= 6, cell.printed
        assert "^^^" in cell.printed
        assert "cpnum" not in cell.printed


def test_errors_of_the_users_code_show_none_of_cpnums_frames(session):
    definition = "def f(x):\n    return x * wrong\n"
    cells = session(
        *(f"{definition}cpjit(f){use}" for use in USES), f"%%cpjit\n{definition}f(np.ones(3))"
    )
    for cell in cells:
        assert "NameError: name 'wrong' is not defined" in cell.printed
        assert "--> 2     return x * wrong" in cell.printed or "--> 3     return x" in cell.printed
        assert "function.py" not in cell.printed
        assert "trace.py" not in cell.printed


def test_the_whole_traceback_is_shown_if_asked_for(session):
    (cell,) = session(
        f"def f(x):\n    {BROKEN['a refusal']}\ncpjit(f)(np.ones(3))", CPNUM_TRACEBACK="full"
    )
    for name in ("function.py", "trace.py", "tracer.py", "in f"):
        assert name in cell.printed


_NO_CALL = "the cell calls no compiled function: "
# Cells that call no compiled function, and the reason.
NOTHING = {
    "def f(x):\n    return x\ndef g(x):\n    return x": "f and g are compiled at the first call",
    "f = lambda x: x\nf(1.0);": (
        f"{_NO_CALL}a lambda is not compiled: write def, or cpjit(lambda ...)"
    ),
    "def f():\n    return 1\nf();": f"{_NO_CALL}f has no parameters",
    "def f(x):\n    yield x\nlist(f(1));": f"{_NO_CALL}f is a generator",
    "class A:\n    def f(self, x):\n        return x\nA().f(1);": (
        f"{_NO_CALL}the methods of A are not compiled: write @cpjit above them"
    ),
}


def test_what_has_no_machine_code_is_said(session):
    silent, fallen, *others = session(
        "%%cpjit\nx = 1",
        "%%cpjit --fallback numpy\nimport warnings\nwarnings.simplefilter('ignore')\n"
        "def f(x):\n    return np.linalg.eigvals(x)\nf(np.eye(2));",
        *(f"%%cpjit\n{each}" for each in NOTHING),
    )
    assert silent.success
    assert silent.texts == [
        "%%cpjit: the cell calls no compiled function: it defines none with `def`"
    ]
    for cell, why in zip(others, NOTHING.values(), strict=True):
        assert cell.texts == [f"%%cpjit: {why}"]
    assert fallen.success
    (text,) = fallen.texts
    assert text.startswith("%%cpjit: f has no machine code to show: numpy.linalg.eigvals cannot")


@runs
def test_a_cell_that_succeeded_does_not_fail_because_of_its_report(session):
    define = (
        "factors = [3.0]\n"
        "def f(x):\n    return x * factors[0]\n"
        "x = np.ones(2)\ny = f(x)\nfactors.clear()\n"
    )
    again, traced = session(
        f"%%cpjit\n{define}y",
        f"%%cpjit\n{define}x.resize(1, refcheck=False)\ny",
    )
    assert (again.success, traced.success) == (True, True)
    assert again.value == traced.value == "array([3., 3.])"
    raised = "IndexError: list index out of range"
    assert again.texts[0].endswith(f"Time\n  none: run again, the function raised {raised}")
    assert traced.texts == [f"%%cpjit: f cannot be shown: {raised}"]


def test_where_machine_code_cannot_run_the_cell_still_does(session):
    (cell,) = session(
        f"%%cpjit\nimport warnings\nwarnings.simplefilter('ignore')\n{NORM}", CPNUM_MEMORY="none"
    )
    assert cell.success
    assert cell.value == "array([5., 5., 5.])"
    (report,) = cell.texts
    assert "not run as machine code: this machine cannot run it" in report.replace("\n  ", " ")
    assert "bytes, not run here" in report
    assert "\n\nTime" not in report


def test_nothing_is_left_behind(session):
    before, _, _, after = session(
        "hook = type(cpjit(np.exp)).__call__; sorted(globals())",
        f"%%cpjit --no-time\n{NORM}",
        "%%cpjit\n1 / 0",
        "type(norm).__call__ is hook, [each for each in globals() if 'cpnum' in each]",
    )
    assert before.success
    assert after.value == "(True, [])"


def test_unload_and_load_again(session):
    unloaded, missing, again, there = session(
        "%unload_ext cpnum", "%%cpjit\n1", "%load_ext cpnum", "%%cpjit\n1"
    )
    assert unloaded.success
    assert again.success
    assert "`%%cpjit` not found" in missing.printed
    assert there.value == "1"


def test_import_of_cpnum_registers_nothing_and_needs_no_ipython():
    seen = subprocess.run(
        [sys.executable, "-c", "import cpnum, sys; print('IPython' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout == "False\n"


def test_autoreload_knows_compiled_functions(session, tmp_path):
    path = tmp_path / "edited.py"
    text = "from cpnum import cpjit\n@cpjit({})\ndef f(x):\n    return x + {}\n"

    def write(options, shift, time):
        # IPython looks at the time of the file.
        return (
            f"import os; from pathlib import Path; path = Path({str(path)!r})\n"
            f"path.write_text({text.format(options, shift)!r}); os.utime(path, ({time}, {time}))"
        )

    *_, before, _, code, _, options = session(
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.dont_write_bytecode = True",
        write("", 1.0, 1e9),
        "%load_ext autoreload\n%autoreload 2\nfrom edited import f\nkept = f",
        "f(1.0), kept is f",
        write("", 2.0, 2e9),
        "f(1.0), kept(1.0), kept is f",
        write("fastmath=True", 2.0, 3e9),
        "f.fastmath, kept.fastmath, kept is f",
    )
    assert before.value == "(2.0, True)", before.printed
    assert code.value == "(3.0, 3.0, True)", code.printed
    assert options.value == "(True, True, True)", options.printed
