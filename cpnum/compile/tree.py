"""The tree by which NumPy sums neighbours, as the leaves that a kernel goes through.

Up to 128 elements are a leaf: eight accumulators take every eighth one, are joined in pairs, and
what is left is added in order.  More elements are the sum of two parts, of which the first has half
of them, rounded down to a multiple of eight (NumPy, loops_utils.h.src, pairwise_sum).

>>> [tuple(leaf) for leaf in leaves(300)]
[(9, 0, 0), (9, 1, 0), (9, 0, 0), (10, 2, 4)]
"""

from __future__ import annotations

import functools
from typing import NamedTuple

LEAF = 128
BLOCK = 8
# What stands behind the last leaf: no leaf has so many blocks.
END = 255


class Leaf(NamedTuple):
    """A leaf: its blocks of eight elements, the sums to its left that its own joins, and its rest.

    Only the last leaf has a rest.
    """

    blocks: int
    joins: int
    rest: int


def leaves(count: int) -> list[Leaf]:
    """Return the leaves of a sum of so many elements, from left to right."""
    table = table_of(count)
    return [Leaf(*table[at : at + 3]) for at in range(0, len(table) - 1, 3)]


@functools.lru_cache(maxsize=64)
def table_of(count: int) -> bytes:
    """Return the leaves as a kernel reads them: three bytes each, and one behind the last."""
    return _part(count, {}) + bytes([END])


def _part(count: int, known: dict[int, bytes]) -> bytes:
    """Return the leaves of a part; parts of one size are made once."""
    found = known.get(count)
    if found is None:
        if count <= LEAF:
            found = bytes(Leaf(count // BLOCK, 0, count % BLOCK))
        else:
            half = count // 2 - count // 2 % BLOCK
            first, second = _part(half, known), bytearray(_part(count - half, known))
            second[-2] += 1  # its last leaf joins the first part, too
            found = first + bytes(second)
        known[count] = found
    return found


# So many sums wait at once for a sum to their right, at most: each is of at least as many elements
# as all to its right.
MOST_WAITING = 64
