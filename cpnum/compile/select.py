"""Nest to Selection: chooses a stencil for each node; registers are still virtual.

The instances stand in the order of the code, in basic blocks; the innermost ones repeat.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cpnum.compile.arrange import Access
from cpnum.compile.folding import Accumulators
from cpnum.compile.instances import (
    NO_VALUES,
    BasicBlock,
    Instance,
    Label,
    Tail,
    Values,
    new_instance,
)
from cpnum.compile.schedule import Nest, Operand
from cpnum.compile.skeleton import Entry, skeleton_of, visit
from cpnum.faces import pre
from cpnum.ir.nodes import Apply, Constant, Input, Node, Project
from cpnum.ir.walk import last_uses
from cpnum.pack.stencil import Pack, Stencil
from cpnum.tables.block import Hole
from cpnum.tables.dtypes import DType
from cpnum.tables.ops import Form
from cpnum.tables.stencils import (
    ARGUMENT,
    CONSTANT,
    LOAD_BROADCAST,
    Transfer,
    access_stem,
    cast_stem,
    fold_stem,
    fused_stem,
    tied_stem,
)


class Selection(NamedTuple):
    """The instances of a kernel, with virtual registers.

    `outer` are the values that are made outside of the innermost loop.  `makers` maps the value of
    a constant or scalar to its maker: such values are never spilled.  `main_loop` is the label of
    the loop that most time is spent in.  `accumulators` are made once more in each round, of what
    they are.
    """

    nest: Nest
    blocks: tuple[BasicBlock, ...]
    outer: tuple[int, ...]
    makers: dict[int, Instance]
    main_loop: str
    accumulators: frozenset[int] = frozenset()

    def __repr__(self) -> str:
        return f"<selection {self.nest.graph.name}: {len(self.blocks)} basic blocks>"

    def _repr_html_(self) -> str:
        return pre(str(self))

    def __str__(self) -> str:
        lines = []
        for block in self.blocks:
            for item in block.items:
                if isinstance(item, Label):
                    lines.append(str(item))
                else:
                    in_tail = block.tail and item.tail is not None
                    lines.append(f"  {item.text('v')}{'  (tail)' if in_tail else ''}")
        return "\n".join(lines)


# Python before 3.12 looks up a member of an enum by Python code.
_COMPARISON, _SELECT, _TIED = Form.COMPARISON, Form.SELECT, Form.TIED
_BROADCAST, _STRIDED = Access.BROADCAST, Access.STRIDED
_SLOT, _POOL, _OFFSET, _AHEAD = Hole.SLOT, Hole.POOL, Hole.OFFSET, Hole.AHEAD

# A node, its stencil, and the nodes that are its operands.  A load has no stencil yet, because it
# depends on the vector; a projection has none at all.
_Choice = tuple[Node, Stencil | None, tuple[Node, ...]]


class _Selector:
    """Chooses the stencils of one nest, loop by loop."""

    def __init__(self, nest: Nest, pack: Pack, entry: Entry) -> None:
        self.nest = nest
        self.pack = pack
        self.entry = entry
        self.lane_bytes = nest.lane_bytes
        self.lanes = nest.lanes
        self.block = nest.block
        self.makers: dict[int, Instance] = {}
        # The virtual registers of the nodes outside of the innermost loop.
        self.virtual: dict[Node, int] = {}
        self.made = 0  # how many virtual registers there are
        self.reads = {read.node: at for at, read in enumerate(nest.reads)}
        self.scalars = {scalar: at for at, scalar in enumerate(nest.scalars)}
        self.stored = {store.node for store in nest.stores}
        self.forms = {op.form for op in nest.ops}
        self.fused = self._fused()
        self.accumulators = Accumulators(nest, pack, self.new)

    def _fused(self) -> set[Node]:
        """Return the comparisons that only one `where` uses: both become one stencil."""
        if _SELECT not in self.forms:
            return set()
        users: dict[Node, list[Apply]] = {}
        for body in self.nest.bodies:
            for node in body:
                if isinstance(node, Apply) and node not in self.scalars:
                    for arg in node.args:
                        if isinstance(arg, Apply) and arg.op.form is _COMPARISON:
                            users.setdefault(arg, []).append(node)
        return {
            mask
            for mask, (user, *others) in users.items()
            if not others
            and user.op.form is _SELECT
            and mask is user.args[0]
            and mask not in user.args[1:]
            and mask not in self.stored
            and isinstance(mask, Apply)
            and mask.args[0].dtype is user.dtype
        }

    # -- stencils -------------------------------------------------------------------------------

    def stencil(self, stem: str, dtype: DType) -> Stencil:
        return self.pack.of(stem, dtype, self.lane_bytes)

    def choose(self, nodes: Sequence[Node]) -> list[_Choice]:
        """Choose the stencil of each node of a body."""
        dying = self._dying_addends(nodes)
        fused, scalars = self.fused, self.scalars
        of, lane_bytes = self.pack.of, self.lane_bytes
        choices: list[_Choice] = []
        for node in nodes:
            if node in scalars:
                choices.append((node, of(ARGUMENT, node.dtype, lane_bytes), ()))
            elif type(node) is Apply:
                if node.op.plain:
                    choices.append((node, of(node.op.name, node.dtype, lane_bytes), node.args))
                elif node not in fused:
                    choices.append(self._choose_by_form(node, dying))
            elif type(node) is Input:
                choices.append((node, None, ()))
            elif type(node) is Project:
                choices.append((node, None, (node.node,)))
            else:
                choices.append((node, of(CONSTANT, node.dtype, lane_bytes), ()))
        return choices

    def _dying_addends(self, nodes: Sequence[Node]) -> set[Node]:
        """Return the tied operators whose addend is not used afterwards."""
        if _TIED not in self.forms:
            return set()
        last_use = last_uses(nodes)
        here = set(nodes) if nodes is self.nest.bodies[-1] else set[Node]()
        here -= self.stored
        return {
            node
            for node in nodes
            if type(node) is Apply
            and node.op.form is _TIED
            and node.args[-1] in here
            and last_use[node.args[-1]] is node
            and node.args[-1] not in node.args[:-1]
        }

    def _choose_by_form(self, node: Apply, dying: set[Node]) -> _Choice:
        op, args = node.op, node.args
        match op.form:
            case Form.CAST:
                return (node, self.stencil(cast_stem(node.dtype), args[0].dtype), args)
            case Form.TIED:
                stem = tied_stem(op.name) if node in dying else op.name
                return (node, self.stencil(stem, node.dtype), args)
            case Form.SELECT if args[0] in self.fused:
                comparison = args[0]
                assert isinstance(comparison, Apply)
                stencil = self.stencil(fused_stem(op.name, comparison.op.name), node.dtype)
                return (node, stencil, (*comparison.args, *args[1:]))
            case Form.SELECT:
                return (node, self.stencil(op.name, node.dtype), args)
            case _:
                return (node, self.stencil(op.name, args[0].dtype), args)

    # -- instances ------------------------------------------------------------------------------

    def instances(
        self, choices: Sequence[_Choice], vectors: int, stored: bool, is_rest: bool = False
    ) -> list[Instance]:
        """Return the instances of a body, node by node for all vectors, then the stores.

        The `is_rest` body is that of the tail of a tree of sums.
        """
        instances: list[Instance] = []
        by_vector = [(vector, self.virtual.copy()) for vector in range(vectors)]
        projected: dict[tuple[int, Node], tuple[int, ...]] = {}
        made = self.made
        for node, stencil, args in choices:
            for vector, virtual in by_vector:
                if stencil is None:
                    if type(node) is Project:
                        virtual[node] = projected[vector, node.node][node.index]
                        continue
                    assert type(node) is Input
                    self.load(instances, node, made, vector)
                elif not args:
                    instances.append(self.maker(node, stencil, made))
                elif stencil.results == 1:
                    if len(args) == 2:
                        # For two operands, a comprehension takes three times as long.
                        first, second = args
                        operands: tuple[int, ...] = (virtual[first], virtual[second])
                    else:
                        operands = tuple([virtual[arg] for arg in args])
                    fields = (stencil, operands, (made,), (), None, NO_VALUES, "", None)
                    instances.append(new_instance(Instance, fields))
                else:
                    operands = tuple([virtual[arg] for arg in args])
                    results = projected[vector, node] = tuple(range(made, made + stencil.results))
                    instances.append(Instance(stencil, operands, results))
                    made += stencil.results
                    continue
                virtual[node] = made
                made += 1
        self.made = made
        if stored:
            for vector, virtual in by_vector:
                for at, store in enumerate(self.nest.stores):
                    array, value = len(self.reads) + at, virtual[store.node]
                    if store.is_paired and vectors > 1:
                        if vector % 2:
                            before = by_vector[vector - 1][1][store.node]
                            pair = self.accumulators.paired(at, (before, value), vector // 2)
                            instances.append(pair)
                        continue
                    if store.is_accumulated:
                        folded = self.accumulators.folded(at, value, vector, is_rest)
                        instances.append(folded)
                        if not store.scans:
                            continue
                        value = folded.results[0]
                    elif store.fold is not None:
                        value = self.updated(instances, store, array, value, vector)
                    self.store(instances, store, array, value, vector)
        else:
            self.virtual = by_vector[0][1]
        return instances

    def maker(self, node: Node, stencil: Stencil, result: int) -> Instance:
        """Return the maker of a constant or scalar."""
        if isinstance(node, Constant):
            assert isinstance(node.value, np.generic)
            pool: Values = {_POOL: node.value.tobytes()}
            fields = (stencil, (), (result,), (), None, pool, node.value, None)
            instance = new_instance(Instance, fields)
        else:
            slot: Values = {_SLOT: self.block.scalar(self.scalars[node])}
            instance = Instance(stencil, (), (result,), values=slot)
        self.makers[result] = instance
        return instance

    def load(self, instances: list[Instance], node: Input, result: int, vector: int) -> None:
        array = self.reads[node]
        read = self.nest.reads[array]
        register = self.visit(instances, array)
        tail: Tail | None
        if read.layout[-1] is _BROADCAST:
            stencil, values, tail = self.stencil(LOAD_BROADCAST, node.dtype), NO_VALUES, None
        else:
            stencil, values, tail = self.access("load", read, array, vector)
        fields = (stencil, (), (result,), (), register, values, read.buffer.name, tail)
        instances.append(new_instance(Instance, fields))

    def store(
        self, instances: list[Instance], store: Operand, array: int, value: int, vector: int
    ) -> None:
        register = self.visit(instances, array)
        stencil, values, tail = self.access("store", store, array, vector)
        fields = (stencil, (value,), (), (), register, values, store.buffer.name, tail)
        instances.append(new_instance(Instance, fields))

    def updated(
        self, instances: list[Instance], store: Operand, array: int, value: int, vector: int
    ) -> int:
        """Fold a value into the elements of a result; return what they become."""
        assert store.fold is not None
        register, before = self.visit(instances, array), self.new()
        stencil, values, tail = self.access("load", store, array, vector)
        fields = (stencil, (), (before,), (), register, values, store.buffer.name, tail)
        instances.append(new_instance(Instance, fields))
        folding = self.pack.of(fold_stem(store.fold.name), store.node.dtype, self.lane_bytes)
        instances.append(Instance(folding, (value, before), (before,)))
        return before

    def new(self) -> int:
        """Return a new virtual register."""
        self.made += 1
        return self.made - 1

    def access(
        self, transfer: Transfer, operand: Operand, array: int, vector: int
    ) -> tuple[Stencil, Values, Tail]:
        """Return the stencil and values of a load or store for one vector, and its tail."""
        ahead = vector * self.lanes
        slot = self.block.stride(array) if operand.layout[-1] is _STRIDED else None
        return _access(self.pack, transfer, operand.buffer.dtype, self.lane_bytes, ahead, slot)

    def visit(self, instances: list[Instance], array: int) -> int:
        """Return the register of an array's pointer; load the pointer if needed."""
        pointers = self.nest.isa.pointers
        if self.block.arrays <= len(pointers):
            return pointers[array]
        more, register = visit(self.pack, self.block, pointers, array)
        instances += more
        return register

    # -- loops ----------------------------------------------------------------------------------

    def run(self) -> Selection:
        nest = self.nest
        layouts = tuple([operand.layout for operand in nest.operands])
        skeleton = skeleton_of(self.pack, nest.isa, self.block, layouts, self.lanes, self.entry)
        blocks = [skeleton.prologue]
        for depth, nodes in enumerate(nest.bodies[:-1]):
            if depth:
                blocks.append(skeleton.heads[depth - 1])
            if nodes:
                blocks.append(BasicBlock(self.instances(self.choose(nodes), 1, stored=False)))
        blocks.append(skeleton.inner_range)
        choices = self.choose(nest.bodies[-1])
        accumulators = self.accumulators
        is_tree = bool(accumulators.sums)
        if accumulators.of:
            seeds = [*accumulators.seeds(of_trees=False), *self.begun()]
            blocks.append(BasicBlock(seeds, folding=True))
        if is_tree:
            seeds = accumulators.seeds(of_trees=True)
            blocks += (skeleton.leaves[0], BasicBlock(seeds, folding=True))
        body: list[Instance] = []
        for vectors in nest.widths:
            before, after = skeleton.vectors[vectors]
            body = self.instances(choices, vectors, stored=True)
            if vectors == nest.vectors:
                body += accumulators.stops()
            blocks += (before, BasicBlock(body), after)
        before, after = skeleton.tail
        if is_tree:
            joined = BasicBlock(accumulators.joined(of_trees=True), folding=True)
            blocks += (joined, skeleton.rest)
            body = self.instances(choices, 1, stored=True, is_rest=True)
            blocks += (before, BasicBlock(body, tail=True), after)
            blocks += (BasicBlock(accumulators.pushed(), folding=True), skeleton.leaves[1])
        else:
            blocks += (before, BasicBlock(body, tail=True), after)
        if accumulators.of:
            joined = BasicBlock(accumulators.joined(of_trees=False), folding=True)
            blocks += (joined, BasicBlock(self.into_results(), folding=True))
        blocks.append(skeleton.epilogue)
        outer = tuple(dict.fromkeys([*accumulators.every, *self.virtual.values()]))
        return Selection(
            nest,
            tuple(blocks),
            outer,
            self.makers,
            f"by{nest.vectors}",
            frozenset(accumulators.every),
        )

    def begun(self) -> list[Instance]:
        """Return the instances that load accumulators from the elements of results."""
        instances: list[Instance] = []
        for at in self.accumulators.ordered:
            pointer = self.visit(instances, len(self.reads) + at)
            instances.append(self.accumulators.begun(at, pointer))
        return instances

    def into_results(self) -> list[Instance]:
        """Return the instances that fold accumulators into the elements of results."""
        instances: list[Instance] = []
        for at in self.accumulators.of:
            if self.nest.stores[at].scans:
                continue
            pointer = self.visit(instances, len(self.reads) + at)
            instances.append(self.accumulators.into(at, pointer))
        return instances


# Kernels have the same few loads and stores, and nobody changes the values of an instance.
@functools.lru_cache(maxsize=1024)
def _access(
    pack: Pack, transfer: Transfer, dtype: DType, lane_bytes: int, ahead: int, slot: int | None
) -> tuple[Stencil, Values, Tail]:
    """Return the stencil and values of a load or store, and its tail.

    `ahead` is the distance from the first vector, in elements.  `slot` is the offset of the stride
    in the argument block, None for a contiguous array.
    """
    strided = slot is not None
    stencil = pack.of(access_stem(transfer, strided=strided), dtype, lane_bytes)
    at_end = pack.of(access_stem(transfer, strided=strided, tail=True), dtype, lane_bytes)
    if slot is None:
        return stencil, {_OFFSET: ahead * dtype.itemsize}, Tail(at_end, NO_VALUES)
    return stencil, {_SLOT: slot, _AHEAD: ahead}, Tail(at_end, {_SLOT: slot})


def select(nest: Nest, pack: Pack, entry: Entry = Entry.CALLED) -> Selection:
    """Choose the stencils of a nest."""
    return _Selector(nest, pack, entry).run()


def selected_nodes(nest: Nest, pack: Pack) -> list[list[Node]]:
    """Return the nodes of each body that `select` makes instances for, in their order."""
    selector = _Selector(nest, pack, Entry.CALLED)
    return [
        [node for node, _, _ in selector.choose(nodes) if type(node) is not Project]
        for nodes in nest.bodies
    ]


def forget() -> None:
    """Forget the instances that kernels share, which keep their pack alive."""
    _access.cache_clear()
    skeleton_of.cache_clear()
