"""Folds: NumPy's reductions of a value, which a loop computes where NumPy would get an array.

The functions stand here with the operator that folds, and with the axis that they have by default.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from cpnum.errors import DTypeError
from cpnum.ir.handling import Handling
from cpnum.ir.movement import BroadcastTo, Index, Reshape, Transpose
from cpnum.ir.nodes import Input, Node
from cpnum.ir.results import Fold
from cpnum.ir.walk import postorder
from cpnum.tables.dtypes import F64, I64, B, DType, from_numpy
from cpnum.tables.reductions import BY_NAME, FOLDED, Folded
from cpnum.trace.array import Tracer
from cpnum.trace.chosen import is_chosen
from cpnum.trace.registry import xp
from cpnum.trace.tracer import SCALAR
from cpnum.trace.writing import in_memory, root_of

_Function = Callable[..., Any]

# The operator that a function folds with.
_OPERATORS: dict[_Function, str] = {
    np.sum: "add",
    np.prod: "multiply",
    np.min: "minimum",
    np.max: "maximum",
    np.all: "logical_and",
    np.any: "logical_or",
    **{each.ufunc.reduce: each.name for each in FOLDED},
    np.ndarray.sum: "add",
    np.ndarray.prod: "multiply",
    np.ndarray.min: "minimum",
    np.ndarray.max: "maximum",
    np.ndarray.all: "logical_and",
    np.ndarray.any: "logical_or",
}
# The operator of functions that keep each result on the way.
_SCANNED: dict[_Function, str] = {
    np.cumsum: "add",
    np.cumprod: "multiply",
    np.cumulative_sum: "add",
    np.cumulative_prod: "multiply",
    np.ndarray.cumsum: "add",
    np.ndarray.cumprod: "multiply",
    **{each.ufunc.accumulate: each.name for each in FOLDED if each.is_scanned},
}
# Functions that divide a sum by the number of its elements, less this if they have no `ddof`.
DIVIDED: dict[_Function, int] = {np.mean: 0, np.ndarray.mean: 0}
# The arguments of functions that have no signature in all versions of NumPy.
_REDUCE = ("array", "axis", "dtype", "out", "keepdims", "initial", "where")
_ACCUMULATE = ("array", "axis", "dtype", "out")
_METHODS = {
    "mean": ("self", "axis", "dtype", "out", "keepdims", "where"),
    "sum": ("self", "axis", "dtype", "out", "keepdims", "initial", "where"),
    "prod": ("self", "axis", "dtype", "out", "keepdims", "initial", "where"),
    "min": ("self", "axis", "out", "keepdims", "initial", "where"),
    "max": ("self", "axis", "out", "keepdims", "initial", "where"),
    "all": ("self", "axis", "out", "keepdims", "where"),
    "any": ("self", "axis", "out", "keepdims", "where"),
    "cumsum": ("self", "axis", "dtype", "out"),
    "cumprod": ("self", "axis", "dtype", "out"),
}


def _report_all_nan(result: Any) -> None:
    if np.isnan(result).any():
        warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=2)


# Functions that look at their results afterwards, and warn: the operator, and what looks.
CHECKED: dict[_Function, tuple[str, Callable[[Any], None]]] = {
    np.nanmin: ("fmin", _report_all_nan),
    np.nanmax: ("fmax", _report_all_nan),
}


class _Asked(NamedTuple):
    """The arguments of a reduction, without those that say nothing."""

    axis: Any
    keeps: Any
    dtype: Any
    initial: Any
    where: Any
    ddof: Any
    rest: dict[str, Any]


def fold_of(
    function: _Function,
    at_line: Callable[[_Function], _Function],
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    handling: Handling,
) -> tuple[Fold, Node] | None:
    """Return the fold that a call is, and the node of what is folded; None if it is another call.

    `at_line` returns a function as it is called at the user's line.
    """
    scans = function in _SCANNED
    name: str | None
    check: Callable[[Any], None] | None
    name, check = CHECKED.get(function, (None, None))
    if check is None:
        name = "add" if function in DIVIDED else (_SCANNED if scans else _OPERATORS).get(function)
    if name is None or handling.modes is not None or handling.filters is not None:
        return None
    names = names_of(function)
    if len(arguments) > len(names) or not keywords.keys() <= set(names):
        return None
    given = {**dict(zip(names, arguments, strict=False)), **keywords}
    value = given.pop(names[0], None)
    if not isinstance(value, Tracer) or value.state == SCALAR or is_chosen(value.known_shape):
        return None
    asked = _asked(given, default_axis(function), DIVIDED.get(function))
    own = value.node.dtype
    if name in ("fmin", "fmax") and own.family != "F":
        name, check = "minimum" if name == "fmin" else "maximum", None
    row = BY_NAME[name]
    axes = axes_of(asked.axis, len(value.known_shape))
    dtype = folded_dtype(row, own, asked.dtype, is_mean=asked.ddof is not None)
    if not axes or dtype is None or asked.rest or not isinstance(asked.keeps, bool):
        return None
    if scans and len(value.known_shape) > 1 and asked.axis is None:
        return None
    if row.is_tree and not scans and dtype.family == "F" and len(axes) > 1 and _has_gaps(value):
        in_memory(value)
    if asked.where is not None:
        value = _chosen(value, asked, row, dtype)
    if value is None or not _is_number(asked.initial, dtype):
        return None
    return Fold(
        row,
        axes,
        asked.keeps,
        _as_asked(at_line(function), asked, scans),
        handling.site,
        asked.ddof,
        converts=row.is_tree and dtype.family == "F" and dtype is not own,
        scans=scans,
        initial=asked.initial,
        check=None if check is None else at_line(check),
    ), value.builder.cast(value.node, dtype)


def is_sum(function: _Function) -> bool:
    """Tell whether a function adds elements, and may divide their sum by their number.

    >>> is_sum(np.add.reduce), is_sum(np.mean), is_sum(np.cumsum), is_sum(np.max)
    (True, True, False, False)
    """
    return function in DIVIDED or _OPERATORS.get(function) == "add"


def _asked(given: dict[str, Any], axis: int | None, ddof: int | None) -> _Asked:
    """Return what these arguments ask for, with the axis and the `ddof` of their function."""
    given = {key: each for key, each in given.items() if each is not np._NoValue}
    where = given.pop("where", True)
    return _Asked(
        given.pop("axis", axis),
        given.pop("keepdims", False),
        given.pop("dtype", None),
        given.pop("initial", None),
        None if where is True else where,
        given.pop("ddof", ddof),
        {key: each for key, each in given.items() if each is not None and each is not False},
    )


def _as_asked(called: _Function, asked: _Asked, scans: bool) -> _Function:
    """Return a function of an array alone, which calls another one as it was asked for."""
    given: dict[str, Any] = {"axis": asked.axis} | ({} if scans else {"keepdims": asked.keeps})
    given |= {} if asked.ddof in (None, 0) else {"ddof": asked.ddof}
    given |= {} if asked.dtype is None else {"dtype": asked.dtype}
    given |= {} if asked.initial is None else {"initial": asked.initial}
    return lambda array: called(array, **given)


# Functions whose results depend on the order of the axes.
_IN_ORDER = "sum prod mean var std nansum nanprod nanmean nanvar nanstd".split()


def decides_order(function: _Function, value: Tracer, out: Tracer) -> bool:
    """Tell whether the layout of `out` decides in which order NumPy adds or multiplies floats."""
    of = getattr(function, "__self__", None)
    is_reduce = of is np.add or of is np.multiply
    is_in_order = is_reduce or getattr(function, "__name__", "") in _IN_ORDER
    is_float = value.node.dtype.family == "F" or out.node.dtype.family == "F"
    return is_in_order and is_float and bool(out.known_shape) and len(value.known_shape) > 1


def _has_gaps(value: Tracer) -> bool:
    """Tell whether NumPy's array is a view, with gaps, of what was computed.

    Along several axes it is summed in another order than the array without gaps that a loop would
    make: `(x * y)[1:, 1:].sum()`.  Where all operands are broadcast, a transposed view has
    another order, too.
    """
    gaps = False
    for step in root_of(value)[1]:
        if isinstance(step, Index):
            cut = [each for each in step.items if each is not None and each != slice(None)]
            is_part = len(step.items) == 1 and type(step.items[0]) is int
            gaps |= bool(cut) and not is_part
        elif isinstance(step, BroadcastTo):
            gaps = True
        elif isinstance(step, Transpose):
            gaps |= not _has_whole_operand(value)
        elif isinstance(step, Reshape):
            gaps = False  # a copy
    return gaps


def _has_whole_operand(value: Tracer) -> bool:
    """Tell whether a value is computed of an array that is not broadcast."""
    inputs = [node for node in postorder(value.node, {}) if type(node) is Input]
    return any(value.builder.shape_of(node) == value.known_shape for node in inputs)


def _chosen(value: Tracer, asked: _Asked, row: Folded, dtype: DType) -> Tracer | None:
    """Return a value with what changes no result where a mask is false, None if there is none.

    A sum of floats would be another tree.
    """
    is_ordered = row.is_tree and dtype.family == "F"
    has_start = asked.initial is not None or row.ufunc.identity is not None
    mask = asked.where
    if is_ordered or not has_start or asked.ddof is not None or not isinstance(mask, Tracer):
        return None
    if mask.node.dtype.family != "B" or is_chosen(mask.known_shape):
        return None
    if np.broadcast_shapes(mask.known_shape, value.known_shape) != value.known_shape:
        return None
    chosen: Tracer = xp.where(mask, value, row.start(value.node.dtype))
    return chosen


def _is_number(initial: Any, dtype: DType) -> bool:
    """Tell whether an initial value is none, or a number of Python's that is one of a dtype."""
    if initial is None:
        return True
    if dtype.family == "F":
        return type(initial) in (int, float)
    limits = np.iinfo(dtype.numpy.name) if dtype.family == "I" else None
    return limits is not None and type(initial) is int and limits.min <= initial <= limits.max


@functools.cache
def names_of(function: _Function) -> tuple[str, ...]:
    """Return the names of the arguments of a reduction."""
    if isinstance(getattr(function, "__self__", None), np.ufunc):
        return _ACCUMULATE if function in _SCANNED else _REDUCE
    if function.__name__ in _METHODS and inspect.ismethoddescriptor(function):
        return _METHODS[function.__name__]
    return tuple(inspect.signature(function).parameters)


def default_axis(function: _Function) -> int | None:
    """Return the axis that a reduction is along if none is given."""
    return 0 if names_of(function) in (_REDUCE, _ACCUMULATE) else None


def axes_of(axis: Any, count: int) -> tuple[int, ...]:
    """Return the axes that are folded, none if they are no numbers."""
    if axis is None:
        return tuple(range(count))
    several = axis if isinstance(axis, tuple) else (axis,)
    if not count or not all(type(each) is int for each in several):
        return ()
    return tuple(sorted([each % count for each in several]))


def folded_dtype(row: Folded, dtype: DType, asked: Any, is_mean: bool) -> DType | None:
    """Return the dtype that values are folded in, None if there are no stencils for it."""
    if row.families == "B":
        return B if asked is None else None
    if asked is not None:
        try:
            dtype = from_numpy(np.dtype(asked))
        except (TypeError, DTypeError):
            return None
        return dtype if dtype in row.dtypes and (dtype.family == "F" or not is_mean) else None
    if row.name in ("add", "multiply") and dtype.family in "IB":
        return F64 if is_mean else I64
    return dtype if dtype in row.dtypes else None
