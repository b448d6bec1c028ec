"""Listings of kernels: every byte is shown, and every instruction."""

import re
import struct
import sys

import numpy as np
import pytest
from reports import arguments, code_bytes, wave

from cpnum import cpjit
from cpnum.show.listing import code_table, disassembled, hole_table, listing
from cpnum.tables import isa

LEVELS = list(isa.LEVELS)


@pytest.mark.parametrize("level", LEVELS)
def test_listing_has_every_byte(level):
    kernel = cpjit(wave, isa=level).lower(*arguments())
    table = code_table(kernel, kernel.code.data, raw=True)
    assert code_bytes([table]) == kernel.code.data


@pytest.mark.parametrize("level", LEVELS)
def test_every_instruction_is_decoded(level):
    kernel = cpjit(wave, isa=level).lower(*arguments())
    code = listing(kernel).partition("  constants:")[0]
    assert ".byte" not in code
    assert len(code.splitlines()) > 100


@pytest.mark.parametrize("level", LEVELS)
def test_listing_without_capstone_has_the_bytes(level, monkeypatch):
    kernel = cpjit(wave, isa=level).lower(*arguments())
    monkeypatch.setitem(sys.modules, "capstone", None)
    table = code_table(kernel, kernel.code.data, raw=True)
    assert code_bytes([table]) == kernel.code.data


def test_what_cannot_be_decoded_is_shown_as_bytes():
    # 06 is no instruction in 64-bit mode; aarch64 has none of three bytes.
    assert list(disassembled(b"\x06\x90", 0, "x86_64")) == [
        (b"\x06", ".byte 0x06"),
        (b"\x90", "nop"),
    ]
    assert list(disassembled(b"\xc0\x03\x5f\xd6\x01\x02\x03", 0, "aarch64")) == [
        (b"\xc0\x03\x5f\xd6", "ret"),
        (b"\x01\x02\x03", ".byte 0x01, 0x02, 0x03"),
    ]


def test_listing_names_stencils_registers_holes_and_constants():
    text = listing(cpjit(lambda x: x * 2.5, isa="x86-64-v4").lower(np.ones(3)))
    assert re.search(r"^  0x[0-9a-f]{4}  r\d+ = multiply_f64 r\d+ r\d+$", text, re.M)
    multiply = r"62 \(.. .. ..\) 59 \(..\)  +vmulpd zmm\d+, zmm\d+, zmm\d+$"
    assert re.search(multiply, text, re.M)
    load = r"62 .*\[OFFSET 00 00 00 00\]  +vmovups zmm\d+, zmmword ptr .*  OFFSET: 0$"
    assert re.search(load, text, re.M)
    assert re.search(r"\[HEAD .. .. .. ..\]  +jle 0x[0-9a-f]+  +HEAD: by1$", text, re.M)
    assert re.search(r"00 00 00 00 00 00 04 40  +\.quad 0x4004000000000000  +2\.5$", text, re.M)
    assert "  by1:\n" in text


def test_inspect_asm_has_the_listing():
    jit = cpjit(wave, isa="aarch64")
    kernel = jit.lower(*arguments())
    assert jit.inspect_asm() == {"f64[:, :], f64[:], float": listing(kernel)}


@pytest.mark.parametrize("level", LEVELS)
def test_lines_are_not_wider_than_their_instructions(level):
    # A stencil may read a table of hundreds of bytes; it is shown where it lies, once.
    kernel = cpjit(lambda x: np.sin(x) + np.arctan(x) + np.log(x), isa=level).lower(np.ones(3))
    holes = hole_table(kernel, kernel.code.data, raw=False).text()
    for text in (listing(kernel), holes):
        longest = max(text.splitlines(), key=len)
        assert len(longest) <= 240, longest


@pytest.mark.parametrize("level", ["x86-64-v4", "x86-64-v3"])
def test_instructions_that_read_a_table_show_what_they_read(level):
    kernel = cpjit(lambda x: np.sin(x), isa=level).lower(np.ones(3))
    pattern = r"\[CONSTANT .. .. .. ..\].* qword ptr \[rip .*CONSTANT: (0x[0-9a-f]+)$"
    read = {int(number, 16) for number in re.findall(pattern, listing(kernel), re.M)}
    (table,) = [each for each in kernel.code.pool if len(each) > 64]
    assert read == read & {word for (word,) in struct.iter_unpack("<Q", table)}
    assert struct.unpack("<Q", struct.pack("<d", 2 / np.pi))[0] in read
    assert struct.unpack("<Q", table[-8:])[0] in read
