"""What there is to know about an elementary function, and the arguments it is tested with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gmpy2
import numpy as np

from cpnum.show.timing import ulp_error
from cpnum.tables.dtypes import F64, DType

Array = np.ndarray[Any, Any]
INVALID, DIVIDE, OVER, NONE = {"invalid"}, {"divide"}, {"over"}, set[str]()

# Bits of a true value; enough for what cancels in any function here.
PRECISION = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function.

    `true` computes it with numbers of MPFR.  `typical` is the interval that half of the arguments
    are from, `domain` where it is finite; `hard` are numbers where an algorithm may change or
    cancel, in units of the argument: ends of intervals of reduction and of tables, thresholds,
    zeros.  `special` has (arguments, value, floating-point errors); "tiny", "max" and their
    negatives stand for those of the dtype.  A value that is not exact is rounded either way.
    `exact` has (arguments, value) that must be met exactly, in the dtypes that hold both.
    `more` makes further arguments of a dtype; a function of two arguments has only these, as pairs.
    `odd`, `even` and `commutative` are said of the first argument, and of both.  `increasing` is
    True or False for a function that is monotonic where it is finite.
    """

    true: Callable[..., Any]
    arity: int = 1
    typical: tuple[float, float] = (-5.0, 5.0)
    domain: tuple[float, float] = (-np.inf, np.inf)
    hard: Sequence[float] = ()
    special: Sequence[tuple[Any, ...]] = ()
    exact: Sequence[tuple[Any, ...]] = ()
    more: Callable[[DType, np.random.Generator, int], Sequence[Any]] | None = None
    # Of two arguments: at which pairs it has a value, beside the domain.
    defined: Callable[..., Array] | None = None
    odd: bool = False
    even: bool = False
    commutative: bool = False
    # Of an odd function at 0: where it is 1, tiny arguments are their own values.
    slope: float = 1.0
    increasing: bool | None = None
    # An argument at which nothing is special.
    ordinary: float = 0.5
    # The interval that the results stay in.
    image: tuple[float, float] = (-np.inf, np.inf)

    def inside(self, *operands: Array) -> Array:
        """Tell at which arguments the function is finite, and not only by its special values."""
        low, high = self.domain
        good = np.ones(operands[0].shape, bool)
        for each in operands:
            good &= np.isfinite(each) & (each != 0) & (each >= low) & (each <= high)
        return good if self.defined is None else good & self.defined(*operands)

    def arguments(self, dtype: DType, count: int, seed: int = 0) -> tuple[Array, ...]:
        """Return arguments of all kinds: random ones of all magnitudes, and the hard ones."""
        random = np.random.default_rng([seed, count, dtype.itemsize])
        with np.errstate(all="ignore"):
            if self.arity == 2:
                assert self.more is not None
                parts = [np.broadcast_arrays(*each) for each in self.more(dtype, random, count)]
                raw = random.integers(0, 256, 2 * count * dtype.itemsize, np.uint8)
                parts.append(list(raw.view(dtype.numpy).reshape(2, -1)))
                columns = [
                    np.concatenate(
                        [np.asarray(part[at]).astype(dtype.numpy).ravel() for part in parts]
                    )
                    for at in range(2)
                ]
                good = self.inside(*columns)
                return tuple(each[good] for each in columns)
            values = [*self._plain(dtype, random, count)]
            if self.more is not None:
                values += self.more(dtype, random, count)
            x = np.concatenate([np.asarray(each).astype(dtype.numpy).ravel() for each in values])
            return (np.unique(x[self.inside(x)]),)

    def _plain(self, dtype: DType, random: np.random.Generator, count: int) -> list[Any]:
        limits = np.finfo(dtype.numpy.name)
        raw = random.integers(0, 256, count * dtype.itemsize, np.uint8).view(dtype.numpy)
        part = count // 4
        return [
            raw,
            random.uniform(*self.typical, count),
            np.exp2(random.uniform(-40, 12, count)) * random.choice([-1, 1], count),
            np.ldexp(random.uniform(1, 2, 60), random.integers(-1074, -1020, 60)),
            near(self.hard, dtype, 8),
            1 + np.ldexp(random.uniform(-1, 1, part), random.integers(-50, -1, part)),
            [limits.max, limits.tiny, limits.smallest_subnormal, -limits.max, -limits.tiny],
        ]


def near(values: Any, dtype: DType, steps: int = 3) -> Array:
    """Return values, and their neighbours in the dtype."""
    with np.errstate(all="ignore"):
        found = [np.asarray(values, dtype.numpy)]
        for direction in (-np.inf, np.inf):
            at = found[0]
            for _ in range(steps):
                at = np.nextafter(at, dtype.numpy.type(direction))
                found.append(at)
    return np.concatenate(found)


def true_values(function: Function, dtype: DType, operands: Sequence[Array]) -> tuple[Array, Array]:
    """Return the true values as the nearest numbers of the dtype, and what is left of each, in ulp.

    Of a value that overflows, nothing is left.
    """
    with gmpy2.context(precision=PRECISION), np.errstate(all="ignore"):
        mpfr, true = gmpy2.mpfr, function.true
        columns = [each.astype(float).tolist() for each in operands]
        exact = [true(*map(mpfr, numbers)) for numbers in zip(*columns, strict=True)]
        heads = np.array([float(each) for each in exact]).astype(dtype.numpy)
        finite = np.isfinite(heads)
        units = np.spacing(np.abs(np.where(finite, heads, 1))).astype(float).tolist()
        near_heads = np.where(finite, heads, 0).astype(float).tolist()
        rests = [
            float((value - mpfr(head)) / mpfr(unit))
            for value, head, unit in zip(exact, near_heads, units, strict=True)
        ]
        return heads, np.where(finite, rests, 0.0)


def errors(actual: Array, heads: Array, rests: Array) -> Array:
    """Return the errors in units in the last place of the true values."""
    same = actual == heads  # infinities too
    with np.errstate(all="ignore"):
        unit = np.spacing(np.abs(heads)).astype(np.longdouble)
        distance = (actual.astype(np.longdouble) - heads.astype(np.longdouble)) / unit
    found: Array = np.abs(np.where(same, 0, distance) - rests)
    return found


def errors_of_float32(actual: Array, wide: Array) -> tuple[Array, Array]:
    """Return the errors of float32 results against float64 ones, in ulp, where these are finite.

    And these rounded to float32, finite or not.
    """
    with np.errstate(over="ignore"):
        return ulp_error(actual, wide), wide.astype(np.float32)


# A function in long double may be off by so many units of float64's last place.
_OFF = 0.02


def worst_errors(
    function: Function,
    quick: Callable[..., Array] | None,
    operands: Sequence[Array],
    actual: Array,
    count: int = 100,
) -> tuple[Array, Array]:
    """Return where the errors of float64 results are the largest, and these errors.

    `quick`, the function in long double, chooses `count` of them, and MPFR measures these, and as
    many others, by which `quick` itself is tried.  Without it, MPFR measures all.

    Raises:  ValueError if `quick` is wrong.
    """
    if quick is None:
        return np.arange(actual.size), errors(actual, *true_values(function, F64, operands))
    with np.errstate(all="ignore"):
        reference = quick(*[each.astype(np.longdouble) for each in operands])
        heads = reference.astype(np.float64)
        # Half way below a power of two, MPFR's value may round down, to where the unit is half.
        size = np.abs(heads)
        half_way = (size - np.abs(reference)) / size > 0.98 * 2.0**-54
        unit = np.spacing(np.where(half_way, np.nextafter(size, 0), size)).astype(np.longdouble)
        found = np.abs(actual - reference) / unit
    same = (actual == heads) | (np.isnan(actual) & np.isnan(heads))
    found = np.where(np.isfinite(heads), found, np.where(same, 0.0, np.inf)).astype(np.float64)
    found[np.isnan(found)] = np.inf
    order = np.argpartition(found, max(0, found.size - count))
    some = np.random.default_rng(0).choice(found.size, min(count, found.size), replace=False)
    at = np.concatenate([order[-count:], some])
    exact = errors(actual[at], *true_values(function, F64, [each[at] for each in operands]))
    if np.any(found[at] < exact - _OFF) or np.count_nonzero(found > exact.max() + _OFF) > count:
        raise ValueError("the function in long double is too far from MPFR's")
    return at, exact
