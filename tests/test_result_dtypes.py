"""The dtype of a result is NumPy's, or is refused."""

import contextlib
import itertools

import numpy as np
import pytest
from cases import (
    ELEMENTARY,
    ROWS,
    assert_same,
    function_of,
    quiet,
    row_name,
)

from cpnum import DTypeError, UnsupportedError, cpjit
from cpnum.tables.dtypes import DTYPES

OPERANDS = [*(np.ones(3, dtype.numpy) for dtype in DTYPES), 2.0, 2, True]


def assert_same_or_refused(function, compiled, operands, case):
    """Assert that the results are the same, or that NumPy's or its dtypes are refused as well."""
    supported = [dtype.numpy for dtype in DTYPES]
    try:
        expected = function(*operands)
    except TypeError:
        with pytest.raises(TypeError):
            compiled(*operands)
        return
    try:
        actual = compiled(*operands)
    except DTypeError as refused:
        # NumPy computes it in a dtype that has no stencils: float16 or int8, of booleans; np.ldexp
        # has float16 for a Python integer, too.
        assert expected.dtype not in supported or "bool" in str(refused) or " b" in str(refused), (
            case
        )
        booleans = any(np.asarray(each).dtype == bool for each in operands)
        assert booleans or expected.dtype == np.float16, case
        return
    assert_same(expected, actual, case)


@pytest.mark.parametrize("op", {op: None for op, _ in ROWS}, ids=row_name)
def test_result_dtype_of_every_pair(op, level):
    function = function_of(op)
    compiled = cpjit(function, isa=level)
    for operands in itertools.product(OPERANDS, repeat=op.arity):
        if op.ulp > 0.5 or not any(isinstance(each, np.ndarray) for each in operands):
            continue
        dtypes = [getattr(each, "dtype", type(each).__name__) for each in operands]
        with quiet():
            assert_same_or_refused(function, compiled, operands, (op, dtypes))


@pytest.mark.parametrize("op", ELEMENTARY, ids=row_name)
def test_result_dtype_of_elementary_functions(op, level):
    function = function_of(op)
    compiled = cpjit(function, isa=level)
    for operands in itertools.product(OPERANDS, repeat=op.arity):
        if not any(isinstance(each, np.ndarray) for each in operands):
            continue
        with quiet():
            expected = function(*operands)
        if expected.dtype in (np.float16, np.int8):
            with pytest.raises(DTypeError):
                compiled(*operands)
            continue
        if expected.dtype.kind == "i":  # powers of integers, of which some can be compiled
            with contextlib.suppress(UnsupportedError, DTypeError):
                assert compiled(*operands).dtype == expected.dtype
            continue
        with quiet():
            actual = compiled(*operands)
        assert expected.dtype == actual.dtype, (op, operands)
