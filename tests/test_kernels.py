"""Kernels leave what NumPy leaves: results, arguments, and the memory around them."""

import dataclasses
import itertools
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from arrays import VIEWS
from cases import ELEMENTARY, assert_same, quiet
from kernels import KERNELS
from kernels import __main__ as command
from kernels.kernel import Kernel
from kernels.trying import AS_WRITTEN, COMPILED, arrays_of, enters, outcome

from cpnum import CpnumError, cpjit

# Those that are refused.  If one of them is compiled, a test fails until its name is taken out.
# fmt: off
REFUSED: set[str] = set()
# fmt: on
RUNNING = [name for name in KERNELS if name not in REFUSED]
# Those of `arrays.VIEWS` that may be written to.
LAYOUTS = ("Fortran order", "every second", "reversed", "reversed rows", "padded", "misaligned")
STILL_REFUSED = pytest.mark.xfail(
    raises=CpnumError,
    strict=True,
    reason="refused; if it is compiled now, take its name out of REFUSED",
)


pytestmark = pytest.mark.usefixtures("always")


OWN_FUNCTIONS = SimpleNamespace(
    **{
        **vars(np),
        **{op.name: cpjit(getattr(np, op.name)) for op in ELEMENTARY if op.home == "numpy"},
    }
)


def as_written(kernel, arguments):
    """Call a kernel as written, but with cpnum's elementary functions if it is compiled.

    These are not NumPy's in every bit; all else is compared in every bit.
    """
    module = sys.modules[kernel.function.__module__]
    if kernel.elementary and kernel.name not in REFUSED:
        module.np = OWN_FUNCTIONS
    try:
        return kernel.function(*arguments)
    finally:
        module.np = np


def memory_of(arguments):
    """Return all of the memory that arguments are views of."""
    return [each if each.base is None else each.base for each in arrays_of(arguments)]


def ties(result, arguments):
    """Return which results are arguments, which are views of them, and which can be written to."""
    return [
        (one.flags.writeable, [(one is each, np.shares_memory(one, each)) for each in arguments])
        for one in arrays_of(result)
    ]


def check(kernel, function, make):
    """Compare a call of a function with one as written, each with arguments made for it."""
    wanted, given = make(), make()
    expected, actual = as_written(kernel, wanted), function(*given)
    assert_same(expected, actual, kernel.name)
    assert_same(wanted, given, f"arguments of {kernel.name}")
    assert_same(memory_of(wanted), memory_of(given), f"memory of arguments of {kernel.name}")
    assert ties(expected, arrays_of(wanted)) == ties(actual, arrays_of(given))


def replaced(arguments, function):
    """Return arguments with other arrays in the place of theirs."""
    if isinstance(arguments, tuple):
        return tuple(replaced(each, function) for each in arguments)
    return function(arguments) if isinstance(arguments, np.ndarray) else arguments


def sizes(kernel):
    """Return the small size, and twice that."""
    return kernel.small, tuple(2 * each for each in kernel.small)


def row(function):
    return Kernel(function, lambda random, n: (random.random(n),), small=(7,), large=((8,), (9,)))


def rewritten(x):
    x[1:] += x[:-1]
    return x


def of_another_bit(x):
    x[1:] = np.nextafter(x[1:] + x[:-1], 9.0)
    return x


def element_by_element(x):
    for i in range(1, len(x)):
        x[i] += x[i - 1]
    return x


def without_a_write(x):
    return x + np.append(0.0, x[:-1])


def with_a_copy(x):
    return rewritten(x).copy()


def beyond_the_end(x):
    rewritten(x)
    x.base[-1] = 7.0
    return x


@pytest.mark.parametrize(
    "wrong", [of_another_bit, element_by_element, without_a_write, with_a_copy, beyond_the_end]
)
def test_the_comparison_sees(wrong):
    def make():
        return (np.arange(1.0, 10.0)[1:-1],)

    check(row(rewritten), rewritten, make)
    with pytest.raises(AssertionError):
        check(row(rewritten), wrong, make)


# -- what is compiled ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[STILL_REFUSED] * (each in REFUSED)) for each in KERNELS]
)
def test_a_kernel_is_compiled(name):
    kernel = KERNELS[name]
    compiled = cpjit(kernel.function)
    compiled(*kernel.arguments(kernel.small))
    # The weights of the knapsack are numbers that Python looks at, which other calls have, too.
    again = kernel.arguments(kernel.small, seed=int(name != "knapsack"))
    assert not enters(kernel.function, lambda: compiled(*again)), "a second call runs as written"


@pytest.mark.parametrize("name", RUNNING)
def test_calls_leave_what_numpy_leaves(name):
    kernel = KERNELS[name]
    compiled = cpjit(kernel.function)
    for size in sizes(kernel):
        for seed in (0, 1):
            check(kernel, compiled, lambda at=(size, seed): kernel.arguments(*at))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", RUNNING)
def test_arguments_may_be_views(name, layout):
    if (name, layout) == ("gram_schmidt", "Fortran order"):
        pytest.skip("x.copy() keeps the order of x, so that BLAS adds in another one")
    kernel = KERNELS[name]
    check(
        kernel,
        cpjit(kernel.function),
        lambda: replaced(kernel.arguments(kernel.small), VIEWS[layout]),
    )


def one_array(arguments):
    """Return arguments of which all arrays of one shape are the same array."""
    first = {}
    return replaced(arguments, lambda x: first.setdefault((x.shape, x.dtype), x))


def overlapping(arguments):
    """Return arguments of which arrays of one shape lie in one memory, a row apart."""
    memory = {}

    def place(x):
        key = x.shape, x.dtype
        rows = memory.setdefault(key, [np.concatenate((x, x)), 0])
        at = rows[1] = rows[1] + 1
        return rows[0][at % len(x) :][: len(x)]

    return replaced(arguments, place)


@pytest.mark.parametrize("change", [one_array, overlapping])
@pytest.mark.parametrize("name", RUNNING)
def test_arguments_may_share_memory(name, change):
    kernel = KERNELS[name]
    given = [*arrays_of(change(kernel.arguments(kernel.small)))]
    pairs = itertools.combinations(given, 2)
    shared = any(one is not other and np.may_share_memory(one, other) for one, other in pairs)
    if kernel.changes and shared:
        # Where an array that is written to shares memory, the call runs as written, with NumPy's
        # own elementary functions.
        kernel = dataclasses.replace(kernel, elementary=False)
    compiled = cpjit(kernel.function)
    with quiet():
        for seed in (0, 1):
            check(kernel, compiled, lambda at=seed: change(kernel.arguments(kernel.small, at)))


# -- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refused_call_changes_nothing(name):
    kernel = KERNELS[name]
    compiled = cpjit(kernel.function)
    for _ in range(2):
        given = kernel.arguments(kernel.small)
        with pytest.raises(CpnumError):
            compiled(*given)
        assert_same(kernel.arguments(kernel.small), given, name)


@pytest.mark.filterwarnings("ignore:.* runs through NumPy")
@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refused_kernel_runs_as_written_by_fallback(name):
    kernel = KERNELS[name]
    compiled = cpjit(kernel.function, fallback="numpy")
    for seed in (0, 1):
        check(kernel, compiled, lambda at=seed: kernel.arguments(kernel.small, at))


# -- the table ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KERNELS)
def test_rows_tell_what_a_call_changes(name):
    kernel = KERNELS[name]
    before, after = kernel.arguments(kernel.small), kernel.arguments(kernel.small)
    assert_same(before, after)
    kernel.function(*after)
    changed = any(
        not np.array_equal(one, other)
        for one, other in zip(arrays_of(before), arrays_of(after), strict=True)
    )
    assert changed == kernel.changes


def test_names_of_refused_kernels_are_kernels():
    assert REFUSED <= KERNELS.keys()


def doubled(x):
    return x * 2


def refused(x):
    return np.linalg.eigvals(np.outer(x, x))


def small(x):
    return x - x.mean()


@pytest.mark.parametrize(
    ("function", "words"), [(doubled, COMPILED), (small, AS_WRITTEN), (refused, "cannot be traced")]
)
def test_what_becomes_of_a_kernel(function, words, monkeypatch):
    monkeypatch.undo()
    assert words in outcome(row(function), (7,))


def test_the_command_says_how_many_are_compiled(monkeypatch, capsys):
    monkeypatch.setattr(command, "KERNELS", {"doubled": row(doubled), "refused": row(refused)})
    command.main([])
    text = capsys.readouterr().out
    assert "doubled  compiled\n" in text
    assert "1 of 2 kernels are compiled." in text
    command.main(["doubled"])
    assert "1 of 1 kernels are compiled." in capsys.readouterr().out


def test_the_command_refuses_a_kernel_that_there_is_not(capsys):
    with pytest.raises(SystemExit, match="2"):
        command.main(["cholesky", "choleski"])
    assert "no kernel choleski: there are jacobi_1d, jacobi_2d" in capsys.readouterr().err
