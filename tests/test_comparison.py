"""What reports say of NumPy: how its result differs, and its time."""

import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from reports import runs

import cpnum.show.comparison
from cpnum import cpjit
from cpnum.run.observer import as_written
from cpnum.show.comparison import difference


def test_difference_counts_ulps():
    one = np.ones(5)
    off = one.copy()
    off[3] = np.nextafter(np.nextafter(1.0, 2.0), 2.0)
    assert difference(one, one) == "the result is that of NumPy, bit for bit"
    wanted = "at most 2 ULP from the result of NumPy, 1 of 5 elements differ"
    assert difference(one, off) == wanted


def test_difference_sees_zeros_and_nans():
    assert "1 of 1 elements differ" in difference(np.array([0.0]), np.array([-0.0]))
    assert "bit for bit" in difference(np.array([np.nan]), np.array([np.nan]))
    assert "at most inf ULP" in difference(np.array([np.nan]), np.array([1.0]))


def test_difference_says_that_numpys_result_is_converted():
    assert (
        difference(np.float32([1.5]), np.array([1.5]))
        == "the result is that of NumPy, converted from float64 to float32, bit for bit"
    )
    assert "result of NumPy, converted from int64 to float64, 1" in difference(
        np.array([1.5]), np.array([1])
    )


def test_difference_of_integers_is_a_number_of_elements():
    assert difference(np.array([1, 2, 3]), np.array([1, 5, 5])) == "2 of 3 elements differ"


def test_difference_looks_at_every_part_of_a_large_result():
    one = np.ones(cpnum.show.comparison._CHUNK * 2 + 5)
    off = one.copy()
    off[[0, -1]] = np.nextafter(1.0, 2.0), 3.0
    assert f"2 of {one.size:,} elements differ" in difference(one, off)


half = cpjit(lambda x: x / 2)

table = {"half": half}


def helper(x):
    return half(x)


CALLERS = {
    "by its name": lambda x: half(x) + 1,
    "in a function": lambda x: helper(x) + 1,
    "in a table": lambda x: table["half"](x) + 1,
    "as a default": lambda x, h=half: h(x) + 1,
    "in a function of its own": lambda x: (lambda y: half(y))(x) + 1,
    "in a list": lambda x: sum([half(x) for _ in range(2)]),
    "by functools.partial": lambda x: functools.partial(half)(x) + 1,
}


@runs
@pytest.mark.parametrize("name", CALLERS)
def test_numpys_time_is_without_compiled_code_however_it_is_called(name):
    outer = cpjit(CALLERS[name])
    report = outer.explain(np.ones(3))
    assert "NumPy" in report.timings
    assert (len(outer.signatures), half.signatures) == (1, [])


@runs
@pytest.mark.parametrize(
    ("times", "result"),
    [(1, [0.0, 1.0, 2.0]), (3, [0.0, 2.0, 4.0])],
    ids=["after one run", "after three runs"],
)
def test_a_function_that_fails_when_it_runs_again_leaves_a_report(times, result):
    left = iter([2.0] * times)
    x = np.arange(3.0)
    report = cpjit(lambda x: x * next(left)).explain(x, out=x)
    assert report.timings == {}
    assert x.tolist() == result
    assert str(report).endswith("\n\nTime\n  none: run again, the function raised StopIteration")


# 1.0 as written, 0.0 as compiled.
is_written = cpjit(lambda x: x * float(type(x) is np.ndarray))


def test_only_the_thread_that_asks_runs_functions_as_written():
    with as_written(), ThreadPoolExecutor(1) as other:
        assert is_written(np.ones(1)) == 1.0
        assert other.submit(is_written, np.ones(1)).result() == 0.0
    assert is_written(np.ones(1)) == 0.0


def test_a_function_as_written_fills_out():
    out = np.empty(1, "f4")
    with as_written():
        assert is_written(np.ones(1), out=out) is out
    assert out == 1.0


@runs
def test_a_report_calls_the_function_a_few_times():
    calls = []

    def noted(x):
        calls.append(x)
        return x + 1

    cpjit(noted).explain(np.ones(3))
    assert 1 < len(calls) <= 3 + cpnum.show.comparison._ROUNDS  # it is traced twice


# -- functions that write to their arguments ----------------------------------------------------


def relax(u, v):
    u[1:-1] = 0.5 * (u[2:] + u[:-2]) + v[1:-1]
    v *= 0.5
    return u


def pair(size=2_000_000):
    return np.linspace(0.0, 1.0, size), np.linspace(2.0, 3.0, size)


@runs
@pytest.mark.parametrize("size", [50, 200_000], ids=["as written", "compiled"])
def test_a_report_leaves_arguments_as_they_are(size):
    u, v = pair(size)
    report = cpjit(relax).explain(u, v)
    assert set(report.timings) == {"called", "bound", "NumPy"}
    wanted = "the result and what is written to u, v are those of NumPy, bit for bit"
    assert report.difference == wanted
    assert np.array_equal(pair(size), (u, v))


@runs
def test_all_runs_of_a_report_find_the_same():
    found = []

    def noted(u):
        # Only the function as written knows the contents.
        found.append(float(u[0]) if type(u) is np.ndarray else None)
        u += 1

    cpjit(noted).explain(np.zeros(100))
    assert {each for each in found if each is not None} == {0.0}


@runs
def test_a_wrong_write_is_seen():
    def function(u, v):
        # Another number, of which nothing is known, as written.
        u *= 2.0 if type(u) is np.ndarray else 3.0
        v += 1

    u, v = np.ones(200_000), np.ones(200_000)
    difference = cpjit(function).explain(u, v).difference
    assert difference.startswith("argument u: at most ")
    assert difference.endswith("200,000 of 200,000 elements differ")
    assert "argument v" not in difference


@runs
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_arguments_are_restored_after_errors(error):
    def function(u):
        u += 1
        if type(u) is np.ndarray:
            raise error

    u = np.zeros(200_000)
    report = cpjit(function).explain(u)
    assert report.timings == {}
    assert not u.any()


@runs
def test_what_is_given_twice_or_read_only_is_left_alone():
    def function(u, v):
        u += v

    u = np.ones(200_000)
    report = cpjit(function).explain(u, u)
    assert report.difference.endswith("u are those of NumPy, bit for bit")
    assert (u == 1).all()
    u.flags.writeable = False
    report = cpjit(function).explain(u, np.ones(200_000))
    assert "read-only" in report.difference


@runs
def test_out_has_the_result_of_a_function_that_writes():
    def function(u):
        u += 1
        return u * 2

    u, out = np.zeros(200_000), np.empty(200_000)
    cpjit(function).explain(u, out=out)
    assert not u.any()
    assert (out == 2).all()
