"""Types of the results of a NumPy function, found out by a call with small arrays for large ones.

It is for functions whose results have dtypes and shapes that no contents decide.  Large extents
become smaller ones, in two ways: where both results have what became of one extent, the real result
has that extent.

>>> like = Like(np.dtype(float), (1000, 3)), Like(np.dtype(float), (3, 500))
>>> result, shares_memory = sampled(np.matmul, like, {})
>>> result.shape, result.dtype, shares_memory
((1000, 500), dtype('float64'), False)
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cpnum.ir.containers import leaves_in, made, opened, with_leaves

Shape = tuple[int, ...]

# Extents up to this one stay as they are.
SMALL = 64

# What large extents become.  No sum or difference of two of them is another one in both rows.
_SIZES = ((67, 83, 101, 127), (71, 97, 113, 149))

# A call with arrays of the real shapes may have so many elements.
MOST_ELEMENTS = 10_000_000


class Like:
    """An array of a dtype and a shape, or a NumPy scalar, whose contents are not known."""

    __slots__ = ("dtype", "is_array", "shape")

    def __init__(self, dtype: np.dtype[Any], shape: Shape, is_array: bool = True) -> None:
        self.dtype = dtype
        self.shape = shape
        self.is_array = is_array


class UnknownShapeError(ValueError):
    """The shape of a result does not follow from the extents of the arguments."""


def sampled(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    keywords: Mapping[str, Any],
    with_small: bool = True,
    changes: bool = False,
) -> tuple[Any, bool]:
    """Return results with the dtypes and shapes of a real call, and contents without a meaning.

    The second value tells whether a result shares memory with an argument.

    `Like` stands for arrays among the arguments, and in containers among them; they are read-only
    unless the function `changes` its first argument.  Without small arrays, the call has the real
    shapes.

    Raises:  the error of a real call; UnknownShapeError.
    """
    given = (tuple(arguments), dict(keywords))
    likes = [each for each in leaves_in(given) if type(each) is Like]
    extents = sorted({each for like in likes for each in like.shape if each > SMALL})
    if with_small and 0 < len(extents) <= len(_SIZES[0]):
        first, second = (dict(zip(extents, sizes, strict=False)) for sizes in _SIZES)
        real = {(first[each], second[each]): each for each in extents}
        try:
            result, shares = _called(function, given, first, changes)
            return _joined(result, _called(function, given, second, changes)[0], real), shares
        except Exception:
            pass  # a number among the arguments may not go with small arrays: call with large ones
    if sum(math.prod(each.shape) for each in likes) > MOST_ELEMENTS:
        raise UnknownShapeError
    return _called(function, given, {}, changes)


def _called(
    function: Callable[..., Any], given: Any, extents: Mapping[int, int], changes: bool
) -> tuple[Any, bool]:
    """Return the results of a call whose arrays have what stands for their extents."""
    try:
        return _called_with(function, given, extents, 0, changes)
    except Exception as error:
        # Integers may be indices, of which 0 always exists, or weights, which are not 0.
        try:
            return _called_with(function, given, extents, 1, changes)
        except Exception:
            raise error from None


def _called_with(
    function: Callable[..., Any],
    given: Any,
    extents: Mapping[int, int],
    integer: int,
    changes: bool,
) -> tuple[Any, bool]:
    def filled(value: Any) -> Any:
        if type(value) is not Like:
            return value
        shape = tuple([extents.get(each, each) for each in value.shape])
        array = _contents(value.dtype, shape, integer)
        array.flags.writeable = changes
        return array if value.is_array else array[()]

    arguments, keywords = with_leaves(given, filled)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = function(*arguments, **keywords)
    arrays = [each for each in leaves_in((arguments, keywords)) if isinstance(each, np.ndarray)]
    shares = any(
        isinstance(each, np.ndarray) and any(np.may_share_memory(each, array) for array in arrays)
        for each in leaves_in(result)
    )
    return result, shares


def _contents(dtype: np.dtype[Any], shape: Shape, integer: int) -> Any:
    """Return numbers that few functions refuse: a matrix that has an inverse, or all the same."""
    if dtype.kind != "f" or len(shape) < 2 or integer:
        return np.full(shape, integer if dtype.kind == "i" else 1, dtype)
    array = np.empty(shape, dtype)
    array[...] = np.eye(*shape[-2:], dtype=dtype)
    return array


def _joined(first: Any, second: Any, real: Mapping[tuple[int, int], int]) -> Any:
    """Return results with real extents, from those of two calls."""
    if isinstance(first, np.ndarray):
        pairs = zip(first.shape, second.shape, strict=True)
        shape = tuple([_extent(pair, real) for pair in pairs])
        return np.broadcast_to(np.zeros((), first.dtype), shape)
    container = opened(first)
    if container is None:
        return first
    keys, items = container
    others = opened(second)
    assert others is not None
    joined = [_joined(one, other, real) for one, other in zip(items, others[1], strict=True)]
    return made(type(first), keys, joined)


def _extent(pair: tuple[int, int], real: Mapping[tuple[int, int], int]) -> int:
    if pair in real:
        return real[pair]
    if pair[0] != pair[1] or not pair[0]:
        raise UnknownShapeError
    return pair[0]
