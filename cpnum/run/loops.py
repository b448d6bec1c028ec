"""Loops of a program that run: all but the addresses of arrays and the values of numbers is known.

A plan serves all calls whose arrays have the same layouts.  A result goes to where it is wanted at
once, if no element is read after it was written; else it is computed into a buffer and copied.

What a step needs for its kernel is filled in once, as long as the addresses and the numbers of the
calls stay the same: then a step is an entry into its code.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
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
from cpnum.run.buffers import Buffer, give, rounded, take
from cpnum.run.errstate import report, report_overwritten
from cpnum.run.machine import Machine
from cpnum.run.prepared import KernelCall
from cpnum.run.recipe import filled_block, set_numbers
from cpnum.run.specialization import Specialization
from cpnum.tables.dtypes import from_numpy
from cpnum.tables.isa import Isa

Values = list[Any]


class New(NamedTuple):
    """A new array of a loop, for a parameter; `slot` is that of its buffer, None if it has none.

    Then it is `fresh`, or in a buffer that is taken for a single run.
    """

    parameter: int
    shape: tuple[int, ...]
    order: Order
    dtype: np.dtype[Any]
    strides: tuple[int, ...]
    size: int
    slot: int | None
    is_fresh: bool
    is_scalar: bool


class State:
    """Addresses, arrays and blocks that one run of a program fills in, and the next one finds.

    `addresses` are those of parameters, then 0, then those of buffers.  `values` has the arrays in
    buffers.  For each kernel by its number, `blocks` has its argument block and the bytes of it;
    `numbered` tells whether the numbers are in it; and `ready` has the block if all is in it.
    """

    __slots__ = (
        "addresses",
        "blocks",
        "buffers",
        "numbered",
        "numbers",
        "ready",
        "taken",
        "values",
    )

    def __init__(self, planner: Planner) -> None:
        self.buffers: list[Buffer] = []
        # Those of the run that goes on.
        self.taken: list[Buffer] = []
        self.addresses = [0] * (planner.count + 1)
        self.values: Values = [None] * planner.count
        self.blocks: list[tuple[Any, Any] | None] = []
        self.ready: list[Any] = []
        self.numbered: list[bool] = []
        self.numbers: tuple[Any, ...] = ()
        self.grow(planner)
        for new in planner.pooled:
            assert new.slot is not None
            buffer = self.buffers[new.slot - planner.count - 1]
            self.values[new.parameter] = buffer.array(new.shape, new.dtype, new.strides)

    def grow(self, planner: Planner) -> None:
        """Make room for what was planned since."""
        for size in planner.sizes[len(self.buffers) :]:
            self.buffers.append(take(size))
            self.addresses.append(self.buffers[-1].address)
        more = planner.kernels - len(self.blocks)
        if more > 0:
            self.blocks += [None] * more
            self.numbered += [False] * more
            self.ready += [None] * more

    def begin(
        self,
        arguments: Sequence[Any],
        arrays: Sequence[int],
        starts: Sequence[int],
        scalars: Sequence[int],
    ) -> Values:
        """Note the arguments of a call, of which `arrays` start there; return the values."""
        moved = False
        addresses = self.addresses
        for at, start in zip(arrays, starts, strict=True):
            if start != addresses[at]:
                addresses[at], moved = start, True
        numbers = tuple([arguments[at] for at in scalars])
        if len(numbers) != len(self.numbers) or not all(map(_is, numbers, self.numbers)):
            self.numbers = numbers
            self.numbered = [False] * len(self.blocks)
            moved = True
        if moved:
            self.ready = [None] * len(self.blocks)
        values = self.values[:]
        values[: len(arguments)] = arguments
        return values

    def end(self) -> None:
        """Let others use the buffers of the run."""
        if self.taken:
            give(self.taken)
            self.taken = []


def _is(one: object, other: object) -> bool:
    return one is other


class Running:
    """A kernel that runs, by its `number`, with a row for each operand.

    A row is the number of an address, and the bytes from it.  If all addresses are those of
    arguments and buffers, they stay; if its numbers are arguments as well, they stay, too.
    """

    def __init__(
        self,
        own: Specialization,
        prepared: KernelCall,
        rows: Sequence[tuple[int, int]],
        number: int,
        loop: Loop,
        stays: tuple[bool, bool],
    ) -> None:
        self.own = own
        self.call = prepared.call
        self.number = number
        self.enter = prepared.placement.enter
        self.stop = prepared.recipe.stop
        self._placement = prepared.placement  # keeps the code where it is
        self._graph = own.traced
        self._recipe = prepared.recipe
        self._stays, self._numbers_stay = stays
        self._numbers = prepared.recipe.numbers
        self._checked = checked_of(self._graph) if self._graph.checked else ()
        # The views that are numbers, each with its parameter and movement.
        self._scalars = [
            (at, *view)
            for at, (view, each) in enumerate(zip(loop.views, loop.graph.signature, strict=True))
            if each.type.is_scalar
        ]
        self._rows = tuple(rows)
        self._pack = struct.Struct(f"<{len(rows)}Q").pack_into

    def run(self, state: State, values: Values) -> int:
        """Enter the kernel; return the floating-point flags that may have been raised."""
        block = state.ready[self.number]
        if block is not None:
            flags: int = self.enter(block, 0, self.stop)
            return flags
        number, suspected = self.number, 0
        known = state.blocks[number]
        if known is None:
            known = state.blocks[number] = filled_block(self._recipe)
        block, data = known
        addresses = state.addresses
        self._pack(data, 0, *[addresses[at] + offset for at, offset in self._rows])
        if self._numbers and not state.numbered[number]:
            suspected = set_numbers(self._recipe, data, self._numbers_of(values))
            # A number that is reported is to be reported again.
            state.numbered[number] = self._numbers_stay and not suspected
        if self._checked:
            numbers = self._numbers_of(values)
            suspected |= raised_by(self._checked, self._graph.checked, numbers)
        elif self._stays and (state.numbered[number] or not self._numbers):
            state.ready[number] = block
        flags = self.enter(block, 0, self.stop)
        return flags | suspected

    def _numbers_of(self, values: Values) -> Mapping[int, Any]:
        """Return the numbers among the loop's views."""
        return {
            at: replayed(values[parameter], movement) for at, parameter, movement in self._scalars
        }


class Traffic(NamedTuple):
    """The bytes that a run of a loop reads and writes, those of copies from buffers among them.

    The results that go `through` a buffer are there by number, each with the number of its address.
    """

    read: int
    written: int
    through: tuple[tuple[int, int], ...] = ()


class LoopPlan:
    """How a loop runs for arrays of some layouts."""

    traffic: Traffic

    def run(self, values: Values, state: State) -> None:
        """Compute the targets, and report floating-point errors."""
        raise NotImplementedError

    def described(self) -> Iterator[tuple[Specialization, KernelArguments]]:
        """Yield the kernels, each with its call."""
        yield from ()


class NumpyPlan(LoopPlan):
    """A loop that NumPy computes, where machine code cannot run."""

    def __init__(
        self, own: Specialization, loop: Loop, described: list[Part], traffic: Traffic
    ) -> None:
        self.traffic = traffic
        self._own = own
        self._loop = loop
        self._parts = described

    def run(self, values: Values, state: State) -> None:
        """Evaluate the graph; NumPy reports floating-point errors itself."""
        graph = self._own.traced
        computed = outputs_of(graph, views_of(self._loop, values))
        copies = [each.copy("K") if isinstance(each, np.ndarray) else each for each in computed]
        for target, output, value in zip(self._loop.targets, graph.outputs, copies, strict=True):
            if target.of is None:
                value = np.asarray(value)
                values[target.parameter] = value if value.ndim or output.boxed else value[()]
            else:
                replayed(values[target.of], target.movement)[...] = value

    def described(self) -> Iterator[tuple[Specialization, KernelArguments]]:
        """Yield the kernels that would run, each with its call."""
        for places, call in self._parts:
            if call.arrangement is not None:
                yield self._own.part(places), call


class AssignmentPlan(LoopPlan):
    """A view that is assigned to another view of the same array, by NumPy.

    NumPy does not always read all elements before it writes: `x[::2] = x[:-2]` of five elements
    leaves another one than `x[::2] = x[:-2].copy()`.
    """

    def __init__(self, loop: Loop, traffic: Traffic) -> None:
        self.traffic = traffic
        self._view, self._target = loop.views[0], loop.targets[0]

    def run(self, values: Values, state: State) -> None:
        """Assign."""
        parameter, movement = self._view
        value = replayed(values[parameter], movement)
        replayed(values[self._target.parameter], self._target.movement)[...] = value


class KernelPlan(LoopPlan):
    """A loop of one or several kernels, one for each shape of results.

    `new` are new arrays without a buffer of the program, `copied` the views that NumPy copies for a
    reshape, each with the number of its address.  `copies` are the kernels that copy results from
    buffers, each with the size of its buffer, if that is taken for a single run, and its address.
    """

    def __init__(
        self,
        loop: Loop,
        own: Specialization,
        kernels: Sequence[Running],
        new: Sequence[New],
        copied: Sequence[tuple[int, int]],
        copies: Sequence[tuple[Running, int | None, int]],
        is_overwritten: bool,
        is_empty: bool,
        keeps: Sequence[Any],
        traffic: Traffic,
    ) -> None:
        self.traffic = traffic
        self._loop = loop
        self._own = own
        self._kernels = tuple(kernels)
        self._new = tuple(new)
        self._copied = tuple(copied)
        self._copies = tuple(copies)
        self._is_overwritten = is_overwritten
        self._is_empty = is_empty
        self._keeps = keeps
        taken = any(size is not None for _, size, _ in copies)
        self._is_plain = not (new or copied or taken or is_empty)
        # The only kernel, if there is nothing else to do.
        self._single = kernels[0] if self._is_plain and len(kernels) == 1 and not copies else None

    def run(self, values: Values, state: State) -> None:
        """Compute the targets, and report floating-point errors."""
        single = self._single
        if single is not None:
            block = state.ready[single.number]
            if block is not None:
                flags = single.enter(block, 0, single.stop)
            else:
                flags = single.run(state, values)
            if flags:
                self._report(values, flags)
        elif self._is_plain:
            flags = 0
            for kernel in self._kernels:
                flags |= kernel.run(state, values)
            if flags:
                self._report(values, flags)
            for copy, _, _ in self._copies:
                copy.run(state, values)
        else:
            self._run(values, state)

    def _run(self, values: Values, state: State) -> None:
        new = [self._made(each, state) for each in self._new]
        copies = []
        for view, at in self._copied:
            parameter, movement = self._loop.views[view]
            copies.append(replayed(values[parameter], movement))
            state.addresses[at] = address(copies[-1])
        taken: list[Buffer] = []
        for _, size, at in self._copies:
            if size is not None:
                taken.append(take(size))
                state.addresses[at] = taken[-1].address
        flags = 0
        for kernel in self._kernels:
            flags |= kernel.run(state, values)
        if flags:
            self._report(values, flags)
        elif self._is_empty:
            evaluate(self._own.traced, views_of(self._loop, values))  # for the errors of scalars
        for copy, _, _ in self._copies:
            copy.run(state, values)
        give(taken)
        for each, array in zip(self._new, new, strict=True):
            values[each.parameter] = array[()] if each.is_scalar else array

    def _made(self, new: New, state: State) -> Array:
        """Return a new array, and note its address."""
        if not new.is_fresh:
            buffer = take(new.size)
            state.taken.append(buffer)
            state.addresses[new.parameter] = buffer.address
            return buffer.array(new.shape, new.dtype, new.strides)
        array = new_array(new.shape, new.order, new.dtype)
        state.addresses[new.parameter] = address(array)
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


class Layout(NamedTuple):
    """A loop for arrays of some layouts: all that is known before it has memory.

    `parts` are its kernels, None for what has no elements; `new` the layouts of the results;
    `through` those that are computed into buffers and copied.  It is `overwritten` if a kernel
    writes over what it reads.  The `traffic` knows nothing of buffers.
    """

    parts: tuple[tuple[Part, Specialization, KernelCall] | None, ...]
    new: tuple[tuple[tuple[int, ...], Order, np.dtype[Any]], ...]
    through: set[int]
    overwritten: bool
    traffic: Traffic


class Planner:
    """Plans the loops of a program, one after the other.

    A parameter that is `fresh` is in memory of its own, since a call or the caller gets it.  The
    first `given` parameters are arguments.  `count` is the number of all parameters, `sizes` are
    those of the buffers, and `pooled` the arrays in them.
    """

    def __init__(
        self,
        count: int,
        given: int,
        fresh: frozenset[int],
        level: Isa | None,
        machine: Machine | None,
    ) -> None:
        self.count = count
        self.sizes: list[int] = []
        self.pooled: list[New] = []
        self.kernels = 0
        self._given = given
        self._fresh = fresh
        self._level = level
        self._machine = machine
        self._slots: dict[int, int] = {}
        self._known: dict[tuple[Any, ...], Layout] = {}
        self._free: dict[int, list[int]] = {}

    def plan(self, own: Specialization, loop: Loop, values: Values, ahead: bool = True) -> LoopPlan:
        """Return the plan of a loop; put arrays of the layouts of its results among the values.

        If it is not planned `ahead` of the first run, it has no buffers of the program.

        Raises:  ShapeError; OutError if elements that are written to share memory.
        """
        views = views_of(loop, values)
        outs = [
            None if each.of is None else replayed(values[each.of], each.movement)
            for each in loop.targets
        ]
        if self._machine is None or self._level is None:
            parts, through = _parts(own, views, outs)
            new = new_of(own.graph, parts)
            for target, output, layout in zip(loop.targets, own.traced.outputs, new, strict=True):
                if target.of is None:
                    array = new_array(*layout)
                    is_array = array.ndim or output.boxed
                    values[target.parameter] = array if is_array else array[()]
            return NumpyPlan(own, loop, parts, traffic_of(own.graph, parts, views, through))
        out = outs[0]
        if loop.targets[0].is_assigned and out is not None and isinstance(views[0], np.ndarray):
            if out.ndim and overlap(out, views[0]):
                return AssignmentPlan(loop, Traffic(stored_bytes(views[0]), out.nbytes))
        key = id(own), _layouts(loop, views, outs)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._layout(own, views, outs)
        return _Planning(self, loop, own, values, ahead).plan(views, outs, known)

    def _layout(self, own: Specialization, views: Sequence[Any], outs: Sequence[Any]) -> Layout:
        """Return what is known of a loop for arrays of these layouts."""
        parts, buffered = _parts(own, views, outs)
        outs = [buffered.get(at, out) for at, out in enumerate(outs)]
        overwritten = False
        prepared: list[tuple[Part, Specialization, KernelCall] | None] = []
        for part in parts:
            if part.call.arrangement is None:
                prepared.append(None)
                continue
            for node in part.call.sources.arrays:
                if node.parameter != MADE:
                    view = node.view(views[node.parameter])
                    overwritten |= any(out is not None and overlap(out, view) for out in outs)
            mine = own.part(part.places)
            prepared.append((part, mine, self.prepared(mine, part.call)))
        new = new_of(own.graph, parts)
        for at, array in buffered.items():
            new[at] = array.shape, _order_of(array), array.dtype
        traffic = traffic_of(own.graph, parts, views, buffered)
        return Layout(tuple(prepared), tuple(new), {*buffered}, overwritten, traffic)

    def prepared(self, own: Specialization, call: KernelArguments) -> KernelCall:
        """Return a prepared call of a kernel."""
        assert self._level is not None and self._machine is not None
        return own.prepare(call, self._level, self._machine)

    def keeps_pointers(self, prepared: KernelCall) -> bool:
        """Tell whether a kernel leaves the addresses in its argument block as they are.

        It moves them there if it has no registers for them.
        """
        assert self._level is not None
        block = prepared.recipe.block
        return block.axes == 1 or block.arrays <= len(self._level.pointers)

    def slot(self, size: int) -> int:
        """Return the number of the address of a buffer for so many bytes."""
        wanted = rounded(size)
        free = self._free.get(wanted)
        if free:
            return free.pop()
        self.sizes.append(wanted)
        return self.count + len(self.sizes)

    def own_slot(self) -> int:
        """Return the number of an address that is set in each run, by one loop only."""
        self.sizes.append(rounded(0))
        return self.count + len(self.sizes)

    def put(self, new: New) -> None:
        """Note an array that is in a buffer."""
        assert new.slot is not None
        self.pooled.append(new)
        self._slots[new.parameter] = new.slot

    def row(self, parameter: int) -> int:
        """Return the number of the address of an array."""
        return self._slots.get(parameter, parameter)

    def free(self, slot: int) -> None:
        """Let the next steps use a buffer."""
        self._free.setdefault(self.sizes[slot - self.count - 1], []).append(slot)

    def done(self, parameters: Sequence[int]) -> None:
        """Let the next steps use the buffers of arrays that are read no more."""
        for each in parameters:
            self.free(self._slots[each])

    def number(self) -> int:
        """Return the number of the next kernel."""
        self.kernels += 1
        return self.kernels - 1

    def is_fresh(self, parameter: int) -> bool:
        """Tell whether an array is in memory of its own in each run."""
        return parameter in self._fresh

    def stays(self, rows: Sequence[tuple[int, int]]) -> bool:
        """Tell whether all addresses are those of arguments or buffers, or are in the rows."""
        return all(at < self._given or at >= self.count for at, _ in rows)

    def is_argument(self, parameter: int) -> bool:
        """Tell whether a parameter is one of the function's own."""
        return parameter < self._given


class _Planning:
    """Plans one loop."""

    def __init__(
        self,
        planner: Planner,
        loop: Loop,
        own: Specialization,
        values: Values,
        ahead: bool,
    ) -> None:
        self.planner = planner
        self.loop = loop
        self.own = own
        self.values = values
        self.ahead = ahead
        self.new: list[New] = []
        self.copies: list[tuple[Running, int | None, int]] = []
        self.copied: list[tuple[int, int]] = []
        self.keeps: list[Any] = []
        self.through: list[tuple[int, int]] = []
        # Buffers that are free again after the loop.
        self._temporary: list[int] = []

    def plan(self, views: Sequence[Any], outs: Sequence[Any], known: Layout) -> KernelPlan:
        """Return the plan."""
        into = [
            self._target(at, None if at in known.through else out, known.new[at])
            for at, out in enumerate(outs)
        ]
        of_views = [self._view(at, view) for at, view in enumerate(views[:-1])]
        places = self.own.graph.results.places
        kernels: list[Running] = []
        for each in known.parts:
            if each is None:
                continue
            part, own, prepared = each
            call = part.call
            rows: list[tuple[int, int]] = []
            for node, offset in zip(call.sources.arrays, call.offsets, strict=True):
                if node.parameter == MADE:
                    self.keeps.append(node.view(None))
                    rows.append((self.planner.count, address(self.keeps[-1])))
                    continue
                assert offset is not None  # a loop reshapes nothing
                at, start = of_views[node.parameter]
                rows.append((at, start + offset))
            for place, tile in zip(part.places, call.tiles, strict=True):
                at, start = into[places[place][0]]
                rows.append((at, start + tile))
            kernels.append(self._running(own, prepared, rows))
        for slot in self._temporary:
            self.planner.free(slot)
        return KernelPlan(
            self.loop,
            self.own,
            kernels,
            self.new,
            self.copied,
            self.copies,
            known.overwritten,
            None in known.parts,
            self.keeps,
            known.traffic._replace(through=tuple(self.through)),
        )

    def _running(
        self, own: Specialization, prepared: KernelCall, rows: Sequence[tuple[int, int]]
    ) -> Running:
        planner, loop = self.planner, self.loop
        numbers = [
            parameter
            for (parameter, _), each in zip(loop.views, loop.graph.signature, strict=True)
            if each.type.is_scalar
        ]
        numbers_stay = all(
            planner.is_argument(each) and not isinstance(self.values[each], np.ndarray)
            for each in numbers
        )
        taken = {slot for _, slot in self.copied}
        stays = self.ahead and planner.stays(rows) and taken.isdisjoint(at for at, _ in rows)
        both = stays and planner.keeps_pointers(prepared), numbers_stay
        return Running(own, prepared, rows, planner.number(), loop, both)

    def _target(
        self, at: int, out: Any, layout: tuple[tuple[int, ...], Order, np.dtype[Any]]
    ) -> tuple[int, int]:
        """Return the row of what a result is computed into."""
        target, planner = self.loop.targets[at], self.planner
        array = new_array(*layout)
        if target.of is None:
            is_scalar = not array.ndim and not self.loop.graph.outputs[at].boxed
            is_fresh = not array.ndim or planner.is_fresh(target.parameter)
            slot = planner.slot(array.nbytes) if self.ahead and not is_fresh else None
            new = New(
                target.parameter,
                *layout,
                array.strides,
                array.nbytes,
                slot,
                is_fresh,
                is_scalar,
            )
            if slot is None:
                self.new.append(new)
            else:
                planner.put(new)
            self.values[target.parameter] = array[()] if is_scalar else array
            return planner.row(target.parameter), 0
        whole = self.values[target.of]
        view = replayed(whole, target.movement)
        row = planner.row(target.of), address(view) - address(whole)
        if out is not None:
            return row
        if self.ahead:
            slot = planner.slot(array.nbytes)
            self._temporary.append(slot)
        else:
            slot = planner.own_slot()
        self.through.append((at, slot))
        copy = self._copy(array, view, (slot, 0), row)
        if copy is not None:
            self.copies.append((copy, None if self.ahead else array.nbytes, slot))
        return slot, 0

    def _view(self, at: int, view: Any) -> tuple[int, int]:
        """Return the row of a view that the loop reads."""
        parameter, movement = self.loop.views[at]
        array = self.values[parameter]
        if not isinstance(array, np.ndarray) or not isinstance(view, np.ndarray):
            return self.planner.count, 0
        if not movement or not view.size or np.may_share_memory(array, view):
            return self.planner.row(parameter), address(view) - address(array)
        slot = self.planner.own_slot()
        self.copied.append((at, slot))
        return slot, 0

    def _copy(
        self, array: Array, view: Array, source: tuple[int, int], target: tuple[int, int]
    ) -> Running | None:
        """Return the kernel that copies an array to a view, None if there is nothing to copy."""
        own = _copying(array)
        ((_, call),) = describe_parts(own.graph, [array], [view], lambda places: own.graph)
        if call.arrangement is None:
            return None
        return self._running(own, self.planner.prepared(own, call), [source, target])


def _layouts(loop: Loop, views: Sequence[Any], outs: Sequence[Any]) -> tuple[Any, ...]:
    """Return a key of all that the layout of a loop depends on.

    Beside shapes and strides, it has the distances between what is written and what is read of the
    same array.
    """
    written = {
        each.of: address(out)
        for each, out in zip(loop.targets, outs, strict=True)
        if each.of is not None
    }
    key: list[Any] = []
    for (parameter, _), view in zip(loop.views, views[:-1], strict=True):
        if type(view) is np.ndarray:
            start = written.get(parameter)
            distance = None if start is None else address(view) - start
            key.append((view.shape, view.strides, distance))
        else:
            key.append(None)
    key += [None if out is None else (out.shape, out.strides) for out in outs]
    return tuple(key)


def traffic_of(
    graph: Graph, parts: Sequence[Part], views: Sequence[Any], through: Collection[int] = ()
) -> Traffic:
    """Return the bytes that the kernels of a graph read and write for these views.

    An element that is read again, as by a broadcast, counts once for each view.
    """
    places = graph.results.places
    read = written = 0
    for part in parts:
        if part.call.arrangement is None:
            continue
        for node in part.call.sources.arrays:
            view = node.view(None if node.parameter == MADE else views[node.parameter])
            read += stored_bytes(view)
        for place in part.places:
            size = math.prod(part.call.shape) * graph.outputs[place].node.dtype.numpy.itemsize
            written += size
            if places[place][0] in through:  # it is copied from there
                read += size
                written += size
    return Traffic(read, written)


def stored_bytes(view: Array) -> int:
    """Return the bytes of the elements of a view; those of a broadcast count once."""
    axes = zip(view.shape, view.strides, strict=True)
    size: int = view.itemsize * math.prod([extent for extent, stride in axes if stride])
    return size


def _parts(
    own: Specialization, views: Sequence[Any], outs: Sequence[Any]
) -> tuple[list[Part], dict[int, Array]]:
    """Return the kernels of a loop, and by number the results that go through buffers.

    Each is with an array of the layout of its buffer.
    """
    parts = _described(own, views, outs)
    through = _through_buffers(own, parts, views, outs)
    buffered: dict[int, Array] = {at: np.empty_like(outs[at]) for at in through}
    if through:
        outs = [buffered.get(at, out) for at, out in enumerate(outs)]
        parts = _described(own, views, outs)
    return parts, buffered


def _described(own: Specialization, views: Sequence[Any], outs: Sequence[Any]) -> list[Part]:
    return describe_parts(own.graph, views, outs, lambda places: own.part(places).graph)


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


def _order_of(array: Array) -> Order:
    """Return the axes of a new array, the slowest first; None for C order."""
    order = tuple(sorted(range(array.ndim), key=lambda axis: -array.strides[axis]))
    return None if array.flags.c_contiguous else order


_COPYING: dict[tuple[Any, ...], Specialization] = {}


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
