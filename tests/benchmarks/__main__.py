"""Prints the tables: `python -m tests.benchmarks [compile|speed|programs|import ...]`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence

# One thread, as all others have: read when NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from . import compilation, functions, importing, programs, reductions, speed
from .machine import PEERS, heading, missing, pin
from .tables import Table

_TABLES = ("compile", "horner", "speed", "functions", "reductions", "programs", "kernels", "import")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _sizes(text: str) -> tuple[int, ...]:
    """Return whole numbers, written as 1e3 or 1000."""
    return tuple(int(float(name)) for name in _names(text))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="table", help=f"of {', '.join(_TABLES)}; all")
    parser.add_argument("--markdown", action="store_true", help="print markdown tables")
    parser.add_argument("--quick", action="store_true", help="fewer sizes, shorter: a minute")
    parser.add_argument("--seconds", type=float, help="for each time measured")
    parser.add_argument("--sizes", type=_sizes, help="of the arrays, e.g. 1e3,1e6")
    parser.add_argument("--operations", type=_sizes, help="of the expressions compiled")
    parser.add_argument("--rounds", type=int, help="of importing")
    parser.add_argument("--peers", type=_names, default=PEERS, help=f"of {','.join(PEERS)}")
    options = parser.parse_args(arguments)
    for name in options.tables:
        if name not in _TABLES:
            parser.error(f"no table {name}: there are {', '.join(_TABLES)}")
    for name in options.peers:
        if name not in PEERS:
            parser.error(f"no peer {name}: there are {', '.join(PEERS)}")
    quick = options.quick
    options.seconds = options.seconds or (0.05 if quick else 0.4)
    options.sizes = options.sizes or tuple(
        10**power for power in ((4, 6) if quick else (3, 4, 5, 6, 7))
    )
    options.operations = options.operations or ((10, 100, 1000) if quick else compilation.GROWTH)
    options.rounds = options.rounds or (5 if quick else 15)
    return options


def tables(options: argparse.Namespace, peers: Sequence[str]) -> Iterator[Table]:
    """Yield the tables that are wanted, as they are measured."""
    wanted = options.tables or _TABLES
    if "compile" in wanted:
        yield from compilation.tables(options.operations, options.seconds)
    if "horner" in wanted:
        yield from speed.horner_tables(peers, options.seconds)
    if "speed" in wanted:
        yield from speed.tables(options.sizes, ("float64", "float32"), peers, options.seconds)
    if "functions" in wanted:
        yield from functions.tables(peers, options.seconds / 2)
    if "reductions" in wanted:
        yield from reductions.tables(options.sizes, peers, options.seconds / 4)
    if "programs" in wanted:
        yield from programs.tables(peers, options.seconds, options.quick)
    if "kernels" in wanted:
        yield from programs.kernel_tables(options.seconds / 4, options.quick)
    if "import" in wanted:
        yield from importing.tables(options.rounds)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = _options(arguments)
    lines = heading(pin())
    absent = missing(options.peers)
    if absent:
        lines.append(f"MISSING, so not compared with: {', '.join(absent)}")
    left_out = [peer for peer in PEERS if peer not in options.peers]
    if left_out:
        lines.append(f"left out by --peers: {', '.join(left_out)}")
    _print("\n".join(f"* {line}" for line in lines) if options.markdown else "\n".join(lines))
    peers = [peer for peer in options.peers if peer not in absent]
    for table in tables(options, peers):
        _print("\n" + (table.markdown() if options.markdown else table.text()))


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
