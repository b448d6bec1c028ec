"""`np.asarray` and its like, of traced values.

No hook of NumPy's reaches them: what `__array__` returns has to be an array.  So `replacing` puts
other functions in their place while a function is traced, and those call the ones here for tracers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cpnum.errors import UnsupportedError
from cpnum.tables.dtypes import FLOAT, from_numpy
from cpnum.trace.array import Tracer
from cpnum.trace.builder import Traced, type_of
from cpnum.trace.joining import stacked_list
from cpnum.trace.registry import FUNCTIONS, as_array, owned, xp
from cpnum.trace.tracer import SCALAR, VIEW


def _asarray(
    a: Any,
    dtype: Any = None,
    order: Any = None,
    *,
    device: Any = None,
    copy: bool | None = None,
    like: None = None,
) -> Tracer:
    _refuse_other(order, device, like)
    return _converted(a, dtype, copy, order)


def _array(
    object: Any,
    dtype: Any = None,
    *,
    copy: bool | None = True,
    order: Any = "K",
    subok: bool = False,
    ndmin: int = 0,
    ndmax: int = 0,
    like: None = None,
) -> Tracer:
    _refuse_other(order, None, like)
    result = _converted(object, dtype, copy, order)
    missing = ndmin - result.ndim
    if missing <= 0:
        return result
    view = result[(None,) * missing]
    view.state = result.state
    return view


def _ascontiguousarray(a: Any, dtype: Any = None, *, like: None = None) -> Tracer:
    return _array(a, dtype, copy=None, order="C", ndmin=1, like=like)


def _asfortranarray(a: Any, dtype: Any = None, *, like: None = None) -> Tracer:
    return _array(a, dtype, copy=None, order="F", ndmin=1, like=like)


def _full(
    shape: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "C",
    *,
    device: Any = None,
    like: None = None,
) -> Tracer:
    _refuse_other(order, device, like)
    return owned(_converted(fill_value, dtype, None, None).broadcast_to(shape))


def _full_like(a: Any, fill_value: Any, dtype: Any = None, *others: Any, **keywords: Any) -> Any:
    if not isinstance(a, Traced):
        # NumPy asks only `a` for the function that stands for it.
        array = np.empty_like(a, dtype, *others, **keywords)
        return _full(array.shape, fill_value, array.dtype)
    return FUNCTIONS[_FULL_LIKE](a, fill_value, dtype, *others, **keywords)


_FULL_LIKE = np.full_like


def _of_stack(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that makes one array of a list, which NumPy asks for no function."""

    def convert(a: Any, *arguments: Any, **keywords: Any) -> Any:
        array = stacked_list(a) if isinstance(a, list | tuple) else a
        return function(array, *arguments, **keywords)

    return convert


_OF_STACKS = """
    all amax amin any argmax argmin argsort average max mean median min nanmax nanmean nanmin nansum
    percentile prod ptp quantile sort std sum var""".split()

# A NumPy function -> the function of tracers that stands for it, and which argument is one: a
# tracer, or a list of some.
CONVERSIONS: dict[Callable[..., Any], tuple[int, Callable[..., Tracer]]] = {
    np.array: (0, _array),
    np.asarray: (0, _asarray),
    np.asanyarray: (0, _asarray),
    np.ascontiguousarray: (0, _ascontiguousarray),
    np.asfortranarray: (0, _asfortranarray),
    np.full: (1, _full),
    np.full_like: (1, _full_like),
    **{getattr(np, name): (0, _of_stack(getattr(np, name))) for name in _OF_STACKS},
}

# Libraries give these for `copy`, as NumPy does itself.
_COPY_MODES: dict[Any, bool | None] = {
    np._CopyMode.ALWAYS: True,
    np._CopyMode.NEVER: False,
    np._CopyMode.IF_NEEDED: None,
}

_ORDERS = (None, "K", "A", "C", "F")


def _refuse_other(order: Any, device: Any, like: object) -> None:
    """Have NumPy refuse what it refuses for any array."""
    if order not in _ORDERS or device is not None or like is not None:
        xp.asarray(0.0, order=order, device=device, like=like)


def _converted(a: Any, dtype: Any, copy: bool | None, order: Any) -> Tracer:
    """Return a value as an array with the dtype; it is copied only if it has to be, or is asked."""
    if isinstance(a, list | tuple):
        return stacked_list(a, None if dtype is None else from_numpy(np.dtype(dtype)))
    copy = _COPY_MODES.get(copy, copy)
    own = a.node.dtype
    to = a.builder.attempt(from_numpy, own.numpy if dtype is None else np.dtype(dtype))
    if a.state == SCALAR or to is not own or copy:
        if copy is False:
            np.array(0.0, copy=False)  # NumPy's own error
        if own is FLOAT and to.family == "I":
            raise a.builder.error(
                UnsupportedError,
                f"an array of {to.numpy} of a Python float cannot be traced: NumPy refuses NaN",
                seen=type_of(a),
                write=f"np.multiply(x, 1).astype(np.{to.numpy})",
            )
        node = (as_array(a) if dtype is None else a).node
        result = Tracer(a.builder, a.builder.cast(node, to), a.known_shape)
        return owned(result)
    array: Tracer = a
    if order in ("C", "F"):
        # NumPy may copy it: the layout says so.  In neither case is the result written to.
        view = array.move(None)
        view.state = VIEW
        return view
    return array
