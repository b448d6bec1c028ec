"""Operators, methods and functions as users write them."""

import operator
import re

import numpy as np
import pytest
from cases import (
    assert_same,
    plus_zeros,
    quiet,
    row_name,
    special,
    values,
)

from cpnum import DTypeError, cpjit
from cpnum.tables.dtypes import DTYPES, F32, F64, I32, I64
from cpnum.tables.ops import OPS

# fmt: off
DUNDERS = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul,
    "divide": operator.truediv, "floor_divide": operator.floordiv, "remainder": operator.mod,
    "negative": operator.neg, "absolute": operator.abs,
    "equal": operator.eq, "not_equal": operator.ne, "less": operator.lt,
    "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge,
    "bitwise_and": operator.and_, "bitwise_or": operator.or_, "bitwise_xor": operator.xor,
    "invert": operator.invert, "left_shift": operator.lshift, "right_shift": operator.rshift,
}

METHODS = {
    "clip": lambda x: x.clip(-1, 2),
    "clip below": lambda x: x.clip(1),
    "clip above": lambda x: x.clip(max=1),
    "copy": lambda x: x.copy() + x,
    "astype": lambda x: x.astype("f4") * 2,
    "conj": lambda x: x.conj() * x,
    "real": lambda x: x.real + x.real,
    "+": lambda x: +x * x,
    "T": lambda x: x.T * 2,
    "reshape": lambda x: x.reshape(-1, 2) + x.reshape(-1, 2)[:, ::-1],
    "ravel": lambda x: x[::2].ravel() * x.ravel()[::2],
    "in place": lambda x: operator.iadd(operator.imul(x * 3, 2), x),
}

FUNCTIONS = {
    "np.abs": np.abs, "np.fabs": lambda x: np.fabs(x * 1.0), "np.clip": lambda x: np.clip(x, 0, 3),
    "np.where": lambda x: np.where(x > 1, x, 1), "np.positive": lambda x: np.positive(x) * 2,
    "np.where weak": lambda x: np.where(x, 2.5, 1), "np.ones_like": lambda x: np.ones_like(x) + x,
    "np.zeros_like": lambda x: np.zeros_like(x) - x, "np.flip": lambda x: np.flip(x) - x,
    "np.full_like": lambda x: np.full_like(x, 7) * x, "np.copy": lambda x: np.copy(x) * x,
    "degrees": lambda x: x * (180 / np.pi), "np.rad2deg": lambda x: np.rad2deg(x) + 1,
    "np.deg2rad": lambda x: np.deg2rad(x) + 1, "np.astype": lambda x: x.astype(np.int64) + 1,
    "np.broadcast_to": lambda x: np.broadcast_to(x, (3, 34)) + x,
    "np.expand_dims": lambda x: np.expand_dims(x, 0) * np.expand_dims(x, 1),
}
# fmt: on


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(name, dtype) for name in DUNDERS for dtype in OPS[name].dtypes],
    ids=str,
)
def test_operator_of_python_is_the_function(name, dtype, level):
    function = DUNDERS[name]
    x, y = values(dtype, 37, 1), values(dtype, 37, 2)
    number = {"F": 2.5, "I": 3, "B": True}[dtype.family]
    with quiet():
        if OPS[name].arity == 1:
            assert_same(function(x), cpjit(lambda x: function(x), isa=level)(x), name, x)
            return
        for f in (
            lambda x, y: function(x, y),
            lambda x, y: function(x, number),
            lambda x, y: function(number, x),
            lambda x, y: function(x, y.dtype.type(number)),
            lambda x, y: function(y.dtype.type(number), x),
        ):
            assert_same(f(x, y), cpjit(f, isa=level)(x, y), (name, dtype), x, y)


@pytest.mark.parametrize("dtype", (F64, F32, I64, I32), ids=row_name)
@pytest.mark.parametrize("name", [*METHODS, *FUNCTIONS])
def test_method_or_function(name, dtype, level):
    function = {**METHODS, **FUNCTIONS}[name]
    x = values(dtype, 34)
    with quiet():
        expected, actual = function(x), cpjit(lambda x: function(x), isa=level)(x)
    if "clip" in name:
        expected, actual = plus_zeros(expected), plus_zeros(actual)
    assert_same(expected, actual, name)


@pytest.mark.parametrize(
    "exponent", (2, 2.0, 0.5, -1, -1.0, 0, 0.0, 1, 1.0, np.float32(2)), ids=repr
)
@pytest.mark.parametrize("dtype", DTYPES, ids=row_name)
@pytest.mark.parametrize("function", (operator.pow, np.power), ids=lambda f: f.__name__)
def test_power_with_a_special_exponent(function, dtype, exponent, level):
    x = np.concatenate([special(dtype), values(dtype, 40)])
    compiled = cpjit(lambda x: function(x, exponent), isa=level)
    with quiet():
        try:
            expected = function(x, exponent)
        except ValueError as refused:  # integers to negative powers
            with pytest.raises(ValueError, match=re.escape(str(refused))):
                compiled(x)
            return
        if expected.dtype not in [each.numpy for each in DTYPES]:
            with pytest.raises(DTypeError):
                compiled(x)
            return
        assert_same(expected, compiled(x), (function, dtype, exponent), x)
