"""Tables of bounded size, for what can be made again.

>>> table = Remembered()
>>> table.remember("x", 1), table.remember("x", 2), table
(1, 1, {'x': 1})
"""

from __future__ import annotations

from typing import TypeVar

# A table has at most so many entries.  A new one costs microseconds, a kernel a millisecond.
ENTRIES = 1024

K = TypeVar("K")
V = TypeVar("V")


class Remembered(dict[K, V]):
    """A table that is emptied when it is full."""

    def remember(self, key: K, value: V) -> V:
        """Return the entry of this key, which is `value` unless another thread was first."""
        if len(self) >= ENTRIES:
            self.clear()
        return self.setdefault(key, value)
