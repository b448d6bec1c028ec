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
from collections.abc import Iterator
from pathlib import Path

import cffi  # type: ignore[import-untyped, unused-ignore]
import pytest
from elftools.elf.elffile import ELFFile

from cpnum.run import memory
from cpnum.run.memory import ExecutableMemoryError, Region, mode, place

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")

ROOT = Path(__file__).parents[1]
ffi = cffi.FFI()


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test a ladder not climbed yet and arenas of its own."""
    monkeypatch.delenv("CPNUM_MEMORY", raising=False)
    monkeypatch.setattr(memory, "_arenas", memory._Arenas())
    mode.cache_clear()
    yield
    mode.cache_clear()


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

    def test_mode_names_the_reason(self, name: str) -> None:
        assert (name, f"CPNUM_MEMORY={name}; {memory._REASON[name]}") == mode()

    @pytest.mark.parametrize(
        "size", [1, 15, 16, 17, 64, 1000, 5000, 3 << 20], ids="{} bytes".format
    )
    def test_bytes_come_back(self, size: int) -> None:
        code = os.urandom(size)
        region = place(code)
        assert code == region.read()
        assert size == region.size
        assert 0 == region.address % 64

    @pytest.mark.parametrize("aligned", [0, 1, 16, 37, 48, 63, 64, 65, 199], ids="byte {}".format)
    def test_the_offset_is_aligned(self, aligned: int) -> None:
        regions = [place(os.urandom(200), aligned) for _ in range(20)]
        assert {0} == {(region.address + aligned) % 64 for region in regions}
        if aligned % 16 == 0:
            assert {0} == {region.address % 16 for region in regions}

    def test_regions_do_not_overlap(self) -> None:
        codes = [os.urandom(1 + n * 37 % 700) for n in range(200)]
        regions = [place(code, len(code) // 2) for code in codes]
        assert codes == [region.read() for region in regions]

    def test_compiled_c_runs(self, functions: dict[int, bytes]) -> None:
        regions = {n: place(code) for n, code in functions.items()}
        assert {1: 42, 7: 48} == {n: call(region, 41) for n, region in regions.items()}

    def test_no_page_is_writable_and_executable(self) -> None:
        assert not {each for each in protections() if "w" in each and "x" in each}
        regions = [place(bytes(300)), place(bytes(2 << 20))]
        assert not {each for each in protections() if "w" in each and "x" in each}
        assert 2 == len(regions)

    def test_threads_place_at_once(self, functions: dict[int, bytes]) -> None:
        wrong = []

        def work(n: int) -> None:
            kept: list[Region] = []
            for i in range(300):
                kept.append(place(functions[n]))
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

    def test_placing_and_freeing_needs_no_more_memory(self) -> None:
        def resident() -> int:
            return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE

        code = os.urandom(3000)
        for _ in range(100):
            place(code)
        before = resident(), len(maps())
        for _ in range(10_000):
            place(code)
        assert resident() - before[0] < 1 << 20
        assert len(maps()) - before[1] < 10

    def test_a_region_cannot_be_copied(self) -> None:
        region = place(b"code")
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


@pytest.mark.parametrize(
    ("code", "aligned"),
    [(b"", 0), (b"code", 4), (b"code", -1)],
    ids=["no code", "the end", "before the code"],
)
def test_an_offset_outside_the_code_is_refused(code: bytes, aligned: int) -> None:
    with pytest.raises(ValueError, match=f"no offset {aligned} in {len(code)} bytes"):
        place(code, aligned)


# --- memfd ---


def arena() -> memory._Arena:
    (only,) = memory._arenas.arenas
    return only


@pytest.fixture
def memfd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CPNUM_MEMORY", "memfd")


@pytest.mark.usefixtures("memfd")
class TestMemfd:
    def test_it_is_the_first_choice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("CPNUM_MEMORY")
        assert ("memfd", memory._REASON["memfd"]) == mode()

    def test_the_views_are_one_writable_and_one_executable(self) -> None:
        before = maps("/memfd:cpnum")
        region = place(b"code")
        views = sorted(set(maps("/memfd:cpnum")) - set(before))
        assert {"rw-s", "r-xs"} == {line.split()[1] for line in views}
        assert 2 == len(views)
        assert b"code" == region.read()

    def test_the_executable_view_cannot_become_writable(self) -> None:
        region = place(b"code")
        page = region.address & -mmap.PAGESIZE
        with pytest.raises(OSError, match="mprotect") as refused:
            memory._call("mprotect", page, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE)
        assert errno.EACCES == refused.value.errno

    def test_no_file_stays_open(self) -> None:
        open_files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        regions = [place(bytes(2 << 20)) for _ in range(3)]
        assert open_files == len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        assert 3 == len(regions)

    def test_freed_blocks_are_used_again_and_zero_before(self) -> None:
        region = place(b"\xff" * 100)
        kept = place(b"\xff" * 100)
        address = region.address
        del region
        gc.collect()
        memory._arenas.collect()
        assert bytes(100) == memory._bytes_at(address, 100)[:]
        assert address == place(b"\xff" * 50).address
        assert b"\xff" * 100 == kept.read()

    def test_neighbours_merge_in_any_order_of_release(self) -> None:
        for order in ([0, 1, 2, 3], [3, 2, 1, 0], [0, 2, 1, 3], [1, 3, 0, 2]):
            regions: dict[int, Region] = {n: place(os.urandom(500)) for n in range(4)}
            for n in order:
                del regions[n]
                memory._arenas.collect()
                free = arena().free
                assert sorted(free) == free
                assert all(a[1] < b[0] for a, b in itertools.pairwise(free))
            assert [(0, arena().size)] == arena().free

    def test_an_arena_that_is_full_gets_a_successor_which_goes_when_free(self) -> None:
        place(b"first")
        before = len(maps("/memfd:cpnum"))
        regions = [place(os.urandom(100_000)) for _ in range(25)]
        assert 3 == len(memory._arenas.arenas)
        assert before + 4 == len(maps("/memfd:cpnum"))
        regions.clear()
        memory._arenas.collect()
        assert [(0, 1 << 20)] == arena().free
        assert before == len(maps("/memfd:cpnum"))

    def test_code_larger_than_an_arena_gets_its_own(self) -> None:
        code = os.urandom((1 << 20) - 10)
        region = place(code, 1)
        assert code == region.read()
        large = place(bytes(5 << 20), 63)
        assert 2 == len(memory._arenas.arenas[1:])
        assert 0 == (large.address + 63) % 64

    def test_placing_within_a_placing_gets_another_arena(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place(b"first")
        inner: list[Region] = []
        collect = memory._Arenas.collect

        def compile_in_a_finalizer(self: memory._Arenas) -> None:
            if not inner:
                inner.append(place(b"inner"))
            collect(self)

        monkeypatch.setattr(memory._Arenas, "collect", compile_in_a_finalizer)
        outer = place(b"outer")
        assert [b"inner", b"outer"] == [inner[0].read(), outer.read()]
        assert 2 == len(memory._arenas.arenas)

    def test_a_fork_that_python_was_not_told_of_is_noticed(
        self, functions: dict[int, bytes]
    ) -> None:
        script = """
ffi.cdef("int fork(void);")
region = memory.place(F1)
before = memory._arenas
def child():
    assert "rw-s" not in open("/proc/self/maps").read()  # the writable view was not inherited
    assert call(memory.place(F7), 1) == 8 and call(region, 1) == 2
    assert memory._arenas is not before
in_child(child, ffi.dlopen(None).fork)
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

    def test_the_system_refusing_later_is_our_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        place(b"code")

        def refuse() -> int:
            raise OSError(errno.EMFILE, "memfd_create: Too many open files")

        monkeypatch.setattr(memory, "_memfd_create", refuse)
        with pytest.raises(ExecutableMemoryError) as refused:
            place(bytes(2 << 20))
        assert (
            "no executable memory\n"
            f"  seen: memfd: [Errno {errno.EMFILE}] memfd_create: Too many open files"
        ) == str(refused.value)
        assert b"code" == place(b"code").read()


# --- the ladder ---


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


def test_aarch64_flushes_the_instruction_cache_of_the_executable_view(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    memory._clear_cache.cache_clear()
    try:
        clear_cache = memory._clear_cache()
        assert clear_cache is not None
        region = place(b"code")
        clear_cache(region.address, region.address + region.size)
        flushed: list[tuple[int, int]] = []
        monkeypatch.setattr(memory, "_clear_cache", lambda: lambda a, b: flushed.append((a, b)))
        region = place(b"code")
        assert [(region.address, region.address + 4)] == flushed
    finally:
        monkeypatch.undo()
        memory._clear_cache.cache_clear()
