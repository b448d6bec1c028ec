"""Every rule is tested from its row; and the pass: folding, dead nodes, contraction, chains."""

import inspect
import itertools
import re

import numpy as np
import pytest
from cases import assert_same, special

from cpnum.ir.evaluate import evaluate
from cpnum.ir.graph import Graph
from cpnum.ir.nodes import Nodes
from cpnum.ir.results import single
from cpnum.ir.rules import EXACT, FASTER, INEXACT, index
from cpnum.ir.signature import ArrayOf, Parameter
from cpnum.ir.simplify import simplify
from cpnum.tables.dtypes import F32, F64, B
from cpnum.tables.ops import FAST
from cpnum.trace.trace import trace


def powers_of_two(dtype):
    if dtype.kind == "i":
        return [dtype.type(1 << exponent) for exponent in range(8 * dtype.itemsize - 1)]
    limits = np.finfo(dtype)
    exponents = [1, -1, 4, -7, limits.maxexp - 2, limits.minexp, limits.maxexp - 1, 0]
    return [dtype.type(sign * 2.0**e) for e in exponents for sign in (1, -1)]


def observed(function, arguments):
    """Return the bits and the floating-point flags of a function's result."""
    flags = set()
    with np.errstate(all="call", call=lambda kind, flag: flags.add(kind)):
        result = np.asarray(function(*(np.full(1, each) for each in arguments)))
    bits = "nan" if np.isnan(result[0]) else result.tobytes()
    return result.dtype, bits, flags


ROWS = [(rule, dtype) for rule in EXACT for dtype in rule.dtypes]


@pytest.mark.parametrize(("rule", "dtype"), ROWS, ids=[f"{r.name}-{d}" for r, d in ROWS])
def test_both_sides_of_an_exact_rule_have_the_same_bits_and_flags(rule, dtype):
    parameters = inspect.signature(rule.pattern).parameters.values()
    names = [each.name for each in parameters if each.default is inspect.Parameter.empty]
    kinds = {
        "x": special(dtype),
        "c": special(B),
        "k": [k for k in powers_of_two(dtype.numpy) if rule.when(k)] if "k" in names else [],
    }
    for arguments in itertools.product(*(kinds[name] for name in names)):
        expected = observed(rule.pattern, arguments)
        assert expected == observed(rule.replacement, arguments), arguments
        assert expected[0] == dtype.numpy or "absolute" not in rule.name


@pytest.mark.parametrize("rule", EXACT, ids=lambda rule: rule.name)
def test_every_exact_rule_fires_on_a_graph(rule):
    parameters = inspect.signature(rule.pattern).parameters.values()
    names = [each.name for each in parameters if each.default is inspect.Parameter.empty]
    x = np.ones(3, rule.dtypes[0].numpy)

    def left(x):
        values = {"x": x, "c": x == x, "k": x.dtype.type(4)}
        return rule.pattern(*(values[name] for name in names))

    graph = trace(left, (x,))
    assert simplify(graph) is not graph
    assert_same(evaluate(graph, (x,)), evaluate(simplify(graph), (x,)))


def test_no_rule_leaves_out_an_input():
    """A call in place saves what its kernel reads: a report must read nothing else."""
    for table in map(index, (EXACT, INEXACT, FASTER)):
        for rules in table.values():
            by_head = [each for heads in rules.by_operand for each in heads.values()]
            for each in itertools.chain(rules.others, *by_head):
                assert each.dropped == (), each.rule.name


X, Y = np.array([1.5, -0.0, 3.0]), np.array([2.0, 5.0, -7.0])


def body(function, *arguments, fastmath=False):
    return str(simplify(trace(function, arguments or (X, Y)), fastmath)).split("\n", 1)[1]


NOT_RULES = {
    "times zero": lambda x, y: x * 0,
    "plus the integer zero": lambda x, y: x + 0,
    "plus zero": lambda x, y: x + 0.0,
    "minus negative zero": lambda x, y: x - -0.0,
    "divided by three": lambda x, y: x / 3,
    "divided by a power of two too large": lambda x, y: x / 2.0**1023,
    "divided by zero": lambda x, y: x / 0.0,
    "minus itself": lambda x, y: x - x,
    "divided by itself": lambda x, y: x / x,
    "zero minus": lambda x, y: 0 - x,
    "a product and a sum": lambda x, y: x * y + x,
}


@pytest.mark.parametrize("name", NOT_RULES)
def test_what_is_inexact_stays_and_the_graph_is_the_same_object(name):
    graph = trace(NOT_RULES[name], (X, Y))
    assert simplify(graph) is graph


def test_rules_meet_what_other_rules_leave():
    assert body(lambda x, y: np.negative(-(x * 1 - 0)) / 1) == "  return x as copy"
    assert body(lambda x, y: (2 * x) / 8 + y**2) == (
        "  %0 = add x x            f64\n"
        "  %1 = multiply %0 0.125  f64\n"
        "  %2 = multiply y y       f64\n"
        "  %3 = add %1 %2          f64\n"
        "  return %3"
    )


def test_constants_are_folded_but_not_their_flags():
    assert body(lambda x, y: np.sqrt(np.full_like(x, 4.0)) * y).startswith("  %0 = 2.0 like x")
    assert "divide" in body(lambda x, y: np.ones_like(x) / np.zeros_like(x))
    assert "exp" in body(lambda x, y: np.exp(np.ones_like(x)))
    x = np.ones(2, "i4")
    graph = trace(lambda x: np.full_like(x, 2**31 - 1) + np.ones_like(x), (x,))
    assert_same(np.full(2, -(2**31), "i4"), evaluate(simplify(graph), (x,)))


def test_a_rule_does_not_lose_the_shape_of_what_it_drops():
    kept = trace(lambda x, y: x * np.ones_like(y), (X, Y[:, None]))
    assert evaluate(simplify(kept), (X, Y[:, None])).shape == (3, 3)


def test_fastmath_contracts_products_that_have_no_other_use():
    def last(function):
        return body(function, fastmath=True).rsplit("\n", 2)[-2].split("=")[1].split("  ")[0]

    assert last(lambda x, y: x * y + x) == " multiply_add x y x"
    assert last(lambda x, y: y + x * 3) == " multiply_add x 3.0 y"
    assert last(lambda x, y: 2 * x + y) == " multiply_add x 2.0 y"
    assert last(lambda x, y: x * y - 3) == " multiply_add x y -3.0"
    assert last(lambda x, y: x - y * 3) == " multiply_add y -3.0 x"
    assert "negative x" in body(lambda x, y: 1 - x * y, fastmath=True)
    assert "multiply_add" not in body(lambda x, y: np.sqrt(x * y) + (x * y + 1), fastmath=True)
    assert "multiply_add" not in body(lambda x, y: x * y + 1)
    assert "multiply_add" not in body(lambda x: x * x + 1, np.ones(2, "i4"), fastmath=True)


@pytest.mark.parametrize("rule", INEXACT, ids=lambda rule: rule.name)
def test_both_sides_of_an_inexact_rule_agree_in_exact_arithmetic(rule):
    names = list(inspect.signature(rule.pattern).parameters)
    for arguments in itertools.product([-3.0, 0.5, 2.0], repeat=len(names)):
        values = [np.full(1, each, F32.numpy) for each in arguments]
        with np.errstate(invalid="ignore"):  # the root of -3
            assert rule.pattern(*values).tobytes() == rule.replacement(*values).tobytes()


def test_sin_and_cos_of_one_value_become_one_operator():
    def f(x, y):
        return np.cos(x * y) - np.sin(x * y) * np.cos(x)

    text = body(f)
    assert text.count("sincos") == 1
    assert re.search(r"project %\d+ 0", text)
    assert re.search(r"project %\d+ 1", text)
    assert "cos x" in text  # whose sine nobody needs
    np.testing.assert_array_equal(f(X, Y), evaluate(simplify(trace(f, (X, Y))), (X, Y)))


@pytest.mark.parametrize(("op", "fast"), FAST.items(), ids=str)
def test_precision_chooses_the_version(op, fast):
    nodes = Nodes()
    for dtype in (F64, F32):
        inputs = tuple(nodes.input(at, (), dtype) for at in range(op.arity))
        signature = tuple(Parameter(name, ArrayOf(dtype, (None,))) for name in "xy"[: op.arity])
        made = nodes.apply(op, inputs, dtype)
        result = made if len(op.results) == 1 else nodes.project(made, 1, dtype)
        graph = Graph("f", signature, nodes.reaching((result,)), single(result))
        assert simplify(graph) is graph
        expected = fast if dtype in fast.dtypes else op
        chosen = simplify(graph, precision="fast").output.node
        assert (chosen.node if len(op.results) > 1 else chosen).op is expected


def test_fastmath_makes_trees_of_long_chains():
    def total(x, y):
        result = x
        for i in range(1, 64):
            result = result + x * i * y
        return result

    graph = simplify(trace(total, (X, Y)), fastmath=True)
    depths = {}
    for node in graph.nodes:
        args = getattr(node, "args", ())
        depths[node] = 1 + max((depths[arg] for arg in args), default=0)
    assert depths[graph.output.node] <= 10
    np.testing.assert_allclose(total(X, Y), evaluate(graph, (X, Y)))
    three = trace(lambda x, y: x + y + 1, (X, Y))
    assert simplify(three, fastmath=True) is three


def test_ten_thousand_operations_are_rewritten():
    def f(x):
        p = x
        for _ in range(5000):
            p = np.negative(-(p * 1)) + x / 4
        return p

    graph = simplify(trace(f, (X,)))
    assert len(graph.nodes) == 5000 + 3
    simplify(graph, fastmath=True)
