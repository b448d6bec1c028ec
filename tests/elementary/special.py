"""The functions of cpnum.special."""

from __future__ import annotations

from .function import Function

FUNCTIONS: dict[str, Function] = {}
