"""Special functions, with SciPy's names, compiled: no SciPy is needed.

They take arrays and numbers, and may be called in functions that are traced.  There,
`scipy.special.erf` means `cpnum.special.erf`.  As written (`erf.py_func`, and the time of NumPy in
a report) they are Python's `math`, one element after the other.

>>> import numpy as np
>>> from cpnum import cpjit, special
>>> special.erf(0.5)
np.float64(0.5204998778130465)
>>> normal = cpjit(lambda x: 0.5 * special.erfc(-x * 0.5**0.5))
>>> normal(np.array([-1.0, 0.0, 1.0]))
array([0.15865525, 0.5       , 0.84134475])
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from cpnum.ir.reference import function_of
from cpnum.jit.function import Jit, cpjit
from cpnum.tables.ops import OPS
from cpnum.trace.functions import trace_special
from cpnum.trace.trace import is_tracing

__all__ = [op.name for op in OPS.values() if op.home == "special"]


@functools.cache
def __getattr__(name: str) -> Jit:
    """Return the function that a row of the operator table describes."""
    if name not in __all__:
        raise AttributeError(f"module 'cpnum.special' has no attribute {name!r}")
    op = OPS[name]

    def function(x: Any) -> Any:
        if is_tracing((x,)):
            return trace_special(op, x)
        x = np.asarray(x)
        return function_of(op)(x if x.dtype == np.float32 else x.astype(float, casting="safe"))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return {name}(x), as SciPy defines it, within {op.ulp:g} ULP."
    return cpjit(function)


def __dir__() -> list[str]:
    return __all__
