"""log and its relatives."""

from __future__ import annotations

import gmpy2
import numpy as np

from .function import DIVIDE, INVALID, NONE, Function

# fmt: off
FUNCTIONS = {
    "log": Function(
        true=gmpy2.log, typical=(1e-3, 10), domain=(5e-324, np.inf), increasing=True,
        hard=[1.0, 0.5, 2.0, np.sqrt(2), np.sqrt(0.5), 0.75, 1.5, 4 / 3, 2 / 3, 5e-324, 1e308],
        exact=[(1.0, 0.0)],
        special=[
            (np.nan,   np.nan, NONE), (np.inf,    np.inf, NONE), (-np.inf, np.nan, INVALID),
            (0.0,    -np.inf, DIVIDE), (-0.0,   -np.inf, DIVIDE), (-1.0,   np.nan, INVALID),
            (1.0,        0.0, NONE), ("-tiny", np.nan, INVALID), ("-max",  np.nan, INVALID),
        ],
    ),
}
