"""Draws the pictures of the documentation, for `make pictures`.

    python tests/pictures.py                     all of them, into docs/pictures
    python tests/pictures.py --quick --into DIR  roughly, into another folder

The times are those of the machine that it runs on, where other programs share the caches.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import cpnum
from cpnum.compare.result import Bench
from cpnum.compile.tree import leaves
from cpnum.demo import haversine

_FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
_SIZES = [step * 10**power for power in range(2, 7) for step in (1, 3)]
# Of the plot by calls: a small table, for which compiling counts.
_CALLED = 10_000
# Pixels an inch: 1,200 wide, shown at 800.
_DPI = 150


def _points(size: int) -> tuple[Any, ...]:
    """Return pairs of points on the globe."""
    return tuple(np.random.default_rng(0).uniform(-1.5, 1.5, (4, size)))


def measured(quick: bool) -> Bench:
    """Time the great-circle distance beside all peers that are installed."""
    return cpnum.bench(
        haversine,
        _points,
        sizes=_SIZES[:6] if quick else _SIZES,
        rounds=3 if quick else None,
        seconds=1.0,
        cpu_time=True,
    )


def sum_tree(count: int = 1000) -> Any:
    """Draw the tree by which so many elements are summed: leaves below, what they join above."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.subplots()
    start, waiting = 0, []
    for leaf in leaves(count):
        size = 8 * leaf.blocks + leaf.rest
        axes.barh(0, size - 2, left=start + 1, height=0.5, color="#4c72b0")
        axes.text(start + size / 2, 0, str(size), ha="center", va="center", color="white")
        place, height = start + size / 2, 0.25
        for _ in range(leaf.joins):
            left, left_height = waiting.pop()
            top = max(height, left_height) + 0.75
            line = [left, left, place, place], [left_height, top, top, height]
            axes.plot(*line, color="#555555", linewidth=1)
            place, height = (left + place) / 2, top
        waiting.append((place, height))
        start += size
    axes.set_xlabel("elements, in the order of memory")
    axes.set_yticks([0], ["leaves"])
    axes.set_title(f"The sum of {count:,} elements")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    return figure


# Each draws a file of this name.  Other pictures, such as that of a report, get a line here.
_PICTURES: dict[str, Callable[[Bench], Any]] = {
    "sizes.png": lambda bench: bench.plot("sizes"),
    "calls.png": lambda bench: bench.plot("calls", size=_CALLED),
    "sum.png": lambda _: sum_tree(),
}


def main(words: Sequence[str] | None = None) -> None:
    """Measure and draw."""
    parser = argparse.ArgumentParser(prog="python tests/pictures.py", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer sizes and samples")
    parser.add_argument("--into", type=Path, default=_FOLDER, help="the folder")
    options = parser.parse_args(words)
    options.into.mkdir(parents=True, exist_ok=True)
    bench = measured(options.quick)
    print(bench)
    for name, draw in _PICTURES.items():
        path = options.into / name
        draw(bench).savefig(path, dpi=_DPI)
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
