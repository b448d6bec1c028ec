"""What cannot be compiled is refused: class, line, what was seen, what to write.

The line at fault in a case is the one that ends with `# here`.
"""

import linecache
import math
import re

import goldens
import numpy as np
import pytest

from cpnum import (
    CpnumError,
    DTypeError,
    IsaError,
    OutError,
    ShapeError,
    TraceError,
    UnsupportedError,
    cpjit,
)
from cpnum.tables.isa import A64, runs_here

X = np.arange(3.0)
CASES = {}


def case(kind, *arguments):
    def enter(function):
        CASES[function.__name__] = (kind, function, arguments or (X,))
        return function

    return enter


# -- in the function ----------------------------------------------------------------------------


@case(TraceError)
def if_statement(x):
    if x[0] > 0:  # here
        return x
    return -x


@case(TraceError, 2.0)
def if_on_an_argument(x):
    y = x * 2.0
    if x:  # here
        return y
    return -y


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
def truth_value(x):
    return np.where(bool(x), x, 0)  # here


@case(TraceError, 2.0)
def float_call(x):
    return float(x) + 1  # here


@case(TraceError, 2.0)
def math_function(x):
    return math.sin(x)  # here


@case(TraceError, np.float64(2))
def int_call(x):
    return int(x) + 1  # here


@case(TraceError, 2.5)
def int_call_on_a_python_number(x):
    return int(x) + 1  # here


@case(TraceError, X, 1)
def traced_index(x, n):
    return x[n]  # here


@case(TraceError, X, 2)
def traced_slice(x, n):
    return x[:n]  # here


@case(TraceError, X, 2)
def traced_range(x, n):
    for _ in range(n):  # here
        x = x + x
    return x


@case(UnsupportedError)
def boolean_index(x):
    return x[np.array([True, False, True])]  # here


@case(TraceError)
def traced_mask(x):
    return x[x > 0]  # here


@case(UnsupportedError)
def assignment_to_elements(x):
    y = x * 2
    y[0] = 1.0  # here
    return y


@case(UnsupportedError)
def in_place_on_an_argument(x):
    x += 1  # here
    return x


@case(UnsupportedError, np.eye(2))
def linear_algebra(x):
    return np.linalg.inv(x)  # here


@case(UnsupportedError)
def reduction(x):
    return x - np.mean(x)  # here


@case(UnsupportedError)
def reduction_method(x):
    return x - x.mean()  # here


@case(UnsupportedError)
def matrix_product(x):
    return x @ x  # here


@case(UnsupportedError)
def ufunc_without_a_row(x):
    return np.spacing(x)  # here


@case(UnsupportedError)
def remainder(x):
    return x % 2  # here


@case(UnsupportedError)
def power_of_integers(x):
    return x.astype(int) ** x.astype(int)  # here


@case(UnsupportedError)
def argument_of_a_ufunc(x):
    return np.add(x, x, where=x > 0)  # here


@case(UnsupportedError)
def reduction_of_a_ufunc(x):
    return x - np.maximum.reduce(x)  # here


@case(UnsupportedError)
def accumulation(x):
    return np.maximum.accumulate(x)  # here


@case(UnsupportedError)
def ufunc_at(x):
    y = x * 2
    np.add.at(y, [0], 1)  # here
    return y


@case(UnsupportedError)
def comparison_with_text(x):
    return x == "a"  # here


@case(TraceError)
def closure_over_a_traced_value(x):
    return cpjit(lambda y: x + y)(2.0)  # here


@case(TraceError)
def conversion(x):
    return np.asarray(x) + 1  # here


@case(TraceError)
def caught_by_the_function(x):
    try:
        factor = float(x[0])  # here
    except (TypeError, ValueError):
        factor = 1.0
    return x * factor


@case(TraceError, 3)
def caught_by_numpy(n):
    return np.ones(n) * n  # here


@case(TraceError, 2.5)
def python_function(number):
    return round(number, 1)  # here


@case(TraceError, 2)
def key(number):
    return {2: 1.0}[number] * number  # here


@case(TraceError)
def format_of_numbers(x):
    return x * len(f"{x[0]:.2f}")  # here


@case(TraceError, 2)
def power_of_three_operands(number):
    return pow(number, 3, 5)  # here


@case(UnsupportedError, 2.5)
def method_of_a_number(number):
    return number * number.is_integer()  # here


@case(UnsupportedError)
def argument_by_place(x):
    return np.zeros_like(x, float, "K")  # here


@case(TraceError)
def function_of_numpy_in_python(x):
    return np.vectorize(abs)(x)  # here


@case(UnsupportedError)
def errstate(x):
    with np.errstate(divide="ignore"):
        return 1 / x  # here


@case(UnsupportedError)
def errstate_of_a_function(x):
    with np.errstate(divide="ignore"):
        return np.where(x > 0, 1.0, x)  # here


@case(UnsupportedError)
def out_of_a_compiled_function(x):
    y = x * 2
    cpjit(plus_one)(x, out=y)  # here
    return y


@case(UnsupportedError)
def array_from_outside(x):
    return x + X  # here


@case(DTypeError)
def cast_without_stencils(x):
    return x.astype("float16")  # here


@case(DTypeError)
def constant_without_stencils(x):
    return x + np.uint8(1)  # here


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
        check(name, kind, caught.value)
    assert np.all(out == 7.0)
    for old, each in zip(before, arguments, strict=True):
        assert np.array_equal(old, each)


def check(name, kind, error):
    """The error has its class, the line at fault, and the text that is stored."""
    assert type(error) is kind
    assert isinstance(error, CpnumError)
    assert error.where is not None, str(error)
    assert error.seen is not None, str(error)
    assert error.write is not None, str(error)
    match = re.fullmatch(r"test_refusals\.py, line (\d+):  (.*)", error.where)
    assert match, error.where
    line = linecache.getline(__file__, int(match[1])).strip()
    assert line == match[2]
    assert line.endswith("# here"), line
    assert error.__suppress_context__ or error.__context__ is None
    text = str(error).replace(f"line {match[1]}:", "line ...:")
    goldens.compare(f"refusals/{name}", text + "\n")


@pytest.mark.parametrize("number", [2.5, -2.5, 3, True])
def test_what_is_written_for_python_numbers_works(number):
    assert cpjit(lambda x: x * 1.0)(number) == float(number)
    assert cpjit(lambda x: np.trunc(x).astype(int))(number) == int(number)


@pytest.mark.parametrize("kind", [np.memmap, np.recarray])
def test_what_is_written_for_an_out_of_another_type_works(kind):
    out = np.full(3, 7.0).view(kind)
    cpjit(plus_one)(X, out=np.asarray(out))
    assert np.array_equal(out, X + 1)


# -- at the call --------------------------------------------------------------------------------


def plus_one(x):
    return x + 1


def read_only():
    out = np.full(3, 7.0)
    out.flags.writeable = False
    return out


def overlapping():
    memory = np.full(4, 7.0)
    return memory[1:], memory[:-1]


CALLS = {
    "out_of_another_shape": (
        OutError,
        lambda out: cpjit(plus_one)(X, out=out),  # here
        lambda: np.full(4, 7.0),
    ),
    "out_of_fewer_axes": (
        OutError,
        lambda out: cpjit(plus_one)(X[None], out=out),  # here
        lambda: np.full(3, 7.0),
    ),
    "out_of_another_kind": (
        OutError,
        lambda out: cpjit(plus_one)(X, out=out),  # here
        lambda: np.full(3, 7),
    ),
    "out_without_stencils": (
        DTypeError,
        lambda out: cpjit(plus_one)(X, out=out),  # here
        lambda: np.full(3, 7, "float16"),
    ),
    "out_that_is_read_only": (
        OutError,
        lambda out: cpjit(plus_one)(X, out=out),  # here
        read_only,
    ),
    "out_that_is_a_list": (
        OutError,
        lambda out: cpjit(plus_one)(X, out=out),  # here
        lambda: [7.0, 7.0, 7.0],
    ),
    "out_that_is_a_memmap": (
        OutError,
        lambda out: cpjit(plus_one)(X, out=out),  # here
        lambda: np.full(3, 7.0).view(np.memmap),
    ),
    "out_that_is_read_only_in_bind": (
        OutError,
        lambda out: cpjit(plus_one).bind(X, out=out),  # here
        read_only,
    ),
    "out_that_overlaps_in_bind": (
        OutError,
        lambda out: cpjit(plus_one).bind(out.base[1:], out=out),  # here
        lambda: np.full(4, 7.0)[:-1],
    ),
    "argument_without_stencils": (
        DTypeError,
        lambda out: cpjit(plus_one)(X.astype("uint8"), out=out),  # here
        lambda: np.full(3, 7.0),
    ),
    "argument_of_bytes_in_other_order": (
        DTypeError,
        lambda out: cpjit(plus_one)(X.astype(">f8"), out=out),  # here
        lambda: np.full(3, 7.0),
    ),
    "argument_that_is_a_list": (
        UnsupportedError,
        lambda out: cpjit(plus_one)([1.0, 2.0, 3.0], out=out),  # here
        lambda: np.full(3, 7.0),
    ),
    "argument_that_is_complex": (
        DTypeError,
        lambda out: cpjit(plus_one)(1j, out=out),  # here
        lambda: np.full(3, 7.0),
    ),
    "argument_that_is_masked": (
        UnsupportedError,
        lambda out: cpjit(plus_one)(np.ma.ones(3), out=out),  # here
        lambda: np.full(3, 7.0),
    ),
    "several_results": (
        UnsupportedError,
        lambda out: cpjit(lambda x: (x, x + 1))(X, out=out),  # here
        lambda: np.full(3, 7.0),
    ),
    "no_result": (
        TraceError,
        lambda out: cpjit(lambda x: None)(X, out=out),  # here
        lambda: np.full(3, 7.0),
    ),
    "a_level_of_another_processor": (
        IsaError,
        lambda out: cpjit(plus_one, isa="aarch64")(X, out=out),  # here
        lambda: np.full(3, 7.0),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_cannot_be_made_is_refused(name, monkeypatch):
    kind, call, make = CALLS[name]
    if kind is IsaError:
        if runs_here(A64):
            pytest.skip("this processor has the level that others lack")
        monkeypatch.setattr("cpnum.tables.isa.host", lambda: "x86-64-v3")
    out = make()
    with pytest.raises(kind) as caught:
        call(out)
    assert np.all(np.asarray(out) == 7.0)
    check(name, kind, caught.value)


def test_a_call_that_is_refused_leaves_the_function_as_it_was():
    f = cpjit(plus_one)
    assert np.array_equal(f(X), X + 1)
    signatures = f.signatures
    for bad in ("out", "argument"):
        with pytest.raises(CpnumError):
            if bad == "out":
                f(X, out=np.empty(4))
            else:
                f(X.astype("uint8"))
    assert f.signatures == signatures
    assert np.array_equal(f(X), X + 1)


def test_what_the_users_function_raises_comes_through():
    def wrong(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        cpjit(wrong)(X)
    with pytest.raises(KeyError, match="mine"):
        cpjit(wrong, fallback="numpy")(X)


MISUSES = {
    "no argument": (lambda: cpjit(plus_one)(), TypeError, "x"),
    "an argument too many": (
        lambda: cpjit(plus_one)(X, X),
        TypeError,
        "too many positional arguments",
    ),
    "another keyword": (lambda: cpjit(plus_one)(y=X), TypeError, "x"),
    "cpjit of a number": (lambda: cpjit(3), TypeError, "cpjit decorates functions, not int"),
    "cpjit of a staticmethod": (
        lambda: cpjit(staticmethod(plus_one)),
        TypeError,
        "write @staticmethod above @cpjit",
    ),
    "cpjit of a type": (
        lambda: cpjit(int),
        UnsupportedError,
        "write a function that calls it: lambda x: int(x)",
    ),
    "cpjit of a builtin": (
        lambda: cpjit(max),
        UnsupportedError,
        "Python does not know the parameters of max",
    ),
    "a parameter called out": (
        lambda: cpjit(lambda x, out: x),
        UnsupportedError,
        "write another name for the parameter",
    ),
    "an unknown fallback": (
        lambda: cpjit(plus_one, fallback="x"),
        ValueError,
        '"error" or "numpy", not \'x\'',
    ),
    "an unknown level": (lambda: cpjit(plus_one, isa="v9"), IsaError, "unknown ISA level v9"),
    "lower of an empty array": (
        lambda: cpjit(plus_one).lower(np.empty(0)),
        ShapeError,
        "an empty result needs no kernel",
    ),
    "bind of an empty array": (
        lambda: cpjit(plus_one).bind(np.empty(0)),
        IsaError,
        "there is no code to bind",
    ),
}


@pytest.mark.parametrize("name", MISUSES)
def test_misuse_of_the_decorator_is_an_error(name):
    call, kind, text = MISUSES[name]
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)
