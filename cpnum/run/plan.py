"""Binds arrays to a kernel and runs it.

A *call* is what there is to know about arguments without their addresses and values: shape,
arrangement, layouts.  A *plan* is a kernel with all words of a call in an argument block but the
pointers and the scalars; running it fills these in.  Blocks are private to a run, the code is
shared, so threads may run one plan at once; the interpreter lock is released while it runs.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cpnum.compile.arrange import Arrangement
from cpnum.compile.call import Array, Call, new_result
from cpnum.compile.kernel import Kernel
from cpnum.ir.evaluate import checked_of, evaluate, host_value, raised_by
from cpnum.ir.graph import Graph
from cpnum.ir.nodes import Apply, Input, Node
from cpnum.run.memory import Region, ffi
from cpnum.tables.block import ArgumentBlock, Flag
from cpnum.tables.dtypes import F32, F64, FLOAT
from cpnum.tables.ops import CAST


class _AnyPlan:
    """What all plans share: the graph and the call they serve."""

    __slots__ = ("call", "graph")

    def __init__(self, graph: Graph, call: Call) -> None:
        self.graph = graph
        self.call = call

    def new_result(self) -> Array:
        """Return an array for the result."""
        return new_result(self.call, self.graph.output.node.dtype.numpy)

    def may_overlap(self, arguments: Sequence[Any], out: Array) -> bool:
        """Tell whether `out` may share memory with an argument."""
        for argument in arguments:
            # Two arrays with memory of their own share none: the quick answer for most calls.
            if type(argument) is np.ndarray and (
                argument is out or argument.base is not None or out.base is not None
            ):
                if np.may_share_memory(argument, out):
                    return True
        return False

    def views(self, arguments: Sequence[Any]) -> list[Array]:
        """Return the views of the arguments that are read."""
        return [array.view(arguments[array.parameter]) for array in self.call.sources.arrays]


class EmptyPlan(_AnyPlan):
    """A call whose result has no elements."""

    __slots__ = ()

    def run(self, arguments: Sequence[Any], out: Array) -> int:
        """Compute no element; but scalars have errors without elements too."""
        evaluate(self.graph, arguments)
        return 0


class NumpyPlan(_AnyPlan):
    """A call that NumPy evaluates node by node, where machine code cannot run."""

    __slots__ = ()

    def run(self, arguments: Sequence[Any], out: Array) -> int:
        """Evaluate the graph; NumPy reports floating-point errors itself."""
        out[...] = evaluate(self.graph, arguments)
        return 0


class Plan(_AnyPlan):
    """A kernel and the words of one call; it runs on any arrays of these shapes and strides."""

    __slots__ = (
        "_block_words", "_blocks", "_checked", "_function", "_numbers", "_pointers", "_range",
        "_region", "_template", "kernel",
    )  # fmt: skip

    def __init__(self, graph: Graph, call: Call, kernel: Kernel, region: Region) -> None:
        super().__init__(graph, call)
        assert call.arrangement is not None
        self.kernel = kernel
        self._region = region  # keeps the code where it is
        self._function = ffi().cast("int(*)(void *, long, long)", region.address)
        block = kernel.loop_nest.block
        self._template = words_of(block, call.arrangement)
        self._block_words = kernel.block_words
        self._range = call.arrangement.extents[0]
        # (word, parameter, the input if it is a view of its argument)
        self._pointers = [
            (at, array.parameter, array if array.movement else None)
            for at, array in enumerate(call.sources.arrays)
        ]
        self._numbers = [
            (block.scalar(at), node, _plain_parameter(node))
            for at, node in enumerate(call.sources.scalars)
        ]
        # No kernel can tell whether integers overflow, so operators between scalars, of which NumPy
        # reports it, are computed once more.
        self._checked = checked_of(graph) if graph.checked else ()
        self._blocks: list[tuple[Any, Any]] = []

    def _block(self) -> tuple[Any, Any]:
        """Return an argument block with the words of the call, and its bytes."""
        block = new_block(self._block_words)
        words = ffi().buffer(block)
        words[: len(self._template)] = self._template
        return block, words

    def _point(self, block: Any, arguments: Sequence[Any], out: Array) -> list[Array]:
        """Write the pointers of a run into its block.

        The views that are returned must live until the kernel has run: where NumPy has to copy for
        a reshape, nothing else holds the copy.
        """
        from_buffer = _from_buffer()
        views = []
        for at, parameter, view in self._pointers:
            array = arguments[parameter]
            if view is not None:
                array = view.view(array)
                views.append(array)
            try:
                block[at] = from_buffer(array)
            except ValueError:
                block[at] = _address(array)
        try:
            block[len(self._pointers)] = from_buffer(out)
        except ValueError:
            block[len(self._pointers)] = _address(out)
        return views

    def raised_by_integers(self, arguments: Sequence[Any]) -> int:
        """Return the flag of overflow if operators between integer scalars raise it."""
        return raised_by(self._checked, self.graph.checked, arguments)

    def _set(self, words: Any, arguments: Sequence[Any]) -> int:
        """Write the scalars of a run into its block; return the flags that this may have raised."""
        flags = 0
        for offset, node, parameter in self._numbers:
            if parameter is None:
                value, raised = host_value(node, arguments)
                raw = np.asarray(value, node.dtype.numpy).tobytes()
                words[offset : offset + len(raw)] = raw
                flags |= raised
                continue
            value = arguments[parameter]
            if node.dtype is F64:
                _DOUBLE.pack_into(words, offset, value)
                continue
            try:
                _SINGLE.pack_into(words, offset, value)
            except OverflowError:  # which C's conversion, that struct does, is not
                _SINGLE.pack_into(words, offset, np.copysign(np.inf, value))
                flags |= Flag.over.value
        return flags

    def run(self, arguments: Sequence[Any], out: Array) -> int:
        """Run the kernel; return the floating-point flags that it raised, or may have."""
        try:
            block, words = self._blocks.pop()
        except IndexError:
            block, words = self._block()
        views = self._point(block, arguments, out)
        suspected = self._set(words, arguments)
        if self._checked:
            suspected |= self.raised_by_integers(arguments)
        flags: int = self._function(block, 0, self._range)
        del views
        self._blocks.append((block, words))
        return flags | suspected

    def words(self, arguments: Sequence[Any], out: Array) -> tuple[Callable[[int], int], int]:
        """Return the words of a call by their offset in the argument block, and suspected flags."""
        block, words = self._block()
        self._point(block, arguments, out)
        suspected = self._set(words, arguments)
        raw = bytes(words)
        return lambda offset: int.from_bytes(raw[offset : offset + 8], "little"), suspected


AnyPlan = Plan | NumpyPlan | EmptyPlan


def bound_function(region: Region, words: int) -> Any:
    """Return the entry of a bound kernel, which sets its range, and has a block if it needs one."""
    return ffi().cast("int(*)(void *)" if words else "int(*)(void)", region.address)


def new_block(words: int) -> Any:
    """Return an argument block."""
    return ffi().new("void *[]", words)


@functools.cache
def _from_buffer() -> Callable[[Array], Any]:
    from_buffer: Callable[[Array], Any] = ffi().from_buffer
    return from_buffer


def _address(array: Array) -> Any:
    """Return the address of an array that is not contiguous, so that it gives no buffer."""
    return ffi().cast("void *", array.__array_interface__["data"][0])


_DOUBLE, _SINGLE = struct.Struct("<d"), struct.Struct("<f")


def _plain_parameter(node: Node) -> int | None:
    """Return the parameter whose argument C converts to this floating-point scalar as NumPy does.

    None is for all other scalars, which `host_value` computes.
    """
    if isinstance(node, Apply) and node.op is CAST and node.dtype in (F64, F32):
        node = node.args[0]
        return node.parameter if isinstance(node, Input) and node.dtype is FLOAT else None
    # Not float32: C would make a signalling NaN a quiet one.
    if isinstance(node, Input) and node.dtype in (F64, FLOAT) and not node.movement:
        return node.parameter
    return None


def words_of(block: ArgumentBlock, arrangement: Arrangement) -> bytes:
    """Return the words of the argument block that hold strides and extents."""
    words = np.zeros(block.spills // 8, np.int64)
    extents, axes = arrangement.extents, block.axes
    for array, strides in enumerate(arrangement.strides):
        words[block.stride(array) // 8] = strides[-1]
        words[block.outer_stride(array) // 8] = strides[0]
        for axis in range(axes - 1):
            inner = strides[axis + 1] * extents[axis + 1] if axis + 1 < axes - 1 else 0
            words[block.increment(array, axis) // 8] = strides[axis] - inner
    for axis, extent in enumerate(extents):
        words[block.extent(axis) // 8] = extent
    return words.tobytes()


def overlap(out: Array, view: Array) -> bool:
    """Tell whether they share memory; if that is too hard to tell, they do."""
    if not np.may_share_memory(out, view):
        return False
    try:
        return bool(np.shares_memory(out, view, max_work=1))  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def in_place(out: Array, view: Array) -> bool:
    """Tell whether `out` is just this view: then each element is read before it is written."""
    return (
        out.__array_interface__["data"] == view.__array_interface__["data"]
        and out.shape == view.shape
        and out.strides == view.strides
        and out.itemsize >= view.itemsize
    )


def copied(arguments: tuple[Any, ...], out: Array) -> tuple[Any, ...]:
    """Return the arguments, those that share memory with `out` as copies."""
    return tuple(
        each.copy("K") if isinstance(each, np.ndarray) and overlap(out, each) else each
        for each in arguments
    )


def watched() -> bool:
    """Tell whether `np.errstate` reports any floating-point error."""
    return any(mode != "ignore" for mode in np.geterr().values())


def report(graph: Graph, arguments: Sequence[Any], flags: int) -> None:
    """Raise, warn or call as `np.errstate` says, if it says anything about these flags.

    A fused kernel cannot tell which operation raised a flag.  NumPy can: the graph is computed once
    more, node by node, and NumPy's own messages are the report.
    """
    if any(flags & Flag[kind] and mode != "ignore" for kind, mode in np.geterr().items()):
        evaluate(graph, arguments)
