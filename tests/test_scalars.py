"""Scalars as arguments, constants and results are converted as NumPy converts them."""

import numpy as np
import pytest
from arrays import count_traces
from cases import assert_same, quiet, row_name, values

from cpnum import DTypeError, cpjit
from cpnum.tables.dtypes import DTYPES, F32, F64, I32, I64


@pytest.mark.parametrize("dtype", (F64, F32, I64, I32), ids=row_name)
def test_new_scalars_compile_nothing(dtype, level):
    compiled, traces = count_traces(lambda x, s: x * s + s, isa=level)
    x = values(dtype, 35)
    one = [2.5, -0.0, 1e-3, 7.0, 1e30] if dtype.family == "F" else [2, -7, 0, 1000, 2**31 - 1]
    with quiet():
        for scalars in (one, [dtype.numpy.type(each) for each in one]):
            before = len(traces)
            kernel = None
            for each in scalars:
                assert_same(x * each + each, compiled(x, each), each)
                kernel = kernel or compiled.lower(x, each)
                assert compiled.lower(x, each).code is kernel.code, each
            assert len(traces) == before + 1


# fmt: off
SCALARS = [
    0, 1, -1, True, False, 2**24 + 1, 2**31 - 1, -(2**31), 2**31, 2**32, 2**53 + 1,
    2**60 + 2**36 + 1, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 2**64, 2**100, 2**127, 2**128,
    2**1023, 2**1024, 0.1, -0.0, 16777217.0, 1e38, 3.4028235677973366e38, 1e300, -1e300, 1e-46,
    7e-46, 5e-324, float("inf"), float("nan"),
    np.float64(0.1), np.float64(1e300), np.float32(0.1), np.int64(2**53 + 1),
    np.int32(7), np.bool_(True),
]
# fmt: on


def fits(number, result):
    """Tell whether the dtype of a result holds an integer."""
    if result is None or result.dtype.kind == "f":
        return True
    return np.iinfo(result.dtype).min <= number <= np.iinfo(result.dtype).max


SCALAR_FUNCTIONS = {
    "add": lambda x, s: x + s,
    "radd": lambda x, s: s + x,
    "multiply": lambda x, s: x * s,
    "maximum": lambda x, s: np.maximum(x, s),
    "less": lambda x, s: x < s,
    "equal": lambda x, s: x == s,
    "where": lambda x, s: np.where(x > 0, x, s),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=row_name)
@pytest.mark.parametrize("name", SCALAR_FUNCTIONS)
def test_scalars_are_converted_as_numpy_converts_them(name, dtype, level):
    """Exactly, or with OverflowError; as an argument and as a constant of the function."""
    function = SCALAR_FUNCTIONS[name]
    compiled = cpjit(lambda x, s: function(x, s), isa=level)
    x = values(dtype, 19)
    for scalar in SCALARS:
        with quiet():
            try:
                expected = function(x, scalar)
            except OverflowError:
                expected = None
            # cpnum has no integers beyond 64 bits, and may answer where NumPy refuses.
            beyond = type(scalar) is int and not -(2**63) <= scalar < 2**63
            if beyond and name in ("less", "equal", "where"):
                continue
        if expected is not None and expected.dtype not in [each.numpy for each in DTYPES]:
            continue
        if name == "where" and type(scalar) is int and not fits(scalar, expected):
            continue  # NumPy wraps it silently: refusing it is the better answer
        for ours, arguments in (
            (compiled, (x, scalar)),
            (cpjit(lambda x, s=scalar: function(x, s), isa=level), (x,)),
            (cpjit(lambda x: function(x, scalar), isa=level), (x,)),  # noqa: B023
        ):
            with quiet():
                if expected is None:
                    with pytest.raises(OverflowError):
                        ours(*arguments)
                else:
                    assert_same(expected, ours(*arguments), (name, dtype, scalar), x)


def test_bounds_that_are_integer_arguments_beyond_the_dtype(level):
    x = np.array([-(2**31), -5, 0, 5, 2**31 - 1], np.int32)
    compiled = {
        function: cpjit(function, isa=level)
        for function in (
            lambda x, n: np.clip(x, x, n),
            lambda x, n: np.clip(x, n, None),
            lambda x, n: np.clip(x, n, 3),
            lambda x, n: np.clip(x, n, n),
        )
    }
    for function, f in compiled.items():
        for n in (2, 2**31 - 1, 2**31, 2**40, 2**70, -(2**31), -(2**31) - 1, -(2**40)):
            try:
                expected = function(x, n)
            except OverflowError:
                with pytest.raises(OverflowError):
                    f(x, n)
            else:
                assert_same(expected, f(x, n), n)
    with pytest.raises(OverflowError):
        cpjit(lambda x, low, n: np.clip(x, low, n), isa=level)(x, x.astype(np.int64), 2**40)


def test_python_scalars_compute_as_python_does(level):
    """Integers without bounds, on the way to the array."""
    function = lambda x, n, s: x + (n * n * n - n**3 + n // 7) * s  # noqa: E731
    compiled = cpjit(function, isa=level)
    x = np.arange(5.0)
    for n in (3, 10**30, -(10**25), 2**70):
        assert_same(function(x, n, 0.5), compiled(x, n, 0.5), n)


SCALAR_CALLS = [
    (2.0, 3.0),
    (2, 3),
    (2, 3.5),
    (True, 2),
    (np.float32(2), 3.0),
    (np.float32(2), np.float64(3)),
    (np.int32(2), 3),
    (np.int64(2), np.int32(3)),
    (np.array(2.0), 3.0),
    (np.array(2.0), np.array(3.0)),
    (np.array(2, np.int32), np.float32(3)),
]


@pytest.mark.parametrize("scalar", [np.float64(2), np.float32(2), np.array(3), np.True_], ids=repr)
def test_a_scalar_is_broadcast_to_a_shape(scalar, level):
    for function in (
        lambda x: np.broadcast_to(x, (2, 3)),
        lambda x: np.broadcast_to(x, (2, 3)).astype("f4").T[1:] * 1.5,
    ):
        compiled, expected = cpjit(function, isa=level), function(scalar)
        assert_same(expected, compiled(scalar), scalar)
        assert_same(expected, compiled.bind(scalar)(), scalar)


@pytest.mark.parametrize("arguments", SCALAR_CALLS, ids=repr)
def test_a_call_with_nothing_but_scalars(arguments, level):
    functions = [
        lambda x, y: np.add(x, y) * np.maximum(x, y),
        lambda x, y: np.sqrt(x) + y,
        lambda x, y: np.less(x, y),
        lambda x, y: np.floor(np.divide(x, y)),
    ]
    for at, function in enumerate(functions):
        compiled = cpjit(function, isa=level)
        try:
            expected = function(*arguments)
        except TypeError:
            continue
        if at == 2 and all(type(each) is int for each in arguments):
            with pytest.raises(DTypeError, match="in object"):
                compiled(*arguments)
            continue
        if expected.dtype.type is np.float16:
            continue
        assert_same(expected, compiled(*arguments), (at, arguments))
