"""Rows of the tables of plain words, and the instructions that they are said about.

A row says in words what all instructions of one stem do, such as all additions of vectors.  The
words have names in braces:

    {a} {b} {c} {d}      the operands, in the order of the instruction
    {number}             the last operand; a number is decimal
    {first} {second}     what the suffix means: the type of a lane; the type before a conversion
    {shape}              ", in 4 lanes of float64"; nothing for a scalar
    {lanes}              the same, and where
    {masked}             the same if there is a mask, or nothing
    {bits}               the same if there is a mask, or ", bit by bit"
    {converted}          ", float32 to float64, in 4 lanes", and where
    {count} {where}      the number of lanes; " where k1 is set" if there is a mask
    {amount}             how much is moved from or to memory, such as "4 float64" or "32 bytes"
    {address} {after}    where that is; what happens to the address then
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

Choice: TypeAlias = "Callable[[Instruction], str]"
Words: TypeAlias = "str | Choice"


class Row(NamedTuple):
    """The words for instructions of one stem and suffix, and what the suffix means."""

    stem: str
    words: Words
    suffix: tuple[str, ...]


def rows(
    suffixes: Mapping[str, str | tuple[str, ...]], words: Mapping[str, Words]
) -> dict[str, Row]:
    """Return a row for each stem with each suffix, by mnemonic.

    >>> list(rows({"pd": "float64", "ps": "float32"}, {"vadd": "{a} = {b} + {c}{lanes}"}))
    ['vaddpd', 'vaddps']
    """
    return {
        stem + suffix: Row(stem, text, (meaning,) if isinstance(meaning, str) else meaning)
        for stem, text in words.items()
        for suffix, meaning in suffixes.items()
    }


@dataclass(frozen=True, slots=True)
class Operand:
    """An operand; `text` stands for it in words.

    `size` is its bytes, and `lane` the bytes of each of its lanes, if it is a vector.  Memory has
    an `address`; `once` says that one value in memory is for all lanes.  An immediate has a
    `number`, in which a shift by `shift` is contained.
    """

    text: str
    size: int = 0
    lane: int = 0
    address: str = ""
    once: bool = False
    number: int | None = None
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction with its row; `types` are those of its lanes, or what else its suffix means.

    >>> row = Row("vadd", "{a} = {b} + {c}{lanes}", ("float64",))
    >>> operands = tuple(Operand(f"ymm{each}", 32, 8) for each in range(3))
    >>> Instruction(row, operands, ("float64",), count=4).words()
    'ymm0 = ymm1 + ymm2, in 4 lanes of float64'
    """

    row: Row
    operands: tuple[Operand, ...]
    types: tuple[str, ...]
    count: int = 0
    amount: str = ""
    mask: str = ""
    zeroing: bool = False
    after: str = ""

    @property
    def memory(self) -> Operand | None:
        """Return the operand in memory, if there is one."""
        return next((each for each in self.operands if each.address), None)

    @property
    def repeats(self) -> bool:
        """Tell whether the last two operands are the same."""
        return self.operands[-1] == self.operands[-2]

    @property
    def constant(self) -> int:
        """Return the last operand, an immediate."""
        number = self.operands[-1].number
        assert number is not None
        return number

    def words(self) -> str:
        """Return the words of the row, with the operands of this instruction."""
        words = self.row.words
        where = f" where {self.mask} is set" if self.mask else ""
        where += ", else 0" if self.mask and self.zeroing else ""
        first, second, *_ = (*self.types, "", "")
        memory = self.memory
        shape = f", in {self.count} lanes of {first}" if self.count else ""
        if memory and memory.once:
            shape = f", one {first} for {self.count} lanes"
        lanes = shape + where if shape else ""
        last = self.operands[-1] if self.operands else Operand("")
        many = f", in {self.count} lanes" if self.count else ""
        names = {
            "number": last.text if last.number is None else last.number,
            "first": first,
            "second": second,
            "shape": shape,
            "lanes": lanes,
            "masked": lanes if self.mask else "",
            "bits": lanes if self.mask or (memory and memory.once) else ", bit by bit",
            "converted": f", {second} to {first}{many}{where}",
            "count": self.count,
            "where": where,
            "amount": self.amount,
            "address": memory.address if memory else "",
            "after": self.after,
        }
        names |= zip("abcd", (each.text for each in self.operands), strict=False)
        return (words if isinstance(words, str) else words(self)).format_map(names)


# With a NaN, all but != are false.
COMPARISONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def same(words: str, otherwise: str) -> Choice:
    """Choose words by whether the last two operands are one register, as in xor eax, eax."""
    return lambda instruction: words if instruction.repeats else otherwise


def moved(value: str, otherwise: str = "{masked}") -> Choice:
    """Choose the words of a move: a load, a store, or between registers.

    >>> row = Row("vmovu", moved("{b}"), ("float64",))
    >>> memory = Operand("memory[rdi]", 32, address="rdi")
    >>> Instruction(row, (Operand("ymm1", 32, 8), memory), ("float64",), 4, "4 float64").words()
    'load 4 float64 from memory at rdi into ymm1'
    """

    def choose(instruction: Instruction) -> str:
        first, second, *_ = instruction.operands
        if first.address:
            return f"store {{amount}} from {value} to memory at {{address}}{{where}}"
        if second.address:
            return "load {amount} from memory at {address} into {a}{where}"
        return f"{{a}} = {value}{otherwise}"

    return choose


def repeated(value: str) -> Choice:
    """Choose the words for a register whose value becomes that of all lanes."""

    def choose(instruction: Instruction) -> str:
        first, second, *_ = instruction.operands
        low = "the low bits of " if not second.lane and second.size > first.lane else ""
        return f"{{a}} = {low}{value}{{lanes}}"

    return choose
