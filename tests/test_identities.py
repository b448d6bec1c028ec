"""Functions that compare their arguments with `is`."""

import itertools
import operator
import weakref

import numpy as np
import pytest
from calls import X
from cases import assert_same

from cpnum import cpjit

Y = X.copy()


def same(x, y):
    return x is y


class Chooser:
    def same(self, x, y):
        return x is y

    @staticmethod
    def different(x, y):
        return x is not y

    @property
    def operator(self):
        return lambda x, y: x is y

    @cpjit
    def choose(self, x, y):
        return x * 2 if self.same(x, y) else x + y


def choosing(compare):
    """Return a function of two arguments that chooses by a comparison."""
    return lambda x, y: x * 2 if compare(x, y) else x + y * 10


FUNCTIONS = [
    lambda x, y: x * 2 if x is y else x + y * 10,
    lambda x, y: x * 2 if x is not y else x + y * 10,
    lambda x, y: x * 2 if id(x) == id(y) else x + y * 10,
    lambda x, y: x * 2 if operator.is_(x, y) else x + y * 10,
    lambda x, y: max((x * 2 if a is y else x + y for a in (x,)), key=type),
    choosing(same),
    choosing(Chooser().same),
    choosing(Chooser.different),
    choosing(Chooser().operator),
    choosing(cpjit(same).py_func),
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_arguments_that_are_one_object_are_told_apart_from_two(function):
    for calls in itertools.permutations([(X, X), (X, Y), (Y, Y), (Y, X)], 3):
        f = cpjit(function)
        for arguments in calls * 2:
            assert_same(function(*arguments), f(*arguments))
            assert_same(function(*arguments), f(arguments[0], y=arguments[1]))
            assert_same(function(*arguments), f(*arguments, out=np.empty_like(X)))
            assert_same(function(*arguments), f.bind(*arguments)())


@pytest.mark.parametrize("function", FUNCTIONS[:4])
def test_numbers_and_fixed_arguments_are_told_apart(function):
    f = cpjit(function)
    one, other = np.float64(2.5), np.float64(2.5)
    for arguments in ((one, one), (one, other), (X, one), (one, X)):
        assert_same(function(*arguments), f(*arguments))
    number, equal = 2.5, float("2.5")
    for arguments in ((number, number), (number, equal), (number, number)):
        assert_same(np.float64(function(*arguments)), f(*arguments))
    g = cpjit(lambda x, a, b: x * 2 if a is b else x * 3)
    fixed, alike = (("sum", [].__len__()) for _ in range(2))
    for a, b in ((fixed, alike), (fixed, fixed), (fixed, alike)):
        assert_same(g.py_func(X, a, b), g(X, a, b))


def test_methods_of_the_first_argument_are_searched():
    chooser = Chooser()
    for arguments in ((X, X), (X, Y), (X, X)):
        expected = X * 2 if arguments[0] is arguments[1] else X + Y
        assert_same(expected, chooser.choose(*arguments))


def test_one_object_in_place_is_one_in_the_trace():
    def function(x, y):
        x, y = (x + 0, y + 0) if x is not y else (x + 0,) * 2
        x += 1
        return x + y

    f = cpjit(function)
    for arguments in ((X, X), (X, Y)):
        assert_same(function(*arguments), f(*arguments))


def test_a_function_without_a_comparison_has_one_kernel():
    f = cpjit(lambda x, y: x + y)
    for arguments in ((X, X), (X, Y)):
        assert_same(arguments[0] + arguments[1], f(*arguments))
    assert len(f._cache.calls) == 1


def test_keys_keep_no_argument_alive():
    f = cpjit(FUNCTIONS[0])
    x = X.copy()
    f(x, x)
    alive = weakref.ref(x)
    del x
    assert alive() is None
