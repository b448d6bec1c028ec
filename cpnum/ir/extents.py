"""Extents while tracing: a symbol stands for an extent of any argument of a signature.

A graph serves all shapes of a signature.  So a tracer that decides something by an extent asks
whether the signature fixes the extent; if not, the function has observed the shape.

>>> x = of_argument(0, 2)
>>> moved(x, Index.of((slice(1, -2), None)), (7, 1, 4))
(Symbol(parameter=0, axis=0, lost=3, rest=()), 1, Symbol(parameter=0, axis=1, lost=0, rest=()))
"""

from __future__ import annotations

import functools
from typing import NamedTuple

from cpnum.errors import ShapeError
from cpnum.ir.movement import BroadcastTo, Held, Index, Movement, Reshape, Transpose


class Symbol(NamedTuple):
    """The extent of axis `axis` of argument `parameter`, less `lost`, after further slices.

    The extent is never below zero.  `rest` has start, stop and step of the slices that do more than
    cut off ends.  Equal symbols are equal extents.
    """

    parameter: int
    axis: int
    lost: int = 0
    rest: tuple[tuple[int | None, int | None, int | None], ...] = ()


# A number is an extent that is the same for all arguments.
Extent = Symbol | int


@functools.lru_cache(maxsize=256)
def of_argument(parameter: int, axes: int) -> tuple[Extent, ...]:
    """Return the extents of an argument."""
    return tuple([Symbol(parameter, axis) for axis in range(axes)])


def in_signature(extent: Extent) -> bool:
    """Tell whether the signature says if this extent is 1.

    >>> in_signature(Symbol(0, 1)), in_signature(Symbol(0, 1, lost=2))
    (True, False)
    """
    return not isinstance(extent, Symbol) or not (extent.lost or extent.rest)


def sliced(extent: Extent, item: slice) -> Extent:
    """Return the extent that is left by a slice.

    >>> sliced(Symbol(0, 1), slice(1, -2)), sliced(10, slice(None, None, 3))
    (Symbol(parameter=0, axis=1, lost=3, rest=()), 4)
    """
    if not isinstance(extent, Symbol):
        return len(range(*item.indices(extent)))
    start, stop, step = item.start or 0, item.stop or 0, item.step
    if item.start is None and item.stop is None and step in (None, 1, -1):
        return extent
    cuts_off_ends = start >= 0 and stop <= 0 and item.stop != 0 and step in (None, 1)
    if cuts_off_ends and not extent.rest:
        return extent._replace(lost=extent.lost + start - stop)
    return extent._replace(rest=(*extent.rest, (item.start, item.stop, item.step)))


def moved(
    extents: tuple[Extent, ...], step: Movement, shape: tuple[int, ...]
) -> tuple[Extent, ...]:
    """Return the extents of a view, which has this shape, of an array with `extents`."""
    match step:
        case Index(items=items):
            rest = iter(extents)
            left: list[Extent] = []
            for item in items:
                if item is None:
                    left.append(1)
                elif isinstance(item, slice):
                    left.append(sliced(next(rest), item))
                else:
                    next(rest)
            return (*left, *rest)
        case Transpose(axes):
            return tuple(extents[axis] for axis in axes)
        case Reshape() | BroadcastTo() | Held():
            return shape
    raise TypeError(f"{step!r} is not a movement")


def common_shape(shape: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    """Return the common shape; np.broadcast_shapes takes up to 32 axes, arrays have up to 64.

    Raises:  ShapeError if the shapes do not broadcast.

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


def fits(shape: tuple[int, ...], wider: tuple[int, ...]) -> bool:
    """Tell whether a value of one shape can be broadcast to a wider one.

    >>> fits((1, 4), (3, 4)), fits((3, 4), (1, 4))
    (True, False)
    """
    lead = len(wider) - len(shape)
    return lead >= 0 and all(
        extent in (1, wide) for extent, wide in zip(shape, wider[lead:], strict=True)
    )
