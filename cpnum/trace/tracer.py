"""What all traced values have in common, and what needs a value, which they lack."""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from cpnum.errors import CpnumError, TraceError, UnsupportedError
from cpnum.ir.nodes import Input, Node
from cpnum.trace.builder import Recording, Shape
from cpnum.trace.site import user_frame

# Whether the memory of a value may be written to: only that of a value the function computed, and
# that nothing else sees.  A scalar has none: an operation in place makes another scalar.
OWNED, ARGUMENT, VIEW, VIEWED, SCALAR = "owned", "argument", "view", "viewed", "scalar"


class Traced:
    """The base of the tracers of arrays and of Python scalars."""

    __slots__ = ("_shape", "node", "recording", "state")

    def __init__(self, recording: Recording, node: Node, shape: Shape, state: str = OWNED) -> None:
        self.recording = recording
        self.node = node
        self._shape = shape
        self.state = SCALAR if not shape and state == OWNED else state

    @property
    def known_shape(self) -> Shape:
        """The shape, for cpnum's own use: looking does not make the graph depend on it."""
        return self._shape

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """What `isinstance` goes by: the class of what the value stands for."""
        if self.state == SCALAR:
            return self.node.dtype.scalar
        return np.ndarray

    # Equality is elementwise, so there is no hash, as for arrays.
    __hash__ = None  # type: ignore[assignment]

    def unsupported(self, message: str, write: str | None = None) -> CpnumError:
        """Return the error of a use that cannot be traced."""
        return self.recording.error(UnsupportedError, message, seen=repr(self), write=write)

    def needs_value(self, what: str, write: str) -> CpnumError:
        """Return the error of a use that needs the contents."""
        name, subject = self._names()
        return self.recording.error(
            TraceError,
            f"{what} needs a value, but {name} is being traced",
            seen=f"{subject} is {self!r}; its contents are not known while tracing",
            write=write,
        )

    def _names(self) -> tuple[str, str]:
        if isinstance(self.node, Input) and not self.node.movement:
            name = self.recording.parameters[self.node.parameter]
            return name, name
        for name, value in user_frame().f_locals.items():
            if value is self:
                return name, name
        return "its operand", "the operand"

    def __bool__(self) -> NoReturn:
        raise self.needs_value(
            "a truth value (`if`, `while`, `and`, `or`, `not`)",
            "np.where(condition, a, b) to choose; & | ~ for `and`, `or`, `not`",
        )

    def __float__(self) -> NoReturn:
        raise self.needs_value(
            "float()", "np.sin(x) for math.sin(x), and x.astype(float) for float(x)"
        )

    def __int__(self) -> NoReturn:
        raise self.needs_value("int()", "x.astype(int)")

    def __complex__(self) -> NoReturn:
        raise self.needs_value("complex()", "its use outside of the function: there are only reals")

    def __index__(self) -> NoReturn:
        raise self.needs_value(
            "an index or a range()", "a number, or an argument's shape: they are known"
        )

    def __contains__(self, value: object) -> NoReturn:
        raise self.needs_value("`in`", "x == value, which compares each element")

    def __matmul__(self, other: object) -> NoReturn:
        raise self.unsupported(
            "a matrix product (`@`) cannot be traced", "it outside of the function"
        )

    __rmatmul__ = __matmul__

    def __array__(self, dtype: object = None, copy: object = None) -> NoReturn:
        raise self.needs_value("an array to read", "x without np.asarray or np.array around it")
