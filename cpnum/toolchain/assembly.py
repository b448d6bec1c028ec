"""Assembly text: cutting it into stencils, renaming registers, writing variants.

Only what renaming needs is understood: labels, jumps, and the names of registers.  Everything else
is passed to the assembler as clang wrote it, with its encoding pinned (`{evex}`, `{vex3}`) so that
the length of an instruction does not depend on its registers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cpnum.errors import StencilError
from cpnum.tables.isa import Isa

_VECTOR = {
    "x86_64": re.compile(r"%([xyz]mm)(\d+)"),
    "aarch64": re.compile(r"(?<![\w.#$])([vqdshb])(\d+)(?=[.,\]\[}\s]|$)"),
}
_GENERAL = {
    "x86_64": re.compile(
        r"%(r\d+[dwb]?|r[a-d]x|r[sd]i|r[sb]p|e[a-d]x|e[sd]i|e[sb]p|[a-d][xlh]|[sd]il?|[sb]pl?)(?!\w)"
    ),
    "aarch64": re.compile(r"(?<![\w.#$])([wx])(\d+)(?!\w)|(?<![\w.])(sp)(?!\w)"),
}
_COMMENT = re.compile(r"\s*(#(?!\d|:|-\d|0x).*|//.*)$")
_FUNCTION = re.compile(r"^(\w+):")
_TEXT_DIRECTIVES = (
    ".globl",
    ".p2align",
    ".Lfunc_end",
    ".text",
    ".type",
    ".size",
    ".section",
    ".hidden",
)
_LOCAL = re.compile(r"\.LBB\w+")

# The general registers by number, and each one's names.
_X86 = ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di")

# What a stencil may write to beside its holes: registers that carry nothing between stencils, and
# the stack pointer: a slow path may keep values below it, since a kernel calls nothing.
_SCRATCH = {
    "x86_64": frozenset({"rax", "rbx", "r10", "r11", "rbp", "rsp"}),
    "aarch64": frozenset({f"x{n}" for n in (*range(8, 20), 29, 30)} | {"sp"}),
}
_PINNED = {
    "x86_64": frozenset({"r12", "r13", "r14"}),
    "aarch64": frozenset({"x20", "x21", "x22"}),
}
_POINTER = {"x86_64": "r15", "aarch64": "x23"}

# LLVM shortens EVEX to VEX where the registers allow it (X86CompressEVEX); a register that is a
# hole may be any of 32, so this is undone.  Same operation, same operands.
_LONG_FORM = {
    "vroundps": "vrndscaleps", "vroundpd": "vrndscalepd",
    "vroundss": "vrndscaless", "vroundsd": "vrndscalesd",
    "vextractf128": "vextractf32x4", "vextracti128": "vextracti32x4",
    "vinsertf128": "vinsertf32x4", "vinserti128": "vinserti32x4",
    "vbroadcastf128": "vbroadcastf32x4", "vbroadcasti128": "vbroadcasti32x4",
    "vpand": "vpandd", "vpor": "vpord", "vpxor": "vpxord", "vpandn": "vpandnd",
    "vmovdqa": "vmovdqa32", "vmovdqu": "vmovdqu32",
}  # fmt: skip
# All ones: the EVEX form of vpcmpeqd has a mask register for its result.
_ALL_ONES = re.compile(r"^vpcmpeqd\s+(%[xyz]mm\d+), \1, \1$")


@dataclass(frozen=True, slots=True)
class Routine:
    """The assembly of one stencil: its instructions and labels, ready to be renamed.

    `vectors` are the numbers of the vector registers in it; `tied` says that it continues at
    NEXT_TIED; `pointer` that it names the register of the pointer hole.
    """

    name: str
    lines: tuple[str, ...]
    vectors: tuple[int, ...]
    tied: bool
    pointer: bool


def canonical(register: str) -> str:
    """Return the 64-bit name of an x86 or AArch64 general register.

    >>> canonical("r10d"), canonical("al"), canonical("w8")
    ('r10', 'rax', 'x8')
    """
    if register[0] in "wx" and register[1:].isdigit():
        return f"x{register[1:]}"
    if register == "sp":
        return register
    if match := re.fullmatch(r"(r\d+)[dwb]?", register):
        return match[1]
    core = register.removeprefix("r").removeprefix("e")
    core = core if core in _X86 else core[0] + "x" if core[-1] in "lh" and len(core) == 2 else core
    return f"r{core.removesuffix('l') if len(core) == 3 else core}"


def pointer_name(number: int, isa: Isa) -> str:
    """Return the name of a general register by its number in the encoding.

    >>> from cpnum.tables.isa import V3
    >>> pointer_name(7, V3), pointer_name(9, V3)
    ('rdi', 'r9')
    """
    if isa.machine == "aarch64":
        return f"x{number}"
    return f"r{_X86[number]}" if number < 8 else f"r{number}"


def split(text: str, isa: Isa) -> tuple[dict[str, list[str]], list[str]]:
    """Cut a file's text into functions and the rest, the sections of constants."""
    functions: dict[str, list[str]] = {}
    constants: list[str] = []
    current: list[str] | None = None
    in_text = True
    for raw in text.splitlines():
        line = _COMMENT.sub("", raw).rstrip()
        word = line.strip()
        if not word or word.startswith((".cfi_", ".file", ".ident", ".addrsig")):
            continue
        if word.startswith(".section") or word == ".text":
            in_text = word == ".text" or word.startswith(".section\t.text")
            current = None if not in_text else current
        if not in_text:
            constants.append(line)
        elif match := _FUNCTION.match(line):
            current = functions.setdefault(match[1].removeprefix("stencil_"), [])
        elif current is not None and not word.startswith(_TEXT_DIRECTIVES):
            current.append(word.replace("\t", " "))
    return functions, constants


def name_constants(text: str) -> str:
    """Give the constants names that the object file keeps: it drops those that begin with .L."""
    text = re.sub(r"\.L(CPI|__const|constinit)([\w.]*)", r"const_\1\2", text)
    return re.sub(r"(?m)^(?!stencil_|entry:)([\w$][\w.$]*):", r"\t.globl\t\1\n\1:", text)


def _pin(instruction: str, isa: Isa) -> str:
    """Return the instruction with an encoding whose length no register changes."""
    if isa.machine != "x86_64":
        return instruction
    if not _VECTOR["x86_64"].search(instruction):
        # REX is left out where no register needs it; the pointer may be r8 to r15 or not.
        return f"{{rex}} {instruction}" if f"%{_POINTER['x86_64']}" in instruction else instruction
    if isa.vector_bytes == 32:
        return f"{{vex3}} {instruction}"
    mnemonic, _, operands = instruction.partition(" ")
    if match := _ALL_ONES.match(instruction):
        ones = match[1]
        return f"{{evex}} vpternlogd $255, {ones}, {ones}, {ones}"
    return f"{{evex}} {_LONG_FORM.get(mnemonic, mnemonic)} {operands}"


_INVERSE = {
    "je": "jne", "jne": "je", "jl": "jge", "jge": "jl", "jle": "jg", "jg": "jle", "jb": "jae",
    "jae": "jb", "jbe": "ja", "ja": "jbe", "js": "jns", "jns": "js",
}  # fmt: skip


def _fall_through(name: str, lines: list[str]) -> tuple[list[str], bool]:
    """Let the routine run on at its end: drop the last jump to NEXT, aim the others there."""
    exits = {word for line in lines for word in line.split() if word in ("NEXT", "NEXT_TIED")}
    if len(exits) > 1:
        raise StencilError(f"{name}: continues at both NEXT and NEXT_TIED")
    symbol = next(iter(exits), "NEXT")
    jump = re.compile(rf"^(jmp|b) {symbol}$")
    if len(lines) > 1 and lines[-1].startswith("jmp ") and not jump.match(lines[-1]):
        # jcc NEXT; jmp HEAD: the one that leaves the line of stencils is the conditional one.
        condition, _, target = lines[-2].partition(" ")
        if target == symbol and condition in _INVERSE:
            lines = [*lines[:-2], f"{_INVERSE[condition]} {lines[-1].split()[1]}"]
    if lines and jump.match(lines[-1]):
        lines = lines[:-1]
    return [re.sub(rf"\b{symbol}\b", ".Lend", line) for line in lines], symbol == "NEXT_TIED"


def routine(name: str, lines: list[str], isa: Isa, *, entry: bool = False) -> Routine:
    """Return a function's text as a routine.

    Raises:  StencilError if it touches the stack or a general register that is not its own.
    """
    lines = [line for line in lines if line and not line.startswith("#")]
    lines, tied = _fall_through(name, lines)
    machine = isa.machine
    uses_pointer = False
    if not entry:
        allowed = _SCRATCH[machine] | _PINNED[machine] | {_POINTER[machine]}
        for line in lines:
            for match in _GENERAL[machine].finditer(line):
                register = match[0].lstrip("%")
                if canonical(register) not in allowed:
                    raise StencilError(
                        f"{name}: touches {register}, which is neither pinned nor scratch: {line}"
                    )
                uses_pointer |= canonical(register) == _POINTER[machine]
    # The entry is called by C: its registers are the platform's, none is a hole.
    vectors = (
        sorted({int(match[2]) for line in lines for match in _VECTOR[machine].finditer(line)})
        if not entry
        else []
    )
    if machine == "aarch64" and not entry:
        for line in lines:
            if re.search(r"\{[^}]*,[^}]*\}", line):
                raise StencilError(f"{name}: a list of registers cannot be renamed: {line}")
    return Routine(
        name, tuple(_pin(line, isa) for line in lines), tuple(vectors), tied, uses_pointer
    )


def rename(
    source: Routine, label: str, vectors: Mapping[int, int], pointer: str | None, isa: Isa
) -> Iterable[str]:
    """Yield the routine's text under another label, with other registers."""

    def vector(match: re.Match[str]) -> str:
        number = vectors.get(int(match[2]), int(match[2]))
        return f"%{match[1]}{number}" if isa.machine == "x86_64" else f"{match[1]}{number}"

    yield f"{label}:"
    for line in source.lines:
        line = _VECTOR[isa.machine].sub(vector, line) if vectors else line
        if pointer is not None:
            line = re.sub(rf"\b{_POINTER[isa.machine]}\b", pointer, line)
        line = _LOCAL.sub(lambda match: f"{match[0]}.{label}", line)
        yield line.replace(".Lend", f".Lend.{label}")
    yield f".Lend.{label}:"
    yield f"{label}.end:"
