"""The notebook that the tests run: reports, errors, and things that a report must leave alone."""

from __future__ import annotations

from collections.abc import Sequence

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

_CLASS = "cpnum-report"
# A word in the output that is no report.
NEIGHBOUR = "beside reports"

_MARKDOWN = """# Reports

| a table | of Markdown |
| --- | --- |
| `code` | <kbd>key</kbd> <u>underlined</u> **bold** <span>span</span> |

```
a block
  of code
```

<details><summary>folded</summary><pre>inside</pre></details>
"""

_START = """%load_ext cpnum
import numpy as np
from IPython.display import HTML
from cpnum import cpjit

x = np.linspace(0.0, 1.0, 10_000)"""

_NEIGHBOUR = f'''HTML("""
<div>{NEIGHBOUR} <b>bold</b> <u>underlined</u> <span>span</span> <code>code</code> <kbd>key</kbd>
<mark>marked</mark> <s>struck</s> <sup>above</sup>
<table><thead><tr><th>name</th><th>number</th></tr></thead>
<tbody><tr><td>one</td><td>1</td></tr><tr><td colspan="2">both</td></tr></tbody></table>
<details><summary>folded</summary><pre>inside</pre></details></div>
""")'''

_SCALED = """%%cpjit
def scaled(x):
    return x * 2.5 + 1


scaled(x)"""

_HAVERSINE = """%%cpjit
def haversine(lat1, lon1, lat2, lon2):
    a = (
        np.sin((lat2 - lat1) / 2) ** 2
        + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * 6371.0 * np.arcsin(np.sqrt(a))


lat, lon = np.linspace(-1.5, 1.5, 100), np.linspace(-3.0, 3.0, 100)
km = haversine(lat[:, None], lon[:, None], lat, lon)"""

_HORNER = """%%cpjit
def horner(x):
    total = 0.0
    for power in range(30):
        total = total * x + 1.0 / (power + 1)
    return total


horner(x)"""

_TWO = """%%cpjit
def halved(x):
    return x / 2


def norm(x, y):
    return np.sqrt(x * x + y * y)


halved(x.astype("float32"))
halved(x)
norm(x, x[::-1])"""

_KEPT = """%%cpjit -o kept
def markup(x):  # <b> & "quotes" are text
    return np.where((x > 0.25) & (x < 0.75), x, 0.0)


markup(x)"""

_SHOWN_AGAIN = "kept"

_EXPLAINED = "cpjit(lambda x, y: np.exp(x) - y).explain(x, 2.0)"

# Each shows one report.
REPORTS = {
    "scaled": _SCALED,
    "haversine": _HAVERSINE,
    "horner": _HORNER,
    "two functions": _TWO,
    "kept": _KEPT,
    "shown again": _SHOWN_AGAIN,
    "explained": _EXPLAINED,
}

ERRORS = {
    "refused": """%%cpjit
def relu(x):
    if x > 0:
        return x
    return 0.0


relu(x)""",
    "unknown name": """%%cpjit
def wrong(x):
    return x + unknown


wrong(x)""",
    "shapes": """%%cpjit
def added(x, y):
    return x + y


added(np.ones(3), np.ones(4))""",
    "no Python": """%%cpjit
def broken(x:
    return x""",
    "unknown option": "%%cpjit --sped\nscaled(x)",
}


def notebook() -> NotebookNode:
    """Return the notebook, without outputs; cells have the names of `REPORTS` and `ERRORS`."""
    named = [
        *(_code(name, source) for name, source in REPORTS.items()),
        *(_code(name, source, tags=["raises-exception"]) for name, source in ERRORS.items()),
    ]
    cells = [
        new_markdown_cell(_MARKDOWN),
        new_code_cell(_START),
        new_code_cell(_NEIGHBOUR),
        *named,
        new_code_cell(_NEIGHBOUR),
    ]
    return notebook_of(cells)


def notebook_of(cells: Sequence[NotebookNode]) -> NotebookNode:
    """Return a notebook of some cells, which names its kernel: JupyterLab asks for no other."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(cells=list(cells), metadata={"kernelspec": kernel})


def _code(name: str, source: str, tags: list[str] | None = None) -> NotebookNode:
    return new_code_cell(source, metadata={"tags": tags or [], "cpnum": name})


def reports_of(notebook: NotebookNode) -> list[str]:
    """Return the HTML of each report that a notebook's cells show, in order."""
    outputs = [each for cell in notebook.cells for each in cell.get("outputs", ())]
    found = [each["data"].get("text/html", "") for each in outputs if "data" in each]
    return [each for each in found if _CLASS in each]


def read(text: str) -> NotebookNode:
    """Return the notebook of a file's text."""
    return nbformat.reads(text, as_version=4)


def written(notebook: NotebookNode) -> str:
    """Return the text of a notebook's file."""
    return nbformat.writes(notebook)
