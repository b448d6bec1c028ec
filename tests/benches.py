"""What the tests of benches share: a function, its arguments, and a quick bench of it."""

import numpy as np

import cpnum

QUICK = {"rounds": 3, "progress": False}


def norm(x, y):
    return np.sqrt(x * x + y * y)


def pair(size=100, dtype=np.float64):
    return np.linspace(0.5, 1.5, size).astype(dtype), np.linspace(2.0, 3.0, size).astype(dtype)


def quick(f=norm, *arguments, against=(), **options):
    return cpnum.bench(cpnum.cpjit(f), *(arguments or pair()), against=against, **QUICK, **options)
