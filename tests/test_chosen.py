"""`y[mask] = f(x[mask])`: f sees the elements that the mask chooses, and no others."""

import warnings

import numpy as np
import pytest
from cases import assert_same

from cpnum import cpjit
from cpnum.errors import CpnumError, RangeError, ShapeError, UnsupportedError


def a_number(x):
    y = x * 1
    y[y > 1] = 7
    return y


def a_number_for_what_is_not_finite(x):
    y = np.sqrt(np.abs(x)) * 1.0
    y[~np.isfinite(y)] = 0.0
    y[x < 0] = np.nan
    return y


def of_an_argument(x):
    y = np.zeros_like(x)
    m = x > 0
    y[m] = np.log(x[m])
    y[~m] = x[~m] * 2
    return y


def in_place(x):
    y = x * 1
    y[y > 1] *= 2
    y[y < 0] -= y[y < 0] * 3
    return y


def errors_of_chosen_elements_alone(x):
    y = x * 1.0
    m = x > 1
    y[m] = 1 / np.sqrt(x[m] - 1)
    return y


def errors_of_chosen_elements(x):
    y = x * 1.0
    m = x <= 1
    y[m] = 1 / x[m]
    return y + np.sqrt(x)


def several_masks(x):
    y = np.full_like(x, 3)
    low, high = x < 0, x > 2
    y[low & ~high] = x[low & ~high] + 1
    y[low | high] = abs(x[low | high])
    return y


def a_scalar_of_the_function(x):
    y = x * 2
    y[x > 0] = x[..., 0].ravel()[0] if x.ndim else x
    return y


def a_copy_of_chosen_elements(x):
    y = x * 1
    m = x > 0
    part = x[m].copy()
    part += 1
    part *= part
    y[m] = part
    return y


def views_of_the_result(x):
    y = x * 1.0
    m = x > 0
    y[m] = np.log(x[m])
    return y[..., ::-1] + 1


def functions_of_numpy(x):
    y = x * 1
    np.putmask(y, x > 1, 5)
    np.place(y, x < 0, [2])
    z = y * 1
    m = y > 2
    np.place(z, m, np.extract(m, y) * 2)
    return z


def to_another_dtype(x):
    y = np.zeros_like(x, dtype=np.int64)
    m = np.isfinite(x)
    y[m] = x[m] * 1.5
    return y


def pieces(x):
    return np.piecewise(x, [x < 0, x >= 1], [lambda t: -t, np.sqrt, 0.5])


def pieces_with_errors(x):
    return np.piecewise(x * 1.0, [x > 0, x < -1], [lambda t: 1 / (t - 1), lambda t: 1 / t, 7])


def overlapping_pieces(x):
    return np.piecewise(x, [x > 0, x > 1], [lambda t: 1 / t, lambda t, a=2: np.sqrt(t) * a])


def one_condition(x):
    return np.piecewise(x, x > 1, [abs, lambda t: t + 0.5])


def parameters_of_pieces(x):
    return np.piecewise(x, (x > 1, x < 0), (lambda t, a, b: t * a + b, lambda t, *_, b: b), 3, b=2)


def conditions_of_other_dtypes(x):
    return np.piecewise(x, [x, np.ones_like(x, dtype=bool) & (x > 1)], [2, lambda t: 3])


def parts_of_chosen_elements(x):
    y = np.zeros_like(x, dtype=float)
    m = x > 0.25
    fraction, exponent = np.frexp(x[m])
    y[m] = np.ldexp(fraction, exponent - 1)
    return y


FUNCTIONS = [
    pieces,
    pieces_with_errors,
    overlapping_pieces,
    parameters_of_pieces,
    conditions_of_other_dtypes,
    parts_of_chosen_elements,
    a_number,
    a_number_for_what_is_not_finite,
    of_an_argument,
    in_place,
    errors_of_chosen_elements_alone,
    errors_of_chosen_elements,
    several_masks,
    a_scalar_of_the_function,
    a_copy_of_chosen_elements,
    views_of_the_result,
    functions_of_numpy,
    to_another_dtype,
]
X = np.array([-1.0, 0.0, 0.5, 1.0, 2.0, np.inf, 4.0, -3.5])
ARGUMENTS = {
    "float64": X,
    "float32": X.astype(np.float32),
    "int64": np.arange(-3, 5),
    "int32": np.arange(-3, 5, dtype=np.int32),
    "strided": np.repeat(X, 3)[::-3],
    "two axes": X.reshape(2, 4).T,
    "one": np.array([2.0]),
    "none chosen": np.full(5, -1.0),
    "all chosen": np.full(5, 3.0),
    "empty": np.zeros(0),
}


def told(function, x):
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        result = function(x)
    return result, [(str(each.message), each.lineno) for each in caught]


@pytest.mark.parametrize("argument", ARGUMENTS)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.__name__)
def test_the_result_and_the_reports_are_numpys(function, argument):
    x = ARGUMENTS[argument]
    if function is a_scalar_of_the_function and not x.size:
        pytest.skip("it has no first element")
    expected, warned = told(function, x)
    actual, told_of = told(cpjit(function), x)
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    close = np.testing.assert_allclose if "log" in function.__code__.co_names else None
    if close:
        close(actual, expected, rtol=1e-6 if x.dtype == np.float32 else 1e-14)
    else:
        np.testing.assert_array_equal(actual, expected)
    assert told_of == warned


NUMBERS = [
    2.5,
    -1,
    True,
    np.float64(0.5),
    np.float32(2),
    np.int32(-3),
    np.array(1.5),
    np.bool(True),
]


@pytest.mark.parametrize("x", NUMBERS, ids=repr)
def test_pieces_of_what_has_no_axes(x):
    for function in (pieces, overlapping_pieces, one_condition, parameters_of_pieces):
        if np.asarray(x).dtype == bool and function in (pieces, overlapping_pieces):
            continue  # no negative, no float16
        (expected, theirs), (actual, ours) = (told(each, x) for each in (function, cpjit(function)))
        assert_same(expected, actual, function)
        assert [text for text, _ in theirs] == [text for text, _ in ours]


def test_pieces_of_a_traced_value_by_any_conditions():
    masks = np.array([X > 0, X < -1])
    for function, arguments in (
        (lambda x, m: np.piecewise(x, m, [1, 2, 3]), (X, masks)),
        (lambda x, m: np.piecewise(x, [m], [np.abs, 2]), (X, masks[0])),
        (lambda x: np.piecewise(x, [[True] * 3 + [False] * 5], [1, np.abs]), (X,)),
        (one_condition, (X,)),
        (lambda x, a: np.piecewise(x, [x > 0], [a, lambda t: t * a]), (X, 0.3)),
        (lambda m: np.piecewise(np.arange(8), [m], [1, 2]), (masks[0],)),
    ):
        assert_same(function(*arguments), cpjit(function)(*arguments))


@pytest.mark.parametrize("values", [[1], [1, 2, 3, 4], []])
def test_pieces_need_a_function_for_each_condition(values):
    def function(x):
        return np.piecewise(x, [x > 0, x < -1], values)

    for call in (function, cpjit(function)):
        with pytest.raises(ValueError, match="either 2 or 3 functions are expected"):
            call(X)


REFUSED = {
    "pieces of pieces": (
        lambda x: np.piecewise(x, [x > 0], [lambda t: np.piecewise(t, [t > 1], [1])]),
        UnsupportedError, "a mask of shape",
    ),
    "a piece that is an array": (
        lambda x: np.piecewise(x, [x > 0], [x]), ShapeError, "only a number, or elements",
    ),
    "a condition from outside": (
        lambda x: np.piecewise(x, [X[:3] > 0], [1]), UnsupportedError, "that is not an argument",
    ),
    "a result": (lambda x: x[x > 0], UnsupportedError, "their number is not known"),
    "two masks": (lambda x: x[x > 0] + x[x < 0], ShapeError, "do not broadcast"),
    "all elements": (lambda x: x[x > 0] + x, ShapeError, "do not broadcast"),
    "a view": (lambda x: x[x > 0][1:], UnsupportedError, "a view of the elements"),
    "the length": (lambda x: len(x[x > 0]), CpnumError, "the number of elements"),
    "the shape": (lambda x: x[x > 0].shape, CpnumError, "the number of elements"),
    "a sum": (lambda x: x[x > 0].sum(), UnsupportedError, "reductions"),
    "a mask of another shape": (lambda x: x[(x > 0)[1:]], UnsupportedError, "a mask of shape"),
    "an array for a mask": (
        lambda x: (x * 1).__setitem__(x > 0, x), ShapeError, "only a number, or elements",
    ),
    "other elements": (
        lambda x: (x * 1).__setitem__(x > 0, x[x < 0]), ShapeError, "only a number, or elements",
    ),
    "an integer beyond the dtype": (
        lambda x: x.astype(np.int32).__setitem__(x > 0, 2**40), RangeError, "out of bounds",
    ),
}  # fmt: skip


@pytest.mark.parametrize("why", REFUSED)
def test_what_depends_on_the_number_of_elements_is_refused(why):
    function, kind, words = REFUSED[why]
    with pytest.raises(kind, match=words):
        cpjit(function)(np.array([1.0, -1.0, 2.0]))


def test_a_view_that_was_taken_before_sees_the_assignment():
    def function(x):
        y = x * 2
        z = y[1:]
        y[x > 0] = 0.0
        return z

    for x in (X, X[::-1]):
        assert_same(function(x), cpjit(function).bind(x)())


def test_elements_of_an_argument_are_assigned():
    def function(x):
        x[x > 0] = 1.0

    expected, given = X.copy(), X.copy()
    function(expected)
    assert cpjit(function).bind(given)() is None
    assert_same(expected, given)
