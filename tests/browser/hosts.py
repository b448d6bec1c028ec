"""Pages that show the outputs of a notebook as its hosts do.

nbconvert is itself.  GitHub, VS Code and Colab cannot run here, so what is known of them is
imitated: which tags and attributes survive, which classes and variables tell of the theme, which of
their rules meet tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import nh3
from nbconvert import HTMLExporter
from nbformat import NotebookNode


def exported(notebook: NotebookNode, template: str, **options: object) -> str:
    """Return the page that `jupyter nbconvert --to html --template ...` writes."""
    page, _ = HTMLExporter(template_name=template, **options).from_notebook_node(notebook)
    return str(page)


def bare(reports: Sequence[str]) -> str:
    """Return a page with no style of its own."""
    return _page("".join(map(_output, reports)))


# -- GitHub -------------------------------------------------------------------------------------

# No `style`, `class` and `id`.
_KEPT = {
    "*": {"align", "title", "open", "dir", "lang"},
    "td": {"colspan", "rowspan", "valign", "width"},
    "th": {"colspan", "rowspan", "valign", "width"},
}

_GITHUB = """
body {font: 14px/1.5 sans-serif; color: #1f2328; background: #fff; margin: 16px}
table {display: block; width: max-content; max-width: 100%; overflow: auto;
  border-spacing: 0; border-collapse: collapse}
th, td {padding: 6px 13px; border: 1px solid #d1d9e0}
pre {padding: 16px; overflow: auto; font: 85%/1.45 monospace; background: #f6f8fa}
"""


def github(reports: Sequence[str]) -> str:
    """Return a page whose HTML is cleaned as harshly as GitHub may do it."""
    cleaned = [nh3.clean(each, attributes=_KEPT, link_rel=None) for each in reports]
    return _page("".join(map(_output, cleaned)), _GITHUB)


# -- VS Code ------------------------------------------------------------------------------------

# Class of the body -> foreground and background of the editor, and of preformatted text.
VSCODE = {
    "vscode-light": ("#3b3b3b", "#ffffff", "#3b3b3b", "#0000001f"),
    "vscode-dark": ("#cccccc", "#1f1f1f", "#d0d0d0", "#3c3c3c"),
    "vscode-high-contrast": ("#ffffff", "#000000", "#ffffff", "#ffffff1a"),
    "vscode-high-contrast-light": ("#292929", "#ffffff", "#292929", "#09345f"),
}

# It aligns tables to the right, takes their borders, and marks every second row.
_VSCODE = """
body {color: var(--vscode-editor-foreground); background: var(--vscode-editor-background);
  font-family: sans-serif; font-size: 13px; margin: 0; padding: 0 8px}
code {color: var(--vscode-textPreformat-foreground);
  background-color: var(--vscode-textPreformat-background); padding: 1px 3px}
table, thead, tr, th, td, tbody {border: none !important; border-spacing: 0;
  border-collapse: collapse}
table, th, tr {vertical-align: middle; text-align: right}
thead {font-weight: bold; background-color: rgba(130, 130, 130, 0.16)}
th, td {padding: 4px 8px}
tr:nth-child(even) {background-color: rgba(130, 130, 130, 0.08)}
.output {overflow-x: auto}
"""


def vscode(reports: Sequence[str], kind: str) -> str:
    """Return a page like that of outputs in VS Code; `kind` is one of `VSCODE`."""
    foreground, background, preformatted, behind = VSCODE[kind]
    variables = (
        f"--vscode-editor-foreground: {foreground}; --vscode-editor-background: {background}; "
        f"--vscode-foreground: {foreground}; --vscode-textPreformat-foreground: {preformatted}; "
        f"--vscode-textPreformat-background: {behind}; "
        "--vscode-editor-font-family: monospace; --vscode-editor-font-size: 14px"
    )
    outputs = "".join(map(_output, reports))
    return _page(outputs, _VSCODE, html=f'style="{variables}"', body=f'class="{kind}"')


# -- Colab --------------------------------------------------------------------------------------

_COLAB = """
body {font: 14px sans-serif; margin: 0; color: #212121; background: #fff}
html[theme=dark] body {color: #d5d5d5; background: #383838}
"""


def colab(reports: Sequence[str], theme: str) -> str:
    """Return a page in which each output is a page of its own, of theme "light" or "dark"."""
    frame = "border: 0; display: block; width: 100%; height: 4000px"
    pages = [_page(_output(each), _COLAB, html=f"theme={theme}") for each in reports]
    frames = [f'<iframe style="{frame}" srcdoc="{escape(each)}"></iframe>' for each in pages]
    return _page("".join(frames), "body {margin: 0}")


def _output(report: str) -> str:
    return f'<div class="output">{report}</div>'


def _page(content: str, style: str = "", *, html: str = "", body: str = "") -> str:
    return (
        f'<!DOCTYPE html><html {html}><head><meta charset="utf-8"><title>Reports</title>'
        f'<meta name="viewport" content="width=device-width"><style>{style}</style></head>'
        f"<body {body}>{content}</body></html>"
    )
