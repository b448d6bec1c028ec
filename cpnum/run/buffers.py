"""Buffers: memory for values between the loops of a program, which is used again.

Fresh memory costs a page fault for each 4 KB, which is more than it takes to compute them.

>>> buffer = take(100)
>>> buffer.address % ALIGNED, buffer.size
(0, 128)
>>> give(buffer)
>>> take(120) is buffer
True
"""

from __future__ import annotations

from typing import Any

import numpy as np

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
        start: int = self.memory.__array_interface__["data"][0]
        self.offset = -start % ALIGNED
        self.address = start + self.offset

    def array(self, shape: Any, dtype: Any, strides: Any) -> Any:
        """Return an array in this memory."""
        return np.ndarray(shape, dtype, self.memory, self.offset, strides)


class _Kept:
    """The buffers that nobody uses now, by their size."""

    def __init__(self) -> None:
        self.by_size: dict[int, list[Buffer]] = {}
        self.bytes = 0


_KEPT = _Kept()


def take(size: int) -> Buffer:
    """Return a buffer of at least so many bytes, whose contents may be anything."""
    rounded = 1 << (size - 1).bit_length() if 0 < size <= _LARGE else -(-size // _LARGE) * _LARGE
    try:
        buffer = _KEPT.by_size[rounded].pop()
    except (KeyError, IndexError):
        return Buffer(rounded)
    _KEPT.bytes -= rounded
    return buffer


def give(buffer: Buffer) -> None:
    """Keep a buffer for later, unless too many are kept."""
    if _KEPT.bytes + buffer.size <= MOST_BYTES:
        _KEPT.bytes += buffer.size
        _KEPT.by_size.setdefault(buffer.size, []).append(buffer)
