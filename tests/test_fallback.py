"""What runs through NumPy, and which warnings say so."""

import numpy as np
import pytest
from calls import X, run

from cpnum import DTypeError, UnsupportedError, cpjit


def test_fallback_runs_through_numpy_and_warns_once():
    @cpjit(fallback="numpy")
    def inverse(x):
        return np.linalg.inv(x) + 1.0

    matrix = np.array([[2.0, 0.0], [0.0, 4.0]])
    with pytest.warns(RuntimeWarning) as caught:
        assert np.array_equal(inverse(matrix), inverse.py_func(matrix))
    assert [str(each.message) for each in caught] == [
        "inverse runs through NumPy: numpy.linalg.inv cannot be traced"
    ]
    assert caught[0].filename == __file__
    # Warnings are errors here: there is no other.
    assert np.array_equal(inverse(matrix), inverse.py_func(matrix))
    out = np.empty((2, 2))
    assert inverse(matrix, out=out) is out
    assert np.array_equal(out, inverse.py_func(matrix))


def test_fallback_warns_in_code_that_is_of_no_module():
    scope = {"f": cpjit(lambda x: np.linalg.inv(x), fallback="numpy"), "x": np.eye(2)}
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
        cpjit(np.linalg.inv)(np.eye(2))
    with pytest.raises(UnsupportedError):
        cpjit(np.linalg.inv, fallback="error")(np.eye(2))


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
        print({type(call).__name__ for call in f._calls.values()})
    """
    told, bound, plans = run(code, CPNUM_MEMORY="memfd")
    seen = "memfd: [Errno 24] memfd_create: Too many open files"
    assert told == f"1 <string> <lambda> is evaluated by NumPy: no executable memory; {seen}"
    assert bound == f"no executable memory <string>, line 24 {seen}"
    assert plans == "{'KernelCall'}"
