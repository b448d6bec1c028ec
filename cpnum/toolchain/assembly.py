"""Assembly text: cutting it into stencils, renaming registers, writing variants.

Labels, jumps and the names of registers are understood, which is enough for renaming.  Everything
else is passed to the assembler as clang wrote it, with its encoding pinned, so that the length of
an instruction does not depend on its registers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cpnum.errors import StencilError
from cpnum.tables.isa import Isa
from cpnum.toolchain.architecture import Architecture, architecture_of

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


@dataclass(frozen=True, slots=True)
class Routine:
    """The assembly of one stencil: its instructions and labels, ready to be renamed.

    `vectors` are the numbers of its vector registers; `tied` says that the routine continues at
    NEXT_TIED; `pointer` says that it names the register of the pointer hole.
    """

    name: str
    lines: tuple[str, ...]
    vectors: tuple[int, ...]
    tied: bool
    pointer: bool


def split(text: str, isa: Isa) -> tuple[dict[str, list[str]], list[str]]:
    r"""Cut a file's text into the lines of each function, and the sections of constants.

    >>> from cpnum.tables.isa import V3
    >>> split("\t.text\nstencil_add_f64:\t# @add\n\tvaddpd\t%ymm1, %ymm0, %ymm2\n", V3)
    ({'add_f64': ['vaddpd %ymm1, %ymm0, %ymm2']}, [])
    """
    comment = architecture_of(isa).comment
    functions: dict[str, list[str]] = {}
    constants: list[str] = []
    current: list[str] | None = None
    in_text = True
    for raw in text.splitlines():
        line = comment.sub("", raw).rstrip()
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
    """Give the constants names that the object file keeps: it drops names that begin with .L."""
    text = re.sub(r"\.L(CPI|__const|constinit)([\w.]*)", r"const_\1\2", text)
    return re.sub(r"(?m)^(?!stencil_|entry:)([\w$][\w.$]*):", r"\t.globl\t\1\n\1:", text)


def _fall_through(
    name: str, lines: list[str], architecture: Architecture
) -> tuple[list[str], bool]:
    """Let the routine run on into the next one, and tell whether it continues at NEXT_TIED.

    A jump to NEXT at the end is dropped:

        Before:                         After:
          vaddpd %ymm1, %ymm0, %ymm2      vaddpd %ymm1, %ymm0, %ymm2
          jmp NEXT

    A jump to NEXT that more code follows goes to the end instead:

        Before:                         After:
          b.le .LBB14_2                   b.le .LBB14_2
          b NEXT                          b .Lend
        .LBB14_2:                       .LBB14_2:
          b HEAD                          b HEAD

    If the last jump goes elsewhere, and the conditional jump before it to NEXT, the opposite
    condition makes one jump of both:

        Before:                         After:
          cmpq %r14, %r13                 cmpq %r14, %r13
          jge NEXT                        jl HEAD
          jmp HEAD

    >>> from cpnum.toolchain.architecture import X86_64
    >>> _fall_through("next_element", ["cmpq %r14, %r13", "jge NEXT", "jmp HEAD"], X86_64)
    (['cmpq %r14, %r13', 'jl HEAD'], False)
    """
    exits = {word for line in lines for word in line.split() if word in ("NEXT", "NEXT_TIED")}
    if len(exits) > 1:
        raise StencilError(f"{name}: continues at both NEXT and NEXT_TIED")
    symbol = next(iter(exits), "NEXT")
    jump = f"{architecture.jump} "
    if lines and lines[-1] == jump + symbol:
        lines = lines[:-1]
    elif len(lines) > 1 and lines[-1].startswith(jump):
        condition, _, target = lines[-2].partition(" ")
        if target == symbol and condition in architecture.inverse:
            elsewhere = lines[-1].removeprefix(jump)
            lines = [*lines[:-2], f"{architecture.inverse[condition]} {elsewhere}"]
    return [re.sub(rf"\b{symbol}\b", ".Lend", line) for line in lines], symbol == "NEXT_TIED"


def routine(name: str, lines: list[str], isa: Isa, *, entry: bool = False) -> Routine:
    """Return a function's text as a routine.

    Raises:  StencilError if it touches the stack or a general register that is not its own.
    """
    architecture = architecture_of(isa)
    lines, tied = _fall_through(name, lines, architecture)
    pinned = tuple(architecture.pin(line, isa) for line in lines)
    if entry:
        # C calls the entry: its registers are the platform's, and none is a hole.
        return Routine(name, pinned, (), tied, pointer=False)
    allowed = architecture.scratch | architecture.pinned | {architecture.pointer}
    uses_pointer = False
    vectors: set[int] = set()
    for line in lines:
        for written, register in architecture.generals(line):
            if register not in allowed:
                raise StencilError(
                    f"{name}: touches {written}, which is neither pinned nor scratch: {line}"
                )
            uses_pointer |= register == architecture.pointer
        for reason, refused in architecture.refused.items():
            if refused.search(line):
                raise StencilError(f"{name}: {reason}: {line}")
        vectors |= architecture.vectors(line)
    return Routine(name, pinned, tuple(sorted(vectors)), tied, uses_pointer)


def rename(
    source: Routine, label: str, vectors: Mapping[int, int], pointer: str | None, isa: Isa
) -> Iterable[str]:
    r"""Yield the routine's text under another label, with other registers.

    >>> from cpnum.tables.isa import A64
    >>> add = routine("add_f64", ["fadd v2.2d, v0.2d, v1.2d", "b NEXT"], A64)
    >>> print(*rename(add, "other", {0: 7, 1: 8, 2: 9}, None, A64), sep="\n")
    other:
    fadd v9.2d, v7.2d, v8.2d
    .Lend.other:
    other.end:
    """
    architecture = architecture_of(isa)

    def vector(match: re.Match[str]) -> str:
        number = int(match[2])
        return f"{match[1]}{vectors.get(number, number)}"

    yield f"{label}:"
    for line in source.lines:
        line = architecture.vector.sub(vector, line) if vectors else line
        if pointer is not None:
            line = re.sub(rf"\b{architecture.pointer}\b", pointer, line)
        line = _LOCAL.sub(lambda match: f"{match[0]}.{label}", line)
        yield line.replace(".Lend", f".Lend.{label}")
    yield f".Lend.{label}:"
    yield f"{label}.end:"
