"""The status of cpnum on this machine: processor, ISA level, pack, memory, active path.

>>> status().active in {"machine code", "NumPy", "nothing"}
True
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass

from cpnum.errors import IsaError
from cpnum.pack.stencil import PACKS, load
from cpnum.run import memory
from cpnum.show.processor import processor, versions
from cpnum.tables import isa


@dataclass(frozen=True, slots=True)
class Status:
    """The processor, ISA level, pack and memory that cpnum runs on, as text.

    `active` is the path of functions without `isa=`: "machine code", "NumPy", or "nothing" if
    calls raise an IsaError.
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

    # Interactive sessions show it.
    __repr__ = __str__


def _level() -> tuple[isa.Isa | None, str]:
    """Return the ISA level, and a text that says how it was chosen.

    Raises:  IsaError if there is no such level, or this processor does not have it.
    """
    forced = os.environ.get("CPNUM_ISA")
    level = isa.choose(None)
    if level is None:
        return None, "none that has a pack"
    if not forced:
        return level, f"{level}, the highest that this processor has"
    if not isa.runs_here(level):
        raise IsaError(f"this processor has no {level}")
    return level, f"{level}, chosen by CPNUM_ISA (the highest here: {isa.host()})"


def status() -> Status:
    """Return the status: processor, ISA level, pack, memory, active path, versions."""
    mode, reason = memory.mode()
    level_text, pack_text = f"CPNUM_ISA={os.environ.get('CPNUM_ISA')}", "none"
    try:
        level, level_text = _level()
        if level is None:
            active, why = "NumPy", "no stencil pack fits this processor"
        else:
            pack = load(level)
            pack_text = f"{level}.pack, {len(pack)} stencils, digest {pack.digest}, in {PACKS}"
            active, why = "machine code", f"the pack of {level} fits, and there is memory to run in"
            if mode == "none":
                active, why = "NumPy", f"no executable memory: {reason}"
    except IsaError as error:
        active, why = "nothing", f"calls raise IsaError: {error.message}"
    return Status(
        processor=processor(),
        isa=level_text,
        pack=pack_text,
        memory=f"{mode}: {reason}",
        active=active,
        why=why,
        versions=f"{versions()} ({platform.system()} {platform.machine()})",
    )
