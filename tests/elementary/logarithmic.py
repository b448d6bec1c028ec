"""log and its relatives."""

from __future__ import annotations

import gmpy2
import numpy as np

from .function import DIVIDE, INVALID, NONE, Function

INF, NAN = np.inf, np.nan
# Powers of two and what is half way between them, where reductions split.
_SPLITS = [1.0, 0.5, 2.0, np.sqrt(2), np.sqrt(0.5), 0.75, 1.5, 4 / 3, 2 / 3, 5e-324, 1e308]
_SMALL = [(x, x) for x in (1e-300, -1e-300, 2.0**-60, -(2.0**-60))]


def _around_minus_one(dtype, random, count):
    exponents = random.integers(np.finfo(dtype.numpy.name).negep, 0, count)
    return [-1 + np.ldexp(random.uniform(1, 2, count), exponents)]


def _logaddexp(a, b):
    most, least = max(a, b), min(a, b)
    return most + gmpy2.log1p(gmpy2.exp(least - most))


def _logaddexp2(a, b):
    most, least = max(a, b), min(a, b)
    return most + gmpy2.log1p(gmpy2.exp2(least - most)) / gmpy2.log(2)


def _summands(base):
    def pairs(dtype, random, count):
        """Return pairs near and far from each other, and where the sum is nearly 1."""
        part = count // 4
        largest = 9 if dtype.itemsize == 8 else 6
        most = random.uniform(-100, 100, part)
        slight = -np.exp2(random.uniform(-40, -0.5, part)) / np.log2(base)
        rest = np.log(-np.expm1(slight * np.log(base))) / np.log(base)
        off = np.exp2(random.uniform(-15, -1, part)) * random.choice([-1, 1], part)
        return [
            random.uniform(-5, 5, (2, count)),
            (most, most - np.exp2(random.uniform(-50, largest, part))),
            (most, most),
            (np.ldexp(most, random.integers(-90, -6, part)), -np.exp2(random.uniform(-5, 7, part))),
            (slight, rest * (1 + off)),
            (rest * (1 + off), slight),
        ]

    return pairs


def _off_the_curve(add):
    """Return where 1 ULP is promised: not nearly 0, beside what was added to the larger one."""

    def defined(a, b):
        least = 2.0**-22 if a.dtype == np.float32 else 2.0**-29
        a, b = a.astype(np.float64), b.astype(np.float64)
        with np.errstate(all="ignore"):
            total = add(a, b)
            return ~(np.abs(total) < least * (total - np.maximum(a, b)))

    return defined


# fmt: off
_SUMS = [
    (NAN,   1.0,   NAN, NONE), (1.0,    NAN,   NAN, NONE), (NAN,     INF,  NAN, NONE),
    (INF,   NAN,   NAN, NONE), (NAN,   -INF,   NAN, NONE), (NAN,     NAN,  NAN, NONE),
    (INF,   INF,   INF, NONE), (INF,   -INF,   INF, NONE), (-INF,    INF,  INF, NONE),
    (-INF, -INF,  -INF, NONE), (-INF,   3.0,   3.0, NONE), (3.0,    -INF,  3.0, NONE),
    (0.0,  -INF,   0.0, NONE), (0.0, "-max",   0.0, NONE), (-1e4,   -2.0, -2.0, NONE),
    ("max", "max", "max", NONE), ("max", "-max", "max", NONE), ("-max", "-max", "-max", NONE),
]
_LOG = [
    (np.nan,   np.nan, NONE), (np.inf,    np.inf, NONE), (-np.inf, np.nan, INVALID),
    (0.0,    -np.inf, DIVIDE), (-0.0,   -np.inf, DIVIDE), (-1.0,   np.nan, INVALID),
    (1.0,        0.0, NONE), ("-tiny", np.nan, INVALID), ("-max",  np.nan, INVALID),
]
FUNCTIONS = {
    "log": Function(
        true=gmpy2.log, typical=(1e-3, 10), domain=(5e-324, np.inf), increasing=True,
        hard=_SPLITS, exact=[(1.0, 0.0)], special=_LOG,
    ),
    "log2": Function(
        true=gmpy2.log2, typical=(1e-3, 10), domain=(5e-324, np.inf), increasing=True,
        hard=_SPLITS, exact=[(2.0**n, n) for n in range(-1074, 1024)], special=_LOG,
    ),
    "log10": Function(
        true=gmpy2.log10, typical=(1e-3, 10), domain=(5e-324, np.inf), increasing=True,
        hard=_SPLITS, exact=[(10.0**k, k) for k in range(23)], special=_LOG,
    ),
    "log1p": Function(
        true=gmpy2.log1p, typical=(-1, 3), domain=(-1 + 2.0**-53, np.inf), increasing=True,
        hard=[x - 1 for x in _SPLITS] + [2.0**-53, -(2.0**-54), 2.0**-52, 2.0**53, 2.0**54],
        exact=_SMALL, more=_around_minus_one,
        special=[
            (np.nan,   np.nan, NONE), (np.inf,    np.inf, NONE), (-np.inf, np.nan, INVALID),
            (-1.0,   -np.inf, DIVIDE), (-1.5,   np.nan, INVALID), ("-max", np.nan, INVALID),
            (0.0,         0.0, NONE), (-0.0,        -0.0, NONE), ("tiny",   "tiny", NONE),
            ("-tiny", "-tiny", NONE),
        ],
    ),
    "logaddexp": Function(
        true=_logaddexp, arity=2, commutative=True, more=_summands(np.e), special=_SUMS,
        defined=_off_the_curve(np.logaddexp),
    ),
    "logaddexp2": Function(
        true=_logaddexp2, arity=2, commutative=True, more=_summands(2.0), special=_SUMS,
        defined=_off_the_curve(np.logaddexp2),
        exact=[(x, x, x + 1) for x in (0.0, 1.0, -1.0, -3.5, 100.0, -100.0)],
    ),
    "arcsinh": Function(
        true=gmpy2.asinh, odd=True, increasing=True,
        hard=[np.sqrt(1 / 8), 3 / 4, 2.0**-26, 2.0**-27, 2.0**53, 2.0**500, 2.0**40, 1.3e154],
        special=[
            (np.nan,   np.nan, NONE), (np.inf,    np.inf, NONE), (-np.inf, -np.inf, NONE),
            (0.0,         0.0, NONE), (-0.0,        -0.0, NONE), ("tiny",   "tiny", NONE),
            ("-tiny", "-tiny", NONE),
        ],
    ),
    "arccosh": Function(
        true=gmpy2.acosh, typical=(1, 4), domain=(1.0, np.inf), increasing=True, ordinary=2.0,
        hard=[1.0, 2.0, np.sqrt(9 / 8), 5 / 4, 2.0**53, 2.0**500, 2.0**40, 1.3e154],
        exact=[(1.0, 0.0)],
        special=[
            (np.nan,   np.nan, NONE), (np.inf,    np.inf, NONE), (-np.inf, np.nan, INVALID),
            (0.0,   np.nan, INVALID), (-0.0,    np.nan, INVALID), ("tiny", np.nan, INVALID),
            (0.5,   np.nan, INVALID), (1.0,          0.0, NONE), ("-max",  np.nan, INVALID),
        ],
    ),
    "arctanh": Function(
        true=gmpy2.atanh, typical=(-1, 1), domain=(-1 + 2.0**-53, 1 - 2.0**-53),
        odd=True, increasing=True,
        hard=[(2.0**k - 1) / (2.0**k + 1) for k in range(12)]
        + [(2.0 ** (k + 0.5) - 1) / (2.0 ** (k + 0.5) + 1) for k in range(12)] + [1 - 2.0**-24],
        special=[
            (np.nan,   np.nan, NONE), (np.inf, np.nan, INVALID), (-np.inf, np.nan, INVALID),
            (1.0,     np.inf, DIVIDE), (-1.0,  -np.inf, DIVIDE), (1.5,     np.nan, INVALID),
            (-1.5,  np.nan, INVALID), ("max",  np.nan, INVALID), (0.0,          0.0, NONE),
            (-0.0,       -0.0, NONE), ("tiny",     "tiny", NONE), ("-tiny", "-tiny", NONE),
        ],
    ),
}
