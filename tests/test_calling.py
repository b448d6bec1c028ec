"""Calls of a compiled function: arguments, `out`, results."""

import numbers
import operator

import numpy as np
import pytest
from arrays import array
from calls import X, Y, hypot
from cases import assert_same, quiet

from cpnum import cpjit


def test_a_result_that_is_an_argument_is_that_argument(level):
    compiled = cpjit(lambda x: x, isa=level)
    for x in (np.arange(9.0), np.arange(9.0)[::-2], np.ones((3, 4), bool).T):
        assert compiled(x) is x
        out = np.zeros(x.shape, x.dtype)
        assert compiled(x, out=out) is out
        assert_same(x.copy(), out)


def test_a_constant_result_has_the_shape_of_the_argument(level):
    compiled = cpjit(lambda x: np.full_like(x, 3.0), isa=level)
    for shape in ((), (5,), (3, 4), (0,)):
        x = np.zeros(shape)
        assert_same(np.full_like(x, 3.0)[()], compiled(x)[()], shape)


def test_operators_in_place_write_to_no_argument(level):
    def function(x, y):
        total = x + y
        total += x
        total *= 2.0
        return operator.isub(total, y)

    x, y = array((23,)), array((23,), seed=1)
    before = x.copy(), y.copy()
    with quiet():
        expected = ((before[0] + before[1]) + before[0]) * 2.0 - before[1]
        assert_same(expected, cpjit(function, isa=level)(x, y))
    assert_same(before[0], x)
    assert_same(before[1], y)


def test_keywords_defaults_and_variable_arguments():
    @cpjit
    def f(x, y=2.0, *more, scale, **others):
        for each in more:
            x = x + each
        for each in others.values():
            x = x - each
        return (x + y) * scale

    assert np.array_equal(f(X, scale=2.0), (X + 2.0) * 2.0)
    assert np.array_equal(f(X, Y, X, scale=Y), (X + X + Y) * Y)
    assert np.array_equal(f(scale=2.0, x=X, y=Y), (X + Y) * 2.0)
    assert np.array_equal(f(X, scale=2.0, a=Y), (X - Y + 2.0) * 2.0)
    out = np.empty_like(X)
    assert f(X, scale=2.0, out=out) is out
    assert np.array_equal(out, (X + 2.0) * 2.0)


def test_out_is_returned_and_filled(level):
    f = cpjit(hypot, isa=level)
    out = np.full_like(X, -1.0)
    assert f(X, Y, out=out) is out
    assert np.array_equal(out, hypot(X, Y))
    wide = np.empty((3, X.size))
    assert f(X, Y, out=wide) is wide
    assert np.array_equal(wide, np.broadcast_to(hypot(X, Y), wide.shape))
    single = np.empty_like(X, dtype="f4")
    assert np.array_equal(f(X, Y, out=single), hypot(X, Y).astype("f4"))


def test_the_namespace_of_an_array_is_numpy():
    def function(x):
        if not hasattr(x, "__array_namespace__"):
            return x * -1.0
        return x.__array_namespace__(api_version="2023.12").sqrt(x)

    assert_same(function(X), cpjit(function)(X))
    with pytest.raises(ValueError, match="1999"):
        cpjit(lambda x: x.__array_namespace__(api_version="1999.12"))(X)


def test_scalars_give_numpys_scalars(level):
    f = cpjit(hypot, isa=level)
    for arguments in ((3.0, 4.0), (np.float32(3), np.float32(4)), (np.float64(3), 4), (3, 4)):
        actual, expected = f(*arguments), hypot(*arguments)
        assert type(actual) is type(expected)
        assert actual == expected


def test_a_new_value_of_a_scalar_does_not_compile(level):
    f = cpjit(lambda x, a: x * a, isa=level)
    f(X, 1.0)
    kernel = f.lower(X, 1.0)
    for value in (2.0, -0.0, 1e300, float("inf")):
        assert np.array_equal(f(X, value), X * value)
        assert f.lower(X, value).code is kernel.code
    assert f.signatures == ["f64[:], float"]


def test_a_function_that_looks_at_shapes_takes_scalars():
    for function in (
        lambda x: x * np.size(x),
        lambda x: x * x.size if isinstance(x, np.generic) else x,
        lambda x: np.squeeze(x) * 2,
        lambda x: x.reshape(-1) * 2 if isinstance(x, np.generic) else x,
        lambda x: x + sum(np.shape(x)),
    ):
        for x in (2.5, np.float64(2.5)):
            expected, actual = function(x), cpjit(function)(x)
            assert np.shape(expected) == np.shape(actual)
            assert np.array_equal(expected, actual)


@pytest.mark.parametrize(
    "argument",
    [2.5, 2, True, np.float64(2.5), np.int32(2), X, X[0:1]],
    ids=["2.5", "2", "True", "float64", "int32", "an array", "one element"],
)
@pytest.mark.parametrize(
    "kind", [float, int, bool, np.floating, np.generic, np.ndarray, numbers.Number, np.float64]
)
def test_isinstance_tells_what_a_value_stands_for(argument, kind):
    def function(x):
        return x * 2.0 if isinstance(x, kind) else x * 3.0

    assert np.array_equal(function(argument), cpjit(function)(argument))
    scalar = cpjit(lambda x: x * 2.0 if np.isscalar(x) else x * 3.0)
    assert np.array_equal(scalar.py_func(argument), scalar(argument))


def test_an_error_of_a_view_that_the_function_catches_decides_for_one_shape_only():
    def row(x, n):
        try:
            return x[20] * 2.0 if n else np.broadcast_to(x, (1, 37))[0]
        except (IndexError, ValueError):
            return x[-1] + 1.0

    for n in (None, "index"):
        f = cpjit(row)
        for length in (5, 37, 5, 37):
            assert np.array_equal(f(X[:length], n), row(X[:length], n))
