"""The keys of fixed arguments, which are neither arrays nor numbers.

A graph is traced for one value of a fixed argument: `f(x, "sum")` and `f(x, "mean")` have two.
"""

from __future__ import annotations

import struct
import weakref
from collections.abc import Hashable, Iterable, Iterator
from itertools import repeat
from types import MemberDescriptorType, MethodType, NoneType
from typing import Any, NamedTuple

import numpy as np

from cpnum.remembered import Remembered


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


def fixed_key(value: Any, inside: tuple[object, ...] = ()) -> Hashable:
    """Return a key that differs whenever the traced function could see a difference.

    So 2 and 2.0, and 0.0 and -0.0, have different keys though they are equal.  Tuples, frozen sets,
    named tuples and frozen dataclasses have the keys of all that they hold, whether or not `==`
    looks at it.  Any other object is compared by identity.  So is an object that is `inside` of
    itself.

    >>> fixed_key(("sum", 2)) == fixed_key(("sum", 2)), fixed_key(2) == fixed_key(2.0)
    (True, False)
    """
    kind = type(value)
    if kind in (str, bytes, int, bool, NoneType):
        return kind, value
    if kind is float:
        return kind, struct.pack("d", value)
    if kind is complex:
        return kind, struct.pack("dd", value.real, value.imag)
    # A function can see the order of a frozen set, in which equal ones may differ.
    if kind is tuple or kind is frozenset:
        return kind, *map(fixed_key, value, repeat(inside))
    if kind is range:
        return kind, value.start, value.stop, value.step
    if kind is MethodType:
        return kind, _Same(value.__self__), _Same(value.__func__)
    if issubclass(kind, np.generic):
        # A class that is derived from NumPy's may have attributes, and a void may change.
        if value.dtype.type is not kind or kind is np.void:
            return _Same(value)
        key: Hashable = (kind, value.dtype, value.tobytes())
        return key
    state = _state_of(kind)
    if state is None or (inside and any(each is value for each in inside)):
        return _Same(value)
    return kind, *map(fixed_key, state.of(value), repeat((*inside, value)))


class _State(NamedTuple):
    """The places where instances of a class hold all that a function could see of them."""

    is_tuple: bool
    slots: tuple[MemberDescriptorType, ...]
    has_dict: bool

    def of(self, value: Any) -> Iterable[object]:
        """Return all that an instance holds, and the names in its `__dict__`."""
        if self.is_tuple and not self.has_dict:
            return tuple.__iter__(value)
        held: list[object] = list(tuple.__iter__(value)) if self.is_tuple else []
        for slot in self.slots:
            try:
                held.append(slot.__get__(value))
            except AttributeError:
                held.append(_State)  # it was never set; no user's object is this class
        if self.has_dict:
            attributes = vars(value).copy()  # another thread may be adding one
            held += attributes
            held += attributes.values()
        return held


# The state of a class by its id, None if its instances are compared by identity.  The id may come
# again for another class, which the weak reference tells.
_STATES: Remembered[int, tuple[weakref.ref[type], _State | None]] = Remembered()


def _state_of(kind: type) -> _State | None:
    """Return the places that decide whether two instances are alike, None if identity does."""
    known = _STATES.get(id(kind))
    if known is not None and known[0]() is kind:
        return known[1]
    _STATES.pop(id(kind), None)
    state = None
    if _is_frozen_dataclass(kind) or _is_named_tuple(kind):
        slots = [
            each
            for base in kind.__mro__
            for each in vars(base).values()
            if type(each) is MemberDescriptorType
        ]
        found = _State(issubclass(kind, tuple), tuple(slots), kind.__dictoffset__ != 0)
        if found.is_tuple or not _has_native_state(kind, len(slots)):
            state = found
    return _STATES.remember(id(kind), (weakref.ref(kind), state))[1]


def _is_frozen_dataclass(kind: type) -> bool:
    """Tell whether a class is a frozen dataclass, which did not write `==` and hash() itself.

    An equality of its own may be identity, and a dictionary would tell its instances apart.
    """
    own = vars(kind)
    parameters = own.get("__dataclass_params__")
    return (
        parameters is not None
        and parameters.frozen
        and parameters.eq
        and all(
            getattr(getattr(own.get(name), "__code__", None), "co_filename", None) == _GENERATED
            for name in ("__eq__", "__hash__")
        )
    )


# The file that functions come from which `dataclasses` has written.
_GENERATED = "<string>"


def _is_named_tuple(kind: type) -> bool:
    """Tell whether a class is a named tuple that is equal and hashed as tuples are."""
    return (
        issubclass(kind, tuple)
        and hasattr(kind, "_fields")
        and kind.__eq__ is tuple.__eq__
        and kind.__hash__ is tuple.__hash__
    )


def _has_native_state(kind: type, slots: int) -> bool:
    """Tell whether instances hold more than Python sees, as those of a class derived from `str`.

    Source:  CPython, `object_getstate_default` in typeobject.c, which asks it before it pickles.
    """
    words = slots + (kind.__dictoffset__ > 0) + (kind.__weakrefoffset__ > 0)
    return kind.__itemsize__ != 0 or kind.__basicsize__ != object.__basicsize__ + words * _WORD


_WORD = struct.calcsize("P")
