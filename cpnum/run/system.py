"""An operating system as a value: the modes in which it gives executable memory.

A `System` lists its modes, best first.  A `Mode` maps `Pages`, and pages take code.  The allocator
(cpnum.run.arena) and the ladder (cpnum.run.memory) use nothing else of a system.  The only system
so far is cpnum.run.linux; another one is a module like it and a row of memory.SYSTEMS:

* macOS needs a rewritable mode: mmap with MAP_JIT.  Its `write` calls
  pthread_jit_write_protect_np(0), copies, calls it again with 1, and calls sys_icache_invalidate.
  Meanwhile this thread cannot run the pages, and the others cannot write to them.
* Windows needs a mode that is not rewritable: VirtualAlloc for reading and writing.  Its `write`
  copies, makes the pages executable with VirtualProtect, and calls FlushInstructionCache.
"""

from __future__ import annotations

import errno
import functools
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol


@functools.cache
def ffi() -> Any:
    """Return an FFI object of cffi; this kind needs no C parser, which takes 18 ms to load."""
    import _cffi_backend  # here: only executable memory needs it, which may be refused

    return _cffi_backend.FFI()


def c_function(name: str, type_: str, library: str | None = None) -> Any:
    """Return a function of a library, by default of any library that is loaded.

    Raises:  OSError if the library, or the function in it, is missing.

    >>> c_function("abs", "int(*)(int)")(-3)
    3
    """
    import _cffi_backend

    try:
        loaded = _cffi_backend.load_library(library, 0)
        return loaded.load_function(ffi().typeof(type_), name)
    except AttributeError:
        raise OSError(errno.ENOSYS, f"{name}: the C library has no such function") from None


def bytes_at(address: int, size: int) -> Any:
    """Return a buffer that reads and writes memory."""
    return ffi().buffer(ffi().cast("char *", address), size)


class Pages(Protocol):
    """Memory that takes code and runs it.

    `address` is the address of the first byte that runs, a multiple of the page size.  `size` is
    in bytes.  No thread finds an address writable and executable at the same time.
    """

    address: int
    size: int

    def write(self, offset: int, code: bytes) -> None:
        """Copy the code to an offset, such that the processor runs it from there."""

    def unmap(self) -> None:
        """Return the memory to the system."""


class Mode(NamedTuple):
    """One way to executable memory, such as two views of one memfd.

    `name` is the value of CPNUM_MEMORY that selects it.  `map(size)` returns pages of at
    least `size` bytes, all zero, or raises OSError.  If `rewritable`, the pages can be written
    many times, so regions share them; otherwise each region has pages of its own, written once.
    """

    name: str
    description: str
    map: Callable[[int], Pages]
    rewritable: bool


class System:
    """An operating system; a system without modes is not supported yet.

    `name` is a value of sys.platform, such as "linux".
    """

    def __init__(self, name: str, modes: tuple[Mode, ...] = ()) -> None:
        self.name = name
        self.modes = modes
