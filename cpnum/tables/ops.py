"""The operator table: one row an operator.

The row says *which*: NumPy's name, the types, the cost.  The line of the same name in
`stencils/ops.c` says *how*.  Everything else (tracing, stencil builds, tests, the lists in the
documentation) is derived from the row, and the pack builder compares the two lists in both
directions.

A row `x_fast` is x with an error of up to 4 ULP, for `precision="fast"`.  It is at least 1.3 times
as fast as x on some level; `sincos` has such a row so that it fits `sin` and `cos`.

>>> OPS["add"]
add
>>> OPS["where"].operands
(<Kind.MASK: 'M'>, <Kind.T: 'T'>, <Kind.T: 'T'>)
>>> OPS["less"].form
<Form.COMPARISON: 'comparison'>
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

from cpnum.tables.dtypes import DTYPES, F32, F64, I32, B, DType

# A row is a function of NumPy; one of SciPy and `cpnum.special`; or one that only rewrites make.
# An operator that is no row is a user's (`cpnum.operator`).
Home = Literal["numpy", "special", "rewrites", "user"]


class Kind(Enum):
    """The dtype of an operand or a result, relative to the operator's dtype."""

    T = "T"  # the operator's dtype
    MASK = "M"  # a boolean; an operand of another dtype counts by its truth
    FROM = "S"  # any dtype: a cast starts from it
    ADDEND = "C"  # the operator's dtype, and the result may take this operand's register
    EXPONENT = "E"  # an int32, the exponent of a number

    # Members are singletons; Enum's own hash is a Python function.
    __hash__ = object.__hash__


# The kinds that have one dtype, whatever the operator's.
ALWAYS: dict[Kind, DType] = {Kind.MASK: B, Kind.EXPONENT: I32}


class Form(Enum):
    """The stencils that an operator has in addition to one of its name for each dtype."""

    PLAIN = "plain"  # none
    COMPARISON = "comparison"  # one for the comparison and the `where` of its mask together
    SELECT = "select"  # one with each comparison, which makes the mask
    TIED = "tied"  # one whose result takes the register of the addend
    CAST = "cast"  # one for each pair of dtypes instead

    __hash__ = object.__hash__  # as that of Kind


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Op:
    """An elementwise operator.

    `signature` has a letter of `Kind` for each operand and result, as in "MTT->T".
    `commutative`: op(a, b) has the bits of op(b, a), NaN payloads aside.
    `latency` is in cycles, of the longest chain through the stencil (Zen 4 and Ice Lake tables of
    uops.info, rounded): the schedule interleaves loops whose chains are long.
    `ulp` is the largest error allowed, in units in the last place; 0.5 is correctly rounded.
    `own` is the reference function of a user's operator.
    """

    name: str
    signature: str
    dtypes: tuple[DType, ...]
    latency: int
    ulp: float
    commutative: bool = False
    home: Home = "numpy"
    own: Callable[..., Any] | None = None
    operands: tuple[Kind, ...] = field(init=False)
    results: tuple[Kind, ...] = field(init=False)
    form: Form = field(init=False)
    # Whether the operator's name and the dtype of its result are enough to find the stencil.
    plain: bool = field(init=False)
    # The name of the function that is computed: x for a row `x_fast`.
    function: str = field(init=False)

    def __post_init__(self) -> None:
        operands, _, results = self.signature.partition("->")
        object.__setattr__(self, "operands", tuple(map(Kind, operands)))
        object.__setattr__(self, "results", tuple(map(Kind, results)))
        object.__setattr__(self, "form", _form(self.operands, self.results))
        object.__setattr__(self, "plain", self.form is Form.PLAIN and Kind.T in self.results)
        object.__setattr__(self, "function", self.name.removesuffix("_fast"))

    @property
    def arity(self) -> int:
        """The number of operands."""
        return len(self.operands)

    @property
    def masked(self) -> bool:
        """Whether the result is a mask."""
        return self.results == (Kind.MASK,)

    def dtypes_of_results(self, dtype: DType) -> list[DType]:
        """Return the dtype of each result of the operator for `dtype`.

        >>> OPS["frexp"].dtypes_of_results(F64)
        [f64, i32]
        """
        return [ALWAYS.get(kind, dtype) for kind in self.results]

    def __repr__(self) -> str:
        return self.name


def _form(operands: tuple[Kind, ...], results: tuple[Kind, ...]) -> Form:
    if Kind.FROM in operands:
        return Form.CAST
    if Kind.ADDEND in operands:
        return Form.TIED
    if operands == (Kind.T, Kind.T) and results == (Kind.MASK,):
        return Form.COMPARISON
    if operands[0] is Kind.MASK and results == (Kind.T,):
        return Form.SELECT
    return Form.PLAIN


# The dtypes of a letter in a row: floating, integer, boolean; single or double precision alone.
_FAMILIES: dict[str, tuple[DType, ...]] = {
    "F": tuple(dtype for dtype in DTYPES if dtype.family == "F"),
    "I": tuple(dtype for dtype in DTYPES if dtype.family == "I"),
    "B": tuple(dtype for dtype in DTYPES if dtype.family == "B"),
    "S": (F32,),
    "D": (F64,),
}


def _row(
    name: str,
    signature: str,
    families: str,
    latency: int,
    ulp: float = 0.5,
    laws: str = "",
    *,
    home: Home = "numpy",
) -> Op:
    dtypes = tuple(dtype for family in families for dtype in _FAMILIES[family])
    return Op(name, signature, dtypes, latency, ulp, "C" in laws, home)


# fmt: off
_ROWS = (
    #    name            signature   families  latency  ulp   laws
    _row("add",           "TT->T",   "FIB",    4, 0.5, "C"),
    _row("subtract",      "TT->T",   "FI",     4),
    _row("multiply",      "TT->T",   "FIB",    4, 0.5, "C"),
    _row("divide",        "TT->T",   "F",     14),
    _row("floor_divide",  "TT->T",   "FI",    40),
    _row("remainder",     "TT->T",   "FI",    40),
    _row("divmod",        "TT->TT",  "FI",    45),
    _row("fmod",          "TT->T",   "FI",    40),
    _row("negative",      "T->T",    "FI",     1),
    _row("absolute",      "T->T",    "FIB",    1),
    _row("square",        "T->T",    "FI",     4),
    _row("sqrt",          "T->T",    "F",     20),
    _row("reciprocal",    "T->T",    "FI",    14),
    _row("sign",          "T->T",    "FI",     5),
    _row("signbit",       "T->M",    "F",      2),
    _row("heaviside",     "TT->T",   "F",      6),
    _row("spacing",       "T->T",    "F",     12),
    _row("nextafter",     "TT->T",   "F",     12),
    _row("modf",          "T->TT",   "F",     14),
    _row("ldexp",         "TE->T",   "F",     20),
    _row("frexp",         "T->TE",   "F",     12),
    _row("gcd",           "TT->T",   "I",    600, 0.5, "C"),
    _row("lcm",           "TT->T",   "I",    640, 0.5, "C"),
    _row("copysign",      "TT->T",   "F",      2),
    _row("floor",         "T->T",    "FIB",    8),
    _row("ceil",          "T->T",    "FIB",    8),
    _row("trunc",         "T->T",    "FIB",    8),
    _row("rint",          "T->T",    "F",      8),
    _row("degrees",       "T->T",    "F",      4),
    _row("radians",       "T->T",    "F",      4),
    _row("minimum",       "TT->T",   "FIB",    6),
    _row("maximum",       "TT->T",   "FIB",    6),
    _row("fmin",          "TT->T",   "FIB",    6),
    _row("fmax",          "TT->T",   "FIB",    6),
    _row("clip",          "TTT->T",  "FIB",   10),
    _row("equal",         "TT->M",   "FIB",    5, 0.5, "C"),
    _row("not_equal",     "TT->M",   "FIB",    5, 0.5, "C"),
    _row("less",          "TT->M",   "FIB",    5),
    _row("less_equal",    "TT->M",   "FIB",    5),
    _row("greater",       "TT->M",   "FIB",    5),
    _row("greater_equal", "TT->M",   "FIB",    5),
    _row("isnan",         "T->M",    "FIB",    5),
    _row("isinf",         "T->M",    "FIB",    5),
    _row("isfinite",      "T->M",    "FIB",    5),
    _row("logical_and",   "MM->M",   "B",      1, 0.5, "C"),
    _row("logical_or",    "MM->M",   "B",      1, 0.5, "C"),
    _row("logical_xor",   "MM->M",   "B",      1, 0.5, "C"),
    _row("logical_not",   "M->M",    "B",      1),
    _row("bitwise_and",   "TT->T",   "IB",     1, 0.5, "C"),
    _row("bitwise_or",    "TT->T",   "IB",     1, 0.5, "C"),
    _row("bitwise_xor",   "TT->T",   "IB",     1, 0.5, "C"),
    _row("invert",        "T->T",    "IB",     1),
    _row("left_shift",    "TT->T",   "I",      2),
    _row("right_shift",   "TT->T",   "I",      2),
    _row("where",         "MTT->T",  "FIB",    4),
    _row("exp",           "T->T",    "F",     60, 1.0),
    _row("exp2",          "T->T",    "F",     55, 1.0),
    _row("expm1",         "T->T",    "F",     80, 1.0),
    _row("log",           "T->T",    "F",     65, 1.0),
    _row("log2",          "T->T",    "F",     70, 1.0),
    _row("log10",         "T->T",    "F",     70, 1.0),
    _row("log1p",         "T->T",    "F",     85, 1.0),
    _row("logaddexp",     "TT->T",   "F",    160, 1.0, "C"),
    _row("logaddexp2",    "TT->T",   "F",    160, 1.0, "C"),
    _row("arcsinh",       "T->T",    "F",    120, 1.0),
    _row("arccosh",       "T->T",    "F",    120, 1.0),
    _row("arctanh",       "T->T",    "F",     85, 1.0),
    _row("sin",           "T->T",    "F",     70, 1.0),
    _row("cos",           "T->T",    "F",     70, 1.0),
    _row("tan",           "T->T",    "F",     90, 1.0),
    _row("sinc",          "T->T",    "F",     80, 1.0),
    _row("arcsin",        "T->T",    "F",     90, 1.0),
    _row("arccos",        "T->T",    "F",     90, 1.0),
    _row("arctan",        "T->T",    "F",     90, 1.0),
    _row("arctan2",       "TT->T",   "F",    110, 1.0),
    _row("sinh",          "T->T",    "F",     75, 1.0),
    _row("cosh",          "T->T",    "F",     65, 1.0),
    _row("tanh",          "T->T",    "F",     90, 1.0),
    _row("power",         "TT->T",   "F",    120, 1.0),
    _row("hypot",         "TT->T",   "F",     60, 1.0, "C"),
    _row("cbrt",          "T->T",    "F",     65, 1.0),
    _row("erf",           "T->T",    "F",     90, 1.0, home="special"),
    _row("erfc",          "T->T",    "F",    130, 1.0, home="special"),
    _row("expit",         "T->T",    "F",    110, 1.0, home="special"),
    _row("logit",         "T->T",    "F",     85, 1.0, home="special"),
    _row("gammaln",       "T->T",    "F",    180, 1.0, home="special"),
    _row("gamma",         "T->T",    "F",    200, 1.5, home="special"),
    _row("gammasgn",      "T->T",    "F",     16, home="special"),
    _row("multiply_add",  "TTC->T",  "F",      4, home="rewrites"),
    _row("sincos",        "T->TT",   "F",     90, 1.0, home="rewrites"),
    _row("divisor",       "T->TTT",  "I",    60, home="rewrites"),
    _row("floor_divide_by", "TTTT->T", "I",  25, home="rewrites"),
    _row("approximate_divide", "TT->T", "S",  16, 4.5, home="rewrites"),
    _row("expm1_fast",    "T->T",    "F",     65, 4.0, home="rewrites"),
    _row("log2_fast",     "T->T",    "D",     60, 4.0, home="rewrites"),
    _row("log10_fast",    "T->T",    "D",     60, 4.0, home="rewrites"),
    _row("arcsinh_fast",  "T->T",    "D",    110, 4.0, home="rewrites"),
    _row("arccosh_fast",  "T->T",    "D",    100, 4.0, home="rewrites"),
    _row("arctanh_fast",  "T->T",    "D",     85, 4.0, home="rewrites"),
    _row("sin_fast",      "T->T",    "F",     60, 4.0, home="rewrites"),
    _row("cos_fast",      "T->T",    "F",     65, 4.0, home="rewrites"),
    _row("sincos_fast",   "T->TT",   "F",     70, 4.0, home="rewrites"),
    _row("tan_fast",      "T->T",    "F",     70, 4.0, home="rewrites"),
    _row("sinc_fast",     "T->T",    "F",     60, 4.0, home="rewrites"),
    _row("arcsin_fast",   "T->T",    "F",     70, 4.0, home="rewrites"),
    _row("arccos_fast",   "T->T",    "F",     75, 4.0, home="rewrites"),
    _row("arctan_fast",   "T->T",    "F",     75, 4.0, home="rewrites"),
    _row("arctan2_fast",  "TT->T",   "F",     80, 4.0, home="rewrites"),
    _row("tanh_fast",     "T->T",    "D",     65, 4.0, home="rewrites"),
    _row("hypot_fast",    "TT->T",   "F",     40, 4.0, "C", home="rewrites"),
    _row("logit_fast",    "T->T",    "D",     85, 4.0, home="rewrites"),
    _row("gammaln_fast",  "T->T",    "D",    120, 4.0, home="rewrites"),
)
# fmt: on

OPS = {op.name: op for op in _ROWS}

# FAST maps an operator to its version within 4 ULP.
FAST = {OPS[op.function]: op for op in _ROWS if op.function != op.name}

# The node of a cast has the dtype of the result; the operand may have any other dtype.
CAST = Op("cast", "S->T", DTYPES, 4, 0.5, home="rewrites")
