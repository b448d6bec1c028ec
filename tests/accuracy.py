"""Measures the error of the elementary functions in units in the last place, for long.

    python tests/accuracy.py                      all functions, 10**8 numbers of float64 each, and
                                                  all 2**32 of float32 (10**8 pairs)
    python tests/accuracy.py --points 1e5 exp     quickly
    python tests/accuracy.py --plot docs/ulp.png  a picture of the errors

float64: random numbers of all magnitudes, those around the ends of intervals of reduction, and then
climbing from the worst.  The function in long double says which are the worst, and MPFR how bad
they are.  float32 is compared with our own float64, whose error is a few millionths of a unit of
float32.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import ctypes
import functools
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from cases import function_of
from elementary import FUNCTIONS
from elementary.extended import extended
from elementary.function import (
    Function,
    errors,
    errors_of_float32,
    true_values,
    worst_errors,
)

from cpnum import cpjit
from cpnum.tables.dtypes import F32, F64, DType
from cpnum.tables.ops import FAST, OPS

Array = np.ndarray[Any, Any]

# The functions, and their fast versions.
NAMES = [*FUNCTIONS, *(fast.name for op, fast in FAST.items() if op.name in FUNCTIONS)]

_CHUNK = 100_000
_CLIMB = 40  # rounds
_PART = 1 << 18  # of float32: arrays that stay in the caches
_DTYPES = {"float64": F64, "float32": F32}


class Worst(NamedTuple):
    """The largest error found so far, and where."""

    error: float
    operands: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.error:.4f} at {', '.join(each.hex() for each in self.operands)}"


@functools.cache
def _compiled(name: str) -> Any:
    precision = "full" if name in FUNCTIONS else "fast"
    return cpjit(function_of(OPS[name]), precision=precision)


def _facts(name: str) -> Function:
    return FUNCTIONS[OPS[name].function]


def _worst(operands: Sequence[Array], error: Array) -> Worst:
    at = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
    return Worst(float(error[at]), tuple(float(each[at]) for each in operands))


def error_of(name: str, dtype: DType, operands: Sequence[Array]) -> Array:
    """Return the errors at some arguments, in units of the last place of the true values."""
    with np.errstate(all="ignore"):
        actual = _compiled(name)(*operands)
    return errors(actual, *true_values(_facts(name), dtype, operands))


def _worst_of(name: str, operands: Sequence[Array]) -> Worst:
    if operands[0].dtype == np.float32:
        return _worst(operands, _errors_of_float32(name, operands))
    with np.errstate(all="ignore"):
        actual = _compiled(name)(*operands)
    at, error = worst_errors(_facts(name), extended(OPS[name].function), operands, actual)
    return _worst([each[at] for each in operands], error)


def sample(name: str, dtype: DType, seed: int) -> Worst:
    """Return the worst of a chunk of arguments."""
    return _worst_of(name, _facts(name).arguments(dtype, _CHUNK // 3, seed))


def climb(name: str, dtype: DType, start: Worst, seed: int) -> Worst:
    """Return the worst in ever smaller neighbourhoods of the worst."""
    random = np.random.default_rng(seed)
    function = _facts(name)
    best = start
    for _ in range(_CLIMB):
        spread = 2.0 ** -random.uniform(4, 50)
        operands = [
            (each * (1 + spread * random.uniform(-1, 1, 1000))).astype(dtype.numpy)
            for each in map(np.float64, best.operands)
        ]
        good = function.inside(*operands)
        if good.any():
            best = max(best, _worst_of(name, [each[good] for each in operands]))
    return best


def search(name: str, dtype: DType, points: int, pool: concurrent.futures.Executor) -> Worst:
    """Return the largest error in so many points, and around the worst of them."""
    seeds = range(max(1, points // _CHUNK))
    worst = max(pool.map(sample, [name] * len(seeds), [dtype] * len(seeds), seeds))
    return max(pool.map(climb, [name] * 4, [dtype] * 4, [worst] * 4, range(4)))


def _errors_of_float32(name: str, operands: Sequence[Array]) -> Array:
    full = OPS[name].function
    with np.errstate(all="ignore"):
        wide = _compiled(full)(*[each.astype(np.float64) for each in operands])
        actual = _compiled(name)(*operands)
        inside = _facts(name).inside(*operands)
    error, heads = errors_of_float32(actual, wide)
    same = (heads == actual) | (np.isnan(heads) & np.isnan(actual))
    return np.where(np.isfinite(heads), np.where(inside, error, 0.0), np.where(same, 0.0, np.inf))


def _part(name: str, start: int) -> Worst:
    x = (np.arange(_PART, dtype=np.uint32) + np.uint32(start)).view(np.float32)
    return _worst([x], _errors_of_float32(name, [x]))


def exhaust(name: str, pool: concurrent.futures.Executor) -> Worst:
    """Return the largest error of float32 of all numbers there are."""
    starts = range(0, 1 << 32, _PART)
    return max(pool.map(_part, [name] * len(starts), starts, chunksize=64))


# -- the picture ---------------------------------------------------------------------------------

_COLUMNS, _SHOWN = 6, 10_000


def plot(path: Path, names: Sequence[str]) -> None:
    """Draw the errors of each function of one argument, float64 and float32, over the argument."""
    import matplotlib.pyplot as plt

    from cpnum.compare.plots import scatter_errors

    unary = [name for name in names if FUNCTIONS[name].arity == 1]
    rows = -(-len(unary) // _COLUMNS)
    figure, axes = plt.subplots(
        rows, _COLUMNS, figsize=(2.6 * _COLUMNS, 1.9 * rows), sharey=True, squeeze=False
    )
    for axis in axes.flat[len(unary) :]:
        axis.set_visible(False)
    for axis, name in zip(axes.flat, unary, strict=False):
        series = {}
        for dtype, colour in ((F32, "#E69F00"), (F64, "#0072B2")):
            low, high = FUNCTIONS[name].typical
            random = np.random.default_rng(0)
            x = random.uniform(low, high, _SHOWN).astype(dtype.numpy)
            with np.errstate(over="ignore"):
                x = x[FUNCTIONS[name].inside(x)]
            series[dtype.name] = x, error_of(name, dtype, [x]), colour
        scatter_errors(axis, series, 0.5)
        axis.axhline(0.5, color="gray", linewidth=0.5)
        axis.axhline(1.0, color="tab:red", linewidth=0.8)
        axis.set_title(name, fontsize=9)
        axis.set_ylim(0, 1.1)
        axis.tick_params(labelsize=7)
    figure.suptitle("Error in ULP; orange float32, blue float64; red: the bound", fontsize=10)
    figure.tight_layout()
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=72)


def measured(
    names: Sequence[str],
    dtypes: Sequence[DType],
    points: int,
    pool: concurrent.futures.Executor,
) -> Iterator[tuple[str, DType, Worst, float]]:
    """Yield the largest errors of each function and dtype, and the seconds they took."""
    for name in names:
        for dtype in (each for each in dtypes if each in OPS[name].dtypes):
            start = time.monotonic()
            if dtype is F32 and OPS[name].arity == 1:
                worst = exhaust(name, pool)
            else:
                worst = search(name, dtype, points, pool)
            yield name, dtype, worst, time.monotonic() - start


def _keep_memory() -> None:
    """Let malloc keep what is freed: getting it from the system again takes two thirds of all."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # glibc's; the numbers are M_TRIM_THRESHOLD and M_MMAP_THRESHOLD
        mallopt(-1, 1 << 30)
        mallopt(-3, 1 << 30)


def main(words: Sequence[str] | None = None) -> int:
    """Print the largest errors, a line a function; return 1 if one is beyond its bound."""
    parser = argparse.ArgumentParser(prog="python tests/accuracy.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="function", help="all, if none is named")
    parser.add_argument("--points", type=float, default=1e8, help="for each function")
    parser.add_argument("--dtype", choices=_DTYPES, help="both, if none is named")
    parser.add_argument("--plot", type=Path, help="draw the errors into this file instead")
    arguments = parser.parse_args(words)
    names = arguments.names or NAMES
    if arguments.plot:
        plot(arguments.plot, arguments.names or list(FUNCTIONS))
        return 0
    dtypes = [_DTYPES[arguments.dtype]] if arguments.dtype else [*_DTYPES.values()]
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), initializer=_keep_memory) as pool:
        good = True
        for name, dtype, worst, seconds in measured(names, dtypes, int(arguments.points), pool):
            bound = OPS[name].ulp
            good &= worst.error <= bound
            mark = "" if worst.error <= bound else f"  beyond {bound:g}"
            print(f"{name:12} {dtype} {worst}  ({seconds:.0f} s){mark}", flush=True)  # noqa: T201
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
