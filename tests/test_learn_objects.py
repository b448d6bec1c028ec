"""Stencils of object files that other compilers made: Zig, C++ and Rust."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cpnum import cpjit, learn, operator
from cpnum.errors import StencilError
from cpnum.tables.isa import V3, runs_here

ZIG = """
const V = @Vector(4, f64);
export fn smooth(a: V) V {
    const three: V = @splat(3.0);
    const two: V = @splat(2.0);
    return a * a * (three - two * a);
}
export fn ramp(a: V) V {
    const step = V{ 0.5, 1.5, 2.5, 3.5 };
    return a + step;
}
"""
CPP = """
typedef double vec __attribute__((vector_size(32)));
typedef double short_vec __attribute__((vector_size(16)));
template <typename T> static T cubed(T a) { return a * a * a; }
extern "C" vec cube(vec a) { return cubed(a); }
extern "C" vec backward(vec a, vec b) { return b - a; }
extern "C" vec blend(vec a, vec b, vec t) { return a + (b - a) * t; }
extern "C" vec first_matters(vec a) {
    if (a[0] > 1.0) return a * a;
    if (a[0] < -1.0) return -a;
    return a + a;
}
extern "C" vec other(vec a);
extern "C" vec calls(vec a) { return other(a) + a; }
extern "C" short_vec narrow(short_vec a) { return a * a; }
extern "C" vec ends_the_vectors(vec a) {
    vec b = a * a;
    asm volatile("vzeroupper" ::: "memory");
    return b;
}
extern "C" vec counts(vec a) {
    asm volatile("xorq %%rcx, %%rcx" ::: "rcx");
    return a * a;
}
double total;
extern "C" vec remembers(vec a) { total += a[0]; return a; }
"""
RUST = """
#![crate_type = "lib"]
#![no_std]
use core::arch::x86_64::*;
#[no_mangle]
#[target_feature(enable = "avx2")]
pub unsafe extern "C" fn smooth(a: __m256d) -> __m256d {
    let t = _mm256_sub_pd(_mm256_set1_pd(3.0), _mm256_mul_pd(_mm256_set1_pd(2.0), a));
    _mm256_mul_pd(_mm256_mul_pd(a, a), t)
}
"""
TARGET = ["-target", "x86_64-linux-musl", "-mcpu=x86_64_v3"]
ZIG_COMMAND = [sys.executable, "-m", "ziglang"]


def compiled(folder, command, name, text):
    source, output = folder / name, folder / f"{name}.o"
    source.write_text(text)
    words = [str(each) for each in command]
    subprocess.run([*words[:-1], f"{words[-1]}{output}", str(source)], check=True)
    return output.read_bytes()


@pytest.fixture(scope="module")
def zig(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zig")
    options = ["-O", "ReleaseFast", "-fstrip", *TARGET, "-femit-bin="]
    return compiled(folder, [*ZIG_COMMAND, "build-obj", *options], "s.zig", ZIG)


@pytest.fixture(scope="module")
def cpp(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cpp")
    return compiled(folder, [*ZIG_COMMAND, "c++", "-O2", *TARGET, "-c", "-o"], "s.cpp", CPP)


@pytest.fixture
def v3(monkeypatch):
    """Compile for x86-64-v3, also where operators are called by themselves."""
    if not runs_here(V3):
        pytest.skip("this processor does not run x86-64-v3")
    monkeypatch.setenv("CPNUM_ISA", "x86-64-v3")


def smooth(x):
    return x * x * (3 - 2 * x)


X = np.linspace(-2.0, 2.0, 19)


def test_a_function_of_zig_is_an_operator(zig, v3):
    own = operator("zig_smooth", [learn.from_object(zig, "smooth", "zig_smooth_f64", V3)], smooth)
    fused = cpjit(lambda x, y: np.sqrt(own(x) + 30) * y)
    np.testing.assert_array_equal(fused(X, 2.0), np.sqrt(smooth(X) + 30) * 2.0)


def test_a_constant_of_several_lanes_keeps_its_lanes(zig, v3):
    ramp = learn.from_object(zig, "ramp", "ramp_f64", V3)
    (hole,) = [each for each in ramp.values if each.constant is not None]
    assert np.frombuffer(hole.constant).tolist() == [0.5, 1.5, 2.5, 3.5]


def test_an_operand_that_the_function_changes_is_kept(cpp, v3):
    own = operator("cpp_cube", [learn.from_object(cpp, "cube", "cpp_cube_f64", V3)], np.positive)
    np.testing.assert_array_equal(cpjit(lambda x: own(x) - x)(X), X * X * X - X)


def test_two_operands_are_kept(cpp, v3):
    stencil = learn.from_object(cpp, "backward", "backward_f64", V3, operands=2)
    own = operator("backward", [stencil], lambda x, y: y - x)
    y = X[::-1].copy()
    np.testing.assert_array_equal(cpjit(lambda x, y: own(x, y) * x - y)(X, y), (y - X) * X - y)


def test_three_operands(cpp, v3):
    stencil = learn.from_object(cpp, "blend", "blend_f64", V3, operands=3)
    own = operator("blend", [stencil], lambda x, y, t: x + (y - x) * t)
    weights = np.full(X.shape, 0.5)  # halves are exact, fused or not
    np.testing.assert_array_equal(own(X, -X, weights), X + (-X - X) * weights)


def test_jumps_stay_inside_of_the_stencil(cpp, v3):
    stencil = learn.from_object(cpp, "first_matters", "first_matters_f64", V3)
    own = operator("first_matters", [stencil], lambda x: x)
    x = np.array([2.0, 1.0, 1.0, 1.0, 0.5, 1.0, 1.0, 1.0, -3.0, 1.0, 1.0, 1.0])
    expected = np.array([4.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 3.0, -1.0, -1.0, -1.0])
    np.testing.assert_array_equal(own(x), expected)


@pytest.mark.skipif(shutil.which("rustc") is None, reason="there is no Rust here")
def test_a_function_of_rust_is_an_operator(tmp_path, v3):
    options = ["-O", "--emit", "obj", "-C", "panic=abort", "-A", "warnings", "-o"]
    done = tmp_path / "s.rs"
    done.write_text(RUST)
    output = tmp_path / "s.o"
    subprocess.run(["rustc", *options, str(output), str(done)], check=True)
    stencil = learn.from_object(output.read_bytes(), "smooth", "rust_smooth_f64", V3)
    own = operator("rust_smooth", [stencil], smooth)
    np.testing.assert_array_equal(cpjit(lambda x: own(x) - x)(X), smooth(X) - X)


REFUSED = {
    "missing": ("no function missing\n  seen: .*cube", "missing"),
    "calls": ("it calls another function|refers to other", "calls"),
    "narrow": ("does not compute on vectors of x86-64-v3", "narrow"),
    "vzeroupper": ("clears the upper halves", "ends_the_vectors"),
    "general register": ("touches rcx, which is neither pinned nor scratch", "counts"),
    "variable": ("refers to total outside of it", "remembers"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_no_stencil_is_refused(cpp, why):
    words, function = REFUSED[why]
    with pytest.raises(StencilError, match=words):
        learn.from_object(cpp, function, "refused_f64", V3)


def test_what_is_no_object_file_is_refused():
    with pytest.raises(StencilError, match="no ELF object file"):
        learn.from_object(b"not ELF", "f", "f_f64", V3)
    program = Path(sys.executable).read_bytes()
    with pytest.raises(StencilError, match="object files"):
        learn.from_object(program, "f", "f_f64", V3)
