"""What cpnum runs on here, which path is active, and why.

>>> status().active in {"machine code", "NumPy"}
True
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib import metadata

import numpy as np

from cpnum import isa, memory
from cpnum.errors import IsaError
from cpnum.stencil import PACKS, load


@dataclass(frozen=True, slots=True)
class Status:
    """What cpnum runs on, in words; `active` is "machine code" or "NumPy".

    The path is that of functions without `isa=`.
    """

    processor: str
    isa: str
    pack: str
    memory: str
    active: str
    why: str
    versions: str

    def __str__(self) -> str:
        rows = {
            "processor": self.processor,
            "ISA level": self.isa,
            "pack": self.pack,
            "memory": self.memory,
            "active": f"{self.active}: {self.why}",
            "versions": self.versions,
        }
        return "\n".join(f"{name:<11}{text}" for name, text in rows.items())

    # What an interactive session shows.
    __repr__ = __str__


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:  # noqa: PTH123
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        return platform.machine()
    return platform.machine()


def _version() -> str:
    try:
        return metadata.version("cpnum")
    except metadata.PackageNotFoundError:
        return "not installed (a checkout)"


def _level() -> tuple[isa.Isa | None, str, str]:
    """Return the level that is chosen, what it says about it, and why it cannot run, if so."""
    forced = os.environ.get("CPNUM_ISA")
    try:
        level = isa.choose(None)
    except IsaError as error:
        return None, f"CPNUM_ISA={forced}", error.message
    if level is None:
        return None, "none", "no stencil pack fits this processor"
    if not forced:
        return level, f"{level}, the highest that this processor has", ""
    why_not = "" if isa.runs_here(level) else f"this processor has no {level}"
    return level, f"{level}, chosen by CPNUM_ISA (the highest here: {isa.host()})", why_not


def status() -> Status:
    """Return what cpnum runs on: processor, ISA level, pack, memory, active path, versions."""
    level, level_text, why_not = _level()
    pack_text = "none"
    if level is not None:
        try:
            pack = load(level)
            pack_text = f"{level}.pack, {len(pack)} stencils, digest {pack.digest}, in {PACKS}"
        except IsaError as error:
            pack_text, why_not = error.message, why_not or error.message
    mode, reason = memory.mode()
    if mode == "none":
        why_not = why_not or f"no executable memory: {reason}"
    return Status(
        processor=_processor(),
        isa=level_text,
        pack=pack_text,
        memory=f"{mode}: {reason}",
        active="NumPy" if why_not else "machine code",
        why=why_not or f"the pack of {level} fits, and memory can be made executable",
        versions=(
            f"cpnum {_version()}, NumPy {np.__version__}, "
            f"Python {platform.python_version()} ({platform.system()} {platform.machine()})"
        ),
    )
