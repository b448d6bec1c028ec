"""Recipes: how the argument block of a call is filled, as rows.

A row says which word holds the address of an argument, or which bytes hold a number.  The template
has the words that depend only on shapes and strides.
"""

from __future__ import annotations

import functools
import itertools
import struct
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, NamedTuple

import numpy as np

from cpnum.compile.arrange import Arrangement
from cpnum.compile.call import Array, Call, address
from cpnum.compile.kernel import Kernel
from cpnum.ir.evaluate import Sites, host_value
from cpnum.ir.nodes import Apply, Input, Node
from cpnum.run.memory import ffi
from cpnum.tables.block import ArgumentBlock, Flag
from cpnum.tables.dtypes import F32, F64, FLOAT
from cpnum.tables.ops import CAST


class Conversion(Enum):
    """How a number of a call becomes bytes in the argument block."""

    DOUBLE = "double"  # C's conversion to float64, the same as NumPy's
    SINGLE = "single"  # C's conversion to float32, the same as NumPy's but for overflow
    COMPUTED = "computed"  # the value of a node, computed by NumPy and Python


# Python before 3.12 looks up a member of an enum by Python code.
_DOUBLE, _SINGLE, _COMPUTED = Conversion.DOUBLE, Conversion.SINGLE, Conversion.COMPUTED


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
    range.  `sites` are those of the nodes of numbers, for errors.  `block` has the offsets.
    """

    template: bytes
    words: int
    pointers: tuple[Pointer, ...]
    out: int
    numbers: tuple[Number, ...]
    stop: int
    sites: Sites
    block: ArgumentBlock


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
    return Recipe(
        template_of(block, call.arrangement),
        kernel.block_words,
        tuple(pointers),
        out,
        tuple([_number(block.scalar(at), node) for at, node in enumerate(call.sources.scalars)]),
        call.arrangement.extents[0],
        kernel.graph.sites,
        block,
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


def template_of(block: ArgumentBlock, arrangement: Arrangement) -> bytes:
    """Return the words of strides and extents, with 0 for all other words."""
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
    return struct.pack(f"<{len(words)}q", *words)


def _number(offset: int, node: Node) -> Number:
    """Return the row of a scalar; C converts only a Python float or float64 as NumPy does."""
    source, dtype = node, node.dtype
    if isinstance(node, Apply) and node.op is CAST and dtype in (F64, F32):
        source = node.args[0]
        plain = source.dtype is FLOAT
    else:
        # Not float32: C would make a signalling NaN a quiet one.
        plain = dtype in (F64, FLOAT)
    if plain and isinstance(source, Input) and not source.movement:
        conversion = _SINGLE if dtype is F32 else _DOUBLE
        return offset, conversion, source.parameter, node
    return offset, _COMPUTED, None, node


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


_PACK_DOUBLE, _PACK_SINGLE = struct.Struct("<d").pack_into, struct.Struct("<f").pack_into


def set_numbers(recipe: Recipe, data: Any, arguments: Sequence[Any]) -> int:
    """Write the scalars of a run into its argument block; return the flags that may be raised."""
    flags = 0
    for offset, conversion, parameter, node in recipe.numbers:
        if conversion is _COMPUTED:
            value, raised = host_value(node, arguments, recipe.sites)
            raw = np.asarray(value, node.dtype.numpy).tobytes()
            data[offset : offset + len(raw)] = raw
            flags |= raised
            continue
        assert parameter is not None
        value = arguments[parameter]
        if conversion is _DOUBLE:
            _PACK_DOUBLE(data, offset, value)
            continue
        try:
            _PACK_SINGLE(data, offset, value)
        except OverflowError:  # C would return inf; NumPy returns inf and reports "over"
            _PACK_SINGLE(data, offset, np.copysign(np.inf, value))
            flags |= Flag.over.value
    return flags


@functools.cache
def _from_buffer() -> Callable[[Array], Any]:
    from_buffer: Callable[[Array], Any] = ffi().from_buffer
    return from_buffer


def _address(array: Array, offset: int = 0) -> Any:
    """Return the pointer to an array that gives no buffer because it is not contiguous."""
    return ffi().cast("void *", address(array) + offset)
