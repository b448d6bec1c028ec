"""Arenas of pages that cannot run: ranges are taken, freed, merged and pinned."""

from __future__ import annotations

import itertools
import os
from typing import Any

from placing import Plain, ffi

from cpnum.run.arena import ARENA_BYTES, Arenas


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
