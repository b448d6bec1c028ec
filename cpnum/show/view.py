"""The view of a kernel: the user's lines, and the code that each of them became.

A view is data: `cpnum.show.pages` writes it as text and as HTML.
"""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType
from typing import NamedTuple

from cpnum.compile.emit import Line
from cpnum.compile.instances import NO_VALUES, Instance, Label
from cpnum.compile.kernel import Kernel
from cpnum.compile.origins import Origin, Part, origins
from cpnum.compile.pairs import SPILLS
from cpnum.ir.nodes import Node, operands
from cpnum.ir.sites import Location, file_name
from cpnum.pack.stencil import load
from cpnum.show.listing import Names, hole_rows, instruction_rows, pool_rows
from cpnum.show.plain import plain as plain_words

# Of a function that others call, so many lines are shown.
_LINES = 80


class Instruction(NamedTuple):
    """An instruction: offset, bytes with marks, assembly, meaning of its holes, plain words."""

    offset: str
    bytes: str
    assembly: str
    meaning: str
    words: str = ""


class HoleBytes(NamedTuple):
    """A hole: its offset and name, the bytes before and after patching, and what they mean."""

    offset: str
    name: str
    before: str
    after: str
    meaning: str


class Row(NamedTuple):
    """An instance of the code, with the user's line that it computes a part of.

    `live` are the rows from which to which its value is in a register.  `copies` are the offsets
    of the same stencil for the other interleaved vectors.
    """

    number: int
    location: Location | None
    label: str
    stencil: str
    value: str
    registers: str
    live: tuple[int, int] | None
    offset: int
    size: int
    copies: tuple[int, ...]
    instructions: tuple[Instruction, ...]
    holes: tuple[HoleBytes, ...]


class Section(NamedTuple):
    """A part of the code with its rows; see `cpnum.compile.origins.Part`."""

    title: str
    depth: int
    again: bool
    rows: tuple[Row, ...]
    stencils: int
    size: int


class SourceLine(NamedTuple):
    """A line of the user's code, and the bytes of machine code that it became."""

    location: Location
    text: str
    size: int


class View(NamedTuple):
    """The user's lines, the sections of the code, and the constants behind it.

    `tags` are the names of the user's lines in the code: their numbers.
    """

    source: tuple[SourceLine, ...]
    sections: tuple[Section, ...]
    constants: tuple[Instruction, ...]
    tags: Mapping[Location, str]
    files: tuple[str, ...]


def view_of(
    kernel: Kernel,
    data: bytes,
    function: CodeType | None = None,
    *,
    raw: bool = False,
    plain: bool = False,
) -> View:
    """Return the view of a kernel whose code is `data`.

    The lines of the `function` are shown first, if it is given.  `raw` shows the addresses of
    arrays, `plain` plain words beside the instructions.
    """
    nest = kernel.loop_nest
    parts = origins(nest, kernel.instances, load(nest.isa), kernel.entry)
    maker = _Maker(kernel, data, raw=raw, plain=plain)
    sections = _with_live([maker.section(part) for part in parts], maker.used)
    source = _source(kernel, function, sections)
    files = list(dict.fromkeys(line.location[0] for line in source))
    tags = {
        line.location: (chr(ord("a") + files.index(line.location[0]) % 26) if files[1:] else "")
        + str(line.location[1])
        for line in source
    }
    constants = tuple(Instruction(*cells) for cells in pool_rows(kernel.code, data))
    return View(source, sections, constants, tags, tuple(map(file_name, files)))


# -- lines --------------------------------------------------------------------------------------


def locations(kernel: Kernel) -> dict[Node, Location]:
    """Return the user's line of each value: of a load or constant, that of its first use."""
    graph = kernel.graph
    found = graph.locations
    for node in graph.nodes:
        here = found.get(node)
        if here is not None:
            for each in operands(node):
                found.setdefault(each, here)
    return found


def _source(
    kernel: Kernel, function: CodeType | None, sections: Iterable[Section]
) -> tuple[SourceLine, ...]:
    """Return the lines of the functions that were traced, in the order of their first use."""
    sizes: dict[Location, int] = {}
    for section in sections:
        for row in section.rows:
            if row.location is not None:
                size = row.size * (1 + len(row.copies))
                sizes[row.location] = sizes.get(row.location, 0) + size
    codes = dict.fromkeys(code for code, _ in kernel.graph.sites.values())
    if function is not None:
        codes = {function: None, **codes}
    lines = dict.fromkeys(each for code in codes for each in _lines_of(code, sizes))
    lines |= dict.fromkeys(sizes)
    files = list(dict.fromkeys(filename for filename, _ in lines))
    return tuple(
        SourceLine(each, linecache.getline(*each).rstrip(), sizes.get(each, 0))
        for each in sorted(lines, key=lambda each: (files.index(each[0]), each[1]))
    )


def _lines_of(code: CodeType, sizes: Mapping[Location, int]) -> list[Location]:
    """Return the lines of a function; of a long one those that became code."""
    last = max((line for _, _, line in code.co_lines() if line), default=code.co_firstlineno)
    lines = [(code.co_filename, line) for line in range(code.co_firstlineno, last + 1)]
    return lines if len(lines) <= _LINES else [each for each in lines if each in sizes]


# -- sections -----------------------------------------------------------------------------------

# A row with the nodes that it makes and reads.
_Used = tuple[int, tuple[Node, ...], tuple[Node, ...]]


class _Maker:
    """Makes the sections of a view, whose rows have one numbering."""

    def __init__(self, kernel: Kernel, data: bytes, *, raw: bool, plain: bool) -> None:
        self.kernel = kernel
        self.data = data
        self.raw = raw
        self.plain = plain
        self.names = Names.of(kernel)
        self.values = kernel.graph.names
        self.locations = locations(kernel)
        self.lines: Iterator[Line] = iter(kernel.code.lines())
        self.numbers = itertools.count()
        self.used: list[_Used] = []
        self.labels: list[str] = []  # of the next row

    def section(self, part: Part) -> Section:
        rows: list[Row] = []
        first: dict[object, int] = {}  # the row of a stencil's first vector
        size = stencils = 0
        for origin in part.items:
            if type(origin.item) is Label:
                self.labels.append(origin.item.name)
                continue
            line = next(self.lines)
            size += line.instance.stencil.size
            stencils += 1
            key = line.instance.stencil, origin.makes, origin.reads, line.instance.source
            if origin.vector and key in first:
                row = rows[first[key]]
                rows[first[key]] = row._replace(copies=(*row.copies, line.offset))
                continue
            first[key] = len(rows)
            rows.append(self.row(origin, line))
        return Section(part.title, part.depth, part.again, tuple(rows), stencils, size)

    def row(self, origin: Origin, line: Line) -> Row:
        instance = line.instance
        node = next(iter((*origin.makes, *origin.reads)), None)
        number = next(self.numbers)
        self.used.append((number, origin.makes, origin.reads))
        label = " ".join(self.labels)
        self.labels.clear()
        return Row(
            number=number,
            location=None if node is None else self.locations.get(node),
            label=label,
            stencil=instance.stencil.name,
            value=self.value(origin, line),
            registers=_registers(instance),
            live=None,  # known when all rows are
            offset=line.offset,
            size=instance.stencil.size,
            copies=(),
            instructions=self.instructions(line),
            holes=tuple(
                HoleBytes(*cells) for cells in hole_rows(line, self.data, self.names, raw=self.raw)
            ),
        )

    def instructions(self, line: Line) -> tuple[Instruction, ...]:
        architecture = self.kernel.loop_nest.isa.architecture
        rows = instruction_rows(line, self.data, self.names, architecture, raw=self.raw)
        return tuple(
            Instruction(*cells, plain_words(cells[2], architecture) if self.plain else "")
            for cells in rows
        )

    def value(self, origin: Origin, line: Line) -> str:
        """Return what an instance computes, with the values' names."""
        instance, values = line.instance, self.values
        name = instance.stencil.name
        made = " ".join(values[node] for node in origin.makes)
        read = [values[node] for node in origin.reads]
        if not made and not read:
            read = [word for patch in line.patches if (word := self.names.word(line, patch))]
        elif name not in SPILLS and not made:
            made = str(instance.source)  # a store
        elif name not in SPILLS and not read and str(instance.source) != made:
            read = [str(instance.source)]  # a load of a view
        text = " ".join([name, *read])
        return f"{made} = {text}" if made else text


def _with_live(sections: Iterable[Section], used: Iterable[_Used]) -> tuple[Section, ...]:
    """Return the sections with the live interval of each value, in rows."""
    made: dict[Node, int] = {}  # the row that made it last
    end: dict[int, int] = {}
    for number, makes, reads in used:
        for node in reads:
            if node in made:
                end[made[node]] = number
        made |= dict.fromkeys(makes, number)
        if makes:
            end[number] = number
    return tuple(
        section._replace(
            rows=tuple(
                row._replace(live=(row.number, end[row.number]) if row.number in end else None)
                for row in section.rows
            )
        )
        for section in sections
    )


def _registers(instance: Instance) -> str:
    """Return the registers of an instance, results first."""
    if not instance.registers:
        return "" if instance.pointer is None else f"p{instance.pointer}"
    text = instance._replace(values=NO_VALUES).text("r")
    text = f"{text} ".replace(f"{instance.stencil.name} ", "")
    return text.strip().removesuffix(" =")
