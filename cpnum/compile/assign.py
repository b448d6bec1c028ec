"""Virtual registers to physical ones; spills and reloads where they run out.

Basic blocks are straight lines, so the next use of a value is known.  When no register is free, the
value whose next use is farthest gives up its register (Belady, "A study of replacement algorithms
for a virtual-storage computer", IBM Systems Journal 5, 1966).

A value that is used in another basic block than its own has a reserved register in the whole
kernel, as long as there are enough.  Other values have makers (constants and scalars), or are
spilled where they are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cpnum.compile.instances import (
    SHARED,
    BasicBlock,
    Instance,
    Item,
    Label,
    Values,
    new_instance,
    shared,
)
from cpnum.compile.select import Selection
from cpnum.faces import pre
from cpnum.pack.stencil import Pack, Stencil
from cpnum.tables.block import Hole

# Python before 3.12 looks up a member of an enum by Python code.
_SLOT = Hole.SLOT


class Assignment(NamedTuple):
    """The instances of a kernel, with physical registers, in the order of its code.

    `block_bytes` is the size of the argument block, spills included.
    """

    items: tuple[Item, ...]
    block_bytes: int

    @property
    def uses_block(self) -> bool:
        """Whether any instance reads or writes the argument block."""
        for item in self.items:
            if type(item) is Instance and _SLOT in item.values:
                return True
        return False

    def __repr__(self) -> str:
        return f"<assignment: {len(self.items)} instances and labels>"

    def _repr_html_(self) -> str:
        return pre(str(self))

    def __str__(self) -> str:
        return "\n".join(f"{'' if isinstance(item, Label) else '  '}{item}" for item in self.items)


_NEVER = 1 << 60


class _Assigner:
    """Assigns the registers of one kernel.

    Nearly always there are registers for all values, so the first try does not prepare for spills
    within a basic block; `_OutOfRegistersError` then asks for a second one with `may_spill`.
    """

    def __init__(self, selection: Selection, pack: Pack, may_spill: bool = False) -> None:
        nest = selection.nest
        self.selection = selection
        self.makers = selection.makers
        self.pack = pack
        self.items: list[Item] = []
        # The loads and stores of the last basic block, each with its index in `items`.
        self.accesses: list[tuple[int, Instance]] = []
        self.slots: dict[int, int] = {}  # value -> the slot that it is spilled to
        self._free_slots: list[int] = []
        self._slots_end = nest.block.spills
        self._slot_bytes = nest.isa.vector_bytes
        self.reserved: dict[int, int] = {}  # value -> its register in the whole kernel
        self.registers = list(nest.isa.registers)
        self.spilled: frozenset[int] = frozenset()  # values that are spilled where they are made
        self.may_spill = may_spill or len(selection.outer) >= len(self.registers)
        if self.may_spill:
            self._reserve()
        else:
            for value in selection.outer:
                self.reserved[value] = self.registers.pop()

    def _reserve(self) -> None:
        """Reserve registers for the values used most often, as many as basic blocks can spare."""
        uses = self._outer_uses()
        wanted, most = self._pressure(uses)
        kept = sorted(uses, key=lambda value: -uses[value])
        if len(kept) + wanted > len(self.registers):
            # One register more, for a maker that runs while all others are held.
            del kept[max(0, len(self.registers) - max(wanted + 1, most)) :]
        for value in kept:
            self.reserved[value] = self.registers.pop()
        self.spilled = frozenset(uses.keys() - self.reserved.keys() - self.makers.keys())

    def _outer_uses(self) -> dict[int, int]:
        """Return how often each value is used in other basic blocks than its own."""
        uses: dict[int, int] = {}
        for block in self.selection.blocks:
            made: set[int] = set()
            for item in block.items:
                if type(item) is Instance:
                    for operand in item.operands:
                        if operand not in made:
                            uses[operand] = uses.get(operand, 0) + 1
                    made.update(item.results)
        return uses

    def _pressure(self, outer: dict[int, int]) -> tuple[int, int]:
        """Return two maxima: registers of values in a basic block, and registers of an instance."""
        most_live = most_used = 0
        for block in self.selection.blocks:
            if block.skeleton or block.tail:
                continue  # a skeleton has no values, a tail has the values of its loop
            last = _last_uses(block.items)
            live = 0
            for at, item in enumerate(block.items):
                if type(item) is not Instance:
                    continue
                stencil, operands = item.stencil, item.operands
                used = len(operands) + len(stencil.registers)
                if used > most_used:
                    most_used = used
                made = 0
                for result in item.results:
                    if result not in outer:
                        made += 1
                dying, shares = 0, stencil.tied
                for index, each in enumerate(operands):
                    if last[each] == at and each not in outer and each not in operands[:index]:
                        dying += 1
                        shares = shares or not _clobbers(stencil, operands, each)
                taken = stencil.temporaries + made - (made > 0 and shares)
                if stencil.restores:
                    taken += len(operands) - len(set(operands))
                if live + taken > most_live:
                    most_live = live + taken
                live += made - dying
        return most_live, most_used

    def run(self) -> Assignment:
        repeated: tuple[Sequence[Item], int, int] | None = None
        for block in self.selection.blocks:
            if block.skeleton:
                self.items += block.items
            elif repeated is None or not block.tail or not self._repeat(block, *repeated):
                start = len(self.items)
                self.accesses = []
                _assign(self, block)
                repeated = block.items, start, len(self.items)
        return Assignment(tuple(self.items), self._slots_end)

    def _repeat(self, block: BasicBlock, items: Sequence[Item], start: int, end: int) -> bool:
        """Append a tail as one more round of its loop; tell whether that was possible.

        Spills and reloads are the same in every round, but loads and stores have other stencils.
        """
        if items is not block.items:
            return False
        round_ = self.items[start:end]
        for at, access in self.accesses:
            instance = round_[at - start]
            assert type(instance) is Instance and access.tail is not None
            stencil, values = access.tail
            count = stencil.temporaries
            if count > len(instance.temporaries):
                return False
            round_[at - start] = shared(
                stencil,
                instance.operands,
                instance.results,
                instance.temporaries[:count],
                instance.pointer,
                values,
                instance.source,
            )
        self.items += round_
        return True

    def slot(self, value: int) -> int:
        """Return the slot that a value is spilled to."""
        slot = self.slots.get(value)
        if slot is None:
            if self._free_slots:
                slot = self._free_slots.pop()
            else:
                slot = self._slots_end
                self._slots_end += self._slot_bytes
            self.slots[value] = slot
        return slot

    def release(self, value: int) -> None:
        """Free the slot of a value that is not used any more."""
        slot = self.slots.pop(value, None)
        if slot is not None:
            self._free_slots.append(slot)


def _last_uses(items: Sequence[Item]) -> dict[int, int]:
    last: dict[int, int] = {}
    for at, item in enumerate(items):
        if type(item) is Instance:
            for operand in item.operands:
                last[operand] = at
    return last


class _OutOfRegistersError(Exception):
    """A basic block needs more registers than there are, and must not spill."""


class _Registers:
    """The registers of one basic block while they are assigned, free or held by a value."""

    def __init__(self, assigner: _Assigner, items: Sequence[Item]) -> None:
        self.assigner = assigner
        self.items = items
        self.free = list(assigner.registers)
        self.held: dict[int, int] = {}
        self._seen = 0
        # Value -> the indices of the instances that still use it, the last one first.
        self._uses: dict[int, list[int]] = {}
        self._next_use: dict[int, int] = {}  # value -> the next of these

    def _follow(self, at: int) -> dict[int, int]:
        """Return the next use of each value, from instance `at` on."""
        uses, next_use = self._uses, self._next_use
        if not uses:
            for index in range(len(self.items) - 1, -1, -1):
                item = self.items[index]
                if type(item) is Instance:
                    for operand in item.operands:
                        uses.setdefault(operand, []).append(index)
                        next_use[operand] = index
        for item in self.items[self._seen : at]:
            if type(item) is Instance:
                for operand in item.operands:
                    left = uses[operand]
                    left.pop()
                    next_use[operand] = left[-1] if left else _NEVER
        self._seen = at
        return next_use

    def take(self, at: int, pinned: Sequence[int]) -> int:
        """Return a free register, evicting a value if there is none, but no `pinned` one."""
        if self.free:
            return self.free.pop()
        assigner = self.assigner
        if not assigner.may_spill:
            raise _OutOfRegistersError
        candidates = [value for value in self.held if value not in pinned]
        if not candidates:
            raise RuntimeError("a stencil needs more registers than there are")
        victim = max(candidates, key=self._follow(at).__getitem__)
        register = self.held.pop(victim)
        if victim not in assigner.makers and victim not in assigner.slots:
            assigner.items.append(spill(assigner, victim, register))
        return register

    def take_some(self, count: int, at: int, pinned: Sequence[int]) -> list[int]:
        """Return `count` registers, as `take` does."""
        free = self.free
        if len(free) < count:
            return [self.take(at, pinned) for _ in range(count)]
        taken = free[-count:]
        del free[-count:]
        return taken

    def bring(self, value: int, at: int, pinned: Sequence[int]) -> int:
        """Make or reload a value that has no register; return its new one."""
        register = self.held[value] = self.take(at, pinned)
        assigner = self.assigner
        maker = assigner.makers.get(value)
        if maker is not None:
            fields = (maker[0], (), (register,), (), None, maker.values, maker.source, None)
            assigner.items.append(new_instance(Instance, fields))
        else:
            assigner.items.append(reload(assigner, value, register))
        return register

    def separate(self, numbers: list[int], operands: tuple[int, ...], at: int) -> list[int]:
        """Copy an operand that stands twice, as in `x * x`; return the registers of the copies."""
        copies = []
        for index, value in enumerate(operands):
            if value in operands[:index]:
                assigner, number = self.assigner, self.take(at, operands)
                assigner.items.append(spill(assigner, value, numbers[index]))
                assigner.items.append(reload(assigner, value, number))
                numbers[index] = number
                copies.append(number)
        return copies


def spill(assigner: _Assigner, value: int, register: int) -> Instance:
    """Return the instance that spills a value."""
    slot: Values = {_SLOT: assigner.slot(value)}
    return Instance(assigner.pack["spill"], (register,), values=slot, source=f"v{value}")


def reload(assigner: _Assigner, value: int, register: int) -> Instance:
    """Return the instance that reloads a value."""
    slot: Values = {_SLOT: assigner.slots[value]}
    return Instance(assigner.pack["reload"], results=(register,), values=slot, source=f"v{value}")


def _assign(assigner: _Assigner, block: BasicBlock) -> None:
    """Assign the registers of one basic block.

    The loop runs for each instance of each kernel, so it asks for a rare case only where there can
    be one, and has no comprehension: before Python 3.12 that is a call, and slows its variables.
    """
    items, makers = assigner.items, assigner.makers
    reserved, spilled = assigner.reserved, assigner.spilled
    append, known_of = items.append, SHARED.get
    registers = _Registers(assigner, block.items)
    free, held = registers.free, registers.held
    last = _last_uses(block.items)
    released: list[int] = []  # free after the instance
    for at, item in enumerate(block.items):
        if type(item) is not Instance:
            append(item)
            continue
        stencil, operands, results, _, pointer, values, source, tail = item
        if block.tail and tail is not None:
            stencil, values = tail
        if not operands and results and results[0] in makers and results[0] not in reserved:
            continue  # its maker stands where it is used
        numbers: list[int] = []
        for each in operands:
            if each in held:
                numbers.append(held[each])
            elif each in reserved:
                numbers.append(reserved[each])
            else:
                numbers.append(registers.bring(each, at, operands))
        if stencil.restores:
            released += registers.separate(numbers, operands, at)
        taken: tuple[int, ...] = ()
        if stencil.temporaries:
            taken = tuple(registers.take_some(stencil.temporaries, at, operands))
        for each in operands:
            if last[each] == at and each in held:
                number = held.pop(each)
                if assigner.slots and each not in spilled:
                    assigner.release(each)
                if stencil.early_clobber and _clobbers(stencil, operands, each):
                    released.append(number)
                elif not stencil.tied or each != operands[-1]:
                    free.append(number)
        made: tuple[int, ...] = ()
        for result in results:  # one, for nearly all
            if stencil.tied:
                number = numbers[-1]
            elif result in reserved:
                number = reserved[result]
            elif free:
                number = free.pop()
            else:
                number = registers.take(at, operands + results)
            made += (number,)
            if result not in reserved:
                if result in last:
                    held[result] = number
                else:
                    released.append(number)
        if taken:
            free += taken
        if tail is not None:
            assigner.accesses.append((len(items), item))
        if pointer is not None:
            append(shared(stencil, tuple(numbers), made, taken, pointer, values, source))
        elif values:
            fields = (stencil, tuple(numbers), made, taken, None, values, source, None)
            append(new_instance(Instance, fields))
        else:
            taking = tuple(numbers)
            # Nearly all instances are known; to look them up here saves a call.
            known = known_of((stencil, taking, made, taken))
            append(shared(stencil, taking, made, taken) if known is None else known)
        if spilled:
            for result, number in zip(results, made, strict=True):
                if result in spilled:
                    append(spill(assigner, result, number))
        if released:
            free += released
            released = []


def _clobbers(stencil: Stencil, operands: tuple[int, ...], operand: int) -> bool:
    """Tell whether an operand is early-clobber."""
    for index in stencil.early_clobber:
        if operands[index] == operand:
            return True
    return False


def assign(selection: Selection, pack: Pack) -> Assignment:
    """Give every value a physical register, or spill it."""
    assigner = _Assigner(selection, pack)
    try:
        return assigner.run()
    except _OutOfRegistersError:
        assigner = _Assigner(selection, pack, may_spill=True)
        return assigner.run()
