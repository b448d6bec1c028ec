"""`out`: its layouts, its dtypes, arguments that it overlaps, and what is refused."""

import ctypes
import itertools
import tracemalloc
import warnings

import numpy as np
import pytest
from arrays import VIEWS, array
from cases import assert_same, quiet, row_name
from numpy.lib.stride_tricks import as_strided

from cpnum import CpnumError, OutError, cpjit
from cpnum.run import bound, pieces, prepared
from cpnum.tables.dtypes import DTYPES, F32, F64


@pytest.mark.parametrize("name", [name for name in VIEWS if not name.startswith("one")])
@pytest.mark.parametrize("dtype", DTYPES, ids=row_name)
def test_out_of_every_layout(dtype, name, level):
    def function(x, y):
        return np.where(x == y, y, x)

    compiled = cpjit(function, isa=level)
    for shape in ((67,), (5, 37), (3, 4, 5)):
        x, y = array(shape, dtype), array(shape, dtype, 1)
        out = VIEWS[name](np.zeros(shape, dtype.numpy))
        with quiet():
            assert compiled(x, y, out=out) is out
            assert_same(function(x, y), out.copy(), (name, dtype, shape))


def test_out_writes_no_other_element(level):
    whole = np.full((9, 40), 7.0)
    x = array((4, 13))
    with quiet():
        cpjit(lambda x: x * 2.0, isa=level)(x, out=whole[1:8:2, 1::3])
        expected = np.full((9, 40), 7.0)
        expected[1:8:2, 1::3] = x * 2.0
    assert_same(expected, whole)


# (arguments, out) as views of one array of 60 elements.
# fmt: off
OVERLAPS = {
    "exact": lambda u: (u, u),
    "shifted forward": lambda u: (u[:-1], u[1:]),
    "shifted backward": lambda u: (u[1:], u[:-1]),
    "far forward": lambda u: (u[:-20], u[20:]),
    "reversed": lambda u: (u, u[::-1]),
    "out reversed and shifted": lambda u: (u[:-1], u[:0:-1]),
    "interleaved": lambda u: (u[::2], u[1::2]),
    "spread": lambda u: (u[:30], u[::2]),
    "gathered": lambda u: (u[::2], u[:30]),
    "disjoint": lambda u: (u[:30], u[30:]),
    "transposed": lambda u: (u[:49].reshape(7, 7), u[:49].reshape(7, 7).T),
    "rows shifted": lambda u: (u.reshape(6, 10)[:-1], u.reshape(6, 10)[1:]),
    "columns shifted": lambda u: (u.reshape(6, 10)[:, :-1], u.reshape(6, 10)[:, 1:]),
    "one element": lambda u: (u[5:6], u),
    "a row": lambda u: (u.reshape(6, 10)[3], u.reshape(6, 10)),
    "a column": lambda u: (u.reshape(6, 10)[:, 4:5], u.reshape(6, 10)),
}
# fmt: on


@pytest.mark.parametrize("dtype", DTYPES, ids=row_name)
@pytest.mark.parametrize("name", OVERLAPS)
def test_out_that_overlaps_an_argument(name, dtype, level):
    def function(x, y):
        return np.where(x != y, x, y)

    compiled = cpjit(function, isa=level)
    u, other = array((60,), dtype), array((60,), dtype, 1)
    with quiet():
        for modes in ({"all": "ignore"}, {"all": "warn"}):
            for swapped in (False, True):
                mine, numpys = u.copy(), u.copy()
                x, out = OVERLAPS[name](numpys)
                y = other[: x.size].reshape(x.shape)
                arguments = (y, x) if swapped else (x, y)
                expected = function(*(each.copy() for each in arguments))
                out[...] = expected
                x, out = OVERLAPS[name](mine)
                arguments = (y, x) if swapped else (x, y)
                with np.errstate(**modes):
                    assert compiled(*arguments, out=out) is out
                assert_same(numpys, mine, (name, dtype, swapped, modes))


# fmt: off
OVERLAPS_INSIDE = {
    "difference, first": (lambda u: u[1:] - u[:-1], lambda u: u[1:]),
    "difference, second": (lambda u: u[1:] - u[:-1], lambda u: u[:-1]),
    "reversed": (lambda u: u - u[::-1], lambda u: u),
    "transposed": (lambda u: u[:, :9] + u[:, :9].T, lambda u: u[:, :9]),
    "four neighbours": (
        lambda u: (u[1:-1, 2:] + u[1:-1, :-2] + u[2:, 1:-1] + u[:-2, 1:-1]) * 0.25,
        lambda u: u[1:-1, 1:-1],
    ),
    "by its first element": (lambda u: u * u[0, 0], lambda u: u),
    "by its first row": (lambda u: u - u[0], lambda u: u),
}
# fmt: on


@pytest.mark.parametrize("name", OVERLAPS_INSIDE)
def test_out_that_overlaps_views_inside_of_the_function(name, level):
    function, part = OVERLAPS_INSIDE[name]
    compiled = cpjit(lambda u: function(u), isa=level)
    numpys = array((9, 11))
    mine = numpys.copy()
    with quiet():
        part(numpys)[...] = function(numpys.copy())
        compiled(mine, out=part(mine))
    assert_same(numpys, mine, name)


def test_errors_of_an_overwritten_argument_are_those_of_its_old_values(level):
    compiled = cpjit(lambda x: np.log(x), isa=level)
    for out in (lambda x: x, lambda x: x[::-1]):
        x = np.array([1.0, 2.0, 0.0, 3.0])
        with pytest.warns(RuntimeWarning, match="divide by zero encountered in log") as caught:
            compiled(x, out=out(x))
        assert len(caught) == 1
        calm = np.array([1.0, 2.0, 3.0, 0.5])
        compiled(calm, out=out(calm))


def test_out_of_another_dtype_overlaps(level):
    compiled = cpjit(lambda x: x * 1.5, isa=level)
    raw = np.arange(40.0)
    expected = (raw[:20] * 1.5).astype(np.float32)
    out = raw.view(np.float32)[5:25]
    compiled(raw[:20], out=out)
    assert_same(expected, out.copy())


OUT_CASTS = list(itertools.product(DTYPES, DTYPES))


@pytest.mark.parametrize(("source", "to"), OUT_CASTS, ids=row_name)
def test_out_of_another_dtype_is_cast_within_its_kind(source, to, level):
    def function(x, y):
        return np.maximum(x, y)

    compiled = cpjit(function, isa=level)
    x, y = array((67,), source), array((67,), source, 1)
    out = np.zeros(67, to.numpy)
    with quiet():
        if np.can_cast(source.numpy, to.numpy, "same_kind"):
            expected = np.maximum(x, y, out=np.zeros(67, to.numpy), casting="same_kind")
            assert compiled(x, y, out=out) is out
            assert_same(expected, out, (source, to), x, y)
        else:
            with pytest.raises(OutError):
                compiled(x, y, out=out)
            assert not out.any()


def test_an_out_that_is_wider_is_filled(level):
    x, out = array((4,)), np.zeros((3, 4))
    with quiet():
        cpjit(lambda x: x + 1.0, isa=level)(x, out=out)
        assert_same(np.add(x, 1.0, out=np.zeros((3, 4))), out)


def _read_only():
    out = np.zeros(5)
    out.flags.writeable = False
    return out


# fmt: off
WRONG_OUTS = {
    "shorter": lambda: np.zeros(4),
    "longer": lambda: np.zeros(6),
    "one": lambda: np.zeros(1),
    "fewer axes": lambda: np.zeros(()),
    "read-only": _read_only,
    "a list": lambda: [0.0] * 5,
    "a number": lambda: 0.0,
    "int64": lambda: np.zeros(5, np.int64),
    "complex": lambda: np.zeros(5, complex),
    "float16": lambda: np.zeros(5, np.float16),
    "big-endian": lambda: np.zeros(5, ">f8"),
    "a matrix": lambda: np.zeros((1, 5)).view(np.ma.MaskedArray)[0],
    "one element": lambda: as_strided(np.zeros(9)[4:], (5,), (0,)),
    "rows of one element": lambda: as_strided(np.zeros(14)[4:], (2, 5), (40, 0)),
    "windows": lambda: as_strided(np.zeros(9), (5, 5), (8, 8)),
    "windows of a column": lambda: as_strided(np.zeros(40)[9:], (3, 5), (16, -8)),
    "less than an element apart": lambda: as_strided(np.zeros(9), (5,), (4,)),
}
# fmt: on


@pytest.mark.parametrize("name", WRONG_OUTS)
def test_a_wrong_out_is_refused_and_not_written(name, level):
    out = WRONG_OUTS[name]()
    with pytest.raises(CpnumError):
        cpjit(lambda x: x + 1.0, isa=level)(np.ones(5), out=out)
    assert not np.any(np.asarray(out))


def test_an_out_of_windows_is_refused_when_it_is_the_argument_too(level):
    windows = as_strided(np.ones(6), (4, 3), (8, 8))
    for use in (cpjit(lambda x: x * 2.0, isa=level), cpjit(lambda x: x * 2.0, isa=level).bind):
        with pytest.raises(OutError, match="elements of `out` share memory"):
            use(windows, out=windows)


@pytest.mark.parametrize(
    "strides", [(24, 8), (8, 24), (8, 16), (48, -16), (-8, 200), (24, 16)], ids=str
)
def test_an_out_whose_elements_are_apart_is_taken(strides, level):
    memory = np.zeros(400)
    out = as_strided(memory[200:], (2, 3), strides)
    x = np.arange(6.0).reshape(2, 3)
    assert_same(x + 1.0, cpjit(lambda x: x + 1.0, isa=level)(x, out=out))
    assert np.count_nonzero(memory) == 6
    empty = as_strided(memory, (0, 3), (8, 0))
    assert cpjit(lambda x: x + 1.0, isa=level)(x[:0], out=empty) is empty


def _without_base(memory):
    """Return an array over the memory of another as C code makes it, which has no base."""
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    table = ctypes.cast(
        get(np._core._multiarray_umath._ARRAY_API, None), ctypes.POINTER(ctypes.c_void_p)
    )
    pointer, integer, thing = ctypes.c_void_p, ctypes.c_int, ctypes.py_object
    new = ctypes.PYFUNCTYPE(
        thing, thing, integer, pointer, integer, pointer, pointer, integer, integer, pointer
    )(table[93])  # PyArray_New
    shape = (ctypes.c_ssize_t * memory.ndim)(*memory.shape)
    strides = (ctypes.c_ssize_t * memory.ndim)(*memory.strides)
    writeable = 0x0400
    return new(
        np.ndarray, memory.ndim, shape, memory.dtype.num, strides, memory.ctypes.data, 0,
        writeable, None,
    )  # fmt: skip


@pytest.mark.parametrize("name", OVERLAPS)
def test_out_that_overlaps_an_argument_and_neither_has_a_base(name, level):
    compiled = cpjit(lambda x: x * 2.0 + 1.0, isa=level)
    memory = np.arange(60.0)
    x, out = map(_without_base, OVERLAPS[name](memory))
    assert x.base is None and out.base is None and not x.flags.owndata
    expected = x * 2.0 + 1.0
    wider = np.broadcast_to(expected, out.shape).copy()
    compiled(x, out=out)
    assert_same(wider, out.copy(), name)


def test_out_of_c_code_that_overlaps_an_argument_that_owns_its_memory(level):
    compiled = cpjit(lambda x: x * 2.0, isa=level)
    for swapped in (False, True):
        memory = np.arange(60.0)
        x, out = memory, _without_base(memory)[::-1]
        x, out = (out, x) if swapped else (x, out)
        expected = x * 2.0
        compiled(x, out=out)
        assert_same(expected, out.copy())


def _bytes_of(call):
    """Return the bytes of the arrays that a call makes, at most at once."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# fmt: off
QUIET = {
    "integers": (lambda x: x * 3 + 1, np.int64),
    "integers and a number": (lambda x, n=5: x * (n + 1), np.int32),
    "masks": (lambda x: ~x ^ (x & True), np.bool_),
    "where": (lambda x: np.where(x > 0.5, x, -x), np.float64),
    "clip": (lambda x: np.clip(x, -0.5, 0.5), np.float32),
    "minimum": (lambda x: np.minimum(np.abs(x), 2.0), np.float64),
}
# fmt: on


@pytest.mark.parametrize("name", QUIET)
def test_in_place_nothing_is_copied_that_no_report_may_need(name, level):
    function, dtype = QUIET[name]
    compiled, x = cpjit(function, isa=level), np.arange(100_000).astype(dtype)
    with np.errstate(all="warn"):
        for f in (lambda: compiled(x, out=x), compiled.bind(x, out=x)):
            expected = function(x)
            f()
            assert_same(expected, x, name)
            # The emulator copies all arrays.
            assert level == "aarch64" or _bytes_of(f) < 10_000


# (the argument, another one) of 12 MB.
_N = 1_500_000
# fmt: off
LARGE = {
    "one axis": lambda: (np.ones(_N), 2.0),
    "another array": lambda: (np.ones(_N), np.ones(_N)),
    "float32": lambda: (np.ones(2 * _N, np.float32), np.float32(2.0)),
    "every second": lambda: (np.ones(2 * _N)[::2], 2.0),
    "reversed": lambda: (np.ones(_N)[::-1], np.ones(_N)),
    "Fortran order": lambda: (np.ones((3, _N // 3)).T, np.ones(3)),
    "few long rows": lambda: (np.ones((2, _N // 2 + 5))[:, :-5], np.ones((2, 1))),
    "many short rows": lambda: (np.ones((_N // 10, 11))[:, :10], np.ones(10)),
    "a part of an argument": lambda: (np.ones((2, _N))[0], 2.0),
}
# fmt: on


@pytest.mark.parametrize("binds", (False, True), ids=("called", "bound"))
@pytest.mark.parametrize("name", LARGE)
def test_in_place_the_old_values_of_a_large_array_are_copied_piece_by_piece(name, binds):
    compiled = cpjit(lambda x, y: np.sqrt(x) + y)
    x, y = LARGE[name]()
    call = compiled.bind(x, y, out=x) if binds else lambda: compiled(x, y, out=x)
    call()
    expected = np.sqrt(x) + y
    with np.errstate(all="warn"):
        assert _bytes_of(call) < 1_000_000
    assert_same(expected, x.copy(), name)


def test_in_place_a_report_of_a_large_array_needs_few_old_values():
    compiled, x = cpjit(lambda x: np.log(x) - 1.0 / x), np.zeros(_N)
    with pytest.warns(RuntimeWarning, match="divide by zero") as caught:
        assert _bytes_of(lambda: compiled(x, out=x)) < 4_000_000
    assert [str(each.message) for each in caught] == [
        "divide by zero encountered in log",
        "divide by zero encountered in divide",
    ]


def test_in_place_an_input_that_only_gives_a_shape_is_not_copied():
    compiled, x = cpjit(lambda x: np.zeros_like(x[::-1]) + np.sqrt(x)), np.ones(_N)
    with np.errstate(all="warn"):
        compiled(x, out=x)
        assert _bytes_of(lambda: compiled(x, out=x)) < 1_000_000
    compiled, y = cpjit(lambda x, y: np.zeros_like(x) + 1.0 / y), np.ones(_N)
    y[-1] = 0.0
    with pytest.warns(RuntimeWarning, match="divide by zero encountered in divide"):
        compiled(x, y, out=x)
    assert_same(1.0 * y[:-1], x[:-1])


@pytest.fixture
def tiny_pieces(monkeypatch):
    """Make calls in place in pieces of eight elements of float64, even those of small arrays."""
    monkeypatch.setattr(prepared, "WHOLE", 0)
    monkeypatch.setattr(bound, "WHOLE", 0)
    monkeypatch.setattr(pieces, "PIECE", 64)


def _told(call):
    """Return what a call warns of, in order."""
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        call()
    return [str(each.message) for each in caught]


# Functions of the argument in place, another one and a number.
# fmt: off
IN_PLACE = {
    "by itself": lambda x, y, n: np.log(x) - np.sqrt(x),
    "with another": lambda x, y, n: 1.0 / x + np.log(y) * n,
    "with an element of another": lambda x, y, n: np.log(y[(0,) * y.ndim] * 0) + np.log(x),
    "with a view of another": lambda x, y, n: np.sqrt(y[::-1]) / x,
    "with a reshaped one": lambda x, y, n: np.log(y.T.reshape(x.shape)) / x,
    "like another": lambda x, y, n: np.ones_like(y[::-1]) * np.log(x),
}
OTHERS = {
    "of its shape": lambda y: y,
    "transposed": lambda y: np.asfortranarray(y),
    "one row": lambda y: np.broadcast_to(y[:1].copy(), y.shape),
    "one column": lambda y: np.broadcast_to(y[..., :1].copy(), y.shape),
}
# fmt: on


@pytest.mark.parametrize("name", [name for name in VIEWS if not name.startswith("one")])
@pytest.mark.parametrize("function", IN_PLACE)
def test_in_place_in_pieces_of_every_layout(function, name, tiny_pieces, level):
    compiled = cpjit(lambda x, y, n: IN_PLACE[function](x, y, n), isa=level)
    for shape, dtype in (((37,), F64), ((2, 19), F32), ((19, 2), F64), ((3, 2, 5), F64)):
        for other in OTHERS.values():
            x, y, n = array(shape, dtype), other(array(shape, dtype, 1)), np.float32(3)
            mine = VIEWS[name](x.copy())
            expected = []
            reports = _told(lambda x=mine, y=y, n=n, to=expected: to.append(compiled(x, y, n)))
            assert reports
            assert reports == _told(lambda x=mine, y=y, n=n: compiled(x, y, n, out=x))
            assert_same(expected[0].copy(), mine.copy(), (name, dtype, shape))
            mine = VIEWS[name](x.copy())
            if "reshaped" in function:
                continue  # where NumPy copies for it, no call can be bound
            call = compiled.bind(mine, y, n, out=mine)
            assert reports == _told(call)
            assert_same(expected[0].copy(), mine.copy(), (name, dtype, shape, "bound"))


def test_in_place_in_pieces_of_another_dtype(tiny_pieces, level):
    compiled = cpjit(lambda x: np.log(x), isa=level)
    raw = np.zeros(40)
    x = raw.view(np.float32)[::2]
    x[:] = np.arange(40)
    with quiet():
        expected = cpjit(np.log, isa=level)(x).astype(np.float64)
    assert _told(lambda: compiled(x, out=raw)) == ["divide by zero encountered in log"]
    assert_same(expected, raw)


def test_in_place_in_pieces_of_two_arguments_that_are_out(tiny_pieces, level):
    compiled = cpjit(lambda x, y: np.log(x) - 1.0 / y, isa=level)
    x = np.arange(40.0)[::-1].copy()
    with quiet():
        expected = compiled(x, x)
    assert _told(lambda: compiled(x, x, out=x)) == [
        "divide by zero encountered in log",
        "divide by zero encountered in divide",
    ]
    assert_same(expected, x)


def test_in_place_in_pieces_of_more_arrays_than_registers(tiny_pieces, level):
    compiled = cpjit(lambda *arrays: sum(np.sqrt(a) * b for a in arrays for b in arrays), isa=level)
    arrays = [array((5, 23), F64, seed)[:, ::2] for seed in range(20)]
    with quiet():
        expected = compiled(*arrays)
    reports = _told(lambda: compiled(*arrays))
    assert reports
    assert reports == _told(lambda: compiled(*arrays, out=arrays[7]))
    assert_same(expected, arrays[7].copy())


def test_in_place_errors_of_numbers_are_reported_once(tiny_pieces, level):
    def function(x, n, a):
        return x * (n + n) + a

    compiled = cpjit(function, isa=level)
    x, number = np.ones(40, np.float32), np.int32(2**31 - 1)
    expected = ["overflow encountered in scalar add", "overflow encountered in cast"]
    y = x.astype(np.float64)
    assert _told(lambda: compiled(y, number, 1e39, out=y)) == expected[:1]
    assert _told(lambda: compiled(x, np.float32(1), 1e39, out=x)) == expected[1:]
    x[:] = 1.0
    assert _told(compiled.bind(x, np.float32(1), 1e39, out=x)) == expected[1:]
    compiled = cpjit(lambda x, n: x * (n[0] * n[1]), isa=level)
    numbers = np.array([2**62, 4])
    assert _told(lambda: compiled(y, numbers, out=y)) == ["overflow encountered in scalar multiply"]


def test_in_place_errors_of_integers_are_those_of_the_old_values(level):
    compiled = cpjit(lambda x: x[0] * x[1], isa=level)
    for binds in (False, True):
        x = np.array([2**62, 4])
        out = x[:1].reshape(())
        call = compiled.bind(x, out=out) if binds else lambda x=x, out=out: compiled(x, out=out)
        assert _told(call) == ["overflow encountered in scalar multiply"]
        assert_same(np.array([0, 4]), x)


def test_in_place_the_old_values_are_kept_that_a_report_needs(level):
    x = np.array([3, 0, 2])
    with (
        np.errstate(invalid="ignore"),
        pytest.warns(RuntimeWarning, match="zero encountered in reciprocal"),
    ):
        cpjit(lambda x: np.reciprocal(x) * 0 + 1, isa=level)(x, out=x)
    number = np.array(2**31 - 1, np.int32)
    with pytest.warns(RuntimeWarning, match="overflow encountered in .*multiply"):
        cpjit(lambda n: (+n) * (+n) & 1, isa=level)(number, out=number)
    number = np.array([1.0, np.nan])
    with pytest.warns(RuntimeWarning, match="invalid value encountered in cast"):
        cpjit(lambda x: x.astype(np.int64) & 1, isa=level)(number, out=number)
    x = np.ones(3, np.float32)
    with pytest.warns(RuntimeWarning, match="overflow encountered in cast"):
        cpjit(lambda x, a: np.where(x > 0, a, x), isa=level)(x, 1e39, out=x)
