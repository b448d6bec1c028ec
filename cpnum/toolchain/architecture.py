"""The two architectures: how they name registers, jump, pin encodings and relocate.

Registers are renamed in assembly text and found again in an ELF object.  `assembly` and `extract`
work the same for each architecture; every difference between architectures is a field here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from elftools.elf.enums import ENUM_RELOC_TYPE_AARCH64, ENUM_RELOC_TYPE_x64

from cpnum.tables.isa import V3, V4, Isa


class Bits(NamedTuple):
    """Bits that a relocation patches: `width` bits of (value >> `shift`) go to bit `at`.

    `relative`: the value is a distance from the relocation.  `checked`: the value has to fit.
    """

    at: int
    width: int
    shift: int = 0
    relative: bool = False
    checked: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Architecture:
    """One family of processors, and its assembly text as clang writes it."""

    comment: re.Pattern[str]
    # A vector register, in two groups: its number is the second, all before the number the first.
    vector: re.Pattern[str]
    # A word that may be a general register, in one group.
    general: re.Pattern[str]
    # The general registers, by their numbers in the encoding.
    numbered: tuple[str, ...]
    # The 64-bit name of a general register by any of its names: rax by eax.
    names: Mapping[str, str]
    # The registers that carry nothing between stencils, the stack pointer too: a slow path may keep
    # values below it, since a kernel calls nothing.
    scratch: frozenset[str]
    # The registers that hold the argument block, the index and the end.
    pinned: frozenset[str]
    # The register in the place of the one that is chosen when a stencil is copied.
    pointer: str
    # The mnemonic of a jump, and the opposite of each conditional one: jne of je.
    jump: str
    inverse: Mapping[str, str]
    # The index of the operand that an instruction writes.
    destination: int
    # Text that no stencil may have, by the reason.
    refused: Mapping[str, re.Pattern[str]]
    # The bits that a relocation patches, by its type.
    relocations: Mapping[int, tuple[Bits, ...]]
    # The function that gives an instruction an encoding whose length no register changes.
    pin: Callable[[str, Isa], str]

    def vectors(self, text: str) -> set[int]:
        """Return the numbers of the vector registers in a text.

        >>> X86_64.vectors("vaddpd %zmm1, %zmm0, %zmm2"), AARCH64.vectors("ldr q3, [x23, #16]")
        ({0, 1, 2}, {3})
        """
        return {int(match[2]) for match in self.vector.finditer(text)}

    def generals(self, line: str) -> Iterator[tuple[str, str]]:
        """Yield the general registers in a line, each as it is written and by its 64-bit name.

        >>> list(X86_64.generals("movzbl (%r15,%r13), %eax"))
        [('r15', 'r15'), ('r13', 'r13'), ('eax', 'rax')]
        """
        for match in self.general.finditer(line):
            if match[1] in self.names:
                yield match[1], self.names[match[1]]


# -- x86-64 -------------------------------------------------------------------------------------

# Intel SDM vol. 2A, table 3-1; the position is the number.
_LEGACY = ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi")
_EXTENDED = tuple(f"r{number}" for number in range(8, 16))


def _x86_names() -> Iterator[tuple[str, str]]:
    for name in _LEGACY:
        word = name[1:]
        parts = [f"{word[0]}l", f"{word[0]}h"] if word.endswith("x") else [f"{word}l"]
        yield from ((each, name) for each in (name, f"e{word}", word, *parts))
    for name in _EXTENDED:
        yield from ((f"{name}{suffix}", name) for suffix in ("", "d", "w", "b"))


# LLVM shortens EVEX to VEX where the registers allow it (X86CompressEVEX).  These instructions then
# have another mnemonic, for the same operation on the same operands.
_LONG_FORM = {
    "vroundps": "vrndscaleps", "vroundpd": "vrndscalepd",
    "vroundss": "vrndscaless", "vroundsd": "vrndscalesd",
    "vextractf128": "vextractf32x4", "vextracti128": "vextracti32x4",
    "vinsertf128": "vinsertf32x4", "vinserti128": "vinserti32x4",
    "vbroadcastf128": "vbroadcastf32x4", "vbroadcasti128": "vbroadcasti32x4",
    "vpand": "vpandd", "vpor": "vpord", "vpxor": "vpxord", "vpandn": "vpandnd",
    "vmovdqa": "vmovdqa32", "vmovdqu": "vmovdqu32",
}  # fmt: skip
_ALL_ONES = re.compile(r"^vpcmpeqd\s+(%[xyz]mm\d+), \1, \1$")


def _evex(instruction: str) -> str:
    """Pin a vector instruction to EVEX, which alone reaches all 32 registers.

    Before:  vpand %ymm1, %ymm0, %ymm2
    After:   {evex} vpandd %ymm1, %ymm0, %ymm2

    All ones need another instruction, since the result of vpcmpeqd is a mask register in EVEX:

    Before:  vpcmpeqd %ymm2, %ymm2, %ymm2
    After:   {evex} vpternlogd $255, %ymm2, %ymm2, %ymm2

    >>> _evex("vpand %ymm1, %ymm0, %ymm2")
    '{evex} vpandd %ymm1, %ymm0, %ymm2'
    >>> _evex("vpcmpeqd %ymm2, %ymm2, %ymm2")
    '{evex} vpternlogd $255, %ymm2, %ymm2, %ymm2'
    """
    if match := _ALL_ONES.match(instruction):
        ones = match[1]
        return f"{{evex}} vpternlogd $255, {ones}, {ones}, {ones}"
    mnemonic, _, operands = instruction.partition(" ")
    return f"{{evex}} {_LONG_FORM.get(mnemonic, mnemonic)} {operands}"


def _vex3(instruction: str) -> str:
    """Pin a vector instruction to the longer VEX: the shorter one reaches 8 registers only.

    Before:  vaddpd %ymm1, %ymm0, %ymm2
    After:   {vex3} vaddpd %ymm1, %ymm0, %ymm2

    >>> _vex3("vaddpd %ymm1, %ymm0, %ymm2")
    '{vex3} vaddpd %ymm1, %ymm0, %ymm2'
    """
    return f"{{vex3}} {instruction}"


# How vector instructions are pinned, by the level.
_VECTOR_ENCODING = {V4: _evex, V3: _vex3}


def _pin_x86(instruction: str, isa: Isa) -> str:
    """Pin a vector instruction by its level, and one that uses the pointer to a REX prefix.

    REX is left out where no register needs it; the pointer may be r8 to r15 or not.

    Before:  movl (%r15), %eax
    After:   {rex} movl (%r15), %eax

    >>> _pin_x86("movl (%r15), %eax", V3), _pin_x86("incq %r13", V3)
    ('{rex} movl (%r15), %eax', 'incq %r13')
    """
    if X86_64.vector.search(instruction):
        return _VECTOR_ENCODING[isa](instruction)
    return f"{{rex}} {instruction}" if f"%{X86_64.pointer}" in instruction else instruction


_OPPOSITES = (
    ("je", "jne"), ("jl", "jge"), ("jle", "jg"), ("jb", "jae"), ("jbe", "ja"), ("js", "jns"),
)  # fmt: skip
_X64 = ENUM_RELOC_TYPE_x64

X86_64 = Architecture(
    comment=re.compile(r"\s*#.*$"),
    vector=re.compile(r"(%[xyz]mm)(\d+)"),
    general=re.compile(r"%(\w+)"),
    numbered=_LEGACY + _EXTENDED,
    names=dict(_x86_names()),
    scratch=frozenset({"rax", "rbx", "r10", "r11", "rbp", "rsp"}),
    pinned=frozenset({"r12", "r13", "r14"}),
    pointer="r15",
    jump="jmp",
    inverse=dict([*_OPPOSITES, *((other, one) for one, other in _OPPOSITES)]),
    destination=-1,  # in the syntax of AT&T
    refused={},
    # System V ABI for x86-64, table 4.9.
    relocations={
        _X64["R_X86_64_32"]: (Bits(0, 32),),
        _X64["R_X86_64_32S"]: (Bits(0, 32),),
        _X64["R_X86_64_64"]: (Bits(0, 64, checked=False),),
        _X64["R_X86_64_PC32"]: (Bits(0, 32, relative=True),),
        _X64["R_X86_64_PLT32"]: (Bits(0, 32, relative=True),),
    },
    pin=_pin_x86,
)

# -- AArch64 ------------------------------------------------------------------------------------

_X = tuple(f"x{number}" for number in range(31))
_A64 = ENUM_RELOC_TYPE_AARCH64

AARCH64 = Architecture(
    comment=re.compile(r"\s*//.*$"),
    vector=re.compile(r"(?<![\w.#$])([vqdshb])(\d+)(?=[.,\]\[}\s]|$)"),
    general=re.compile(r"(?<![\w.#$])(\w+)"),
    numbered=_X,
    names={x: x for x in _X} | {f"w{x[1:]}": x for x in _X} | {"sp": "sp", "wsp": "sp"},
    scratch=frozenset({f"x{number}" for number in (*range(8, 20), 29, 30)} | {"sp"}),
    pinned=frozenset({"x20", "x21", "x22"}),
    pointer="x23",
    jump="b",
    # clang aims no conditional jump at another function, so there is none to invert.
    inverse={},
    destination=0,
    refused={
        # The registers of a list have numbers in a row, and only the first is encoded.
        "a list of registers cannot be renamed": re.compile(r"\{[^}]*,[^}]*\}"),
    },
    # ELF for the Arm 64-bit Architecture, 5.7.
    relocations={
        _A64["R_AARCH64_MOVW_UABS_G0"]: (Bits(5, 16),),
        _A64["R_AARCH64_MOVW_UABS_G0_NC"]: (Bits(5, 16, checked=False),),
        _A64["R_AARCH64_MOVW_UABS_G1_NC"]: (Bits(5, 16, shift=16, checked=False),),
        _A64["R_AARCH64_MOVW_UABS_G2_NC"]: (Bits(5, 16, shift=32, checked=False),),
        _A64["R_AARCH64_MOVW_UABS_G3"]: (Bits(5, 16, shift=48, checked=False),),
        _A64["R_AARCH64_JUMP26"]: (Bits(0, 26, shift=2, relative=True),),
        _A64["R_AARCH64_CALL26"]: (Bits(0, 26, shift=2, relative=True),),
        _A64["R_AARCH64_CONDBR19"]: (Bits(5, 19, shift=2, relative=True),),
        _A64["R_AARCH64_LD_PREL_LO19"]: (Bits(5, 19, shift=2, relative=True),),
        _A64["R_AARCH64_ADR_PREL_LO21"]: (
            Bits(29, 2, relative=True, checked=False),
            Bits(5, 19, shift=2, relative=True),
        ),
    },
    pin=lambda instruction, isa: instruction,  # every instruction has 4 bytes
)

_ARCHITECTURES = {"x86_64": X86_64, "aarch64": AARCH64}


def architecture_of(isa: Isa) -> Architecture:
    """Return the architecture of an ISA level.

    >>> architecture_of(V3) is X86_64, X86_64.numbered[7], AARCH64.numbered[7]
    (True, 'rdi', 'x7')
    """
    return _ARCHITECTURES[isa.architecture]
