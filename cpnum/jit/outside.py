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
from collections.abc import Iterable
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

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

    def read(self, function: object, arguments: Iterable[object] = ()) -> None:
        """Look up the variables that are not known yet; `arguments` may have methods that run."""
        search = _Search(self.rows)
        search.run(function, arguments)
        if search.rows:
            self.rows[:] = search.rows.values()

    def drop_assigned(self) -> None:
        """Drop the variables whose value is another one now: the trace assigned them itself."""
        if self.rows:
            self.rows[:] = [row for row in self.rows if _value_of(row) is row[2]]

    def same(self) -> bool:
        """Tell whether the variables have the values that they had, be it in new objects."""
        if not self.rows:
            return True
        now = [(holder, name, _value_of((holder, name, None))) for holder, name, _ in self.rows]
        for (*_, value), (*_, before) in zip(now, self.rows, strict=True):
            if value is not before and fixed_key(value) != fixed_key(before):
                return False
        self.rows[:] = now
        return True


def _value_of(row: Row) -> object:
    holder, name, _ = row
    if name is not None:
        return holder.get(name, _DELETED)
    try:
        return holder.cell_contents
    except ValueError:
        return _DELETED


class _Search:
    """A search for the variables that a function reads, and the functions that it calls by name."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = {(id(row[0]), row[1]): row for row in rows}
        self._searched: set[object] = set()
        # Objects, each with the names in the function that may use it.
        self._pending: list[tuple[Any, tuple[str, ...]]] = []

    def run(self, function: object, arguments: Iterable[object]) -> None:
        """Search a function, and the methods of arguments that it names."""
        self._pending.append((function, ()))
        while self._pending:
            value, names = self._pending.pop()
            kind = type(value)  # `isinstance` asks the object, and a proxy may have none yet
            if kind is FunctionType:
                self._search_function(value, arguments)
            elif kind is MethodType:
                self._pending.append((value.__func__, names))
            elif issubclass(kind, functools.partial):
                self._pending.append((value.func, names))
            elif issubclass(kind, type):
                self._search_class(value, names)
            else:
                self._search_class(kind, _and_call(names))
                wrapped = getattr(value, "__dict__", {}).get("__wrapped__")  # a compiled function's
                if wrapped is not None and id(wrapped) not in self._searched:
                    self._searched.add(id(wrapped))
                    self._pending.append((wrapped, names))

    def _search_function(self, function: FunctionType, arguments: Iterable[object]) -> None:
        namespace = function.__globals__
        if function in self._searched or _is_unchanged(namespace.get("__name__")):
            return
        self._searched.add(function)
        names: tuple[str, ...] = ()
        for code in _codes(function.__code__):
            names += code.co_names
        self._search_namespace(namespace, names)
        for cell in function.__closure__ or ():
            row = cell, None, _value_of((cell, None, None))
            if row[2] is not _DELETED:
                self.rows.setdefault((id(cell), None), row)
                self._pending.append((row[2], names))
        for each in arguments:
            self._pending.append((each, names))

    def _search_namespace(self, namespace: dict[str, Any], names: tuple[str, ...]) -> None:
        for name in names:
            value = namespace.get(name, _DELETED)
            if value is _DELETED:
                continue  # an attribute
            if not issubclass(type(value), ModuleType):
                self.rows.setdefault((id(namespace), name), (namespace, name, value))
                self._pending.append((value, names))
            elif not _is_unchanged(value.__name__) and (value, names) not in self._searched:
                self._searched.add((value, names))
                self._search_namespace(vars(value), names)

    def _search_class(self, kind: type, names: tuple[str, ...]) -> None:
        searched = id(kind), names  # some classes have no hash
        if _is_unchanged(kind.__module__) or searched in self._searched:
            return
        self._searched.add(searched)
        for name in names:
            for base in kind.__mro__:
                if name in vars(base):
                    self._pending.append((_function_of(vars(base)[name]), names))
                    break


def _and_call(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names with `__call__`, once: a member of a class may be an instance of it.

    >>> _and_call(("RED",)), _and_call(("RED", "__call__"))
    (('RED', '__call__'), ('RED', '__call__'))
    """
    return names if "__call__" in names else (*names, "__call__")


def _codes(code: CodeType) -> list[CodeType]:
    """Return the code of a function, and of the functions inside of it."""
    codes = [code]
    for each in codes:
        for constant in each.co_consts:
            if type(constant) is CodeType:
                codes.append(constant)
    return codes


def _function_of(member: Any) -> object:
    """Return the function that runs when a member of a class is used."""
    kind = type(member)
    if issubclass(kind, staticmethod | classmethod):
        return member.__func__
    if issubclass(kind, property):
        return member.fget
    return member.func if issubclass(kind, functools.cached_property) else member


def _is_unchanged(module: object) -> bool:
    return module in _UNCHANGED or str(module).partition(".")[0] in _UNCHANGED
