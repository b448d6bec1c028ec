"""The functions of cpnum.special."""

from __future__ import annotations

import math

import gmpy2
import numpy as np

from .function import INVALID, NONE, Function


def _positive(dtype, random, count):
    """Return arguments where erfc is small, to where it vanishes."""
    top = 27.3 if dtype.itemsize == 8 else 10.1
    return [random.uniform(0.4, 3, count), random.uniform(0.4, top, count)]


def _logit(x):
    with gmpy2.context(gmpy2.get_context(), precision=1300):
        return gmpy2.log(x / (1 - x))


def _around_one_half(dtype, random, count):
    return [0.5 + np.ldexp(random.uniform(-1, 1, count), random.integers(-50, -1, count))]


def _of_gamma(dtype, random, count):
    """Return arguments up to where gamma overflows, and beside its poles."""
    top = 171.62 if dtype.itemsize == 8 else 35.04
    poles = -random.integers(0, int(top), count // 4).astype(float)
    return [
        random.uniform(1, top, count),
        random.uniform(-1, 1, count // 4),
        random.uniform(-top - 10, 0, count // 2),
        poles + random.choice([-1, 1], count // 4) * np.exp2(random.uniform(-12, -2, count // 4)),
    ]


def _of_gammaln(dtype, random, count):
    """Return arguments near the zeros at 1 and 2, and of all magnitudes."""
    near_zeros = np.ldexp(random.uniform(-1, 1, count), random.integers(-50, -1, count))
    top = 1014 if dtype.itemsize == 8 else 121
    return [1 + near_zeros, 2 + near_zeros, np.exp2(random.uniform(2, top, count))]


# fmt: off
FUNCTIONS: dict[str, Function] = {
    "erf": Function(
        true=gmpy2.erf, odd=True, slope=1.13, increasing=True, image=(-1, 1),
        hard=[k * 0.75 for k in range(9)] + [k * 0.5 for k in range(9)]
        + [5.9375, 5.8635847487551676, 3.9375, 3.8325066, 1.0546e-4, 2.0**-1022, 2.0**-126],
        special=[
            (np.nan, np.nan, NONE), (np.inf,  1.0, NONE), (-np.inf, -1.0, NONE),
            (0.0,       0.0, NONE), (-0.0,   -0.0, NONE), ("tiny", "tiny", NONE),
            ("max",     1.0, NONE), ("-max", -1.0, NONE), ("-tiny", "-tiny", NONE),
            (6.0,       1.0, NONE), (-6.0,   -1.0, NONE),
        ],
    ),
    "erfc": Function(
        true=gmpy2.erfc, increasing=False, image=(0, 2), more=_positive,
        hard=[0.5, -0.5, 27.5, 27.226017111108366, 26.54325845425098, 10.1875, 10.0541, 9.194, 8.0]
        + [1 / (163 / 2048 + (k + 0.5) * 185 / 2048) - 1 for k in range(7)]
        + [1 / (267 / 2048 + (k + 0.5) * 169 / 2048) - 1 for k in range(7)],
        exact=[(0.0, 1.0), (2.0**-60, 1.0), (28.0, 0.0), (-28.0, 2.0)],
        special=[
            (np.nan, np.nan, NONE), (np.inf, 0.0, NONE), (-np.inf, 2.0, NONE),
            (0.0,       1.0, NONE), (-0.0,   1.0, NONE), ("tiny",  1.0, NONE),
            ("max",     0.0, NONE), ("-max", 2.0, NONE), ("-tiny", 1.0, NONE),
        ],
    ),
    "logit": Function(
        true=_logit, typical=(0, 1), domain=(0.0, 1 - 2.0**-53), increasing=True,
        hard=[0.5, 2.0**-52, 2.0**-23, 1 - 2.0**-24]
        + [1 / (2.0**k + 1) for k in range(12)] + [1 / (2.0 ** (k + 0.5) + 1) for k in range(12)],
        exact=[(0.5, 0.0)], more=_around_one_half,
        special=[
            (np.nan,   np.nan, NONE), (np.inf, np.nan, INVALID), (-np.inf, np.nan, INVALID),
            (0.0,     -np.inf, NONE), (-0.0,      -np.inf, NONE), (1.0,      np.inf, NONE),
            (2.0,   np.nan, INVALID), (-1.0,     np.nan, INVALID), ("max", np.nan, INVALID),
        ],
    ),
    "gammaln": Function(
        true=lambda x: gmpy2.lgamma(x)[0], typical=(0.1, 20), domain=(0, 2.5e305), more=_of_gammaln,
        hard=[1.0, 2.0, 0.5, 1.5, 3.0, 4.0, 7.9375, 1.4616321449683622, 2.0**52, 2.0**23, 2.0**100]
        + [k / 2 for k in range(1, 9)],
        exact=[(1.0, 0.0), (2.0, 0.0)],
        special=[
            (np.nan, np.nan, NONE), (np.inf, np.inf, NONE), (-np.inf, -np.inf, NONE),
            (0.0,    np.inf, NONE), (-0.0,   np.inf, NONE), (-1.0,     np.inf, NONE),
            (-2.0,   np.inf, NONE), (-1e20,  np.inf, NONE), ("-max",   np.inf, NONE),
            ("max",  np.inf, NONE), (-0.5, 1.2655121234846454, NONE),
            (-10.25, -14.20399790093109, NONE),
        ],
    ),
    "gamma": Function(
        true=gmpy2.gamma, typical=(0.5, 20), domain=(-185, 171.6243769563027), more=_of_gamma,
        hard=[1.0, 2.0, 1.4616321449683622, 171.6243769563027, 35.04009, 0.5, -0.5, 2.0**-60]
        + [k - 0.5 for k in range(-20, 0)] + [7.9375 / k for k in range(1, 8)]
        + [-127.9, -63.9, -31.9, -170.5674972726612, -177.5, -184.25],
        exact=[(float(n), float(math.factorial(n - 1))) for n in range(1, 24)],
        special=[
            (np.nan, np.nan, NONE), (np.inf,    np.inf, NONE), (-np.inf, np.nan, NONE),
            (0.0,    np.inf, NONE), (-0.0,     -np.inf, NONE), (-1.0,    np.nan, NONE),
            (-2.0,   np.nan, NONE), (-1e20,     np.nan, NONE), ("-max",  np.nan, NONE),
            ("max",  np.inf, NONE), (172.0,     np.inf, NONE), (-200.5,    -0.0, NONE),
            (-201.5,    0.0, NONE), ("tiny",    np.inf, NONE), ("-tiny", -np.inf, NONE),
        ],
    ),
}
