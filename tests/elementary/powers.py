"""Powers and roots."""

from __future__ import annotations

from typing import Any

import gmpy2
import numpy as np

from cpnum.tables.dtypes import DType

from .function import DIVIDE, INVALID, NONE, OVER, Function, near

INF, NAN = np.inf, np.nan


def _powers(dtype: DType, random: np.random.Generator, count: int) -> list[tuple[Any, Any]]:
    """Return bases and exponents: all magnitudes of both, and results from end to end."""
    limits = np.finfo(dtype.numpy.name)
    part = count // 4
    least, most = (limits.minexp - limits.nmant) * np.log(2), limits.maxexp * np.log(2)
    logarithms = random.uniform(least, most, part)

    def towards(bases: Any, results: Any = logarithms) -> tuple[Any, Any]:
        bases = np.asarray(bases).astype(dtype.numpy).astype(float)
        bases = np.where((bases == 1) | (bases == 0), 3.0, bases)
        return bases, results / np.log(bases)

    # Where the table of the logarithm goes from one row to the next, and 1 from below and above.
    rows = [1 + i / 32 for i in range(-9, 0)] + [1 + i / 16 for i in range(8)]
    edges = np.resize(near([each + 1 / 64 for each in rows] + rows, dtype, 8), part)
    ends = np.concatenate([random.uniform(0.97, 1, part // 2) * end for end in (least, most)])
    whole = random.integers(-40, 40, part)
    negative = -random.uniform(0, 12, part).astype(dtype.numpy)
    return [
        (random.uniform(0, 30, part), random.uniform(-20, 20, part)),
        towards(np.exp2(random.uniform(limits.minexp, limits.maxexp, part))),
        towards(np.ldexp(random.uniform(0, 1, part), limits.minexp)),
        towards(random.uniform(0.5, 2, part)),
        towards(random.uniform(0.98, 1.04, part), np.resize(ends, part)),
        towards(1 + np.ldexp(random.uniform(-1, 1, part), random.integers(-50, -2, part))),
        towards(edges),
        (random.uniform(0, 30, part), np.resize([0.5, -0.5, 1, -1, 2, -2, 3, 1 / 3, 1.5], part)),
        (negative, whole),
        (random.integers(1, 100, part), whole),
        # The result is near 1: the exponent tiny, or the base next to it.
        (random.uniform(0, 9, part), np.ldexp(1.0, -random.integers(1, 70, part))),
        (near([1.0], dtype, 300), near([1.0], dtype, 300)),
    ]


def _sides(dtype: DType, random: np.random.Generator, count: int) -> list[tuple[Any, Any]]:
    """Return sides of right triangles: alike, far apart, of all magnitudes."""
    limits = np.finfo(dtype.numpy.name)
    part = count // 3
    exponents = random.integers(limits.minexp - limits.nmant, limits.maxexp, part)
    alike = np.ldexp(random.uniform(1, 2, (2, part)), exponents)
    apart = random.integers(-limits.nmant - 4, limits.nmant + 4, part)
    edge = np.array([limits.max, -limits.max, limits.tiny, limits.smallest_subnormal, 1.0, -1.0])
    # From here on, and up to there, the squares are scaled.
    limit = [2.0**e for e in (limits.minexp // 2, limits.minexp // 2 + limits.nmant)]
    limit = near([*limit, 2.0 ** (limits.maxexp // 2)], dtype, 20)
    return [
        (random.normal(size=part), random.normal(size=part)),
        (alike[0], alike[1]),
        (alike[0], np.ldexp(alike[1], apart)),
        (np.ldexp(random.uniform(1, 2, part), apart), random.uniform(1, 2, part)),
        tuple(each.ravel() for each in np.meshgrid(edge, edge)),
        (limit, np.resize([1.0, 0.7, 1e-3], len(limit)) * limit),
    ]


# fmt: off
_POWER_SPECIAL = [
    # base, exponent, value, errors: C17, F.10.4.4.
    (NAN, 0.0, 1.0, NONE),       (NAN, -0.0, 1.0, NONE),       (INF, 0.0, 1.0, NONE),
    (0.0, 0.0, 1.0, NONE),       (-0.0, -0.0, 1.0, NONE),      (-INF, -0.0, 1.0, NONE),
    (1.0, NAN, 1.0, NONE),       (1.0, INF, 1.0, NONE),        (1.0, -INF, 1.0, NONE),
    (1.0, "max", 1.0, NONE),     (-1.0, "max", 1.0, NONE),     (-1.0, "-max", 1.0, NONE),
    (-1.0, INF, 1.0, NONE),      (-1.0, -INF, 1.0, NONE),      (-1.0, 3.0, -1.0, NONE),
    (NAN, 1.0, NAN, NONE),       (2.0, NAN, NAN, NONE),        (NAN, NAN, NAN, NONE),
    (NAN, INF, NAN, NONE),       (INF, NAN, NAN, NONE),        (-INF, NAN, NAN, NONE),
    (0.0, NAN, NAN, NONE),       (-2.0, NAN, NAN, NONE),       (-1.0, NAN, NAN, NONE),
    (0.0, -1.0, INF, DIVIDE),    (-0.0, -1.0, -INF, DIVIDE),   (-0.0, -2.0, INF, DIVIDE),
    (0.0, -2.0, INF, DIVIDE),    (-0.0, -3.0, -INF, DIVIDE),   (-0.0, -0.5, INF, DIVIDE),
    (0.0, -0.5, INF, DIVIDE),    (0.0, -INF, INF, DIVIDE),     (-0.0, -INF, INF, DIVIDE),
    (0.0, 1.0, 0.0, NONE),       (-0.0, 1.0, -0.0, NONE),      (-0.0, 2.0, 0.0, NONE),
    (-0.0, 3.0, -0.0, NONE),     (-0.0, 0.5, 0.0, NONE),       (0.0, INF, 0.0, NONE),
    (-0.0, INF, 0.0, NONE),      (0.0, "tiny", 0.0, NONE),     (0.0, "-tiny", INF, DIVIDE),
    (0.5, INF, 0.0, NONE),       (0.5, -INF, INF, NONE),       (-0.5, -INF, INF, NONE),
    (2.0, INF, INF, NONE),       (2.0, -INF, 0.0, NONE),       (-2.0, INF, INF, NONE),
    ("tiny", -INF, INF, NONE),   ("max", -INF, 0.0, NONE),     ("tiny", INF, 0.0, NONE),
    (INF, 0.5, INF, NONE),       (INF, -0.5, 0.0, NONE),       (INF, INF, INF, NONE),
    (INF, -INF, 0.0, NONE),      (-INF, INF, INF, NONE),       (-INF, -INF, 0.0, NONE),
    (-INF, 3.0, -INF, NONE),     (-INF, 2.0, INF, NONE),       (-INF, 0.5, INF, NONE),
    (-INF, -3.0, -0.0, NONE),    (-INF, -2.0, 0.0, NONE),      (-INF, -0.5, 0.0, NONE),
    (-8.0, 1 / 3, NAN, INVALID), (-1.0, 0.5, NAN, INVALID),    ("-tiny", 0.5, NAN, INVALID),
    ("-max", -0.5, NAN, INVALID), (-2.0, "tiny", NAN, INVALID), (-2.0, -2.5, NAN, INVALID),
    (-2.0, 3.0, -8.0, NONE),     (-2.0, -2.0, 0.25, NONE),     (10.0, 400.0, INF, OVER),
    (10.0, -400.0, 0.0, NONE),   (-10.0, 401.0, -INF, OVER),   (-10.0, -401.0, -0.0, NONE),
    (2.0, "max", INF, OVER),     (0.5, "max", 0.0, NONE),      (0.5, "-max", INF, OVER),
    (-2.0, "max", INF, OVER),    ("max", 2.0, INF, OVER),      ("-max", 3.0, -INF, OVER),
    ("max", 1.0, "max", NONE),   ("tiny", 1.0, "tiny", NONE),  ("-tiny", 1.0, "-tiny", NONE),
    ("tiny", -1.0, INF, OVER),   ("tiny", 2.0, 0.0, NONE),     ("max", "tiny", 1.0, NONE),
]
_POWER_EXACT = [
    (3.0, 5.0, 243.0), (10.0, 3.0, 1000.0), (10.0, 22.0, 1e22), (10.0, -1.0, 0.1),
    (2.0, -1074.0, 5e-324), (2.0, 1023.0, 2.0**1023), (2.0, -149.0, 2.0**-149), (4.0, 0.5, 2.0),
    (5.0, 3.0, 125.0), (1.5, 2.0, 2.25), (-3.0, 3.0, -27.0), (8.0, 2.0, 64.0), (0.25, -1.5, 8.0),
    (7.0, 4.0, 2401.0),
    *[(float(k), 2.0, float(k * k)) for k in range(1, 4096, 7)],
    *[(x, 1.0, x) for x in (0.1, 1 / 3, np.pi, 1e300, 1e-310, 5e-324, 0.9999999999999999)],
]
FUNCTIONS = {
    "power": Function(
        true=lambda x, y: x**y, arity=2, more=_powers, special=_POWER_SPECIAL, exact=_POWER_EXACT,
        defined=lambda x, y: (x > 0) | (np.rint(y) == y),
    ),
    "hypot": Function(
        true=gmpy2.hypot, arity=2, more=_sides, even=True, commutative=True, image=(0, INF),
        exact=[
            (0.0, 0.0, 0.0), (3.0, -4.0, 5.0), (5.0, 12.0, 13.0), (8.0, 15.0, 17.0),
            (5e-324, 0.0, 5e-324), (2.0**-149, 0.0, 2.0**-149), (3e300, 4e300, 5e300),
            *[(float(m * m - n * n), 2.0 * m * n, float(m * m + n * n))
              for m in range(2, 60) for n in range(1, m)],
        ],
        special=[
            (0.0, 0.0, 0.0, NONE),      (-0.0, -0.0, 0.0, NONE),    (-0.0, 0.0, 0.0, NONE),
            (INF, 1.0, INF, NONE),      (-INF, 1.0, INF, NONE),     (1.0, -INF, INF, NONE),
            (INF, NAN, INF, NONE),      (NAN, -INF, INF, NONE),     (NAN, NAN, NAN, NONE),
            (NAN, 1.0, NAN, NONE),      (0.0, NAN, NAN, NONE),      (NAN, "max", NAN, NONE),
            (INF, -INF, INF, NONE),     ("max", "max", INF, OVER),  ("max", 0.0, "max", NONE),
            ("-tiny", 0.0, "tiny", NONE), ("max", "tiny", "max", NONE), (-1.0, 0.0, 1.0, NONE),
        ],
    ),
    "cbrt": Function(
        true=gmpy2.cbrt, odd=True, increasing=True, slope=0.0,
        hard=[2.0**e for e in range(-6, 7)],
        exact=[(float(k**3), float(k)) for k in range(1, 2000)]
        + [(2.0 ** (3 * k), 2.0**k) for k in range(-358, 342)],
        special=[
            (NAN, NAN, NONE),   (INF, INF, NONE),   (-INF, -INF, NONE), (0.0, 0.0, NONE),
            (-0.0, -0.0, NONE), (1.0, 1.0, NONE),   (-1.0, -1.0, NONE), (27.0, 3.0, NONE),
            (-8.0, -2.0, NONE),
        ],
    ),
}
# fmt: on
