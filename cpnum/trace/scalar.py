"""The tracer of Python scalars, with which NumPy computes in the dtype of the others."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NoReturn

from cpnum.errors import UnsupportedError
from cpnum.tables.dtypes import BOOL, FLOAT, INT, from_python
from cpnum.trace.builder import Recording
from cpnum.trace.site import user_site
from cpnum.trace.tracer import Traced
from cpnum.trace.ufuncs import Operand, dtype_of


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
        return on_host(self.recording, operator.pos, self)

    def __copy__(self) -> WeakTracer:
        return self

    def __deepcopy__(self, memo: object) -> WeakTracer:
        return self

    def conjugate(self) -> WeakTracer:
        """Return the value: there are no complex numbers."""
        return self.real

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        kind = self.node.dtype.scalar
        if not hasattr(kind, name):
            raise AttributeError(f"{kind.__name__!r} object has no attribute {name!r}")
        raise self.unsupported(
            f"{name} of a Python {kind.__name__} cannot be traced", "it outside of the function"
        )


_SAMPLES = {FLOAT: 1.0, INT: 1, BOOL: True}


def on_host(recording: Recording, function: Callable[..., Any], *inputs: Any) -> WeakTracer:
    """Write down an operator of Python's on its scalars, which is computed at each call."""
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
