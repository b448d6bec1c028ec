"""LoopNest to Selection: which stencil does each step; registers are still virtual.

The steps stand in the order of the code, in blocks: a block is a straight line, and the innermost
ones repeat.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cpnum.compile.schedule import BROADCAST, STRIDED, LoopNest
from cpnum.compile.skeleton import loops_of, visit
from cpnum.compile.steps import NO_VALUES, Block, Frame, Label, Placed, Step, Values
from cpnum.ir.graph import Apply, Constant, Input, Node
from cpnum.pack.stencil import Pack, Stencil
from cpnum.tables.dtypes import DType
from cpnum.tables.ops import CAST, OPS, PARTS


class Selection(NamedTuple):
    """The steps of a kernel.

    `outer` are the values that are made outside of the innermost loop.  `makers` are steps that
    make a value again wherever it is needed: constants and scalars need no spilling.  `main_loop`
    is the label of the loop that most time is spent in.
    """

    nest: LoopNest
    frame: Frame
    blocks: tuple[Block, ...]
    outer: tuple[int, ...]
    makers: dict[int, Step]
    main_loop: str

    def __str__(self) -> str:
        lines = []
        for block in self.blocks:
            for item in block.items:
                indent = "" if isinstance(item, Label) else "  "
                in_tail = block.tail and isinstance(item, Step) and item.tail is not None
                lines.append(f"{indent}{item}{'  (tail)' if in_tail else ''}")
        return "\n".join(lines)


# What is to be done for a node: its stencil, and the nodes that are its operands.  A load has no
# stencil yet, for that depends on the vector; one of two results has none at all.
_Choice = tuple[Node, Stencil | None, tuple[Node, ...]]


# The operators whose stencil is not just the one of their name and dtype.
_SPECIAL = {CAST, *PARTS, OPS["where"], OPS["multiply_add"]}
_SPECIAL |= {op for op in OPS.values() if op.masked}


class _Selector:
    """Chooses the stencils of one nest, loop by loop."""

    def __init__(self, nest: LoopNest, pack: Pack, bound: bool) -> None:
        self.nest = nest
        self.pack = pack
        self.bound = bound
        self.lane_bytes = nest.lane_bytes
        self.frame = Frame(len(nest.arrays) + 1, nest.axes, len(nest.arguments))
        self.blocks: list[Block] = []
        self.makers: dict[int, Step] = {}
        self.names: dict[Node, int] = {}  # of the values made outside of the innermost loop
        self.made = 0
        self.arrays = {array: at for at, array in enumerate(nest.arrays)}
        self.arguments = {argument: at for at, argument in enumerate(nest.arguments)}
        self.fused = self._fused()
        self.itemsizes = [each.dtype.itemsize for each in (*nest.arrays, nest.result)]

    def _fused(self) -> set[Node]:
        """Return the comparisons that become one stencil with the `where` that alone uses them."""
        where = OPS["where"]
        if where not in self.nest.ops:
            return set()
        users: dict[Node, list[Apply]] = {}
        for body in self.nest.bodies:
            for node in body:
                if isinstance(node, Apply) and node not in self.arguments:
                    for arg in node.args:
                        if isinstance(arg, Apply) and arg.op.signature == "TT->M":
                            users.setdefault(arg, []).append(node)
        return {
            mask
            for mask, (user, *others) in users.items()
            if not others
            and user.op is where
            and mask is user.args[0]
            and mask not in user.args[1:]
            and mask is not self.nest.result
            and isinstance(mask, Apply)
            and mask.args[0].dtype is user.dtype
        }

    # -- values ---------------------------------------------------------------------------------

    def stencil(self, operator: str, dtype: DType) -> Stencil:
        return self.pack.of(operator, dtype, self.lane_bytes)

    def choose(self, nodes: Sequence[Node]) -> list[_Choice]:
        """Choose the stencil of each node of a body."""
        dying = self._dying_addends(nodes)
        fused, arguments = self.fused, self.arguments
        of, lane_bytes = self.pack.of, self.lane_bytes
        choices: list[_Choice] = []
        for node in nodes:
            kind = type(node)
            if kind is Apply and node not in arguments:
                assert isinstance(node, Apply)
                if node.op not in _SPECIAL:
                    choices.append((node, of(node.op.name, node.dtype, lane_bytes), node.args))
                elif node not in fused:
                    choices.append(self._choose_special(node, dying))
            elif kind is Input and node not in arguments:
                choices.append((node, None, ()))
            else:
                name = "constant" if kind is Constant else "argument"
                choices.append((node, of(name, node.dtype, lane_bytes), ()))
        return choices

    def _dying_addends(self, nodes: Sequence[Node]) -> set[Node]:
        """Return the multiply-adds whose addend is not needed afterwards."""
        fused = OPS["multiply_add"]
        if fused not in self.nest.ops:
            return set()
        last_use: dict[Node, Node] = {}
        for node in nodes:
            if type(node) is Apply:
                for arg in node.args:
                    last_use[arg] = node
        here = set(nodes) if nodes is self.nest.bodies[-1] else set[Node]()
        here.discard(self.nest.result)
        return {
            node
            for node in nodes
            if type(node) is Apply
            and node.op is fused
            and node.args[2] in here
            and last_use[node.args[2]] is node
            and node.args[2] not in node.args[:2]
        }

    def _choose_special(self, node: Apply, dying: set[Node]) -> _Choice:
        op, args = node.op, node.args
        if op is CAST:
            return (node, self.stencil(f"cast_{node.dtype}", args[0].dtype), args)
        if op in PARTS:
            return (node, None, args)
        if op.masked:
            return (node, self.stencil(op.name, args[0].dtype), args)
        if args[0] in self.fused:
            comparison = args[0]
            assert isinstance(comparison, Apply)
            stencil = self.stencil(f"where_{comparison.op.name}", node.dtype)
            return (node, stencil, (*comparison.args, *args[1:]))
        name = "multiply_add_tied" if node in dying else op.name
        return (node, self.stencil(name, node.dtype), args)

    def steps(self, choices: Sequence[_Choice], vectors: int, stored: bool) -> list[Step | Placed]:
        """Return the steps of a body, each for all vectors before the next; then the stores."""
        steps: list[Step | Placed] = []
        renamed = [(vector, self.names.copy()) for vector in range(vectors)]
        made = self.made
        for node, stencil, args in choices:
            for vector, names in renamed:
                if args:
                    if stencil is None:
                        assert isinstance(node, Apply)
                        names[node] = names[args[0]] + PARTS.index(node.op)
                        continue
                    steps.append(Step(stencil, tuple(map(names.__getitem__, args)), made))
                elif stencil is None:
                    assert isinstance(node, Input)
                    self.load(steps, node, made, vector)
                else:
                    steps.append(self.maker(node, stencil, made))
                names[node] = made
                made += 1 if stencil is None else stencil.results
        self.made = made
        if stored:
            for vector, names in renamed:
                self.store(steps, names[self.nest.result], vector)
        else:
            self.names = renamed[0][1]
        return steps

    def maker(self, node: Node, stencil: Stencil, result: int) -> Step:
        """Return the step that makes a constant or a scalar of the call."""
        if isinstance(node, Constant):
            assert isinstance(node.value, np.generic)
            step = Step(stencil, (), result, None, {"POOL": node.value.tobytes()}, node.value)
        else:
            slot = self.frame.argument(self.arguments[node])
            step = Step(stencil, (), result, None, {"SLOT": slot})
        self.makers[result] = step
        return step

    def load(self, steps: list[Step | Placed], node: Input, result: int, vector: int) -> None:
        array = self.arrays[node]
        source = self.nest.graph.parameters[node.parameter]
        if node.movement:
            source += "".join(map(str, node.movement))
        register = self.visit(steps, array)
        if self.nest.layouts[array][-1] == BROADCAST:
            stencil, values, tail = self.stencil("load_broadcast", node.dtype), NO_VALUES, None
        else:
            stencil, values, tail = self.access("load", node.dtype, array, vector)
        steps.append(Step(stencil, (), result, register, values, source, tail))

    def store(self, steps: list[Step | Placed], value: int, vector: int) -> None:
        array = len(self.nest.arrays)
        register = self.visit(steps, array)
        stencil, values, tail = self.access("store", self.nest.result.dtype, array, vector)
        steps.append(Step(stencil, (value,), None, register, values, "out", tail))

    def access(
        self, name: str, dtype: DType, array: int, vector: int
    ) -> tuple[Stencil, Values, tuple[Stencil, Values]]:
        """Return the stencil of a load or store of one of the vectors, and that of the tail."""
        ahead = vector * self.nest.lanes
        strided = self.nest.layouts[array][-1] == STRIDED
        stencil, at_end = _accesses(self.pack, name, strided, dtype, self.lane_bytes)
        if not strided:
            return stencil, {"OFFSET": ahead * self.itemsizes[array]}, (at_end, NO_VALUES)
        slot = self.frame.stride(array)
        return stencil, {"SLOT": slot, "AHEAD": ahead}, (at_end, {"SLOT": slot})

    def visit(self, steps: list[Step | Placed], array: int) -> int:
        """Bring an array's pointer into a register, if it is in none; return the register."""
        pointers = self.nest.isa.pointers
        if self.frame.arrays <= len(pointers):
            return pointers[array]
        more, register = visit(self.pack, self.frame, pointers, array)
        steps += more
        return register

    # -- loops ----------------------------------------------------------------------------------

    def run(self) -> Selection:
        nest, blocks = self.nest, self.blocks
        loops = loops_of(self.pack, nest.isa, self.frame, nest.layouts, nest.lanes, self.bound)
        blocks.append(loops.opening)
        for depth, nodes in enumerate(nest.bodies[:-1]):
            if depth:
                blocks.append(loops.heads[depth - 1])
            if nodes:
                blocks.append(Block(self.steps(self.choose(nodes), 1, stored=False)))
        blocks.append(loops.inner_range)
        choices = self.choose(nest.bodies[-1])
        body: list[Step | Placed] = []
        for vectors in (nest.vectors, 1) if nest.vectors > 1 else (1,):
            before, after = loops.vectors[vectors]
            body = self.steps(choices, vectors, stored=True)
            blocks += (before, Block(body), after)
        before, after = loops.tail
        blocks += (before, Block(body, tail=True), after, loops.closing)
        outer = tuple(dict.fromkeys(self.names.values()))
        return Selection(nest, self.frame, tuple(blocks), outer, self.makers, f"by{nest.vectors}")


@functools.cache
def _accesses(
    pack: Pack, name: str, strided: bool, dtype: DType, lane_bytes: int
) -> tuple[Stencil, Stencil]:
    """Return the stencil of a load or store, and its stencil in a tail."""
    full = f"{name}_strided" if strided else name
    return pack.of(full, dtype, lane_bytes), pack.of(f"{full}_tail", dtype, lane_bytes)


def select(nest: LoopNest, pack: Pack, *, bound: bool = False) -> Selection:
    """Choose the stencils of `nest`; a bound kernel holds the words of its call in its code."""
    return _Selector(nest, pack, bound).run()
