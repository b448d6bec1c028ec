"""What is no stencil is refused when packs are built.

The bad stencils are C and assembly as clang would write it; they go through the steps of
`cpnum.toolchain.build`.
"""

import re
from pathlib import Path

import pytest

from cpnum.errors import StencilError
from cpnum.tables import stencils
from cpnum.tables.isa import A64, V3, V4
from cpnum.tables.stencils import Parameters
from cpnum.toolchain import architecture, assembly, build, compiler, extract, headers

SOURCES = Path(__file__).parents[1] / "stencils"


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    headers.write(folder)
    return folder


def extracted(lines, isa, work, constants=(), parameters=None, name="bad", entry=False):
    """Take assembly through what follows clang in the build."""
    made = assembly.routine(name, list(lines), isa, entry=entry)
    plan = extract.plan(made, parameters or Parameters(2, 1), isa)
    elf = compiler.assemble(extract.text_of([plan], list(constants), isa), isa, work, name)
    return extract.extract(plan, extract.read(elf), isa)


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
    record = extracted(lines, V4, work, parameters=Parameters(3, 1))
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
    parameters = Parameters(2, 1, temporaries=False)
    with pytest.raises(StencilError, match="x86-64-v4 bad: needs a temporary register"):
        extracted(lines, V4, work, parameters=parameters)
    assert extracted(lines, V4, work)["registers"][3][0] == "temporary"


def test_a_constant_outside_of_rodata_is_refused(work):
    constants = ['\t.section .data,"aw"', "\t.globl table", "table:", "\t.quad 1"]
    lines = ["vaddpd table(%rip), %zmm0, %zmm2", "jmp NEXT"]
    with pytest.raises(StencilError, match=r"x86-64-v4 bad: refers to table in section \.data"):
        extracted(lines, V4, work, constants, Parameters(1, 1))


@pytest.mark.parametrize("isa", [V4, V3], ids=str)
def test_a_constant_at_an_absolute_address_is_refused(isa, work):
    constants = ['\t.section .rodata,"a"', "\t.globl table", "table:", "\t.quad 1"]
    vector = "zmm" if isa is V4 else "ymm"
    lines = ["movq $0, %rax", f"vaddpd table(%rax), %{vector}0, %{vector}2", "jmp NEXT"]
    with pytest.raises(StencilError, match="bad: the address of table is absolute"):
        extracted(lines, isa, work, constants, Parameters(1, 1))


def test_a_length_that_depends_on_a_register_is_refused(work, monkeypatch):
    # Without the prefix that pins the encoding, low registers have a shorter one.
    monkeypatch.setitem(architecture._VECTOR_ENCODING, V3, lambda instruction: instruction)
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
        ("missing", "stencils/ops.c: no stencil add_f64 (row in cpnum/tables/ops.py)"),
        ("extra", "cpnum/tables/ops.py: no row for stencil twice_f64 (line in stencils/ops.c)"),
    ],
)
def test_rows_and_stencils_are_compared_in_both_directions(found, text):
    names = set(stencils.expected("ops", 8))
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
        extracted(functions["bad"], V3, work, constants, Parameters(1, 1))
