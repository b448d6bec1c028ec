"""NumPy's functions that move, repeat, stack and join elements, on traced values.

Movement has no operator.  A stack chooses between its pieces by their number along the new axis: it
has any shape, and any view.  Values that are put end to end along an axis of theirs are a join, and
the function has looked at their shapes.  Both are computed tile by tile, see `cpnum.ir.tiling`.  A
stack whose pieces are no longer apart, as after a reshape, computes each piece for all numbers.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from cpnum.ir.extents import in_signature
from cpnum.ir.results import MOST_TILES
from cpnum.tables.dtypes import DType, from_numpy
from cpnum.trace.array import Tracer
from cpnum.trace.builder import Traced
from cpnum.trace.compositions import choose
from cpnum.trace.push import join
from cpnum.trace.registry import as_array, first_tracer, owned, traces, xp
from cpnum.trace.tracer import AnyTracer, UnknownArgumentError
from cpnum.trace.ufuncs import dtype_of
from cpnum.trace.writing import refuse_number

# A stack that is no longer cut between its pieces computes each of them so many times.
MOST_PIECES = 16


# -- repeating ----------------------------------------------------------------------------------


@traces(np.repeat)
def _repeat(a: Any, repeats: Any, axis: Any = None) -> Tracer:
    array = as_array(a)
    if not hasattr(repeats, "__index__") or isinstance(repeats, AnyTracer):
        raise UnknownArgumentError("repeats")
    if axis is None:
        array, axis = array.ravel(), 0
    at = np.lib.array_utils.normalize_axis_index(axis, array.ndim) + 1
    count = operator.index(repeats)
    if count < 0:
        raise ValueError("repeats may not contain negative values.")
    shape = array.shape
    wide = array[(*(slice(None),) * at, None)].broadcast_to((*shape[:at], count, *shape[at:]))
    return owned(wide.reshape((*shape[: at - 1], shape[at - 1] * count, *shape[at:])))


@traces(np.tile)
def _tile(A: Any, reps: Any) -> Tracer:  # noqa: N803 (NumPy's name)
    counts = tuple(reps) if np.ndim(reps) else (reps,)
    counts = tuple(map(operator.index, counts))
    if not isinstance(A, AnyTracer):
        result: Tracer = xp.tile(A, counts)  # of a list, by a number
        return result
    array = as_array(A)
    array = array[(None,) * max(len(counts) - array.ndim, 0)]
    counts = (1,) * (array.ndim - len(counts)) + counts
    shape = array.shape
    wide = array[tuple(item for _ in shape for item in (None, slice(None)))].broadcast_to(
        tuple(extent for pair in zip(counts, shape, strict=True) for extent in pair)
    )
    return owned(wide.reshape(tuple(map(operator.mul, counts, shape))))


@traces(np.resize)
def _resize(a: Any, new_shape: Any) -> Tracer:
    array = as_array(a).ravel()
    shape = tuple(new_shape) if hasattr(new_shape, "__iter__") else (new_shape,)
    shape = tuple(map(operator.index, shape))
    if any(extent < 0 for extent in shape):
        raise ValueError("all elements of `new_shape` must be non-negative")
    count, extent = math.prod(shape), array.shape[0]
    if not count or not extent:
        result: Tracer = xp.zeros_like(array, shape=shape)
        return result
    times = -(-count // extent)
    return owned(_tile(array, times)[:count].reshape(shape))


# -- axes ---------------------------------------------------------------------------------------


@traces(np.rot90)
def _rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Tracer:
    first, second = axes = tuple(axes)
    array = as_array(m)
    count = array.ndim
    if first == second or abs(first - second) == count:
        raise ValueError("Axes must be different.")
    if not all(-count <= axis < count for axis in axes):
        raise ValueError(f"Axes={axes} out of range for array of ndim={count}.")
    k %= 4
    if k == 0:
        return array[:]
    flip: Callable[..., Tracer] = xp.flip
    if k == 2:
        return flip(array, axes)
    order = list(range(count))
    order[first], order[second] = order[second], order[first]
    if k == 1:
        return flip(array, second).transpose(order)
    return flip(array.transpose(order), second)


@traces(np.rollaxis)
def _rollaxis(a: Any, axis: int, start: int = 0) -> Tracer:
    return as_array(a).reordered(lambda array: np.rollaxis(array, axis, start))


@traces(np.matrix_transpose)
def _matrix_transpose(x: Any, /) -> Tracer:
    return matrix_transposed(as_array(x))


def matrix_transposed(array: Tracer) -> Tracer:
    """Return a view with the last two axes exchanged."""
    if array.ndim < 2:
        raise ValueError("matrix transpose with ndim < 2 is undefined")
    return array.swapaxes(-1, -2)


def _at_least(count: int, index: Callable[[int], tuple[Any, ...]]) -> Callable[..., Any]:
    def at_least(*arys: object) -> Tracer | tuple[Tracer, ...]:
        arrays = [xp.asanyarray(each) for each in arys]
        views: list[Any] = [
            each[index(each.ndim)] if each.ndim < count else each for each in arrays
        ]
        return views[0] if len(views) == 1 else tuple(views)

    return at_least


_ALL = slice(None)

traces(np.atleast_1d)(_at_least(1, lambda axes: (None,)))
traces(np.atleast_2d)(_at_least(2, lambda axes: (None,) * (2 - axes)))
traces(np.atleast_3d)(
    _at_least(3, lambda axes: ((None, None, None), (None, _ALL, None), (_ALL, _ALL, None))[axes])
)


@traces(np.broadcast_arrays)
def _broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    arrays = [xp.asarray(each) for each in args]
    shape = np.broadcast_shapes(*[each.shape for each in arrays])
    return tuple(each if each.shape == shape else xp.broadcast_to(each, shape) for each in arrays)


@traces(np.meshgrid)
def _meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    places = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        places[:2] = 1, 0
    output: Any = []
    for each, at in zip(xi, places, strict=True):
        shape = [1] * len(xi)
        shape[at] = -1
        output.append(xp.asanyarray(each).reshape(shape))
    if not sparse:
        output = xp.broadcast_arrays(*output)
    return tuple([each.copy() for each in output]) if copy else tuple(output)


_SPLITS: list[Any] = [np.split, np.array_split, np.hsplit, np.vsplit, np.dsplit, np.unstack]
for _split in _SPLITS:
    # They slice, so NumPy's own functions do for tracers.
    traces(_split)(_split.__wrapped__)


# -- stacking -----------------------------------------------------------------------------------


def arrays_of(values: Sequence[Any]) -> list[Tracer]:
    """Return values as traced arrays; one of them is a tracer, or a list that has one."""
    given = [each if isinstance(each, Traced) else xp.asarray(each) for each in values]
    tracer = first_tracer(*given)
    arrays = []
    for each in given:
        value = tracer.adopted(each)
        dtype_of(tracer.builder, value)  # refuses an array from outside
        arrays.append(as_array(value))
    return arrays


def stacked(pieces: Sequence[Any], axis: int, dtype: DType | None = None) -> Tracer:
    """Return arrays of one shape, stacked along a new axis; at least one is a tracer."""
    tracer = first_tracer(*pieces)
    builder = tracer.builder
    arrays = arrays_of(pieces)
    count, shape = len(arrays), arrays[0].known_shape
    for each in arrays:
        if not all(in_signature(e) for x in builder.like(each.node) for e in builder.extents[x]):
            builder.shape_observed = True
    if any(each.known_shape != shape for each in arrays):
        np.stack([xp.broadcast_to(0, each.known_shape) for each in arrays])  # NumPy's error
    if count > MOST_PIECES:
        raise tracer.unsupported(
            f"a stack of more than {MOST_PIECES} values cannot be traced",
            "the stack outside of the function",
        )
    if dtype is None:
        promoted = np.result_type(*[each.node.dtype.numpy for each in arrays])
        dtype = builder.attempt(from_numpy, promoted)
    axis = np.lib.array_utils.normalize_axis_index(axis, len(shape) + 1)
    new = (*(slice(None),) * axis, None)
    views = [each[new] if shape else each for each in arrays]
    result: Any = views[-1]
    builder.stacked = True
    inner = (1,) * (len(shape) - axis)
    if count == 1:
        return owned(arrays[0].astype(dtype.numpy)[new])
    for number in reversed(range(count - 1)):
        is_here = np.equal(range(count), number).reshape(count, *inner)
        mask = builder.held(is_here, from_numpy(is_here.dtype))
        result = choose(Tracer(builder, mask, is_here.shape), views[number], result, dtype)
    return owned(result)


def stacked_list(items: Sequence[Any], dtype: DType | None = None) -> Tracer:
    """Return what np.array makes of a list of numbers, arrays and lists, some of them traced."""
    rows = [
        stacked_list(each, dtype) if isinstance(each, list | tuple) and has_tracer(each) else each
        for each in items
    ]
    if dtype is not None:
        np.array([each for each in rows if not isinstance(each, Traced)], dtype.numpy)
        for each in rows:
            refuse_number(each, dtype)
    shapes = [np.shape(each) for each in rows]
    if len(set(shapes)) > 1:
        np.array([np.zeros(each).tolist() for each in shapes])  # NumPy's own error
    return stacked(rows, 0, dtype)


def has_tracer(items: Sequence[Any]) -> bool:
    """Tell whether a list has a traced value, or a list of it has."""
    return any(
        has_tracer(each) if isinstance(each, list | tuple) else isinstance(each, AnyTracer)
        for each in items
    )


@traces(np.stack)
def _stack(arrays: Any, axis: int = 0, out: None = None, *, dtype: Any = None) -> Tracer:
    if out is not None:
        raise UnknownArgumentError("out")
    if dtype is not None:
        raise UnknownArgumentError("dtype")
    return stacked(tuple(arrays), axis)


@traces(np.cross)
def _cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Tracer:
    if axis is not None:
        axisa = axisb = axisc = axis
    first, second = xp.asarray(a), xp.asarray(b)
    if first.ndim < 1 or second.ndim < 1:
        raise ValueError("At least one array has zero dimension")
    normalize = np.lib.array_utils.normalize_axis_index
    first = xp.moveaxis(first, normalize(axisa, first.ndim, "axisa"), -1)
    second = xp.moveaxis(second, normalize(axisb, second.ndim, "axisb"), -1)
    if first.shape[-1] != 3 or second.shape[-1] != 3:
        raise first_tracer(first, second).unsupported(
            "numpy.cross of vectors of other lengths than 3 cannot be traced",
            "x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0] for vectors of two numbers",
        )
    x, y = ([each[..., at] for at in range(3)] for each in (first, second))
    dtype = np.promote_types(first.dtype, second.dtype)
    x, y = ([each.astype(dtype) for each in vector] for vector in (x, y))
    parts = [x[i] * y[j] - x[j] * y[i] for i, j in ((1, 2), (2, 0), (0, 1))]
    count = len(np.broadcast_shapes(first.shape, second.shape))
    return stacked(parts, normalize(axisc, count, "axisc"))


# -- joining ------------------------------------------------------------------------------------


def joined(values: Sequence[Any], axis: int, dtype: Any = None, casting: Any = "unsafe") -> Tracer:
    """Return arrays put end to end along an axis of theirs; at least one is a tracer."""
    arrays = arrays_of(values)
    builder = arrays[0].builder
    shapes = [each.shape for each in arrays]
    shape = _joined_shape(shapes, axis)
    axis %= len(shape)
    if dtype is None:
        dtype = np.result_type(*[each.dtype for each in arrays])
    else:
        # NumPy's own error if a dtype cannot be cast.
        samples = [np.empty(0, each.dtype) for each in arrays]
        np.concatenate(samples, dtype=dtype, casting=casting)
    to = builder.attempt(from_numpy, np.dtype(dtype))
    nodes = [builder.cast(each.node, to) for each in arrays]
    own = [node for node, each in zip(nodes, shapes, strict=True) if 0 not in each]
    if len(own) > MOST_TILES:
        raise arrays[0].unsupported(
            f"more than {MOST_TILES} values cannot be joined", "the function for fewer of them"
        )
    node = join(builder, own, to, axis, shape)
    builder.note(node)
    return owned(Tracer(builder, node, shape))


def _joined_shape(shapes: Sequence[tuple[int, ...]], axis: int) -> tuple[int, ...]:
    """Return the shape of arrays that are put end to end.

    Raises:  NumPy's error if they cannot be.
    """
    first, *rest = [[*each] for each in shapes]
    at = np.lib.array_utils.normalize_axis_index(axis, len(first)) if first else 0
    total = sum(each[at] for each in (first, *rest) if len(each) > at)
    for each in (first, *rest):
        each[at : at + 1] = [total]
    if not shapes[0] or any(each != first for each in rest):
        np.concatenate([np.broadcast_to(np.False_, each) for each in shapes], at)
    return tuple(first)


@traces(np.concatenate)
def _concatenate(
    arrays: Any, axis: Any = 0, out: None = None, *, dtype: Any = None, casting: Any = "same_kind"
) -> Tracer:
    if out is not None:
        raise UnknownArgumentError("out")
    values = tuple(arrays)
    if axis is not None:
        return joined(values, axis, dtype, casting)
    if not all(isinstance(each, Tracer) or np.ndim(each) for each in values):
        raise first_tracer(*values).unsupported(
            "numpy.concatenate of numbers cannot be traced", "np.array([n]) for a number n"
        )
    return joined(list(map(flat, arrays_of(values))), 0, dtype, casting)


@traces(np.append)
def _append(arr: Any, values: Any, axis: Any = None) -> Tracer:
    array, more = arrays_of([arr, values])
    if axis is not None:
        return joined([array, more], axis)
    return joined([flat(array), flat(more)], 0)


def flat(array: Tracer) -> Tracer:
    """Return the elements of an array along one axis."""
    return array if array.ndim == 1 else array.ravel()


@traces(np.vstack)
def _vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Tracer:
    arrays = arrays_of(tuple(tup))
    if dtype is None and all(each.ndim < 2 for each in arrays):
        return stacked([xp.atleast_1d(each) for each in arrays], 0)
    return joined([xp.atleast_2d(each) for each in arrays], 0, dtype, casting)


@traces(np.column_stack)
def _column_stack(tup: Any) -> Tracer:
    arrays = arrays_of(tuple(tup))
    if all(each.ndim < 2 for each in arrays):
        return stacked([xp.atleast_1d(each) for each in arrays], -1)
    return joined([each if each.ndim > 1 else xp.atleast_2d(each).T for each in arrays], 1)


@traces(np.dstack)
def _dstack(tup: Any) -> Tracer:
    arrays = arrays_of(tuple(tup))
    if all(each.ndim < 3 for each in arrays):
        result = stacked([xp.atleast_1d(each) for each in arrays], -1)
        return result if result.ndim == 3 else owned(result[None])
    return joined([xp.atleast_3d(each) for each in arrays], 2)


@traces(np.hstack)
def _hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Tracer:
    arrays = arrays_of(tuple(tup))
    if dtype is None and not any(each.ndim for each in arrays):
        return stacked(arrays, 0)
    arrays = [xp.atleast_1d(each) for each in arrays]
    return joined(arrays, min(arrays[0].ndim, 2) - 1, dtype, casting)


@traces(np.block)
def _block(arrays: Any) -> Tracer:
    depth, tracer = _nesting(arrays)
    if not depth:
        return owned(as_array(arrays).copy())
    leaves = arrays_of([tracer, *_leaves(arrays)])
    return _blocks(arrays, depth, max(depth, *[each.ndim for each in leaves]), iter(leaves[1:]))


def _nesting(arrays: Any) -> tuple[int, Any]:
    """Return how deep lists are nested, and a tracer in them if there is one."""
    if isinstance(arrays, tuple):
        np.block(())  # NumPy's own errors
    if not isinstance(arrays, list):
        return 0, arrays if isinstance(arrays, AnyTracer) else None
    if not arrays:
        np.block([])
    found = [_nesting(each) for each in arrays]
    if len({depth for depth, _ in found}) > 1:
        np.block([0, [0]])
    return found[0][0] + 1, next((each for _, each in found if each is not None), None)


def _leaves(arrays: Any) -> Iterator[Any]:
    if isinstance(arrays, list):
        for each in arrays:
            yield from _leaves(each)
    else:
        yield arrays


def _blocks(arrays: Any, depth: int, axes: int, leaves: Iterator[Tracer]) -> Tracer:
    """Return the leaves of lists as one array of so many axes; the innermost are along the last."""
    if depth:
        return joined([_blocks(each, depth - 1, axes, leaves) for each in arrays], -depth)
    leaf = next(leaves)
    return leaf[(None,) * (axes - leaf.ndim)]
