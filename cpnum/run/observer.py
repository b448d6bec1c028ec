"""Observers of calls of compiled functions, such as %%cpjit, which shows the last one.

An observer makes each call of its own thread or task while it observes, and only counts the calls
of other threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

# Makes a call: function, arguments, out, keywords.
Observe = Callable[[Any, tuple[Any, ...], Any, dict[str, Any]], Any]


class Observer:
    """Makes the calls of one thread or task; `elsewhere` counts the calls of other threads.

    `observe(function, arguments, out, keywords)` makes a call and returns its result.
    """

    def __init__(self, observe: Observe) -> None:
        self.observe = observe
        self.elsewhere = 0


# The observers of all threads.  While there are none, a call looks at nothing else here.
ACTIVE: list[Observer] = []

_current: ContextVar[Observer | None] = ContextVar("cpnum observer", default=None)


def current() -> Observer | None:
    """Return the observer of this thread or task; without one, all observers count the call."""
    observer = _current.get()
    if observer is None:
        for each in ACTIVE:
            each.elsewhere += 1
    return observer


@contextmanager
def observing(observe: Observe) -> Iterator[Observer]:
    """Have `observe` make this thread's calls of compiled functions."""
    observer = Observer(observe)
    token = _current.set(observer)
    ACTIVE.append(observer)
    try:
        yield observer
    finally:
        ACTIVE.remove(observer)
        _current.reset(token)


def as_written() -> AbstractContextManager[Observer]:
    """Run the compiled functions that this thread calls as written, without machine code.

    >>> from cpnum import cpjit
    >>> with as_written():
    ...     cpjit(lambda x: f"{x}, not traced")(1.0)
    '1.0, not traced'
    """
    return observing(
        lambda function, arguments, out, keywords: function.as_written(arguments, out, keywords)
    )
