"""The elementary functions' facts, a row each, by families: what the tests hold them to.

`FUNCTIONS` has them by name, in the order of the operator table.
"""

from __future__ import annotations

from cpnum.tables.ops import OPS

from . import exponential, logarithmic, powers, special, trigonometric
from .function import Function

__all__ = ["FUNCTIONS", "Function"]

_ROWS = {
    name: function
    for family in (exponential, logarithmic, trigonometric, powers, special)
    for name, function in family.FUNCTIONS.items()
}
FUNCTIONS: dict[str, Function] = {
    op.name: _ROWS[op.name] for op in OPS.values() if op.ulp > 0.5 and op.home != "rewrites"
}
