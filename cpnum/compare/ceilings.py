"""The ceilings of this machine, which no kernel surpasses: bytes and operations in a second.

They are measured with kernels of cpnum, on one core.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from cpnum.jit.function import cpjit
from cpnum.show.timing import measure

# Twice so many operations, which need only two values for each element.
_TERMS = 64
# Of a cache, so that what else there is does not push the arrays out.
_SHARE = 0.5
# Where the caches are not known, and memory beyond the last of them.
_SIZES = (("L1", 1 << 15), ("L2", 1 << 19))
_MEMORY, _MOST = 4, 1 << 29


class Ceilings(NamedTuple):
    """Bytes in a second from and to each cache and memory, and operations in a second."""

    bandwidth: dict[str, float]
    peak: float


def copy(x: Any) -> Any:
    """Return a copy of an array."""
    return x.copy()


def chain(x: Any) -> Any:
    """Multiply and add in turn, as Horner's rule does, without coming near infinity."""
    value = x
    for term in range(_TERMS):
        value = value * x + 1 / (term + 2)
    return value


def ceilings(
    dtype: np.dtype[Any], caches: Sequence[tuple[str, int]], isa: str | None, seconds: float = 0.1
) -> Ceilings:
    """Measure the ceilings for elements of a dtype, each for about so many seconds.

    >>> from cpnum.show.processor import caches
    >>> found = ceilings(np.dtype(np.float64), caches()[:1], None, seconds=0.001)
    >>> list(found.bandwidth)[-1], found.peak > 1e8
    ('memory', True)
    """
    known = [*(caches or _SIZES)]
    places = {name: int(size * _SHARE) for name, size in known}
    places["memory"] = min(known[-1][1] * _MEMORY, _MOST)
    copied = {
        name: _speed(copy, size // (2 * dtype.itemsize), dtype, isa, seconds)
        for name, size in places.items()
    }
    elements = places[known[0][0]] // (2 * dtype.itemsize)
    return Ceilings(
        {name: 2 * dtype.itemsize * speed for name, speed in copied.items()},
        2 * _TERMS * _speed(chain, elements, dtype, isa, seconds),
    )


def _speed(
    function: Callable[[Any], Any],
    elements: int,
    dtype: np.dtype[Any],
    isa: str | None,
    seconds: float,
) -> float:
    """Return the elements in a second; the time of a call of one element does not count."""
    compiled = cpjit(function, isa=isa)
    calls = {
        name: compiled.bind(np.full(size, 0.5, dtype), out=np.empty(size, dtype))
        for name, size in (("one", 1), ("all", elements))
    }
    timings = measure(calls, seconds / 2)
    # The fastest one: a ceiling is what the machine can do.
    return (elements - 1) / max(timings["all"].minimum - timings["one"].minimum, 1e-9)
