"""The graph: its text, what it refuses, and the floating-point errors of its evaluation."""

import io
import operator
import warnings

import numpy as np
import pytest
from cases import assert_same

from cpnum.ir.evaluate import evaluate, host_value
from cpnum.ir.graph import Graph
from cpnum.ir.movement import Index, Reshape, Transpose
from cpnum.ir.nodes import Apply, Constant, Input, Nodes, Project
from cpnum.ir.results import single
from cpnum.ir.signature import ArrayOf, Parameter
from cpnum.ir.simplify import simplify
from cpnum.tables.dtypes import F32, F64, FLOAT, I64, B
from cpnum.tables.ops import CAST, OPS
from cpnum.trace.trace import trace

GOLDEN = """\
golden(x: f64[:, 1], y: f64[:, 1], n: int, s: f32)
  %0 = operator.add n 1  int
  %1 = cast %0           f64
  %2 = multiply x %1     f64
  %3 = y.T               f64
  %4 = cast s            f64
  %5 = subtract %3 %4    f64
  %6 = add %2 %5         f64
  %7 = y[1:, ::2, None]  f64
  %8 = add %6 %7         f64
  %9 = less %8 -0.0      b
  %10 = 1.0 like y x     f64
  %11 = where %9 %8 %10  f64
  return %11"""


def golden(x, y, n, s):
    unused = x * 7  # noqa: F841 (dead code is left out)
    total = x * (n + 1) + (y.T - s) + y[1:, ::2, None]
    return np.where(total < -0.0, total, np.ones_like(y + x))


def test_the_text_of_a_graph():
    def traced(x, y, s):
        return trace(golden, (np.ones(x), np.ones(y), 2, np.float32(s)))

    graph = traced((3, 1), (3, 1), 2)
    assert str(graph) == GOLDEN
    assert graph == traced((9, 1), (9, 1), 7)
    assert hash(graph) == hash(traced((9, 1), (9, 1), 7))
    assert graph != traced((1, 1), (3, 1), 2)


def test_constants_are_interned_by_bits():
    nodes = Nodes()
    assert nodes.constant(1, F64) is nodes.constant(1.0, F64) is nodes.constant(True, F64)
    assert nodes.constant(0.1, F32) is nodes.constant(np.float32(0.1), F32)
    assert nodes.constant(0.0, F64) is not nodes.constant(-0.0, F64)
    assert nodes.constant(np.nan, F64) is nodes.constant(float("nan"), F64)
    assert nodes.constant(np.nan, F64) is not nodes.constant(-np.nan, F64)
    assert nodes.constant(1, I64) is not nodes.constant(1, F64)
    assert nodes.constant(1, F64).bits == 0x3FF0000000000000
    x = nodes.input(0, (), F64)
    assert nodes.constant(1, F64, (x,)) is not nodes.constant(1, F64)
    assert nodes.input(0, (), F64) is x
    nan = nodes.constant(-np.nan, F64)
    assert str(Graph("f", (), (nan,), single(nan))) == "f()\n  return nan:0xfff8000000000000:f64"


def test_an_input_is_a_view():
    x = np.arange(24.0).reshape(4, 6)
    for movement in (
        (Index.of((1, 2)),),
        (Index.of((slice(1, -1), None)), Transpose((2, 1, 0))),
        (Transpose((1, 0)), Index.of((-1,))),
        (Reshape((24,)),),
    ):
        assert np.shares_memory(x, Input(0, movement, F64).view(x))


X = (Parameter("x", ArrayOf(F64, (None,))),)


def refused(text, nodes, result=None):
    with pytest.raises(ValueError) as caught:
        Graph("f", X, tuple(nodes), single(result or nodes[-1]))
    assert str(caught.value) == text


def test_a_graph_checks_itself():
    x, mask, n = Input(0, (), F64), Input(0, (), B), Input(0, (), FLOAT)
    add, one = OPS["add"], Constant(np.int64(1), I64)
    refused("an operand of add does not stand before it", [Apply(add, (x, x), F64), x])
    refused("add: i64 where f64 is expected", [x, one, Apply(add, (x, one), F64)])
    refused("add: b where f64 is expected", [x, Apply(add, (x, x), B)])
    refused("add has 2 operands, not 1", [x, Apply(add, (x,), F64)])
    refused("sqrt has no stencil for i64", [one, Apply(OPS["sqrt"], (one,), I64)])
    refused("logical_not: f64 where b is expected", [x, Apply(OPS["logical_not"], (x,), B)])
    refused("where: f64 where b is expected", [x, Apply(OPS["where"], (x, x, x), F64)])
    refused("cast from f64 to f64", [x, Apply(CAST, (x,), F64)])
    refused("add: no operator takes the weak float", [n, x, Apply(add, (x, n), F64)])
    refused("a result has the weak dtype float", [n])
    refused("a result is not among the nodes", [x], mask)
    sincos = Apply(OPS["sincos"], (x,), F64)
    refused("sincos has no result 2", [x, sincos, Project(sincos, 2, F64)])
    nodes = Nodes()
    host = nodes.host(operator.add, (x,), FLOAT)
    refused("add is not between Python scalars only", [x, host])


def test_host_value_computes_one_value():
    graph = trace(lambda x, n: x * (n * 2 + 1), (np.ones(2), 3.0))
    cast = next(node for node in graph.nodes if getattr(node, "op", None) is CAST)
    value, flags = host_value(cast, (None, 5.0))
    assert (value, flags) == (11.0, 0)
    assert type(value) is np.float64


# -- floating-point errors ----------------------------------------------------------------------


def reciprocal(x):
    y = x * 1.5
    return 1 / y


LINE = reciprocal.__code__.co_firstlineno + 2


def test_a_warning_names_the_users_line_once():
    graph = trace(reciprocal, (np.ones(2),))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            evaluate(graph, (np.zeros(2),))
        evaluate(graph, (np.zeros(2),), warn=False)
    assert [(w.filename, w.lineno, str(w.message)) for w in caught] == [
        (__file__, LINE, "divide by zero encountered in divide")
    ]
    assert caught[0].category is RuntimeWarning


def test_errstate_decides_as_for_numpy():
    graph = trace(reciprocal, (np.ones(2),))
    zeros = np.zeros(2)
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError) as caught:
        evaluate(graph, (zeros,))
    assert str(caught.value) == "divide by zero encountered in divide"
    calls = []
    with np.errstate(divide="call", call=lambda *arguments: calls.append(arguments)):
        evaluate(graph, (zeros,))
    assert calls == [("divide by zero", 1)]
    log = io.StringIO()
    with np.errstate(divide="log", call=log):
        evaluate(graph, (zeros,))
    assert log.getvalue() == "Warning: divide by zero encountered in divide\n"
    with np.errstate(divide="ignore"):
        evaluate(graph, (zeros,))


def test_errstate_print(capfd):
    with np.errstate(divide="print"):
        evaluate(trace(reciprocal, (np.ones(2),)), (np.zeros(2),))
    out = capfd.readouterr()
    assert "divide by zero encountered in divide" in out.out + out.err


def test_results_are_the_callers_own():
    x = np.asfortranarray(np.ones((3, 4)))
    result = evaluate(trace(lambda x: np.copy(x), (x,)), (x,))
    assert not np.shares_memory(x, result)
    assert result.flags.writeable
    assert evaluate(trace(lambda x: x * 2, (x,)), (x,)).flags.f_contiguous
    ones = evaluate(trace(lambda x, y: np.ones_like(x + y), (x, x[:, :1])), (x, x[:, :1]))
    assert ones.flags.writeable


# -- reading a graph back -----------------------------------------------------------------------

READ = {
    "movement": lambda x, n: (
        (x.T[1:, None].reshape(-1, 1) * 2)[::-2] + np.broadcast_to(x[0], (1, 4))
    ),
    "three axes": lambda x, n: np.moveaxis(x[None], 0, 1)[..., 0] * n,
    "python's arithmetic": lambda x, n: np.clip(x.astype(int), n, 7) * (n**0.5 - True),
    "constants alone": lambda x, n: np.float32(0.1),
    "a constant of its own dtype": lambda x, n: np.isnan(np.ones_like(x) * np.nan) & True,
    "infinities": lambda x, n: np.where(x > np.inf, -np.inf, -0.0) + np.full_like(x, np.nan),
    "several results of one": lambda x, n: np.sin(x) * np.cos(x),
    "boxed": lambda x, n: np.where(n, 1, 2),
    "a condition": lambda x, n: (x + np.ones_like(x[:1]))[:0] * n,
    "checked": lambda x, n: np.int64(3) * np.int32(7) + n,
}


@pytest.mark.parametrize("name", READ)
def test_the_text_of_a_graph_is_read_back(name):
    def named_inf(inf, nan):
        return READ[name](inf, nan)

    x = np.arange(12.0).reshape(3, 4)
    for function in (READ[name], named_inf):
        traced = trace(function, (x, 2))
        for graph in (traced, simplify(traced), simplify(traced, precision="fast")):
            again = Graph.parse(str(graph))
            assert again == graph
            assert (again.signature, again.name) == (graph.signature, graph.name)
            with np.errstate(all="ignore"):
                assert_same(evaluate(graph, (x, 2)), evaluate(again, (x, 2)))


@pytest.mark.parametrize("exponent", [127, 128, 20_000])
def test_integers_of_any_size_are_written_and_read_back(exponent):
    for number in (2**exponent, -(2**exponent)):
        graph = trace(lambda x, n: x * ((n + number) % 7), (np.ones(3), 1))  # noqa: B023
        assert Graph.parse(str(graph)) == graph
        fixed = trace(lambda x, pair: x * (pair[0] % 7), (np.ones(3), (number, 1)))
        assert str(fixed).splitlines()[-1].startswith("  return %0")


def test_several_results_are_a_tree():
    text = "f(x: f64[:])\n  %0 = sqrt x  f64\n  return (%0, (x, 1.0:f32), %0 as array)"
    graph = Graph.parse(text)
    assert str(graph) == text
    assert [output.boxed for output in graph.outputs] == [False, False, True]
    given = np.array([4.0, 9.0])
    root, (x, one), again = evaluate(graph, (given,))
    assert (root.tolist(), x is given, one, again.tolist()) == ([2.0, 3.0], True, 1.0, [2.0, 3.0])
    with pytest.raises(ValueError, match="f returns not one computed value"):
        graph.output  # noqa: B018


@pytest.mark.parametrize(
    "text",
    [
        "f(x: f64[:])",
        "f(x: f64[:])\n  %0 = sqrt y  f64\n  return %0",
        "f(x: f64)\n  no\n  return x",
    ],
    ids=["no return", "no such parameter", "no line"],
)
def test_what_is_no_text_of_a_graph_is_refused(text):
    with pytest.raises(ValueError):
        Graph.parse(text)
