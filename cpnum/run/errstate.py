"""Floating-point errors, reported as `np.errstate` asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cpnum.ir.evaluate import evaluate
from cpnum.ir.graph import Graph
from cpnum.tables.block import Flag


def watched() -> bool:
    """Tell whether `np.errstate` reports any floating-point error."""
    return any(mode != "ignore" for mode in np.geterr().values())


def report(graph: Graph, arguments: Sequence[Any], flags: int) -> None:
    """Report these flags as `np.errstate` asks: raise, warn, call, or nothing.

    A kernel cannot tell which operator raised a flag.  NumPy can: it evaluates the graph once more,
    node by node, and its own messages are the report.
    """
    if any(flags & Flag[kind] and mode != "ignore" for kind, mode in np.geterr().items()):
        evaluate(graph, arguments)
