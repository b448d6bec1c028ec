"""Copies stencils and patches their holes: steps to bytes.

The code of a kernel is its stencils laid end to end, then a pool: each distinct constant of the
graph once, and once the block that each stencil brings with it.  Offsets are those from the first
byte; the code runs at any address that puts `head`, where the main loop starts, on a cache line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from cpnum.compile.assign import Assignment
from cpnum.compile.steps import Immediate, Label, Placed
from cpnum.pack.stencil import Field, ValueHole


class Patch(NamedTuple):
    """A value that went into a hole: which, where, and what.

    `value` is an offset in the code for a label or a constant of the pool.
    """

    symbol: str
    fields: tuple[Field, ...]
    value: int
    text: str


class Line(NamedTuple):
    """One stencil of the code: where it is, what it was copied from, what was patched in."""

    offset: int
    step: Placed
    patches: tuple[Patch, ...]


class Code(NamedTuple):
    """The machine code of a kernel, and a listing that says which byte came from where."""

    assignment: Assignment
    data: bytes
    size: int
    head: int
    labels: Mapping[str, int]
    pool: Mapping[bytes, int]

    def lines(self) -> tuple[Line, ...]:
        """Return the listing."""
        return tuple(
            Line(offset, step, tuple(self._patches(step))) for offset, step in self.placed()
        )

    def placed(self) -> Iterator[tuple[int, Placed]]:
        """Yield the steps, each with the offset of its stencil."""
        offset = 0
        for item in self.assignment.items:
            if isinstance(item, Placed):
                yield offset, item
                offset += item.stencil.size

    def _patches(self, step: Placed) -> list[Patch]:
        patches = []
        for hole in step.stencil.values:
            value = hole.constant if hole.constant is not None else step.values[hole.symbol]
            number: int
            match value:
                case bytes():
                    number, text = self.pool[value], f"0x{int.from_bytes(value, 'little'):x}"
                    if hole.symbol == "POOL":
                        text = str(step.source)
                case str():
                    number, text = self.labels[value], value
                case Immediate(offset):
                    number, text = 0, f"call+{offset}"
                case int():
                    number, text = value, str(value)
            patches.append(Patch(hole.symbol, hole.fields, number, text))
        return patches

    def bind(self, word: Callable[[int], int]) -> bytes:
        """Return the code with the words of a call in it: `word(offset)` is one of its block."""
        data = bytearray(self.data)
        for offset, step in self.placed():
            for hole in step.stencil.values:
                value = step.values.get(hole.symbol)
                if isinstance(value, Immediate):
                    stencil = step.stencil
                    end = offset + stencil.size
                    code = int.from_bytes(data[offset:end], "little")
                    code |= hole.encode(word(value.offset))
                    data[offset:end] = code.to_bytes(stencil.size, "little")
        return bytes(data)


def _prepare(step: Placed) -> bytes:
    """Patch what does not depend on where the step stands, and note the rest in `step.late`."""
    stencil = step.stencil
    code = stencil.patch(step.registers, step.pointer)
    late: list[tuple[ValueHole, str | bytes]] = []
    for hole in stencil.values:
        value = step.values[hole.symbol] if hole.constant is None else hole.constant
        if type(value) is int:
            small = hole.plain is not None and 0 <= value < 1 << 31
            code |= value << hole.plain if small else hole.encode(value)  # type: ignore[operator]
        elif type(value) is not Immediate:
            assert isinstance(value, str | bytes)
            late.append((hole, value))
    step.late = tuple(late)
    step.data = code.to_bytes(stencil.size, "little")
    return step.data


def emit(assignment: Assignment) -> Code:
    """Copy the stencils and patch what is known: all but the words that a bound kernel lacks."""
    parts: list[bytes] = []
    labels: dict[str, int] = {}
    aligns: dict[bytes, int] = {}
    later: list[tuple[int, int, Placed]] = []  # index in parts, offset in the code
    offset = 0
    for item in assignment.items:
        if type(item) is Label:
            labels[item.name] = offset
            continue
        assert type(item) is Placed
        data = item.data
        if data is None:
            data = _prepare(item)
        if item.late:
            later.append((len(parts), offset, item))
            for hole, value in item.late:
                if type(value) is bytes:
                    align = len(value) if hole.constant is None else hole.align
                    if align > aligns.get(value, 0):
                        aligns[value] = align
        parts.append(data)
        offset += len(data)
    head = labels[assignment.selection.main_loop]
    pool = _pool(aligns, offset, head)
    for at, start, step in later:
        code = int.from_bytes(parts[at], "little")
        for hole, value in step.late:
            target = labels[value] if type(value) is str else pool[value]  # type: ignore[index]
            if target > start and hole.linear is not None:
                ones, offsets = hole.linear
                code |= (target - start) * ones + offsets
            else:
                code |= hole.encode(target - start)
        parts[at] = code.to_bytes(step.stencil.size, "little")
    end = offset
    for constant, place in pool.items():
        parts.append(b"\0" * (place - end))
        parts.append(constant)
        end = place + len(constant)
    return Code(assignment, b"".join(parts), offset, head, labels, pool)


def _pool(aligns: dict[bytes, int], start: int, head: int) -> dict[bytes, int]:
    """Place each constant at a multiple of its alignment, the strictest first."""
    pool: dict[bytes, int] = {}
    offset = start
    for constant in sorted(aligns, key=aligns.__getitem__, reverse=True):
        offset += -(offset - head) % aligns[constant]
        pool[constant] = offset
        offset += len(constant)
    return pool
