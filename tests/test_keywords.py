"""The keywords of ufuncs: `dtype`, `casting`, `out` and `where`."""

import numpy as np
import pytest
from cases import assert_same
from test_functions import both, sample, tame
from tracing import refused

from cpnum import UnsupportedError, cpjit

X, Y = tame("f8"), tame("f8")[::-1].copy()


def divided(a, b):
    return np.divide(a, b, out=np.zeros_like(a), where=b != 0)


def logarithm(x):
    return np.log(x, out=np.full_like(x, -1.0), where=x > 0)


def of_own(x, y):
    z = x * 2
    np.multiply(z, y, out=z)
    np.add(z, 1, z)
    return z


def narrowed(x, y):
    z = np.zeros_like(x, dtype=np.float32)
    np.add(x, y, out=z)
    return z


def returned(x, y):
    z = x + y
    return np.sqrt(z, out=z) * (np.sqrt(z, out=z) is z)


TWO = {
    "divided": divided,
    "own": of_own,
    "narrowed": narrowed,
    "returned": returned,
    "dtype": lambda x, y: np.add(x, y, dtype=np.float32),
    "dtype_by_name": lambda x, y: np.multiply(x, y, dtype="f8"),
    "dtype_and_number": lambda x, y: np.add(x, 0.1, dtype="f4") + np.multiply(2, y, dtype="f4"),
    "casting": lambda x, y: np.add(x, y, casting="no"),
    "casting_unsafe": lambda x, y: np.add(x, y, dtype=int, casting="unsafe"),
    "where_true": lambda x, y: np.add(x, y, where=True),
    "where_of_a_made_array": lambda x, y: np.add(
        x, y, out=np.ones_like(x), where=np.array([True, False] * 6)
    ),
    "order": lambda x, y: np.add(x, y, order="K", subok=False),
    "power": lambda x, y: np.power(x, 2, dtype="f4"),
    "comparison": lambda x, y: np.less(x, y, dtype=bool),
}


# Ufuncs with two results.
PAIRS = {
    "two outs": lambda x, y: np.divmod(x, y, out=(np.zeros_like(x), np.zeros_like(y))),
    "outs by position": lambda x, y: np.divmod(x, y, np.zeros_like(x), np.zeros_like(y)),
    "one out": lambda x, y: np.divmod(x, y, out=(None, np.zeros_like(y))),
    "one out by position": lambda x, y: np.modf(x + y, np.zeros_like(x)),
    "outs of another dtype": lambda x, y: np.modf(
        x, out=(np.zeros_like(x, dtype="f4"), np.zeros_like(y, dtype="f8"))
    ),
    "where": lambda x, y: np.divmod(
        x, y, out=(np.full_like(x, 7), np.full_like(y, 8)), where=y != 0
    ),
    "dtype": lambda x, y: np.divmod(x, y + 1, dtype="f4"),
    "casting": lambda x, y: np.modf(x, casting="no"),
    "int32 and float": lambda x, y: np.frexp(
        x, out=(np.ones_like(x), np.ones_like(x)), where=y > 1
    ),
}


def both_to_one(x):
    y = np.zeros_like(x)
    np.modf(x, out=(y, y))
    return y


def in_place_of_both(x):
    whole, rest = np.zeros_like(x), x * 1
    results = np.modf(rest, rest, whole)
    return rest + 10 * whole, results[0] is rest, results[1] is whole


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("name", PAIRS)
def test_keywords_of_ufuncs_with_two_results(name, dtype):
    both(PAIRS[name], tame(dtype), tame(dtype)[::-1])
    both(in_place_of_both, tame(dtype) / 4)


@pytest.mark.parametrize("dtypes", [("f8", "f8"), ("f4", "f4"), ("f4", "f8"), ("i4", "i4")])
@pytest.mark.parametrize("name", TWO)
def test_keywords_have_the_bits_of_numpy(name, dtypes):
    first, second = dtypes
    if name in ("divided", "casting_unsafe", "narrowed", "returned") and first[0] == "i":
        first = second = "f8"
    if name == "casting" and first != second:
        first = second
    both(TWO[name], tame(first), tame(second)[::-1])


def test_where_reports_only_what_is_chosen():
    both(divided, np.array([1.0, 0.0, 3.0]), np.array([2.0, 0.0, 0.0]))
    both(divided, sample("f8", 64), sample("f8", 64)[::-1])
    both(logarithm, sample("f8", 64))
    for ufunc in (np.sqrt, np.log, np.arctanh, np.arccosh, np.arcsin, np.reciprocal, np.log1p):

        def chosen(x, ufunc=ufunc):
            return ufunc(x, out=np.zeros_like(x), where=x < -5)

        both(chosen, np.array([0.0, 1.0, 2.0, np.inf, np.nan, -1.0]))


def test_other_dtypes_are_refused_as_in_numpy():
    for function in (
        lambda x: np.add(x, 1, dtype=np.int32),
        lambda x: np.add(x, np.float32(1), casting="no"),
        lambda x: np.add(x, 0.5, out=np.zeros_like(x, dtype=int)),
    ):
        for call in (function, cpjit(function)):
            with pytest.raises(TypeError):
                call(X)


REFUSED = {
    "into an array from outside": lambda x: np.add(x, 1, out=X),
    "where without out": lambda x: np.add(x, 1, where=x > 0),
    "where of numpy.modf cannot be traced without out": lambda x: np.modf(
        x, out=(np.zeros_like(x), None), where=x > 0
    ),
    "both results to one array": both_to_one,
    "signature": lambda x: np.add(x, 1, signature="dd->d"),
    "numpy.add.reduce of a list cannot be traced": lambda x: np.add.reduce([x, x]),
    "numpy.add.accumulate of a list cannot be traced": lambda x: np.add.accumulate([x, x]),
    "the argument out of numpy.add.reduce cannot be traced": lambda x: np.add.reduce(
        x, out=np.zeros((), np.float32)
    ),
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_traced_is_named(text):
    assert text in refused(UnsupportedError, REFUSED[text], X)


def to_an_argument(x):
    np.add(x, 1, out=x)
    return x


def to_made_arrays(x):
    total, least = np.zeros(12), np.zeros(())
    total += x
    np.add(total, 1, out=total)
    return total, np.minimum.reduce(x, out=least), least


def through_views(x):
    y = x * 1
    np.add(x[:2], 1, out=y[2:4])
    np.multiply(y[1:], x[:-1], out=x[1:], where=y[:-1] > 0)
    np.modf(x[3:7], out=(y[:4], y[6:10]))
    return x, y


@pytest.mark.parametrize("function", [to_an_argument, to_made_arrays, through_views])
def test_out_is_written(function):
    expected, given = X.copy(), X.copy()
    result = function(expected)
    assert_same(result, cpjit(function).bind(given)())
    assert_same(expected, given)
