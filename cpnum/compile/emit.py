"""Assignment to Code: copies stencils and patches their holes.

The code of a kernel is its stencils laid end to end, then a pool: each distinct constant of the
graph once, and once the block that each stencil brings with it.  Offsets are those from the first
byte; the code runs at any address that puts `head`, where the main loop starts, on a cache line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cpnum.compile.assign import Assignment
from cpnum.compile.instances import Immediate, Instance, Item, Label
from cpnum.pack.stencil import Field, ValueHole
from cpnum.tables.block import Hole


class Patch(NamedTuple):
    """A value that went into a hole: which, where, and what.

    `value` is an offset in the code for a label or a constant of the pool.
    """

    symbol: Hole
    fields: tuple[Field, ...]
    value: int
    text: str


class Line(NamedTuple):
    """One stencil of the code: where it is, what it was copied from, what was patched in."""

    offset: int
    instance: Instance
    patches: tuple[Patch, ...]


class Code(NamedTuple):
    """The machine code of a kernel, and a listing that says which byte came from where.

    `size` is that of the stencils, in bytes; the pool follows.  `head` is where the main loop
    starts, which has to be on a cache line.
    """

    items: tuple[Item, ...]
    data: bytes
    size: int
    head: int
    labels: Mapping[str, int]
    pool: Mapping[bytes, int]

    def lines(self) -> tuple[Line, ...]:
        """Return the listing."""
        return tuple(
            Line(offset, instance, tuple(self._patches(instance)))
            for offset, instance in self.instances()
        )

    def instances(self) -> Iterator[tuple[int, Instance]]:
        """Yield the instances, each with the offset of its stencil."""
        offset = 0
        for item in self.items:
            if isinstance(item, Instance):
                yield offset, item
                offset += item.stencil.size

    def _patches(self, instance: Instance) -> list[Patch]:
        patches = []
        for hole in instance.stencil.values:
            value = hole.constant if hole.constant is not None else instance.values[hole.symbol]
            number: int
            match value:
                case bytes():
                    number, text = self.pool[value], f"0x{int.from_bytes(value, 'little'):x}"
                    if hole.symbol is Hole.POOL:
                        text = str(instance.source)
                case str():
                    number, text = self.labels[value], value
                case Immediate(offset):
                    number, text = 0, f"call+{offset}"
                case int():
                    number, text = value, str(value)
            patches.append(Patch(hole.symbol, hole.fields, number, text))
        return patches

    def bind(self, block: bytes) -> bytes:
        """Return the code with the words of a call in it, which stand in an argument block."""
        data = bytearray(self.data)
        for offset, instance in self.instances():
            for hole in instance.stencil.values:
                value = instance.values.get(hole.symbol)
                if isinstance(value, Immediate):
                    stencil = instance.stencil
                    end = offset + stencil.size
                    code = int.from_bytes(data[offset:end], "little")
                    word = block[value.offset : value.offset + 8]
                    code |= hole.encode(int.from_bytes(word, "little"))
                    data[offset:end] = code.to_bytes(stencil.size, "little")
        return bytes(data)


# The bytes of an instance with all patches that do not depend on its place, and the other patches.
_Patched = tuple[bytes, tuple[tuple[ValueHole, str | bytes], ...]]

# Instances that stand in many kernels are patched once; at most so many are remembered.
_MOST = 1 << 14
_patched: dict[Item, _Patched] = {}


def _patch(instance: Instance) -> _Patched:
    """Patch all that does not depend on the place of an instance, and remember it."""
    stencil, operands, results, temporaries, pointer, values, _, _ = instance
    registers = operands + (() if stencil.tied else results) + temporaries
    code = stencil.patch(registers, pointer)
    late: list[tuple[ValueHole, str | bytes]] = []
    for hole in stencil.values:
        value = values[hole.symbol] if hole.constant is None else hole.constant
        if type(value) is int:
            small = hole.plain is not None and 0 <= value < 1 << 31
            code |= value << hole.plain if small else hole.encode(value)  # type: ignore[operator]
        elif type(value) is not Immediate:
            assert isinstance(value, str | bytes)
            late.append((hole, value))
    patched = code.to_bytes(stencil.size, "little"), tuple(late)
    # Spills, and the makers of constants and scalars, hardly come again.
    if pointer is not None or not values or not registers:
        if len(_patched) >= _MOST:
            _patched.clear()
        _patched[instance] = patched
    return patched


def emit(assignment: Assignment, main_loop: str) -> Code:
    """Copy the stencils and patch all but the words that a bound kernel lacks.

    `main_loop` is the label that has to be on a cache line.
    """
    parts: list[bytes] = []
    labels: dict[str, int] = {}
    aligns: dict[bytes, int] = {}
    # Place in `parts`, offset in the code, and the patches that depend on it.
    later: list[tuple[int, int, tuple[tuple[ValueHole, str | bytes], ...]]] = []
    offset = 0
    for item, known in zip(assignment.items, map(_patched.get, assignment.items), strict=True):
        if known is not None:
            data, late = known
        elif type(item) is Label:
            labels[item.name] = offset
            continue
        else:
            assert type(item) is Instance
            data, late = _patch(item)
        if late:
            later.append((len(parts), offset, late))
            for hole, value in late:
                if type(value) is bytes:
                    align = len(value) if hole.constant is None else hole.align
                    if align > aligns.get(value, 0):
                        aligns[value] = align
        parts.append(data)
        offset += len(data)
    head = labels[main_loop]
    pool = _pool(aligns, offset, head)
    for at, start, late in later:
        data = parts[at]
        code = int.from_bytes(data, "little")
        for hole, value in late:
            target = labels[value] if type(value) is str else pool[value]  # type: ignore[index]
            if target > start and hole.linear is not None:
                ones, offsets = hole.linear
                code |= (target - start) * ones + offsets
            else:
                code |= hole.encode(target - start)
        parts[at] = code.to_bytes(len(data), "little")
    end = offset
    for constant, place in pool.items():
        parts.append(b"\0" * (place - end))
        parts.append(constant)
        end = place + len(constant)
    return Code(assignment.items, b"".join(parts), offset, head, labels, pool)


def _pool(aligns: dict[bytes, int], start: int, head: int) -> dict[bytes, int]:
    """Place each constant at a multiple of its alignment, the strictest first."""
    pool: dict[bytes, int] = {}
    offset = start
    for constant in sorted(aligns, key=aligns.__getitem__, reverse=True):
        offset += -(offset - head) % aligns[constant]
        pool[constant] = offset
        offset += len(constant)
    return pool
