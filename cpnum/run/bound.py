"""Bound calls: their pointers, strides, extents and scalars are in the code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cpnum.compile.call import Array, Call
from cpnum.compile.kernel import Clock, Kernel
from cpnum.compile.outs import filled
from cpnum.errors import OutError, UnsupportedError
from cpnum.ir.evaluate import checked_of, host_value, raised_by
from cpnum.ir.graph import Graph
from cpnum.ir.nodes import MADE
from cpnum.ir.results import (
    Number,
    Output,
    Results,
    View,
    joined_in,
    maker_of,
    tiles_of,
    values_of,
)
from cpnum.run.alias import in_place, overlap, read_only, views_of
from cpnum.run.errstate import report, watched
from cpnum.run.machine import Machine
from cpnum.run.pieces import (
    WHOLE,
    Views,
    other_views,
    reported_inputs,
    saved,
    views_in_place,
)
from cpnum.run.prepared import KernelCall
from cpnum.run.recipe import filled_block, new_block, point, recipe_of, set_numbers


class BoundKernel:
    """A kernel that has the words of its call in its code.

    It holds its arrays.  It does not look whether an array that it writes to was made read-only
    since: that would take a quarter of its time.
    """

    def __init__(
        self,
        graph: Graph,
        call: Call,
        kernel: Kernel,
        machine: Machine,
        arguments: tuple[Any, ...],
        outs: Sequence[Array],
    ) -> None:
        _refuse(graph, call, arguments, outs)
        self.call = call
        self.kernel = kernel
        # For reports; the user may reshape an array in place, or change one without axes.
        self.arguments = tuple(map(_as_bound, arguments))
        self.outs = tuple(outs)
        recipe = recipe_of(call, kernel)
        block, data = filled_block(recipe)
        point(recipe, block, (*arguments, *outs[:-1]), outs[-1])
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
        self._overwritten: Views = {}
        for out in outs:
            overwritten = views_in_place(call, self.arguments, out)
            assert overwritten is not None
            self._overwritten |= overwritten

    def enter(self) -> int:
        """Run the code; return the floating-point flags that may have been raised."""
        suspected = self._suspected
        if self._checked:
            suspected |= raised_by(self._checked, self._graph.checked, self.arguments)
        if not self._words:
            return int(self._enter()) | suspected
        try:
            block = self._blocks.pop()
        except IndexError:
            block = new_block(self._words)
        flags: int = self._enter(block)
        self._blocks.append(block)
        return flags | suspected

    def __repr__(self) -> str:
        return f"<bound {self._graph.name}: {len(self.code)} bytes>"


class Bound(BoundKernel):
    """A call without arguments: pointers, strides, extents and scalars are in its code.

    A bound call holds its arrays, and reads their elements when it is called.  It keeps the value
    that a number, or an array without axes, had when it was bound.

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
        super().__init__(graph, call, kernel, machine, arguments, (out,))
        self.out = out
        # The inputs that a report reads, if the kernel overwrites some of them.
        self._reported = reported_inputs(graph, call) if self._overwritten else ()
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
            # As `enter`, without a call of it.
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


class BoundResults:
    """A bound call of any results: any number of kernels, which run one after the other.

    `results` are those of the graph that the kernels compute, and `arrays` what they compute into.
    `out` are the results, in the function's containers: their arrays are written at each call.
    Views are of these arrays and of the arguments.  Python's numbers keep the value that they had.

    >>> import numpy as np
    >>> from cpnum import cpjit
    >>> x = np.ones(2)
    >>> both = cpjit(lambda x: (x + 1, x * 3)).bind(x)
    >>> x[:] = 5.0
    >>> both()
    (array([6., 6.]), array([15., 15.]))
    """

    def __init__(
        self,
        graph: Graph,
        results: Results,
        kernels: Sequence[BoundKernel],
        arguments: tuple[Any, ...],
        arrays: Sequence[Array],
        out: Any,
    ) -> None:
        self.kernels = tuple(kernels)
        self.arguments = tuple(map(_as_bound, arguments))
        self._graph = graph
        self._overwritten: Views = {}
        for each in kernels:
            self._overwritten |= each._overwritten
            for other in kernels:
                if other is not each or joined_in(results):
                    _refuse_overwritten(other.outs, each)
        inputs = dict.fromkeys(x for each in kernels for x in reported_inputs(graph, each.call))
        self._reported = tuple(inputs) if self._overwritten else ()
        rest = iter(tiles_of(results.places, arrays))
        computed = (
            next(rest) if type(leaf) is Output else host_value(leaf.node, arguments, graph.sites)[0]
            for leaf in results.leaves
            if isinstance(leaf, Output | Number)
        )
        joined = iter([arrays[at] for at in joined_in(results)])
        # A result without axes is an array, which can be written.
        boxed = [
            leaf._replace(boxed=True) if isinstance(leaf, Output | View) else leaf
            for leaf in results.leaves
        ]
        results = results._replace(leaves=tuple(boxed))
        values = values_of(results, arguments, computed, joined)
        for leaf, value in zip(results.leaves, values, strict=True):
            if isinstance(leaf, View) and _is_copy(value, values[leaf.of]):
                raise _copied("a result")
        self._values = maker_of(results.tree)(values)
        self._into = out
        self.out = filled(self._values, out, copy=False)

    def __call__(self) -> Any:
        """Run the code; return the results, which it has written."""
        known = None
        if self._reported and watched(self._graph):
            others = other_views(self._reported, self._overwritten, self.arguments)
            known = saved(self._overwritten, others)
        flags = 0
        for kernel in self.kernels:
            flags |= kernel.enter()
        if flags:
            report(self._graph, self.arguments, flags, known)
        if self._into is not None:
            filled(self._values, self._into)
        return self.out

    @property
    def seconds(self) -> dict[str, float]:
        """The time of each stage, for all kernels."""
        found: dict[str, float] = {}
        for each in self.kernels:
            for stage, seconds in each.seconds.items():
                found[stage] = found.get(stage, 0.0) + seconds
        return found

    def __repr__(self) -> str:
        return f"<bound {self._graph.name}: {len(self.kernels)} kernels>"


def _refuse_overwritten(outs: Sequence[Array], kernel: BoundKernel) -> None:
    """Refuse results of one kernel that share memory with what another one reads."""
    for view in views_of(kernel.call, kernel.arguments):
        for out in outs:
            if overlap(out, view):
                raise _overlaps(out, view)


def _as_bound(argument: Any) -> Any:
    if not isinstance(argument, np.ndarray):
        return argument
    return argument.view() if argument.ndim else argument.copy()


def _refuse(graph: Graph, call: Call, arguments: tuple[Any, ...], outs: Sequence[Array]) -> None:
    """Refuse a call whose addresses cannot be in its code."""
    for array, view in zip(call.sources.arrays, views_of(call, arguments), strict=True):
        is_made = array.parameter == MADE
        if not is_made and not np.may_share_memory(view, arguments[array.parameter]):
            raise _copied(graph.name_of(array))
        for out in outs:
            if overlap(out, view) and not in_place(out, view):
                raise _overlaps(out, view)
    for out in outs:
        if not out.flags.writeable:
            raise read_only(out)


def _is_copy(value: Any, of: Any) -> bool:
    """Tell whether a view of an array is none, because NumPy copies to reshape."""
    are_arrays = isinstance(value, np.ndarray) and isinstance(of, np.ndarray)
    return are_arrays and value.size > 0 and not np.may_share_memory(value, of)


def _copied(seen: str) -> UnsupportedError:
    return UnsupportedError(
        "NumPy copies an argument to reshape it; a bound call would not see it change",
        seen=seen,
        write="a call without bind, or the reshaped array as argument",
    )


def _overlaps(out: Array, view: Array) -> OutError:
    return OutError(
        "`out` overlaps an argument",
        seen=f"out of shape {out.shape} and a view of shape {view.shape}",
        write="an out of its own, or the argument itself",
    )
