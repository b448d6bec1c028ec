"""How long `import cpnum` takes beyond NumPy, each time in a new interpreter."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cpnum
from cpnum.show.timing import format_seconds

from .tables import MISSED, Table

_SECONDS = 30e-3
_UNWANTED = ("IPython", "matplotlib", "capstone")

_TIMED = f"""
import sys, time
start = time.perf_counter()
import numpy
between = time.perf_counter()
import cpnum
end = time.perf_counter()
print(between - start, end - between, *sorted({set(_UNWANTED)!r} & set(sys.modules)))
"""
_FIRST_CALL = """
import numpy, time
from cpnum import cpjit
x = numpy.ones(10)
start = time.perf_counter()
cpjit(lambda x: x * 2.5 + 1)(x)
print(time.perf_counter() - start)
"""


def _python(source: str, *options: str) -> subprocess.CompletedProcess[str]:
    # The cpnum that is measured here, wherever it is.
    environment = {**os.environ, "PYTHONPATH": str(Path(cpnum.__file__).parents[1])}
    # A user's byte code is written once; without it, each import would compile the source.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.run(
        [sys.executable, "-P", *options, "-c", source],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )


def slowest(count: int) -> list[tuple[str, float]]:
    """Return the modules that cpnum imports and NumPy does not, with the slowest in themselves."""
    lines = _python("import numpy\nimport cpnum", "-X", "importtime").stderr.splitlines()
    found: list[tuple[str, float]] = []
    for line in lines:
        own, _, name = line.removeprefix("import time:").split("|")
        if name.strip() == "numpy":
            found.clear()  # what came before is NumPy's
        elif own.strip().isdigit():
            found.append((name.strip(), int(own) * 1e-6))
    return sorted(found, key=lambda each: -each[1])[:count]


def tables(rounds: int) -> Iterator[Table]:
    """Yield the times of importing, and what they are made of."""
    _python(_TIMED)  # writes the byte code, and brings it into the cache
    outputs = [_python(_TIMED).stdout.split() for _ in range(rounds)]
    numpy, ours = (statistics.median(float(each[at]) for each in outputs) for at in (0, 1))
    first = statistics.median(float(_python(_FIRST_CALL).stdout) for _ in range(rounds))
    missed = f" {MISSED}" if ours > _SECONDS else ""
    unwanted = sorted({name for each in outputs for name in each[2:]})
    yield Table(
        f"Importing (figure: {_SECONDS * 1e3:g} ms beyond NumPy)",
        ["", f"median of {rounds}", "figure / time"],
        [
            ["import numpy", format_seconds(numpy), ""],
            ["import cpnum after it", format_seconds(ours), f"{_SECONDS / ours:.2f}{missed}"],
            ["first call, which loads the compiler", format_seconds(first), ""],
        ],
        [
            "slowest modules: "
            + ", ".join(f"{name} {format_seconds(seconds)}" for name, seconds in slowest(6)),
            f"of {', '.join(_UNWANTED)} it imports: {', '.join(unwanted) or 'nothing'}",
        ],
    )
