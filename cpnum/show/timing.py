"""Measures time, with its spread, and the distance between floats in ulps.

>>> timings = measure({"sum": lambda: sum(range(100)), "none": lambda: None}, seconds=0.01)
>>> timings["none"].median < timings["sum"].median
True
>>> ulp_difference(np.float32(1.0), np.nextafter(np.float32(1.0), np.float32(2.0)))
array(1.)
"""

from __future__ import annotations

import gc
import itertools
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cpnum.errors import DTypeError

_SAMPLE_SECONDS = 200e-6
_ROUNDS_MIN = 3
_NOISY = 0.10
Clock = Callable[[], int]
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))


@dataclass(frozen=True, slots=True)
class Timing:
    """The time of a call, in seconds.

    `samples` are in the order they were taken, each the mean of `loops` calls; `iqr` is their
    interquartile range.  The text is the median ± half of that range, in one unit.

    >>> print(Timing(12.34e-6, 0.8e-6, 12e-6, (12.34e-6,), 20))
    12.3 µs ± 0.4
    """

    median: float
    iqr: float
    minimum: float
    samples: tuple[float, ...] = field(repr=False)
    loops: int

    @property
    def noisy(self) -> bool:
        """Whether the spread is more than a tenth of the median."""
        return self.iqr > _NOISY * self.median

    @property
    def quartiles(self) -> tuple[float, float]:
        """The lower and the upper quartile of the samples."""
        lower, upper = np.quantile(self.samples, (0.25, 0.75)).tolist()
        return lower, upper

    def __str__(self) -> str:
        """Write the median ± half of the interquartile range."""
        size, unit, decimals = _scale(self.median)
        return f"{self.median / size:.{decimals}f} {unit} ± {self.iqr / 2 / size:.{decimals}f}"


def _scale(seconds: float) -> tuple[float, str, int]:
    """Return the unit, its name, and the decimals for three significant digits."""
    rounded = abs(float(f"{seconds:.2e}"))
    if rounded == 0 or not math.isfinite(rounded):
        return 1.0, "s", 0
    # A thousandth of slack: 1e-6 of a second is not quite 1e-6 / 1e-6 microseconds.
    size, unit = next((each for each in _UNITS if rounded > each[0] * 0.9995), _UNITS[-1])
    digits_before = math.floor(math.log10(rounded / size * 1.0005)) + 1
    return size, unit, max(0, 3 - digits_before)


def format_seconds(seconds: float) -> str:
    """Write a duration with three significant digits.

    >>> format_seconds(12.34e-6), format_seconds(0.99996e-3), format_seconds(75)
    ('12.3 µs', '1.00 ms', '75.0 s')
    """
    size, unit, decimals = _scale(seconds)
    return f"{seconds / size:.{decimals}f} {unit}"


# Comes before each call, and is not timed.
Before = Callable[[], object] | None


def _sample(function: Callable[[], object], loops: int, clock: Clock, before: Before) -> float:
    """Return the seconds that `loops` calls take together."""
    calls = itertools.repeat(None, loops)
    if before is not None:
        return sum([_call(function, clock, before) for _ in calls]) * 1e-9
    start = clock()
    for _ in calls:
        function()
    return (clock() - start) * 1e-9


def _call(function: Callable[[], object], clock: Clock, before: Callable[[], object]) -> int:
    before()
    start = clock()
    function()
    return clock() - start


def _loops(function: Callable[[], object], clock: Clock, before: Before) -> int:
    """Return how many calls make a sample long enough; the search also warms up."""
    loops = 1
    while True:
        # All three samples must be long enough, because one may have been interrupted.
        shortest = math.inf
        for _ in range(3):
            shortest = min(shortest, _sample(function, loops, clock, before))
            if shortest < _SAMPLE_SECONDS:
                break
        else:
            return loops
        wanted = 1.25 * loops * _SAMPLE_SECONDS / max(shortest, 1e-9)
        loops = max(loops + 1, min(math.ceil(wanted), 10 * loops))


def measure(
    functions: Mapping[str, Callable[[], object]],
    seconds: float = 0.5,
    rounds: int | None = None,
    *,
    warm: bool = False,
    clock: Clock | None = None,
    before: Before = None,
) -> dict[str, Timing]:
    """Time the calls of functions against each other, for about `seconds` each.

    Every round takes one sample of each, in shuffled order, so that a slow spell of the machine
    meets them alike.  If a number of `rounds` is given, so many are taken, however long they are.
    If they are to be `warm`, a call before each sample does not count: without it, a function that
    returns a new array meets the memory as the one before has left it, and may pay for its pages.
    `clock` is read in nanoseconds; it is that of the wall if none is given.  Garbage collection is
    off.  The loop around the call costs some 10 ns, which are part of the result.  If there is
    something to do `before` each call, that is not timed, and each call alone is: the clock costs
    some 50 ns then.

    >>> measure({"none": lambda: None}, seconds=0.01)["none"].loops > 100
    True
    """
    order = list(functions)
    clock = clock or time.perf_counter_ns
    import random  # 3 ms that only measurements need

    shuffle = random.Random(0).shuffle
    samples: dict[str, list[float]] = {name: [] for name in order}
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        loops = {name: _loops(function, clock, before) for name, function in functions.items()}
        start = time.perf_counter()
        for done in itertools.count() if rounds is None else range(rounds):
            spent = time.perf_counter() - start
            if rounds is None and done >= _ROUNDS_MIN and spent >= seconds * len(order):
                break
            shuffle(order)
            for name in order:
                if warm:
                    _sample(functions[name], 1, clock, before)
                sample = _sample(functions[name], loops[name], clock, before)
                samples[name].append(sample / loops[name])
    finally:
        if collecting:
            gc.enable()
    return {name: timing_of(samples[name], loops[name]) for name in functions}


def timing_of(samples: list[float], loops: int = 1) -> Timing:
    """Return the timing of samples, each the mean of `loops` calls."""
    lower, median, upper = np.quantile(samples, (0.25, 0.5, 0.75)).tolist()
    return Timing(median, upper - lower, min(samples), tuple(samples), loops)


_BITS = {np.dtype(np.float32): np.int32, np.dtype(np.float64): np.int64}


def _ordered(bits: NDArray[np.signedinteger]) -> NDArray[np.signedinteger]:
    """Map the bits of floats to integers in the order of the floats, both zeros to 0."""
    sign = bits >> (8 * bits.itemsize - 1)
    return (bits ^ (sign & np.iinfo(bits.dtype).max)) - sign


def ulp_difference(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Return how many floats apart each element of `a` is from the same element of `b`.

    Zeros of both signs are equal, and so are all NaNs; from a NaN to a number the distance is
    infinite, from infinity to the largest float it is 1.

    Shapes:  `a` and `b` are broadcast.
    Raises:  DTypeError unless both are float32 or both float64.
    Source:  Dawson, "Comparing Floating Point Numbers, 2012 Edition" (ordered integers).

    >>> ulp_difference([1.0, np.nan, -0.0], [1.0 + 2**-51, np.nan, 5e-324])
    array([2., 0., 1.])
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or a.dtype not in _BITS:
        raise DTypeError(
            "ulps are between two arrays of float32 or two of float64",
            seen=f"{a.dtype} and {b.dtype}",
        )
    a, b = np.broadcast_arrays(a, b)
    # At least one axis: NumPy warns when scalars wrap around, and the difference is modulo 2**n.
    x, y = (_ordered(np.atleast_1d(each).view(_BITS[a.dtype])) for each in (a, b))
    high, low = np.maximum(x, y), np.minimum(x, y)
    unsigned = f"u{a.itemsize}"
    distance = (high.view(unsigned) - low.view(unsigned)).astype(np.float64).reshape(a.shape)
    nans = np.isnan(a).astype(int) + np.isnan(b)
    return np.where(nans == 0, distance, np.where(nans == 2, 0.0, np.inf))


def ulp_error(actual: ArrayLike, true: ArrayLike) -> NDArray[np.float64]:
    """Return the errors of floats in units in the last place of the true values.

    `true` has a wider dtype than `actual`.  The unit is that of the float next to the true value.
    Equal infinities have no error, nor has a NaN in the place of one.

    Shapes:  `actual` and `true` are broadcast.
    Source:  Muller, "On the definition of ulp(x)", INRIA RR-5504, 2005.

    >>> ulp_error(np.float32([1.0, np.inf]), [1.0 + 2.0**-25, np.inf])
    array([0.25, 0.  ])
    """
    actual, true = np.asarray(actual), np.asarray(true)
    with np.errstate(all="ignore"):
        heads = true.astype(actual.dtype)
        unit = np.spacing(np.abs(heads)).astype(true.dtype)
        error = np.abs((actual.astype(true.dtype) - true) / unit)
    same = (actual == heads) | (np.isnan(actual) & np.isnan(heads))
    measured = np.isfinite(heads) & ~np.isnan(actual)
    return np.where(measured, error, np.where(same, 0.0, np.inf)).astype(np.float64)


def max_ulp(a: ArrayLike, b: ArrayLike) -> float:
    """Return the largest `ulp_difference`, 0 for empty arrays.

    >>> max_ulp([1.0, 2.0], [1.0, 2.0])
    0.0
    """
    return float(np.max(ulp_difference(a, b), initial=0.0))
