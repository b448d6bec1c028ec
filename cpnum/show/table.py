"""A part of a report: a table, with the same content as text and as HTML."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Longer tables are cut: the HTML of a report stays below 60 kB, the text below a few screens.
_ROWS = 60
# A patched value among the bytes of an instruction.
_MARKED = re.compile(r"\[[A-Z]\w* [^]]*\]")


@dataclass(frozen=True, slots=True)
class Table:
    """A part of a report; a row of one cell goes across all columns.

    >>> print(Table("Sizes", ("file", "bytes"), (("a", "12"), ("longer",), ("b", "3"))).text())
    Sizes
      file  bytes
      a     12
      longer
      b     3
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def cut(self) -> Table:
        """Return the table with its first rows, and a note that says how many were cut."""
        more = len(self.rows) - _ROWS
        if more <= 0:
            return self
        note = "; ".join(filter(None, (self.note, f"{more} more rows are cut")))
        return Table(self.title, self.columns, self.rows[:_ROWS], note)

    def text(self) -> str:
        """Return the table as lines of text."""
        rows = [self.columns, *self.rows] if self.columns else list(self.rows)
        full = [row for row in rows if len(row) > 1]
        widths = [max(map(len, column)) for column in zip(*full, strict=True)]
        lines = [f"{self.title} ({self.note})" if self.note else self.title]
        for row in rows:
            # A row of one cell goes across all columns, so it is not padded.
            cells = map(str.ljust, row, widths) if len(row) > 1 else row
            lines.append(f"  {'  '.join(cells)}".rstrip())
        return "\n".join(lines)

    def html(self, *, opened: bool) -> str:
        """Return the table as HTML that folds without a script."""
        from html import escape  # 2 ms that only a notebook needs

        note = f" <span>({escape(self.note)})</span>" if self.note else ""
        return (
            f"<details{' open' if opened else ''}><summary>{escape(self.title)}{note}</summary>"
            f"{self._columns_html() if self.columns else self._lines_html()}</details>"
        )

    def _lines_html(self) -> str:
        from html import escape

        # Indentation survives where styles are dropped, as on GitHub.
        return f"<pre>{escape(chr(10).join(row[0] for row in self.rows))}</pre>"

    def _columns_html(self) -> str:
        from html import escape

        # JupyterLab aligns all cells to the right.  Its rule is stronger than one of a style sheet,
        # and an untrusted notebook has none, so each cell has a style of its own.
        left = ' style="text-align:left"'
        head = "".join(f"<th{left}>{escape(each)}</th>" for each in self.columns)
        body = "".join(
            f"<tr><td colspan={len(self.columns)}{left}>{escape(row[0])}</td></tr>"
            if len(row) == 1
            else "<tr>"
            + "".join(f"<td{left}>{_underlined(escape(cell))}</td>" for cell in row)
            + "</tr>"
            for row in self.rows
        )
        table = '<table style="margin:0;font-family:monospace">'
        return f"{table}<tr>{head}</tr>{body}</table>"


def _underlined(cell: str) -> str:
    return _MARKED.sub(r"<u>\g<0></u>", cell)
