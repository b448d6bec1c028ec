"""Says how far a long run has come: in the terminal, or below the cell of a notebook.

>>> list(progress(["1e3", "1e6"], "cpnum.bench"))
['1e3', '1e6']
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

# Shows a line in the place of the one before; True with the last one.
Show = Callable[[str, bool], None]

# A run that is shorter says nothing.
_SECONDS = 1.0


def progress(steps: Sequence[T], name: str) -> Iterator[T]:
    """Yield the steps; after a second, say before each one how far the run has come.

    In a terminal the line is gone at the end.  In a notebook it stays, as its last state, and is
    part of the notebook that is saved.  Nothing is written into a file or a pipe.
    """
    show: Show | None = None
    start, done = time.perf_counter(), 0
    try:
        for step in steps:
            spent = time.perf_counter() - start
            if done and spent > _SECONDS:
                show = show or _shown()
                left = spent / done * (len(steps) - done)
                times = f"{spent:.0f} s, about {left:.0f} s left"
                show(f"{name}: {done} of {len(steps)}, {times}", False)
            yield step
            done += 1
    finally:
        if show is not None:
            show(f"{name}: {done} of {len(steps)} in {time.perf_counter() - start:.0f} s", True)


def _shown() -> Show:
    shell: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if hasattr(shell, "kernel"):
        from IPython.display import Pretty, display

        handle = display(Pretty(""), display_id=True)  # type: ignore[no-untyped-call]
        return lambda text, last: handle.update(Pretty(text))  # type: ignore[no-untyped-call]
    return _write if sys.stderr.isatty() else lambda text, last: None


def _write(text: str, last: bool) -> None:
    sys.stderr.write("\r\033[K" if last else f"\r\033[K{text}")
    sys.stderr.flush()
