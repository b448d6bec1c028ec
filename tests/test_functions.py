"""NumPy's functions that have no loop of their own: compositions, movement, stacks."""

import math

import numpy as np
import pytest
from cases import LAYOUTS, assert_same, special
from tracing import both, refused

from cpnum import UnsupportedError, cpjit
from cpnum.tables.dtypes import from_numpy

DTYPES = ("f8", "f4", "i8", "i4", "?")


def sample(dtype, count=12):
    """Return special values of a dtype, as many for each."""
    return np.resize(special(from_numpy(np.dtype(dtype))), count)


def tame(dtype, count=12):
    """Return values whose sums and products have no errors."""
    return (np.arange(count) % 5).astype(dtype)


# Functions of one array of any dtype and shape with at least one axis.
ANY = {
    "select": lambda x: np.select([x > 2, x > 0], [x, -1], 7),
    "select_otherwise": lambda x: np.select([x > 2, True], [x, 0], np.nan),
    "select_of_numbers": lambda x: np.select([True, x > 2, np.True_], [1, x, 2], 7.5),
    "select_never": lambda x: np.select([x > 2, False], [x, 0.5], -1),
    "select_of_promoted": lambda x: np.select([x > 0], [x], 0.5),
    "nan_to_num": np.nan_to_num,
    "nan_to_num_with_numbers": lambda x: np.nan_to_num(x, nan=2.5, posinf=9.0, neginf=-9.0),
    "isposinf": np.isposinf,
    "isneginf": np.isneginf,
    "imag": lambda x: np.imag(x) + x.imag,
    "isreal": np.isreal,
    "iscomplex": np.iscomplex,
    "real_if_close": np.real_if_close,
    "isrealobj": lambda x: x * np.isrealobj(x),
    "repeat": lambda x: np.repeat(x, 3),
    "repeat_along": lambda x: np.repeat(x, 2, axis=0),
    "repeat_method": lambda x: x.repeat(2),
    "tile": lambda x: np.tile(x, 2),
    "resize": lambda x: np.resize(x, (3, 7)),
    "resize_to_less": lambda x: np.resize(x, 2) * 2,
    "tile_in_two": lambda x: np.tile(x, (2, 3)),
    "roll": lambda x: np.roll(x, 2),
    "roll_back": lambda x: np.roll(x, -1),
    "roll_along": lambda x: np.roll(x, 5, axis=0),
    "flip": np.flip,
    "atleast_2d": np.atleast_2d,
    "atleast_3d": np.atleast_3d,
    "flatten": lambda x: x.flatten(),
    "ravel": np.ravel,
    "nbytes": lambda x: np.where(x, x.nbytes, x.itemsize),
    "rollaxis": lambda x: np.rollaxis(x, 0),
    "stack": lambda x: np.stack([x, x]),
    "stack_last": lambda x: np.stack([x, -1 * x, 2 * x], axis=-1),
    "list": lambda x: np.array([x, x]),
    "list_with_dtype": lambda x: np.array([x, x], dtype=np.float32),
    "full_like_of_a_value": lambda x: np.full_like(x, x[-1:] if x.size else 0, dtype=float),
    "full_like": lambda x: np.full_like(x, 1),
    "zeros_like_of_a_shape": lambda x: np.zeros_like(x, shape=(2, 3)),
    "outer": lambda x: np.outer(x, x),
    "outer_of_a_ufunc": lambda x: np.maximum.outer(x, x[:2]),
    "polyval": lambda x: np.polyval([1.0, 2.0, 3.0], x),
    "split": lambda x: np.array_split(x, 2)[0],
    "unstack": lambda x: np.unstack(x)[0] if len(x) else x,
    "meshgrid": lambda x: np.meshgrid(x.ravel(), x.ravel()[:2])[1],
    "broadcast_arrays": lambda x: np.broadcast_arrays(x, x[:1])[1],
    "column_stack": lambda x: np.column_stack([x.ravel(), x.ravel()]),
    "vstack": lambda x: np.vstack((x.ravel(), x.ravel())),
    "dstack": lambda x: np.dstack([x.ravel(), x.ravel()]),
    "ediff1d": lambda x: np.ediff1d(x),
    "diff": np.diff,
    "diff_twice": lambda x: np.diff(x, 2, axis=0),
    "round": np.round,
    "isclose": lambda x: np.isclose(x, x * 1.0),
    "angle": np.angle,
    "fix": np.fix,
}
# Functions of an array of two axes.
PLANE = {
    "rot90": np.rot90,
    "rot90_twice": lambda x: np.rot90(x, 2),
    "rot90_back": lambda x: np.rot90(x, -1, axes=(1, 0)),
    "roll_both": lambda x: np.roll(x, (1, 2), axis=(0, 1)),
    "mT": lambda x: x.mT + np.matrix_transpose(x),
    "tril": np.tril,
    "triu": lambda x: np.triu(x, 1),
    "cross": lambda x: np.cross(x[:, :3], x[::-1, :3]),
    "diff_of_rows": lambda x: np.diff(x, axis=0),
    "repeat_columns": lambda x: np.repeat(x, 2, axis=1),
    "tile_rows": lambda x: np.tile(x, (2, 1)),
    "hsplit": lambda x: np.hsplit(x, 2)[1],
    "vsplit": lambda x: np.vsplit(x, [1])[1],
    "dstack_of_planes": lambda x: np.dstack((x, x)),
    "ravel_of_what_is_broadcast": lambda x: (x + x[0]).ravel(),
    "reshape_of_what_is_broadcast": lambda x: (x[:, :1] * x[:1]).reshape(-1, 2),
    "roll_of_what_is_computed": lambda x: np.roll(x + x[0], 1) - x,
}
# Where NumPy has no function of booleans, or has one of float16.
NOT_OF_BOOLEANS = {"angle", "cross", "ediff1d", "round", "roll_of_what_is_computed"}


def of_dtypes(names):
    return [
        (name, dtype)
        for name in names
        for dtype in DTYPES
        if dtype != "?" or name not in NOT_OF_BOOLEANS
    ]


@pytest.mark.parametrize(("name", "dtype"), of_dtypes(ANY))
def test_special_values_have_the_bits_of_numpy(name, dtype):
    both(ANY[name], sample(dtype))


@pytest.mark.parametrize(("name", "dtype"), of_dtypes([*ANY, *PLANE]))
def test_arrays_of_two_axes(name, dtype):
    both({**ANY, **PLANE}[name], tame(dtype).reshape(3, 4))
    both({**ANY, **PLANE}[name], tame(dtype).reshape(4, 3).T)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ANY)
def test_layouts(name, layout):
    both(ANY[name], LAYOUTS[layout](tame("f8")))


@pytest.mark.parametrize("shape", [(0,), (1,), (2,), (0, 3), (1, 1), (2, 1, 3)], ids=str)
@pytest.mark.parametrize("name", ANY)
def test_shapes(name, shape):
    both(ANY[name], tame("f8", math.prod(shape)).reshape(shape))


@pytest.mark.parametrize("name", PLANE)
@pytest.mark.parametrize("shape", [(4, 4), (1, 4), (4, 6)], ids=str)
def test_planes(name, shape):
    both(PLANE[name], tame("f8", math.prod(shape)).reshape(shape))


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated")
def test_one_function_serves_several_shapes():
    for name, function in ANY.items():
        compiled = cpjit(function)
        for count in (6, 4, 9):
            x = tame("f8", count)
            assert_same(function(x), compiled(x), name)


# Functions of a number, or of an array without axes.
NUMBERS = {
    "select": lambda t: np.select([t > 2], [t], 7),
    "select_otherwise": lambda t: np.select([t > 2, True], [t, 0], np.nan),
    "nan_to_num": lambda t: np.nan_to_num(t),
    "isposinf": lambda t: np.isposinf(t),
    "isreal": lambda t: np.isreal(t),
    "iscomplex": lambda t: np.iscomplex(t),
    "atleast_1d": lambda t: np.atleast_1d(t),
    "atleast_2d": lambda t: np.atleast_2d(t) * 2,
    "atleast_3d": lambda t: np.atleast_3d(t),
    "ravel": lambda t: np.ravel(t),
    "isclose": lambda t: np.isclose(t, 2.5),
    "isclose_of_nan": lambda t: np.isclose(t, t, equal_nan=True),
    "full": lambda t: np.full(3, t),
    "full_with_dtype": lambda t: np.full((2, 2), t, dtype="f4"),
    "full_like": lambda t: np.full_like(np.zeros(3), t),
    "list": lambda t: np.array([t, 2.0]),
    "nested_lists": lambda t: np.array([[t, 2], [3, t]]),
    "nested_tuples": lambda t: np.asarray(((t, 2), (3, t))),
    "list_with_arrays": lambda t: np.array([[t, 1.0], np.ones(2)]),
    "stack": lambda t: np.stack([t, 1.0, t]),
    "hstack": lambda t: np.hstack([t, 1.0]),
    "vstack": lambda t: np.vstack([t, 1.0]),
    "column_stack": lambda t: np.column_stack([t, 1.0]),
    "new_axes_of_what_is_computed": lambda t: np.asarray(np.asarray(t) + 1)[None, None],
    "broadcast_of_what_is_computed": lambda t: np.broadcast_to(np.asarray(t) + 1, (2, 3)),
    "round": lambda t: np.round(t),
    "round_to_decimals": lambda t: np.round(t * 1.0, 1),
    "angle": lambda t: np.angle(t * 1.0),
    "repeat": lambda t: np.repeat(t, 3),
    "tile": lambda t: np.tile(t, (2, 2)),
}


@pytest.mark.parametrize(
    "value",
    [
        2.5,
        3,
        np.float64(-2.5),
        np.float32(0.1),
        np.int64(7),
        np.array(2.5),
        np.array(3, "i4"),
        np.nan,
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(name, value):
    both(NUMBERS[name], value)


@pytest.mark.parametrize("decimals", [-3, -1, 0, 1, 2, 5, 310])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "i4"])
def test_round_has_the_bits_of_numpy(dtype, decimals):
    both(lambda x: np.round(x, decimals), sample(dtype, 72))
    both(lambda x: x.round(decimals), sample(dtype, 72)[::-1])
    both(lambda x: np.around(x, decimals=decimals) * 2, tame(dtype))


def test_functions_of_values_that_are_computed():
    x, y = tame("f8"), tame("f8")[::-1]
    for name, function in ANY.items():
        both(lambda x, y, function=function: function(x * 2.0 + y) * 0.5, x, y)
        assert name


def test_new_arrays_are_filled():
    def filled(x):
        y = np.empty_like(x)
        y.fill(2)
        np.copyto(y, x, where=x > 2)
        return y

    both(filled, tame("f8"))
    both(filled, tame("i4"))


def test_stacks_differ_in_shape_as_in_numpy():
    def together(x, y):
        return np.stack([x[1:], y])

    compiled = cpjit(together)
    assert_same(together(np.ones(3), np.ones(2)), compiled(np.ones(3), np.ones(2)))
    with pytest.raises(ValueError, match="same shape"):
        compiled(np.ones(2), np.ones(2))
    with pytest.raises(ValueError, match="inhomogeneous"):
        cpjit(lambda x: np.array([x, 1.0]))(np.ones(3))


# -- arguments that are refused -----------------------------------------------------------------

REFUSED = {
    "repeats": lambda x: np.repeat(x, [1, 2, 3]),
    "rtol": lambda x: np.isclose(x, x, rtol=np.inf),
    "copy": lambda x: np.nan_to_num(x, copy=False),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_traced_is_named(name):
    assert name in refused(UnsupportedError, REFUSED[name], np.ones(3))
