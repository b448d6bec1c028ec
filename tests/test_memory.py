"""Executable memory in every mode: code runs, stays as it is, and no page is both W and X."""

from __future__ import annotations

import copy
import mmap
import os
import pickle
import threading
from pathlib import Path

import pytest
from placing import LINUX, PRELUDE, REASONS, call, maps, protections, run

from cpnum.run.linux import Linux
from cpnum.run.memory import ExecutableMemory, Region

pytestmark = LINUX


@pytest.mark.parametrize("name", ["memfd", "mprotect"])
class TestEachMode:
    @pytest.fixture(autouse=True)
    def forced(self, name: str, nothing_forced: None, monkeypatch: pytest.MonkeyPatch) -> None:
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
