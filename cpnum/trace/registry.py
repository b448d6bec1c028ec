"""The table of NumPy functions on traced values that are no ufuncs, and how a row is entered.

`FUNCTIONS` maps np.where to a function of tracers, which np.where(x, y, z) calls for a tracer x.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from cpnum.tables.dtypes import from_numpy
from cpnum.trace.array import Tracer
from cpnum.trace.tracer import OWNED, AnyTracer, UnknownArgumentError

# A NumPy function -> the function of tracers that stands for it; `traces` enters them.
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}

# The default of a parameter that NumPy's function has no value for.
UNSET: Any = object()

# NumPy, where its functions are called on tracers, and return tracers.
xp: Any = np

F = TypeVar("F", bound=Callable[..., Any])


def traces(*functions: Callable[..., Any]) -> Callable[[F], F]:
    """Enter the decorated function into the table; an argument that it lacks is refused by name."""

    def enter(traced: F) -> F:
        code = traced.__code__
        places = code.co_argcount
        names = code.co_varnames[: places + code.co_kwonlyargcount]
        variadic = code.co_flags & inspect.CO_VARARGS
        takes_any_name = code.co_flags & inspect.CO_VARKEYWORDS

        @functools.wraps(traced)
        def checked(*args: Any, **keywords: Any) -> Any:
            for name in keywords:
                if name not in names and not takes_any_name:
                    raise UnknownArgumentError(name)
            if len(args) > places and not variadic:
                raise UnknownArgumentError(f"number {places + 1}")
            return traced(*args, **keywords)

        for function in functions:
            FUNCTIONS[function] = checked
        return traced

    return enter


def first_tracer(*operands: object) -> AnyTracer:
    """Return the first operand that is a tracer."""
    return next(each for each in operands if isinstance(each, AnyTracer))


def as_array(operand: Any) -> Tracer:
    """Return an operand as an array: NumPy makes one without axes of a Python scalar."""
    if isinstance(operand, Tracer):
        return operand
    node = operand.builder.cast(operand.node, from_numpy(operand.node.dtype.numpy))
    return owned(Tracer(operand.builder, node, ()))


def owned(result: Tracer) -> Tracer:
    """Return a result that is an array of its own, even without axes."""
    result.state = OWNED
    result.builder.parts.pop(id(result), None)
    return result
