"""With `accuracy="compensated"`, sums are as if computed with twice the precision and rounded."""

import functools
import math
import operator
import pickle
import warnings
from fractions import Fraction

import numpy as np
import pytest
from cases import HERE, assert_same

from cpnum import UnsupportedError, cpjit
from cpnum.compare.competitors import remade
from cpnum.jit import cache
from cpnum.run import memory
from cpnum.run.memory import ExecutableMemoryError

pytestmark = pytest.mark.skipif(not HERE, reason="no stencil pack fits this processor")

compensated = functools.partial(cpjit, accuracy="compensated")
exact = np.vectorize(Fraction, otypes=[object])
EPS = 2.0**-53


def ill_conditioned(shape, condition, seed=0):
    """Return numbers whose sums along any axis have about this condition number.

    Numbers of all magnitudes cancel but for their last bits, in pairs that stand apart.
    """
    chance = np.random.default_rng(seed)
    half = (shape[0] // 2, *shape[1:])
    magnitudes = 10.0 ** chance.uniform(-math.log10(condition), 0, half)
    x = chance.standard_normal(half) * magnitudes
    left = chance.standard_normal(half) / condition
    both = np.concatenate([x, left - x])
    return both[chance.permutation(shape[0])]


def bound_of(values, axis, roundings=2):
    """Return the error that is allowed: some roundings, and that of twice the precision."""
    total = np.abs(values.sum(axis=axis))
    count = values.size // max(np.size(total), 1)
    # Of one split, the second parts are at most 16/3 of what Rump, Ogita and Oishi's bound has.
    return total * Fraction(roundings * EPS) + np.abs(values).sum(axis=axis) * Fraction(
        6 * (count * EPS) ** 2
    )


def assert_near(result, values, axis=None, divisor=1, roundings=2):
    """Check a sum or mean of exact values along an axis."""
    error = np.abs(exact(result) * divisor - values.sum(axis=axis))
    assert np.all(error <= bound_of(values, axis, roundings))


# -- float64 ------------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", [1e5, 1e15, 1e20, 1e25])
@pytest.mark.parametrize("count", [2, 30, 1000, 20_000])
def test_ill_conditioned_sums(count, condition):
    x = ill_conditioned((count,), condition, count)
    for level in HERE:
        assert_near(compensated(np.sum, isa=level)(x), exact(x))
        assert_near(compensated(np.mean, isa=level)(x), exact(x), divisor=count, roundings=4)


def test_a_sum_is_that_of_fsum_up_to_the_last_bit():
    for seed in range(30):
        x = np.random.default_rng(seed).standard_normal(1000)
        result = compensated(np.sum)(x)
        assert abs(result - math.fsum(x)) <= np.spacing(abs(result))
    assert compensated(np.sum)(np.array([1.0, 1e-30, -1.0])) == 1e-30


AXES = [None, 0, 1, 2, -1, (0, 1), (0, 2), (1, 2), (2, 0), (0, 1, 2)]


@pytest.mark.parametrize("layout", ["C", "F", "strided"])
@pytest.mark.parametrize("axis", AXES)
def test_axes(axis, layout):
    x = ill_conditioned((20, 9, 13), 1e17)
    if layout == "F":
        x = np.asfortranarray(x)
    if layout == "strided":
        x = np.repeat(x, 2, axis=1)[:, ::-2]
    values = exact(x)
    count = x.size // np.sum(x, axis=axis).size
    for level in HERE:
        compiled = functools.partial(compensated, isa=level)
        assert_near(compiled(lambda x: x.sum(axis=axis))(x), values, axis)
        assert_near(compiled(lambda x: np.add.reduce(x, axis=axis))(x), values, axis)
        assert_near(compiled(lambda x: x.mean(axis))(x), values, axis, count, 4)
        kept = compiled(lambda x: np.sum(x, axis, keepdims=True))(x)
        assert kept.shape == np.sum(x, axis, keepdims=True).shape
        assert_near(kept.reshape(np.sum(x, axis).shape), values, axis)


def test_each_element_of_a_result_has_its_own_bound():
    x = np.array([[1e20, 1.0], [1.0, 1e-20], [-1e20, -1.0]])
    assert np.array_equal(compensated(lambda x: x.sum(axis=0))(x), [1.0, 1e-20])
    assert np.array_equal(compensated(lambda x: x.T.sum(axis=1))(x), [1.0, 1e-20])


def test_expressions():
    x, y = ill_conditioned((2000,), 1e12), np.random.default_rng(1).standard_normal(2000)
    assert_near(compensated(lambda x, y: (x * y).sum())(x, y), exact(x * y))
    assert_near(compensated(lambda x, y: np.sum(x - y))(x, y), exact(x - y))
    z = x.reshape(50, 40)
    assert_near(compensated(lambda z: (z * z - z).sum(axis=0))(z), exact(z * z - z), 0)
    small = np.array([[1.0, 2.0], [1e-20, 3.0], [-1.0, -5.0]])
    result = compensated(lambda x: np.sum([x[0], x[1], x[2]], axis=0))(small)
    assert np.array_equal(result, [1e-20, 0.0])


def test_initial_values_and_masks():
    x = np.array([[1.0, 2.0], [1e-20, 1e-18], [3.0, 4.0]])
    assert compensated(lambda x: x[:, 0].sum(initial=-4.0))(x) == 1e-20
    assert compensated(lambda x, c: x[:, 0].sum(initial=c))(x, -4.0) == 1e-20
    result = compensated(lambda x: x.sum(axis=0, initial=-4, where=x < 4))(x)
    assert np.array_equal(result, [1e-20, -2.0])
    mask = np.array([[True, False], [True, True], [False, False]])
    chosen = np.where(mask, x, 0)
    y = np.concatenate([x, [[-1.0, np.inf]]])
    masks = np.concatenate([mask, [[True, False]]])
    assert_near(compensated(lambda x, m: x.sum(where=m))(x, mask), exact(chosen))
    mean = compensated(lambda x, m: x.mean(axis=0, where=m))(y, masks)
    assert np.allclose(mean, [1e-20 / 3, 1e-18], rtol=1e-15, atol=0)


def test_out():
    x = ill_conditioned((100, 4), 1e17)
    out = np.empty(4)
    assert compensated(lambda x: x.sum(axis=0))(x, out=out) is out
    assert_near(out, exact(x), 0)

    def written(x, y):
        np.sum(x, axis=0, out=y)

    out = np.empty(4)
    compensated(written)(x, out)
    assert_near(out, exact(x), 0)


def test_bound_calls():
    x = ill_conditioned((300, 5), 1e17)
    for function, axis in [(np.sum, None), (lambda x: x.sum(axis=0), 0)]:
        bound = compensated(function).bind(x)
        for seed in range(3):
            x[...] = ill_conditioned(x.shape, 1e17, seed)
            assert_near(bound(), exact(x), axis)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_levels_have_the_same_bits(axis):
    x = ill_conditioned((1000, 31), 1e17)
    for function in (np.sum, np.mean, np.var, np.nanstd):
        for each in (x, x.astype(np.float32)):
            reduced = functools.partial(function, axis=axis)
            expected, *others = [compensated(reduced, isa=level)(each) for level in HERE]
            for other in others:
                assert_same(expected, other)


# -- statistics ---------------------------------------------------------------------------------


def variance(values, axis, ddof=0):
    """Return the exact variance, rounded."""
    count = values.shape[axis]
    mean = values.sum(axis=axis, keepdims=True) / count
    return (((values - mean) ** 2).sum(axis=axis) / (count - ddof)).astype(float)


def test_statistics():
    x = 1e3 + np.random.default_rng(0).standard_normal((20_000, 2))
    values = exact(x)
    mean = (values.sum(axis=0) / len(x)).astype(float)
    with_nan = np.concatenate([x, np.full((2, 2), np.nan)])
    for expected, function, array in [
        (variance(values, 0), lambda x: x.var(axis=0), x),
        (np.sqrt(variance(values, 0, 1)), lambda x: np.std(x, axis=0, ddof=1), x),
        (variance(values, 0), lambda x: np.nanvar(x, axis=0), with_nan),
        (np.sqrt(variance(values, 0)), lambda x: np.nanstd(x, axis=0), with_nan),
        (mean, lambda x: np.average(x, axis=0), x),
        (mean, lambda x: np.nanmean(x, axis=0), with_nan),
        (values.sum(axis=0).astype(float), lambda x: np.nansum(x, axis=0), with_nan),
    ]:
        np.testing.assert_allclose(compensated(function)(array), expected, rtol=8 * EPS)
        assert not np.allclose(function(array), expected, rtol=8 * EPS, atol=0)  # NumPy's


def test_compositions_of_sums():
    x = ill_conditioned((1000,), 1e10)
    pairs = x[1:] + x[:-1]
    assert_near(compensated(np.trapezoid)(x), exact(pairs / 2.0))
    assert_near(compensated(np.nansum)(np.append(x, np.nan)), exact(x))
    weights = np.abs(x)
    average = compensated(lambda x, w: np.average(x, weights=w))(x, weights)
    expected = exact(x * weights).sum() / exact(weights).sum()
    assert abs(average - float(expected)) <= 4 * EPS * abs(float(expected))


# -- float32 ------------------------------------------------------------------------------------


def test_long_columns_of_float32():
    x = (100 + np.random.default_rng(0).random((10**6, 3))).astype(np.float32)
    expected = x.mean(axis=0, dtype=np.float64).astype(np.float32)
    mean = compensated(lambda x: x.mean(axis=0))
    assert_same(expected, mean(x))
    assert_same(expected, mean.bind(x)())
    total = x.sum(axis=0, dtype=np.float64).astype(np.float32)
    assert_same(total, compensated(lambda x: x.sum(axis=0))(x))
    wrong = np.abs(x.mean(axis=0) - expected) / expected
    assert wrong.max() > 0.005  # NumPy's


@pytest.mark.parametrize("name", "sum mean var std nansum nanmean nanvar nanstd average".split())
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_float32_is_rounded_once(name, axis):
    function = functools.partial(getattr(np, name), axis=axis)
    x = (1000 + np.random.default_rng(0).standard_normal((301, 70))).astype(np.float32)
    wide = function(x.astype(np.float64))
    result = compensated(function)(x)
    assert result.dtype == np.float32
    roundings = 2 if "n" in name else 1  # the division of a mean in float64 is another one
    assert np.all(np.abs(result - wide) <= 0.5001 * roundings * np.spacing(np.abs(result)))


def test_variance_of_neighbours():
    """A mean that is rounded to float32 would be one of them."""
    x = np.array([16777214.0, 16777215.0] * 100, np.float32)
    assert compensated(np.var)(x) == 0.25
    assert compensated(np.std)(x) == 0.5


@pytest.mark.parametrize("asked", [np.float32, np.float64])
@pytest.mark.parametrize("given", [np.float64, np.float32, np.int32])
@pytest.mark.parametrize("name", ["sum", "mean", "var", "std"])
def test_dtypes_that_are_asked_for(name, given, asked):
    x = (np.random.default_rng(0).standard_normal((50, 6)) * 100).astype(given)

    def function(x):
        return getattr(x, name)(axis=0, dtype=asked)

    result = compensated(function)(x)
    wide = getattr(x.astype(np.longdouble), name)(axis=0)
    assert result.dtype == asked
    np.testing.assert_allclose(result, wide.astype(asked), rtol=4 * np.finfo(asked).eps)


# -- what has no rounding -----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.bool_])
def test_integers_are_as_numpys(dtype):
    x = np.random.default_rng(0).integers(-1000, 1000, (200, 31)).astype(dtype)
    for function in (np.sum, np.prod, np.max, np.mean, np.cumsum, np.all):
        for axis in (None, 0, 1):
            reduced = functools.partial(function, axis=axis)
            assert_same(reduced(x), compensated(reduced)(x))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_other_reductions_are_as_numpys(dtype):
    x = np.random.default_rng(0).standard_normal((200, 31)).astype(dtype)
    for function in (np.min, np.max, np.prod, np.cumsum, np.ptp, np.any, np.nanmax):
        for axis in (None, 0, 1):
            if function is np.cumsum and axis is None:
                continue
            reduced = functools.partial(function, axis=axis)
            assert_same(reduced(x), compensated(reduced)(x))


# -- special values and warnings ----------------------------------------------------------------

INF, NAN = np.inf, np.nan
SPECIAL = {
    "infinity": [1, INF, 2],
    "both infinities": [1, INF, -INF],
    "nan": [NAN, 1, 2],
    "nan and infinity": [NAN, INF, 1],
    "huge": [1e308, 1e308, 1],
    "largest": [1.7e308, 1.7e308],
    "huge that cancel": [1e308, -1e308, 1e308, -1e308],
    "smallest": [5e-324, 5e-324, 1e-310],
    "smallest that cancel": [5e-324, -5e-324],
    "at the limit": [2.0**959, 2.0**959, 1, -(2.0**959), -(2.0**959)],
    "below the limit": [2.0**958, 2.0**880, -(2.0**958)],
    "empty": [],
    "one": [0.1],
    "negative zeros": [-0.0, -0.0],
    "zeros": [0.0, -0.0],
    "a negative zero": [-0.0],
}


def told(function, *arguments):
    """Return a result, and the texts of its warnings, of which some are of a scalar in NumPy."""
    with warnings.catch_warnings(record=True) as found, np.errstate(all="warn"):
        warnings.simplefilter("always")
        result = function(*arguments)
    return result, sorted(str(each.message).replace("scalar ", "") for each in found)


@pytest.mark.parametrize("level", HERE)
@pytest.mark.parametrize("name", ["sum", "mean", "var"])
@pytest.mark.parametrize("case", SPECIAL)
def test_special_values(case, name, level):
    x = np.array(SPECIAL[case], np.float64)
    for axis, shape in [(None, x.shape), (0, x.shape), (0, (x.size, 1)), (1, (1, x.size))]:
        function = functools.partial(getattr(np, name), axis=axis)
        expected, warned = told(function, x.reshape(shape))
        result, warned_here = told(compensated(function, isa=level), x.reshape(shape))
        if case == "below the limit" and name != "var" and np.size(result) == 1:
            count = 1 if name == "sum" else 3
            expected = np.full_like(expected, 2.0**880 / count)[()]
        assert_same(expected, result)
        if name == "var":  # of nothing, it warns of its mean, too, as it does without the option
            warned, warned_here = sorted(set(warned)), sorted(set(warned_here))
        assert warned_here == warned


@pytest.mark.parametrize("case", ["infinity", "both infinities", "nan", "negative zeros", "empty"])
def test_special_values_of_float32(case):
    x = np.array(SPECIAL[case], np.float32)
    for name in ("sum", "mean"):
        function = getattr(np, name)
        expected, warned = told(function, x)
        result, warned_here = told(compensated(function), x)
        assert_same(expected, result)
        assert warned_here == warned


def test_tiny_numbers_are_added_exactly():
    assert compensated(np.sum)(np.array([1e-300, 1e-316, -1e-300])) == 1e-316


def test_float32_overflows_at_its_end_only():
    x = np.array([3e38, 3e38, -3e38], np.float32)
    result, warned = told(compensated(np.sum), x)
    assert (result, warned) == (np.float32(3e38), [])
    result, warned = told(compensated(np.sum), x[:2])
    assert (result, warned) == (np.inf, ["overflow encountered in cast"])


def test_dimensionless():
    for x in (np.array(0.1), np.array(0.1, np.float32)):
        for function in (np.sum, np.mean):
            assert_same(function(x), compensated(function)(x))
    assert compensated(lambda x: x[0].sum())(np.ones(3)) == 1.0


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_errors_of_an_expression_are_reported_once(axis):
    x = np.random.default_rng(0).standard_normal((50, 40))
    x[3] = 1e200

    def summed(x):
        return (x * x).sum(axis=axis)

    for level in HERE:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            compensated(summed, isa=level)(x)
        assert [str(each.message) for each in found] == ["overflow encountered in multiply"]
        assert found[0].filename == __file__
    called = []
    with np.errstate(over="call", call=lambda kind, flag: called.append(kind)):
        compensated(summed)(x)
    assert called == ["overflow"]
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="multiply"):
        compensated(summed)(x)


def test_errors_of_other_reductions_are_reported():
    x = np.array([-1.0, 4.0])
    result, warned = told(compensated(lambda x: (np.sqrt(x).max(), (x * x).sum())), x)
    assert np.isnan(result[0])
    assert warned == ["invalid value encountered in sqrt"]


def test_errors_of_a_sum_are_reported_at_the_users_line():
    x = np.array([1e308, 1e308])
    with pytest.warns(RuntimeWarning, match="overflow encountered in reduce") as found:
        assert compensated(lambda x: x.sum())(x) == np.inf
    assert found[0].filename == __file__


def test_inside_of_errstate():
    def summed(x):
        with np.errstate(over="ignore"):
            return (x * x).sum(axis=0)

    x = ill_conditioned((200, 3), 1e15)
    assert_near(compensated(summed)(x), exact(x * x), 0)
    x[0] = 1e300
    assert told(compensated(summed), x)[1] == []


def test_axes_that_are_not_there():
    with pytest.raises(np.exceptions.AxisError):
        compensated(lambda x: x.sum(axis=7))(np.ones(3))


# -- the program --------------------------------------------------------------------------------


def test_two_passes_and_nothing_that_is_stored():
    x = np.ones((300, 300))
    passes = {
        "sum": (2, x, lambda x: (x * x + 1).sum()),
        "sum along an axis": (2, x, lambda x: (x * x).sum(axis=1)),
        "mean of exponentials": (2, x, lambda x: np.exp(x).mean(axis=0)),
        "standard deviation": (4, x, np.std),
        "sum of float32": (1, x.astype(np.float32), lambda x: (x * x).sum(axis=0)),
        "standard deviation of float32": (2, x.astype(np.float32), np.std),
    }
    for name, (count, array, function) in passes.items():
        rows = compensated(function).explain(array).steps.rows
        assert sum(row.read >= array.nbytes for row in rows) == count, name
        assert sum(row.written for row in rows) < 20_000, name


def test_several_sums_of_one_function():
    x = ill_conditioned((1000,), 1e17)
    low, high, total, mean, squares = compensated(
        lambda x: (x.min(), x.max(), x.sum(), x.mean(), (x * x).sum())
    )(x)
    assert (low, high) == (x.min(), x.max())
    assert_near(total, exact(x))
    assert_near(mean, exact(x), divisor=1000, roundings=4)
    assert_near(squares, exact(x * x))


def test_sums_between_writes():
    def rounds(x):
        for row in range(3):
            x[row + 1] += x[row].sum()
        return x.sum(axis=0)

    x = np.array([[1.0, 2.0**-70, -1.0], [0, 0, 0], [0, 0, 0], [0, 0, 0]])
    result = compensated(rounds)(x)
    assert np.array_equal(x[:, 0], [1.0, 2.0**-70, 3 * 2.0**-70, 9 * 2.0**-70])
    assert result[1] == 14 * 2.0**-70


def test_python_may_look_at_a_sum():
    def doubled(x):
        return x * 2 if x.sum() > 0 else x

    x = np.array([1.0, 1e-20, -1.0])
    assert np.array_equal(compensated(doubled)(x), x * 2)
    assert np.array_equal(doubled(x), x)


def test_small_arrays_do_not_run_as_written():
    x = np.array([1.0, 1e-20, -1.0])
    compiled = compensated(np.sum)
    for _ in range(3):
        assert compiled(x) == 1e-20
    assert not compiled.explain(x).steps.why
    assert "too small" in cpjit(np.sum).explain(x).steps.why


def test_numpy_evaluates_where_code_cannot_run(monkeypatch):
    def refuse(data, head):
        raise ExecutableMemoryError("the system refuses executable memory", seen="a test")

    monkeypatch.setattr(memory, "place", refuse)
    x = ill_conditioned((100, 3), 1e17)
    with pytest.warns(RuntimeWarning, match="evaluated by NumPy"):
        result = compensated(lambda x: x.sum(axis=0))(x)
    assert_near(result, exact(x), 0)


def test_functions_that_call_each_other(monkeypatch):
    """What is called by a compensated function, and what it calls, is so, for any size."""
    x = np.array([1.0, 1e-20, -1.0])
    plain, careful = cpjit(lambda x: x.sum()), compensated(lambda x: x.sum())
    assert compensated(lambda x: plain(x) * 2)(x) == 2e-20
    monkeypatch.setattr(cache, "_LEAST_SAVED", -np.inf)
    assert cpjit(lambda x: (careful(x) * 2, x.sum(), plain(x)))(x) == (2e-20, 0.0, 0.0)
    with pytest.raises(UnsupportedError, match="its call by a function with fastmath=True"):
        cpjit(lambda x: careful(x * 2), fastmath=True)(x)


# -- the option ---------------------------------------------------------------------------------


def test_the_option():
    assert cpjit(np.sum).accuracy == "numpy"
    assert cpjit(accuracy="compensated")(np.sum).accuracy == "compensated"
    with pytest.raises(ValueError, match='accuracy is "numpy" or "compensated"'):
        cpjit(np.sum, accuracy="exact")
    with pytest.raises(ValueError, match='with accuracy="compensated", fastmath must be False'):
        cpjit(np.sum, accuracy="compensated", fastmath=True)


def _summed(x):
    return x.sum()


def test_it_goes_with_the_function():
    x = np.array([1.0, 1e-20, -1.0])
    compiled = compensated(_summed)
    for other in (remade(compiled), pickle.loads(pickle.dumps(compiled))):
        assert other.accuracy == "compensated"
        assert other(x) == 1e-20


def test_no_advice_of_what_is_excluded():
    def scaled(x):
        return (x * 3.0 + 1.0).sum(axis=0)

    def advised(compiled):
        reports = compiled.explain(np.ones((300, 300))).each
        return any("fastmath" in reason.text for report in reports for reason in report.why())

    assert advised(cpjit(scaled))
    assert not advised(compensated(scaled))


def test_the_magic_knows_the_option():
    from cpnum.notebook.options import OPTIONS

    option = next(each for each in OPTIONS if "--accuracy" in each.names)
    assert option.values == ("numpy", "compensated")
    assert operator.attrgetter("default")(option) == "numpy"
