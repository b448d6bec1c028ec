"""The allocator of executable memory: arenas, and the ranges of them that are free.

An arena is pages that many regions share.  A range is a part of an arena, (start, end) in bytes.
Code is copied into the first free range that is long enough; freeing the code frees its range.
Only pages know how they are mapped and written (cpnum.run.system).

Code never changes while it is in use, not even after a fork.  Parent and child share the arenas
that exist, so the child never writes to them, and the parent never reuses the ranges in use.
"""

from __future__ import annotations

import bisect
import functools
import os
import threading
from collections import deque
from collections.abc import Callable

from cpnum.run.system import Pages

ARENA_BYTES = 1 << 20
ALIGNMENT = 64
_RANGE_MULTIPLE = 16

# The address of code in memory, and the function that frees that memory.
Allocation = tuple[int, Callable[[], object]]


class Arena:
    """Pages, and the ranges of them that are free.

    Invariant: `free` is sorted, its ranges neither overlap nor touch, and their bytes are zero.
    Ranges start and end at multiples of 16.  Finalizers run at any point of any thread, so they
    only append to `released`; `collect` moves the ranges from there to `free`.
    """

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.free = [(0, pages.size)]
        self.released: deque[tuple[int, int]] = deque()

    def place(self, code: bytes, aligned: int) -> Allocation | None:
        """Copy the code into the first range that is long enough, if there is one."""
        for index, (start, end) in enumerate(self.free):
            first = start + -(start + aligned) % ALIGNMENT
            last = first + len(code)
            if last > end:
                continue
            # The bytes skipped for alignment belong to the range taken.  Kept free, they would be
            # many ranges too small to use, and every search would pass over them.
            stop = -(-last // _RANGE_MULTIPLE) * _RANGE_MULTIPLE
            self.free[index : index + 1] = [(stop, end)] if stop < end else []
            self.pages.write(first, code)
            free = functools.partial(self.released.append, (start, stop))
            return self.pages.address + first, free
        return None

    def collect(self) -> None:
        """Return the released ranges to the free ones, merged with their neighbours."""
        released = self.released
        while released:
            start, end = released.popleft()
            self.pages.write(start, bytes(end - start))
            index = stop = bisect.bisect(self.free, (start, end))
            if stop < len(self.free) and self.free[stop][0] == end:
                end = self.free[stop][1]
                stop += 1
            if index > 0 and self.free[index - 1][1] == start:
                start = self.free[index - 1][0]
                index -= 1
            self.free[index:stop] = [(start, end)]

    def pin(self) -> None:
        """Never reuse the ranges that are in use now."""
        self.released = deque()


class Arenas:
    """The arenas of one process, mapped by `map_pages` when they are needed."""

    def __init__(self, map_pages: Callable[[int], Pages]) -> None:
        self.map_pages = map_pages
        self._start()

    def _start(self) -> None:
        self.pid = os.getpid()
        # A finalizer or signal handler of the user may compile while `place` runs.  The lock
        # admits the same thread again, which then finds `busy` and takes a new arena.
        self.lock = threading.RLock()
        self.busy = False
        self.arenas: list[Arena] = []

    def place(self, code: bytes, aligned: int) -> Allocation:
        """Copy the code into an arena, with its offset `aligned` at a multiple of 64."""
        if self.pid != os.getpid():  # A fork in C, of which Python was not told.
            self._start()
        with self.lock:
            allocation = None
            if not self.busy:
                self.busy = True
                try:
                    self.collect()
                    for arena in self.arenas:
                        allocation = arena.place(code, aligned)
                        if allocation is not None:
                            break
                finally:
                    self.busy = False
            if allocation is None:
                arena = Arena(self.map_pages(max(ARENA_BYTES, len(code) + ALIGNMENT)))
                allocation = arena.place(code, aligned)
                assert allocation is not None
                self.arenas.append(arena)
            return allocation

    def collect(self) -> None:
        """Return released ranges to their arenas, and arenas that are free to the system."""
        for arena in self.arenas[:]:
            arena.collect()
            # The first one stays.  Otherwise a loop that places and frees would map it each time.
            if arena.free == [(0, arena.pages.size)] and arena is not self.arenas[0]:
                self.arenas.remove(arena)
                arena.pages.unmap()

    def before_fork(self) -> None:
        """Keep other threads out, and pin the ranges that the child will share."""
        if self.pid != os.getpid():
            self._start()
        # Ranges released up to here are dead in the child as well.  The child runs the ranges in
        # use where they are, even if the parent releases them later.
        self.lock.acquire()
        if not self.busy:
            self.busy = True
            try:
                self.collect()
            finally:
                self.busy = False
        for arena in self.arenas:
            arena.pin()

    def after_fork_in_parent(self) -> None:
        """Let other threads in again."""
        self.lock.release()

    def after_fork_in_child(self) -> None:
        """Start without arenas; code in the parent's arenas keeps running."""
        self._start()


def place_alone(map_pages: Callable[[int], Pages], code: bytes, aligned: int) -> Allocation:
    """Copy the code into pages of its own, with its offset `aligned` at a multiple of 64."""
    first = -aligned % ALIGNMENT
    pages = map_pages(first + len(code))
    try:
        pages.write(first, code)
    except OSError:
        pages.unmap()
        raise
    return pages.address + first, pages.unmap
