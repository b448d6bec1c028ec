"""Explaining: the report of a call, for `f.explain` and for the magics."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from cpnum.ir.graph import Graph
from cpnum.ir.program import Program
from cpnum.jit.cache import Cache
from cpnum.run.bound import Bound, BoundResults
from cpnum.run.prepared import WrittenCall
from cpnum.run.program import BoundProgram
from cpnum.show.comparison import Comparison, compare, one_line
from cpnum.show.report import Code, Report
from cpnum.show.reports import Reports
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
    traced = cache.traced(given)
    called = [
        Code(kernel, kernel.code.data if data is None else data, ran=data is not None)
        for kernel, data in cache.placed(given, out)
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
                changed=_written(traced, given),
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
        )
        for at, (code, bound_code) in enumerate(zip(called, bound, strict=True))
    ]
    if isinstance(traced, Program):
        small = isinstance(cache.prepare(given, out, lambda _: None), WrittenCall)
        why = "For arrays as small as these, calls run as written.\n" if small else ""
        return Reports(reports, f"{why}NumPy's functions are called between loops:\n{traced}")
    return reports[0] if len(reports) == 1 else Reports(reports)


def _written(traced: Graph | Program, given: Arguments) -> dict[str, Any]:
    """Return the arguments that a function writes to, by their names."""
    if not isinstance(traced, Program):
        return {}
    return {given.names[at]: given.values[at] for at in sorted(traced.written)}


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
