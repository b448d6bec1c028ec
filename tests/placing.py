"""Helpers of the tests of executable memory: C functions, mappings, processes, and failures."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cffi  # type: ignore[import-untyped, unused-ignore]
import pytest

from cpnum.run.linux import Linux
from cpnum.run.memory import Region

ROOT = Path(__file__).parents[1]
ffi = cffi.FFI()


REASONS = {
    "memfd": "a writable and an executable view of one memfd",
    "mprotect": "pages made executable once written",
}

LINUX = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only"),
    pytest.mark.usefixtures("nothing_forced"),
]


class Failing(Linux):
    """Linux, but the calls that `fails` names fail with an error number."""

    def __init__(self, number: int, fails: Callable[..., bool]) -> None:
        super().__init__()
        self.number = number
        self.fails = fails

    def call(self, name: str, *arguments: object) -> int:
        if self.fails(name, *arguments):
            raise OSError(self.number, f"{name}: {os.strerror(self.number)}")
        return super().call(name, *arguments)


class Plain:
    """Pages of plain memory."""

    def __init__(self, size: int) -> None:
        self.size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        self.memory = ffi.new("char[]", self.size + mmap.PAGESIZE)
        start = int(ffi.cast("intptr_t", self.memory))
        self.address = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        self.mapped = True

    def write(self, offset: int, code: bytes) -> None:
        assert offset + len(code) <= self.size
        ffi.memmove(ffi.cast("char *", self.address + offset), code, len(code))

    def unmap(self) -> None:
        self.mapped = False


def call(region: Region, x: int) -> int:
    result: int = ffi.cast("int (*)(int)", region.address)(x)
    return result


def maps(part: str = "") -> list[str]:
    """Return the lines of this process's mappings that contain `part`."""
    return [line for line in Path("/proc/self/maps").read_text().splitlines() if part in line]


def protections(part: str = "") -> set[str]:
    return {line.split()[1] for line in maps(part)}


def run(script: str, *arguments: str, **environment: str) -> str:
    """Run a script in a process of its own, and return what it prints."""
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (0, "") == (result.returncode, result.stderr)
    return result.stdout


PRELUDE = """
import os, sys, cffi
from cpnum.run import memory
ffi = cffi.FFI()
F1, F7 = (bytes.fromhex(code) for code in sys.argv[1:3])
def call(region, x):
    return ffi.cast("int (*)(int)", region.address)(x)
def in_child(function, fork=os.fork):
    pid = fork()
    if pid == 0:
        status = 99
        try:
            function()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
"""
