"""Object files of other compilers as assembly text, of which stencils are made.

A C function takes vectors in the registers 0, 1, ..., returns one in register 0, and may change all
of them.  A stencil has its result in a register of its own, and leaves its operands as they were.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import capstone  # type: ignore[import-untyped, unused-ignore]
from elftools.elf.elffile import ELFFile

from cpnum.errors import StencilError
from cpnum.tables.isa import Isa
from cpnum.toolchain import compiler, extract
from cpnum.toolchain.architecture import X86_64

# The vector registers of a level, by its bytes of a vector, and how one is copied to another.
_WIDTHS = {16: "xmm", 32: "ymm", 64: "zmm"}
_COPY = "vmovapd %{width}{source}, %{width}{target}"
_RIP = re.compile(r"(-?(?:0x)?[0-9a-f]+)?\(%rip\)")
_JUMP = re.compile(r"^(j\w+) (0x[0-9a-f]+|\d+)$")
# What no stencil may do, by the reason.
_REFUSED = {
    "it clears the upper halves of all vectors": re.compile(r"^vzero"),
    "it calls another function": re.compile(r"^call|^jmp\w* \*"),
}


class _Instruction(NamedTuple):
    offset: int
    size: int
    text: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function of an object file: its bytes, instructions, and the constants that it reads.

    `constants` are their bytes and alignment by their label, `reads` a label by the offset of the
    instruction that reads it.
    """

    name: str
    data: bytes
    instructions: tuple[_Instruction, ...]
    constants: Mapping[str, tuple[bytes, int]]
    reads: Mapping[int, str]

    def lines(self) -> Iterator[str]:
        """Yield the assembly text, in AT&T's order, with labels where jumps go."""
        targets = {int(found[2], 0) for each in self.instructions if (found := _jump(each))}
        for each in self.instructions:
            if each.offset in targets:
                yield f"{_label(each.offset)}:"
            text = each.text
            if each.offset in self.reads:
                text = _RIP.sub(f"{self.reads[each.offset]}(%rip)", text)
            elif found := _jump(each):
                text = f"{found[1]} {_label(int(found[2], 0))}"
            yield text

    def constant_lines(self) -> Iterator[str]:
        """Yield the assembly text of the constants."""
        for label, (data, align) in self.constants.items():
            yield f'.section .rodata.{label},"a",@progbits'
            yield f".p2align {align.bit_length() - 1}"
            yield f"{label}:"
            yield f".byte {', '.join(map(str, data))}"


def _jump(instruction: _Instruction) -> re.Match[str] | None:
    return _JUMP.match(instruction.text)


def _label(offset: int) -> str:
    return f".LBB_{offset}"


# -- reading ------------------------------------------------------------------------------------


def read(elf: bytes, name: str) -> Function:
    """Return a function of an object file.

    Raises:  StencilError if there is none of that name, or the file is of another kind.
    """
    if elf[:4] != b"\x7fELF":
        raise StencilError("this is no ELF object file", seen=f"it begins with {elf[:4]!r}")
    file = ELFFile(io.BytesIO(elf))
    kind = file["e_machine"], file["e_type"]
    if kind != ("EM_X86_64", "ET_REL"):
        raise StencilError(
            "stencils are made of object files for x86-64", seen=", ".join(kind), write="cc -c ..."
        )
    table: Any = file.get_section_by_name(".symtab")
    symbols = list(table.iter_symbols()) if table else []
    functions = {each.name: each for each in symbols if each["st_info"]["type"] == "STT_FUNC"}
    if name not in functions:
        raise StencilError(
            f"the object file has no function {name}", seen=", ".join(functions) or "none"
        )
    symbol = functions[name]
    section = file.get_section(symbol["st_shndx"])
    start, size = symbol["st_value"], symbol["st_size"]
    data = section.data()[start : start + size]
    instructions = tuple(_decoded(name, data))
    relocations: Any = file.get_section_by_name(f".rela{section.name}")
    found = [
        each
        for each in (relocations.iter_relocations() if relocations else ())
        if start <= each["r_offset"] < start + size
    ]
    constants: dict[str, tuple[bytes, int]] = {}
    reads: dict[int, str] = {}
    for each in found:
        at = each["r_offset"] - start
        reader = next(one for one in instructions if one.offset <= at < one.offset + one.size)
        target = symbols[each["r_info_sym"]]
        index = target["st_shndx"]
        place = file.get_section(index) if isinstance(index, int) else None
        if place is None or not place.name.startswith(".rodata") or not _RIP.search(reader.text):
            raise StencilError(
                f"{name} refers to {target.name or 'something'} outside of it",
                seen=reader.text,
                write="a function that calls nothing and has no variables",
            )
        # A relocation is relative to its own place, an instruction to its end.
        low = target["st_value"] + each["r_addend"] + reader.offset + reader.size - at
        later = [one["st_value"] for one in symbols if one["st_shndx"] == index]
        high = min((value for value in later if value > low), default=None)
        label = f"const_{index}_{low}"
        constants[label] = place.data()[low:high], place["sh_addralign"]
        reads[reader.offset] = label
    return Function(name, data, instructions, constants, reads)


def _decoded(name: str, data: bytes) -> Iterator[_Instruction]:
    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    decoder.syntax = capstone.CS_OPT_SYNTAX_ATT
    end = 0
    for offset, size, mnemonic, operands in decoder.disasm_lite(data, 0):
        yield _Instruction(offset, size, f"{mnemonic} {operands}".rstrip())
        end = offset + size
    if end < len(data):
        raise StencilError(f"{name} has bytes that are no known instruction", seen=f"at +{end:#x}")


# -- as a stencil -------------------------------------------------------------------------------


def text_of(function: Function, name: str, operands: int, isa: Isa) -> str:
    """Return the assembly text of a stencil that does what a function does.

    The result gets register number `operands`, the next one behind the operands.  An operand that
    the function changes is copied first.

    Raises:  StencilError if the function does what no stencil may do.
    """
    width = _WIDTHS[isa.vector_bytes]
    text = [line.replace("retq", "jmp NEXT") for line in function.lines()]
    for reason, pattern in _REFUSED.items():
        for line in text:
            if pattern.search(line):
                raise StencilError(f"{function.name}: {reason}", seen=line)
    if not any(f"%{width}" in line for line in text):
        raise StencilError(
            f"{function.name} does not compute on vectors of {isa}",
            seen=f"no {width} register",
            write=f"a function of vectors of {isa.vector_bytes} bytes",
        )
    used = {number for line in text for number in X86_64.vectors(line)}
    # In the syntax of AT&T, the last operand is the one that is written.
    written = {number for line in text for number in X86_64.vectors(line.rpartition(",")[2])}
    kept = [number for number in range(1, operands) if number not in written]
    moved = [0, *sorted((used | {0}) - {0, *kept})]
    numbers = {number: number for number in kept}
    numbers |= {number: operands + at for at, number in enumerate(moved)}
    copies = [
        _COPY.format(width=width, source=number, target=numbers[number])
        for number in moved
        if number < operands
    ]
    lines = [*copies, *(_renumbered(line, numbers) for line in text)]
    return "\n".join([f"stencil_{name}:", *lines, *function.constant_lines(), ""])


def _renumbered(line: str, numbers: Mapping[int, int]) -> str:
    return X86_64.vector.sub(lambda found: f"{found[1]}{numbers[int(found[2])]}", line)


def check(function: Function, isa: Isa, work: Path) -> None:
    """Assemble the text of a function, and compare the instructions with those it was read from.

    Raises:  StencilError if they are not the same.
    """
    text = "\n".join([".text", "copy:", *function.lines(), "copy.end:"])
    constants = "\n".join(["", *function.constant_lines(), ""])
    elf = compiler.assemble(text + constants, isa, work, "copy")
    data, _ = extract.read(elf).code("copy")
    again = tuple(_decoded(function.name, data))
    for one, other in itertools.zip_longest(function.instructions, again):
        if one is None or other is None or one.text != other.text:
            raise StencilError(
                f"{function.name} is not the same after assembling its text",
                seen=f"{one.text if one else 'its end'}, then {other.text if other else 'its end'}",
            )
