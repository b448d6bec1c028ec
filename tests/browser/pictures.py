"""Draws reports as their hosts show them: `python -m tests.browser.pictures [--only NAME] FOLDER`.

The names of the pictures are those of `PICTURES`, and `report`, the one of the README.  `--only
course` draws all notebooks from top to bottom, for those who review them.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

from nbformat.v4 import new_code_cell
from PIL import Image
from playwright.sync_api import ElementHandle, Page

from .cells import notebook_of, written
from .chromium import chromium
from .places import NOTEBOOKS, WIDTHS, Opened, Shows, context

# Text and its smoothed edges need few colours; the files are a third of what they were.
_COLOURS = 128
_HEIGHT = 900

_START = """%load_ext cpnum
import numpy as np

x, y = np.linspace(0.0, 1.0, 100_000), np.linspace(1.0, 2.0, 100_000)"""
# What the README shows.
CELL = """%%cpjit
def bell(x, mean, width):
    z = (x - mean) / width
    return np.exp(-0.5 * z * z)


bell(x, 0.5, 0.1)"""

# To the cell with its code, where there are cells.
_SCROLL_TO_CELL = """element => (element.closest('.jp-Cell') ?? element).scrollIntoView()"""

# The height of all cells of a notebook, and of a part of them in a picture.
_CONTENT_HEIGHT = "() => document.querySelector('.jp-WindowedPanel-outer').scrollHeight"
_TO_THE_TOP = "() => { document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0; }"
_PART = 1800

# Picture -> the place, the width of the page, which of the reports.
PICTURES = {
    "lab-light": ("JupyterLab light, reports", 1280, 0),
    "lab-dark": ("JupyterLab dark, reports", 1280, 1),
    "lab-400px": ("JupyterLab light, reports", 400, 0),
    "like-github": ("like GitHub", 1280, 0),
}


def draw_places(shows: Shows, folder: Path) -> None:
    """Draw `PICTURES`."""
    for picture, (name, width, number) in PICTURES.items():
        shown = shows.place(name)
        shown.page.set_viewport_size({"width": width, "height": _HEIGHT})
        shown.reports[number].element.evaluate(_SCROLL_TO_CELL)
        _write(shown.page.screenshot(), folder / f"{picture}.png")
        shown.leave()


def draw_report(shows: Shows, path: Path, cell: str = CELL) -> None:
    """Draw the report of a cell in JupyterLab, from its top, 1280 pixels wide at most."""
    notebook = notebook_of([new_code_cell(_START), new_code_cell(cell)])
    page = context(shows.browser).new_page()
    opened = Opened(shows.server, page, "picture", written(notebook), run=True)
    opened.notebook.choose_theme("light")
    _write(_top_of(page, page.query_selector(".cpnum-report")), path)
    page.context.close()


def draw_course(shows: Shows, folder: Path) -> None:
    """Draw each notebook in parts of one height, after running it."""
    for name in NOTEBOOKS:
        opened = shows.opened(name)
        page = opened.page
        height = page.evaluate(_CONTENT_HEIGHT)
        page.set_viewport_size({"width": WIDTHS[0], "height": height + _HEIGHT})
        page.evaluate(_TO_THE_TOP)
        for number, top in enumerate(range(0, height, _PART)):
            part = {"x": 0, "y": top, "width": WIDTHS[0], "height": min(_PART, height - top)}
            _write(page.screenshot(clip=part), folder / f"{name}-{number}.png")
        page.context.close()


def _top_of(page: Page, element: ElementHandle) -> bytes:
    """Take a picture of an element, or of as much of it as is in the page."""
    page.set_viewport_size({"width": WIDTHS[0], "height": 2 * _HEIGHT})
    element.evaluate("element => element.scrollIntoView()")
    box = element.bounding_box()
    assert box is not None
    box["height"] = min(box["height"], _HEIGHT)
    return page.screenshot(clip=box)


def _write(png: bytes, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw all pictures, or one."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.pictures", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=["places", "report", "course"])
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        chromium() as browser,
        Shows(browser, Path(folder)) as shows,
    ):
        if options.only in (None, "report"):
            draw_report(shows, options.folder / "report.png")
        if options.only in (None, "places"):
            draw_places(shows, options.folder)
        if options.only == "course":
            draw_course(shows, options.folder)


if __name__ == "__main__":
    main()
