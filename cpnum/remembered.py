"""Tables of bounded size, for what can be made again.

>>> table = Remembered()
>>> table.remember("x", 1), table.remember("x", 2), table
(1, 1, {'x': 1})
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Sequence
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Remembered(dict[K, V]):
    """A table that is emptied when it is full.

    >>> table, instance = Remembered(), type("Instance", (), {})()
    >>> table.remember("x", 1, [instance])
    1
    >>> del instance
    >>> table
    {}
    """

    # So many entries fill a table.  A new one costs microseconds, a kernel a millisecond.
    most = 1024
    # Nearly all tables have no entries that go with objects, so this is made when one has.
    _watches: dict[K, list[weakref.ref[Any]]] | None = None

    def remember(self, key: K, value: V, objects: Sequence[object] = ()) -> V:
        """Return the entry of this key, which is `value` unless another thread was first.

        The entry goes when one of the `objects` does: its key will not come again.
        """
        if len(self) >= self.most:
            self.clear()
            self._watches = None
        found = self.setdefault(key, value)
        if objects:
            if self._watches is None:
                self._watches = {}
            forget = functools.partial(_forget, weakref.ref(self), key)
            self._watches[key] = [weakref.ref(each, forget) for each in objects]
        return found


def _forget(table: weakref.ref[Remembered[K, V]], key: K, gone: object) -> None:
    """Drop an entry; a table that is dropped itself is not kept alive for it."""
    remembered = table()
    if remembered is not None:
        remembered.pop(key, None)
        if remembered._watches is not None:
            remembered._watches.pop(key, None)
