"""Assembles the graph or the program of a traced function from what its builder wrote down.

A value that a step computes into memory and that later steps need is stored: it is a parameter of
their graphs.  So are elementary functions, and operators that may report an error, which NumPy does
once.  Other values are computed again where they are needed.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cpnum.errors import UnsupportedError
from cpnum.ir.evaluate import may_report_of
from cpnum.ir.graph import Graph
from cpnum.ir.movement import Movement
from cpnum.ir.nodes import Apply, Broadcast, Input, Node, Nodes, operands, renewed
from cpnum.ir.program import Program, Step
from cpnum.ir.results import MOST_TILES, Container, Output, Results
from cpnum.ir.signature import ArrayOf, Parameter, Signature, unused_name
from cpnum.ir.walk import postorder
from cpnum.trace.builder import Builder
from cpnum.trace.returns import views_in
from cpnum.trace.site import at, error_site


def assembled(
    builder: Builder, name: str, signature: Signature, results: Results
) -> Graph | Program:
    """Return what a function became that returns these results."""
    if not builder.calls:
        nodes = builder.nodes.reaching(results.nodes)
        conditions = _conditions(builder, nodes, [results])
        return _graph(builder, name, signature, nodes, results, conditions)
    return _Assembling(builder, name, signature).program(results)


def _graph(
    builder: Builder,
    name: str,
    signature: Signature,
    nodes: tuple[Node, ...],
    results: Results,
    conditions: tuple[Broadcast, ...] = (),
    is_last: bool = True,
) -> Graph:
    graph = Graph(
        name,
        signature,
        nodes,
        results,
        builder.sites,
        frozenset(builder.checked),
        conditions,
        builder.as_written,
        builder.handling,
        frozenset(builder.taken),
        frozenset(builder.put),
        tuple(builder.guards) if is_last else (),
        builder.joined or builder.stacked,
    )
    if builder.joined:
        _refuse_many_tiles(graph)
    return graph


def _refuse_many_tiles(graph: Graph) -> None:
    """Refuse a result of joined values that would need too many kernels."""
    from cpnum.ir.tiling import tiles  # most functions join nothing

    for output in graph.outputs:
        count = len(tiles(graph, output.node))
        if count > MOST_TILES:
            raise at(
                UnsupportedError(
                    "a result of so many parts that are computed apart cannot be traced",
                    seen=f"{count} parts, more than {MOST_TILES}",
                    write="one step as a function of its own",
                ),
                graph.sites.get(output.node) or error_site(),
            )


def _conditions(
    builder: Builder, nodes: tuple[Node, ...], every: Sequence[Results]
) -> tuple[Broadcast, ...]:
    """Return the inputs that have to broadcast though none of the `nodes` shows it."""
    if len(builder.nodes) == len(nodes):
        return ()
    views: set[tuple[int, tuple[Movement, ...]]] = set()
    for each in every:
        views |= views_in(each)
    computed = [node for each in every for node in each.nodes]
    return builder.conditions(nodes, computed, views)


class _Assembling:
    """Makes the graphs of a program."""

    def __init__(
        self,
        builder: Builder,
        name: str,
        signature: Signature,
        unread: frozenset[Node] = frozenset(),
    ) -> None:
        self.builder = builder
        self.name = name
        self.given = len(signature)
        # Nodes that no later graph would read, since it reads what is computed from them.
        self.unread = unread
        results = range(self.given, len(builder.signature))
        self.signature = [*signature, *map(self._result, results)]
        self.nodes = Nodes(builder.nodes)
        # The inputs that stand for stored nodes in later graphs.
        self.stored: dict[Node, Input] = {}

    def _result(self, place: int) -> Parameter:
        """Return the parameter of a result, with its extents if the function looked at shapes."""
        name, of = self.builder.signature[place]
        if isinstance(of, ArrayOf) and self.builder.shape_observed:
            of = ArrayOf(of.dtype, self.builder.given[place].known_shape)
        return Parameter(name, of)

    def program(self, results: Results) -> Program:
        """Return the program that returns these results."""
        builder = self.builder
        every = [*[each.passed for each in builder.calls], results]
        last = _last_steps(every)
        conditions = _conditions(builder, tuple(last), every)
        made: list[tuple[tuple[Node, ...], Results, tuple[int, ...]]] = []
        for number, each in enumerate(every):
            reached = self._reached(each)
            storing = [] if each is results else self._to_store(each, reached, last, number)
            new = self._renewed(reached)
            own = each.with_nodes(new)
            if storing:
                own = _with_stored(own, [new[node] for node in storing])
            kept = tuple(dict.fromkeys(new[node] for node in reached))
            made.append((kept, own, tuple([self._store(node) for node in storing])))
        read = {node.parameter for nodes, *_ in made for node in nodes if type(node) is Input}
        unread = [node for node, each in self.stored.items() if each.parameter not in read]
        if unread:
            signature = tuple(self.signature[: self.given])
            again = _Assembling(builder, self.name, signature, self.unread.union(unread))
            return again.program(results)
        return self._program(made, conditions)

    def _program(
        self,
        made: Sequence[tuple[tuple[Node, ...], Results, tuple[int, ...]]],
        conditions: tuple[Broadcast, ...],
    ) -> Program:
        builder, name, signature = self.builder, self.name, tuple(self.signature)
        *calls, (nodes, results, _) = made
        steps = [
            Step(
                _graph(builder, name, signature, nodes, passed, is_last=False),
                call.function,
                call.name,
                call.results,
                stored,
                call.handling,
            )
            for call, (nodes, passed, stored) in zip(builder.calls, calls, strict=True)
        ]
        last = _graph(builder, name, signature, nodes, results, conditions)
        return Program(tuple(steps), last, self.given)

    # -- nodes of a step ------------------------------------------------------------------------

    def _reached(self, results: Results) -> list[Node]:
        """Return the nodes that a step computes, and stored ones that it reads, operands first."""
        found: dict[Node, None] = {}
        known = ChainMap[Node, Any](found, self.stored)
        for root in results.nodes:
            for node in [root] if root in self.stored else postorder(root, known):
                for each in operands(node):
                    if each in self.stored:
                        found[each] = None
                found[node] = None
        return list(found)

    def _renewed(self, reached: Sequence[Node]) -> Mapping[Node, Node]:
        """Return the nodes of a graph for those of the builder, which reads stored ones."""
        new: dict[Node, Node] = {}
        for node in reached:
            stored = self.stored.get(node)
            if stored is not None:
                new[node] = stored
            elif all(new[each] is each for each in operands(node)):
                new[node] = node
            else:
                new[node] = made = renewed(self.nodes, node, new)
                self._describe(made, node)
        return new

    def _describe(self, made: Node, node: Node) -> None:
        """Note for a new node all that is known of the one in whose place it is."""
        builder = self.builder
        tables: tuple[dict[Any, Any], ...] = (builder.sites, builder.as_written, builder.handling)
        for table in tables:
            if node in table:
                table.setdefault(made, table[node])
        for each in (builder.checked, builder.taken, builder.put):
            if node in each:
                each.add(made)

    # -- storing --------------------------------------------------------------------------------

    def _to_store(
        self, results: Results, reached: Sequence[Node], last: Mapping[Node, int], number: int
    ) -> list[Node]:
        """Return the nodes that a step computes, and that a later one is to read."""
        outputs = {output.node for output in results.outputs}
        return [
            node
            for node in reached
            if last[node] > number
            and node not in self.stored
            and node not in self.unread
            and (node in outputs or (type(node) is Apply and _is_stored(node)))
            and not isinstance(node, Input)
            and self._shape(node)
        ]

    def _shape(self, node: Node) -> tuple[int, ...]:
        shapes = self.builder.shapes
        return np.broadcast_shapes(*[shapes[each] for each in self.builder.like(node)])

    def _store(self, node: Node) -> int:
        """Enter a node among the parameters; return its number."""
        extents = tuple(
            [
                extent if extent == 1 or self.builder.shape_observed else None
                for extent in self._shape(node)
            ]
        )
        parameter = len(self.signature)
        name = unused_name(self.signature, "t")
        self.signature.append(Parameter(name, ArrayOf(node.dtype, extents)))
        self.stored[node] = self.nodes.input(parameter, (), node.dtype)
        return parameter


def _is_stored(node: Apply) -> bool:
    """Tell whether an operator is computed once, because of its time or its reports."""
    return node.op.ulp > 0.5 or may_report_of(node)


def _last_steps(every: Sequence[Results]) -> dict[Node, int]:
    """Return for each node the last step that needs it."""
    last: dict[Node, int] = {}
    for number in reversed(range(len(every))):
        for root in every[number].nodes:
            for node in postorder(root, last):
                last[node] = number
    return last


def _with_stored(results: Results, nodes: Sequence[Node]) -> Results:
    """Return results whose third item is a tuple of these nodes."""
    leaves = list(results.leaves)
    places = []
    for node in nodes:
        known = [
            place for place, leaf in enumerate(leaves) if type(leaf) is Output and leaf.node is node
        ]
        if not known:
            known = [len(leaves)]
            leaves.append(Output(node))
        places.append(known[0])
    assert isinstance(results.tree, Container)
    arguments, keywords, _ = results.tree.items
    tree = Container(tuple, (), (arguments, keywords, Container(tuple, (), tuple(places))))
    return Results(tree, tuple(leaves))
