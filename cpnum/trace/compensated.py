"""Sums as if they were computed with twice the precision and rounded: `accuracy="compensated"`.

A sum whose result is float32 is one of float64, rounded at its end.

For a float64 sum, each element x is split into two parts without an error: a multiple of a unit,
and what is left, which is at most the unit.  The unit is a power of two, so large that all sums of
the first parts are multiples of it below 2**53 units.  These are floating-point numbers, so the
first parts are added without an error, in any order.  The second parts are so small that the errors
of their sum are of the size of those that twice the precision would make.  (Rump, Ogita and Oishi,
"Accurate floating-point summation part I", 2008; here the unit comes from the sum of |x|.)

The parts are expressions of NumPy's operators, so that loops fold both sums in one pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cpnum.tables.dtypes import F32, F64
from cpnum.tables.reductions import BY_NAME
from cpnum.trace.array import Tracer
from cpnum.trace.folds import DIVIDED, axes_of, default_axis, folded_dtype, names_of
from cpnum.trace.registry import xp
from cpnum.trace.tracer import SCALAR, AnyTracer
from cpnum.trace.writing import in_memory

_Function = Callable[..., Any]

# A function that makes a call a step of the program: of the function, its name, and its arguments.
# The step may be quiet: then a later one computes the elements once more, and reports their errors.
_Step = Callable[..., Any]

# Elements from this magnitude on are not split, so that no sum of magnitudes overflows.
LIMIT = 2.0**960


def compensated(
    step: _Step,
    function: _Function,
    name: str,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
) -> Any:
    """Return the compensated sum or mean that a call asks for, None if it asks for another thing.

    The call has no `out`.
    """
    names = names_of(function)
    given = {**dict(zip(names, arguments, strict=False)), **keywords}
    given = {key: each for key, each in given.items() if each is not np._NoValue}
    value, asked = given.pop(names[0], None), given.pop("dtype", None)
    if len(arguments) > len(names) or not isinstance(value, Tracer) or value.state == SCALAR:
        return None
    is_mean = function in DIVIDED
    dtype = folded_dtype(BY_NAME["add"], value.node.dtype, asked, is_mean)
    if dtype is None or dtype.family != "F" or not value.known_shape:
        return None
    if value.node.dtype is not F64:
        value = value.astype(np.float64)
    mask = given.pop("where", True)
    if mask is not True:
        value = xp.where(mask, value, 0.0)
        given |= {"where": mask} if is_mean else {}
    if dtype is F32:
        return step(function, name, (value,), given).astype(np.float32)
    given.setdefault("axis", default_axis(function))
    return _of_parts(step, function, name, value, given)


def _of_parts(
    step: _Step, function: _Function, name: str, value: Any, given: dict[str, Any]
) -> Any:
    """Return the sum or mean of a float64 value, computed from its parts."""
    axis, initial = given["axis"], given.pop("initial", None)
    count = len(value.known_shape)
    is_of_all = len(axes_of(axis, count)) == count
    every = {"axis": None, "keepdims": False} if is_of_all else {"axis": axis, "keepdims": True}
    bound = step(np.add.reduce, name, (_magnitude(value),), every, quiet=True)
    if initial is not None:
        magnitude = _magnitude(initial)
        bound = bound + (magnitude if isinstance(magnitude, AnyTracer) else float(magnitude))
    large = _power_above(bound)
    if not is_of_all:
        in_memory(large)  # else each element would compute it again
    first, second = _split(value, large)
    added = sum_over_count_quietly if function in DIVIDED else function
    exact, rest = step(function, name, (first,), given), step(added, name, (second,), given)
    if initial is None:
        return exact + rest
    if not is_of_all and not given.get("keepdims", False):
        large = xp.squeeze(large, axis=axis)
    first, second = _split(initial, large)
    return (exact + first) + (rest + second)


def _magnitude(value: Any) -> Any:
    """Return the magnitudes of values; infinity for NaN, and from the limit on."""
    magnitude = xp.abs(value)
    return xp.where(magnitude < LIMIT, magnitude, np.inf)


def _power_above(bound: Any) -> Any:
    """Return powers of two that are from 8/3 to 16/3 times a bound; 0 for 0, and from the limit on.

    >>> _power_above(np.array([1.0, 1.5, 1.75, 0.0, 5e-324, np.inf]))
    array([4.e+000, 8.e+000, 8.e+000, 0.e+000, 2.e-323, 0.e+000])
    """
    bound = xp.where(bound < LIMIT, bound, 0.0)
    # The sum rounds the bound to one or two units of its last place.
    scaled = bound * 2.0**52
    return ((scaled + bound) - scaled) * 4.0


def _split(value: Any, large: Any) -> tuple[Any, Any]:
    """Return two parts of each value: what adding a large power of two keeps of it, and the rest.

    Sums of first parts are exact if the power is above twice the sum of the values' magnitudes.
    Where it is 0, the first part is the value, and the second one is -0.0, which changes no sum.

    >>> _split(np.array([1.0, 1e-20]), 4.0)
    (array([1., 0.]), array([0.e+00, 1.e-20]))
    >>> _split(np.array([np.inf, 1.0]), 0.0)
    (array([inf,  1.]), array([-0., -0.]))
    """
    is_split = large > 0.0
    inside = xp.where(is_split, value, -0.0)
    first = (large + inside) - large
    return xp.where(is_split, first, value), inside - first


def sum_over_count_quietly(
    values: Any, axis: Any = None, keepdims: bool = False, ddof: int = 0, where: Any = True
) -> Any:
    """Return the sum of values, divided by their number less `ddof`; 0 if nothing is left of that.

    Of a second part it gives no warning that the mean of the first part gives, too.

    >>> sum_over_count_quietly(np.arange(6.0).reshape(2, 3), axis=1, ddof=1)
    array([1.5, 6. ])
    >>> sum_over_count_quietly(np.ones(0))
    np.float64(0.0)
    """
    chosen = np.broadcast_to(where, values.shape)
    total = np.sum(values, axis=axis, keepdims=keepdims, where=chosen)
    left = np.sum(chosen, axis=axis, keepdims=keepdims) - ddof
    return np.divide(total, left, out=np.zeros(np.shape(total)), where=left > 0)[()]


DIVIDED[sum_over_count_quietly] = 0
