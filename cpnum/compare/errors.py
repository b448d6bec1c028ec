"""The errors of a function in ULP, against NumPy's result in a wider dtype.

>>> from cpnum import cpjit
>>> found = errors_of(cpjit(np.sqrt), Given((np.arange(1.0, 5.0),), {}))
>>> found.argument, sorted(found.errors), found.errors["cpnum"].max().item() <= 0.5
('x0', ['NumPy', 'cpnum'], True)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cpnum.compare.competitors import CPNUM, NUMPY, Compiled, Given, Prepared, written
from cpnum.errors import UnsupportedError
from cpnum.ir.nodes import Apply
from cpnum.show.restoring import Saved
from cpnum.show.timing import ulp_error
from cpnum.tables.ops import OPS
from cpnum.trace.arguments import arguments_of
from cpnum.trace.trace import trace

Array = np.ndarray[Any, Any]


class Errors(NamedTuple):
    """The errors of cpnum and of NumPy at the values of an argument, or at the places in it."""

    argument: str
    values: Array
    errors: dict[str, Array]


def errors_of(function: Compiled, given: Given) -> Errors:
    """Return the errors of a compiled function, and of NumPy, for these arguments.

    float32 is compared with float64, float64 with NumPy's `longdouble`, whose own errors are some
    thousandths of a ULP where it has 64 bits or more.

    Raises:  UnsupportedError if there is no wider dtype, or a function is not NumPy's.
    """
    result = _result(lambda each: each.call(function), given)
    wide = _wider(result.dtype)
    _refuse_special(function, given)
    with np.errstate(all="ignore"):
        true = _result(written(function).make(), _widened(given, result.dtype, wide))
        numpy = _result(written(function).make(), given)
    if true.dtype != wide:
        raise _no_true_values(f"the function computes in {true.dtype}, whatever it is given")
    name, values = _values(function, given, result.shape)
    errors = {who: ulp_error(each, true).ravel() for who, each in ((NUMPY, numpy), (CPNUM, result))}
    return Errors(name, values, errors)


def _result(prepare: Prepared, given: Given) -> Array:
    """Return the result of a call, after which its arguments are as before."""
    with Saved(given.arrays().values()) as saved:
        call = prepare(given)
        saved.restore()
        return np.asarray(saved.apart(call()))


def _no_true_values(seen: str) -> UnsupportedError:
    return UnsupportedError("there are no true values to compare with", seen=seen)


def _wider(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype == np.float32:
        return np.dtype(np.float64)
    if dtype == np.float64 and np.finfo(np.longdouble).nmant >= 63:
        return np.dtype(np.longdouble)
    raise _no_true_values(f"a result of {dtype}, and no wider floats here")


def _refuse_special(function: Compiled, given: Given) -> None:
    traced = trace(function.py_func, given.arguments, given.keywords)
    for node in [node for graph in traced.graphs for node in graph.nodes]:
        if type(node) is Apply and OPS.get(node.op.name, node.op).home == "special":
            raise _no_true_values(f"{node.op}, which is not NumPy's and has no wider floats")


def _widened(given: Given, dtype: np.dtype[Any], wide: np.dtype[Any]) -> Given:
    """Return the arguments with the floats of a dtype made wider, exactly."""

    def widened(value: Any) -> Any:
        if isinstance(value, np.ndarray | np.generic) and value.dtype == dtype:
            return value.astype(wide)
        return value

    keywords = {name: widened(value) for name, value in given.keywords.items()}
    return Given(tuple(map(widened, given.arguments)), keywords)


def _values(function: Compiled, given: Given, shape: tuple[int, ...]) -> tuple[str, Array]:
    """Return the first argument that has a value for each element, or the places of these."""
    found = arguments_of(function.py_func, given.arguments, given.keywords)
    for name, value in zip(found.names, found.values, strict=True):
        if isinstance(value, np.ndarray) and value.shape == shape and value.dtype.kind in "iuf":
            return name, value.ravel()
    return "place in the result", np.arange(int(np.prod(shape)))
