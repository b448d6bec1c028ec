"""Floating-point errors, reported as `np.errstate` asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from cpnum.ir.evaluate import asked_of, evaluate
from cpnum.ir.graph import Graph
from cpnum.ir.handling import asked
from cpnum.ir.nodes import Input


def watched(graph: Graph) -> int:
    """Return the flags of the floating-point errors that `np.errstate` reports of a graph."""
    return asked_of(graph, asked(cast(dict[str, str], np.geterr())))


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
    if flags & watched(graph):
        evaluate(graph, arguments, known=known)
