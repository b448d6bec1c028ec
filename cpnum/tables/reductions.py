"""The reductions: one row for each operator that folds the elements of an array into one.

The line of the same name in `stencils/fold.c` says how an accumulator takes an element.

>>> [each.name for each in FOLDED]
['add', 'multiply', 'minimum', 'maximum', 'fmin', 'fmax', 'logical_and', 'logical_or']
>>> from cpnum.tables.dtypes import F64, I64
>>> BY_NAME["add"].start(F64), BY_NAME["minimum"].start(I64)
(np.float64(-0.0), np.int64(9223372036854775807))
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from cpnum.tables.dtypes import DTYPES, DType


class Order(Enum):
    """The order in which neighbours are folded."""

    TREE = "tree"  # that of NumPy's sum
    GIVEN = "given"  # one after the other
    ANY = "any"  # any, and an element may be folded more than once


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """An operator that folds elements into an accumulator, and the `word` for what comes of it."""

    name: str
    word: str
    families: str
    order: Order = Order.ANY

    @property
    def is_tree(self) -> bool:
        """Whether neighbours are folded as a tree."""
        return self.order is Order.TREE

    @property
    def is_scanned(self) -> bool:
        """Whether there are stencils that keep each result on the way."""
        return "B" not in self.families

    def pairs(self, dtype: DType) -> bool:
        """Whether two values are folded at once in less time than one after the other."""
        return self.name in ("minimum", "maximum") and dtype.family == "F"

    @property
    def stops(self) -> bool:
        """Whether some values decide the result, so that no later one is looked at."""
        return self.families == "B"

    @property
    def ufunc(self) -> np.ufunc:
        """NumPy's function of two elements."""
        found: np.ufunc = getattr(np, self.name)
        return found

    @property
    def dtypes(self) -> tuple[DType, ...]:
        """The dtypes of elements."""
        return tuple([dtype for dtype in DTYPES if dtype.family in self.families])

    def start(self, dtype: DType) -> np.generic:
        """Return what an accumulator is before the first element, which it leaves as it is."""
        number: float
        if self.name in ("fmin", "fmax"):
            number = np.nan
        elif self.name in ("minimum", "maximum"):
            if dtype.family == "F":
                number = np.inf if self.name == "minimum" else -np.inf
            else:
                limits = np.iinfo(dtype.numpy.name)
                number = limits.max if self.name == "minimum" else limits.min
        elif self.name == "add":
            number = -0.0 if dtype.family == "F" else 0
        elif self.name == "multiply":
            number = 1
        else:
            number = self.name == "logical_and"
        return dtype.numpy.type(number)

    def first(self, dtype: DType) -> np.generic:
        """Return what a result is before the first element.

        The sum of negative zeros is a zero of the sign that it has in this version of NumPy.
        """
        if self.is_tree and dtype.family == "F":
            return dtype.numpy.type(np.add.reduce(np.full(1, -0.0)))
        return self.start(dtype)

    def __repr__(self) -> str:
        return self.name


FOLDED = (
    Folded("add", "sum", "FI", Order.TREE),
    Folded("multiply", "product", "FI", Order.GIVEN),
    Folded("minimum", "min", "FI"),
    Folded("maximum", "max", "FI"),
    Folded("fmin", "fmin", "F"),
    Folded("fmax", "fmax", "F"),
    Folded("logical_and", "all", "B"),
    Folded("logical_or", "any", "B"),
)
BY_NAME = {each.name: each for each in FOLDED}
BY_WORD = {each.word: each for each in FOLDED}
