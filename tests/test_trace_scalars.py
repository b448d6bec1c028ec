"""Scalars that are traced, and results without axes, are Python's and NumPy's."""

import numpy as np
import pytest
from cases import assert_same
from tracing import check, sample

import cpnum
from cpnum.errors import DTypeError, PythonError
from cpnum.ir.evaluate import evaluate
from cpnum.trace.trace import trace


def test_arithmetic_of_python_scalars_is_pythons():
    x = sample("f8")
    check(lambda x, n: x * ((n * 10**30) // 10**30), x, 7)
    check(lambda x, n, m: x * (n // m + n % m - n**2) + (n < m), x, 7, 2)
    check(lambda x, n: x * n**-1 + n**2, x, 4)
    check(lambda x, a: x * (-a + abs(a) / 2 - a**0.5) * (2 / a), x, 3.5)
    check(lambda x, n: np.where((n & 6) == 4, x, n << 2 | 1), x, 5)
    check(lambda x, flag: x * (flag + 1), x, True)
    check(lambda a: a + 1, 2.5)
    check(lambda n: n * 3, 2)
    check(lambda flag: flag ^ True, True)
    check(lambda a: np.sqrt(a) * 2, 2)
    check(lambda a, b: np.add(a, b), True, 2.5)
    check(lambda a, s: a * s + np.float32(2), 2.5, np.float32(1.1))
    check(lambda s: (s + 1) * s, np.int32(5))


def test_python_scalars_raise_what_python_raises():
    graph = trace(lambda x, n: x * (1 // n), (np.ones(2), 3))
    with pytest.raises(PythonError) as caught:
        evaluate(graph, (np.ones(2), 0))
    assert type(caught.value.error) is ZeroDivisionError
    with pytest.raises(OverflowError, match="Python integer 1099511627776 out of bounds for int32"):
        evaluate(trace(lambda x, n: x + n, (np.ones(2, "i4"), 3)), (np.ones(2, "i4"), 2**40))
    graph = trace(lambda x, a: x * a**0.5, (np.ones(2), 2.0))
    with pytest.raises(DTypeError, match="a Python scalar was computed that is not a float"):
        evaluate(graph, (np.ones(2), -2.0))


WITHOUT_AXES = [
    lambda x: np.ones_like(x),
    lambda x: np.full_like(x, 2.5),
    lambda x: np.copy(x),
    lambda x: np.where(True, x, 0.0),
    lambda x: np.transpose(x),
    lambda x: np.squeeze(x),
    lambda x: np.squeeze(x, 0),
    lambda x: np.moveaxis(x, (), ()),
    lambda x: np.broadcast_to(x, ()),
    lambda x: np.flip(x),
    lambda x: np.clip(x, None, None),
    lambda x: np.clip(x, 0, 1),
]

METHODS_WITHOUT_AXES = [
    lambda x: x.T,
    lambda x: x.squeeze(),
    lambda x: x.real,
    lambda x: x.copy(),
    lambda x: x.astype("f4"),
    lambda x: x.clip(None, None),
    lambda x: x[()],
    lambda x: x[...],
    lambda x: x**0.5,
]


@pytest.mark.parametrize("computed", [False, True], ids=["argument", "computed"])
@pytest.mark.parametrize("x", [np.array(2.0), np.float64(2.0), 2.0], ids=repr)
def test_a_result_without_axes_is_an_array_or_a_scalar_as_numpys(x, computed):
    methods = METHODS_WITHOUT_AXES if type(x) is not float else []
    for function in (*WITHOUT_AXES, *methods):

        def whole(x, function=function):
            return function(x * 1.5 if computed else x)

        expected, actual = whole(x), cpnum.cpjit(whole)(x)
        assert type(expected) is type(actual), function.__code__.co_names
        assert_same(expected, actual)


def test_the_real_part_of_a_python_scalar_is_one():
    x = sample("f4")
    check(lambda x, a: x * np.real(a) + a.real, x, 2.5)
    check(lambda x, n: x.astype("i4") + n.real, x, True)
