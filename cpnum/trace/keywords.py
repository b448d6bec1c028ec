"""The keywords of ufuncs: `np.add(x, y, dtype=np.float32)`, `casting=`, `out=`, `where=`.

>>> from cpnum.tables.dtypes import F64
>>> builder = Builder()
>>> x = Traced(builder, builder.argument("x", F64, (3,)), (3,))
>>> trace_keywords(builder, np.sqrt, (x,), {"dtype": np.float32})
(<sqrt of 1: f32>, (3,))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cpnum.errors import CpnumError, UnsupportedError
from cpnum.tables.dtypes import FLOAT, INT, DType, from_numpy
from cpnum.trace.builder import Builder, Traced
from cpnum.trace.promote import name_of
from cpnum.trace.ufuncs import (
    Result,
    apply_where,
    assigned,
    dtype_of,
    node_of,
    shape_of,
    trace_ufunc,
)

# These have no influence on values: there are no subclasses, and the order is that of arguments.
_HARMLESS = ("order", "subok")
_KNOWN = ("out", "dtype", "casting", "where", *_HARMLESS)


def trace_keywords(
    builder: Builder, ufunc: np.ufunc, operands: Sequence[Any], keywords: Mapping[str, Any]
) -> Result:
    """Trace a ufunc that is called with keywords; the caller writes the result to `out`.

    Where the keyword `where` is false, the result is that of harmless numbers.
    """
    for keyword in keywords:
        if keyword not in _KNOWN:
            raise _refused(builder, ufunc, operands, keyword, f"it without {keyword}")
    if keywords.get("dtype") is not None or "casting" in keywords:
        operands = _cast(builder, ufunc, operands, keywords)
    where = keywords.get("where", True)
    if where is True:
        return trace_ufunc(builder, ufunc, operands)
    outs = keywords.get("out") or (None,)
    if any(out is None for out in outs):
        write = "np.where(mask, f(x), y), or where=mask with out=np.zeros_like(x)"
        raise _refused(builder, ufunc, operands, "where", write, " without out")
    chosen = [_chosen(builder, ufunc, where, each) for each in operands]
    return trace_ufunc(builder, ufunc, chosen)


def kept(builder: Builder, where: Any, result: Traced, out: Traced, casting: Any) -> Result:
    """Return a result of a ufunc, or what `out` has where the keyword `where` is false."""
    own = out.node.dtype
    if where is True or not np.can_cast(result.node.dtype.numpy, own.numpy, casting):
        return result.node, result.known_shape  # which the caller writes to `out`, or cannot
    return apply_where(builder, where, result, out, own)


def _refused(
    builder: Builder,
    ufunc: np.ufunc,
    operands: Sequence[Any],
    keyword: str,
    write: str,
    more: str = "",
) -> CpnumError:
    message = f"the argument {keyword} of {name_of(ufunc)} cannot be traced{more}"
    seen = f"operands of {', '.join(str(dtype_of(builder, each)) for each in operands)}"
    return builder.error(UnsupportedError, message, seen=seen, write=write)


def _cast(
    builder: Builder, ufunc: np.ufunc, operands: Sequence[Any], keywords: Mapping[str, Any]
) -> list[Any]:
    """Return the operands in the dtypes of the loop that NumPy takes for these keywords."""
    given = [dtype_of(builder, each) for each in operands]
    dtype = keywords.get("dtype")
    chosen: dict[str, Any] = {"casting": keywords.get("casting", "same_kind")}
    if dtype is not None:
        chosen["signature"] = (*[None] * ufunc.nin, *[np.dtype(dtype)] * ufunc.nout)
    types = [_PYTHON.get(each, each.numpy) for each in given]
    loop = ufunc.resolve_dtypes((*types, *[None] * ufunc.nout), **chosen)
    wanted = [builder.attempt(from_numpy, each) for each in loop[: ufunc.nin]]
    return [_as(builder, each, to) for each, to in zip(operands, wanted, strict=True)]


_PYTHON: dict[DType, type] = {FLOAT: float, INT: int}


def _as(builder: Builder, operand: Any, dtype: DType) -> Any:
    """Return an operand in a dtype; a number stays one, because the exponent 2 is a square."""
    if not isinstance(operand, Traced):
        return builder.attempt(assigned, operand, dtype)
    return Traced(builder, node_of(builder, operand, dtype), shape_of(operand))


# A number of which each ufunc has a value, and reports nothing.
_SAFE: dict[np.ufunc, int] = {np.arctanh: 0}


def _chosen(builder: Builder, ufunc: np.ufunc, where: Any, operand: Any) -> Any:
    """Return an operand that is a harmless number where NumPy computes nothing."""
    if not isinstance(operand, Traced):
        return operand
    dtype = dtype_of(builder, operand)
    strong = from_numpy(dtype.numpy)
    safe = strong.numpy.type(_SAFE.get(ufunc, 1))
    own = Traced(builder, builder.cast(operand.node, strong), shape_of(operand))
    return Traced(builder, *apply_where(builder, where, own, safe, strong))
