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

import dis
import functools
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from cpnum.trace.fixed import fixed_key
from cpnum.trace.site import is_installed

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

    def read(self, function: object, arguments: Iterable[object] = ()) -> bool:
        """Look up the variables that are not known yet; `arguments` may have methods that run.

        Return whether modules are imported when the function runs.  If they were not loaded before,
        their variables are known only when they are looked up once more.
        """
        search = _Search(self.rows)
        search.run(function, arguments)
        if search.rows:
            self.rows[:] = search.rows.values()
        return search.imports

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
        self.imports = False
        self._searched: set[object] = set()
        # The names of members of a class that were searched.
        self._members: dict[tuple[object, ...], set[str]] = {}
        # Objects, each with the names in the function that may use it.
        self._pending: list[tuple[object, tuple[str, ...]]] = []

    def run(self, function: object, arguments: Iterable[object]) -> None:
        """Search a function, and the methods of arguments that it names."""
        self._pending.append((function, ()))
        while self._pending:
            value, names = self._pending.pop()
            if type(value) is FunctionType:
                self._search_function(value, arguments)
            elif type(value) is MethodType:
                function = value.__func__
                self._pending += [(function, names), (value.__self__, _names_in(function))]
            elif isinstance(value, functools.partial):
                names += _names_in(value.func)
                held = (value.func, *value.args, *value.keywords.values())
                self._pending += [(each, names) for each in held]
            elif isinstance(value, type):
                self._search_class(value, names, frozenset())
            else:
                self._search_class(type(value), (*names, "__call__"), _MAKING)
            # A compiled function has it, and one that a decorator of Python's library returned.
            wrapped = getattr(value, "__dict__", {}).get("__wrapped__")
            if wrapped is not None and id(wrapped) not in self._searched:
                self._searched.add(id(wrapped))
                self._pending.append((wrapped, names))

    def _search_function(self, function: FunctionType, arguments: Iterable[object]) -> None:
        namespace = function.__globals__
        if function in self._searched or _is_unchanged(namespace.get("__name__")):
            return
        self._searched.add(function)
        names: tuple[str, ...] = ()
        codes = _codes(function.__code__)
        for code in codes:
            names += code.co_names
        self._search_namespace(namespace, names)
        if not is_installed(function.__code__.co_filename):
            self._search_imports(codes, namespace.get("__package__") or "", names)
        for cell in function.__closure__ or ():
            row = cell, None, _value_of((cell, None, None))
            if row[2] is not _DELETED:
                self.rows.setdefault((id(cell), None), row)
                self._pending.append((row[2], names))
        defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
        for each in (*arguments, *defaults):
            self._pending.append((each, names))

    def _search_imports(
        self, codes: Iterable[CodeType], package: str, names: tuple[str, ...]
    ) -> None:
        for code in codes:
            for module in _imported(code, package):
                self.imports = True
                if module in sys.modules:
                    self._search_module(sys.modules[module], names)

    def _search_namespace(self, namespace: dict[str, Any], names: tuple[str, ...]) -> None:
        for name in names:
            value = namespace.get(name, _DELETED)
            if value is _DELETED:
                continue  # an attribute
            if not isinstance(value, ModuleType):
                self.rows.setdefault((id(namespace), name), (namespace, name, value))
                self._pending.append((value, names))
            else:
                self._search_module(value, names)

    def _search_module(self, module: ModuleType, names: tuple[str, ...]) -> None:
        if not _is_unchanged(module.__name__) and (module, names) not in self._searched:
            self._searched.add((module, names))
            self._search_namespace(vars(module), names)

    def _search_class(self, kind: type, names: tuple[str, ...], but: frozenset[str]) -> None:
        """Search the members of these names, the special methods `but` some, and what they call."""
        if _is_unchanged(kind.__module__):
            return
        members = [vars(base) for base in kind.__mro__ if not _is_unchanged(base.__module__)]
        in_all_bases = "super" in names
        searched = self._members.setdefault((kind, but, in_all_bases), set())
        pending = [each for each in names if each not in searched]
        if not searched:
            pending += [each for each in _special_methods(members) if each not in but]
        searched.update(pending)
        for name in pending:
            for each in members:
                if name in each:
                    found = _function_of(each[name])
                    self._pending.append((found, names))
                    used = _names_in(found)  # a method may call others of its object
                    pending += [name for name in used if name not in searched]
                    searched.update(used)
                    if not in_all_bases and "super" not in used:
                        break


def _codes(code: CodeType) -> list[CodeType]:
    """Return the code of a function, and of the functions inside of it."""
    codes = [code]
    for each in codes:
        for constant in each.co_consts:
            if type(constant) is CodeType:
                codes.append(constant)
    return codes


def _special_methods(members: Iterable[Mapping[str, object]]) -> list[str]:
    """Return the names of the special methods of a user's class, as `__len__`: others run them."""
    return [
        name
        for each in members
        for name, member in each.items()
        if name.startswith("__")
        and type(member) is FunctionType
        and not is_installed(member.__code__.co_filename)
    ]


# The special methods that make an instance; they do not run when it is used.
_MAKING = frozenset(["__init__", "__new__", "__post_init__"])


def _imported(code: CodeType, package: str) -> Iterator[str]:
    """Yield the names of modules that code imports: `a.b` and `a` of `import a.b`."""
    if _IMPORT_NAME not in code.co_code[::2]:
        return
    steps = [each for each in dis.get_instructions(code) if each.opname != "EXTENDED_ARG"]
    for level, members, step in zip(steps, steps[1:], steps[2:], strict=False):
        if step.opname == "IMPORT_NAME":
            name: str = step.argval
            if level.argval:
                base = package.rsplit(".", level.argval - 1)[0]
                name = f"{base}.{name}" if name else base
            elif members.argval is None:
                yield name.partition(".")[0]
            yield name


_IMPORT_NAME = dis.opmap["IMPORT_NAME"]


def _names_in(function: object) -> tuple[str, ...]:
    """Return the names in the code of a user's function, nothing of other objects."""
    code = getattr(function, "__code__", None)
    if type(code) is not CodeType or is_installed(code.co_filename):
        return ()
    return tuple([name for each in _codes(code) for name in each.co_names])


def _function_of(member: object) -> object:
    """Return the function that runs when a member of a class is used."""
    if isinstance(member, staticmethod | classmethod):
        return member.__func__
    if isinstance(member, property):
        return member.fget
    return member.func if isinstance(member, functools.cached_property) else member


def _is_unchanged(module: object) -> bool:
    return module in _UNCHANGED or str(module).partition(".")[0] in _UNCHANGED
