"""An error in an installed library names the library's line and the user's that called it."""

import importlib
import itertools
import statistics
import sys

import numpy as np
import pytest
from calls import X

from cpnum import ShapeError, TraceError, UnsupportedError, cpjit

SOURCE = """\
import numpy as np

def amplitude(x):
    return scaled(x) * 2

def scaled(x):
    return np.unique(x)[0] * x

def convert(x):
    return float(x)

def add(x, y):
    return x + y

def misused(x):
    return memoryview(x)

def power(n):
    return 10.0 ** n

def apply(function, x):
    return function(x)
"""


@pytest.fixture(scope="module", autouse=True)
def core(tmp_path_factory):
    """The module `waves.core` of a package that is installed."""
    packages = tmp_path_factory.mktemp("environment") / "site-packages"
    (packages / "waves").mkdir(parents=True)
    (packages / "waves" / "core.py").write_text(SOURCE, encoding="utf-8")
    sys.path.insert(0, str(packages))
    yield importlib.import_module("waves.core")
    sys.path.remove(str(packages))
    for name in ("waves", "waves.core"):
        del sys.modules[name]


def helper(core, x):
    return core.amplitude(x)  # here


def lines_of(error):
    """Return the user's line that an error names, and the library's."""
    where = error.where.partition(":  ")[2]
    assert error.where.startswith("test_libraries.py, line ")
    assert where.endswith("# here")
    assert f"\n  {error.where}\n  in {error.inside}\n" in str(error)
    return error.inside


# A use of a library -> the class of its error, and the library's line.
USES = {
    "two functions of it": (
        lambda core: lambda x: helper(core, x) + 1,
        (UnsupportedError, "line 7:  return np.unique(x)[0] * x"),
    ),
    "a conversion": (
        lambda core: lambda x: core.convert(x) * x,  # here
        (TraceError, "line 10:  return float(x)"),
    ),
    "shapes": (
        lambda core: lambda x: core.add(x[1:], x[2:]),  # here
        (ShapeError, "line 13:  return x + y"),
    ),
    "an error of Python's": (
        lambda core: lambda x: core.misused(x),  # here
        (TraceError, "line 16:  return memoryview(x)"),
    ),
    "a function of it that it calls back": (
        lambda core: lambda x: core.apply(core.scaled, x),  # here
        (UnsupportedError, "line 7:  return np.unique(x)[0] * x"),
    ),
}


@pytest.mark.parametrize("name", USES)
def test_an_error_in_a_library_names_both_lines(name, core):
    make, (kind, line) = USES[name]
    function = make(core)
    for call in (cpjit(function), cpjit(function).lower, cpjit(function).bind):
        with pytest.raises(kind) as caught:
            call(X)
        assert lines_of(caught.value) == f"waves/core.py, {line}"


def test_an_error_of_a_later_call_names_both_lines(core):
    compiled = cpjit(lambda x, y: core.add(x, y) * 2)  # here
    compiled(X, X)
    with pytest.raises(ShapeError) as caught:
        compiled(X, X[:3])
    assert lines_of(caught.value) == "waves/core.py, line 13:  return x + y"


def test_an_error_of_pythons_arithmetic_in_a_library_has_a_note_with_both_lines(core):
    compiled = cpjit(lambda x, n: x * core.power(n))  # here
    compiled(X, 2.0)
    with pytest.raises(OverflowError) as caught:
        compiled(X, 1000.0)
    (note,) = caught.value.__notes__
    first, second = note.splitlines()
    assert first.startswith("  test_libraries.py, line ")
    assert first.endswith("# here")
    assert second == "  in waves/core.py, line 19:  return 10.0 ** n"


def test_ipython_shows_both_lines(core):
    with pytest.raises(TraceError) as caught:
        cpjit(lambda x: core.convert(x) * x)(X)  # here
    _, user, carets, inside, *_ = caught.value._render_traceback_()
    assert user[carets.index("^") : carets.rindex("^") + 1] == "core.convert(x)"
    assert inside == "  in waves/core.py, line 10:  return float(x)"


def test_the_users_function_that_a_library_calls_is_the_users_line(core):
    with pytest.raises(UnsupportedError) as caught:
        cpjit(lambda x: core.apply(lambda v: np.unique(v)[0], x))(X)  # here
    assert caught.value.where.endswith("# here")
    assert caught.value.inside is None


def test_a_library_that_is_traced_itself_has_the_line_of_the_function(core):
    with pytest.raises(UnsupportedError) as caught:
        cpjit(core.amplitude)(X)
    assert caught.value.where == "waves/core.py, line 4:  return scaled(x) * 2"
    assert caught.value.inside == "waves/core.py, line 7:  return np.unique(x)[0] * x"


@pytest.mark.parametrize(
    "function",
    [
        lambda x: statistics.fmean(x) * x,  # here
        lambda x: list(itertools.accumulate(x, max)),  # here
    ],
)
def test_lines_of_pythons_own_library_are_not_shown(function):
    with pytest.raises(TraceError) as caught:
        cpjit(function)(X)
    assert caught.value.where.endswith("# here")
    assert caught.value.inside is None
