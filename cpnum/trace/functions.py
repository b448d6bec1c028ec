"""The NumPy functions that are not ufuncs, `cpnum.special`, and users' operators, on traced values.

`FUNCTIONS` maps np.where to a function of tracers, which np.where(x, y, z) calls for a tracer x.
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from cpnum.errors import DTypeError
from cpnum.tables.dtypes import F32, F64, FLOAT, I32, I64, INT, B, DType, from_numpy
from cpnum.tables.ops import OPS, Op
from cpnum.trace.array import Tracer
from cpnum.trace.builder import Traced
from cpnum.trace.promote import loop_dtypes
from cpnum.trace.tracer import OWNED, AnyTracer, UnknownArgumentError
from cpnum.trace.ufuncs import apply_row, dtype_of, node_of

# A NumPy function -> the function of tracers that stands for it; `_traces` enters them below.
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}

_UNSET: Any = object()

# Before NumPy 2.5, np.where made an int64 of a Python integer, and then took the result's dtype.
_WHERE_MAKES_INT64 = np.lib.NumpyVersion(np.__version__) < "2.5.0"

F = TypeVar("F", bound=Callable[..., Any])


def _traces(*functions: Callable[..., Any]) -> Callable[[F], F]:
    """Enter the decorated function into the table; an argument that it lacks is refused by name."""

    def enter(traced: F) -> F:
        code = traced.__code__
        places = code.co_argcount
        names = code.co_varnames[: places + code.co_kwonlyargcount]
        variadic = code.co_flags & inspect.CO_VARARGS

        @functools.wraps(traced)
        def checked(*args: Any, **keywords: Any) -> Any:
            for name in keywords:
                if name not in names:
                    raise UnknownArgumentError(name)
            if len(args) > places and not variadic:
                raise UnknownArgumentError(f"number {places + 1}")
            return traced(*args, **keywords)

        for function in functions:
            FUNCTIONS[function] = checked
        return traced

    return enter


def _first(*operands: object) -> AnyTracer:
    """Return the first operand that is a tracer."""
    return next(each for each in operands if isinstance(each, AnyTracer))


def _array(operand: Any) -> Tracer:
    """Return an operand as an array: NumPy makes one without axes of a Python scalar."""
    if isinstance(operand, Tracer):
        return operand
    node = operand.builder.cast(operand.node, from_numpy(operand.node.dtype.numpy))
    return _owned(Tracer(operand.builder, node, ()))


def _owned(result: Tracer) -> Tracer:
    """Return a result that is an array even without axes, where a ufunc returns a scalar."""
    result.state = OWNED
    return result


# -- values -------------------------------------------------------------------------------------


@_traces(np.where)
def _where(condition: object, x: object = _UNSET, y: object = _UNSET) -> Tracer:
    builder = _first(condition, x, y).builder
    if x is _UNSET or y is _UNSET:
        raise _first(condition, x, y).unsupported(
            "np.where with one argument cannot be traced: its shape depends on contents",
            "np.where(condition, x, y)",
        )
    dtype_of(builder, condition)
    given = (dtype_of(builder, x), dtype_of(builder, y))
    dtype = builder.attempt(from_numpy, np.result_type(*map(_sample, given)))
    if _WHERE_MAKES_INT64 and (dtype is F32 or dtype is I32):
        # So an integer beyond int32 wraps, and float32 rounds once.
        x, y = (
            Traced(builder, node_of(builder, each, I64), ()) if weak is INT else each
            for each, weak in zip((x, y), given, strict=True)
        )
    operands = (condition, x, y)
    node, shape = apply_row(builder, OPS["where"], operands, (B, dtype, dtype), dtype)
    return _owned(Tracer(builder, node, shape))


def _sample(dtype: DType) -> Any:
    """Return an object that NumPy promotes as an operand: a Python scalar for a weak dtype."""
    return {FLOAT: 0.0, INT: 0}.get(dtype, dtype.numpy)


@_traces(np.result_type)
def _result_type(*operands: Any) -> np.dtype[Any]:
    return np.result_type(
        *(_sample(each.node.dtype) if isinstance(each, Traced) else each for each in operands)
    )


@_traces(np.clip)
def _clip(
    a: object,
    a_min: object = _UNSET,
    a_max: object = _UNSET,
    out: object = None,
    *,
    min: object = _UNSET,
    max: object = _UNSET,
) -> Tracer:
    if out is not None:
        raise UnknownArgumentError("out")
    bounds = {"a_min": a_min, "a_max": a_max, "min": min, "max": max}
    given = {name: each for name, each in bounds.items() if each is not _UNSET}
    unbounded: Any = dict.fromkeys(given)
    np.clip(0, **unbounded)  # NumPy's own error if these arguments do not go together
    low = given.get("a_min", given.get("min"))
    high = given.get("a_max", given.get("max"))
    if not isinstance(a, Traced):
        builder = _first(low, high).builder
        number = np.asarray(a)  # NumPy does so, too: a number that is clipped is not weak
        dtype = builder.attempt(from_numpy, number.dtype)
        dtype_of(builder, number[()])  # refuses an array
        a = Tracer(builder, builder.constant(number[()], dtype), ())
    return _array(a).clip(low, high)


@_traces(np.sinc)
def _sinc(x: object) -> Tracer:
    array = _array(x)
    # NumPy multiplies by pi, a Python number, which decides the dtype.
    dtypes = (array.node.dtype, FLOAT)
    dtype = array.builder.attempt(loop_dtypes, np.multiply, dtypes)[-1]
    return array.result(*apply_row(array.builder, OPS["sinc"], (array,), (dtype,), dtype))


@_traces(np.ones_like)
def _ones_like(a: object, dtype: Any = None) -> Tracer:
    return _full_like(a, 1, dtype)


@_traces(np.zeros_like, np.empty_like)
def _zeros_like(a: object, dtype: Any = None) -> Tracer:
    return _full_like(a, 0, dtype)


@_traces(np.full_like)
def _full_like(a: object, fill_value: object, dtype: Any = None) -> Tracer:
    if not isinstance(a, Traced) or isinstance(fill_value, Traced):
        raise _first(fill_value, a).unsupported(
            "np.full_like with a traced value cannot be traced",
            "np.where(True, value, a), which has the promoted dtype",
        )
    a = _array(a)
    new = a.node.dtype if dtype is None else a.builder.attempt(from_numpy, np.dtype(dtype))
    # NumPy assigns the value, which wraps and truncates where an operand would not.
    value = np.full((), fill_value, new.numpy)[()]
    node = a.builder.constant(value, new, a.builder.like(a.node))
    return _owned(Tracer(a.builder, node, a.known_shape))


@_traces(np.copy)
def _copy(a: object, order: str = "K") -> Tracer:
    return _owned(_array(a).copy())


@_traces(np.astype)
def _astype(x: Any, dtype: Any, *, copy: bool = True) -> Any:
    return x.astype(dtype, copy=copy)


@_traces(np.real)
def _real(val: Any) -> Any:
    return val.real


@_traces(np.iscomplexobj)
def _is_complex(x: object) -> bool:
    return False


@_traces(np.shape)
def _shape(a: object) -> tuple[int, ...]:
    return _array(a).shape


@_traces(np.ndim)
def _ndim(a: object) -> int:
    return _array(a).ndim


@_traces(np.size)
def _size(a: object) -> int:
    return _array(a).size


# -- movement -----------------------------------------------------------------------------------


def _integers(axes: Any) -> tuple[int, ...]:
    """Return one axis or several as integers; NumPy would hide the error of a traced integer."""
    return tuple(map(operator.index, axes if isinstance(axes, tuple | list) else (axes,)))


@_traces(np.transpose)
def _transpose(a: object, axes: Any = None) -> Tracer:
    return _array(a).transpose(axes)


@_traces(np.swapaxes)
def _swapaxes(a: object, axis1: int, axis2: int) -> Tracer:
    return _array(a).swapaxes(axis1, axis2)


@_traces(np.moveaxis)
def _moveaxis(a: object, source: Any, destination: Any) -> Tracer:
    before, after = _integers(source), _integers(destination)
    return _array(a).reordered(lambda array: np.moveaxis(array, before, after))


@_traces(np.expand_dims)
def _expand_dims(a: object, axis: Any) -> Tracer:
    array = _array(a)
    axes = _integers(axis)
    count = array.ndim + len(axes)
    new = np.lib.array_utils.normalize_axis_tuple(axes, count)
    return array[tuple(None if i in new else slice(None) for i in range(count))]


@_traces(np.squeeze)
def _squeeze(a: object, axis: Any = None) -> Tracer:
    return _array(a).squeeze(axis)


@_traces(np.flip)
def _flip(m: object, axis: Any = None) -> Tracer:
    array = _array(m)
    count = array.ndim
    axes = range(count) if axis is None else _integers(axis)
    flipped = np.lib.array_utils.normalize_axis_tuple(axes, count)
    return array[tuple(slice(None, None, -1 if i in flipped else None) for i in range(count))]


@_traces(np.flipud)
def _flipud(m: object) -> Tracer:
    return _flip(m, 0)


@_traces(np.fliplr)
def _fliplr(m: object) -> Tracer:
    return _flip(m, 1)


@_traces(np.broadcast_to)
def _broadcast_to(array: object, shape: Any) -> Tracer:
    return _array(array).broadcast_to(shape)


@_traces(np.reshape)
def _reshape(a: object, shape: Any, order: str = "C") -> Tracer:
    return _array(a).reshape(shape, order=order)


@_traces(np.ravel)
def _ravel(a: object, order: str = "C") -> Tracer:
    return _array(a).ravel(order)


@_traces(np.atleast_1d)
def _atleast_1d(*arys: object) -> Tracer | tuple[Tracer, ...]:
    views = [_array(a) if _array(a).ndim else _array(a)[None] for a in arys]
    return views[0] if len(views) == 1 else tuple(views)


# -- operators of users -------------------------------------------------------------------------


def trace_own(op: Op, *operands: object) -> Tracer:
    """Trace a user's operator, on operands that are promoted as those of a ufunc.

    Raises:  DTypeError if there are no stencils for the dtype they are promoted to.
    """
    builder = _first(*operands).builder
    given = [dtype_of(builder, each) for each in operands]
    dtype = builder.attempt(common_dtype, op, given)
    wanted = (dtype,) * op.arity
    node, shape = apply_row(builder, op, operands, wanted, B if op.masked else dtype)
    return Tracer(builder, node, shape)


def common_dtype(op: Op, dtypes: Sequence[DType]) -> DType:
    """Return the dtype in which a user's operator computes, by NumPy's promotion.

    Raises:  DTypeError if it has no stencils for it.
    """
    samples = [each.scalar(1) if each.weak else each.numpy for each in dtypes]
    promoted = np.result_type(*samples)
    found = next((each for each in op.dtypes if each.numpy == promoted), None)
    if found is None:
        raise DTypeError(
            f"no stencils for {op} of {promoted}",
            seen=f"{op} of {', '.join(map(str, dtypes))}",
            write=f"x.astype(dtype) first; {op} has stencils for {', '.join(map(str, op.dtypes))}",
        )
    return found


# -- cpnum.special ------------------------------------------------------------------------------


def trace_special(op: Op, *operands: object) -> Tracer:
    """Trace a function of `cpnum.special`: float32 stays, all other dtypes become float64."""
    builder = _first(*operands).builder
    narrow = all(dtype_of(builder, each) is F32 for each in operands)
    dtype = F32 if narrow else F64
    node, shape = apply_row(builder, op, operands, (dtype,) * op.arity, dtype)
    return Tracer(builder, node, shape)
