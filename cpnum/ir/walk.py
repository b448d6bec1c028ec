"""Walks over nodes: from a node to its operands, and from a value to its uses."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable

from cpnum.ir.nodes import Apply, Input, Join, Node, operands


def postorder(node: Node, known: Container[Node] = ()) -> list[Node]:
    """Return the nodes that `node` is computed from, operands first, then itself.

    Nodes in `known`, and nodes that only those need, are left out.

    >>> from cpnum.ir.nodes import Nodes
    >>> from cpnum.tables.dtypes import F64
    >>> from cpnum.tables.ops import OPS
    >>> nodes = Nodes()
    >>> x = nodes.input(0, (), F64)
    >>> root = nodes.apply(OPS["sqrt"], (x,), F64)
    >>> postorder(root) == [x, root], postorder(root, {x}) == [root]
    (True, True)
    """
    if node in known:
        return []
    found: dict[Node, None] = {}
    pending = [node]
    while pending:
        last = pending[-1]
        # This repeats `operands` for most nodes, because this loop runs at every trace.
        kind = type(last)
        if kind is not Input:
            count = len(pending)
            for arg in last.args if kind is Apply else operands(last):  # type: ignore[union-attr]
                if arg not in found and arg not in known:
                    pending.append(arg)
            if len(pending) > count:
                continue
        pending.pop()
        found[last] = None
    return [*found]


def uses(nodes: Iterable[Node], results: Iterable[Node]) -> dict[Node, int]:
    """Return how often each node is an operand or a result."""
    count: dict[Node, int] = {}
    for node in nodes:
        count.setdefault(node, 0)
        for arg in operands(node):
            count[arg] = count.get(arg, 0) + 1
    for result in results:
        count[result] = count.get(result, 0) + 1
    return count


def last_uses(nodes: Iterable[Node]) -> dict[Node, Node]:
    """Return the last node that uses each operand."""
    last: dict[Node, Node] = {}
    for node in nodes:
        if type(node) is Apply:
            for arg in node.args:
                last[arg] = node
        elif type(node) is not Input:
            for arg in operands(node):
                last[arg] = node
    return last


class Shaping:
    """The inputs whose common shape is the shape of a node, remembered for each node.

    `has_axes` is true for the inputs that have a shape to give.
    """

    __slots__ = ("_has_axes", "_known")

    def __init__(self, has_axes: Callable[[Input], object]) -> None:
        self._has_axes = has_axes
        self._known: dict[Node, tuple[Input, ...]] = {}

    def of(self, node: Node) -> tuple[Input, ...]:
        """Return the inputs that shape `node`, in the order in which they are read."""
        known = self._known
        if node not in known:
            for each in postorder(node, known):
                if isinstance(each, Input):
                    known[each] = (each,) if self._has_axes(each) else ()
                else:
                    args = (each.like,) if isinstance(each, Join) else operands(each)
                    known[each] = tuple(dict.fromkeys(x for arg in args for x in known[arg]))
        return known[node]
