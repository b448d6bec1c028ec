"""`fastmath` rounds less often, and is otherwise as exact."""

import fractions
import itertools
from fractions import Fraction

import numpy as np
import pytest
from calls import X
from cases import (
    assert_same,
    bits,
    errors_of,
    quiet,
    special,
)

from cpnum import cpjit
from cpnum.tables.dtypes import F32
from cpnum.tables.ops import OPS


def contracted(x, y, z):
    """Return x * y + z rounded once."""
    return np.array(
        [
            float(Fraction(a) * Fraction(b) + Fraction(c))
            for a, b, c in zip(x.tolist(), y.tolist(), z.tolist(), strict=True)
        ]
    )


def test_fastmath_rounds_a_multiply_add_once(level):
    x, y = np.random.default_rng(0).random((2, 301))
    z = -x * y * (1 + 1e-12)
    exact = cpjit(lambda x, y, z: x * y + z, isa=level)
    fast = cpjit(lambda x, y, z: x * y + z, isa=level, fastmath=True)
    assert_same(x * y + z, exact(x, y, z))
    assert_same(contracted(x, y, z), fast(x, y, z))
    assert fast(x, y, z).tobytes() != exact(x, y, z).tobytes()
    assert "multiply_add" in str(fast.lower(x, y, z).graph)
    assert "multiply_add" not in str(exact.lower(x, y, z).graph)


def test_fastmath_is_near(level):
    def polynomial(x):
        result = 1.0 + 0.0 * x
        for k in range(1, 12):
            result = result * x + 1.0 / k
        return result

    fast = cpjit(polynomial, isa=level, fastmath=True)
    assert np.allclose(fast(X), polynomial(X), rtol=1e-14)


EXPRESSIONS = {
    "x * y + z": lambda x, y, z: x * y + z,
    "z + x * y": lambda x, y, z: z + x * y,
    "x * y - z": lambda x, y, z: x * y - z,
    "z - x * y": lambda x, y, z: z - x * y,
    "-(x * y) - z": lambda x, y, z: -(x * y) - z,
    "x * 2 + z": lambda x, y, z: x * 2 + z,
    "z - x * 2": lambda x, y, z: z - x * 2.0,
    "x * y + z * z": lambda x, y, z: x * y + z * z,
    "x + y + z + x + y": lambda x, y, z: x + y + z + x + y,
    "x * y * z * x * y": lambda x, y, z: x * y * z * x * y,
    "x - y - z - x": lambda x, y, z: x - y - z - x,
    "x * 0 + z": lambda x, y, z: x * 0.0 + z,
    "x + 0": lambda x, y, z: x + 0.0 + y * z,
    "x / x": lambda x, y, z: x / x + y * z,
}

# Few, so that all results of the expressions are exact, and a rounding less changes none.
VALUES = [0.0, -0.0, 1.0, -1.0, 2.0, -0.5, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_fastmath_treats_nan_infinities_and_zeros_as_without(name, dtype, level):
    function = EXPRESSIONS[name]
    x, y, z = np.array(list(itertools.product(VALUES, repeat=3)), dtype).T.copy()
    with np.errstate(all="ignore"):
        expected = function(x, y, z)
        actual = cpjit(function, isa=level, fastmath=True)(x, y, z)
    assert_same(expected, actual, name, x, y, z)


def test_fastmath_multiply_add_rounds_once(level):
    fused = cpjit(lambda a, b, c: a * b + c, isa=level, fastmath=True)
    a, b, c = (np.random.default_rng(seed).normal(size=301) for seed in range(3))
    exact = [
        float(fractions.Fraction(x) * fractions.Fraction(y) + fractions.Fraction(z))
        for x, y, z in zip(a.tolist(), b.tolist(), c.tolist(), strict=True)
    ]
    assert exact == fused(a, b, c).tolist()
    assert np.any(bits(a * b + c) != bits(fused(a, b, c)))
    narrow = [each.astype(F32.numpy) for each in (a, b, c)]
    actual = cpjit(lambda a, b, c: a * b + c, isa=level, fastmath=True)(*narrow)
    assert actual.dtype == np.float32
    wide = [each.astype(np.longdouble) for each in narrow]
    assert_same((wide[0] * wide[1] + wide[2]).astype(np.float32), actual)


def test_fastmath_quotient_of_a_root(level):
    """It may round otherwise; NaN, infinities, zeros and floating-point errors stay as they are."""
    fast = cpjit(lambda a, b: np.sqrt(a) / b, isa=level, fastmath=True)
    random = np.random.default_rng(0)
    raw = random.integers(0, 2**32, (2, 100_000), np.uint32).view(np.float32)
    edge = special(F32)
    a, b = np.concatenate([raw, np.reshape(np.meshgrid(edge, edge), (2, -1))], axis=1)
    with quiet():
        exact = np.sqrt(a).astype(np.float64) / b
        expected, actual = exact.astype(np.float32), fast(a, b)
        number = np.isfinite(expected) & (expected != 0)
        unit = np.spacing(np.abs(expected[number])).astype(np.float64)
        error = np.abs(actual[number] - exact[number]) / unit
        usual = np.abs(b[number]) < 2.0**126
    assert error.max() <= OPS["approximate_divide"].ulp
    assert error[usual].max() <= 1.5
    assert_same(expected[~number], actual[~number], "special values", a[~number], b[~number])
    for divisor, kinds in ((0.0, {"divide"}), (np.nan, set()), (np.inf, set()), (1e-45, {"over"})):
        operands = np.full(37, 4.0, np.float32), np.full(37, divisor, np.float32)
        assert errors_of(fast, *operands)[1] == kinds, divisor
