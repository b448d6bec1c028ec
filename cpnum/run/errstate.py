"""Floating-point errors, reported as `np.errstate` asks."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from cpnum.ir.evaluate import FloatingPointErrors, asked_of, evaluate, may_report_of
from cpnum.ir.graph import Graph
from cpnum.ir.handling import TEXTS, asked
from cpnum.ir.nodes import Apply, Input
from cpnum.tables.block import Flag
from cpnum.tables.ops import CAST


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


def report_overwritten(graph: Graph, flags: int) -> None:
    """Report flags of a loop that has written over what it read, so that nothing can be evaluated.

    The report names each operator that can have raised the flag, at the line of the first.
    """
    flags &= watched(graph)
    for kind, text in TEXTS.items():
        if not flags & Flag[kind]:
            continue
        nodes = [each for each in graph.nodes if type(each) is Apply and _may_raise(each, kind)]
        names = dict.fromkeys(str(each.op) for each in nodes)
        with FloatingPointErrors(graph.sites) as errors:
            errors.node = next((each for each in nodes if each in graph.sites), None)
            message = f"{text} encountered in {' or '.join(names)}"
            handling = graph.handling.get(errors.node) if errors.node is not None else None
            with errors.handled(handling[0]) if handling else contextlib.nullcontext():
                errors.tell(kind, Flag[kind], message)


# The operators that can divide by zero, elementary functions among them.
_DIVIDING = frozenset("divide floor_divide remainder divmod fmod reciprocal power".split())


def _may_raise(node: Apply, kind: str) -> bool:
    if node.op is CAST and node.args[0].dtype.weak:
        return kind != "divide"  # of a Python number, which may have no value in the dtype
    if not may_report_of(node):
        return False
    return kind != "divide" or node.op.name in _DIVIDING or node.op.ulp > 0.5
