"""What functions return: containers, arguments and views of them, Python's values; and `out`."""

import copy
import pickle
import warnings
from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
import pytest
from arrays import array
from cases import assert_same, quiet, row_name

import cpnum
from cpnum import CpnumError, OutError, UnsupportedError, cpjit
from cpnum.compile.kernel import Kernel, Kernels
from cpnum.ir.containers import opened
from cpnum.ir.evaluate import evaluate
from cpnum.ir.graph import Graph
from cpnum.ir.simplify import simplify
from cpnum.run import memory
from cpnum.show.comparison import difference
from cpnum.tables.dtypes import DTYPES
from cpnum.trace.trace import trace

Pair = namedtuple("Pair", "left right")


class Polar(NamedTuple):
    radius: Any
    angle: Any = None


@dataclass
class Moments:
    mean: Any
    scale: Any = 1.0
    squares: Any = field(init=False)

    def __post_init__(self):
        self.squares = self.mean * self.mean
        self.note = "not a field"


@dataclass(frozen=True, slots=True)
class Frozen:
    value: Any
    inner: Any = None


class Colour(Enum):
    RED = 1


# -- containers ---------------------------------------------------------------------------------

# Containers of two values.
# fmt: off
CONTAINERS = {
    "tuple": lambda a, b: (a, b),
    "list": lambda a, b: [a, b],
    "tuple of one": lambda a, b: (a,),
    "list of one": lambda a, b: [b],
    "dict": lambda a, b: {"first": a, 2: b},
    "ordered dict": lambda a, b: OrderedDict(b=b, a=a),
    "named tuple": lambda a, b: Pair(a, right=b),
    "typed named tuple": lambda a, b: Polar(b, a),
    "named tuple with a default": lambda a, b: Polar(a),
    "dataclass": lambda a, b: Moments(a, b),
    "frozen dataclass": lambda a, b: Frozen(a, Frozen(b)),
    "nested": lambda a, b: [(a, {"x": b, "n": None}), Pair([], (b, Moments(b))), ((a,),), "text"],
    "thrice": lambda a, b: (a, [b, a], a),
    "empty": lambda a, b: ((), [], {}),
}

# Two values of two arrays of one shape, and of a Python number.
VALUES = {
    "same shapes": lambda x, y, n: (np.where(x == y, x, y), np.maximum(x, y)),
    "different shapes": lambda x, y, n: (np.where(x == y, x, y), np.minimum(x, y)[1:]),
    "scalars": lambda x, y, n: (np.maximum(x.ravel()[0], y.ravel()[0]), n + 1),
    "a value twice": lambda x, y, n: (np.maximum(x, y), np.maximum(x, y)),
    "an argument": lambda x, y, n: (x, np.minimum(x, y)),
    "both arguments": lambda x, y, n: (y, x),
    "a number": lambda x, y, n: (n, n * 2**70),
    "views": lambda x, y, n: (x[1:], y.T),
    "two dtypes": lambda x, y, n: (x == y, np.where(x == y, x, y)),
}
# fmt: on


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("container", CONTAINERS)
def test_results_are_in_the_containers_of_the_function(container, values, level):
    make, of = CONTAINERS[container], VALUES[values]

    def function(x, y, n):
        return make(*of(x, y, n))

    compiled = cpjit(function, isa=level)
    for dtype in DTYPES:
        for shape in ((67,), (3, 5), (1,)):
            arguments = array(shape, dtype), array(shape, dtype, 1), 3
            with quiet():
                expected = function(*arguments)
                for _ in range(2):  # the second call is prepared
                    assert_same(expected, compiled(*arguments), (container, values, dtype, shape))
                graph = trace(function, arguments)
                assert_same(expected, evaluate(graph, arguments))
                assert_same(expected, evaluate(simplify(graph), arguments))
            assert str(Graph.parse(str(graph))) == str(graph)


SHAPES = {
    "no axes": lambda: (np.array(2.5), np.array(3.5)),
    "NumPy's scalars": lambda: (np.float64(2.5), np.float32(3.5)),
    "an array and a scalar": lambda: (np.arange(5.0), np.float32(3.5)),
    "empty": lambda: (np.zeros((0, 3)), np.ones(3)),
    "one of them empty": lambda: (np.zeros(0), np.ones(1)),
    "broadcast": lambda: (np.arange(4.0)[:, None], np.arange(3.0)),
    "Fortran order": lambda: (np.asfortranarray(np.ones((3, 4))), np.ones((3, 4))),
    "transposed": lambda: (np.ones((2, 3, 4)).transpose(1, 2, 0), np.ones(2)),
    "reversed": lambda: (np.arange(5.0)[::-1], np.arange(10.0)[::2]),
}
# fmt: off
FUNCTIONS = {
    "sums": lambda x, y: (x + y, x - y, y * y),
    "own shapes": lambda x, y: (x + 1, y + 1, x + y),
    "where": lambda x, y: (np.where(x > y, x, y), np.full_like(x, 3), np.copy(x)),
    "casts": lambda x, y: (x.astype("i4"), (x > y, y.astype("f4")), x * 2),
    "sin and cos": lambda x, y: {"sin": np.sin(x) * 2, "cos": np.cos(x), "y": y},
    "one node for all": lambda x, y: (x / 2, x * 0.5, 0.5 * x, y * 1),
}
# fmt: on


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shapes", SHAPES)
def test_results_have_the_shapes_and_the_layouts_of_numpys(shapes, name, level):
    function, arguments = FUNCTIONS[name], SHAPES[shapes]()
    compiled = cpjit(function, isa=level)
    expected, given = opened(function(*arguments))[1], opened(compiled(*arguments))[1]
    for one, other in zip(expected, given, strict=True):
        if name == "sin and cos" and isinstance(one, np.ndarray | np.generic):
            np.testing.assert_allclose(other, one, rtol=1e-15)
            assert (type(one), one.dtype, one.shape) == (type(other), other.dtype, other.shape)
        else:
            assert_same(one, other, (shapes, name))
        if isinstance(one, np.ndarray) and one.ndim > 1 and name not in ("where",):
            assert np.argsort(one.strides).tolist() == np.argsort(other.strides).tolist()


def test_results_of_one_shape_are_computed_in_one_loop(level):
    f = cpjit(lambda x, y: (x + y, x[1:] * 2, {"a": x * y, "b": np.sqrt(x[1:])}), isa=level)
    x = np.arange(9.0)
    kernels = f.lower(x, x)
    assert isinstance(kernels, Kernels)
    assert [len(each.loop_nest.stores) for each in kernels.each] == [2, 2]
    f(x, x)
    f(x, x)
    assert f.compiled == 2
    # With one element, all have the shape of the sum.
    assert isinstance(cpjit(lambda x: (x + 1, x[:] * 2), isa=level).lower(x), Kernel)


def test_many_results_have_more_pointers_than_registers(level):
    def function(x, y):
        return [x * n + y for n in range(40)]

    x, y = array((21,), DTYPES[0]), array((5, 1), DTYPES[0])
    with quiet():
        assert_same(function(x, y), cpjit(function, isa=level)(x, y))


# -- identity -----------------------------------------------------------------------------------

X = np.arange(12.0).reshape(3, 4)


class Config(NamedTuple):
    mode: str


# Functions that return arguments: an array, a number, a NumPy scalar, a fixed argument.
# fmt: off
THE_ARGUMENT = {
    "itself": lambda x, n, s, c: (x, n, s, c),
    "conj": lambda x, n, s, c: (x.conj(), n, s, c),
    "real": lambda x, n, s, c: (x.real, n, s, c),
    "astype": lambda x, n, s, c: (x.astype(float, copy=False), n, s, c),
    "squeeze": lambda x, n, s, c: (x.squeeze(), n, s, c),
    "atleast_1d": lambda x, n, s, c: (np.atleast_1d(x), n, s, c),
}
# fmt: on


@pytest.mark.parametrize("name", THE_ARGUMENT)
def test_an_argument_comes_back_itself(name):
    function = THE_ARGUMENT[name]
    given = (X, 10**30, np.float32(2.5), Config("".join(["fa", "st"])))
    for results in (cpjit(function)(*given), function(*given)):
        assert all(one is other for one, other in zip(results, given, strict=True))
    for at in range(4):
        assert cpjit(lambda *all: function(*all)[at])(*given) is given[at]  # noqa: B023
        assert cpjit(lambda *all: [function(*all)[at]])(*given)[0] is given[at]  # noqa: B023


def test_each_call_returns_its_own_argument():
    f = cpjit(lambda x, n: (x, n))
    for n in (1, 2):
        x = np.full(3, float(n))
        assert f(x, n)[0] is x and f(x, n)[1] == n
    one, two = Config("a"), Config("a")
    assert cpjit(lambda x, c: c)(X, one) is one
    g = cpjit(lambda x, c: (c, x))
    assert g(X, one)[0] is one and g(X, two)[0] is two


# fmt: off
VIEWS = {
    "whole": lambda x: x[:],
    "rows": lambda x: x[1:],
    "a row": lambda x: x[1],
    "reversed": lambda x: x[::-1, ::2],
    "transposed": lambda x: x.T,
    "transposed to itself": lambda x: x.transpose(0, 1),
    "new axis": lambda x: x[:, None],
    "one element": lambda x: x[1, 2, ...],
    "broadcast": lambda x: np.broadcast_to(x, (2, 3, 4)),
    "broadcast to itself": lambda x: np.broadcast_to(x, (3, 4)),
    "reshaped": lambda x: x.reshape(4, 3),
    "reshaped where NumPy copies": lambda x: x.T.reshape(12),
    "raveled": lambda x: x.ravel(),
    "raveled where NumPy copies": lambda x: x[:, 1].ravel(),
    "part of what NumPy copies": lambda x: x.T.ravel()[2:],
    "swapped": lambda x: np.swapaxes(x, 0, 1),
    "flipped": lambda x: np.flip(x),
    "expanded": lambda x: np.expand_dims(x, 0),
    "views of views": lambda x: x[1:].T[::2][None],
}
# fmt: on


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_of_an_argument_is_a_view_of_it(name):
    function = VIEWS[name]
    for compiled in (cpjit(function), cpjit(lambda x: [function(x), x])):
        for x in (X.copy(), np.asfortranarray(X), np.arange(24.0).reshape(6, 4)[::2]):
            result, expected = compiled(x), function(x)
            if isinstance(result, list):
                assert result[1] is x
                result = result[0]
            assert_same(expected, result)
            assert result is not x
            assert np.shares_memory(result, x) == np.shares_memory(expected, x)
            varying = np.array(result.shape) > 1
            assert (np.array(result.strides)[varying] == np.array(expected.strides)[varying]).all()
            assert result.flags.writeable == expected.flags.writeable
            assert (result.base is None) == (expected.base is None)


def test_an_element_is_a_scalar_of_its_own():
    x = X.copy()
    f = cpjit(lambda x: (x[1, 2], x[0, 0] + 1, x[...]))
    element, _, whole = f(x)
    assert type(element) is np.float64
    x[1, 2] = -1
    assert (element, whole[1, 2]) == (6.0, -1.0)
    assert type(cpjit(lambda x: x[()])(np.array(2.5))) is np.float64


def test_one_object_is_one_object_in_the_results(level):
    def function(x):
        y, z, s = x + 1, x + 1, x[0] * 2
        return y, [y, z], z, s, s, (x, x)

    y, (again, z), last, s, same, (x, other) = cpjit(function, isa=level)(np.arange(5.0))
    assert y is again and z is last and s is same and x is other
    assert y is not z and not np.shares_memory(y, z)
    assert_same(y, z)


def test_views_of_a_result_share_its_memory(level):
    def function(x):
        y = x * 2
        z, copied = x + 1, x.copy()
        return y, y[1:], y.T, y[0, 1], z[1:][:, ::2], z[:2], copied, copied[1]

    for x in (X, np.asfortranarray(X)):
        expected, results = function(x), cpjit(function, isa=level)(x)
        assert_same(expected, results)
        for at, one in enumerate(results):
            assert not np.shares_memory(one, x)
            for before, other in enumerate(results[:at]):
                shared = np.shares_memory(expected[at], expected[before])
                assert np.shares_memory(one, other) == shared, (at, before)


def test_a_view_that_does_not_exist_is_an_error_of_numpy():
    for function in (lambda x: x[5], lambda x: (x + 1, x[:, 7])):
        with pytest.raises(IndexError, match="out of bounds"):
            cpjit(function)(X)
    f = cpjit(lambda x: (x[2], x[0] + 1))
    f(X)
    with pytest.raises(IndexError, match="index 2 is out of bounds"):
        f(X[:2])


# -- Python's values ----------------------------------------------------------------------------

CONSTANTS = {
    "None": None,
    "text": "a, (b",
    "quoted": 'it\'s "so"\\\n',
    "bytes": b"ab",
    "bool": True,
    "int": 3,
    "long int": -(2**200),
    "float": 1e300,
    "infinity": float("-inf"),
    "complex": 1 - 2j,
    "NumPy's scalar": np.float32(0.1),
    "NumPy's integer": np.int64(7),
    "a complex scalar": np.complex64(1j),
    "a dtype": np.dtype("f4"),
    "a class": np.float64,
    "a member": Colour.RED,
    "a range": range(3),
    "a function": np.sin,
    "a shape": (3, 4),
    "an empty list": [],
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_value_that_depends_on_no_argument_comes_back(name):
    value = CONSTANTS[name]
    for function in (lambda x: value, lambda x: (value, x + 1), lambda x: {"value": [value]}):
        for _ in range(2):
            assert_same(function(X), cpjit(function)(X))
        graph = trace(function, (X,))
        assert str(Graph.parse(str(graph))) == str(graph)


def test_attributes_that_are_known_come_back():
    f = cpjit(lambda x: {"shape": x.shape, "ndim": x.ndim, "dtype": x.dtype, "size": x.size})
    assert f(X) == {"shape": (3, 4), "ndim": 2, "dtype": np.dtype(float), "size": 12}
    assert f(X[1:]) == {"shape": (2, 4), "ndim": 2, "dtype": np.dtype(float), "size": 8}


# fmt: off
NUMBERS = {
    "a generator": (lambda k: k * 6364136223846793005 + 1, 2**60),
    "beyond any dtype": (lambda k: k**3 - 1, 10**40),
    "a comparison": (lambda a, b: a < b, 2, 3.5),
    "a quotient": (lambda a, b: (a / b, a // b, a % b, -a), 7, 2),
    "of bools": (lambda a: (a & True, a + a, +a, a), True),
    "a float": (lambda a: a * 2.0, 1.5),
    "with an array": (lambda x, n: (x * n, n + 1), X, 3),
    "beyond int64 with an array": (lambda x, n: (x + 1, n * 2**64), X, 3),
    "NumPy's scalar": (lambda s, n: (s + n, n + n), np.float32(1.5), 2),
    "an operator of NumPy": (lambda n: (np.add(n, 1), n + 1), 2),
}
# fmt: on


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_of_python_numbers_are_pythons(name):
    function, *arguments = NUMBERS[name]
    compiled = cpjit(function)
    for _ in range(2):
        assert_same(function(*arguments), compiled(*arguments))


def test_an_error_of_pythons_arithmetic_is_pythons():
    for function in (lambda x, n: 1 // n, lambda x, n: (x * 2, 1 // n), lambda x, n: [x, 1 // n]):
        f = cpjit(function)
        assert_same(function(X, 3), f(X, 3))
        for _ in range(2):
            with pytest.raises(ZeroDivisionError) as caught:
                f(X, 0)
            assert f"line {function.__code__.co_firstlineno}" in caught.value.__notes__[0]
    out = np.zeros((3, 4))
    with pytest.raises(ZeroDivisionError):
        cpjit(lambda x, n: (x * 2, 1 // n))(X, 0, out=(out, None))
    assert not out.any()


# -- out ----------------------------------------------------------------------------------------


def both(x):
    return x + 1, {"twice": x * 2, "rest": x[1:]}, None


def test_out_has_the_containers_of_the_results(level):
    f, x = cpjit(both, isa=level), np.arange(5.0)
    one, two, rest = np.zeros(5), np.zeros((3, 5), "f4"), np.zeros(4)
    expected = both(x)
    for out in (
        (one, {"twice": two, "rest": rest}, None),
        [one, None, None],
        (None, {"rest": rest, "twice": None}, None),
        (None, {"rest": None, "twice": two}, None),
        (None, None, None),
        (one[::-1], {"twice": None, "rest": None}, None),
    ):
        one[:], two[:], rest[:] = 0, 0, 0
        for _ in range(2):
            first, inner, none = f(x, out=out)
            assert none is None
            assert first is out[0] if out[0] is not None else first is not one
            for key, given in (out[1] or {}).items():
                assert given is None or inner[key] is given
            assert_same(expected[0], np.asarray(first).copy())
            assert np.array_equal(np.broadcast_to(expected[1]["twice"], np.shape(inner["twice"])),
                                  inner["twice"])  # fmt: skip
            assert_same(expected[1]["rest"], inner["rest"].copy())


# fmt: off
OUTS = {
    "named tuple": (lambda x: Pair(x + 1, x * 2), lambda a, b: Pair(a, b)),
    "named tuple by place": (lambda x: Pair(x + 1, x * 2), lambda a, b: (a, b)),
    "dataclass": (lambda x: Frozen(x + 1, x * 2), lambda a, b: Frozen(a, b)),
    "dataclass by name": (lambda x: Frozen(x + 1, x * 2), lambda a, b: {"value": a, "inner": b}),
    "dict": (lambda x: {"a": x + 1, "b": x * 2}, lambda a, b: {"b": b, "a": a}),
    "one value twice": (lambda x: [x + 1] * 2, lambda a, b: [a, b]),
    "a value and its view": (lambda x: (lambda y: (y, y[::-1]))(x + 1), lambda a, b: (a, b)),
    "an argument and a number": (lambda x: (x, 7), lambda a, b: (a, b)),
}
# fmt: on


@pytest.mark.parametrize("name", OUTS)
def test_out_is_filled_in_any_container(name, level):
    function, make = OUTS[name]
    x = np.arange(6.0)
    for dtypes in (("f8", "f8"), ("f4", "f8"), ("f8", "f4")):
        a, b = (np.full(6, -1, dtype) for dtype in dtypes)
        expected = opened(function(x))[1]
        for use in (cpjit(function, isa=level), cpjit(function, isa=level).bind):
            result = use(x, out=make(a, b))
            result = result if use.__class__.__name__ == "Jit" else result()
            assert type(result) is type(function(x))
            first, second = opened(result)[1]
            assert first is a and second is b
            assert np.array_equal(a, np.broadcast_to(expected[0], 6).astype(a.dtype))
            assert np.array_equal(b, np.broadcast_to(expected[1], 6).astype(b.dtype))


def test_a_single_view_or_number_is_copied_to_out():
    out = np.zeros((3, 3))
    assert cpjit(lambda x: x[:, 1:])(X, out=out) is out
    assert_same(X[:, 1:].copy(), out)
    assert cpjit(lambda x: 3)(X, out=out) is out and (out == 3).all()
    assert cpjit(lambda x, n: n + 1)(X, 5, out=out) is out and (out == 6).all()
    same = X.copy()
    assert cpjit(lambda x: x)(same, out=same) is same


def _read_only():
    out = np.zeros(5)
    out.flags.writeable = False
    return out


SHARED = np.zeros(9)
# fmt: off
WRONG_OUTS = {
    "an array for two results": (lambda: np.zeros(5), "other containers"),
    "too few": (lambda: (np.zeros(5),), "other containers"),
    "too many": (lambda: (np.zeros(5), None, None), "other containers"),
    "a dict for a tuple": (lambda: {"a": np.zeros(5), "b": None}, "other containers"),
    "deeper": (lambda: ((np.zeros(5),), None), "not a plain array"),
    "a number": (lambda: (3.0, None), "not a plain array"),
    "a shape": (lambda: (np.zeros(4), None), "wrong shape"),
    "a shape of an argument": (lambda: (None, np.zeros(4)), "wrong shape"),
    "a dtype": (lambda: (np.zeros(5, int), None), "wrong dtype"),
    "a dtype of an argument": (lambda: (None, np.zeros(5, int)), "wrong dtype"),
    "read-only": (lambda: (None, _read_only()), "read-only"),
    "one array for two": (lambda: (SHARED[:5], SHARED[4:]), "two arrays of `out` share memory"),
    "windows": (lambda: (np.lib.stride_tricks.as_strided(np.zeros(9), (3, 5), (8, 8)), None),
                "elements of `out` share memory"),
}
# fmt: on


@pytest.mark.parametrize("name", WRONG_OUTS)
def test_a_wrong_out_is_refused_and_not_written(name, level):
    make, message = WRONG_OUTS[name]
    f, x = cpjit(lambda x: (x + 1, x), isa=level), np.ones(5)
    for use in (f, f.bind):
        out = make()
        if name == "read-only" and use is not f:
            continue  # a bound call finds out when it copies
        with pytest.raises(OutError, match=message) as caught:
            use(x, out=out)
        assert caught.value.seen and caught.value.write
        arrays = [each for each in (opened(out) or ((), [out]))[1] if isinstance(each, np.ndarray)]
        assert not any(np.any(each) for each in arrays)


OVERLAPS = {
    "in place": lambda u: ((u, u + 7.0), lambda x, y: (x, y)),
    "exchanged": lambda u: ((u, u + 7.0), lambda x, y: (y, x)),
    "shifted": lambda u: ((u[1:], u[:-1]), lambda x, y: (x, None)),
    "reversed": lambda u: ((u, u.copy()), lambda x, y: (x[::-1], y)),
    "one of them": lambda u: ((u, u.copy()), lambda x, y: (None, x)),
}
# fmt: off
OVERLAPPED = {
    "one loop": lambda x, y: (x * 2 + y, x - y),
    "neighbours": lambda x, y: (x[::-1] + y, y[::-1] - x),
}
# fmt: on


@pytest.mark.parametrize("errors", ("ignore", "warn"))
@pytest.mark.parametrize("function", OVERLAPPED)
@pytest.mark.parametrize("name", OVERLAPS)
def test_outs_that_overlap_arguments(name, function, errors, level):
    function = OVERLAPPED[function]
    (x, y), choose = OVERLAPS[name](np.arange(20.0))
    expected = function(x, y)
    outs = choose(x, y)
    with np.errstate(all=errors):
        results = cpjit(function, isa=level)(x, y, out=outs)
    assert_same(expected, tuple(each.copy() for each in results))
    assert all(out is None or out is result for out, result in zip(outs, results, strict=True))


def test_an_out_that_another_loop_reads_is_written_last(level):
    f = cpjit(lambda x: (x + 1, x[1:] * 2, x), isa=level)
    x = np.arange(5.0)
    first, second, given = f(x, out=(x, None, None))
    assert first is x and given is x
    assert x.tolist() == [1, 2, 3, 4, 5] and second.tolist() == [2, 4, 6, 8]
    with pytest.raises(OutError, match="overlaps an argument"):
        f.bind(x, out=(x, None, None))


def test_errors_of_overwritten_arguments_are_those_of_the_old_values(level):
    f = cpjit(lambda x, y: (np.log(x), x * y), isa=level)
    x, y = np.array([1.0, 0.0, 2.0]), np.ones(3)
    for use in (lambda: f(x, y, out=(x, None)), f.bind(x, y, out=(x, None))):
        x[:] = 1.0, 0.0, 2.0
        with pytest.warns(RuntimeWarning, match="divide by zero encountered in log") as caught:
            use()
        assert len(caught) == 1
        assert x[1] == -np.inf


# -- floating-point errors ----------------------------------------------------------------------


def test_errors_of_all_results_are_reported_once_and_in_numpys_order(level):
    def function(x):
        y = np.log(x)
        z = 1 / x[1:]
        return y, z, np.sqrt(x - 1)

    f = cpjit(function, isa=level)
    x = np.array([0.0, 2.0, 0.0])
    seen = []
    for each in (function, f, f):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            each(x)
        seen.append([(str(w.message), w.filename, w.lineno) for w in caught])
    assert len(seen[0]) == 3
    assert seen[0] == seen[1] == seen[2]


def test_errors_of_scalars_are_reported_beside_empty_results(level):
    f = cpjit(lambda x, s: (x * (s / 0), x.T + 1), isa=level)
    with pytest.warns(RuntimeWarning, match="divide by zero") as caught:
        result = f(np.zeros((0, 2)), np.float64(1))
    assert len(caught) == 1 and [each.shape for each in result] == [(0, 2), (2, 0)]
    with pytest.warns(RuntimeWarning, match="overflow encountered in scalar add"):
        cpjit(lambda x, s: (x * 2, s + s), isa=level)(np.ones(2), np.int64(2**62))


# -- all that looks at a function ---------------------------------------------------------------


def test_numpy_evaluates_results_where_machine_code_cannot_run(monkeypatch):
    monkeypatch.setattr(memory, "mode", lambda: ("none", "for a test"))

    def function(x, n):
        y = x + n
        return y, y[1:], x, n + 1, {"empty": x[:0] * 2}

    f = cpjit(function)
    with pytest.warns(RuntimeWarning, match="is evaluated by NumPy"):
        results = f(X, 2)
    assert_same(function(X, 2), results)
    assert results[2] is X and results[1].base is results[0]
    out = np.zeros((3, 4))
    assert f(X, 2, out=(out, None, None, None, None))[0] is out
    assert_same(X + 2, out)


def test_a_function_that_falls_back_fills_out():
    f = cpjit(lambda x: (x + 1, {"eigenvalues": np.linalg.eigvals(x).real}), fallback="numpy")
    x, out = np.eye(2) * 2, np.zeros(2)
    with pytest.warns(RuntimeWarning, match="runs through NumPy"):
        first, inner = f(x, out=(None, {"eigenvalues": out}))
    assert inner["eigenvalues"] is out and out[0] == 2.0 and first[0, 0] == 3
    for given in (out, (out,), (None, {"other": out})):
        with pytest.raises(OutError):
            f(x, out=given)


def test_a_bound_call_writes_all_of_its_results(level):
    def function(x, n):
        y = x * n
        return y, [y[1:], x[::-1]], n + 1, x[2:] + 1, np.float32(2)

    x = np.arange(5.0)
    bound = cpjit(function, isa=level).bind(x, 3)
    x += 10
    results = bound()
    assert_same(function(x, 3), results)
    assert results is bound.out and results[1][0].base is results[0]
    assert np.shares_memory(results[1][1], x)
    assert len(bound.kernels) == 2 and bound.seconds["place"] > 0
    assert repr(bound) == "<bound function: 2 kernels>"
    same = cpjit(lambda x: x, isa=level).bind(x)
    assert same() is x


def test_reports_show_each_kernel():
    f = cpjit(lambda x: (x + 1, x * 2, x[1:] * 3))
    report = f.explain(np.ones(9))
    assert len(report.each) == 2
    assert report.difference == "the result is that of NumPy, bit for bit"
    assert report.timings.keys() == {"called", "bound", "NumPy"}
    text = str(report)
    assert "kernel 1 of 2" in text and "-> f64, f64" in text and "kernel 2 of 2" in text
    assert report._repr_html_().count("<p>kernel ") == 2
    assert [each["loops"] for each in report.json()["kernels"]] == [1, 1]
    one = cpjit(lambda x: {"a": x + 1, "b": [x]}).explain(np.ones(9))
    assert "return {'a': %0, 'b': [x]}" in one.text(parts=["graph"])


def test_a_benchmark_compares_the_results_leaf_by_leaf():
    def function(x):
        return {"sum": x + 1, "rest": (x[1:] * 2, None, "text"), "x": x}

    def wrong(x):
        right = function(x)
        return {**right, "rest": (right["rest"][0] + 1, None, "text")}

    peers = {"the same": function, "wrong": wrong, "another container": lambda x: [x]}
    result = cpnum.bench(cpjit(function), np.ones(9), against=peers, rounds=3, progress=False)
    by_name = {row.name: row for row in result.rows}
    for name in ("cpnum", "NumPy", "the same"):
        assert by_name[name].why == "" and by_name[name].timing is not None
        assert (by_name[name].elements, by_name[name].ulp) == (9, 0.0)
    assert by_name["wrong"].why.startswith("its result ['rest'][0] is wrong: at most")
    assert by_name["another container"].why.startswith("its result is wrong")
    assert result.work is None and str(result) and result._repr_html_()
    one_loop = cpjit(lambda x: (x + 1, x * 2))
    result = cpnum.bench(one_loop, np.ones(9), against=(), rounds=3, progress=False)
    assert (result.work.element_bytes, result.work.element_ops) == (24, 2)


def test_a_cell_shows_a_call_with_several_results(session):
    _, one, two, out, none = session(
        "import numpy as np\nfrom cpnum import cpjit\nx, z = np.ones(9), np.empty(9)",
        "%%cpjit --no-time\ndef f(x):\n    return x + 1, {'twice': x * 2}, x\nf(x);",
        "%%cpjit --no-time\ndef g(x):\n    return x + 1, x[1:] * 2\ng(x);",
        "%%cpjit --no-time\nf(x, out=(z, None, None));",
        "%%cpjit --no-time\ndef h(x):\n    return x, x[1:]\nh(x);",
    )
    assert one.texts[-1].startswith("f(x: f64[:]) -> f64, f64")
    assert "kernel 2 of 2: g(x: f64[:]) -> f64" in two.texts[-1]
    assert out.texts[-1].startswith("f(x: f64[:]) -> f64, f64")
    assert none.texts[-1].startswith("%%cpjit: h has no machine code to show: h computes no array")


def test_what_computes_no_array_has_no_kernel():
    for function in (lambda x: x, lambda x: x[1:], lambda x: (None, 3), lambda x: [x, x.T]):
        f = cpjit(function)
        for use in (f.lower, f.explain):
            with pytest.raises(UnsupportedError, match="computes no array, so it has no kernel"):
                use(X)
        assert_same(function(X), f.bind(X)())


def test_a_difference_is_that_of_a_leaf():
    x = np.ones(3)
    assert difference((x, {"a": 2**80}), (x, {"a": 2**80})).endswith("bit for bit")
    assert difference((x, {"a": x}), (x, {"a": x + 1})).startswith("result [1]['a']: at most")
    assert difference(Frozen(x, "a"), Frozen(x, "b")) == "result .inner: 'a', where NumPy has 'b'"
    assert "where NumPy has" in difference((x, x), [x, x])


def test_functions_with_several_results_are_sent_and_called_by_others():
    assert_same(both(X), pickle.loads(pickle.dumps(sent))(X))
    assert_same(both(X), copy.copy(sent)(X))
    outer = cpjit(lambda x: sent(x)[0] + sent(x)[1]["twice"])
    assert_same(X * 3 + 1, outer(X))


sent = cpjit(both)


def test_signatures_and_texts_are_those_of_any_function():
    f = cpjit(lambda x, n: (x[1:] * n, Pair(n + 1, [x, None])))
    f(X, 2)
    assert f.signatures == ["f64[:, :], int"]
    (text,) = f.inspect_ir().values()
    assert text.splitlines()[-1] == "  return (%2, Pair(left=%3, right=[x, None]))"
    assert "ret" in f.inspect_asm()["f64[:, :], int"]


REFUSED = {
    "a set": lambda x: {x.ndim},
    "an object": lambda x: object(),
    "a generator": lambda x: (each for each in [x]),
    "an array from outside": lambda x: (x, X),
    "a default dict": lambda x: __import__("collections").defaultdict(list, a=x),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_call_could_make_is_refused(name):
    with pytest.raises(CpnumError) as caught:
        cpjit(REFUSED[name])(X)
    assert caught.value.seen and caught.value.write


def test_dtypes_meet_in_one_loop(level):
    for dtype in DTYPES:
        for other in DTYPES:
            x, y = array((37,), dtype), array((37,), other)

            def function(x, y):
                return np.where(x == x, x, x), np.minimum(y, y), x == y

            with quiet():
                assert_same(
                    function(x, y), cpjit(function, isa=level)(x, y), row_name((dtype, other))
                )
