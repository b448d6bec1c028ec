"""cpnum: NumPy functions as patched machine code.

>>> import numpy as np
>>> from cpnum import cpjit
>>> @cpjit
... def f(x, y):
...     return np.sqrt(x * x + y * y)
>>> f(3.0, 4.0)
np.float64(5.0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cpnum.errors import (
    CpnumError,
    CrashError,
    DTypeError,
    IsaError,
    OutError,
    RangeError,
    ShapeError,
    StencilError,
    ToolchainError,
    TraceError,
    UnsupportedError,
)
from cpnum.jit.function import cpjit

__all__ = [
    "CpnumError", "CrashError", "DTypeError", "IsaError", "OutError", "RangeError", "ShapeError",
    "StencilError", "ToolchainError", "TraceError", "UnsupportedError", "bench", "cpjit",
    "operator", "status",
]  # fmt: skip


if TYPE_CHECKING:
    from cpnum.compare.bench import bench
    from cpnum.learn.operators import operator
    from cpnum.show.status import status


def __getattr__(name: str) -> Any:
    if name == "status":
        from cpnum.show.status import status  # 1.5 ms that few programs need

        return status
    if name == "bench":
        from cpnum.compare.bench import bench  # with what shows times, which few programs need

        return bench
    if name == "operator":
        from cpnum.learn.operators import operator  # few programs have operators of their own

        return operator
    if name == "special":
        import cpnum.special  # most users do without

        return cpnum.special
    raise AttributeError(f"module 'cpnum' has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """Register %%cpjit and %cpbench; IPython calls this at `%load_ext cpnum`."""
    from cpnum.notebook import benching, magic  # imports IPython

    magic.register(shell)
    benching.register(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Remove %%cpjit and %cpbench; IPython calls this at `%unload_ext cpnum`."""
    from cpnum.notebook import benching, magic

    magic.unregister(shell)
    benching.unregister(shell)
