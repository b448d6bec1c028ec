"""Movement: the steps from an argument to a view of it, written down and replayed by NumPy.

A step has no extent of the array that was traced, so that it serves other shapes too.

>>> Index.of((slice(1, -1), None)).replay(np.arange(4))
array([[1],
       [2]])
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

# One item of a basic index; the Ellipsis is none, since `replay` adds it.
IndexItem = int | slice | None

# An argument, or a view of it: an array or a NumPy scalar.
View = Any


class Movement(Protocol):
    """One step from an array to a view of it; equal steps compare equal and print alike."""

    def replay(self, array: View) -> View:
        """Return the view of `array`."""


@dataclass(frozen=True, slots=True)
class Index:
    """Basic indexing; `text` is compared in place of `items`, because slices have no hash.

    >>> Index.of((slice(1, -1), None))
    [1:-1, None]
    """

    text: str
    items: tuple[IndexItem, ...] = field(compare=False)

    @classmethod
    def of(cls, items: tuple[IndexItem, ...]) -> Index:
        """Return the movement of indexing with `items`, without the whole axes at the end."""
        while items and items[-1] == slice(None):
            items = items[:-1]
        return cls(f"[{', '.join(map(_item_text, items))}]", items)

    def replay(self, array: View) -> View:
        """Return the view of `array`; the Ellipsis makes a view of a single element, too."""
        return array[(*self.items, ...)]

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Transpose:
    """Axes in another order."""

    axes: tuple[int, ...]

    def replay(self, array: View) -> View:
        """Return the view of `array`."""
        return array.transpose(self.axes)

    def __repr__(self) -> str:
        reversed_axes = self.axes == tuple(range(len(self.axes)))[::-1]
        return ".T" if reversed_axes else f".transpose{self.axes}"


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same elements in another shape: the one movement for which NumPy may have to copy."""

    shape: tuple[int, ...]

    def replay(self, array: View) -> View:
        """Return the view of `array`, or its copy."""
        return array.reshape(self.shape)

    def __repr__(self) -> str:
        return f".reshape{self.shape}"


@dataclass(frozen=True, slots=True)
class BroadcastTo:
    """Elements repeated along axes."""

    shape: tuple[int, ...]

    def replay(self, array: View) -> View:
        """Return the view of `array`."""
        return np.broadcast_to(array, self.shape)

    def __repr__(self) -> str:
        return f".broadcast_to{self.shape}"


def joined(movement: tuple[Movement, ...], step: Movement) -> tuple[Movement, ...]:
    """Return the steps and one more; two slices that only cut off ends are joined in one.

    Otherwise `x = x[1:] + x[:-1]`, done n times, would have 2**n views, and not n + 1.

    >>> first, last = Index.of((slice(1, None),)), Index.of((slice(None, -1),))
    >>> joined((first,), last), joined((last,), first)
    (([1:-1],), ([1:-1],))
    """
    before = movement[-1] if movement else None
    if isinstance(before, Index) and isinstance(step, Index):
        if all(map(_cuts_ends, (*before.items, *step.items))):
            cuts = itertools.zip_longest(before.items, step.items, fillvalue=slice(None))
            return *movement[:-1], Index.of(tuple(itertools.starmap(_both_cut, cuts)))
    return *movement, step


def _cuts_ends(item: IndexItem) -> bool:
    return (
        isinstance(item, slice)
        and item.step in (None, 1)
        and (item.start or 0) >= 0
        and (item.stop is None or item.stop < 0)
    )


def _both_cut(first: Any, second: Any) -> slice:
    start = (first.start or 0) + (second.start or 0)
    stop = (first.stop or 0) + (second.stop or 0)
    return slice(start or None, stop or None)


def _item_text(item: IndexItem) -> str:
    if not isinstance(item, slice):
        return str(item)
    ends = ["" if end is None else str(end) for end in (item.start, item.stop, item.step)]
    return ":".join(ends if ends[2] else ends[:2])
