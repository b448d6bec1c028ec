"""Print the tables of gamma.h, gammaln.h, log_pair.h and sine_of_pi.h.

Needs mpmath.  Interpolation at Chebyshev points, which misses the minimax polynomial by a factor
near 1; all coefficients but the first of a piece have small weight, so they are just rounded.
"""

import struct

from mpmath import cos, euler, exp, log, loggamma, mp, mpf, pi, sin, sqrt

mp.prec = 250


def fit(f, low, high, count, unit=1):
    """Coefficients of the polynomial in (x - center) * unit, and the largest relative error."""
    center, half = (low + high) / 2, (high - low) / 2
    nodes = [cos(pi * (i + mpf(1) / 2) / count) for i in range(count)]
    values = [f(center + half * node) for node in nodes]
    weights = [
        2 * sum(v * cos(k * pi * (i + mpf(1) / 2) / count) for i, v in enumerate(values)) / count
        for k in range(count)
    ]
    weights[0] /= 2
    chebyshev = [[mpf(1)], [mpf(0), mpf(1)]]
    while len(chebyshev) < count:
        once, before = chebyshev[-1], chebyshev[-2]
        twice = [mpf(0)] + [2 * c for c in once]
        chebyshev.append([c - (before[i] if i < len(before) else 0) for i, c in enumerate(twice)])
    total = [mpf(0)] * count
    for weight, polynomial in zip(weights, chebyshev, strict=False):
        for i, c in enumerate(polynomial):
            total[i] += weight * c
    total = [c / (half * unit) ** i for i, c in enumerate(total)]
    points = [center + half * (mpf(2 * i + 1) / 100 - 1) for i in range(100)]
    error = max(
        abs(sum(c * ((x - center) * unit) ** i for i, c in enumerate(total)) / f(x) - 1)
        for x in points
    )
    return total, error


def rounded(value, precision):
    with mp.workprec(precision):
        return +value


def literal(value, precision):
    """The C literal of a value that has `precision` bits."""
    text = float(value).hex()
    if precision == 24:
        assert struct.unpack("f", struct.pack("f", float(value)))[0] == float(value)
    digits, exponent = text.split("p")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    if value == 0:
        digits, exponent = "0.0", ""
    return digits + (f"p{int(exponent)}" if exponent else "") + ("f" if precision == 24 else "")


def show(name, rows, precision):
    print(name)
    for row in rows:
        print("    {" + ", ".join(literal(rounded(c, precision), precision) for c in row) + "},")


def pieces(name, columns, precision):
    """Print the coefficients of each column but the first, from the highest; then the first in two
    parts."""
    print(name, "error 2 **", [round(float(log(error, 2)), 1) for _, error in columns])
    count = len(columns[0][0])
    rows = [[c[i] for c, _ in columns] for i in range(count - 1, 0, -1)]
    first = [c[0] for c, _ in columns]
    high = [rounded(c, precision) for c in first]
    show(name, [*rows, high, [c - h for c, h in zip(first, high, strict=True)]], precision)


def stirling(r):
    """log gamma(1/r) - ((1/r - 1/2) log(1/r) - 1/r)"""
    x = 1 / max(r, mpf(10) ** -7)
    return loggamma(x) - (x - mpf(1) / 2) * log(x) + x


def quotient(y):
    """log gamma(1 + y) / (y (y - 1))"""
    if y in (0, 1):
        return euler if y == 0 else 1 - euler
    return loggamma(1 + y) / (y * (y - 1))


def sinc(z):
    """(sin(pi f) / (pi f) - 1) / z, z = f**2"""
    f = pi * sqrt(z)
    return (sin(f) / f - 1) / z


CENTERS = [mpf(c) / 32 for c in (24, 26, 28, 30, 32, 36, 40, 44)]
R_SCALE = mpf("7.9375")

FIRST = -(pi**2) / 6  # of sinc

for precision, gamma_count, gammaln_count, sinc_count, log_count, split in (
    (53, 10, 17, 8, 5, 42),
    (24, 5, 8, 5, 2, 16),
):
    print(f"float{64 if precision == 53 else 32}")
    reciprocals = [rounded(1 / c, 7) for c in CENTERS]
    table = [-log(c) for c in reciprocals]
    high = [mp.nint(t * 2**split) / 2**split for t in table]
    show(
        "log_pair",
        [reciprocals, high, [t - h for t, h in zip(table, high, strict=True)]],
        precision,
    )
    ln2 = mp.nint(log(2) * 2**split) / 2**split
    show("ln 2", [[ln2, log(2) - ln2]], precision)
    s_top = mpf(1) / 32
    p, error = fit(
        lambda z: (log((1 + sqrt(z)) / (1 - sqrt(z))) / sqrt(z) - 2) / z,
        mpf(2) ** -40,
        s_top**2,
        log_count,
    )
    center = (mpf(2) ** -40 + s_top**2) / 2
    powers = [mpf(0)] * log_count
    for i, c in enumerate(p):  # in powers of z itself
        for j in range(i + 1):
            powers[j] += c * mp.binomial(i, j) * (-center) ** (i - j)
    print("log_pair error 2 **", float(log(error, 2)))
    show("log_pair P, lowest first", [powers], precision)

    s, error = fit(lambda z: (sinc(z) - FIRST) / z, mpf(2) ** -40, mpf(1) / 4, sinc_count - 1)
    center = (mpf(2) ** -40 + mpf(1) / 4) / 2
    powers = [mpf(0)] * (sinc_count - 1)
    for i, c in enumerate(s):
        for j in range(i + 1):
            powers[j] += c * mp.binomial(i, j) * (-center) ** (i - j)
    print("sinc error 2 **", float(log(error, 2)))
    high = rounded(FIRST, precision)
    show("sinc: first in two parts", [[high, FIRST - high]], precision)
    show("sinc: others, lowest first", [powers], precision)

    r_pieces = [(k / R_SCALE, (k + 1) / R_SCALE) for k in range(8)]
    columns = [fit(lambda r: exp(stirling(r)), *piece, gamma_count, R_SCALE) for piece in r_pieces]
    pieces("gamma", columns, precision)
    columns = [fit(quotient, mpf(k) / 2, mpf(k + 1) / 2, gammaln_count, 2) for k in range(6)]
    columns += [fit(stirling, *piece, gammaln_count, R_SCALE) for piece in r_pieces[:2]]
    pieces("gammaln", columns, precision)
