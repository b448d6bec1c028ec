"""The comparison of a compiled function with the function as written: results and times."""

from __future__ import annotations

import contextlib
import functools
import io
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from cpnum.compile.call import Array
from cpnum.ir.containers import opened
from cpnum.run.observer import as_written
from cpnum.show.restoring import Saved
from cpnum.show.timing import Timing, max_ulp, timing_of

# So many rounds are timed, and fewer if they take more than _SECONDS.  They are few because the
# function as written has side effects.
_ROUNDS = 11
_SECONDS = 0.5

_CHUNK = 1 << 16


def pairs_of(result: Any, expected: Any, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield the places of results in containers, with each result and NumPy's.

    Where the containers differ, they are yielded.

    >>> list(pairs_of((1, {"a": 2}), (3, {"a": 4})))
    [('[0]', 1, 3), ("[1]['a']", 2, 4)]
    """
    own, others = opened(result), opened(expected)
    if own is None or others is None or type(result) is not type(expected):
        yield name, result, expected
        return
    (keys, items), (other_keys, wanted) = own, others
    if len(items) != len(wanted) or keys != other_keys:
        yield name, result, expected
        return
    for key, mine, theirs in zip(keys or range(len(items)), items, wanted, strict=True):
        attribute = bool(keys) and not isinstance(result, dict)
        place = f".{key}" if attribute else f"[{key!r}]"
        yield from pairs_of(mine, theirs, name + place)


def is_numeric(value: Any) -> bool:
    """Tell whether a result is an array or a number.

    >>> is_numeric(np.ones(2)), is_numeric(2.5), is_numeric("text"), is_numeric((1, 2))
    (True, True, False, False)
    """
    return isinstance(value, np.ndarray | np.generic | bool | int | float)


def difference(
    result: Any, expected: Any, written: Mapping[str, tuple[Any, Any]] | None = None
) -> str:
    """Say how far results are from NumPy's, and what was `written` to arguments of these names.

    >>> difference((np.ones(2), None), (np.ones(2), None))
    'the result is that of NumPy, bit for bit'
    >>> difference((np.ones(2), np.array([1])), (np.ones(2), np.array([2])))
    'result [1]: 1 of 1 elements differ'
    >>> difference(None, None, {"x": (np.array([1]), np.array([1]))})
    'the result and what is written to x are those of NumPy, bit for bit'
    """
    differing = []
    exact = f"the result is that of NumPy{_EXACT}"
    if written:
        exact = f"the result and what is written to {', '.join(written)} are those of NumPy{_EXACT}"
    for name, mine, theirs in pairs_of(result, expected):
        text = _difference(mine, theirs)
        if not name and not written:
            return text
        if not text.endswith(_EXACT):
            differing.append(f"result {name}".rstrip() + f": {text}")
    for name, (mine, theirs) in (written or {}).items():
        text = _difference(mine, theirs)
        if not text.endswith(_EXACT):
            differing.append(f"argument {name}: {text}")
    return "; ".join(differing) or exact


_EXACT = ", bit for bit"


def _difference(result: Any, expected: Any) -> str:
    """Say how far a result is from NumPy's.

    >>> _difference(np.array([1.0, 2.0]), np.array([1.0, np.nextafter(2.0, 3.0)]))
    'at most 1 ULP from the result of NumPy, 1 of 2 elements differ'
    >>> _difference(np.array([1, 2]), np.array([1, 2]))
    'the result is that of NumPy, bit for bit'
    """
    numpy = "NumPy"
    if not (is_numeric(result) and is_numeric(expected)):
        if type(result) is type(expected) and opened(result) is None:
            if result is expected or result == expected:
                return f"the result is that of {numpy}{_EXACT}"
        return f"{result!r:.60}, where NumPy has {expected!r:.60}"
    if isinstance(result, int) and isinstance(expected, int):
        # Python's integers have any size.
        return (
            f"the result is that of {numpy}{_EXACT}"
            if result == expected
            else "1 of 1 elements differ"
        )
    result, expected = np.asarray(result), np.asarray(expected)
    if result.dtype != expected.dtype:  # `out` has its own
        numpy += f", converted from {expected.dtype} to {result.dtype}"
        expected = expected.astype(result.dtype)
    expected = np.broadcast_to(expected, result.shape)
    mine, theirs = result.reshape(-1), expected.reshape(-1)
    count, largest = 0, 0.0
    for at in range(0, mine.size, _CHUNK):
        a, b = mine[at : at + _CHUNK], theirs[at : at + _CHUNK]
        equal = a == b
        if a.dtype.kind == "f":
            equal = (equal & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))
        if not equal.all():
            count += int(np.count_nonzero(~equal))
            if a.dtype.kind == "f":
                largest = max(largest, max_ulp(a, b))
    if not count:
        return f"the result is that of {numpy}{_EXACT}"
    differ = f"{count:,} of {mine.size:,} elements differ"
    if mine.dtype.kind != "f":
        return differ
    return f"at most {largest:.0f} ULP from the result of {numpy}, {differ}"


def _timed(function: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def _timings(
    calls: Mapping[str, Callable[[], tuple[Any, float]]], rounds: int, loops: int
) -> dict[str, Timing]:
    """Time the calls by turns, so that a slow spell of the machine meets them alike."""
    samples: dict[str, list[float]] = {name: [] for name in calls}
    start = time.perf_counter()
    for _ in range(rounds):
        for name, call in calls.items():
            # A list: in a generator, a StopIteration of the user's function is a RuntimeError.
            samples[name].append(sum([call()[1] for _ in range(loops)]) / loops)
        if time.perf_counter() - start > _SECONDS:
            break
    return {name: timing_of(each, loops) for name, each in samples.items()}


def _shared(results: Any, arguments: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Return the arrays of results that share memory with arguments, with copies of them."""
    given = [each for each in arguments if isinstance(each, np.ndarray)]
    return [
        (result, result.copy())
        for _, result, _ in pairs_of(results, results)
        if isinstance(result, np.ndarray)
        and result.flags.writeable
        and any(np.may_share_memory(result, each) for each in given)
    ]


def one_line(error: Exception) -> str:
    r"""Return the type and message of an error on one line.

    >>> one_line(ValueError("one\n  two"))
    'ValueError: one two'
    """
    return " ".join("".join(traceback.format_exception_only(error)).split())


class Comparison(NamedTuple):
    """How a result differs from NumPy's, and the times of the call; `timings` may be empty.

    `difference` says why, if nothing was compared.  The function as written ran `runs` times.
    """

    difference: str
    timings: Mapping[str, Timing]
    runs: int

    def speed(self, name: str) -> Timing:
        """Return how many times as fast as NumPy a call is; its samples are ratios."""
        pairs = zip(self.timings["NumPy"].samples, self.timings[name].samples, strict=True)
        return timing_of([numpy / own for numpy, own in pairs])

    def speed_text(self, name: str) -> str:
        """Return the speed as text, with half of its interquartile range if that is known.

        >>> one, two = Timing(2e-6, 0, 2e-6, (2e-6,), 1), Timing(1e-6, 0, 1e-6, (1e-6,), 1)
        >>> Comparison("", {"NumPy": one, "called": two}, 1).speed_text("called")
        '2.00 x NumPy'
        """
        ratio = self.speed(name)
        decimals = 2 if ratio.median < 10 else 1
        spread = f" ± {ratio.iqr / 2:.{decimals}f}" if len(ratio.samples) > 1 else ""
        return f"{ratio.median:.{decimals}f}{spread} x NumPy"


def compare(
    function: Callable[..., Any],
    written: Callable[..., Any],
    bound: Callable[[], Any],
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    *,
    changed: Mapping[str, Array] | None = None,
    rounds: int = _ROUNDS,
    loops: int = 1,
) -> Comparison:
    """Compare a call with the function as written, which runs some `rounds * loops` times.

    The arrays that the function writes to are those `changed`, by their names.  Each run finds
    them as they are now, and so does the caller.  What the function prints was seen when the user
    called it, so it is not printed again.
    """
    ran = 0
    changed = changed or {}
    saved = Saved(changed.values())

    def as_user_wrote_it() -> tuple[Any, float]:
        nonlocal ran
        ran += 1
        saved.restore()
        with as_written():
            return _timed(functools.partial(written, *arguments, **keywords))

    def compiled(call: Callable[[], Any]) -> tuple[Any, float]:
        saved.restore()
        return _timed(call)

    try:
        with saved, np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
            expected, _ = as_user_wrote_it()
            expected = saved.apart(expected)
            wanted = {name: each.copy() for name, each in changed.items()}
            out, _ = compiled(bound)
            both = {name: (each, wanted[name]) for name, each in changed.items()}
            differs = difference(out, expected, both)
            del expected, wanted, both
            # If `out` is an argument too, each timed call changes it.
            kept = _shared(out, [*arguments, *keywords.values()])
            called = functools.partial(function, *arguments, **keywords)
            calls: dict[str, Callable[[], tuple[Any, float]]] = {
                "called": functools.partial(compiled, called),
                "bound": functools.partial(compiled, bound),
                "NumPy": as_user_wrote_it,
            }
            try:
                timings = _timings(calls, rounds, loops)
            finally:
                for array, before in kept:
                    array[...] = before
    except KeyboardInterrupt:
        return Comparison("none: they were interrupted", {}, ran)
    except Exception as error:  # the user's function raises when it runs again
        return Comparison(f"none: run again, the function raised {one_line(error)}", {}, ran)
    return Comparison(differs, timings, ran)
