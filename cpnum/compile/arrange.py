"""The axes of one call, as its kernel steps through them.

Axes of extent 1 are dropped, axes are ordered as they lie in memory, and adjacent axes that all
operands step through alike become one.  A kernel knows the layout of each operand and no stride, so
all calls with the same layouts share one kernel.

>>> made = arrange((3, 4), [(32, 8), (8, 0), (32, 8)], [8, 8, 8])
>>> made.extents, *map(letters, made.layouts)
((3, 4), 'vc', 'vb', 'vc')
>>> arrange((3, 4), [(32, 8), (32, 8)], [8, 8]).extents
(12,)
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple


class Access(Enum):
    """How an operand steps along one axis."""

    VARIES = "v"  # an outer axis: by any stride
    CONTIGUOUS = "c"  # the innermost axis: its elements are neighbours
    STRIDED = "s"  # the innermost axis: by any stride
    BROADCAST = "b"  # not at all: all elements along the axis are one

    # Members are singletons; Enum's own hash is a Python function.
    __hash__ = object.__hash__


# Python before 3.12 looks up a member of an enum by Python code.
_VARIES, _CONTIGUOUS = Access.VARIES, Access.CONTIGUOUS
_STRIDED, _BROADCAST = Access.STRIDED, Access.BROADCAST

# One access an axis, outermost first.
Layout = tuple[Access, ...]


def letters(layout: Layout) -> str:
    """Return a layout as it is printed."""
    return "".join([each.value for each in layout])


def depth_of(layout: Layout) -> int:
    """Return how many axes of a layout there are up to the last one that is not broadcast.

    >>> depth_of((Access.VARIES, Access.BROADCAST))
    1
    """
    depth = len(layout)
    while depth and layout[depth - 1] is _BROADCAST:
        depth -= 1
    return depth


class Arrangement(NamedTuple):
    """The axes of one call: extents in elements, strides of each operand in bytes, layouts.

    `order` are the user's axes from the outermost to the innermost, before any are merged.
    """

    extents: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]
    layouts: tuple[Layout, ...]
    order: tuple[int, ...]


def memory_order(shape: Sequence[int], strides: Sequence[Sequence[int]]) -> list[int]:
    """Return the axes from the largest strides to the smallest, as NumPy's K order has them.

    An axis moves inwards past another when all operands that step along both step less along it.
    Where operands are broadcast, this is no ordering, and the result depends on the axes being
    inserted from the last to the first (NumPy, nditer_constr.c, npyiter_find_best_axis_ordering).

    >>> memory_order((2, 3), [(8, 16)])
    [1, 0]
    """
    order: list[int] = []  # from the innermost axis on
    for axis in range(len(shape) - 1, -1, -1):
        at = len(order)
        for position in range(len(order) - 1, -1, -1):
            other = order[position]
            inwards = None
            for each in strides:
                here, there = abs(each[axis]), abs(each[other])
                if here and there and shape[axis] != 1 and shape[other] != 1:
                    inwards = here < there
                    if not inwards:
                        break
            if inwards:
                at = position
            elif inwards is False:
                break
        order.insert(at, axis)
    return order[::-1]


def arrange(
    shape: Sequence[int],
    strides: Sequence[Sequence[int]],
    itemsizes: Sequence[int],
    order: Sequence[int] | None = None,
    apart: int | None = None,
) -> Arrangement:
    """Arrange the axes of a call, in an `order` if there is one; no extent of `shape` may be 0.

    The axis that stands `apart` does not become one with those outside of it.

    Units:  strides and itemsizes in bytes; an operand that is broadcast along an axis has stride 0.
    """
    if order is None:
        order = memory_order(shape, strides)
    extents: list[int] = []
    merged: list[list[int]] = [[] for _ in strides]
    for axis in order:
        extent = shape[axis]
        if extent == 1:
            continue
        along = [each[axis] for each in strides]
        if (
            axis != apart
            and extents
            and all(
                outer[-1] == stride * extent for outer, stride in zip(merged, along, strict=True)
            )
        ):
            extents[-1] *= extent
            for outer, stride in zip(merged, along, strict=True):
                outer[-1] = stride
        else:
            extents.append(extent)
            for outer, stride in zip(merged, along, strict=True):
                outer.append(stride)
    if not extents:
        extents = [1]
        for outer, itemsize in zip(merged, itemsizes, strict=True):
            outer.append(itemsize)
    return Arrangement(
        tuple(extents),
        tuple(map(tuple, merged)),
        tuple(map(_layout, merged, itemsizes)),
        tuple(order),
    )


def _layout(strides: Sequence[int], itemsize: int) -> Layout:
    inner = strides[-1]
    last = _CONTIGUOUS if inner == itemsize else _STRIDED if inner else _BROADCAST
    if len(strides) == 1:
        return (last,)
    return (*[_VARIES if stride else _BROADCAST for stride in strides[:-1]], last)
