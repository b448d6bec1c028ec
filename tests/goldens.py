"""Texts that are compared with files in tests/golden.

`CPNUM_UPDATE_GOLDEN=1 python -m pytest tests` writes the files anew; look at the difference.
"""

import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("golden")


def compare(name, text):
    """The text is that of the file."""
    path = FOLDER / f"{name}.txt"
    if os.environ.get("CPNUM_UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    if not path.exists():
        pytest.fail(f"no {path.name} in tests/golden: run the test with CPNUM_UPDATE_GOLDEN=1")
    assert path.read_text(encoding="utf-8") == text
