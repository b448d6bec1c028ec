"""What calls are told apart by: a plan serves one layout and any addresses, a graph any layout.

>>> x = np.ones((3, 1))
>>> plan_key(x) == plan_key(x.copy()), plan_key(x) == plan_key(x[:2])
(True, False)
>>> graph_key(x) == graph_key(x[:2]), graph_key(x) == graph_key(x[:1])
(True, False)
>>> graph_key(1.5) == graph_key(2.5), graph_key(("sum", 2)) == graph_key(("sum", 2.0))
(True, False)
"""

from __future__ import annotations

from typing import Any

import numpy as np


def plan_key(argument: Any) -> Any:
    """Return what a plan depends on of an argument."""
    kind = type(argument)
    if kind is np.ndarray:
        return argument.dtype, argument.shape, argument.strides
    if kind is float or kind is int or kind is bool or argument is None:
        return kind
    if issubclass(kind, np.generic):
        return argument.dtype
    return _constant_key(argument)


def _constant_key(value: Any) -> Any:
    """Return what tells a constant from others, those included that it is equal to, as 2 to 2.0."""
    kind = type(value)
    if kind is float:
        return kind, value.hex()
    if issubclass(kind, np.generic):
        return kind, value.tobytes()
    if issubclass(kind, tuple | frozenset):
        keys = map(_constant_key, value)
        return kind, tuple(keys) if issubclass(kind, tuple) else frozenset(keys)
    fields = getattr(kind, "__dataclass_fields__", None)
    if fields is None:
        return kind, value
    hash(value)  # refused if it can change
    return kind, *[_constant_key(getattr(value, name)) for name in fields]


def graph_key(argument: Any) -> Any:
    """Return what a graph depends on of an argument."""
    if type(argument) is np.ndarray:
        return argument.dtype, tuple([extent == 1 for extent in argument.shape])
    return plan_key(argument)
