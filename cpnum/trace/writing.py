"""Writing to arrays: a write is a step of a program, and what it wrote to is another parameter.

So a value that was computed before the write reads the array as it was, and a view that is read
after it the array as it is.  All tracers that the function still has are told: views are of the new
parameter, and values that were computed of what is overwritten are stored before.

>>> from cpnum.trace.trace import trace
>>> def function(x):
...     before = x * 2
...     x[0] = 1.0
...     return before + x
>>> print(trace(function, (np.ones(4),)))
function(x: f64[:])
  %0 = multiply x 2.0  f64
  t2 = %0
  x[0] = 1.0:f64
  %0 = add t2 x  f64
  t3 = %0
  return t3
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any, cast

import numpy as np

from cpnum.errors import ShapeError, UnsupportedError
from cpnum.ir.extents import Extent, Symbol, fits
from cpnum.ir.movement import BroadcastTo, Index, Movement, Reshape
from cpnum.ir.nodes import MADE, Apply, Constant, Input, Join, Node, operands
from cpnum.ir.signature import ArrayOf, Parameter, ScalarOf
from cpnum.ir.walk import postorder
from cpnum.tables.dtypes import F32, DType
from cpnum.trace.builder import Builder, Called, Put, Shape, Traced, Written, type_of
from cpnum.trace.chosen import Chosen, is_chosen
from cpnum.trace.made import adopted, is_array
from cpnum.trace.push import kinds_of, move
from cpnum.trace.tracer import (
    ARGUMENT,
    OWNED,
    PART,
    SCALAR,
    VIEW,
    VIEWED,
    AnyTracer,
)
from cpnum.trace.ufuncs import apply_where, dtype_of, node_of, number_assigned

# A program with more steps is refused: to trace, assemble and plan one takes some 0.3 ms, so that
# the first call takes half a minute.
MOST_STEPS = 100_000


# -- the arrays of a program --------------------------------------------------------------------


def stored(builder: Builder, node: Node, shape: Shape, is_array: bool = False) -> Input:
    """Return the node of a parameter for a value that a step will store.

    Without axes it is a scalar, unless it is an array.
    """
    parameter = len(builder.parameters)
    name = builder.unused_name("t")
    result = builder.argument(name, node.dtype, shape)
    extents = _extents(builder, node, shape, parameter)
    builder.extents[result] = extents
    known = tuple([1 if each == 1 else None for each in extents])
    of = ArrayOf(node.dtype, known) if shape or is_array else ScalarOf(node.dtype)
    builder.signature.append(Parameter(name, of))
    return result


def _extents(builder: Builder, node: Node, shape: Shape, parameter: int) -> tuple[Extent, ...]:
    """Return the extents of a value: those of its inputs where they agree."""
    found: list[Extent] = []
    for axis, extent in enumerate(shape):
        at = axis - len(shape)
        having = {
            extents[at]
            for own, extents in kinds_of(builder, node).each
            if len(own) >= -at and not (own[at] == 1 != extent)
        }
        found.append(having.pop() if len(having) == 1 else Symbol(parameter, axis))
    return tuple(found)


def in_memory(tracer: AnyTracer) -> Input:
    """Return the view that a tracer is of an array in memory, which is stored if it is not yet.

    Views that were taken of the array are views of its memory from then on.
    """
    if tracer.state not in (ARGUMENT, VIEW):
        _store(root_of(tracer)[0])
    node = tracer.node
    assert type(node) is Input
    return node


def _store(root: AnyTracer) -> None:
    """Give an array that was computed memory of its own."""
    builder, node = root.builder, root.node
    is_own = type(node) is Input and node.parameter != MADE
    if not (is_own and builder.owners.get(node.parameter) == id(root)):  # type: ignore[union-attr]
        root.node = stored(builder, node, root.known_shape, is_array=True)
        add_step(builder, Written((), ((node, root.node.parameter),)))
        builder.owners[root.node.parameter] = id(root)
    root.state = ARGUMENT
    for view in alive(builder):
        of, step = builder.parts.get(id(view), (view, None))
        if of is not view and of.state in (ARGUMENT, VIEW) and view.state == PART:  # type: ignore[attr-defined]
            view.node = of.node if step is None else move(builder, of.node, of.known_shape, step)[0]
            view.state = VIEW
            del builder.parts[id(view)]


def root_of(tracer: AnyTracer) -> tuple[AnyTracer, tuple[Movement, ...]]:
    """Return the computed value that a tracer is a view of, and the steps to it; or itself."""
    parts = tracer.builder.parts
    steps: list[Movement] = []
    while id(tracer) in parts:
        of, step = cast(tuple[AnyTracer, Movement | None], parts[id(tracer)])
        if of.state == SCALAR:
            break  # NumPy makes an array of a scalar
        tracer = of
        if step is not None:
            steps.append(step)
    return tracer, tuple(steps[::-1])


def add_step(builder: Builder, step: Called | Written) -> None:
    """Add a step; refuse a program that has too many."""
    builder.steps.append(step)
    if len(builder.steps) > MOST_STEPS:
        raise builder.error(
            UnsupportedError,
            "a function of so many steps cannot be traced: each round of a loop in Python is "
            "written down",
            seen=f"more than {MOST_STEPS} steps",
            write="one round as a function of its own, called in a loop outside of it",
        )


# A value of so many operators is stored if two different views of it are taken: to compute it for
# each view would take more time than to write and read it.  An elementary function counts as four.
HEAVY = 8
# One of so many is stored before the first view, which would have as many operators of its own.
HUGE = 256


def store_if_viewed(tracer: AnyTracer, step: Movement) -> bool:
    """Store the value that a view is taken of if it is costly; tell whether it was.

    The next round of a loop makes a value as this one did, and then stores it before its first
    view, which it would have made in vain: so tracing 300 rounds takes 59 ms and not 76.
    """
    builder, (root, _) = tracer.builder, root_of(tracer)
    cost = _cost(builder, root.node)
    if cost < HEAVY:
        return False
    views = builder.viewed.setdefault(root.node, {})
    views[tracer.node, step] = None
    first = cost, type(root.node), len(root.known_shape), next(iter(views))[1]
    if len(views) > 1:
        builder.viewed_again.add(first)
    elif cost < HUGE and first not in builder.viewed_again:
        return False
    in_memory(tracer)
    return True


def _cost(builder: Builder, node: Node) -> int:
    """Return how many operators compute a value, as a tree."""
    known = builder.costs
    if node not in known:
        for each in postorder(node, known):
            own = 0
            if isinstance(each, Apply):
                own = 4 if each.op.ulp > 0.5 else 1
            elif isinstance(each, Join):
                own = 2  # each part has a kernel of its own
            known[each] = min(own + sum([known[arg] for arg in operands(each)]), HUGE)
    return known[node]


# -- writing ------------------------------------------------------------------------------------


def write(tracer: AnyTracer, node: Node, is_view: bool = False) -> None:
    """Write a value to the memory of an array or a view, whose shape it broadcasts to.

    If it `is_view`, NumPy has no other array with the value.
    """
    target = in_memory(tracer)
    if node is target and target.parameter in tracer.builder.roots:
        return  # x[1:] += 1 assigns the view to itself, after it has written to it
    builder = tracer.builder
    node = builder.cast(node, target.dtype)
    version, stores = overwritten(builder, target)
    add_step(builder, Written((Put(node, target, version, is_view),), stores))


def overwritten(builder: Builder, target: Input) -> tuple[int, tuple[tuple[Node, int], ...]]:
    """Make a new parameter of the array that a step writes to; return it, and what is to be stored.

    That are the values computed of what is overwritten.  A view of NumPy's copy for a reshape is
    refused: nobody would see what is written to it.
    """
    before = target.parameter
    _refuse(builder, target)
    name, of = builder.signature[before]
    whole = builder.nodes.input(before, (), target.dtype)
    node = builder.argument(name, target.dtype, builder.shapes[whole])
    builder.extents[node] = builder.extents[whole]
    builder.signature.append(Parameter(name, of))
    if before in builder.owners:
        builder.owners[node.parameter] = builder.owners[before]
    builder.roots[node.parameter] = builder.roots.get(before, before)
    return node.parameter, _renew(builder, before, node)


def _refuse(builder: Builder, target: Input) -> None:
    """Refuse a write that would be seen elsewhere, or nowhere."""
    if any(isinstance(step, BroadcastTo) for step in target.movement):
        raise builder.error(
            UnsupportedError,
            "a write to an array that was broadcast cannot be traced: its elements share memory",
            seen="".join(map(str, target.movement)),
            write="x[...] = value before x is broadcast, or y.copy()",
        )
    if any(isinstance(step, Reshape) for step in target.movement):
        raise builder.error(
            UnsupportedError,
            "a write through a reshaped array cannot be traced: NumPy may have copied it",
            seen="".join(map(str, target.movement)),
            write="x[...] = value, and the reshape afterwards",
        )
    if target.parameter in builder.shared:
        raise builder.error(
            UnsupportedError,
            "a write to an array that the result of a NumPy function shares memory with cannot be "
            "traced",
            seen=builder.signature[target.parameter].name,
            write="y.copy() of that result",
        )


def _renew(builder: Builder, before: int, version: Input) -> tuple[tuple[Node, int], ...]:
    """Tell all tracers that a parameter is another one now; return the values to be stored."""
    live = alive(builder)
    stale = [each for each in live if before in parameters_of(builder, each.node)]
    for each in stale:
        if each.state in (PART, VIEWED):
            in_memory(each)
    stores: dict[Node, Input] = {}
    for each in stale:
        node = each.node
        if each.state in (ARGUMENT, VIEW):
            if type(node) is Input and node.parameter == before:
                _refuse_reshaped(each, node)
                each.node = _version(builder, node, version)
            continue
        new = stores.get(node)
        if new is None:
            shape = each.known_shape
            shape = builder.shape_of(node) if is_chosen(shape) else shape
            new = stores[node] = stored(builder, node, shape)
        each.node = new
    _exchange_masks(live, stores)
    return tuple([(node, new.parameter) for node, new in stores.items()])


def _refuse_reshaped(tracer: AnyTracer, view: Input) -> None:
    """Refuse a write that a reshape of the array would see, or not if NumPy copied for it."""
    if any(isinstance(step, Reshape) for step in view.movement):
        raise tracer.unsupported(
            "a write to an array cannot be traced while there is a reshape of it: NumPy may have "
            "copied it",
            "the reshape after x[...] = value, or a copy: x.reshape(shape).copy()",
        )


def _version(builder: Builder, node: Input, version: Input) -> Input:
    """Return a view of another version of an array."""
    new = builder.nodes.input(version.parameter, node.movement, node.dtype)
    if new not in builder.shapes:
        builder.shapes[new] = builder.shapes[node]
        builder.extents[new] = builder.extents[node]
    builder.views.again.add(new)
    return new


def _exchange_masks(live: Iterable[AnyTracer], stores: Mapping[Node, Input]) -> None:
    for each in live:
        for extent in each.known_shape:
            if type(extent) is Chosen and extent.mask in stores:
                extent.mask = stores[extent.mask]


def alive(builder: Builder) -> list[AnyTracer]:
    """Return the tracers that the function still has; the others are forgotten."""
    tracers: Any = builder.tracers
    counts = [*map(sys.getrefcount, tracers)]
    if min(counts, default=_NOT_KEPT + 1) <= _NOT_KEPT:
        pairs = zip(tracers, counts, strict=True)
        builder.tracers = tracers = [each for each, count in pairs if count > _NOT_KEPT]
        if builder.parts:
            known = {id(each) for each in tracers}
            builder.parts = {key: part for key, part in builder.parts.items() if key in known}
    return tracers  # type: ignore[no-any-return]


# So many references there are to an object if only a list has it: the call has its own.
(_NOT_KEPT,) = map(sys.getrefcount, [object()])


def parameters_of(builder: Builder, node: Node) -> frozenset[int]:
    """Return the parameters that a value is computed from."""
    known = builder.reads
    found = known.get(node)
    if found is None:
        for each in postorder(node, known):
            if type(each) is Input:
                known[each] = frozenset([each.parameter])
            elif type(each) is Constant:
                known[each] = frozenset()  # it has the shape of what it is like
            else:
                several = {known[arg] for arg in operands(each)}
                known[each] = several.pop() if len(several) == 1 else frozenset().union(*several)
        found = known[node]
    return found


# -- assignments --------------------------------------------------------------------------------


def assign(tracer: AnyTracer, value: Any, is_copied: bool = False) -> None:
    """Assign to all elements of an array or a view, as `x[...] = value` does.

    If it `is_copied`, as by np.copyto, a number is converted as elements of arrays are.
    """
    builder = tracer.builder
    node, shape = _value(tracer, value, is_copied)
    while len(shape) > len(tracer.known_shape) and shape[0] == 1:
        node, shape = move(builder, node, shape, Index.of((0,)))
    refuse_shape(tracer, shape)
    if tracer.state != OWNED:
        is_view = isinstance(value, AnyTracer) and value.state in (ARGUMENT, VIEW)
        write(tracer, node, is_view and type(node) is Input)
    elif shape == tracer.known_shape:
        tracer.node = node
    else:
        value = Traced(builder, node, shape)
        tracer.node, _ = apply_where(builder, True, value, tracer, tracer.node.dtype)


def _value(tracer: AnyTracer, value: Any, is_copied: bool) -> tuple[Node, Shape]:
    """Return a value in the dtype of what it is assigned to, as NumPy's assignment converts it."""
    builder, dtype = tracer.builder, tracer.node.dtype
    if isinstance(value, list | tuple):
        value = np.asarray(value)
    if is_array(value):
        value = adopted(builder, value)
    if isinstance(value, Traced):
        dtype_of(builder, value)
        if is_chosen(value.known_shape):
            raise builder.error(
                ShapeError,
                "elements that a mask chooses can only be assigned to what the mask chooses",
                seen=type_of(value),
                write="x[mask] = y[mask]",
            )
        if not is_copied:
            refuse_number(value, dtype)
        return node_of(builder, value, dtype), value.known_shape
    if isinstance(value, np.ndarray):
        dtype_of(builder, value)  # refuses it
    if isinstance(value, np.generic) and not is_copied:
        np.zeros((), dtype.numpy)[()] = value  # NumPy's error for one that does not fit
    return number_assigned(builder, value, dtype), ()


def refuse_number(value: object, dtype: DType) -> None:
    """Refuse a traced number that NumPy refuses to make an integer of, because it does not fit.

    Python looks at the number: the function is compiled for those that fit.
    """
    if not isinstance(value, AnyTracer) or value.state != SCALAR or dtype.family != "I":
        return
    own = value.node.dtype
    if own.family == "B":
        return
    if own.family == "I" and not own.weak and own.itemsize <= dtype.itemsize:
        return
    number, limits = cast(Any, value), cast(Any, np.iinfo(cast(Any, dtype.numpy)))
    if own.family == "F":
        # What is left of the decimal point counts, and both limits are powers of two.
        low, high = float(limits.min), float(limits.max + 1)
        number = number.astype(np.float64) if own is F32 else number
        # There is no float between the limits of int64 and their neighbours outside.
        above = number > low - 1.0 if low - 1.0 < low else number >= low
        does_fit = above & (number < high)
    else:
        does_fit = (number >= limits.min) & (number <= limits.max)
    if not does_fit:
        raise value.builder.error(
            UnsupportedError,
            f"a number that does not fit cannot be an element of {dtype}",
            seen=type_of(value),
            write=f"x.astype({dtype.numpy}), which converts it as elements of arrays",
        )


def refuse_shape(tracer: AnyTracer, shape: Shape) -> None:
    """Raise NumPy's error for a value that does not broadcast to what it is written to."""
    own = tracer.known_shape
    if not fits(shape, own):
        tracer.builder.shape_observed = True
        texts = [f"({','.join(map(str, each))}{',' * (len(each) == 1)})" for each in (shape, own)]
        raise ValueError(
            f"could not broadcast input array from shape {texts[0]} into shape {texts[1]}"
        )
