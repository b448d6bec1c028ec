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
import weakref
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType, NoneType
from typing import Any

import numpy as np

from cpnum.ir.sites import is_installed
from cpnum.trace.fixed import fixed_key
from cpnum.trace.made import is_array, root_of
from cpnum.trace.reached import attributes_of, codes_of, loaded
from cpnum.trace.replacing import original

# A variable and its value: a namespace, the name of a global in it, the value, None if it has no
# such global; or the cell of an enclosing function's variable, None, the value.
Row = tuple[Any, str | None, object]

# Nobody assigns to variables of these modules.
_UNCHANGED = sys.stdlib_module_names | {"cpnum", "numpy", "scipy"}

# The value of a cell that is empty.
_DELETED = object()


class Outside:
    """The outside variables of a function, and of functions that it calls, with their values.

    Only what a name stands for is compared, and the elements of a small array, not what is inside
    of other objects.  The variables of NumPy and of the standard library are left out, and so are
    the usual names of these modules.
    """

    __slots__ = ("_cells", "_codes", "rows")

    def __init__(self) -> None:
        # Plain tuples, because each call unpacks them.
        self.rows: list[Row] = []
        self._codes: dict[int, CodeType] = {}  # by id: a hash reads all of it
        self._cells: dict[int, str] = {}

    def read(self, function: object, arguments: Iterable[object] = ()) -> None:
        """Look up the variables that are not known yet; `arguments` may have methods that run."""
        if not arguments and type(function) is FunctionType and _reads_usual(function):
            return
        search = _Search(self.rows)
        search.run(function, arguments)
        if search.rows:
            self.rows[:] = search.rows.values()
        self._codes |= search.codes
        self._cells |= search.cells

    def watched(self) -> dict[int, Any]:
        """Return the arrays whose elements each call compares, by their ids."""
        holders = [holder for holder, *_ in self.rows if type(holder) is _Elements]
        return {id(each.array): each.array for each in holders}

    @property
    def codes(self) -> tuple[CodeType, ...]:
        """The code of the functions that were searched."""
        return tuple(self._codes.values())

    def drop_assigned(self) -> None:
        """Drop the variables that the trace assigned: their value is another one at each call.

        A variable that another thread assigned meanwhile stays, so that the next call sees it.
        """
        changed = [row for row in self.rows if _value_of(row) is not row[2]]
        if changed:
            assigned = {name for code in self._codes.values() for name in _assigned(code)}
            dropped = {
                _key_of(row)
                for row in changed
                if (row[1] or self._cells.get(id(row[0]))) in assigned
            }
            self.rows[:] = [row for row in self.rows if _key_of(row) not in dropped]

    def same(self) -> bool:
        """Tell whether the variables have the values that they had, be it in new objects."""
        if not self.rows:
            return True
        now = [(*row[:2], _value_of(row)) for row in self.rows]
        for (*_, value), (*_, before) in zip(now, self.rows, strict=True):
            if value is not before and fixed_key(value) != fixed_key(before):
                return False
        self.rows[:] = now
        return True


def _value_of(row: Row) -> object:
    holder, name, _ = row
    if name is not None:
        return original(holder.get(name))  # another thread may be tracing
    try:
        return holder.cell_contents
    except ValueError:
        return _DELETED


class _Code:
    """The code of a function, in the place of a namespace: IPython's %autoreload replaces it."""

    __slots__ = ("code", "function")

    def __init__(self, function: FunctionType) -> None:
        self.code = function.__code__
        self.function = weakref.ref(function)  # an argument may be one, and is not kept alive

    def get(self, name: str) -> CodeType:
        function = self.function()
        return self.code if function is None else function.__code__


class _Elements:
    """The elements of an array, in the place of a namespace: somebody may write to it."""

    __slots__ = ("array", "before")

    def __init__(self, array: Any) -> None:
        self.array = array
        self.before = array.tobytes(), array.shape, array.dtype

    def get(self, name: str) -> tuple[object, ...]:
        array, before = self.array, self.before
        now = array.tobytes(), array.shape, array.dtype
        return before if now == before else now


def _key_of(row: Row) -> tuple[int, str | None]:
    holder, name, _ = row
    if type(holder) is _Elements:
        return id(holder.array), name
    return id((type(holder) is _Code and holder.function()) or holder), name


# The name in the rows of elements; no variable has it.
_ELEMENTS = "elements of an array"

# The elements of larger arrays are not compared: that would take longer than most calls.
_MOST_BYTES = 4096


def _compared(array: Any) -> Any:
    """Return the array whose elements each call compares, None if they are too many.

    It is the one that an array is a view of: other views of that are constants, too.
    """
    root = root_of(array)
    for each in (root, array):
        if is_array(each) and each.nbytes <= _MOST_BYTES and not each.dtype.hasobject:
            return each
    return None


def _reads_usual(function: FunctionType) -> bool:
    """Tell at once that a function reads no variables but the usual names of modules, as `np`.

    This is so for most functions, and a search would take a fortieth of their first calls.
    """
    code = function.__code__
    if function.__closure__ or function.__defaults__ or function.__kwdefaults__:
        return False
    if function.__dict__ or _is_reloaded(function):
        return False
    for constant in code.co_consts:
        if type(constant) is CodeType:
            return False
    raw = code.co_code
    operations = raw[::2]
    if _IMPORT in operations:
        return False
    namespace = function.__globals__
    for name in loaded(code, raw, operations):
        value = namespace.get(name)
        if type(value) is not ModuleType or not _is_usual(value.__name__, name):
            return False
    return True


# -- the search ---------------------------------------------------------------------------------

_Names = tuple[str, ...]

# The ids of types whose objects call no function of the user's.  Some types have no hash.
_PLAIN = frozenset(map(id, [bool, int, float, complex, str, bytes, NoneType, np.ndarray, np.ufunc]))

# A search looks at so many elements of lists and the like: with more, they hold data.
_MOST_ELEMENTS = 1_000


class _Search:
    """A search for the variables that a function reads, and for the functions that it may call.

    These are the ones that variables, defaults, elements, attributes and methods stand for.  An
    attribute is looked at if any function of the search names it.  Only the special methods of a
    class run without a name.

    Installed packages are large.  So the functions of another package name attributes only of what
    they read themselves.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = {_key_of(row): row for row in rows}
        self.codes: dict[int, CodeType] = {}
        self.cells: dict[int, str] = {}
        self._home: str | None = None  # the package of the function
        self._names: set[str] = set()
        # Objects that have attributes, each with the names that were looked up in it.
        self._holders: list[tuple[object, set[str]]] = []
        self._searched: dict[object, object] = {}
        self._elements = 0
        # Objects, each with the names of attributes to look at; None for all of `_names`.
        self._pending: list[tuple[object, _Names | None]] = []

    def run(self, function: object, arguments: Iterable[object]) -> None:
        """Search a function, and arguments that it may call."""
        self._visit(function, None)
        self._add(arguments)
        while self._pending:
            while self._pending:
                self._visit(*self._pending.pop())
            for holder, known in self._holders:
                names = self._names - known
                if names:
                    known |= names
                    self._look_up(holder, names, None)

    def _add(self, values: Iterable[object], names: _Names | None = None) -> None:
        self._pending += [(each, names) for each in values if id(type(each)) not in _PLAIN]

    def _visit(self, value: Any, names: _Names | None) -> None:
        kind = type(value)  # `isinstance` asks the object, and a proxy may have none yet
        key = id(value) if names is None or kind is FunctionType else (id(value), names)
        if key in self._searched:
            return
        self._searched[key] = value
        if kind is FunctionType:
            self._search_function(value)
        elif kind is MethodType:
            self._add((value.__func__, value.__self__), names)
        elif issubclass(kind, functools.partial):
            bound = (*value.args, *value.keywords.values())
            self._watch(bound, names)
            self._add((value.func, *bound), names)
        elif issubclass(kind, ModuleType) and _is_unchanged(value.__name__):
            pass
        else:
            if issubclass(kind, tuple | list | set | frozenset | dict):
                self._search_elements(value, names)
            self._add(_called_by(value), names)
            if names is not None:
                self._look_up(value, (*names, "__call__"), names)
            elif kind.__module__ != "builtins" or issubclass(kind, type | ModuleType):
                self._holders.append((value, set()))
                self._add(self._special_methods(value))

    def _search_function(self, function: FunctionType) -> None:
        """Search the globals of a function, what it encloses, and its defaults."""
        namespace = function.__globals__
        codes = codes_of(function.__code__)
        names: _Names | None = None
        if _is_unchanged(namespace.get("__name__")):
            names = ()
        else:
            if self._home is None:
                self._home = _package(function)
                is_foreign = False
            else:
                is_foreign = self._is_foreign(function)
            if is_foreign:
                names = tuple([name for code in codes for name in code.co_names])
            else:
                for code in codes:
                    self._names.update(code.co_names)
                self._watch_code(function)
            for code in codes:
                self.codes[id(code)] = code
                raw = code.co_code
                operations = raw[::2]
                for name in loaded(code, raw, operations):
                    self._read(namespace, name, names)
                if _IMPORT in operations:
                    for name in _imported(code, namespace):
                        self._read(sys.modules, name, names)
        if function.__closure__:
            self._search_cells(function, names)
        # Most functions have none of these.
        if function.__defaults__:
            self._watch(function.__defaults__, names)
            self._add(function.__defaults__, names)
        if function.__kwdefaults__:
            self._watch(function.__kwdefaults__.values(), names)
            self._add(function.__kwdefaults__.values(), names)
        if function.__dict__:
            if names is None:
                self._holders.append((function, set()))
            else:
                self._look_up(function, names, names)

    def _search_cells(self, function: FunctionType, names: _Names | None) -> None:
        for name, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        ):
            row = cell, None, _value_of((cell, None, None))
            if row[2] is not _DELETED:
                if names != ():
                    self.rows.setdefault((id(cell), None), row)
                    self.cells[id(cell)] = name
                self._watch((row[2],), names)
                self._add((row[2],), names)

    def _read(self, namespace: dict[str, Any], name: str, names: _Names | None) -> None:
        """Note a variable with its value, and search that."""
        value: Any = original(namespace.get(name))
        if not (issubclass(type(value), ModuleType) and _is_usual(value.__name__, name)):
            self.rows.setdefault((id(namespace), name), (namespace, name, value))
            self._watch((value,), names)
            self._add((value,), names)

    def _watch(self, values: Iterable[object], names: _Names | None) -> None:
        """Note the elements of small arrays, which are as constant as a variable."""
        for value in values:
            if is_array(value) and names != ():
                array = _compared(value)
                if array is not None:
                    holder = _Elements(array)
                    row = holder, _ELEMENTS, holder.before
                    self.rows.setdefault(_key_of(row), row)

    def _watch_code(self, function: FunctionType) -> None:
        """Note the code of a function that %autoreload may replace: it is found by its name."""
        name = function.__qualname__
        if _is_reloaded(function) and ("." in name or function.__globals__.get(name) is function):
            row = _Code(function), "__code__", function.__code__
            self.rows.setdefault(_key_of(row), row)

    def _search_elements(self, value: Any, names: _Names | None) -> None:
        self._elements += len(value)
        if self._elements <= _MOST_ELEMENTS:
            self._add(tuple(value.values() if isinstance(value, dict) else value), names)

    def _look_up(self, holder: Any, wanted: Iterable[str], names: _Names | None) -> None:
        """Search the members of an object, a class or a module that have the `wanted` names."""
        if issubclass(type(holder), ModuleType):
            for name in wanted:
                if name in vars(holder):
                    self._read(vars(holder), name, names)
            return
        for base in _classes(holder):
            own = vars(base)
            for name in wanted:
                if name in own:
                    self._add(_values_of(own[name], holder), names)
        own_attributes = {} if issubclass(type(holder), type) else attributes_of(holder)
        if own_attributes:
            self._add([own_attributes[each] for each in wanted if each in own_attributes], names)

    def _special_methods(self, holder: object) -> Iterator[object]:
        """Yield the methods that operators, calls and statements run."""
        for base in _classes(holder):
            for name, member in vars(base).items():
                if name[:2] == "__" and type(member) is FunctionType:
                    if name == "__call__" or not self._is_foreign(member):
                        yield member

    def _is_foreign(self, function: FunctionType) -> bool:
        """Tell whether a function is of an installed package that is not the searched one's."""
        return _package(function) != self._home and is_installed(function.__code__.co_filename)


def _is_reloaded(function: FunctionType) -> bool:
    """Tell whether IPython's %autoreload may replace the code of a function: a module has it."""
    return "IPython" in sys.modules and function.__globals__.get("__name__") != "__main__"


def _package(function: FunctionType) -> str:
    return str(function.__globals__.get("__name__")).partition(".")[0]


def _classes(holder: Any) -> list[type]:
    """Return the classes that may have the members of an object, or of a class."""
    kind = type(holder)
    classes = kind.__mro__
    if issubclass(kind, type):
        classes = (*holder.__mro__, *classes)
    return [each for each in classes if not _is_unchanged(each.__module__)]


def _values_of(member: Any, holder: object) -> tuple[object, ...]:
    """Return what may run when a member of a class is used, as the getter of a property."""
    kind = type(member)
    if issubclass(kind, staticmethod | classmethod):
        return (member.__func__,)
    if issubclass(kind, property):
        return (member.fget,)
    if kind is MemberDescriptorType and not issubclass(type(holder), type):
        try:
            return (member.__get__(holder),)
        except AttributeError:
            return ()  # a slot that was never set
    return (member,)


def _called_by(holder: object) -> Iterable[object]:
    """Return the functions that an object calls without a name for them in the user's code."""
    if type(holder).__module__ == "functools":
        return tuple(attributes_of(holder).values())
    wrapped = attributes_of(holder).get("__wrapped__")  # a compiled function's
    return () if wrapped is None else (wrapped,)


# -- code ---------------------------------------------------------------------------------------


_IMPORT = dis.opmap["IMPORT_NAME"]


def _imported(code: CodeType, namespace: dict[str, Any]) -> list[str]:
    """Return the names of loaded modules that code may import."""
    package = str(namespace.get("__package__") or "")
    before = ["", *[f"{each}." for each in _parents(package)]]
    names = {
        parent
        for prefix in before
        for name in code.co_names
        for parent in _parents((prefix + name).rstrip("."))
    }
    return [each for each in names if each in sys.modules and not _is_unchanged(each)]


def _parents(name: str) -> list[str]:
    """Return the names of a module and of the packages that it is in.

    >>> _parents("a.b"), _parents("")
    (['a', 'a.b'], [])
    """
    parts = name.split(".") if name else []
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def _assigned(code: CodeType) -> Iterator[str]:
    """Yield the names of variables outside of it, and of attributes, that code assigns."""
    for each in dis.get_instructions(code):
        if each.opname.endswith(("_GLOBAL", "_DEREF", "_ATTR", "_NAME")):
            if each.opname.startswith(("STORE_", "DELETE_")):
                yield each.argval


def _is_unchanged(module: object) -> bool:
    return module in _UNCHANGED or str(module).partition(".")[0] in _UNCHANGED


def _is_usual(module: str, name: str) -> bool:
    """Tell whether nobody would give this name of a module to another one; `xp` may change."""
    return _is_unchanged(module) and name in ("np", module.rpartition(".")[2])
