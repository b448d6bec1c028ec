"""Python looks at numbers among the arguments: values are Python's, each outcome is a variant."""

import decimal
import inspect
import linecache
import math
import operator
import pickle
import struct
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cases import assert_same

from cpnum import TraceError, cpjit
from cpnum.ir.graph import Graph
from cpnum.jit.variants import MOST_UNUSED, Variants
from cpnum.trace import contents
from cpnum.trace.looking import MOST_GUARDS
from cpnum.trace.trace import trace

X = np.arange(6.0)

INTEGERS = [2, 3, 0, -1, True, np.int64(2), np.int32(3), 2]
FLOATS = [2.5, -0.0, 0.0, np.float64(2.5), np.float32(0.1), 1e300, 2.5]
ANY = [*INTEGERS, *FLOATS, False, np.bool(True), math.nan, math.inf, 2**70, -(2**70)]


def larger(x, s):
    return x / max(1e-9, s)


def clamped(x, s):
    return x * min(max(s, -1), 1)


def polynomial(x, n):
    return sum(x * k for k in range(n)) + x


def branch(x, s):
    if s > 1:
        return x + 1.0
    if s == 0 or not s:
        return x + 2.0
    return x - 1.0


def loop(x, n):
    while n > 1:
        x, n = x + n, n // 2
    return x


def caught(x, n):
    try:
        return x * (2.0 if 1 / n > 0.5 else 3.0)
    except ZeroDivisionError:
        return x * 4.0


def error_of_a_conversion(x, s):
    try:
        return x * int(s)
    except (ValueError, OverflowError) as error:
        return x * len(str(error))


def looked_up(x, n):
    return x * {2: 3.0, 2.5: 4.0, True: 5.0}.get(n, 6.0)


def compared_with_all(x, n):
    return x * sum([n == None, n == "2", n != (2,), n is None, n == [2]])  # noqa: E711


def of_any_type(x, n):
    return x * (1.0 if isinstance(n, int) else 2.0 if n else 3.0)


SCALARS = [2.5, -2.5, np.float64(2.5), np.float32(1.5)]

# The numbers of all calls of a function, in their order.
CASES = {
    "max": (larger, ANY[:-2]),
    "min and max": (clamped, FLOATS),
    "range": (polynomial, INTEGERS),
    "branches": (branch, ANY),
    "while": (loop, [1, 2, 5, 100, 5, 2.5, True]),
    "scalars of NumPy": (lambda x, s: x if s - 1 > 0.5 else -x, [np.float64(2), np.float32(1)]),
    "exception": (caught, [2, 0, 1.5, 0.0, False, 2]),
    "error of a conversion": (error_of_a_conversion, [2.5, math.nan, math.inf, -7.9, 3, 2.5]),
    "float": (lambda x, s: x * float(s), [*INTEGERS, *FLOATS, math.nan, 2**70]),
    "int": (lambda x, s: x * int(s), [*INTEGERS, *FLOATS[:5], 2**60 + 1, 2.9, 2.1]),
    "complex": (lambda x, s: x * complex(s).real, [2, 2.5, True]),
    "bool": (lambda x, s: x * bool(s), ANY),
    "not": (lambda x, s: x * (not s), ANY),
    "and, or": (lambda x, s: (s and x) if s else x * 2, ANY[:-2]),
    "equality": (lambda x, s: x if s == 2 else -x, ANY),
    "chain": (lambda x, s: x if 0 < s < 3 else -x, ANY),
    "remainder": (lambda x, n: x if n % 2 == 0 else -x, [*INTEGERS, *SCALARS, 2**70]),
    "division": (lambda x, n: x * (n // 2) + divmod(n, 3)[1], [*INTEGERS, *SCALARS]),
    "index": (lambda x, n: x[n], [2, 3, -1, np.int64(2), np.int32(0)]),
    "index with more": (lambda x, n: x[None, n:][..., n], [2, 0, 1, np.int64(1)]),
    "slice": (lambda x, k: x[k:] + x[: len(x) - k], [2, 3, 0, np.int64(2)]),
    "steps of a slice": (lambda x, k: x[::k], [1, 2, -1, 3]),
    "extents": (lambda x, n: x.reshape(n, -1), [2, 3, 6, np.int64(2)]),
    "axes": (lambda x, n: np.expand_dims(x, n), [0, 1, -1]),
    "integer exponent": (lambda x, n: x ** int(n), [2, 3.0, 2.5]),
    "power of integers": (lambda x, n: x.astype(int) ** n, [0, 1, 2, 7, np.int64(2), np.int32(3)]),
    "power of a number": (lambda x, n: x * 2**n, [0, 3, -2, 64, True]),
    "power of two numbers": (lambda x, n: x * n**n, [1, 3, -2, True]),
    "power of three operands": (lambda x, n: x * pow(n, 3, 5), [2, 3, 4]),
    "round": (lambda x, s: x * round(s), [2, 3.5, True, -0.4, *SCALARS]),
    "round to digits": (lambda x, s: x * round(s, 1), [2, 2.54, 3.56, True, np.float64(2.55)]),
    "floor": (lambda x, s: x * math.floor(s), [2, True, *SCALARS]),
    "ceil": (lambda x, s: x * math.ceil(s), [2, True, *SCALARS]),
    "trunc": (lambda x, s: x * math.trunc(s), [2, 2.5, -2.5, True, np.float64(2.5)]),
    "exp": (lambda x, t: x * math.exp(-t), [*FLOATS[:5], 2, True]),
    "sqrt": (lambda x, s: x * math.sqrt(s), [2.5, 4, np.float64(2), np.int32(9)]),
    "functions of math": (lambda x, n: x * math.comb(n + 4, 2), [2, 3, np.int64(4)]),
    "greatest common divisor": (lambda x, n: x * math.gcd(n, 6), [2, 3, np.int64(4)]),
    "text": (lambda x, s: x * len(f"{s}") + len(str(s)) - len("%s" % s), ANY),  # noqa: UP031
    "representation": (lambda x, s: x * len(f"{s!r}") + len(repr([s])), ANY),
    "form": (lambda x, s: x * float(f"{s:.2f}"), [2.567, 2.568, 3, np.float32(0.1)]),
    "form with %": (lambda x, s: x * float("%.1f" % s), [2.567, 3, True]),  # noqa: UP031
    "key": (looked_up, [2, 2.5, True, 7, np.int64(2), np.float64(2.5), -1]),
    "member": (lambda x, n: x if n in {1, 2} and n in [2, 3] else -x, [1, 2, 3, 2.0, np.int64(2)]),
    "hash": (lambda x, s: x * (hash(s) % 7), [2, 2.5, -1, np.float64(2.5)]),
    "sorted": (lambda x, s: x * sorted([s, 1.0, 2.0])[1], [0.5, 1.5, 3.0]),
    "repeated list": (lambda x, n: x.reshape([-1] + [1] * n), [0, 1, 2]),
    "repeated text": (lambda x, n: x * len("ab" * n), [0, 1, 2]),
    "other types": (compared_with_all, [2, 3, 2.5]),
    "types": (of_any_type, [2, True, 2.5, 0.0, np.int64(2), np.float64(0)]),
    "attributes": (lambda x, s: x * s.is_integer() + s.real, [2.5, 2.0, np.float64(2.5)]),
    "attributes of integers": (lambda x, n: x * n.bit_length() + n.numerator, [2, 5, True]),
    "type of NumPy": (lambda x, s: x * np.float32(s), [2.567, 2, True, np.float64(0.1)]),
    "integer of NumPy": (lambda x, s: x * np.int32(s), [2.567, 2, True, np.float64(7.9)]),
    "extents of a list": (lambda x, n: x * len(list(range(0, 10, n))), [1, 2, 3]),
    "element of a list": (lambda x, n: x * [10.0, 20.0][n - 1], [1, 2, np.int64(2)]),
    "bits": (lambda x, n: x * operator.index(n).bit_length(), [1, 2, 255, True]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_number_that_python_looks_at_has_its_value(name, level):
    function, numbers = CASES[name]
    compiled = cpjit(function, isa=level)
    for number in (*numbers, *numbers):
        expected = function(X, number)
        assert_same(expected, compiled(X, number))
        out = np.empty_like(expected)
        assert_same(np.asarray(expected), compiled(X, number, out=out))
        assert_same(np.asarray(expected), np.asarray(compiled.bind(X, number)()))


@pytest.mark.parametrize("name", CASES)
def test_an_outcome_that_came_before_is_not_traced_again(name):
    function, numbers = CASES[name]
    traces = []

    def counted(x, number):
        traces.append(number)
        return function(x, number)

    compiled = cpjit(counted)
    for number in numbers:
        compiled(X, number)
    before = len(traces), compiled.compiled
    for number in numbers:
        compiled(X, number)
        compiled(X, number)
    assert (len(traces), compiled.compiled) == before


# A function, the numbers of its calls, and how many variants these are.
COUNTS = {
    "a number that is not looked at": (lambda x, s: x * s + 1, [0.5, 1.5, -0.0, math.nan], 1),
    "a rounded number": (lambda x, s: x * round(s, 2), [0.567, 1.5, 2.25], 1),
    "a truth": (lambda x, s: x + 1 if s > 0 else -x, [0.5, 1.5, -1.0, -2.0, 7.0], 2),
    "a maximum": (larger, [0.5, 1.5, 0.0, 2.5], 2),
    "an integer": (lambda x, s: x * int(s), [2.1, 2.9, 2.5, 3.0], 2),
    "a floor": (lambda x, s: x * math.floor(s), [2.1, 2.9, 2.5, 3.0], 2),
    "a text": (lambda x, s: x * len(f"{s:.0f}"), [2.1, 2.2, 2.3, 4.0], 2),
    "zeros": (lambda x, s: x * float(s), [0.0, -0.0, 0.0, -0.0], 2),
    "not a number": (lambda x, s: x * float(s), [math.nan, math.nan, float("nan")], 1),
    "a value and its parts": (lambda x, n: x * len(range(n)) * (n % 2 == 0) * n, [3, 3, 4], 2),
    "types": (lambda x, n: x * float(n), [1, True, 1.0, np.float64(1), np.int64(1)], 5),
    "integers beyond int64": (lambda x, n: x + 1 if n > 0 else -x, [2**70, 3, -(2**70)], 2),
}


@pytest.mark.parametrize("name", COUNTS)
def test_only_what_was_looked_at_makes_a_variant(name):
    function, numbers, count = COUNTS[name]
    compiled = cpjit(function)
    for number in numbers:
        assert_same(function(X, number), compiled(X, number))
    assert len(compiled.signatures) == count
    assert compiled.compiled == count


def test_signatures_and_graphs_show_guards():
    @cpjit
    def f(x, n, s, flag):
        if flag and n % 2 == 0 and not s > 1:
            return x * len(f"{s:.1f}") * int(s)
        return x[n:] * math.exp(s)

    f(X, 2, 0.5, True)
    f(X, 3, np.float64(0.5), False)
    f(X, 4, np.float64(0.5), True)
    with pytest.raises(ZeroDivisionError):
        f(X, 4, 1 / 0, True)
    assert f.signatures == [
        "f64[:], int, float, bool where flag and n % 2 == 0 and not s > 1 "
        "and format(s, '.1f') == '0.5' and int(s) == 0",
        "f64[:], int, f64, bool where not flag and n == 3 and s == 0.5",
        "f64[:], int, f64, bool where flag and n % 2 == 0 and not s > 1.0 "
        "and format(s, '.1f') == '0.5' and int(s) == 0",
    ]
    assert list(f.inspect_ir()) == f.signatures
    for text in f.inspect_ir().values():
        assert "  where " in text
        assert str(Graph.parse(text)) == text
        assert Graph.parse(text) != Graph.parse(text.replace("  where ", "  where not ", 1))
    graph = f.lower(X, 2, 0.5, True).graph
    assert [each.text for each in graph.guards][:2] == ["flag", "n % 2 == 0"]
    with pytest.raises(ValueError, match="read back"):
        Graph.parse(str(graph)).guards[0].ask((X, 2, 0.5, True))


@pytest.mark.parametrize(
    ("use", "numbers", "text"),
    [
        (lambda n: n, (3,), "n"),
        (lambda n: n, (0,), "not n"),
        (lambda n: range(n), (3,), "n == 3"),
        (lambda n: range(n - 1), (3,), "n - 1 == 2"),
        (lambda n: (-n) ** 2 > 3 * (n - 1), (3,), "(-n) ** 2 > 3 * (n - 1)"),
        (lambda n: -(n - 1) < ~n, (3,), "not -(n - 1) < ~n"),
        (lambda n: np.sqrt(n) > 1, (3.0,), "sqrt(n) > 1.0"),
        (lambda n: 1 / n > 1, (0,), "1 / n > 1 raises ZeroDivisionError"),
        (lambda n: int(n), (math.nan,), "int(n) raises ValueError"),
        (lambda n: math.floor(n), (2.5,), "math.floor(n) == 2"),
        (lambda n: float(n), (math.nan,), "n == nan"),
        (lambda n: float(n), (-0.0,), "n == -0.0"),
        (lambda n: f"{n:{'{'}<9}", (2.5,), "format(n, '{<9') == '2.5{{{{{{'"),
        (lambda n: f"{n:80}", (2.5,), "format(n, '80') == " + f"'{' ' * 56}..."),
        (lambda n: range(n), (2**200,), "n == 0x8000000000000000... of 201 bits"),
    ],
)  # fmt: skip
def test_guards_are_written_as_users_write(use, numbers, text):
    def f(x, n):
        try:
            return x if use(n) else -x
        except (ArithmeticError, ValueError):
            return x * 2

    graph = trace(f, (X, *numbers))
    shown = [each.text for each in graph.guards]
    assert shown[0] in (text, f"bool({text})")
    assert Graph.parse(str(graph)) == graph


def test_long_expressions_are_cut_and_still_told_apart():
    def f(x, n):
        for k in range(40):
            n = n * 3 + k
        return x if n > 0 else -x

    compiled = cpjit(f)
    assert_same(X, compiled(X, 1))
    assert_same(-X, compiled(X, -1000))
    assert_same(X, compiled(X, 2))
    assert all(len(each) < 100 for each in compiled.signatures)
    assert len(compiled.signatures) == 2


# -- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "number"),
    [
        (lambda x, t: x * math.exp(t), 1000.0),
        (lambda x, n: x * float(n), 10**400),
        (lambda x, s: x * int(s), math.nan),
        (lambda x, n: x if 1 / n > 0 else -x, 0),
        (lambda x, n: x if (1 << n) > 0 else -x, -1),
        (lambda x, s: x * range(s)[1], 2.5),
        (lambda x, s: x * range(s)[1], np.float64(2)),
        (lambda x, n: x.reshape(n, -1), 4),
        (lambda x, n: x[n], 100),
        (lambda x, n: {1: x}[n], 2),
        (lambda x, n: x.astype(int) ** n, -1),
        (lambda x, s: f"{s:d}" and x, 2.5),
        (lambda x, n: n.missing * x, 2),
        (lambda x, n: x * math.sqrt(n), -1.0),
    ],
)
@pytest.mark.parametrize("fallback", ["error", "numpy"])
def test_errors_of_python_are_its_own(function, number, fallback):
    with pytest.raises(
        (ArithmeticError, ValueError, TypeError, LookupError, AttributeError)
    ) as own:
        function(X, number)
    compiled = cpjit(function, fallback=fallback)
    for _ in range(2):
        with pytest.raises(own.type) as caught:
            compiled(X, number)
        assert str(caught.value) == str(own.value)
    assert compiled.signatures == []


def test_an_error_of_one_number_leaves_the_others_compiled():
    compiled = cpjit(lambda x, n: x * (1.0 if 1 / n > 0 else 2.0))
    assert_same(X, compiled(X, 2))
    with pytest.raises(ZeroDivisionError) as caught:
        compiled(X, 0)
    assert_same(X, compiled(X, 3))
    assert compiled.signatures == ["f64[:], int where 1 / n > 0"]
    assert "test_guards.py" in caught.value.__notes__[0]


def test_a_number_that_leaves_its_type_is_refused():
    compiled = cpjit(lambda x, a: x if a**0.5 > 1 else -x)
    assert_same(X, compiled(X, 4.0))
    with pytest.raises(TypeError, match="that is not a float"):
        compiled(X, -4.0)
    assert_same(-X, compiled(X, 0.5))


def test_elements_of_arrays_have_no_value_after_so_many_looks_even_beside_numbers(monkeypatch):
    monkeypatch.setattr(contents, "MOST_LOOKS", 0)
    for function in (
        lambda x, n: x if x[0] + n > 0 else -x,
        lambda x, n: x if np.ones_like(x) + n > 0 else -x,
        lambda x, n: x * math.exp(x[n]),
    ):
        with pytest.raises(TraceError):
            cpjit(function)(X, 2)
    for function in (lambda n: -n if n > 0 else n, lambda n: n * float(n), lambda n: n * int(n)):
        with pytest.raises(TraceError):
            cpjit(function)(np.array(2.0))


def test_truths_and_whole_numbers_of_elements_are_looked_at_beside_numbers():
    for function in (
        lambda x, n: x if x[0] + n > 0 else -x,
        lambda x, n: x * int(x[n]),
        lambda x, n: x * range(4)[int(n > x[1])],
    ):
        compiled = cpjit(function)
        for x, n in ((X, 2), (X, 3), (-X, 2), (X - 5, 2), (X, 2)):
            assert_same(function(x, n), compiled(x, n))
    for function in (
        lambda x, n: x if np.ones_like(x) + n > 0 else -x,
        lambda x, n: x * math.exp(x[n]),
        lambda x, n: x * float(x[n]),
    ):
        with pytest.raises(TraceError):
            cpjit(function)(X, 2)


# -- refusals -----------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:.*runs through NumPy:RuntimeWarning")
def test_a_refusal_holds_for_its_outcomes_only():
    calls = []

    def f(x, n):
        calls.append(n if type(n) is int else 1 if n > 0 else -1)
        return np.unique(x) if n > 0 else x * 2

    compiled = cpjit(f, fallback="numpy")
    for n in (1, -1, 2, -2, 3, -3):
        assert_same(f(X, n), compiled(X, n))
    # Each refused call runs as written; the trace of each outcome is one call more.
    assert [calls.count(n) for n in (1, 2, 3)] == [3, 2, 2]
    assert [calls.count(n) for n in (-1, -2, -3)] == [2, 1, 1]
    assert compiled.signatures == ["f64[:], int where not n > 0"]


@pytest.mark.filterwarnings("ignore:.*runs through NumPy:RuntimeWarning")
def test_a_refusal_that_depends_on_the_shape_holds_for_its_shape_and_its_outcomes():
    def f(x, n):
        if n > 1 and x.shape[0] > n:
            return np.unique(x)
        return x * n

    compiled = cpjit(f, fallback="numpy")
    for n in (0, 2, 3, 2, 0, 7, 7):
        for x in (X, X[1:], X[:2]):
            assert_same(f(x, n), compiled(x, n))
            assert_same(f(x, n), compiled(x, n))
    assert "f64[:], int where not n > 1" in compiled.signatures
    assert "f64[2], int where n > 1 and not n < 2" in compiled.signatures


# -- shapes -------------------------------------------------------------------------------------


def test_a_shape_that_one_outcome_looks_at_is_free_for_the_others():
    traces = []

    def f(x, n):
        traces.append(n)
        return x * x.shape[0] if n else x

    compiled = cpjit(f)
    for length in (2, 3, 4, 3):
        x = np.arange(float(length))
        for n in (0, 1, 2):
            traces.clear()
            expected = x * length if n else x
            assert_same(expected, compiled(x, n))
    assert sorted(compiled.signatures) == [
        "f64[2], int where bool(n)",
        "f64[3], int where bool(n)",
        "f64[4], int where bool(n)",
        "f64[:], int where not n",
    ]


def test_a_question_about_a_shape_and_a_number_is_asked_for_each_shape():
    traces = []

    def f(x, n):
        traces.append(n)
        return x[:n] * len(range(n + len(x))) if n < len(x) else x + 1

    compiled = cpjit(f)
    for _ in range(3):
        traces.clear()
        for x, numbers in ((X, (2, 4, 6)), (X[1:], (1, 3, 5)), (X[:3], (2, 9))):
            for n in numbers:
                expected = x[:n] * (n + len(x)) if n < len(x) else x + 1
                assert_same(expected, compiled(x, n))
                compiled.lower(x, n)
    assert traces == []


# -- numbers that never repeat ------------------------------------------------------------------


def decayed(x, t):
    return x * math.exp(-t)


def warned(calls):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        calls()
    return [str(each.message) for each in caught]


def test_a_number_that_is_another_one_at_each_call_is_not_compiled_for_ever():
    compiled = cpjit(decayed)

    def calls():
        for t in range(30):
            assert_same(decayed(X, t / 7), compiled(X, t / 7))

    (message,) = warned(calls)
    line = linecache.getline(__file__, inspect.getsourcelines(decayed)[1] + 1).strip()
    assert message.startswith(
        "decayed runs through NumPy: it looks at a number that is another one"
    )
    assert f"test_guards.py, line {decayed.__code__.co_firstlineno + 1}:  {line}" in message
    assert "write np.exp(-t)" in message
    assert compiled.compiled == MOST_UNUSED
    # What comes a second time is compiled, and what was compiled is used.
    assert_same(decayed(X, 29 / 7), compiled(X, 29 / 7))
    assert compiled.compiled == MOST_UNUSED + 1
    assert_same(decayed(X, 99.0), compiled(X, 99.0))
    assert compiled.compiled == MOST_UNUSED + 1
    assert_same(decayed(X, 29 / 7), compiled(X, 29 / 7))
    assert compiled.compiled == MOST_UNUSED + 1
    # Now one is found again, so that new ones are compiled.
    assert_same(decayed(X, 98.0), compiled(X, 98.0))
    assert compiled.compiled == MOST_UNUSED + 2


def test_what_is_not_compiled_writes_to_out_as_well():
    compiled = cpjit(decayed)
    out = np.empty_like(X)

    def calls():
        for t in range(20):
            assert compiled(X, t / 7, out=out) is out
            assert_same(decayed(X, t / 7), out)
        assert compiled.lower(X, 77.0).graph.guards[0].text == "-t == -77.0"
        assert_same(decayed(X, 78.0), compiled.bind(X, 78.0)())

    assert len(warned(calls)) == 1


def test_outcomes_that_repeat_are_compiled_however_many_they_are():
    compiled = cpjit(lambda x, n: x * len(range(n)))
    for n in range(20):
        assert_same(X * n, compiled(X, n))
        assert_same(X * n, compiled(X, n))
    assert compiled.compiled == 20


def test_the_number_of_variants_is_bounded(monkeypatch):
    monkeypatch.setattr(Variants, "most", 5)
    compiled = cpjit(lambda x, n: x * len(range(n)))
    for n in range(23):
        for _ in range(2):
            assert_same(X * n, compiled(X, n))
        assert len(compiled.signatures) <= 5


def test_a_function_that_asks_much_looks_at_its_arguments_in_the_end():
    def f(x, n, m):
        while n > 0:
            n, x = n - 1, x + m
        return x

    compiled = cpjit(f)
    for n in (100, 101, 100):
        expected = f(X, n, 0.5)
        assert_same(expected, compiled(X, n, 0.5))
    graph = compiled.lower(X, 100, 0.5).graph
    assert len(graph.guards) == MOST_GUARDS + 1
    assert graph.guards[-1].text == "n == 100"
    assert compiled.compiled == 2


# -- the rest of the interface ------------------------------------------------------------------


def test_keywords_defaults_and_methods():
    class Model:
        @cpjit
        def scaled(self, x, mode=1, *, power=2):
            if mode == 1:
                return x**power
            return x * range(mode)[-1]

    model = Model()
    assert_same(X**2, model.scaled(X))
    assert_same(X**2, model.scaled(X, 1))
    assert_same(X * 2, model.scaled(X, 3))
    assert_same(X * 3, model.scaled(X, mode=4))
    assert_same(X**3.0, model.scaled(X, mode=1, power=3.0))
    assert_same(X * 2, model.scaled(x=X, mode=3))


def test_nested_functions_and_outside_variables():
    factors = {"value": 2}

    @cpjit
    def inner(x, n):
        return x * factors["value"] if n > 2 else -x

    def outer(x, n):
        return inner(x, n + 1) + inner(x, int(n) - 1)

    compiled = cpjit(outer)
    for n in (0, 2, 3, 7, 2):
        assert_same(outer(X, n), compiled(X, n))
    assert compiled.signatures[0] == "f64[:], int where not n + 1 > 2 and n == 0"


LIMIT = 2


def test_a_variable_of_outside_in_a_question_is_compared():
    global LIMIT
    compiled = cpjit(lambda x, n: x if n > LIMIT else -x)
    try:
        assert_same(-X, compiled(X, 2))
        LIMIT = 1
        assert_same(X, compiled(X, 2))
    finally:
        LIMIT = 2
    assert_same(-X, compiled(X, 2))


@cpjit
def sent(x, n):
    return x[n:]


def test_a_compiled_function_is_sent_without_its_variants():
    assert_same(X[2:], sent(X, 2))
    assert_same(X[3:], pickle.loads(pickle.dumps(sent))(X, 3))


def test_a_report_of_a_guarded_call_shows_the_guard():
    compiled = cpjit(lambda x, n: x * len(range(n)))
    assert "where n == 3" in str(compiled.lower(X, 3))
    assert "x * len(range(n))" in compiled.explain(X, 3).text()


def test_a_function_that_asks_something_else_is_traced_again():
    asked = ["n"]

    def f(x, n, m):
        numbers = {"n": n, "m": m}
        return x * sum(len(range(numbers[each])) for each in asked)

    compiled = cpjit(f)
    assert_same(X, compiled(X, 1, 5))
    asked[:] = ["m"]  # inside of an object, so that nobody sees it before the next trace
    assert_same(X, compiled(X, 1, 6))
    assert_same(X * 6, compiled(X, 2, 6))
    assert compiled.signatures == ["f64[:], int, int where m == 6"]
    asked[:] = ["m", "n"]
    assert_same(X * 9, compiled(X, 2, 7))
    assert_same(X * 10, compiled(X, 3, 7))
    asked[:] = ["m"]
    assert_same(X * 7, compiled(X, 4, 7))
    assert_same(X * 7, compiled(X, 2, 7))
    assert compiled.signatures[-1] == "f64[:], int, int where m == 7"


def test_a_left_over_number_is_an_error_and_has_a_text():
    kept = []
    compiled = cpjit(lambda x, n: kept.append(n) or x[n:])
    compiled(X, 2)
    assert f"{kept[0]}" == str(kept[0]) == repr(kept[0])
    assert str(kept[0]).startswith("<left over")
    for use in (bool, int, float, operator.index, hash, round, math.floor, lambda n: n + 1):
        with pytest.raises(TraceError, match="after"):
            use(kept[0])


def test_a_guard_compares_bits():
    one, other = (struct.unpack("d", struct.pack("Q", 0x7FF8 << 48 | n))[0] for n in (0, 1))
    compiled = cpjit(lambda x, s: x + (math.isnan(s) and len(repr(s))))
    for number in (one, other, one):
        assert_same(X + 3, compiled(X, number))
    assert compiled.compiled == 2


def test_a_decimal_of_a_number_is_refused():
    with pytest.raises(TraceError):
        cpjit(lambda x, n: x * float(decimal.Decimal(n)))(X, 2)


def test_threads_trace_variants_at_once():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(10):
            f = cpjit(lambda x, n: x * len(range(n % 5)) if n > 2 else -x)
            barrier = threading.Barrier(6)

            def work(number, f=f, barrier=barrier):
                barrier.wait(timeout=60)
                for n in (number, 9 - number, number, 3, 1):
                    expected = X * (n % 5) if n > 2 else -X
                    assert_same(expected, f(X, n))

            with ThreadPoolExecutor(6) as pool:
                list(pool.map(work, range(6)))
            assert len(f.signatures) == len(set(f.signatures)) <= 6
            assert f.compiled == len(f.signatures)
    finally:
        sys.setswitchinterval(interval)


# -- random functions ---------------------------------------------------------------------------

TERMS = [
    "n",
    "m",
    "s",
    "n % 3",
    "n + m",
    "n * m - 2",
    "abs(m)",
    "s * 2",
    "-n",
    "n // 2",
    "round(s, 1)",
]
TESTS = ["{} > 0", "{} == {}", "{} < {}", "{}", "not {}", "{} and {}", "{} or {}", "0 < {} <= 2",
         "{} in (1, 2)", "isinstance({}, int)"]  # fmt: skip
VALUES = ["x + {}", "x * max({}, {})", "x - int({})", "x[: len(x) - abs(int({})) % 2]",
          "x * float({})",
          "x * len(f'{{{}}}')", "x + sum(range(abs(int({})) % 4))", "np.where(x > {}, x, {})",
          "x * {{0: 1.0, 1: 2.0}}.get({}, 3.0)", "x / 2.0", "x * min({}, 1.5)"]  # fmt: skip
NUMBERS = [0, 1, -1, 2, 3, True, 0.5, -0.0, 2.5, -1.5, np.float64(0.5), np.int64(2), np.int32(-1)]


def written(chance):
    """Return the source of a random function of x, n, m, s with branches on the numbers."""

    def filled(form):
        while "{}" in form:
            form = form.replace("{}", f"({chance.choice(TERMS)})", 1)
        return form

    lines = ["def f(x, n, m, s):"]
    depth = 1
    for _ in range(chance.integers(2, 7)):
        if depth < 4 and chance.random() < 0.5:
            test = filled(chance.choice(TESTS))
            lines += [f"{'    ' * depth}if {test}:"]
            depth += 1
        value = chance.choice(VALUES).replace("{{", "\0").replace("}}", "\1")
        value = filled(value).replace("\0", "{").replace("\1", "}")
        lines += [f"{'    ' * depth}x = {value}"]
        if depth > 1 and chance.random() < 0.4:
            depth -= 1
    return "\n".join([*lines, "    return x"])


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.filterwarnings("ignore:.*runs through NumPy:RuntimeWarning")
def test_random_functions_with_branches_on_numbers(seed):
    chance = np.random.default_rng(seed)
    source = written(chance)
    names = {"np": np}
    exec(source, names)
    compiled = cpjit(names["f"])
    calls = [
        (X.astype(chance.choice(["f8", "f8", "f4"])), *chance.choice(NUMBERS, 3).tolist())
        if chance.random() < 0.5
        else (X, *[NUMBERS[at] for at in chance.integers(0, len(NUMBERS), 3)])
        for _ in range(12)
    ]
    for arguments in [*calls, *calls]:
        try:
            with np.errstate(all="ignore"):
                expected = names["f"](*arguments)
        except (TypeError, ValueError, OverflowError, NotImplementedError, AttributeError):
            continue  # Python has no such operation
        with np.errstate(all="ignore"):
            actual = compiled(*arguments)
        np.testing.assert_array_equal(actual, expected, err_msg=f"{source}\n{arguments[1:]}")
        assert actual.dtype == expected.dtype, source


def test_a_function_of_numbers_that_asks_much_runs_as_written():
    runs = []

    def root(x, n=3):
        runs.append(x)
        t = x
        for _ in range(100):
            new = 0.5 * (t + x / t)
            if abs(new - t) < 1e-12:
                break
            t = new
        return t

    compiled = cpjit(root)
    for x in (2.0, 3.0, np.float64(5.0), 7):
        for _ in range(3):
            assert_same(root(x), compiled(x))
    # A run more for each type of number, to trace it.
    assert len(runs) == 24 + 3
    assert_same(root(2.0), compiled(x=2.0))
    out = np.zeros(())
    assert compiled(2.0, out=out) is out
    assert out == root(2.0)
    with pytest.raises(ZeroDivisionError):
        compiled(0.0)
