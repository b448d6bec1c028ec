"""Arguments that are neither arrays nor numbers are constants, told apart by what they are."""

import dataclasses
import weakref
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest
from calls import X
from cases import assert_same

from cpnum import UnsupportedError, cpjit


@dataclasses.dataclass(frozen=True)
class Factor:
    value: object


def test_constants_that_are_equal_but_not_the_same_are_told_apart():
    f = cpjit(lambda x, constant: x * constant[0])
    nested = cpjit(lambda x, constant: x * constant[0][0])
    h = cpjit(lambda x, factor: x * factor.value)
    for g, constants in (
        (f, [(2,), (2.0,), (True,)]),
        (f, [(0.0,), (-0.0,)]),
        (f, [(np.float64(2),), (np.float32(2),), (np.int64(2),)]),
        (nested, [((2,),), ((2.0,),)]),
        (h, [Factor(2), Factor(2.0)]),
    ):
        for x in (np.arange(3), np.arange(3.0)):
            for constant in constants:
                assert_same(g.py_func(x, constant), g(x, constant), constant)


@dataclasses.dataclass
class Changeable:
    k: float = 2.0


@dataclasses.dataclass(frozen=True)
class Odd:
    n: int
    unset: int = dataclasses.field(init=False, compare=False, repr=False)
    table: ClassVar = {"a": 1}
    given: dataclasses.InitVar[int] = 3
    extra: list = dataclasses.field(default_factory=list, hash=False, compare=False)


class Wider(Factor):
    def __init__(self, value, more):
        super().__init__(value)
        object.__setattr__(self, "more", more)

    def __eq__(self, other):
        return (self.value, self.more) == (other.value, other.more)

    def __hash__(self):
        return hash((self.value, self.more))


class Strange:
    def __init__(self, k):
        self.k = k

    def __eq__(self, other):
        raise RuntimeError

    def __hash__(self):
        return 0


def test_constants_are_told_apart_whatever_they_are_equal_to():
    for function, constants in (
        (lambda x, c: x * np.copysign(1.0, c[0].imag), [(1 + 0j,), (complex(1, -0.0),)]),
        (lambda x, c: x * c.step, [range(0, 1, 5), range(0, 1, 7)]),
        (lambda x, c: x * -c.as_tuple().exponent, [Decimal("0.5"), Decimal("0.50")]),
        (lambda x, c: x * c.more, [Wider(1, 2), Wider(1, 3)]),
        (lambda x, c: x * c.n, [Odd(2), Odd(3)]),
        (lambda x, c: x * c.k, [Strange(2), Strange(3), Strange(3.0)]),
        (lambda x, c: x * c(), [Fraction(3, 2).limit_denominator().__float__, lambda: 3]),
    ):
        f = cpjit(function)
        for _ in range(2):
            for constant in constants:
                assert_same(function(np.arange(3), constant), f(np.arange(3), constant), constant)


def test_what_may_change_is_refused_as_a_constant():
    f = cpjit(lambda x, model: x * model.k)
    with pytest.raises(UnsupportedError, match="arguments of type Changeable cannot be traced"):
        f(X, Changeable())
    with pytest.warns(RuntimeWarning, match="Changeable"):
        g = cpjit(f.py_func, fallback="numpy")
        assert np.array_equal(g(X, Changeable()), X * 2.0)


def test_constants_are_not_kept_for_ever():
    class Constant:
        pass

    f = cpjit(lambda x, constant: x * 2.0)
    constant = Constant()
    reference = weakref.ref(constant)
    f(X, constant)
    del constant
    for number in range(1100):
        f(X, str(number))
    assert reference() is None
