"""The driver: the straight line from a function to machine code, stage by stage.

    function -trace-> Graph -simplify-> Graph -schedule-> LoopNest
             -select-> Selection -assign-> Assignment -emit-> Code

It runs in two strokes: a graph serves all arguments of a signature, the rest all of one layout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from cpnum.compile.assign import Assignment, assign
from cpnum.compile.call import Call
from cpnum.compile.emit import Code, emit
from cpnum.compile.schedule import LoopNest, schedule
from cpnum.compile.select import select
from cpnum.errors import OutError
from cpnum.ir.graph import Apply, Graph
from cpnum.pack.stencil import load
from cpnum.tables.dtypes import DType
from cpnum.tables.isa import Isa
from cpnum.tables.ops import CAST
from cpnum.trace.trace import trace


class Clock:
    """Measures stages that follow one another, and adds them to `seconds`."""

    __slots__ = ("_last", "seconds")

    def __init__(self, seconds: dict[str, float] | None = None) -> None:
        self.seconds = {} if seconds is None else seconds
        self._last = perf_counter()

    def end(self, stage: str) -> None:
        """End a stage."""
        now = perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now


class Kernel(NamedTuple):
    """A function compiled for one signature and one layout, with all its stages.

    `seconds` are the times that the stages took.
    """

    graph: Graph
    loop_nest: LoopNest
    steps: Assignment
    code: Code
    seconds: dict[str, float]

    def __str__(self) -> str:
        return "\n\n".join(map(str, (self.graph, self.loop_nest, self.steps)))

    def __repr__(self) -> str:
        return f"<kernel {self.graph.name}: {self.loop_nest.isa}, {len(self.code.data)} bytes>"


def graphs_of(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    names: tuple[str, ...],
    rewrite: Callable[[Graph], Graph],
    clock: Clock,
) -> tuple[Graph, Graph]:
    """Return the graph of a function for its arguments' signature, as traced and as rewritten.

    The last arguments are those for the parameters in `names`.
    """
    count = len(arguments) - len(names)
    graph = trace(function, arguments[:count], dict(zip(names, arguments[count:], strict=True)))
    clock.end("trace")
    rewritten = rewrite(graph)
    clock.end("simplify")
    return graph, rewritten


def cast_to(graph: Graph, dtype: DType) -> Graph:
    """Return the graph with its result converted to the dtype of an `out`, as ufuncs do.

    Raises:  OutError if NumPy's rule "same_kind" forbids that.
    """
    node = graph.results[0]
    if not np.can_cast(node.dtype.numpy, dtype.numpy, "same_kind"):
        raise OutError(
            "`out` has the wrong dtype",
            seen=f"out of dtype {dtype.numpy} for a result of {node.dtype.numpy}",
            write=f"out=np.empty(..., {node.dtype.numpy})",
        )
    cast = Apply(CAST, (node,), dtype)
    return replace(graph, nodes=(*graph.nodes, cast), results=(cast,))


def compile(graph: Graph, call: Call, isa: Isa, clock: Clock, *, bound: bool = False) -> Kernel:
    """Return the kernel that computes a graph for one layout on one ISA level."""
    assert call.arrangement is not None
    pack = load(isa)
    nest = schedule(graph, isa, call.operands, call.arrangement.layouts)
    clock.end("schedule")
    selection = select(nest, pack, bound=bound)
    clock.end("select")
    steps = assign(selection, pack)
    clock.end("assign")
    code = emit(steps)
    clock.end("emit")
    return Kernel(graph, nest, steps, code, clock.seconds)
