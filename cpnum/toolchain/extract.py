"""ELF to stencils: code, masks of the register holes, value holes, constants.

Strict: a section, relocation or symbol that is not known, a length that depends on a register, or
a mask that does not hold on further random assignments is an error that names the stencil.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from elftools.elf.elffile import ELFFile

from cpnum.errors import StencilError
from cpnum.tables.block import Hole
from cpnum.tables.isa import Isa
from cpnum.tables.stencils import Parameters
from cpnum.toolchain.architecture import Architecture, Bits, architecture_of
from cpnum.toolchain.assembly import Routine, rename

SYMBOLS = frozenset(Hole) - {Hole.CONSTANT}
PROOFS = 4


@dataclass(frozen=True, slots=True)
class Variant:
    """One assembly of a routine: the numbers of its vector registers and of the pointer."""

    label: str
    vectors: dict[int, int]
    pointer: int | None


@dataclass(slots=True)
class Plan:
    """The variants of one routine that have to be assembled to learn and to prove its masks."""

    routine: Routine
    parameters: Parameters
    base: Variant
    bits: dict[tuple[int, int], Variant] = field(default_factory=dict)
    pointers: dict[int, Variant] = field(default_factory=dict)
    proofs: list[Variant] = field(default_factory=list)

    def variants(self) -> Iterator[Variant]:
        """Yield all variants."""
        yield self.base
        yield from self.bits.values()
        yield from self.pointers.values()
        yield from self.proofs


def plan(routine: Routine, parameters: Parameters, isa: Isa) -> Plan:
    """Choose the variants: a base, one for each hole and bit flipped in it, and random ones.

    The numbers of the base have an even number of bits set, so that no flipped bit makes two equal:
    AArch64 has instructions (LDP) that may not name a register twice.
    """
    chance = random.Random(routine.name)  # the same variants in every build
    pointer = isa.pointers[0] if routine.pointer else None
    even = [number for number in isa.registers if number.bit_count() % 2 == 0]
    base = {register: even[at % len(even)] for at, register in enumerate(routine.vectors)}
    made = Plan(routine, parameters, Variant(f"{routine.name}.base", base, pointer))
    for register in routine.vectors:
        for bit in range(max(isa.registers).bit_length()):
            label = f"{routine.name}.r{register}b{bit}"
            made.bits[register, bit] = Variant(
                label, base | {register: base[register] ^ 1 << bit}, pointer
            )
    if routine.pointer:
        for number in isa.pointers:
            made.pointers[number] = Variant(f"{routine.name}.p{number}", base, number)
    for proof in range(PROOFS if routine.vectors or routine.pointer else 0):
        # Distinct numbers: some instructions refuse an operand twice.
        numbers = chance.sample(isa.registers, len(routine.vectors))
        made.proofs.append(
            Variant(
                f"{routine.name}.proof{proof}",
                dict(zip(routine.vectors, numbers, strict=True)),
                chance.choice(isa.pointers) if routine.pointer else None,
            )
        )
    return made


def text_of(plans: list[Plan], constants: list[str], isa: Isa) -> str:
    """Return the assembly text of all variants and the constants they refer to."""
    lines = [".text"]
    numbered = architecture_of(isa).numbered
    for each in plans:
        for variant in each.variants():
            pointer = None if variant.pointer is None else numbered[variant.pointer]
            lines.extend(rename(each.routine, variant.label, variant.vectors, pointer, isa))
    return "\n".join([*lines, *constants, ""])


@dataclass(frozen=True, slots=True)
class _Relocation:
    offset: int
    type: int
    symbol: str
    addend: int


# Elf64_Rela of a machine that is little-endian, as all are for which there are packs.
_RELOCATION = np.dtype([("offset", "<u8"), ("kind", "<u4"), ("symbol", "<u4"), ("addend", "<i8")])


class _Object:
    """An ELF object: the bytes and relocations of a label, the data of a constant."""

    def __init__(self, elf: bytes) -> None:
        file = ELFFile(io.BytesIO(elf))
        self._sections = list(file.iter_sections())
        table: Any = file.get_section_by_name(".symtab")
        text: Any = file.get_section_by_name(".text")
        self._symbols = list(table.iter_symbols())
        self._text = text.data()
        self._labels: dict[str, tuple[int, int]] = {}
        starts: dict[int, list[int]] = {}
        for symbol in self._symbols:
            index = symbol["st_shndx"]
            if isinstance(index, int) and symbol.name:
                self._labels[symbol.name] = (index, symbol["st_value"])
                starts.setdefault(index, []).append(symbol["st_value"])
        self._starts = {index: sorted(set(values)) for index, values in starts.items()}
        relocations: Any = file.get_section_by_name(".rela.text")
        # An object has 200,000 relocations, so they are not parsed one by one.
        read = np.frombuffer(relocations.data() if relocations else b"", _RELOCATION)
        self._relocations = read[np.argsort(read["offset"], kind="stable")]

    def code(self, label: str) -> tuple[bytes, tuple[_Relocation, ...]]:
        """Return the bytes of a label and the relocations in them, by offset from it."""
        start, end = self._labels[label][1], self._labels[f"{label}.end"][1]
        first, last = np.searchsorted(self._relocations["offset"], (start, end))
        found = tuple(
            [
                _Relocation(offset - start, kind, self._symbols[symbol].name, addend)
                for offset, kind, symbol, addend in self._relocations[first:last].tolist()
            ]
        )
        return self._text[start:end], found

    def constant(self, symbol: str) -> tuple[bytes, int]:
        """Return the bytes of a constant, to the next label of its section, and its alignment."""
        if symbol not in self._labels:
            raise StencilError(f"refers to {symbol}, which is neither a hole nor a constant")
        index, start = self._labels[symbol]
        section = self._sections[index]
        if not section.name.startswith(".rodata"):
            raise StencilError(f"refers to {symbol} in section {section.name}")
        following = [each for each in self._starts[index] if each > start]
        data = section.data()[start : following[0] if following else None]
        return data, section["sh_addralign"]


def _xor(one: bytes, other: bytes) -> int:
    return int.from_bytes(one, "little") ^ int.from_bytes(other, "little")


def _bits(mask: int) -> list[int]:
    bits = []
    while mask:
        low = mask & -mask
        bits.append(low.bit_length() - 1)
        mask ^= low
    return bits


def _early_clobber(
    routine: Routine, parameters: Parameters, architecture: Architecture
) -> list[int]:
    """Return the operands that are still read after a result's register is first named.

    The text is taken to run in its order, as straight lines and branches forward do; a branch
    backward makes every operand an early-clobber.
    """
    if not parameters.results or routine.tied:
        return []
    named: dict[int, list[int]] = {}
    backward = False
    labels: dict[str, int] = {}
    for at, line in enumerate(routine.lines):
        if line.endswith(":"):
            labels[line[:-1]] = at
        backward |= any(word in labels for word in line.split())
        for register in architecture.vectors(line):
            named.setdefault(register, []).append(at)
    results = range(parameters.operands, parameters.operands + parameters.results)
    first = min(named.get(result, [len(routine.lines)])[0] for result in results)
    return [
        operand
        for operand in range(parameters.operands)
        if backward or named.get(operand, [-1])[-1] > first
    ]


def _restores(routine: Routine, parameters: Parameters, architecture: Architecture) -> bool:
    """Tell whether the register of an operand may be used for something else and restored.

    An instruction that writes nothing, such as a comparison, counts as if it did.
    """
    kept = set(range(parameters.operands - routine.tied))
    written = (line.split(",")[architecture.destination] for line in routine.lines)
    return any(kept & architecture.vectors(operand) for operand in written)


def extract(each: Plan, obj: _Object, isa: Isa) -> dict[str, Any]:
    """Return the record of one stencil, as it stands in the pack.

    Raises:  StencilError, naming the stencil and the cause.
    """
    name = each.routine.name
    try:
        return _extract(each, obj, isa)
    except StencilError as error:
        raise StencilError(f"{isa} {name}: {error.message}") from None


def _extract(each: Plan, obj: _Object, isa: Isa) -> dict[str, Any]:
    code, relocations = obj.code(each.base.label)
    if not code:
        raise StencilError("clang made no code of it")

    def difference(variant: Variant) -> int:
        other, others = obj.code(variant.label)
        if len(other) != len(code):
            raise StencilError(
                f"its length depends on a register ({len(code)}, {len(other)} bytes)"
            )
        if others != relocations:
            raise StencilError("its relocations depend on a register")
        return _xor(code, other)

    masks = {key: difference(variant) for key, variant in each.bits.items()}

    def xor(vectors: Mapping[int, int]) -> int:
        flipped = 0
        for register, number in vectors.items():
            for bit in _bits(number):
                flipped ^= masks[register, bit]
        return flipped

    pointers = {number: difference(variant) for number, variant in each.pointers.items()}
    for variant in each.proofs:
        predicted = xor(variant.vectors) ^ xor(each.base.vectors)
        if variant.pointer is not None:
            predicted ^= pointers[variant.pointer]
        if difference(variant) != predicted:
            raise StencilError(f"its registers are not XOR-linear: {variant.vectors}")

    all_zero = int.from_bytes(code, "little") ^ xor(each.base.vectors)
    architecture, parameters = architecture_of(isa), each.parameters
    results = 0 if each.routine.tied else parameters.results
    given = parameters.operands + results
    temporaries = [number for number in each.routine.vectors if number >= given]
    if temporaries and not parameters.temporaries:
        raise StencilError("needs a temporary register, where there may be none")
    roles = ["input"] * parameters.operands + ["result"] * results
    roles += ["temporary"] * len(temporaries)
    width = max(isa.registers).bit_length()
    return {
        "name": each.routine.name,
        "code": all_zero.to_bytes(len(code), "little").hex(),
        "registers": [
            [role, [_bits(masks.get((number, bit), 0)) for bit in range(width)]]
            for role, number in zip(roles, [*range(given), *temporaries], strict=True)
        ],
        "operands": parameters.operands,
        "results": parameters.results,
        "tied": each.routine.tied,
        "restores": _restores(each.routine, parameters, architecture),
        "early_clobber": _early_clobber(each.routine, parameters, architecture),
        "pointer": [[number, _bits(mask)] for number, mask in pointers.items()] or None,
        "values": _values(code, relocations, obj, architecture.relocations),
        "assembly": list(each.routine.lines),
    }


def _values(
    code: bytes,
    relocations: tuple[_Relocation, ...],
    obj: _Object,
    known: Mapping[int, tuple[Bits, ...]],
) -> list[dict[str, Any]]:
    holes: dict[str, dict[str, Any]] = {}
    for relocation in relocations:
        if relocation.type not in known:
            raise StencilError(f"relocation type {relocation.type} at +{relocation.offset:#x}")
        symbol = relocation.symbol
        if symbol not in holes:
            hole: dict[str, Any] = {"symbol": symbol, "fields": [], "constant": None, "align": 1}
            if symbol not in SYMBOLS:
                if not all(bits.relative for bits in known[relocation.type]):
                    raise StencilError(f"the address of {symbol} is absolute: take it by ADDRESS")
                data, align = obj.constant(symbol)
                hole |= {"symbol": Hole.CONSTANT, "constant": data.hex(), "align": align}
            holes[symbol] = hole
        for at, width, shift, relative, checked in known[relocation.type]:
            bit = relocation.offset * 8 + at
            if int.from_bytes(code, "little") >> bit & ((1 << width) - 1):
                raise StencilError(f"the hole {symbol} at +{relocation.offset:#x} is not empty")
            holes[symbol]["fields"].append(
                [bit, width, shift, relocation.addend, relative, relocation.offset, checked]
            )
    return list(holes.values())


def read(elf: bytes) -> _Object:
    """Return an ELF object, ready for `extract`."""
    return _Object(elf)
