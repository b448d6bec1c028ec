"""`Stencil.fill` and `Stencil.show`: the holes of one stencil, filled by hand."""

import pytest

from cpnum.errors import StencilError
from cpnum.pack.disassembly import disassembled
from cpnum.pack.stencil import load
from cpnum.tables.block import Hole

V3 = load("x86-64-v3")
V4 = load("x86-64-v4")


def test_registers_are_filled_in_as_the_assembler_writes_them():
    high = V4["add_f64"].fill((3, 31, 8))
    assert [text for _, text in disassembled(high, 0, "x86_64")] == ["vaddpd zmm8, zmm3, zmm31"]
    assert V3["add_f64"].fill((0, 1, 2)).hex() == "c4e17d58d1"


def test_a_pointer_and_a_value_are_filled_in():
    load_f64 = V3["load_f64"]
    code = load_f64.fill((2,), pointer=7, values={"OFFSET": 0x40})
    assert code == load_f64.fill((2,), 7, {Hole.OFFSET: 0x40})
    assert code[-4:] == bytes([0x40, 0, 0, 0])


def test_the_value_of_a_jump_is_an_offset_in_the_code():
    again = V3["next_vectors"]
    near = again.fill(values={"STEP": 4, "HEAD": 0x10}, at=0x30)
    assert near == again.fill(values={"STEP": 4, "HEAD": 0x110}, at=0x130)
    distance = int.from_bytes(near[-4:], "little", signed=True)
    assert 0x30 + again.size + distance == 0x10


REFUSED = {
    "two registers for three holes": (
        "add_f64", ((0, 1), None, {}),
        "it has 3 register holes, and 2 numbers are given",
    ),
    "a register that is not there": ("add_f64", ((0, 1, 16), None, {}), "no register 16"),
    "a negative register": ("add_f64", ((0, 1, -1), None, {}), "no register -1"),
    "no pointer": ("load_f64", ((0,), None, {"OFFSET": 0}), "no such pointer"),
    "a pointer that is not there": ("load_f64", ((0,), 5, {"OFFSET": 0}), "no such pointer"),
    "a pointer too many": ("add_f64", ((0, 1, 2), 7, {}), "it has no hole for a pointer"),
    "no value": ("vectors", ((), None, {"STEP": 4}), "its value holes are STEP, SKIP"),
    "a value too many": ("add_f64", ((0, 1, 2), None, {"STEP": 4}), "its value holes are none"),
    "a value of more than 64 bits": (
        "set_pointer", ((), 7, {"IMMEDIATE": 2**64 + 5}), "IMMEDIATE has 64 bits at most",
    ),
    "a value that does not fit": (
        "vectors", ((), None, {"STEP": 1 << 40, "SKIP": 0}),
        "STEP: 1099511627776 does not fit a hole of 32 bits",
    ),
    "a result in a register that is read later": (
        "where_less_f64", ((0, 1, 2, 3, 2), None, {}), "read after it",
    ),
    "a temporary that is an operand": ("exp_f64", "temporary", "a register of its own"),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
def test_what_does_not_fit_the_holes_is_refused(why):
    name, given, text = REFUSED[why]
    stencil = V3[name]
    if given == "temporary":
        numbers = list(range(len(stencil.registers)))
        numbers[-1] = 0
        given = numbers, None, dict.fromkeys(map(str, (hole.symbol for hole in stencil.values)), 0)
    with pytest.raises(StencilError) as caught:
        stencil.fill(*given)
    assert str(caught.value).startswith(f"{name}: ")
    assert text in str(caught.value)


def test_a_refusal_says_what_the_holes_need():
    with pytest.raises(StencilError) as caught:
        V3["vectors"].fill()
    assert str(caught.value).splitlines() == [
        "vectors: its value holes are STEP, SKIP",
        "  seen: values for none",
        "  write STEP: the number of elements that one round of a loop computes; "
        "SKIP: the label behind a loop that has nothing to do",
    ]


def test_show_prints_what_str_returns(capsys):
    V3["sqrt_f64"].show()
    assert capsys.readouterr().out == f"{V3['sqrt_f64']}\n"
