"""Containers: tuples, lists, dicts, named tuples, dataclasses and objects of SimpleNamespace.

>>> keys, items = opened({"a": 1, "b": 2})
>>> made(dict, keys, [10 * each for each in items])
{'a': 10, 'b': 20}
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

# The containers that are made of their items alone, and those that have keys, too.
_SEQUENCES: tuple[type, ...] = (tuple, list)
_MAPPINGS: tuple[type, ...] = (dict, OrderedDict)


def is_named_tuple(kind: type) -> bool:
    """Tell whether a class is a named tuple.

    >>> from typing import NamedTuple
    >>> is_named_tuple(NamedTuple("Pair", [("x", int)])), is_named_tuple(tuple)
    (True, False)
    """
    return issubclass(kind, tuple) and hasattr(kind, "_fields") and hasattr(kind, "_make")


def opened(value: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]] | None:
    """Return the keys and the items of a container, None for any other object.

    >>> opened([1, 2]), opened({"a": 1}), opened("ab")
    (((), (1, 2)), (('a',), (1,)), None)
    """
    kind = type(value)
    if kind in _SEQUENCES:
        return (), tuple(value)
    if kind in _MAPPINGS:
        return tuple(value), tuple(value.values())
    if kind is SimpleNamespace:
        return tuple(vars(value)), tuple(vars(value).values())
    if is_named_tuple(kind):
        return value._fields, tuple(value)
    if dataclasses.is_dataclass(kind):
        names = [each.name for each in dataclasses.fields(kind) if hasattr(value, each.name)]
        names += [name for name in getattr(value, "__dict__", {}) if name not in names]
        return tuple(names), tuple([getattr(value, name) for name in names])
    return None


def made(kind: type, keys: tuple[Any, ...], items: Sequence[Any]) -> Any:
    """Return the container of these items.

    >>> made(dict, ("a",), [1]), made(tuple, (), [1])
    ({'a': 1}, (1,))
    """
    if kind in _SEQUENCES:
        return kind(items)
    if kind in _MAPPINGS:
        return kind(zip(keys, items, strict=True))
    if kind is SimpleNamespace:
        return SimpleNamespace(**dict(zip(keys, items, strict=True)))
    if is_named_tuple(kind):
        return kind._make(items)  # type: ignore[attr-defined]
    # A dataclass: what its own __init__ computes was traced.
    instance: Any = object.__new__(kind)
    for key, item in zip(keys, items, strict=True):
        object.__setattr__(instance, key, item)
    return instance


def leaves_in(value: Any) -> Iterator[Any]:
    """Yield the values in containers, from left to right; a value that is none itself.

    >>> list(leaves_in((1, {"a": [2, 3]}))), list(leaves_in(4))
    ([1, 2, 3], [4])
    """
    container = opened(value)
    if container is None:
        yield value
    else:
        for each in container[1]:
            yield from leaves_in(each)


def with_leaves(value: Any, new: Callable[[Any], Any]) -> Any:
    """Return the same containers with `new(leaf)` in the place of each value in them.

    >>> with_leaves((1, {"a": [2, 3]}), str)
    ('1', {'a': ['2', '3']})
    """
    container = opened(value)
    if container is None:
        return new(value)
    keys, items = container
    return made(type(value), keys, [with_leaves(each, new) for each in items])


def container_text(kind: type, keys: Sequence[object], items: Sequence[str]) -> str:
    """Return the text of a container with these texts of its items; names are keys of a dict.

    >>> container_text(dict, ("'a'",), ["x"]), container_text(tuple, (), ["x"])
    ("{'a': x}", '(x,)')
    """
    if kind is tuple:
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
    if kind is list:
        return f"[{', '.join(items)}]"
    if issubclass(kind, dict):
        pairs = ", ".join(map("{}: {}".format, keys, items))
        return f"{'' if kind is dict else kind.__name__}{{{pairs}}}"
    return f"{kind.__name__}({', '.join(map('{}={}'.format, keys, items))})"
