"""Buffers: memory for values between the loops of a program, which is used again.

Fresh memory costs a page fault for each 4 KB, which is more than it takes to compute them.

>>> buffer = take(100)
>>> buffer.address % ALIGNED, buffer.size
(0, 128)
>>> give([buffer])
>>> take(120) is buffer
True
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from cpnum.ir.arrays import address

ALIGNED = 64

# So many bytes are kept for later, of all programs of a process.
MOST_BYTES = 1 << 28

# Larger buffers have whole numbers of these.
_LARGE = 1 << 20


class Buffer:
    """Memory of so many bytes that begins at an aligned address."""

    __slots__ = ("address", "memory", "offset", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.memory = np.empty(size + ALIGNED, np.uint8)
        start = address(self.memory)
        self.offset = -start % ALIGNED
        self.address = start + self.offset

    def array(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], strides: tuple[int, ...]
    ) -> np.ndarray[Any, Any]:
        """Return an array in this memory."""
        return np.ndarray(shape, dtype, self.memory, self.offset, strides)


class _Kept:
    """The buffers that nobody uses now, by their size."""

    def __init__(self) -> None:
        self.by_size: dict[int, list[Buffer]] = {}
        self.bytes = 0


_KEPT = _Kept()


def rounded(size: int) -> int:
    """Return the size of a buffer for so many bytes, one of few."""
    if size <= _LARGE:
        return 1 << max(size - 1, 0).bit_length()
    return -(-size // _LARGE) * _LARGE


def take(size: int) -> Buffer:
    """Return a buffer of at least so many bytes, whose contents may be anything."""
    wanted = rounded(size)
    try:
        buffer = _KEPT.by_size[wanted].pop()
    except (KeyError, IndexError):
        return Buffer(wanted)
    _KEPT.bytes -= wanted
    return buffer


def give(buffers: Iterable[Buffer]) -> None:
    """Keep buffers for later, unless too many are kept."""
    for buffer in buffers:
        if _KEPT.bytes + buffer.size <= MOST_BYTES:
            _KEPT.bytes += buffer.size
            _KEPT.by_size.setdefault(buffer.size, []).append(buffer)
