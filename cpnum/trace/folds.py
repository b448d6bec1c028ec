"""Folds: NumPy's reductions of a value, which a loop computes where NumPy would get an array.

The functions stand here with the operator that folds, and with the axis that they have by default.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cpnum.errors import DTypeError
from cpnum.ir.handling import Handling
from cpnum.ir.nodes import Node
from cpnum.ir.results import Fold
from cpnum.tables.dtypes import F64, I64, B, DType, from_numpy
from cpnum.tables.reductions import BY_NAME, Folded
from cpnum.trace.array import Tracer
from cpnum.trace.chosen import is_chosen
from cpnum.trace.tracer import SCALAR

_Function = Callable[..., Any]

# The operator that a function folds with.
_OPERATORS: dict[_Function, str] = {
    np.sum: "add",
    np.min: "minimum",
    np.max: "maximum",
    np.all: "logical_and",
    np.any: "logical_or",
    **{getattr(np, each.name).reduce: each.name for each in BY_NAME.values()},
    np.ndarray.sum: "add",
    np.ndarray.min: "minimum",
    np.ndarray.max: "maximum",
    np.ndarray.all: "logical_and",
    np.ndarray.any: "logical_or",
}
# Functions that divide a sum by the number of its elements, less this if they have no `ddof`.
DIVIDED: dict[_Function, int] = {np.mean: 0, np.ndarray.mean: 0}
# The arguments of functions that have no signature in all versions of NumPy.
_REDUCE = ("array", "axis", "dtype", "out", "keepdims")
_METHODS = {
    "mean": ("self", "axis", "dtype", "out", "keepdims"),
    "sum": ("self", "axis", "dtype", "out", "keepdims"),
    "min": ("self", "axis", "out", "keepdims"),
    "max": ("self", "axis", "out", "keepdims"),
    "all": ("self", "axis", "out", "keepdims"),
    "any": ("self", "axis", "out", "keepdims"),
}


def fold_of(
    function: _Function,
    at_line: _Function,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    handling: Handling,
) -> tuple[Fold, Node] | None:
    """Return the fold that a call is, and the node of what is folded; None if it is another call.

    `at_line` is the function as it is called at the user's line.
    """
    name = "add" if function in DIVIDED else _OPERATORS.get(function)
    if name is None or handling.modes is not None or handling.filters is not None:
        return None
    names = _names_of(function)
    if len(arguments) > len(names) or not keywords.keys() <= set(names):
        return None  # as initial= and where=
    given = {**dict(zip(names, arguments, strict=False)), **keywords}
    value, row = given.pop(names[0], None), BY_NAME[name]
    axis = given.pop("axis", 0 if names is _REDUCE else None)
    keeps = given.pop("keepdims", False)
    ddof = given.pop("ddof", DIVIDED.get(function))
    asked = given.pop("dtype", None)
    if any(each is not None for each in given.values()) or not isinstance(keeps, bool):
        return None
    if not isinstance(value, Tracer) or value.state == SCALAR or is_chosen(value.known_shape):
        return None
    axes = _axes_of(axis, len(value.known_shape))
    if not axes:
        return None
    own = value.node.dtype
    dtype = _folded_dtype(row, own, asked, is_mean=ddof is not None)
    if dtype is None:
        return None
    more: dict[str, Any] = {} if ddof in (None, 0) else {"ddof": ddof}
    if asked is not None:
        more["dtype"] = asked

    def again(array: Any) -> Any:
        return at_line(array, axis=axis, keepdims=keeps, **more)

    converts = row.is_tree and dtype.family == "F" and dtype is not own
    return Fold(row, axes, keeps, again, handling.site, ddof, converts), value.builder.cast(
        value.node, dtype
    )


@functools.cache
def _names_of(function: _Function) -> tuple[str, ...]:
    if isinstance(getattr(function, "__self__", None), np.ufunc):
        return _REDUCE
    if function.__name__ in _METHODS and inspect.ismethoddescriptor(function):
        return _METHODS[function.__name__]
    return tuple(inspect.signature(function).parameters)[:5]


def _axes_of(axis: Any, count: int) -> tuple[int, ...]:
    """Return the axes that are folded, none if they are no numbers."""
    if axis is None:
        return tuple(range(count))
    several = axis if isinstance(axis, tuple) else (axis,)
    if not all(type(each) is int for each in several):
        return ()
    return tuple(sorted([each % count for each in several]))


def _folded_dtype(row: Folded, dtype: DType, asked: Any, is_mean: bool) -> DType | None:
    """Return the dtype that values are folded in, None if there are no stencils for it."""
    if row.families == "B":
        return B if asked is None else None
    if asked is not None:
        try:
            dtype = from_numpy(np.dtype(asked))
        except (TypeError, DTypeError):
            return None
        return dtype if dtype in row.dtypes and (dtype.family == "F" or not is_mean) else None
    if row.is_tree and dtype.family in "IB":
        return F64 if is_mean else I64
    return dtype if dtype in row.dtypes else None
