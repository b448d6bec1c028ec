"""Recipes: how the argument block of a call is filled, as rows.

A row says which word holds the address of an argument, or which bytes hold a number.  The template
has the words that depend only on shapes and strides.
"""

from __future__ import annotations

import functools
import itertools
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from cpnum.compile.arrange import Arrangement
from cpnum.compile.call import Array, Call
from cpnum.compile.kernel import Kernel
from cpnum.compile.tree import table_of
from cpnum.ir.arrays import address
from cpnum.ir.evaluate import Sites, host_value
from cpnum.ir.nodes import Apply, Input, Node
from cpnum.run.memory import ffi
from cpnum.tables.block import ArgumentBlock, Flag
from cpnum.tables.dtypes import F32, F64, FLOAT, I32, I64, INT, DType
from cpnum.tables.ops import CAST

# How a number of a call becomes bytes in the argument block: the letter that `struct` has for C's
# type, if C converts the argument as NumPy does; else NumPy and Python compute the value.
Conversion = Literal["d", "f", "q", "i", "computed"]

# By the dtype of the argument, and that of the kernel's operand.
_CONVERSIONS: dict[tuple[DType, DType], Conversion] = {
    (FLOAT, FLOAT): "d",
    (FLOAT, F64): "d",
    (F64, F64): "d",
    (INT, F64): "d",
    # Not of a float32 itself: C would make a signalling NaN a quiet one.
    (FLOAT, F32): "f",
    (INT, I64): "q",
    (I64, I64): "q",
    (INT, I32): "i",
    (I32, I32): "i",
}


# The rows are plain tuples: every call unpacks them, and a NamedTuple takes twice the time.

# For an address: its word, the parameter, and the view of the argument if it is one: the bytes
# from the first element, or the view that NumPy takes where they are not known.
Pointer = tuple[int, int, Input | int | None]

# For a scalar: the offset of its bytes, their conversion, the parameter if C converts it, the node.
Number = tuple[int, Conversion, int | None, Node]


class Recipe(NamedTuple):
    """How an argument block is filled; `out` is the word that holds the address of the result.

    If there are several results, `out` has that of the last one, and the others are pointers, as if
    they were arguments behind those of the function.

    `template` has the words that depend only on shapes and strides.  `stop` is the end of the
    range.  `sites` are those of the nodes of numbers, for errors.  `block` has the offsets.  The
    template of a tree of sums has the address of the `table` of its leaves.
    """

    template: bytes
    words: int
    pointers: tuple[Pointer, ...]
    out: int
    numbers: tuple[Number, ...]
    stop: int
    sites: Sites
    block: ArgumentBlock
    table: bytes | None


def recipe_of(call: Call, kernel: Kernel) -> Recipe:
    """Return the recipe of a call of this kernel."""
    assert call.arrangement is not None
    block = kernel.loop_nest.block
    pointers: list[Pointer] = [
        (at, array.parameter, array if offset is None else offset or None)
        for at, (array, offset) in enumerate(zip(call.sources.arrays, call.offsets, strict=True))
    ]
    out = len(kernel.loop_nest.operands) - 1
    for at in range(len(pointers), out):
        behind = at - len(call.sources.arrays)
        pointers.append((at, len(kernel.graph.signature) + behind, None))
    table = table_of(call.arrangement.extents[-1], call.piece) if block.trees else None
    return Recipe(
        template_of(block, call.arrangement, table),
        kernel.block_words,
        tuple(pointers),
        out,
        tuple([_number(block.scalar(at), node) for at, node in enumerate(call.sources.scalars)]),
        call.arrangement.extents[0],
        kernel.graph.sites,
        block,
        table,
    )


def with_tiles(recipe: Recipe, call: Call, arrays: Sequence[int]) -> Recipe:
    """Return the recipe of a call whose results are tiles of some of a call's arrays.

    These stand behind the arguments, and `arrays` has their numbers; no result is given by itself.
    """
    sources = len(call.sources.arrays)
    rows = zip(itertools.count(sources), arrays, call.tiles)
    pointers = [
        *recipe.pointers[:sources],
        *[(at, array, tile or None) for at, array, tile in rows],
    ]
    return recipe._replace(pointers=tuple(pointers))


def template_of(
    block: ArgumentBlock, arrangement: Arrangement, table: bytes | None = None
) -> bytes:
    """Return the words of strides and extents, and of a table of leaves; 0 for all other words."""
    words = [0] * (block.spills // 8)
    extents, strides, axes = arrangement.extents, arrangement.strides, block.axes

    def write(offset: int, values: Sequence[int]) -> None:
        words[offset // 8 : offset // 8 + len(values)] = values

    write(block.stride(0), [each[-1] for each in strides])
    write(block.outer_stride(0), [each[0] for each in strides])
    for axis in range(axes - 1):
        inner = extents[axis + 1] if axis + 1 < axes - 1 else 0
        write(block.increment(0, axis), [each[axis] - each[axis + 1] * inner for each in strides])
    write(block.extent(0), extents)
    if table is not None:
        write(block.first_leaf, [address(np.frombuffer(table, np.uint8))])
    return struct.pack(f"<{len(words)}q", *words)


def _number(offset: int, node: Node) -> Number:
    """Return the row of a scalar; C converts an argument that it converts as NumPy does."""
    source = node.args[0] if isinstance(node, Apply) and node.op is CAST else node
    conversion = _CONVERSIONS.get((source.dtype, node.dtype))
    if conversion is not None and isinstance(source, Input) and not source.movement:
        return offset, conversion, source.parameter, node
    return offset, "computed", None, node


# -- filling a block ----------------------------------------------------------------------------


def new_block(words: int) -> Any:
    """Return an argument block."""
    return ffi().new("void *[]", words)


def filled_block(recipe: Recipe) -> tuple[Any, Any]:
    """Return an argument block with the template's words, and a buffer of its bytes."""
    block = new_block(recipe.words)
    data = ffi().buffer(block)
    data[: len(recipe.template)] = recipe.template
    return block, data


def set_extents(recipe: Recipe, data: Any, arrangement: Arrangement) -> None:
    """Write the extents and strides of a piece of a call into its argument block."""
    end = recipe.block.counter(0)
    data[:end] = template_of(recipe.block, arrangement)[:end]


def point_at(data: Any, addresses: Sequence[int]) -> None:
    """Write the addresses of all operands, the result last, into an argument block."""
    struct.pack_into(f"<{len(addresses)}Q", data, 0, *addresses)


def point(recipe: Recipe, block: Any, arguments: Sequence[Any], out: Array | None) -> list[Array]:
    """Write the addresses of a run into its argument block; return the views of arguments.

    There is no `out` for a recipe with tiles.

    The views must live until the kernel has run: where NumPy copies for a reshape, nothing else
    holds the copy.
    """
    from_buffer = _from_buffer()
    views = []
    for word, parameter, view in recipe.pointers:
        array = arguments[parameter]
        if view is not None:
            if type(view) is int:
                try:
                    block[word] = from_buffer(array) + view
                except ValueError:
                    block[word] = _address(array, view)
                continue
            array = view.view(array)  # type: ignore[union-attr]
            views.append(array)
        try:
            block[word] = from_buffer(array)
        except ValueError:
            block[word] = _address(array)
    if out is None:
        return views
    try:
        block[recipe.out] = from_buffer(out)
    except ValueError:
        block[recipe.out] = _address(out)
    return views


_PACK = {letter: struct.Struct(f"<{letter}").pack_into for letter in "dfqi"}


def set_numbers(recipe: Recipe, data: Any, arguments: Sequence[Any] | Mapping[int, Any]) -> int:
    """Write the scalars of a run into its argument block; return the flags that may be raised."""
    flags = 0
    for offset, conversion, parameter, node in recipe.numbers:
        if parameter is not None:
            value = arguments[parameter]
            try:
                _PACK[conversion](data, offset, value)
                continue
            except OverflowError:
                if conversion == "f":  # C would return inf; NumPy returns inf and reports "over"
                    _PACK["f"](data, offset, math.copysign(math.inf, value))
                    flags |= Flag.over.value
                    continue
            except struct.error:
                pass  # NumPy has an error of its own for an integer that is out of range
        value, raised = host_value(node, arguments, recipe.sites)
        raw = np.asarray(value, node.dtype.numpy).tobytes()
        data[offset : offset + len(raw)] = raw
        flags |= raised
    return flags


@functools.cache
def _from_buffer() -> Callable[[Array], Any]:
    from_buffer: Callable[[Array], Any] = ffi().from_buffer
    return from_buffer


def _address(array: Array, offset: int = 0) -> Any:
    """Return the pointer to an array that gives no buffer because it is not contiguous."""
    return ffi().cast("void *", address(array) + offset)
