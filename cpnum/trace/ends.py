"""NumPy's functions that treat the ends of an axis apart, on traced values: differences, padding.

Each does what NumPy's own does, in its order, so that errors are reported in that order, too.  What
is computed for an end is joined with the rest.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from cpnum.ir.nodes import MADE, Constant, Input
from cpnum.ir.results import MOST_TILES
from cpnum.tables.dtypes import from_numpy
from cpnum.trace.array import Tracer
from cpnum.trace.builder import Traced
from cpnum.trace.joining import arrays_of, flat, has_tracer, joined
from cpnum.trace.made import filled, plain
from cpnum.trace.push import repeated_to
from cpnum.trace.registry import UNSET, as_array, owned, traces, xp
from cpnum.trace.tracer import AnyTracer, UnknownArgumentError
from cpnum.trace.ufuncs import assigned

_ALL = slice(None)


def _along(array: Tracer, axis: int, item: Any) -> Tracer:
    """Return the view of an array by an index along one axis."""
    return array[(*(_ALL,) * axis, item)]


def _axis_of(array: Tracer, axis: Any) -> int:
    return int(np.lib.array_utils.normalize_axis_index(operator.index(axis), array.ndim))


# -- differences --------------------------------------------------------------------------------


@traces(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = UNSET, append: Any = UNSET) -> Any:
    if n == 0:
        return a
    if n < 0:
        raise ValueError("order must be non-negative but got " + repr(n))
    array = arrays_of([a, *[each for each in (prepend, append) if each is not UNSET]])[0]
    if not array.ndim:
        raise ValueError("diff requires input that is at least one dimensional")
    axis = _axis_of(array, axis)
    if prepend is not UNSET or append is not UNSET:
        array = _with_ends(array, axis, prepend, append)
    minus = xp.not_equal if array.node.dtype.family == "B" else xp.subtract
    for _ in range(n):
        array = minus(_along(array, axis, slice(1, None)), _along(array, axis, slice(None, -1)))
    return array


def _with_ends(array: Any, axis: int, before: Any, behind: Any) -> Tracer:
    """Return an array with others before and behind it; a number is one element along the axis."""
    given = [each for each in (before, array, behind) if each is not UNSET]
    arrays = arrays_of(given)
    shape = arrays[0 if before is UNSET else 1].shape
    one = (*shape[:axis], 1, *shape[axis + 1 :])
    return joined([each if each.ndim else each.broadcast_to(one) for each in arrays], axis)


@traces(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Tracer:
    given = [each for each in (to_begin, ary, to_end) if each is not None]
    arrays = [flat(each) for each in arrays_of(given)]
    array = arrays[0 if to_begin is None else 1]
    ends = {"to_begin": to_begin, "to_end": to_end}
    parts: list[Tracer] = []
    for name, end in zip(ends, (arrays[0], arrays[-1]), strict=True):
        if ends[name] is not None:
            if not np.can_cast(end.dtype, array.dtype, casting="same_kind"):
                raise TypeError(
                    f"dtype of `{name}` must be compatible with input `ary` under the "
                    "`same_kind` rule."
                )
            parts.append(end.astype(array.dtype))
    difference = array[1:] - array[:-1]
    if not parts:
        return difference
    parts.insert(0 if to_begin is None else 1, difference)
    return joined(parts, 0, array.dtype)


@traces(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    tracers = [each for each in varargs if isinstance(each, AnyTracer)]
    array = arrays_of([f, *tracers[:1]])[0]
    axes = tuple(range(array.ndim))
    if axis is not None:
        axes = np.lib.array_utils.normalize_axis_tuple(axis, array.ndim)
    spacings = _spacings(array, axes, varargs)
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    results = [
        _slope(array, along, spacing, edge_order)
        for along, spacing in zip(axes, spacings, strict=True)
    ]
    return results[0] if len(results) == 1 else tuple(results)


def _slope(array: Tracer, axis: int, spacing: Any, edge_order: int) -> Tracer:
    """Return the slope of an array along an axis, in the order in which NumPy computes it."""
    if array.shape[axis] < edge_order + 1:
        raise ValueError(
            "Shape of array too small to calculate a numerical gradient, "
            "at least (edge_order + 1) elements are required."
        )
    dtype = array.dtype
    if dtype.kind != "f":
        dtype = np.dtype(np.float64)
    if array.dtype.kind == "i":
        array = array.astype(dtype)  # booleans stay: NumPy subtracts none
    at_end = _slope_of_two if edge_order == 1 else _slope_of_three
    inner = _slope_inside(array, axis, spacing).astype(dtype, copy=False)
    first = at_end(array, axis, spacing, False).astype(dtype, copy=False)
    last = at_end(array, axis, spacing, True).astype(dtype, copy=False)
    return joined([_as_end(first, axis), inner, _as_end(last, axis)], axis)


def _spacings(array: Tracer, axes: Sequence[int], given: Sequence[Any]) -> list[Any]:
    """Return the distance of neighbours along each axis: a number, or an array of distances."""
    if not given:
        return [1.0] * len(axes)
    if len(given) == 1 and np.ndim(given[0]) == 0:
        return [*given] * len(axes)
    if len(given) != len(axes):
        raise TypeError("invalid number of arguments")
    found = []
    for each, axis in zip(given, axes, strict=True):
        found.append(each if np.ndim(each) == 0 else _distances(array, axis, each))
    return found


def _distances(array: Tracer, axis: int, coordinates: Any) -> Any:
    """Return the distances of coordinates that are known; one number if all are equal.

    NumPy computes in another way if they are equal.
    """
    known = coordinates
    if isinstance(coordinates, Traced):
        known = _contents(coordinates)
        if known is None:
            raise array.unsupported(
                "numpy.gradient with traced coordinates cannot be traced: what it computes depends "
                "on their contents",
                "their distance as a number: np.gradient(y, 0.5)",
            )
    known = plain(np.asanyarray(known))
    if known.ndim != 1:
        raise ValueError("distances must be either scalars or 1d")
    if len(known) != array.shape[axis]:
        raise ValueError("when 1d, distances must match the length of the corresponding dimension")
    if known.dtype.kind in "iu":
        known = known.astype(np.float64)
    distances = np.diff(known)
    if (distances == distances[0]).all():
        return distances[0]
    builder = array.builder
    node = builder.held(distances, builder.attempt(from_numpy, distances.dtype))
    return Tracer(builder, node, distances.shape)


def _contents(value: Traced) -> Any:
    """Return the elements of an array that the function made, None for one from outside."""
    node = value.node
    if isinstance(node, Input) and node.parameter == MADE:
        return node.view(None)
    if isinstance(node, Constant) and node.like:
        return np.broadcast_to(node.value, value.known_shape)
    return None


def _slope_inside(array: Any, axis: int, spacing: Any) -> Any:
    """Return the slope between the neighbours of all elements but the first and the last."""
    before, behind = _along(array, axis, slice(None, -2)), _along(array, axis, slice(2, None))
    if np.ndim(spacing) == 0:
        return (behind - before) / (2.0 * spacing)
    one, two = spacing[:-1], spacing[1:]
    a = -two / (one * (one + two))
    b = (two - one) / (one * two)
    c = one / (two * (one + two))
    a, b, c = [each[(_ALL, *(None,) * (array.ndim - axis - 1))] for each in (a, b, c)]
    return a * before + b * _along(array, axis, slice(1, -1)) + c * behind


def _slope_of_two(array: Tracer, axis: int, spacing: Any, is_last: bool) -> Any:
    """Return the slope at an end, of two elements."""
    high, low = (-1, -2) if is_last else (1, 0)
    distance = spacing if np.ndim(spacing) == 0 else spacing[-1 if is_last else 0]
    return (_along(array, axis, high) - _along(array, axis, low)) / distance


def _slope_of_three(array: Tracer, axis: int, spacing: Any, is_last: bool) -> Any:
    """Return the slope at an end, of three elements."""
    if np.ndim(spacing) == 0:
        factors = (0.5, -2.0, 1.5) if is_last else (-1.5, 2.0, -0.5)
        a, b, c = [each / spacing for each in factors]
    elif is_last:
        one, two = spacing[-2], spacing[-1]
        a = two / (one * (one + two))
        b = -(two + one) / (one * two)
        c = (2.0 * two + one) / (two * (one + two))
    else:
        one, two = spacing[0], spacing[1]
        a = -(2.0 * one + two) / (one * (one + two))
        b = (one + two) / (one * two)
        c = -one / (two * (one + two))
    first, second, third = [
        _along(array, axis, each) for each in ((-3, -2, -1) if is_last else (0, 1, 2))
    ]
    return a * first + b * second + c * third


def _as_end(value: Tracer, axis: int) -> Tracer:
    """Return what was computed for one place of an axis, with that axis."""
    if value.known_shape:
        return _along(value, axis, None)
    # NumPy computes a scalar, and reports its errors as those of scalars.
    return owned(Tracer(value.builder, repeated_to(value.builder, value.node, (1,)), (1,)))


# -- the elements of an axis in another order ----------------------------------------------------


def _taken(array: Tracer, axis: int, places: Any) -> list[Tracer]:
    """Return views of an array that have its elements at some places of an axis, one by one."""
    views = []
    for start, step, count in itertools.islice(_runs(places), MOST_TILES + 1):
        last = start + step * count
        if step:
            taken = slice(start, last if last >= 0 else None, step)
            views.append(_along(array, axis, taken))
        else:
            shape = array.shape
            view = _along(array, axis, slice(start, start + 1))
            views.append(view.broadcast_to((*shape[:axis], count, *shape[axis + 1 :])))
    return views


def _runs(places: Any) -> Iterator[tuple[int, int, int]]:
    """Yield the first of some places, the step to the next, and how many have that step.

    >>> list(_runs(np.array([2, 3, 0, 1, 1])))
    [(2, 1, 2), (0, 1, 2), (1, 1, 1)]
    """
    steps = np.diff(places)
    changes = np.flatnonzero(np.diff(steps)) + 1
    start = 0
    while start < len(places):
        count, step = 1, 1
        if start < len(steps):
            later = changes[np.searchsorted(changes, start, "right") :]
            end = int(later[0]) if len(later) else len(steps)
            if abs(steps[start]) <= 1 or end - start > 1:
                count, step = end - start + 1, int(steps[start])
        yield int(places[start]), step, count
        start += count


@traces(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> Tracer:
    array = as_array(a)
    if axis is None:
        if array.ndim == 1:
            return _roll(array, shift, 0)
        return owned(_rolled(array.ravel(), shift).reshape(array.shape))
    shifts, axes = np.broadcast_arrays(_known(shift, "shift"), _known(axis, "axis"))
    if shifts.ndim > 1:
        raise ValueError("'shift' and 'axis' should be scalars or 1D sequences")
    for by, along in zip(shifts.ravel().tolist(), axes.ravel().tolist(), strict=True):
        at = _axis_of(array, along)
        by = int(by) % (array.shape[at] or 1)
        if by:
            ends = slice(-by, None), slice(None, -by)
            array = joined([_along(array, at, each) for each in ends], at)
    return owned(array.copy())


def _known(value: Any, name: str) -> Any:
    """Return the value of the argument of this name, which decides the shape of the result."""
    if isinstance(value, list | tuple):
        return [_known(each, name) for each in value]
    if not isinstance(value, AnyTracer):
        return value
    if not value.known_shape:
        return operator.index(value)
    known = _contents(value)
    if known is None:
        raise UnknownArgumentError(name)
    return known


def _rolled(array: Tracer, by: Any) -> Tracer:
    """Return an array of one axis rolled: of itself twice, a part that starts elsewhere.

    It may be reshaped, which no joined value may.
    """
    (extent,) = array.shape
    if not extent:
        return array
    start = -int(_known(by, "shift")) % extent
    return array[None].broadcast_to((2, extent)).reshape((2 * extent,))[start : start + extent]


@traces(np.delete)
def _delete(arr: Any, obj: Any, axis: Any = None) -> Tracer:
    array = as_array(arr)
    array, axis = (flat(array), 0) if axis is None else (array, _axis_of(array, axis))
    places = np.arange(array.shape[axis])
    kept = np.delete(places, _known(obj, "obj"))
    if not len(kept):
        return owned(_along(array, axis, slice(0, 0)).copy())
    return joined(_taken(array, axis, kept), axis)


@traces(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Tracer:
    array, more = arrays_of([arr, values])
    array, axis = (flat(array), 0) if axis is None else (array, _axis_of(array, axis))
    if not hasattr(obj, "__index__") or np.ndim(obj):
        raise UnknownArgumentError("obj")
    extent = array.shape[axis]
    place = operator.index(obj)
    if not -extent <= place <= extent:
        np.insert(np.arange(extent), place, 0)  # NumPy's own error
    place %= extent + (place >= 0)
    more = more.astype(array.dtype)[(None,) * (array.ndim - more.ndim)]
    more = xp.moveaxis(more, 0, axis)
    shape = array.shape
    more = more.broadcast_to((*shape[:axis], more.shape[axis], *shape[axis + 1 :]))
    before, behind = [_along(array, axis, each) for each in (slice(place), slice(place, None))]
    return joined([before, more, behind], axis)


# -- padding ------------------------------------------------------------------------------------


@traces(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Tracer:
    padded = as_array(array)
    widths = _widths(pad_width, padded.ndim)
    if callable(mode) or mode in _COMPUTED or kwargs.get("reflect_type", "even") != "even":
        raise UnknownArgumentError("mode" if "reflect_type" not in kwargs else "reflect_type")
    accepted = {"constant": {"constant_values"}, "reflect": {"reflect_type"}}
    accepted["symmetric"] = accepted["reflect"]
    if mode not in (*accepted, "empty", "edge", "wrap") or kwargs.keys() - accepted.get(mode, ()):
        np.pad([0], 0, mode, **dict.fromkeys(kwargs))  # NumPy's own error
    values = _pairs(kwargs.get("constant_values", 0), padded.ndim)
    for axis, (before, behind) in enumerate(widths):
        extent = padded.shape[axis]
        if mode in ("constant", "empty"):
            first, last = [
                [_filled(padded, axis, width, value)]
                for width, value in zip((before, behind), values[axis], strict=True)
            ]
        else:
            if not extent and (before or behind):
                raise ValueError(
                    f"can't extend empty axis {axis} using modes other than 'constant' or 'empty'"
                )
            places = np.pad(np.arange(extent), (before, behind), mode) if extent else np.arange(0)
            first = _taken(padded, axis, places[:before])
            last = _taken(padded, axis, places[before + extent :])
        padded = joined([*first, padded, *last], axis)
    return owned(padded.copy())


# The modes that compute what they pad with.
_COMPUTED = ("linear_ramp", "maximum", "mean", "median", "minimum")


def _widths(given: Any, axes: int) -> list[list[int]]:
    """Return the widths before and behind each axis."""
    if isinstance(given, dict):
        pairs = [(0, 0)] * axes
        for axis, width in given.items():
            pairs[axis] = width if isinstance(width, tuple) else (width, width)
        given = pairs
    widths = np.asarray(_known(given, "pad_width"))
    if widths.dtype.kind != "i":
        raise TypeError("`pad_width` must be of integral type.")
    if widths.size and widths.min() < 0:
        raise ValueError("index can't contain negative values")
    found: list[list[int]] = np.broadcast_to(widths, (axes, 2)).tolist()
    return found


def _pairs(values: Any, axes: int) -> Any:
    """Return the values before and behind each axis."""
    if isinstance(values, AnyTracer) and not values.known_shape:
        return [(values, values)] * axes
    if isinstance(values, AnyTracer) or (isinstance(values, list | tuple) and has_tracer(values)):
        raise UnknownArgumentError("constant_values")
    return np.broadcast_to(np.array(values), (axes, 2))


def _filled(array: Tracer, axis: int, width: int, value: Any) -> Tracer:
    """Return an array like another, but `width` wide along an axis, whose elements are all one."""
    shape = (*array.shape[:axis], width, *array.shape[axis + 1 :])
    if isinstance(value, AnyTracer):
        return as_array(value).astype(array.dtype).broadcast_to(shape)
    node = filled(array.builder, assigned(value, array.node.dtype), shape).node
    return owned(Tracer(array.builder, node, shape))
