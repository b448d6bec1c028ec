"""What the tests of listings and reports share: a kernel with many kinds of steps."""

import re

import numpy as np
import pytest

from cpnum import cpjit
from cpnum.run import memory
from cpnum.tables import isa

MARKS = re.compile(r"\[[A-Z]\w* |[\[\]()]")

runs = pytest.mark.skipif(
    isa.host() is None or memory.mode()[0] == "none", reason="machine code cannot run here"
)


def wave(x, y, a):
    return np.where(x > y, np.sin(x) * a, np.exp(-y)) / 3.0


def arguments():
    # One contiguous, one strided, broadcast along an outer axis; one scalar.
    return np.linspace(0.1, 2.0, 21).reshape(3, 7), np.linspace(1.0, 5.0, 14)[::2], 2.5


def code_bytes(tables):
    """Return the bytes that the code's tables show."""
    rows = [row for table in tables if table.title.startswith("Code") for row in table.rows]
    return bytes.fromhex(" ".join(MARKS.sub("", row[1]) for row in rows if len(row) > 1))


def view_bytes(view, data):
    """Return the bytes that a view shows; copies of a stencil are only named by their offsets."""
    rows = [row for section in view.sections for row in section.rows]
    shown = {}
    for each in (*(line for row in rows for line in row.instructions), *view.constants):
        shown[int(each.offset, 0)] = bytes.fromhex(MARKS.sub("", each.bytes))
    for row in rows:
        for offset in row.copies:
            shown[offset] = data[offset : offset + row.size]
    return b"".join(shown[at] for at in sorted(shown))


def explained(function, *values, timed=False, out=None, **keywords):
    return cpjit(function).report((values, out, keywords), timed=timed)
