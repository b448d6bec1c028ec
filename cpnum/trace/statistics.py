"""NumPy's statistics as reductions that loops fold, and operators between them.

They follow NumPy's own steps (numpy/_core/_methods.py), so that their bits are the same.  What has
arguments that are not here is a call of NumPy's function.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from cpnum.tables.dtypes import F64
from cpnum.tables.reductions import BY_NAME
from cpnum.trace.array import Tracer
from cpnum.trace.calls import call
from cpnum.trace.chosen import is_chosen
from cpnum.trace.folds import CHECKED, DIVIDED, folded_dtype
from cpnum.trace.registry import FUNCTIONS, xp
from cpnum.trace.tracer import SCALAR
from cpnum.trace.writing import in_memory

_Function = Callable[..., Any]


def sum_over_count(values: Any, axis: Any = None, keepdims: bool = False, ddof: int = 0) -> Any:
    """Return the sum of values, divided by their number less `ddof`.

    >>> sum_over_count(np.arange(6.0).reshape(2, 3), axis=1, ddof=1)
    array([1.5, 6. ])
    """
    reduce, divide = cast(Any, np.add.reduce), cast(Any, np.true_divide)
    dtype = None if values.dtype.kind == "f" else np.float64
    total = reduce(values, axis=axis, dtype=dtype, keepdims=keepdims)
    count = _count(values.shape, axis)
    if ddof >= count:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=2)
    left = np.intp(max(count - ddof, 0))
    if isinstance(total, np.ndarray):
        return divide(total, left, out=total, casting="unsafe")
    return total.dtype.type(total / left)


def _count(shape: tuple[int, ...], axis: Any) -> int:
    axes = range(len(shape)) if axis is None else np.atleast_1d(axis).tolist()
    return math.prod([shape[each] for each in axes])


DIVIDED[sum_over_count] = 0


def sum_over_weights(total: Any, scale: Any) -> Any:
    """Return weighted sums, divided by the sums of their weights.

    Raises:  ZeroDivisionError if these are 0.
    """
    if np.any(scale == 0.0):
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    return total / scale


def _is_plain(
    array: Any, ddof: Any = 0, keepdims: Any = False, axis: Any = None, families: str = "F"
) -> bool:
    """Tell whether loops fold the statistics of an array, for these arguments."""
    return (
        isinstance(array, Tracer)
        and array.state != SCALAR
        and not is_chosen(array.known_shape)
        and bool(array.known_shape)
        and array.node.dtype.family in families
        and type(ddof) is int
        and isinstance(keepdims, bool)
        and (axis is None or type(axis) is int or type(axis) is tuple)
    )


def _enter(function: _Function, traced: _Function, *parameters: str) -> None:
    """Let a function stand for NumPy's, and for the method, where only these arguments are given.

    It returns None for other values of these.
    """
    name = function.__name__
    before = FUNCTIONS[function]
    before_method = getattr(Tracer, name, None) if hasattr(np.ndarray, name) else None

    def entered(of: _Function) -> _Function:
        @functools.wraps(of)
        def chosen(a: Any, *arguments: Any, **keywords: Any) -> Any:
            given = dict(zip(parameters, arguments, strict=False))
            if len(arguments) <= len(parameters) and keywords.keys() <= {*parameters} - {*given}:
                result = traced(a, **given, **keywords)
                if result is not None:
                    return result
            return of(a, *arguments, **keywords)

        return chosen

    FUNCTIONS[function] = entered(before)
    if before_method is not None:
        setattr(Tracer, name, entered(before_method))


def _of_doubles(traced: _Function) -> _Function:
    """Return a statistic that follows `accuracy="compensated"`.

    One of float32 is computed in float64, which has twice the precision, and rounded at its end.
    """

    @functools.wraps(traced)
    def chosen(a: Any, dtype: Any = None, **keywords: Any) -> Any:
        given = {} if dtype is None else {"dtype": dtype}
        if not isinstance(a, Tracer) or a.builder.accuracy != "compensated" or a.state == SCALAR:
            return traced(a, **given, **keywords)
        own = folded_dtype(BY_NAME["add"], a.node.dtype, dtype, is_mean=True)
        if own is None or a.node.dtype.family == "B":
            return traced(a, **given, **keywords)
        wide = a if a.node.dtype is F64 else a.astype(np.float64)
        if own is F64:
            return traced(wide, **keywords)
        builder, accuracy = a.builder, a.builder.accuracy
        builder.accuracy = "numpy"
        try:
            result = traced(wide, **keywords)
        finally:
            builder.accuracy = accuracy
        return None if result is None else result.astype(np.float32)

    return chosen


def _squared(x: Any) -> Any:
    """Return squares by the operator that `np.var` has, which reports name."""
    is_new = np.lib.NumpyVersion(np.__version__) >= "2.4.0"
    return xp.square(x) if is_new else xp.multiply(x, x)


@_of_doubles
def _traced_var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    if dtype is not None or out is not None or not _is_plain(a, ddof, keepdims, axis, "FI"):
        return None
    mean = call(sum_over_count, "numpy.mean", (a,), {"axis": axis, "keepdims": True})
    squares = _squared(xp.subtract(a, mean))
    given = {"axis": axis, "keepdims": keepdims, "ddof": ddof}
    return call(sum_over_count, "numpy.var", (squares,), given)


@_of_doubles
def _traced_std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    var = _traced_var(a, axis=axis, dtype=dtype, out=out, ddof=ddof, keepdims=keepdims)
    return None if var is None else xp.sqrt(var)


def _traced_ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    if out is not None or not _is_plain(a, 0, keepdims, axis):
        return None
    largest = xp.maximum.reduce(a, axis=axis, keepdims=keepdims)
    return xp.subtract(largest, xp.minimum.reduce(a, axis=axis, keepdims=keepdims))


def _traced_average(
    a: Any, axis: Any = None, weights: Any = None, returned: Any = False, keepdims: Any = False
) -> Any:
    if weights is not None and returned is False:
        return _traced_average_of_weights(a, axis, weights, keepdims)
    if returned is not False or not _is_plain(a, 0, keepdims, axis, "FI"):
        return None
    return xp.mean(a, axis=axis, keepdims=keepdims)


def _traced_average_of_weights(a: Any, axis: Any, weights: Any, keepdims: Any) -> Any:
    dtypes = [each.node.dtype for each in (a, weights) if isinstance(each, Tracer)]
    if len(dtypes) < 2 or dtypes[0] is not dtypes[1] or not _is_plain(weights):
        return None
    if not _is_plain(a, 0, keepdims, axis) or a.known_shape != weights.known_shape:
        return None
    scale = xp.sum(weights, axis=axis, keepdims=keepdims)
    total = xp.sum(xp.multiply(a, weights), axis=axis, keepdims=keepdims)
    return call(sum_over_weights, "numpy.average", (total, scale), {})


def _traced_trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    if type(axis) is not int or not _is_plain(y, 0, False, axis, "FI"):
        return None
    width: Any = dx
    if x is not None:
        if not _is_plain(x, families="FI") or len(x.known_shape) != 1 or len(y.known_shape) != 1:
            return None
        width = xp.diff(x)
    elif type(dx) not in (int, float):
        return None
    before: tuple[slice, ...] = (slice(None),) * (axis % len(y.known_shape))
    pairs = y[(*before, slice(1, None))] + y[(*before, slice(None, -1))]
    return (width * pairs / 2.0).sum(axis)


def _traced_norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    # The norm of all elements is a product of vectors, whose bits are those of a library.
    if axis is None or not _is_plain(x, 0, keepdims, axis):
        return None
    is_vector = type(axis) is int
    if is_vector and type(ord) is int and ord == 1:
        return xp.add.reduce(xp.abs(x), axis=axis, keepdims=keepdims)
    is_second = ord is None or (is_vector and type(ord) is int and ord == 2)
    if not is_second or (not is_vector and len(axis) > 2):
        return None
    return xp.sqrt(xp.add.reduce(x * x, axis=axis, keepdims=keepdims))


def _traced_count(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    if axis is None or not isinstance(a, Tracer) or is_chosen(a.known_shape):
        return None  # without an axis, the count is Python's
    return xp.sum(a.astype(bool), axis=axis, keepdims=keepdims)


# -- without NaN --------------------------------------------------------------------------------

# The function that folds numbers, by the one that leaves out NaN; and what NaN count as.
_WITHOUT_NAN: dict[_Function, tuple[str, float]] = {
    np.nansum: ("sum", 0.0),
    np.nanprod: ("prod", 1.0),
    np.nancumsum: ("cumsum", 0.0),
    np.nancumprod: ("cumprod", 1.0),
}


@functools.cache
def number_above(least: int, message: str) -> _Function:
    """Return a function that counts what is true, and warns where it is not more than `least`.

    >>> number_above(0, "Mean of empty slice")(np.array([[True, False], [True, True]]), axis=1)
    array([1, 2])
    """

    def report(count: Any) -> None:
        if np.any(count <= least):
            warnings.warn(message, RuntimeWarning, stacklevel=2)

    def number(values: Any, axis: Any = None, keepdims: bool = False) -> Any:
        count = cast(Any, np.add.reduce)(values, axis=axis, dtype=np.intp, keepdims=keepdims)
        if np.any(count <= least):
            warnings.warn(message, RuntimeWarning, stacklevel=2)
        return count

    CHECKED[number] = "add", report
    return number


def _quotient(total: Any, count: Any) -> Any:
    """Return sums that are divided by numbers of elements, in the dtype of the sums."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return xp.true_divide(total, count).astype(total.dtype)


def _traced_without_nan(function: _Function) -> _Function:
    name, number = _WITHOUT_NAN[function]
    plain = getattr(np, name)

    def traced(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None, **keywords: Any
    ) -> Any:
        if dtype is not None or out is not None or not _is_plain(a, 0, False, axis):
            return None
        return FUNCTIONS[plain](xp.where(xp.isnan(a), number, a), axis=axis, **keywords)

    return traced


@_of_doubles
def _traced_nanmean(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    if _is_plain(a, 0, keepdims, axis, "IB"):
        return xp.mean(a, axis=axis, keepdims=keepdims)
    if not _is_plain(a, 0, keepdims, axis):
        return None
    is_nan = xp.isnan(a)
    total = xp.sum(xp.where(is_nan, 0.0, a), axis=axis, keepdims=True)
    number = number_above(0, "Mean of empty slice")
    given = {"axis": axis, "keepdims": True}
    mean = _quotient(total, call(number, "numpy.nanmean", (xp.logical_not(is_nan),), given))
    return mean if keepdims else _without_axes(mean, axis)


@_of_doubles
def _traced_nanvar(a: Any, axis: Any = None, ddof: Any = 0, keepdims: Any = False) -> Any:
    if _is_plain(a, ddof, keepdims, axis, "IB"):
        return xp.var(a, axis=axis, ddof=ddof, keepdims=keepdims)
    if not _is_plain(a, ddof, keepdims, axis):
        return None
    is_nan = xp.isnan(a)
    numbers = xp.where(is_nan, 0.0, a)
    total = xp.sum(numbers, axis=axis, keepdims=True)
    number = number_above(ddof, "Degrees of freedom <= 0 for slice.")
    given = {"axis": axis, "keepdims": True}
    count = call(number, "numpy.nanvar", (xp.logical_not(is_nan),), given)
    left = xp.where(is_nan, 0.0, xp.subtract(numbers, _quotient(total, count)))
    squares = xp.sum(xp.multiply(left, left), axis=axis, keepdims=True)
    variance = xp.where(count <= ddof, squares.dtype.type(np.nan), _quotient(squares, count - ddof))
    return variance if keepdims else _without_axes(variance, axis)


def _without_axes(kept: Tracer, axis: Any) -> Any:
    """Return a result without the axes that were kept; a view of a computed value would be slower.

    That is computed for a number by itself.
    """
    in_memory(kept)
    return kept.squeeze(axis)[()]


@_of_doubles
def _traced_nanstd(a: Any, axis: Any = None, ddof: Any = 0, keepdims: Any = False) -> Any:
    variance = _traced_nanvar(a, axis=axis, ddof=ddof, keepdims=keepdims)
    return None if variance is None else xp.sqrt(variance)


_enter(np.var, _traced_var, "axis", "dtype", "out", "ddof", "keepdims")
_enter(np.std, _traced_std, "axis", "dtype", "out", "ddof", "keepdims")
_enter(np.ptp, _traced_ptp, "axis", "out", "keepdims")
_enter(np.average, _traced_average, "axis", "weights", "returned", "keepdims")
_enter(np.trapezoid, _traced_trapezoid, "x", "dx", "axis")
for _nan in _WITHOUT_NAN:
    _keepdims = () if "cum" in _nan.__name__ else ("keepdims",)
    _enter(_nan, _traced_without_nan(_nan), "axis", "dtype", "out", *_keepdims)
_enter(np.linalg.norm, _traced_norm, "ord", "axis", "keepdims")
_enter(np.count_nonzero, _traced_count, "axis", "keepdims")
_enter(np.nanmean, _traced_nanmean, "axis", "keepdims")
_enter(np.nanvar, _traced_nanvar, "axis", "ddof", "keepdims")
_enter(np.nanstd, _traced_nanstd, "axis", "ddof", "keepdims")
