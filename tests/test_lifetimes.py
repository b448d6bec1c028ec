"""What calls, refusals and caches keep alive."""

import contextlib
import functools
import gc
import itertools
import sys
import warnings
import weakref

import numpy as np
import pytest
from calls import X

from cpnum import CpnumError, cpjit
from cpnum.ir import evaluate
from cpnum.remembered import Remembered
from cpnum.trace.trace import trace


def _branching(x):
    return x if x > 0 else -x


def _catching(x):
    try:
        return x[x > 0]
    except CpnumError:
        return x + 1


def _wrapping(x):
    try:
        return np.linalg.eigvals(x)
    except CpnumError as error:
        raise ValueError("not this one") from error


def _wrapping_twice(x):
    try:
        return _wrapping(x)
    except ValueError as error:
        raise KeyError("nor this one") from error


def _recording(x):
    with warnings.catch_warnings(record=True):
        return x + 1


REFUSED = {
    "no broadcast": lambda x: x + np.ones(7),
    "views that do not broadcast": lambda x: x[:2] + x[:3],
    "a branch": _branching,
    "caught by the function": _catching,
    "the cause of another error": _wrapping,
    "the cause of a cause": _wrapping_twice,
    "misused": lambda x: range(x),
    "recorded warnings": _recording,
    "no such function": lambda x: np.linalg.eigvals(x),
    "no such dtype": lambda x: x.astype(complex),
    "no such index": lambda x: x[100],
    "no such shape": lambda x: x.reshape(7),
    "a set returned": lambda x: {x.ndim},
    "an error of its own": lambda x: {}[1],
}


@pytest.fixture
def without_collector():
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("use", ("__call__", "lower", "bind"))
@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_that_was_caught_holds_no_argument(name, use, without_collector):
    compiled, x = cpjit(REFUSED[name]), np.arange(4.0)
    before = sys.getrefcount(x)
    for _ in range(3):
        with contextlib.suppress(CpnumError, IndexError, KeyError, ValueError):
            getattr(compiled, use)(x)
            pytest.fail("not refused")
    assert sys.getrefcount(x) == before


def test_a_refusal_of_two_arguments_that_was_caught_holds_neither(without_collector):
    x, y = np.ones(3), np.ones(4)
    before = sys.getrefcount(x), sys.getrefcount(y)
    for _ in range(3):
        with pytest.raises(CpnumError):
            cpjit(np.add)(x, y)
    assert (sys.getrefcount(x), sys.getrefcount(y)) == before


class _OwnError(Exception):
    pass


def _own_error(x):
    raise _OwnError(x)


FALLING_BACK = {
    **REFUSED,
    "an index": lambda x: x[x > 0],
    "a test of its type": lambda x: x + {np.ndarray: 1}[type(x)],
    "an error with its argument": _own_error,
}


@pytest.mark.filterwarnings("ignore:.* runs through NumPy")
@pytest.mark.parametrize("name", FALLING_BACK)
def test_a_call_that_falls_back_holds_no_argument(name, without_collector):
    f, x = cpjit(FALLING_BACK[name], fallback="numpy"), np.arange(4.0)
    before = sys.getrefcount(x)
    for _ in range(3):
        with contextlib.suppress(IndexError, KeyError, TypeError, ValueError, _OwnError):
            f(x)
    assert sys.getrefcount(x) == before


@pytest.mark.filterwarnings("ignore:.* runs through NumPy")
@pytest.mark.parametrize(
    "kind", [list, set, np.ma.array, np.uint8, dict.fromkeys], ids=lambda kind: kind.__name__
)
def test_an_argument_that_is_refused_is_not_kept_alive(kind, without_collector):
    f, argument = cpjit(lambda x, y: x + len(y), fallback="numpy"), kind([1, 2])
    before = sys.getrefcount(argument)
    for _ in range(3):
        assert np.array_equal(f(X, argument), X + 2)
    assert sys.getrefcount(argument) == before


@pytest.mark.filterwarnings("ignore:.* runs through NumPy")
def test_so_many_refusals_are_remembered(monkeypatch):
    monkeypatch.setattr(Remembered, "most", 3)
    f = cpjit(lambda x: x[x > 0] if x.shape else x, fallback="numpy")
    for length in range(2, 20):
        for _ in range(2):
            assert np.array_equal(f(X[:length]), X[:length])
        assert 1 <= len(f._cache.calls) <= 3
        assert 1 <= len(f._cache._specializations) <= 3


@pytest.mark.filterwarnings("ignore:.* runs through NumPy")
def test_a_refused_method_keeps_no_instance_alive(without_collector):
    compiled = _Scaled.refused
    before = _entries(compiled)
    for factor in range(3):
        instance = _Scaled(float(factor))
        gone = weakref.ref(instance)
        for _ in range(2):
            assert instance.refused(X) == factor * np.unique(X)[0]
        assert _entries(compiled) == before + 2
        del instance
        assert gone() is None
        assert _entries(compiled) == before


def test_a_refusal_has_the_error_of_the_function_as_its_cause():
    for function in (_wrapping, _wrapping_twice):
        with pytest.raises(CpnumError, match=r"linalg\.eigvals cannot be traced") as caught:
            trace(function, (np.eye(2),))
        assert "this one" in str(caught.value.__cause__)


def test_so_many_kernels_of_a_signature_are_remembered(monkeypatch):
    monkeypatch.setattr(Remembered, "most", 3)
    f, memory = cpjit(lambda x, y, z: x + y * z), np.arange(20.0)
    for steps in itertools.product((1, 2, 0), repeat=3):
        arguments = [memory[::2] if step == 2 else memory[:10] * step for step in steps]
        arguments = [
            np.broadcast_to(x[0], (10,)) if step == 0 else x
            for x, step in zip(arguments, steps, strict=True)
        ]
        x, y, z = arguments
        for _ in range(2):
            assert np.array_equal(f(*arguments), x + y * z)
        f.lower(*arguments)
        (found,) = f._cache.by_signature().values()
        assert 1 <= len(found[0].kernels) <= 3
        assert 1 <= len(found[0]._placements) <= 3
        assert len(f._cache.calls) <= 3


def test_so_many_registries_of_warnings_are_remembered(monkeypatch):
    monkeypatch.setattr(evaluate, "_registries", type(evaluate._registries)())
    monkeypatch.setattr(Remembered, "most", 3)
    for cell in range(8):
        scope = {}
        exec(compile("f = lambda x: 1 / x", f"<cell {cell}>", "exec"), scope)
        f = cpjit(scope["f"])
        with pytest.warns(RuntimeWarning, match="divide by zero") as caught:
            f(np.zeros(3))
        assert [each.filename for each in caught] == [f"<cell {cell}>"]
        assert 1 <= len(evaluate._registries) <= 3


class _Scaled:
    def __init__(self, factor):
        self.factor = factor

    @cpjit
    def times(self, x):
        return x * self.factor

    @cpjit(fallback="numpy")
    def refused(self, x):
        return np.unique(x)[0] * self.factor

    @cpjit
    def first(self, x):
        return x * self.factor if x.shape == (37,) else x

    def plain(self, x):
        return x * self.factor


class _Slots:
    __slots__ = ("factor",)

    def __init__(self, factor):
        self.factor = factor


def _entries(compiled):
    cache = compiled._cache
    if cache is None:
        return 0  # it was never called
    return len(cache.calls) + len(cache._specializations)


@pytest.mark.parametrize("name", ("times", "first"))
def test_a_method_keeps_no_instance_alive(name, without_collector):
    compiled = getattr(_Scaled, name)
    before, kept = _entries(compiled), _Scaled(-1.0)
    getattr(kept, name)(X)
    gone = []
    for factor in range(20):
        instance = _Scaled(float(factor))
        gone.append(weakref.ref(instance))
        for _ in range(2):
            assert np.array_equal(getattr(instance, name)(X), X * factor)
            assert np.array_equal(getattr(kept, name)(X), -X)
        bound = getattr(instance, name).bind(X)
        assert np.array_equal(bound(), X * factor)
        del instance, bound
    assert [each() for each in gone] == [None] * 20
    calls = compiled._cache.calls
    entries = _entries(compiled) - before
    assert 2 <= entries <= 3
    getattr(kept, name)(X)
    assert _entries(compiled) - before == entries
    assert compiled._cache.calls is calls
    del kept
    assert _entries(compiled) == before


FIXED = {
    "an instance": lambda: _Scaled(2.0),
    "a function": lambda: lambda x: x * 2.0,
    "a method": lambda: _Scaled(2.0).plain,
    "in a tuple": lambda: ("times", _Scaled(2.0)),
    "in a frozen set": lambda: frozenset([_Scaled(2.0)]),
    "a class": lambda: type("Class", (), {}),
    "a partial function": lambda: functools.partial(_Scaled(2.0).plain, X),
}


@pytest.mark.parametrize("name", FIXED)
def test_a_fixed_argument_is_not_kept_alive(name, without_collector):
    f = cpjit(lambda x, fixed: x + 1.0)
    kept = FIXED[name]()
    for fixed in (kept, kept):
        assert np.array_equal(f(X, fixed), X + 1.0)
    assert _entries(f) == 2
    f(X, FIXED[name]())
    gc.collect()  # a class is in a cycle of its own
    assert _entries(f) == 2
    f(X, kept)
    assert _entries(f) == 2


def test_a_fixed_argument_that_has_no_weak_reference_is_kept_as_it_is():
    f, one = cpjit(lambda x, fixed: x * fixed.factor), _Slots(2.0)
    for _ in range(2):
        assert np.array_equal(f(X, one), X * 2.0)
        assert np.array_equal(f(X, _Slots(3.0)), X * 3.0)
    assert len(f._cache.calls) == 3


def test_a_weak_reference_is_an_argument_of_its_own():
    f, one = cpjit(lambda x, fixed: x * (fixed().factor if callable(fixed) else 5.0)), _Scaled(2.0)
    for _ in range(2):
        assert np.array_equal(f(X, weakref.ref(one)), X * 2.0)
        assert np.array_equal(f(X, one), X * 5.0)


def test_a_function_that_is_dropped_is_freed_though_its_fixed_argument_lives(without_collector):
    def function(x, fixed):
        return x + 1.0

    kept, compiled = _Scaled(2.0), cpjit(function)
    compiled(X, kept)
    table = weakref.ref(compiled._cache.calls)
    del compiled, function
    gc.collect()
    assert table() is None
    assert weakref.getweakrefcount(kept) == 0
