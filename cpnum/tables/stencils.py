"""The names of stencils, and the stencils that a pack must have.

A name is a stem, a dtype and the lanes: `add_f32_lane8` adds float32 values in lanes of 8 bytes.
The stem of an operator is its own name; the functions here make all other stems from it.  The
stencils of the skeleton and of spills have no dtype, and their names are stems alone.

The C sources and the operator table both say which stencils there are, and the build compares them.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from cpnum.tables.dtypes import DTYPES, DType
from cpnum.tables.ops import OPS, Form
from cpnum.tables.reductions import FOLDED, Order

LANES = (8, 4, 1)
SOURCES = ("ops", "cast", "memory", "fold", "tree", "loop")
# The C files are compiled for each size of lanes; the skeleton of a kernel is the same for all, and
# a tree of sums has lanes of one size.
UNITS = tuple(
    (source, lane_bytes)
    for lane_bytes in LANES
    for source in SOURCES
    if source not in ("tree", "loop") or lane_bytes == LANES[0]
)

ARGUMENT = "argument"  # a scalar of the call, in all lanes
CONSTANT = "constant"  # a constant of the function, in all lanes
SEED = "seed"  # the first value of an accumulator, in all lanes
LOAD_BROADCAST = "load_broadcast"  # the one element of an array, in all lanes
STORE_FIRST = "store_first"  # the first lane, into the one element of an array

Transfer = Literal["load", "store"]


# -- names --------------------------------------------------------------------------------------


def stencil_name(stem: str, dtype: DType, lane_bytes: int) -> str:
    """Return the name of a stencil for a dtype, in lanes of `lane_bytes`.

    Lanes of the dtype's own size are not named.

    >>> from cpnum.tables.dtypes import F32
    >>> stencil_name("add", F32, 4), stencil_name("add", F32, 8)
    ('add_f32', 'add_f32_lane8')
    """
    name = f"{stem}_{dtype.name}"
    return name if dtype.itemsize == lane_bytes else f"{name}_lane{lane_bytes}"


# These stems are made for nodes of every kernel, and a cache is faster than formatting.
@functools.cache
def cast_stem(to: DType) -> str:
    """Return the stem of the casts to a dtype; the dtype they start from follows it.

    >>> from cpnum.tables.dtypes import F32, F64
    >>> stencil_name(cast_stem(F64), F32, 8)
    'cast_f64_f32_lane8'
    """
    return f"cast_{to.name}"


@functools.cache
def fused_stem(select: str, comparison: str) -> str:
    """Return the stem of a comparison and the `where` of its mask, in one stencil.

    >>> fused_stem("where", "less")
    'where_less'
    """
    return f"{select}_{comparison}"


@functools.cache
def tied_stem(operator: str) -> str:
    """Return the stem of a multiply-add whose result takes the register of the addend.

    >>> from cpnum.tables.dtypes import F64
    >>> stencil_name(tied_stem("multiply_add"), F64, 8)
    'multiply_add_tied_f64'
    """
    return f"{operator}_tied"


def access_stem(transfer: Transfer, *, strided: bool = False, tail: bool = False) -> str:
    """Return the stem of a load or a store of the elements of an array.

    >>> access_stem("load"), access_stem("store", strided=True, tail=True)
    ('load', 'store_strided_tail')
    """
    return f"{transfer}{'_strided' if strided else ''}{'_tail' if tail else ''}"


# What a stencil does: fold a value into an accumulator, or the values of two vectors at once, or
# the lanes of one in their order, or in order with all results kept; leave a loop whose result an
# accumulator has decided; fold an accumulator into an element of a result.
Folding = Literal["fold", "pair", "ordered", "scan", "stop", "into"]


@functools.cache
def fold_stem(operator: str, folding: Folding = "fold", *, tail: bool = False) -> str:
    """Return the stem of an operator that folds.

    >>> from cpnum.tables.dtypes import F64
    >>> stencil_name(fold_stem("minimum"), F64, 8), fold_stem("add", "scan", tail=True)
    ('fold_minimum_f64', 'scan_tail_add')
    """
    return f"{folding}{'_tail' if tail else ''}_{operator}"


# -- the stencils of a pack ---------------------------------------------------------------------


class Parameters(NamedTuple):
    """The vector registers of a stencil: operands, results, and whether it may have temporaries.

    >>> Parameters(operands=3, results=1)  # clip
    Parameters(operands=3, results=1, temporaries=True)
    """

    operands: int
    results: int
    temporaries: bool = True


class Expected(NamedTuple):
    """A stencil that a pack must have."""

    name: str
    parameters: Parameters


# If registers run out, `assign` spills and reloads values or makes them again, and has one register
# to do so.
_MADE_AGAIN = Parameters(0, 1, temporaries=False)
_SPILLED = Parameters(1, 0, temporaries=False)

_TRANSFERS: dict[Transfer, Parameters] = {"load": Parameters(0, 1), "store": Parameters(1, 0)}
_MEMORY = {
    access_stem(transfer, strided=strided, tail=tail): parameters
    for transfer, parameters in _TRANSFERS.items()
    for strided in (False, True)
    for tail in (False, True)
} | {
    LOAD_BROADCAST: Parameters(0, 1),
    STORE_FIRST: Parameters(1, 0),
    ARGUMENT: _MADE_AGAIN,
    CONSTANT: _MADE_AGAIN,
    SEED: Parameters(0, 1),
}

_SKELETON = (
    "entry finish set_slot set_pointer set_range load_pointer store_pointer start_pointer "
    "advance_pointer count_range count_axis repeat inner_range vectors next_vectors vectors_done "
    "tail next_element start_tree leaf_range rest_range next_leaf"
).split()
_LOOP = dict.fromkeys(_SKELETON, Parameters(0, 0)) | {"spill": _SPILLED, "reload": _MADE_AGAIN}


# The stem, the dtype and the parameters of a stencil.
_Row = tuple[str, DType, Parameters]


def _operators(dtypes: Sequence[DType]) -> Iterator[_Row]:
    selects = [op for op in OPS.values() if op.form is Form.SELECT]
    for op in OPS.values():
        own = Parameters(op.arity, len(op.results))
        for dtype in op.dtypes:
            if dtype not in dtypes:
                continue
            yield op.name, dtype, own
            if op.form is Form.COMPARISON:
                for select in selects:
                    # The operands of both, less the mask.
                    parameters = Parameters(op.arity + select.arity - 1, 1)
                    yield fused_stem(select.name, op.name), dtype, parameters
            if op.form is Form.TIED:
                yield tied_stem(op.name), dtype, own


def _casts(dtypes: Sequence[DType]) -> Iterator[_Row]:
    for to in dtypes:
        for start in dtypes:
            if to is not start:
                yield cast_stem(to), start, Parameters(1, 1)


def _memory(dtypes: Sequence[DType]) -> Iterator[_Row]:
    for dtype in dtypes:
        for stem, parameters in _MEMORY.items():
            yield stem, dtype, parameters


def _folds(dtypes: Sequence[DType]) -> Iterator[_Row]:
    for each in FOLDED:
        for dtype in each.dtypes:
            if dtype in dtypes:
                yield fold_stem(each.name), dtype, Parameters(2, 1)
                if each.is_scanned:
                    in_order: list[Folding] = ["scan"]
                    in_order += [] if each.order is Order.ANY else ["ordered"]
                    for folding, tail in itertools.product(in_order, (False, True)):
                        yield fold_stem(each.name, folding, tail=tail), dtype, Parameters(2, 1)
                if each.pairs(dtype):
                    yield fold_stem(each.name, "pair"), dtype, Parameters(3, 1)
                if each.stops:
                    yield fold_stem(each.name, "stop"), dtype, Parameters(1, 0)
                if each.order is Order.ANY:
                    yield fold_stem(each.name, "into"), dtype, Parameters(1, 0)


# The stencils of a tree of sums, by their stems.
JOINED, PUSH = "joined", "push"
_TREE = {
    JOINED: Parameters(1, 1),
    PUSH: Parameters(1, 0),
    fold_stem("add", "into"): Parameters(0, 0),
}


def _trees(dtypes: Sequence[DType]) -> Iterator[_Row]:
    for dtype in dtypes:
        if dtype.family != "B":
            for stem, parameters in _TREE.items():
                yield stem, dtype, parameters


_ROWS = {"ops": _operators, "cast": _casts, "memory": _memory, "fold": _folds, "tree": _trees}


def expected(source: str, lane_bytes: int) -> dict[str, Expected]:
    """Return the stencils that `stencils/<source>.c` must define for a size of lanes.

    The keys are the names in C, which do not name the lanes: a file is compiled once for each size.

    >>> expected("ops", 8)["add_f32"]
    Expected(name='add_f32_lane8', parameters=Parameters(operands=2, results=1, temporaries=True))
    >>> len(expected("cast", 4))
    6
    """
    if source == "loop":
        return {stem: Expected(stem, parameters) for stem, parameters in _LOOP.items()}
    fitting = [dtype for dtype in DTYPES if dtype.itemsize <= lane_bytes]
    return {
        stencil_name(stem, dtype, dtype.itemsize): Expected(
            stencil_name(stem, dtype, lane_bytes), parameters
        )
        for stem, dtype, parameters in _ROWS[source](fitting)
    }
