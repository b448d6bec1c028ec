"""What there is to know about the arguments of a call without their addresses and values."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from cpnum.compile.schedule import Arrangement, Operands, arrange, memory_order, operands_of
from cpnum.errors import OutError
from cpnum.ir.graph import Graph
from cpnum.ir.movement import common_shape

Array = np.ndarray[Any, Any]


class Call(NamedTuple):
    """The shapes and strides of one call, arranged.

    `order` are the axes of a new result from the slowest to the fastest, None for C order.
    """

    shape: tuple[int, ...]
    order: tuple[int, ...] | None
    arrangement: Arrangement | None
    operands: Operands


def scalars_of(arguments: Sequence[Any]) -> frozenset[int]:
    """Return the parameters whose argument is a scalar: a number or an array without axes."""
    return frozenset(
        at
        for at, each in enumerate(arguments)
        if not isinstance(each, np.ndarray) or each.ndim == 0
    )


def fits(shape: tuple[int, ...], wider: tuple[int, ...]) -> bool:
    """Tell whether a result of a shape can be broadcast to another one.

    >>> fits((1, 4), (3, 4)), fits((3, 4), (1, 4))
    (True, False)
    """
    lead = len(wider) - len(shape)
    return lead >= 0 and all(
        extent in (1, wide) for extent, wide in zip(shape, wider[lead:], strict=True)
    )


def strides_in(view: Array, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a view's strides along the axes of the shape it is broadcast to.

    >>> strides_in(np.zeros((3, 1)), (2, 3, 4))
    (0, 8, 0)
    """
    strides = tuple(
        0 if extent == 1 else stride
        for extent, stride in zip(view.shape, view.strides, strict=True)
    )
    return (0,) * (len(shape) - len(strides)) + strides


def _elements_apart(array: Array) -> bool:
    """Tell whether no two elements share memory; of large arrays, whether that is easy to see.

    >>> _elements_apart(np.zeros((3, 4))[::-1, ::2]), _elements_apart(np.broadcast_to(0.0, (3,)))
    (True, False)
    """
    covered = array.itemsize
    axes = zip(map(abs, array.strides), array.shape, strict=True)
    for stride, extent in sorted(axis for axis in axes if axis[1] > 1):
        if stride < covered:
            return array.size <= _COUNTED and bool(_distances(array).min() >= array.itemsize)
        covered += stride * (extent - 1)
    return True


# Where strides do not tell, the places of so many elements are looked at: 10 ms.
_COUNTED = 1 << 20


def _distances(array: Array) -> Array:
    """Return how far apart in memory the elements are, each from the next."""
    places = np.zeros(1, np.int64)
    for stride, extent in zip(array.strides, array.shape, strict=True):
        places = np.add.outer(places, stride * np.arange(extent)).ravel()
    return np.diff(np.sort(places))


def describe(graph: Graph, arguments: Sequence[Any], out: Array | None) -> Call:
    """Return the call that these arguments make.

    Raises:  ShapeError if they do not broadcast, or not to the shape of `out`; OutError if elements
             of `out` share memory.
    """
    scalars = scalars_of(arguments)
    operands = operands_of(graph, scalars)
    views = [array.view(arguments[array.parameter]) for array in operands.arrays]
    for group in (*graph.together, graph.inputs):
        shapes = [np.shape(node.view(arguments[node.parameter])) for node in group]
        shape = functools.reduce(common_shape, [(), *shapes])
    if out is not None and out.shape != shape:
        if not fits(shape, out.shape):
            raise OutError(
                "`out` has the wrong shape",
                seen=f"out of shape {out.shape} for a result of shape {shape}",
                write=f"out=np.empty({shape}, {graph.results[0].dtype.numpy})",
            )
        shape = out.shape
    if out is not None and out.size and not _elements_apart(out):
        raise OutError(
            "elements of `out` share memory",
            seen=f"out of shape {out.shape} and strides {out.strides}",
            write=f"out=np.empty({shape}, {graph.results[0].dtype.numpy})",
        )
    strides = [strides_in(view, shape) for view in views]
    order = None
    if len(shape) > 1 and out is None:
        found = memory_order(shape, strides)
        order = None if found == sorted(found) else tuple(found)
    if 0 in shape:
        return Call(shape, order, None, operands)
    strides.append(strides_in(new_result(shape, order, graph) if out is None else out, shape))
    itemsizes = [node.dtype.itemsize for node in (*operands.arrays, graph.results[0])]
    return Call(shape, order, arrange(shape, strides, itemsizes), operands)


def new_result(shape: tuple[int, ...], order: tuple[int, ...] | None, graph: Graph) -> Array:
    """Return an array for the result, laid out as NumPy lays out that of a ufunc."""
    dtype = graph.results[0].dtype.numpy
    if order is None:
        return np.empty(shape, dtype)
    swapped = np.empty([shape[axis] for axis in order], dtype)
    return swapped.transpose(np.argsort(order))
