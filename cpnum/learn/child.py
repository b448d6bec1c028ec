"""The program that `learn.run` starts in a process of its own: it runs raw machine code.

It reads one request from standard input and writes one report to standard output, by `marshal`.  It
imports neither NumPy nor cpnum, so that a run takes 30 ms.

The code lies in pages that are written first and made executable later.  Each region of data ends
where a page ends that nobody may touch, so a step behind an array is a signal.
"""

from __future__ import annotations

import ctypes
import marshal
import os
import resource
import sys

TYPE_CHECKING = False  # typing.TYPE_CHECKING, whose import takes 10 ms
if TYPE_CHECKING:
    from typing import Any, NoReturn

PAGE = os.sysconf("SC_PAGE_SIZE")
# linux: mman-common.h, signal.h, and the structures of asm/ucontext.h and asm/sigcontext.h.
PROT_NONE, PROT_READ, PROT_WRITE, PROT_EXEC = 0, 1, 2, 4
MAP_PRIVATE_ANONYMOUS = 0x2 | 0x20
SA_SIGINFO, SA_ONSTACK = 0x4, 0x08000000
SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGALRM = 4, 5, 7, 8, 11, 14
SI_CODE, SI_ADDR = 8, 16  # offsets in siginfo_t
# The offset of the instruction's address in ucontext_t: uc_mcontext.gregs[REG_RIP], and
# uc_mcontext.pc.
INSTRUCTION = {"x86_64": 168, "aarch64": 440}
# What stands behind the code, so that a missing return is a signal: int3, and brk #0.
TRAP = {"x86_64": b"\xcc", "aarch64": b"\x00\x00\x20\xd4"}

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
LIBC.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]

HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


class SignalAction(ctypes.Structure):
    """`struct sigaction` of the C library."""

    _fields_ = (
        ("handler", HANDLER),
        ("mask", ctypes.c_ulong * 16),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


class Stack(ctypes.Structure):
    """`stack_t`."""

    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


def mapped(size: int) -> int:
    """Return the address of new pages, for reading and writing, between two closed ones."""
    size = -(-size // PAGE) * PAGE
    address = LIBC.mmap(None, size + 2 * PAGE, PROT_NONE, MAP_PRIVATE_ANONYMOUS, -1, 0)
    if address in (None, ctypes.c_void_p(-1).value):
        raise OSError(f"mmap: {os.strerror(ctypes.get_errno())}")
    start = int(address) + PAGE
    if size:
        protect(start, size, PROT_READ | PROT_WRITE)
    return start


def protect(address: int, size: int, access: int) -> None:
    """Change what may be done to pages."""
    if LIBC.mprotect(address, size, access):
        raise OSError(f"mprotect: {os.strerror(ctypes.get_errno())}")


def place_data(data: bytes, writable: bool) -> int:
    """Copy data into pages of its own, at their end, and return its address."""
    size = -(-len(data) // PAGE) * PAGE
    start = mapped(size)
    address = start + size - len(data)
    ctypes.memmove(address, data, len(data))
    if size and not writable:
        protect(start, size, PROT_READ)
    return address


def place_code(code: bytes, machine: str) -> int:
    """Copy code into executable pages, at their start, and return its address."""
    trap = TRAP[machine]
    size = -(-(len(code) + 16) // PAGE) * PAGE
    address = mapped(size)
    padding = trap * (-(-(size - len(code)) // len(trap)))
    ctypes.memmove(address, (code + padding)[:size], size)
    protect(address, size, PROT_READ | PROT_EXEC)
    if machine == "aarch64":
        ctypes.CDLL("libgcc_s.so.1").__clear_cache(
            ctypes.c_void_p(address), ctypes.c_void_p(address + size)
        )
    return address


def use_signal_stack() -> None:
    """Let handlers run on a stack of their own, since the code may lose its stack.

    It is a part of the thread's stack far below all that is in use: Python looks at the stack
    pointer, and takes memory elsewhere for a stack that overflows.
    """
    with open("/proc/self/maps", encoding="ascii", errors="replace") as lines:  # noqa: PTH123
        (stack,) = (line for line in lines if line.rstrip().endswith("[stack]"))
    end = int(stack.split()[0].partition("-")[2], 16)
    limit = resource.getrlimit(resource.RLIMIT_STACK)[0]
    limit = 8 << 20 if limit == resource.RLIM_INFINITY else min(limit, 8 << 20)
    size = limit // 8
    start = (end - limit // 2) & -PAGE
    ctypes.memset(start, 0, 1)  # the kernel lets the stack grow to here
    LIBC.sigaltstack(ctypes.byref(Stack(start, 0, size)), None)


def send(pipe: int, report: Any) -> NoReturn:
    """Write the report and end the process."""
    try:
        data = memoryview(marshal.dumps(report))
        while data:
            data = data[os.write(pipe, data) :]
    finally:
        os._exit(0)


def catch_signals(pipe: int, machine: str, code: int, regions: list[int]) -> Any:
    """Report the signals that a fault of the code raises; return what has to stay alive."""
    offset = INSTRUCTION[machine]

    def handle(signal: int, info: int, context: int) -> None:
        try:
            at = ctypes.c_uint64.from_address(context + offset).value
            kind = ctypes.c_int.from_address(info + SI_CODE).value
            address = ctypes.c_uint64.from_address(info + SI_ADDR).value
            send(pipe, ("signal", signal, at, kind, address, code, regions))
        finally:
            os._exit(1)

    action = SignalAction(HANDLER(handle), flags=SA_SIGINFO | SA_ONSTACK)
    for signal in (SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGALRM):
        LIBC.sigaction(signal, ctypes.byref(action), None)
    return action


def alarm(seconds: float) -> None:
    """Raise SIGALRM after so many seconds; 0 cancels it."""
    whole, rest = divmod(round(seconds * 1e6), 1_000_000)
    LIBC.setitimer(0, ctypes.byref((ctypes.c_long * 4)(0, 0, whole, rest)), None)


def word(value: Any, regions: list[int]) -> bytes:
    """Return the 8 bytes of an argument: a number as it is, or (region, offset), an address."""
    if isinstance(value, tuple):
        region, offset = value
        value = (regions[region] + offset).to_bytes(8, "little")
    return bytes(value)


def main() -> None:
    """Run one request."""
    pipe = os.dup(1)
    os.dup2(2, 1)  # what the code prints goes another way than the report
    try:
        function, words, data, regions, seconds, kept = prepared(pipe)
    except Exception as error:
        send(pipe, ("failed", f"{type(error).__name__}: {error}"))
    alarm(seconds)
    result = function(*words)
    alarm(0)
    changed = []
    for (before, writable), start in zip(data, regions, strict=False):
        after = ctypes.string_at(start, len(before)) if writable else before
        changed.append(None if after == before else after)
    del kept
    send(pipe, ("result", result, changed))


def prepared(pipe: int) -> Any:
    """Read the request and place all of it; return what `main` needs."""
    code, data, blocks, arguments, seconds = marshal.loads(sys.stdin.buffer.read())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    machine = os.uname().machine
    regions = [place_data(each, writable) for each, writable in data]
    for block in blocks:
        regions.append(place_data(b"".join([word(each, regions) for each in block]), True))
    words = [int.from_bytes(word(each, regions), "little", signed=True) for each in arguments]
    address = place_code(code, machine)
    use_signal_stack()
    kept = catch_signals(pipe, machine, address, regions)
    function = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * len(words))(address)
    return function, words, data, regions, seconds, kept


if __name__ == "__main__":
    main()
