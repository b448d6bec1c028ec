"""The sources of a kernel: the arrays and scalars that it reads."""

from __future__ import annotations

from typing import NamedTuple

from cpnum.ir.graph import Graph
from cpnum.ir.nodes import Apply, Input, Node, Project
from cpnum.tables.ops import CAST


class Sources(NamedTuple):
    """The arrays that a kernel reads through memory, and the scalars of the call that it reads.

    `host` are all scalars that the host computes, such as `a` where the kernel reads `a + 1`.
    """

    arrays: tuple[Input, ...]
    scalars: tuple[Node, ...]
    host: frozenset[Node]


def sources_of(graph: Graph) -> Sources:
    """Return the sources of a graph's kernel."""
    parameters = graph.scalars
    read = {output.node for output in graph.outputs}
    host: set[Node] = set()
    inputs: list[Input] = []
    for node in graph.nodes:
        if type(node) is Apply:
            args = node.args
            if node.op is CAST and (args[0].dtype.weak or args[0] in host):
                host.add(node)
            else:
                read.update(args)
        elif type(node) is Input:
            if node.parameter in parameters:
                host.add(node)
            else:
                inputs.append(node)
    arrays = [node for node in inputs if node in read]
    scalars = [node for node in graph.nodes if node in host and node in read] if host else ()
    return Sources(tuple(arrays), tuple(scalars), frozenset(host))


def arrays_of(node: Node, sources: Sources) -> set[Node]:
    """Return the arrays through which a kernel reads the elements for a node."""
    found: set[Node] = set()
    pending, seen = [node], {node}
    while pending:
        each = pending.pop()
        if isinstance(each, Input):
            found.add(each)
        elif isinstance(each, Apply | Project):
            args = each.args if isinstance(each, Apply) else (each.node,)
            pending += [arg for arg in args if arg not in seen and arg not in sources.host]
            seen.update(args)
    return found
