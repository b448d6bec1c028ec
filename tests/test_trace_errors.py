"""What cannot be traced is an error that says what was seen and what to write."""

import linecache
import math
import re
from pathlib import Path

import goldens
import numpy as np
import pytest
from tracing import refused

from cpnum.errors import CpnumError, DTypeError, ShapeError, TraceError, UnsupportedError
from cpnum.trace.trace import trace


def overwrite_with_float(x):
    y = x * 2
    y += 0.5
    return y


def contains_itself(x):
    results = [x]
    results.append(results)
    return results


def grow(x):
    y = x * 2
    y += x[:, None]
    return y


def relu(x):
    positive = x > 0
    if positive:
        return x
    return 0 * x


def write_with_a_reshape(x):
    y = x.reshape(3, 1)
    x += 1
    return y


def write_to_windows(x):
    y = np.zeros(6)
    windows = y.reshape(2, 3)
    windows[0] = x


def write_to_elements_from_outside(x):
    y = np.zeros(3)
    y[:] = ONES
    y[0] = x[0]


ONES, INTS, BOOLS = np.ones(3), np.ones(3, "i4"), np.ones(3, "?")

# fmt: off
CASES = {
    "if_statement": (TraceError, relu, (ONES,)),
    "conditional_expression": (TraceError, lambda x: x if x > 0 else -x, (ONES,)),
    "not_operator": (TraceError, lambda x: not x, (ONES,)),
    "math_function": (TraceError, lambda x: x * math.sin(x), (ONES,)),
    "int_call": (TraceError, lambda x: int(x), (ONES,)),
    "complex_call": (TraceError, lambda x: complex(x), (ONES,)),
    "traced_range": (TraceError, lambda x, n: sum(x[i] for i in range(n)), (ONES, INTS)),
    "traced_slice": (TraceError, lambda x, n: x[:n], (ONES, INTS)),
    "in_operator": (TraceError, lambda x: 3 in x, (ONES,)),
    "conversion": (TraceError, lambda x: np.float32(x), (ONES,)),
    "result_in_a_set": (TraceError, lambda x: {x.ndim}, (ONES,)),
    "result_that_contains_itself": (TraceError, contains_itself, (ONES,)),
    "operand_of_another_trace": (TraceError, lambda x: trace(lambda y: y + x, (ONES,)), (ONES,)),
    "result_of_another_trace": (TraceError, lambda x: trace(lambda y: x, (ONES,)), (ONES,)),
    "shapes_that_do_not_broadcast": (ShapeError, lambda x, y: x + y, (ONES, np.ones((4, 4)))),
    "in_place_with_another_shape": (ShapeError, grow, (ONES,)),
    "subtract_of_booleans": (DTypeError, lambda x: x - x, (BOOLS,)),
    "negative_of_booleans": (DTypeError, lambda x: -x, (BOOLS,)),
    "positive_of_booleans": (DTypeError, lambda x: +x, (BOOLS,)),
    "sign_of_booleans": (DTypeError, lambda x: np.sign(x), (BOOLS,)),
    "shift_of_floats": (DTypeError, lambda x: x << 1, (ONES,)),
    "root_of_booleans": (DTypeError, lambda x: np.sqrt(x), (BOOLS,)),
    "constant_that_is_complex": (DTypeError, lambda x: x * 1j, (ONES,)),
    "constant_without_stencils": (DTypeError, lambda x: x + np.uint8(1), (ONES,)),
    "cast_without_stencils": (DTypeError, lambda x: x.astype("f2"), (ONES,)),
    "in_place_with_another_dtype": (DTypeError, overwrite_with_float, (INTS,)),
    "argument_that_is_a_complex_array": (DTypeError, lambda x: x, (np.ones(2, "c16"),)),
    "argument_of_bytes_in_other_order": (DTypeError, lambda x: x, (np.ones(2, ">f8"),)),
    "argument_that_is_a_complex_number": (DTypeError, lambda x: x, (2j,)),
    "argument_that_is_a_set": (UnsupportedError, lambda x: x, ({1, 2},)),
    "argument_that_is_masked": (UnsupportedError, lambda x: x, (np.ma.masked_array([1.0]),)),
    "result_from_outside": (UnsupportedError, lambda x: ONES, (ONES,)),
    "one_of_several_results_from_outside": (UnsupportedError, lambda x: [x, ONES], (ONES,)),
    "operand_from_outside": (UnsupportedError, lambda x: x + ONES, (ONES,)),
    "operand_that_is_a_list": (UnsupportedError, lambda x: x + [1], (ONES,)),  # noqa: RUF005
    "ufunc_without_a_row": (UnsupportedError, lambda x: np.bitwise_count(x), (ONES,)),
    "linear_algebra": (UnsupportedError, lambda x: np.linalg.eigvals(x), (np.eye(2),)),
    "function_by_contents": (UnsupportedError, lambda x: np.unique(x), (ONES,)),
    "method_by_contents": (UnsupportedError, lambda x: x.nonzero(), (ONES,)),
    "reduction_of_a_list": (UnsupportedError, lambda x: np.add.reduce([x, x]), (ONES,)),
    "argument_of_a_reduction": (UnsupportedError, lambda x: np.sum(x, out=ONES), (ONES,)),
    "argument_of_a_method": (UnsupportedError, lambda x: x.sum(0, out=ONES), (ONES,)),
    "elements_that_are_added_to": (UnsupportedError, lambda x: np.add.at(ONES, [0], x), (ONES,)),
    "signature_of_a_ufunc": (UnsupportedError, lambda x: np.sqrt(x, signature="f->f"), (ONES,)),
    "array_that_is_written": (UnsupportedError, lambda x: np.copyto(ONES, x), (ONES,)),
    "method_that_is_unknown": (UnsupportedError, lambda x: x.tobytes(), (ONES,)),
    "out_of_a_ufunc": (UnsupportedError, lambda x: np.add(x, x, out=ONES), (ONES,)),
    "where_of_a_ufunc": (UnsupportedError, lambda x: np.add(x, x, where=x > 0), (ONES,)),
    "out_of_clip": (UnsupportedError, lambda x: np.clip(x, 0, 1, out=ONES), (ONES,)),
    "where_with_one_argument": (UnsupportedError, lambda x: np.where(x > 0), (ONES,)),
    "index_of_booleans_in_a_list": (UnsupportedError, lambda x: x[[True, False]], (ONES,)),
    "index_of_booleans": (UnsupportedError, lambda x: x[BOOLS], (ONES,)),
    "reshape_in_fortran_order": (UnsupportedError, lambda x: x.reshape(3, 1, order="F"), (ONES,)),
    "power_of_traced_integers": (UnsupportedError, lambda x: x ** x, (INTS,)),
    "constant_to_a_traced_integer": (UnsupportedError, lambda x: 2 ** x, (INTS,)),
    "write_through_a_reshape": (UnsupportedError, lambda x: x.ravel().fill(1), (ONES,)),
    "write_with_a_reshape": (UnsupportedError, write_with_a_reshape, (ONES,)),
    "write_to_what_was_broadcast": (
        UnsupportedError, lambda x: np.broadcast_to(x, (2, 3)).fill(1), (ONES,),
    ),
    "write_to_what_a_result_shares": (
        UnsupportedError, lambda x: np.diagonal(x).fill(1), (np.eye(2),),
    ),
    "write_to_windows_of_a_made_array": (UnsupportedError, write_to_windows, (ONES,)),
    "write_to_elements_from_outside": (
        UnsupportedError, write_to_elements_from_outside, (ONES,),
    ),
    "write_of_what_a_mask_chooses": (
        ShapeError, lambda x: x.__setitem__(..., x[x > 0]), (ONES,),
    ),
    "write_by_position": (UnsupportedError, lambda x: np.cumsum(x, 0, None, x), (ONES,)),
}
# fmt: on


@pytest.mark.parametrize("name", CASES)
def test_errors_say_what_was_seen_and_what_to_write(name):
    kind, function, arguments = CASES[name]
    with pytest.raises(kind) as caught:
        trace(function, arguments)
    error = caught.value
    # The line of the user's code is checked apart: it moves when this file changes.
    text = str(CpnumError(error.message, seen=error.seen, write=error.write))
    goldens.compare_message("trace_errors.txt", name, text)
    if error.where is not None:
        file, line, source = re.fullmatch(r"(.*), line (\d+):  (.*)", error.where).groups()
        assert file == Path(__file__).name
        assert source == linecache.getline(__file__, int(line)).strip()
        first = function.__code__.co_firstlineno
        assert first <= int(line) <= first + 4


def test_every_stored_message_is_one_of_a_case():
    goldens.compare_names("trace_errors.txt", CASES)


def test_errors_of_ufuncs_and_of_the_users_function():
    assert "numpy.bitwise_count cannot" in refused(UnsupportedError, np.bitwise_count, ONES)
    assert "the argument out" in refused(UnsupportedError, np.sqrt, ONES, out=ONES)
    with pytest.raises(KeyError, match="mine"):
        trace(lambda x: {}["mine"], (ONES,))
    with pytest.raises(IndexError, match="index 5 is out of bounds for axis 0 with size 3"):
        trace(lambda x: x[5], (ONES,))
    with pytest.raises(IndexError, match="too many indices for array: array is 1-dimensional"):
        trace(lambda x: x[0, 0], (ONES,))
    with pytest.raises(ValueError, match="Integers to negative integer powers"):
        trace(lambda x: x**-1, (INTS,))
    with pytest.raises(AttributeError, match=r"'numpy\.ndarray' object has no attribute 'shap'"):
        trace(lambda x: x.shap, (ONES,))
    with pytest.raises(TypeError, match="unhashable"):
        trace(lambda x: {x: 1}, (ONES,))
