"""%cpbench: time a call of a compiled function beside NumPy, numexpr and Numba.

%cpbench --sizes 1e3:1e7 --plot norm(x, y)
"""

# IPython's functions have no annotations.
# mypy: allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import argparse
import ast
import difflib
import keyword
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments
from IPython.display import display

from cpnum.compare.bench import bench, refuse_others
from cpnum.compare.competitors import wanted
from cpnum.errors import CpnumError

# Of each power of ten.
_STEPS = (1, 3)


def sizes_of(text: str) -> list[int]:
    """Return the sizes that are written as `1e3,1e5`, or as a range `1e3:1e6`.

    Raises:  ArgumentTypeError if the text is none of these.

    >>> sizes_of("10,1e3"), sizes_of("1e2:1e4")
    ([10, 1000], [100, 300, 1000, 3000, 10000])
    """
    first, colon, last = text.partition(":")
    try:
        if not colon:
            return [int(float(each)) for each in text.split(",")]
        low, high = int(float(first)), int(float(last))
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text} is not as 1e3,1e5 or 1e3:1e6") from None
    if not 1 <= low <= high:
        raise argparse.ArgumentTypeError(f"there are no sizes from {first} to {last}")
    between = [step * 10**power for power in range(len(str(high))) for step in _STEPS]
    return sorted({low, high, *(each for each in between if low < each < high)})


def _options(parser: Any, words: list[str]) -> Any:
    """Return the options among the words of the line.

    Raises:  UsageError, with the nearest option for an unknown one.
    """
    try:
        return parser.parse_args(words)
    except UsageError as error:
        known = [name for action in parser._actions for name in action.option_strings]
        unknown = [word for word in words if word.startswith("--")]
        near = [each for word in unknown for each in difflib.get_close_matches(word, known, 1)]
        advice = f"; there is {near[0]}" if near and "unrecognized" in str(error) else ""
        raise UsageError(f"%cpbench: {error}{advice}") from None


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
    @argument(
        "-n",
        "--sizes",
        type=sizes_of,
        metavar="SIZES",
        help="numbers of elements that arrays are repeated or cut to: 1e3,1e5 or 1e3:1e7",
    )
    @argument("-r", "--repeat", type=int, metavar="R", help="take R samples of each, not for 0.2 s")
    @argument("--against", metavar="NAMES", help="of numpy,numexpr,numba: those that are installed")
    @argument("--threads", type=int, default=1, help="of numexpr and Numba")
    @argument("--cpu-time", action="store_true", help="do not count the time of other programs")
    @argument("-p", "--plot", action="store_true", help="draw the times by size, or by calls")
    @argument("-q", "--quiet", action="store_true", help="show no table and no progress")
    @argument("-o", "--out", metavar="NAME", help="keep the result in this variable")
    @argument("expression", nargs=argparse.REMAINDER, help="a call of a compiled function: f(x, y)")
    @line_magic
    def cpbench(self, line: str) -> None:
        """Time a call of a compiled function beside NumPy, numexpr and Numba.

        Results are compared first, and first calls are timed apart.  An interrupt keeps the sizes
        that are finished.  It does what `cpnum.bench` does:

            %cpbench f(x, y)
            %cpbench --sizes 1e3:1e7 --against numpy,numba --plot --out times f(x, y)
        """
        __tracebackhide__ = True  # IPython leaves this frame out of tracebacks
        words = line.split()
        options = _options(self.cpbench.parser, words)
        # As it was written: a text in it may have spaces.
        rest = len(options.expression)
        expression = line.split(None, len(words) - rest)[-1] if rest else ""
        if options.out and (not options.out.isidentifier() or keyword.iskeyword(options.out)):
            raise UsageError(f"%cpbench: {options.out} is not a name")
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
