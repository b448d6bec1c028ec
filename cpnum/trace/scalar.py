"""The tracer of Python scalars, with which NumPy computes in the dtype of the other operand.

>>> from cpnum.tables.dtypes import INT
>>> from cpnum.trace.builder import Builder, type_of
>>> from cpnum.trace.tracer import SCALAR
>>> builder = Builder()
>>> n = WeakTracer(builder, builder.argument("n", INT, ()), (), SCALAR)
>>> type_of(n + 1), type_of(n / 2), type_of(np.sqrt(n))
('int', 'float', 'f64')
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from cpnum.ir.nodes import Node
from cpnum.ir.questions import VALUE
from cpnum.tables.dtypes import FLOAT, from_python
from cpnum.trace.array import Tracer
from cpnum.trace.builder import Shape
from cpnum.trace.looking import look
from cpnum.trace.made import adopted, is_array
from cpnum.trace.tracer import AnyTracer, between_scalars, named
from cpnum.trace.ufuncs import apply_python, trace_ufunc

# The methods of operators, as they stand in the class, and Python's own functions for them.
Unary = Callable[["WeakTracer"], "WeakTracer"]
Binary = Callable[["WeakTracer", object], AnyTracer]
Function = Callable[..., Any]


def _unary(name: str, function: Function) -> Unary:
    """Return the method of an operator of one operand, as -n."""

    def method(self: WeakTracer) -> WeakTracer:
        return self.on_host(function, self)

    return named(method, "WeakTracer", name)


# Python repeats a sequence, and finds a number to be unequal, without its methods.
_NO_NUMBERS = (str, bytes, tuple, list, dict, set, frozenset, type(None))


def _binary(name: str, function: Function, ufunc: np.ufunc, swapped: bool = False) -> Binary:
    """Return the method of an operator, as n + y; of the reflected one, y + n, if `swapped`.

    Python computes if both operands are Python scalars, else NumPy.
    """

    def method(self: WeakTracer, other: object) -> Any:
        if is_array(other):
            other = adopted(self.builder, other)
        operands = (other, self) if swapped else (self, other)
        if isinstance(other, _NO_NUMBERS):
            return NotImplemented
        if isinstance(other, WeakTracer) or from_python(other) is not None:
            return self.on_host(function, *operands)
        result = self.result(*trace_ufunc(self.builder, ufunc, operands))
        return between_scalars(result, other, self)

    return named(method, "WeakTracer", name)


def _operators(name: str, function: Function, ufunc: np.ufunc) -> tuple[Binary, Binary]:
    """Return the two methods of an operator: n + y, and the reflected y + n."""
    return _binary(name, function, ufunc), _binary(f"r{name}", function, ufunc, swapped=True)


class WeakTracer(AnyTracer):
    """A Python scalar whose value is not known; Python computes with it and other scalars."""

    __slots__ = ()

    def result(self, node: Node, shape: Shape) -> Tracer:
        """Return the tracer of the outcome of a NumPy function."""
        return Tracer(self.builder, node, shape)

    def on_host(self, function: Function, *operands: object) -> WeakTracer:
        """Return the outcome of a function of Python scalars, which Python calls at each call."""
        return WeakTracer(self.builder, apply_python(self.builder, function, *operands), ())

    # -- operators ------------------------------------------------------------------------------

    __add__, __radd__ = _operators("add", operator.add, np.add)
    __sub__, __rsub__ = _operators("sub", operator.sub, np.subtract)
    __mul__, __rmul__ = _operators("mul", operator.mul, np.multiply)
    __truediv__, __rtruediv__ = _operators("truediv", operator.truediv, np.divide)
    __floordiv__, __rfloordiv__ = _operators("floordiv", operator.floordiv, np.floor_divide)
    __mod__, __rmod__ = _operators("mod", operator.mod, np.remainder)
    _power, __rpow__ = _operators("pow", operator.pow, np.power)
    __and__, __rand__ = _operators("and", operator.and_, np.bitwise_and)
    __or__, __ror__ = _operators("or", operator.or_, np.bitwise_or)
    __xor__, __rxor__ = _operators("xor", operator.xor, np.bitwise_xor)
    __lshift__, __rlshift__ = _operators("lshift", operator.lshift, np.left_shift)
    __rshift__, __rrshift__ = _operators("rshift", operator.rshift, np.right_shift)
    __eq__ = _binary("eq", operator.eq, np.equal)  # type: ignore[assignment]
    __ne__ = _binary("ne", operator.ne, np.not_equal)  # type: ignore[assignment]
    __lt__ = _binary("lt", operator.lt, np.less)
    __le__ = _binary("le", operator.le, np.less_equal)
    __gt__ = _binary("gt", operator.gt, np.greater)
    __ge__ = _binary("ge", operator.ge, np.greater_equal)
    __neg__ = _unary("neg", operator.neg)
    __pos__ = _unary("pos", operator.pos)
    __abs__ = _unary("abs", operator.abs)
    __invert__ = _unary("invert", operator.invert)

    __hash__ = AnyTracer.__hash__  # or `__eq__` would leave none

    def __pow__(self, exponent: object, modulus: object = None) -> Any:
        if modulus is not None:
            return pow(look(self, VALUE), exponent, modulus)
        return self._power(exponent)

    def __round__(self, digits: object = None) -> WeakTracer:
        return self.on_host(round, self) if digits is None else self.on_host(round, self, digits)

    def __divmod__(self, other: Any) -> tuple[Any, ...]:
        if isinstance(other, WeakTracer) or from_python(other) is not None:
            return self // other, self % other
        return self.divided((self, other), other, self)

    def __rdivmod__(self, other: Any) -> tuple[Any, ...]:
        if from_python(other) is not None:
            return other // self, other % self
        return self.divided((other, self), other, self)

    # -- attributes ----------------------------------------------------------------------------

    @property
    def real(self) -> WeakTracer:
        """The value itself; of a bool, the int that +n is."""
        return +self

    @property
    def imag(self) -> float:
        """Zero: there are no complex numbers."""
        return 0.0 if self.node.dtype is FLOAT else 0

    def __copy__(self) -> WeakTracer:
        return self

    def __deepcopy__(self, memo: object) -> WeakTracer:
        return self

    def conjugate(self) -> WeakTracer:
        """Return the value: there are no complex numbers."""
        return self.real

    def __getattr__(self, name: str) -> Any:
        kind = self.node.dtype.scalar
        if name.startswith("__") or not hasattr(kind, name):
            raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")
        return getattr(look(self, VALUE), name)
