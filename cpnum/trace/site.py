"""The place in the user's code where something happens, for error messages and warnings."""

from __future__ import annotations

import ast
import dis
import linecache
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any, TypeVar

from cpnum.errors import CpnumError, PythonError
from cpnum.ir.sites import (
    OURS,
    USERS,
    LibrarySite,
    Site,
    caller_of,
    calling,
    carets,
    described,
    note_site,
    outside_of_numpy,
    owner_of,
    position_of,
    site_inside,
)

E = TypeVar("E", bound=CpnumError)


def user_frame() -> FrameType:
    """Return the innermost frame of the user's code.

    Code that is installed is a library, for example Numba, but not the traced function itself.
    """
    return calling(outside_of_numpy(sys._getframe(1)))


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

    A library is not the user's, unless the error came through nothing before.
    """
    site: Site | None = None
    inside: Site | None = None
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        owner = owner_of(code.co_filename)
        if owner is not OURS:
            inside = code, step.tb_lasti
            if site is None or owner is USERS:
                site = inside
        step = step.tb_next
    if inside is site or inside is None or site is None:
        return site
    found = LibrarySite(inside)
    found.caller = site
    return found


def is_operator(site: Site) -> bool:
    """Tell whether a site is an operator, as in `x + y`, and not a call, as in `np.add(x, y)`."""
    code, offset = site
    return dis.opname[code.co_code[offset]].startswith("BINARY_")


def stores_item() -> bool:
    """Tell whether the user's line assigns to an item or a slice, as in `out[0] = x`."""
    frame = user_frame()
    return dis.opname[frame.f_code.co_code[frame.f_lasti]] in ("STORE_SUBSCR", "STORE_SLICE")


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
    called = caller_of(site)
    error.site = site
    error.where = described(called)
    error.carets = carets(called)
    if isinstance(site, LibrarySite) and site.is_shown:
        error.inside = described(site)
    return error


def error_site() -> Site:
    """Return the site that an error names: where the user's code is now, or a library's."""
    return site_inside(outside_of_numpy(sys._getframe(1)))
