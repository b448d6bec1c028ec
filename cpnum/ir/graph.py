"""The graph of a function: its signature, its nodes and its results, checked when it is made.

A graph is made by `trace`, rewritten by `simplify`, and read by every later stage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cpnum.faces import pre
from cpnum.ir.guards import Guard
from cpnum.ir.handling import Handling
from cpnum.ir.nodes import (
    Apply,
    Broadcast,
    Constant,
    Host,
    Input,
    Join,
    Node,
    Nodes,
    Project,
    Value,
    operands,
)
from cpnum.ir.results import Container, Output, Results
from cpnum.ir.signature import ArrayOf, Signature
from cpnum.ir.sites import Location, Site, location
from cpnum.ir.text import (
    Parts,
    of_input,
    read,
    value_names,
    written,
    written_call_of,
    written_loop_of,
)
from cpnum.tables.dtypes import DType
from cpnum.tables.ops import ALWAYS, CAST, Op


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Graph:
    """The computation of a function, for all arguments of one signature.

    `checked` are arithmetic operators between integer scalars: NumPy reports their overflow, but
    not the overflow of arrays or ufuncs.  `as_written` has the function that NumPy calls for a node
    where it is not the one of the operator, for example np.power for a square: errors are reported
    under its name.  `handling` tells how the errors of a node are handled, where the function says
    so; NumPy computes the node once for each.  `taken` stand for x[mask], and `put` for y after
    y[mask] = f(x[mask]): NumPy computes f of the chosen elements.  A graph that was rewritten has
    none of these.

    `conditions` are inputs that have to broadcast although no result shows it.  `guards` are what
    the function learned of numbers among its arguments: no kernel computes them, but the cache asks
    them at each call.  If it `is_joined`, values are put end to end or stacked, so that results may
    be computed tile by tile.  `sites` says where in the user's code a node or a condition was made.
    Graphs with the same text are equal; `sites` and what a graph that was rewritten has not are not
    in the text.

    >>> from cpnum.ir.results import single
    >>> from cpnum.ir.signature import Parameter
    >>> from cpnum.tables.dtypes import F64
    >>> from cpnum.tables.ops import OPS
    >>> nodes = Nodes()
    >>> x = nodes.input(0, (), F64)
    >>> root = nodes.apply(OPS["sqrt"], (x,), x.dtype)
    >>> graph = Graph("f", (Parameter("x", ArrayOf(F64, (None,))),), (x, root), single(root))
    >>> print(graph)
    f(x: f64[:])
      %0 = sqrt x  f64
      return %0
    >>> Graph.parse(str(graph)) == graph
    True
    """

    name: str
    signature: Signature
    nodes: tuple[Node, ...]
    results: Results
    sites: Mapping[Node | Broadcast, Site] = field(default_factory=dict)
    checked: frozenset[Node] = frozenset()
    conditions: tuple[Broadcast, ...] = ()
    as_written: Mapping[Node, Callable[..., Value]] = field(default_factory=dict)
    handling: Mapping[Node, tuple[Handling, ...]] = field(default_factory=dict)
    taken: frozenset[Node] = frozenset()
    put: frozenset[Node] = frozenset()
    guards: tuple[Guard, ...] = ()
    is_joined: bool = False

    def __post_init__(self) -> None:
        verify(self)

    @staticmethod
    def parse(printed: str) -> Graph:
        """Return the graph that is printed as this text.

        Raises:  ValueError if no graph has this text.
        """
        parts = read(printed)
        return Graph(
            parts.name,
            parts.signature,
            parts.nodes,
            parts.results,
            checked=frozenset(parts.checked),
            conditions=parts.conditions,
            guards=tuple(map(Guard, parts.guards)),
        )

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The results that are computed into memory of their own."""
        return self.results.outputs

    @property
    def output(self) -> Output:
        """The only result, of a function that returns one computed value and nothing else."""
        output = self.results.output
        if output is None:
            raise ValueError(f"{self.name} returns not one computed value, but {self.results}")
        return output

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """The graph itself, as a program has several."""
        return (self,)

    def part(self, places: Sequence[int]) -> Graph:
        """Return the graph that computes the outputs at these places only, as a tuple."""
        outputs = tuple([self.outputs[at] for at in places])
        nodes = Nodes(self.nodes).reaching([output.node for output in outputs])
        tree = Container(tuple, (), tuple(range(len(outputs))))
        return replace(
            self,
            nodes=nodes,
            results=Results(tree, outputs),
            checked=self.checked.intersection(nodes),
            conditions=(),
        )

    def unfolded(self) -> Graph:
        """Return the graph that computes the values that this one folds."""
        outputs = tuple([each._replace(fold=None) for each in self.outputs])
        tree = Container(tuple, (), tuple(range(len(outputs))))
        return replace(self, results=Results(tree, outputs), conditions=())

    @property
    def inputs(self) -> tuple[Input, ...]:
        """All inputs, even those that only give a shape."""
        return tuple([node for node in self.nodes if type(node) is Input])

    @property
    def shape_observed(self) -> bool:
        """Whether the function looked at the shapes of its arguments."""
        return any(
            isinstance(each.type, ArrayOf) and any(n not in (None, 1) for n in each.type.extents)
            for each in self.signature
        )

    @property
    def scalars(self) -> frozenset[int]:
        """The parameters whose arguments are given to a kernel as one value."""
        return frozenset(at for at, each in enumerate(self.signature) if each.type.is_scalar)

    @property
    def locations(self) -> dict[Node, Location]:
        """The file and line of the user's code for each node that has one."""
        return {
            node: location(site)
            for node, site in self.sites.items()
            if not isinstance(node, Broadcast)
        }

    @property
    def names(self) -> dict[Node, str]:
        """The name of each value in all texts: `%3`, or the argument or constant itself."""
        return value_names(self._parts)

    @property
    def _parts(self) -> Parts:
        return Parts(
            self.name,
            self.signature,
            self.nodes,
            self.results,
            self.checked,
            self.conditions,
            [each.text for each in self.guards],
        )

    def written_call(self) -> tuple[list[str], str]:
        """Return the lines of a graph of arguments, and the text of these."""
        return written_call_of(self._parts)

    def written_loop(self) -> tuple[list[str], Sequence[str]]:
        """Return the lines of a graph of several results, and the text of each."""
        return written_loop_of(self._parts)

    def name_of(self, node: Input) -> str:
        """Return an input as a user writes it: the parameter's name, and the movement."""
        return of_input(node, self.signature)

    def mapped(self, visit: Callable[[Nodes, Node, Mapping[Node, Node]], Node]) -> Graph:
        """Return the graph of the nodes that `visit(nodes, node, new)` makes, unused ones left out.

        `visit` is called once a node, in their order; `new` maps each node before to its new one.
        All nodes that it makes have the site of its node.
        """
        nodes, new = Nodes(), dict[Node, Node]()
        sites = dict(self.sites)
        for node in self.nodes:
            before = len(nodes)
            new[node] = visit(nodes, node, new)
            if node in sites:
                for made in nodes.since(before):
                    sites.setdefault(made, sites[node])
        return self.with_nodes(nodes, new, sites)

    def with_nodes(
        self, nodes: Nodes, new: Mapping[Node, Node], sites: Mapping[Node | Broadcast, Site]
    ) -> Graph:
        """Return the graph with `new[node]` in the place of each node, unused ones left out."""
        return self.with_results(nodes, self.results.with_nodes(new), sites)

    def with_results(
        self, nodes: Nodes, results: Results, sites: Mapping[Node | Broadcast, Site]
    ) -> Graph:
        """Return the rewritten graph of these results, with those of the `nodes` that they need."""
        kept = nodes.reaching(results.nodes)
        return replace(
            self,
            nodes=kept,
            results=results,
            sites={each: sites[each] for each in (*kept, *self.conditions) if each in sites},
            checked=self.checked.intersection(kept),
            as_written={},
            handling={},
            taken=frozenset(),
            put=frozenset(),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __repr__(self) -> str:
        return f"<graph {self.name}: {len(self.nodes)} nodes>"

    def __str__(self) -> str:
        return written(self._parts)

    def _repr_html_(self) -> str:
        return pre(str(self))


# -- checking -----------------------------------------------------------------------------------

# Operators with result and operand dtypes that agree; there are few, so all are remembered.
_well_typed: set[tuple[object, ...]] = set()


def verify(graph: Graph) -> None:
    """Check that operands stand before their users, and that dtypes agree.

    Raises:  ValueError if not.
    """
    seen: set[Node] = set()
    types: tuple[object, ...]
    for node in graph.nodes:
        # Two operands have a branch without calls, because this loop runs at every trace.
        if type(node) is Apply:
            args = node.args
            if len(args) == 2:
                first, second = args
                stand_before = first in seen and second in seen
                types = (node.op, node.dtype, first.dtype, second.dtype)
            else:
                stand_before = seen.issuperset(args)
                types = (node.op, node.dtype, *[arg.dtype for arg in args])
            if not stand_before:
                raise ValueError(f"an operand of {node.op} does not stand before it")
            if types not in _well_typed:
                _verify_types(node.op, node.dtype, [arg.dtype for arg in args])
                _well_typed.add(types)
        elif type(node) is Constant:
            if not seen.issuperset(node.like):
                raise ValueError("an input that a constant is like does not stand before it")
        elif type(node) is not Input:
            _verify_other(node, seen)
        seen.add(node)
    graph.results.verify(seen)


def _verify_other(node: Node, seen: set[Node]) -> None:
    if not seen.issuperset(operands(node)):
        raise ValueError(f"an operand of {node!r} does not stand before it")
    match node:
        case Host(function, args, dtype):
            if not (dtype.weak and all(arg.dtype.weak for arg in args)):
                raise ValueError(f"{function.__name__} is not between Python scalars only")
        case Project(of, index):
            if not 0 <= index < len(of.op.results):
                raise ValueError(f"{of.op} has no result {index}")
            if node.dtype is not of.op.dtypes_of_results(of.dtype)[index]:
                raise ValueError(f"result {index} of {of.op} is no {node.dtype}")
        case Join(values, _, dtype):
            if any(each.dtype is not dtype for each in values):
                raise ValueError("values of several dtypes are joined")


def _verify_types(op: Op, dtype: DType, args: Sequence[DType]) -> None:
    if len(args) != op.arity:
        raise ValueError(f"{op} has {op.arity} operands, not {len(args)}")
    if op is CAST:
        if dtype.weak or args[0] is dtype:
            raise ValueError(f"cast from {args[0]} to {dtype}")
        return
    for arg in args:
        if arg.weak:
            raise ValueError(f"{op}: no operator takes the weak {arg}")
    own: DType | None = None
    for kind, each in zip((*op.operands, op.results[0]), (*args, dtype), strict=True):
        expected = ALWAYS.get(kind) or own or each
        if each is not expected:
            raise ValueError(f"{op}: {each} where {expected} is expected")
        if kind not in ALWAYS:
            own = each
    if own is not None and own not in op.dtypes:
        raise ValueError(f"{op} has no stencil for {own}")
