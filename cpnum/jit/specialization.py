"""What is made of a function: for one signature, its kernels; for one call, code with its words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cpnum.compile.arrange import Layout
from cpnum.compile.call import Array, Call
from cpnum.compile.kernel import Clock, Kernel, cast_to, compile
from cpnum.errors import OutError, UnsupportedError
from cpnum.ir.graph import Graph
from cpnum.run import memory
from cpnum.run import plan as run
from cpnum.run.memory import Region
from cpnum.run.plan import Plan
from cpnum.tables.dtypes import DType, from_numpy
from cpnum.tables.isa import Isa


class Specialization:
    """A function traced for one signature, and its kernels by layout.

    Reports of floating-point errors come from the graph as traced: it has the user's operations.
    """

    def __init__(self, traced: Graph, graph: Graph, seconds: dict[str, float]) -> None:
        self.traced = traced
        self.graph = graph
        self.seconds = seconds
        self.kernels: dict[tuple[Layout, ...], Kernel] = {}
        self._regions: dict[tuple[Layout, ...], Region] = {}
        self._casts: dict[DType, Specialization] = {}

    def into(self, out: Array | None, rewrite: Callable[[Graph], Graph]) -> Specialization:
        """Return the specialization that writes to an array of the dtype of `out`."""
        dtype = self.graph.output.node.dtype if out is None else from_numpy(out.dtype)
        if dtype is self.graph.output.node.dtype:
            return self
        found = self._casts.get(dtype)
        if found is None:
            traced = cast_to(self.traced, dtype)
            found = Specialization(traced, rewrite(traced), self.seconds)
            found = self._casts.setdefault(dtype, found)
        return found

    def kernel(self, call: Call, level: Isa) -> Kernel:
        """Return the kernel for the layouts of a call, compiled now if it is the first."""
        assert call.arrangement is not None
        layouts = call.arrangement.layouts
        kernel = self.kernels.get(layouts)
        if kernel is None:
            kernel = compile(self.graph, call.sources, layouts, level, Clock(dict(self.seconds)))
            kernel = self.kernels.setdefault(layouts, kernel)
        return kernel

    def region(self, call: Call, kernel: Kernel) -> Region:
        """Return the executable memory that holds a kernel."""
        assert call.arrangement is not None
        layouts = call.arrangement.layouts
        region = self._regions.get(layouts)
        if region is None:
            clock = Clock(kernel.seconds)
            region = memory.place(kernel.code.data, kernel.code.head)
            clock.end("place")
            region = self._regions.setdefault(layouts, region)
        return region


class Bound:
    """A call without arguments: pointers, strides, extents and scalars are in its code.

    It holds the arrays, and reads what is in them when it is called; a number, and an array without
    axes, is what it was when it was bound.

    >>> import numpy as np
    >>> from cpnum import cpjit
    >>> x, z = np.ones(3), np.empty(3)
    >>> doubled = cpjit(lambda x: x * 2).bind(x, out=z)
    >>> x[:] = 5.0
    >>> doubled()
    array([10., 10., 10.])
    """

    def __init__(self, plan: Plan, kernel: Kernel, arguments: tuple[Any, ...], out: Array) -> None:
        _refuse(plan, arguments, out)
        self.kernel = kernel
        # What the code has, whatever becomes of the user's arrays: for reports.
        self.arguments = tuple(map(_as_bound, arguments))
        self.out = out
        words, self._suspected = plan.words(arguments, out)
        self._checked = plan.raised_by_integers if plan.graph.checked else None
        self.code = kernel.code.bind(words)
        self.region = memory.place(self.code, kernel.code.head)
        self._graph = plan.graph
        # A kernel that counts, steps or spills nowhere but in registers needs no block.
        self._words = kernel.block_words if kernel.instances.uses_block else 0
        self._blocks: list[Any] = []
        self._function = run.bound_function(self.region, self._words)
        self._in_place = any(run.overlap(out, view) for view in plan.views(arguments))

    def __call__(self) -> Array:
        """Run the code; return the array that it writes."""
        arguments = self.arguments
        if self._in_place and run.watched():
            arguments = run.copied(arguments, self.out)
        if self._words:
            try:
                block = self._blocks.pop()
            except IndexError:
                block = run.new_block(self._words)
            flags = self._function(block)
            self._blocks.append(block)
        else:
            flags = self._function()
        flags |= self._suspected
        if self._checked is not None:
            flags |= self._checked(arguments)
        if flags:
            run.report(self._graph, arguments, flags)
        return self.out

    def __repr__(self) -> str:
        return f"<bound {self._graph.name}: {len(self.code)} bytes>"


def _as_bound(argument: Any) -> Any:
    if not isinstance(argument, np.ndarray):
        return argument
    return argument.view() if argument.ndim else argument.copy()


def _refuse(plan: Plan, arguments: tuple[Any, ...], out: Array) -> None:
    """Refuse what a call that has its addresses in its code cannot do."""
    for array, view in zip(plan.call.sources.arrays, plan.views(arguments), strict=True):
        if not np.may_share_memory(view, arguments[array.parameter]):
            raise UnsupportedError(
                "NumPy copies an argument to reshape it; a bound call would not see it change",
                seen=plan.graph.name_of(array),
                write="a call without bind, or the reshaped array as argument",
            )
        if run.overlap(out, view) and not run.in_place(out, view):
            raise OutError(
                "`out` overlaps an argument",
                seen=f"out of shape {out.shape} and a view of shape {view.shape}",
                write="an out of its own, or the argument itself",
            )
