"""`cpnum.bench`: a compiled function is compared with its peers, for one size or for many.

>>> from cpnum import cpjit
>>> result = bench(cpjit(np.sqrt), np.ones(4), sizes=[10, 100], against="numpy", rounds=3)
>>> [(row.name, row.size) for row in result.rows]
[('cpnum', 10), ('NumPy', 10), ('cpnum', 100), ('NumPy', 100)]
"""

from __future__ import annotations

import functools
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from cpnum.compare.competitors import (
    PEERS,
    Against,
    Compiled,
    Given,
    competitors,
    computing_with,
    missing,
    wanted,
)
from cpnum.compare.contest import Contest
from cpnum.compare.result import Bench, Work
from cpnum.compile.kernel import Kernel
from cpnum.errors import ShapeError, trimmed
from cpnum.jit.function import Jit
from cpnum.jit.method import Method
from cpnum.show.processor import busy, caches, processor, versions
from cpnum.show.progress import progress as told

# Without sizes there is one, which is that of the result.
Size = int | None
Progress = Callable[[Sequence[Size]], Iterable[Size]] | Literal[False] | None


def bench(
    f: Compiled,
    /,
    *arguments: Any,
    sizes: Iterable[float] | None = None,
    against: Against = None,
    seconds: float = 0.2,
    rounds: int | None = None,
    threads: int = 1,
    cpu_time: bool = False,
    progress: Progress = None,
    **keywords: Any,
) -> Bench:
    """Time a compiled function beside NumPy, numexpr and Numba, results compared first.

    The arguments are those of a call.  With `sizes`, arrays are repeated or cut to each size; or
    there is one argument, a function that returns the arguments (a tuple, or the only one) for a
    size.  `against` are names of peers, or a mapping of names to functions that take the same
    arguments; all peers that are installed, if none is named.  NumPy is always compared with: it
    computes the function as written.

    Each call returns a new result.  A time is the median of samples that are taken by turns, for
    about `seconds` each, or in a number of `rounds`.  First calls are timed apart, cold ones with
    the packs forgotten.  Peers compute with so many `threads`.  A wrong result is not timed.
    `cpu_time` counts only the time in which this thread runs, for a machine that others use, too.

    `progress` wraps the sizes, as `tqdm` does; False says nothing.  An interrupt ends the run, and
    the sizes that are finished are returned.

    Raises:  TypeError for a function that is not compiled; ValueError for an unknown peer;
             CpnumError if a peer that was named is not installed; what the call itself raises.

    >>> from cpnum import cpjit
    >>> f = cpjit(lambda x, a: np.sqrt(x) * a)
    >>> result = bench(f, lambda size: (np.ones(size), 2.5), sizes=[1e3], against=(), rounds=3)
    >>> result.row("cpnum").elements
    1000
    """
    __tracebackhide__ = True  # IPython leaves this frame out
    try:
        refuse_others(f)
        if "out" in keywords:
            raise TypeError("bench has no argument out: each call returns a new result")
        if cpu_time and threads > 1:
            raise ValueError("cpu_time is the time of one thread: there are no others")
        given_of, counts = _cases(arguments, keywords, sizes)
        names, others = wanted(against)
        make = functools.partial(competitors, f, names=names, others=others, threads=threads)
        clock = time.thread_time_ns if cpu_time else time.perf_counter_ns
        contest = Contest(make, seconds, rounds, clock)
        with _quiet(), computing_with(threads, names):
            interrupted = _run(contest, counts, given_of, progress)
        if against is None:
            contest.left_out.update(dict.fromkeys(missing(), "it is not installed"))
        return _result(f, contest, threads, cpu_time, interrupted)
    except Exception as error:
        raise trimmed(error)  # noqa: B904 (it is the same error)


def refuse_others(f: object) -> None:
    """Refuse what is no compiled function, with a TypeError that says what to write."""
    if not isinstance(f, Jit | Method):
        name = getattr(f, "__name__", type(f).__name__)
        raise TypeError(
            f"bench times a compiled function, and {name} is none: write cpjit({name}) in its place"
        )


def _run(
    contest: Contest,
    sizes: Sequence[Size],
    given_of: Callable[[Size], Given],
    progress: Progress,
) -> str:
    """Time all sizes; return what an interrupt has left out, if it came after a size."""
    done = 0
    try:
        for size in _told(progress, sizes):
            contest.add(size, given_of(size))
            done += 1
    except KeyboardInterrupt:
        if not done:
            raise
        return f"interrupted: {done} of {len(sizes)} sizes are finished"
    return ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Report no floating-point errors, nor each time that NumPy evaluates a function."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def _told(progress: Progress, sizes: Sequence[Size]) -> Iterable[Size]:
    if progress is False:
        return sizes
    return told(sizes, "cpnum.bench") if progress is None else progress(sizes)


def _result(f: Compiled, contest: Contest, threads: int, cpu_time: bool, interrupted: str) -> Bench:
    """Return what came of a contest."""
    given = contest.subject
    assert given is not None
    signature, work = f.__name__, None
    for each in contest.competitors:
        if each.kernel is not None:
            kernel = each.kernel(given)
            signature = str(kernel.graph).partition("\n")[0]
            if isinstance(kernel, Kernel):  # the loops of several have no common element
                nest = kernel.loop_nest
                dtype = str(nest.stores[0].buffer.dtype.numpy)
                work = Work(nest.element_bytes, nest.element_ops, dtype)
    level = "" if f.isa is None else f" ({f.isa})"
    return Bench(
        signature=signature,
        rows=tuple(contest.rows),
        first=contest.first,
        about={each.name: each.about for each in contest.competitors},
        left_out=contest.left_out,
        threads=threads,
        cpu_time=cpu_time,
        processor=f"{processor()}{level}",
        versions=versions([each.name for each in contest.competitors if each.name in PEERS]),
        caches=tuple(caches()),
        work=work,
        interrupted=interrupted,
        busy=busy(),
        subject=(f, given),
    )


# -- sizes --------------------------------------------------------------------------------------


def _cases(
    arguments: tuple[Any, ...], keywords: dict[str, Any], sizes: Iterable[float] | None
) -> tuple[Callable[[Size], Given], list[Size]]:
    """Return a function that gives the arguments for a size, and all sizes.

    Raises:  ValueError for sizes below 1; ShapeError if no array can be repeated.
    """
    if sizes is None:
        return lambda size: Given(arguments, keywords), [None]
    counts: list[Size] = [int(each) for each in sizes]
    if not counts or any(count is not None and count < 1 for count in counts):
        raise ValueError(f"sizes are numbers of elements, one or more each, not {counts}")
    if len(arguments) == 1 and not keywords and callable(arguments[0]):
        return functools.partial(_made, arguments[0]), counts
    arrays = [each for each in (*arguments, *keywords.values()) if _has_axes(each)]
    if not arrays or any(each.ndim > 1 for each in arrays):
        raise ShapeError(
            "only arrays with one axis are repeated or cut to the sizes",
            seen=f"arrays of the shapes {', '.join(str(each.shape) for each in arrays) or 'none'}",
            write="a function from a size to the arguments: bench(f, lambda n: (...), sizes=...)",
        )
    return functools.partial(_resized, Given(arguments, keywords)), counts


def _made(make: Callable[[int], Any], size: int) -> Given:
    made = make(size)
    return Given(made if isinstance(made, tuple) else (made,), {})


def _has_axes(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0


def _resized(given: Given, size: int) -> Given:
    """Return arguments whose arrays have so many elements; those of one element are broadcast.

    >>> _resized(Given((np.array([1.0, 2.0]), np.ones(1), 5), {}), 3).arguments
    (array([1., 2., 1.]), array([1.]), 5)
    """
    made: dict[int, Any] = {}  # an argument that is given twice stays one object

    def resized(value: Any) -> Any:
        if not _has_axes(value) or value.size == 1:
            return value
        return made.setdefault(id(value), np.resize(value, size))

    keywords = {name: resized(value) for name, value in given.keywords.items()}
    return Given(tuple(map(resized, given.arguments)), keywords)
