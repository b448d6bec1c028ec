"""exp and its relatives."""

from __future__ import annotations

import gmpy2
import numpy as np

from .function import NONE, OVER, Function


def _near_the_ends(dtype, random, count):
    """Return arguments whose results are subnormal, or all but overflow."""
    top = np.log(np.finfo(dtype.numpy.name).max.astype(float))
    bottom = np.log(np.finfo(dtype.numpy.name).smallest_subnormal.astype(float))
    return [
        random.uniform(bottom - 1, bottom + 50, count // 4),
        random.uniform(top - 10, top, count // 4),
    ]


_MULTIPLES = [k * np.log(2) for k in range(-20, 20)] + [
    (k + 0.5) * np.log(2) for k in range(-20, 20)
]

# fmt: off
FUNCTIONS = {
    "exp": Function(
        true=gmpy2.exp, typical=(-30, 30), domain=(-746.0, 709.782712893384), more=_near_the_ends,
        hard=[0.0, 709.782712893384, -745.1332191019411, -708.3964185322641, 1e-300, *_MULTIPLES]
        + [(k + 0.5) * np.log(2) / 32 for k in range(-40, 40)],
        increasing=True, image=(0, np.inf),
        exact=[(0.0, 1.0)],
        special=[
            (np.nan,      np.nan, NONE), (np.inf,      np.inf, NONE), (-np.inf,  0.0, NONE),
            (0.0,            1.0, NONE), (-0.0,           1.0, NONE), ("tiny",   1.0, NONE),
            (1e4,         np.inf, OVER), (-1e4,           0.0, NONE), ("max", np.inf, OVER),
        ],
    ),
    "tanh": Function(
        true=gmpy2.tanh, odd=True, image=(-1, 1),
        hard=[0.55, 0.625, 22.0, 19.0, 0.25, 1.0, 2.0**-28, 9.0, np.log(3) / 2, np.log(2) / 2],
        special=[
            (np.nan,      np.nan, NONE), (np.inf,         1.0, NONE), (-np.inf, -1.0, NONE),
            (0.0,            0.0, NONE), (-0.0,          -0.0, NONE), ("tiny", "tiny", NONE),
            ("max",          1.0, NONE), ("-max",        -1.0, NONE), ("-tiny", "-tiny", NONE),
            (100.0,          1.0, NONE), (-100.0,        -1.0, NONE),
        ],
    ),
}
