"""Left-overs: tracers that the function kept, as in `self.last = y`, and that outlive their trace.

Nothing would be computed with them, since the graph is complete.  So each use of one is an error,
with the line where its value was computed.
"""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from cpnum.errors import TraceError
from cpnum.ir.nodes import Input, Node
from cpnum.ir.sites import Site, described
from cpnum.trace.array import Tracer
from cpnum.trace.builder import Builder, Traced, type_of
from cpnum.trace.site import at, error_site
from cpnum.trace.tracer import AnyTracer
from cpnum.trace.writing import alive


class LeftOver(AnyTracer):
    """A tracer whose trace has ended.

    >>> kept = []
    >>> from cpnum.trace.trace import trace
    >>> graph = trace(lambda x: kept.append(x) or x + 1, (np.ones(3),))
    >>> kept
    [<left over from the trace of <lambda>: f64[3], the argument x>]
    """

    __slots__ = ()

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """The class itself: a left-over stands for no array."""
        return LeftOver

    def __getattribute__(self, name: str) -> Any:
        # Debuggers and IPython ask any object for names with an underscore.  A method that was kept
        # asks for those of a tracer.
        if name.startswith("__") or (name.startswith("_") and not hasattr(Tracer, name)):
            return object.__getattribute__(self, name)
        raise _error(self)

    def __repr__(self) -> str:
        function, seen = _described(self)
        return f"<left over from the trace of {function}: {seen}>"

    __str__ = __repr__

    def __format__(self, form: str) -> str:
        return format(repr(self), form)


# The members of a tracer.  Python gives a left-over no others.
_MEMBERS: dict[str, Any] = {**vars(Traced), **vars(AnyTracer)}


def _described(left: LeftOver) -> tuple[str, str]:
    """Return the name of the function that was traced, and a text about the value."""
    function, text, origin = _MEMBERS["state"].__get__(left)
    if type(origin) is not str:
        origin = f"computed in {described(origin)}"
    return function, f"{text}, {origin}"


def _error(left: LeftOver) -> TraceError:
    function, seen = _described(left)
    error = TraceError(
        f"a value of {function} is used after {function} was traced: it has no contents",
        seen=seen,
        write=f"return and the value in {function}, and keep the result of its call",
    )
    return at(error, error_site())


def _refuse(left: LeftOver, *arguments: object, **keywords: object) -> NoReturn:
    raise _error(left)


# What Python, NumPy and debuggers ask of any object; nothing is computed by it.
_HARMLESS = frozenset(
    """__array_interface__ __array_priority__ __array_struct__ __class__ __class_getitem__
    __delattr__ __dir__ __doc__ __format__ __getattr__ __getattribute__ __getformat__ __init__
    __init_subclass__ __module__ __new__ __repr__ __setattr__ __sizeof__ __slots__ __str__
    __subclasshook__""".split()
)

for _name in {*dir(np.ndarray), *dir(np.float64), *dir(int), *dir(Tracer)} - _HARMLESS:
    if _name.startswith("__"):
        setattr(LeftOver, _name, _refuse)


# -- the end of a trace -------------------------------------------------------------------------


def end(builder: Builder, function: str) -> None:
    """End the trace of a function: the tracers that it kept become left-overs, without nodes."""
    kept, builder.tracers = alive(builder), []
    for tracer in kept:
        left = function, type_of(tracer), _origin(builder, tracer.node)
        _MEMBERS["state"].__set__(tracer, left)
        _CLASS.__set__(tracer, LeftOver)
        for name in ("builder", "node", "known_shape"):
            _MEMBERS[name].__delete__(tracer)


_CLASS: Any = vars(object)["__class__"]


def _origin(builder: Builder, node: Node) -> str | Site:
    """Return where a value is from: a site of the user's code, or an argument."""
    if isinstance(node, Input):
        name = builder.parameters[node.parameter]
        return f"a view of the argument {name}" if node.movement else f"the argument {name}"
    return builder.sites.get(node, "a constant")
