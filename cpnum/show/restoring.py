"""Restoring: what functions write to their arguments is undone, so that each run finds the same.

>>> x = np.zeros(2)
>>> with Saved([x]) as saved:
...     x[0] = 5.0
...     saved.restore()
...     x[1] = 7.0
>>> x
array([0., 0.])
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from cpnum.compile.call import Array
from cpnum.ir.containers import with_leaves


class Saved:
    """Arrays, and what was in them; those that may not be written to are left out.

    As a context, it restores them at its end, whatever was raised.
    """

    def __init__(self, arrays: Iterable[Any]) -> None:
        once = {
            id(each): each
            for each in arrays
            if isinstance(each, np.ndarray) and each.flags.writeable
        }
        self._pairs = {key: (each, each.copy("K")) for key, each in once.items()}

    def restore(self) -> None:
        """Put back what was in the arrays."""
        for array, before in self._pairs.values():
            array[...] = before

    def changed(self) -> list[Array]:
        """Return the arrays that have other contents now; all bits count."""
        return [
            array for array, before in self._pairs.values() if array.tobytes() != before.tobytes()
        ]

    def before(self, array: Array) -> Array:
        """Return what was in an array."""
        return self._pairs[id(array)][1]

    def only(self, arrays: Iterable[Array]) -> Saved:
        """Return what is saved of these arrays."""
        some = Saved(())
        some._pairs = {id(each): self._pairs[id(each)] for each in arrays}
        return some

    def apart(self, result: Any) -> Any:
        """Return a result that later runs do not change: arrays that share memory are copied."""
        arrays = [array for array, _ in self._pairs.values()]

        def copied(leaf: Any) -> Any:
            shares = isinstance(leaf, np.ndarray) and any(
                np.may_share_memory(leaf, each) for each in arrays
            )
            return leaf.copy() if shares else leaf

        return with_leaves(result, copied) if arrays else result

    def __bool__(self) -> bool:
        """Tell whether there are any arrays."""
        return bool(self._pairs)

    def __enter__(self) -> Saved:
        return self

    def __exit__(self, *raised: object) -> None:
        self.restore()
