"""Fixtures of all tests.

Each kernel that is compiled is checked: its registers are replayed (CPNUM_CHECK).

With CPNUM_TEST=aarch64, kernels of that level run in an emulator: `make test-aarch64`.
"""

import gc
import importlib.util
import math
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["CPNUM_CHECK"] = "1"  # before cpnum is imported

import pytest
from elftools.elf.elffile import ELFFile

from cpnum.jit import cache
from cpnum.run.linux import Linux
from cpnum.run.memory import ExecutableMemory

# Its doctests are collected, and only the extra `bench` has JAX, which it imports.
collect_ignore = [] if importlib.util.find_spec("jax") else ["benchmarks/functional.py"]

# What these compare is shown when it differs, as it is for the tests themselves.
pytest.register_assert_rewrite("cases", "goldens", "placing", "refused", "sessions", "tracing")

if os.environ.get("CPNUM_TEST") == "aarch64":
    import aarch64

    # Before anything asks which levels run here; the C library that it builds takes a minute.
    aarch64.install(Path(tempfile.gettempdir()) / f"cpnum-aarch64-{os.getuid()}")

import cases  # noqa: E402
import sessions  # noqa: E402


@pytest.fixture
def session(tmp_path):
    """Runs cells in an IPython of its own."""
    return sessions.running(tmp_path)


def pytest_collection_finish():
    """Let the garbage collector pass over the tests: they stay, and there are thousands."""
    gc.collect()
    gc.freeze()


@pytest.fixture(params=cases.HERE)
def level(request):
    """Each ISA level that some machine runs."""
    return request.param


@pytest.fixture
def always(monkeypatch):
    """Compile programs of small arrays, too."""
    monkeypatch.setattr(cache, "_LEAST_SAVED", -math.inf)


@pytest.fixture
def nothing_forced(monkeypatch):
    """Let the ladder choose the mode of executable memory."""
    monkeypatch.delenv("CPNUM_MEMORY", raising=False)


@pytest.fixture
def memory(nothing_forced):
    """Return memory whose ladder is not climbed yet, and which has no arenas."""
    return ExecutableMemory(Linux())


@pytest.fixture(scope="session")
def functions(tmp_path_factory):
    """Compile C functions that add 1, and 7, to an int: n -> their bytes."""
    folder = tmp_path_factory.mktemp("functions")
    source, target = folder / "add.c", folder / "add.o"
    source.write_text("int f1(int x) { return x + 1; }\nint f7(int x) { return x + 7; }\n")
    flags = (
        f"-target {platform.machine()}-linux-musl -O2 -g0 -ffunction-sections "
        "-fno-sanitize=undefined -fomit-frame-pointer -fno-asynchronous-unwind-tables"
    )
    compiler = [sys.executable, "-m", "ziglang", "cc", "-c"]
    subprocess.run([*compiler, *flags.split(), source, "-o", target], check=True)
    with target.open("rb") as file:
        elf = ELFFile(file)
        sections = {section.name: section for section in elf.iter_sections()}
        return {n: bytes(sections[f".text.f{n}"].data()) for n in (1, 7)}
