"""Dtypes beside one another in one kernel."""

import itertools

import numpy as np
import pytest
from cases import LAYOUTS, assert_same, function_of, quiet, row_name, values

from cpnum import cpjit
from cpnum.tables.dtypes import DTYPES, F32, F64, I32, I64, B, from_numpy
from cpnum.tables.isa import LEVELS
from cpnum.tables.ops import OPS

OUT_CASTS = list(itertools.product(DTYPES, DTYPES))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("first", "second"), OUT_CASTS, ids=row_name)
def test_dtypes_beside_one_another(first, second, layout, level):
    function = function_of(OPS["multiply"])
    compiled = cpjit(function, isa=level)
    length = 4 * LEVELS[level].lanes(max(first.itemsize, second.itemsize)) + 2
    x, y = values(first, length), LAYOUTS[layout](values(second, length, 1))
    with quiet():
        for n in (1, 3, length - 3, length):
            assert_same(function(x[:n], y[:n]), compiled(x[:n], y[:n]), (first, second, n), x[:n])


def test_five_dtypes_in_one_kernel(level):
    def function(d, f, i, n, b):
        return np.where(b & (i > n), d * f, i + n) - np.where(f < d, n, ~b)

    compiled = cpjit(function, isa=level)
    for length in (0, 1, 7, 8, 9, 33):
        given = [values(dtype, length, 3) for dtype in (F64, F32, I64, I32, B)]
        for layout in LAYOUTS.values():
            operands = [layout(each) for each in given]
            with quiet():
                assert_same(function(*operands), compiled(*operands), length)


def test_any_byte_but_zero_is_true(level):
    raw = np.arange(256, dtype=np.uint8).view(bool)
    for function in (
        lambda b: ~b,
        lambda b: np.where(b, 1.0, 2.0),
        lambda b: b.astype(np.float64),
        lambda b: b.astype(np.int32),
        lambda b: np.logical_xor(b, True),
    ):
        expected = function(raw != np.zeros(256, bool))
        for view in (slice(None), slice(None, None, -3), slice(1, 68)):
            assert_same(expected[view], cpjit(function, isa=level)(raw[view]))


def test_integers_compare_exactly_beyond_float64(level):
    x = np.array([2**53, 2**53 + 1, 2**63 - 1, -(2**63)], np.int64)
    compiled = cpjit(lambda x, n: x == n, isa=level)
    for n in (2**53 + 1, 2**63 - 1):
        assert (x == n).tolist() == compiled(x, n).tolist()
    assert [I64, I32] == [from_numpy(np.dtype(each)) for each in ("i8", "i4")]
