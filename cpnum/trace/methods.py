"""Attributes and methods of traced arrays that are functions of NumPy's, or follow from them.

They stand in the class as its others do, so that `hasattr` and `dir` find them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cpnum.trace.array import Tracer
from cpnum.trace.joining import matrix_transposed
from cpnum.trace.registry import owned, xp
from cpnum.trace.tracer import SCALAR, VIEW
from cpnum.trace.writing import assign


def _round(self: Tracer, decimals: Any = 0, out: None = None) -> Any:
    return xp.round(self, decimals, out)


def _repeat(self: Tracer, repeats: Any, axis: Any = None) -> Any:
    return xp.repeat(self, repeats, axis)


def _flatten(self: Tracer, order: str = "C") -> Tracer:
    return owned(self.ravel(order).copy())


def _fill(self: Tracer, value: Any, /) -> None:
    if self.state == SCALAR:
        return  # NumPy's scalars have the method, which changes nothing
    if np.ndim(value):
        np.empty(0).fill(np.empty(np.shape(value)))  # NumPy's error: no single number
    assign(self, value)


def _imag(self: Tracer) -> Tracer:
    result: Tracer = xp.zeros_like(self)
    result.state = SCALAR if self.state == SCALAR else VIEW  # NumPy's is read-only
    return result


# A name -> the method, or the getter of the attribute.
_METHODS = {"round": _round, "repeat": _repeat, "flatten": _flatten, "fill": _fill}
_ATTRIBUTES = {
    "device": lambda self: "cpu",
    "imag": _imag,
    "mT": matrix_transposed,
    "itemsize": lambda self: self.dtype.itemsize,
    "nbytes": lambda self: self.size * self.dtype.itemsize,
}

for _name, _method in _METHODS.items():
    setattr(Tracer, _name, _method)
for _name, _get in _ATTRIBUTES.items():
    known = vars(Tracer).get(_name)
    setattr(Tracer, _name, property(_get, known and known.fset))
