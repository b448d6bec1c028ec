"""Machine code in plain words, one instruction a line."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator

from cpnum.compile.emit import Line
from cpnum.learn.gluing import Glued
from cpnum.pack.disassembly import disassembled
from cpnum.show.listing import titled_rows
from cpnum.show.plain import plain
from cpnum.show.table import Table
from cpnum.tables.isa import Isa, choose


class Listing:
    """The instructions of some machine code; printed, or as the last value of a cell, they show."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def __len__(self) -> int:
        """Return the number of instructions."""
        return sum(len(row) > 1 for row in self.table.rows)

    def __repr__(self) -> str:
        return "\n".join(self.table.lines())

    def _repr_html_(self) -> str:
        return self.table.html()


def listing(code: bytes | Glued, isa: Isa | str | None = None) -> Listing:
    """Return the instructions of machine code, each with its bytes and plain words.

    Bytes are of an ISA level, by default of this processor.  Glued code has a line for each label
    and stencil.

    >>> listing(bytes.fromhex("b8 2a 00 00 00 c3"), "x86-64-v3")
      offset  bytes           assembly       in words
      0x0000  b8 2a 00 00 00  mov eax, 0x2a  eax = 0x2a
      0x0005  c3              ret            return
    """
    rows: Iterable[tuple[str, ...]]
    if isinstance(code, Glued):
        rows = _of_glued(code)
    else:
        level = isa if isinstance(isa, Isa) else choose(isa)
        rows = _rows(code, 0, level.architecture if level else platform.machine())
    return Listing(Table("Code", ("offset", "bytes", "assembly", "in words"), tuple(rows)))


def _rows(data: bytes, offset: int, architecture: str) -> Iterator[tuple[str, ...]]:
    for instruction, text in disassembled(data, offset, architecture):
        yield f"{offset:#06x}", instruction.hex(" "), text, plain(text, architecture)
        offset += len(instruction)


def _of_glued(glued: Glued) -> list[tuple[str, ...]]:
    def rows(line: Line) -> Iterator[tuple[str, ...]]:
        data = glued.data[line.offset : line.offset + line.instance.stencil.size]
        return _rows(data, line.offset, glued.isa.architecture)

    return titled_rows(glued.code, rows)
