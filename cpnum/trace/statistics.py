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

from cpnum.trace.array import Tracer
from cpnum.trace.calls import call
from cpnum.trace.chosen import is_chosen
from cpnum.trace.folds import DIVIDED
from cpnum.trace.registry import FUNCTIONS, xp
from cpnum.trace.tracer import SCALAR

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


def _traced_var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    if dtype is not None or out is not None or not _is_plain(a, ddof, keepdims, axis, "FI"):
        return None
    mean = call(sum_over_count, "numpy.mean", (a,), {"axis": axis, "keepdims": True})
    squares = xp.square(xp.subtract(a, mean))
    given = {"axis": axis, "keepdims": keepdims, "ddof": ddof}
    return call(sum_over_count, "numpy.var", (squares,), given)


def _traced_std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: Any = False,
) -> Any:  # fmt: skip
    var = _traced_var(a, axis, dtype, out, ddof, keepdims)
    return None if var is None else xp.sqrt(var)


def _traced_ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    if out is not None or not _is_plain(a, 0, keepdims, axis):
        return None
    largest = xp.maximum.reduce(a, axis=axis, keepdims=keepdims)
    return xp.subtract(largest, xp.minimum.reduce(a, axis=axis, keepdims=keepdims))


def _traced_average(
    a: Any, axis: Any = None, weights: Any = None, returned: Any = False, keepdims: Any = False
) -> Any:
    if weights is not None or returned is not False or not _is_plain(a, 0, keepdims, axis, "FI"):
        return None
    return xp.mean(a, axis=axis, keepdims=keepdims)


def _traced_nansum(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    if not _is_plain(a, 0, keepdims, axis):
        return None
    return xp.sum(xp.where(xp.isnan(a), 0.0, a), axis=axis, keepdims=keepdims)


def _traced_norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    # The norm of all elements is a product of vectors, whose bits are those of a library.
    if axis is None or ord is not None or not _is_plain(x, 0, keepdims, axis):
        return None
    if isinstance(axis, tuple) and len(axis) > 2:
        return None
    return xp.sqrt(xp.add.reduce(x * x, axis=axis, keepdims=keepdims))


def _traced_count(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    if axis is None or not isinstance(a, Tracer) or is_chosen(a.known_shape):
        return None  # without an axis, the count is Python's
    return xp.sum(a.astype(bool), axis=axis, keepdims=keepdims)


_enter(np.var, _traced_var, "axis", "dtype", "out", "ddof", "keepdims")
_enter(np.std, _traced_std, "axis", "dtype", "out", "ddof", "keepdims")
_enter(np.ptp, _traced_ptp, "axis", "out", "keepdims")
_enter(np.average, _traced_average, "axis", "weights", "returned", "keepdims")
_enter(np.nansum, _traced_nansum, "axis", "keepdims")
_enter(np.linalg.norm, _traced_norm, "ord", "axis", "keepdims")
_enter(np.count_nonzero, _traced_count, "axis", "keepdims")
