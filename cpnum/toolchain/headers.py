"""The C headers that follow from the tables; the builder writes them, the stencils include them.

`dtypes.h` has a row for each dtype of `cpnum/tables/dtypes.py`, and one for each pair of them;
`elementary.h` includes `math/<function>.h` for each elementary function of `cpnum/tables/ops.py`.
"""

from __future__ import annotations

from pathlib import Path

from cpnum.tables.dtypes import DTYPES, DType
from cpnum.tables.ops import OPS

_FAMILIES = {"F": "FLOAT", "I": "INT", "B": "BOOL"}

_DTYPES = """\
/* cpnum/toolchain/headers.py wrote this, from cpnum/tables/dtypes.py.

   Each of these is M(T, element, bytes, family, ...) for one dtype T, for each dtype of a
   family, or for each dtype; `element` is the type of an element in memory. */

#ifndef CPNUM_DTYPES_H
#define CPNUM_DTYPES_H

{rows}

{families}

/* M(T, bytes, family, to, to_bytes, to_family) for any two dtypes. */
#define DTYPE_PAIRS(M) \\
{pairs}

#endif
"""
_ELEMENTARY = """\
/* cpnum/toolchain/headers.py wrote this, from cpnum/tables/ops.py. */

{includes}
"""


def _list(name: str, parts: list[str]) -> str:
    lines = [f"    {part}(M, ##__VA_ARGS__)" for part in parts]
    return " \\\n".join([f"#define {name}(M, ...)", *lines])


def _row(dtype: DType) -> str:
    row = f"M({dtype}, {dtype.c}, {dtype.itemsize}, {_FAMILIES[dtype.family]}, ##__VA_ARGS__)"
    return f"#define DTYPE_{dtype}(M, ...) {row}"


def _pair(dtype: DType, to: DType) -> str:
    sides = [f"{each}, {each.itemsize}, {_FAMILIES[each.family]}" for each in (dtype, to)]
    return f"    M({', '.join(sides)})"


def dtypes() -> str:
    """Return the text of dtypes.h."""
    families = [
        _list(f"{name}_DTYPES", [f"DTYPE_{each}" for each in DTYPES if each.family == family])
        for family, name in _FAMILIES.items()
    ]
    families.append(_list("DTYPES", [f"{name}_DTYPES" for name in _FAMILIES.values()]))
    pairs = [_pair(dtype, to) for dtype in DTYPES for to in DTYPES if to is not dtype]
    return _DTYPES.format(
        rows="\n".join(map(_row, DTYPES)), families="\n".join(families), pairs=" \\\n".join(pairs)
    )


def elementary() -> str:
    """Return the text of elementary.h: a function that is not correctly rounded has a file."""
    functions = sorted({op.function for op in OPS.values() if op.ulp > 0.5})
    return _ELEMENTARY.format(
        includes="\n".join(f'#include "math/{function}.h"' for function in functions)
    )


def folder() -> Path:
    """Return the folder of the C headers: in an installed package, else in the checkout."""
    package = Path(__file__).parents[1]
    installed = package / "stencils"
    return installed if installed.is_dir() else package.parent / "stencils"


def write(folder: Path) -> None:
    """Write both headers into a folder."""
    folder.joinpath("dtypes.h").write_text(dtypes(), encoding="utf-8")
    folder.joinpath("elementary.h").write_text(elementary(), encoding="utf-8")
