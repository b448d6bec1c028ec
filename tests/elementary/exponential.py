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


def _near_zero(dtype, random, count):
    """Return arguments around the precision, and where the multiples of ln 2 / 4 change."""
    steps = (random.integers(-60, 60, count) + 0.5) * np.log(2) / 4
    return [
        np.exp2(random.uniform(-60, -20, count)) * random.choice([-1, 1], count),
        steps * (1 + random.normal(size=count) * 1e-15),
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
    "exp2": Function(
        true=gmpy2.exp2, typical=(-30, 30), domain=(-1075.5, 1023.9999999999999),
        hard=[0.125, -0.125, 0.375, 0.5, 1.5, -1022.0, -1022.5, -1074.0, -1075.0, 1022.0, 1023.0,
              126.0, 127.0, -126.0, -149.0, 1e-300, *((k + 0.5) / 4 for k in range(-40, 40))],
        increasing=True, image=(0, np.inf),
        exact=[(float(n), 2.0**n) for n in range(-1074, 1024)],
        special=[
            (np.nan,      np.nan, NONE), (np.inf,      np.inf, NONE), (-np.inf,  0.0, NONE),
            (0.0,            1.0, NONE), (-0.0,           1.0, NONE), ("tiny",   1.0, NONE),
            (1024.0,      np.inf, OVER), (-1e4,           0.0, NONE), ("max", np.inf, OVER),
            ("-max",         0.0, NONE),
        ],
    ),
    "expm1": Function(
        true=gmpy2.expm1, typical=(-30, 30), domain=(-np.inf, 709.782712893384), more=_near_zero,
        hard=[709.782712893384, 708.0, -708.0, 88.72, 87.0, -87.0, -37.0, 2.0**-53, 1e-300,
              *_MULTIPLES],
        increasing=True, image=(-1, np.inf),
        special=[
            (np.nan,      np.nan, NONE), (np.inf,      np.inf, NONE), (-np.inf, -1.0, NONE),
            (0.0,            0.0, NONE), (-0.0,          -0.0, NONE), ("tiny", "tiny", NONE),
            (1e4,         np.inf, OVER), (-1e4,          -1.0, NONE), ("max", np.inf, OVER),
            ("-tiny",    "-tiny", NONE), (-100.0,        -1.0, NONE), ("-max", -1.0, NONE),
        ],
    ),
    "sinh": Function(
        true=gmpy2.sinh, odd=True, domain=(-710.4758600739439, 710.4758600739439), more=_near_zero,
        hard=[710.4758600739439, 709.79, 708.0, 89.41, 88.0, 87.0, 18.7, 7.99, 1e-300, *_MULTIPLES],
        increasing=True,
        special=[
            (np.nan,      np.nan, NONE), (np.inf,      np.inf, NONE), (-np.inf, -np.inf, NONE),
            (0.0,            0.0, NONE), (-0.0,          -0.0, NONE), ("tiny",   "tiny", NONE),
            (1e4,         np.inf, OVER), (-1e4,       -np.inf, OVER), ("max",    np.inf, OVER),
            ("-tiny",    "-tiny", NONE), ("-max",     -np.inf, OVER),
        ],
    ),
    "cosh": Function(
        true=gmpy2.cosh, even=True, domain=(-710.4758600739439, 710.4758600739439), more=_near_zero,
        hard=[710.4758600739439, 709.79, 708.0, 89.41, 88.0, 87.0, 2.0, 1e-300, *_MULTIPLES],
        image=(1, np.inf), exact=[(0.0, 1.0), (-0.0, 1.0)],
        special=[
            (np.nan,      np.nan, NONE), (np.inf,      np.inf, NONE), (-np.inf, np.inf, NONE),
            (0.0,            1.0, NONE), (-0.0,           1.0, NONE), ("tiny",     1.0, NONE),
            (1e4,         np.inf, OVER), (-1e4,        np.inf, OVER), ("max",   np.inf, OVER),
            ("-max",      np.inf, OVER),
        ],
    ),
    "tanh": Function(
        true=gmpy2.tanh, odd=True, increasing=True, image=(-1, 1),
        hard=[0.55, 0.625, 22.0, 19.0, 0.25, 1.0, 2.0**-28, 9.0, np.log(3) / 2, np.log(2) / 2],
        special=[
            (np.nan,      np.nan, NONE), (np.inf,         1.0, NONE), (-np.inf, -1.0, NONE),
            (0.0,            0.0, NONE), (-0.0,          -0.0, NONE), ("tiny", "tiny", NONE),
            ("max",          1.0, NONE), ("-max",        -1.0, NONE), ("-tiny", "-tiny", NONE),
            (100.0,          1.0, NONE), (-100.0,        -1.0, NONE),
        ],
    ),
    "expit": Function(
        true=lambda x: 1 / (1 + gmpy2.exp(-x)), more=_near_the_ends, typical=(-30, 30),
        hard=[708.0, -708.0, 36.7, 37.0, 87.0, -87.0, -88.0, -708.5, -745.2, 1e-300, *_MULTIPLES],
        increasing=True, image=(0, 1), exact=[(0.0, 0.5), (-0.0, 0.5)],
        special=[
            (np.nan,      np.nan, NONE), (np.inf,         1.0, NONE), (-np.inf,  0.0, NONE),
            (0.0,            0.5, NONE), (-0.0,           0.5, NONE), ("tiny",   0.5, NONE),
            (1e4,            1.0, NONE), (-1e4,           0.0, NONE), ("max",    1.0, NONE),
            ("-max",         0.0, NONE),
        ],
    ),
}
