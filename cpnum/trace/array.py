"""The tracer of arrays and NumPy scalars: what a function computes with while it is traced."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, cast

import numpy as np

from cpnum.errors import DTypeError, ShapeError
from cpnum.ir.extents import in_signature
from cpnum.ir.movement import (
    BroadcastTo,
    Index,
    Item,
    Movement,
    Reshape,
    Transpose,
)
from cpnum.ir.nodes import Node
from cpnum.tables.dtypes import INT, from_numpy
from cpnum.trace.builder import Shape
from cpnum.trace.scalar import on_host
from cpnum.trace.tracer import ARGUMENT, OWNED, SCALAR, VIEW, VIEWED, Traced
from cpnum.trace.ufuncs import (
    Operand,
    apply,
    dtype_of,
    located,
    reason,
    universal,
)

# The ufunc that `np.clip` is a wrapper of; it has no public name.
CLIP: np.ufunc = np._core.umath.clip  # type: ignore[attr-defined]

# The memory of arrays of extents up to 2 whose strides are 0, 1, ... along NumPy's 64 axes.
_BYTES = bytes(1 + sum(range(64)))


class Tracer(Operand):
    """An array, or a NumPy scalar, whose contents are not known."""

    __slots__ = ()

    def __repr__(self) -> str:
        extents = f"[{', '.join(map(str, self._shape))}]" if self._shape else ""
        return f"{self.node.dtype}{extents}"

    # -- attributes -----------------------------------------------------------------------------

    @property
    def shape(self) -> Shape:
        """The shape; whoever looks at it makes the graph serve this shape only."""
        self.recording.shape_observed = True
        return self._shape

    @property
    def size(self) -> int:
        """The number of elements, looked at as the shape is."""
        return int(np.prod(self.shape, dtype=int))

    @property
    def ndim(self) -> int:
        """The number of axes, which the signature has."""
        return len(self._shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype, as NumPy's."""
        return self.node.dtype.numpy

    @property
    def T(self) -> Tracer:  # noqa: N802 (NumPy's name)
        """The axes in reverse order."""
        return self.transpose()

    @property
    def real(self) -> Tracer:
        """The value itself: there are no complex numbers."""
        return self.move(None)

    def __len__(self) -> int:
        if not self._shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tracer]:
        if not self._shape:
            raise TypeError("iteration over a 0-d array")
        return (self[index] for index in range(self.shape[0]))

    def __getattr__(self, name: str) -> NoReturn:
        kind = self.__class__
        if name.startswith("__") or not hasattr(kind, name):
            stands_for = f"{kind.__module__}.{kind.__name__}"
            raise AttributeError(f"{stands_for!r} object has no attribute {name!r}")
        raise self.unsupported(
            f"the method {name} of arrays cannot be traced" + reason(name),
            "its call outside of the function",
        )

    # -- movement -------------------------------------------------------------------------------

    def move(self, step: Movement | None) -> Tracer:
        """Return a view of this value, which shares its memory."""
        node, shape = self.node, self._shape
        if step is not None:
            node, shape = self.recording.move(node, shape, step)
        if self.state == OWNED:
            self.state = VIEWED
        # Views of a NumPy scalar are NumPy scalars.
        state = SCALAR if self.state == SCALAR and not shape else VIEW
        return Tracer(self.recording, node, shape, state)

    def __getitem__(self, key: Any) -> Tracer:
        given = key if isinstance(key, tuple) else (key,)
        items = [self._item(item) for item in given]
        axes = len(self._shape) - sum(item is not None and item is not ... for item in items)
        if ... not in items:
            items.append(...)
        at = items.index(...)
        if ... in items[at + 1 :]:
            raise IndexError("an index can only have a single ellipsis ('...')")
        if axes < 0:
            raise IndexError(
                f"too many indices for array: array is {len(self._shape)}-dimensional, "
                f"but {len(self._shape) - axes} were indexed"
            )
        items[at : at + 1] = [slice(None)] * axes
        view = self.move(Index.of(tuple(items)))
        if not view.known_shape:
            # An element is a scalar of its own; the Ellipsis asks for an array.
            view.state = VIEW if ... in given else SCALAR
        return view

    def _item(self, item: Any) -> Any:
        if item is None or item is ...:
            return item
        if isinstance(item, slice):
            ends = (item.start, item.stop, item.step)
            return slice(*(end if end is None else operator.index(end) for end in ends))
        if isinstance(item, Traced):
            raise item.needs_value("an index", "a number, or np.where to choose elements")
        if isinstance(item, bool | np.bool | list | np.ndarray) or not hasattr(item, "__index__"):
            raise self.unsupported(
                f"indexing with a {type(item).__name__} cannot be traced",
                "the indexing outside of the function; slices, numbers, None and ... can be traced",
            )
        return operator.index(item)

    def __setitem__(self, key: object, value: object) -> NoReturn:
        raise self.unsupported(
            "assigning to elements cannot be traced", "x = np.where(mask, value, x)"
        )

    def transpose(self, *axes: Any) -> Tracer:
        """Return a view with the axes in another order: reversed if none are given."""
        return self.reordered(lambda array: array.transpose(*axes))

    def swapaxes(self, axis1: int, axis2: int) -> Tracer:
        """Return a view with two axes exchanged."""
        return self.reordered(lambda array: array.swapaxes(axis1, axis2))

    def reordered(self, order: Callable[[Any], Any]) -> Tracer:
        """Return a view with the axes in the order that a function of arrays gives them."""
        axes = self._axes_left(order)
        return self.move(Transpose(axes) if axes != tuple(range(len(axes))) else None)

    def _axes_left(self, view: Callable[[Any], Any]) -> tuple[int, ...]:
        """Return which axes a view has; NumPy takes it, so that errors are NumPy's."""
        # Strides tell the numbers of the axes; of extents, it only matters whether they are 1.
        shape = [1 if extent == 1 else 2 for extent in self._shape]
        left: tuple[int, ...] = view(np.ndarray(shape, "b", _BYTES, 0, range(len(shape)))).strides
        return left

    def reshape(self, *shape: Any, order: str = "C") -> Tracer:
        """Return the same elements in another shape, in C order."""
        if order != "C":
            raise self.unsupported(f"reshape with order={order!r} cannot be traced")
        new = shape[0] if len(shape) == 1 and not hasattr(shape[0], "__index__") else shape
        self.recording.shape_observed = True
        return self.move(Reshape(tuple(map(operator.index, new))))

    def ravel(self, order: str = "C") -> Tracer:
        """Return the elements along one axis, in C order."""
        return self.reshape(-1, order=order)

    def squeeze(self, axis: Any = None) -> Tracer:
        """Return a view without axes of extent 1: all of them, unless `axis` names some."""
        extents = self.recording.extents
        if not all(in_signature(e) for x in self.recording.like(self.node) for e in extents[x]):
            self.recording.shape_observed = True
        left = self._axes_left(lambda array: array.squeeze(axis))
        items: list[Item] = [slice(None) if i in left else 0 for i in range(len(self._shape))]
        return self.move(Index.of(tuple(items)))

    def broadcast_to(self, shape: Any) -> Tracer:
        """Return a view of the given shape (the method that numpy.broadcast_to is traced by)."""
        new = tuple(shape) if hasattr(shape, "__len__") else (shape,)
        view = self.move(BroadcastTo(tuple(map(operator.index, new))))
        view.state = VIEW  # an array, without axes too
        return view

    # -- conversion -----------------------------------------------------------------------------

    def copy(self, order: str = "C") -> Tracer:
        """Return the same value with memory of its own."""
        return self._converted(self.node)

    def __copy__(self) -> Tracer:
        return self.copy()

    def __deepcopy__(self, memo: object) -> Tracer:
        return self.copy()

    def conj(self) -> Tracer:
        """Return the array itself, as NumPy does: there are no complex numbers."""
        return self

    conjugate = conj

    def astype(self, dtype: Any, *, copy: bool = True, **keywords: Any) -> Tracer:
        """Return the value converted to another dtype; itself if that needs no copy."""
        for name in keywords.keys() - {"order", "subok"}:
            raise self.unsupported(f"the argument {name} of astype cannot be traced")
        to = located(self.recording, from_numpy, np.dtype(dtype))
        if to is self.node.dtype and not copy:
            if keywords.get("order", "K") != "K":
                raise self.unsupported(
                    "astype with copy=False and an order cannot be traced: whether it copies "
                    "depends on the layout",
                    "it without order",
                )
            return self
        return self._converted(self.recording.cast(self.node, to))

    def _converted(self, node: Node) -> Tracer:
        result = Tracer(self.recording, node, self._shape)
        if self.state != SCALAR:
            result.state = OWNED  # an array, without axes too
        return result

    def clip(self, min: Any = None, max: Any = None, out: Any = None, **keywords: Any) -> Tracer:
        """Return the value limited to an interval; NumPy's rules for bounds out of range."""
        for name in keywords if out is None else ("out",):
            raise self.unsupported(
                f"the argument {name} of clip cannot be traced", f"it without {name}"
            )
        if self.node.dtype.family == "I":
            limits: Any = np.iinfo(self.node.dtype.numpy.name)
            if type(min) is int and min <= limits.min:
                min = None
            if type(max) is int and max >= limits.max:
                max = None
            min = self._within(min, max, builtins.max, limits.min)
            max = self._within(max, min, builtins.min, limits.max)
        if min is None:
            if max is None:
                return cast(Tracer, universal(self.recording, np.positive, (self,)))
            return cast(Tracer, universal(self.recording, np.minimum, (self, max)))
        if max is None:
            return cast(Tracer, universal(self.recording, np.maximum, (self, min)))
        return cast(Tracer, apply(self.recording, CLIP, (self, min, max)))

    def _within(self, bound: Any, other: Any, choose: Callable[..., Any], limit: int) -> Any:
        """Return a bound that is a Python integer known at the call only, within the dtype.

        NumPy drops one beyond it.  Where the other bound has a wider dtype that is no longer the
        same as the limit, so that there a bound beyond the dtype is an OverflowError.
        """
        if not isinstance(bound, Traced) or bound.node.dtype is not INT:
            return bound
        own = self.node.dtype
        if other is None or dtype_of(self.recording, other) in (INT, own):
            return on_host(self.recording, choose, bound, limit)
        return Tracer(self.recording, self.recording.cast(bound.node, own), ())

    # -- operations in place --------------------------------------------------------------------

    def overwrite(self, result: Traced, name: str) -> Tracer:
        """Give this value's memory the contents of `result`, so that all its names see it."""
        if self.state != OWNED:
            raise self.unsupported(f"{name} would write {_REFUSED[self.state]}", "x = x + y")
        old, new = self.node.dtype, result.node.dtype
        if not np.can_cast(new.numpy, old.numpy, "same_kind"):
            raise self.recording.error(
                DTypeError,
                f"{name} cannot cast {new} to {old} with casting rule 'same_kind'",
                seen=f"{self!r}, and a result of {result!r}",
                write="x = x + y, or x.astype(dtype) before",
            )
        if result.known_shape != self._shape:
            raise self.recording.error(
                ShapeError,
                f"{name} cannot change the shape of its left side",
                seen=f"{self._shape} and a result of {result.known_shape}",
                write="x = x + y",
            )
        self.node = self.recording.cast(result.node, old)
        return self


_REFUSED = {
    ARGUMENT: "to an argument of the function",
    VIEW: "through a view of another array",
    VIEWED: "to an array that views were taken of",
}
