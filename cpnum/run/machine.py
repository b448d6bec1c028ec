"""The machines that kernels run on: this processor is one; tests add an emulator.

A machine places the code of a kernel and gives a function that enters it.  Another processor is
another machine; another operating system is another `System` (cpnum.run.system).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from cpnum.compile.kernel import Kernel
from cpnum.compile.skeleton import Entry
from cpnum.run import memory
from cpnum.run.memory import Region, ffi
from cpnum.tables import isa
from cpnum.tables.isa import Isa

# Python before 3.12 looks up a member of an enum by Python code.
_BOUND = Entry.BOUND


class Placement(NamedTuple):
    """Code in the memory of a machine; it stays there as long as this object lives.

    `enter` runs the code and returns its flags: `enter(block, start, stop)` for a called kernel,
    `enter(block)` for a bound kernel, `enter()` if that needs no argument block.
    """

    code: bytes
    region: Region
    enter: Callable[..., int]
    needs_block: bool = True


class Machine(Protocol):
    """Something that kernels run on."""

    def runs(self, level: Isa) -> bool:
        """Tell whether the machine runs code of an ISA level."""

    def why_not(self) -> str | None:
        """Return why the machine gives no executable memory, None if it does."""

    def place(self, kernel: Kernel, words: bytes = b"") -> Placement:
        """Place a called kernel, or a bound kernel with the words of its call."""


class _Native:
    """This processor."""

    def runs(self, level: Isa) -> bool:
        return isa.runs_here(level)

    def why_not(self) -> str | None:
        mode, reason = memory.mode()
        return reason if mode == "none" else None

    def place(self, kernel: Kernel, words: bytes = b"") -> Placement:
        code = kernel.code
        data, needs_block = code.data, True
        declaration = "int(*)(void *, long, long)"
        if kernel.entry is _BOUND:
            # A kernel that keeps all words of its call in registers needs no argument block.
            needs_block = kernel.instances.uses_block
            data = code.bind(words)
            declaration = "int(*)(void *)" if needs_block else "int(*)(void)"
        region = memory.place(data, code.head)
        return Placement(data, region, ffi().cast(declaration, region.address), needs_block)


# For each level, the first machine that runs it is used.
MACHINES: list[Machine] = [_Native()]


def machine_of(level: Isa) -> Machine | None:
    """Return the machine that runs an ISA level, None if there is none."""
    for machine in MACHINES:
        if machine.runs(level):
            return machine
    return None
