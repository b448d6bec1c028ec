"""What calls, refusals and caches keep alive."""

import contextlib
import gc
import itertools
import sys

import numpy as np
import pytest

from cpnum import CpnumError, cpjit, remembered
from cpnum.ir import evaluate
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
        return np.linalg.inv(x)
    except CpnumError as error:
        raise ValueError("not this one") from error


def _wrapping_twice(x):
    try:
        return _wrapping(x)
    except ValueError as error:
        raise KeyError("nor this one") from error


def _in_errstate(x):
    with np.errstate(all="ignore"):
        return x + 1


REFUSED = {
    "no broadcast": lambda x: x + np.ones(7),
    "views that do not broadcast": lambda x: x[:2] + x[:3],
    "a branch": _branching,
    "caught by the function": _catching,
    "the cause of another error": _wrapping,
    "the cause of a cause": _wrapping_twice,
    "misused": lambda x: range(x),
    "errstate": _in_errstate,
    "no such function": lambda x: np.linalg.inv(x),
    "no such dtype": lambda x: x.astype(complex),
    "no such index": lambda x: x[100],
    "no such shape": lambda x: x.reshape(7),
    "nothing returned": lambda x: None,
    "an error of its own": lambda x: {}[1],
}


@pytest.fixture
def without_collector():
    gc.collect()
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


@pytest.mark.filterwarnings("ignore:<lambda> runs through NumPy")
def test_a_call_that_falls_back_holds_no_argument(without_collector):
    f, x = cpjit(lambda x: x[x > 0], fallback="numpy"), np.ones(4)
    before = sys.getrefcount(x)
    for _ in range(3):
        f(x)
    assert sys.getrefcount(x) == before


def test_a_refusal_has_the_error_of_the_function_as_its_cause():
    for function in (_wrapping, _wrapping_twice):
        with pytest.raises(CpnumError, match=r"linalg\.inv cannot be traced") as caught:
            trace(function, (np.eye(2),))
        assert "this one" in str(caught.value.__cause__)


def test_so_many_kernels_of_a_signature_are_remembered(monkeypatch):
    monkeypatch.setattr(remembered, "ENTRIES", 3)
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
        assert len(f._calls) <= 3


def test_so_many_registries_of_warnings_are_remembered(monkeypatch):
    monkeypatch.setattr(evaluate, "_registries", type(evaluate._registries)())
    monkeypatch.setattr(remembered, "ENTRIES", 3)
    for cell in range(8):
        scope = {}
        exec(compile("f = lambda x: 1 / x", f"<cell {cell}>", "exec"), scope)
        f = cpjit(scope["f"])
        with pytest.warns(RuntimeWarning, match="divide by zero") as caught:
            f(np.zeros(3))
        assert [each.filename for each in caught] == [f"<cell {cell}>"]
        assert 1 <= len(evaluate._registries) <= 3
