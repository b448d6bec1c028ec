"""Layouts: how operands and results lie in memory, and what a kernel is compiled for."""

import itertools
import operator

import numpy as np
import pytest
from cases import LAYOUTS, assert_same, bits, function_of, quiet, row_name, values
from numpy.lib.stride_tricks import as_strided

from cpnum import CpnumError, DTypeError, OutError, ShapeError, UnsupportedError, cpjit
from cpnum.tables.dtypes import DTYPES, F32, F64, I32, I64, B, from_numpy
from cpnum.tables.isa import LEVELS
from cpnum.tables.ops import OPS


def array(shape, dtype=F64, seed=0):
    return values(dtype, int(np.prod(shape)), seed).reshape(shape)


def in_memory(x):
    """Return how a result lies in memory: the strides of a copy of it, where there are any."""
    strides = x.copy(order="K").strides
    return [stride for extent, stride in zip(x.shape, strides, strict=True) if extent > 1]


def count_traces(function, **options):
    """Return a compiled function and the list of its traces: it runs only to be traced."""
    traces = []

    def counted(*arguments):
        traces.append(arguments)
        return function(*arguments)

    return cpjit(counted, **options), traces


# -- axes ----------------------------------------------------------------------------------------

# fmt: off
VIEWS = {
    "C order": lambda x: x,
    "Fortran order": np.asfortranarray,
    "transposed": lambda x: np.ascontiguousarray(x.T).T,
    "every second": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "every second row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "reversed": lambda x: x[..., ::-1].copy()[..., ::-1],
    "reversed rows": lambda x: x[::-1].copy()[::-1],
    "wholly reversed": lambda x: np.flip(np.flip(x).copy()),
    "inner axes exchanged": lambda x: np.swapaxes(np.swapaxes(x, 0, -1).copy(), 0, -1),
    "padded": lambda x: np.pad(x, [(1, 2)] * x.ndim)[(slice(1, -2),) * x.ndim],
    "misaligned": lambda x: LAYOUTS["misaligned"](x.ravel()).reshape(x.shape),
    "one row": lambda x: np.broadcast_to(x[:1].copy(), x.shape),
    "one column": lambda x: np.broadcast_to(x[..., :1].copy(), x.shape),
    "one element": lambda x: np.broadcast_to(x[(0,) * x.ndim].copy(), x.shape),
}
# fmt: on
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


# -- movement inside of the function -------------------------------------------------------------

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


# -- registers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", (F64, F32, I64, I32), ids=row_name)
@pytest.mark.parametrize("count", (7, 8, 12, 20, 40), ids="{} arrays".format)
def test_more_arrays_than_registers(count, dtype, level):
    def function(*arrays):
        total = arrays[0]
        for at, each in enumerate(arrays[1:]):
            total = total * each if at % 3 == 0 else total - each
        return total

    compiled = cpjit(function, isa=level)
    arrays = [values(dtype, 67, seed) for seed in range(count)]
    square = [each[:66].reshape(6, 11) for each in arrays]
    mixed = [LAYOUTS[list(LAYOUTS)[at % len(LAYOUTS)]](each) for at, each in enumerate(arrays)]
    columns = [each if at % 2 else each[:, :1] for at, each in enumerate(square)]
    with quiet():
        for operands in (arrays, mixed, square, [each.T for each in square], columns):
            assert_same(function(*operands), compiled(*operands), (count, dtype))


def long_chain(x, y):
    for at in range(2500):
        x = x * 0.999 + y * (at - 1200.5)
        x = np.minimum(x, 50.0)
    return x


def many_live(x, y):
    terms = [x * float(k) + y for k in range(1, 151)]
    for _ in range(32):
        terms = [a - b * 0.5 for a, b in zip(terms, [*terms[7:], *terms[:7]], strict=True)]
    total = terms[0]
    for each in terms[1:]:
        total = total + each
    return total


def many_masks(x, y):
    masks = [x * float(k) > y for k in range(60)]
    total = x
    for at, mask in enumerate(masks):
        total = np.where(mask ^ masks[-1 - at], total + float(at), total * 0.5)
    return total


@pytest.mark.parametrize("dtype", (F64, F32), ids=row_name)
@pytest.mark.parametrize("function", (long_chain, many_live, many_masks), ids=lambda f: f.__name__)
def test_expressions_of_thousands_of_operations(function, dtype, level):
    compiled = cpjit(function, isa=level)
    x = np.random.default_rng(1).uniform(-3, 3, 37).astype(dtype.numpy)
    y = np.random.default_rng(2).uniform(-3, 3, 37).astype(dtype.numpy)
    with quiet():
        assert_same(function(x, y), compiled(x, y), function.__name__)
        assert_same(function(x[::2], y[::-2]), compiled(x[::2], y[::-2]), function.__name__)
    if function is not many_masks:
        assert len(compiled.lower(x, y).graph.nodes) >= 9_000


def test_spilled_values_of_every_dtype(level):
    def function(x, n, b):
        kept = [(x * float(k), n + k, b ^ (n > k), x.astype("f4") - k) for k in range(40)]
        total = x * 0.0
        for a, i, c, f in kept[::-1]:
            total = np.where(c, total + a, total - i) * f
        return total

    compiled = cpjit(function, isa=level)
    x = np.random.default_rng(1).uniform(0.9, 1.1, 45)
    n, b = np.arange(45, dtype=np.int32) % 40, np.arange(45) % 3 == 0
    with quiet():
        assert_same(function(x, n, b), compiled(x, n, b))


def test_more_booleans_and_constants_than_registers(level):
    def function(x, y, flag):
        kept = [x]
        for _ in range(40):
            kept.append(kept[-1] ^ y)
        total = y
        for each in kept[::-1]:
            total = np.logical_and((total ^ each) | flag, 2) + y
        return total

    compiled = cpjit(function, isa=level)
    x, y = np.random.default_rng(1).random((2, 300)) < 0.5
    for flag in (False, True):
        assert_same(function(x, y, flag), compiled(x, y, flag))
        assert_same(function(x[::3], y[::-3], flag), compiled(x[::3], y[::-3], flag))


def test_many_values_are_hoisted_out_of_the_loop(level):
    """More values are constant along the inner axis than there are registers."""

    def function(column, row, *numbers):
        total = row
        for number in numbers:
            total = total * (column + number) - (column * number + 1.0)
        for number in numbers[::-1]:
            total = total + (column + number) * (number + 2.0)
        return total

    compiled = cpjit(function, isa=level)
    column = np.random.default_rng(1).uniform(0.5, 1, (7, 1))
    row = np.random.default_rng(2).uniform(0.5, 1, 45)
    numbers = [0.25 + k / 64 for k in range(40)]
    with quiet():
        expected = function(column, row, *numbers)
        assert_same(expected, compiled(column, row, *numbers))
        assert_same(function(row, column, *numbers), compiled(row, column, *numbers))
        cube = np.random.default_rng(3).uniform(0.5, 1, (3, 1, 1))
        assert_same(function(cube + column, row, *numbers), compiled(cube + column, row, *numbers))


@pytest.mark.parametrize("degree", (5, 12, 30, 100), ids="degree {}".format)
@pytest.mark.parametrize("dtype", (F64, F32), ids=row_name)
def test_interleaved_vectors_at_every_length(dtype, degree, level):
    """Horner's rule is one long chain: it is computed for several vectors at once."""

    def function(x):
        total = x * 0.5
        for k in range(degree):
            total = total * x + (k - 3.0)
        return total

    compiled = cpjit(function, isa=level)
    lanes = LEVELS[level].lanes(dtype.itemsize)
    x = np.random.default_rng(1).uniform(-1, 1, 9 * lanes).astype(dtype.numpy)
    strided = LAYOUTS["strided"](x)
    expected = function(x)
    for length in range(9 * lanes):
        assert_same(expected[:length], compiled(x[:length]), length)
        assert_same(expected[:length], compiled(strided[:length]), length)
        assert_same(expected[:length][::-1], compiled(x[:length][::-1]), length)


# -- out -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in VIEWS if not name.startswith("one")])
@pytest.mark.parametrize("dtype", DTYPES, ids=row_name)
def test_out_of_every_layout(dtype, name, level):
    def function(x, y):
        return np.where(x == y, y, x)

    compiled = cpjit(function, isa=level)
    for shape in ((67,), (5, 37), (3, 4, 5)):
        x, y = array(shape, dtype), array(shape, dtype, 1)
        out = VIEWS[name](np.zeros(shape, dtype.numpy))
        with quiet():
            assert compiled(x, y, out=out) is out
            assert_same(function(x, y), out.copy(), (name, dtype, shape))


def test_out_writes_no_other_element(level):
    whole = np.full((9, 40), 7.0)
    x = array((4, 13))
    with quiet():
        cpjit(lambda x: x * 2.0, isa=level)(x, out=whole[1:8:2, 1::3])
        expected = np.full((9, 40), 7.0)
        expected[1:8:2, 1::3] = x * 2.0
    assert_same(expected, whole)


# (arguments, out) as views of one array of 60 elements.
# fmt: off
OVERLAPS = {
    "exact": lambda u: (u, u),
    "shifted forward": lambda u: (u[:-1], u[1:]),
    "shifted backward": lambda u: (u[1:], u[:-1]),
    "far forward": lambda u: (u[:-20], u[20:]),
    "reversed": lambda u: (u, u[::-1]),
    "out reversed and shifted": lambda u: (u[:-1], u[:0:-1]),
    "interleaved": lambda u: (u[::2], u[1::2]),
    "spread": lambda u: (u[:30], u[::2]),
    "gathered": lambda u: (u[::2], u[:30]),
    "disjoint": lambda u: (u[:30], u[30:]),
    "transposed": lambda u: (u[:49].reshape(7, 7), u[:49].reshape(7, 7).T),
    "rows shifted": lambda u: (u.reshape(6, 10)[:-1], u.reshape(6, 10)[1:]),
    "columns shifted": lambda u: (u.reshape(6, 10)[:, :-1], u.reshape(6, 10)[:, 1:]),
    "one element": lambda u: (u[5:6], u),
    "a row": lambda u: (u.reshape(6, 10)[3], u.reshape(6, 10)),
    "a column": lambda u: (u.reshape(6, 10)[:, 4:5], u.reshape(6, 10)),
}
# fmt: on


@pytest.mark.parametrize("dtype", DTYPES, ids=row_name)
@pytest.mark.parametrize("name", OVERLAPS)
def test_out_that_overlaps_an_argument(name, dtype, level):
    def function(x, y):
        return np.where(x != y, x, y)

    compiled = cpjit(function, isa=level)
    u, other = array((60,), dtype), array((60,), dtype, 1)
    with quiet():
        for modes in ({"all": "ignore"}, {"all": "warn"}):
            for swapped in (False, True):
                mine, numpys = u.copy(), u.copy()
                x, out = OVERLAPS[name](numpys)
                y = other[: x.size].reshape(x.shape)
                arguments = (y, x) if swapped else (x, y)
                expected = function(*(each.copy() for each in arguments))
                out[...] = expected
                x, out = OVERLAPS[name](mine)
                arguments = (y, x) if swapped else (x, y)
                with np.errstate(**modes):
                    assert compiled(*arguments, out=out) is out
                assert_same(numpys, mine, (name, dtype, swapped, modes))


# fmt: off
OVERLAPS_INSIDE = {
    "difference, first": (lambda u: u[1:] - u[:-1], lambda u: u[1:]),
    "difference, second": (lambda u: u[1:] - u[:-1], lambda u: u[:-1]),
    "reversed": (lambda u: u - u[::-1], lambda u: u),
    "transposed": (lambda u: u[:, :9] + u[:, :9].T, lambda u: u[:, :9]),
    "four neighbours": (
        lambda u: (u[1:-1, 2:] + u[1:-1, :-2] + u[2:, 1:-1] + u[:-2, 1:-1]) * 0.25,
        lambda u: u[1:-1, 1:-1],
    ),
    "by its first element": (lambda u: u * u[0, 0], lambda u: u),
    "by its first row": (lambda u: u - u[0], lambda u: u),
}
# fmt: on


@pytest.mark.parametrize("name", OVERLAPS_INSIDE)
def test_out_that_overlaps_views_inside_of_the_function(name, level):
    function, part = OVERLAPS_INSIDE[name]
    compiled = cpjit(lambda u: function(u), isa=level)
    numpys = array((9, 11))
    mine = numpys.copy()
    with quiet():
        part(numpys)[...] = function(numpys.copy())
        compiled(mine, out=part(mine))
    assert_same(numpys, mine, name)


def test_errors_of_an_overwritten_argument_are_those_of_its_old_values(level):
    compiled = cpjit(lambda x: np.log(x), isa=level)
    for out in (lambda x: x, lambda x: x[::-1]):
        x = np.array([1.0, 2.0, 0.0, 3.0])
        with pytest.warns(RuntimeWarning, match="divide by zero encountered in log") as caught:
            compiled(x, out=out(x))
        assert len(caught) == 1
        calm = np.array([1.0, 2.0, 3.0, 0.5])
        compiled(calm, out=out(calm))


def test_out_of_another_dtype_overlaps(level):
    compiled = cpjit(lambda x: x * 1.5, isa=level)
    raw = np.arange(40.0)
    expected = (raw[:20] * 1.5).astype(np.float32)
    out = raw.view(np.float32)[5:25]
    compiled(raw[:20], out=out)
    assert_same(expected, out.copy())


OUT_CASTS = list(itertools.product(DTYPES, DTYPES))


@pytest.mark.parametrize(("source", "to"), OUT_CASTS, ids=row_name)
def test_out_of_another_dtype_is_cast_within_its_kind(source, to, level):
    def function(x, y):
        return np.maximum(x, y)

    compiled = cpjit(function, isa=level)
    x, y = array((67,), source), array((67,), source, 1)
    out = np.zeros(67, to.numpy)
    with quiet():
        if np.can_cast(source.numpy, to.numpy, "same_kind"):
            expected = np.maximum(x, y, out=np.zeros(67, to.numpy), casting="same_kind")
            assert compiled(x, y, out=out) is out
            assert_same(expected, out, (source, to), x, y)
        else:
            with pytest.raises(OutError):
                compiled(x, y, out=out)
            assert not out.any()


def test_an_out_that_is_wider_is_filled(level):
    x, out = array((4,)), np.zeros((3, 4))
    with quiet():
        cpjit(lambda x: x + 1.0, isa=level)(x, out=out)
        assert_same(np.add(x, 1.0, out=np.zeros((3, 4))), out)


def _read_only():
    out = np.zeros(5)
    out.flags.writeable = False
    return out


# fmt: off
WRONG_OUTS = {
    "shorter": lambda: np.zeros(4),
    "longer": lambda: np.zeros(6),
    "one": lambda: np.zeros(1),
    "fewer axes": lambda: np.zeros(()),
    "read-only": _read_only,
    "a list": lambda: [0.0] * 5,
    "a number": lambda: 0.0,
    "int64": lambda: np.zeros(5, np.int64),
    "complex": lambda: np.zeros(5, complex),
    "float16": lambda: np.zeros(5, np.float16),
    "big-endian": lambda: np.zeros(5, ">f8"),
    "a matrix": lambda: np.zeros((1, 5)).view(np.ma.MaskedArray)[0],
    "one element": lambda: as_strided(np.zeros(9)[4:], (5,), (0,)),
    "rows of one element": lambda: as_strided(np.zeros(14)[4:], (2, 5), (40, 0)),
    "windows": lambda: as_strided(np.zeros(9), (5, 5), (8, 8)),
    "windows of a column": lambda: as_strided(np.zeros(40)[9:], (3, 5), (16, -8)),
    "less than an element apart": lambda: as_strided(np.zeros(9), (5,), (4,)),
}
# fmt: on


@pytest.mark.parametrize("name", WRONG_OUTS)
def test_a_wrong_out_is_refused_and_not_written(name, level):
    out = WRONG_OUTS[name]()
    with pytest.raises(CpnumError):
        cpjit(lambda x: x + 1.0, isa=level)(np.ones(5), out=out)
    assert not np.any(np.asarray(out))


def test_an_out_of_windows_is_refused_when_it_is_the_argument_too(level):
    windows = as_strided(np.ones(6), (4, 3), (8, 8))
    for use in (cpjit(lambda x: x * 2.0, isa=level), cpjit(lambda x: x * 2.0, isa=level).bind):
        with pytest.raises(OutError, match="elements of `out` share memory"):
            use(windows, out=windows)


@pytest.mark.parametrize(
    "strides", [(24, 8), (8, 24), (8, 16), (48, -16), (-8, 200), (24, 16)], ids=str
)
def test_an_out_whose_elements_are_apart_is_taken(strides, level):
    memory = np.zeros(400)
    out = as_strided(memory[200:], (2, 3), strides)
    x = np.arange(6.0).reshape(2, 3)
    assert_same(x + 1.0, cpjit(lambda x: x + 1.0, isa=level)(x, out=out))
    assert np.count_nonzero(memory) == 6
    empty = as_strided(memory, (0, 3), (8, 0))
    assert cpjit(lambda x: x + 1.0, isa=level)(x[:0], out=empty) is empty


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
    with pytest.raises(ShapeError, match=r"test_layouts\.py, line"):
        compiled(np.ones((5, *shape[1:])), np.ones((7, *shape[1:])))


# -- one kernel for all shapes, strides and scalars ----------------------------------------------


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
            assert compiled.lower(first, second) is kernel, (name, first.shape, first.strides)
        assert len(traces) == 1, name


@pytest.mark.parametrize("dtype", (F64, F32, I64, I32), ids=row_name)
def test_new_scalars_compile_nothing(dtype, level):
    compiled, traces = count_traces(lambda x, s: x * s + s, isa=level)
    x = values(dtype, 35)
    one = [2.5, -0.0, 1e-3, 7.0, 1e30] if dtype.family == "F" else [2, -7, 0, 1000, 2**31 - 1]
    with quiet():
        for scalars in (one, [dtype.numpy.type(each) for each in one]):
            before = len(traces)
            kernel = None
            for each in scalars:
                assert_same(x * each + each, compiled(x, each), each)
                kernel = kernel or compiled.lower(x, each)
                assert compiled.lower(x, each) is kernel, each
            assert len(traces) == before + 1


# fmt: off
SCALARS = [
    0, 1, -1, True, False, 2**24 + 1, 2**31 - 1, -(2**31), 2**31, 2**32, 2**53 + 1,
    2**60 + 2**36 + 1, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 2**64, 2**100, 2**127, 2**128,
    2**1023, 2**1024, 0.1, -0.0, 16777217.0, 1e38, 3.4028235677973366e38, 1e300, -1e300, 1e-46,
    7e-46, 5e-324, float("inf"), float("nan"),
    np.float64(0.1), np.float64(1e300), np.float32(0.1), np.int64(2**53 + 1),
    np.int32(7), np.bool_(True),
]
# fmt: on


def fits(number, result):
    """Tell whether the dtype of a result holds an integer."""
    if result is None or result.dtype.kind == "f":
        return True
    return np.iinfo(result.dtype).min <= number <= np.iinfo(result.dtype).max


SCALAR_FUNCTIONS = {
    "add": lambda x, s: x + s,
    "radd": lambda x, s: s + x,
    "multiply": lambda x, s: x * s,
    "maximum": lambda x, s: np.maximum(x, s),
    "less": lambda x, s: x < s,
    "equal": lambda x, s: x == s,
    "where": lambda x, s: np.where(x > 0, x, s),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=row_name)
@pytest.mark.parametrize("name", SCALAR_FUNCTIONS)
def test_scalars_are_converted_as_numpy_converts_them(name, dtype, level):
    """Exactly, or with OverflowError; as an argument and as a constant of the function."""
    function = SCALAR_FUNCTIONS[name]
    compiled = cpjit(lambda x, s: function(x, s), isa=level)
    x = values(dtype, 19)
    for scalar in SCALARS:
        with quiet():
            try:
                expected = function(x, scalar)
            except OverflowError:
                expected = None
            # cpnum has no integers beyond 64 bits, and may answer where NumPy refuses.
            beyond = type(scalar) is int and not -(2**63) <= scalar < 2**63
            if beyond and name in ("less", "equal", "where"):
                continue
        if expected is not None and expected.dtype not in [each.numpy for each in DTYPES]:
            continue
        if name == "where" and type(scalar) is int and not fits(scalar, expected):
            continue  # NumPy wraps it silently: refusing it is the better answer
        for ours, arguments in (
            (compiled, (x, scalar)),
            (cpjit(lambda x, s=scalar: function(x, s), isa=level), (x,)),
            (cpjit(lambda x: function(x, scalar), isa=level), (x,)),  # noqa: B023
        ):
            with quiet():
                if expected is None:
                    with pytest.raises(OverflowError):
                        ours(*arguments)
                else:
                    assert_same(expected, ours(*arguments), (name, dtype, scalar), x)


def test_bounds_that_are_integer_arguments_beyond_the_dtype(level):
    x = np.array([-(2**31), -5, 0, 5, 2**31 - 1], np.int32)
    compiled = {
        function: cpjit(function, isa=level)
        for function in (
            lambda x, n: np.clip(x, x, n),
            lambda x, n: np.clip(x, n, None),
            lambda x, n: np.clip(x, n, 3),
            lambda x, n: np.clip(x, n, n),
        )
    }
    for function, f in compiled.items():
        for n in (2, 2**31 - 1, 2**31, 2**40, 2**70, -(2**31), -(2**31) - 1, -(2**40)):
            try:
                expected = function(x, n)
            except OverflowError:
                with pytest.raises(OverflowError):
                    f(x, n)
            else:
                assert_same(expected, f(x, n), n)
    with pytest.raises(OverflowError):
        cpjit(lambda x, low, n: np.clip(x, low, n), isa=level)(x, x.astype(np.int64), 2**40)


def test_python_scalars_compute_as_python_does(level):
    """Integers without bounds, on the way to the array."""
    function = lambda x, n, s: x + (n * n * n - n**3 + n // 7) * s  # noqa: E731
    compiled = cpjit(function, isa=level)
    x = np.arange(5.0)
    for n in (3, 10**30, -(10**25), 2**70):
        assert_same(function(x, n, 0.5), compiled(x, n, 0.5), n)


SCALAR_CALLS = [
    (2.0, 3.0),
    (2, 3),
    (2, 3.5),
    (True, 2),
    (np.float32(2), 3.0),
    (np.float32(2), np.float64(3)),
    (np.int32(2), 3),
    (np.int64(2), np.int32(3)),
    (np.array(2.0), 3.0),
    (np.array(2.0), np.array(3.0)),
    (np.array(2, np.int32), np.float32(3)),
]


@pytest.mark.parametrize("scalar", [np.float64(2), np.float32(2), np.array(3), np.True_], ids=repr)
def test_a_scalar_is_broadcast_to_a_shape(scalar, level):
    for function in (
        lambda x: np.broadcast_to(x, (2, 3)),
        lambda x: np.broadcast_to(x, (2, 3)).astype("f4").T[1:] * 1.5,
    ):
        compiled, expected = cpjit(function, isa=level), function(scalar)
        assert_same(expected, compiled(scalar), scalar)
        assert_same(expected, compiled.bind(scalar)(), scalar)


@pytest.mark.parametrize("arguments", SCALAR_CALLS, ids=repr)
def test_a_call_with_nothing_but_scalars(arguments, level):
    functions = [
        lambda x, y: np.add(x, y) * np.maximum(x, y),
        lambda x, y: np.sqrt(x) + y,
        lambda x, y: np.less(x, y),
        lambda x, y: np.floor(np.divide(x, y)),
    ]
    for at, function in enumerate(functions):
        compiled = cpjit(function, isa=level)
        try:
            expected = function(*arguments)
        except TypeError:
            continue
        if at == 2 and all(type(each) is int for each in arguments):
            with pytest.raises(DTypeError, match="in object"):
                compiled(*arguments)
            continue
        if expected.dtype.type is np.float16:
            continue
        assert_same(expected, compiled(*arguments), (at, arguments))


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


# -- bound ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("dtype", (F64, F32, I32, B), ids=row_name)
def test_bound_calls_compute_the_same(dtype, name, level):
    def function(x, y):
        return np.where(x != y, x, y)

    compiled = cpjit(function, isa=level)
    for shape in ((67,), (5, 19), (3, 2, 5)):
        x, y = VIEWS[name](array(shape, dtype)), array(shape, dtype, 1)
        expected = function(x, y)
        bound = compiled.bind(x, y)
        assert_same(expected, bound().copy(order="C"), (name, dtype, shape))
        assert bound() is bound()
        out = np.zeros(shape, dtype.numpy)
        assert compiled.bind(x, y, out=out)() is out
        assert_same(expected, out, (name, dtype, shape))
        y[...] = array(shape, dtype, 2)
        assert_same(function(x, y), bound().copy(order="C"), (name, dtype, shape))


def test_bound_scalars_are_in_the_code(level):
    compiled = cpjit(lambda x, s, n: x * s + n, isa=level)
    x = np.arange(11.0)
    calls = [(compiled.bind(x, s, n), x * s + n) for s in (0.5, np.float32(3)) for n in (1, -7)]
    for bound, expected in calls * 2:
        assert_same(expected, bound())
    assert_same(np.float64(6.5), np.float64(compiled.bind(2.0, 3.0, 0.5)()))


def test_bound_many_arrays_and_spills(level):
    compiled = cpjit(
        function := lambda *arrays: sum(a * b for a in arrays for b in arrays), isa=level
    )
    arrays = [np.random.default_rng(k).normal(size=(6, 13))[:, ::2] for k in range(11)]
    with quiet():
        assert_same(function(*arrays), compiled.bind(*arrays)())


def test_bound_out_may_be_an_argument_but_not_overlap_one(level):
    compiled = cpjit(lambda x: x * 2.0, isa=level)
    x = np.arange(20.0)
    bound = compiled.bind(x, out=x)
    bound()
    assert_same(np.arange(20.0) * 4.0, bound())
    with pytest.raises(OutError):
        compiled.bind(x[:-1], out=x[1:])


# -- dtypes beside one another -------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("first", "second"), OUT_CASTS, ids=row_name)
def test_dtypes_beside_one_another(first, second, layout, level):
    function = function_of(OPS["multiply"])
    compiled = cpjit(function, isa=level)
    length = 4 * LEVELS[level].lanes(max(first.itemsize, second.itemsize)) + 2
    x, y = values(first, length), LAYOUTS[layout](values(second, length, 1))
    with quiet():
        for n in (1, 3, length - 3, length):
            assert_same(function(x[:n], y[:n]), compiled(x[:n], y[:n]), (first, second, n), x[:n])


def test_five_dtypes_in_one_kernel(level):
    def function(d, f, i, n, b):
        return np.where(b & (i > n), d * f, i + n) - np.where(f < d, n, ~b)

    compiled = cpjit(function, isa=level)
    for length in (0, 1, 7, 8, 9, 33):
        given = [values(dtype, length, 3) for dtype in (F64, F32, I64, I32, B)]
        for layout in LAYOUTS.values():
            operands = [layout(each) for each in given]
            with quiet():
                assert_same(function(*operands), compiled(*operands), length)


def test_any_byte_but_zero_is_true(level):
    raw = np.arange(256, dtype=np.uint8).view(bool)
    for function in (
        lambda b: ~b,
        lambda b: np.where(b, 1.0, 2.0),
        lambda b: b.astype(np.float64),
        lambda b: b.astype(np.int32),
        lambda b: np.logical_xor(b, True),
    ):
        expected = function(raw != np.zeros(256, bool))
        for view in (slice(None), slice(None, None, -3), slice(1, 68)):
            assert_same(expected[view], cpjit(function, isa=level)(raw[view]))


def test_a_result_that_is_an_argument_is_copied(level):
    compiled = cpjit(lambda x: x, isa=level)
    for x in (np.arange(9.0), np.arange(9.0)[::-2], np.ones((3, 4), bool).T):
        result = compiled(x)
        assert_same(x.copy(), result.copy())
        assert not np.shares_memory(x, result)


def test_a_constant_result_has_the_shape_of_the_argument(level):
    compiled = cpjit(lambda x: np.full_like(x, 3.0), isa=level)
    for shape in ((), (5,), (3, 4), (0,)):
        x = np.zeros(shape)
        assert_same(np.full_like(x, 3.0)[()], compiled(x)[()], shape)


def test_operators_in_place_write_to_no_argument(level):
    def function(x, y):
        total = x + y
        total += x
        total *= 2.0
        return operator.isub(total, y)

    x, y = array((23,)), array((23,), seed=1)
    before = x.copy(), y.copy()
    with quiet():
        expected = ((before[0] + before[1]) + before[0]) * 2.0 - before[1]
        assert_same(expected, cpjit(function, isa=level)(x, y))
    assert_same(before[0], x)
    assert_same(before[1], y)


def test_integers_compare_exactly_beyond_float64(level):
    x = np.array([2**53, 2**53 + 1, 2**63 - 1, -(2**63)], np.int64)
    compiled = cpjit(lambda x, n: x == n, isa=level)
    for n in (2**53 + 1, 2**63 - 1):
        assert (x == n).tolist() == compiled(x, n).tolist()
    assert [I64, I32] == [from_numpy(np.dtype(each)) for each in ("i8", "i4")]


def test_a_function_that_looks_at_shapes_serves_each_shape(level):
    compiled = cpjit(lambda x: x / x.size, isa=level)
    for extent in (3, 4, 3, 5, 1, 4):
        assert_same(np.full(extent, 1 / extent), compiled(np.ones(extent)), extent)
    assert len(compiled.signatures) == 4
