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
from dataclasses import dataclass


from cpnum.ir import Apply, Constant, Graph, Host, Input, Node, operands
from cpnum.isa import Isa
from cpnum.ops import CAST

# The letters of a layout, one an axis, outermost first: does the operand vary along it?  The
# innermost axis also tells how: contiguous or strided.
VARIES, CONTIGUOUS, STRIDED, BROADCAST = "vcsb"


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The axes of one call: extents in elements, strides of each operand in bytes, layouts."""

    extents: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]
    layouts: tuple[str, ...]


def memory_order(shape: Sequence[int], strides: Sequence[Sequence[int]]) -> list[int]:
    """Return the axes from the largest strides to the smallest, as NumPy's K order has them.

    An axis moves inwards past another when the first operand that steps along both steps less
    along it (NumPy, nditer_constr.c, npyiter_find_best_axis_ordering).

    >>> memory_order((2, 3), [(8, 16)])
    [1, 0]
    """
    order: list[int] = []
    for axis in range(len(shape)):
        at = len(order)
        for place in range(len(order) - 1, -1, -1):
            other = order[place]
            verdict = 0
            for each in strides:
                here, there = abs(each[axis]), abs(each[other])
                if here and there and shape[axis] != 1 and shape[other] != 1:
                    verdict = 1 if here > there else -1
                    if verdict < 0:
                        break
            if verdict > 0:
                at = place
            elif verdict < 0:
                break
        order.insert(at, axis)
    return order


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


@dataclass(frozen=True, slots=True, eq=False)
class LoopNest:
    """The loops of a kernel and what is computed in each.

    `arrays` are the inputs that are read through memory, `arguments` the scalars of a call, both in
    the order of the argument block; `layouts` those of the arrays, then of the result.
    `bodies[d]` are the nodes that are computed inside `d` loops; the innermost ones are computed
    for `vectors` vectors of `lanes` lanes at once.
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
            at = self.arrays.index(node)  # type: ignore[arg-type]
            parameter = self.graph.parameters[self.arrays[at].parameter]
            movement = "".join(map(str, self.arrays[at].movement))
            return f"load {parameter}{movement} {self.layouts[at]}"
        if node in self.arguments:
            return f"argument {self.arguments.index(node)}"
        if isinstance(node, Constant):
            return f"constant {node.value}"
        assert isinstance(node, Apply)
        return " ".join([node.op.name, *(names[arg] for arg in node.args)])


def is_argument(node: Node, scalars: frozenset[int]) -> bool:
    """Tell whether a node is one scalar for a whole call, which the host computes.

    `scalars` are the parameters whose argument is a scalar.
    """
    if isinstance(node, Input):
        return node.parameter in scalars
    return isinstance(node, Apply) and node.op is CAST and node.args[0].dtype.weak


def operands_of(graph: Graph, scalars: frozenset[int]) -> tuple[tuple[Input, ...], tuple[Node, ...]]:
    """Return the inputs a kernel reads through memory and the scalars it takes as arguments."""
    read = set(graph.results)
    for node in graph.nodes:
        if isinstance(node, Apply) and not is_argument(node, scalars):
            read.update(node.args)
    arrays = [node for node in graph.inputs if node in read and not is_argument(node, scalars)]
    return tuple(arrays), tuple(node for node in graph.nodes if node in read and is_argument(node, scalars))


def lane_bytes_of(nodes: Sequence[Node]) -> int:
    """Return the size of the widest element: every value then fits one register.

    >>> from cpnum.dtypes import F32
    >>> lane_bytes_of([Constant(np.float32(1), F32)])
    4
    """
    sizes = {node.dtype.itemsize for node in nodes if not node.dtype.weak}
    return max(sizes)


def schedule(
    graph: Graph, isa: Isa, layouts: tuple[str, ...], scalars: frozenset[int] = frozenset()
) -> LoopNest:
    """Arrange what `graph` computes into loops, for operands of these layouts."""
    arrays, arguments = operands_of(graph, scalars)
    axes = len(layouts[-1])
    depths: dict[Node, int] = dict.fromkeys(arguments, 0)
    for array, layout in zip(arrays, layouts, strict=False):
        depths[array] = len(layout.rstrip(BROADCAST))
    bodies: list[list[Node]] = [[] for _ in range(axes + 1)]
    computed = _computed(graph, depths)
    placed: set[Node] = set()
    for node in computed:
        # A load stands right before its first use, so that it holds a register no longer.
        for each in (*operands(node), node) if isinstance(node, Apply) and node not in depths else (node,):
            if each in placed:
                continue
            placed.add(each)
            if each not in depths:
                args = each.args if isinstance(each, Apply) else ()
                depths[each] = max((depths[arg] for arg in args), default=0)
            bodies[depths[each]].append(each)
    lane_bytes = lane_bytes_of([node for body in bodies for node in body])
    return LoopNest(
        graph, isa, lane_bytes, _vectors(bodies[axes], isa), axes, arrays, arguments, layouts,
        tuple(map(tuple, bodies)),
    )  # fmt: skip


def _computed(graph: Graph, given: dict[Node, int]) -> list[Node]:
    """Return the nodes that the kernel computes or is given, in order, dead ones left out."""
    needed = set(graph.results)
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if node in needed:
            kept.append(node)
            if node not in given:
                needed.update(operands(node) if isinstance(node, Apply) else ())
    return [node for node in reversed(kept) if not isinstance(node, Host)]


# Two pipes with a latency of 4 cycles are kept busy by 8 independent operations; a body whose chain
# leaves fewer is computed for several vectors at once.  Bodies shorter than this many operations
# overlap in the processor's own window.  Measured on Zen 4 and Zen 5 with Horner's rule.
_PARALLEL, _SHORT, _ELEMENTARY = 8, 12, 40


def _vectors(body: Sequence[Node], isa: Isa) -> int:
    """Choose how many vectors are computed at once: 1, 2 or 4."""
    finish: dict[Node, int] = {}
    total = 0
    live = most_live = 0
    last_use = {arg: node for node in body for arg in operands(node)}
    for node in body:
        latency = node.op.latency if isinstance(node, Apply) else 5
        if latency >= _ELEMENTARY:
            return 1  # its chain is inside one stencil, which cannot be interleaved
        total += latency
        finish[node] = latency + max((finish.get(arg, 0) for arg in operands(node)), default=0)
        live += 1 - sum(last_use[arg] is node for arg in set(operands(node)) if arg in finish)
        most_live = max(most_live, live)
    if len(body) < _SHORT:
        return 1
    chains = total / max(finish.values())
    for vectors in (4, 2):
        # Half the registers are left to constants and temporaries.
        if chains * vectors <= _PARALLEL * 1.5 and most_live * vectors <= len(isa.registers) // 2:
            return vectors
    return 1


