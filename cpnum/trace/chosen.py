"""Elements that a mask chooses: `y[mask] = f(x[mask])` for arrays that the function made.

While a function is traced, nobody knows how many elements `x[mask]` has.  So its value has all
elements of `x`, with a harmless number where the mask is false, and its extent is a `Chosen`, which
broadcasts with no other extent.  The assignment is a `where`.

>>> from cpnum.tables.dtypes import F64
>>> from cpnum.trace.array import Tracer
>>> from cpnum.trace.builder import Builder
>>> builder = Builder()
>>> x = Tracer(builder, builder.argument("x", F64, (4,)), (4,))
>>> x[x > 0] * 2
f64[chosen]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cpnum.errors import ShapeError
from cpnum.ir.movement import Index, Movement
from cpnum.ir.nodes import Node
from cpnum.tables.dtypes import B
from cpnum.trace.builder import Shape, Traced
from cpnum.trace.made import adopted, is_array
from cpnum.trace.push import move
from cpnum.trace.tracer import OWNED, AnyTracer
from cpnum.trace.ufuncs import apply_where, number_assigned

# What stands in the places that a mask does not choose, by the family of the dtype: most functions
# raise no error of it.  No user writes these numbers, so no other node is the same.
_HARMLESS: dict[str, Any] = {"F": 0.7310585786300049, "I": 1_000_003, "B": False}


class Chosen(int):
    """How many elements a mask chooses, as an extent; it is equal to itself alone."""

    mask: Node

    @classmethod
    def by(cls, mask: Node) -> Chosen:
        """Return the extent of what a mask chooses."""
        extent = cls(2)  # neither 0 nor 1, which mean something
        extent.mask = mask
        return extent

    def __eq__(self, other: object) -> bool:
        return type(other) is Chosen and other.mask is self.mask

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.mask)

    def __str__(self) -> str:
        return "chosen"

    __repr__ = __str__


def is_chosen(shape: Shape) -> bool:
    """Tell whether a shape depends on the elements of a mask."""
    return any(type(extent) is Chosen for extent in shape)


class Choosing(AnyTracer):
    """An array with elements that a mask chooses."""

    __slots__ = ()

    def is_mask(self, key: object) -> bool:
        """Tell whether an index is a traced mask."""
        return isinstance(key, Choosing) and key.node.dtype is B and bool(key.known_shape)

    def chosen(self, mask: Choosing) -> AnyTracer:
        """Return the elements, or the rows, that a mask chooses, `x[mask]`, as a new array."""
        whole = self._whole_mask(mask, "np.where(mask, x, 0)")
        dtype = self.node.dtype
        harmless = dtype.numpy.type(_HARMLESS[dtype.family])
        node, _ = apply_where(self.builder, whole, self, harmless, dtype)
        self.builder.taken.add(node)
        row = self.known_shape[len(mask.known_shape) :]
        result = self.result(node, (Chosen.by(mask.node), *row))
        result.state = OWNED
        return result

    def put_chosen(self, mask: Choosing, value: Any) -> None:
        """Assign to the elements, or to the rows, that a mask chooses, `x[mask] = value`."""
        whole_mask = self._whole_mask(mask, "x = np.where(mask, value, x)")
        dtype, builder = self.node.dtype, self.builder
        count = Chosen.by(mask.node)
        row = self.known_shape[len(mask.known_shape) :]
        if is_array(value):
            value = adopted(builder, value)
        shape = value.known_shape if isinstance(value, Traced) else np.shape(value)
        if not _fits(shape, (count, *row)):
            raise builder.error(
                ShapeError,
                "only a number, a row, or elements that the same mask chooses can be assigned",
                seen=f"a value of shape {shape}",
                write="x[mask] = f(y[mask]), or x = np.where(mask, value, x)",
            )
        whole = value
        is_of_mask = is_chosen(shape)
        if is_of_mask:
            own = (*mask.known_shape, *shape[1:])
            whole = Traced(builder, value.node, own)
        elif not isinstance(value, Traced):
            whole = Traced(builder, number_assigned(builder, value, dtype), ())
        node, _ = apply_where(builder, whole_mask, whole, self, dtype)
        if is_of_mask:
            builder.put.add(node)
        self.set_value(node)

    def set_value(self, node: Node) -> None:
        """Give all elements other values, of the same dtype."""
        raise NotImplementedError

    def _whole_mask(self, mask: Choosing, write: str) -> Traced:
        """Return a mask as one of all elements: one of rows has new axes at its end."""
        shape = mask.known_shape
        if shape != self.known_shape[: len(shape)] or is_chosen(self.known_shape):
            raise self.unsupported(
                f"a mask of shape {shape} for an array of {self.known_shape} cannot be traced",
                write,
            )
        rest = len(self.known_shape) - len(shape)
        if not rest:
            return mask
        step = Index.of((*[slice(None)] * len(shape), *[None] * rest))
        return Traced(self.builder, *move(self.builder, mask.node, shape, step))


def _fits(shape: Shape, rows: Shape) -> bool:
    """Tell whether a value can be assigned to what a mask chooses, which has this shape."""
    lead = len(rows) - len(shape)
    return lead >= 0 and all(
        extent == wide or (extent == 1 and type(extent) is not Chosen and at + lead > 0)
        for at, (extent, wide) in enumerate(zip(shape, rows[lead:], strict=True))
    )


def moved_chosen(shape: Shape, step: Movement) -> Shape | None:
    """Return the shape of a view of elements that a mask chooses, if it has all of them.

    >>> shape = (Chosen.by(None),)
    >>> moved_chosen(shape, Index.of((slice(None), None))), moved_chosen(shape, Index.of((0,)))
    ((chosen, 1), None)
    """
    if not isinstance(step, Index):
        return None
    left: list[int] = []
    rest = list(shape)
    for item in step.items:
        if item is None:
            left.append(1)
        elif type(rest[0]) is Chosen:
            if item != slice(None):
                return None
            left.append(rest.pop(0))
        elif isinstance(item, slice):
            left.append(len(range(*item.indices(rest.pop(0)))))
        else:
            rest.pop(0)
    return *left, *rest
