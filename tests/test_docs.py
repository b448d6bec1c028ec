"""The documentation: its examples run, its lists are complete, and its links lead somewhere."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cases import ELEMENTARY, HERE

from cpnum.tables.ops import OPS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
README = (ROOT / "README.md").read_text(encoding="utf-8")


def page_name(path):
    return path.relative_to(ROOT).as_posix()


# -- examples -----------------------------------------------------------------------------------


@pytest.mark.skipif(not HERE, reason="no stencil pack fits this processor")
@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_examples_with_prompts_run(page):
    """The examples of a page are one session: later ones use the names of earlier ones."""
    # A fence would be taken for the end of the output above it.
    text = re.sub(r"^```.*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    scope = {"__name__": "__main__"}
    examples = doctest.DocTestParser().get_doctest(text, scope, page.name, page.name, 0)
    report = []
    doctest.DocTestRunner().run(examples, out=report.append)
    assert not report, "".join(report)


def test_examples_without_prompts_run():
    (example,) = re.findall(r"```python\n(?!>>>)(.*?)```", README, flags=re.DOTALL)
    command = [sys.executable, "-W", "error", "-c", example]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# -- lists --------------------------------------------------------------------------------------


def listed(start):
    """Return the names in the first backquotes of the paragraph of the page that starts so."""
    page = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    return page.partition(f"\n\n{start}`")[2].partition("`")[0].split()


LISTS = {
    "NumPy's: ": [op.name for op in OPS.values() if op.home == "numpy"],
    "SciPy's: ": [op.name for op in OPS.values() if op.home == "special"],
}


@pytest.mark.parametrize("start", LISTS)
def test_the_page_lists_all_operators_and_no_others(start):
    assert sorted(listed(start)) == sorted(LISTS[start])


def table_rows(page, header):
    """Return the rows of the table whose first line starts so, as lists of cells."""
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = text.partition(f"\n{header}")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_errors_of_all_elementary_functions_are_stated_and_allowed():
    rows = table_rows("docs/accuracy.md", "| function |")
    allowed = {op.name: op.ulp for op in ELEMENTARY}
    assert [name for name, *_ in rows] == list(allowed)
    for name, *errors in rows:
        assert all(float(error.rstrip("*")) <= allowed[name] for error in errors), name


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_times_of_all_elementary_functions_are_stated(dtype):
    rows = table_rows("docs/performance.md", f"| {dtype} |")
    assert [name for name, *_ in rows] == [op.name for op in ELEMENTARY]


def test_hooks_before_a_commit_are_the_checks_of_ci():
    hooks = re.findall(r"entry: (.*)", (ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\ncheck:")[2].partition("\n\n")[0]
    checks = re.findall(r"\$\(BIN\)/(.*)", recipe)
    assert [*hooks, "pytest"] == checks


# -- form ---------------------------------------------------------------------------------------


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 120


def anchors(page):
    """Return the anchors that a page's headings have where it is shown."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_within_the_project_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target
