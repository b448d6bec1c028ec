"""Python's `sum`, `max`, `min`, `any` and `all` of traced arrays: meanings, names, threads."""

import builtins
import functools
import os
import pickle
import re
import subprocess
import sys
import threading
import types
import warnings

import numpy as np
import pytest
from cases import LAYOUTS, assert_same, quiet, special
from tracing import DTYPES, both

from cpnum import CpnumError, TraceError, cpjit
from cpnum.ir.program import Program
from cpnum.jit import cache
from cpnum.tables.dtypes import from_numpy
from cpnum.trace.arguments import arguments_of
from cpnum.trace.built_in import BUILT_IN
from cpnum.trace.trace import trace

# More elements than Python may look at.
X = np.tile([1.0, -2.5, 4.0, 4.0, 0.5, 2.0, -1.0, 3.0, 0.25, 7.5], 4)
NAMES = sorted(each.__name__ for each in BUILT_IN)


@pytest.fixture(autouse=True)
def _nothing_is_left(monkeypatch):
    """Run programs of small arrays, too; after each test, no module has a name more than before."""
    monkeypatch.setattr(cache, "_LEAST_SAVED", -np.inf)
    globals().setdefault("__warningregistry__", {})  # or a first warning would make it
    before = list(globals())
    yield
    assert list(globals()) == before


def values(dtype, count):
    """Return numbers of both signs, some of which are equal."""
    random = np.random.default_rng(count)
    numbers = random.integers(-9, 9, count) / (4 if np.dtype(dtype).kind == "f" else 1)
    return numbers.astype(dtype)


# -- meanings -----------------------------------------------------------------------------------

# fmt: off
FUNCTIONS = {
    "max": lambda x: max(x),
    "min": lambda x: min(x),
    "any": lambda x: any(x),
    "all": lambda x: all(x),
    "sum": lambda x: sum(x),
    "used further": lambda x: (x + min(x)) * 2 + max(x * 2) * sum(x + 1),
    "of a condition": lambda x: x * 2 if any(x > 1) and not all(x > -1) else x[::-1] + 1,
    "start": lambda x: sum(x, 2),
    "start by name": lambda x: sum(x, start=0.1),
    "start of another dtype": lambda x: sum(x, np.float64(0.1)),
    "start that is computed": lambda x: sum(x[1:], x[0] * 2),
    "start that is true": lambda x: sum(x, True),
    "of a view": lambda x: max(x[::-2]) + sum(x[1:]),
    "other names": lambda x, function=max: function(x) if len(x) < 2 else max(x),
    "inside of a function": lambda x: (lambda y: max(y) * y)(x * 2),
    "in a comprehension": lambda x: [sum(x * k) for k in (1, 2)],
    "of rows": lambda x: sum(np.outer(x, x)),
}
# fmt: on


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_are_those_of_python(name, dtype):
    for count in (0, 1, 2, 7, 8, 9, 300):
        both(FUNCTIONS[name], values(dtype, count))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["max", "min", "any", "all", "sum"])
def test_layouts_do_not_matter(name, layout):
    for dtype in DTYPES:
        both(FUNCTIONS[name], LAYOUTS[layout](values(dtype, 40)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["max", "min", "any", "all", "sum", "used further"])
def test_one_trace_serves_all_contents(name, dtype):
    """Also lengths: a program that was made for many elements may get few, or none."""
    compiled = cpjit(FUNCTIONS[name])
    numbers = special(from_numpy(np.dtype(dtype)))
    random = np.random.default_rng(0)
    for count in (40, 9, 3, 1, 0, 20, 0):
        for _ in range(20):
            x = random.choice(numbers, count)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    expected = FUNCTIONS[name](x)
                except ValueError as error:
                    with pytest.raises(ValueError, match=re.escape(str(error))):
                        compiled(x)
                else:
                    assert_same(expected, compiled(x), x)
    if name != "any" and name != "all":
        assert len(compiled.signatures) == 2  # an extent of 1 is another type


NAN = {
    "first": [np.nan, 1.0, 5.0],
    "later": [1.0, np.nan, 5.0, np.nan, -5.0],
    "only": [np.nan, np.nan],
    "zeros": [-0.0, 0.0, -0.0],
    "other zeros": [0.0, -0.0],
    "zeros and a smaller one": [-1.0, -0.0, 0.0],
    "zeros and a larger one": [1.0, 0.0, -0.0],
    "infinities": [-np.inf, 3.0, np.inf, np.nan],
}


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("name", NAN)
def test_nan_and_zeros_are_as_in_python(name, dtype):
    x = np.array(NAN[name], dtype)
    for function in ("max", "min", "sum"):
        both(FUNCTIONS[function], x)
        with quiet():
            expected, actual = FUNCTIONS[function](x), cpjit(FUNCTIONS[function])(x)
        assert np.isnan(expected) or np.signbit(expected) == np.signbit(actual)
        both(FUNCTIONS[function], np.tile(x, 20))


def test_a_sum_of_negative_zeros_is_zero():
    for count in (1, 20):
        assert not np.signbit(cpjit(lambda x: sum(x))(np.full(count, -0.0)))


def test_elements_are_added_in_their_order():
    x = np.random.default_rng(0).normal(size=10_000) * 10.0 ** np.arange(10_000).clip(0, 12)
    assert np.sum(x) != sum(x)
    both(lambda x: sum(x), x)


@pytest.mark.parametrize("shape", [(), (2, 3), (20, 3), (9, 40), (1, 3), (2, 1), (0, 3), (3, 0)])
@pytest.mark.parametrize("name", NAMES)
def test_rows_are_as_in_numpy(name, shape):
    for dtype in DTYPES:
        x = values(dtype, int(np.prod(shape))).reshape(shape)
        errors_too(FUNCTIONS[name], x)
        if x.ndim:
            errors_too(FUNCTIONS[name], np.asfortranarray(np.stack([x, x], axis=-1)))


def errors_too(function, x):
    """Compare results, or classes and texts of errors."""
    try:
        expected = function(x)
    except (ValueError, TypeError) as error:
        with pytest.raises(type(error)) as caught:
            cpjit(function)(x)
        assert str(caught.value) == str(error)
    else:
        actual = cpjit(function)(x)
        assert_same(expected, actual)
        assert np.shape(expected) == () or expected.strides == actual.strides


def test_calls_that_are_not_of_an_array_are_pythons():
    both(lambda x: x * max(1, 2, len(x)) + min([3, 4]) + sum(k for k in range(3)), X)
    both(lambda x: sum([x, x * 2]) + sum((x * k for k in range(3)), start=x), X)
    both(lambda x, n: x * max(n, 2) + sum([n, 1]), X, 3)
    both(lambda x: x if any(k > 1 for k in range(3)) and all([1, len(x)]) else -x, X)
    both(lambda x: x * max("ab", key=str.upper).count("b") + max([], default=1), X)
    both(lambda x: functools.reduce(max, [1, 3, 2]) * x, X)
    for wrong in (lambda x: max(), lambda x: sum(x, 1, 2), lambda x: any(x, x), lambda x: sum()):
        with pytest.raises(TypeError):
            cpjit(wrong)(X)
    for unlike in (lambda x: max(x, key=abs), lambda x: max(x, default=0), lambda x: min(x, x)):
        with pytest.raises(TraceError, match="needs a value"):
            cpjit(unlike)(np.arange(40.0))


def test_what_a_mask_chooses_has_no_known_length():
    for function in (lambda x: sum(x[x > 0]), lambda x: max(x[x > 0])):
        with pytest.raises(TraceError, match="the number of elements that a mask chooses"):
            cpjit(function)(X)


def test_arrays_that_the_function_makes_are_constants():
    def made(x):
        table = np.arange(20.0)
        written = np.zeros(50)
        written[: len(x)] = x
        return x * sum(table) + max(table) + any(table) - max(written) - sum(written, start=1)

    both(made, X)
    both(lambda x: x + sum(np.eye(3))[0], X)


def test_what_was_written_before_is_not_written_twice():
    """A sum of no elements is another type, so the call is made as written."""

    def function(x, y):
        x += 1
        return sum(y)

    compiled = cpjit(function)
    for y in (np.ones(20), np.ones(0)):
        x = np.zeros(3)
        assert_same(sum(y), compiled(x, y))
        assert x.tolist() == [1, 1, 1]


def test_a_sum_has_one_step():
    program = trace(lambda x: sum(x) * 2, (np.ones(10_000),))
    assert isinstance(program, Program)
    assert "= sum(x, 0)" in str(program)
    assert len(program.steps) == 2


def test_short_sums_are_fused():
    assert not isinstance(trace(lambda x: x * sum(x), (np.ones(8),)), Program)


def test_long_arrays_run_as_programs_and_short_ones_as_written(monkeypatch):
    monkeypatch.setattr(cache, "_LEAST_SAVED", 0.0)
    for name in NAMES:
        compiled = cpjit(FUNCTIONS[name])
        for x in (np.full(10_000, name == "all"), np.full(20, name == "all")):
            compiled(x)
            given = arguments_of(compiled.py_func, (x,), {})
            why = compiled._cache.why_as_written(given, None)
            assert ("the arrays are too small" in why) == (len(x) == 20)


# -- warnings -----------------------------------------------------------------------------------

# Sums of these report errors.
REPORTING = {
    "overflow": np.full(20, 1e308),
    "invalid": np.array([np.inf, -np.inf] * 10),
    "integers": np.full(20, 2**62),
    "short integers": np.full(20, 2**31 - 1, np.int32),
    "negative integers": np.full(20, -(2**62)),
    "rows": np.full((20, 2), 1e308),
    "wide rows": np.full((20, 40), 1e308),
}


def reporting(x):
    y = x + 0
    return sum(y)


@pytest.mark.parametrize("name", REPORTING)
def test_warnings_are_pythons_at_the_line_of_the_user(name):
    told = []
    compiled = cpjit(reporting)
    for function in (reporting, compiled, compiled):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            function(REPORTING[name])
        told.append([(str(w.message), w.category, w.filename, w.lineno) for w in caught])
    assert told[0] == told[1] == told[2]
    assert told[0]
    assert {each[2:] for each in told[0]} == {(__file__, reporting.__code__.co_firstlineno + 2)}


def test_errors_are_raised_as_numpy_is_told():
    for function in (reporting, cpjit(reporting)):
        with np.errstate(all="raise"), pytest.raises(FloatingPointError, match="overflow"):
            function(REPORTING["overflow"])


def test_nan_reports_nothing():
    x = np.array([1.0, np.nan, 3.0, -np.inf] * 5)
    with np.errstate(all="raise"):
        assert cpjit(lambda x: max(x) - min(x))(x) == np.inf


# -- names --------------------------------------------------------------------------------------


@pytest.fixture
def module():
    """A module that can be filled with source, and is loaded."""
    made = types.ModuleType("module_of_built_in")
    sys.modules[made.__name__] = made
    yield made
    del sys.modules[made.__name__]


def filled(module, source):
    exec(source, vars(module))
    return module


HELPERS = """
def largest(x):
    return max(x)
def outer(x):
    return inner(x) * 2
def inner(x):
    return sum(x) if any(x) else x
class Class:
    def method(self, x):
        return self.other(x)
    def other(self, x):
        return min(x)
    @staticmethod
    def static(x):
        return max(x)
    @property
    def doubled(self):
        return max(self.x) * 2
"""


def test_helpers_in_other_modules_are_found(module):
    before = dict(vars(filled(module, HELPERS)))
    outer, object_, cls = module.outer, module.Class(), module.Class
    object_.x = X
    both(lambda x: module.largest(x) * 2, X)
    both(lambda x: outer(x) * 2, X)
    both(lambda x: object_.method(x) * 2, X)
    both(lambda x: cls.static(x) * 2, X)
    both(object_.method, X)
    both(functools.partial(outer), X)
    both(functools.partial(lambda f, x: f(x) + 1, module.largest), X)
    both(lambda x: cls().method(x) + 1, X)
    both(lambda x, f=module.largest: f(x) + 1, X)
    assert dict(vars(module)) == before


def test_compiled_helpers_are_found():
    inner = cpjit(lambda x: max(x) * 2)
    both(lambda x: inner(x) + sum(x), X)


def test_a_function_of_no_module_is_found():
    names = {}
    exec(HELPERS, names)
    before = list(names)
    both(names["largest"], X)
    both(names["outer"], X)
    assert list(names) == before


def test_a_name_of_the_module_itself_stays(module):
    both(filled(module, "def max(x):\n  return x * 3\n" + HELPERS).largest, X)
    del module.max
    vars(module)["max"] = vars(module)["any"] = None
    with pytest.raises(TypeError):
        cpjit(module.largest)(X)
    assert module.max is None


def test_other_built_in_names_stay():
    names = {"__builtins__": {**vars(builtins), "max": np.min}}
    exec(HELPERS, names)
    both(names["largest"], X)


def test_a_name_that_the_function_assigns_stays(module):
    filled(module, "def f(x):\n  global max\n  y = max(x)\n  max = abs\n  return x * y")
    trace(module.f, (X,))
    assert module.max is abs


def test_attributes_of_these_names_need_none(module):
    filled(module, "names = []\ndef f(x):\n  names.extend(globals())\n  return x.max() + x.sum()")
    trace(module.f, (X,))
    assert module.names
    assert "max" not in module.names


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, CpnumError])
def test_names_are_as_before_after_an_error(error, module):
    filled(module, "def f(x):\n  assert 'max' in globals()\n  return stop(max(x))")

    def stop(x):
        if error is CpnumError:
            return float(x)
        raise error

    module.stop = stop
    before = list(vars(module).items())
    with pytest.raises(error):
        trace(module.f, (X,))
    assert list(vars(module).items()) == before


def test_a_replacement_is_like_the_function():
    seen = []
    trace(lambda x: seen.append(max) or x * 1, (X,))
    (kept,) = seen
    assert kept is not max
    assert kept.__name__ == "max"
    assert repr(kept) == repr(max)
    assert pickle.loads(pickle.dumps(kept)) is max
    assert kept([1, 2], key=abs) == kept(1, 2) == 2
    with pytest.raises(TypeError):
        kept()
    assert kept(X) == 7.5


def test_traces_may_be_nested():
    inner = cpjit(lambda x: max(x) + 1)

    def outer(x):
        before = max
        factor = inner(np.arange(3.0))
        assert max is before
        return max(x) * factor

    both(outer, X)


# -- threads ------------------------------------------------------------------------------------


def test_threads_trace_at_once_and_others_notice_nothing(module):
    filled(module, "def f(x, wait):\n  y = max(x)\n  wait()\n  wait()\n  return y + sum(x)")
    inside, failures = threading.Barrier(3), []
    before = list(vars(module))

    def wait():
        inside.wait(timeout=30)

    def work():
        try:
            assert "= max(x)" in str(trace(module.f, (X, wait)))
        except BaseException as error:
            failures.append(error)

    compiled = cpjit(outside)
    expected = compiled(X)
    threads = [threading.Thread(target=work) for _ in range(2)]
    for each in threads:
        each.start()
    wait()
    assert module.max is not max
    assert module.max([1, 3, 2]) == 3
    module.total = lambda: module.sum(np.full(2, 2**31 - 1, np.int32))
    with pytest.warns(RuntimeWarning, match="overflow") as caught:
        module.total()
    assert {each.filename for each in caught} == {__file__}
    assert_same(expected, compiled(X))
    wait()
    for each in threads:
        each.join(timeout=30)
    assert not failures
    del module.total
    assert list(vars(module)) == before


def outside(x):
    return max(x) + 1


def test_a_call_while_another_thread_traces_is_not_compiled_again(module):
    filled(module, "def f(x):\n  traced.append(1)\n  return max(x) * 2\ntraced = []")
    filled(module, "def slow(x, wait):\n  wait()\n  wait()\n  return max(x)")
    compiled = cpjit(module.f)
    expected = compiled(X)
    inside = threading.Barrier(2)

    def wait():
        inside.wait(timeout=30)

    thread = threading.Thread(target=lambda: trace(module.slow, (X, wait)))
    thread.start()
    wait()
    assert "max" in vars(module)
    first, late = compiled(X), cpjit(module.f)
    assert_same(expected, first)
    assert_same(expected, late(X))
    wait()
    thread.join(timeout=30)
    assert_same(expected, compiled(X))
    assert_same(expected, late(X))
    assert len(module.traced) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_child_that_is_forked_meanwhile_has_pythons_functions():
    program = """
import os, sys, threading, numpy as np
from cpnum.trace.trace import trace
inside, go_on = threading.Event(), threading.Event()
def slow(x):
    inside.set()
    go_on.wait(30)
    return max(x)
thread = threading.Thread(target=lambda: trace(slow, (np.ones(3),)))
thread.start()
inside.wait(30)
assert "max" in globals()
child = os.fork()
if not child:
    right = "max" not in globals()
    trace(lambda x: max(x) + 1, (np.ones(3),))
    os._exit(0 if right and "max" not in globals() else 1)
go_on.set()
thread.join()
assert "max" not in globals()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], timeout=60, check=False)
    assert done.returncode == 0
