"""How plots look: colours, markers, texts; a figure without matplotlib's global state.

Colours are those of Okabe and Ito, and each line has its own marker and dashes.
"""

from __future__ import annotations

import io
import math
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cpnum.compare.competitors import CPNUM, NUMPY
from cpnum.show.timing import format_seconds

DARK, GREY, LIGHT = "#222222", "#767676", "#d9d9d9"
# Okabe and Ito, "Color Universal Design", 2008, without the yellow, which is too light for lines.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = "osD^vPX"
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)))
_NAMES = (CPNUM, NUMPY, "numexpr", "numba")


class Style(NamedTuple):
    """The colour, marker and dashes of a line."""

    color: str
    marker: str
    linestyle: Any


def style_of(name: str, names: list[str]) -> Style:
    """Return the style of a competitor: its own, or one that no other of `names` has.

    >>> style_of("cpnum", ["mine", "cpnum"]).color, style_of("mine", ["mine", "cpnum"]).color
    ('#D55E00', '#E69F00')
    """
    others = [each for each in names if each not in _NAMES]
    at = _NAMES.index(name) if name in _NAMES else len(_NAMES) + others.index(name)
    at %= len(COLOURS)
    return Style(COLOURS[at], _MARKERS[at], DASHES[at])


class Picture(Figure):
    """A figure that notebooks show, with a text for those who do not see it."""

    alt = ""

    def _repr_png_(self) -> tuple[bytes, dict[str, str]]:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue(), {"alt": self.alt, "needs_background": "light"}


def make_readable(ax: Axes) -> None:
    """Give all texts and lines of the frame a dark colour, whatever the user's style is."""
    ax.title.set_color(DARK)
    ax._left_title.set_color(DARK)  # type: ignore[attr-defined]
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set_color(DARK)
        axis.set_tick_params(which="both", colors=DARK, labelcolor=DARK)
    for spine in ax.spines.values():
        spine.set_color(GREY)
    legend = ax.get_legend()
    for text in legend.get_texts() if legend is not None else ():
        text.set_color(DARK)


def begin(ax: Axes, title: str, x: str, y: str) -> None:
    """Give axes their title, labels and grid."""
    ax.set_title(title, loc="left", fontsize=11)
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.grid(True, which="major", color=LIGHT, linewidth=0.6)
    ax.set_axisbelow(True)


def legend(ax: Axes, columns: int = 7, **options: Any) -> None:
    """Put the legend between title and axes, where it covers nothing."""
    handles, _ = ax.get_legend_handles_labels()
    ax.legend(
        loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=columns, frameon=False, fontsize=9,
        borderaxespad=0.2, handlelength=2.8, columnspacing=1.4, **options,
    )  # fmt: skip
    rows = math.ceil(len(handles) / columns)
    ax.set_title(ax.get_title(loc="left"), loc="left", fontsize=11, pad=8 + 16 * rows)


# -- numbers ------------------------------------------------------------------------------------


def plain(number: float, position: object = None) -> str:
    """Write the number of a tick without an exponent.

    >>> plain(0.1), plain(1000.0)
    ('0.1', '1,000')
    """
    return f"{number:,.0f}" if number >= 1 else f"{number:.6f}".rstrip("0")


def short(seconds: float, position: object = None) -> str:
    """Write the seconds of a tick.

    >>> short(1e-5), short(1.0)
    ('10 µs', '1 s')
    """
    number, unit = format_seconds(seconds).split()
    return f"{float(number):g} {unit}"


def bytes_text(size: int) -> str:
    """Write the size of a cache.

    >>> bytes_text(1 << 15), bytes_text(3 << 19)
    ('32 KB', '1.5 MB')
    """
    return f"{size / 1024:g} KB" if size < 1 << 20 else f"{size / (1 << 20):g} MB"
