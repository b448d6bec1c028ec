"""The notebooks run from top to bottom, in a kernel of this interpreter."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))

# In a process of its own, where the sockets that the kernel's client leaves open warn nobody.
EXECUTE = """
import sys
import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
manager = AsyncKernelManager(kernel_name="python3")
# Whatever kernel is installed under that name, it is this interpreter that is tested.
manager.kernel_spec.argv[0] = sys.executable
NotebookClient(notebook, km=manager, timeout=120).execute()
nbformat.write(notebook, sys.stdout)
"""


def text(source):
    return source if isinstance(source, str) else "".join(source)


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def executed(request):
    run = subprocess.run(
        [sys.executable, "-c", EXECUTE, request.param], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return request.param.stem, json.loads(run.stdout)["cells"]


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_stored_without_outputs(path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


def test_every_cell_runs_and_warns_of_nothing(executed):
    for cell in executed[1]:
        if cell["cell_type"] == "code":
            assert cell["execution_count"] is not None
            assert [] == [each for each in cell["outputs"] if each.get("name") == "stderr"]


def test_quickstart_shows_the_report_as_text_and_as_html(executed):
    name, cells = executed
    if name != "01-quickstart":
        pytest.skip("of another notebook")
    (cell,) = [each for each in cells if text(each["source"]).startswith("%%cpjit")]
    value, report = cell["outputs"]
    assert value["output_type"] == "execute_result"
    plain = text(report["data"]["text/plain"])
    assert '<div class="cpnum-report">' in text(report["data"]["text/html"])
    assert plain.startswith("scaled(x: f64[:]) -> f64\n")


def test_errors_of_the_quickstart_are_short(executed):
    _, cells = executed
    failed = [output for cell in cells for output in cell.get("outputs", []) if "ename" in output]
    assert [each["ename"] for each in failed] == ["TraceError"]
    for each in failed:
        assert len(each["traceback"]) <= 6
        assert "write np.where" in "\n".join(each["traceback"])
