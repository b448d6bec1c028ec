"""The corpus makes arguments of names, compares results, and tells what became of a function."""

import time
from dataclasses import dataclass

import numpy as np
import pytest
from corpus import __main__ as command
from corpus.arguments import LENGTH, ROWS, WAYS, Choice, arguments, form, kind_of, parameters_of
from corpus.comparing import difference, is_comparable
from corpus.packages import Case
from corpus.trying import ANEW, QUIET, TimeUpError, answer, attempt, expected, family, time_limit

SEEN = []


@dataclass
class Pair:
    one: object
    other: object


# Parameters of functions of the corpus, and what may be in their arrays.
NAMES = {
    "lat": (-90.0, 90.0),
    "latitude": (-90.0, 90.0),
    "lon0": (-180.0, 180.0),
    "solar_zenith": (0.0, 90.0),
    "dayofyear": (1, 366),
    "temp_air": (-20.0, 50.0),
    "t2_k": (250.0, 320.0),
    "pressure": (850.0, 1050.0),
    "wind_speed": (0.0, 20.0),
    "relative_humidity": (0.0, 100.0),
    "ghi": (0.0, 1000.0),
    "unixtime": (1e9, 2e9),
    "wavelength": (300.0, 800.0),
    "XYZ_w": (0.0, 1.0),
    "anything": (0.0, 1.0),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", WAYS)
def test_an_argument_has_the_range_of_its_name(name, way):
    low, high = NAMES[name]
    (made,) = arguments([name], way, 0)
    assert low <= np.min(made) <= np.max(made) <= high


def test_arguments_of_a_round_are_the_same_in_every_run_and_others_in_another_round():
    first, again, other = (arguments(["x", "XYZ", "doy"], "arrays", round_) for round_ in (0, 0, 1))
    assert difference(first, again) is None
    assert form(first) == form(other)
    assert all(not np.array_equal(one, two) for one, two in zip(first, other, strict=True))


def test_ways_fill_calls_with_arrays_and_numbers():
    filled = {way: arguments(["x", "y", "XYZ", "bins"], way, 0) for way in WAYS}
    assert [np.shape(each) for each in filled["arrays"]] == [(LENGTH,), (LENGTH,), (ROWS, 3), ()]
    assert [np.shape(each) for each in filled["grid"][:2]] == [(LENGTH // 2, 1), (LENGTH,)]
    assert [each.dtype for each in filled["float32"][:3]] == [np.float32] * 3
    assert [type(each) for each in filled["array, numbers"][:2]] == [np.ndarray, float]
    assert [type(each) for each in filled["numbers"]] == [float, float, np.ndarray, int]
    assert filled["numbers"][3] == kind_of("bins").value


def test_rows_of_a_package_come_first():
    assert kind_of("x", [("x", Choice("mine"))]) == Choice("mine")


def test_parameters_with_defaults_keep_them():
    assert parameters_of(lambda x, y, n=3, *rest, key=2, **others: x) == ["x", "y"]
    assert parameters_of(lambda x, *, key: x) is None


X = np.array([1.0, 2.0, np.nan])
LIKE = {
    "array": (X, X.copy()),
    "close": (X, X * (1 + 1e-14)),
    "tuple": ((X, 1), (X, 1)),
    "dict": ({"a": [X, None]}, {"a": [X, None]}),
    "dataclass": (Pair(X, "a"), Pair(X, "a")),
    "infinite": (np.array([np.inf, 1.0]), np.array([np.inf, 1.0])),
}
UNLIKE = {
    "type": (X, [1.0, 2.0, 3.0], "list instead of ndarray"),
    "scalar": (np.float64(1), 1.0, "float instead of float64"),
    "dtype": (X, X.astype(np.float32), "dtype float32 instead of float64"),
    "shape": (X, X[:2], "shape (2,) instead of (3,)"),
    "value": (X, X + np.array([0, 1, 0]), "1 of 3 elements: 3.0 instead of 2.0"),
    "nan": (X, np.ones(3), "2 of 3 elements: 1.0 instead of 2.0"),
    "infinity": (np.array([np.inf]), np.array([-np.inf]), "1 of 1 elements: -inf instead of inf"),
    "integer": (np.array([2**62]), np.array([2**62 + 1]), "1 of 1 elements"),
    "length": ((X,), (X, X), "2 items instead of 1"),
    "key": ({"a": X}, {"b": X}, "keys ['b'] instead of ['a']"),
    "item": ([X, (1, 2)], [X, (1, 3)], "item 1: item 1: 3 instead of 2"),
    "field": (Pair(X, 1), Pair(X, 2), "item 1: 2 instead of 1"),
}


@pytest.mark.parametrize("name", LIKE)
def test_results_that_do_not_differ(name):
    assert difference(*LIKE[name]) is None


@pytest.mark.parametrize("name", UNLIKE)
def test_results_that_differ(name):
    expected_, actual, words = UNLIKE[name]
    assert difference(expected_, actual).startswith(words)


def test_results_of_arguments_rounded_otherwise_tell_how_close_floats_are():
    one, other = (np.array([1.0 + 1e-9]),), (np.array([1.0]),)
    assert difference(one, other) is not None
    assert difference(one, other, [(np.array([1.0 + 1.1e-9]),)]) is None


@pytest.mark.parametrize("result", [X, 1.0, (X, None), {"a": X, "name": "b"}, np.float32(1)])
def test_arrays_and_numbers_are_compared(result):
    assert is_comparable(result)


@pytest.mark.parametrize(
    "result", [None, "a", True, (), np.array(["a"]), (X, object()), np.ma.array(X)]
)
def test_what_has_no_number_is_not_compared(result):
    assert not is_comparable(result)


def runs(x):
    return np.sqrt(x), x + 1


def looks_at_all(x):
    return float(x + 1.0) * x


def quiet(x):
    return x * 2 if np.log(-x) > 0 else x


def refused(x):
    return np.linalg.eigvals(np.outer(x, x)).real + x


def spoilt(x):
    SEEN.append(x)
    return x * len(SEEN)


def fails(x):
    raise ValueError("of its own")


def another_in_traces(x):
    return x + (type(x) is not np.ndarray)


def raises_in_traces(x):
    if type(x) is not np.ndarray:
        raise RuntimeError("not an array")
    return x + 1


def writes(x):
    x[0] = 7.0
    return x


def tried(function, way="arrays", rounds=(0, 1)):
    filled = [arguments(parameters_of(function), way, round_) for round_ in rounds]
    known = expected(function, filled)
    return None if known is None else attempt(function, filled, known)


@pytest.mark.parametrize(
    ("function", "way", "kind", "words"),
    [
        (runs, "arrays", "runs", ""),
        (looks_at_all, "numbers", "runs", ANEW),
        (quiet, "numbers", "runs", QUIET),
        (refused, "arrays", "refused", "numpy.linalg.eigvals cannot be traced"),
        (another_in_traces, "arrays", "differs", "64 of 64 elements"),
        (raises_in_traces, "arrays", "differs", "raises RuntimeError"),
    ],
)
def test_what_becomes_of_a_function(function, way, kind, words):
    outcome = tried(function, way)
    assert outcome.kind == kind
    assert outcome.reason.startswith(words)


@pytest.mark.parametrize("function", [fails, spoilt])
def test_functions_that_numpy_does_not_run_alike_are_left_out(function):
    assert tried(function) is None


def sleeps():
    time.sleep(60)


def loops():
    while True:
        pass


@pytest.mark.parametrize("function", [sleeps, loops])
def test_no_call_takes_longer_than_the_limit(function):
    with pytest.raises(TimeUpError), time_limit(0.05):
        function()


def test_an_answer_has_the_arguments_afterwards_and_the_caller_keeps_its_own():
    x = np.ones(2)
    found = answer(writes, [x])
    assert found.arguments[0].tolist() == [7.0, 1.0]
    assert x.tolist() == [1.0, 1.0]


def test_an_answer_has_the_warnings_of_numpy():
    assert answer(np.log, [np.zeros(2)]).warnings == {"divide by zero encountered in log"}
    assert (
        answer(np.log, [np.ones(2)])
        .difference(answer(np.log, [np.zeros(2)]))
        .startswith("warnings ['divide by zero")
    )


@pytest.mark.parametrize(
    ("reason", "general"),
    [
        ("scale() needs x, but x is being traced", "…() needs x, but … is being traced"),
        ("np.float64() needs its operand", "np.float64() needs its operand"),
        ("a[...] needs its operand", "…[...] needs its operand"),
        ("numpy.any cannot be traced", "numpy.any cannot be traced"),
        ("axis 3 of `x`", "axis N of `…`"),
    ],
)
def test_reasons_are_counted_without_what_is_special_to_a_function(reason, general):
    assert family(reason) == general


@pytest.mark.parametrize(("function", "code"), [(runs, 0), (refused, 0), (another_in_traces, 1)])
def test_the_command_fails_if_a_function_differs(function, code, monkeypatch, capsys):
    monkeypatch.setattr(command, "functions", lambda package: [Case("mine", function)])
    assert command.main(["sympy"]) == code
    text = capsys.readouterr().out
    assert ("None differs." in text) == (code == 0)
    assert ("Of 1 functions, 1 run with all arguments" in text) == (function is runs)
    assert ("numpy.linalg.eigvals cannot be traced" in text) == (function is refused)
    assert ("mine (arrays): 64 of 64 elements" in text) == (function is another_in_traces)
