"""The element types: NumPy dtype, C type, bytes.

A value in a kernel has one of the `DTYPES`.  A Python scalar has a *weak* type: in `x * 2` the 2
takes the dtype of x (NEP 50), so no value in a kernel has a weak type.

>>> F32
f32
>>> from_numpy(np.dtype("int64"))
i64
>>> from_python(2.5)
float
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cpnum.errors import DTypeError

Family = Literal["F", "I", "B"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DType:
    """An element type; `weak` ones belong to Python scalars.

    `family` is F (floating), I (integer) or B (boolean); `itemsize` is in bytes; `c` is the C type
    of an element in memory.
    """

    name: str
    numpy: np.dtype[np.generic]
    family: Family
    itemsize: int
    c: str = ""
    weak: bool = False

    @property
    def scalar(self) -> type:
        """The class of its scalars: NumPy's, or Python's for a weak one."""
        return _PYTHON[self] if self.weak else self.numpy.type

    def __repr__(self) -> str:
        return self.name


# fmt: off
#             name     NumPy                family  bytes  C
F64 =   DType("f64",   np.dtype("float64"), "F",    8,     "double")
F32 =   DType("f32",   np.dtype("float32"), "F",    4,     "float")
I64 =   DType("i64",   np.dtype("int64"),   "I",    8,     "long")
I32 =   DType("i32",   np.dtype("int32"),   "I",    4,     "int")
B =     DType("b",     np.dtype("bool"),    "B",    1,     "unsigned char")

FLOAT = DType("float", np.dtype("float64"), "F",    8,     weak=True)
INT =   DType("int",   np.dtype("int64"),   "I",    8,     weak=True)
BOOL =  DType("bool",  np.dtype("bool"),    "B",    1,     weak=True)
# fmt: on

DTYPES = (F64, F32, I64, I32, B)

_BY_NUMPY = {dtype.numpy: dtype for dtype in DTYPES}
_BY_PYTHON: dict[type, DType] = {float: FLOAT, int: INT, bool: BOOL}
_PYTHON = {dtype: python for python, dtype in _BY_PYTHON.items()}


def from_numpy(dtype: np.dtype[np.generic]) -> DType:
    """Return the element type of a NumPy dtype.

    Raises:  DTypeError if there are no stencils for it.

    >>> from_numpy(np.dtype("f4"))
    f32
    """
    try:
        return _BY_NUMPY[dtype]
    except KeyError:
        supported = ", ".join(str(each.numpy) for each in DTYPES)
        raise DTypeError(
            f"no stencils for dtype {dtype}",
            seen=repr(dtype),
            write=f"one of the dtypes {supported}",
        ) from None


def from_python(scalar: object) -> DType | None:
    """Return the weak type of a Python scalar, None for anything else.

    >>> from_python(True), from_python(np.float64(1))
    (bool, None)
    """
    return _BY_PYTHON.get(type(scalar))
