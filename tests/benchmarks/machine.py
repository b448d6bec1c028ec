"""What the figures were measured on, and pinning this process to one core of it."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from pathlib import Path

from cpnum.tables import isa

# The peers of cpnum, as their packages are called.
PEERS = ("numpy", "numexpr", "numba", "jax", "bottleneck")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def missing(wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return the peers that are not installed."""
    return tuple(peer for peer in wanted if _version(peer) is None)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = [line.partition(":") for line in lines]
    found = {name.strip(): value.strip() for name, _, value in reversed(fields)}
    name = found.get("model name", platform.machine())
    numbers = [found[each] for each in ("cpu family", "model") if each in found]
    return f"{name} (family {', model '.join(numbers)})" if numbers else name


def pin() -> str:
    """Let this process run on one core only; return what came of it.

    What runs in threads would otherwise be measured against what does not, and a move to another
    core empties the caches.
    """
    if not hasattr(os, "sched_setaffinity"):
        return "not pinned: this system has no affinity"
    # The last: interrupts and whatever else runs tend to the first.
    core = max(os.sched_getaffinity(0))
    try:
        os.sched_setaffinity(0, {core})
    except OSError as error:
        return f"not pinned: {error.strerror}"
    return f"pinned to core {core}"


def heading(pinned: str) -> list[str]:
    """Return lines that say what is measured, where and when."""
    packages = ("numpy", "numexpr", "numba", "llvmlite", "jax")
    versions = [f"{each} {_version(each) or 'not installed'}" for each in packages]
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return [
        f"processor: {_processor()}, {isa.host() or 'no level of cpnum'}; "
        f"{os.cpu_count()} cores{load}, {pinned}",
        f"versions:  {platform.python_implementation()} {platform.python_version()}, "
        + ", ".join(versions),
        f"date:      {time.strftime('%Y-%m-%d')}",
    ]
