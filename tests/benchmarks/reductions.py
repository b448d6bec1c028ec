"""Speed of reductions and of functions around them, beside the peers'.

Numba's functions are plain loops, without and with fastmath; JAX's are those of NumPy, compiled.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from cpnum import cpjit
from cpnum.show.timing import Timing, measure

from .peers import import_jax
from .speed import NOISY
from .tables import MISSED, Table, mark, power_of_ten

Array = np.ndarray[Any, Any]
Call = Callable[[], object]


class Reduction(NamedTuple):
    """A function to measure: NumPy's, Numba's loop, and the shapes of its arguments for a size."""

    name: str
    function: Callable[..., Any]
    loop: Callable[..., Any] | None
    shapes: Callable[[int], Sequence[tuple[int, ...]]]
    numexpr: str = ""
    bottleneck: tuple[str, int | None] | None = None  # its function, and the axis


# -- NumPy's functions, and Numba's loops -------------------------------------------------------


def _sum(x: Array) -> Any:
    return x.sum()


def _sum_loop(x: Array) -> float:
    total = 0.0
    for i in range(x.size):
        total += x[i]
    return total


def _sum_of_product(x: Array, y: Array) -> Any:
    return (x * y).sum()


def _sum_of_product_loop(x: Array, y: Array) -> float:
    total = 0.0
    for i in range(x.size):
        total += x[i] * y[i]
    return total


def _likelihood(x: Array, y: Array) -> Any:
    return (-0.5 * ((x - y) / 0.7) ** 2 - 0.3).sum()


def _likelihood_loop(x: Array, y: Array) -> float:
    total = 0.0
    for i in range(x.size):
        z = (x[i] - y[i]) / 0.7
        total += -0.5 * (z * z) - 0.3
    return total


def _max(x: Array) -> Any:
    return x.max()


def _max_loop(x: Array) -> float:
    largest = -math.inf
    for i in range(x.size):
        largest = max(largest, x[i])
    return largest


def _any(x: Array) -> Any:
    return (x > 2.0).any()


def _any_loop(x: Array) -> bool:
    for i in range(x.size):
        if x[i] > 2.0:
            return True
    return False


def _moments(x: Array) -> Any:
    return x.mean(), x.var(), x.max()


def _moments_loop(x: Array) -> tuple[float, float, float]:
    total, largest = 0.0, -math.inf
    for i in range(x.size):
        total += x[i]
        largest = max(largest, x[i])
    mean, squares = total / x.size, 0.0
    for i in range(x.size):
        squares += (x[i] - mean) ** 2
    return mean, squares / x.size, largest


def _rows(x: Array) -> Any:
    return x.sum(axis=1)


def _rows_loop(x: Array) -> Array:
    result = np.empty(x.shape[0])
    for i in range(x.shape[0]):
        total = 0.0
        for j in range(x.shape[1]):
            total += x[i, j]
        result[i] = total
    return result


def _columns(x: Array) -> Any:
    return x.sum(axis=0)


def _columns_loop(x: Array) -> Array:
    result = np.zeros(x.shape[1])
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            result[j] += x[i, j]
    return result


def _softmax(x: Array) -> Any:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _softmax_loop(x: Array) -> Array:
    result = np.empty_like(x)
    for i in range(x.shape[0]):
        largest = -math.inf
        for j in range(x.shape[1]):
            largest = max(largest, x[i, j])
        total = 0.0
        for j in range(x.shape[1]):
            result[i, j] = math.exp(x[i, j] - largest)
            total += result[i, j]
        for j in range(x.shape[1]):
            result[i, j] /= total
    return result


def _scores(x: Array) -> Any:
    return (x - x.mean(axis=0)) / x.std(axis=0)


def _distances(x: Array, y: Array) -> Any:
    return np.sqrt(((x[:, None] - y) ** 2).sum(-1))


def _distances_loop(x: Array, y: Array) -> Array:
    result = np.empty((x.shape[0], y.shape[0]))
    for i in range(x.shape[0]):
        for j in range(y.shape[0]):
            total = 0.0
            for k in range(x.shape[1]):
                total += (x[i, k] - y[j, k]) ** 2
            result[i, j] = math.sqrt(total)
    return result


def _nanmean(x: Array) -> Any:
    return np.nanmean(x)


def _nanmean_loop(x: Array) -> float:
    total, count = 0.0, 0
    for i in range(x.size):
        if not math.isnan(x[i]):
            total += x[i]
            count += 1
    return total / count


def _nanvar(x: Array) -> Any:
    return np.nanvar(x)


def _nanmax(x: Array) -> Any:
    return np.nanmax(x)


def _nansum_of_rows(x: Array) -> Any:
    return np.nansum(x, axis=1)


def _nanmean_of_columns(x: Array) -> Any:
    return np.nanmean(x, axis=0)


def _running(x: Array) -> Any:
    return np.cumsum(x * 0.5)


def _running_loop(x: Array) -> Array:
    result, total = np.empty_like(x), 0.0
    for i in range(x.size):
        total += x[i] * 0.5
        result[i] = total
    return result


def _product(x: Array) -> Any:
    return np.prod(x)


def _product_loop(x: Array) -> float:
    product = 1.0
    for i in range(x.size):
        product *= x[i]
    return product


def _inner(x: Array, y: Array) -> Any:
    return ((x[1:-1, 1:-1] - y[1:-1, 1:-1]) ** 2).mean()


def _inner_loop(x: Array, y: Array) -> float:
    total = 0.0
    for i in range(1, x.shape[0] - 1):
        for j in range(1, x.shape[1] - 1):
            total += (x[i, j] - y[i, j]) ** 2
    return total / ((x.shape[0] - 2) * (x.shape[1] - 2))


def _cosine(x: Array, y: Array) -> Any:
    lengths = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return (x * y).sum(axis=1) / lengths


def _cosine_loop(x: Array, y: Array) -> Array:
    result = np.empty(x.shape[0])
    for i in range(x.shape[0]):
        xx = yy = xy = 0.0
        for j in range(x.shape[1]):
            xx += x[i, j] * x[i, j]
            yy += y[i, j] * y[i, j]
            xy += x[i, j] * y[i, j]
        result[i] = xy / math.sqrt(xx * yy)
    return result


def _vector(count: int) -> Callable[[int], Sequence[tuple[int, ...]]]:
    return lambda size: [(size,)] * count


def _square(size: int) -> Sequence[tuple[int, ...]]:
    side = math.isqrt(size)
    return [(side, side)]


def _squares(size: int) -> Sequence[tuple[int, ...]]:
    return [*_square(size), *_square(size)]


def _points(size: int) -> Sequence[tuple[int, ...]]:
    side = math.isqrt(size)
    return [(side, 3)] * 2


REDUCTIONS = (
    Reduction("sum", _sum, _sum_loop, _vector(1), "sum(x)"),
    Reduction("sum of x * y", _sum_of_product, _sum_of_product_loop, _vector(2), "sum(x * y)"),
    Reduction("log-likelihood", _likelihood, _likelihood_loop, _vector(2)),
    Reduction("max", _max, _max_loop, _vector(1), "max(x)"),
    Reduction("any of x > 2", _any, _any_loop, _vector(1)),
    Reduction("mean, var, max", _moments, _moments_loop, _vector(1)),
    Reduction("sums of rows", _rows, _rows_loop, _square, "sum(x, 1)"),
    Reduction("sums of columns", _columns, _columns_loop, _square, "sum(x, 0)"),
    Reduction("softmax", _softmax, _softmax_loop, _square),
    Reduction("standard scores", _scores, None, _square),
    Reduction("distances", _distances, _distances_loop, _points),
    Reduction("cosines of rows", _cosine, _cosine_loop, _squares),
    Reduction("mean square inside", _inner, _inner_loop, _squares),
    Reduction("running sum", _running, _running_loop, _vector(1)),
    Reduction("product", _product, _product_loop, _vector(1)),
    Reduction("nanmean", _nanmean, _nanmean_loop, _vector(1), bottleneck=("nanmean", None)),
    Reduction("nanvar", _nanvar, None, _vector(1), bottleneck=("nanvar", None)),
    Reduction("nanmax", _nanmax, None, _vector(1), bottleneck=("nanmax", None)),
    Reduction("nansum of rows", _nansum_of_rows, None, _square, bottleneck=("nansum", 1)),
    Reduction("nanmean of columns", _nanmean_of_columns, None, _square, bottleneck=("nanmean", 0)),
)


# -- who runs -----------------------------------------------------------------------------------

NUMPY, NUMEXPR, NUMBA, FAST, JAX = "NumPy", "numexpr", "Numba", "Numba fastmath", "JAX"
BOTTLENECK = "bottleneck"
CALLED, BOUND = "cpnum", "cpnum bound"


def _numba(loop: Callable[..., Any], fastmath: bool) -> Callable[..., Any]:
    import numba

    # With Python's error model a division raises, and a loop that may raise has no SIMD code.
    made: Callable[..., Any] = numba.njit(error_model="numpy", fastmath=fastmath)(loop)
    return made


def _jax(function: Callable[..., Any], arrays: Sequence[Array]) -> Call:
    jax = import_jax()
    scope = {**function.__globals__, "np": jax.numpy}
    compiled = jax.jit(type(function)(function.__code__, scope))  # type: ignore[call-arg]
    given = [jax.numpy.asarray(each) for each in arrays]
    return lambda: jax.block_until_ready(compiled(*given))


def _numexpr(text: str, arrays: Sequence[Array]) -> Call:
    import numexpr

    numexpr.set_num_threads(1)
    names = dict(zip("xy", arrays, strict=False))
    numexpr.validate(text, local_dict=names)
    return partial(numexpr.re_evaluate, local_dict=names)


def calls(each: Reduction, arrays: Sequence[Array], peers: Sequence[str]) -> dict[str, Call]:
    """Return what is timed, by column; each has computed the same as NumPy."""
    found: dict[str, Call] = {NUMPY: partial(each.function, *arrays)}
    compiled = cpjit(each.function)
    found[CALLED] = partial(compiled, *arrays)
    found[BOUND] = compiled.bind(*arrays)
    if "numba" in peers and each.loop is not None:
        for name, fastmath in ((NUMBA, False), (FAST, True)):
            found[name] = partial(_numba(each.loop, fastmath), *arrays)
    if "jax" in peers:
        found[JAX] = _jax(each.function, arrays)
    if "bottleneck" in peers and each.bottleneck is not None:
        import bottleneck

        name, axis = each.bottleneck
        found[BOTTLENECK] = partial(getattr(bottleneck, name), arrays[0], axis=axis)
    expected = found[NUMPY]()
    if "numexpr" in peers and each.numexpr:
        found[NUMEXPR] = _numexpr(each.numexpr, arrays)
        found[NUMEXPR]()
    for name, call in found.items():
        for one, other in zip(_several(expected), _several(call()), strict=True):
            # What the peers promise is not ours to test: that they compute the same is.  numexpr
            # adds 10 million float32 with an error of a percent.
            if not np.allclose(one, other, 2e-2, 2e-2):
                raise ValueError(f"{name}: {each.name} is something else")
    return found


def _several(result: Any) -> tuple[Any, ...]:
    return result if isinstance(result, tuple) else (result,)


# -- the table ----------------------------------------------------------------------------------

_PEERS = (NUMPY, NUMEXPR, NUMBA, FAST, JAX, BOTTLENECK)


def _ratio(timings: dict[str, Timing], theirs: str, ours: str) -> str:
    if theirs not in timings:
        return "-"
    mine, other = timings[ours], timings[theirs]
    noisy = NOISY if mine.noisy or other.noisy else ""
    return mark(other.median / mine.median, 1.0) + noisy


def tables(sizes: Sequence[int], peers: Sequence[str], seconds: float) -> Iterator[Table]:
    """Yield the table of each dtype."""
    for dtype in ("float64", "float32"):
        rows: list[list[str]] = []
        ratios: dict[str, list[float]] = {name: [] for name in _PEERS}
        for each in REDUCTIONS:
            for size in sizes:
                random = np.random.default_rng(0)
                arrays = [random.random(shape).astype(dtype) for shape in each.shapes(size)]
                timings = measure(calls(each, arrays, peers), seconds)
                for name in _PEERS:
                    if name in timings:
                        ratios[name].append(timings[name].median / timings[BOUND].median)
                rows.append([
                    each.name,
                    power_of_ten(size),
                    f"{timings[NUMPY].median / size * 1e9:.3g}",
                    f"{timings[BOUND].median / size * 1e9:.3g}",
                    *(_ratio(timings, name, BOUND) for name in _PEERS),
                    _ratio(timings, NUMPY, CALLED),
                ])  # fmt: skip
        means = [mark(statistics.geometric_mean(ratios[name]), 1.0) if ratios[name] else "-"
                 for name in _PEERS]  # fmt: skip
        rows.append(["geometric mean", "", "", "", *means, ""])
        yield Table(
            f"Reductions, {dtype}, bound",
            ["", "size", "NumPy ns", "ns", *(f"times {name}" for name in _PEERS), "called"],
            rows,
            [
                f"ns: an element.  times: the speed of bound calls as a multiple of another's, "
                f"{MISSED} below 1; {NOISY} is noisy: the spread is over a tenth.  called: the "
                "speed of plain calls as a multiple of NumPy's.",
            ],
        )
