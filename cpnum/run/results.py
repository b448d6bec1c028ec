"""Calls with any results: several arrays, views of arguments, Python's values, in containers.

Outputs of one shape are computed by one kernel; the call is made of the calls of its kernels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cpnum.compile.call import Array, Part, new_array, new_of
from cpnum.compile.outs import filled, given_outs, outs_of, refuse_shared_outs
from cpnum.ir.evaluate import evaluate, host_value, outputs_of
from cpnum.ir.graph import Graph
from cpnum.ir.results import Number, Output, joined_in, maker_of, tiles_of, values_of
from cpnum.run.alias import may_overlap, read_only
from cpnum.run.errstate import report, watched
from cpnum.run.pieces import Views, other_views, reported_inputs, saved, views_in_place
from cpnum.run.prepared import KernelCall


class ResultsCall:
    """A call of one graph with the arguments of one key, whatever the function returns.

    `graph` is the traced one, and `compiled` the one that kernels compute.  `parts` are the calls
    of the outputs, and `kernels` what computes each part: None if it has no elements.  Without
    kernels, NumPy computes all outputs.
    """

    __slots__ = (
        "_empty",
        "_inputs",
        "_is_whole",
        "_joined",
        "_leaves",
        "_make",
        "_new",
        "_places",
        "graph",
        "kernels",
        "parts",
        "results",
    )

    def __init__(
        self,
        graph: Graph,
        compiled: Graph,
        parts: Sequence[Part],
        kernels: Sequence[KernelCall | None] | None,
    ) -> None:
        self.graph = graph
        self.results = results = compiled.results
        self.parts = tuple(parts)
        self.kernels = kernels
        self._empty = kernels is not None and None in kernels
        self._leaves = tuple([leaf for leaf in results.leaves if isinstance(leaf, Output | Number)])
        self._make = maker_of(results.tree)
        self._inputs: tuple[Any, ...] | None = None
        # The shape, order and dtype of each array.
        self._new = new_of(compiled, parts)
        places = results.places
        # Where the tiles are; None if each output has an array of its own.
        self._places = places if any(index is not None for _, index in places) else None
        self._joined = joined_in(results)
        # Whether the only result is an array that has tiles.
        self._is_whole = self._joined == [0] and results.tree == len(results.leaves) - 1
        if self._places:
            count = len(graph.signature)
            for part, kernel in zip(parts, kernels or (), strict=False):
                if kernel is not None:
                    kernel.use_tiles([count + places[at][0] for at in part.places])

    def run(self, arguments: tuple[Any, ...]) -> Any:
        """Return new results."""
        numbers = self._numbers(arguments)
        arrays = [new_array(*each) for each in self._new]
        self._compute(arguments, arrays, None)
        return self._made(arguments, numbers, arrays)

    def into(self, arguments: tuple[Any, ...], out: Any) -> Any:
        """Compute into the arrays of `out`; None if an element would be written before it is read.

        The results are in the function's containers.
        """
        results = self.results
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
        written = [
            new_array(*new) if array is None else array
            for array, new in zip(arrays, self._new, strict=True)
        ]
        self._compute(arguments, written, self._saved(arguments, overwritten))
        return filled(self._made(arguments, numbers, written), out)

    # -- computing ------------------------------------------------------------------------------

    def _numbers(self, arguments: tuple[Any, ...]) -> list[Any]:
        """Return Python's numbers, before any array is written: they may raise an error."""
        if self._is_whole:
            return []
        return [
            host_value(leaf.node, arguments, self.graph.sites)[0]
            for leaf in self._leaves
            if type(leaf) is Number
        ]

    def _compute(
        self, arguments: tuple[Any, ...], arrays: Sequence[Array], known: Views | None
    ) -> None:
        """Compute all arrays, and report their floating-point errors once."""
        if self.kernels is None:
            if arrays:
                for array, value in zip(arrays, outputs_of(self.graph, arguments), strict=True):
                    array[...] = value
            return
        flags = 0
        if self._places:
            behind = (*arguments, *arrays)
            for kernel in self.kernels:
                if kernel is not None:
                    flags |= kernel.compute(behind, None)
        else:
            for (places, _), kernel in zip(self.parts, self.kernels, strict=True):
                if kernel is not None:
                    flags |= kernel.compute_all(arguments, [arrays[at] for at in places])
        if self._empty:
            evaluate(self.graph, arguments)  # for the errors of scalars
        elif flags:
            report(self.graph, arguments, flags, known)

    def _made(
        self, arguments: tuple[Any, ...], numbers: Sequence[Any], arrays: Sequence[Array]
    ) -> Any:
        """Return the results, from what was computed."""
        if self._is_whole:
            return arrays[0]
        rest, outs, joined = iter(numbers), iter(arrays), None
        if self._places is not None:
            outs = iter(tiles_of(self._places, arrays))
            joined = iter([arrays[at] for at in self._joined])
        computed = [next(outs if type(leaf) is Output else rest) for leaf in self._leaves]
        return self._make(values_of(self.results, arguments, iter(computed), joined))

    # -- in place -------------------------------------------------------------------------------

    def _in_place(self, arguments: tuple[Any, ...], arrays: Sequence[Array | None]) -> Views | None:
        """Return the views that a kernel overwrites; None if it would read them afterwards."""
        if self.kernels is None or len(self.kernels) > 1 or self._empty or self._places:
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
