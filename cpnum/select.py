"""LoopNest to Steps: which stencil does each step; registers are still virtual.

The result is a list of steps and labels in the order of the code, in blocks: a block is a straight
line, and the innermost ones repeat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cpnum.dtypes import DType
from cpnum.ir import Apply, Constant, Input, Node
from cpnum.ops import CAST
from cpnum.schedule import BROADCAST, CONTIGUOUS, LoopNest
from cpnum.stencil import Pack, Stencil, stencil_name

POINTER_BYTES = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """Where things lie in the argument block, in bytes: all words of 8 bytes, spills after them.

    block: pointers | inner strides | outer strides | increments | extents | counters | arguments
    """

    arrays: int
    axes: int
    arguments: int

    def pointer(self, array: int) -> int:
        """Return the offset of an array's pointer."""
        return 8 * array

    def stride(self, array: int) -> int:
        """Return the offset of an array's stride along the innermost axis."""
        return 8 * (self.arrays + array)

    def outer_stride(self, array: int) -> int:
        """Return the offset of an array's stride along the outermost axis."""
        return 8 * (2 * self.arrays + array)

    def increment(self, array: int, axis: int) -> int:
        """Return the offset of what an array's pointer advances by at the end of an outer axis."""
        return 8 * (self.arrays * (3 + axis) + array)

    def extent(self, axis: int) -> int:
        """Return the offset of an axis's extent."""
        return 8 * (self.arrays * (2 + self.axes) + axis)

    def counter(self, axis: int) -> int:
        """Return the offset of an outer axis's counter."""
        return self.extent(self.axes + axis)

    def argument(self, argument: int) -> int:
        """Return the offset of a scalar."""
        return self.counter(self.axes + argument)

    @property
    def spills(self) -> int:
        """The offset of the first spilled value."""
        return self.argument(self.arguments)


@dataclass(frozen=True, slots=True)
class Immediate:
    """A word of the call that a bound kernel holds in its code: the word's offset in the block."""

    offset: int


# What goes into a value hole: a number, a label, the bytes of a constant, or a word of the call.
Value = int | str | bytes | Immediate


@dataclass(slots=True, eq=False)
class Step:
    """One stencil, and what goes into its holes.

    `operands` and `result` are virtual registers: numbers that mean a value.  `pointer` is an
    array.  `source` is what the step does in terms of the graph.
    """

    stencil: Stencil
    operands: tuple[int, ...] = ()
    result: int | None = None
    pointer: int | None = None
    values: dict[str, Value] = field(default_factory=dict)
    source: str = ""

    def __str__(self) -> str:
        registers = [f"v{each}" for each in self.operands]
        target = "" if self.result is None else f"v{self.result} = "
        holes = [f"p{self.pointer}"] if self.pointer is not None else []
        holes += [f"{symbol}={value_text(value)}" for symbol, value in self.values.items()]
        return f"{target}{self.stencil.name} {' '.join(registers + holes)}".rstrip()


def value_text(value: Value) -> str:
    """Return how a value is printed."""
    match value:
        case bytes():
            return f"0x{int.from_bytes(value, 'little'):x}"
        case Immediate(offset):
            return f"call+{offset}"
        case _:
            return str(value)


@dataclass(frozen=True, slots=True)
class Label:
    """A place in the code that a step jumps to."""

    name: str

    def __str__(self) -> str:
        return f"{self.name}:"


@dataclass(slots=True, eq=False)
class Block:
    """A straight line of steps.  `loops` tells how deep in the nest it stands."""

    depth: int
    items: list[Step | Label]


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The steps of a kernel, by blocks; the head of its main loop."""

    nest: LoopNest
    frame: Frame
    blocks: tuple[Block, ...]
    # What makes a constant or a scalar argument again instead of spilling it.
    makers: dict[int, Step]
    main_loop: str

    def steps(self) -> Iterator[Step]:
        """Yield the steps in the order of the code."""
        for block in self.blocks:
            for item in block.items:
                if isinstance(item, Step):
                    yield item

    def __str__(self) -> str:
        return "\n".join(
            f"{'' if isinstance(item, Label) else '  '}{item}"
            for block in self.blocks
            for item in block.items
        )


class _Selector:
    """Chooses stencils for one nest."""

    def __init__(self, nest: LoopNest, pack: Pack, bound: bool) -> None:
        self.nest = nest
        self.pack = pack
        self.bound = bound
        self.frame = Frame(len(nest.arrays) + 1, nest.axes, len(nest.arguments))
        self.blocks: list[Block] = []
        self.names: dict[Node, int] = {}
        self.next_name = 0
        self.makers: dict[int, Step] = {}
        self.arrays = {array: at for at, array in enumerate(nest.arrays)}
        self.arguments = {argument: at for at, argument in enumerate(nest.arguments)}
        in_registers = len(nest.isa.pointers)
        self.resident = in_registers if self.frame.arrays <= in_registers else in_registers - 1
        inner = nest.bodies[nest.axes]
        self.uses: dict[Node, int] = {}
        for body in nest.bodies:
            for node in body:
                for arg in node.args if isinstance(node, Apply) and node not in self.arguments else ():
                    self.uses[arg] = self.uses.get(arg, 0) + 1
        self.uses[nest.result] = self.uses.get(nest.result, 0) + 1
        self.fused = {
            node.args[0]: node
            for body in nest.bodies
            for node in body
            if isinstance(node, Apply) and node.op.name == "where" and self._fuses(node)
        }
        self.inner = frozenset(inner)
        self.itemsizes = [each.dtype.itemsize for each in (*nest.arrays, nest.result)]
        self.results: list[int] = []

    def _fuses(self, node: Apply) -> bool:
        """Tell whether where(comparison, a, b) is one stencil: the mask has no other use."""
        mask = node.args[0]
        return (
            isinstance(mask, Apply)
            and mask.op.signature == "TT->M"
            and mask.args[0].dtype is node.dtype
            and self.uses[mask] == 1
        )

    def stencil(self, operator: str, dtype: DType) -> Stencil:
        return self.pack[stencil_name(operator, dtype, self.nest.lane_bytes)]

    def fresh(self) -> int:
        self.next_name += 1
        return self.next_name - 1

    def frame_step(self, name: str, pointer: int | None = None, **values: Value) -> Step:
        return Step(self.pack[name], pointer=pointer, values=values)

    # -- pointers -------------------------------------------------------------------------------

    def visit(self, array: int) -> tuple[list[Step], int]:
        """Return the steps that bring an array's pointer into a register, and which."""
        if array < self.resident:
            return [], array
        step = self.frame_step("load_pointer", self.resident, SLOT=self.frame.pointer(array))
        return [step], self.resident

    def pointer_steps(self) -> Iterator[Step]:
        frame = self.frame
        outer = self.nest.axes > 1
        for array in range(frame.arrays):
            slot = frame.pointer(array)
            kept = array < self.resident
            register = array if kept else self.resident
            if self.bound and kept:
                yield self.frame_step("set_pointer", register, IMMEDIATE=Immediate(slot))
            elif self.bound:
                yield self.frame_step("set_slot", SLOT=slot, IMMEDIATE=Immediate(slot))
            elif outer:
                stride = frame.outer_stride(array)
                yield self.frame_step("start_pointer", register, SLOT=slot, SLOT2=stride)
                if not kept:
                    yield self.frame_step("store_pointer", register, SLOT=slot)
            elif kept:
                yield self.frame_step("load_pointer", register, SLOT=slot)

    def advance_steps(self, axis: int) -> Iterator[Step]:
        for array, layout in enumerate(self.nest.layouts):
            if not layout[: axis + 1].strip(BROADCAST):
                continue  # nothing has moved it
            steps, register = self.visit(array)
            yield from steps
            yield self.frame_step(
                "advance_pointer", register, SLOT=self.frame.increment(array, axis)
            )
            if steps:
                yield self.frame_step("store_pointer", register, SLOT=self.frame.pointer(array))

    def word_steps(self) -> Iterator[Step]:
        """Yield the steps by which a bound kernel writes its call into the block."""
        frame, nest = self.frame, self.nest
        words = [frame.argument(at) for at in range(frame.arguments)]
        words += [frame.stride(a) for a, layout in enumerate(nest.layouts) if layout[-1] == "s"]
        if nest.axes > 1:
            words += [frame.extent(axis) for axis in range(1, nest.axes)]
            words += [
                frame.increment(array, axis)
                for axis in range(nest.axes - 1)
                for array, layout in enumerate(nest.layouts)
                if layout[: axis + 1].strip(BROADCAST)
            ]
        for word in words:
            yield self.frame_step("set_slot", SLOT=word, IMMEDIATE=Immediate(word))
        yield self.frame_step("set_range", IMMEDIATE=Immediate(frame.extent(0)))

    # -- values ---------------------------------------------------------------------------------

    def body(
        self, nodes: Sequence[Node], vectors: int = 1, tail: bool = False
    ) -> Iterator[Step]:
        """Yield the steps of a body, each for all its vectors before the next one."""
        renamed: list[dict[Node, int]] = [{} for _ in range(vectors)]
        last_use = {arg: node for node in nodes for arg in self.args(node)}
        last_use[self.nest.result] = None
        for node in nodes:
            if node in self.fused:
                continue
            for vector in range(vectors):
                names = renamed[vector]
                operands = tuple(
                    names[arg] if arg in names else self.names[arg] for arg in self.args(node)
                )
                result = self.fresh()
                names[node] = result
                yield from self.node_steps(
                    node, operands, result, vector, tail,
                    dies=isinstance(node, Apply)
                    and node.op.name == "multiply_add"
                    and nodes is self.nest.bodies[-1]
                    and node.args[2] in names
                    and last_use[node.args[2]] is node
                    and node.args[2] not in node.args[:2],
                )  # fmt: skip
        if nodes is self.nest.bodies[self.nest.axes]:
            stored = self.nest.result
            self.results = [
                names[stored] if stored in names else self.names[stored] for names in renamed
            ]
        else:
            self.names |= renamed[0]

    def args(self, node: Node) -> tuple[Node, ...]:
        if not isinstance(node, Apply) or node in self.arguments:
            return ()
        if node.args and node.args[0] in self.fused and self.fused[node.args[0]] is node:
            comparison = node.args[0]
            assert isinstance(comparison, Apply)
            return (*comparison.args, *node.args[1:])
        return node.args

    def node_steps(
        self, node: Node, operands: tuple[int, ...], result: int, vector: int, tail: bool, dies: bool
    ) -> Iterator[Step]:
        if isinstance(node, Input) and node in self.arrays:
            yield from self.load(node, result, vector, tail)
            return
        if node in self.arguments:
            slot = self.frame.argument(self.arguments[node])
            step = Step(self.stencil("argument", node.dtype), result=result, values={"SLOT": slot})
            self.makers[result] = step
        elif isinstance(node, Constant):
            raw = node.bits.to_bytes(node.dtype.itemsize, "little")
            step = Step(self.stencil("constant", node.dtype), result=result, values={"POOL": raw})
            step.source = str(node.value)
            self.makers[result] = step
        else:
            assert isinstance(node, Apply)
            name = node.op.name
            dtype = node.dtype
            if node.op is CAST:
                name, dtype = f"cast_{node.dtype}", node.args[0].dtype
            elif node.op.masked:
                dtype = node.args[0].dtype
            elif len(operands) == 4:
                comparison = node.args[0]
                assert isinstance(comparison, Apply)
                name = f"where_{comparison.op.name}"
            elif dies:
                name = "multiply_add_tied"
            step = Step(self.stencil(name, dtype), operands, result)
        yield step

    def load(self, node: Input, result: int, vector: int, tail: bool) -> Iterator[Step]:
        array = self.arrays[node]
        layout = self.nest.layouts[array]
        steps, register = self.visit(array)
        yield from steps
        name, values = self.access("load", array, vector, tail)
        parameter = self.nest.graph.parameters[node.parameter]
        source = parameter + "".join(map(str, node.movement))
        yield Step(self.stencil(name, node.dtype), (), result, register, values, source)

    def access(
        self, name: str, array: int, vector: int, tail: bool
    ) -> tuple[str, dict[str, Value]]:
        """Return the stencil and the holes of a load or store of one of the vectors."""
        letter = self.nest.layouts[array][-1]
        if letter == BROADCAST:
            return f"{name}_broadcast", {}
        ahead = vector * self.nest.lanes
        if letter == CONTIGUOUS:
            itemsize = self.itemsizes[array]
            return (f"{name}_tail", {}) if tail else (name, {"OFFSET": ahead * itemsize})
        slot: dict[str, Value] = {"SLOT": self.frame.stride(array)}
        return (
            (f"{name}_strided_tail", slot) if tail else (f"{name}_strided", slot | {"AHEAD": ahead})
        )

    def store(self, value: int, vector: int, tail: bool) -> Iterator[Step]:
        array = len(self.nest.arrays)
        steps, register = self.visit(array)
        yield from steps
        name, values = self.access("store", array, vector, tail)
        stencil = self.stencil(name, self.nest.result.dtype)
        yield Step(stencil, (value,), None, register, values, "out")

    # -- loops ----------------------------------------------------------------------------------

    def innermost(self, vectors: int, tail: bool = False) -> list[Step]:
        """Return the steps of one pass of the inner loop: the body, then the stores."""
        steps = list(self.body(self.nest.bodies[self.nest.axes], vectors, tail))
        for vector, value in enumerate(self.results):
            steps += self.store(value, vector, tail)
        return steps

    def run(self) -> Selection:
        nest, frame = self.nest, self.frame
        inner = nest.axes
        start: list[Step | Label] = [self.frame_step("entry", BODY="body"), Label("body")]
        if self.bound:
            start += self.word_steps()
        start += self.pointer_steps()
        self.blocks.append(Block(0, start))
        for depth, nodes in enumerate(nest.bodies[:-1]):
            opening: list[Step | Label] = []
            if depth:
                axis = depth - 1
                slot = frame.counter(axis)
                if axis:
                    opening.append(
                        self.frame_step("count_axis", SLOT=slot, SLOT2=frame.extent(axis))
                    )
                else:
                    opening.append(self.frame_step("count_range", SLOT=slot))
                opening.append(Label(f"axis{axis}"))
            self.blocks.append(Block(depth, [*opening, *self.body(nodes)]))
        if inner > 1:
            step = self.frame_step("inner_range", SLOT=frame.extent(inner - 1))
            self.blocks.append(Block(inner - 1, [step]))
        widths = (nest.vectors, 1) if nest.vectors > 1 else (1,)
        for width in widths:
            self.vector_loop(width)
        self.tail()
        closing: list[Step | Label] = []
        for axis in range(inner - 2, -1, -1):
            closing += self.advance_steps(axis)
            closing.append(
                self.frame_step("repeat", SLOT=frame.counter(axis), HEAD=f"axis{axis}")
            )
        closing.append(self.frame_step("finish"))
        self.blocks.append(Block(0, closing))
        return Selection(nest, frame, tuple(self.blocks), self.makers, f"by{widths[0]}")

    def vector_loop(self, vectors: int) -> None:
        name, step = f"by{vectors}", vectors * self.nest.lanes
        guard = self.frame_step("vectors", STEP=step, SKIP=f"{name}_done")
        self.blocks.append(Block(self.nest.axes - 1, [guard]))
        self.blocks.append(
            Block(
                self.nest.axes,
                [
                    Label(name),
                    *self.innermost(vectors),
                    self.frame_step("next_vectors", STEP=step, HEAD=name),
                ],
            )
        )
        done = self.frame_step("vectors_done", STEP=step)
        self.blocks.append(Block(self.nest.axes - 1, [Label(f"{name}_done"), done]))

    def tail(self) -> None:
        guard = self.frame_step("tail", SKIP="tail_done")
        items: list[Step | Label] = [*self.innermost(1, tail=True)]
        if not self.nest.isa.masked_tail:
            items = [Label("tail"), *items, self.frame_step("next_element", HEAD="tail")]
        self.blocks.append(Block(self.nest.axes - 1, [guard]))
        self.blocks.append(Block(self.nest.axes, items))
        self.blocks.append(Block(self.nest.axes - 1, [Label("tail_done")]))


def select(nest: LoopNest, pack: Pack, *, bound: bool = False) -> Selection:
    """Choose the stencils of `nest`; a bound kernel holds the words of its call in its code."""
    return _Selector(nest, pack, bound).run()
