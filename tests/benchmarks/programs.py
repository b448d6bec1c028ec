"""Speed of programs that write to arrays, and of all kernels of the tests, beside the peers'."""

from __future__ import annotations

import gc
import importlib
import inspect
import itertools
import math
import random
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from cpnum import cpjit
from cpnum.show.timing import Timing, format_seconds, timing_of
from tests.kernels import KERNELS, Kernel
from tests.kernels.kernel import Arguments, Array, Function, Size
from tests.kernels.trying import AS_WRITTEN, arrays_of, enters

from . import loops
from .peers import import_jax
from .speed import NOISY
from .tables import MISSED, Table, mark

# Those that Numba and JAX run as well: `loops` and `functional` have each by its name.
PROGRAMS = (
    "jacobi_2d", "heat_3d", "gray_scott", "advection", "nbody", "adam", "two_layers", "cholesky",
    "rotate",
)  # fmt: skip
NUMPY, NUMBA, JAX, CPNUM = "NumPy", "Numba", "JAX", "cpnum"
_PEERS = {"numpy": NUMPY, "numba": NUMBA, "jax": JAX}
_ROUNDS_MIN = 3
_SAMPLE_SECONDS = 200e-6


class Runner(NamedTuple):
    """A call of a kernel, and what gives it its first arguments again.

    `left` returns the arrays that are compared with NumPy's, after a call and its result.
    """

    renew: Callable[[], object]
    call: Callable[[], object]
    left: Callable[[object], list[Array]]


class Measured(NamedTuple):
    """Timings by name, the seconds of first calls, and whether cpnum's calls run as written."""

    timings: dict[str, Timing]
    first: dict[str, float]
    as_written: bool


# -- who runs -----------------------------------------------------------------------------------


def _in_place(
    kernel: Kernel,
    size: Size,
    function: Function,
    passed: Callable[[Arguments], Arguments] = lambda arguments: arguments,
) -> Runner:
    """Return the runner of a function that takes NumPy's arrays, and may write to them."""
    originals, own = kernel.arguments(size), kernel.arguments(size)
    given = passed(own)

    def renew() -> None:
        for each, original in zip(arrays_of(own), arrays_of(originals), strict=True):
            each[...] = original

    return Runner(
        renew if kernel.changes else lambda: None,
        lambda: function(*given),
        lambda result: [*arrays_of(result), *arrays_of(own)],
    )


def flat(arguments: Arguments) -> Arguments:
    """Return arguments with flat views in their tuples: Numba wants all to be of one type."""
    return tuple(
        tuple(array.reshape(-1) for array in each) if isinstance(each, tuple) else each
        for each in arguments
    )


def _numba(kernel: Kernel, size: Size) -> Runner:
    import numba

    # With Python's error model a division raises, and a loop that may raise has no SIMD code.
    function = numba.njit(error_model="numpy")(getattr(loops, kernel.name))
    return _in_place(kernel, size, function, flat)


def _jax(kernel: Kernel, size: Size) -> Runner:
    jax = import_jax()
    functional = importlib.import_module(".functional", __package__)  # it imports JAX
    function = getattr(functional, kernel.name)
    function.clear_cache()
    originals = kernel.arguments(size)
    given: list[Any] = []

    def renewed(each: object) -> object:
        return jax.numpy.array(each) if isinstance(each, np.ndarray) else each

    def renew() -> None:
        # New ones, since the memory of those before was given away.
        given[:] = jax.block_until_ready(jax.tree.map(renewed, originals))

    renew()
    return Runner(
        renew if kernel.changes else lambda: None,
        lambda: jax.block_until_ready(function(*given)),
        lambda result: [np.asarray(each) for each in jax.tree.leaves(result)],
    )


def runners(kernel: Kernel, size: Size, peers: Sequence[str]) -> dict[str, Runner]:
    """Return who runs a kernel, by column."""
    found = {NUMPY: _in_place(kernel, size, kernel.function)}
    if "numba" in peers:
        found[NUMBA] = _numba(kernel, size)
    if "jax" in peers:
        found[JAX] = _jax(kernel, size)
    found[CPNUM] = _in_place(kernel, size, cpjit(kernel.function, fallback="numpy"))
    return found


# -- checking and measuring ---------------------------------------------------------------------


def _expected(kernel: Kernel, size: Size) -> tuple[list[Array], list[Array]]:
    """Return what NumPy leaves, and of it what a function leaves that writes to no array."""
    before, after = kernel.arguments(size), kernel.arguments(size)
    results = list(arrays_of(kernel.function(*after)))
    pairs = zip(arrays_of(before), arrays_of(after), strict=True)
    changed = [new for old, new in pairs if not np.array_equal(old, new)]
    return [*results, *arrays_of(after)], results or changed


def check(name: str, kernel: Kernel, expected: Sequence[Array], actual: Sequence[Array]) -> None:
    """Compare what a call left with what NumPy's left.

    Raises:  ValueError, which says by how much something is wrong.
    """
    exact = name == CPNUM and not kernel.elementary
    for one, other in zip(expected, actual, strict=True):
        if exact and not np.array_equal(one, other):
            raise ValueError(f"{name}: {kernel.name} has not NumPy's bits")
        if one.dtype != other.dtype or one.shape != other.shape:
            raise ValueError(f"{name}: {kernel.name} leaves {other.dtype}{list(other.shape)}")
        # What the peers promise is not ours to test: that they compute the same thing is.
        largest = np.max(np.abs(one), initial=0)
        off = np.max(np.abs(np.subtract(one, other, dtype=np.float64)), initial=0.0)
        if not off <= 1e-9 * largest:
            raise ValueError(f"{name}: {kernel.name} is off by {off:.1e} of {largest:.1e}")


def _timed(call: Callable[[], object]) -> tuple[float, object]:
    """Make a call; return its seconds and its result."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def _sample(runner: Runner, loops: int) -> float:
    """Return the mean seconds of calls that begin with the same arguments."""
    total = 0.0
    for _ in range(loops):
        runner.renew()
        total += _timed(runner.call)[0]
    return total / loops


def _in_turn(made: Mapping[str, Runner], seconds: float) -> dict[str, Timing]:
    """Time calls in turn, for about `seconds` each, as `cpnum.show.timing.measure` does.

    But the arguments of each call are renewed before it, which is not timed.
    """
    order, shuffle = list(made), random.Random(0).shuffle
    samples: dict[str, list[float]] = {name: [] for name in order}
    gc.collect()
    gc.disable()
    try:
        loops = {
            name: math.ceil(_SAMPLE_SECONDS / _sample(each, loops=1)) for name, each in made.items()
        }
        start = time.perf_counter()
        for done in itertools.count():
            spent = time.perf_counter() - start
            if done >= _ROUNDS_MIN and spent >= seconds * len(order):
                break
            shuffle(order)
            for name in order:
                samples[name].append(_sample(made[name], loops[name]))
    finally:
        gc.enable()
    return {name: timing_of(samples[name], loops[name]) for name in made}


def measured(kernel: Kernel, size: Size, peers: Sequence[str], seconds: float) -> Measured:
    """Return the timings of a kernel, each result checked before."""
    made = runners(kernel, size, peers)
    everything, functional = _expected(kernel, size)
    first = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* runs through NumPy")
        for name, each in made.items():
            first[name], result = _timed(each.call)
            check(name, kernel, functional if name == JAX else everything, each.left(result))
    made[CPNUM].renew()
    as_written = enters(kernel.function, made[CPNUM].call)
    return Measured(_in_turn(made, seconds), first, as_written)


def _warm(peers: Sequence[str]) -> None:
    """Compile something, so that no first call is that of a compiler."""
    x = np.ones(10)
    cpjit(lambda x: x - x.mean())(x)
    if "numba" in peers:
        import numba

        numba.njit(lambda x: x + 1)(x)
    if "jax" in peers:
        jax = import_jax()
        jax.jit(lambda x: x + 1)(x).block_until_ready()


# -- tables -------------------------------------------------------------------------------------


def _size(kernel: Kernel, size: Size) -> str:
    """Write a size with the names that its numbers have in the table of kernels."""
    names = list(inspect.signature(kernel.make).parameters)[1:]
    return ", ".join(f"{name} {number:,}" for name, number in zip(names, size, strict=True))


def _ratio(timings: dict[str, Timing], theirs: str) -> str:
    ours, other = timings[CPNUM], timings[theirs]
    noisy = NOISY if ours.noisy or other.noisy else ""
    return mark(other.median / ours.median, 1.0) + noisy


def _mean(found: Sequence[Measured], theirs: str) -> str:
    """Return the geometric mean of cpnum's speed as a multiple of another's."""
    ratios = [each.timings[theirs].median / each.timings[CPNUM].median for each in found]
    return mark(statistics.geometric_mean(ratios), 1.0) if ratios else "-"


def table(
    title: str, rows: Sequence[tuple[Kernel, Size, Measured]], columns: Sequence[str]
) -> Table:
    """Return the table of what was measured, `columns` beside cpnum's."""
    timed = [*columns, CPNUM]
    compiling = [name for name in timed if name != NUMPY]
    lines = [
        [
            kernel.name,
            _size(kernel, size),
            *(format_seconds(each.timings[name].median) for name in timed),
            *(_ratio(each.timings, name) for name in columns),
            AS_WRITTEN if each.as_written else "",
            *(format_seconds(each.first[name]) for name in compiling),
        ]
        for kernel, size, each in rows
    ]
    every = [each for _, _, each in rows]
    compiled = [each for each in every if not each.as_written]
    for words, found in (("geometric mean", every), ("of those compiled", compiled)):
        means = [_mean(found, name) for name in columns]
        lines.append([words, "", *[""] * len(timed), *means, "", *[""] * len(compiling)])
    firsts = [f"first {name}" for name in compiling]
    return Table(
        f"{title}: {len(compiled)} of {len(every)} compiled",
        ["", "size", *timed, *(f"times {name}" for name in columns), "", *firsts],
        lines,
        [
            f"times: cpnum's speed as a multiple of another's, {MISSED} below 1; {NOISY} is noisy: "
            "the spread is over a tenth.  Medians of calls in turn, each with the same arguments.",
            f"{AS_WRITTEN}: cpnum refuses the function, or takes the arrays for too small, and "
            "calls it as it is.  first: the first call, which traces and compiles.",
        ],
    )


def tables(peers: Sequence[str], seconds: float, quick: bool) -> Iterator[Table]:
    """Yield the table of programs; a `quick` one has one size of each."""
    _warm(peers)
    rows = [
        (kernel, size, measured(kernel, size, peers, seconds))
        for kernel in map(KERNELS.__getitem__, PROGRAMS)
        for size in kernel.large[: 1 if quick else None]
    ]
    columns = [column for peer, column in _PEERS.items() if peer in peers or column == NUMPY]
    yield table("Programs", rows, columns)


def kernel_tables(seconds: float, quick: bool) -> Iterator[Table]:
    """Yield the table of all kernels, beside NumPy alone; a `quick` one is of small arrays."""
    _warm(())
    rows = []
    for kernel in KERNELS.values():
        size = kernel.small if quick else kernel.large[-1]
        rows.append((kernel, size, measured(kernel, size, (), seconds)))
    yield table("Kernels", rows, [NUMPY])
