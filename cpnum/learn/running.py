"""Running raw machine code in a process of its own, where a crash is a message."""

from __future__ import annotations

import marshal
import os
import platform
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from cpnum.errors import CrashError, DTypeError, IsaError
from cpnum.learn.crashes import Fault, crash
from cpnum.learn.gluing import Glued
from cpnum.run.system import bytes_at
from cpnum.tables.isa import runs_here

_CHILD = os.path.join(os.path.dirname(__file__), "child.py")  # noqa: PTH118, PTH120 # as pack.stencil
# Integers and addresses in registers, by the C calling conventions of both architectures.
REGISTERS = {"x86_64": 6, "aarch64": 8}
# What the start of a process may take at most, beside the time that the code may take.
_START_SECONDS = 20.0

Argument = Any  # an array, an integer, or a list or tuple of words


class _Region(NamedTuple):
    """Memory that one or several arrays of a run share, from address `low` to `high`."""

    low: int
    high: int
    arrays: list[np.ndarray[Any, Any]]

    @property
    def writable(self) -> bool:
        return any(array.flags.writeable for array in self.arrays)

    def data(self) -> bytes:
        return bytes(bytes_at(self.low, self.high - self.low)[:]) if self.high > self.low else b""

    def write_back(self, data: bytes) -> None:
        """Copy the elements of the arrays back from their changed memory."""
        for array in self.arrays:
            if array.flags.writeable:
                offset = array.ctypes.data - self.low
                array[...] = np.ndarray(array.shape, array.dtype, data, offset, array.strides)


def run(code: bytes | Glued, *arguments: Argument, seconds: float = 2.0) -> int:
    """Run machine code as a C function, in a process of its own, and return its integer result.

    An argument is an array, whose address is passed; an integer; or a list, an argument block: its
    address is passed, and it has a word of 8 bytes for each array, integer, float or NumPy scalar
    in it.  Floats are passed in a list only.  What the code writes to an array is copied back.

    The code gets copies of the arrays, and may touch no byte behind them.  The result is the
    register rax, or x0, with its sign.

    Raises:  CrashError if the code crashes, ends the process, or does not return in `seconds`;
             DTypeError for another argument; IsaError for stencils that do not run here.

    >>> run(bytes.fromhex("b8 2a 00 00 00 c3")) if platform.machine() == "x86_64" else 42
    42
    """
    if not seconds > 0:
        raise ValueError(f"the code needs some time: seconds={seconds}")
    data = _code(code)
    regions = _regions(arguments)
    blocks: list[list[Any]] = []
    words = [_argument(each, regions, blocks) for each in arguments]
    most = REGISTERS.get(platform.machine(), 0)
    if len(words) > most:
        raise DTypeError(
            f"C passes {most} arguments in registers", seen=f"{len(words)} arguments",
            write="the others in a list, an argument block",
        )  # fmt: skip
    memory = [(region.data(), region.writable) for region in regions]
    report, status, printed = _started((data, memory, blocks, words, seconds), seconds)
    sys.stdout.write(printed)
    if report is not None and report[0] == "result":
        _, result, changed = report
        for region, after in zip(regions, changed, strict=True):
            if after is not None:
                region.write_back(after)
        return int(result)
    if report is not None and report[0] == "failed":
        raise CrashError("the code cannot be run in a process of its own", seen=report[1])
    sizes = [region.high - region.low for region in regions] + [8 * len(each) for each in blocks]
    fault = None
    if report is not None:
        _, number, at, kind, address, base, starts = report
        names = _names(arguments, regions)
        fault = Fault(number, at, kind, address, base, starts, sizes, names)
    raise crash(code, fault, status, seconds)


def _code(code: bytes | Glued) -> bytes:
    if isinstance(code, Glued):
        if not runs_here(code.isa):
            raise IsaError("this processor cannot run the code", seen=f"stencils of {code.isa}")
        return code.data
    if not code:
        raise CrashError("there is no code", seen="0 bytes")
    return bytes(code)


# -- arguments ----------------------------------------------------------------------------------


def _arrays(arguments: Sequence[Argument]) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """Yield all arrays of the arguments, with their names in messages."""
    for at, each in enumerate(arguments):
        if isinstance(each, np.ndarray):
            yield f"argument {at}", each
        elif isinstance(each, list | tuple):
            for index, one in enumerate(each):
                if isinstance(one, np.ndarray):
                    yield f"word {index} of argument {at}", one


def _bounds(array: np.ndarray[Any, Any]) -> tuple[int, int]:
    low, high = np.lib.array_utils.byte_bounds(array)
    return int(low), int(low if array.size == 0 else high)


def _regions(arguments: Sequence[Argument]) -> list[_Region]:
    """Return the memory of the arrays; arrays that overlap are in one region."""
    for name, array in _arrays(arguments):
        if array.dtype.hasobject:
            raise DTypeError("machine code has no use for Python objects", seen=f"{name}: {array}")
    regions: list[_Region] = []
    arrays = [(*_bounds(array), array) for _, array in _arrays(arguments)]
    for low, high, array in sorted(arrays, key=lambda each: each[:2]):
        last = regions[-1] if regions else None
        if last is not None and (low < last.high or (low, high) == last[:2]):
            regions[-1] = _Region(last.low, max(last.high, high), [*last.arrays, array])
        else:
            regions.append(_Region(low, high, [array]))
    return regions


def _address(array: np.ndarray[Any, Any], regions: list[_Region]) -> tuple[int, int]:
    """Return the region of an array, and the offset of its first element in it."""
    for at, region in enumerate(regions):
        if any(each is array for each in region.arrays):
            return at, array.ctypes.data - region.low
    raise AssertionError("each array has a region")


def _argument(value: Argument, regions: list[_Region], blocks: list[list[Any]]) -> Any:
    """Return an argument as the child takes it; a list is added to `blocks`."""
    if isinstance(value, list | tuple):
        blocks.append([_word(each, regions) for each in value])
        return len(regions) + len(blocks) - 1, 0
    if isinstance(value, np.ndarray | int | np.integer):
        return _word(value, regions)
    raise DTypeError(
        f"an argument of type {type(value).__name__} is not passed in a general register",
        seen=repr(value),
        write="an array, an integer, or a list of words: [x, out, 2.5]",
    )


def _word(value: Any, regions: list[_Region]) -> Any:
    if isinstance(value, np.ndarray):
        return _address(value, regions)
    if isinstance(value, np.generic) and value.itemsize <= 8:
        return value.tobytes().ljust(8, b"\0")
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 64:
        return (value % (1 << 64)).to_bytes(8, "little")
    if isinstance(value, float):
        return struct.pack("<d", value)
    raise DTypeError(
        f"{value!r} is no word of 8 bytes",
        seen=type(value).__name__,
        write="an array, a number of 64 bits, or a NumPy scalar",
    )


def _names(arguments: Sequence[Argument], regions: list[_Region]) -> list[str]:
    """Return the names of the regions, then of the blocks, in messages."""
    names = [""] * len(regions)
    for name, array in _arrays(arguments):
        at, _ = _address(array, regions)
        names[at] = names[at] or name
    blocks = [f"argument {at}" for at, each in enumerate(arguments) if type(each) in (list, tuple)]
    return names + blocks


# -- the process --------------------------------------------------------------------------------


def _started(request: Any, seconds: float) -> tuple[Any, int | None, str]:
    """Run the child; return its report, if any, its exit status, and what the code printed.

    The status is None if the child had to be killed.
    """
    command = [sys.executable, "-I", "-S", _CHILD]
    data = marshal.dumps(request)
    try:
        done = subprocess.run(
            command, input=data, capture_output=True, timeout=seconds + _START_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return None, None, ""
    report = marshal.loads(done.stdout) if done.stdout else None
    return report, done.returncode, done.stderr.decode(errors="replace")
