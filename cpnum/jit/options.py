"""The options of a compiled function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from cpnum.ir.simplify import Precision
    from cpnum.trace.builder import Accuracy

Fallback = Literal["error", "numpy"]


class Options(NamedTuple):
    """The arguments of `cpjit`; `level` is the name of an ISA level."""

    fastmath: bool
    precision: Precision
    accuracy: Accuracy
    level: str | None
    fallback: Fallback
