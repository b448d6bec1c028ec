"""Ufuncs on traced values: an operation becomes nodes, which the tracers wrap.

Each function here takes operands (traced values, Python numbers and NumPy scalars) and returns the
node and the shape of the result.  From the most general to the most special:

- `trace_ufunc` takes any ufunc; `trace_pair` and `trace_single` are its short paths for two
  operands and for one, and `trace_power` is its part for powers;
- `apply_promoted` takes a ufunc that has a row in the operator table, and promotes the operands;
- `apply_row` takes a row of the table and the dtypes that its operands are cast to;
- `apply_python` takes a function of Python scalars, which Python computes at each call.

>>> builder = Builder()
>>> x = Traced(builder, builder.argument("x", F32, (3,)), (3,))
>>> trace_ufunc(builder, np.hypot, (x, 2.0))
(<hypot of 2: f32>, (3,))
"""

from __future__ import annotations

import operator
import reprlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cpnum.errors import CpnumError, DTypeError, ShapeError, TraceError, UnsupportedError
from cpnum.ir.extents import common_shape
from cpnum.ir.nodes import Node, Scalar, converted_integer
from cpnum.ir.questions import VALUE
from cpnum.ir.reference import BETWEEN_SCALARS
from cpnum.ir.sites import user_site
from cpnum.tables.dtypes import BOOL, F32, FLOAT, I32, I64, INT, B, DType, from_numpy, from_python
from cpnum.tables.ops import OPS, Op
from cpnum.trace.advice import (
    instead_of_number,
    instead_of_operand,
    instead_of_outside,
    name_of_object,
)
from cpnum.trace.builder import OVERFLOWS_F32, Builder, Shape, Traced, type_of
from cpnum.trace.looking import NO_NUMBER, look
from cpnum.trace.made import adopted, is_array
from cpnum.trace.promote import PROMOTIONS, computed_by_scalars, loop_dtypes, promote, row_of

# A node and its shape.
Result = tuple[Node, Shape]

_WHERE, _CLIP = OPS["where"], OPS["clip"]


# -- operands -----------------------------------------------------------------------------------


def dtype_of(builder: Builder, operand: object) -> DType:
    """Return the dtype of an operand, a weak one for a Python scalar.

    Raises:  TraceError, DTypeError or UnsupportedError for an object that is no operand.
    """
    if isinstance(operand, Traced):
        if operand.builder is not builder:
            raise builder.error(
                TraceError,
                "values of two traces are used together",
                seen=f"{type_of(operand)}; one of them is of an outer function",
                write="both as arguments of the function",
            )
        return operand.node.dtype
    weak = from_python(operand)
    if weak is not None:
        return weak
    if isinstance(operand, np.generic):
        try:
            return from_numpy(operand.dtype)
        except DTypeError as error:
            seen, write = f"the operand {operand!r}", instead_of_number(operand)
            raise builder.error(DTypeError, error.message, seen, write) from None
    if isinstance(operand, complex):
        raise builder.error(
            DTypeError,
            "no stencils for complex numbers",
            seen=f"the operand {operand!r}",
            write="real and imaginary parts as arrays of their own",
        )
    if isinstance(operand, np.ndarray):
        raise _from_outside(builder, operand)
    raise builder.error(
        UnsupportedError,
        f"an operand of type {type(operand).__name__} cannot be traced",
        seen=reprlib.repr(operand),
        write=instead_of_operand(operand),
    )


def _from_outside(builder: Builder, array: Any) -> CpnumError:
    """Return the error of an array that is no argument."""
    seen = f"an array of dtype {array.dtype} and shape {array.shape}"
    try:
        from_numpy(array.dtype)
    except DTypeError as error:
        return builder.error(DTypeError, error.message, seen, instead_of_outside(array))
    name = name_of_object(array)
    write = f"{name or 'it'} as an argument of the function"
    if name is None and builder.watched:
        write += ", or np.array(w) for each small array w from outside that it is computed of"
    return builder.error(
        UnsupportedError,
        "an array that is not an argument cannot be traced: its contents may change until the "
        "next call",
        seen=seen if name is None else f"{name}, {seen}",
        write=write,
    )


def node_of(builder: Builder, operand: object, dtype: DType) -> Node:
    """Return the node of an operand converted to `dtype`."""
    if isinstance(operand, Traced):
        return builder.cast(operand.node, dtype)
    return builder.constant(operand, dtype)


def shape_of(operand: object) -> Shape:
    """Return the shape of an operand; numbers have no axes."""
    return operand.known_shape if isinstance(operand, Traced) else ()


def broadcast(builder: Builder, shape: Shape, other: Shape) -> Shape:
    """Return the shape that two shapes broadcast to."""
    try:
        return common_shape(shape, other)
    except ShapeError as error:
        raise builder.error(ShapeError, error.message, error.seen, error.write) from None


# -- operations ---------------------------------------------------------------------------------


def trace_ufunc(builder: Builder, ufunc: np.ufunc, operands: Sequence[object]) -> Result:
    """Trace any ufunc: one that has a row in the operator table, or one that rows express.

    np.positive has no row: its result is the operand itself.
    """
    if ufunc is np.power and len(operands) == 2:
        base, exponent = operands
        return trace_power(builder, base, exponent)
    if ufunc in (np.positive, np.conjugate) and len(operands) == 1:
        (operand,) = operands
        dtypes = builder.attempt(loop_dtypes, ufunc, (dtype_of(builder, operand),))
        return node_of(builder, operand, dtypes[0]), shape_of(operand)
    if ufunc is np.ldexp and len(operands) == 2:
        operands = _with_short_exponent(builder, *operands)
    return apply_promoted(builder, ufunc, operands)


def trace_pair(
    builder: Builder, ufunc: np.ufunc, first: Traced, second: Any, swapped: bool = False
) -> Result:
    """Trace ufunc(first, second), or ufunc(second, first) if `swapped`.

    It has the outcome of `trace_ufunc`, by a short path if no operand needs a cast, as in nearly
    all operations of a program.  `first` is an array or a NumPy scalar.
    """
    left = first.node
    dtype = left.dtype
    kind = type(second)
    if kind is float or kind is int:
        weak = FLOAT if kind is float else INT
        promotion = PROMOTIONS.get((ufunc, weak, dtype) if swapped else (ufunc, dtype, weak))
    elif kind is type(first) and second.builder is builder:
        promotion = PROMOTIONS.get((ufunc, dtype, second.node.dtype))
    else:
        promotion = None
    if promotion is None or not promotion.direct:
        if is_array(second):
            second = adopted(builder, second)
        return trace_ufunc(builder, ufunc, (second, first) if swapped else (first, second))
    shape = first.known_shape
    if kind is type(first):
        right = second.node
        if second.known_shape != shape:
            shape = broadcast(builder, shape, second.known_shape)
    else:
        # An integer may be out of bounds, and a float overflows in float32 only.
        plain = kind is float and dtype is not F32
        right = (builder.nodes if plain else builder).constant(second, dtype)
    args = (right, left) if swapped else (left, right)
    node = builder.nodes.apply(promotion.op, args, promotion.dtype)
    builder.note(node, 2)
    return node, shape


def trace_single(builder: Builder, ufunc: np.ufunc, operand: Traced) -> Result:
    """Trace ufunc(operand), by a short path if the operand needs no cast."""
    promotion = PROMOTIONS.get((ufunc, operand.node.dtype))
    if promotion is None or not promotion.direct:
        return trace_ufunc(builder, ufunc, (operand,))
    node = builder.nodes.apply(promotion.op, (operand.node,), promotion.dtype)
    builder.note(node, 2)
    return node, operand.known_shape


def apply_promoted(builder: Builder, ufunc: np.ufunc, operands: Sequence[object]) -> Result:
    """Write down a ufunc that has a row, on operands that are cast as NumPy promotes them."""
    dtypes = tuple(
        [
            each.node.dtype
            if isinstance(each, Traced) and each.builder is builder
            else dtype_of(builder, each)
            for each in operands
        ]
    )
    promotion = PROMOTIONS.get((ufunc, *dtypes))
    if promotion is None:
        number = _of_numbers(builder, ufunc, operands)
        if number is not None:
            return number
        promotion = builder.attempt(promote, ufunc, dtypes)
    wanted = promotion.operands
    if promotion.op.masked and INT in dtypes:
        always = _beyond(builder, ufunc, operands, wanted)
        if always is not None:
            return always
        if I32 in wanted and any(
            type(each) is not int and dtype is INT
            for each, dtype in zip(operands, dtypes, strict=True)
        ):
            # An integer argument is known at the call only; in 64 bits, no int32 is beyond it.
            wanted = (I64, I64)
    result = apply_row(builder, promotion.op, operands, wanted, promotion.dtype)
    if promotion.written is not None:
        builder.as_written.setdefault(result[0], promotion.written)
    return result


def apply_row(
    builder: Builder, op: Op, operands: Sequence[object], dtypes: Sequence[DType], dtype: DType
) -> Result:
    """Write down a row of the operator table, whose operands are cast to `dtypes`."""
    args = []
    shape: Shape = ()
    for each, wanted in zip(operands, dtypes, strict=True):
        if isinstance(each, Traced):
            node = each.node
            args.append(node if node.dtype is wanted else builder.cast(node, wanted))
            if each.known_shape != shape:
                own = each.known_shape
                shape = broadcast(builder, shape, own) if shape else own
        else:
            args.append(builder.constant(each, wanted))
    result = builder.nodes.apply(op, tuple(args), dtype)
    builder.note(result)
    return result, shape


def _with_short_exponent(builder: Builder, number: Any, exponent: Any) -> tuple[Any, Any]:
    """Return the operands of np.ldexp with an exponent of 32 bits, as C takes it.

    NumPy takes the nearest int32 for an int64.

    Source:  NumPy 2.4, @TYPE@_ldexp_long in loops.c.src.
    """
    given = (dtype_of(builder, number), dtype_of(builder, exponent))
    dtype, wide, _ = builder.attempt(loop_dtypes, np.ldexp, given)
    if wide is not I64:
        return number, exponent
    limits: Any = np.iinfo(np.int32)
    bounded = exponent, limits.min, limits.max
    node, shape = apply_row(builder, _CLIP, bounded, (I64, I64, I64), I64)
    number = Traced(builder, node_of(builder, number, dtype), shape_of(number))
    return number, Traced(builder, builder.cast(node, I32), shape)


def assigned(value: Any, dtype: DType) -> Any:
    """Return a number in a dtype as NumPy assigns it; it may wrap where an operand would not.

    Raises:  RangeError for a Python integer that no number of the dtype stands for.
    """
    try:
        return np.full((), value, dtype.numpy)[()]
    except OverflowError:
        return converted_integer(value, dtype)


def number_assigned(builder: Builder, value: Any, dtype: DType) -> Node:
    """Return a number that is assigned; NumPy refuses other ones than it does for operands."""
    if isinstance(value, np.generic):
        return builder.cast(builder.constant(value, dtype_of(builder, value)), dtype)
    if dtype is F32 and isinstance(value, int | float):
        return builder.constant(value, dtype)  # it may be reported at each call
    item = np.zeros((), dtype.numpy)
    try:
        item[()] = value
    except OverflowError:
        if type(value) is int:
            builder.attempt(converted_integer, value, dtype)
        raise
    return builder.constant(item[()], dtype)


def apply_where(builder: Builder, condition: object, x: object, y: object, dtype: DType) -> Result:
    """Write down `where` of two operands that are cast to a dtype."""
    return apply_row(builder, _WHERE, (condition, x, y), (B, dtype, dtype), dtype)


def _of_numbers(builder: Builder, ufunc: np.ufunc, operands: Sequence[object]) -> Result | None:
    """Return what NumPy computes of numbers to look at, by a ufunc that has no row."""
    if row_of(ufunc) is not None or ufunc.nout != 1:
        return None
    values = [look(each, VALUE) if isinstance(each, Traced) else each for each in operands]
    if any(each is NO_NUMBER for each in values):
        return None
    with np.errstate(all="ignore"):
        result = ufunc(*values)
    return builder.constant(result, builder.attempt(from_numpy, result.dtype)), ()


def _beyond(
    builder: Builder, ufunc: np.ufunc, operands: Sequence[object], dtypes: Sequence[DType]
) -> Result | None:
    """Return the one answer of a comparison with an integer that the dtype cannot hold.

    An int32 is less than 2**40, whatever its value.
    """
    for other, each, dtype in zip(operands[::-1], operands, dtypes, strict=True):
        # NumPy has no answer for booleans: it converts both to int64, which raises OverflowError.
        if type(each) is int and dtype.family == "I" and isinstance(other, Traced):
            if other.node.dtype.family != "I":
                continue
            limits: Any = np.iinfo(dtype.numpy.name)
            if not limits.min <= each <= limits.max:
                sample = [each if one is each else dtype.numpy.type(0) for one in operands]
                node = builder.constant(ufunc(*sample), B, builder.like(other.node))
                return node, other.known_shape
    return None


# -- powers -------------------------------------------------------------------------------------

# The exponents for which NumPy's loop does not call pow(), if the exponent is one number.
_POWERS = {2: np.square, 0.5: np.sqrt, -1: np.reciprocal}

# A function of a base and an exponent: np.power, or an operator.
Power = Callable[[Any, Any], Any]


def trace_power(
    builder: Builder,
    base: object,
    exponent: Any,
    is_scalar: bool = False,
    is_operator: bool = False,
) -> Result:
    """Trace a power: x**2 is square(x), and has its bits, because NumPy computes it so.

    NumPy looks at an exponent that is one number.  The argument `n` in `x**n` is known at the call
    only, so it is an operand of pow() whatever its value.  `is_scalar`: the base is a NumPy scalar
    whose operator it is, and calls pow() for the exponent 0.5.  `is_operator`: the user wrote `**`,
    not np.power.

    Source:  NumPy 2.4, `fast_scalar_power` in number.c and the loops in
             loops_umath_fp.dispatch.c.src; C17, F.10.4.4, for the special values of pow().
    """
    given = (dtype_of(builder, base), dtype_of(builder, exponent))
    # The operator calls square, which differs for booleans: they become int8, not int64.
    square = is_operator and type(exponent) is int and exponent == 2
    loop, loop_of = (np.square, given[:1]) if square else (np.power, given)
    dtype = builder.attempt(loop_dtypes, loop, loop_of)[0]
    if isinstance(exponent, Traced):
        if dtype.family == "I":
            return _power_of_integers(builder, base, exponent, is_scalar, is_operator)
        node, shape = apply_promoted(builder, np.power, (base, exponent))
        if is_operator and not is_scalar and given[0] is dtype and given[1].weak:
            kind = given[1].scalar
            # At each call, NumPy looks at the number, and then calls np.square, for example.
            builder.as_written.setdefault(node, lambda x, number: x ** kind(number))
        return node, shape
    assert isinstance(base, Traced)
    written: Power | None = None
    if is_scalar and computed_by_scalars(dtype, given):
        written = BETWEEN_SCALARS[OPS["power"]]
    elif is_scalar or not square:
        written = operator.pow if is_operator and given[0] is dtype else np.power
    return _power_of_number(builder, base, exponent, dtype, is_scalar, written)


def _power_of_number(
    builder: Builder,
    base: Traced,
    exponent: Any,
    dtype: DType,
    is_scalar: bool,
    written: Power | None,
) -> Result:
    """Trace a power, computed in `dtype`, whose exponent is one number.

    NumPy computes it by the function `written`, and reports errors under the name of that; None is
    the function of the node.
    """
    if dtype.family == "I" and exponent < 0:
        raise ValueError("Integers to negative integer powers are not allowed.")
    shape = base.known_shape
    value = Traced(builder, builder.cast(base.node, dtype), shape)
    if dtype is F32 and from_python(exponent) is not None and abs(exponent) >= OVERFLOWS_F32:
        number: Any = np.float32(np.inf)  # each call reports the overflow
    else:
        number = dtype.numpy.type(exponent)
    if number == 0:
        return builder.constant(1, dtype, builder.like(value.node)), shape
    if number == 1:
        return value.node, shape
    if number == 0.5 and is_scalar:
        assert written is not None
        return _root_by_pow(builder, value, written)
    if number in _POWERS:
        node, _ = apply_promoted(builder, _POWERS[number.item()], (value,))
        if written is not None:
            # The operator of arrays looks at the type of the exponent, too.
            given = exponent if written is operator.pow else number
            builder.as_written.setdefault(node, lambda x: written(x, given))
        return node, shape
    if dtype.family == "I":
        return _product(builder, value, int(number))
    node, _ = apply_promoted(builder, np.power, (base, exponent))
    if is_scalar and written is not None:
        builder.as_written.setdefault(node, written)
    return node, shape


def _power_of_integers(
    builder: Builder, base: Any, exponent: Traced, is_scalar: bool, is_operator: bool
) -> Result:
    """Return an integer to the power of a traced one, which has to be a number to look at."""
    number = look(exponent, VALUE)
    if number is NO_NUMBER:
        seen = [type_of(each) if isinstance(each, Traced) else each for each in (base, exponent)]
        raise builder.error(
            UnsupportedError,
            "an integer to the power of a traced integer cannot be traced",
            seen=f"{seen[0]} ** {seen[1]}",
            write="a number as exponent, or x.astype(float) as base",
        )
    if isinstance(base, Traced):
        return trace_power(builder, base, number, is_scalar, is_operator)
    result = base**number if is_operator else np.power(base, number)
    return builder.constant(result, builder.attempt(from_numpy, result.dtype)), ()


def _root_by_pow(builder: Builder, value: Traced, written: Power) -> Result:
    """Return pow(value, 0.5), where (-0.0)**0.5 is 0.0 and (-inf)**0.5 is inf, unlike sqrt."""
    shape = value.known_shape
    dtype = value.node.dtype

    def apply(ufunc: np.ufunc, *operands: object) -> Traced:
        return Traced(builder, *apply_promoted(builder, ufunc, operands))

    infinite = apply(np.equal, value, -np.inf)
    root = apply(np.sqrt, apply(np.add, value, 0.0))
    half = dtype.numpy.type(0.5)
    builder.as_written.setdefault(root.node, lambda x: written(x, half))
    node, _ = apply_where(builder, infinite, np.inf, root, dtype)
    return node, shape


def _product(builder: Builder, value: Traced, count: int) -> Result:
    """Return value**count, count > 0, by squares: integers wrap, so that any order is exact."""
    product: Traced | None = None
    while True:
        if count & 1:
            product = (
                value
                if product is None
                else Traced(builder, *apply_promoted(builder, np.multiply, (product, value)))
            )
        count >>= 1
        if not count:
            assert product is not None
            return product.node, product.known_shape
        value = Traced(builder, *apply_promoted(builder, np.square, (value,)))


# -- Python scalars -----------------------------------------------------------------------------

_SAMPLES: dict[DType, Scalar] = {FLOAT: 1.0, INT: 1, BOOL: True}


def _is_negative(builder: Builder, number: Any) -> bool:
    if isinstance(number, Traced):
        node = apply_python(builder, operator.lt, number, 0)
        number = Traced(builder, node, ())
        return bool(look(number, VALUE))
    return bool(number < 0)


def apply_python(builder: Builder, function: Callable[..., Any], *operands: object) -> Node:
    """Write down arithmetic between Python scalars, which Python computes at each call."""
    dtypes = [dtype_of(builder, each) for each in operands]
    samples = [_SAMPLES[dtype] for dtype in dtypes]
    if function is operator.pow and dtypes[0] is not FLOAT and dtypes[1] is not FLOAT:
        # The sign of the exponent says whether Python's result is an integer.
        samples[1] = -1 if _is_negative(builder, operands[1]) else 1
    # Python says which type the result has, or that there is no such operation.
    dtype = from_python(function(*samples))
    assert dtype is not None
    args = [
        each.node if isinstance(each, Traced) else builder.nodes.constant(each, of)
        for each, of in zip(operands, dtypes, strict=True)
    ]
    node = builder.nodes.host(function, tuple(args), dtype)
    if node not in builder.sites:
        builder.sites[node] = user_site()  # Python's arithmetic knows no np.errstate
    return node
