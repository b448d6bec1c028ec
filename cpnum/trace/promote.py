"""What an operator computes in: NumPy's ufunc and operand dtypes to a row and its casts.

The rules are NumPy's own (`ufunc.resolve_dtypes`), so promotion follows NEP 50 and whatever NumPy
is installed.

>>> from cpnum.tables.dtypes import F32, I64
>>> resolve(np.add, (F32, FLOAT))
Resolution(op=add, operands=(f32, f32), dtype=f32)
>>> resolve(np.sqrt, (I64,))
Resolution(op=sqrt, operands=(f64,), dtype=f64)
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy as np

from cpnum.errors import DTypeError, UnsupportedError
from cpnum.tables.dtypes import FLOAT, INT, B, DType, from_numpy
from cpnum.tables.ops import OPS, Kind, Op


class Resolution(NamedTuple):
    """A row of the operator table, the dtypes its operands are cast to, and the result's."""

    op: Op
    operands: tuple[DType, ...]
    dtype: DType


# Functions that another row computes with the same bits, once the operands are cast.
_SAME_ROW = {"fabs": "absolute", "rad2deg": "degrees", "deg2rad": "radians"}

# Where NumPy's ufuncs are, those without a public name included (np.clip is a wrapper of one).
_UMATH = np._core.umath  # type: ignore[attr-defined]

# What is left to write where NumPy has no loop for booleans.
_FOR_BOOLEANS = {"subtract": "x ^ y", "negative": "~x", "positive": "x.copy()"}

_resolved: dict[tuple[Any, ...], Resolution] = {}


def resolve(ufunc: np.ufunc, dtypes: tuple[DType, ...]) -> Resolution:
    """Return the row that computes `ufunc` on operands of `dtypes`, which may be weak.

    Raises:  UnsupportedError if there is no row; DTypeError if NumPy or the row lacks the dtype.
    """
    known = _resolved.get((ufunc, dtypes))
    if known is None:
        known = _resolved[ufunc, dtypes] = _resolve(ufunc, dtypes)
    return known


def row_of(ufunc: np.ufunc) -> Op | None:
    """Return the row that computes a ufunc, None if there is none.

    A name is not enough: other packages, and `np.frompyfunc`, make ufuncs of any name.
    """
    name = ufunc.__name__
    if getattr(_UMATH, name, None) is ufunc:
        op = OPS.get(_SAME_ROW.get(name, name))
        return op if op is not None and op.home == "numpy" else None
    if getattr(sys.modules.get("scipy.special"), name, None) is ufunc:
        # SciPy has some of NumPy's functions as well, and calls them by the same names.
        return OPS.get(name)
    return None


def name_of(ufunc: np.ufunc) -> str:
    """Return how a user calls a ufunc.

    >>> name_of(np.hypot)
    'numpy.hypot'
    """
    name = ufunc.__name__
    return f"numpy.{name}" if getattr(_UMATH, name, None) is ufunc else f"the ufunc {name}"


def _resolve(ufunc: np.ufunc, dtypes: tuple[DType, ...]) -> Resolution:
    op = row_of(ufunc)
    if op is None:
        raise UnsupportedError(
            f"{name_of(ufunc)} cannot be traced",
            seen=f"operands of {', '.join(map(str, dtypes))}",
            write="its call outside of the function; what can be traced is in cpnum.tables.ops.OPS",
        )
    computed = loop_dtypes(ufunc, dtypes)
    if all(kind is Kind.MASK for kind in op.operands):
        return Resolution(op, (B,) * op.arity, B)
    for dtype in computed[:-1]:
        if dtype not in op.dtypes:
            raise DTypeError(
                f"no stencils for {op} of {dtype}",
                seen=f"{op} of {_listed(dtypes)}",
                write=f"x.astype(dtype) first; {op} has stencils for {_listed(op.dtypes)}",
            )
    return Resolution(op, computed[:-1], computed[-1])


def loop_dtypes(ufunc: np.ufunc, dtypes: tuple[DType, ...]) -> tuple[DType, ...]:
    """Return the dtypes that NumPy computes in: those of the operands, then the result's.

    >>> from cpnum.tables.dtypes import I32
    >>> loop_dtypes(np.power, (I32, FLOAT))
    (f64, f64, f64)
    """
    # A Python bool is not weak in NumPy: it is a boolean like any other.
    operands: list[Any] = [_PYTHON.get(dtype, dtype.numpy) for dtype in dtypes]
    outputs = [None] * (ufunc.nout)
    try:
        computed = ufunc.resolve_dtypes((*operands, *outputs))
    except TypeError as error:
        booleans = all(dtype.family == "B" for dtype in dtypes)
        raise DTypeError(
            f"NumPy has no {ufunc.__name__} of {_listed(dtypes)}",
            seen=str(error) if type(error) is TypeError else None,
            write=_FOR_BOOLEANS.get(ufunc.__name__, "x.astype(dtype) first")
            if booleans
            else "x.astype(dtype) first",
        ) from None
    try:
        return tuple(map(from_numpy, computed))
    except DTypeError as error:
        names = ", ".join(map(str, computed[:-1]))
        raise DTypeError(
            error.message,
            seen=f"NumPy computes {ufunc.__name__} of {_listed(dtypes)} in {names}",
            write="x.astype(dtype) first, with a dtype that is supported",
        ) from None


_PYTHON: dict[DType, Any] = {FLOAT: float, INT: int}


def _listed(dtypes: tuple[DType, ...]) -> str:
    return ", ".join(map(str, dtypes))
