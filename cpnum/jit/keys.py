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

import dataclasses
import struct
from types import MethodType
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


class _Same:
    """A key that only the object itself is equal to."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return type(other) is _Same and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def _constant_key(value: Any) -> Any:
    """Return what tells a constant from all that a function could tell it from.

    2 and 2.0, and 0.0 and -0.0, are equal but not the same.  Objects that say themselves what they
    are equal to are told apart as objects, but for frozen dataclasses, by their fields.
    """
    kind = type(value)
    if kind in (str, bytes, int, bool):
        return kind, value
    if kind is float:
        return kind, struct.pack("d", value)
    if kind is complex:
        return kind, struct.pack("dd", value.real, value.imag)
    if issubclass(kind, np.generic):
        return kind, value.dtype, value.tobytes()
    if kind is tuple or (issubclass(kind, tuple) and hasattr(kind, "_fields")):
        return kind, *map(_constant_key, value)
    if kind is frozenset:
        return kind, frozenset(map(_constant_key, value))
    if kind is range:
        return kind, value.start, value.stop, value.step
    if kind is MethodType:
        return kind, _Same(value.__self__), _Same(value.__func__)
    parameters = vars(kind).get("__dataclass_params__")
    if parameters is not None and parameters.frozen and parameters.eq:
        fields = [getattr(value, each.name, _Same) for each in dataclasses.fields(kind)]
        return kind, *map(_constant_key, fields)
    return _Same(value)


def graph_key(argument: Any) -> Any:
    """Return what a graph depends on of an argument."""
    if type(argument) is np.ndarray:
        return argument.dtype, tuple([extent == 1 for extent in argument.shape])
    return plan_key(argument)
