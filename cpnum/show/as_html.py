"""A view as HTML, without a script: lines of the user, folds of sections, rows and instructions.

It has to be right where notebooks are shown.  JupyterLab aligns the cells of tables to the right,
and drops the style sheet of a notebook that is not trusted; GitHub drops all styles.  So text
stands in <pre> and <code>, columns are made by spaces that do not collapse, and a user's line is
linked to its code by its number; colours only repeat what the number says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from cpnum.ir.sites import Location
from cpnum.show.as_text import constants_title, copies_text, live_text, main_section, section_title
from cpnum.show.table import counted, underlined
from cpnum.show.view import Row, SourceLine, View

# Okabe and Ito, "Color Universal Design": told apart by colour-blind people.
_BANDS = ("#e69f00", "#56b4e9", "#009e73", "#d55e00", "#0072b2", "#cc79a7", "#f0e442", "#999999")
# A stencil of more instructions, such as a sine, is cut.
_INSTRUCTIONS = 24
_HOLES = 12
# So many lines are lit up together with their code: each takes 150 bytes of style sheet.
_LINKED = 24


def fold(title: str, body: str, *, opened: bool, note: str = "") -> str:
    """Return a part that folds; the title is text, the body HTML."""
    extra = f" <span>{escape(note)}</span>" if note else ""
    return (
        f"<details{' open' if opened else ''}><summary><b>{escape(title)}</b>{extra}</summary>"
        f"{body}</details>"
    )


def page(head: Iterable[str], body: str, style: str) -> str:
    """Return a report as one element, which brings its style sheet."""
    first, *more = head
    lines = "".join(f"<div>{escape(line)}</div>" for line in more)
    # Hosts that drop the tag of a style sheet show it as text, so it comes last.
    return (
        f'<div class="cpnum-report"><div><b>{escape(first)}</b></div>{lines}{body}'
        f"<style>{STYLE}{style}</style></div>"
    )


class LinkedHtml:
    """Writes the parts of a report, the user's lines and all that is of them linked by number."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.bands = {line.location: at for at, line in enumerate(_used(view))}

    def style(self) -> str:
        """Return the rules that light up a line with its code, where the pointer or focus is."""
        rules = []
        for at in range(min(len(self.bands), _LINKED)):
            rules.append(
                f".cpnum-report:has(.cpn-{at}:is(:hover,:focus-within,:focus)) .cpn-{at}"
                f"{{outline:2px solid {_BANDS[at % len(_BANDS)]}}}"
            )
        return "\n".join(rules)

    def tag(self, location: Location | None) -> str:
        """Return the number of a user's line, "" for none."""
        return "" if location is None else self.view.tags.get(location, "")

    def line(self, location: Location | None, text: str, *, focus: bool = False) -> str:
        """Return a line of text as HTML, with the band of a user's line."""
        return f"<span{self._band(location)}{' tabindex=0' if focus else ''}>{text}</span>"

    def lines(self, lines: Iterable[tuple[Location | None, str]]) -> str:
        """Return lines of text that are of the user's lines."""
        rows = [self.line(where, escape(f" {self.tag(where):>4}  {text}")) for where, text in lines]
        return f"<pre>{chr(10).join(rows)}</pre>"

    def code(self) -> str:
        """Return the user's lines, then the code."""
        return f"{self._source()}{self.sections()}"

    def _source(self) -> str:
        """Return the user's lines, each with the bytes of machine code that it became."""
        rows = []
        for line in self.view.source:
            size = f"{line.size:,} B" if line.size else ""
            text = escape(f" {self.tag(line.location):>4} {size:>9}  {line.text}")
            rows.append(self.line(line.location, text, focus=line.location in self.bands))
        return f"<pre>{chr(10).join(rows)}</pre>"

    def sections(self) -> str:
        """Return the code: a fold for each section, and in it one for each row."""
        main = main_section(self.view)
        rows = [row for section in self.view.sections for row in section.rows]
        values = min(40, max(len(row.value) for row in rows))
        registers = min(28, max(len(row.registers) for row in rows))
        head = _columns("line", "row", "value".ljust(values), "registers".ljust(registers))
        head += f"  {'live in':<7}  {'bytes':>5}        code"
        body = []
        for section in self.view.sections:
            shown, left = section.rows, 0
            if section.again:
                # The other stencils are those of the main loop, in other places.
                known = {row.stencil for row in main.rows}
                shown = tuple(row for row in section.rows if row.stencil not in known)
                left = len(section.rows) - len(shown)
            html = "".join(self._row(row, values, registers) for row in shown)
            if section is main:
                html = f"<pre>    {head}</pre>{html}"
            if left:
                html += f"<pre>    {counted(left, 'more row')} as in the main loop</pre>"
            body.append(fold(section_title(section), html, opened=section is main))
        return "".join(body) + self._constants()

    def _constants(self) -> str:
        constants = self.view.constants
        if not constants:
            return ""
        lines = [
            f"      {each.offset}  {each.bytes:<47}  {each.assembly}  {each.meaning}".rstrip()
            for each in constants[:_INSTRUCTIONS]
        ]
        more = len(constants) - len(lines)
        if more:
            lines.append(f"      {counted(more, 'line')} more: report.text(full=True) has all")
        title = f"constants: {constants_title(self.view)}"
        return fold(title, f"<pre>{escape(chr(10).join(lines))}</pre>", opened=False)

    def _band(self, location: Location | None) -> str:
        at = None if location is None else self.bands.get(location)
        if at is None:
            return ' style="border-left:5px solid transparent"'
        return f' class="cpn-{at}" style="border-left:5px solid {_BANDS[at % len(_BANDS)]}"'

    def _row(self, row: Row, values: int, registers: int) -> str:
        columns = _columns(
            self.tag(row.location),
            f"#{row.number}",
            row.value.ljust(values),
            row.registers.ljust(registers),
        )
        copies = f"{copies_text(row):<4}"
        text = f"{columns}  {live_text(row):<7}  {row.size:>5,}  {copies}  {_first(row)}".rstrip()
        summary = escape(_SPACES.sub(_kept, text))
        return (
            f"<details{self._band(row.location)}><summary><code>{summary}</code></summary>"
            f"<pre>{_instructions(row)}</pre></details>"
        )


_SPACES = re.compile("^ | +")


def _kept(spaces: re.Match[str]) -> str:
    """Return spaces that do not collapse where there is no style, and where a line may break."""
    if spaces.start() == 0:
        return "\N{NO-BREAK SPACE}"
    pairs, single = divmod(len(spaces[0]), 2)
    return " " * single + "\N{NO-BREAK SPACE} " * pairs


def _columns(line: str, number: str, value: str, registers: str) -> str:
    return f"{line:>4} {number:>4}  {value}  {registers}"


def _first(row: Row) -> str:
    """Return the instruction of a row, or how many it has."""
    if len(row.instructions) > 1:
        return f"{len(row.instructions)} instructions"
    return row.instructions[0].assembly


def _used(view: View) -> list[SourceLine]:
    return [line for line in view.source if line.size]


def _instructions(row: Row) -> str:
    """Return the instructions of a row, its holes, and where its copies are."""
    shown, holes = row.instructions[:_INSTRUCTIONS], row.holes[:_HOLES]
    assembly = max(len(each.assembly) for each in shown)
    lines = [f"    {row.label.replace(' ', ': ')}:"] if row.label else []
    for each in shown:
        words = f"  ; {each.words}" if each.words else ""
        lines.append(
            f"      {each.offset}  {escape(each.assembly.ljust(assembly))}  "
            f"{underlined(escape(each.bytes))}{escape(words)}"
        )
    names = max((len(each.name) for each in holes), default=0)
    before = max((len(each.before) for each in holes), default=0)
    lines += [
        escape(
            f"      {each.offset}  {each.name:<{names}}  {each.before:<{before}} "
            f"\N{RIGHTWARDS ARROW} {each.after:<{before}}  {each.meaning}"
        ).rstrip()
        for each in holes
    ]
    more = len(row.instructions) - len(shown), len(row.holes) - len(holes)
    if any(more):
        lines.append(
            f"      {counted(more[0], 'instruction')} and {counted(more[1], 'hole')} more: "
            "report.text(full=True) has all"
        )
    if row.copies:
        at = ", ".join(f"{each:#06x}" for each in row.copies)
        lines.append(f"      for the other vectors, in other registers: {at}")
    return "\n".join(lines)


# Foreground and background are set together: in every host there are themes that are not detected,
# and a panel that owns both colours is readable even then.
STYLE = """
.cpnum-report{--cpn-fg:var(--jp-content-font-color1,var(--vscode-editor-foreground,#1a1a1a));
--cpn-bg:var(--jp-layout-color0,var(--vscode-editor-background,#fff));
color:var(--cpn-fg);background:var(--cpn-bg);padding:8px;overflow-x:auto}
html[theme=dark] .cpnum-report,html[data-theme=dark] .cpnum-report{--cpn-fg:#e6e6e6;
--cpn-bg:#1a1a1a}
.cpnum-report div,.cpnum-report summary,.cpnum-report u,.cpnum-report b,.cpnum-report span{
color:var(--cpn-fg);background:var(--cpn-bg)}
.cpnum-report summary{display:list-item;cursor:pointer;white-space:nowrap}
.cpnum-report>details{margin-top:6px}
.cpnum-report details details{margin-left:12px}
.cpnum-report details details details{padding-left:4px}
.cpnum-report.cpnum-report.cpnum-report pre,.cpnum-report.cpnum-report.cpnum-report code{
margin:0;padding:0;line-height:1.4;background:var(--cpn-bg);color:var(--cpn-fg);
white-space:pre;font-family:var(--jp-code-font-family,ui-monospace,monospace);
font-size:var(--jp-code-font-size,12px)}
.cpnum-report pre{overflow:visible}
.cpnum-report u{text-decoration:underline}
@media print{.cpnum-report{overflow:visible}.cpnum-report summary{white-space:normal}
.cpnum-report.cpnum-report.cpnum-report pre,.cpnum-report.cpnum-report.cpnum-report code{
white-space:pre-wrap;overflow-wrap:anywhere}}
"""
