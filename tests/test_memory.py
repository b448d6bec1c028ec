"""Executable memory: placed code runs, stays as it is, and its pages are never both W and X."""

from __future__ import annotations

import copy
import errno
import gc
import itertools
import mmap
import os
import pickle
import platform
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cffi  # type: ignore[import-untyped, unused-ignore]
import pytest
from elftools.elf.elffile import ELFFile

from cpnum.run.arena import ARENA_BYTES, Arenas
from cpnum.run.linux import F_SEAL_FUTURE_WRITE, MFD_EXEC, Linux
from cpnum.run.memory import ExecutableMemory, ExecutableMemoryError, Region
from cpnum.run.system import Mode, System, c_function

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")

ROOT = Path(__file__).parents[1]
ffi = cffi.FFI()


REASONS = {
    "memfd": "a writable and an executable view of one memfd",
    "mprotect": "pages made executable once written",
}


@pytest.fixture(autouse=True)
def nothing_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CPNUM_MEMORY", raising=False)


@pytest.fixture
def memory() -> ExecutableMemory:
    """Return memory whose ladder is not climbed yet, and which has no arenas."""
    return ExecutableMemory(Linux())


class Failing(Linux):
    """Linux, but the calls that `fails` names fail with an error number."""

    def __init__(self, number: int, fails: Callable[..., bool]) -> None:
        super().__init__()
        self.number = number
        self.fails = fails

    def call(self, name: str, *arguments: object) -> int:
        if self.fails(name, *arguments):
            raise OSError(self.number, f"{name}: {os.strerror(self.number)}")
        return super().call(name, *arguments)


@pytest.fixture(scope="session")
def functions(tmp_path_factory: pytest.TempPathFactory) -> dict[int, bytes]:
    """Compile C functions that add 1, and 7, to an int: n -> their bytes."""
    folder = tmp_path_factory.mktemp("functions")
    source, target = folder / "add.c", folder / "add.o"
    source.write_text("int f1(int x) { return x + 1; }\nint f7(int x) { return x + 7; }\n")
    flags = (
        f"-target {platform.machine()}-linux-musl -O2 -g0 -ffunction-sections "
        "-fno-sanitize=undefined -fomit-frame-pointer -fno-asynchronous-unwind-tables"
    )
    compiler = [sys.executable, "-m", "ziglang", "cc", "-c"]
    subprocess.run([*compiler, *flags.split(), source, "-o", target], check=True)
    with target.open("rb") as file:
        elf = ELFFile(file)
        sections = {section.name: section for section in elf.iter_sections()}
        return {n: bytes(sections[f".text.f{n}"].data()) for n in (1, 7)}


def call(region: Region, x: int) -> int:
    result: int = ffi.cast("int (*)(int)", region.address)(x)
    return result


def maps(part: str = "") -> list[str]:
    """Return the lines of this process's mappings that contain `part`."""
    return [line for line in Path("/proc/self/maps").read_text().splitlines() if part in line]


def protections(part: str = "") -> set[str]:
    return {line.split()[1] for line in maps(part)}


def run(script: str, *arguments: str, **environment: str) -> str:
    """Run a script in a process of its own, and return what it prints."""
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (0, "") == (result.returncode, result.stderr)
    return result.stdout


PRELUDE = """
import os, sys, cffi
from cpnum.run import memory
ffi = cffi.FFI()
F1, F7 = (bytes.fromhex(code) for code in sys.argv[1:3])
def call(region, x):
    return ffi.cast("int (*)(int)", region.address)(x)
def in_child(function, fork=os.fork):
    pid = fork()
    if pid == 0:
        status = 99
        try:
            function()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
"""


# --- what every mode does ---


@pytest.mark.parametrize("name", ["memfd", "mprotect"])
class TestEachMode:
    @pytest.fixture(autouse=True)
    def forced(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CPNUM_MEMORY", name)

    def test_mode_names_the_reason(self, memory: ExecutableMemory, name: str) -> None:
        assert (name, f"CPNUM_MEMORY={name}; {REASONS[name]}") == memory.mode()

    @pytest.mark.parametrize("size", [1, 15, 16, 17, 64, 1000, 5000, 3 << 20])
    def test_bytes_come_back(self, memory: ExecutableMemory, size: int) -> None:
        code = os.urandom(size)
        region = memory.place(code)
        assert code == region.read()
        assert size == region.size
        assert 0 == region.address % 64

    @pytest.mark.parametrize("aligned", [0, 1, 16, 37, 48, 63, 64, 65, 199])
    def test_the_offset_is_aligned(self, memory: ExecutableMemory, aligned: int) -> None:
        regions = [memory.place(os.urandom(200), aligned) for _ in range(20)]
        assert {0} == {(region.address + aligned) % 64 for region in regions}
        if aligned % 16 == 0:
            assert {0} == {region.address % 16 for region in regions}

    def test_regions_do_not_overlap(self, memory: ExecutableMemory) -> None:
        codes = [os.urandom(1 + n * 37 % 700) for n in range(200)]
        regions = [memory.place(code, len(code) // 2) for code in codes]
        assert codes == [region.read() for region in regions]

    def test_compiled_c_runs(self, memory: ExecutableMemory, functions: dict[int, bytes]) -> None:
        regions = {n: memory.place(code) for n, code in functions.items()}
        assert {1: 42, 7: 48} == {n: call(region, 41) for n, region in regions.items()}

    def test_no_page_is_writable_and_executable(self, memory: ExecutableMemory) -> None:
        assert not {each for each in protections() if "w" in each and "x" in each}
        regions = [memory.place(bytes(300)), memory.place(bytes(2 << 20))]
        assert not {each for each in protections() if "w" in each and "x" in each}
        assert 2 == len(regions)

    def test_threads_place_at_once(
        self, memory: ExecutableMemory, functions: dict[int, bytes]
    ) -> None:
        wrong = []

        def work(n: int) -> None:
            kept: list[Region] = []
            for i in range(300):
                kept.append(memory.place(functions[n]))
                if any(call(region, i) != i + n for region in kept[-3:]):
                    wrong.append(i)
                if i % 3:
                    kept.pop(i % len(kept))

        threads = [threading.Thread(target=work, args=(n,)) for n in (1, 7, 1, 7)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [] == wrong

    def test_placing_and_freeing_needs_no_more_memory(self, memory: ExecutableMemory) -> None:
        def resident() -> int:
            return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE

        code = os.urandom(3000)
        for _ in range(100):
            memory.place(code)
        before = resident(), len(maps())
        for _ in range(10_000):
            memory.place(code)
        assert resident() - before[0] < 1 << 20
        assert len(maps()) - before[1] < 10

    def test_a_region_cannot_be_copied(self, memory: ExecutableMemory) -> None:
        region = memory.place(b"code")
        for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot be copied"):
                duplicate(region)

    def test_a_child_frees_and_places_and_the_parents_code_stays(
        self, name: str, functions: dict[int, bytes]
    ) -> None:
        script = """
regions = [memory.place(F1) for _ in range(50)]
def child():
    assert call(regions[0], 1) == 2      # what was compiled before the fork runs
    regions.clear()
    mine = [memory.place(F7) for _ in range(200)]
    assert all(call(region, 1) == 8 for region in mine)
in_child(child)
assert all(region.read() == F1 and call(region, 1) == 2 for region in regions)
"""
        codes = [functions[n].hex() for n in (1, 7)]
        assert "" == run(PRELUDE + script, *codes, CPNUM_MEMORY=name)

    def test_a_parent_frees_and_places_and_the_childs_code_stays(
        self, name: str, functions: dict[int, bytes]
    ) -> None:
        script = """
regions = [memory.place(F1) for _ in range(50)]
done, ready = os.pipe()
pid = os.fork()
if pid == 0:
    os.read(done, 1)
    os._exit(0 if all(r.read() == F1 and call(r, 1) == 2 for r in regions) else 1)
regions.clear()
mine = [memory.place(F7) for _ in range(200)]
os.write(ready, b"x")
assert os.waitpid(pid, 0)[1] == 0
assert all(call(region, 1) == 8 for region in mine)
"""
        codes = [functions[n].hex() for n in (1, 7)]
        assert "" == run(PRELUDE + script, *codes, CPNUM_MEMORY=name)


@pytest.mark.parametrize(("code", "aligned"), [(b"", 0), (b"code", 4), (b"code", -1)])
def test_an_offset_outside_the_code_is_refused(
    memory: ExecutableMemory, code: bytes, aligned: int
) -> None:
    with pytest.raises(ValueError, match=f"no offset {aligned} in {len(code)} bytes"):
        memory.place(code, aligned)


# --- memfd ---


@pytest.fixture
def memfd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPNUM_MEMORY", "memfd")


@pytest.mark.usefixtures("memfd")
class TestMemfd:
    def test_it_is_the_first_choice(
        self, memory: ExecutableMemory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("CPNUM_MEMORY")
        assert ("memfd", REASONS["memfd"]) == memory.mode()

    def test_the_views_are_one_writable_and_one_executable(self, memory: ExecutableMemory) -> None:
        before = maps("/memfd:cpnum")
        region = memory.place(b"code")
        views = sorted(set(maps("/memfd:cpnum")) - set(before))
        assert {"rw-s", "r-xs"} == {line.split()[1] for line in views}
        assert 2 == len(views)
        assert b"code" == region.read()

    def test_the_executable_view_cannot_become_writable(self, memory: ExecutableMemory) -> None:
        region = memory.place(b"code")
        page = region.address & -mmap.PAGESIZE
        with pytest.raises(OSError, match="mprotect") as refused:
            Linux().call("mprotect", page, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE)
        assert errno.EACCES == refused.value.errno

    def test_no_file_stays_open(self, memory: ExecutableMemory) -> None:
        open_files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        regions = [memory.place(bytes(2 << 20)) for _ in range(3)]
        assert open_files == len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        assert 3 == len(regions)

    def test_a_freed_range_is_used_again_and_zero_before(self, memory: ExecutableMemory) -> None:
        region = memory.place(b"\xff" * 100)
        kept = memory.place(b"\xff" * 100)
        address = region.address
        del region
        gc.collect()
        again = memory.place(b"\xff" * 50)
        assert address == again.address
        assert b"\xff" * 50 + bytes(50) == ffi.buffer(ffi.cast("char *", address), 100)[:]
        assert b"\xff" * 100 == kept.read()

    def test_an_arena_that_is_full_gets_a_successor_which_goes_when_free(
        self, memory: ExecutableMemory
    ) -> None:
        memory.place(b"first")
        before = len(maps("/memfd:cpnum"))
        regions = [memory.place(os.urandom(100_000)) for _ in range(25)]
        assert before + 4 == len(maps("/memfd:cpnum"))
        assert 25 == len(regions)
        regions.clear()
        memory.place(b"next")
        assert before == len(maps("/memfd:cpnum"))

    def test_a_fork_that_python_was_not_told_of_is_noticed(
        self, functions: dict[int, bytes]
    ) -> None:
        script = """
ffi.cdef("int fork(void);")
region = memory.place(F1)
def child():
    assert "rw-s" not in open("/proc/self/maps").read()  # the writable view was not inherited
    assert call(memory.place(F7), 1) == 8 and call(region, 1) == 2
    assert open("/proc/self/maps").read().count("rw-s") == 1  # an arena of the child's own
in_child(child, ffi.dlopen(None).fork)
assert region.read() == F1
"""
        assert "" == run(PRELUDE + script, *(functions[n].hex() for n in (1, 7)))

    def test_a_child_of_such_a_fork_forks(self, functions: dict[int, bytes]) -> None:
        script = """
ffi.cdef("int fork(void);")
regions = [memory.place(F1) for _ in range(2)]
def child():
    regions.pop()
    in_child(lambda: call(memory.place(F7), 1) == 8 or 1 / 0)
    assert call(memory.place(F7), 1) == 8 and call(regions[0], 1) == 2
in_child(child, ffi.dlopen(None).fork)
assert [F1] * 2 == [region.read() for region in regions]
"""
        assert "" == run(PRELUDE + script, *(functions[n].hex() for n in (1, 7)))

    def test_a_child_may_have_its_parents_pid(self, functions: dict[int, bytes]) -> None:
        script = """
os.getpid = lambda: 1  # as where parent and child are each the first of a PID namespace
region = memory.place(F1)
def child():
    assert call(memory.place(F7), 1) == 8 and call(region, 1) == 2
in_child(child)
assert region.read() == F1
"""
        assert "" == run(PRELUDE + script, *(functions[n].hex() for n in (1, 7)))

    def test_a_child_of_a_child_works(self, functions: dict[int, bytes]) -> None:
        script = """
one = memory.place(F1)
def child():
    two = memory.place(F7)
    in_child(lambda: memory.place(F1) and (call(one, 1), call(two, 1)) == (2, 8) or 1 / 0)
    assert call(memory.place(F1), 1) == 2 and call(two, 1) == 8
in_child(child)
"""
        assert "" == run(PRELUDE + script, *(functions[n].hex() for n in (1, 7)))

    def test_a_fork_while_other_threads_place_does_not_hang(
        self, functions: dict[int, bytes]
    ) -> None:
        script = """
import threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)
stop = False
def work():
    while not stop:
        memory.place(F1)
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads: thread.start()
try:
    for _ in range(30):
        in_child(lambda: call(memory.place(F7), 1) == 8 or 1 / 0)
finally:
    stop = True
"""
        assert "" == run(PRELUDE + script, *(functions[n].hex() for n in (1, 7)))

    def test_the_system_refusing_later_is_our_error(self) -> None:
        failing: set[str] = set()
        memory = ExecutableMemory(Failing(errno.EMFILE, lambda name, *_: name in failing))
        memory.place(b"code")
        failing.add("memfd_create")
        with pytest.raises(ExecutableMemoryError) as refused:
            memory.place(bytes(2 << 20))
        assert (
            "no executable memory\n"
            f"  seen: memfd: [Errno {errno.EMFILE}] memfd_create: Too many open files"
        ) == str(refused.value)
        assert b"code" == memory.place(b"code").read()


# --- arenas, of pages that cannot run ---


class Plain:
    """Pages of plain memory."""

    def __init__(self, size: int) -> None:
        self.size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        self.memory = ffi.new("char[]", self.size + mmap.PAGESIZE)
        start = int(ffi.cast("intptr_t", self.memory))
        self.address = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE
        self.mapped = True

    def write(self, offset: int, code: bytes) -> None:
        assert offset + len(code) <= self.size
        ffi.memmove(ffi.cast("char *", self.address + offset), code, len(code))

    def unmap(self) -> None:
        self.mapped = False


class TestArenas:
    def test_neighbours_merge_in_any_order_of_release(self) -> None:
        for order in itertools.permutations(range(4)):
            arenas = Arenas(Plain)
            frees = [arenas.place(os.urandom(500), 0)[1] for _ in range(4)]
            (arena,) = arenas.arenas
            for n in order:
                frees[n]()
                arenas.collect()
                assert sorted(arena.free) == arena.free
                assert all(a[1] < b[0] for a, b in itertools.pairwise(arena.free))
            assert [(0, ARENA_BYTES)] == arena.free

    def test_code_larger_than_an_arena_gets_its_own(self) -> None:
        arenas = Arenas(Plain)
        arenas.place(b"first", 0)
        for size, aligned in [(ARENA_BYTES - 10, 1), (5 << 20, 63)]:
            address, _ = arenas.place(bytes(size), aligned)
            pages = arenas.arenas[-1].pages
            assert pages.address <= address
            assert address + size <= pages.address + pages.size
            assert 0 == (address + aligned) % 64
        assert 3 == len(arenas.arenas)

    def test_the_first_arena_stays_mapped_and_others_go(self) -> None:
        arenas = Arenas(Plain)
        frees = [arenas.place(bytes(ARENA_BYTES), 0)[1] for _ in range(3)]
        pages: list[Any] = [arena.pages for arena in arenas.arenas]
        for free in frees:
            free()
        arenas.collect()
        assert [True, False, False] == [each.mapped for each in pages]
        assert 1 == len(arenas.arenas)

    def test_placing_within_a_placing_gets_another_arena(self) -> None:
        within = []

        class Interrupted(Plain):
            """Pages during whose writing a finalizer places, as one that compiles does."""

            def write(self, offset: int, code: bytes) -> None:
                if code == b"outer":
                    within.append(arenas.place(b"inner", 0)[0])
                super().write(offset, code)

        arenas = Arenas(Interrupted)
        arenas.place(b"first", 0)
        outer, _ = arenas.place(b"outer", 0)
        assert 2 == len(arenas.arenas)
        for address, code in [(within[0], b"inner"), (outer, b"outer")]:
            assert code == ffi.buffer(ffi.cast("char *", address), 5)[:]

    def test_a_fork_pins_the_ranges_in_use(self) -> None:
        arenas = Arenas(Plain)
        (freed, free_before), (used, free_after) = arenas.place(b"1", 0), arenas.place(b"2", 0)
        free_before()
        arenas.before_fork()
        arenas.after_fork_in_parent()
        free_after()
        placed = [arenas.place(b"3", 0)[0] for _ in range(3)]
        assert freed in placed
        assert used not in placed


# --- the ladder ---


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


def test_importing_neither_imports_cffi_nor_maps_anything() -> None:
    script = """
import sys
from cpnum.run import memory
assert "cffi" not in sys.modules and "memfd" not in open("/proc/self/maps").read()
"""
    assert "" == run(script)


@pytest.mark.parametrize("name", ["memfd", "mprotect"])
@pytest.mark.parametrize("machine", ["aarch64", "x86_64"])
def test_aarch64_flushes_the_instruction_cache_of_the_executable_view(
    machine: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = []

    class Recorded(Linux):
        def call(self, name: str, *arguments: object) -> int:
            if name == "__clear_cache":
                flushed.append(arguments)
            return super().call(name, *arguments)

    monkeypatch.setenv("CPNUM_MEMORY", name)
    memory = ExecutableMemory(Recorded(machine))
    assert name == memory.mode()[0]
    flushed.clear()
    region = memory.place(b"code")
    # The memory of the ladder's sample is cleared first, and flushed as well.
    last = [(region.address, region.address + 4)] if machine == "aarch64" else []
    assert last == flushed[-1:]
