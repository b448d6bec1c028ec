"""Speed of the elementary functions, each alone and in an expression, beside the peers'."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from cpnum import cpjit, special
from cpnum.ir.reference import function_of
from cpnum.pack.stencil import Stencil, load
from cpnum.show.timing import Timing, measure
from cpnum.tables import isa
from cpnum.tables.ops import FAST, OPS, Op
from cpnum.tables.stencils import stencil_name
from tests.elementary import FUNCTIONS

from .expressions import Array
from .tables import Table

# In the caches, and so many that a call of 1 µs is a small part.
_SIZE = 10_000
_NUMPY, _FUSED, _FAST = "NumPy", "fused", "fast"
# NumPy's names that are others in C.
_IN_C = {"power": "pow"}
Call = Callable[[], object]


def _function(op: Op) -> Callable[..., Any]:
    return getattr(np if op.home == "numpy" else special, op.name)  # type: ignore[no-any-return]


def _in_c(op: Op) -> str:
    return _IN_C.get(op.name, op.name.replace("arc", "a"))


def _numpy(op: Op, arrays: Sequence[Array], out: Array) -> Call | None:
    function = getattr(np, op.name, None)
    if op.home != "numpy" or function is None:
        return None
    if not isinstance(function, np.ufunc):  # np.sinc has no out=

        def call() -> None:
            out[...] = function(*arrays)

        return call
    return partial(function, *arrays, out=out)


def _numpy_fused(op: Op, arrays: Sequence[Array], out: Array) -> Call | None:
    function, factor = getattr(np, op.name, None), arrays[0]
    if op.home != "numpy" or not isinstance(function, np.ufunc):
        return None

    def call() -> None:
        function(*arrays, out=out)
        np.multiply(out, factor, out=out)
        np.add(out, factor, out=out)

    return call


def _numba(op: Op, arrays: Sequence[Array], out: Array) -> Call | None:
    import numba

    function = getattr(np, op.name, None) or getattr(math, op.name, None)
    if function is None:
        return None
    names = [f"x{at}" for at in range(op.arity)]
    lines = [
        f"def loop({', '.join(names)}, out):",
        "    for i in range(out.size):",
        f"        out[i] = function({', '.join(f'{name}[i]' for name in names)})",
    ]
    scope = {"function": function}
    exec(compile("\n".join(lines), "<loop>", "exec"), scope)
    loop = numba.njit(error_model="numpy")(scope["loop"])
    try:
        loop(*arrays, out)
    except numba.TypingError:  # it has no such function
        return None
    return partial(loop, *arrays, out)


def _numexpr(op: Op, arrays: Sequence[Array], out: Array) -> Call | None:
    import numexpr

    names = dict(zip("xy", arrays, strict=False))
    text = "x ** y" if op.name == "power" else f"{op.name}({', '.join(names)})"
    numexpr.set_num_threads(1)
    if numexpr.validate(text, local_dict=names) is not None:  # it has no such function
        return None
    if numexpr.evaluate(text, local_dict=names).dtype != out.dtype:  # nor of float32
        return None
    numexpr.validate(text, local_dict=names, out=out)
    return partial(numexpr.re_evaluate, local_dict=names)


# -- libmvec -------------------------------------------------------------------------------------

_LOOPS = """
#define LOOPS(name, type, width)                                                                   \
    typedef type v##name __attribute__((vector_size(width)));                                      \
    typedef type u##name __attribute__((vector_size(width), aligned(1)));                          \
    void name##_1(v##name (*f)(v##name), u##name *x, u##name *z, long n) {                         \
        for (long i = 0; i < n; i++) z[i] = f(x[i]);                                               \
    }                                                                                              \
    void name##_2(v##name (*f)(v##name, v##name), u##name *x, u##name *y, u##name *z, long n) {    \
        for (long i = 0; i < n; i++) z[i] = f(x[i], y[i]);                                         \
    }
LOOPS(float64, double, WIDTH)
LOOPS(float32, float, WIDTH)
"""
# The letter of the vector ABI, and its bytes.
_VECTORS = {isa.V4: ("e", 64), isa.V3: ("d", 32)}


@functools.cache
def _libmvec() -> tuple[ctypes.CDLL, ctypes.CDLL, str, int] | None:
    """Return glibc's vector functions, loops over them, and their letter and bytes."""
    level = isa.host()
    path = ctypes.util.find_library("mvec")
    if path is None or level not in _VECTORS:
        return None
    letter, width = _VECTORS[level]
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "loops.c", Path(folder) / "loops.so"
        source.write_text(_LOOPS)
        flags = f"-target x86_64-linux-gnu -mcpu={level.name.replace('-', '_')} -O2 -shared"
        options = [*flags.split(), "-nostdlib", f"-DWIDTH={width}"]
        subprocess.run(
            [sys.executable, "-m", "ziglang", "cc", *options, str(source), "-o", str(library)],
            env=os.environ | {"ZIG_LOCAL_CACHE_DIR": folder, "ZIG_GLOBAL_CACHE_DIR": folder},
            check=True,
        )
        return ctypes.CDLL(path), ctypes.CDLL(str(library)), letter, width


def _mvec(op: Op, arrays: Sequence[Array], out: Array) -> Call | None:
    found = _libmvec()
    if found is None:
        return None
    functions, loops, letter, width = found
    lanes = width // out.itemsize
    suffix = "f" if out.itemsize == 4 else ""
    symbol = f"_ZGV{letter}N{lanes}{'v' * op.arity}_{_in_c(op)}{suffix}"
    if not hasattr(functions, symbol):
        return None
    loop = getattr(loops, f"{out.dtype}_{op.arity}")
    address = ctypes.cast(getattr(functions, symbol), ctypes.c_void_p)
    pointers = [ctypes.c_void_p(each.ctypes.data) for each in (*arrays, out)]
    return partial(loop, address, *pointers, ctypes.c_long(out.size // lanes))


_PEERS: tuple[tuple[str, str, Callable[[Op, Sequence[Array], Array], Call | None]], ...] = (
    (_NUMPY, "numpy", _numpy),
    ("numexpr", "numexpr", _numexpr),
    ("Numba", "numba", _numba),
    ("libmvec", "numpy", _mvec),
    (f"{_NUMPY} {_FUSED}", "numpy", _numpy_fused),
)


# -- NumPy without AVX-512 -----------------------------------------------------------------------


def _times_numpy(names: Sequence[str], dtype: np.dtype[Any], seconds: float) -> dict[str, float]:
    """Return the speed of the v3 pack as a multiple of NumPy's, as this process has it."""
    found = {}
    for name in names:
        with np.errstate(all="ignore"):
            every = calls(OPS[name], dtype, ())
            if _NUMPY in every:
                pair = {each: every[each] for each in (_NUMPY, isa.V3.name)}
                timings = measure(pair, seconds)
                found[name] = timings[_NUMPY].median / timings[isa.V3.name].median
    return found


def _times_numpy_of_avx2(dtype: np.dtype[Any], seconds: float) -> dict[str, float]:
    """Return the same for a NumPy that is told to do without AVX-512, in a process of its own."""
    wide = [each for each in np._core._multiarray_umath.__cpu_dispatch__ if _is_wide(each)]  # type: ignore[attr-defined]
    command = [sys.executable, "-m", "tests.benchmarks.functions", dtype.name, str(seconds)]
    environment = os.environ | {"NPY_DISABLE_CPU_FEATURES": " ".join(wide)}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _is_wide(feature: str) -> bool:
    return feature == "X86_V4" or feature.startswith("AVX512")


# -- instructions --------------------------------------------------------------------------------


def instructions(stencil: Stencil) -> int:
    """Return how many instructions the main path of a stencil has: no unlikely branch is taken."""
    count, waiting = 0, ""
    for line in stencil.assembly:
        text = line.strip()
        if waiting:
            waiting = "" if text.startswith(waiting) else waiting
            continue
        if text.endswith(":"):
            continue
        count += 1
        jump = re.match(r"(?:\{\w+\} )?(j\w+|b\S*) (\.Lend)$", text)
        if jump:
            waiting = ".Lend"
    return count


def _per_element(op: Op, dtype: np.dtype[Any], level: isa.Isa) -> float:
    kind = next(each for each in op.dtypes if each.numpy == dtype)
    stencil = load(level)[stencil_name(op.name, kind, dtype.itemsize)]
    return instructions(stencil) / level.lanes(dtype.itemsize)


# -- the table -----------------------------------------------------------------------------------


def calls(op: Op, dtype: np.dtype[Any], peers: Sequence[str]) -> dict[str, Call]:
    """Return what is timed for one function, by column."""
    random = np.random.default_rng(0)
    low, high = FUNCTIONS[op.name].typical
    arrays = [random.uniform(low, high, _SIZE).astype(dtype) for _ in range(op.arity)]
    out = np.empty(_SIZE, dtype)
    function = _function(op)
    if op.arity == 1:
        alone, fused = (lambda x: function(x)), (lambda x: function(x) * x + x)
    else:
        alone, fused = (lambda x, y: function(x, y)), (lambda x, y: function(x, y) * x + x)
    found: dict[str, Call] = {}
    with np.errstate(all="ignore"):
        truth = function_of(op)(*(each.astype(np.float64) for each in arrays)).astype(dtype)
        for name, peer, make in _PEERS:
            call = make(op, arrays, out) if peer in peers or peer == "numpy" else None
            if call is not None:
                found[name] = call
                call()
                if _FUSED not in name:
                    # What the peers promise is not ours to test: that they compute the same is.
                    tolerance = 1e3 * np.finfo(dtype).eps
                    if not np.allclose(out, truth, tolerance, tolerance, equal_nan=True):
                        raise ValueError(f"{name}: {op} is something else")
    for level in (each for each in isa.LEVELS.values() if isa.runs_here(each)):
        found[level.name] = cpjit(alone, isa=level.name).bind(*arrays, out=out)
    found[_FUSED] = cpjit(fused).bind(*arrays, out=out)
    if op in FAST and dtype in [each.numpy for each in FAST[op].dtypes]:
        found[_FAST] = cpjit(alone, precision="fast").bind(*arrays, out=out)
    return found


def _ratio(timings: dict[str, Timing], theirs: str, ours: str) -> str:
    if theirs not in timings:
        return "-"
    return f"{timings[theirs].median / timings[ours].median:.2f}"


def tables(peers: Sequence[str], seconds: float) -> Iterator[Table]:
    """Yield the times and the ratios of all functions, a table a dtype."""
    levels = [each for each in isa.LEVELS.values() if isa.runs_here(each)]
    host = levels[0].name
    header = ["", "NumPy ns", *(f"{each} ns" for each in levels)]
    header += [f"times {name}" for name, *_ in _PEERS[:-1]] + ["fused"]
    header += [f"{each} times NumPy of AVX2" for each in levels if each is isa.V3]
    header += ["fast ns", "fast times full"]
    header += [f"instructions {each}" for each in levels]
    for dtype in map(np.dtype, ("float64", "float32")):
        rows = []
        of_avx2 = _times_numpy_of_avx2(dtype, seconds) if isa.V3 in levels else {}
        for name in FUNCTIONS:
            op = OPS[name]
            with np.errstate(all="ignore"):
                timings = measure(calls(op, dtype, peers), seconds)
            ns = [timings[each].median / _SIZE * 1e9 for each in (host, *map(str, levels[1:]))]
            numpy_ns = timings[_NUMPY].median / _SIZE * 1e9 if _NUMPY in timings else math.nan
            row = [name, f"{numpy_ns:.3g}", *(f"{each:.3g}" for each in ns)]
            row += [_ratio(timings, each, host) for each, *_ in _PEERS[:-1]]
            row += [_ratio(timings, f"{_NUMPY} {_FUSED}", _FUSED)]
            if isa.V3 in levels:
                row.append(f"{of_avx2[name]:.2f}" if name in of_avx2 else "-")
            fast = timings.get(_FAST)
            row += [f"{fast.median / _SIZE * 1e9:.3g}" if fast else "-"]
            row += [_ratio(timings, host, _FAST) if fast else "-"]
            row += [f"{_per_element(op, dtype, each):.2f}" for each in levels]
            rows.append(row)
        yield Table(
            f"Elementary functions, {dtype}, {_SIZE} numbers, `out=` given, bound",
            header,
            rows,
            [
                "times: cpnum's speed as a multiple of another's; fused: f(x) * x + x, times NumPy "
                "with out= at each step; NumPy of AVX2: told to do without AVX-512; fast: of "
                'precision="fast"; instructions of an element, loads and stores apart.'
            ],
        )


if __name__ == "__main__":
    print(json.dumps(_times_numpy(list(FUNCTIONS), np.dtype(sys.argv[1]), float(sys.argv[2]))))
