"""Arguments that are neither arrays nor numbers are constants, told apart by what they are."""

import collections
import dataclasses
import enum
import functools
import gc
import weakref
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest
from calls import X
from cases import assert_same

from cpnum import cpjit
from cpnum.trace import fixed
from cpnum.trace.fixed import fixed_key


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


def _with(value, **attributes):
    """Return the value with attributes, as users set them on what is frozen."""
    for name, each in attributes.items():
        object.__setattr__(value, name, each)
    return value


@dataclasses.dataclass(frozen=True)
class FromInitVar:
    n: int
    given: dataclasses.InitVar[float]

    def __post_init__(self, given):
        object.__setattr__(self, "more", given)


class Slotted:
    __slots__ = ("more",)


@dataclasses.dataclass(frozen=True, slots=True)
class WithASlotOfItsBase(Slotted):
    n: int


@dataclasses.dataclass(frozen=True)
class WithASlotBehindAnother(WithASlotOfItsBase):
    __slots__ = ("more",)

    @property
    def hidden(self):
        return Slotted.more.__get__(self)


@dataclasses.dataclass(frozen=True)
class NotCompared:
    n: int
    more: float = dataclasses.field(compare=False)


@dataclasses.dataclass(frozen=True)
class Caching:
    n: int

    @functools.cached_property
    def more(self):
        return 2.0 * self.n


@dataclasses.dataclass(frozen=True)
class Unequal:
    n: int

    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__


@dataclasses.dataclass(frozen=True)
class UnequalByHash:
    n: int

    def __hash__(self):
        return id(self)

    def more(self):
        return hash(self) / 2**40


@dataclasses.dataclass(frozen=True)
class Text(str):
    n: int
    text: dataclasses.InitVar[str]

    def __new__(cls, n, text):
        return str.__new__(cls, text)


Pair = collections.namedtuple("Pair", "first second")


class PairWithMore(Pair):
    pass


class UnequalPair(Pair):
    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = tuple.__hash__


class UnequalPairByHash(Pair):
    __slots__ = ()
    __hash__ = object.__hash__


class Tuple(tuple):
    pass


class Frozen(frozenset):
    pass


class Int(int):
    pass


class Float(float):
    pass


class Str(str):
    pass


class Float64(np.float64):
    def __mul__(self, other):
        return other * self.more

    __rmul__ = __mul__


class Mode(enum.Enum):
    UP = enum.auto()
    DOWN = enum.auto()


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


_with(Mode.UP, more=2.0), _with(Mode.DOWN, more=3.0)


def _set(value, **attributes):
    value.__dict__.update(attributes)
    return value


def _more(x, c):
    return x * c.more


def _more_of_first(x, c):
    return x * c[0].more


# Constants that are equal, or have the same items and fields, but are not alike to the function.
NOT_ALIKE = {
    "an InitVar": (_more, FromInitVar(1, 2.0), FromInitVar(1, 3.0)),
    "an InitVar in a tuple": (_more_of_first, (FromInitVar(1, 2.0),), (FromInitVar(1, 3.0),)),
    "an attribute": (_more, _with(Factor(1), more=2.0), _with(Factor(1), more=3.0)),
    "the name of an attribute": (
        lambda x, c: x * hasattr(c, "more"),
        _with(Factor(1), more=2.0),
        _with(Factor(1), most=2.0),
    ),
    "a field that is not compared": (_more, NotCompared(1, 2.0), NotCompared(1, 3.0)),
    "a field that is not compared, inside": (
        lambda x, c: x * c.value.more,
        Factor(NotCompared(1, 2.0)),
        Factor(NotCompared(1, 3.0)),
    ),
    "a slot of a base": (
        _more,
        _with(WithASlotOfItsBase(1), more=2.0),
        _with(WithASlotOfItsBase(1), more=3.0),
    ),
    "a slot that is not set": (
        lambda x, c: x * hasattr(c, "more"),
        WithASlotOfItsBase(1),
        _with(WithASlotOfItsBase(1), more=3.0),
    ),
    "a slot behind another": (
        lambda x, c: x * c.hidden,
        *[
            Slotted.more.__set__(each, more) or each
            for each, more in ((WithASlotBehindAnother(1), 2.0), (WithASlotBehindAnother(1), 3.0))
        ],
    ),
    "a cached property": (_more, Caching(1), _set(Caching(1), more=3.0)),
    "a dataclass that is equal by identity": (
        lambda x, c: x * {_UNEQUAL: 2.0}.get(c, 3.0),
        (_UNEQUAL := Unequal(1)),
        Unequal(1),
    ),
    "a dataclass with a hash of its own": (
        lambda x, c: x * c.more(),
        UnequalByHash(1),
        UnequalByHash(1),
    ),
    "a dataclass that is text": (lambda x, c: x * len(c), Text(1, "ab"), Text(1, "abc")),
    "a class that is derived from a dataclass": (_more, Wider(1, 2.0), Wider(1, 3.0)),
    "an attribute of a named tuple": (
        _more,
        _with(PairWithMore(1, 2), more=2.0),
        _with(PairWithMore(1, 2), more=3.0),
    ),
    "a named tuple that is equal by identity": (
        lambda x, c: x * {_UNEQUAL_PAIR: 2.0}.get(c, 3.0),
        (_UNEQUAL_PAIR := UnequalPair(1, 2)),
        UnequalPair(1, 2),
    ),
    "a named tuple with a hash of its own": (
        lambda x, c: x * {_UNEQUAL_BY_HASH: 2.0}.get(c, 3.0),
        (_UNEQUAL_BY_HASH := UnequalPairByHash(1, 2)),
        UnequalPairByHash(1, 2),
    ),
    "a tuple": (_more, _with(Tuple("ab"), more=2.0), _with(Tuple("ab"), more=3.0)),
    "a frozen set": (_more, _with(Frozen("ab"), more=2.0), _with(Frozen("ab"), more=3.0)),
    "the order of a frozen set": (
        lambda x, c: x * next(iter(c)),
        frozenset([8.0, 16.0]),
        frozenset([16.0, 8.0]),
    ),
    "text": (_more, _with(Str("a"), more=2.0), _with(Str("a"), more=3.0)),
    "an integer": (_more, _with(Int(1), more=2.0), _with(Int(1), more=3.0)),
    "a float": (_more, _with(Float(1), more=2.0), _with(Float(1), more=3.0)),
    "a float64": (_more, _with(Float64(1), more=2.0), _with(Float64(1), more=3.0)),
    "an operator of a float64": (
        lambda x, c: c * x,
        _with(Float64(1), more=2.0),
        _with(Float64(1), more=3.0),
    ),
    "the class of a float64": (lambda x, c: x * isinstance(c, Float64), np.float64(1), Float64(1)),
    "a float64 in a tuple": (
        _more_of_first,
        (_with(Float64(1), more=2.0),),
        (_with(Float64(1), more=3.0),),
    ),
    "members of an enumeration": (_more, Mode.UP, Mode.DOWN),
    "members that are integers": (lambda x, c: x * c.value, Level.LOW, Level.HIGH),
    "a partial function": (
        lambda x, c: x * c(1),
        functools.partial(pow, 2),
        functools.partial(pow, 3),
    ),
    "an attribute of a partial function": (
        _more,
        _set(functools.partial(pow, 2), more=2.0),
        _set(functools.partial(pow, 2), more=3.0),
    ),
    "methods of builtins": (lambda x, c: x * c("a"), "a".count, "aa".count),
    "operators of builtins": (lambda x, c: x * c(1), (2).__add__, (3).__add__),
}


@pytest.mark.parametrize("name", NOT_ALIKE)
def test_constants_are_told_apart_by_all_that_they_hold(name):
    function, *constants = NOT_ALIKE[name]
    expected = [function(X, each) for each in constants]
    assert not np.array_equal(*expected), "the constants are alike"
    for order in (1, -1):
        f = cpjit(function)
        for _ in range(2):
            for constant, value in list(zip(constants, expected, strict=True))[::order]:
                assert_same(value, f(X, constant), constant)


@dataclasses.dataclass(frozen=True)
class Node:
    value: float
    parent: object = dataclasses.field(compare=False, default=None)


def _tree(value):
    root = Node(value)
    return _with(root, parent=Node(value + 1.0, parent=(root,)))


FACTOR = Factor(2.0)

ALIKE = {
    "a dataclass": lambda: Factor(("a", 2.0)),
    "a dataclass with an attribute": lambda: FromInitVar(1, 2.0),
    "a dataclass with slots": lambda: _with(WithASlotOfItsBase(1), more=2.0),
    "a named tuple": lambda: Pair(1, None),
    "a named tuple with an attribute": lambda: _with(PairWithMore(1, 2), more=2.0),
    "a tuple": lambda: (1, None, (True, "text")),
    "a frozen set": lambda: frozenset(["a", 2.0]),
    "a method": lambda: FACTOR.__hash__,
}


@pytest.mark.parametrize("name", ALIKE)
def test_constants_that_are_made_anew_are_traced_once(name):
    traced = []
    f = cpjit(lambda x, constant: traced.append(constant) or x * 2.0)
    for _ in range(3):
        f(X, ALIKE[name]())
        f.lower(X, ALIKE[name]())
    assert len(traced) == 1


def test_a_constant_may_hold_itself():
    f = cpjit(lambda x, node: x * node.value - node.parent.parent[0].value)
    for value in (2.0, 3.0, 2.0):
        assert_same(f.py_func(X, _tree(value)), f(X, _tree(value)))


def test_a_record_whose_memory_may_change_is_told_apart_by_identity():
    f, traced = cpjit(lambda x, c: traced.append(c) or x * c[0]["more"]), []
    records = np.array([(2.0,), (2.0,)], [("more", "f8")])
    records.flags.writeable = False
    for constant in [(each,) for each in records] * 2:
        assert_same(X * 2.0, f(X, constant))
    assert len(traced) == 2


def test_a_class_at_the_place_of_one_that_is_gone_is_another(monkeypatch):
    gone = weakref.ref(type("Gone", (), {}))
    gc.collect()
    monkeypatch.setattr(fixed, "_STATES", type(fixed._STATES)({id(Factor): (gone, None)}))
    assert fixed_key(Factor(1)) == fixed_key(Factor(1))
    assert fixed_key(Factor(1)) != fixed_key(Factor(2))


def test_fields_that_may_change_are_no_constants():
    f = cpjit(lambda x, model: x * model.k)
    model = Changeable()
    for k in (2.0, 3.0, 2.0):
        model.k = k
        assert_same(X * k, f(X, model))
    assert f.compiled == 1


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
