"""`cpnum.operator`: operators of users, fused with all others."""

import sys

import cloudpickle
import numpy as np
import pytest
from cases import HERE

import cpnum
from cpnum import cpjit, learn, operator
from cpnum.errors import DTypeError, StencilError, ToolchainError
from cpnum.learn import compiling
from cpnum.tables.isa import host

pytestmark = pytest.mark.skipif(not HERE, reason="no stencil pack fits this processor")

SMOOTH = "OP(smooth, T_T, FLOAT(a * a * (K(3.0) - K(2.0) * a)))"
BLEND = "OP(blend, TT_T, FLOAT(a * b + a), INT(a * b + a), BOOL(a ^ b))"
BOTH = "OP(both, MM_M, BOOL(a & b))"
POSITIVE = "OP(is_positive, T_M, FLOAT(LESS(K(0.0), a)))"
ABOVE = "OP(above, TT_M, FLOAT(LESS(b, a)), INT(a > b), BOOL(a & ~b))"
NEAR = "OP(near, TTT_T, FLOAT(FMA(a, b, c)))"


def smooth_of_numpy(x):
    return x * x * (3 - 2 * x)


def blend_of_numpy(x, y):
    return x ^ y if x.dtype == bool else x * y + x


smooth = operator("smooth", SMOOTH, smooth_of_numpy)
blend = operator("blend", BLEND, blend_of_numpy)
above = operator("above", ABOVE, lambda x, y: x > y)


def same(result, expected):
    assert type(result) is type(expected)
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "i4", "?"])
@pytest.mark.parametrize("length", [0, 1, 7, 67])
def test_all_dtypes(dtype, length):
    x = (np.arange(length) % 5).astype(dtype)
    y = (np.arange(length) % 2).astype(dtype)
    same(blend(x, y), blend_of_numpy(x, y))
    same(above(x, y), x > y)


def test_layouts():
    x = np.linspace(0, 1, 60).reshape(6, 10)
    for view in (x, x.T, x[::-1, ::2], x[:, :1], x[0], x[1:, 3:]):
        same(smooth(view), smooth_of_numpy(view))
        same(blend(view, x[0, 0]), blend_of_numpy(view, x[0, 0]))
    same(blend(x, x[:, :1]), blend_of_numpy(x, x[:, :1]))
    out = np.empty((6, 10))
    assert smooth(x, out=out) is out
    same(out, smooth_of_numpy(x))


def test_numbers():
    same(smooth(0.25), np.float64(0.15625))
    same(smooth(np.float32(0.25)), np.float32(0.15625))
    same(blend(np.ones(3, "f4"), 2.0), np.full(3, 3, "f4"))
    same(blend(np.arange(3, dtype="i4"), 1.5), blend_of_numpy(np.arange(3.0), 1.5))


@pytest.mark.parametrize("level", HERE)
def test_it_is_fused_with_other_operators(level):
    f = cpjit(lambda x, y: np.where(above(smooth(x), y), np.sqrt(x), -blend(x, y)), isa=level)
    x, y = np.random.default_rng(1).uniform(0, 1, (2, 67))
    same(f(x, y), f.py_func(x, y))
    narrow = x.astype("f4")
    same(f(narrow, y), f.py_func(narrow, y))
    same(f(narrow, narrow[::-1]), f.py_func(narrow, narrow[::-1]))
    text = str(f.lower(x, y).instances)
    assert "smooth_f64" in text
    assert "where_above_f64" in text


def test_a_report_shows_it():
    f = cpjit(lambda x: smooth(x) + 1)
    report = f.explain(np.linspace(0, 1, 99))
    assert "smooth_f64" in report.text()
    assert "fused into 1 loop" in report.text()
    assert "smooth x" in str(f.lower(np.linspace(0, 1, 99)).graph)


def test_floating_point_errors_are_those_of_the_reference():
    with pytest.warns(RuntimeWarning, match="overflow encountered in multiply"):
        smooth(np.full(3, 1e200))


def test_other_dtypes_are_refused():
    with pytest.raises(DTypeError) as caught:
        smooth(np.arange(3))
    assert "no stencils for smooth of int64" in str(caught.value)
    assert "write x.astype(dtype) first; smooth has stencils for f64, f32" in str(caught.value)
    with pytest.raises(DTypeError, match="complex128"):
        smooth(np.ones(3, complex))


def test_a_name_can_be_used_again_for_other_stencils():
    x = np.linspace(0, 1, 9)
    first = cpjit(lambda x: smooth(x) + 1)
    before = first(x)
    other = operator("smooth", "OP(smooth, T_T, FLOAT(a + a))", lambda x: x + x)
    same(other(x), x + x)
    same(cpjit(lambda x: other(x) - smooth(x))(x), 2 * x - smooth_of_numpy(x))
    same(first(x), before)
    same(operator("smooth", SMOOTH, smooth_of_numpy)(x), smooth_of_numpy(x))


def test_stencils_that_are_compiled_already():
    made = [
        learn.stencil("OP(thrice, T_T, FLOAT(K(3.0) * a))", name)
        for name in ("thrice_f64", "thrice_f32_lane8")
    ]
    thrice = operator("thrice", made, lambda x: 3 * x)
    x = np.arange(9.0)
    same(thrice(x), 3 * x)
    same(cpjit(lambda x, y: thrice(x) + y)(x.astype("f4"), x), 4 * x)
    with pytest.raises(StencilError, match="the operator has no stencil thrice_f32 for"):
        thrice(x.astype("f4"))


def test_three_operands():
    near = operator("near", NEAR, lambda x, y, z: x * y + z)
    x = np.arange(9.0)
    same(near(x, 2.0, x), 3 * x)


def test_masks():
    x = np.linspace(-1, 1, 13)
    is_positive = operator("is_positive", POSITIVE, lambda x: x > 0)
    both = operator("both", BOTH, lambda x, y: x & y)
    same(is_positive(x), x > 0)
    same(both(x > 0, x < 0.5), (x > 0) & (x < 0.5))
    f = cpjit(lambda x: np.where(both(is_positive(x), x < 0.5), x, 0.0))
    same(f(x), np.where((x > 0) & (x < 0.5), x, 0.0))
    with pytest.raises(DTypeError, match="no stencils for both of float64"):
        both(x, x > 0)


def test_the_reference_computes_where_machine_code_cannot():
    def function(x):
        return smooth(np.unique(x))

    x = np.linspace(1, 0, 9)
    with pytest.warns(RuntimeWarning, match="runs through NumPy"):
        same(cpjit(function, fallback="numpy")(x), smooth_of_numpy(x[::-1]))


def test_it_is_sent_to_other_processes_by_value():
    x = np.linspace(0, 1, 9)
    local = operator("smooth", SMOOTH, lambda x: x * x * (3 - 2 * x))
    local.py_func.__module__ = "__main__"
    again = cloudpickle.loads(cloudpickle.dumps(local))
    same(again(x), smooth_of_numpy(x))
    user = cpjit(lambda x: local(x) + 1)
    same(cloudpickle.loads(cloudpickle.dumps(user))(x), smooth_of_numpy(x) + 1)


def test_compiled_stencils_are_not_sent():
    made = [learn.stencil("OP(half, T_T, FLOAT(K(0.5) * a))", "half_f64")]
    half = operator("half", made, lambda x: 0.5 * x)
    half.py_func.__module__ = "__main__"
    with pytest.raises(TypeError, match="the operator half can be sent if its stencils are a C"):
        cloudpickle.dumps(half)


REFUSED = {
    "a name of NumPy": (("add", SMOOTH), "there is an operator add"),
    "a name of a stencil": (("load", SMOOTH), "there is an operator load"),
    "no name": (("2x", SMOOTH), "'2x' is no name"),
    "another name": (("soft", SMOOTH), "the C text has no OP(soft, types, cells)"),
    "types of the table": (("pick", "OP(pick, MTT_T, ALL(m ? a : b))"), "the types are T_T, TT_T"),
    "C that is wrong": (("soft", "OP(soft, T_T, FLOAT(a + q))"), "error: use of undeclared"),
    "no stencils": (("soft", []), "soft needs stencils with 1 to 3 operands"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_no_operator_is_refused(why):
    given, text = REFUSED[why]
    with pytest.raises(StencilError) as caught:
        operator(*given, lambda x: x)
    assert text in str(caught.value)


def test_without_a_compiler_the_error_names_the_extra(monkeypatch):
    compiling.compiled.cache_clear()
    monkeypatch.setitem(sys.modules, "ziglang", None)
    with pytest.raises(ToolchainError, match=r"cpnum\[learn\]"):
        operator("fresh", "OP(fresh, T_T, FLOAT(a))", lambda x: x)


def test_it_is_a_name_of_cpnum():
    assert cpnum.operator is operator
    assert host() is not None
