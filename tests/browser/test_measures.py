"""The measures find each fault that they are for, and nothing in a page without faults."""

from __future__ import annotations

import pytest

from .places import WIDTHS, context
from .shown import Shown, Source, labels, measure, squeezed

REPORT = """<div class="cpnum-report"><style>
.cpnum-report {color: #222; background: #fff; overflow-x: auto; font: 13px monospace}
.cpnum-report pre, .cpnum-report td {margin: 0; white-space: pre; text-align: left}
</style><p>one function</p>
<details open><summary>Graph</summary><pre>f(x)
  %0 = add x 1
  return %0</pre></details>
<table><tr><td>0x00</td><td>62 f1 (f5) <u>[STEP 08 00]</u></td></tr>
<tr><td>0x06</td><td>0f 8e [HEAD c5 ff]</td></tr></table></div>"""

PAGE = f"""<!DOCTYPE html><body><h1>title</h1><table><tr><td>neighbour</td></tr></table>
<div class="output">{REPORT}</div></body>"""


@pytest.fixture(scope="module")
def page(browser):
    page = context(browser).new_page()
    yield page
    page.context.close()


@pytest.fixture
def shown(page):
    def show(html=PAGE, width=1280):
        page.set_viewport_size({"width": width, "height": 900})
        page.set_content(html)
        return Shown(page.query_selector(".cpnum-report"), REPORT)

    return show


def spoiled(*changes):
    """Return the page with texts replaced."""
    html = PAGE
    for old, new in changes:
        assert html.count(old) == 1, old
        html = html.replace(old, new)
    return html


def ruled(rule):
    """Return the page with a rule added to the style of the report."""
    return spoiled(("</style>", f"{rule}</style>"))


@pytest.mark.parametrize(
    "name",
    [
        "misaligned",
        "outside",
        "overflowing",
        "disordered",
        "unmarked",
        "proportional",
        "cutOnPaper",
    ],
)
def test_nothing_is_found_in_a_good_page(shown, name):
    for width in WIDTHS:
        assert shown(width=width).measure(name) == []


# What is wrong, a measure that finds it, a part of what it says.
FAULTS = {
    "cells to the right": (
        ruled("table td.td, table td {text-align: right !important}"),
        "misaligned",
        '<td> "0x00" is aligned to right',
    ),
    "code in the middle": (
        ruled(".cpnum-report pre {text-align: center}"),
        "misaligned",
        '<pre> "f(x) %0 = add x 1 return %0" is aligned to center',
    ),
    "heads in the middle": (
        spoiled(("<tr><td>0x00</td>", "<tr><th>0x00</th>")),
        "misaligned",
        '<th> "0x00" is aligned to center',
    ),
    "too wide a report": (
        ruled(".cpnum-report {width: 2000px}"),
        "outside",
        "px right of the page",
    ),
    "a report left of the page": (
        ruled(".cpnum-report {margin-left: -50px}"),
        "outside",
        "px left of the page",
    ),
    "text that leaves the page": (
        ruled(".cpnum-report {overflow: visible} .cpnum-report p {margin-left: 1250px}"),
        "outside",
        '<p> "one function" leaves the page',
    ),
    "text that is cut off": (
        ruled(".cpnum-report td {overflow: hidden; display: block; width: 60px}"),
        "outside",
        '<td> "62 f1 (f5) [STEP 08 00]" is cut off',
    ),
    "a first column beyond the edge": (
        ruled(".cpnum-report td:first-child {padding-left: 2000px}"),
        "outside",
        '<tr> "0x0062 f1 (f5) [STEP 08 00]" begins out of sight',
    ),
    "a first column before the edge": (
        ruled(".cpnum-report table {margin-left: -30px}"),
        "outside",
        '<tr> "0x060f 8e [HEAD c5 ff]" begins out of sight',
    ),
    "a report that its output must scroll": (
        ruled(".output {overflow: auto} .cpnum-report {width: 2000px}"),
        "overflowing",
        "px wider than the output of its cell",
    ),
    "a report that is wider than paper": (
        ruled(".cpnum-report p {width: 2000px}"),
        "cutOnPaper",
        "are cut off",
    ),
    "rows from bottom to top": (
        ruled(".cpnum-report tbody {display: flex; flex-direction: column-reverse}"),
        "disordered",
        '<tr> "0x060f 8e [HEAD c5 ff]" stands before <tr> "0x0062 f1',
    ),
    "columns from right to left": (
        ruled(".cpnum-report tr {display: flex; flex-direction: row-reverse; width: 20em}")
        .replace("<td>", "<td><p>")
        .replace("</td>", "</p></td>"),
        "disordered",
        'stands before <p> "0x00"',
    ),
    "a part before the header": (
        ruled(".cpnum-report {position: relative} details {position: absolute; top: -80px}"),
        "disordered",
        '<summary> "Graph" stands before <p> "one function"',
    ),
    "a head of a part without a mark": (
        ruled("summary {display: block}"),
        "unmarked",
        '<summary> "Graph" has no mark',
    ),
    "code in a font for prose": (
        ruled(".cpnum-report pre {font-family: sans-serif}"),
        "proportional",
        "is in sans-serif",
    ),
    "bytes in a font for prose": (
        ruled(".cpnum-report td {font-family: serif}"),
        "proportional",
        '<td> "62 f1 (f5) [STEP 08 00]" is in serif',
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(shown, fault):
    page, name, sentence = FAULTS[fault]
    found = shown(page).measure(name)
    assert any(sentence in each for each in found), found


# -- indentation --------------------------------------------------------------------------------


def test_indentation_is_found(shown):
    assert shown().measure("indentation") == {"kept": 2, "lost": []}


@pytest.mark.parametrize("rule", ["white-space: normal", "white-space: pre-line"])
def test_lost_indentation_is_found(shown, rule):
    measured = shown(ruled(f".cpnum-report pre {{{rule} !important}}")).measure("indentation")
    assert measured["kept"] == 0
    assert measured["lost"] == ['"  %0 = add x 1"', '"  return %0"']


# -- colours ------------------------------------------------------------------------------------

COLOURS = {
    "black on white": ("color: #000; background: #fff", 21.0),
    "grey on white": ("color: #777; background: #fff", 4.48),
    "white on white": ("color: #fff; background: #fff", 1.0),
    "a ground that shines through": ("color: #fff; background: rgb(0 0 0 / 50%)", 3.98),
    "text that is half there": ("color: #000; opacity: 0.5", 3.98),
    "the dark end of a gradient": (
        "color: #000; background-image: linear-gradient(#ffffff, #000000)",
        1.0,
    ),
    "a colour of another space": ("color: oklch(0 0 0); background: color(srgb 1 1 1)", 21.0),
}


@pytest.mark.parametrize("colours", COLOURS)
def test_contrast_is_computed(shown, colours):
    rule, expected = COLOURS[colours]
    measured = shown(ruled(f".cpnum-report p {{{rule}}}")).measure("contrasts", 4.5)
    # The other texts have 15.9.
    assert measured["smallest"] == pytest.approx(min(expected, 15.9), abs=0.05)
    assert bool(measured["faint"]) == (expected < 4.5)


def test_what_the_browser_paints_is_the_last_ground(page):
    page.emulate_media(color_scheme="dark")
    page.set_content("<html style='color-scheme: dark'><p style='color: #000'>text</p></html>")
    measured = measure(page.query_selector("p"), "contrasts", 4.5)
    page.emulate_media(color_scheme="light")
    assert measured["smallest"] < 1.5


# -- text ---------------------------------------------------------------------------------------


def test_the_text_is_that_of_the_source(shown):
    assert shown().text == squeezed(Source(REPORT).text)
    assert labels(Source(REPORT).text) == ["STEP", "HEAD"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<p>one function</p>", "<p>one function</p><p>one function</p>"),
        ("<p>one", "<p hidden>one"),
        ("<p>one", "<p style='visibility: hidden'>one"),
        ("<details open>", "<details>"),
        ("<style>", "<style style='display: block'>"),
        ("<u>", "<u>doubled"),
    ],
)
def test_text_that_is_missing_or_too_much_is_found(shown, old, new):
    assert shown(spoiled((old, new))).text != squeezed(Source(REPORT).text)


def test_all_parts_are_opened(shown):
    report = shown(spoiled(("<details open>", "<details>")))
    report.measure("openAll")
    assert report.text == squeezed(Source(REPORT).text)


# -- the rest of the page -----------------------------------------------------------------------


def test_a_rule_for_the_report_alone_changes_nothing_else(shown):
    measured = shown().measure("restyled")
    assert measured["sheets"] == 1
    assert measured["elements"] >= 6
    assert measured["changed"] == []


@pytest.mark.parametrize(
    "rule",
    [
        "td {padding-left: 3px}",
        "table {border-collapse: collapse}",
        "h1 {font-size: 40px}",
        "body {line-height: 3}",
        ".output {display: flex}",
        ":root {color: #123456}",
    ],
)
def test_a_rule_for_more_than_the_report_is_found(shown, rule):
    assert shown(ruled(rule)).measure("restyled")["changed"]


# -- errors -------------------------------------------------------------------------------------


def test_the_lines_of_an_error_are_counted(page):
    page.set_content(
        "<style>pre {width: 100px; font: 10px/20px monospace; padding: 7px; white-space: pre-wrap}"
        '</style><div class="jp-OutputArea-output" data-mime-type="application/vnd.jupyter.stderr">'
        f"<pre>two\nlines\n{'wrapped ' * 4}</pre></div>"
    )
    (error,) = measure(page.query_selector("body"), "errors")
    assert error["lines"] == 4
    assert error["text"].startswith("two\n")
