"""The key of a call: dtypes, shapes and strides of its arguments, types of its numbers.

>>> x = np.ones((3, 1))
>>> call_key(None, (x,)) == call_key(None, (x.copy(),))
True
>>> call_key(None, (x,)) == call_key(None, (x[:2],))
False
>>> call_key(None, (1.5,)) == call_key(None, (2.5,)), call_key(None, (1.5,)) == call_key(None, (2,))
(True, False)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cpnum.trace.fixed import fixed_key

# The values of these types are no part of a key: numbers, and None for no `out`.
_PLAIN = frozenset([float, int, bool, type(None)])


def call_key(
    out: Any, arguments: tuple[Any, ...], names: tuple[str, ...] = ()
) -> tuple[object, ...]:
    """Return the key of a call whose last arguments are keywords with these `names`."""
    array, plain = np.ndarray, _PLAIN
    key = [
        (each.dtype, each.shape, each.strides)
        if type(each) is array
        else (type(each) if type(each) in plain else _key_of(each))
        for each in (out, *arguments)
    ]
    return (*names, *key) if names else tuple(key)


def _key_of(argument: Any) -> object:
    if issubclass(type(argument), np.generic):
        return argument.dtype
    return fixed_key(argument)
