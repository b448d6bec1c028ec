"""A value that the function kept while it was traced is an error wherever it is used later."""

import copy
import functools
import gc
import linecache
import math
import operator
import pickle
import re
import sys
import threading
from types import CodeType

import numpy as np
import pytest
from calls import X

from cpnum import TraceError, UnsupportedError, cpjit, special
from cpnum.trace.leftover import LeftOver
from cpnum.trace.trace import trace

METHODS = {
    "copy": (),
    "astype": (int,),
    "transpose": (),
    "swapaxes": (0, 0),
    "reshape": (-1,),
    "ravel": (),
    "squeeze": (),
    "clip": (0, 1),
    "__getitem__": (0,),
}


class Keeping:
    """Keeps values of each kind."""


def step_of(keeping):
    """Return a function that keeps values in an object that is no argument of it."""

    def step(x, n):
        keeping.computed = x * 2
        keeping.argument = x
        keeping.number = n
        keeping.of_numbers = n + 1
        keeping.scalar = keeping.computed[0]
        keeping.view = x[1:]
        keeping.constant = np.ones_like(x)
        keeping.function = keeping.computed.__add__
        keeping.iterator = iter(keeping.computed)
        keeping.methods = {name: getattr(keeping.computed, name) for name in METHODS}
        return keeping.computed + n

    return step


def kept():
    keeping = Keeping()
    cpjit(step_of(keeping))(X, 3)
    return keeping


compiled = cpjit(lambda x: x + 1)

REFLECTED = "add sub mul truediv floordiv mod pow and_ or_ xor lshift rshift".split()
BINARY = [
    *REFLECTED,
    *"matmul eq ne lt le gt ge getitem contains".split(),
    *"iadd isub imul itruediv ifloordiv imod ipow imatmul iand ior ixor ilshift irshift".split(),
]
UNARY = "neg pos abs invert not_ truth index".split()


def _with_two(function, left):
    return function(left, 2)


USES = {
    **{name: getattr(operator, name) for name in UNARY},
    **{name: functools.partial(_with_two, getattr(operator, name)) for name in BINARY},
    **{f"2 {name}": functools.partial(getattr(operator, name), 2) for name in REFLECTED},
    "array + left": lambda left: X + left,
    "scalar * left": lambda left: np.float64(2) * left,
    "in place": lambda left: X.copy().__iadd__(left),
    "divmod": lambda left: divmod(left, 2),
    "round": round,
    "trunc": math.trunc,
    "floor": math.floor,
    "ceil": math.ceil,
    "sin": math.sin,
    "float": float,
    "int": int,
    "complex": complex,
    "len": len,
    "list": list,
    "iter": iter,
    "sum": lambda left: sum([left]),
    "max": lambda left: max(left, 1.0),
    "hash": hash,
    "range": range,
    "index of a list": lambda left: [1, 2][left],
    "setitem": lambda left: left.__setitem__(0, 1.0),
    "ufunc": np.sqrt,
    "ufunc of two": lambda left: np.hypot(X, left),
    "reduce": np.add.reduce,
    "array function": lambda left: np.where(left, X, 1.0),
    "sum of an array": np.sum,
    "asarray": np.asarray,
    "array of several": lambda left: np.array([left, left]),
    "copyto": lambda left: np.copyto(X.copy(), left),
    "out": lambda left: np.add(X, X, out=left),
    "index": lambda left: X[left],
    "assignment": lambda left: X.copy().__setitem__(slice(None), left),
    "shape": lambda left: left.shape,
    "dtype": lambda left: left.dtype,
    "ndim": lambda left: left.ndim,
    "size": lambda left: left.size,
    "T": lambda left: left.T,
    "method": lambda left: left.astype(float),
    "reduction": lambda left: left.sum(),
    "unknown attribute": lambda left: left.shap,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": pickle.dumps,
    "compiled": compiled,
    "compiled by name": lambda left: compiled(x=left),
    "out of compiled": lambda left: compiled(X, out=left),
    "compiled, but not needed": lambda left: cpjit(lambda x, y: x)(X, left),
    "lower": compiled.lower,
    "bind": compiled.bind,
    "in a tuple": lambda left: cpjit(lambda x, pair: x)(X, (1, left)),
    "fallback": lambda left: cpjit(lambda x: x[x > 0] + left, fallback="numpy")(X),
    "special": special.erf,
    "trace": lambda left: trace(lambda x: x, (left,)),
    "inside": lambda left: cpjit(lambda x: x + left)(X),
    "inside, on the left": lambda left: cpjit(lambda x: left - x)(X),
    "inside, a ufunc": lambda left: cpjit(lambda x: np.arctan2(x, left))(X),
    "inside, where": lambda left: cpjit(lambda x: np.where(x > 0, left, x))(X),
    "inside, clip": lambda left: cpjit(lambda x: x.clip(0.0, left))(X),
    "inside, an index": lambda left: cpjit(lambda x: x[left])(X),
    "inside, a slice": lambda left: cpjit(lambda x: x[:left])(X),
    "inside, special": lambda left: cpjit(lambda x: special.erf(left) + x)(X),
    "inside, in place": lambda left: cpjit(lambda x: (x * 2).__iadd__(left))(X),
    "inside, full_like": lambda left: cpjit(lambda x: np.full_like(x, left))(X),
    "inside, an argument": lambda left: cpjit(lambda x: compiled(left) + x)(X),
    "inside, returned": lambda left: cpjit(lambda x: left)(X),
}
VALUES = ("computed", "argument", "number", "of_numbers", "scalar", "view", "constant")
KEPT = kept()


@pytest.mark.filterwarnings("ignore:<lambda> runs through NumPy")
@pytest.mark.parametrize("use", USES)
def test_each_use_of_a_left_over_is_an_error(use):
    for name in VALUES:
        with pytest.raises(TraceError, match="of step is used after step was traced") as caught:
            USES[use](getattr(KEPT, name))
        assert caught.value.write == "return and the value in step, and keep the result of its call"


def test_the_operators_are_all_that_arrays_and_numbers_have():
    computing = {
        name
        for kind in (np.ndarray, np.float64, np.int64, float, int)
        for name in dir(kind)
        if re.fullmatch("__.*__", name) and name not in dir(object)
    }
    computing -= {"__array_interface__", "__array_struct__", "__array_priority__"}
    computing -= {"__class_getitem__", "__getformat__"}
    assert computing <= set(vars(LeftOver))


def test_an_error_of_a_left_over_names_the_lines_of_its_value_and_of_its_use():
    for name in VALUES:
        left = getattr(KEPT, name)
        with pytest.raises(TraceError) as caught:
            left + 1  # used here
        place, number = re.fullmatch(r"(.*, line (\d+)):  .*", caught.value.where).groups()
        assert place.startswith("test_leftovers.py")
        assert linecache.getline(__file__, int(number)).endswith("# used here\n")
        assert caught.value.seen == _seen(name)


def _seen(name):
    first = step_of(None).__code__.co_firstlineno
    line = {"computed": first + 1, "scalar": first + 1, "of_numbers": first + 4}.get(name)
    origin = {
        "argument": "the argument x",
        "number": "the argument n",
        "view": "a view of the argument x",
        "constant": "a constant",
    }.get(name)
    kind = {"number": "int", "of_numbers": "int", "scalar": "f64", "view": "f64[36]"}
    if line is not None:
        text = linecache.getline(__file__, line).strip()
        origin = f"computed in test_leftovers.py, line {line}:  {text}"
    return f"{kind.get(name, 'f64[37]')}, {origin}"


def test_a_left_over_says_what_it_is():
    for name in VALUES:
        left = getattr(KEPT, name)
        text = f"<left over from the trace of step: {_seen(name)}>"
        assert repr(left) == str(left) == f"{left}" == text
        assert text in repr([left])
        assert not isinstance(left, np.ndarray | np.generic | int | float)
        assert not hasattr(left, "_repr_html_")
        assert not hasattr(left, "__array_interface__")
        assert "__add__" in dir(left)


def test_ipython_prints_a_left_over():
    pretty = pytest.importorskip("IPython.lib.pretty")
    assert pretty.pretty(KEPT.argument) == repr(KEPT.argument)
    from IPython.core.formatters import DisplayFormatter

    data, _ = DisplayFormatter().format(KEPT.argument)
    assert data == {"text/plain": repr(KEPT.argument)}


def test_what_holds_a_left_over_is_an_error_when_it_is_used():
    keeping = kept()
    for use in (lambda: keeping.function(1), lambda: next(keeping.iterator)):
        with pytest.raises(TraceError, match="used after step was traced"):
            use()
    for name, method in keeping.methods.items():
        with pytest.raises(TraceError, match="used after step was traced"):
            method(*METHODS[name])


def test_a_left_over_is_an_error_in_another_thread():
    raised = []

    def work():
        try:
            KEPT.computed + 1
        except TraceError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(raised) == 1


def test_a_function_that_uses_what_it_kept_is_refused_at_its_next_trace():
    last = [0.0]

    @cpjit
    def smoothed(x):
        y = x * 0.5 + last[0]
        last[0] = y
        return y

    assert np.array_equal(smoothed(X), X * 0.5)
    with pytest.raises(TraceError, match="of smoothed is used after smoothed was traced"):
        smoothed(X[:, None])


def test_values_are_left_over_from_a_trace_that_failed():
    keeping, failed = [], ValueError("mine")

    def refused(x):
        keeping.append(x * 2)
        return np.linalg.eigvals(x)

    def raising(x):
        keeping.append(x * 2)
        raise failed

    for function, kind in ((refused, UnsupportedError), (raising, ValueError)):
        with pytest.raises(kind):
            cpjit(function)(np.eye(2))
        with pytest.raises(TraceError, match=f"of {function.__name__} is used after"):
            keeping.pop() + 1


def test_values_of_an_outer_trace_live_on_after_an_inner_one():
    inner = []

    def outer(x):
        y = x * 2
        cpjit(lambda z: inner.append(z * 3) or z + 1)(X)
        return y + x

    assert np.array_equal(cpjit(outer)(X), X * 3)
    with pytest.raises(TraceError, match="of <lambda> is used after"):
        inner[0] + 1


def test_a_left_over_keeps_no_graph_and_no_argument_alive():
    gc.collect()
    gc.disable()
    try:
        keeping, x = [], np.ones(5)
        references = sys.getrefcount(x)
        graph = trace(lambda x: keeping.append(np.sqrt(x + 1)) or x * 2, (x,))
        assert sys.getrefcount(x) == references
        assert type(keeping[0]) is LeftOver
        held = gc.get_referents(keeping[0])
        while held:
            each = held.pop()
            assert type(each) in (
                type,
                str,
                tuple,
                int,
                CodeType,
            )
            held += gc.get_referents(each) if type(each) is tuple else []
        del graph
    finally:
        gc.enable()
