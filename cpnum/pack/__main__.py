"""`python -m cpnum.pack build | list | show STENCIL`: builds packs, shows their stencils."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cpnum.command import run
from cpnum.errors import CpnumError
from cpnum.pack.stencil import PACKS, Pack, Stencil, load
from cpnum.tables.isa import LEVELS, host

_SOURCES = Path(__file__).parents[2] / "stencils"


def _build(arguments: argparse.Namespace) -> None:
    if not any(arguments.sources.glob("*.c")):
        raise CpnumError(
            "there are no stencils to build packs from",
            seen=f"no C file in {arguments.sources}",
            write="--sources FOLDER, the `stencils` of a source checkout",
        )
    try:
        from cpnum.toolchain.build import (
            build,  # needs ziglang and pyelftools, which users do not have
        )

        paths = build(arguments.sources, arguments.output, force=arguments.force)
    except ModuleNotFoundError as error:
        raise CpnumError(
            "a tool that packs are built with is not installed",
            seen=str(error),
            write='pip install ".[test]", in a source checkout',
        ) from error
    except OSError as error:
        raise CpnumError("the packs cannot be built", seen=str(error)) from error
    for path in paths:
        print(f"{path.name}: {len(Pack(path))} stencils, {path.stat().st_size} bytes")


def _holes(stencil: Stencil) -> str:
    symbols = [str(hole.symbol) for hole in stencil.values if hole.constant is None]
    return " ".join((["POINTER"] if stencil.pointer else []) + symbols)


def _list(arguments: argparse.Namespace) -> None:
    pack = load(LEVELS[arguments.isa])
    rows: list[tuple[str, ...]] = [("stencil", "bytes", "in", "out", "temp", "constants", "holes")]
    for name in pack:
        each = pack[name]
        constants = sum(hole.constant is not None for hole in each.values)
        result = "tied" if each.tied else str(each.results)
        counts = map(str, (each.size, each.operands, result, each.temporaries, constants))
        rows.append((name, *counts, _holes(each)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        name, *numbers, holes = row
        cells = [f"{cell:>{width}}" for cell, width in zip(numbers, widths[1:], strict=False)]
        print("  ".join([f"{name:{widths[0]}}", *cells, holes]).rstrip())


def _show(arguments: argparse.Namespace) -> None:
    print(load(LEVELS[arguments.isa])[arguments.stencil])


def main(words: list[str] | None = None) -> int:
    """Run a command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m cpnum.pack", description=__doc__)
    commands = parser.add_subparsers(required=True)
    native = host()
    for name, function in (("list", _list), ("show", _show)):
        command = commands.add_parser(name)
        if name == "show":
            command.add_argument("stencil")
        command.add_argument(
            "--isa", choices=LEVELS, default=native.name if native else "x86-64-v3"
        )
        command.set_defaults(run=function)
    build = commands.add_parser("build")
    build.add_argument("--sources", type=Path, default=_SOURCES)
    build.add_argument("--output", type=Path, default=Path(PACKS))
    build.add_argument("--force", action="store_true")
    build.set_defaults(run=_build)
    arguments = parser.parse_args(words)
    return run(lambda: arguments.run(arguments))


if __name__ == "__main__":
    sys.exit(main())
