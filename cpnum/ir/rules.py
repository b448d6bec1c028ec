"""The rules of `simplify`: exact ones, and more with `fastmath` or `precision="fast"`.

The contract of rules (after LuaJIT's `lj_opt_fold.c`):

1.  A rule keeps the dtype and the shape.  Shapes are not known here, so a rule may drop a variable
    only if the inputs that shape it also shape the replacement.
2.  An exact rule keeps every bit of every value (the payload of a NaN aside), and every
    floating-point flag.  So `x * 0` and `x + 0` are no rules of floats: they lose NaN and -0.0.
    The tests evaluate both sides of each row on special values: a new rule is tested by existing.
3.  Rules terminate: the right side has fewer operators, or as many that no rule has on its left.
4.  A rule reads like the expression it stands for.  `x` is the variable with a dtype of the rule;
    `k` matches only constants, and of these only the ones for which `when` holds.
5.  Inexact rules change the rounding, and nothing about NaN, infinities or signed zeros of their
    operands.  They apply with `fastmath` only, and take in an operand that has no other use.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from cpnum.ir.nodes import Constant
from cpnum.tables.dtypes import DTYPES, F32, F64, I32, I64, B, DType
from cpnum.tables.ops import CAST, FAST, OPS, Op

# -- patterns -----------------------------------------------------------------------------------


class Pattern(np.lib.mixins.NDArrayOperatorsMixin):
    """An operator of a pattern: `x + y` is one if x and y are pattern variables."""

    def __init__(self, op: Op | None, args: tuple[Term, ...], dtype: DType | None = None) -> None:
        self.op = op
        self.args = args
        # The dtype that a cast converts to; None for other operators.
        self.dtype = dtype

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Term) -> Pattern:
        return Pattern(OPS[ufunc.__name__], inputs)

    def __array_function__(
        self, function: Callable[..., Any], types: object, args: tuple[Term, ...], _: object
    ) -> Pattern:
        return Pattern(OPS[function.__name__], args)


class Variable(Pattern):
    """A pattern variable, by its name."""

    def __init__(self, name: str) -> None:
        super().__init__(None, ())
        self.name = name


class Computed(NamedTuple):
    """A part of a replacement: a constant that a function computes from the one that k matched."""

    function: Callable[[Any], Any]
    variable: Variable


# A part of a pattern; a number matches the constant of that value, the sign of zero included.
Term = Pattern | Computed | float


def cast(x: Any, dtype: DType) -> Any:
    """Return `x`, an array or a pattern, converted to `dtype`."""
    return Pattern(CAST, (x,), dtype) if isinstance(x, Pattern) else x.astype(dtype.numpy)


def multiply_add(a: Any, b: Any, x: Any) -> Any:
    """Return a * b + x; in a pattern it is the operator that rounds once."""
    pattern = any(isinstance(each, Pattern) for each in (a, b, x))
    return Pattern(OPS["multiply_add"], (a, b, x)) if pattern else a * b + x


def approximate_divide(a: Any, x: Any) -> Any:
    """Return a / x; in a pattern it is the operator that rounds not quite as NumPy's."""
    pattern = any(isinstance(each, Pattern) for each in (a, x))
    return Pattern(OPS["approximate_divide"], (a, x)) if pattern else a / x


def exponent(k: Any) -> Any:
    """Return log2(k) for a power of two; in a replacement it is a constant."""
    return Computed(exponent, k) if isinstance(k, Variable) else np.bitwise_count(k - 1)


# -- rules --------------------------------------------------------------------------------------

_F = (F64, F32)
_I = (I64, I32)


class Rule(NamedTuple):
    """A pattern and its replacement, for `x` of the given dtypes."""

    name: str
    pattern: Callable[..., Any]
    replacement: Callable[..., Any]
    dtypes: tuple[DType, ...]
    when: Callable[[Any], bool] = lambda k: True


def _has_exact_reciprocal(k: Any) -> bool:
    """Tell whether 1 / k is a power of two that is neither rounded nor subnormal."""
    mantissa, _ = np.frexp(k)
    limits = np.finfo(k.dtype)
    return bool(abs(mantissa) == 0.5 and limits.tiny <= abs(k) <= 1 / limits.tiny)


def _is_power_of_two(k: Any) -> bool:
    """Tell whether a constant is an integer and a power of two."""
    return bool(k.dtype.kind == "i" and k > 0 and k & (k - 1) == 0)


# fmt: off
_WRITTEN = (
    Rule("times one",              lambda x: x * 1,               lambda x: x,            _F + _I),
    Rule("times two",              lambda x: x * 2,               lambda x: x + x,        _F + _I),
    Rule("minus zero",             lambda x: x - 0,               lambda x: x,            _F + _I),
    Rule("plus zero",              lambda x: x + 0,               lambda x: x,            _I),
    Rule("plus negative zero",     lambda x: x + -0.0,            lambda x: x,            _F),
    Rule("divided by one",         lambda x: x / 1,               lambda x: x,            _F),
    Rule("divided by power of 2",  lambda x, k: x / k,            lambda x, k: x * (1 / k), _F,
         _has_exact_reciprocal),
    Rule("quotient by power of 2", lambda x, k: x // k,           lambda x, k: x >> exponent(k), _I,
         _is_power_of_two),
    Rule("remainder by power of 2", lambda x, k: x % k,           lambda x, k: x & (k - 1), _I,
         _is_power_of_two),
    Rule("square",                 lambda x: np.square(x),        lambda x: x * x,        _F + _I),
    Rule("negate twice",           lambda x: np.negative(-x),      lambda x: x,            _F + _I),
    Rule("negative times",         lambda x, k: np.negative(x) * k, lambda x, k: x * -k,   _F),
    Rule("absolute twice",         lambda x: np.abs(np.abs(x)),   lambda x: np.abs(x),    _F + _I),
    Rule("absolute of negative",   lambda x: np.abs(-x),          lambda x: np.abs(x),    _F + _I),
    Rule("floor of integer",       lambda x: np.floor(x),         lambda x: x,            (*_I, B)),
    Rule("ceil of integer",        lambda x: np.ceil(x),          lambda x: x,            (*_I, B)),
    Rule("trunc of integer",       lambda x: np.trunc(x),         lambda x: x,            (*_I, B)),
    Rule("absolute of boolean",    lambda x: np.abs(x),           lambda x: x,            (B,)),
    Rule("not twice",              lambda x: np.logical_not(np.logical_not(x)), lambda x: x, (B,)),
    Rule("invert twice",           lambda x: ~(~x),               lambda x: x,            (*_I, B)),
)

INEXACT = (
    Rule("root divided",           lambda a, x: np.sqrt(a) / x,
                                   lambda a, x: approximate_divide(np.sqrt(a), x),        (F32,)),
    Rule("divided by root",        lambda a, x: a / np.sqrt(x),
                                   lambda a, x: approximate_divide(a, np.sqrt(x)),        (F32,)),
    Rule("contract sum",           lambda a, b, x: a * b + x,
                                   lambda a, b, x: multiply_add(a, b, x),                 _F),
    Rule("contract doubled",       lambda a, x: (a + a) + x,
                                   lambda a, x: multiply_add(a, 2, x),                    _F),
    Rule("contract difference",    lambda a, b, x: a * b - x,
                                   lambda a, b, x: multiply_add(a, b, -x),                _F),
    Rule("contract from, constant", lambda a, k, x: x - a * k,
                                   lambda a, k, x: multiply_add(a, -k, x),                _F),
    Rule("contract from",          lambda a, b, x: x - a * b,
                                   lambda a, b, x: multiply_add(-a, b, x),                _F),
)
# fmt: on

# Casts that keep every value, and never make two values equal.
_WIDENINGS = (
    *((B, to) for to in (F64, F32, I64, I32)),
    *((I32, to) for to in (I64, F64)),
    (F32, F64),
)


def _cast_rules() -> Iterator[Rule]:
    """Yield the rules that leave out a cast through a wider dtype."""
    for narrow, wide in _WIDENINGS:
        for to in DTYPES:
            # A float that no integer can hold becomes an integer that depends on the float's width.
            if to is wide or (narrow.family == "F" and to.family == "I"):
                continue

            def through(x: Any, wide: DType = wide, to: DType = to) -> Any:
                return cast(cast(x, wide), to)

            def direct(x: Any, narrow: DType = narrow, to: DType = to) -> Any:
                return x if to is narrow else cast(x, to)

            yield Rule(f"{narrow} to {wide} to {to}", through, direct, (narrow,))


EXACT: tuple[Rule, ...] = (*_WRITTEN, *_cast_rules())


def _fast_rule(op: Op, fast: Op) -> Rule:
    def unary(op: Op) -> Callable[..., Any]:
        return lambda x: Pattern(op, (x,))

    def binary(op: Op) -> Callable[..., Any]:
        return lambda a, x: Pattern(op, (a, x))

    pattern = unary if op.arity == 1 else binary
    return Rule(f"fast {op}", pattern(op), pattern(fast), fast.dtypes)


# Each replaces an elementary function within 1 ULP by its version within 4 ULP.
FASTER = tuple(_fast_rule(op, fast) for op, fast in FAST.items())


# -- the index ----------------------------------------------------------------------------------


class IndexedRule(NamedTuple):
    """A rule of the index: its patterns are built, and the variables that it drops are known."""

    rule: Rule
    pattern: Pattern
    replacement: Term
    dropped: tuple[str, ...]


class Rules(NamedTuple):
    """The rules for one operator.

    The head of a rule is something that one operand has to be: an operator, a number, or any
    constant.  `by_operand` has the rules of each operand by their heads; `heads` are all of these;
    `others` are the rules without a head.
    """

    by_operand: list[dict[object, list[IndexedRule]]]
    heads: set[object]
    others: list[IndexedRule]


RuleTable = dict[Op, Rules]


def index(rules: Sequence[Rule]) -> RuleTable:
    """Return the rules by the operator that they match."""
    table: RuleTable = {}
    for rule in rules:
        # A parameter with a default is no variable: it holds a value of the loop.
        parameters = inspect.signature(rule.pattern).parameters.values()
        names = [each.name for each in parameters if each.default is inspect.Parameter.empty]
        variables = [Variable(name) for name in names]
        pattern: Pattern = rule.pattern(*variables)
        replacement = rule.replacement(*variables)
        left = _names(replacement)
        dropped = tuple(name for name in names if name not in left)
        op = pattern.op
        assert op is not None
        found = table.setdefault(op, Rules([{} for _ in range(op.arity)], set(), []))
        for args in _orders(op, pattern.args):
            indexed = IndexedRule(rule, Pattern(op, args, pattern.dtype), replacement, dropped)
            heads = [(i, _head(arg)) for i, arg in enumerate(args)]
            asked = [(i, head) for i, head in heads if head is not None]
            if asked:
                # Most graphs have constants, so `Constant` is the head only if there is no other.
                position, head = max(asked, key=lambda pair: pair[1] is not Constant)
                found.by_operand[position].setdefault(head, []).append(indexed)
                found.heads.add(head)
            else:
                found.others.append(indexed)
    return table


def _orders(op: Op, args: tuple[Term, ...]) -> Iterator[tuple[Term, ...]]:
    yield args
    if op.commutative:
        yield args[::-1]


def _head(term: Term) -> object:
    if isinstance(term, Variable):
        return Constant if term.name == "k" else None
    return term.op if isinstance(term, Pattern) else term


def _names(term: Term) -> set[str]:
    if isinstance(term, Computed):
        term = term.variable
    if isinstance(term, Variable):
        return {term.name}
    return set().union(*map(_names, term.args)) if isinstance(term, Pattern) else set()
