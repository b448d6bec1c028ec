"""Explaining: the report of a call, for `f.explain` and for the magics."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from cpnum.jit.cache import Cache
from cpnum.run.bound import Bound, BoundResults
from cpnum.run.program import BoundProgram, Planned
from cpnum.show.comparison import Comparison, compare, one_line
from cpnum.show.report import Code, Report
from cpnum.show.reports import Reports
from cpnum.show.steps import Steps
from cpnum.trace.arguments import Arguments


class Compiled(Protocol):
    """A compiled function, as far as explaining needs it."""

    py_func: Callable[..., Any]

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Make a call."""

    def bind(
        self, *arguments: Any, out: Any = None, **keywords: Any
    ) -> Bound | BoundResults | BoundProgram:
        """Return a bound call."""


def explained(
    function: Compiled,
    cache: Cache,
    given: Arguments,
    call: tuple[tuple[Any, ...], Any, Mapping[str, Any]],
    *,
    timed: bool = True,
    rounds: int = 11,
    loops: int = 1,
    cached: bool | None = None,
    parts: Collection[str] = (),
    plain: bool = False,
) -> Report | Reports:
    """Return the report of a call: `(arguments, out, keywords)`, given to these parameters.

    Where machine code cannot run, the report has no times.
    """
    arguments, out, keywords = call
    planned = cache.planned(given)
    called = [
        Code(kernel, kernel.code.data if data is None else data, ran=data is not None)
        for kernel, data in cache.placed(given, out, planned)
    ]
    bound: list[Code | None] = [None] * len(called)
    comparison: Comparison | None = None
    if called[0].ran:
        run = function.bind(*arguments, out=out, **keywords)
        if not isinstance(run, BoundProgram):
            kernels = run.kernels if isinstance(run, BoundResults) else (run,)
            bound = [Code(each.kernel, each.region.read(), ran=True) for each in kernels]
        if timed:
            comparison = compare(
                function,
                function.py_func,
                run,
                arguments,
                keywords,
                changed={} if planned is None else _written(planned, given),
                rounds=rounds,
                loops=loops,
            )
    again = _compiled_again(cache, given, out)
    reports = [
        Report(
            code,
            function=getattr(function.py_func, "__code__", None),
            bound=bound_code,
            comparison=None if at else comparison,
            again=again,
            cached=cached,
            parts=parts,
            plain=plain,
            advises_fastmath=cache.options.accuracy == "numpy",
        )
        for at, (code, bound_code) in enumerate(zip(called, bound, strict=True))
    ]
    if planned is not None:
        return Reports(reports, Steps(planned, out, cache.why_as_written(given, out)))
    return reports[0] if len(reports) == 1 else Reports(reports)


def _written(planned: Planned, given: Arguments) -> dict[str, Any]:
    """Return the arguments that a program writes to, by their names."""
    written = planned.call.specialization.traced.written
    return {given.names[at]: given.values[at] for at in sorted(written)}


def _compiled_again(cache: Cache, given: Arguments, out: Any) -> Mapping[str, float] | str:
    """Return the times of the stages in a process that has compiled the function before.

    The function is traced once more; if that raises, return the error in one line.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            return Cache(cache.function, cache.options, cache.isa).lower(given, out).seconds
    except KeyboardInterrupt:  # the rest of the report is there
        return "interrupted"
    except Exception as error:
        return one_line(error)
