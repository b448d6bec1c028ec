"""The contest: results are compared, first calls timed, then the calls of all by turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from cpnum.compare.competitors import NUMPY, Competitor, Given, Prepared, short
from cpnum.compile.call import Array
from cpnum.compile.kernel import forget
from cpnum.show.comparison import difference, is_numeric, pairs_of
from cpnum.show.restoring import Saved
from cpnum.show.timing import Clock, Timing, max_ulp, measure, timing_of

Stages = dict[str, float]

# Makes the competitors, and says which were left out and why.
Make = Callable[[Given], tuple[list[Competitor], dict[str, str]]]

# So many first calls are timed, and fewer if they take longer than _SECONDS.
_COLD, _AGAIN, _SECONDS = 5, 9, 0.5


@dataclass(frozen=True, slots=True)
class Row:
    """The time of a call of one competitor for one size, or why it was not timed.

    `elements` and `dtype` are those of the result.  `difference` says how far the result is from
    NumPy's, and `ulp` is the largest distance, if both are floats of one dtype.
    """

    name: str
    size: int
    elements: int
    timing: Timing | None
    difference: str
    dtype: str = ""
    ulp: float | None = None
    why: str = ""

    @property
    def element(self) -> float | None:
        """The time of an element, in seconds."""
        return None if self.timing is None else self.timing.median / self.elements


@dataclass(frozen=True, slots=True)
class FirstCalls:
    """The times of first calls, in which functions are compiled, and of the stages of cpnum.

    `cold` is the first call of all: cpnum has forgotten its packs, and Numba may have been imported
    just now.  `again` is the first call of a function that was made anew.
    """

    cold: Timing
    again: Timing | None = None
    cold_stages: Stages = field(default_factory=dict)
    again_stages: Stages = field(default_factory=dict)


# -- first calls --------------------------------------------------------------------------------


def first_calls(
    competitor: Competitor, given: Given, clock: Clock, restore: Callable[[], None]
) -> tuple[FirstCalls, Prepared]:
    """Time first calls; return the function that was made last as well.

    The arrays that the function writes to are restored before each.
    """
    cpnum = competitor.kernel is not None

    def cold_again() -> None:
        restore()
        forget()

    cold, cold_stages, prepared = _first_calls(
        competitor, given, clock, _COLD if cpnum else 1, cold_again
    )
    if competitor.compiles == "once":
        return FirstCalls(cold), prepared
    again, stages, prepared = _first_calls(competitor, given, clock, _AGAIN, restore)
    return FirstCalls(cold, again, cold_stages, stages), prepared


def _first_calls(
    competitor: Competitor, given: Given, clock: Clock, most: int, before: Callable[[], None]
) -> tuple[Timing, Stages, Prepared]:
    samples: list[float] = []
    stages: list[Stages] = []
    end = time.perf_counter() + _SECONDS
    while True:
        before()
        start = clock()
        prepared = competitor.make()
        prepared(given)()
        samples.append((clock() - start) * 1e-9)
        if competitor.kernel is not None:
            stages.append(competitor.kernel(given).seconds)
        if len(samples) == most or time.perf_counter() > end:
            return timing_of(samples), _of_the_median(samples, stages), prepared


def _of_the_median(samples: list[float], stages: list[Stages]) -> Stages:
    """Return the stages of the call that took as long as the median.

    >>> _of_the_median([1.0, 3.0, 2.0], [{"trace": 0.1}, {"trace": 0.3}, {"trace": 0.2}])
    {'trace': 0.2}
    """
    if not stages:
        return {}
    order = sorted(range(len(samples)), key=samples.__getitem__)
    return stages[order[len(order) // 2]]


# -- results ------------------------------------------------------------------------------------

_CHUNK = 1 << 16
# Relative to the largest of the results, which may be a sum that nearly cancels.
_TOLERANCE = 1e-3


def _ulp(result: Any, expected: Any) -> float | None:
    """Return the largest distance between results of floats, None if they have not one dtype."""
    if result.dtype != expected.dtype or result.dtype not in (np.float32, np.float64):
        return None
    a, b = result.reshape(-1), expected.reshape(-1)
    starts = range(0, a.size, _CHUNK)
    return max((max_ulp(a[at : at + _CHUNK], b[at : at + _CHUNK]) for at in starts), default=0.0)


def _is_wrong(result: Any, expected: Any) -> bool:
    """Tell whether a result is no rounding of the expected one, but another value.

    >>> _is_wrong(np.array([1.0, np.nan]), np.array([1.0 + 1e-9, np.nan]))
    False
    >>> _is_wrong(np.array([1, 2]), np.array([1, 3])), _is_wrong(np.ones(2), np.ones(1))
    (True, True)
    """
    if result.shape != expected.shape:
        return True
    if expected.dtype.kind != "f" and result.dtype.kind != "f":
        return not np.array_equal(result, expected)
    finite = np.abs(expected[np.isfinite(expected)])
    scale = float(np.max(finite, initial=0.0))
    return not np.allclose(
        result, expected, rtol=_TOLERANCE, atol=_TOLERANCE * scale, equal_nan=True
    )


def elements_of(result: Any) -> int:
    """Return the number of elements of the largest of a function's results.

    >>> elements_of(np.ones(3)), elements_of((np.ones(3), [np.ones(5)], "text"))
    (3, 5)
    """
    sizes = [np.size(each) for _, each, _ in pairs_of(result, result) if is_numeric(each)]
    return max(sizes, default=0)


Contents = Mapping[str, Any]


def compared(
    name: str,
    size: int,
    result: Any,
    expected: Any,
    written: Contents | None = None,
    wanted: Contents | None = None,
) -> Row:
    """Return the row of a competitor that is not timed yet, or will not be: its result is wrong.

    Arguments, by their places, have what was `written`, and after NumPy's call what is `wanted`.

    >>> compared("g", 2, np.array([1, 2]), np.array([1, 3])).why
    'its result is wrong: 1 of 2 elements differ'
    >>> compared("g", 2, (np.ones(2), [1, 2]), (np.ones(2), [1, 3])).why
    'its result [1][1] is wrong: 1 of 1 elements differ'
    >>> compared("g", 2, None, None, {"[0]": np.array([1])}, {"[0]": np.array([2])}).why
    'its argument [0] is wrong: 1 of 1 elements differ'
    """
    written, wanted = written or {}, wanted or {}
    row = Row(name, size, elements_of((expected, wanted)), None, "")
    dtypes: list[str] = []
    ulps: list[float] = []
    differing: list[str] = []
    pairs = [(f"result {place}".rstrip(), *both) for place, *both in pairs_of(result, expected)] + [
        (f"argument {place}", each, wanted[place]) for place, each in written.items()
    ]
    for place, mine, theirs in pairs:
        its = f"its {place}"
        if not (is_numeric(mine) and is_numeric(theirs)):
            what = difference(mine, theirs)
            if not what.endswith("bit for bit"):
                return replace(row, difference=what, why=f"{its} is wrong: {what}")
            continue
        mine, theirs = np.asarray(mine), np.asarray(theirs)
        dtypes.append(str(mine.dtype))
        row = replace(row, dtype=", ".join(dict.fromkeys(dtypes)))
        if mine.shape != theirs.shape:
            what = f"its shape is {mine.shape}, not {theirs.shape}"
            return replace(row, difference=what, why=f"{its} is wrong: {what}")
        what = difference(mine, theirs)
        if _is_wrong(mine, theirs):
            return replace(row, difference=what, why=f"{its} is wrong: {what}")
        ulp = _ulp(mine, theirs)
        if ulp is not None:
            ulps.append(ulp)
        if not what.endswith("bit for bit"):
            differing.append(f"{place}: {what}" if len(pairs) > 1 else what)
    both = {place: (each, each) for place, each in wanted.items()}
    what = "; ".join(differing) or difference(expected, expected, both)
    return replace(row, difference=what, ulp=max(ulps) if len(ulps) == len(dtypes) else None)


# -- the contest --------------------------------------------------------------------------------

# Arguments of larger results are not kept, except the first ones.
_KEPT = 1 << 16


class Contest:
    """Times competitors, size by size; they are made at the first size, whose first calls count.

    `left_out` says which are not timed at all, and why.  `subject` are arguments that are kept.
    """

    def __init__(self, make: Make, seconds: float, rounds: int | None, clock: Clock) -> None:
        self.rows: list[Row] = []
        self.competitors: list[Competitor] = []
        self.left_out: dict[str, str] = {}
        self.first: dict[str, FirstCalls] = {}
        self.subject: Given | None = None
        self._make = make
        self._seconds = seconds
        self._rounds = rounds
        self._clock = clock
        self._prepared: dict[str, Prepared] = {}

    def add(self, size: int | None, given: Given) -> None:
        """Compare the results for one size with NumPy's, and time the right ones.

        Without a size, it is that of the result.  All calls find the same in the arguments, and so
        does the caller.
        """
        with Saved(given.arrays().values()) as saved:
            if self.subject is None:
                self.competitors, self.left_out = self._make(given)
                (numpy,) = [each.make() for each in self.competitors if each.name == NUMPY]
            else:
                numpy = self._prepared[NUMPY]
            expected = _run(numpy, given, saved)
            if self.subject is None:
                self._start(given, saved.only(expected.written).restore)
            self._compare(size, given, expected, saved)

    def _compare(self, size: int | None, given: Given, expected: _Run, saved: Saved) -> None:
        elements = elements_of((expected.result, expected.copies))
        if self.subject is None or elements <= _KEPT:
            self.subject = given
        size = elements if size is None else size
        found: list[Row] = []
        calls: dict[str, Callable[[], Any]] = {}
        written = {id(each): each for each in expected.written}
        for name, prepared in self._prepared.items():
            try:
                run = _run(prepared, given, saved)
                row = _row(name, size, given, run, expected, saved)
                if not row.why:
                    calls[name] = run.call
                    written |= {id(each): each for each in run.written}
            except Exception as error:
                row = Row(name, size, elements, None, "", why=short(error))
            found.append(row)
        before = saved.only(written.values()).restore if written else None
        timings = measure(
            calls, self._seconds, self._rounds, warm=True, clock=self._clock, before=before
        )
        self.rows += [replace(row, timing=timings.get(row.name)) for row in found]

    def _start(self, given: Given, restore: Callable[[], None]) -> None:
        """Make the function of each competitor, and time its first calls."""
        for each in self.competitors:
            if each.compiles == "never":
                self._prepared[each.name] = each.make()
                continue
            try:
                first, self._prepared[each.name] = first_calls(each, given, self._clock, restore)
                self.first[each.name] = first
            except Exception as error:  # a peer may raise anything
                if each.kernel is not None:
                    raise
                self.left_out[each.name] = short(error)


class _Run(NamedTuple):
    """A call, what it returned, and the arrays that it wrote to, each with a copy."""

    call: Callable[[], Any]
    result: Any
    written: list[Array]
    copies: list[Array]


def _run(prepared: Prepared, given: Given, saved: Saved) -> _Run:
    """Make a call that finds its arguments as they were saved."""
    call = prepared(given)
    saved.restore()
    result = saved.apart(call())
    written = saved.changed()
    return _Run(call, result, written, [each.copy() for each in written])


def _row(name: str, size: int, given: Given, run: _Run, expected: _Run, saved: Saved) -> Row:
    """Return the row of a competitor, whose results and writes are compared with NumPy's."""
    both = []
    for each in (run, expected):
        contents = {id(array): saved.before(array) for array in (*run.written, *expected.written)}
        contents |= {id(own): copy for own, copy in zip(each.written, each.copies, strict=True)}
        both.append(
            {
                place: contents[id(own)]
                for place, own in given.arrays().items()
                if id(own) in contents
            }
        )
    return compared(name, size, run.result, expected.result, *both)
