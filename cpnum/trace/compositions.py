"""NumPy's functions that are compositions of operators, on traced values.

Each one does what NumPy's own does, operator by operator, so that it has the same bits, dtypes and
reports of errors.
"""

from __future__ import annotations

import functools
import math
import operator
from typing import Any

import numpy as np

from cpnum.tables.dtypes import BOOL, DType, from_numpy
from cpnum.tables.dtypes import B as BOOLEAN
from cpnum.trace.array import Tracer
from cpnum.trace.builder import Builder, Traced
from cpnum.trace.made import CHANGING_FIRST, written_to
from cpnum.trace.registry import as_array, first_tracer, owned, traces, xp
from cpnum.trace.tracer import OWNED, SCALAR, VIEW, UnknownArgumentError
from cpnum.trace.ufuncs import apply_where, dtype_of
from cpnum.trace.writing import assign


def choose(
    condition: object, x: object, y: object, dtype: DType, builder: Builder | None = None
) -> Tracer:
    """Return an array of a dtype: x where the condition holds, else y.

    No operand need be a tracer if a builder is given.
    """
    builder = builder or first_tracer(condition, x, y).builder
    return owned(Tracer(builder, *apply_where(builder, condition, x, y, dtype)))


def _as_computed(result: Tracer) -> Tracer:
    """Return the result of a ufunc: a scalar if it has no axes."""
    result.state = OWNED if result.known_shape else SCALAR
    return result


# -- choosing -----------------------------------------------------------------------------------


@traces(np.select)
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Tracer:
    if len(condlist) != len(choicelist):
        raise ValueError("list of cases must be same length as list of conditions")
    if len(condlist) == 0:
        raise ValueError("select with an empty condition list is not possible")
    builder = first_tracer(*condlist, *choicelist, default).builder
    for at, each in enumerate(condlist):
        if dtype_of(builder, each) not in (BOOLEAN, BOOL):
            raise TypeError(f"invalid entry {at} in condlist: should be boolean ndarray")
    given = [dtype_of(builder, each) for each in (*choicelist, default)]
    samples = [each.scalar(0) if each.weak else each.numpy for each in given]
    dtype = builder.attempt(from_numpy, np.result_type(*samples))
    result = default
    for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
        result = choose(condition, choice, result, dtype, builder)
    return owned(result)


@traces(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Tracer:
    is_number = np.isscalar(condlist)
    given = (x, condlist) if is_number or isinstance(condlist, Tracer) else (x, *condlist)
    adopted = first_tracer(*given).adopted
    array = adopted(xp.asanyarray(x))
    is_one = is_number or (not isinstance(condlist[0], list | np.ndarray) and array.ndim)
    conditions = [condlist] if is_one else condlist
    masks = [adopted(xp.asarray(each, dtype=bool)) for each in conditions]
    for each in masks:
        dtype_of(array.builder, each)  # refuses an array from outside
    if len(masks) == len(funclist) - 1:
        masks.append(xp.logical_not(functools.reduce(xp.logical_or, masks)))
    elif len(masks) != len(funclist):
        count = len(masks)
        raise ValueError(
            f"with {count} condition(s), either {count} or {count + 1} functions are expected"
        )
    result: Tracer = xp.zeros_like(array)
    for mask, each in zip(masks, funclist, strict=True):
        value = each(array.chosen(mask), *args, **kw) if callable(each) else each
        result.put_chosen(mask, value)
    return result


@traces(np.nan_to_num)
def _nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Tracer:
    array = as_array(x)
    dtype = array.node.dtype
    if not copy:
        raise UnknownArgumentError("copy")
    if dtype.family != "F":
        return _as_computed(array.copy())
    limits = np.finfo(dtype.numpy.name)
    for name, each in {"nan": nan, "posinf": posinf, "neginf": neginf}.items():
        if np.ndim(each):
            raise UnknownArgumentError(name)
    most = limits.max if posinf is None else posinf
    least = limits.min if neginf is None else neginf
    result = choose(xp.isnan(array), nan, array, dtype)
    result = choose(_isposinf(array), most, result, dtype)
    return _as_computed(choose(_isneginf(array), least, result, dtype))


CHANGING_FIRST |= {np.copyto: "dst", np.putmask: "a", np.place: "arr"}


def _target(array: Any, name: str, *given: Any) -> Tracer:
    """Return the traced array that a function writes to; refuse one from outside."""
    array = written_to(array)
    if not isinstance(array, Tracer):
        raise first_tracer(*given).unsupported(
            f"np.{name} of a traced value into an array from outside cannot be traced",
            "the array as an argument of the function",
        )
    return array


@traces(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    dst = _target(dst, "copyto", src, where)
    given = dtype_of(dst.builder, src)
    sample = given.scalar(0) if given.weak else np.empty(0, given.numpy)
    xp.copyto(np.empty(0, dst.node.dtype.numpy), sample, casting)  # NumPy's own error
    if where is True:
        assign(dst, src, is_copied=True)
    else:
        dst.overwrite(choose(where, src, dst, dst.node.dtype), np.copyto)


@traces(np.putmask)
def _putmask(a: Any, mask: Any, values: Any) -> None:
    _put(_target(a, "putmask", mask, values), mask, values, "values")


@traces(np.place)
def _place(arr: Any, mask: Any, vals: Any) -> None:
    _put(_target(arr, "place", mask, vals), mask, vals, "vals")


def _put(array: Tracer, mask: Any, value: Any, name: str) -> None:
    """Assign a number, or elements that the same mask chooses; NumPy repeats what is shorter."""
    if not array.is_mask(mask):
        raise UnknownArgumentError("mask")
    if not isinstance(value, Traced):
        if np.size(value) != 1:
            raise UnknownArgumentError(name)
        value = np.asarray(value).reshape(())[()]
    array.put_chosen(mask, value)


@traces(np.extract)
def _extract(condition: Any, arr: Any) -> Tracer:
    result: Tracer = as_array(arr)[condition]
    return result


# -- comparing ----------------------------------------------------------------------------------


@traces(np.isclose)
def _isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Tracer:
    x, y = (each if isinstance(each, int | float) else xp.asanyarray(each) for each in (a, b))
    for name, each in {"rtol": rtol, "atol": atol}.items():
        if isinstance(each, Traced) or np.ndim(each) or not xp.isfinite(each):
            raise UnknownArgumentError(name)  # NumPy looks whether it is finite, and warns
    if isinstance(y, Tracer) or hasattr(y, "dtype"):
        y = xp.asanyarray(y, dtype=np.result_type(y, 1.0))
    elif isinstance(y, int):
        y = y * 1.0
    # NumPy ignores that a difference of infinities is invalid; here there is none.
    finite = xp.isfinite(y)
    if isinstance(y, Traced):
        number = xp.where(finite, y, xp.zeros_like(y))
    else:
        number = y if finite else 0.0
    near = xp.less_equal(abs(x - number), atol + rtol * abs(number))
    result = near & finite | (x == y)
    if equal_nan:
        result |= xp.isnan(x) & xp.isnan(y)
    return _as_computed(result)


@traces(np.isposinf)
def _isposinf(x: Any, out: None = None) -> Tracer:
    return _is_infinite(x, out, np.greater)


@traces(np.isneginf)
def _isneginf(x: Any, out: None = None) -> Tracer:
    return _is_infinite(x, out, np.less)


def _is_infinite(x: Any, out: None, compare: np.ufunc) -> Tracer:
    if out is not None:
        raise UnknownArgumentError("out")
    array = as_array(x)
    result: Tracer = xp.logical_and(xp.isinf(array), compare(array, 0))
    return result


# -- complex numbers, of which there are none -----------------------------------------------------


@traces(np.imag)
def _imag(val: Any) -> Any:
    return val.imag


@traces(np.isreal)
def _isreal(x: Any) -> Any:
    return xp.imag(x) == 0


@traces(np.iscomplex)
def _iscomplex(x: Any) -> Tracer:
    result: Tracer = xp.zeros_like(as_array(x), bool)
    return _as_computed(result)


@traces(np.isrealobj)
def _isrealobj(x: object) -> bool:
    return True


@traces(np.real_if_close)
def _real_if_close(a: Any, tol: float = 100) -> Tracer:
    result: Tracer = xp.asanyarray(a)
    return result


@traces(np.angle)
def _angle(z: Any, deg: bool = False) -> Tracer:
    result: Tracer = xp.arctan2(0, as_array(z))
    if deg:
        result *= 180 / math.pi
    return result


# -- rounding -----------------------------------------------------------------------------------


@traces(np.fix)
def _fix(x: Any, out: None = None) -> Tracer:
    if out is not None:
        raise UnknownArgumentError("out")
    result: Tracer = xp.trunc(as_array(x))
    return result


@traces(np.round, np.around)
def _round(a: Any, decimals: Any = 0, out: None = None) -> Tracer:
    """Return the rounded value.

    Source:  NumPy 2.4, PyArray_Round in calculation.c.
    """
    if out is not None:
        raise UnknownArgumentError("out")
    array = as_array(a)
    places = operator.index(decimals)
    is_integer = array.node.dtype.family == "I"
    result: Tracer
    if is_integer and places >= 0:
        result = array.move(None)  # the array itself
        result.state = VIEW if result.known_shape else SCALAR
        return result
    if not places:
        result = xp.rint(array)
        return result
    first, then = (xp.multiply, xp.divide) if places > 0 else (xp.divide, xp.multiply)
    power = float(10 ** abs(places)) if abs(places) < 309 else math.inf
    result = then(xp.rint(first(array, power)), power)
    return result.astype(array.dtype) if is_integer else result


# -- products --------------------------------------------------------------------------------


@traces(np.outer)
def _outer(a: Any, b: Any, out: None = None) -> Tracer:
    if out is not None:
        raise UnknownArgumentError("out")
    first, second = xp.asarray(a).ravel(), xp.asarray(b).ravel()
    result: Tracer = xp.multiply(first[:, None], second[None, :])
    return result


@traces(np.polyval)
def _polyval(p: Any, x: Any) -> Tracer:
    if isinstance(x, np.poly1d):
        raise UnknownArgumentError("x")
    coefficients, x = xp.asarray(p), xp.asanyarray(x)
    y: Any = xp.zeros_like(x)
    for each in coefficients:
        y = y * x + each
    result: Tracer = y
    return result


@traces(np.tril)
def _tril(m: Any, k: int = 0) -> Tracer:
    return _triangle(m, k, is_lower=True)


@traces(np.triu)
def _triu(m: Any, k: int = 0) -> Tracer:
    return _triangle(m, k - 1, is_lower=False)


def _triangle(m: Any, k: int, is_lower: bool) -> Tracer:
    array = as_array(m)
    if array.ndim < 2:
        raise first_tracer(array).unsupported(
            "a triangle of an array with less than two axes cannot be traced", "x[None, :] for x"
        )
    mask = xp.tri(*array.shape[-2:], k=k, dtype=bool)
    lower: Any = first_tracer(array).adopted(mask)
    zero = array.node.dtype.numpy.type(0)
    dtype = array.node.dtype
    return choose(lower, array, zero, dtype) if is_lower else choose(lower, zero, array, dtype)
