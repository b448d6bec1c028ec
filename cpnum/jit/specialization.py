"""A function that was traced for one signature, and the kernels that serve its layouts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cpnum.compile.arrange import Layout
from cpnum.compile.call import Array, Call
from cpnum.compile.kernel import Clock, Kernel, cast_to, compile
from cpnum.compile.skeleton import Entry
from cpnum.ir.graph import Graph
from cpnum.run.machine import Machine, Placement
from cpnum.tables.dtypes import DType, from_numpy
from cpnum.tables.isa import Isa

Rewrite = Callable[[Graph], Graph]


class Specialization:
    """A function traced for one signature, and its kernels by layout.

    Reports of floating-point errors come from the graph as `traced`: it has the user's operations.
    `graph` is the one that is compiled.
    """

    def __init__(self, traced: Graph, rewrite: Rewrite, clock: Clock) -> None:
        self.traced = traced
        self.graph = rewrite(traced)
        clock.end("simplify")
        self.seconds: Mapping[str, float] = clock.seconds
        self.kernels: dict[tuple[Layout, ...], Kernel] = {}
        self._rewrite = rewrite
        self._placements: dict[tuple[Layout, ...], Placement] = {}
        self._casts: dict[DType, Specialization] = {}

    def into(self, out: Array | None) -> Specialization:
        """Return the specialization that writes to an array of the dtype of `out`."""
        own = self.graph.output.node.dtype
        dtype = own if out is None else from_numpy(out.dtype)
        if dtype is own:
            return self
        found = self._casts.get(dtype)
        if found is None:
            traced = cast_to(self.traced, dtype)
            found = Specialization(traced, self._rewrite, Clock(dict(self.seconds)))
            found = self._casts.setdefault(dtype, found)
        return found

    def compiled(self, call: Call, level: Isa, entry: Entry) -> Kernel:
        """Return a new kernel for the layouts of a call."""
        assert call.arrangement is not None
        # A bound kernel is compiled of a graph that is there.
        seconds = dict(self.seconds) if entry is Entry.CALLED else {}
        layouts = call.arrangement.layouts
        return compile(self.graph, call.sources, layouts, level, Clock(seconds), entry)

    def kernel(self, call: Call, level: Isa) -> Kernel:
        """Return the called kernel for the layouts of a call, compiled now if it is the first."""
        assert call.arrangement is not None
        layouts = call.arrangement.layouts
        kernel = self.kernels.get(layouts)
        if kernel is None:
            kernel = self.compiled(call, level, Entry.CALLED)
            kernel = self.kernels.setdefault(layouts, kernel)
        return kernel

    def placement(self, call: Call, kernel: Kernel, machine: Machine) -> Placement:
        """Return the code of a kernel in memory, placed now if it is the first call."""
        assert call.arrangement is not None
        layouts = call.arrangement.layouts
        placement = self._placements.get(layouts)
        if placement is None:
            placement = self._placements.setdefault(layouts, machine.place(kernel))
        return placement
