"""Instances: stencils with their registers and the values in their holes.

`select` makes instances with virtual registers (`v3`), `assign` makes instances with physical ones
(`r3`).  Both are printed alike, results first and temporaries in parentheses:

    r15 r14 = sincos_f64 r31 (r16-r30)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from cpnum.pack.stencil import Stencil
from cpnum.remembered import Remembered
from cpnum.tables.block import Hole


class Immediate(NamedTuple):
    """A word that a bound kernel has in its code, by its offset in the argument block."""

    offset: int


# The value of a hole: a number, a label, the bytes of a constant, or a word of the call.
Value = int | str | bytes | Immediate
Values = dict[Hole, Value]

NO_VALUES: Values = {}


class Tail(NamedTuple):
    """The stencil of a load or store in a tail, and the values in its holes."""

    stencil: Stencil
    values: Values


class _Fields(NamedTuple):
    stencil: Stencil
    operands: tuple[int, ...] = ()
    results: tuple[int, ...] = ()
    temporaries: tuple[int, ...] = ()
    pointer: int | None = None
    values: Values = NO_VALUES
    source: object = ""
    tail: Tail | None = None


class Instance(_Fields):
    """A stencil with its registers and the values in its holes.

    `operands`, `results` and `temporaries` are vector registers; `pointer` is the general register
    of an array's pointer.  Temporaries are physical registers only.  `source` is the user's name
    for the array or constant: `x[1:]`, `out`, `0.5`.  `tail` replaces a load or store in a tail.
    """

    __slots__ = ()

    # By identity: an instance of many kernels is one object, which `emit` patches once.
    __eq__ = object.__eq__
    __ne__ = object.__ne__
    __hash__ = object.__hash__

    @property
    def registers(self) -> tuple[int, ...]:
        """The registers in the order of the stencil's holes: a tied result is the last operand."""
        results = () if self.stencil.tied else self.results
        return (*self.operands, *results, *self.temporaries)

    def text(self, letter: str) -> str:
        """Return the instance as it is printed, its registers with this letter."""
        parts = [f"{letter}{each}" for each in self.results]
        if parts:
            parts.append("=")
        parts += [self.stencil.name, *(f"{letter}{each}" for each in self.operands)]
        if self.pointer is not None:
            parts.append(f"p{self.pointer}")
        parts += [f"{hole}={value_text(value)}" for hole, value in self.values.items()]
        if self.temporaries:
            parts.append(f"({', '.join(_ranges(letter, self.temporaries))})")
        return " ".join(parts)

    def __str__(self) -> str:
        return self.text("r")


def runs(numbers: Iterable[int]) -> list[list[int]]:
    """Split ascending numbers into runs of neighbours.

    >>> runs([3, 4, 8, 9, 10])
    [[3, 4], [8, 9, 10]]
    """
    found: list[list[int]] = []
    for number in numbers:
        if not found or found[-1][-1] + 1 != number:
            found.append([])
        found[-1].append(number)
    return found


def _ranges(letter: str, registers: Sequence[int]) -> Iterator[str]:
    """Yield registers as they are printed, neighbours as a range.

    >>> list(_ranges("r", (5, 16, 17, 18)))
    ['r5', 'r16-r18']
    """
    for run in runs(sorted(registers)):
        first, last = run[0], run[-1]
        yield f"{letter}{first}" if first == last else f"{letter}{first}-{letter}{last}"


def value_text(value: Value) -> str:
    """Return a value as it is printed."""
    match value:
        case bytes():
            return f"0x{int.from_bytes(value, 'little'):x}"
        case Immediate(offset):
            return f"call+{offset}"
        case _:
            return str(value)


class Label(NamedTuple):
    """A target of jumps."""

    name: str

    def __str__(self) -> str:
        return f"{self.name}:"


Item = Instance | Label


class BasicBlock(NamedTuple):
    """A straight line of instances.

    A basic block of the `skeleton` uses no vector registers, so its instances are final.  A `tail`
    has the items of the last vector loop, so that the same registers serve both; `assign` replaces
    its loads and stores.  A `folding` one makes and joins accumulators.
    """

    items: Sequence[Item]
    skeleton: bool = False
    tail: bool = False
    folding: bool = False


# Makes an Instance of all its fields.  The class itself calls a Python function, which takes three
# times as long, and a kernel has dozens of instances.
new_instance = tuple.__new__

# Instances that stand in many kernels, by their fields; see `shared`.  Each has 0.8 KB on average,
# all of them 12 MB.
SHARED: Remembered[tuple[object, ...], Instance] = Remembered()
SHARED.most = 1 << 14


def shared(
    stencil: Stencil,
    operands: tuple[int, ...] = (),
    results: tuple[int, ...] = (),
    temporaries: tuple[int, ...] = (),
    pointer: int | None = None,
    values: Values = NO_VALUES,
    source: object = "",
) -> Instance:
    """Return an instance that stands in many kernels, the same object each time.

    Makers, spills and reloads hardly come again, so they are not shared.
    """
    key: tuple[object, ...]
    if pointer is None:
        key = (stencil, operands, results, temporaries)
        assert not values
    else:
        key = (stencil, operands, results, temporaries, pointer, source, *values.items())
    instance = SHARED.get(key)
    if instance is None:
        made = Instance(stencil, operands, results, temporaries, pointer, values, source)
        instance = SHARED.remember(key, made)
    return instance
