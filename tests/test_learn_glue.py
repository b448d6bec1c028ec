"""`learn.glue`: loops that are glued by hand compute what NumPy does, and mistakes are named."""

import re

import numpy as np
import pytest
from gluing import axpb

from cpnum import cpjit, learn
from cpnum.errors import StencilError
from cpnum.pack.stencil import load
from cpnum.tables.isa import LEVELS, host

V3 = load("x86-64-v3")
needs_host = pytest.mark.skipif(host() is None, reason="no stencil pack fits this processor")


def put(name, *registers, **values):
    return learn.instance(V3[name], *registers, **values)


@needs_host
def test_a_glued_loop_computes_what_numpy_does():
    code = learn.glue(axpb(load(host())))
    for length in range(68):
        x = np.linspace(-3, 5, length)
        out = np.full(length, np.nan)
        flags = learn.run(code, [x, out, 2.5, -1.0], 0, length)
        assert flags == 0
        np.testing.assert_array_equal(out, 2.5 * x - 1.0)


@needs_host
def test_flags_are_the_result():
    code = learn.glue(axpb(load(host())))
    out = np.empty(3)
    assert learn.run(code, [np.full(3, 1e308), out, 10.0, 0.0], 0, 3) == 2  # overflow
    assert np.isposinf(out).all()


@pytest.mark.parametrize("level", LEVELS)
def test_glued_code_is_its_stencils_filled_one_after_the_other(level):
    code = learn.glue(axpb(load(level)))
    labels = code.code.labels
    filled = b""
    for line in code.code.lines():
        instance = line.instance
        values = {hole: labels.get(value, value) for hole, value in instance.values.items()}
        assert line.offset == len(filled)
        filled += instance.stencil.fill(instance.registers, instance.pointer, values, line.offset)
    assert filled == code.data


@needs_host
def test_the_stencils_of_a_kernel_glued_again_are_the_kernel():
    code = cpjit(lambda x: np.exp(x) * 2.5).lower(np.ones(9)).code
    again = learn.glue(code.items)
    assert again.data[: code.pool_start] != b""
    # The main loop of a kernel is on a cache line, which moves the constants.
    assert len(again.data) - len(code.data) < 64
    assert [line.offset for line in again.code.lines()] == [line.offset for line in code.lines()]


def test_constants_are_in_the_pool():
    code = learn.glue([put("constant_f64", 3, POOL=np.float64(2.5)), put("finish")])
    assert code.data.endswith(np.float64(2.5).tobytes())
    assert code.code.pool_start % 8 or len(code.data) == code.code.pool_start + 8
    assert "2.5" in str(code)


def test_the_listing_has_labels_stencils_bytes_and_assembly():
    code = learn.glue(
        ["top", put("add_f64", 0, 1, 2), put("next_vectors", STEP=4, HEAD="top"), "x"]
    )
    assert repr(code) == f"<code: {len(code.data)} bytes, 2 stencils>"
    lines = str(code).splitlines()
    assert lines[0] == "Code ([ ] a patched value, ( ) bits of register numbers)"
    assert lines[2:5] == [
        "  top:",
        "  0x0000  r2 = add_f64 r0 r1",
        "  0x0000  c4 (e1 7d) 58 (d1)           vaddpd ymm2, ymm0, ymm1",
    ]
    assert lines[-1] == "  x:"
    assert "[HEAD " in str(code)
    assert "HEAD: top" in str(code)
    assert code._repr_html_().startswith("<pre")
    offsets = [int(each, 16) for each in re.findall(r"^  0x(\w+)", str(code), re.M)]
    assert offsets == sorted(offsets)


def test_a_byte_belongs_to_a_stencil_or_to_the_constants():
    code = learn.glue([put("constant_f64", 3, POOL=np.float64(2.5)), put("finish")])
    assert code.line_at(0).instance.stencil.name == "constant_f64"
    assert code.line_at(code.code.pool_start - 1).instance.stencil.name == "finish"
    assert code.line_at(code.code.pool_start) is None


REFUSED = {
    "too few registers": (lambda: put("add_f64", 0, 1), "it has 3 register holes"),
    "no pointer": (lambda: put("load_f64", 0, OFFSET=0), "no such pointer"),
    "no value": (lambda: put("vectors", STEP=4), "its value holes are STEP, SKIP"),
    "no label": (
        lambda: learn.glue([put("vectors", STEP=4, SKIP="end"), "start"]),
        "there is no label end\n  vectors STEP=4 SKIP=end\n  seen: labels start\n"
        "  write 'end' as an item, where SKIP is to go",
    ),
    "a label twice": (lambda: learn.glue(["a", put("finish"), "a"]), "a stands in two places"),
    "a number for a label": (lambda: put("vectors", STEP=4, SKIP=0), "SKIP takes the name of a"),
    "a label for a number": (lambda: put("vectors", STEP="x", SKIP="x"), "STEP takes an integer"),
    "a float in the pool": (lambda: put("constant_f64", 0, POOL=2.5), "np.float64(2.5), or bytes"),
    "a number that does not fit": (
        lambda: learn.glue([put("load_pointer", pointer=7, SLOT=1 << 40), put("finish")]),
        "does not fit a hole of 32 bits",
    ),
    "two levels": (
        lambda: learn.glue([put("finish"), learn.instance(load("x86-64-v4")["finish"])]),
        "of different ISA levels",
    ),
    "nothing": (lambda: learn.glue([]), "no stencil"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_glued_is_refused(why):
    make, text = REFUSED[why]
    with pytest.raises(StencilError) as caught:
        make()
    assert text in str(caught.value)


def test_the_constants_of_a_stencil_need_no_value():
    stencil = V3["negative_f64"]
    code = learn.glue([learn.instance(stencil, *range(len(stencil.registers))), put("finish")])
    assert code.data.endswith(bytes.fromhex("0000000000000080"))
