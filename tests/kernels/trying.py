"""What cpnum makes of a kernel, and what a call of it leaves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np

from cpnum import CpnumError, cpjit

from .kernel import Array, Function, Kernel, Size

COMPILED, AS_WRITTEN = "compiled", "as written"


def arrays_of(value: object) -> Iterator[Array]:
    """Yield the arrays of arguments or results, from left to right.

    >>> a, b = np.zeros(2), np.ones(2)
    >>> [each is a for each in arrays_of(([a, 1.5], b))]
    [True, False]
    """
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from arrays_of(each)


def enters(function: Function, call: Callable[[], object]) -> bool:
    """Make a call, and tell whether Python's code of a function ran in it.

    >>> def double(x):
    ...     return 2 * x
    >>> enters(double, lambda: double(1)), enters(double, lambda: 2 * 1)
    (True, False)
    """
    seen = set()

    def look(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            seen.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        call()
    finally:
        sys.setprofile(before)
    return function.__code__ in seen


def outcome(kernel: Kernel, size: Size) -> str:
    """Return COMPILED, AS_WRITTEN for arrays too small for that, or why a kernel is refused."""
    compiled: Callable[..., Any] = cpjit(kernel.function)
    try:
        compiled(*kernel.arguments(size))
    except CpnumError as error:
        return error.message
    again = kernel.arguments(size)
    return AS_WRITTEN if enters(kernel.function, lambda: compiled(*again)) else COMPILED
