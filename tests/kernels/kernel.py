"""A kernel: a function, arguments of every size, and what a call of it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

# Results of NumPy's arithmetic, whose types mypy loses track of.
Array = Any
Number = Any
Arguments = tuple[Any, ...]
Function = Callable[..., Any]
Size = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Kernel:
    """A function of arrays and numbers, a row of the table.

    `make(random, *size)` returns its arguments.  Tests use the `small` size and twice that, figures
    the `large` ones.  `changes` tells whether a call changes an argument, and `elementary` whether
    it computes elementary functions, which are not NumPy's in every bit.
    """

    function: Function
    make: Callable[..., Arguments]
    small: Size
    large: tuple[Size, ...]
    changes: bool = False
    elementary: bool = False

    @property
    def name(self) -> str:
        return self.function.__name__

    def arguments(self, size: Size, seed: int = 0) -> Arguments:
        """Return new arguments of a size, the same ones for the same seed."""
        return self.make(np.random.default_rng(seed), *size)
