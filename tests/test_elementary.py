"""The elementary functions: within 1 ULP of the true value, and the same bits wherever they run."""

import csv
import functools
import itertools
from pathlib import Path

import mpmath
import numpy as np
import pytest
from cases import ELEMENTARY, FLOATING, HERE, LAYOUTS, assert_same, bits, quiet, row_name

from cpnum import cpjit, run
from cpnum.dtypes import F32, F64
from cpnum.isa import LEVELS
from cpnum.ops import OPS

UNARY = [op for op in ELEMENTARY if op.arity == 1]
# Bits of the argument beside those of the result: sin and cos of the worst float64 lose 61.
PRECISION = 160
EVEN, ODD = ("cos",), ("sin", "arcsin", "arctan", "tanh")

TRUE = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos,
    "arctan": mpmath.atan,
    "arctan2": mpmath.atan2,
    "tanh": mpmath.tanh,
}
# Where a function has a finite value.
DOMAIN = {
    "exp": (-746.0, 709.782712893384),
    "log": (5e-324, np.inf),
    "arcsin": (-1.0, 1.0),
    "arccos": (-1.0, 1.0),
}


def compiled(op, level):
    function = getattr(np, op.name)
    if op.arity == 1:
        return cpjit(lambda x: function(x), isa=level)
    return cpjit(lambda y, x: function(y, x), isa=level)


# -- arguments -----------------------------------------------------------------------------------


def near(values, dtype, steps=3):
    """Return values, and their neighbours in the dtype."""
    with quiet():
        found = [np.asarray(values, dtype.numpy)]
        for direction in (-np.inf, np.inf):
            at = found[0]
            for _ in range(steps):
                at = np.nextafter(at, dtype.numpy.type(direction))
                found.append(at)
    return np.concatenate(found)


@functools.cache
def multiples_of_half_pi(dtype):
    """Return the numbers nearest to n * pi / 2, where sin or cos all but vanish."""
    with mpmath.workprec(1400):
        random = np.random.default_rng(5)
        small = [*range(1, 40), *(int(2**e) for e in range(6, 60))]
        large = [int(random.integers(1, 2**62)) << int(random.integers(0, 950)) for _ in range(200)]
        limit = float(np.finfo(dtype.numpy.name).max)
        numbers = [n * mpmath.pi / 2 for n in small + large]
        return np.array([float(each) for each in numbers if each < limit], dtype.numpy)


# The float64 that is nearest to a multiple of pi / 2 (J.-M. Muller, Elementary Functions, 3rd ed.,
# table 11.1): its cosine is 4.7e-19.
NEAREST_TO_ZERO = 6381956970095103.0 * 2.0**797

# Where algorithms change: ends of reduction intervals and tables, thresholds of simple cases.
HARD = {
    "exp": [0.0, 709.782712893384, -745.1332191019411, -708.3964185322641, 0.5 * np.log(2), 1e-300]
    + [k * np.log(2) for k in range(-20, 20)] + [(k + 0.5) * np.log(2) for k in range(-20, 20)]
    + [(k + 0.5) * np.log(2) / 32 for k in range(-40, 40)],
    "log": [1.0, 0.5, 2.0, np.sqrt(2), np.sqrt(0.5), 0.75, 1.5, 4 / 3, 2 / 3, 5e-324, 1e308],
    "sin": [NEAREST_TO_ZERO, 1.5707963267948966, 3.141592653589793, 1e22, 2.0**24, 25600.0],
    "cos": [NEAREST_TO_ZERO, 1.5707963267948966, 4.71238898038469, 1e22, 2.0**24, 25600.0],
    "arcsin": [0.5, -0.5, 1.0, -1.0, 0.7071067811865476, 0.975, 1e-8, 2.0**-27],
    "arccos": [0.5, -0.5, 1.0, -1.0, 0.7071067811865476, 0.975, 0.0, 1e-8, 1 - 2.0**-40],
    "arctan": [7 / 16, 11 / 16, 19 / 16, 39 / 16, 1.0, 0.5, 2.0**66, 2.0**-27, 1e300],
    "tanh": [0.55, 0.625, 22.0, 19.0, 0.25, 1.0, 2.0**-28, 9.0, np.log(3) / 2, np.log(2) / 2],
}  # fmt: skip
TYPICAL = {
    "exp": (-30, 30), "log": (1e-3, 10), "sin": (-10, 10), "cos": (-10, 10), "arcsin": (-1, 1),
    "arccos": (-1, 1), "arctan": (-5, 5), "tanh": (-5, 5),
}  # fmt: skip


@functools.cache
def arguments(name, dtype, count):
    """Return arguments of all kinds at which the function is finite."""
    random = np.random.default_rng([count, len(name), dtype.itemsize])
    low, high = TYPICAL[name]
    raw = random.integers(0, 256, count * dtype.itemsize, np.uint8).view(dtype.numpy)
    limits = np.finfo(dtype.numpy.name)
    magnitudes = random.uniform(-40, 12, count)
    parts = [
        raw,
        random.uniform(low, high, count),
        np.exp2(magnitudes) * random.choice([-1, 1], count),
        np.ldexp(random.uniform(1, 2, 60), random.integers(-1074, -1020, 60)),
        near(HARD[name], dtype, 8),
        1 + np.ldexp(random.uniform(-1, 1, count // 4), random.integers(-50, -1, count // 4)),
        [limits.max, limits.tiny, limits.smallest_subnormal, -limits.max, -limits.tiny],
    ]
    if name in ("sin", "cos"):
        parts.append(near(multiples_of_half_pi(dtype), dtype))
        parts.append(np.exp2(random.uniform(20, limits.maxexp, count)))
    if name == "exp":
        parts.append(random.uniform(-746, -700, count // 4))
        parts.append(random.uniform(700, 710, count // 4))
    with quiet():
        x = np.concatenate([np.asarray(part).astype(dtype.numpy) for part in parts])
        low, high = DOMAIN.get(name, (-np.inf, np.inf))
        return np.unique(x[np.isfinite(x) & (x >= low) & (x <= high) & (x != 0)])


@functools.cache
def pairs(dtype, count):
    """Return the arguments of arctan2: near each other, far apart, of all signs and magnitudes."""
    random = np.random.default_rng(9)
    raw = random.integers(0, 256, 2 * count * dtype.itemsize, np.uint8).view(dtype.numpy)
    y, x = raw.reshape(2, -1)
    limits = np.finfo(dtype.numpy.name)
    exponents = random.integers(limits.minexp // 2, limits.maxexp // 2, count)
    close = np.ldexp(random.uniform(1, 2, (2, count)), exponents) * random.choice(
        [-1, 1], (2, count)
    )
    ratio = random.uniform(-2, 2, count) * np.exp2(random.integers(-30, 30, count))
    plain = random.normal(size=count)
    edge = np.array(
        [limits.max, -limits.max, limits.tiny, -limits.tiny, limits.smallest_subnormal, 1.0]
    )
    grid = [each.ravel() for each in np.meshgrid(edge, edge)]
    tangents = np.array([0.5, 7 / 16, 11 / 16, 1.0, 19 / 16, 39 / 16, np.tan(np.pi / 8)])
    with quiet():
        y = np.concatenate([y, close[0], ratio * plain, grid[0], near(tangents, dtype)])
        x = np.concatenate([x, close[1], plain, grid[1], np.ones(7 * len(tangents))])
        y, x = y.astype(dtype.numpy), x.astype(dtype.numpy)
    good = np.isfinite(y) & np.isfinite(x) & (x != 0) & (y != 0)
    return y[good], x[good]


def operands_of(op, dtype, count):
    return pairs(dtype, count) if op.arity == 2 else (arguments(op.name, dtype, count),)


# -- true values ---------------------------------------------------------------------------------


def true_value(name, *numbers):
    with mpmath.workprec(PRECISION):
        exact = [mpmath.mpf(float(each)) for each in numbers]
        if name in ("sin", "cos") and abs(exact[0]) > 2**60:
            with mpmath.workprec(1300):
                return TRUE[name](exact[0])
        return TRUE[name](*exact)


@functools.cache
def true_values(op, dtype, count):
    """Return the true values as the nearest float64, and what is left of each in its ulps."""
    heads, rests = [], []
    for numbers in zip(*operands_of(op, dtype, count), strict=True):
        exact = true_value(op.name, *numbers)
        with mpmath.workprec(PRECISION), quiet():
            head = dtype.numpy.type(float(exact))
            heads.append(head)
            if np.isfinite(head):
                unit = mpmath.mpf(float(np.spacing(abs(head))))
                rests.append(float((exact - mpmath.mpf(float(head))) / unit))
            else:
                rests.append(0.0)
    return np.array(heads, dtype.numpy), np.array(rests)


def errors(actual, heads, rests):
    """Return the errors in units in the last place of the true values."""
    same = actual == heads  # infinities too
    with quiet():
        unit = np.spacing(np.abs(heads)).astype(np.longdouble)
        distance = (actual.astype(np.longdouble) - heads.astype(np.longdouble)) / unit
    return np.abs(np.where(same, 0, distance) - rests)


@pytest.mark.parametrize("dtype", FLOATING, ids=row_name)
@pytest.mark.parametrize("op", ELEMENTARY, ids=row_name)
def test_error_is_at_most_one_ulp(op, dtype, level):
    count = 10_000 if dtype is F64 else 1000
    operands = operands_of(op, dtype, count)
    heads, rests = true_values(op, dtype, count)
    with quiet():
        actual = compiled(op, level)(*operands)
    error = errors(actual, heads, rests)
    worst = int(np.nanargmax(error))
    given = [each[worst].item().hex() for each in operands]
    assert np.all(error <= op.ulp), f"{op} of {given}: {error[worst]:.4f} ulp, {actual[worst]!r}"
    assert not np.isnan(error).any()


@pytest.mark.parametrize("op", ELEMENTARY, ids=row_name)
def test_error_of_float32_on_a_dense_sample(op, level):
    """Against NumPy's float64, whose error is a few millionths of a float32's ulp."""
    if op.arity == 2:
        operands = pairs(F32, 150_000)
    else:
        step = 2221  # prime, so that all low bits are met
        operands = (np.arange(0, 2**32, step, dtype=np.uint32).view(np.float32),)
    with quiet():
        wide = [each.astype(np.float64) for each in operands]
        expected = getattr(np, op.name)(*wide)
        actual = compiled(op, level)(*operands)
        heads = expected.astype(np.float32)
        finite = np.isfinite(heads)
        unit = np.spacing(np.abs(heads[finite])).astype(np.float64)
        error = np.abs(actual[finite].astype(np.float64) - expected[finite]) / unit
    worst = int(np.argmax(error))
    given = [each[finite][worst].item().hex() for each in operands]
    assert error[worst] <= op.ulp + 1e-5, f"{op} of {given}: {error[worst]:.4f} ulp"
    assert_same(heads[~finite], actual[~finite], op)


# -- the same bits everywhere --------------------------------------------------------------------


@pytest.mark.skipif(len(HERE) < 2, reason="this processor runs one ISA level")
@pytest.mark.parametrize("dtype", FLOATING, ids=row_name)
@pytest.mark.parametrize("op", ELEMENTARY, ids=row_name)
def test_same_bits_on_every_isa_level(op, dtype):
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 2.0, -2.0, 1e4], dtype.numpy)
    operands = operands_of(op, dtype, 20_000)
    extra = [each.ravel() for each in np.meshgrid(*[special] * op.arity)]
    operands = [np.concatenate(each) for each in zip(operands, extra, strict=True)]
    with quiet():
        results = [compiled(op, level)(*operands) for level in HERE]
    for other in results[1:]:
        assert_same(results[0], other, op, *operands)


@pytest.mark.parametrize("dtype", FLOATING, ids=row_name)
@pytest.mark.parametrize("op", ELEMENTARY, ids=row_name)
def test_same_bits_in_body_and_tail_alone_and_fused(op, dtype, level):
    function = getattr(np, op.name)
    ours = compiled(op, level)
    lanes = LEVELS[level].lanes(dtype.itemsize)
    random = np.random.default_rng(3)
    every = operands_of(op, dtype, 2000)
    at = random.permutation(len(every[0]))[: 24 * lanes]
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 3.0], dtype.numpy)
    operands = [np.concatenate([each[at], random.permutation(special)]) for each in every]
    minus_zero, zero = (
        np.full(len(operands[0]), -0.0, dtype.numpy),
        np.zeros(len(operands[0]), dtype.numpy),
    )

    # x + -0.0 and x - 0.0 are x, bit for bit; as arrays of the call no rewrite knows that.
    fused = cpjit(lambda m, z, *o: function(*(each + m for each in o)) - z, isa=level)
    wide = cpjit(lambda *o: function(*o).astype(np.float64), isa=level)
    twice = cpjit(lambda *o: np.where(function(*o) == o[0], function(*o), function(*o)), isa=level)
    with quiet():
        whole = ours(*operands)
        assert_same(whole, fused(minus_zero, zero, *operands), op, *operands)
        assert_same(whole.astype(np.float64), wide(*operands), op, *operands)
        assert_same(whole, twice(*operands), op, *operands)
        assert_same(whole[::-1], ours(*(each[::-1] for each in operands)), op)
        for layout in ("strided", "misaligned"):
            assert_same(whole, ours(*map(LAYOUTS[layout], operands)), (op, layout))
        for length in (*range(1, 2 * lanes + 2), len(whole) - 1):
            for start in (0, 5 * lanes + 3, len(whole) - length):
                part = slice(start, start + length)
                assert_same(whole[part], ours(*(each[part] for each in operands)), (op, length))
        for i in range(0, len(whole), 7):
            scalars = [each[i] for each in operands]
            assert_same(whole[i], ours(*scalars), (op, scalars))


# -- special values ------------------------------------------------------------------------------

PI = np.pi
INVALID, DIVIDE, OVER, NONE = {"invalid"}, {"divide"}, {"over"}, set()
# fmt: off
#   argument            value  errors
SPECIAL = {
    "exp": [
        (np.nan,        np.nan, NONE), (np.inf,    np.inf, NONE), (-np.inf, 0.0, NONE),
        (0.0,           1.0,    NONE), (-0.0,      1.0,    NONE), ("tiny",  1.0, NONE),
        (1e4,           np.inf, OVER), (-1e4,      0.0,    NONE), ("max", np.inf, OVER),
    ],
    "log": [
        (np.nan,        np.nan, NONE), (np.inf,    np.inf, NONE), (-np.inf, np.nan, INVALID),
        (0.0,          -np.inf, DIVIDE), (-0.0,   -np.inf, DIVIDE), (-1.0,  np.nan, INVALID),
        (1.0,           0.0,    NONE), ("-tiny", np.nan, INVALID), ("-max", np.nan, INVALID),
    ],
    "sin": [
        (np.nan,        np.nan, NONE), (np.inf,    np.nan, INVALID), (-np.inf, np.nan, INVALID),
        (0.0,           0.0,    NONE), (-0.0,     -0.0,    NONE), ("tiny", "tiny", NONE),
        ("-tiny",      "-tiny", NONE),
    ],
    "cos": [
        (np.nan,        np.nan, NONE), (np.inf,    np.nan, INVALID), (-np.inf, np.nan, INVALID),
        (0.0,           1.0,    NONE), (-0.0,      1.0,    NONE), ("tiny",  1.0, NONE),
        (PI,           -1.0,    NONE),
    ],
    "arcsin": [
        (np.nan,        np.nan, NONE), (np.inf,    np.nan, INVALID), (-np.inf, np.nan, INVALID),
        (0.0,           0.0,    NONE), (-0.0,     -0.0,    NONE), ("tiny", "tiny", NONE),
        (1.0,           PI / 2, NONE), (-1.0,     -PI / 2, NONE), (2.0,    np.nan, INVALID),
        (-1.5,          np.nan, INVALID), ("max",  np.nan, INVALID), ("-tiny", "-tiny", NONE),
    ],
    "arccos": [
        (np.nan,        np.nan, NONE), (np.inf,    np.nan, INVALID), (-np.inf, np.nan, INVALID),
        (0.0,           PI / 2, NONE), (-0.0,      PI / 2, NONE), ("tiny", PI / 2, NONE),
        (1.0,           0.0,    NONE), (-1.0,      PI,     NONE), (2.0,    np.nan, INVALID),
        (-1.5,          np.nan, INVALID),
    ],
    "arctan": [
        (np.nan,        np.nan, NONE), (np.inf,    PI / 2, NONE), (-np.inf, -PI / 2, NONE),
        (0.0,           0.0,    NONE), (-0.0,     -0.0,    NONE), ("tiny", "tiny", NONE),
        ("max",         PI / 2, NONE), ("-max",   -PI / 2, NONE), ("-tiny", "-tiny", NONE),
    ],
    "tanh": [
        (np.nan,        np.nan, NONE), (np.inf,    1.0,    NONE), (-np.inf, -1.0, NONE),
        (0.0,           0.0,    NONE), (-0.0,     -0.0,    NONE), ("tiny", "tiny", NONE),
        ("max",         1.0,    NONE), ("-max",   -1.0,    NONE), ("-tiny", "-tiny", NONE),
        (100.0,         1.0,    NONE), (-100.0,   -1.0,    NONE),
    ],
}
#   y        x        value
ARCTAN2 = [
    (0.0,     0.0,     0.0),        (0.0,    -0.0,     PI),          (-0.0,    0.0,    -0.0),
    (-0.0,   -0.0,    -PI),         (0.0,     1.0,     0.0),         (0.0,    -1.0,     PI),
    (-0.0,    1.0,    -0.0),        (-0.0,   -1.0,    -PI),          (1.0,     0.0,     PI / 2),
    (1.0,    -0.0,     PI / 2),     (-1.0,    0.0,    -PI / 2),      (-1.0,   -0.0,    -PI / 2),
    (np.inf,  np.inf,  PI / 4),     (np.inf, -np.inf,  3 * PI / 4),  (-np.inf, np.inf, -PI / 4),
    (-np.inf, -np.inf, -3 * PI / 4), (np.inf, 1.0,     PI / 2),      (-np.inf, 1.0,    -PI / 2),
    (1.0,     np.inf,  0.0),        (-1.0,    np.inf, -0.0),         (1.0,    -np.inf,  PI),
    (-1.0,   -np.inf, -PI),         (0.0,     np.inf,  0.0),         (0.0,    -np.inf,  PI),
    (-0.0,    np.inf, -0.0),        (-0.0,   -np.inf, -PI),          (np.inf,  0.0,     PI / 2),
    (-np.inf, -0.0,   -PI / 2),     (np.nan,  1.0,     np.nan),      (1.0,     np.nan,  np.nan),
    (np.nan,  np.nan,  np.nan),     (np.nan,  np.inf,  np.nan),      (np.inf,  np.nan,  np.nan),
    (np.nan,  0.0,     np.nan),     (0.0,     np.nan,  np.nan),
]
# fmt: on


def number(value, dtype):
    limits = np.finfo(dtype.numpy.name)
    named = {"tiny": limits.smallest_subnormal, "max": limits.max}
    if isinstance(value, str):
        return -named[value[1:]] if value.startswith("-") else named[value]
    return dtype.numpy.type(value)


def errors_of(function, *operands):
    """Return the kinds of floating-point errors but underflow, which is advisory."""
    seen = set()
    names = {"divide by zero": "divide", "overflow": "over", "invalid value": "invalid"}
    with np.errstate(all="call", under="ignore", call=lambda kind, _: seen.add(names[kind])):
        result = function(*operands)
    return result, seen


@pytest.mark.parametrize("dtype", FLOATING, ids=row_name)
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name, dtype, level):
    ours = compiled(OPS[name], level)
    lanes = LEVELS[level].lanes(dtype.itemsize)
    for argument, value, kinds in SPECIAL[name]:
        x, expected = number(argument, dtype), number(value, dtype)
        for length, at in (
            (1, 0),
            (lanes - 1, lanes - 2),
            (lanes, 1),
            (4 * lanes + 3, 4 * lanes + 1),
        ):
            given = np.full(length, 0.5, dtype.numpy)
            given[at] = x
            actual, seen = errors_of(ours, given)
            # pi and its parts are rounded either way.
            tolerance = 1 if value in (PI, PI / 2, -PI / 2) else 0
            with quiet():
                close = abs(actual[at] - expected) <= tolerance * np.spacing(abs(expected))
            same = bits(expected) == bits(actual[at])
            assert same or (tolerance and close), (name, argument, length, actual[at])
            assert kinds == seen, (name, argument, length, at)


@pytest.mark.parametrize("dtype", FLOATING, ids=row_name)
def test_special_values_of_arctan2(dtype, level):
    ours = compiled(OPS["arctan2"], level)
    for y, x, value in ARCTAN2:
        expected = dtype.numpy.type(value)
        for length, at in ((1, 0), (21, 20), (33, 3)):
            first, second = np.full(length, 0.5, dtype.numpy), np.full(length, 2.0, dtype.numpy)
            first[at], second[at] = y, x
            actual, seen = errors_of(ours, first, second)
            exact = value == 0 or np.isnan(value)
            with quiet():
                close = abs(actual[at] - expected) <= np.spacing(abs(expected))
            assert bits(expected) == bits(actual[at]) or (not exact and close), (y, x, actual[at])
            assert not seen, (y, x)


@pytest.mark.parametrize("dtype", FLOATING, ids=row_name)
@pytest.mark.parametrize("op", UNARY, ids=row_name)
def test_finite_arguments_in_the_domain_raise_no_flag(op, dtype, level, monkeypatch):
    """Not even one that NumPy, asked for its message, then does not raise: that costs time."""
    raised = []
    monkeypatch.setattr(run, "report", lambda graph, arguments, flags: raised.append(flags))
    x = arguments(op.name, dtype, 2000)
    compiled(op, level)(x[x < 88.7] if op.name == "exp" else x)
    assert not [flags for flags in raised if flags & ~run.FLAGS["under"]]


# -- symmetry and exact points -------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATING, ids=row_name)
@pytest.mark.parametrize("name", (*EVEN, *ODD))
def test_symmetry(name, dtype, level):
    ours = compiled(OPS[name], level)
    x = arguments(name, dtype, 10_000)
    with quiet():
        mirrored = ours(-x) if name in EVEN else -ours(-x)
        assert_same(ours(x), mirrored, name, x)


@pytest.mark.parametrize("dtype", FLOATING, ids=row_name)
def test_symmetry_of_arctan2(dtype, level):
    ours = compiled(OPS["arctan2"], level)
    y, x = pairs(dtype, 10_000)
    with quiet():
        assert_same(ours(y, x), -ours(-y, x), "arctan2", y, x)


@pytest.mark.parametrize("dtype", FLOATING, ids=row_name)
def test_values_that_are_exact(dtype, level):
    one = np.ones(1, dtype.numpy)
    assert compiled(OPS["exp"], level)(one * 0) == 1
    assert compiled(OPS["log"], level)(one) == 0
    assert compiled(OPS["cos"], level)(one * 0) == 1
    assert compiled(OPS["arccos"], level)(one) == 0
    small = np.ldexp(one, -60)
    for name in ODD:
        assert_same(small, compiled(OPS[name], level)(small), name)


@pytest.mark.parametrize("dtype", FLOATING, ids=row_name)
def test_results_stay_in_their_range(dtype, level):
    with quiet():
        for name, low, high in (
            ("sin", -1, 1),
            ("cos", -1, 1),
            ("tanh", -1, 1),
            ("exp", 0, np.inf),
        ):
            y = compiled(OPS[name], level)(arguments(name, dtype, 10_000))
            assert np.all((y >= low) & (y <= high)), name


# -- NumPy's own validation set ------------------------------------------------------------------

DATA = Path(np.__file__).parent / "_core" / "tests" / "data"


def validation_set(path):
    """Return (dtype, arguments, expected values) of one of NumPy's files of bits."""
    rows = {}
    with path.open(newline="") as lines:
        plain = itertools.filterfalse(lambda line: line.startswith(("#", "dtype")), lines)
        for dtype, argument, expected, _ in csv.reader(plain):
            rows.setdefault(dtype, []).append((int(argument, 16), int(expected, 16)))
    for dtype, pairs_of_bits in rows.items():
        word, floating = (np.uint64, F64) if dtype == "np.float64" else (np.uint32, F32)
        table = np.array(pairs_of_bits, word).view(floating.numpy)
        yield floating, table[:, 0], table[:, 1]


@pytest.mark.parametrize("op", UNARY, ids=row_name)
def test_validation_set_of_numpy(op, level):
    path = DATA / f"umath-validation-set-{op.name}.csv"
    if not path.exists():
        pytest.skip(f"this NumPy has no {path.name}")
    count = 0
    for dtype, x, expected in validation_set(path):
        with quiet():
            actual = compiled(op, level)(x)
            finite = np.isfinite(expected)
            assert_same(expected[~finite], actual[~finite], (op, dtype), x[~finite])
            # The files hold rounded values: within 1 ulp of the true value is within 1 of these.
            distance = np.abs(actual[finite] - expected[finite])
            good = distance <= np.spacing(np.abs(expected[finite]))
        assert np.all(good), (op, dtype, x[finite][~good][:5], actual[finite][~good][:5])
        zeros = expected == 0
        assert_same(expected[zeros], actual[zeros], (op, dtype), x[zeros])
        count += len(x)
    assert count > 100
