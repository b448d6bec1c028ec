"""Kernels of the aarch64 pack on another processor: in qemu's user-mode emulation.

`install` makes the level "aarch64" one that runs here, so that the tests that go over all levels
take it in.  Only what enters a kernel is replaced: a job goes to `runner.c`, which maps the arrays'
memory, runs the kernel, and sends back flags and memory.

    CPNUM_TEST=aarch64 python -m pytest -k aarch64 tests/test_operators.py

Needs: ziglang, and `qemu-aarch64-static` or `qemu-aarch64` (Debian: qemu-user-static).
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cpnum.compile.emit import Code
from cpnum.jit import specialization
from cpnum.run import plan as run
from cpnum.run.memory import Region
from cpnum.tables import isa

Array = np.ndarray[Any, Any]

_RUNNER = Path(__file__).with_name("runner.c")
_PAGE = 4096
# Where the guest's memory for arrays starts: far from what qemu and the C library map.
_BASE = 0x20_0000_0000


def emulator() -> str:
    """Return the emulator's path.

    Raises:  FileNotFoundError if there is none.
    """
    for name in ("qemu-aarch64-static", "qemu-aarch64"):
        found = shutil.which(name)
        if found:
            return found
    raise FileNotFoundError("no qemu-aarch64-static: apt-get install qemu-user-static")


class Machine:
    """A running emulator that takes jobs."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._path = folder / "runner"
        environment = os.environ | {
            "ZIG_GLOBAL_CACHE_DIR": str(folder / "zig"),
            "ZIG_LOCAL_CACHE_DIR": str(folder / "zig"),
        }
        command = "cc -target aarch64-linux-musl -O1 -static -Wall -Werror".split()
        subprocess.run(
            [sys.executable, "-m", "ziglang", *command, str(_RUNNER), "-o", str(self._path)],
            env=environment,
            check=True,
        )
        self._process = self._start()
        self._lock = threading.Lock()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [emulator(), str(self._path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def run(
        self, code: bytes, head: int, block: bytes, pieces: Sequence[tuple[int, bytes]], stop: int
    ) -> tuple[int, list[bytes]]:
        """Run code on pieces of memory; return its flags and what is in them then."""
        parts = [
            struct.pack("<4Q2q", len(code), head, len(block), len(pieces), 0, stop),
            code,
            block,
        ]
        for address, content in pieces:
            parts += [struct.pack("<2Q", address, len(content)), content]
        with self._lock:
            process = self._process
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(b"".join(parts))
                process.stdin.flush()
                flags = process.stdout.read(8)
                results = [process.stdout.read(len(content)) for _, content in pieces]
            except BrokenPipeError:
                flags = b""
            if len(flags) < 8:
                self._process = self._start()
                raise RuntimeError(f"the emulated kernel crashed: exit status {process.wait()}")
            return int.from_bytes(flags, "little"), results


class _Memory:
    """The guest's copy of the memory that some arrays span."""

    def __init__(self, arrays: Sequence[Array]) -> None:
        self.spans: list[list[int]] = []
        for low, high in sorted(np.lib.array_utils.byte_bounds(each) for each in arrays):
            # Arrays that share memory share it in the guest.
            if self.spans and low < self.spans[-1][1]:
                self.spans[-1][1] = max(high, self.spans[-1][1])
            else:
                self.spans.append([low, high])
        self.addresses = []
        address = _BASE
        for low, high in self.spans:
            # The last byte is the last of a page, and the next page is not mapped.
            pages = -(-(high - low) // _PAGE)
            self.addresses.append(address + pages * _PAGE - (high - low))
            address += (pages + 2) * _PAGE

    def guest(self, pointer: int) -> int:
        """Return where the guest has what is at a pointer."""
        for (low, high), address in zip(self.spans, self.addresses, strict=True):
            if low <= pointer < high:
                return pointer - low + address
        raise AssertionError("a pointer to none of the arrays")

    def pieces(self) -> list[tuple[int, bytes]]:
        return [
            (address, bytes(run.ffi().buffer(run.ffi().cast("char *", low), high - low)))
            for (low, high), address in zip(self.spans, self.addresses, strict=True)
        ]

    def write(self, out: Array, results: Sequence[bytes]) -> None:
        """Take over the result; nothing else may have changed."""
        pointer = out.__array_interface__["data"][0]
        for (low, high), content in zip(self.spans, results, strict=True):
            if low <= pointer < high:
                out[...] = np.ndarray(out.shape, out.dtype, content, pointer - low, out.strides)
        after = [content for _, content in self.pieces()]
        assert after == list(results), "a kernel wrote to memory that is not the result's"


def install(folder: Path) -> None:
    """Let the level "aarch64" run here, emulated; the folder keeps what was built."""
    machine = Machine(folder)
    runs_here, run_plan, init_plan = isa.runs_here, run.Plan.run, run.Plan.__init__
    init_bound = specialization.Bound.__init__
    codes: weakref.WeakKeyDictionary[Region, Code] = weakref.WeakKeyDictionary()

    def enter(plan: run.Plan, code: Code, arguments: Any, out: Array, *, bound: bool) -> int:
        arrays = plan.call.operands.arrays
        block, words = plan._block()
        views = plan._point(block, arguments, out)
        suspected = plan._set(words, arguments)
        whole = [arguments[each.parameter] for each in arrays if not each.movement]
        memory = _Memory([*views, *whole, out])
        count = len(arrays) + 1
        guest = np.frombuffer(bytes(words), np.int64).copy()
        guest[:count] = [memory.guest(int(word)) for word in guest[:count]]
        data = code.data
        if bound:
            data = code.bind(lambda offset: int(guest[offset // 8]))
            guest = np.full(-(-code.assignment.block_bytes // 8), -1, np.int64)
        flags, results = machine.run(data, code.head, guest.tobytes(), memory.pieces(), plan._range)
        memory.write(out, results)
        return flags | suspected

    def emulated(code: Code) -> bool:
        return code.assignment.selection.nest.isa is isa.A64

    def plan_init(self: Any, graph: Any, call: Any, code: Code, region: Region) -> None:
        init_plan(self, graph, call, code, region)
        codes[region] = code

    def plan_run(self: Any, arguments: Any, out: Array) -> int:
        code = codes[self._region]
        if emulated(code):
            raised = self.raised_by_integers(arguments)
            return raised | enter(self, code, arguments, out, bound=False)
        return run_plan(self, arguments, out)

    def bound_init(self: Any, plan: run.Plan, kernel: Any, arguments: Any, out: Array) -> None:
        init_bound(self, plan, kernel, arguments, out)
        if emulated(kernel.code):
            self._words = 0
            self._function = lambda: enter(plan, kernel.code, arguments, out, bound=True)

    isa.runs_here = lambda level: level is isa.A64 or runs_here(level)
    run.Plan.__init__ = plan_init
    run.Plan.run = plan_run
    specialization.Bound.__init__ = bound_init
