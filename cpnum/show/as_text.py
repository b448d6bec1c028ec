"""A view as text: the user's lines, then the code, one stencil a row."""

from __future__ import annotations

from collections.abc import Iterator

from cpnum.show.table import counted, wrapped
from cpnum.show.view import Row, Section, View

# A stencil of more instructions is cut, unless all are asked for.
_INSTRUCTIONS = 6


def source_text(view: View, width: int) -> str:
    """Return the user's lines, each with the bytes of machine code that it became."""
    lines = [f"Source of {', '.join(view.files)}" if view.files else "Source"]
    for line in view.source:
        size = f"{line.size} B" if line.size else ""
        text = f"  {view.tags[line.location]:>4} {size:>8}  {line.text}"
        lines += wrapped(text, width, 16)
    return "\n".join(lines)


def code_text(view: View, width: int, *, full: bool) -> str:
    """Return the code: the main loop in detail, or all parts of it if `full`."""
    main = main_section(view)
    values = max((len(row.value) for each in view.sections for row in each.rows), default=0)
    lines = [f"  line  row  {'value':<{min(values, 36)}}  {'registers':<20}  live"]
    for section in view.sections:
        indent = "  " * (1 + section.depth)
        lines += wrapped(f"{indent}{section_title(section)}", width, len(indent))
        if full or section is main:
            for row in section.rows:
                lines += _row(row, view, min(values, 36), width)
                lines += _instructions(row, width, full=full)
    if view.constants:
        lines.append(f"  constants: {constants_title(view)}")
        for each in view.constants if full else ():
            text = f"{'':15}{each.offset}  {each.bytes}  {each.assembly}  {each.meaning}".rstrip()
            lines += wrapped(text, width, 23)
    return "\n".join(lines)


def constants_title(view: View) -> str:
    """Return how many bytes of constants there are, and where they start."""
    size = sum(len(each.bytes.split()) for each in view.constants)
    return f"{counted(size, 'byte')} at {view.constants[0].offset}"


def main_section(view: View) -> Section:
    """Return the section of the main loop."""
    return max(
        (section for section in view.sections if not section.again),
        key=lambda section: section.depth,
    )


def section_title(section: Section) -> str:
    """Return a section in a line: which loop it is, how long its code is, and where it stands."""
    first = section.rows[0].offset
    what = ": the same for what is left, " if section.again else ": "
    return (
        f"{section.title}{what}{counted(section.stencils, 'stencil')}, "
        f"{section.size:,} bytes at {first:#06x}"
    )


def live_text(row: Row) -> str:
    """Return the rows in which the value of a row is live, as `9-12`."""
    return "" if row.live is None else f"{row.live[0]}-{row.live[1]}"


def copies_text(row: Row) -> str:
    """Return how often a stencil stands in the code, as `x 4`, "" if once."""
    return f"x {1 + len(row.copies)}" if row.copies else ""


def _row(row: Row, view: View, values: int, width: int) -> Iterator[str]:
    tag = "" if row.location is None else view.tags[row.location]
    if row.label:
        yield f"             {row.label.replace(' ', ': ')}:"
    first = f"  {tag:>4} {row.number:>4}  {row.value:<{values}}"
    after = "  ".join(filter(None, (f"{row.registers:<20}", live_text(row), copies_text(row))))
    if not width or len(first) + len(after) + 2 <= width:
        yield f"{first}  {after}".rstrip()
    else:
        yield from wrapped(first.rstrip(), width, 16)
        yield from wrapped(f"{'':15}{after}", width, 17)


def _instructions(row: Row, width: int, *, full: bool) -> Iterator[str]:
    shown = row.instructions if full else row.instructions[:_INSTRUCTIONS]
    for each in shown:
        first = f"{'':15}{each.offset}  {each.assembly:<30}"
        if not width or len(first) + len(each.bytes) + 2 <= width:
            yield f"{first}  {each.bytes}"
        else:
            yield from wrapped(first.rstrip(), width, 25)
            yield from wrapped(f"{'':23}{each.bytes}", width, 23)
        if each.words:
            yield from wrapped(f"{'':23}; {each.words}", width, 25)
    more = len(row.instructions) - len(shown)
    if more:
        yield f"{'':15}... {more} more instructions: text(full=True) has all"
    if full:
        for hole in row.holes:
            text = f"{'':15}{hole.name}: {hole.before} -> {hole.after}  {hole.meaning}"
            yield from wrapped(text, width, 17)
