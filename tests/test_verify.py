"""The checks of a kernel's stages: they find whatever is wrong in one."""

import numpy as np
import pytest

from cpnum.compile import verify
from cpnum.compile.assign import assign
from cpnum.compile.call import describe
from cpnum.compile.emit import emit
from cpnum.compile.instances import Instance, Label
from cpnum.compile.pairs import VerifyError
from cpnum.compile.schedule import schedule
from cpnum.compile.select import select
from cpnum.compile.verify import replay, verify_code, verify_selection
from cpnum.ir.simplify import simplify
from cpnum.pack.stencil import load
from cpnum.tables.block import Hole
from cpnum.tables.isa import LEVELS
from cpnum.trace.trace import trace

X = np.ones(64)


def pressure(x, a, b):
    """Sines and cosines of scalars, hoisted out of the loop, beside many live values."""
    live = [np.sqrt(x + k) for k in range(40)]
    for each in live:
        x = x * each + np.sin(a)
    return np.cos(b) * (x - a * np.sin(b)) + np.cos(a)


def stages(function=pressure, arguments=(X, 0.7, -1.4), level="x86-64-v3"):
    graph = simplify(trace(function, arguments))
    call = describe(graph, arguments, None)
    isa = LEVELS[level]
    nest = schedule(graph, call.sources, call.arrangement.layouts, isa)
    selection = select(nest, load(isa))
    return selection, assign(selection, load(isa))


def changed(assignment, at, **fields):
    items = list(assignment.items)
    items[at] = items[at]._replace(**fields)
    return assignment._replace(items=tuple(items))


def without(assignment, at):
    return assignment._replace(items=assignment.items[:at] + assignment.items[at + 1 :])


def places(assignment, name):
    return [
        at
        for at, item in enumerate(assignment.items)
        if isinstance(item, Instance) and item.stencil.name.startswith(name)
    ]


def test_all_kernels_of_the_tests_are_checked():
    assert verify.THOROUGH


@pytest.mark.parametrize("level", LEVELS)
def test_what_assign_made_is_right(level):
    selection, assignment = stages(level=level)
    assert places(assignment, "spill")
    verify_selection(selection)
    replay(selection, assignment)
    verify_code(emit(assignment.items, selection.main_loop))


def test_an_operand_in_another_register_is_found():
    selection, assignment = stages()
    at = places(assignment, "multiply")[-1]
    first, second = assignment.items[at].operands
    other = next(each for each in range(16) if each not in (first, second))
    with pytest.raises(VerifyError, match=f"is not in r{other}"):
        replay(selection, changed(assignment, at, operands=(first, other)))


@pytest.mark.parametrize("name", ["spill", "reload"])
def test_each_spill_and_reload_is_needed(name):
    selection, assignment = stages()
    for at in places(assignment, name):
        with pytest.raises(VerifyError, match="is not in r"):
            replay(selection, without(assignment, at))


def test_a_reload_of_another_value_is_found():
    selection, assignment = stages()
    first, *_, last = places(assignment, "reload")
    slots = [assignment.items[at].values[Hole.SLOT] for at in (first, last)]
    assert slots[0] != slots[1]
    with pytest.raises(VerifyError, match="is not in r"):
        replay(selection, changed(assignment, first, values={Hole.SLOT: slots[1]}))


def test_a_value_of_the_round_before_is_not_taken_for_that_of_this_round():
    """In the first round the register holds nothing, and the ways to the loop's head join there."""
    selection, assignment = stages(lambda x: x * 2.0 + x, (X,))
    load_at = places(assignment, "load_f64")[0]
    load, *rest = assignment.items[load_at : load_at + 3]
    items = list(assignment.items)
    items[load_at : load_at + 3] = [*rest, load]
    with pytest.raises(VerifyError):
        replay(selection, assignment._replace(items=tuple(items)))


def test_a_temporary_register_of_a_live_value_is_found():
    selection, assignment = stages(lambda x, a: np.sin(x) * a + x, (X, 2.0), "x86-64-v4")
    at = places(assignment, "sin")[0]
    scalar = assignment.items[places(assignment, "argument")[0]].results[0]
    temporaries = (scalar, *assignment.items[at].temporaries[1:])
    with pytest.raises(VerifyError, match=f"is not in r{scalar}"):
        replay(selection, changed(assignment, at, temporaries=temporaries))
    operand = assignment.items[at].operands[0]
    with pytest.raises(VerifyError, match="a temporary register is an operand's"):
        replay(selection, changed(assignment, at, temporaries=(operand, *temporaries[1:])))


def test_spilled_values_over_each_other_are_found():
    selection, assignment = stages()
    first, second, *_ = sorted(
        {assignment.items[at].values[Hole.SLOT] for at in places(assignment, "spill")}
    )
    items = tuple(
        item._replace(values={Hole.SLOT: first + 8})
        if isinstance(item, Instance) and item.values.get(Hole.SLOT) == second
        else item
        for item in assignment.items
    )
    with pytest.raises(VerifyError, match="spilled values overlap"):
        replay(selection, assignment._replace(items=items))
    with pytest.raises(VerifyError, match="behind the block"):
        replay(selection, assignment._replace(block_bytes=first + 8))


def test_a_jump_to_another_label_is_found():
    """The loop then goes on behind its loads."""
    selection, assignment = stages(lambda x: x * 2.0 + x, (X,))
    at = places(assignment, "next_vectors")[-1]
    moved = changed(assignment, at, values={**assignment.items[at].values, Hole.HEAD: "body"})
    with pytest.raises(VerifyError, match="does not stand where the selection has it"):
        replay(selection, moved)


def test_items_missing_or_left_over_are_found():
    selection, assignment = stages()
    at = places(assignment, "store")[-1]
    with pytest.raises(VerifyError, match="does not stand where"):
        replay(selection, without(assignment, at))
    with pytest.raises(VerifyError, match="is not of the selection"):
        replay(selection, assignment._replace(items=(*assignment.items, Label("end"))))


def test_a_selection_that_leaves_out_a_load_or_a_store_is_found():
    selection, _ = stages(lambda x: x * 2.0 + x, (X,))

    def left_out(name):
        blocks = []
        for block in selection.blocks:
            items = [
                each for each in block.items if isinstance(each, Label) or each.stencil.name != name
            ]
            blocks.append(block._replace(items=items))
        return selection._replace(blocks=tuple(blocks))

    verify_selection(left_out("nothing"))
    with pytest.raises(VerifyError, match="is not made before"):
        verify_selection(left_out("load_f64"))
    with pytest.raises(VerifyError, match="are to be stored"):
        verify_selection(left_out("store_f64"))
