"""The place in the user's code where something happens, for error messages and warnings."""

from __future__ import annotations

import ast
import dis
import linecache
import os
import sys
from collections.abc import Mapping
from types import CodeType, FrameType
from typing import Any, TypeVar

from cpnum.errors import OWN, CpnumError, PythonError
from cpnum.ir.sites import LIBRARIES, Site, carets, described, note_site, position_of

E = TypeVar("E", bound=CpnumError)

_STANDARD_LIBRARY = os.path.dirname(os.__file__) + os.sep


def user_frame() -> FrameType:
    """Return the innermost frame of the user's code.

    Code that is installed is a library, for example Numba, but not the traced function itself.
    """
    frame = innermost = _outside(sys._getframe(1))
    while is_installed(frame.f_code.co_filename):
        caller = frame.f_back
        if caller is None:
            return innermost  # all of the code is installed
        if caller.f_code.co_filename.startswith(OWN):
            return frame
        frame = _outside(caller)
    return frame


def _outside(frame: FrameType) -> FrameType:
    while frame.f_code.co_filename.startswith(LIBRARIES) and frame.f_back is not None:
        frame = frame.f_back
    return frame


def is_installed(filename: str) -> bool:
    """Tell whether a file is of the standard library or of an installed package."""
    folders = filename.split(os.sep)
    return (
        "site-packages" in folders
        or "dist-packages" in folders
        or filename.startswith(_STANDARD_LIBRARY)
    )


def user_expression() -> tuple[ast.expr | None, Mapping[str, Any]]:
    """Return the expression that the user's line evaluates, and the names that it knows.

    The expression is None if Python does not know it.
    """
    frame = user_frame()
    names = {**frame.f_builtins, **frame.f_globals, **frame.f_locals}
    code = frame.f_code
    position = position_of((code, frame.f_lasti))
    if position is None:
        return None, names
    first, last, start, end = position
    lines = [linecache.getline(code.co_filename, n).encode() for n in range(first, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    try:
        return ast.parse(b"(" + b"".join(lines) + b")", mode="eval").body, names
    except SyntaxError:
        return None, names  # a statement, or a file that has changed


def site_of(error: BaseException) -> Site | None:
    """Return the innermost site of the user's code that an error came through.

    Python's own library is not the user's, unless the error came through nothing before.
    """
    site = None
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if not code.co_filename.startswith(LIBRARIES) and (
            site is None or not is_installed(code.co_filename)
        ):
            site = code, step.tb_lasti
        step = step.tb_next
    return site


def of_python(code: CodeType) -> bool:
    """Tell whether code is of Python's standard library.

    >>> import json
    >>> import numpy as np
    >>> of_python(json.dumps.__code__), of_python(np.sum.__wrapped__.__code__)
    (True, False)
    """
    name = code.co_filename
    return name.startswith(_STANDARD_LIBRARY) and f"{os.sep}site-packages{os.sep}" not in name


def is_operator(site: Site) -> bool:
    """Tell whether a site is an operator, as in `x + y`, and not a call, as in `np.add(x, y)`."""
    code, offset = site
    return dis.opname[code.co_code[offset]].startswith("BINARY_")


def located(error: CpnumError) -> Exception:
    """Return the error with the user's line, which is added if the error has none.

    The line is the error's own site, or else the line that runs.  An error of Python's arithmetic
    stands for itself, with the line as a note.
    """
    if isinstance(error, PythonError):
        if error.site is not None:
            note_site(error.error, error.site)
        return error.error
    if error.where is None:
        error = at(error, error.site or error_site())
    return error


def at(error: E, site: Site) -> E:
    """Return the error, which names a site of the user's code from now on."""
    error.site = site
    error.where = described(site)
    error.carets = carets(site)
    return error


def error_site() -> Site:
    """Return the site that an error names: where the user's code is now."""
    frame = user_frame()
    return frame.f_code, frame.f_lasti
