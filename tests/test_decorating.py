"""What `cpjit` takes, and what it makes of it."""

import dataclasses
import functools
import gc
import inspect
import types
import weakref
from typing import NamedTuple

import numpy as np
import pytest
from calls import X, Y, hypot

from cpnum import UnsupportedError, cpjit
from cpnum.trace.made import Made
from cpnum.trace.registry import FUNCTIONS


def test_the_decorator_with_and_without_options():
    @cpjit
    def plain(x):
        return x + 1

    @cpjit(fastmath=True, isa=None, fallback="numpy")
    def optioned(x):
        return x + 1

    called = cpjit(lambda x: x + 1, fastmath=False, precision="fast")
    for f in (plain, optioned, called):
        assert np.array_equal(f(X), X + 1)
    assert not plain.fastmath
    assert optioned.fastmath
    assert (plain.precision, called.precision) == ("full", "fast")
    with pytest.raises(ValueError, match='precision is "full" or "fast"'):
        cpjit(lambda x: x, precision="high")


def test_the_function_keeps_its_name_text_and_signature():
    f = cpjit(hypot)
    assert f.__name__ == "hypot"
    assert f.__qualname__ == "hypot"
    assert f.__module__ == hypot.__module__
    assert f.__doc__ == hypot.__doc__
    assert f.__wrapped__ is hypot
    assert f.py_func is hypot
    assert inspect.signature(f) == inspect.signature(hypot)
    assert repr(f) == "<cpjit hypot: 0 signatures>"


def test_a_class_has_methods_that_are_compiled():
    class Scaled:
        def __init__(self, factor):
            self.factor = factor

        @cpjit
        def times(self, x):
            return x * self.factor

        @staticmethod
        @cpjit
        def plus(x, y):
            return x + y

    two, three = Scaled(2.0), Scaled(3.0)
    assert np.array_equal(two.times(X), X * 2)
    assert np.array_equal(three.times(X), X * 3)
    assert np.array_equal(two.times(x=X), X * 2)
    assert np.array_equal(two.plus(X, Y), X + Y)
    out = np.empty_like(X)
    assert three.times(X, out=out) is out
    assert np.array_equal(out, X * 3)


def test_a_method_has_what_a_function_has():
    class Scaled:
        def __init__(self, factor):
            self.factor = factor

        @cpjit
        def times(self, x):
            """Multiply."""
            return x * self.factor

    two = Scaled(2.0)
    assert np.array_equal(two.times.bind(X)(), X * 2)
    out = np.empty_like(X)
    assert two.times.bind(X, out=out)() is out
    assert two.times.lower(X).graph.name == "times"
    assert "add_f64" in str(two.times.explain(X))
    assert len(two.times.signatures) == len(two.times.inspect_ir()) == 1
    assert (two.times.__name__, two.times.__doc__) == ("times", "Multiply.")
    assert np.array_equal(two.times.py_func(X), X * 2)
    assert str(inspect.signature(two.times)) == "(x)"
    assert repr(two.times) == f"<cpjit method times of {two!r}>"
    # A method that is called by a compiled function.
    assert np.array_equal(cpjit(lambda x: two.times(x) + 1)(X), X * 2 + 1)


@dataclasses.dataclass
class Line:
    """An object that is called; as it can be compared and changed, it has no hash."""

    slope: float

    def __call__(self, x, shift=0.0):
        return self.slope * x + shift


def with_two(function):
    @functools.wraps(function)
    def wrapper(x, **keywords):
        return function(x, 2.0, **keywords)

    return wrapper


def test_all_callables_are_compiled():
    line = cpjit(Line(2.0))
    assert np.array_equal(line(X), X * 2.0)
    assert np.array_equal(line(X, shift=1.0), X * 2.0 + 1.0)
    wrapper = cpjit(with_two(hypot))
    assert np.array_equal(wrapper(X), hypot(X, 2.0))
    assert np.array_equal(wrapper(x=X), hypot(X, 2.0))
    method = cpjit(Line(3.0).__call__)
    assert np.array_equal(method(X, shift=Y), X * 3.0 + Y)
    assert np.array_equal(cpjit(cpjit(hypot))(X, Y), hypot(X, Y))
    assert np.array_equal(cpjit(functools.partial(cpjit(hypot), y=2.0))(X), hypot(X, 2.0))
    assert np.array_equal(cpjit(np.where)(X > 1, X, Y), np.where(X > 1, X, Y))
    assert np.array_equal(cpjit(np.clip)(X, 1, 2, out=np.empty_like(X)), np.clip(X, 1, 2))


def signature(function):
    """The oldest NumPy's np.dot has none: what traces it takes all arguments."""
    try:
        return inspect.signature(function)
    except ValueError:
        return inspect.signature(function, follow_wrapped=False)


def test_numpys_functions_have_the_parameters_of_what_traces_them():
    for function, traced in FUNCTIONS.items():
        if function is Made:
            continue  # what stands for made arrays that are traced
        is_method = type(function) is types.BuiltinFunctionType and function.__module__ != "numpy"
        try:
            own = cpjit(function)._signature
        except UnsupportedError as error:
            unknown = f"does not know the parameters of {function.__name__}"
            assert ("a parameter cannot be called `out`", unknown)[is_method] in str(error)
        else:
            if isinstance(function, np.ufunc):  # as matmul: each call has the ufunc's own
                assert own is None
            else:  # a method of a ufunc, as np.add.reduce, or operator.getitem has its own
                assert own == signature(function if is_method else traced)


def test_a_parameter_may_be_called_self():
    f = cpjit(lambda self, x: self * x)
    assert np.array_equal(f(self=X, x=Y), X * Y)
    assert np.array_equal(f.bind(self=X, x=Y)(), X * Y)
    assert f.lower(self=X, x=Y).graph.signature == f.lower(X, Y).graph.signature
    assert "multiply_f64" in str(f.explain(self=X, x=Y))


def test_a_function_that_is_dropped_is_freed():
    def function(*arguments):
        return arguments[0] + 1

    compiled = cpjit(function)
    compiled(X)
    dropped = weakref.ref(function)
    del compiled, function
    gc.collect()
    assert dropped() is None


def test_closures_read_what_they_close_over_when_they_are_traced():
    def scaled(factor):
        @cpjit
        def times(x):
            return x * factor

        return times

    assert np.array_equal(scaled(2.0)(X), X * 2)
    assert np.array_equal(scaled(3.0)(X), X * 3)


def test_decorated_functions_call_decorated_functions():
    @cpjit
    def square(x):
        return x * x

    @cpjit
    def length(x, y):
        return np.sqrt(square(x) + square(y))

    assert np.array_equal(length(X, Y), hypot(X, Y))
    # The inner one was traced into the outer one.
    assert square.signatures == []
    assert "square" not in next(iter(length.inspect_ir().values()))


def test_ufuncs_and_builtins_and_partials():
    assert np.array_equal(cpjit(np.sqrt)(X), np.sqrt(X))
    assert np.array_equal(cpjit(np.add)(X, Y), X + Y)
    assert np.array_equal(cpjit(abs)(Y), abs(Y))
    assert np.array_equal(cpjit(functools.partial(hypot, y=2.0))(X), hypot(X, 2.0))


@dataclasses.dataclass(frozen=True)
class Pair:
    one: object
    other: object


class NamedPair(NamedTuple):
    one: object
    other: object


def test_a_compiled_function_is_traced_with_the_values_in_an_argument():
    @cpjit
    def total(pair):
        if isinstance(pair, tuple):
            return pair[0] + pair[1]
        return pair.one + pair.other

    for made in (lambda *pair: pair, Pair, NamedPair):
        outer = cpjit(lambda x, n: total(made(x * 2.0, n)) + total(made(n, 3)))  # noqa: B023
        assert np.array_equal(outer(X, 3), X * 2.0 + 3 + 6)
        assert np.array_equal(outer(X, X), X * 2.0 + X + (X + 3))
    cyclic = dataclasses.make_dataclass("Cyclic", ["one", "other"], eq=False)(2, None)
    cyclic.other = cyclic
    assert np.array_equal(cpjit(lambda x, pair: x * pair.other.one)(X, cyclic), X * 2)
