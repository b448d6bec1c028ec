"""Movement of a join: what a view of values that are put end to end takes of each value.

>>> of_values(Index.of((slice(1, 5),)), (6,), 0, (2, 2, 2))
(0, [(0, [1:]), (1, []), (2, [:-1])])
>>> of_values(Index.of((slice(None, None, -1),)), (4,), 0, (3, 1))
(0, [(1, [::-1]), (0, [::-1])])
>>> of_values(Transpose((1, 0)), (4, 3), 0, (2, 2))
(1, [(0, .T), (1, .T)])
>>> of_values(Reshape((2, 2)), (4,), 0, (3, 1)) is None  # a row has elements of both
True
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from cpnum.ir.movement import BroadcastTo, Index, IndexItem, Movement, Ravel, Reshape, Transpose

# The axis along which a view is joined, and the step of each value that has elements in it.
Steps = tuple[int, list[tuple[int, Movement]]]


def of_values(
    step: Movement, shape: tuple[int, ...], axis: int, extents: Sequence[int]
) -> Steps | None:
    """Return what each value gives to the view that `step` takes of a join of this shape.

    The values have these `extents` along the axis.  Return None if the view cannot be joined of
    views of the values.
    """
    if isinstance(step, Index):
        return _indexed(step, axis, extents)
    if isinstance(step, Transpose):
        return step.value.index(axis), [(at, step) for at in range(len(extents))]
    own = np.broadcast_to(np.False_, shape)
    if isinstance(step, BroadcastTo):
        return _resized(step, step.value, axis + len(step.value) - len(shape), extents)
    if isinstance(step, Reshape):
        target = own.reshape(step.value).shape
        inner = math.prod(shape[axis + 1 :])
        for at in range(len(target)):
            rest = math.prod(target[at + 1 :])
            if math.prod(target[:at]) == math.prod(shape[:axis]) and not any(
                extent * inner % rest for extent in extents
            ):
                lengths = [extent * inner // rest for extent in extents]
                return _resized(step, target, at, lengths)
        return None
    raise TypeError(f"{step!r} is no movement of a join")


def _resized(step: Movement, shape: Sequence[int], axis: int, extents: Sequence[int]) -> Steps:
    """Return steps to this shape, but to the extent of each value along the axis."""
    if isinstance(step, Ravel):
        return axis, [(at, step) for at in range(len(extents))]
    return axis, [
        (at, type(step)((*shape[:axis], extent, *shape[axis + 1 :])))
        for at, extent in enumerate(extents)
    ]


def _indexed(step: Index, axis: int, extents: Sequence[int]) -> Steps:
    items = [*step.items, *[slice(None)] * (axis + 1)]
    at = [place for place, item in enumerate(items) if item is not None][axis]
    item = items[at]
    left = sum(not isinstance(each, int) for each in items[:at])
    steps: list[tuple[int, Movement]] = []
    for number, own in _local(item, extents):
        steps.append((number, Index.of((*items[:at], own, *items[at + 1 :]))))
    return left, steps


def _local(item: IndexItem, extents: Sequence[int]) -> Iterator[tuple[int, int | slice]]:
    """Yield the values that an item of an index takes elements of, and the item for each."""
    total = sum(extents)
    starts = [sum(extents[:number]) for number in range(len(extents))]
    if isinstance(item, int):
        place = item % total
        number = max(each for each, start in enumerate(starts) if start <= place)
        yield number, place - starts[number]
        return
    assert item is not None
    taken = range(total)[item]
    numbers = range(len(extents))
    for number in numbers if taken.step > 0 else reversed(numbers):
        start, extent = starts[number], extents[number]
        own = _within(taken, start, start + extent)
        if own:
            yield (
                number,
                slice_of(range(own[0] - start, own[-1] - start + own.step, own.step), extent),
            )


def _within(taken: range, start: int, stop: int) -> range:
    """Return those of some numbers that are in an interval."""
    first, last = (start, stop - 1) if taken.step > 0 else (stop - 1, start)
    low = -((taken.start - first) // taken.step)
    high = (last - taken.start) // taken.step + 1
    return taken[max(low, 0) : max(high, 0)]


def slice_of(taken: range, extent: int) -> slice:
    """Return the slice that takes these places of an axis; it counts from the ends of the axis.

    So equal views are equal steps.

    >>> slice_of(range(1, 4), 4), slice_of(range(0, 3), 4), slice_of(range(3, -1, -1), 4)
    (slice(1, None, None), slice(None, -1, None), slice(None, None, -1))
    """
    step = taken.step
    if step == 1:
        return slice(taken.start or None, taken.stop - extent or None)
    if step == -1 and len(taken) == extent:
        return slice(None, None, -1)
    return slice(taken.start, taken.stop if taken.stop >= 0 else None, step)
