"""Steps with virtual registers to steps with physical ones; spills and reloads where they run out.

The blocks are straight lines, so a value's next use is known, and when no register is free the
value whose next use is farthest gives up its own (Belady, "A study of replacement algorithms for a
virtual-storage computer", IBM Systems Journal 5, 1966; on straight lines, Hsu, Fischer and Goodman,
"On the minimization of loads/stores in local register allocation", IEEE TSE 15, 1989).

Values that come from outside of the innermost loop keep a register of their own for the whole
kernel, as far as the loop leaves any; the others are made again where they are used (constants and
scalars) or are spilled where they are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cpnum.select import Block, Label, Selection, Step, Value, value_text
from cpnum.stencil import Pack, Stencil


@dataclass(slots=True, eq=False)
class Placed:
    """A stencil with physical registers: what `emit` copies and patches."""

    stencil: Stencil
    registers: tuple[int, ...]
    pointer: int | None
    values: dict[str, Value]
    source: str

    def __str__(self) -> str:
        parts = [self.stencil.name, *(f"r{each}" for each in self.registers)]
        if self.pointer is not None:
            parts.append(f"p{self.pointer}")
        parts += [f"{symbol}={value_text(value)}" for symbol, value in self.values.items()]
        return " ".join(parts)


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """The steps of a kernel in the order of its code, and the size of its argument block."""

    selection: Selection
    items: tuple[Placed | Label, ...]
    block_bytes: int

    def __str__(self) -> str:
        return "\n".join(
            f"{'' if isinstance(item, Label) else '  '}{item}" for item in self.items
        )


_NEVER = 1 << 60


class _Spills:
    """Where in the argument block values lie that have no register."""

    def __init__(self, start: int, size: int) -> None:
        self.start = start
        self.size = size
        self.slots: dict[int, int] = {}
        self._free: list[int] = []
        self.count = 0

    def slot(self, value: int) -> int:
        if value not in self.slots:
            if self._free:
                self.slots[value] = self._free.pop()
            else:
                self.slots[value] = self.start + self.count * self.size
                self.count += 1
        return self.slots[value]

    def release(self, value: int) -> None:
        slot = self.slots.pop(value, None)
        if slot is not None:
            self._free.append(slot)


class _Assigner:
    def __init__(self, selection: Selection, pack: Pack) -> None:
        nest = selection.nest
        self.selection = selection
        self.pack = pack
        self.pointers = nest.isa.pointers
        self.spills = _Spills(selection.frame.spills, nest.isa.vector_bytes)
        self.items: list[Placed | Label] = []
        self.home: dict[int, int] = {}
        self.outer = self._outer_values()
        registers = list(nest.isa.registers)
        wanted = max((self._pressure(block) for block in selection.blocks), default=0)
        kept = self.outer
        if len(kept) + wanted > len(registers):
            # Values without a register of their own are brought where they are used.
            wanted = max(wanted, max(map(_registers_of, selection.steps())))
            kept_count = max(0, len(registers) - wanted)
            kept = dict(sorted(kept.items(), key=lambda each: -each[1])[:kept_count])
        for value in kept:
            self.home[value] = registers.pop()
        self.registers = tuple(registers)
        self.outside = self.outer.keys() - kept.keys() - selection.makers.keys()

    def _outer_values(self) -> dict[int, int]:
        """Return the values that are used in another block than the one that makes them."""
        made: dict[int, int] = {}
        uses: dict[int, int] = {}
        for at, block in enumerate(self.selection.blocks):
            for item in block.items:
                if isinstance(item, Label):
                    continue
                for operand in item.operands:
                    if made[operand] != at:
                        uses[operand] = uses.get(operand, 0) + 1
                if item.result is not None:
                    made[item.result] = at
        return uses

    def _pressure(self, block: Block) -> int:
        """Return how many registers the values made in a block take at most."""
        last: dict[int, int] = {}
        local: set[int] = set()
        steps = [item for item in block.items if isinstance(item, Step)]
        for at, step in enumerate(steps):
            for operand in step.operands:
                last[operand] = at
            if step.result is not None and step.result not in self.outer:
                local.add(step.result)
        live = most = 0
        for at, step in enumerate(steps):
            stencil = step.stencil
            dying = {
                operand for operand in step.operands if operand in local and last[operand] == at
            }
            made = step.result is not None and step.result in local
            shares = stencil.tied or any(
                operand in dying and index not in stencil.early_clobber
                for index, operand in enumerate(step.operands)
            )
            most = max(most, live + stencil.temporaries + (made and not shares))
            live += made - len(dying)
            most = max(most, live)
        return most

    def run(self) -> Assignment:
        for block in self.selection.blocks:
            _BlockAssigner(self, block.items).run()
        block_bytes = self.spills.start + self.spills.count * self.spills.size
        return Assignment(self.selection, tuple(self.items), block_bytes)


def _registers_of(step: Step) -> int:
    return len(step.operands) + len(step.stencil.registers)


class _BlockAssigner:
    """Assigns the registers of one straight line."""

    def __init__(self, kernel: _Assigner, items: Sequence[Step | Label]) -> None:
        self.kernel = kernel
        self.items = items
        self.free = list(kernel.registers)
        self.held: dict[int, int] = {}  # register of each value that has one
        self.uses: dict[int, list[int]] = {}
        for at, item in enumerate(items):
            if isinstance(item, Step):
                for operand in item.operands:
                    self.uses.setdefault(operand, []).append(at)
        for places in self.uses.values():
            places.reverse()

    def next_use(self, value: int) -> int:
        places = self.uses.get(value)
        return places[-1] if places else _NEVER

    def take(self, pinned: Sequence[int]) -> int:
        """Return a free register; `pinned` values keep theirs."""
        if self.free:
            return self.free.pop()
        victim = max(
            (value for value in self.held if value not in pinned), key=self.next_use, default=None
        )
        if victim is None:
            raise RuntimeError("a stencil needs more registers than there are")
        register = self.held.pop(victim)
        kernel = self.kernel
        if (
            self.next_use(victim) != _NEVER
            and victim not in kernel.selection.makers
            and victim not in kernel.spills.slots
        ):
            self.spill(victim, register)
        return register

    def spill(self, value: int, register: int) -> None:
        slot = self.kernel.spills.slot(value)
        self.place(self.kernel.pack["spill"], (register,), None, {"SLOT": slot}, f"v{value}")

    def place(
        self,
        stencil: Stencil,
        registers: tuple[int, ...],
        pointer: int | None,
        values: dict[str, Value],
        source: str,
    ) -> None:
        number = None if pointer is None else self.kernel.pointers[pointer]
        self.kernel.items.append(Placed(stencil, registers, number, values, source))

    def bring(self, value: int, pinned: Sequence[int]) -> int:
        """Return the register of a value that is needed now, reloading it if it has none."""
        register = self.kernel.home.get(value)
        if register is None:
            register = self.held.get(value)
        if register is None:
            register = self.take(pinned)
            maker = self.kernel.selection.makers.get(value)
            if maker is not None:
                self.place(maker.stencil, (register,), None, maker.values, maker.source)
            else:
                slot = self.kernel.spills.slots[value]
                self.place(
                    self.kernel.pack["reload"], (register,), None, {"SLOT": slot}, f"v{value}"
                )
            self.held[value] = register
        return register

    def run(self) -> None:
        kernel = self.kernel
        makers = kernel.selection.makers
        register = -1
        for at, item in enumerate(self.items):
            if isinstance(item, Label):
                kernel.items.append(item)
                continue
            stencil, operands, result = item.stencil, item.operands, item.result
            if not stencil.registers:
                self.place(stencil, (), item.pointer, item.values, item.source)
                continue
            if result in makers and result not in kernel.home:
                continue  # made again where it is used
            registers = [self.bring(operand, operands) for operand in operands]
            dying = []
            for operand in operands:
                places = self.uses[operand]
                while places and places[-1] <= at:
                    places.pop()
                if not places and operand in self.held:
                    dying.append(operand)
            home = None if result is None else kernel.home.get(result)
            temporaries = [self.take(operands) for _ in range(stencil.temporaries)]
            released = []
            early = stencil.early_clobber
            for operand in dict.fromkeys(dying):
                if stencil.tied and operand == operands[-1]:
                    register = self.held.pop(operand)  # it becomes the result's
                else:
                    freed = self.held.pop(operand)
                    if operand not in kernel.outside:
                        kernel.spills.release(operand)
                    clobbered = any(
                        index in early for index, each in enumerate(operands) if each == operand
                    )
                    (released if clobbered else self.free).append(freed)
            if result is not None and not stencil.tied:
                register = home if home is not None else self.take(operands)
                registers.append(register)
            registers += temporaries
            self.place(stencil, tuple(registers), item.pointer, item.values, item.source)
            self.free += temporaries
            self.free += released
            if result is not None and home is None:
                if result in kernel.outside:
                    self.spill(result, register)
                if self.next_use(result) == _NEVER:
                    self.free.append(register)
                else:
                    self.held[result] = register


def assign(selection: Selection, pack: Pack) -> Assignment:
    """Give every virtual register a physical one, or a place in the argument block."""
    return _Assigner(selection, pack).run()
