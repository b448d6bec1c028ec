"""Rewrites a graph by one pass after the other: trace expands, simplify shrinks.

The contract of the rules, and their rows, are in `rules`; `rewrite` applies them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Literal

from cpnum.ir.graph import Graph
from cpnum.ir.nodes import Apply, Node, Nodes, renewed
from cpnum.ir.rewrite import Rewriting
from cpnum.ir.rules import EXACT, FASTER, INEXACT, index
from cpnum.ir.walk import uses
from cpnum.tables.ops import OPS, Op

# How exact elementary functions are: within 1 ULP, or 4 where that is faster.
Precision = Literal["full", "fast"]

# The other tables are made for the first function that asks for their rules.
_index = functools.cache(index)
_EXACT_TABLE = _index(EXACT)

# The operators that passes look for; no rule makes any of them.
_PAIRED = OPS["sin"], OPS["cos"]
_DIVISIONS = OPS["floor_divide"], OPS["remainder"], OPS["divmod"], OPS["fmod"]


def simplify(graph: Graph, fastmath: bool = False, precision: Precision = "full") -> Graph:
    r"""Return `graph` rewritten by the exact rules, and by the inexact ones that are asked for.

    >>> graph = Graph.parse("f(x: f64[:])\n  %0 = divide x 2.0  f64\n  return %0")
    >>> print(simplify(graph))
    f(x: f64[:])
      %0 = multiply x 0.5  f64
      return %0
    """
    ops = {node.op for node in graph.nodes if type(node) is Apply}
    divides = not ops.isdisjoint(_DIVISIONS)
    if divides:
        from cpnum.ir.divisors import by_divisors, separated

        graph = separated(graph)
    graph = Rewriting(graph, _EXACT_TABLE, None).run()
    if fastmath:
        graph = _rebalanced(graph)
        once = uses(graph.nodes, graph.results.nodes)
        graph = Rewriting(graph, _index(INEXACT), once).run()
    if ops.issuperset(_PAIRED):
        graph = _paired(graph)
    if divides:
        graph = by_divisors(graph)
    return graph if precision == "full" else Rewriting(graph, _index(FASTER), None).run()


# -- sin and cos of one value -------------------------------------------------------------------


def _paired(graph: Graph) -> Graph:
    """Return the graph with sin and cos of one value as one operator: the value is reduced once."""
    found: dict[Op, set[Node]] = {op: set() for op in _PAIRED}
    for node in graph.nodes:
        if type(node) is Apply and node.op in found:
            found[node.op].add(node.args[0])
    both = set.intersection(*found.values())
    if not both:
        return graph
    index_of = {op: at for at, op in enumerate(found)}

    def visit(nodes: Nodes, node: Node, new: Mapping[Node, Node]) -> Node:
        if isinstance(node, Apply) and node.op in found and node.args[0] in both:
            pair = nodes.apply(OPS["sincos"], (new[node.args[0]],), node.dtype)
            return nodes.project(pair, index_of[node.op], node.dtype)
        return renewed(nodes, node, new)

    return graph.mapped(visit)


# -- chains -------------------------------------------------------------------------------------


def _rebalanced(graph: Graph) -> Graph:
    """Turn sums and products of four and more terms into trees, whose operations can overlap."""
    inner = _inside_long_chains(graph)
    if not inner:
        return graph

    def visit(nodes: Nodes, node: Node, new: Mapping[Node, Node]) -> Node:
        if not isinstance(node, Apply):
            return renewed(nodes, node, new)
        if node in inner:
            return node  # its terms go to the end of the chain
        terms = [new[term] for term in _terms(node, inner)]
        if len(terms) > len(node.args):
            return _tree(nodes, node, terms)
        return nodes.apply(node.op, tuple(terms), node.dtype)

    return graph.mapped(visit)


def _inside_long_chains(graph: Graph) -> set[Node]:
    """Return the sums within sums, and products within products, of four terms and more."""
    count = uses(graph.nodes, graph.results.nodes)
    chained = {OPS["add"], OPS["multiply"]}
    terms = dict.fromkeys(graph.nodes, 1)
    parents: dict[Node, Node] = {}
    for node in graph.nodes:
        if isinstance(node, Apply) and node.op in chained and node.dtype.family == "F":
            for arg in node.args:
                if isinstance(arg, Apply) and arg.op is node.op and count[arg] == 1:
                    parents[arg] = node
            terms[node] = sum(terms[arg] if arg in parents else 1 for arg in node.args)
    # The last node of a chain has counted all its terms; the others get its count.
    for node in reversed(graph.nodes):
        if node in parents:
            terms[node] = terms[parents[node]]
    return {node for node in parents if terms[node] >= 4}


def _terms(root: Apply, inner: set[Node]) -> list[Node]:
    """Return the operands of a chain of one operator, in their order."""
    terms: list[Node] = []
    pending = list(reversed(root.args))
    while pending:
        node = pending.pop()
        if isinstance(node, Apply) and node in inner:
            pending += reversed(node.args)
        else:
            terms.append(node)
    return terms


def _tree(nodes: Nodes, root: Apply, terms: list[Node]) -> Node:
    while len(terms) > 1:
        pairs = [
            nodes.apply(root.op, (left, right), root.dtype)
            for left, right in zip(terms[::2], terms[1::2], strict=False)
        ]
        terms = [*pairs, *terms[2 * len(pairs) :]]
    return terms[0]
