"""Loops of a program that run: all but the addresses of arrays and the values of numbers is known.

A plan serves all calls whose arrays have the same layouts.  A result goes to where it is wanted at
once, if no element is read after it was written; else it is computed into a buffer and copied.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from cpnum.compile.call import Array, Order, Part, address, describe_parts, new_array, new_of
from cpnum.compile.call import Call as KernelArguments
from cpnum.compile.kernel import Clock
from cpnum.ir.evaluate import checked_of, evaluate, outputs_of, raised_by
from cpnum.ir.graph import Graph
from cpnum.ir.movement import Movement
from cpnum.ir.nodes import MADE, Nodes
from cpnum.ir.program import Loop
from cpnum.ir.results import single
from cpnum.ir.signature import ArrayOf, Parameter
from cpnum.run.alias import in_place, overlap
from cpnum.run.buffers import Buffer, give, take
from cpnum.run.errstate import report, report_overwritten
from cpnum.run.machine import Machine
from cpnum.run.recipe import filled_block, set_numbers
from cpnum.run.specialization import Specialization
from cpnum.tables.dtypes import from_numpy
from cpnum.tables.isa import Isa

# The values of a program's parameters, the addresses of arrays among them, and the buffers of those
# that are in one.  Behind the addresses of parameters there are 0, and those of buffers for results
# that are copied.
Values = list[Any]
Addresses = list[int]
Held = dict[int, Buffer]


class New(NamedTuple):
    """A new array of a loop: its parameter, and whether it is in a buffer, which is used again."""

    parameter: int
    shape: tuple[int, ...]
    order: Order
    dtype: np.dtype[Any]
    strides: tuple[int, ...]
    size: int
    is_pooled: bool
    is_scalar: bool


class Running:
    """A kernel that runs, with a row for each operand: the number of an address, and bytes from it."""

    __slots__ = (
        "_blocks",
        "_checked",
        "_enter",
        "_numbers",
        "_pack",
        "_rows",
        "_stop",
        "call",
        "graph",
        "own",
        "placement",
        "recipe",
    )

    def __init__(
        self,
        own: Specialization,
        call: KernelArguments,
        rows: Sequence[tuple[int, int]],
        level: Isa,
        machine: Machine,
    ) -> None:
        prepared = own.prepare(call, level, machine)
        self.own = own
        self.call = call
        self.graph = own.traced
        self.recipe = prepared.recipe
        self.placement = prepared.placement  # keeps the code where it is
        self._enter = prepared.placement.enter
        self._stop = prepared.recipe.stop
        self._numbers = prepared.recipe.numbers
        self._checked = checked_of(self.graph) if self.graph.checked else ()
        self._rows = tuple(rows)
        self._pack = struct.Struct(f"<{len(rows)}Q").pack_into
        self._blocks: list[tuple[Any, Any]] = []

    @property
    def needs_numbers(self) -> bool:
        """Whether numbers among the loop's views are given to the kernel."""
        return bool(self._numbers or self._checked)

    def run(self, addresses: Addresses, numbers: Sequence[Any]) -> int:
        """Enter the kernel; return the floating-point flags that may have been raised."""
        try:
            block, data = self._blocks.pop()
        except IndexError:
            block, data = filled_block(self.recipe)
        self._pack(data, 0, *[addresses[at] + offset for at, offset in self._rows])
        suspected = set_numbers(self.recipe, data, numbers) if self._numbers else 0
        if self._checked:
            suspected |= raised_by(self._checked, self.graph.checked, numbers)
        flags = self._enter(block, 0, self._stop)
        self._blocks.append((block, data))
        return flags | suspected


class LoopPlan:
    """How a loop runs for arrays of some layouts."""

    def run(self, values: Values, addresses: Addresses, held: Held) -> None:
        """Compute the targets, and report floating-point errors."""
        raise NotImplementedError

    def described(self) -> Iterator[tuple[Specialization, KernelArguments]]:
        """Yield the kernels, each with its call."""
        yield from ()


class NumpyPlan(LoopPlan):
    """A loop that NumPy computes, where machine code cannot run."""

    def __init__(self, own: Specialization, loop: Loop, described: list[Part]) -> None:
        self._own = own
        self._loop = loop
        self._parts = described

    def run(self, values: Values, addresses: Addresses, held: Held) -> None:
        """Evaluate the graph; NumPy reports floating-point errors itself."""
        graph = self._own.traced
        computed = outputs_of(graph, views_of(self._loop, values))
        copies = [each.copy("K") if isinstance(each, np.ndarray) else each for each in computed]
        for target, value in zip(self._loop.targets, copies, strict=True):
            if target.of is None:
                values[target.parameter] = value
            else:
                replayed(values[target.of], target.movement)[...] = value

    def described(self) -> Iterator[tuple[Specialization, KernelArguments]]:
        """Yield the kernels that would run, each with its call."""
        for places, call in self._parts:
            if call.arrangement is not None:
                yield self._own.part(places), call


class KernelPlan(LoopPlan):
    """A loop of one or several kernels, one for each shape of results."""

    def __init__(
        self,
        loop: Loop,
        own: Specialization,
        kernels: Sequence[Running],
        new: Sequence[New],
        copied: Sequence[tuple[int, int]],
        copies: Sequence[tuple[Running, int, int]],
        is_overwritten: bool,
        is_empty: bool,
        keeps: Sequence[Any],
    ) -> None:
        self._loop = loop
        self._own = own
        self._kernels = tuple(kernels)
        self._new = tuple(new)
        # Views that NumPy copies for a reshape: the number of the view, and of its address.
        self._copied = tuple(copied)
        # Copies of results from buffers: the kernel, the number of an address, the size.
        self._copies = tuple(copies)
        self._is_overwritten = is_overwritten
        self._is_empty = is_empty
        self._keeps = keeps
        scalars = {at for at, each in enumerate(loop.graph.signature) if each.type.is_scalar}
        needs = any(each.needs_numbers for each in kernels)
        self._scalars = tuple(scalars) if needs else ()
        self._is_plain = not (new or copied or copies or self._scalars or is_empty)

    def run(self, values: Values, addresses: Addresses, held: Held) -> None:
        """Compute the targets, and report floating-point errors."""
        if self._is_plain:
            flags = 0
            for kernel in self._kernels:
                flags |= kernel.run(addresses, ())
            if flags:
                self._report(values, flags)
            return
        self._run(values, addresses, held)

    def _run(self, values: Values, addresses: Addresses, held: Held) -> None:
        numbers = self._numbers(values)
        new = [self._made(each, addresses, held) for each in self._new]
        copies = []
        for view, at in self._copied:
            parameter, movement = self._loop.views[view]
            copies.append(replayed(values[parameter], movement))
            addresses[at] = address(copies[-1])
        buffers = [take(size) for _, _, size in self._copies]
        for (_, at, _), buffer in zip(self._copies, buffers, strict=True):
            addresses[at] = buffer.address
        flags = 0
        for kernel in self._kernels:
            flags |= kernel.run(addresses, numbers)
        if flags:
            self._report(values, flags)
        elif self._is_empty:
            evaluate(self._own.traced, views_of(self._loop, values))  # for the errors of scalars
        for kernel, _, _ in self._copies:
            kernel.run(addresses, ())
        for buffer in buffers:
            give(buffer)
        for each, array in zip(self._new, new, strict=True):
            values[each.parameter] = array[()] if each.is_scalar else array

    def _numbers(self, values: Values) -> Sequence[Any]:
        """Return the views, those that are numbers, and None for the others."""
        if not self._scalars:
            return ()
        numbers = [None] * len(self._loop.views)
        for at in self._scalars:
            parameter, movement = self._loop.views[at]
            numbers[at] = replayed(values[parameter], movement)
        return numbers

    def _made(self, new: New, addresses: Addresses, held: Held) -> Array:
        """Return a new array, and note its address."""
        if new.is_pooled:
            buffer = held[new.parameter] = take(new.size)
            addresses[new.parameter] = buffer.address
            return buffer.array(new.shape, new.dtype, new.strides)
        array = new_array(new.shape, new.order, new.dtype)
        addresses[new.parameter] = address(array)
        return array

    def _report(self, values: Values, flags: int) -> None:
        """Report errors; if elements were overwritten, nobody knows which operator had them."""
        if self._is_overwritten:
            report_overwritten(self._own.traced, flags)
        else:
            report(self._own.traced, views_of(self._loop, values), flags)

    def described(self) -> Iterator[tuple[Specialization, KernelArguments]]:
        """Yield the kernels, each with its call."""
        for each in self._kernels:
            yield each.own, each.call


def replayed(array: Any, movement: Sequence[Movement]) -> Any:
    """Return the view of an array."""
    for step in movement:
        array = step.replay(array)
    return array


def views_of(loop: Loop, values: Sequence[Any]) -> list[Any]:
    """Return what a loop reads, and None behind it, which arrays that the function made are of."""
    views = [replayed(values[parameter], movement) for parameter, movement in loop.views]
    return [*views, None]


# -- planning -----------------------------------------------------------------------------------


class Planner:
    """Plans the loops of a program.

    A parameter that is `fresh` is in memory of its own, since a call or the caller gets it.
    """

    def __init__(
        self, count: int, fresh: frozenset[int], level: Isa | None, machine: Machine | None
    ) -> None:
        self._zero = count
        self._fresh = fresh
        self._level = level
        self._machine = machine

    def plan(self, own: Specialization, loop: Loop, values: Values) -> LoopPlan:
        """Return the plan of a loop; arrays of its layouts are put among the values for its results.

        Raises:  ShapeError; OutError if elements that are written to share memory.
        """
        views = views_of(loop, values)
        outs = [
            None if each.of is None else replayed(values[each.of], each.movement)
            for each in loop.targets
        ]
        parts = _described(own, views, outs)
        new = new_of(own.graph, parts)
        level, machine = self._level, self._machine
        if level is None or machine is None:
            for target, each in zip(loop.targets, new, strict=True):
                if target.of is None:
                    values[target.parameter] = _value(loop, each)
            return NumpyPlan(own, loop, parts)
        through = _through_buffers(own, parts, views, outs)
        if through:
            outs = [None if at in through else out for at, out in enumerate(outs)]
            parts = _described(own, views, outs)
            new = new_of(own.graph, parts)
        return self._kernels(own, loop, values, views, parts, outs, new, level, machine)

    def _kernels(
        self,
        own: Specialization,
        loop: Loop,
        values: Values,
        views: Sequence[Any],
        parts: Sequence[Part],
        outs: Sequence[Any],
        new: Sequence[tuple[tuple[int, ...], Order, np.dtype[Any]]],
        level: Isa,
        machine: Machine,
    ) -> KernelPlan:
        places = own.graph.results.places
        free = self._zero + 1
        made: list[New] = []
        copies: list[tuple[Running, int, int]] = []
        into: list[tuple[int, int]] = []
        for target, out, (shape, order, dtype) in zip(loop.targets, outs, new, strict=True):
            if target.of is None:
                array = new_array(shape, order, dtype)
                of = loop.graph.outputs[len(into)]
                is_scalar = not shape and not of.boxed
                made.append(
                    New(
                        target.parameter,
                        shape,
                        order,
                        dtype,
                        array.strides,
                        array.nbytes,
                        bool(shape) and target.parameter not in self._fresh,
                        is_scalar,
                    )
                )
                values[target.parameter] = array[()] if is_scalar else array
                into.append((target.parameter, 0))
                continue
            whole = values[target.of]
            view = replayed(whole, target.movement)
            row = target.of, address(view) - address(whole)
            if out is None:
                array = new_array(shape, order, dtype)
                kernel = _copy(array, view, (free, 0), row, level, machine)
                if kernel is not None:
                    copies.append((kernel, free, array.nbytes))
                row = free, 0
                free += 1
            into.append(row)
        copied: dict[int, int] = {}
        rows_of_views: list[tuple[int, int]] = []
        for at, ((parameter, movement), view) in enumerate(
            zip(loop.views, views[:-1], strict=True)
        ):
            array = values[parameter]
            if not isinstance(array, np.ndarray) or not isinstance(view, np.ndarray):
                rows_of_views.append((self._zero, 0))
            elif not movement or not view.size or np.may_share_memory(array, view):
                rows_of_views.append((parameter, address(view) - address(array)))
            else:
                copied[at] = free
                rows_of_views.append((free, 0))
                free += 1
        kernels: list[Running] = []
        keeps: list[Any] = []
        is_empty = is_overwritten = False
        for part in parts:
            call = part.call
            if call.arrangement is None:
                is_empty = True
                continue
            rows: list[tuple[int, int]] = []
            for node, offset in zip(call.sources.arrays, call.offsets, strict=True):
                if node.parameter == MADE:
                    array = node.view(None)
                    keeps.append(array)
                    rows.append((self._zero, address(array)))
                else:
                    assert offset is not None  # a loop reshapes nothing
                    at, start = rows_of_views[node.parameter]
                    rows.append((at, start + offset))
                    view = node.view(views[node.parameter])
                    is_overwritten |= any(
                        out is not None and target.of is not None and overlap(out, view)
                        for out, target in zip(outs, loop.targets, strict=True)
                    )
            for place, tile in zip(part.places, call.tiles, strict=True):
                at, offset = into[places[place][0]]
                rows.append((at, offset + tile))
            kernels.append(Running(own.part(part.places), call, rows, level, machine))
        return KernelPlan(
            loop,
            own,
            kernels,
            made,
            tuple(copied.items()),
            copies,
            is_overwritten,
            is_empty,
            keeps,
        )


def _described(own: Specialization, views: Sequence[Any], outs: Sequence[Any]) -> list[Part]:
    return describe_parts(own.graph, views, outs, lambda places: own.part(places).graph)


def _value(loop: Loop, new: tuple[tuple[int, ...], Order, np.dtype[Any]]) -> Any:
    array = new_array(*new)
    return array if array.ndim else array[()]


def _through_buffers(
    own: Specialization, parts: Sequence[Part], views: Sequence[Any], outs: Sequence[Any]
) -> set[int]:
    """Return the results, by number, that would be written over what is read afterwards."""
    places = own.graph.results.places
    kernel_of = {places[place][0]: at for at, part in enumerate(parts) for place in part.places}
    through = set()
    for at, part in enumerate(parts):
        for node in part.call.sources.arrays:
            if node.parameter == MADE:
                continue
            view = node.view(views[node.parameter])
            for number, out in enumerate(outs):
                if out is None or number in through or not overlap(out, view):
                    continue
                is_same = kernel_of[number] == at and places[part.places[0]][1] is None
                if not (is_same and in_place(out, _broadcast(view, out))):
                    through.add(number)
    return through


def _broadcast(view: Array, out: Array) -> Array:
    return view if view.shape == out.shape else np.broadcast_to(view, out.shape)


_COPYING: dict[tuple[Any, ...], Specialization] = {}


def _copy(
    array: Array,
    view: Array,
    source: tuple[int, int],
    target: tuple[int, int],
    level: Isa,
    machine: Machine,
) -> Running | None:
    """Return the kernel that copies an array to a view, None if there is nothing to copy."""
    own = _copying(array)
    ((_, call),) = describe_parts(own.graph, [array], [view], lambda places: own.graph)
    if call.arrangement is None:
        return None
    rows = [target] if not call.sources.arrays else [source, target]
    return Running(own, call, rows, level, machine)


def _copying(array: Array) -> Specialization:
    """Return the specialization of a copy of an array."""
    extents = tuple([1 if each == 1 else None for each in array.shape])
    key = array.dtype, extents
    found = _COPYING.get(key)
    if found is None:
        dtype = from_numpy(array.dtype)
        nodes = Nodes()
        node = nodes.input(0, (), dtype)
        signature = (Parameter("x", ArrayOf(dtype, extents)),)
        graph = Graph("copy", signature, (node,), single(node, not array.ndim))
        found = _COPYING.setdefault(key, Specialization(graph, lambda graph: graph, Clock()))
    return found
