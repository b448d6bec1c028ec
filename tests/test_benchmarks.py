"""The benchmarks run, check what they time and say what they did not compare with."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from benchmarks import __main__ as command
from benchmarks import expressions, machine, peers, tables

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

    message = "no table sped: there are compile, horner, speed, functions, import"
    assert message in capsys.readouterr().err


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
