"""The report of a call of several kernels, one report for each of them.

Its results have several shapes, or it is a program, which stands in the heading.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cpnum.faces import pre
from cpnum.show.report import Report
from cpnum.show.timing import Timing


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

    def __init__(self, each: Sequence[Report], heading: str = "") -> None:
        self.each = tuple(each)
        self.heading = heading

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
        """Return the reports as text, as `Report.text` does."""
        texts = [each.text(width=width, raw=raw, full=full, parts=parts) for each in self.each]
        titled = zip(self._titles(), texts, strict=True)
        heading = [self.heading] if self.heading else []
        return "\n\n".join([*heading, *(f"{title}: {text}" for title, text in titled)])

    def __str__(self) -> str:
        return self.text()

    # Notebooks show it as text/plain.
    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.html()

    def html(self, *, raw: bool = False, parts: Collection[str] = ()) -> str:
        """Return the reports as HTML, as `Report.html` does."""
        titled = zip(self._titles(), self.each, strict=True)
        heading = pre(self.heading) if self.heading else ""
        return heading + "".join(
            f"<p>{name}</p>{each.html(raw=raw, parts=parts)}" for name, each in titled
        )

    def json(self) -> dict[str, Any]:
        """Return all reports as a dict of plain values, for tools."""
        return {"kernels": [each.json() for each in self.each]}
