"""Graph to LoopNest: which loops, in which order, over which lanes; what is computed where.

The strides of a call are arranged into axes: axes of extent 1 go, axes are ordered as they lie in
memory, and adjacent axes that all operands step through alike become one.  What is left of strides
is a *layout* for each operand, and all calls with the same layouts share one kernel.

>>> made = arrange((3, 4), [(32, 8), (8, 0), (32, 8)], [8, 8, 8])
>>> made.extents, made.layouts
((3, 4), ('vc', 'vb', 'vc'))
>>> arrange((3, 4), [(32, 8), (32, 8)], [8, 8]).extents
(12,)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cpnum.ir.graph import Apply, Constant, Graph, Input, Node
from cpnum.tables.isa import Isa
from cpnum.tables.ops import CAST, Op

# The letters of a layout, one an axis, outermost first: does the operand vary along it?  The
# innermost axis also tells how: contiguous or strided.
VARIES, CONTIGUOUS, STRIDED, BROADCAST = "vcsb"


class Arrangement(NamedTuple):
    """The axes of one call: extents in elements, strides of each operand in bytes, layouts."""

    extents: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]
    layouts: tuple[str, ...]


def memory_order(shape: Sequence[int], strides: Sequence[Sequence[int]]) -> list[int]:
    """Return the axes from the largest strides to the smallest, as NumPy's K order has them.

    An axis moves inwards past another when all operands that step along both step less along it.
    Where operands are broadcast, this is no ordering: what comes of it depends on the axes being
    inserted from the last to the first (NumPy, nditer_constr.c, npyiter_find_best_axis_ordering).

    >>> memory_order((2, 3), [(8, 16)])
    [1, 0]
    """
    order: list[int] = []  # from the innermost axis on
    for axis in range(len(shape) - 1, -1, -1):
        at = len(order)
        for place in range(len(order) - 1, -1, -1):
            other = order[place]
            inwards = None
            for each in strides:
                here, there = abs(each[axis]), abs(each[other])
                if here and there and shape[axis] != 1 and shape[other] != 1:
                    inwards = here < there
                    if not inwards:
                        break
            if inwards:
                at = place
            elif inwards is False:
                break
        order.insert(at, axis)
    return order[::-1]


def arrange(
    shape: Sequence[int], strides: Sequence[Sequence[int]], itemsizes: Sequence[int]
) -> Arrangement:
    """Arrange the axes of a call; no extent of `shape` may be 0.

    Units:  strides and itemsizes in bytes; an operand that is broadcast along an axis has stride 0.
    """
    order = [axis for axis in memory_order(shape, strides) if shape[axis] != 1]
    extents: list[int] = []
    merged: list[list[int]] = [[] for _ in strides]
    for axis in order:
        extent = shape[axis]
        steps = [each[axis] for each in strides]
        if extents and all(
            outer[-1] == step * extent for outer, step in zip(merged, steps, strict=True)
        ):
            extents[-1] *= extent
            for outer, step in zip(merged, steps, strict=True):
                outer[-1] = step
        else:
            extents.append(extent)
            for outer, step in zip(merged, steps, strict=True):
                outer.append(step)
    if not extents:
        extents = [1]
        for outer, itemsize in zip(merged, itemsizes, strict=True):
            outer.append(itemsize)
    return Arrangement(
        tuple(extents),
        tuple(map(tuple, merged)),
        tuple(map(_layout, merged, itemsizes)),
    )


def _layout(strides: Sequence[int], itemsize: int) -> str:
    *outer, inner = strides
    letters = [BROADCAST if stride == 0 else VARIES for stride in outer]
    if inner == itemsize:
        return "".join([*letters, CONTIGUOUS])
    return "".join([*letters, BROADCAST if inner == 0 else STRIDED])


class LoopNest(NamedTuple):
    """The loops of a kernel and what is computed in each.

    `arrays` are the inputs that are read through memory, `arguments` the scalars of a call, both in
    the order of the argument block; `layouts` those of the arrays, then of the result.
    `bodies[d]` are the nodes that are computed inside `d` loops; the innermost ones are computed
    for `vectors` vectors of `lanes` lanes at once.  `ops` are the operators of all bodies.
    """

    graph: Graph
    isa: Isa
    lane_bytes: int
    vectors: int
    axes: int
    arrays: tuple[Input, ...]
    arguments: tuple[Node, ...]
    layouts: tuple[str, ...]
    bodies: tuple[tuple[Node, ...], ...]
    ops: frozenset[Op]

    @property
    def lanes(self) -> int:
        """The number of elements in a vector."""
        return self.isa.lanes(self.lane_bytes)

    @property
    def result(self) -> Node:
        """The node whose value is stored."""
        return self.graph.results[0]

    def __str__(self) -> str:
        names: dict[Node, str] = {}
        lines = [
            f"{self.graph.name}: {self.isa}, {self.lanes} lanes of {self.lane_bytes} bytes, "
            f"{self.vectors} at once"
        ]
        for depth, body in enumerate(self.bodies):
            indent = "  " * depth
            if depth == self.axes:
                step = f"{self.vectors} x {self.lanes}" if self.vectors > 1 else f"{self.lanes}"
                lines.append(f"{indent}for i{depth - 1} by {step}, then the tail:")
            elif depth:
                lines.append(f"{indent}for i{depth - 1}:")
            for node in body:
                names[node] = f"%{len(names)}"
                lines.append(f"{indent}  {names[node]} = {self._text(node, names)}  {node.dtype}")
        lines.append(f"{'  ' * self.axes}  store {names[self.result]} {self.layouts[-1]}")
        return "\n".join(lines)

    def _text(self, node: Node, names: dict[Node, str]) -> str:
        if node in self.arrays:
            at = self.arrays.index(node)
            parameter = self.graph.parameters[self.arrays[at].parameter]
            movement = "".join(map(str, self.arrays[at].movement))
            return f"load {parameter}{movement} {self.layouts[at]}"
        if node in self.arguments:
            return f"argument {self.arguments.index(node)}"
        if isinstance(node, Constant):
            return f"constant {node.value}"
        assert isinstance(node, Apply)
        return " ".join([node.op.name, *(names[arg] for arg in node.args)])


class Operands(NamedTuple):
    """What a kernel reads: arrays through memory, and one scalar a call for each argument.

    `host` are all scalars that the host computes, the steps on the way to an argument included.
    """

    arrays: tuple[Input, ...]
    arguments: tuple[Node, ...]
    host: frozenset[Node]


def operands_of(graph: Graph, scalars: frozenset[int] = frozenset()) -> Operands:
    """Return what the kernel of a graph reads; `scalars` are the parameters without axes."""
    read = {graph.results[0]}
    given: set[Node] = set()
    for node in graph.nodes:
        if type(node) is Apply:
            arg = node.args[0]
            if node.op is CAST and (arg.dtype.weak or arg in given):
                given.add(node)
            else:
                read.update(node.args)
        elif type(node) is Input and node.parameter in scalars:
            given.add(node)
    arrays = [node for node in graph.inputs if node in read and node not in given]
    arguments = [node for node in graph.nodes if node in read and node in given]
    return Operands(tuple(arrays), tuple(arguments), frozenset(given))


def schedule(graph: Graph, isa: Isa, operands: Operands, layouts: tuple[str, ...]) -> LoopNest:
    """Arrange what `graph` computes into loops, for operands and a result of these layouts."""
    arrays, arguments, host = operands
    axes = len(layouts[-1])
    depths: dict[Node, int] = dict.fromkeys(arguments, 0)
    for array, layout in zip(arrays, layouts, strict=False):
        depths[array] = len(layout.rstrip(BROADCAST))
    bodies: list[list[Node]] = [[] for _ in range(axes + 1)]
    # A load stands right before its first use, so that it holds a register no longer than needed.
    waiting = set(depths)
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
    if graph.results[0] in waiting:
        bodies[depths[graph.results[0]]].append(graph.results[0])
    lane_bytes = max([node.dtype.itemsize for body in bodies for node in body])
    vectors = _vectors(bodies[axes], len(isa.registers))
    made = tuple(map(tuple, bodies))
    return LoopNest(
        graph, isa, lane_bytes, vectors, axes, arrays, arguments, layouts, made, frozenset(ops)
    )


# Two pipes with a latency of 4 cycles are kept busy by 8 independent operations.  A body whose
# chains leave fewer is computed for several vectors at once, unless it is so short that the
# processor's window holds several of its iterations anyway, or so long that the code would no
# longer fit the caches of instructions.
_PARALLEL, _SHORT, _LONG = 8, 16, 1700
WIDTHS = (8, 4, 2)
# From this latency on, the chain is inside of one stencil, and there is nothing to interleave.
_ELEMENTARY = 40
_LOAD_LATENCY = 5


def _vectors(body: Sequence[Node], registers: int) -> int:
    """Choose how many vectors are computed at once: 1, or one of WIDTHS."""
    if not _SHORT <= len(body) <= _LONG:
        return 1
    last_use: dict[Node, Node] = {}
    for node in body:
        if type(node) is Apply:
            for arg in node.args:
                last_use[arg] = node
    finish: dict[Node, int] = {}
    total = live = most_live = 0
    for node in body:
        latency, start = _LOAD_LATENCY, 0
        if type(node) is Apply:
            latency = node.op.latency
            if latency >= _ELEMENTARY:
                return 1
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
        # Constants need no register of their own: they are loaded again, which other pipes do.
        # Horner's rule of 30 terms with 16 registers: 2.4 ns an element for 4 vectors, 1.6 for 8.
        fits = most_live * vectors <= registers and len(body) * vectors <= _LONG
        if chains * vectors <= _PARALLEL * 1.5 and fits:
            return vectors
    return 1
