"""What NumPy's functions do with traced values: they are written down.

`apply` and `record` run once an operation, as do the short paths `unary` and `binary`, so they are
written for speed.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from typing import Any

import numpy as np

from cpnum.errors import CpnumError, DTypeError, ShapeError, TraceError, UnsupportedError
from cpnum.ir.extents import common_shape
from cpnum.ir.nodes import Node
from cpnum.tables.dtypes import F32, F64, FLOAT, I32, I64, INT, B, DType, from_numpy, from_python
from cpnum.tables.ops import Op
from cpnum.trace.builder import Recording, Shape
from cpnum.trace.promote import Resolution, loop_dtypes, name_of, resolve
from cpnum.trace.site import is_operator, user_site
from cpnum.trace.tracer import SCALAR, Traced

# What NumPy functions are traced by; `functions` fills it.
FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}

_COMPARISONS = frozenset(
    [np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal]
)


class Operand(Traced):
    """A traced value that NumPy's functions take."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> Any:
        if method == "__call__" and len(inputs) == 1 and not keywords:
            return unary(ufunc, self)
        if method != "__call__":
            raise self.unsupported(
                f"{name_of(ufunc)}.{method} cannot be traced: "
                + ("reductions are not supported yet" if method == "reduce" else "not elementwise"),
                "its call outside of the function",
            )
        dtype = keywords.pop("dtype", None)
        out = keywords.pop("out", None)
        if out is not None:
            raise self.unsupported(
                f"the argument out of {name_of(ufunc)} cannot be traced",
                "x = f(y) instead of f(y, out=x)",
            )
        for name in keywords:
            raise self.unsupported(
                f"the argument {name} of {name_of(ufunc)} cannot be traced",
                "np.where(mask, f(x), y)" if name == "where" else f"it without {name}",
            )
        if dtype is not None:
            raise self.unsupported(
                f"the argument dtype of {name_of(ufunc)} cannot be traced",
                "x.astype(dtype) for the operands",
            )
        if ufunc in _COMPARISONS:
            # A NumPy scalar on the left side of a comparison arrives as an array without axes.
            inputs = tuple(
                each[()] if type(each) is np.ndarray and not each.ndim else each for each in inputs
            )
        result = universal(self.recording, ufunc, inputs)
        if issubclass(type(inputs[0]), np.generic) and is_operator(user_site()):
            # With a NumPy scalar on the left, NumPy's operator of scalars comes by its ufunc.
            return note_scalars(result, *inputs)
        return result

    def __array_function__(
        self, function: Callable[..., Any], types: object, args: Any, keywords: Any
    ) -> Any:
        traced = FUNCTIONS.get(function)
        if traced is None:
            name = f"{function.__module__}.{function.__name__}"
            raise self.unsupported(
                f"{name} cannot be traced" + reason(function.__name__),
                "its call outside of the function",
            )
        try:
            return traced(*args, **keywords)
        except UnknownArgumentError as error:
            raise self.unsupported(
                f"the argument {error} of numpy.{function.__name__} cannot be traced",
                f"it without {error}",
            ) from None


class UnknownArgumentError(TypeError):
    """An argument of a NumPy function that is not traced; the text is its name."""


_REDUCTIONS = frozenset(
    "sum prod mean average std var min max amin amax ptp any all argmin argmax median percentile "
    "quantile cumsum cumprod nansum nanmean nanmin nanmax nanstd nanvar dot vdot inner matmul "
    "tensordot einsum trace count_nonzero norm".split()
)


def reason(name: str) -> str:
    """Return why a function is not traced, for the end of a message."""
    return ": reductions are not supported yet" if name in _REDUCTIONS else ""


def dtype_of(recording: Recording, operand: Any) -> DType:
    """Return the dtype of an operand, a weak one for a Python scalar."""
    if isinstance(operand, Traced):
        if operand.recording is not recording:
            raise recording.error(
                TraceError,
                "values of two traces are used together",
                seen=f"{operand!r}; one of them is of an outer function or of an earlier call",
                write="both as arguments of the function, and keep none for a later call",
            )
        return operand.node.dtype
    weak = from_python(operand)
    if weak is not None:
        return weak
    if isinstance(operand, np.generic):
        try:
            return from_numpy(operand.dtype)
        except DTypeError as error:
            seen = f"the operand {operand!r}"
            raise recording.error(DTypeError, error.message, seen, error.write) from None
    if isinstance(operand, complex):
        raise recording.error(
            DTypeError,
            "no stencils for complex numbers",
            seen=f"the operand {operand!r}",
            write="real and imaginary parts as arrays of their own",
        )
    if isinstance(operand, np.ndarray):
        raise recording.error(
            UnsupportedError,
            "an array that is not an argument cannot be traced: its contents may change",
            seen=f"an array of dtype {operand.dtype} and shape {operand.shape}",
            write="it as an argument of the function",
        )
    raise recording.error(
        UnsupportedError,
        f"an operand of type {type(operand).__name__} cannot be traced",
        seen=reprlib.repr(operand),
        write="an array or a number",
    )


def node_of(recording: Recording, operand: Any, dtype: DType) -> Node:
    """Return the node of an operand converted to `dtype`."""
    if isinstance(operand, Traced):
        return recording.cast(operand.node, dtype)
    return recording.constant(operand, dtype)


_resolutions: dict[tuple[Any, ...], Resolution] = {}

# The row and result dtype of an operator whose operands need no cast, or are Python scalars.
_direct: dict[tuple[np.ufunc, DType, DType], tuple[Op, DType]] = {}

# The same for functions of one operand.
_direct_unary: dict[tuple[np.ufunc, DType], tuple[Op, DType]] = {}


def binary(ufunc: np.ufunc, first: Traced, second: Any, swapped: bool = False) -> Any:
    """Write down an operator on `first`, which is not a Python scalar, and `second`.

    It is `apply`, with a short path for what nearly all operators of a program are.
    """
    recording = first.recording
    left = first.node
    shape = first._shape
    kind = type(second)
    if kind is float or kind is int:
        direct = _direct.get((ufunc, left.dtype, FLOAT if kind is float else INT))
        if direct is not None:
            dtype = left.dtype
            # Only float32 can overflow in the conversion, which `Recording.constant` is for.
            constants = recording if dtype is F32 else recording.nodes
            right = constants.constant(second, dtype)
    elif kind is type(first) and second.recording is recording:
        right = second.node
        direct = _direct.get((ufunc, left.dtype, right.dtype))
        if direct is not None and second._shape != shape:
            shape = broadcast(recording, shape, second._shape)
    else:
        direct = None
    if direct is None:
        inputs = (second, first) if swapped else (first, second)
        result = apply(recording, ufunc, inputs)
        _note_direct(ufunc, left.dtype, dtype_of(recording, second))
        return result
    op, dtype = direct
    node = recording.nodes.apply(op, (right, left) if swapped else (left, right), dtype)
    if node not in recording.sites:
        recording.note(node, 2)
    return recording.tracer(recording, node, shape)


def unary(ufunc: np.ufunc, operand: Traced) -> Any:
    """Write down a ufunc of one operand, by a short path if that needs no cast."""
    recording = operand.recording
    direct = _direct_unary.get((ufunc, operand.node.dtype))
    if direct is None:
        return universal(recording, ufunc, (operand,))
    op, dtype = direct
    node = recording.nodes.apply(op, (operand.node,), dtype)
    if node not in recording.sites:
        recording.note(node, 2)
    return recording.tracer(recording, node, operand._shape)


def note_scalars(result: Any, *operands: Any) -> Any:
    """Return the result of an operator; between integer scalars, note that it may overflow.

    The first operand is the NumPy scalar whose operator it is: that of booleans wraps silently.
    """
    first = operands[0]
    boolean = first.node.dtype is B if isinstance(first, Traced) else isinstance(first, np.bool)
    if (
        not boolean
        and result.node.dtype.family == "I"
        and all(
            each.state == SCALAR if isinstance(each, Traced) else not isinstance(each, np.ndarray)
            for each in operands
        )
    ):
        result.recording.checked.add(result.node)
    return result


def _note_direct(ufunc: np.ufunc, left: DType, right: DType) -> None:
    resolution = resolve(ufunc, (left, right))
    # Python integers that are compared may be out of range, which is not for the short path.
    exact_comparison = resolution.op.masked and right is INT
    no_cast = resolution.operands == (left, left) and (right is left or right in (FLOAT, INT))
    if no_cast and not exact_comparison:
        _direct[ufunc, left, right] = resolution.op, resolution.dtype


def apply(recording: Recording, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Any:
    """Write down a ufunc of tracers and scalars."""
    dtypes = tuple(
        [
            each.node.dtype
            if isinstance(each, Traced) and each.recording is recording
            else dtype_of(recording, each)
            for each in inputs
        ]
    )
    resolution = _resolutions.get((ufunc, dtypes))
    if resolution is None:
        resolution = _resolutions[ufunc, dtypes] = located(recording, resolve, ufunc, dtypes)
    if resolution.op.masked and (INT in dtypes):
        always = _beyond(recording, ufunc, inputs, resolution.operands)
        if always is not None:
            return always
        if I32 in resolution.operands and any(
            type(each) is not int and dtype is INT
            for each, dtype in zip(inputs, dtypes, strict=True)
        ):
            # An integer argument is known at the call only; in 64 bits, no int32 is beyond it.
            return record(recording, resolution.op, inputs, (I64, I64), resolution.dtype)
    if dtypes == resolution.operands and len(dtypes) == 1:
        _direct_unary[ufunc, dtypes[0]] = resolution.op, resolution.dtype
    return record(recording, resolution.op, inputs, resolution.operands, resolution.dtype)


def record(
    recording: Recording, op: Op, inputs: tuple[Any, ...], dtypes: tuple[DType, ...], dtype: DType
) -> Any:
    """Write down a row of the operator table, its operands cast to `dtypes`."""
    args = []
    shape: Shape = ()
    for each, wanted in zip(inputs, dtypes, strict=True):
        if isinstance(each, Traced):
            node = each.node
            args.append(node if node.dtype is wanted else recording.cast(node, wanted))
            if each._shape != shape:
                shape = broadcast(recording, shape, each._shape) if shape else each._shape
        else:
            args.append(recording.constant(each, wanted))
    node = recording.nodes.apply(op, tuple(args), dtype)
    if node not in recording.sites:
        recording.note(node)
    return recording.tracer(recording, node, shape)


def special(op: Op, *inputs: Any) -> Any:
    """Trace a function of `cpnum.special`: float32 stays, all other dtypes become float64."""
    recording = next(each.recording for each in inputs if isinstance(each, Traced))
    narrow = all(dtype_of(recording, each) is F32 for each in inputs)
    dtype = F32 if narrow else F64
    return record(recording, op, inputs, (dtype,) * op.arity, dtype)


def broadcast(recording: Recording, shape: Shape, other: Shape) -> Shape:
    """Return the shape of an elementwise result."""
    try:
        return common_shape(shape, other)
    except ShapeError as error:
        raise recording.error(ShapeError, error.message, error.seen, error.write) from None


def _beyond(
    recording: Recording, ufunc: np.ufunc, inputs: tuple[Any, ...], dtypes: tuple[DType, ...]
) -> Any:
    """Return the one answer of a comparison with an integer that the dtype cannot hold."""
    for other, each, dtype in zip(inputs[::-1], inputs, dtypes, strict=True):
        # NumPy has no answer for booleans, which become int64 and are an OverflowError beside it.
        integers = isinstance(other, Traced) and other.node.dtype.family == "I"
        if type(each) is int and dtype.family == "I" and integers:
            limits: Any = np.iinfo(dtype.numpy.name)
            if not limits.min <= each <= limits.max:
                sample = [each if one is each else dtype.numpy.type(0) for one in inputs]
                node = recording.constant(ufunc(*sample), B, recording.like(other.node))
                return recording.tracer(recording, node, other.known_shape)
    return None


def universal(recording: Recording, ufunc: np.ufunc, inputs: tuple[Any, ...]) -> Any:
    """Trace a ufunc: a row of the operator table, or one that rows can express."""
    if ufunc is np.power and len(inputs) == 2:
        return power(recording, *inputs)
    if ufunc in (np.positive, np.conjugate) and len(inputs) == 1:
        given = (dtype_of(recording, inputs[0]),)
        dtype = located(recording, loop_dtypes, ufunc, given)[0]
        node = node_of(recording, inputs[0], dtype)
        return recording.tracer(recording, node, inputs[0].known_shape)
    return apply(recording, ufunc, inputs)


# The exponents for which NumPy's loop does not call pow(), if they are one number.
_POWERS = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal}


def power(recording: Recording, base: Any, exponent: Any, operator: bool = False) -> Any:
    """Trace a power; if NumPy computes it without pow(), with the bits of what it does instead.

    That depends on the exponent if it is a number.  One that is known at the call only, the
    argument `n` in `x**n`, is an operand of pow() whatever it is.  The operator on two scalars
    calls pow(), too; where the exponents here are less than pow(), that is correctly rounded.

    Source:  NumPy 2.4, `fast_scalar_power` in number.c and the loops in
             loops_umath_fp.dispatch.c.src; C17, F.10.4.4, for the special values of pow().
    """
    given = (dtype_of(recording, base), dtype_of(recording, exponent))
    number = None if isinstance(exponent, Traced) else exponent
    # The operator calls square, which differs for booleans: they become int8, not int64.
    square = operator and type(number) is int and number == 2
    loop, loop_of = (np.square, given[:1]) if square else (np.power, given)
    dtype = located(recording, loop_dtypes, loop, loop_of)[0]
    if number is None:
        if dtype.family == "I":
            raise recording.error(
                UnsupportedError,
                "an integer to the power of a traced integer cannot be traced",
                seen=f"{base!r} ** {exponent!r}",
                write="a number as exponent, or x.astype(float) as base",
            )
        return apply(recording, np.power, (base, exponent))
    if dtype.family == "I" and number < 0:
        raise ValueError("Integers to negative integer powers are not allowed.")
    number = dtype.numpy.type(number)
    node = node_of(recording, base, dtype) if dtype is not given[0] else base.node
    value = recording.tracer(recording, node, base.known_shape)
    if number == 0:
        node = recording.constant(1, dtype, recording.like(node))
        return recording.tracer(recording, node, base.known_shape)
    if number == 1:
        return value
    if number == 0.5 and operator and base.state == SCALAR:
        # pow() differs from sqrt: (-0.0) ** 0.5 is 0.0 and (-inf) ** 0.5 is inf.
        root: Any = np.where(value == -np.inf, np.inf, np.sqrt(value + 0.0))
        return recording.tracer(recording, root.node, root.known_shape)
    if number in _POWERS:
        return apply(recording, _POWERS[number.item()], (value,))
    if dtype.family == "I":
        return _product(recording, value, int(number))
    return apply(recording, np.power, (base, exponent))


def _product(recording: Recording, value: Any, count: int) -> Any:
    """Return value**count, count > 0, by squares: integers wrap, so that any order is exact."""
    product = None
    while True:
        if count & 1:
            product = value if product is None else apply(recording, np.multiply, (product, value))
        count >>= 1
        if not count:
            return product
        value = apply(recording, np.square, (value,))


def located(recording: Recording, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function whose errors do not know the user's line."""
    try:
        return function(*arguments)
    except CpnumError as error:
        raise recording.error(type(error), error.message, error.seen, error.write) from None
