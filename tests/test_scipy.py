"""Ufuncs of `scipy.special`: those with a row, and what is said of the others.

Without SciPy, a module stands for it, with ufuncs of SciPy's names that NumPy makes.
"""

import sys
import types
import warnings

import numpy as np
import pytest
from cases import assert_same, quiet, special
from tracing import refused

import cpnum.special
from cpnum import cpjit
from cpnum.errors import UnsupportedError
from cpnum.ir.reference import function_of
from cpnum.tables.coverage import INSTEAD_OF_SCIPY
from cpnum.tables.dtypes import F32, F64, from_numpy
from cpnum.tables.ops import OPS

X = np.array([0.25, 1.0, 3.0])
SPECIAL = [op.name for op in OPS.values() if op.home == "special"]


@pytest.fixture
def stand_in(monkeypatch):
    """A module that has the names of SciPy's ufuncs."""
    module = types.ModuleType("scipy.special")
    for name in ("entr", "xlogy", "i0", "psi"):
        setattr(module, name, np.frompyfunc(lambda *operands: 0.0, 2 if name == "xlogy" else 1, 1))
    module.digamma = module.psi
    module.sqrt = np.sqrt
    monkeypatch.setitem(sys.modules, "scipy.special", module)
    return module


@pytest.fixture
def scipy_special():
    return pytest.importorskip("scipy.special")


# -- refusals -----------------------------------------------------------------------------------


def test_a_refusal_has_the_name_what_there_is_and_what_to_write(stand_in):
    text = refused(UnsupportedError, lambda x, y: stand_in.xlogy(x, y), X, X)
    assert "scipy.special.xlogy cannot be traced" in text
    assert "seen: operands of f64, f64" in text
    assert "write np.where(x == 0, 0.0, x * np.log(y)); of scipy.special there are sqrt" in text
    text = refused(UnsupportedError, lambda x: stand_in.i0(x), X)
    assert "scipy.special.i0 cannot be traced\n" in text
    assert "write its call outside of the function; of scipy.special there are sqrt" in text


def test_a_function_of_several_names_is_refused_by_all(stand_in):
    text = refused(UnsupportedError, lambda x: stand_in.psi(x), X)
    assert "scipy.special.digamma or scipy.special.psi cannot be traced" in text


def test_ufuncs_of_nobody_are_refused_as_before(stand_in):
    other = np.frompyfunc(lambda x: x, 1, 1)
    assert "the ufunc <lambda>" in refused(UnsupportedError, lambda x: other(x), X)
    text = refused(UnsupportedError, lambda x: np.bitwise_count(x), X)
    assert "numpy.bitwise_count" in text and "of scipy.special" not in text


# The operands of each definition: names, and values for which all of them are defined.
OPERANDS = {
    "boxcox": ("x", "lmbda"), "boxcox1p": ("x", "lmbda"), "huber": ("delta", "r"),
    "inv_boxcox": ("x", "lmbda"), "inv_boxcox1p": ("x", "lmbda"), "kl_div": ("x", "y"),
    "pseudo_huber": ("delta", "r"), "radian": ("d", "m", "s"), "rel_entr": ("x", "y"),
    "xlog1py": ("x", "y"), "xlogy": ("x", "y"),
}  # fmt: skip


def definition(name):
    """Return what is written instead of a function of SciPy, as a function."""
    names = OPERANDS.get(name, ("x",))
    scope = {"np": np, "erfc": cpnum.special.erfc}
    return eval(f"lambda {', '.join(names)}: {INSTEAD_OF_SCIPY[name]}", scope)


def operands_of(name):
    """Return operands, zeros among them where there is a value."""
    x = np.concatenate([np.linspace(0, 3, 25), np.linspace(0.001, 0.1, 5)])
    y = np.linspace(0.25, 2, x.size)
    names = OPERANDS.get(name, ("x",))
    return (y, x) if "delta" in names else (x, y, y * 2)[: len(names)]


@pytest.mark.parametrize("name", INSTEAD_OF_SCIPY)
def test_what_is_written_instead_can_be_traced(name):
    function, operands = definition(name), operands_of(name)
    with quiet():
        expected, actual = function(*operands), cpjit(function)(*operands)
    np.testing.assert_allclose(actual, expected, rtol=1e-14, atol=1e-15)


# -- with SciPy ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INSTEAD_OF_SCIPY)
def test_what_is_written_instead_is_the_function(name, scipy_special):
    function, operands = definition(name), operands_of(name)
    with quiet():
        expected, actual = getattr(scipy_special, name)(*operands), cpjit(function)(*operands)
    np.testing.assert_allclose(actual, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", ["cbrt", "exp2", "expm1", "log1p"])
def test_functions_that_numpy_has_too_report_what_scipys_do(name, scipy_special):
    function = getattr(scipy_special, name)
    for x in (np.array([-2.0, -1.0, 2000.0]), np.array([0.5, np.nan, -np.inf])):
        for values in (x, x.astype("f4")):
            with warnings.catch_warnings(record=True) as theirs:
                warnings.simplefilter("always")
                expected = function(values)
            with warnings.catch_warnings(record=True) as ours:
                warnings.simplefilter("always")
                actual = cpjit(lambda x: function(x))(values)
            np.testing.assert_allclose(actual, expected, rtol=4 * np.finfo(values.dtype).eps)
            assert [str(each.message) for each in theirs] == [str(each.message) for each in ours]


@pytest.mark.parametrize("name", SPECIAL)
def test_each_row_is_a_ufunc_of_scipy(name, scipy_special):
    function = getattr(scipy_special, name)
    for dtype in (F64, F32):
        x = special(dtype)
        actual = cpjit(lambda x: function(x))(x)
        assert_same(cpjit(lambda x: getattr(cpnum.special, name)(x))(x), actual, name)
        if name == "gammasgn":
            assert_same(function(x), actual, x)


def test_the_list_of_what_there_is_is_short(scipy_special):
    text = refused(UnsupportedError, lambda x: scipy_special.j0(x), X)
    there = text.partition("there are ")[2].split()
    assert set(SPECIAL) < set(there) and len(there) < 20


# -- gammasgn -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_gammasgn_is_exact(dtype, level):
    random = np.random.default_rng(3)
    wide = np.finfo(dtype).nmant
    x = np.concatenate(
        [
            special(from_numpy(np.dtype(dtype))),
            np.arange(-20, 20, 0.25),
            random.uniform(-200, 0, 500),
            -(2.0 ** np.arange(wide - 3, wide + 4)) - 1.5,
            -(2.0 ** np.arange(-wide, 4)),
        ]
    ).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        actual = cpjit(lambda x: cpnum.special.gammasgn(x), isa=level)(x)
    assert_same(function_of(OPS["gammasgn"])(x), actual, x)
    gamma = cpnum.special.gamma(x)
    plain = np.isfinite(gamma) & (gamma != 0)
    assert np.array_equal(np.sign(gamma[plain]), actual[plain])
