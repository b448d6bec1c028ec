"""Questions that Python asks about a number: its truth, its value, its text.

>>> from cpnum.ir.nodes import Nodes
>>> from cpnum.tables.dtypes import BOOL, INT
>>> nodes = Nodes()
>>> n = nodes.input(0, (), INT)
>>> even = nodes.host(operator.eq, (nodes.host(operator.mod, (n, nodes.constant(2, INT)), INT),
...     nodes.constant(0, INT)), BOOL)
>>> guard = guard_of(VALUE, even, False, ["n"], {})
>>> guard.text, guard.ask((3,)), guard.ask((4,))
('not n % 2 == 0', False, True)
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from cpnum.errors import PythonError
from cpnum.ir.evaluate import QUIET, host_value
from cpnum.ir.guards import Guard
from cpnum.ir.nodes import Apply, Constant, Host, Input, Join, Node, Project, Value, operands
from cpnum.ir.reference import function_of
from cpnum.ir.sites import Site
from cpnum.ir.walk import postorder
from cpnum.tables.ops import CAST

Compute = Callable[[Sequence[Value]], Value]
AsWritten = Mapping[Node, Callable[..., Value]]


class Question(NamedTuple):
    """One thing that Python asks about a number.

    `of` returns the outcome for a value, and `text` has a place for the number's own text.
    """

    text: str
    of: Callable[[Value], Any]


def _itself(value: Value) -> Value:
    return value


VALUE = Question("{}", _itself)
TRUTH = Question("bool({})", bool)
INTEGER = Question("int({})", int)
FLOOR = Question("math.floor({})", math.floor)
CEILING = Question("math.ceil({})", math.ceil)
TRUNCATED = Question("math.trunc({})", math.trunc)


@functools.lru_cache(maxsize=256)
def formatted(form: str) -> Question:
    """Return the question for the text of a number.

    >>> formatted(".2f").of(2.5)
    '2.50'
    """
    escaped = repr(form).replace("{", "{{").replace("}", "}}")
    return Question(f"format({{}}, {escaped})", lambda value: format(value, form))


class Raised(NamedTuple):
    """The outcome of a question that Python answers with an error."""

    error: type[Exception]


def guard_of(
    question: Question,
    node: Node,
    outcome: Any,
    names: Sequence[str],
    as_written: AsWritten,
    site: Site | None = None,
    after_shape: bool = False,
) -> Guard:
    """Return the guard that a question about `node` has this outcome, an error being a `Raised`.

    `names` are those of the parameters.  `as_written` has NumPy's own function for some nodes.
    """
    nodes = postorder(node)
    written = {each: as_written[each] for each in nodes if each in as_written}
    return Guard(
        _text(question, expression(nodes, names), outcome),
        _asking(question, _computing(node, nodes, written)),
        _key_of(outcome),
        (question.text, _structure(nodes)),
        site,
        after_shape,
        len(nodes),
    )


# -- asking -------------------------------------------------------------------------------------


def _asking(question: Question, compute: Compute) -> Callable[[Sequence[Value]], Hashable]:
    of = question.of

    def ask(arguments: Sequence[Value]) -> Hashable:
        try:
            return _key_of(of(compute(arguments)))
        except Exception as error:
            return Raised(type(error.error if isinstance(error, PythonError) else error))

    return ask


_PLAIN = frozenset([bool, int, str, Raised])


def _key_of(outcome: Any) -> Hashable:
    """Return a key that differs whenever two outcomes of one question do; NaN repeats."""
    if type(outcome) in _PLAIN:
        return outcome  # type: ignore[no-any-return]
    return np.asarray(outcome).tobytes() if type(outcome) is float else outcome.tobytes()


# A question about more nodes than this is asked node by node.
_FEW = 12


def _computing(node: Node, nodes: Sequence[Node], written: AsWritten) -> Compute:
    """Return a function of the arguments that computes a number, as NumPy and Python do."""
    inner = [arg for each in nodes for arg in operands(each) if isinstance(arg, Apply | Host)]
    if len(nodes) <= _FEW and len({*inner}) == len(inner) and all(map(_is_plain, nodes)):
        return _plain(node)
    return lambda arguments: host_value(node, arguments, as_written=written)[0]


def _is_plain(node: Node) -> bool:
    """Tell whether a node needs no look at the type or the errors of what it computes."""
    if isinstance(node, Host):
        return node.function is not operator.pow  # its result may be complex
    if isinstance(node, Apply):
        return node.op is not CAST and node.op in QUIET
    return isinstance(node, Input | Constant)


_OPERATORS: dict[str, Callable[..., Value]] = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
}


def _plain(node: Node) -> Compute:
    match node:
        case Input(parameter):
            return operator.itemgetter(parameter)
        case Constant(value):
            return lambda arguments: value
        case Host(function):
            pass
        case Apply(op):
            # Between two numbers, an operator takes a tenth of the time of a ufunc.
            function = _OPERATORS.get(op.name) or function_of(op)
        case _:
            raise TypeError(f"{node!r} is not plain")
    args = operands(node)
    computes = [*map(_plain, args)]
    if len(args) == 1:
        (one,) = computes
        return lambda arguments: function(one(arguments))
    if len(args) == 2:
        first, second = computes
        if isinstance(args[1], Constant):
            constant = args[1].value
            return lambda arguments: function(first(arguments), constant)
        return lambda arguments: function(first(arguments), second(arguments))
    return lambda arguments: function(*[each(arguments) for each in computes])


def _structure(nodes: Sequence[Node]) -> Hashable:
    """Return what is equal for two expressions that compute the same in different graphs."""
    place = {node: at for at, node in enumerate(nodes)}
    return tuple(
        [
            (type(each), each.dtype, tuple([place[arg] for arg in operands(each)]), _content(each))
            for each in nodes
        ]
    )


def _content(node: Node) -> Hashable:
    """Return what a node is beside its operands."""
    match node:
        case Input(parameter):
            return parameter
        case Constant(value):
            return _key_of(value)
        case Host(function):
            return function
        case Apply(op):
            return op
        case Project(_, index):
            return index
        case Join(_, axis):
            return axis


# -- text ---------------------------------------------------------------------------------------

_COMPARISONS = {
    **dict.fromkeys(("eq", "equal"), "=="),
    **dict.fromkeys(("ne", "not_equal"), "!="),
    **dict.fromkeys(("lt", "less"), "<"),
    **dict.fromkeys(("le", "less_equal"), "<="),
    **dict.fromkeys(("gt", "greater"), ">"),
    **dict.fromkeys(("ge", "greater_equal"), ">="),
}
_BINARY = {
    "add": "+",
    **dict.fromkeys(("sub", "subtract"), "-"),
    **dict.fromkeys(("mul", "multiply"), "*"),
    **dict.fromkeys(("truediv", "divide"), "/"),
    **dict.fromkeys(("floordiv", "floor_divide"), "//"),
    **dict.fromkeys(("mod", "remainder"), "%"),
    **dict.fromkeys(("pow", "power"), "**"),
    **dict.fromkeys(("and_", "bitwise_and"), "&"),
    **dict.fromkeys(("or_", "bitwise_or"), "|"),
    **dict.fromkeys(("xor", "bitwise_xor"), "^"),
    **dict.fromkeys(("lshift", "left_shift"), "<<"),
    **dict.fromkeys(("rshift", "right_shift"), ">>"),
}
_UNARY = {
    **dict.fromkeys(("neg", "negative"), "-"),
    "pos": "+",
    **dict.fromkeys(("invert", "inv"), "~"),
}

# Longer expressions are cut.
_LONGEST = 60

# How tightly the text of a value holds together.
_COMPARED, _COMPUTED, _SIGNED, _ATOM = range(4)


def expression(nodes: Sequence[Node], names: Sequence[str]) -> str:
    """Return the last of `nodes` as a user writes it: `n % 2 == 0`."""
    texts: dict[Node, tuple[str, int]] = {}
    for each in nodes:
        text, tightness = _written(each, [texts[arg] for arg in operands(each)], names)
        texts[each] = (text, tightness) if len(text) <= _LONGEST else ("...", _ATOM)
    return texts[nodes[-1]][0]


def _written(node: Node, args: Sequence[tuple[str, int]], names: Sequence[str]) -> tuple[str, int]:
    match node:
        case Input(parameter):
            return names[parameter], _ATOM
        case Constant(value):
            return short(value), _ATOM
        case Host(function):
            name = function.__name__
        case Apply(op):
            if op is CAST:
                return args[0]
            name = op.name
        case Project(_, index):
            return f"{args[0][0]}[{index}]", _ATOM
        case Join():
            name = "join"
    plain = [text for text, _ in args]
    if len(args) == 2 and name in _COMPARISONS:
        return _infix(_COMPARISONS[name], args, _COMPARED), _COMPARED
    if len(args) == 2 and name in _BINARY:
        symbol = _BINARY[name]
        return _infix(symbol, args, _SIGNED if symbol == "**" else _COMPUTED), _COMPUTED
    if len(args) == 1 and name in _UNARY:
        text, tightness = args[0]
        return _UNARY[name] + (text if tightness == _ATOM else f"({text})"), _SIGNED
    return f"{name}({', '.join(plain)})", _ATOM


def _infix(symbol: str, args: Sequence[tuple[str, int]], least: int) -> str:
    """Return an operator between its operands, those in parentheses that are not tight enough."""
    return f" {symbol} ".join(text if each > least else f"({text})" for text, each in args)


def short(value: Any) -> str:
    """Return a value as guards show it, without decimal digits if it is a long integer."""
    if type(value) is int and value.bit_length() > 128:
        return f"{value >> (value.bit_length() - 64):#x}... of {value.bit_length()} bits"
    text = repr(value) if type(value) is str else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _text(question: Question, about: str, outcome: Any) -> str:
    asked = question.text.format(about)
    if isinstance(outcome, Raised):
        return f"{asked} raises {outcome.error.__name__}"
    if isinstance(outcome, bool | np.bool):
        return asked if outcome else f"not {about}"
    return f"{asked} == {short(outcome)}"
