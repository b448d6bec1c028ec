"""The result of a bench: when it breaks even, what it says, and its values."""

import json
import os

import numpy as np
import pytest
from benches import norm, quick
from reports import runs

from cpnum import CpnumError, cpjit, special
from cpnum.compare.ceilings import chain, copy
from cpnum.compare.competitors import Given
from cpnum.compare.contest import FirstCalls, Row
from cpnum.compare.errors import errors_of
from cpnum.compare.result import Bench
from cpnum.show.processor import busy, caches, version, versions
from cpnum.show.timing import timing_of

# -- breaking even ------------------------------------------------------------------------------


def made(cpnum=1.0, numpy=4.0, compiling=10.0, busy=""):
    """Return a bench of these seconds."""
    seconds = {"cpnum": cpnum, "NumPy": numpy}
    rows = tuple(Row(name, 8, 8, timing_of([each]), "") for name, each in seconds.items())
    first = {"cpnum": FirstCalls(timing_of([cpnum + compiling]))}
    return Bench("f(x: f64[:])", rows, first, {}, {}, 1, "", "", (), None, busy=busy)


@pytest.mark.parametrize(
    ("seconds", "calls"),
    [
        ({}, 4),  # 10 + 4 n passes 4 n
        ({"compiling": 0.0}, 1),
        ({"compiling": 3.0}, 2),  # at 1 they are equal
        ({"compiling": 2.9}, 1),
        ({"numpy": 1.0}, None),
        ({"numpy": 0.5, "compiling": 0.0}, None),
    ],
)
def test_a_function_breaks_even_when_its_calls_have_taken_less(seconds, calls):
    bench = made(**seconds)
    assert bench.break_even("cpnum") == calls
    if calls is not None:
        for count in (calls - 1, calls):
            ahead = bench.total_seconds("cpnum", count) < bench.total_seconds("NumPy", count)
            assert ahead is (count == calls)


def test_numpy_is_ahead_of_a_slow_function_from_the_start():
    bench = made(cpnum=5.0)
    assert bench.break_even("cpnum") is None
    assert bench.break_even("NumPy", "cpnum") == 1


def test_a_row_that_is_not_there_is_an_error():
    with pytest.raises(KeyError, match="no row for numba and size 8"):
        made().row("numba")


# -- what it says -------------------------------------------------------------------------------


@runs
def test_the_text_fits_80_columns_and_has_all_parts():
    def with_quite_a_long_name(first_argument, second_argument, third_argument):
        return first_argument * second_argument + third_argument

    others = {"a name that is longer than it should be": with_quite_a_long_name, "short": max}
    x = np.ones(10)
    result = quick(
        with_quite_a_long_name, x, x.copy(), 2.5, against=others, sizes=[10, 1_000_000], threads=1
    )
    text = str(result)
    assert repr(result) == text
    assert max(map(len, text.splitlines())) <= 80
    for part in (
        "with_quite_a_long_name(first_argument: f64[:], ",
        "1 thread. cpnum ",
        "Times (median ± IQR/2",
        "1,000,000  a name tha…",
        "First calls, which compile",
        "faster than NumPy from",
        "short is not timed: ValueError: ",
    ):
        assert part in text


@runs
def test_the_html_needs_no_styles_scripts_or_colours():
    result = quick(against={"<b>": norm})
    html = result._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>:" not in html
    for foreign in ("<script", "<style", "color", "background", 'class="jp'):
        assert foreign not in html
    # JupyterLab aligns the cells of a table to the right.
    assert "<table" not in html
    assert html.count("<pre>") == 2


@runs
def test_json_has_all_values_and_samples():
    result = quick(against={"nan": lambda x, y: np.where(x > 1.4, norm(x, y), norm(x, y))})
    values = json.loads(json.dumps(result.json(), allow_nan=False))
    assert values == result.json()
    assert values["signature"] == "norm(x: f64[:], y: f64[:])"
    (row,) = [row for row in values["rows"] if row["name"] == "cpnum"]
    assert row["elements"] == 100
    assert row["timing"]["samples"] == list(result.row("cpnum").timing.samples)
    low, high = row["timing"]["quartiles"]
    assert low <= row["timing"]["median"] <= high
    assert values["element_bytes"] == 24
    assert values["element_ops"] == 4
    assert values["first_calls"]["cpnum"]["cold_stages"]["pack"] > 0
    assert values["threads"] == 1


def test_an_infinite_distance_is_text_in_json():
    row = Row("g", 1, 1, None, "", ulp=np.inf, why="wrong")
    bench = Bench("f()", (row,), {}, {}, {}, 1, "", "", (), None)
    assert bench.json()["rows"][0]["ulp"] == "inf"
    json.dumps(bench.json(), allow_nan=False)


def test_the_versions_and_the_processor_are_said():
    assert versions(["matplotlib", "no-such-package"]).startswith("cpnum ")
    assert "no-such-package not installed" in versions(["no-such-package"])
    assert version("no-such-package") is None


def test_a_busy_machine_is_said(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    for load, said in ((3.9, ""), (4.5, "the machine was busy: load 4.5 on 4 processors")):
        monkeypatch.setattr(os, "getloadavg", lambda load=load: (load, 0.0, 0.0))
        assert busy() == said
    assert str(made(busy=busy())).endswith(said)


def test_caches_are_those_of_data(tmp_path):
    for at, (kind, level, size) in enumerate(
        [
            ("Data", 1, "32K"),
            ("Instruction", 1, "64K"),
            ("Unified", 3, "8M"),
            ("Unified", 2, "1024K"),
        ]
    ):
        folder = tmp_path / f"index{at}"
        folder.mkdir()
        for name, value in (("type", kind), ("level", level), ("size", size)):
            (folder / name).write_text(f"{value}\n", encoding="ascii")
    (tmp_path / "index9").mkdir()
    assert caches(tmp_path) == [("L1", 32 << 10), ("L2", 1 << 20), ("L3", 8 << 20)]


# -- ceilings and errors ------------------------------------------------------------------------


@runs
def test_ceilings_are_of_kernels_that_do_nothing_else():
    x = np.ones(100)
    nest = cpjit(copy).lower(x).loop_nest
    assert (nest.element_bytes, nest.element_ops) == (16, 0)
    nest = cpjit(chain).lower(x).loop_nest
    assert (nest.element_bytes, nest.element_ops) == (16, 128)
    assert np.isfinite(cpjit(chain)(np.full(3, 0.5))).all()


@runs
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_errors_are_those_of_the_result(dtype):
    x = np.linspace(0.1, 3.0, 1000).astype(dtype)
    found = errors_of(cpjit(np.sqrt), Given((x,), {}))
    assert found.argument == "x0"
    np.testing.assert_array_equal(found.values, x)
    assert 0.4 < found.errors["cpnum"].max() <= 0.5
    np.testing.assert_array_equal(found.errors["cpnum"], found.errors["NumPy"])


@runs
@pytest.mark.parametrize(
    "function",
    [lambda x: special.erf(x), lambda x: x.astype("i8"), lambda x: x.astype("f4").astype("f8")],
    ids=["of SciPy", "integers", "its own dtype"],
)
def test_errors_without_true_values_are_refused(function):
    with pytest.raises(CpnumError, match="there are no true values to compare with"):
        errors_of(cpjit(function), Given((np.ones(3),), {}))
