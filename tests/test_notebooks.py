"""The notebooks run from top to bottom: with answers, and without them and optional packages."""

import re
from pathlib import Path

import lessons
import nbformat
import pytest

SOURCES = pytest.mark.parametrize("source", lessons.SOURCES, ids=lambda path: path.stem)
COURSE = [path for path in lessons.SOURCES if path.name[0].isdigit()]
YOUR_TURN = "Your turn: "


def kinds(cell):
    """Return the kinds of a cell's outputs; their numbers differ from run to run."""
    return [
        (each.output_type, each.get("name") or sorted(each.get("data", {})))
        for each in cell.get("outputs", [])
    ]


def of_reader(cell):
    """Tell whether the outputs of a cell depend on the reader's answers."""
    return "exercise" in cell.metadata.get("tags", []) or "@learn.check" in cell.source


def verdicts(notebook):
    """Return what the checks of the exercises print."""
    return [
        "".join(each.get("text", "") for each in cell.outputs)
        for cell in notebook.cells
        if cell.cell_type == "code" and "@learn.check" in cell.source
    ]


def assert_no_complaints(notebook):
    for cell in notebook.cells:
        for each in cell.get("outputs", []):
            assert each.get("name") != "stderr", each.text
            if each.output_type == "error":
                assert "raises-exception" in cell.metadata.get("tags", []), cell.source


@SOURCES
def test_a_notebook_runs_with_answers_and_is_stored_as_it_runs(source):
    notebook = lessons.read(source)
    executed = lessons.run(lessons.answered(notebook))
    assert_no_complaints(executed)
    assert [each for each in verdicts(executed) if not each.startswith("Right.")] == []
    stored = nbformat.read(lessons.stored(source), as_version=4)
    for before, after in zip(stored.cells, executed.cells, strict=True):
        if not of_reader(before):
            assert kinds(before) == kinds(after), before.source


@SOURCES
def test_a_notebook_runs_without_answers_and_optional_packages(source):
    executed = lessons.run(lessons.read(source), lessons.OPTIONAL)
    assert_no_complaints(executed)
    left_out = "This cell was left out."
    assert [each for each in verdicts(executed) if not each.startswith((YOUR_TURN, left_out))] == []


@SOURCES
def test_a_notebook_is_stored_with_the_cells_of_its_source(source):
    stored = nbformat.read(lessons.stored(source), as_version=4)
    expected = lessons.read(source)
    assert stored.metadata == expected.metadata
    for before, after in zip(stored.cells, expected.cells, strict=True):
        assert (before.id, before.cell_type, before.metadata, before.source) == (
            after.id,
            after.cell_type,
            after.metadata,
            after.source,
        )
    code = [each for each in stored.cells if each.cell_type == "code"]
    assert [each.execution_count for each in code] == list(range(1, len(code) + 1))
    assert_no_complaints(stored)


@SOURCES
def test_a_stored_notebook_has_no_path_of_a_machine(source):
    text = lessons.stored(source).read_text(encoding="utf-8")
    assert re.findall(r"(?<![\w./])/(?:home|root|tmp|work|Users)/[^\s\"]*", text) == []


def test_the_course_is_complete():
    assert [path.name[:2] for path in COURSE] == [f"{number:02}" for number in range(14)]
    assert {path.stem for path in lessons.FOLDER.glob("*.ipynb")} == {
        path.stem for path in lessons.SOURCES
    }


@pytest.mark.parametrize("source", COURSE, ids=lambda path: path.stem)
def test_a_lesson_has_exercises_and_leads_to_the_next(source):
    text = source.read_text(encoding="utf-8")
    assert text.startswith(f"# %% [markdown]\n# # {source.name[:2]} · ")
    assert len(lessons.exercises(lessons.read(source))) >= 2
    following = COURSE[COURSE.index(source) + 1 :][:1]
    linked = re.findall(r"\]\(([\w-]+)\.ipynb\)", text)
    assert [each.stem for each in following] == linked[-1:] or not following


@SOURCES
def test_links_lead_to_notebooks_and_pages(source):
    for cell in lessons.read(source).cells:
        links = re.findall(r"\]\(([^)#]+)", cell.source) if cell.cell_type == "markdown" else []
        for target in links:
            assert target.startswith("https://") or (lessons.FOLDER / target).exists(), target


def test_the_page_of_contents_has_each_notebook():
    text = (lessons.FOLDER / "README.md").read_text(encoding="utf-8")
    for source in lessons.SOURCES:
        title = source.read_text(encoding="utf-8").split("\n")[1].removeprefix("# # ")
        assert f"[{title}]({source.stem}.ipynb)" in text


def test_an_exercise_without_an_answer_is_found():
    exercise = nbformat.v4.new_code_cell("mine = ...", metadata={"tags": ["exercise"]})
    with pytest.raises(ValueError, match="no answer stands behind the exercise\nmine"):
        lessons.exercises(nbformat.v4.new_notebook(cells=[exercise]))


def test_a_package_that_is_hidden_is_not_found():
    cells = ["import importlib.util, sys", "importlib.util.find_spec('matplotlib')"]
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    shown = lessons.run(notebook).cells[1].outputs
    assert "ModuleSpec" in shown[0].data["text/plain"]
    assert lessons.run(notebook, ["matplotlib"]).cells[1].outputs == []


def stored_outputs(stem):
    notebook = nbformat.read(lessons.FOLDER / f"{stem}.ipynb", as_version=4)
    return [(cell, each) for cell in notebook.cells for each in cell.get("outputs", [])]


def test_quickstart_shows_the_report_as_text_and_as_html():
    value, report = [
        each for cell, each in stored_outputs("quickstart") if cell.source.startswith("%%cpjit")
    ]
    assert value.output_type == "execute_result"
    assert '<div class="cpnum-report">' in report.data["text/html"]
    assert report.data["text/plain"].startswith("scaled(x: f64[:]) -> f64\n")


def test_errors_are_short():
    """A refusal is a message of a few lines, not a traceback."""
    for path in sorted(Path(lessons.FOLDER).glob("*.ipynb")):
        for cell, each in stored_outputs(path.stem):
            if each.output_type == "error":
                assert len(each.traceback) <= 6, cell.source


def test_errors_of_the_quickstart_teach():
    failed = [each for _, each in stored_outputs("quickstart") if each.output_type == "error"]
    assert [each.ename for each in failed] == ["TraceError"]
    assert "write np.where" in "\n".join(failed[0].traceback)
