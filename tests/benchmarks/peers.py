"""The calls that are timed: of NumPy, numexpr, Numba, JAX and cpnum, for one expression.

Each is prepared for a dtype (compiled, where there is something to compile), then made for given
arrays.  A call takes no arguments; it returns the result, or nothing if that is in `out`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from cpnum import cpjit
from cpnum.show.timing import max_ulp
from cpnum.tables import isa

from .expressions import (
    Array,
    Expression,
    loop_function,
    scalar_function,
    typed,
    with_out,
)

Call = Callable[[], object]
Prepared = Callable[[Sequence[Array], Array], Call]
Maker = Callable[[Expression, np.dtype[Any]], Prepared]

FASTMATH = "fastmath"


def _numpy(expression: Expression, dtype: np.dtype[Any]) -> Prepared:
    function = with_out(expression)
    return lambda arrays, out: partial(function, *arrays, out)


def _numpy_chain(expression: Expression, dtype: np.dtype[Any]) -> Prepared:
    return lambda arrays, out: partial(expression.chain, arrays, np.empty_like(out), out)


def _numexpr(expression: Expression, dtype: np.dtype[Any]) -> Prepared:
    import numexpr

    numexpr.set_num_threads(1)
    # Constants that are variables cost a little; in float64 a literal is what is meant.
    plain = dtype == np.float64
    text, constants = (expression.text, {}) if plain else typed(expression, dtype)

    def prepare(arrays: Sequence[Array], out: Array) -> Call:
        names = {**dict(zip(expression.parameters, arrays, strict=True)), **constants}
        numexpr.validate(text, local_dict=names, out=out)
        # What `validate` was given last is evaluated, `out` included, without looking it up.
        return partial(numexpr.re_evaluate, local_dict=names)

    return prepare


def _numba_loop(expression: Expression, dtype: np.dtype[Any], fastmath: bool = False) -> Prepared:
    import numba

    # With Python's error model a division raises, and a loop that may raise has no SIMD code.
    array = numba.types.Array(numba.from_dtype(dtype), 1, "C")
    signature = numba.void(*[array] * (len(expression.parameters) + 1))
    njit = numba.njit(signature, error_model="numpy", fastmath=fastmath)
    loop = njit(loop_function(expression, dtype))
    return lambda arrays, out: partial(loop, *arrays, out)


def _numba_ufunc(expression: Expression, dtype: np.dtype[Any], fastmath: bool = False) -> Prepared:
    import numba

    element = numba.from_dtype(dtype)
    signature = element(*[element] * len(expression.parameters))
    ufunc = numba.vectorize([signature], fastmath=fastmath)(scalar_function(expression, dtype))
    return lambda arrays, out: partial(ufunc, *arrays, out)


def import_jax() -> Any:
    """Return JAX, of one thread and with float64."""
    # Read when JAX is imported, here for the first time.
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def _jax(expression: Expression, dtype: np.dtype[Any]) -> Prepared:
    jax = import_jax()
    function = expression.function(jax.numpy)
    # JAX's `out`: the buffer of the last result is given back for the next one.
    compiled = jax.jit(lambda out, *arrays: function(*arrays), donate_argnums=0, keep_unused=True)

    def prepare(arrays: Sequence[Array], out: Array) -> Call:
        held = [jax.numpy.zeros_like(out)]
        given = [jax.numpy.asarray(each) for each in arrays]

        def call() -> object:
            held[0] = compiled(held[0], *given)
            held[0].block_until_ready()
            return held[0]

        return call

    return prepare


def _cpnum(
    expression: Expression,
    dtype: np.dtype[Any],
    level: str | None = None,
    bound: bool = False,
    fastmath: bool = False,
) -> Prepared:
    compiled = cpjit(isa=level, fastmath=fastmath)(expression.function())
    if bound:
        return lambda arrays, out: compiled.bind(*arrays, out=out)
    return lambda arrays, out: partial(compiled, *arrays, out=out)


# fmt: off
#    column                peer       of it
_MAKERS: tuple[tuple[str, str, Maker], ...] = (
    ("NumPy",              "numpy",   _numpy),
    ("NumPy out=",         "numpy",   _numpy_chain),
    ("numexpr",            "numexpr", _numexpr),
    ("Numba njit",         "numba",   _numba_loop),
    ("Numba ufunc",        "numba",   _numba_ufunc),
    ("JAX",                "jax",     _jax),
    ("Numba njit fastmath",  "numba", partial(_numba_loop, fastmath=True)),
    ("Numba ufunc fastmath", "numba", partial(_numba_ufunc, fastmath=True)),
)
# fmt: on

CALLED, BOUND = "cpnum", "cpnum bound"


def lower_levels() -> list[str]:
    """Return the levels below the host's that run here, which are listed beside it."""
    return [name for name, each in isa.LEVELS.items() if isa.runs_here(each)][1:]


def prepared(
    expression: Expression, dtype: np.dtype[Any], peers: Sequence[str]
) -> dict[str, Prepared]:
    """Return what is timed for an expression, by column."""
    found = {name: make(expression, dtype) for name, peer, make in _MAKERS if peer in peers}
    found[CALLED] = _cpnum(expression, dtype)
    found[BOUND] = _cpnum(expression, dtype, bound=True)
    for level in lower_levels():
        found[f"{CALLED} {level}"] = _cpnum(expression, dtype, level)
    found[f"{CALLED} {FASTMATH}"] = _cpnum(expression, dtype, fastmath=True)
    found[f"{BOUND} {FASTMATH}"] = _cpnum(expression, dtype, bound=True, fastmath=True)
    return found


def check(
    expression: Expression, calls: dict[str, Call], arrays: Sequence[Array], out: Array
) -> None:
    """Run each call and compare its result with NumPy's.

    Raises:  ValueError, which says by how much a result is wrong.
    """
    expected = expression.function()(*arrays)
    # What the peers promise is not ours to test: that they compute the same thing is.
    tolerance = 100 * np.finfo(out.dtype).eps
    for name, call in calls.items():
        out[...] = np.nan
        returned = call()
        result = out if returned is None else np.asarray(returned)
        if name.startswith(CALLED) and FASTMATH not in name:
            distance = max_ulp(result, expected)
            if distance > expression.ulp:
                raise ValueError(f"{name}: {expression} is {distance} ULP from NumPy's result")
        elif not np.allclose(result, expected, rtol=tolerance, atol=0):
            worst = np.max(np.abs(result - expected) / np.abs(expected))
            raise ValueError(f"{name}: {expression} is off by {worst:.1e}, relatively")
