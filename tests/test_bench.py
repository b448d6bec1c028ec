"""`cpnum.bench`: what it compares, what it refuses, and what it says; no test asserts a speed."""

import importlib.util
import sys
import time
from types import SimpleNamespace

import IPython.display
import numpy as np
import pytest
from benches import QUICK, norm, pair, quick
from reports import runs

import cpnum
from cpnum import CpnumError, ShapeError, TraceError, cpjit
from cpnum.compare import competitors, contest
from cpnum.compare.competitors import Given, remade
from cpnum.compare.errors import errors_of
from cpnum.run.observer import observing
from cpnum.show import progress as told

# -- what is compared ---------------------------------------------------------------------------


@runs
def test_results_are_compared_before_times_are_taken():
    off = {
        "near": lambda x, y: np.nextafter(norm(x, y), 9),
        "wrong": lambda x, y: x,
        "short": lambda x, y: x[:-1],
        "raises": lambda x, y: x / None,
    }
    result = quick(against=off)
    assert result.names == ["cpnum", "NumPy", "near", "wrong", "short"]
    assert result.row("cpnum").difference == "the result is that of NumPy, bit for bit"
    assert result.row("cpnum").ulp == 0
    assert result.row("near").ulp == 1
    assert result.row("near").timing is not None
    for name, why in (
        ("wrong", "its result is wrong: at most "),
        ("short", "its result is wrong: its shape is (99,), not (100,)"),
    ):
        assert result.row(name).timing is None
        assert result.row(name).why.startswith(why)
        assert f"{name} is not timed: its result is wrong" in str(result)
    assert result.left_out["raises"].startswith("TypeError: unsupported operand")
    assert "raises is not timed: TypeError" in str(result)


@runs
def test_a_result_that_is_wrong_only_for_one_size_is_not_timed_for_it():
    def late(x, y):
        if len(x) > 50:
            raise ArithmeticError("too long")
        return norm(x, y)

    result = quick(against={"late": late}, sizes=[10, 100])
    assert result.row("late", 10).timing is not None
    assert result.row("late", 100).why == "ArithmeticError: too long"
    assert result.row("cpnum", 100).timing is not None


@pytest.mark.parametrize(
    ("result", "expected", "wrong"),
    [
        ([1, 2], [1, 2], False),
        ([1, 2], [1, 3], True),
        ([True], [False], True),
        ([1.0, np.nan, np.inf], [1.0, np.nan, np.inf], False),
        ([np.nan], [1.0], True),
        ([1.0, 1e-9], [1.0, -1e-9], False),  # of a difference that cancels
        (np.float32([1 / 3]), [1 / 3], False),
        ([1.0], [1.01], True),
    ],
)
def test_roundings_are_told_from_wrong_results(result, expected, wrong):
    row = contest.compared("g", 1, np.array(result), np.array(expected))
    assert bool(row.why) is wrong


def moved(x, y):
    x[1:] = x[:-1] * 2
    y += x


@runs
@pytest.mark.parametrize("sizes", [None, [50, 20_000]])
def test_arguments_that_are_written_are_the_same_for_all(sizes):
    found = []

    def noted(x, y):
        found.append((x[3], y[3]))
        moved(x, y)

    def makes(size):
        return pair(size)

    x, y = pair(20_000)
    arguments = (x, y) if sizes is None else (makes,)
    result = quick(moved, *arguments, sizes=sizes, against={"noted": noted})
    assert {row.why for row in result.rows} == {""}
    assert all(row.timing is not None for row in result.rows)
    assert result.row("cpnum").elements == 20_000
    assert result.row("noted").difference == (
        "the result and what is written to [0], [1] are those of NumPy, bit for bit"
    )
    each = [pair(size) for size in sizes or [20_000]]
    assert set(found) == {(x[3], y[3]) for x, y in each}
    assert np.array_equal((x, y), pair(20_000))


@runs
def test_wrong_writes_are_not_timed():
    def less(x, y):
        x[1:] = x[:-1] * 2

    def more(x, y):
        moved(x, y)
        x[0] = 9.0

    def nothing(x, y):
        pass

    x, y = pair()
    result = quick(moved, x, y, against={"less": less, "more": more, "nothing": nothing})
    for name, place in (("less", "[1]"), ("more", "[0]"), ("nothing", "[0]")):
        assert result.row(name).timing is None
        assert result.row(name).why.startswith(f"its argument {place} is wrong: ")
    assert np.array_equal((x, y), pair())


@runs
def test_a_peer_may_not_write_to_what_numpy_leaves():
    def spoils(x, y):
        result = norm(x, y)
        y[0] = -1.0
        return result

    x, y = pair()
    result = quick(norm, x, y, against={"spoils": spoils})
    assert result.row("spoils").why.startswith("its argument [1] is wrong")
    assert result.row("cpnum").timing is not None
    assert np.array_equal((x, y), pair())


@runs
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_arguments_are_restored_when_a_bench_ends_early(error):
    calls = []

    def late(x, y):
        moved(x, y)
        if type(x) is np.ndarray:
            calls.append(1)
            if len(calls) > 4:
                raise error

    x, y = pair()
    with pytest.raises(error):
        quick(late, x, y)
    assert np.array_equal((x, y), pair())


@runs
def test_a_refused_function_that_writes_is_timed_as_it_is():
    def refused(x, y):
        moved(x, y)
        return np.unique(x)

    x, y = pair()
    function = cpjit(refused, fallback="numpy")
    result = cpnum.bench(function, x, y, against=(), **QUICK)
    assert "runs through NumPy" in result.about["cpnum"]
    assert result.row("cpnum").difference.endswith("[0], [1] are those of NumPy, bit for bit")
    assert np.array_equal((x, y), pair())


@runs
def test_errors_leave_arguments_as_they_are():
    def function(x):
        x *= 0.1
        return np.sqrt(x)

    x = np.linspace(0.1, 2.0, 50)
    before = x.copy()
    found = errors_of(cpjit(function), Given((x,), {}))
    assert max(found.errors["cpnum"].max(), found.errors["NumPy"].max()) < 2
    assert np.array_equal(x, before)


@runs
def test_numpy_computes_the_function_as_written():
    inner = cpjit(lambda x: x * 2)
    made = []

    def observe(function, arguments, out, keywords):
        made.append(function)
        return function.call(arguments, out, keywords)

    def outer(x):
        return inner(x) + 1

    numpy = competitors.written(cpjit(outer)).make()(Given((np.ones(3),), {}))
    with observing(observe):
        np.testing.assert_array_equal(numpy(), np.full(3, 3.0))
    assert made == []


@runs
def test_methods_and_keywords_are_timed():
    class Scale:
        factor = 3.0

        @cpjit
        def scaled(self, x, shift=0.0):
            return x * self.factor + shift

    method = Scale().scaled
    assert remade(method).__self__ is method.__self__
    result = cpnum.bench(method, np.ones(5), shift=2.0, against=(), **QUICK)
    assert result.row("cpnum").difference.endswith("bit for bit")
    assert result.signature.startswith("scaled(self: ")


@runs
def test_a_function_made_anew_has_the_options_of_the_first():
    first = cpjit(norm, fastmath=True, precision="fast", isa="x86-64-v3", fallback="numpy")
    again = remade(first)
    assert again.signatures == []
    assert again.__getstate__() == first.__getstate__()


@runs
def test_a_function_that_runs_through_numpy_is_timed_and_said_so():
    def unique(x):
        return np.unique(x)

    with pytest.warns(RuntimeWarning, match="unique runs through NumPy") as told:
        cpjit(unique, fallback="numpy")(np.ones(3))
    assert len(told) == 1
    result = cpnum.bench(cpjit(unique, fallback="numpy"), np.ones(3), against=(), **QUICK)
    assert result.row("cpnum").timing is not None
    assert result.first == {}
    assert "cpnum: runs through NumPy: numpy.unique" in str(result)
    assert result.work is None


# -- what is refused ----------------------------------------------------------------------------


def test_a_function_that_is_not_compiled_is_refused():
    with pytest.raises(TypeError, match=r"norm is none: write cpjit\(norm\) in its place"):
        cpnum.bench(norm, *pair())


def test_a_result_to_write_to_is_refused():
    with pytest.raises(TypeError, match="bench has no argument out"):
        quick(out=np.empty(100))


@runs
def test_the_time_of_other_programs_need_not_count():
    def sleepy(x, y):
        time.sleep(0.005)
        return norm(x, y)

    awake = quick(against={"sleepy": sleepy}, cpu_time=True)
    asleep = quick(against={"sleepy": sleepy})
    assert awake.row("sleepy").timing.median < 0.005 <= asleep.row("sleepy").timing.minimum
    assert awake.first["sleepy"].cold.median < 0.005 <= asleep.first["sleepy"].cold.median
    assert ", CPU time of 1 thread. " in str(awake)
    assert ", 1 thread. " in str(asleep)
    with pytest.raises(ValueError, match="cpu_time is the time of one thread"):
        quick(cpu_time=True, threads=2)


@runs
def test_a_call_that_is_refused_is_refused_as_without_bench():
    with pytest.raises(TraceError, match="`if` needs a value"):
        quick(lambda x: x if x > 0 else -x, np.ones(3))


def test_an_unknown_peer_is_refused_by_name():
    with pytest.raises(ValueError, match="no peer 'jax': there are numpy, numexpr, numba; any"):
        quick(against="numpy,jax")


def test_a_peer_that_is_not_installed_is_an_error_if_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(CpnumError, match="numba is not installed") as refused:
        quick(against=["numba"])
    assert "write pip install numba" in str(refused.value)


@runs
def test_a_peer_that_cannot_be_imported_is_left_out(tmp_path, monkeypatch):
    broken = tmp_path / "numexpr.py"
    broken.write_text("raise ImportError('it needs another NumPy')\n", encoding="ascii")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [each for each in sys.modules if each.partition(".")[0] == "numexpr"]:
        monkeypatch.delitem(sys.modules, name)
    result = quick(against=iter(["numexpr"]))
    assert result.left_out == {"numexpr": "ImportError: it needs another NumPy"}


@runs
def test_a_peer_that_is_not_installed_is_listed_if_none_is_named(monkeypatch):
    for name in ("numba", "numexpr"):
        monkeypatch.setitem(sys.modules, name, None)
    result = cpnum.bench(cpjit(norm), *pair(), **QUICK)
    assert result.names == ["cpnum", "NumPy"]
    assert result.left_out == dict.fromkeys(("numexpr", "numba"), "it is not installed")
    assert "numba is not timed: it is not installed" in str(result)


@pytest.mark.parametrize(
    ("arguments", "sizes", "error"),
    [
        ((np.ones((2, 3)),), [5], ShapeError),
        ((2.5,), [5], ShapeError),
        ((np.ones(3),), [0], ValueError),
        ((np.ones(3),), [], ValueError),
    ],
    ids=["two axes", "no array", "size 0", "no size"],
)
def test_sizes_that_nothing_can_have_are_refused(arguments, sizes, error):
    with pytest.raises(error):
        cpnum.bench(cpjit(np.sqrt), *arguments, sizes=sizes)


# -- sizes --------------------------------------------------------------------------------------


@runs
def test_arrays_are_repeated_or_cut_to_each_size():
    seen = []

    def see(x, y, a):
        seen.append((x.copy(), y.shape, a))
        return x * y + a

    given = np.array([1.0, 2.0, 3.0]), np.ones(1), 2.5
    result = quick(lambda x, y, a: x * y + a, *given, sizes=[2, 1e1], against={"see": see})
    assert [row.elements for row in result.rows if row.name == "cpnum"] == [2, 10]
    first, last = seen[0], seen[-1]
    assert first[0].tolist() == [1.0, 2.0]
    assert last[0].tolist() == [1.0, 2.0, 3.0] * 3 + [1.0]
    assert last[1:] == ((1,), 2.5)


@runs
def test_one_array_that_is_given_twice_stays_one():
    kinds = []

    def same(x, y):
        kinds.append(x is y)
        return norm(x, y)

    x = np.ones(4)
    quick(norm, x, x, sizes=[7], against={"same": same})
    assert set(kinds) == {True}


@runs
def test_arguments_are_made_for_each_size():
    result = quick(lambda x, y: x + y, lambda n: (np.ones((n, 1)), np.ones(n)), sizes=[3, 5])
    assert [(row.size, row.elements) for row in result.rows] == [(3, 9)] * 2 + [(5, 25)] * 2
    alone = quick(np.sqrt, np.ones, sizes=[4])
    assert alone.row("cpnum").elements == 4


@runs
def test_without_sizes_there_is_one():
    result = quick(norm, 3.0, 4.0)
    assert result.sizes == [1]
    assert result.row("NumPy").elements == 1


# -- first calls --------------------------------------------------------------------------------


@runs
def test_first_calls_are_cold_and_then_made_again():
    first = quick().first["cpnum"]
    assert first.again is not None
    stages = "trace simplify schedule select assign emit place".split()
    assert [each for each in first.cold_stages if each != "pack"] == stages
    assert list(first.again_stages) == stages
    assert first.cold_stages["pack"] > 0
    for seconds, timing in (
        (first.cold_stages, first.cold),
        (first.again_stages, first.again),
    ):
        assert sum(seconds.values()) <= max(timing.samples)
    assert len(first.cold.samples) <= 5 < len(first.again.samples) <= 9


@runs
def test_another_functions_first_call_is_its_only_one():
    calls = []

    def slow(x, y):
        calls.append(1)
        return norm(x, y)

    first = quick(against={"slow": slow}).first["slow"]
    assert first.again is None
    assert len(first.cold.samples) == 1


# -- interrupts and progress --------------------------------------------------------------------


class Interrupted:
    """A function that is interrupted at a size."""

    def __init__(self, size):
        self.size = size

    def __call__(self, x, y):
        if len(x) == self.size:
            raise KeyboardInterrupt
        return norm(x, y)


@runs
def test_an_interrupt_keeps_the_sizes_that_are_finished():
    result = quick(against={"other": Interrupted(30)}, sizes=[10, 20, 30, 40])
    assert result.sizes == [10, 20]
    assert {row.name for row in result.rows} == {"cpnum", "NumPy", "other"}
    assert all(row.timing is not None for row in result.rows)
    assert result.interrupted == "interrupted: 2 of 4 sizes are finished"
    assert str(result).endswith("interrupted: 2 of 4 sizes are finished")


@runs
def test_an_interrupt_before_any_size_is_finished_goes_on():
    with pytest.raises(KeyboardInterrupt):
        quick(against={"other": Interrupted(10)}, sizes=[10, 20])


@runs
def test_progress_wraps_the_sizes_as_tqdm_does():
    seen = []

    def wrap(sizes):
        seen.append(list(sizes))
        yield from sizes

    cpnum.bench(cpjit(norm), *pair(), sizes=[5, 6], against=(), rounds=3, progress=wrap)
    assert seen == [[5, 6]]


@pytest.fixture
def clock(monkeypatch):
    """Let time pass only when a test says so."""

    class Clock:
        now = 0.0

        def perf_counter(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(told, "time", clock)
    return clock


def test_a_long_run_says_how_far_it_is_and_leaves_nothing_in_the_terminal(
    clock, monkeypatch, capsys
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    for _ in told.progress(range(3), "bench"):
        clock.now += 2.0
    lines = capsys.readouterr().err.split("\r\033[K")
    assert lines == [
        "",
        "bench: 1 of 3, 2 s, about 4 s left",
        "bench: 2 of 3, 4 s, about 2 s left",
        "",
    ]


@pytest.mark.parametrize(("terminal", "seconds"), [(True, 0.1), (False, 9.0)])
def test_a_short_run_and_a_file_get_no_progress(clock, monkeypatch, capsys, terminal, seconds):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    for _ in told.progress(range(5), "bench"):
        clock.now += seconds
    assert capsys.readouterr() == ("", "")


def test_a_notebook_keeps_the_last_line(clock, monkeypatch):
    lines = []

    class Handle:
        def update(self, text):
            lines.append(text.data)

    monkeypatch.setattr(IPython, "get_ipython", lambda: SimpleNamespace(kernel=None))
    monkeypatch.setattr(IPython.display, "display", lambda text, display_id: Handle())
    for _ in told.progress("ab", "bench"):
        clock.now += 3.0
    assert lines == ["bench: 1 of 2, 3 s, about 3 s left", "bench: 2 of 2 in 6 s"]


def test_no_folder_of_the_package_hides_the_function():
    assert importlib.util.find_spec("cpnum.bench") is None
    assert callable(cpnum.bench)
