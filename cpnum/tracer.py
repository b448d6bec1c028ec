"""The tracers: what the user's function computes with while it is traced.

A `Tracer` stands for an array or a NumPy scalar, a `WeakTracer` for a Python scalar.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, cast

import numpy as np

from cpnum.dtypes import BOOL, FLOAT, INT, from_numpy, from_python
from cpnum.errors import DTypeError, ShapeError, UnsupportedError
from cpnum.ir import Node
from cpnum.movement import (
    BroadcastTo,
    Index,
    Item,
    Movement,
    Reshape,
    Transpose,
    in_signature,
)
from cpnum.operations import (
    Operand,
    apply,
    binary,
    dtype_of,
    located,
    note_scalars,
    power,
    reason,
    unary,
    universal,
)
from cpnum.recording import Recording, Shape
from cpnum.site import user_site
from cpnum.traced import ARGUMENT, OWNED, SCALAR, VIEW, VIEWED, Traced

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
        if name.startswith("__") or not hasattr(np.ndarray, name):
            raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")
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
        if min is None:
            if max is None:
                return cast(Tracer, universal(self.recording, np.positive, (self,)))
            return cast(Tracer, universal(self.recording, np.minimum, (self, max)))
        if max is None:
            return cast(Tracer, universal(self.recording, np.maximum, (self, min)))
        return cast(Tracer, apply(self.recording, CLIP, (self, min, max)))

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


class WeakTracer(Operand):
    """A Python scalar whose value is not known; with other Python scalars it is Python's."""

    __slots__ = ()

    def __float__(self) -> NoReturn:
        raise self.needs_value("float()", "np.sin(x) for math.sin(x), and x * 1.0 for float(x)")

    def __int__(self) -> NoReturn:
        raise self.needs_value("int()", "np.trunc(x).astype(int)")

    def __repr__(self) -> str:
        return str(self.node.dtype)

    @property
    def real(self) -> WeakTracer:
        """The value itself; that of a bool is an int, as of +x."""
        return _on_host(self.recording, operator.pos, self)

    def conjugate(self) -> WeakTracer:
        """Return the value: there are no complex numbers."""
        return self.real

    def __getattr__(self, name: str) -> NoReturn:
        kind = self.node.dtype.scalar
        if not hasattr(kind, name):
            raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")
        raise self.unsupported(
            f"{name} of a Python {kind.__name__} cannot be traced", "it outside of the function"
        )


# -- operators ----------------------------------------------------------------------------------

# fmt: off
#  dunder       Python's function   NumPy's
_BINARY: tuple[tuple[str, Callable[..., Any], np.ufunc], ...] = (
    ("add",      operator.add,      np.add),
    ("sub",      operator.sub,      np.subtract),
    ("mul",      operator.mul,      np.multiply),
    ("truediv",  operator.truediv,  np.divide),
    ("floordiv", operator.floordiv, np.floor_divide),
    ("mod",      operator.mod,      np.remainder),
    ("pow",      operator.pow,      np.power),
    ("and",      operator.and_,     np.bitwise_and),
    ("or",       operator.or_,      np.bitwise_or),
    ("xor",      operator.xor,      np.bitwise_xor),
    ("lshift",   operator.lshift,   np.left_shift),
    ("rshift",   operator.rshift,   np.right_shift),
)
_COMPARISONS: tuple[tuple[str, Callable[..., Any], np.ufunc], ...] = (
    ("eq",       operator.eq,       np.equal),
    ("ne",       operator.ne,       np.not_equal),
    ("lt",       operator.lt,       np.less),
    ("le",       operator.le,       np.less_equal),
    ("gt",       operator.gt,       np.greater),
    ("ge",       operator.ge,       np.greater_equal),
)
_UNARY: tuple[tuple[str, Callable[..., Any], np.ufunc], ...] = (
    ("neg",      operator.neg,      np.negative),
    ("pos",      operator.pos,      np.positive),
    ("abs",      operator.abs,      np.absolute),
    ("invert",   operator.invert,   np.invert),
)
# fmt: on


def _define(kind: type, name: str, method: Callable[..., Any]) -> None:
    """Enter an operator into a class, with the name that errors of Python's call it by."""
    method.__name__ = f"__{name}__"
    method.__qualname__ = f"{kind.__name__}.__{name}__"
    setattr(kind, method.__name__, method)


def _array_operators(name: str, ufunc: np.ufunc) -> None:
    def forward(self: Tracer, other: Any) -> Any:
        result = binary(ufunc, self, other)
        return note_scalars(result, self, other) if self.state is SCALAR else result

    def backward(self: Tracer, other: Any) -> Any:
        result = binary(ufunc, self, other, swapped=True)
        return note_scalars(result, self, other) if self.state is SCALAR else result

    def raised(self: Tracer, other: Any) -> Any:
        return note_scalars(power(self.recording, self, other, operator=True), self, other)

    def raising(self: Tracer, other: Any) -> Any:
        return power(self.recording, other, self, operator=True)

    def in_place(self: Tracer, other: Any) -> Any:
        result = raised(self, other) if ufunc is np.power else forward(self, other)
        return result if self.state == SCALAR else self.overwrite(result, f"np.{ufunc.__name__}")

    _define(Tracer, f"i{name}", in_place)
    _define(Tracer, name, raised if ufunc is np.power else forward)
    _define(Tracer, f"r{name}", raising if ufunc is np.power else backward)


def _array_operator(name: str, ufunc: np.ufunc) -> None:
    def compare(self: Tracer, other: Any) -> Any:
        return binary(ufunc, self, other)

    def change(self: Tracer) -> Any:
        result = unary(ufunc, self)
        # +x is x, whose own operation may be a ufunc that wraps silently.
        made = self.state is SCALAR and result.node is not self.node
        return note_scalars(result, self) if made else result

    _define(Tracer, name, compare if ufunc.nin == 2 else change)


def _python_operators(name: str, function: Callable[..., Any], ufunc: np.ufunc) -> None:
    def forward(self: WeakTracer, other: Any) -> Any:
        return _between(function, ufunc, self, self, other)

    def backward(self: WeakTracer, other: Any) -> Any:
        return _between(function, ufunc, self, other, self)

    def change(self: WeakTracer) -> Any:
        return _on_host(self.recording, function, self)

    _define(WeakTracer, name, forward if ufunc.nin == 2 else change)
    _define(WeakTracer, f"r{name}", backward)


def _between(
    function: Callable[..., Any], ufunc: np.ufunc, self: WeakTracer, left: Any, right: Any
) -> Any:
    """Let Python compute if both sides are Python scalars, else NumPy."""
    other = right if left is self else left
    if isinstance(other, WeakTracer) or from_python(other) is not None:
        return _on_host(self.recording, function, left, right)
    return note_scalars(universal(self.recording, ufunc, (left, right)), other, self)


_SAMPLES = {FLOAT: 1.0, INT: 1, BOOL: True}


def _on_host(recording: Recording, function: Callable[..., Any], *inputs: Any) -> WeakTracer:
    dtypes = [dtype_of(recording, each) for each in inputs]
    samples = [_SAMPLES[dtype] for dtype in dtypes]
    if function is operator.pow and dtypes[0] is not FLOAT and dtypes[1] is not FLOAT:
        # The sign of the exponent says whether Python's result is an integer.
        if isinstance(inputs[1], Traced):
            raise recording.error(
                UnsupportedError,
                "an integer to the power of a traced integer cannot be traced",
                seen="its type depends on the sign of the exponent",
                write="float(...) of the base before it is an argument, or a number as exponent",
            )
        samples[1] = -1 if inputs[1] < 0 else 1
    # Python says what type the result has, or that there is no such operation.
    dtype = from_python(function(*samples))
    assert dtype is not None
    args = [
        each.node if isinstance(each, Traced) else recording.nodes.constant(each, of)
        for each, of in zip(inputs, dtypes, strict=True)
    ]
    node = recording.nodes.host(function, tuple(args), dtype)
    if node not in recording.sites:
        recording.sites[node] = user_site()  # Python's arithmetic knows no np.errstate
    return WeakTracer(recording, node, ())


for _name, _function, _ufunc in _BINARY:
    _array_operators(_name, _ufunc)
for _name, _function, _ufunc in (*_COMPARISONS, *_UNARY):
    _array_operator(_name, _ufunc)
for _name, _function, _ufunc in (*_BINARY, *_COMPARISONS, *_UNARY):
    _python_operators(_name, _function, _ufunc)
