"""The argument block that a kernel reads, the holes of stencils, and the flags of a kernel.

>>> ArgumentBlock(arrays=2, axes=1, scalars=0).pointer(1), Hole("STEP"), Flag.over.value
(8, <Hole.STEP: 'STEP'>, 2)
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple


class Flag(IntEnum):
    """The floating-point errors that an entry stencil returns, named as in `np.errstate`.

    NumPy and `entry` in stencils/loop.c have the same numbers.
    """

    divide = 1  # a finite number was divided by zero
    over = 2  # a result was too large for its type
    under = 4  # a result was too small, and lost digits
    invalid = 8  # an operation has no answer, as 0 / 0


class Hole(StrEnum):
    """The values that are patched into stencils, by the symbols they have in the C sources."""

    SLOT = "SLOT"
    SLOT2 = "SLOT2"
    OFFSET = "OFFSET"
    AHEAD = "AHEAD"
    STEP = "STEP"
    IMMEDIATE = "IMMEDIATE"
    HEAD = "HEAD"
    SKIP = "SKIP"
    BODY = "BODY"
    POOL = "POOL"
    CONSTANT = "CONSTANT"

    # Enum's own hash is a Python function, and every kernel looks these up in dicts.
    __hash__ = str.__hash__


MEANINGS = {
    Hole.SLOT: "the offset of a word in the argument block",
    Hole.SLOT2: "the offset of a second word",
    Hole.OFFSET: "the bytes from the first vector of a contiguous array to a later one",
    Hole.AHEAD: "the elements from the first vector of a strided array to a later one",
    Hole.STEP: "the number of elements that one round of a loop computes",
    Hole.IMMEDIATE: "a word of the call that a bound kernel has in its code: 64 bits",
    Hole.HEAD: "the label at which a loop repeats",
    Hole.SKIP: "the label behind a loop that has nothing to do",
    Hole.BODY: "the label at which the body of a kernel starts",
    Hole.POOL: "a constant of the function, in the kernel's pool",
    Hole.CONSTANT: "the constants of the stencil, in the kernel's pool",
}


# So many sums wait at once for a sum to their right, at most: each is of at least as many elements
# as all to its right.
MOST_WAITING = 64


class ArgumentBlock(NamedTuple):
    """The offsets in the argument block, in bytes; all but the spills are words of 8 bytes.

    pointers | inner strides | outer strides | increments | extents | counters | scalars | trees |
    spills

    Each tree of sums has the next leaf, the place behind the last sum that waits, the first leaf,
    and the sums that wait (stencils/stencil.h).  The leaves of all are those of the first one.
    """

    arrays: int
    axes: int
    scalars: int
    trees: int = 0

    def pointer(self, array: int) -> int:
        """Return the offset of an array's pointer."""
        return 8 * array

    def stride(self, array: int) -> int:
        """Return the offset of an array's stride along the innermost axis."""
        return 8 * (self.arrays + array)

    def outer_stride(self, array: int) -> int:
        """Return the offset of an array's stride along the outermost axis."""
        return 8 * (2 * self.arrays + array)

    def increment(self, array: int, axis: int) -> int:
        """Return the offset of the increment of an array's pointer at the end of an outer axis."""
        return 8 * (self.arrays * (3 + axis) + array)

    def extent(self, axis: int) -> int:
        """Return the offset of an axis's extent."""
        return 8 * (self.arrays * (2 + self.axes) + axis)

    def counter(self, axis: int) -> int:
        """Return the offset of an outer axis's counter."""
        return self.extent(self.axes + axis)

    def scalar(self, scalar: int) -> int:
        """Return the offset of a scalar."""
        return self.counter(self.axes + scalar)

    def tree(self, tree: int = 0) -> int:
        """Return the offset of what a tree of sums has."""
        return self.scalar(self.scalars + (3 + MOST_WAITING) * tree)

    @property
    def first_leaf(self) -> int:
        """The offset of the address of the first leaf."""
        return self.tree() + 16

    @property
    def spills(self) -> int:
        """The offset of the first spilled value."""
        return self.tree(self.trees)
