"""The Python functions that a call may come to, by the names in their code.

Names stand for functions, for modules with functions, for classes and objects with methods, and for
containers of all these.  What is reached otherwise, as by `getattr`, is not found.

>>> def outer(x):
...     return inner(x)
>>> def inner(x):
...     return abs(x)
>>> [each.__name__ for each in functions_of(outer, ())]
['outer', 'inner']
"""

from __future__ import annotations

import dis
import functools
import inspect
import sys
from collections.abc import Iterable, Iterator, Sequence
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType, NoneType
from typing import Any, NamedTuple

import numpy as np

from cpnum.ir.sites import USERS, owner_of
from cpnum.trace.builder import Traced

_Names = tuple[str, ...]

# The ids of types whose objects call no function of the user's.  Some types have no hash.
_PLAIN = frozenset(
    id(each)
    for each in (
        *(bool, int, float, complex, str, bytes, NoneType),
        *(np.ndarray, np.ufunc, BuiltinFunctionType),
    )
)

# Modules that no search enters: their functions are known, or are nobody's to change.
_NOT_ENTERED = sys.stdlib_module_names | {"cpnum", "numpy", "scipy"}

# A search looks at so many objects, and into containers of so many: larger ones hold data.
_MOST = 1_000
_MOST_ELEMENTS = 100


class _Found(NamedTuple):
    """An object, the names that are looked up in it, and for a method the object that has it."""

    value: Any
    names: _Names
    holder: Any = None


def functions_of(function: Any, arguments: Iterable[object]) -> list[FunctionType]:
    """Return the Python functions of the user's that a call may come to.

    Those of an installed package are left out, unless the function is one of it.
    """
    start = called_by(function)
    home = "" if start is None else _package(start)
    names = () if start is None else _names_in(start.__code__)
    pending = [_Found(each, names) for each in arguments]
    pending.append(_Found(function, ()))
    functions: dict[int, FunctionType] = {}
    seen: dict[object, object] = {}  # with the values: another one may get the id of one that goes
    while pending and len(seen) < _MOST:
        value, names, holder = pending.pop()
        kind = type(value)
        if id(kind) in _PLAIN or issubclass(kind, Traced):
            continue
        key = (id(value), id(holder)) if kind is FunctionType else (id(value), names)
        if key in seen:
            continue
        seen[key] = value, holder
        if kind is not FunctionType:
            pending += _members(value, names)
        elif owner_of(value.__code__.co_filename) is USERS or _package(value) == home:
            functions[id(value)] = value
            pending += _read_by(value, holder)
    return list(functions.values())


def called_by(function: Any) -> FunctionType | None:
    """Return the Python function that a call of an object runs, if there is one."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif type(function) is MethodType:
            function = function.__func__
        elif type(function) is FunctionType:
            return function
        else:
            call = vars(type(function)).get("__call__")
            if type(call) is not FunctionType:
                return None
            function = call


def _package(function: FunctionType) -> str:
    return str(function.__globals__.get("__name__")).partition(".")[0]


def _read_by(function: FunctionType, holder: Any) -> Iterator[_Found]:
    """Yield what a function reads from outside."""
    names, namespace = _names_in(function.__code__), function.__globals__
    values = [namespace[name] for name in names if name in namespace]
    for cell in function.__closure__ or ():
        try:
            values.append(cell.cell_contents)
        except ValueError:
            pass  # it is empty
    values += function.__defaults__ or ()
    values += (function.__kwdefaults__ or {}).values()
    yield from [_Found(each, names) for each in values]
    if holder is not None:
        yield _Found(holder, names)


def _members(value: Any, names: _Names) -> Iterator[_Found]:
    """Yield the functions, and what may have some, that names stand for in an object."""
    kind = type(value)
    if kind is MethodType:
        yield _Found(value.__func__, names, value.__self__)
    elif issubclass(kind, functools.partial):
        yield from [_Found(each, names) for each in (value.func, *value.args)]
    elif issubclass(kind, ModuleType):
        if _is_entered(value.__name__):
            members = vars(value)
            yield from [_Found(members[name], names) for name in names if name in members]
    elif issubclass(kind, tuple | list | set | frozenset | dict):
        if len(value) <= _MOST_ELEMENTS:
            elements = value.values() if issubclass(kind, dict) else value
            yield from [_Found(each, names) for each in tuple(elements)]
    else:
        for base in value.__mro__ if issubclass(kind, type) else kind.__mro__:
            if _is_entered(base.__module__):
                for name, member in vars(base).items():
                    if name in names or name[:2] == "__":
                        yield _Found(_function_of(member), names, value)
        if not issubclass(kind, type):
            own = attributes_of(value)
            for name in ("__wrapped__", *names):  # a compiled function has the first
                if name in own:
                    yield _Found(own[name], names)


def _is_entered(module: object) -> bool:
    return str(module).partition(".")[0] not in _NOT_ENTERED


def _function_of(member: Any) -> Any:
    """Return the function that runs when a member of a class is used."""
    if issubclass(type(member), staticmethod | classmethod):
        return member.__func__
    return member.fget if issubclass(type(member), property) else member


def attributes_of(value: object) -> dict[str, Any]:
    """Return what an object itself has, without the attributes of its class."""
    try:
        own: dict[str, Any] = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return own


# -- code ---------------------------------------------------------------------------------------


def codes_of(code: CodeType) -> list[CodeType]:
    """Return the code of a function, and of the functions inside of it."""
    codes = [code]
    for each in codes:
        for constant in each.co_consts:
            if type(constant) is CodeType:
                codes.append(constant)
    return codes


def _names_in(code: CodeType) -> _Names:
    """Return the names that the code of a function has for globals and attributes."""
    codes = codes_of(code)
    return code.co_names if len(codes) == 1 else sum([each.co_names for each in codes], ())


_LOAD_GLOBAL, _EXTENDED = dis.opmap["LOAD_GLOBAL"], dis.opmap["EXTENDED_ARG"]


def loaded(code: CodeType, raw: bytes, operations: bytes) -> Sequence[str]:
    """Return the names of globals that code reads; `raw` are its bytes, `operations` the even ones.

    `dis` would take longer than the rest of a search, so this is done by hand.

    >>> code = (lambda x: k * x.real + abs(x)).__code__
    >>> loaded(code, code.co_code, code.co_code[::2])
    ['k', 'abs']
    """
    if not code.co_flags & inspect.CO_OPTIMIZED:
        return code.co_names  # the body of a class
    names = []
    at = operations.find(_LOAD_GLOBAL)
    while at >= 0:
        index = raw[2 * at + 1]
        if at and operations[at - 1] == _EXTENDED:
            index |= raw[2 * at - 1] << 8
        names.append(code.co_names[index >> 1])
        at = operations.find(_LOAD_GLOBAL, at + 1)
    return names
