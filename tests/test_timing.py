"""Measuring: printed in one unit, taken in turns; and distances in ulps."""

from __future__ import annotations

import functools
import gc
import itertools
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from cpnum.errors import DTypeError
from cpnum.show import timing
from cpnum.show.timing import (
    Timing,
    format_seconds,
    max_ulp,
    measure,
    ulp_difference,
    ulp_error,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (1.234e-10, "0.123 ns"),
        (1e-9, "1.00 ns"),
        (12.34e-9, "12.3 ns"),
        (999.4e-9, "999 ns"),
        (999.6e-9, "1.00 µs"),
        (1e-6, "1.00 µs"),
        (1e-5, "10.0 µs"),
        (1e-4, "100 µs"),
        (123.4e-6, "123 µs"),
        (1e-3, "1.00 ms"),
        (0.99951, "1.00 s"),
        (1.0, "1.00 s"),
        (9.996, "10.0 s"),
        (4321.0, "4321 s"),
        (-12.34e-6, "-12.3 µs"),
        (float("inf"), "inf s"),
        (float("nan"), "nan s"),
    ],
)
def test_seconds_have_three_digits(seconds: float, text: str) -> None:
    assert text == format_seconds(seconds)


@pytest.mark.parametrize(
    ("median", "iqr", "text"),
    [
        (12.34e-6, 0.8e-6, "12.3 µs ± 0.4"),
        (999.9e-6, 3e-6, "1.00 ms ± 0.00"),
        (2e-9, 3e-6, "2.00 ns ± 1500.00"),
    ],
)
def test_a_timing_is_printed_in_one_unit(median: float, iqr: float, text: str) -> None:
    assert text == str(Timing(median, iqr, median, (median,), 1))


def test_a_wide_spread_is_noisy() -> None:
    assert not Timing(1.0, 0.09, 1.0, (1.0,), 1).noisy
    assert Timing(1.0, 0.11, 1.0, (1.0,), 1).noisy


class Clock:
    """Time that passes only while a function made by `costs` runs."""

    def __init__(self) -> None:
        self.nanoseconds = 0

    def perf_counter_ns(self) -> int:
        return self.nanoseconds

    def perf_counter(self) -> float:
        return self.nanoseconds * 1e-9

    def costs(self, *nanoseconds: int) -> Callable[[], None]:
        """Make a function whose calls take these times in turn, the last for ever."""
        times = itertools.chain(nanoseconds, itertools.repeat(nanoseconds[-1]))

        def function() -> None:
            self.nanoseconds += next(times)

        return function


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    return clock


def test_functions_take_turns_in_shuffled_order(clock: Clock) -> None:
    calls: list[str] = []
    slow = clock.costs(300_000)

    def called(name: str) -> None:
        calls.append(name)
        slow()

    names = "abcd"
    functions = {name: functools.partial(called, name) for name in names}
    result = measure(functions, seconds=0.01)
    searches, measured = calls[:12], calls[12:]
    assert [name for name in names for _ in range(3)] == searches
    rounds = ["".join(measured[i : i + 4]) for i in range(0, len(measured), 4)]
    assert {names} == {"".join(sorted(each)) for each in rounds}
    assert len(set(rounds)) > 3
    assert list(names) == list(result)
    assert {34} == {len(rounds)} == {len(each.samples) for each in result.values()}


def test_a_sample_is_long_enough_and_the_time_kept(clock: Clock) -> None:
    (result,) = measure({"fast": clock.costs(27)}, seconds=0.1).values()
    assert 200e-6 <= result.loops * 27e-9 < 1.3 * 200e-6
    assert pytest.approx(27e-9) == result.median == result.minimum
    taken = len(result.samples) * result.loops * 27e-9
    assert 0.1 <= taken < 0.1 + 260e-6


def test_a_call_before_each_sample_does_not_count(clock: Clock) -> None:
    search, (cold, hot) = (300_000,) * 3, (9_000_000, 400_000)
    (result,) = measure(
        {"slow": clock.costs(*search, *(cold, hot) * 5)}, rounds=5, warm=True
    ).values()
    assert pytest.approx([hot * 1e-9] * 5) == result.samples


def test_an_interruption_does_not_make_a_sample_look_long_enough(clock: Clock) -> None:
    undisturbed, disturbed = (
        measure({"fast": clock.costs(*times)}, seconds=0.01)["fast"]
        for times in ((27,), (27, 27, 10_000_000, 27))
    )
    assert 200e-6 <= disturbed.loops * 27e-9
    assert undisturbed.loops <= disturbed.loops <= 2 * undisturbed.loops


def test_median_and_quartiles_are_of_the_samples(clock: Clock) -> None:
    search, samples = (300_000,) * 3, (500_000, 300_000, 9_000_000, 200_000, 400_000)
    (result,) = measure({"slow": clock.costs(*search, *samples)}, seconds=0.0104).values()
    assert pytest.approx([each * 1e-9 for each in samples]) == result.samples
    assert pytest.approx((400e-6, 200e-6, 200e-6)) == (result.median, result.iqr, result.minimum)
    assert pytest.approx((300e-6, 500e-6)) == result.quartiles


def test_as_many_rounds_are_taken_as_are_asked_for(clock: Clock) -> None:
    for rounds in (1, 7):
        (result,) = measure({"slow": clock.costs(1_000_000)}, 9.0, rounds).values()
        assert rounds == len(result.samples)


def test_a_slow_function_is_called_few_times(clock: Clock) -> None:
    (result,) = measure({"slow": clock.costs(20_000_000)}, seconds=0.01).values()
    assert (1, 3) == (result.loops, len(result.samples))
    assert 6 * 20_000_000 == clock.nanoseconds


def test_a_real_clock_is_read() -> None:
    (result,) = measure({"slow": lambda: time.sleep(0.001)}, seconds=0.01).values()
    assert result.minimum >= 0.001


def test_collection_is_off_while_measuring_and_on_after() -> None:
    def fail() -> None:
        assert not gc.isenabled()
        raise KeyError

    with pytest.raises(KeyError):
        measure({"fail": fail})
    assert gc.isenabled()


def test_nothing_to_measure() -> None:
    assert {} == measure({}, seconds=0.01)


FLOATS = [np.float32, np.float64]


@pytest.mark.parametrize("dtype", FLOATS)
def test_ulps_of_special_values(dtype: type[np.floating]) -> None:
    limits = np.finfo(dtype)
    nan, inf, tiny = np.nan, np.inf, limits.smallest_subnormal
    bits = 8 * np.dtype(dtype).itemsize
    mantissa = limits.nmant
    to_infinity = float((2 ** (bits - 1 - mantissa) - 1) << mantissa)
    # fmt: off
    rows = [
        (0.0, -0.0, 0), (tiny, 0.0, 1), (tiny, -0.0, 1), (tiny, -tiny, 2),
        (1.0, 1.0, 0), (1.0, 2.0, 2**mantissa), (-1.0, -2.0, 2**mantissa),
        (nan, nan, 0), (nan, -nan, 0), (nan, 1.0, inf), (inf, nan, inf),
        (inf, inf, 0), (inf, limits.max, 1), (-inf, -limits.max, 1),
        (0.0, inf, to_infinity), (-inf, inf, 2 * to_infinity),
    ]
    # fmt: on
    a, b, expected = np.array(rows).T
    a, b = a.astype(dtype), b.astype(dtype)
    np.testing.assert_array_equal(expected, ulp_difference(a, b))
    np.testing.assert_array_equal(expected, ulp_difference(b, a))
    for x, y, steps in zip(a, b, expected, strict=True):
        assert steps == max_ulp(x, y)


def test_a_nan_of_any_bits_is_a_nan() -> None:
    nans = np.array([-1, 0x7FF0000000000001, -(2**63) + 0x7FF8000000000000]).view(np.float64)
    assert 0 == max_ulp(nans, np.nan)
    assert np.inf == max_ulp(nans, 1.0)


@pytest.mark.parametrize("dtype", FLOATS)
@settings(deadline=None)
@given(x=st.floats(allow_nan=False), steps=st.integers(0, 20), up=st.booleans())
def test_ulps_count_the_steps_of_nextafter(
    dtype: type[np.floating], x: float, steps: int, up: bool
) -> None:
    with np.errstate(all="ignore"):
        start = end = dtype(x)
        walked = 0
        for _ in range(steps):
            following = np.nextafter(end, dtype(np.inf if up else -np.inf))
            walked += following != end
            end = following
    assert walked == max_ulp(start, end)


def test_ulps_broadcast() -> None:
    a = np.ones((3, 1), np.float32)
    b = np.nextafter(np.ones((1, 4), np.float32), np.float32(2))[:, ::-1]
    result = ulp_difference(a, b)
    assert ((3, 4), 1.0) == (result.shape, result.max())
    assert () == ulp_difference(1.0, 2.0).shape
    assert 0.0 == max_ulp([], [])


def test_errors_are_in_units_of_the_last_place_of_the_true_value() -> None:
    one, inf, nan = np.float32(1), np.inf, np.nan
    tiny = np.finfo(np.float32).smallest_subnormal
    # fmt: off
    rows = [
        (1.0, 1.0, 0), (one, 1 + 2.0**-24, 0.5), (np.nextafter(one, 2), 1, 1), (-1.0, 1.0, 2**24),
        (0.0, 1e-60, 0), (tiny, 0.25 * float(tiny), 0.75), (-0.0, 0.0, 0),
        (inf, inf, 0), (inf, 1e300, 0), (-inf, inf, inf), (inf, 1.0, inf), (1.0, inf, inf),
        (nan, nan, 0), (1.0, nan, inf), (nan, 1.0, inf),
    ]
    # fmt: on
    for actual, true, error in rows:
        found = ulp_error(np.float32([actual]), np.float64([true]))
        np.testing.assert_allclose(error, found, err_msg=f"{actual} for {true}", atol=1e-6)


@pytest.mark.parametrize(
    ("a", "b", "seen"),
    [
        (np.float32(1), np.float64(1), "float32 and float64"),
        (1, 1, "int64 and int64"),
        (np.float16(1), np.float16(1), "float16 and float16"),
    ],
    ids=["two dtypes", "integers", "float16"],
)
def test_ulps_of_other_dtypes_are_refused(a: ArrayLike, b: ArrayLike, seen: str) -> None:
    with pytest.raises(DTypeError) as refused:
        ulp_difference(a, b)
    assert (f"ulps are between two arrays of float32 or two of float64\n  seen: {seen}") == str(
        refused.value
    )


def test_what_comes_before_a_call_is_not_timed():
    now, state = 0, []

    def before():
        nonlocal now
        now += 1_000_000
        state.append("before")

    def call():
        nonlocal now
        now += 300_000
        assert state.pop() == "before"

    timing = measure({"call": call}, rounds=3, warm=True, clock=lambda: now, before=before)["call"]
    assert timing.samples == pytest.approx([3e-4] * 3)
    assert state == []
