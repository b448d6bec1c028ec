"""The key of a call: calls of one key have arguments of the same dtypes, shapes and strides.

>>> x = np.ones((3, 1))
>>> call_key(x) == call_key(x.copy()), call_key(x) == call_key(x[:2])
(True, False)
>>> call_key(1.5) == call_key(2.5), call_key(1.5) == call_key(2)
(True, False)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cpnum.trace.fixed import fixed_key


def call_key(argument: Any) -> Any:
    """Return the part of a call's key that is due to one argument, or to `out`."""
    kind = type(argument)
    if kind is np.ndarray:
        return argument.dtype, argument.shape, argument.strides
    if kind is float or kind is int or kind is bool or argument is None:
        return kind
    if issubclass(kind, np.generic):
        return argument.dtype
    return fixed_key(argument)
