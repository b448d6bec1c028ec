"""Sines, tangents and their inverses."""

from __future__ import annotations

import functools

import gmpy2
import numpy as np

from .function import INVALID, NONE, Function, near

PI, INF, NAN = np.pi, np.inf, np.nan
# The float64 that is nearest to a multiple of pi / 2 (J.-M. Muller, Elementary Functions, 3rd ed.,
# table 11.1): its cosine is 4.7e-19.
_NEAREST_TO_ZERO = 6381956970095103.0 * 2.0**797


@functools.cache
def multiples_of_half_pi(dtype):
    """Return the numbers nearest to n * pi / 2, where sin or cos all but vanish."""
    random = np.random.default_rng(5)
    small = [*range(1, 40), *(int(2**e) for e in range(6, 60))]
    large = [int(random.integers(1, 2**62)) << int(random.integers(0, 950)) for _ in range(200)]
    limit = float(np.finfo(dtype.numpy.name).max)
    with gmpy2.context(precision=1400):
        numbers = [n * gmpy2.const_pi() / 2 for n in small + large]
        return np.array([float(each) for each in numbers if each < limit], dtype.numpy)


def _angles(dtype, random, count):
    largest = np.finfo(dtype.numpy.name).maxexp
    return [near(multiples_of_half_pi(dtype), dtype), np.exp2(random.uniform(20, largest, count))]


def _points(dtype, random, count):
    """Return pairs that are near each other, far apart, of all signs and magnitudes."""
    limits = np.finfo(dtype.numpy.name)
    exponents = random.integers(limits.minexp // 2, limits.maxexp // 2, count)
    signs = random.choice([-1, 1], (2, count))
    close = np.ldexp(random.uniform(1, 2, (2, count)), exponents) * signs
    ratio = random.uniform(-2, 2, count) * np.exp2(random.integers(-30, 30, count))
    plain = random.normal(size=count)
    edge = np.array(
        [limits.max, -limits.max, limits.tiny, -limits.tiny, limits.smallest_subnormal, 1.0]
    )
    tangents = np.array([0.5, 7 / 16, 11 / 16, 1.0, 19 / 16, 39 / 16, np.tan(PI / 8)])
    return [
        (close[0], close[1]), (ratio * plain, plain), np.meshgrid(edge, edge),
        (near(tangents, dtype), np.ones(7 * len(tangents))),
    ]  # fmt: skip


def _sinc(x):
    n = gmpy2.rint(x)
    sine = gmpy2.sin(gmpy2.const_pi() * (x - n))
    return (-sine if int(n) % 2 else sine) / (gmpy2.const_pi() * x)


def _near_halves(dtype, random, count):
    halves = random.integers(1, 100, count) / 2
    return [
        halves * (1 + np.ldexp(random.uniform(-1, 1, count), random.integers(-50, -1, count))),
        random.uniform(-0.5, 0.5, count),
    ]


# fmt: off
_SINE = [
    (np.nan,    np.nan, NONE), (np.inf, np.nan, INVALID), (-np.inf, np.nan, INVALID),
    (0.0,          0.0, NONE), (-0.0,     -0.0, NONE),    ("tiny",  "tiny", NONE),
    ("-tiny", "-tiny",  NONE),
]
FUNCTIONS = {
    "sin": Function(
        true=gmpy2.sin, typical=(-10, 10), more=_angles, odd=True, image=(-1, 1), special=_SINE,
        hard=[_NEAREST_TO_ZERO, PI / 2, PI, 1e22, 2.0**24, 25600.0],
    ),
    "cos": Function(
        true=gmpy2.cos, typical=(-10, 10), more=_angles, even=True, image=(-1, 1),
        hard=[_NEAREST_TO_ZERO, PI / 2, 3 * PI / 2, 1e22, 2.0**24, 25600.0],
        exact=[(0.0, 1.0)],
        special=[
            (np.nan, np.nan, NONE), (np.inf, np.nan, INVALID), (-np.inf, np.nan, INVALID),
            (0.0,       1.0, NONE), (-0.0,      1.0, NONE),    ("tiny",     1.0, NONE),
            (PI,       -1.0, NONE),
        ],
    ),
    "tan": Function(
        true=gmpy2.tan, typical=(-10, 10), more=_angles, odd=True, special=_SINE,
        hard=[
            _NEAREST_TO_ZERO, 1e22, 2.0**24, 25600.0,
            *(k * PI / 4 for k in (1, 2, 3, 5, 15, 2**20 + 1)),
        ],
    ),
    "sinc": Function(
        true=_sinc, typical=(-10, 10), more=_near_halves, even=True, image=(-0.21724, 1),
        hard=[
            *(k / 2 for k in range(1, 10)), 2.0**22 - 0.5, 2.0**23 - 0.5, 2.0**51 + 0.5,
            2.0**52 - 0.5, 2.0**53 + 2,
        ],
        exact=[(0.0, 1.0), *((k, 0.0) for k in (1, -2, 3, 2**23 - 1, 2**51 + 1, 2**53 - 1, 2**60))],
        special=[
            (np.nan, np.nan, NONE), (np.inf, np.nan, INVALID), (-np.inf, np.nan, INVALID),
            (0.0,       1.0, NONE), (-0.0,      1.0, NONE),    ("tiny",     1.0, NONE),
            ("-tiny",   1.0, NONE), ("max",     0.0, NONE),    ("-max",     0.0, NONE),
        ],
    ),
    "arcsin": Function(
        true=gmpy2.asin, typical=(-1, 1), domain=(-1.0, 1.0), odd=True, increasing=True,
        hard=[0.5, -0.5, 1.0, -1.0, 0.7071067811865476, 0.975, 1e-8, 2.0**-27],
        special=[
            (np.nan, np.nan, NONE), (np.inf,  np.nan, INVALID), (-np.inf,  np.nan, INVALID),
            (0.0,       0.0, NONE), (-0.0,      -0.0, NONE),    ("tiny",   "tiny", NONE),
            (1.0,    PI / 2, NONE), (-1.0,   -PI / 2, NONE),    (2.0,      np.nan, INVALID),
            (-1.5,   np.nan, INVALID), ("max", np.nan, INVALID), ("-tiny", "-tiny", NONE),
        ],
    ),
    "arccos": Function(
        true=gmpy2.acos, typical=(-1, 1), domain=(-1.0, 1.0), increasing=False,
        hard=[0.5, -0.5, 1.0, -1.0, 0.7071067811865476, 0.975, 0.0, 1e-8, 1 - 2.0**-40],
        exact=[(1.0, 0.0)],
        special=[
            (np.nan, np.nan, NONE), (np.inf, np.nan, INVALID), (-np.inf, np.nan, INVALID),
            (0.0,    PI / 2, NONE), (-0.0,   PI / 2, NONE),    ("tiny",  PI / 2, NONE),
            (1.0,       0.0, NONE), (-1.0,       PI, NONE),    (2.0,     np.nan, INVALID),
            (-1.5,   np.nan, INVALID),
        ],
    ),
    "arctan": Function(
        true=gmpy2.atan, odd=True, increasing=True,
        hard=[7 / 16, 11 / 16, 19 / 16, 39 / 16, 1.0, 0.5, 2.0**66, 2.0**-27, 1e300],
        special=[
            (np.nan, np.nan, NONE), (np.inf,  PI / 2, NONE), (-np.inf, -PI / 2, NONE),
            (0.0,       0.0, NONE), (-0.0,      -0.0, NONE), ("tiny",   "tiny", NONE),
            ("max",  PI / 2, NONE), ("-max", -PI / 2, NONE), ("-tiny", "-tiny", NONE),
        ],
    ),
    "arctan2": Function(
        true=gmpy2.atan2, arity=2, more=_points, odd=True,
        special=[
            (y, x, value, NONE)
            for y, x, value in (
                (0.0, 0.0, 0.0),           (0.0, -0.0, PI),           (-0.0, 0.0, -0.0),
                (-0.0, -0.0, -PI),         (0.0, 1.0, 0.0),           (0.0, -1.0, PI),
                (-0.0, 1.0, -0.0),         (-0.0, -1.0, -PI),         (1.0, 0.0, PI / 2),
                (1.0, -0.0, PI / 2),       (-1.0, 0.0, -PI / 2),      (-1.0, -0.0, -PI / 2),
                (INF, INF, PI / 4),        (INF, -INF, 3 * PI / 4),   (-INF, INF, -PI / 4),
                (-INF, -INF, -3 * PI / 4), (INF, 1.0, PI / 2),        (-INF, 1.0, -PI / 2),
                (1.0, INF, 0.0),           (-1.0, INF, -0.0),         (1.0, -INF, PI),
                (-1.0, -INF, -PI),         (0.0, INF, 0.0),           (0.0, -INF, PI),
                (-0.0, INF, -0.0),         (-0.0, -INF, -PI),         (INF, 0.0, PI / 2),
                (-INF, -0.0, -PI / 2),     (NAN, 1.0, NAN),           (1.0, NAN, NAN),
                (NAN, NAN, NAN),           (NAN, INF, NAN),           (INF, NAN, NAN),
                (NAN, 0.0, NAN),           (0.0, NAN, NAN),
            )
        ],
    ),
}
