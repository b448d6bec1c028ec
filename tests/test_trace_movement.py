"""Views that are taken in a traced function are NumPy's."""

import math

import numpy as np
import pytest
from cases import assert_same
from tracing import check, refused, sample

import cpnum
from cpnum.errors import TraceError
from cpnum.ir.evaluate import evaluate
from cpnum.trace import contents, writing
from cpnum.trace.trace import trace

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
def test_axes_that_are_numbers_or_elements_are_looked_at(name, monkeypatch):
    move, x = TRACED_AXES[name], np.ones((4, 1))
    for n in (1, -1):
        assert_same(move(x, n), cpnum.cpjit(move)(x, n))
        elements = np.array([n, 0])
        assert_same(move(x, n) * 2, cpnum.cpjit(lambda x, n: move(x, n[0]) * 2)(x, elements))
    monkeypatch.setattr(contents, "MOST_LOOKS", 0)
    message = refused(TraceError, lambda x, n: move(x, n[0]), x, np.arange(1, 3))
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


def test_views_of_views_are_as_many_as_there_are(monkeypatch):
    monkeypatch.setattr(writing, "HEAVY", 1 << 20)  # and no value is stored

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
