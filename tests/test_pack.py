"""Every stencil with other registers is the same instructions; what is no stencil is refused.

The bad stencils are C and assembly as clang would write it; they go through the steps of
`cpnum.pack.build`.
"""

import random
import re
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import capstone
import numpy as np
import pytest

from cpnum import status
from cpnum.dtypes import DTYPES, DType
from cpnum.errors import IsaError, StencilError
from cpnum.isa import A64, LEVELS, V3, V4
from cpnum.ops import OPS
from cpnum.pack import assembly, build, catalog, compiler, extract, headers
from cpnum.pack.__main__ import main
from cpnum.stencil import PACKS, Pack, load

SOURCES = Path(__file__).parents[1] / "stencils"

# -- decoding -----------------------------------------------------------------------------------

ASSIGNMENTS = 3
VECTOR = {
    "x86_64": re.compile(r"%([xyz]mm)(\d+)"),
    "aarch64": re.compile(r"(?<![\w#.])([vqdshb])(\d+)(?!\w)"),
}


def disassembler(isa):
    if isa.machine == "aarch64":
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
    name = None if pointer is None else assembly.pointer_name(pointer, isa)
    found = []
    for mnemonic, operands in instructions:
        text = VECTOR[isa.machine].sub(lambda m: f"{m[1]}<{numbers[int(m[2])]}>", operands)
        if name is not None:
            text = re.sub(rf"(?<!\w){name}(?!\w)", "POINTER", text)
        found.append((mnemonic, text))
    return found


def written(stencil):
    """Return the numbers of the holes in the assembly as clang wrote it, and its instructions."""
    lines = [line for line in stencil.assembly if not line.endswith(":") and line[0] != "."]
    machine = "x86_64" if "%" in "".join(lines) else "aarch64"
    named = {int(match[2]) for line in lines for match in VECTOR[machine].finditer(line)}
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
            shown = [int(match[2]) for match in VECTOR[isa.machine].finditer(text)]
            asked = [int(match[2]) for match in VECTOR[isa.machine].finditer(line)]
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
            named = [int(match[2]) for match in VECTOR[isa.machine].finditer(line)]
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
    pack = load(LEVELS[name])
    wanted = {"entry", *catalog.expected("loop", 8)}
    for source in ("ops", "cast", "memory"):
        for lane in catalog.LANES:
            for stencil, operands in catalog.expected(source, lane).items():
                natural = {"f64": 8, "i64": 8, "f32": 4, "i32": 4, "b": 1}[
                    stencil.rpartition("_")[2]
                ]
                full = stencil if natural == lane else f"{stencil}_lane{lane}"
                wanted.add(full)
                assert (pack[full].operands, pack[full].results) == operands[:2], full
    assert set(pack) == wanted


# -- refusals -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    headers.write(folder)
    return folder


def extracted(lines, isa, work, constants=(), operands=None, name="bad", entry=False):
    """Take assembly through what follows clang in the build."""
    made = assembly.routine(name, list(lines), isa, entry=entry)
    plan = extract.plan(made, operands or catalog.Operands(2, 1), isa)
    elf = compiler.assemble(extract.text_of([plan], list(constants), isa), isa, work, name)
    return extract.extract(plan, extract.read(elf, isa), isa)


GOOD = ["vaddpd %zmm1, %zmm0, %zmm2", "jmp NEXT"]


def test_a_good_stencil_is_extracted(work):
    record = extracted(GOOD, V4, work)
    assert record["name"] == "bad"
    assert [role for role, _ in record["registers"]] == ["input", "input", "result"]
    assert record["operands"] == 2
    assert not record["tied"]
    assert record["early_clobber"] == []
    assert record["values"] == []
    assert len(bytes.fromhex(record["code"])) == 6


def test_an_operand_that_is_read_late_is_an_early_clobber(work):
    lines = ["vaddpd %zmm1, %zmm0, %zmm2", "vmulpd %zmm1, %zmm2, %zmm2", "jmp NEXT"]
    assert extracted(lines, V4, work)["early_clobber"] == [1]


def test_a_result_in_an_operands_register_is_tied(work):
    lines = ["vfmadd231pd %zmm1, %zmm0, %zmm2", "jmp NEXT_TIED"]
    record = extracted(lines, V4, work, operands=catalog.Operands(3, 1))
    assert record["tied"]
    assert [role for role, _ in record["registers"]] == ["input", "input", "input"]


REFUSED = {
    "a general register that is not its own": (
        ["movq %rcx, %rax", *GOOD], V4,
        "touches rcx, which is neither pinned nor scratch: movq %rcx, %rax",
    ),
    "the upper half of an argument register": (
        ["movl %r8d, %eax", *GOOD], V3,
        "touches r8d, which is neither pinned nor scratch: movl %r8d, %eax",
    ),
    "a general register of AArch64": (
        ["mov x8, x4", "fadd v2.2d, v0.2d, v1.2d", "b NEXT"], A64,
        "touches x4, which is neither pinned nor scratch: mov x8, x4",
    ),
    "a list of registers": (
        ["ld2 { v2.2d, v3.2d }, [x23]", "b NEXT"], A64,
        "a list of registers cannot be renamed: ld2 { v2.2d, v3.2d }, [x23]",
    ),
    "two continuations": (
        ["je NEXT_TIED", *GOOD], V4, "continues at both NEXT and NEXT_TIED",
    ),
    "an unknown symbol": (
        ["leaq UNKNOWN(%rip), %rax", *GOOD], V4,
        "refers to UNKNOWN, which is neither a hole nor a constant",
    ),
    "an unknown number": (
        ["movq $UNKNOWN, %rax", *GOOD], V4,
        "the address of UNKNOWN is absolute: take it by ADDRESS",
    ),
    "a call": (
        ["callq sin", *GOOD], V4, "refers to sin, which is neither a hole nor a constant",
    ),
    "a tail call": (
        ["vaddpd %zmm1, %zmm0, %zmm2", "jmp elsewhere"], V4,
        "refers to elsewhere, which is neither a hole nor a constant",
    ),
    "a call of AArch64": (
        ["bl sin", "b NEXT"], A64, "refers to sin, which is neither a hole nor a constant",
    ),
    "an unknown relocation": (
        ["movq SLOT@GOTPCREL(%rip), %rax", *GOOD], V4, "relocation type ",
    ),
    "a page of AArch64": (
        ["adrp x8, SLOT", "b NEXT"], A64, "relocation type ",
    ),
    "no code": (["jmp NEXT"], V4, "clang made no code of it"),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_no_stencil_is_refused(why, work):
    lines, isa, text = REFUSED[why]
    with pytest.raises(StencilError) as caught:
        extracted(lines, isa, work)
    message = str(caught.value)
    assert re.match(r"((x86-64-v[34]|aarch64) )?bad: ", message), message
    assert text in message


def test_a_temporary_where_there_may_be_none_is_refused(work):
    lines = ["vxorps %xmm3, %xmm3, %xmm3", "vaddpd %zmm1, %zmm0, %zmm2", "jmp NEXT"]
    operands = catalog.Operands(2, 1, temporaries=False)
    with pytest.raises(StencilError, match="x86-64-v4 bad: needs a temporary register"):
        extracted(lines, V4, work, operands=operands)
    assert extracted(lines, V4, work)["registers"][3][0] == "temporary"


def test_a_constant_outside_of_rodata_is_refused(work):
    constants = ['\t.section .data,"aw"', "\t.globl table", "table:", "\t.quad 1"]
    lines = ["vaddpd table(%rip), %zmm0, %zmm2", "jmp NEXT"]
    with pytest.raises(StencilError, match=r"x86-64-v4 bad: refers to table in section \.data"):
        extracted(lines, V4, work, constants, catalog.Operands(1, 1))


@pytest.mark.parametrize("isa", [V4, V3], ids=str)
def test_a_constant_at_an_absolute_address_is_refused(isa, work):
    constants = ['\t.section .rodata,"a"', "\t.globl table", "table:", "\t.quad 1"]
    vector = "zmm" if isa is V4 else "ymm"
    lines = ["movq $0, %rax", f"vaddpd table(%rax), %{vector}0, %{vector}2", "jmp NEXT"]
    with pytest.raises(StencilError, match="bad: the address of table is absolute"):
        extracted(lines, isa, work, constants, catalog.Operands(1, 1))


def test_a_length_that_depends_on_a_register_is_refused(work, monkeypatch):
    # Without the prefix that pins the encoding, low registers have a shorter one.
    monkeypatch.setattr(assembly, "_pin", lambda instruction, isa: instruction)
    with pytest.raises(
        StencilError, match=r"bad: its length depends on a register \(\d+, \d+ bytes"
    ):
        extracted(["vsubpd %ymm1, %ymm0, %ymm2", "jmp NEXT"], V3, work)


def test_masks_that_do_not_hold_are_refused(work, monkeypatch):
    renaming = extract.rename

    def wrong(routine, label, vectors, pointer, isa):
        # One more instruction bit changes when two registers are high.
        lines = list(renaming(routine, label, vectors, pointer, isa))
        both = vectors[0] > 7 and vectors[1] > 7
        return [line.replace("vaddpd", "vsubpd") if both else line for line in lines]

    monkeypatch.setattr(extract, "rename", wrong)
    with pytest.raises(StencilError, match="x86-64-v4 bad: its registers are not XOR-linear"):
        extracted(GOOD, V4, work)


def test_a_hole_that_is_not_empty_is_refused(work):
    # A relocation with an addend in the code's own bytes.
    lines = [".reloc ., R_X86_64_32, SLOT", "movl $5, %eax", *GOOD]
    with pytest.raises(StencilError, match=r"bad: the hole SLOT at \+0x0 is not empty"):
        extracted(lines, V4, work)


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ("missing", "stencils/ops.c: no stencil add_f64 (row in cpnum/ops.py)"),
        ("extra", "cpnum/ops.py: no row for stencil twice_f64 (line in stencils/ops.c)"),
    ],
)
def test_rows_and_stencils_are_compared_in_both_directions(found, text):
    names = set(catalog.expected("ops", 8))
    build._compare("ops", 8, names)
    names = names - {"add_f64"} if found == "missing" else names | {"twice_f64"}
    with pytest.raises(StencilError) as caught:
        build._compare("ops", 8, names)
    assert str(caught.value) == text


def test_c_that_does_not_compile_is_refused_with_what_clang_says(work):
    source = work / "broken.c"
    source.write_text("this is not C\n", encoding="utf-8")
    with pytest.raises(StencilError) as caught:
        compiler.compile_c(source, V4, 8, work)
    assert "broken.c" in str(caught.value)
    assert "error:" in str(caught.value)


def test_a_stencil_of_c_that_calls_a_function_is_refused(work):
    source = work / "calls.c"
    source.write_text(
        f'#include "{SOURCES}/stencil.h"\n'
        "double outside(double);\n"
        "TO(NEXT, next_bad, vf64 a, vf64 r);\n"
        "DEFINE(bad, vf64 a, vf64 r) { r[0] = outside(a[0]); CONTINUE next_bad(SAME, a, r); }\n",
        encoding="utf-8",
    )
    text = compiler.compile_c(source, V3, 8, work)
    functions, constants = assembly.split(assembly.name_constants(text), V3)
    assert list(functions) == ["bad"]
    with pytest.raises(StencilError, match=r"bad: touches |bad: refers to outside"):
        extracted(functions["bad"], V3, work, constants, catalog.Operands(1, 1))


# -- headers from the tables --------------------------------------------------------------------

SMALL = DType("i16", np.dtype("int16"), "I", 2, "short")


def test_every_dtype_has_a_type_of_its_size_in_c(work):
    source = work / "sizes.c"
    source.write_text(
        f'#include "{SOURCES}/vector.h"\n'
        "#define CHECK(T, element, bytes, family) _Static_assert(sizeof(element) == bytes, #T);\n"
        "DTYPES(CHECK)\n",
        encoding="utf-8",
    )
    for isa in LEVELS.values():
        for lane in catalog.LANES:
            compiler.compile_c(source, isa, lane, work)


def test_a_header_has_a_row_for_each_dtype_and_for_each_two():
    text = headers.dtypes()
    for dtype in DTYPES:
        assert f"#define DTYPE_{dtype}(M, ...) M({dtype}, {dtype.c}, {dtype.itemsize}, " in text
        assert text.count(f"    DTYPE_{dtype}(M, ##__VA_ARGS__)") == 1
        for to in DTYPES:
            pair = re.search(rf"M\({dtype}, \d, [A-Z]+, {to}, \d, [A-Z]+\)", text)
            assert bool(pair) == (to is not dtype), (dtype, to)


@pytest.mark.parametrize("source", ["cast", "memory"])
@pytest.mark.parametrize("name", LEVELS)
def test_one_row_is_all_that_casts_loads_and_stores_need_of_a_dtype(
    name, source, tmp_path, monkeypatch
):
    for module in (headers, catalog):
        monkeypatch.setattr(module, "DTYPES", (*DTYPES, SMALL))
    headers.write(tmp_path)
    for lane in (8, 4):
        text = compiler.compile_c(SOURCES / f"{source}.c", LEVELS[name], lane, tmp_path)
        functions, _ = assembly.split(assembly.name_constants(text), LEVELS[name])
        build._compare(source, lane, set(functions))
        assert any("i16" in function for function in functions)


def test_each_elementary_function_is_included_from_the_file_of_its_name():
    included = re.findall(r'#include "(.*)"', headers.elementary())
    assert all((SOURCES / each).is_file() for each in included)
    assert {f"math/{op.function}.h" for op in OPS.values() if op.ulp > 0.5} == set(included)


def test_no_line_of_c_is_wider_than_those_of_python():
    for path in SOURCES.rglob("*.[ch]"):
        for at, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert len(line) <= 100, f"{path.name}:{at}"


# -- the command --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LEVELS)
def test_list_prints_a_row_for_each_stencil(name, capsys):
    assert main(["list", "--isa", name]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == "stencil bytes in out temp constants holes".split()
    pack = load(LEVELS[name])
    assert [row.split()[0] for row in rows] == list(pack)
    for row in rows:
        stencil, size, operands, result, temporaries, constants, *holes = row.split()
        each = pack[stencil]
        assert (int(size), int(operands)) == (each.size, each.operands)
        assert result == ("tied" if each.tied else str(each.results))
        assert int(temporaries) == each.temporaries
        assert int(constants) == sum(value.constant is not None for value in each.values)
        assert ("POINTER" in holes) == (each.pointer is not None)


def test_show_prints_the_assembly_and_the_holes(capsys):
    assert main(["show", "add_f64", "--isa", "x86-64-v4"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("add_f64: 6 bytes, x86-64-v4\n    {evex} vaddpd %zmm1, %zmm0, %zmm2\n")
    assert "\n  62 (f1) (fd) (48) 58 (c0)\n" in out
    assert [line.split(":")[0].strip() for line in out.splitlines()[-3:]] == [
        "input",
        "input",
        "result",
    ]


def test_show_prints_constants_and_pointers(capsys):
    assert main(["show", "negative_f64", "--isa", "x86-64-v3"]) == 0
    assert "CONSTANT: 40+32 = 0000000000000080" in capsys.readouterr().out
    assert main(["show", "load_f64", "--isa", "aarch64"]) == 0
    assert f"pointer: one of {len(A64.pointers)} general registers" in capsys.readouterr().out


def test_show_of_what_is_not_there_is_an_error(capsys):
    assert main(["show", "nothing_f64", "--isa", "x86-64-v3"]) == 1
    assert "nothing_f64" in capsys.readouterr().err


def test_a_build_without_sources_says_where_they_are(tmp_path, capsys):
    assert main(["build", "--sources", str(tmp_path), "--output", str(tmp_path / "packs")]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "there are no stencils to build packs from",
        f"  seen: no C file in {tmp_path}",
        "  write --sources FOLDER, the `stencils` of a source checkout",
    ]


def test_a_build_without_its_tools_says_what_to_install(tmp_path, capsys, monkeypatch):
    def version(name):
        raise PackageNotFoundError(name)

    command = ["build", "--sources", str(SOURCES), "--output", str(tmp_path)]
    monkeypatch.setattr(build, "version", version)
    assert main(command) == 1
    monkeypatch.setitem(sys.modules, "cpnum.pack.build", None)  # as if it found no elftools
    assert main(command) == 1
    seen = capsys.readouterr().err.splitlines()
    assert [seen[0], seen[2]] * 2 == [seen[at] for at in (0, 2, 3, 5)]
    assert seen[0] == "a tool that packs are built with is not installed"
    assert seen[1] == "  seen: No package metadata was found for ziglang"
    assert seen[2] == '  write pip install ".[test]", in a source checkout'
    assert seen[4].startswith("  seen: import of cpnum.pack.build halted")


def test_a_build_that_cannot_write_says_where(tmp_path, capsys):
    (tmp_path / "file").touch()
    output = str(tmp_path / "file" / "packs")
    assert main(["build", "--sources", str(SOURCES), "--output", output]) == 1
    failed, seen = capsys.readouterr().err.splitlines()
    assert failed == "the packs cannot be built"
    assert seen == f"  seen: [Errno 20] Not a directory: '{output}'"


@pytest.fixture(params=["empty", "half an index", "half of the stencils", "one byte too few"])
def damaged(request, tmp_path, monkeypatch):
    """Give a folder of packs, that of x86-64-v3 damaged, as the package's own."""
    whole = Path(PACKS, "x86-64-v3.pack").read_bytes()
    sizes = {
        "empty": 0,
        "half an index": whole.index(b"\n") // 2,
        "half of the stencils": len(whole) // 2,
        "one byte too few": len(whole) - 1,
    }
    path = tmp_path / "x86-64-v3.pack"
    path.write_bytes(whole[: sizes[request.param]])
    monkeypatch.setattr("cpnum.stencil.PACKS", tmp_path)
    monkeypatch.setenv("CPNUM_ISA", "x86-64-v3")
    monkeypatch.setattr("cpnum.isa.runs_here", lambda isa: True)
    load.cache_clear()
    yield path
    load.cache_clear()


def test_a_damaged_pack_is_an_error_that_says_what_to_do(damaged, capsys):
    assert main(["list", "--isa", "x86-64-v3"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "the stencil pack x86-64-v3.pack is not whole",
        f"  seen: {damaged.stat().st_size} bytes in {damaged}",
        "  write python -m cpnum.pack build, in a source checkout; or install a wheel",
    ]
    seen = status()
    assert (seen.pack, seen.active) == ("none", "nothing")
    assert "not whole" in seen.why


def test_a_damaged_pack_is_not_current(damaged):
    assert not build.is_current(damaged, Pack(Path(PACKS, damaged.name)).digest)


def test_a_pack_that_is_missing_is_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("cpnum.stencil.PACKS", tmp_path)
    load.cache_clear()
    try:
        with pytest.raises(IsaError) as caught:
            load(V3)
    finally:
        load.cache_clear()
    assert str(caught.value) == (
        "no stencil pack for x86-64-v3\n"
        "  seen: no file x86-64-v3.pack beside the package\n"
        "  write python -m cpnum.pack build, in a source checkout; or install a wheel"
    )
