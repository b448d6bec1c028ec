"""Floating-point errors, reported as `np.errstate` asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cpnum.ir.evaluate import evaluate
from cpnum.ir.graph import Graph
from cpnum.ir.nodes import Input
from cpnum.tables.block import Flag


def watched() -> int:
    """Return the flags of the floating-point errors that `np.errstate` reports."""
    return sum([Flag[kind] for kind, mode in np.geterr().items() if mode != "ignore"])


def report(
    graph: Graph,
    arguments: Sequence[Any],
    flags: int,
    known: Mapping[Input, Any] | None = None,
) -> None:
    """Report these flags as `np.errstate` asks: raise, warn, call, or nothing.

    A kernel cannot tell which operator raised a flag.  NumPy can: it evaluates the graph once more,
    node by node, and its own messages are the report.  `known` are inputs whose elements were
    overwritten since.
    """
    if flags & watched():
        evaluate(graph, arguments, known=known)
