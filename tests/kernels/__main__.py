"""Prints what becomes of each kernel: `python -m tests.kernels [jacobi_2d cholesky ...]`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from . import KERNELS
from .trying import COMPILED, outcome


def main(options: Sequence[str] | None = None) -> None:
    """Print a line for each kernel, for the largest of its sizes, and how many are compiled."""
    parser = argparse.ArgumentParser(prog="python -m tests.kernels", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="kernel", help="all if there is none")
    names = parser.parse_args(options).names or list(KERNELS)
    for name in names:
        if name not in KERNELS:
            parser.error(f"no kernel {name}: there are {', '.join(KERNELS)}")
    width = max(map(len, names))
    outcomes = []
    for name in names:
        outcomes.append(outcome(KERNELS[name], KERNELS[name].large[-1]))
        print(f"{name:{width}}  {outcomes[-1]}", flush=True)
    print(f"\n{outcomes.count(COMPILED)} of {len(names)} kernels are compiled.")


if __name__ == "__main__":
    main()
