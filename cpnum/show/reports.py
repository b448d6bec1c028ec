"""The report of a call of several kernels, one report for each of them.

Its results have several shapes, or it is a program, whose steps stand above.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cpnum.show.report import Report
from cpnum.show.steps import Steps
from cpnum.show.table import counted
from cpnum.show.timing import Timing

# So many reports are shown, unless all are asked for.
_SHOWN = 8


class Reports:
    """The reports of the kernels of one call, in the order in which they run.

    The times, and the difference from NumPy's results, are those of the whole call; the first
    report has them.

    >>> import numpy as np
    >>> from cpnum import cpjit
    >>> reports = cpjit(lambda x: (x + 1, x[1:] * 2)).explain(np.ones(3))
    >>> len(reports.each), "kernel 2 of 2" in str(reports)
    (2, True)
    """

    def __init__(self, each: Sequence[Report], steps: Steps | None = None) -> None:
        self.each = tuple(each)
        self.steps = steps

    @property
    def timings(self) -> Mapping[str, Timing]:
        """The times of the call: called, bound, and NumPy's; there may be none."""
        return self.each[0].timings

    @property
    def difference(self) -> str:
        """How the results differ from NumPy's, or why that is not known."""
        return self.each[0].difference

    def _titles(self) -> list[str]:
        count = len(self.each)
        return [f"kernel {at} of {count}" for at in range(1, count + 1)]

    def text(
        self,
        *,
        width: int = 80,
        raw: bool = False,
        full: bool = False,
        parts: Collection[str] = (),
    ) -> str:
        """Return the reports as text, as `Report.text` does: the first ones, all if `full`."""
        heading = [] if self.steps is None else [self.steps.text(width, full=full)]
        shown = self.each if full else self.each[:_SHOWN]
        texts = [each.text(width=width, raw=raw, full=full, parts=parts) for each in shown]
        titled = zip(self._titles(), texts, strict=False)
        more = self._more("text(full=True) has all") if len(shown) < len(self.each) else []
        return "\n\n".join([*heading, *(f"{title}: {text}" for title, text in titled), *more])

    def _more(self, where: str) -> list[str]:
        more = len(self.each) - _SHOWN
        return [f"and {counted(more, 'more kernel')}: {where}"] if more > 0 else []

    def __str__(self) -> str:
        return self.text()

    # Notebooks show it as text/plain.
    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.html()

    def html(self, *, raw: bool = False, parts: Collection[str] = ()) -> str:
        """Return the reports as HTML, as `Report.html` does: the first ones."""
        titled = zip(self._titles(), self.each[:_SHOWN], strict=False)
        more = "".join(f"<p>{each}</p>" for each in self._more("each has all of them"))
        heading = "" if self.steps is None else self.steps.html()
        shown = [f"<p>{name}</p>{each.html(raw=raw, parts=parts)}" for name, each in titled]
        return "".join([heading, *shown, more])

    def json(self) -> dict[str, Any]:
        """Return all reports as a dict of plain values, for tools."""
        steps = {} if self.steps is None else self.steps.json()
        return {**steps, "kernels": [each.json() for each in self.each]}
