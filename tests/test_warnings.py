"""Warnings of floating-point errors are those of the function as written, run by NumPy.

The texts, the categories and their number are compared, for arrays, arrays without axes, NumPy's
scalars and Python's numbers.
"""

import functools
import inspect
import io
import itertools
import os
import warnings

import numpy as np
import pytest
from cases import ROWS, function_of, operand_dtypes, quiet, row_name, special

from cpnum import CpnumError, cpjit
from cpnum.ir.rules import EXACT
from cpnum.tables.dtypes import DTYPES, F32, F64

# fmt: off
OPERATORS = {
    "add": lambda x, y: x + y, "subtract": lambda x, y: x - y, "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y, "power": lambda x, y: x**y, "equal": lambda x, y: x == y,
    "not_equal": lambda x, y: x != y, "less": lambda x, y: x < y,
    "less_equal": lambda x, y: x <= y, "greater": lambda x, y: x > y,
    "greater_equal": lambda x, y: x >= y, "bitwise_and": lambda x, y: x & y,
    "bitwise_or": lambda x, y: x | y, "bitwise_xor": lambda x, y: x ^ y,
    "left_shift": lambda x, y: x << y, "right_shift": lambda x, y: x >> y,
    "negative": lambda x: -x, "absolute": lambda x: abs(x), "invert": lambda x: ~x,
}
# fmt: on

# On the other Pythons, a part shows that nothing depends on the Python.
SHORT = os.environ.get("CPNUM_TEST") == "short"
TWO_DTYPES = ["power"] if SHORT else ["add", "multiply", "divide", "power"]

PYTHON = {"F": float, "I": int, "B": bool}

# The forms in which a value is given to a function.
FORMS = {
    "array": lambda value, dtype: np.full(3, value, dtype.numpy),
    "array without axes": lambda value, dtype: np.array(value, dtype.numpy),
    "scalar": lambda value, dtype: dtype.numpy.type(value),
    "number": lambda value, dtype: PYTHON[dtype.family](value),
}


def forms_of(values, dtypes):
    """Yield values in all forms but Python's numbers alone: no warning of those is NumPy's."""
    for forms in itertools.product(FORMS, repeat=len(values)):
        if set(forms) != {"number"}:
            yield [FORMS[form](*each) for form, *each in zip(forms, values, dtypes, strict=True)]


def told(function, *arguments):
    """Return the warnings of a call."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        function(*arguments)
    return [(each.category, str(each.message)) for each in caught]


def warns(function, compiled, *arguments):
    """A compiled function warns as the one that was written; return whether it does."""
    try:
        expected = told(function, *arguments)
    except (ArithmeticError, ValueError, TypeError):
        return False
    try:
        actual = told(compiled, *arguments)
    except (CpnumError, OverflowError):
        return False  # it is refused, or an integer beyond 64 bits
    assert expected == actual, arguments
    return bool(expected)


# -- operators ----------------------------------------------------------------------------------


def signalling(function, dtypes, count=1):
    """Return operands for each set of warnings that arrays or scalars of these dtypes have."""
    found = {}
    every = [special(each)[:: 1 if len(dtypes) == 1 else 2 * len(dtypes) - 1] for each in dtypes]
    for values in itertools.product(*every):
        arrays = [np.array([each]) for each in values]
        chosen = found.setdefault(repr((told(function, *arrays), told(function, *values))), [])
        if len(chosen) < count:
            chosen.append(values)
    return [values for chosen in found.values() for values in chosen]


def has_infinite_exponent(base, exponent):
    """Tell whether NumPy may report the overflow of an infinite power; with AVX-512 it does."""
    return np.isinf(exponent) and np.isfinite(base) and abs(base) > 1


def reports_less(op, values):
    """Tell whether NumPy reports errors of intermediate steps that cpnum does not have."""
    if op.name.startswith("logaddexp"):
        with quiet():
            return np.isnan(values).any() or np.isinf(values[0] - values[1])
    if op.name == "power":
        return has_infinite_exponent(*values)
    return op.name == "sinc" and np.isfinite(values[0])


@pytest.mark.parametrize(
    ("op", "dtype"), [(op, dtype) for op, dtype in ROWS if op.arity < 3], ids=row_name
)
def test_warnings_of_an_operator(op, dtype):
    dtypes = operand_dtypes(op, dtype)
    for function in [function_of(op), *([OPERATORS[op.name]] if op.name in OPERATORS else [])]:
        compiled = cpjit(function)
        for values in signalling(function, dtypes):
            if not reports_less(op, values):
                for operands in forms_of(values, dtypes):
                    warns(function, compiled, *operands)


def test_every_operator_of_python_has_a_row():
    assert OPERATORS.keys() <= {op.name for op, _ in ROWS}


def numbers(dtype):
    """Return values of a dtype whose sums, quotients or powers have errors."""
    if dtype.family == "B":
        return [False, True]
    limits = (np.finfo if dtype.family == "F" else np.iinfo)(dtype.numpy.name)
    return [0, -1, limits.max, *([np.inf] if dtype.family == "F" else [limits.min])]


def warn_beside(function, form, known, other):
    """Return how often a function warns whose first operand is known while it is traced."""
    number = FORMS[form](*known)

    def beside(x):
        return function(number, x)

    compiled = cpjit(beside)
    return sum(warns(beside, compiled, x) for (x,) in forms_of(other[:1], other[1:]))


@pytest.mark.parametrize("name", TWO_DTYPES)
@pytest.mark.parametrize("right", DTYPES, ids=row_name)
@pytest.mark.parametrize("left", DTYPES, ids=row_name)
def test_warnings_of_an_operator_of_two_dtypes(left, right, name):
    """Both operands are arguments, or one of them is written in the function."""
    function = OPERATORS[name]
    compiled = cpjit(function)
    seen = 0
    pairs = [
        values
        for values in itertools.product(numbers(left), numbers(right))
        if name != "power" or not has_infinite_exponent(*values)
    ]
    for values in pairs:
        for operands in forms_of(values, (left, right)):
            seen += warns(function, compiled, *operands)
    for form in ("scalar", "number"):
        for x, y in pairs:
            seen += warn_beside(
                lambda known, y: OPERATORS[name](known, y), form, (x, left), (y, right)
            )
            seen += warn_beside(
                lambda known, x: OPERATORS[name](x, known), form, (y, right), (x, left)
            )
    if left is right and (left.family == "F" or (left.family == "I" and name != "power")):
        assert seen


# -- powers -------------------------------------------------------------------------------------

EXPONENTS = [2, 2.0, 0.5, -1, -1.0, -2, 3, 1.5, 0, 1, True]
EXPONENTS += [kind(each) for kind in (np.float64, np.float32) for each in (2, 0.5, -1, 3)]
EXPONENTS += [kind(each) for kind in (np.int64, np.int32) for each in (2, -1, 3)]


@pytest.mark.parametrize("exponent", EXPONENTS, ids=repr)
@pytest.mark.parametrize("dtype", DTYPES, ids=row_name)
def test_warnings_of_a_power(dtype, exponent):
    for function in (
        lambda x: x**exponent,
        lambda x: np.power(x, exponent),
        lambda x: exponent**x,
        lambda x: (x * 1) ** exponent,
        lambda x: (x**exponent)[::-1] if np.ndim(x) else x,
    ):
        compiled = cpjit(function)
        for value in numbers(dtype):
            for (x,) in forms_of([value], [dtype]):
                warns(function, compiled, x)


# -- rules --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", EXACT, ids=lambda rule: rule.name)
def test_warnings_of_what_a_rule_rewrites(rule):
    """The warnings are those of the operators that the user wrote."""
    for dtype in rule.dtypes:
        known = [dtype.numpy.type(4)] if "k" in inspect.signature(rule.pattern).parameters else []
        function = functools.partial(lambda *operands: rule.pattern(*operands[::-1]), *known)
        compiled = cpjit(function)
        for value in special(dtype):
            for x in (np.full(3, value), np.array(value), value):
                warns(function, compiled, x)


# -- names and modes ----------------------------------------------------------------------------

BIG = np.float64(1e308)

NAMED = {
    "add": (lambda x: x + x, np.full(3, BIG)),
    "scalar add": (lambda x: x + x, BIG),
    "scalar add of integers": (lambda x: x + x, np.int32(2**31 - 1)),
    "scalar multiply by a literal": (lambda x: np.float64(10) * x, BIG),
    "scalar power": (lambda x: x**-1, np.float64(0)),
    "power": (lambda x: np.power(x, 2), np.full(3, BIG)),
    "square": (lambda x: x**2, np.full(3, BIG)),
    "rad2deg": (np.rad2deg, np.full(3, BIG)),
    "deg2rad": (lambda x: np.deg2rad(x * 1) / 0, np.ones(3)),
    "sin": (np.sinc, np.full(3, np.inf)),
    "cast": (lambda x: x.astype(int), np.full(3, BIG)),
    "reciprocal": (np.reciprocal, np.zeros(3, int)),
}


def reported(function, operand, mode):
    """Return what a call reports in a mode: a text, texts of a log, arguments of a callback."""
    log, calls = io.StringIO(), []
    callback = {"log": log, "call": lambda kind, flags: calls.append((kind, flags))}.get(mode)
    with np.errstate(all=mode, under="ignore", call=callback):
        try:
            function(operand)
        except (FloatingPointError, NameError) as error:
            return str(error)
    return log.getvalue(), calls


@pytest.mark.parametrize("mode", ["raise", "log", "call", "print"])
@pytest.mark.parametrize("name", NAMED)
def test_reports_of_all_modes_have_numpys_names(name, mode, capfd):
    function, operand = NAMED[name]
    expected = reported(function, operand, mode), capfd.readouterr()
    assert expected != (("", []), ("", ""))
    assert expected == (reported(cpjit(function), operand, mode), capfd.readouterr())


@pytest.mark.parametrize("mode", ["log", "call"])
def test_a_callback_that_is_missing_is_numpys_error(mode):
    def told(function):
        with np.errstate(all=mode, call=None), pytest.raises(NameError) as caught:
            function(np.float64(0))
        return str(caught.value)

    assert told(lambda x: 1 / x) == told(cpjit(lambda x: 1 / x))


def test_a_mode_of_one_kind_does_not_change_the_text_of_another():
    function, log = (lambda x: (x + x) - (x + x)), io.StringIO()
    with np.errstate(over="warn", invalid="log", call=log):
        for each in (function, cpjit(function)):
            with pytest.warns(RuntimeWarning, match="^overflow encountered in scalar add$"):
                each(BIG)
    assert log.getvalue() == "Warning: invalid value encountered in scalar subtract\n" * 2


@pytest.mark.parametrize("function", [np.logaddexp, np.logaddexp2])
@pytest.mark.parametrize("dtype", [F64, F32], ids=row_name)
def test_of_logaddexp_numpy_reports_each_nan_and_difference_that_overflows(function, dtype):
    """As documented, cpnum reports neither, in no lane, unless another operator has an error."""
    most = np.finfo(dtype.numpy.name).max
    compiled = cpjit(function)

    def beside(x, y, zero):
        return function(x, y) + 1 / zero

    compiled_beside = cpjit(beside)
    for kind, operands in (
        ("invalid value", (np.nan, 1)),
        ("invalid value", (1, np.nan)),
        ("invalid value", (np.nan, np.nan)),
        ("overflow", (most, -most)),
        ("overflow", (-most, most)),
    ):
        for length, at in [(1, 0), (40, 0), (40, 17), (40, 39)]:
            arrays = [np.ones(length, dtype.numpy) for _ in operands]
            for array, operand in zip(arrays, operands, strict=True):
                array[at] = operand
            scalars = [array[at] for array in arrays]
            for forms in (arrays, scalars, (arrays[0], scalars[1]), (scalars[0], arrays[1])):
                warned = [(RuntimeWarning, f"{kind} encountered in {function.__name__}")]
                assert told(function, *forms) == warned
                assert told(compiled, *forms) == []
                assert warns(beside, compiled_beside, *forms, np.zeros(1))
