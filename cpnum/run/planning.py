"""Planning: how the loops of a program run for arrays of some layouts.

Nothing is computed.  Arrays of the layouts stand for what the steps before have made.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from cpnum.compile.call import Array, Order, Part, describe_parts, new_array, new_of
from cpnum.compile.call import Call as KernelArguments
from cpnum.compile.folded import FoldedCall, describe_folded
from cpnum.compile.kernel import Clock
from cpnum.ir.arrays import address
from cpnum.ir.graph import Graph
from cpnum.ir.movement import replayed
from cpnum.ir.nodes import MADE, Input, Nodes
from cpnum.ir.program import Loop
from cpnum.ir.results import Fold, Output, Results
from cpnum.ir.signature import ArrayOf, Parameter
from cpnum.run.alias import in_place, overlap
from cpnum.run.buffers import rounded
from cpnum.run.folds import FoldedInto, FoldPlan, NumpyFold, PlansApart, Stored
from cpnum.run.loops import (
    AssignmentPlan,
    KernelPlan,
    LoopPlan,
    New,
    NumpyPlan,
    Room,
    Running,
    Traffic,
    Values,
    views_of,
)
from cpnum.run.machine import Machine
from cpnum.run.prepared import KernelCall
from cpnum.run.specialization import Specialization
from cpnum.tables.dtypes import from_numpy
from cpnum.tables.isa import Isa


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

    A parameter that is `fresh` is in new memory in each run, since the caller may get it; if the
    program `keeps` its results, it is where it was in the run before.  The first `given` parameters
    are arguments.  `room` is what a state needs.
    """

    def __init__(
        self,
        count: int,
        given: int,
        fresh: frozenset[int],
        level: Isa | None,
        machine: Machine | None,
        keeps: bool = False,
    ) -> None:
        self.room = Room(count)
        self._keeps = keeps
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
        if any(each.fold is not None for each in loop.graph.outputs):
            return self._fold(own, loop, values, views, ahead)
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

    def _fold(
        self,
        own: Specialization,
        loop: Loop,
        values: Values,
        views: Sequence[Any],
        ahead: bool,
    ) -> LoopPlan:
        """Return the plan of a loop that folds; put arrays of its results among the values."""
        call = describe_folded(own.graph, views)
        outputs = own.graph.outputs
        if call.kernel is None and len(outputs) > 1:
            return PlansApart(
                [self._apart(own, loop, each, values, ahead) for each in _served(own, views)]
            )
        arrays = [
            new_array(shape, order, output.node.dtype.numpy)
            for shape, order, output in zip(call.shapes, call.orders, outputs, strict=True)
        ]
        read = sum([stored_bytes(each) for each in views if isinstance(each, np.ndarray)])
        traffic = Traffic(read, sum([each.nbytes for each in arrays]))
        for target, array, output in zip(loop.targets, arrays, outputs, strict=True):
            is_array = array.ndim or output.boxed
            values[target.parameter] = array if is_array else array[()]
        if self._machine is not None and self._level is not None:
            planning = _Planning(self, loop, own, values, ahead)
            if call.kernel is not None:
                return planning.fold(views, call, arrays, traffic)
            if call.is_in_rows and not isinstance(outputs[0].node, Input):
                return planning.fold_stored(views, call, arrays, traffic)
        return NumpyFold(loop, own, arrays, call.kernel, traffic)

    def _apart(
        self,
        own: Specialization,
        loop: Loop,
        places: tuple[int, ...],
        values: Values,
        ahead: bool,
    ) -> LoopPlan:
        """Return the plan of some results of a loop."""
        targets = tuple([loop.targets[at] for at in places])
        alone = replace(loop, graph=loop.graph.part(places), targets=targets)
        return self.plan(own.part(places), alone, values, ahead)

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
        self.room.sizes.append(wanted)
        return self.room.count + len(self.room.sizes)

    def own_slot(self) -> int:
        """Return the number of an address that is set in each run, by one loop only."""
        self.room.sizes.append(rounded(0))
        return self.room.count + len(self.room.sizes)

    def put(self, new: New) -> None:
        """Note an array that is in a buffer."""
        assert new.slot is not None
        self.room.pooled.append(new)
        self._slots[new.parameter] = new.slot

    def row(self, parameter: int) -> int:
        """Return the number of the address of an array."""
        return self._slots.get(parameter, parameter)

    def free(self, slot: int) -> None:
        """Let the next steps use a buffer."""
        self._free.setdefault(self.room.sizes[slot - self.room.count - 1], []).append(slot)

    def done(self, parameters: Sequence[int]) -> None:
        """Let the next steps use the buffers of arrays that are read no more."""
        for each in parameters:
            if each in self._slots:  # NumPy makes the others
                self.free(self._slots[each])

    def number(self) -> int:
        """Return the number of the next kernel."""
        self.room.kernels += 1
        return self.room.kernels - 1

    def is_fresh(self, parameter: int, ahead: bool) -> bool:
        """Tell whether an array is in new memory in each run."""
        return parameter in self._fresh and not (self._keeps and ahead)

    def stays(self, rows: Sequence[tuple[int, int]]) -> bool:
        """Tell whether all addresses are those of arguments or buffers, or are in the rows."""
        return all(at < self._given or at >= self.room.count for at, _ in rows)

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
            rows = self._rows(call, of_views)
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

    def fold(
        self, views: Sequence[Any], call: FoldedCall, arrays: Sequence[Array], traffic: Traffic
    ) -> FoldPlan:
        """Return the plan of a loop that folds values into arrays like these."""
        kernel = call.kernel
        assert kernel is not None
        rows = self._rows(kernel, [self._view(at, view) for at, view in enumerate(views[:-1])])
        into = self._into(call, kernel.shape, arrays)
        rows += [(self.planner.row(each.new.parameter), 0) for each in into]
        running = self._running(self.own, self.planner.prepared(self.own, kernel), rows)
        return FoldPlan(self.loop, self.own, running, into, self.copied, self.keeps, traffic)

    def fold_stored(
        self, views: Sequence[Any], call: FoldedCall, arrays: Sequence[Array], traffic: Traffic
    ) -> FoldPlan:
        """Return the plan of a loop that stores values, and folds them where they lie."""
        planner, own = self.planner, self.own.unfolded()
        parts = describe_parts(own.graph, views, [None], lambda places: own.graph)
        like = new_array(*new_of(own.graph, parts)[0])
        folding = _folding(self.own.graph.outputs[0], like)
        of_stored = describe_folded(folding.graph, [like]).kernel
        assert of_stored is not None  # what is stored has no gaps
        slot = planner.slot(like.nbytes) if self.ahead else planner.own_slot()
        of_views = [self._view(at, view) for at, view in enumerate(views[:-1])]
        storing = parts[0].call
        rows = [*self._rows(storing, of_views), (slot, 0)]
        stored = Stored(
            self._running(own, planner.prepared(own, storing), rows),
            slot,
            None if self.ahead else like.nbytes,
        )
        into = self._into(call, of_stored.shape, arrays)
        rows = [(slot, 0), (planner.row(into[0].new.parameter), 0)]
        running = self._running(folding, planner.prepared(folding, of_stored), rows)
        if self.ahead:
            planner.free(slot)
        traffic = traffic._replace(
            read=traffic.read + like.nbytes, written=traffic.written + like.nbytes
        )
        return FoldPlan(
            self.loop, self.own, running, into, self.copied, self.keeps, traffic, stored
        )

    def _into(
        self, call: FoldedCall, shape: tuple[int, ...], arrays: Sequence[Array]
    ) -> list[FoldedInto]:
        """Return what the values of this shape are folded into: arrays like these."""
        planner = self.planner
        results: list[FoldedInto] = []
        outputs = zip(self.loop.targets, self.own.graph.outputs, arrays, call.orders, strict=True)
        for target, output, array, order in outputs:
            parameter, fold = target.parameter, output.fold
            is_scalar = not array.ndim and not output.boxed
            # A number is made anew of an element that stays where it is.
            is_fresh = not is_scalar and (not array.ndim or planner.is_fresh(parameter, self.ahead))
            slot = planner.slot(array.nbytes) if self.ahead and not is_fresh else None
            layout = array.shape, order, array.dtype, array.strides, array.nbytes
            new = New(parameter, *layout, slot, is_fresh, is_scalar)
            if slot is not None:
                planner.put(new)
            first = None if fold is None else fold.first(output.node.dtype)
            divisor = None
            if fold is not None and fold.ddof is not None:
                divisor = np.intp(fold.divisor(shape))
            results.append(FoldedInto(new, first, divisor, None if fold is None else fold.check))
        return results

    def _rows(
        self, call: KernelArguments, of_views: Sequence[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        """Return the rows of the arrays that a kernel reads."""
        rows: list[tuple[int, int]] = []
        for node, offset in zip(call.sources.arrays, call.offsets, strict=True):
            if node.parameter == MADE:
                self.keeps.append(node.view(None))
                rows.append((self.planner.room.count, address(self.keeps[-1])))
                continue
            assert offset is not None  # a loop reshapes nothing
            at, start = of_views[node.parameter]
            rows.append((at, start + offset))
        return rows

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
            is_fresh = not array.ndim or planner.is_fresh(target.parameter, self.ahead)
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
            return self.planner.room.count, 0
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


def _served(own: Specialization, views: Sequence[Any]) -> list[tuple[int, ...]]:
    """Return the places of results that one kernel serves, as many of neighbours as possible."""
    groups: list[tuple[int, ...]] = [(0,)]
    for at in range(1, len(own.graph.outputs)):
        more = (*groups[-1], at)
        is_whole = len(more) == len(own.graph.outputs)
        if not is_whole and describe_folded(own.part(more).graph, views).kernel is not None:
            groups[-1] = more
        else:
            groups.append((at,))
    return groups


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


# The specializations of copies and folds of arrays, which all programs share.
_OF_ARRAYS: dict[tuple[Any, ...], Specialization] = {}


def _copying(array: Array) -> Specialization:
    """Return the specialization of a copy of an array."""
    return _of_array(array, not array.ndim, None)


def _folding(output: Output, array: Array) -> Specialization:
    """Return the specialization of the same fold of an array."""
    assert output.fold is not None
    return _of_array(array, output.boxed, output.fold._replace(function=None, check=None))


def _of_array(array: Array, boxed: bool, fold: Fold | None) -> Specialization:
    extents = tuple([1 if each == 1 else None for each in array.shape])
    key = array.dtype, extents, boxed, fold
    found = _OF_ARRAYS.get(key)
    if found is None:
        dtype = from_numpy(array.dtype)
        nodes = Nodes()
        node = nodes.input(0, (), dtype)
        signature = (Parameter("x", ArrayOf(dtype, extents)),)
        name, results = "copy" if fold is None else "fold", Results(0, (Output(node, boxed, fold),))
        graph = Graph(name, signature, (node,), results)
        found = _OF_ARRAYS.setdefault(key, Specialization(graph, lambda graph: graph, Clock()))
    return found
