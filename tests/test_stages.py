"""The text of every stage is what it was, and the bytes of every kernel: tests/golden.

The bytes depend on the compiler, which is pinned.  After a change that is meant, write them anew
and look at the difference:  CPNUM_UPDATE_GOLDEN=1 python -m pytest tests/test_stages.py
"""

import itertools
from zlib import crc32

import goldens
import numpy as np
import pytest

from cpnum import cpjit
from cpnum.compile import instances
from cpnum.compile.arrange import Access
from cpnum.compile.call import describe
from cpnum.compile.instances import Instance
from cpnum.compile.select import select
from cpnum.ir.simplify import simplify
from cpnum.pack.stencil import load
from cpnum.remembered import Remembered
from cpnum.tables.isa import LEVELS
from cpnum.trace.trace import trace


def ones(*shape, dtype="f8"):
    return np.ones(shape, dtype)


def axpy(a, x, y):
    return a * x + y


def polynomial(x, degree=4):
    result = 0.5
    for k in range(degree):
        result = result * x + (k + 1.0)
    return result


def interleaved(x):
    """A chain that is long enough for several vectors at once."""
    return polynomial(x, 9)


def choice(x, y):
    return np.where(x < y, x / 2.0, -y)


def haversine(lat1, lon1, lat2, lon2):
    a = (
        np.sin((lat2 - lat1) / 2) ** 2
        + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * 6371.0 * np.arcsin(np.sqrt(a))


def difference(u):
    return u[1:-1, 2:] - u[1:-1, :-2]


def tree(x):
    """More values alive at once than any level has registers."""
    values = [x + float(k) for k in range(1, 41)]
    total = values[0]
    for value in values[1:]:
        total = total * value
    for value in values:
        total = total - value
    return total


def sum_of_many(*arrays):
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array
    return total


def inside(x, y, mask):
    return (x > 0) & ~mask | (y == x)


def mixed(x, n):
    return np.abs(x).astype("f8") * n + x


lat, lon = np.linspace(0.5, 0.9, 12), np.linspace(-2.0, -1.0, 12)
CASES = {
    "axpy": (axpy, (2.5, ones(100), ones(100))),
    "polynomial": (polynomial, (ones(100),)),
    "interleaved": (interleaved, (ones(100),)),
    "choice": (choice, (ones(3, 5)[:, ::-1], ones(5))),
    "haversine": (haversine, (lat[:, None], lon[:, None], lat, lon)),
    "difference": (difference, (ones(6, 9),)),
    "tree": (tree, (ones(100),)),
    "sum_of_many": (sum_of_many, tuple(ones(7 + k, 5)[k:, :3] for k in range(12))),
    "float32": (axpy, (np.float32(2), ones(50, dtype="f4"), ones(50, dtype="f4"))),
    "boolean": (inside, (ones(9, dtype="i4"), ones(9, dtype="i4"), ones(9, dtype="?"))),
    "mixed": (mixed, (ones(4, 2, 3, dtype="f4").T, ones(4, dtype="i8"))),
    "scalar": (axpy, (2.0, np.float64(3.0), np.float64(4.0))),
}


# What is printed: the cases that a person reads, on the highest level; one on the others as well.
LONG = ("interleaved", "tree", "sum_of_many")
PRINTED = [
    *((name, "x86-64-v4") for name in CASES if name not in LONG),
    ("choice", "x86-64-v3"),
    ("choice", "aarch64"),
]


def lowered(name, level="x86-64-v4"):
    function, arguments = CASES[name]
    return cpjit(function, isa=level).lower(*arguments)


def stages(name, level):
    """Return the text of the stages from the graph to the steps in their registers."""
    kernel = lowered(name, level)
    texts = {
        "graph": kernel.graph,
        "loop nest": kernel.loop_nest,
        "selection": select(kernel.loop_nest, load(LEVELS[level])),
        "assignment": kernel.instances,
    }
    return "\n\n".join(f"== {stage} ==\n{text}" for stage, text in texts.items()) + "\n"


@pytest.mark.parametrize(("name", "level"), PRINTED)
def test_the_text_of_every_stage_is_what_it_was(name, level):
    goldens.compare(f"stages/{name}.{level}.txt", stages(name, level))


def test_every_stored_text_is_one_of_a_case():
    goldens.compare_files("stages", [f"{name}.{level}.txt" for name, level in PRINTED])


def test_the_bytes_of_every_kernel_are_what_they_were():
    """With the constants behind the code."""
    lines = ["kernel       level      bytes  CRC"]
    for name, level in itertools.product(CASES, LEVELS):
        data = lowered(name, level).code.data
        lines.append(f"{name:12} {level:9} {len(data):6}  {crc32(data):08x}")
    goldens.compare("kernels.txt", "\n".join(lines) + "\n")


@pytest.mark.parametrize("name", CASES)
def test_the_graph_of_a_kernel_is_the_simplified_one(name):
    function, arguments = CASES[name]
    assert lowered(name).graph == simplify(trace(function, arguments))


@pytest.mark.parametrize("level", LEVELS)
def test_two_compilations_give_the_same_text_and_bytes(level):
    for name in CASES:
        first, second = (lowered(name, level) for _ in range(2))
        assert str(first) == str(second), name
        assert first.code.data == second.code.data, name
        assert stages(name, level) == stages(name, level), name


def test_the_cases_are_what_they_are_here_for():
    assert lowered("polynomial").loop_nest.vectors == 1
    assert lowered("interleaved").loop_nest.vectors > 1
    assert "where_less" in str(lowered("choice").instances)
    assert lowered("haversine").loop_nest.axes == 2
    assert lowered("choice").loop_nest.reads[0].inner is Access.STRIDED
    for level in LEVELS:
        assert "spill" in str(lowered("tree", level).instances)
    assert len(lowered("sum_of_many").loop_nest.operands) > len(LEVELS["x86-64-v4"].pointers)
    assert lowered("float32").loop_nest.lanes == 16
    assert lowered("boolean").graph.output.node.dtype.name == "b"


def test_a_nest_counts_the_work_for_an_element():
    """What does not change along the innermost axis is not counted."""
    ones = np.ones((3, 8), np.float32)
    sums = cpjit(lambda x, y, n: x * y + (y * n > 2)).lower(ones, ones[:, :1], 2.5).loop_nest
    assert (sums.element_bytes, sums.element_ops) == (8, 2)


@pytest.mark.parametrize("level", LEVELS)
def test_the_tail_is_one_more_round_of_the_loop(level):
    """Spills and reloads included: only the accesses to memory are others."""
    function, arguments = CASES["tree"]
    items = cpjit(function, isa=level).lower(*arguments).instances.items
    names = [each.stencil.name if isinstance(each, Instance) else each.name for each in items]
    loop = items[names.index("by1") + 1 : names.index("next_vectors")]
    # The step that looks whether there is a tail; without masks, the label of its loop, too.
    start = names.index("tail") + (1 if LEVELS[level].masked_tail else 2)
    tail = items[start : start + len(loop)]
    others = [(a, b) for a, b in zip(loop, tail, strict=True) if a is not b]
    assert {a.stencil.name for a, _ in others} == {"load_f64", "store_f64"}
    assert {b.stencil.name for _, b in others} == {"load_tail_f64", "store_tail_f64"}
    assert [(a.registers, a.pointer) for a, _ in others] == [
        (b.registers, b.pointer) for _, b in others
    ]


def test_a_step_that_recurs_is_patched_once():
    function, arguments = CASES["haversine"]
    first, second = (cpjit(function, isa="aarch64").lower(*arguments).instances for _ in range(2))
    shared = {id(each) for each in first.items} & {id(each) for each in second.items}
    recurring = [
        each for each in second.items if isinstance(each, Instance) and "POOL" not in each.values
    ]
    assert all(id(each) in shared for each in recurring)


def test_no_more_steps_are_remembered_than_their_limit(monkeypatch):
    monkeypatch.setattr(instances, "SHARED", Remembered())
    monkeypatch.setattr(instances.SHARED, "most", 4)
    function, arguments = CASES["haversine"]
    text = str(cpjit(function).lower(*arguments).instances)
    assert 0 < len(instances.SHARED) <= 4
    monkeypatch.undo()
    assert str(cpjit(function).lower(*arguments).instances) == text


@pytest.mark.parametrize("name", CASES)
def test_the_cases_have_numpys_values(name, level):
    function, arguments = CASES[name]
    with np.errstate(all="ignore"):
        actual, expected = cpjit(function, isa=level)(*arguments), function(*arguments)
    if name == "haversine":
        assert np.allclose(actual, expected, rtol=1e-12)
    else:
        assert np.array_equal(actual, expected, equal_nan=True)


def test_the_driver_is_the_stages_in_line():
    """What `lower` gives is what the stages give, one after the other."""
    function, arguments = CASES["axpy"]
    isa = LEVELS["x86-64-v3"]
    graph = simplify(trace(function, arguments))
    call = describe(graph, arguments, None)
    assert call.arrangement is not None
    kernel = cpjit(function, isa=isa.name).lower(*arguments)
    assert str(kernel.graph) == str(graph)
    layouts = tuple(each.layout for each in kernel.loop_nest.operands)
    assert layouts == call.arrangement.layouts
