"""The ladder of modes: the first mode that works is kept, and the reason is told."""

from __future__ import annotations

import errno
import mmap
from typing import Any

import pytest
from placing import LINUX, PRELUDE, REASONS, Failing, Plain, call, maps, run

from cpnum.run.linux import F_SEAL_FUTURE_WRITE, MFD_EXEC, Linux
from cpnum.run.memory import ExecutableMemory, ExecutableMemoryError
from cpnum.run.system import Mode, System, c_function

pytestmark = LINUX


def test_without_memfd_it_is_mprotect(functions: dict[int, bytes]) -> None:
    memory = ExecutableMemory(Failing(errno.EACCES, lambda name, *_: name == "memfd_create"))
    assert (
        "mprotect",
        "memfd failed: [Errno 13] memfd_create: Permission denied; "
        "pages made executable once written",
    ) == memory.mode()
    assert 42 == call(memory.place(functions[1]), 41)


def test_linux_before_6_3_is_asked_without_mfd_exec() -> None:
    flags = []

    def fails(name: str, *arguments: Any) -> bool:
        if name != "memfd_create":
            return False
        flags.append(arguments[-1])
        return bool(arguments[-1] & MFD_EXEC)

    assert "memfd" == ExecutableMemory(Failing(errno.EINVAL, fails)).mode()[0]
    assert [MFD_EXEC, 0] == [each & MFD_EXEC for each in flags]


def test_linux_before_5_1_is_asked_without_the_seal_of_future_writes() -> None:
    asked = []

    class Old(Linux):
        def add_seals(self, fd: int, seals: int) -> None:
            asked.append(seals)
            if seals & F_SEAL_FUTURE_WRITE:
                raise OSError(errno.EINVAL, "fcntl")
            super().add_seals(fd, seals)

    assert "memfd" == ExecutableMemory(Old()).mode()[0]
    assert [F_SEAL_FUTURE_WRITE | asked[1], asked[1]] == asked
    assert asked[1]


def test_a_c_library_without_memfd_create_is_no_accident() -> None:
    class Old(Linux):
        def call(self, name: str, *arguments: object) -> int:
            if name == "memfd_create":
                c_function("no_such_function", "int(*)(const char *, unsigned int)")
            return super().call(name, *arguments)

    name, reason = ExecutableMemory(Old()).mode()
    assert "mprotect" == name
    assert "no_such_function: the C library has no such function" in reason


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOMEM])
def test_failures_halfway_leave_no_mapping(number: int) -> None:
    mapped: dict[int, int] = {}

    class Halfway(Failing):
        """Linux that maps nothing executable, with a record of all else that is mapped."""

        def call(self, name: str, *arguments: Any) -> int:
            result = super().call(name, *arguments)
            if name == "mmap":
                mapped[result] = arguments[1]
            if name == "munmap":
                assert arguments[1] == mapped.pop(arguments[0])
            return result

    executable = mmap.PROT_READ | mmap.PROT_EXEC
    before = maps("/memfd:cpnum")
    memory = ExecutableMemory(
        Halfway(number, lambda name, *arguments: executable in arguments[2:3])
    )
    assert "none" == memory.mode()[0]
    assert {} == mapped
    assert before == maps("/memfd:cpnum")
    with pytest.raises(ExecutableMemoryError, match=r"memfd failed: .*; mprotect failed: "):
        memory.place(b"code")


def test_forced_none(memory: ExecutableMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPNUM_MEMORY", "none")
    assert ("none", "CPNUM_MEMORY=none") == memory.mode()
    with pytest.raises(ExecutableMemoryError) as refused:
        memory.place(b"code")
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


def test_an_unknown_mode_is_told(memory: ExecutableMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPNUM_MEMORY", "jit")
    assert ("none", "CPNUM_MEMORY=jit is not one of memfd, mprotect, none") == memory.mode()


def test_a_system_without_modes_is_told() -> None:
    memory = ExecutableMemory(System("darwin"))
    assert ("none", "executable memory is not supported on darwin yet") == memory.mode()
    with pytest.raises(ExecutableMemoryError, match="not supported on darwin yet"):
        memory.place(b"code")


def test_another_platform_is_a_system_without_modes() -> None:
    script = """
import sys
import numpy
sys.platform = "darwin"
from cpnum.run import memory
print(memory.mode())
"""
    assert "('none', 'executable memory is not supported on darwin yet')\n" == run(script)


def test_another_system_is_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blind(Plain):
        """Pages that do not show what is written to them."""

        def write(self, offset: int, code: bytes) -> None:
            pass

    system = System(
        "other",
        (
            Mode("blind", "pages that show nothing", Blind, rewritable=False),
            Mode("plain", "plain memory", Plain, rewritable=True),
        ),
    )
    failed = "blind failed: the executable view does not show what was written"
    assert ("plain", f"{failed}; plain memory") == ExecutableMemory(system).mode()
    assert b"code" == ExecutableMemory(system).place(b"code", 3).read()
    monkeypatch.setenv("CPNUM_MEMORY", "memfd")
    told = "CPNUM_MEMORY=memfd is not one of blind, plain, none"
    assert ("none", told) == ExecutableMemory(system).mode()


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
        else f"memfd|{REASONS['memfd']}|42\n"
    )
    assert expected == output
