"""The notebooks: read from their sources, run, and stored with outputs, for `make notebooks`.

    python tests/lessons.py         run all, and store each beside its source
    python tests/lessons.py 03 06   those whose names begin so

A source is jupytext's `py:percent`.  A cell with the tag "exercise" is the reader's; the next
<details> has the answer.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

# Its path is not stored: it is one of this machine.
_ROOT = Path(__file__).parents[1]
FOLDER = _ROOT / "notebooks"
SOURCES = sorted(FOLDER.glob("*.py"))
# Packages that no notebook may need: it runs to its end without them, and says what is missing.
OPTIONAL = """
ziglang elftools matplotlib numexpr numba llvmlite wasmtime pandas xarray dask cloudpickle scipy
""".split()

_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
_ANSWER = re.compile(r"<details>.*?^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)

# In a process of its own, where the sockets that the kernel's client leaves open warn nobody.
_EXECUTE = """
import sys
import tempfile
import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

folder, launcher, *hidden = sys.argv[1:]
notebook = nbformat.reads(sys.stdin.read(), as_version=4)
# By sockets that are files: another kernel that starts at the same time may take a port.
with tempfile.TemporaryDirectory() as sockets:
    manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=sockets + "/kernel")
    # Whatever kernel is installed under that name, it is this interpreter that runs them.
    manager.kernel_spec.argv[:] = [sys.executable, launcher, *hidden, "-f", "{connection_file}"]
    client = NotebookClient(
        notebook,
        km=manager,
        timeout=240,
        coalesce_streams=True,
        record_timing=False,
        resources={"metadata": {"path": folder}},
    )
    client.execute()
nbformat.write(notebook, sys.stdout)
"""


def read(source: Path) -> NotebookNode:
    """Return the notebook of a source, without outputs."""
    notebook = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent")
    notebook.metadata = nbformat.from_dict({"kernelspec": _KERNEL})
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02}"  # the same in each run
    nbformat.validate(notebook)
    return notebook


def exercises(notebook: NotebookNode) -> list[tuple[int, str]]:
    """Return the place of each exercise in the cells, with its answer."""
    found = []
    for at, cell in enumerate(notebook.cells):
        if "exercise" in cell.metadata.get("tags", []):
            behind = (each.source for each in notebook.cells[at + 1 :])
            answer = next(filter(None, map(_ANSWER.search, behind)), None)
            if answer is None:
                raise ValueError(f"no answer stands behind the exercise\n{cell.source}")
            found.append((at, answer[1].rstrip()))
    return found


def answered(notebook: NotebookNode) -> NotebookNode:
    """Return a notebook with the folded answers in the reader's cells."""
    copy = nbformat.from_dict(notebook)
    for at, answer in exercises(notebook):
        copy.cells[at].source = answer
    return copy


def run(notebook: NotebookNode, without: Sequence[str] = ()) -> NotebookNode:
    """Run all cells, in a kernel that does not find some packages; return it with the outputs.

    Raises:  RuntimeError if a cell fails, unless it has the tag "raises-exception".
    """
    launcher = Path(__file__).with_name("kernel.py")
    done = subprocess.run(
        [sys.executable, "-c", _EXECUTE, FOLDER, launcher, *without],
        input=nbformat.writes(notebook),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    executed = nbformat.reads(done.stdout, as_version=4)
    executed.metadata.pop("language_info", None)  # it tells the version of Python
    for cell in executed.cells:
        if "outputs" in cell:
            cell.outputs = [each for each in cell.outputs if not _is_progress(each)]
    return executed


def _is_progress(output: NotebookNode) -> bool:
    """Tell whether an output says how far a long run has come, which short ones do not."""
    return output.get("data", {}).get("text/plain", "").startswith("cpnum.bench: ")


def stored(source: Path) -> Path:
    """Return the path of a source's notebook."""
    return source.with_suffix(".ipynb")


def main(words: Sequence[str]) -> None:
    """Run the notebooks whose names begin with one of the words, and store them."""
    for source in SOURCES:
        if not words or source.name.startswith(tuple(words)):
            text = nbformat.writes(run(read(source))).replace(str(_ROOT), "...")
            stored(source).write_text(f"{text}\n", encoding="utf-8")
            print(stored(source), f"{stored(source).stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
