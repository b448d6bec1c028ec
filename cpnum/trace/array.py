"""The tracer of arrays and NumPy scalars: its operators, attributes, views and methods.

>>> from cpnum.tables.dtypes import F64
>>> from cpnum.trace.builder import Builder
>>> builder = Builder()
>>> x = Tracer(builder, builder.argument("x", F64, (4, 3)), (4, 3))
>>> x[1:] - 0.5, x.T > x[0, 0]
(f64[3, 3], b[3, 4])
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, cast

import numpy as np

from cpnum.errors import DTypeError, ShapeError
from cpnum.ir.extents import fits, in_signature
from cpnum.ir.movement import (
    BroadcastTo,
    Index,
    IndexItem,
    Movement,
    Ravel,
    Reshape,
    Transpose,
    joined,
)
from cpnum.ir.nodes import Apply, Input, Join, Node
from cpnum.ir.questions import VALUE
from cpnum.tables.coverage import WHY_OF_ARRAYS
from cpnum.tables.dtypes import INT, from_numpy
from cpnum.trace.advice import called_by_user, instead_of_attribute
from cpnum.trace.builder import Shape, Traced, type_of
from cpnum.trace.chosen import Choosing, is_chosen, moved_chosen
from cpnum.trace.looking import NO_NUMBER, is_number, look
from cpnum.trace.made import is_array, is_made, traced
from cpnum.trace.push import move
from cpnum.trace.tracer import (
    ARGUMENT,
    OWNED,
    PART,
    SCALAR,
    VIEW,
    VIEWED,
    AnyTracer,
    between_scalars,
    named,
)
from cpnum.trace.ufuncs import (
    apply_promoted,
    apply_python,
    apply_where,
    dtype_of,
    trace_pair,
    trace_power,
    trace_single,
    trace_ufunc,
)
from cpnum.trace.writing import assign, in_memory, store_if_viewed, write

# What indexes elements one by one.
_INDEX_ARRAYS = (np.ndarray, list)

# The ufunc that `np.clip` is a wrapper of; it has no public name.
CLIP: np.ufunc = np._core.umath.clip  # type: ignore[attr-defined]

_ARRAY: Any = np.empty(0)

# The memory of arrays of extents up to 2 whose strides are 0, 1, ... along NumPy's 64 axes.
_BYTES = bytes(1 + sum(range(64)))

# The methods of operators, as they stand in the class.
Unary = Callable[["Tracer"], "Tracer"]
Binary = Callable[["Tracer", object], "Tracer"]


def _unary(name: str, ufunc: np.ufunc) -> Unary:
    """Return the method of an operator of one operand, as -x."""

    def method(self: Tracer) -> Tracer:
        builder = self.builder
        node, shape = trace_single(builder, ufunc, self)
        result = Tracer(builder, node, shape)
        # +x is x, which a ufunc may have computed, and a ufunc wraps silently.
        if self.state is SCALAR and node is not self.node:
            between_scalars(result, self)
        return result

    return named(method, "Tracer", name)


def _binary(name: str, ufunc: np.ufunc, swapped: bool = False) -> Binary:
    """Return the method of an operator, as x + y; of the reflected one, y + x, if `swapped`."""

    def method(self: Tracer, other: object) -> Tracer:
        builder = self.builder
        node, shape = trace_pair(builder, ufunc, self, other, swapped)
        result = Tracer(builder, node, shape)
        if self.state is SCALAR:
            between_scalars(result, self, other)
        return result

    return named(method, "Tracer", name)


def _operators(name: str, ufunc: np.ufunc) -> tuple[Binary, Binary, Binary]:
    """Return the three methods of an operator: x + y, the reflected y + x, and x += y."""
    forward = _binary(name, ufunc)

    def in_place(self: Tracer, other: object) -> Tracer:
        result = forward(self, other)
        return result if self.state == SCALAR else self.overwrite(result, ufunc)

    reflected = _binary(f"r{name}", ufunc, swapped=True)
    return forward, reflected, named(in_place, "Tracer", f"i{name}")


class Tracer(Choosing):
    """An array, or a NumPy scalar, whose contents are not known."""

    __slots__ = ()

    def result(self, node: Node, shape: Shape) -> Tracer:
        """Return the tracer of the outcome of a NumPy function."""
        return Tracer(self.builder, node, shape)

    # -- operators ------------------------------------------------------------------------------

    __add__, __radd__, __iadd__ = _operators("add", np.add)
    __sub__, __rsub__, __isub__ = _operators("sub", np.subtract)
    __mul__, __rmul__, __imul__ = _operators("mul", np.multiply)
    __truediv__, __rtruediv__, __itruediv__ = _operators("truediv", np.divide)
    __floordiv__, __rfloordiv__, __ifloordiv__ = _operators("floordiv", np.floor_divide)
    __mod__, __rmod__, __imod__ = _operators("mod", np.remainder)
    __and__, __rand__, __iand__ = _operators("and", np.bitwise_and)
    __or__, __ror__, __ior__ = _operators("or", np.bitwise_or)
    __xor__, __rxor__, __ixor__ = _operators("xor", np.bitwise_xor)
    __lshift__, __rlshift__, __ilshift__ = _operators("lshift", np.left_shift)
    __rshift__, __rrshift__, __irshift__ = _operators("rshift", np.right_shift)
    __eq__ = _binary("eq", np.equal)  # type: ignore[assignment]
    __ne__ = _binary("ne", np.not_equal)  # type: ignore[assignment]
    __lt__ = _binary("lt", np.less)
    __le__ = _binary("le", np.less_equal)
    __gt__ = _binary("gt", np.greater)
    __ge__ = _binary("ge", np.greater_equal)
    __neg__ = _unary("neg", np.negative)
    __pos__ = _unary("pos", np.positive)
    __abs__ = _unary("abs", np.absolute)
    __invert__ = _unary("invert", np.invert)

    def __pow__(self, exponent: object) -> Tracer:
        scalar = self.state == SCALAR
        node, shape = trace_power(self.builder, self, exponent, scalar, is_operator=True)
        result = self.result(node, shape)
        if scalar and isinstance(exponent, Traced):
            between_scalars(result, self, exponent)
        return result

    def __rpow__(self, base: object) -> Tracer:
        result = self.result(*trace_power(self.builder, base, self, False, is_operator=True))
        if self.state == SCALAR:
            between_scalars(result, self, base)
        return result

    def __ipow__(self, exponent: object) -> Tracer:
        result = self**exponent
        return result if self.state == SCALAR else self.overwrite(result, np.power)

    __hash__ = AnyTracer.__hash__  # or `__eq__` would leave none

    # -- attributes -----------------------------------------------------------------------------

    @property
    def shape(self) -> Shape:
        """The shape; a function that looks at it has a graph for this shape only."""
        if is_chosen(self.known_shape):
            raise self.needs_value("the number of elements that a mask chooses", "np.where")
        self.builder.shape_observed = True
        return self.known_shape

    @property
    def size(self) -> int:
        """The number of elements; a function that asks for it looks at the shape."""
        return int(np.prod(self.shape, dtype=int))

    @property
    def ndim(self) -> int:
        """The number of axes, which is in the signature."""
        return len(self.known_shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype, as NumPy has it."""
        return self.node.dtype.numpy

    @property
    def T(self) -> Tracer:  # noqa: N802 (NumPy's name)
        """The axes in reverse order."""
        return self.transpose()

    @property
    def real(self) -> Tracer:
        """The value itself, as NumPy returns it: there are no complex numbers."""
        return self

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        """Return NumPy, as arrays do for code that serves several libraries."""
        return _ARRAY.__array_namespace__(api_version=api_version)

    def __len__(self) -> int:
        if not self.known_shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tracer]:
        if not self.known_shape:
            raise TypeError("iteration over a 0-d array")
        return (self[index] for index in range(self.shape[0]))

    def __getattr__(self, name: str) -> Any:
        kind = self.__class__
        if name.startswith("__") or not hasattr(kind, name):
            stands_for = f"{kind.__module__}.{kind.__name__}"
            raise AttributeError(f"{stands_for!r} object has no attribute {name!r}")
        number = look(self, VALUE) if self.state == SCALAR else NO_NUMBER
        if number is not NO_NUMBER:
            return getattr(number, name)
        is_method = callable(getattr(kind, name))
        what = "method" if is_method else "attribute"
        of = "arrays" if kind is np.ndarray else f"a {kind.__name__}"
        caller = called_by_user()
        if caller is not None:
            raise self.unsupported(
                f"{caller}() cannot be traced: it asks for the {what} {name} of {of}",
                f"the call of {caller} outside of the function",
            )
        raise self.unsupported(
            f"the {what} {name} of {of} cannot be traced" + _reason(name),
            instead_of_attribute(name, is_method),
        )

    # -- movement -------------------------------------------------------------------------------

    def move(self, step: Movement | None) -> Tracer:
        """Return a view of this value, which shares its memory."""
        node, shape = self.node, self.known_shape
        if is_chosen(shape):
            return self._move_chosen(step)
        state = self.state
        if step is not None:
            is_computed = type(node) is Apply or type(node) is Join
            if is_computed and state is not SCALAR and store_if_viewed(self, step):
                return self.move(step)
            node, shape = move(self.builder, node, shape, step)
        if state is ARGUMENT or state is VIEW:
            return Tracer(self.builder, node, shape, VIEW)
        if state is SCALAR and not shape:
            # A view of a NumPy scalar is a NumPy scalar.
            return Tracer(self.builder, node, shape, SCALAR)
        if state is OWNED:
            self.state = VIEWED
        view = Tracer(self.builder, node, shape, PART)
        self.builder.parts[id(view)] = self, step
        return view

    def _move_chosen(self, step: Movement | None) -> Tracer:
        """Return a view of the elements that a mask chooses, which has all of them."""
        shape = None if step is None else moved_chosen(self.known_shape, step)
        if shape is None or step is None:
            raise self.unsupported(
                "a view of the elements that a mask chooses cannot be traced",
                "y[mask] = f(x[mask]), of elementwise functions",
            )
        node, _ = move(self.builder, self.node, self.builder.shape_of(self.node), step)
        return Tracer(self.builder, node, shape)

    def __getitem__(self, key: object) -> Tracer:
        own = self._key_of_view(key)
        if own is not None:
            found = self._known_view(own)
            if found is not None:
                return found
        key = self._of_known_mask(key)
        if self.is_mask(key):
            return cast(Tracer, self.chosen(cast(Tracer, key)))
        given = key if isinstance(key, tuple) else (key,)
        if any(_needs_contents(item) for item in given):
            return self._indexed_by_arrays(key, given)
        items = [self._item(item) for item in given]
        axes = len(self.known_shape) - sum(item is not None and item is not ... for item in items)
        if ... not in items:
            items.append(...)
        at = items.index(...)
        if ... in items[at + 1 :]:
            raise IndexError("an index can only have a single ellipsis ('...')")
        if axes < 0:
            raise IndexError(
                f"too many indices for array: array is {len(self.known_shape)}-dimensional, "
                f"but {len(self.known_shape) - axes} were indexed"
            )
        items[at : at + 1] = [slice(None)] * axes
        step = Index.of(tuple(items))
        view = self.move(step)
        if not view.known_shape:
            # An element is a scalar of its own; the Ellipsis asks for an array.
            if not any(each is ... for each in given):
                view.state = SCALAR
            elif view.state is SCALAR:
                view.state = PART
        node = view.node
        if own is not None and type(node) is Input:
            builder = self.builder
            is_same = node is self.node
            known = None if is_same else step, view.known_shape, builder.extents[node], view.state
            builder.indexed[own] = known
        return view

    def _known_view(self, own: Any) -> Tracer | None:
        """Return a view of an array in memory, if one of an equal array was taken before.

        So the rounds of a loop take 3 us for a view, and not 9.
        """
        builder, node = self.builder, self.node
        found = builder.indexed.get(own)
        if found is None:
            return None
        assert type(node) is Input
        step, shape, extents, state = found
        if step is not None:
            movement = joined(node.movement, step) if node.movement else (step,)
            node = builder.nodes.input(node.parameter, movement, node.dtype)
            if node not in builder.shapes:
                builder.shapes[node], builder.extents[node] = shape, extents
        return Tracer(builder, node, shape, state)

    def _key_of_view(self, key: object) -> tuple[object, ...] | None:
        """Return what views of equal arrays in memory have in common, None if nothing is known."""
        node, builder = self.node, self.builder
        if type(node) is not Input or not (self.state is ARGUMENT or self.state is VIEW):
            return None
        items: list[object] = []
        for each in key if type(key) is tuple else (key,):
            if type(each) is slice:
                ends = each.start, each.stop, each.step
                if not all(end is None or type(end) is int for end in ends):
                    return None
                items.append(ends)
            elif type(each) is int or each is None or each is ...:
                items.append(each)
            else:
                return None
        return builder.shapes[node], builder.extents[node], tuple(items)

    def _of_known_mask(self, key: object) -> object:
        """Return an index; for a mask that the function makes, the indices of what it chooses."""
        key = traced(key)
        if (is_array(key) or type(key) is list) and _is_mask(key):
            mask: Any = np.array(key)
            is_known = mask.ndim and is_made(self.builder, mask)
            if is_known and mask.shape == self.known_shape[: mask.ndim]:
                self.builder.shape_observed = True
                return tuple(mask.nonzero())
        return key

    def _indexed_by_arrays(self, key: object, items: Iterable[Any]) -> Tracer:
        """Return the elements that contents of arrays choose, by a call of NumPy's indexing."""
        if any(_is_mask(each) for each in items if each.__class__ in _INDEX_ARRAYS):
            raise self.unsupported(
                "indexing with a mask of another shape cannot be traced: the shape of the result "
                "depends on contents",
                "np.where(mask, x, 0.0), or the indexing outside of the function",
            )
        result: Tracer = self.builder.functions[operator.getitem](self, key)
        return result

    def _item(self, item: Any) -> Any:
        if item is None or item is ...:
            return item
        if isinstance(item, slice):
            ends = (item.start, item.stop, item.step)
            return slice(*(end if end is None else operator.index(end) for end in ends))
        kind = item.__class__  # of a tracer, the class of what it stands for
        if isinstance(item, bool | np.bool) or not hasattr(kind, "__index__"):
            raise self.unsupported(
                f"indexing with a {kind.__name__} cannot be traced",
                "the indexing outside of the function; slices, numbers, None and ... can be traced",
            )
        return operator.index(item)

    def __setitem__(self, key: object, value: object) -> None:
        if self.state == SCALAR:
            raise TypeError(f"{self.__class__.__name__!r} object does not support item assignment")
        key = self._of_known_mask(key)
        if self.is_mask(key):
            self.put_chosen(cast(Tracer, key), value)
            return
        items = key if isinstance(key, tuple) else (key,)
        if any(map(_needs_contents, items)):
            self.builder.functions[operator.setitem](self, key, value)
            return
        ellipses = sum(each is ... for each in items)
        exists = ellipses < 2 and len(items) - ellipses <= len(self.known_shape)
        if exists and all(each is ... or _is_full(each) for each in items):
            assign(self, value)
        else:
            in_memory(self)
            view = self[items if ellipses else (*items, ...)]
            if not ellipses and not view.known_shape:
                _refuse_sequence(value)
            assign(view, value)

    def __delitem__(self, key: object) -> NoReturn:
        if self.state == SCALAR:
            kind = self.__class__
            raise TypeError(f"'numpy.{kind.__name__}' object doesn't support item deletion")
        raise ValueError("cannot delete array elements")

    def transpose(self, *axes: Any) -> Tracer:
        """Return a view with the axes in the order given, or else in the reverse order."""
        return self.reordered(lambda array: array.transpose(*axes))

    def swapaxes(self, axis1: int, axis2: int) -> Tracer:
        """Return a view with two axes exchanged."""
        return self.reordered(lambda array: array.swapaxes(axis1, axis2))

    def reordered(self, order: Callable[[Any], Any]) -> Tracer:
        """Return a view that has its axes in the order of `order(array)`."""
        axes = self._axes_left(order)
        return self.move(Transpose(axes) if axes != tuple(range(len(axes))) else None)

    def _axes_left(self, view: Callable[[Any], Any]) -> tuple[int, ...]:
        """Return the axes of `view(array)`: (1, 0) if it transposes an array of two axes.

        NumPy takes the view, so that its errors are NumPy's.
        """
        # The stride of an axis is its number.  Extents above 1 are all alike to NumPy here.
        shape = [1 if extent == 1 else 2 for extent in self.known_shape]
        left: tuple[int, ...] = view(np.ndarray(shape, "b", _BYTES, 0, range(len(shape)))).strides
        return left

    def reshape(self, *shape: Any, order: str = "C") -> Tracer:
        """Return the same elements in another shape, in C order."""
        if order != "C":
            raise self.unsupported(f"reshape with order={order!r} cannot be traced")
        new = shape[0] if len(shape) == 1 and not hasattr(shape[0], "__index__") else shape
        self.builder.shape_observed = True
        return self.move(Reshape(tuple(map(operator.index, new))))

    def ravel(self, order: str = "C") -> Tracer:
        """Return the elements along one axis, in C order."""
        if order != "C":
            return self.reshape(-1, order=order)  # refuses it
        self.builder.shape_observed = True
        return self.move(Ravel())

    def squeeze(self, axis: Any = None) -> Tracer:
        """Return a view without the axes of extent 1, or without those that `axis` names."""
        extents = self.builder.extents
        if not all(in_signature(e) for x in self.builder.like(self.node) for e in extents[x]):
            self.builder.shape_observed = True
        left = self._axes_left(lambda array: array.squeeze(axis))
        if len(left) == len(self.known_shape):
            return self  # as NumPy does
        items: list[IndexItem] = [
            slice(None) if i in left else 0 for i in range(len(self.known_shape))
        ]
        return self.move(Index.of(tuple(items)))

    def broadcast_to(self, shape: Any) -> Tracer:
        """Return a view of the given shape, as `np.broadcast_to` does."""
        new = tuple(shape) if hasattr(shape, "__len__") else (shape,)
        view = self.move(BroadcastTo(tuple(map(operator.index, new))))
        if view.state is SCALAR:
            view.state = PART  # an array, even without axes
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
        """Return the value converted to another dtype, or itself if it needs no copy."""
        for name in keywords.keys() - {"order", "subok"}:
            raise self.unsupported(f"the argument {name} of astype cannot be traced")
        to = self.builder.attempt(from_numpy, np.dtype(dtype))
        if to is self.node.dtype and not copy:
            if keywords.get("order", "K") != "K":
                raise self.unsupported(
                    "astype with copy=False and an order cannot be traced: whether it copies "
                    "depends on the layout",
                    "it without order",
                )
            return self
        return self._converted(self.builder.cast(self.node, to))

    def _converted(self, node: Node) -> Tracer:
        result = Tracer(self.builder, node, self.known_shape)
        if self.state != SCALAR:
            result.state = OWNED  # an array, even without axes
        return result

    def clip(self, min: Any = None, max: Any = None, out: Any = None, **keywords: Any) -> Tracer:
        """Return the value limited to an interval; NumPy drops a bound beyond the dtype."""
        for name in keywords:
            raise self.unsupported(
                f"the argument {name} of clip cannot be traced", f"it without {name}"
            )
        if out is not None:
            result: Tracer = np.clip(self, min, max, out=out)
            return result
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
                return self.result(*trace_ufunc(self.builder, np.positive, (self,)))
            return self.result(*trace_ufunc(self.builder, np.minimum, (self, max)))
        if max is None:
            return self.result(*trace_ufunc(self.builder, np.maximum, (self, min)))
        return self.result(*apply_promoted(self.builder, CLIP, (self, min, max)))

    def _within(self, bound: Any, other: Any, choose: Callable[..., Any], limit: int) -> Any:
        """Return a bound; a Python integer that is known at the call only is kept in the dtype.

        NumPy drops a bound beyond the dtype, and `max(bound, limit)` has the same result.  But if
        the other bound has a wider dtype, the limit would change the result; then the bound is cast
        to the dtype, which raises an OverflowError beyond it.
        """
        if not isinstance(bound, Traced) or bound.node.dtype is not INT:
            return bound
        own = self.node.dtype
        if other is None or dtype_of(self.builder, other) in (INT, own):
            node = apply_python(self.builder, choose, bound, limit)
        else:
            node = self.builder.cast(bound.node, own)
        return Traced(self.builder, node, ())

    # -- operations in place --------------------------------------------------------------------

    def overwrite(
        self, result: AnyTracer, ufunc: Callable[..., Any], casting: Any = "same_kind"
    ) -> Tracer:
        """Return this tracer with the value of `result`, which `ufunc` wrote to its memory.

        So a change by `x += 1` is seen under all names of `x`.
        """
        name = f"np.{ufunc.__name__}"
        old, new = self.node.dtype, result.node.dtype
        if not np.can_cast(new.numpy, old.numpy, casting):
            raise self.builder.error(
                DTypeError,
                f"{name} cannot cast {new} to {old} with casting rule {casting!r}",
                seen=f"{type_of(self)}, and a result of {type_of(result)}",
                write="x = x + y, or x.astype(dtype) before",
            )
        node = self.builder.cast(result.node, old)
        if result.known_shape != self.known_shape:
            if not fits(result.known_shape, self.known_shape):
                raise self.builder.error(
                    ShapeError,
                    f"{name} cannot change the shape of its left side",
                    seen=f"{self.known_shape} and a result of {result.known_shape}",
                    write="x = x + y",
                )
            whole = Traced(self.builder, node, result.known_shape)
            if self.state == OWNED:
                node, _ = apply_where(self.builder, True, whole, self, old)
        self.set_value(node)
        return self

    def set_value(self, node: Node) -> None:
        """Give all elements other values, of the same dtype."""
        if self.state == OWNED:
            self.node = node
        else:
            write(self, node)


def _settable(name: str) -> Any:
    """Return an attribute that a function can set in NumPy; to set it is refused."""
    known = vars(Tracer).get(name)

    def get(self: Tracer) -> Any:
        return self.__getattr__(name)

    def refuse(self: Tracer, value: object) -> NoReturn:
        kind = self.__class__
        if kind is not np.ndarray:
            raise AttributeError(f"attribute {name!r} of {kind.__name__!r} objects is not writable")
        raise self.unsupported(
            f"assigning to the attribute {name} of arrays cannot be traced",
            _INSTEAD_OF_SETTING.get(name, "it outside of the function"),
        )

    return property(known.fget if known is not None else get, refuse, doc=known and known.__doc__)


def _needs_contents(item: Any) -> bool:
    """Tell whether an item of an index is an array, or a number that was computed of arrays."""
    if item.__class__ in _INDEX_ARRAYS:
        return True
    return isinstance(item, AnyTracer) and not is_number(item)


def _refuse_sequence(value: object) -> None:
    """Raise NumPy's error for an array, or a list, that is assigned to one element."""
    if isinstance(value, list | tuple):
        np.ndarray(1)[0] = value
    elif isinstance(value, Traced | np.ndarray):
        shape = value.known_shape if isinstance(value, Traced) else value.shape
        np.ndarray(1)[0] = np.ndarray(shape)  # older versions of NumPy take an array of one element


def _is_full(item: Any) -> bool:
    """Tell whether an item of an index is a slice of all elements; its ends may be traced."""
    return type(item) is slice and item.start is None and item.stop is None and item.step is None


def _is_mask(index: Any) -> bool:
    """Tell whether an array or a list chooses elements by True and False."""
    if isinstance(index, list):
        return any(isinstance(each, bool | np.bool) or _is_mask(each) for each in index)
    return isinstance(index, np.ndarray) and index.dtype == bool


def _reason(name: str) -> str:
    return f": {WHY_OF_ARRAYS[name]}" if name in WHY_OF_ARRAYS else ""


_INSTEAD_OF_SETTING = {
    "shape": "y = x.reshape(shape)",
    "flat": "np.full_like(x, value), or x = np.where(mask, value, x)",
    "real": "x = np.where(mask, value, x)",
}

for _name in ("shape", "dtype", "strides", "data", "flat", "real", "imag"):
    setattr(Tracer, _name, _settable(_name))
