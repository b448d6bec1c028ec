"""Instances to Code: copies stencils and patches their holes.

The code of a kernel is its stencils end to end, then a pool: each constant of the graph once, and
the constants of each stencil once.  Offsets count from the first byte.  The code runs at any
address that puts `head`, where the main loop starts, on a cache line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cpnum.compile.instances import SHARED, Immediate, Instance, Item, Label, value_text
from cpnum.faces import pre
from cpnum.pack.holes import Field, ValueHole
from cpnum.remembered import Remembered
from cpnum.tables.block import Hole


class Patch(NamedTuple):
    """A hole, its bits in the stencil, and the value that was patched in.

    `value` is an offset in the code for a label or a constant of the pool.
    """

    symbol: Hole
    fields: tuple[Field, ...]
    value: int
    text: str


class Line(NamedTuple):
    """One instance of the code: the offset of its stencil, and its patches."""

    offset: int
    instance: Instance
    patches: tuple[Patch, ...]


class Code(NamedTuple):
    """The machine code of a kernel, and a listing that says where each byte came from.

    `pool_start` is the offset at which the stencils end and the pool starts.  `head` is where the
    main loop starts, which has to be on a cache line.
    """

    items: tuple[Item, ...]
    data: bytes
    pool_start: int
    head: int
    labels: Mapping[str, int]
    pool: Mapping[bytes, int]

    def __repr__(self) -> str:
        return f"<code: {len(self.data)} bytes, {sum(1 for _ in self.instances())} stencils>"

    def __str__(self) -> str:
        """Write each instance with its offset, and the constants."""
        lines = [f"{offset:#06x}  {instance}" for offset, instance in self.instances()]
        lines += [f"{offset:#06x}  {constant.hex()}" for constant, offset in self.pool.items()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return pre(str(self))

    def lines(self) -> tuple[Line, ...]:
        """Return the listing, one line for each instance."""
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
            number, text = 0, value_text(value)
            match value:
                case bytes():
                    number = self.pool[value]
                    if hole.symbol is Hole.POOL:
                        text = str(instance.source)
                case str():
                    number = self.labels[value]
                case int():
                    number = value
            patches.append(Patch(hole.symbol, hole.fields, number, text))
        return patches

    def bind(self, block: bytes) -> bytes:
        """Return the code of a bound call, with the words of its argument block patched in."""
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


# A hole whose value depends on the offset of its stencil, and the label or constant it refers to.
_Fixup = tuple[ValueHole, str | bytes]
# The bytes of an instance, all patched but the fixups.
_Patched = tuple[bytes, tuple[_Fixup, ...]]

# Instances that stand in many kernels are patched once.
_patched: Remembered[Item, _Patched] = Remembered()
_patched.most = SHARED.most


def _patch(instance: Instance) -> _Patched:
    """Patch all holes of an instance but its fixups, and remember it."""
    stencil, operands, results, temporaries, pointer, values, _, _ = instance
    registers = operands + (() if stencil.tied else results) + temporaries
    code = stencil.patch(registers, pointer)
    fixups: list[_Fixup] = []
    for hole in stencil.values:
        value = values[hole.symbol] if hole.constant is None else hole.constant
        if type(value) is int:
            small = hole.plain is not None and 0 <= value < 1 << 31
            code |= value << hole.plain if small else hole.encode(value)  # type: ignore[operator]
        elif type(value) is not Immediate:
            assert isinstance(value, str | bytes)
            fixups.append((hole, value))
    patched = code.to_bytes(stencil.size, "little"), tuple(fixups)
    # Spills, reloads and makers hardly come again.
    if pointer is not None or not values or not registers:
        _patched.remember(instance, patched)
    return patched


def emit(items: tuple[Item, ...], main_loop: str | None = None) -> Code:
    """Copy the stencils and patch all holes but the words of a bound call.

    `main_loop` is the label that has to be on a cache line, by default the first byte.
    """
    parts: list[bytes] = []
    labels: dict[str, int] = {}
    aligns: dict[bytes, int] = {}
    # (index in `parts`, offset in the code, fixups)
    unfixed: list[tuple[int, int, tuple[_Fixup, ...]]] = []
    offset = 0
    for item, known in zip(items, map(_patched.get, items), strict=True):
        if known is not None:
            data, fixups = known
        elif type(item) is Label:
            labels[item.name] = offset
            continue
        else:
            assert type(item) is Instance
            data, fixups = _patch(item)
        if fixups:
            unfixed.append((len(parts), offset, fixups))
            for hole, value in fixups:
                if type(value) is bytes:
                    align = len(value) if hole.constant is None else hole.align
                    if align > aligns.get(value, 0):
                        aligns[value] = align
        parts.append(data)
        offset += len(data)
    head = 0 if main_loop is None else labels[main_loop]
    pool = _pool(aligns, offset, head)
    for index, start, fixups in unfixed:
        data = parts[index]
        code = int.from_bytes(data, "little")
        for hole, value in fixups:
            target = labels[value] if type(value) is str else pool[value]  # type: ignore[index]
            if target > start and hole.linear is not None:
                ones, offsets = hole.linear
                code |= (target - start) * ones + offsets
            else:
                code |= hole.encode(target - start)
        parts[index] = code.to_bytes(len(data), "little")
    end = offset
    for constant, start in pool.items():
        parts.append(b"\0" * (start - end))
        parts.append(constant)
        end = start + len(constant)
    return Code(items, b"".join(parts), offset, head, labels, pool)


def _pool(aligns: dict[bytes, int], start: int, head: int) -> dict[bytes, int]:
    """Return the offset of each constant, the strictest alignment first."""
    pool: dict[bytes, int] = {}
    offset = start
    for constant in sorted(aligns, key=aligns.__getitem__, reverse=True):
        offset += -(offset - head) % aligns[constant]
        pool[constant] = offset
        offset += len(constant)
    return pool
