"""Random arguments that are views of memories, which they may share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from cases import special

from cpnum.tables.dtypes import from_numpy

Shape = tuple[int, ...]
# What a parameter that is an array gets.
Parameter = tuple[np.dtype, Shape]
# Parameters that are Python numbers, by their names, and what they get.
NUMBERS: dict[str, tuple[str, ...]] = {
    "n": ("2", "1", "3", "0", "2", "-1", "True"),
    "s": ("0.5", "2.0", "-1.5", "0.0"),
}


class Choices:
    """Choices that bytes make one after another; behind their end, the first option is taken.

    >>> chosen = Choices(bytes([5, 1]))
    >>> chosen.of("abc"), chosen.below(10), chosen.of("abc")
    ('c', 1, 'a')
    """

    def __init__(self, numbers: bytes) -> None:
        self._numbers = iter(numbers)

    def below(self, count: int) -> int:
        return next(self._numbers, 0) % count

    def of(self, options: Sequence[Any]) -> Any:
        return options[self.below(len(options))]

    def once_in(self, count: int) -> bool:
        return self.below(count) == count - 1


@dataclass(frozen=True)
class Memory:
    """An array that arguments are views of."""

    contents: np.ndarray
    order: str = "C"
    is_misaligned: bool = False

    def made(self) -> np.ndarray:
        """Return a new array of these contents, which owns its bytes if they are aligned."""
        shape, dtype = self.contents.shape, self.contents.dtype
        if self.is_misaligned:
            raw = np.zeros(self.contents.nbytes + 1, np.uint8)
            array = np.ndarray(shape, dtype, raw, 1, order=self.order)
        else:
            array = np.empty(shape, dtype, self.order)
        array[...] = self.contents
        return array

    def __str__(self) -> str:
        """Return an expression that makes the array, at an aligned address."""
        counted = np.arange(self.contents.size).reshape(self.contents.shape)
        if self.contents.dtype.kind != "b" and np.array_equal(counted, self.contents):
            text = f"np.arange({self.contents.size}).reshape({self.contents.shape})"
        else:
            text = str(self.contents.tolist())
        order = "" if self.order == "C" else ', order="F"'
        made = f'np.array({text}, "{self.contents.dtype}"{order})'
        return f"{made}  # misaligned" if self.is_misaligned else made


@dataclass(frozen=True)
class Arguments:
    """The arguments of a call: memories, and an expression for each parameter.

    An expression is a number, a view of a memory, or an earlier parameter.

    >>> memory = Memory(np.arange(3))
    >>> one = Arguments((memory,), {"a": "memory0[1:]", "b": "memory0[:-1]", "n": "2"})
    >>> (given, (memory,)), (again, _) = one.made(), one.made()
    >>> given["a"][:] = given["n"]
    >>> memory, given["b"], again["b"]
    (array([0, 2, 2]), array([0, 2]), array([0, 1]))
    """

    memories: tuple[Memory, ...]
    given: Mapping[str, str]

    def made(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Return new arguments by name, and the memories that they share as before."""
        memories = {f"memory{at}": each.made() for at, each in enumerate(self.memories)}
        scope: dict[str, Any] = {"np": np, **memories}
        for name, text in self.given.items():
            scope[name] = eval(text, scope)
        return {name: scope[name] for name in self.given}, [*memories.values()]

    def __str__(self) -> str:
        lines = [f"memory{at} = {each}" for at, each in enumerate(self.memories)]
        return "\n".join([*lines, *(f"{name} = {text}" for name, text in self.given.items())])


# Slices, and the extent of which they leave n elements: n * factor + rest.
_SLICES = (
    (":", 1, 0), ("1:-1", 1, 2), ("::2", 2, 0), ("::-1", 1, 0), ("1:", 1, 1), ("::-2", 2, 0),
    ("1::3", 3, 0),
)  # fmt: skip
# Slices that leave n elements of an extent of n + 2.
_SHIFTED = ("1:-1", ":-2", "2:", "-2:0:-1", "2:", ":-2")


class _Laying:
    """Arguments while they are made."""

    def __init__(self, chosen: Choices) -> None:
        self._chosen = chosen
        self._kind = chosen.of((0, 1, 0, 2))
        self._chance = np.random.default_rng(chosen.below(256))
        self.memories: list[Memory] = []
        self.given: dict[str, str] = {}
        # The first views of memories that others may share; two elements are left on each axis.
        self._wide: dict[str, Parameter] = {}

    def apart(self, dtype: np.dtype, shape: Shape) -> str:
        """Return a view of a memory of its own."""
        chosen = self._chosen
        if chosen.once_in(16):
            axis = chosen.below(len(shape))
            own = (*shape[:axis], 1, *shape[axis + 1 :])
            return f"np.broadcast_to({self._memory(dtype, own)}, {shape})"
        if chosen.below(2) == 0:
            return self._memory(dtype, shape)
        is_transposed = len(shape) > 1 and chosen.once_in(3)
        rows = [chosen.of(_SLICES) for _ in shape]
        extents = zip(shape[::-1] if is_transposed else shape, rows, strict=True)
        parent = tuple(extent * factor + rest for extent, (_, factor, rest) in extents)
        text = f"{self._memory(dtype, parent)}[{', '.join(row[0] for row in rows)}]"
        return f"{text}.T" if is_transposed else text

    def shared(self, name: str, dtype: np.dtype, shape: Shape) -> str:
        """Return an earlier argument, or a view of its memory, if there is one that fits."""
        chosen = self._chosen
        fitting = [
            other
            for other, (own, extents) in self._wide.items()
            if own == dtype and extents[len(extents) - len(shape) :] == shape
        ]
        if not fitting:
            self._wide[name] = dtype, shape
            memory = self._memory(dtype, tuple(extent + 2 for extent in shape))
            return f"{memory}[{', '.join('1:-1' for _ in shape)}]"
        other = chosen.of(fitting)
        extents = self._wide[other][1]
        if extents == shape and chosen.below(3) == 0:
            return str(other)
        outer = [str(chosen.below(extent + 2)) for extent in extents[: len(extents) - len(shape)]]
        items = ", ".join([*outer, *(chosen.of(_SHIFTED) for _ in shape)])
        is_square = len(shape) > 1 and len(set(shape)) == 1
        text = f"{self.given[other].partition('[')[0]}[{items}]"
        return f"{text}.T" if is_square and chosen.once_in(3) else text

    def _memory(self, dtype: np.dtype, shape: Shape) -> str:
        """Add a memory and return its name."""
        order, is_misaligned = self._chosen.of("CCF"), self._chosen.once_in(24)
        self.memories.append(Memory(self._contents(dtype, shape), order, is_misaligned))
        return f"memory{len(self.memories) - 1}"

    def _contents(self, dtype: np.dtype, shape: Shape) -> np.ndarray:
        """Return numbers that are counted, small ones, or special ones among these."""
        if self._kind == 0:
            counted = np.arange(np.prod(shape, dtype=int)).reshape(shape)
            return (counted % 2 if dtype.kind == "b" else counted).astype(dtype)
        numbers = self._chance.integers(-9, 10, shape)
        values = {"b": numbers > 0, "f": numbers / 4}.get(dtype.kind, numbers)
        if self._kind == 2:
            among = self._chance.choice(special(from_numpy(dtype)), shape)
            values = np.where(self._chance.random(shape) < 0.2, among, values)
        return values.astype(dtype)


def laid_out(
    chosen: Choices, parameters: Mapping[str, Parameter | None], shared: Sequence[int]
) -> Arguments:
    """Return arguments for parameters; `shared` are the chances of 4 that they share memory."""
    chance = chosen.of(shared)
    laying = _Laying(chosen)
    for name, parameter in parameters.items():
        if parameter is None:
            laying.given[name] = chosen.of(NUMBERS[name])
        elif chosen.below(4) < chance:
            laying.given[name] = laying.shared(name, *parameter)
        else:
            laying.given[name] = laying.apart(*parameter)
    return Arguments(tuple(laying.memories), laying.given)
