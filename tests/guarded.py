"""Runs kernels on arrays beside a page without access; `test_guard_pages.py` starts it.

    python guarded.py LEVEL CASE

A fault kills this program, not the tests.  Each line it writes tells what runs next.
"""

import ctypes
import mmap
import sys

import numpy as np
from cases import assert_same, lengths, tame

from cpnum import cpjit
from cpnum.jit import cache
from cpnum.tables.dtypes import DTYPES, F32, F64

CANARY = 0xA5
PAGE = mmap.PAGESIZE
STRIDES = (1, 2, 3, -1, -2, -3)


class Guarded:
    """Memory between two pages that must not be touched.

    The bytes are a canary but for the array that is placed: what else was written shows.
    """

    def __init__(self, size):
        self.size = -(-size // PAGE) * PAGE
        self.memory = mmap.mmap(-1, self.size + 2 * PAGE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        libc = ctypes.CDLL(None, use_errno=True)
        for page in (address, address + PAGE + self.size):
            if libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(PAGE), 0):  # PROT_NONE
                raise OSError(ctypes.get_errno(), "mprotect")
        self.bytes = np.frombuffer(self.memory, np.uint8, self.size, PAGE)
        self.bytes[:] = CANARY

    def place(self, shape, strides, dtype, end):
        """Return an array whose first or last byte is beside a guard page; strides in elements."""
        self.bytes[:] = CANARY
        step = [each * dtype.itemsize for each in strides]
        span = [(extent - 1) * each for extent, each in zip(shape, step, strict=True)]
        low = sum(each for each in span if each < 0)
        high = sum(each for each in span if each > 0) + dtype.itemsize
        if 0 in shape:
            low, high = 0, 0
        first = self.size - high if end else -low
        return np.ndarray(shape, dtype.numpy, self.bytes, first, step)

    def written_beside(self, array):
        """Tell whether a byte that is not of `array` is no longer the canary."""
        mine = np.zeros(self.size, bool)
        if array.size:
            start = array.__array_interface__["data"][0] - self.bytes.__array_interface__["data"][0]
            offsets = sum(
                np.arange(extent).reshape([-1] + [1] * (array.ndim - 1 - axis)) * stride
                for axis, (extent, stride) in enumerate(
                    zip(array.shape, array.strides, strict=True)
                )
            )
            for byte in range(array.itemsize):
                mine[np.ravel(start + offsets + byte)] = True
        return bool(np.any(self.bytes[~mine] != CANARY))


def tell(*what):
    sys.stdout.write(" ".join(map(str, what)) + "\n")
    sys.stdout.flush()


def fill(array, seed=0):
    """Give an array harmless values, none of them the canary's."""
    for dtype in DTYPES:
        if dtype.numpy == array.dtype:
            array[...] = tame(dtype, array.size, seed).reshape(array.shape)
    return array.copy()


def check(function, compiled, sources, target, out, case):
    """Run into `out`; compare with NumPy on copies, and look at the canary."""
    expected = function(*(each.copy() for each in sources))
    compiled(*sources, out=out)
    assert_same(expected.astype(out.dtype), out.copy(), case)
    if target.written_beside(out):
        raise AssertionError(f"{case}: wrote beside the result")


def run_casts(level):
    """Load each dtype and store each other: all loads and stores, in kernels of all lanes."""
    for source in DTYPES:
        for to in DTYPES:
            cast(level, source, to)


def cast(level, source, to):
    def function(x):
        return x.astype(to.numpy)

    compiled = cpjit(function, isa=level)
    longest = lengths(level, [source, to])[-1]
    read, written = (Guarded(3 * longest * each.itemsize) for each in (source, to))
    for stride in STRIDES:
        for end in (False, True):
            for length in range(longest + 1):
                tell("cast", level, source, to, stride, "end" if end else "begin", length)
                x = read.place((length,), (stride,), source, end)
                fill(x, length)
                out = written.place((length,), (stride,), to, end)
                check(function, compiled, [x], written, out, (source, to, stride, end, length))


def run_operators(level):
    """Operands in different layouts, scalars broadcast from the last element before the guard."""
    for dtype in DTYPES:

        def function(x, y, z):
            return np.where(x != y, z, y)

        compiled = cpjit(function, isa=level)
        longest = lengths(level, [dtype])[-1]
        memory = [Guarded(3 * longest * dtype.itemsize) for _ in range(4)]
        for strides in ((1, 1, 1, 1), (1, 2, 0, 1), (0, -1, 3, -2), (-3, 1, 0, 2), (2, 0, 1, 1)):
            for ends in ((True,) * 4, (False,) * 4, (True, False, True, False)):
                for length in range(1, longest + 1):
                    tell("operator", level, dtype, strides, ends, length)
                    arrays = [
                        each.place((length,), (stride,), dtype, end)
                        for each, stride, end in zip(memory, strides, ends, strict=True)
                    ]
                    for at, each in enumerate(arrays[:3]):
                        # One value where the stride is 0.
                        each[...] = tame(dtype, length if strides[at] else 1, at)
                    case = (dtype, strides, ends, length)
                    check(function, compiled, arrays[:3], memory[3], arrays[3], case)


def run_planes(level):
    """Two axes: padded rows, transposed, reversed, rows and columns that are broadcast."""

    def function(x, y):
        return x * 0.5 + y

    for dtype in (F64, F32):
        compiled = cpjit(function, isa=level)
        longest = lengths(level, [dtype])[-1]
        memory = [Guarded(8 * 2 * (longest + 3) * dtype.itemsize) for _ in range(3)]
        for length in range(1, longest + 1, 2):
            wide = length + 3
            layouts = {
                "padded": (wide, 1),
                "reversed": (-wide, -1),
                "rows reversed": (-wide, 1),
                "transposed": (1, 3),
                "strided": (2 * wide, 2),
                "row": (0, 1),
                "column": (1, 0),
                "one element": (0, 0),
            }
            for name, strides in layouts.items():
                for end in (False, True):
                    for order in ("padded", "transposed", "reversed"):
                        x = memory[0].place((3, length), strides, dtype, end)
                        y = memory[1].place((3, length), layouts[order], dtype, not end)
                        out = memory[2].place((3, length), layouts[order], dtype, end)
                        x[...] = 0.25 if 0 in strides else tame(dtype, 3 * length).reshape(x.shape)
                        fill(y, 1)
                        case = (dtype, name, order, end, length)
                        tell("planes", level, *case)
                        check(function, compiled, [x, y], memory[2], out, case)


def run_interleaved(level):
    """A long chain is computed for several vectors at once, before the tail."""

    def function(x):
        total = x
        for k in range(30):
            total = total * x + (k - 0.5)
        return total

    for dtype in (F64, F32):
        compiled = cpjit(function, isa=level)
        longest = 2 * lengths(level, [dtype])[-1]
        read, written = (Guarded(3 * longest * dtype.itemsize) for _ in range(2))
        for stride in STRIDES:
            for end in (False, True):
                for length in range(1, longest + 1):
                    tell("interleaved", level, dtype, stride, "end" if end else "begin", length)
                    x = read.place((length,), (stride,), dtype, end)
                    fill(x)
                    out = written.place((length,), (stride,), dtype, end)
                    check(function, compiled, [x], written, out, (dtype, stride, end, length))


def run_bound(level):
    """Bound kernels, with views inside of the function and more arrays than registers."""

    def difference(u):
        return u[1:] - u[:-1]

    def total(*arrays):
        result = arrays[0]
        for each in arrays[1:]:
            result = result + each
        return result

    for dtype in (F64, F32):
        longest = lengths(level, [dtype])[-1]
        memory = [Guarded(2 * longest * dtype.itemsize) for _ in range(11)]
        for length in range(2, longest + 1, 3):
            for end in (False, True):
                for stride in (1, -2):
                    tell("bound", level, dtype, length, stride, "end" if end else "begin")
                    arrays = [each.place((length,), (stride,), dtype, end) for each in memory[:10]]
                    for at, each in enumerate(arrays):
                        fill(each, at)
                    for function, given, extent in (
                        (difference, arrays[:1], length - 1),
                        (total, arrays, length),
                    ):
                        out = memory[10].place((extent,), (stride,), dtype, end)
                        bound = cpjit(function, isa=level).bind(*given, out=out)
                        check(function, lambda *_, out: bound(), given, memory[10], out, function)  # noqa: B023


def run_folds(level):
    """Reductions of all elements, along rows and along columns."""
    cache._LEAST_SAVED = -np.inf  # compile programs of small arrays, too
    folds = [
        lambda x: x.sum(),
        lambda x: (x * 2).sum(axis=-1),
        lambda x: (x + x).sum(axis=0),
        lambda x: x.max(axis=-1),
        lambda x: (x > 0).any(),
        lambda x: x.mean(axis=0),
        lambda x: x.prod(),
        lambda x: np.cumsum(x * 2, axis=-1),
        lambda x: (x.sum(axis=-1), (x * x).sum(axis=-1), x.cumprod(axis=-1)),
    ]
    for dtype in DTYPES:
        compiled = [cpjit(each, isa=level) for each in folds]
        memory = Guarded(4 * 3 * 140 * dtype.itemsize)
        for length in (*range(1, 20), 63, 64, 65, 127, 128, 129, 137):
            for strides in ((length, 1), (2 * length, 2), (-length, -1), (1, 3), (0, 1)):
                for end in (False, True):
                    tell("folds", level, dtype, length, strides, "end" if end else "begin")
                    x = memory.place((3, length), strides, dtype, end)
                    x[...] = tame(dtype, 3 * length).reshape(x.shape) if 0 not in strides else 1
                    for fold, each in zip(folds, compiled, strict=True):
                        if dtype.family != "B" or fold not in (*folds[1:4], folds[-1]):
                            assert_same(fold(x), each(x), (dtype, length, strides, end))
                    if memory.written_beside(x):
                        raise AssertionError(f"{dtype}, {length}: wrote beside the array")


def run_misaligned(level):
    """Elements at no multiple of their size, one byte from the guard page."""

    def function(x):
        return np.where(x == x, x, x)

    for dtype in DTYPES:
        compiled = cpjit(function, isa=level)
        longest = lengths(level, [dtype])[-1]
        size = (longest + 1) * dtype.itemsize
        read, written = Guarded(size), Guarded(size)
        for end in (False, True):
            for length in range(longest + 1):
                tell("misaligned", level, dtype, "end" if end else "begin", length)
                first = read.size - length * dtype.itemsize - 1 if end else 1
                x, out = (
                    np.ndarray((length,), dtype.numpy, each.bytes, first)
                    for each in (read, written)
                )
                written.bytes[:] = CANARY
                fill(x)
                check(function, compiled, [x], written, out, (dtype, end, length))


def run_writes(level):
    """Programs that write to their arguments, through views and buffers."""

    def shifted(x, y):
        x[1:] = x[:-1] + y[1:]
        y[::2] = x[::2]

    def overlapping(x, y):
        before = x + y
        x[...] = x[::-1]
        y[x > y] = 0
        x += before

    cache._LEAST_SAVED = -np.inf  # compile programs of small arrays, too
    for dtype in DTYPES:
        longest = lengths(level, [dtype])[-1]
        memory = [Guarded(3 * longest * dtype.itemsize) for _ in range(2)]
        for function in (shifted, overlapping):
            compiled = cpjit(function, isa=level)
            for stride in STRIDES:
                for ends in ((True, True), (False, False), (True, False)):
                    for length in range(1, longest + 1):
                        case = (function.__name__, dtype, stride, ends, length)
                        tell("writes", level, *case)
                        write_beside(function, compiled, memory, case)


def write_beside(function, compiled, memory, case):
    """Write to arrays beside guard pages; compare with NumPy on copies, and look at the canary."""
    _, dtype, stride, ends, length = case
    arrays = [
        each.place((length,), (stride,), dtype, end) for each, end in zip(memory, ends, strict=True)
    ]
    copies = [fill(each, seed) for seed, each in enumerate(arrays)]
    function(*copies)
    compiled(*arrays)
    for copy, array, each in zip(copies, arrays, memory, strict=True):
        assert_same(copy, array.copy(), case)
        if each.written_beside(array):
            raise AssertionError(f"{case}: wrote beside an argument")


def run_fault(level):
    """Reads the guard page: this program must die, or the other cases prove nothing."""
    memory = Guarded(PAGE)
    x = memory.place((8,), (1,), F64, True)
    beyond = np.lib.stride_tricks.as_strided(x, (9,), (8,))
    tell("fault", level)
    cpjit(lambda x: x + 1.0, isa=level)(beyond)


CASES = {name[4:]: run for name, run in list(globals().items()) if name.startswith("run_")}

if __name__ == "__main__":
    CASES[sys.argv[2]](sys.argv[1])
    tell("done")
