"""The signature of a call: its parameters, each with the type of the argument.

A graph serves all calls of one signature: arrays of any shape with these dtypes, numbers of axes,
and extents that are 1; scalars of any value; and other objects that are equal to the ones given.

>>> from cpnum.tables.dtypes import F64, FLOAT
>>> print(text_of((Parameter("x", ArrayOf(F64, (None, 1))), Parameter("n", ScalarOf(FLOAT)))))
x: f64[:, 1], n: float
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cpnum.ir.containers import container_text

if TYPE_CHECKING:
    from cpnum.tables.dtypes import DType


class ArrayOf(NamedTuple):
    """An array; an extent is None if it may be any number but 1.

    An extent is a number above 1, or 0, if the function looked at the shape.
    """

    dtype: DType
    extents: tuple[int | None, ...]

    @property
    def is_scalar(self) -> bool:
        """Whether a kernel is given one value, not an address: an array without axes is."""
        return not self.extents

    def __str__(self) -> str:
        extents = [":" if extent is None else str(extent) for extent in self.extents]
        return f"{self.dtype}[{', '.join(extents)}]"


class ScalarOf(NamedTuple):
    """A NumPy scalar, or a Python scalar if the dtype is weak."""

    dtype: DType

    @property
    def is_scalar(self) -> bool:
        """Whether a kernel is given one value, not an address."""
        return True

    def __str__(self) -> str:
        return str(self.dtype)


class Fixed:
    """A fixed argument: no array and no number, but as constant as the function's code.

    `key` differs for any two objects that the function could tell apart.
    """

    __slots__ = ("key", "text")

    def __init__(self, key: Hashable, text: str) -> None:
        self.key: Final = key
        self.text: Final = text

    def __eq__(self, other: object) -> bool:
        return type(other) is Fixed and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def is_scalar(self) -> bool:
        """Whether a kernel is given one value, not an address; it is given none."""
        return True

    def __str__(self) -> str:
        return self.text


class SameAs(NamedTuple):
    """The argument for a parameter before it, once more: the function sees that both are one."""

    parameter: int
    name: str

    @property
    def is_scalar(self) -> bool:
        """Whether a kernel is given one value, not an address; it is given none."""
        return True

    def __str__(self) -> str:
        return f"same as {self.name}"


class ContainerOf(NamedTuple):
    """A container of arguments: its items are the arguments for parameters before it."""

    kind: type
    keys: tuple[Any, ...]
    items: tuple[int, ...]
    # 1 and True are equal keys, but have two texts.
    text: str

    @property
    def is_scalar(self) -> bool:
        """Whether a kernel is given one value, not an address; it is given none."""
        return True

    def __str__(self) -> str:
        return self.text


def container_of(
    kind: type, keys: tuple[Any, ...], items: tuple[int, ...], names: Sequence[str]
) -> ContainerOf:
    """Return the type of a container whose items are parameters of these names.

    >>> print(container_of(dict, ("u", "k"), (0, 1), ("d_u", "d_k")))
    {'u': d_u, 'k': d_k}
    """
    return ContainerOf(kind, keys, items, _written(kind, keys, names))


def _written(kind: type, keys: tuple[Any, ...], items: Sequence[str]) -> str:
    return container_text(kind, [*map(repr, keys)] if issubclass(kind, dict) else keys, items)


Type = ArrayOf | ScalarOf | Fixed | SameAs | ContainerOf


class Parameter(NamedTuple):
    """A parameter of the function and the type of its argument."""

    name: str
    type: Type

    def __str__(self) -> str:
        return f"{self.name}: {self.type}"


Signature = tuple[Parameter, ...]


def unused_name(signature: Iterable[Parameter], letter: str, first: int = 0) -> str:
    """Return the letter with the least number from `first` on that no parameter has as its name.

    >>> from cpnum.tables.dtypes import FLOAT
    >>> unused_name([Parameter("t0", ScalarOf(FLOAT))], "t")
    't1'
    """
    names = {each.name for each in signature}
    return next(
        name for number in itertools.count(first) if (name := f"{letter}{number}") not in names
    )


def text_of(signature: Iterable[Parameter]) -> str:
    """Return a signature as it stands at the head of a graph."""
    return ", ".join(map(str, signature))


def types_of(signature: Sequence[Parameter]) -> str:
    """Return the types of a signature, those of items inside of their containers.

    >>> from cpnum.tables.dtypes import FLOAT
    >>> number, pair = ScalarOf(FLOAT), container_of(list, (), (0, 1), ("t0", "t1"))
    >>> types_of((Parameter("t0", number), Parameter("t1", number), Parameter("t", pair)))
    '[float, float]'
    """
    texts: list[str] = []
    inside: set[int] = set()
    for _, of in signature:
        if isinstance(of, ContainerOf):
            inside.update(of.items)
            texts.append(_written(of.kind, of.keys, [texts[each] for each in of.items]))
        else:
            texts.append(str(of))
    return ", ".join(text for at, text in enumerate(texts) if at not in inside)
