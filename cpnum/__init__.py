"""cpnum: NumPy functions as patched machine code.

>>> from cpnum import cpjit
>>> @cpjit
... def f(x, y):
...     return np.sqrt(x * x + y * y)
>>> f(3.0, 4.0)
np.float64(5.0)
"""

from cpnum.errors import (
    CpnumError,
    DTypeError,
    IsaError,
    OutError,
    ShapeError,
    StencilError,
    TraceError,
    UnsupportedError,
)
from cpnum.jit import cpjit

__all__ = [
    "CpnumError", "DTypeError", "IsaError", "OutError", "ShapeError", "StencilError", "TraceError",
    "UnsupportedError", "cpjit",
]  # fmt: skip
