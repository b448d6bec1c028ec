"""Each operator and cast x dtype x layout x length x ISA level against NumPy."""

import itertools

import numpy as np
import pytest
from cases import (
    EXACT_ROWS,
    FLOATING,
    LAYOUTS,
    ROWS,
    assert_same,
    function_of,
    lengths,
    operand_dtypes,
    plus_zeros,
    quiet,
    row_name,
    special,
    values,
)

from cpnum import cpjit
from cpnum.tables.dtypes import DTYPES, I32, I64

# NumPy is not consistent about which zero of 0.0 and -0.0 these return.  Measured on 2.4, AVX-512:
# fmin and fmax return the first in some loops and the second in others, depending on strides and
# length; clip returns a bound that is an array, but not one that is a scalar.  So a zero compares
# by value.  minimum and maximum return the second operand everywhere and compare by bits.
SIGN_OF_ZERO_VARIES = {"fmin", "fmax", "clip"}

# Of some float32 functions NumPy rounds to 0.5 ulp, of others to 4: these compare with the true
# value, in test_elementary.py, and here with a bound that holds for both.
NUMPY_ULP = 4.0


def assert_as_numpy(op, expected, actual, case, operands):
    if op.name in SIGN_OF_ZERO_VARIES:
        expected, actual = plus_zeros(expected), plus_zeros(actual)
    if op.name == "sinc":  # in NumPy, pi * x overflows for the largest
        expected = np.where(np.isfinite(operands[0]) & np.isnan(expected), 0, expected)
        expected = expected.astype(actual.dtype)
    if op.ulp > 0.5:
        assert expected.dtype == actual.dtype and expected.shape == actual.shape, case
        finite = np.isfinite(expected)
        assert_same(np.where(finite, 0, expected), np.where(finite, 0, actual), case, *operands)
        error = np.abs(expected[finite] - actual[finite])
        size = np.abs(expected[finite])
        # numpy.sinc rounds pi * x, which changes the sine by that much, not relative to the result;
        # numpy.logaddexp the terms of a sum that may vanish, C's lgamma() those beside its poles.
        if op.name == "sinc":
            size = np.ones((), expected.dtype)
        if op.name.startswith("logaddexp") or op.name == "gammaln":
            size = np.maximum(size, 1)
        with quiet():
            unit = np.spacing(size)
        assert np.all(error <= (op.ulp + NUMPY_ULP) * unit), case
    else:
        assert_same(expected, actual, case, *operands)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("op", "dtype"), ROWS, ids=row_name)
def test_operator_at_every_length(op, dtype, layout, level):
    function = function_of(op)
    compiled = cpjit(function, isa=level)
    dtypes = operand_dtypes(op, dtype)
    longest = lengths(level, dtypes)[-1]
    given = [LAYOUTS[layout](values(each, longest, seed)) for seed, each in enumerate(dtypes)]
    with quiet():
        whole = function(*given)
        for length in range(longest + 1):
            operands = [each[:length] for each in given]
            actual = compiled(*operands)
            # NumPy's loops are elementwise, but for zeros' signs and roundings of `op.ulp` > 0.5.
            assert_as_numpy(op, whole[:length], actual, (op, dtype, layout, length), operands)


@pytest.mark.parametrize(("op", "dtype"), [row for row in ROWS if row[0].arity > 1], ids=row_name)
def test_operands_of_different_layouts(op, dtype, level):
    compiled = cpjit(function := function_of(op), isa=level)
    dtypes = operand_dtypes(op, dtype)
    length = lengths(level, dtypes)[-1] - 3
    given = [values(each, length, seed) for seed, each in enumerate(dtypes)]
    for layouts in itertools.product(LAYOUTS, repeat=op.arity):
        if op.arity == 3 and len(set(layouts)) < 3:
            continue
        operands = [LAYOUTS[layout](each) for layout, each in zip(layouts, given, strict=True)]
        with quiet():
            expected, actual = function(*operands), compiled(*operands)
        assert_as_numpy(op, expected, actual, (op, dtype, layouts), operands)


@pytest.mark.parametrize(("op", "dtype"), [row for row in ROWS if row[0].arity > 1], ids=row_name)
def test_operator_on_all_pairs_of_special_values(op, dtype, level):
    compiled = cpjit(function := function_of(op), isa=level)
    given = [special(each) for each in operand_dtypes(op, dtype)]
    operands = [each.ravel() for each in np.meshgrid(*given)]
    with quiet():
        expected, actual = function(*operands), compiled(*operands)
    assert_as_numpy(op, expected, actual, (op, dtype), operands)


@pytest.mark.parametrize(("op", "dtype"), EXACT_ROWS, ids=row_name)
def test_operator_on_scalars(op, dtype, level):
    compiled = cpjit(function := function_of(op), isa=level)
    given = [special(each)[:12] for each in operand_dtypes(op, dtype)]
    for operands in itertools.islice(itertools.product(*given), 0, None, 5):
        with quiet():
            expected, actual = function(*operands), compiled(*operands)
        if op.name in SIGN_OF_ZERO_VARIES and expected == 0:
            expected, actual = abs(expected), abs(actual)
        assert_same(expected, actual, (op, dtype, operands))


# -- casts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("to", DTYPES, ids=row_name)
@pytest.mark.parametrize("source", DTYPES, ids=row_name)
def test_cast_at_every_length(source, to, layout, level):
    def function(x):
        return x.astype(to.numpy)

    compiled = cpjit(function, isa=level)
    longest = lengths(level, [source, to])[-1]
    given = LAYOUTS[layout](values(source, longest))
    with quiet():
        for length in range(longest + 1):
            x = given[:length]
            assert_same(function(x), compiled(x), (source, to, layout, length), x)
        everything = special(source)
        assert_same(function(everything), compiled(everything), (source, to), everything)


@pytest.mark.parametrize("to", (I64, I32), ids=row_name)
@pytest.mark.parametrize("source", FLOATING, ids=row_name)
def test_a_float_that_no_integer_holds_becomes_the_lowest_integer(source, to, level):
    bad = np.array([np.nan, np.inf, -np.inf, 2.0**63, -(2.0**64), 1e30], source.numpy)
    lowest = np.iinfo(to.numpy.name).min
    with quiet():
        actual = cpjit(lambda x: x.astype(to.numpy), isa=level)(bad)
    assert [lowest] * len(bad) == actual.tolist()
