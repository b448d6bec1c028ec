"""The processor that times are measured on: its name, its caches, and the versions of libraries.

>>> [level for level, _ in caches(Path("/nowhere"))]
[]
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path

import numpy as np

_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def processor() -> str:
    """Return the name of the processor, as the system has it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:  # noqa: PTH123
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        return platform.machine()
    return platform.machine()


def busy() -> str:
    """Return a remark if the machine had more to do in the last minute than it has processors."""
    load, count = os.getloadavg()[0], os.cpu_count() or 1
    return f"the machine was busy: load {load:.1f} on {count} processors" if load > count else ""


def caches(folder: Path = _CACHES) -> list[tuple[str, int]]:
    """Return the caches that data goes through, with their sizes in bytes, the smallest first.

    There are none where the system does not tell.

    Source:  Documentation/ABI/testing/sysfs-devices-system-cpu of Linux.
    """
    found = {}
    for each in sorted(folder.glob("index*")):
        try:
            kind, level, size = (
                (each / name).read_text(encoding="ascii").strip()
                for name in ("type", "level", "size")
            )
        except OSError:  # a virtual machine may leave some out
            continue
        if kind != "Instruction" and size[:-1].isdecimal():
            found[f"L{level}"] = int(size[:-1]) * _UNITS.get(size[-1], 1)
    return sorted(found.items(), key=lambda cache: cache[1])


def version(package: str) -> str | None:
    """Return the version of an installed package, None if it is not installed.

    >>> version("numpy") == np.__version__
    True
    """
    try:
        from importlib import metadata  # 3 ms that only this function needs
    except ImportError as error:  # metadata imports csv, which has a library
        return f"({error})"
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions(packages: Iterable[str] = ()) -> str:
    """Return the versions of cpnum, NumPy, these packages and Python, in a line.

    >>> "none-of-this-name not installed, Python 3." in versions(["none-of-this-name"])
    True
    """
    found = {
        "cpnum": version("cpnum") or "not installed (a checkout)",
        "NumPy": np.__version__,
        **{each: version(each) or "not installed" for each in packages},
        "Python": platform.python_version(),
    }
    return ", ".join(f"{name} {number}" for name, number in found.items())
