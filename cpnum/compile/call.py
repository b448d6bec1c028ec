"""The shapes and strides of one call, without addresses and values."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from cpnum.compile.arrange import Arrangement, arrange, memory_order
from cpnum.compile.sources import Sources, sources_of
from cpnum.errors import OutError, ShapeError
from cpnum.ir.extents import common_shape
from cpnum.ir.graph import Graph
from cpnum.ir.nodes import Input, Node, operands

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]


class Call(NamedTuple):
    """The shapes and strides of one call, arranged; no arrangement if there are no elements.

    `order` are the axes of a new result from the slowest to the fastest, None for C order.
    """

    shape: Shape
    order: tuple[int, ...] | None
    arrangement: Arrangement | None
    sources: Sources


# Other functions are called with the same arrays; to look one up takes a tenth of the time.
_arranged = functools.lru_cache(maxsize=1024)(arrange)


def describe(graph: Graph, arguments: Sequence[Any], out: Array | None) -> Call:
    """Return the call of a graph with these arguments.

    Raises:  ShapeError if they do not broadcast, or not to the shape of `out`; OutError if elements
             of `out` share memory.
    """
    sources = sources_of(graph)
    views = {node: node.view(arguments[node.parameter]) for node in graph.inputs}
    shapes: dict[Node, Shape] = {node: _shape_of(view) for node, view in views.items()}
    shape = _common_shape(graph, arguments, shapes)
    dtype = graph.output.node.dtype.numpy
    if out is not None:
        shape = _refuse_out(out, shape, dtype)
    strides = [strides_in(views[node], shape) for node in sources.arrays]
    order = None
    if len(shape) > 1 and out is None:
        found = memory_order(shape, strides)
        order = None if found == sorted(found) else tuple(found)
    if 0 in shape:
        return Call(shape, order, None, sources)
    own = strides_in(out, shape) if out is not None else new_strides(shape, order, dtype.itemsize)
    itemsizes = [node.dtype.itemsize for node in sources.arrays]
    arrangement = _arranged(shape, (*strides, own), (*itemsizes, dtype.itemsize))
    return Call(shape, order, arrangement, sources)


# -- shapes -------------------------------------------------------------------------------------


def _shape_of(value: Any) -> Shape:
    # np.shape takes five times as long.
    return value.shape if type(value) is np.ndarray else np.shape(value)


def _common_shape(graph: Graph, arguments: Sequence[Any], shapes: dict[Node, Shape]) -> Shape:
    """Return the shape of the result."""
    for condition in graph.conditions:
        found = [_shape_of(node.view(arguments[node.parameter])) for node in condition.inputs]
        try:
            functools.reduce(common_shape, found)
        except ShapeError as error:
            error.site = graph.sites.get(condition)
            raise
    try:
        return functools.reduce(common_shape, set(shapes.values()), ())
    except ShapeError:
        _raise_at_line(graph, shapes)
        raise


def _raise_at_line(graph: Graph, shapes: dict[Node, Shape]) -> None:
    """Raise the ShapeError of the first operator whose operands do not broadcast."""
    for node in graph.nodes:
        if isinstance(node, Input):
            continue
        try:
            shapes[node] = functools.reduce(
                common_shape, map(shapes.__getitem__, operands(node)), ()
            )
        except ShapeError as error:
            error.site = graph.sites.get(node)
            raise error from None


def fits(shape: Shape, wider: Shape) -> bool:
    """Tell whether a result of one shape can be broadcast to a wider one.

    >>> fits((1, 4), (3, 4)), fits((3, 4), (1, 4))
    (True, False)
    """
    lead = len(wider) - len(shape)
    return lead >= 0 and all(
        extent in (1, wide) for extent, wide in zip(shape, wider[lead:], strict=True)
    )


# -- strides ------------------------------------------------------------------------------------


def strides_in(view: Array, shape: Shape) -> tuple[int, ...]:
    """Return the strides of a view along the axes of the shape it is broadcast to.

    >>> strides_in(np.zeros((3, 1)), (2, 3, 4))
    (0, 8, 0)
    """
    strides: tuple[int, ...] = view.strides
    own = view.shape
    if 1 in own:
        strides = tuple([0 if own[axis] == 1 else each for axis, each in enumerate(strides)])
    return (0,) * (len(shape) - len(strides)) + strides if len(strides) < len(shape) else strides


def new_strides(shape: Shape, order: Sequence[int] | None, itemsize: int) -> tuple[int, ...]:
    """Return the strides of a new result, 0 along axes of extent 1.

    >>> new_strides((2, 3, 1), None, 8), new_strides((2, 3), (1, 0), 8)
    ((24, 8, 0), (8, 16))
    """
    strides = [0] * len(shape)
    stride = itemsize
    for axis in reversed(range(len(shape)) if order is None else order):
        if shape[axis] != 1:
            strides[axis] = stride
            stride *= shape[axis]
    return tuple(strides)


def new_result(call: Call, dtype: np.dtype[Any]) -> Array:
    """Return an array for the result, its axes in memory as a ufunc of NumPy has them."""
    shape, order = call.shape, call.order
    if order is None:
        return np.empty(shape, dtype)
    swapped = np.empty([shape[axis] for axis in order], dtype)
    return swapped.transpose(np.argsort(order))


# -- out ----------------------------------------------------------------------------------------


def _refuse_out(out: Array, shape: Shape, dtype: np.dtype[Any]) -> Shape:
    """Return the shape of `out`; refuse an `out` that cannot take a result of this shape."""
    if out.shape != shape and not fits(shape, out.shape):
        raise OutError(
            "`out` has the wrong shape",
            seen=f"out of shape {out.shape} for a result of shape {shape}",
            write=f"out=np.empty({shape}, {dtype})",
        )
    if out.size and not elements_apart(out):
        raise OutError(
            "elements of `out` share memory",
            seen=f"out of shape {out.shape} and strides {out.strides}",
            write=f"out=np.empty({out.shape}, {dtype})",
        )
    own: Shape = out.shape
    return own


def elements_apart(array: Array) -> bool:
    """Tell whether no two elements share memory; large arrays must show it by their strides.

    >>> elements_apart(np.zeros((3, 4))[::-1, ::2]), elements_apart(np.broadcast_to(0.0, (3,)))
    (True, False)
    """
    covered = array.itemsize
    axes = zip(map(abs, array.strides), array.shape, strict=True)
    for stride, extent in sorted(axis for axis in axes if axis[1] > 1):
        if stride < covered:
            return array.size <= _COUNTED and bool(_distances(array).min() >= array.itemsize)
        covered += stride * (extent - 1)
    return True


# Where strides do not tell, the offsets of at most so many elements are compared: 10 ms.
_COUNTED = 1 << 20


def _distances(array: Array) -> Array:
    """Return the distances in memory between neighbouring elements."""
    offsets = np.zeros(1, np.int64)
    for stride, extent in zip(array.strides, array.shape, strict=True):
        offsets = np.add.outer(offsets, stride * np.arange(extent)).ravel()
    return np.diff(np.sort(offsets))
