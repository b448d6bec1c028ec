"""Arguments that are containers of arrays and numbers: each item becomes an argument of its own.

A dict, a list, a `SimpleNamespace` and a dataclass whose fields may change are taken apart; so are
tuples, named tuples and frozen dataclasses that hold an array.  Without an array, these are fixed.

>>> taken = taken_apart(("d",), ({"u": np.ones(3), "k": 2.0},))
>>> taken.names, *map(str, taken.containers.values())
(('d_u', 'd_k', 'd'), "{'u': d_u, 'k': d_k}")
"""

from __future__ import annotations

import dataclasses
import re
from collections import OrderedDict
from collections.abc import Sequence
from enum import Enum
from types import NoneType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from cpnum.errors import UnsupportedError
from cpnum.ir.containers import opened
from cpnum.ir.signature import ContainerOf, container_of

# Their items may change, and they cannot be hashed, so they are never fixed.
_CHANGING = (dict, OrderedDict, list, SimpleNamespace)

# A dataclass of these holds more than its fields.
_NATIVE = (dict, list, set, frozenset, str, bytes, int, float, complex, np.ndarray)

_KEYS = (str, bytes, int, float, NoneType, Enum)

# Each item costs a look at each call.
MOST_ITEMS = 256


class Taken(NamedTuple):
    """Names and values of arguments, with those of items before their container.

    `places` are those of the arguments themselves, `containers` the types of containers by place;
    `written` is how the function gets each, as `d['u']`.
    """

    names: tuple[str, ...]
    written: tuple[str, ...]
    values: tuple[Any, ...]
    places: tuple[int, ...]
    containers: dict[int, ContainerOf]


# The types of nearly all arguments.
_PLAIN = frozenset([np.ndarray, float, int, bool, str, NoneType])


def has_container(values: Sequence[object]) -> bool:
    """Tell whether one of the arguments is taken apart.

    >>> has_container((np.ones(3), 2.0, "sum", (0, 1))), has_container(((np.ones(3), 2.0),))
    (False, True)
    """
    return any(type(each) not in _PLAIN and items_of(each) is not None for each in values)


def taken_apart(names: Sequence[str], values: Sequence[Any]) -> Taken:
    """Return the arguments with the items of containers.

    Raises:  UnsupportedError for a container that contains itself, or has too many items.
    """
    taking = _Taking(names)
    places = tuple(map(taking.add, names, names, values))
    return Taken(
        tuple(taking.names),
        tuple(taking.written),
        tuple(taking.values),
        places,
        taking.containers,
    )


def items_of(value: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]] | None:
    """Return the keys and items of a container that is taken apart, None for anything else."""
    found = opened(value)
    if found is None or (dataclasses.is_dataclass(value) and isinstance(value, _NATIVE)):
        return None
    keys, items = found
    if not all(isinstance(each, _KEYS) for each in keys):
        return None
    if not _changes(type(value)) and not _holds_arrays(items, (value,)):
        return None
    # An object that is compared by identity may hold itself, as a node of a tree does: it is fixed.
    by_identity = getattr(type(value), "__hash__", None) is object.__hash__
    is_fixed = by_identity and _is_inside(value, items)
    return None if is_fixed else found


def _changes(kind: type) -> bool:
    if kind in _CHANGING:
        return True
    parameters = getattr(kind, "__dataclass_params__", None)
    return parameters is not None and not parameters.frozen and not issubclass(kind, _NATIVE)


def _holds_arrays(items: Sequence[Any], inside: tuple[object, ...]) -> bool:
    """Tell whether items are arrays, or containers that change or hold arrays."""
    for each in items:
        if isinstance(each, np.ndarray) or _changes(type(each)):
            return True
        found = None if any(each is one for one in inside) else opened(each)
        if found is not None and _holds_arrays(found[1], (*inside, each)):
            return True
    return False


def item_text(container: str, kind: type, key: object) -> str:
    """Return how a function gets the item of a container.

    >>> item_text("d", dict, "u"), item_text("t", list, 0), item_text("p", Taken, "names")
    ("d['u']", 't[0]', 'p.names')
    """
    by_key = issubclass(kind, dict) or kind in (tuple, list)
    return f"{container}[{key!r}]" if by_key else f"{container}.{key}"


def _is_inside(value: object, items: Sequence[Any], known: tuple[object, ...] = ()) -> bool:
    """Tell whether a container is among the items, or in one of them."""
    for each in items:
        if each is value:
            return True
        found = None if any(each is one for one in known) else opened(each)
        if found is not None and _is_inside(value, found[1], (*known, each)):
            return True
    return False


class _Taking:
    """Takes containers apart, each object once."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names: list[str] = []
        self.written: list[str] = []
        self.values: list[Any] = []
        self.containers: dict[int, ContainerOf] = {}
        self._used = set(names)
        self._known: dict[int, ContainerOf] = {}
        self._inside: list[object] = []

    def add(self, name: str, written: str, value: Any) -> int:
        """Add an argument behind its items; return its place."""
        # The items of one that is there again are there, too.
        kind = self._known.get(id(value))
        found = items_of(value) if kind is None else None
        if found is not None:
            kind = self._known[id(value)] = self._open(name, written, value, *found)
        place = len(self.values)
        if kind is not None:
            self.containers[place] = kind
        self.names.append(name)
        self.written.append(written)
        self.values.append(value)
        return place

    def _open(
        self, name: str, written: str, value: Any, keys: tuple[Any, ...], items: tuple[Any, ...]
    ) -> ContainerOf:
        if any(each is value for each in self._inside):
            raise _refused(
                f"the argument {written} contains itself", value, "a copy of what it holds"
            )
        if len(self.values) + len(items) > MOST_ITEMS:
            raise _refused(
                f"the argument {written} has more than {MOST_ITEMS} items",
                value,
                "an array of them, or those that the function reads as arguments of their own",
            )
        self._inside.append(value)
        places = tuple(
            [
                self.add(self._name(name, key), item_text(written, type(value), key), item)
                for key, item in zip(keys or range(len(items)), items, strict=True)
            ]
        )
        self._inside.pop()
        return container_of(type(value), keys, places, [self.names[each] for each in places])

    def _name(self, container: str, key: object) -> str:
        """Return a name for an item that no other parameter has."""
        name = re.sub(r"\W", "_", f"{container}_{key}")
        while name in self._used:
            name += "_"
        self._used.add(name)
        return name


def _refused(message: str, value: object, write: str) -> UnsupportedError:
    return UnsupportedError(message, seen=f"a {type(value).__name__}", write=write)
