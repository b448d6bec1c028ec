"""The graphs of loops: a parameter for each view that a loop reads, so that equal loops are equal.

So the statements of a loop in Python, which differ in the arrays that they read and in the places
of slices, have one graph, and one kernel for each layout.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cpnum.errors import UnsupportedError
from cpnum.ir.extents import Extent, Symbol
from cpnum.ir.graph import Graph
from cpnum.ir.handling import IGNORING
from cpnum.ir.movement import Movement
from cpnum.ir.nodes import (
    MADE,
    Apply,
    Constant,
    Host,
    Input,
    Join,
    Node,
    Nodes,
    Project,
    operands,
    renewed,
)
from cpnum.ir.results import MOST_TILES, Container, Fold, Output, Results
from cpnum.ir.signature import ArrayOf, Parameter, ScalarOf, Signature
from cpnum.ir.walk import postorder
from cpnum.trace.builder import Builder
from cpnum.trace.site import at, error_site


def refuse_many_tiles(graph: Graph) -> None:
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


class LoopGraph:
    """The graph of a loop, whose parameters are the views that the loop reads.

    If it `is_quiet`, it reports no errors.
    """

    def __init__(self, builder: Builder, signature: Signature, is_quiet: bool = False) -> None:
        self.is_quiet = is_quiet
        self.builder = builder
        self.signature = signature
        self.views: dict[tuple[int, tuple[Movement, ...]], int] = {}
        # A row for each node, equal for nodes that machine code and reports are equal of.
        self.rows: list[tuple[Any, ...]] = []
        self.numbers: dict[Node, int] = {}
        self._own: list[Parameter] = []

    def add(self, root: Node) -> None:
        """Add the nodes that a value is computed from."""
        for node in postorder(root, self.numbers):
            self.rows.append(self._row(node))
            self.numbers[node] = len(self.numbers)

    def _row(self, node: Node) -> tuple[Any, ...]:
        builder, numbers = self.builder, self.numbers
        match node:
            case Input(parameter, movement, dtype):
                if parameter == MADE:
                    return movement, dtype
                at_ = self.views.setdefault((parameter, movement), len(self.views))
                if at_ == len(self._own):
                    self._own.append(self._parameter(node))
                return at_, self._own[at_].type
            case Constant(value, dtype, like):
                bits = value if dtype.weak else node.bits
                return type(value), repr(value), bits, dtype, tuple([numbers[x] for x in like])
        described = (
            builder.sites.get(node),
            builder.as_written.get(node),
            builder.handling.get(node),
            node in builder.checked,
            node in builder.taken,
            node in builder.put,
        )
        args = tuple([numbers[each] for each in operands(node)])
        match node:
            case Apply(op, _, dtype):
                return op, dtype, args, described
            case Host(function, _, dtype):
                return function, dtype, args, described
            case Project(_, index, dtype):
                return Project, index, dtype, args
            case Join(_, axis, dtype):
                return Join, axis, dtype, args
        raise TypeError(f"{node!r} is no node")

    def _parameter(self, node: Input) -> Parameter:
        name, of = self.signature[node.parameter]
        known_names = {each.name for each in self._own}
        name = next(each for each in _names_like(name) if each not in known_names)
        if isinstance(of, ScalarOf):
            return Parameter(name, of)
        builder = self.builder
        if builder.joined:
            # The extents say where the parts are.
            return Parameter(name, ArrayOf(node.dtype, builder.shapes[node]))
        extents: tuple[Extent, ...] = builder.extents[node]
        if builder.shape_observed:
            extents = builder.shapes[node]
        known = tuple([None if isinstance(each, Symbol) or each != 1 else 1 for each in extents])
        return Parameter(name, ArrayOf(node.dtype, known))

    def graph(self, name: str, roots: Iterable[tuple[Node, bool, Fold | None]]) -> Graph:
        """Return the graph of values, each an array without axes or not; they are a tuple.

        One may be folded.
        """
        builder = self.builder
        nodes, new = Nodes(), dict[Node, Node]()
        for node in self.numbers:
            if type(node) is Input and node.parameter != MADE:
                at_ = self.views[node.parameter, node.movement]
                new[node] = nodes.input(at_, (), node.dtype)
            elif isinstance(node, Host):
                new[node] = nodes.host(
                    node.function, tuple([new[x] for x in node.args]), node.dtype
                )
            elif isinstance(node, Constant) and node.like:
                like: Any = tuple([new[x] for x in node.like])
                new[node] = nodes.constant(node.value, node.dtype, like)
            else:
                new[node] = renewed(nodes, node, new)
        handling = _of(builder.handling, new)
        checked = frozenset([new[each] for each in builder.checked if each in new])
        if self.is_quiet:
            handling, checked = dict.fromkeys(new.values(), (IGNORING,)), frozenset()
        outputs = tuple([Output(new[root], boxed, fold) for root, boxed, fold in roots])
        tree = Container(tuple, (), tuple(range(len(outputs))))
        graph = Graph(
            name,
            tuple(self._own),
            tuple(nodes),
            Results(tree, outputs),
            _of(builder.sites, new),
            checked,
            (),
            _of(builder.as_written, new),
            handling,
            frozenset([new[each] for each in builder.taken if each in new]),
            frozenset([new[each] for each in builder.put if each in new]),
            is_joined=builder.joined or builder.stacked,
        )
        if builder.joined:
            refuse_many_tiles(graph)
        return graph


def _names_like(name: str) -> Iterator[str]:
    """Yield names for several views of one array: u, u_1, u_2 and so on."""
    yield name
    for number in itertools.count(1):
        yield f"{name}_{number}"


def _of(table: Mapping[Any, Any], new: Mapping[Node, Node]) -> dict[Any, Any]:
    """Return the rows of a table for new nodes."""
    return {made: table[node] for node, made in new.items() if node in table}
