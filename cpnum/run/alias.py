"""The array `out` of a call, and the memory that it shares with arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cpnum.compile.call import Array, Call
from cpnum.errors import OutError

_ARRAY = np.ndarray


def may_overlap(arguments: Sequence[Any], out: Array, owned: bool) -> bool:
    """Tell whether `out` may share memory with an argument; `owned` is `out.flags.owndata`."""
    for argument in arguments:
        # Two arrays that own their memory share none: the quick answer for most calls.  An array
        # without a base may still own none, if C code made it.
        if type(argument) is _ARRAY and (
            argument is out or not owned or not argument.flags.owndata
        ):
            if np.may_share_memory(argument, out):
                return True
    return False


def overlap(out: Array, view: Array) -> bool:
    """Tell whether `out` and a view share memory; where that is too hard to find out, they do."""
    if not np.may_share_memory(out, view):
        return False
    try:
        return bool(np.shares_memory(out, view, max_work=1))  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def in_place(out: Array, view: Array) -> bool:
    """Tell whether `out` is just a view, so that each element is read before it is written."""
    return out is view or (
        out.__array_interface__["data"] == view.__array_interface__["data"]
        and out.shape == view.shape
        and out.strides == view.strides
        and out.itemsize >= view.itemsize
    )


def copied(arguments: tuple[Any, ...], out: Array) -> tuple[Any, ...]:
    """Return the arguments, with copies of arrays that share memory with `out`.

    An array that is there twice has one copy: the function may ask whether both are one.
    """
    copies: dict[int, Array] = {}
    for each in arguments:
        if isinstance(each, np.ndarray) and id(each) not in copies and overlap(out, each):
            copies[id(each)] = each.copy("K")
    return tuple(copies.get(id(each), each) for each in arguments)


def views_of(call: Call, arguments: Sequence[Any]) -> list[Array]:
    """Return the views of the arguments that the kernel reads."""
    return [array.view(arguments[array.parameter]) for array in call.sources.arrays]


def read_only(out: Array) -> OutError:
    """Return the error of an `out` that must not be written to."""
    return OutError(
        "`out` is read-only",
        seen=f"out of shape {out.shape}, not writeable",
        write="out=np.empty(...), or an array that may be written to",
    )
