"""Each public name of NumPy is traced, answered at once, or refused with a reason.

`CPNUM_UPDATE_GOLDEN=1 pytest` writes docs/coverage.md anew.
"""

from pathlib import Path
from types import ModuleType

import goldens
import numpy as np
import pytest
from tracing import refused

from cpnum import UnsupportedError, cpjit
from cpnum.tables.coverage import (
    ANSWERED_AT_ONCE,
    AT_ONCE,
    CALLED,
    CALLED_METHODS,
    CALLS,
    CALLS_OF_MODULES,
    CHANGING,
    CHANGING_METHODS,
    REFUSED,
    REFUSED_MODULES,
    REFUSED_OF_ARRAYS,
    WHY,
    WHY_OF_ARRAYS,
)
from cpnum.trace.array import Tracer
from cpnum.trace.promote import row_of
from cpnum.trace.registry import FUNCTIONS
from cpnum.trace.replacing import ORIGINALS

PAGE = Path(__file__).parents[1] / "docs" / "coverage.md"


def public(holder):
    return [name for name in dir(holder) if not name.startswith("_")]


def is_function(name):
    return not isinstance(getattr(np, name), type | ModuleType)


def traced(name):
    """Tell how a name of NumPy is traced, None if it is not."""
    value = getattr(np, name)
    if isinstance(value, np.ufunc) and name not in CALLED:
        return "ufunc" if row_of(value) or value in (np.positive, np.conjugate) else None
    if name in CALLED:
        return "called"
    if name in CHANGING:
        return "changing"
    if any(value is each for each in FUNCTIONS):
        return "function"
    return "made" if name in ORIGINALS and name not in WHY else None


NAMES = [name for name in public(np) if is_function(name)]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_numpy_is_traced_or_has_a_reason(name):
    if isinstance(getattr(np, name), np.ufunc):
        return  # the table of operators decides
    known = [traced(name) is not None, name in WHY, name in ANSWERED_AT_ONCE]
    assert sum(known) == 1, name


@pytest.mark.parametrize("name", public(np.ndarray))
def test_a_name_of_arrays_is_traced_or_has_a_reason(name):
    if name in WHY_OF_ARRAYS:
        assert name in refused(UnsupportedError, lambda x: getattr(x, name), np.ones(3))
    else:
        assert hasattr(Tracer, name)


def parameters(code):
    return set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


@pytest.mark.parametrize("name", [name for name in NAMES if traced(name) == "function"])
def test_a_function_of_the_table_has_the_parameters_of_numpy(name):
    """A call by keyword finds its argument."""
    function = getattr(np, name)
    theirs = getattr(function, "__wrapped__", None)
    if theirs is None or not hasattr(theirs, "__code__"):
        return  # a function in C has no names

    ours = FUNCTIONS[function].__wrapped__
    assert parameters(ours.__code__) <= parameters(theirs.__code__), name


def test_functions_that_are_answered_at_once_work_inside():
    def function(x):
        window = np.hanning(3)[1] + np.iinfo(np.int32).bits + np.promote_types("f4", "f8").itemsize
        return x * window * np.isscalar(2.0) + np.pi

    x = np.ones(3)
    assert np.array_equal(cpjit(function)(x), function(x))


@pytest.mark.parametrize("name", ["unique", "compress"])
def test_a_refusal_has_the_reason(name):
    function = getattr(np, name)
    given = {"compress": lambda x: function(x > 0, x)}
    assert WHY[name] in refused(UnsupportedError, given.get(name, function), np.ones(3))


# -- the page -----------------------------------------------------------------------------------


def listed(names):
    words = " ".join(sorted(names, key=str.lower)).split(" ")
    lines, line = [], "`"
    for word in words:
        if len(line) + len(word) > 104:
            lines.append(line.rstrip())
            line = ""
        line += word + " "
    return "\n".join([*lines, line.rstrip() + "`"])


HEAD = """# Coverage

What cpnum does with each public name of NumPy. `tests/test_coverage.py` makes this page from the
tables of cpnum, and looks at all names of the NumPy that is installed.

## Traced

Ufuncs, with the keywords `dtype`, `casting`, `out` and `where`, and with the method `outer`:
"""
MADE = """Functions that make arrays, of traced values or of numbers. Where an array of numbers that
one of them made meets a traced value, or another one that NumPy computed of it by any function, the
graph has a copy of it:
"""
CALLED_HEAD = """## Called between loops

Functions of whole arrays. A function that has one becomes a program: NumPy's own function is called
between the loops. So are indexing with arrays, assignments to what arrays choose, and the methods
`reduce`, `accumulate`, `reduceat` and `at` of ufuncs. Many of the reductions are loops:
see [reductions.md](reductions.md).
"""
AT_ONCE_HEAD = """## Answered at once

These have nothing to do with traced values. NumPy answers while the function is traced.
"""


def group(title, names):
    return f"{title[0].upper()}{title[1:]}:\n{listed(names)}\n"


def groups(table):
    return [group(title, names.split()) for title, names in table.items()]


def page():
    kinds = {name: traced(name) for name in NAMES}

    def of_kind(kind):
        return [name for name, each in kinds.items() if each == kind]

    ufuncs = [
        name for name in NAMES if isinstance(getattr(np, name), np.ufunc) and name not in CALLED
    ]
    modules = "; ".join(f"`{module}`, {reason}" for module, reason in REFUSED_MODULES.items())
    return "\n".join(
        [
            HEAD + listed(of_kind("ufunc")) + "\n",
            group("other functions", of_kind("function")),
            MADE + listed(of_kind("made")) + "\n",
            CALLED_HEAD,
            *groups(CALLS),
            *[
                group(f"of `numpy.{name}`", names.split())
                for name, names in CALLS_OF_MODULES.items()
            ],
            group("functions that write to their first argument", CHANGING),
            group("methods", [*CALLED_METHODS, *CHANGING_METHODS]),
            AT_ONCE_HEAD,
            *groups(AT_ONCE),
            "## Refused\n",
            group(
                "ufuncs without an operator",
                [name for name in ufuncs if not kinds[name] and name not in WHY],
            ),
            *groups(REFUSED),
            f"Other functions of modules: {modules}.\n",
            "## Attributes and methods of arrays\n",
            group("traced", [name for name in public(np.ndarray) if name not in WHY_OF_ARRAYS]),
            *groups(REFUSED_OF_ARRAYS),
        ]
    )


def names_of(text):
    return {name for part in text.split("`")[1::2] for name in part.split()}


def test_the_page_is_made_from_the_tables():
    if goldens.UPDATE:
        PAGE.write_text(page(), encoding="utf-8")
    stored = PAGE.read_text(encoding="utf-8")
    # Another NumPy has other names.
    assert names_of(page()) - set(public(np)) <= names_of(stored)
    known = set(public(np)) | set(public(np.ndarray))
    assert names_of(stored) & known == names_of(page()) & known
