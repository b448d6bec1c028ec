"""The key of a report: what its notation means, as far as the kernel uses it."""

from __future__ import annotations

from cpnum.compile.instances import Instance
from cpnum.compile.kernel import Kernel
from cpnum.compile.skeleton import Entry
from cpnum.show.table import Table
from cpnum.tables.block import MEANINGS

_ALWAYS = {
    "%3": "a value; it has this name in all parts",
    "r3, p3": "a vector register; a general register that holds the pointer of an array",
    "(r3-r5)": "registers that a stencil uses for itself",
    "9-12": "the rows in which a value is live, from the one that makes it to its last use",
    "x 4": "the stencil stands there once for each of 4 vectors, which are computed at once",
    "(4d)": "bytes with bits of register numbers",
    "[SLOT 68 00]": "a value that was patched into a hole of this name",
    "c v s b": "elements along an axis: neighbours, varying, a stride apart, all the same",
}


def key_of(kernel: Kernel) -> Table:
    """Return what the notation of a report means."""
    holes = {
        hole.symbol
        for item in kernel.instances.items
        if isinstance(item, Instance)
        for hole in item.stencil.values
    }
    rows = [*_ALWAYS.items(), *((hole, text) for hole, text in MEANINGS.items() if hole in holes)]
    if kernel.entry is Entry.BOUND:
        rows.append(("call+48", "a word of the argument block that is in the code of a bound call"))
    return Table("Key", ("notation", "meaning"), tuple(rows))
