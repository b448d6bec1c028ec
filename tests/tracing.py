"""What the tests of the tracer share: special values, and the comparison with NumPy."""

import warnings

import numpy as np
import pytest
from cases import assert_same, special

from cpnum import cpjit
from cpnum.ir.evaluate import evaluate
from cpnum.ir.simplify import simplify
from cpnum.tables.dtypes import from_numpy
from cpnum.trace.arguments import arguments_of
from cpnum.trace.trace import trace

DTYPES = ("f8", "f4", "i8", "i4", "?")


def sample(dtype, shape=(72,)):
    """Return special values: by default all of them, for each dtype as many."""
    return np.resize(special(from_numpy(np.dtype(dtype))), shape)


def check(function, *arguments, **keywords):
    """Compare the graph's value, before and after simplify, with the function's on NumPy."""
    copies = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    graph = trace(function, arguments, keywords)
    values = arguments_of(function, arguments, keywords).values
    with np.errstate(all="ignore"):
        expected = function(*copies, **keywords)
        actual = evaluate(graph, values)
        assert_same(expected, actual)
        assert_same(expected, evaluate(simplify(graph), values))
    for before, after in zip(copies, arguments, strict=True):
        if isinstance(before, np.ndarray):
            assert before.tobytes() == after.tobytes()
    with np.errstate(all="ignore"):
        expected = function(*arguments, **keywords)  # whose views depend on the layout
    for each in arguments:
        if isinstance(each, np.ndarray):
            assert np.shares_memory(actual, each) == np.shares_memory(expected, each)
            assert (actual is each) == (expected is each)
    return graph


def refused(kind, function, *arguments, **keywords):
    with pytest.raises(kind) as caught:
        trace(function, arguments, keywords)
    return str(caught.value)


ERRORS = (ValueError, IndexError, TypeError, AttributeError)


def both(function, *arguments):
    """Compare results, their classes and the warnings; the function may raise the same error."""
    seen = []
    for call in (function, cpjit(function)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                result = call(*arguments)
            except ERRORS as error:
                result = error
        # NumPy 2.5 says of np.fix that it is deprecated.
        told = {str(each.message) for each in caught if each.category is not DeprecationWarning}
        seen.append((result, told))
    (expected, their_warnings), (actual, our_warnings) = seen
    if isinstance(expected, Exception):
        kinds = tuple(each for each in ERRORS if isinstance(expected, each))
        assert isinstance(actual, kinds), (expected, actual)
        return
    assert_same(expected, actual)
    assert their_warnings == our_warnings
