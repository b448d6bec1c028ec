"""Stencils of C: what the pack builder does to `stencils/*.c`, for one text of C."""

from __future__ import annotations

import functools
import importlib.util
import re
import tempfile
from collections.abc import Mapping, Set
from pathlib import Path

from cpnum.errors import StencilError, ToolchainError
from cpnum.pack.stencil import Stencil, stencil_of
from cpnum.tables.dtypes import DTYPES, DType
from cpnum.tables.isa import V3, Isa, choose
from cpnum.tables.stencils import Expected, Parameters, fused_stem, stencil_name, tied_stem

# OP(name, TT_T, ...) of op.h: the kinds of the operands and of the results.
_OP = re.compile(r"\bOP\(\s*(\w+)\s*,\s*([TMCE]+)_([TME]+)\s*,")
# DEFINE(name, vf64 a, ...) of stencil.h: the vectors, of which those with these names are results.
_DEFINE = re.compile(r"\bDEFINE\(\s*(\w+)((?:\s*,\s*\w+\s+\w+)*)\s*\)")
_RESULTS = ("result", "first", "second")
_BY_NAME = {dtype.name: dtype for dtype in DTYPES}


def stencil(
    c_source: str,
    name: str | None = None,
    isa: Isa | str | None = None,
    *,
    operands: int | None = None,
    results: int | None = None,
) -> Stencil:
    """Compile C and return one stencil of it for an ISA level, by default that of this machine.

    The C text is an `OP` of op.h, or a `DEFINE` of stencil.h, which are included.  The name says
    the dtype and the lanes, as in a pack: `add_f32_lane8`.  It may be left out if there is one
    stencil.  `operands` and `results` count the vectors of a stencil whose `DEFINE` is written by
    another macro.

    Raises:  ToolchainError without a compiler, StencilError for C that is no stencil.

    >>> twice = stencil("OP(twice, T_T, FLOAT(a + a))", "twice_f64", "x86-64-v3")
    >>> print(twice)
    twice_f64: 5 bytes, x86-64-v3
    code     [ ] a patched value, ( ) bits of register numbers
      0x0000  c4 (e1 7d) 58 (c8)  vaddpd ymm1, ymm0, ymm0
    holes    bits of the code, counted from the first byte's lowest
      input, here register 0: [19, 32] [20, 33] [21, 34] [13, 22]
      result, here register 1: [35] [36] [37] [15]
    """
    level = isa if isinstance(isa, Isa) else choose(isa) or V3
    _, _, lane_bytes = parts_of(name or "")
    given = None if operands is None else Parameters(operands, 1 if results is None else results)
    found = compiled(c_source, level, lane_bytes, given)
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name is None or name not in found:
        raise StencilError(
            f"the C text has {'no' if name else 'more than one'} stencil {name or ''}".rstrip(),
            seen=f"{', '.join(found) or 'none'}, in lanes of {lane_bytes} bytes",
            write="its name: a stem, a dtype, and the lanes if they are wider, as add_f32_lane8",
        )
    return found[name]


def from_object(
    elf: bytes, function: str, name: str, isa: Isa | str | None = None, *, operands: int = 1
) -> Stencil:
    """Return a stencil of a function in an object file, whatever compiler made it.

    The file is for x86-64, as of `zig build-obj`, `clang++ -c` or `rustc --emit obj`.  The function
    has the C calling convention: it takes `operands` vectors as long as those of the ISA level, and
    returns one.  It may call nothing.  The name says the dtype and the lanes, as in a pack.

    Raises:  ToolchainError without an assembler, StencilError for what is no stencil.
    """
    _check_tools()
    from cpnum.learn import objects
    from cpnum.toolchain import build

    level = isa if isinstance(isa, Isa) else choose(isa) or V3
    read = objects.read(elf, function)
    text = objects.text_of(read, name, operands, level)
    parameters = Parameters(operands, 1)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        objects.check(read, level, work)
        (record,) = build.records(
            text, "object", level, work, lambda found: {name: Expected(name, parameters)}
        )
    return stencil_of(record, level)


def parts_of(name: str) -> tuple[str, DType | None, int]:
    """Return the stem, the dtype and the bytes of a lane that the name of a stencil says.

    >>> parts_of("add_f32_lane8"), parts_of("where_less_i64"), parts_of("finish")
    (('add', f32, 8), ('where_less', i64, 8), ('finish', None, 8))
    """
    found = re.fullmatch(r"(\w+)_(f64|f32|i64|i32|b)(?:_lane([841]))?", name)
    if found is None:
        return name, None, 8
    dtype = _BY_NAME[found[2]]
    return found[1], dtype, int(found[3] or dtype.itemsize)


@functools.lru_cache(maxsize=256)
def compiled(
    c_source: str, isa: Isa, lane_bytes: int, given: Parameters | None = None
) -> Mapping[str, Stencil]:
    """Return all stencils of a C text, by name, for one ISA level and size of lanes.

    Raises:  ToolchainError without a compiler, StencilError for C that is no stencil.
    """
    _check_tools()
    from cpnum.toolchain import build, compiler, headers

    def wanted(found: Set[str]) -> Mapping[str, Expected]:
        return {name: _expected(c_source, name, lane_bytes, given) for name in found}

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        headers.write(work)
        source = work / "stencil.c"
        source.write_text(f'#include "op.h"\n#line 1\n{c_source}\n', encoding="utf-8")
        try:
            text = compiler.compile_c(source, isa, lane_bytes, work, headers.folder())
        except StencilError as error:
            raise StencilError(_once(error.message)) from None
        records = build.records(text, "stencil", isa, work, wanted)
    return {record["name"]: stencil_of(record, isa) for record in records}


def _check_tools() -> None:
    for module in ("ziglang", "elftools"):
        if importlib.util.find_spec(module) is None:
            raise ToolchainError(
                "stencils are made with the compiler ziglang and pyelftools",
                seen=f"no module {module}",
                write='pip install "cpnum[learn]"',
            )


def _once(message: str) -> str:
    r"""Return clang's message with each complaint once, though each dtype has it again.

    >>> complaint = "s.c:1:2: error: q\n  q"
    >>> _once(f"clang refuses s.c\n{complaint}\n{complaint}\n2 errors generated.")
    'clang refuses s.c\ns.c:1:2: error: q\n  q'
    """
    complaints = re.split(r"\n(?=[\w./]+:\d+:\d+: |\d+ errors? generated)", message)
    kept = [each for each in dict.fromkeys(complaints) if not each.endswith("generated.")]
    return "\n".join(kept)


def _expected(c_source: str, name: str, lane_bytes: int, given: Parameters | None) -> Expected:
    """Return the name in a pack, and the parameters, of a stencil that has this name in C."""
    stem, dtype, _ = parts_of(name)
    full = name if dtype is None else stencil_name(stem, dtype, lane_bytes)
    parameters = given or _parameters(c_source).get(stem) or _parameters(c_source).get(name)
    if parameters is None:
        raise StencilError(
            f"{name}: it is not known how many operands and results it has",
            seen=f"no OP({stem}, ...) and no DEFINE({name}, ...) in the C text",
            write="operands=..., results=...",
        )
    return Expected(full, parameters)


@functools.lru_cache(maxsize=16)
def _parameters(c_source: str) -> Mapping[str, Parameters]:
    """Return the parameters of the stencils that a C text defines, by stem or name."""
    found: dict[str, Parameters] = {}
    for name, operands, results in _OP.findall(c_source):
        found[name] = Parameters(len(operands), len(results))
        if (operands, results) == ("TT", "M"):
            found[fused_stem("where", name)] = Parameters(4, 1)
        if "C" in operands:
            found[tied_stem(name)] = found[name]
    for name, vectors in _DEFINE.findall(c_source):
        names = [each.split()[-1] for each in vectors.split(",")[1:]]
        count = sum(each in _RESULTS for each in names)
        found[name] = Parameters(len(names) - count, count)
    return found
