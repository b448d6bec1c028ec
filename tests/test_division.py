"""Division with remainder: exact for all exponents, no fault for any integer, NumPy's reports.

And the operators of two results, of which divmod is one.
"""

import math
import operator
import warnings
from fractions import Fraction

import numpy as np
import pytest
from cases import LAYOUTS, assert_same, errors_of, lengths, quiet, row_name, special, values

from cpnum import cpjit
from cpnum.run import errstate
from cpnum.tables.dtypes import F32, F64, I32, I64
from cpnum.tables.isa import LEVELS

COUNT = 20_000
FLOATS, INTEGERS = (F64, F32), (I64, I32)
FUNCTIONS = {
    "floor_divide": lambda x, y: x // y,
    "remainder": lambda x, y: x % y,
    "fmod": lambda x, y: np.fmod(x, y),
    "divmod, quotient": lambda x, y: np.divmod(x, y)[0],
    "divmod, remainder": lambda x, y: divmod(x, y)[1],
}


def count_for(level):
    return COUNT // 20 if LEVELS[level].architecture == "aarch64" else COUNT


def random_bits(random, dtype, count):
    return random.integers(0, 256, count * dtype.itemsize, np.uint8).view(dtype.numpy)


def float_pairs(dtype, count):
    """Yield pairs of operands: all exponents, quotients next to whole numbers, subnormals."""
    random = np.random.default_rng(dtype.itemsize)
    limits = np.finfo(dtype.numpy.name)
    digits, least = limits.nmant + 1, limits.smallest_subnormal
    numbers = random_bits(random, dtype, count)
    yield "all bits", numbers, random_bits(random, dtype, count)
    yield "one exponent", np.ldexp(numbers, random.integers(-2, 3, count)), numbers[::-1].copy()
    yield "scaled", np.ldexp(numbers, random.integers(-9, 2 * digits, count)), numbers
    divisor = random.uniform(0.5, 20, count).astype(dtype.numpy)
    whole = np.trunc(np.exp2(random.uniform(0, digits + 4, count))).astype(dtype.numpy)
    product = whole * divisor
    beside = np.nextafter(product, product * random.choice([0, 1, 2], count).astype(dtype.numpy))
    yield "beside multiples", beside, divisor * random.choice([1, -1], count).astype(dtype.numpy)
    small = (random.integers(-5000, 5000, count) * least).astype(dtype.numpy)
    yield "subnormal divisors", numbers, small
    yield "subnormals", small, small[::-1].copy() // 100 * np.float32(1)
    most = limits.max * random.uniform(-1, 1, count).astype(dtype.numpy)
    yield "the largest", most, most[::-1].copy()
    powers = np.ldexp(dtype.numpy.type(1), random.integers(limits.minexp, limits.maxexp, count))
    yield "powers of 2", powers, -3 * powers[::-1].copy()


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", FLOATS, ids=row_name)
def test_quotient_and_remainder_of_floats_have_numpys_bits(dtype, name, level):
    function = FUNCTIONS[name]
    compiled = cpjit(lambda x, y: function(x, y), isa=level)
    with quiet():
        for case, x, y in float_pairs(dtype, count_for(level)):
            assert_same(function(x, y), compiled(x, y), (name, case), x, y)


def test_fmod_is_exact_for_all_exponents(level):
    """By Python's fractions and by C's fmod, not by NumPy's."""
    compiled = cpjit(lambda x, y: np.fmod(x, y), isa=level)
    with quiet():
        pairs = list(float_pairs(F64, count_for(level) // 10))
    for case, x, y in pairs:
        regular = np.isfinite(x) & np.isfinite(y) & (y != 0)
        x, y = x[regular], y[regular]
        for dividend, divisor, rest in zip(x.tolist(), y.tolist(), compiled(x, y), strict=True):
            assert rest == math.fmod(dividend, divisor), case
            exact = abs(Fraction(dividend)) % abs(Fraction(divisor))
            assert abs(Fraction(float(rest))) == exact, (case, dividend, divisor)
            assert math.copysign(1, rest) == math.copysign(1, dividend)


def integer_pairs(dtype, count):
    """Yield pairs of operands of all sizes, multiples among them, and those of no quotient."""
    random = np.random.default_rng(dtype.itemsize)
    bits = random_bits(random, dtype, count)
    extremes = special(dtype)
    some = random.choice(extremes, count)
    yield "all bits", bits, random_bits(random, dtype, count)
    yield "special divisors", bits, some
    yield "special", np.repeat(extremes, len(extremes)), np.tile(extremes, len(extremes))
    shift = random.integers(0, 8 * dtype.itemsize, count).astype(dtype.numpy)
    short = bits >> shift
    yield "all sizes", random_bits(random, dtype, count) >> shift[::-1], short
    divisor = np.where(short == 0, 1, short).astype(dtype.numpy)
    multiple = random_bits(random, dtype, count) // divisor * divisor
    yield "multiples", multiple + random.integers(-1, 2, count).astype(dtype.numpy), divisor


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", INTEGERS, ids=row_name)
def test_quotient_and_remainder_of_integers_are_numpys(dtype, name, level):
    function = FUNCTIONS[name]
    compiled = cpjit(lambda x, y: function(x, y), isa=level)
    with quiet():
        for case, x, y in integer_pairs(dtype, count_for(level)):
            assert_same(function(x, y), compiled(x, y), (name, case), x, y)


# Among them all powers of 2, which are no divisions, and a few that are.
DIVISORS = [1, 2, 4, 8, 1024, 2**30, 3, 7, 10, -1, -2, -8, 360, 0]


@pytest.mark.parametrize("divisor", DIVISORS)
@pytest.mark.parametrize("dtype", (*FLOATS, *INTEGERS), ids=row_name)
def test_division_by_a_constant(dtype, divisor, level):
    x = np.concatenate([special(dtype), values(dtype, 500)])
    for name, function in FUNCTIONS.items():
        compiled = cpjit(lambda x, function=function: function(x, divisor), isa=level)
        (expected, theirs), (actual, ours) = (
            errors_of(each, x) for each in (lambda x, f=function: f(x, divisor), compiled)
        )
        assert_same(expected, actual, (name, divisor), x)
        assert theirs == ours, (name, divisor)


@pytest.mark.parametrize("exponent", range(0, 63, 3))
def test_division_by_a_power_of_two_is_a_shift_and_the_remainder_a_mask(exponent):
    divisor = np.int64(2**exponent)
    for function, other in ((operator.floordiv, "right_shift"), (operator.mod, "bitwise_and")):
        compiled = cpjit(lambda x, function=function: function(x, divisor))
        x = np.concatenate([special(I64), values(I64, 100)])
        assert_same(function(x, divisor), compiled(x), exponent, x)
        graph = str(compiled.lower(x).graph)
        assert other in graph or exponent == 0
        assert "divide" not in graph and "remainder" not in graph


# -- one divisor ----------------------------------------------------------------------------------

ONE_DIVISOR = {
    "Python number": int,
    "NumPy scalar": lambda divisor: divisor,
    "array without axes": np.array,
    "array of one element": lambda divisor: np.array([divisor]),
}


def divisors(dtype, count):
    """Return divisors of all sizes, all next to a power of 2 among them."""
    random, limits = np.random.default_rng(dtype.itemsize), np.iinfo(dtype.numpy)
    bits = 8 * dtype.itemsize
    beside = [
        sign * (1 << exponent) + more
        for exponent in range(bits)
        for sign in (1, -1)
        for more in (-1, 0, 1)
    ]
    beside = [each for each in beside if limits.min <= each <= limits.max]
    some = random_bits(random, dtype, count) >> random.integers(0, bits, count).astype(dtype.numpy)
    return np.unique(np.concatenate([np.array(beside, dtype.numpy), special(dtype), some]))


def dividends(dtype, divisor, count):
    """Return dividends of all sizes, and multiples of the divisor with their neighbours."""
    random = np.random.default_rng(int(divisor) & 0xFFFF)
    shift = random.integers(0, 8 * dtype.itemsize, count).astype(dtype.numpy)
    some = random_bits(random, dtype, count) >> shift
    with quiet():
        multiple = some // divisor * divisor
    return np.concatenate([special(dtype), some, multiple - 1, multiple, multiple + 1])


@pytest.mark.parametrize("form", ONE_DIVISOR)
@pytest.mark.parametrize("dtype", INTEGERS, ids=row_name)
def test_division_by_one_divisor_of_any_size(dtype, form, level):
    compiled = {
        name: cpjit(lambda x, y, function=function: function(x, y), isa=level)
        for name, function in FUNCTIONS.items()
    }
    count = count_for(level) // 500
    for divisor in divisors(dtype, count):
        x = dividends(dtype, divisor, count)
        y = ONE_DIVISOR[form](divisor)
        for name, function in FUNCTIONS.items():
            (expected, theirs), (actual, ours) = (
                errors_of(each, x, y) for each in (function, compiled[name])
            )
            assert_same(expected, actual, (name, divisor), x)
            assert theirs == ours, (name, divisor)


@pytest.mark.parametrize("dtype", INTEGERS, ids=row_name)
def test_numpy_does_not_compute_divisions_without_errors(dtype, level, monkeypatch):
    evaluated = []
    monkeypatch.setattr(errstate, "evaluate", lambda *given, **named: evaluated.append(given))
    compiled = [
        cpjit(lambda x, y, function=function: function(x, y), isa=level)
        for function in FUNCTIONS.values()
    ]
    lowest, count = np.iinfo(dtype.numpy).min, count_for(level) // 500
    for divisor in divisors(dtype, count):
        x = dividends(dtype, divisor, count)
        if divisor == -1:
            x = x[x != lowest]
        for each in compiled if divisor else ():
            each(x, divisor)
            assert not evaluated, divisor
    with np.errstate(divide="warn"):
        compiled[0](x, 0)
    assert evaluated


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("wide", [False, True], ids=["narrow lanes", "wide lanes"])
@pytest.mark.parametrize("dtype", INTEGERS, ids=row_name)
def test_division_by_one_divisor_at_every_length(dtype, wide, layout, level):
    def function(x, n):
        whole, rest = divmod(x, n)
        both = whole ^ (rest + x // 10)
        return both * 0.5 if wide else both

    compiled = cpjit(function, isa=level)
    longest = lengths(level, [dtype])[-1]
    x = LAYOUTS[layout](values(dtype, longest))
    for length in range(longest + 1):
        for n in (7, -360):
            assert_same(function(x[:length], n), compiled(x[:length], n), (n, layout))


def test_more_divisors_than_registers(level):
    def function(x, *ns):
        total = x
        for n in ns:
            total = total * 3 + x // n - x % n
        return total

    for dtype in INTEGERS:
        x = values(dtype, 100)
        ns = [*range(-9, -1), *range(3, 20)]
        assert_same(function(x, *ns), cpjit(function, isa=level)(x, *ns))


SAME_FOR_ALL = {
    "a literal": (lambda x, n: x // 7, 0),
    "a number": (lambda x, n: x // n, 7),
    "a computed number": (lambda x, n: x // (n * 2 + 1), 3),
    "an array without axes": (lambda x, n: x // n, np.array(7)),
    "an array of one element": (lambda x, n: x // n, np.full((1, 1), 7)),
    "an element": (lambda x, n: x // n[1], np.arange(5, 9)),
    "an element as an array": (lambda x, n: x // n[1, None, :], np.full((3, 1), 7)),
    "a number for each element": (lambda x, n: x // np.full_like(x, 7), 0),
    "an array made inside": (lambda x, n: x // np.array([7]), 0),
    "divmod": (lambda x, n: np.divmod(x, n)[0], 7),
    "fmod": (lambda x, n: np.fmod(x, n), 7),
    "the dtype of the dividend": (lambda x, n: x // n.astype(x.dtype), np.int32(7)),
}


@pytest.mark.parametrize("case", SAME_FOR_ALL)
def test_a_divisor_that_is_the_same_for_all_elements_is_prepared_once(case, level):
    function, n = SAME_FOR_ALL[case]
    compiled = cpjit(function, isa=level)
    x = np.arange(-50, 50).reshape(4, 25)
    assert_same(function(x, n), compiled(x, n))
    bodies = compiled.lower(x, n).loop_nest.bodies
    outside, inside = ({str(getattr(node, "op", "")) for node in bodies[at]} for at in (0, -1))
    assert "divisor" in outside
    assert "floor_divide_by" in inside


@pytest.mark.parametrize(
    ("function", "n"),
    [
        (lambda x, n: x // n, np.arange(1, 26)),
        (lambda x, n: x // n[:, None], np.arange(1, 5)),
        (lambda x, n: x[0, 0] // n + x, 7),
        (lambda x, n: x * 0.5 // n, 7),
    ],
    ids=["array", "column", "scalar", "float"],
)
def test_other_divisions_are_divisions(function, n, level):
    compiled = cpjit(function, isa=level)
    x = np.arange(-50, 50).reshape(4, 25)
    assert_same(function(x, n), compiled(x, n))
    assert "divisor" not in str(compiled.lower(x, n).graph)


@pytest.mark.parametrize("n", [7, -3, np.int64(360), np.array(9)])
def test_joined_values_are_divided_by_one_divisor(n, level):
    def function(x, y, n):
        return np.append(x, y) // n, np.concatenate(np.divmod(x, n)), np.append(x % n, 5) % 3

    x, y = values(I64, 40), values(I64, 7, seed=1)
    compiled = cpjit(function, isa=level)
    for expected, actual in zip(function(x, y, n), compiled(x, y, n), strict=True):
        assert_same(expected, actual, n)


def test_quotient_and_remainder_share_the_divisor_and_the_product():
    compiled = cpjit(lambda x, n: (x // n) * 100 + x % n + divmod(x, n)[1])
    graph = str(compiled.lower(np.arange(9), 7).graph)
    assert graph.count("= divisor") == graph.count("= floor_divide_by") == 1
    assert "divmod" not in graph


def test_divmod_by_a_power_of_two_is_a_shift_and_a_mask():
    graph = str(cpjit(lambda x: sum(divmod(x, 8))).lower(np.arange(9)).graph)
    assert "right_shift" in graph and "bitwise_and" in graph
    assert "div" not in graph


# -- both results -------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", (*FLOATS, *INTEGERS), ids=row_name)
def test_divmod_at_every_length(dtype, layout, level):
    def function(x, y):
        whole, rest = np.divmod(x, y)
        return np.where(x > 0, whole, rest)

    compiled = cpjit(function, isa=level)
    longest = lengths(level, [dtype])[-1]
    x, y = (LAYOUTS[layout](values(dtype, longest, seed)) for seed in (1, 2))
    with quiet():
        for length in range(longest + 1):
            operands = x[:length], y[:length]
            assert_same(function(*operands), compiled(*operands), (dtype, layout), *operands)


def test_both_results_of_divmod_are_one_operator(level):
    def parts(x, y):
        whole, rest = divmod(x, y)
        return whole * 1000 + rest

    compiled = cpjit(parts, isa=level)
    for x in (np.linspace(-99, 99, 50), np.arange(-50, 50), np.arange(-50, 50, dtype="i4")):
        y = x[::-1].copy()
        with quiet():
            assert_same(parts(x, y), compiled(x, y))
        assert str(compiled.lower(x, y).graph).count("divmod") == 1


@pytest.mark.parametrize("operands", [(7.5, 2), (7, np.float64(2)), (np.int32(-7), 2), (-7, 2)])
def test_divmod_of_scalars_and_numbers(operands, level):
    def parts(x, n, m):
        whole, rest = divmod(n, m)
        return x * whole + rest

    x = np.linspace(0, 1, 5)
    for n, m in (operands, operands[::-1]):
        assert_same(parts(x, n, m), cpjit(parts, isa=level)(x, n, m), (n, m))
        for function in (
            lambda x, n, m=m: parts(x, n, m),
            lambda x, n, m=m: parts(x, m, n),
        ):
            assert_same(function(x, n), cpjit(function, isa=level)(x, n), (n, m))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", FLOATS, ids=row_name)
def test_modf_at_every_length(dtype, layout, level):
    longest = lengths(level, [dtype])[-1]
    x = LAYOUTS[layout](values(dtype, longest))
    for function in (lambda x: np.modf(x)[0], lambda x: np.modf(x)[1]):
        compiled = cpjit(function, isa=level)
        for length in range(longest + 1):
            operand = x[:length]
            (expected, theirs), (actual, ours) = (
                errors_of(each, operand) for each in (function, compiled)
            )
            assert_same(expected, actual, (dtype, layout, length), operand)
            assert theirs == ours
        assert_same(function(special(dtype)), compiled(special(dtype)))


@pytest.mark.parametrize("dtype", INTEGERS, ids=row_name)
@pytest.mark.parametrize("name", ["gcd", "lcm"])
def test_common_divisors_and_multiples_of_integers_of_all_sizes(name, dtype, level):
    function = getattr(np, name)
    compiled = cpjit(lambda x, y: function(x, y), isa=level)
    for case, x, y in integer_pairs(dtype, count_for(level)):
        assert_same(function(x, y), compiled(x, y), (name, case), x, y)
    fibonacci = [1, 2]
    while fibonacci[-1] + fibonacci[-2] <= np.iinfo(dtype.numpy).max:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    longest = np.array(fibonacci, dtype.numpy)  # as many steps as there can be
    assert_same(function(longest[1:], longest[:-1]), compiled(longest[1:], longest[:-1]))


@pytest.mark.parametrize("dtype", (*FLOATS, *INTEGERS), ids=row_name)
def test_float_power_is_a_power_in_float64(dtype, level):
    x = np.arange(1, 40).astype(dtype.numpy)
    for exponent in (2, -1, 0.5, 2.5, x / 8):
        expected = np.float_power(x, exponent)
        actual = cpjit(lambda x, y: np.float_power(x, y), isa=level)(x, exponent)
        assert actual.dtype == expected.dtype == np.float64
        assert np.all(np.abs(actual - expected) <= 5 * np.spacing(expected)), exponent


def test_views_of_both_results(level):
    def neighbours(x, y):
        whole, rest = np.divmod(x, y)
        return whole[1:] + rest[:-1]

    x, y = np.linspace(-50, 50, 41), np.linspace(1, 7, 41)
    assert_same(neighbours(x, y), cpjit(neighbours, isa=level)(x, y))


def test_a_division_in_place(level):
    def reduced(x, y):
        z = x * 2
        z //= y
        z %= 5
        return z

    for x in (np.linspace(-50, 50, 41), np.arange(-20, 21)):
        y = np.arange(1, 42).astype(x.dtype)
        assert_same(reduced(x, y), cpjit(reduced, isa=level)(x, y))


# -- reports ------------------------------------------------------------------------------------

CULPRITS = {
    "1/0": (1, 0),
    "0/0": (0, 0),
    "the lowest / -1": (-(2**31), -1),
    "the lowest / 0": (-(2**31), 0),
    "none": (-7, 2),
}
FLOATING_CULPRITS = {
    "1/0": (1.0, 0.0),
    "0/0": (0.0, 0.0),
    "inf/0": (np.inf, 0.0),
    "inf/2": (np.inf, 2.0),
    "inf/inf": (np.inf, np.inf),
    "-1/inf": (-1.0, np.inf),
    "overflow": (1e30, 1e-30),
    "huge": (1e30, 3.0),
    "nan/0": (np.nan, 0.0),
}


def told(function, *operands):
    """Return the results and the warnings of a call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function(*operands)
    return result, sorted(str(each.message) for each in caught)


@pytest.mark.parametrize(
    ("dtype", "culprit"),
    [
        *((dtype, culprit) for dtype in INTEGERS for culprit in CULPRITS),
        *((dtype, culprit) for dtype in FLOATS for culprit in FLOATING_CULPRITS),
    ],
    ids=str,
)
def test_errors_are_reported_as_numpy_does(dtype, culprit, level):
    number, divisor = (
        {**CULPRITS, **FLOATING_CULPRITS}[culprit]
        if dtype in INTEGERS
        else (FLOATING_CULPRITS[culprit])
    )
    if dtype is I64 and number < -1000:
        number = -(2**63)
    if level == "aarch64" and number != number:
        pytest.skip("its vector comparisons signal on any NaN: a report too many")
    for name, function in FUNCTIONS.items():
        compiled = cpjit(lambda x, y, function=function: function(x, y), isa=level)
        for length, at in ((1, 0), (19, 3), (19, 18)):
            x, y = np.full(length, 5, dtype.numpy), np.full(length, 3, dtype.numpy)
            with quiet():
                x[at], y[at] = number, divisor
            for arguments in ((x, y), (x, y[at]), (x[at], y), (x[at], y[at])):
                (expected, theirs), (actual, ours) = (
                    told(each, *arguments) for each in (function, compiled)
                )
                assert_same(expected, actual, (name, arguments))
                assert theirs == ours, (name, arguments)
        with np.errstate(all="raise"):
            raised = [None, None]
            for which, each in enumerate((function, compiled)):
                try:
                    each(x, y)
                except FloatingPointError as error:
                    raised[which] = str(error)
        assert raised[0] == raised[1], name
