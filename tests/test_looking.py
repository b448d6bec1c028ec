"""What a compiled function shows of itself: signatures, graphs, code, stages."""

import numpy as np
import pytest
from calls import X, Y, hypot

import cpnum
from cpnum import cpjit
from cpnum.compile.kernel import Kernel
from cpnum.compile.schedule import Nest
from cpnum.ir.graph import Graph


def test_signatures_are_listed_in_the_order_of_their_first_calls():
    f = cpjit(hypot)
    assert f.signatures == []
    f(X, Y)
    f(X.astype("f4"), 2.0)
    f(X[:, None], Y)
    f(X[:5], Y[:5])
    assert f.signatures == ["f64[:], f64[:]", "f32[:], float", "f64[:, 1], f64[:]"]
    assert list(f.inspect_ir()) == f.signatures
    assert list(f.inspect_asm()) == f.signatures
    assert repr(f) == "<cpjit hypot: 3 signatures>"


def test_an_out_of_the_results_dtype_is_no_other_signature():
    f = cpjit(hypot)
    f(X, Y)
    f(X, Y, out=np.empty_like(X))
    assert f.signatures == ["f64[:], f64[:]"]


def test_inspect_ir_is_the_text_of_the_graph():
    f = cpjit(hypot)
    f(X, Y)
    assert f.inspect_ir() == {
        "f64[:], f64[:]": (
            "hypot(x: f64[:], y: f64[:])\n"
            "  %0 = multiply x x  f64\n"
            "  %1 = multiply y y  f64\n"
            "  %2 = add %0 %1     f64\n"
            "  %3 = sqrt %2       f64\n"
            "  return %3"
        )
    }


def test_no_graph_is_left_out_of_the_looks():
    @cpjit
    def scaled(x, mode, **others):
        for each in others.values():
            x = x + each
        return x.reshape(-1) if mode is None else x * len(mode)

    scaled(X, "a")
    scaled(X, "b")
    scaled(X, None)
    scaled(X[:5], None)
    scaled(X[:10:2], None)
    scaled(X, "c" * 100 + "1" + "c" * 100)
    scaled(X, "c" * 100 + "2" + "c" * 200)
    scaled(X, "a", y=Y)
    scaled(X, "a", z=Y)
    long = f"f64[:], '{'c' * 27}...{'c' * 28}'"
    assert scaled.signatures == [
        "f64[:], 'a'",
        "f64[:], 'b'",
        "f64[37], None",
        "f64[5], None",
        long,
        "f64[:], 'a', f64[:]",
    ]
    assert repr(scaled) == "<cpjit scaled: 6 signatures>"
    graphs, code = scaled.inspect_ir(), scaled.inspect_asm()
    assert list(graphs) == list(code) == scaled.signatures
    # Two that are printed alike.
    assert "multiply x 201.0" in graphs[long]
    assert "multiply x 301.0" in graphs[long]
    assert "y: f64[:])" in graphs["f64[:], 'a', f64[:]"]
    assert "z: f64[:])" in graphs["f64[:], 'a', f64[:]"]


def test_inspect_asm_is_the_disassembly_of_each_layout(level):
    f = cpjit(hypot, isa=level)
    f(X, Y)
    once = f.inspect_asm()["f64[:], f64[:]"]
    assert "vsqrtpd" in once
    assert "vmulpd" in once
    f(X[::2], Y[::2])
    twice = f.inspect_asm()["f64[:], f64[:]"]
    assert twice.count("vsqrtpd") > once.count("vsqrtpd")


@pytest.mark.parametrize("name", ["x86-64-v4", "x86-64-v3", "aarch64"])
def test_lower_has_all_stages_for_any_level(name):
    f = cpjit(hypot, isa=name)
    kernel = f.lower(X, Y)
    assert isinstance(kernel, Kernel)
    assert isinstance(kernel.graph, Graph)
    assert isinstance(kernel.loop_nest, Nest)
    assert kernel.loop_nest.isa.name == name
    assert "sqrt_f64" in str(kernel.instances)
    assert isinstance(kernel.code.data, bytes)
    assert str(kernel).startswith(str(kernel.graph))
    assert {"trace", "simplify", "schedule", "select", "assign", "emit"} <= set(kernel.seconds)
    assert all(seconds >= 0 for seconds in kernel.seconds.values())


def test_lower_does_not_run_the_function_on_arrays(level):
    out = np.full_like(X, 7.0)
    f = cpjit(hypot, isa=level)
    kernel = f.lower(X, Y, out=out)
    assert np.all(out == 7.0)
    f(X, Y, out=out)
    assert f.lower(X, Y, out=out).code is kernel.code
    assert f.lower(x=X, y=Y, out=out) is f.lower(X, Y, out=out)


def test_explain_reports_all_stages():
    report = cpjit(hypot).explain(X, Y).text(full=True)
    for text in (
        "sqrt_f64",
        "%3 = sqrt %2",
        "vsqrtpd" if cpjit(hypot).isa.architecture == "x86_64" else "",
    ):
        assert text in report


def test_status_says_what_is_active():
    text = str(cpnum.status())
    assert "machine code" in text
    assert np.__version__ in text


def test_pointers_strides_extents_and_scalars_are_in_the_code(level):
    out = np.empty((5, 7))
    x = np.ones((5, 15))[:, ::2][:, :7]
    bound = cpjit(lambda x, a: x * a, isa=level).bind(x, 2.71828, out=out)
    code = bound.region.read()
    for value in (x.ctypes.data, out.ctypes.data):
        assert value.to_bytes(8, "little") in code
    assert np.float64(2.71828).tobytes() in code
