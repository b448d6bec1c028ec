"""Origins: the nodes that each item of a kernel's code makes and reads, for reports.

A kernel does not keep them, because its instances stand in other kernels, too.  They are found by
selecting its stencils once more.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from cpnum.compile.assign import Assignment
from cpnum.compile.instances import BasicBlock, Instance, Item
from cpnum.compile.pairs import Pair, is_maker, paired
from cpnum.compile.schedule import Nest
from cpnum.compile.select import Selection, select, selected_nodes
from cpnum.compile.skeleton import Entry
from cpnum.ir.nodes import Node, Project
from cpnum.pack.stencil import Pack
from cpnum.tables.block import Hole


class Origin(NamedTuple):
    """An item of the code, and the nodes whose values it makes and reads.

    Interleaved vectors are counted by `vector`, from 0.
    """

    item: Item
    makes: tuple[Node, ...] = ()
    reads: tuple[Node, ...] = ()
    vector: int = 0


class Part(NamedTuple):
    """A part of the code, inside of `depth` loops.

    The parts that compute the innermost body `again`, for what the main loop leaves, have the same
    instances but for their loads and stores.
    """

    title: str
    depth: int
    items: tuple[Origin, ...]
    again: bool = False


# A value of the selection: its node, and which of the interleaved vectors it is.
_Value = tuple[Node, int]


def origins(nest: Nest, assignment: Assignment, pack: Pack, entry: Entry) -> list[Part]:
    """Return the items of a kernel with their origins, part by part."""
    selection = select(nest, pack, entry)
    walk = _Walk(selection, _values(selection, pack))
    blocks = iter([walk.block(pairs) for pairs in paired(selection, assignment)])

    def take(count: int) -> tuple[Origin, ...]:
        return tuple(itertools.chain.from_iterable(itertools.islice(blocks, count)))

    parts = [Part("before the loops", 0, take(1))]
    for depth, nodes in enumerate(nest.bodies[:-1]):
        # A loop has its head, and a body if something is computed there.
        title = f"for i{depth - 1}" if depth else "once a call"
        parts.append(Part(title, depth, take((depth > 0) + bool(nodes))))
    counted = take(1)  # how often the innermost loop runs
    is_folding, is_tree = bool(selection.accumulators), nest.is_tree
    if is_folding:
        counted += take(1 + 2 * is_tree)  # the first leaf, and the first values of accumulators
    for vectors in nest.widths:
        width = f"{vectors} x {nest.lanes}" if vectors > 1 else str(nest.lanes)
        title = f"for i{nest.axes - 1} by {width}"
        parts.append(Part(title, nest.axes, (*counted, *take(3)), again=vectors < nest.vectors))
        counted = ()
    if is_tree:
        parts.append(Part("for each leaf", nest.axes, take(2)))  # what is left of it comes next
    parts.append(Part("the tail", nest.axes, take(3), again=True))
    if is_folding:
        title = "for each leaf, then the result" if is_tree else "the accumulators"
        parts.append(Part(title, nest.axes - 1, take(4 if is_tree else 2)))
    parts.append(Part("after the loops", 0, take(1)))
    assert next(blocks, None) is None
    return [part for part in parts if part.items]


def _values(selection: Selection, pack: Pack) -> dict[int, _Value]:
    """Return the node of each virtual register."""
    nest = selection.nest
    values: dict[int, _Value] = {}
    for block, nodes, vectors in _bodies(selection, selected_nodes(nest, pack)):
        projections: dict[tuple[Node, int], Node] = {
            (node.node, node.index): node
            for body in nest.bodies
            for node in body
            if type(node) is Project
        }
        making = [each for each in block.items if type(each) is Instance and each.results]
        # What folds values stands behind them.
        pairs = zip(itertools.product(nodes, range(vectors)), making, strict=False)
        for (node, vector), instance in pairs:
            for index, result in enumerate(instance.results):
                values[result] = projections.get((node, index), node), vector
    folded = [store.node for store in nest.stores if store.fold is not None]
    if folded:
        for block in selection.blocks:
            for item in block.items:
                if type(item) is Instance:
                    for result in item.results:
                        values.setdefault(result, (folded[0], 0))
    return values


def _bodies(
    selection: Selection, nodes: list[list[Node]]
) -> Iterator[tuple[BasicBlock, list[Node], int]]:
    """Yield the basic blocks with nodes, with these nodes and the number of vectors."""
    nest = selection.nest
    outer = [(each, 1) for each, body in zip(nodes, nest.bodies[:-1], strict=False) if body]
    inner = [(nodes[-1], vectors) for vectors in nest.widths]
    blocks = [
        block for block in selection.blocks if not (block.skeleton or block.tail or block.folding)
    ]
    for block, (body, vectors) in zip(blocks, [*outer, *inner], strict=True):
        yield block, body, vectors


class _Walk:
    """Follows values through registers and spills, in the order of the code."""

    def __init__(self, selection: Selection, values: dict[int, _Value]) -> None:
        self.values = values
        self.made = {
            (maker.stencil, *maker.values.items()): values[virtual]
            for virtual, maker in selection.makers.items()
        }
        self.registers: dict[int, _Value] = {}
        self.slots: dict[int, _Value] = {}

    def block(self, pairs: list[Pair]) -> list[Origin]:
        return [
            Origin(item)
            if type(item) is not Instance
            else self.move(item)
            if virtual is None
            else self.instance(item, virtual)
            for item, virtual in pairs
        ]

    def instance(self, item: Instance, virtual: Instance) -> Origin:
        values = self.values
        made = [values[each] for each in virtual.results]
        read = [values[each] for each in virtual.operands]
        self.registers.update(zip(item.results, made, strict=True))
        return _origin(item, made, read)

    def move(self, item: Instance) -> Origin:
        """Follow a spill, a reload or a maker; what is of the skeleton moves no values."""
        slot = item.values.get(Hole.SLOT)
        assert not isinstance(slot, str | bytes)
        if is_maker(item):
            value = self.registers[item.results[0]] = self.made[
                (item.stencil, *item.values.items())
            ]
            return _origin(item, [value], [])
        if item.operands and isinstance(slot, int):
            value = self.slots[slot] = self.registers[item.operands[0]]
            return _origin(item, [], [value])
        if item.results and isinstance(slot, int):
            value = self.registers[item.results[0]] = self.slots[slot]
            return _origin(item, [value], [])
        return Origin(item)


def _origin(item: Item, made: list[_Value], read: list[_Value]) -> Origin:
    vector = next((vector for _, vector in (*made, *read)), 0)
    return Origin(item, tuple(node for node, _ in made), tuple(node for node, _ in read), vector)
