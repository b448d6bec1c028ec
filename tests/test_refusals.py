"""What cannot be compiled is refused: class, line, what was seen, what to write.

The line at fault in a case is the one that ends with `# here`.
"""

import builtins
import decimal
import enum
import functools
import json
import linecache
import math
import pickle
import types
import warnings
from fractions import Fraction

import goldens
import numpy as np
import pytest
from cases import assert_same
from refused import assert_refused

from cpnum import DTypeError, RangeError, ShapeError, TraceError, UnsupportedError, cpjit
from cpnum.trace import contents, writing
from cpnum.trace.advice import INSTEAD

X = np.arange(3.0)
LARGE = np.arange(1000.0)
CASES = {}

# A package that is installed.
library = types.ModuleType("library")
exec(
    compile(
        "def convert(x): return float(x)\ndef look(x): return x.flags",
        "/usr/lib/python3/site-packages/library.py",
        "exec",
    ),
    vars(library),
)


def plus_one(x):
    return x + 1


@functools.cache
def doubled(number):
    return number * 2


def case(kind, *arguments):
    def enter(function):
        CASES[function.__name__] = (kind, function, arguments or (X,))
        return function

    return enter


@case(TraceError)
def if_statement(x):
    if x[0] > 0:  # here
        return x
    return -x


@case(TraceError)
def while_statement(x):
    while x < 10:  # here
        x = x * 2
    return x


@case(TraceError)
def and_operator(x):
    return (x > 0) and (x < 1)  # here


@case(TraceError)
def chained_comparison(x):
    return 0 < x < 1  # here


@case(TraceError)
def not_operator(x):
    return x if not x[0] > 0 else -x  # here


@case(TraceError)
def conditional_expression(x):
    return x if x[0] > 0 and x[1] < 2 else -x  # here


@case(TraceError)
def larger_of_two(x):
    return x / max(1e-9, x[0])  # here


@case(TraceError)
def smaller_of_two(x):
    return min(x[0], x[1]) * x  # here


@case(TraceError)
def largest_or_a_default(x):
    return max(x, default=0.0) * x  # here


@case(TraceError)
def largest_of_a_list(x):
    return max([x, x * 2, 1.0])  # here


@case(TraceError)
def largest_by_a_key(x):
    return max(x[0], x[1], key=abs) * x  # here


@case(TraceError)
def any_of_an_array(x):
    return x * any(x > 0)  # here


@case(TraceError)
def all_of_a_generator(x):
    return x * all(each > 0 for each in x)  # here


@case(TraceError)
def sorted_array(x):
    return sorted(x)[0] * x  # here


@case(TraceError)
def member_of_a_list(x):
    return x * (x in [1.0, 2.0])  # here


@case(TraceError)
def and_of_numbers(x):
    return x and x * 2  # here


@case(TraceError)
def assertion(x):
    assert x > 0  # here
    return x


@case(TraceError)
def condition_of_a_list(x):
    return sum([each for each in x if each > 0])  # here


@case(DTypeError)
def parentheses(x):
    return np.where(x > 0 | x < 2, x, 0)  # here


@case(DTypeError, X, X)
def parentheses_of_names(x, y):
    return x > y & y < x  # here


@case(TraceError)
def truth_value(x):
    return np.where(bool(x), x, 0)  # here


@case(TraceError)
def float_call(x):
    return float(x[0]) + x  # here


@case(TraceError)
def math_function(x):
    return math.sin(x[0]) + x  # here


@case(TraceError)
def math_function_of_two(x):
    return math.pow(x[0], 2.0) + x  # here


@case(TraceError, np.array(2.0))
def int_call(x):
    return int(x) + 1  # here


@case(TraceError, X, np.array(2))
def traced_slice(x, n):
    return x[:n]  # here


@case(UnsupportedError, X, True)
def traced_boolean_index(x, flag):
    return x[flag]  # here


@case(TraceError, X, np.arange(3))
def traced_range(x, n):
    for _ in range(n[2]):  # here
        x = x + x
    return x


@case(UnsupportedError)
def boolean_index(x):
    return x[np.array([True, False, True]), None]  # here


@case(UnsupportedError)
def traced_mask(x):
    return x[x > 0]  # here


@case(TraceError)
def assignment_to_an_array_from_outside(x):
    LARGE[0] = x[0]  # here
    return x


@case(UnsupportedError)
def write_after_a_reshape_was_taken(x):
    x[0] = 1.0
    column = x.reshape(3, 1)
    x[1] = 2.0  # here
    return column


@case(UnsupportedError)
def more_steps_than_are_traced(x):
    for i in range(len(x) * 100):
        x[0] = i  # here


@case(UnsupportedError)
def ufunc_without_a_row(x):
    return np.bitwise_count(x)  # here


@case(DTypeError)
def remainder_of_booleans(x):
    return (x > 1) % (x > 2)  # here


@case(UnsupportedError)
def power_of_integers(x):
    return x.astype(int) ** x.astype(int)  # here


@case(UnsupportedError)
def argument_of_a_ufunc(x):
    return np.add(x, x, where=x > 0)  # here


@case(UnsupportedError)
def reduction_of_a_list_by_a_ufunc(x):
    return np.logical_and.reduce((x > 0, x < 1))  # here


@case(UnsupportedError)
def comparison_with_text(x):
    return x == "a"  # here


@case(TraceError)
def closure_over_a_traced_value(x):
    return cpjit(lambda y: x + y)(2.0)  # here


@case(TraceError)
def conversion(x):
    return np.float32(x) + 1  # here


@case(TraceError)
def caught_by_the_function(x):
    try:
        factor = float(x[0])  # here
    except (TypeError, ValueError):
        factor = 1.0
    return x * factor


@case(TraceError)
def python_function(x):
    return round(x[0], 1)  # here


@case(TraceError)
def key(x):
    return {2: 1.0}[x[0]] * x  # here


@case(TraceError, 2)
def key_of_a_cache(number):
    return doubled(number) + number  # here


@case(TraceError)
def format_of_numbers(x):
    return x * len(f"{x[0]:.2f}")  # here


@case(UnsupportedError)
def attribute_of_the_layout(x):
    return x * x.flags.c_contiguous  # here


@case(UnsupportedError)
def attribute_with_an_expression(x):
    return x * x.flat  # here


@case(UnsupportedError)
def method_of_a_numpy_scalar(x):
    return x * x[0].is_integer()  # here


@case(TraceError)
def type_of_numpy(x):
    return np.float32(x) * 2  # here


@case(TraceError)
def type_of_numpy_that_is_pythons(x):
    return np.float64(x) * 2  # here


@case(TraceError)
def type_of_another_name(x):
    single = np.float32
    return single(x[0]) * 2  # here


@case(UnsupportedError)
def joined_by_index(x):
    return np.r_[x, x]  # here


@case(UnsupportedError)
def columns_by_index(x):
    return np.c_[x, x]  # here


@case(TraceError)
def conversion_of_an_expression(x):
    return np.float64(x + 1)  # here


@case(TraceError)
def function_of_numpy_that_needs_a_value(x):
    return np.arange(x[0]) + x  # here


@case(TraceError)
def format_of_a_number(x):
    form = "%.2f"
    return x * len(form % x[0])  # here


@case(UnsupportedError)
def operand_of_decimal(x):
    return x * decimal.Decimal("0.5")  # here


@case(UnsupportedError)
def operand_that_is_a_list(x):
    return np.add(x, [1.0, 2.0, 3.0])  # here


@case(TraceError)
def function_of_a_library_that_converts(x):
    return library.convert(x)  # here


@case(UnsupportedError)
def function_of_a_library_that_looks(x):
    return library.look(x)  # here


@case(UnsupportedError)
def argument_by_place(x):
    return np.nan_to_num(x, False)  # here


@case(TraceError)
def function_of_numpy_in_python(x):
    return np.vectorize(abs)(x)  # here


@case(UnsupportedError)
def seterr(x):
    np.seterr(divide="ignore")
    return 1 / x  # here


@case(UnsupportedError)
def recorded_warnings(x):
    with warnings.catch_warnings(record=True):
        return 1 / x  # here


@case(UnsupportedError)
def out_of_a_compiled_function(x):
    y = x * 2
    cpjit(plus_one)(x, out=y)  # here
    return y


@case(UnsupportedError)
def array_from_outside(x):
    return x + LARGE  # here


@case(DTypeError)
def object_from_outside(x):
    return x + np.asarray({"a": 1})  # here


@case(DTypeError)
def cast_without_stencils(x):
    return x.astype("float16")  # here


@case(DTypeError)
def constant_without_stencils(x):
    return x + np.uint8(1)  # here


@case(DTypeError)
def duration_without_stencils(x):
    return x * np.timedelta64(1, "s")  # here


@case(DTypeError)
def complex_constant(x):
    return x * 1j  # here


@case(DTypeError, np.array([True, False]))
def boolean_minus(x):
    return x - x  # here


@case(DTypeError, np.array([True, False]))
def root_of_booleans(x):
    return np.sqrt(x)  # here


@case(ShapeError, X, np.ones(4))
def shapes_that_do_not_broadcast(x, y):
    z = x * 2
    return z + y  # here


@case(TraceError)
def buffer(x):
    return memoryview(x)[0] + x  # here


@case(UnsupportedError)
def memory_of_an_array(x):
    return x * len(x.__array_interface__["shape"])  # here


@case(UnsupportedError)
def shape_that_is_set(x):
    x.shape = (3, 1)  # here
    return x


@case(TraceError, 2.5)
def text_by_json(n):
    return len(json.dumps(n)) + n  # here


@case(TraceError, 2.5)
def bytes_by_pickle(n):
    return len(pickle.dumps(n)) + n  # here


@case(RangeError, np.arange(3))
def operand_beyond_int64(x):
    return x + 2**64  # here


@case(RangeError, np.arange(3))
def choice_beyond_int64(x):
    try:
        return np.where(x > 0, x, 2**63)  # here
    except OverflowError:
        return x


@case(RangeError)
def operand_beyond_float64(x):
    return x + 2**2000  # here


@case(RangeError, np.ones(3, np.float32))
def operand_of_float32_beyond_float64(x):
    return x * 10**400  # here


@case(RangeError, np.ones(3, np.float32), np.float32(2))
def operand_of_a_scalar_beyond_float64(x, scalar):
    return x + scalar * -(10**400)  # here


@case(RangeError, np.arange(3))
def filled_beyond_int64(x):
    return np.full_like(x, 2**70)  # here


@case(RangeError)
def filled_beyond_float64(x):
    y = x * 2
    y.fill(10**400)  # here
    return y


@case(RangeError, np.arange(3))
def chosen_beyond_int64(x):
    y = x * 2
    y[y > 0] = 2**70  # here
    return y


@pytest.fixture
def no_more_looks(monkeypatch):
    """Let functions look at contents no longer, as after `MOST_LOOKS` looks."""
    monkeypatch.setattr(contents, "MOST_LOOKS", 0)


@pytest.fixture
def few_steps(monkeypatch):
    """Refuse functions of some hundred steps."""
    monkeypatch.setattr(writing, "MOST_STEPS", 200)


@pytest.mark.usefixtures("no_more_looks", "few_steps")
@pytest.mark.parametrize("name", CASES)
def test_a_use_that_cannot_be_compiled_is_refused(name):
    kind, function, arguments = CASES[name]
    before = [np.copy(each) for each in arguments]
    out = np.full(np.broadcast_shapes(*map(np.shape, arguments[:1])) or 1, 7.0)
    for call in (
        lambda: cpjit(function)(*arguments),
        lambda: cpjit(function)(*arguments, out=out),
        lambda: cpjit(function).bind(*arguments, out=out),
        lambda: cpjit(function).lower(*arguments),
        lambda: cpjit(function, isa="aarch64").lower(*arguments),
    ):
        with pytest.raises(kind) as caught:
            call()
        assert_refused(__file__, name, kind, caught.value)
    assert np.all(out == 7.0)
    for old, each in zip(before, arguments, strict=True):
        assert np.array_equal(old, each)


TABLE = {1: 10.0, 2: 20.0, 2.5: 7.0}


def _set(name, value):
    def use(x, n):
        y = x * 1.0
        setattr(y, name, value)
        return y

    return use


# Uses that Python itself refuses for a class that lacks a special method.
SPECIAL = {
    "a key": lambda x, n: x * TABLE[n],
    "a key that may be missing": lambda x, n: x * TABLE.get(n, 3.0),
    "a member of a set": lambda x, n: x * (5.0 if n in {1, 2} else 6.0),
    "an element of a set": lambda x, n: x * len({n, 1}),
    "a cache": lambda x, n: x * doubled(n),
    "a hash": lambda x, n: x * (hash(n) % 7),
    "round": lambda x, n: x * round(n),
    "round to digits": lambda x, n: x * round(n, 1),
    "trunc": lambda x, n: x * math.trunc(n),
    "floor": lambda x, n: x * math.floor(n),
    "ceil": lambda x, n: x * math.ceil(n),
    "divmod": lambda x, n: x * divmod(n, 2)[1],
    "divmod on the right": lambda x, n: x * divmod(7, n)[0],
    "divmod of arrays": lambda x, n: divmod(x, n)[0],
    "pow of three operands": lambda x, n: x * pow(n, 2, 3),
    "del": lambda x, n: x.__delitem__(0),
    "the shape is set": _set("shape", (3, 1)),
    "the dtype is set": _set("dtype", np.int64),
    "the strides are set": _set("strides", (8,)),
    "the elements are set": _set("flat", 5.0),
    "the real part is set": _set("real", 5.0),
}


@pytest.mark.parametrize(
    "n", [2, 2.5, True, np.int64(2), np.float64(2.5), np.array(2.0), np.ones(3)], ids=repr
)
@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.filterwarnings("ignore:.*runs through NumPy:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:Setting the:DeprecationWarning")
def test_a_function_that_catches_pythons_errors_does_not_go_another_way(name, n):
    use = SPECIAL[name]

    def catching(x, n):
        try:
            return use(x, n)
        except (TypeError, ValueError, AttributeError):
            return x * -1.0

    expected = catching(X, n)
    assert_same(expected, cpjit(catching, fallback="numpy")(X, n))
    try:
        actual = cpjit(catching)(X, n)
    except (TraceError, UnsupportedError):
        return
    assert_same(expected, actual)


@pytest.mark.parametrize("use", [hash, round, lambda x: x.__delitem__(0), lambda x: {x: 1}])
def test_what_arrays_refuse_themselves_is_the_functions_own_error(use):
    with pytest.raises((TypeError, ValueError)) as expected:
        use(X)
    with pytest.raises(expected.type) as caught:
        cpjit(use)(X)
    assert (caught.type, str(caught.value)) == (expected.type, str(expected.value))

    def catching(x):
        try:
            return use(x)
        except (TypeError, ValueError):
            return x * -1.0

    assert_same(catching(X), cpjit(catching)(X))


def test_divmod_of_python_numbers_is_computed_by_python():
    def parts(x, n, m):
        whole, rest = divmod(n, m)
        return x * whole + rest

    compiled = cpjit(parts)
    for n, m in ((7, 2), (-7, 2), (7.5, -2.0), (-7, 2.5), (True, 2)):
        assert_same(parts(X, n, m), compiled(X, n, m))
    with pytest.raises(ZeroDivisionError):
        compiled(X, 7, 0)


def test_every_stored_message_is_one_of_a_use():
    goldens.compare_names("refusals.txt", CASES)


@pytest.mark.parametrize("number", [2.5, -2.5, 3, True], ids="number {}".format)
def test_what_is_written_for_python_numbers_works(number):
    assert cpjit(lambda x: x * 1.0)(number) == float(number)
    assert cpjit(lambda x: np.trunc(x).astype(int))(number) == int(number)


@pytest.mark.parametrize("name", INSTEAD)
def test_what_is_written_for_an_attribute_works(name):
    x = np.arange(6.5, 12.5).reshape(2, 3)
    attribute = getattr(x, name)
    expected = attribute() if callable(attribute) else attribute
    written = eval(f"lambda x: {INSTEAD[name]}", {"np": np})
    if type(expected) is int:
        assert cpjit(lambda x: x * 0 + written(x))(x)[0, 0] == expected
    else:
        assert np.array_equal(cpjit(written)(x), list(expected))


@pytest.mark.parametrize(
    "number", [2.5, -3, 2**24 + 1, -0.0, True, np.float64(2.1), np.arange(3.0)], ids=repr
)
def test_what_is_written_for_types_of_numpy_works(number):
    convert = (
        (lambda x: x.astype(np.float32))
        if isinstance(number, np.ndarray | np.generic)
        else lambda x: np.multiply(x, 1).astype(np.float32)
    )
    assert_same(np.float32(number), cpjit(convert)(number))


TRUTHS = {
    "if x[0] > 0: pass": "np.where(x[0] > 0, a, b) for what both branches compute, or pass the "
    "truth as an argument",
    "if not x[0]: pass": "np.where(x[0] == 0, a, b) for",
    "if x[0] > 0 and not x[1] > 2: pass": "np.where((x[0] > 0) & (~(x[1] > 2)), a, b) for",
    "y = 1.0 if 0 < x[0] <= 1 or x[1] > 2 else x": "np.where(((0 < x[0]) & (x[0] <= 1)) | "
    "(x[1] > 2), 1.0, x)",
    "y = x if not x[0] else -x": "np.where(x[0] == 0, x, -x)",
    "while (x[0] < 3): pass": "for _ in range(n): x = np.where(x[0] < 3, new, x), with a number n",
    "assert x[0] > 3": "assert np.all(x[0] > 3) outside of the function",
    "y = bool(x[0])": "np.where(condition, a, b) to choose; & | ~ for `and`, `or`, `not`",
    "y = sorted(x)": "np.sort(x) for sorted(x)",
    "y = any(x)": "np.any(x) for any(x)",
    "y = any(v > 0 for v in x)": "the call of any outside of the function",
    "y = max(x[0], x[1], 0.0)": "np.maximum(np.maximum(x[0], x[1]), 0.0) for max(x[0], x[1], 0.0)",
    "y = min((x, 1.0))": "np.minimum(x, 1.0) for min((x, 1.0))",
    "y = max(*x)": "the call of max outside of the function",
    "y = x or 1.0": "np.logical_or(x, 1.0)",
    "y = x and x > 1": "np.logical_and(x, x > 1)",
    "y = x in (1.0, 2.0)": "(x == 1.0) | (x == 2.0)",
    "y = max(x[0], x[1], key=abs)": "the call of max outside of the function",
    "if x[0] > 0 and x[0] * x[0] * x[0] * x[0] * x[0] < x[1]: pass": "np.where(condition, a",
    "y = [each for each in x if each > 0]": "np.where(condition, a, b) to choose",
}  # fmt: skip


def from_file(source, path, names):
    """Return the function of a source, whose lines Python finds for messages."""
    path.write_text(source, encoding="utf-8")
    linecache.checkcache(str(path))
    exec(compile(source, str(path), "exec"), names)
    return names["function"]


@pytest.mark.usefixtures("no_more_looks")
@pytest.mark.parametrize("statement", TRUTHS)
def test_what_is_written_for_a_truth_value_fits_the_line(statement, tmp_path):
    source = f"def function(x):\n    {statement}\n    return x\n"
    with pytest.raises((TraceError, UnsupportedError)) as caught:
        cpjit(from_file(source, tmp_path / "written.py", {"np": np}))(X)
    assert caught.value.write.startswith(TRUTHS[statement])


@pytest.mark.usefixtures("no_more_looks")
@pytest.mark.parametrize("name", ["max", "min"])
def test_what_is_written_for_a_name_that_the_module_has_fits_it(name, tmp_path):
    source = f"def function(x):\n    return {name}(x)\n"
    names = {name: getattr(builtins, name)}
    with pytest.raises(TraceError) as caught:
        cpjit(from_file(source, tmp_path / "written.py", names))(X)
    assert caught.value.write == f"np.{name}(x) for {name}(x)"


@pytest.mark.usefixtures("no_more_looks")
def test_without_the_source_the_advice_is_a_general_one():
    names = {}
    exec("def function(x):\n    return x if x[0] > 0 else -x", names)
    with pytest.raises(TraceError, match=r"write np\.where"):
        cpjit(names["function"])(X)


ARRAY, SINGLE = np.array([0.5, -2.5, 1e30]), np.ones(3, np.float32)
CONVERSIONS = [
    ("np.float32(x)", ARRAY),
    ("math.floor(x)", np.array(-2.5)),
    ("math.ceil(x)", np.array(-2.5)),
    ("math.sqrt(x)", np.array(2.5)),
    ("math.pow(x, 3.0)", np.array(2.5)),
    ("np.int32(x)", np.array(7.5)),
]


@pytest.mark.usefixtures("no_more_looks")
@pytest.mark.parametrize(("use", "value"), CONVERSIONS, ids=repr)
def test_what_is_written_for_a_conversion_has_its_dtype_and_value(use, value, tmp_path):
    """The advice is typed in, in the place of what was refused."""

    def function(expression):
        names = {"np": np, "math": math, "SINGLE": SINGLE}
        source = f"def function(x, y):\n    return y * {expression}\n"
        return from_file(source, tmp_path / "written.py", names)

    written = function(use)
    with pytest.raises(TraceError) as caught:
        cpjit(written)(value, SINGLE)
    instead, _, rest = caught.value.write.replace(" without ", " for ").partition(" for ")
    of, _, dtype = rest.partition("; its result is ")
    assert use.partition("(")[0] in of
    y = SINGLE.astype(dtype or SINGLE.dtype)  # a function of math returns a Python number
    assert_same(written(value, y), cpjit(function(instead))(value, y))


@pytest.mark.parametrize("array", [np.arange(3), np.arange(3.0)], ids=str)
@pytest.mark.parametrize("convert", [int, float])
def test_what_is_written_for_a_number_of_another_class_has_its_dtype(array, convert):
    three = {int: enum.IntEnum("Number", {"THREE": 3}).THREE, float: Fraction(3)}[convert]
    with pytest.raises(UnsupportedError) as caught:
        cpjit(lambda x: x * three)(array)
    assert caught.value.write == f"{convert.__name__}(...) of it"
    expected = (array * three).astype(array.dtype if convert is int else float)
    assert_same(expected, cpjit(lambda x: x * convert(three))(array))


def test_a_function_that_is_installed_has_lines_of_its_own():
    with pytest.raises(TraceError) as caught:
        cpjit(library.convert)(X)
    assert caught.value.where.startswith("library.py, line 1")
