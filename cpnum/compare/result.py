"""The result of a bench: its rows as text, as HTML, as plain values, and as plots."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cpnum.compare.competitors import NUMPY, Compiled, Given
from cpnum.compare.contest import FirstCalls, Row
from cpnum.errors import CpnumError
from cpnum.show.table import Table
from cpnum.show.timing import Timing, format_seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH = 80
_NAME = 11
NOISY = "~"


@dataclass(frozen=True, slots=True)
class Work:
    """The work of a kernel for each element: bytes that it moves, and operations."""

    element_bytes: int
    element_ops: int
    dtype: str


@dataclass(frozen=True, slots=True)
class Bench:
    """Times of a compiled function and of its competitors, which `cpnum.bench` returns.

    `rows` has one for each size and competitor.  `first` are their first calls, `about` says how
    they compute, `left_out` why some were not timed.  `caches` are the sizes of the caches, in
    bytes.  `interrupted` says what is missing after an interrupt, and `busy` that the machine had
    more to do.  `cpu_time` tells which clock was read.

    >>> import numpy as np
    >>> import cpnum
    >>> f = cpnum.cpjit(lambda x: x * 2 + 1)
    >>> result = cpnum.bench(f, np.ones(1000), against="numpy", rounds=3)
    >>> [row.name for row in result.rows]
    ['cpnum', 'NumPy']
    >>> result.row("cpnum").difference
    'the result is that of NumPy, bit for bit'
    """

    signature: str
    rows: tuple[Row, ...]
    first: dict[str, FirstCalls]
    about: dict[str, str]
    left_out: dict[str, str]
    threads: int
    processor: str
    versions: str
    caches: tuple[tuple[str, int], ...]
    work: Work | None
    interrupted: str = ""
    busy: str = ""
    cpu_time: bool = False
    subject: tuple[Compiled, Given] | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.signature.partition("(")[0]

    @property
    def names(self) -> list[str]:
        """The names of the competitors."""
        return list(dict.fromkeys(row.name for row in self.rows))

    @property
    def sizes(self) -> list[int]:
        """The sizes, in the order in which they were measured."""
        return list(dict.fromkeys(row.size for row in self.rows))

    def row(self, name: str, size: int | None = None) -> Row:
        """Return the row of a competitor for a size, or for the last one.

        Raises:  KeyError if there is none.
        """
        size = self.sizes[-1] if size is None else size
        for row in self.rows:
            if row.name == name and row.size == size:
                return row
        raise KeyError(f"no row for {name} and size {size}")

    # -- calls until it pays -------------------------------------------------------------------

    def compile_seconds(self, name: str) -> float:
        """Return the time that the first call of all takes beyond a later one, 0 for NumPy."""
        timing = self.row(name, self.sizes[0]).timing
        if name not in self.first or timing is None:
            return 0.0
        return max(0.0, self.first[name].cold.median - timing.median)

    def total_seconds(self, name: str, calls: float, size: int | None = None) -> float:
        """Return the time of so many calls, the first of them cold; NaN if it was not timed."""
        timing = self.row(name, size).timing
        return math.nan if timing is None else self.compile_seconds(name) + calls * timing.median

    def break_even(self, name: str, other: str = NUMPY, size: int | None = None) -> int | None:
        """Return from which number of calls on one takes less time than another, None if never.

        The time of compiling is counted.
        """
        mine, theirs = self.row(name, size).timing, self.row(other, size).timing
        if mine is None or theirs is None:
            return None
        ahead = self.compile_seconds(name) - self.compile_seconds(other)
        if ahead < theirs.median - mine.median:
            return 1 if mine.median <= theirs.median else None
        if mine.median >= theirs.median:
            return None
        return math.floor(ahead / (theirs.median - mine.median)) + 1

    # -- text ----------------------------------------------------------------------------------

    @property
    def machine(self) -> str:
        """The processor, and how many threads ran on it; whether their CPU time was measured."""
        threads = f"{self.threads} thread{'s' * (self.threads > 1)}"
        return f"{self.processor}, {'CPU time of ' * self.cpu_time}{threads}"

    def _heading(self) -> str:
        return f"{self.machine}. {self.versions}. Each call returns a new result."

    def _times(self) -> Table:
        rows = []
        for row in self.rows:
            if row.timing is not None:
                rows.append(self._time(row, row.timing))
            else:
                text = f"{row.elements:,}  {row.name} is not timed: {row.why}"
                rows += [(line,) for line in textwrap.wrap(text, _WIDTH - 2)]
        columns = ("elements", "", "a call", "ns/element", "x NumPy", "result")
        noisy = any(row.timing is not None and row.timing.noisy for row in self.rows)
        note = f"median ± IQR/2{f'; {NOISY} noisy: IQR > 10 %' * noisy}"
        return Table("Times", columns, tuple(rows), note)

    def _time(self, row: Row, timing: Timing) -> tuple[str, ...]:
        numpy = self.row(NUMPY, row.size).timing
        ratio = "" if numpy is None else _digits(numpy.median / timing.median)
        call = f"{timing} {NOISY}" if timing.noisy else str(timing)
        element = _digits(timing.median / row.elements * 1e9)
        result = "" if row.name == NUMPY else _off(row)
        return f"{row.elements:,}", _cut(row.name), call, element, ratio, result

    def _first_calls(self) -> Table:
        rows = []
        for name, first in self.first.items():
            again = "" if first.again is None else format_seconds(first.again.median)
            pays = self._pays(name)
            rows.append((_cut(name), format_seconds(first.cold.median), again, pays))
        elements = self.row(NUMPY).elements
        columns = ("", "cold", "made again", f"{elements:,} elements: faster than NumPy from")
        return Table("First calls, which compile", columns, tuple(rows))

    def _pays(self, name: str) -> str:
        if self.row(name).timing is None:
            return ""
        calls = self.break_even(name)
        return "never" if calls is None else f"call {calls:,}"

    def _notes(self) -> Iterator[str]:
        for name, text in self.about.items():
            if text:
                yield f"{name}: {text}"
        for name, why in self.left_out.items():
            yield f"{name} is not timed: {why}"
        yield from filter(None, (self.busy, self.interrupted))

    def __str__(self) -> str:
        parts = [_wrapped(self.signature), _wrapped(self._heading()), "", self._times().text()]
        if self.first:
            parts += ["", self._first_calls().text()]
        notes = [_wrapped(each) for each in self._notes()]
        return "\n".join([*parts, *([""] * bool(notes)), *notes])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape  # 2 ms that only a notebook needs

        tables = [self._times(), *([self._first_calls()] * bool(self.first))]
        # Without colours: those of the notebook's theme are readable.
        return (
            f'<div class="cpnum-bench" style="text-align:left"><div><b>{escape(self.signature)}</b>'
            f"</div><div>{escape(self._heading())}</div>"
            f"{''.join(_table_html(each) for each in tables)}"
            f"{''.join(f'<div>{escape(each)}</div>' for each in self._notes())}</div>"
        )

    # -- values and plots ----------------------------------------------------------------------

    def json(self) -> dict[str, Any]:
        """Return all of it, samples too, as values that the module json writes.

        Times are in seconds.  A distance of infinitely many ULP is "inf".
        """
        return {
            "signature": self.signature,
            "threads": self.threads,
            "cpu_time": self.cpu_time,
            "processor": self.processor,
            "versions": self.versions,
            "caches": dict(self.caches),
            "element_bytes": None if self.work is None else self.work.element_bytes,
            "element_ops": None if self.work is None else self.work.element_ops,
            "rows": [_row_values(row) for row in self.rows],
            "first_calls": {name: _first_values(first) for name, first in self.first.items()},
            "about": dict(self.about),
            "left_out": dict(self.left_out),
            "interrupted": self.interrupted,
            "busy": self.busy,
        }

    def plot(
        self,
        kind: str = "sizes",
        relative_to: str | None = None,
        ax: Axes | None = None,
        size: int | None = None,
    ) -> Figure | Axes:
        """Draw a plot; return its figure, or the axes `ax` if it is drawn there.

        `kind` is "sizes", the time of an element by size, as multiples of the speed of
        `relative_to` if that is given; "calls", the total time of so many calls of a `size`, the
        last one if none is given; "compile", the time of each stage; "roofline", the speed beside
        that of the machine, which is measured now; or "errors", the distance from the true result,
        which is computed now.

        Raises:  CpnumError if matplotlib is not installed.
        """
        try:
            from cpnum.compare import plots  # matplotlib takes half a second
        except ImportError as error:
            raise CpnumError(
                "matplotlib, which draws plots, is not installed",
                seen=str(error),
                write='pip install "cpnum[notebook]"',
            ) from None
        return plots.plot(self, kind, ax, relative_to=relative_to, size=size)


def _digits(number: float) -> str:
    """Write a number with three digits.

    >>> _digits(0.01234), _digits(1.5), _digits(12345.6)
    ('0.0123', '1.50', '12,346')
    """
    decimals = max(0, 2 - math.floor(math.log10(number))) if number > 0 else 0
    return f"{number:,.{decimals}f}"


def _off(row: Row) -> str:
    """Say in a word or two how far a result is from NumPy's."""
    if "converted from" in row.difference:
        return f"is {row.dtype}"
    same = "bit for bit" in row.difference or row.ulp is None
    return "same bits" if same else f"{row.ulp:.0f} ULP"


def _cut(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent="  ")


def _table_html(table: Table) -> str:
    from html import escape

    note = f" ({escape(table.note)})" if table.note else ""
    return f"<div><b>{escape(table.title)}</b>{note}</div>{table.html()}"


def _row_values(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "size": row.size,
        "elements": row.elements,
        "dtype": row.dtype,
        "timing": None if row.timing is None else _timing_values(row.timing),
        "difference": row.difference,
        "ulp": "inf" if row.ulp == math.inf else row.ulp,
        "why": row.why,
    }


def _timing_values(timing: Timing) -> dict[str, Any]:
    lower, upper = timing.quartiles
    return {
        "median": timing.median,
        "quartiles": [lower, upper],
        "minimum": timing.minimum,
        "noisy": timing.noisy,
        "samples": list(timing.samples),
        "loops": timing.loops,
    }


def _first_values(first: FirstCalls) -> dict[str, Any]:
    return {
        "cold": _timing_values(first.cold),
        "again": None if first.again is None else _timing_values(first.again),
        "cold_stages": dict(first.cold_stages),
        "again_stages": dict(first.again_stages),
    }
