"""Which stencils a pack must have: derived from the operator table, compared with the C sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cpnum.dtypes import DTYPES
from cpnum.ops import OPS

LANES = (8, 4, 1)
SOURCES = ("ops", "cast", "memory", "loop")


class Operands(NamedTuple):
    """The vector parameters of a stencil."""

    vectors: int
    result: bool


_MEMORY = {
    "load": Operands(0, True),
    "load_strided": Operands(0, True),
    "load_broadcast": Operands(0, True),
    "load_tail": Operands(0, True),
    "load_strided_tail": Operands(0, True),
    "argument": Operands(0, True),
    "constant": Operands(0, True),
    "store": Operands(1, False),
    "store_strided": Operands(1, False),
    "store_tail": Operands(1, False),
    "store_strided_tail": Operands(1, False),
}
_LOOP = (
    "entry finish set_slot set_pointer set_range load_pointer store_pointer start_pointer "
    "advance_pointer count_range count_axis repeat inner_range vectors next_vectors vectors_done "
    "tail next_element"
).split()


def _operators(lane_bytes: int) -> Iterator[tuple[str, Operands]]:
    for op in OPS.values():
        for dtype in op.dtypes:
            if dtype.itemsize > lane_bytes or (lane_bytes == 1 and dtype.family != "B"):
                continue
            yield f"{op.name}_{dtype}", Operands(op.arity, True)
            if op.signature == "TT->M":
                yield f"where_{op.name}_{dtype}", Operands(4, True)
            if op.name == "multiply_add":
                yield f"{op.name}_tied_{dtype}", Operands(op.arity, True)


def expected(source: str, lane_bytes: int) -> dict[str, Operands]:
    """Return the stencils that `stencils/<source>.c` must define for a lane.

    >>> expected("loop", 8)["spill"]
    Operands(vectors=1, result=False)
    >>> len(expected("cast", 4))
    6
    """
    fitting = [each for each in DTYPES if each.itemsize <= lane_bytes]
    if lane_bytes == 1:
        fitting = [each for each in fitting if each.family == "B"]
    if source == "ops":
        return dict(_operators(lane_bytes))
    if source == "cast":
        return {
            f"cast_{to}_{start}": Operands(1, True)
            for to in fitting
            for start in fitting
            if to is not start
        }
    if source == "memory":
        return {
            f"{name}_{dtype}": operands for dtype in fitting for name, operands in _MEMORY.items()
        }
    frame = {name: Operands(0, False) for name in _LOOP}
    return frame | {"spill": Operands(1, False), "reload": Operands(0, True)}
