"""Executable memory: placed code runs, stays as it is, and its pages are never both W and X."""

from __future__ import annotations

import copy
import mmap
import os
import pickle
import platform
import sys
import threading
from pathlib import Path

import pytest
from placing import PRELUDE, call, maps, protections, run

from cpnum.run import memory
from cpnum.run.memory import Region, mode, place

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")


@pytest.fixture(autouse=True)
def fresh(fresh_memory: None) -> None:
    """Give each test a ladder not climbed yet and arenas of its own."""


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


# --- the ladder ---


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
