"""The place in the user's code where something happens, for error messages and warnings."""

from __future__ import annotations

import dis
import linecache
import os
import sys
from types import CodeType, FrameType
from typing import Any

import numpy as np

from cpnum.errors import CpnumError, PythonError
from cpnum.ir.sites import Site, location

_NUMPY = os.path.dirname(np.__file__)
_PYTHON = os.path.dirname(os.__file__) + os.sep

# A frame whose file name begins so is not the user's: NumPy and SciPy call tracers, too.
LIBRARIES = (
    os.path.dirname(os.path.dirname(__file__)) + os.sep,
    _NUMPY + os.sep,
    os.path.join(os.path.dirname(_NUMPY), "scipy", ""),
)


def user_frame() -> FrameType:
    """Return the innermost frame of the user's code."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(LIBRARIES) and frame.f_back is not None:
        frame = frame.f_back
    return frame


def user_site() -> Site:
    """Return the site of the innermost frame of the user's code."""
    # It runs once a traced operation, so it saves the call of user_frame.
    frame = sys._getframe(2)
    while frame.f_code.co_filename.startswith(LIBRARIES) and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code, frame.f_lasti


def site_of(error: BaseException) -> Site | None:
    """Return the innermost site of the user's code that an error came through.

    Python's own library is not the user's, unless the error came through nothing before.
    """
    site = None
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        if not code.co_filename.startswith(LIBRARIES) and (site is None or not of_python(code)):
            site = code, step.tb_lasti
        step = step.tb_next
    return site


def of_python(code: CodeType) -> bool:
    """Tell whether code is of Python's standard library.

    >>> import json
    >>> of_python(json.dumps.__code__), of_python(np.sum.__wrapped__.__code__)
    (True, False)
    """
    name = code.co_filename
    return name.startswith(_PYTHON) and f"{os.sep}site-packages{os.sep}" not in name


def is_operator(site: Site) -> bool:
    """Tell whether a site is an operator, as in `x + y`, and not a call, as in `np.add(x, y)`."""
    code, offset = site
    return dis.opname[code.co_code[offset]].startswith("BINARY_")


def located(error: CpnumError) -> Exception:
    """Return the error with the user's line, which is added if the error has none.

    The line is the error's own site, or else the line that runs.  An error of Python's arithmetic
    stands for itself.
    """
    if isinstance(error, PythonError):
        return error.error
    if error.where is None:
        frame = user_frame()
        error.where = described(error.site or (frame.f_code, frame.f_lasti))
    return error


def described(site: Site) -> str:
    r"""Return a site as error messages show it, with the text of the line if Python finds it.

    >>> described((compile("\n\nx + y", "examples/heat.py", "exec"), 4))
    'heat.py, line 3'
    """
    filename, line = location(site)
    text = linecache.getline(filename, line).strip()
    return f"{_file(filename)}, line {line}:  {text}" if text else f"{_file(filename)}, line {line}"


def _file(filename: str) -> str:
    # Only IPython knows which cell one of its file names stands for.
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        cell = shell.compile.format_code_name(filename)
        if cell:
            return f"cell {cell[1].removeprefix('In[').removesuffix(']')}"
    return os.path.basename(filename)
