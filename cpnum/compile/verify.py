"""Checks of a kernel's stages: cheap ones always, all of them with CPNUM_CHECK=1, as in tests.

The replay follows registers and spilled values through the code of a kernel, loops included, and
proves that each operand finds the value that the selection names.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

from cpnum.compile.assign import Assignment
from cpnum.compile.emit import Code
from cpnum.compile.instances import BasicBlock, Instance, Item, Label
from cpnum.compile.pairs import SPILLS, VerifyError, is_maker, paired
from cpnum.compile.select import Selection
from cpnum.ir.graph import Graph
from cpnum.ir.movement import Held
from cpnum.ir.signature import Fixed
from cpnum.tables.block import Hole

# Whether each kernel has all checks.
THOROUGH = os.environ.get("CPNUM_CHECK") == "1"


def verify(graph: Graph, selection: Selection, assignment: Assignment, code: Code) -> None:
    """Check the stages of a kernel, thoroughly with CPNUM_CHECK=1.

    Raises:  VerifyError.
    """
    if not selection.nest.stores:
        raise VerifyError(f"{selection.nest.graph.name} has no result")
    if assignment.block_bytes % 8:
        raise VerifyError(f"the argument block has {assignment.block_bytes} bytes")
    if not 0 <= code.head <= code.pool_start <= len(code.data):
        raise VerifyError(f"the main loop is at {code.head} of {code.pool_start} bytes")
    if THOROUGH:
        verify_text(graph)
        verify_selection(selection)
        replay(selection, assignment)
        verify_code(code)


def verify_text(graph: Graph) -> None:
    """Check that the text of a graph can be read back, if no part of it is cut off.

    Raises:  VerifyError if not.
    """
    text = str(graph)
    # The text of a fixed argument may be cut off, and that of a held array.
    cut_off = any(isinstance(each.type, Fixed) for each in graph.signature) or any(
        isinstance(step, Held) and not step.is_shown
        for each in graph.inputs
        for step in each.movement[:1]
    )
    if not cut_off and str(Graph.parse(text)) != text:
        raise VerifyError(f"the text of a graph is read as another one:\n{text}")


def verify_selection(selection: Selection) -> None:
    """Check that each operand is made before it is used, and that each result is stored.

    Raises:  VerifyError if not.
    """
    made: set[int] = set()
    stored: set[str] = set()
    names = {store.buffer.name for store in selection.nest.stores}
    for block in selection.blocks:
        for item in block.items:
            if type(item) is Instance:
                if not made.issuperset(item.operands):
                    raise VerifyError(f"an operand is not made before {item.text('v')}")
                made.update(item.results)
                if item.operands and not item.results:
                    stored.add(str(item.source))
    if stored != names:
        raise VerifyError(f"{sorted(names)} are to be stored, and {sorted(stored)} are")


def verify_code(code: Code) -> None:
    """Check that the code is its stencils, then its pool, and that each hole has a value.

    Raises:  VerifyError if not.
    """
    end = code.pool_start
    for offset, instance in code.instances():
        end = offset + instance.stencil.size
        for hole in instance.stencil.values:
            if hole.constant is None and hole.symbol not in instance.values:
                raise VerifyError(f"{instance} has no value for its hole {hole.symbol}")
    if end != code.pool_start:
        raise VerifyError(f"the stencils end at {end}, and the code at {code.pool_start}")
    if any(not code.pool_start <= at < len(code.data) for at in code.pool.values()):
        raise VerifyError("a constant lies outside of the pool")


# -- replay -------------------------------------------------------------------------------------

# The name of a value: its virtual register.  A constant or scalar may be made anywhere again, so
# its name is the stencil of its maker with the values in its holes.
Name = Hashable


class _State:
    """The values that registers and spills hold for certain."""

    __slots__ = ("registers", "slots")

    def __init__(self, registers: dict[int, Name], slots: dict[int, Name]) -> None:
        self.registers = registers
        self.slots = slots

    def copy(self) -> _State:
        return _State(self.registers.copy(), self.slots.copy())

    def keep_common(self, other: _State) -> bool:
        """Forget the values that the other state lacks; tell whether there were any."""
        forgot = False
        for mine, theirs in ((self.registers, other.registers), (self.slots, other.slots)):
            for lost in [at for at, name in mine.items() if theirs.get(at) != name]:
                del mine[lost]
                forgot = True
        return forgot

    def forget(self, names: frozenset[Name]) -> None:
        for held in (self.registers, self.slots):
            for lost in [at for at, name in held.items() if name in names]:
                del held[lost]


class _Pair(NamedTuple):
    """An item of the assignment, and its instance in the selection, if it has one.

    The first pair of a basic block has in `fresh` the values that the block makes: a register that
    holds one of them has it from an earlier round.
    """

    item: Item
    virtual: Instance | None
    fresh: frozenset[Name]


def replay(selection: Selection, assignment: Assignment) -> None:
    """Prove that each operand of the assignment finds the value that the selection names.

    Raises:  VerifyError if one does not.
    """
    _verify_slots(selection, assignment)
    pairs = _with_fresh(selection, assignment)
    names = {value: _maker_name(maker) for value, maker in selection.makers.items()}
    starts = {pair.item.name: at for at, pair in enumerate(pairs) if type(pair.item) is Label}
    states = {0: _State({}, {})}
    waiting = [0]
    # States only forget where jumps meet, so the loop ends.
    while waiting:
        start = waiting.pop()
        state = states[start].copy()
        for target in _run(pairs, start, state, starts, names):
            known = states.get(target)
            if known is None:
                states[target] = state.copy()
                waiting.append(target)
            elif known.keep_common(state):
                waiting.append(target)


def _run(
    pairs: Sequence[_Pair],
    start: int,
    state: _State,
    starts: Mapping[str, int],
    names: Mapping[int, Name],
) -> Iterator[int]:
    """Replay from a label to the next; yield each label that is reached, with `state` as there."""
    at = start
    while at < len(pairs):
        item, virtual, fresh = pairs[at]
        if type(item) is Label:
            if at != start:
                yield at
                return
        else:
            assert type(item) is Instance
            if fresh:
                state.forget(fresh)
            if virtual is not None:
                _verify_instance(item, virtual, state, names)
            else:
                _move(item, state)
            for hole in (Hole.BODY, Hole.HEAD, Hole.SKIP):
                if hole in item.values:
                    yield starts[str(item.values[hole])]
        at += 1


def _move(item: Instance, state: _State) -> None:
    """Replay a spill, a reload or a maker."""
    slot = item.values.get(Hole.SLOT)
    if is_maker(item):
        state.registers[item.results[0]] = _maker_name(item)
    elif item.operands:
        assert isinstance(slot, int)
        _set(state.slots, slot, state.registers.get(item.operands[0]))
    elif item.results:
        assert isinstance(slot, int)
        _set(state.registers, item.results[0], state.slots.get(slot))


def _set(held: dict[int, Name], at: int, name: Name | None) -> None:
    if name is None:
        held.pop(at, None)
    else:
        held[at] = name


def _verify_instance(
    item: Instance, virtual: Instance, state: _State, names: Mapping[int, Name]
) -> None:
    registers, stencil = state.registers, item.stencil
    if len(item.registers) != len(stencil.registers):
        raise VerifyError(f"{item} has {len(item.registers)} registers")
    for value, register in zip(virtual.operands, item.operands, strict=True):
        if registers.get(register) != names.get(value, value):
            held = registers.get(register)
            raise VerifyError(f"v{value} is not in r{register}, but {held}: {item}")
    written = [*item.results, *item.temporaries]
    if len(set(written)) < len(written):
        raise VerifyError(f"a register is written twice: {item}")
    if not set(item.temporaries).isdisjoint(item.operands):
        raise VerifyError(f"a temporary register is an operand's: {item}")
    for index in stencil.early_clobber:
        if item.operands[index] in item.results:
            raise VerifyError(f"operand {index} is overwritten before it is read: {item}")
    if stencil.tied and item.results != (item.operands[-1],):
        raise VerifyError(f"the result is not in the register of the addend: {item}")
    if stencil.restores and len(set(item.operands)) < len(item.operands):
        raise VerifyError(f"two operands are in one register: {item}")
    for register in item.temporaries:
        registers.pop(register, None)
    for value, register in zip(virtual.results, item.results, strict=True):
        registers[register] = names.get(value, value)


def _verify_slots(selection: Selection, assignment: Assignment) -> None:
    """Check that spilled values lie behind the words of the call, and do not overlap."""
    size = selection.nest.isa.vector_bytes
    slots = sorted({slot for item in assignment.items for slot in _slots_of(item)})
    ends = [selection.nest.block.spills, *(slot + size for slot in slots)]
    if any(slot < end for slot, end in zip(slots, ends, strict=False)):
        raise VerifyError(f"spilled values overlap: {slots} of {size} bytes")
    if ends[-1] > assignment.block_bytes:
        raise VerifyError(
            f"a spilled value lies behind the block of {assignment.block_bytes} bytes"
        )


def _slots_of(item: Item) -> Iterator[int]:
    if type(item) is Instance and item.stencil.name in SPILLS:
        slot = item.values[Hole.SLOT]
        assert isinstance(slot, int)
        yield slot


def _maker_name(maker: Instance) -> Name:
    return maker.stencil, *maker.values.items()


def _with_fresh(selection: Selection, assignment: Assignment) -> list[_Pair]:
    """Return the pairs of all basic blocks, with the values that each block makes."""
    pairs: list[_Pair] = []
    for block, found in zip(selection.blocks, paired(selection, assignment), strict=True):
        fresh = frozenset(_results_of(block) - selection.makers.keys() - selection.accumulators)
        for pair in found:
            pairs.append(_Pair(*pair, fresh))
            fresh = frozenset()
    return pairs


def _results_of(block: BasicBlock) -> set[int]:
    return {result for item in block.items if type(item) is Instance for result in item.results}
