"""The calls of compiled functions that a cell makes: all are counted, the last one is kept."""

from __future__ import annotations

from collections import Counter
from typing import Any

from cpnum.errors import CpnumError
from cpnum.ir.signature import text_of
from cpnum.jit.function import Jit
from cpnum.jit.keys import call_key
from cpnum.trace.parameters import arguments_of, signature_of
from cpnum.trace.trace import is_tracing

# (function, arguments, out, keywords) of a call
Call = tuple[Jit, tuple[Any, ...], Any, dict[str, Any]]


class Calls:
    """Counts the calls of compiled functions that returned, and keeps the last one.

    >>> import numpy as np
    >>> from cpnum import cpjit
    >>> calls, doubled = Calls(), cpjit(lambda x: x * 2)
    >>> for x in np.ones(3), np.ones(3), 1.0:
    ...     _ = calls.observe(doubled, (x,), None, {})
    >>> calls.others()
    ['<lambda>(x: f64[:]) 2 times']
    """

    def __init__(self) -> None:
        self.last: Call | None = None
        self._shown = ""
        self._counts: Counter[str] = Counter()
        self._texts: dict[object, str] = {}

    def observe(
        self, function: Jit, arguments: tuple[Any, ...], out: Any, keywords: dict[str, Any]
    ) -> Any:
        """Make a call."""
        __tracebackhide__ = True
        result = function.call(arguments, out, keywords)
        if not is_tracing(arguments) and not is_tracing(keywords.values()):
            self.last = function, arguments, out, keywords
            # Now, because an array may have another shape when the cell ends.
            self._shown = self._text(self.last)
            self._counts[self._shown] += 1
        return result

    def others(self) -> list[str]:
        """Return the calls that differ from the last one, with how often each was made."""
        return [
            f"{text} {count} times" if count > 1 else text
            for text, count in self._counts.items()
            if text != self._shown
        ]

    def _text(self, call: Call) -> str:
        """Return the function and the signature of a call; a loop may make it a million times."""
        function, arguments, _, keywords = call
        values = (*arguments, *keywords.values())
        try:
            key: object = (id(function), call_key(None, values, tuple(keywords)))
            known = self._texts.get(key)
        except TypeError:  # an argument that cannot be hashed
            return f"{function.__name__}(...)"
        if known is None:
            known = self._texts[key] = _described(function, arguments, keywords)
        return known


def _described(function: Jit, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> str:
    try:
        signature = signature_of(arguments_of(function.py_func, arguments, keywords))
    except CpnumError:
        return f"{function.__name__}(...)"
    return f"{function.__name__}({text_of(signature)})"
