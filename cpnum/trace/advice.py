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

from cpnum.tables.coverage import CALLED, REFUSED_MODULES, WHY
from cpnum.trace.site import stores_item, user_expression

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
    labelled = _labelled(name, value)
    if labelled is not None:
        return labelled
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


def _labelled(name: str, value: Any) -> str | None:
    """Return what to write instead of an array with labels, None for any other object."""
    kind = type(value)
    match kind.__module__.partition(".")[0], kind.__name__:
        case "pandas", "Series":
            return f"{name}.to_numpy(), or pd.Series(f({name}.to_numpy()), {name}.index)"
        case "pandas", "DataFrame":
            return _each([*value.columns[:4]], f"{name}[{{!r}}].to_numpy()")
        case "xarray", "DataArray":
            return f"{name}.values, or xr.apply_ufunc(f, {name}), which keeps the labels"
    return None


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
    if not dtype.isnative and dtype.kind in "iufc":
        return f"{name}.astype({name}.dtype.newbyteorder('=')), in the processor's order of bytes"
    if dtype.name in CONVERTED:
        to, which = CONVERTED[dtype.name]
        return f"{name}.astype(np.{to}), {which}"
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


# A dtype of numbers without stencils -> the one to convert to, and what that does to the numbers.
HOLDS_ALL = "which holds all of its numbers"
CONVERTED = {
    "float16": ("float32", HOLDS_ALL),
    "int8": ("int32", HOLDS_ALL),
    "uint8": ("int32", HOLDS_ALL),
    "int16": ("int32", HOLDS_ALL),
    "uint16": ("int32", HOLDS_ALL),
    "uint32": ("int64", HOLDS_ALL),
    "uint64": ("int64", "which holds its numbers below 2**63"),
    np.dtype(np.longdouble).name: ("float64", "which has fewer digits"),
}

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


def instead_of_number(number: Any) -> str:
    """Return what to write instead of a NumPy scalar of a dtype without stencils.

    >>> instead_of_number(np.uint8(1))
    'int(...) of it, which takes the dtype of the array'
    """
    convert = {"i": "int", "u": "int", "f": "float"}.get(number.dtype.kind)
    if convert is None:
        return instead_of_dtype("it", number.dtype) or "an array or a number"
    return f"{convert}(...) of it, which takes the dtype of the array"


def instead_of_outside(array: Any) -> str:
    """Return what to write instead of an array of a dtype without stencils from outside."""
    if array.dtype == object and not array.ndim:
        kind = type(array.item()).__name__
        return f"an array of numbers: NumPy makes one object of a {kind}"
    return instead_of_dtype("it", array.dtype) or "an array of numbers"


def name_of_object(value: object) -> str | None:
    """Return the name of a variable of the user's line that holds an object, None without one."""
    expression, names = user_expression()
    written = () if expression is None else ast.walk(expression)
    found = (each.id for each in written if isinstance(each, ast.Name))
    return next((name for name in found if names.get(name) is value), None)


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


def instead_in_library(write: str | None) -> str | None:
    """Return what to write if a library's line is refused, which users do not change."""
    name = called_by_user()
    return write if name is None else f"the call of {name} outside of the function"


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
    if isinstance(expression, ast.Subscript) and use in _OF_ELEMENTS and stores_item():
        return stored(ast.unparse(expression))
    if not isinstance(expression, ast.Call):
        return use, write
    name = ast.unparse(expression.func)
    function = _object(expression.func, names)
    if name.startswith("np.vectorize(") or isinstance(function, np.vectorize):
        return "np.vectorize()", "the function itself: it is compiled for whole arrays"
    given = _given(expression)
    if function is float or function is int:
        return use, f"{_operand(expression, weak)}.astype({name}) for {name}({given})"
    if function is round:
        return use, f"np.round({given}) for {name}({given}); its result keeps the dtype"
    if function in (complex, bool) or len(name) > 40:
        return use, write
    array = _operand(expression, weak)
    if isinstance(function, type) and issubclass(function, np.generic):
        return f"{name}()", f"{array}.astype({name}) for {name}({given})"
    if _is_maker(function):
        several = expression.args and isinstance(expression.args[0], ast.List | ast.Tuple)
        if several:
            return f"{name}()", "a function for each of the values: no array is made of them yet"
        dtype = _dtype_of(expression)
        if dtype is not None:
            return f"{name}()", f"{array}.astype({dtype}) for {name}({_first(expression)}, {dtype})"
        if not weak:
            return f"{name}()", f"{array} without {name} around it"
        return f"{name}()", f"{array} for {name}({given})"
    own = getattr(function, "__name__", "")
    if getattr(math, own, None) is function and hasattr(np, own):
        to_int, dtype = (".astype(int)", "int64") if function in _TO_INT else ("", "float64")
        return f"{name}()", f"np.{own}({given}){to_int} for {name}({given}); its result is {dtype}"
    return f"{name}()", f"the call of {name} outside of the function"


# Conversions by which NumPy reads an element, or the elements, of what is assigned to an array.
_OF_ELEMENTS = (READ, "float()", "int()", "complex()")


def stored(target: str) -> tuple[str, str]:
    """Return the name of an assignment to elements, and what to write instead.

    >>> stored("out[i]")[0]
    '`out[i] = ...` on an array that is not traced'
    """
    text = target if len(target) <= 40 else "x[...]"
    return (
        f"`{text} = ...` on an array that is not traced",
        "the array as an argument of the function, or one that it makes by np.zeros",
    )


def _given(call: ast.Call) -> str:
    """Return the text of the arguments of a call, "x" if it is long."""
    text = ", ".join(map(ast.unparse, call.args))
    return text if 0 < len(text) <= 40 else "x"


def _first(call: ast.Call) -> str:
    text = ast.unparse(call.args[0]) if call.args else "x"
    return text if len(text) <= 40 else "x"


def _operand(call: ast.Call, weak: bool) -> str:
    """Return the text of the first argument as one that can have a method.

    >>> [_operand(ast.parse(f"f({each})", mode="eval").body, False) for each in ("x[0]", "x + y")]
    ['x[0]', '(x + y)']
    """
    text = _first(call)
    if weak:
        return f"np.multiply({text}, 1)"
    plain = not call.args or isinstance(call.args[0], _WITH_METHODS) or text == "x"
    return text if plain else f"({text})"


_WITH_METHODS = (ast.Name, ast.Call, ast.Subscript, ast.Attribute)


# -- what NumPy reads at once -------------------------------------------------------------------


def why_refused(function: Any) -> str | None:
    """Return why a function of NumPy's cannot be traced, None if no table says so.

    >>> why_refused(np.unique), why_refused(np.fft.fft)
    ('its shape depends on contents', 'complex numbers are not supported yet')
    """
    name, module = getattr(function, "__name__", ""), getattr(function, "__module__", None)
    return REFUSED_MODULES.get(module or "") or WHY.get(name)


def refused_line() -> tuple[str, str] | None:
    """Return why the user's line cannot be traced, and what to write, if its function says so.

    NumPy asks the items of a list, as in `np.sum([x, y])`, for no function of theirs.
    """
    expression, names = user_expression()
    if isinstance(expression, ast.Subscript):
        return _refused_index(expression, names)
    if not isinstance(expression, ast.Call):
        return None
    function = _object(expression.func, names)
    items = _listed_items(expression)
    if isinstance(expression.func, ast.Attribute):
        of = _object(expression.func.value, names)
        method = expression.func.attr
        if isinstance(of, np.ufunc) and method != "outer":
            write = "its call outside of the function"
            if method == "reduce" and items and of.nin == 2:
                name = ast.unparse(expression.func.value)
                write = f"{nested(name, items)} for {name}.reduce(...)"
            return f"numpy.{of.__name__}.{method} of a list cannot be traced", write
    name, why = getattr(function, "__name__", ""), why_refused(function)
    if name in CALLED and items and getattr(np, name, None) is function:
        given = ", ".join(items)
        write = f"np.{name}(np.stack([{given}])) for np.{name}([{given}])"
        return f"numpy.{name} of a list of traced values cannot be traced", write
    if why is None or getattr(np, name, None) is not function:
        return None
    return f"numpy.{name} cannot be traced: {why}", "its call outside of the function"


# What joins arrays by an index -> the function that does.
_JOINING = {"r_": "concatenate", "c_": "column_stack"}


def _refused_index(subscript: ast.Subscript, names: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return why `np.r_[x, y]` cannot be traced, and what to write."""
    of = _object(subscript.value, names)
    name = next((each for each in _JOINING if getattr(np, each) is of), None)
    if name is None:
        return None
    text = ast.unparse(subscript.value)
    items = getattr(subscript.slice, "elts", [subscript.slice])
    joining, write = _JOINING[name], "its use outside of the function"
    if joining not in WHY and not any(isinstance(each, ast.Slice) for each in items):
        given = ", ".join(map(ast.unparse, items))
        if len(given) <= 40:
            write = f"np.{joining}([{given}]) for {text}[{given}]"
    why = WHY.get(name, "it reads the contents at once")
    return f"numpy.{name}[...] cannot be traced: {why}", write


def _listed_items(call: ast.Call) -> list[str]:
    """Return the items of a list that is the one argument of a call, none if they are long."""
    items = getattr(call.args[0], "elts", []) if len(call.args) == 1 and not call.keywords else []
    texts = [*map(ast.unparse, items)]
    return texts if len(texts) > 1 and sum(map(len, texts)) <= 80 else []


def nested(function: str, operands: Sequence[str]) -> str:
    """Return the calls of a function of two operands for several.

    >>> nested("np.maximum", ["x", "y", "0.0"])
    'np.maximum(np.maximum(x, y), 0.0)'
    """
    return functools.reduce(lambda first, second: f"{function}({first}, {second})", operands)


# -- what a line calls --------------------------------------------------------------------------


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
