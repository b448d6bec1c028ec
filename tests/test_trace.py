"""A trace is what the user's function does: its arguments, its lines, its nodes."""

from pathlib import Path

import numpy as np
from cases import assert_same
from tracing import check, sample

import cpnum
from cpnum import cpjit
from cpnum.ir.signature import text_of
from cpnum.trace.trace import is_tracing, trace

ONES = np.ones(3)


def test_keywords_defaults_and_static_arguments():
    def f(x, *rest, scale=2.0, mode="up", **others):
        result = x * scale if mode == "up" else x / scale
        for each in (*rest, *others.values()):
            result = result + each
        return result

    x = sample("f8")
    graph = check(f, x)
    assert [each.name for each in graph.signature] == ["x"]
    graph = check(f, x, x[::-1], 3, scale=x, mode="down", extra=2)
    assert text_of(graph.signature) == (
        "x: f64[:], rest0: f64[:], rest1: int, scale: same as x, mode: 'down', extra: int"
    )
    check(np.add, x, 2)
    check(lambda x, shape: np.broadcast_to(x, shape), x, (2, 72))


def test_a_package_with_a_longer_name_is_the_users():
    source = "def f(x):\n    y = x + 1\n    return np.sqrt(y * np.sin(x))"
    filename = f"{Path(cpnum.__file__).parent}_of_a_user/module.py"
    scope = {"np": np}
    exec(compile(source, filename, "exec"), scope)
    graph = trace(scope["f"], (ONES,))
    assert {(filename, 2), (filename, 3)} == set(graph.locations.values())


def test_lines_of_nodes_are_the_users():
    def f(x):
        y = x * 2
        return np.sqrt(y) + 1

    graph = trace(f, (ONES,))
    first = f.__code__.co_firstlineno
    places = {node.op.name: place for node, place in graph.locations.items() if place}
    assert places["multiply"] == (__file__, first + 1)
    assert places["sqrt"] == (__file__, first + 2)
    assert graph.locations.keys() <= set(graph.nodes)


def test_a_call_with_tracers_is_recognized():
    seen = []
    trace(
        lambda x, n: seen.append((is_tracing((1, x)), is_tracing([n]), is_tracing((1,)))) or x,
        (ONES, 2),
    )
    assert seen == [(True, True, False)]


def polynomial(coefficients):
    def horner(x):
        p = x
        for c in coefficients:
            p = p * x + c
        return p

    return horner


def test_ten_thousand_operations():
    graph = check(polynomial([i / 7 for i in range(5000)]), np.array([0.5, -0.25]))
    assert len(graph.nodes) == 15001
    assert str(graph).count("\n") == 10001

    def slices(x):
        y = x
        for _ in range(2000):
            y = np.sqrt(y + 1)
        return y[1:] * np.ones_like(y)[0]

    x = np.ones(3)
    assert_same(slices(x), cpjit(slices).bind(x)())
