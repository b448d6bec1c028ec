"""The parameters of a call, each with the type of its argument: the signature.

>>> from cpnum.trace.arguments import arguments_of
>>> arguments = arguments_of(lambda x, n=2: x, (np.ones(3),), {"n": 5})
>>> print(*signature_of(arguments))
x: f64[:] n: int
"""

from __future__ import annotations

import functools
import reprlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from cpnum.errors import CpnumError, DTypeError, UnsupportedError
from cpnum.ir.returned import LONG
from cpnum.ir.signature import (
    ArrayOf,
    Fixed,
    Parameter,
    SameAs,
    ScalarOf,
    Signature,
    Type,
)
from cpnum.tables.dtypes import DType, from_numpy, from_python
from cpnum.trace.advice import described_argument, instead_of_argument, instead_of_dtype
from cpnum.trace.arguments import Arguments, repeats
from cpnum.trace.fixed import fixed_key


class _Text(reprlib.Repr):
    """The text of a fixed argument, which is short."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60

    def repr_int(self, x: int, level: int) -> str:
        """Return the text of an integer, without decimal digits if it is long."""
        if x.bit_length() <= LONG:
            return super().repr_int(x, level)
        text = hex(x)
        return text if len(text) <= self.maxlong else f"{text[:18]}...{text[-18:]}"


_TEXT = _Text()


def signature_of(arguments: Arguments) -> Signature:
    """Return the signature of a call; no shape is observed in it.

    Raises:  DTypeError, UnsupportedError for arguments that cannot be traced.

    >>> from cpnum.trace.arguments import arguments_of
    >>> x = np.ones((3, 1))
    >>> print(*signature_of(arguments_of(lambda x, y, n: x, (x, x, 2), {})))
    x: f64[:, 1] y: same as x n: int
    """
    if arguments.containers:
        parameters = [*_with_containers(arguments)]
    else:
        parameters = [*map(_parameter, arguments.names, arguments.values)]
    for place, first in repeats(arguments.values):
        same = SameAs(first, parameters[first].name)
        parameters[place] = Parameter(parameters[place].name, same)
    return tuple(parameters)


def _with_containers(arguments: Arguments) -> Iterator[Parameter]:
    for place, name in enumerate(arguments.names):
        of: Type | None = arguments.containers.get(place)
        if of is None:
            of = _parameter(arguments.written[place], arguments.values[place]).type
        yield Parameter(name, of)


def with_shapes(signature: Signature, values: Sequence[Any]) -> Signature:
    """Return the signature of a function that observed the shapes of its arguments.

    >>> from cpnum.trace.arguments import arguments_of
    >>> arguments = arguments_of(lambda x: x, (np.ones((3, 1)),), {})
    >>> print(*with_shapes(signature_of(arguments), arguments.values))
    x: f64[3, 1]
    """
    return tuple(
        Parameter(each.name, ArrayOf(each.type.dtype, value.shape))
        if isinstance(each.type, ArrayOf)
        else each
        for each, value in zip(signature, values, strict=True)
    )


def _parameter(name: str, value: Any) -> Parameter:
    if type(value) is np.ndarray:
        extents = tuple([1 if extent == 1 else None for extent in value.shape])
        return _parameter_of_array(name, value.dtype, extents)
    return Parameter(name, _type_of(name, value))


# Most calls have a parameter that was seen before, and it takes longer to make it.
@functools.lru_cache(maxsize=1024)
def _parameter_of_array(
    name: str, dtype: np.dtype[Any], extents: tuple[int | None, ...]
) -> Parameter:
    return Parameter(name, ArrayOf(_from_numpy(name, dtype), extents))


def _type_of(name: str, value: Any) -> Type:
    """Return the type of an argument that is no plain array."""
    weak = from_python(value)
    if weak is not None:
        return ScalarOf(weak)
    # An object of a class that is derived from NumPy's has operators and attributes of its own.
    if isinstance(value, np.generic) and value.dtype.type is type(value):
        return ScalarOf(_from_numpy(name, value.dtype))
    if isinstance(value, np.ndarray):
        raise _refused(name, value)
    if isinstance(value, complex):
        raise DTypeError(
            "no stencils for complex numbers",
            seen=f"{name} is {value!r}",
            write="real and imaginary parts as arguments of their own",
        )
    try:
        hash(value)
    except (TypeError, ValueError) as error:
        if isinstance(error, CpnumError):
            raise  # the value of an earlier trace, which has no other use either
        raise _refused(name, value) from None
    return Fixed(fixed_key(value), _TEXT.repr(value))


def _refused(name: str, value: object) -> UnsupportedError:
    return UnsupportedError(
        f"arguments of type {type(value).__name__} cannot be traced",
        seen=described_argument(name, value),
        write=instead_of_argument(name, value),
    )


def _from_numpy(name: str, dtype: np.dtype[Any]) -> DType:
    try:
        return from_numpy(dtype)
    except DTypeError as error:
        raise DTypeError(
            error.message,
            seen=f"the argument {name} of {dtype!r}",
            write=instead_of_dtype(name, dtype) or error.write,
        ) from None
