"""A part of a report: a table, with the same content as text and as HTML."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

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

    def text(self, width: int = 0) -> str:
        """Return the table as lines of text, the last column wrapped at a width if one is given."""
        title = f"{self.title} ({self.note})" if self.note else self.title
        return "\n".join([title, *self.lines(width)])

    def lines(self, width: int = 0) -> list[str]:
        """Return the table as lines of text, without its title and note."""
        rows = [self.columns, *self.rows] if self.columns else list(self.rows)
        full = [row for row in rows if len(row) > 1]
        widths = [max(map(len, column)) for column in zip(*full, strict=True)]
        lines = []
        for row in rows:
            # A row of one cell goes across all columns, so it is not padded.
            cells = [*map(str.ljust, row[:-1], widths), row[-1]]
            before = "  ".join(["", *cells[:-1]]).ljust(2) + ("  " if cells[1:] else "")
            lines += wrapped(f"{before}{cells[-1]}".rstrip(), width, len(before))
        return lines

    def html(self) -> str:
        """Return the table as HTML, without its title and note.

        It is no HTML table: JupyterLab aligns the cells of tables to the right, and GitHub shows
        them in letters of different widths.
        """
        from html import escape  # 2 ms that only a notebook needs

        return f"<pre>{underlined(escape(chr(10).join(self.lines())))}</pre>"


def underlined(cell: str) -> str:
    """Return HTML with the patched values of bytes underlined."""
    return _MARKED.sub(r"<u>\g<0></u>", cell)


def wrapped(line: str, width: int, indent: int) -> list[str]:
    """Return a line as lines of at most `width` characters, of any if it is 0.

    >>> wrapped("  %0 = add x y", 10, 4)
    ['  %0 = add', '    x y']
    """
    if not width or len(line) <= width:
        return [line]
    own = len(line) - len(line.lstrip())
    return textwrap.wrap(
        line.lstrip(),
        width,
        initial_indent=" " * own,
        subsequent_indent=" " * min(indent, width // 2),
        break_on_hyphens=False,
    )


def counted(count: int, what: str) -> str:
    """Write a number of things.

    >>> counted(1, "stencil"), counted(1200, "byte")
    ('1 stencil', '1,200 bytes')
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def bytes_text(count: int) -> str:
    """Write a number of bytes, "" for none.

    >>> bytes_text(0), bytes_text(800), bytes_text(1 << 12), bytes_text(3 << 19)
    ('', '800 B', '4.0 KB', '1.5 MB')
    >>> bytes_text(1 << 40)
    '1,024.0 GB'
    """
    if count < 1 << 10:
        return f"{count} B" if count else ""
    size, unit = next(
        (each for each in ((1 << 20, "KB"), (1 << 30, "MB")) if count < each[0]), (1 << 40, "GB")
    )
    return f"{count / (size >> 10):,.1f} {unit}"
