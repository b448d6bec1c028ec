"""Print the polynomial coefficients of exp.h and tanh.h with their error bounds (needs mpmath).

Remez exchange on a grid, for sum c[k] * g**k against f with weight w.  Coefficients are rounded
all at once, or one after the other, lowest degree first, and the rest fitted again, so that the
higher ones take up what the rounding of the lower ones missed; the better of the two is printed.
"""

import struct

from mpmath import cos, coth, exp, expm1, log, lu_solve, matrix, mp, mpf, pi

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
    """Round the lowest coefficient, fit the rest again, and so on.

    On an interval around 0 the rest divided by an odd power of g has a pole at 0, so there c[0]
    and c[1] are rounded at once, c[1] to that of its 24 neighbours which serves best."""
    fixed = []

    def rest(x):
        return (f(x) - sum(c * g(x) ** k for k, c in enumerate(fixed))) / g(x) ** len(fixed)

    def weight(x):
        return w(x) * g(x) ** len(fixed)

    if low < 0:
        c, _ = fit(f, w, g, count, low, high)
        first, second = (rounded(value, precision) for value in c[:2])
        ulp = mpf(2) ** (mp.floor(log(second, 2)) + 1 - precision)
        choices = []
        for i in range(-12, 13):
            fixed[:] = [first, second + i * ulp]
            _, error = fit(rest, weight, g, count - 2, low, high, 120)
            choices.append((error, fixed[1]))
        fixed[:] = [first, min(choices)[1]]
        c, _ = fit(rest, weight, g, count - 2, low, high)
        return fixed + [rounded(value, precision) for value in c]
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
    for name, value in (("ln 2", log(2)), ("ln 2 / 2", log(2) / 2)):
        head = rounded(value, precision)
        tail = rounded(value - head, precision)
        print(f"{name}: {literal(head, precision)} + {literal(tail, precision)}")
    for name, value in (("1 / ln 2", 1 / log(2)), ("2 / ln 2", 2 / log(2))):
        print(f"{name}: {literal(rounded(value, precision), precision)}")


# exp(r) = 1 + r + r**2 P(r) on |r| <= ln 2 / 2 (a hair more: n is rounded from an inexact product)
half = log(2) / 2 * (1 + mpf(2) ** -16)
# r coth r = 1 + z Q(z), z = r**2, r - n ln 2 / 2 with n = rint(2 t / ln 2 - 1/32)
top = (log(2) / 2 * mpf(17) / 32 * (1 + mpf(2) ** -16)) ** 2

for precision, exp_count, tanh_count in ((53, 10, 5), (24, 5, 2)):
    print(f"float{64 if precision == 53 else 32}")
    constants(precision)
    show(
        "exp P",
        lambda r: (expm1(r) - r) / r**2,
        lambda r: r**2 / exp(r),
        lambda r: r,
        exp_count,
        -half,
        half,
        precision,
    )
    show(
        "tanh Q",
        lambda z: (mp.sqrt(z) * coth(mp.sqrt(z)) - 1) / z,
        lambda z: z,
        lambda z: z,
        tanh_count,
        mpf(2) ** -30,
        top,
        precision,
    )
