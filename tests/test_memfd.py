"""Arenas of two views of one memfd, and forks: a child never changes its parent's code."""

from __future__ import annotations

import errno
import gc
import mmap
import os

import pytest
from placing import LINUX, PRELUDE, REASONS, Failing, ffi, maps, run

from cpnum.run.linux import Linux
from cpnum.run.memory import ExecutableMemory, ExecutableMemoryError

pytestmark = LINUX


@pytest.fixture
def memfd(nothing_forced: None, monkeypatch: pytest.MonkeyPatch) -> None:
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
