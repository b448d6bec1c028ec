"""`np.asarray` and its like inside of compiled functions: names, modules, threads, errors."""

import functools
import os
import pickle
import subprocess
import sys
import threading
import types

import numpy as np
import numpy as other_name
import pytest
from cases import assert_same
from numpy import array, asanyarray, asarray
from numpy import asarray as renamed
from test_functions import both
from tracing import DTYPES, refused, sample

from cpnum import CpnumError, UnsupportedError, cpjit
from cpnum.ir.graph import Graph
from cpnum.trace import replacing
from cpnum.trace.replacing import ORIGINALS
from cpnum.trace.trace import trace

X = np.array([1.0, -2.5, 4.0])


@pytest.fixture(autouse=True)
def _numpy_is_as_it_was():
    """After each test, all names stand for NumPy's functions."""
    before = {name: getattr(np, name) for name in ORIGINALS}
    yield
    assert {name: getattr(np, name) for name in ORIGINALS} == before
    assert asarray is renamed is ORIGINALS["asarray"]
    assert (array, asanyarray) == (ORIGINALS["array"], ORIGINALS["asanyarray"])


# -- values -------------------------------------------------------------------------------------


def own_memory(x):
    y = np.array(x)
    y += 1
    return y


def converted_memory(x):
    y = np.array(x, dtype=np.float32)
    y *= 2
    return y


FUNCTIONS = {
    "asarray": lambda x: np.asarray(x) + 1,
    "asanyarray": lambda x: np.asanyarray(x) * 2,
    "result": lambda x: np.asarray(x),
    "dtype": lambda x: np.asarray(x, dtype=np.float32),
    "dtype_by_place": lambda x: np.asarray(x, "f8") * 0.1,
    "dtype_of_another": lambda x: np.asarray(x, x.dtype),
    "boolean": lambda x: np.asarray(x, dtype=bool),
    "array": lambda x: np.array(x),
    "copy_if_needed": lambda x: np.array(x, copy=None),
    "copy_modes": lambda x: np.array(x, copy=np._CopyMode.IF_NEEDED) + 1,
    "ndmin": lambda x: np.array(x, ndmin=2) * 2,
    "ndmin_of_a_copy": lambda x: np.array(x, dtype=float, copy=True, ndmin=3),
    "order": lambda x: np.asarray(x, order="C") * 2,
    "contiguous": lambda x: np.ascontiguousarray(x) + x,
    "fortran": lambda x: np.asfortranarray(x, dtype="f4"),
    "own_memory": own_memory,
    "converted_memory": converted_memory,
    "other_names": lambda x: asarray(x) + renamed(x) + array(x) + other_name.asanyarray(x),
    "of_a_computed_value": lambda x: np.asarray(x * 2) + np.array(x + x),
    "mapped": lambda x: sum(map(np.asarray, (x, x * 1))),
    "class_of_the_result": lambda x: x * isinstance(np.asarray(x), np.ndarray),
    "copy_is_refused_by_numpy": lambda x: np.array(x, dtype="f4", copy=False),
    "unknown_argument": lambda x: np.asarray(x, dtyp=float),
    "unknown_order": lambda x: np.asarray(x, order="Q"),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_conversions_have_the_bits_of_numpy(name, dtype):
    if dtype == "?" and name == "mapped":
        return  # sum() begins with an integer
    with np.errstate(all="ignore"):
        both(FUNCTIONS[name], sample(dtype))
        both(FUNCTIONS[name], sample(dtype, 6).reshape(2, 3))
        both(FUNCTIONS[name], sample(dtype, 6).reshape(2, 3).T)
        both(FUNCTIONS[name], sample(dtype, 0))


@pytest.mark.parametrize(
    "value",
    [2.5, 3, True, np.float64(0.1), np.float32(0.1), np.int32(7), np.array(2.5), np.array(7, "i4")],
    ids=repr,
)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_conversions_of_numbers_have_the_bits_of_numpy(name, value):
    both(FUNCTIONS[name], value)


def test_an_array_is_the_same_object():
    both(lambda x: x * (np.asarray(x) is x) + 2 * (np.array(x) is x), X)


def test_python_numbers_are_no_longer_weak():
    x = np.ones(3, np.float32)
    both(lambda x, t: x * np.asarray(t), x, 0.1)
    both(lambda x: x * np.asarray(0.1), x)
    both(lambda x: x * np.array(2), x)
    both(lambda x: np.array(2.4) + np.zeros(()) * x[0], x)


@pytest.mark.parametrize(
    "values", [[1.0, 2.0, 3.0], (1, 2, 3), [[1.0], [2.0]], [True, False, True]]
)
def test_lists_of_numbers_are_constants(values):
    both(lambda x: x * np.array(values), X)
    both(lambda x: np.asarray(values) - x, X)


def test_what_is_written_to_an_array_is_written_to_the_argument():
    def in_place(x):
        y = np.asarray(x)
        y += 1
        return y

    x = X.copy()
    assert cpjit(in_place).bind(x)() is x
    assert np.array_equal(x, X + 1)


def test_an_integer_of_a_python_float_is_refused():
    """NumPy refuses NaN, and the machine code would not."""
    text = refused(UnsupportedError, lambda t: np.asarray(t, dtype=int), 2.5)
    assert "np.multiply(x, 1).astype(np.int64)" in text


def test_a_function_of_another_name_that_holds_numpys_is_refused_by_name():
    convert = functools.partial(np.asarray, dtype=float)
    with pytest.raises(CpnumError, match=r"convert\(\) needs a value"):
        cpjit(lambda x: convert(x) + 1)(X)


# -- arrays made inside -------------------------------------------------------------------------

MADE = {
    "zeros": lambda x: x + np.zeros(3),
    "zeros_first": lambda x: np.zeros(3) - x,
    "ones_of_two_axes": lambda x: np.ones((2, 1)) * x,
    "ones_of_the_shape": lambda x: np.ones(x.shape) * x,
    "full": lambda x: x + np.full(3, 2.5),
    "arange": lambda x: x * np.arange(3),
    "arange_of_the_length": lambda x: x * np.arange(len(x)),
    "linspace": lambda x: x[:, None] * np.linspace(0, 1, 5),
    "view": lambda x: x * np.arange(6.0).reshape(2, 3)[::-1].T[:, :1].T,
    "eye": lambda x: x * np.eye(3),
    "only_the_shape": lambda x: x[0] + np.zeros(4),
    "moved": lambda x: (x * np.arange(6).reshape(2, 3))[1:, ::-1].T,
    "where": lambda x: np.where(x > 0, np.arange(3), np.zeros(3)),
    "two_that_are_equal": lambda x: (x + np.arange(3)) * np.arange(3),
    "stacked": lambda x: np.stack([x, np.zeros(3), np.arange(3)]),
    "float32": lambda x: x * np.ones(3, np.float32),
}


@pytest.mark.parametrize("name", MADE)
def test_arrays_made_inside_are_constants(name):
    both(MADE[name], X)
    both(MADE[name], X.astype("f4"))
    both(MADE[name], X[::-1])


@pytest.mark.parametrize("value", [2.5, 3, np.float32(0.1), np.array(2.5)], ids=repr)
def test_numbers_meet_arrays_made_inside(value):
    both(lambda t: t * np.linspace(0, 1, 7), value)
    both(lambda t: np.arange(3) ** 2.0 if t is None else np.full((2, 3), 1.5) - t, value)


def test_what_is_changed_later_does_not_count():
    def late(x):
        w = np.arange(3.0)
        y = x * w
        w[:] = 7.0
        return y

    both(late, X)


def test_bound_calls_and_out_have_arrays_made_inside():
    function = cpjit(lambda x: x * np.arange(3) + np.ones(3))
    out = np.empty(3)
    assert_same(function.py_func(X), function.bind(X, out=out)())
    assert_same(function.py_func(X), function(X, out=out))
    y = X.copy()
    assert_same(function.py_func(X), function(y, out=y))


def written(values):
    array = np.zeros(3)
    array[:] = values
    return array


def test_arrays_from_outside_are_still_refused():
    for function in (
        lambda x: x + X,
        lambda x: x + np.asarray(X),
        lambda x: x + np.array(X),
        lambda x: x + np.full(3, X),
        lambda x: x + np.random.default_rng(0).random(3),
        lambda x: x + written(X),
    ):
        assert "not an argument" in refused(UnsupportedError, function, np.ones(3))


@pytest.mark.parametrize("name", MADE)
def test_the_text_of_a_graph_has_small_arrays(name):
    graph = trace(MADE[name], (X,))
    text = str(graph)
    if " bytes, " in text:
        with pytest.raises(ValueError, match="not all elements"):
            Graph.parse(text)
    else:
        assert Graph.parse(text) == graph


# -- names --------------------------------------------------------------------------------------


def from_module(source, name="f"):
    """Return a function of a new module, which is loaded."""
    module = types.ModuleType("module_of_a_test")
    exec(source, vars(module))
    sys.modules[module.__name__] = module
    return getattr(module, name)


@pytest.fixture
def _no_module():
    yield
    sys.modules.pop("module_of_a_test", None)


SOURCE = """
from numpy import asarray, asarray as A
def f(x):
    return A(x) + asarray(x)
def kept(x):
    global asarray
    asarray = abs
    return x * 1
"""


@pytest.mark.usefixtures("_no_module")
def test_names_of_other_modules_are_found():
    helper = from_module(SOURCE)
    both(lambda x: helper(x) * 2, X)
    both(helper, X)
    assert sys.modules["module_of_a_test"].asarray is ORIGINALS["asarray"]


@pytest.mark.usefixtures("_no_module")
def test_a_name_that_the_function_assigns_stays():
    kept = from_module(SOURCE, "kept")
    trace(kept, (X,))
    assert sys.modules["module_of_a_test"].asarray is abs


def test_names_of_no_module_are_found():
    names = {}
    exec(SOURCE, names)
    both(names["f"], X)
    both(types.MethodType(lambda self, x: asarray(x) * 2, object()), X)
    both(functools.partial(lambda t, x: asarray(x) * t, 2.0), X)


def test_names_that_other_methods_of_an_object_read_are_found(monkeypatch):
    module = types.ModuleType("module_of_a_method")
    exec(SOURCE, vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)

    class Class:
        helper = staticmethod(module.f)

        def f(self, x):
            return self.helper(x) * 2

    both(Class().f, X)


def test_a_module_that_is_imported_meanwhile_keeps_a_function_that_is_right(tmp_path, monkeypatch):
    (tmp_path / "imported_late.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def late(x):
        import imported_late

        return imported_late.f(x)

    assert_same(late.__wrapped__(X) if hasattr(late, "__wrapped__") else X + X, cpjit(late)(X))
    kept = sys.modules.pop("imported_late").asarray
    assert kept([1, 2]).tolist() == [1, 2]
    assert_same(X * 2, cpjit(lambda x: kept(x) * 2)(X))


def test_a_replacement_is_like_the_function():
    seen = []
    trace(lambda x: seen.append(np.asarray) or x, (X,))
    (replacement,) = seen
    assert replacement is not np.asarray
    assert replacement.__name__ == "asarray"
    assert replacement.__module__ == "numpy"
    assert repr(replacement) == repr(np.asarray)
    assert pickle.loads(pickle.dumps(replacement)) is np.asarray
    assert replacement(X) is X
    with pytest.raises(TypeError):
        replacement(X, dtyp=float)


# -- errors and threads -------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_names_are_restored_after_an_error(error):
    def failing(x):
        raise error

    with pytest.raises(error):
        trace(failing, (X,))
    assert np.asarray is ORIGINALS["asarray"]
    with pytest.raises(CpnumError):
        trace(lambda x: float(x), (X,))


def test_traces_may_be_nested():
    inner = cpjit(lambda x: np.asarray(x) + 1)

    def outer(x):
        before = np.asarray
        factor = inner(np.ones(1))[0]
        assert np.asarray is before
        return np.asarray(x) * factor

    both(outer, X)


def test_threads_trace_at_once_and_others_notice_nothing():
    """Names are replaced while any of them traces, and restored after the last."""
    inside, done, failures = threading.Barrier(3), threading.Event(), []

    def slow(x):
        y = np.asarray(x)
        inside.wait(timeout=30)
        inside.wait(timeout=30)
        return np.array(y * 2) + np.zeros(3)

    def work(number):
        try:
            graph = trace(slow, (X,))
            assert "multiply" in str(graph)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for each in threads:
        each.start()
    inside.wait(timeout=30)
    assert np.asarray is not ORIGINALS["asarray"]
    assert np.asarray(X) is X
    assert type(np.zeros(3)) is np.ndarray
    assert np.array([1, 2]).tolist() == [1, 2]
    unrelated = np.zeros(3)
    inside.wait(timeout=30)
    for each in threads:
        each.join(timeout=30)
    done.set()
    assert not failures
    assert "not an argument" in refused(UnsupportedError, lambda x: x + unrelated, X)


def test_a_call_while_another_thread_traces_is_not_compiled_again():
    traced = []

    def uses_a_name(x):
        traced.append(1)
        return asarray(x) * 2

    compiled = cpjit(uses_a_name)
    expected = compiled(X)
    inside = threading.Barrier(2)

    def slow(x):
        inside.wait(timeout=30)
        inside.wait(timeout=30)
        return asarray(x)

    thread = threading.Thread(target=lambda: trace(slow, (X,)))
    thread.start()
    inside.wait(timeout=30)
    assert asarray is not ORIGINALS["asarray"]
    assert_same(expected, compiled(X))
    inside.wait(timeout=30)
    thread.join(timeout=30)
    assert_same(expected, compiled(X))
    assert len(traced) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
def test_a_child_that_is_forked_meanwhile_has_numpys_functions():
    program = """
import os, sys, threading, numpy as np
from cpnum.trace.trace import trace
original = np.asarray
inside, go_on = threading.Event(), threading.Event()
def slow(x):
    inside.set()
    go_on.wait(30)
    return x
thread = threading.Thread(target=lambda: trace(slow, (np.ones(3),)))
thread.start()
inside.wait(30)
child = os.fork()
if not child:
    right = np.asarray is original
    trace(lambda x: np.asarray(x) + 1, (np.ones(3),))
    os._exit(0 if right and np.asarray is original else 1)
go_on.set()
thread.join()
assert np.asarray is original
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], timeout=60, check=False)
    assert done.returncode == 0


def test_no_trace_runs_now():
    assert replacing._NAMES.traces == 0
