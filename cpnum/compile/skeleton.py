"""The frame of a kernel: entry, pointers, loops, and the way out; everything but its bodies.

It depends on the layouts only, so kernels of one layout share it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cpnum.compile.schedule import BROADCAST, STRIDED, WIDTHS
from cpnum.compile.steps import Block, Frame, Immediate, Item, Label, Placed, Step, Value, Values
from cpnum.pack.stencil import Pack
from cpnum.tables.isa import Isa


def resident(frame: Frame, pointers: Sequence[int]) -> int:
    """Return how many arrays have their pointer in a register of its own.

    With more arrays than registers, those that find none visit the last register when it is used.
    """
    return len(pointers) if frame.arrays <= len(pointers) else len(pointers) - 1


def visit(
    pack: Pack, frame: Frame, pointers: Sequence[int], array: int
) -> tuple[list[Step | Placed], int]:
    """Return the steps that bring an array's pointer into a register, and the register."""
    kept = resident(frame, pointers)
    if array < kept:
        return [], pointers[array]
    slot: Values = {"SLOT": frame.pointer(array)}
    return [Placed(pack["load_pointer"], (), pointers[kept], slot)], pointers[kept]


# What stands before a loop's body, and after it.
Loop = tuple[Block, Block]


class Loops(NamedTuple):
    """The frame of a kernel: everything but its bodies."""

    opening: Block
    heads: Sequence[Block]
    inner_range: Block
    vectors: dict[int, Loop]
    tail: Loop
    closing: Block


# Kernels of one layout share their frame, whatever they compute.
@functools.lru_cache(maxsize=1024)
def loops_of(
    pack: Pack, isa: Isa, frame: Frame, layouts: tuple[str, ...], lanes: int, bound: bool
) -> Loops:
    """Return the frame of the kernels of a layout."""
    pointers, axes = isa.pointers, frame.axes

    def step(name: str, pointer: int | None = None, **values: Value) -> Placed:
        return Placed(pack[name], (), pointer, values)

    def block(*items: Item) -> Block:
        return Block(items, frame=True)

    def moved(array: int, axis: int) -> bool:
        # By its own axis, or back by those inside of it.
        return layouts[array][axis:-1].strip(BROADCAST) != ""

    def advances(axis: int) -> Iterator[Item]:
        for array in range(frame.arrays):
            if moved(array, axis):
                steps, register = visit(pack, frame, pointers, array)
                yield from steps
                increment = frame.increment(array, axis)
                yield step("advance_pointer", register, SLOT=increment)
                if steps:
                    yield step("store_pointer", register, SLOT=frame.pointer(array))

    def start(array: int) -> Iterator[Item]:
        slot = frame.pointer(array)
        kept = array < resident(frame, pointers)
        _, register = visit(pack, frame, pointers, array)
        if bound and kept:
            yield step("set_pointer", register, IMMEDIATE=Immediate(slot))
        elif bound:
            yield step("set_slot", SLOT=slot, IMMEDIATE=Immediate(slot))
        elif axes > 1:
            yield step("start_pointer", register, SLOT=slot, SLOT2=frame.outer_stride(array))
            if not kept:
                yield step("store_pointer", register, SLOT=slot)
        elif kept:
            yield step("load_pointer", register, SLOT=slot)

    def words() -> Iterator[int]:
        """Yield the words of the call that a bound kernel writes into the block itself."""
        yield from (frame.argument(at) for at in range(frame.arguments))
        yield from (frame.stride(a) for a, layout in enumerate(layouts) if layout[-1] == STRIDED)
        yield from (frame.extent(axis) for axis in range(1, axes))
        for axis in range(axes - 1):
            yield from (frame.increment(a, axis) for a in range(frame.arrays) if moved(a, axis))

    opening: list[Item] = [step("entry", BODY="body"), Label("body")]
    if bound:
        opening += [step("set_slot", SLOT=at, IMMEDIATE=Immediate(at)) for at in words()]
        opening.append(step("set_range", IMMEDIATE=Immediate(frame.extent(0))))
    for array in range(frame.arrays):
        opening += start(array)
    heads: list[Block] = []
    for axis in range(axes - 1):
        slot = frame.counter(axis)
        count = (
            step("count_axis", SLOT=slot, SLOT2=frame.extent(axis))
            if axis
            else step("count_range", SLOT=slot)
        )
        heads.append(block(count, Label(f"axis{axis}")))
    inner_range = [step("inner_range", SLOT=frame.extent(axes - 1))] if axes > 1 else []
    vectors: dict[int, Loop] = {}
    for width in (*WIDTHS, 1):
        name, elements = f"by{width}", width * lanes
        vectors[width] = (
            block(step("vectors", STEP=elements, SKIP=f"{name}_done"), Label(name)),
            block(
                step("next_vectors", STEP=elements, HEAD=name),
                Label(f"{name}_done"),
                step("vectors_done", STEP=elements),
            ),
        )
    guard, done = step("tail", SKIP="tail_done"), Label("tail_done")
    if isa.masked_tail:
        tail = block(guard), block(done)
    else:
        tail = block(guard, Label("tail")), block(step("next_element", HEAD="tail"), done)
    closing: list[Item] = []
    for axis in range(axes - 2, -1, -1):
        closing += advances(axis)
        closing.append(step("repeat", SLOT=frame.counter(axis), HEAD=f"axis{axis}"))
    closing.append(step("finish"))
    return Loops(block(*opening), heads, block(*inner_range), vectors, tail, block(*closing))
