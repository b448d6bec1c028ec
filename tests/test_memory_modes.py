"""How executable memory is had: the first way that works, and why not another."""

from __future__ import annotations

import errno
import mmap
import os
import sys

import pytest
from placing import PRELUDE, call, maps, run

from cpnum.run import memory
from cpnum.run.memory import ExecutableMemoryError, mode, place

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")


@pytest.fixture(autouse=True)
def fresh(fresh_memory: None) -> None:
    """Give each test a ladder not climbed yet and arenas of its own."""


def failing(name: str, number: int, only: object = None) -> object:
    """Return a `_call` whose function `name` fails, if given a last argument only with it."""
    call = memory._call

    def fail(function: str, *arguments: object) -> int:
        if function == name and (only is None or only == arguments[-1]):
            raise OSError(number, f"{function}: {os.strerror(number)}")
        return call(function, *arguments)

    return fail


def test_without_memfd_it_is_mprotect(
    monkeypatch: pytest.MonkeyPatch, functions: dict[int, bytes]
) -> None:
    monkeypatch.setattr(memory, "_call", failing("memfd_create", errno.EACCES))
    assert (
        "mprotect",
        "memfd failed: [Errno 13] memfd_create: Permission denied; "
        "pages made executable once written",
    ) == mode()
    assert 42 == call(place(functions[1]), 41)


def test_a_kernel_that_does_not_know_mfd_exec_is_asked_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "_call", failing("memfd_create", errno.EINVAL, only=0x13))
    assert "memfd" == mode()[0]


def test_a_c_library_without_memfd_create_is_no_accident(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = memory._DECLARATIONS["memfd_create"]
    function = memory._function

    def old(name: str, library: str | None = None) -> object:
        return function("no_such_function" if name == "memfd_create" else name, library)

    monkeypatch.setitem(memory._DECLARATIONS, "no_such_function", declared)
    monkeypatch.setattr(memory, "_function", old)
    name, reason = mode()
    assert "mprotect" == name
    assert "no_such_function: the C library has no such function" in reason


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOMEM], ids=["EACCES", "ENOMEM"])
def test_failures_halfway_leave_no_mapping(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    call = memory._call
    executable = mmap.PROT_READ | mmap.PROT_EXEC

    def fail(function: str, *arguments: object) -> int:
        if function == "mprotect" or (function == "mmap" and arguments[2] == executable):
            raise OSError(number, function)
        return call(function, *arguments)

    monkeypatch.setattr(memory, "_call", fail)
    before = maps("/memfd:cpnum")
    assert "none" == mode()[0]
    assert before == maps("/memfd:cpnum")
    with pytest.raises(ExecutableMemoryError, match=r"memfd failed: .*; mprotect failed: "):
        place(b"code")


def test_forced_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPNUM_MEMORY", "none")
    assert ("none", "CPNUM_MEMORY=none") == mode()
    with pytest.raises(ExecutableMemoryError) as refused:
        place(b"code")
    assert "no executable memory\n  seen: CPNUM_MEMORY=none" == str(refused.value)


def test_libraries_that_may_not_be_mapped_are_no_accident() -> None:
    script = """
import sys, warnings
import numpy as np
import cpnum
from cpnum.run import memory
# To import them raises ImportError, as where no code may be mapped.
sys.modules["_cffi_backend"] = sys.modules["importlib.metadata"] = None
warnings.simplefilter("ignore")
print(cpnum.cpjit(lambda x: x + 1)(np.zeros(2)))
print(memory.mode())
print(cpnum.status().versions)
"""
    result, told, versions = run(script).splitlines()
    assert "[1. 1.]" == result
    assert told.startswith("('none', 'cffi cannot be loaded: import of _cffi_backend halted")
    assert versions.startswith("cpnum (import of importlib.metadata halted")


def test_an_unknown_mode_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPNUM_MEMORY", "jit")
    assert ("none", "CPNUM_MEMORY=jit is not one of memfd, mprotect, none") == mode()


def test_another_platform_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert ("none", "executable memory is not supported on darwin yet") == mode()


@pytest.mark.parametrize("forced", ["", "mprotect"])
def test_under_mdwe_memfd_works_and_mprotect_is_refused(
    forced: str, functions: dict[int, bytes]
) -> None:
    script = """
ffi.cdef("int prctl(int option, unsigned long a, unsigned long b, unsigned long c, "
         "unsigned long d);")
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
if ffi.dlopen(None).prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0:
    print("no MDWE")
else:
    name, reason = memory.mode()
    print(name, reason, call(memory.place(F1), 41) if name == "memfd" else "", sep="|")
"""
    output = run(PRELUDE + script, *(functions[n].hex() for n in (1, 7)), CPNUM_MEMORY=forced)
    if output == "no MDWE\n":
        pytest.skip("Linux before 6.3")
    expected = (
        "none|CPNUM_MEMORY=mprotect; mprotect failed: [Errno 13] mprotect: Permission denied|\n"
        if forced
        else f"memfd|{memory._REASON['memfd']}|42\n"
    )
    assert expected == output


def test_importing_neither_imports_cffi_nor_maps_anything() -> None:
    script = """
import sys
from cpnum.run import memory
assert "cffi" not in sys.modules and "memfd" not in open("/proc/self/maps").read()
"""
    assert "" == run(script)
