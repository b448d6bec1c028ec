"""Gluing by hand: stencils and labels to machine code, by the same `emit` as kernels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from cpnum.compile.emit import Code, Line, emit
from cpnum.compile.instances import Instance, Item, Label, Value, Values
from cpnum.errors import IsaError, StencilError
from cpnum.pack.stencil import Pack, Stencil, load
from cpnum.show.listing import Names, table_of
from cpnum.show.table import Table
from cpnum.tables.block import MEANINGS, Hole
from cpnum.tables.isa import LEVELS, Isa, choose

# The holes that take a label.
_TARGETS = (Hole.HEAD, Hole.SKIP, Hole.BODY)


class Glued(NamedTuple):
    """Machine code that was glued of stencils; it runs in `learn.run`.

    `data` are its bytes, and `str()` lists them: offset, stencil, bytes, assembly, holes.
    """

    code: Code
    isa: Isa

    @property
    def data(self) -> bytes:
        """The machine code."""
        return self.code.data

    def line_at(self, offset: int) -> Line | None:
        """Return the line with the stencil whose byte is at an offset, None among the constants."""
        for line in self.code.lines():
            if line.offset <= offset < line.offset + line.instance.stencil.size:
                return line
        return None

    def table(self) -> Table:
        """Return the listing as a table."""
        return table_of(self.code, self.data, Names({}), self.isa.architecture, raw=True)

    def __repr__(self) -> str:
        return repr(self.code)

    def __str__(self) -> str:
        return self.table().text()

    def _repr_html_(self) -> str:
        return self.table().html()


def pack(isa: Isa | str | None = None) -> Pack:
    """Return the stencils of an ISA level by name, by default those of this processor.

    Raises:  IsaError if there is no such level, or none for this processor.

    >>> pack("x86-64-v3")["add_f64"]
    <stencil add_f64: 5 bytes>
    """
    level = isa if isinstance(isa, Isa) else choose(isa)
    if level is None:
        raise IsaError("no stencil pack fits this processor", write=f"one of {', '.join(LEVELS)}")
    return load(level)


def instance(
    stencil: Stencil,
    *registers: int,
    pointer: int | None = None,
    **values: int | str | bytes | np.generic,
) -> Instance:
    """Return a stencil with its registers and the values in its holes, to be glued.

    The registers are in the order of `stencil.registers`: operands, results, temporaries.  HEAD,
    SKIP and BODY take a label; POOL takes a NumPy scalar, or the bytes of one.

    Raises:  StencilError if something does not fit the stencil.

    >>> v3 = pack("x86-64-v3")
    >>> print(instance(v3["add_f64"], 0, 1, 2))
    r2 = add_f64 r0 r1
    >>> print(instance(v3["load_f64"], 3, pointer=7, OFFSET=0))
    r3 = load_f64 p7 OFFSET=0
    """
    given: dict[str, object] = dict(values)
    # emit() gives the constants of a stencil their place, so nobody has to.
    own = [str(hole.symbol) for hole in stencil.values if hole.constant is not None]
    stencil.check(registers, pointer, given | dict.fromkeys(own))
    holes: Values = {Hole(name): _value(stencil, name, value) for name, value in values.items()}
    results = len(stencil.registers) - stencil.temporaries
    operands = registers[: stencil.operands]
    return Instance(
        stencil,
        operands,
        operands[-1:] if stencil.tied else registers[stencil.operands : results],
        registers[results:],
        pointer,
        holes,
        next((value for value in values.values() if isinstance(value, np.generic)), ""),
    )


def _value(stencil: Stencil, name: str, value: object) -> Value:
    """Return the value of a hole as `emit` takes it."""
    wanted = "an integer"
    if name == Hole.POOL:
        if isinstance(value, np.generic):
            return value.tobytes()
        if isinstance(value, bytes):
            return value
        wanted = "a NumPy scalar, as np.float64(2.5), or bytes"
    elif name in _TARGETS:
        if isinstance(value, str):
            return value
        wanted = "the name of a label"
    elif isinstance(value, int):
        return value
    raise StencilError(
        f"{stencil.name}: {name} takes {wanted}: {MEANINGS[Hole(name)]}", seen=f"{name}={value!r}"
    )


def glue(items: Iterable[Instance | Label | str]) -> Glued:
    """Return the code of stencils end to end, with all holes patched.

    An item is an `instance`, or the name of a label, which stands for the place between two
    instances.  A stencil runs on into the next one, so the last one has to leave: `finish`.

    Raises:  StencilError if a label is missing or comes twice, or a value does not fit.

    >>> v3 = pack("x86-64-v3")
    >>> code = glue([instance(v3["entry"], BODY="body"), "body", instance(v3["finish"])])
    >>> code
    <code: 106 bytes, 2 stencils>
    """
    parts: tuple[Item, ...] = tuple(
        [Label(each) if isinstance(each, str) else each for each in items]
    )
    stencils = [part.stencil for part in parts if isinstance(part, Instance)]
    levels = {stencil.isa for stencil in stencils}
    if len(levels) != 1:
        raise StencilError(
            "stencils of one ISA level can be glued, and there are none"
            if not levels
            else "stencils of different ISA levels cannot be glued",
            seen=", ".join(sorted(map(str, levels))) or "no stencil",
        )
    _check_labels(parts)
    try:
        return Glued(emit(parts), levels.pop())
    except OverflowError as error:
        raise StencilError(f"a value does not fit its hole: {error}") from None


def _check_labels(parts: tuple[Item, ...]) -> None:
    labels = [part.name for part in parts if isinstance(part, Label)]
    twice = sorted({name for name in labels if labels.count(name) > 1})
    if twice:
        raise StencilError(f"the label {twice[0]} stands in two places", seen=", ".join(labels))
    for part in parts:
        for hole, value in part.values.items() if isinstance(part, Instance) else ():
            if isinstance(value, str) and value not in labels:
                raise StencilError(
                    f"there is no label {value}",
                    where=str(part),
                    seen=f"labels {', '.join(labels) or 'none'}",
                    write=f"{value!r} as an item, where {hole} is to go",
                )
