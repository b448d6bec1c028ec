"""Pairs: each item of an assignment with the instance of the selection that it came from."""

from __future__ import annotations

from typing import NamedTuple

from cpnum.compile.assign import Assignment
from cpnum.compile.instances import BasicBlock, Instance, Item
from cpnum.compile.select import Selection
from cpnum.tables.stencils import SEED

SPILLS = ("spill", "reload")


class VerifyError(AssertionError):
    """A stage is wrong: a defect of cpnum, not of the program that is compiled."""


class Pair(NamedTuple):
    """An item of the assignment, and its instance in the selection.

    Spills, reloads and makers have none, nor has what is of the skeleton.
    """

    item: Item
    virtual: Instance | None


def is_maker(item: Instance) -> bool:
    """Tell whether an instance is a maker: it reads no register and no array."""
    is_made = len(item.results) == 1 and not item.operands and item.pointer is None
    name = item.stencil.name
    return is_made and name not in SPILLS and not name.startswith(SEED)


def paired(selection: Selection, assignment: Assignment) -> list[list[Pair]]:
    """Return the items of the assignment, paired, for each basic block of the selection.

    Raises:  VerifyError if an instance does not stand where the selection has it.
    """
    items = assignment.items
    at = 0
    blocks: list[list[Pair]] = []
    for block in selection.blocks:
        pairs: list[Pair] = []
        for virtual in block.items:
            if not block.skeleton:
                assert type(virtual) is Instance
                if is_maker(virtual):
                    continue  # it stands where its value is used, or only once
                while at < len(items) and _is_move(items[at]):
                    pairs.append(Pair(items[at], None))
                    at += 1
            if at == len(items) or not _is_same(items[at], virtual, block):
                raise VerifyError(f"{virtual} does not stand where the selection has it")
            pairs.append(Pair(items[at], _of_body(virtual, block)))
            at += 1
        while not block.skeleton and at < len(items) and _is_move(items[at]):
            pairs.append(Pair(items[at], None))
            at += 1
        blocks.append(pairs)
    if at < len(items):
        raise VerifyError(f"{items[at]} is not of the selection")
    return blocks


def _is_move(item: Item) -> bool:
    return type(item) is Instance and (item.stencil.name in SPILLS or is_maker(item))


def _of_body(virtual: Item, block: BasicBlock) -> Instance | None:
    return virtual if type(virtual) is Instance and not block.skeleton else None


def _is_same(item: Item, virtual: Item, block: BasicBlock) -> bool:
    if block.skeleton or type(item) is not Instance or type(virtual) is not Instance:
        return item is virtual
    stencil, values = virtual.stencil, virtual.values
    if block.tail and virtual.tail is not None:
        stencil, values = virtual.tail
    return (item.stencil, item.pointer, item.values) == (stencil, virtual.pointer, values)
