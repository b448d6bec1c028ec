"""The ISA level of a function: what chooses it."""

import pytest
from calls import X, Y, hypot, run
from cases import assert_same

from cpnum import IsaError, cpjit


def test_levels_have_the_same_bits(level):
    assert_same(hypot(X, Y), cpjit(hypot, isa=level)(X, Y))


def test_the_environment_chooses_the_level(level):
    code = "print(cpjit(np.sqrt).isa); print(cpjit(np.sqrt)(np.ones(3)))"
    assert run(code, CPNUM_ISA=level) == [level, "[1. 1. 1.]"]


def test_the_option_is_stronger_than_the_environment():
    code = "print(cpjit(np.sqrt, isa='x86-64-v3').isa, cpjit(np.sqrt).isa)"
    assert run(code, CPNUM_ISA="aarch64") == ["x86-64-v3 aarch64"]


def test_an_unknown_level_is_refused():
    with pytest.raises(IsaError) as caught:
        cpjit(hypot, isa="x86-64-v9")
    assert str(caught.value) == (
        "unknown ISA level x86-64-v9\n"
        "  seen: isa='x86-64-v9'\n"
        "  write one of x86-64-v4, x86-64-v3, aarch64"
    )
    code = """
        try:
            cpjit(np.sqrt)
        except Exception as error:
            print(type(error).__name__, error)
    """
    assert run(code, CPNUM_ISA="v9") == [
        "IsaError unknown ISA level v9",
        "  seen: CPNUM_ISA=v9",
        "  write one of x86-64-v4, x86-64-v3, aarch64",
    ]


FACTOR = 2.0


def test_the_level_is_chosen_when_the_function_is_decorated(monkeypatch):
    f = cpjit(lambda x: x * FACTOR)
    monkeypatch.setenv("CPNUM_ISA", "x86-64-v3" if str(f.isa) == "aarch64" else "aarch64")
    for factor in (2.0, 3.0):  # each is compiled anew
        monkeypatch.setitem(globals(), "FACTOR", factor)
        assert_same(X * factor, f(X))
        assert f.lower(X).loop_nest.isa is f.isa
