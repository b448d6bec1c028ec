"""Sites: the places in the user's code where nodes were made."""

from __future__ import annotations

import bisect
import functools
import itertools
import linecache
import os
import sys
from types import CodeType
from typing import Any

import numpy as np

from cpnum.errors import OWN

# A code object and the offset of an instruction in it: cheap to note, once a traced operation.
Site = tuple[CodeType, int]
# A file and a line.
Location = tuple[str, int]

_NUMPY = os.path.dirname(np.__file__)

# A frame whose file name begins so is not the user's: NumPy and SciPy call tracers, too.
LIBRARIES = (
    OWN,
    _NUMPY + os.sep,
    os.path.join(os.path.dirname(_NUMPY), "scipy", ""),
)


def user_site() -> Site:
    """Return the site of the innermost frame of the user's code."""
    # It runs once a traced operation, so it saves the call of user_frame.
    frame = sys._getframe(2)
    while frame.f_code.co_filename.startswith(LIBRARIES) and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code, frame.f_lasti


def location(site: Site) -> Location:
    r"""Return the file and line of a site.

    >>> code = compile("x = (1 +\n f(2))", "cell.py", "exec")
    >>> location((code, 0))
    ('cell.py', 1)
    """
    code, offset = site
    starts, lines = _lines(code)
    return code.co_filename, lines[bisect.bisect_right(starts, offset) - 1]


@functools.lru_cache(maxsize=64)
def _lines(code: CodeType) -> tuple[list[int], list[int]]:
    starts = [(start, line or code.co_firstlineno) for start, _, line in code.co_lines()]
    return [start for start, _ in starts], [line for _, line in starts]


def described(site: Site) -> str:
    r"""Return a site as error messages show it, with the text of the line if Python finds it.

    >>> described((compile("\n\nx + y", "examples/heat.py", "exec"), 4))
    'heat.py, line 3'
    """
    filename, line = location(site)
    text = linecache.getline(filename, line).strip()
    return (
        f"{file_name(filename)}, line {line}:  {text}"
        if text
        else f"{file_name(filename)}, line {line}"
    )


def carets(site: Site) -> str:
    r"""Return a line that marks the expression of a site below its description, "" if unknown.

    >>> import linecache
    >>> linecache.cache["heat.py"] = 9, None, ["z = x + y\n"], "heat.py"
    >>> code = compile("z = x + y", "heat.py", "exec")
    >>> add = next(at for at, each in enumerate(code.co_positions()) if each[2:] == (4, 9))
    >>> print(described((code, 2 * add)), carets((code, 2 * add)), sep="\n")
    heat.py, line 1:  z = x + y
                          ^^^^^
    """
    position = position_of(site)
    before, separator, text = described(site).partition(":  ")
    if position is None or not separator:
        return ""
    line, last, start, end = position
    written = linecache.getline(site[0].co_filename, line).rstrip()
    # Python counts bytes.
    first = len(written.encode()[:start].decode()) - (len(written) - len(text))
    length = len(written.encode()[start:end].decode()) if last == line else len(text) - first
    if first < 0 or length < 1:
        return ""
    return " " * (len(before) + len(separator) + first) + "^" * length


def position_of(site: Site) -> tuple[int, int, int, int] | None:
    """Return where the expression of a site starts and ends: lines, then columns in bytes."""
    code, offset = site
    positions = itertools.islice(code.co_positions(), offset // 2, None)
    line, last, start, end = next(positions, (None,) * 4)
    if line is None or last is None or start is None or end is None:
        return None
    return line, last, start, end


def file_name(filename: str) -> str:
    """Return a file as users know it: its name without folders, or the cell of a notebook."""
    # Only IPython knows which cell one of its file names stands for.
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        cell = shell.compile.format_code_name(filename)
        if cell:
            return f"cell {cell[1].removeprefix('In[').removesuffix(']')}"
    return os.path.basename(filename)


def note_site(error: BaseException, site: Site) -> None:
    """Add a note with a site, once, to an error whose traceback does not come through it.

    >>> error = ZeroDivisionError("division by zero")
    >>> note_site(error, (compile("1 / n", "examples/heat.py", "exec"), 0))
    >>> error.__notes__
    ['  heat.py, line 1']
    """
    note = f"  {described(site)}"
    # The user's callback may raise one object again and again.
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)
