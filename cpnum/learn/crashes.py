"""The message of a CrashError: a signal, told in terms of the code and its arguments."""

from __future__ import annotations

import platform
import signal
from collections.abc import Sequence
from typing import NamedTuple

from cpnum.errors import CrashError
from cpnum.learn.gluing import Glued
from cpnum.pack.disassembly import disassembled

# Where a signal says which address was wrong (sigaction(2)); SI_KERNEL says that it does not.
_WITH_ADDRESS = ("SIGSEGV", "SIGBUS")
_SI_KERNEL = 0x80
# The registers that a C function has to leave as they were.
_KEPT = {"x86_64": "rbx, rbp, r12 to r15", "aarch64": "x19 to x29"}
# An address that is no further from an array than this is told by its distance.
_NEAR = 4096


class Fault(NamedTuple):
    """A signal in a run: the addresses at which it was, and of the code and of the data.

    `at` is the address of the instruction, `kind` the signal's si_code, `address` what it wanted
    to read or write.  `regions` are the addresses of the data, with their `sizes` and `names`.
    """

    number: int
    at: int
    kind: int
    address: int
    code: int
    regions: Sequence[int]
    sizes: Sequence[int]
    names: Sequence[str]


def crash(
    code: bytes | Glued, fault: Fault | None, status: int | None, seconds: float
) -> CrashError:
    r"""Return the error of a run that gave no result.

    `status` is the exit status of the process, None if it was killed.

    >>> print(crash(b"\\x06", None, 3, 2.0))
    the code ended the process, with exit status 3
    """
    if fault is not None:
        return _signalled(code, fault, seconds)
    if status is None:
        return CrashError(f"did not return within {seconds} s, nor did it take a signal")
    if status >= 0:
        return CrashError(f"the code ended the process, with exit status {status}")
    error = CrashError(
        f"{signal.Signals(-status).name}, at an unknown place",
        seen="no handler could run: are the stack and Python's memory as they were?",
    )
    error.signal = signal.Signals(-status).name
    return error


def _signalled(code: bytes | Glued, fault: Fault, seconds: float) -> CrashError:
    name = signal.Signals(fault.number).name
    data = code.data if isinstance(code, Glued) else code
    architecture = code.isa.architecture if isinstance(code, Glued) else platform.machine()
    at = fault.at - fault.code
    if name == "SIGTRAP" and architecture == "x86_64":
        at -= 1  # int3 is reported when it is done
    what = f"did not return within {seconds} s: it was" if name == "SIGALRM" else name
    parts = [f"{what} {_place(code, data, at)}"]
    seen = None
    if name in _WITH_ADDRESS:
        parts.append(f", {_address(fault)}")
        seen = _beyond(fault)
    if 0 <= at < len(data):
        parts.append(f": {_instruction(name, data, at, architecture)}")
    elif name == "SIGTRAP":
        parts = [f"the code ran past its end, +{len(data):#x}: nothing in it returned"]
    elif seen is None:
        kept = _KEPT.get(architecture, "the registers of the caller")
        seen = f"a jump or a return left the code; are {kept} and the stack restored?"
    error = CrashError("".join(parts), seen=seen)
    error.signal = name
    if 0 <= at <= len(data):
        error.offset = at
        line = code.line_at(at) if isinstance(code, Glued) else None
        error.stencil = line.instance.stencil.name if line else None
    return error


def _place(code: bytes | Glued, data: bytes, at: int) -> str:
    if not 0 <= at < len(data):
        return "outside of the code"
    if not isinstance(code, Glued):
        return f"at +{at:#x}"
    line = code.line_at(at)
    if line is None:
        return f"among the constants (code at +{at:#x})"
    name = line.instance.stencil.name
    return f"in stencil {name} at +{at - line.offset:#x} (code at +{at:#x})"


def _address(fault: Fault) -> str:
    """Return the address that was wrong, by its distance from an array if that is small."""
    if fault.kind == _SI_KERNEL:
        return "an address of more than 48 bits"
    for start, size, name in zip(fault.regions, fault.sizes, fault.names, strict=True):
        before, behind = start - fault.address, fault.address - start - size
        if before <= 0 and behind < 0:
            return f"a write to {name}, which is read-only"
        if 0 < before <= _NEAR:
            return f"address {before} bytes before {name}"
        if 0 <= behind <= _NEAR:
            return f"address {behind} bytes behind {name}"
    return f"address {fault.address:#x}"


def _beyond(fault: Fault) -> str | None:
    """Return more about the address, if there is more to say."""
    if 0 <= fault.address - fault.code < _NEAR and fault.address != fault.at:
        return "this is the code itself, which may be read and run, not written"
    return None


def _instruction(name: str, data: bytes, at: int, architecture: str) -> str:
    """Return the bytes and the text of an instruction."""
    code, text = next(disassembled(data[at : at + 64], at, architecture))
    if text.startswith(".byte"):
        wrong = code[: 1 if architecture == "x86_64" else 4]
        return f"{wrong.hex(' ')} is no instruction"
    known = f"{code.hex(' ')} {text}".rstrip()
    return f"{known}: not on this processor" if name == "SIGILL" and text != "ud2" else known
