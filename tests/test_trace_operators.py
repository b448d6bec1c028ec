"""Operators and functions that are traced give NumPy's dtypes and values."""

import math
import operator
import re
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from cases import assert_same, plus_zeros
from tracing import DTYPES, check, refused, sample

from cpnum import cpjit
from cpnum.errors import DTypeError, UnsupportedError
from cpnum.ir.evaluate import evaluate
from cpnum.tables.ops import OPS
from cpnum.trace.promote import row_of
from cpnum.trace.trace import trace


def test_a_ufunc_of_another_package_is_not_taken_for_numpys():
    assert row_of(np.sqrt) is OPS["sqrt"]
    assert row_of(SimpleNamespace(__name__="sqrt")) is None
    other = np.frompyfunc(lambda x: -x, 1, 1)
    message = refused(UnsupportedError, lambda x: other(x), np.ones(3))
    assert "the ufunc <lambda> (vectorized) cannot be traced" in message


ONES = np.ones(3)
NUMPY = [name for name, op in OPS.items() if op.home == "numpy" and len(op.results) == 1]


@pytest.mark.parametrize("name", NUMPY)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_operator_of_the_table_has_numpys_values(name, dtype):
    function, op = getattr(np, name), OPS[name]
    operands = [np.roll(sample(dtype), 5 * i) for i in range(op.arity)]
    if name in ("left_shift", "right_shift") and np.dtype(dtype).kind == "i":
        operands[1] = operands[1] & 31
    if name == "power" and np.dtype(dtype).kind == "i":
        assert "cannot be traced" in refused(UnsupportedError, lambda *a: function(*a), *operands)
        return
    try:
        with np.errstate(all="ignore"):
            expected = function(*operands)
    except TypeError:
        assert "NumPy has no" in refused(DTypeError, lambda *a: function(*a), *operands)
        return
    in_float16 = name == "signbit" and dtype == "?"
    if in_float16 or expected.dtype == np.float16 or expected.dtype == np.int8:
        assert "no stencils" in refused(DTypeError, lambda *a: function(*a), *operands)
        return
    check(lambda *a: function(*a), *operands)


PYTHON = [
    *(operator.add, operator.sub, operator.mul, operator.truediv),
    *(operator.floordiv, operator.mod, lambda x, y: divmod(x, y)[0], lambda x, y: divmod(x, y)[1]),
    *(operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne),
    *(operator.and_, operator.or_, operator.xor, np.minimum, np.fmax, np.logical_and, np.arctan2),
]

OPERANDS = [
    *(sample(dtype) for dtype in DTYPES),
    *(np.float64(2.5), np.float32(-1.5), np.int64(3), np.int32(-2), np.bool(True)),
    *(2.5, 3, True, -0.0, 0, np.array(1.5), np.array(2, "i4")),
]


@pytest.mark.parametrize("function", PYTHON, ids=lambda function: function.__name__)
def test_operands_of_all_kinds_are_promoted_as_numpy_does(function):
    for left in OPERANDS:
        for right in OPERANDS:
            try:
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    expected = function(left, right)
            except ZeroDivisionError:
                continue
            except (TypeError, OverflowError):
                with pytest.raises((TypeError, OverflowError)):
                    trace(lambda x, y: function(x, y), (left, right))
                continue
            if np.asarray(expected).dtype.name in ("int8", "float16"):
                continue
            with np.errstate(all="ignore"):
                graph = trace(lambda x, y: function(x, y), (left, right))
                assert_same(expected, evaluate(graph, (left, right)))
                literal = {"x": left, "y": right}
                if not isinstance(right, np.ndarray):
                    graph = trace(lambda x: function(x, literal["y"]), (left,))  # noqa: B023
                    assert_same(expected, evaluate(graph, (left,)))
                if not isinstance(left, np.ndarray):
                    graph = trace(lambda y: function(literal["x"], y), (right,))  # noqa: B023
                    assert_same(expected, evaluate(graph, (right,)))


def test_comparison_with_an_integer_out_of_range_is_exact():
    x = sample("i4", (3, 4))
    check(lambda x: x < 2**40, x)
    check(lambda x: -(2**70) >= x.T, x)
    check(lambda x: (x == 2**70) | (x != -(2**40)), x)


def test_literals_that_overflow_float32_do_so_at_the_call():
    graph = trace(lambda x: x * 1e300, (sample("f4"),))
    with np.errstate(all="ignore"):
        assert_same(sample("f4") * 1e300, evaluate(graph, (sample("f4"),)))
    with pytest.warns(RuntimeWarning, match="overflow encountered in cast"):
        evaluate(graph, (np.ones(2, "f4"),))


@pytest.mark.parametrize("x", DTYPES)
@pytest.mark.parametrize("y", [*DTYPES, 1.5, 2, True, np.float32(2), 2**20], ids=repr)
def test_where_promotes_as_numpy_does(x, y):
    mask, x = sample("?"), sample(x)
    y = np.roll(sample(y), 3) if isinstance(y, str) else y
    if isinstance(y, np.ndarray):
        check(lambda m, x, y: np.where(m, x, y), mask, x, y)
        check(lambda m, x, y: np.where(x, m, y), mask, x, y)
    else:
        check(lambda m, x: np.where(m, x, y), mask, x)
        check(lambda m, x: np.where(m, y, x), mask, x)
        check(lambda m: np.where(m, y, 1), mask)
        check(lambda m, x, y: np.where(m, x, y), mask, x, y)


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "i4"])
def test_clip_takes_numpys_bounds(dtype):
    x = sample(dtype)
    check(lambda x: np.clip(x, -1, 2), x)
    check(lambda x: x.clip(0, None), x)
    check(lambda x: np.clip(x, None, 3), x)
    check(lambda x: np.clip(x, min=1, max=2.5), x)
    check(lambda x: np.clip(x, -(2**70), 5), x) if dtype in ("i8", "i4") else None
    check(lambda x, low, high: np.clip(x, low, high), x, 1.0, 2)
    check(lambda x: np.clip(x, None, None), x)
    check(lambda x: np.clip(x, x[::-1], 2), x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_clip_of_a_number_has_no_bounds_beyond_its_dtype(dtype):
    x = sample(dtype)
    check(lambda x: np.clip(-1, x, 2**63 - 1), x)
    check(lambda x: np.clip(-1, x, 2**70), x)
    check(lambda x: np.clip(np.int32(4), -(2**31), x), x)
    check(lambda x: np.clip(2.5, x, None), x)
    check(lambda x: np.clip(True, None, x), x)
    assert "no stencils for dtype object" in refused(DTypeError, lambda x: np.clip(2**70, x, 1), x)
    assert "an array that is not an argument" in refused(
        UnsupportedError, lambda x: np.clip(ONES, x, 1), x
    )


CLIPS = {
    "no bounds": lambda x: np.clip(x),
    "a_min and a_max": lambda x: np.clip(x, a_min=0, a_max=None),
    "min and max": lambda x: np.clip(x, min=None, max=1),
    "min, max and None for out": lambda x: np.clip(x, 0, 1, None),
    "one bound": lambda x: np.clip(x, 0),
    "only a_max": lambda x: np.clip(x, a_max=0),
    "the upper bound by name": lambda x: np.clip(x, 0, max=1),
    "the lower bound twice": lambda x: np.clip(x, 0, 1, min=0),
}


@pytest.mark.parametrize("name", CLIPS)
def test_clip_takes_numpys_arguments(name):
    function, x = CLIPS[name], sample("f8")
    try:
        function(x)
    except (TypeError, ValueError) as error:
        with pytest.raises(type(error), match=f"^{re.escape(str(error))}$"):
            trace(function, (x,))
    else:
        check(function, x)


@pytest.mark.parametrize(
    "clip",
    [
        lambda x, z: np.clip(x, None, 1.0, z),
        lambda x, z: np.clip(2.0, x, 1.0, z),
        lambda x, z: np.clip(x[1:], -1.0, 1.0, out=z[:-1]),
        lambda x, z: x.clip(None, 1.0, z),
        lambda x, z: x.clip(max=1.0, out=z),
    ],
)
def test_clip_writes_to_its_out(clip):
    x, expected, given = sample("f8"), np.zeros(73), np.zeros(73)
    clip(x, expected[:-1])
    clipped = cpjit(clip).bind(x, given[:-1])()
    assert clipped is not None
    assert np.shares_memory(clipped, given)
    assert_same(plus_zeros(expected), plus_zeros(given))


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("target", DTYPES)
def test_astype_converts_as_numpy_does(source, target):
    check(lambda x: x.astype(target), sample(source))


CALLS = {
    "positive": lambda x: +x,
    "absolute": lambda x: abs(-x),
    "fabs": lambda x: np.fabs(x),
    "conjugate and real part": lambda x: np.conjugate(x) + x.conj() + x.real + np.real(x),
    "true_divide": lambda x: np.true_divide(x, 3),
    "ones_like and zeros_like": lambda x: np.ones_like(x) + np.zeros_like(x, dtype="f4"),
    "full_like": lambda x: np.full_like(x, 2.5),
    "full_like of a slice": lambda x: np.full_like(x[1:], -1, dtype="i4"),
    "copy": lambda x: np.copy(x) + x.copy(),
    "astype by function": lambda x: (
        np.astype(x, np.float32) if hasattr(np, "astype") else x.astype("f4")
    ),
    "astype of a result type": lambda x: x.astype(np.result_type(x, 1.5)),
    "a Python number": lambda x: 7,
    "a NumPy scalar": lambda x: np.float32(2.5),
    "the argument": lambda x: x,
    "sum of Python": lambda x: sum([x, x * 2, 1]),
    "divmod of numbers": lambda x: divmod(3, 2)[1] * x,
    "number of axes": lambda x: x * x.ndim + np.ndim(x) if not np.iscomplexobj(x) else 0,
    "a constant of math": lambda x: math.pi * x,
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "i4"])
def test_functions_of_one_array(name, dtype):
    check(CALLS[name], sample(dtype))
    check(CALLS[name], sample(dtype, (3, 4))[::-1, 1:])


BOXES = {
    "copy by function": lambda x: np.copy(x),
    "copy": lambda x: x.copy(),
    "conj": lambda x: x.conj(),
    "conj by function": lambda x: np.conj(x),
    "astype": lambda x: x.astype("f4"),
    "astype of the same dtype": lambda x: x.astype("f8", copy=False),
    "astype by function": lambda x: np.astype(x, "f4"),
    "clip without bounds": lambda x: np.clip(x, None, None),
    "clip above": lambda x: x.clip(1.0, None),
}


@pytest.mark.parametrize("name", BOXES)
def test_a_result_without_axes_is_a_scalar_or_an_array_as_in_numpy(name):
    function = BOXES[name]
    for x in (np.array(2.5), np.float64(2.5)):
        assert type(evaluate(trace(function, (x,)), (x,))) is type(function(x))


def test_the_real_part_of_a_python_number_is_pythons():
    for number in (2.5, 3, True):
        check(lambda x, n: x + np.real(n), sample("f4"), number)
    assert type(evaluate(trace(np.copy, (2.5,)), (2.5,))) is np.ndarray
