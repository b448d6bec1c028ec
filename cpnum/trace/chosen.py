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
from cpnum.ir.nodes import Node
from cpnum.tables.dtypes import B
from cpnum.trace.builder import Shape, Traced
from cpnum.trace.tracer import OWNED, AnyTracer
from cpnum.trace.ufuncs import apply_where, assigned

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
        """Return the elements that a mask chooses, `x[mask]`, as an array of its own."""
        self._check(mask, "np.where(mask, x, 0)")
        dtype = self.node.dtype
        harmless = dtype.numpy.type(_HARMLESS[dtype.family])
        node, _ = apply_where(self.builder, mask, self, harmless, dtype)
        self.builder.taken.add(node)
        result = self.result(node, (Chosen.by(mask.node),))
        result.state = OWNED
        return result

    def put_chosen(self, mask: Choosing, value: Any) -> None:
        """Assign to the elements that a mask chooses, `x[mask] = value`."""
        self._check(mask, "x = np.where(mask, value, x)")
        dtype = self.node.dtype
        count = Chosen.by(mask.node)
        shape = value.known_shape if isinstance(value, Traced) else np.shape(value)
        if shape not in ((), (count,)):
            raise self.builder.error(
                ShapeError,
                "only a number, or elements that the same mask chooses, can be assigned",
                seen=f"a value of shape {shape}",
                write="x[mask] = f(y[mask]), or x = np.where(mask, value, x)",
            )
        whole = value
        if shape:
            whole = Traced(self.builder, value.node, self.known_shape)
        elif not isinstance(value, Traced) and not isinstance(value, int | float):
            whole = self.builder.attempt(assigned, value, dtype)
        node, _ = apply_where(self.builder, mask, whole, self, dtype)
        if shape:
            self.builder.put.add(node)
        self.set_value(node)

    def set_value(self, node: Node) -> None:
        """Give all elements other values, of the same dtype."""
        raise NotImplementedError

    def _check(self, mask: Choosing, write: str) -> None:
        if mask.known_shape != self.known_shape or is_chosen(self.known_shape):
            raise self.unsupported(
                f"a mask of shape {mask.known_shape} for an array of {self.known_shape} "
                "cannot be traced",
                write,
            )
