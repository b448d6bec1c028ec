r"""Divisions of integers by one divisor: its reciprocal is computed once a call.

A divisor without axes is the same for all elements, as in `x // 7`.  So the operator `divisor`,
which stands outside of all loops, computes what `floor_divide_by` multiplies each element by.  A
remainder is what the product of quotient and divisor leaves.

>>> graph = Graph.parse("f(x: i64[:])\n  %0 = floor_divide x 7  i64\n  return %0")
>>> print(by_divisors(graph))
f(x: i64[:])
  %0 = divisor 7                   i64
  %1 = project %0 0                i64
  %2 = project %0 1                i64
  %3 = project %0 2                i64
  %4 = floor_divide_by x %1 %2 %3  i64
  return %4
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping

from cpnum.ir.extents import Extent, Symbol, moved
from cpnum.ir.graph import Graph
from cpnum.ir.movement import Held
from cpnum.ir.nodes import Apply, Constant, Input, Node, Nodes, Project, operands, renewed
from cpnum.ir.signature import ArrayOf, Signature
from cpnum.ir.walk import Shaping
from cpnum.tables.dtypes import B, DType
from cpnum.tables.ops import OPS, Op

# An operator of two results is both of these, in this order.
_DIVMOD = OPS["divmod"]
_PARTS = OPS["floor_divide"], OPS["remainder"]


def _divisions(graph: Graph, ops: Container[Op]) -> set[Node]:
    """Return the nodes of these operators that divide integers with axes by a divisor without."""
    signature, scalars = graph.signature, graph.scalars
    shaping = Shaping(lambda node: node.parameter not in scalars and _has_axes(node, signature))
    return {
        node
        for node in graph.nodes
        if type(node) is Apply
        and node.op in ops
        and node.dtype.family == "I"
        and (isinstance(node.args[1], Constant) or not shaping.of(node.args[1]))
        and shaping.of(node.args[0])
    }


# Of a view that was reshaped, only its shape tells; it counts as one of several elements.
_SEVERAL = (2,)


def _has_axes(node: Input, signature: Signature) -> bool:
    """Tell whether an input may have more than one element, as far as the signature says."""
    extents: tuple[Extent, ...] = ()
    if node.parameter >= 0:
        array = signature[node.parameter].type
        assert isinstance(array, ArrayOf)
        extents = tuple(
            Symbol(node.parameter, axis) if extent is None else extent
            for axis, extent in enumerate(array.extents)
        )
    for step in node.movement:
        extents = moved(extents, step, step.array.shape if isinstance(step, Held) else _SEVERAL)
    return any(extent != 1 for extent in extents)


def _rewritten(
    graph: Graph, replace: Callable[[Nodes, Node, Mapping[Node, Node]], Node | None]
) -> Graph:
    """Return the graph with the nodes that `replace` makes, None for those that stay."""

    def visit(nodes: Nodes, node: Node, new: Mapping[Node, Node]) -> Node:
        made = replace(nodes, node, new)
        if made is not None:
            return made
        if all(new[each] is each for each in operands(node)):
            return nodes.keep(node)
        return renewed(nodes, node, new)

    return graph.mapped(visit)


def separated(graph: Graph) -> Graph:
    """Return the graph with quotients and remainders in the place of divmod: rules fit these."""
    divisions = _divisions(graph, (_DIVMOD,))
    if not divisions:
        return graph

    def replace(nodes: Nodes, node: Node, new: Mapping[Node, Node]) -> Node | None:
        if isinstance(node, Project) and node.node in divisions:
            args = tuple([new[arg] for arg in node.node.args])
            return nodes.apply(_PARTS[node.index], args, node.dtype)
        return None

    return _rewritten(graph, replace)


def by_divisors(graph: Graph) -> Graph:
    """Return the graph with products in the place of divisions by one divisor."""
    divisions = _divisions(graph, _PRODUCTS)
    if not divisions:
        return graph

    def replace(nodes: Nodes, node: Node, new: Mapping[Node, Node]) -> Node | None:
        if isinstance(node, Apply) and node in divisions:
            dividend, divisor = [new[arg] for arg in node.args]
            return _PRODUCTS[node.op](nodes, dividend, divisor, node.dtype)
        return None

    return _rewritten(graph, replace)


def _quotient(nodes: Nodes, dividend: Node, divisor: Node, dtype: DType) -> Node:
    several = nodes.apply(OPS["divisor"], (divisor,), dtype)
    parts = [nodes.project(several, index, dtype) for index in range(len(several.op.results))]
    return nodes.apply(OPS["floor_divide_by"], (dividend, *parts), dtype)


def _remainder(nodes: Nodes, dividend: Node, divisor: Node, dtype: DType) -> Node:
    return _left(nodes, dividend, divisor, _quotient(nodes, dividend, divisor, dtype), dtype)


def _truncated_remainder(nodes: Nodes, dividend: Node, divisor: Node, dtype: DType) -> Node:
    """Return what the quotient leaves that is rounded to zero, as NumPy's fmod."""
    # Up to where the floor is the next whole number, if the quotient is negative.
    zero = nodes.constant(0, dtype)
    sign = nodes.apply(OPS["sign"], (divisor,), dtype)
    nearly = nodes.apply(OPS["subtract"], (divisor, sign), dtype)
    signs = nodes.apply(OPS["bitwise_xor"], (dividend, divisor), dtype)
    is_negative = nodes.apply(OPS["less"], (signs, zero), B)
    more = nodes.apply(OPS["where"], (is_negative, nearly, zero), dtype)
    raised = nodes.apply(OPS["add"], (dividend, more), dtype)
    return _left(nodes, dividend, divisor, _quotient(nodes, raised, divisor, dtype), dtype)


def _left(nodes: Nodes, dividend: Node, divisor: Node, quotient: Node, dtype: DType) -> Node:
    """Return the dividend without the product of divisor and quotient; 0 for a divisor of 0."""
    if not (isinstance(divisor, Constant) and divisor.value):
        zero, every_bit = nodes.constant(0, dtype), nodes.constant(-1, dtype)
        is_zero = nodes.apply(OPS["equal"], (divisor, zero), B)
        kept = nodes.apply(OPS["where"], (is_zero, zero, every_bit), dtype)
        dividend = nodes.apply(OPS["bitwise_and"], (dividend, kept), dtype)
    product = nodes.apply(OPS["multiply"], (quotient, divisor), dtype)
    return nodes.apply(OPS["subtract"], (dividend, product), dtype)


# What a division becomes, of dividend and divisor.
_PRODUCTS = {
    OPS["floor_divide"]: _quotient,
    OPS["remainder"]: _remainder,
    OPS["fmod"]: _truncated_remainder,
}
