"""The report of one call: stages, stencils, holes, code, times; as text and as HTML."""

from __future__ import annotations

import contextlib
import functools
import io
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from cpnum.compile.kernel import Kernel
from cpnum.ir.nodes import Apply, Node
from cpnum.run.bound import Bound
from cpnum.run.observer import as_written
from cpnum.show.listing import code_table, halves, hole_table
from cpnum.show.table import Table
from cpnum.show.timing import Timing, format_seconds, max_ulp, timing_of
from cpnum.tables.ops import OPS

# So many calls are timed, and fewer if they take more than _SECONDS.  They are few because the
# function as written has side effects.
_CALLS = 11
_SECONDS = 0.5


class _Jit(Protocol):
    py_func: Callable[..., Any]

    def __call__(self, *arguments: Any, **keywords: Any) -> Any: ...


_CHUNK = 1 << 16


def difference(result: Any, expected: Any) -> str:
    """Say how far a result is from NumPy's.

    >>> difference(np.array([1.0, 2.0]), np.array([1.0, np.nextafter(2.0, 3.0)]))
    'at most 1 ULP from the result of NumPy, 1 of 2 elements differ'
    >>> difference(np.array([1, 2]), np.array([1, 2]))
    'the result is that of NumPy, bit for bit'
    """
    result, expected = np.asarray(result), np.asarray(expected)
    numpy = "NumPy"
    if result.dtype != expected.dtype:  # `out` has its own
        numpy += f", converted from {expected.dtype} to {result.dtype}"
        expected = expected.astype(result.dtype)
    expected = np.broadcast_to(expected, result.shape)
    mine, theirs = result.reshape(-1), expected.reshape(-1)
    count, largest = 0, 0.0
    for at in range(0, mine.size, _CHUNK):
        a, b = mine[at : at + _CHUNK], theirs[at : at + _CHUNK]
        equal = a == b
        if a.dtype.kind == "f":
            equal = (equal & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))
        if not equal.all():
            count += int(np.count_nonzero(~equal))
            if a.dtype.kind == "f":
                largest = max(largest, max_ulp(a, b))
    if not count:
        return f"the result is that of {numpy}, bit for bit"
    differ = f"{count:,} of {mine.size:,} elements differ"
    if mine.dtype.kind != "f":
        return differ
    return f"at most {largest:.0f} ULP from the result of {numpy}, {differ}"


def _timed(function: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def _timed_as_written(function: Callable[[], Any]) -> tuple[Any, float]:
    with as_written():
        return _timed(function)


def _timings(calls: Mapping[str, Callable[[], tuple[Any, float]]]) -> dict[str, Timing]:
    """Time the calls by turns, so that a slow spell of the machine meets them alike."""
    samples: dict[str, list[float]] = {name: [] for name in calls}
    start = time.perf_counter()
    for _ in range(_CALLS):
        for name, call in calls.items():
            samples[name].append(call()[1])
        if time.perf_counter() - start > _SECONDS:
            break
    return {name: timing_of(each) for name, each in samples.items()}


def _shares(out: np.ndarray[Any, Any], arguments: Iterable[Any]) -> bool:
    return any(
        isinstance(each, np.ndarray) and np.may_share_memory(out, each) for each in arguments
    )


def one_line(error: Exception) -> str:
    r"""Return the type and message of an error on one line.

    >>> one_line(ValueError("one\n  two"))
    'ValueError: one two'
    """
    return " ".join("".join(traceback.format_exception_only(error)).split())


def _is_special(node: Node) -> bool:
    return isinstance(node, Apply) and OPS.get(node.op.function, node.op).home == "special"


def _lines_of(text: object) -> tuple[tuple[str], ...]:
    return tuple((line,) for line in str(text).splitlines())


class Report:
    """The stages, stencils, holes, code and times of one call.

    `kernel` is the called kernel, `bound` the bound one, and `code` the bytes of the bound kernel,
    read back from where they run.  `text(raw=True)` shows addresses too, which differ from run to
    run.  To time NumPy, the function as written is called a dozen times, with its side effects.

    >>> from cpnum import cpjit
    >>> report = cpjit(lambda x: x + 1).explain(np.ones(3))
    >>> "vaddpd" in str(report)
    True
    """

    def __init__(
        self,
        kernel: Kernel,
        bound: Bound,
        function: _Jit,
        arguments: tuple[Any, ...],
        keywords: Mapping[str, Any],
        *,
        timed: bool = True,
    ) -> None:
        self.kernel = kernel
        self.bound = bound.kernel
        self.seconds = bound.seconds
        self.code = bound.region.read()
        self.timings: dict[str, Timing] = {}
        self.difference = ""
        if timed:
            with np.errstate(all="ignore"):
                try:
                    # What the function prints was seen when the user called it.
                    with contextlib.redirect_stdout(io.StringIO()):
                        self._time(bound, function, arguments, keywords)
                except Exception as error:  # the user's function raises when it runs again
                    self.timings = {}
                    self.difference = f"none: run again, the function raised {one_line(error)}"
                except KeyboardInterrupt:
                    self.timings = {}
                    self.difference = "none: they were interrupted"

    def _time(
        self,
        bound: Bound,
        function: _Jit,
        arguments: tuple[Any, ...],
        keywords: Mapping[str, Any],
    ) -> None:
        """Compare results and times of the call with the function as written."""
        call = functools.partial(function, *arguments, **keywords)
        written = functools.partial(function.py_func, *arguments, **keywords)
        expected, _ = _timed_as_written(written)
        out = bound()
        self.difference = difference(out, expected)
        del expected
        # If `out` is an argument too, each timed call changes it.
        kept = out.copy() if _shares(out, [*arguments, *keywords.values()]) else None
        try:
            self.timings = _timings(
                {
                    "called": functools.partial(_timed, call),
                    "bound": functools.partial(_timed, bound),
                    "NumPy": functools.partial(_timed_as_written, written),
                }
            )
        finally:
            if kept is not None:
                out[...] = kept

    def tables(self, *, raw: bool = False) -> list[Table]:
        """Return the parts of the report."""
        bound = self.bound
        parts = [
            self._stages(),
            Table("Graph", (), _lines_of(self.kernel.graph)),
            Table("Loops", (), _lines_of(self.kernel.loop_nest)),
            Table("Stencils", (), _lines_of(bound.instances), "rN vector, pN general registers"),
            hole_table(bound, self.code, raw=raw),
            *halves(code_table(bound, self.code, raw=raw), bound),
        ]
        return [*parts, self._times()] if self.difference else parts

    @property
    def header(self) -> str:
        """The call in one line."""
        kernel = self.kernel
        signature = str(kernel.graph).partition("\n")[0]
        lines = self.bound.code.lines()
        holes = len(hole_table(self.bound, self.code, raw=False).rows)
        nest = kernel.loop_nest
        seconds = sum(kernel.seconds.values()) - kernel.seconds.get("pack", 0.0)
        return (
            f"{signature} -> {nest.stores[0].buffer.dtype}: {nest.isa}, {nest.lanes} lanes, "
            f"{len(lines)} stencils, {len(self.code)} bytes, {holes} holes, "
            f"compiled in {format_seconds(seconds)}"
        )

    def _stages(self) -> Table:
        first, again = self.kernel.seconds, self.seconds
        rows = [
            (
                "read the pack" if stage == "pack" else stage,
                *(format_seconds(each[stage]) if stage in each else "" for each in (first, again)),
            )
            for stage in {**first, **again}
        ]
        return Table("Compile time", ("stage", "first call", "bound, after that"), tuple(rows))

    def _times(self) -> Table:
        if not self.timings:
            return Table("Time", (), ((self.difference,),))
        numpy = self.timings["NumPy"].median
        written = "the function itself, without cpjit"
        if any(map(_is_special, self.kernel.graph.nodes)):
            written += "; cpnum.special by Python's math"
        what = {
            "called": "f(...), a new result each time",
            "bound": "f.bind(...)(), into one result",
            "NumPy": written,
        }
        once = len(self.timings["NumPy"].samples) == 1
        rows = [
            (
                name,
                format_seconds(timing.median) if once else str(timing),
                f"{numpy / timing.median:.1f} x NumPy",
                what[name],
            )
            for name, timing in self.timings.items()
        ]
        columns = ("call", "time", "speed", "what")
        count = len(self.timings["NumPy"].samples)
        runs = f"the function as written ran {count + 1} times for this"
        note = f"one call each; {runs}" if once else f"median ± IQR/2; {runs}"
        return Table("Time", columns, (*rows, (self.difference,)), note)

    def text(self, *, raw: bool = False) -> str:
        """Return the report as text, with the addresses of the arrays if `raw`."""
        return "\n\n".join([self.header, *(each.cut().text() for each in self.tables(raw=raw))])

    def __str__(self) -> str:
        return self.text()

    # Notebooks show it as text/plain.
    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape

        folded = {"Loops", "Stencils", "Code before the main loop"}
        tables = "".join(each.cut().html(opened=each.title not in folded) for each in self.tables())
        return (
            f'<div class="cpnum-report"><style>{_STYLE}</style>'
            f"<div><b>{escape(self.header)}</b></div>{tables}</div>"
        )


# Foreground and background are set together: in every host there are themes that are not detected,
# and a panel that owns both colours is readable even then.
_STYLE = """
.cpnum-report{--cpn-fg:var(--jp-content-font-color1,var(--vscode-editor-foreground,#1a1a1a));
--cpn-bg:var(--jp-layout-color0,var(--vscode-editor-background,#fff));
color:var(--cpn-fg);background:var(--cpn-bg);padding:8px;overflow-x:auto}
html[theme=dark] .cpnum-report,html[data-theme=dark] .cpnum-report{--cpn-fg:#e6e6e6;
--cpn-bg:#1a1a1a}
.cpnum-report div,.cpnum-report summary,.cpnum-report table,.cpnum-report tr,.cpnum-report th,
.cpnum-report td,.cpnum-report u,.cpnum-report b,.cpnum-report span{color:var(--cpn-fg);
background:var(--cpn-bg)}
.cpnum-report summary{cursor:pointer;font-weight:bold;margin-top:6px}
.cpnum-report summary span{font-weight:normal}
.cpnum-report table,.cpnum-report pre{margin:0;line-height:1.4;
font-family:var(--jp-code-font-family,ui-monospace,monospace);font-size:var(--jp-code-font-size,12px)}
.cpnum-report table{border-collapse:collapse}
.cpnum-report pre{color:var(--cpn-fg);background:var(--cpn-bg)}
.cpnum-report.cpnum-report.cpnum-report th,.cpnum-report.cpnum-report.cpnum-report td{
white-space:pre;text-align:left;line-height:1.4;padding:0 12px 0 0;border:0}
.cpnum-report.cpnum-report.cpnum-report td[colspan]{border-top:1px solid #808080}
.cpnum-report u{text-decoration:underline}
"""
