"""What the tests compare with sees every difference that it is to see."""

import numpy as np
import pytest
from cases import assert_same

X = np.array([0.0, 1.0, np.nan])
DIFFERENCES = {
    "another type": (np.float64(1), np.array(1.0)),
    "a Python number": (np.float64(1), 1.0),
    "another dtype": (np.zeros(3), np.zeros(3, "f4")),
    "another shape": (np.ones(3), np.ones((1, 3))),
    "an array for a row of it": (np.ones((2, 3)), np.ones(3)),
    "the sign of a zero": (X, np.array([-0.0, 1.0, np.nan])),
    "the last bit": (X, np.nextafter(X, 2.0)),
    "a NaN": (X, np.array([0.0, np.nan, np.nan])),
    "no NaN": (X, np.array([0.0, 1.0, 1.0])),
    "the last bit of float32": (np.float32(1), np.nextafter(np.float32(1), np.float32(2))),
    "the last bit of an integer": (np.array([2**53]), np.array([2**53 + 1])),
    "a boolean": (np.array([True, False]), np.array([True, True])),
    "the byte of a boolean": (np.array([1], "u1").view("?"), np.array([2], "u1").view("?")),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_what_differs_is_not_the_same(name):
    expected, actual = DIFFERENCES[name]
    for first, second in ((expected, actual), (actual, expected)):
        with pytest.raises(AssertionError):
            assert_same(first, second)


def test_what_is_the_same_is_the_same():
    other = np.array([0.0, 1.0, -np.nan])
    assert_same(X, other)
    assert_same(X, np.array([0.0, 9.0, 1.0, 9.0, np.nan])[::2])
    assert_same(X[:0], other[:0])
    assert_same(np.float32(2), np.float32(2))
    assert_same(np.array(True), np.array(True))


def test_a_difference_is_shown_with_its_place_and_operands():
    x = np.arange(6.0).reshape(2, 3)
    y = x.copy()
    y[1, 2] = 7
    with pytest.raises(AssertionError) as caught:
        assert_same(x, y, "here", x, 3.0)
    assert str(caught.value) == (
        "here: 1 of 6 differ, first at (1, 2): expected np.float64(5.0), "
        "actual np.float64(7.0), operands [np.float64(5.0), np.float64(3.0)]"
    )
