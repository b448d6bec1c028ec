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
    """Raise, warn or call as `np.errstate` says, if it says anything about these flags.

    A fused kernel cannot tell which operation raised a flag.  NumPy can: the graph is computed once
    more, node by node, and NumPy's own messages are the report.
    """
    if any(flags & Flag[kind] and mode != "ignore" for kind, mode in np.geterr().items()):
        evaluate(graph, arguments)
