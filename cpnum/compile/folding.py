"""The accumulators of a nest, which values are folded into along the innermost axis.

Each vector that is computed at once has its own.  Behind the loop they become one, and that is
folded into the element of the result.
"""

from __future__ import annotations

from collections.abc import Callable

from cpnum.compile.instances import NO_VALUES, Instance, Tail, Values
from cpnum.compile.schedule import Nest, Operand
from cpnum.compile.skeleton import TAIL_DONE
from cpnum.pack.stencil import Pack, Stencil
from cpnum.tables.block import Hole
from cpnum.tables.reductions import Folded
from cpnum.tables.stencils import (
    JOINED,
    LOAD_BROADCAST,
    PUSH,
    SEED,
    STORE_FIRST,
    Folding,
    fold_stem,
)


class Accumulators:
    """The accumulators of the results of a nest; `new` makes virtual registers.

    `of` has those of each result by its number: one a vector, one for two vectors if these are a
    pair, and only one where elements are folded in their order.  `sums` has the one that a tree
    joins them in.
    """

    def __init__(self, nest: Nest, pack: Pack, new: Callable[[], int]) -> None:
        self._nest = nest
        self._pack = pack
        self._new = new
        self.of: dict[int, list[int]] = {
            at: [new() for _ in range(_count(store, nest.vectors))]
            for at, store in enumerate(nest.stores)
            if store.is_accumulated
        }
        self.sums: dict[int, int] = {at: new() for at in self.of if nest.stores[at].is_tree}

    @property
    def every(self) -> list[int]:
        """All of them."""
        return [*[each for several in self.of.values() for each in several], *self.sums.values()]

    @property
    def ordered(self) -> list[int]:
        """The results whose accumulator begins with the element that it is stored to."""
        stores = self._nest.stores
        return [at for at in self.of if stores[at].is_ordered and not stores[at].scans]

    def stencil(self, stem: str, store: Operand) -> Stencil:
        """Return a stencil for the dtype of a result."""
        return self._pack.of(stem, store.node.dtype, self._nest.lane_bytes)

    def seeds(self, of_trees: bool) -> list[Instance]:
        """Return the instances that give accumulators their first value, of trees or of others.

        Those of trees begin anew with each leaf.
        """
        instances = []
        for at, several in self.of.items():
            if (at in self.sums) != of_trees or at in self.ordered:
                continue
            store = self._nest.stores[at]
            start = _fold_of(store).start(store.node.dtype)
            pool: Values = {Hole.POOL: start.tobytes()}
            stencil = self.stencil(SEED, store)
            instances += [
                Instance(stencil, (), (each,), values=pool, source=start) for each in several
            ]
        return instances

    def begun(self, at: int, pointer: int) -> Instance:
        """Return the instance that loads an accumulator from the element at a pointer."""
        store = self._nest.stores[at]
        name, stencil = store.buffer.name, self.stencil(LOAD_BROADCAST, store)
        return Instance(stencil, (), (self.of[at][0],), pointer=pointer, source=name)

    def folded(self, at: int, value: int, vector: int, is_rest: bool = False) -> Instance:
        """Return the instance that folds a value into the accumulator of its vector.

        The `is_rest` value of a tree is of its tail.
        """
        store = self._nest.stores[at]
        if store.is_ordered:
            return self._in_order(at, value, self.of[at][0])
        if is_rest and at in self.sums:
            return self._in_order(at, value, self.sums[at])
        return self._fold(at, value, self.of[at][vector])

    def paired(self, at: int, values: tuple[int, int], pair: int) -> Instance:
        """Return the instance that folds the values of two vectors into their accumulator."""
        store = self._nest.stores[at]
        accumulator = self.of[at][pair]
        stencil = self.stencil(fold_stem(_fold_of(store).name, "pair"), store)
        return Instance(stencil, (*values, accumulator), (accumulator,))

    def stops(self) -> list[Instance]:
        """Return the instances that leave the innermost loop when the only result is decided."""
        store = self._nest.stores[0]
        if len(self._nest.stores) > 1 or not self.of or not _fold_of(store).stops:
            return []
        first, *others = self.of[0]
        stencil = self.stencil(fold_stem(_fold_of(store).name, "stop"), store)
        values: Values = {Hole.SKIP: TAIL_DONE}
        return [
            *[self._fold(0, each, first) for each in others],
            Instance(stencil, (first,), values=values, source=store.buffer.name),
        ]

    def joined(self, of_trees: bool) -> list[Instance]:
        """Return the instances that make one accumulator of all, of trees or of others."""
        instances = []
        for at, several in self.of.items():
            if (at in self.sums) != of_trees:
                continue
            if not of_trees:
                first, *others = several  # one alone where values are in their order
                instances += [self._fold(at, each, first) for each in others]
                continue
            stencil = self.stencil(JOINED, self._nest.stores[at])
            results = [self.sums[at], *[self._new() for _ in several[1:]]]
            for each, result in zip(several, results, strict=True):
                instances.append(Instance(stencil, (each,), (result,)))
            # In pairs, as the lanes of each: the last one of a pair is folded into the first.
            while len(results) > 1:
                pairs = list(zip(results[::2], results[1::2], strict=True))
                instances += [self._fold(at, second, first) for first, second in pairs]
                results = [first for first, _ in pairs]
        return instances

    def pushed(self) -> list[Instance]:
        """Return the instances that join the sum of a leaf to those on its left."""
        block, instances = self._nest.block, []
        for tree, (at, total) in enumerate(self.sums.items()):
            store = self._nest.stores[at]
            slots: Values = {Hole.SLOT: block.tree(tree), Hole.SLOT2: block.tree()}
            push, name = self.stencil(PUSH, store), store.buffer.name
            instances.append(Instance(push, (total,), values=slots, source=name))
        return instances

    def into(self, at: int, pointer: int) -> Instance:
        """Return the instance that folds the last accumulator into the element at a pointer."""
        store = self._nest.stores[at]
        if store.is_ordered:
            stencil, name = self.stencil(STORE_FIRST, store), store.buffer.name
            return Instance(stencil, (self.of[at][0],), pointer=pointer, source=name)
        stencil = self.stencil(fold_stem(_fold_of(store).name, "into"), store)
        name = store.buffer.name
        if at in self.sums:
            tree = list(self.sums).index(at)
            slot: Values = {Hole.SLOT: self._nest.block.tree(tree)}
            return Instance(stencil, pointer=pointer, values=slot, source=name)
        return Instance(stencil, (self.of[at][0],), pointer=pointer, source=name)

    def _in_order(self, at: int, value: int, accumulator: int) -> Instance:
        store = self._nest.stores[at]
        folding: Folding = "scan" if store.scans else "ordered"
        stencil, tail = (
            self.stencil(fold_stem(_fold_of(store).name, folding, tail=tail), store)
            for tail in (False, True)
        )
        return Instance(stencil, (value, accumulator), (accumulator,), tail=Tail(tail, NO_VALUES))

    def _fold(self, at: int, value: int, accumulator: int) -> Instance:
        store = self._nest.stores[at]
        stencil = self.stencil(fold_stem(_fold_of(store).name), store)
        return Instance(stencil, (value, accumulator), (accumulator,))


def _count(store: Operand, vectors: int) -> int:
    """Return how many accumulators a result has."""
    if store.is_ordered:
        return 1
    return vectors // 2 if vectors > 1 and store.is_paired else vectors


def _fold_of(store: Operand) -> Folded:
    assert store.fold is not None
    return store.fold
