"""Errors in plain Python: the traceback has the user's frames, and one of cpnum."""

import traceback

import numpy as np
import pytest
from calls import X

from cpnum import TraceError, UnsupportedError, cpjit
from cpnum.errors import CpnumError


def helper(x):
    return np.unique(x) + 1


def refused(x):
    return helper(x * 2)


def wrong(x):
    return x * unknown  # noqa: F821


def shapes(x):
    return x + np.ones_like(x)[:2]


USES = {
    "called": lambda f: f(X),
    "bound": lambda f: f.bind(X),
    "lowered": lambda f: f.lower(X),
    "explained": lambda f: f.explain(X),
    "called by another": lambda f: cpjit(lambda x: f(x) + 1)(X),
}


def frames_of(use, function):
    """Return the files and functions of a traceback, from the outermost on."""
    with pytest.raises(Exception) as raised:
        use(cpjit(function))
    steps = traceback.extract_tb(raised.value.__traceback__)
    return [("cpnum" if "/cpnum/" in each.filename else each.name) for each in steps]


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize(
    ("function", "inside"),
    [(refused, ["refused", "helper"]), (wrong, ["wrong"]), (shapes, ["shapes"])],
    ids=["refused", "wrong", "shapes"],
)
def test_a_traceback_has_one_frame_of_cpnum(use, function, inside):
    frames = frames_of(use, function)
    assert frames.count("cpnum") <= 2 if use is USES["explained"] else frames.count("cpnum") == 1
    assert frames[-len(inside) :] == inside


def test_the_frames_stay_if_asked_for(monkeypatch):
    monkeypatch.setenv("CPNUM_TRACEBACK", "full")
    assert frames_of(USES["called"], refused).count("cpnum") > 5


def rendered(function, *arguments):
    with pytest.raises(CpnumError) as raised:
        cpjit(function)(*arguments)
    return raised.value._render_traceback_()


def test_carets_stand_below_the_expression():
    name, line, carets, *rest = rendered(lambda x: 1 + np.unique(x) * 2, X)
    assert name.startswith("UnsupportedError: numpy.unique cannot be traced")
    assert line[carets.index("^") : carets.rindex("^") + 1] == "np.unique(x)"
    assert [each.split()[0] for each in rest] == ["seen:", "write"]


def test_carets_count_characters_and_not_bytes():
    _, line, carets, *_ = rendered(lambda x: ("äöü", "日本", np.unique(x))[-1], X)
    assert line[carets.index("^") : carets.rindex("^") + 1] == "np.unique(x)"


def test_an_expression_of_many_lines_is_marked_to_the_end_of_its_first():
    def function(x):
        return np.unique(
            x,  # so that the formatter leaves the lines apart
        )

    _, line, carets, *_ = rendered(function, X)
    assert line[carets.index("^") : carets.rindex("^") + 1] == "np.unique("


def test_without_the_source_there_are_no_carets():
    namespace = {"np": np}
    exec("def function(x):\n    return np.unique(x)", namespace)
    lines = rendered(namespace["function"], X)
    assert not any("^" in line for line in lines)
    assert lines[1] == "  <string>, line 2"


def test_errors_without_a_line_are_rendered():
    assert TraceError("a", write="b")._render_traceback_() == ["TraceError: a", "  write b"]
    error = UnsupportedError("a\nb", where="x.py, line 1:  y")
    assert error._render_traceback_() == ["UnsupportedError: a", "b", "  x.py, line 1:  y"]
