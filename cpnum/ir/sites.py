"""Sites: the places in the user's code where nodes were made."""

from __future__ import annotations

import bisect
import functools
import itertools
import linecache
import os
import sys
from types import CodeType, FrameType
from typing import Any

import numpy as np

from cpnum.errors import OWN
from cpnum.remembered import Remembered

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

_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep

# Whose code a file has: the user's, that of one of LIBRARIES, or of another package.
USERS, OURS, INSTALLED = "user's", "ours", "installed"

_PACKAGES = ("site-packages", "dist-packages")

# Each file that was asked for, and whose code it has.
OWNERS: Remembered[str, str] = Remembered()


def owner_of(filename: str) -> str:
    """Return whose code a file has.

    >>> owner_of("heat.py"), owner_of(np.__file__), owner_of(os.__file__)
    ("user's", 'ours', 'installed')
    """
    known = OWNERS.get(filename)
    if known is None:
        ours = filename.startswith(LIBRARIES)
        owner = OURS if ours else INSTALLED if is_installed(filename) else USERS
        known = OWNERS.remember(filename, owner)
    return known


def is_installed(filename: str) -> bool:
    """Tell whether a file is of the standard library or of an installed package."""
    return _folder(filename) is not None or filename.startswith(_STANDARD_LIBRARY)


def _folder(filename: str) -> str | None:
    """Return the name of the folder of installed packages that a file is in, None without one."""
    folders = filename.split(os.sep)
    return next((each for each in _PACKAGES if each in folders), None)


class LibrarySite(tuple[CodeType, int]):
    """A site in an installed library, with the `caller`: the site where the user called it."""

    caller: Site

    @property
    def is_shown(self) -> bool:
        """Tell whether messages show it: nobody looks for a mistake in Python's own library."""
        return not of_python(self[0])


def user_site() -> Site:
    """Return the site of the innermost frame of the user's code, or of a library's."""
    return site_inside(outside_of_numpy(sys._getframe(2)))


def outside_of_numpy(frame: FrameType) -> FrameType:
    """Return a frame, or else the first one that called it that is not of cpnum or NumPy."""
    # It runs once a traced operation that comes through NumPy.
    while owner_of(frame.f_code.co_filename) is OURS and frame.f_back is not None:
        frame = frame.f_back
    return frame


def site_inside(frame: FrameType) -> Site:
    """Return the site of a frame, with that of the caller if it is of a library."""
    site = frame.f_code, frame.f_lasti
    if owner_of(frame.f_code.co_filename) is not INSTALLED:
        return site
    called = calling(frame)
    if called is frame:
        return site
    inside = LibrarySite(site)
    inside.caller = called.f_code, called.f_lasti
    return inside


def calling(frame: FrameType) -> FrameType:
    """Return the frame of the user's code that a library's frame was called by.

    A traced function that is installed stands for the user's code, and so does the innermost frame
    if all of the code is installed.
    """
    innermost = frame
    while owner_of(frame.f_code.co_filename) is INSTALLED:
        caller = frame.f_back
        if caller is None:
            return innermost
        if caller.f_code.co_filename.startswith(OWN):
            return frame
        frame = outside_of_numpy(caller)
    return frame


def caller_of(site: Site) -> Site:
    """Return the site of the user's code: that of the call if a site is in a library."""
    return site.caller if isinstance(site, LibrarySite) else site


def of_python(code: CodeType) -> bool:
    """Tell whether code is of Python's standard library.

    >>> import json
    >>> of_python(json.dumps.__code__), of_python(np.sum.__wrapped__.__code__)
    (True, False)
    """
    name = code.co_filename
    return name.startswith(_STANDARD_LIBRARY) and _folder(name) is None


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
    """Return a file as users know it: its name without folders, or the cell of a notebook.

    A file of a package has the folders inside of the package.
    """
    # Only IPython knows which cell one of its file names stands for.
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        cell = shell.compile.format_code_name(filename)
        if cell:
            return f"cell {cell[1].removeprefix('In[').removesuffix(']')}"
    folder = _folder(filename)
    if folder is not None:
        return filename.rpartition(os.sep + folder + os.sep)[2]
    return os.path.basename(filename)


def note_site(error: BaseException, site: Site) -> None:
    """Add a note with a site, once, to an error whose traceback does not come through it.

    >>> error = ZeroDivisionError("division by zero")
    >>> note_site(error, (compile("1 / n", "examples/heat.py", "exec"), 0))
    >>> error.__notes__
    ['  heat.py, line 1']
    """
    note = f"  {described(caller_of(site))}"
    if isinstance(site, LibrarySite) and site.is_shown:
        note = f"{note}\n  in {described(site)}"
    # The user's callback may raise one object again and again.
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)
