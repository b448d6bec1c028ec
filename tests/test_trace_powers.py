"""Powers that are traced have NumPy's dtypes, values and errors."""

import operator

import numpy as np
import pytest
from cases import assert_same
from tracing import DTYPES, check, refused, sample

from cpnum.errors import DTypeError, UnsupportedError
from cpnum.ir.evaluate import evaluate
from cpnum.trace.trace import trace

EXPONENTS = [2, 2.0, 0.5, -1, -1.0, 1, 1.0, 0, 0.0, True, False]

EXPONENTS += [np.float64(2), np.float32(0.5), np.int64(2), np.int32(0), np.float64(-1), np.int32(2)]


@pytest.mark.parametrize("exponent", EXPONENTS, ids=repr)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("power", [operator.pow, np.power], ids=["operator", "function"])
def test_powers_have_numpys_bits(power, exponent, dtype):
    x = sample(dtype)
    try:
        with np.errstate(all="ignore"):
            expected = power(x, exponent)
    except ValueError as error:
        with pytest.raises(ValueError, match=str(error)):
            trace(lambda x: power(x, exponent), (x,))
        return
    if expected.dtype in (np.int8, np.float16):
        assert "no stencils" in refused(DTypeError, lambda x: power(x, exponent), x)
        return
    check(lambda x: power(x, exponent), x)
    random = np.random.default_rng(0).standard_normal(5000).astype(dtype)
    check(lambda x: power(x, exponent), random)
    check(lambda x: power(x, exponent), random[::3])
    if power is np.power or dtype in ("i8", "i4", "?"):
        check(lambda x: power(x, exponent), np.array(random[0]))


@pytest.mark.parametrize("exponent", [3, 7, 10, 64, 2**20 + 5, np.int64(5)], ids=repr)
@pytest.mark.parametrize("dtype", ["i8", "i4", "?"])
def test_powers_of_integers_wrap_as_numpys(dtype, exponent):
    x = sample(dtype)
    check(lambda x: np.power(x, exponent), x)


def test_an_integer_power_is_products():
    graph = trace(lambda x: x**5, (np.ones(3, int),))
    assert "multiply" in str(graph)
    assert "power" not in str(graph)


@pytest.mark.parametrize("power", [operator.pow, np.power], ids=["operator", "function"])
@pytest.mark.parametrize("right", [*DTYPES, 2.5, 3, True, np.float32(2.5), np.float64(3)], ids=repr)
@pytest.mark.parametrize("left", [*DTYPES, 2.5, 3, np.float32(2.5)], ids=repr)
def test_general_powers_have_numpys_dtypes_and_values(power, left, right):
    """Here they are computed by NumPy; what the row computes is in test_elementary.py."""
    operands = [sample(each) if isinstance(each, str) else each for each in (left, right)]
    arrays = [each for each in operands if isinstance(each, np.ndarray)]
    if not arrays:
        return

    def raised(*arrays):
        left_over = iter(arrays)
        return power(*(next(left_over) if isinstance(e, np.ndarray) else e for e in operands))

    try:
        with np.errstate(all="ignore"):
            expected = raised(*arrays)
    except ValueError as error:  # integers to negative powers
        assert "negative integer powers" in str(error)
        return
    if expected.dtype == np.int8:
        assert "no stencils" in refused(DTypeError, raised, *arrays)
    elif expected.dtype.kind == "i" and isinstance(operands[1], np.ndarray):
        assert "cannot be traced" in refused(UnsupportedError, raised, *arrays)
    else:
        graph = trace(raised, arrays)
        with np.errstate(all="ignore"):
            assert_same(expected, evaluate(graph, arrays))


def test_an_exponent_of_the_call_is_an_operand():
    graph = trace(lambda x, n: x**n, (np.ones(3), 2.0))
    for n in (2.0, 0.5, -1.5):
        assert_same(np.array([1.0, 4.0, 9.0]) ** n, evaluate(graph, (np.array([1.0, 4.0, 9.0]), n)))


def test_a_power_of_a_scalar_has_the_special_values_of_pow():
    roots = trace(lambda x: x**0.5, (np.float64(1),))
    for x in (4.0, 0.0, -0.0, np.inf, -np.inf):
        expected = np.float64(x) ** 0.5
        assert expected.tobytes() == evaluate(roots, (np.float64(x),), warn=False).tobytes()
    square = trace(lambda x: x**2, (np.float64(1),))
    assert 9.0 == evaluate(square, (np.float64(-3),))
