"""One function, run by NumPy and under `@cpjit`."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import io
import re
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cpnum import CpnumError, cpjit

from .comparing import difference, is_comparable

# The limits of a call, and of one by NumPy alone: slower functions are not tried.
SECONDS = 10
NUMPY_SECONDS = 1
ANEW = "traced for each value"
QUIET = "without warnings about numbers that it looks at"
Function = Callable[..., object]


@dataclass(frozen=True)
class Outcome:
    """What became of a function: "runs", "refused" or "differs", and why.

    One that was traced for each round looks at values: it "runs" for the reason ANEW.  The reason
    QUIET stands for a difference from NumPy that is documented.
    """

    kind: str
    reason: str = ""


class TimeUpError(BaseException):
    """No function may catch it."""


class FailedError(Exception):
    """A call that raised an error."""


@dataclass(frozen=True)
class Answer:
    """What a call left: its result, its arguments, and NumPy's warnings.

    With it may stand the results of arguments that are rounded otherwise.
    """

    result: object
    arguments: Sequence[object]
    warnings: frozenset[str]
    shaken: tuple[object, ...] = ()

    def difference(self, other: Answer) -> str | None:
        """Return in words how another answer differs."""
        if self.warnings != other.warnings:
            return f"warnings {sorted(other.warnings)} instead of {sorted(self.warnings)}"
        found = difference(self.arguments, other.arguments)
        return (
            f"an argument: {found}" if found else difference(self.result, other.result, self.shaken)
        )


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Stop what takes longer: so much time of the processor, or ten times that of the clock."""

    def stop(*_: object) -> None:
        raise TimeUpError

    timers = {signal.ITIMER_PROF: signal.SIGPROF, signal.ITIMER_REAL: signal.SIGALRM}
    before = {number: signal.signal(number, stop) for number in timers.values()}
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, 10 * seconds)
    try:
        yield
    finally:
        for timer in timers:
            signal.setitimer(timer, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def answer(function: Function, arguments: Sequence[object], seconds: float = SECONDS) -> Answer:
    """Call a function with copies of arguments, silently."""
    own = copy.deepcopy(list(arguments))
    with (
        time_limit(seconds),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(record=True) as caught,
        np.errstate(all="warn"),
    ):
        warnings.simplefilter("always")
        result = function(*own)
    told = frozenset(str(each.message) for each in caught if each.category is RuntimeWarning)
    return Answer(result, own, told)


def expected(function: Function, rounds: Sequence[Sequence[object]]) -> list[Answer] | None:
    """Return NumPy's answers for all rounds; None if the function cannot be compared.

    That is one that NumPy does not run in short time, whose results are no numbers, or differ from
    call to call.
    """
    try:
        found = [answer(function, arguments, NUMPY_SECONDS) for arguments in rounds]
        again = [answer(function, arguments) for arguments in rounds]
    except (Exception, SystemExit, TimeUpError):  # whatever a function of a library does
        return None
    if not all(is_comparable(each.result) for each in found):
        return None
    same = all(one.difference(other) is None for one, other in zip(found, again, strict=True))
    return list(map(functools.partial(with_shaken, function), found, rounds)) if same else None


def rounded_otherwise(argument: object, random: np.random.Generator) -> object:
    if not isinstance(argument, float | np.ndarray) or np.asarray(argument).dtype.kind != "f":
        return argument
    steps = random.uniform(-4.0, 4.0, np.shape(argument)).round()
    moved = argument + steps * np.spacing(argument)
    return float(moved) if isinstance(argument, float) else moved.astype(argument.dtype)


def with_shaken(function: Function, known: Answer, arguments: Sequence[object]) -> Answer:
    shaken = []
    for seed in range(3):
        random = np.random.default_rng(seed)
        with contextlib.suppress(Exception):
            moved = [rounded_otherwise(each, random) for each in arguments]
            shaken.append(answer(function, moved).result)
    return dataclasses.replace(known, shaken=tuple(shaken))


def looks_at_numbers(compiled: Function) -> bool:
    return any(" where " in signature for signature in compiled.signatures)


def attempt(
    function: Function, rounds: Sequence[Sequence[object]], known: Sequence[Answer]
) -> Outcome:
    """Compare the compiled function with NumPy's answers: each round twice, then as written."""
    quiet = False
    try:
        compiled = cpjit(function)
        for arguments, wanted in [*zip(rounds, known, strict=True)] * 2:
            actual = answer(compiled, arguments)
            if actual.warnings < wanted.warnings and looks_at_numbers(compiled):
                quiet, actual = True, dataclasses.replace(actual, warnings=wanted.warnings)
            found = wanted.difference(actual)
            if found is not None:
                return Outcome("differs", found)
        anew = ANEW if len(compiled.signatures) >= len(rounds) > 1 else ""
        return as_written(function, rounds, known) or Outcome("runs", QUIET if quiet else anew)
    except CpnumError as error:
        return as_written(function, rounds, known) or Outcome("refused", error.message)
    except TimeUpError:
        return Outcome("differs", f"more than {SECONDS} seconds")
    except (Exception, SystemExit) as error:
        return Outcome("differs", f"raises {type(error).__name__}: {error}")


def as_written(
    function: Function, rounds: Sequence[Sequence[object]], known: Sequence[Answer]
) -> Outcome | None:
    """Return how the plain function differs after it was compiled, None if it does not."""
    for arguments, wanted in zip(rounds, known, strict=True):
        try:
            found = wanted.difference(answer(function, arguments))
        except (Exception, SystemExit, TimeUpError) as error:
            found = f"raises {type(error).__name__}: {error}"
        if found is not None:
            return Outcome("differs", f"as written, afterwards: {found}")
    return None


# What is special to one function in a message, and what stands for it.
_SPECIAL = (
    (r"`[^`]*`", "`…`"),
    (r"^(?!np\.|numpy\.)\S+\(\) ", "…() "),
    (r"^(?!np\.|numpy\.)\S+\[\.\.\.\] ", "…[...] "),
    (r"but \S+ is being traced", "but … is being traced"),
    (r"but its operand is being traced", "but … is being traced"),
    (r"^\w+ returns ", "… returns "),
    (r"\b\d+\b", "N"),
)


def family(reason: str) -> str:
    """Return a reason without what is special to one function: names of its own and numbers.

    >>> family("scale() needs a value, but x is being traced")
    '…() needs a value, but … is being traced'
    """
    for pattern, general in _SPECIAL:
        reason = re.sub(pattern, general, reason)
    return reason
