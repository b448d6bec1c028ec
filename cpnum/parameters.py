"""The parameters of a function, and the arguments that a call has for them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from cpnum.errors import UnsupportedError
from cpnum.operations import FUNCTIONS

_VARIADIC = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


def arity(function: Callable[..., Any]) -> int:
    """Return how many positional arguments bind without a signature, -1 if that takes one.

    >>> arity(lambda x, y=1: x), arity(lambda x, *rest: x), arity(abs)
    (2, -1, -1)
    """
    code = getattr(function, "__code__", None)
    if code is None or code.co_kwonlyargcount or code.co_flags & _VARIADIC:
        return -1
    count: int = code.co_argcount
    return count


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Return what a function takes itself: what it wraps may take other arguments.

    Raises:  UnsupportedError if Python does not know.
    """
    for follow_wrapped in (False, True):
        try:
            return inspect.signature(function, follow_wrapped=follow_wrapped)
        except ValueError:
            continue  # a NumPy function has the signature of what it wraps only
    for known, traced in FUNCTIONS.items():
        if known is function:  # np.where, of which NumPy 2.3 does not tell
            return inspect.signature(traced)
    name = getattr(function, "__name__", type(function).__name__)
    raise UnsupportedError(
        f"Python does not know the parameters of {name}",
        seen=repr(function),
        write=f"a function that calls it: lambda x: {name}(x)",
    )


def refuse_out(name: str, signature: inspect.Signature) -> None:
    """Refuse a parameter `out`, which no argument would reach: `out=` is the array to write to.

    One that is None unless it is given means the same, in NumPy's functions as well.
    """
    parameter = signature.parameters.get("out")
    if parameter is None or parameter.default is None:
        return
    if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        raise UnsupportedError(
            "a parameter cannot be called `out`: that is the array a compiled function writes to",
            seen=f"{name}{signature}",
            write="another name for the parameter",
        )


def bind(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    keywords: Mapping[str, Any],
    signature: inspect.Signature | None = None,
) -> tuple[tuple[str, ...], tuple[Any, ...], int]:
    """Return the parameters of a call, their arguments, and how many are positional.

    `signature` is that of the function, for callers that keep it.

    >>> bind(lambda x, *rest, n=2: x, (1, 5), {"n": 3})
    (('x', 'rest0', 'n'), (1, 5, 3), 2)
    """
    count = len(arguments)
    if not keywords and count == arity(function):
        # The plain case, which is that of nearly all calls, without the cost of a signature.
        names: tuple[str, ...] = function.__code__.co_varnames[:count]
        return names, tuple(arguments), count
    if isinstance(function, np.ufunc):
        if keywords:
            raise UnsupportedError(
                f"the argument {next(iter(keywords))} of numpy.{function.__name__} cannot be traced"
            )
        return tuple(f"x{i}" for i in range(count)), tuple(arguments), count
    # A default is left to the function: it is as constant as the function's code.
    bound = (signature or signature_of(function)).bind(*arguments, **keywords)
    unpacked: list[str] = []
    for name, parameter in bound.signature.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            unpacked += [f"{name}{i}" for i in range(len(bound.arguments.get(name, ())))]
        else:
            unpacked.append(name)
    positional = bound.args
    keyword = bound.kwargs
    return (
        (*unpacked[: len(positional)], *keyword),
        (*positional, *keyword.values()),
        len(positional),
    )
