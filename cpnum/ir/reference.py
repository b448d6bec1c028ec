"""The reference functions: the rows of the operator table have to compute the same.

Most are NumPy's own.  For `cpnum.special` it is Python's `math`, element by element, which is as
accurate as the C library and needs no SciPy.  These functions are the oracle of exact rows, and
compute where machine code cannot.

>>> function_of(OPS["sqrt"])
<ufunc 'sqrt'>
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from cpnum.tables.ops import OPS, Op


def function_of(op: Op) -> Callable[..., Any]:
    """Return the function of arrays and NumPy scalars that a row stands for."""
    if op.own is not None:
        return op.own
    op = OPS[op.function]
    if op.home == "numpy":
        function: Callable[..., Any] = getattr(np, op.name)
        return function
    return _FUNCTIONS[op.name]


def of_scalars(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that gets its operands as scalars.

    +x of an array without axes is a scalar, but has no node of its own.
    """
    return lambda *operands: function(*[each[()] for each in operands])


# Between scalars, an operator of Python is no ufunc: NumPy reports the overflow of integers, and
# "scalar add" where the ufunc reports "add".
BETWEEN_SCALARS: dict[Op, Callable[..., Any]] = {
    OPS["add"]: of_scalars(operator.add),
    OPS["subtract"]: of_scalars(operator.sub),
    OPS["multiply"]: of_scalars(operator.mul),
    OPS["divide"]: of_scalars(operator.truediv),
    OPS["floor_divide"]: of_scalars(operator.floordiv),
    OPS["remainder"]: of_scalars(operator.mod),
    OPS["divmod"]: of_scalars(divmod),
    OPS["power"]: of_scalars(operator.pow),
    OPS["square"]: of_scalars(lambda x: x * x),
    OPS["negative"]: of_scalars(operator.neg),
    OPS["absolute"]: of_scalars(operator.abs),
}


def _each(function: Callable[[float], float]) -> Callable[[Any], Any]:
    elements = np.frompyfunc(function, 1, 1)

    def array(x: Any) -> Any:
        # SciPy's functions report nothing, whatever flags C's leave behind.
        with np.errstate(all="ignore"):
            return np.asarray(elements(x), x.dtype)[()]

    return array


def _expit(x: float) -> float:
    if math.isnan(x):  # x == x may raise invalid: CPython compares floats by < and > once warmed up
        return x
    power = math.exp(-abs(x))
    return (1.0 if x >= 0 else power) / (1 + power)


def _logit(x: float) -> float:
    if not 0 <= x <= 1:
        return math.nan
    if x in (0, 1):
        return math.inf if x else -math.inf
    # Around 1/2, where the difference of the logarithms would cancel, 2 x - 1 is exact.
    return 2 * math.atanh(2 * x - 1) if 0.25 < x < 0.75 else math.log(x) - math.log1p(-x)


def _gamma(x: float) -> float:
    if x == 0:
        return math.copysign(math.inf, x)
    try:
        return math.gamma(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf
    except ValueError:  # a pole, or -inf
        return math.nan


def _gammaln(x: float) -> float:
    if x == -math.inf:
        return x  # as SciPy has it; C's lgamma() gives inf
    try:
        return math.lgamma(x)
    except (OverflowError, ValueError):  # a pole
        return math.inf


def _gammasgn(x: float) -> float:
    if x > 0 or math.isnan(x):
        return 1.0 if x > 0 else x
    if x == 0:
        return math.copysign(1.0, x)
    if math.isinf(x) or x == math.floor(x):  # a pole, or -inf
        return math.nan
    return -1.0 if math.floor(x) % 2 else 1.0


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "multiply_add": lambda a, b, c: a * b + c,
    "approximate_divide": np.divide,
    # What a stencil needs of a divisor has other bits on each level; here it is the divisor itself.
    "divisor": lambda x: (x, x, x),
    "floor_divide_by": lambda x, divisor, *_: np.floor_divide(x, divisor),
    "sincos": lambda x: (np.sin(x), np.cos(x)),
    "erf": _each(math.erf),
    "erfc": _each(math.erfc),
    "expit": _each(_expit),
    "logit": _each(_logit),
    "gamma": _each(_gamma),
    "gammaln": _each(_gammaln),
    "gammasgn": _each(_gammasgn),
}
