"""Specializations: the graphs and kernels of a function for one signature."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cpnum.compile.arrange import Layout
from cpnum.compile.call import Call, Part, describe, describe_parts, new_array, new_of
from cpnum.compile.kernel import Clock, Kernel, Kernels, cast_to, compile
from cpnum.compile.outs import (
    given_outs,
    outs_of,
    refuse_other_than_array,
    refuse_shared_outs,
    refuse_wrong_outs,
)
from cpnum.compile.skeleton import Entry
from cpnum.errors import ShapeError, UnsupportedError
from cpnum.ir.graph import Graph
from cpnum.ir.results import tiles_of
from cpnum.remembered import Remembered
from cpnum.run.bound import Bound, BoundKernel, BoundResults
from cpnum.run.machine import Machine, Placement
from cpnum.run.prepared import EmptyCall, KernelCall, NumpyCall, PreparedCall
from cpnum.run.recipe import recipe_of
from cpnum.run.results import ResultsCall
from cpnum.tables.dtypes import DType, from_numpy
from cpnum.tables.isa import Isa

Rewrite = Callable[[Graph], Graph]


class Specialization:
    """The graphs of a function for one signature, and its kernels by layout.

    `graph` is the one that is compiled.  Reports of floating-point errors need the one that was
    `traced`, which has the user's operators.  `apart` has those, too, but tiles and no joins.
    """

    def __init__(self, traced: Graph, rewrite: Rewrite, clock: Clock) -> None:
        self.traced = traced
        self.apart = _apart(traced)
        self.graph = rewrite(self.apart)
        # Whether a call found it since it was made.
        self.again = False
        clock.end("simplify")
        self.seconds: Mapping[str, float] = clock.seconds
        self.kernels: Remembered[tuple[Layout, ...], Kernel] = Remembered()
        self._rewrite = rewrite
        self._placements: Remembered[tuple[Layout, ...], Placement] = Remembered()
        self._casts: dict[tuple[DType | None, ...], Specialization] = {}
        self._parts: dict[tuple[int, ...], Specialization] = {}
        self._unfolded: Specialization | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the function returns one computed value and nothing else."""
        return self.graph.results.output is not None

    def every_kernel(self) -> list[Kernel]:
        """Return the kernels of all parts."""
        parts = [self, *self._parts.values()]
        parts += [] if self._unfolded is None else [self._unfolded]
        return [kernel for each in parts for kernel in each.kernels.values()]

    def into(self, out: Any) -> Specialization:
        """Return the specialization whose results have the dtypes of `out`.

        Raises:  OutError if `out` cannot take them.
        """
        if out is None:
            return self
        if self.is_plain:
            refuse_other_than_array(out)
        given = outs_of(self.traced.results, out)
        dtypes = [None if each is None else from_numpy(each.dtype) for each in given]
        own = [output.node.dtype for output in self.traced.outputs]
        if all(each in (None, mine) for each, mine in zip(dtypes, own, strict=True)):
            return self
        found = self._casts.get(tuple(dtypes))
        if found is None:
            traced = cast_to(self.traced, dtypes)
            found = Specialization(traced, self._rewrite, Clock(dict(self.seconds)))
            found = self._casts.setdefault(tuple(dtypes), found)
        return found

    # -- parts ----------------------------------------------------------------------------------

    def describe(self, arguments: tuple[Any, ...], out: Any) -> list[Part]:
        """Return the calls of the kernels for these arguments.

        Raises:  ShapeError, OutError.
        """
        if self.is_plain:
            return [Part((0,), describe(self.graph, arguments, out))]
        results = self.graph.results
        if out is not None:
            refuse_wrong_outs(results, arguments, out)
        return describe_parts(
            self.graph, arguments, outs_of(results, out), lambda places: self.part(places).graph
        )

    def part(self, places: tuple[int, ...]) -> Specialization:
        """Return the specialization of the outputs at these places."""
        if len(places) == len(self.graph.outputs):
            return self
        found = self._parts.get(places)
        if found is None:
            graph = self.graph.part(places)
            traced, clock = self.apart.part(places), Clock(dict(self.seconds))
            found = Specialization(traced, lambda _: graph, clock)
            found = self._parts.setdefault(places, found)
        return found

    def unfolded(self) -> Specialization:
        """Return the specialization that stores the values that this one folds."""
        if self._unfolded is None:
            graph, clock = self.graph.unfolded(), Clock(dict(self.seconds))
            self._unfolded = Specialization(self.apart.unfolded(), lambda _: graph, clock)
        return self._unfolded

    def described(
        self, arguments: tuple[Any, ...], out: Any
    ) -> Iterator[tuple[Specialization, Call]]:
        """Yield the calls of kernels for these arguments, each with the specialization of its part.

        Raises:  ShapeError, OutError.
        """
        own = self.into(out)
        for places, call in own.describe(arguments, out):
            if call.arrangement is not None:
                yield own.part(places), call

    def lower(self, arguments: tuple[Any, ...], out: Any, level: Isa) -> Kernel | Kernels:
        """Return the called kernel of a call, or all if there are several.

        Raises:  ShapeError, UnsupportedError if there is none.
        """
        each = [own.kernel(call, level) for own, call in self.described(arguments, out)]
        if each:
            return each[0] if len(each) == 1 else Kernels(self.into(out).graph, tuple(each))
        if self.graph.outputs:
            shapes = {call.shape for _, call in self.into(out).describe(arguments, out)}
            raise ShapeError(
                "an empty result needs no kernel", seen=f"the shape {', '.join(map(str, shapes))}"
            )
        raise UnsupportedError(
            f"{self.graph.name} computes no array, so it has no kernel",
            seen=f"return {str(self.graph).rpartition('return ')[2]}",
            write="its call, which returns that at once",
        )

    # -- kernels --------------------------------------------------------------------------------

    def kernel(self, call: Call, level: Isa) -> Kernel:
        """Return the called kernel for the layouts of a call; compile it for the first call.

        Raises:  ShapeError if the call has no elements.
        """
        if call.arrangement is None:
            raise ShapeError("an empty result needs no kernel", seen=f"the shape {call.shape}")
        layouts = call.arrangement.layouts
        kernel = self.kernels.get(layouts)
        if kernel is None:
            clock = Clock(dict(self.seconds))
            kernel = compile(self.graph, call.sources, layouts, level, clock)
            kernel = self.kernels.remember(layouts, kernel)
        return kernel

    def prepare(self, call: Call, level: Isa, machine: Machine) -> KernelCall:
        """Return a prepared call; place its kernel for the first call of its layouts."""
        kernel = self.kernel(call, level)
        assert call.arrangement is not None
        layouts = call.arrangement.layouts
        placement = self._placements.get(layouts)
        if placement is None:
            clock = Clock(dict(kernel.seconds))
            placement = self._placements.remember(layouts, machine.place(kernel))
            clock.end("place")
            kernel = self.kernels[layouts] = Kernel(*kernel[:-1], clock.seconds)
        return KernelCall(self.traced, call, recipe_of(call, kernel), placement)

    def prepare_parts(
        self, parts: list[Part], level: Isa | None, machine: Machine | None
    ) -> PreparedCall | ResultsCall:
        """Return a prepared call; without a machine, NumPy evaluates it."""
        if not self.is_plain:
            return self.prepare_results(parts, level, machine)
        call = parts[0].call
        if call.arrangement is None:
            return EmptyCall(self.traced, call)
        if machine is None or level is None:
            return NumpyCall(self.traced, call)
        return self.prepare(call, level, machine)

    def prepare_results(
        self, parts: list[Part], level: Isa | None, machine: Machine | None
    ) -> ResultsCall:
        """Return a prepared call of all parts; without a machine, NumPy computes them."""
        if machine is None or level is None:
            return ResultsCall(self.traced, self.graph, parts, None)
        kernels = [
            None if call.arrangement is None else self.part(places).prepare(call, level, machine)
            for places, call in parts
        ]
        return ResultsCall(self.traced, self.graph, parts, kernels)

    def bind(
        self,
        parts: list[Part],
        level: Isa,
        machine: Machine | None,
        arguments: tuple[Any, ...],
        out: Any,
    ) -> Bound | BoundResults:
        """Return a bound call, its results in `out` or in new arrays."""
        graph = self.graph
        refuse_shared_outs(given_outs(graph.results, out))
        arrays: list[Any] = [
            new_array(*new) if array is None else array
            for array, new in zip(outs_of(graph.results, out), new_of(graph, parts), strict=True)
        ]
        outs = tiles_of(graph.results.places, arrays)
        bound: list[BoundKernel] = []
        for places, call in parts:
            assert call.arrangement is not None and machine is not None
            own = self.part(places)
            layouts = call.arrangement.layouts
            kernel = compile(own.graph, call.sources, layouts, level, Clock(), Entry.BOUND)
            into: list[Any] = [outs[at] for at in places]
            if self.is_plain:
                prepare = functools.partial(self.prepare, call, level, machine)
                return Bound(self.traced, call, kernel, machine, arguments, into[0], prepare)
            bound.append(BoundKernel(own.traced, call, kernel, machine, arguments, into))
        return BoundResults(self.traced, graph.results, bound, arguments, arrays, out)


def _apart(graph: Graph) -> Graph:
    """Return the graph whose results are tiles where values are joined."""
    if not graph.is_joined:
        return graph
    from cpnum.ir.tiling import tiled  # most functions join nothing

    return tiled(graph)
