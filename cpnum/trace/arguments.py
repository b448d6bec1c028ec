"""The arguments of a call, in the order of the function's parameters.

>>> arguments_of(lambda x, n=2: x, (1.5,), {"n": 5})[:3]
(('x', 'n'), (1.5, 5), 2)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from cpnum.errors import UnsupportedError
from cpnum.ir.signature import ContainerOf
from cpnum.trace.containers import has_container, taken_apart


class Arguments(NamedTuple):
    """The arguments of a call, in the order of its parameters, without defaults.

    The first `positional` arguments are passed by position, the others by name.  If there are
    `containers`, their items stand before them, `passed` are the places of what is passed, and
    `written` is how the function gets each.
    """

    names: tuple[str, ...]
    values: tuple[Any, ...]
    positional: int
    passed: tuple[int, ...] | None = None
    containers: Mapping[int, ContainerOf] = {}
    written: tuple[str, ...] = ()

    @property
    def places(self) -> Sequence[int]:
        """The places of the arguments that are passed, and are not items of others."""
        return range(len(self.values)) if self.passed is None else self.passed

    @property
    def names_of_keywords(self) -> tuple[str, ...]:
        """The names of the arguments that are passed by name."""
        if self.passed is None:
            return self.names[self.positional :]
        return tuple([self.names[each] for each in self.passed[self.positional :]])


def _arguments(names: tuple[str, ...], values: tuple[Any, ...], positional: int) -> Arguments:
    """Return the arguments of a call, with the items of those that are containers."""
    if not has_container(values):
        return Arguments(names, values, positional)
    taken = taken_apart(names, values)
    return Arguments(
        taken.names, taken.values, positional, taken.places, taken.containers, taken.written
    )


_VARIADIC = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


def arity(function: Callable[..., Any]) -> int:
    """Return the number of positional parameters, or -1 if only `inspect` can bind arguments.

    >>> arity(lambda x, y=1: x), arity(lambda x, *rest: x), arity(abs)
    (2, -1, -1)
    """
    code = getattr(function, "__code__", None)
    if code is None or code.co_kwonlyargcount or code.co_flags & _VARIADIC:
        return -1
    count: int = code.co_argcount
    return count


def python_signature(function: Callable[..., Any]) -> inspect.Signature:
    """Return the parameters of the function itself, not of a function that it wraps.

    Raises:  UnsupportedError if Python does not know them.
    """
    for follow_wrapped in (False, True):
        try:
            return inspect.signature(function, follow_wrapped=follow_wrapped)
        except ValueError:
            continue  # only the function inside of a NumPy function has a signature
    name = getattr(function, "__name__", type(function).__name__)
    raise UnsupportedError(
        f"Python does not know the parameters of {name}",
        seen=repr(function),
        write=f"a function that calls it: lambda x: {name}(x)",
    )


def refuse_out(name: str, signature: inspect.Signature) -> None:
    """Refuse a parameter `out`, which no argument would reach.

    A compiled function takes `out=` itself, as the array to write to.  The parameter `out=None` of
    NumPy's own functions means the same, so it is let through.
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


def arguments_of(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    keywords: Mapping[str, Any],
    signature: inspect.Signature | None = None,
) -> Arguments:
    """Return the arguments of a call in the order of its parameters.

    A caller that keeps the `python_signature` of the function passes it as `signature`.

    >>> arguments_of(lambda x, *rest, n=2: x, (1, 5), {"n": 3})[:3]
    (('x', 'rest0', 'n'), (1, 5, 3), 2)
    """
    count = len(arguments)
    if not keywords and count == arity(function):
        # Nearly all calls are so plain, and need no slow binding by `inspect`.
        names: tuple[str, ...] = function.__code__.co_varnames[:count]
        return _arguments(names, tuple(arguments), count)
    if isinstance(function, np.ufunc):
        if keywords:
            raise UnsupportedError(
                f"the argument {next(iter(keywords))} of numpy.{function.__name__} cannot be traced"
            )
        names = tuple(f"x{i}" for i in range(count))
        return _arguments(names, tuple(arguments), count)
    # The function fills in its own defaults, which are as constant as its code.
    bound = (signature or python_signature(function)).bind(*arguments, **keywords)
    unpacked: list[str] = []
    for name, parameter in bound.signature.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            unpacked += [f"{name}{i}" for i in range(len(bound.arguments.get(name, ())))]
        else:
            unpacked.append(name)
    positional = bound.args
    keyword = bound.kwargs
    return _arguments(
        (*unpacked[: len(positional)], *keyword),
        (*positional, *keyword.values()),
        len(positional),
    )


# Python shares some of the objects of these types.
_SHARED = frozenset([bool, int, float, complex, str, bytes, type(None)])


def repeats(values: Sequence[Any]) -> list[tuple[int, int]]:
    """Return the places of objects that came before, with their first places.

    Python's numbers and texts are left out: it depends on the value whether two are one object.

    >>> x = np.ones(3)
    >>> repeats((x, 2, x, 2, x))
    [(2, 0), (4, 0)]
    """
    identities = [*map(id, values)]
    if len({*identities}) == len(identities):
        return []
    first = map(identities.index, identities)
    return [
        (place, before)
        for place, before in enumerate(first)
        if place != before and type(values[place]) not in _SHARED
    ]
