"""Arguments that are containers of arrays and numbers."""

import dataclasses
import functools
import warnings
from collections import OrderedDict, namedtuple
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from arrays import VIEWS, array
from cases import assert_same, quiet

from cpnum import UnsupportedError, cpjit
from cpnum.ir.containers import opened
from cpnum.tables.dtypes import DTYPES
from cpnum.trace.trace import trace

X = np.linspace(-2.0, 2.0, 19)
Pair = namedtuple("Pair", "u k")


@dataclasses.dataclass
class Wave:
    u: Any
    k: Any = 2.0

    def __post_init__(self):
        self.note = "not a field"

    def scaled(self, by):
        return self.u * self.k * by

    @functools.cached_property
    def twice(self):
        return self.k * 2


@dataclasses.dataclass(frozen=True)
class Frozen:
    u: Any
    k: Any = 2.0


@dataclasses.dataclass(eq=False)
class ByIdentity:
    u: Any
    k: Any = 2.0


@dataclasses.dataclass(slots=True)
class Slotted:
    u: Any
    k: Any = 2.0


# How each kind holds two values, and how a function reads them.
BY_KEY = (lambda d: d["u"], lambda d: d["k"])
BY_FIELD = (lambda p: p.u, lambda p: p.k)
BY_PLACE = (lambda t: t[0], lambda t: t[1])
# fmt: off
KINDS = {
    "dict":            (lambda u, k: {"u": u, "k": k}, BY_KEY),
    "OrderedDict":     (lambda u, k: OrderedDict(u=u, k=k), BY_KEY),
    "list":            (lambda u, k: [u, k], BY_PLACE),
    "tuple":           (lambda u, k: (u, k), BY_PLACE),
    "named_tuple":     (Pair, BY_FIELD),
    "SimpleNamespace": (lambda u, k: SimpleNamespace(u=u, k=k), BY_FIELD),
    "dataclass":       (Wave, BY_FIELD),
    "frozen":          (Frozen, BY_FIELD),
    "by_identity":     (ByIdentity, BY_FIELD),
    "slots":           (Slotted, BY_FIELD),
    "inner_dict":      (lambda u, k: {"a": [u, {"b": k}]},
                        (lambda d: d["a"][0], lambda d: d["a"][1]["b"])),
    "inner_tuple":     (lambda u, k: ((u, None), "text", (k,)),
                        (lambda t: t[0][0], lambda t: t[2][0])),
}
# fmt: on
SECOND = {"array": X[::-1] + 0.5, "number": 3, "float": 0.25, "numpy": np.float32(1.5)}


@pytest.mark.parametrize("second", SECOND)
@pytest.mark.parametrize("kind", KINDS)
def test_items_are_arguments(kind, second):
    make, (first, other) = KINDS[kind]

    def function(held, x):
        return np.sqrt(abs(first(held))) * other(held) + x

    compiled = cpjit(function)
    for again in (make(X * 0.5, SECOND[second]), make(X + 1.0, SECOND[second])):
        assert_same(function(again, X), compiled(again, X))
    assert len(compiled.signatures) == compiled.compiled == 1


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_items_of_each_dtype_and_layout(dtype):
    def function(d):
        return [each + each[:1] for each in d.values()]

    compiled = cpjit(function)
    for view in (*VIEWS.values(), lambda x: x[:0]):
        x = array((5, 7), dtype)
        values = {"a": view(x), "b": x[::-1, ::-1]}
        with quiet():
            assert_same(function(values), compiled(values))


def test_numbers_in_containers_do_not_recompile():
    compiled = cpjit(lambda d, x: x * d["k"] + d["n"])
    for k in (1.5, 2.5, -3.0):
        assert_same(X * k + 2, compiled({"k": k, "n": 2}, X))
    assert compiled.signatures == ["{'k': float, 'n': int}, f64[:]"]
    compiled({"k": 1, "n": 2}, X)
    assert len(compiled.signatures) == 2


def test_numbers_that_python_looks_at_are_guarded():
    def function(d):
        return sum(d["x"] ** k for k in range(d["n"])) if d["flag"] else d["x"]

    compiled = cpjit(function)
    for n, flag in ((2, True), (3, True), (3, False), (2, True)):
        given = {"x": X, "n": n, "flag": flag}
        assert_same(function(given), compiled(given))
    assert (
        compiled.signatures[0] == "{'x': f64[:], 'n': int, 'flag': bool} where d_flag and d_n == 2"
    )


KEYS = [("a",), ("b",), ("a", "b"), ("b", "a"), (1,), (True,), (1.0,), (None,), ("1",), (b"a",)]


def test_keys_are_told_apart():
    """Their order is, too: a function may loop over it."""

    def function(d):
        return [repr(key) for key in d], sum(d.values())

    compiled = cpjit(function)
    for _ in range(2):
        for keys in KEYS:
            given = dict(zip(keys, (X, X * 10), strict=False))
            assert_same(function(given), compiled(given))
    assert len(compiled.signatures) == len(KEYS)


def test_kinds_and_nestings_are_told_apart():
    def function(*given):
        return repr([opened(each) is None or type(each) for each in given]), walk(given)

    def walk(value):
        found = opened(value)
        return [walk(each) for each in found[1]] if found else value + 1

    y = X * 2
    every = [
        (X, y), ((X, y),), ([X, y],), ([X], y), (X, [y]), ([X], [y]), ([[X], y],), ([X, [y]],),
        ([[X, y]],), ({"u": X, "k": y},), (Pair(X, y),), ([X, y, []],), ([], [X, y]), ([[], X, y],),
        ([X], [], y), ([X, []], y),
    ]  # fmt: skip
    compiled = cpjit(function)
    for _ in range(2):
        for given in every:
            assert_same(function(*given), compiled(*given))
    assert len(compiled.signatures) == len(every)


def test_objects_that_are_there_twice():
    def function(a, b, c):
        same = a is b, a["x"] is c, b["inner"] is a["inner"], a["inner"] == b["inner"]
        return same, a["x"] + b["x"] * c

    compiled = cpjit(function)
    inner, y = [2.0], X + 1
    one, other = {"x": X, "inner": inner}, {"x": y, "inner": inner}
    for given in [(one, one, X), (one, other, X), (one, dict(one), y), (other, one, y)]:
        assert_same(function(*given), compiled(*given))


def test_containers_are_returned_as_themselves():
    def function(d, t):
        return d, t[1], {"again": d["u"], "view": d["u"][1:], "new": d["u"] * 2}

    d, t = {"u": X, "k": 1.0}, (X[:3], [X, 2.0])
    compiled = cpjit(function)
    for _ in range(2):
        first, second, third = compiled(d, t)
        assert first is d
        assert second is t[1]
        assert third["again"] is X
        assert np.shares_memory(third["view"], X)
        assert_same(function(d, t)[2], third)


def test_methods_and_properties_of_a_dataclass():
    function = cpjit(lambda wave, x: (wave.scaled(x) + wave.twice, wave.note, type(wave)))
    for k in (2.0, 5.0):
        expected = (X * k * X + 2 * k, "not a field", Wave)
        assert_same(expected, function(Wave(X, k), X))
    assert function.compiled == 1


class Filter:
    @cpjit
    def smooth(self, wave):
        return dataclasses.replace(wave, u=wave.u * 0.5)


def test_a_dataclass_with_other_fields_is_returned():
    result = Filter().smooth(Wave(X, 3.0))
    assert type(result) is Wave
    assert_same((X * 0.5, 3.0, "not a field"), (result.u, result.k, result.note))


def test_every_way_of_calling():
    def function(d, *rest, scale, **options):
        return d["x"] * rest[0]["y"] * scale[0] + options["more"]["z"]

    compiled = cpjit(function)
    given = ({"x": X}, {"y": X + 1}), {"scale": [2.0], "more": {"z": X}}
    expected = function(*given[0], **given[1])
    assert_same(expected, compiled(*given[0], **given[1]))
    out = np.empty_like(X)
    assert compiled(*given[0], **given[1], out=out) is out
    assert_same(expected, out)
    assert_same(expected, compiled.bind(*given[0], **given[1])())
    assert "bit for bit" in str(compiled.explain(*given[0], **given[1]))
    in_place = {"x": X.copy()}
    compiled(in_place, given[0][1], out=in_place["x"], **given[1])
    assert_same(expected, in_place["x"])


def test_a_compiled_function_inside_takes_containers():
    inner = cpjit(lambda d: d["u"] * d["k"])
    outer = cpjit(lambda u, k: inner({"u": u + 1, "k": k}) + inner({"u": u, "k": [k][0]}))
    assert_same((X + 1) * 2.0 + X * 2.0, outer(X, 2.0))


def test_defaults_and_texts():
    def function(x, options={"how": "add", "by": 2.0}):  # noqa: B006
        return x + options["by"] if options["how"] == "add" else x * options["by"]

    compiled = cpjit(function)
    for options in ({}, {"options": {"how": "mul", "by": 3.0}}):
        assert_same(function(X, **options), compiled(X, **options))


def test_the_graph_names_items():
    graph = trace(lambda d, p: d["u"] * p.k, ({"u": X, "a b": 1}, Pair(X, 2.0)))
    assert str(graph).splitlines()[0] == (
        "<lambda>(d_u: f64[:], d_a_b: int, d: {'u': d_u, 'a b': d_a_b}, p_u: same as d_u, "
        "p_k: float, p: Pair(u=p_u, k=p_k))"
    )
    assert str(type(graph).parse(str(graph))) == str(graph)


def test_names_of_items_are_no_other_parameters():
    def function(d, d_u):
        return d["u"] - d_u

    assert_same(X - 1.0, cpjit(function)({"u": X}, 1.0))


def set_item(d):
    d["u"] = d["u"] * 2
    return d["u"]


def add_item(d):
    d["new"] = d["u"] * 2
    return d["u"]


def drop_item(d):
    return d.pop("u")


def set_number(wave):
    wave.k = 3
    return wave.u


def append(values):
    values.append(values[0] * 2)
    return values[0]


CHANGES = {
    "set_item sets d['u']": (set_item, {"u": X}),
    "add_item sets d['new']": (add_item, {"u": X}),
    "drop_item drops d['u']": (drop_item, {"u": X}),
    "set_number sets wave.k": (set_number, Wave(X)),
    "append sets values[1]": (append, [X]),
}


@pytest.mark.parametrize("text", CHANGES)
def test_a_function_that_sets_items_is_refused(text):
    function, given = CHANGES[text]
    before = opened(given)
    with pytest.raises(UnsupportedError) as caught:
        cpjit(function)(given)
    assert str(caught.value).startswith(text)
    assert caught.value.where.startswith("test_containers.py, line ")
    line = int(caught.value.where.partition(", line ")[2].partition(":")[0])
    assert 0 < line - function.__code__.co_firstlineno < 3
    after = opened(given)
    assert [*map(id, before[1])] == [*map(id, after[1])]
    assert before[0] == after[0]
    falling = cpjit(function, fallback="numpy")
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        falling(given)
    changed = opened(given)
    assert [*changed[0], *map(id, changed[1])] != [*before[0], *map(id, before[1])]


def test_fixed_tuples_stay_fixed():
    compiled = cpjit(lambda x, axes: x.transpose(axes))
    image = np.ones((3, 4))
    for axes in ((0, 1), (1, 0)):
        assert compiled(image, axes).shape == image.transpose(axes).shape
    assert compiled.signatures == ["f64[:, :], (0, 1)", "f64[:, :], (1, 0)"]
