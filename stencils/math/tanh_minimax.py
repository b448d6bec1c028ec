"""Print the constants of tanh.h, polynomials with their error bounds (needs mpmath).

Remez exchange on a grid, for sum c[k] * g**k against f with weight w.  Coefficients are rounded
all at once, or one after the other, lowest degree first, and the rest fitted again, so that the
higher ones take up what the rounding of the lower ones missed; the better of the two is printed.
"""

import struct

from mpmath import cos, coth, log, lu_solve, matrix, mp, mpf, pi, tanh

mp.prec = 200


def fit(f, w, g, count, low, high, steps=400):
    """Minimax coefficients c and the error max |w (f - sum c[k] g**k)| on [low, high]."""
    grid = [(low + high) / 2 - (high - low) / 2 * cos(pi * (i + 0.5) / steps) for i in range(steps)]
    f, w, g = ([h(x) for x in grid] for h in (f, w, g))
    nodes = [int((i + 0.5) * steps / (count + 1)) for i in range(count + 1)]
    for _ in range(30):
        rows = [[g[i] ** k for k in range(count)] + [(-1) ** j / w[i]] for j, i in enumerate(nodes)]
        solution = lu_solve(matrix(rows), matrix([f[i] for i in nodes]))
        c = list(solution)[:count]
        error = [w[i] * (f[i] - sum(c[k] * g[i] ** k for k in range(count))) for i in range(steps)]
        peaks = []  # the largest error of every run of one sign
        for i in range(steps):
            if peaks and (error[i] > 0) == (error[peaks[-1]] > 0):
                if abs(error[i]) > abs(error[peaks[-1]]):
                    peaks[-1] = i
            else:
                peaks.append(i)
        while len(peaks) > count + 1:  # drop the smaller end
            peaks.pop(0 if abs(error[peaks[0]]) < abs(error[peaks[-1]]) else -1)
        if peaks == nodes or len(peaks) < count + 1:
            break
        nodes = peaks
    return c, max(abs(e) for e in error)


def rounded(value, precision):
    with mp.workprec(precision):
        return +value


def literal(value, precision):
    """The C literal of a value that has `precision` bits."""
    text = float(value).hex()
    if precision == 24:
        assert struct.unpack("f", struct.pack("f", float(value)))[0] == float(value)
        text = text.replace("0000000p", "p") + "f"  # 52 bits of hex digits, 23 in use
    return text


def refitted(f, w, g, count, low, high, precision):
    """Round the lowest coefficient, fit the rest again, and so on."""
    fixed = []

    def rest(x):
        return (f(x) - sum(c * g(x) ** k for k, c in enumerate(fixed))) / g(x) ** len(fixed)

    def weight(x):
        return w(x) * g(x) ** len(fixed)

    while len(fixed) < count:
        c, _ = fit(rest, weight, g, count - len(fixed), low, high)
        fixed.append(rounded(c[0], precision))
    return fixed


def show(name, f, w, g, count, low, high, precision):
    c, error = fit(f, w, g, count, low, high)
    print(f"{name}: error {float(log(error, 2)):.1f} bits before rounding")
    choices = (
        [rounded(value, precision) for value in c],
        refitted(f, w, g, count, low, high, precision),
    )
    grid = [low + (high - low) * mpf(i) / 2001 for i in range(2002)]

    def error_of(c):
        return max(abs(w(x) * (f(x) - sum(v * g(x) ** k for k, v in enumerate(c)))) for x in grid)

    best = min(choices, key=error_of)
    print(f"{name}: error {float(log(error_of(best), 2)):.1f} bits")
    for k, value in enumerate(best):
        print(f"    c{k} = {literal(value, precision)}")


def constants(precision):
    head = rounded(log(2) / 2, precision)
    tail = rounded(log(2) / 2 - head, precision)
    print(f"ln 2 / 2: {literal(head, precision)} + {literal(tail, precision)}")
    print(f"2 / ln 2: {literal(rounded(2 / log(2), precision), precision)}")


def r_coth_r(name, count, top, precision):
    """Show Q of r coth r = 1 + z Q(z), z = r**2 <= top."""
    show(
        name,
        lambda z: (mp.sqrt(z) * coth(mp.sqrt(z)) - 1) / z,
        lambda z: z,
        lambda z: z,
        count,
        mpf(2) ** -30,
        top,
        precision,
    )


def middle(low, high):
    """A float32 m inside of a piece, tanh m and minus its slope there, tanh(m)**2 - 1, rounded.

    Left of the centre, since tanh is steeper there; of 20000 that for which the rounding of both
    adds the least to a result.
    """
    width, found = high - low, []
    for i in range(20000):
        m = rounded(low + width * (mpf(1) / 3 + mpf(i) / 160000), 24)
        exact = tanh(m), tanh(m) ** 2 - 1
        value, slope = (rounded(each, 24) for each in exact)
        missed = abs(exact[0] - value) + abs(exact[1] - slope) * width / 2
        found.append((missed, (m, value, slope)))
    return min(found)[1]


def pieces(offset):
    """Print the table of tanh_f32: a column a quarter of an octave of t + offset."""
    columns = [(mpf(0),) * 3] * 16
    for quarter in range(126 * 4 + 2, 130 * 4 + 2):
        low, high = (
            mpf(2) ** (k // 4 - 127) * (1 + mpf(k % 4) / 4) - offset for k in (quarter, quarter + 1)
        )
        if low >= 1.25 - offset:
            columns[quarter % 16] = middle(low, high)
    print("m, tanh m, tanh(m)**2 - 1")
    for row in zip(*columns, strict=True):
        print("    {" + ", ".join(literal(each, 24) for each in row) + "},")


# r = t - n ln 2 / 2 with n = rint(2 t / ln 2 - 1/32); a hair more, since n is rounded from an
# inexact product
top = (log(2) / 2 * mpf(17) / 32 * (1 + mpf(2) ** -16)) ** 2

for precision, count in ((53, 5), (24, 2)):
    print(f"float{64 if precision == 53 else 32}")
    constants(precision)
    r_coth_r("tanh Q", count, top, precision)

offset = mpf(25) / 32
pieces(offset)
r_coth_r("tanh_f32 Q", 3, (1.25 - offset) ** 2 * (1 + mpf(2) ** -16), 24)
