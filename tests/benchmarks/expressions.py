"""The expressions that are measured, and the functions that compute them for each peer.

The text of an expression is its only definition: what each peer runs is made from it, but for the
chain of calls with `out=`, which is what a person would write in NumPy for speed.
"""

from __future__ import annotations

import ast
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

# chain(arrays, scratch, out) leaves the result in `out`.
Chain = Callable[[Sequence[Array], Array, Array], None]


@dataclass(frozen=True, slots=True)
class Expression:
    """One line of NumPy code, its parameters, and how far from NumPy's its result may be.

    `times_numpy` and `times_numba` are the figures to reach, as multiples of the peer's speed;
    `times_best` that of the best of them.
    """

    text: str
    parameters: tuple[str, ...]
    chain: Chain
    name: str = ""
    ulp: float = 0.0
    times_best: float = 0.95
    times_numpy: float | None = None
    times_numba: float | None = None

    def __str__(self) -> str:
        return self.name or self.text

    def function(self, namespace: Any = np) -> Function:
        """Return the expression as a function; `sqrt` and `exp` are those of `namespace`."""
        return _define(self.text, self.parameters, functions_of(namespace))

    def data(self, size: int, dtype: np.dtype[Any]) -> list[Array]:
        """Return arguments: positive, of the size of 1, so that nothing cancels or overflows."""
        random = np.random.default_rng(0)
        return [random.uniform(0.5, 1.5, size).astype(dtype) for _ in self.parameters]


def functions_of(namespace: Any) -> dict[str, Function]:
    """Return the functions that an expression may call."""
    return {name: getattr(namespace, name) for name in ("sqrt", "exp")}


def _define(text: str, parameters: Sequence[str], names: Mapping[str, Any]) -> Function:
    scope = dict(names)
    source = f"def expression({', '.join(parameters)}):\n    return {text}\n"
    exec(compile(source, f"<{text[:40]}>", "exec"), scope)
    function: Function = scope["expression"]
    return function


# -- made from the text -------------------------------------------------------------------------

_UFUNCS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
}


def with_out(expression: Expression) -> Function:
    """Return the expression as written, but its last operation writes to `out`.

    >>> z = np.empty(2)
    >>> with_out(AXPB)(np.ones(2), np.zeros(2), z) is z
    True
    """
    match ast.parse(expression.text, mode="eval").body:
        case ast.BinOp(left, op, right):
            call = f"{_UFUNCS[type(op)]}({ast.unparse(left)}, {ast.unparse(right)}, out=out)"
        case ast.Call(ast.Name(name), [argument]):
            call = f"{name}({ast.unparse(argument)}, out=out)"
        case other:
            raise ValueError(f"no ufunc call is made from {ast.unparse(other)}")
    ufuncs = {name: getattr(np, name) for name in (*_UFUNCS.values(), "sqrt", "exp")}
    return _define(call, (*expression.parameters, "out"), ufuncs)


class _Named(ast.NodeTransformer):
    """Puts names in the place of constants, and remembers which."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self.constants: dict[str, Any] = {}

    def visit_Constant(self, node: ast.Constant) -> ast.Name:
        assert isinstance(node.value, int | float)
        name = f"c{len(self.constants)}"
        self.constants[name] = self.dtype.type(node.value)
        return ast.Name(name, ast.Load())


def typed(expression: Expression, dtype: np.dtype[Any]) -> tuple[str, dict[str, Any]]:
    """Return the text with its constants as names, and these as numbers of `dtype`.

    numexpr and Numba take a literal 2.5 for float64, and compute with float32 arrays in float64.

    >>> typed(AXPB, np.dtype(np.float32))
    ('a * c0 + b', {'c0': np.float32(2.5)})
    """
    named = _Named(dtype)
    tree = named.visit(ast.parse(expression.text, mode="eval"))
    return ast.unparse(tree), named.constants


def scalar_function(expression: Expression, dtype: np.dtype[Any]) -> Function:
    """Return the expression as a function of scalars of `dtype`, for Numba."""
    text, constants = typed(expression, dtype)
    return _define(text, expression.parameters, {**functions_of(math), **constants})


def loop_function(expression: Expression, dtype: np.dtype[Any]) -> Function:
    """Return a loop over the elements of arrays, for Numba.

    The expression stands in the loop itself: LLVM does not inline a long function, and the loop
    around a call has no SIMD code (9 times slower for 100 terms of Horner's rule).
    """
    text, constants = typed(expression, dtype)
    parameters = expression.parameters
    lines = [
        f"def loop({', '.join(f'{each}_array' for each in parameters)}, out):",
        "    for i in range(out.size):",
        *(f"        {each} = {each}_array[i]" for each in parameters),
        f"        out[i] = {text}",
    ]
    scope = {**functions_of(math), **constants}
    exec(compile("\n".join(lines), "<loop>", "exec"), scope)
    loop: Function = scope["loop"]
    return loop


# -- the expressions ----------------------------------------------------------------------------


def _axpb_chain(arrays: Sequence[Array], scratch: Array, out: Array) -> None:
    a, b = arrays
    np.multiply(a, 2.5, out=out)
    np.add(out, b, out=out)


def _ratio_chain(arrays: Sequence[Array], scratch: Array, out: Array) -> None:
    a, b = arrays
    np.multiply(a, a, out=out)
    np.multiply(b, b, out=scratch)
    np.add(out, scratch, out=out)
    np.sqrt(out, out=out)
    np.multiply(a, b, out=scratch)
    np.add(scratch, 1, out=scratch)
    np.divide(out, scratch, out=out)


def _gauss_chain(arrays: Sequence[Array], scratch: Array, out: Array) -> None:
    x, y = arrays
    np.multiply(x, x, out=out)
    np.multiply(y, y, out=scratch)
    np.add(out, scratch, out=out)
    np.multiply(out, -0.5, out=out)
    np.exp(out, out=out)


def _horner_chain(
    coefficients: Sequence[float], arrays: Sequence[Array], scratch: Array, out: Array
) -> None:
    (x,) = arrays
    np.multiply(x, coefficients[0], out=out)
    for coefficient in coefficients[1:-1]:
        np.add(out, coefficient, out=out)
        np.multiply(out, x, out=out)
    np.add(out, coefficients[-1], out=out)


def horner(terms: int, name: str) -> Expression:
    """Return Horner's rule for a polynomial of so many terms; no two coefficients are alike.

    >>> horner(3, "").text
    '(0.5 * x + 0.3333333333333333) * x + 0.25'
    """
    coefficients = [1 / (2 + term) for term in range(terms)]
    text = repr(coefficients[0])
    for at, coefficient in enumerate(coefficients[1:]):
        text = f"{f'({text})' if at else text} * x + {coefficient!r}"
    return Expression(text, ("x",), functools.partial(_horner_chain, coefficients), name)


AXPB = Expression("a * 2.5 + b", ("a", "b"), _axpb_chain)
POLYNOMIAL = horner(10, "degree-9 polynomial")
RATIO = Expression("sqrt(a*a + b*b) / (1 + a*b)", ("a", "b"), _ratio_chain)
GAUSS = Expression(
    "exp(-(x*x + y*y) / 2)", ("x", "y"), _gauss_chain, ulp=2.0, times_best=0.0,
    times_numpy=2.0, times_numba=4.0,
)  # fmt: skip
EXPRESSIONS = (AXPB, POLYNOMIAL, RATIO, GAUSS)
