"""Pictures of reports are drawn, and are small."""

from __future__ import annotations

from PIL import Image

from .pictures import PICTURES, draw_places, draw_report

# Of all pictures together.
BYTES = 1_500_000


def test_pictures_are_drawn(shows, say, tmp_path):
    draw_report(shows, tmp_path / "report.png")
    draw_places(shows, tmp_path)
    drawn = list(tmp_path.glob("*.png"))
    assert {each.stem for each in drawn} == {"report", *PICTURES}
    assert sum(each.stat().st_size for each in drawn) < BYTES
    for each in drawn:
        with Image.open(each) as picture:
            assert 400 <= picture.width <= 1280
            assert len(picture.getcolors()) > 10  # there is text
    say("pictures", tmp_path)
