"""Virtual registers to physical ones; spills and reloads where they run out.

The blocks are straight lines, so a value's next use is known, and when no register is free the
value whose next use is farthest gives up its own (Belady, "A study of replacement algorithms for a
virtual-storage computer", IBM Systems Journal 5, 1966).

Values that come from outside of the block that uses them keep a register of their own for the whole
kernel, as far as the blocks leave any; the others are made again where they are used (constants and
scalars) or are spilled where they are made.
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
from cpnum.pack.stencil import Pack, Stencil
from cpnum.tables.block import Hole

# By this name: a member of an enum is looked up by Python code before Python 3.12.
_SLOT = Hole.SLOT


class Assignment(NamedTuple):
    """The instances of a kernel, with physical registers, in the order of its code.

    `block_bytes` is the size of its argument block, spills included.
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

    def __str__(self) -> str:
        return "\n".join(f"{'' if isinstance(item, Label) else '  '}{item}" for item in self.items)


_NEVER = 1 << 60


class _Assigner:
    def __init__(self, selection: Selection, pack: Pack, hurried: bool = True) -> None:
        nest = selection.nest
        self.selection = selection
        self.makers = selection.makers
        self.pack = pack
        self.items: list[Item] = []
        # The loads and stores of the last block, and where they are in `items`.
        self.accesses: list[tuple[int, Instance]] = []
        self.slots: dict[int, int] = {}  # where in the argument block spilled values lie
        self._free_slots: list[int] = []
        self._slots_end = nest.block.spills
        self._slot_bytes = nest.isa.vector_bytes
        self.home: dict[int, int] = {}  # the registers that hold one value for the whole kernel
        self.registers = list(nest.isa.registers)
        self.outside: frozenset[int] = frozenset()
        self.hurried = hurried and len(selection.outer) < len(self.registers)
        if self.hurried:
            # Nearly always there are registers for all; if not, _OutOfRegistersError tells.
            for value in selection.outer:
                self.home[value] = self.registers.pop()
        else:
            self._share()

    def _share(self) -> None:
        """Decide which values from outside keep registers, so that the blocks have enough."""
        uses = self._outer_uses()
        wanted, most = self._pressure(uses)
        kept = sorted(uses, key=lambda value: -uses[value])
        if len(kept) + wanted > len(self.registers):
            # One register more, for a constant that is made again while all others are held.
            del kept[max(0, len(self.registers) - max(wanted + 1, most)) :]
        for value in kept:
            self.home[value] = self.registers.pop()
        self.outside = frozenset(uses.keys() - self.home.keys() - self.makers.keys())

    def _outer_uses(self) -> dict[int, int]:
        """Return how often each value is used in blocks other than the one that makes it."""
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
        """Return how many registers the values made in a block take at most, and any one step."""
        most_live = most_step = 0
        for block in self.selection.blocks:
            if block.skeleton or block.tail:
                continue  # no values; those of the loop before
            last = _last_uses(block.items)
            live = 0
            for at, item in enumerate(block.items):
                if type(item) is not Instance:
                    continue
                stencil, operands = item.stencil, item.operands
                most_step = max(most_step, len(operands) + len(stencil.registers))
                made = sum(result not in outer for result in item.results)
                dying, shares = 0, stencil.tied
                for index, each in enumerate(operands):
                    if last[each] == at and each not in outer and each not in operands[:index]:
                        dying += 1
                        shares = shares or not _clobbers(stencil, operands, each)
                taken = stencil.temporaries + made - (made > 0 and shares)
                if stencil.restores:
                    taken += len(operands) - len(set(operands))
                most_live = max(most_live, live + taken)
                live += made - dying
        return most_live, most_step

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
        """Place a tail as one more round of the loop it repeats; tell whether that could be done.

        What a round spills and reloads serves any round, but other stencils access the memory.
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
        """Return the place of a spilled value in the argument block."""
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
        """Let other values have the place of one that is not needed any more."""
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
    """A block needs more registers than are left, and nothing was prepared for that."""


class _Registers:
    """The registers of one block while it is assigned: which are free, and who holds the others."""

    def __init__(self, kernel: _Assigner, items: Sequence[Item]) -> None:
        self.kernel = kernel
        self.items = items
        self.free = list(kernel.registers)
        self.held: dict[int, int] = {}
        self._seen = 0
        # Of each value, in reverse, the steps up to here that use it, and the first of them.
        self._uses: dict[int, list[int]] = {}
        self._next_use: dict[int, int] = {}

    def _follow(self, at: int) -> dict[int, int]:
        """Return the next use of each value, from step `at` on."""
        uses, next_use = self._uses, self._next_use
        if not uses:
            for place in range(len(self.items) - 1, -1, -1):
                item = self.items[place]
                if type(item) is Instance:
                    for operand in item.operands:
                        uses.setdefault(operand, []).append(place)
                        next_use[operand] = place
        for item in self.items[self._seen : at]:
            if type(item) is Instance:
                for operand in item.operands:
                    left = uses[operand]
                    left.pop()
                    next_use[operand] = left[-1] if left else _NEVER
        self._seen = at
        return next_use

    def take(self, at: int, pinned: Sequence[int]) -> int:
        """Return a free register, taking one away if there is none; `pinned` keep theirs."""
        if self.free:
            return self.free.pop()
        kernel = self.kernel
        if kernel.hurried:
            raise _OutOfRegistersError
        candidates = [value for value in self.held if value not in pinned]
        if not candidates:
            raise RuntimeError("a stencil needs more registers than there are")
        victim = max(candidates, key=self._follow(at).__getitem__)
        register = self.held.pop(victim)
        if victim not in kernel.makers and victim not in kernel.slots:
            kernel.items.append(spill(kernel, victim, register))
        return register

    def take_some(self, count: int, at: int, pinned: Sequence[int]) -> list[int]:
        """Return some registers as `take` does."""
        free = self.free
        if len(free) < count:
            return [self.take(at, pinned) for _ in range(count)]
        taken = free[-count:]
        del free[-count:]
        return taken

    def bring(self, value: int, at: int, pinned: Sequence[int]) -> int:
        """Return a register for a value that has none, and make or reload it there."""
        register = self.held[value] = self.take(at, pinned)
        kernel = self.kernel
        maker = kernel.makers.get(value)
        if maker is not None:
            fields = (maker[0], (), (register,), (), None, maker.values, maker.source, None)
            kernel.items.append(new_instance(Instance, fields))
        else:
            kernel.items.append(reload(kernel, value, register))
        return register

    def apart(self, numbers: list[int], operands: tuple[int, ...], at: int) -> list[int]:
        """Give an operand that stands twice a register for each; return the additional ones."""
        copies = []
        for index, value in enumerate(operands):
            if value in operands[:index]:
                kernel, number = self.kernel, self.take(at, operands)
                kernel.items.append(spill(kernel, value, numbers[index]))
                kernel.items.append(reload(kernel, value, number))
                numbers[index] = number
                copies.append(number)
        return copies


def spill(kernel: _Assigner, value: int, register: int) -> Instance:
    """Return the instance that writes a value to its place in the argument block."""
    slot: Values = {_SLOT: kernel.slot(value)}
    return Instance(kernel.pack["spill"], (register,), values=slot, source=f"v{value}")


def reload(kernel: _Assigner, value: int, register: int) -> Instance:
    """Return the instance that reads a spilled value."""
    slot: Values = {_SLOT: kernel.slots[value]}
    return Instance(kernel.pack["reload"], results=(register,), values=slot, source=f"v{value}")


def _assign(kernel: _Assigner, block: BasicBlock) -> None:
    """Assign the registers of one straight line.

    It runs once for each instance of each kernel, so it asks for the rare cases only where they can
    be, and has no comprehension: before Python 3.12 that is a call, and slows the variables in it.
    """
    items, home, makers, outside = kernel.items, kernel.home, kernel.makers, kernel.outside
    place = items.append
    registers = _Registers(kernel, block.items)
    free, held = registers.free, registers.held
    last = _last_uses(block.items)
    released: list[int] = []  # free after the instance
    for at, item in enumerate(block.items):
        if type(item) is not Instance:
            place(item)
            continue
        stencil, operands, results, _, pointer, values, source, tail = item
        if block.tail and tail is not None:
            stencil, values = tail
        if not operands and results and results[0] in makers and results[0] not in home:
            continue  # made where it is used
        numbers: list[int] = []
        for each in operands:
            if each in home:
                numbers.append(home[each])
            elif each in held:
                numbers.append(held[each])
            else:
                numbers.append(registers.bring(each, at, operands))
        if stencil.restores:
            released += registers.apart(numbers, operands, at)
        taken: tuple[int, ...] = ()
        if stencil.temporaries:
            taken = tuple(registers.take_some(stencil.temporaries, at, operands))
        for each in operands:
            if last[each] == at and each in held:
                number = held.pop(each)
                if kernel.slots and each not in outside:
                    kernel.release(each)
                if stencil.early_clobber and _clobbers(stencil, operands, each):
                    released.append(number)
                elif not stencil.tied or each != operands[-1]:
                    free.append(number)
        made: tuple[int, ...] = ()
        for result in results:  # one, for nearly all
            if stencil.tied:
                number = numbers[-1]
            elif result in home:
                number = home[result]
            elif free:
                number = free.pop()
            else:
                number = registers.take(at, operands + results)
            made += (number,)
            if result not in home:
                if result in last:
                    held[result] = number
                else:
                    released.append(number)
        if taken:
            free += taken
        if pointer is not None:
            if tail is not None:
                kernel.accesses.append((len(items), item))
            place(shared(stencil, tuple(numbers), made, taken, pointer, values, source))
        elif values:
            fields = (stencil, tuple(numbers), made, taken, None, values, source, None)
            place(new_instance(Instance, fields))
        else:
            taking = tuple(numbers)
            # Nearly all are known, so they are looked up without a call.
            known = SHARED.get((stencil, taking, made, taken))
            place(shared(stencil, taking, made, taken) if known is None else known)
        if outside:
            for result, number in zip(results, made, strict=True):
                if result in outside:
                    place(spill(kernel, result, number))
        if released:
            free += released
            released = []


def _clobbers(stencil: Stencil, operands: tuple[int, ...], operand: int) -> bool:
    """Tell whether an operand is still read after the result is written."""
    return any(
        each == operand and index in stencil.early_clobber for index, each in enumerate(operands)
    )


def assign(selection: Selection, pack: Pack) -> Assignment:
    """Give every virtual register a physical one, or a place in the argument block."""
    assigner = _Assigner(selection, pack)
    try:
        return assigner.run()
    except _OutOfRegistersError:
        assigner = _Assigner(selection, pack, hurried=False)
        return assigner.run()
