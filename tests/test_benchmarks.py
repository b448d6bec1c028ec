"""The benchmarks run, check what they time and say what they did not compare with."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from benchmarks import __main__ as command
from benchmarks import expressions, loops, machine, peers, programs, tables

from cpnum.show.timing import timing_of
from tests.kernels import KERNELS, Kernel

TINY = (
    "--quick", "--seconds", "1e-6", "--sizes", "33,1e4", "--operations", "10,1000", "--rounds", "1",
)  # fmt: skip


@pytest.fixture
def run(monkeypatch, capsys):
    """Return what the command prints; this process is left on all its cores."""
    monkeypatch.setattr(command, "pin", lambda: "not pinned")

    def printed(*options: str) -> str:
        command.main(options)
        return capsys.readouterr().out

    return printed


def test_every_table_is_printed_with_no_peer_but_numpy(run) -> None:
    text = run(*TINY, "--peers", "numpy")

    assert "left out by --peers: numexpr, numba, jax" in text
    for title in (
        "Compiling 10 operations",
        "Compile time by number of operations",
        "Horner's rule, float64, 3e4 elements",
        "sqrt(a*a + b*b) / (1 + a*b), float32: ns per element",
        "Speed of cpnum as a multiple of others'",
        "Elementary functions, float32, 10000 numbers",
        "Programs: ",
        "Kernels: ",
        "Importing (figure: 30 ms beyond NumPy)",
    ):
        assert title in text


def test_markdown_is_one_table_of_equal_rows(run) -> None:
    rows = [line for line in run(*TINY, "compile", "--markdown").splitlines() if line[:1] == "|"]

    growth = rows[rows.index(next(row for row in rows if "operations" in row)) :]
    assert 2 + 2 * 2 == len(growth)
    assert {7} == {row.count("|") for row in growth}


def test_an_unknown_table_is_refused_by_name(run, capsys) -> None:
    with pytest.raises(SystemExit, match="2"):
        run("sped")

    names = "compile, horner, speed, functions, reductions, programs, kernels, import"
    assert f"no table sped: there are {names}" in capsys.readouterr().err


def test_a_missing_peer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_version", lambda package: None if package == "numba" else "1.0")

    assert ("numba",) == machine.missing(("numpy", "numba"))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("expression", expressions.EXPRESSIONS, ids=str)
def test_what_numpy_is_timed_with_is_the_expression(
    expression: expressions.Expression, dtype: str
) -> None:
    arrays = expression.data(100, np.dtype(dtype))
    out = np.empty(100, dtype)
    calls = {
        name: make(arrays, out)
        for name, make in peers.prepared(expression, np.dtype(dtype), ["numpy"]).items()
    }

    assert {"NumPy", "NumPy out=", "cpnum", "cpnum bound"} <= calls.keys()
    peers.check(expression, calls, arrays, out)


def test_a_wrong_result_is_not_timed() -> None:
    expression = expressions.AXPB
    arrays = expression.data(100, np.dtype(np.float64))
    out = np.empty(100)
    near = partial(np.copyto, out, np.nextafter(arrays[0] * 2.5 + arrays[1], np.inf))
    far = partial(np.copyto, out, 1.001 * (arrays[0] * 2.5 + arrays[1]))

    with pytest.raises(ValueError, match=r"cpnum: a \* 2\.5 \+ b is 1\.0 ULP from NumPy's result"):
        peers.check(expression, {"cpnum": near}, arrays, out)
    peers.check(expression, {"Numba": near}, arrays, out)
    with pytest.raises(ValueError, match=r"Numba: a \* 2\.5 \+ b is off by 1\.0e-03, relatively"):
        peers.check(expression, {"Numba": far}, arrays, out)
    with pytest.raises(ValueError, match="nan"):
        peers.check(expression, {"Numba": lambda: None}, arrays, out)


def test_a_scalar_function_for_numba_stays_in_its_dtype() -> None:
    text, constants = expressions.typed(expressions.GAUSS, np.dtype(np.float32))

    assert "exp(-(x * x + y * y) / c0)" == text
    assert {"c0": np.float32(2)} == constants
    assert np.float32 is type(constants["c0"])


def test_the_loop_for_numba_computes_the_expression() -> None:
    expression = expressions.RATIO
    arrays = expression.data(10, np.dtype(np.float64))
    out = np.empty(10)

    expressions.loop_function(expression, np.dtype(np.float64))(*arrays, out)

    np.testing.assert_array_equal(expression.function()(*arrays), out)


def test_a_ratio_is_marked_by_what_is_printed() -> None:
    assert "0.95" == tables.mark(0.949, 0.95)
    assert "0.94 <" == tables.mark(0.944, 0.95)


# -- programs -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", programs.PROGRAMS)
def test_loops_leave_what_the_program_leaves(name: str) -> None:
    kernel = KERNELS[name]
    for size in (kernel.small, tuple(each + 1 for each in kernel.small)):
        wanted, given = kernel.arguments(size), kernel.arguments(size)
        expected = [*programs.arrays_of(kernel.function(*wanted)), *programs.arrays_of(wanted)]
        results = getattr(loops, name)(*programs.flat(given) if name == "adam" else given)

        actual = [*programs.arrays_of(results), *programs.arrays_of(given)]
        programs.check("Numba", kernel, expected, actual)


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("numba", "jax"))), reason="needs Numba and JAX"
)
def test_programs_are_timed_beside_numba_and_jax() -> None:
    # In a process of its own: JAX has threads, and then Python warns of each fork.
    root = Path(__file__).parents[1]
    command = "-m tests.benchmarks programs --quick --seconds 1e-6 --peers numpy,numba,jax"
    done = subprocess.run(
        [sys.executable, *command.split()],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        check=True,
        capture_output=True,
        text=True,
    )

    rows = [line.split() for line in done.stdout.splitlines() if line]
    assert {row[0] for row in rows} >= set(programs.PROGRAMS)
    header = next(row for row in rows if row[0] == "size")
    assert ["size", "NumPy", "Numba", "JAX", "cpnum"] == header[:5]
    (means,) = (row for row in rows if row[:2] == ["geometric", "mean"])
    assert "-" not in means


def doubled(x: np.ndarray) -> np.ndarray:
    return x * 2


def refused(x: np.ndarray) -> np.ndarray:
    return np.sqrt(x) * np.linalg.eigvals(np.outer(x, x)).real[0]


@pytest.mark.parametrize(("function", "as_written"), [(doubled, False), (refused, True)])
def test_what_runs_as_written_is_marked(function, as_written: bool) -> None:
    kernel = Kernel(function, lambda random, n: (random.random(n),), (9,), ((9,),))

    found = programs.measured(kernel, (9,), (), 1e-6)

    assert as_written == found.as_written
    assert {"NumPy", "cpnum"} == found.timings.keys() == found.first.keys()


def test_arguments_are_renewed_before_each_call() -> None:
    seen = []

    def halves(x: np.ndarray) -> None:
        seen.append(x[0])
        x[:] = x / 2

    kernel = Kernel(halves, lambda random, n: (np.ones(n),), (9,), ((9,),), changes=True)
    programs.measured(kernel, (9,), (), 1e-6)

    numbers = [each for each in seen if type(each) is np.float64]  # in a trace, it is none
    assert len(numbers) > 10
    assert {1.0} == set(numbers)


def test_a_wrong_program_is_not_timed() -> None:
    kernel = KERNELS["jacobi_1d"]
    right = np.linspace(1.0, 2.0, 5)
    near = right * (1 + 1e-15)

    programs.check("Numba", kernel, [right], [near])
    programs.check("cpnum", KERNELS["black_scholes"], [right], [near])
    for name, wrong, words in (
        ("cpnum", near, "cpnum: jacobi_1d has not NumPy's bits"),
        ("Numba", right * 1.001, r"Numba: jacobi_1d is off by 2\.0e-03 of 2\.0e\+00"),
        ("Numba", right * np.nan, "is off by nan"),
        ("JAX", right.astype("f4"), r"JAX: jacobi_1d leaves float32\[5\]"),
    ):
        with pytest.raises(ValueError, match=words):
            programs.check(name, kernel, [right], [wrong])
    with pytest.raises(ValueError, match="shorter"):
        programs.check("Numba", kernel, [right, right], [right])


def test_means_are_of_all_and_of_what_is_compiled() -> None:
    def found(numpy: float, as_written: bool) -> programs.Measured:
        timings = {"NumPy": timing_of([numpy]), "cpnum": timing_of([1.0])}
        return programs.Measured(timings, {"cpnum": 1.0}, as_written)

    kernel = KERNELS["jacobi_1d"]
    rows = [(kernel, (9, 1), found(0.5, True)), (kernel, (9, 1), found(8.0, False))]
    *_, first, second, mean, of_compiled = programs.table("Two", rows, ["NumPy"]).rows

    assert [
        "jacobi_1d",
        "n 9, steps 1",
        "500 ms",
        "1.00 s",
        "0.50 <",
        "as written",
        "1.00 s",
    ] == first
    assert ["8.00", ""] == second[4:6]
    assert "2.00" == mean[4]
    assert "8.00" == of_compiled[4]
