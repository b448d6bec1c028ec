"""Reductions in loops have NumPy's bits, for all lengths, layouts and axes, on each ISA level."""

import functools
import itertools
import random
import struct
import tracemalloc
import warnings

import numpy as np
import pytest
from cases import HERE, assert_same, quiet
from kernels.trying import enters

from cpnum import UnsupportedError, cpjit
from cpnum.compile.tree import Leaf, leaves, parts, table_of
from cpnum.jit import cache
from cpnum.run import planning
from cpnum.run.folds import FoldPlan, NumpyFold
from cpnum.run.memory import ffi
from cpnum.run.recipe import filled_block
from cpnum.tables.dtypes import DTYPES, F32, F64

pytestmark = pytest.mark.skipif(not HERE, reason="no stencil pack fits this processor")

LENGTHS = [*range(41), 63, 64, 65, 127, 128, 129, 130, 136, 200, 255, 256, 257, 264, 300]
LENGTHS += [1000, 1024, 1025, 8191, 8192, 8193, 16384, 65535, 65536, 65537]
FOLDS = {
    "sum": lambda x: x.sum(),
    "sum of an expression": lambda x: np.sum(x * x + 1),
    "min": lambda x: x.min(),
    "max of an expression": lambda x: np.max(x + x),
    "any": lambda x: (x > 1).any(),
    "all": lambda x: np.all(x),
    "add.reduce": lambda x: np.add.reduce(x),
    "product": lambda x: np.prod(x),
    "product of an expression": lambda x: np.multiply.reduce(x * 0.5 + 1, initial=2),
    "running sum": lambda x: np.cumsum(x),
    "running product": lambda x: (x * x).cumprod(),
    "running max": lambda x: np.maximum.accumulate(x),
}


@pytest.fixture(autouse=True)
def plans(monkeypatch):
    """Compile programs of small arrays, too; return the kinds of plans that are made."""
    monkeypatch.setattr(cache, "_LEAST_SAVED", -np.inf)
    found = []

    def noted(kind):
        def make(*arguments):
            found.append(kind)
            return kind(*arguments)

        return make

    for kind in (FoldPlan, NumpyFold):
        monkeypatch.setattr(planning, kind.__name__, noted(kind))
    return found


def numbers(dtype, shape, seed=0):
    """Return an array of numbers that are added with errors; those of bool are seldom false."""
    chance = np.random.default_rng(seed)
    if dtype.family == "B":
        return chance.random(shape) < 0.99
    return (chance.standard_normal(shape) * 100).astype(dtype.numpy)


def check(function, *arguments, levels=HERE):
    with quiet(), warnings.catch_warnings():
        for each in ("Degrees of freedom <= 0", "Mean of empty slice", "All-NaN slice"):
            warnings.filterwarnings("ignore", each)
        expected = function(*arguments)
        for level in levels:
            compiled = cpjit(function, isa=level)
            for _ in range(2):
                assert_same(expected, compiled(*arguments), level)


# -- one axis -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [each for each in DTYPES if each.family != "B"], ids=str)
@pytest.mark.parametrize("name", FOLDS)
def test_all_lengths(name, dtype, plans):
    function = FOLDS[name]
    compiled = {level: cpjit(function, isa=level) for level in HERE}
    for length in LENGTHS:
        if not length and name.startswith("m"):
            continue  # of no element, NumPy has an error
        x = numbers(dtype, length)
        with quiet():
            expected = function(x)
            for level, each in compiled.items():
                assert_same(expected, each(x), (level, length))
    # That of no element, and the running ones of one element.
    apart = {"m": 0, "r": 2}.get(name[0], 1)
    assert plans.count(NumpyFold) == len(HERE) * apart


@pytest.mark.parametrize("name", ["any", "all"])
def test_booleans(name):
    method = {"any": np.any, "all": np.all}[name]
    compiled = {level: cpjit(lambda x: method(x), isa=level) for level in HERE}
    for length in LENGTHS[1:]:
        for at in (None, 0, length // 2, length - 1):
            x = np.full(length, name == "all")
            if at is not None:
                x[at] = not x[at]
            for each in compiled.values():
                assert_same(method(x), each(x), (length, at))


def test_what_is_decided_is_not_looked_at():
    for function, stops in (
        (lambda x: (x > 0).any(), True),
        (lambda x: np.all(x > 0, axis=1), True),
        (lambda x: (x > 0).any(axis=0), False),
        (lambda x: ((x > 0).any(), (x < 0).all()), False),
    ):
        used = [str(each) for each in cpjit(function).lower(np.ones((5, 300))).instances]
        assert any("stop_logical" in each for each in used) == stops


@pytest.mark.parametrize("dtype", [F64, F32], ids=str)
def test_special_values(dtype):
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e30, -1e30, 1.0], dtype.numpy)
    for length in (1, 2, 3, 9, 17, 130):
        for first, second in itertools.product(special, special):
            x = np.full(length, first)
            x[length // 2 :] = second
            check(lambda x: x.sum(), x)
            if not (first == second == 0.0):
                check(lambda x: x.max(), x)
                check(lambda x: x.min(), x)


def test_the_sum_of_nothing():
    for dtype in DTYPES:
        check(lambda x: x.sum(), np.zeros(0, dtype.numpy))
        check(lambda x: x.sum(axis=1), np.zeros((3, 0), dtype.numpy))
        check(lambda x: x.sum(axis=0), np.zeros((3, 0), dtype.numpy))
        with pytest.raises(ValueError, match="zero-size array to reduction operation maximum"):
            cpjit(lambda x: x.max())(np.zeros(0, dtype.numpy))


def test_negative_zeros():
    for length in (1, 7, 8, 9, 300):
        check(lambda x: x.sum(), np.full(length, -0.0))
        check(lambda x: x.sum(axis=0), np.full((length, 3), -0.0))


# -- several axes -------------------------------------------------------------------------------


def laid_out(x, kind, chance):
    """Return an array with other strides."""
    if kind == "Fortran order":
        return np.asfortranarray(x)
    if kind == "reversed":
        return x[tuple([slice(None, None, chance.choice([1, -1])) for _ in x.shape])]
    if kind == "every third":
        return np.repeat(x, 3, axis=-1)[..., ::3]
    if kind == "cut":
        return np.pad(x, 1)[tuple([slice(1, -1)] * x.ndim)]
    if kind == "broadcast":
        return np.broadcast_to(x[..., :1], x.shape)
    if kind == "permuted":
        order = chance.sample(range(x.ndim), x.ndim)
        return np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
    if kind == "misaligned":
        memory = np.zeros(x.nbytes + 1, np.uint8)[1:].view(x.dtype).reshape(x.shape)
        memory[...] = x
        return memory
    return x


def of_an_argument(fold):
    return lambda x: fold(x)


def of_an_expression(fold):
    return lambda x, y: fold(x * y + 1)


def of_a_broadcast(fold):
    return lambda x, y: fold(y - x[..., :1])


KINDS = "C order,Fortran order,reversed,every third,cut,broadcast,permuted,misaligned".split(",")
FUNCTIONS = [np.sum, np.max, np.min, np.any, np.all, np.add.reduce, np.maximum.reduce]
FUNCTIONS += [np.prod, np.multiply.reduce]
FUNCTIONS += [np.mean, np.var, np.std, np.ptp, functools.partial(np.var, ddof=1)]
EXTENTS = (1, 2, 3, 5, 7, 8, 9, 17, 20, 40, 90, 150)


@pytest.mark.parametrize("seed", range(20))
def test_random_axes(seed, plans):
    chance = random.Random(seed)
    for _ in range(12):
        axes = chance.choice([1, 2, 2, 3, 3, 4])
        shape = [chance.choice(EXTENTS[: (12, 12, 9, 6)[axes - 1]]) for _ in range(axes)]
        dtype = chance.choice(DTYPES)
        x = laid_out(numbers(dtype, shape, seed), chance.choice(KINDS), chance)
        y = numbers(dtype, shape[-1:], seed + 1)
        several = tuple(chance.sample(range(axes), chance.randrange(1, axes + 1)))
        axis = chance.choice([None, *range(-axes, axes), several])
        of = chance.choice(FUNCTIONS if dtype.family != "B" else FUNCTIONS[:9])
        fold = functools.partial(of, axis=axis, keepdims=chance.random() < 0.3)
        check(of_an_argument(fold), x)
        if dtype.family != "B":
            check(of_an_expression(fold), x, y)
            check(of_a_broadcast(fold), x, y)
    assert plans.count(FoldPlan) > plans.count(NumpyFold)


SCANS = [np.cumsum, np.cumprod, np.cumulative_sum, np.cumulative_prod]
SCANS += [np.add.accumulate, np.minimum.accumulate, np.fmax.accumulate]


@pytest.mark.parametrize("seed", range(12))
def test_random_axes_of_scans(seed, plans):
    chance = random.Random(seed)
    for _ in range(12):
        axes = chance.choice([1, 2, 2, 3])
        shape = [chance.choice(EXTENTS[: (12, 12, 9)[axes - 1]]) for _ in range(axes)]
        dtype = chance.choice([each for each in DTYPES if each.family != "B"])
        x = laid_out(numbers(dtype, shape, seed), chance.choice(KINDS), chance)
        y = numbers(dtype, shape[-1:], seed + 1)
        scan = functools.partial(chance.choice(SCANS), axis=chance.randrange(-axes, axes))
        check(of_an_argument(scan), x)
        check(of_an_expression(scan), x, y)
        check(lambda x, y: (scan(x * y), np.max(x * y), x * y - 1), x, y)  # noqa: B023
        with quiet():
            result, expected = cpjit(lambda x: scan(x))(x), scan(x)  # noqa: B023
        for extent, *strides in zip(x.shape, result.strides, expected.strides, strict=True):
            assert extent == 1 or strides[0] == strides[1]
    assert plans.count(FoldPlan) > plans.count(NumpyFold)


CUT = [
    # The expression is stored without gaps, and summed as such.
    lambda x, y: ((x - y)[1:-1, 1:-1] ** 2).sum(),
    lambda x, y: (x[1:-1, 1:-1] * y[1:-1, 1:-1]).mean(),
    lambda x, y: (x[:, 1:] * 2 + y[:, :-1]).var(ddof=1),
    lambda x, y: (x[:, 3:] / y[:, 3:]).sum(dtype=np.float32),
    lambda x, y: ((x @ y.T)[:, 1:] * 2).sum(),
    lambda x, y: np.nansum(x[1:, 1:] - y[1:, 1:], keepdims=True),
    # The view has gaps.
    lambda x, y: x[1:-1, 1:-1].sum(),
    lambda x, y: (x * y)[1:-1, 1:-1].sum(),
    lambda x, y: (x * y)[:, ::3].mean(),
    lambda x, y: (x * y).T[2:].std(),
    lambda x, y: np.broadcast_to(x * y, (3, *x.shape)).sum(),
    lambda x, y: (x[..., None] * y[:, None])[:, 3].sum(),
    lambda x, y: (x * y)[None, :, 2:].sum(axis=(1, 2)),
    # And here it has none, or is of one axis.
    lambda x, y: (x * y)[1:].sum(),
    lambda x, y: (x * y)[0].sum(),
    lambda x, y: (x * y)[1:, 1:].ravel().sum(),
    lambda x, y: (x * y)[1:, 1:].sum(axis=1),
]


@pytest.mark.parametrize("number", range(len(CUT)))
def test_sums_of_cut_arrays(number):
    function = CUT[number]
    for shape, dtype in (((5, 7), F32), ((130, 131), F64), ((130, 131), F32), ((300, 200), F64)):
        x, y = numbers(dtype, shape), numbers(dtype, shape, 1)
        for order in ("C", "F"):
            check(function, np.asarray(x, order=order), np.asarray(y, order=order))


def test_cut_arrays_are_summed_by_kernels(plans):
    for function in CUT[:6]:
        x, y = numbers(F64, (130, 131)), numbers(F64, (130, 131), 1)
        check(function, x, y)
    assert NumpyFold not in plans


RESHAPED = [
    lambda x: (x.T.reshape(-1) * 2).sum(),
    lambda x: x.T.ravel().max(),
    lambda x: (x.T.reshape(-1) * 2, x.T.reshape(-1).sum(), x.T.reshape(-1).min()),
    lambda x: (x.T.reshape(2, -1) + 1).sum(axis=1),
    lambda x: x[::2].T.reshape(-1, 2).mean(axis=0),
    lambda x: (x.reshape(-1) * np.arange(24.0).reshape(4, 6).T.reshape(-1)).sum(),
]


@pytest.mark.parametrize("number", range(len(RESHAPED)))
def test_views_that_numpy_copies(number, plans):
    for dtype in (F64, F32):
        x = numbers(dtype, (4, 6))
        for each in (x, np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2]):
            check(RESHAPED[number], each)
    assert FoldPlan in plans


def test_results_lie_in_memory_as_numpys():
    x = np.ones((4, 5, 6))
    for order in itertools.permutations(range(3)):
        y = np.ascontiguousarray(x.transpose(order)).transpose(np.argsort(order))
        for axis in range(3):
            fold = functools.partial(np.sum, axis=axis)
            for function in (fold, of_an_argument(fold)):
                assert cpjit(of_an_argument(fold))(y).strides == function(y).strides
                assert cpjit(lambda y, fold=fold: fold(y * 2))(y).strides == function(y).strides


# -- statistics ---------------------------------------------------------------------------------


STATISTICS = {
    "mean": lambda x: x.mean(),
    "mean of rows": lambda x: np.mean(x, axis=-1, keepdims=True),
    "variance": lambda x: x.var(ddof=1),
    "deviation": lambda x: np.std(x, axis=0),
    "range": lambda x: np.ptp(x, axis=0),
    "average": lambda x: np.average(x, axis=0),
    "sum but nan": lambda x: np.nansum(np.where(x > 5, np.nan, x), axis=-1),
    "product but nan": lambda x: np.nanprod(np.where(x > 5, np.nan, x), axis=-1),
    "running sum but nan": lambda x: np.nancumsum(np.where(x > 5, np.nan, x), axis=-1),
    "mean but nan": lambda x: np.nanmean(np.where(x > 90, np.nan, x), axis=0),
    "variance but nan": lambda x: np.nanvar(np.where(x > 5, np.nan, x), axis=-1, ddof=1),
    "deviation but nan": lambda x: np.nanstd(np.where(x > 5, np.nan, x), axis=0, keepdims=True),
    "min but nan": lambda x: np.nanmin(np.where(x > 5, np.nan, x), axis=0),
    "max but nan": lambda x: np.nanmax(np.where(x > 5, np.nan, x)),
    "weighted average": lambda x: np.average(x, axis=-1, weights=x * x),
    "trapezoid": lambda x: np.trapezoid(x, dx=0.5),
    "norm": lambda x: np.linalg.norm(x, axis=-1),
    "sum of sizes": lambda x: np.linalg.norm(x, 1, axis=0),
    "max from a value": lambda x: np.max(x, axis=0, initial=3.5),
    "sum from a value": lambda x: x.sum(axis=-1, initial=3),
    "chosen max": lambda x: x.max(axis=0, where=x > 0, initial=-1),
    "chosen product": lambda x: np.prod(x, where=x > 9),
    "any of chosen": lambda x: np.any(x > 50, axis=0, where=x > -3),
    "Frobenius norm": lambda x: np.linalg.norm(x[None], axis=(0, -1)),
    "count": lambda x: np.count_nonzero(x > 0, axis=0),
    "standard scores": lambda x: (x - x.mean(axis=0)) / x.std(axis=0),
}


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("dtype", [F64, F32], ids=str)
def test_statistics(name, dtype, plans):
    for shape in ((2,), (9, 3), (3, 300), (300, 3), (20, 7, 9)):
        check(STATISTICS[name], numbers(dtype, shape))
    assert FoldPlan in plans
    assert NumpyFold not in plans


def test_statistics_of_too_few_elements_warn_as_numpys():
    def told(function, x):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert np.isnan(function(x)).all()
        return [(str(each.message), each.filename) for each in caught]

    for function, shape in (
        (lambda x: x.var(ddof=2), 2),
        (lambda x: x.std(axis=0, ddof=5), (3, 4)),
        (lambda x: x.var(), 0),
        (lambda x: x.mean(), 0),
        (lambda x: x.mean(axis=1), (3, 0)),
        (lambda x: np.nanmean(x * np.nan), 3),
        (lambda x: np.nanmax(x * np.nan, axis=0)[:1], (3, 4)),
        (lambda x: np.nanmin(x / x * np.nan), (3, 4)),
        (lambda x: np.nanvar(x * np.nan, axis=1), (3, 4)),
        (lambda x: np.nanstd(x, ddof=12), (3, 4)),
    ):
        expected = {message for message, _ in told(function, np.ones(shape))}
        assert expected
        found = told(cpjit(function), np.ones(shape))
        assert {message for message, _ in found} == expected
        assert {file for _, file in found} == {__file__}


def test_other_arguments_are_numpys():
    x = numbers(F64, (5, 7))
    for function in (
        lambda x: np.var(x, correction=1),
        lambda x: np.mean(x, where=x > 0),
        lambda x: np.sum(x, where=x > 0),
        lambda x: np.max(x, axis=0, where=[True, False] * 3 + [True], initial=0),
        lambda x: np.max(x.astype(np.int64), initial=3),
        lambda x: x.astype(np.int32).prod(initial=2),
        lambda x: np.sum(x, initial=np.float32(0.1)),
        lambda x: np.cumsum(x),
        lambda x: x.cumprod(dtype=np.float32),
        lambda x: np.cumulative_sum(x, axis=1, include_initial=True),
        lambda x: np.cumulative_sum(x[0], include_initial=False),
        lambda x: np.cumsum(x, 1, np.float32),
        lambda x: np.nanmean(x, dtype=np.float32),
        lambda x: np.nanvar(x, 0, np.float32),
        lambda x: np.nansum(x, 1, np.float32),
        lambda x: np.nanmax(x, where=x > 0, initial=0.5),
        lambda x: np.nanmin((x > 0) * 2, axis=1),
        lambda x: np.trapezoid(x, np.arange(7.0)),
        lambda x: np.trapezoid(x[0], x[1]),
        lambda x: np.average(x, axis=1, weights=np.arange(7.0)),
        lambda x: np.std(x, dtype=np.float32),
        lambda x: np.sum(x, dtype=np.int32),
        lambda x: np.mean(x, dtype=np.int64),
        lambda x: np.ptp(x, 0, None),
        lambda x: np.var(x, 0, None, None, 1, True),
        lambda x: x.std(1, ddof=1),
        lambda x: np.max(x, axis=1, initial=np.float64(2)),
        lambda x: np.average(x, weights=x, returned=True),
        lambda x: np.nansum(x, dtype=np.float32),
        lambda x: np.linalg.norm(x, 1, axis=0),
        lambda x: np.linalg.norm(x),
        lambda x: np.count_nonzero(x),
    ):
        check(function, x)


@pytest.mark.parametrize("length", [100, 8191, 8192, 8193, 16384, 30_000])
def test_sums_of_converted_elements_are_added_in_pieces(length, plans):
    whole = np.random.default_rng(0).integers(-(10**15), 10**15, length)
    for function in (
        lambda x: x.mean(),
        lambda x: np.sum(x, dtype=np.float64),
        lambda x: np.std(x, axis=-1, ddof=1),
        lambda x: np.average(x),
    ):
        check(function, whole)
        check(function, np.stack([whole, whole[::-1] // 3]))
        check(function, np.stack([whole, whole[::-1] // 3]).T)
        check(function, whole.astype(np.int32))
    check(lambda x: x.mean(), whole % 3 == 0)
    check(lambda x: np.sum(x, axis=0, dtype=np.float64), whole.astype(np.float32))
    check(lambda x: np.mean(x, dtype=np.float64), whole.astype(np.float32))
    assert NumpyFold not in plans
    check(lambda x: x.sum(), laid_out(whole / 7, "misaligned", random))
    assert NumpyFold not in plans


def test_short_sums_go_along_a_kept_axis():
    """The kernel of a sum over up to 7 elements has no tree, but vectors of results."""

    def distances(a, b):
        return ((a[:, None] - b) ** 2).sum(axis=-1)

    for count in (1, 2, 3, 7, 8, 9):
        a, b = numbers(F64, (30, count)), numbers(F64, (40, count), 1)
        check(distances, a, b)
        (fold,) = cpjit(distances).lower(a, b).loop_nest.stores
        assert fold.is_tree == (count > 7)


@pytest.mark.parametrize("axis", [0, 1, 2, (0, 1), (1, 2), (0, 2)])
@pytest.mark.parametrize(
    "shape", [(40, 5, 3), (5, 40, 3), (3, 5, 40), (3, 40, 40), (40, 40, 2), (9, 40, 1)]
)
def test_loops_go_along_any_axis(shape, axis):
    """Short axes are outside of long ones in the kernel, and nowhere else."""
    x, y = numbers(F64, shape), numbers(F64, shape[1:], 1)
    for order in ("C", "F"):
        x = np.asarray(x, order=order)
        check(lambda x: (x * x).sum(axis=axis), x)
        check(lambda x, y: (x - y).max(axis=axis), x, y)
        check(lambda x, y: (y * 2 - x[:1]).mean(axis=axis), x, y)


# -- several in one loop ------------------------------------------------------------------------


SHARED = {
    "a sum and others": (lambda x: (x.sum(), x.max(), x.min(), (x > 0).any()), 1),
    "two sums": (lambda x: (x.sum(), x.max(), (x * x).sum(), x.min()), 1),
    "six sums": (lambda x: tuple([(x * each).sum() for each in range(6)]), 2),
    "a mean and a variance": (lambda x: (x.mean(), x.max(), x.var()), 2),
    "products": (lambda x: (x.prod(), (x + 1).prod(), x.sum(), np.cumsum(x[0])), 2),
    "running sums": (lambda x: (x.cumsum(1), (x * x).cumsum(1), x.max(axis=1), x + 1), 1),
    "rows": (lambda x: (x.sum(axis=-1), x.max(axis=-1), x.min(axis=-1, keepdims=True)), 1),
    "columns": (lambda x: (x.sum(axis=0), (x * 2).sum(axis=0), x.max(axis=0)), 1),
    "rows and columns": (lambda x: (x.sum(axis=0), x.sum(axis=1), x.max(axis=1)), 1),
    "another value": (lambda x: (x.sum(axis=1), x * 2 + 1, np.max(x * 2, axis=0)), 1),
}


@pytest.mark.parametrize("name", SHARED)
@pytest.mark.parametrize("dtype", [F64, F32], ids=str)
def test_several_folds_share_a_loop(name, dtype):
    function, count = SHARED[name]
    for shape in ((50, 70), (3, 300), (300, 9), (17, 8)):
        x = numbers(dtype, shape)
        for each in (x, np.asfortranarray(x), x[::-1], x[:, ::2]):
            check(function, each)
    assert cpjit(function).lower(numbers(dtype, (50, 70))).graph is not None
    compiled = cpjit(function)
    with quiet():
        compiled(numbers(dtype, (50, 70)))
    assert compiled.compiled == count


@pytest.mark.parametrize("seed", range(12))
def test_random_folds_in_one_loop(seed):
    chance = random.Random(seed)
    for _ in range(6):
        axes = chance.choice([1, 2, 3])
        shape = [chance.choice(EXTENTS[: (12, 12, 9)[axes - 1]]) for _ in range(axes)]
        dtype = chance.choice(DTYPES)
        x = laid_out(numbers(dtype, shape, seed), chance.choice(KINDS), chance)
        folds = [
            functools.partial(
                chance.choice(FUNCTIONS[:6]),
                axis=chance.choice([None, *range(axes), tuple(range(axes))]),
                keepdims=chance.random() < 0.3,
            )
            for _ in range(3)
        ]
        check(lambda x, folds=folds: [fold(x) for fold in folds], x)
        if dtype.family != "B":
            check(lambda x, folds=folds: ([fold(x + 1) for fold in folds], x + 1), x)


# -- in programs --------------------------------------------------------------------------------


def softmax(x):
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def scaled_in_place(x):
    x /= x.sum()
    x -= x.max(axis=0)
    return (x * x).sum(axis=1)


def rounds(x):
    total = 0.0
    for row in range(5):
        total = total + x[row].sum()
        x[row + 1] += total
    return total


@pytest.mark.parametrize("function", [scaled_in_place, rounds])
def test_folds_between_writes(function):
    for level in HERE:
        compiled = cpjit(function, isa=level)
        for seed in range(3):
            x = numbers(F64, (7, 9), seed)
            y = x.copy()
            assert_same(function(x), compiled(y))
            assert_same(x, y)
        assert not enters(function, functools.partial(compiled, y))


def test_softmax():
    x = numbers(F64, (50, 33)) / 100
    actual = cpjit(softmax)(x)
    assert np.allclose(actual, softmax(x), rtol=1e-14)


def test_equal_folds_of_a_loop_share_a_kernel():
    def added(x):
        for row in range(5):
            x[row + 1] += x[row].sum()

    compiled = cpjit(added)
    compiled(numbers(F64, (7, 9)))
    assert compiled.compiled <= 2


def test_errors_are_reported_as_numpy_does():
    def summed(x):
        return (x * 2.0).sum()

    x = np.array([1e308, 1.0])
    for level in HERE:
        with pytest.warns(RuntimeWarning, match="overflow encountered in multiply"):
            assert cpjit(summed, isa=level)(x) == np.inf
        with pytest.warns(RuntimeWarning, match="overflow encountered in reduce") as told:
            assert cpjit(lambda x: x.sum(), isa=level)(np.array([1e308, 1e308])) == np.inf
        assert told[0].filename == __file__
        with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="reduce"):
            cpjit(lambda x: x.sum(), isa=level)(np.array([1e308, 1e308]))


def test_no_more_memory_than_the_result():
    """An expression is not stored before it is summed."""
    compiled = cpjit(lambda a, b: ((a[:, None] - b) ** 2).sum(axis=1))
    a, b = numbers(F64, 1000), numbers(F64, 1000, 1)
    expected = compiled(a, b)
    tracemalloc.start()
    assert_same(expected, compiled(a, b))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100_000  # all differences have 8 MB


# -- the tree -----------------------------------------------------------------------------------


@pytest.mark.parametrize("piece", [0, 8192])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 128, 129, 1000, 8192, 8193, 16384, 100_003])
def test_leaves_are_all_elements(count, piece):
    found = leaves(count, piece)
    assert sum(8 * each.blocks + each.rest for each in found) == count
    assert not any(each.rest for each in found[:-1])
    # Each leaf but the first is joined once, and all are one sum at the end.
    assert sum(each.joins for each in found) == len(found) - 1
    assert all(isinstance(each, Leaf) and each.blocks <= 16 for each in found)


@pytest.mark.parametrize("dtype", [F64, F32], ids=str)
@pytest.mark.parametrize("level", HERE)
def test_parts_of_a_tree_are_summed_at_any_time(level, dtype, monkeypatch):
    """A kernel computes each part, in a random order; what it joins are only their sums."""
    kernels = []

    def noted(loop, own, kernel, *more):
        kernels.append(kernel)
        return FoldPlan(loop, own, kernel, *more)

    monkeypatch.setattr(planning, "FoldPlan", noted)
    chance = random.Random(0)
    function = lambda x: (x * x / 3).sum()  # noqa: E731
    for length in (7, 128, 1000, 8193, 65_537, 300_000):
        x = numbers(dtype, length)
        bound = cpjit(function, isa=level).bind(x)
        assert_same(function(x), bound())
        kernel = kernels[-1]
        _, data = filled_block(kernel._recipe)
        slots = kernel._recipe.block
        for most in (128, 1000, 70_000):
            cut = parts(length, most)
            sums = np.full(len(cut), -0.0, dtype.numpy)
            for at in chance.sample(range(len(cut)), len(cut)):
                table = np.frombuffer(table_of(cut[at].elements), np.uint8)
                into = sums.ctypes.data + at * sums.itemsize
                struct.pack_into("<2Q", data, 0, x.ctypes.data, into)
                struct.pack_into("<Q", data, slots.first_leaf, table.ctypes.data)
                start = cut[at].start
                kernel.enter(ffi().from_buffer(data), start, start + cut[at].elements)
            waiting = []
            for part, total in zip(cut, sums, strict=True):
                for _ in range(part.joins):
                    total = waiting.pop() + total
                waiting.append(total)
            assert_same(function(x), waiting[0])
            assert len(waiting) == 1


FOUND = [
    # What the random search found.
    (lambda x: np.sum(x, axis=2, out=np.zeros((2, 4))), (2, 4, 9)),
    (lambda x: x.mean(axis=2, out=np.zeros((2, 4))), (2, 4, 9)),
    (lambda x: x.sum(axis=2, out=np.zeros((2, 4)), initial=3), (2, 4, 9)),
    (lambda x: np.argmax(x)[None].sum(), (3,)),
    (lambda x: np.broadcast_to(x.sum(), (3,)).max(), (3,)),
    (lambda x: np.prod(x + np.broadcast_to(x.sum(), (3,))), (3,)),
    (lambda x: x.max().reshape(1).max(), (3,)),
    (lambda x: np.where(x[0] > 0, x[0], 2.0).sum(), (3,)),
    (lambda x: np.cumsum(np.where(x[0] > 0, x[0], 2.0)), (3,)),
    (lambda x: np.where(x.sum() > 0, x.sum(), 2.0).max(), (3,)),
    (lambda x: np.max(x, axis=0), ()),
    (lambda x: np.maximum.reduce(x), ()),
    (lambda x: np.var((x.sum(axis=0) + x.sum(axis=1, keepdims=True)).T), (3, 3, 3)),
]


def test_out_of_ptp_and_of_numbers_is_refused():
    for function in (
        lambda x: np.ptp(x, axis=1, out=x[0]),
        lambda x: np.sum(x.sum(), out=np.zeros(())),
    ):
        with pytest.raises(UnsupportedError, match="the argument out of"):
            cpjit(function)(numbers(F64, (3, 3)))


@pytest.mark.parametrize("number", range(len(FOUND)))
def test_what_a_search_found(number):
    function, shape = FOUND[number]
    x = numbers(F64, shape) if shape else np.array(2.0)
    check(function, x)
    if len(shape) == 3:
        check(function, numbers(F64, (shape[1], shape[2], shape[0])).transpose(2, 0, 1))
