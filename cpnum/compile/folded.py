"""The calls of graphs whose result is folded, and when one kernel has NumPy's bits for them.

NumPy folds the array that it would have made of the value, whose axes lie in memory as those of the
arguments do.  Folded axes that are innermost there are one sequence, and a sum of it is a tree; any
others are folded element by element, in their order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from cpnum.compile.arrange import arrange, memory_order
from cpnum.compile.call import (
    Call,
    Order,
    Shape,
    common_shape_of,
    new_strides,
    offset_of,
    shape_of,
    strides_in,
    verify_conditions,
    views_in,
)
from cpnum.compile.sources import arrays_of, sources_of
from cpnum.ir.graph import Graph
from cpnum.ir.nodes import Input
from cpnum.ir.results import Fold
from cpnum.tables.dtypes import DType


class FoldedCall(NamedTuple):
    """A call of a graph of which outputs are folded, with the shape and order of each result.

    There is no `kernel` if one would add in another order than NumPy, if one loop does not serve
    all outputs, or if there is no element.  The call `is_in_rows` if it would add in NumPy's order
    were there no gaps between the rows that it reads.
    """

    kernel: Call | None
    shapes: tuple[Shape, ...]
    orders: tuple[Order, ...]
    is_in_rows: bool = False


def describe_folded(graph: Graph, arguments: Sequence[Any]) -> FoldedCall:
    """Return the call of a graph of which outputs are folded; all values have one shape.

    Raises:  ShapeError if the arguments do not broadcast.
    """
    views = views_in(graph, arguments)
    verify_conditions(graph, arguments)
    shape = common_shape_of(graph, {node: shape_of(view) for node, view in views.items()})
    sources = sources_of(graph)
    strides = [strides_in(views[node], shape) for node in sources.arrays]
    itemsizes = [node.dtype.itemsize for node in sources.arrays]
    shapes: list[Shape] = []
    orders: list[Order] = []
    into: list[tuple[int, ...]] = []
    every: list[list[int]] = []
    piece = 0
    for output in graph.outputs:
        fold, read = output.fold, arrays_of(output.node, sources)
        of_memory = memory_order(
            shape,
            [each for each, node in zip(strides, sources.arrays, strict=True) if node in read],
        )
        shapes.append(shape if fold is None else fold.shape_of(shape))
        orders.append(_order_in(of_memory, fold))
        kept = shape if fold is None else fold._replace(keeps=True).shape_of(shape)
        into.append(new_strides(kept, of_memory, output.node.dtype.itemsize))
        itemsizes.append(output.node.dtype.itemsize)
        axes = of_memory
        if fold is not None:
            axes = _axes_of(axes, shape, fold, output.node.dtype)
            of_input = isinstance(output.node, Input) and not views[output.node].flags.aligned
            piece = _BUFFER if fold.converts or of_input else piece
        # A loop along other axes serves no other output.
        every.append(axes if axes == of_memory or len(graph.outputs) == 1 else [])
    result = FoldedCall(None, tuple(shapes), tuple(orders))
    folds = [output.fold for output in graph.outputs if output.fold is not None]
    if 0 in shape or any(each != every[0] for each in every) or (shape and not every[0]):
        return result
    if any(each.ddof is not None and each.divisor(shape) <= 0 for each in folds):
        return result
    scanned = {each.axes[0] for each in folds if each.scans}
    if len(scanned) > 1 or any(shape[axis] == 1 for axis in scanned):
        return result
    apart = next(iter(scanned), None)
    arrangement = arrange(shape, [*strides, *into], itemsizes, every[0], apart)
    trees = 0
    for fold in folds:
        inner = math.prod([shape[axis] for axis in _innermost(every[0], shape, fold)])
        if inner > 1 and fold.row.is_tree and not fold.scans:
            if arrangement.extents[-1] != inner:
                return result._replace(is_in_rows=len(folds) == 1)
            trees += 1
    if trees > _MOST_TREES or (piece and len(folds) > 1):
        return result
    offsets = tuple([offset_of(node, views[node], arguments) for node in sources.arrays])
    tiles = (0,) * len(shapes)
    return result._replace(
        kernel=Call(shape, tuple(orders), arrangement, sources, offsets, tiles, piece)
    )


# More accumulators would be spilled where there are 16 registers.
_MOST_TREES = 4

# NumPy converts so many elements at once, and arrays that are not aligned go the same way.
_BUFFER = 8192


# So many elements are added one after the other.
_IN_ORDER = 8
# A vector loop over fewer elements takes longer than one over a kept axis.
_SHORT = 32


def _axes_of(axes: list[int], shape: Shape, fold: Fold, dtype: DType) -> list[int]:
    """Return the axes of a loop, from those of memory: the axis of a scan is the innermost one."""
    if fold.scans:
        return [*[axis for axis in axes if axis not in fold.axes], *fold.axes]
    axes = _with_short_outside(axes, shape, fold, dtype)
    return _with_long_inside(axes, shape, fold)


def _innermost(axes: Sequence[int], shape: Shape, fold: Fold) -> list[int]:
    """Return the folded axes that are innermost, without those of extent 1."""
    inner: list[int] = []
    for axis in reversed(axes):
        if shape[axis] != 1:
            if axis not in fold.axes:
                break
            inner.insert(0, axis)
    return inner


def _with_short_outside(axes: list[int], shape: Shape, fold: Fold, dtype: DType) -> list[int]:
    """Return the axes with short innermost folded ones outside of the kept axis before them.

    So vectors go along the kept axis.  Each element is folded in the same order.
    """
    inner = _innermost(axes, shape, fold)
    real = [axis for axis in axes if shape[axis] != 1]
    real = real[: len(real) - len(inner)]
    most = _SHORT
    if fold.row.is_tree and dtype.family == "F":
        if fold.initial is not None or any(axis in fold.axes for axis in real):
            return axes  # a sum is added to another one
        most = _IN_ORDER
    count = math.prod([shape[axis] for axis in inner])
    if not inner or not real or count >= most or shape[real[-1]] <= count:
        return axes
    return [*[axis for axis in axes if shape[axis] == 1], *real[:-1], *inner, real[-1]]


def _with_long_inside(axes: list[int], shape: Shape, fold: Fold) -> list[int]:
    """Return the axes with a long kept one innermost, in the place of a short kept one.

    The kept axes may stand in any order: each element is folded in the same one.
    """
    real = [axis for axis in axes if shape[axis] != 1]
    if not real or real[-1] in fold.axes:
        return axes
    kept = [axis for axis in axes if axis not in fold.axes]
    longest = max(kept, key=lambda axis: shape[axis])
    if shape[real[-1]] >= _IN_ORDER or shape[longest] < _SHORT:
        return axes
    return [*[axis for axis in axes if axis != longest], longest]


def _order_in(axes: Sequence[int], fold: Fold | None) -> Order:
    """Return the order of a result whose axes lie in memory as those of the value."""
    gone = () if fold is None or fold.keeps or fold.scans else fold.axes
    left = [axis for axis in axes if axis not in gone]
    places = {axis: at for at, axis in enumerate(sorted(left))}
    order = tuple([places[axis] for axis in left])
    return None if list(order) == sorted(order) else order
