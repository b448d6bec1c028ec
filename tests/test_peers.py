"""The peers of a bench, numexpr and Numba: how they are given a function, or why they are not."""

import numpy as np
import pytest
from benches import pair, quick
from reports import runs

from cpnum import CpnumError, cpjit, special
from cpnum.compare.expression import expression_of
from cpnum.trace.trace import trace

# -- numexpr ------------------------------------------------------------------------------------


def expression(function, *arguments):
    return expression_of(trace(function, arguments), arguments)


def test_views_and_numbers_are_written_for_numexpr():
    x, i = np.ones(5), np.arange(5)
    text, variables = expression(
        lambda x, n, i, a: np.where(x[1:] > 0, x[1:] ** 3 * i[1:], abs(x[:-1]) * n**2 + a - np.inf),
        x, 3, i, -2.5,
    )  # fmt: skip
    assert text == ("where((x_0 > 0.0), ((x_0 ** 3.0) * i_1), (((abs(x_2) * 9.0) + (-2.5)) - c3))")
    assert {name: value.shape for name, value in variables.items()} == {
        "x_0": (4,), "i_1": (4,), "x_2": (4,), "c3": (),
    }  # fmt: skip


def test_a_parameter_with_the_name_of_a_function_is_renamed():
    assert expression(lambda sin: np.sin(sin), np.ones(3)).text == "sin(sin_0)"


@pytest.mark.parametrize(
    ("function", "dtype", "why"),
    [
        (lambda x: special.erf(x), "f8", "numexpr has not the function erf"),
        (lambda x: x / 3, "i8", None),
        (lambda x: x / x, "i8", "numexpr has not a conversion from i64 to f64"),
        (lambda x: x.astype("i4"), "f8", "numexpr has not a conversion from f64 to i32"),
        (lambda x: x.astype("f8"), "f4", "numexpr has not a conversion from f32 to f64"),
        (lambda x: np.int64(5) * x, "i4", "numexpr has not a conversion from i32 to i64"),
        (lambda x: x.copy(), "f8", "numexpr has not an expression without operators"),
    ],
)
def test_what_numexpr_has_not_is_named(function, dtype, why):
    x = np.ones(3, dtype)
    if why is None:
        assert expression(function, x).text == "(x / 3.0)"
        return
    with pytest.raises(CpnumError) as refused:
        expression(function, x)
    assert refused.value.message == why


def test_a_text_that_doubles_at_each_step_is_refused():
    def doubling(x):
        for _ in range(30):
            x = x * x + x
        return x

    with pytest.raises(CpnumError, match="its text for numexpr has over 4,000 characters"):
        expression(doubling, np.ones(3))


@runs
def test_why_numexpr_is_not_timed_is_said(monkeypatch):
    pytest.importorskip("numexpr")
    result = quick(lambda x: special.erf(x), np.ones(3), against="numexpr")
    assert result.names == ["cpnum", "NumPy"]
    assert "numexpr is not timed: numexpr has not the function erf" in str(result)


EVERY = {
    "arithmetic": lambda x, y: (x * 2.5 - y / 3 + -x) ** 3 + abs(y) + np.square(x) + 1 / y,
    "choice": lambda x, y: np.where((x > y) & ~(x == 1) | (y <= 2.5), np.minimum(x, y), x + 0.5),
    "functions": lambda x, y: np.exp(-x) + np.log1p(y) + np.arctan2(x, y) + np.hypot(x, y),
    "rounding": lambda x, y: np.floor(x * 9) + np.ceil(y * 9) + np.copysign(np.trunc(x * 5), -y),
    "view": lambda x, y: x[1:] - x[:-1] + y[::-1][1:],
    "infinity": lambda x, y: np.maximum(x, -np.inf) + np.nan * 0 * y,
}  # fmt: skip


@runs
@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("name", EVERY)
def test_numexpr_computes_the_same(name, dtype):
    numexpr = pytest.importorskip("numexpr")
    before = numexpr.set_num_threads(2)
    try:
        result = quick(EVERY[name], *pair(dtype=dtype), against="numexpr")
        assert numexpr.get_num_threads() == 2
    finally:
        numexpr.set_num_threads(before)
    row = result.row("numexpr")
    assert row.timing is not None, row.why
    # It has some functions, such as maximum, for float64 only.
    single = name in ("arithmetic", "view")
    assert row.dtype == str(np.dtype(dtype if single else np.float64))


@runs
def test_numexpr_computes_with_integers_and_numbers_of_each_call():
    pytest.importorskip("numexpr")

    def f(i, x, a):
        return np.where(i % 2 == 0, x, 0.0) if False else (i << 1) * x + a

    result = quick(
        f, lambda n: (np.arange(n), np.ones(n), float(n)), sizes=[5, 50], against="numexpr"
    )
    assert [row.ulp for row in result.rows if row.name == "numexpr"] == [0, 0]


@runs
def test_numba_computes_the_same():
    pytest.importorskip("numba")
    result = quick(against="numba")
    assert result.row("numba").difference.endswith("bit for bit")
    assert result.first["numba"].again is not None
    assert result.about["numba"] == "njit(error_model='numpy', parallel=False)"
    assert "numba" in result.versions


@runs
def test_why_numba_is_not_timed_is_said():
    pytest.importorskip("numba")
    cannot = cpjit(lambda x: x + 1)
    result = quick(lambda x: cannot(x), np.ones(3), against="numba")
    assert result.left_out["numba"].startswith("numba.core.errors.TypingError: ")
    assert len(result.left_out["numba"]) <= 200
    ufunc = quick(np.sqrt, np.ones(3), against="numba")
    assert ufunc.left_out == {"numba": "Numba compiles functions of Python only"}
