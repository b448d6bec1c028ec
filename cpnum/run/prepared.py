"""Prepared calls: all but the addresses and values of their arguments is known.

A prepared call serves all arguments of its key.  Each run has an argument block of its own and the
code is shared, so several threads may make one prepared call at once; the interpreter lock is
released while the kernel runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cpnum.compile.call import Array, Call, new_array
from cpnum.compile.outs import filled
from cpnum.errors import CpnumError
from cpnum.ir.arrays import address
from cpnum.ir.evaluate import checked_of, evaluate, raised_by
from cpnum.ir.graph import Graph
from cpnum.ir.nodes import Input
from cpnum.run.alias import may_overlap, read_only
from cpnum.run.errstate import report, watched
from cpnum.run.machine import Placement
from cpnum.run.pieces import (
    WHOLE,
    OldValues,
    Views,
    other_views,
    pieces,
    reported_inputs,
    saved,
    views_in_place,
)
from cpnum.run.recipe import (
    Recipe,
    filled_block,
    point,
    point_at,
    set_extents,
    set_numbers,
    with_tiles,
)


class PreparedCall:
    """A call of one graph with the arguments of one key, whose only result is computed.

    `graph` is the traced one, because reports of floating-point errors name the user's operators.
    """

    __slots__ = ("boxed", "call", "dtype", "graph", "order", "shape")

    def __init__(self, graph: Graph, call: Call) -> None:
        self.graph = graph
        self.call = call
        # Of a new result; attributes of a NamedTuple take twice as long to read.
        output = graph.outputs[-1]
        self.shape, self.order = call.shape, call.orders[-1]
        self.dtype, self.boxed = output.node.dtype.numpy, output.boxed

    def compute(self, arguments: Sequence[Any], out: Array) -> int:
        """Compute into `out`; return the floating-point flags that may have been raised."""
        raise NotImplementedError

    def run(self, arguments: tuple[Any, ...]) -> Any:
        """Return a new result."""
        result = new_array(self.shape, self.order, self.dtype)
        flags = self.compute(arguments, result)
        if flags:
            report(self.graph, arguments, flags)
        return result if result.ndim or self.boxed else result[()]

    def into(self, arguments: tuple[Any, ...], out: Array) -> Array | None:
        """Compute into `out`; return None if an element would be written before it is read."""
        traits = out.flags
        if not traits.writeable:
            raise read_only(out)
        if may_overlap(arguments, out, traits.owndata):
            overwritten = views_in_place(self.call, arguments, out)
            if overwritten is None:
                return None
            self.overwrite(arguments, out, overwritten)
            return out
        flags = self.compute(arguments, out)
        if flags:
            report(self.graph, arguments, flags)
        return out

    def overwrite(self, arguments: tuple[Any, ...], out: Array, overwritten: Views) -> None:
        """Compute into `out`, which is these views, and report the errors of the old values."""
        self.compute(arguments, out)  # NumPy reports while it evaluates


class EmptyCall(PreparedCall):
    """A call whose result has no elements."""

    __slots__ = ()

    def compute(self, arguments: Sequence[Any], out: Array) -> int:
        """Compute no element, but report the errors of scalars."""
        evaluate(self.graph, arguments)
        return 0


class NumpyCall(PreparedCall):
    """A call that NumPy evaluates node by node, where machine code cannot run."""

    __slots__ = ()

    def compute(self, arguments: Sequence[Any], out: Array) -> int:
        """Evaluate the graph; NumPy reports floating-point errors itself."""
        out[...] = evaluate(self.graph, arguments)
        return 0


class WrittenCall:
    """A call of the function as written, which kernels would not make faster.

    `places` are those of the arguments that are passed, `names` those of the last ones by name.
    """

    __slots__ = ("_by_position", "_function", "_names", "_places")

    def __init__(
        self, function: Callable[..., Any], places: Sequence[int], names: Sequence[str]
    ) -> None:
        self._function = function
        self._places = tuple(places)
        self._names = tuple(names)
        self._by_position = len(places) - len(names)

    def run(self, arguments: tuple[Any, ...]) -> Any:
        """Return what the function returns."""
        try:
            return self._called(arguments)
        except CpnumError as error:
            error.began = True  # it is the error of another compiled function
            raise

    def _called(self, arguments: tuple[Any, ...]) -> Any:
        if len(self._places) == len(arguments) == self._by_position:
            return self._function(*arguments)
        passed = [arguments[each] for each in self._places]
        named = dict(zip(self._names, passed[self._by_position :], strict=True))
        return self._function(*passed[: self._by_position], **named)

    def into(self, arguments: tuple[Any, ...], out: Any) -> Any:
        """Return what the function returns, written to `out`."""
        return filled(self.run(arguments), out)


class KernelCall(PreparedCall):
    """A call of a kernel, which may compute several outputs of one shape."""

    __slots__ = (
        "_blocks",
        "_checked",
        "_enter",
        "_numbers",
        "_reported",
        "_stop",
        "placement",
        "recipe",
    )

    def __init__(self, graph: Graph, call: Call, recipe: Recipe, placement: Placement) -> None:
        super().__init__(graph, call)
        self.recipe = recipe
        # Attributes of a NamedTuple take twice as long to read.
        self._numbers = recipe.numbers
        self._stop = recipe.stop
        self.placement = placement  # keeps the code where it is
        self._enter = placement.enter
        # The inputs that a report reads, found out by the first call in place.
        self._reported: tuple[Input, ...] | None = None
        # NumPy reports the overflow of integers between scalars.  A kernel cannot see it, so these
        # operators are computed once more.
        self._checked = checked_of(graph) if graph.checked else ()
        self._blocks: list[tuple[Any, Any]] = []

    def compute(self, arguments: Sequence[Any], out: Array | None) -> int:
        """Fill an argument block and enter the kernel; there is no `out` if it writes tiles."""
        recipe = self.recipe
        try:
            block, data = self._blocks.pop()
        except IndexError:
            block, data = filled_block(recipe)
        views = point(recipe, block, arguments, out)
        suspected = set_numbers(recipe, data, arguments) if self._numbers else 0
        if self._checked:
            suspected |= raised_by(self._checked, self.graph.checked, arguments)
        flags = self._enter(block, 0, self._stop)
        del views
        self._blocks.append((block, data))
        return flags | suspected

    def use_tiles(self, arrays: Sequence[int]) -> None:
        """Compute into tiles of some of the arrays that stand behind the arguments."""
        self.recipe = with_tiles(self.recipe, self.call, arrays)

    def compute_all(self, arguments: tuple[Any, ...], outs: Sequence[Array]) -> int:
        """Compute all outputs of the kernel, as `compute` does one."""
        return self.compute((*arguments, *outs[:-1]), outs[-1])

    def overwrite(self, arguments: tuple[Any, ...], out: Array, overwritten: Views) -> None:
        """Compute into `out`; save old values that a report may need, piece by piece."""
        inputs = self._reported
        if inputs is None:
            inputs = self._reported = reported_inputs(self.graph, self.call)
        asked = watched(self.graph) if inputs else 0
        if not asked:
            flags = self.compute(arguments, out)
            if flags:  # of numbers: no report depends on elements
                report(self.graph, arguments, flags)
            return
        others = other_views(inputs, overwritten, arguments)
        if overwritten and out.nbytes > WHOLE:
            old = OldValues(self.graph, self.call, arguments, overwritten, others)
            self._overwrite_pieces(arguments, out, old, asked)
            return
        known = saved(overwritten, others)
        flags = self.compute(arguments, out)
        if flags:
            report(self.graph, arguments, flags, known)

    def _overwrite_pieces(
        self, arguments: tuple[Any, ...], out: Array, old: OldValues, asked: int
    ) -> None:
        """Compute one piece after the other; report the errors that are asked for at the end."""
        arrangement = self.call.arrangement
        assert arrangement is not None
        block, data = filled_block(self.recipe)  # no other run's: its extents are those of pieces
        flags = set_numbers(self.recipe, data, arguments)
        if self._checked:
            flags |= raised_by(self._checked, self.graph.checked, arguments)
        operands = [*[old.views[node] for node in self.call.sources.arrays], out]
        addresses = [address(each) for each in operands]
        before = arrangement.extents
        for index, extents, offsets in pieces(arrangement, out.itemsize):
            old.save(index)
            if extents != before:
                set_extents(self.recipe, data, arrangement._replace(extents=extents))
                before = extents
            point_at(data, [at + offset for at, offset in zip(addresses, offsets, strict=True)])
            flags |= self._enter(block, 0, extents[0])
            if flags & asked:
                old.note(index)
            flags = 0
        old.report()
