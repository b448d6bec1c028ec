"""What only JupyterLab shows: errors in cells, its console, the time that a report takes."""

from __future__ import annotations

import pytest

from .cells import ERRORS, REPORTS, reports_of
from .places import NOTEBOOKS
from .shown import Shown, measure

# An error of cpnum is read at a glance.  One of the user's function has the frames that it has in
# any cell, and a line that says that frames are hidden.
LINES = 6
FRAMES = {"unknown name": 16}
# A report is loaded and laid out without a pause.  The machine may be a slow one, or busy.
BYTES = 150_000
MILLISECONDS = 400


def test_every_report_is_small(shows, say):
    reports = reports_of(shows.opened("reports").saved)
    assert len(reports) >= len(REPORTS)
    sizes = [len(each.encode()) for each in reports]
    say("bytes of HTML", sizes)
    assert max(sizes) <= BYTES


def test_every_report_is_rendered_without_a_pause(shows, say):
    opened = shows.opened("reports")
    elements = opened.page.query_selector_all(".cpnum-report")
    pairs = zip(elements, reports_of(opened.saved), strict=True)
    times = [Shown(*each).measure("milliseconds") for each in pairs]
    say("milliseconds to render", [round(each) for each in times])
    assert max(times) <= MILLISECONDS


def test_an_error_is_a_few_lines(shows):
    page = shows.opened("reports").page
    page.set_viewport_size({"width": 1280, "height": 900})
    errors = measure(page.query_selector("body"), "errors")
    assert len(errors) == len(ERRORS)
    long = [
        f"{each['lines']} lines:\n{each['text']}"
        for name, each in zip(ERRORS, errors, strict=True)
        if each["lines"] > FRAMES.get(name, LINES)
    ]
    assert not long, "\n".join(long)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_cell_of_a_notebook_runs(shows, name):
    opened = shows.opened(name)
    code = [each for each in opened.saved.cells if each.cell_type == "code"]
    assert all(each.execution_count for each in code)
    for cell in code:
        kinds = [output.output_type for output in cell.outputs]
        assert "error" not in kinds or "raises-exception" in cell.metadata.get("tags", ())
    assert opened.errors == []
    if name != "quickstart":  # others look at it as well
        opened.page.context.close()


@pytest.mark.parametrize("name", ["reports", "quickstart", "untrusted"])
def test_the_console_has_no_errors(shows, name):
    assert shows.opened(name).errors == []
