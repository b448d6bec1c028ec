"""Random expressions over random layouts, compiled for each level, give NumPy's bits.

`python tests/test_fuzz.py --seconds N` goes on with examples of its own until the time is over.
"""

import argparse
import gc
import os
import sys
import time

import numpy as np
import pytest
from cases import HERE, assert_same, function_of
from expressions import ELEMENTARY, ELEMENTARY_TABLE, TABLE, Several, filled, places, programs
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from cpnum import cpjit

# Numbers of examples as `make test` runs them; derandomized, so that two runs are the same.
COMMON = settings(
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)
pytestmark = pytest.mark.skipif(not HERE, reason="no stencil pack fits this processor")


def memory_of(array):
    """Return all bytes of the memory that an array is a view of."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def saved(arguments):
    return [memory_of(each).copy() if isinstance(each, np.ndarray) else each for each in arguments]


def check_called(program, jitted):
    """The result has the dtype, shape, bits and kind of NumPy's, and no argument is written to."""
    before = saved(program.arguments)
    with np.errstate(all="ignore"):
        actual = jitted(*program.arguments)
    assert_same(program.expected, actual)
    for old, each in zip(before, program.arguments, strict=True):
        if isinstance(each, np.ndarray):
            assert old.tobytes() == memory_of(each).tobytes()
    return actual


def reported(call):
    """Return the kinds of floating-point errors that a call reports."""
    kinds = set()
    with np.errstate(all="call", under="ignore", call=lambda kind, flag: kinds.add(kind)):
        call()
    return kinds


def check_errors(program, jitted):
    """The floating-point errors are those that NumPy reports."""
    expected = reported(lambda: program.run(program.arguments))
    actual = reported(lambda: jitted(*program.arguments))
    # What is computed and then cut off is not computed by a kernel, and has no errors.
    assert actual <= expected if program.cuts else actual == expected, (expected, actual)


def check_again(program, jitted, instead, chance):
    """The kernel that was compiled serves other contents."""
    for each in program.arguments:
        if isinstance(each, np.ndarray):
            filled(each, chance)
    with np.errstate(all="ignore"):
        assert_same(program.run(program.arguments, instead), jitted(*program.arguments))


def check_out(program, jitted, expected, out):
    """`out` gets NumPy's values, and nothing around it is written to."""
    with np.errstate(all="ignore"):
        wanted = np.broadcast_to(np.asarray(expected), out.shape).astype(out.dtype)
        before = memory_of(out).copy()
        assert jitted(*program.arguments, out=out) is out
    assert_same(wanted, out)
    if not out.size:
        assert before.tobytes() == memory_of(out).tobytes()
        return
    # With the values taken out, what is left is what was there.
    after = memory_of(out).copy()
    place = np.ndarray(out.shape, out.dtype, after, _offset(out), out.strides)
    place[...] = 0
    place = np.ndarray(out.shape, out.dtype, before, _offset(out), out.strides)
    place[...] = 0
    assert before.tobytes() == after.tobytes()


def _offset(array):
    return array.__array_interface__["data"][0] - memory_of(array).__array_interface__["data"][0]


def outs(program, choice):
    """Return an `out` for the result: an array of its own, or one that overlaps an argument."""
    expected = np.asarray(program.expected)
    dtypes = [
        d for d in ("f8", "f4", "i8", "i4", "?") if np.can_cast(expected.dtype, d, "same_kind")
    ]
    dtype = np.dtype(dtypes[choice % len(dtypes)])
    if choice % 3:
        for argument, parent in zip(program.arguments, program.parents, strict=True):
            if (
                parent is not None
                and argument.shape == expected.shape
                and np.can_cast(expected.dtype, argument.dtype, "same_kind")
                and 0 not in argument.strides
            ):
                views = (argument, argument[::-1], parent[..., :-1])
                return views[choice % 3]
    shape = (2, *expected.shape) if choice % 5 == 4 else expected.shape
    memory = np.full(np.prod(shape, dtype=int) * dtype.itemsize + 24, 0x5A, np.uint8)
    array = np.ndarray(shape, dtype, memory, 8 + (choice % 7 == 6))
    if choice % 4 == 1 and len(shape) > 1:
        array = np.ndarray(shape[::-1], dtype, memory, 8).T
    return array[::-1] if choice % 4 == 2 and shape else array


def check(program, choice, instead=()):
    """Compare a program with NumPy: called, called again, into `out`, bound; on each level."""
    expected = program.expected
    for level in HERE:
        jitted = cpjit(program.function, isa=level)
        check_called(program, jitted)
        if choice & 8:
            out = outs(program, choice >> 4)
            contents = saved(program.arguments)
            check_out(program, jitted, expected, out)
            for each, old in zip(program.arguments, contents, strict=True):
                if isinstance(each, np.ndarray):
                    memory_of(each)[...] = old
        if choice & 2 and np.size(expected) and not instead:
            check_errors(program, jitted)
        if choice & 4 and np.size(expected):
            with np.errstate(all="ignore"):
                # What is bound has an array for its result, without axes if need be, unless the
                # result is known while tracing.
                actual = jitted.bind(*program.arguments)()
                known = not isinstance(actual, np.ndarray)
                assert_same(expected if known else np.asarray(expected), actual)
    if choice & 3 == 3:
        check_again(program, jitted, instead, np.random.default_rng(choice))


# On the Pythons after the first one, `make test` asks for less.
SHORT = os.environ.get("CPNUM_TEST") == "short"
EXACT_EXAMPLES, ELEMENTARY_EXAMPLES = (300, 100) if SHORT else (1500, 600)


@settings(COMMON, max_examples=EXACT_EXAMPLES)
@given(programs(), st.integers(0, 1023))
def test_random_expressions_have_numpys_bits(program, choice):
    check(program, choice)


def leaves(results):
    first, inner = results
    return [first, inner["second"], *inner["others"]]


def tree(values):
    return values[0], {"second": values[1], "others": values[2:]}


def sharing(results, arguments):
    """Which results are one object or share memory with others and with arguments."""
    values = [*leaves(results), *arguments]
    arrays = [each if isinstance(each, np.ndarray) else np.empty(0) for each in values]
    return [
        (one is other and isinstance(one, np.ndarray), np.shares_memory(one, other))
        for at, one in enumerate(arrays)
        for other in arrays[:at]
    ]


def check_several(several, choice):
    """Compare all results with NumPy's: values, containers, memory, errors, `out`, bound calls."""
    arguments = several.program.arguments
    with np.errstate(all="ignore"):
        expected = several.function(*arguments)
    given = leaves(expected)
    for level in HERE:
        jitted = cpjit(several.function, isa=level)
        with np.errstate(all="ignore"):
            for _ in range(2):
                actual = jitted(*arguments)
                assert_same(expected, actual)
                assert sharing(actual, arguments) == sharing(expected, arguments)
            held = several.packed()
            assert_same(expected, cpjit(several.of_containers, isa=level)(held))
            if all(map(np.size, given)):
                bound = leaves(jitted.bind(*arguments)())
                for one, other in zip(given, bound, strict=True):
                    assert_same(np.asarray(one), np.asarray(other))
            outs = [
                np.zeros_like(each, order="FC"[choice >> at & 1])
                if isinstance(each, np.ndarray) and choice >> at & 4
                else None
                for at, each in enumerate(given)
            ]
            filled = leaves(jitted(*arguments, out=tree(outs)))
            for one, other, out in zip(given, filled, outs, strict=True):
                assert out is None or out is other
                assert_same(one, other)
        if choice & 2 and all(map(np.size, given)):
            numpys = reported(lambda: several.run(arguments))
            own = reported(lambda: jitted(*arguments))  # noqa: B023
            assert own <= numpys if several.program.cuts else own == numpys, (numpys, own)


@settings(COMMON, max_examples=EXACT_EXAMPLES // 3)
@given(programs(most=12), places(), st.integers(0, 1023))
def test_random_functions_of_several_results_are_numpys(program, numbers, choice):
    check_several(Several(program, numbers), choice)


def in_place_on_a_copy(x):
    result = x.copy()
    result += np.float64(1)
    return result


I32 = np.arange(-2, 15, dtype="i4")
F32 = np.linspace(-1, 1, 17, dtype="f4")
FOUND = {
    "a middle axis that varies under an outer one that is broadcast": (
        lambda x: x + x,
        (np.broadcast_to(np.arange(36.0).reshape(3, 2, 6)[..., 1:], (2, 3, 2, 5)),),
    ),
    "an integer argument out of range, equal": (lambda n, x: np.equal(x, n), (2**40, I32)),
    "an integer argument out of range, less": (lambda n, x: x < n, (2**40, I32)),
    "an integer argument out of range, greater": (lambda n, x: x > n, (-(2**40), I32)),
    "a copy of an array without axes": (in_place_on_a_copy, (np.array(1, "f4"),)),
    "a Python number that is clipped": (lambda x: np.clip(2, x, x), (F32,)),
    "where with a literal out of range": (lambda x: np.where(x, x, 2**31), (I32,)),
    "where with an argument out of range": (lambda x, n: np.where(x, x, n), (I32, 2**31)),
    "an element of a choice": (lambda x: np.where(x, x, x)[-1:][0], (F32,)),
    "an argument that is reduced": (lambda x: np.cos(x), (np.full(9, 1e10),)),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_stays_found(name, level):
    function, arguments = FOUND[name]
    compiled = cpjit(function, isa=level)
    with np.errstate(all="ignore"):
        try:
            expected = function(*arguments)
        except OverflowError as error:  # NumPy 2.5 has these where 2.4 wraps
            with pytest.raises(OverflowError, match=str(error)):
                compiled(*arguments)
            return
        assert_same(expected, compiled(*arguments))


# -- elementary functions -----------------------------------------------------------------------

# NumPy's own error is up to 4 ULP (SVML); ours is 1.
TOLERANCE = 5


def _alone(op):
    """Return a function of arrays: the kernel of one elementary function, checked against NumPy."""
    function = function_of(op)
    kernels = [cpjit(function, isa=level) for level in HERE]

    def alone(*operands):
        theirs = function(*operands)
        if theirs.dtype.kind == "i":
            raise TypeError("the tracer refuses powers of integers")
        if theirs.dtype not in ("f8", "f4"):
            return theirs  # float16, which the programs leave out
        with np.errstate(all="ignore"):
            if op.name == "power" and type(operands[1]) in (float, int, bool):
                # A constant of the program; as an argument of a call, 2.0 is not square.
                known = [cpjit(lambda x: function(x, operands[1]), isa=level) for level in HERE]
                ours = [kernel(operands[0]) for kernel in known]
            else:
                ours = [kernel(*operands) for kernel in kernels]
        for each in ours:
            assert each.dtype == theirs.dtype
            assert_same(ours[0], each)
        # NumPy rounds pi * x; Python's gamma functions are no better than 10 ULP, of 1 near zeros.
        if op.name not in ("sinc", "gamma", "gammaln"):
            scale = theirs
            if op.name.startswith("logaddexp"):
                # Where a sum nearly vanishes, NumPy keeps the error of its larger term; it takes
                # exp() of the difference, which is rounded.
                with np.errstate(all="ignore"):
                    apart = np.abs(np.subtract(*operands, dtype=float))
                    larger = np.abs(np.maximum(*operands))
                    scale = np.fmax(larger, apart * np.exp2(-apart))
            assert_close(theirs, ours[0], scale, (op.name, operands))
        return ours[0]

    return alone


def assert_close(expected, actual, scale, case):
    number = np.isfinite(expected) & np.isfinite(actual)
    with np.errstate(all="ignore"):
        unit = np.spacing(np.maximum(np.abs(expected), np.abs(scale)).astype(expected.dtype))
        near = np.abs(actual - expected) <= TOLERANCE * unit
    same = (expected == actual) | (np.isnan(expected) & np.isnan(actual))
    wrong = ~np.where(number, near, same)
    if np.any(wrong):
        name, operands = case
        given = [np.broadcast_to(each, wrong.shape)[wrong] for each in operands]
        raise AssertionError(f"{name}{given}: NumPy {expected[wrong]}, cpnum {actual[wrong]}")


ALONE = [(f"np.{op.name}", _alone(op)) for op in ELEMENTARY] if HERE else []


@settings(COMMON, max_examples=ELEMENTARY_EXAMPLES)
@given(programs(ELEMENTARY_TABLE, ALONE), st.integers(0, 1023))
def test_elementary_functions_have_the_same_bits_inside_of_expressions(program, choice):
    # Values that flow out of them cannot be compared with NumPy's: each one is, where it is
    # computed, and the expression is computed with the bits of the kernel of this function alone.
    check(program, choice, ALONE)


# -- for long ----------------------------------------------------------------------------------


def main(words=None):
    """Run examples until the time is over."""
    parser = argparse.ArgumentParser(prog="python tests/test_fuzz.py", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=None)
    arguments = parser.parse_args(words)
    end = time.monotonic() + arguments.seconds
    first = time.time_ns() if arguments.seed is None else arguments.seed
    count = 0
    while time.monotonic() < end:
        for table, instead in ((TABLE, []), (ELEMENTARY_TABLE, ALONE)):

            @settings(
                COMMON, max_examples=500, derandomize=False, phases=(Phase.generate, Phase.shrink)
            )
            @given(st.just(instead), programs(table, instead), st.integers(0, 1023))
            def example(instead, program, choice):
                check(program, choice, instead)

            seed(first + count)(example)()
            count += 500

        @settings(
            COMMON, max_examples=500, derandomize=False, phases=(Phase.generate, Phase.shrink)
        )
        @given(programs(most=12), places(), st.integers(0, 1023))
        def several(program, numbers, choice):
            check_several(Several(program, numbers), choice)

        seed(first + count)(several)()
        count += 500
        gc.collect()
        print(f"{count} examples")  # noqa: T201 (a command)
    return 0


if __name__ == "__main__":
    sys.exit(main())
