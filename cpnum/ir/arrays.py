"""Arrays in memory: where they begin and end, and others that are laid out alike.

>>> x = np.arange(12.0).reshape(3, 4)
>>> address(x[1:]) - address(x), span(x[::-1])
(32, (-64, 32))
>>> laid_out_as(x.T).strides
(8, 32)
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def address(array: Array) -> int:
    """Return the address of the first element of an array."""
    found: int = array.__array_interface__["data"][0]
    return found


def span(array: Array) -> tuple[int, int]:
    """Return the bytes from the first element to the lowest one, and behind the highest one."""
    if not array.size:
        return 0, 0
    low, high = np.lib.array_utils.byte_bounds(array)
    start = address(array)
    return int(low) - start, int(high) - start


def laid_out_as(array: Array) -> Array:
    """Return an array in other memory, of the same dtype, shape and strides."""
    low, high = span(array)
    memory = np.empty(high - low, np.uint8)
    return np.ndarray(array.shape, array.dtype, memory, -low, array.strides)
