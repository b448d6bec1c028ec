"""`np.errstate` and `warnings.catch_warnings` inside of a function hold for its operations."""

import warnings

import numpy as np
import pytest

from cpnum import cpjit
from cpnum.errors import UnsupportedError
from cpnum.run import errstate, pieces

X = np.array([0.0, 1.0, -1.0, 2.0])


def ignored(x):
    with np.errstate(divide="ignore"):
        return 1 / x


def ignored_for_a_part(x):
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.log(x)
    return y + 1 / x


def the_same_inside_and_outside(x):
    with np.errstate(all="ignore"):
        y = 1 / x
    return y + 1 / x


def the_same_outside_and_inside(x):
    y = 1 / x
    with np.errstate(divide="raise"):
        return y + 1 / x


def raised(x):
    with np.errstate(invalid="raise"):
        return np.sqrt(x) * x


def nested(x):
    with np.errstate(all="ignore"):
        y = np.log(x)
        with np.errstate(divide="warn"):
            z = 1 / x
        return y + z / x


def as_a_decorator(x):
    @np.errstate(all="ignore")
    def quotient(x):
        return 1 / x

    return quotient(x)


def a_view_of_what_was_computed(x):
    with np.errstate(divide="ignore"):
        y = 1 / x
    return y[::-1] + np.sqrt(x)


def a_number(x):
    with np.errstate(over="ignore"):
        return x * np.float32(1e30) * np.float32(1e30)


def unwarned(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = 1 / x
    return y + np.log(x)


def an_error_by_a_filter(x):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = 1 / x
    return y


def filtered_by_text(x):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "divide by zero encountered in log")
        return np.log(x) + 1 / x


FUNCTIONS = [
    ignored,
    ignored_for_a_part,
    the_same_inside_and_outside,
    the_same_outside_and_inside,
    raised,
    nested,
    as_a_decorator,
    a_view_of_what_was_computed,
    a_number,
    unwarned,
    an_error_by_a_filter,
    filtered_by_text,
]
ARGUMENTS = {
    "float64": X,
    "float32": X.astype(np.float32),
    "integers": np.array([0, 1, 4]),
    "a scalar": np.float64(0.0),
    "no axes": np.array(0.0),
    "strided": np.repeat(X, 2)[::-2],
    "no errors": np.array([1.0, 2.0]),
}


def told(call, *arguments, **modes):
    """Return the result of a call, or its error, and the warnings with their lines."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(**modes):
        warnings.simplefilter("always")
        try:
            result = np.asarray(call(*arguments)).tolist()
        except (ArithmeticError, RuntimeWarning) as error:
            result = [type(error), str(error)]
    # As a list, NaN is equal to itself by its text.
    return repr(result), [(str(each.message), each.filename, each.lineno) for each in caught]


@pytest.mark.parametrize("argument", ARGUMENTS)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.__name__)
def test_errors_are_reported_as_numpy_reports_them(function, argument):
    x = ARGUMENTS[argument]
    if function is a_view_of_what_was_computed and not np.ndim(x):
        pytest.skip("it has no axis to reverse")
    compiled = cpjit(function)
    for modes in ({"all": "warn"}, {"all": "ignore"}, {"all": "warn", "divide": "raise"}):
        modes["under"] = "ignore"
        assert told(compiled, x.copy(), **modes) == told(function, x.copy(), **modes)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.__name__)
def test_in_place_and_in_pieces(function, monkeypatch):
    monkeypatch.setattr(pieces, "PIECE", 1 << 10)
    monkeypatch.setattr("cpnum.run.prepared.WHOLE", 1 << 11)
    x = np.tile(X, 500)
    compiled = cpjit(function)
    written = x.copy()
    assert told(lambda: compiled(written, out=written), all="warn", under="ignore") == told(
        lambda: function(x), all="warn", under="ignore"
    )


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.__name__)
def test_a_bound_call_reports_the_same(function):
    x = X.copy()
    bound = cpjit(function).bind(x)
    assert told(bound, all="warn", under="ignore") == told(
        lambda: function(x), all="warn", under="ignore"
    )


def test_a_callback_of_the_function_is_called():
    seen = []

    def function(x):
        with np.errstate(all="call", call=lambda kind, flag: seen.append(kind)):
            return 1 / x

    cpjit(function)(X)
    assert seen == ["divide by zero"]


def test_nothing_is_evaluated_that_the_function_ignores(monkeypatch):
    evaluated = []
    monkeypatch.setattr(errstate, "evaluate", lambda *given, **named: evaluated.append(given))
    quiet = cpjit(ignored)
    quiet(X)
    assert evaluated == []
    cpjit(ignored_for_a_part)(X)
    assert len(evaluated) == 1


def test_a_function_that_changes_numpys_errstate_for_good_is_refused():
    def for_good(x):
        np.seterr(divide="ignore")
        return 1 / x

    before = np.geterr()
    with pytest.raises(UnsupportedError, match=r"np\.seterr inside of the function"):
        cpjit(for_good)(X)
    assert np.geterr() == before


def test_recorded_warnings_are_refused():
    def counting(x):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            y = 1 / x
        return y * len(caught)

    with pytest.raises(UnsupportedError, match="recorded inside of the function"):
        cpjit(counting)(X)
