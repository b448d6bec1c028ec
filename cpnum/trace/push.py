"""Movement of a computed value is pushed to its inputs: `(x + y)[1:]` becomes `x[1:] + y[1:]`.

Each value is pushed once for each movement, and a view of a view is a view of the first value.

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

import numpy as np

from cpnum.errors import UnsupportedError
from cpnum.ir.extents import in_signature, moved
from cpnum.ir.movement import BroadcastTo, Index, IndexItem, Movement, Reshape, Transpose, joined
from cpnum.ir.nodes import Apply, Constant, Input, Join, Node, Project, operands
from cpnum.ir.walk import postorder
from cpnum.tables.dtypes import B, DType, from_numpy
from cpnum.tables.ops import OPS
from cpnum.trace.builder import Builder, Shape
from cpnum.trace.kinds import Kind, Kinds, Push
from cpnum.trace.made import filled, shaping

_FULL = slice(None)

# The nodes whose views are not computed again.  A union would be made at each question.
_HELD = (Input, Join)


def move(builder: Builder, node: Node, shape: Shape, step: Movement) -> tuple[Node, Shape]:
    """Return the node and the shape of a view of `node`, which has the shape `shape`.

    A view of an input is an input.  A computed value is computed again, from views of its inputs.
    """
    try:
        left = _replayed(shape, step)
    except (IndexError, ValueError):
        # A function that catches NumPy's error goes on in another way for other shapes.
        builder.shape_observed = True
        raise
    if isinstance(node, _HELD):
        return _moved(builder, node, step), left
    kinds = kinds_of(builder, node)
    is_single = not shape and isinstance(step, Reshape)
    if is_single or (left and not any(len(each) == len(shape) for each, _ in kinds.each)):
        return repeated_to(builder, node, left), left
    if isinstance(step, Reshape) and {each for each, _ in kinds.each if each} != {shape}:
        # NumPy copies each argument that is broadcast, when it reshapes the view.
        builder.shape_observed = True
        node = _view(builder, node, BroadcastTo(shape))
    return _view(builder, node, step), left


def repeated_to(builder: Builder, node: Node, shape: Shape) -> Node:
    """Return a single value with axes: no input has a shape to give, so a held array gives it."""
    node = builder.cast(node, from_numpy(node.dtype.numpy))
    if isinstance(node, Constant):
        return builder.constant(node.value, node.dtype, (shaping(builder, shape),))
    always = builder.constant(True, B, (shaping(builder, shape),))
    result = builder.nodes.apply(OPS["where"], (always, node, node), node.dtype)
    builder.note(result)
    return result


def _view(builder: Builder, node: Node, step: Movement) -> Node:
    """Return the view of a computed value; each value is pushed once for each movement."""
    views, origins, known = builder.views.pushed, builder.views.origins, builder.views.kinds
    first = node, _push(builder, kinds_of(builder, node), step)
    pending = [first]
    while pending:
        value, push = last = pending[-1]
        if last in views:
            pending.pop()
            continue
        kinds = known.get(value) or kinds_of(builder, value)
        own = kinds.own.get(push)
        if own is None:
            # A value that is repeated in another is not pushed as it would be by itself.
            own = len(kinds.shape) == push.axes and _push(builder, kinds, push.step) is push
            kinds.own[push] = own
        origin, before = origins.get(value) or (value, ())
        movement: tuple[Movement, ...] = (push.step,)
        if own and before:
            movement = joined(before, push.step)
            if movement != (*before, push.step):
                # A view of a view is a view of the first value, by the joined movement.
                found = origin
                for each in movement:
                    again = found, _push(builder, kinds_of(builder, found), each)
                    if again not in views:
                        pending.append(again)
                        break
                    found = views[again]
                else:
                    views[last] = found
                continue
        if push in kinds.observing:
            builder.shape_observed = True
        missing = False
        for arg in operands(value):
            if (arg, push) in views:
                continue
            if arg.dtype.weak:
                views[arg, push] = arg
            elif isinstance(arg, _HELD):
                views[arg, push] = _pushed(builder, arg, push)
            else:
                pending.append((arg, push))
                missing = True
        if missing:
            continue
        pending.pop()
        views[last] = view = _renewed(builder, value, push)
        if own and view is not origin and view not in origins and origin not in origins:
            origins[view] = origin, movement
    return views[first]


def _renewed(builder: Builder, value: Node, push: Push) -> Node:
    """Return a value that is computed from the views of its operands."""
    views, nodes = builder.views.pushed, builder.nodes
    match value:
        case Constant(number, dtype, like):
            return nodes.constant(number, dtype, tuple(_input(views[x, push]) for x in like))
        case Apply(op, args, dtype):
            before = len(nodes)
            new = tuple([views[arg, push] for arg in args])
            view = nodes.apply(op, new, dtype)
            if len(nodes) > before:
                builder.views.again.add(view)
            if value in builder.sites:
                builder.sites.setdefault(view, builder.sites[value])
            for special in (builder.taken, builder.put):
                if value in special:
                    special.add(view)
            if value in builder.handling:
                builder.handling.setdefault(view, builder.handling[value])
            if value in builder.as_written:
                builder.as_written.setdefault(view, builder.as_written[value])
            return view
        case Project(of, index, dtype):
            several = views[of, push]
            assert isinstance(several, Apply)
            return nodes.project(several, index, dtype)
    raise TypeError(f"{value!r} has no views")


def _input(node: Node) -> Input:
    assert isinstance(node, Input)
    return node


# -- the inputs of a value ----------------------------------------------------------------------


def kinds_of(builder: Builder, node: Node) -> Kinds:
    """Return the kinds of all inputs of a value; Python scalars have none."""
    known = builder.views.kinds
    if node not in known:
        for each in postorder(node, known):
            if each.dtype.weak:
                known[each] = _interned(builder, frozenset())
            elif isinstance(each, Join):
                known[each] = known[each.like]
            elif isinstance(each, Input):
                kind = builder.shapes[each], builder.extents[each]
                known[each] = _interned(builder, frozenset([kind]))
            else:
                several = {known[arg] for arg in operands(each) if not arg.dtype.weak}
                if len(several) == 1:
                    known[each] = several.pop()
                else:
                    union = frozenset[Kind]().union(*[kinds.each for kinds in several])
                    known[each] = _interned(builder, union)
    return known[node]


def _interned(builder: Builder, each: frozenset[Kind]) -> Kinds:
    known = builder.views.interned
    if each not in known:
        known[each] = Kinds.of(each)
    return known[each]


def _push(builder: Builder, kinds: Kinds, step: Movement) -> Push:
    """Return the push of a step that a value takes; equal pushes are one object."""
    known = kinds.pushes.get(step)
    if known is None:
        repeated, observing = (
            _repeated(step.items, kinds) if isinstance(step, Index) else ({}, False)
        )
        axes, stay = len(kinds.shape), any(shape for shape, _ in kinds.each)
        key = step, axes, tuple(repeated.items()), stay
        known = builder.views.pushes.get(key)
        if known is None:
            known = builder.views.pushes[key] = Push(step, axes, repeated, stay)
        kinds.pushes[step] = known
        if observing:
            kinds.observing.add(known)
    return known


def _moved(builder: Builder, node: Input | Join, step: Movement) -> Node:
    """Return the view of an input, which is an input, or of a join; note its shape."""
    if isinstance(step, Index) and all(item == _FULL for item in step.items):
        return node
    if isinstance(node, Join):
        return _moved_join(builder, node, step)
    movement = joined(node.movement, step) if node.movement else (step,)
    view = builder.nodes.input(node.parameter, movement, node.dtype)
    if view not in builder.shapes:
        shape = builder.shapes[view] = _replayed(builder.shapes[node], step)
        builder.extents[view] = moved(builder.extents[node], step, shape)
    return view


def _moved_join(builder: Builder, node: Join, step: Movement) -> Node:
    """Return the view of a join, of which each value gives a part."""
    from cpnum.ir.joins import of_values  # most functions join nothing

    shape = builder.shapes[node.like]
    shapes = [kinds_of(builder, value).shape for value in node.values]
    steps = of_values(step, shape, node.axis, [each[node.axis] for each in shapes])
    if steps is None:
        raise builder.error(
            UnsupportedError,
            "this shape of values that are joined cannot be traced: "
            "parts of a result that are computed apart are not supported yet",
            seen=f"{step} of values that are joined along axis {node.axis}",
            write="the reshape outside of the function, or of the values before they are joined",
        )
    axis, moved_values = steps
    values = [move(builder, node.values[at], shapes[at], own)[0] for at, own in moved_values]
    view = join(builder, values, node.dtype, axis, _replayed(shape, step))
    if isinstance(view, Join) and node in builder.sites:
        builder.sites.setdefault(view, builder.sites[node])
    return view


def join(builder: Builder, values: list[Node], dtype: DType, axis: int, shape: Shape) -> Node:
    """Return the node of values of a dtype, put end to end along an axis, as a whole of a shape."""
    if not values:
        return filled(builder, dtype.numpy.type(0), shape).node
    if len(values) == 1:
        return values[0]
    builder.joined = True
    return builder.nodes.join(tuple(values), axis, shaping(builder, shape))


def _repeated(items: tuple[IndexItem, ...], kinds: Kinds) -> tuple[dict[int, bool], bool]:
    """Return the axes that are indexed, and along which inputs of extent 1 are repeated.

    In `(x + y)[2:]` with shapes (5,) and (1,), `y` is repeated, and stays as it is.  The second
    result is true if the signature does not say which inputs are repeated: then the function has
    observed the shape.
    """
    observing = False
    repeated: dict[int, bool] = {}
    axis = -1
    for item in items:
        axis += item is not None
        if item is None or item == _FULL:
            continue
        at = axis - len(kinds.shape)  # axes are counted from the end, where shapes broadcast
        having = [(each[at], extents[at]) for each, extents in kinds.each if len(each) >= -at]
        others = {extent for each, extent in having if each != 1 or not in_signature(extent)}
        if not others:
            continue
        repeated[axis] = True
        if len(others) > 1 and not all(map(in_signature, others)):
            observing = True
            repeated[axis] = kinds.shape[axis] == 1
    return repeated, observing


def _pushed(builder: Builder, node: Input | Join, push: Push) -> Node:
    """Return the view of an input, or of a join, for the step that a value takes."""
    like = node.like if isinstance(node, Join) else node
    axes = len(builder.shapes[like])
    if push.scalars_stay and not axes:
        return node
    missing = push.axes - axes
    match push.step:
        case Index(items=items) if missing or 1 in builder.shapes[like]:
            return _moved(builder, node, Index.of(_adapted(builder, items, missing, like, push)))
        case Transpose() if missing:
            wide = _moved(builder, node, Index.of((None,) * missing + (_FULL,) * axes))
            assert isinstance(wide, _HELD)
            node = wide
    return _moved(builder, node, push.step)


def _adapted(
    builder: Builder, items: tuple[IndexItem, ...], missing: int, node: Input, push: Push
) -> tuple[IndexItem, ...]:
    """Return the index of an input for an index of a value, which has `missing` axes more."""
    shape, extents = builder.shapes[node], builder.extents[node]
    adapted: list[IndexItem] = []
    axis = -1
    for item in items:
        axis += item is not None
        if item is None:
            adapted.append(None)
        elif axis < missing:
            if isinstance(item, slice):
                adapted.append(None)
        elif (
            axis in push.repeated
            and shape[axis - missing] == 1
            and (not push.repeated[axis] or in_signature(extents[axis - missing]))
        ):
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
