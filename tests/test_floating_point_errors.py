"""Floating-point errors are NumPy's: their kinds, messages, and the line they name."""

import contextlib
import inspect
import itertools
import operator
import warnings

import elementary
import numpy as np
import pytest
from calls import X
from cases import (
    ROWS,
    assert_same,
    errors_of,
    function_of,
    operand_dtypes,
    quiet,
    row_name,
    special,
    tame,
)

from cpnum import cpjit
from cpnum.ir.evaluate import QUIET, SIGNALLING
from cpnum.run import pieces, prepared
from cpnum.tables.block import Flag
from cpnum.tables.dtypes import DTYPES, B
from cpnum.tables.isa import LEVELS


def test_warnings_are_numpys_and_name_the_users_line(level):
    f = cpjit(lambda x: 1.0 / x, isa=level)  # the line
    with pytest.warns(RuntimeWarning, match="^divide by zero encountered in divide$") as caught:
        f(np.zeros(3))
    assert caught[0].filename == __file__
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        f(np.zeros(3))
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.all(np.isinf(f(np.zeros(3))))


def quotients(x, n):
    y = x * 2.0
    return (
        1 / y  # the line of arrays
        + 1 / n  # the line of numbers
    )


def note(text):
    """Return the note that names the line with a text."""
    lines, first = inspect.getsourcelines(quotients)
    return next(
        [f"  test_floating_point_errors.py, line {number}:  {line.strip()}"]
        for number, line in enumerate(lines, first)
        if text in line
    )


def refuse(kind, flags):
    raise KeyError(kind)


ZEROS, LARGE = np.zeros(3), np.zeros(pieces.WHOLE // 8 + 1)
CALLS = {
    "call": lambda f: f(np.zeros(3), 1.0),
    "scalar": lambda f: f(np.float64(0), 1.0),
    "in place": lambda f: f(ZEROS, 1.0, out=ZEROS),
    "in pieces": lambda f: f(LARGE, 1.0, out=LARGE),
    "bound": lambda f: f.bind(np.zeros(3), 1.0)(),
}


@pytest.mark.parametrize("call", CALLS)
def test_an_error_of_a_report_has_the_users_line_as_a_note(call):
    f = cpjit(quotients)
    ZEROS[:] = LARGE[:] = 0.0
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError) as caught:
        CALLS[call](f)
    assert caught.value.__notes__ == note("# the line of arrays")
    ZEROS[:] = LARGE[:] = 0.0
    with warnings.catch_warnings(), pytest.raises(RuntimeWarning) as caught:
        warnings.simplefilter("error")
        CALLS[call](f)
    assert caught.value.__notes__ == note("# the line of arrays")
    ZEROS[:] = LARGE[:] = 0.0
    with np.errstate(divide="call", call=refuse), pytest.raises(KeyError) as caught:
        CALLS[call](f)
    assert caught.value.__notes__ == note("# the line of arrays")


def test_an_error_that_a_callback_raises_again_has_one_note():
    f, same = cpjit(quotients), KeyError("same")

    def refuse(kind, flags):
        raise same

    for _ in range(3):
        with np.errstate(divide="call", call=refuse), pytest.raises(KeyError) as caught:
            f(np.zeros(3), 1.0)
        assert caught.value is same
    assert same.__notes__ == note("# the line of arrays")


def test_an_error_of_pythons_arithmetic_has_the_users_line_as_a_note():
    f = cpjit(quotients)
    for x in (np.ones(3), np.ones(0)):
        f(x, 1.0)
        with pytest.raises(ZeroDivisionError) as caught:
            f(x, 0.0)
        assert str(caught.value) == "float division by zero"
        assert caught.value.__notes__ == note("# the line of numbers")


def test_an_overflow_into_out_is_told_at_the_line_of_the_call():
    """The function has no line that converts to the dtype of `out`, so no line tells it twice."""
    x, out = np.array([1e300]), np.empty(1, "f4")
    f, bound = cpjit(lambda x: x * 2.0), cpjit(lambda x: x).bind(x, out=out)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(2):
            f(x, out=out), np.copyto(out, x * 2.0, casting="same_kind")  # the first line
            bound(), np.copyto(out, x, casting="same_kind")  # the second line
    told = [(each.filename, each.lineno, str(each.message)) for each in caught]
    assert len(told) == 4
    assert told[::2] == told[1::2]


def test_warnings_are_filtered_by_the_users_module():
    f = cpjit(lambda x: 1.0 / x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", module=__name__)
        f(np.zeros(3))
        cpjit(lambda x: np.linalg.eigvals(x), fallback="numpy")(np.eye(2))


def test_a_scalar_that_overflows_is_reported_once_at_the_users_line():
    f = cpjit(lambda x, number: x + number)
    x = np.ones(3, "f4")
    for call in (
        lambda: f(x, 1e39),
        f.bind(x, 1e39),
        lambda: cpjit(lambda x: x + 1e39)(x),
    ):
        with pytest.warns(RuntimeWarning) as caught:
            call()
        assert [str(each.message) for each in caught] == ["overflow encountered in cast"]
        assert caught[0].filename == __file__


def test_errors_of_scalars_beside_arrays_are_reported():
    f = cpjit(lambda x, n: x + (n + 1))
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        f(X, np.int32(2**31 - 1))
    bound = f.bind(X, np.int32(2**31 - 1))
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        bound()
    with np.errstate(all="raise"):
        f(X, np.int32(5))
        with pytest.raises(FloatingPointError):
            cpjit(lambda n: np.add(n, n) + (+n))(np.array(2**30 - 1, np.int32))
        assert cpjit(lambda n: n**2)(np.int64(2**40)) == 0
        assert cpjit(lambda n: n**3)(np.int32(50000)) == np.int32(50000) ** 3


def test_errors_of_scalars_are_those_of_an_empty_call_too():
    empty, f = np.zeros(0), cpjit(lambda x, a: x + 1 / a)
    assert f(empty, 2.0).shape == (0,)
    with pytest.raises(ZeroDivisionError):
        f(empty, 0.0)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        f(empty, np.float64(0))
    with pytest.raises(OverflowError):
        cpjit(lambda x, n: x + n)(np.zeros(0, np.int32), 2**40)


def test_a_bound_call_reports_what_it_was_bound_with():
    number = np.array(0.0)
    bound = cpjit(lambda x, number: x / number).bind(np.ones(3), number)
    number[...] = 1.0
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        bound()


def test_scalars_of_float32_keep_their_bits():
    choose = cpjit(lambda x, number: np.where(x > 0, number, x))
    one = np.ones(1, np.float32)
    for bits in (0x7FA00001, 0x7FC12345, 0x80000000, 1, 0x007FFFFF):
        number = np.array([bits], np.uint32).view(np.float32)[0]
        assert choose(one, number).view(np.uint32)[0] == bits
    assert cpjit(lambda x: x * 2**64)(one)[0] == 2.0**64


def test_a_callback_that_is_missing_is_numpys_error():
    f = cpjit(lambda x: 1 / x)
    for mode in ("call", "log"):
        with np.errstate(all=mode, call=None), pytest.raises(NameError, match="no "):
            f(np.zeros(2))


def test_errors_of_a_scalars_conversion_are_reported():
    f = cpjit(lambda number: number.astype(np.int64))
    for x in (np.float64("nan"), np.array(np.inf)):
        with pytest.warns(RuntimeWarning, match="invalid value encountered in cast") as caught:
            f(x)
        assert [each.filename for each in caught] == [__file__]


def test_errors_are_those_of_values_that_out_overwrites():
    x = np.array([1e-200, 1.0])
    with np.errstate(under="warn"), pytest.warns(RuntimeWarning, match="underflow"):
        cpjit(lambda x: x * x)(x, out=x)
    z = np.array([0.0, 1.0, 2.0])
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        cpjit(lambda x, number: x / number)(np.ones(3), z[0:1].reshape(()), out=z)


BIG = float(np.finfo(float).max)

ERRORS = {
    "1/0": (lambda x: x / 0.0, [1.0]),
    "0/0": (lambda x: x / 0.0, [0.0]),
    "1/0 and 0/0": (lambda x: 1.0 / x - 1.0 / x, [0.0, 1.0]),
    "log(0)": (np.log, [0.0]),
    "log(-1)": (np.log, [-1.0]),
    "log(0) and log(-1)": (np.log, [-1.0, 0.0]),
    "exp(1000)": (np.exp, [1000.0]),
    "sin(inf)": (np.sin, [np.inf]),
    "cos(-inf)": (np.cos, [-np.inf]),
    "arcsin(2)": (np.arcsin, [2.0]),
    "arccos(-2)": (np.arccos, [-2.0]),
    "sqrt(-1)": (np.sqrt, [-1.0]),
    "inf-inf": (lambda x: x - x, [np.inf]),
    "max*2": (lambda x: x * 2, [BIG]),
    "max+max": (lambda x: x + x, [BIG]),
    "max squared": (np.square, [BIG]),
    "reciprocal(0)": (np.reciprocal, [0.0]),
    "reciprocal(0) of integers": (np.reciprocal, [0]),
    "1//0": (lambda x: 1 // x, [0.0]),
    "inf//1": (lambda x: x // 1.0, [np.inf]),
    "max//0.1": (lambda x: x // 0.1, [BIG]),
    "1%0": (lambda x: 1 % x, [0.0]),
    "fmod(inf, 2)": (lambda x: np.fmod(x, 2.0), [np.inf]),
    "divmod(1, 0)": (lambda x: np.divmod(1, x)[0], [0.0]),
    "1//0 of integers": (lambda x: 1 // x, [0]),
    "1%0 of integers": (lambda x: 1 % x, [0]),
    "fmod(1, 0) of integers": (lambda x: np.fmod(1, x), [0]),
    "divmod(1, 0) of integers": (lambda x: np.divmod(1, x)[1], [0]),
    "lowest//-1": (lambda x: x // -1, [-(2**63)]),
    "lowest%-1": (lambda x: x % -1, [-(2**63)]),
    "nan to int": (lambda x: x.astype(np.int64), [np.nan]),
    "1e30 to int32": (lambda x: x.astype(np.int32), [1e30]),
    "1e300 to float32": (lambda x: x.astype(np.float32), [1e300]),
    "two kinds": (lambda x: np.log(x) + 1.0 / x + np.exp(x + 1000.0), [0.0]),
    "none": (lambda x: np.exp(x) / (x + 1.0), [0.5]),
    "none of nan": (lambda x: np.sqrt(np.exp(x) + np.log(x) + np.sin(x)) < 2.0, [np.nan]),
    "underflow is ignored": (lambda x: x * x, [1e-300]),
}


def told(function, operand, mode):
    """Return what a call reports: warnings, the exception, or what the callback was given."""
    calls = []
    with warnings.catch_warnings(record=True) as caught, np.errstate(all=mode, under="ignore"):
        warnings.simplefilter("always")
        if mode == "call":
            stack = contextlib.ExitStack()
            stack.enter_context(np.errstate(call=lambda kind, flag: calls.append((kind, flag))))
        else:
            stack = contextlib.nullcontext()
        with stack:
            try:
                function(operand)
            except FloatingPointError as error:
                calls.append(str(error))
    return sorted((each.category, str(each.message)) for each in caught), calls


def kinds(reports):
    """Return the distinct reports: a chunk that is computed twice reports twice."""
    caught, calls = reports
    return sorted(set(caught), key=str), sorted(set(calls), key=str)


@pytest.mark.parametrize("mode", ("warn", "raise", "ignore", "call"))
@pytest.mark.parametrize("name", ERRORS)
def test_floating_point_error_is_reported_as_numpy_does(name, mode, level):
    function, culprits = ERRORS[name]
    compiled = cpjit(lambda x: function(x), isa=level)
    good = np.ones((), np.asarray(culprits).dtype)[()]
    for length, at in ((1, 0), (5, 4), (8, 0), (8, 7), (67, 66), (67, 30)):
        x = np.full(length, good)
        x[at] = culprits[0]
        if length > 1:
            x[at - 1] = culprits[-1]
        assert kinds(told(function, x, mode)) == kinds(told(compiled, x, mode)), (name, length)
    calm = np.full(67, good)
    assert kinds(told(function, calm, mode)) == kinds(told(compiled, calm, mode))


def several(x):
    return np.log(x) + 1.0 / (x - 3.0) + np.exp(x)


class Log:
    """The user's callback, and the object that `np.errstate` writes to."""

    def __init__(self):
        self.told = []

    def __call__(self, kind, flag):
        self.told.append((kind, flag))

    def write(self, message):
        self.told.append(message)


def in_order(call, mode, capfd):
    """Return everything that a call reports, in order."""
    log = Log()
    capfd.readouterr()
    with (
        warnings.catch_warnings(record=True) as caught,
        np.errstate(all=mode, under="ignore", call=log),
    ):
        warnings.simplefilter("always")
        try:
            call()
        except FloatingPointError as error:
            log.told.append(str(error))
    return [str(each.message) for each in caught], log.told, tuple(capfd.readouterr())


@pytest.mark.parametrize("mode", ("warn", "raise", "ignore", "call", "log", "print"))
def test_errors_in_several_pieces_are_reported_once_in_order(mode, level, monkeypatch, capfd):
    """In place: the old values of a piece are needed when it is overwritten, and its copy too."""
    monkeypatch.setattr(prepared, "WHOLE", 0)
    monkeypatch.setattr(pieces, "PIECE", 64)
    evaluated = []
    errors = pieces.errors_of
    monkeypatch.setattr(pieces, "errors_of", lambda *all: evaluated.append(all) or errors(*all))
    compiled = cpjit(several, isa=level)
    x = np.full(203, 2.5)
    for at, culprit in ((20, 3.0), (90, 1000.0), (150, 0.0), (160, 3.0), (202, -1.0)):
        x[at] = culprit
    with quiet():
        result = compiled(x)
    expected = in_order(lambda: several(x), mode, capfd)
    assert expected == in_order(lambda: compiled(x), mode, capfd)
    assert expected == in_order(lambda: compiled(x, out=x), mode, capfd)
    assert_same(result, x)
    assert len(evaluated) == (0 if mode == "ignore" else 5)
    calm = np.full(203, 2.5)
    assert in_order(lambda: compiled(calm, out=calm), mode, capfd) == ([], [], ("", ""))


def test_in_place_only_errors_that_are_not_ignored_are_reported(level, monkeypatch):
    monkeypatch.setattr(prepared, "WHOLE", 0)
    monkeypatch.setattr(pieces, "PIECE", 64)
    compiled = cpjit(several, isa=level)
    x = np.array([2.5] * 20 + [0.0] + [2.5] * 20 + [-1.0, 1000.0])
    with np.errstate(divide="ignore", invalid="raise", over="warn"):
        with pytest.raises(FloatingPointError) as caught:
            compiled(x, out=x)
        assert str(caught.value) == "invalid value encountered in log"
        monkeypatch.setattr(pieces, "errors_of", None)
        x[:] = [2.5] * 20 + [0.0] + [2.5] * 22
        compiled(x, out=x)


def test_a_warning_shows_the_category_and_the_message_of_numpy(level):
    with pytest.warns(RuntimeWarning, match=r"^divide by zero encountered in log$"):
        cpjit(np.log, isa=level)(np.array([1.0, 0.0]))
    with pytest.warns(RuntimeWarning, match=r"^invalid value encountered in cast$"):
        cpjit(lambda x: x.astype(int), isa=level)(np.array([np.nan]))
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError) as caught:
        cpjit(lambda x, y: x / y, isa=level)(np.ones(3), np.zeros(3))
    assert str(caught.value) == "divide by zero encountered in divide"


def numpy_flags(function, operands):
    """Return the flags that NumPy raises, in its own numbering."""
    seen = 0

    def note(kind, flag):
        nonlocal seen
        seen |= flag

    with np.errstate(all="call", call=note):
        function(*operands)
    return seen


UNDERFLOW = Flag.under


@pytest.fixture
def kernel_flags(monkeypatch):
    """Return what yields a place of the culprits among harmless values, and the kernel's flags."""
    raised = []
    monkeypatch.setattr(prepared, "report", lambda graph, arguments, flags: raised.append(flags))

    def flags_by_place(compiled, culprits, harmless, lanes):
        for length, at in ((1, 0), (lanes, lanes - 1), (lanes + 2, lanes)):
            arrays = [np.full(length, each) for each in harmless]
            for array, culprit in zip(arrays, culprits, strict=True):
                array[at] = culprit
            raised.clear()
            compiled(*arrays)
            yield (length, at), raised[0] if raised else 0

    return flags_by_place


@pytest.mark.parametrize(("op", "dtype"), [row for row in ROWS if row[1] is not B], ids=row_name)
def test_kernel_raises_the_flags_of_numpy_and_no_others(op, dtype, level, kernel_flags):
    """Each value alone: in the body, beside harmless ones, and in the tail.

    Underflow is advisory: NumPy raises it for subnormal operands of some functions whose results
    are normal, and not always alike in body and tail.
    """
    function = function_of(op)
    compiled = cpjit(function, isa=level)
    dtypes = operand_dtypes(op, dtype)
    lanes = LEVELS[level].lanes(dtype.itemsize)
    harmless = [tame(each, 1)[0] for each in dtypes]
    if op.name in elementary.FUNCTIONS:
        harmless = [dtype.numpy.type(elementary.FUNCTIONS[op.name].ordinary)] * op.arity
    every = [special(each)[:: 1 if op.arity == 1 else 2 * op.arity - 1] for each in dtypes]
    for operands in itertools.product(*every):
        ignored = UNDERFLOW
        if level == "aarch64" and np.isnan(operands).any():
            ignored |= Flag.invalid  # its vector comparisons signal on any NaN: a report too many
        expected = numpy_flags(function, [np.array([each]) for each in operands]) & ~ignored
        if op.name == "sinc" and np.isfinite(operands[0]):
            expected = 0  # in NumPy, pi * x overflows for the largest
        if op.home == "special":
            expected = 0  # SciPy's functions report nothing
        if op.name.startswith("logaddexp"):
            with quiet():
                apart = operands[0] - operands[1]
            if np.isnan(operands).any() or np.isinf(apart):
                expected = 0  # in NumPy, a comparison with nan is invalid, and x - y overflows
        if op.name == "power" and np.isinf(operands[1]):
            expected = 0  # in NumPy, some large numbers overflow, but not the largest
        for place, flags in kernel_flags(compiled, operands, harmless, lanes):
            assert expected == flags & ~ignored, (op, dtype, operands, place)


@pytest.mark.parametrize(("old", "new"), [*itertools.permutations(DTYPES, 2)], ids=row_name)
def test_a_cast_raises_the_flags_of_numpy_and_no_others(old, new, level, kernel_flags):
    """A float whose fraction reaches beyond an integer dtype is in range: it is cut off."""
    culprits = special(old)
    if old.family == "F" and new.family == "I":
        limit = -float(np.iinfo(new.numpy).min)
        near = [limit - 1.0, limit - 0.5, limit, limit + 0.5, limit + 1.0, 2 * limit]
        with quiet():
            culprits = np.concatenate([culprits, near, np.negative(near)]).astype(old.numpy)
    compiled = cpjit(lambda x: x.astype(new.numpy), isa=level)
    lanes = LEVELS[level].lanes(max(old.itemsize, new.itemsize))
    for culprit in culprits:
        expected = numpy_flags(lambda x: x.astype(new.numpy), [np.array([culprit])]) & ~UNDERFLOW
        for place, flags in kernel_flags(compiled, [culprit], tame(old, 1), lanes):
            assert expected == flags & ~UNDERFLOW, (culprit, place)


def test_overflow_of_integer_scalars_is_reported_as_numpy_does(level):
    """By operators between scalars: arrays and ufuncs wrap silently."""
    number = np.int32(46341)
    for function in (operator.mul, np.multiply, lambda x, y: -(x * y), lambda x, y: x + y):
        for arguments in ((number, number), (np.array(number), number), (np.int32(3), number)):
            expected, actual = (
                errors_of(each, *arguments) for each in (function, cpjit(function, isa=level))
            )
            assert_same(expected[0], actual[0], arguments)
            assert expected[1] == actual[1], arguments
    # With a literal on the left the operator hands over to the ufunc, which alone would wrap.
    literal = np.int64(2**40)
    for function in (lambda n: literal * n, lambda n: np.multiply(literal, n)):
        expected, actual = (errors_of(each, 2**40) for each in (function, cpjit(function)))
        assert_same(expected[0], actual[0], "literal")
        assert expected[1] == actual[1]
    most = np.int64(2**63 - 1)
    for arguments in ((np.True_, most), (most, np.True_), (True, most), (most, True)):
        for function in (lambda x, y: x + y, lambda x, y: np.isfinite(x) + y):
            expected, actual = (errors_of(each, *arguments) for each in (function, cpjit(function)))
            assert_same(expected[0], actual[0], arguments)
            assert expected[1] == actual[1], arguments
    wrapped = cpjit(lambda n: +np.add(n, number), isa=level)
    assert errors_of(wrapped, np.int32(2**31 - 1))[1] == set()
    bound = cpjit(operator.mul, isa=level).bind(number, number)
    with pytest.warns(RuntimeWarning, match="overflow"):
        bound()


@pytest.mark.parametrize(
    ("op", "dtype"),
    [
        (op, dtype)
        for op, dtype in ROWS
        if op in QUIET or (dtype.family != "F" and op not in SIGNALLING)
    ],
    ids=row_name,
)
def test_numpy_reports_no_error_of_a_quiet_operator(op, dtype):
    function, signalling = function_of(op), {4: 0x7FA00001, 8: 0x7FF4000000000001}
    every = []
    for each in operand_dtypes(op, dtype):
        values = special(each)
        if each.family == "F":
            bits = np.array([signalling[each.itemsize]], f"u{each.itemsize}")
            values = np.append(values, bits.view(each.numpy))
        every.append(values)
    for shift in range(max(map(len, every))):
        operands = [np.roll(np.resize(x, 67), shift * at) for at, x in enumerate(every)]
        assert numpy_flags(function, operands) == 0
        assert numpy_flags(function, [x[::2] for x in operands]) == 0
        assert numpy_flags(function, [x[shift % 67 : shift % 67 + 1] for x in operands]) == 0
