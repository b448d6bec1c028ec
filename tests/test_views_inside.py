"""Views that are taken inside of a function, and shapes that it needs but does not show."""

import functools
import itertools
import random

import numpy as np
import pytest
from arrays import array, in_memory
from cases import assert_same, bits, quiet

from cpnum import ShapeError, UnsupportedError, cpjit
from cpnum.ir.movement import Index, Transpose, joined
from cpnum.trace import writing
from cpnum.trace.trace import trace

# fmt: off
INSIDE = {
    "five points": lambda u: u[1:-1, 2:] - u[1:-1, :-2] + u[2:, 1:-1] - u[:-2, 1:-1],
    "difference": lambda u: u[1:] - u[:-1],
    "reversed": lambda u: u - u[::-1],
    "reversed columns": lambda u: u * 2.0 + u[:, ::-1],
    "every third": lambda u: u[::3, 1::3] * u[::3, :-1:3],
    "negative step": lambda u: u[8:2:-2] + u[1:7:2],
    "an element": lambda u: u * u[0, 0],
    "a row": lambda u: u - u[3],
    "a column": lambda u: u - u[:, 4][:, None],
    "row and column": lambda u: u[0] * u[:, 0][:, None],
    "transposed": lambda u: u[:, :9].T + u[:, :9],
    "new axes": lambda u: u[0][None, :] - u[1][:, None],
    "of a sum": lambda u: (u + u[:, ::-1])[2:, 1:] * 3.0,
    "of a broadcast sum": lambda u: (u[:, :1] + u[0])[1:, ::-2],
    "ellipsis": lambda u: u[..., 1:] - u[..., :-1],
    "reshaped": lambda u: u.reshape(3, -1) * 2.0,
    "raveled": lambda u: u.ravel() - u.ravel()[::-1],
    "broadcast": lambda u: np.broadcast_to(u[0], (4, 11)) + u[1:5],
    "squeezed": lambda u: u[:1].squeeze() + u[2],
    "flipped": lambda u: np.flip(u) - np.fliplr(u) * np.flipud(u),
    "moved axis": lambda u: np.moveaxis(u, 0, 1) * 2.0,
}
# fmt: on


@pytest.mark.parametrize("name", INSIDE)
def test_views_are_taken_inside_of_the_function(name, level):
    function = INSIDE[name]
    compiled = cpjit(lambda u: function(u), isa=level)
    u = array((9, 11))
    with quiet():
        for view in (u, np.repeat(u, 2, 1)[:, ::2], u[::-1], np.asfortranarray(u)):
            expected, actual = function(view), compiled(view)
            assert_same(expected, actual, name)
            assert in_memory(expected) == in_memory(actual), name


def test_a_view_inside_copies_nothing(level):
    """A bound call has the addresses of the views in its code: it sees what the array becomes."""
    compiled = cpjit(lambda u: u[1:-1, 2:] - u[1:-1, :-2], isa=level)
    u = np.random.default_rng(1).normal(size=(40, 50))
    bound = compiled.bind(u)
    first = bound().copy()
    u *= 3.0
    assert_same(u[1:-1, 2:] - u[1:-1, :-2], bound())
    assert np.any(bits(first) != bits(bound()))


def test_a_reshape_that_copies_is_read_while_the_copy_lives(level):
    def function(x, y):
        return x.T.ravel() - y.T.ravel()

    x = np.arange(360_000.0).reshape(600, 600)
    compiled = cpjit(function, isa=level)
    for shape in ((7, 5), (60, 60), (600, 600)):
        part = x[: shape[0], : shape[1]]
        assert_same(function(part, part + 10), compiled(part, part + 10))
    with pytest.raises(UnsupportedError, match="NumPy copies an argument") as refused:
        compiled.bind(x, x)
    assert refused.value.seen == "x.T.ravel()"


def add_then_take(x, y):
    return (x + y)[:2]


def row_of_a_sum(x, y):
    return (x + y)[0] if x.ndim == 2 else x


def difference_of_products(x, y):
    return (x * y)[:3] - (x * y)[1:4]


def choose_the_last(x, y):
    return np.where(x > 0, x, y)[-1]


def in_place_then_take(x, y):
    total = x * 1.0
    total += y
    return total[1:]


def shape_only(x, y):
    return ((x + y) ** 0)[0]


def element_not_needed(x, y):
    return (y[5:][0], x * 2.0)[1]


def broadcast_not_needed(x, y):
    return (np.broadcast_to(y, (5,)), x * 2.0)[1]


def not_needed(x, y):
    total = x + y
    return x * 2.0 if total is not None else y


@pytest.mark.parametrize(
    "function",
    [
        add_then_take, row_of_a_sum, difference_of_products, choose_the_last, in_place_then_take,
        shape_only, not_needed,
    ],
    ids=lambda f: f.__name__,
)  # fmt: skip
def test_shapes_must_broadcast_where_the_result_does_not_show_it(function, level):
    compiled = cpjit(function, isa=level)
    shape = (5, 3) if function is row_of_a_sum else (5,)
    for first, second in ((5, 5), (7, 7)):
        x, y = np.ones((first, *shape[1:])), np.ones((second, *shape[1:]))
        assert_same(function(x, y), compiled(x, y))
    assert len(compiled.signatures) == 1
    with pytest.raises(ShapeError, match=r"test_views_inside\.py, line"):
        compiled(np.ones((5, *shape[1:])), np.ones((7, *shape[1:])))


def test_a_function_that_looks_at_shapes_serves_each_shape(level):
    compiled = cpjit(lambda x: x / x.size, isa=level)
    for extent in (3, 4, 3, 5, 1, 4):
        assert_same(np.full(extent, 1 / extent), compiled(np.ones(extent)), extent)
    assert len(compiled.signatures) == 4


def repeat(step, times):
    """Return the function that does a step so often."""

    def repeated(u, *others):
        for _ in range(times):
            u = step(u, *others)
        return u

    return repeated


# fmt: off
STEPS = {
    "stencil": lambda u: u[1:] + u[:-1],
    "stencil of two axes": lambda u: u[1:-1, 2:] - u[1:-1, :-2] + u[2:, 1:-1] * u[:-2, 1:-1],
    "cut and flipped": lambda u: u[1:, ::-1] - u[::-1][:-1] * 0.5,
    "flips and transposes": lambda u: (u[::-1] + u[:, ::-1] + u.T) / 3,
    "transposed, then cut": lambda u: u.T[1:, :-1] - u[::-1, 1:][1:],
    "steps of two": lambda u: u[::-2][::-1] - u[::2][:, ::-1] * 0.5,
    "rows": lambda u: (u - u[0])[::-1] * u[-1][::-1],
    "new axes": lambda u: u[:, None][1:, 0] - (u[None] * 0.5)[0, :-1],
    "masks": lambda u: np.where(u[::-1] > u.T, np.ones_like(u[::-1]), u.T[::-1]),
}
# fmt: on


@pytest.mark.parametrize("times", [1, 2, 3, 4])
@pytest.mark.parametrize("name", STEPS)
def test_views_of_views_are_right_for_each_shape(name, times):
    function = repeat(STEPS[name], times)
    compiled = cpjit(function)
    with quiet():
        for extent in (17, 40, 18):
            u = array((extent, extent))
            assert_same(function(u), compiled(u), extent)


@pytest.mark.parametrize("name", ["stencil", "stencil of two axes", "flips and transposes"])
def test_one_graph_of_views_of_views_serves_each_shape(name):
    function = repeat(STEPS[name], 4)
    compiled = cpjit(function)
    with quiet():
        for extent in (13, 2, 3, 5, 6, 9, 30):
            u = array((extent, extent))
            assert_same(function(u), compiled(u), extent)
    assert len(compiled.signatures) == 1


# fmt: off
REPEATED = {
    "flips": lambda u, v: (u + v)[::-1] - (u * v)[:, ::-1],
    "a transpose": lambda u, v: (u + v).T[::-1] * 0.5 - v,
    "cuts and flips": lambda u, v: ((u - v)[1:][:-1][::-1] + (u + v)[2:])[:, ::-1],
    "a flip of the repeated": lambda u, v: ((v + v)[..., ::-1] + u)[1:][::-1],
    "a cut of all": lambda u, v: ((u + v)[1:][::-1] * 2.0 + (v * 0.5 + u)[1:])[:, ::-1].T,
}
# fmt: on


@pytest.mark.parametrize("shape", [(9, 9), (1, 9), (9, 1), (1, 1), (9,), (1,)], ids=str)
@pytest.mark.parametrize("name", REPEATED)
def test_views_of_views_are_right_where_inputs_are_repeated(name, shape):
    function = REPEATED[name]
    compiled = cpjit(function)
    with quiet():
        for extent in (9, 12):
            u, v = array((extent, extent)), array([extent if each == 9 else 1 for each in shape])
            assert_same(function(u, v), compiled(u, v), extent)


def test_a_cut_and_a_flip_do_not_look_at_the_shape_in_either_order():
    x, y = np.ones((5, 6)), np.ones((5, 6))
    for function in (
        lambda x, y: (x + y)[1:][::-1],
        lambda x, y: (x + y)[::-1][1:],
        lambda x, y: (x + y)[1:][:-1].T[1:],
    ):
        assert not trace(function, (x, y)).shape_observed
    # Either of these may have one row, and the signature does not say which.
    assert trace(lambda x, y: (x[1:] + y[:-1] * y[1:])[1:], (x, y)).shape_observed


def test_only_a_view_that_may_not_exist_is_a_condition():
    x = np.ones(9)
    graphs = [trace(element_not_needed, (x, x)), trace(lambda x, y: (y[5:], x * 2.0)[1], (x, x))]
    assert [len(graph.conditions) for graph in graphs] == [1, 0]


@pytest.fixture
def computed_again(monkeypatch):
    """Compute values once more for each view, and store none."""
    monkeypatch.setattr(writing, "HEAVY", 1 << 20)


@pytest.mark.usefixtures("computed_again")
def test_flips_and_transposes_make_few_operations_a_step():
    """A value has eight views by flips and transposes, and three operations make each."""
    x = np.ones((5, 5))
    step = STEPS["flips and transposes"]
    count = [len(trace(repeat(step, times), (x,)).nodes) for times in (10, 20, 30)]
    assert count[2] - count[1] == count[1] - count[0] <= 10 * 3 * 8


@pytest.mark.usefixtures("computed_again")
def test_a_stencil_has_one_operation_for_each_value_and_cut():
    for times in (5, 10, 20):
        graph = trace(repeat(STEPS["stencil"], times), (np.ones(30),))
        assert len(graph.nodes) == (times + 1) * (times + 2) // 2
        assert len(graph.conditions) <= times


def regular_steps():
    cuts = [slice(None), slice(1, None), slice(None, -2), slice(2, -1), slice(None, None, -1)]
    yield from (Index.of(items) for items in itertools.product(cuts, cuts))
    yield from map(Transpose, itertools.permutations(range(3)))


def test_joined_steps_are_the_steps_and_equal_where_the_views_are():
    steps = [step for step in regular_steps() if step not in (Index.of(()), Transpose((0, 1, 2)))]
    shapes = (20, 21, 22), (2, 3, 4), (0, 1, 5)
    arrays = [np.arange(np.prod(shape)).reshape(shape) for shape in shapes]
    found = {}
    every = list(itertools.product(steps, repeat=3))
    for three in random.Random(1).sample(every, 3000):
        movement = functools.reduce(joined, three, ())
        for number, each in enumerate(arrays):
            expected = functools.reduce(lambda view, step: step.replay(view), three, each)
            actual = functools.reduce(lambda view, step: step.replay(view), movement, each)
            assert np.array_equal(expected, actual), three
            if number == 0:
                key = expected.shape, expected.strides, expected.ctypes.data
                assert found.setdefault(key, movement) == movement, three
