"""Machine code as text: its instructions, and its bytes with the holes marked.

Holes are marked in the bytes themselves: [ ] around a value that is patched in, after the hole's
name, and ( ) around bytes with bits of register numbers.  Instructions of x86 are in Intel's order,
the result first.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Collection, Iterator, Mapping
from typing import Any

REGISTERS = "registers"
LEGEND = "[ ] a patched value, ( ) bits of register numbers"


def disassembled(data: bytes, offset: int, architecture: str) -> Iterator[tuple[bytes, str]]:
    """Yield the bytes and the text of each instruction, without a gap.

    Without capstone, the bytes come 8 at a time, without a text.

    >>> for code, text in disassembled(bytes.fromhex("62 f1 fd 48 58 d1 c3"), 0, "x86_64"):
    ...     print(f"{code.hex()}: {text}")
    62f1fd4858d1: vaddpd zmm2, zmm0, zmm1
    c3: ret
    """
    decoder = _decoder(architecture)
    if decoder is None:
        for at in range(0, len(data), 8):
            yield data[at : at + 8], ""
        return
    end = 0
    for _, size, name, operands in decoder.disasm_lite(data, offset):
        yield data[end : end + size], f"{name} {operands}".rstrip()
        end += size
    if end < len(data):
        yield data[end:], f".byte {', '.join(f'{each:#04x}' for each in data[end:])}"


# A decoder is made in a millisecond and used thousands of times, by one thread at once.
_decoders = threading.local()


def _decoder(architecture: str) -> Any:
    """Return the decoder of an architecture, None without capstone."""
    try:
        import capstone  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        return None
    decoder = getattr(_decoders, architecture, None)
    if decoder is None:
        decoder = (
            capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
            if architecture == "aarch64"
            else capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
        )
        decoder.skipdata = True  # bytes that are no instruction become .byte
        setattr(_decoders, architecture, decoder)
    return decoder


def hex_text(
    data: bytes, start: int, holes: Mapping[int, str], hidden: Collection[int] = ()
) -> str:
    """Write the bytes from offset `start` of a stencil on, with its holes marked.

    `holes` are the names of the holes by byte offset; bytes that are `hidden` become dots.

    >>> hex_text(bytes(4), 2, {3: REGISTERS, 4: "HEAD", 5: "HEAD"}, hidden={5})
    '00 (00) [HEAD 00 ..]'
    """
    parts = []
    numbered = enumerate(data, start)
    for name, group in itertools.groupby(numbered, lambda each: holes.get(each[0], "")):
        text = " ".join(".." if at in hidden else f"{byte:02x}" for at, byte in group)
        if name == REGISTERS:
            text = f"({text})"
        elif name:
            text = f"[{name} {text}]"
        parts.append(text)
    return " ".join(parts)
