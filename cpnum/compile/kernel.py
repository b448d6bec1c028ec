"""The driver: the straight line from a function to machine code, stage by stage.

    function -trace-> Graph -simplify-> Graph -schedule-> Nest
             -select-> Selection -assign-> Assignment -emit-> Code

A graph serves all arguments of one signature, the later stages all arguments of one layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from cpnum.compile.arrange import Layout
from cpnum.compile.assign import Assignment, assign
from cpnum.compile.emit import Code, emit
from cpnum.compile.schedule import Nest, schedule
from cpnum.compile.select import forget as forget_instances
from cpnum.compile.select import select
from cpnum.compile.skeleton import Entry
from cpnum.compile.sources import Sources
from cpnum.compile.verify import verify
from cpnum.errors import OutError
from cpnum.faces import pre
from cpnum.ir.graph import Graph
from cpnum.ir.nodes import Nodes
from cpnum.ir.program import Program
from cpnum.ir.results import Leaf, Output
from cpnum.pack.stencil import Pack, load
from cpnum.tables.dtypes import DType
from cpnum.tables.isa import Isa
from cpnum.tables.ops import CAST


class Clock:
    """Measures stages that follow one another, and adds their times to `seconds`."""

    __slots__ = ("_last", "seconds")

    def __init__(self, seconds: dict[str, float] | None = None) -> None:
        self.seconds = {} if seconds is None else seconds
        self._last = perf_counter()

    def end(self, stage: str, pack: Pack | None = None) -> None:
        """End a stage, and start the next one; reading the `pack` is a stage of its own."""
        now = perf_counter()
        seconds = now - self._last
        self._last = now
        reading = pack.seconds() if pack is not None else 0.0
        if reading:
            self.seconds["pack"] = self.seconds.get("pack", 0.0) + reading
            seconds -= reading
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


class Kernel(NamedTuple):
    """A function compiled for one signature and one layout, with all its stages.

    `seconds` has the time of each stage.
    """

    entry: Entry
    graph: Graph
    loop_nest: Nest
    instances: Assignment
    code: Code
    seconds: dict[str, float]

    @property
    def block_words(self) -> int:
        """The size of the argument block, in words."""
        return -(-self.instances.block_bytes // 8)

    def __str__(self) -> str:
        return "\n\n".join(map(str, (self.graph, self.loop_nest, self.instances)))

    def _repr_html_(self) -> str:
        return pre(str(self))

    def __repr__(self) -> str:
        return f"<kernel {self.graph.name}: {self.loop_nest.isa}, {len(self.code.data)} bytes>"


# A notebook shows so many kernels.
_SHOWN = 8


class Kernels(NamedTuple):
    """The kernels of a call whose outputs have several shapes, or of a program.

    `graph` is that of all of them.
    """

    graph: Graph | Program
    each: tuple[Kernel, ...]

    @property
    def seconds(self) -> dict[str, float]:
        """The time of each stage: the first ones are done once, the others for each kernel."""
        found: dict[str, float] = {}
        for kernel in self.each:
            for stage, seconds in kernel.seconds.items():
                once = stage in ("trace", "simplify")
                found[stage] = seconds if once else found.get(stage, 0.0) + seconds
        return found

    def __str__(self) -> str:
        return "\n\n".join([str(self.graph), *map(str, self.each)])

    def _repr_html_(self) -> str:
        shown = [str(self.graph), *map(str, self.each[:_SHOWN])]
        more = len(self.each) - _SHOWN
        if more > 0:
            shown.append(f"and {more:,} more kernels: print it to see all")
        return pre("\n\n".join(shown))

    def __repr__(self) -> str:
        return f"<{len(self.each)} kernels of {self.graph.name}>"


def cast_to(graph: Graph, dtypes: Sequence[DType | None]) -> Graph:
    """Return the graph with its outputs converted to these dtypes, as ufuncs do for an `out`.

    Raises:  OutError if NumPy's rule "same_kind" forbids that.
    """
    nodes = Nodes(graph.nodes)
    wanted = iter(dtypes)
    leaves: list[Leaf] = []
    for leaf in graph.results.leaves:
        if isinstance(leaf, Output):
            dtype, own = next(wanted), leaf.node.dtype
            if dtype is not None and dtype is not own:
                refuse_cast(own.numpy, dtype.numpy)
                leaf = leaf._replace(node=nodes.apply(CAST, (leaf.node,), dtype))
        leaves.append(leaf)
    results = graph.results._replace(leaves=tuple(leaves))
    return replace(graph, nodes=nodes.reaching(results.nodes), results=results)


def refuse_cast(own: np.dtype[Any], dtype: np.dtype[Any]) -> None:
    """Refuse an `out` whose dtype is of another kind than that of the result."""
    if not np.can_cast(own, dtype, "same_kind"):
        raise OutError(
            "`out` has the wrong dtype",
            seen=f"out of dtype {dtype} for a result of {own}",
            write=f"out=np.empty(..., {own})",
        )


def compile(
    graph: Graph,
    sources: Sources,
    layouts: Sequence[Layout],
    isa: Isa,
    clock: Clock,
    entry: Entry = Entry.CALLED,
) -> Kernel:
    """Return the kernel that computes a graph for one layout on one ISA level."""
    pack = load(isa)
    nest = schedule(graph, sources, layouts, isa)
    clock.end("schedule", pack)
    selection = select(nest, pack, entry)
    clock.end("select", pack)
    instances = assign(selection, pack)
    clock.end("assign", pack)
    code = emit(instances.items, selection.main_loop)
    clock.end("emit")
    verify(graph, selection, instances, code)
    return Kernel(entry, graph, nest, instances, code, clock.seconds)


def forget() -> None:
    """Forget the packs, so that the next kernel is compiled as the first one of a process is."""
    load.cache_clear()
    forget_instances()
