"""Bound calls: their pointers, strides, extents and scalars are in the code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cpnum.compile.call import Array, Call
from cpnum.compile.kernel import Clock, Kernel
from cpnum.errors import OutError, UnsupportedError
from cpnum.ir.evaluate import checked_of, raised_by
from cpnum.ir.graph import Graph
from cpnum.ir.nodes import MADE
from cpnum.run.alias import in_place, overlap, views_of
from cpnum.run.errstate import report, watched
from cpnum.run.machine import Machine
from cpnum.run.pieces import WHOLE, other_views, reported_inputs, saved, views_in_place
from cpnum.run.prepared import KernelCall
from cpnum.run.recipe import filled_block, new_block, point, recipe_of, set_numbers


class Bound:
    """A call without arguments: pointers, strides, extents and scalars are in its code.

    A bound call holds its arrays, and reads their elements when it is called.  It keeps the value
    that a number, or an array without axes, had when it was bound.  It does not look whether its
    `out` was made read-only since: that would take a quarter of its time.

    >>> import numpy as np
    >>> from cpnum import cpjit
    >>> x, z = np.ones(3), np.empty(3)
    >>> doubled = cpjit(lambda x: x * 2).bind(x, out=z)
    >>> x[:] = 5.0
    >>> doubled()
    array([10., 10., 10.])
    """

    def __init__(
        self,
        graph: Graph,
        call: Call,
        kernel: Kernel,
        machine: Machine,
        arguments: tuple[Any, ...],
        out: Array,
        prepare: Callable[[], KernelCall],
    ) -> None:
        views = views_of(call, arguments)
        _refuse(graph, call, views, arguments, out)
        self.kernel = kernel
        # For reports; the user may reshape an array in place, or change one without axes.
        self.arguments = tuple(map(_as_bound, arguments))
        self.out = out
        recipe = recipe_of(call, kernel)
        block, data = filled_block(recipe)
        point(recipe, block, arguments, out)
        self._suspected = set_numbers(recipe, data, arguments)
        clock = Clock(dict(kernel.seconds))
        placement = machine.place(kernel, bytes(data))
        clock.end("place")
        self.seconds = clock.seconds
        self.code = placement.code
        self.region = placement.region
        self._graph = graph
        self._checked = checked_of(graph) if graph.checked else ()
        self._words = kernel.block_words if placement.needs_block else 0
        self._blocks: list[Any] = []
        self._enter = placement.enter
        overwritten = views_in_place(call, self.arguments, out)
        assert overwritten is not None
        self._overwritten = overwritten
        # The inputs that a report reads, if the kernel overwrites some of them.
        self._reported = reported_inputs(graph, call) if overwritten else ()
        # No range can be given to the kernel, so a called one computes the pieces of a large array.
        self._in_pieces = prepare() if self._reported and out.nbytes > WHOLE else None

    def __call__(self) -> Array:
        """Run the code; return the array that it writes."""
        known = None
        if self._reported and watched(self._graph):
            if self._in_pieces is not None:
                self._in_pieces.overwrite(self.arguments, self.out, self._overwritten)
                return self.out
            others = other_views(self._reported, self._overwritten, self.arguments)
            known = saved(self._overwritten, others)
        suspected = self._suspected
        if self._checked:
            suspected |= raised_by(self._checked, self._graph.checked, self.arguments)
        if self._words:
            try:
                block = self._blocks.pop()
            except IndexError:
                block = new_block(self._words)
            flags = self._enter(block)
            self._blocks.append(block)
        else:
            flags = self._enter()
        flags |= suspected
        if flags:
            report(self._graph, self.arguments, flags, known)
        return self.out

    def __repr__(self) -> str:
        return f"<bound {self._graph.name}: {len(self.code)} bytes>"


def _as_bound(argument: Any) -> Any:
    if not isinstance(argument, np.ndarray):
        return argument
    return argument.view() if argument.ndim else argument.copy()


def _refuse(
    graph: Graph, call: Call, views: list[Array], arguments: tuple[Any, ...], out: Array
) -> None:
    """Refuse a call whose addresses cannot be in its code."""
    for array, view in zip(call.sources.arrays, views, strict=True):
        is_made = array.parameter == MADE
        if not is_made and not np.may_share_memory(view, arguments[array.parameter]):
            raise UnsupportedError(
                "NumPy copies an argument to reshape it; a bound call would not see it change",
                seen=graph.name_of(array),
                write="a call without bind, or the reshaped array as argument",
            )
        if overlap(out, view) and not in_place(out, view):
            raise OutError(
                "`out` overlaps an argument",
                seen=f"out of shape {out.shape} and a view of shape {view.shape}",
                write="an out of its own, or the argument itself",
            )
