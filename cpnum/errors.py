"""The errors, one class a kind; each docstring is the manual page of its error.

A message has up to five lines: the failure; the line of the user's code; the line of a library that
the user's line called, if the failure is there; the values seen; the code to write instead.  Inner
code raises the error, and `trace` adds the lines of code, once.
"""

from __future__ import annotations

import os
from types import CodeType, TracebackType
from typing import TypeVar

E = TypeVar("E", bound=Exception)

# The names of all files of cpnum begin so.
OWN = __file__.removesuffix("errors.py")


class CpnumError(Exception):
    """The base of all errors that cpnum raises.

    >>> print(ShapeError("shapes do not broadcast", seen="(3,) and (4,)", write="x[:3] + y"))
    shapes do not broadcast
      seen: (3,) and (4,)
      write x[:3] + y
    """

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        seen: str | None = None,
        write: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        # The site (`cpnum.ir.sites`) that is described in `where`, and marks below its expression.
        self.site: tuple[CodeType, int] | None = None
        self.carets = ""
        # The line of a library that the user's line called, if it happened there.
        self.inside: str | None = None
        self.seen = seen
        self.write = write
        # Whether steps before it may have written to arrays, so that the call must not be repeated.
        self.began = False

    def __str__(self) -> str:
        lines = [self.message]
        if self.where is not None:
            lines.append(f"  {self.where}")
        if self.inside is not None:
            lines.append(f"  in {self.inside}")
        if self.seen is not None:
            lines.append(f"  seen: {self.seen}")
        if self.write is not None:
            lines.append(f"  write {self.write}")
        return "\n".join(lines)

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython prints in the place of a traceback.

        There is no traceback, since the message names the user's line.  `CPNUM_TRACEBACK=full`
        shows it.
        """
        if _shows_all():
            import traceback  # only for this

            return "".join(traceback.format_exception(self)).splitlines()
        lines = f"{type(self).__name__}: {self}".splitlines()
        if self.carets:
            lines.insert(1 + lines.index(f"  {self.where}"), f"  {self.carets}")
        return lines


def trimmed(error: E) -> E:
    """Return the error without cpnum's frames in its traceback.

    `CPNUM_TRACEBACK=full` keeps them.
    """
    if _shows_all():
        return error
    kept = []
    step = error.__traceback__
    while step is not None:
        if not step.tb_frame.f_code.co_filename.startswith(OWN):
            kept.append(step)
        step = step.tb_next
    traceback: TracebackType | None = None
    for each in reversed(kept):
        traceback = TracebackType(traceback, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return error.with_traceback(traceback)


def _shows_all() -> bool:
    return os.environ.get("CPNUM_TRACEBACK") == "full"


class TraceError(CpnumError, TypeError):
    """The function needs a value that is not known while tracing.

    Cause: the function is run once on tracers, which have a dtype and a shape but no contents.
    `if`, `while`, `bool()`, `float()`, `int()` and indexing need contents.  They work for numbers
    among the arguments, but not for elements of arrays.

    >>> import numpy as np
    >>> from cpnum import cpjit
    >>> @cpjit
    ... def relu(x):
    ...     if x > 0:
    ...         return x
    ...     return 0 * x
    >>> relu(np.array([2.0, -1.0]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    cpnum.errors.TraceError: ...

    Fix: choose between values with `np.where`, which computes both.

    >>> @cpjit
    ... def relu(x):
    ...     return np.where(x > 0, x, 0.0)
    >>> relu(np.array([2.0, -1.0]))
    array([2., 0.])
    """


class DTypeError(CpnumError, TypeError):
    """A dtype, or an operator on a dtype, that has no stencil.

    >>> import numpy as np
    >>> from cpnum import cpjit
    >>> cpjit(np.negative)(np.ones(3, "complex128"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    cpnum.errors.DTypeError: no stencils for dtype complex128...
    """


class RangeError(CpnumError, OverflowError):
    """A Python integer beyond the dtype that it is converted to.

    Python's integers have no bounds, and those of compiled code have 64 bits.

    >>> import numpy as np
    >>> from cpnum import cpjit
    >>> cpjit(lambda x, n: x + n * n)(np.arange(3), 2**40)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    cpnum.errors.RangeError: Python integer 1208925819614629174706176 out of bounds for int64...

    Fix: compute with floats, or let Python compute by `fallback="numpy"`.
    """


class PythonError(CpnumError):
    """An `error` of Python's arithmetic between scalars, which users get in the place of this one.

    As each CpnumError of a call, it says that nothing was computed yet.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.error = error


class ShapeError(CpnumError, ValueError):
    """Shapes that do not broadcast, or an `out` of the wrong shape.

    >>> import numpy as np
    >>> from cpnum import cpjit
    >>> cpjit(np.add)(np.ones(3), np.ones(4))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    cpnum.errors.ShapeError: ...
    """


class OutError(CpnumError, ValueError):
    """An `out` that cannot take the result.

    >>> import numpy as np
    >>> from cpnum import cpjit
    >>> cpjit(np.sqrt)(np.ones(3), out=np.empty(4))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    cpnum.errors.OutError: `out` has the wrong shape...
    """


class UnsupportedError(CpnumError, NotImplementedError):
    """A function or a use of one that cannot be traced.

    >>> import numpy as np
    >>> from cpnum import cpjit
    >>> cpjit(np.linalg.eigvals)(np.eye(2))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    cpnum.errors.UnsupportedError: numpy.linalg.eigvals cannot be traced...
    """


class IsaError(CpnumError, RuntimeError):
    """An ISA level that is unknown, or that this processor does not have.

    >>> import numpy as np
    >>> from cpnum import cpjit
    >>> cpjit(np.exp, isa="x86-64-v9")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    cpnum.errors.IsaError: unknown ISA level x86-64-v9...
    """


class ToolchainError(CpnumError, ImportError):
    """A compiler is needed, as by `cpnum.learn.stencil`, and is not installed.

    Fix: `pip install "cpnum[learn]"`.  Compiled functions need no compiler.
    """


class CrashError(CpnumError, RuntimeError):
    """Machine code that crashed in `cpnum.learn.run`, ended the process, or did not return.

    `signal` is the signal's name.  `offset` is where in the code it was, and `stencil` the name of
    the stencil there, if they are known.

    >>> from cpnum import learn
    >>> learn.run(b"")
    Traceback (most recent call last):
    cpnum.errors.CrashError: there is no code
      seen: 0 bytes
    """

    signal: str | None = None
    offset: int | None = None
    stencil: str | None = None


class StencilError(CpnumError, RuntimeError):
    """A stencil that the pack builder refuses; the message names it and the cause."""
