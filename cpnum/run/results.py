"""Calls with any results: several arrays, views of arguments, Python's values, in containers.

Outputs of one shape are computed by one kernel; the call is made of the calls of its kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cpnum.compile.call import Array, Part, new_array
from cpnum.compile.outs import filled, given_outs, outs_of, refuse_shared_outs
from cpnum.ir.evaluate import evaluate, host_value, outputs_of
from cpnum.ir.graph import Graph
from cpnum.ir.results import Number, Output, maker_of, values_of
from cpnum.run.alias import may_overlap, read_only
from cpnum.run.errstate import report, watched
from cpnum.run.pieces import Views, other_views, reported_inputs, saved, views_in_place
from cpnum.run.prepared import KernelCall


class ResultsCall:
    """A call of one graph with the arguments of one key, whatever the function returns.

    `graph` is the traced one.  `parts` are the calls of the outputs, and `kernels` what computes
    each part: None if it has no elements.  Without kernels, NumPy computes all outputs.
    """

    __slots__ = ("_empty", "_inputs", "_leaves", "_make", "_new", "graph", "kernels", "parts")

    def __init__(
        self, graph: Graph, parts: Sequence[Part], kernels: Sequence[KernelCall | None] | None
    ) -> None:
        self.graph = graph
        self.parts = tuple(parts)
        self.kernels = kernels
        self._empty = kernels is not None and None in kernels
        self._leaves = tuple(
            [leaf for leaf in graph.results.leaves if isinstance(leaf, Output | Number)]
        )
        self._make = maker_of(graph.results.tree)
        self._inputs: tuple[Any, ...] | None = None
        new: dict[int, tuple[Any, ...]] = {}
        for places, call in parts:
            for at, order in zip(places, call.orders, strict=True):
                new[at] = call.shape, order, graph.outputs[at].node.dtype.numpy
        # The shape, order and dtype of each output.
        self._new = [new[at] for at in range(len(new))]

    def run(self, arguments: tuple[Any, ...]) -> Any:
        """Return new results."""
        numbers = self._numbers(arguments)
        outs = [new_array(*each) for each in self._new]
        self._compute(arguments, outs, None)
        return self._made(arguments, numbers, outs)

    def into(self, arguments: tuple[Any, ...], out: Any) -> Any:
        """Compute into the arrays of `out`; None if an element would be written before it is read.

        The results are in the function's containers.
        """
        results = self.graph.results
        given = given_outs(results, out)
        refuse_shared_outs(given)
        overlapping = False
        for _, array in given:
            traits = array.flags
            if not traits.writeable:
                raise read_only(array)
            overlapping |= may_overlap(arguments, array, traits.owndata)
        arrays = outs_of(results, out)
        overwritten: Views = {}
        if overlapping:
            copied = len(given) - sum(each is not None for each in arrays)
            in_place = None if copied else self._in_place(arguments, arrays)
            if in_place is None:
                return None
            overwritten = in_place
        numbers = self._numbers(arguments)
        outs = [
            new_array(*new) if array is None else array
            for array, new in zip(arrays, self._new, strict=True)
        ]
        self._compute(arguments, outs, self._saved(arguments, overwritten))
        return filled(self._made(arguments, numbers, outs), out)

    # -- computing ------------------------------------------------------------------------------

    def _numbers(self, arguments: tuple[Any, ...]) -> list[Any]:
        """Return Python's numbers, before any array is written: they may raise an error."""
        return [
            host_value(leaf.node, arguments, self.graph.sites)[0]
            for leaf in self._leaves
            if type(leaf) is Number
        ]

    def _compute(
        self, arguments: tuple[Any, ...], outs: Sequence[Array], known: Views | None
    ) -> None:
        """Compute all outputs, and report their floating-point errors once."""
        if self.kernels is None:
            if outs:
                for out, value in zip(outs, outputs_of(self.graph, arguments), strict=True):
                    out[...] = value
            return
        flags = 0
        for (places, _), kernel in zip(self.parts, self.kernels, strict=True):
            if kernel is not None:
                flags |= kernel.compute_all(arguments, [outs[at] for at in places])
        if self._empty:
            evaluate(self.graph, arguments)  # for the errors of scalars
        elif flags:
            report(self.graph, arguments, flags, known)

    def _made(
        self, arguments: tuple[Any, ...], numbers: Sequence[Any], outs: Sequence[Array]
    ) -> Any:
        """Return the results, from what was computed."""
        rest, arrays = iter(numbers), iter(outs)
        computed = [next(arrays if type(leaf) is Output else rest) for leaf in self._leaves]
        return self._make(values_of(self.graph.results, arguments, iter(computed)))

    # -- in place -------------------------------------------------------------------------------

    def _in_place(self, arguments: tuple[Any, ...], arrays: Sequence[Array | None]) -> Views | None:
        """Return the views that a kernel overwrites; None if it would read them afterwards."""
        if self.kernels is None or len(self.kernels) > 1 or self._empty:
            return None
        overwritten: Views = {}
        for array in arrays:
            if array is not None:
                views = views_in_place(self.parts[0].call, arguments, array)
                if views is None:
                    return None
                overwritten |= views
        return overwritten

    def _saved(self, arguments: tuple[Any, ...], overwritten: Views) -> Views | None:
        """Return the old values that a report may need, None if none are overwritten."""
        if not overwritten or not watched(self.graph):
            return None
        inputs = self._inputs
        if inputs is None:
            inputs = self._inputs = reported_inputs(self.graph, self.parts[0].call)
        return saved(overwritten, other_views(inputs, overwritten, arguments)) if inputs else None
