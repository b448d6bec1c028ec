"""Reports are right in every host: what they show, where, and in which colours."""

from __future__ import annotations

import io
import itertools

import pypdf
import pytest

from .places import PAPER, WIDTHS
from .shown import Source, labels, measure, squeezed

WIDE = WIDTHS[0]
# WCAG 2, level AA.
CONTRAST = 4.5
# So many of the rows are pointed at, and so many of the parts are folded.
SOME = 6


def some(all_of_them):
    """Return a few elements from all over a report."""
    return all_of_them[:: -(-len(all_of_them) // SOME)]


def check(place, width, name):
    """Measure each report; nothing may be found."""
    __tracebackhide__ = True
    place.show(width)
    found = list(itertools.chain.from_iterable(each.measure(name) for each in place.reports))
    assert not found, "\n".join(found)


def test_the_host_shows_reports(place):
    assert place.reports


# -- where it stands ----------------------------------------------------------------------------


def test_cells_and_code_are_aligned_to_the_left(place):
    if place.escaped:
        pytest.skip("the host aligns cells to the right, and drops what says otherwise")
    check(place, WIDE, "misaligned")


def test_nothing_is_outside_of_the_page(place, width):
    if place.printed:
        pytest.skip("paper has its own tests")
    check(place, width, "outside")


def test_a_wide_report_scrolls_inside_of_itself(place, width):
    if not place.styled or place.printed:
        pytest.skip("the output of the cell scrolls if there is no style sheet, and paper does not")
    check(place, width, "overflowing")


def test_what_comes_later_is_further_down(place, width):
    check(place, width, "disordered")


def test_indentation_is_kept(place):
    place.show(WIDE)
    for each in place.reports:
        measured = each.measure("indentation")
        assert measured["lost"] == []
        assert measured["kept"] > 0


def test_code_and_bytes_are_in_a_font_of_one_width(place):
    if place.escaped:
        pytest.skip("the host has another font even for <pre>")
    check(place, WIDE, "proportional")


# -- what it says -------------------------------------------------------------------------------


def test_all_text_is_shown_once_and_no_other(place):
    if place.escaped:
        pytest.skip("this host shows tags as text")
    place.show(WIDE)
    for each in place.reports:
        assert each.text == squeezed(Source(each.html).text)


def test_the_text_is_in_order(place):
    place.show(WIDE)
    for each in place.reports:
        text, at = each.text, 0
        for piece in map(squeezed, Source(each.html).pieces):
            at = text.find(piece, at)
            assert at >= 0, piece
            at += len(piece)


def test_the_holes_have_their_names(place):
    place.show(WIDE)
    for each in place.reports:
        seen = labels(each.measure("seenText").replace("\n", ""))
        assert len(set(seen)) >= 3
        assert seen == labels(Source(each.html).text)


# -- colours ------------------------------------------------------------------------------------


def check_contrast(reports):
    """Measure the colours of each text."""
    __tracebackhide__ = True
    measured = [each.measure("contrasts", CONTRAST) for each in reports]
    faint = [text for each in measured for text in each["faint"]]
    assert not faint, "\n".join(faint)
    assert min(each["smallest"] for each in measured) >= CONTRAST


def test_all_text_stands_out(place):
    place.show(WIDE)
    check_contrast(place.reports)


def test_all_text_stands_out_when_a_row_is_pointed_at_or_has_the_focus(place):
    if not place.styled:
        pytest.skip("nothing lights up")
    place.show(WIDE)
    report = place.reports[0]
    rows = report.element.query_selector_all("tr, summary, [tabindex]")
    for row in some(rows):
        row.hover()
        check_contrast([report])
        row.focus()
        check_contrast([report])


def test_the_rest_of_the_page_is_left_alone(place):
    if not place.styled:
        pytest.skip("there is no style sheet")
    place.show(WIDE)
    measured = measure(place.reports[0].element, "restyled")
    assert measured["sheets"] > 0
    assert measured["elements"] > 0
    assert measured["changed"] == []


_LIT = """line => {
  const of = [...line.closest('.cpnum-report').querySelectorAll('.' + line.classList[0])];
  return of.map(each => getComputedStyle(each).outlineStyle);
}"""


def test_a_line_and_its_code_light_up_together(place):
    if not place.styled:
        pytest.skip("nothing lights up")
    place.show(WIDE)
    (line, *_) = place.reports[0].element.query_selector_all("span[tabindex]")
    other = place.reports[0].element.query_selector("summary")
    other.hover()
    other.focus()
    assert set(line.evaluate(_LIT)) == {"none"}
    line.hover()
    lit = line.evaluate(_LIT)
    assert len(lit) > 2
    assert set(lit) == {"solid"}
    other.hover()
    line.focus()
    assert set(line.evaluate(_LIT)) == {"solid"}


# -- folding ------------------------------------------------------------------------------------


def test_parts_are_folded_and_opened_by_keyboard(place):
    if place.escaped:
        pytest.skip("nothing folds")
    place.show(WIDE)
    parts = place.reports[0].element.query_selector_all("details")
    assert parts
    for part in some(parts):
        summary = part.query_selector("summary")
        for key in ("Enter", "Space"):
            for opened in (False, True):
                summary.press(key)
                assert part.evaluate("part => part.open") is opened, key


def test_what_folds_looks_so(place):
    if place.escaped:
        pytest.skip("nothing folds")
    check(place, WIDE, "unmarked")


# -- paper --------------------------------------------------------------------------------------


def test_on_paper_nothing_is_cut_off(place):
    if not place.printed:
        pytest.skip("is no paper")
    check(place, PAPER, "cutOnPaper")


def test_on_paper_is_all_text(place):
    if not place.printed:
        pytest.skip("is no paper")
    place.show(PAPER)
    printed = pypdf.PdfReader(io.BytesIO(place.page.pdf(format="A4")))
    text = squeezed("".join(page.extract_text() for page in printed.pages))
    for each in place.reports:
        pieces = Source(each.html).pieces
        # The lines of two cells may be mixed, if they have several.
        missing = [one for one in pieces if not all(word in text for word in one.split())]
        assert missing == []
