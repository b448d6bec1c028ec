"""What calls, refusals and caches keep alive."""

import contextlib
import gc
import sys

import numpy as np
import pytest

from cpnum import CpnumError, cpjit
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
