"""The keys of fixed arguments, which are neither arrays nor numbers.

A graph is traced for one value of a fixed argument: `f(x, "sum")` and `f(x, "mean")` have two.
"""

from __future__ import annotations

import dataclasses
import struct
import weakref
from collections.abc import Hashable, Iterator
from types import MethodType
from typing import Any

import numpy as np


class _Same:
    """The key of an object that is compared by identity.

    It holds a weak reference, so that it keeps no object alive.  Python makes one weak reference
    without a callback for an object, as long as that is in use: it stands for the object.
    """

    __slots__ = ("held", "identity")

    def __init__(self, value: object) -> None:
        self.identity = id(value)
        self.held: object
        try:
            self.held = weakref.ref(value)
        except TypeError:
            self.held = value

    def __eq__(self, other: object) -> bool:
        # A weak reference may be an argument, too.  It has an identity of its own.
        return type(other) is _Same and self.held is other.held and self.identity == other.identity

    def __hash__(self) -> int:
        return self.identity


def objects_of(key: object) -> Iterator[object]:
    """Yield the objects in a key that it does not keep alive; the key is useless without them."""
    if type(key) is _Same:
        held = key.held
        if type(held) is weakref.ref and id(held) != key.identity:
            value = held()
            if value is not None:
                yield value
    elif isinstance(key, tuple | frozenset):
        for each in key:
            yield from objects_of(each)


def fixed_key(value: Any) -> Hashable:
    """Return a key that differs whenever the traced function could see a difference.

    So 2 and 2.0, and 0.0 and -0.0, have different keys though they are equal.  Tuples, frozen sets
    and frozen dataclasses have the keys of their items; any other object is compared by identity,
    even if its class defines `==`.

    >>> fixed_key(("sum", 2)) == fixed_key(("sum", 2)), fixed_key(2) == fixed_key(2.0)
    (True, False)
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
        return kind, *map(fixed_key, value)
    if kind is frozenset:
        return kind, frozenset(map(fixed_key, value))
    if kind is range:
        return kind, value.start, value.stop, value.step
    if kind is MethodType:
        return kind, _Same(value.__self__), _Same(value.__func__)
    parameters = vars(kind).get("__dataclass_params__")
    if parameters is not None and parameters.frozen and parameters.eq:
        fields = [getattr(value, each.name, _Same) for each in dataclasses.fields(kind)]
        return kind, *map(fixed_key, fields)
    return _Same(value)
