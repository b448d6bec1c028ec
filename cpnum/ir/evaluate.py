"""Computes a graph with NumPy, node by node: the oracle of the tests, and the fallback.

NumPy reports floating-point errors as well: no kernel can tell which operation raised a flag.

>>> from cpnum.trace.trace import trace
>>> evaluate(trace(lambda x: x[1:] + 1, (np.arange(3),)), (np.arange(3),))
array([2, 3])
"""

from __future__ import annotations

import operator
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence, Set
from functools import reduce
from typing import Any, cast

import numpy as np

from cpnum.errors import DTypeError
from cpnum.ir.extents import common_shape
from cpnum.ir.graph import Graph
from cpnum.ir.nodes import (
    Apply,
    Constant,
    Host,
    Input,
    Node,
    Output,
    Project,
    Results,
    Value,
    operands,
)
from cpnum.ir.reference import function_of
from cpnum.ir.sites import Site, location
from cpnum.ir.walk import last_uses, postorder
from cpnum.remembered import Remembered
from cpnum.tables.ops import CAST, OPS, Op


def evaluate(
    graph: Graph,
    arguments: Sequence[Value],
    warn: bool = True,
    known: Mapping[Input, Value] | None = None,
) -> Value:
    """Compute the result of `graph` with NumPy, one node after the other.

    The user's function returns the same, or a view of an argument where this is a copy.
    Floating-point errors are handled as `np.errstate` says; a warning names the line in the user's
    code.  `warn=False` ignores such errors.  `known` inputs are not read from the arguments.
    """
    with _FloatingPointErrors(graph.sites) if warn else np.errstate(all="ignore") as errors:
        values = _evaluated(graph, arguments, known or {}, errors)
    return _returned(graph.results, values)


def errors_of(
    graph: Graph, arguments: Sequence[Value], known: Mapping[Input, Value]
) -> set[tuple[Node | None, str]]:
    """Return the operators that raise floating-point errors, with the kinds of these."""
    noted = _Noted()
    with np.errstate(all="call", call=noted):
        _evaluated(graph, arguments, known, noted)
    return noted.errors


class _Noted:
    """The floating-point errors of a graph, noted and not reported."""

    def __init__(self) -> None:
        self.node: Node | None = None
        self.errors: set[tuple[Node | None, str]] = set()

    def __call__(self, kind: str, flags: int) -> None:
        self.errors.add((self.node, kind))


def _evaluated(
    graph: Graph,
    arguments: Sequence[Value],
    known: Mapping[Input, Value],
    errors: _FloatingPointErrors | _Noted | None,
) -> dict[Node, Value]:
    """Return the values of the outputs; tell `errors` which node is computed."""
    values: dict[Node, Value] = dict(known.items())
    last_use = last_uses(graph.nodes)
    kept = {output.node for output in graph.outputs}
    for node in graph.nodes:
        if errors is not None:
            errors.node = node
        if node not in known:
            values[node] = _value(node, values, arguments, node in graph.checked)
        # Temporaries are freed as early as in the user's function.
        for arg in operands(node):
            if last_use[arg] is node and arg not in kept:
                values.pop(arg, None)
    return values


def _returned(results: Results, values: Mapping[Node, Value]) -> Value:
    if not isinstance(results, Output):
        return tuple(_returned(each, values) for each in results)
    value, boxed = values[results.node], results.boxed
    if isinstance(value, np.ndarray):
        if value.ndim:
            return value.copy("K") if isinstance(results.node, Input) else value
        return value.copy() if boxed else value[()]
    return np.asarray(value) if boxed else value


class _Flags:
    """The flags of floating-point errors, in NumPy's numbering, for a caller that reports them."""

    def __init__(self) -> None:
        self.flags = 0

    def __call__(self, kind: str, flags: int) -> None:
        self.flags |= flags


def host_value(node: Node, arguments: Sequence[Value]) -> tuple[Value, int]:
    """Return a scalar of a call, and the flags that were raised when NumPy computed it.

    The scalar is a NumPy scalar, or was cast from a Python scalar.
    """
    values: dict[Node, Value] = {}
    raised = _Flags()
    with np.errstate(all="call", call=raised):
        for each in postorder(node):
            if isinstance(each, Input):
                # All elements of a view of one number, however it was broadcast, are that number.
                values[each] = arguments[each.parameter]
            else:
                values[each] = _value(each, values, arguments)
    return values[node], raised.flags


def may_report(graph: Graph) -> bool:
    r"""Tell whether NumPy may report a floating-point error that depends on elements of arrays.

    >>> may_report(Graph.parse("f(x: i64[:])\n  %0 = square x  i64\n  return %0"))
    False
    >>> may_report(Graph.parse("f(x: f64[:])\n  %0 = square x  f64\n  return %0"))
    True
    """
    return bool(graph.checked) or any(
        type(node) is Apply and _may_report(node) for node in graph.nodes
    )


def _may_report(node: Apply) -> bool:
    dtypes = [arg.dtype for arg in node.args]
    if node.op is CAST and dtypes[0].weak:
        return False  # of a Python number, so no element decides it
    if any(dtype.family == "F" for dtype in dtypes):
        return node.op not in QUIET
    return node.op is _RECIPROCAL


# NumPy reports no error of these operators, not even for floating operands.
QUIET = frozenset(
    OPS[name]
    for name in """
    negative absolute sign copysign minimum maximum fmin fmax clip where isnan isinf isfinite
    equal not_equal less less_equal greater greater_equal
    """.split()
)
# The only operator of integers whose errors it reports for arrays.
_RECIPROCAL = OPS["reciprocal"]


def checked_of(graph: Graph) -> tuple[Node, ...]:
    """Return the operators between integer scalars and the nodes that these need, in order."""
    needed: set[Node] = set(graph.checked)
    for node in reversed(graph.nodes):
        if node in needed:
            needed.update(operands(node))
    return tuple(node for node in graph.nodes if node in needed)


def raised_by(nodes: Sequence[Node], checked: Set[Node], arguments: Sequence[Value]) -> int:
    """Return the flags that `nodes` raise; `checked` ones also raise the flags of integers."""
    values: dict[Node, Value] = {}
    raised = _Flags()
    with np.errstate(all="call", call=raised):
        for node in nodes:
            values[node] = _value(node, values, arguments, node in checked)
    return raised.flags


# NumPy reports the overflow of these operators, between integer scalars only.
_CHECKED: dict[Op, Callable[..., Any]] = {
    OPS["add"]: operator.add,
    OPS["subtract"]: operator.sub,
    OPS["multiply"]: operator.mul,
    OPS["square"]: lambda x: x * x,
    OPS["negative"]: operator.neg,
    OPS["absolute"]: operator.abs,
}


def _value(
    node: Node, values: Mapping[Node, Value], arguments: Sequence[Value], checked: bool = False
) -> Value:
    match node:
        case Input(parameter):
            return node.view(arguments[parameter])
        case Constant(value, dtype, like):
            if not like:
                return value
            if len(like) == 1:
                return np.full_like(values[like[0]], value, np.asarray(value).dtype)
            return np.full(reduce(common_shape, [values[x].shape for x in like]), value)
        case Host(function, args, dtype):
            result = function(*(values[arg] for arg in args))
            if type(result) is not dtype.scalar:
                raise DTypeError(
                    f"a Python scalar was computed that is not a {dtype}",
                    seen=f"{result!r}, where the first call had a {dtype}",
                    write="the computation outside of the function, its result as an argument",
                )
            return result
        case Project(of, index):
            return values[of][index]
        case Apply(op, args, dtype):
            read = [values[arg] for arg in args]
            if op is CAST:
                if args[0].dtype.weak:
                    return np.asarray(read[0], dtype.numpy)[()]
                return read[0].astype(dtype.numpy)
            if checked and op in _CHECKED:
                # +x of an array without axes is a scalar, but has no node of its own.
                return _CHECKED[op](*[each[()] for each in read])
            return function_of(op)(*read)


class _FloatingPointErrors:
    """The user's `np.errstate`, but warnings name the user's line."""

    def __init__(self, sites: Mapping[Any, Site]) -> None:
        self._sites = sites
        self._modes = cast(dict[str, str], np.geterr())
        self._user: Any = np.geterrcall()
        self._errstate: Any = None
        self.node: Node | None = None

    def __enter__(self) -> _FloatingPointErrors:
        modes = {kind: "call" if mode == "warn" else mode for kind, mode in self._modes.items()}
        self._errstate = np.errstate(call=self, **cast(Any, modes))
        self._errstate.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._errstate.__exit__(*exception)

    def __call__(self, kind: str, flag: int) -> None:
        node = self.node
        name = node.op.name if isinstance(node, Apply) else "cast"
        if self._modes[_KINDS[kind]] == "call":
            if self._user is None:
                raise NameError(
                    f"python callback specified for {kind} (in {name}) but no function found."
                )
            self._user(kind, flag)
            return
        site = self._sites.get(node) if node is not None else None
        filename, line = location(site) if site is not None else ("<cpnum>", 0)
        warnings.warn_explicit(
            f"{kind} encountered in {name}",
            RuntimeWarning,
            filename,
            line,
            module=_module_of(filename),
            registry=_registry_of(filename),
        )

    def write(self, message: str) -> None:
        """Pass on a message of the mode "log"."""
        if self._user is None:
            raise NameError(f"log specified, but no object to write to found: {message.strip()}")
        self._user.write(message)


_KINDS = {
    "divide by zero": "divide",
    "overflow": "over",
    "underflow": "under",
    "invalid value": "invalid",
}

# Python notes here which lines have warned: by default each line warns once.
_registries: Remembered[str, dict[Any, Any]] = Remembered()


def _registry_of(filename: str) -> dict[Any, Any]:
    registry = _registries.get(filename)
    return _registries.remember(filename, {}) if registry is None else registry


def _module_of(filename: str) -> str:
    """Return the module of a file, by which warnings are filtered; cells are `__main__`."""
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) == filename:
            return name
    return "__main__"
