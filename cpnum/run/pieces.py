"""Calls in place, which overwrite elements that a report of floating-point errors needs.

A report evaluates the graph on the values that the kernel has read.  So these are copied before
the kernel overwrites them.  A large call is made piece by piece: the copy of a piece is kept only
if NumPy reports an error of it that no piece before had.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from operator import mul
from typing import Any

import numpy as np

from cpnum.compile.arrange import Arrangement
from cpnum.compile.call import Array, Call
from cpnum.ir.evaluate import errors_of, evaluate, may_report
from cpnum.ir.graph import Graph
from cpnum.ir.nodes import Input, Node
from cpnum.run.alias import in_place, overlap

# The old elements of a result of so many bytes are copied as a whole, which is quicker.
WHOLE = 1 << 22
# The bytes of a piece of a larger result: it stays in the second-level cache once it is copied.
PIECE = 1 << 18

# Arrays by the inputs that they are the views of.
Views = dict[Input, Array]


# -- views --------------------------------------------------------------------------------------


def reported_inputs(graph: Graph, call: Call) -> tuple[Input, ...]:
    """Return the inputs of a kernel and its report, none if no report depends on elements."""
    if not may_report(graph):
        return ()
    return tuple(dict.fromkeys((*graph.inputs, *call.sources.arrays)))


def views_in_place(call: Call, arguments: Sequence[Any], out: Array) -> Views | None:
    """Return the views that the kernel reads and that share memory with `out`.

    Return None if `out` is not just such a view, so that an element would be written before it is
    read.
    """
    found: Views = {}
    for node in call.sources.arrays:
        view = node.view(arguments[node.parameter])
        if out is view or overlap(out, view):
            if not in_place(out, view):
                return None
            found[node] = view
    return found


def other_views(inputs: Sequence[Input], overwritten: Views, arguments: Sequence[Any]) -> Views:
    """Return the views of arrays that are not overwritten, with the values that they have now."""
    found: Views = {}
    for node in inputs:
        argument = arguments[node.parameter]
        if node not in overwritten and isinstance(argument, np.ndarray):
            view = node.view(argument)
            # A view with axes that shares memory with `out` only gives a shape, since the kernel
            # does not read it, and no rule leaves out an input.
            found[node] = view if view.ndim else view.copy()
    return found


def saved(overwritten: Views, others: Views) -> Views:
    """Return all views, with copies of those that will be overwritten."""
    return {**others, **{node: view.copy() for node, view in overwritten.items()}}


def arranged(view: Array, call: Call) -> Array:
    """Return a view with the axes of a call's arrangement; NumPy may copy one no kernel reads.

    >>> from cpnum.compile.call import describe
    >>> from cpnum.trace.trace import trace
    >>> x = np.zeros((2, 3)).T
    >>> arranged(x, describe(trace(np.sqrt, (x,)), (x,), None)).shape
    (6,)
    """
    assert call.arrangement is not None
    whole = np.broadcast_to(view, call.shape)
    return whole.transpose(call.arrangement.order).reshape(call.arrangement.extents)


# -- pieces -------------------------------------------------------------------------------------

# The index of a piece in the arranged axes.
Index = tuple[int | slice, ...]

# A piece: its index, its extents, and for each operand the bytes from its first element to that of
# the piece.
Piece = tuple[Index, tuple[int, ...], list[int]]


def cut(extents: Sequence[int], itemsize: int) -> tuple[int, int]:
    """Return the axis whose ranges are the pieces of an array, and the length of a range.

    Along outer axes, each index has pieces of its own.

    >>> cut((2, 40_000, 4), 8)
    (1, 8192)
    """
    axis, inner = len(extents) - 1, itemsize
    while axis and inner * extents[axis] <= PIECE:
        inner *= extents[axis]
        axis -= 1
    return axis, min(extents[axis], PIECE // inner)


def pieces(arrangement: Arrangement, itemsize: int) -> Iterator[Piece]:
    """Yield the pieces of a call whose result has elements of `itemsize` bytes."""
    extents = arrangement.extents
    axis, step = cut(extents, itemsize)
    for outer in itertools.product(*map(range, extents[:axis])):
        rows = [(sum(map(mul, outer, each)), each[axis]) for each in arrangement.strides]
        for start in range(0, extents[axis], step):
            stop = min(start + step, extents[axis])
            yield (
                (*outer, slice(start, stop)),
                (*[1] * axis, stop - start, *extents[axis + 1 :]),
                [first + start * stride for first, stride in rows],
            )


class OldValues:
    """The values that a call overwrites piece by piece, as far as a report of errors needs them."""

    def __init__(
        self,
        graph: Graph,
        call: Call,
        arguments: Sequence[Any],
        overwritten: Views,
        others: Views,
    ) -> None:
        self.views = {**others, **overwritten}
        self._graph = graph
        self._call = call
        self._arguments = arguments
        self._overwritten = {node: arranged(view, call) for node, view in overwritten.items()}
        self._others = others
        self._others_arranged: Views | None = None
        self._buffers: Views = {}
        self._piece: Views = {}
        self._errors: set[tuple[Node | None, str]] = set()
        self._kept: list[Views] = []

    def save(self, index: Index) -> None:
        """Copy the elements of a piece that will be overwritten; forget those of the last piece."""
        for node, view in self._overwritten.items():
            elements = view[index]
            buffer = self._buffers.get(node)
            if buffer is None:  # no later piece is longer
                buffer = self._buffers[node] = np.empty(elements.shape, elements.dtype)
            copy = self._piece[node] = buffer[: len(elements)]
            np.copyto(copy, elements)

    def note(self, index: Index) -> None:
        """Keep the piece that was saved last if NumPy reports an error of it that is a new one."""
        if self._others_arranged is None:  # most calls have no errors
            self._others_arranged = {
                node: arranged(view, self._call)
                for node, view in self._others.items()
                if view.ndim  # NumPy reports an overflow of integers only between scalars
            }
        others = {node: view[index] for node, view in self._others_arranged.items()}
        errors = errors_of(self._graph, self._arguments, {**self._others, **others, **self._piece})
        if not errors <= self._errors:
            self._errors |= errors
            self._kept.append({**others, **saved(self._piece, {})})

    def report(self) -> None:
        """Report the errors, each once: evaluate the graph on all pieces that were kept."""
        if self._kept:
            elements = {
                node: np.concatenate([piece[node].ravel() for piece in self._kept])
                for node in self._kept[0]
            }
            evaluate(self._graph, self._arguments, known={**self._others, **elements})
