"""A function that draws from a shared generator is refused, and nothing has been drawn."""

import random
import warnings
from random import gauss

import numpy as np
import pytest

from cpnum import cpjit
from cpnum.errors import UnsupportedError

X = np.arange(3.0)


def helper():
    return np.random.standard_normal()


class Noise:
    def draw(self):
        return random.uniform(0, 1)

    def method(self, x):
        return x + self.draw()


NOISE = Noise()

DRAWING = {
    "numpy": lambda x: x + np.random.random(),
    "numpy's normal": lambda x: x * np.random.standard_normal(),
    "python": lambda x: x + random.random(),
    "by its own name": lambda x: x + gauss(0, 1),
    "a function that it calls": lambda x: x + helper(),
    "a method": lambda x: NOISE.method(x),
    "an inner function": lambda x: (lambda: x + np.random.rand())(),
    "shuffling": lambda x: x + random.sample(range(100), 3)[0],
}


def states():
    return random.getstate(), [str(each) for each in np.random.get_state()]


@pytest.mark.parametrize("name", DRAWING)
def test_a_function_that_draws_is_refused_and_draws_nothing(name):
    np.random.seed(1)
    before = states()
    for _ in range(2):
        with pytest.raises(UnsupportedError, match="draws random numbers"):
            cpjit(DRAWING[name])(X)
    assert states() == before


def test_the_second_of_two_normal_numbers_is_seen():
    """NumPy's generator makes two at once, and keeps one."""
    np.random.seed(1)
    np.random.normal()
    with pytest.raises(UnsupportedError, match="the generator of NumPy"):
        cpjit(lambda x: x + np.random.normal())(X)


def test_the_fallback_draws_as_the_function_as_written():
    function = DRAWING["numpy"]
    compiled = cpjit(function, fallback="numpy")
    np.random.seed(7)
    expected = [function(X).tolist() for _ in range(3)]
    np.random.seed(7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert [compiled(X).tolist() for _ in range(3)] == expected


def test_a_name_alone_is_not_refused():
    class Settings:
        random = 2.0

    np.testing.assert_array_equal(cpjit(lambda x: x * Settings.random)(X), X * 2)
