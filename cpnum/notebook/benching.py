"""%cpbench: time a call of a compiled function beside NumPy, numexpr and Numba.

%cpbench --sizes 1e3:1e7 --plot norm(x, y)
"""

# IPython's functions have no annotations.
# mypy: allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import ast
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import magic_arguments
from IPython.display import display

from cpnum.compare.bench import bench, refuse_others
from cpnum.compare.competitors import wanted
from cpnum.errors import CpnumError
from cpnum.notebook.options import BENCH_OPTIONS, read_line, with_options


def _parsed(expression: str) -> ast.Call:
    """Return the call that is written.

    >>> ast.unparse(_parsed("module.f(x, n=2)").func)
    'module.f'
    """
    text = expression.strip() or "nothing"
    try:
        tree = ast.parse(text, "<%cpbench>", "eval").body
    except SyntaxError as error:
        raise UsageError(f"%cpbench: {error.msg}: {text}") from None
    if not isinstance(tree, ast.Call):
        raise UsageError(f"%cpbench: write a call of a compiled function, as f(x), not {text}")
    return tree


def _evaluated(
    call: ast.Call, names: dict[str, Any]
) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """Return the function of a call, and its arguments, without calling it.

    >>> _evaluated(_parsed("abs(n, *[2], base=n)"), {"n": 1})
    (<built-in function abs>, (1, 2), {'base': 1})
    """
    function = eval(compile(ast.Expression(call.func), "<%cpbench>", "eval"), names)
    kept = ast.copy_location(ast.Name(_GIVEN, ast.Load()), call)
    given = ast.copy_location(ast.Call(kept, call.args, call.keywords), call)
    code = compile(ast.Expression(given), "<%cpbench>", "eval")
    arguments, keywords = eval(code, names, {_GIVEN: lambda *each, **named: (each, named)})
    return function, arguments, keywords


# The name, in an expression, of what returns its arguments; no user has such a name.
_GIVEN = "__cpnum_given__"


@magics_class
class BenchMagics(Magics):  # type: ignore[misc, unused-ignore]
    """The magic of `cpnum.bench`."""

    @magic_arguments()
    @with_options(BENCH_OPTIONS)
    @line_magic
    def cpbench(self, line: str) -> None:
        """Time a call of a compiled function beside NumPy, numexpr and Numba.

        Results are compared first, and first calls are timed apart.  An interrupt keeps the sizes
        that are finished.  It does what `cpnum.bench` does:

            %cpbench f(x, y)
            %cpbench --sizes 1e3:1e7 --against numpy,numba --plot --out times f(x, y)
        """
        __tracebackhide__ = True  # IPython leaves this frame out of tracebacks
        options, expression = read_line(self.cpbench, line, "%cpbench")
        shell: Any = self.shell
        function, arguments, keywords = _evaluated(_parsed(expression), shell.user_ns)
        try:
            refuse_others(function)
            wanted(options.against)
        except (TypeError, ValueError, CpnumError) as error:
            raise UsageError(f"%cpbench: {error}") from None
        result = bench(
            function,
            *arguments,
            sizes=options.sizes,
            against=options.against,
            rounds=options.repeat,
            threads=options.threads,
            cpu_time=options.cpu_time,
            progress=False if options.quiet else None,
            **keywords,
        )
        if options.out:
            shell.user_ns[options.out] = result
        if not options.quiet:
            display(result)
        if options.plot:
            display(result.plot("sizes" if len(result.sizes) > 1 else "calls"))


def register(shell: Any) -> None:
    """Add the magic to an IPython shell."""
    shell.register_magics(BenchMagics)


def unregister(shell: Any) -> None:
    """Remove the magic from an IPython shell."""
    shell.magics_manager.magics["line"].pop("cpbench", None)
    shell.magics_manager.registry.pop(BenchMagics.__name__, None)
