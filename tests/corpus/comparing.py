"""Results of two calls, compared: containers, types, dtypes, shapes and values."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

# Elementary functions are within 1 ULP in cpnum and within a few in NumPy, and what is computed of
# their results may have larger errors: these, of the largest element, or so many times those of
# arguments that are rounded otherwise.
ROUNDINGS = 100
CLOSE = {np.dtype(np.float64): 1e-11, np.dtype(np.float32): 1e-4}

_NUMBERS = bool | int | float | complex | np.generic


def parts(result: object) -> Iterator[object] | None:
    """Return what a container holds, None for anything else."""
    if isinstance(result, Mapping):
        return iter(result.values())
    if isinstance(result, list | tuple):
        return iter(result)
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        return (getattr(result, field.name) for field in dataclasses.fields(result))
    return None


def leaves(result: object) -> Iterator[object]:
    inside = parts(result)
    if inside is None:
        yield result
    else:
        for each in inside:
            yield from leaves(each)


def is_comparable(result: object) -> bool:
    """Whether a result is arrays and numbers, or containers of them, and not only conditions."""
    found = list(leaves(result))
    known = all(
        isinstance(each, _NUMBERS | str | None)
        or (type(each) is np.ndarray and each.dtype.kind in "biufc")
        for each in found
    )
    return known and any(
        isinstance(each, np.ndarray | _NUMBERS) and not isinstance(each, bool) for each in found
    )


def difference(expected: object, actual: object, shaken: Sequence[object] = ()) -> str | None:
    """Return in words how two results differ, None if they do not.

    Results that are shaken are those of arguments that differ by roundings: they tell how far
    floats may be from each other.

    >>> difference((np.ones(2), 1), (np.ones(2), 1.0))
    'item 1: float instead of int'
    """
    if type(expected) is not type(actual):
        return f"{type(actual).__name__} instead of {type(expected).__name__}"
    if isinstance(expected, np.ndarray | np.generic | float | complex):
        return _unlike(expected, actual, shaken)
    inside, others = parts(expected), parts(actual)
    if inside is None or others is None:
        return None if expected == actual else f"{actual!r} instead of {expected!r}"
    if isinstance(expected, Mapping) and list(expected) != list(actual):
        return f"keys {list(actual)} instead of {list(expected)}"
    moved = [list(each) for each in map(parts, shaken) if each is not None]
    return _first_unlike(list(inside), list(others), moved)


def _first_unlike(
    expected: Sequence[object], actual: Sequence[object], shaken: Sequence[Sequence[object]]
) -> str | None:
    if len(expected) != len(actual):
        return f"{len(actual)} items instead of {len(expected)}"
    alike = [each for each in shaken if len(each) == len(expected)]
    for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
        found = difference(one, other, [each[index] for each in alike])
        if found is not None:
            return f"item {index}: {found}"
    return None


def _unlike(expected: object, actual: object, shaken: Sequence[object]) -> str | None:
    one, other = np.asarray(expected), np.asarray(actual)
    if one.dtype != other.dtype:
        return f"dtype {other.dtype} instead of {one.dtype}"
    if one.shape != other.shape:
        return f"shape {other.shape} instead of {one.shape}"
    wrong = ~_same(one, other, _slack(one, shaken))
    if not wrong.any():
        return None
    place = tuple(map(int, np.argwhere(wrong)[0]))
    return (
        f"{wrong.sum()} of {wrong.size} elements: "
        f"{other[place].item()!r} instead of {one[place].item()!r}"
    )


def _slack(one: np.ndarray, shaken: Sequence[object]) -> float:
    """Return how far floats may be from each other."""
    relative = CLOSE.get(one.real.dtype)
    if relative is None:
        return 0.0
    slack = relative * np.abs(one[np.isfinite(one)]).max(initial=0.0)
    for each in shaken:
        if isinstance(each, np.ndarray | np.generic | float) and np.shape(each) == one.shape:
            with np.errstate(all="ignore"):
                moved = np.abs(each - one)
            slack = max(slack, ROUNDINGS * moved[np.isfinite(moved)].max(initial=0.0))
    return float(slack)


def _same(one: np.ndarray, other: np.ndarray, slack: float) -> np.ndarray:
    """Return where elements are the same, or floats close to each other."""
    same = (one == other) | ((one != one) & (other != other))
    if slack == 0.0:
        return same
    finite = np.isfinite(one) & np.isfinite(other)
    with np.errstate(all="ignore"):
        return same | (finite & (np.abs(one - other) <= slack))
