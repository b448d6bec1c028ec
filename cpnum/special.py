"""Special functions, with SciPy's names, compiled: no SciPy is needed.

They take arrays and numbers, and may be called in functions that are traced.  There SciPy's own are
understood as well, and mean these.
"""

from __future__ import annotations

import functools
from typing import Any

from cpnum.jit import Jit, cpjit
from cpnum.ops import OPS
from cpnum.traced import special

__all__ = [op.name for op in OPS.values() if op.home == "special"]


@functools.cache
def __getattr__(name: str) -> Jit:
    """Return the function of a row of the operator table, which says all there is to know."""
    if name not in __all__:
        raise AttributeError(f"module 'cpnum.special' has no attribute {name!r}")
    op = OPS[name]

    def function(x: Any) -> Any:
        return special(op, x)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return {name}(x), as SciPy defines it, within {op.ulp:g} ULP."
    return cpjit(function)


def __dir__() -> list[str]:
    return __all__
