"""How floating-point errors are handled in a part of a function, where it says so itself."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import numpy as np

from cpnum.ir.sites import Site
from cpnum.tables.block import Flag

# What NumPy writes of each kind of error: the kind is the argument of `np.errstate`.
TEXTS = {
    "divide": "divide by zero",
    "over": "overflow",
    "under": "underflow",
    "invalid": "invalid value",
}
# The kind of error that NumPy writes of in these words.
KINDS = {text: kind for kind, text in TEXTS.items()}


class Handling(NamedTuple):
    """How the errors of one operation are handled: what was in force when it was traced.

    `modes` are those of `np.errstate` by the kind of error, None if they are the call's.
    `callback` is that of np.seterrcall.  `filters` are the filters of warnings that the function
    put before those that were in force, None if none.  `site` is the operation's.

    >>> with np.errstate(all="ignore", divide="raise"):
    ...     Handling.now(None).asked(outside=0) == Flag.divide
    True
    """

    modes: tuple[tuple[str, str], ...] | None
    callback: Any
    filters: tuple[Any, ...] | None
    site: Site | None

    @classmethod
    def now(cls, site: Site | None, filters: tuple[Any, ...] | None = None) -> Handling:
        """Return the handling of this moment."""
        modes = tuple(cast(dict[str, str], np.geterr()).items())
        return cls(modes, np.geterrcall(), filters, site)

    def asked(self, outside: int) -> int:
        """Return the flags of the errors that are not ignored; `outside` are the call's."""
        return outside if self.modes is None else asked(dict(self.modes))


# The handling of an operation whose errors nobody is told of.
IGNORING = Handling(tuple(dict.fromkeys(TEXTS, "ignore").items()), None, None, None)


def asked(modes: Mapping[str, str]) -> int:
    """Return the flags of the errors that these modes do not ignore."""
    return sum([Flag[kind] for kind, mode in modes.items() if mode != "ignore"])


def put_before(filters: Sequence[Any], now: Sequence[Any]) -> tuple[Any, ...]:
    """Return the filters of warnings that were put before `filters`, which gave those of now.

    >>> put_before(["b", "c"], ["a", "b", "c"])
    ('a',)
    """
    same = 0
    while same < min(len(filters), len(now)) and filters[-1 - same] is now[-1 - same]:
        same += 1
    return tuple(now[: len(now) - same])


@contextmanager
def filtered(filters: Sequence[Any] | None) -> Iterator[None]:
    """Put these filters of warnings before those in force; None puts none."""
    if filters is None:
        yield
        return
    with warnings.catch_warnings():
        outside = list(warnings.filters)
        warnings.resetwarnings()  # tells the module that its filters change
        warnings.filters.extend([*filters, *outside])  # type: ignore[attr-defined]
        yield
