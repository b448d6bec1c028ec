"""Specializations: the graphs and kernels of a function for one signature."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from cpnum.compile.arrange import Layout
from cpnum.compile.call import Array, Call, new_result
from cpnum.compile.kernel import Clock, Kernel, cast_to, compile
from cpnum.compile.skeleton import Entry
from cpnum.errors import ShapeError
from cpnum.ir.graph import Graph
from cpnum.remembered import Remembered
from cpnum.run.alias import read_only
from cpnum.run.bound import Bound
from cpnum.run.machine import Machine, Placement
from cpnum.run.prepared import KernelCall
from cpnum.run.recipe import recipe_of
from cpnum.tables.dtypes import DType, from_numpy
from cpnum.tables.isa import Isa

Rewrite = Callable[[Graph], Graph]


class Specialization:
    """The graphs of a function for one signature, and its kernels by layout.

    `graph` is the one that is compiled.  Reports of floating-point errors need the one that was
    `traced`, which has the user's operators.
    """

    def __init__(self, traced: Graph, rewrite: Rewrite, clock: Clock) -> None:
        self.traced = traced
        self.graph = rewrite(traced)
        # Whether a call found it since it was made.
        self.again = False
        clock.end("simplify")
        self.seconds: Mapping[str, float] = clock.seconds
        self.kernels: Remembered[tuple[Layout, ...], Kernel] = Remembered()
        self._rewrite = rewrite
        self._placements: Remembered[tuple[Layout, ...], Placement] = Remembered()
        self._casts: dict[DType, Specialization] = {}

    def into(self, out: Array | None) -> Specialization:
        """Return the specialization whose result has the dtype of `out`."""
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

    def bind(
        self, call: Call, level: Isa, machine: Machine, arguments: tuple[Any, ...], out: Any
    ) -> Bound:
        """Return a bound call, its result in `out` or in a new array."""
        assert call.arrangement is not None
        if out is None:
            out = new_result(call, self.graph.output.node.dtype.numpy)
        if not out.flags.writeable:
            raise read_only(out)
        layouts = call.arrangement.layouts
        kernel = compile(self.graph, call.sources, layouts, level, Clock(), Entry.BOUND)
        prepare = functools.partial(self.prepare, call, level, machine)
        return Bound(self.traced, call, kernel, machine, arguments, out, prepare)
