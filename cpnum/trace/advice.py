"""Advice for error messages: what to write instead of something that cannot be traced.

>>> import numpy as np
>>> instead_of_argument("x", np.ma.masked_array([1.0, 2.0], [True, False]))
'x.filled(number), or np.ma.array(f(x.data), mask=x.mask), which keeps the mask'
>>> instead_of_argument("x", {1.0, 2.0})
'frozenset(x) if it is the same at each call'
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence, Set
from numbers import Integral, Number
from types import ModuleType
from typing import Any

import numpy as np

from cpnum.trace.site import user_expression

_NUMBERS = (bool, int, float, np.generic)


# -- arguments ----------------------------------------------------------------------------------


def described_argument(name: str, value: object) -> str:
    """Return an argument as messages show it, with the types of its items.

    >>> described_argument("t", (np.ones(2), 1.5))
    'the argument t: tuple of ndarray, float'
    """
    kind = type(value).__name__
    if isinstance(value, np.ma.MaskedArray):
        masked = int(np.ma.getmaskarray(value).sum())
        return f"the argument {name}, {masked} of {value.size} elements masked"
    if isinstance(value, np.ndarray):
        return f"the argument {name} of {value.dtype!r}"
    types = dict.fromkeys(type(each).__name__ for each in _items(value).values())
    return f"the argument {name}: {kind} of {', '.join(types)}" if types else f"the argument {name}"


def instead_of_argument(name: str, value: object) -> str:
    """Return what to write instead of an argument that is neither an array, a number nor fixed."""
    if isinstance(value, np.ma.MaskedArray):
        kept = f"np.ma.array(f({name}.data), mask={name}.mask), which keeps the mask"
        return f"{name}.filled(number), or {kept}"
    if isinstance(value, np.matrix):
        return f"np.asarray({name}), whose `*` is elementwise and no product of matrices"
    if isinstance(value, np.ndarray):
        if value.dtype.names:
            return _each(value.dtype.names, f"{name}[{{!r}}]")
        own = type(value).__name__
        return f"np.asarray({name}), which is a view without what {own} adds to arrays"
    items = _items(value)
    access = _ACCESS.get(_kind(value), "").format(name)
    if items and not all(isinstance(each, _NUMBERS) for each in items.values()):
        return _each(items, access)
    if hasattr(type(value), "__array__"):
        return f"np.asarray({name}) before the call, which reads or copies its elements"
    if isinstance(value, Set):
        return f"frozenset({name}) if it is the same at each call"
    if items and _kind(value) == "keys":
        return _each(items, access)
    if isinstance(value, slice):
        return "the slice inside of the function, with numbers as ends"
    if isinstance(value, bytearray | memoryview) or hasattr(value, "typecode"):
        return f"np.asarray({name})"
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        return f"np.asarray({name}), or tuple({name}) if it is the same at each call"
    return "its arrays and numbers as arguments of their own"


def instead_of_operand(operand: object) -> str:
    """Return what to write instead of an operand that is neither an array nor a number.

    >>> instead_of_operand([1.0, 2.0])
    'np.asarray of it as an argument of the function'
    """
    if hasattr(type(operand), "__array__"):
        return "np.asarray of it, which reads or copies its elements, as an argument"
    if isinstance(operand, Sequence) and not isinstance(operand, str | bytes):
        return "np.asarray of it as an argument of the function"
    if isinstance(operand, Integral):
        return "int(...) of it"
    return "float(...) of it" if isinstance(operand, Number) else "an array or a number"


def instead_of_dtype(name: str, dtype: np.dtype[Any]) -> str | None:
    """Return what to write instead of an argument of a dtype, None if any conversion will do.

    >>> instead_of_dtype("t", np.dtype("M8[D]"))
    't.astype(np.int64), which counts days, for example'
    """
    if dtype.names:
        return _each(dtype.names, f"{name}[{{!r}}]")
    return {
        "O": f"{name}.astype(float), if its elements are numbers",
        "M": f"{name}.astype(np.int64), which counts days, for example",
        "m": f"{name}.astype(np.int64), which counts days, for example",
        "c": f"real and imaginary parts as arguments of their own: f({name}.real, {name}.imag)",
        "U": "numbers: there are no operators of text",
        "S": "numbers: there are no operators of text",
        "T": "numbers: there are no operators of text",
        "V": "numbers: there are no operators of bytes",
    }.get(dtype.kind)


# Of a container, at most so many items are looked at for a message.
_LOOK = 100

_ACCESS: dict[str | None, str] = {"keys": "{}[{{!r}}]", "fields": "{}.{{}}", "places": "{}[{{}}]"}


def _kind(value: object) -> str | None:
    """Return how the items of a container are named, None if it is no container."""
    if isinstance(value, Mapping):
        return "keys"
    if dataclasses.is_dataclass(value) or hasattr(value, "_fields"):
        return "fields"
    return "places" if isinstance(value, tuple | list) else None


def _items(value: Any) -> Mapping[object, object]:
    """Return the items of a container by their names; nothing of other objects."""
    match _kind(value):
        case "keys":
            return dict(itertools.islice(value.items(), _LOOK))
        case "fields":
            names = getattr(value, "_fields", None)
            if names is None:
                names = [field.name for field in dataclasses.fields(value)]
            return {name: getattr(value, name, None) for name in names}
        case "places":
            return dict(enumerate(value[:_LOOK]))
        case _:
            return {}


def _each(names: Iterable[object], access: str) -> str:
    """Return the advice to pass each item by itself: f(t[0], t[1])."""
    shown = [access.format(name) for name in names]
    if len(shown) > 3:
        shown = [*shown[:2], "..."]
    return f"each as an argument of its own: f({', '.join(shown)})"


# -- attributes ---------------------------------------------------------------------------------

# An attribute or a method of arrays -> an expression that has its value and can be traced.
INSTEAD = {
    "flat": "x.ravel()",
}


def instead_of_attribute(name: str, is_method: bool) -> str:
    """Return what to write instead of an attribute or a method of arrays.

    >>> instead_of_attribute("flat", False), instead_of_attribute("flags", False)
    ('x.ravel()', 'its value as an argument of the function')
    """
    if name in INSTEAD:
        return INSTEAD[name]
    return "its call outside of the function" if is_method else _VALUE


_VALUE = "its value as an argument of the function"


def called_by_user() -> str | None:
    """Return the name of the function that the user's line calls, None if it calls none.

    A library that is given a traced value may ask for an attribute that no line of the user names.
    """
    expression, names = user_expression()
    if not isinstance(expression, ast.Call) or _object(expression.func, names) in (
        getattr,
        hasattr,
    ):
        return None
    name = ast.unparse(expression.func)
    return name if len(name) <= 40 else None


# -- conversions --------------------------------------------------------------------------------


# What NumPy asks of a value for which it has no other hook.
READ = "an array to read"


def conversion(use: str, write: str, weak: bool) -> tuple[str, str]:
    """Return the name of a conversion that the user's line makes, and what to write instead.

    Python and NumPy ask for the contents of a value in the same way for many functions, so the
    user's own expression decides.  `use` and `write` are the answers if it says nothing.  A `weak`
    value is a Python number, which has no method astype.
    """
    expression, names = user_expression()
    if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Mod):
        return "a format", "the text outside of the function"
    if isinstance(expression, ast.Subscript) and use == READ:  # np.r_[x, y]
        name = f"{ast.unparse(expression.value)}[...]"
        return name, "its use outside of the function"
    if not isinstance(expression, ast.Call):
        return use, write
    name = ast.unparse(expression.func)
    function = _object(expression.func, names)
    if name.startswith("np.vectorize(") or isinstance(function, np.vectorize):
        return "np.vectorize()", "the function itself: it is compiled for whole arrays"
    if function in (float, int, complex, bool) or len(name) > 40:
        return use, write
    of, _, method = name.rpartition(".")
    if method in ("reduce", "accumulate") and of:
        return f"{name}()", f"{of}({of}(x, y), z) for {name}((x, y, z))"
    array = "np.multiply(x, 1)" if weak else "x"
    if isinstance(function, type) and issubclass(function, np.generic):
        return f"{name}()", f"{array}.astype({name}) for {name}(x)"
    if _is_maker(function):
        several = expression.args and isinstance(expression.args[0], ast.List | ast.Tuple)
        if several:
            return f"{name}()", "a function for each of the values: no array is made of them yet"
        dtype = _dtype_of(expression)
        if dtype is not None:
            return f"{name}()", f"{array}.astype({dtype}) for {name}(x, {dtype})"
        return f"{name}()", f"{array} for {name}(x)" if weak else f"x without {name} around it"
    own = getattr(function, "__name__", "")
    if getattr(math, own, None) is function and hasattr(np, own):
        to_int, dtype = (".astype(int)", "int64") if function in _TO_INT else ("", "float64")
        given = ", ".join(map(ast.unparse, expression.args))
        if len(given) > 40:
            given = "x"
        return f"{name}()", f"np.{own}({given}){to_int} for {name}({given}); its result is {dtype}"
    return f"{name}()", f"the call of {name} outside of the function"


def makes_array() -> bool:
    """Tell whether the user's line calls a function that makes an array of its argument."""
    expression, names = user_expression()
    return isinstance(expression, ast.Call) and _is_maker(_object(expression.func, names))


def _is_maker(function: object) -> bool:
    """Tell whether a function is np.asarray or its like, or stands for one during a trace."""
    return function in _MAKES_ARRAYS or getattr(function, "__wrapped__", None) in _MAKES_ARRAYS


def calls_cached() -> bool:
    """Tell whether the user's line calls a function of functools.cache, which keeps arguments."""
    expression, names = user_expression()
    if not isinstance(expression, ast.Call):
        return False
    name, *attributes = ast.unparse(expression.func).split(".")
    function = names.get(name)
    for each in attributes:
        function = inspect.getattr_static(function, each, None)
    return isinstance(function, functools._lru_cache_wrapper)


def _object(expression: ast.expr, names: Mapping[str, Any]) -> Any:
    """Return the object that a name stands for, or an attribute of a module; None for others."""
    if isinstance(expression, ast.Name):
        return names.get(expression.id)
    if isinstance(expression, ast.Attribute):
        module = _object(expression.value, names)
        if isinstance(module, ModuleType):
            return getattr(module, expression.attr, None)
    return None


def _dtype_of(call: ast.Call) -> str | None:
    """Return the dtype that is written in a call of a function such as np.asarray, if there is one.

    >>> [_dtype_of(ast.parse(call).body[0].value) for call in ("array(x, 'f4')", "array(x)")]
    ["'f4'", None]
    """
    named = [each.value for each in call.keywords if each.arg == "dtype"]
    given = [*call.args[1:2], *named]
    return ast.unparse(given[0]) if given else None


_TO_INT = (math.floor, math.ceil)
_MAKES_ARRAYS = (np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray)
