"""Movement: the steps from an argument to a view of it, written down and replayed by NumPy.

A step has no extent of the array that was traced, so that it serves other shapes too.

>>> Index.of((slice(1, -1), None)).replay(np.arange(4))
array([[1],
       [2]])
"""

from __future__ import annotations

import binascii
import functools
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

# One item of a basic index; the Ellipsis is none, since `replay` adds it.
IndexItem = int | slice | None

# An argument, or a view of it: an array or a NumPy scalar.
View = Any

_FLIP = slice(None, None, -1)


class Movement:
    """One step from an array to a view of it, of one value; equal steps print alike."""

    # Four dataclasses would take 4 ms to define.
    __slots__ = ("_hash", "value")
    __match_args__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value: Final = value
        self._hash = hash((type(self), value))

    def replay(self, array: View) -> View:
        """Return the view of `array`."""
        raise NotImplementedError

    def returned(self, array: View) -> View:
        """Return the view as NumPy's function returns it, where a kernel could read another one."""
        return self.replay(array)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.value == self.value

    def __hash__(self) -> int:
        return self._hash


def replayed(array: View, movement: Iterable[Movement]) -> View:
    """Return the view of an array that some steps lead to.

    >>> replayed(np.arange(4), (Index.of((slice(1, None),)), Index.of((-1,))))
    array(3)
    """
    for step in movement:
        array = step.replay(array)
    return array


class Index(Movement):
    """Basic indexing; the value is the text, because slices have no hash.

    >>> Index.of((slice(1, -1), None))
    [1:-1, None]
    """

    __slots__ = ("items",)

    def __init__(self, text: str, items: tuple[IndexItem, ...]) -> None:
        super().__init__(text)
        self.items: Final = items

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
        text: str = self.value
        return text


class Transpose(Movement):
    """Axes in another order, which is the value."""

    __slots__ = ()

    def replay(self, array: View) -> View:
        """Return the view of `array`."""
        return array.transpose(self.value)

    def __repr__(self) -> str:
        reversed_axes = self.value == tuple(range(len(self.value)))[::-1]
        return ".T" if reversed_axes else f".transpose{self.value}"


class Reshape(Movement):
    """The same elements in another shape: the one movement for which NumPy may have to copy."""

    __slots__ = ()

    def replay(self, array: View) -> View:
        """Return the view of `array`, or its copy."""
        return array.reshape(self.value)

    def __repr__(self) -> str:
        return f".reshape{self.value}"


class Ravel(Reshape):
    """The same elements along one axis, which NumPy copies unless they are contiguous.

    >>> x = np.arange(4)[::2]
    >>> np.shares_memory(x, Ravel().replay(x)), np.shares_memory(x, Ravel().returned(x))
    (True, False)
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__((-1,))

    def returned(self, array: View) -> View:
        """Return the view of `array`, or its copy."""
        return array.ravel()

    def __repr__(self) -> str:
        return ".ravel()"


class BroadcastTo(Movement):
    """Elements repeated along axes, to the shape that is the value."""

    __slots__ = ()

    def replay(self, array: View) -> View:
        """Return the view of `array`."""
        return np.broadcast_to(array, self.value)

    def __repr__(self) -> str:
        return f".broadcast_to{self.value}"


class Held(Movement):
    """An array that the function made while it was traced, in the place of an argument.

    The value tells two arrays apart; only one element is stored of an array that repeats it.

    >>> Held.of(np.zeros((2, 3))), Held.of(np.arange(2, dtype=np.int32))
    ({float64[2, 3] of 0x0000000000000000}, {int32[2]: 0x0000000001000000})
    """

    __slots__ = ("array",)

    def __init__(self, value: tuple[Any, ...], array: View) -> None:
        super().__init__(value)
        self.array: Final = array

    @classmethod
    def of(cls, array: View) -> Held:
        """Return the step to a copy of `array`, which nobody can change."""
        if array.size and array.tobytes() == array.flat[0].tobytes() * array.size:
            raw = array.flat[0].tobytes()
            kept = np.ndarray(array.shape, array.dtype, raw, 0, (0,) * array.ndim)
        else:
            kept = array.copy("K")
            kept.flags.writeable = False
            raw = kept.tobytes()
        return cls((str(array.dtype), array.shape, kept.strides, raw), kept)

    def replay(self, array: View) -> View:
        """Return the array that is held, whatever the argument."""
        return self.array

    @property
    def is_shown(self) -> bool:
        """Whether the text has all elements, so that the array can be read back."""
        return len(self.value[-1]) <= _SHOWN

    def __repr__(self) -> str:
        dtype, shape, strides, raw = self.value
        between = " of " if self.array.size and not any(strides) else ": "
        text = f"0x{raw.hex()}"
        if not self.is_shown:
            text = f"{len(raw)} bytes, {binascii.crc32(raw):#010x}"
        return f"{{{dtype}[{', '.join(map(str, shape))}]{between}{text}}}"


# The text of a held array has so many of its bytes; that of a larger one has a checksum.
_SHOWN = 64


def always_exists(step: Movement) -> bool:
    """Tell whether each array of so many axes has the view.

    >>> always_exists(Index.of((slice(5, None),))), always_exists(Index.of((5,)))
    (True, False)
    """
    if isinstance(step, Index):
        return not any(isinstance(item, int) for item in step.items)
    return isinstance(step, Transpose | Held)


@functools.lru_cache(maxsize=4096)
def joined(movement: tuple[Movement, ...], step: Movement) -> tuple[Movement, ...]:
    """Return the steps and one more; equal views that cut ends, flip and transpose are equal steps.

    Otherwise `x = x[1:] + x[:-1]`, done n times, would have 2**n views, and not n + 1.  Flips of
    axes that are cut are done first, then all else but the transpose, which is last.  So a step
    that needs the extents of the signature comes before the cut that loses them.

    >>> first, last = Index.of((slice(1, None),)), Index.of((slice(None, -1),))
    >>> joined((first,), last), joined((last,), first)
    (([1:-1],), ([1:-1],))
    >>> flip = Index.of((slice(None, None, -1),))
    >>> joined((flip,), flip), joined((first,), flip), joined((Transpose((1, 0)),), flip)
    ((), ([::-1], [:-1]), ([:, ::-1], .T))
    """
    if not movement or not _is_regular(step) or not _is_regular(movement[-1]):
        return *movement, step
    kept = len(movement) - 1
    while kept and _is_regular(movement[kept - 1]):
        kept -= 1
    return *movement[:kept], *_regular((*movement[kept:], step))


def _is_regular(step: Movement) -> bool:
    """Tell whether a step only cuts ends, flips and transposes axes."""
    if isinstance(step, Index):
        return all(_cuts_ends(item) or item == _FLIP for item in step.items)
    return isinstance(step, Transpose)


def _regular(steps: tuple[Any, ...]) -> tuple[Movement, ...]:
    """Return the steps that stand for regular ones."""
    axes = max(len(step.value if isinstance(step, Transpose) else step.items) for step in steps)
    order = list(range(axes))
    starts, stops, flipped = [0] * axes, [0] * axes, [False] * axes
    for step in steps:
        if isinstance(step, Transpose):
            order = [order[axis] for axis in step.value]
            continue
        for axis, item in zip(order, step.items, strict=False):
            if item == _FLIP:
                flipped[axis] = not flipped[axis]
                continue
            start, stop = item.start or 0, item.stop or 0
            if flipped[axis]:
                start, stop = -stop, -start
            starts[axis] += start
            stops[axis] += stop
    first, then = [slice(None)] * axes, [slice(None)] * axes
    for axis in range(axes):
        start, stop = starts[axis], stops[axis]
        if flipped[axis] and (start or stop):
            first[axis] = _FLIP
            start, stop = -stop, -start
        if start or stop:
            then[axis] = slice(start or None, stop or None)
        elif flipped[axis]:
            then[axis] = _FLIP
    indices = [Index.of(tuple(items)) for items in (first, then)]
    result: list[Movement] = [index for index in indices if index.items]
    if order != list(range(axes)):
        result.append(Transpose(tuple(order)))
    return tuple(result)


def _cuts_ends(item: IndexItem) -> bool:
    return (
        isinstance(item, slice)
        and item.step in (None, 1)
        and (item.start or 0) >= 0
        and (item.stop is None or item.stop < 0)
    )


def _item_text(item: IndexItem) -> str:
    if not isinstance(item, slice):
        return str(item)
    ends = ["" if end is None else str(end) for end in (item.start, item.stop, item.step)]
    return ":".join(ends if ends[2] else ends[:2])
