"""Functions that call NumPy's own functions of whole arrays between their loops."""

import gc
import itertools
import re
import sys
import threading
import warnings

import numpy as np
import pytest
from arrays import VIEWS, array
from cases import assert_same, quiet

from cpnum import DTypeError, TraceError, UnsupportedError, cpjit
from cpnum.ir.program import Program
from cpnum.run import memory
from cpnum.run.memory import ExecutableMemoryError
from cpnum.tables.dtypes import BOOL, DTYPES, F32, F64
from cpnum.trace.trace import trace

A = np.linspace(-2.0, 3.0, 35).reshape(5, 7)
SQUARE = A[:, :5] + 6 * np.eye(5)


pytestmark = pytest.mark.usefixtures("always")


# fmt: off
FUNCTIONS = {
    # reductions
    "sum": lambda x: np.sum(x * 2),
    "sum_axis": lambda x: x * 2 - np.sum(x + 1, axis=0),
    "sum_method": lambda x: (x * 2).sum(axis=-1, keepdims=True) + x,
    "sum_tuple": lambda x: x + x.sum(axis=(0, 1)),
    "sum_dtype": lambda x: np.sum(x, axis=1, dtype=np.float32) * 2,
    "mean_std": lambda x: (x - x.mean(axis=0)) / (x.std(axis=0) + 1),
    "var_ddof": lambda x: x.var(axis=1, ddof=1) + x[:, 0],
    "min_max": lambda x: (x - x.min()) / (1 + x.max() - x.min()),
    "any_all": lambda x: np.where(np.any(x > 1, axis=1), x[:, 0] * 1.5, 0.0) + (x > 9).all(),
    "argmax": lambda x: x.argmax(axis=1) * 2,
    "count": lambda x: np.count_nonzero(x > 0) * x,
    "median": lambda x: x - np.median(x * 2, axis=0),
    "quantile": lambda x: x - np.quantile(x, [0.25, 0.5], axis=1)[0][:, None],
    "nan_functions": lambda x: np.nanmean(np.where(x > 0, x, np.nan)) + np.nansum(x),
    "cumsum": lambda x: np.cumsum(x * 2, axis=1) + x,
    "prod": lambda x: np.prod(x, axis=0) - 1.0,
    "average": lambda x: np.average(x, axis=0, weights=abs(x[:, 0]) + 1) * 2,
    "ptp": lambda x: np.ptp(x * 2, axis=1) + 1,
    "trapezoid": lambda x: np.trapezoid(x * 2, axis=1) - 1,
    "reduce": lambda x: np.maximum.reduce(x * 2, axis=1) + 1,
    "accumulate": lambda x: np.add.accumulate(x, axis=0) * 2,
    "of_a_list": lambda x: np.max([x, x * 2, -x], axis=0) - 1,
    "shares": lambda x: np.sqrt(x.max(axis=1, keepdims=True) - x)
                        / np.sqrt(x.max(axis=1, keepdims=True) - x).sum(axis=1, keepdims=True),
    "norm": lambda x: x / (np.linalg.norm(x, axis=1, keepdims=True) + 1),
    # products
    "matmul": lambda x: (x * 2) @ x.T + 1,
    "matmul_vector": lambda x: x @ x[0] - x[:, 0],
    "dot": lambda x: x.dot(x[0] * 2) * 0.5,
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x * 2) + 1,
    "outer_sum": lambda x: np.tensordot(x, x, axes=(1, 1)) * 2,
    "convolve": lambda x: np.convolve(x[0], x[1] * 2) + 1,
    "trace": lambda x: np.trace(x) + x[0],
    # sorting and indices
    "sort": lambda x: np.sort(x * 2, axis=0)[::-1] - x,
    "argsort": lambda x: x[0][np.argsort(x[0] * -1)] * 2,
    "take": lambda x: np.take(x, [2, 0], axis=1) * 2 + x[:, :2],
    "index_list": lambda x: x[[0, 2, 0]] * 2,
    "index_made": lambda x: x[:, np.array([1, -1])] + 1,
    "index_computed": lambda x: x[(x[:, 0] > 0).astype(int)] * 2,
    "index_number": lambda x: x[x[:, 0].argmax()] - 1,
    "searchsorted": lambda x: np.searchsorted(np.sort(x[0]), x[1]) + 1,
    "interp": lambda x: np.interp(x[0], np.sort(x[1]), x[2] * 2) - 1,
    "diag": lambda x: np.diag(x[0] * 2) + 1,
    # parts that are computed apart
    "sum_of_joined": lambda x: np.concatenate([x * 2, x + 1]).sum(axis=0) + x[0],
    "joined_sums": lambda x: np.concatenate([x.sum(axis=0), x.sum(axis=1) * 2]) + 1,
    "stacked_sums": lambda x: np.stack([x.min(axis=0), x.max(axis=0) * 2]) - 1,
    "gradient_of_mean": lambda x: np.gradient(x.mean(axis=0) * 2) + 1,
    "histogram": lambda x: np.histogram(x * 2, bins=4, range=(-4.0, 4.0))[0] * 2,
}
# fmt: on
LINEAR = {
    "inv": lambda x: np.linalg.inv(x * 2) @ x,
    "solve": lambda x: np.linalg.solve(x, x[:, 0] * 2) + 1,
    "det": lambda x: x / np.linalg.det(x),
    "svd": lambda x: np.linalg.svd(x * 2),
    "svd_parts": lambda x: (lambda u, s, v: (u * s) @ v)(*np.linalg.svd(x)) - x,
    "eigh": lambda x: np.linalg.eigh(x + x.T).eigenvalues * 2,
    "cholesky": lambda x: np.linalg.cholesky(x @ x.T + 50 * np.eye(5)) + 1,
    "qr": lambda x: tuple(np.linalg.qr(x + 1)),
    "slogdet": lambda x: np.linalg.slogdet(x).logabsdet + x,
    "matrix_power": lambda x: np.linalg.matrix_power(x, 3) - x,
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_whole_arrays(name, dtype):
    function = FUNCTIONS[name]
    x = array((5, 7), dtype)
    compiled = cpjit(function)
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = function(x)
        except TypeError as error:
            with pytest.raises((TypeError, UnsupportedError, DTypeError)):
                compiled(x)
            assert "boolean" in str(error) or dtype in (BOOL, DTYPES[-1])
            return
        try:
            actual = compiled(x)
        except DTypeError:
            assert np.result_type(x, np.float16) == np.float16  # of booleans
            return
        assert_same(expected, actual)
        assert isinstance(trace(function, (x,)), Program)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_layouts(name, view):
    function, x = FUNCTIONS[name], VIEWS[view](array((5, 7)) / 7)
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_same(function(x), cpjit(function)(x))


@pytest.mark.parametrize("dtype", [F64, F32], ids=str)
@pytest.mark.parametrize("name", LINEAR)
def test_linear_algebra(name, dtype):
    function, x = LINEAR[name], SQUARE.astype(dtype.numpy)
    assert_same(function(x), cpjit(function)(x))


def test_one_program_serves_all_shapes():
    def function(x, w):
        return np.sqrt(x @ w + 1) - x.mean(axis=1, keepdims=True)

    compiled = cpjit(function)
    chance = np.random.default_rng(1)
    for n, k, m in [
        (5, 3, 4),
        (200, 70, 300),
        (2, 2, 2),
        (100, 100, 100),
        (0, 3, 4),
        (70, 200, 65),
    ]:
        x, w = chance.random((n, k)), chance.random((k, m))
        assert_same(function(x, w), compiled(x, w))
    assert compiled.signatures == ["f64[:, :], f64[:, :]"]
    assert_same(function(x[:1], w), compiled(x[:1], w))
    assert len(compiled.signatures) == 2


def test_extents_of_one_are_a_signature_of_their_own():
    compiled = cpjit(lambda x: x - np.sort(x, axis=0))
    for x in (A, A[:1], A[:, :1], A[:1, :1]):
        assert_same(compiled.py_func(x), compiled(x))


def test_the_text_of_a_program():
    def function(x, w, n):
        e = np.exp(x - x.max(axis=n))
        with np.errstate(divide="ignore"):
            return e / e.sum(axis=0), np.linalg.norm(w * 2)

    assert str(trace(function, (A, A[0], 0))) == "\n".join(
        [
            "function(x: f64[:, :], w: f64[:], n: int)",
            "  b3 = numpy.max(x, axis=n)  f64[:]",
            "  %0 = subtract x b3  f64",
            "  %1 = exp %0         f64",
            "  t8 = %1",
            "  b4 = numpy.sum(t8, axis=0)  f64[:]",
            "  %0 = multiply w 2.0  f64",
            "  t9 = %0",
            "  b5 = numpy.linalg.norm(t9)  f64",
            "  %0 = divide t8 b4  f64",
            "  t10 = %0",
            "  where n == 0",
            "  return (t10, b5)",
        ]
    )


def test_equal_values_are_arrays_of_their_own():
    def twice(x):
        total = x.sum()
        return x * 2 + total, x * 2 + total

    def stored(x):
        first, second = np.sqrt(x), np.sqrt(x)
        return first, second, first.sum()

    def viewed(x):
        first = np.sqrt(x)
        part = first[1:]
        part += 1
        return first, np.sqrt(x), part, np.sqrt(x)

    x = abs(A) + 1
    for function in (twice, stored, viewed):
        for call in (cpjit(function), lambda x: cpjit(function).bind(x)()):  # noqa: B023
            results, expected = call(x), function(x)
            assert_same(expected, results)
            for one, other in itertools.combinations(range(len(results)), 2):
                shared = np.shares_memory(expected[one], expected[other])
                assert np.shares_memory(results[one], results[other]) == shared


def test_integers_among_the_arguments_are_looked_at():
    compiled = cpjit(lambda x, axis: x.sum(axis=axis) * 2)
    for axis in (0, 1, -1, 0):
        assert_same(A.sum(axis=axis) * 2, compiled(A, axis))
    assert compiled.signatures[0] == "f64[:, :], int where axis == 0"


def test_numbers_with_a_point_are_not():
    compiled = cpjit(lambda x, q: np.quantile(x, q, axis=0) * 2)
    for q in (0.1, 0.5, 0.75):
        assert_same(np.quantile(A, q, axis=0) * 2, compiled(A, q))
    assert compiled.signatures == ["f64[:, :], float"]


def test_results_are_numpys_own_arrays():
    def function(x):
        ordered = np.sort(x, axis=0)
        return ordered, ordered, x, np.linalg.svd(x, full_matrices=False), x.sum()

    first, again, given, parts, total = cpjit(function)(A)
    assert first is again
    assert given is A
    assert_same(function(A)[3:], (parts, total))


def test_out_and_bound_calls():
    def function(x):
        return x - x.mean(axis=0), x.sum()

    compiled = cpjit(function)
    out = np.empty_like(A)
    result, total = compiled(A, out=(out, None))
    assert result is out
    assert_same(function(A), (out, total))
    assert_same(function(A), compiled.bind(A)())
    for name in ("norm", "sum_axis", "shares"):
        in_place = A.copy()
        expected = FUNCTIONS[name](A)
        assert cpjit(FUNCTIONS[name])(in_place, out=in_place) is in_place
        assert_same(expected, in_place)
    wrong = np.empty((5, 7), np.int32)
    with pytest.raises(Exception, match="wrong dtype"):
        compiled(A, out=(wrong, None))


@pytest.mark.parametrize("name", ["norm", "sum_axis", "sort", "mean_std", "sum_of_joined"])
@pytest.mark.parametrize(
    "rows, columns", [(slice(1, 6), slice(0, 14, 2)), (slice(0, 5), slice(1, 8))]
)
def test_out_that_overlaps_an_argument(name, rows, columns):
    function = FUNCTIONS[name]
    memory = np.zeros((6, 16))
    x, out = memory[:5, :14:2], memory[rows, columns]
    x[...] = A
    expected, around = function(A), memory.copy()
    around[rows, columns] = expected
    assert cpjit(function)(x, out=out) is out
    assert_same(around, memory)


def test_kernels_and_reports():
    compiled = cpjit(FUNCTIONS["shares"])
    kernels = compiled.lower(A)
    assert len(kernels.each) == 3
    assert "max over (1,) kept of x" in str(kernels)
    assert "fold maximum x to out0 vb" in str(kernels)
    report = compiled.explain(A)
    assert re.search("kernel 2 +sum", str(report))
    with pytest.raises(UnsupportedError, match="so it has no kernel"):
        cpjit(np.sort).lower(A)


def test_errors_of_numpy_are_raised_at_the_users_line():
    def function(x):
        return np.linalg.inv(x * 0) + 1  # here

    compiled = cpjit(function)
    with pytest.raises(np.linalg.LinAlgError) as caught:
        compiled(SQUARE)
    lines = [str(each.statement) for each in caught.traceback]
    assert any("# here" in each for each in lines)
    with pytest.raises(ValueError, match="matmul"):
        cpjit(lambda x: x @ x)(A)
    with pytest.raises(np.exceptions.AxisError):
        cpjit(lambda x: x.sum(axis=5))(A)


def test_warnings_of_numpy_are_of_the_users_file():
    def function(x):
        return np.nanmean(x * np.nan) + x

    for call in (function, cpjit(function)):
        with pytest.warns(RuntimeWarning, match="Mean of empty slice") as found:
            call(A)
        assert found[0].filename == __file__


def test_errstate_inside_is_that_of_the_call():
    def function(x):
        with np.errstate(all="ignore"):
            y = np.prod(x * 1e300, axis=0)
        return y * 0.5

    with np.errstate(all="raise"):
        assert_same(function(A), cpjit(function)(A))
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        cpjit(lambda x: np.prod(x * 1e300, axis=0))(A)


def test_errors_of_what_several_steps_need_are_reported_once():
    def function(x):
        y = 1 / (x - x[0, 0])
        return y * 0.5 - (y + 1).max() - np.sqrt(y).min()

    def reported(call):
        reports = []
        with np.errstate(all="call", call=lambda kind, flag: reports.append(kind)):
            call(A)
        return sorted(reports)

    assert reported(function) == reported(cpjit(function)) == ["divide by zero", "invalid value"]


def test_warnings_are_caught_inside():
    def function(x):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return np.nanmean(x * np.nan) + x

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(function(A), cpjit(function)(A))


def test_views_that_contents_choose_are_not_written_to():
    def of_argument(x):
        row = x[x[:, 0].argmax()]
        row += 1
        return row

    def of_computed(x):
        y = x * 2
        row = y[y[:, 0].argmax()]
        y += 1
        return row

    def of_a_copy(x):
        rows = x[[0, 1]]
        rows += 1
        return rows

    for function in (of_argument, of_computed):
        before = A.copy()
        with pytest.raises(UnsupportedError, match="shares memory with"):
            cpjit(function)(A)
        assert_same(before, A)
    assert_same(of_a_copy(A), cpjit(of_a_copy)(A))
    row = cpjit(lambda x: x[x[:, 0].argmax()])(A)
    assert np.shares_memory(row, A)


# -- contents -----------------------------------------------------------------------------------


def checked(x):
    if (x < -2).any():
        raise ValueError("too small")
    return np.sqrt(abs(x)) * 2


def converging(x, tolerance):
    y = abs(x) + 1
    for _ in range(20):
        new = 0.5 * (y + abs(x) / y)
        if np.abs(new - y).max() < tolerance:
            break
        y = new
    return y


# fmt: off
LOOKS = {
    "raises": checked,
    "branch": lambda x: x * 2 if x.mean() > 0 else x - x.mean(),
    "element": lambda x: x + 1 if x[0, 0] > 0.5 else x[::-1] * 2,
    "and": lambda x: x if x.max() > 0 and x.min() < -1 else -x,
    "python_max": lambda x: x * max(x[0, 0], x[0, 1], 0.25),
    "slice": lambda x: x[: int(abs(x[0, 0]) + 1)] * 2,
    "range": lambda x: sum(x * k for k in range(x[0].argmax() + 1)),
    "index": lambda x: [x, x + 1, x * 2][np.count_nonzero(x[0] > 1) % 3],
    "assertion": lambda x: x * 2 if np.all(np.isfinite(x)) else np.nan_to_num(x),
    "loop": lambda x: converging(x, 1e-6),
    "none": lambda x: None if x.sum() > 1e9 else x * 2,
}
# fmt: on


@pytest.mark.parametrize("name", LOOKS)
def test_python_looks_at_contents(name):
    function = LOOKS[name]
    compiled = cpjit(function)
    for scale in (1.0, 0.5, -0.3, 1.0, 3.0, -1.0, 1.0):
        x = A * scale
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                expected = function(x)
            except ValueError as error:
                with pytest.raises(ValueError, match=str(error)):
                    compiled(x)
                continue
            assert_same(expected, compiled(x))
            out = np.empty(expected.shape)
            assert_same(expected, compiled(x, out=out))


def test_indices_and_arguments_are_not_looked_at():
    def function(x):
        return x[x[:, 0].argmax()] + np.take(x, x[0].argmin(), axis=1)[0] + x[:, x[0].argmax()][0]

    assert "where" not in str(trace(function, (A,)))


def test_a_check_is_a_step():
    assert "  where bool(b1) == False" not in str(trace(checked, (A,)))
    assert "  where b1 == False" in str(trace(checked, (A,))).split("\n")


def test_calls_that_miss_run_as_written():
    runs = []

    def function(x):
        runs.append(1)
        return x * 2 if x[0, 0] > 0 else x * 3

    compiled = cpjit(function)
    compiled(A + 9)  # it is traced
    compiled(A + 9)
    assert len(runs) == 1
    for _ in range(12):
        assert_same(A * 3, compiled(A))
    assert_same(A * 2 + 18, compiled(A + 9))
    # After eight misses in a row, all calls with such arrays run as written.
    assert len(runs) == 1 + 12 + 1
    assert_same((A + 9)[:3] * 2, compiled(A[:3] + 9))
    assert len(runs) == 14


def test_a_number_with_a_point_is_not_looked_at():
    with pytest.raises(TraceError, match="needs a value"):
        cpjit(lambda x: x * float(x.sum()))(A)


def test_arrays_of_several_elements_have_no_truth():
    with pytest.raises(TraceError, match="needs a value"):
        cpjit(lambda x: x if x > 0 else -x)(A)


def test_arguments_go_when_a_trace_has_ended():
    x = A.copy()
    count = sys.getrefcount(x)
    gc.disable()
    try:
        cpjit(checked)(x)
        with pytest.raises(TraceError):
            cpjit(lambda x: x if x.sum() > 0 and x > 0 else -x)(x)
        assert sys.getrefcount(x) == count
    finally:
        gc.enable()


# -- shapes -------------------------------------------------------------------------------------


def test_shapes_that_depend_on_contents_are_refused():
    for function in (
        lambda x: x[np.array([True, False, True, False, True]), 1:],
        lambda x: x[x[:, 0] > 0],
        lambda x: np.nonzero(x),
        lambda x: np.unique(x),
    ):
        with pytest.raises(UnsupportedError):
            cpjit(function)(A)


def test_masks_that_the_function_makes_are_known():
    def function(x):
        mask = np.zeros(len(x), bool)
        mask[::2] = True
        rows = x[mask] * 2
        x[mask] = rows[::-1]
        x[[False, True, False, True, False]] += 1
        return rows, x[~mask].sum(axis=0)

    expected, given = A.copy(), A.copy()
    assert_same(function(expected), cpjit(function)(given))
    assert_same(expected, given)


def test_no_shape_is_guessed():
    for function in (
        lambda x: np.kron(x, x[:2]),
        lambda x: np.convolve(x[0], x[1], "valid"),
        lambda x: np.convolve(x[0], x[1, :70]),
        lambda x: np.diag(x[0], k=3),
        lambda x: np.partition(x, 90, axis=1)[:, 90],
        lambda x: x[:, 66:][:, [0, 3]],
    ):
        for shape in ((3, 100), (80, 120)):
            x = np.random.default_rng(0).random(shape)
            program = trace(function, (x,))
            assert_same(function(x) + 1, cpjit(lambda x, f=function: f(x) + 1)(x))
            assert isinstance(program, Program)


def test_small_arrays_run_as_written(monkeypatch):
    monkeypatch.undo()
    runs = []

    def function(x):
        runs.append(1)
        return x - x.mean()

    compiled = cpjit(function)
    for _ in range(3):
        assert_same(A - A.mean(), compiled(A))
    assert len(runs) == 4
    large = np.ones((1000, 1000))
    for _ in range(3):
        compiled(large)
    assert len(runs) == 4
    assert "This call runs as written" in str(compiled.explain(A))
    assert_same(A - A.mean(), compiled(x=A))


def test_without_machine_code(monkeypatch):
    def refuse(data, head):
        raise ExecutableMemoryError("the system refuses executable memory", seen="a test")

    monkeypatch.setattr(memory, "place", refuse)
    compiled = cpjit(FUNCTIONS["shares"])
    with pytest.warns(RuntimeWarning, match="is evaluated by NumPy: the system refuses"):
        assert_same(FUNCTIONS["shares"](A), compiled(A))


def test_threads_run_one_program():
    function = FUNCTIONS["mean_std"]
    compiled, wrong = cpjit(function), []

    def work(seed):
        x = np.random.default_rng(seed).random((50, 40))
        expected = function(x)
        for _ in range(50):
            if not np.array_equal(compiled(x), expected):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong


def test_a_compiled_function_inside_is_a_part():
    inner = cpjit(lambda x: x - x.mean())
    outer = cpjit(lambda x: np.abs(inner(x)).sum(axis=0) * 2)
    assert_same(np.abs(A - A.mean()).sum(axis=0) * 2, outer(A))
