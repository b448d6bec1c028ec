"""The great-circle distances between all pairs of airports, by one compiled function.

>>> quarter = haversine(0.0, 0.0, 0.0, np.pi / 2)
>>> f"{quarter:.0f} km"
'10008 km'
"""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from cpnum.compile.kernel import Kernel
from cpnum.errors import CpnumError
from cpnum.jit.function import cpjit
from cpnum.show.comparison import difference
from cpnum.show.listing import listing
from cpnum.show.timing import format_seconds, measure

Array = np.ndarray[Any, Any]

RADIUS = 6371.0088  # km: the mean radius of the Earth (IUGG)
_START, _LOOP = 12, 28  # lines of the listing that are printed


@cpjit
def haversine(lat1: Array, lon1: Array, lat2: Array, lon2: Array) -> Array:
    """Return the great-circle distance between two points in km.

    Units:  radians.
    Source: Sinnott, "Virtues of the Haversine", Sky and Telescope 68, 1984.
    """
    a = (
        np.sin((lat2 - lat1) / 2) ** 2
        + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    )
    distance: Array = 2 * RADIUS * np.arcsin(np.sqrt(a))
    return distance


def airports() -> tuple[list[str], Array, Array]:
    """Return the names of the airports, their latitudes and longitudes in radians.

    Raises:  CpnumError if the package with the data is not installed.
    """
    # Not imported: vega_datasets imports pandas, which the demo does not need.
    spec = importlib.util.find_spec("vega_datasets")
    if spec is None or not spec.submodule_search_locations:
        raise CpnumError(
            "the airports are data of the package vega_datasets, which is not installed",
            write='pip install "cpnum[demo]"',
        )
    path = Path(spec.submodule_search_locations[0]) / "_data" / "airports.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [f"{row['name']} ({row['iata']}), {row['city']} {row['state']}" for row in rows]
    degrees = [(float(row["latitude"]), float(row["longitude"])) for row in rows]
    latitude, longitude = np.ascontiguousarray(np.radians(degrees).T)
    return names, latitude, longitude


def _section(title: str, text: object) -> None:
    print(f"\n{title}\n{'-' * len(title)}\n{text}")


def _start(code: str) -> str:
    """Return the first lines of a listing, and the first lines of its main loop."""
    lines = code.splitlines()
    loop = next((at for at, line in enumerate(lines) if line.startswith("  by")), _START)
    shown = [*lines[:_START], "  ...", *lines[loop : loop + _LOOP], "  ..."]
    return "\n".join([*shown, f"  {len(lines):,} lines in all: haversine.inspect_asm()"])


def _stages(kernel: Kernel) -> str:
    stages = ", ".join(
        f"{stage} {format_seconds(seconds)}" for stage, seconds in kernel.seconds.items()
    )
    return f"{format_seconds(sum(kernel.seconds.values()))} ({stages})"


def main() -> None:
    """Compute the distances, and print each stage, times and results."""
    names, latitude, longitude = airports()
    pairs = latitude[:, None], longitude[:, None], latitude, longitude
    print(f"All pairs of {len(names):,} airports: {len(names) ** 2:,} great-circle distances")

    km = haversine(*pairs)
    kernel = haversine.lower(*pairs)
    _section("What is computed", kernel.graph)
    _section("How", kernel.loop_nest)
    _section("Machine code", _start(listing(kernel)))
    again = cpjit(haversine.py_func).lower(*pairs)
    _section(
        "Compile time",
        f"the first call, which reads the stencils from the pack: {_stages(kernel)}\n"
        f"the same function once more: {_stages(again)}",
    )

    compared = difference(km, haversine.py_func(*pairs))
    timings = measure(
        {"cpnum": lambda: haversine(*pairs), "NumPy": lambda: haversine.py_func(*pairs)}, 0.5
    )
    ratio = timings["NumPy"].median / timings["cpnum"].median
    _section(
        "Time of a call (median ± IQR/2), one thread each",
        "\n".join(f"{name:<6}{timing}" for name, timing in timings.items())
        + f"\ncpnum is {ratio:.1f} times as fast",
    )
    if "differ" in compared:
        compared += (
            "\nIt comes from sin, cos and arcsin: cpnum is within 1 ULP of the exact value, and"
            "\nNumPy has rounding errors of its own; + - * / and sqrt are NumPy's, bit for bit."
        )
    _section("Largest difference", compared)

    here, there = np.unravel_index(np.argmax(km), km.shape)
    farthest = f"{names[here]}\n{names[there]}\n{km[here, there]:,.0f} km"
    np.fill_diagonal(km, np.inf)  # the distance of an airport to itself
    nearest = km.min(axis=1)
    remote = int(np.argmax(nearest))
    neighbour = int(np.argmin(km[remote]))
    _section("The two airports farthest apart", farthest)
    _section(
        "The most remote airport",
        f"{names[remote]}\n{nearest[remote]:,.0f} km from the nearest other one, "
        f"{names[neighbour]}",
    )
