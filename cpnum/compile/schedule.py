"""Graph to Nest: arranges nodes into loops, and chooses lanes and vectors."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

from cpnum.compile.arrange import Access, Layout, depth_of, letters
from cpnum.compile.sources import Sources
from cpnum.compile.tree import BLOCK
from cpnum.faces import pre
from cpnum.ir.graph import Graph
from cpnum.ir.nodes import Apply, Constant, Node, Project
from cpnum.ir.walk import last_uses
from cpnum.tables.block import ArgumentBlock
from cpnum.tables.dtypes import DType
from cpnum.tables.isa import Isa
from cpnum.tables.ops import Op
from cpnum.tables.reductions import Folded, Order


class Buffer(NamedTuple):
    """Memory that a kernel reads or writes, by the user's name for it: `x[1:]`, `out`."""

    name: str
    dtype: DType


# Kernels have the same few buffers, and to look one up takes a third of the time of making it.
_buffer = functools.lru_cache(maxsize=1024)(Buffer)


class Operand(NamedTuple):
    """A buffer, its layout, and the node whose value its elements have.

    If there is a `fold`, the values are folded into its elements: one that the layout repeats takes
    all values along that axis.  One that `scans` keeps the result for each of them.
    """

    buffer: Buffer
    layout: Layout
    node: Node
    fold: Folded | None = None
    scans: bool = False

    @property
    def inner(self) -> Access:
        """The access along the innermost axis."""
        return self.layout[-1]

    @property
    def is_accumulated(self) -> bool:
        """Whether values are folded along the innermost axis, in registers."""
        return self.fold is not None and (self.scans or self.layout[-1] is Access.BROADCAST)

    @property
    def is_ordered(self) -> bool:
        """Whether values are folded along the innermost axis one after the other."""
        is_in_order = self.fold is not None and (self.scans or self.fold.order is Order.GIVEN)
        return is_in_order and self.is_accumulated

    @property
    def is_paired(self) -> bool:
        """Whether the values of two vectors are folded at once along the innermost axis."""
        is_paired = self.fold is not None and self.fold.pairs(self.node.dtype)
        return is_paired and self.is_accumulated and not self.is_ordered

    @property
    def is_tree(self) -> bool:
        """Whether values are summed along the innermost axis."""
        is_tree = self.fold is not None and self.fold.is_tree
        return is_tree and self.is_accumulated and not self.scans


class Nest(NamedTuple):
    """The loops of a kernel, and the nodes computed in each.

    `reads`, `stores` and `scalars` are in the order of the argument block.  `bodies[d]` are the
    nodes that are computed inside `d` loops; the innermost ones are computed for `vectors` vectors
    of `lanes` lanes at once.  `ops` are the operators of all bodies.  `block` is the argument block
    of the kernel.
    """

    graph: Graph
    isa: Isa
    lane_bytes: int
    vectors: int
    reads: tuple[Operand, ...]
    stores: tuple[Operand, ...]
    scalars: tuple[Node, ...]
    bodies: tuple[tuple[Node, ...], ...]
    ops: frozenset[Op]
    block: ArgumentBlock

    @property
    def lanes(self) -> int:
        """The number of elements in a vector."""
        return self.isa.lanes(self.lane_bytes)

    @property
    def axes(self) -> int:
        """The number of loops."""
        return len(self.bodies) - 1

    @property
    def is_tree(self) -> bool:
        """Whether the nest sums along its innermost axis."""
        return any(store.is_tree for store in self.stores)

    @property
    def widths(self) -> tuple[int, ...]:
        """The numbers of vectors that its vector loops compute at once.

        The leaves of a tree have no vector left.
        """
        return (self.vectors, 1) if self.vectors > 1 and not self.is_tree else (self.vectors,)

    @property
    def operands(self) -> tuple[Operand, ...]:
        """Reads and stores, in the order of the argument block."""
        return (*self.reads, *self.stores)

    @property
    def element_bytes(self) -> int:
        """The bytes that are loaded and stored for each element of the innermost loop."""
        return sum(
            operand.buffer.dtype.itemsize
            for operand in self.operands
            if operand.inner is not Access.BROADCAST
        )

    @property
    def element_ops(self) -> int:
        """The operations for each element of the innermost loop; an elementary function is one."""
        return sum(type(node) is Apply for node in self.bodies[-1])

    def __repr__(self) -> str:
        return f"<nest {self.graph.name}: {self.isa}, {self.axes} axes, {self.lanes} lanes>"

    def _repr_html_(self) -> str:
        return pre(str(self))

    def __str__(self) -> str:
        names = self.graph.names
        lines = [
            f"{self.graph.name}: {self.isa}, {self.lanes} lanes of {self.lane_bytes} bytes, "
            f"{self.vectors} at once"
        ]
        for depth, body in enumerate(self.bodies):
            indent = "  " * depth
            if depth == self.axes:
                width = f"{self.vectors} x {self.lanes}" if self.vectors > 1 else f"{self.lanes}"
                lines.append(f"{indent}for i{depth - 1} by {width}, then the tail:")
            elif depth:
                lines.append(f"{indent}for i{depth - 1}:")
            for node in body:
                lines.append(f"{indent}  {names[node]} = {self._text(node, names)}  {node.dtype}")
        for store in self.stores:
            indent = "  " * self.axes
            to = f" to {store.buffer.name}" if len(self.stores) > 1 else ""
            done = "store" if store.fold is None else f"fold {store.fold}"
            done = f"scan {store.fold}" if store.scans else done
            lines.append(f"{indent}  {done} {names[store.node]}{to} {letters(store.layout)}")
        return "\n".join(lines)

    def _text(self, node: Node, names: dict[Node, str]) -> str:
        for read in self.reads:
            if read.node is node:
                return f"load {read.buffer.name} {letters(read.layout)}"
        if node in self.scalars:
            return f"argument {self.scalars.index(node)}"
        match node:
            case Constant():
                return "constant"
            case Project(of, index):
                return f"project {names[of]} {index}"
            case Apply(op, args):
                return " ".join([op.name, *(names[arg] for arg in args)])
        raise TypeError(f"{node!r} has no place in a loop")


def schedule(graph: Graph, sources: Sources, layouts: Sequence[Layout], isa: Isa) -> Nest:
    """Return the nest of a graph, for reads and results of these layouts."""
    outputs = graph.outputs
    reads, stores = layouts[: len(sources.arrays)], layouts[len(sources.arrays) :]
    axes = len(layouts[0])
    depths: dict[Node, int] = dict.fromkeys(sources.scalars, 0)
    for array, layout in zip(sources.arrays, reads, strict=True):
        depths[array] = depth_of(layout)
    bodies: list[list[Node]] = [[] for _ in range(axes + 1)]
    # A load stands right before its first use, so that it does not hold a register for longer.
    waiting = set(depths)
    host = sources.host
    ops: set[Op] = set()
    for node in graph.nodes:
        if type(node) is Apply and node not in host:
            depth = 0
            for arg in node.args:
                level = depths[arg]
                if arg in waiting:
                    waiting.discard(arg)
                    bodies[level].append(arg)
                if level > depth:
                    depth = level
            depths[node] = depth
            bodies[depth].append(node)
            ops.add(node.op)
        elif type(node) is Constant and not node.dtype.weak:
            depths[node] = 0
            waiting.add(node)
        elif type(node) is Project:
            depths[node] = depths[node.node]
            bodies[depths[node]].append(node)
    for output in outputs:
        if output.node in waiting:
            waiting.discard(output.node)
            bodies[depths[output.node]].append(output.node)
    names = ["out"] if len(outputs) == 1 else [f"out{at}" for at in range(len(outputs))]
    lane_bytes = max([node.dtype.itemsize for body in bodies for node in body])
    vectors = vectors_of(bodies[axes], len(isa.registers))[0]
    stored = tuple(
        [
            Operand(
                _buffer(name, output.node.dtype),
                layout,
                output.node,
                None if output.fold is None else output.fold.row,
                output.fold is not None and output.fold.scans,
            )
            for name, output, layout in zip(names, outputs, stores, strict=True)
        ]
    )
    trees = sum([each.is_tree for each in stored])
    if trees:
        lane_bytes = _SUMMED_BYTES
        vectors = BLOCK // isa.lanes(lane_bytes)
    elif len(bodies[axes]) <= _FEW and any(
        each.is_accumulated and not each.is_ordered for each in stored
    ):
        vectors = max(vectors, _ACCUMULATORS)
    return Nest(
        graph,
        isa,
        lane_bytes,
        vectors,
        tuple(
            [
                Operand(_buffer(graph.name_of(node), node.dtype), layout, node)
                for node, layout in zip(sources.arrays, reads, strict=True)
            ]
        ),
        stored,
        sources.scalars,
        tuple(map(tuple, bodies)),
        frozenset(ops),
        ArgumentBlock(len(reads) + len(stores), axes, len(sources.scalars), trees),
    )


# The eight accumulators of a sum have lanes of so many bytes, whatever is summed.
_SUMMED_BYTES = 8
# So many accumulators of a body of few values do not wait for one another.
_ACCUMULATORS, _FEW = 4, 6


# Two pipes with a latency of 4 cycles are kept busy by 8 independent operations.  A body that has
# fewer is computed for several vectors at once, unless it is short (the processor's window holds
# several iterations anyway) or long (the code would not fit the caches of instructions).
_PARALLEL, _SHORT, _LONG = 8, 16, 1700
WIDTHS = (8, 4, 2)
# From this latency on, one stencil is a chain of its own, and interleaving does not help.
_ELEMENTARY = 40
_LOAD_LATENCY = 5


def vectors_of(body: Sequence[Node], registers: int) -> tuple[int, str]:
    """Choose how many vectors are computed at once, 1 or one of WIDTHS; say why."""
    if len(body) < _SHORT:
        return 1, "the processor overlaps several rounds of so short a body"
    if len(body) > _LONG:
        return 1, "the code of more would not fit the cache of instructions"
    last_use = last_uses(body)
    finish: dict[Node, int] = {}
    total = live = most_live = 0
    for node in body:
        latency, start = _LOAD_LATENCY, 0
        if type(node) is Project:
            continue  # its node is elementary
        if type(node) is Apply:
            latency = node.op.latency
            if latency >= _ELEMENTARY:
                return 1, f"{node.op} alone keeps the processor busy"
            for arg in set(node.args):
                if arg in finish:
                    start = max(start, finish[arg])
                    live -= last_use[arg] is node
        total += latency
        finish[node] = start + latency
        live += 1
        most_live = max(most_live, live)
    chains = total / max(finish.values())
    for vectors in WIDTHS:
        # Constants are not counted: they are loaded again, which other pipes do.
        # Horner's rule of 30 terms with 16 registers: 2.4 ns an element for 4 vectors, 1.6 for 8.
        fits = most_live * vectors <= registers and len(body) * vectors <= _LONG
        if chains * vectors <= _PARALLEL * 1.5 and fits:
            return vectors, "too few operations of one vector do not wait for another one"
    if chains * min(WIDTHS) > _PARALLEL * 1.5:
        return 1, "enough of its operations do not wait for another one"
    return 1, "more would need more registers than there are"
