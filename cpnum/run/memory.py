"""Executable memory: bytes go in, the address of executable bytes comes out.

No page is ever both writable and executable.  An *arena* is one file in memory, mapped twice: code
is written through the one view and runs in the other.  Where the system forbids that, each region
is a mapping of its own, made executable once written (`mprotect`).  Where it forbids that too, or
CPNUM_MEMORY=none says so, `place` raises ExecutableMemoryError and callers use NumPy.

Placed code never changes while its region lives.  Fork keeps it so: parent and child share the
arenas that exist, hence the child never writes to them, and the parent never again to the blocks
that were in use.

>>> region = place(bytes(range(48)), aligned=16)
>>> region.read() == bytes(range(48)), (region.address + 16) % 64
(True, 0)
"""

from __future__ import annotations

import bisect
import errno
import functools
import mmap
import os
import platform
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from cpnum.errors import CpnumError

_ARENA_BYTES = 1 << 20
_BLOCK_BYTES = 16
_ALIGNMENT = 64

# linux/memfd.h and linux/fcntl.h; Python 3.11 has not all of them.
_MFD_CLOEXEC, _MFD_ALLOW_SEALING, _MFD_EXEC = 0x1, 0x2, 0x10
_F_SEAL_SEAL, _F_SEAL_SHRINK, _F_SEAL_GROW, _F_SEAL_FUTURE_WRITE = 0x1, 0x2, 0x4, 0x10

# Addresses are intptr_t here: they are numbers to us, and -1 is every call's failure.
_DECLARATIONS = {
    "memfd_create": "int(*)(const char *, unsigned int)",
    "mmap": "intptr_t(*)(intptr_t, size_t, int, int, int, long)",
    "mprotect": "int(*)(intptr_t, size_t, int)",
    "madvise": "int(*)(intptr_t, size_t, int)",
    "munmap": "int(*)(intptr_t, size_t)",
    "__clear_cache": "void(*)(intptr_t, intptr_t)",
}


class ExecutableMemoryError(CpnumError, RuntimeError):
    """The system gives no executable memory.

    Cause: a security policy (SELinux, seccomp, a hardened service), a platform that is not
    supported yet, too little memory or too many open files, or CPNUM_MEMORY=none.  `mode` tells
    which.  Calls do not raise this: NumPy evaluates them.  `bind` does, of memory that is refused
    after some was given.
    """


@functools.cache
def ffi() -> Any:
    """Return cffi's FFI object, of the kind that needs no C parser, which takes 18 ms to load."""
    import _cffi_backend  # here, because `import cpnum` does not need it

    return _cffi_backend.FFI()


@functools.cache
def _function(name: str, library: str | None = None) -> Any:
    import _cffi_backend

    try:
        loaded = _cffi_backend.load_library(library, 0)
        return loaded.load_function(ffi().typeof(_DECLARATIONS[name]), name)
    except AttributeError:
        raise OSError(errno.ENOSYS, f"{name}: the C library has no such function") from None


def _call(name: str, *arguments: object) -> int:
    result: int = _function(name)(*arguments)
    if result == -1:
        raise OSError(ffi().errno, f"{name}: {os.strerror(ffi().errno)}")
    return result


def _bytes_at(address: int, size: int) -> Any:
    return ffi().buffer(ffi().cast("char *", address), size)


@functools.cache
def _clear_cache() -> Callable[[int, int], None] | None:
    # x86 keeps its instruction cache coherent with stores (Intel SDM vol. 3A, "Self-Modifying
    # Code"); aarch64 does not.  The compiler's builtin is a function of libgcc.
    if platform.machine() != "aarch64":
        return None
    function: Callable[[int, int], None] = _function("__clear_cache", "libgcc_s.so.1")
    return function


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Region:
    """Placed code; its memory is freed with this object, so whoever runs the code holds it.

    `address` is that of the executable view; `size` is in bytes.
    """

    address: int
    size: int

    def read(self) -> bytes:
        """Return the bytes that run."""
        return bytes(_bytes_at(self.address, self.size)[:])

    def __reduce__(self) -> NoReturn:
        """Refuse: a copy would not keep the memory from being freed."""
        raise TypeError("placed code belongs to its object and process; it cannot be copied")

    def __repr__(self) -> str:
        """Leave the address out: what is printed is the same in every run."""
        return f"Region({self.size} bytes)"


def _region(address: int, size: int, free: Callable[..., object], *arguments: object) -> Region:
    clear_cache = _clear_cache()
    if clear_cache is not None:
        clear_cache(address, address + size)
    region = Region(address, size)
    # The end of the process frees the memory too; until then, kernels may still be called.
    weakref.finalize(region, free, *arguments).atexit = False
    return region


def _pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


# --- memfd: arenas of two views ---


def _memfd_create() -> int:
    flags = _MFD_CLOEXEC | _MFD_ALLOW_SEALING
    try:
        return _call("memfd_create", b"cpnum", flags | _MFD_EXEC)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    return _call("memfd_create", b"cpnum", flags)  # Linux before 6.3 does not know MFD_EXEC.


def _seal(fd: int) -> None:
    import fcntl  # Not on Windows.

    seals = _F_SEAL_SEAL | _F_SEAL_SHRINK | _F_SEAL_GROW
    try:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals | _F_SEAL_FUTURE_WRITE)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)  # Linux before 5.1 lacks the other.


def _map_twice(size: int) -> tuple[int, int]:
    """Return the addresses of a writable and an executable view of `size` bytes."""
    fd = _memfd_create()
    try:
        os.ftruncate(fd, size)
        read_write = mmap.PROT_READ | mmap.PROT_WRITE
        writable = _call("mmap", 0, size, read_write, mmap.MAP_SHARED, fd, 0)
        try:
            # A child has no writable view, so no mistake of ours can write to its parent's code.
            _call("madvise", writable, size, mmap.MADV_DONTFORK)
            # Sealed before the second mapping, which then cannot become writable by mprotect.
            _seal(fd)
            read_execute = mmap.PROT_READ | mmap.PROT_EXEC
            executable = _call("mmap", 0, size, read_execute, mmap.MAP_SHARED, fd, 0)
        except OSError:
            _call("munmap", writable, size)
            raise
        return writable, executable
    finally:
        os.close(fd)


class _Arena:
    """Two views of one memfd, and the blocks of it that are free.

    Invariant: `free` is sorted, its blocks neither overlap nor touch, and their bytes are zero.
    Blocks start and end at multiples of 16.  Finalizers run at any point of any thread, so they
    only append to `released`; `collect` moves that to `free`.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.writable, self.executable = _map_twice(size)
        self.bytes = _bytes_at(self.writable, size)
        self.free = [(0, size)]
        self.released: deque[tuple[int, int]] = deque()

    def place(self, code: bytes, aligned: int) -> Region | None:
        """Copy the code into the first block that is long enough, if there is one."""
        for index, (start, end) in enumerate(self.free):
            first = start + -(start + aligned) % _ALIGNMENT
            last = first + len(code)
            if last > end:
                continue
            # The bytes skipped for alignment stay with the block: kept free, they would be many
            # and too small to use, and every search would step over them.
            stop = -(-last // _BLOCK_BYTES) * _BLOCK_BYTES
            self.free[index : index + 1] = [(stop, end)] if stop < end else []
            self.bytes[first:last] = code
            released = self.released.append
            return _region(self.executable + first, len(code), released, (start, stop))
        return None

    def collect(self) -> None:
        """Return the released blocks to the free ones, merged with their neighbours."""
        released = self.released
        while released:
            start, end = released.popleft()
            self.bytes[start:end] = bytes(end - start)
            index = stop = bisect.bisect(self.free, (start, end))
            if stop < len(self.free) and self.free[stop][0] == end:
                end = self.free[stop][1]
                stop += 1
            if index > 0 and self.free[index - 1][1] == start:
                start = self.free[index - 1][0]
                index -= 1
            self.free[index:stop] = [(start, end)]

    def pin(self) -> None:
        """Never reuse the blocks that are in use now."""
        self.released = deque()

    def unmap(self) -> None:
        _call("munmap", self.executable, self.size)
        _call("munmap", self.writable, self.size)


class _Arenas:
    """The arenas of this process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        # A finalizer or signal handler of the user's may compile while `place` runs: the lock
        # admits its own thread again, which then finds `busy` and takes a new arena.
        self.lock = threading.RLock()
        self.busy = False
        self.arenas: list[_Arena] = []

    def place(self, code: bytes, aligned: int) -> Region:
        with self.lock:
            region = None
            if not self.busy:
                self.busy = True
                try:
                    self.collect()
                    for arena in self.arenas:
                        region = arena.place(code, aligned)
                        if region is not None:
                            break
                finally:
                    self.busy = False
            if region is None:
                arena = _Arena(max(_ARENA_BYTES, _pages(len(code) + _ALIGNMENT)))
                region = arena.place(code, aligned)
                assert region is not None
                self.arenas.append(arena)
            return region

    def collect(self) -> None:
        for arena in self.arenas[:]:
            arena.collect()
            # The first one stays, lest a loop that places and frees maps anew each time.
            if arena.free == [(0, arena.size)] and arena is not self.arenas[0]:
                self.arenas.remove(arena)
                arena.unmap()

    def before_fork(self) -> None:
        # Blocks released up to here are dead in the child as well.  Those in use are not: the
        # child runs them where they are, whatever the parent releases from now on.
        self.lock.acquire()
        if not self.busy:
            self.busy = True
            try:
                self.collect()
            finally:
                self.busy = False
        for arena in self.arenas:
            arena.pin()

    def after_fork_in_parent(self) -> None:
        self.lock.release()


_arenas = _Arenas()


def _after_fork_in_child() -> None:
    # Regions of the parent's arenas keep running; nobody here collects what they release.
    global _arenas
    _arenas = _Arenas()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: _arenas.before_fork(),
        after_in_parent=lambda: _arenas.after_fork_in_parent(),
        after_in_child=_after_fork_in_child,
    )


def _place_memfd(code: bytes, aligned: int) -> Region:
    if _arenas.pid != os.getpid():  # A fork in C, of which Python was not told.
        _after_fork_in_child()
    return _arenas.place(code, aligned)


# --- mprotect: a mapping for each region ---


def _place_mprotect(code: bytes, aligned: int) -> Region:
    first = -aligned % _ALIGNMENT
    size = _pages(first + len(code))
    read_write = mmap.PROT_READ | mmap.PROT_WRITE
    private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    address = _call("mmap", 0, size, read_write, private, -1, 0)
    try:
        _bytes_at(address, size)[first : first + len(code)] = code
        _call("mprotect", address, size, mmap.PROT_READ | mmap.PROT_EXEC)
        return _region(address + first, len(code), _call, "munmap", address, size)
    except OSError:
        _call("munmap", address, size)
        raise


# --- the ladder ---

_PLACE = {"memfd": _place_memfd, "mprotect": _place_mprotect}
_REASON = {
    "memfd": "a writable and an executable view of one memfd",
    "mprotect": "pages made executable once written",
}


@functools.cache
def mode() -> tuple[str, str]:
    """Tell how executable memory is had ("memfd", "mprotect" or "none"), and why so.

    The first way that works is kept for the life of the process; CPNUM_MEMORY leaves only one.

    >>> mode()[0] in {"memfd", "mprotect", "none"}
    True
    """
    if not sys.platform.startswith("linux"):
        return "none", f"executable memory is not supported on {sys.platform} yet"
    forced = os.environ.get("CPNUM_MEMORY")
    if forced == "none":
        return "none", "CPNUM_MEMORY=none"
    if forced and forced not in _PLACE:
        return "none", f"CPNUM_MEMORY={forced} is not one of {', '.join(_PLACE)}, none"
    try:
        ffi()
    except ImportError as error:  # its library is code, which the system may not map
        return "none", f"cffi cannot be loaded: {error}"
    reasons = [f"CPNUM_MEMORY={forced}"] if forced else []
    for name in [forced] if forced else _PLACE:
        sample = b"cpnum"
        try:
            if _PLACE[name](sample, 0).read() == sample:
                return name, "; ".join([*reasons, _REASON[name]])
            reasons.append(f"{name} failed: the executable view does not show what was written")
        except OSError as error:
            reasons.append(f"{name} failed: {error}")
    return "none", "; ".join(reasons)


def place(code: bytes, aligned: int = 0) -> Region:
    """Copy `code` into executable memory, with its offset `aligned` on a 64-byte boundary.

    The code starts at a multiple of 16 if `aligned` is one.

    Raises:  ExecutableMemoryError if the system gives none.

    >>> place(b"code")
    Region(4 bytes)
    """
    if not 0 <= aligned < len(code):
        raise ValueError(f"no offset {aligned} in {len(code)} bytes of code")
    name, reason = mode()
    if name == "none":
        raise ExecutableMemoryError("no executable memory", seen=reason)
    try:
        return _PLACE[name](code, aligned)
    except OSError as error:
        raise ExecutableMemoryError("no executable memory", seen=f"{name}: {error}") from error
