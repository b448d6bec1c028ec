"""LoopNest to steps: which stencil does each step; registers are still virtual.

The steps stand in the order of the code, in blocks: a block is a straight line, and the innermost
ones repeat.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cpnum.dtypes import DType
from cpnum.ir import Apply, Constant, Input, Node
from cpnum.ops import CAST
from cpnum.schedule import BROADCAST, CONTIGUOUS, STRIDED, LoopNest
from cpnum.stencil import Pack, Stencil


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
Values = dict[str, Value]

_NO_VALUES: Values = {}


class Step:
    """One stencil, and what goes into its holes.

    `operands` and `result` are virtual registers: numbers that mean a value.  `pointer` is an
    array.  `tail`, of a load or store, is its stencil and values at the end of the range.  `source`
    is what the step does in the user's terms.
    """

    __slots__ = ("operands", "pointer", "result", "source", "stencil", "tail", "values")

    def __init__(
        self,
        stencil: Stencil,
        operands: tuple[int, ...] = (),
        result: int | None = None,
        pointer: int | None = None,
        values: Values = _NO_VALUES,
        source: str = "",
        tail: tuple[Stencil, Values] | None = None,
    ) -> None:
        self.stencil = stencil
        self.operands = operands
        self.result = result
        self.pointer = pointer
        self.values = values
        self.source = source
        self.tail = tail

    def __str__(self) -> str:
        parts = [self.stencil.name, *(f"v{each}" for each in self.operands)]
        if self.pointer is not None:
            parts.append(f"p{self.pointer}")
        parts += [f"{symbol}={value_text(value)}" for symbol, value in self.values.items()]
        return " ".join(parts if self.result is None else [f"v{self.result} =", *parts])


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


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A straight line of steps, `depth` loops deep.

    In a `tail`, loads and stores are those of the end of the range.  The steps of a tail are those
    of the last vector loop, so that its registers serve both.
    """

    depth: int
    items: Sequence[Step | Label]
    tail: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The steps of a kernel.

    `makers` are steps that make a value again wherever it is needed: constants and scalars need no
    spilling.  `main_loop` is the label of the loop that most time is spent in.
    """

    nest: LoopNest
    frame: Frame
    blocks: tuple[Block, ...]
    makers: dict[int, Step]
    main_loop: str

    def __str__(self) -> str:
        lines = []
        for block in self.blocks:
            for item in block.items:
                indent = "" if isinstance(item, Label) else "  "
                tail = "  (tail)" if block.tail and isinstance(item, Step) and item.tail else ""
                lines.append(f"{indent}{item}{tail}")
        return "\n".join(lines)


class _Choice(NamedTuple):
    """What is to be done for a node: its stencil, and the nodes that are its operands."""

    node: Node
    stencil: Stencil | None  # None: a load, which depends on the vector
    args: tuple[Node, ...]


class _Selector:
    """Chooses the stencils of one nest, loop by loop."""

    def __init__(self, nest: LoopNest, pack: Pack, bound: bool) -> None:
        self.nest = nest
        self.pack = pack
        self.bound = bound
        self.lane_bytes = nest.lane_bytes
        self.frame = Frame(len(nest.arrays) + 1, nest.axes, len(nest.arguments))
        self.blocks: list[Block] = []
        self.makers: dict[int, Step] = {}
        self.names: dict[Node, int] = {}  # of the values made outside of the innermost loop
        self.made = 0
        self.arrays = {array: at for at, array in enumerate(nest.arrays)}
        self.arguments = {argument: at for at, argument in enumerate(nest.arguments)}
        # With more arrays than registers, the last register is visited by those that found none.
        pointers = len(nest.isa.pointers)
        self.resident = pointers if self.frame.arrays <= pointers else pointers - 1
        self.fused = self._fused()
        self.itemsizes = [each.dtype.itemsize for each in (*nest.arrays, nest.result)]

    def _fused(self) -> set[Node]:
        """Return the comparisons that become one stencil with the `where` that alone uses them."""
        users: dict[Node, list[Apply]] = {}
        for body in self.nest.bodies:
            for node in body:
                if isinstance(node, Apply) and node not in self.arguments:
                    for arg in node.args:
                        if isinstance(arg, Apply) and arg.op.signature == "TT->M":
                            users.setdefault(arg, []).append(node)
        return {
            mask
            for mask, (user, *others) in users.items()
            if not others
            and user.op.name == "where"
            and mask is user.args[0]
            and mask not in user.args[1:]
            and mask is not self.nest.result
            and isinstance(mask, Apply)
            and mask.args[0].dtype is user.dtype
        }

    # -- values ---------------------------------------------------------------------------------

    def stencil(self, operator: str, dtype: DType) -> Stencil:
        return self.pack.of(operator, dtype, self.lane_bytes)

    def choose(self, nodes: Sequence[Node]) -> list[_Choice]:
        """Choose the stencil of each node of a body."""
        last_use: dict[Node, Node] = {}
        for node in nodes:
            if type(node) is Apply:
                for arg in node.args:
                    last_use[arg] = node
        here = set(nodes) if nodes is self.nest.bodies[-1] else set[Node]()
        choices = []
        for node in nodes:
            if node in self.fused:
                continue
            if node in self.arrays:
                choices.append(_Choice(node, None, ()))
            elif node in self.arguments:
                choices.append(_Choice(node, self.stencil("argument", node.dtype), ()))
            elif type(node) is Constant:
                choices.append(_Choice(node, self.stencil("constant", node.dtype), ()))
            else:
                assert isinstance(node, Apply)
                choices.append(self._choose_apply(node, last_use, here))
        return choices

    def _choose_apply(self, node: Apply, last_use: dict[Node, Node], here: set[Node]) -> _Choice:
        op, args = node.op, node.args
        if op is CAST:
            return _Choice(node, self.stencil(f"cast_{node.dtype}", args[0].dtype), args)
        if op.masked:
            return _Choice(node, self.stencil(op.name, args[0].dtype), args)
        if args[0] in self.fused:
            comparison = args[0]
            assert isinstance(comparison, Apply)
            stencil = self.stencil(f"where_{comparison.op.name}", node.dtype)
            return _Choice(node, stencil, (*comparison.args, *args[1:]))
        name = op.name
        if name == "multiply_add":
            addend = args[2]
            dies = addend in here and last_use[addend] is node and addend not in args[:2]
            name = "multiply_add_tied" if dies and addend is not self.nest.result else name
        return _Choice(node, self.stencil(name, node.dtype), args)

    def steps(self, choices: Sequence[_Choice], vectors: int, stored: bool) -> list[Step]:
        """Return the steps of a body, each for all vectors before the next; then the stores."""
        steps: list[Step] = []
        outer = self.names
        renamed: list[dict[Node, int]] = [{} for _ in range(vectors)]
        made = self.made
        for node, stencil, args in choices:
            for vector, names in enumerate(renamed):
                if stencil is None:
                    assert isinstance(node, Input)
                    steps += self.load(node, made, vector)
                elif args:
                    operands = tuple([names[a] if a in names else outer[a] for a in args])
                    steps.append(Step(stencil, operands, made))
                else:
                    steps.append(self.maker(node, stencil, made))
                names[node] = made
                made += 1
        self.made = made
        if stored:
            result = self.nest.result
            for vector, names in enumerate(renamed):
                steps += self.store(names[result] if result in names else outer[result], vector)
        else:
            outer |= renamed[0]
        return steps

    def maker(self, node: Node, stencil: Stencil, result: int) -> Step:
        """Return the step that makes a constant or a scalar of the call."""
        if isinstance(node, Constant):
            raw = node.bits.to_bytes(node.dtype.itemsize, "little")
            step = Step(stencil, (), result, None, {"POOL": raw}, str(node.value))
        else:
            slot = self.frame.argument(self.arguments[node])
            step = Step(stencil, (), result, None, {"SLOT": slot})
        self.makers[result] = step
        return step

    def load(self, node: Input, result: int, vector: int) -> list[Step]:
        array = self.arrays[node]
        source = self.nest.graph.parameters[node.parameter] + "".join(map(str, node.movement))
        steps, register = self.visit(array)
        if self.nest.layouts[array][-1] == BROADCAST:
            stencil, values, tail = self.stencil("load_broadcast", node.dtype), _NO_VALUES, None
        else:
            stencil, values, tail = self.access("load", node.dtype, array, vector)
        steps.append(Step(stencil, (), result, register, values, source, tail))
        return steps

    def store(self, value: int, vector: int) -> list[Step]:
        array = len(self.nest.arrays)
        steps, register = self.visit(array)
        stencil, values, tail = self.access("store", self.nest.result.dtype, array, vector)
        steps.append(Step(stencil, (value,), None, register, values, "out", tail))
        return steps

    def access(
        self, name: str, dtype: DType, array: int, vector: int
    ) -> tuple[Stencil, Values, tuple[Stencil, Values]]:
        """Return the stencil of a load or store of one of the vectors, and that of the tail."""
        ahead = vector * self.nest.lanes
        if self.nest.layouts[array][-1] == CONTIGUOUS:
            tail = self.stencil(f"{name}_tail", dtype), _NO_VALUES
            return self.stencil(name, dtype), {"OFFSET": ahead * self.itemsizes[array]}, tail
        slot = self.frame.stride(array)
        tail = self.stencil(f"{name}_strided_tail", dtype), {"SLOT": slot}
        return self.stencil(f"{name}_strided", dtype), {"SLOT": slot, "AHEAD": ahead}, tail

    # -- pointers and words of the call ---------------------------------------------------------

    def frame_step(self, name: str, pointer: int | None = None, **values: Value) -> Step:
        return Step(self.pack[name], (), None, pointer, values)

    def visit(self, array: int) -> tuple[list[Step], int]:
        """Return the steps that bring an array's pointer into a register, and the register."""
        if array < self.resident:
            return [], array
        slot = self.frame.pointer(array)
        return [self.frame_step("load_pointer", self.resident, SLOT=slot)], self.resident

    def pointers(self) -> Iterator[Step]:
        """Yield the steps that bring the pointers to where the range of the call begins."""
        frame = self.frame
        for array in range(frame.arrays):
            slot = frame.pointer(array)
            kept = array < self.resident
            register = array if kept else self.resident
            if self.bound and kept:
                yield self.frame_step("set_pointer", register, IMMEDIATE=Immediate(slot))
            elif self.bound:
                yield self.frame_step("set_slot", SLOT=slot, IMMEDIATE=Immediate(slot))
            elif self.nest.axes > 1:
                stride = frame.outer_stride(array)
                yield self.frame_step("start_pointer", register, SLOT=slot, SLOT2=stride)
                if not kept:
                    yield self.frame_step("store_pointer", register, SLOT=slot)
            elif kept:
                yield self.frame_step("load_pointer", register, SLOT=slot)

    def moved(self, array: int, axis: int) -> bool:
        """Tell whether an array's pointer has to advance at the end of an outer axis."""
        return self.nest.layouts[array][: axis + 1].strip(BROADCAST) != ""

    def advances(self, axis: int) -> Iterator[Step]:
        for array in range(self.frame.arrays):
            if not self.moved(array, axis):
                continue
            steps, register = self.visit(array)
            yield from steps
            increment = self.frame.increment(array, axis)
            yield self.frame_step("advance_pointer", register, SLOT=increment)
            if steps:
                yield self.frame_step("store_pointer", register, SLOT=self.frame.pointer(array))

    def words(self) -> Iterator[Step]:
        """Yield the steps by which a bound kernel writes the words of its call into the block."""
        frame, nest = self.frame, self.nest
        words = [frame.argument(at) for at in range(frame.arguments)]
        words += [frame.stride(a) for a, layout in enumerate(nest.layouts) if layout[-1] == STRIDED]
        words += [frame.extent(axis) for axis in range(1, nest.axes)]
        for axis in range(nest.axes - 1):
            words += [frame.increment(a, axis) for a in range(frame.arrays) if self.moved(a, axis)]
        for word in words:
            yield self.frame_step("set_slot", SLOT=word, IMMEDIATE=Immediate(word))
        yield self.frame_step("set_range", IMMEDIATE=Immediate(frame.extent(0)))

    # -- loops ----------------------------------------------------------------------------------

    def add(self, depth: int, *items: Step | Label, tail: bool = False) -> None:
        self.blocks.append(Block(depth, items, tail))

    def run(self) -> Selection:
        nest, frame, inner = self.nest, self.frame, self.nest.axes
        self.add(0, self.frame_step("entry", BODY="body"), Label("body"))
        if self.bound:
            self.add(0, *self.words())
        self.add(0, *self.pointers())
        for depth, nodes in enumerate(nest.bodies[:-1]):
            if depth:
                self.open_axis(depth - 1)
            self.add(depth, *self.steps(self.choose(nodes), 1, stored=False))
        if inner > 1:
            self.add(inner - 1, self.frame_step("inner_range", SLOT=frame.extent(inner - 1)))
        choices = self.choose(nest.bodies[-1])
        if nest.vectors > 1:
            self.vector_loop(self.steps(choices, nest.vectors, stored=True), nest.vectors)
        body = self.steps(choices, 1, stored=True)
        self.vector_loop(body, 1)
        self.tail(body)
        for axis in range(inner - 2, -1, -1):
            repeat = self.frame_step("repeat", SLOT=frame.counter(axis), HEAD=f"axis{axis}")
            self.add(axis + 1, *self.advances(axis), repeat)
        self.add(0, self.frame_step("finish"))
        return Selection(nest, frame, tuple(self.blocks), self.makers, f"by{nest.vectors}")

    def open_axis(self, axis: int) -> None:
        slot = self.frame.counter(axis)
        if axis:
            extent = self.frame.extent(axis)
            self.add(axis, self.frame_step("count_axis", SLOT=slot, SLOT2=extent))
        else:
            self.add(axis, self.frame_step("count_range", SLOT=slot))
        self.add(axis + 1, Label(f"axis{axis}"))

    def vector_loop(self, body: Sequence[Step], vectors: int) -> None:
        """Add the loop over as many vectors as fit the range."""
        name, step, depth = f"by{vectors}", vectors * self.nest.lanes, self.nest.axes
        self.add(depth - 1, self.frame_step("vectors", STEP=step, SKIP=f"{name}_done"))
        repeat = self.frame_step("next_vectors", STEP=step, HEAD=name)
        self.add(depth, Label(name))
        self.add(depth, *body)
        self.add(depth, repeat)
        self.add(depth - 1, Label(f"{name}_done"), self.frame_step("vectors_done", STEP=step))

    def tail(self, body: Sequence[Step]) -> None:
        """Add what is done for the elements that fill no vector."""
        depth = self.nest.axes
        self.add(depth - 1, self.frame_step("tail", SKIP="tail_done"))
        if self.nest.isa.masked_tail:
            self.add(depth, *body, tail=True)
        else:
            self.add(depth, Label("tail"))
            self.add(depth, *body, tail=True)
            self.add(depth, self.frame_step("next_element", HEAD="tail"))
        self.add(depth - 1, Label("tail_done"))


def select(nest: LoopNest, pack: Pack, *, bound: bool = False) -> Selection:
    """Choose the stencils of `nest`; a bound kernel holds the words of its call in its code."""
    return _Selector(nest, pack, bound).run()
