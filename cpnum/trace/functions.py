"""NumPy functions that are no ufuncs, `cpnum.special`, and users' operators, on traced values."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from cpnum.errors import DTypeError
from cpnum.tables.dtypes import F32, F64, FLOAT, I32, I64, INT, B, DType, from_numpy
from cpnum.tables.ops import OPS, Op
from cpnum.trace.array import Tracer
from cpnum.trace.builder import Traced
from cpnum.trace.compositions import choose
from cpnum.trace.made import shaping, written_to
from cpnum.trace.promote import loop_dtypes
from cpnum.trace.registry import UNSET, as_array, first_tracer, owned, traces
from cpnum.trace.tracer import UnknownArgumentError
from cpnum.trace.ufuncs import apply_row, apply_where, assigned, dtype_of, node_of

# Before NumPy 2.5, np.where made an int64 of a Python integer, and then took the result's dtype.
_WHERE_MAKES_INT64 = np.lib.NumpyVersion(np.__version__) < "2.5.0"


# -- values -------------------------------------------------------------------------------------


@traces(np.where)
def _where(condition: object, x: object = UNSET, y: object = UNSET) -> Tracer:
    builder = first_tracer(condition, x, y).builder
    if x is UNSET or y is UNSET:
        raise first_tracer(condition, x, y).unsupported(
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
    return owned(Tracer(builder, *apply_where(builder, condition, x, y, dtype)))


def _sample(dtype: DType) -> Any:
    """Return an object that NumPy promotes as an operand: a Python scalar for a weak dtype."""
    return {FLOAT: 0.0, INT: 0}.get(dtype, dtype.numpy)


@traces(np.result_type)
def _result_type(*operands: Any) -> np.dtype[Any]:
    return np.result_type(
        *(_sample(each.node.dtype) if isinstance(each, Traced) else each for each in operands)
    )


@traces(np.clip)
def _clip(
    a: object,
    a_min: object = UNSET,
    a_max: object = UNSET,
    out: object = None,
    *,
    min: object = UNSET,
    max: object = UNSET,
) -> Tracer:
    if out is not None:
        own = written_to(out)
        if not isinstance(own, Tracer):
            raise UnknownArgumentError("out")
        return own.overwrite(_clip(a, a_min, a_max, min=min, max=max), np.clip)
    bounds = {"a_min": a_min, "a_max": a_max, "min": min, "max": max}
    given = {name: each for name, each in bounds.items() if each is not UNSET}
    unbounded: Any = dict.fromkeys(given)
    np.clip(0, **unbounded)  # NumPy's own error if these arguments do not go together
    low = given.get("a_min", given.get("min"))
    high = given.get("a_max", given.get("max"))
    if not isinstance(a, Traced):
        builder = first_tracer(low, high).builder
        number = np.asarray(a)  # NumPy does so, too: a number that is clipped is not weak
        dtype = builder.attempt(from_numpy, number.dtype)
        dtype_of(builder, number[()])  # refuses an array
        a = Tracer(builder, builder.constant(number[()], dtype), ())
    return as_array(a).clip(low, high)


@traces(np.sinc)
def _sinc(x: object) -> Tracer:
    array = as_array(x)
    # NumPy multiplies by pi, a Python number, which decides the dtype.
    dtypes = (array.node.dtype, FLOAT)
    dtype = array.builder.attempt(loop_dtypes, np.multiply, dtypes)[-1]
    return array.result(*apply_row(array.builder, OPS["sinc"], (array,), (dtype,), dtype))


@traces(np.ones_like)
def _ones_like(
    a: object, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> Tracer:
    return _full_like(a, 1, dtype, order, subok, shape)


@traces(np.zeros_like)
def _zeros_like(
    a: object, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> Tracer:
    return _full_like(a, 0, dtype, order, subok, shape)


@traces(np.empty_like)
def _empty_like(
    prototype: object, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None
) -> Tracer:
    return _full_like(prototype, 0, dtype, order, subok, shape)


@traces(np.full_like)
def _full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
) -> Tracer:
    builder = first_tracer(a, fill_value).builder
    own = a.node.dtype if isinstance(a, Traced) else np.asarray(a).dtype
    own = from_numpy(own.numpy if isinstance(own, DType) else own)
    new = own if dtype is None else builder.attempt(from_numpy, np.dtype(dtype))
    if isinstance(a, Traced) and shape is None:
        like, extents = builder.like(a.node), a.known_shape
    else:
        extents = np.empty(np.shape(a) if shape is None else shape, "?").shape
        like = (shaping(builder, extents),) if extents else ()
    if not isinstance(fill_value, Traced):
        value = builder.attempt(assigned, fill_value, new)
        return owned(Tracer(builder, builder.constant(value, new, like), extents))
    filled = np.asarray(fill_value, dtype=new.numpy)
    always = Traced(builder, builder.constant(True, B, like), extents)
    result = choose(always, filled, filled, new)
    if result.known_shape != extents:
        np.full(extents, np.empty(result.known_shape))  # NumPy's own error
    return result


@traces(np.copy)
def _copy(a: object, order: str = "K") -> Tracer:
    return owned(as_array(a).copy())


@traces(np.astype)
def _astype(x: Any, dtype: Any, *, copy: bool = True) -> Any:
    return x.astype(dtype, copy=copy)


@traces(np.real)
def _real(val: Any) -> Any:
    return val.real


@traces(np.iscomplexobj)
def _is_complex(x: object) -> bool:
    return False


@traces(np.shape)
def _shape(a: object) -> tuple[int, ...]:
    return as_array(a).shape


@traces(np.ndim)
def _ndim(a: object) -> int:
    return as_array(a).ndim


@traces(np.size)
def _size(a: object) -> int:
    return as_array(a).size


# -- movement -----------------------------------------------------------------------------------


def _integers(axes: Any) -> tuple[int, ...]:
    """Return one axis or several as integers; NumPy would hide the error of a traced integer."""
    return tuple(map(operator.index, axes if isinstance(axes, tuple | list) else (axes,)))


@traces(np.transpose)
def _transpose(a: object, axes: Any = None) -> Tracer:
    return as_array(a).transpose(axes)


@traces(np.swapaxes)
def _swapaxes(a: object, axis1: int, axis2: int) -> Tracer:
    return as_array(a).swapaxes(axis1, axis2)


@traces(np.moveaxis)
def _moveaxis(a: object, source: Any, destination: Any) -> Tracer:
    before, after = _integers(source), _integers(destination)
    return as_array(a).reordered(lambda array: np.moveaxis(array, before, after))


@traces(np.expand_dims)
def _expand_dims(a: object, axis: Any) -> Tracer:
    array = as_array(a)
    axes = _integers(axis)
    count = array.ndim + len(axes)
    new = np.lib.array_utils.normalize_axis_tuple(axes, count)
    return array[tuple(None if i in new else slice(None) for i in range(count))]


@traces(np.squeeze)
def _squeeze(a: object, axis: Any = None) -> Tracer:
    return as_array(a).squeeze(axis)


@traces(np.flip)
def _flip(m: object, axis: Any = None) -> Tracer:
    array = as_array(m)
    count = array.ndim
    axes = range(count) if axis is None else _integers(axis)
    flipped = np.lib.array_utils.normalize_axis_tuple(axes, count)
    return array[tuple(slice(None, None, -1 if i in flipped else None) for i in range(count))]


@traces(np.flipud)
def _flipud(m: object) -> Tracer:
    return _flip(m, 0)


@traces(np.fliplr)
def _fliplr(m: object) -> Tracer:
    return _flip(m, 1)


@traces(np.broadcast_to)
def _broadcast_to(array: object, shape: Any) -> Tracer:
    return as_array(array).broadcast_to(shape)


@traces(np.reshape)
def _reshape(a: object, shape: Any, order: str = "C") -> Tracer:
    return as_array(a).reshape(shape, order=order)


@traces(np.ravel)
def _ravel(a: object, order: str = "C") -> Tracer:
    return as_array(a).ravel(order)


# -- operators of users -------------------------------------------------------------------------


def trace_own(op: Op, *operands: object) -> Tracer:
    """Trace a user's operator, on operands that are promoted as those of a ufunc.

    Raises:  DTypeError if there are no stencils for the dtype they are promoted to.
    """
    builder = first_tracer(*operands).builder
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
    builder = first_tracer(*operands).builder
    narrow = all(dtype_of(builder, each) is F32 for each in operands)
    dtype = F32 if narrow else F64
    node, shape = apply_row(builder, op, operands, (dtype,) * op.arity, dtype)
    return Tracer(builder, node, shape)
