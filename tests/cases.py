"""What the tests share: values of each dtype, layouts they are put into, and how bits compare."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from cpnum import special as special_functions
from cpnum.ir import reference
from cpnum.ir.containers import opened
from cpnum.run.machine import machine_of
from cpnum.tables.dtypes import DTYPES, F32, F64, I32, I64, B, DType
from cpnum.tables.isa import LEVELS
from cpnum.tables.ops import ALWAYS, FAST, OPS, Kind, Op
from cpnum.trace.tracer import Traced

# The names of the levels that some machine runs.
HERE = [name for name, isa in LEVELS.items() if machine_of(isa) is not None]

# Each with both signs.
_FLOATS = [
    0.0, 1.0, 0.5, 1.5, 2.5, 3.0, np.inf, np.nan, 0.1, 3.75, 7.0, np.pi, 0.49999999999999994, 1e-3,
    1e3, 2.0**24 + 1, 2.0**31, 2.0**31 - 1, 1e10, 2.0**52 + 0.5, 2.0**52 + 1, 1e19, 2.0**63,
    1e-40, 3.4e38,
]  # fmt: skip
_INTEGERS = [
    0, 1, -1, 2, -2, 3, 5, 7, -7, 31, 32, 33, 40, 63, 64, 65, 100, 255, 46341, 2**24 + 1,
    2**31 - 2, 2**31 - 1, -(2**31) + 1, -(2**31),
]  # fmt: skip
_WIDE = [2**53 + 1, -(2**53) - 1, 2**62, 2**63 - 1, -(2**63), -(2**63) + 1, 2**32, 2**31]


def special(dtype: DType) -> Any:
    """Return the values of a dtype that have a meaning of their own."""
    if dtype.family == "F":
        limits = np.finfo(dtype.numpy.name)
        tiny, smallest, largest = limits.tiny, limits.smallest_subnormal, limits.max
        edges = [tiny, tiny * 1.5, np.nextafter(tiny, 0, dtype=dtype.numpy), smallest, smallest * 3]
        edges += [limits.eps, 1 + limits.eps, largest, largest / 2, largest / 2 * (1 + limits.eps)]
        chosen = np.array([*_FLOATS, *edges], dtype.numpy)
        return np.stack([chosen, -chosen], axis=1).ravel()
    if dtype is I64:
        return np.array(_INTEGERS + _WIDE, np.int64)
    if dtype is I32:
        return np.array(_INTEGERS, np.int32)
    return np.array([False, True])


def values(dtype: DType, count: int, seed: int = 0) -> Any:
    """Return `count` values of a dtype: special ones among random ones of all magnitudes."""
    random = np.random.default_rng([seed, dtype.itemsize, ord(dtype.family)])
    chosen = random.choice(special(dtype), count)
    if dtype.family == "F":
        plain = random.normal(size=count) * 10.0 ** random.integers(-4, 5, count)
    elif dtype.family == "I":
        plain = random.integers(-1000, 1000, count)
    else:
        plain = random.integers(0, 2, count)
    bits = random.integers(0, 256, count * dtype.itemsize, np.uint8).view(dtype.numpy)
    if dtype.family == "B":
        bits = plain
    kind = random.integers(0, 3, count)
    with np.errstate(all="ignore"):
        return np.choose(kind, [chosen, plain.astype(dtype.numpy), bits.astype(dtype.numpy)])


def tame(dtype: DType, count: int, seed: int = 0) -> Any:
    """Return values between 0.25 and 1, or small integers: nothing with them raises a flag."""
    random = np.random.default_rng([seed, 1])
    if dtype.family == "F":
        return random.uniform(0.25, 1.0, count).astype(dtype.numpy)
    return random.integers(0, 2 if dtype is B else 5, count).astype(dtype.numpy)


# -- layouts -------------------------------------------------------------------------------------


def _contiguous(x: Any) -> Any:
    return x.copy()


def _strided(x: Any) -> Any:
    wide = np.resize(x[::-1], 3 * len(x)).astype(x.dtype)
    wide[::3] = x
    return wide[::3]


def _reversed(x: Any) -> Any:
    return x[::-1].copy()[::-1]


def _broadcast(x: Any) -> Any:
    return np.broadcast_to(x[:1], x.shape) if len(x) else x.copy()


def _misaligned(x: Any) -> Any:
    raw = np.zeros(x.nbytes + 1, np.uint8)
    raw[1:] = x.copy().view(np.uint8)
    return np.ndarray(x.shape, x.dtype, raw, 1)


# Each takes a one-dimensional array and returns one of equal shape; `broadcast` repeats the first
# value, all others keep the values.
LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "contiguous": _contiguous,
    "strided": _strided,
    "reversed": _reversed,
    "broadcast": _broadcast,
    "misaligned": _misaligned,
}


def lengths(level: str, dtypes: list[DType]) -> range:
    """Return 0 to 4 * lanes + 1, for the lanes of a kernel of these dtypes."""
    lanes = LEVELS[level].lanes(max(dtype.itemsize for dtype in dtypes))
    return range(4 * lanes + 2)


# -- operators -----------------------------------------------------------------------------------


def operand_dtypes(op: Op, dtype: DType) -> list[DType]:
    """Return the dtypes of an operator's operands."""
    return [ALWAYS.get(kind, dtype) for kind in op.operands]


def callable_of(op: Op) -> Callable[..., Any]:
    """Return what a user calls; outside of a trace, it is what cpnum is compared with."""
    op = OPS[op.function]
    if op.home == "numpy":
        function: Callable[..., Any] = getattr(np, op.name)
        return function
    ours, theirs = getattr(special_functions, op.name), reference.function_of(op)

    def either(x: Any) -> Any:
        if isinstance(x, Traced):
            return ours(x)
        narrow = getattr(x, "dtype", None) == np.float32
        return theirs(np.asarray(x, np.float32 if narrow else np.float64)[()])

    return either


def function_of(op: Op) -> Callable[..., Any]:
    """Return an operator's function, as one of positional arguments."""
    function = callable_of(op)
    if op.arity == 1:
        return lambda x: function(x)
    if op.arity == 2:
        return lambda x, y: function(x, y)
    return lambda x, y, z: function(x, y, z)


# (operator, dtype) for all that users call and that have one result.
ROWS = [
    (op, dtype)
    for op in OPS.values()
    if op.home != "rewrites" and len(op.results) == 1
    for dtype in (DTYPES if set(op.operands) == {Kind.MASK} else op.dtypes)
]
EXACT_ROWS = [(op, dtype) for op, dtype in ROWS if op.ulp == 0.5]
ELEMENTARY = [op for op in OPS.values() if op.ulp > 0.5 and op.home != "rewrites"]
# Those of 4 ULP, of functions that users call.
FASTER = [fast for op, fast in FAST.items() if op in ELEMENTARY]
FLOATING = (F64, F32)


def row_name(row: object) -> str:
    """Return the test id of an operator or a dtype."""
    return repr(row)


# -- comparing -----------------------------------------------------------------------------------


def bits(x: Any) -> Any:
    """Return the bits of an array as integers, every NaN the same one."""
    x = np.asarray(x).copy()
    raw = x.view(f"i{x.dtype.itemsize}").astype(np.int64)
    return np.where(np.isnan(x), -1, raw) if x.dtype.kind == "f" else raw


def assert_same(expected: Any, actual: Any, case: object = "", *operands: Any) -> None:
    """Assert that type, dtype, shape and bits are equal, of all leaves; NaN equals NaN."""
    assert type(expected) is type(actual), (case, type(expected), type(actual))
    containers = opened(expected), opened(actual)
    if containers[0] is not None:
        (keys, items), (others, made) = containers
        assert (keys, len(items)) == (others, len(made)), case
        for one, other in zip(items, made, strict=True):
            assert_same(one, other, case, *operands)
        return
    if not isinstance(expected, np.ndarray | np.generic):
        assert expected is actual or repr(expected) == repr(actual), (case, expected, actual)
        return
    assert expected.dtype == actual.dtype, (case, expected.dtype, actual.dtype)
    assert expected.shape == actual.shape, (case, expected.shape, actual.shape)
    differ = bits(expected) != bits(actual)
    if differ.any():
        at = tuple(int(i) for i in np.argwhere(differ)[0])
        given = [np.broadcast_to(each, expected.shape)[at] for each in operands]
        raise AssertionError(
            f"{case}: {int(differ.sum())} of {differ.size} differ, first at {at}: "
            f"expected {expected[at]!r}, actual {actual[at]!r}, operands {given!r}"
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore floating-point errors: these tests look at values."""
    with np.errstate(all="ignore"):
        yield


def plus_zeros(x: Any) -> Any:
    """Return a copy in which no zero has a sign."""
    return np.where(x == 0, np.zeros((), x.dtype), x) if x.dtype.kind == "f" else x


def errors_of(function: Callable[..., Any], *operands: Any) -> tuple[Any, set[str]]:
    """Return the result, and the floating-point errors but underflow, which is advisory."""
    seen: set[str] = set()
    names = {"divide by zero": "divide", "overflow": "over", "invalid value": "invalid"}
    with np.errstate(all="call", under="ignore", call=lambda kind, _: seen.add(names[kind])):
        result = function(*operands)
    return result, seen
