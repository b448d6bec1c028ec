"""Frozen, interned nodes: the values that a function computes.

Nodes carry no shape: one graph serves all arguments of a signature (dtypes, numbers of axes, and
which extents are 1).

Movement (slices, transposes, new axes) is never a node.  It is written down on an `Input`, and
replayed on the real array by NumPy itself at each call.

Nodes of one graph are interned in its `Nodes`, so the same value is the same node, and the order
in which they were made is a topological order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TypeVar, cast, dataclass_transform

import numpy as np

from cpnum.errors import RangeError
from cpnum.ir.movement import Movement, replayed
from cpnum.tables.dtypes import DType
from cpnum.tables.ops import Op

T = TypeVar("T")

# A Python scalar.
Scalar = float | int | bool

# The operators of users, by name: the text of a graph is read back with them.
OWN_OPS: dict[str, Op] = {}

# An argument or an intermediate value: an array, a NumPy scalar or a Python scalar.
Value = Any


@dataclass_transform(eq_default=False, frozen_default=True)
def _frozen(kind: type[T]) -> type[T]:
    """Make a class of nodes, to whose fields type checkers refuse to assign.

    If Python refused as well, making a node would take twice the time, and tracing 12 % more.
    """
    return dataclass(slots=True, eq=False, repr="__repr__" not in vars(kind))(kind)


# The number in the place of a parameter's for an array that the function made while it was traced:
# the movement of the input begins with that array.
MADE = -1


@_frozen
class Input:
    """A view of the argument for parameter number `parameter`, or of an array made inside."""

    parameter: int
    movement: tuple[Movement, ...]
    dtype: DType

    def view(self, array: Value) -> Value:
        """Return the view of the argument `array`.

        >>> from cpnum.ir.movement import Index
        >>> from cpnum.tables.dtypes import F64
        >>> Input(0, (Index.of((slice(1, None),)),), F64).view(np.arange(3.0))
        array([1., 2.])
        """
        return replayed(array, self.movement)


@_frozen
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

        >>> from cpnum.tables.dtypes import F64
        >>> hex(Constant(np.float64(-0.0), F64).bits)
        '0x8000000000000000'
        """
        return int.from_bytes(self.dtype.numpy.type(self.value).tobytes(), "little")


@_frozen
class Apply:
    """An operator applied elementwise; its operands broadcast as NumPy's do.

    If the operator has several results, `dtype` is the dtype of the first, and a `Project` node
    stands for each.
    """

    op: Op
    args: tuple[Node, ...]
    dtype: DType

    def __repr__(self) -> str:
        # The operands are not printed: a graph may be 10,000 nodes deep.
        return f"<{self.op} of {len(self.args)}: {self.dtype}>"


@_frozen
class Host:
    """Arithmetic between Python scalars, done by Python itself once a call.

    So integers do not overflow, and division by zero is an exception, as in Python.
    """

    function: Callable[..., Scalar]
    args: tuple[Node, ...]
    dtype: DType

    def __repr__(self) -> str:
        return f"<operator.{self.function.__name__} of {len(self.args)}: {self.dtype}>"


@_frozen
class Project:
    """One of the results of a node that has several."""

    node: Apply
    index: int
    dtype: DType

    def __repr__(self) -> str:
        return f"<result {self.index} of {self.node!r}>"


@_frozen
class Join:
    """Values put end to end along an axis.

    `like` is an input that is not read: it has the shape of the whole.  No kernel computes this
    node, see `tiling`.
    """

    values: tuple[Node, ...]
    axis: int
    dtype: DType
    like: Input

    def __repr__(self) -> str:
        return f"<join of {len(self.values)}: {self.dtype}>"


Node = Input | Constant | Apply | Host | Project | Join


def operands(node: Node) -> tuple[Node, ...]:
    """Return the nodes that `node` is computed from, or takes its shape from."""
    # `match` would take twice the time, and this runs for each node of each graph.
    if isinstance(node, Apply | Host):
        return node.args
    if isinstance(node, Constant):
        return node.like
    if isinstance(node, Join):
        return (*node.values, node.like)
    return (node.node,) if isinstance(node, Project) else ()


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
        case Project(of, index):
            return of, index
        case Join(values, axis):
            return Join, values, axis


def _identity(value: Any) -> object:
    """Return a key that differs whenever the bits of two scalars of one type differ."""
    # Zeros of either sign are equal, and a NaN equals nothing.
    return value if value and value == value else _asarray(value).tobytes()


# The function itself, for which another one stands in NumPy while a function is traced.
_asarray = np.asarray


def converted_integer(value: int, dtype: DType) -> Any:
    """Return a Python integer as a NumPy scalar.

    Raises:  RangeError, with NumPy's text, if it is out of bounds.
    """
    try:
        return np.asarray(value, dtype.numpy)[()]
    except OverflowError:
        bits = value.bit_length()
        text = str(value) if bits <= 128 else f"of {bits} bits"
        raise RangeError(
            f"Python integer {text} out of bounds for {dtype.numpy}",
            seen=f"an integer of {bits} bits",
            write="a float, as n * 1.0, or an array of floats"
            if dtype.family == "I"
            else "a float, as np.inf",
        ) from None


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
        """Return the node of `value` converted as NumPy does, or as it is if `dtype` is weak."""
        literal = (type(value), dtype, value if value else _identity(value), like)
        node = self._converted.get(literal)
        if node is None:
            try:
                converted: Any = value if dtype.weak else dtype.numpy.type(value)
            except OverflowError:
                # np.float32(2**64) may raise it, though NumPy takes that integer as an operand.
                converted = converted_integer(cast(int, value), dtype)
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

    def project(self, node: Apply, index: int, dtype: DType) -> Project:
        """Return the node of one of the results of `node`."""
        project = Project(node, index, dtype)
        return cast(Project, self._table.setdefault(_key(project), project))

    def join(self, values: tuple[Node, ...], axis: int, like: Input) -> Join:
        """Return the node of values of one dtype, put end to end along an axis."""
        join = Join(values, axis, values[0].dtype, like)
        return cast(Join, self._table.setdefault(_key(join), join))

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
                # This repeats `operands` without the call, because this loop runs at every trace.
                if type(node) is Apply or type(node) is Host:
                    alive.update(node.args)
                elif type(node) is Constant:
                    if node.like:
                        alive.update(node.like)
                elif type(node) is Project:
                    alive.add(node.node)
                elif type(node) is Join:
                    alive.update(operands(node))
        kept.reverse()
        return tuple(kept)

    def since(self, count: int) -> Iterator[Node]:
        """Yield the nodes that were made after the first `count`, the last one first."""
        return islice(reversed(self._table.values()), len(self._table) - count)

    def __iter__(self) -> Iterator[Node]:
        """Yield all nodes in topological order."""
        return iter(self._table.values())

    def __len__(self) -> int:
        return len(self._table)


def renewed(nodes: Nodes, node: Node, new: Mapping[Node, Node]) -> Node:
    """Return the node of `nodes` that is `node` with `new[operand]` for each operand."""
    match node:
        case Apply(op, args, dtype):
            return nodes.apply(op, tuple([new[arg] for arg in args]), dtype)
        case Project(of, index, dtype):
            several = new[of]
            assert isinstance(several, Apply)
            return nodes.project(several, index, dtype)
        case Join(values, axis, _, like):
            whole = new[like]
            assert isinstance(whole, Input)
            return nodes.join(tuple([new[each] for each in values]), axis, whole)
        case _:
            return nodes.keep(node)  # it is computed from no operators


class Broadcast(NamedTuple):
    """Inputs whose shapes have to broadcast, though no result is computed from all of them.

    The function computed a value from the inputs and used a part of it or none: `(x + y)[:2]`.
    A single input is a view that has to exist.
    """

    inputs: tuple[Input, ...]
