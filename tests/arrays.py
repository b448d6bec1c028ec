"""Arrays as they lie in memory, and functions that count their traces."""

import numpy as np
from cases import LAYOUTS, values

from cpnum import cpjit
from cpnum.tables.dtypes import F64


def array(shape, dtype=F64, seed=0):
    return values(dtype, int(np.prod(shape)), seed).reshape(shape)


def in_memory(x):
    """Return how a result lies in memory: the strides of a copy of it, where there are any."""
    strides = x.copy(order="K").strides
    return [stride for extent, stride in zip(x.shape, strides, strict=True) if extent > 1]


def count_traces(function, **options):
    """Return a compiled function and the list of its traces: it runs only to be traced."""
    traces = []

    def counted(*arguments):
        traces.append(arguments)
        return function(*arguments)

    return cpjit(counted, **options), traces


# fmt: off
VIEWS = {
    "C order": lambda x: x,
    "Fortran order": np.asfortranarray,
    "transposed": lambda x: np.ascontiguousarray(x.T).T,
    "every second": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "every second row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "reversed": lambda x: x[..., ::-1].copy()[..., ::-1],
    "reversed rows": lambda x: x[::-1].copy()[::-1],
    "wholly reversed": lambda x: np.flip(np.flip(x).copy()),
    "inner axes exchanged": lambda x: np.swapaxes(np.swapaxes(x, 0, -1).copy(), 0, -1),
    "padded": lambda x: np.pad(x, [(1, 2)] * x.ndim)[(slice(1, -2),) * x.ndim],
    "misaligned": lambda x: LAYOUTS["misaligned"](x.ravel()).reshape(x.shape),
    "one row": lambda x: np.broadcast_to(x[:1].copy(), x.shape),
    "one column": lambda x: np.broadcast_to(x[..., :1].copy(), x.shape),
    "one element": lambda x: np.broadcast_to(x[(0,) * x.ndim].copy(), x.shape),
}
# fmt: on
