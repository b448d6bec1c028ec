"""Steps: stencils and what goes into their holes, and the argument block that they read.

What `select` makes of a loop nest, with virtual registers, and what `assign` makes of that, with
physical ones.

>>> print(Label("body"), Frame(arrays=2, axes=1, arguments=0).pointer(1))
body: 8
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cpnum.pack.stencil import Stencil, ValueHole


class Frame(NamedTuple):
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


class Immediate(NamedTuple):
    """A word of the call that a bound kernel holds in its code: the word's offset in the block."""

    offset: int


# What goes into a value hole: a number, a label, the bytes of a constant, or a word of the call.
Value = int | str | bytes | Immediate
Values = dict[str, Value]

NO_VALUES: Values = {}


class Step:
    """One stencil, and what goes into its holes.

    `operands` and `result` are virtual registers: numbers that mean a value; of two results, the
    second one's is the next number.  `pointer` is the
    general register of an array's pointer.  `tail`, of a load or store, is its stencil and values
    at the end of the range.  `source` is what the step does in the user's terms.
    """

    __slots__ = ("operands", "pointer", "result", "source", "stencil", "tail", "values")

    def __init__(
        self,
        stencil: Stencil,
        operands: tuple[int, ...] = (),
        result: int | None = None,
        pointer: int | None = None,
        values: Values = NO_VALUES,
        source: object = "",
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
        if self.result is not None:
            results = [f"v{self.result + at}" for at in range(self.stencil.results)]
            parts = [*results, "=", *parts]
        return " ".join(parts)


class Placed:
    """A stencil with physical registers: what `emit` copies and patches.

    The frame of a kernel has no values in vector registers, so its steps are placed as selected.
    """

    __slots__ = ("data", "late", "pointer", "registers", "source", "stencil", "values")

    def __init__(
        self,
        stencil: Stencil,
        registers: tuple[int, ...] = (),
        pointer: int | None = None,
        values: Values = NO_VALUES,
        source: object = "",
    ) -> None:
        self.stencil = stencil
        self.registers = registers
        self.pointer = pointer
        self.values = values
        self.source = source
        # What `emit` finds out once, for all places where the same step stands: the bytes with what
        # does not depend on the place, and the rest.
        self.data: bytes | None = None
        self.late: tuple[tuple[ValueHole, str | bytes], ...] = ()

    def __str__(self) -> str:
        parts = [self.stencil.name, *(f"r{each}" for each in self.registers)]
        if self.pointer is not None:
            parts.append(f"p{self.pointer}")
        parts += [f"{symbol}={value_text(value)}" for symbol, value in self.values.items()]
        return " ".join(parts)


# So many are remembered, of 0.8 KB on average: 12 MB at most.
_MOST = 1 << 14
_placed: dict[tuple[object, ...], Placed] = {}


def placed(
    stencil: Stencil,
    registers: tuple[int, ...],
    pointer: int | None = None,
    values: Values = NO_VALUES,
    source: object = "",
) -> Placed:
    """Return a step that stands in many kernels, the same one each time: `emit` patches it once.

    Made anew are those that hardly come again: constants, spills and reloads.
    """
    key: tuple[object, ...]
    if pointer is None:
        key = (stencil, registers)
        assert not values
    else:
        key = (stencil, registers, pointer, source, *values.items())
    step = _placed.get(key)
    if step is None:
        step = Placed(stencil, registers, pointer, values, source)
        if len(_placed) >= _MOST:
            _placed.clear()
        _placed[key] = step
    return step


def value_text(value: Value) -> str:
    """Return how a value is printed."""
    match value:
        case bytes():
            return f"0x{int.from_bytes(value, 'little'):x}"
        case Immediate(offset):
            return f"call+{offset}"
        case _:
            return str(value)


class Label(NamedTuple):
    """A place in the code that a step jumps to."""

    name: str

    def __str__(self) -> str:
        return f"{self.name}:"


Item = Step | Placed | Label


class Block(NamedTuple):
    """A straight line of steps.

    A block of the `frame` has no values in vector registers.  In a `tail`, loads and stores are
    those of the end of the range; its steps are those of the last vector loop, so that the same
    registers serve both.
    """

    items: Sequence[Item]
    frame: bool = False
    tail: bool = False
