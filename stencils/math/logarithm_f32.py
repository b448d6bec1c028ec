"""Print the tables of logarithm_f32.h.  Needs NumPy, with a long double of 64 bits."""

import textwrap

import numpy as np

POINTS = np.arange(64) / 64


def ulp(x):
    return np.exp2(np.floor(np.log2(np.abs(x))) - 23)


def column(j, c, missed, log_2):
    """The place of the best c for 1 + j / 16 <= m < 1 + (j + 1) / 16."""
    m = 1 + (j + POINTS) / 16
    # Within |r| <= 1/25, a stays the larger part where it is not 0.
    good = np.nonzero((m[0] * c >= 31 / 32) & (m[-1] * c <= 26 / 25) & (missed < 2.0**-31))[0]
    r = m * c[good, None] - 1
    # What c misses, the roundings of r and of r**2 / 2, and Q; beside the result for k = 0 or -1.
    error = missed[good, None] + ulp(r + 1e-9) / 2 + ulp(r * r / 2 + 1e-9) + np.abs(r) * 2**-28.3
    result = np.minimum(np.log2(m), 1 - np.log2(m)) * log_2
    worst = np.max(error / np.log(2) * log_2 / ulp(result), axis=1)
    return good[np.argmin(worst)]


def table(log_2, step):
    """c and t for logarithms of which that of 2 is log_2; t is a multiple of step."""
    unit = np.rint(float(log_2) / step) * step
    t = np.arange(round(unit / step) + 1) * step
    power = np.exp2(-t.astype(np.longdouble) / unit)
    c = power.astype(np.float32).astype(float)
    missed = np.abs(c / power - 1).astype(float)
    places = [0, *(column(j, c, missed, float(log_2)) for j in range(1, 15)), -1]
    return unit, c[places], t[places]


def text(x):
    digits, exponent = float(x).hex().split("p")
    return f"{digits.rstrip('0').rstrip('.')}p{int(exponent)}f" if x else "0.0f"


def show(name, log_2, step, scale=1.0):
    unit, *rows = table(log_2, step)
    print(f"{name}: unit {text(unit)}, {text(np.float32(log_2 / unit - 1))} more")
    for row in (rows[0] * scale, rows[1]):
        indents = {"initial_indent": "    ", "subsequent_indent": "     "}
        print(textwrap.fill("{" + ", ".join(map(text, row)) + "},", 97, **indents))


two = np.longdouble(2)
show("log2_table_f32", np.log2(two), 2.0**-16)
show("log10_table_f32", np.log10(two), 2.0**-17)
show("log1p_table_f32", np.log(two), 2.0**-16, 2.0**127)
