"""Calls that cannot be made are refused, and leave all as it was.

The line at fault in a case is the one that ends with `# here`.
"""

import collections
import dataclasses

import goldens
import numpy as np
import pytest
from refused import assert_refused

from cpnum import (
    CpnumError,
    DTypeError,
    IsaError,
    OutError,
    RangeError,
    ShapeError,
    TraceError,
    UnsupportedError,
    cpjit,
)
from cpnum.run.machine import machine_of
from cpnum.tables.isa import A64
from cpnum.trace.advice import CONVERTED, HOLDS_ALL

X = np.arange(3.0)


def plus_one(x):
    return x + 1


@pytest.mark.parametrize("kind", [np.memmap, np.recarray])
def test_what_is_written_for_an_out_of_another_type_works(kind):
    out = np.full(3, 7.0).view(kind)
    cpjit(plus_one)(X, out=np.asarray(out))
    assert np.array_equal(out, X + 1)


@pytest.mark.parametrize("name", CONVERTED)
def test_what_is_written_for_a_dtype_says_whether_it_holds_all_numbers(name):
    to, what = CONVERTED[name]
    assert np.can_cast(name, to) == (what is HOLDS_ALL)
    with pytest.raises(DTypeError) as caught:
        cpjit(plus_one)(X.astype(name))
    assert caught.value.write == f"x.astype(np.{to}), {what}"


def test_what_is_written_for_arrays_with_labels_keeps_them():
    pd, xr = pytest.importorskip("pandas"), pytest.importorskip("xarray")
    names = {"f": cpjit(plus_one), "pd": pd, "xr": xr}
    values = (
        (pd.Series(X, ["a", "b", "c"]), "pd.Series(f(x.to_numpy()), x.index)"),
        (xr.DataArray(X, dims="t"), "xr.apply_ufunc(f, x)"),
    )
    for value, written in values:
        with pytest.raises(UnsupportedError) as caught:
            cpjit(plus_one)(value)
        assert written in caught.value.write
        assert eval(written, {**names, "x": value}).equals(value + 1)
    with pytest.raises(UnsupportedError) as caught:
        cpjit(plus_one)(pd.DataFrame({"a": X, "b": X}))
    assert caught.value.write.endswith("f(x['a'].to_numpy(), x['b'].to_numpy())")


@dataclasses.dataclass
class Line:
    slope: object
    shift: object


class Model:
    def __init__(self, x):
        self.x = x


class Stored:
    """Elements that NumPy reads from somewhere, as those of h5py and zarr."""

    __hash__ = None

    def __array__(self, dtype=None, copy=None):
        return np.array(X, dtype)


class Hashed(Stored):
    """An array of another library, as a tensor of PyTorch."""

    __hash__ = object.__hash__

    def __add__(self, other):
        return Hashed()


RING: list = [X]
RING.append(RING)

# What is no argument yet.
VALUES = {
    "dict_of_complex_arrays": (DTypeError, {"left": X, "right": X * 1j}),
    "dataclass_of_sets": (UnsupportedError, Line({1, 2}, 1.5)),
    "list_of_many_numbers": (UnsupportedError, [1.5] * 1000),
    "list_of_itself": (UnsupportedError, RING),
    "dict_of_another_class": (UnsupportedError, collections.defaultdict(list, left=X, right=2)),
    "dict_of_tuples": (UnsupportedError, {frozenset([1]): X}),
    "set_of_numbers": (UnsupportedError, {1, 2}),
    "object_with_an_array": (UnsupportedError, Stored()),
    "buffer": (UnsupportedError, memoryview(X)),
    "masked_elements": (UnsupportedError, np.ma.masked_array(X, [True, False, False])),
    "matrix": (UnsupportedError, X[None].view(np.matrix)),
    "memmap": (UnsupportedError, X.view(np.memmap)),
    "record_array": (UnsupportedError, np.rec.array([(1, 2.0)], dtype="i8,f8")),
    "structured_array": (DTypeError, np.zeros(3, "i8,f8")),
    "array_of_objects": (DTypeError, np.array([1, 2], object)),
    "array_of_dates": (DTypeError, np.zeros(3, "M8[D]")),
    "array_of_text": (DTypeError, np.array(["a", "b"])),
    "array_of_complex_numbers": (DTypeError, X * 1j),
    "array_of_half_precision": (DTypeError, X.astype(np.float16)),
    "array_of_unsigned_integers": (DTypeError, X.astype(np.uint64)),
    "array_of_long_doubles": (DTypeError, X.astype(np.longdouble)),
}


def first(x):
    return x


async def later(x):
    return x + 1


def each_of(x):
    yield x + 1


async def each_later(x):
    yield x + 1


def call_of(value):
    return lambda out: cpjit(first)(value, out=out)  # here


def seven():
    return np.full(3, 7.0)


def read_only():
    out = np.full(3, 7.0)
    out.flags.writeable = False
    return out


CALLS = {
    "out_of_another_shape": (
        OutError,
        lambda out: cpjit(plus_one)(X, out=out),  # here
        lambda: np.full(4, 7.0),
    ),
    "out_of_fewer_axes": (
        OutError,
        lambda out: cpjit(plus_one)(X[None], out=out),  # here
        seven,
    ),
    "out_of_another_kind": (
        OutError,
        lambda out: cpjit(plus_one)(X, out=out),  # here
        lambda: np.full(3, 7),
    ),
    "out_without_stencils": (
        DTypeError,
        lambda out: cpjit(plus_one)(X, out=out),  # here
        lambda: np.full(3, 7, "float16"),
    ),
    "out_that_is_read_only": (
        OutError,
        lambda out: cpjit(plus_one)(X, out=out),  # here
        read_only,
    ),
    "out_that_is_a_list": (
        OutError,
        lambda out: cpjit(plus_one)(X, out=out),  # here
        lambda: [7.0, 7.0, 7.0],
    ),
    "out_that_is_a_memmap": (
        OutError,
        lambda out: cpjit(plus_one)(X, out=out),  # here
        lambda: np.full(3, 7.0).view(np.memmap),
    ),
    "out_that_is_read_only_in_bind": (
        OutError,
        lambda out: cpjit(plus_one).bind(X, out=out),  # here
        read_only,
    ),
    "out_that_overlaps_in_bind": (
        OutError,
        lambda out: cpjit(plus_one).bind(out.base[1:], out=out),  # here
        lambda: np.full(4, 7.0)[:-1],
    ),
    "argument_without_stencils": (
        DTypeError,
        lambda out: cpjit(plus_one)(X.astype("uint8"), out=out),  # here
        seven,
    ),
    "argument_of_bytes_in_other_order": (
        DTypeError,
        lambda out: cpjit(plus_one)(X.astype(">f8"), out=out),  # here
        seven,
    ),
    "argument_that_is_complex": (
        DTypeError,
        lambda out: cpjit(plus_one)(1j, out=out),  # here
        seven,
    ),
    "argument_that_is_masked": (
        UnsupportedError,
        lambda out: cpjit(plus_one)(np.ma.ones(3), out=out),  # here
        seven,
    ),
    **{name: (kind, call_of(value), seven) for name, (kind, value) in VALUES.items()},
    "coroutine": (
        TraceError,
        lambda out: cpjit(later)(X, out=out),  # here
        seven,
    ),
    "generator": (
        TraceError,
        lambda out: cpjit(each_of)(X, out=out),  # here
        seven,
    ),
    "asynchronous_generator": (
        TraceError,
        lambda out: cpjit(each_later)(X, out=out),  # here
        seven,
    ),
    "result_in_a_set": (
        TraceError,
        lambda out: cpjit(lambda x: {x.ndim})(X, out=out),  # here
        seven,
    ),
    "result_of_another_library": (
        UnsupportedError,
        lambda out: cpjit(plus_one)(Hashed(), out=out),  # here
        seven,
    ),
    "result_of_an_attribute": (
        UnsupportedError,
        lambda out: cpjit(lambda model: model.x + 1)(Model(X), out=out),  # here
        seven,
    ),
    "integer_beyond_int64": (
        RangeError,
        lambda out: cpjit(lambda n: n + 1)(2**63, out=out),  # here
        lambda: np.full(3, 7),
    ),
    "integer_that_leaves_int64": (
        RangeError,
        lambda out: cpjit(lambda n: n * n)(2**40, out=out),  # here
        lambda: np.full(3, 7),
    ),
    "integer_beyond_int32": (
        RangeError,
        lambda out: cpjit(lambda x, n: x + n)(X.astype("i4"), 2**40, out=out),  # here
        lambda: np.full(3, 7, "i4"),
    ),
    "out_for_several_results": (
        OutError,
        lambda out: cpjit(lambda x: (x, x + 1))(X, out=out),  # here
        seven,
    ),
    "out_for_no_result": (
        OutError,
        lambda out: cpjit(lambda x: None)(X, out=out),  # here
        seven,
    ),
    "a_level_of_another_processor": (
        IsaError,
        lambda out: cpjit(plus_one, isa="aarch64")(X, out=out),  # here
        seven,
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_cannot_be_made_is_refused(name, monkeypatch):
    kind, call, make = CALLS[name]
    if kind is IsaError:
        if machine_of(A64) is not None:
            pytest.skip("the level that other processors lack runs here")
        monkeypatch.setattr("cpnum.tables.isa.host", lambda: "x86-64-v3")
    out = make()
    with pytest.raises(kind) as caught:
        call(out)
    assert np.all(np.asarray(out) == 7.0)
    assert_refused(__file__, name, kind, caught.value)


def test_every_stored_message_is_one_of_a_call():
    goldens.compare_names("refused_calls.txt", CALLS)


def test_a_call_that_is_refused_leaves_the_function_as_it_was():
    f = cpjit(plus_one)
    assert np.array_equal(f(X), X + 1)
    signatures = f.signatures
    for bad in ("out", "argument"):
        with pytest.raises(CpnumError):
            if bad == "out":
                f(X, out=np.empty(4))
            else:
                f(X.astype("uint8"))
    assert f.signatures == signatures
    assert np.array_equal(f(X), X + 1)


def test_what_the_users_function_raises_comes_through():
    def wrong(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        cpjit(wrong)(X)
    with pytest.raises(KeyError, match="mine"):
        cpjit(wrong, fallback="numpy")(X)


MISUSES = {
    "no argument": (lambda: cpjit(plus_one)(), TypeError, "x"),
    "an argument too many": (
        lambda: cpjit(plus_one)(X, X),
        TypeError,
        "too many positional arguments",
    ),
    "another keyword": (lambda: cpjit(plus_one)(y=X), TypeError, "x"),
    "cpjit of a number": (lambda: cpjit(3), TypeError, "cpjit decorates functions, not int"),
    "cpjit of a staticmethod": (
        lambda: cpjit(staticmethod(plus_one)),
        TypeError,
        "write @staticmethod above @cpjit",
    ),
    "cpjit of a type": (
        lambda: cpjit(int),
        UnsupportedError,
        "write a function that calls it: lambda x: int(x)",
    ),
    "cpjit of a builtin": (
        lambda: cpjit(max),
        UnsupportedError,
        "Python does not know the parameters of max",
    ),
    "a parameter called out": (
        lambda: cpjit(lambda x, out: x),
        UnsupportedError,
        "write another name for the parameter",
    ),
    "an unknown fallback": (
        lambda: cpjit(plus_one, fallback="x"),
        ValueError,
        '"error" or "numpy", not \'x\'',
    ),
    "an unknown level": (lambda: cpjit(plus_one, isa="v9"), IsaError, "unknown ISA level v9"),
    "lower of an empty array": (
        lambda: cpjit(plus_one).lower(np.empty(0)),
        ShapeError,
        "an empty result needs no kernel",
    ),
    "bind of an empty array": (
        lambda: cpjit(plus_one).bind(np.empty(0)),
        IsaError,
        "there is no code to bind",
    ),
}


@pytest.mark.parametrize("name", MISUSES)
def test_misuse_of_the_decorator_is_an_error(name):
    call, kind, text = MISUSES[name]
    with pytest.raises(kind) as caught:
        call()
    assert text in str(caught.value)


def test_what_is_written_for_arguments_works():
    masked = np.ma.masked_array(X, [True, False, False])
    kept = np.ma.array(cpjit(plus_one)(masked.data), mask=masked.mask)
    assert np.array_equal(kept.filled(0), (masked + 1).filled(0))
    assert np.array_equal(cpjit(plus_one)(masked.filled(5.0)), masked.filled(5.0) + 1)
    for value in (Stored(), memoryview(X), [1.0, 2.0], X.view(np.memmap), X[None].view(np.matrix)):
        assert np.array_equal(cpjit(plus_one)(np.asarray(value)), np.asarray(value) + 1)
    days = np.array(["2020-01-01", "2020-01-03"], "M8[D]")
    assert np.array_equal(cpjit(plus_one)(days.astype(np.int64)), days.astype(np.int64) + 1)
    records = np.rec.array([(1, 2.0)], dtype="i8,f8")
    assert cpjit(np.add)(records["f0"], records["f1"]) == 3.0
    frozen = dataclasses.make_dataclass("Frozen", ["slope", "shift"], frozen=True)(2, 1.5)
    line = cpjit(lambda x, line: x * line.slope + line.shift)
    assert np.array_equal(line(X, frozen), X * 2 + 1.5)
    for fixed in (frozenset([1, 2]), (1.0, 2.0)):
        assert np.array_equal(cpjit(lambda x, fixed: x + len(fixed))(X, fixed), X + 2)


def test_a_message_looks_at_few_items():
    class Long(list):
        def __getitem__(self, key):
            assert key == slice(None, 100)
            return super().__getitem__(key)

    with pytest.raises(UnsupportedError, match="Long of ndarray\n"):
        cpjit(plus_one)(Long([X] * 1000))


def test_a_coroutine_is_closed():
    """Warnings are errors here: one that nobody awaits would warn."""
    with pytest.raises(TraceError, match="async def"):
        cpjit(later)(X)
    with pytest.warns(RuntimeWarning, match="later returns a coroutine"):
        awaited = cpjit(later, fallback="numpy")(X)
    with pytest.raises(StopIteration) as caught:
        awaited.send(None)
    assert np.array_equal(caught.value.value, X + 1)
