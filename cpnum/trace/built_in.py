"""Python's `sum`, `max`, `min`, `any` and `all` of a traced array, which they would iterate.

Each is a call of a function here, which has Python's result without Python's loop.  `replacing`
puts the functions of tracers in the place of the built-in ones while a function is traced.

>>> x = np.array([np.nan, 3.0, -0.0])
>>> largest(x), smallest(x[::-1]), added(x[1:])
(np.float64(nan), np.float64(-0.0), np.float64(3.0))
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from cpnum.ir.handling import Handling
from cpnum.ir.program import ContentsError
from cpnum.ir.results import NOTHING
from cpnum.ir.sites import outside_of_numpy
from cpnum.trace.array import Tracer
from cpnum.trace.builder import Called
from cpnum.trace.calls import call, called_at
from cpnum.trace.chosen import is_chosen
from cpnum.trace.registry import xp
from cpnum.trace.returns import results_of
from cpnum.trace.tracer import SCALAR
from cpnum.trace.writing import add_step

_Function = Callable[..., Any]

# A sum of so many elements, or rows, is written out: loops fuse it with what is around it.
SHORT = 8

# Rows of more elements are added by Python's loop: it takes no longer, and less memory.
_WIDE = 30


# -- Python's results ---------------------------------------------------------------------------


def largest(values: Any) -> Any:
    """Return the maximum as Python finds it: a later element has to be larger than the first ones.

    So it is NaN if the first element is, and never for the sake of another one.
    """
    return _first_of(values, max, np.maximum, np.fmax)


def smallest(values: Any) -> Any:
    """Return the minimum as Python finds it."""
    return _first_of(values, min, np.minimum, np.fmin)


def _first_of(values: Any, function: _Function, ufunc: np.ufunc, without_nan: np.ufunc) -> Any:
    """Return the first of the elements that are equal to the largest one, or the smallest one."""
    if values.ndim != 1 or not values.size:
        return _looped(function, values)
    if values.dtype.kind != "f":
        return ufunc.reduce(values)
    first = values[0]
    if np.isnan(first):
        return first
    with np.errstate(all="ignore"):
        wanted = without_nan.reduce(values)
    return values[(values == wanted).argmax()]


def added(values: Any, start: Any = 0) -> Any:
    """Return a start, to which elements or rows are added one after the other."""
    if not len(values) or values[0].size > _WIDE:
        return _looped(sum, values, start)
    try:
        with np.errstate(all="raise"):
            total = _accumulated(start + values[0], values)
    except (ArithmeticError, TypeError):
        total = None
    # What Python's own loop reports, it reports once an addition.
    return _looped(sum, values, start) if total is None else total


def _accumulated(total: Any, values: Any) -> Any:
    """Return the sum of a total, which has the first of the values, and the others.

    It is None if only Python's loop has the result: if integers overflow, or shapes grow.
    """
    dtype = total.dtype
    if dtype.kind not in "fi" or total.shape != values.shape[1:]:
        return None
    rows = np.empty(values.shape, dtype)
    rows[0], rows[1:] = total, values[1:]
    sums = np.add.accumulate(rows, dtype=dtype)
    if values.ndim > 1:
        total[...] = sums[-1]  # an array that has the layout of Python's
        return total
    if dtype.kind == "i" and not np.array_equal(sums[1:] < sums[:-1], rows[1:] < 0):
        return None
    return sums[-1]


def _looped(function: _Function, *arguments: Any) -> Any:
    """Call a function of Python's at the user's line, for its warnings."""
    return called_at(outside_of_numpy(sys._getframe(1)), function)(*arguments)


# -- of tracers ---------------------------------------------------------------------------------


def is_iterated(value: Any) -> bool:
    """Tell whether a value is a traced array whose elements Python would visit."""
    return (
        issubclass(type(value), Tracer)
        and value.state != SCALAR
        and bool(value.known_shape)
        and not is_chosen(value.known_shape)
    )


def _visited(array: Tracer, share: int = 1) -> Tracer:
    """Return an array, after it is noted that Python would visit all of its elements or rows.

    A visit takes as long as that of `share` elements does that only have to be true or false.
    """
    array.builder.visited += array.known_shape[0] // share
    return array


def _choice(function: _Function, fast: _Function) -> _Function:
    """Return max or min of a traced array; the `fast` function is that of its elements."""

    def traced(array: Tracer) -> Any:
        if len(array.known_shape) == 1 and array.known_shape[0]:
            return call(fast, function.__name__, (_visited(array),), {})
        if len(array) > 1 and _has_truths(array):
            return call(function, function.__name__, (array,), {})
        # A single row is not compared; of no rows, and of others, it is Python's or NumPy's error.
        return function(array if len(array) == 1 else _like(array))

    return traced


def _truth(function: _Function, reduce: _Function, last: bool) -> _Function:
    """Return any or all of a traced array: Python looks at it, at every element if it is `last`."""

    def traced(array: Tracer) -> Any:
        if not _has_truths(array):
            return function(_like(array))
        outcome = bool(reduce(array))
        if outcome is last:
            _visited(array, 3)
        return outcome

    return traced


def _has_truths(array: Tracer) -> bool:
    """Tell whether what Python visits are numbers, or rows of one number."""
    return len(array.known_shape) == 1 or all(extent == 1 for extent in array.shape[1:])


def _like(array: Tracer) -> Any:
    """Return an array of the same shape and dtype, of numbers."""
    return np.broadcast_to(np.zeros((), array.dtype), array.shape)


def _sum(array: Tracer, start: Any = 0) -> Any:
    """Return the sum of a traced array."""
    if array.known_shape[0] <= SHORT:
        return cast(_Function, sum)(array, start)
    builder = array.builder
    passed = results_of(builder, ((array,), {}), "len", tuple(builder.signature), builder.given)
    add_step(builder, Called(passed, _check_length, "len({}) > 0", NOTHING, None, False, _PLAIN))
    return call(added, "sum", (_visited(array), start), {})


def _check_length(values: Any) -> tuple[()]:
    """Refuse an array without elements: its sum is the start, which may be of another type."""
    if not len(values):
        raise ContentsError
    return ()


_PLAIN = Handling(None, None, None, None)


# A function of Python's -> that of traced arrays, with the names of the arguments after the array.
BUILT_IN: dict[_Function, tuple[_Function, tuple[str, ...]]] = {
    max: (_choice(max, largest), ()),
    min: (_choice(min, smallest), ()),
    any: (_truth(any, xp.any, False), ()),
    all: (_truth(all, xp.all, True), ()),
    sum: (_sum, ("start",)),
}
