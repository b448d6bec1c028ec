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

    Only the last leaf of a piece has a rest.
    """

    blocks: int
    joins: int
    rest: int


def leaves(count: int, piece: int = 0) -> list[Leaf]:
    """Return the leaves of a sum of so many elements, from left to right."""
    table = table_of(count, piece)
    return [Leaf(*table[at : at + 3]) for at in range(0, len(table) - 1, 3)]


@functools.lru_cache(maxsize=64)
def table_of(count: int, piece: int = 0) -> bytes:
    """Return the leaves as a kernel reads them: three bytes each, and one behind the last.

    Pieces of so many elements are trees of their own, which are added in their order; 0 is one
    piece.
    """
    known: dict[int, bytes] = {}
    if not piece or count <= piece:
        return _part(count, known) + bytes([END])
    whole, rest = divmod(count, piece)
    first = _part(piece, known)
    parts = [first, _joining(first) * (whole - 1)]
    if rest:
        parts.append(_joining(_part(rest, known)))
    return b"".join(parts) + bytes([END])


def _joining(part: bytes) -> bytes:
    """Return the leaves of a part that is added to what is to its left."""
    leaf = Leaf(*part[-3:])
    return part[:-3] + bytes(leaf._replace(joins=leaf.joins + 1))


def _part(count: int, known: dict[int, bytes]) -> bytes:
    """Return the leaves of a part; parts of one size are made once."""
    found = known.get(count)
    if found is None:
        if count <= LEAF:
            found = bytes(Leaf(count // BLOCK, 0, count % BLOCK))
        else:
            half = count // 2 - count // 2 % BLOCK
            found = _part(half, known) + _joining(_part(count - half, known))
        known[count] = found
    return found


class Part(NamedTuple):
    """Neighbours whose sum is one in the tree, and how many sums to its left it joins."""

    start: int
    elements: int
    joins: int


def parts(count: int, most: int, piece: int = 0) -> list[Part]:
    """Return the parts of a tree with at most so many elements each, from left to right.

    Each may be summed by itself, at any time: threads may take them.  Leaves are not cut.

    >>> parts(1000, 400)
    [Part(start=0, elements=248, joins=0), Part(start=248, elements=248, joins=1), \
Part(start=496, elements=248, joins=0), Part(start=744, elements=256, joins=2)]
    """
    found: list[Part] = []
    for start in range(0, count, piece or max(count, 1)):
        inside = _cut(start, min(piece or count, count - start), most)
        if start:
            inside[-1] = inside[-1]._replace(joins=inside[-1].joins + 1)
        found += inside
    return found


def _cut(start: int, count: int, most: int) -> list[Part]:
    if count <= max(most, LEAF):
        return [Part(start, count, 0)]
    half = count // 2 - count // 2 % BLOCK
    *right, last = _cut(start + half, count - half, most)
    return [*_cut(start, half, most), *right, last._replace(joins=last.joins + 1)]
