"""What notebooks that teach need: checks of answers, cells that need a package, plain words."""

import numpy as np
import pytest

from cpnum import learn
from cpnum.errors import StencilError

YOUR_TURN = "Your turn: "


def said(capsys, function, *answers):
    assert learn.check(*answers)(function) is function
    return capsys.readouterr().out


def is_even(number):
    "Two divides it."
    assert isinstance(number, int), f"a number is wanted, not {number!r}"
    assert number % 2 == 0, f"{number} is odd"


def test_a_right_answer_is_told_what_it_means(capsys):
    assert said(capsys, is_even, 4) == "Right. Two divides it.\n"


def test_a_wrong_answer_is_told_what_is_missing(capsys):
    # pytest adds what it knows of the assertion.
    assert said(capsys, is_even, 3).startswith("Not yet: 3 is odd\n")
    assert said(capsys, is_even, "4").startswith("Not yet: a number is wanted, not '4'\n")


def test_an_answer_that_is_yet_to_be_given(capsys):
    assert said(capsys, is_even, ...).startswith(YOUR_TURN)
    assert said(capsys, lambda one, two: None, 1, ...).startswith(YOUR_TURN)
    assert said(capsys, lambda array: None, np.array([1, 2])) == "Right.\n"


def test_an_error_of_an_answer_is_a_message(capsys):
    def refused(answer):
        raise StencilError("it does not fit", seen="7")

    assert said(capsys, refused, 0) == "Not yet: it does not fit\n  seen: 7\n"
    assert said(capsys, lambda make: make(), lambda: 1 / 0) == (
        "Not yet: ZeroDivisionError: division by zero\n"
    )


@pytest.fixture
def shell(monkeypatch):
    import IPython
    from IPython.core.interactiveshell import InteractiveShell

    made = InteractiveShell()
    monkeypatch.setattr(IPython, "get_ipython", lambda: made)
    made.run_line_magic("load_ext", "cpnum.learn")
    return made


def test_a_cell_runs_if_its_packages_are_there(shell):
    shell.run_cell_magic("needs", "numpy json", "seven = 7")
    assert shell.user_ns["seven"] == 7


def test_a_cell_is_left_out_without_its_packages(shell, capsys):
    shell.run_cell_magic("needs", "numpy no_such_package", "seven = 7")
    assert "seven" not in shell.user_ns
    assert capsys.readouterr().out == (
        "This cell was left out. It needs: pip install no_such_package\n"
    )


def test_the_compiler_is_installed_as_an_extra(shell, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    shell.run_cell_magic("needs", "ziglang elftools", "seven = 7")
    assert capsys.readouterr().out == (
        'This cell was left out. It needs: pip install "cpnum[learn]"\n'
    )


def test_instructions_have_plain_words():
    listing = learn.listing(bytes.fromhex("48 8b 07 48 01 f0 c3"), "x86-64-v3")
    assert str(listing).splitlines()[1].split("  ")[-1] == (
        "load 1 int64 from memory at rdi into rax"
    )
    assert len(listing) == 3
    assert listing._repr_html_().startswith("<pre>")


def test_glued_code_is_listed_by_stencil_and_label():
    v3 = learn.pack("x86-64-v3")
    items = [learn.instance(v3["entry"], BODY="body"), "body", learn.instance(v3["finish"])]
    lines = str(learn.listing(learn.glue(items))).splitlines()
    assert [each.strip() for each in lines if "body" in each] == [
        "0x0000  entry BODY=body",
        "body:",
    ]
    assert lines[-1].split() == ["0x0069", "c3", "ret", "return"]
