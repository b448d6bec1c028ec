"""The holes of stencils: bits of machine code that are filled in when a stencil is copied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from cpnum.tables.block import Hole

Role = Literal["input", "result", "temporary"]


class RegisterHole(NamedTuple):
    """A vector register that is chosen when the stencil is copied.

    `masks[k]` is the XOR that flips bit k of the register's number.

    >>> hole = RegisterHole("input", masks=(1 << 5, 1 << 6))
    >>> hole.xor(3)
    96
    """

    role: Role
    masks: tuple[int, ...]

    def xor(self, register: int) -> int:
        """Return the XOR that puts `register` into the hole."""
        code = 0
        for mask in self.masks:
            if register & 1:
                code ^= mask
            register >>= 1
        return code


class Field(NamedTuple):
    """Bits of an instruction that hold bits of a value.

    Analogous to a relocation: `width` bits of (value + addend) >> `shift` go to bit `at` of the
    stencil's code.  A relative field holds its value's distance from the byte `origin`.
    """

    at: int
    width: int
    shift: int = 0
    addend: int = 0
    relative: bool = False
    origin: int = 0
    checked: bool = True

    def encode(self, value: int) -> int:
        """Return the bits of `value` in place.

        Raises:  OverflowError if the value does not fit.

        >>> Field(at=8, width=8).encode(3)
        768
        """
        value = (value + self.addend) >> self.shift
        if self.checked and not -(1 << (self.width - 1)) <= value < 1 << self.width:
            raise OverflowError(f"{value} does not fit a hole of {self.width} bits")
        return (value & ((1 << self.width) - 1)) << self.at


class ValueHole(NamedTuple):
    """A hole for a value: `symbol` says which value, `fields` say where it goes.

    `constant`, if any, is the bytes that clang put into .rodata; they go to the kernel's pool, at
    a multiple of `align`, and the value is their address.

    `linear`, if all fields are distances of 32 bits, are two numbers: a distance d > 0 from the
    stencil goes into all fields at once as d * linear[0] + linear[1], since no field overflows into
    the next.  The 20 constants of an elementary function take a tenth of the time so.  `plain` is
    the bit of the only field, if the field is a number of 32 bits.
    """

    symbol: Hole
    fields: tuple[Field, ...]
    constant: bytes | None = None
    align: int = 1
    linear: tuple[int, int] | None = None
    plain: int | None = None

    def encode(self, value: int) -> int:
        """Return the bits of a value, or of its distance from the stencil, in all fields.

        >>> hex(ValueHole(Hole.HEAD, (Field(0, 8, relative=True, origin=1),)).encode(0x10))
        '0xf'
        """
        code = 0
        for field in self.fields:
            code |= field.encode(value - field.origin if field.relative else value)
        return code


def bytes_of(fields: Iterable[Field]) -> list[int]:
    """Return the byte offsets in a stencil that a value in these fields changes.

    >>> bytes_of([Field(at=8, width=16)])
    [1, 2]
    """
    return sorted(
        {
            at
            for field in fields
            for at in range(field.at // 8, (field.at + field.width - 1) // 8 + 1)
        }
    )
