"""Advice for a truth value of an array: what to write depends on what the truth decides.

>>> path = _path(ast.parse("y = x if 0 < x < 1 else -x"), (1, 1, 9, 18))
>>> _asked(path)
Truth(use='`0 < x < 1`', write='np.where((0 < x) & (x < 1), x, -x)')
"""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cpnum.ir.sites import Site, position_of
from cpnum.trace.advice import nested, stored
from cpnum.trace.site import stores_item, user_frame

Position = tuple[int, int, int, int]

_GENERAL = "np.where(condition, a, b) to choose; & | ~ for `and`, `or`, `not`"

# A longer condition is not repeated in a message.
_LONGEST = 50

_LIMITS = {"max": "np.maximum", "min": "np.minimum"}

# A function of Python's that asks each element of an array for its truth -> NumPy's function.
_OF_ARRAYS = {"max": "max", "min": "min", "any": "any", "all": "all", "sorted": "sort"}


class Truth(NamedTuple):
    """Which part of the user's line asks for a truth value, and what to write instead."""

    use: str
    write: str


def truth_asked() -> Truth:
    """Return where the user's line asks for the truth of an array, and what to write."""
    path = _user_path()
    if path and stores_item():
        return Truth(*stored(ast.unparse(path[-1])))
    return _asked(path)


def instead_of_look(site: Site) -> str:
    """Return what to write where a site looks at a number that is another one at each call."""
    for each in reversed(_path_at(site)):
        if isinstance(each, ast.Call):
            name = ast.unparse(each.func)
            module, _, own = name.rpartition(".")
            given = ", ".join(map(ast.unparse, each.args))
            if module == "math" and hasattr(np, own) and len(given) <= _LONGEST:
                return f"np.{own}({given}), which takes any number and looks at none"
            break
    return "NumPy's functions and operators of the number, which look at none, or call .py_func"


def instead_of_bits() -> str | None:
    """Return the parentheses that `a > b | c < d` lacks, None if the user's line lacks none."""
    path = _user_path()
    for inner, outer in zip(path[:0:-1], path[-2::-1], strict=True):
        if isinstance(inner, ast.BinOp) and isinstance(outer, ast.Compare):
            return _in_parentheses(inner, outer)
    return None


def _in_parentheses(bits: ast.BinOp, compare: ast.Compare) -> str | None:
    """Return a comparison whose operand is `left | right` as two comparisons.

    >>> compare = ast.parse("a > b | c < d", mode="eval").body
    >>> _in_parentheses(compare.comparators[0], compare)
    '(a > b) | (c < d)'
    """
    if not isinstance(bits.op, ast.BitAnd | ast.BitOr | ast.BitXor):
        return None
    operands = [compare.left, *compare.comparators]
    at = operands.index(bits)
    first = _compared([*operands[:at], bits.left], compare.ops[:at])
    second = _compared([bits.right, *operands[at + 1 :]], compare.ops[at:])
    text = f"{_tight(first)} {_BITS[type(bits.op)]} {_tight(second)}"
    return text if len(text) <= _LONGEST else None


_BITS: dict[type[ast.operator], str] = {ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^"}


_ATOMS = (ast.Name, ast.Constant, ast.Call, ast.Subscript, ast.Attribute)


def _compared(operands: Sequence[ast.expr], ops: Sequence[ast.cmpop]) -> ast.expr:
    return ast.Compare(operands[0], [*ops], [*operands[1:]]) if ops else operands[0]


def _tight(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if isinstance(node, _ATOMS) else f"({text})"


# -- truth --------------------------------------------------------------------------------------


_ANY_TRUTH = "a truth value (`if`, `while`, `and`, `or`, `not`)"


def _asked(path: Sequence[ast.AST]) -> Truth:
    """Return what the last of some nodes asks, each of which is inside of the one before."""
    if path and isinstance(path[-1], ast.IfExp | ast.If | ast.While | ast.Assert):
        path = [*path, path[-1].test]  # Python 3.11 has the place of the whole for `not`
    at = len(path) - 1
    while at > 0 and isinstance(path[at - 1], ast.BoolOp | ast.UnaryOp):
        at -= 1
    if at < 0 or not isinstance(test := path[at], ast.expr):
        return Truth(_ANY_TRUTH, _GENERAL)
    if isinstance(test, ast.Call):
        return _asked_by_call(test)
    around = path[at - 1] if at else None
    return Truth(_use(path[-1], test, around), _instead(test, around))


# What asks for the truth of its test.
_ASKING: dict[type[ast.AST], str] = {
    ast.If: "`if`", ast.IfExp: "`if`", ast.While: "`while`", ast.Assert: "`assert`",
}  # fmt: skip


def _use(innermost: ast.AST, test: ast.expr, around: ast.AST | None) -> str:
    """Return the part of a line that asks for a truth, as messages name it."""
    for each in (innermost, test):
        match each:
            case ast.BoolOp(op=op):
                return "`and`" if isinstance(op, ast.And) else "`or`"
            case ast.UnaryOp(op=ast.Not()):
                return "`not`"
            case ast.Compare(ops=[ast.In() | ast.NotIn()]):
                return "`in`"
            case ast.Compare(ops=[_, _, *_]):
                text = ast.unparse(each)
                return f"`{text}`" if len(text) <= _LONGEST else "a chained comparison"
    return next((name for kind, name in _ASKING.items() if isinstance(around, kind)), _ANY_TRUTH)


def _instead(test: ast.expr, around: ast.AST | None) -> str:
    """Return what to write instead of a test, which is in the node `around` it."""
    condition = _condition(test)
    if len(condition) > _LONGEST:
        return _GENERAL
    match around:
        case ast.IfExp(body=body, orelse=other):
            text = f"np.where({condition}, {ast.unparse(body)}, {ast.unparse(other)})"
            return text if len(text) <= 2 * _LONGEST else f"np.where({condition}, a, b)"
        case ast.While():
            return (
                f"for _ in range(n): x = np.where({condition}, new, x), with a number n of rounds "
                "that is always enough"
            )
        case ast.Assert():
            return f"assert np.all({condition}) outside of the function"
        case ast.If():
            return (
                f"np.where({condition}, a, b) for what both branches compute, or pass the truth as "
                "an argument"
            )
    return condition if condition != ast.unparse(test) else _GENERAL


def _condition(node: ast.expr) -> str:
    """Return a condition of elements.

    >>> _condition(ast.parse("not (a > 0 and a < b)", mode="eval").body)
    '~((a > 0) & (a < b))'
    """
    match node:
        case ast.BoolOp(op=op, values=values) if all(map(_is_truth, values)):
            symbol = " & " if isinstance(op, ast.And) else " | "
            return symbol.join(map(_part, values))
        case ast.BoolOp(op=op, values=values):
            name = "np.logical_and" if isinstance(op, ast.And) else "np.logical_or"
            return nested(name, [*map(_condition, values)])
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            logical = isinstance(operand, ast.Compare | ast.BoolOp | ast.UnaryOp)
            return f"~{_part(operand)}" if logical else f"{_tight(operand)} == 0"
        case ast.Compare(left=left, ops=ops, comparators=others) if len(ops) > 1:
            pairs = zip([left, *others], ops, others, strict=False)
            parts = [f"({ast.unparse(_compared([a, b], [op]))})" for a, op, b in pairs]
            return " & ".join(parts)
        case ast.Compare(left=left, ops=[ast.In()], comparators=[values]):
            items = getattr(values, "elts", None) or [ast.Name("value")]
            parts = [f"({ast.unparse(_compared([left, each], [ast.Eq()]))})" for each in items]
            return " | ".join(parts if len(parts) > 1 else [*parts, "..."])
    return ast.unparse(node)


def _is_truth(node: ast.expr) -> bool:
    """Tell whether an expression is a condition, and not a number that stands for one."""
    is_not = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert)
    return is_not or isinstance(node, ast.Compare | ast.BoolOp)


def _part(node: ast.expr) -> str:
    text = _condition(node)
    return text if isinstance(node, _ATOMS) else f"({text})"


def _asked_by_call(call: ast.Call) -> Truth:
    """Return what a function of Python's asks.

    >>> _asked_by_call(ast.parse("any(x > 0)", mode="eval").body)
    Truth(use='any()', write='np.any(x > 0) for any(x > 0)')
    """
    name = ast.unparse(call.func)
    if name == "bool" or len(name) > 40:
        return Truth("bool()" if name == "bool" else _ANY_TRUTH, _GENERAL)
    given = call.args
    if len(given) == 1 and isinstance(given[0], ast.List | ast.Tuple):
        given = given[0].elts
    if name in _LIMITS and len(given) > 1 and not call.keywords:
        text = nested(_LIMITS[name], [*map(ast.unparse, given)])
        if len(text) <= 2 * _LONGEST and not any(isinstance(each, ast.Starred) for each in given):
            return Truth(f"{name}()", f"{text} for {ast.unparse(call)}")
    own = _OF_ARRAYS.get(name)
    is_array = len(given) == 1 and not isinstance(given[0], ast.GeneratorExp | ast.Starred)
    if own is None or call.keywords or not is_array:
        return Truth(f"{name}()", f"the call of {name} outside of the function")
    text = ast.unparse(given[0])
    text = text if len(text) <= _LONGEST else "x"
    return Truth(f"{name}()", f"np.{own}({text}) for {name}({text})")


# -- syntax -------------------------------------------------------------------------------------


def _user_path() -> list[ast.AST]:
    """Return the syntax around the expression that the user's line evaluates, itself at the end.

    The list is empty if Python does not know it.
    """
    frame = user_frame()
    return _path_at((frame.f_code, frame.f_lasti))


def _path_at(site: Site) -> list[ast.AST]:
    """Return the syntax around the expression of a site, itself at the end."""
    position = position_of(site)
    if position is None:
        return []
    try:
        tree = _parsed("".join(linecache.getlines(site[0].co_filename)))
    except SyntaxError:
        return []  # a file that has changed, or an IPython cell with magics
    return _path(tree, position)


@functools.lru_cache(maxsize=4)
def _parsed(source: str) -> ast.AST:
    return ast.parse(source)


def _path(tree: ast.AST, position: Position) -> list[ast.AST]:
    """Return the nodes that have a position inside, from the outermost to the innermost."""
    path: list[ast.AST] = []
    inner: ast.AST | None = tree
    while inner is not None:
        path.append(inner)
        inner = next((each for each in _children(inner) if _contains(each, position)), None)
    return path[1:]


def _children(node: ast.AST) -> list[ast.AST]:
    """Return the nodes inside of one that have a position; comprehensions have none."""
    found: list[ast.AST] = []
    for each in ast.iter_child_nodes(node):
        found += [each] if hasattr(each, "lineno") else ast.iter_child_nodes(each)
    return found


def _contains(node: ast.AST, position: Position) -> bool:
    line, last, start, end = position
    first = getattr(node, "lineno", None), getattr(node, "col_offset", None)
    final = getattr(node, "end_lineno", None), getattr(node, "end_col_offset", None)
    if None in first or None in final:
        return False
    return first <= (line, start) and (last, end) <= final
