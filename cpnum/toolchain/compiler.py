"""clang, as the pinned ziglang package brings it: C to assembly text, assembly text to ELF.

One clang on every platform and for every target, so that no compiler has to be on the machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from cpnum.errors import StencilError
from cpnum.tables.isa import A64, V3, V4, Isa

# fmt: off
FLAGS = (
    "-O3", "-g0", "-std=gnu17", "-Wall", "-Werror", "-Wno-unused-command-line-argument",
    # `a | b ? c : d` is how masks are written.
    "-Wno-bitwise-conditional-parentheses",
    # NumPy's integers wrap.  `char` is signed on x86 and not on AArch64; a comparison of bytes
    # yields it.
    "-fwrapv", "-fsigned-char",
    # NumPy never fuses a * b + c, and neither does a stencil that does not say FMA.
    "-ffp-contract=off", "-fno-math-errno",
    # zig adds these to clang's own defaults.
    "-fno-sanitize=undefined", "-fomit-frame-pointer", "-fno-asynchronous-unwind-tables",
    "-fno-stack-protector",
)
TARGET_FLAGS = {
    # maytrap: no operation is moved to where it could raise a flag that C would not raise.
    # Stencils run on into each other with live vectors, so only `finish` may clear upper halves.
    V4: ("-target", "x86_64-linux-musl", "-mcpu=x86_64_v4", "-mprefer-vector-width=512",
         "-mno-vzeroupper", "-ffp-exception-behavior=maytrap"),
    V3: ("-target", "x86_64-linux-musl", "-mcpu=x86_64_v3",
         "-mno-vzeroupper", "-ffp-exception-behavior=maytrap"),
    # tiny: a constant is one adr or ldr away.  Without maytrap, since clang splits vector
    # comparisons into scalar ones under it, and AArch64 compares signal on NaN in any case.
    A64: ("-target", "aarch64-linux-musl", "-mcmodel=tiny"),
}
# fmt: on


def _clang(arguments: list[str], source: Path, work: Path) -> None:
    cache = work / "zig-cache"
    environment = dict(os.environ)
    # Builds must not depend on, or write to, the user's zig cache.
    environment["ZIG_GLOBAL_CACHE_DIR"] = environment["ZIG_LOCAL_CACHE_DIR"] = str(cache)
    command = [sys.executable, "-m", "ziglang", "cc", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        # Not the command: its 480 characters would hide the line that is wrong.
        lines = done.stderr.strip().replace(f"{source.parent}{os.sep}", "")
        raise StencilError(f"clang refuses {source.name}\n{lines}")


def compile_c(
    source: Path, isa: Isa, lane_bytes: int, work: Path, include: Path | None = None
) -> str:
    """Return the assembly text of a C file for one ISA level and size of lanes.

    `work` has the headers that `headers` writes; they include headers from the folder `include`,
    by default that of the C file.
    """
    output = work / f"{source.stem}.lane{lane_bytes}.s"
    defines = [f"-DVECTOR_BYTES={isa.vector_bytes}", f"-DLANE={lane_bytes}"]
    defines += [f"-I{work}", f"-I{include or source.parent}"]
    arguments = [*TARGET_FLAGS[isa], *FLAGS, *defines, "-S", str(source), "-o", str(output)]
    _clang(arguments, source, work)
    return output.read_text()


def assemble(text: str, isa: Isa, work: Path, name: str) -> bytes:
    """Return the ELF object of assembly text."""
    source, output = work / f"{name}.s", work / f"{name}.o"
    source.write_text(text)
    _clang([*TARGET_FLAGS[isa], "-c", str(source), "-o", str(output)], source, work)
    return output.read_bytes()
