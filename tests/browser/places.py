"""Where reports are shown: each host in each of its themes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from playwright.sync_api import Browser, BrowserContext, ElementHandle, Page

from . import cells, hosts, lab
from .shown import Shown

WIDTHS = (1280, 400)
_HEIGHT = 900
# A4, upright, between margins of 1 cm.
PAPER = 718

# The notebooks of the project, by name.
NOTEBOOKS = {
    path.stem: path for path in sorted(Path(__file__).parents[2].glob("notebooks/*.ipynb"))
}

_REPORTS, _OUTPUTS = ".cpnum-report", ".output"


@dataclass(frozen=True)
class Host:
    """A page for a notebook, and what the host does to a report.

    `selector` finds the reports.  `styled`: style sheets survive.  `escaped`: tags that the host
    does not know are shown as text.  `media` is what the browser says of its screen.
    """

    page: Callable[[NotebookNode], str]
    selector: str = _REPORTS
    styled: bool = True
    escaped: bool = False
    media: dict[str, Any] = field(default_factory=dict)


def _of_reports(page: Callable[..., str], *options: str) -> Callable[[NotebookNode], str]:
    return lambda notebook: page(cells.reports_of(notebook), *options)


def _exported(template: str, **options: object) -> Callable[[NotebookNode], str]:
    return lambda notebook: hosts.exported(notebook, template, **options)


_BARE = _of_reports(hosts.bare)
_FORCED = {"forced_colors": "active"}

HOSTS = {
    "nbconvert lab": Host(_exported("lab")),
    "nbconvert lab dark": Host(_exported("lab", theme="dark")),
    "nbconvert classic": Host(_exported("classic")),
    "nbconvert basic": Host(_exported("basic")),
    "nbconvert lab sanitized": Host(
        _exported("lab", sanitize_html=True), ".jp-RenderedHTML", styled=False, escaped=True
    ),
    "like GitHub": Host(_of_reports(hosts.github), _OUTPUTS, styled=False),
    **{f"like {kind}": Host(_of_reports(hosts.vscode, kind)) for kind in hosts.VSCODE},
    "like Colab light": Host(_of_reports(hosts.colab, "light")),
    "like Colab dark": Host(_of_reports(hosts.colab, "dark")),
    "no host": Host(_BARE),
    "no host, dark preferred": Host(_BARE, media={"color_scheme": "dark"}),
    "nbconvert lab, dark preferred": Host(_exported("lab"), media={"color_scheme": "dark"}),
    "forced colours": Host(_exported("lab"), media=_FORCED),
    "forced dark colours": Host(_exported("lab"), media={**_FORCED, "color_scheme": "dark"}),
    "paper": Host(_exported("lab"), media={"media": "print"}),
    "paper, dark theme": Host(_exported("lab", theme="dark"), media={"media": "print"}),
}

# In JupyterLab: which notebook, which theme.
LABS = {
    f"JupyterLab {theme}, {name}": (name, theme)
    for theme in lab.THEMES
    for name in ("reports", "quickstart", "untrusted")
}


@dataclass(frozen=True)
class Place:
    """Reports that are shown somewhere.

    `shared`: the page is JupyterLab's, which shows them in other themes too.
    """

    name: str
    page: Page
    reports: list[Shown]
    styled: bool = True
    escaped: bool = False
    printed: bool = False
    shared: bool = False

    def show(self, width: int) -> None:
        """Make the page so wide, and open all parts of the reports."""
        self.page.set_viewport_size({"width": width, "height": _HEIGHT})
        for each in self.reports:
            each.measure("openAll")

    def leave(self) -> None:
        """Close the page if nobody else needs it."""
        if not self.shared:
            self.page.context.close()


class Opened:
    """A notebook that is open in JupyterLab; `saved` is its file, `errors` those of the console."""

    def __init__(self, server: lab.Lab, page: Page, name: str, text: str, *, run: bool) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._listen)
        path = server.files / f"{name}.ipynb"
        path.write_text(text, encoding="utf-8")
        self.notebook = server.open(page, path.name)
        if run:
            self.notebook.run_all()
            self.notebook.save()
        self.saved = cells.read(path.read_text(encoding="utf-8"))

    def _listen(self, message: object) -> None:
        if getattr(message, "type", "") == "error":
            self.errors.append(str(message))


class Shows:
    """What is made once, when it is needed: the server, and each notebook with its outputs."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.browser = browser
        self._folder = folder
        self._stack = ExitStack()
        self._opened: dict[str, Opened] = {}

    def __enter__(self) -> Shows:
        """Leave it to others to ask for something."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the server."""
        self._stack.close()

    @functools.cached_property
    def server(self) -> lab.Lab:
        """JupyterLab."""
        return self._stack.enter_context(lab.served(self._folder / "lab"))

    @functools.cached_property
    def executed(self) -> str:
        """The file of the notebook of reports, with outputs; no server has seen it."""
        notebook = lab.executed(cells.notebook(), self._folder / "executed")
        return cells.written(notebook)

    def opened(self, name: str) -> Opened:
        """Open a notebook in JupyterLab, and run it if it is trusted."""
        if name not in self._opened:
            page = context(self.browser).new_page()
            run = name != "untrusted"
            self._opened[name] = Opened(self.server, page, name, self._text(name), run=run)
        return self._opened[name]

    def _text(self, name: str) -> str:
        if name == "untrusted":
            return self.executed
        if name in NOTEBOOKS:
            return NOTEBOOKS[name].read_text(encoding="utf-8")
        return cells.written(cells.notebook())

    def place(self, name: str) -> Place:
        """Show reports in one of `LABS` or `HOSTS`."""
        return self._in_lab(name) if name in LABS else self._hosted(name)

    def _in_lab(self, name: str) -> Place:
        file, theme = LABS[name]
        opened = self.opened(file)
        opened.notebook.choose_theme(theme)
        trusted = file != "untrusted"
        selector = _REPORTS if trusted else ".jp-RenderedHTML"
        reports = _shown(_elements(opened.page, selector), opened.saved)
        return Place(name, opened.page, reports, styled=trusted, shared=True)

    def _hosted(self, name: str) -> Place:
        host, notebook = HOSTS[name], cells.read(self.executed)
        path = self._folder / f"{name}.html"
        path.write_text(host.page(notebook), encoding="utf-8")
        page = context(self.browser, scripts=False).new_page()
        page.emulate_media(**host.media)
        page.goto(path.as_uri())
        reports = _shown(_elements(page, host.selector), notebook)
        printed = host.media.get("media") == "print"
        return Place(name, page, reports, host.styled, host.escaped, printed)


def context(browser: Browser, *, scripts: bool = True) -> BrowserContext:
    """Return a context in which pages are as wide as the first of the widths."""
    return browser.new_context(
        viewport={"width": WIDTHS[0], "height": _HEIGHT}, java_script_enabled=scripts
    )


def _elements(page: Page, selector: str) -> list[ElementHandle]:
    found = [each for frame in page.frames for each in frame.query_selector_all(selector)]
    return [each for each in found if cells.NEIGHBOUR not in (each.text_content() or "")]


def _shown(elements: Sequence[ElementHandle], notebook: NotebookNode) -> list[Shown]:
    return [Shown(*pair) for pair in zip(elements, cells.reports_of(notebook), strict=True)]
