"""Observers of calls: who measures or shows calls of compiled functions sees them here.

An observer is asked for each call that its own thread or task makes while it observes.  Calls that
other threads make meanwhile are only counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

# Makes a call: function, arguments, out, keywords.
Observe = Callable[[Any, tuple[Any, ...], Any, dict[str, Any]], Any]


class Observer:
    """What happens to the calls of compiled functions; `elsewhere` counts those of other threads.

    `observe(function, arguments, out, keywords)` makes the call and returns its result.
    """

    def __init__(self, observe: Observe) -> None:
        self.observe = observe
        self.elsewhere = 0


# Those that observe now, in any thread: calls look at nothing more while there are none.
ACTIVE: list[Observer] = []

_current: ContextVar[Observer | None] = ContextVar("cpnum observer", default=None)


def current() -> Observer | None:
    """Return the observer of this thread or task; of all others, note that there was a call."""
    observer = _current.get()
    if observer is None:
        for each in ACTIVE:
            each.elsewhere += 1
    return observer


@contextmanager
def observing(observe: Observe) -> Iterator[Observer]:
    """Let this thread's calls of compiled functions be made by `observe`."""
    observer = Observer(observe)
    token = _current.set(observer)
    ACTIVE.append(observer)
    try:
        yield observer
    finally:
        ACTIVE.remove(observer)
        _current.reset(token)


def as_written() -> AbstractContextManager[Observer]:
    """Run compiled functions that this thread calls as they are written, without machine code.

    >>> from cpnum import cpjit
    >>> with as_written():
    ...     cpjit(lambda x: f"{x}, not traced")(1.0)
    '1.0, not traced'
    """
    return observing(
        lambda function, arguments, out, keywords: function.as_written(arguments, out, keywords)
    )
