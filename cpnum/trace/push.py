"""Movement of a computed value is pushed to its inputs: `(x + y)[1:]` becomes `x[1:] + y[1:]`.

>>> from cpnum.tables.dtypes import F64
>>> from cpnum.tables.ops import OPS
>>> builder = Builder()
>>> x, y = builder.argument("x", F64, (4, 3)), builder.argument("y", F64, (3,))
>>> total = builder.nodes.apply(OPS["add"], (x, y), F64)
>>> row, shape = move(builder, total, (4, 3), Index.of((0,)))
>>> shape, [each.movement for each in row.args]
((3,), [([0],), ()])
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cpnum.errors import UnsupportedError
from cpnum.ir.extents import in_signature, moved
from cpnum.ir.movement import Index, IndexItem, Movement, Reshape, Transpose, joined
from cpnum.ir.nodes import Apply, Constant, Input, Node
from cpnum.ir.walk import postorder
from cpnum.trace.builder import Builder, Shape

_FULL = slice(None)

# An axis of a value -> the inputs whose one element is repeated along it.
Repeated = Mapping[int, set[Input]]


def move(builder: Builder, node: Node, shape: Shape, step: Movement) -> tuple[Node, Shape]:
    """Return the node and the shape of a view of `node`, which has the shape `shape`.

    A view of an input is an input.  A computed value is computed again, from views of its inputs.
    """
    left = _replayed(shape, step)
    if isinstance(node, Input):
        return _moved(builder, node, step), left
    # The cone of a value is all that it is computed from; Python scalars have no axes to move.
    cone = [each for each in postorder(node) if not each.dtype.weak]
    inputs = [each for each in cone if isinstance(each, Input)]
    shapes = builder.shapes
    if left and not any(len(shapes[each]) == len(shape) for each in inputs):
        raise builder.error(
            UnsupportedError,
            "a single value that is computed cannot be given axes",
            write="the new axes on an argument instead",
        )
    if isinstance(step, Reshape):
        _refuse_reshape(builder, node, shape)
    repeated = _repeated(builder, step.items, shape, inputs) if isinstance(step, Index) else {}
    scalars_stay = any(shapes[each] for each in inputs)
    pushed: dict[Input, Input] = {}
    views: dict[Node, Node] = {}
    for each in cone:
        match each:
            case Input():
                stays = scalars_stay and not shapes[each]
                view = each if stays else _pushed(builder, each, shape, step, repeated)
                pushed[each] = views[each] = view
            case Constant(value, dtype, like):
                moved_like = tuple(pushed[x] for x in like)
                views[each] = builder.nodes.constant(value, dtype, moved_like)
            case Apply(op, args, dtype):
                again = builder.nodes.apply(op, tuple(views.get(x, x) for x in args), dtype)
                views[each] = again
                if each in builder.sites:
                    builder.sites.setdefault(again, builder.sites[each])
    return views[node], left


def _moved(builder: Builder, node: Input, step: Movement) -> Input:
    """Return the input that is a view of an input, and note its shape."""
    if isinstance(step, Index) and all(item == _FULL for item in step.items):
        return node
    view = builder.nodes.input(node.parameter, joined(node.movement, step), node.dtype)
    if view not in builder.shapes:
        shape = builder.shapes[view] = _replayed(builder.shapes[node], step)
        builder.extents[view] = moved(builder.extents[node], step, shape)
    return view


def _refuse_reshape(builder: Builder, node: Node, shape: Shape) -> None:
    """Refuse to reshape a value unless all of its inputs have its shape."""
    if {builder.shapes[each] for each in builder.like(node)} != {shape}:
        raise builder.error(
            UnsupportedError,
            "a computed value whose inputs are broadcast cannot be reshaped",
            write="the reshape on the arguments instead",
        )


def _repeated(
    builder: Builder, items: tuple[IndexItem, ...], shape: Shape, inputs: list[Input]
) -> Repeated:
    """Return the repeated inputs of each axis that is indexed.

    In `(x + y)[2:]` with shapes (5,) and (1,), `y` is repeated, and stays as it is.  If the
    signature does not say which inputs are repeated, the function has observed the shape.
    """
    shapes, extents = builder.shapes, builder.extents
    repeated: dict[int, set[Input]] = {}
    axis = -1
    for item in items:
        axis += item is not None
        if item is None or item == _FULL:
            continue
        at = axis - len(shape)  # axes are counted from the end, where shapes broadcast
        having = [each for each in inputs if len(shapes[each]) >= -at]
        single = {
            each for each in having if shapes[each][at] == 1 and in_signature(extents[each][at])
        }
        others = {extents[each][at] for each in having if each not in single}
        if not others:
            continue
        if len(others) > 1 and not all(map(in_signature, others)):
            builder.shape_observed = True
            if shape[axis] != 1:
                single = {each for each in having if shapes[each][at] == 1}
        repeated[axis] = single
    return repeated


def _pushed(
    builder: Builder, node: Input, shape: Shape, step: Movement, repeated: Repeated
) -> Input:
    """Return the view of an input for the step that a value of `shape` takes."""
    axes = len(builder.shapes[node])
    missing = len(shape) - axes
    match step:
        case Index(items=items):
            return _moved(builder, node, Index.of(_adapted(items, missing, node, repeated)))
        case Transpose() if missing:
            node = _moved(builder, node, Index.of((None,) * missing + (_FULL,) * axes))
    return _moved(builder, node, step)


def _adapted(
    items: tuple[IndexItem, ...], missing: int, node: Input, repeated: Repeated
) -> tuple[IndexItem, ...]:
    """Return the index of an input for an index of a value, which has `missing` axes more."""
    adapted: list[IndexItem] = []
    axis = -1
    for item in items:
        axis += item is not None
        if item is None:
            adapted.append(None)
        elif axis < missing:
            if isinstance(item, slice):
                adapted.append(None)
        elif node in repeated.get(axis, ()):
            adapted.append(_FULL if isinstance(item, slice) else 0)
        else:
            adapted.append(item)
    if missing:
        # Broadcasting supplies the leading axes.
        while adapted and adapted[0] is None:
            del adapted[0]
    return tuple(adapted)


_BYTES = bytes(8)


def _replayed(shape: Shape, step: Movement) -> Shape:
    """Return the shape of a view, which NumPy takes of an array without elements of its own."""
    array = np.ndarray(shape, "b", _BYTES, 0, (0,) * len(shape))
    replayed: Shape = step.replay(array).shape
    return replayed
