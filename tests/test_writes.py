"""Functions that write to arrays leave what NumPy leaves: results, arguments, what is beside."""

import dataclasses
import warnings
from types import SimpleNamespace

import goldens
import numpy as np
import pytest
from arrays import VIEWS, array
from cases import assert_same, quiet
from kernels.trying import enters
from test_kernels import memory_of, ties
from test_threads import together

from cpnum import CpnumError, RangeError, UnsupportedError, cpjit
from cpnum.compare.bench import bench
from cpnum.ir.program import Program
from cpnum.jit import cache
from cpnum.tables.dtypes import DTYPES, F64
from cpnum.trace.trace import trace

# Those of `arrays.VIEWS` that may be written to.
LAYOUTS = [name for name in VIEWS if not name.startswith("one ")]


pytestmark = pytest.mark.usefixtures("always")


def left(call, arguments):
    """Return what a call of these arguments leaves; an error stands in the place of its result."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call(*arguments)
        except Exception as error:
            result = error
    arrays = [each for each in arguments if isinstance(each, np.ndarray)]
    return SimpleNamespace(
        result=result, arrays=arrays, told={str(each.message) for each in caught}
    )


def compare(function, compiled, make):
    """Compare a call with one of the function as written, each with arguments made for it."""
    expected, actual = left(function, make()), left(compiled, make())
    for each in (expected, actual):
        if isinstance(each.result, Exception):
            raise each.result
    assert_same(expected.result, actual.result, "result")
    assert_same(expected.arrays, actual.arrays, "arguments")
    assert_same(memory_of(expected.arrays), memory_of(actual.arrays), "memory of arguments")
    assert ties(expected.result, expected.arrays) == ties(actual.result, actual.arrays)
    return expected, actual


def check(function, make, **options):
    """Compare calls of which all but the first run none of the function's own code."""
    compiled = cpjit(function, **options)
    with quiet():
        compare(function, compiled, make)
        given = make()
        assert not enters(function, lambda: compiled(*given)), "it runs as written"
        compare(function, compiled, make)


def arguments(dtype=F64, view="C order"):
    """Return what makes the arguments of the functions in the table."""
    return lambda: (
        VIEWS[view](array((5, 7), dtype)),
        VIEWS[view](array((5, 7), dtype, seed=1)),
        3,
    )


# -- kinds of writes ----------------------------------------------------------------------------

WRITES = {}


def writes(function):
    """Enter a function of two arrays of 5 x 7 elements and the number 3 into the table."""
    WRITES[function.__name__] = function
    return function


@writes
def all_elements(x, y, n):
    x[...] = y * n
    y[:] = n


@writes
def slices(x, y, n):
    x[1:-1, ::2] = y[:3, 1:5] * 2
    y[3:] = x[:2]


@writes
def slices_of_numbers_that_are_arguments(x, y, n):
    x[n:, :n] = y[: 5 - n, n : 2 * n]
    x[n, n - 1] = y[0, n]


@writes
def slices_without_elements(x, y, n):
    x[2:2] = y[:0]
    x[:, 5:3] = n


@writes
def reversed_slices(x, y, n):
    x[::-1, 5:1:-2] = y[:, :2]


@writes
def transposes(x, y, n):
    x.T[1:3] = y[0, :5]
    np.swapaxes(y, 0, 1)[2] = x[:, 4]


@writes
def rows_and_columns(x, y, n):
    x[2] = y[0]
    x[-1] = n
    x[:, 1] = y[:, 0]
    x[:, -1] += y[:, 2]


@writes
def elements(x, y, n):
    x[0, 1] = y[1, 0]
    x[-1, -1] = n
    x[1, 1] += x[0, 1]


@writes
def new_axes(x, y, n):
    x[None, 0, :, None] = y[1][:, None]
    y[..., None][1:] = x[1:, :, None]


@writes
def what_is_broadcast(x, y, n):
    x[1:] = y[:1]
    y[...] = x[:, :1]


@writes
def lists(x, y, n):
    x[0] = [1, 0, 1, 0, 1, 1, 0]
    x[1] = (n,) * 7


@writes
def in_place(x, y, n):
    x += y
    x *= x[0, 0]


@writes
def in_place_through_views(x, y, n):
    x[1:] += y[:-1]
    view = x[:, ::2]
    view *= y[:, :4]


@writes
def rows_in_a_loop(x, y, n):
    for own, other in zip(x, y, strict=True):
        own += other
        other[:n] = own[-n:]


@writes
def out_of_ufuncs(x, y, n):
    np.add(x, y, out=x)
    np.multiply(x[1:], y[:-1], out=y[1:])
    np.add(x, y, y)


@writes
def out_of_chosen_elements(x, y, n):
    np.add(x[1:], y[1:], out=x[1:], where=y[1:] > 1)


@writes
def out_of_reductions(x, y, n):
    np.max(y, axis=0, out=x[0])
    y.min(axis=1, out=x[:, 1])
    np.maximum.accumulate(y, axis=0, out=y)


@writes
def fill(x, y, n):
    x.fill(n)
    y[1:, ::2].fill(0)


@writes
def copyto(x, y, n):
    np.copyto(x, y[0])
    np.copyto(y[:, 1:], x[:, :-1], where=x[:, :-1] > 0)


@writes
def sort(x, y, n):
    x.sort(axis=0)
    y[1:, ::2].sort()


@writes
def partition(x, y, n):
    x.partition(2, axis=1)


@writes
def put(x, y, n):
    np.put(x, [0, 3, 3], [1, 0, 1])
    x.put(8, n)


@writes
def fill_diagonal(x, y, n):
    np.fill_diagonal(x, n)


@writes
def put_along_axis(x, y, n):
    np.put_along_axis(x, np.array([[1], [0], [2], [3], [6]]), 0, axis=1)


@writes
def arguments_by_name(x, y, n):
    np.put(a=x, ind=[0, 3], v=n)
    np.copyto(dst=x[1:], src=y[1:])
    np.fill_diagonal(a=y, val=0)


@writes
def ufunc_at(x, y, n):
    np.add.at(x, ([0, 1, 0], [2, 2, 2]), y[0, :3])
    np.maximum.at(y, [1, 1], x[:2])


# -- what masks and arrays choose ---------------------------------------------------------------


@writes
def masks(x, y, n):
    x[y > 0] = n
    y[x > y] = True


@writes
def a_mask_that_is_kept(x, y, n):
    mask = x > y
    x[mask] = 0
    y[mask] = 1
    x[~mask] = n
    return mask


@writes
def a_mask_of_what_is_written(x, y, n):
    x[x > 0] = x[x > 0] * 2
    x[x < 1] += True


@writes
def chosen_elements_that_are_kept(x, y, n):
    mask = y > 0
    chosen = x[mask]
    x[...] = 0
    y[mask] = chosen


@writes
def a_mask_of_rows(x, y, n):
    x[y[:, 0] > 0] = y[1]


@writes
def putmask_and_place(x, y, n):
    np.putmask(x, y > 0, n)
    np.place(y, x > 1, 0)


@writes
def lists_of_indices(x, y, n):
    x[[0, 2]] = y[[2, 0]]
    x[:, [1, 1]] = y[:, :2]
    y[[True, False, True, False, False]] = n


@writes
def indices_that_are_computed(x, y, n):
    x[(y[:, 0] > 0).astype(int)] = y[0]
    x[y[:, 0].argmax()] = n
    x[:, y[0].argmin()] = 1


@writes
def indices_in_place(x, y, n):
    x[[1, 1]] += y[:2]
    x[[0, 1], [2, 3]] = y[0, :2]


# -- NumPy's order ------------------------------------------------------------------------------


@writes
def right_sides_that_overlap(x, y, n):
    x[1:] = x[:-1]
    x[:, :-1] += x[:, 1:]
    x[...] = x[::-1]
    y[:5, :5] += y[:5, :5].T


@writes
def scalars_that_were_taken_before(x, y, n):
    first, last = x[0, 0], x[-1, -1]
    x[0, 0], x[-1, -1] = last, first
    x[1] = first
    return first, last


@writes
def values_that_were_computed_before(x, y, n):
    both, root, largest = x + y, np.sqrt(abs(x * 1.0)), x.max()
    x[1:] = y[:-1]
    y[...] = both
    return both, root, largest, x + y


@writes
def views_that_were_taken_before(x, y, n):
    view = x[1:]
    other = view.T
    x[...] = y
    view[0] = n
    return view, other, other * 2


@writes
def views_of_computed_values(x, y, n):
    z = x + y
    view = z[1:]
    z[2] = 0
    view[0] += x[0]
    return z * 1, view * 1


@writes
def other_names(x, y, n):
    z = x
    z += y
    return z, z is x


@writes
def copies(x, y, n):
    z = x.copy()
    x[...] = 0
    z[0] = y[0]
    return z, abs(x)


@writes
def exchanged_rows(x, y, n):
    x[0], x[1] = x[1], x[0]
    x[2], x[3] = x[3].copy(), x[2].copy()
    y[:, 0], y[:, 1] = y[:, 1] * True, y[:, 0] * True


@writes
def steps_of_time(x, y, n):
    for _ in range(n):
        x[1:-1] = np.maximum(x[2:], y[:-2])
        x[0] = x[-2]
        x, y = y, x


@writes
def sweep(x, y, n):
    for i in range(1, len(x)):
        x[i] += x[i - 1] * y[i]


@writes
def elements_in_loops(x, y, n):
    for i in range(5):
        for j in range(i):
            x[i, j] = y[j, i]


@writes
def what_is_written_again(x, y, n):
    z, row = x.copy(), x[0].copy()
    view = z[1:]
    z.fill(n)
    x[...] = row
    both = x + y
    x[0] = 0
    both[...] = row
    return z, view * 1, both


@writes
def constants_like_what_was_written(x, y, n):
    z = x + y
    z[0] = n
    x[0] = n
    return np.zeros_like(z), np.ones_like(x)


# -- arrays that the function makes -------------------------------------------------------------


@writes
def zeros(x, y, n):
    z = np.zeros(x.shape, x.dtype)
    z[1:-1] = x[2:] + y[:-2]
    return z


@writes
def sums_of_rows(x, y, n):
    z = np.zeros(len(x))
    for i in range(len(x)):
        z[i] = x[i].max()
    return z


@writes
def empty(x, y, n):
    z = np.empty_like(x)
    z[...] = y
    z[0] = 0
    return z


@writes
def a_view_of_ones(x, y, n):
    z = np.ones((5, 7))
    view = z[1:, ::2]
    view[...] = x[1:, ::2]
    z *= y
    return view * 1, z


@writes
def constants_before_and_after(x, y, n):
    z = np.zeros(7)
    z[::2] = 1.5
    z[1] = x[0, 1]
    z[0] += 2
    z[3:5] = z[:2]
    return z


@writes
def a_made_mask(x, y, n):
    mask = np.zeros(x.shape, bool)
    mask[0] = x[0] > 0
    y[mask] = 0
    return mask


@writes
def a_made_array_in_place(x, y, n):
    z = np.zeros(7)
    z += x[0]
    np.maximum(z, y[0], out=z)
    return z


@writes
def an_array_without_axes(x, y, n):
    z = np.zeros(())
    z[...] = x[0, 0]
    z += z
    other = x[1, 1, ...].copy()
    other[()] = n
    return z, other


@writes
def joined_arrays(x, y, n):
    z, stack = np.concatenate([x, y]), np.stack([x, y])
    z[5:] = z[:5]
    stack[0, 1] = n
    stack[1] += stack[0]
    return z, stack


@writes
def elements_of_joined_arrays(x, y, n):
    # An operation between integer scalars, one of which a mask picks that was made inside.
    stack = np.stack([x[0], y[0] * 2])
    stack[0, 0] += 1
    stack[1, -1] = stack[0, 1] * stack[1, 0]
    return stack


@writes
def results_of_calls(x, y, n):
    z, largest = np.sort(x, axis=0), x.max(axis=0)
    z[0] = z[-1]
    largest[1:] += largest[:-1]
    return z, largest


PAST_TRACERS = {
    "memoryview": lambda z: memoryview(z).__setitem__(1, 2.0),
    "frombuffer": lambda z: np.frombuffer(z).__setitem__(1, 2.0),
    "generator": lambda z: np.random.default_rng(0).random(out=z),
    "nditer": lambda z: next(iter(np.nditer(z, op_flags=["readwrite"]))).fill(2.0),
    "flat": lambda z: z.flat.__setitem__(1, 2.0),
    "flat that is read": lambda z: z.flat[0],
    "the attribute flat": lambda z: setattr(z, "flat", 2.0),
    "the attribute real": lambda z: setattr(z, "real", 2.0),
    "setflags": lambda z: z.setflags(write=False),
}


@pytest.mark.parametrize("name", PAST_TRACERS)
def test_no_write_to_a_made_array_is_missed(name):
    def function(x):
        z = np.zeros(3)
        z[0] = x[0]
        PAST_TRACERS[name](z)
        return z

    with pytest.raises(UnsupportedError):
        cpjit(function)(np.ones(3))


OUTSIDE = np.ones(3)


@pytest.mark.parametrize(
    "write",
    [
        lambda x: np.add.at(OUTSIDE, [0, 1, 2], x),
        lambda x: np.copyto(OUTSIDE, x),
        lambda x: np.put(OUTSIDE, [0], x[1]),
        lambda x: np.put(a=OUTSIDE, ind=[0], v=x[1]),
        lambda x: np.putmask(OUTSIDE, x > 1, 3.0),
        lambda x: np.cumsum(x, out=OUTSIDE),
        lambda x: np.add(x, 1, out=OUTSIDE),
    ],
)
def test_arrays_from_outside_are_not_written_to(write):
    """Each call compares their elements, so that they are known while the function is traced."""

    def function(x):
        write(x)
        return x * OUTSIDE

    with pytest.raises(UnsupportedError):
        cpjit(function)(np.arange(3.0))
    assert OUTSIDE.tolist() == [1, 1, 1]


@writes
def a_number_and_a_made_array(x, y, n):
    z = x + (n - np.ones(x.shape, int))
    z[0] = n * np.arange(7)
    return z


# -- results ------------------------------------------------------------------------------------


@writes
def nothing(x, y, n):
    x[0] = y[0]


@writes
def containers(x, y, n):
    x[0] = y[0]
    first, n = x[0], n + 1
    y[...] = 0
    return {"x": x, "views": [x[1:], first, y.T], "number": n, "sum": x.max(), "new": x + y}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", WRITES)
def test_writes(name, dtype):
    check(WRITES[name], arguments(dtype))


@pytest.mark.parametrize("view", LAYOUTS)
@pytest.mark.parametrize("name", WRITES)
def test_layouts(name, view):
    check(WRITES[name], arguments(view=view))


@pytest.mark.parametrize("name", WRITES)
def test_levels(name, level):
    check(WRITES[name], arguments(F64), isa=level)


@pytest.mark.parametrize("name", WRITES)
def test_without_machine_code(name, monkeypatch):
    monkeypatch.setattr(cache.Cache, "_running", lambda self, tell: None)
    check(WRITES[name], arguments())


@pytest.mark.parametrize("shape", [(0, 7), (1, 7), (5, 1), (64, 70)])
def test_one_program_serves_all_shapes(shape):
    def function(x, y):
        x[1:] = x[:-1] + y[1:]
        y *= x
        x[:, 0] = 7

    compiled = cpjit(function)
    with quiet():
        for each in ((5, 7), shape, (9, 2)):
            compare(function, compiled, lambda each=each: (array(each), array(each, seed=1)))
    assert compiled.signatures[0] == "f64[:, :], f64[:, :]"
    assert len(compiled.signatures) == 1 + (1 in shape)


# -- arguments that share memory, or are read-only ----------------------------------------------


def rows_of_one_array(first, second):
    """Return what makes two views of 5 x 7 elements of one array."""

    def make():
        whole = array((12, 14))
        return first(whole), second(whole), 3

    return make


def windows():
    """Return arrays of which the first one has elements at one place."""
    return np.ndarray((5, 7), np.float64, array((40,)), 0, (8, 16)), array((5, 7)), 3


def read_only(at):
    """Return what makes arguments of which one is read-only."""

    def make():
        given = arguments()()
        given[at].flags.writeable = False
        return given

    return make


def broadcast():
    return np.broadcast_to(array((7,)), (5, 7)), array((5, 7)), 3


SHARED = {
    "one array": rows_of_one_array(lambda x: x[:5, :7], lambda x: x[:5, :7]),
    "a row apart": rows_of_one_array(lambda x: x[:5, :7], lambda x: x[1:6, :7]),
    "a row before": rows_of_one_array(lambda x: x[1:6, :7], lambda x: x[:5, :7]),
    "reversed": rows_of_one_array(lambda x: x[:5, :7], lambda x: x[4::-1, :7]),
    "transposed": rows_of_one_array(lambda x: x[:5, :7], lambda x: x.T[:5, :7]),
    "every second": rows_of_one_array(lambda x: x[:5, ::2], lambda x: x[:5, 1::2]),
    "windows": windows,
    "read-only": read_only(0),
    "the other one read-only": read_only(1),
    "broadcast": broadcast,
}
OF_SHARED = [
    WRITES[name]
    for name in (
        "all_elements",
        "in_place_through_views",
        "out_of_ufuncs",
        "sort",
        "masks",
        "lists_of_indices",
        "steps_of_time",
        "values_that_were_computed_before",
        "nothing",
    )
]


def compare_outcomes(function, compiled, make):
    """Compare what two calls leave, of which both may raise the same error."""
    with quiet():
        expected, actual = left(function, make()), left(compiled, make())
    if isinstance(expected.result, Exception):
        assert type(expected.result) is type(actual.result), (expected.result, actual.result)
        assert str(expected.result) == str(actual.result)
    else:
        assert_same(expected.result, actual.result)
        assert ties(expected.result, expected.arrays) == ties(actual.result, actual.arrays)
    assert_same(expected.arrays, actual.arrays, "arguments")
    assert_same(memory_of(expected.arrays), memory_of(actual.arrays), "memory of arguments")


@pytest.mark.parametrize("name", SHARED)
@pytest.mark.parametrize("function", OF_SHARED, ids=lambda each: each.__name__)
def test_what_cannot_be_written_alone_runs_as_written(function, name):
    first, compiled = cpjit(function), cpjit(function)
    with quiet():
        compiled(*arguments()())
    for each in (first, compiled):
        for make in (SHARED[name], SHARED[name], arguments(), SHARED[name]):
            compare_outcomes(function, each, make)


def test_one_array_for_two_parameters():
    def function(x, y):
        x += y
        y[1:] = x[:-1]
        return x, y

    def twice():
        x = array((9,))
        return x, x

    def apart():
        return array((9,)), array((9,), seed=1)

    compiled = cpjit(function)
    for make in (twice, apart, twice, apart):
        with quiet():
            compare(function, compiled, make)


@dataclasses.dataclass
class State:
    position: np.ndarray
    speed: np.ndarray


def of_a_dict(state):
    state["position"] += state["speed"]
    state["speed"][0] = 5
    return state


def of_a_list(state):
    for each in state:
        each *= 0.5
    state[0][1:] = state[1][:-1]


def of_an_object(state):
    state.position += state.speed
    state.speed[...] = state.position[::-1]
    return state.position * 2, state


@pytest.mark.parametrize(
    ("function", "make"),
    [
        (of_a_dict, lambda x, y: {"position": x, "speed": y}),
        (of_a_list, lambda x, y: [x, y]),
        (of_an_object, State),
    ],
)
def test_arrays_in_containers_are_written_to(function, make):
    compiled = cpjit(function)
    for _ in range(3):
        expected, given = [make(*arguments()()[:2]) for _ in range(2)]
        with quiet():
            assert_same(function(expected), compiled(given))
        assert_same(expected, given)


# -- how often ----------------------------------------------------------------------------------


def count_up(x):
    x += 1
    x[0] += 1


@pytest.mark.parametrize("options", [{}, {"fallback": "numpy"}])
def test_each_call_writes_once(options):
    compiled, x = cpjit(count_up, **options), np.zeros(5)
    for number in range(1, 5):
        assert compiled(x) is None
        assert x.tolist() == [2.0 * number] + [number] * 4
    bound = compiled.bind(x)
    assert x[1] == 4
    for number in range(5, 9):
        assert bound() is None
        assert x.tolist() == [2.0 * number] + [number] * 4
    compiled(x=x)
    assert x[1] == 9


def test_what_only_looks_at_a_call_writes_nothing():
    compiled, x = cpjit(count_up), np.zeros(5)
    kernels = compiled.lower(x)
    report = compiled.explain(x)
    assert not x.any()
    assert "add" in str(kernels)
    assert "what is written to x are those of NumPy, bit for bit" in " ".join(str(report).split())
    assert "x[0] = %0" in str(report)


def test_a_report_compares_what_is_written():
    def function(x):
        x[...] = np.exp(x)

    x = np.linspace(-3, 3, 1000)
    text = str(cpjit(function).explain(x))
    assert "at most 1 ULP from the result of NumPy" in text


def test_a_bench_leaves_arguments_as_they_are():
    x = np.zeros(5)
    bench(cpjit(count_up), x, against=())
    assert not x.any()


def test_out_and_arguments_are_written():
    def function(x, y):
        x += y
        return x * 2, x[0]

    compiled = cpjit(function)
    for make in (lambda x: np.zeros((5, 7)), lambda x: x, lambda x: x[::-1]):
        expected, given = arguments()()[:2], arguments()()[:2]
        results = [each.copy() for each in function(*expected)]
        with quiet():
            out = make(given[0])
            returned = compiled(*given, out=(out, None))
        assert returned[0] is out
        assert_same(results[0], out.copy())
        if not np.shares_memory(out, given[0]):
            assert_same(expected, given)


@pytest.mark.parametrize("of_rows", [True, False])
def test_errors_are_told_of_elements_that_a_mask_chooses_in_a_constant(of_rows):
    def function(x, y):
        mask = y[0, 0] >= 0 if of_rows else y[0] >= 0
        x[...] = 0
        x[...][mask] = (y[0] / 0)[mask]

    compiled = cpjit(function)
    for _ in range(2):
        given = [(np.ones((3, 3)), np.arange(18.0).reshape(2, 3, 3) - 1) for _ in range(2)]
        expected, actual = left(function, given[0]), left(compiled, given[1])
        assert_same(expected.arrays, actual.arrays)
        assert actual.result is None
        assert expected.told == actual.told != set()


# -- numbers, dtypes and what NumPy tells -------------------------------------------------------


def converted(x, y):
    x[...] = y
    x[1:, 0] = y[0, 1:6][: len(x) - 1]


@pytest.mark.parametrize("to", DTYPES, ids=str)
@pytest.mark.parametrize("of", DTYPES, ids=str)
def test_values_are_converted(of, to):
    def make():
        return array((5, 7), to), array((5, 7), of, seed=1)

    expected, actual = compare(converted, cpjit(converted), make)
    assert expected.told == actual.told


NUMBERS = [1.5, 2, True, -1, 2**40, 2**70, 1e300, np.nan, np.inf, 1j, "1.5", "a", None]
NUMBERS += [np.float64(2.5), np.float32(0.1), np.int32(3), np.bool(True), np.array(2.5)]


def assigned(x, number):
    x[...] = number


def assigned_to_chosen_elements(x, number):
    x[x > 0] = number


def copied(x, number):
    np.copyto(x, number)


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("function", [assigned, assigned_to_chosen_elements, copied])
def test_numbers_are_converted_or_refused(function, dtype, number):
    def constant(x):
        function(x, number)

    compiled = cpjit(constant)
    for _ in range(2):
        expected = left(constant, (array((3,), dtype),))
        actual = left(compiled, (array((3,), dtype),))
        assert_same(expected.arrays, actual.arrays)
        if isinstance(expected.result, Exception):
            assert isinstance(actual.result, TypeError | ValueError | ArithmeticError | CpnumError)
        else:
            assert actual.result is None
            assert expected.told == actual.told


FITTING = [5, 2**31 - 1, -(2**31), 2**31, 2**40, -(2**31) - 1, 2.9, -2.9, 0.0, -2147483648.5]
FITTING += [-2147483649.0, 2147483647.5, 2.0**31, -(2.0**63), 2.0**63, 1e300, np.nan, -np.inf]


def filled_with(x, number):
    x.fill(number)


def first_assigned(x, number):
    x[0] = number


def element_assigned(x, number):
    x[1:] = number[()] * 1


def listed(x, number):
    x[:2] = np.array([2, number[()] * 1], x.dtype)


@pytest.mark.parametrize("of", [None, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("to", ["i4", "i8", "f4"])
@pytest.mark.parametrize("function", [filled_with, first_assigned, element_assigned, listed])
def test_numbers_are_assigned_if_they_fit(function, to, of):
    compiled = cpjit(function, fallback="numpy")
    alone = cpjit(function)
    for number in FITTING:
        if of is np.int64 and not np.iinfo(of).min <= number <= np.iinfo(of).max:
            continue  # nan, among others
        with quiet():
            given = number if of is None else of(number)
            if function in (element_assigned, listed):
                given = np.array(given)
            for _ in range(2):
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", ".* runs through NumPy")
                    expected = left(function, (np.zeros(3, to), given))
                    actual = left(compiled, (np.zeros(3, to), given))
                assert_same(expected.arrays, actual.arrays)
                assert type(actual.result) in (type(expected.result), RangeError)
                assert isinstance(actual.result, Exception) == isinstance(
                    expected.result, Exception
                )
            if not isinstance(expected.result, Exception):
                assert left(alone, (np.zeros(3, to), given)).result is None


@pytest.mark.parametrize("value", [np.array(2.5), np.array([2.5]), np.ones((1, 1)), [1.0], (1, 2)])
def test_an_element_takes_what_numpy_takes(value):
    def of_a_constant(x, y):
        x[1] = value

    def of_an_argument(x, y):
        x[1] = y

    for function in (of_a_constant, of_an_argument)[: 1 + isinstance(value, np.ndarray)]:
        expected, actual = [
            left(call, (np.zeros(3), value)) for call in (function, cpjit(function))
        ]
        assert type(expected.result) is type(actual.result)
        assert_same(expected.arrays, actual.arrays)


# -- errors -------------------------------------------------------------------------------------


def failing_inverse(x, y):
    x[0] = 7
    z = np.linalg.inv(y[:5, :5])
    x[1] = 8
    return z


def failing_index(x, y):
    x[0] = 7
    x[y[0].astype(int)] = 1
    x[1] = 8


def failing_number(x, n):
    x[0] = 7
    x[1] = 1 / n


def failing_integer(x, n):
    x[0] = 7
    x[...] = x.astype(int) + 2**n


def failing_errstate(x, y):
    x[0] = 7
    with np.errstate(divide="raise", invalid="ignore"):
        x /= y
    x[1] = 8


def zeros_and(value):
    """Return what makes arguments: an array of zeros, and a value or a copy of it."""
    return lambda: (np.zeros((5, 7)), np.copy(value) if np.ndim(value) else value)


# A function, arguments for which it raises no error, and some for which it does.
FAILING = {
    "of NumPy's function": (failing_inverse, zeros_and(np.eye(7)), zeros_and(np.zeros((7, 7)))),
    "of an index": (failing_index, zeros_and(np.ones((5, 7))), zeros_and(np.full((5, 7), 9.0))),
    "of Python's numbers": (failing_number, zeros_and(4), zeros_and(0)),
    "of an integer": (failing_integer, zeros_and(4), zeros_and(70)),
    "of np.errstate": (failing_errstate, zeros_and(np.ones(7)), zeros_and(np.zeros(7))),
}


@pytest.mark.parametrize("options", [{}, {"fallback": "numpy"}])
@pytest.mark.parametrize("name", FAILING)
def test_an_error_comes_after_what_was_written_before(name, options):
    function, good, bad = FAILING[name]
    for order in ((good, bad, good, bad, bad), (bad, good, bad)):
        compiled = cpjit(function, **options)
        for make in order:
            expected, actual = left(function, make()), left(compiled, make())
            assert isinstance(expected.result, Exception) == (make is bad)
            assert isinstance(actual.result, type(expected.result)), actual.result
            assert_same(expected.arrays, actual.arrays)


def wrong_shape(x, y):
    x[0] = 7
    x += y


def wrong_index(x, y):
    x[0] = 7
    x[9] = y[0]


def wrong_slice(x, y):
    x[0] = 7
    x[1:3] = y[:3]


def wrong_dtype(x, y):
    x[0] = 7
    y.astype(int)[...] += x


@pytest.mark.parametrize("function", [wrong_shape, wrong_index, wrong_slice, wrong_dtype])
def test_an_error_of_the_trace_comes_before_anything_is_written(function):
    x, y = np.zeros((5, 7)), np.ones((5, 6))
    given = x.copy()
    with pytest.raises((ValueError, IndexError, TypeError)):
        cpjit(function)(given, y)
    assert_same(x, given)
    with pytest.raises((ValueError, IndexError, TypeError)):
        function(given, y)
    assert given[0, 0] == 7


@pytest.mark.parametrize("options", [{}, {"fallback": "numpy"}])
def test_no_call_with_an_error_is_repeated(options):
    def function(x, y):
        x += 1
        return x + y

    compiled, x = cpjit(function, **options), np.zeros((5, 7))
    compiled(x, x.copy())
    for number in range(2, 5):
        with pytest.raises(ValueError, match="broadcast"):
            compiled(x, np.ones((5, 3)))
        # All loops are planned before the first one runs, but NumPy's call has written to x.
        assert np.all(x == (number if options else 1))


def test_errors_name_the_operators_that_can_have_raised_them():
    def function(x):
        x /= x
        x[1:] += x[:-1] * 2
        return x

    for seen, make in (
        ({"invalid value encountered in divide"}, lambda: (np.zeros(5),)),
        (set(), lambda: (np.ones(5),)),
    ):
        expected, actual = compare(function, cpjit(function), make)
        assert expected.told == actual.told == seen

    def several(x):
        x[...] = np.sqrt(x) * 2 + 1 / x

    expected, actual = compare(several, cpjit(several), lambda: (np.array([-1.0, 0.0]),))
    assert expected.told == {
        "invalid value encountered in sqrt",
        "divide by zero encountered in divide",
    }
    assert actual.told == {
        "invalid value encountered in divide or sqrt or multiply or add",
        "divide by zero encountered in divide",
    }


# -- contents -----------------------------------------------------------------------------------


def test_what_was_written_before_contents_differ_is_restored():
    def function(x, y):
        x += 1
        y.sort()
        if x.max() > 10:
            x *= 2
        x[int(y[0])] = 7
        return x

    compiled = cpjit(function)
    first = np.arange(5.0)
    for x, y in ((first, first), (first * 9, first), (first, first + 2), (first, first)):
        for layout in ("C order", "reversed", "every second"):
            compare(
                function,
                compiled,
                lambda given=(x, y), at=layout: [VIEWS[at](each[None] * 1)[0] for each in given],
            )


def test_written_contents_decide():
    def function(x):
        x[1:] += x[:-1]
        while x.sum() < 50:
            x *= 2
        return x.argmax()

    compiled = cpjit(function)
    for scale in (1.0, 1.0, 0.3, 7.0, 1.0):
        compare(function, compiled, lambda scale=scale: (np.arange(5.0) * scale,))


# -- fallback -----------------------------------------------------------------------------------


def test_a_refused_function_writes_once_by_fallback():
    def function(x):
        x += 1
        return np.unique(x)

    compiled, x = cpjit(function, fallback="numpy"), np.zeros(3)
    with pytest.warns(RuntimeWarning, match="runs through NumPy"):
        compiled(x)
    for number in range(2, 4):
        compiled(x)
        assert np.all(x == number)
    x.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        compiled(x)


# -- threads ------------------------------------------------------------------------------------


def test_threads_write_to_arrays_of_their_own():
    def function(x, y):
        for i in range(1, 5):
            x[i] = x[i - 1] * 0.5 + y[i]
        y[...] = x[::-1]
        x.sort(axis=0)
        y -= x.mean(axis=0)
        return x[0] * 0.5

    compiled = cpjit(function)

    def work(seed):
        shape = (5, 70 if seed % 2 else 700)
        x, y = np.random.default_rng(seed).random((2, *shape))
        expected = x.copy(), y.copy()
        for _ in range(200):
            assert_same(function(*expected), compiled(x, y))
            assert_same(expected, (x, y))
        return True

    assert all(together(work))


# -- texts --------------------------------------------------------------------------------------


def several_steps(x, y, n):
    before = x * 2
    x[1:] = before[:-1]
    y[n] = 0.5
    x += y
    x.sort(axis=0)
    y[[0, 1]] = x[0]
    x[x > n] = 0
    if y.max() > 5:
        x[:] = n
    return before, x.sum()


def rounds(x, y, n):
    for _ in range(4):
        x[1:-1] = x[2:] + x[:-2]
        y, x = x, y


def values_of_loops(x, y, n):
    z = np.zeros(7)
    z[0] = x[0, 0]
    z[1:] = y[0, 1:]
    z += 1
    return z


@pytest.mark.parametrize("function", [several_steps, rounds, values_of_loops])
def test_texts_of_programs(function):
    program = trace(function, (np.ones((5, 7)), np.ones((5, 7)), 3))
    assert isinstance(program, Program)
    goldens.compare(f"programs/{function.__name__}.txt", str(program))


def test_every_stored_text_is_one_of_a_program():
    names = [f"{each.__name__}.txt" for each in (several_steps, rounds, values_of_loops)]
    goldens.compare_files("programs", names)
