"""The engine of `simplify`: one pass over a graph that applies a table of rules.

It visits the nodes in their order, applies rules to each until none fits, and folds constants.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cpnum.ir.graph import Graph
from cpnum.ir.nodes import Apply, Broadcast, Constant, Node, Nodes, renewed
from cpnum.ir.reference import function_of
from cpnum.ir.rules import Computed, IndexedRule, Pattern, Rule, Rules, RuleTable, Term, Variable
from cpnum.ir.sites import Site
from cpnum.ir.walk import Shaping
from cpnum.tables.dtypes import DType
from cpnum.tables.ops import CAST, Op


class Rewriting:
    """One pass over a graph, which maps its nodes to new ones."""

    def __init__(self, graph: Graph, table: RuleTable, uses: dict[Node, int] | None) -> None:
        self.graph = graph
        self.table = table
        # How often each node is used; if given, a rule takes in no operand that is used twice.
        self.uses = uses
        # Filled by `run` if a rule fits, which is rare.
        self.nodes = Nodes()
        self.sites: dict[Node | Broadcast, Site] = {}
        self.new: dict[Node, Node] = {}
        self._shaping: Shaping | None = None

    def run(self) -> Graph:
        """Return the rewritten graph; the same object if no rule fits."""
        nodes = self.graph.nodes
        start = self._first()
        if start is None:
            return self.graph
        self.sites = dict(self.graph.sites)
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
        """Return the index of the first node that is folded or that a rule fits.

        Nearly all nodes of nearly all graphs are neither, so the checks of each are short.
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
            indexed, matched = found
            return self._replaced(indexed.replacement, matched, dtype)
        return self.nodes.apply(op, args, dtype)

    def _replaced(self, term: Term, matched: dict[str, Node], dtype: DType) -> Node:
        if isinstance(term, Variable):
            return matched[term.name]
        if isinstance(term, Pattern):
            assert term.op is not None
            # The operands of all rules but casts have the dtype of x.
            args = tuple(self._replaced(arg, matched, matched["x"].dtype) for arg in term.args)
            return self.made(term.op, args, dtype)
        if isinstance(term, Computed):
            constant = matched[term.variable.name]
            assert isinstance(constant, Constant)
            term = term.function(constant.value)
        return self.nodes.constant(term, dtype)

    def _match(
        self, rules: Rules, args: tuple[Node, ...], dtype: DType
    ) -> tuple[IndexedRule, dict[str, Node]] | None:
        for indexed in _candidates(rules, args):
            pattern, rule = indexed.pattern, indexed.rule
            matched: dict[str, Node] = {}
            if (
                (pattern.dtype is None or pattern.dtype is dtype)
                and all(
                    self._fits(term, arg, rule, matched)
                    for term, arg in zip(pattern.args, args, strict=True)
                )
                and matched["x"].dtype in rule.dtypes
                and self._keeps_shape(indexed, matched)
            ):
                return indexed, matched
        return None

    def _fits(self, term: Term, node: Node, rule: Rule, matched: dict[str, Node]) -> bool:
        if isinstance(term, Variable):
            if term.name == "k" and not (
                isinstance(node, Constant) and not node.like and rule.when(node.value)
            ):
                return False
            return matched.setdefault(term.name, node) is node
        if isinstance(term, Pattern):
            return (
                isinstance(node, Apply)
                and node.op is term.op
                and (term.dtype is None or term.dtype is node.dtype)
                and (self.uses is None or self.uses.get(node) == 1)
                and all(
                    self._fits(inner, arg, rule, matched)
                    for inner, arg in zip(term.args, node.args, strict=True)
                )
            )
        assert not isinstance(term, Computed), "of replacements only"
        # The comparison alone would take -0.0 for 0.0.
        return (
            isinstance(node, Constant)
            and not node.like
            and node.value == term
            and bool(np.signbit(node.value) == np.signbit(term))
        )

    def _keeps_shape(self, indexed: IndexedRule, matched: dict[str, Node]) -> bool:
        if not indexed.dropped:
            return True
        if self._shaping is None:
            self._shaping = Shaping(lambda node: not node.dtype.weak)
        shaping = self._shaping.of
        left = set(shaping(matched["x"]))
        return all(left.issuperset(shaping(matched[name])) for name in indexed.dropped)


def _candidates(rules: Rules, args: tuple[Node, ...]) -> list[IndexedRule]:
    """Return the rules whose head is among the operands, and the rules without a head."""
    found: list[IndexedRule] = []
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
    """Return the constant that NumPy computes from constants; None if a call has to raise a flag.

    Elementary functions are left to their stencils, whose bits need not be NumPy's.
    """
    constants = [arg for arg in args if isinstance(arg, Constant) and not arg.dtype.weak]
    if len(constants) < len(args) or op.ulp > 0.5 or (op.home == "rewrites" and op is not CAST):
        return None
    if len(op.results) > 1:
        return None  # one constant is not all of them
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
