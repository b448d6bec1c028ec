"""Graphs as text, written and read back.

One value a line, with its dtype.  Constants and whole arguments stand where they are used; a
constant has a dtype of its own (`1.0:f64`) where its operator does not imply one.
"""

from __future__ import annotations

import ast
import builtins
import operator
import re
from collections.abc import Iterator, Sequence, Set
from typing import Any, NamedTuple

import numpy as np

from cpnum.ir.movement import (
    BroadcastTo,
    Held,
    Index,
    IndexItem,
    Movement,
    Ravel,
    Reshape,
    Transpose,
)
from cpnum.ir.nodes import (
    MADE,
    OWN_OPS,
    Apply,
    Broadcast,
    Constant,
    Host,
    Input,
    Join,
    Node,
    Nodes,
    Project,
)
from cpnum.ir.results import Results
from cpnum.ir.returned import (
    LONG,
    ResultsReader,
    split,
    written_call,
    written_outputs,
    written_results,
)
from cpnum.ir.signature import (
    ArrayOf,
    Fixed,
    Parameter,
    SameAs,
    ScalarOf,
    Signature,
    Type,
    text_of,
)
from cpnum.tables.dtypes import BOOL, DTYPES, F32, F64, FLOAT, INT, DType, from_numpy
from cpnum.tables.ops import ALWAYS, CAST, OPS, Kind, Op


class Parts(NamedTuple):
    """The parts of a graph that its text shows."""

    name: str
    signature: Signature
    nodes: tuple[Node, ...]
    results: Results
    checked: Set[Node]
    conditions: tuple[Broadcast, ...]
    guards: Sequence[str]


# -- writing ------------------------------------------------------------------------------------


def of_input(node: Input, signature: Signature) -> str:
    """Return an input as a user writes it: the parameter's name, and the movement."""
    name = "" if node.parameter == MADE else signature[node.parameter].name
    return name + "".join(map(str, node.movement)) if node.movement else name


def value_names(graph: Parts) -> dict[Node, str]:
    """Return the name of each value: `%3`, or the argument or constant that is written instead."""
    writer = _Writer(graph)
    return {node: writer.operand(node, node.dtype) for node in graph.nodes}


def written(graph: Parts) -> str:
    """Return the text of a graph."""
    writer = _Writer(graph)
    return "\n".join(
        [
            f"{graph.name}({text_of(graph.signature)})",
            *_lines(graph, writer),
            f"  return {written_results(graph.results, graph.signature, writer.operand)}",
        ]
    )


def written_call_of(graph: Parts) -> tuple[list[str], str]:
    """Return the lines of a graph that computes the arguments of a call, and their text."""
    writer = _Writer(graph)
    return _lines(graph, writer), written_call(graph.results, graph.signature, writer.operand)


def written_loop_of(graph: Parts) -> tuple[list[str], Sequence[str]]:
    """Return the lines of a graph, and the text of each result."""
    writer = _Writer(graph)
    return _lines(graph, writer), written_outputs(graph.results, graph.signature, writer.operand)


def _lines(graph: Parts, writer: _Writer) -> list[str]:
    lines: list[tuple[str, str]] = []
    for node, name in writer.names.items():
        after = f"{node.dtype}  checked" if node in graph.checked else str(node.dtype)
        lines.append((f"{name} = {writer.line(node)}", after))
    width = max((len(line) for line, _ in lines), default=0)
    conditions = sorted(
        " ".join(of_input(each, graph.signature) for each in condition.inputs)
        for condition in graph.conditions
    )
    return [
        *(f"  {line:{width}}  {after}" for line, after in lines),
        *(f"  requires {each}" for each in conditions),
        *(f"  where {each}" for each in graph.guards),
    ]


class _Writer:
    def __init__(self, graph: Parts) -> None:
        self.signature = graph.signature
        self.parameters = {each.name for each in graph.signature}
        # The nodes with a line of their own; others stand where they are used.
        own = [
            node
            for node in graph.nodes
            if not is_literal(node) and not (isinstance(node, Input) and not node.movement)
        ]
        self.names = {node: f"%{at}" for at, node in enumerate(own)}

    def line(self, node: Node) -> str:
        match node:
            case Input():
                return of_input(node, self.signature)
            case Constant(like=like):
                return " ".join([constant_text(node), "like", *map(self.operand, like)])
            case Apply(op, args):
                known = [None if is_literal(arg) else arg.dtype for arg in args]
                implied = implied_dtypes(op, node.dtype, known)
                return " ".join([op.name, *map(self.operand, args, implied)])
            case Host(function, args):
                name = function.__name__
                if function.__module__ != "builtins":
                    name = f"operator.{name}"
                return " ".join([name, *(self.operand(arg) for arg in args)])
            case Project(of, index):
                return f"project {self.operand(of)} {index}"
            case Join(values, axis, _, whole):
                words = [*map(self.operand, values), "like", self.operand(whole)]
                return " ".join([f"join {axis}", *words])

    def operand(self, node: Node, implied: DType | None = None) -> str:
        if node in self.names:
            return self.names[node]
        if isinstance(node, Input):
            return of_input(node, self.signature)
        assert isinstance(node, Constant)
        text = constant_text(node)
        plain = node.dtype.weak or node.dtype is implied
        return text if plain and text not in self.parameters else f"{text}:{node.dtype}"


def is_literal(node: Node) -> bool:
    """Tell whether a node is a constant that stands where it is used."""
    return isinstance(node, Constant) and not node.like


def implied_dtypes(op: Op, dtype: DType, known: Sequence[DType | None]) -> list[DType | None]:
    """Return the dtypes that operands must have for a result of `dtype`; None if it could be any.

    `known` are the dtypes of the operands, None for each constant.
    """
    own = dtype if Kind.T in op.results and op is not CAST else None
    for kind, each in zip(op.operands, known, strict=True):
        if own is None and kind is Kind.T:
            own = each
    return [ALWAYS.get(kind, None if kind is Kind.FROM else own) for kind in op.operands]


_NAN_BITS = {
    dtype: int.from_bytes(dtype.numpy.type("nan").tobytes(), "little") for dtype in (F64, F32)
}


def constant_text(constant: Constant) -> str:
    """Return the text of a constant's value, from which its dtype gives the value back."""
    value = constant.value
    if value != value and not constant.dtype.weak and constant.bits != _NAN_BITS[constant.dtype]:
        return f"nan:{constant.bits:#x}"
    if type(value) is int and value.bit_length() > LONG:
        return hex(value)
    return repr(value) if constant.dtype.weak else str(value)


# -- reading ------------------------------------------------------------------------------------

_TYPES = {dtype.name: dtype for dtype in (*DTYPES, FLOAT, INT, BOOL)}
_HEAD = r"(.+?)\((.*)\)"
_LINE = r"  (%\d+) = (.*?) {2,}(\w+)(  checked)?"
_HELD = r"\{(?P<dtype>\w+)\[(?P<shape>[^]]*)\](?P<between>: | of )0x(?P<raw>[0-9a-f]*)\}"
_STEP = (
    r"\[(?P<items>[^]]*)\]|\.(?P<name>T|transpose|reshape|ravel|broadcast_to)(?P<axes>\([^)]*\))?"
)


def read(text: str) -> Parts:
    """Return the parts of the graph that has this text.

    Raises:  ValueError if no graph has it.
    """
    first, *lines, last = text.split("\n")
    head = re.fullmatch(_HEAD, first)
    if head is None or not last.startswith("  return "):
        raise ValueError(f"no text of a graph: {text!r}")
    reader = _Reader(read_signature(head[2]))
    checked, conditions, guards = set(), [], []
    for line in lines:
        if line.startswith("  where "):
            guards.append(line.removeprefix("  where "))
            continue
        if line.startswith("  requires "):
            inputs = [reader.input(word) for word in split(line.removeprefix("  requires "), " ")]
            conditions.append(Broadcast(tuple(inputs)))
            continue
        match = re.fullmatch(_LINE, line)
        if match is None:
            raise ValueError(f"no line of a graph: {line!r}")
        node = reader.node(split(match[2], " "), _TYPES[match[3]])
        reader.named[match[1]] = node
        if match[4]:
            checked.add(node)
    results = reader.results(last.removeprefix("  return "))
    nodes = reader.nodes.reaching(results.nodes)
    return Parts(head[1], reader.signature, nodes, results, checked, tuple(conditions), guards)


def read_signature(text: str) -> Signature:
    """Return the signature of a text with types, and names before them or not.

    Raises:  ValueError if an array's extents are no numbers.

    >>> print(*read_signature("x: f64[:, 1], float"), sep="; ")
    x: f64[:, 1]; arg1: float
    """
    signature: list[Parameter] = []
    for at, each in enumerate(split(text, ", ")):
        signature.append(_parameter(each if ": " in each else f"arg{at}: {each}", signature))
    return tuple(signature)


def _parameter(text: str, before: Sequence[Parameter]) -> Parameter:
    name, _, kind = text.partition(": ")
    array = re.fullmatch(r"(\w+)\[(.*)\]", kind)
    of: Type
    if array is not None and array[1] in _TYPES:
        extents = [None if each == ":" else int(each) for each in split(array[2], ", ")]
        of = ArrayOf(_TYPES[array[1]], tuple(extents))
    elif kind in _TYPES:
        of = ScalarOf(_TYPES[kind])
    elif kind.startswith("same as "):
        same = kind.removeprefix("same as ")
        of = SameAs([each.name for each in before].index(same), same)
    else:
        of = Fixed(kind, kind)
    return Parameter(name, of)


class _Reader:
    def __init__(self, signature: Signature) -> None:
        self.signature = signature
        self.nodes = Nodes()
        self.named: dict[str, Node] = {}
        self.axes: dict[str, int] = {}
        for at, (name, of) in enumerate((each.name, each.type) for each in signature):
            if isinstance(of, ArrayOf | ScalarOf):
                self.named[name] = self.nodes.input(at, (), of.dtype)
                self.axes[name] = len(of.extents) if isinstance(of, ArrayOf) else 0

    def node(self, words: list[str], dtype: DType) -> Node:
        first, *rest = words
        if not rest:
            return self.input(first)
        if rest[0] == "like":
            like = tuple(map(self.input, rest[1:]))
            return self.nodes.constant(_value(first, dtype), dtype, like)
        if first == "join":
            axis, *values, _, whole = rest
            return self.nodes.join(tuple(map(self.operand, values)), int(axis), self.input(whole))
        if first == "project":
            of = self.named[rest[0]]
            assert isinstance(of, Apply)
            return self.nodes.project(of, int(rest[1]), dtype)
        op = CAST if first == CAST.name else OPS.get(first) or OWN_OPS.get(first)
        if op is not None:
            return self.apply(op, rest, dtype)
        module, _, name = first.rpartition(".")
        function = getattr(operator if module else builtins, name)
        return self.nodes.host(function, tuple(map(self.operand, rest)), dtype)

    def apply(self, op: Op, words: list[str], dtype: DType) -> Node:
        # A constant without a dtype gets the one that the other operands imply.
        known = [None if self._is_plain(word) else self.operand(word) for word in words]
        implied = implied_dtypes(
            op, dtype, [None if node is None else node.dtype for node in known]
        )
        args = [
            self.operand(word, each) if node is None else node
            for word, each, node in zip(words, implied, known, strict=True)
        ]
        return self.nodes.apply(op, tuple(args), dtype)

    def _is_plain(self, word: str) -> bool:
        return word not in self.named and word.rpartition(":")[2] not in _TYPES

    def operand(self, word: str, implied: DType | None = None) -> Node:
        if word in self.named:
            return self.named[word]
        value, _, name = word.rpartition(":")
        dtype = _TYPES.get(name)
        if dtype is None:
            value, dtype = word, implied or _weak(word)
        return self.nodes.constant(_value(value, dtype), dtype)

    def input(self, word: str) -> Input:
        if word.startswith("{"):
            made, end = _held(word), word.index("}") + 1
            steps = (made, *_steps(word[end:], made.array.ndim))
            return self.nodes.input(MADE, steps, from_numpy(made.array.dtype))
        match = re.match(r"[^.\[]+", word)
        node: Any = self.named.get(word if match is None else match[0])
        if match is None or not isinstance(node, Input):
            raise ValueError(f"no view of a parameter: {word!r}")
        if match[0] != word:
            steps = tuple(_steps(word[match.end() :], self.axes.get(match[0], 0)))
            node = self.nodes.input(node.parameter, steps, node.dtype)
        return node  # type: ignore[no-any-return]

    def results(self, text: str) -> Results:
        reader = ResultsReader(self.signature, self.named, self.axes, self.constant, _steps)
        return reader.read(text)

    def constant(self, text: str) -> Node | None:
        """Return the constant of a text that tells its dtype, None for another text."""
        dtype = _TYPES.get(text.rpartition(":")[2])
        return None if dtype is None or dtype.weak else self.operand(text)


def _held(text: str) -> Held:
    """Return the array whose text stands at the beginning: `{int32[2]: 0x0000000001000000}`."""
    match = re.match(_HELD, text)
    if match is None:
        raise ValueError(f"the text has not all elements of an array: {text!r}")
    shape = tuple(int(extent) for extent in match["shape"].split(", ") if extent)
    elements = np.array(bytearray.fromhex(match["raw"]), np.uint8).view(match["dtype"])
    if match["between"] == ": ":
        return Held.of(elements.reshape(shape))
    return Held.of(np.broadcast_to(elements, shape))


def _weak(text: str) -> DType:
    if text in ("True", "False"):
        return BOOL
    return INT if re.fullmatch(r"-?(\d+|0x[0-9a-f]+)", text) else FLOAT


def _value(text: str, dtype: DType) -> Any:
    if text.startswith("nan:"):
        raw = int(text.removeprefix("nan:"), 16).to_bytes(dtype.itemsize, "little")
        return np.frombuffer(raw, dtype.numpy)[0]
    if dtype is INT:
        return int(text, 0)
    return text == "True" if dtype.family == "B" else dtype.scalar(text)


def _steps(text: str, axes: int) -> Iterator[Movement]:
    """Yield the steps of a movement of an array that has so many `axes`."""
    end = 0
    while end < len(text):
        match = re.match(_STEP, text[end:])
        if match is None:
            raise ValueError(f"no movement: {text!r}")
        end += match.end()
        if match["items"] is not None:
            items = tuple(map(_item, match["items"].split(", ")))
            axes += sum(item is None for item in items) - sum(type(item) is int for item in items)
            yield Index.of(items)
            continue
        numbers: Sequence[int] = ast.literal_eval(match["axes"] or "()")
        match match["name"]:
            case "T":
                yield Transpose(tuple(range(axes))[::-1])
            case "transpose":
                yield Transpose(tuple(numbers))
            case "reshape":
                yield Reshape(tuple(numbers))
                axes = len(numbers)
            case "ravel":
                yield Ravel()
                axes = 1
            case _:
                yield BroadcastTo(tuple(numbers))
                axes = len(numbers)


def _item(text: str) -> IndexItem:
    if text == "None":
        return None
    if ":" not in text:
        return int(text)
    return slice(*(int(end) if end else None for end in text.split(":")))
