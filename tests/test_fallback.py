"""What runs through NumPy, and which warnings say so."""

import decimal
import json
import pickle

import numpy as np
import pytest
from calls import X, Y, run

from cpnum import (
    CpnumError,
    DTypeError,
    OutError,
    RangeError,
    UnsupportedError,
    cpjit,
)


def test_fallback_runs_through_numpy_and_warns_once():
    @cpjit(fallback="numpy")
    def eigenvalues(x):
        return np.linalg.eigvals(x).real + 1.0

    matrix = np.array([[2.0, 0.0], [0.0, 4.0]])
    with pytest.warns(RuntimeWarning) as caught:
        assert np.array_equal(eigenvalues(matrix), eigenvalues.py_func(matrix))
    assert [str(each.message) for each in caught] == [
        "eigenvalues runs through NumPy: numpy.linalg.eigvals cannot be traced: "
        "its results may be complex numbers, which are not supported yet"
    ]
    assert caught[0].filename == __file__
    # Warnings are errors here: there is no other.
    assert np.array_equal(eigenvalues(matrix), eigenvalues.py_func(matrix))
    out = np.empty(2)
    assert eigenvalues(matrix, out=out) is out
    assert np.array_equal(out, eigenvalues.py_func(matrix))


def test_fallback_warns_in_code_that_is_of_no_module():
    scope = {"f": cpjit(lambda x: np.linalg.eigvals(x), fallback="numpy"), "x": np.eye(2)}
    with pytest.warns(RuntimeWarning, match="runs through NumPy"):
        exec("f(x)", {"__builtins__": {}}, scope)


def test_fallback_is_for_what_cannot_be_compiled_only():
    f = cpjit(lambda x: x + 1, fallback="numpy")
    with pytest.warns(RuntimeWarning, match="no stencils for dtype uint8"):
        assert f(np.ones(3, "uint8")).dtype == np.uint8
    assert np.array_equal(f(X), X + 1)
    assert f.signatures == ["f64[:]"]


def test_fallback_serves_a_call_like_one_that_was_compiled():
    f = cpjit(lambda x, n: x * n**0.5, fallback="numpy")
    assert np.array_equal(f(X, 4.0), X * 2.0)
    with pytest.warns(RuntimeWarning, match="a Python scalar was computed that is not a float"):
        assert f(X, -4.0).dtype == np.complex128
    with pytest.raises(DTypeError, match=r"test_fallback\.py, line"):
        cpjit(f.py_func)(X, -4.0)


def test_without_fallback_it_is_an_error():
    with pytest.raises(UnsupportedError):
        cpjit(np.linalg.eigvals)(np.eye(2))
    with pytest.raises(UnsupportedError):
        cpjit(np.linalg.eigvals, fallback="error")(np.eye(2))


def _checks_its_type(x):
    if type(x) is not np.ndarray:
        raise TypeError("an array is needed")
    return x + 1


def _asserts_its_type(x):
    assert type(x) is np.ndarray
    return x + 1


def _sets_its_elements(x):
    y = x + 1
    y.flat = 5.0
    return y


INTS = np.arange(5)

# Functions that fail on tracers only: what C code, libraries and constants raise for them.
ONLY_TRACED = {
    "a buffer": (lambda x: memoryview(x)[0] + x, X),
    "a buffer of NumPy's": (lambda x: np.frombuffer(x), X),
    "the array interface": (lambda x: x * len(x.__array_interface__["shape"]), X),
    "an attribute that is set": (_sets_its_elements, X),
    "a test of its type": (_checks_its_type, X),
    "an assertion": (_asserts_its_type, X),
    "a test with is": (lambda flag: 1.0 if flag is True else 1 / 0, True),
    "json": (lambda n: len(json.dumps(n)) + n, 2.5),
    "pickle": (lambda n: len(pickle.dumps(n)) + n, 2.5),
    "a seed": (lambda x, n: x + np.random.default_rng(n).random(), X, 7),
    "a decimal": (lambda x, n: x * float(decimal.Decimal(n)), X, 2.5),
    "a method of the class": (lambda x: np.ndarray.sum(x), X),
    "a power of no integers": (lambda x: x**-1, INTS[:0]),
    "a comparison beyond int64": (lambda x, n: x < n, INTS, 2**70),
    "a comparison with an integer that leaves int64": (lambda x, n: x < n * n, INTS, 2**40),
}


@pytest.mark.parametrize("name", ONLY_TRACED)
def test_what_fails_on_tracers_only_runs_through_numpy(name):
    function, *arguments = ONLY_TRACED[name]
    f, expected = cpjit(function, fallback="numpy"), function(*arguments)
    with pytest.warns(RuntimeWarning, match=" runs through NumPy: .") as caught:
        first = f(*arguments)
    assert [each.filename for each in caught] == [__file__]
    for result in (first, f(*arguments)):
        assert type(result) is type(expected)
        assert getattr(result, "dtype", None) == getattr(expected, "dtype", None)
        assert np.array_equal(result, expected)
    with pytest.raises((TypeError, ValueError, ArithmeticError, AssertionError, CpnumError)):
        cpjit(function)(*arguments)


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) >= "2.5.0", reason="NumPy refuses it")
def test_a_constant_that_numpy_wraps_runs_through_numpy():
    f = cpjit(lambda x: np.where(x > 2, x, 2**63), fallback="numpy")
    with pytest.warns(RuntimeWarning, match="9223372036854775808 out of bounds for int64"):
        assert np.array_equal(f(INTS), f.py_func(INTS))


def _raises(x):
    raise ValueError("mine")


def _raises_from(x):
    try:
        return {}["key"]
    except KeyError as error:
        raise LookupError("mine") from error


OWN_ERRORS = {
    "raised": (_raises, X),
    "raised with a cause": (_raises_from, X),
    "of a key": (lambda x: {}["mine"], X),
    "of a name": (lambda x: missing + x, X),  # noqa: F821
    "of an attribute": (lambda x: x.missing, X),
    "of an index": (lambda x: x[100] + x, X),
    "of an operand": (lambda x: x + "text", X),
    "of shapes": (lambda x, y: x + y, X, Y[1:]),
    "of a function that is refused": (lambda x: np.linalg.eigvals(x), X),
    "of json": (lambda x: json.dumps(x), X),
    "of a constant": (lambda x: x + 2**64, INTS),
    "of a bound": (lambda x, n: x + n, INTS.astype("i4"), 2**40),
    "of a quotient": (lambda x, n: x * (1 / n), X, 0),
    "of a shift": (lambda x, n: x * (1 << n), X, -1),
    "of a power": (lambda x, n: x * n**400.0, X, 10.0),
    "of the number of arguments": (lambda x, y: x, X),
}


@pytest.mark.parametrize("name", OWN_ERRORS)
def test_an_error_of_the_function_is_as_without_cpjit(name):
    function, *arguments = OWN_ERRORS[name]
    f = cpjit(function, fallback="numpy")
    with pytest.raises(Exception) as expected:
        function(*arguments)
    for _ in range(2):
        # Warnings are errors here: there is none.
        with pytest.raises(Exception) as caught:
            f(*arguments)
        own, error = expected.value, caught.value
        assert (type(error), str(error)) == (type(own), str(own))
        assert type(error.__cause__) is type(own.__cause__)
        assert type(error.__context__) is type(own.__context__)
        assert _place(caught) == _place(expected) or "number of arguments" in name


def _place(caught):
    """Return the file and line where an error was raised."""
    step = caught.tb
    while step.tb_next is not None:
        step = step.tb_next
    return step.tb_frame.f_code.co_filename, step.tb_lineno


def test_a_call_that_was_compiled_has_the_errors_of_the_function():
    f = cpjit(lambda x, n: x[5] / (1 // n), fallback="numpy")
    assert f(X, 1) == X[5]
    for arguments, kind in (((X[:3], 1), IndexError), ((X, 0), ZeroDivisionError)):
        with pytest.raises(kind) as caught:
            f(*arguments)
        assert caught.value.__context__ is None
        assert _place(caught) == (__file__, f.__code__.co_firstlineno)
    assert f(X, 1) == X[5]


def test_a_number_decides_whether_a_call_runs_through_numpy():
    below = cpjit(lambda x, n: x < n * n, fallback="numpy")
    assert below(INTS, 2).tolist() == [True, True, True, True, False]
    with pytest.warns(RuntimeWarning, match="1208925819614629174706176 out of bounds for int64"):
        assert below(INTS, 2**40).all()
    assert below(INTS, 2**40).all()
    assert below(INTS, 2).tolist() == [True, True, True, True, False]
    with pytest.raises(RangeError, match=rf"test_fallback\.py, line {line_of(below)}:"):
        cpjit(below.py_func)(INTS, 2**40)


def line_of(function):
    return function.__code__.co_firstlineno


def test_a_handler_of_floating_point_errors_is_called_once_even_if_it_raises():
    f, seen = cpjit(lambda x: 1 / x, fallback="numpy"), []

    def handle(kind, flag):
        seen.append(kind)
        raise ValueError("of the handler")

    for _ in range(2):
        with np.errstate(divide="call", call=handle):
            with pytest.raises(ValueError, match="of the handler"):
                f(np.zeros(3))
    assert seen == ["divide by zero"] * 2


def _counted(refuse):
    """Return a compiled function and the list of what it was called with."""
    calls = []

    def function(x, *rest):
        calls.append(type(x))
        return refuse(x, *rest)

    return cpjit(function, fallback="numpy"), calls


@pytest.mark.filterwarnings("ignore:function runs through NumPy")
def test_a_refused_signature_is_traced_once():
    f, calls = _counted(lambda x: x[x > 1])
    for length in (37, 37, 5, 6):
        assert np.array_equal(f(X[:length]), X[:length][X[:length] > 1])
    assert [each is np.ndarray for each in calls] == [False] + [True] * 4
    f(X.astype("f4"))
    assert len(calls) == 7
    f(X.astype("f4"), out=np.empty(np.sum(X > 1), "f4"))
    assert len(calls) == 8


@pytest.mark.filterwarnings("ignore:function runs through NumPy")
def test_a_refused_signature_refuses_no_other():
    f, calls = _counted(lambda x, n=None: x + 1 if n is None or x.ndim == 2 else x[x > n])
    f(X, 1.0)
    assert np.array_equal(f(X), X + 1)
    assert np.array_equal(f(X[None], 1.0), X[None] + 1)
    assert f.signatures == ["f64[:]", "f64[1, :], float"]
    calls.clear()
    f(X), f(X[None], 1.0)
    assert not calls


def _refused_if_long(x):
    return np.unique(x)[0] + x if len(x) > 10 else x + 1


def _refused_if_short(x):
    try:
        return x[20] + x
    except IndexError:
        return np.unique(x)[0] + x


def _refused_if_it_has_no_column(x):
    try:
        return x.reshape(5, -1) + 1
    except ValueError:
        return np.unique(x)[0] + x


@pytest.mark.filterwarnings("ignore:function runs through NumPy")
@pytest.mark.parametrize(
    ("function", "refused", "compiled"),
    [(_refused_if_long, 37, 5), (_refused_if_short, 5, 37), (_refused_if_it_has_no_column, 37, 35)],
)
def test_a_refused_shape_refuses_no_other(function, refused, compiled):
    f, calls = _counted(function)
    for _ in range(3):
        for length in (refused, compiled):
            assert np.array_equal(f(X[:length]), function(X[:length]))
    assert len(calls) == 2 + 2 + 1
    assert f.signatures == [f"f64[{compiled}]"]


@pytest.mark.filterwarnings("ignore:function runs through NumPy")
def test_an_error_that_the_function_raises_too_is_no_refusal():
    settings = {}
    f, calls = _counted(lambda x: x * settings["factor"])
    for _ in range(2):
        with pytest.raises(KeyError, match="factor"):
            f(X)
    settings["factor"] = 2.0
    for _ in range(3):
        assert np.array_equal(f(X), X * 2.0)
    assert len(calls) == 2 * 2 + 1
    assert f.signatures == ["f64[:]"]


@pytest.mark.filterwarnings("ignore:function runs through NumPy")
def test_bind_and_lower_raise_the_error_of_a_remembered_refusal():
    settings = {"refused": True}
    f, calls = _counted(lambda x: x[x > 1] if settings["refused"] else x + 1)
    f(X)
    for use in (f.bind, f.lower):
        with pytest.raises(UnsupportedError, match=r"test_fallback\.py, line"):
            use(X)
    settings["refused"] = False
    assert np.array_equal(f(X), X + 1)
    assert f.signatures == []
    assert np.array_equal(f.bind(X)(), X + 1)
    assert f.signatures == ["f64[:]"]
    calls.clear()
    assert np.array_equal(f(X), X + 1)
    assert not calls


def test_without_fallback_each_call_is_traced_and_refused_anew():
    settings = {"refused": True}
    f = cpjit(lambda x: x[x > 1] if settings["refused"] else x + 1)
    errors = []
    for _ in range(2):
        with pytest.raises(UnsupportedError) as caught:
            f(X)
        errors.append(caught.value)
    assert errors[0] is not errors[1]
    settings["refused"] = False
    assert np.array_equal(f(X), X + 1)


def test_an_out_is_refused_before_and_after_a_refusal_is_remembered():
    f = cpjit(lambda x: x[x > 1], fallback="numpy")
    with pytest.raises(OutError):
        f(X, out=[1.0])
    with pytest.warns(RuntimeWarning, match="runs through NumPy"):
        f(X)
    with pytest.raises(OutError):
        f(X, out=[1.0])


def test_a_dtype_without_stencils_is_refused_quickly_once_it_is_known():
    f, x = cpjit(lambda x: x + 1, fallback="numpy"), np.ones(3, "u1")
    with pytest.warns(RuntimeWarning, match="no stencils for dtype uint8"):
        f(x)
    (refusal,) = f._cache.calls.values()
    assert refusal.why == "no stencils for dtype uint8"
    f._cache._specialization = None  # a call that is remembered does not come here
    assert np.array_equal(f(x), x + 1)


NUMPY_PATH = """
    warnings.simplefilter("always")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        f = cpjit(lambda x, y: np.sqrt(x * x + y * y))
        g = cpjit(lambda x: x + 1)
        x, y = np.arange(5.0), np.ones(5)
        for _ in range(2):
            assert np.array_equal(f(x, y), np.sqrt(x * x + y * y))
            assert type(f(3.0, 4.0)) is np.float64
            out = np.empty(5)
            assert f(x, y, out=out) is out
            assert np.array_equal(out, np.sqrt(x * x + y * y))
            memory = np.arange(6.0)
            assert np.array_equal(g(memory[:-1], out=memory[1:]), np.arange(5.0) + 1)
            assert f(x[:0], y[:0]).shape == (0,)
        assert f.signatures[0] == "f64[:], f64[:]"
    messages = [str(each.message) for each in caught]
    print(len(messages), {each.category.__name__ for each in caught}, messages[0])
    import cpnum
    print("NumPy" in str(cpnum.status()))
"""


def test_without_executable_memory_numpy_evaluates_and_a_warning_says_why():
    first, status = run(NUMPY_PATH, CPNUM_MEMORY="none")
    assert first.startswith("2 {'RuntimeWarning'} <lambda> is evaluated by NumPy: ")
    assert "CPNUM_MEMORY" in first
    assert status == "True"


def test_without_a_level_that_fits_numpy_evaluates_and_a_warning_says_why():
    nothing = "import cpnum.tables.isa\n    cpnum.tables.isa.host = lambda: None\n"
    first, status = run(f"\n    {nothing}{NUMPY_PATH}")
    assert first == (
        "2 {'RuntimeWarning'} <lambda> is evaluated by NumPy: no stencil pack fits this processor"
    )
    assert status == "True"


def test_a_processor_that_cannot_be_asked_is_not_one_without_a_pack():
    code = """
        import resource
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        try:
            cpjit(np.sqrt)
        except OSError as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        print(cpjit(np.sqrt).isa is not None)
    """
    assert run(code) == ["[Errno 24] Too many open files: '/proc/cpuinfo'", "True"]


def test_without_executable_memory_there_is_nothing_to_bind():
    code = """
        try:
            cpjit(np.sqrt).bind(np.ones(3))
        except Exception as error:
            print(type(error).__name__, error)
        print(cpjit(np.sqrt).lower(np.ones(3)).graph.name)
    """
    with_error = run(code, CPNUM_MEMORY="none", PYTHONWARNINGS="ignore")
    assert with_error[0].startswith("IsaError there is no code to bind")
    assert with_error[-1] == "sqrt"


def test_memory_that_is_refused_later_is_asked_for_again_at_each_call():
    code = """
        import errno
        from cpnum.run import linux, memory, system
        refused = False
        def map_pages(size):
            if refused:
                raise OSError(errno.EMFILE, "memfd_create: Too many open files")
            return linux.Linux().map_protected(size)
        mode = system.Mode("memfd", "pages of a test", map_pages, rewritable=False)
        memory.PROCESS = memory.ExecutableMemory(system.System("test", (mode,)))
        f = cpjit(lambda x: 3 * x)
        x = np.arange(7.0)
        f(x[::-1], out=np.empty(7))
        refused = True
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(2):
                assert np.array_equal(f(x), 3 * x)
            assert np.array_equal(f(x[::-1], out=x), np.arange(18.0, -1.0, -3.0))
        print(len(caught), caught[0].filename, caught[0].message)
        try:
            f.bind(x)
        except memory.ExecutableMemoryError as error:
            print(error.message, error.where.partition(":")[0], error.seen)
        refused = False
        f(x)
        print({type(call).__name__ for call in f._cache.calls.values()})
    """
    told, bound, plans = run(code, CPNUM_MEMORY="memfd")
    seen = "memfd: [Errno 24] memfd_create: Too many open files"
    assert told == f"1 <string> <lambda> is evaluated by NumPy: no executable memory; {seen}"
    assert bound == f"no executable memory <string>, line 24 {seen}"
    assert plans == "{'KernelCall'}"
