"""Runs a command: errors have no traceback, and a reader may stop early, as `head` does."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable

from cpnum.errors import CpnumError


def run(command: Callable[[], None]) -> int:
    """Run a command, which prints; return its exit status.

    >>> run(lambda: print("done"))
    done
    0
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal of ASCII has no µ
    try:
        command()
        print(end="", flush=True)  # at exit it would be too late for BrokenPipeError
    except CpnumError as error:
        error.where = None  # the user wrote no line
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader, such as `head`, is gone; Python must have nothing to flush to it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
