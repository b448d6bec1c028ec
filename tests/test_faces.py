"""Stages, stencils, packs and compiled functions have a short text, and HTML with all lines."""

from html import escape

import numpy as np
import pytest

from cpnum import cpjit
from cpnum.compile.select import select
from cpnum.pack.stencil import load


def objects():
    function = cpjit(lambda x: np.where(x < 1, x, 0.5), isa="x86-64-v4")
    kernel = function.lower(np.ones(9))
    pack = load("x86-64-v4")
    return {
        "function": function,
        "kernel": kernel,
        "graph": kernel.graph,
        "nest": kernel.loop_nest,
        "selection": select(kernel.loop_nest, pack),
        "assignment": kernel.instances,
        "code": kernel.code,
        "pack": pack,
        "stencil": pack["sin_f64"],
    }


@pytest.mark.parametrize("name", objects())
def test_the_text_is_one_line_and_the_html_has_all(name):
    each = objects()[name]
    assert len(repr(each).splitlines()) == 1
    assert len(repr(each)) < 80
    html = each._repr_html_()
    assert html.startswith("<pre") and html.endswith("</pre>")
    if type(each).__str__ is not object.__str__:
        assert escape(str(each)) in html
    assert str(each) == repr(each) or len(str(each).splitlines()) > 1


def test_a_function_shows_its_signatures_and_kernels():
    function = cpjit(lambda x: x + 1)
    function.lower(np.ones(3))
    assert "f64[:]\n" in function._repr_html_()
    assert "&lt;kernel &lt;lambda&gt;" in function._repr_html_()


def test_a_stencil_shows_its_holes_and_instructions():
    text = str(load("x86-64-v3")["load_f64"])
    assert "[OFFSET 00 00 00 00]" in text
    assert "vmovups ymm" in text
    assert "pointer: one of " in text
