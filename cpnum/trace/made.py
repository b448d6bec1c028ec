"""Made arrays: those that the function makes while it is traced, as by `np.zeros(3)`.

Their elements are as constant as the function's code: NumPy makes them at once, and the graph has a
copy of them where they meet a traced value.  Arrays that NumPy computes from them are not known.

>>> from cpnum.tables.dtypes import F64
>>> builder = Builder()
>>> x = Traced(builder, builder.argument("x", F64, (3,)), (3,))
>>> array = np.arange(3.0)
>>> adopted(builder, array) is array  # it may be from outside
True
>>> note_made(builder, array, lambda: np.arange(3.0))
>>> adopted(builder, array[:, None])
f64[3, 1]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cpnum.tables.dtypes import from_numpy
from cpnum.trace.builder import Builder, Shape, Traced


def note_made(builder: Builder, array: Any, make: Callable[[], Any]) -> None:
    """Note an array that the function made by a call of `make`."""
    builder.made[id(array)] = array, make  # it lives, so its id stays its own


def is_made(builder: Builder, array: Any) -> bool:
    """Tell whether an array was made by the function, or is a view of one that was.

    One that was written to since is none: the values may be from outside.
    """
    while type(array) is np.ndarray:
        known = builder.made.get(id(array))
        if known is not None:
            made, make = known
            same: bool = made.tobytes() == make().tobytes()
            return same
        array = array.base
    return False


def adopted(builder: Builder, operand: Any) -> Any:
    """Return the traced value of a made array; any other operand as it is."""
    if type(operand) is not np.ndarray or not is_made(builder, operand):
        return operand
    dtype = builder.attempt(from_numpy, operand.dtype)
    if not operand.ndim:
        return Traced(builder, builder.constant(operand[()], dtype), ())
    if operand.size and operand.tobytes() == operand.flat[0].tobytes() * operand.size:
        return filled(builder, operand.flat[0], operand.shape)
    return Traced(builder, builder.held(operand, dtype), operand.shape)


def filled(builder: Builder, value: Any, shape: Shape) -> Traced:
    """Return the traced value of an array of this shape whose elements are all one NumPy scalar."""
    dtype = builder.attempt(from_numpy, value.dtype)
    return Traced(builder, builder.constant(value, dtype, (shaping(builder, shape),)), shape)


def shaping(builder: Builder, shape: Shape) -> Any:
    """Return an input that gives a value this shape, and that no kernel reads."""
    return builder.held(np.broadcast_to(np.False_, shape), from_numpy(np.dtype(bool)))
