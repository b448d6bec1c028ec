"""Frozen, interned nodes: what a function computes, printed, checked and evaluated.

A `Graph` is made by `trace` and read by every later stage.  Nodes carry no shape: one graph serves
all arguments of a signature (dtypes, numbers of axes, and which extents are 1).

Movement (slices, transposes, new axes) is never a node.  It is written down on an `Input`, and
replayed on the real array by NumPy itself at each call.

Nodes of one graph are interned in its `Nodes`, so the same value is the same node, and the order
in which they were made is a topological order.
"""

from __future__ import annotations

import bisect
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, cast

import numpy as np

from cpnum.ir.movement import Movement
from cpnum.tables.dtypes import F32, F64, B, DType
from cpnum.tables.ops import CAST, Op

# A place in the user's code: finding the line number is left to whoever asks for it.
Site = tuple[CodeType, int]
Location = tuple[str, int]

# A Python scalar.
Scalar = float | int | bool

# An argument or an intermediate value: an array, a NumPy scalar or a Python scalar.
Value = Any


# -- nodes --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """A view of the argument for parameter number `parameter`."""

    parameter: int
    movement: tuple[Movement, ...]
    dtype: DType

    def view(self, array: Value) -> Value:
        """Return the view of the argument `array`.

        >>> from cpnum.ir.movement import Index
        >>> Input(0, (Index.of((slice(1, None),)),), F64).view(np.arange(3.0))
        array([1., 2.])
        """
        for step in self.movement:
            array = step.replay(array)
        return array


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A value known while tracing: a NumPy scalar, or a Python scalar if its dtype is weak.

    `like` are inputs that are not read: the value has their common shape.
    """

    value: np.generic | Scalar
    dtype: DType
    like: tuple[Input, ...] = ()

    @property
    def bits(self) -> int:
        """The bytes of the value, as a little-endian number.

        >>> hex(Constant(np.float64(-0.0), F64).bits)
        '0x8000000000000000'
        """
        return int.from_bytes(self.dtype.numpy.type(self.value).tobytes(), "little")


@dataclass(frozen=True, slots=True, eq=False)
class Apply:
    """An operator applied elementwise; its operands broadcast as NumPy's do."""

    op: Op
    args: tuple[Node, ...]
    dtype: DType

    def __repr__(self) -> str:
        # Without the operands' own: a graph may be 10,000 nodes deep.
        return f"<{self.op} of {len(self.args)}: {self.dtype}>"


@dataclass(frozen=True, slots=True, eq=False)
class Host:
    """Arithmetic between Python scalars, done by Python itself once a call.

    So integers do not overflow, and division by zero is an exception, as in Python.
    """

    function: Callable[..., Scalar]
    args: tuple[Node, ...]
    dtype: DType

    def __repr__(self) -> str:
        return f"<operator.{self.function.__name__} of {len(self.args)}: {self.dtype}>"


Node = Input | Constant | Apply | Host


def operands(node: Node) -> tuple[Node, ...]:
    """Return the nodes that `node` needs: what it reads, and what gives it its shape."""
    if isinstance(node, Apply | Host):
        return node.args
    return node.like if isinstance(node, Constant) else ()


def _key(node: Node) -> tuple[Any, ...]:
    match node:
        case Apply(op, args, dtype):
            return op, args, dtype
        case Input(parameter, movement, dtype):
            return parameter, movement, dtype
        case Host(function, args):
            return function, args
        case Constant(value, dtype, like):
            return type(value), dtype, _identity(value), like


def _identity(value: Any) -> object:
    """Return what tells the bits of a scalar from those of others of its type."""
    # Zeros of either sign are equal, and a NaN equals nothing.
    return value if value and value == value else np.asarray(value).tobytes()


class Nodes:
    """The nodes of one graph, each made once; their order is topological."""

    __slots__ = ("_converted", "_table")

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self._table: dict[tuple[Any, ...], Node] = {_key(node): node for node in nodes}
        # Saves the conversion to bits when a literal of the source comes again.
        self._converted: dict[tuple[Any, ...], Constant] = {}

    def input(self, parameter: int, movement: tuple[Movement, ...], dtype: DType) -> Input:
        """Return the node of a view."""
        key = (parameter, movement, dtype)
        node: Any = self._table.get(key)
        if node is None:
            node = self._table[key] = Input(parameter, movement, dtype)
        return node  # type: ignore[no-any-return]

    def constant(self, value: object, dtype: DType, like: tuple[Input, ...] = ()) -> Constant:
        """Return the node of `value` converted to `dtype` as NumPy does; weak ones stay as is."""
        literal = (type(value), dtype, value if value else _identity(value), like)
        node = self._converted.get(literal)
        if node is None:
            try:
                converted: Any = value if dtype.weak else dtype.numpy.type(value)
            except OverflowError:
                # np.float32(2**64) is one, though NumPy takes that integer where it is an operand.
                converted = np.asarray(value, dtype.numpy)[()]
            key = (type(converted), dtype, _identity(converted), like)
            node = cast(Constant | None, self._table.get(key))
            if node is None:
                node = self._table[key] = Constant(converted, dtype, like)
            self._converted[literal] = node
        return node

    def apply(self, op: Op, args: tuple[Node, ...], dtype: DType) -> Apply:
        """Return the node of an operator applied to `args`."""
        key = (op, args, dtype)
        node: Any = self._table.get(key)  # cast() would be a call for each operation
        if node is None:
            node = self._table[key] = Apply(op, args, dtype)
        return node  # type: ignore[no-any-return]

    def host(self, function: Callable[..., Scalar], args: tuple[Node, ...], dtype: DType) -> Host:
        """Return the node of arithmetic between Python scalars."""
        host = Host(function, args, dtype)
        return cast(Host, self._table.setdefault(_key(host), host))

    def keep(self, node: Node) -> Node:
        """Take over a node of another graph, whose operands are nodes of this one."""
        return self._table.setdefault(_key(node), node)

    def reaching(self, results: Iterable[Node]) -> tuple[Node, ...]:
        """Return the nodes that `results` are computed from, in topological order."""
        alive = set(results)
        kept = []
        for node in reversed(self._table.values()):
            if node in alive:
                kept.append(node)
                if type(node) is Apply or type(node) is Host:
                    alive.update(node.args)
                elif type(node) is Constant and node.like:
                    alive.update(node.like)
        kept.reverse()
        return tuple(kept)

    def __iter__(self) -> Iterator[Node]:
        """Yield all nodes in topological order."""
        return iter(self._table.values())

    def __len__(self) -> int:
        return len(self._table)


# -- the graph ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """What a function computes, for all arguments of one signature.

    `types` describes the parameters as they are printed.  `sites` says where in the user's code a
    node was made; it takes no part in equality, which is that of the text.  `shape_observed`:
    the function looked at its arguments' shapes, so the graph serves only these shapes.  `boxed`: a
    result without axes is an array, as from `np.where`, and not a scalar, as from a ufunc.
    `checked` are arithmetic operators between integer scalars: NumPy reports their overflow, unlike
    that of arrays and of ufuncs.  `together` are inputs whose shapes have to broadcast, though the
    result does not show it: values were computed from them of which it needs a part, or none.

    >>> from cpnum.tables.ops import OPS
    >>> nodes = Nodes()
    >>> x = nodes.input(0, (), F64)
    >>> root = nodes.apply(OPS["sqrt"], (x,), x.dtype)
    >>> print(Graph("f", ("x",), ("f64[:]",), (x, root), (root,)))
    f(x: f64[:])
      %0 = sqrt x  f64
      return %0
    """

    name: str
    parameters: tuple[str, ...]
    types: tuple[str, ...]
    nodes: tuple[Node, ...]
    results: tuple[Node, ...]
    sites: Mapping[Node, Site] = field(default_factory=dict)
    shape_observed: bool = False
    boxed: bool = False
    checked: frozenset[Node] = frozenset()
    together: frozenset[tuple[Input, ...]] = frozenset()

    def __post_init__(self) -> None:
        _check(self)

    @property
    def inputs(self) -> tuple[Input, ...]:
        """All inputs, those included that only give a shape."""
        return tuple(node for node in self.nodes if isinstance(node, Input))

    @property
    def locations(self) -> dict[Node, Location]:
        """The file and line of the user's code for each node that has one."""
        return {node: location(site) for node, site in self.sites.items()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __repr__(self) -> str:
        return f"<graph {self.name}: {len(self.nodes)} nodes>"

    def __str__(self) -> str:
        names: dict[Node, str] = {}
        lines: list[tuple[str, str]] = []
        for node in self.nodes:
            text = self._text(node, names)
            if isinstance(node, Constant) and not node.like:
                names[node] = text
            elif isinstance(node, Input) and not node.movement:
                names[node] = text
            else:
                names[node] = f"%{len(lines)}"
                lines.append((f"{names[node]} = {text}", str(node.dtype)))
        width = max((len(line) for line, _ in lines), default=0)
        parameters = ", ".join(map("{}: {}".format, self.parameters, self.types))
        return "\n".join(
            [
                f"{self.name}({parameters})",
                *(f"  {line:{width}}  {dtype}" for line, dtype in lines),
                f"  return {', '.join(names[node] for node in self.results)}",
            ]
        )

    def _text(self, node: Node, names: Mapping[Node, str]) -> str:
        match node:
            case Input(parameter, movement):
                return self.parameters[parameter] + "".join(map(str, movement))
            case Constant(like=like):
                shape = f" like {' '.join(names[each] for each in like)}" if like else ""
                return _constant_text(node) + shape
            case Apply(op, args):
                return " ".join([op.name, *(names[arg] for arg in args)])
            case Host(function, args):
                name = function.__name__
                if function.__module__ != "builtins":
                    name = f"operator.{name}"
                return " ".join([name, *(names[arg] for arg in args)])


def _constant_text(constant: Constant) -> str:
    value = constant.value
    if value != value and not constant.dtype.weak and constant.bits != _NAN_BITS[constant.dtype]:
        return f"nan:{constant.bits:#x}"
    return repr(value) if constant.dtype.weak else str(value)


_NAN_BITS = {
    dtype: int.from_bytes(dtype.numpy.type("nan").tobytes(), "little") for dtype in (F64, F32)
}


@functools.lru_cache(maxsize=64)
def _lines(code: CodeType) -> tuple[list[int], list[int]]:
    starts = [(start, line or code.co_firstlineno) for start, _, line in code.co_lines()]
    return [start for start, _ in starts], [line for _, line in starts]


def location(site: Site) -> Location:
    """Return the file and line of a place in the user's code."""
    code, offset = site
    starts, lines = _lines(code)
    return code.co_filename, lines[bisect.bisect_right(starts, offset) - 1]


# -- checking -----------------------------------------------------------------------------------

# The operator, result and operand dtypes that were found to agree; there are few, so it is kept.
_well_typed: set[tuple[object, ...]] = set()


def _check(graph: Graph) -> None:
    seen: set[Node] = set()
    types: tuple[object, ...]
    for node in graph.nodes:
        # Pairs apart, and no calls: this loop runs at every trace.
        if type(node) is Apply:
            args = node.args
            if not seen.issuperset(args):
                raise ValueError(f"an operand of {node.op} does not stand before it")
            if len(args) == 2:
                types = (node.op, node.dtype, args[0].dtype, args[1].dtype)
            else:
                types = (node.op, node.dtype, *[arg.dtype for arg in args])
            if types not in _well_typed:
                _check_types(node.op, node.dtype, [arg.dtype for arg in args])
                _well_typed.add(types)
        elif type(node) is Host:
            if not seen.issuperset(node.args):
                raise ValueError(f"an operand of {node.function.__name__} does not stand before it")
            if not (node.dtype.weak and all(arg.dtype.weak for arg in node.args)):
                raise ValueError(f"{node.function.__name__} is not between Python scalars only")
        elif type(node) is Constant and not seen.issuperset(node.like):
            raise ValueError("an input that a constant is like does not stand before it")
        seen.add(node)
    for result in graph.results:
        if result not in seen:
            raise ValueError("a result is not among the nodes")
        if result.dtype.weak:
            raise ValueError(f"a result has the weak dtype {result.dtype}")


def _check_types(op: Op, dtype: DType, args: Sequence[DType]) -> None:
    if len(args) != op.arity:
        raise ValueError(f"{op} has {op.arity} operands, not {len(args)}")
    if op is CAST:
        if dtype.weak or args[0] is dtype:
            raise ValueError(f"cast from {args[0]} to {dtype}")
        return
    for arg in args:
        if arg.weak:
            raise ValueError(f"{op}: no operator takes the weak {arg}")
    variables = {"M": B}
    symbols = op.signature[: op.arity] + op.signature[-1]
    for symbol, each in zip(symbols, (*args, dtype), strict=True):
        if variables.setdefault(symbol, each) is not each:
            raise ValueError(f"{op}: {each} where {variables[symbol]} is expected")
    if variables.get("T", op.dtypes[0]) not in op.dtypes:
        raise ValueError(f"{op} has no stencil for {variables['T']}")
