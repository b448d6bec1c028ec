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


def call_key(
    out: Any, arguments: tuple[Any, ...], names: tuple[str, ...] = ()
) -> tuple[object, ...]:
    """Return the key of a call whose last arguments are keywords with these `names`."""
    array = np.ndarray
    key = [
        (each.dtype, each.shape, each.strides) if type(each) is array else _key_of(each)
        for each in (out, *arguments)
    ]
    return (*names, *key) if names else tuple(key)


def _key_of(argument: Any) -> object:
    kind = type(argument)
    if kind is float or kind is int or kind is bool or argument is None:
        return kind
    if issubclass(kind, np.generic):
        dtype = argument.dtype
        if dtype.type is kind:
            return dtype
    return fixed_key(argument)
