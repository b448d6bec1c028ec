"""Print the constants of trigonometric.h (polynomials, pi/2, 2/pi) with their error bounds.

Needs mpmath.  Every polynomial is the minimax one for the relative error of the result, found by
Remez exchange; its coefficients are rounded one after the other, lowest first, and those after
it fitted anew, so that they make up for the rounding.
"""

from mpmath import (
    cos,
    fabs,
    floor,
    frexp,
    ldexp,
    linspace,
    log,
    lu_solve,
    matrix,
    mp,
    mpf,
    nint,
    pi,
    sin,
    sqrt,
)

mp.prec = 1600  # 2/pi to beyond the largest exponent


def rounded(value, bits, toward_zero=False):
    fraction, exponent = frexp(value)
    integer = (floor if toward_zero else nint)(ldexp(fabs(fraction), bits))
    return ldexp(integer, exponent - bits) * (1 if value >= 0 else -1)


def literal(value, suffix=""):
    text = float(value).hex()
    if "." in text:
        head, exponent = text.split("p")
        text = head.rstrip("0").rstrip(".") + "p" + exponent
    return text + suffix


def remez(target, weight, powers, end):
    """Coefficients of s**p that minimize max |weight * (target - polynomial)| on (0, end]."""
    grid = [end * (1 - cos(pi * (k + mpf(1) / 2) / 600)) / 2 for k in range(600)]
    count = len(powers)
    nodes = [end * (1 - cos(pi * (k + mpf(1) / 2) / (count + 1))) / 2 for k in range(count + 1)]
    values = [(s, target(s), weight(s)) for s in grid]
    for _ in range(12):
        rows = matrix(count + 1, count + 1)
        right = matrix(count + 1, 1)
        for i, s in enumerate(nodes):
            for j, power in enumerate(powers):
                rows[i, j] = s**power
            rows[i, count] = (-1) ** i / weight(s)
            right[i] = target(s)
        solution = list(lu_solve(rows, right))[:count]

        errors = [
            w * (t - sum(c * s**p for c, p in zip(solution, powers, strict=True)))
            for s, t, w in values
        ]
        peaks = []  # one extremum for every run of equal signs
        for s, error in zip(grid, errors, strict=True):
            if not peaks or (error > 0) != (peaks[-1][1] > 0):
                peaks.append((s, error))
            elif fabs(error) > fabs(peaks[-1][1]):
                peaks[-1] = (s, error)
        while len(peaks) > count + 1:
            peaks.pop(0 if fabs(peaks[0][1]) < fabs(peaks[-1][1]) else -1)
        if len(peaks) < count + 1:
            break
        nodes = [s for s, _ in peaks]
    return solution, max(fabs(error) for error in errors)


def polynomial(name, target, weight, count, end, bits, suffix):
    fixed = []
    while len(fixed) < count:

        def rest(s):
            return target(s) - sum(c * s**k for k, c in enumerate(fixed))

        fitted, bound = remez(rest, weight, range(len(fixed), count), end)
        fixed.append(rounded(fitted[0], bits))
    s_values = linspace(end / 2000, end, 2000)
    bound = max(
        fabs(weight(s) * (target(s) - sum(c * s**k for k, c in enumerate(fixed)))) for s in s_values
    )
    print(f"{name}: relative error of the result < 2**{float(log(bound, 2)):.1f}")
    print("   ", ", ".join(literal(c, suffix) for c in fixed))


def parts_of(period, bits, short, suffix):
    """period = first (all bits) + second (`short` bits, so that n * second is exact) + third."""
    first = rounded(period, bits)
    second = rounded(period - first, short)
    third = rounded(period - first - second, bits)
    print(f"1 / {float(period):.4f}, that period in three parts, {bits} bits:")
    parts = (rounded(1 / period, bits), first, second, third)
    print("   ", ", ".join(literal(c, suffix) for c in parts))


def two_over_pi(row_exponents, top, bits, count, suffix=""):
    """2/pi * 2**exponent without the bits from 2**top up, cut in `count` pieces of `bits` bits.

    The first two pieces are a quarter of that: their product is taken modulo 1, not 4.
    """
    for exponent in row_exponents:
        value = ldexp(2 / pi, exponent)
        value -= ldexp(floor(ldexp(value, -top)), top)
        pieces = []
        for k in range(1, count):
            pieces.append(ldexp(floor(ldexp(value, k * bits - top)), top - k * bits))
            value -= pieces[-1]
        pieces.append(rounded(value, bits))
        pieces[:2] = [piece / 4 for piece in pieces[:2]]
        print("    {" + ", ".join(literal(piece, suffix) for piece in pieces) + "},")


def sine(s):  # sin(r) = r + r * s * P(s)
    return (sin(sqrt(s)) / sqrt(s) - 1) / s


def below_sine(s):
    """P for sin(r) less a fifth of a unit of the float32 below 1 at pi/2, hardly less elsewhere."""
    return sine(s) - mpf(2) ** -24 / 5 * (s / (pi / 2) ** 2) ** 8 / (s * sqrt(s))


def cosine(s):  # cos(r) = 1 - s / 2 + s * s * Q(s)
    return (cos(sqrt(s)) - 1 + s / 2) / s**2


def sine_weight(s):
    return s * sqrt(s) / sin(sqrt(s))


def fast_weight(s):
    return sine_weight(s) * (1 + 0.08 * s)


def cosine_weight(s):
    return s * s / cos(sqrt(s))


if __name__ == "__main__":
    with mp.workprec(200):
        end = (pi / 4 + mpf(2) ** -26) ** 2
        polynomial("sin float64", sine, sine_weight, 6, end, 53, "")
        polynomial("cos float64", cosine, cosine_weight, 6, end, 53, "")
        end = (pi / 4 + mpf(2) ** -12) ** 2
        polynomial("sin float32", sine, sine_weight, 3, end, 24, "f")
        polynomial("cos float32", cosine, cosine_weight, 3, end, 24, "f")
        # To pi/2, for precision="fast".  The end is such that a zero of the error is at pi/2; the
        # weight leaves more of the error to small arguments, where the rest rounds less.
        end = (pi / 2) ** 2 * 1.009
        polynomial("fast float64", sine, fast_weight, 7, end, 53, "")
        end = (pi / 2 + mpf(2) ** -7) ** 2
        polynomial("fast float32", below_sine, sine_weight, 4, end, 24, "f")
    parts_of(pi / 2, 53, 29, "")
    parts_of(pi / 2, 24, 12, "f")
    parts_of(pi, 53, 53, "")
    parts_of(pi, 24, 24, "f")
    rest = pi / 2 - rounded(pi / 2, 53)
    print("pi/2 as double-double:", literal(rounded(pi / 2, 53)), literal(rounded(rest, 53)))
    print("2/pi for float64, rows of 32 exponents:")
    two_over_pi([32 * k - 1023 for k in range(32, 64)], 54, 53, 4)
    print("2/pi for float32, rows of 32 exponents:")
    two_over_pi([32 * k - 127 for k in range(4, 8)], 25, 24, 5, "f")
