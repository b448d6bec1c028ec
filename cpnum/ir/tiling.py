"""Tiles: a result with joined values is computed tile by tile, and no tile has a join.

`concatenate([a, b]) + c` becomes `a + c[:n]` and `b + c[n:]`, which are stored end to end.  A stack
chooses between its values; it becomes the values, each of them stored where it belongs.

>>> from cpnum.trace.trace import trace
>>> graph = trace(lambda x: np.append(x * 2, 5.0) + 1, (np.ones(3),))
>>> print(graph)
<lambda>(x: f64[3])
  %0 = multiply x 2.0        f64
  %1 = {bool[1] of 0x00}     b
  %2 = 5.0 like %1           f64
  %3 = {bool[4] of 0x00}     b
  %4 = join 0 %0 %2 like %3  f64
  %5 = add %4 1.0            f64
  return %5
>>> print(tiled(graph))
<lambda>(x: f64[3])
  %0 = multiply x 2.0     f64
  %1 = {bool[1] of 0x00}  b
  %2 = 5.0 like %1        f64
  %3 = add %0 1.0         f64
  %4 = add %2 1.0         f64
  return tiles(%3 at [0:3], %4 at [3:4])
"""

from __future__ import annotations

import itertools
from typing import Any, cast

import numpy as np

from cpnum.ir.extents import Extent, Symbol, in_signature, moved, of_argument
from cpnum.ir.graph import Graph
from cpnum.ir.joins import slice_of
from cpnum.ir.movement import BroadcastTo, Held, Index, Movement, Reshape, joined
from cpnum.ir.nodes import (
    MADE,
    Apply,
    Broadcast,
    Constant,
    Host,
    Input,
    Join,
    Node,
    Nodes,
    Project,
    operands,
)
from cpnum.ir.results import (
    MOST_TILES,
    Container,
    Joined,
    Leaf,
    Output,
    Region,
    Results,
    Tree,
    View,
)
from cpnum.ir.signature import ArrayOf
from cpnum.ir.sites import Site
from cpnum.tables.ops import OPS

Extents = tuple[Extent, ...]

# For each axis, the places between two tiles.
Cuts = tuple[frozenset[int], ...]

_WHERE = OPS["where"]


def tiled(graph: Graph) -> Graph:
    """Return the graph whose outputs are tiles, without joins; the same object if it has none.

    A stack is cut, too, between its values: each of them would be computed for all.
    """
    for cuts_stacks in (True, False):
        tiling = _Tiling(graph, cuts_stacks)
        if all(len(tiling.regions(output.node)) <= MOST_TILES for output in graph.outputs):
            try:
                return tiling.run()
            except _Unknown:
                continue  # no join is cut along an axis of which the signature says too little
    return graph


def tiles(graph: Graph, node: Node) -> list[Region]:
    """Return the regions that the tiles of a value have because of joins."""
    return _Tiling(graph, cuts_stacks=False).regions(node)


class _Unknown(Exception):  # noqa: N818 (it leaves this module never)
    """The signature does not say whether an operand is repeated along an axis that is cut."""


class _Tiling:
    """Writes down the nodes of all tiles."""

    def __init__(self, graph: Graph, cuts_stacks: bool) -> None:
        self.graph = graph
        # With all nodes of the graph, so that what no tile cuts stays the same object.
        self.nodes = Nodes(graph.nodes)
        self.sites: dict[Node | Broadcast, Site] = dict(graph.sites)
        self._cuts_stacks = cuts_stacks
        self._extents: dict[Node, Extents] = {}
        self._cuts: dict[Node, Cuts] = {}
        self._made: dict[tuple[Node, Region], Node] = {}
        for node in graph.nodes:
            self._extents[node] = extents = self._extents_of(node)
            self._cuts[node] = self._cut(node, extents)

    def run(self) -> Graph:
        """Return the graph of the tiles."""
        graph = self.graph
        leaves: list[Leaf] = []
        numbers: list[int] = []
        for leaf in graph.results.leaves:
            leaves += self._leaves(leaf, numbers, len(leaves))
            numbers.append(len(leaves) - 1)
        results = Results(_numbered(graph.results.tree, numbers), tuple(leaves))
        return graph.with_results(self.nodes, results, self.sites)

    def _leaves(self, leaf: Leaf, numbers: list[int], before: int) -> list[Leaf]:
        """Return the leaves that stand for one, itself the last; `numbers` are those of others."""
        if isinstance(leaf, View):
            return [leaf._replace(of=numbers[leaf.of])]
        if not isinstance(leaf, Output):
            return [leaf]
        regions = self.regions(leaf.node)
        outputs = [Output(self._tile(leaf.node, each), leaf.boxed) for each in regions]
        if len(outputs) == 1:
            return [*outputs]
        placed = zip(itertools.count(before), regions)
        return [*outputs, Joined(tuple(placed))]

    def regions(self, node: Node) -> list[Region]:
        """Return the regions of the tiles of a value."""
        extents, cuts = self._extents[node], self._cuts[node]
        axes: list[list[tuple[int, int] | None]] = [[None] for _ in extents]
        for axis, places in enumerate(cuts):
            if places:
                axes[axis] = [*itertools.pairwise([0, *sorted(places), _number(extents[axis])])]
        return list(itertools.product(*axes))

    # -- extents and cuts -----------------------------------------------------------------------

    def _extents_of(self, node: Node) -> Extents:
        if isinstance(node, Input):
            of = None if node.parameter == MADE else self.graph.signature[node.parameter].type
            extents: Extents = ()
            if isinstance(of, ArrayOf):
                unknown = of_argument(node.parameter, len(of.extents))
                extents = tuple(
                    [
                        symbol if extent is None else extent
                        for extent, symbol in zip(of.extents, unknown, strict=True)
                    ]
                )
            for step in node.movement:
                extents = moved(extents, step, _shape_of(step, extents))
            return extents
        if isinstance(node, Join):
            return self._extents[node.like]
        common: Extents = ()
        for arg in operands(node):
            own = self._extents[arg]
            if own != common:
                common = _common(common, own) if common else own
        return common

    def _cut(self, node: Node, extents: Extents) -> Cuts:
        """Return where the tiles of a value end; nothing if it has one tile only."""
        if isinstance(node, Join):
            cuts = [set[int]() for _ in extents]
            start = 0
            for value in node.values:
                self._add(cuts, value, node.axis, start)
                start += _number(self._extents[value][node.axis])
                cuts[node.axis].add(start)
            cuts[node.axis].discard(start)
            return tuple(map(frozenset, cuts))
        below = [arg for arg in operands(node) if self._cuts[arg]]
        axis, mask = self._mask_of(node)
        if not below and mask is None:
            return ()
        cuts = [set() for _ in extents]
        for arg in below:
            self._add(cuts, arg)
        if mask is not None:
            cuts[axis].update((np.flatnonzero(mask[1:] != mask[:-1]) + 1).tolist())
        return tuple(map(frozenset, cuts))

    def _add(self, cuts: list[set[int]], arg: Node, axis: int = -1, start: int = 0) -> None:
        """Add the cuts of an operand, which starts at `start` of an axis."""
        missing = len(cuts) - len(self._extents[arg])
        for at, places in enumerate(self._cuts[arg]):
            cuts[at + missing] |= {each + start * (at == axis) for each in places}

    def _mask_of(self, node: Node) -> tuple[int, Any]:
        """Return the axis along which a stack chooses between its values, and its mask.

        The mask is None for any other value.
        """
        if type(node) is not Apply or node.op is not _WHERE or not self._cuts_stacks:
            return 0, None
        mask, extents = node.args[0], self._extents[node]
        if not isinstance(mask, Input) or mask.parameter != MADE or len(extents) < 2:
            return 0, None
        along = [at for at, extent in enumerate(self._extents[mask]) if extent != 1]
        if len(along) != 1 or self._extents[mask][along[0]] not in range(2, MOST_TILES):
            return 0, None
        axis = along[0] - len(self._extents[mask])
        # Each value has to have all other axes of the stack.
        for value in node.args[1:]:
            own = self._extents[value]
            if len(own) < len(extents):
                return 0, None
            for at, (one, other) in enumerate(zip(own, extents, strict=True)):
                if at != axis + len(extents) and not _are_equal(one, other):
                    return 0, None
        return axis + len(extents), mask.view(None).ravel()

    # -- tiles ----------------------------------------------------------------------------------

    def _tile(self, node: Node, region: Region) -> Node:
        """Return the node that computes a region of a value."""
        made = self._made
        pending = [(node, region)]
        while pending:
            last = pending[-1]
            if not self._cuts[last[0]] and not any(last[1]):
                made[pending.pop()] = last[0]  # the whole of a value without joins
                continue
            needed = self._needed(*last)
            missing = [each for each in needed if each not in made]
            if missing:
                pending += missing
                continue
            pending.pop()
            if last not in made:
                made[last] = new = self._renewed(*last, [made[each] for each in needed])
                if last[0] in self.sites:
                    self.sites.setdefault(new, self.sites[last[0]])
        return made[node, region]

    def _needed(self, node: Node, region: Region) -> list[tuple[Node, Region]]:
        """Return the operands that a region is computed from, and the region of each."""
        if isinstance(node, Join):
            return [self._part(node, region)]
        args = self._chosen(node, region) or operands(node)
        extents = self._extents[node]
        return [(arg, _aligned(region, extents, self._extents[arg])) for arg in args]

    def _chosen(self, node: Node, region: Region) -> tuple[Node, ...]:
        """Return the value that a stack has in a region; nothing if it is no stack."""
        axis, mask = self._mask_of(node)
        ends = None if mask is None else region[axis]
        if ends is None or ends[1] - ends[0] > 1:
            return ()
        assert isinstance(node, Apply)
        return (node.args[1 if mask[ends[0]] else 2],)

    def _part(self, join: Join, region: Region) -> tuple[Node, Region]:
        """Return the value of a join that has a region, and its own region."""
        axis = join.axis
        first, last = region[axis] or (0, 0)
        extents = [_number(self._extents[value][axis]) for value in join.values]
        values = zip(join.values, itertools.accumulate(extents), extents, strict=True)
        value, stop, extent = next(each for each in values if last <= each[1])
        start = stop - extent
        return value, (*region[:axis], (first - start, last - start), *region[axis + 1 :])

    def _renewed(self, node: Node, region: Region, new: list[Node]) -> Node:
        """Return the node for a region of a value, from those of its operands."""
        nodes = self.nodes
        match node:
            case Input(parameter, movement, dtype):
                taken = map(_item, region, self._extents[node])
                index = Index.of(tuple(taken))
                if not index.items:
                    return node
                return nodes.input(parameter, joined(movement, index), dtype)
            case Constant(value, dtype):
                return nodes.constant(value, dtype, cast(tuple[Input, ...], tuple(new)))
            case Apply(op, args, dtype):
                return nodes.apply(op, tuple(new), dtype) if len(new) == len(args) else new[0]
            case Host(function, _, dtype):
                return nodes.host(function, tuple(new), dtype)
            case Project(_, index, dtype):
                return nodes.project(cast(Apply, new[0]), index, dtype)
            case Join():
                return new[0]


def _number(extent: Extent) -> int:
    assert isinstance(extent, int)
    return extent


def _shape_of(step: Movement, extents: Extents) -> tuple[int, ...]:
    """Return the shape that a step has as result, if it does not depend on unknown extents."""
    if isinstance(step, Held):
        return cast(tuple[int, ...], step.array.shape)
    if isinstance(step, BroadcastTo):
        return cast(tuple[int, ...], step.value)
    if isinstance(step, Reshape):
        array: Any = np.broadcast_to(np.False_, cast(tuple[int, ...], extents))
        return cast(tuple[int, ...], array.reshape(step.value).shape)
    return ()


def _common(extents: Extents, other: Extents) -> Extents:
    """Return the extents that two operands broadcast to; numbers tell more than symbols."""
    longer, shorter = (extents, other) if len(extents) >= len(other) else (other, extents)
    result = [*longer]
    for axis in range(-len(shorter), 0):
        one, two = result[axis], shorter[axis]
        if one == 1 or (isinstance(one, Symbol) and two != 1 and in_signature(two)):
            result[axis] = two
    return tuple(result)


def _are_equal(extent: Extent, other: Extent) -> bool:
    """Tell whether two extents that broadcast are the same."""
    known = extent != 1 and other != 1 and in_signature(extent) and in_signature(other)
    return known or extent == other


def _aligned(region: Region, extents: Extents, own: Extents) -> Region:
    """Return the region of an operand with its own extents for a region of a result.

    Raises:  _Unknown
    """
    found: list[tuple[int, int] | None] = []
    missing = len(extents) - len(own)
    for ends, whole, extent in zip(region[missing:], extents[missing:], own, strict=True):
        if ends is not None and extent != 1 and not _are_equal(extent, whole):
            raise _Unknown
        found.append(None if extent == 1 else ends)
    return tuple(found)


def _item(ends: tuple[int, int] | None, extent: Extent) -> slice:
    if ends is None:
        return slice(None)
    return slice_of(range(*ends), extent) if isinstance(extent, int) else slice(*ends)


def _numbered(tree: Tree, numbers: list[int]) -> Tree:
    """Return a tree with `numbers[leaf]` in the place of each leaf."""
    if isinstance(tree, int):
        return numbers[tree]
    return Container(tree.kind, tree.keys, tuple([_numbered(each, numbers) for each in tree.items]))
