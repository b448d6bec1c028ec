"""More values, arrays and constants than there are registers; several vectors at once."""

import numpy as np
import pytest
from cases import HERE, LAYOUTS, assert_same, quiet, row_name, values

from cpnum import cpjit
from cpnum.tables.dtypes import F32, F64, I32, I64
from cpnum.tables.isa import LEVELS


@pytest.mark.parametrize("dtype", (F64, F32, I64, I32), ids=row_name)
@pytest.mark.parametrize("count", (7, 8, 12, 20, 40), ids="{} arrays".format)
def test_more_arrays_than_registers(count, dtype, level):
    def function(*arrays):
        total = arrays[0]
        for at, each in enumerate(arrays[1:]):
            total = total * each if at % 3 == 0 else total - each
        return total

    compiled = cpjit(function, isa=level)
    arrays = [values(dtype, 67, seed) for seed in range(count)]
    square = [each[:66].reshape(6, 11) for each in arrays]
    mixed = [LAYOUTS[list(LAYOUTS)[at % len(LAYOUTS)]](each) for at, each in enumerate(arrays)]
    columns = [each if at % 2 else each[:, :1] for at, each in enumerate(square)]
    with quiet():
        for operands in (arrays, mixed, square, [each.T for each in square], columns):
            assert_same(function(*operands), compiled(*operands), (count, dtype))


def long_chain(x, y):
    for at in range(2500):
        x = x * 0.999 + y * (at - 1200.5)
        x = np.minimum(x, 50.0)
    return x


def many_live(x, y):
    terms = [x * float(k) + y for k in range(1, 151)]
    for _ in range(32):
        terms = [a - b * 0.5 for a, b in zip(terms, [*terms[7:], *terms[:7]], strict=True)]
    total = terms[0]
    for each in terms[1:]:
        total = total + each
    return total


def many_masks(x, y):
    masks = [x * float(k) > y for k in range(60)]
    total = x
    for at, mask in enumerate(masks):
        total = np.where(mask ^ masks[-1 - at], total + float(at), total * 0.5)
    return total


@pytest.mark.parametrize("dtype", (F64, F32), ids=row_name)
@pytest.mark.parametrize("function", (long_chain, many_live, many_masks), ids=lambda f: f.__name__)
def test_expressions_of_thousands_of_operations(function, dtype, level):
    compiled = cpjit(function, isa=level)
    x = np.random.default_rng(1).uniform(-3, 3, 37).astype(dtype.numpy)
    y = np.random.default_rng(2).uniform(-3, 3, 37).astype(dtype.numpy)
    with quiet():
        assert_same(function(x, y), compiled(x, y), function.__name__)
        assert_same(function(x[::2], y[::-2]), compiled(x[::2], y[::-2]), function.__name__)
    if function is not many_masks:
        assert len(compiled.lower(x, y).graph.nodes) >= 9_000


def test_spilled_values_of_every_dtype(level):
    def function(x, n, b):
        kept = [(x * float(k), n + k, b ^ (n > k), x.astype("f4") - k) for k in range(40)]
        total = x * 0.0
        for a, i, c, f in kept[::-1]:
            total = np.where(c, total + a, total - i) * f
        return total

    compiled = cpjit(function, isa=level)
    x = np.random.default_rng(1).uniform(0.9, 1.1, 45)
    n, b = np.arange(45, dtype=np.int32) % 40, np.arange(45) % 3 == 0
    with quiet():
        assert_same(function(x, n, b), compiled(x, n, b))


def test_more_booleans_and_constants_than_registers(level):
    def function(x, y, flag):
        kept = [x]
        for _ in range(40):
            kept.append(kept[-1] ^ y)
        total = y
        for each in kept[::-1]:
            total = np.logical_and((total ^ each) | flag, 2) + y
        return total

    compiled = cpjit(function, isa=level)
    x, y = np.random.default_rng(1).random((2, 300)) < 0.5
    for flag in (False, True):
        assert_same(function(x, y, flag), compiled(x, y, flag))
        assert_same(function(x[::3], y[::-3], flag), compiled(x[::3], y[::-3], flag))


def test_many_values_are_hoisted_out_of_the_loop(level):
    """More values are constant along the inner axis than there are registers."""

    def function(column, row, *numbers):
        total = row
        for number in numbers:
            total = total * (column + number) - (column * number + 1.0)
        for number in numbers[::-1]:
            total = total + (column + number) * (number + 2.0)
        return total

    compiled = cpjit(function, isa=level)
    column = np.random.default_rng(1).uniform(0.5, 1, (7, 1))
    row = np.random.default_rng(2).uniform(0.5, 1, 45)
    numbers = [0.25 + k / 64 for k in range(40)]
    with quiet():
        expected = function(column, row, *numbers)
        assert_same(expected, compiled(column, row, *numbers))
        assert_same(function(row, column, *numbers), compiled(row, column, *numbers))
        cube = np.random.default_rng(3).uniform(0.5, 1, (3, 1, 1))
        assert_same(function(cube + column, row, *numbers), compiled(cube + column, row, *numbers))


@pytest.mark.parametrize("degree", (5, 12, 30, 100), ids="degree {}".format)
@pytest.mark.parametrize("dtype", (F64, F32), ids=row_name)
def test_interleaved_vectors_at_every_length(dtype, degree, level):
    """Horner's rule is one long chain: it is computed for several vectors at once."""

    def function(x):
        total = x * 0.5
        for k in range(degree):
            total = total * x + (k - 3.0)
        return total

    compiled = cpjit(function, isa=level)
    lanes = LEVELS[level].lanes(dtype.itemsize)
    x = np.random.default_rng(1).uniform(-1, 1, 9 * lanes).astype(dtype.numpy)
    strided = LAYOUTS["strided"](x)
    expected = function(x)
    for length in range(9 * lanes):
        assert_same(expected[:length], compiled(x[:length]), length)
        assert_same(expected[:length], compiled(strided[:length]), length)
        assert_same(expected[:length][::-1], compiled(x[:length][::-1]), length)


# -- sin and cos of one value: two results of one operator ---------------------------------------

PAIR_X = np.random.default_rng(1).uniform(-1, 1, (5, 37))
COLUMN = np.random.default_rng(2).uniform(-3, 3, (5, 1))


def turned(x, a, b):
    return np.cos(b) * (x - a * np.sin(b))


def above_the_ellipsoid(x, y, z, a, b, c):
    r = np.radians(x)
    q = 2.0 / np.hypot(6378137.0 * r, 6356752.3 * r)
    u = (q + z) * np.cos(np.radians(y)) - c
    w = (q * 0.9933 + z) * r - np.sin(a)
    return x * (a * u + b * y) + np.cos(a) * w


@pytest.mark.parametrize(
    ("function", "arguments"),
    (
        (turned, (np.ones(64), 0.7, -1.4)),
        (above_the_ellipsoid, (*np.random.default_rng(3).uniform(1, 2, (3, 64)), 0.7, -1.4, 0.3)),
    ),
    ids=("turned", "above_the_ellipsoid"),
)
def test_sin_and_cos_of_a_number(function, arguments, level):
    actual = cpjit(function, isa=level)(*arguments)
    np.testing.assert_allclose(actual, function(*arguments), rtol=1e-14, atol=1e-14)


# Which of sin and cos the inner loop uses; the other one is used outside of it alone.
INSIDE = ("sin", "cos", "both")
# Where the values are computed that are alive at once.
PLACES = ("outside", "inside", "both")
EVERY_COUNT, SOME_COUNTS = range(41), (0, 1, 3, 5, 9, 12, 13, 14, 28, 29, 40)
# a and b, which do not vary along the inner axis, for how many live values, and the dtype of x.
OPERANDS = {
    "numbers": (0.7, -1.4, EVERY_COUNT, F64),
    "float32": (np.float32(0.7), np.float32(-1.4), SOME_COUNTS, F32),
    "without axes": (np.float64(0.7), np.array(-1.4), SOME_COUNTS, F64),
    "a number, a column": (0.7, COLUMN, SOME_COUNTS, F64),
    "columns": (COLUMN * 0.5, COLUMN, SOME_COUNTS, F64),
}


def pair_among(inside, place, count, sin=np.sin, cos=np.cos):
    """Return a function that keeps `count` values beside sin(b) and cos(b); twice for "both"."""

    def function(x, a, b):
        kept = []
        if place != "inside":
            kept += [a * (k / 32 + 0.5) for k in range(count)]
        if place != "outside":
            kept += [x * (k / 32 + 0.5) for k in range(count)]
        s, c = sin(b), cos(b)
        kept += {"sin": [s, a + c], "cos": [c, a * s], "both": [s, c]}[inside]
        total = x
        for each in kept:
            total = each - total
        for each in kept[::-1]:
            total = (total + each) * 0.75
        return total

    return function


@pytest.mark.parametrize("place", PLACES, ids="{} live".format)
@pytest.mark.parametrize("inside", INSIDE, ids="{} inside".format)
@pytest.mark.parametrize("operands", OPERANDS)
def test_sin_and_cos_outside_of_the_loop(operands, inside, place, level):
    """They have the bits that they have alone."""
    a, b, counts, dtype = OPERANDS[operands]
    x = PAIR_X.astype(dtype.numpy)
    sin, cos = cpjit(lambda x: np.sin(x), isa=level), cpjit(lambda x: np.cos(x), isa=level)
    for count in counts:
        expected = pair_among(inside, place, count, sin, cos)(x, a, b)
        actual = cpjit(pair_among(inside, place, count), isa=level)(x, a, b)
        assert_same(expected, actual, count)


@pytest.mark.parametrize("name", [name for name in LEVELS if name not in HERE])
@pytest.mark.parametrize("place", PLACES, ids="{} live".format)
@pytest.mark.parametrize("inside", INSIDE, ids="{} inside".format)
def test_sin_and_cos_outside_of_the_loop_compile(inside, place, name):
    """Also for a level that does not run here."""
    a, b, *_ = OPERANDS["numbers"]
    for count in SOME_COUNTS:
        kernel = cpjit(pair_among(inside, place, count), isa=name).lower(PAIR_X, a, b)
        assert "sincos_f64" in str(kernel.instances)
        assert kernel.code
