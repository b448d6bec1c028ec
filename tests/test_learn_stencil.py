"""`learn.stencil`: C becomes the stencil that the pack builder would make of it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cpnum import learn
from cpnum.errors import StencilError, ToolchainError
from cpnum.learn import compiling
from cpnum.pack.stencil import load
from cpnum.tables.isa import LEVELS, host

ADD = "OP(add, TT_T, FLOAT(a + b), INT(a + b), BOOL(a | b))"
SUBTRACT = """\
TO(NEXT, subtract_f64_next, vf64 a, vf64 b, vf64 result);
DEFINE(subtract_f64, vf64 a, vf64 b, vf64 result) {
    CONTINUE subtract_f64_next(SAME, a, b, a - b);
}
"""


def same(made, packed):
    assert (made.name, made.isa, made.size) == (packed.name, packed.isa, packed.size)
    assert made.code == packed.code
    assert made.registers == packed.registers
    assert made.values == packed.values
    assert (made.operands, made.results, made.tied) == (
        packed.operands,
        packed.results,
        packed.tied,
    )
    assert made.early_clobber == packed.early_clobber


@pytest.mark.parametrize("level", LEVELS)
def test_an_operator_of_c_is_the_stencil_of_the_pack(level):
    same(learn.stencil(ADD, "add_f64", level), load(level)["add_f64"])


@pytest.mark.parametrize("name", ["add_f32", "add_f32_lane8", "add_i32", "add_b"])
def test_the_name_says_the_dtype_and_the_lanes(name):
    same(learn.stencil(ADD, name, "x86-64-v3"), load("x86-64-v3")[name])


def test_a_function_of_c_is_the_stencil_of_the_pack():
    same(learn.stencil(SUBTRACT, isa="x86-64-v3"), load("x86-64-v3")["subtract_f64"])


def test_an_elementary_function_is_the_one_of_the_pack():
    made = learn.stencil("OP(exp, T_T, FLOAT(MATH(exp, a)))", "exp_f64", "x86-64-v3")
    same(made, load("x86-64-v3")["exp_f64"])


def test_a_comparison_is_two_stencils():
    c_source = "OP(less, TT_M, FLOAT(LESS(a, b)))"
    made = learn.stencil(c_source, "where_less_f64", "x86-64-v3")
    same(made, load("x86-64-v3")["where_less_f64"])


@pytest.mark.skipif(host() is None, reason="no stencil pack fits this processor")
def test_a_stencil_of_c_is_glued_and_run():
    pack, wide = load(host()), host().lanes(8)
    twice = learn.stencil("OP(twice, T_T, FLOAT(a + a))", "twice_f64")

    def put(name, *numbers, **values):
        return learn.instance(pack[name], *numbers, **values)

    pointer = host().pointers[0]
    code = learn.glue(
        [
            put("entry", BODY="body"),
            "body",
            put("load_pointer", pointer=pointer, SLOT=0),
            put("load_f64", 3, pointer=pointer, OFFSET=0),
            learn.instance(twice, 3, 5),
            put("store_f64", 5, pointer=pointer, OFFSET=0),
            put("finish"),
        ]
    )
    x = np.arange(float(wide))
    learn.run(code, [x], 0, wide)
    np.testing.assert_array_equal(x, 2.0 * np.arange(wide))


# -- what is refused ----------------------------------------------------------------------------

REFUSED = {
    "no C": ("this is not C", None, "clang refuses stencil.c\nstencil.c:1:1: error:"),
    "a name that is not known": (
        "OP(twice, T_T, F64(a + q))", "twice_f64", "stencil.c:1:24: error: use of undeclared",
    ),
    "another name": (ADD, "sub_f64", "the C text has no stencil sub_f64\n  seen: add_f64, "),
    "no name for several": (ADD, None, "the C text has more than one stencil"),
    "parameters that are not known": (
        SUBTRACT.replace("DEFINE", "#define D DEFINE\nD", 1), None,
        "subtract_f64: it is not known how many operands and results it has",
    ),
    "a call": (
        'double sin(double); OP(w, T_T, F64(a + sin(a[0])))', "w_f64", "w_f64: ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
def test_c_that_is_no_stencil_is_refused(why):
    c_source, name, text = REFUSED[why]
    with pytest.raises(StencilError) as caught:
        learn.stencil(c_source, name, "x86-64-v3")
    assert text in str(caught.value)
    assert max(map(len, str(caught.value).splitlines())) < 200
    assert "/tmp" not in str(caught.value)


def test_clang_says_once_what_each_dtype_has_again():
    with pytest.raises(StencilError) as caught:
        learn.stencil("OP(twice, T_T, ALL(a + q))", "twice_f64", "x86-64-v3")
    assert str(caught.value).count("error:") == 1


def test_the_number_of_parameters_can_be_given():
    hidden = SUBTRACT.replace("DEFINE", "#define D DEFINE\nD", 1)
    made = learn.stencil(hidden, isa="x86-64-v3", operands=2)
    same(made, load("x86-64-v3")["subtract_f64"])


@pytest.mark.parametrize("module", ["ziglang", "elftools"])
def test_without_a_compiler_the_error_names_the_extra(module, monkeypatch):
    compiling.compiled.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ToolchainError) as caught:
        learn.stencil(ADD, "add_f64")
    assert isinstance(caught.value, ImportError)
    assert str(caught.value).splitlines()[1:] == [
        f"  seen: no module {module}",
        '  write pip install "cpnum[learn]"',
    ]


def test_the_rest_needs_no_compiler():
    program = (
        "import sys; sys.modules.update(ziglang=None, elftools=None)\n"
        "from cpnum import learn\n"
        "print(learn.run(bytes.fromhex('b82a000000c3')))"
    )
    root = Path(compiling.__file__).parents[2]
    command = [sys.executable, "-c", program]
    if host() is None or host().architecture != "x86_64":
        pytest.skip("the bytes are of x86-64")
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "42\n"
