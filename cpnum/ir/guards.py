"""Guards: what a graph supposes about the numbers of a call, beside their types.

A function that asks `if n > 0:` has a graph for each outcome, and each of these has a guard.

>>> from operator import itemgetter
>>> guard = Guard("n == 3", itemgetter(1), 3)
>>> guard.ask((2.5, 3)) == guard.outcome, guard.ask((2.5, 4)) == guard.outcome
(True, False)
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, NoReturn

from cpnum.ir.sites import Site


def _unknown(arguments: Sequence[Any]) -> NoReturn:
    raise ValueError("a guard that was read back cannot be asked")


class Guard(NamedTuple):
    """A question about numbers of a call, and its outcome.

    `ask` takes the arguments of a call, and returns a key that differs whenever two outcomes do.
    Two guards with the same `question` ask the same.  `site` is the user's line that asked first.
    `after_shape`: the function had looked at a shape by then, on which the question may depend.
    `size` is the number of values that are computed to ask it.
    """

    text: str
    ask: Callable[[Sequence[Any]], Hashable] = _unknown
    outcome: Hashable = None
    question: Hashable = None
    site: Site | None = None
    after_shape: bool = False
    size: int = 1
