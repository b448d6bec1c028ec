"""Bound calls: what they hold, read, and write to."""

from types import SimpleNamespace

import numpy as np
import pytest
from arrays import VIEWS, array
from calls import X, Y, hypot
from cases import assert_same, quiet, row_name
from reports import runs

from cpnum import OutError, cpjit
from cpnum.ir.containers import leaves_in
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


# -- programs -----------------------------------------------------------------------------------


def stepped(x, n):
    for _ in range(n):
        y = x.copy()
        y[1:-1] = 0.5 * (x[2:] + x[:-2])
        x = y
    return x


def in_parts(x):
    ordered = np.sort(x)
    whole = ordered * 2
    return {
        "whole": whole,
        "part": whole[1:],
        "ordered": ordered,
        "both": (ordered, [ordered[::2]]),
        "given": x,
        "middle": x[1:-1],
        "diagonal": np.diag(np.outer(x, x)),
        "total": x.sum(),
        "joined": np.concatenate([ordered + 1, x]),
        "text": "text",
        "space": SimpleNamespace(less=ordered - 1),
    }


# fmt: off
PROGRAMS = {
    "one kernel": (lambda x: x / x.sum(), 1),
    "a step": (lambda x: np.sort(x), 1),
    "several": (lambda x: (x / x.sum(), x - x.max(), x.mean()), 2),
    "twice": (lambda x: [np.sort(x)] * 2, 2),
    "steps": (lambda x: stepped(x, 3), 1),
    "parts": (in_parts, 7),
    "a number": (lambda x: x.sum(), 0),
    "nothing": (lambda x: x.sort(), 0),
}
# fmt: on


def arrays_of(results):
    return [each for each in leaves_in(results) if isinstance(each, np.ndarray)]


@runs
@pytest.mark.parametrize("name", PROGRAMS)
def test_results_of_programs_are_in_the_same_arrays(name):
    function, count = PROGRAMS[name]
    x = np.random.default_rng(0).random(50)
    bound = cpjit(function).bind(x)
    first = arrays_of(bound())
    own = [each for each in first if not np.shares_memory(each, x)]
    assert len(own) >= count
    for _ in range(3):
        x[...] = np.random.default_rng(1).random(50)
        expected = function(x.copy())
        again = bound()
        assert_same(expected, again)
        same = zip(arrays_of(again), first, strict=True)
        assert all(
            mine is other or np.shares_memory(mine, x) or not mine.flags.writeable
            for mine, other in same
        )


@runs
def test_a_bound_program_writes_to_its_arguments_at_each_call():
    def function(x, y):
        x[1:] = x[:-1] + y[1:]
        y *= 2
        return x * y

    x, y = np.arange(20.0), np.ones(20)
    mine = x.copy(), y.copy()
    bound = cpjit(function).bind(*mine)
    for _ in range(3):
        assert_same(function(x, y), bound())
        assert_same((x, y), mine)
    out = np.empty(20)
    into = cpjit(function).bind(*mine, out=out)
    for _ in range(2):
        expected = function(x, y)
        assert into() is out
        assert_same(expected, out)
        assert_same((x, y), mine)


@runs
def test_out_of_a_bound_program_may_be_an_argument():
    x = np.arange(1.0, 20.0)
    bound = cpjit(lambda x: x / x.sum()).bind(x, out=x)
    for _ in range(2):
        expected = x / x.sum()
        assert bound() is x
        assert_same(expected, x)
    with pytest.raises(OutError, match="wrong dtype"):
        cpjit(lambda x: x / x.sum()).bind(x, out=np.empty(19, int))


@runs
def test_results_that_are_computed_of_numpys_arrays_are_the_callers():
    def function(x):
        ordered = np.sort(x)
        return ordered - ordered.max(), x + x

    x, y = np.arange(30.0)[::-1].copy(), np.ones(30)
    first, second = cpjit(function).bind(x), cpjit(function).bind(y)
    for _ in range(3):
        results = first(), second()
        assert_same((function(x), function(y)), results)
        x *= -1.5


@runs
def test_a_bound_program_looks_at_contents_at_each_call():
    def function(x):
        return x * 2 if x.sum() > 0 else x[1:]

    x = np.ones(20)
    bound = cpjit(function).bind(x)
    first = bound()
    x *= -1
    assert_same(x[1:], bound())
    x *= -1
    assert bound() is first
    assert_same(x * 2, first)
