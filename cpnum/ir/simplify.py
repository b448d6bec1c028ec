"""Rewrites a graph by the tables of rules: trace expands, simplify shrinks.

One pass goes over the nodes in their order, and applies rules to each until none fits; constants
are folded on the way, and what nothing needs any more is left out.  The contract of the rules, and
their rows, are in `rules`.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from cpnum.ir.graph import Apply, Constant, Graph, Input, Node, Nodes, Site, operands
from cpnum.ir.rules import (
    EXACT,
    FASTER,
    INEXACT,
    Pattern,
    Prepared,
    Rule,
    Rules,
    RuleTable,
    Term,
    Variable,
    index,
)
from cpnum.tables.dtypes import DType
from cpnum.tables.ops import CAST, OPS, PARTS, Op

# How exact elementary functions are: within 1 ULP, or 4 where that is faster.
Precision = Literal["full", "fast"]

# Only a function that asks for the others has a use for their tables.
_index = functools.cache(index)
_EXACT_TABLE = _index(EXACT)


# -- rewriting ----------------------------------------------------------------------------------


class _Rewriting:
    """One pass over a graph: old nodes to new ones."""

    def __init__(self, graph: Graph, table: RuleTable, uses: dict[Node, int] | None) -> None:
        self.graph = graph
        self.table = table
        # How often a node is used; if given, what a rule takes in must be used once.
        self.uses = uses
        self.nodes = Nodes()
        self.sites: dict[Node, Site] = dict(graph.sites)
        self.new: dict[Node, Node] = {}
        self._shaped: dict[Node, frozenset[Input]] = {}

    def run(self) -> Graph:
        """Return the rewritten graph; the same object if no rule fits."""
        nodes = self.graph.nodes
        start = self._first()
        if start is None:
            return self.graph
        self.nodes = Nodes(nodes[:start])
        self.new = {node: node for node in nodes[:start]}
        for node in nodes[start:]:
            self.new[node] = made = self._remade(node)
            if made is not node:
                if node in self.sites:
                    self.sites.setdefault(made, self.sites[node])
                if self.uses is not None:
                    self.uses[made] = max(self.uses.get(made, 0), self.uses[node])
        return _with(self.graph, self.nodes, self.new, self.sites)

    def _first(self) -> int | None:
        """Return where the first node is that is folded or that a rule fits.

        Nearly all nodes of nearly all graphs are neither, so what is asked of each is little.
        """
        for at, node in enumerate(self.graph.nodes):
            if type(node) is not Apply:
                continue
            args = node.args
            if type(args[0]) is Constant and _folds(args):
                return at
            rules = self.table.get(node.op)
            if rules is None:
                continue
            heads, possible = rules.heads, bool(rules.others)
            for arg in args:
                if type(arg) is Apply:
                    possible = possible or arg.op in heads
                elif type(arg) is Constant:
                    possible = possible or arg.value in heads or Constant in heads
            if possible and self._match(rules, args, node.dtype) is not None:
                return at
        return None

    def _remade(self, node: Node) -> Node:
        match node:
            case Apply(op, args, dtype):
                return self.made(op, tuple([self.new[arg] for arg in args]), dtype)
            case _:
                return self.nodes.keep(node)

    def made(self, op: Op, args: tuple[Node, ...], dtype: DType) -> Node:
        """Return the node of an operator, after folding and rules."""
        folded = _folded(self.nodes, op, args, dtype)
        if folded is not None:
            return folded
        rules = self.table.get(op)
        found = None if rules is None else self._match(rules, args, dtype)
        if found is not None:
            prepared, bound = found
            return self._replaced(prepared.replacement, bound, dtype)
        return self.nodes.apply(op, args, dtype)

    def _replaced(self, term: Term, bound: dict[str, Node], dtype: DType) -> Node:
        if isinstance(term, Variable):
            return bound[term.name]
        if isinstance(term, Pattern):
            assert term.op is not None
            # The operands of all rules but casts have one dtype, that of x.
            args = tuple(self._replaced(arg, bound, bound["x"].dtype) for arg in term.args)
            return self.made(term.op, args, dtype)
        return self.nodes.constant(term, dtype)

    def _match(
        self, rules: Rules, args: tuple[Node, ...], dtype: DType
    ) -> tuple[Prepared, dict[str, Node]] | None:
        for prepared in _candidates(rules, args):
            pattern, rule = prepared.pattern, prepared.rule
            bound: dict[str, Node] = {}
            if (
                (pattern.dtype is None or pattern.dtype is dtype)
                and all(
                    self._fits(term, arg, rule, bound)
                    for term, arg in zip(pattern.args, args, strict=True)
                )
                and bound["x"].dtype in rule.dtypes
                and self._keeps_shape(prepared, bound)
            ):
                return prepared, bound
        return None

    def _fits(self, term: Term, node: Node, rule: Rule, bound: dict[str, Node]) -> bool:
        if isinstance(term, Variable):
            if term.name == "k" and not (
                isinstance(node, Constant) and not node.like and rule.when(node.value)
            ):
                return False
            return bound.setdefault(term.name, node) is node
        if isinstance(term, Pattern):
            return (
                isinstance(node, Apply)
                and node.op is term.op
                and (term.dtype is None or term.dtype is node.dtype)
                and (self.uses is None or self.uses.get(node) == 1)
                and all(
                    self._fits(inner, arg, rule, bound)
                    for inner, arg in zip(term.args, node.args, strict=True)
                )
            )
        # The comparison alone would take -0.0 for 0.0.
        return (
            isinstance(node, Constant)
            and not node.like
            and node.value == term
            and bool(np.signbit(node.value) == np.signbit(term))
        )

    def _keeps_shape(self, prepared: Prepared, bound: dict[str, Node]) -> bool:
        dropped, x = prepared.dropped, bound["x"]
        return all(self._shapes(bound[name]) <= self._shapes(x) for name in dropped)

    def _shapes(self, node: Node) -> frozenset[Input]:
        """Return the inputs that give `node` its shape."""
        known = self._shaped
        pending = [node]
        while pending:
            last = pending[-1]
            missing = [arg for arg in operands(last) if arg not in known]
            if missing:
                pending += missing
                continue
            pending.pop()
            own = {last} if isinstance(last, Input) and not last.dtype.weak else set()
            known[last] = frozenset(own).union(*(known[arg] for arg in operands(last)))
        return known[node]


def _candidates(rules: Rules, args: tuple[Node, ...]) -> list[Prepared]:
    """Return the rules whose heads the operands are, and those that ask for none."""
    found: list[Prepared] = []
    for heads, arg in zip(rules.by_operand, args, strict=True):
        if type(arg) is Apply:
            found += heads.get(arg.op, ())
        elif type(arg) is Constant:
            found += heads.get(arg.value, ())
            found += heads.get(Constant, ())
    return found + rules.others


def _with(graph: Graph, nodes: Nodes, new: dict[Node, Node], sites: dict[Node, Site]) -> Graph:
    """Return `graph` with other nodes, those without use left out."""
    results = tuple(new[result] for result in graph.results)
    kept = nodes.reaching(results)
    left = {node: sites[node] for node in kept if node in sites}
    return replace(graph, nodes=kept, results=results, sites=left)


def _folds(args: tuple[Node, ...]) -> bool:
    return all(type(arg) is Constant for arg in args)


def _folded(nodes: Nodes, op: Op, args: tuple[Node, ...], dtype: DType) -> Constant | None:
    """Return what NumPy computes of constants, None if a flag is raised at each call.

    Elementary functions are left to their stencils, whose bits need not be NumPy's.
    """
    constants = [arg for arg in args if isinstance(arg, Constant) and not arg.dtype.weak]
    if len(constants) < len(args) or op.ulp > 0.5:
        return None
    values: list[Any] = [constant.value for constant in constants]
    try:
        with np.errstate(all="raise"):
            if op is CAST:
                value = values[0].astype(dtype.numpy)
            elif op is OPS["multiply_add"]:
                return None
            else:
                # Arrays, because integer scalars would warn where arrays wrap around.
                value = getattr(np, op.name)(*(np.full(1, each) for each in values))[0]
    except FloatingPointError:
        return None
    like = tuple(dict.fromkeys(each for constant in constants for each in constant.like))
    return nodes.constant(value, dtype, like)


# -- chains -------------------------------------------------------------------------------------


def _rebalanced(graph: Graph) -> Graph:
    """Turn sums and products of four and more terms into trees, whose operations can overlap."""
    inner = _inside_long_chains(graph)
    if not inner:
        return graph
    nodes = Nodes()
    new: dict[Node, Node] = {}
    sites = dict(graph.sites)
    for node in graph.nodes:
        if node in inner:
            continue
        if isinstance(node, Apply):
            terms = [new[term] for term in _terms(node, inner)]
            if len(terms) > len(node.args):
                made = _tree(nodes, node, terms)
            else:
                made = nodes.apply(node.op, tuple(terms), node.dtype)
            new[node] = made
            if node in sites:
                sites.setdefault(made, sites[node])
        else:
            new[node] = nodes.keep(node)
    return _with(graph, nodes, new, sites)


def _inside_long_chains(graph: Graph) -> set[Node]:
    """Return the sums within sums, and products within products, of four terms and more."""
    uses = _uses(graph)
    chained = {OPS["add"], OPS["multiply"]}
    terms = dict.fromkeys(graph.nodes, 1)
    parents: dict[Node, Node] = {}
    for node in graph.nodes:
        if isinstance(node, Apply) and node.op in chained and node.dtype.family == "F":
            for arg in node.args:
                if isinstance(arg, Apply) and arg.op is node.op and uses[arg] == 1:
                    parents[arg] = node
            terms[node] = sum(terms[arg] if arg in parents else 1 for arg in node.args)
    # A chain is as long as it is at its end, which comes last.
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


def _uses(graph: Graph) -> dict[Node, int]:
    uses = dict.fromkeys(graph.nodes, 0)
    for node in graph.nodes:
        for arg in operands(node):
            uses[arg] += 1
    for result in graph.results:
        uses[result] += 1
    return uses


def simplify(graph: Graph, fastmath: bool = False, precision: Precision = "full") -> Graph:
    """Return `graph` rewritten by the exact rules, and by the inexact ones that are asked for.

    >>> from cpnum.tables.dtypes import F64
    >>> nodes = Nodes()
    >>> x = nodes.input(0, (), F64)
    >>> half = nodes.apply(OPS["divide"], (x, nodes.constant(2.0, F64)), F64)
    >>> graph = Graph("f", ("x",), ("f64[:]",), nodes.reaching((half,)), (half,))
    >>> print(simplify(graph))
    f(x: f64[:])
      %0 = multiply x 0.5  f64
      return %0
    """
    graph = _Rewriting(graph, _EXACT_TABLE, None).run()
    if fastmath:
        graph = _rebalanced(graph)
        graph = _Rewriting(graph, _index(INEXACT), _uses(graph)).run()
    graph = _paired(graph)
    return graph if precision == "full" else _Rewriting(graph, _index(FASTER), None).run()


def _paired(graph: Graph) -> Graph:
    """Return the graph with sin and cos of one value as one operator, which reduces it once."""
    found: dict[Op, set[Node]] = {OPS["sin"]: set(), OPS["cos"]: set()}
    for node in graph.nodes:
        if type(node) is Apply and node.op in found:
            found[node.op].add(node.args[0])
    both = set.intersection(*found.values())
    if not both:
        return graph
    nodes, new, sites = Nodes(), dict[Node, Node](), dict(graph.sites)
    for node in graph.nodes:
        if not isinstance(node, Apply):
            new[node] = nodes.keep(node)
            continue
        args = tuple([new[arg] for arg in node.args])
        if node.op in found and node.args[0] in both:
            part = PARTS[list(found).index(node.op)]
            made = nodes.apply(part, (nodes.apply(OPS["sincos"], args, node.dtype),), node.dtype)
        else:
            made = nodes.apply(node.op, args, node.dtype)
        new[node] = made
        if node in sites:
            sites.setdefault(made, sites[node])
    return _with(graph, nodes, new, sites)
