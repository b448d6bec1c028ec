"""Threads call one function at once, and run while a kernel runs; no page is ever both."""

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from calls import run

from cpnum import cpjit
from cpnum.jit import slow
from cpnum.jit.cache import Cache
from cpnum.run import pieces, prepared

THREADS = 8


def together(work, threads=THREADS):
    """Run `work(number)` in threads that start at once; return what they return, in order."""
    barrier = threading.Barrier(threads)

    def start(number):
        barrier.wait(timeout=60)
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(start, range(threads)))


def gaussian(x, y):
    return np.sqrt(x * x + y * y) / (1.0 + x * y)


def arrays(number, count=1000):
    chance = np.random.default_rng(number)
    return chance.random(count), chance.random(count)


@pytest.fixture(autouse=True)
def _frequent_switches():
    """Let threads take turns often, so that races are found."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_first_calls_race_to_compile(level):
    for _ in range(20):
        f = cpjit(gaussian, isa=level)
        inputs = [arrays(number) for number in range(THREADS)]
        results = together(lambda number, f=f, inputs=inputs: f(*inputs[number]))
        for each, given in zip(results, inputs, strict=True):
            assert np.array_equal(each, gaussian(*given))
        assert f.signatures == ["f64[:], f64[:]"]


def test_first_calls_share_a_cache(monkeypatch):
    made = []

    def make(*arguments):
        time.sleep(0.01)  # until the others have come as far
        made.append(Cache(*arguments))
        return made[-1]

    monkeypatch.setattr(slow, "Cache", make)
    f = cpjit(gaussian)
    x, y = arrays(0)
    together(lambda number: f(x, y))
    assert made == [f._cache]


def test_threads_make_the_first_calls_of_a_process():
    code = """
        import sys, threading
        sys.setswitchinterval(1e-6)
        f, barrier, found = cpjit(lambda x, n: x * n + 1.0), threading.Barrier(8), []
        assert "cpnum.jit.slow" not in sys.modules
        def work(number):
            barrier.wait(timeout=60)
            found.append(f(np.ones(3), number)[0] == number + 1.0)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        print(sum(found), f.compiled)
    """
    assert run(code) == ["8 1"]


def test_shapes_dtypes_and_scalars_of_their_own(level):
    f = cpjit(gaussian, isa=level)

    def work(number):
        dtype = ("f8", "f4")[number % 2]
        right = []
        for count in (1, 7, 64, 1000, 0, 333, 3000):
            x, y = (each.astype(dtype) for each in arrays(number, count + number))
            right.append(np.array_equal(f(x, y), gaussian(x, y)))
            scalar = float(number)
            right.append(np.array_equal(f(x, scalar), gaussian(x, scalar)))
            x, y = x[::-2], y[:100, None]
            right.append(np.array_equal(f(x, y), gaussian(x, y)))
        return all(right)

    assert together(work) == [True] * THREADS


def test_one_plan_is_run_by_all_threads_many_times(level):
    f = cpjit(lambda x, a: x * a + a, isa=level)
    x = np.arange(500.0)
    f(x, 1.0)

    def work(number):
        expected = x * float(number) + float(number)
        return all(np.array_equal(f(x, float(number)), expected) for _ in range(300))

    assert together(work) == [True] * THREADS


def test_one_call_in_place_is_made_in_pieces_by_all_threads(level, monkeypatch):
    monkeypatch.setattr(prepared, "WHOLE", 0)
    monkeypatch.setattr(pieces, "PIECE", 64)
    f = cpjit(lambda x, a: np.sqrt(x) * a, isa=level)
    f(np.ones(99), 1.0)

    def work(number):
        x, seen = np.full(99, 4.0), set()
        for _ in range(20):
            x[:] = 4.0
            x[number::10] = -1.0
            with np.errstate(all="call", call=lambda kind, flag: seen.add(kind)):
                f(x, float(number), out=x)
            x[number::10] = 2.0 * number
            if not np.array_equal(x, np.full(99, 2.0 * number)):
                return "wrong"
        return seen

    assert together(work) == [{"invalid value"}] * THREADS


def test_bound_kernels_of_several_threads(level):
    f = cpjit(lambda x, a: x * a + a, isa=level)
    x = np.arange(500.0)

    def work(number):
        out = np.empty(500)
        bound = f.bind(x, float(number), out=out)
        expected = x * float(number) + float(number)
        right = []
        for _ in range(100):
            out[:] = -1.0
            right.append(bound() is out and np.array_equal(out, expected))
        return all(right)

    assert together(work) == [True] * THREADS


def test_one_bound_kernel_is_called_by_all_threads(level):
    # More than the registers hold: the block of a call keeps counters and spilled values.
    terms = [float(number) for number in range(60)]

    def f(x, y):
        values = [np.sqrt(x * term + y) for term in terms]
        while len(values) > 1:
            values = [a + b for a, b in zip(values[::2], values[1::2], strict=False)] + values[
                len(values) // 2 * 2 :
            ]
        return values[0]

    x, y = np.random.default_rng(0).random((2, 40, 50))
    bound = cpjit(f, isa=level).bind(x[:, 1:], y[:, :-1])
    expected = f(x[:, 1:], y[:, :-1])

    def work(number):
        return all(np.array_equal(bound(), expected) for _ in range(100))

    assert together(work) == [True] * THREADS


def test_other_threads_run_while_a_kernel_runs(level):
    def many_roots(x):
        for _ in range(40):
            x = np.sqrt(x) / (x + 1.0)
        return x

    f = cpjit(many_roots, isa=level)
    x = np.random.default_rng(0).random(4_000_000)
    out = np.empty_like(x)
    f(x[:10], out=out[:10])
    f(x, out=out)  # its pages are there now

    def ticks_within_a_call():
        running, times, ticks = threading.Event(), [], []

        def call():
            running.set()
            started = time.perf_counter()
            f(x, out=out)
            times.extend((started, time.perf_counter()))

        thread = threading.Thread(target=call)
        thread.start()
        running.wait()
        while thread.is_alive():
            ticks.append(time.perf_counter())
            time.sleep(1e-4)
        thread.join()
        started, ended = times
        return sum(started < tick < ended for tick in ticks)

    # With an interval this long, only a released lock lets this thread go on.
    sys.setswitchinterval(30.0)
    # A busy machine may leave this thread waiting through a call of 0.1 s, not through ten.
    assert any(ticks_within_a_call() >= 5 for _ in range(10))


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no /proc")
def test_no_page_is_writable_and_executable():
    def pages():
        lines = Path("/proc/self/maps").read_text().splitlines()
        return {line for line in lines if line.split()[1].startswith("rwx")}

    f = cpjit(gaussian)
    before = pages()  # another library may have some, but not of a file like ours
    assert not [line for line in before if "memfd" in line]
    found = []

    def work(number):
        for count in range(20):
            x, y = arrays(number, 10 + count)
            f(x[:: 1 + count % 3], y[:: 1 + count % 3])
            f.bind(x, y)()
            found.append(pages() - before)

    together(work)
    assert len(found) == 20 * THREADS
    assert set().union(*found) == set()
