"""The key of a call: dtypes, shapes and strides of its arguments, types of its numbers.

A function sees with `is` that two of its arguments are one array, so the key has that, too.

>>> x = np.ones((3, 1))
>>> call_key(None, (x,)) == call_key(None, (x.copy(),))
True
>>> call_key(None, (x,)) == call_key(None, (x[:2],))
False
>>> call_key(None, (x, x)) == call_key(None, (x, x.copy()))
False
>>> call_key(None, (1.5,)) == call_key(None, (2.5,)), call_key(None, (1.5,)) == call_key(None, (2,))
(True, False)
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cpnum.ir.containers import opened
from cpnum.trace.arguments import repeats
from cpnum.trace.containers import items_of
from cpnum.trace.fixed import fixed_key

# The values of these types are no part of a key: numbers, and None for no `out`.
_PLAIN = frozenset([float, int, bool, type(None)])


def call_key(
    out: Any, arguments: tuple[Any, ...], names: tuple[str, ...] = ()
) -> tuple[object, ...]:
    """Return the key of a call whose last arguments are keywords with these `names`.

    Raises:  TypeError for a tuple of arrays, which `taken_key` takes apart.
    """
    array, plain = np.ndarray, _PLAIN
    key = [
        (each.dtype, each.shape, each.strides)
        if type(each) is array
        else (type(each) if type(each) in plain else _key_of(each))
        for each in arguments
    ]
    if out is not None:
        key += ("out", (out.dtype, out.shape, out.strides) if type(out) is array else _out_key(out))
    count = len(arguments)
    if count == 2:
        same: object = arguments[0] is arguments[1]
    else:
        same = count > 2 and _comparing(count)(*arguments)
    if same:
        key.append(same)
    return (*names, *key) if names else tuple(key)


def taken_key(
    out: Any, arguments: Sequence[Any], names: tuple[str, ...] = ()
) -> tuple[tuple[object, ...], tuple[Any, ...]]:
    """Return the key of a call with containers, and its arguments with items before containers.

    >>> key, values = taken_key(None, ({"k": 1.5},))
    >>> key == taken_key(None, ({"k": 2.5},))[0], key == taken_key(None, ([2.5],))[0], values
    (True, False, (1.5, {'k': 1.5}))
    """
    values: list[Any] = []
    key: list[object] = ["taken", *names]
    opened_before: list[object] = []
    for each in arguments:
        _take(each, values, key, opened_before)
    if out is not None:
        key += ("out", _out_key(out))
    key.append(_comparing(len(values))(*values))
    return tuple(key), tuple(values)


def _take(value: Any, values: list[Any], key: list[object], opened_before: list[object]) -> None:
    kind = type(value)
    if kind is np.ndarray:
        key.append((value.dtype, value.shape, value.strides))
    elif kind in _PLAIN:
        key.append(kind)
    elif any(each is value for each in opened_before):
        key.append(kind)
    else:
        found = items_of(value)
        if found is None:
            key.append(_key_of(value))
        else:
            opened_before.append(value)
            keys, items = found
            for each in items:
                _take(each, values, key, opened_before)
            named = keys if all(type(each) is str for each in keys) else fixed_key(keys)
            key.append((kind, len(items), named))
    values.append(value)


def _key_of(argument: Any) -> object:
    kind = type(argument)
    if kind is tuple and argument and type(argument[0]) is np.ndarray:
        # It has a key that is taken, and the other one would take 4 us for five arrays.
        raise TypeError("a tuple of arrays is taken apart")
    if issubclass(kind, np.generic):
        dtype = argument.dtype
        if dtype.type is kind:
            return dtype
    return fixed_key(argument)


def _out_key(out: Any) -> object:
    """Return the part of a key for arrays in containers."""
    if type(out) is np.ndarray:
        return out.dtype, out.shape, out.strides
    found = opened(out)
    if found is None:
        return None if out is None else _key_of(out)
    keys, items = found
    return type(out), keys, tuple(map(_out_key, items))


@functools.cache
def _comparing(count: int) -> Callable[..., object]:
    """Return a function that tells which of `count` arguments are one object; False if none are.

    It compares each with each: for six, in half of the time that a set of identities takes.  It
    looks at numbers, too, which the signature does not: that is quicker, and costs only a key.

    >>> _comparing(3)("x", 2, "x"), _comparing(3)("x", 2, None)
    ((False, True, False), False)
    """
    if count > 16:
        return _compare_many
    names = [f"x{at}" for at in range(count)]
    pairs = [f"{one} is {other}" for one, other in itertools.combinations(names, 2)]
    compare: Callable[..., object] = eval(
        f"lambda {', '.join(names)}: ({' or '.join(pairs)}) and ({', '.join(pairs)})"
    )
    return compare


def _compare_many(*arguments: object) -> object:
    return tuple(repeats(arguments))
