"""Views that are taken inside of a function, and shapes that it needs but does not show."""

import numpy as np
import pytest
from arrays import array, in_memory
from cases import assert_same, bits, quiet

from cpnum import ShapeError, UnsupportedError, cpjit

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
    assert refused.value.seen == "x.T.reshape(-1,)"


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
