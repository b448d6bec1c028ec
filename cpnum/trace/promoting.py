"""Made arrays that are traced: what stands for one that a traced value was written to.

>>> from cpnum.trace.trace import trace
>>> def function(x):
...     y = np.ones(4)
...     y[1:] = x[1:]
...     return y
>>> print(trace(function, (np.zeros(4),)))
function(x: f64[:])
  %0 = {bool[4] of 0x00}  b
  %1 = 1.0 like %0        f64
  t1 = %1
  t1[1:] = x[1:] as copy
  return t1
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cpnum.errors import UnsupportedError
from cpnum.ir.arrays import address
from cpnum.ir.movement import BroadcastTo, Index, Movement, Transpose, replayed
from cpnum.trace.array import Tracer
from cpnum.trace.builder import Builder
from cpnum.trace.made import Made, Memory, adopted
from cpnum.trace.registry import FUNCTIONS, owned
from cpnum.trace.writing import in_memory


def _traced(builder: Builder, array: Made) -> Tracer:
    """Return the traced array in the place of a made one, which may be a view."""
    memory = array.memory
    assert memory is not None
    whole = memory.traced
    if whole is None:
        whole = memory.traced = _root(builder, memory)
    assert isinstance(whole, Tracer)
    result = whole
    for step in _movement(builder, plain_array(memory.root), plain_array(array)):
        result = result.move(step)
    return result


def plain_array(array: Any) -> Any:
    """Return an array as one of NumPy's own class."""
    return np.ndarray.view(array, np.ndarray)


def _root(builder: Builder, memory: Memory) -> Tracer:
    """Return an array of the program with the elements of a made one."""
    root = memory.root
    as_made = np.ndarray.view(root, Made)
    as_made.memory = memory
    known = adopted(builder, as_made)
    if known is as_made:
        raise builder.error(
            UnsupportedError,
            "a traced value cannot be written to an array with elements from outside",
            seen=f"an array of dtype {root.dtype} and shape {root.shape}",
            write="the array as an argument of the function",
        )
    result = owned(Tracer(builder, known.node, root.shape))
    in_memory(result)
    builder.memories.append(memory)
    return result


def refuse_writes(builder: Builder, name: str) -> None:
    """Refuse a function by which C code wrote to a made array that is traced, without asking."""
    for memory in builder.memories:
        root = plain_array(memory.root)
        if not memory.is_as_known(root):
            raise UnsupportedError(
                f"{name} writes to an array that it made in a way that cannot be traced",
                seen=f"an array of dtype {root.dtype} and shape {root.shape}",
                write="y[...] = value, or an out= of NumPy's functions",
            )


def _movement(builder: Builder, root: Any, view: Any) -> tuple[Movement, ...]:
    """Return the steps from an array to a view of it."""
    found = movement_to(root, view)
    if found is None:
        raise builder.error(
            UnsupportedError,
            "this view of an array that a traced value was written to cannot be traced",
            seen=f"a view of shape {view.shape} of an array of shape {root.shape}",
            write="slices, transposes and new axes, or y.copy()",
        )
    return found


def movement_to(root: Any, view: Any) -> tuple[Movement, ...] | None:
    """Return the steps from an array to a view of it; None if it is none of the usual ones.

    >>> x = np.zeros((4, 6))
    >>> movement_to(x, x[1:, ::-2].T), movement_to(x, x.ravel()), movement_to(x, x)
    (([1:4, 5:0:-2], .T), None, ())
    """
    if view.shape == root.shape and view.strides == root.strides:
        return ()
    if view.dtype != root.dtype or not view.size:
        return None
    start = address(view) - address(root)
    items: list[Any] = []
    axes: list[int] = []
    left = {
        axis: (stride, extent)
        for axis, (stride, extent) in enumerate(zip(view.strides, view.shape, strict=True))
        if extent > 1 and stride
    }
    # The largest stride first: what is left of the start belongs to the smaller ones.
    order = sorted(range(root.ndim), key=lambda axis: -abs(root.strides[axis]))
    places: dict[int, Any] = {}
    for axis in order:
        stride, extent = root.strides[axis], root.shape[axis]
        if not stride or stride < 0:
            return None
        first, start = divmod(start, stride) if extent > 1 else (0, start)
        own = next(
            (each for each, (step, _) in left.items() if extent > 1 and _fits(step, stride, root)),
            None,
        )
        if own is None:
            places[axis] = first
            continue
        step, count = left.pop(own)
        by = step // stride
        last = first + by * (count - 1)
        stop: int | None = last + (1 if by > 0 else -1)
        places[axis] = slice(first, None if stop == -1 else stop, None if by == 1 else by)
        axes.append(own)
    if left or start:
        return None
    items = [places[axis] for axis in range(root.ndim)]
    kept = [own for axis, own in sorted(zip(_sliced(order, places), axes, strict=True))]
    steps: list[Movement] = [Index.of(tuple(items))]
    ranks = tuple(np.argsort(kept).tolist())
    if ranks != tuple(range(len(ranks))):
        steps.append(Transpose(ranks))
    if len(kept) < view.ndim:
        steps.append(
            Index.of(tuple([slice(None) if at in kept else None for at in range(view.ndim)]))
        )
        if any(view.shape[at] > 1 for at in range(view.ndim) if at not in kept):
            steps.append(BroadcastTo(view.shape))
    return tuple(steps) if _leads_to(root, view, steps) else None


def _fits(step: int, stride: int, root: Any) -> bool:
    """Tell whether a view's stride is some elements along an axis of this stride."""
    smaller = [each for each in root.strides if each < stride]
    return step % stride == 0 and abs(step) >= stride and (not smaller or abs(step) >= max(smaller))


def _sliced(order: list[int], places: dict[int, Any]) -> list[int]:
    return [axis for axis in order if isinstance(places[axis], slice)]


def _leads_to(root: Any, view: Any, steps: list[Movement]) -> bool:
    found = replayed(root, steps)
    same = all(
        one == other or extent == 1
        for one, other, extent in zip(found.strides, view.strides, view.shape, strict=False)
    )
    return found.shape == view.shape and same and address(found) == address(view)


FUNCTIONS[Made] = _traced
