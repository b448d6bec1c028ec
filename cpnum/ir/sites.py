"""Sites: the places in the user's code where nodes were made."""

from __future__ import annotations

import bisect
import functools
from types import CodeType

# A code object and the offset of an instruction in it: cheap to note, once a traced operation.
Site = tuple[CodeType, int]
# A file and a line.
Location = tuple[str, int]


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
