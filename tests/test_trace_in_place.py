"""Assignments in place are seen through all names of an array."""

import copy

import numpy as np
import pytest
from cases import assert_same
from tracing import check, sample

from cpnum import UnsupportedError, cpjit
from cpnum.trace.trace import trace


def test_operations_in_place_are_seen_through_all_names():
    def f(x, s):
        y = x * 2
        z = y
        y += x
        y *= 3
        z -= 1
        t = y[0] if False else s
        u = t
        t += 1
        return y + z + t - u

    check(f, sample("f8"), np.float64(2))
    check(f, sample("f4"), 2.5)

    def g(x):
        y = x.copy()
        y += 2.5
        y /= 2
        y **= 2
        s = x[0]
        s += 1
        return y * s

    check(g, sample("f4"))


def test_astype_without_a_copy_is_another_name():
    def f(x):
        y = x * 2
        z = y.astype(y.dtype, copy=False)
        z += 1
        return y

    check(f, sample("f8"))

    def of_an_argument(x):
        y = x.astype("f8", copy=False)
        y += 1
        return x

    x = sample("f8")
    expected = x + 1
    assert cpjit(of_an_argument).bind(x)() is x
    assert_same(expected, x)


ALIASES = {
    "conj": lambda y: y.conj(),
    "conjugate": lambda y: y.conjugate(),
    "astype without a copy": lambda y: y.astype("f8", copy=False),
    "astype without a copy by function": lambda y: (
        np.astype(y, "f8", copy=False) if hasattr(np, "astype") else y
    ),
    "conjugate by function": lambda y: np.conjugate(y),
    "astype": lambda y: y.astype("f8"),
    "astype of another dtype": lambda y: y.astype("f4", copy=False),
    "clip without bounds": lambda y: np.clip(y, None, None),
}


@pytest.mark.parametrize("name", ALIASES)
def test_an_operation_in_place_is_seen_through_what_is_the_array_itself(name):
    alias = ALIASES[name]

    def of_a_result(x):
        y = x * 2
        z = alias(y)
        z += 1
        return y * z

    def of_an_argument(x):
        y = alias(x)
        y += 1
        return x * y

    x = np.arange(3.0)
    check(of_a_result, x)
    if alias(x) is x:
        expected = np.arange(3.0)
        assert_same(of_an_argument(expected), cpjit(of_an_argument).bind(x)())
        assert_same(expected, x)
        with pytest.raises(UnsupportedError, match="depends on the layout"):
            trace(lambda x: x.astype("f8", order="F", copy=False), (x,))
    else:
        check(of_an_argument, x)


def test_copies_of_traced_values():
    def copied(x, n):
        y = copy.copy(x)
        y += copy.deepcopy(n)
        z = copy.deepcopy({"y": y})["y"]
        z *= 2.0
        return y - z + copy.copy(n)

    check(copied, np.arange(3.0), 2.5)
