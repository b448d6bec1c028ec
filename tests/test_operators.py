"""Each operator x dtype x layout x length x ISA level against NumPy: values, dtypes, messages."""

import contextlib
import fractions
import itertools
import operator
import re
import warnings

import elementary
import numpy as np
import pytest
from cases import (
    ELEMENTARY,
    EXACT_ROWS,
    FLOATING,
    LAYOUTS,
    ROWS,
    assert_same,
    bits,
    errors_of,
    function_of,
    lengths,
    operand_dtypes,
    plus_zeros,
    quiet,
    row_name,
    special,
    tame,
    values,
)

from cpnum import DTypeError, UnsupportedError, cpjit
from cpnum.run import plan as run
from cpnum.tables.dtypes import DTYPES, F32, F64, I32, I64, B
from cpnum.tables.isa import LEVELS
from cpnum.tables.ops import OPS

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


# -- operators and methods of Python -------------------------------------------------------------

# fmt: off
DUNDERS = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul,
    "divide": operator.truediv, "negative": operator.neg, "absolute": operator.abs,
    "equal": operator.eq, "not_equal": operator.ne, "less": operator.lt,
    "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge,
    "bitwise_and": operator.and_, "bitwise_or": operator.or_, "bitwise_xor": operator.xor,
    "invert": operator.invert, "left_shift": operator.lshift, "right_shift": operator.rshift,
}
METHODS = {
    "clip": lambda x: x.clip(-1, 2),
    "clip below": lambda x: x.clip(1),
    "clip above": lambda x: x.clip(max=1),
    "copy": lambda x: x.copy() + x,
    "astype": lambda x: x.astype("f4") * 2,
    "conj": lambda x: x.conj() * x,
    "real": lambda x: x.real + x.real,
    "+": lambda x: +x * x,
    "T": lambda x: x.T * 2,
    "reshape": lambda x: x.reshape(-1, 2) + x.reshape(-1, 2)[:, ::-1],
    "ravel": lambda x: x[::2].ravel() * x.ravel()[::2],
    "in place": lambda x: operator.iadd(operator.imul(x * 3, 2), x),
}
FUNCTIONS = {
    "np.abs": np.abs, "np.fabs": lambda x: np.fabs(x * 1.0), "np.clip": lambda x: np.clip(x, 0, 3),
    "np.where": lambda x: np.where(x > 1, x, 1), "np.positive": lambda x: np.positive(x) * 2,
    "np.where weak": lambda x: np.where(x, 2.5, 1), "np.ones_like": lambda x: np.ones_like(x) + x,
    "np.zeros_like": lambda x: np.zeros_like(x) - x, "np.flip": lambda x: np.flip(x) - x,
    "np.full_like": lambda x: np.full_like(x, 7) * x, "np.copy": lambda x: np.copy(x) * x,
    "degrees": lambda x: x * (180 / np.pi), "np.rad2deg": lambda x: np.rad2deg(x) + 1,
    "np.deg2rad": lambda x: np.deg2rad(x) + 1, "np.astype": lambda x: x.astype(np.int64) + 1,
    "np.broadcast_to": lambda x: np.broadcast_to(x, (3, 34)) + x,
    "np.expand_dims": lambda x: np.expand_dims(x, 0) * np.expand_dims(x, 1),
}
# fmt: on


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(name, dtype) for name in DUNDERS for dtype in OPS[name].dtypes],
    ids=str,
)
def test_operator_of_python_is_the_function(name, dtype, level):
    function = DUNDERS[name]
    x, y = values(dtype, 37, 1), values(dtype, 37, 2)
    number = {"F": 2.5, "I": 3, "B": True}[dtype.family]
    with quiet():
        if OPS[name].arity == 1:
            assert_same(function(x), cpjit(lambda x: function(x), isa=level)(x), name, x)
            return
        for f in (
            lambda x, y: function(x, y),
            lambda x, y: function(x, number),
            lambda x, y: function(number, x),
            lambda x, y: function(x, y.dtype.type(number)),
            lambda x, y: function(y.dtype.type(number), x),
        ):
            assert_same(f(x, y), cpjit(f, isa=level)(x, y), (name, dtype), x, y)


@pytest.mark.parametrize("dtype", (F64, F32, I64, I32), ids=row_name)
@pytest.mark.parametrize("name", [*METHODS, *FUNCTIONS])
def test_method_or_function(name, dtype, level):
    function = {**METHODS, **FUNCTIONS}[name]
    x = values(dtype, 34)
    with quiet():
        expected, actual = function(x), cpjit(lambda x: function(x), isa=level)(x)
    if "clip" in name:
        expected, actual = plus_zeros(expected), plus_zeros(actual)
    assert_same(expected, actual, name)


@pytest.mark.parametrize(
    "exponent", (2, 2.0, 0.5, -1, -1.0, 0, 0.0, 1, 1.0, np.float32(2)), ids=repr
)
@pytest.mark.parametrize("dtype", DTYPES, ids=row_name)
@pytest.mark.parametrize("function", (operator.pow, np.power), ids=lambda f: f.__name__)
def test_power_with_a_special_exponent(function, dtype, exponent, level):
    x = np.concatenate([special(dtype), values(dtype, 40)])
    compiled = cpjit(lambda x: function(x, exponent), isa=level)
    with quiet():
        try:
            expected = function(x, exponent)
        except ValueError as refused:  # integers to negative powers
            with pytest.raises(ValueError, match=re.escape(str(refused))):
                compiled(x)
            return
        if expected.dtype not in [each.numpy for each in DTYPES]:
            with pytest.raises(DTypeError):
                compiled(x)
            return
        assert_same(expected, compiled(x), (function, dtype, exponent), x)


# -- result dtypes -------------------------------------------------------------------------------

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
        # NumPy computes it in a dtype that has no stencils: float16 or int8, of booleans.
        assert expected.dtype not in supported or "bool" in str(refused) or " b" in str(refused), (
            case
        )
        assert any(np.asarray(each).dtype == bool for each in operands), case
        return
    assert_same(expected, actual, case)


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.home != "rewrites"], ids=row_name)
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
        if expected.dtype.kind == "i":
            with pytest.raises((UnsupportedError, DTypeError)):  # powers of integers
                compiled(*operands)
            continue
        with quiet():
            actual = compiled(*operands)
        assert expected.dtype == actual.dtype, (op, operands)


# -- floating-point errors -----------------------------------------------------------------------

BIG = float(np.finfo(float).max)
ERRORS = {
    "1/0": (lambda x: x / 0.0, [1.0]),
    "0/0": (lambda x: x / 0.0, [0.0]),
    "1/0 and 0/0": (lambda x: 1.0 / x - 1.0 / x, [0.0, 1.0]),
    "log(0)": (np.log, [0.0]),
    "log(-1)": (np.log, [-1.0]),
    "log(0) and log(-1)": (np.log, [-1.0, 0.0]),
    "exp(1000)": (np.exp, [1000.0]),
    "sin(inf)": (np.sin, [np.inf]),
    "cos(-inf)": (np.cos, [-np.inf]),
    "arcsin(2)": (np.arcsin, [2.0]),
    "arccos(-2)": (np.arccos, [-2.0]),
    "sqrt(-1)": (np.sqrt, [-1.0]),
    "inf-inf": (lambda x: x - x, [np.inf]),
    "max*2": (lambda x: x * 2, [BIG]),
    "max+max": (lambda x: x + x, [BIG]),
    "max squared": (np.square, [BIG]),
    "reciprocal(0)": (np.reciprocal, [0.0]),
    "reciprocal(0) of integers": (np.reciprocal, [0]),
    "nan to int": (lambda x: x.astype(np.int64), [np.nan]),
    "1e30 to int32": (lambda x: x.astype(np.int32), [1e30]),
    "1e300 to float32": (lambda x: x.astype(np.float32), [1e300]),
    "two kinds": (lambda x: np.log(x) + 1.0 / x + np.exp(x + 1000.0), [0.0]),
    "none": (lambda x: np.exp(x) / (x + 1.0), [0.5]),
    "none of nan": (lambda x: np.sqrt(np.exp(x) + np.log(x) + np.sin(x)) < 2.0, [np.nan]),
    "underflow is ignored": (lambda x: x * x, [1e-300]),
}


def told(function, operand, mode):
    """Return what a call reports: warnings, the exception, or what the callback was given."""
    calls = []
    with warnings.catch_warnings(record=True) as caught, np.errstate(all=mode, under="ignore"):
        warnings.simplefilter("always")
        if mode == "call":
            stack = contextlib.ExitStack()
            stack.enter_context(np.errstate(call=lambda kind, flag: calls.append((kind, flag))))
        else:
            stack = contextlib.nullcontext()
        with stack:
            try:
                function(operand)
            except FloatingPointError as error:
                calls.append(str(error))
    return sorted((each.category, str(each.message)) for each in caught), calls


def kinds(reports):
    """Return the distinct reports: a chunk that is computed twice reports twice."""
    caught, calls = reports
    return sorted(set(caught), key=str), sorted(set(calls), key=str)


@pytest.mark.parametrize("mode", ("warn", "raise", "ignore", "call"))
@pytest.mark.parametrize("name", ERRORS)
def test_floating_point_error_is_reported_as_numpy_does(name, mode, level):
    function, culprits = ERRORS[name]
    compiled = cpjit(lambda x: function(x), isa=level)
    good = np.ones((), np.asarray(culprits).dtype)[()]
    for length, at in ((1, 0), (5, 4), (8, 0), (8, 7), (67, 66), (67, 30)):
        x = np.full(length, good)
        x[at] = culprits[0]
        if length > 1:
            x[at - 1] = culprits[-1]
        assert kinds(told(function, x, mode)) == kinds(told(compiled, x, mode)), (name, length)
    calm = np.full(67, good)
    assert kinds(told(function, calm, mode)) == kinds(told(compiled, calm, mode))


def test_a_warning_shows_the_category_and_the_message_of_numpy(level):
    with pytest.warns(RuntimeWarning, match=r"^divide by zero encountered in log$"):
        cpjit(np.log, isa=level)(np.array([1.0, 0.0]))
    with pytest.warns(RuntimeWarning, match=r"^invalid value encountered in cast$"):
        cpjit(lambda x: x.astype(int), isa=level)(np.array([np.nan]))
    with (
        np.errstate(divide="raise"),
        pytest.raises(FloatingPointError, match=r"^divide by zero encountered in divide$"),
    ):
        cpjit(lambda x, y: x / y, isa=level)(np.ones(3), np.zeros(3))


def numpy_flags(function, operands):
    """Return the flags that NumPy raises, in its own numbering."""
    seen = 0

    def note(kind, flag):
        nonlocal seen
        seen |= flag

    with np.errstate(all="call", call=note):
        function(*operands)
    return seen


UNDERFLOW = run.FLAGS["under"]


@pytest.mark.parametrize(("op", "dtype"), [row for row in ROWS if row[1] is not B], ids=row_name)
def test_kernel_raises_the_flags_of_numpy_and_no_others(op, dtype, level, monkeypatch):
    """Each value alone: in the body, beside harmless ones, and in the tail.

    Underflow is advisory: NumPy raises it for subnormal operands of some functions whose results
    are normal, and not always alike in body and tail.
    """
    raised = []
    monkeypatch.setattr(run, "report", lambda graph, arguments, flags: raised.append(flags))
    function = function_of(op)
    compiled = cpjit(function, isa=level)
    dtypes = operand_dtypes(op, dtype)
    lanes = LEVELS[level].lanes(dtype.itemsize)
    harmless = [tame(each, 1)[0] for each in dtypes]
    if op.name in elementary.FUNCTIONS:
        harmless = [dtype.numpy.type(elementary.FUNCTIONS[op.name].ordinary)] * op.arity
    every = [special(each)[:: 1 if op.arity == 1 else 2 * op.arity - 1] for each in dtypes]
    for operands in itertools.product(*every):
        expected = numpy_flags(function, [np.array([each]) for each in operands]) & ~UNDERFLOW
        if op.name == "sinc" and np.isfinite(operands[0]):
            expected = 0  # in NumPy, pi * x overflows for the largest
        if op.home == "special":
            expected = 0  # SciPy's functions report nothing
        if op.name.startswith("logaddexp"):
            with quiet():
                apart = operands[0] - operands[1]
            if np.isnan(operands).any() or np.isinf(apart):
                expected = 0  # in NumPy, a comparison with nan is invalid, and x - y overflows
        if op.name == "power" and np.isinf(operands[1]):
            expected = 0  # in NumPy, some large numbers overflow, but not the largest
        for length, at in ((1, 0), (lanes, lanes - 1), (lanes + 2, lanes)):
            arrays = [np.full(length, each) for each in harmless]
            for array, each in zip(arrays, operands, strict=True):
                array[at] = each
            raised.clear()
            compiled(*arrays)
            actual = (raised[0] if raised else 0) & ~UNDERFLOW
            assert expected == actual, (op, dtype, operands, length, at)


# -- multiply-add --------------------------------------------------------------------------------


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


def test_overflow_of_integer_scalars_is_reported_as_numpy_does(level):
    """By operators between scalars: arrays and ufuncs wrap silently."""
    number = np.int32(46341)
    for function in (operator.mul, np.multiply, lambda x, y: -(x * y), lambda x, y: x + y):
        for arguments in ((number, number), (np.array(number), number), (np.int32(3), number)):
            expected, actual = (
                errors_of(each, *arguments) for each in (function, cpjit(function, isa=level))
            )
            assert_same(expected[0], actual[0], arguments)
            assert expected[1] == actual[1], arguments
    # With a literal on the left the operator hands over to the ufunc, which alone would wrap.
    literal = np.int64(2**40)
    for function in (lambda n: literal * n, lambda n: np.multiply(literal, n)):
        expected, actual = (errors_of(each, 2**40) for each in (function, cpjit(function)))
        assert_same(expected[0], actual[0], "literal")
        assert expected[1] == actual[1]
    most = np.int64(2**63 - 1)
    for arguments in ((np.True_, most), (most, np.True_), (True, most), (most, True)):
        for function in (lambda x, y: x + y, lambda x, y: np.isfinite(x) + y):
            expected, actual = (errors_of(each, *arguments) for each in (function, cpjit(function)))
            assert_same(expected[0], actual[0], arguments)
            assert expected[1] == actual[1], arguments
    wrapped = cpjit(lambda n: +np.add(n, number), isa=level)
    assert errors_of(wrapped, np.int32(2**31 - 1))[1] == set()
    bound = cpjit(operator.mul, isa=level).bind(number, number)
    with pytest.warns(RuntimeWarning, match="overflow"):
        bound()


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
