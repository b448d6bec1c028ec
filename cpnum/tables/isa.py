"""The ISA levels: architecture, vector bytes, register file; and the level of this processor.

>>> LEVELS["x86-64-v4"].lanes(8)
8
"""

from __future__ import annotations

import functools
import os
import platform
from dataclasses import dataclass

from cpnum.errors import IsaError


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Isa:
    """An instruction set that a pack is built for.

    `architecture` is the family of its processors, x86_64 or aarch64, as platform.machine() says.
    `registers` are the vector registers that values may live in; `pointers` the general registers
    that array pointers may live in, by their numbers in the encoding.
    """

    name: str
    architecture: str
    vector_bytes: int
    registers: tuple[int, ...]
    pointers: tuple[int, ...]
    masked_tail: bool
    features: frozenset[str]

    def lanes(self, lane_bytes: int) -> int:
        """Return how many lanes of `lane_bytes` a vector has."""
        return self.vector_bytes // lane_bytes

    def __repr__(self) -> str:
        return self.name


_V3 = frozenset({"avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"})
_V4 = _V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}

# clang's preserve_none passes the third and later arguments in these general registers of x86 (r15,
# rdi, rsi, rdx, rcx, r8, r9), here by their encoding.  rsp, rbp, r12 and r13 encode differently as
# a base (Intel SDM vol. 2A, table 2-2, notes), so no pointer lives there.
_X86_POINTERS = (15, 7, 6, 2, 1, 8, 9)
# x23-x28 and x0-x3 follow the block (x20), the index (x21) and the end (x22).
_AARCH64_POINTERS = (23, 24, 25, 26, 27, 28, 0, 1, 2, 3)

# fmt: off
#         name         architecture  bytes  vector registers  pointers           tail   features
V4 =  Isa("x86-64-v4", "x86_64",     64,    tuple(range(32)), _X86_POINTERS,     True,  _V4)
V3 =  Isa("x86-64-v3", "x86_64",     32,    tuple(range(16)), _X86_POINTERS,     False, _V3)
A64 = Isa("aarch64",   "aarch64",    16,    tuple(range(32)), _AARCH64_POINTERS, False, frozenset())
# fmt: on

LEVELS = {isa.name: isa for isa in (V4, V3, A64)}


@functools.cache
def _host_features() -> frozenset[str]:
    # Linux lists the features; on other systems `host` is None, and `cpnum.status` says so.
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:  # noqa: PTH123
            for line in lines:
                if line.startswith("flags"):
                    return frozenset(line.partition(":")[2].split())
    except (FileNotFoundError, PermissionError):
        return frozenset()  # others are raised: too many open files may be temporary
    return frozenset()


def runs_here(isa: Isa) -> bool:
    """Tell whether this processor can run code of `isa`.

    >>> runs_here(A64) == (platform.machine() == "aarch64")
    True
    """
    name = platform.machine()
    architecture = {"AMD64": "x86_64", "arm64": "aarch64"}.get(name, name)
    return isa.architecture == architecture and isa.features <= _host_features()


@functools.cache
def host() -> Isa | None:
    """Return the highest level that this processor has, None if no pack fits it."""
    return next((isa for isa in LEVELS.values() if runs_here(isa)), None)


def choose(name: str | None) -> Isa | None:
    """Return the level asked for by name, by CPNUM_ISA, or the host's, in this order.

    Raises:  IsaError if there is no such level.

    >>> choose("aarch64")
    aarch64
    """
    wanted = name or os.environ.get("CPNUM_ISA")
    if not wanted:
        return host()
    if wanted not in LEVELS:
        raise IsaError(
            f"unknown ISA level {wanted}",
            seen=f"isa={wanted!r}" if name else f"CPNUM_ISA={wanted}",
            write=f"one of {', '.join(LEVELS)}",
        )
    return LEVELS[wanted]
