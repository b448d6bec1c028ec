"""Plain words for instructions, for readers who know Python and NumPy but no assembly."""

from __future__ import annotations

from cpnum.show import plain_aarch64, plain_x86


def plain(text: str, architecture: str) -> str:
    """Return a few words for an instruction as capstone writes it, nothing for other text.

    A register of vectors is read as a NumPy array of its lanes.

    >>> plain("vfmadd231pd ymm0, ymm1, ymm2", "x86_64")
    'ymm0 = ymm1 × ymm2 + ymm0, in 4 lanes of float64, rounded once'
    >>> plain("b.ge #0x10", "aarch64")
    'go to 0x10 if greater or equal (signed)'
    """
    words = plain_aarch64.words if architecture == "aarch64" else plain_x86.words
    return words(text)
