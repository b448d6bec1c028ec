"""Outside variables: globals, and variables of enclosing functions, that a function reads.

A graph has their values as constants.  So each call compares them, and the function is traced again
if one has another value.

>>> def scaling(factor):
...     return lambda x: x * factor
>>> outside = Outside()
>>> outside.read(scaling(2.0))
>>> outside.same()
True
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

from cpnum.trace.fixed import fixed_key

# A variable and its value: a namespace, the name of a global in it, the value; or the cell of an
# enclosing function's variable, None, the value.
Row = tuple[Any, str | None, object]

# Nobody assigns to variables of these modules.
_UNCHANGED = sys.stdlib_module_names | {"cpnum", "numpy", "scipy"}

# The value of a variable that was deleted.
_DELETED = object()


class Outside:
    """The outside variables of a function, and of functions that it calls, with their values.

    Only what a name stands for is compared, not what is inside of the object.  Names of modules are
    left out, and so are the variables of NumPy and of the standard library.
    """

    __slots__ = ("rows",)

    def __init__(self) -> None:
        # Plain tuples, because each call unpacks them.
        self.rows: list[Row] = []

    def read(self, function: object) -> None:
        """Look up the variables."""
        found = _Found({}, set())
        _search(function, found)
        self.rows[:] = found.rows.values()

    def drop_assigned(self) -> None:
        """Drop the variables whose value is another one now: the trace assigned them itself."""
        if self.rows:
            self.rows[:] = [row for row in self.rows if _value_of(row) is row[2]]

    def same(self) -> bool:
        """Tell whether the variables have the values that they had, be it in new objects."""
        now = [(holder, name, _value_of((holder, name, None))) for holder, name, _ in self.rows]
        for (*_, value), (*_, before) in zip(now, self.rows, strict=True):
            if value is not before and fixed_key(value) != fixed_key(before):
                return False
        self.rows[:] = now
        return True


class _Found(NamedTuple):
    """The result of a search; keys are identities."""

    rows: dict[tuple[int, str | None], Row]
    searched: set[int]


def _search(value: object, found: _Found) -> None:
    """Find the variables that a function in Python reads; any other object has none."""
    if id(value) in found.searched:
        return
    found.searched.add(id(value))
    if type(value) is FunctionType:
        _search_function(value, found)
    elif type(value) is MethodType:
        _search(value.__func__, found)
    elif isinstance(value, functools.partial):
        _search(value.func, found)
    elif callable(value) and not isinstance(value, type):
        _search(getattr(type(value), "__call__"), found)  # noqa: B004, B009
        _search(getattr(value, "__dict__", {}).get("__wrapped__"), found)  # a compiled function


def _search_function(function: FunctionType, found: _Found) -> None:
    if _is_unchanged(function.__globals__):
        return
    _search_namespace(function.__globals__, tuple(_names(function.__code__)), found)
    for cell in function.__closure__ or ():
        contents = _value_of((cell, None, None))
        if contents is not _DELETED:
            found.rows[id(cell), None] = cell, None, contents
            _search(contents, found)


def _search_namespace(namespace: dict[str, Any], names: tuple[str, ...], found: _Found) -> None:
    for name in names:
        key = id(namespace), name
        if name not in namespace or key in found.rows:
            continue
        value = namespace[name]
        if isinstance(value, ModuleType):
            if not _is_unchanged(vars(value)):
                _search_namespace(vars(value), names, found)
            continue
        found.rows[key] = namespace, name, value
        _search(value, found)


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names of globals and attributes in a function, and in functions inside of it."""
    yield from code.co_names
    for constant in code.co_consts:
        if type(constant) is CodeType:
            yield from _names(constant)


def _is_unchanged(namespace: dict[str, Any]) -> bool:
    return str(namespace.get("__name__")).partition(".")[0] in _UNCHANGED


def _value_of(row: Row) -> object:
    holder, name, _ = row
    if name is not None:
        return holder.get(name, _DELETED)
    try:
        return holder.cell_contents
    except ValueError:
        return _DELETED
