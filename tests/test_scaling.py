"""np.ldexp and np.frexp: bits and reports, for operands and results of two dtypes."""

import numpy as np
import pytest
from cases import LAYOUTS, assert_same, errors_of, lengths, quiet, row_name, special, values
from tracing import refused

from cpnum import cpjit
from cpnum.errors import DTypeError
from cpnum.tables.dtypes import F32, F64, I32, I64, from_numpy
from cpnum.tables.isa import LEVELS

FLOATS = (F64, F32)
EXPONENTS = (I32, I64)
COUNT = 20_000


def ldexp(x, n):
    return np.ldexp(x, n)


def frexp(x):
    return np.frexp(x)


def count_for(level):
    return COUNT // 20 if LEVELS[level].architecture == "aarch64" else COUNT


def numbers(dtype, count):
    """Return numbers of all bits but signalling nan, a third of them below the normal ones."""
    random = np.random.default_rng(dtype.itemsize)
    bits = random.integers(0, 256, count * dtype.itemsize, np.uint8).view(dtype.numpy)
    with np.errstate(all="ignore"):
        bits = bits + dtype.numpy.type(0)
    small = random.integers(-5000, 5000, count) * np.finfo(dtype.numpy.name).smallest_subnormal
    return np.where(random.random(count) < 1 / 3, small, bits).astype(dtype.numpy)


def exponents(dtype, of, count):
    """Return exponents around those of the numbers, and some of all sizes."""
    random = np.random.default_rng(of.itemsize)
    limits, integers = np.finfo(of.numpy.name), np.iinfo(dtype.numpy.name)
    most = 2 * (limits.maxexp + limits.nmant)
    near = random.integers(-most, most, count)
    far = random.integers(integers.min, integers.max, count, endpoint=True)
    edges = random.choice([*special(dtype), 2**31 - 1, -(2**31)], count)
    return np.choose(random.integers(0, 8, count), [far, edges, *[near] * 6]).astype(dtype.numpy)


@pytest.mark.parametrize("of", FLOATS, ids=row_name)
@pytest.mark.parametrize("dtype", EXPONENTS, ids=row_name)
def test_ldexp_has_numpys_bits_for_all_numbers_and_exponents(dtype, of, level):
    count = count_for(level)
    x, n = numbers(of, count), exponents(dtype, of, count)
    compiled = cpjit(ldexp, isa=level)
    with quiet():
        assert_same(ldexp(x, n), compiled(x, n), (dtype, of), x, n)


@pytest.mark.parametrize("of", FLOATS, ids=row_name)
def test_ldexp_rounds_once_to_what_is_below_the_normal_numbers(of, level):
    limits = np.finfo(of.numpy.name)
    digits = limits.nmant + 1
    # Odd numbers of all digits, so that each exponent rounds off more of them; ties among them.
    whole = 2 ** (digits - 1) + np.array([1, 3, 5, 2 ** (digits - 2) + 1, 2 ** (digits - 1) - 1])
    x = np.concatenate([whole, -whole, 2.0 ** np.arange(digits)]).astype(of.numpy)
    lowest = limits.minexp - limits.nmant
    compiled = cpjit(ldexp, isa=level)
    for n in range(lowest - digits - 3, lowest + 3):
        (expected, theirs), (actual, ours) = (errors_of(f, x, n) for f in (ldexp, compiled))
        assert_same(expected, actual, n, x)
        assert theirs == ours, n


@pytest.mark.parametrize("of", FLOATS, ids=row_name)
def test_frexp_has_numpys_bits_for_all_numbers(of, level):
    x = np.concatenate([special(of), numbers(of, count_for(level))])
    compiled = cpjit(frexp, isa=level)
    assert_same(frexp(x), compiled(x), of, x)
    back = cpjit(lambda x: np.ldexp(*np.frexp(x)), isa=level)
    assert_same(x, back(x), of, x)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("of", FLOATS, ids=row_name)
def test_both_at_every_length(of, layout, level):
    longest = lengths(level, [of])[-1]
    x = LAYOUTS[layout](values(of, longest))
    n = LAYOUTS[layout](values(I32, longest) % 100)
    scaled, parts = cpjit(ldexp, isa=level), cpjit(frexp, isa=level)
    exponent = cpjit(lambda x: np.frexp(x)[1] * 2, isa=level)
    with quiet():
        for length in range(longest + 1):
            operands = x[:length], n[:length]
            assert_same(ldexp(*operands), scaled(*operands), (layout, length), *operands)
            assert_same(frexp(operands[0]), parts(operands[0]), (layout, length), x)
            assert_same(np.frexp(operands[0])[1] * 2, exponent(operands[0]), (layout, length), x)


# Numbers and exponents whose product has an error, or none.
CULPRITS = [
    (1.0, 5000), (-1.0, 5000), (1.0, -5000), (1.0, 2**31 - 1), (1.0, -(2**31)),
    (0.0, 5000), (-0.0, -5000), (np.inf, 5000), (np.inf, -5000), (-np.inf, 3), (np.nan, 5000),
    (1.5, -1074), (1.5, -1075), (1.0, -1074), (1.5, -149), (1.5, -150), (1.0, -149),
    (1.0, 1023), (1.0, 1024), (1.0, 127), (1.0, 128), (5e-324, 2000), (5e-324, 2097), (1e-45, 300),
    (1.7e308, -2098), (3e38, -280),
]  # fmt: skip


@pytest.mark.parametrize("culprit", CULPRITS, ids=str)
@pytest.mark.parametrize("of", FLOATS, ids=row_name)
def test_errors_of_ldexp_are_numpys(of, culprit, level):
    compiled = cpjit(ldexp, isa=level)
    with quiet():
        number, n = of.numpy.type(culprit[0]), culprit[1]
    if level == "aarch64" and number != number:
        pytest.skip("its vector comparisons signal on any NaN: a report too many")
    for length, at in ((1, 0), (19, 3), (19, 18)):
        for dtype in EXPONENTS:
            x, powers = np.full(length, 1.5, of.numpy), np.full(length, 2, dtype.numpy)
            x[at], powers[at] = number, n
            for operands in ((x, powers), (x, powers[at]), (x[at], powers), (x, n), (number, n)):
                (expected, theirs), (actual, ours) = (
                    errors_of(each, *operands) for each in (ldexp, compiled)
                )
                assert_same(expected, actual, operands)
                assert theirs == ours, operands


# What NumPy takes for numbers and for exponents; some pairs have no loop, or none of ours.
NUMBERS = [X := np.array([1.5, -2.0]), X.astype("f4"), X.astype("i8"), X.astype("i4"), X > 0,
           X[0], np.float32(2.5), np.int32(3), np.array(2.5), 2.5, 3, True]  # fmt: skip
POWERS = [N := np.array([3, -2]), N.astype("i4"), N > 0, N.astype("f8"),
          np.int64(2**40), np.int64(-(2**40)), np.int32(4), np.bool(True), np.array(3),
          5, -7, 2**31 - 1, 2**31, 2**40, 2**70, True, 0.5]  # fmt: skip


@pytest.mark.parametrize("n", POWERS, ids=repr)
@pytest.mark.parametrize("x", NUMBERS, ids=repr)
def test_operands_of_all_kinds(x, n):
    ways = {"two": (ldexp, (x, n)), "exponent": (lambda n: np.ldexp(x, n), (n,)),
            "number": (lambda x: np.ldexp(x, n), (x,))}  # fmt: skip
    for name, (function, operands) in ways.items():
        if name != "two" and any(isinstance(each, np.ndarray) for each in (x, n)):
            continue  # an array from outside
        try:
            with quiet():
                expected = function(*operands)
        except (TypeError, OverflowError) as error:
            with pytest.raises((TypeError, OverflowError, DTypeError)):
                cpjit(function)(*operands)
            assert "safe" in str(error) or "out of bounds" in str(error) or "large" in str(error)
            continue
        if expected.dtype == np.float16:
            assert "float16" in refused(DTypeError, function, *operands)
            continue
        with quiet():
            assert_same(expected, cpjit(function)(*operands), (name, x, n))


@pytest.mark.parametrize(
    "x", [each for each in NUMBERS if np.asarray(each).dtype != bool], ids=repr
)
def test_frexp_of_all_kinds(x):
    assert_same(np.frexp(x), cpjit(frexp)(x))
    assert from_numpy(cpjit(frexp)(x)[1].dtype) is I32


def test_exponents_beyond_32_bits_are_the_nearest_of_32_bits():
    graph = cpjit(ldexp).lower(X, N).graph
    assert "clip %" in str(graph) or "clip n -2147483648 2147483647" in str(graph)
    assert "clip" not in str(cpjit(ldexp).lower(X, N.astype("i4")).graph)
    assert type(graph).parse(str(graph)) == graph


def test_a_projection_has_the_dtype_of_its_result():
    graph = cpjit(lambda x: np.frexp(x)[1]).lower(X).graph
    assert "project" in str(graph) and "i32" in str(graph)
    with pytest.raises(ValueError, match="result 1 of frexp is no f64"):
        type(graph).parse(str(graph).replace("i32", "f64"))
