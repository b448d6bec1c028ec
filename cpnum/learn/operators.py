"""Operators of users: stencils of their own, fused with all others."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cpnum.errors import StencilError
from cpnum.ir.nodes import OWN_OPS
from cpnum.ir.reference import function_of
from cpnum.jit.function import Jit, cpjit
from cpnum.learn.compiling import compiled, parts_of
from cpnum.pack.stencil import Stencil, load, provide
from cpnum.tables.dtypes import DTYPES, DType
from cpnum.tables.isa import V3, Isa, choose
from cpnum.tables.ops import OPS, Kind, Op
from cpnum.tables.stencils import fused_stem, stencil_name
from cpnum.trace.functions import trace_own
from cpnum.trace.trace import is_tracing

# C texts with an OP of op.h, or stencils that are compiled already.
Stencils = str | Sequence[Stencil]

# The types of OP that one operator can have; the others are for rows of the table.
_TYPES = ("T_T", "TT_T", "TTT_T", "T_M", "TT_M", "M_M", "MM_M")

# The stems that are given out, by what they stand for: a cell that is run again gets its own one.
_stems: dict[tuple[str, object], str] = {}


def operator(
    name: str, stencils: Stencils, function: Callable[..., Any], *, latency: int = 10
) -> Jit:
    """Return an elementwise operator with stencils of its own, as a compiled function.

    It is called with arrays and numbers, and in functions that are compiled, where it is fused with
    the other operators.  It has the dtypes that it has stencils for; other operands are promoted to
    these as a ufunc's, or refused.

    `stencils` is a C text with a line OP(name, types, cells) of op.h, which the packs are made of.
    The types say the operands and results: T_T, TT_T, TTT_T, or M for a mask, as in TT_M.  Or they
    are stencils that are compiled already, such as those of `learn.stencil`.  `function` is the
    reference: the same of NumPy, which computes where machine code cannot, and reports errors.
    `latency` is in cycles; loops with long chains compute several vectors at once.

    Raises:  ToolchainError without a compiler, StencilError for C that is no stencil or a name
             that is taken.

    >>> from cpnum import cpjit, operator
    >>> smooth = operator(
    ...     "smooth",
    ...     "OP(smooth, T_T, FLOAT(a * a * (K(3.0) - K(2.0) * a)))",
    ...     lambda x: x * x * (3 - 2 * x),
    ... )
    >>> smooth(np.array([0.0, 0.25, 1.0]))
    array([0.     , 0.15625, 1.     ])
    >>> fused = cpjit(lambda x: 2 * smooth(x) + 1)
    >>> fused(np.array([0.0, 0.25, 1.0]))
    array([1.    , 1.3125, 3.    ])
    """
    frame = sys._getframe(1)
    given = stencils if isinstance(stencils, str) else tuple(stencils)
    applied = _applied(_Definition(name, given, function, latency))
    applied.__name__ = applied.__qualname__ = name
    applied.__module__ = frame.f_globals.get("__name__", __name__)
    applied.__doc__ = function.__doc__ or f"Return {name}, elementwise."
    return cpjit(applied)


class _Definition:
    """The definition of an operator, and its row, which is made anew in another process."""

    def __init__(
        self, name: str, stencils: Stencils, function: Callable[..., Any], latency: int
    ) -> None:
        self.given = name, stencils, function, latency
        self.op = _op(name, stencils, function, latency)
        self.reference = function_of(self.op)

    def __reduce__(self) -> tuple[Any, ...]:
        name, stencils, *_ = self.given
        if not isinstance(stencils, str):
            raise TypeError(f"the operator {name} can be sent if its stencils are a C text")
        return _Definition, self.given


def _applied(own: _Definition) -> Callable[..., Any]:
    """Return the function that stands for an operator: a node in a trace, else the reference."""

    def unary(x: Any) -> Any:
        return trace_own(own.op, x) if is_tracing((x,)) else own.reference(x)

    def binary(x: Any, y: Any) -> Any:
        return trace_own(own.op, x, y) if is_tracing((x, y)) else own.reference(x, y)

    def ternary(x: Any, y: Any, z: Any) -> Any:
        return trace_own(own.op, x, y, z) if is_tracing((x, y, z)) else own.reference(x, y, z)

    return (unary, binary, ternary)[own.op.arity - 1]


def _op(name: str, stencils: Stencils, function: Callable[..., Any], latency: int) -> Op:
    """Return the row of an operator, whose stencils are provided to all packs."""
    _check_name(name)
    if isinstance(stencils, str):
        signature, dtypes = _read(name, stencils)
        key: object = stencils
    else:
        given = {(stencil.isa, stencil.name): stencil for stencil in stencils}
        signature, dtypes = _described(name, given)
        key = tuple(given.values())
    stem = _stems.get((name, key))
    if stem is None:
        versions = sum(1 for other, _ in _stems if other == name)
        stem = _stems[name, key] = name if not versions else f"{name}_{versions + 1}"
        for in_c, provided in ((name, stem), (f"where_{name}", fused_stem("where", stem))):
            maker = (
                _from_c(stencils, in_c) if isinstance(stencils, str) else _from_given(given, in_c)
            )
            provide(provided, maker)
    own = _reference(function, signature)
    op = OWN_OPS[stem] = Op(stem, signature, dtypes, latency, 1.0, home="user", own=own)
    return op


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z]\w*", name) or name.endswith("_fast"):
        raise StencilError(f"{name!r} is no name for an operator", write="letters and digits")
    taken = name in OPS or any(
        stencil_name(name, dtype, dtype.itemsize) in load(V3) for dtype in DTYPES
    )
    if taken:
        raise StencilError(f"there is an operator {name}", write="another name")


def _reference(function: Callable[..., Any], signature: str) -> Callable[..., Any]:
    """Return the reference with the dtypes that the stencils have, as ufuncs have theirs."""
    masked = signature.endswith("M")

    def reference(*operands: Any) -> Any:
        dtype = np.result_type(*operands)
        result = function(*[np.asarray(each, dtype)[()] for each in operands])
        return np.asarray(result, bool if masked else dtype)[()]

    return reference


# -- stencils -----------------------------------------------------------------------------------


def _read(name: str, c_source: str) -> tuple[str, tuple[DType, ...]]:
    """Compile a C text once; return the signature and the dtypes of its operator."""
    found = re.search(rf"\bOP\(\s*{name}\s*,\s*(\w+)\s*,", c_source)
    if found is None or found[1] not in _TYPES:
        raise StencilError(
            f"the C text has no OP({name}, types, cells)",
            seen=found[0] if found else "none",
            write=f"OP({name}, T_T, FLOAT(a * a)); the types are {', '.join(_TYPES)}",
        )
    made = compiled(c_source, choose(None) or V3, 8)
    operands, _, results = found[1].partition("_")
    return f"{operands}->{results}", _dtypes(name, made)


def _dtypes(name: str, names: Iterable[str]) -> tuple[DType, ...]:
    """Return the dtypes of the stencils that an operator has."""
    parts = [parts_of(each) for each in names]
    return tuple(each for each in DTYPES if any(part[:2] == (name, each) for part in parts))


def _described(
    name: str, given: Mapping[tuple[Isa, str], Stencil]
) -> tuple[str, tuple[DType, ...]]:
    """Return the signature and the dtypes of an operator whose stencils are compiled already."""
    counts = {(stencil.operands, stencil.results) for stencil in given.values()}
    dtypes = _dtypes(name, [each for _, each in given])
    operands, results = next(iter(counts), (0, 0))
    if len(counts) != 1 or results != 1 or not 1 <= operands <= 3 or not dtypes:
        raise StencilError(
            f"{name} needs stencils with 1 to 3 operands and one result",
            seen=", ".join(f"{each.name}: {each.operands} and {each.results}"
                           for each in given.values()) or "none",
            write=f"stencils of the names {name}_f64, {name}_f32, {name}_f32_lane8",
        )  # fmt: skip
    return f"{Kind.T.value * operands}->{Kind.T.value}", dtypes


def _from_c(c_source: str, name: str) -> Callable[[DType, int, Isa], Stencil]:
    return lambda dtype, lane_bytes, isa: compiled(c_source, isa, lane_bytes)[
        stencil_name(name, dtype, lane_bytes)
    ]


def _from_given(
    given: Mapping[tuple[Isa, str], Stencil], name: str
) -> Callable[[DType, int, Isa], Stencil]:
    def maker(dtype: DType, lane_bytes: int, isa: Isa) -> Stencil:
        full = stencil_name(name, dtype, lane_bytes)
        stencil = given.get((isa, full))
        if stencil is None:
            raise StencilError(
                f"the operator has no stencil {full} for {isa}",
                seen=", ".join(f"{each} for {level}" for level, each in given),
                write="a C text, of which all lanes and levels are made",
            )
        return stencil

    return maker
