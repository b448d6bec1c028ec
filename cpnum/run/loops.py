"""Loops of a program that run: all but the addresses of arrays and the values of numbers is known.

A plan serves all calls whose arrays have the same layouts.  A result goes to where it is wanted at
once, if no element is read after it was written; else it is computed into a buffer and copied.

What a step needs for its kernel is filled in once, as long as the addresses and the numbers of the
calls stay the same: then a step is an entry into its code.
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from cpnum.compile.call import Array, Order, Part, new_array
from cpnum.compile.call import Call as KernelArguments
from cpnum.ir.arrays import address
from cpnum.ir.evaluate import checked_of, evaluate, outputs_of, raised_by
from cpnum.ir.movement import replayed
from cpnum.ir.program import Loop
from cpnum.run.buffers import Buffer, give, take
from cpnum.run.errstate import report, report_overwritten
from cpnum.run.prepared import KernelCall
from cpnum.run.recipe import filled_block, set_numbers
from cpnum.run.specialization import Specialization

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


class Room:
    """Room that a state of a program makes, as far as its loops are planned.

    `count` is the number of all parameters, `sizes` are those of the buffers, `pooled` the arrays
    in them, and `kernels` the number of kernels.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.sizes: list[int] = []
        self.pooled: list[New] = []
        self.kernels = 0


class State:
    """Addresses, arrays and blocks that one run of a program fills in, and the next one finds.

    `addresses` are those of parameters, then 0, then those of buffers, which have so many `bytes`.
    `values` has the arrays in buffers.  For each kernel by its number, `blocks` has its argument
    block and the bytes of it; `numbered` tells whether the numbers are in it; and `ready` has the
    block if all is in it.
    """

    __slots__ = (
        "addresses",
        "blocks",
        "buffers",
        "bytes",
        "numbered",
        "numbers",
        "ready",
        "taken",
        "values",
    )

    def __init__(self, room: Room) -> None:
        self.buffers: list[Buffer] = []
        self.bytes = 0
        # Those of the run that goes on.
        self.taken: list[Buffer] = []
        self.addresses = [0] * (room.count + 1)
        self.values: Values = [None] * room.count
        self.blocks: list[tuple[Any, Any] | None] = []
        self.ready: list[Any] = []
        self.numbered: list[bool] = []
        self.numbers: tuple[Any, ...] = ()
        self.grow(room)
        for new in room.pooled:
            assert new.slot is not None
            buffer = self.buffers[new.slot - room.count - 1]
            self.values[new.parameter] = buffer.array(new.shape, new.dtype, new.strides)

    def grow(self, room: Room) -> None:
        """Make room for what was planned since."""
        for size in room.sizes[len(self.buffers) :]:
            self.buffers.append(take(size))
            self.addresses.append(self.buffers[-1].address)
            self.bytes += self.buffers[-1].size
        more = room.kernels - len(self.blocks)
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
        if len(numbers) != len(self.numbers) or not all(map(operator.is_, numbers, self.numbers)):
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
        """Return the numbers among the loop's views; `x.sum()[None]` is that of `x.sum()`."""
        found: dict[int, Any] = {}
        for at, parameter, movement in self._scalars:
            value = replayed(values[parameter], movement)
            is_array = isinstance(value, np.ndarray) and value.size
            found[at] = value.flat[0] if is_array else value
        return found


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
        copies = copied_views(self._loop, self._copied, values, state)
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
        del copies  # the kernels have read them
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


def views_of(loop: Loop, values: Sequence[Any]) -> list[Any]:
    """Return what a loop reads, and None behind it, which arrays that the function made are of."""
    views = [replayed(values[parameter], movement) for parameter, movement in loop.views]
    return [*views, None]


def copied_views(
    loop: Loop, copied: Sequence[tuple[int, int]], values: Values, state: State
) -> list[Any]:
    """Return the views that NumPy copies for a reshape, and note their addresses.

    They have to live until the kernels have run.
    """
    copies = []
    for view, at in copied:
        parameter, movement = loop.views[view]
        copies.append(replayed(values[parameter], movement))
        state.addresses[at] = address(copies[-1])
    return copies
