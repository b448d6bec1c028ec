"""Joined values: results that are computed tile by tile, and the functions that make them."""

import math
import warnings

import numpy as np
import pytest
from arrays import VIEWS, array
from cases import LAYOUTS, assert_same, quiet, special
from tracing import DTYPES, both, check, refused

from cpnum import OutError, UnsupportedError, cpjit
from cpnum.compile.kernel import Kernel, Kernels
from cpnum.ir.evaluate import evaluate
from cpnum.ir.graph import Graph
from cpnum.ir.nodes import Join
from cpnum.ir.simplify import simplify
from cpnum.ir.tiling import tiled
from cpnum.run import memory
from cpnum.tables.dtypes import F64, from_numpy


def sample(dtype, count=12):
    """Return special values of a dtype, as many for each."""
    return np.resize(special(from_numpy(np.dtype(dtype))), count)


def tame(dtype, count=12):
    """Return values whose sums and products have no errors."""
    return (np.arange(count) * 7 % 5).astype(dtype)


# Functions of an array of any dtype and shape with at least one axis.
# fmt: off
ANY = {
    "concatenate": lambda x: np.concatenate([x, x]),
    "concatenate made arrays": lambda x: np.concatenate((x.ravel(), np.arange(3), [2.5, 1])),
    "concatenate flat": lambda x: np.concatenate([x, x[:1]], axis=None),
    "concatenate last": lambda x: np.concatenate([x[..., :2], x, x[..., ::-1]], axis=-1),
    "concatenate dtype": lambda x: np.concatenate([x, x], dtype=np.float32),
    "concatenate casting": lambda x: np.concatenate([x, x], dtype="i4", casting="unsafe"),
    "concatenate rows": lambda x: np.concatenate(x * 2 if x.ndim > 1 else [x]),
    "append": lambda x: np.append(x, 5),
    "append a list": lambda x: np.append(x, [x.ravel()[0] if x.size else 1, 2.5]),
    "append along": lambda x: np.append(x, x[:1], axis=0),
    "prepend": lambda x: np.append(1, x),
    "hstack": lambda x: np.hstack([x, x]),
    "hstack a number": lambda x: np.hstack([2, x.ravel(), 2.5]),
    "vstack": lambda x: np.vstack([x, x]),
    "vstack of planes": lambda x: np.vstack([np.atleast_2d(x), x.reshape(1, -1)[:, :x.shape[-1]]]),
    "dstack": lambda x: np.dstack([np.atleast_3d(x), np.atleast_3d(x)]),
    "column_stack": lambda x: np.column_stack([x, x.reshape(len(x), -1)]),
    "block": lambda x: np.block([x, x]),
    "block of blocks": lambda x: np.block([[x, x[..., :1]], [np.atleast_2d(x) * 2, x[..., -1:]]]),
    "gradient": np.gradient,
    "gradient of a spacing": lambda x: np.gradient(x, 0.5, edge_order=2),
    "gradient along": lambda x: np.gradient(x, 2, axis=-1),
    "gradient of coordinates": lambda x: np.gradient(x, np.arange(x.shape[0]) * 0.5, axis=0),
    "gradient of uneven ones": lambda x: np.gradient(
        x, np.logspace(0, 2, x.shape[0]), axis=0, edge_order=2),
    "diff": lambda x: np.diff(x, prepend=0),
    "diff with both": lambda x: np.diff(x, 2, axis=0, prepend=x[:1], append=[x[0]]),
    "diff with an end": lambda x: np.diff(x, append=2.5),
    "ediff1d": lambda x: np.ediff1d(x, to_begin=[1, 2], to_end=x[:1]),
    "ediff1d with an end": lambda x: np.ediff1d(x, 3),
    "pad": lambda x: np.pad(x, 2),
    "pad with numbers": lambda x: np.pad(x, (1, 3), constant_values=(2, 0)),
    "pad with wide edges": lambda x: np.pad(x, (1, 2), "edge"),
    "pad by reflection": lambda x: np.pad(x, (3, 2), "reflect"),
    "pad by symmetry": lambda x: np.pad(x, (5, 0), mode="symmetric"),
    "pad by wrapping": lambda x: np.pad(x, (0, 5), mode="wrap"),
    "pad nothing": lambda x: np.pad(x, 0),
    "roll": lambda x: np.roll(x, 2),
    "roll along": lambda x: np.roll(x, -1, axis=0),
    "roll twice": lambda x: np.roll(x, (1, 2), axis=(0, 0)),
    "insert": lambda x: np.insert(x, 1, 5),
    "insert some": lambda x: np.insert(x, -1, x[:1] * 2, axis=0),
    "insert many": lambda x: np.insert(x, 0, [1, 2.5, 3]),
    "delete": lambda x: np.delete(x, 1),
    "delete along": lambda x: np.delete(x, -1, axis=0),
    "delete several": lambda x: np.delete(x, [0, 1]),
    "delete a slice": lambda x: np.delete(x, slice(None, None, 2), axis=-1),
}
# What is done with a joined value of at least one axis.
THEN = {
    "itself": lambda y: y,
    "number": lambda y: y * 2,
    "mask": lambda y: np.where(y > 1, y, -1 * y),
    "cast": lambda y: y.astype("f4") + 1,
    "root": lambda y: np.sqrt(y * y),
    "cut": lambda y: y[2:-1],
    "neighbours": lambda y: np.minimum(y[1:], y[:-1]),
    "backwards": lambda y: y[::-1] + y,
    "every third": lambda y: y[1::3],
    "every third from behind": lambda y: y[-2::-3],
    "some": lambda y: y[1:3],
    "first": lambda y: y[0],
    "last": lambda y: y[-1] + y,
    "new axes": lambda y: y[None, ..., None] - y[:1, ..., None],
    "transposed": lambda y: y.T,
    "repeated": lambda y: np.broadcast_to(y, (2, *y.shape)) + 1,
    "rows": lambda y: y.reshape(y.shape[0], -1, 1),
    "joined again": lambda y: np.concatenate([y, y[:2], y]),
    "padded": lambda y: np.pad(y, 1),
    "in place": lambda y: np.multiply(y, 3, out=y.copy()),
    "full like": lambda y: np.full_like(y, 3) - y,
    "masked": lambda y: np.copyto(z := y.copy(), 2, where=y > 1) or z,
    "copy": lambda y: y.copy(),
    "two": lambda y: (y, y * y),
    "views": lambda y: (y, y[1:], y.T),
    "view only": lambda y: [y[1:], y[1:]],
    "flags": lambda y: {"negative": y < 0, "size": y.size, "shape": y.shape},
}
# fmt: on
NOT_OF_BOOLEANS = {"gradient", "gradient of a spacing", "gradient along", "ediff1d"}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ANY)
def test_special_values_have_the_bits_of_numpy(name, dtype):
    if dtype == "?" and ("gradient" in name or "ediff1d" in name):
        pytest.skip("NumPy subtracts no booleans")
    both(ANY[name], sample(dtype, 72))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ANY)
def test_layouts(name, layout):
    both(ANY[name], LAYOUTS[layout](tame("f8")))


@pytest.mark.parametrize(
    "shape", [(0,), (1,), (2,), (3,), (0, 3), (3, 0), (1, 1), (3, 4), (2, 1, 3), (3, 3, 3)], ids=str
)
@pytest.mark.parametrize("name", ANY)
def test_shapes(name, shape):
    both(ANY[name], tame("f8", math.prod(shape)).reshape(shape))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ANY)
def test_views(name, view):
    both(ANY[name], VIEWS[view](array((3, 4), F64)))


@pytest.mark.parametrize("then", THEN)
@pytest.mark.parametrize(
    "name", ["concatenate", "append along", "gradient along", "pad", "roll along", "diff with both"]
)
def test_joined_values_are_computed_with(name, then):
    for shape in ((5,), (4, 3)):
        x = tame("f8", math.prod(shape)).reshape(shape)
        both(lambda x: THEN[then](ANY[name](x)), x)
        both(lambda x: THEN[then](ANY[name](x * 2 + 1)), x[::-1])


@pytest.mark.parametrize("name", ANY)
def test_graphs_have_the_value_of_numpy_and_can_be_read_back(name):
    x = tame("f8")
    if name == "concatenate rows":
        return
    graph = check(ANY[name], x)
    parts = tiled(graph)
    assert not any(isinstance(node, Join) for node in parts.nodes)
    for each in (graph, parts, simplify(parts)):
        assert_same(ANY[name](x), evaluate(each, (x,)))
        if "bytes" not in str(each):  # a held array that is not shown
            assert str(Graph.parse(str(each))) == str(each)


# Functions of two arrays, of the shapes (3, 4) and (3, 2).
TWO = {
    "side by side": lambda x, y: np.hstack([x, y]) * 2,
    "cut at several places": lambda x, y: np.hstack([x, y]) + np.hstack([y, x]),
    "cut along both axes": lambda x, y: np.concatenate([x, x]) - np.concatenate([y, y, y], 1),
    "a grid": lambda x, y: np.block([[x, y], [y + 1, x]]),
    "beside a row": lambda x, y: np.hstack([x, y]) / np.append(x[0], y[0]),
    "beside a column": lambda x, y: np.hstack([x, y]) * x[:, :1],
    "a sum of slopes": lambda x, y: sum(np.gradient(x)) + np.gradient(x, axis=1),
    "stacked": lambda x, y: np.stack([np.hstack([x, y]), np.hstack([y, x])]),
    "outer": lambda x, y: np.multiply.outer(np.append(x, y), np.append(y[0], 1)),
    "promoted": lambda x, y: np.hstack([x > 1, y.astype("i4")]) + np.float32(1),
    "divided": lambda x, y: divmod(np.hstack([x, y]), 2.5),
    "neighbours": lambda x, y: np.roll(x, 1, 0) + np.roll(x, -1, 0) + np.roll(x, 1, 1) - 3 * x,
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", TWO)
def test_two_arrays(name, view):
    both(TWO[name], VIEWS[view](tame("f8").reshape(3, 4)), tame("f8", 6).reshape(3, 2))


@pytest.mark.parametrize(
    "value", [2.5, 3, np.float64(-2.5), np.float32(0.1), np.array(2.5), np.nan], ids=repr
)
def test_numbers(value):
    x = np.arange(4.0)
    both(lambda x, t: np.append(x, t), x, value)
    both(lambda x, t: np.append(x, [t, t * 2]), x, value)
    both(lambda x, t: np.append(t, t * 2) + 1, x, value)
    both(lambda x, t: np.gradient(x * x, t), x, value)
    both(lambda x, t: np.gradient(x * x, t, edge_order=2), x, value)
    both(lambda x, t: np.pad(x, 1, constant_values=t), x, value)
    both(lambda x, t: np.diff(x, prepend=t), x, value)
    both(lambda x, t: np.insert(x, 2, t), x, value)


def test_integers_that_were_looked_at():
    x = np.arange(7.0)
    both(lambda x, n: np.roll(x, n), x, 3)
    both(lambda x, n: np.insert(x, n, 0), x, 3)
    both(lambda x, n: np.pad(x, (n, 1)), x, 3)


def test_errors_are_those_of_numpy():
    for function in (
        lambda x: np.concatenate([x, x[None]]),
        lambda x: np.concatenate([x[None], x[None, :2]]),
        lambda x: np.concatenate([x, 1.0]),
        lambda x: np.concatenate([x], axis=1),
        lambda x: np.concatenate([x, x], dtype="i4"),
        lambda x: np.vstack([x, x[:2]]),
        lambda x: np.hstack([x[None], x[None, None]]),
        lambda x: np.block([[x], x]),
        lambda x: np.block([[x], []]),
        lambda x: np.block([x, (x,)]),
        lambda x: np.gradient(x[:1]),
        lambda x: np.gradient(x, edge_order=3),
        lambda x: np.gradient(x, 1.0, 2.0),
        lambda x: np.gradient(x, [1.0, 2.0]),
        lambda x: np.diff(x, prepend=x[None]),
        lambda x: np.ediff1d(x.astype("i4"), to_end=2.5),
        lambda x: np.pad(x, 1.5),
        lambda x: np.pad(x, -1),
        lambda x: np.pad(x, (1, 2, 3)),
        lambda x: np.pad(x, 1, "no such mode"),
        lambda x: np.pad(x, 1, "edge", constant_values=1),
        lambda x: np.pad(x[:0], 1, "edge"),
        lambda x: np.delete(x, 9),
        lambda x: np.insert(x, 9, 1.0),
        lambda x: np.insert(x, 1, x[:2], axis=3),
        lambda x: np.roll(x, (1, 2), axis=((0, 0), (0, 0))),
    ):
        with pytest.raises(Exception) as expected:
            function(np.ones(3))
        with pytest.raises(type(expected.value).__mro__[-3]):
            cpjit(function)(np.ones(3))


# -- kernels ------------------------------------------------------------------------------------


def test_tiles_of_one_shape_are_computed_in_one_loop(level):
    x = np.arange(9.0)
    f = cpjit(lambda x: np.concatenate([x + 1, x * 2]), isa=level)
    assert isinstance(f.lower(x), Kernel)
    # Large ones are computed one after the other, unless they read the same array.
    x, y = np.zeros(1 << 15), np.ones(1 << 15)
    assert isinstance(cpjit(ANY["concatenate"], isa=level).lower(x), Kernel)
    assert isinstance(cpjit(lambda x, y: np.append(x, y), isa=level).lower(x, y), Kernels)
    assert isinstance(cpjit(lambda x, y: np.append(x, x - y), isa=level).lower(x, y), Kernel)
    x = x[:9]
    g = cpjit(np.gradient, isa=level)
    assert isinstance(g.lower(x), Kernels)
    assert [len(each.loop_nest.stores) for each in g.lower(x).each] == [2, 1]
    assert_same(np.gradient(x), g(x))


# Stacks of the values of two arrays of one shape.
STACKS = {
    "first": lambda x, y: np.stack([x * y, x + y]),
    "last": lambda x, y: np.stack([x, y, x * y], axis=-1) * 2,
    "a list": lambda x, y: np.array([x, y, [x, y][0] - y]),
    "rows": lambda x, y: np.array([[x, y], [x * y, x - y]]),
    "rows turned": lambda x, y: np.array([[x, -y], [y, x]]).transpose(1, 0, *range(2, 2 + x.ndim)),
    "columns": lambda x, y: np.column_stack([x.ravel(), y.ravel()]) + 1,
    "backwards": lambda x, y: np.stack([x, y, x])[::-1],
    "some": lambda x, y: np.stack([x, y, x * y, y - x])[1:3],
    "with a constant": lambda x, y: np.stack([x, np.ones_like(y), y]),
    "of several shapes": lambda x, y: np.stack([x, y]) + np.stack([x[:1], y[:1]]),
    "of slices": lambda x, y: np.stack([x[1:], y[:-1], x[1:] - x[:-1]]) * y[1:],
    "with a row": lambda x, y: np.stack([x, y]) * x + y[0],
    "interleaved": lambda x, y: np.stack([x, y], axis=-1).reshape(-1),
    "two results": lambda x, y: (np.stack([x, y]), x * y),
    "views": lambda x, y: (lambda z: (z, z[0], z.T))(np.stack([x, y])),
    "cross": lambda x, y: np.cross(np.stack([x, y, x], -1), np.stack([y, y, x], -1)),
    "a mask of its own": lambda x, y: np.where(np.array([[True], [False]]), x.ravel(), y.ravel()),
    "a mask that repeats": lambda x, y: np.where(
        np.array([[True], [False]]), x.ravel()[:1], y.ravel()
    ),
}


@pytest.mark.parametrize("name", STACKS)
def test_stacks(name, level):
    function = STACKS[name]
    compiled = cpjit(function, isa=level)
    for shape in ((7,), (1,), (0,), (2,), (3, 40), (3, 1), (1, 4), (21,)):
        for dtype in ("f8", "i4"):
            x = tame(dtype, math.prod(shape)).reshape(shape)
            y = x[::-1] * 3 - 1
            with quiet():
                try:
                    expected = function(x, y)
                except (ValueError, IndexError):
                    continue
                for _ in range(2):
                    assert_same(expected, compiled(x, y))
                if isinstance(expected, np.ndarray):
                    out = np.zeros_like(expected)
                    assert compiled(x, y, out=out) is out
                    assert_same(expected, out)
                    wide = np.zeros((2, *expected.shape))
                    assert compiled(x, y, out=wide) is wide
                    assert np.array_equal(np.broadcast_to(expected, wide.shape), wide)


def test_a_value_of_a_stack_is_computed_once(level):
    f = cpjit(lambda x, y: np.stack([np.sin(x), x * y, y]) + 1, isa=level)
    for count in (5, 9):
        x = np.arange(float(count))
        kernel = f.lower(x, x + 1)
        assert len(kernel.loop_nest.stores) == 3
        assert str(kernel.graph).count("where") == 0
        assert "at [0:1, :], %" in str(kernel.graph)
    assert f.signatures == ["f64[:], f64[:]"]


@pytest.mark.parametrize("name", TWO)
def test_levels(name, level):
    x, y = array((3, 40), F64), array((3, 21), F64)
    compiled = cpjit(TWO[name], isa=level)
    with quiet():
        if name not in ("cut along both axes", "divided"):
            for _ in range(2):
                assert_same(TWO[name](x, y), compiled(x, y))


def test_numpy_computes_where_machine_code_cannot_run(monkeypatch):
    monkeypatch.setattr(memory, "mode", lambda: ("none", "for a test"))
    x = np.arange(4.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ANY:
            with quiet():
                assert_same(ANY[name](x), cpjit(ANY[name])(x), name)


def test_the_result_lies_in_memory_as_numpys():
    x = np.arange(20.0).reshape(4, 5)
    for function in (ANY["concatenate"], ANY["gradient along"], ANY["roll along"]):
        for each in (x, x.T, np.asfortranarray(x)):
            assert cpjit(function)(each).strides == function(each).strides


def test_one_function_serves_several_shapes():
    compiled = cpjit(ANY["pad by reflection"])
    for count in (6, 4, 9, 6):
        x = tame("f8", count)
        assert_same(ANY["pad by reflection"](x), compiled(x))


def test_a_report_shows_each_kernel():
    report = cpjit(lambda x: np.append(x * 2, 1.0)).explain(np.ones(5))
    assert "kernel 2 of 2" in str(report)
    assert "tiles(" in str(cpjit(np.gradient).lower(np.arange(4.0)).graph)


# -- random expressions -------------------------------------------------------------------------

# An expression of two others, A and B, that NumPy may refuse.
# fmt: off
STEPS = """
    np.append(A, B); np.concatenate([A, B, A]); np.concatenate([A, B], axis=-1); np.hstack([A, B])
    np.pad(A, (2, 1), "edge"); np.pad(A, 1, "reflect"); np.pad(A, (0, 2), "wrap"); np.pad(A, 1)
    np.roll(A, 2, 0); np.roll(A, -1, -1); np.roll(A, 1); np.diff(A, prepend=1); np.diff(A, axis=0)
    np.gradient(A, axis=0); np.gradient(A, axis=-1); np.insert(A, 1, 5.0, axis=0); np.vstack([A, B])
    np.delete(A, [0, 2], axis=0); np.delete(A, slice(None, None, 2), axis=-1); A + B; A * B; A - B
    np.where(A > 1, B, 2.5); np.sqrt(abs(A)); np.minimum(A[1:], A[:-1]); A[::-1]; A[1:4]; A[-3:]
    A[::-2]; A[0]; A[-1]; A[..., 1:]; A[..., ::3]; A[..., None]; A.T; np.ravel(A); A.reshape(-1, 1)
    np.broadcast_to(A, (2, *A.shape)); np.stack([A, B]); np.concatenate([A, A[:2]])
"""
# fmt: on
LEAVES = ["x", "y", "x * 2.0", "y[::-1]", "x.T", "(x + y)", "x[1:]", "y[:-1]"]


def expression(random, depth):
    """Return the text of a random expression of x and y."""
    if depth <= 0:
        return str(random.choice(LEAVES))
    step = str(random.choice(STEPS.replace("\n", ";").split(";"))).strip() or "A"
    for letter in "AB":
        step = step.replace(letter, f"({expression(random, depth - 1 - random.integers(2))})")
    return step


@pytest.mark.parametrize("seed", range(8))
def test_random_expressions_have_the_values_of_numpy(seed):
    random = np.random.default_rng(seed)
    for _ in range(40):
        text = expression(random, 1 + random.integers(3))
        function = eval(f"lambda x, y: {text}")
        shape = [(5,), (6,), (3, 4), (4, 4), (1, 5)][random.integers(5)]
        x = random.integers(-4, 9, shape).astype(str(random.choice(["f8", "f4", "i8"])))
        y = random.integers(-4, 9, shape).astype("f8")
        with quiet():
            try:
                expected = function(x, y)
            except (ValueError, IndexError):
                continue
            compiled = cpjit(function, fallback="numpy")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what is refused runs through NumPy
                for _ in range(2):
                    assert_same(expected, compiled(x, y), text)
                if isinstance(expected, np.ndarray) and expected.base is None:
                    out = np.full_like(expected, 7)
                    assert compiled(x, y, out=out) is out
                    assert_same(expected, out, text)


# -- out ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["concatenate", "append along", "gradient along", "pad", "roll"])
def test_out(name, level):
    function = ANY[name]
    compiled = cpjit(function, isa=level)
    for x in (tame("f8"), tame("f8").reshape(3, 4), tame("f8").reshape(3, 4).T):
        expected = function(x)
        wide = np.zeros((*expected.shape[:-1], 2 * expected.shape[-1]))
        for out in (np.zeros_like(expected), wide[..., ::2], np.zeros(expected.shape, "f4")):
            for _ in range(2):
                assert compiled(x, out=out) is out
                np.testing.assert_array_equal(out, expected)
    for out in (np.zeros(3), np.zeros(expected.shape, "i8"), [np.zeros(3)]):
        with pytest.raises(OutError):
            compiled(x, out=out)
    out = np.zeros(expected.shape)
    out.flags.writeable = False
    with pytest.raises(OutError, match="read-only"):
        compiled(x, out=out)


def test_out_in_containers(level):
    def function(x):
        y = np.append(x, x * 2)
        return {"y": y, "rest": y[1:], "x": x + 1}, np.gradient(x)

    compiled = cpjit(function, isa=level)
    x = tame("f8", 7)
    expected = function(x)
    z, w = np.zeros(14), np.zeros(7)
    given = compiled(x, out=({"y": z, "rest": None, "x": w}, None))
    assert_same(expected, given)
    assert given[0]["y"] is z and given[0]["x"] is w


def test_out_may_be_wider():
    out = np.zeros((2, 6))
    x = np.arange(5.0)
    assert cpjit(lambda x: np.append(x, 1.0))(x, out=out) is out
    assert np.array_equal(out, np.broadcast_to(np.append(x, 1.0), (2, 6)))


@pytest.mark.parametrize("name", ["roll", "roll along", "gradient", "diff", "concatenate last"])
def test_all_is_read_before_any_is_written(name, level):
    function = ANY[name]
    for start in range(3):
        memory_of = np.arange(40.0) ** 2
        expected = function(memory_of[3:15].copy())
        x, out = memory_of[3:15], memory_of[start : start + len(expected)]
        result = cpjit(function, isa=level)(x, out=out)
        assert result is out
        assert np.array_equal(out, expected)


def test_bound_calls(level):
    x = np.arange(6.0)
    for function in (np.gradient, lambda x: (np.append(x, 1.0), x[1:]), ANY["pad by reflection"]):
        bound = cpjit(function, isa=level).bind(x)
        for _ in range(2):
            x[:] = x[::-1] + 1
            assert_same(function(x), bound())
    out = np.zeros(6)
    assert cpjit(np.gradient).bind(x, out=out)() is out
    assert np.array_equal(out, np.gradient(x))
    with pytest.raises(OutError, match="overlaps"):
        cpjit(lambda x: np.roll(x, 1)).bind(x, out=x)


# -- errors of floating-point numbers -------------------------------------------------------------

REPORTED = {
    "a quotient": lambda x: np.concatenate([x / 0, x[:2] / x[:2]]),
    "of all": lambda x: np.append(x, x * 2) / np.append(x * 0, x),
    "several operators": lambda x: np.sqrt(np.append(x - 3, 1.0)) + np.log(np.pad(x, 1)[:-1]),
    "gradient": np.gradient,
    "gradient of zero": lambda x: np.gradient(x, 0),
    "a cast": lambda x: np.concatenate([x, x * 1e300], dtype="f4"),
    "scalars": lambda x: np.append(x, x[2] * 1e308 * 10),
    "nothing": lambda x: np.append(x, 1.0) * 2,
}


def told(call, x):
    """Return what NumPy reports of a call, in order."""
    found = []
    with np.errstate(all="call", call=lambda kind, flags: found.append(kind)):
        call(x)
    with np.errstate(all="warn"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(x)
    return found, [str(each.message) for each in caught]


@pytest.mark.parametrize("name", REPORTED)
def test_errors_are_reported_as_numpy_does(name, level):
    function = REPORTED[name]
    for x in (np.arange(5.0), np.zeros(5), np.array([1e308, -1e308, np.inf, 1e308, -1e308])):
        compiled = cpjit(function, isa=level)
        with quiet():
            out = function(x)
        assert told(function, x) == told(compiled, x)
        assert told(function, x) == told(lambda x, out=out, f=compiled: f(x, out=out), x)


# -- refusals -----------------------------------------------------------------------------------

# fmt: off
REFUSED = {
    "argument out of numpy.concatenate":
        lambda x: np.concatenate([x, x], out=x.copy()),
    "joined cannot be traced: parts of a result that are computed apart":
        lambda x: np.append(x, 1.0).reshape(2, 2),
    "numpy.gradient with traced coordinates":
        lambda x: np.gradient(x, x),
    "argument mode of numpy.pad":
        lambda x: np.pad(x, 1, mode="mean"),
    "argument reflect_type of numpy.pad":
        lambda x: np.pad(x, 1, mode="reflect", reflect_type="odd"),
    "argument obj of numpy.insert":
        lambda x: np.insert(x, [0, 1], 5.0),
    "more than 64 values cannot be joined":
        lambda x: np.concatenate([x] * 65),
}
# fmt: on


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_traced_is_named(name):
    assert name in refused(UnsupportedError, REFUSED[name], np.ones(3))


def test_too_many_tiles_are_refused_at_the_line_of_the_result():
    def padded(x):
        for _ in range(4):
            x = np.pad(x, 1)
        return x + 1

    text = refused(UnsupportedError, padded, np.ones((3, 3)))
    assert "81 parts" in text and "return x + 1" in text
