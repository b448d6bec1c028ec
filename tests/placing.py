"""What the tests of executable memory share: calls, mappings, and processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cffi  # type: ignore[import-untyped, unused-ignore]

from cpnum.run.memory import Region

ROOT = Path(__file__).parents[1]

ffi = cffi.FFI()


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
