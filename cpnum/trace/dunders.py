"""The operators of tracers, by which `x + y` is written down."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from cpnum.tables.dtypes import from_python
from cpnum.trace.array import Tracer
from cpnum.trace.scalar import WeakTracer, on_host
from cpnum.trace.tracer import SCALAR
from cpnum.trace.ufuncs import binary, note_scalars, power, unary, universal

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
        return power(self.recording, self, other, operator=True)

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
        return on_host(self.recording, function, self)

    _define(WeakTracer, name, forward if ufunc.nin == 2 else change)
    _define(WeakTracer, f"r{name}", backward)


def _between(
    function: Callable[..., Any], ufunc: np.ufunc, self: WeakTracer, left: Any, right: Any
) -> Any:
    """Let Python compute if both sides are Python scalars, else NumPy."""
    other = right if left is self else left
    if isinstance(other, WeakTracer) or from_python(other) is not None:
        return on_host(self.recording, function, left, right)
    return note_scalars(universal(self.recording, ufunc, (left, right)), other, self)


for _name, _function, _ufunc in _BINARY:
    _array_operators(_name, _ufunc)
for _name, _function, _ufunc in (*_COMPARISONS, *_UNARY):
    _array_operator(_name, _ufunc)
for _name, _function, _ufunc in (*_BINARY, *_COMPARISONS, *_UNARY):
    _python_operators(_name, _function, _ufunc)
