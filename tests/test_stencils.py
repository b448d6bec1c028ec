"""Every stencil with other registers is the same instructions, and has what its row asks for."""

import random
import re

import capstone
import pytest

from cpnum.pack.stencil import load
from cpnum.tables import stencils
from cpnum.tables.isa import LEVELS
from cpnum.toolchain.architecture import architecture_of

ASSIGNMENTS = 3

VECTOR = {
    "x86_64": re.compile(r"%([xyz]mm)(\d+)"),
    "aarch64": re.compile(r"(?<![\w#.])([vqdshb])(\d+)(?!\w)"),
}


def disassembler(isa):
    if isa.architecture == "aarch64":
        return capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    made = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    made.syntax = capstone.CS_OPT_SYNTAX_ATT
    return made


def decoded(tool, stencil, registers, pointer):
    """Return (mnemonic, operands) of each instruction; all bytes are instructions."""
    code = stencil.patch(registers, pointer).to_bytes(stencil.size, "little")
    found = [
        (each.address + each.size, each.mnemonic, each.op_str) for each in tool.disasm(code, 0)
    ]
    assert found[-1][0] == stencil.size, f"{stencil.name}: {code[found[-1][0] :].hex()}"
    return [(mnemonic, operands) for _, mnemonic, operands in found]


def neutral(instructions, numbers, pointer, isa):
    """Return the instructions with the holes' numbers in place of the registers'."""
    name = None if pointer is None else architecture_of(isa).numbered[pointer]
    found = []
    for mnemonic, operands in instructions:
        text = VECTOR[isa.architecture].sub(lambda m: f"{m[1]}<{numbers[int(m[2])]}>", operands)
        if name is not None:
            text = re.sub(rf"(?<!\w){name}(?!\w)", "POINTER", text)
        found.append((mnemonic, text))
    return found


def written(stencil):
    """Return the numbers of the holes in the assembly as clang wrote it, and its instructions."""
    lines = [line for line in stencil.assembly if not line.endswith(":") and line[0] != "."]
    architecture = "x86_64" if "%" in "".join(lines) else "aarch64"
    named = {int(match[2]) for line in lines for match in VECTOR[architecture].finditer(line)}
    parameters = sum(hole.role != "temporary" for hole in stencil.registers)
    return [*range(parameters), *sorted(n for n in named if n >= parameters)], lines


@pytest.mark.parametrize("name", LEVELS)
def test_every_stencil_with_any_registers_is_the_same_instructions(name):
    isa, chance = LEVELS[name], random.Random(0)
    tool, pack = disassembler(isa), load(LEVELS[name])
    entry = pack["entry"]
    assert not entry.registers
    assert entry.pointer is None
    count = 0
    for each in map(pack.__getitem__, pack):
        if each is entry:
            continue
        holes = len(each.registers)
        pointers = [*each.pointer] if each.pointer else [None]
        assert each.pointer is None or sorted(pointers) == sorted(isa.pointers)
        numbers, lines = written(each)
        assert len(numbers) == holes, each.name
        first = decoded(tool, each, tuple(numbers), pointers[0])
        texts = neutral(first, {number: number for number in numbers}, pointers[0], isa)
        # With the numbers of the assembly text, the registers are those of the text, in its order.
        assert len(first) == len(lines), each.name
        for (_, text), line in zip(first, lines, strict=True):
            shown = [int(match[2]) for match in VECTOR[isa.architecture].finditer(text)]
            asked = [int(match[2]) for match in VECTOR[isa.architecture].finditer(line)]
            assert shown == asked, (each.name, text, line)
        for _ in range(ASSIGNMENTS if holes else len(pointers)):
            # Registers all different, so that each tells which hole it fills.
            registers = tuple(chance.sample(isa.registers, holes))
            pointer = chance.choice(pointers)
            back = dict(zip(registers, numbers, strict=True))
            again = decoded(tool, each, registers, pointer)
            assert neutral(again, back, pointer, isa) == texts, each.name
            count += 1
    assert count > 1000


@pytest.mark.parametrize("name", LEVELS)
def test_registers_are_all_reached_and_their_masks_are_apart(name):
    isa, pack = LEVELS[name], load(LEVELS[name])
    for each in map(pack.__getitem__, pack):
        taken = 0
        for hole in each.registers:
            assert len(hole.masks) == max(isa.registers).bit_length()
            for mask in hole.masks:
                assert not mask & taken, each.name
                taken |= mask
        for value in each.values:
            for field in value.fields:
                bits = ((1 << field.width) - 1) << field.at
                # A hole for a value is empty, and no register is in it.
                assert not bits & taken, each.name
                assert not bits & each.code, each.name
        assert taken < 1 << 8 * each.size


@pytest.mark.parametrize("name", LEVELS)
def test_early_clobbers_are_read_after_the_result_is_written(name):
    """Told from the disassembly, which knows what is read and what is written."""
    isa, pack = LEVELS[name], load(LEVELS[name])
    found = 0
    for each in map(pack.__getitem__, pack):
        if each.tied or not each.results or not each.operands:
            continue
        _, lines = written(each)
        result = each.operands
        first = None
        for at, line in enumerate(lines):
            named = [int(match[2]) for match in VECTOR[isa.architecture].finditer(line)]
            if first is not None:
                late = {n for n in named if n < each.operands}
                assert late <= each.early_clobber, (each.name, line)
                found += bool(late)
            elif result in named:
                first = at
        assert first is not None, each.name
    assert found > 10


@pytest.mark.parametrize("name", LEVELS)
def test_a_constant_is_addressed_from_the_code(name):
    """A kernel may lie at any address, so no field holds that of a constant."""
    pack = load(LEVELS[name])
    for each in map(pack.__getitem__, pack):
        for value in each.values:
            if value.constant is not None or value.symbol == "POOL":
                assert all(field.relative for field in value.fields), each.name


@pytest.mark.parametrize("name", LEVELS)
def test_a_pack_has_what_the_operator_table_asks_for(name):
    pack, wanted = load(LEVELS[name]), set()
    for source, lane_bytes in stencils.UNITS:
        for stencil, (operands, results, _) in stencils.expected(source, lane_bytes).values():
            wanted.add(stencil)
            found = pack[stencil]
            assert (found.name, found.operands, found.results) == (stencil, operands, results)
    assert set(pack) == wanted
    # The lanes are in the name where they are wider than the dtype.
    assert {"add_f32", "add_f32_lane8", "isnan_b_lane4", "where_less_i64", "spill"} <= wanted
    assert {"cast_f64_b_lane8", "multiply_add_tied_f64", "load_strided_tail_b"} <= wanted
