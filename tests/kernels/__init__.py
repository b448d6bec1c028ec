"""Kernels as users of NumPy write them, most of which write to arrays: `python -m tests.kernels`.

`KERNELS` has them by name, a row each.
"""

from __future__ import annotations

from .kernel import Kernel
from .table import ROWS

__all__ = ["KERNELS", "Kernel"]

KERNELS: dict[str, Kernel] = {row.name: row for row in ROWS}
