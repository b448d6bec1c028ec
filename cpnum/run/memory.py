"""Executable memory: bytes go in, the address of executable bytes comes out.

The ladder: `mode` tries the modes of the operating system, best first, and keeps the first that
works.  On Linux these are "memfd" and "mprotect".  Where none works, or with CPNUM_MEMORY=none, the
mode is "none": `place` raises ExecutableMemoryError, and callers use NumPy.

No address is ever both writable and executable, and code never changes while its region lives.

>>> region = place(bytes(range(48)), aligned=16)
>>> region.read() == bytes(range(48)), (region.address + 16) % 64
(True, 0)
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Final, NoReturn

from cpnum.errors import CpnumError
from cpnum.run.arena import Allocation, Arenas, place_alone
from cpnum.run.linux import Linux
from cpnum.run.system import System, bytes_at, ffi

__all__ = [
    "PROCESS",
    "ExecutableMemory",
    "ExecutableMemoryError",
    "Region",
    "ffi",
    "mode",
    "place",
]

# sys.platform -> the system.  Other platforms are systems without modes.
SYSTEMS: dict[str, Callable[[], System]] = {"linux": Linux}


class ExecutableMemoryError(CpnumError, RuntimeError):
    """The system gives no executable memory.

    Cause: a security policy (SELinux, seccomp, a hardened service), a platform that is not
    supported yet, too little memory or too many open files, or CPNUM_MEMORY=none.  `mode` tells
    which.  Calls do not raise this error: NumPy evaluates them.  `bind` raises it if memory is
    refused after some was given.
    """


class Region:
    """Code in executable memory, which is freed with this object.

    `address` is the address at which the code runs; `size` is in bytes.
    """

    __slots__ = ("__weakref__", "_free", "address", "size")

    def __init__(self, address: int, size: int, free: Callable[[], object]) -> None:
        self.address: Final = address
        self.size: Final = size
        self._free: Final = free

    # A default, because the globals of a module may be gone at exit.
    def __del__(self, is_exit: Callable[[], bool] = sys.is_finalizing) -> None:
        """Free the memory, but not at exit: other code may call kernels until the very end."""
        if not is_exit():
            self._free()

    def read(self) -> bytes:
        """Return the code, read back from memory."""
        return bytes(bytes_at(self.address, self.size)[:])

    def __reduce__(self) -> NoReturn:
        """Refuse to copy: a copy would not keep the memory from being freed."""
        raise TypeError("placed code belongs to its object and process; it cannot be copied")

    def __repr__(self) -> str:
        """Leave the address out, so that the text is the same in every run."""
        return f"Region({self.size} bytes)"


class ExecutableMemory:
    """The executable memory that a system gives this process.

    Only `PROCESS` is told of forks.  Do not fork while another ExecutableMemory has regions in use:
    the parent could reuse memory whose code the child still runs.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self._mode: tuple[str, str] | None = None
        self._arenas: list[Arenas] = []
        self._place: dict[str, Callable[[bytes, int], Allocation]] = {}
        for each in system.modes:
            if each.rewritable:
                arenas = Arenas(each.map)
                self._arenas.append(arenas)
                self._place[each.name] = arenas.place
            else:
                self._place[each.name] = functools.partial(place_alone, each.map)

    def mode(self) -> tuple[str, str]:
        """Tell the mode ("memfd", "mprotect" or "none" on Linux), and the reason for it.

        The first mode that works is kept; CPNUM_MEMORY=mprotect, say, allows only that one.
        """
        if self._mode is None:
            self._mode = self._climb()
        return self._mode

    def _climb(self) -> tuple[str, str]:
        modes = {each.name: each for each in self.system.modes}
        if not modes:
            return "none", f"executable memory is not supported on {self.system.name} yet"
        forced = os.environ.get("CPNUM_MEMORY")
        if forced == "none":
            return "none", "CPNUM_MEMORY=none"
        if forced and forced not in modes:
            return "none", f"CPNUM_MEMORY={forced} is not one of {', '.join(modes)}, none"
        try:
            ffi()
        except ImportError as error:  # cffi has a library, which the system may refuse to map
            return "none", f"cffi cannot be loaded: {error}"
        reasons = [f"CPNUM_MEMORY={forced}"] if forced else []
        for name in [forced] if forced else modes:
            sample = b"cpnum"
            try:
                if self._region(name, sample, 0).read() == sample:
                    return name, "; ".join([*reasons, modes[name].description])
                reasons.append(f"{name} failed: the executable view does not show what was written")
            except OSError as error:
                reasons.append(f"{name} failed: {error}")
        return "none", "; ".join(reasons)

    def place(self, code: bytes, aligned: int = 0) -> Region:
        """Copy `code` into executable memory, with its offset `aligned` on a 64-byte boundary.

        The code starts at a multiple of 16 if `aligned` is one.

        Raises:  ExecutableMemoryError if the system gives none.
        """
        if not 0 <= aligned < len(code):
            raise ValueError(f"no offset {aligned} in {len(code)} bytes of code")
        name, reason = self._mode or self.mode()
        if name == "none":
            raise ExecutableMemoryError("no executable memory", seen=reason)
        try:
            return self._region(name, code, aligned)
        except OSError as error:
            raise ExecutableMemoryError("no executable memory", seen=f"{name}: {error}") from error

    def _region(self, name: str, code: bytes, aligned: int) -> Region:
        address, free = self._place[name](code, aligned)
        return Region(address, len(code), free)

    def before_fork(self) -> None:
        """Prepare for a fork of this process."""
        for arenas in self._arenas:
            arenas.before_fork()

    def after_fork_in_parent(self) -> None:
        """Resume in the parent."""
        for arenas in self._arenas:
            arenas.after_fork_in_parent()

    def after_fork_in_child(self) -> None:
        """Resume in the child, without the parent's arenas."""
        for arenas in self._arenas:
            arenas.after_fork_in_child()


def _this_system() -> System:
    make = SYSTEMS.get(sys.platform)
    return make() if make else System(sys.platform)


PROCESS = ExecutableMemory(_this_system())

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=PROCESS.before_fork,
        after_in_parent=PROCESS.after_fork_in_parent,
        after_in_child=PROCESS.after_fork_in_child,
    )


def mode() -> tuple[str, str]:
    """Tell the mode of this process's executable memory, and the reason for it.

    >>> mode()[0] in {"memfd", "mprotect", "none"}
    True
    """
    return PROCESS.mode()


def place(code: bytes, aligned: int = 0) -> Region:
    """Copy `code` into this process's executable memory, as ExecutableMemory.place does.

    >>> place(b"code")
    Region(4 bytes)
    """
    return PROCESS.place(code, aligned)
