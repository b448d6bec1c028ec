"""Bound calls: what they hold, read, and write to."""

import numpy as np
import pytest
from arrays import VIEWS, array
from calls import X, Y, hypot
from cases import assert_same, quiet, row_name

from cpnum import OutError, cpjit
from cpnum.tables.dtypes import F32, F64, I32, B


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("dtype", (F64, F32, I32, B), ids=row_name)
def test_bound_calls_compute_the_same(dtype, name, level):
    def function(x, y):
        return np.where(x != y, x, y)

    compiled = cpjit(function, isa=level)
    for shape in ((67,), (5, 19), (3, 2, 5)):
        x, y = VIEWS[name](array(shape, dtype)), array(shape, dtype, 1)
        expected = function(x, y)
        bound = compiled.bind(x, y)
        assert_same(expected, bound().copy(order="C"), (name, dtype, shape))
        assert bound() is bound()
        out = np.zeros(shape, dtype.numpy)
        assert compiled.bind(x, y, out=out)() is out
        assert_same(expected, out, (name, dtype, shape))
        y[...] = array(shape, dtype, 2)
        assert_same(function(x, y), bound().copy(order="C"), (name, dtype, shape))


def test_bound_scalars_are_in_the_code(level):
    compiled = cpjit(lambda x, s, n: x * s + n, isa=level)
    x = np.arange(11.0)
    calls = [(compiled.bind(x, s, n), x * s + n) for s in (0.5, np.float32(3)) for n in (1, -7)]
    for bound, expected in calls * 2:
        assert_same(expected, bound())
    assert_same(np.float64(6.5), np.float64(compiled.bind(2.0, 3.0, 0.5)()))


def test_bound_many_arrays_and_spills(level):
    compiled = cpjit(
        function := lambda *arrays: sum(a * b for a in arrays for b in arrays), isa=level
    )
    arrays = [np.random.default_rng(k).normal(size=(6, 13))[:, ::2] for k in range(11)]
    with quiet():
        assert_same(function(*arrays), compiled.bind(*arrays)())


def test_bound_out_may_be_an_argument_but_not_overlap_one(level):
    compiled = cpjit(lambda x: x * 2.0, isa=level)
    x = np.arange(20.0)
    bound = compiled.bind(x, out=x)
    bound()
    assert_same(np.arange(20.0) * 4.0, bound())
    with pytest.raises(OutError):
        compiled.bind(x[:-1], out=x[1:])


def test_a_bound_call_reads_its_arrays_each_time(level):
    f = cpjit(hypot, isa=level)
    x, out = X.copy(), np.empty_like(X)
    bound = f.bind(x, Y, out=out)
    assert bound() is out
    assert np.array_equal(out, hypot(X, Y))
    x += 1
    bound()
    assert np.array_equal(out, hypot(X + 1, Y))


def test_a_bound_call_without_out_makes_one():
    bound = cpjit(hypot).bind(X, y=2.0)
    result = bound()
    assert result is bound.out
    assert np.array_equal(result, hypot(X, 2.0))


def test_bound_calls_hold_their_arrays():
    f = cpjit(lambda x, a: x * a)
    bounds = [f.bind(np.full(1000, float(k)), 2.0) for k in range(50)]
    for k, bound in enumerate(bounds):
        assert np.all(bound() == 2.0 * k)
