"""A function that is given one array twice sees with `is` that it is one."""

import itertools

import numpy as np
import pytest
from calls import X, Y
from cases import assert_same

from cpnum import cpjit
from cpnum.ir.graph import Graph


def pattern(*arrays):
    """Return an array that tells which of the arguments are one."""
    number = 1.0
    for one, other in itertools.combinations(arrays, 2):
        number = 2.0 * number + (one is other)
    return arrays[-1] * number + arrays[0]


def two(x, y):
    return pattern(x, y)


def three(x, y, z):
    return pattern(x, y, z)


def four(x, y, z, a):
    return pattern(x, y, z, a)


def five(x, y, *, z, a, b):
    return pattern(x, y, z, a, b)


def rest(rest0, *rest):
    return pattern(rest0, *rest)


def partitions(count):
    """Yield all ways in which so many arguments may be one another, as numbers of arrays."""
    for each in itertools.product(range(count), repeat=count):
        if all(number <= max(each[:at], default=-1) + 1 for at, number in enumerate(each)):
            yield each


ARRAYS = [np.linspace(0.5, 2.0, 37) + number for number in range(5)]
USES = {
    "called": lambda f, *arguments, **keywords: f(*arguments, **keywords),
    "called by name": lambda f, *arguments, **keywords: f(
        **dict(zip("xyzab", (*arguments, *keywords.values()), strict=False))
    ),
    "called with out": lambda f, *arguments, **keywords: f(
        *arguments, out=np.empty(37), **keywords
    ),
    "bound": lambda f, *arguments, **keywords: f.bind(*arguments, **keywords)(),
    "called by another": lambda f, *arguments, **keywords: cpjit(
        lambda *traced, **named: f(*traced, **named)
    )(*arguments, **keywords),
}


# The parameters of `rest` have no names to call it by.
@pytest.mark.parametrize(
    ("function", "use"),
    [
        (function, use)
        for function in (two, three, four, five, rest)
        for use in USES
        if not (function is rest and use == "called by name")
    ],
)
def test_a_function_sees_which_arguments_are_one(function, use):
    count = {two: 2, three: 3, four: 4, five: 5, rest: 4}[function]
    compiled = cpjit(function)
    ways = list(partitions(count))
    assert len(ways) == {2: 2, 3: 5, 4: 15, 5: 52}[count]
    for way in (*ways, *ways[::-1]):
        arrays = [ARRAYS[number] for number in way]
        arguments, keywords = arrays, {}
        if function is five:
            arguments, keywords = arrays[:2], dict(zip("zab", arrays[2:], strict=True))
        expected = function(*arguments, **keywords)
        assert_same(expected, USES[use](compiled, *arguments, **keywords), way)
    if function is not rest and use != "called by another":
        assert len(compiled.signatures) == len(ways)


def test_a_function_of_many_arguments_sees_which_are_one():
    compiled, many = cpjit(rest), [X + number for number in range(20)]
    for _ in range(2):
        for one, other in ((0, 1), (0, 19), (18, 19), (3, 3)):
            arguments = [*many]
            arguments[one] = arguments[other]
            assert_same(rest(*arguments), compiled(*arguments))


def test_a_method_sees_which_arguments_are_one():
    class Model:
        times = cpjit(lambda self, x, y: x * 2.0 if x is y else y)

    model = Model()
    for _ in range(2):
        assert_same(Y, model.times(X, Y))
        assert_same(X * 2.0, model.times(X, X))


def test_arguments_that_are_one_stay_one_where_out_overlaps_them():
    f = cpjit(two)
    memory = np.arange(12.0)
    expected = two(memory[:10].copy(), memory[:10].copy())
    assert_same(expected, f(memory[:10], memory[:10], out=memory[1:11]))
    memory = np.arange(12.0)
    view = memory[:10]
    expected = two(view, view)
    assert_same(expected, f(view, view, out=memory[1:11]))
    expected = two(view, view)
    assert_same(expected, f(view, view, out=view))


def test_numbers_of_numpy_are_one_only_if_they_are_one_object():
    f = cpjit(lambda x, a, b: x * a if a is b else x + b)
    one, other = np.float64(2.0), np.float64(2.0)
    for pair in ((one, other), (one, one), (np.True_, np.False_), (np.True_, np.True_)) * 2:
        assert_same(f.py_func(X, *pair), f(X, *pair), pair)


def test_numbers_of_python_have_one_graph_whether_they_are_one_or_not():
    f = cpjit(lambda x, a, b: x * a + b)
    for pair in ((1, 1), (1, 2), (1000, 1001), (2, 2)):
        assert_same(f.py_func(X, *pair), f(X, *pair), pair)
    assert f.signatures == ["f64[:], int, int"]


def test_a_graph_says_which_parameters_have_one_argument():
    def total(x, y, *rest):
        return x * 2.0 + y - rest[0]

    kernel = cpjit(total).lower(X, X, Y)
    text = str(kernel.graph)
    assert text.startswith("total(x: f64[:], y: same as x, rest0: f64[:])\n")
    parsed = Graph.parse(text)
    assert str(parsed) == text
    assert parsed.signature == kernel.graph.signature
    f = cpjit(lambda x, y: x * x.shape[0] + y)
    assert_same(X * 37 + X, f(X, X))
    assert_same(X[1:] * 36 + X[1:], f(X[1:], X[1:]))
    one = X[1:]
    assert_same(one * 36 + one, f(one, one))
    assert f.signatures == ["f64[37], same as x", "f64[36], f64[36]", "f64[36], same as x"]


def test_errors_of_arguments_that_are_one_are_reported():
    f = cpjit(lambda x, y: x * 2.0 / y)
    zeros = np.zeros(5)
    with pytest.warns(RuntimeWarning, match="invalid value encountered in divide"):
        f(zeros, zeros)
    with pytest.warns(RuntimeWarning, match="invalid value encountered in divide"):
        f(zeros, zeros, out=zeros)
    assert np.isnan(zeros).all()


def test_equal_fixed_arguments_are_told_apart_from_one():
    function = cpjit(lambda x, a, b: x * 2 if a is b else x * 3)
    one, equal = (("sum", [].__len__()) for _ in range(2))
    for a, b in ((one, equal), (one, one), (one, equal)):
        assert_same(function.py_func(X, a, b), function(X, a, b))


def test_methods_may_compare_arguments():
    class Chooser:
        def are_one(self, x, y):
            return x is y

        @cpjit
        def choose(self, x, y):
            return x * 2 if self.are_one(x, y) else x + y

    chooser = Chooser()
    for x, y in ((X, X), (X, X.copy()), (X, X)):
        assert_same(x * 2 if x is y else x + y, chooser.choose(x, y))
