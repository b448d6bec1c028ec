"""Linux: code is written through one view of a file in memory and runs in another.

A security policy may forbid such files (memfd).  Then pages are written first and made executable
later (mprotect), which other policies forbid.
"""

from __future__ import annotations

import errno
import functools
import mmap
import os
import platform
from typing import Any

from cpnum.run.system import Mode, System, bytes_at, c_function, ffi

# linux/memfd.h and linux/fcntl.h; Python 3.11 has not all of them.
MFD_CLOEXEC, MFD_ALLOW_SEALING, MFD_EXEC = 0x1, 0x2, 0x10
F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_FUTURE_WRITE = 0x1, 0x2, 0x4, 0x10

# Name -> type and library.  Addresses are intptr_t, because cpnum computes with them, and a
# function that fails returns -1.
_FUNCTIONS: dict[str, tuple[str, str | None]] = {
    "memfd_create": ("int(*)(const char *, unsigned int)", None),
    "mmap": ("intptr_t(*)(intptr_t, size_t, int, int, int, long)", None),
    "mprotect": ("int(*)(intptr_t, size_t, int)", None),
    "madvise": ("int(*)(intptr_t, size_t, int)", None),
    "munmap": ("int(*)(intptr_t, size_t)", None),
    "__clear_cache": ("void(*)(intptr_t, intptr_t)", "libgcc_s.so.1"),
}


class Linux(System):
    """Linux; all its system calls go through `call` and `add_seals`.

    `machine` is the processor's name, by default platform.machine().

    >>> [mode.name for mode in Linux().modes]
    ['memfd', 'mprotect']
    """

    def __init__(self, machine: str | None = None) -> None:
        two_views = "a writable and an executable view of one memfd"
        protected = "pages made executable once written"
        modes = (
            Mode("memfd", two_views, self.map_views, rewritable=True),
            Mode("mprotect", protected, self.map_protected, rewritable=False),
        )
        super().__init__("linux", modes)
        # x86 keeps its instruction cache coherent with stores (Intel SDM vol. 3A, "Self-Modifying
        # Code"); aarch64 does not.
        self.must_flush = (machine or platform.machine()) == "aarch64"

    def call(self, name: str, *arguments: object) -> int:
        """Call a C function, such as mmap.

        Raises:  OSError if the function fails, or the C library lacks it.
        """
        result: int = _function(name)(*arguments)
        if result == -1:
            raise OSError(ffi().errno, f"{name}: {os.strerror(ffi().errno)}")
        return result

    def add_seals(self, fd: int, seals: int) -> None:
        """Forbid changes to a file in memory."""
        import fcntl  # Not on Windows.

        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)

    def map_views(self, size: int) -> Views:
        """Map a file in memory twice."""
        size = _whole_pages(size)
        fd = self._memfd_create()
        try:
            os.ftruncate(fd, size)
            read_write = mmap.PROT_READ | mmap.PROT_WRITE
            writable = self.call("mmap", 0, size, read_write, mmap.MAP_SHARED, fd, 0)
            try:
                # A child has no writable view, so it cannot write to its parent's code by mistake.
                self.call("madvise", writable, size, mmap.MADV_DONTFORK)
                # Sealed before the second mapping, so that mprotect cannot make it writable.
                self._seal(fd)
                read_execute = mmap.PROT_READ | mmap.PROT_EXEC
                executable = self.call("mmap", 0, size, read_execute, mmap.MAP_SHARED, fd, 0)
            except OSError:
                self.call("munmap", writable, size)
                raise
            return Views(self, size, writable, executable)
        finally:
            os.close(fd)

    def map_protected(self, size: int) -> Protected:
        """Map pages that become executable once they are written."""
        size = _whole_pages(size)
        read_write = mmap.PROT_READ | mmap.PROT_WRITE
        private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        return Protected(self, size, self.call("mmap", 0, size, read_write, private, -1, 0))

    def flush(self, address: int, size: int) -> None:
        """Drop old instructions from the processor's cache, so that the new ones run."""
        self.call("__clear_cache", address, address + size)

    def _memfd_create(self) -> int:
        flags = MFD_CLOEXEC | MFD_ALLOW_SEALING
        try:
            return self.call("memfd_create", b"cpnum", flags | MFD_EXEC)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        return self.call("memfd_create", b"cpnum", flags)  # Linux before 6.3 lacks MFD_EXEC.

    def _seal(self, fd: int) -> None:
        seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW
        try:
            self.add_seals(fd, seals | F_SEAL_FUTURE_WRITE)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            self.add_seals(fd, seals)  # Linux before 5.1 lacks F_SEAL_FUTURE_WRITE.


class Views:
    """A writable and an executable view of one memfd."""

    __slots__ = ("_bytes", "address", "size", "system", "writable")

    def __init__(self, system: Linux, size: int, writable: int, executable: int) -> None:
        self.system = system
        self.size = size
        self.writable = writable
        self.address = executable
        self._bytes = bytes_at(writable, size)

    def write(self, offset: int, code: bytes) -> None:
        """Copy the code through the writable view."""
        self._bytes[offset : offset + len(code)] = code
        if self.system.must_flush:
            self.system.flush(self.address + offset, len(code))

    def unmap(self) -> None:
        """Unmap both views."""
        self.system.call("munmap", self.address, self.size)
        self.system.call("munmap", self.writable, self.size)


class Protected:
    """Pages that are writable until code is written, and executable from then on."""

    __slots__ = ("address", "size", "system")

    def __init__(self, system: Linux, size: int, address: int) -> None:
        self.system = system
        self.size = size
        self.address = address

    def write(self, offset: int, code: bytes) -> None:
        """Copy the code and make the pages executable, which works once."""
        bytes_at(self.address, self.size)[offset : offset + len(code)] = code
        self.system.call("mprotect", self.address, self.size, mmap.PROT_READ | mmap.PROT_EXEC)
        if self.system.must_flush:
            self.system.flush(self.address + offset, len(code))

    def unmap(self) -> None:
        """Unmap the pages."""
        self.system.call("munmap", self.address, self.size)


@functools.cache
def _function(name: str) -> Any:
    return c_function(name, *_FUNCTIONS[name])


def _whole_pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
