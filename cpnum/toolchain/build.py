"""Builds a pack for each ISA level: compile, rename, assemble, extract, compare, write."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import tempfile
from collections.abc import Callable, Iterable, Mapping, Set
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cpnum import tables
from cpnum.errors import IsaError, StencilError
from cpnum.pack.stencil import Pack
from cpnum.tables.isa import LEVELS, Isa
from cpnum.tables.stencils import UNITS, Expected, expected
from cpnum.toolchain import assembly, compiler, extract, headers


def digest(sources: Path) -> str:
    """Return a digest of the sources and the tools that a pack is made with."""
    made_from = [
        *sorted(sources.rglob("*.[ch]")),
        *sorted(Path(__file__).parent.glob("*.py")),
        *sorted(Path(tables.__path__[0]).glob("*.py")),
    ]
    state = hashlib.sha256(version("ziglang").encode())
    for path in made_from:
        state.update(path.name.encode())
        state.update(path.read_bytes())
    return state.hexdigest()[:16]


def _compare(source: str, lane_bytes: int, found: Set[str]) -> None:
    wanted = set(expected(source, lane_bytes))
    for name in sorted(wanted - found):
        raise StencilError(f"stencils/{source}.c: no stencil {name} (row in cpnum/tables/ops.py)")
    for name in sorted(found - wanted):
        raise StencilError(
            f"cpnum/tables/ops.py: no row for stencil {name} (line in stencils/{source}.c)"
        )


_Records = list[dict[str, Any]]


def _build_unit(sources: Path, level: str, source: str, lane_bytes: int) -> _Records:
    """Return the records of one C file for one ISA level and size of lanes."""
    isa = LEVELS[level]

    def wanted(found: Set[str]) -> Mapping[str, Expected]:
        _compare(source, lane_bytes, found)
        return expected(source, lane_bytes)

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        headers.write(work)
        text = compiler.compile_c(sources / f"{source}.c", isa, lane_bytes, work)
        return records(text, f"{source}.lane{lane_bytes}", isa, work, wanted)


def records(
    text: str,
    name: str,
    isa: Isa,
    work: Path,
    wanted_of: Callable[[Set[str]], Mapping[str, Expected]],
) -> _Records:
    """Return the records of all stencils in the assembly text of a C file.

    `wanted_of` takes the names that the file defines and returns what is known of each.  Files
    that begin with `name` are written into the folder `work`.

    Raises:  StencilError if a stencil is refused.
    """
    functions, constants = assembly.split(assembly.name_constants(text), isa)
    wanted = wanted_of(functions.keys())
    plans = [
        extract.plan(
            assembly.routine(name, lines, isa, entry=name == "entry"), wanted[name].parameters, isa
        )
        for name, lines in functions.items()
    ]
    if not plans:
        return []
    variants = extract.text_of(plans, constants, isa)
    elf = compiler.assemble(variants, isa, work, f"{name}.variants")
    obj = extract.read(elf)
    made = [extract.extract(each, obj, isa) for each in plans]
    # The name of a function in C does not have the lanes that it was compiled for.
    return [record | {"name": wanted[record["name"]].name} for record in made]


def build_pack(sources: Path, isa: Isa) -> bytes:
    """Return the bytes of the pack of one ISA level; the same sources give the same bytes.

    Raises:  StencilError if a stencil is refused, naming it and the cause.
    """
    return _pack(sources, isa, [_build_unit(sources, isa.name, *unit) for unit in UNITS])


def _pack(sources: Path, isa: Isa, units: Iterable[_Records]) -> bytes:
    made = sorted((each for unit in units for each in unit), key=lambda record: record["name"])
    lines = [json.dumps(record, separators=(",", ":")).encode() + b"\n" for record in made]
    stencils, offset = {}, 0
    for record, line in zip(made, lines, strict=True):
        stencils[record["name"]] = [offset, len(line)]
        offset += len(line)
    index = {"isa": isa.name, "digest": digest(sources), "stencils": stencils}
    return json.dumps(index, separators=(",", ":")).encode() + b"\n" + b"".join(lines)


def is_current(path: Path, wanted: str) -> bool:
    """Tell whether a pack on disk is whole and was built from sources with this digest."""
    try:
        return Pack(path).digest == wanted
    except (FileNotFoundError, IsaError):
        return False


def build(sources: Path, output: Path, *, force: bool = False) -> list[Path]:
    """Write the packs that are missing or out of date; return the paths of all.

    A pack appears whole or not at all: it is written to another file, which is renamed.
    """
    output.mkdir(parents=True, exist_ok=True)
    wanted = digest(sources)
    paths = {isa: output / f"{isa}.pack" for isa in LEVELS.values()}
    stale = [isa for isa, path in paths.items() if force or not is_current(path, wanted)]
    # Most of the work is Python's, so processes share it.
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        units = {
            isa: [pool.submit(_build_unit, sources, isa.name, *unit) for unit in UNITS]
            for isa in stale
        }
        for isa, of_level in units.items():
            unfinished = paths[isa].with_suffix(".new")
            unfinished.write_bytes(_pack(sources, isa, (each.result() for each in of_level)))
            unfinished.replace(paths[isa])
    return list(paths.values())
