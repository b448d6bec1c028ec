"""Which stencils a pack must have: derived from the operator table, compared with the C sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from cpnum.tables.dtypes import DTYPES
from cpnum.tables.ops import OPS, Form

LANES = (8, 4, 1)
SOURCES = ("ops", "cast", "memory", "loop")


class Operands(NamedTuple):
    """The vector parameters of a stencil, and whether it may use registers beside them."""

    vectors: int
    results: int
    temporaries: bool = True


# Where values run out of registers, the assigner makes them again, spills and reloads them: it has
# one register for that.
_MADE_AGAIN = Operands(0, 1, temporaries=False)


_MEMORY = {
    "load": Operands(0, 1),
    "load_strided": Operands(0, 1),
    "load_broadcast": Operands(0, 1),
    "load_tail": Operands(0, 1),
    "load_strided_tail": Operands(0, 1),
    "argument": _MADE_AGAIN,
    "constant": _MADE_AGAIN,
    "store": Operands(1, 0),
    "store_strided": Operands(1, 0),
    "store_tail": Operands(1, 0),
    "store_strided_tail": Operands(1, 0),
}
_LOOP = (
    "entry finish set_slot set_pointer set_range load_pointer store_pointer start_pointer "
    "advance_pointer count_range count_axis repeat inner_range vectors next_vectors vectors_done "
    "tail next_element"
).split()


def _operators(lane_bytes: int) -> Iterator[tuple[str, Operands]]:
    for op in OPS.values():
        for dtype in op.dtypes:
            if dtype.itemsize > lane_bytes:
                continue
            yield f"{op.name}_{dtype}", Operands(op.arity, len(op.results))
            if op.form is Form.COMPARISON:
                yield f"where_{op.name}_{dtype}", Operands(4, 1)
            if op.form is Form.TIED:
                yield f"{op.name}_tied_{dtype}", Operands(op.arity, len(op.results))


def expected(source: str, lane_bytes: int) -> dict[str, Operands]:
    """Return the stencils that `stencils/<source>.c` must define for a lane.

    >>> expected("loop", 8)["spill"]
    Operands(vectors=1, results=0, temporaries=False)
    >>> len(expected("cast", 4))
    6
    """
    fitting = [each for each in DTYPES if each.itemsize <= lane_bytes]
    if source == "ops":
        return dict(_operators(lane_bytes))
    if source == "cast":
        return {
            f"cast_{to}_{start}": Operands(1, 1)
            for to in fitting
            for start in fitting
            if to is not start
        }
    if source == "memory":
        return {
            f"{name}_{dtype}": operands for dtype in fitting for name, operands in _MEMORY.items()
        }
    frame = {name: Operands(0, 0) for name in _LOOP}
    return frame | {"spill": Operands(1, 0, temporaries=False), "reload": _MADE_AGAIN}
