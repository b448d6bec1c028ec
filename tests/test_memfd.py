"""Code in a memory file: two views, arenas that are shared out, and forks."""

from __future__ import annotations

import errno
import gc
import itertools
import mmap
import os
import sys

import pytest
from placing import PRELUDE, maps, run

from cpnum.run import memory
from cpnum.run.memory import ExecutableMemoryError, Region, mode, place

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")


@pytest.fixture(autouse=True)
def fresh(fresh_memory: None) -> None:
    """Give each test a ladder not climbed yet and arenas of its own."""


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
