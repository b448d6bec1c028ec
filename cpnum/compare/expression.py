"""Graph to the text of an expression, as a person would write it for numexpr.

>>> from cpnum.trace.trace import trace
>>> x = np.ones(3)
>>> print(expression_of(trace(lambda x, a: np.sqrt(x * x + a) / 2, (x, 5)), (x, 5)).text)
(sqrt(((x * x) + 5.0)) / 2.0)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from cpnum.compile.sources import sources_of
from cpnum.errors import UnsupportedError
from cpnum.ir.evaluate import host_value
from cpnum.ir.graph import Graph
from cpnum.ir.nodes import Apply, Constant, Input, Node
from cpnum.tables.dtypes import F32, F64, I32, I64
from cpnum.tables.ops import CAST

# Operators that numexpr writes as Python does.  Its truth values are NumPy's booleans.
_INFIX = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**",
    "equal": "==", "not_equal": "!=", "less": "<", "less_equal": "<=", "greater": ">",
    "greater_equal": ">=", "logical_and": "&", "logical_or": "|", "logical_xor": "^",
    "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^", "left_shift": "<<",
    "right_shift": ">>",
}  # fmt: skip
_FORMATS = {
    "negative": "(-{0})",
    "invert": "(~{0})",
    "logical_not": "(~{0})",
    "square": "({0} ** 2)",
    "reciprocal": "(1 / {0})",
    "absolute": "abs({0})",
}
# Functions that compute the same under the same name, where numexpr has them.
_FUNCTIONS = frozenset(
    "where sqrt exp expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan arctan2 sinh cosh "
    "tanh arcsinh arccosh arctanh hypot floor ceil trunc copysign sign minimum maximum isnan isinf "
    "isfinite".split()
)
# The dtypes that numexpr converts to by itself, from which.
_WIDER = {F64: (F32, I32, I64), I64: (I32,)}
# A value that is used several times stands several times in the text.
_LONGEST = 4000
# Names with a meaning of their own in numexpr's texts.
_RESERVED = frozenset(["True", "False", "None", "sum", "prod", "min", "max", "contains", "complex"])


class Expression(NamedTuple):
    """The text of an expression, and the value of each variable in it."""

    text: str
    variables: dict[str, np.ndarray[Any, Any]]


def expression_of(
    graph: Graph, arguments: Sequence[Any], functions: frozenset[str] = _FUNCTIONS
) -> Expression:
    """Return the expression that computes a graph, for these arguments, with these `functions`.

    Views of the arguments are variables.  Numbers stand in the text, but float32 ones: numexpr
    takes a literal for float64.

    Raises:  UnsupportedError for an operator that is none of numexpr's.

    >>> from cpnum.trace.trace import trace
    >>> x = np.ones(3, np.float32)
    >>> expression = expression_of(trace(lambda x: x[1:] * 2.5, (x,)), (x,))
    >>> expression.text, *expression.variables.values()
    ('(x_0 * c1)', array([1., 1.], dtype=float32), array(2.5, dtype=float32))
    """
    if graph.results.output is None:
        raise _no("several results, nor views or Python's values as results")
    writer = _Writer(graph, arguments, functions)
    for node in graph.nodes:
        if type(node) is Apply and node not in writer.sources.host:
            writer.apply(node)
    text = writer.texts.get(graph.output.node)
    if text is None:
        raise _no("an expression without operators")
    return Expression(text, writer.variables)


def _no(what: str) -> UnsupportedError:
    return UnsupportedError(f"numexpr has not {what}")


class _Writer:
    def __init__(self, graph: Graph, arguments: Sequence[Any], functions: frozenset[str]) -> None:
        self.graph = graph
        self.arguments = arguments
        self.functions = functions
        self.sources = sources_of(graph)
        self.texts: dict[Node, str] = {}
        self.variables: dict[str, np.ndarray[Any, Any]] = {}
        # Casts that numexpr does by itself, where another operand has the wider dtype.
        self.implied: set[Node] = set()

    def apply(self, node: Apply) -> None:
        """Write the text of an operator applied to its operands."""
        name = node.op.name
        if node.op is CAST:
            (arg,) = node.args
            if arg.dtype not in _WIDER.get(node.dtype, ()) or node is self.graph.output.node:
                raise _no(f"a conversion from {arg.dtype} to {node.dtype}")
            self.implied.add(node)
            self.texts[node] = self.operand(arg)
            return
        self.check_implied(node)
        args = [self.operand(arg) for arg in node.args]
        if name in _INFIX:
            text = f"({args[0]} {_INFIX[name]} {args[1]})"
        elif name in _FORMATS:
            text = _FORMATS[name].format(*args)
        elif name in _FUNCTIONS and name in self.functions:
            text = f"{name}({', '.join(args)})"
        else:
            raise _no(f"the function {name}")
        if len(text) > _LONGEST:
            raise UnsupportedError(f"its text for numexpr has over {_LONGEST:,} characters")
        self.texts[node] = text

    def check_implied(self, node: Apply) -> None:
        """Refuse a cast whose value meets none of the dtype that it has."""
        for arg in self.implied.intersection(node.args):
            if not any(self.has_dtype(other, arg) for other in node.args):
                assert isinstance(arg, Apply)
                raise _no(f"a conversion from {arg.args[0].dtype} to {arg.dtype}")

    def has_dtype(self, node: Node, cast: Node) -> bool:
        """Tell whether numexpr knows a value to have the dtype of a cast."""
        # A literal integer has 32 bits if it fits.
        literal = type(node) is Constant and node.dtype is I64
        return node.dtype is cast.dtype and node not in self.implied and not literal

    def operand(self, node: Node) -> str:
        """Return the text of an operand; an input or a number is written when it is first used."""
        text = self.texts.get(node)
        if text is None:
            text = self.texts[node] = self.source(node)
        return text

    def source(self, node: Node) -> str:
        """Return the literal or the variable for a number, or the variable for a view."""
        if type(node) is Input and node not in self.sources.host:
            return self.variable(
                self.graph.name_of(node), node.view(self.arguments[node.parameter])
            )
        value, _ = host_value(node, self.arguments)
        value = np.asarray(value, node.dtype.numpy)
        if node.dtype is F32 or not np.isfinite(value):
            return self.variable(f"c{len(self.variables)}", value)
        text = repr(value.item())
        return f"({text})" if text.startswith("-") else text

    def variable(self, written: str, value: np.ndarray[Any, Any]) -> str:
        """Return the name of a new variable, like the text that was `written` by the user."""
        name = re.sub(r"\W.*", "", written) or "c"
        if name != written or name in self.variables or name in self.functions | _RESERVED:
            name = f"{name}_{len(self.variables)}"
        self.variables[name] = value
        return name
