"""The calls of compiled functions that a cell makes: all are counted, one is kept."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from cpnum.errors import CpnumError
from cpnum.ir.signature import text_of
from cpnum.jit.function import Jit
from cpnum.jit.keys import taken_key
from cpnum.trace.arguments import arguments_of
from cpnum.trace.parameters import signature_of
from cpnum.trace.trace import is_tracing


class Call(NamedTuple):
    """A call that returned, and its function and signature as text.

    It is `cached` if it was compiled before the cell.
    """

    function: Jit
    arguments: tuple[Any, ...]
    out: Any
    keywords: dict[str, Any]
    text: str
    cached: bool


class Calls:
    """Counts the calls of compiled functions that returned, and keeps the last one.

    If a name is `chosen`, the last call of a function of that name is kept.

    >>> import numpy as np
    >>> from cpnum import cpjit
    >>> calls, doubled = Calls(), cpjit(lambda x: x * 2)
    >>> for x in np.ones(3), np.ones(3), 1.0:
    ...     _ = calls.observe(doubled, (x,), None, {})
    >>> calls.others()
    ['<lambda>(x: f64[:]) 2 times']
    """

    def __init__(self, chosen: str | None = None) -> None:
        self.chosen = chosen
        self.kept: Call | None = None
        self._counts: Counter[str] = Counter()
        # The text of a call, and whether it was compiled before the cell; by function and key.
        self._known: dict[object, tuple[str, bool]] = {}

    def observe(
        self, function: Jit, arguments: tuple[Any, ...], out: Any, keywords: dict[str, Any]
    ) -> Any:
        """Make a call."""
        __tracebackhide__ = True
        if is_tracing(arguments) or is_tracing(keywords.values()):
            return function.call(arguments, out, keywords)
        # Now, because an array may have another shape after the call.
        key = self._key(function, arguments, keywords)
        known = self._known.get(key)
        before = 0 if known else function.compiled
        result = function.call(arguments, out, keywords)
        if known is None:
            text = _described(function, arguments, keywords)
            known = self._known[key] = text, function.compiled == before
        text, cached = known
        self._counts[text] += 1
        if self.chosen is None or self.chosen == function.__name__:
            self.kept = Call(function, arguments, out, keywords, text, cached)
        return result

    def others(self) -> list[str]:
        """Return the calls that differ from the one that is kept, with how often each was made."""
        shown = self.kept.text if self.kept else ""
        return [
            f"{text} {count} times" if count > 1 else text
            for text, count in self._counts.items()
            if text != shown
        ]

    def _key(self, function: Jit, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> object:
        values = (*arguments, *keywords.values())
        try:
            key = id(function), taken_key(None, values, tuple(keywords))[0]
            hash(key)
        except TypeError:  # an argument that cannot be hashed
            return id(function)
        return key


def _described(function: Jit, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> str:
    try:
        signature = signature_of(arguments_of(function.py_func, arguments, keywords))
    except CpnumError:
        return f"{function.__name__}(...)"
    return f"{function.__name__}({text_of(signature)})"
