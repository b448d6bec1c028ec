"""Layouts of operands and results: dimensions, strides, shapes that broadcast, lengths."""

import itertools

import numpy as np
import pytest
from arrays import VIEWS, array, count_traces, in_memory
from cases import assert_same, quiet, row_name

from cpnum import CpnumError, ShapeError, cpjit
from cpnum.tables.dtypes import DTYPES, F32, F64

SHAPES = [
    (67,),
    (5, 7),
    (3, 33),
    (33, 3),
    (3, 4, 9),
    (2, 3, 2, 5),
    (2, 1, 3, 2, 4),
    (1, 1),
    (1, 40),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", VIEWS)
def test_views_of_one_to_five_dimensions(name, shape, level):
    def one(x, y):
        return x - y

    def several(x, y):
        return (x * 2.0 - y) * x + 1.0

    x, y = array(shape), array(shape, seed=1)
    view = VIEWS[name](x)
    assert view.shape == shape
    for function in (one, several):
        compiled = cpjit(function, isa=level)
        for first, second in ((view, y), (y, view), (view, view), (view, VIEWS["transposed"](y))):
            with quiet():
                expected, actual = function(first, second), compiled(first, second)
            case = name, function.__name__, shape, first.strides, second.strides
            assert_same(expected, actual, case, first, second)
            # Temporaries of NumPy lose the order of what is broadcast: only `one` has none.
            if function is one or 0 not in first.strides + second.strides:
                assert in_memory(expected) == in_memory(actual), case


@pytest.mark.parametrize("dtype", DTYPES, ids=row_name)
@pytest.mark.parametrize("name", VIEWS)
def test_views_of_every_dtype(name, dtype, level):
    def function(x, y):
        return np.where(x != y, x, y)

    compiled = cpjit(function, isa=level)
    x, y = VIEWS[name](array((5, 37), dtype)), array((5, 37), dtype, 1)
    with quiet():
        for first, second in ((x, y), (y, x), (x, x)):
            assert_same(function(first, second), compiled(first, second), (name, dtype))


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))), ids=str)
def test_result_lies_in_memory_as_that_of_numpy(axes, level):
    x, y = array((3, 4, 5)), array((3, 4, 5), seed=1)

    def permuted(x, axes):
        return np.transpose(x, axes).copy().transpose(np.argsort(axes))

    functions = {
        "one": lambda x, y: x + 1.0,
        "two": lambda x, y: x + y,
        "several": lambda x, y: (x + 1.0) * (y - x) + y,
        "transposed": lambda x, y: x.T * 2.0,
        "sliced": lambda x, y: x[::-1, 1:, ::2] + y[:, :-1, ::2],
    }
    with quiet():
        for name, function in functions.items():
            compiled = cpjit(function, isa=level)
            for others in itertools.permutations(range(3)):
                first, second = permuted(x, axes), permuted(y, others)
                expected, actual = function(first, second), compiled(first, second)
                assert_same(expected, actual, (name, axes, others))
                assert in_memory(expected) == in_memory(actual), (name, axes, others)


def any_view(random, shape):
    """Return a view: its axes in any order, in steps or reversed, or repeated."""
    axes = random.permutation(len(shape))
    extents = np.where(random.random(len(shape)) < 0.8, shape, 1)
    x = np.ones(2 * extents[axes]).transpose(np.argsort(axes))
    x = x[tuple(slice(None, None, random.choice([-2, 2])) for _ in shape)]
    return np.broadcast_to(x, shape) if random.random() < 0.4 else x


def test_result_of_broadcast_operands_lies_in_memory_as_that_of_numpy(level):
    functions = (lambda x, y, z: -x, lambda x, y, z: x.T + y.T, lambda x, y, z: np.clip(x, y, z))
    random = np.random.default_rng(0)
    for function in functions:
        compiled = cpjit(function, isa=level)
        for _ in range(300):
            shape = tuple(random.integers(1, 5, random.integers(2, 5)))
            operands = [any_view(random, shape) for _ in range(3)]
            expected, actual = function(*operands), compiled(*operands)
            assert in_memory(expected) == in_memory(actual), [x.strides for x in operands]


BROADCASTS = [
    ((5, 7), (7,)),
    ((5, 7), (5, 1)),
    ((5, 1), (1, 7)),
    ((5, 1), (7,)),
    ((1,), (67,)),
    ((), (67,)),
    ((3, 1, 9), (4, 1)),
    ((2, 3, 1, 5), (3, 4, 1)),
    ((1, 1, 1), (33,)),
    ((67, 1), (1, 67)),
    ((2, 1, 2, 1, 17), (3, 1, 2, 1)),
]


@pytest.mark.parametrize(("first", "second"), BROADCASTS, ids=str)
def test_shapes_broadcast(first, second, level):
    def function(x, y):
        return np.minimum(x, y) + (x - y) * 0.5

    compiled = cpjit(function, isa=level)
    x, y = array(first), array(second, seed=1)
    with quiet():
        strided = np.repeat(x, 2, -1)[..., ::2] if x.ndim else x
        for a, b in ((x, y), (y, x), (strided, y), (y, strided), (y, y), (x, x)):
            assert_same(function(a, b), compiled(a, b), (first, second))
        assert_same(function(x.T, x.T), compiled(x.T, x.T), first)


def test_shapes_that_do_not_broadcast_are_refused(level):
    compiled = cpjit(lambda x, y: x + y, isa=level)
    for first, second in (((3,), (4,)), ((2, 3), (2,)), ((0,), (2,)), ((2, 1, 3), (4, 2))):
        with pytest.raises(ShapeError):
            compiled(np.ones(first), np.ones(second))


@pytest.mark.parametrize("axes", (33, 64), ids="{} axes".format)
def test_as_many_axes_as_numpy_has(axes, level):
    def function(x, y):
        return np.where(x > y, np.ones_like(x + y), y) + x

    x = array((2, *[1] * (axes - 3), 1, 3))
    y = array((*[1] * (axes - 2), 4, 1), seed=1)
    with quiet():
        assert_same(function(x, y), cpjit(function, isa=level)(x, y), axes)


@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 5), (5, 0), (1, 0, 3), (1, 1, 1)], ids=str)
def test_no_axes_and_no_elements(shape, level):
    def function(x, y):
        return x * y + 1.0

    compiled = cpjit(function, isa=level)
    x = array(shape)
    with quiet():
        for other in (2.0, 3, np.float64(4), np.float32(4), np.array(5.0), x):
            expected, actual = function(x, other), compiled(x, other)
            assert_same(expected, actual, (shape, other))
            assert np.shape(expected) == np.shape(actual)
        if 0 in shape:
            out = np.empty(shape)
            assert compiled(x, x, out=out) is out


def test_an_empty_slice_of_nothing_reads_nothing(level):
    compiled = cpjit(lambda u: u[1:-1] - u[:-2], isa=level)
    for length in range(5):
        u = np.arange(float(length))
        assert_same(u[1:-1] - u[:-2], compiled(u), length)


@pytest.mark.parametrize("dtype", (F64, F32), ids=row_name)
def test_any_length(dtype, level):
    def function(x, y):
        return x * y + x

    compiled = cpjit(function, isa=level)
    x, y = array((1100,), dtype), array((1100,), dtype, 1)
    with quiet():
        expected = function(x, y)
        for length in (*range(300), 511, 512, 513, 1023, 1024, 1025, 1100):
            assert_same(expected[:length], compiled(x[:length], y[:length]), length)


def test_new_shapes_and_strides_compile_nothing(level):
    def function(x, y):
        return np.sqrt(x * x + y)

    x = np.random.default_rng(1).uniform(1, 2, 4000)
    kernels = {
        "contiguous": [(x[:n], x[-n:]) for n in range(2, 90)],
        "blocks": [
            (x[: r * c].reshape(r, c), x[-r * c :].reshape(r, c))
            for r, c in ((3, 5), (40, 100), (2, 2), (7, 64))
        ],
        "strided": [
            (x[: n * s : s], x[n * s - 1 :: -s][:n]) for n in (2, 5, 33) for s in (2, 3, 17)
        ],
        "rows": [
            (x.reshape(-1, w)[:n, :c], x.reshape(-1, w)[-n:, -c:])
            for w in (20, 50) for n in (2, 5, 70) for c in (2, 9, 19)
        ],
    }  # fmt: skip
    for name, pairs in kernels.items():
        compiled, traces = count_traces(function, isa=level)
        kernel = compiled.lower(*pairs[0])
        for first, second in pairs:
            assert_same(function(first, second), compiled(first, second), name)
            assert compiled.lower(first, second).code is kernel.code, (
                name,
                first.shape,
                first.strides,
            )
        assert len(traces) == 1, name


def test_layouts_outside_of_cpnum_are_refused_not_misread(level):
    compiled = cpjit(lambda x: x + 1.0, isa=level)
    for wrong in (
        np.ones(3, ">f8"),
        np.ones(3, np.float16),
        np.ones(3, complex),
        np.ones(3, object),
    ):
        with pytest.raises(CpnumError):
            compiled(wrong)
