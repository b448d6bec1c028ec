"""A function that changes a field of an object given to it is refused, and the object restored.

The line at fault in a case is the one that ends with `# here`.
"""

import collections
import dataclasses
import functools
import logging

import goldens
import numpy as np
import pytest
from calls import X
from refused import assert_refused

from cpnum import UnsupportedError, cpjit


class Model:
    def __init__(self):
        self.last = None
        self.steps = 0
        self.scale = 2.0
        self.history = [0.5]
        self.table = {"y": 1.0}
        self.recent = collections.deque([1.0, 2.0], maxlen=2)
        self.names = {"a"}

    @functools.cached_property
    def factor(self):
        return self.scale * 1.5

    @functools.cached_property
    def kept(self):
        return self.scale * TRACED[0]  # here

    def remember(self, y):
        self.last = y  # here


class Slots:
    __slots__ = ("last", "other")

    def __init__(self):
        self.last = None


class Listed(list):
    __hash__ = object.__hash__


@dataclasses.dataclass(frozen=True)
class Frozen:
    scale: float = 2.0


CASES = {}
TRACED = []


def case(make):
    def enter(function):
        CASES[function.__name__] = (function, make)
        return function

    return enter


@case(Model)
def traced_value(x, model):
    model.last = x * 2  # here
    return x


@case(Model)
def argument_itself(x, model):
    model.last = x  # here
    return x * 2


@case(Model)
def counter(x, model):
    model.steps += 1  # here
    return x * model.steps


@case(Model)
def new_field(x, model):
    model.fresh = x * 2  # here
    return x


@case(Model)
def new_field_of_a_number(x, model):
    model.fresh = 3  # here
    return x * 2


@case(Model)
def deleted_field(x, model):
    del model.last  # here
    return x * 2


@case(Model)
def set_by_a_method(x, model):
    model.remember(x * 2)
    return x


@case(Model)
def set_by_name(x, model):
    setattr(model, "last", np.sqrt(x))  # noqa: B010  # here
    return x


@case(Model)
def several_values(x, model):
    model.last = (x * 2, 1.0)  # here
    return x


@case(Model)
def item_of_a_list(x, model):
    model.history[0] = x * 2  # here
    return x


@case(Model)
def appended(x, model):
    model.history.append(x * 2)  # here
    return x


@case(Model)
def item_of_a_dict(x, model):
    model.table["y"] = x * 2  # here
    return x


@case(Model)
def number_in_a_dict(x, model):
    model.table["z"] = 5  # here
    return x * 2


@case(Model)
def appended_to_a_deque(x, model):
    model.recent.append(x[0])  # here
    return x


@case(Model)
def added_to_a_set(x, model):
    model.names.add("b")  # here
    return x * 2


@case(Slots)
def slot(x, slots):
    slots.last = x * 2  # here
    return x


@case(Slots)
def empty_slot(x, slots):
    slots.other = x * 2  # here
    return x


@case(lambda: Listed([1.0]))
def object_that_is_a_list(x, listed):
    y = np.sqrt(x)
    listed[0] = y  # here
    return x


@case(Frozen)
def frozen_field(x, frozen):
    y = x + 1  # here
    object.__setattr__(frozen, "scale", y)
    return x


def state(value):
    """Return all that an object holds."""
    if isinstance(value, Slots):
        return {name: getattr(value, name, "unset") for name in Slots.__slots__}
    items = list(value) if isinstance(value, list) else None
    fields = {
        name: (each, list(each.items() if isinstance(each, dict) else each))
        if isinstance(each, list | dict | set | collections.deque)
        else each
        for name, each in vars(value).items()
    }
    return items, fields


@pytest.mark.parametrize("name", CASES)
def test_a_function_that_changes_a_field_is_refused_and_the_object_restored(name):
    function, make = CASES[name]
    value = make()
    before = state(value)
    for call in (cpjit(function), cpjit(function).lower, cpjit(function).bind):
        with pytest.raises(UnsupportedError) as caught:
            call(X, value)
        assert_refused(__file__, name, UnsupportedError, caught.value)
        assert state(value) == before


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:.*runs through NumPy:RuntimeWarning")
def test_the_function_as_written_changes_the_field_once_a_call(name):
    function, make = CASES[name]
    actual, expected = make(), make()
    compiled = cpjit(function, fallback="numpy")
    for _ in range(2):
        if name == "deleted_field":
            actual.last = expected.last = None
        assert np.array_equal(compiled(X, actual), function(X, expected))
    assert repr(state(actual)) == repr(state(expected))


def test_every_stored_message_is_one_of_a_change():
    goldens.compare_names("fields.txt", CASES)


def bound(model):
    def set_last(self, x):
        self.last = x * 2
        return x

    return set_last.__get__(model)


class Called(Model):
    def __call__(self, x):
        self.last = x * 2
        return x


class Compiled(Model):
    @cpjit
    def step(self, x):
        self.last = x * 2
        return x


OWNERS = {
    "bound": (Model, bound),
    "partial": (Model, lambda model: functools.partial(bound(model))),
    "called": (Called, lambda model: model),
}


@pytest.mark.parametrize("name", OWNERS)
def test_the_owner_of_a_method_is_an_object_that_it_is_given(name):
    make, function = OWNERS[name]
    model = make()
    with pytest.raises(UnsupportedError, match=r"sets self\.last"):
        cpjit(function(model))(X)
    assert model.last is None


def test_self_of_a_compiled_method_is_restored():
    model = Compiled()
    with pytest.raises(UnsupportedError, match=r"step sets self\.last"):
        model.step(X)
    assert model.last is None


def _logged(x, logger):
    logger.debug("called")
    return x * 2


def _same(x, model):
    model.scale = 4.0 / 2.0
    model.table["y"] = 1.0
    return x * model.scale


# What is no change that a later call could see.
HARMLESS = {
    "a property that is computed once": (Model, lambda x, model: x * model.factor),
    "an equal value": (Model, _same),
    "a logger": (lambda: logging.getLogger("cpnum.tests"), _logged),
    "a function with attributes": (lambda: lambda x: x, lambda x, f: setattr(f, "n", 1) or x * 2),
    "a compiled function": (lambda: cpjit(np.sqrt), lambda x, f: f(x) + 1),
    "a class": (lambda: type("Kind", (), {}), lambda x, kind: setattr(kind, "n", 1) or x * 2),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_changes_nothing_is_compiled(name):
    make, function = HARMLESS[name]
    assert np.array_equal(cpjit(function)(X, make()), function(X, make()))


def test_a_property_that_keeps_a_traced_value_is_refused():
    def function(x, model):
        TRACED.append(x * 2)
        return x * model.kept

    model = Model()
    with pytest.raises(UnsupportedError, match=r"sets model\.kept"):
        cpjit(function)(X, model)
    TRACED.clear()
    assert "kept" not in vars(model)


def test_after_an_error_of_the_functions_own_traced_values_are_taken_back():
    failed = ValueError("mine")

    def function(x, model):
        model.last = x * 2
        model.history.append(x)
        model.steps += 1
        raise failed

    model = Model()
    with pytest.raises(ValueError, match="mine"):
        cpjit(function)(X, model)
    assert (model.last, model.history, model.steps) == (None, [0.5], 1)


def test_after_a_refusal_all_is_taken_back():
    def function(x, model):
        model.last = x * 2
        model.steps += 1
        return np.linalg.eigvals(x)

    model = Model()
    with pytest.raises(UnsupportedError, match="complex numbers"):
        cpjit(function)(np.eye(2), model)
    assert (model.last, model.steps) == (None, 0)
