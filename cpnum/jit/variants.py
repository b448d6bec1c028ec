"""Variants: what a function became for different outcomes of what it asked about numbers.

A function runs in the same way as long as each question has the same outcome.  So the guards of all
variants are one tree: a fork asks a question, and each outcome leads to a fork or to an entry.

>>> from operator import itemgetter
>>> variants = Variants()
>>> for n in (2, 3):
...     _ = variants.enter((Guard(f"n == {n}", itemgetter(0), n),), f"code for {n}")
>>> variants.find((3,)), variants.find((4,)), list(variants)
('code for 3', None, ['code for 2', 'code for 3'])
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from cpnum.ir.guards import Guard
from cpnum.remembered import Remembered

E = TypeVar("E")

# So many variants in a row that no call found again are enough: the next ones are not compiled
# before their outcome comes once more.
MOST_UNUSED = 8


class Fork:
    """A question, and what follows each outcome: another fork, or an entry."""

    __slots__ = ("ask", "guard", "missed", "next")

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.ask: Callable[[Sequence[Any]], Hashable] = guard.ask
        self.next: dict[Hashable, Any] = {}
        # Outcomes of calls that ran as written.
        self.missed: Remembered[Hashable, bool] = Remembered()


class Variants(Generic[E]):
    """The entries of a function for one signature, or for calls of one key, by their guards.

    It is emptied when it is full.  Several threads may enter and find at once.
    """

    # Each variant has a kernel of its own, so a table of calls has more entries than this.
    most = 64

    __slots__ = ("_count", "_first", "latest")

    def __init__(self) -> None:
        # The first fork, or entry, follows no question.
        self._first: dict[Hashable, Any] = {}
        self._count = 0
        self.latest: deque[E] = deque(maxlen=MOST_UNUSED)

    def find(self, arguments: Sequence[Any]) -> E | None:
        """Return the entry whose guards hold for these arguments, None if there is none."""
        at = self._first.get(None)
        while type(at) is Fork:
            at = at.next.get(at.ask(arguments))
        return at

    def missing(self, arguments: Sequence[Any]) -> tuple[Fork, Hashable] | None:
        """Return the question that has a new outcome for these arguments, and the outcome."""
        at = self._first.get(None)
        while type(at) is Fork:
            outcome = at.ask(arguments)
            if outcome not in at.next:
                return at, outcome
            at = at.next[outcome]
        return None

    def enter(self, guards: Sequence[Guard], entry: E, anew: bool = False) -> E:
        """Return the entry with these guards: `entry` if it is `anew` or the first one.

        A function whose questions depend on more than its arguments may ask others than before.
        Then the newest trace counts.
        """
        if self._count >= self.most:
            self._first = {}
            self._count = 0
        table, outcome = self._first, None
        for guard in guards:
            fork = table.get(outcome)
            if fork is None:
                fork = table.setdefault(outcome, Fork(guard))
            if type(fork) is not Fork or fork.guard.question != guard.question:
                fork = table[outcome] = Fork(guard)
            table, outcome = fork.next, guard.outcome
        found = table.setdefault(outcome, entry)
        if anew or type(found) is Fork:
            found = table[outcome] = entry
        if found is entry:
            self._count += 1
            self.latest.append(entry)
        return found  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[E]:
        """Yield all entries."""
        pending = [*self._first.values()]
        while pending:
            each = pending.pop(0)
            if type(each) is Fork:
                pending[:0] = [*each.next.values()]
            else:
                yield each


def spared(variants: Variants[Any], arguments: Sequence[Any]) -> Guard | None:
    """Return a guard with a question whose outcomes do not repeat, if a new variant is spared.

    No call found the latest variants again (`again`), and these arguments have an outcome that
    never came before.

    >>> from operator import itemgetter
    >>> variants, entry = Variants(), lambda: type("Entry", (), {"again": False})()
    >>> for t in range(MOST_UNUSED):
    ...     _ = variants.enter((Guard(f"t == {t}", itemgetter(0), t),), entry())
    >>> spared(variants, (99,)).text, spared(variants, (99,))
    ('t == 0', None)
    """
    latest = tuple(variants.latest)  # another thread may be adding one
    if len(latest) < MOST_UNUSED or any(each.again for each in latest):
        return None
    missing = variants.missing(arguments)
    if missing is None:
        return None
    fork, outcome = missing
    if fork.missed.get(outcome):
        return None
    fork.missed.remember(outcome, True)
    return fork.guard
