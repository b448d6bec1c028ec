"""Origins: each stencil of the code is led back to the node that it computes."""

import pytest
from test_stages import CASES, lowered

from cpnum.compile.instances import Instance
from cpnum.compile.origins import origins
from cpnum.compile.pairs import SPILLS
from cpnum.ir.nodes import Apply, Project
from cpnum.pack.stencil import load
from cpnum.tables.isa import LEVELS
from cpnum.tables.ops import Form


def parts_of(kernel):
    pack = load(kernel.loop_nest.isa)
    return origins(kernel.loop_nest, kernel.instances, pack, kernel.entry)


def values_of(node):
    """Return the operands of the operator that makes a value."""
    node = node.node if isinstance(node, Project) else node
    return list(node.args) if isinstance(node, Apply) else []


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", CASES)
def test_what_a_stencil_reads_are_the_operands_of_its_node(name, level):
    kernel = lowered(name, level)
    scalars = set(kernel.loop_nest.scalars)
    made = set()
    for part in parts_of(kernel):
        for origin in part.items:
            made.update(origin.makes)
            if isinstance(origin.item, Instance) and origin.item.stencil.name in SPILLS:
                continue
            for node in set(origin.makes) - scalars:
                expected = values_of(node)
                if "where_" in origin.item.stencil.name:  # it compares as well
                    assert node.op.form is Form.SELECT
                    expected = [*node.args[0].args, *node.args[1:]]
                assert list(origin.reads) == expected, (name, origin)
    assert made >= {store.node for store in kernel.loop_nest.stores}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", CASES)
def test_the_parts_are_the_code(name, level):
    kernel = lowered(name, level)
    items = [origin.item for part in parts_of(kernel) for origin in part.items]
    assert items == list(kernel.instances.items)


def test_the_parts_are_the_loops():
    titles = {name: [part.title for part in parts_of(lowered(name))] for name in CASES}
    assert titles["axpy"] == [
        "before the loops", "once a call", "for i0 by 8", "the tail", "after the loops",
    ]  # fmt: skip
    assert titles["interleaved"][2:5] == ["for i0 by 8 x 8", "for i0 by 8", "the tail"]
    assert titles["haversine"][1:3] == ["once a call", "for i0"]


@pytest.mark.parametrize("level", LEVELS)
def test_spills_and_interleaved_vectors_are_led_back(level):
    spilled = [
        origin
        for part in parts_of(lowered("tree", level))
        for origin in part.items
        if isinstance(origin.item, Instance) and origin.item.stencil.name in SPILLS
    ]
    assert spilled
    assert all(len(origin.makes) + len(origin.reads) == 1 for origin in spilled)
    nest = lowered("interleaved", level).loop_nest
    vectors = {
        origin.vector
        for part in parts_of(lowered("interleaved", level))
        for origin in part.items
        if origin.makes
    }
    assert vectors == set(range(nest.vectors))
