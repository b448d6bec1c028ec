"""Computes a graph with NumPy, node by node: the oracle of the tests, and the fallback.

NumPy reports floating-point errors as well: no kernel can tell which operation raised a flag.

>>> from cpnum.trace.trace import trace
>>> evaluate(trace(lambda x: x[1:] + 1, (np.arange(3),)), (np.arange(3),))
array([2, 3])
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from functools import reduce
from types import TracebackType
from typing import Any, cast

import numpy as np

from cpnum.errors import CpnumError, DTypeError, PythonError, RangeError
from cpnum.ir.extents import common_shape
from cpnum.ir.graph import Graph
from cpnum.ir.handling import KINDS, Handling, filtered
from cpnum.ir.nodes import (
    MADE,
    Apply,
    Constant,
    Host,
    Input,
    Join,
    Node,
    Project,
    Value,
    converted_integer,
    operands,
)
from cpnum.ir.reference import BETWEEN_SCALARS, function_of
from cpnum.ir.results import Number, Output, maker_of, values_of
from cpnum.ir.sites import Site, location, note_site, user_site
from cpnum.ir.walk import last_uses, postorder
from cpnum.remembered import Remembered
from cpnum.tables.ops import CAST, OPS

Sites = Mapping[Any, Site]
_NO_SITES: Sites = {}
_AS_OPERATORS: Mapping[Node, Callable[..., Value]] = {}


def evaluate(
    graph: Graph,
    arguments: Sequence[Value],
    warn: bool = True,
    known: Mapping[Input, Value] | None = None,
) -> Value:
    """Compute the results of `graph` with NumPy, one node after the other.

    Floating-point errors are handled as `np.errstate` says; a warning names the line in the user's
    code.  `warn=False` ignores such errors.  `known` inputs are not read from the arguments.
    """
    results = graph.results
    with FloatingPointErrors(graph.sites) if warn else np.errstate(all="ignore") as errors:
        values = _evaluated(graph, arguments, known or {}, errors)
        computed = [
            _folded(values[leaf.node], leaf, errors)
            if isinstance(leaf, Output) and leaf.fold is not None
            else _own(leaf.node, values[leaf.node])
            for leaf in results.leaves
            if isinstance(leaf, Output | Number)
        ]
    return maker_of(results.tree)(values_of(results, arguments, iter(computed)))


def outputs_of(graph: Graph, arguments: Sequence[Value]) -> list[Value]:
    """Return the values of a graph's outputs, which may share memory with arguments."""
    with FloatingPointErrors(graph.sites) as errors:
        values = _evaluated(graph, arguments, {}, errors)
        return [_folded(values[output.node], output, errors) for output in graph.outputs]


def _folded(value: Value, output: Output, errors: FloatingPointErrors | None) -> Value:
    """Return the value of an output, which may be a reduction of it."""
    if output.fold is None:
        return value
    if errors is not None:
        errors.node = output.node
    return output.fold.of(value)


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
    errors: FloatingPointErrors | _Noted | None,
) -> dict[Node, Value]:
    """Return the values of the outputs; tell `errors` which node is computed."""
    values: dict[Node, Value] = dict(known.items())
    last_use = last_uses(graph.nodes)
    kept = set(graph.results.nodes)
    handling = graph.handling
    for node in graph.nodes:
        if errors is not None:
            errors.node = node
        if node not in known:
            if node in handling and isinstance(errors, FloatingPointErrors):
                # NumPy computes it once each time; the last value is as good as the first.
                for each in handling[node]:
                    with errors.handled(each):
                        values[node] = _computed(graph, node, values, arguments)
            else:
                values[node] = _computed(graph, node, values, arguments)
        # Temporaries are freed as early as in the user's function.
        for arg in operands(node):
            if last_use[arg] is node and arg not in kept:
                values.pop(arg, None)
    return values


def _computed(
    graph: Graph, node: Node, values: Mapping[Node, Value], arguments: Sequence[Value]
) -> Value:
    """Return the value of a node, of the function that the user wrote for it."""
    if node in graph.taken or node in graph.put:
        return _masked(graph, node, values)
    written = graph.as_written.get(node)
    if written is not None:
        return written(*[values[arg] for arg in operands(node)])
    return _value(node, values, arguments, node in graph.checked, graph.sites)


def _masked(graph: Graph, node: Node, values: Mapping[Node, Value]) -> Value:
    """Return x[mask], or the array that `y[mask] = value` leaves."""
    mask, value, array = [values[arg] for arg in operands(node)]
    if np.ndim(array) < np.ndim(mask):  # all of its elements are one constant
        is_taken = operands(node)[1] in graph.taken
        along = np.shape(value)[1:] if is_taken else np.shape(value)
        array = np.broadcast_to(array, np.broadcast_shapes(np.shape(mask), along))
    whole = np.shape(value if node in graph.taken else array)
    while np.ndim(mask) > 1 and np.shape(mask) != whole and np.shape(mask)[-1] == 1:
        mask = mask[..., 0]  # of rows
    if node in graph.taken:
        shape = np.broadcast_shapes(
            np.shape(value), np.shape(mask) + (1,) * (np.ndim(value) - np.ndim(mask))
        )
        return np.broadcast_to(value, shape)[mask]
    result = np.array(array)
    # A constant is made for all elements.
    is_of_all = np.shape(value)[: np.ndim(mask)] == np.shape(mask) and np.ndim(value)
    result[mask] = value[mask] if is_of_all else value
    return result


def asked_of(graph: Graph, outside: int) -> int:
    """Return the flags of the errors that some operation reports; `outside` are the call's."""
    if not graph.handling:
        return outside
    flags = 0
    for node in graph.nodes:
        if type(node) is Apply:
            handling = graph.handling.get(node)
            for each in handling or ():
                flags |= each.asked(outside)
            if handling is None:
                flags |= outside
    return flags


def _own(node: Node, value: Value) -> Value:
    """Return the value of an output with memory that no argument has."""
    return value.copy("K") if isinstance(node, Input) and isinstance(value, np.ndarray) else value


class _Flags:
    """The flags of floating-point errors, in NumPy's numbering, for a caller that reports them."""

    def __init__(self) -> None:
        self.flags = 0

    def __call__(self, kind: str, flags: int) -> None:
        self.flags |= flags


def host_value(
    node: Node,
    arguments: Sequence[Value] | Mapping[int, Value],
    sites: Sites = _NO_SITES,
    as_written: Mapping[Node, Callable[..., Value]] = _AS_OPERATORS,
    known: dict[Node, Value] | None = None,
) -> tuple[Value, int]:
    """Return a scalar of a call, and the flags that were raised when NumPy computed it.

    The scalar is a NumPy scalar, or was cast from a Python scalar.  `as_written` has the functions
    that NumPy calls for some nodes in place of their operators'.  What is computed is added to the
    values that are `known`.

    Raises:  a CpnumError, at the user's line, if Python or the dtype has no such scalar.
    """
    values: dict[Node, Value] = {} if known is None else known
    raised = _Flags()
    with np.errstate(all="call", call=raised):
        for each in postorder(node, values):
            written = as_written.get(each)
            if isinstance(each, Input):
                # All elements of a view of one number, however it was broadcast, are that number.
                values[each] = arguments[each.parameter]
            elif written is not None:
                values[each] = written(*[values[arg] for arg in operands(each)])
            else:
                values[each] = _value(each, values, (), sites=sites)
    return values[node], raised.flags


def value_of(
    node: Node,
    arguments: Sequence[Value],
    as_written: Mapping[Node, Callable[..., Value]],
    known: dict[Node, Value],
) -> Value:
    """Return the value of a node as NumPy computes it, without reports of errors.

    What is computed is added to the values that are `known`.
    """
    with np.errstate(all="ignore"):
        for each in postorder(node, known):
            written = as_written.get(each)
            if written is not None:
                known[each] = written(*[known[arg] for arg in operands(each)])
            else:
                known[each] = _value(each, known, arguments)
    return known[node]


def may_report(graph: Graph) -> bool:
    r"""Tell whether NumPy may report a floating-point error that depends on elements of arrays.

    >>> may_report(Graph.parse("f(x: i64[:])\n  %0 = square x  i64\n  return %0"))
    False
    >>> may_report(Graph.parse("f(x: f64[:])\n  %0 = square x  f64\n  return %0"))
    True
    """
    return bool(graph.checked) or any(
        type(node) is Apply and may_report_of(node) for node in graph.nodes
    )


def may_report_of(node: Apply) -> bool:
    """Tell whether NumPy may report an error of an operator that depends on elements."""
    dtypes = [arg.dtype for arg in node.args]
    if node.op is CAST and dtypes[0].weak:
        return False  # of a Python number, so no element decides it
    if any(dtype.family == "F" for dtype in dtypes):
        return node.op not in QUIET
    return node.op in SIGNALLING


# NumPy reports no error of these operators, not even for floating operands.
QUIET = frozenset(
    OPS[name]
    for name in """
    negative absolute sign signbit copysign minimum maximum fmin fmax clip where isnan isinf
    isfinite equal not_equal less less_equal greater greater_equal
    """.split()
)
# The operators of integers whose errors it reports for arrays.
SIGNALLING = frozenset(
    OPS[name] for name in ("reciprocal", "floor_divide", "remainder", "divmod", "fmod")
)


def checked_of(graph: Graph) -> tuple[Node, ...]:
    """Return the operators between integer scalars and the nodes that these need, in order."""
    needed: set[Node] = set(graph.checked)
    for node in reversed(graph.nodes):
        if node in needed:
            needed.update(operands(node))
    return tuple(node for node in graph.nodes if node in needed)


def raised_by(
    nodes: Sequence[Node],
    checked: Set[Node],
    arguments: Sequence[Value] | Mapping[int, Value],
) -> int:
    """Return the flags that `nodes` raise; `checked` ones also raise the flags of integers."""
    values: dict[Node, Value] = {}
    raised = _Flags()
    with np.errstate(all="call", call=raised):
        for node in nodes:
            values[node] = _value(node, values, arguments, node in checked)
    return raised.flags


def _value(
    node: Node,
    values: Mapping[Node, Value],
    arguments: Sequence[Value] | Mapping[int, Value],
    checked: bool = False,
    sites: Sites = _NO_SITES,
) -> Value:
    """Return the value of a node; a Python scalar that cannot be computed is a CpnumError."""
    match node:
        case Input(parameter):
            return node.view(None if parameter == MADE else arguments[parameter])
        case Constant(value, dtype, like):
            if not like:
                return value
            if len(like) == 1:
                return np.full_like(values[like[0]], value, np.asarray(value).dtype)
            return np.full(reduce(common_shape, [values[x].shape for x in like]), value)
        case Host(function, args, dtype):
            try:
                result = function(*(values[arg] for arg in args))
            except (ArithmeticError, ValueError) as error:
                raise _at(PythonError(error), sites, node) from None
            if type(result) is not dtype.scalar:
                wrong_type = DTypeError(
                    f"a Python scalar was computed that is not a {dtype}",
                    seen=f"{result!r}, where the first call had a {dtype}",
                    write="the computation outside of the function, its result as an argument",
                )
                raise _at(wrong_type, sites, node)
            return result
        case Project(of, index):
            return values[of][index]
        case Join(joined, axis):
            return np.concatenate([values[each] for each in joined], axis)
        case Apply(op, args, dtype):
            read = [values[arg] for arg in args]
            if op is CAST:
                if type(read[0]) is int:
                    try:
                        return converted_integer(read[0], dtype)
                    except RangeError as error:
                        # The line at fault is the one that computed the integer.
                        raise _at(error, sites, args[0], node) from None
                if args[0].dtype.weak:
                    return np.asarray(read[0], dtype.numpy)[()]
                return read[0].astype(dtype.numpy)
            if checked and op in BETWEEN_SCALARS:
                return BETWEEN_SCALARS[op](*read)
            return function_of(op)(*read)


def _at(error: CpnumError, sites: Sites, *nodes: Node) -> CpnumError:
    """Return the error with the site of the first of the nodes that has one."""
    for node in nodes:
        error.site = error.site or sites.get(node)
    return error


class FloatingPointErrors:
    """The user's `np.errstate`, but warnings and errors name the user's line.

    Warnings have NumPy's text.  NumPy tells it to the mode "log", not to the mode "call".
    """

    def __init__(self, sites: Mapping[Any, Site]) -> None:
        self._sites = sites
        self._modes = cast(dict[str, str], np.geterr())
        self._user: Any = np.geterrcall()
        self._handling: Handling | None = None
        self._errstate: Any = None
        self.node: Node | None = None

    def __enter__(self) -> FloatingPointErrors:
        self._errstate = self._told()
        self._errstate.__enter__()
        return self

    def _told(self) -> np.errstate:
        """Return the errstate that has NumPy tell this object what the user's asks for."""
        texts = ("warn",) if self._user is not None else ("warn", "call")
        modes = {kind: "log" if mode in texts else mode for kind, mode in self._modes.items()}
        return np.errstate(call=self, **cast(Any, modes))

    @contextmanager
    def handled(self, handling: Handling) -> Iterator[None]:
        """Handle errors as the function says for one operation."""
        before = self._modes, self._user
        self._handling = handling
        if handling.modes is not None:
            self._modes, self._user = dict(handling.modes), handling.callback
        try:
            with self._told():
                yield
        finally:
            self._modes, self._user = before
            self._handling = None

    def __exit__(
        self, kind: object, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._errstate.__exit__(kind, error, traceback)
        site = self._sites.get(self.node)
        if site is not None and isinstance(error, Exception) and not isinstance(error, CpnumError):
            note_site(error, site)

    def __call__(self, kind: str, flags: int) -> None:
        """Pass on an error to the user's callback."""
        self._user(kind, flags)

    def write(self, message: str) -> None:
        """Warn of an error, or pass on its message, as the user's mode for its kind says."""
        text = message.removeprefix("Warning: ").rstrip()
        kind, _, name = text.partition(" encountered in ")
        mode = self._modes[KINDS[kind]]
        if mode == "warn":
            self._warn(text)
        elif self._user is not None:
            self._user.write(message)
        else:
            raise NameError(_MISSING[mode].format(kind=kind, name=name))

    def tell(self, kind: str, flag: int, text: str) -> None:
        """Report an error that no operator of NumPy's raises here, as the user's mode says."""
        mode = self._modes[kind]
        if mode == "raise":
            raise FloatingPointError(text)
        if mode == "print":
            sys.stdout.write(f"Warning: {text}\n")
        elif mode == "call" and self._user is not None:
            self._user(text.partition(" encountered in ")[0], flag)
        elif mode != "ignore":
            self.write(f"Warning: {text}\n")

    def _warn(self, text: str) -> None:
        # No line of the function converts its result to the dtype of `out`; the call does.
        inside = self._handling
        site = self._sites.get(self.node) if inside is None else inside.site
        filename, line = location(site or user_site())
        with filtered(inside and inside.filters):
            warnings.warn_explicit(
                text,
                RuntimeWarning,
                filename,
                line,
                module=_module_of(filename),
                registry=_registry_of(filename),
            )


# The texts of NumPy's errors, for a mode without its callback.
_MISSING = {
    "call": "python callback specified for {kind} (in  {name}) but no function found.",
    "log": "log specified for {kind} (in {name}) but no object with write method found.",
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
