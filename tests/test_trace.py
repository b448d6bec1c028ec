"""Tracing and evaluating give what the user's function gives on NumPy; or an error says why not."""

import copy
import linecache
import math
import operator
import re
import warnings
from pathlib import Path
from types import SimpleNamespace

import goldens
import numpy as np
import pytest
from cases import assert_same, special

import cpnum
from cpnum.errors import CpnumError, DTypeError, ShapeError, TraceError, UnsupportedError
from cpnum.ir.evaluate import evaluate
from cpnum.ir.simplify import simplify
from cpnum.tables.dtypes import from_numpy
from cpnum.tables.ops import OPS
from cpnum.trace.parameters import bind
from cpnum.trace.promote import row_of
from cpnum.trace.trace import is_tracing, trace

DTYPES = ("f8", "f4", "i8", "i4", "?")


def sample(dtype, shape=(72,)):
    """Return special values: by default all of them, for each dtype as many."""
    return np.resize(special(from_numpy(np.dtype(dtype))), shape)


def check(function, *arguments, **keywords):
    """Compare the graph's value, before and after simplify, with the function's on NumPy."""
    copies = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    graph = trace(function, arguments, keywords)
    _, values, _ = bind(function, arguments, keywords)
    with np.errstate(all="ignore"):
        expected = function(*copies, **keywords)
        if type(expected) in (bool, int, float):  # a result of cpnum is NumPy's
            expected = np.asarray(expected)[()]
        actual = evaluate(graph, values)
        assert_same(expected, actual)
        assert_same(expected, evaluate(simplify(graph), values))
    for before, after in zip(copies, arguments, strict=True):
        if isinstance(before, np.ndarray):
            assert before.tobytes() == after.tobytes()
    assert not any(np.shares_memory(actual, a) for a in arguments if isinstance(a, np.ndarray))
    return graph


def refused(kind, function, *arguments, **keywords):
    with pytest.raises(kind) as caught:
        trace(function, arguments, keywords)
    return str(caught.value)


def test_a_ufunc_of_another_package_is_not_taken_for_numpys():
    assert row_of(np.sqrt) is OPS["sqrt"]
    assert row_of(SimpleNamespace(__name__="sqrt")) is None
    other = np.frompyfunc(lambda x: -x, 1, 1)
    message = refused(UnsupportedError, lambda x: other(x), np.ones(3))
    assert "the ufunc <lambda> (vectorized) cannot be traced" in message


# -- operators ----------------------------------------------------------------------------------

NUMPY = [name for name, op in OPS.items() if op.home == "numpy"]
UFUNCS = [getattr(np, name) for name in NUMPY if name not in ("where", "sinc")]


@pytest.mark.parametrize("name", NUMPY)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_operator_of_the_table_has_numpys_values(name, dtype):
    function, op = getattr(np, name), OPS[name]
    operands = [np.roll(sample(dtype), 5 * i) for i in range(op.arity)]
    if name in ("left_shift", "right_shift") and np.dtype(dtype).kind == "i":
        operands[1] = operands[1] & 31
    if name == "power" and np.dtype(dtype).kind == "i":
        assert "cannot be traced" in refused(UnsupportedError, lambda *a: function(*a), *operands)
        return
    try:
        with np.errstate(all="ignore"):
            expected = function(*operands)
    except TypeError:
        assert "NumPy has no" in refused(DTypeError, lambda *a: function(*a), *operands)
        return
    if expected.dtype == np.float16 or expected.dtype == np.int8:
        assert "no stencils" in refused(DTypeError, lambda *a: function(*a), *operands)
        return
    check(lambda *a: function(*a), *operands)


PYTHON = [
    *(operator.add, operator.sub, operator.mul, operator.truediv),
    *(operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne),
    *(operator.and_, operator.or_, operator.xor, np.minimum, np.fmax, np.logical_and, np.arctan2),
]
OPERANDS = [
    *(sample(dtype) for dtype in DTYPES),
    *(np.float64(2.5), np.float32(-1.5), np.int64(3), np.int32(-2), np.bool(True)),
    *(2.5, 3, True, -0.0, 0, np.array(1.5), np.array(2, "i4")),
]


@pytest.mark.parametrize("function", PYTHON, ids=lambda function: function.__name__)
def test_operands_of_all_kinds_are_promoted_as_numpy_does(function):
    for left in OPERANDS:
        for right in OPERANDS:
            try:
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    expected = function(left, right)
            except ZeroDivisionError:
                continue
            except (TypeError, OverflowError):
                with pytest.raises((TypeError, OverflowError)):
                    trace(lambda x, y: function(x, y), (left, right))
                continue
            if np.asarray(expected).dtype.name in ("int8", "float16"):
                continue
            if type(expected) in (bool, int, float):
                expected = np.asarray(expected)[()]
            with np.errstate(all="ignore"):
                graph = trace(lambda x, y: function(x, y), (left, right))
                assert_same(expected, evaluate(graph, (left, right)))
                literal = {"x": left, "y": right}
                if not isinstance(right, np.ndarray):
                    graph = trace(lambda x: function(x, literal["y"]), (left,))  # noqa: B023
                    assert_same(expected, evaluate(graph, (left,)))
                if not isinstance(left, np.ndarray):
                    graph = trace(lambda y: function(literal["x"], y), (right,))  # noqa: B023
                    assert_same(expected, evaluate(graph, (right,)))


def test_comparison_with_an_integer_out_of_range_is_exact():
    x = sample("i4", (3, 4))
    check(lambda x: x < 2**40, x)
    check(lambda x: -(2**70) >= x.T, x)
    check(lambda x: (x == 2**70) | (x != -(2**40)), x)


def test_literals_that_overflow_float32_do_so_at_the_call():
    graph = trace(lambda x: x * 1e300, (sample("f4"),))
    with np.errstate(all="ignore"):
        assert_same(sample("f4") * 1e300, evaluate(graph, (sample("f4"),)))
    with pytest.warns(RuntimeWarning, match="overflow encountered in cast"):
        evaluate(graph, (np.ones(2, "f4"),))


EXPONENTS = [2, 2.0, 0.5, -1, -1.0, 1, 1.0, 0, 0.0, True, False]
EXPONENTS += [np.float64(2), np.float32(0.5), np.int64(2), np.int32(0), np.float64(-1), np.int32(2)]


@pytest.mark.parametrize("exponent", EXPONENTS, ids=repr)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("power", [operator.pow, np.power], ids=["operator", "function"])
def test_powers_have_numpys_bits(power, exponent, dtype):
    x = sample(dtype)
    try:
        with np.errstate(all="ignore"):
            expected = power(x, exponent)
    except ValueError as error:
        with pytest.raises(ValueError, match=str(error)):
            trace(lambda x: power(x, exponent), (x,))
        return
    if expected.dtype in (np.int8, np.float16):
        assert "no stencils" in refused(DTypeError, lambda x: power(x, exponent), x)
        return
    check(lambda x: power(x, exponent), x)
    random = np.random.default_rng(0).standard_normal(5000).astype(dtype)
    check(lambda x: power(x, exponent), random)
    check(lambda x: power(x, exponent), random[::3])
    if power is np.power or dtype in ("i8", "i4", "?"):
        check(lambda x: power(x, exponent), np.array(random[0]))


@pytest.mark.parametrize("exponent", [3, 7, 10, 64, 2**20 + 5, np.int64(5)], ids=repr)
@pytest.mark.parametrize("dtype", ["i8", "i4", "?"])
def test_powers_of_integers_wrap_as_numpys(dtype, exponent):
    x = sample(dtype)
    check(lambda x: np.power(x, exponent), x)


def test_an_integer_power_is_products():
    graph = trace(lambda x: x**5, (np.ones(3, int),))
    assert "multiply" in str(graph)
    assert "power" not in str(graph)


@pytest.mark.parametrize("power", [operator.pow, np.power], ids=["operator", "function"])
@pytest.mark.parametrize("right", [*DTYPES, 2.5, 3, True, np.float32(2.5), np.float64(3)], ids=repr)
@pytest.mark.parametrize("left", [*DTYPES, 2.5, 3, np.float32(2.5)], ids=repr)
def test_general_powers_have_numpys_dtypes_and_values(power, left, right):
    """Here they are computed by NumPy; what the row computes is in test_elementary.py."""
    operands = [sample(each) if isinstance(each, str) else each for each in (left, right)]
    arrays = [each for each in operands if isinstance(each, np.ndarray)]
    if not arrays:
        return

    def raised(*arrays):
        left_over = iter(arrays)
        return power(*(next(left_over) if isinstance(e, np.ndarray) else e for e in operands))

    try:
        with np.errstate(all="ignore"):
            expected = raised(*arrays)
    except ValueError as error:  # integers to negative powers
        assert "negative integer powers" in str(error)
        return
    if expected.dtype == np.int8:
        assert "no stencils" in refused(DTypeError, raised, *arrays)
    elif expected.dtype.kind == "i" and isinstance(operands[1], np.ndarray):
        assert "cannot be traced" in refused(UnsupportedError, raised, *arrays)
    else:
        graph = trace(raised, arrays)
        with np.errstate(all="ignore"):
            assert_same(expected, evaluate(graph, arrays))


def test_an_exponent_of_the_call_is_an_operand():
    graph = trace(lambda x, n: x**n, (np.ones(3), 2.0))
    for n in (2.0, 0.5, -1.5):
        assert_same(np.array([1.0, 4.0, 9.0]) ** n, evaluate(graph, (np.array([1.0, 4.0, 9.0]), n)))


@pytest.mark.parametrize("x", DTYPES)
@pytest.mark.parametrize("y", [*DTYPES, 1.5, 2, True, np.float32(2), 2**20], ids=repr)
def test_where_promotes_as_numpy_does(x, y):
    mask, x = sample("?"), sample(x)
    y = np.roll(sample(y), 3) if isinstance(y, str) else y
    if isinstance(y, np.ndarray):
        check(lambda m, x, y: np.where(m, x, y), mask, x, y)
        check(lambda m, x, y: np.where(x, m, y), mask, x, y)
    else:
        check(lambda m, x: np.where(m, x, y), mask, x)
        check(lambda m, x: np.where(m, y, x), mask, x)
        check(lambda m: np.where(m, y, 1), mask)
        check(lambda m, x, y: np.where(m, x, y), mask, x, y)


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "i4"])
def test_clip_takes_numpys_bounds(dtype):
    x = sample(dtype)
    check(lambda x: np.clip(x, -1, 2), x)
    check(lambda x: x.clip(0, None), x)
    check(lambda x: np.clip(x, None, 3), x)
    check(lambda x: np.clip(x, min=1, max=2.5), x)
    check(lambda x: np.clip(x, -(2**70), 5), x) if dtype in ("i8", "i4") else None
    check(lambda x, low, high: np.clip(x, low, high), x, 1.0, 2)
    check(lambda x: np.clip(x, None, None), x)
    check(lambda x: np.clip(x, x[::-1], 2), x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_clip_of_a_number_has_no_bounds_beyond_its_dtype(dtype):
    x = sample(dtype)
    check(lambda x: np.clip(-1, x, 2**63 - 1), x)
    check(lambda x: np.clip(-1, x, 2**70), x)
    check(lambda x: np.clip(np.int32(4), -(2**31), x), x)
    check(lambda x: np.clip(2.5, x, None), x)
    check(lambda x: np.clip(True, None, x), x)
    assert "no stencils for dtype object" in refused(DTypeError, lambda x: np.clip(2**70, x, 1), x)
    assert "an array that is not an argument" in refused(
        UnsupportedError, lambda x: np.clip(ONES, x, 1), x
    )


CLIPS = {
    "no bounds": lambda x: np.clip(x),
    "a_min and a_max": lambda x: np.clip(x, a_min=0, a_max=None),
    "min and max": lambda x: np.clip(x, min=None, max=1),
    "min, max and None for out": lambda x: np.clip(x, 0, 1, None),
    "one bound": lambda x: np.clip(x, 0),
    "only a_max": lambda x: np.clip(x, a_max=0),
    "the upper bound by name": lambda x: np.clip(x, 0, max=1),
    "the lower bound twice": lambda x: np.clip(x, 0, 1, min=0),
}


@pytest.mark.parametrize("name", CLIPS)
def test_clip_takes_numpys_arguments(name):
    function, x = CLIPS[name], sample("f8")
    try:
        function(x)
    except (TypeError, ValueError) as error:
        with pytest.raises(type(error), match=f"^{re.escape(str(error))}$"):
            trace(function, (x,))
    else:
        check(function, x)
    for clip in (
        lambda x, z: np.clip(x, None, 1.0, z),
        lambda x, z: np.clip(2.0, x, 1.0, z),
        lambda x, z: x.clip(None, 1.0, z),
        lambda x, z: x.clip(max=1.0, out=z),
    ):
        with pytest.raises(UnsupportedError, match=r"the argument out of .*clip cannot"):
            trace(clip, (x, x))


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("target", DTYPES)
def test_astype_converts_as_numpy_does(source, target):
    check(lambda x: x.astype(target), sample(source))


CALLS = {
    "positive": lambda x: +x,
    "absolute": lambda x: abs(-x),
    "fabs": lambda x: np.fabs(x),
    "conjugate and real part": lambda x: np.conjugate(x) + x.conj() + x.real + np.real(x),
    "true_divide": lambda x: np.true_divide(x, 3),
    "ones_like and zeros_like": lambda x: np.ones_like(x) + np.zeros_like(x, dtype="f4"),
    "full_like": lambda x: np.full_like(x, 2.5),
    "full_like of a slice": lambda x: np.full_like(x[1:], -1, dtype="i4"),
    "copy": lambda x: np.copy(x) + x.copy(),
    "astype by function": lambda x: (
        np.astype(x, np.float32) if hasattr(np, "astype") else x.astype("f4")
    ),
    "astype of a result type": lambda x: x.astype(np.result_type(x, 1.5)),
    "a Python number": lambda x: 7,
    "a NumPy scalar": lambda x: np.float32(2.5),
    "the argument": lambda x: x,
    "sum of Python": lambda x: sum([x, x * 2, 1]),
    "divmod of numbers": lambda x: divmod(3, 2)[1] * x,
    "number of axes": lambda x: x * x.ndim + np.ndim(x) if not np.iscomplexobj(x) else 0,
    "a constant of math": lambda x: math.pi * x,
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "i4"])
def test_functions_of_one_array(name, dtype):
    check(CALLS[name], sample(dtype))
    check(CALLS[name], sample(dtype, (3, 4))[::-1, 1:])


BOXES = {
    "copy by function": lambda x: np.copy(x),
    "copy": lambda x: x.copy(),
    "conj": lambda x: x.conj(),
    "conj by function": lambda x: np.conj(x),
    "astype": lambda x: x.astype("f4"),
    "astype of the same dtype": lambda x: x.astype("f8", copy=False),
    "astype by function": lambda x: np.astype(x, "f4") if hasattr(np, "astype") else x.astype("f4"),
    "clip without bounds": lambda x: np.clip(x, None, None),
    "clip above": lambda x: x.clip(1.0, None),
}


@pytest.mark.parametrize("name", BOXES)
def test_a_result_without_axes_is_a_scalar_or_an_array_as_in_numpy(name):
    function = BOXES[name]
    for x in (np.array(2.5), np.float64(2.5)):
        assert type(evaluate(trace(function, (x,)), (x,))) is type(function(x))


def test_the_real_part_of_a_python_number_is_pythons():
    for number in (2.5, 3, True):
        check(lambda x, n: x + np.real(n), sample("f4"), number)
    assert type(evaluate(trace(np.copy, (2.5,)), (2.5,))) is np.ndarray


# -- movement -----------------------------------------------------------------------------------

MOVEMENTS = {
    "all rows but the first": lambda x: x[1:],
    "the last row": lambda x: x[-1],
    "the last column": lambda x: x[..., -1],
    "the first row and an ellipsis": lambda x: x[0, ...],
    "a new first axis": lambda x: x[None],
    "a new middle axis": lambda x: x[:, None],
    "a new axis and reversed columns": lambda x: x[:, None, ::-1][1:],
    "some rows and every second column": lambda x: x[1:3, ::2],
    "a row by an integer of NumPy": lambda x: x[np.int64(1)],
    "rows backwards": lambda x: x[2:0:-1, -2:],
    "no rows": lambda x: x[:0],
    "slices of slices": lambda x: x[::-1][1:][:-1],
    "T": lambda x: x.T,
    "transpose": lambda x: x.transpose(1, 0),
    "transpose by function": lambda x: np.transpose(x, (-1, 0))[1:],
    "swapaxes by function": lambda x: np.swapaxes(x, 0, -1),
    "swapaxes": lambda x: x.swapaxes(0, 1)[0],
    "moveaxis": lambda x: np.moveaxis(x[None], 0, -1),
    "moveaxis of two axes": lambda x: np.moveaxis(x[None], [0, 1], [-1, 0]),
    "expand_dims": lambda x: np.expand_dims(x, 1),
    "expand_dims of two axes": lambda x: np.expand_dims(x, (0, -1)),
    "squeeze": lambda x: np.squeeze(x[None]),
    "squeeze of one axis": lambda x: np.squeeze(x[:, None], axis=1),
    "flip": lambda x: np.flip(x),
    "flip of one axis": lambda x: np.flip(x, 1),
    "flipud and fliplr": lambda x: np.flipud(x) + np.fliplr(x),
    "broadcast_to": lambda x: np.broadcast_to(x, (2, *x.shape)),
    "atleast_1d": lambda x: np.atleast_1d(x[0, 0]),
    "reshape by function": lambda x: np.reshape(x, (2, -1)),
    "reshape to one axis": lambda x: x.reshape(-1)[3:],
    "ravel": lambda x: x.ravel(),
    "ravel by function": lambda x: np.ravel(x)[::2],
    "a column beside the whole": lambda x: x[:, 0][:, None] + x,
    "iteration": lambda x: next(iter(x)) + x[len(x) - 1],
    "shape and size": lambda x: x[x.shape[0] // 2] * x.size + np.size(x) + np.shape(x)[0],
}


@pytest.mark.parametrize("name", MOVEMENTS)
def test_movement_of_arguments_and_of_computed_values(name):
    move = MOVEMENTS[name]
    x, y = sample("f8", (4, 6)), np.arange(24.0).reshape(6, 4).T
    check(lambda x: move(x), x)
    check(lambda x: move(x) * 2, x)
    check(lambda x: move(x * 2), x)
    check(lambda x, y: move(x + y), x, y)
    check(lambda x, y: move(move(x + y)) if move(y).shape == y.shape else move(y), y, y + 1)
    check(lambda x: move(x), np.zeros((4, 6), "i4")[::-1])


BROADCASTS = [(4, 6), (1, 6), (4, 1), (1, 1), (6,), (1,), ()]


@pytest.mark.parametrize("shape", BROADCASTS, ids=str)
def test_movement_of_a_computed_value_respects_broadcasting(shape):
    x, y = np.arange(24.0).reshape(4, 6), np.arange(100.0, 200.0)[: math.prod(shape)].reshape(shape)
    for move in MOVEMENTS.values():
        if "reshape" in move.__code__.co_names or "ravel" in move.__code__.co_names:
            continue
        check(lambda x, y: move(x * 2 + y), x, y)  # noqa: B023
        check(lambda x, y: move(np.where(y > 3, np.ones_like(x), 0.5) + y), x, y)  # noqa: B023


# What NumPy says of axes that there are none of, and twice; `n` is traced.
WRONG_AXES = {
    "flip of an axis twice": lambda x, n: np.flip(x, (0, 0)),
    "flip of an axis too many": lambda x, n: np.flip(x, 2),
    "flip of a fraction": lambda x, n: np.flip(x, 1.5),
    "squeeze of an axis too many": lambda x, n: x.squeeze(7),
    "squeeze of a longer axis": lambda x, n: x.squeeze(0),
    "squeeze of an axis twice": lambda x, n: x[:1].squeeze((0, 0)),
    "swapaxes of an axis too many": lambda x, n: x.swapaxes(0, 5),
    "expand_dims twice at one place": lambda x, n: np.expand_dims(x, (0, 0)),
    "expand_dims before the first": lambda x, n: np.expand_dims(x, -4),
    "transpose before the first": lambda x, n: x.transpose(-3, 0),
    "transpose of an axis twice": lambda x, n: x.transpose(0, 0),
    "transpose of no axes": lambda x, n: np.transpose(x, ()),
    "moveaxis of an axis twice": lambda x, n: np.moveaxis(x, (0, 0), (0, 1)),
    "moveaxis to an axis too many": lambda x, n: np.moveaxis(x, 0, 2),
    "reshape that leaves a rest": lambda x, n: x.reshape(5, -1),
}
TRACED_AXES = {
    "swapaxes": lambda x, n: x.swapaxes(0, n),
    "transpose": lambda x, n: x.transpose(0, n),
    "squeeze": lambda x, n: x.squeeze(n),
    "flip": lambda x, n: np.flip(x, n),
    "expand_dims": lambda x, n: np.expand_dims(x, n),
    "moveaxis": lambda x, n: np.moveaxis(x, n, 0),
}


@pytest.mark.parametrize("name", WRONG_AXES)
def test_wrong_axes_have_numpys_errors(name):
    move, x = WRONG_AXES[name], np.ones((4, 6))
    with pytest.raises((ValueError, TypeError)) as expected:
        move(x, 1)
    with pytest.raises(type(expected.value)) as caught:
        trace(move, (x, 1))
    assert expected.value.args == caught.value.args or isinstance(caught.value, TypeError)


@pytest.mark.parametrize("name", TRACED_AXES)
def test_traced_axes_are_refused(name):
    message = refused(TraceError, TRACED_AXES[name], np.ones((4, 1)), 1)
    assert "an index or a range() needs a value, but n is" in message


def test_a_scalar_is_broadcast_to_more_elements():
    filled = cpnum.cpjit(lambda x, y: np.broadcast_to(x, (5,)) + y)
    assert_same(np.full(5, 4.0), filled(np.array(2.5), np.full(5, 1.5)))


def test_a_function_of_scalars_only_may_look_at_their_shape():
    assert 6.0 == cpnum.cpjit(lambda x: (x[None] * x.size).ravel()[0] * 3)(np.float64(2.0))


def test_an_extent_that_is_squeezed_is_checked_at_each_call():
    assert not trace(lambda x: (x * x[:, None]).squeeze(), (np.ones((1, 6)),)).shape_observed
    first_row = cpnum.cpjit(lambda x: x[1:].squeeze(0))
    assert np.array_equal(np.ones(6), first_row(np.ones((2, 6))))
    with pytest.raises(ValueError, match="size not equal to one"):
        first_row(np.ones((3, 6)))


def test_an_input_without_the_axis_that_is_indexed_stays_as_it_is():
    graph = trace(lambda x, y: (x + y)[1:, None], (np.ones((4, 3)), np.ones(3)))
    assert "add %0 y" in str(graph)


def test_a_graph_serves_other_shapes_unless_shapes_were_observed():
    def stencil(u, v):
        flux = v * (u[1:] - u[:-1])
        return (flux[1:] - flux[:-1])[::-1]

    u, v = np.arange(10.0) ** 2, np.array([3.0])
    graph = check(stencil, u, v)
    assert not graph.shape_observed
    for extent in (2, 3, 4, 50):
        assert_same(stencil(u[:1].repeat(extent), v), evaluate(graph, (u[:1].repeat(extent), v)))
    # What is 1 after slicing is not in the signature.
    assert trace(lambda u, v: (u[1:] + v)[1:], (u, u[1:])).shape_observed
    for observe in (lambda x: x * len(x), lambda x: x / x.size, lambda x: x + x.shape[0]):
        assert trace(observe, (u,)).shape_observed


# -- scalars ------------------------------------------------------------------------------------


def test_arithmetic_of_python_scalars_is_pythons():
    x = sample("f8")
    check(lambda x, n: x * ((n * 10**30) // 10**30), x, 7)
    check(lambda x, n, m: x * (n // m + n % m - n**2) + (n < m), x, 7, 2)
    check(lambda x, n: x * n**-1 + n**2, x, 4)
    check(lambda x, a: x * (-a + abs(a) / 2 - a**0.5) * (2 / a), x, 3.5)
    check(lambda x, n: np.where((n & 6) == 4, x, n << 2 | 1), x, 5)
    check(lambda x, flag: x * (flag + 1), x, True)
    check(lambda a: a + 1, 2.5)
    check(lambda n: n * 3, 2)
    check(lambda flag: flag ^ True, True)
    check(lambda a: np.sqrt(a) * 2, 2)
    check(lambda a, b: np.add(a, b), True, 2.5)
    check(lambda a, s: a * s + np.float32(2), 2.5, np.float32(1.1))
    check(lambda s: (s + 1) * s, np.int32(5))


def test_python_scalars_raise_what_python_raises():
    graph = trace(lambda x, n: x * (1 // n), (np.ones(2), 3))
    with pytest.raises(ZeroDivisionError):
        evaluate(graph, (np.ones(2), 0))
    with pytest.raises(OverflowError, match="Python integer 1099511627776 out of bounds for int32"):
        evaluate(trace(lambda x, n: x + n, (np.ones(2, "i4"), 3)), (np.ones(2, "i4"), 2**40))
    graph = trace(lambda x, a: x * a**0.5, (np.ones(2), 2.0))
    with pytest.raises(DTypeError, match="a Python scalar was computed that is not a float"):
        evaluate(graph, (np.ones(2), -2.0))


def test_a_power_of_a_scalar_has_the_special_values_of_pow():
    roots = trace(lambda x: x**0.5, (np.float64(1),))
    for x in (4.0, 0.0, -0.0, np.inf, -np.inf):
        expected = np.float64(x) ** 0.5
        assert expected.tobytes() == evaluate(roots, (np.float64(x),), warn=False).tobytes()
    square = trace(lambda x: x**2, (np.float64(1),))
    assert 9.0 == evaluate(square, (np.float64(-3),))


WITHOUT_AXES = [
    lambda x: np.ones_like(x),
    lambda x: np.full_like(x, 2.5),
    lambda x: np.copy(x),
    lambda x: np.where(True, x, 0.0),
    lambda x: np.transpose(x),
    lambda x: np.squeeze(x),
    lambda x: np.squeeze(x, 0),
    lambda x: np.moveaxis(x, (), ()),
    lambda x: np.broadcast_to(x, ()),
    lambda x: np.flip(x),
    lambda x: np.clip(x, None, None),
    lambda x: np.clip(x, 0, 1),
]
METHODS_WITHOUT_AXES = [
    lambda x: x.T,
    lambda x: x.squeeze(),
    lambda x: x.real,
    lambda x: x.copy(),
    lambda x: x.astype("f4"),
    lambda x: x.clip(None, None),
    lambda x: x[()],
    lambda x: x[...],
    lambda x: x**0.5,
]


@pytest.mark.parametrize("computed", [False, True], ids=["argument", "computed"])
@pytest.mark.parametrize("x", [np.array(2.0), np.float64(2.0), 2.0], ids=repr)
def test_a_result_without_axes_is_an_array_or_a_scalar_as_numpys(x, computed):
    methods = METHODS_WITHOUT_AXES if type(x) is not float else []
    for function in (*WITHOUT_AXES, *methods):

        def whole(x, function=function):
            return function(x * 1.5 if computed else x)

        expected, actual = whole(x), cpnum.cpjit(whole)(x)
        assert type(expected) is type(actual), function.__code__.co_names
        assert_same(expected, actual)


def test_the_real_part_of_a_python_scalar_is_one():
    x = sample("f4")
    check(lambda x, a: x * np.real(a) + a.real, x, 2.5)
    check(lambda x, n: x.astype("i4") + n.real, x, True)


def test_keywords_defaults_and_static_arguments():
    def f(x, *rest, scale=2.0, mode="up", **others):
        result = x * scale if mode == "up" else x / scale
        for each in (*rest, *others.values()):
            result = result + each
        return result

    x = sample("f8")
    graph = check(f, x)
    assert ("x",) == graph.parameters
    graph = check(f, x, x[::-1], 3, scale=x, mode="down", extra=2)
    assert ("x", "rest0", "rest1", "scale", "mode", "extra") == graph.parameters
    assert ("f64[:]", "f64[:]", "int", "f64[:]", "'down'", "int") == graph.types
    check(np.add, x, 2)
    check(lambda x, shape: np.broadcast_to(x, shape), x, (2, 72))


# -- assignment in place ------------------------------------------------------------------------


def test_operations_in_place_are_seen_through_all_names():
    def f(x, s):
        y = x * 2
        z = y
        y += x
        y *= 3
        z -= 1
        t = y[0] if False else s
        u = t
        t += 1
        return y + z + t - u

    check(f, sample("f8"), np.float64(2))
    check(f, sample("f4"), 2.5)

    def g(x):
        y = x.copy()
        y += 2.5
        y /= 2
        y **= 2
        s = x[0]
        s += 1
        return y * s

    check(g, sample("f4"))


def test_astype_without_a_copy_is_another_name():
    def f(x):
        y = x * 2
        z = y.astype(y.dtype, copy=False)
        z += 1
        return y

    check(f, sample("f8"))
    with pytest.raises(UnsupportedError, match="would write to an argument"):
        trace(lambda x: x.astype("f8", copy=False).__iadd__(1), (sample("f8"),))


ALIASES = {
    "conj": lambda y: y.conj(),
    "conjugate": lambda y: y.conjugate(),
    "astype without a copy": lambda y: y.astype("f8", copy=False),
    "astype without a copy by function": lambda y: (
        np.astype(y, "f8", copy=False) if hasattr(np, "astype") else y
    ),
    "conjugate by function": lambda y: np.conjugate(y),
    "astype": lambda y: y.astype("f8"),
    "astype of another dtype": lambda y: y.astype("f4", copy=False),
    "clip without bounds": lambda y: np.clip(y, None, None),
}


@pytest.mark.parametrize("name", ALIASES)
def test_an_operation_in_place_is_seen_through_what_is_the_array_itself(name):
    alias = ALIASES[name]

    def of_a_result(x):
        y = x * 2
        z = alias(y)
        z += 1
        return y * z

    def of_an_argument(x):
        y = alias(x)
        y += 1
        return x * y

    x = np.arange(3.0)
    check(of_a_result, x)
    if alias(x) is x:
        with pytest.raises(UnsupportedError, match="would write to an argument"):
            trace(of_an_argument, (x,))
        with pytest.raises(UnsupportedError, match="depends on the layout"):
            trace(lambda x: x.astype("f8", order="F", copy=False), (x,))
    else:
        check(of_an_argument, x)


# -- errors -------------------------------------------------------------------------------------


def add_in_place(x, y):
    x += y
    return x


def overwrite_view(x):
    y = x * 2
    v = y[1:]
    y += 1
    return v


def overwrite_through_view(x):
    y = (x * 2)[1:]
    y += 1
    return y


def overwrite_with_float(x):
    y = x * 2
    y += 0.5
    return y


def grow(x):
    y = x * 2
    y += x[:, None]
    return y


def relu(x):
    positive = x > 0
    if positive:
        return x
    return 0 * x


def assign_element(x):
    x[0] = 1
    return x


ONES, INTS, BOOLS = np.ones(3), np.ones(3, "i4"), np.ones(3, "?")
STRAY = []
trace(lambda x: STRAY.append(x) or x, (ONES,))

# fmt: off
CASES = {
    "if_statement": (TraceError, relu, (ONES,)),
    "conditional_expression": (TraceError, lambda x: x if x > 0 else -x, (ONES,)),
    "not_operator": (TraceError, lambda x: not x, (2.5,)),
    "math_function": (TraceError, lambda x: x * math.sin(x), (2.5,)),
    "int_call": (TraceError, lambda x: int(x), (ONES,)),
    "complex_call": (TraceError, lambda x: complex(x), (ONES,)),
    "traced_range": (TraceError, lambda x, n: sum(x[i] for i in range(n)), (ONES, 3)),
    "traced_index": (TraceError, lambda x, n: x[n], (ONES, 1)),
    "traced_slice": (TraceError, lambda x, n: x[:n], (ONES, 1)),
    "index_that_is_an_array": (TraceError, lambda x: x[x], (INTS,)),
    "in_operator": (TraceError, lambda x: 3 in x, (ONES,)),
    "conversion": (TraceError, lambda x: np.asarray(x), (ONES,)),
    "no_result": (TraceError, lambda x: None, (ONES,)),
    "result_that_is_text": (TraceError, lambda x: "text", (ONES,)),
    "operand_of_another_trace": (TraceError, lambda x: x + STRAY[0], (ONES,)),
    "result_of_another_trace": (TraceError, lambda x: STRAY[0], (ONES,)),
    "shapes_that_do_not_broadcast": (ShapeError, lambda x, y: x + y, (ONES, np.ones((4, 4)))),
    "in_place_with_another_shape": (ShapeError, grow, (ONES,)),
    "subtract_of_booleans": (DTypeError, lambda x: x - x, (BOOLS,)),
    "negative_of_booleans": (DTypeError, lambda x: -x, (BOOLS,)),
    "positive_of_booleans": (DTypeError, lambda x: +x, (BOOLS,)),
    "sign_of_booleans": (DTypeError, lambda x: np.sign(x), (BOOLS,)),
    "shift_of_floats": (DTypeError, lambda x: x << 1, (ONES,)),
    "root_of_booleans": (DTypeError, lambda x: np.sqrt(x), (BOOLS,)),
    "constant_that_is_complex": (DTypeError, lambda x: x * 1j, (ONES,)),
    "constant_without_stencils": (DTypeError, lambda x: x + np.uint8(1), (ONES,)),
    "cast_without_stencils": (DTypeError, lambda x: x.astype("f2"), (ONES,)),
    "in_place_with_another_dtype": (DTypeError, overwrite_with_float, (INTS,)),
    "argument_that_is_a_complex_array": (DTypeError, lambda x: x, (np.ones(2, "c16"),)),
    "argument_of_bytes_in_other_order": (DTypeError, lambda x: x, (np.ones(2, ">f8"),)),
    "argument_that_is_a_complex_number": (DTypeError, lambda x: x, (2j,)),
    "argument_that_is_a_list": (UnsupportedError, lambda x: x, ([1, 2],)),
    "argument_that_is_masked": (UnsupportedError, lambda x: x, (np.ma.masked_array([1.0]),)),
    "several_results": (UnsupportedError, lambda x: (x, x), (ONES,)),
    "result_from_outside": (UnsupportedError, lambda x: ONES, (ONES,)),
    "operand_from_outside": (UnsupportedError, lambda x: x + ONES, (ONES,)),
    "operand_that_is_a_list": (UnsupportedError, lambda x: x + [1], (ONES,)),  # noqa: RUF005
    "ufunc_without_a_row": (UnsupportedError, lambda x: np.spacing(x), (ONES,)),
    "linear_algebra": (UnsupportedError, lambda x: np.linalg.inv(x), (np.eye(2),)),
    "reduction": (UnsupportedError, lambda x: np.sum(x), (ONES,)),
    "reduction_method": (UnsupportedError, lambda x: x.mean(), (ONES,)),
    "reduction_of_a_ufunc": (UnsupportedError, lambda x: np.add.reduce(x), (ONES,)),
    "outer_product": (UnsupportedError, lambda x: np.add.outer(x, x), (ONES,)),
    "method_that_is_unknown": (UnsupportedError, lambda x: x.tobytes(), (ONES,)),
    "out_of_a_ufunc": (UnsupportedError, lambda x: np.add(x, x, out=np.ones(3)), (ONES,)),
    "where_of_a_ufunc": (UnsupportedError, lambda x: np.add(x, x, where=x > 0), (ONES,)),
    "casting_of_a_ufunc": (UnsupportedError, lambda x: np.add(x, x, casting="no"), (ONES,)),
    "dtype_of_a_ufunc": (UnsupportedError, lambda x: np.add(x, x, dtype="f4"), (ONES,)),
    "out_of_clip": (UnsupportedError, lambda x: np.clip(x, 0, 1, out=ONES), (ONES,)),
    "where_with_one_argument": (UnsupportedError, lambda x: np.where(x > 0), (ONES,)),
    "index_that_is_a_list": (UnsupportedError, lambda x: x[[0, 1]], (ONES,)),
    "index_of_booleans": (UnsupportedError, lambda x: x[BOOLS], (ONES,)),
    "reshape_of_what_is_broadcast": (UnsupportedError, lambda x: (x + x[:, None]).ravel(), (ONES,)),
    "new_axis_of_a_computed_number": (UnsupportedError, lambda a: np.sqrt(a)[None], (2.5,)),
    "reshape_in_fortran_order": (UnsupportedError, lambda x: x.reshape(3, 1, order="F"), (ONES,)),
    "power_of_traced_integers": (UnsupportedError, lambda x: x ** x, (INTS,)),
    "constant_to_a_traced_integer": (UnsupportedError, lambda x: 2 ** x, (INTS,)),
    "constant_to_a_python_integer": (UnsupportedError, lambda n: 2 ** n, (3,)),
    "assignment_to_elements": (UnsupportedError, assign_element, (ONES,)),
    "in_place_on_an_argument": (UnsupportedError, add_in_place, (ONES, ONES)),
    "in_place_with_a_view_of_it": (UnsupportedError, overwrite_view, (ONES,)),
    "in_place_through_a_view": (UnsupportedError, overwrite_through_view, (ONES,)),
}
# fmt: on


@pytest.mark.parametrize("name", CASES)
def test_errors_say_what_was_seen_and_what_to_write(name):
    kind, function, arguments = CASES[name]
    with pytest.raises(kind) as caught:
        trace(function, arguments)
    error = caught.value
    # The line of the user's code is checked apart: it moves when this file changes.
    text = str(CpnumError(error.message, seen=error.seen, write=error.write))
    goldens.compare_message("trace_errors.txt", name, text)
    if error.where is not None:
        file, line, source = re.fullmatch(r"(.*), line (\d+):  (.*)", error.where).groups()
        assert file == Path(__file__).name
        assert source == linecache.getline(__file__, int(line)).strip()
        first = function.__code__.co_firstlineno
        assert first <= int(line) <= first + 4


def test_every_stored_message_is_one_of_a_case():
    goldens.compare_names("trace_errors.txt", CASES)


def test_errors_of_ufuncs_and_of_the_users_function():
    assert "numpy.spacing cannot be traced" in refused(UnsupportedError, np.spacing, ONES)
    assert "the argument out" in refused(UnsupportedError, np.sqrt, ONES, out=ONES)
    with pytest.raises(KeyError, match="mine"):
        trace(lambda x: {}["mine"], (ONES,))
    with pytest.raises(IndexError, match="index 5 is out of bounds for axis 0 with size 3"):
        trace(lambda x: x[5], (ONES,))
    with pytest.raises(IndexError, match="too many indices for array: array is 1-dimensional"):
        trace(lambda x: x[0, 0], (ONES,))
    with pytest.raises(ValueError, match="Integers to negative integer powers"):
        trace(lambda x: x**-1, (INTS,))
    with pytest.raises(AttributeError, match=r"'numpy\.ndarray' object has no attribute 'shap'"):
        trace(lambda x: x.shap, (ONES,))
    with pytest.raises(TypeError, match="unhashable"):
        trace(lambda x: {x: 1}, (ONES,))


# -- the rest -----------------------------------------------------------------------------------


def test_a_package_with_a_longer_name_is_the_users():
    source = "def f(x):\n    y = x + 1\n    return np.sqrt(y * np.sin(x))"
    filename = f"{Path(cpnum.__file__).parent}_of_a_user/module.py"
    scope = {"np": np}
    exec(compile(source, filename, "exec"), scope)
    graph = trace(scope["f"], (ONES,))
    assert {(filename, 2), (filename, 3)} == set(graph.locations.values())


def test_lines_of_nodes_are_the_users():
    def f(x):
        y = x * 2
        return np.sqrt(y) + 1

    graph = trace(f, (ONES,))
    first = f.__code__.co_firstlineno
    places = {node.op.name: place for node, place in graph.locations.items() if place}
    assert places["multiply"] == (__file__, first + 1)
    assert places["sqrt"] == (__file__, first + 2)
    assert graph.locations.keys() <= set(graph.nodes)


def test_views_of_views_are_as_many_as_there_are():
    def smoothed(x):
        for _ in range(12):
            x = x[1:] * 0.5 + x[:-1]
        return x

    graph = check(smoothed, np.linspace(0, 1, 20))
    assert 13 == len(graph.inputs)
    x = np.arange(60.0).reshape(5, 12)
    for function in (
        lambda x: x[1:, 2:][:-1] - x[:-1, :-2][1:],
        lambda x: x[1:-1, 3:][1:, :-4][:1],
        lambda x: x[2:][::2] - x[:-2][::2],
        lambda x: x[1:, None][:-1],
        lambda x: x[1:][-2:],
        lambda x: x[3:][:-4],
    ):
        check(function, x)


def test_copies_of_traced_values():
    def copied(x, n):
        y = copy.copy(x)
        y += copy.deepcopy(n)
        z = copy.deepcopy({"y": y})["y"]
        z *= 2.0
        return y - z + copy.copy(n)

    check(copied, np.arange(3.0), 2.5)


def test_a_call_with_tracers_is_recognized():
    seen = []
    trace(
        lambda x, n: seen.append((is_tracing((1, x)), is_tracing([n]), is_tracing((1,)))) or x,
        (ONES, 2),
    )
    assert seen == [(True, True, False)]


def polynomial(coefficients):
    def horner(x):
        p = x
        for c in coefficients:
            p = p * x + c
        return p

    return horner


def test_ten_thousand_operations():
    graph = check(polynomial([i / 7 for i in range(5000)]), np.array([0.5, -0.25]))
    assert len(graph.nodes) == 15001
    assert str(graph).count("\n") == 10001

    def slices(x):
        y = x
        for _ in range(2000):
            y = np.sqrt(y + 1)
        return y[1:] * np.ones_like(y)[0]

    check(slices, np.ones(3))
