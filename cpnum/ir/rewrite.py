"""The engine of `simplify`: one pass over a graph that applies a table of rules.

It visits the nodes in their order, applies rules to each until none fits, and folds constants.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cpnum.ir.graph import Graph
from cpnum.ir.nodes import Apply, Constant, Node, Nodes, renewed
from cpnum.ir.reference import function_of
from cpnum.ir.rules import Pattern, Prepared, Rule, Rules, RuleTable, Term, Variable
from cpnum.ir.walk import Shaping
from cpnum.tables.dtypes import DType
from cpnum.tables.ops import CAST, Op


class Rewriting:
    """One pass over a graph: old nodes to new ones."""

    def __init__(self, graph: Graph, table: RuleTable, uses: dict[Node, int] | None) -> None:
        self.graph = graph
        self.table = table
        # How often a node is used; if given, what a rule takes in must be used once.
        self.uses = uses
        self.nodes = Nodes()
        self.sites = dict(graph.sites)
        self.new: dict[Node, Node] = {}
        self._shaping: Shaping | None = None

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
        return self.graph.with_nodes(self.nodes, self.new, self.sites)

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
                return renewed(self.nodes, node, self.new)

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
        if not prepared.dropped:
            return True
        if self._shaping is None:
            self._shaping = Shaping(lambda node: not node.dtype.weak)
        shaping = self._shaping.of
        left = set(shaping(bound["x"]))
        return all(left.issuperset(shaping(bound[name])) for name in prepared.dropped)


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


def _folds(args: tuple[Node, ...]) -> bool:
    return all(type(arg) is Constant for arg in args)


def _folded(nodes: Nodes, op: Op, args: tuple[Node, ...], dtype: DType) -> Constant | None:
    """Return what NumPy computes of constants, None if a flag is raised at each call.

    Elementary functions are left to their stencils, whose bits need not be NumPy's.
    """
    constants = [arg for arg in args if isinstance(arg, Constant) and not arg.dtype.weak]
    if len(constants) < len(args) or op.ulp > 0.5 or (op.home == "rewrites" and op is not CAST):
        return None
    values: list[Any] = [constant.value for constant in constants]
    try:
        with np.errstate(all="raise"):
            if op is CAST:
                value = values[0].astype(dtype.numpy)
            else:
                # Arrays, because integer scalars would warn where arrays wrap around.
                value = function_of(op)(*(np.full(1, each) for each in values))[0]
    except FloatingPointError:
        return None
    like = tuple(dict.fromkeys(each for constant in constants for each in constant.like))
    return nodes.constant(value, dtype, like)
