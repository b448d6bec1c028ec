"""%%cpjit and %cpjit: compile the functions of a cell or an expression, run it, and report a call.

    %load_ext cpnum

    %%cpjit
    def norm(x, y):
        return np.sqrt(x * x + y * y)

    norm(a, b)

The cell without its first line is the same working Python.
"""

# IPython's functions have no annotations.
# mypy: allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.core.magic_arguments import magic_arguments
from IPython.display import Pretty, display
from IPython.extensions import autoreload
from IPython.utils.capture import capture_output

from cpnum.compare.bench import bench
from cpnum.errors import CpnumError
from cpnum.ir.arrays import laid_out_as
from cpnum.ir.containers import made, opened
from cpnum.jit.function import Jit, cpjit
from cpnum.jit.method import Method
from cpnum.notebook.calls import Call, Calls
from cpnum.notebook.cell import Decorated, Expression, errors_as_in_any_cell, run_cell
from cpnum.notebook.examples import examples
from cpnum.notebook.options import OPTIONS, complete, read_line, with_options
from cpnum.run.observer import observing
from cpnum.show.comparison import one_line
from cpnum.show.report import SHOWN, Report, parts_of
from cpnum.show.reports import Reports

# After `from module import f`, %autoreload changes the old function to the edited one.  For other
# objects than Python's functions, it has to be told how.
_RELOAD = (
    lambda old, new: isinstance(old, Jit | Method) and isinstance(new, Jit | Method),
    lambda old, new: _function(old).__setstate__(_function(new).__getstate__()),
)


def _function(compiled: Jit | Method) -> Any:
    return compiled.__func__ if isinstance(compiled, Method) else compiled


def _laid_out_as(out: Any) -> Any:
    """Return arrays in other memory, of the same shapes and strides, so of the same kernels."""
    container = opened(out)
    if container is not None:
        keys, items = container
        return made(type(out), keys, [*map(_laid_out_as, items)])
    return None if out is None else laid_out_as(out)


def _why_nothing(decorated: Decorated) -> str:
    """Return why a cell has no call to show."""
    if decorated.names:
        names = _enumerated(decorated.names)
        return f"{names} {'are' if len(decorated.names) > 1 else 'is'} compiled at the first call"
    left = "; ".join(dict.fromkeys(decorated.left)) or "it defines none with `def`"
    return f"the cell calls no compiled function: {left}"


# At most so many calls or functions are listed.
_LISTED = 8


def _enumerated(texts: Sequence[str]) -> str:
    """Return texts as a list in a sentence, shortened.

    >>> _enumerated(["f", "g", "h"])
    'f, g and h'
    """
    shown = list(texts[:_LISTED])
    if len(texts) > _LISTED:
        shown.append(f"{len(texts) - _LISTED} more")
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _refuse_timeit() -> None:
    """Refuse to run below %%timeit, which would show thousands of reports."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        if frame.f_code.co_filename == "<magic-timeit>":
            raise UsageError("%%cpjit: write %timeit f(x) in a cell below, not %%timeit above")
        frame = frame.f_back


def _tell(text: str) -> None:
    display(Pretty(f"%%cpjit: {text}"))


def _decorator(options: Any, name: str) -> Callable[..., Any]:
    """Return the decorator with the options of a line."""
    try:
        parts_of(options.show or "code")
        decorate = cpjit(
            isa=options.isa,
            fastmath=options.fastmath,
            precision=options.precision,
            accuracy=options.accuracy,
            fallback=options.fallback,
        )
        decorate(np.negative)  # an unknown ISA level is found here
    except (CpnumError, ValueError) as error:
        raise UsageError(f"{name}: {error}") from None
    return decorate


@magics_class
class CpnumMagics(Magics):  # type: ignore[misc, unused-ignore]
    """The magics of cpnum."""

    @magic_arguments()
    @with_options(OPTIONS)
    @line_cell_magic
    def cpjit(self, line: str, cell: str | None = None) -> Any:
        """Compile the functions of a cell or an expression, run it, and report a call.

        Of a cell, every function with parameters that it defines with `def` is compiled as by
        `@cpjit`, unless it has a decorator, is a generator, or is defined in a class or in another
        function.  The last call of a compiled function is shown; an expression behind the options
        is evaluated after the cell.

        Of a line, a call of a compiled function is shown, or the expression is compiled: its arrays
        and numbers become the parameters of a function.

        Examples::

            %cpjit np.sqrt(x * x + y * y)
            %cpjit --show code --explain norm(x, y)
            %cpjit --signature 'f64[:], float' norm
            %%cpjit -r 50 -o report norm(x, y)
        """
        __tracebackhide__ = True  # IPython leaves this frame out of the cell's tracebacks
        name = "%cpjit" if cell is None else "%%cpjit"
        options, expression = read_line(self.cpjit, line, name)
        decorate = _decorator(options, name)
        _refuse_timeit()
        shell: Any = self.shell
        if cell is None and not expression:
            raise UsageError("%cpjit: write an expression behind it: %cpjit f(x)")
        parsed = Expression(shell, expression) if expression else None
        if options.signature is not None:
            self._show_signature(cell, expression, decorate, options)
            return None
        calls, value = Calls(options.function), None
        decorated = Decorated()
        with observing(calls.observe) as observer, errors_as_in_any_cell(shell):
            if cell is not None:
                decorated = run_cell(shell, cell, decorate)
            if parsed:
                value = parsed.run(decorate)
        if observer.elsewhere:
            _tell(f"calls by other threads, which are not shown: {observer.elsewhere}")
        self._show_call(calls, decorated, options)
        return value

    def _show_call(self, calls: Calls, decorated: Decorated, options: Any) -> None:
        """Show the call that was kept, and say which others there were."""
        call, others = calls.kept, calls.others()
        if call is None:
            if others:
                missing = f"no function {options.function} is called"
                _tell(f"{missing}; the cell calls {_enumerated(others)}")
            else:
                _tell(_why_nothing(decorated))
            return
        if others:
            which = "last call" if options.function is None else f"last call of {options.function}"
            _tell(f"the {which} is shown; the cell also calls {_enumerated(others)}")
        # Its result is written elsewhere, because the function computes it again.
        out = _laid_out_as(call.out)
        self._show(call.function, call._replace(out=out), options)

    def _show_signature(
        self, cell: str | None, expression: str, decorate: Callable[..., Any], options: Any
    ) -> None:
        """Show the code for a signature of a function: the one named, or the cell's only one."""
        __tracebackhide__ = True
        shell: Any = self.shell
        with errors_as_in_any_cell(shell):
            names = () if cell is None else run_cell(shell, cell, decorate).names
        wanted = options.function or expression or (names[-1] if len(names) == 1 else "")
        function = shell.user_ns.get(wanted)
        if not callable(function):
            raise UsageError("%cpjit: write the name of one function: --signature 'f64[:]' f")
        compiled = function if isinstance(function, Jit) else decorate(function)
        try:
            arguments = tuple(examples(options.signature))
        except CpnumError as error:
            raise UsageError(f"%cpjit: {error}") from None
        call = Call(compiled, arguments, None, {}, wanted, cached=False)
        options.no_time = True
        compiled.lower(*arguments)  # an error is the user's
        self._show(compiled, call, options)

    def _show(self, function: Jit, call: Call, options: Any) -> None:
        """Make the report of a call and show it, or say why there is none."""
        # The function runs again for its times: what it prints was shown before.
        with capture_output():
            report = _tried(function, lambda: _report(function, call, options))
        if isinstance(report, str):
            _tell(report)
            return
        if options.out:
            shell: Any = self.shell
            shell.user_ns[options.out] = report
        if options.to:
            _write(report, Path(options.to))
        if not options.quiet:
            display(Pretty(report.text()) if options.text else report)
        if options.bench:
            compared = _tried(function, lambda: bench(function, *call.arguments, **call.keywords))
            display(Pretty(compared) if isinstance(compared, str) else compared)


R = TypeVar("R")


def _tried(function: Jit, make: Callable[[], R]) -> R | str:
    """Return what is made for a call, or why it is not: the cell itself has finished."""
    name = function.__name__
    try:
        return make()
    except CpnumError as error:
        seen = f": {error.seen}" if error.seen else ""
        return f"{name} has no machine code to show: {error.message}{seen}"
    except Exception as error:  # the user's function raises if it runs again
        return f"{name} cannot be shown: {one_line(error)}"
    except KeyboardInterrupt:
        return "the report was interrupted"


def _report(function: Jit, call: Call, options: Any) -> Report | Reports:
    parts = parts_of(options.show) if options.show else ()
    if options.bound and "bound" not in parts:
        parts = (*(parts or SHOWN), "bound")
    return function.report(
        (call.arguments, call.out, call.keywords),
        timed=not options.no_time,
        rounds=options.r,
        loops=options.n,
        cached=call.cached,
        parts=parts,
        plain=options.explain,
    )


def _write(report: Report | Reports, file: Path) -> None:
    """Write a report to a file: HTML, JSON or text, by its suffix."""
    match file.suffix:
        case ".html":
            text = f"<!doctype html><meta charset=utf-8>{report.html()}"
        case ".json":
            text = json.dumps(report.json(), indent=1)
        case _:
            text = report.text(full=True)
    file.write_text(f"{text}\n", encoding="utf-8")
    _tell(f"the report is in {file}")


def register(shell: Any) -> None:
    """Add the magics to an IPython shell."""
    shell.register_magics(CpnumMagics)
    if complete not in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.append(complete)
    if _RELOAD not in autoreload.UPDATE_RULES:
        autoreload.UPDATE_RULES.insert(0, _RELOAD)


def unregister(shell: Any) -> None:
    """Remove the magics from an IPython shell."""
    for kind in ("cell", "line"):
        shell.magics_manager.magics[kind].pop("cpjit", None)
    shell.magics_manager.registry.pop(CpnumMagics.__name__, None)
    if complete in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.remove(complete)
    if _RELOAD in autoreload.UPDATE_RULES:
        autoreload.UPDATE_RULES.remove(_RELOAD)
