"""Programs that run: kernels, and NumPy's functions between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from cpnum.compile.call import Call
from cpnum.compile.kernel import Clock, Kernel, Kernels
from cpnum.compile.outs import filled
from cpnum.errors import UnsupportedError
from cpnum.ir.program import ContentsError, Program
from cpnum.remembered import Remembered
from cpnum.run.machine import Machine
from cpnum.run.prepared import PreparedCall, WrittenCall
from cpnum.run.results import ResultsCall
from cpnum.run.specialization import Rewrite, Specialization
from cpnum.tables.isa import Isa

# After so many calls in a row with other contents, all run as written.
MOST_MISSED = 8


class ProgramSpecialization:
    """The program of a function for one signature, and the specializations of its graphs."""

    def __init__(self, traced: Program, rewrite: Rewrite, clock: Clock) -> None:
        self.traced = traced
        # Whether a call found it since it was made.
        self.again = False
        self.seconds: Mapping[str, float] = clock.seconds
        self.each = tuple([Specialization(graph, rewrite, clock) for graph in traced.graphs])

    @property
    def graph(self) -> Program:
        """The program, whose text has all of its graphs."""
        return self.traced

    def every_kernel(self) -> list[Kernel]:
        """Return the kernels of all steps."""
        return [kernel for each in self.each for kernel in each.every_kernel()]

    def described(
        self, arguments: tuple[Any, ...], out: Any
    ) -> Iterator[tuple[Specialization, Call]]:
        """Yield the calls of kernels for these arguments; NumPy computes what is between them."""
        try:
            values = ProgramCall(self).values(arguments)
        except ContentsError:
            raise UnsupportedError(
                f"{self.traced.name} runs as written for these arguments",
                seen="contents with another outcome than in the first call",
                write="a new function: cpjit(f.py_func)",
            ) from None
        for each in self.each:
            yield from each.described(values, out if each is self.each[-1] else None)

    def lower(self, arguments: tuple[Any, ...], out: Any, level: Isa) -> Kernel | Kernels:
        """Return the kernels of a call.

        Raises:  UnsupportedError if there is none.
        """
        each = [own.kernel(call, level) for own, call in self.described(arguments, out)]
        if not each:
            raise UnsupportedError(
                f"all that {self.traced.name} computes are calls of NumPy's, so it has no kernel",
                seen=", ".join(step.name for step in self.traced.steps),
                write="its call, which makes them",
            )
        return each[0] if len(each) == 1 else Kernels(self.traced, tuple(each))


class BoundProgram:
    """A program and its arguments, which it reads anew at each call."""

    def __init__(self, call: ProgramCall, arguments: tuple[Any, ...], out: Any) -> None:
        self._call = call
        self._arguments = arguments
        self._out = out

    def __call__(self) -> Any:
        """Return the results, in `out` if that was given."""
        if self._out is None:
            return self._call.run(self._arguments)
        return self._call.into(self._arguments, self._out)

    def __repr__(self) -> str:
        return f"<bound call of {self._call.specialization.traced.name}>"


class ProgramCall:
    """Calls of a program with arguments of one key.

    What is prepared for a step depends on the layouts of what NumPy returned before it.  Without a
    machine, NumPy computes all graphs.  If contents have another outcome than they had while the
    function was traced, the call is the one as `written`.
    """

    __slots__ = ("_level", "_machine", "_missed", "_prepared", "_written", "specialization")

    def __init__(
        self,
        specialization: ProgramSpecialization,
        level: Isa | None = None,
        machine: Machine | None = None,
        written: WrittenCall | None = None,
    ) -> None:
        self.specialization = specialization
        self._written = written
        # How many calls in a row had another outcome.
        self._missed = 0
        self._level = level
        self._machine = machine
        self._prepared: list[Remembered[Any, PreparedCall | ResultsCall]] = [
            Remembered() for _ in specialization.each
        ]

    def run(self, arguments: tuple[Any, ...]) -> Any:
        """Return new results."""
        values = self._values(arguments)
        if values is None:
            assert self._written is not None
            return self._written.run(arguments)
        return self._step(-1, values, None).run(values)

    def into(self, arguments: tuple[Any, ...], out: Any) -> Any:
        """Compute into `out`; all results are computed before any is written that overlaps."""
        values = self._values(arguments)
        if values is None:
            assert self._written is not None
            return self._written.into(arguments, out)
        done = self._step(-1, values, out).into(values, out)
        if done is None:
            return filled(self._step(-1, values, None).run(values), out)
        return done

    def _values(self, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Return the values of parameters, None for a call that is to run as written."""
        if self._written is None:
            return self.values(arguments)
        if self._missed >= MOST_MISSED:
            return None
        try:
            values = self.values(arguments)
        except ContentsError:
            self._missed += 1
            return None
        self._missed = 0
        return values

    def values(self, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        """Run all steps; return the values of parameters, those that they computed among them.

        Raises:  ContentsError.
        """
        program = self.specialization.traced
        values = program.values(arguments)
        for at, step in enumerate(program.steps):
            given = tuple(values)
            passed, keywords, stored = self._step(at, given, None).run(given)
            for parameter, value in zip(step.stored, stored, strict=True):
                values[parameter] = value
            step.keep(values, step.call(passed, keywords))
        return tuple(values)

    def _step(self, at: int, values: tuple[Any, ...], out: Any) -> PreparedCall | ResultsCall:
        """Return the prepared call of a graph for these values."""
        table = self._prepared[at]
        computed = values[self.specialization.traced.given :]
        shapes = [(each.shape, each.strides) for each in computed if type(each) is np.ndarray]
        key = (out is None, *shapes)
        found = table.get(key)
        if found is None:
            own = self.specialization.each[at]
            own = own if at >= 0 else own.into(out)
            parts = own.describe(values, out)
            found = table.remember(key, own.prepare_parts(parts, self._level, self._machine))
        return found
