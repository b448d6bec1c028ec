"""Arrays of constants that a function makes and computes with, and small arrays from outside."""

import copy
import pickle
import threading
import types
from functools import partial

import numpy as np
import pytest
from cases import assert_same
from test_functions import both
from tracing import refused

from cpnum import UnsupportedError, cpjit, special
from cpnum.trace.made import RUNNING, Made

X = np.array([1.0, -2.5, 4.0])
LARGE = np.arange(1000.0)


# -- computing ----------------------------------------------------------------------------------


def k(dtype=float):
    return np.arange(3, dtype=dtype)


def matrix(dtype=float):
    return np.array([[4, 1, 2], [1, 5, 3], [2, 3, 6]], dtype)


# Arrays, of a dtype, that broadcast with three elements.
COMPUTED = {
    "arithmetic": lambda t: k(t) * 2 + 1,
    "reflected": lambda t: 2 - k(t),
    "power": lambda t: k(t) ** 2,
    "ufunc": lambda t: np.sqrt(k(t)),
    "ufunc_of_two_results": lambda t: np.divmod(k(t), 2)[1],
    "comparison": lambda t: k(t) > 1,
    "outer_of_a_ufunc": lambda t: np.multiply.outer(k(t), k(t)),
    "accumulate": lambda t: np.add.accumulate(k(t)),
    "reduce": lambda t: np.add.reduce(matrix(t)),
    "slice": lambda t: np.arange(4, dtype=t)[1:],
    "reversed": lambda t: k(t)[::-1],
    "new_axis": lambda t: k(t)[:, None],
    "row": lambda t: matrix(t)[1],
    "list_of_indices": lambda t: k(t)[[2, 0, 1]],
    "mask": lambda t: np.arange(6, dtype=t)[np.arange(6) > 2],
    "reshape": lambda t: np.arange(9, dtype=t).reshape(3, 3),
    "transposed": lambda t: matrix(t).T,
    "diagonal": lambda t: matrix(t).diagonal(),
    "astype": lambda t: k(int).astype(t),
    "astype_of_a_scalar": lambda t: np.array(2.5).astype(t),
    "copy": lambda t: k(t).copy(),
    "copy_module": lambda t: copy.copy(k(t)) + copy.deepcopy(k(t)),
    "sum": lambda t: k(t).sum(),
    "mean_of_rows": lambda t: matrix(t).mean(axis=0),
    "method_cumsum": lambda t: k(t).cumsum(),
    "clip": lambda t: k(t).clip(0, 1),
    "dot": lambda t: matrix(t).dot(k(t)),
    "product_of_matrices": lambda t: matrix(t) @ k(t),
    "concatenate": lambda t: np.concatenate([np.zeros(1, t), np.ones(2, t)]),
    "stack": lambda t: np.stack([k(t), k(t)]),
    "pad": lambda t: np.pad(np.ones(1, t), 1),
    "cumsum": lambda t: np.cumsum(k(t)),
    "outer": lambda t: np.outer(k(t), k(t)),
    "meshgrid": lambda t: np.meshgrid(k(t), k(t))[1],
    "meshgrid_of_views": lambda t: np.meshgrid(k(t), k(t), copy=False)[0],
    "tril": lambda t: np.tril(np.ones((3, 3), t)),
    "vander": lambda t: np.vander(k(t)),
    "select": lambda t: np.select([k(t) > 1], [k(t)], 7),
    "where": lambda t: np.where(k(t) > 1, k(t), 5),
    "unique": lambda t: np.unique(np.array([3, 1, 2, 3], t)),
    "zeros_like": lambda t: np.zeros_like(k(t)),
    "full_like": lambda t: np.full_like(k(t), 3),
    "inverse": lambda t: np.linalg.inv(matrix(t)),
    "eigenvalues": lambda t: np.linalg.eigh(matrix(t)).eigenvalues,
    "transform": lambda t: np.fft.fft(k(t)).real,
    "array_of_arrays": lambda t: np.array([k(t), k(t) + 1]),
    "broadcast": lambda t: np.broadcast_to(np.ones(1, t), (3,)),
    "view": lambda t: k(t).view("u1").view(t),
    "empty_axis": lambda t: k(t)[:0, None],
    "no_axis": lambda t: k(t)[1, ...],
    "number": lambda t: k(t)[1],
    "in_place": lambda t: np.add(k(t), 1, out=np.zeros(3, t)),
}
REAL = ["power", "ufunc", "mean_of_rows", "astype"]


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "i4"])
@pytest.mark.parametrize("name", COMPUTED)
def test_what_numpy_computes_of_made_arrays_is_constant(name, dtype):
    if name in ("inverse", "eigenvalues", "transform") and dtype != "f8":
        return  # single precision is NumPy's own in these
    function = COMPUTED[name]
    with np.errstate(all="ignore"):
        for x in (X, X[::-1], X.astype("f4"), np.arange(3), np.float64(1.5), 2.5):
            both(lambda x: x * function(np.dtype(dtype)), x)
            both(lambda x: function(np.dtype(dtype)) - x, x)


# Arrays that are made of numbers and lists alone.
MADE = {
    "hanning": lambda: np.hanning(3),
    "kaiser": lambda: np.kaiser(3, 14.0),
    "indices": lambda: np.indices((3, 3)),
    "diag_of_a_list": lambda: np.diag([1.0, 2.0, 3.0]),
    "vander_of_a_list": lambda: np.vander([1.0, 2.0, 3.0]),
    "concatenate_of_lists": lambda: np.concatenate([[1.0], (2.0, 3.0)]),
    "outer_of_lists": lambda: np.outer([1, 2, 3], [4, 5, 6]),
    "cumsum_of_a_list": lambda: np.cumsum([1, 2, 3]),
    "fromiter": lambda: np.fromiter(range(3), float),
    "polynomial": lambda: np.polynomial.Polynomial([1.0, 2.0])(np.arange(3)),
    "quadrature": lambda: np.polynomial.legendre.leggauss(3)[0],
    "texts": lambda: (np.array(["a", "b", "c"]) == "b") * 2.0,
    "dates": lambda: np.array(["2020-01-01", "2021-01-01"], "M8[D]").astype(int)[:, None],
    "complex": lambda: np.abs(np.array([1j, 2, 3])),
    "fields": lambda: np.zeros(3, [("a", "f8"), ("b", "i4")])["b"],
    "half": lambda: np.arange(3, dtype="f2").astype("f8"),
    "tile": lambda: np.tile([1.0], 3),
    "repeat": lambda: np.repeat(2.0, 3),
    "mgrid": lambda: np.mgrid[0:3, 0:3][0],
    "ogrid": lambda: np.ogrid[0:3, 0:2][0],
    "r_": lambda: np.r_[0:2, 5.0],
    "c_": lambda: np.c_[[1.0, 2.0, 3.0]],
    "linspace": lambda: np.linspace(0, 1, 3) ** 2,
    "a_list_of_made_arrays": lambda: np.array([[1.0, 2.0, 3.0]]).T,
}


@pytest.mark.parametrize("name", MADE)
def test_arrays_of_numbers_and_lists_are_constants(name):
    both(lambda x: x * MADE[name](), X)
    both(lambda x: (MADE[name]() * 2) - x, X.astype("f4"))


# -- writing ------------------------------------------------------------------------------------


def elements(x):
    a = np.zeros((3, 3))
    a[0, 1] = 2.0
    a[1] = [1, 2, 3]
    a[2, ::2] = np.arange(2)
    return x[..., None] * a


def between_uses(x):
    w = np.arange(3.0)
    x = x * w
    w[:] = 7.0
    x = x + w
    w += 1
    return x - w


def overlapping(x):
    w = np.arange(3.0)
    w[1:] = w[:-1]
    return x * w


def indices(x):
    a = np.ones((3, 3))
    a[np.tril_indices(3)] = 5
    a[np.diag_indices(3)] = np.arange(3)
    a[a > 4] *= 2
    return x * a


def through_views(x):
    a = np.zeros((3, 3))
    a.T[0] = 3
    a.reshape(9)[5] = 4
    a.ravel()[0] = 1
    a[:, 1][:2] = 8
    return x * a


def methods(x):
    a = np.array([3.0, 1.0, 2.0])
    a.sort()
    a[::-1].sort()
    a.put([0], 9.0)
    b = np.zeros(3)
    b.fill(2)
    return x * a + b


def functions(x):
    a = np.zeros((3, 3))
    np.fill_diagonal(a, 2)
    np.copyto(a[0], np.arange(3))
    np.put(a, [4], 8.0)
    np.add.at(a, (1, 1), 1.0)
    np.add(a, 1, out=a)
    np.multiply(a, 2, out=a, where=a > 2)
    return x * a


def filled_rows(x):
    a = np.empty((3, 3))
    for at in range(3):
        a[at] = np.arange(3.0) + at
    return x * a


def in_place(x):
    a = np.arange(3.0)
    b = a
    a *= 2
    a -= np.ones(3)
    a **= 2
    return x * a + b


def of_elements(x):
    for each, row in zip(np.arange(3.0), np.eye(3), strict=True):
        x = x * each + row
    return x if np.ones(3).all() else -x


WRITING = [
    elements, between_uses, overlapping, indices, through_views, methods, functions, filled_rows,
    in_place, of_elements,
]  # fmt: skip


@pytest.mark.parametrize("function", WRITING, ids=lambda each: each.__name__)
def test_each_use_has_the_elements_of_its_time(function):
    for x in (X, X[::-1], X.astype("f4"), np.arange(3)):
        both(function, x)


def test_a_number_that_is_assigned_has_a_guard():
    def assigning(x, n):
        a = np.zeros(n)
        a[1] = n
        return x * a * np.arange(n)

    compiled = cpjit(assigning)
    for n in (3, 3, 2):
        assert_same(assigning(X[:n], n), compiled(X[:n], n))


def test_numbers_among_the_arguments_are_looked_at():
    for n in (3, np.int64(3)):
        both(lambda x, n: x * np.repeat(2.0, n) + np.tile([1.0], n) * np.hanning(n), X, n)
        both(lambda x, n: x * np.linspace(0, 1, n) + np.ones((n, n)) * np.eye(n), X, n)
        both(lambda x, n: x * np.arange(9).reshape(n, n) + np.arange(9)[::n], X, n)
        both(lambda n: np.stack([n, 1.0, n]), n)


def write_all(a):
    a[:] = LARGE[:3]


def write_by_memory(a):
    memoryview(a)[0] = LARGE[1]


# What writes elements from outside to an array of three.
FOREIGN = {
    "assignment": write_all,
    "view": lambda a: write_all(a[::-1]),
    "ufunc": lambda a: np.add(a, LARGE[:3], out=a),
    "function": lambda a: np.copyto(a, LARGE[:3]),
    "method": lambda a: a.put([0, 1], LARGE[:2]),
    "generator": lambda a: np.random.default_rng(0).random(out=a),
    "memory": write_by_memory,
    "plain_view": lambda a: write_all(np.lib.stride_tricks.as_strided(a)),
    "iterator": lambda a: write_all(a.flat),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_an_array_with_elements_from_outside_is_none(name):
    def function(x):
        a = np.zeros(3)
        FOREIGN[name](a)
        return x * (a + 1)

    text = refused(UnsupportedError, function, X)
    assert "not an argument" in text
    assert "return x * (a + 1)" in text


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.arange(3) + LARGE[:3],
        lambda: np.concatenate([np.ones(1), LARGE[:2]]),
        lambda: np.vectorize(lambda each: each + LARGE[1])(np.arange(3)),
        lambda: np.apply_along_axis(lambda row: row + LARGE[:3], 0, np.arange(3)),
        lambda: np.array([LARGE[:3]]),
        lambda: np.frompyfunc(lambda each: each + LARGE[1], 1, 1)(np.arange(3)).astype(float),
        lambda: np.fromfunction(lambda at: LARGE[at], (3,), dtype=int),
    ],
)
def test_what_is_computed_of_arrays_from_outside_is_none(make):
    assert "not an argument" in refused(UnsupportedError, lambda x: x * make(), X)


def test_traced_values_are_assigned():
    def one(x):
        a = np.zeros(3)
        a[0] = x[1]
        return x * a

    def several(x):
        a = np.zeros(3)
        a += x
        return a

    for function in (one, several):
        assert_same(function(X), cpjit(function)(X))


def by_indices(x):
    return (np.arange(10.0) ** 2)[abs(x).astype(int)] * 2


def by_pairs(x):
    return matrix()[abs(x.argmin()), [0, 1]] + matrix()[:, x.argmax()][:2]


def by_a_mask(x):
    table = np.arange(3.0)
    table[x > 0] = table[x > 0] * 2 + 1
    return table


@pytest.mark.parametrize("function", [by_indices, by_pairs, by_a_mask])
def test_elements_are_chosen_by_traced_values(function):
    for x in (X, X[::-1]):
        assert_same(function(x), cpjit(function).bind(x)())


def test_an_array_that_is_resized_is_refused():
    assert "np.zeros(count)" in refused(UnsupportedError, lambda x: np.ones(3).resize(4), X)


# -- results ------------------------------------------------------------------------------------


def same_twice(x):
    a = np.arange(3.0)
    return a, {"a": a, "x": x * a}


RETURNED = {
    "alone": lambda x: np.zeros(3),
    "of_the_shape": lambda x: np.ones(x.shape),
    "beside_others": lambda x: (x + 1, np.arange(3) * 2),
    "fortran": lambda x: np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "view": lambda x: np.arange(6)[::-2],
    "without_axes": lambda x: [np.zeros(()), np.array(2)],
    "empty": lambda x: np.zeros((0, 3)),
    "several": lambda x: np.meshgrid(np.arange(2), np.arange(3)),
    "same_twice": same_twice,
}


@pytest.mark.parametrize("name", RETURNED)
def test_a_made_array_that_is_returned_is_a_new_one_at_each_call(name):
    both(RETURNED[name], X)
    compiled = cpjit(RETURNED[name])
    first, second = compiled(X), compiled(X)
    assert_same(first, second)
    if isinstance(first, np.ndarray):
        expected = first.copy()
        first[...] = 9
        assert_same(expected, second)
        assert_same(expected, compiled(X))


def test_a_result_that_is_one_object_twice_stays_one():
    a, others = cpjit(same_twice)(X)
    assert others["a"] is a


def test_returned_arrays_that_share_memory_are_refused():
    def sharing(x):
        a = np.arange(3.0)
        return a, a[1:]

    assert "share memory" in refused(UnsupportedError, sharing, X)
    assert "does not depend" in refused(
        UnsupportedError, lambda x: np.broadcast_to(np.zeros(1), (3,)), X
    )


# -- what others see ----------------------------------------------------------------------------


def kept():
    """Return a made array that a function kept when its trace had ended."""
    found = []

    def keeping(x):
        found.append(np.arange(3.0) * 2)
        return x * found[0]

    cpjit(keeping)(X)
    assert type(found[0]) is Made
    return found[0]


def test_a_made_array_that_is_kept_is_as_any_array():
    array, expected = kept(), np.arange(3.0) * 2
    assert isinstance(array, np.ndarray)
    assert array.__class__ is np.ndarray
    assert repr(array) == repr(expected)
    assert f"{array}" == f"{expected}"
    for result in (
        array + 1, np.sqrt(array), np.concatenate([array, array]), array.copy(), array.sum(axis=0),
        array[[0]], pickle.loads(pickle.dumps(array)), np.add.outer(array, array),
    ):  # fmt: skip
        assert type(result) in (np.ndarray, np.float64)
    with pytest.raises(AttributeError):
        array.name = "weights"
    array += 1
    array[0] = 5
    expected += 1
    expected[0] = 5
    assert_same(expected, np.array(array))
    assert_same(expected * 2, cpjit(lambda x: x * 2)(array))
    assert_same(expected * 2, cpjit(lambda several: several[0] * 2)([array]))


def test_a_kept_array_does_not_keep_the_trace():
    assert type(kept().memory.trace) is object


def test_the_array_of_another_trace_is_from_outside():
    array = [kept()]
    assert "not an argument" in refused(UnsupportedError, lambda x: x * array[0], X)


def test_other_threads_have_plain_arrays():
    found = []

    def threaded(x):
        a = np.arange(3.0)
        thread = threading.Thread(target=lambda: found.extend([np.zeros(3), a * 2]))
        thread.start()
        thread.join()
        return x * a

    both(threaded, X)
    assert [type(each) for each in found] == [np.ndarray] * 4


def test_a_module_that_is_imported_meanwhile_has_plain_arrays(tmp_path, monkeypatch):
    (tmp_path / "with_a_table.py").write_text("import numpy as np\ntable = np.arange(3.0)")
    monkeypatch.syspath_prepend(tmp_path)

    def importing(x):
        import with_a_table

        return x + len(with_a_table.table)

    cpjit(importing)(X)
    import with_a_table

    assert type(with_a_table.table) is np.ndarray


def test_compiled_functions_that_are_called_have_made_arrays():
    inner = cpjit(lambda a: (a * 2, a))

    both_of = cpjit(lambda several: several["a"] * 2 + several["b"])

    def outer(x):
        a = np.arange(3.0)
        twice, itself = inner(a)
        twice += both_of({"a": a, "b": 2.0})
        out = np.zeros(3)
        inner(a, out=(out, None))
        return x * twice + special.erfc(a) + (itself is a) + out

    both(outer, X)


REPORTING = {
    "divide": lambda: 1 / np.arange(3.0),
    "invalid": lambda: np.log(-np.ones(3)),
    "over": lambda: np.exp(np.full(3, 1e3)),
}


@pytest.mark.parametrize("kind", REPORTING)
def test_errors_that_numpy_would_report_at_each_call_are_refused(kind):
    def reporting(x):
        return x * REPORTING[kind]()

    def quiet(x):
        with np.errstate(**{kind: "ignore"}):
            made = REPORTING[kind]()
        return x * made

    assert f'np.errstate({kind}="ignore")' in refused(UnsupportedError, reporting, X)
    both(quiet, X)
    with np.errstate(**{kind: "ignore"}):
        both(reporting, X)
    with np.errstate(**{kind: "raise"}), pytest.raises(FloatingPointError):
        cpjit(reporting)(X)


def test_made_arrays_are_stacked_with_traced_values():
    both(lambda x: np.stack([x, np.arange(3.0), np.ones(3) * 2]), X)
    both(lambda x: np.array([np.arange(3.0) + 1, x]), X)
    both(lambda x: np.column_stack((np.arange(3.0), x)), X)
    both(lambda x: np.meshgrid(x, np.arange(2) * 2)[1] + x, X)
    both(lambda x: np.outer(np.arange(3) + 1, x), X)


def test_errors_are_numpys():
    both(lambda x: x * (np.arange(3) + np.arange(2)), X)
    both(lambda x: x * np.arange(3)[5], X)
    both(lambda x: x * np.linalg.inv(np.zeros((2, 2))), X)
    assert RUNNING.builder is None


# -- arrays from outside ------------------------------------------------------------------------

SETTINGS = types.ModuleType("settings_of_arrays")
SETTINGS.weights = np.arange(3.0)
WEIGHTS = np.arange(3.0)
TABLE = np.arange(12.0).reshape(4, 3)


def of_default(x, weights=WEIGHTS):
    return x * weights


def of_keyword(x, *, weights=WEIGHTS):
    return x - weights


compiled_helper = cpjit(of_default)


def enclosing(weights):
    return lambda x: np.where(x > 0, weights, x)


def assigned_to_a_made_array(x):
    a = np.zeros(3)
    a[:] = WEIGHTS
    return x * (a + WEIGHTS)


# A function, and the array that it reads.
OUTSIDE = {
    "global": (lambda x: x * WEIGHTS, WEIGHTS),
    "view": (lambda x: x * WEIGHTS[::-1] + WEIGHTS[1:2], WEIGHTS),
    "rows_of_a_view": (lambda x: TABLE[1:] * x, TABLE),
    "transposed": (lambda x: x + TABLE.T[0, 1] - TABLE[0], TABLE),
    "element": (lambda x: x * WEIGHTS[0], WEIGHTS),
    "sum": (lambda x: x * WEIGHTS.sum(), WEIGHTS),
    "conversion": (lambda x: np.asarray(WEIGHTS) * x, WEIGHTS),
    "copy": (lambda x: (np.array(WEIGHTS) * 2) * x, WEIGHTS),
    "default": (of_default, WEIGHTS),
    "keyword": (of_keyword, WEIGHTS),
    "partial": (partial(lambda weights, x: x * weights, WEIGHTS), WEIGHTS),
    "enclosing": (enclosing(WEIGHTS), WEIGHTS),
    "module": (lambda x: x * SETTINGS.weights, SETTINGS.weights),
    "helper": (lambda x: of_default(x) + 1, WEIGHTS),
    "compiled_helper": (lambda x: compiled_helper(x) + 1, WEIGHTS),
    "made": (assigned_to_a_made_array, WEIGHTS),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_each_call_compares_small_arrays_from_outside(name):
    function, array = OUTSIDE[name]
    compiled = cpjit(function)
    before = array.copy()
    try:
        assert_same(function(X), compiled(X))
        kernels = compiled._cache
        assert_same(function(X), compiled(X))
        assert compiled._cache is kernels
        for change in (5.0, -0.0, np.nan):
            array[...] = change
            array.flat[1] = 2.0
            assert_same(function(X), compiled(X))
            assert_same(function(X), compiled(X, out=np.empty_like(compiled(X))))
    finally:
        array[...] = before


@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "i4", "?"])
def test_small_arrays_from_outside_have_any_dtype_and_layout(dtype):
    for array in (
        np.arange(3).astype(dtype), np.arange(6).astype(dtype)[::-2], np.array(2, dtype),
        np.ones((3, 1), dtype), np.asfortranarray(np.arange(6).reshape(2, 3).astype(dtype)),
        np.zeros((0, 3), dtype),
    ):  # fmt: skip
        both(lambda x: x + array, X)  # noqa: B023
        both(lambda x: array * x, X.astype("f4"))  # noqa: B023


def test_what_is_computed_of_small_arrays_from_outside_is_refused_with_advice():
    with pytest.raises(UnsupportedError, match=r"np\.array\(w\)"):
        cpjit(lambda x: x * (WEIGHTS * 2))(X)
    both(lambda x: x * (np.array(WEIGHTS) * 2), X)


def test_another_array_is_another_value():
    weights = np.arange(3.0)
    compiled = cpjit(lambda x: x * weights)
    compiled(X)
    weights = np.arange(3.0) + 1
    assert_same(X * weights, compiled(X))
    weights = np.arange(3.0, dtype="f4")
    assert_same(X.astype("f4") * weights, compiled(X.astype("f4")))


def test_an_array_that_the_function_writes_to_is_written_at_each_call():
    steps = np.zeros(3)

    def stepping(x):
        steps[0] += 1
        return x * steps

    compiled = cpjit(stepping)
    for _ in range(3):
        expected = X * (steps + np.eye(3)[0])
        assert_same(expected, compiled(X))


LISTED = [WEIGHTS]
OBJECT = types.SimpleNamespace(weights=WEIGHTS)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * LARGE[:3],
        lambda x: x * LISTED[0],
        lambda x: x * OBJECT.weights,
        lambda x: x * (WEIGHTS * 2),
        lambda x: x * np.ma.array(WEIGHTS),
    ],
)
def test_other_arrays_from_outside_are_refused(function):
    with pytest.raises(UnsupportedError, match="not an argument"):
        cpjit(function)(X)


def test_a_function_that_reads_no_arrays_compares_none():
    n = 2.0
    compiled = cpjit(lambda x: x * n)
    compiled(X)
    assert compiled._cache.outside.watched() == {}
