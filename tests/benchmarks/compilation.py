"""How long it takes from a function to its machine code, and how that grows."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from cpnum import cpjit
from cpnum.compile.kernel import Kernel
from cpnum.show.timing import Timing, format_seconds, measure

from .tables import MISSED, Table

GROWTH = (10, 30, 100, 300, 1000, 3000)
_TEN_SECONDS = 150e-6
_THOUSAND_SECONDS = 20e-3


def ten_operations(a: Any, b: Any) -> Any:
    """Compute something with ten operations, of different kinds."""
    return np.sqrt(a * a + b * b) * 2.5 - np.exp(-a) / (1 + b)


def chain_of(operations: int) -> Callable[..., Any]:
    """Return Horner's rule: each operation needs the one before, each constant is another."""
    coefficients = [1 / (2 + term) for term in range(operations // 2)]

    def chain(a: Any, b: Any) -> Any:
        value = a
        for coefficient in coefficients:
            value = value * b + coefficient
        return value

    return chain


def braid_of(operations: int) -> Callable[..., Any]:
    """Return operations on 40 values that are all needed to the end: more than registers."""
    strands = min(40, operations // 4)

    def braid(a: Any, b: Any) -> Any:
        values = [a * (at + 1.5) for at in range(strands)]
        left = operations - 2 * strands + 1
        for at in range(left):
            one, other = at % strands, (at * 7 + 1) % strands
            values[one] = values[one] + values[other] if at % 2 else values[one] * b
        total = values[0]
        for value in values[1:]:
            total = total - value
        return total

    return braid


class Compilations(NamedTuple):
    """What repeated compilation took: each stage each time, and all around them."""

    kernel: Kernel
    stages: list[dict[str, float]]
    timing: Timing

    @property
    def line(self) -> float:
        """The median of the seconds from trace to emit."""
        return statistics.median(sum(each.values()) for each in self.stages)

    def stage(self, name: str) -> float:
        """Return the median of the seconds of one stage."""
        return statistics.median(each[name] for each in self.stages)


def compiled(function: Callable[..., Any], seconds: float) -> Compilations:
    """Compile a function again and again."""
    arrays = np.linspace(1.0, 2.0, 64), np.linspace(2.0, 3.0, 64)
    stages: list[dict[str, float]] = []

    def lower() -> Kernel:
        # Remembered from the last time are the pack, the frame of the loops, and steps that recur:
        # here all of them, which is worth 12 of 155 µs.  The kernels are not kept: nobody has a
        # thousand, and their memory would be new each time, which costs a tenth.
        kernel = cpjit(function).lower(*arrays)
        stages.append(kernel.seconds)
        return kernel

    lower()  # reads the pack
    stages.clear()
    return Compilations(lower(), stages, measure({"lower": lower}, seconds)["lower"])


def _stages(seconds: float) -> Table:
    made = compiled(ten_operations, seconds)
    count = sum(" = " in line for line in str(made.kernel.graph).splitlines())
    total = made.line
    rows = [[stage, format_seconds(made.stage(stage)), ""] for stage in made.kernel.seconds]
    missed = f" {MISSED}" if total > _TEN_SECONDS else ""
    rows.append(["trace to emit", format_seconds(total), f"{_TEN_SECONDS / total:.2f}{missed}"])
    rows.append(["f.lower(a, b)", format_seconds(made.timing.median), ""])
    return Table(
        f"Compiling {count} operations, the tail included (figure: {_TEN_SECONDS * 1e6:g} µs)",
        ["stage", "median", "figure / time"],
        rows,
        [
            f"{len(made.kernel.code.data)} bytes; median of {len(made.stages)} compilations of "
            "sqrt(a*a + b*b)*2.5 - exp(-a)/(1 + b)"
        ],
    )


def _growth(sizes: Sequence[int], seconds: float) -> Table:
    rows = []
    for name, function_of in (("chain", chain_of), ("braid", braid_of)):
        for size in sizes:
            made = compiled(function_of(size), seconds)
            total = made.line
            slowest = max(made.kernel.seconds, key=made.stage)
            ratio = ""
            if size == 1000:
                missed = f" {MISSED}" if total > _THOUSAND_SECONDS else ""
                ratio = f"{_THOUSAND_SECONDS / total:.2f}{missed}"
            rows.append(
                [
                    name,
                    str(size),
                    format_seconds(total),
                    format_seconds(total / size),
                    slowest,
                    ratio,
                ]
            )
    return Table(
        "Compile time by number of operations (figure: linear, "
        f"{_THOUSAND_SECONDS * 1e3:g} ms for 1000)",
        ["", "operations", "trace to emit", "per operation", "slowest stage", "figure / time"],
        rows,
        ["chain: Horner's rule; braid: 40 values that live to the end, so that some are spilled."],
    )


def tables(sizes: Sequence[int], seconds: float) -> Iterator[Table]:
    """Yield the time of each stage, and the growth of the sum."""
    yield _stages(seconds)
    yield _growth(sizes, seconds)
