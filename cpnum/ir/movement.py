"""Movement: the steps from an argument to a view of it, written down and replayed by NumPy.

A step holds no extent of the arrays it was first used on, so that it serves other shapes too.

>>> Index.of((slice(1, -1), None)).replay(np.arange(4))
array([[1],
       [2]])
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from cpnum.errors import ShapeError

# What NumPy takes as basic index, Ellipsis aside.
Item = int | slice | None

# An argument, or a view of it: an array or a NumPy scalar.
Array = Any


class Movement(Protocol):
    """One step from an array to a view of it; equal steps compare equal and print alike."""

    def replay(self, array: Array) -> Array:
        """Return the view of `array`."""


@dataclass(frozen=True, slots=True)
class Index:
    """Basic indexing; `text` is what is compared, because slices cannot be hashed.

    >>> Index.of((slice(1, -1), None))
    [1:-1, None]
    """

    text: str
    items: tuple[Item, ...] = field(compare=False)

    @classmethod
    def of(cls, items: tuple[Item, ...]) -> Index:
        """Return the movement of indexing with `items`, without the whole axes at the end."""
        while items and items[-1] == slice(None):
            items = items[:-1]
        return cls(f"[{', '.join(map(_item_text, items))}]", items)

    def replay(self, array: Array) -> Array:
        """Return the view of `array`; the Ellipsis makes it one even of a single element."""
        return array[(*self.items, ...)]

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Transpose:
    """Axes in another order."""

    axes: tuple[int, ...]

    def replay(self, array: Array) -> Array:
        """Return the view of `array`."""
        return array.transpose(self.axes)

    def __repr__(self) -> str:
        reversed_axes = self.axes == tuple(range(len(self.axes)))[::-1]
        return ".T" if reversed_axes else f".transpose{self.axes}"


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same elements in another shape: the one movement for which NumPy may have to copy."""

    shape: tuple[int, ...]

    def replay(self, array: Array) -> Array:
        """Return the view of `array`, or its copy."""
        return array.reshape(self.shape)

    def __repr__(self) -> str:
        return f".reshape{self.shape}"


@dataclass(frozen=True, slots=True)
class BroadcastTo:
    """Elements repeated along axes."""

    shape: tuple[int, ...]

    def replay(self, array: Array) -> Array:
        """Return the view of `array`."""
        return np.broadcast_to(array, self.shape)

    def __repr__(self) -> str:
        return f".broadcast_to{self.shape}"


def joined(movement: tuple[Movement, ...], step: Movement) -> tuple[Movement, ...]:
    """Return the steps and one more; slices that only cut ends off are one with those before.

    Without that, the views in `x = x[1:] + x[:-1]`, done n times, are 2**n, and not n + 1.

    >>> first, last = Index.of((slice(1, None),)), Index.of((slice(None, -1),))
    >>> joined((first,), last), joined((last,), first)
    (([1:-1],), ([1:-1],))
    """
    before = movement[-1] if movement else None
    if isinstance(before, Index) and isinstance(step, Index):
        if all(map(_cuts_ends, (*before.items, *step.items))):
            cuts = itertools.zip_longest(before.items, step.items, fillvalue=slice(None))
            return *movement[:-1], Index.of(tuple(itertools.starmap(_both_cut, cuts)))
    return *movement, step


def _cuts_ends(item: Item) -> bool:
    return (
        isinstance(item, slice)
        and item.step in (None, 1)
        and (item.start or 0) >= 0
        and (item.stop is None or item.stop < 0)
    )


def _both_cut(first: Any, second: Any) -> slice:
    start = (first.start or 0) + (second.start or 0)
    stop = (first.stop or 0) + (second.stop or 0)
    return slice(start or None, stop or None)


def _item_text(item: Item) -> str:
    if not isinstance(item, slice):
        return str(item)
    ends = ["" if end is None else str(end) for end in (item.start, item.stop, item.step)]
    return ":".join(ends if ends[2] else ends[:2])


# -- extents ------------------------------------------------------------------------------------

# The extent of an axis of a view, for arguments of any shape: that of axis `axis` of argument
# `parameter`, less `lost` (never below zero), after the slices in `rest`.  Equal symbols are equal
# extents.  A fixed extent has the parameter FIXED and the extent as its axis.
Extent = tuple[int, int, int, str]
FIXED = -1


def common_shape(shape: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that two broadcast to; np.broadcast_shapes ends at 32 axes, arrays at 64.

    Raises:  ShapeError if there is none.

    >>> common_shape((3, 1), (4,))
    (3, 4)
    """
    longer, shorter = (shape, other) if len(shape) >= len(other) else (other, shape)
    result = list(longer)
    for axis in range(-len(shorter), 0):
        extent = shorter[axis]
        if extent != 1 and extent != result[axis]:
            if result[axis] != 1:
                raise ShapeError(
                    "shapes do not broadcast",
                    seen=f"{shape} and {other}",
                    write="x[:, None] to add an axis, or slices of equal extent",
                )
            result[axis] = extent
    return tuple(result)


def in_signature(extent: Extent) -> bool:
    """Tell whether the signature says if this extent is 1.

    >>> in_signature((0, 1, 0, "")), in_signature((0, 1, 2, ""))
    (True, False)
    """
    return not extent[2] and not extent[3]


def sliced(extent: Extent, item: slice) -> Extent:
    """Return the extent that is left by a slice.

    >>> sliced((0, 1, 0, ""), slice(1, -2))
    (0, 1, 3, '')
    """
    parameter, axis, lost, rest = extent
    start, stop, step = item.start or 0, item.stop or 0, item.step
    if item.start is None and item.stop is None and step in (None, 1, -1):
        return extent
    ends_are_cut_off = start >= 0 and stop <= 0 and item.stop != 0 and step in (None, 1)
    if ends_are_cut_off and not rest and parameter != FIXED:
        return parameter, axis, lost + start - stop, rest
    return parameter, axis, lost, f"{rest}[{_item_text(item)}]"


def moved(extents: tuple[Extent, ...], step: Movement) -> tuple[Extent, ...]:
    """Return the extents of a view of an array with `extents`."""
    match step:
        case Index(items=items):
            rest = iter(extents)
            left: list[Extent] = []
            for item in items:
                if item is None:
                    left.append((FIXED, 1, 0, ""))
                elif isinstance(item, slice):
                    left.append(sliced(next(rest), item))
                else:
                    next(rest)
            return (*left, *rest)
        case Transpose(axes):
            return tuple(extents[axis] for axis in axes)
        case Reshape(shape) | BroadcastTo(shape):
            return tuple((FIXED, extent, 0, "") for extent in shape)
    raise TypeError(f"{step!r} is not a movement")
