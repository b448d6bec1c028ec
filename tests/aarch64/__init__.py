"""A machine that runs kernels of the aarch64 pack on another processor: qemu's user-mode emulation.

`install` makes it one of cpnum's machines, so that the tests that go over all levels take its level
in.  A call becomes a job for `runner.c`, which maps a copy of the memory that the arrays span, runs
the kernel, and sends back flags and memory.

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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cpnum.compile.kernel import Kernel
from cpnum.compile.schedule import Nest
from cpnum.compile.skeleton import Entry
from cpnum.compile.tree import END, Leaf
from cpnum.run import memory
from cpnum.run.machine import MACHINES, Placement
from cpnum.tables.block import ArgumentBlock
from cpnum.tables.isa import A64, Isa

Array = np.ndarray[Any, Any]

_RUNNER = Path(__file__).with_name("runner.c")
_PAGE = 4096
# Where the guest's memory for arrays starts: far from what qemu and the C library map.
_BASE = 0x20_0000_0000


def install(folder: Path) -> None:
    """Let the level "aarch64" run here; the folder keeps the runner and the C library for it."""
    MACHINES.append(Emulator(folder))


def qemu() -> str:
    """Return the emulator's path.

    Raises:  FileNotFoundError if there is none.
    """
    for name in ("qemu-aarch64-static", "qemu-aarch64"):
        found = shutil.which(name)
        if found:
            return found
    raise FileNotFoundError("no qemu-aarch64-static: apt-get install qemu-user-static")


class Emulator:
    """A machine of cpnum: a running emulator that takes jobs."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self._path = folder / "runner"
        environment = os.environ | {
            "ZIG_GLOBAL_CACHE_DIR": str(folder / "zig"),
            "ZIG_LOCAL_CACHE_DIR": str(folder / "zig"),
        }
        command = "cc -target aarch64-linux-musl -O1 -static -Wall -Werror".split()
        # A process beside this one may run what it has built there.
        unfinished = folder / f"runner-{os.getpid()}"
        subprocess.run(
            [sys.executable, "-m", "ziglang", *command, str(_RUNNER), "-o", str(unfinished)],
            env=environment,
            check=True,
        )
        unfinished.replace(self._path)
        self._process = self._start()
        self._lock = threading.Lock()

    def runs(self, level: Isa) -> bool:
        """Tell whether it runs code of an ISA level."""
        return level is A64

    def why_not(self) -> str | None:
        """Return why this process has no memory for the copy of the code that reports read."""
        mode, reason = memory.mode()
        return reason if mode == "none" else None

    def place(self, kernel: Kernel, words: bytes = b"") -> Placement:
        """Place a kernel; a bound one has the guest's addresses in its code.

        Each job takes the code to the guest; the region is a copy that reports read.
        """
        nest, code = kernel.loop_nest, kernel.code.data
        uses_block = True
        enter: Callable[..., int]
        if kernel.entry is Entry.BOUND:
            guest = _Guest(nest, words)
            code = kernel.code.bind(guest.words)
            uses_block = kernel.instances.uses_block
            # A bound kernel reads nothing from its block that it has not written.
            scratch = b"\xff" * (8 * kernel.block_words if uses_block else 0)

            def enter_bound(block: Any = None) -> int:
                assert (block is not None) == uses_block
                return self._enter(code, kernel.code.head, scratch, guest, 0, 0)

            enter = enter_bound
        else:

            def enter_called(block: Any, start: int, stop: int) -> int:
                guest = _Guest(nest, bytes(memory.ffi().buffer(block)))
                return self._enter(code, kernel.code.head, guest.words, guest, start, stop)

            enter = enter_called
        region = memory.place(code, kernel.code.head)
        return Placement(code, region, enter, uses_block)

    def _enter(
        self, code: bytes, head: int, block: bytes, guest: _Guest, start: int, stop: int
    ) -> int:
        """Run code on a copy of the arrays' memory, take over what it stored; return its flags."""
        before = guest.pieces()
        flags, after = self._run(code, head, block, before, start, stop)
        guest.write([content for _, content in before], after)
        return flags

    def _run(
        self,
        code: bytes,
        head: int,
        block: bytes,
        pieces: Sequence[tuple[int, bytes]],
        start: int,
        stop: int,
    ) -> tuple[int, list[bytes]]:
        """Run code on pieces of memory; return its flags and what is in them then."""
        parts = [
            struct.pack("<4Q2q", len(code), head, len(block), len(pieces), start, stop),
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

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [qemu(), str(self._path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )


class _Elements(NamedTuple):
    """The elements of an array in memory; extents and strides go down to single bytes."""

    address: int
    extents: tuple[int, ...]
    strides: tuple[int, ...]

    def span(self) -> tuple[int, int]:
        """Return the addresses of the first byte and behind the last."""
        reach = [
            (extent - 1) * stride for extent, stride in zip(self.extents, self.strides, strict=True)
        ]
        low = self.address + sum(each for each in reach if each < 0)
        return low, self.address + sum(each for each in reach if each > 0) + 1


def _elements(nest: Nest, words: Sequence[int]) -> list[_Elements]:
    """Return the elements of each operand of a call, whose argument block has these words."""
    block = nest.block
    extents = tuple([words[block.extent(axis) // 8] for axis in range(block.axes)])
    return [
        _Elements(
            words[block.pointer(at) // 8],
            (*extents, operand.buffer.dtype.itemsize),
            (*_strides(block, words, at, extents), 1),
        )
        for at, operand in enumerate(nest.operands)
    ]


def _strides(
    block: ArgumentBlock, words: Sequence[int], array: int, extents: Sequence[int]
) -> list[int]:
    """Return the strides of an array, the outer ones from its increments.

    An increment is the rest of a stride: the loop inside has moved the pointer already, but for the
    innermost loop, which has an index instead.
    """
    strides = [words[block.stride(array) // 8]]
    moved = 0
    for axis in range(block.axes - 2, -1, -1):
        strides.insert(0, words[block.increment(array, axis) // 8] + moved)
        moved = strides[0] * extents[axis]
    return strides


def _table(address: int) -> _Elements:
    """Return the table of a tree's leaves, up to the byte behind the last."""
    size = 0
    while _host(address + size, address + size + 1)[0] != END:
        size += len(Leaf._fields)
    return _Elements(address, (size + 1,), (1,))


class _Guest:
    """The guest's copy of the memory that the arrays of a call span.

    `words` are those of the call's argument block, with the guest's addresses as pointers.
    """

    def __init__(self, nest: Nest, words: bytes) -> None:
        host = np.frombuffer(words, np.int64).tolist()
        elements = _elements(nest, host)
        self._stores = elements[len(nest.reads) :]
        first_leaf = nest.block.first_leaf // 8
        table = [_table(host[first_leaf])] if nest.block.trees else []
        self._spans: list[tuple[int, int]] = []
        for low, high in sorted(each.span() for each in [*elements, *table]):
            # Arrays that share memory share it in the guest.
            if self._spans and low < self._spans[-1][1]:
                start, end = self._spans[-1]
                self._spans[-1] = (start, max(high, end))
            else:
                self._spans.append((low, high))
        self._addresses = []
        address = _BASE
        for low, high in self._spans:
            # The last byte is the last of a page, and the next page is not mapped.
            pages = -(-(high - low) // _PAGE)
            self._addresses.append(address + pages * _PAGE - (high - low))
            address += (pages + 2) * _PAGE
        for at, each in enumerate(elements):
            host[nest.block.pointer(at) // 8] = self._address(each.address)
        for each in table:
            host[first_leaf] = self._address(each.address)
        self.words = np.array(host, np.int64).tobytes()

    def _address(self, pointer: int) -> int:
        """Return where the guest has what is at a pointer."""
        for (low, high), address in zip(self._spans, self._addresses, strict=True):
            if low <= pointer < high:
                return pointer - low + address
        raise AssertionError("a pointer to none of the arrays")

    def pieces(self) -> list[tuple[int, bytes]]:
        """Return the guest's addresses, each with what the host's memory has for it now."""
        return [
            (address, _host(low, high).tobytes())
            for (low, high), address in zip(self._spans, self._addresses, strict=True)
        ]

    def write(self, before: Sequence[bytes], after: Sequence[bytes]) -> None:
        """Take over the elements that are stored; nothing else may have changed."""
        for (low, high), *contents in zip(self._spans, before, after, strict=True):
            stored = np.zeros(high - low, np.bool_)
            for each in self._stores:
                if low <= each.address < high:
                    at = each.address - low
                    np.ndarray(each.extents, np.bool_, stored, at, each.strides)[...] = True
            old, new = (np.frombuffer(content, np.uint8) for content in contents)
            assert np.array_equal(old[~stored], new[~stored]), (
                "a kernel wrote to memory that is not the result's"
            )
            if stored.any():
                _host(low, high)[stored] = new[stored]


def _host(low: int, high: int) -> Array:
    """Return the bytes of this process between two addresses."""
    ffi = memory.ffi()
    return np.frombuffer(ffi.buffer(ffi.cast("char *", low), high - low), np.uint8)
