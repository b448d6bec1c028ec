"""Random functions that reduce arrays return and leave behind what they do under NumPy.

`python tests/test_fuzz_folds.py --seconds N` goes on with examples of its own until the time is
over, and tells why functions were not compiled.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Callable
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cases import HERE
from hypothesis import Phase, settings
from reductions import FoldExample, examples
from test_fuzz_statements import (
    COMMON,
    MOST_REFUSED,
    Outcome,
    Tally,
    Watch,
    check_same,
    outcome,
    run,
    search,
)

from cpnum import IsaError, UnsupportedError, cpjit

pytestmark = pytest.mark.skipif(not HERE, reason="no stencil pack fits this processor")

# What `bind` says of the calls that it refuses while others are compiled.
NOT_BOUND = ("a result is empty", "NumPy copies an argument to reshape it")
# A variable that a line of a function makes.
NAMED = re.compile(r"\s+(v\d) = ")
# On the Pythons after the first one, `make test` asks for less.
EXAMPLES = 60 if os.environ.get("CPNUM_TEST") == "short" else 300


def check_alike(expected: Outcome, actual: Outcome, call: str) -> None:
    """Assert what `check_same` does, and that errors that are NumPy's own have its text."""
    check_same(expected, actual, call)
    one, other = expected.error, actual.error
    if one is not None and not type(other).__module__.startswith("cpnum"):
        texts = (type(one), str(one)), (type(other), str(other))
        assert texts[0] == texts[1], f"{call}: NumPy's error {one!r}, cpnum's error {other!r}"


def needs_all(source: str) -> bool:
    """Tell whether the result of a function depends on all elements that it computes.

    Each variable is in a later line, and there are no views.
    """
    lines = source.splitlines()[1:]
    names = {found[1]: at for at, line in enumerate(lines) if (found := NAMED.match(line))}
    return "[" not in source and all(
        any(re.search(rf"\b{name}\b", line) for line in lines[at + 1 :])
        for name, at in names.items()
    )


def check_reports(expected: Outcome, actual: Outcome, source: str) -> None:
    """Assert that calls have the same warnings, but for those of what is not needed."""
    reports = expected.reports(), actual.reports()
    assert reports[1] <= reports[0], reports
    assert reports[1] == reports[0] or not needs_all(source), reports


def numbers_of(result: Any, like: Any) -> Any:
    """Return a result, or a tuple of them, with numbers for arrays where another one has these."""
    if isinstance(like, tuple) and isinstance(result, tuple) and len(like) == len(result):
        return tuple(map(numbers_of, result, like))
    is_number = isinstance(like, np.generic) and isinstance(result, np.ndarray)
    return result[()] if is_number else result


def check_bound(
    compiled: Callable[..., Any], example: FoldExample, expected: list[Outcome]
) -> None:
    """Compare a bound call with NumPy, for two contents of its arrays.

    It keeps the values of arrays without axes, and one of loops alone returns arrays for numbers.
    """
    given, memories = example.first.made()
    try:
        bound = compiled.bind(*given.values())
    except (IsaError, UnsupportedError) as error:
        assert any(reason in str(error) for reason in NOT_BOUND), error
        return
    keeps = any(isinstance(each, np.ndarray) and not each.ndim for each in given.values())
    for at, arguments in enumerate((example.first,) if keeps else (example.first, example.second)):
        for memory, other in zip(memories, arguments.memories, strict=True):
            memory[...] = other.contents
        result, raised = None, None
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                result = bound()
            except Exception as error:
                raised = error
        actual = Outcome(numbers_of(result, expected[at].result), raised, given, memories, [])
        check_alike(expected[at], actual, f"bound call {at}")


def check(example: FoldExample, tally: Tally, has_reports: bool = False) -> None:
    """Compare a function with NumPy: traced, compiled, with other contents and layouts, bound."""
    function = example.function()
    expected = [outcome(function, each) for each in example.calls]
    for level in HERE:
        compiled = cpjit(function, isa=level, fallback="numpy")
        traced = outcome(compiled, example.first, "ignore")
        check_alike(expected[0], traced, "the first call")
        with Watch(function) as watch:
            again = outcome(compiled, example.first)
        check_alike(expected[0], again, "the second call")
        others = [outcome(compiled, each) for each in example.calls[1:]]
        check_alike(expected[1], others[0], "the call with other contents")
        check_alike(expected[2], others[1], "the call with other layouts")
        if has_reports:
            for one, other in zip(expected, [again, *others], strict=True):
                check_reports(one, other, example.source)
        if not watch.saw_call and expected[0].error is None:
            check_bound(compiled, example, expected)
        tally.add(example, traced, watch.saw_call)


@pytest.mark.usefixtures("always")
def test_random_functions_reduce_what_they_do_under_numpy():
    tally = Tally()
    wanted = settings(COMMON, max_examples=EXAMPLES)
    search(lambda example: check(example, tally), wanted, among=examples)
    assert tally.share <= MOST_REFUSED, str(tally)


def _with(**functions):
    """Return what compiles for a NumPy that has these functions in the place of its own."""
    names = SimpleNamespace(**{**vars(np), **functions})

    def compiler(function: FunctionType, **_: object) -> FunctionType:
        return FunctionType(function.__code__, {**function.__globals__, "np": names})

    return compiler


def _sum_in_order(x, axis=None, **keywords):
    """Add all elements one after the other."""
    if axis is None and not keywords and np.ndim(x):
        return np.add.accumulate(np.ravel(x))[-1] if np.size(x) else np.sum(x)
    return np.sum(x, axis, **keywords)


def _sum_without_axes(x, axis=None, keepdims=False, **keywords):
    return np.sum(x, axis, **keywords)


def _keeps_numbers(function, **_):
    """Return the number that the first call has computed, wrongly for other contents."""
    numbers = []

    def compiled(*arguments):
        result = function(*arguments)
        if not isinstance(result, np.generic):
            return result
        numbers.append(result)
        return numbers[0]

    return compiled


@pytest.mark.parametrize(
    ("wrong", "differs"),
    [
        (_with(sum=_sum_in_order), "the first call: .* differ"),
        (_with(sum=_sum_without_axes), "the first call"),
        (_keeps_numbers, "the call with other contents"),
    ],
    ids=["another order", "no axes kept", "no other contents"],
)
def test_the_search_finds_what_is_wrong(wrong, differs, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "cpjit", wrong)
    quick = settings(COMMON, max_examples=500, phases=[Phase.generate])
    with pytest.raises(AssertionError, match=differs):
        search(lambda example: check(example, Tally()), quick, among=examples)


def main(words: list[str] | None = None) -> int:
    """Run random reductions."""
    return run(words, "test_fuzz_folds", __doc__, check, examples)


if __name__ == "__main__":
    sys.exit(main())
