"""Stencils, and packs, which read each stencil when it is first asked for.

A stencil is one Python integer, its machine code read as a little-endian number, and patching is
arithmetic on it.  A register number is a few bits of an instruction, and these bits are XOR-linear
as long as the instruction's length does not depend on them:

    bytes(d, a, b) = bytes(0, 0, 0) ^ mask_d[d] ^ mask_a[a] ^ mask_b[b]

The pack builder has derived the masks from the assembler's own output and has proved them on random
assignments (`cpnum/toolchain/extract.py`).

A pack is a text file.  Its first line is an index, JSON: the ISA level, the digest of the sources,
and the offset and size of each stencil's line.  Each other line is one stencil, JSON.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from cpnum.errors import IsaError, StencilError
from cpnum.faces import pre
from cpnum.pack.disassembly import LEGEND, REGISTERS, disassembled, hex_text
from cpnum.pack.holes import Field, RegisterHole, Role, ValueHole, bytes_of
from cpnum.tables.block import MEANINGS, Hole
from cpnum.tables.dtypes import DType
from cpnum.tables.isa import LEVELS, Isa
from cpnum.tables.stencils import stencil_name

PACKS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "packs")

_REMEDY = "python -m cpnum.pack build, in a source checkout; or install a wheel"

NO_VALUES: dict[str, int] = {}

# Small numbers as words, in messages.
_COUNTS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Stencil:
    """Precompiled machine code with holes.

    `registers` are the operands, the results, then the temporaries.  A result may take the
    register of an operand that is not needed any more, unless the operand's index is in
    `early_clobber`: such an operand is read after the result is written.  If `tied`, the last
    operand and the result are one register.  A stencil that `restores` changes the register of an
    operand and restores it, so no two operands may have one register.  `pointer` maps a general
    register to the XOR that selects it.  `temporaries` counts the registers that are neither
    operands nor results.
    """

    name: str
    code: int
    size: int
    registers: tuple[RegisterHole, ...]
    operands: int
    results: int
    tied: bool
    early_clobber: frozenset[int]
    restores: bool
    pointer: dict[int, int] | None
    values: tuple[ValueHole, ...]
    assembly: tuple[str, ...]
    temporaries: int
    isa: Isa
    _patched: dict[tuple[int, ...], int]

    def patch(self, registers: tuple[int, ...], pointer: int | None = None) -> int:
        """Return the code with these registers in its holes."""
        key = registers if pointer is None else (*registers, pointer)
        code = self._patched.get(key)
        if code is None:
            code = self.code
            for hole, register in zip(self.registers, registers, strict=True):
                code ^= hole.xor(register)
            if pointer is not None and self.pointer is not None:
                code ^= self.pointer[pointer]
            # The same registers come again in every kernel; 4096 entries bound the memory.
            if len(self._patched) < 4096:
                self._patched[key] = code
        return code

    def fill(
        self,
        registers: Sequence[int] = (),
        pointer: int | None = None,
        values: Mapping[str, int] = NO_VALUES,
        at: int = 0,
    ) -> bytes:
        """Return the stencil's bytes with all of its holes filled.

        `registers` are in the order of `self.registers`.  `values` are by the holes' names.  The
        value of a jump or of a constant is its offset in code where this stencil starts at `at`.

        Raises:  StencilError if a hole has no value, a value has no hole, or one does not fit.

        >>> load("x86-64-v4")["add_f64"].fill((0, 1, 2)).hex(" ")
        '62 f1 fd 48 58 d1'
        >>> load("x86-64-v4")["vectors"].fill(values={"STEP": 8, "SKIP": 0x40}, at=0x10).hex(" ")
        'b8 08 00 00 00 49 29 c6 4d 39 f5 0f 8f 1f 00 00 00'
        """
        self.check(registers, pointer, values)
        code = self.patch(tuple(registers), pointer)
        for hole in self.values:
            value = values[hole.symbol]
            relative = any(field.relative for field in hole.fields)
            try:
                code |= hole.encode(value - at if relative else value)
            except OverflowError as error:
                raise StencilError(f"{self.name}: {hole.symbol}: {error}") from None
        return code.to_bytes(self.size, "little")

    def check(
        self, registers: Sequence[int], pointer: int | None, values: Mapping[str, object]
    ) -> None:
        """Check what is to fill the holes: each has something, and registers fit each other.

        Raises:  StencilError, which says what the stencil needs.

        >>> load("x86-64-v3")["add_f64"].check((0, 1, 99), None, {})
        Traceback (most recent call last):
        cpnum.errors.StencilError: add_f64: there is no register 99
          seen: registers 0, 1, 99
          write three numbers of 0 to 15: input, input, result
        """
        roles = [hole.role for hole in self.registers]
        fault = self._fault(roles, registers)
        if fault:
            first, last = self.isa.registers[0], self.isa.registers[-1]
            wanted = f"{_COUNTS.get(len(roles), len(roles))} number{'s' * (len(roles) > 1)} of "
            raise StencilError(
                f"{self.name}: {fault}",
                seen=f"registers {', '.join(map(str, registers)) or 'none'}",
                write=f"{wanted}{first} to {last}: {', '.join(roles)}" if roles else "no registers",
            )
        if pointer not in (self.pointer or (None,)):
            allowed = ", ".join(map(str, self.pointer or ()))
            raise StencilError(
                f"{self.name}: {'no such' if allowed else 'it has no hole for a'} pointer",
                seen=f"pointer {pointer}",
                write=f"pointer=N, one of the general registers {allowed}" if allowed else None,
            )
        wanted_values = [str(hole.symbol) for hole in self.values]
        if sorted(values) != sorted(wanted_values):
            raise StencilError(
                f"{self.name}: its value holes are {', '.join(wanted_values) or 'none'}",
                seen=f"values for {', '.join(values) or 'none'}",
                write="; ".join(f"{each}: {MEANINGS[Hole(each)]}" for each in wanted_values)
                or "no values",
            )
        for name, value in values.items():
            if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
                raise StencilError(
                    f"{self.name}: {name} has 64 bits at most", seen=f"{name}={value}"
                )

    def _fault(self, roles: list[Role], registers: Sequence[int]) -> str | None:
        """Return what is wrong with registers for the holes, None if nothing is."""
        if len(registers) != len(roles):
            return f"it has {len(roles)} register holes, and {len(registers)} numbers are given"
        for number in registers:
            if number not in self.isa.registers:
                return f"there is no register {number}"
        inputs, others = registers[: self.operands], registers[self.operands :]
        read_late = {inputs[at] for at in self.early_clobber}
        results = others[: len(others) - self.temporaries]
        temporaries = others[len(results) :]
        if len(set(others)) < len(others) or not {*inputs, *results}.isdisjoint(temporaries):
            return "each result and each temporary needs a register of its own"
        if not read_late.isdisjoint(results):
            return "a result may not take the register of an operand that is read after it"
        if self.restores and len(set(inputs)) < len(inputs):
            return "its operands need different registers"
        return None

    def show(self) -> None:
        """Print the stencil: its instructions with the holes marked, and where the holes are.

        >>> load("x86-64-v4")["finish"].show()
        finish: 4 bytes, x86-64-v4
        code     [ ] a patched value, ( ) bits of register numbers
          0x0000  c5 f8 77  vzeroupper
          0x0003  c3        ret
        holes    bits of the code, counted from the first byte's lowest
        """
        sys.stdout.write(f"{self}\n")

    @property
    def register_bytes(self) -> list[int]:
        """The byte offsets in the code that have bits of register numbers."""
        bits = 0
        masks = [mask for hole in self.registers for mask in hole.masks]
        for mask in (*masks, *(self.pointer or {}).values()):
            bits |= mask
        return [at for at, byte in enumerate(bits.to_bytes(self.size, "little")) if byte]

    def instructions(self) -> Iterator[tuple[int, str, str]]:
        """Yield offset, marked bytes and assembly of each instruction.

        Registers 0, 1, 2 and so on are in its holes.
        """
        holes: dict[int, str] = dict.fromkeys(self.register_bytes, REGISTERS)
        for value in self.values:
            holes |= dict.fromkeys(bytes_of(value.fields), str(value.symbol))
        pointer = next(iter(self.pointer)) if self.pointer else None
        code = self.patch(tuple(range(len(self.registers))), pointer)
        offset = 0
        for data, text in disassembled(
            code.to_bytes(self.size, "little"), 0, self.isa.architecture
        ):
            yield offset, hex_text(data, offset, holes), text
            offset += len(data)

    def __repr__(self) -> str:
        return f"<stencil {self.name}: {self.size} bytes>"

    def __str__(self) -> str:
        """Write its code, with the holes marked, and where in the code they are."""
        lines = [f"{self.name}: {self.size} bytes, {self.isa}", f"code     {LEGEND}"]
        code = list(self.instructions())
        width = max((len(digits) for _, digits, _ in code), default=0)
        for offset, digits, text in code:
            lines.append(f"  {offset:#06x}  {digits:{width}}  {text}".rstrip())
        lines.append("holes    bits of the code, counted from the first byte's lowest")
        for at, hole in enumerate(self.registers):
            early = ", early-clobber" if at in self.early_clobber else ""
            bits = " ".join(str(_bits(mask)) for mask in hole.masks)
            lines.append(f"  {hole.role}, here register {at}{early}: {bits}")
        if self.pointer:
            lines.append(f"  pointer: one of {len(self.pointer)} general registers")
        for value in self.values:
            fields = " ".join(f"{each.at}+{each.width}" for each in value.fields)
            constant = f" = {value.constant.hex()}" if value.constant is not None else ""
            lines.append(f"  {value.symbol}: {fields}{constant}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return pre(str(self))


def _bits(mask: int) -> list[int]:
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]


def _mask(bits: list[int]) -> int:
    # Not as a sum of powers of two: each would be as long as the stencil, up to 3 KB.
    data = bytearray(bits[-1] // 8 + 1 if bits else 0)
    for bit in bits:
        data[bit >> 3] |= 1 << (bit & 7)
    return int.from_bytes(data, "little")


def _values(holes: list[dict[str, Any]]) -> tuple[ValueHole, ...]:
    """Return the value holes of a stencil; its constants, joined, are one hole."""
    values: list[ValueHole] = []
    fields: list[Field] = []
    joined = b""
    constants = [hole for hole in holes if hole["constant"] is not None]
    for hole in sorted(constants, key=lambda hole: -hole["align"]):
        joined += bytes(-len(joined) % hole["align"])
        for at, width, shift, addend, *rest in hole["fields"]:
            fields.append(Field(at, width, shift, addend + len(joined), *rest))
        joined += bytes.fromhex(hole["constant"])
    for hole in holes:
        if hole["constant"] is None:
            values.append(_hole(hole["symbol"], [Field(*each) for each in hole["fields"]]))
    if joined:
        align = max(hole["align"] for hole in constants)
        values.append(_hole("CONSTANT", fields, joined, align))
    return tuple(values)


def _hole(
    symbol: str, fields: list[Field], constant: bytes | None = None, align: int = 1
) -> ValueHole:
    linear = None
    if all(each.relative and each.width == 32 and each.shift == 0 for each in fields):
        ones = sum(1 << each.at for each in fields)
        linear = ones, sum((each.addend - each.origin) << each.at for each in fields)
    first = fields[0]
    absolute = len(fields) == 1 and not first.relative and not first.shift and not first.addend
    plain = first.at if absolute and first.width == 32 else None
    return ValueHole(Hole(symbol), tuple(fields), constant, align, linear, plain)


def stencil_of(record: dict[str, Any], isa: Isa) -> Stencil:
    """Return the stencil of a record of a pack."""
    code = bytes.fromhex(record["code"])
    return Stencil(
        name=record["name"],
        code=int.from_bytes(code, "little"),
        size=len(code),
        registers=tuple(
            RegisterHole(role, tuple(_mask(bits) for bits in masks))
            for role, masks in record["registers"]
        ),
        operands=record["operands"],
        results=record["results"],
        tied=record["tied"],
        early_clobber=frozenset(record["early_clobber"]),
        restores=record["restores"],
        pointer=(
            {register: _mask(bits) for register, bits in record["pointer"]}
            if record["pointer"] is not None
            else None
        ),
        values=_values(record["values"]),
        assembly=tuple(record["assembly"]),
        temporaries=sum(role == "temporary" for role, _ in record["registers"]),
        isa=isa,
        _patched={},
    )


def _end(lines: dict[str, tuple[int, int]]) -> int:
    *_, (offset, size) = lines.values()
    return offset + size


class Pack:
    """The stencils of one ISA level, a mapping from name to stencil.

    Raises:  IsaError if the file is not whole.

    >>> pack = load("x86-64-v4")
    >>> pack["add_f64"].size
    6
    >>> len(pack["add_f64"].registers)
    3
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        start = perf_counter()
        # Read at once, 3 MB: a pack may be replaced on disk while a process uses it.
        with open(path, "rb") as file:
            self._data = file.read()
        self._base = self._data.find(b"\n") + 1
        import json  # here and below: 1.5 ms, which a look at a graph can do without

        index = json.loads(self._data[: self._base]) if self._base else None
        if index is None or self._base + _end(index["stencils"]) != len(self._data):
            raise IsaError(
                f"the stencil pack {os.path.basename(path)} is not whole",
                seen=f"{len(self._data)} bytes in {os.fspath(path)}",
                write=_REMEDY,
            )
        self.isa: str = index["isa"]
        self.digest: str = index["digest"]
        self._lines: dict[str, tuple[int, int]] = index["stencils"]
        self._stencils: dict[str, Stencil] = {}
        self._by_stem: dict[tuple[str, DType, int], Stencil] = {}
        self._seconds = perf_counter() - start

    def __repr__(self) -> str:
        return f"<pack {self.isa}: {len(self)} stencils, digest {self.digest}>"

    def _repr_html_(self) -> str:
        return pre(f"{self!r}\n{', '.join(self)}")

    @property
    def level(self) -> Isa:
        """The ISA level of its stencils."""
        return LEVELS[self.isa]

    def seconds(self) -> float:
        """Return the time in which the pack and its stencils were read since the last such call."""
        seconds, self._seconds = self._seconds, 0.0
        return seconds

    def of(self, stem: str, dtype: DType, lane_bytes: int) -> Stencil:
        """Return the stencil of a stem for a dtype, in lanes of `lane_bytes`.

        >>> from cpnum.tables.dtypes import F32
        >>> load("x86-64-v4").of("add", F32, 8)
        <stencil add_f32_lane8: 6 bytes>
        """
        key = stem, dtype, lane_bytes
        stencil = self._by_stem.get(key)
        if stencil is None:
            maker = _makers.get(stem)
            if maker is None:
                stencil = self[stencil_name(stem, dtype, lane_bytes)]
            else:
                clock = perf_counter()
                stencil = maker(dtype, lane_bytes, self.level)
                self._seconds += perf_counter() - clock
            self._by_stem[key] = stencil
        return stencil

    def __contains__(self, name: str) -> bool:
        return name in self._lines

    def __iter__(self) -> Any:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, name: str) -> Stencil:
        try:
            return self._stencils[name]
        except KeyError:
            pass
        try:
            offset, size = self._lines[name]
        except KeyError:
            raise StencilError(f"the pack {self.isa} has no stencil {name}") from None
        import json

        clock = perf_counter()
        start = self._base + offset
        record = json.loads(self._data[start : start + size])
        stencil = stencil_of(record, self.level)
        self._seconds += perf_counter() - clock
        return self._stencils.setdefault(name, stencil)


# Makes the stencil of a stem that is on no disk, for a dtype, bytes of a lane and an ISA level.
Maker = Callable[[DType, int, Isa], Stencil]
_makers: dict[str, Maker] = {}


def provide(stem: str, maker: Maker) -> None:
    """Give every pack the stencils of a further stem; they are made when they are asked for.

    >>> provide("doubled", lambda dtype, lane_bytes, isa: load(isa).of("add", dtype, lane_bytes))
    >>> from cpnum.tables.dtypes import F32
    >>> load("x86-64-v4").of("doubled", F32, 4)
    <stencil add_f32: 6 bytes>
    """
    _makers[stem] = maker


@functools.cache
def load(isa: Isa | str) -> Pack:
    """Return the pack of an ISA level.

    Raises:  IsaError if the package was built without it, or it is not whole.
    """
    name = f"{isa}.pack"
    try:
        return Pack(os.path.join(PACKS, name))
    except FileNotFoundError:
        raise IsaError(
            f"no stencil pack for {isa}",
            seen=f"no file {name} beside the package",
            write=_REMEDY,
        ) from None
