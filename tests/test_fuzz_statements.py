"""Random functions that write to arrays return and leave behind what they do under NumPy.

`python tests/test_fuzz_statements.py --seconds N` goes on with examples of its own until the time
is over, and tells why functions were not compiled.
"""

from __future__ import annotations

import argparse
import copy
import gc
import itertools
import math
import os
import pickle
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np
import pytest
from cases import HERE, assert_same
from corpus.trying import family
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from memories import Arguments
from statements import Example, examples

from cpnum import cpjit
from cpnum.jit import cache

# Numbers of examples as `make test` runs them; derandomized, so that two runs are the same.
COMMON = settings(
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
    report_multiple_bugs=False,
)
pytestmark = [
    pytest.mark.skipif(not HERE, reason="no stencil pack fits this processor"),
    # Of `~` of a Python bool, which a random function may have.
    pytest.mark.filterwarnings("ignore:Bitwise inversion:DeprecationWarning"),
]

# On the Pythons after the first one, `make test` asks for less.
EXAMPLES = 100 if os.environ.get("CPNUM_TEST") == "short" else 500
# The largest share of functions that may run through NumPy, of those that raise no error.
MOST_REFUSED = 0.2
TOLD = " runs through NumPy: "


# -- calls --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What a call returned or raised, its arguments after that, their memories, and warnings."""

    result: Any
    error: Exception | None
    arguments: dict[str, Any]
    memories: list[np.ndarray]
    warnings: list[str]

    def sharing(self) -> list[tuple[str, bool, bool]]:
        """Tell which results are arguments, or share memory with them or with each other."""
        values = [*leaves(self.result, "the result"), *self.arguments.items()]
        arrays = [each for each in values if isinstance(each[1], np.ndarray)]
        return [
            (f"{name} and {other}", one is two, np.shares_memory(one, two))
            for (name, one), (other, two) in itertools.combinations(arrays, 2)
        ]

    def reports(self) -> set[str]:
        """Return the kinds of floating-point errors that were reported."""
        return {each.partition(" encountered in ")[0] for each in self.warnings} - {"underflow"}


def leaves(result: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield what is in containers, with names that say where."""
    if isinstance(result, tuple | list | dict):
        for key, each in result.items() if isinstance(result, dict) else enumerate(result):
            yield from leaves(each, f"{name}[{key!r}]")
    else:
        yield name, result


def outcome(function: Callable[..., Any], arguments: Arguments, errors: str = "warn") -> Outcome:
    """Call a function with new arguments."""
    given, memories = arguments.made()
    result, raised = None, None
    with warnings.catch_warnings(record=True) as told, np.errstate(all=errors, under="ignore"):
        warnings.simplefilter("always")
        try:
            result = function(*given.values())
        except Exception as error:
            raised = error
    return Outcome(result, raised, given, memories, [str(each.message) for each in told])


def public(error: Exception) -> type[BaseException]:
    """Return the first class of an error that is Python's own."""
    return next(each for each in type(error).__mro__ if each.__module__ == "builtins")


def check_same(expected: Outcome, actual: Outcome, call: str) -> None:
    """Assert that two calls end in the same way and leave the same elements in all memories."""
    errors = expected.error, actual.error
    if errors != (None, None):
        alike = None not in errors and isinstance(errors[1], public(errors[0]))
        assert alike, f"{call}: NumPy's error {errors[0]!r}, cpnum's error {errors[1]!r}"
    for at, memories in enumerate(zip(expected.memories, actual.memories, strict=True)):
        assert_same(*memories, f"{call}: memory{at}")
    assert_same(expected.result, actual.result, f"{call}: the result")
    sharing = zip(expected.sharing(), actual.sharing(), strict=True)
    differ = [(one, other) for one, other in sharing if one != other]
    assert not differ, (
        f"{call}: (arrays, whether they are one, whether they share memory): {differ}"
    )


class Watch:
    """Tells whether a function is called as written; nothing in the function shows it."""

    def __init__(self, function: FunctionType) -> None:
        self._code = function.__code__
        self.saw_call = False

    def _see(self, frame: Any, event: str, _: object) -> None:
        self.saw_call |= event == "call" and frame.f_code is self._code

    def __enter__(self) -> Watch:
        self._before = sys.getprofile()
        sys.setprofile(self._see)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._before)


# -- the search ---------------------------------------------------------------------------------


@dataclass
class Tally:
    """How many functions were compiled, and why others were not."""

    compiled: int = 0
    raised: int = 0
    # Functions that are as written for arguments that share memory: nothing tells of that.
    shared: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    # The shortest function that was refused for a reason.
    shortest: dict[str, str] = field(default_factory=dict)

    def add(self, example: Example, traced: Outcome, is_as_written: bool) -> None:
        """Count a function that was called twice."""
        why = [each.partition(TOLD)[2] for each in traced.warnings if TOLD in each]
        arrays = [each for each in traced.arguments.values() if isinstance(each, np.ndarray)]
        if traced.error is not None:
            self.raised += 1
        elif not is_as_written:
            self.compiled += 1
        elif not why and any(
            itertools.starmap(np.shares_memory, itertools.combinations(arrays, 2))
        ):
            self.shared += 1
        else:
            self.refuse(family(why[0]) if why else "silently", example.source)

    def refuse(self, reason: str, source: str, count: int = 1) -> None:
        self.refused[reason] += count
        self.shortest[reason] = min(self.shortest.get(reason, source), source, key=len)

    def update(self, other: Tally) -> None:
        """Add what another one has counted."""
        self.compiled += other.compiled
        self.raised += other.raised
        self.shared += other.shared
        for reason, count in other.refused.items():
            self.refuse(reason, other.shortest[reason], count)

    @property
    def share(self) -> float:
        """The share of functions that are refused, of these and those that were compiled."""
        refused = self.refused.total()
        return refused / max(self.compiled + refused, 1)

    def __str__(self) -> str:
        lines = [f"{count:6} {reason}" for reason, count in self.refused.most_common()]
        told = f"{self.refused.total()} refused ({self.share:.1%}), {self.raised} raise an error"
        told += f", {self.shared} as written for arguments that share memory"
        return "\n".join([f"{self.compiled} compiled, {told}", *lines])


def check(example: Example, tally: Tally, has_reports: bool = False) -> None:
    """Compare a function with NumPy: traced, compiled, and with arguments laid out otherwise."""
    function = example.function()
    first, second = outcome(function, example.first), outcome(function, example.second)
    for level in HERE:
        compiled = cpjit(function, isa=level, fallback="numpy")
        traced = outcome(compiled, example.first, "ignore")
        check_same(first, traced, "the first call")
        with Watch(function) as watch:
            again = outcome(compiled, example.first)
        check_same(first, again, "the second call")
        check_same(second, outcome(compiled, example.second), "the call with other arguments")
        check_same(first, outcome(compiled, example.first, "ignore"), "the last call")
        if has_reports:
            # What is not needed is not computed, and has no report.
            assert again.reports() <= first.reports(), (first.reports(), again.reports())
        tally.add(example, traced, watch.saw_call)


class CheckError(AssertionError):
    """An example that failed in a process of its own."""


def check_apart(
    example: Example, tally: Tally, has_reports: bool, check: Callable[..., None] = check
) -> None:
    """Check an example in a process of its own: one that crashes can be made smaller, too."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        own, failed = Tally(), ""
        try:
            check(example, own, has_reports)
        except BaseException as error:
            failed = "".join(traceback.format_exception(error))
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump((own, failed), pipe)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        sent = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        raise CheckError(f"a crash: {signal.Signals(os.WTERMSIG(status)).name}")
    own, failed = pickle.loads(sent)
    if failed:
        raise CheckError(failed)
    tally.update(own)


def search(
    check: Callable[[Any], None],
    wanted: settings,
    number: int | None = None,
    among: Callable[[], st.SearchStrategy[Any]] = examples,
) -> None:
    """Check as many examples as are wanted, those of a number if there is one."""
    example = wanted(given(among())(check))
    example() if number is None else seed(number)(example)()


@pytest.mark.usefixtures("always")
def test_random_functions_write_what_they_do_under_numpy():
    tally = Tally()
    search(lambda example: check(example, tally), settings(COMMON, max_examples=EXAMPLES))
    assert tally.share <= MOST_REFUSED, str(tally)


def _writes_to_copies(function, **_):
    return lambda *arguments: function(*copy.deepcopy(arguments))


def _keeps_numbers(function, **_):
    """Compile for the Python numbers of the first call, wrongly for all others."""
    first = []

    def compiled(*arguments):
        first[:] = first or arguments
        pairs = zip(first, arguments, strict=True)
        return function(*[one if isinstance(one, int) else other for one, other in pairs])

    return compiled


@pytest.mark.parametrize(
    ("wrong", "differs"),
    [(_writes_to_copies, "the first call: memory0"), (_keeps_numbers, "the call with other")],
)
def test_the_search_finds_what_is_wrong(wrong, differs, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "cpjit", wrong)
    quick = settings(COMMON, max_examples=500, phases=[Phase.generate])
    with pytest.raises(AssertionError, match=differs):
        search(lambda example: check(example, Tally()), quick)


# -- for long -----------------------------------------------------------------------------------


def run(
    words: list[str] | None,
    name: str,
    description: str | None,
    check: Callable[..., None],
    among: Callable[[], st.SearchStrategy[Any]],
) -> int:
    """Run examples until the time is over, or so many of them, as the words of a command say."""
    parser = argparse.ArgumentParser(prog=f"python tests/{name}.py", description=description)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--examples", type=int, default=sys.maxsize)
    parser.add_argument("--seed", type=int, default=time.time_ns())
    parser.add_argument("--reports", action="store_true", help="compare floating-point errors, too")
    parser.add_argument(
        "--refused", metavar="TEXT", help="show the shortest functions refused for such a reason"
    )
    arguments = parser.parse_args(words)
    cache._LEAST_SAVED = -math.inf  # compile programs of small arrays, too
    end = time.monotonic() + arguments.seconds
    tally, count = Tally(), 0

    def example(example):
        check_apart(example, tally, arguments.reports, check)

    while count < arguments.examples and time.monotonic() < end:
        some = min(500, arguments.examples - count)
        wanted = settings(
            COMMON, max_examples=some, derandomize=False, phases=(Phase.generate, Phase.shrink)
        )
        search(example, wanted, arguments.seed + count, among)
        count += some
        gc.collect()
        print(f"{count} examples")  # noqa: T201 (a command)
    print(tally)  # noqa: T201
    for reason, source in tally.shortest.items():
        if arguments.refused is not None and arguments.refused in reason:
            print(f"\n{reason}\n{source}")  # noqa: T201
    return 0


def main(words: list[str] | None = None) -> int:
    """Run random statements."""
    return run(words, "test_fuzz_statements", __doc__, check, examples)


if __name__ == "__main__":
    sys.exit(main())
