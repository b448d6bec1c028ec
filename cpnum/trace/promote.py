"""Promotion: a ufunc and its operands' dtypes select a row of the operator table, and casts.

The rules are NumPy's own (`ufunc.resolve_dtypes`), so promotion follows NEP 50 and whatever NumPy
is installed.

>>> from cpnum.tables.dtypes import F32, I64
>>> promote(np.add, (F32, FLOAT))
Promotion(op=add, operands=(f32, f32), dtype=f32, direct=True, written=None)
>>> promote(np.sqrt, (I64,))
Promotion(op=sqrt, operands=(f64,), dtype=f64, direct=False, written=None)
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cpnum.errors import DTypeError, UnsupportedError
from cpnum.tables.coverage import INSTEAD_OF_SCIPY, WHY
from cpnum.tables.dtypes import FLOAT, INT, B, DType, from_numpy
from cpnum.tables.ops import ALWAYS, OPS, Kind, Op
from cpnum.trace.choices import instead_of_bits


class Promotion(NamedTuple):
    """A row of the operator table, the dtypes that its operands are cast to, and the result's.

    `direct`: no operand is cast, and a Python number among them counts by its dtype alone.
    `written` is the ufunc, if it reports errors otherwise than that of the row.
    """

    op: Op
    operands: tuple[DType, ...]
    dtype: DType
    direct: bool
    written: np.ufunc | None = None


# Some ufuncs have the bits of another row, once the operands are cast.
_SAME_ROW = {
    "fabs": "absolute", "rad2deg": "degrees", "deg2rad": "radians", "float_power": "power",
}  # fmt: skip

# NumPy's module of ufuncs has those without a public name, too; np.clip is a wrapper of one.
_UMATH = np._core.umath  # type: ignore[attr-defined]

# A NumPy function without a loop for booleans -> the expression to write instead.
_FOR_BOOLEANS = {"subtract": "x ^ y", "negative": "~x", "positive": "x.copy()"}

# All promotions that were asked for: (ufunc, *dtypes) -> Promotion.
PROMOTIONS: dict[tuple[np.ufunc | DType, ...], Promotion] = {}


def promote(ufunc: np.ufunc, dtypes: tuple[DType, ...]) -> Promotion:
    """Return the promotion of `ufunc` on operands of `dtypes`, which may be weak.

    Raises:  UnsupportedError if there is no row; DTypeError if NumPy or the row lacks the dtype.
    """
    known = PROMOTIONS.get((ufunc, *dtypes))
    if known is None:
        known = PROMOTIONS[ufunc, *dtypes] = _promoted(ufunc, dtypes)
    return known


def row_of(ufunc: np.ufunc) -> Op | None:
    """Return the row that computes a ufunc, None if there is none.

    The name alone does not decide: other packages, and `np.frompyfunc`, make ufuncs of any name.
    """
    name = ufunc.__name__
    if getattr(_UMATH, name, None) is ufunc:
        op = OPS.get(_SAME_ROW.get(name, name))
        return op if op is not None and op.home == "numpy" else None
    if getattr(sys.modules.get("scipy.special"), name, None) is ufunc:
        # SciPy has some of NumPy's functions as well, under the same names.
        return OPS.get(name)
    return None


def computed_by_scalars(dtype: DType, given: Sequence[DType]) -> bool:
    """Tell whether NumPy's scalars compute an operator of theirs in `dtype` without a ufunc.

    The first of the dtypes `given` is the one of the NumPy scalar whose operator it is.  Booleans
    leave it to the ufunc, and so do scalars that all have to be converted, as int32 * float32.

    Source:  NumPy 2.4, PROMOTION_REQUIRED in scalarmath.c.src.
    """
    if given[0].family == "B":
        return False
    return any(each is dtype for each in given) or all(each.family != "F" for each in given)


def name_of(ufunc: np.ufunc) -> str:
    """Return the name of a ufunc as a user writes it.

    >>> name_of(np.hypot)
    'numpy.hypot'
    """
    name = ufunc.__name__
    if getattr(_UMATH, name, None) is ufunc:
        return f"numpy.{name}"
    names = _scipy_names(ufunc)
    return " or ".join(f"scipy.special.{each}" for each in names) or f"the ufunc {name}"


def _promoted(ufunc: np.ufunc, dtypes: tuple[DType, ...]) -> Promotion:
    op = row_of(ufunc)
    if op is None:
        # NumPy has an i0, too, which is no ufunc.
        why = None if _scipy_names(ufunc) else WHY.get(ufunc.__name__)
        raise UnsupportedError(
            f"{name_of(ufunc)} cannot be traced" + (f": {why}" if why is not None else ""),
            seen=f"operands of {', '.join(map(str, dtypes))}",
            write=_instead_of(ufunc),
        )
    computed = loop_dtypes(ufunc, dtypes)
    if all(kind is Kind.MASK for kind in op.operands):
        computed = (B,) * (op.arity + 1)
    operands = computed[: op.arity]
    for kind, dtype in zip(op.operands, operands, strict=True):
        if dtype is not ALWAYS.get(kind) and dtype not in op.dtypes:
            raise DTypeError(
                f"no stencils for {op} of {dtype}",
                seen=f"{op} of {_listed(dtypes)}",
                write=f"x.astype(dtype) first; {op} has stencils for {_listed(op.dtypes)}",
            )
    # np.rad2deg reports errors under its own name, and SciPy's exp2 reports none.
    written = ufunc if op.home == "numpy" and getattr(_UMATH, op.name) is not ufunc else None
    direct = written is None and _is_direct(op, dtypes, operands)
    return Promotion(op, operands, computed[op.arity], direct, written)


def _is_direct(op: Op, given: tuple[DType, ...], wanted: tuple[DType, ...]) -> bool:
    """Tell whether operands of the dtypes `given` need no cast to those that are `wanted`."""
    if op.name == "power" or (op.masked and INT in given):
        return False  # the number counts: x**2 is a square, and no int32 is above 2**40
    if Kind.EXPONENT in op.operands:
        return False  # the operands differ in dtype
    strong = [dtype for dtype in given if dtype not in (FLOAT, INT)]
    return bool(strong) and all(
        dtype in (to, FLOAT, INT) for dtype, to in zip(given, wanted, strict=True)
    )


def loop_dtypes(ufunc: np.ufunc, dtypes: tuple[DType, ...]) -> tuple[DType, ...]:
    """Return the dtypes of NumPy's loop: each operand's, then each result's.

    >>> from cpnum.tables.dtypes import I32
    >>> loop_dtypes(np.power, (I32, FLOAT))
    (f64, f64, f64)
    """
    # NumPy takes a Python bool for one of its own, so it is not weak.
    operands = [_PYTHON.get(dtype, dtype.numpy) for dtype in dtypes]
    outputs = [None] * ufunc.nout
    try:
        computed = ufunc.resolve_dtypes((*operands, *outputs))
    except TypeError as error:
        booleans = all(dtype.family == "B" for dtype in dtypes)
        raise DTypeError(
            f"NumPy has no {ufunc.__name__} of {_listed(dtypes)}",
            seen=str(error) if type(error) is TypeError else None,
            write=_instead(ufunc, booleans),
        ) from None
    try:
        return tuple(map(from_numpy, computed))
    except DTypeError as error:
        names = ", ".join(map(str, computed[: ufunc.nin]))
        raise DTypeError(
            error.message,
            seen=f"NumPy computes {ufunc.__name__} of {_listed(dtypes)} in {names}",
            write="x.astype(dtype) first, with a dtype that is supported",
        ) from None


def _instead_of(ufunc: np.ufunc) -> str:
    """Return what to write instead of a ufunc that has no row."""
    names = _scipy_names(ufunc)
    if not names:
        return "its call outside of the function; what can be traced is in cpnum.tables.ops.OPS"
    written = [INSTEAD_OF_SCIPY[name] for name in names if name in INSTEAD_OF_SCIPY]
    module = vars(sys.modules["scipy.special"])
    known = [
        name
        for name, each in sorted(module.items())
        if isinstance(each, np.ufunc) and row_of(each) is not None
    ]
    there = f"of scipy.special there are {' '.join(known)}"
    return f"{(*written, 'its call outside of the function')[0]}; {there}"


def _scipy_names(ufunc: np.ufunc) -> list[str]:
    """Return the names that SciPy has for one of its ufuncs, its own name first."""
    module = sys.modules.get("scipy.special")
    if module is None or getattr(_UMATH, ufunc.__name__, None) is ufunc:
        return []
    names = [name for name, each in vars(module).items() if each is ufunc]
    return sorted(names, key=lambda name: (name != ufunc.__name__, name))


def _instead(ufunc: np.ufunc, booleans: bool) -> str:
    """Return what to write instead of a ufunc for which NumPy has no loop."""
    written = None
    if booleans:
        written = _FOR_BOOLEANS.get(ufunc.__name__)
    elif ufunc in (np.bitwise_and, np.bitwise_or, np.bitwise_xor):
        written = instead_of_bits()
    return written or "x.astype(dtype) first"


_PYTHON: dict[DType, type] = {FLOAT: float, INT: int}


def _listed(dtypes: tuple[DType, ...]) -> str:
    return ", ".join(map(str, dtypes))
