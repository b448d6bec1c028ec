"""Fields: what the objects that a call is given hold, before and after the function was traced.

A fixed argument, as `self` is, may be changed by the function, as by `self.last = y` and
`self.count += 1`.  NumPy's function does so at each call, but the compiled one while it is traced
only.  So it is refused, and the object gets back what it had.  Containers of arrays are refused
alike: what the function gets are copies, and their caller would not see a change.

>>> class Model:
...     __module__ = "heat"
...     last = 0.0
>>> model = Model()
>>> fields = Fields(max, [("model", model)])
>>> model.last = 1.0
>>> [each.text for each in fields.changes()]
['model.last']
>>> fields.put_back()
>>> vars(model)
{}
"""

from __future__ import annotations

import dis
import reprlib
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from functools import cached_property, partial
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any, NamedTuple

from cpnum.errors import CpnumError, UnsupportedError
from cpnum.ir.sites import Site
from cpnum.trace.builder import Builder, Traced, type_of
from cpnum.trace.fixed import fixed_key
from cpnum.trace.site import at, error_site

# Objects of these classes are no one's fields: they are code, or nothing can change them.
_NOT_LOOKED_AT = (
    type, ModuleType, FunctionType, BuiltinFunctionType, MethodType, Enum, str, bytes, int, float,
    complex, tuple, frozenset, range, type(None),
)  # fmt: skip

# Objects of NumPy and of cpnum change themselves, as a compiled function does at its first call.
_OWN = frozenset(["numpy", "cpnum"])

# In the place of what is not there.
_NOTHING: Any = object()


class Change(NamedTuple):
    """One field that is another one now, or an item of one."""

    text: str  # as the user writes it
    name: str  # of the attribute or the variable that is set, or whose item is
    is_item: bool
    before: object
    after: object
    kind: type


class Fields:
    """The fields of the objects of a call, which are `named` as its parameters.

    Its containers are `copies` of those of the caller.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        named: Iterable[tuple[str, object]] = (),
        copies: Iterable[tuple[str, object]] = (),
    ) -> None:
        self._held = [_Held(name, value) for name, value in named if _has_fields(value)]
        self._held += [_Held(name, value, is_copy=True) for name, value in copies]
        while isinstance(function, partial):
            function = function.func
        self._function = function
        if type(function) is not FunctionType:
            owner = getattr(function, "__self__", function)
            if _has_fields(owner):
                self._held.append(_Held("self", owner))

    def changes(self) -> list[Change]:
        """Return the fields that differ from what they were."""
        return [change for held in self._held for change in held.changes()]

    def put_back(self, of_traced: bool = False) -> None:
        """Give the objects what they had; if `of_traced`, in the place of traced values only."""
        for held in self._held:
            held.put_back(_is_traced if of_traced else _is_any)

    def refuse_changes(self, builder: Builder, name: str) -> None:
        """Refuse a function of this name that changed a field, and give back what was there."""
        changes = self.changes()
        if changes:
            # A traced value in a field is what the user has to know first.
            change = next((each for each in changes if _is_traced(each.after)), changes[0])
            self.put_back()
            raise at(_error(change, name), self._site(change) or _origin(builder, change))

    def _site(self, change: Change) -> Site | None:
        """Return where the function, or a method of the object, changes a field."""
        found = _changing_item if change.is_item else _setting
        codes = _reached(self._function, change.kind)
        for code in codes:
            for offset in found(code, change.name):
                return code, offset
        return None if isinstance(change.after, Traced) or not codes else (codes[0], 0)


def _error(change: Change, name: str) -> CpnumError:
    text = change.text
    verb = "drops" if change.after is _NOTHING else "sets"
    traced = f"return and the value in {name}, and the assignment after its call"
    return UnsupportedError(
        f"{name} {verb} {text}, which compiled calls would not do again",
        seen=f"{_text(change.after)} in the place of {_text(change.before)}",
        write=traced if _is_traced(change.after) else f"the change of {text} outside of {name}",
    )


def _text(value: object) -> str:
    if value is _NOTHING:
        return "nothing"
    return type_of(value) if isinstance(value, Traced) else reprlib.repr(value)


# -- what an object holds -----------------------------------------------------------------------


class _Held:
    """An object, and what it held: its fields, and the items of those that are containers."""

    __slots__ = ("_fields", "_is_copy", "_items", "_name", "_value")

    def __init__(self, name: str, value: object, is_copy: bool = False) -> None:
        self._name = name
        self._value = value
        self._is_copy = is_copy
        self._fields = _fields_of(value)
        self._items = [
            (field, each, _items_of(each))
            for field, each in (*self._fields.items(), ("", value))
            if isinstance(each, _CONTAINERS)
        ]

    def changes(self) -> Iterator[Change]:
        kind = type(self._value)
        module = kind.__module__.partition(".")[0]
        of_python = module in sys.stdlib_module_names and not self._is_copy
        before, after = self._fields, _fields_of(self._value)
        for name in {**before, **after}:
            old, new = before.get(name, _NOTHING), after.get(name, _NOTHING)
            if _is_same(old, new):
                continue
            # Python's own objects may remember a number, and a property that is computed once
            # has its value whenever that was.
            harmless = of_python or (old is _NOTHING and _is_computed_once(kind, name))
            if not harmless or (_is_traced(new) and not self._is_copy):
                yield Change(f"{self._name}.{name}", name, False, old, new, kind)
        for name, container, items in self._items:
            text = f"{self._name}.{name}" if name else self._name
            for key, old, new in _differences(items, _items_of(container)):
                if not of_python or _is_traced(new):
                    item = _item_text(text, container, key)
                    yield Change(item, name or self._name, True, old, new, kind)

    def put_back(self, which: Callable[[object], bool]) -> None:
        """Give the object what it had in the place of values of `which` this is true."""
        now = _fields_of(self._value)
        for name in {**self._fields, **now}:
            old, new = self._fields.get(name, _NOTHING), now.get(name, _NOTHING)
            if new is not old and which(new):
                _set(self._value, name, old)
        for _, container, items in self._items:
            if any(which(new) for _, _, new in _differences(items, _items_of(container))):
                _fill(container, items)


_CONTAINERS = (list, dict, set, deque)


def _has_fields(value: object) -> bool:
    """Tell whether an object has fields that a function may set."""
    kind = type(value)
    if isinstance(value, _NOT_LOOKED_AT) or kind.__module__.partition(".")[0] in _OWN:
        return False
    return kind.__dictoffset__ != 0 or bool(_slots(kind)) or isinstance(value, _CONTAINERS)


def _fields_of(value: Any) -> dict[str, object]:
    """Return the attributes of an object by their names."""
    kind = type(value)
    found: dict[str, object] = {}
    for slot in _slots(kind):
        try:
            found[slot.__name__] = slot.__get__(value)
        except AttributeError:
            continue  # it is not set
    if kind.__dictoffset__ != 0:
        found.update(vars(value))
    return found


def _slots(kind: type) -> list[MemberDescriptorType]:
    return [
        each
        for base in kind.__mro__
        if "__slots__" in vars(base)
        for each in vars(base).values()
        if type(each) is MemberDescriptorType
    ]


def _set(value: Any, name: str, old: object) -> None:
    """Set or delete a field without what the class does then."""
    slot = next((each for each in _slots(type(value)) if each.__name__ == name), None)
    if slot is not None:
        slot.__delete__(value) if old is _NOTHING else slot.__set__(value, old)
    elif old is _NOTHING:
        vars(value).pop(name, None)
    else:
        vars(value)[name] = old


def _items_of(container: Any) -> Any:
    """Return a copy of a container: a dictionary or a set of one, a list of any other."""
    kind = next((each for each in (dict, set) if isinstance(container, each)), list)
    return kind(container)


def _fill(container: Any, items: Any) -> None:
    """Give a container these items."""
    container.clear()
    (container.update if isinstance(container, dict | set) else container.extend)(items)


def _item_text(container: str, value: object, key: object) -> str:
    return f"an item of {container}" if isinstance(value, set) else f"{container}[{key!r}]"


def _differences(before: Any, after: Any) -> Iterator[tuple[object, object, object]]:
    """Yield the keys or places of items that differ, what they were and what they are."""
    if isinstance(before, dict):
        for key in {**before, **after}:
            old, new = before.get(key, _NOTHING), after.get(key, _NOTHING)
            if not _is_same(old, new):
                yield key, old, new
        return
    if isinstance(before, set):
        yield from ((new, _NOTHING, new) for new in after - before)
        yield from ((old, old, _NOTHING) for old in before - after)
        return
    for place in range(max(len(before), len(after))):
        old = before[place] if place < len(before) else _NOTHING
        new = after[place] if place < len(after) else _NOTHING
        if not _is_same(old, new):
            yield place, old, new


def _is_same(old: object, new: object) -> bool:
    """Tell whether a function could not see a difference between two objects."""
    return old is new or (type(old) is type(new) and fixed_key(old) == fixed_key(new))


def _is_computed_once(kind: type, name: str) -> bool:
    return any(isinstance(vars(base).get(name), cached_property) for base in kind.__mro__)


def _is_any(value: object) -> bool:
    return True


def _is_traced(value: object) -> bool:
    """Tell whether an object is a traced value, or a container of some."""
    if isinstance(value, Mapping):
        return any(isinstance(each, Traced) for each in value.values())
    if isinstance(value, list | tuple | set | deque):
        return any(isinstance(each, Traced) for each in value)
    return isinstance(value, Traced)


# -- where it is changed ------------------------------------------------------------------------


def _codes(function: Any) -> Iterator[CodeType]:
    """Yield the code of a function, and of those inside of it."""
    for each in (function, getattr(function, "fget", None)):
        code = getattr(each, "__code__", None)
        if isinstance(code, CodeType):
            yield from _nested(code)


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield from _nested(each)


def _reached(function: Any, kind: type) -> list[CodeType]:
    """Return the code of a function, and of the methods of a class that it may call."""
    methods: dict[str, list[Any]] = {}
    for base in kind.__mro__:
        for name, each in vars(base).items():
            methods.setdefault(name, []).append(each)
    start = [function, *methods.get("__call__", ())]
    found = [code for each in start for code in _codes(each)]
    for code in found:  # which gets longer
        for name in code.co_names:
            found += [more for each in methods.pop(name, ()) for more in _codes(each)]
    return found


def _setting(code: CodeType, name: str) -> Iterator[int]:
    """Yield the offsets of instructions that set or delete an attribute."""
    for each in dis.get_instructions(code):
        if each.opname in ("STORE_ATTR", "DELETE_ATTR") and each.argval == name:
            yield each.offset


# The methods by which a function changes a container.
_CHANGING = frozenset(
    """add append appendleft clear difference_update discard extend extendleft insert
    intersection_update pop popitem popleft remove reverse rotate setdefault sort
    symmetric_difference_update update""".split()
)


def _changing_item(code: CodeType, name: str) -> Iterator[int]:
    """Yield the offsets of instructions that change the items of an attribute.

    It is loaded a few instructions before: `self.items[0] = y`, or `self.items.append(y)`.
    """
    instructions = [each for each in dis.get_instructions(code) if each.opname != "CACHE"]
    for place, each in enumerate(instructions):
        # One instruction may load two variables.
        loaded = each.argval if isinstance(each.argval, tuple) else (each.argval,)
        if each.opname.startswith("LOAD_") and name in loaded:
            after = instructions[place + 1 : place + 5]
            if after and after[0].argval in _CHANGING:
                yield after[0].offset
            yield from (
                one.offset for one in after if one.opname in ("STORE_SUBSCR", "DELETE_SUBSCR")
            )


def _origin(builder: Builder, change: Change) -> Site:
    """Return where the value of a field was computed, or else the line that runs."""
    if isinstance(change.after, Traced):
        return builder.sites.get(change.after.node) or error_site()
    return error_site()
