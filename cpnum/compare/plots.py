"""The plots of a bench, each drawn into axes."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from cpnum.compare.ceilings import ceilings
from cpnum.compare.competitors import CPNUM, NUMPY
from cpnum.compare.contest import Row
from cpnum.compare.drawing import (
    COLOURS,
    DARK,
    DASHES,
    GREY,
    LIGHT,
    Picture,
    begin,
    bytes_text,
    legend,
    make_readable,
    plain,
    short,
    style_of,
)
from cpnum.compare.errors import Array, errors_of
from cpnum.errors import CpnumError
from cpnum.show.timing import Timing, format_seconds

if TYPE_CHECKING:
    from cpnum.compare.result import Bench

# Letters in a line of the footer.
_FOOTER = 140


def plot(bench: Bench, kind: str, ax: Axes | None, **options: Any) -> Figure | Axes:
    """Draw a plot of a bench into a figure of its own, or into `ax`.

    Raises:  ValueError for an unknown kind, or an option that another kind has; CpnumError if the
             bench has not what it needs.
    """
    if kind not in _KINDS:
        raise ValueError(f"kind is one of {', '.join(_KINDS)}, not {kind!r}")
    draw, names = _KINDS[kind]
    given = {name: value for name, value in options.items() if value is not None}
    for name in given.keys() - names:
        raise ValueError(f"the plot {kind!r} has no option {name}")
    if ax is not None:
        draw(bench, ax, **given)
        return ax
    figure = Picture(figsize=(8, 4.6), dpi=100, layout="constrained", facecolor="white")
    ax = figure.add_subplot(facecolor="white")
    draw(bench, ax, **given)
    make_readable(ax)
    figure.alt = f"{ax.get_title(loc='left')}. {ax.get_xlabel()}; {ax.get_ylabel()}."
    notes = "; bands: quartiles; hollow: noisy" if kind == "sizes" else ""
    footer = f"{bench.machine}; {bench.versions}{notes}"
    figure.supxlabel(textwrap.fill(footer, _FOOTER), fontsize=7, color=GREY, x=0.01, ha="left")
    return figure


# -- time by size -------------------------------------------------------------------------------


def draw_sizes(bench: Bench, ax: Axes, relative_to: str | None = None) -> None:
    """Draw the time of an element by size, or the speed as a multiple of another one's."""
    title = f"{bench.name}: time of an element, less is better"
    label = "nanoseconds per element"
    if relative_to is not None:
        bench.row(relative_to)  # an unknown name is an error here
        title = f"{bench.name}: speed as a multiple of {relative_to}'s, more is better"
        label = f"times as fast as {relative_to}"
    begin(ax, title, "elements", label)
    for name in bench.names:
        _draw_line(bench, ax, name, relative_to)
    ax.set_xscale("log")
    if relative_to is None:
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(FuncFormatter(plain))
        ax.yaxis.set_minor_formatter(FuncFormatter(_plain_if_few(ax.get_ylim)))
    else:
        ax.set_ylim(bottom=0)
    _draw_caches(bench, ax)
    legend(ax)


def _plain_if_few(limits: Callable[[], tuple[float, float]]) -> Callable[[float, object], str]:
    """Return a formatter of the ticks between powers of ten, for axes of less than two of these."""

    def write(number: float, position: object) -> str:
        low, high = limits()
        first = round(number / 10 ** math.floor(math.log10(number)))
        return plain(number) if high / low < 100 and first in (2, 5) else ""

    return write


def _draw_line(bench: Bench, ax: Axes, name: str, relative_to: str | None) -> None:
    """Draw the medians, and their quartiles as a band; hollow markers are noisy."""
    rows = [(row, row.timing) for row in bench.rows if row.name == name and row.timing is not None]
    if not rows:
        return
    elements = [row.elements for row, _ in rows]
    medians, lower, upper = np.transpose([_band(bench, *each, relative_to) for each in rows])
    style = style_of(name, bench.names)
    ax.fill_between(elements, lower, upper, color=style.color, alpha=0.2, linewidth=0)
    ax.plot(elements, medians, label=name, markersize=6, linewidth=1.6, **style._asdict())
    noisy = [at for at, (_, timing) in enumerate(rows) if timing.noisy]
    ax.plot(
        np.take(elements, noisy), medians[noisy], style.marker, color=style.color, markersize=6,
        markerfacecolor="white",
    )  # fmt: skip


def _band(bench: Bench, row: Row, timing: Timing, relative_to: str | None) -> Any:
    """Return the median and the quartiles that are drawn for a row."""
    times = np.array([timing.median, *timing.quartiles])
    if relative_to is None:
        return times / row.elements * 1e9
    other = bench.row(relative_to, row.size).timing
    return np.full(3, np.nan) if other is None else other.median / times


def _draw_caches(bench: Bench, ax: Axes) -> None:
    """Mark where the arrays of the kernel fill each cache."""
    if bench.work is None:
        return
    low, high = ax.get_xlim()
    for name, size in bench.caches:
        elements = size / bench.work.element_bytes
        if low < elements < high:
            ax.axvline(elements, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
            at_the_edge = math.log(high / elements) < 0.15 * math.log(high / low)
            ax.annotate(
                f"{name}, {bytes_text(size)}", (elements, 1), (-3 if at_the_edge else 3, -3),
                fontsize=8, color=GREY, xycoords=ax.get_xaxis_transform(),
                textcoords="offset points", va="top", ha="right" if at_the_edge else "left",
            )  # fmt: skip


# -- time by number of calls --------------------------------------------------------------------


def draw_calls(bench: Bench, ax: Axes, size: int | None = None) -> None:
    """Draw the time of all calls so far, the first one cold, and where one overtakes another."""
    names = [name for name in bench.names if bench.row(name, size).timing is not None]
    crossings = _crossings(bench, names, size)
    last = max([1000.0, *(20.0 * calls for calls, _, _ in crossings)])
    calls = np.logspace(0, math.ceil(math.log10(last)), 200)
    title = f"{bench.name} of {bench.row(NUMPY, size).elements:,} elements: total time of all calls"
    begin(ax, f"{title}, compiling included", "calls", "total time")
    for at, name in enumerate(names):
        total = [bench.total_seconds(name, count, size) for count in calls]
        # Lines that meet have their markers in other places.
        ax.plot(
            calls, total, label=name, linewidth=1.8, markersize=6, markevery=(6 * at, 25),
            **style_of(name, bench.names)._asdict(),
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlim(1, calls[-1])
    ax.xaxis.set_major_formatter(FuncFormatter(plain))
    ax.yaxis.set_major_formatter(FuncFormatter(short))
    for at, (count, name, other) in enumerate(crossings):
        _mark(
            ax,
            count,
            bench.total_seconds(name, count, size),
            f"{name} overtakes {other}\nat call {count:,}",
            at,
        )
    if bench.break_even(CPNUM, NUMPY, size) == 1:
        _say(ax, f"{CPNUM} is ahead of {NUMPY} from the first call on")
    legend(ax)


def _crossings(bench: Bench, names: list[str], size: int | None) -> list[tuple[int, str, str]]:
    """Return from which call on one has taken less time than NumPy, or than cpnum.

    One that may be faster by chance, since the quartiles overlap, is left out.
    """
    found = []
    for other in (NUMPY, CPNUM):
        for name in names:
            mine, theirs = bench.row(name, size).timing, bench.row(other, size).timing
            if mine is None or theirs is None or mine.quartiles[1] >= theirs.quartiles[0]:
                continue
            calls = bench.break_even(name, other, size)
            if calls is not None and calls > 1:
                found.append((calls, name, other))
    return sorted(found)


def _mark(ax: Axes, x: float, y: float, text: str, at: int) -> None:
    """Mark a point, with a text at its lower right; at its upper left for every second one."""
    ax.plot([x], [y], "o", color=DARK, markersize=10, markerfacecolor="none", markeredgewidth=1.4)
    ax.annotate(
        text, (x, y), (-16, 18) if at % 2 else (16, -42), fontsize=9, color=DARK,
        textcoords="offset points", ha="right" if at % 2 else "left",
        arrowprops={"arrowstyle": "-", "color": GREY, "lw": 0.8},
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
    )  # fmt: skip


def _say(ax: Axes, text: str) -> None:
    ax.annotate(
        text, (0.98, 0.04), xycoords="axes fraction", ha="right", fontsize=9, color=DARK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
    )  # fmt: skip


# -- compile time -------------------------------------------------------------------------------

_REST = "the call itself"
# fmt: off
#    stage       colour, hatch
_STAGES = {
    "trace":    (COLOURS[0], ""),
    "simplify": (COLOURS[1], "//"),
    "schedule": (COLOURS[2], ""),
    "select":   (COLOURS[3], "\\\\"),
    "assign":   (COLOURS[4], ""),
    "emit":     (COLOURS[5], "xx"),
    "place":    (COLOURS[6], ""),
    "pack":     (GREY,       "//"),
    _REST:      (LIGHT,      ""),
}
# fmt: on


def draw_compile(bench: Bench, ax: Axes) -> None:
    """Draw the shares of the stages in the first call, cold and of a function made again."""
    first = bench.first.get(CPNUM)
    if first is None or first.again is None:
        raise CpnumError("nothing was compiled, so there are no stages to draw")
    begin(
        ax,
        f"{bench.name}: where the time of a first call goes",
        "percent of the time (legend: cold / made again)",
        "",
    )
    bars = {
        f"made again\n{format_seconds(first.again.median)}": _stages(
            first.again, first.again_stages
        ),
        f"cold\n{format_seconds(first.cold.median)}": _stages(first.cold, first.cold_stages),
    }
    left = np.zeros(len(bars))
    for stage, (colour, hatch) in _STAGES.items():
        seconds = [bar.get(stage, 0.0) for bar in bars.values()]
        widths = [100 * bar.get(stage, 0.0) / sum(bar.values()) for bar in bars.values()]
        name = "reading the pack" if stage == "pack" else stage
        times = " / ".join(map(format_seconds, reversed(seconds)))
        ax.barh(
            list(bars), widths, 0.6, left, label=f"{name}: {times}", color=colour, hatch=hatch,
            edgecolor="white",
        )  # fmt: skip
        left += widths
    ax.set_xlim(0, 100)
    ax.grid(False, axis="y")
    legend(ax, 3)


def _stages(call: Timing, stages: Mapping[str, float]) -> dict[str, float]:
    """Return the seconds of each stage, and those of the call that are of none."""
    return {**stages, _REST: max(0.0, call.median - sum(stages.values()))}


# -- roofline -----------------------------------------------------------------------------------


def draw_roofline(bench: Bench, ax: Axes) -> None:
    """Draw the speed for each size below the ceilings of this machine, measured now.

    Source:  Williams, Waterman and Patterson, "Roofline", CACM 52(4), 2009.
    """
    work = bench.work
    if work is None or not work.element_ops or bench.subject is None:
        raise CpnumError("a roofline needs a compiled function with operations")
    isa = bench.subject[0].isa
    dtype = np.dtype(work.dtype if work.dtype in ("float32", "float64") else np.float64)
    found = ceilings(dtype, bench.caches, None if isa is None else str(isa))
    begin(
        ax,
        f"{bench.name}: speed below the ceilings of this machine",
        "operations per byte (an elementary function is one operation)",
        "10⁹ operations a second",
    )
    intensity = work.element_ops / work.element_bytes
    turns = [found.peak / speed for speed in found.bandwidth.values()]
    x = np.array([min(*turns, intensity) / 4, max(*turns, intensity) * 4])
    for at, (name, speed) in enumerate(found.bandwidth.items()):
        turn = found.peak / speed
        line = np.array([x[0], turn])
        label = f"{name}, {speed / 1e9:,.0f} GB/s"
        ax.plot(line, line * speed / 1e9, color=GREY, linestyle=DASHES[at % 7], label=label)
    peak = f"peak, {found.peak / 1e9:,.0f}·10⁹ operations/s"
    ax.plot([min(turns), x[1]], [found.peak / 1e9] * 2, color=DARK, label=peak)
    rows = [row for row in bench.rows if row.name == CPNUM and row.timing is not None]
    speeds = [work.element_ops / row.element / 1e9 for row in rows if row.element]
    style = style_of(CPNUM, bench.names)
    ax.plot([intensity] * len(speeds), speeds, style.marker, color=style.color, label=CPNUM)
    ax.set_xscale("log")
    ax.set_yscale("log")
    for formatted in (ax.xaxis, ax.yaxis):
        formatted.set_major_formatter(FuncFormatter(plain))
    ax.xaxis.set_minor_formatter(FuncFormatter(_plain_if_few(ax.get_xlim)))
    ax.yaxis.set_minor_formatter(FuncFormatter(_plain_if_few(ax.get_ylim)))
    _name_points(
        ax, intensity, [(speed, row.elements) for speed, row in zip(speeds, rows, strict=True)]
    )
    legend(ax, 3)


# Points that are closer than this ratio are named together.
_CLOSE = 1.2


def _name_points(ax: Axes, x: float, points: list[tuple[float, int]]) -> None:
    """Write the numbers of elements beside points that stand above each other."""
    names: list[tuple[float, list[int]]] = []
    for y, elements in sorted(points):
        if names and y < _CLOSE * names[-1][0]:
            names[-1][1].append(elements)
        else:
            names.append((y, [elements]))
    for y, sizes in names:
        text = " to ".join(f"{size:,}" for size in sorted({min(sizes), max(sizes)}))
        ax.annotate(
            f"{text} elements", (x, y), (9, 0), fontsize=8, color=DARK,
            textcoords="offset points", va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip


# -- errors -------------------------------------------------------------------------------------


def draw_errors(bench: Bench, ax: Axes) -> None:
    """Draw the errors of cpnum and NumPy over the first argument."""
    if bench.subject is None:
        raise CpnumError("the function and its arguments are gone")
    found = errors_of(*bench.subject)
    begin(
        ax,
        f"{bench.name}: distance from the true result",
        found.argument,
        "ULP (units in the last place)",
    )
    series = {
        f"{name}, at most {error.max():.2f}": (found.values, error, style_of(name, []).color)
        for name, error in found.errors.items()
    }
    scatter_errors(ax, series)
    ax.axhline(0.5, color=GREY, linewidth=0.8, linestyle="--")
    ax.axhline(1.0, color=GREY, linewidth=0.8)
    legend(ax, markerscale=3)


def scatter_errors(
    ax: Axes, series: Mapping[str, tuple[Array, Array, str]], size: float = 2.5
) -> None:
    """Draw errors (values, errors, colour) as points; the first series has the largest ones."""
    for at, (name, (values, error, colour)) in enumerate(series.items()):
        ax.plot(
            values, error, "sDo^v"[at % 5], color=colour, markersize=size * (len(series) - at),
            alpha=0.5, markeredgewidth=0, label=name,
        )  # fmt: skip


# The function that draws each kind, and the options that it has.
_KINDS: dict[str, tuple[Callable[..., None], set[str]]] = {
    "sizes": (draw_sizes, {"relative_to"}),
    "calls": (draw_calls, {"size"}),
    "compile": (draw_compile, set()),
    "roofline": (draw_roofline, set()),
    "errors": (draw_errors, set()),
}
