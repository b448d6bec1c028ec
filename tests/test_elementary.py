"""The elementary functions: within 1 ULP of the true value, and the same bits wherever they run."""

import csv
import functools
import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from cases import (
    ELEMENTARY,
    FASTER,
    FLOATING,
    HERE,
    LAYOUTS,
    assert_same,
    bits,
    errors_of,
    function_of,
    quiet,
    row_name,
)
from elementary import FUNCTIONS
from elementary.extended import extended
from elementary.function import errors, errors_of_float32, true_values, worst_errors

from cpnum import cpjit
from cpnum.run import prepared
from cpnum.tables.block import Flag
from cpnum.tables.dtypes import F32, F64
from cpnum.tables.isa import LEVELS
from cpnum.tables.ops import OPS

# With a dtype each, since not all versions have stencils for both.
ROWS = [(op, dtype) for op in ELEMENTARY + FASTER for dtype in op.dtypes]
UNARY = [op for op in ELEMENTARY if op.arity == 1]
# On the other Pythons the machine code is the same.
POINTS = 5_000 if os.environ.get("CPNUM_TEST") == "short" else 100_000
# MPFR measures all, where long double does not help.
POINTS_OF_MPFR = POINTS // 10


def jit_of(op, level):
    return cpjit(isa=level, precision="full" if op.name == op.function else "fast")


def compiled(op, level):
    return jit_of(op, level)(function_of(op))


@functools.cache
def operands_of(op, dtype, count):
    return FUNCTIONS[op.function].arguments(dtype, count)


@functools.cache
def truth_of(op, dtype, count):
    return true_values(FUNCTIONS[op.function], dtype, operands_of(op, dtype, count))


def shown(operands, at):
    return [each[at].item().hex() for each in operands]


def test_every_function_has_its_facts():
    assert [op.name for op in ELEMENTARY] == list(FUNCTIONS)
    for op in ELEMENTARY:
        assert FUNCTIONS[op.function].arity == op.arity, op
        assert all(len(row) == op.arity + 2 for row in FUNCTIONS[op.function].special), op


@pytest.mark.parametrize(("op", "dtype"), ROWS, ids=row_name)
def test_error_is_within_its_bound(op, dtype, level):
    facts, quick = FUNCTIONS[op.function], extended(op.function)
    count = 1000 if dtype is F32 else POINTS if quick else POINTS_OF_MPFR
    operands = operands_of(op, dtype, count)
    with quiet():
        actual = compiled(op, level)(*operands)
    if dtype is F64:
        at, error = worst_errors(facts, quick, operands, actual)
    else:
        at, error = np.arange(actual.size), errors(actual, *truth_of(op, dtype, count))
    assert not np.isnan(error).any(), shown(operands, at[np.argmax(np.isnan(error))])
    worst = at[np.argmax(error)]
    given = shown(operands, worst)
    assert error.max() <= op.ulp, f"{op} of {given}: {error.max():.4f} ulp, {actual[worst]!r}"


@pytest.mark.parametrize("op", [op for op, dtype in ROWS if dtype is F32], ids=row_name)
def test_error_of_float32_on_a_dense_sample(op, level):
    """Against our own float64, whose error is a few millionths of a float32's ulp."""
    if op.arity == 2:
        operands = operands_of(op, F32, 150_000)
    else:
        step = 2221  # prime, so that all low bits are met
        operands = (np.arange(0, 2**32, step, dtype=np.uint32).view(np.float32),)
    with quiet():
        wide = [each.astype(np.float64) for each in operands]
        expected = compiled(OPS[op.function], level)(*wide)
        actual = compiled(op, level)(*operands)
        inside = FUNCTIONS[op.function].inside(*operands)
    error, heads = errors_of_float32(actual, expected)
    finite = np.isfinite(heads)
    inside &= finite
    error = error[inside]
    worst = int(np.argmax(error))
    given = shown([each[inside] for each in operands], worst)
    assert error[worst] <= op.ulp + 1e-5, f"{op} of {given}: {error[worst]:.4f} ulp"
    assert_same(heads[~finite], actual[~finite], op)


# -- the same bits everywhere --------------------------------------------------------------------


@pytest.mark.skipif(len(HERE) < 2, reason="this processor runs one ISA level")
@pytest.mark.parametrize(("op", "dtype"), ROWS, ids=row_name)
def test_same_bits_on_every_isa_level(op, dtype):
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 2.0, -2.0, 1e4], dtype.numpy)
    operands = operands_of(op, dtype, 20_000)
    extra = [each.ravel() for each in np.meshgrid(*[special] * op.arity)]
    operands = [np.concatenate(each) for each in zip(operands, extra, strict=True)]
    with quiet():
        results = [compiled(op, level)(*operands) for level in HERE]
    for other in results[1:]:
        assert_same(results[0], other, op, *operands)


@pytest.mark.parametrize(("op", "dtype"), ROWS, ids=row_name)
def test_same_bits_in_body_and_tail_alone_and_fused(op, dtype, level):
    function = function_of(op)
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
    jit = jit_of(op, level)
    fused = jit(lambda m, z, *o: function(*(each + m for each in o)) - z)
    wide = jit(lambda *o: function(*o).astype(np.float64))
    twice = jit(lambda *o: np.where(function(*o) == o[0], function(*o), function(*o)))
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


@pytest.mark.parametrize(("op", "dtype"), [row for row in ROWS if row[0].arity == 2], ids=row_name)
def test_one_value_may_be_both_operands(op, dtype, level):
    """A stencil may use the register of an operand in between, so these have one each."""
    function = function_of(op)
    x = np.abs(operands_of(op, dtype, 2000)[0][:101]) % dtype.numpy.type(20) + 1
    twice = jit_of(op, level)(lambda x: function(x, x) + x)
    constant = jit_of(op, level)(lambda x: function(x * 0 + 2, 2) + function(2, x * 0 + 2))
    with quiet():
        assert_same(compiled(op, level)(x, x.copy()) + x, twice(x), op, x)
        two = np.full_like(x, 2)
        assert_same(compiled(op, level)(two, two.copy()) * 2, constant(x), op, x)


@pytest.mark.parametrize(("op", "dtype"), ROWS, ids=row_name)
def test_precision_chooses_the_stencil(op, dtype, level):
    ones = [np.ones(3, dtype.numpy)] * op.arity
    steps = compiled(op, level).lower(*ones).instances.items
    assert f"{op}_{dtype}" in [step.stencil.name for step in steps if hasattr(step, "stencil")]


# -- two results ---------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["full", "fast"])
@pytest.mark.parametrize("dtype", FLOATING, ids=row_name)
def test_sine_and_cosine_of_one_argument_have_the_bits_of_each_alone(dtype, precision, level):
    def both(x, y):
        return np.cos(x) * y - np.sin(x)

    random = np.random.default_rng(0)
    (every,) = operands_of(OPS["sin"], dtype, 3000)
    edge = np.array([0.0, -0.0, np.inf, np.nan, -np.inf], dtype.numpy)
    x = np.concatenate([random.permutation(every)[:2000], edge])
    y = random.normal(size=len(x)).astype(dtype.numpy)
    jit = cpjit(isa=level, precision=precision)
    ours = jit(both)
    sin, cos = jit(lambda x: np.sin(x)), jit(lambda x: np.cos(x))
    assert "sincos" in str(ours.lower(x, y).loop_nest)
    with quiet():
        sine, cosine = sin(x), cos(x)
        assert_same(cosine * y - sine, ours(x, y), "both", x, y)
        for length in range(4 * LEVELS[level].lanes(dtype.itemsize) + 2):
            part = slice(0, length)
            assert_same((cosine * y - sine)[part], ours(x[part], y[part]), length)
        # In an outer loop, and with more values alive than there are registers.
        table = ours(x[:40, None], y[None, :50])
        assert_same(cosine[:40, None] * y[:50] - sine[:40, None], table, "table")

        def braid(x):
            parts = [f(x + k) for k in range(20) for f in (np.sin, np.cos)]
            return sum(a * b for a, b in zip(parts, parts[7:], strict=False))

        parts = [f(x + k) for k in range(20) for f in (sin, cos)]
        expected = sum(a * b for a, b in zip(parts, parts[7:], strict=False))
        assert_same(expected, jit(braid)(x), "braid", x)
    assert errors_of(ours, edge, edge)[1] == {"invalid"}


# -- special values ------------------------------------------------------------------------------


def number(value, dtype):
    limits = np.finfo(dtype.numpy.name)
    named = {"tiny": limits.smallest_subnormal, "max": limits.max}
    if isinstance(value, str):
        return -named[value[1:]] if value.startswith("-") else named[value]
    return dtype.numpy.type(value)


@pytest.mark.parametrize(("op", "dtype"), ROWS, ids=row_name)
def test_special_values(op, dtype, level):
    ours = compiled(op, level)
    lanes = LEVELS[level].lanes(dtype.itemsize)
    function = FUNCTIONS[op.function]
    for *arguments, value, kinds in function.special:
        expected = number(value, dtype)
        for length, at in (
            (1, 0),
            (lanes - 1, lanes - 2),
            (lanes, 1),
            (4 * lanes + 3, 4 * lanes + 1),
        ):
            given = [np.full(length, function.ordinary, dtype.numpy) for _ in arguments]
            for each, argument in zip(given, arguments, strict=True):
                each[at] = number(argument, dtype)
            actual, seen = errors_of(ours, *given)
            # What is no number of few digits, as pi / 2, is rounded either way.
            rounded = isinstance(value, float) and value not in (0, 1, -1) and np.isfinite(value)
            with quiet():
                distance = abs(actual[at] - expected)
                close = rounded and distance <= op.ulp * np.spacing(abs(expected))
            same = bits(expected) == bits(actual[at])
            assert same or close, (op, arguments, length, actual[at])
            if OPS[op.function].home == "special":
                kinds = set()  # SciPy's functions report nothing
            elif op.function == "power":
                # NumPy calls power(0.0, -inf) a division by zero on x86-64-v4 only.
                kinds = kinds & errors_of(np.power, *given)[1]
            assert seen == kinds, (op, arguments, length, at)


@pytest.mark.parametrize(("op", "dtype"), ROWS, ids=row_name)
def test_special_values_at_every_length(op, dtype, level):
    """Each among others, in the body and in the tail, with the errors of all that are there."""
    ours = compiled(op, level)
    rows = FUNCTIONS[op.function].special
    silent = OPS[op.function].home == "special"
    columns = [
        np.array([number(row[at], dtype) for row in rows], dtype.numpy)
        for at in range(op.arity + 1)
    ]
    for length in range(1, 4 * LEVELS[level].lanes(dtype.itemsize) + 2):
        at = (np.arange(length) + 3 * length) % len(rows)
        given = [each[at] for each in columns[:-1]]
        actual, seen = errors_of(ours, *given)
        expected = columns[-1][at]
        kinds = set().union(*(rows[i][-1] for i in at if not silent))
        # Once there is an error, NumPy reports all, and np.sinc has more: pi times x overflows.
        allowed = errors_of(function_of(op), *given)[1] if kinds else kinds
        assert kinds <= seen <= allowed, (op, length)
        same = bits(expected) == bits(actual)
        with quiet():
            close = np.abs(actual - expected) <= op.ulp * np.spacing(np.abs(expected))
        assert np.all(same | close), (op, length, actual, expected)


@pytest.mark.parametrize(("op", "dtype"), ROWS, ids=row_name)
def test_finite_arguments_in_the_domain_raise_no_flag(op, dtype, level, monkeypatch):
    """Not even one that NumPy, asked for its message, then does not raise: that costs time."""
    raised = []
    monkeypatch.setattr(prepared, "report", lambda graph, arguments, flags: raised.append(flags))
    ours, operands = compiled(op, level), operands_of(op, dtype, 2000)
    with quiet():
        finite = np.isfinite(ours(*operands))
    raised.clear()
    ours(*(each[finite] for each in operands))
    assert not [flags for flags in raised if flags & ~Flag.under]


# -- symmetry, order and exact points ------------------------------------------------------------


@pytest.mark.parametrize(("op", "dtype"), ROWS, ids=row_name)
def test_symmetry(op, dtype, level):
    function = FUNCTIONS[op.function]
    ours = compiled(op, level)
    first, *others = operands_of(op, dtype, 10_000)
    with quiet():
        if function.even:
            assert_same(ours(first, *others), ours(-first, *others), op, first, *others)
        if function.odd:
            assert_same(ours(first, *others), -ours(-first, *others), op, first, *others)
        if function.commutative:
            assert_same(ours(first, *others), ours(*others, first), op, first, *others)


@pytest.mark.parametrize("dtype", FLOATING, ids=row_name)
@pytest.mark.parametrize("op", ELEMENTARY, ids=row_name)
def test_order_and_image(op, dtype, level):
    """Where a function rises or falls, its values do: from each argument to the next number."""
    function = FUNCTIONS[op.function]
    ours = compiled(op, level)
    operands = operands_of(op, dtype, 10_000)
    with quiet():
        y = ours(*operands)
        low, high = function.image
        assert np.all((y >= low) & (y <= high))
        if function.increasing is not None:
            (x,) = operands
            sign = 1 if function.increasing else -1
            assert np.all(sign * y[1:] >= sign * y[:-1])
            above = np.nextafter(x, np.inf, dtype=dtype.numpy)
            kept = function.inside(above)
            fell = kept & (sign * ours(above) < sign * y)
            assert not fell.any(), (op, shown([x], np.argmax(fell)))


@pytest.mark.parametrize("precision", ["full", "fast"])
@pytest.mark.parametrize("dtype", FLOATING, ids=row_name)
def test_no_sine_or_cosine_is_above_one(dtype, precision, level):
    """So that arccos(cos(x)) and sqrt(1 - sin(x)**2) are never nan."""
    jit = cpjit(isa=level, precision=precision)
    random = np.random.default_rng(0)
    halves = random.integers(0, 2**13, 400_000) * (np.pi / 2)
    # As near to an extremum as the arguments lie, or so near that the value is 1 to half a unit.
    near = random.normal(0, np.sqrt(np.finfo(dtype.numpy.name).eps), len(halves))
    x = (halves + near).astype(dtype.numpy)
    for function in (lambda x: np.sin(x), lambda x: np.cos(x)):
        assert np.abs(jit(function)(x)).max() == 1.0


@pytest.mark.parametrize("dtype", FLOATING, ids=row_name)
@pytest.mark.parametrize("op", ELEMENTARY, ids=row_name)
def test_values_that_are_exact(op, dtype, level):
    ours = compiled(op, level)
    rows = np.array(FUNCTIONS[op.function].exact, np.float64).reshape(-1, op.arity + 1)
    with quiet():
        fits = np.all((rows.astype(dtype.numpy) == rows) | np.isinf(rows), axis=1)
        *operands, values = rows[fits].astype(dtype.numpy).T
        assert_same(values.copy(), ours(*operands), op, *operands)
    if op.arity == 1 and FUNCTIONS[op.function].odd and FUNCTIONS[op.function].slope == 1:
        small = np.ldexp(np.ones(3, dtype.numpy), [-60, -100, -140])
        assert_same(small, ours(small), op)


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
