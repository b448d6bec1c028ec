"""`learn.run`: machine code in a process of its own; a crash is an error that says where."""

import os
import platform
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from gluing import axpb

from cpnum import learn
from cpnum.errors import CrashError, DTypeError, IsaError
from cpnum.learn import child
from cpnum.pack.stencil import load
from cpnum.tables.isa import LEVELS, host, runs_here

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the bytes are of x86-64")


def run(digits, *arguments, **options):
    return learn.run(bytes.fromhex(digits), *arguments, **options)


# -- results ------------------------------------------------------------------------------------

FORTY_TWO = "b8 2a 00 00 00 c3"  # mov eax, 42; ret


def test_six_bytes_return_42():
    assert run(FORTY_TWO) == 42


def test_the_result_has_a_sign():
    assert run("48 c7 c0 ff ff ff ff c3") == -1  # mov rax, -1


def test_integers_are_passed_in_the_registers_of_c():
    # lea rax, [rdi + rsi]; add rax, rdx; rcx; r8; r9
    digits = "48 8d 04 37 48 01 d0 48 01 c8 4c 01 c0 4c 01 c8 c3"
    assert run(digits, 1, 20, 300, 4000, 50_000, np.int64(600_000)) == 654_321
    assert run("48 89 f8 c3", 2**64 - 1) == -1


def test_an_array_is_passed_by_its_address_and_copied_back():
    x = np.arange(5.0)
    assert run("48 c7 47 08 00 00 00 00 31 c0 c3", x) == 0  # mov qword [rdi + 8], 0
    assert x.tolist() == [0, 0, 2, 3, 4]


def test_the_address_is_that_of_the_first_element():
    x = np.arange(10)
    assert run("48 8b 07 c3", x[::-2]) == 9
    assert run("48 8b 47 f0 c3", x[::-2]) == 7  # mov rax, [rdi - 16]


def test_only_the_elements_of_a_view_are_copied_back():
    x = np.arange(6)
    run("48 c7 07 07 00 00 00 48 c7 47 08 07 00 00 00 c3", x[2::2])  # both [rdi] and [rdi + 8]
    assert x.tolist() == [0, 1, 7, 3, 4, 5]


def test_arrays_that_overlap_are_one_memory():
    x = np.arange(4)
    # mov qword [rdi], 9; mov rax, [rsi]
    digits = "48 c7 07 09 00 00 00 48 8b 06 c3"
    assert run(digits, x, x) == 9
    x[:] = range(4)
    assert run(digits, x[1:], x[:2]) == 0
    assert x.tolist() == [0, 9, 2, 3]


def test_a_list_is_an_argument_block():
    x = np.array([5])
    words = [x, -3, 2.5, np.float32(1.5)]
    assert run("48 8b 07 48 8b 00 c3", words) == 5
    assert run("48 8b 47 08 c3", words) == -3
    for at, bits in (("10", np.float64(2.5).view(np.int64)), ("18", np.float32(1.5).view("i4"))):
        assert run(f"48 8b 47 {at} c3", tuple(words)) == bits


def test_what_the_code_prints_is_printed(capsys):
    text = np.frombuffer(b"Hi\n", np.uint8)
    # mov rsi, rdi; mov edi, 1; mov edx, 3; mov eax, 1 (write); syscall; ret
    assert run("48 89 fe bf 01 00 00 00 ba 03 00 00 00 b8 01 00 00 00 0f 05 c3", text) == 3
    assert capsys.readouterr().out == "Hi\n"


def test_empty_and_large_arrays(capsys):
    assert run("31 c0 c3", np.empty(0)) == 0
    x = np.zeros(1_000_000)
    run("48 c7 87 f8 11 7a 00 01 00 00 00 c3", x)  # the last element
    assert x.view(np.int64)[-1] == 1
    assert not x[:-1].any()


def test_it_runs_beside_other_threads():
    results = []
    threads = [threading.Thread(target=lambda: results.append(run(FORTY_TWO))) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert results == [42] * 4


# -- crashes ------------------------------------------------------------------------------------

CRASHES = {
    "no address": (
        "90 48 8b 07 c3", (0,), "SIGSEGV at +0x1, address 0x0: 48 8b 07 mov rax, qword ptr [rdi]",
    ),
    "behind an array": (
        "48 8b 47 18 c3", (np.arange(3),),
        "SIGSEGV at +0x0, address 0 bytes behind argument 0: "
        "48 8b 47 18 mov rax, qword ptr [rdi + 0x18]",
    ),
    "before an array": (
        "48 8b 47 f8 c3", (np.zeros(512),),
        "SIGSEGV at +0x0, address 8 bytes before argument 0: "
        "48 8b 47 f8 mov rax, qword ptr [rdi - 8]",
    ),
    "behind an array of a block": (
        "48 8b 47 08 8b 40 04 c3", ([1, np.zeros(1, "i4")],),
        "SIGSEGV at +0x4, address 0 bytes behind word 1 of argument 0: "
        "8b 40 04 mov eax, dword ptr [rax + 4]",
    ),
    "behind a block": (
        "48 8b 47 10 c3", ([1, 2],),
        "SIGSEGV at +0x0, address 0 bytes behind argument 0: "
        "48 8b 47 10 mov rax, qword ptr [rdi + 0x10]",
    ),
    "a write to an array for reading": (
        "48 c7 07 00 00 00 00 c3", (np.broadcast_to(1.0, 3),),
        "SIGSEGV at +0x0, a write to argument 0, which is read-only: "
        "48 c7 07 00 00 00 00 mov qword ptr [rdi], 0",
    ),
    "a write to the code": (
        "48 8d 05 f9 ff ff ff c6 00 00 c3", (), "this is the code itself, which may be read and",
    ),
    "an address that is none": (
        "48 b8 00 00 00 00 00 00 00 80 48 8b 00 c3", (),
        "SIGSEGV at +0xa, an address of more than 48 bits: 48 8b 00 mov rax, qword ptr [rax]",
    ),
    "no instruction": ("90 90 90 90 90 06 c3", (), "SIGILL at +0x5: 06 is no instruction"),
    "ud2": ("0f 0b", (), "SIGILL at +0x0: 0f 0b ud2"),
    "a division by zero": ("31 c9 f7 f1 c3", (), "SIGFPE at +0x2: f7 f1 div ecx"),
    "no return": (
        "b8 2a 00 00 00", (), "the code ran past its end, +0x5: nothing in it returned",
    ),
    "an endless loop": ("90 eb fe", (), "did not return within 0.3 s: it was at +0x1: eb fe jmp 1"),
    "a lost stack": (
        "48 c7 c4 00 00 00 00 58 c3", (), "SIGSEGV at +0x7, address 0x0: 58 pop rax",
    ),
    "a jump away": (
        "48 bf 2a 00 00 00 00 00 00 00 ff e7", (),
        "SIGSEGV outside of the code, address 0x2a\n  seen: a jump or a return left the code; "
        "are rbx, rbp, r12 to r15 and the stack restored?",
    ),
    "a stack that overflows": ("e8 fb ff ff ff", (), "e8 fb ff ff ff call 0"),
    "an exit": (
        "bf 03 00 00 00 b8 3c 00 00 00 0f 05", (), "ended the process, with exit status 3",
    ),
    "a kill": (  # mov eax, 39 (getpid); syscall; mov edi, eax; mov esi, 9; mov eax, 62; syscall
        "b8 27 00 00 00 0f 05 89 c7 be 09 00 00 00 b8 3e 00 00 00 0f 05 c3", (),
        "SIGKILL, at an unknown place",
    ),
}  # fmt: skip


@pytest.mark.parametrize("why", CRASHES)
def test_a_crash_is_an_error_that_says_where(why):
    digits, arguments, text = CRASHES[why]
    with pytest.raises(CrashError) as caught:
        run(digits, *arguments, seconds=0.3)
    assert text in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 2


def test_an_instruction_that_this_processor_lacks_is_named():
    if runs_here(LEVELS["x86-64-v4"]):
        pytest.skip("this processor has AVX-512")
    with pytest.raises(CrashError) as caught:
        run("62 f1 7c 48 58 c1 c3")
    assert str(caught.value) == (
        "SIGILL at +0x0: 62 f1 7c 48 58 c1 vaddps zmm0, zmm0, zmm1: not on this processor"
    )


def test_a_crash_in_a_stencil_names_it():
    code = learn.glue(axpb(load(host())))
    x = np.ones(9)
    with pytest.raises(CrashError) as caught:
        learn.run(code, [x, 0, 2.0, 1.0], 0, 9)
    error = caught.value
    assert (error.signal, error.stencil) == ("SIGSEGV", "store_f64")
    line = next(each for each in code.code.lines() if each.instance.stencil.name == "store_f64")
    assert line.offset <= error.offset < line.offset + line.instance.stencil.size
    start = f"SIGSEGV in stencil store_f64 at +{error.offset - line.offset:#x} "
    assert str(error).startswith(f"{start}(code at +{error.offset:#x}), address 0x0: ")
    with pytest.raises(CrashError, match="bytes behind word 0 of argument 0") as caught:
        learn.run(code, [x, np.ones(90), 2.0, 1.0], 0, 90)
    assert caught.value.stencil == "load_f64"


def test_an_endless_loop_of_stencils_is_found_in_one_of_them():
    pack = load(host())
    entry = learn.instance(pack["entry"], BODY="again")
    code = learn.glue([entry, "again", learn.instance(pack["vectors"], STEP=0, SKIP="again")])
    with pytest.raises(CrashError, match=r"within 0\.2 s: it was in stencil vectors at") as caught:
        learn.run(code, 0, 5, 0, seconds=0.2)
    assert caught.value.signal == "SIGALRM"


def test_nothing_is_left_behind():
    with pytest.raises(CrashError):
        run("0f 0b")
    run(FORTY_TWO)
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_code_that_blocks_signals_is_killed(monkeypatch):
    monkeypatch.setattr("cpnum.learn.running._START_SECONDS", 1.0)
    # rt_sigprocmask(SIG_SETMASK, &ones, NULL, 8), then an endless loop.
    digits = "6a ff 48 89 e6 bf 02 00 00 00 31 d2 41 ba 08 00 00 00 b8 0e 00 00 00 0f 05 eb fe"
    with pytest.raises(CrashError, match=r"did not return within 0\.1 s, nor did it take a signal"):
        run(digits, seconds=0.1)


# -- what is refused ----------------------------------------------------------------------------

REFUSED = {
    "a float": ((2.5,), DTypeError, "type float is not passed in a general register"),
    "a string": (("x",), DTypeError, "type str is not passed"),
    "a string in a block": ((["x"],), DTypeError, "'x' is no word of 8 bytes"),
    "a large integer": ((1 << 64,), DTypeError, "is no word of 8 bytes"),
    "a wide scalar": (([np.complex128(1)],), DTypeError, "is no word of 8 bytes"),
    "objects": ((np.array([None]),), DTypeError, "no use for Python objects"),
    "seven arguments": ((1,) * 7, DTypeError, "C passes 6 arguments in registers"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_other_arguments_are_refused(why):
    arguments, kind, text = REFUSED[why]
    with pytest.raises(kind) as caught:
        run(FORTY_TWO, *arguments)
    assert text in str(caught.value)


def test_code_of_another_processor_is_refused():
    code = learn.glue([learn.instance(load("aarch64")["finish"])])
    with pytest.raises(IsaError, match="this processor cannot run the code"):
        learn.run(code)


def test_a_process_that_cannot_run_code_says_why(monkeypatch, tmp_path):
    program = Path(child.__file__).read_text(encoding="utf-8")
    broken = tmp_path / "child.py"
    broken.write_text(program.replace("PROT_READ | PROT_EXEC)", "-1)"), encoding="utf-8")
    monkeypatch.setattr("cpnum.learn.running._CHILD", str(broken))
    with pytest.raises(CrashError) as caught:
        run(FORTY_TWO)
    assert str(caught.value).splitlines() == [
        "the code cannot be run in a process of its own",
        "  seen: OSError: mprotect: Invalid argument",
    ]


def test_there_has_to_be_time():
    with pytest.raises(ValueError, match="seconds=0"):
        run(FORTY_TWO, seconds=0)


def test_there_has_to_be_code():
    with pytest.raises(CrashError, match="there is no code"):
        learn.run(b"")


# -- the child ----------------------------------------------------------------------------------


def test_the_child_imports_little():
    text = Path(child.__file__).read_text(encoding="utf-8")
    program = f"import sys; exec({text!r}, {{'__name__': 'child'}}); print(*sys.modules)"
    command = [sys.executable, "-I", "-S", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not {"numpy", "cpnum", "site", "re", "enum", "typing"} & set(done.stdout.split())


@pytest.mark.parametrize(("machine", "field"), [("x86_64", "gregs[REG_RIP]"), ("aarch64", "pc")])
def test_the_offsets_in_the_kernels_structures_are_those_of_the_headers(machine, field, tmp_path):
    source, target = Path(tmp_path, "offsets.c"), Path(tmp_path, "offsets.o")
    source.write_text(
        "#define _GNU_SOURCE\n#include <stddef.h>\n#include <signal.h>\n#include <ucontext.h>\n"
        f"_Static_assert(offsetof(ucontext_t, uc_mcontext.{field}) == "
        f'{child.INSTRUCTION[machine]}, "");\n'
        f'_Static_assert(offsetof(siginfo_t, si_addr) == {child.SI_ADDR}, "");\n'
        f'_Static_assert(offsetof(siginfo_t, si_code) == {child.SI_CODE}, "");\n'
        "int nothing;\n"
    )
    compiler = [sys.executable, "-m", "ziglang", "cc", "-target", f"{machine}-linux-musl", "-c"]
    subprocess.run([*compiler, source, "-o", target], check=True)
