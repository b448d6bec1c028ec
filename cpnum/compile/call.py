"""The shapes and strides of one call, without addresses and values.

Outputs of one shape are computed by one kernel, in one loop; large tiles that read different arrays
are not.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from cpnum.compile.arrange import Arrangement, arrange, memory_order
from cpnum.compile.sources import Sources, arrays_of, sources_of
from cpnum.errors import OutError, ShapeError
from cpnum.ir.arrays import address
from cpnum.ir.extents import common_shape, fits
from cpnum.ir.graph import Graph
from cpnum.ir.movement import Reshape
from cpnum.ir.nodes import MADE, Constant, Input, Node, operands
from cpnum.ir.results import Joined, Output
from cpnum.ir.walk import Shaping

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]


# The axes of a new array from the slowest to the fastest, None for C order.
Order = tuple[int, ...] | None


class Call(NamedTuple):
    """The shapes and strides of one call of a kernel, arranged.

    All outputs of the kernel have the `shape`.  There is no arrangement if they have no elements.
    `orders` are those of new arrays, one an output.  `offsets` has the bytes from the first element
    of an argument to that of each array of the sources, None where NumPy has to take the view.
    `tiles` has the bytes from the first element of an array to that of each output in it.  A sum
    adds pieces of so many elements; 0 is one piece.
    """

    shape: Shape
    orders: tuple[Order, ...]
    arrangement: Arrangement | None
    sources: Sources
    offsets: tuple[int | None, ...]
    tiles: tuple[int, ...]
    piece: int = 0


class Part(NamedTuple):
    """The outputs of a graph that one kernel computes, by their places, and its call."""

    places: tuple[int, ...]
    call: Call


# Other functions are called with the same arrays; to look one up takes a tenth of the time.
_arranged = functools.lru_cache(maxsize=1024)(arrange)


def describe(graph: Graph, arguments: Sequence[Any], out: Array | None) -> Call:
    """Return the call of a graph with one output, with these arguments.

    Raises:  ShapeError if they do not broadcast, or not to the shape of `out`; OutError if elements
             of `out` share memory.
    """
    views = views_in(graph, arguments)
    shapes = {node: shape_of(view) for node, view in views.items()}
    verify_conditions(graph, arguments)
    shape = common_shape_of(graph, shapes)
    if out is not None:
        shape = shape_in(out, shape, graph.outputs[0].node.dtype.numpy)
    return _call(graph, arguments, views, shape, [(out, None, 0)])


def describe_parts(
    graph: Graph,
    arguments: Sequence[Any],
    outs: Sequence[Array | None],
    part: Callable[[tuple[int, ...]], Graph],
) -> list[Part]:
    """Return the calls of a graph with any number of outputs, one for each shape of these.

    `outs` has an array or None for each of `graph.results.arrays`.  `part` returns the graph of the
    outputs at some places.

    Raises:  as `describe`.
    """
    views = views_in(graph, arguments)
    shapes = {node: shape_of(view) for node, view in views.items()}
    verify_conditions(graph, arguments)
    groups: list[_Group] = []
    shaping = Shaping(lambda each: True)
    found = [
        common_shape_of(graph, {each: shapes[each] for each in shaping.of(output.node)})
        for output in graph.outputs
    ]
    into = _into(graph, views, outs, found)
    indices = [index for _, index in graph.results.places]
    for at, (output, shape) in enumerate(zip(graph.outputs, found, strict=True)):
        out = into[at][0]
        if out is not None:
            shape = shape_in(out, shape, output.node.dtype.numpy)
        read = {each.parameter for each in shaping.of(output.node)} - {MADE}
        is_large = indices[at] is not None and math.prod(shape) >= _LARGE
        group = _group_of(groups, shape, read if is_large else None)
        group.places.append(at)
        group.read.update(read)
    return [
        Part(
            tuple(own),
            _call(part(tuple(own)), arguments, views, shape, [into[at] for at in own]),
        )
        for shape, own, _ in groups
    ]


class _Group(NamedTuple):
    """The outputs of one kernel, by their places, and the parameters that it reads."""

    shape: Shape
    places: list[int]
    read: set[int]


# One loop over so many elements of several tiles is slower than a loop for each, unless they read
# the same arrays.
_LARGE = 1 << 15


def _group_of(groups: list[_Group], shape: Shape, read: set[int] | None) -> _Group:
    """Return the group for an output of a shape; of a large tile, one that `read` the same."""
    for group in groups:
        if group.shape == shape and (read is None or group.read & read):
            return group
    groups.append(_Group(shape, [], set()))
    return groups[-1]


# The array that an output is computed into, None for a new one.  Of a tile of a new array: one like
# it, the order of the whole, and the bytes from its start.
Into = tuple[Array | None, Order, int]


def _into(
    graph: Graph,
    views: dict[Input, Any],
    outs: Sequence[Array | None],
    shapes: Sequence[Shape],
) -> list[Into]:
    """Return what each output is computed into; `outs` are the arrays that are given.

    The outputs have these `shapes`.
    """
    results = graph.results
    numbers = [at for at, leaf in enumerate(results.leaves) if type(leaf) is Output]
    arrays: list[Into] = []
    for at, out in zip(results.arrays, outs, strict=True):
        leaf = results.leaves[at]
        order: Order = None
        if isinstance(leaf, Joined):
            first = numbers.index(leaf.tiles[0][0])
            shape, dtype = leaf.shape_of(shapes[first]), graph.outputs[first].node.dtype.numpy
            if out is not None:
                refuse_shape(out, shape, dtype)
            else:
                order = _order_of(graph, leaf, views, shape)
                out = new_array(shape, order, dtype)
        arrays.append((out, order, 0))
    return [
        arrays[at] if index is None else _tile(arrays[at], index) for at, index in results.places
    ]


def _tile(into: Into, index: tuple[Any, ...]) -> Into:
    whole, order, _ = into
    assert whole is not None
    tile = whole[index]
    return tile, order, address(tile) - address(whole)


def _order_of(graph: Graph, joined: Joined, views: dict[Input, Any], shape: Shape) -> Order:
    """Return the order of a new array that has tiles, by the views that these are computed from."""
    if len(shape) < 2:
        return None
    sources = sources_of(graph)
    axes = len(shape)
    strides = []
    for of, _ in joined.tiles:
        output: Any = graph.results.leaves[of]
        read = arrays_of(output.node, sources)
        strides += [
            (0,) * (axes - view.ndim) + view.strides for node, view in views.items() if node in read
        ]
    order = memory_order(shape, strides)
    return None if order == sorted(order) else tuple(order)


def views_in(graph: Graph, arguments: Sequence[Any]) -> dict[Input, Any]:
    """Return the views of arguments that the inputs of a graph are."""
    return {node: node.view(arguments[node.parameter]) for node in graph.inputs}


def _call(
    graph: Graph,
    arguments: Sequence[Any],
    views: dict[Input, Any],
    shape: Shape,
    into: Sequence[Into],
) -> Call:
    """Return the call of a graph whose outputs all have one shape."""
    sources = sources_of(graph)
    strides = [strides_in(views[node], shape) for node in sources.arrays]
    orders: list[Order] = []
    own: list[tuple[int, ...]] = []
    itemsizes = [node.dtype.itemsize for node in sources.arrays]
    for output, (out, order, _) in zip(graph.outputs, into, strict=True):
        if len(shape) > 1 and out is None:
            read = strides
            if isinstance(output.node, Constant):
                # As np.zeros_like orders its axes.
                read = [strides_in(views[each], shape) for each in output.node.like]
            elif len(into) > 1:
                arrays = arrays_of(output.node, sources)
                read = [strides[at] for at, each in enumerate(sources.arrays) if each in arrays]
            found = memory_order(shape, read)
            order = None if found == sorted(found) else tuple(found)
        orders.append(order)
        itemsize = output.node.dtype.itemsize
        itemsizes.append(itemsize)
        own.append(
            strides_in(out, shape) if out is not None else new_strides(shape, order, itemsize)
        )
    arrangement = None
    if 0 not in shape:
        arrangement = _arranged(shape, (*strides, *own), tuple(itemsizes))
    offsets = [offset_of(node, views[node], arguments) for node in sources.arrays]
    tiles = tuple([offset for _, _, offset in into])
    return Call(shape, tuple(orders), arrangement, sources, tuple(offsets), tiles)


def offset_of(node: Input, view: Any, arguments: Sequence[Any]) -> int | None:
    """Return the bytes from the first element of an argument to that of a view of it.

    They are the same for all arguments of these strides, unless NumPy may copy.
    """
    if not node.movement:
        return 0
    if node.parameter == MADE or any(isinstance(step, Reshape) for step in node.movement):
        return None
    return address(view) - address(arguments[node.parameter])


# -- shapes -------------------------------------------------------------------------------------


def shape_of(value: Any) -> Shape:
    """Return the shape of an array or a number."""
    # np.shape takes five times as long.
    return value.shape if type(value) is np.ndarray else np.shape(value)


def verify_conditions(graph: Graph, arguments: Sequence[Any]) -> None:
    """Raise the ShapeError of the first condition that does not hold."""
    for condition in graph.conditions:
        found = [shape_of(node.view(arguments[node.parameter])) for node in condition.inputs]
        try:
            functools.reduce(common_shape, found)
        except ShapeError as error:
            error.site = graph.sites.get(condition)
            raise


def common_shape_of(graph: Graph, shapes: Mapping[Input, Shape]) -> Shape:
    """Return the shape of what is computed from inputs of these shapes."""
    try:
        return functools.reduce(common_shape, set(shapes.values()), ())
    except ShapeError:
        _raise_at_line(graph, shapes)
        raise


def _raise_at_line(graph: Graph, inputs: Mapping[Input, Shape]) -> None:
    """Raise the ShapeError of the first operator whose operands do not broadcast."""
    shapes: dict[Node, Shape] = dict(inputs.items())
    for node in graph.nodes:
        args = operands(node)
        if isinstance(node, Input) or not all(arg in shapes for arg in args):
            continue  # another output is computed from it
        try:
            shapes[node] = functools.reduce(common_shape, map(shapes.__getitem__, args), ())
        except ShapeError as error:
            error.site = graph.sites.get(node)
            raise error from None


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


def new_array(shape: Shape, order: Order, dtype: np.dtype[Any]) -> Array:
    """Return an array for a result, its axes in memory as a ufunc of NumPy has them."""
    if order is None:
        return np.empty(shape, dtype)
    swapped = np.empty([shape[axis] for axis in order], dtype)
    return swapped.transpose(np.argsort(order))


def new_of(graph: Graph, parts: Sequence[Part]) -> list[tuple[Shape, Order, np.dtype[Any]]]:
    """Return shape, order and dtype of a new array for each of `graph.results.arrays`."""
    results = graph.results
    leaves = [results.leaves[at] for at in results.arrays]
    found: dict[int, tuple[Shape, Order, np.dtype[Any]]] = {}
    first: dict[int, int] = {}
    places = results.places
    for part in parts:
        for at, order in zip(part.places, part.call.orders, strict=True):
            array = places[at][0]
            dtype = graph.outputs[at].node.dtype.numpy
            leaf, shape = leaves[array], part.call.shape
            if not isinstance(leaf, Joined):
                found[array] = shape, order, dtype
            elif array not in found or at < first[array]:
                first[array] = at
                found[array] = leaf.shape_of(shape), order, dtype
    return [found[at] for at in range(len(leaves))]


# -- out ----------------------------------------------------------------------------------------


def shape_in(out: Array, shape: Shape, dtype: np.dtype[Any]) -> Shape:
    """Return the shape of `out`; refuse one that cannot take a result of this shape."""
    refuse_shape(out, shape, dtype)
    refuse_shared_elements(out, dtype)
    own: Shape = out.shape
    return own


def refuse_shape(out: Array, shape: Shape, dtype: np.dtype[Any]) -> None:
    """Refuse an `out` that a result of this shape and dtype cannot be broadcast to."""
    if out.shape != shape and not fits(shape, out.shape):
        raise OutError(
            "`out` has the wrong shape",
            seen=f"out of shape {out.shape} for a result of shape {shape}",
            write=f"out=np.empty({shape}, {dtype})",
        )


def refuse_shared_elements(out: Array, dtype: np.dtype[Any]) -> None:
    """Refuse an `out` with elements that share memory; `dtype` is that of the result."""
    if out.size and not elements_apart(out):
        raise OutError(
            "elements of `out` share memory",
            seen=f"out of shape {out.shape} and strides {out.strides}",
            write=f"out=np.empty({out.shape}, {dtype})",
        )


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
