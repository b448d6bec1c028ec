"""Examples: arguments of a signature that is only written down, to compile without a call."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from cpnum.errors import DTypeError
from cpnum.ir.signature import ArrayOf, SameAs, ScalarOf
from cpnum.ir.text import read_signature
from cpnum.tables.dtypes import DTYPES, DType

# The extent of an axis that may have any.
_EXTENT = 64
_KNOWN = ", ".join(map(str, DTYPES))


def examples(text: str) -> list[Any]:
    """Return arguments of a signature: contiguous arrays, numbers, and Python's literals.

    Raises:  DTypeError if the text is no signature.

    >>> x, n, flag = examples("f64[:, 1], float, True")
    >>> x.shape, n, flag
    ((64, 1), 1.0, True)
    """
    try:
        signature = read_signature(text)
        values: list[Any] = []
        for each in signature:
            values.append(_example(each.type, values))
    except (SyntaxError, ValueError) as error:
        raise DTypeError(
            "the text is no signature", seen=text, write=f"f64[:, :], float; dtypes are {_KNOWN}"
        ) from error
    return values


def _example(of: Any, before: list[Any]) -> Any:
    match of:
        case ArrayOf(dtype, extents):
            shape = [_EXTENT if each is None else each for each in extents]
            return np.ones(shape, dtype.numpy)
        case ScalarOf(dtype):
            return _number(dtype)
        case SameAs(parameter):
            return before[parameter]
        case _:
            return ast.literal_eval(str(of))


def _number(dtype: DType) -> Any:
    one = dtype.numpy.type(1)
    return one.item() if dtype.weak else one
