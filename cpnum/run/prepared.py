"""Prepared calls: all but the addresses and values of their arguments is known.

A prepared call serves all arguments of its key.  Each run has an argument block of its own and the
code is shared, so several threads may make one prepared call at once; the interpreter lock is
released while the kernel runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cpnum.compile.call import Array, Call, new_result
from cpnum.ir.evaluate import checked_of, evaluate, may_report, raised_by
from cpnum.ir.graph import Graph
from cpnum.run.alias import copied, in_place, may_overlap, overlap, read_only, views_of
from cpnum.run.errstate import report, watched
from cpnum.run.machine import Placement
from cpnum.run.recipe import Recipe, filled_block, point, set_numbers


class PreparedCall:
    """A call of one graph with the arguments of one key.

    `graph` is the traced one, because reports of floating-point errors name the user's operators.
    """

    __slots__ = ("call", "dtype", "graph")

    def __init__(self, graph: Graph, call: Call) -> None:
        self.graph = graph
        self.call = call
        self.dtype = graph.output.node.dtype.numpy

    def compute(self, arguments: Sequence[Any], out: Array) -> int:
        """Compute into `out`; return the floating-point flags that may have been raised."""
        raise NotImplementedError

    def run(self, arguments: tuple[Any, ...]) -> Any:
        """Return a new result."""
        result = new_result(self.call, self.dtype)
        flags = self.compute(arguments, result)
        if flags:
            report(self.graph, arguments, flags)
        return result if result.ndim or self.graph.output.boxed else result[()]

    def into(self, arguments: tuple[Any, ...], out: Array) -> Array | None:
        """Compute into `out`; return None if an element would be written before it is read."""
        traits = out.flags
        if not traits.writeable:
            raise read_only(out)
        before = arguments
        if may_overlap(arguments, out, traits.owndata):
            views = views_of(self.call, arguments)
            if any(overlap(out, view) and not in_place(out, view) for view in views):
                return None
            if self._may_report() and watched():
                # The kernel overwrites arguments; a report evaluates the old ones.
                before = copied(arguments, out)
        flags = self.compute(arguments, out)
        if flags:
            report(self.graph, before, flags)
        return out

    def _may_report(self) -> bool:
        """Tell whether a report may need the values of arguments once `out` is written."""
        return False  # NumPy reports while it evaluates


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


class KernelCall(PreparedCall):
    """A call of a kernel."""

    __slots__ = (
        "_blocks",
        "_checked",
        "_enter",
        "_numbers",
        "_reports",
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
        self._reports: bool | None = None  # found out by the first call in place
        # NumPy reports the overflow of integers between scalars.  A kernel cannot see it, so these
        # operators are computed once more.
        self._checked = checked_of(graph) if graph.checked else ()
        self._blocks: list[tuple[Any, Any]] = []

    def compute(self, arguments: Sequence[Any], out: Array) -> int:
        """Fill an argument block and enter the kernel."""
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

    def _may_report(self) -> bool:
        if self._reports is None:
            self._reports = may_report(self.graph)
        return self._reports
