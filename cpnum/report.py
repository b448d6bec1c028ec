"""The report of one call: stages, stencils, holes, code, times; as text and as HTML."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cpnum.kernel import Kernel
from cpnum.listing import code_table, halves, hole_table
from cpnum.memory import Region
from cpnum.table import Table

if TYPE_CHECKING:
    from cpnum.timing import Timing

# A result that takes longer than this is timed with one call, so that a report takes about 1 s.
_SLOW_SECONDS = 0.05
_MEASURE_SECONDS = 0.15


class _Bound(Protocol):
    kernel: Kernel
    region: Region

    def __call__(self) -> np.ndarray[Any, Any]: ...


class _Jit(Protocol):
    py_func: Callable[..., Any]

    def __call__(self, *arguments: Any, **keywords: Any) -> Any: ...


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with all compiled functions that it calls as plain NumPy ones.

    >>> from cpnum import cpjit
    >>> half = cpjit(lambda x: x / 2)
    >>> def quarter(x):
    ...     return half(half(x))
    >>> plain(quarter)(1.0)
    0.25
    """
    result: Callable[..., Any] = _plain(function, {})
    return result


def _plain(value: Any, seen: dict[int, Any]) -> Any:
    function = getattr(value, "py_func", value)
    if not isinstance(function, FunctionType):
        return function
    if id(function) in seen:
        return seen[id(function)]
    called = {
        name: function.__globals__[name]
        for name in function.__code__.co_names
        if hasattr(function.__globals__.get(name), "py_func")
    }
    cells = [each.cell_contents if _is_set(each) else None for each in function.__closure__ or ()]
    if not called and not any(hasattr(each, "py_func") for each in cells):
        return seen.setdefault(id(function), function)
    copied: dict[str, Any] = dict(function.__globals__)
    closure = tuple(
        CellType(content) if hasattr(content, "py_func") else cell
        for cell, content in zip(function.__closure__ or (), cells, strict=True)
    )
    result = FunctionType(
        function.__code__, copied, function.__name__, function.__defaults__, closure or None
    )
    result.__kwdefaults__ = function.__kwdefaults__
    seen[id(function)] = result
    copied |= {name: _plain(each, seen) for name, each in called.items()}
    for cell in closure:
        if _is_set(cell) and hasattr(cell.cell_contents, "py_func"):
            cell.cell_contents = _plain(cell.cell_contents, seen)
    return result


def _is_set(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


_CHUNK = 1 << 16


def difference(result: Any, expected: Any) -> str:
    """Say how far a result is from NumPy's.

    >>> difference(np.array([1.0, 2.0]), np.array([1.0, np.nextafter(2.0, 3.0)]))
    'at most 1 ULP from the result of NumPy, 1 of 2 elements differ'
    >>> difference(np.array([1, 2]), np.array([1, 2]))
    'the result is that of NumPy, bit for bit'
    """
    result, expected = np.asarray(result), np.asarray(expected)
    if result.dtype != expected.dtype or result.shape != expected.shape:
        expected = np.broadcast_to(expected.astype(result.dtype), result.shape)
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
                from cpnum.timing import max_ulp

                largest = max(largest, max_ulp(a, b))
    if not count:
        return "the result is that of NumPy, bit for bit"
    differ = f"{count:,} of {mine.size:,} elements differ"
    if mine.dtype.kind != "f":
        return differ
    return f"at most {largest:.0f} ULP from the result of NumPy, {differ}"


def _timed(function: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def _measured(functions: dict[str, Callable[[], Any]], first: float) -> dict[str, Timing]:
    """Time the functions, with one call each if `first`, what a call of each took, is long."""
    from cpnum.timing import Timing, measure  # `statistics` takes 8 ms to import

    if first < _SLOW_SECONDS:
        return measure(functions, _MEASURE_SECONDS)
    timings = {}
    for name, function in functions.items():
        seconds = _timed(function)[1]
        timings[name] = Timing(seconds, 0.0, seconds, (seconds,), 1)
    return timings


def _shares(out: np.ndarray[Any, Any], arguments: Iterable[Any]) -> bool:
    return any(
        isinstance(each, np.ndarray) and np.may_share_memory(out, each) for each in arguments
    )


def _lines_of(text: object) -> tuple[tuple[str], ...]:
    return tuple((line,) for line in str(text).splitlines())


class Report:
    """What there is to see of one call: stages, stencils, holes, code, times.

    `kernel` is the kernel of the call, `bound` the same with this call's pointers, strides, extents
    and scalars in its code; `code` are the bytes of the latter, read back from where they run.
    `text(raw=True)` shows addresses too, which differ from run to run.

    >>> from cpnum import cpjit
    >>> report = cpjit(lambda x: x + 1).explain(np.ones(3))
    >>> "vaddpd" in str(report)
    True
    """

    def __init__(
        self,
        kernel: Kernel,
        bound: _Bound,
        function: _Jit,
        arguments: tuple[Any, ...],
        keywords: Mapping[str, Any],
        *,
        timed: bool = True,
    ) -> None:
        self.kernel = kernel
        self.bound = bound.kernel
        self.code = bound.region.read()
        self.timings: dict[str, Timing] = {}
        self.difference = ""
        numpy = functools.partial(plain(function.py_func), *arguments, **keywords)
        with np.errstate(all="ignore"):
            if timed:
                expected, slow = _timed(numpy)
                out, fast = _timed(bound)
                self.difference = difference(out, expected)
                del expected
                # Into an `out` that is an argument too, each call computes something else.
                kept = out.copy() if _shares(out, [*arguments, *keywords.values()]) else None
                calls: dict[str, Callable[[], Any]] = {
                    "called": functools.partial(function, *arguments, **keywords),
                    "bound": bound,
                    "NumPy": numpy,
                }
                self.timings = _measured(calls, slow + 2 * fast)
                if kept is not None:
                    out[...] = kept

    def tables(self, *, raw: bool = False) -> list[Table]:
        """Return the parts of the report."""
        bound = self.bound
        parts = [
            self._stages(),
            Table("Graph", (), _lines_of(self.kernel.graph)),
            Table("Loops", (), _lines_of(self.kernel.loop_nest)),
            Table("Stencils", (), _lines_of(bound.steps), "rN vector, pN general registers"),
            hole_table(bound, self.code, raw=raw),
            *halves(code_table(bound, self.code, raw=raw), bound),
        ]
        return [*parts, self._times()] if self.timings else parts

    @property
    def header(self) -> str:
        """The call in one line."""
        from cpnum.timing import format_seconds

        kernel = self.kernel
        signature = str(kernel.graph).partition("\n")[0]
        lines = self.bound.code.lines()
        holes = len(hole_table(self.bound, self.code, raw=False).rows)
        nest = kernel.loop_nest
        return (
            f"{signature} -> {nest.result.dtype}: {nest.isa}, {nest.lanes} lanes, "
            f"{len(lines)} stencils, {len(self.code)} bytes, {holes} holes, "
            f"compiled in {format_seconds(sum(kernel.seconds.values()))}"
        )

    def _stages(self) -> Table:
        from cpnum.timing import format_seconds

        again = self.bound.seconds
        rows = [
            (stage, format_seconds(seconds), format_seconds(again[stage]) if stage in again else "")
            for stage, seconds in self.kernel.seconds.items()
        ]
        return Table("Compile time", ("stage", "first call", "bound, after that"), tuple(rows))

    def _times(self) -> Table:
        from cpnum.timing import format_seconds

        numpy = self.timings["NumPy"].median
        what = {
            "called": "f(...), a new result each time",
            "bound": "f.bind(...)(), into one result",
            "NumPy": "the function itself, without cpjit",
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
        note = "one call each" if once else "median ± IQR/2"
        return Table("Time", columns, (*rows, (self.difference,)), note)

    def text(self, *, raw: bool = False) -> str:
        """Return the report as text, with the addresses of the arrays if `raw`."""
        return "\n\n".join([self.header, *(each.cut().text() for each in self.tables(raw=raw))])

    def __str__(self) -> str:
        return self.text()

    # What notebooks show as text/plain.
    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape

        folded = {"Loops", "Stencils", "Code before the main loop"}
        tables = "".join(each.cut().html(opened=each.title not in folded) for each in self.tables())
        return (
            f'<div class="cpnum-report"><style>{_STYLE}</style>'
            f"<div><b>{escape(self.header)}</b></div>{tables}</div>"
        )


# Foreground and background are set together: detection of the theme fails somewhere in every
# host, and a panel that owns both colours is readable even then.
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
.cpnum-report table{border-collapse:collapse;margin:0;
font-family:var(--jp-code-font-family,ui-monospace,monospace);font-size:12px}
.cpnum-report th,.cpnum-report td{white-space:pre;text-align:left;padding:0 12px 0 0;border:0}
.cpnum-report td[colspan]{border-top:1px solid #808080}
.cpnum-report u{text-decoration:underline}
"""
