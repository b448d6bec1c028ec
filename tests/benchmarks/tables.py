"""Tables, as aligned text or as markdown.

>>> print(Table("Two", ("size", "time"), [("1e3", "2.0")]).text())
Two
<BLANKLINE>
  size  time
  ----  ----
  1e3   2.0
>>> print(mark(0.5, 0.95), mark(1.5, 0.95))
0.50 < 1.50
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MISSED = "<"


@dataclass(frozen=True, slots=True)
class Table:
    """A table and what is to be said about it."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    remarks: Sequence[str] = ()

    def text(self) -> str:
        """Return the table with aligned columns, for a terminal."""
        rows = [self.header, *self.rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [self.header, ["-" * width for width in widths], *self.rows]
        aligned = [
            "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            for line in lines
        ]
        return "\n".join([self.title, "", *(line.rstrip() for line in aligned), *self._said("  ")])

    def markdown(self) -> str:
        """Return the table as GitHub's markdown has it."""
        lines = [self.header, ["---"] * len(self.header), *self.rows]
        piped = [f"| {' | '.join(line)} |" for line in lines]
        return "\n".join([f"**{self.title}**", "", *piped, *self._said("")])

    def _said(self, indent: str) -> list[str]:
        return ["", *(f"{indent}{remark}" for remark in self.remarks)] if self.remarks else []


def mark(ratio: float, figure: float) -> str:
    """Write a ratio, marked if it misses the figure."""
    # The mark goes by what is printed: 0.949 reads 0.95 and is not a miss.
    missed = round(ratio, 2) < figure
    return f"{ratio:.2f}{' ' + MISSED if missed else ''}"


def power_of_ten(size: int) -> str:
    """Write a size briefly.

    >>> power_of_ten(100_000), power_of_ten(30_000), power_of_ten(123)
    ('1e5', '3e4', '123')
    """
    digits = str(size)
    short = f"{digits[0]}e{len(digits) - 1}"
    return short if size >= 1000 and int(float(short)) == size else digits
