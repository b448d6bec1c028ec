"""The skeleton of a kernel: entry, pointers, loops, and the way out; everything but its bodies.

A skeleton depends on layouts alone, so kernels of one layout share it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from cpnum.compile.arrange import Access, Layout, depth_of
from cpnum.compile.instances import BasicBlock, Immediate, Instance, Item, Label, Value, Values
from cpnum.compile.schedule import WIDTHS
from cpnum.pack.stencil import Pack
from cpnum.tables.block import ArgumentBlock, Hole
from cpnum.tables.isa import Isa


class Entry(Enum):
    """How a kernel gets the words of a call."""

    CALLED = "called"  # from the argument block
    BOUND = "bound"  # from its own code, where they are immediates

    # Members are singletons; Enum's own hash is a Python function.
    __hash__ = object.__hash__


def resident(block: ArgumentBlock, pointers: Sequence[int]) -> int:
    """Return how many arrays have a register for their pointer.

    With more arrays than registers, the other arrays share the last register: see `visit`.
    """
    return len(pointers) if block.arrays <= len(pointers) else len(pointers) - 1


def visit(
    pack: Pack, block: ArgumentBlock, pointers: Sequence[int], array: int
) -> tuple[list[Instance], int]:
    """Return the register of an array's pointer, and the instances that load the pointer first."""
    kept = resident(block, pointers)
    if array < kept:
        return [], pointers[array]
    slot: Values = {Hole.SLOT: block.pointer(array)}
    return [Instance(pack["load_pointer"], pointer=pointers[kept], values=slot)], pointers[kept]


# The instances before and after the body of a loop.
Loop = tuple[BasicBlock, BasicBlock]


class Skeleton(NamedTuple):
    """The basic blocks of a skeleton; `vectors` maps a number of vectors at once to its loop.

    A tree of sums has a loop over its `leaves`, in which the `rest` goes before the tail.
    """

    prologue: BasicBlock
    heads: Sequence[BasicBlock]
    inner_range: BasicBlock
    vectors: dict[int, Loop]
    tail: Loop
    epilogue: BasicBlock
    leaves: Loop
    rest: BasicBlock


# The label behind the innermost loop.
TAIL_DONE = "tail_done"


@functools.lru_cache(maxsize=1024)
def skeleton_of(
    pack: Pack,
    isa: Isa,
    block: ArgumentBlock,
    layouts: tuple[Layout, ...],
    lanes: int,
    entry: Entry,
) -> Skeleton:
    """Return the skeleton of the kernels of a layout."""
    return _Builder(pack, isa, block, layouts, entry).skeleton(lanes)


class _Builder:
    def __init__(
        self,
        pack: Pack,
        isa: Isa,
        block: ArgumentBlock,
        layouts: tuple[Layout, ...],
        entry: Entry,
    ) -> None:
        self.pack = pack
        self.isa = isa
        self.block = block
        self.layouts = layouts
        self.entry = entry

    def instance(self, name: str, pointer: int | None = None, **values: Value) -> Instance:
        holes = {Hole(symbol): value for symbol, value in values.items()}
        return Instance(self.pack[name], pointer=pointer, values=holes)

    def skeleton(self, lanes: int) -> Skeleton:
        return Skeleton(
            _block(*self.prologue()),
            [_block(*self.head(axis)) for axis in range(self.block.axes - 1)],
            _block(*self.inner_range()),
            {width: self.loop(width, width * lanes) for width in (*WIDTHS, 1)},
            self.tail(),
            _block(*self.epilogue()),
            self.leaves(),
            _block(self.instance("rest_range", SLOT=self.block.tree(), SKIP=TAIL_DONE)),
        )

    # -- pointers -------------------------------------------------------------------------------

    def visit(self, array: int) -> tuple[list[Instance], int]:
        return visit(self.pack, self.block, self.isa.pointers, array)

    def is_moved(self, array: int, axis: int) -> bool:
        # Some outer axis moves this pointer, or an inner axis has to be rewound.
        return depth_of(self.layouts[array][axis:-1]) > 0

    def start(self, array: int) -> Iterator[Item]:
        """Yield the instances that give a pointer its first value."""
        slot = self.block.pointer(array)
        kept = array < resident(self.block, self.isa.pointers)
        _, register = self.visit(array)
        if self.entry is Entry.BOUND:
            if kept:
                yield self.instance("set_pointer", register, IMMEDIATE=Immediate(slot))
            else:
                yield self.instance("set_slot", SLOT=slot, IMMEDIATE=Immediate(slot))
        elif self.block.axes > 1:
            outer = self.block.outer_stride(array)
            yield self.instance("start_pointer", register, SLOT=slot, SLOT2=outer)
            if not kept:
                yield self.instance("store_pointer", register, SLOT=slot)
        elif kept:
            yield self.instance("load_pointer", register, SLOT=slot)

    def advances(self, axis: int) -> Iterator[Item]:
        """Yield the instances that move the pointers at the end of an outer loop."""
        for array in range(self.block.arrays):
            if self.is_moved(array, axis):
                instances, register = self.visit(array)
                yield from instances
                increment = self.block.increment(array, axis)
                yield self.instance("advance_pointer", register, SLOT=increment)
                if instances:
                    slot = self.block.pointer(array)
                    yield self.instance("store_pointer", register, SLOT=slot)

    # -- basic blocks ---------------------------------------------------------------------------

    def words(self) -> Iterator[int]:
        """Yield the words that a bound kernel writes into the argument block itself."""
        block, layouts = self.block, self.layouts
        yield from (block.scalar(at) for at in range(block.scalars))
        yield from (block.stride(a) for a, each in enumerate(layouts) if each[-1] is Access.STRIDED)
        yield from (block.extent(axis) for axis in range(1, block.axes))
        for axis in range(block.axes - 1):
            moved = (a for a in range(block.arrays) if self.is_moved(a, axis))
            yield from (block.increment(a, axis) for a in moved)
        if block.trees:
            yield block.first_leaf

    def prologue(self) -> Iterator[Item]:
        yield self.instance("entry", BODY="body")
        yield Label("body")
        if self.entry is Entry.BOUND:
            for at in self.words():
                yield self.instance("set_slot", SLOT=at, IMMEDIATE=Immediate(at))
            yield self.instance("set_range", IMMEDIATE=Immediate(self.block.extent(0)))
        for array in range(self.block.arrays):
            yield from self.start(array)

    def head(self, axis: int) -> Iterator[Item]:
        slot = self.block.counter(axis)
        if axis:
            yield self.instance("count_axis", SLOT=slot, SLOT2=self.block.extent(axis))
        else:
            yield self.instance("count_range", SLOT=slot)
        yield Label(f"axis{axis}")

    def inner_range(self) -> Iterator[Item]:
        axes = self.block.axes
        if axes > 1:
            yield self.instance("inner_range", SLOT=self.block.extent(axes - 1))

    def loop(self, width: int, elements: int) -> Loop:
        name = f"by{width}"
        return (
            _block(self.instance("vectors", STEP=elements, SKIP=f"{name}_done"), Label(name)),
            _block(
                self.instance("next_vectors", STEP=elements, HEAD=name),
                Label(f"{name}_done"),
                self.instance("vectors_done", STEP=elements),
            ),
        )

    def tail(self) -> Loop:
        guard, done = self.instance("tail", SKIP=TAIL_DONE), Label(TAIL_DONE)
        if self.isa.masked_tail:
            return _block(guard), _block(done)
        again = self.instance("next_element", HEAD="tail")
        return _block(guard, Label("tail")), _block(again, done)

    def leaves(self) -> Loop:
        block, slot = self.block, self.block.tree()
        return (
            _block(
                *[self.instance("start_tree", SLOT=block.tree(at)) for at in range(block.trees)],
                Label("leaf"),
                self.instance("leaf_range", SLOT=slot),
            ),
            _block(self.instance("next_leaf", SLOT=slot, HEAD="leaf")),
        )

    def epilogue(self) -> Iterator[Item]:
        for axis in range(self.block.axes - 2, -1, -1):
            yield from self.advances(axis)
            slot = self.block.counter(axis)
            yield self.instance("repeat", SLOT=slot, HEAD=f"axis{axis}")
        yield self.instance("finish")


def _block(*items: Item) -> BasicBlock:
    return BasicBlock(items, skeleton=True)
