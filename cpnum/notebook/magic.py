"""%%cpjit: compile the functions of a cell, run the cell, and report its last call.

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

import ast
import inspect
import itertools
import keyword
import re
import sys
from collections.abc import Callable
from types import CodeType
from typing import Any

import numpy as np
from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, magics_class
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import Pretty, display
from IPython.extensions import autoreload
from IPython.utils.capture import capture_output

from cpnum.compile.call import Array
from cpnum.errors import CpnumError
from cpnum.jit.function import Jit, cpjit
from cpnum.jit.method import Method
from cpnum.notebook.calls import Call, Calls
from cpnum.run.observer import observing
from cpnum.show.report import Report, one_line

# The name of the decorator while a cell runs; no user has such a name.
_DECORATOR = "__cpnum_cpjit__"

# After `from module import f`, %autoreload changes the old function to the edited one.  For other
# objects than Python's functions, it has to be told how.
_RELOAD = (
    lambda old, new: isinstance(old, Jit | Method) and isinstance(new, Jit | Method),
    lambda old, new: _function(old).__setstate__(_function(new).__getstate__()),
)


def _function(compiled: Jit | Method) -> Any:
    return compiled.__func__ if isinstance(compiled, Method) else compiled


class _Decorate(ast.NodeTransformer):
    """Decorates the functions that a cell defines, unless they have a decorator.

    Functions without parameters and generators compute nothing elementwise: they are left alone,
    and so are methods and nested functions.  `names` are the functions that were decorated, `left`
    tells why others were not.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.left: list[str] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        if node.decorator_list:
            self.left.append(f"{node.name} has a decorator")
        elif not _has_parameters(node.args):
            self.left.append(f"{node.name} has no parameters")
        elif _yields(node):
            self.left.append(f"{node.name} is a generator")
        else:
            self.names.append(node.name)
            node.decorator_list = [ast.copy_location(ast.Name(_DECORATOR, ast.Load()), node)]
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AsyncFunctionDef:
        self.left.append(f"{node.name} is asynchronous")
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self.left.append(f"the methods of {node.name} are not compiled: write @cpjit above them")
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        self.left.append("a lambda is not compiled: write def, or cpjit(lambda ...)")
        return node


def _has_parameters(arguments: ast.arguments) -> bool:
    return any(isinstance(each, ast.arg) for each in ast.iter_child_nodes(arguments))


def _yields(function: ast.FunctionDef) -> bool:
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return False


def _show(body: list[ast.stmt], interactivity: str) -> int:
    """Return how many of the last statements IPython shows, for its `ast_node_interactivity`.

    For "last_expr_or_assign", the variable that was assigned is appended as an expression.
    """
    if interactivity == "all" or not body:
        return len(body)
    last = body[-1]
    if interactivity == "last_expr_or_assign":
        match last:
            case (
                ast.Assign(targets=[ast.Name(name)])
                | ast.AugAssign(target=ast.Name(name))
                | ast.AnnAssign(target=ast.Name(name))
            ):
                last = ast.copy_location(ast.Expr(ast.Name(name, ast.Load())), last)
                body.append(last)
    if interactivity == "last":
        return 1
    return int(interactivity != "none" and isinstance(last, ast.Expr))


class CellError(Exception):
    """A SyntaxError of a cell; the lines are those that IPython prints for any cell.

    For a SyntaxError, IPython would print the frames of the magic as well.
    """

    def __init__(self, lines: list[str]) -> None:
        super().__init__(lines[-1])
        self.lines = lines

    def _render_traceback_(self) -> list[str]:
        return self.lines


def _laid_out_as(array: Array) -> Array:
    """Return an array in other memory, of the same shape and strides, so of the same kernel."""
    low, high = np.lib.array_utils.byte_bounds(array)
    first = array.__array_interface__["data"][0] - low
    return np.ndarray(array.shape, array.dtype, np.empty(high - low, "b"), first, array.strides)


def _report(call: Call, *, timed: bool) -> Report:
    """Return the report of a call, which is made again, into another result."""
    function, arguments, out, keywords = call
    if out is not None:
        out = _laid_out_as(out)
    bound = function.bind(*arguments, out=out, **keywords)
    kernel = function.lower(*arguments, out=out, **keywords)
    return Report(kernel, bound, function, arguments, keywords, timed=timed)


def _compiled(shell: Any, tree: ast.AST, name: str, mode: str) -> CodeType:
    with shell.compile.extra_flags(ast.PyCF_ALLOW_TOP_LEVEL_AWAIT):
        code: CodeType = shell.compile(tree, name, mode)
    if code.co_flags & inspect.CO_COROUTINE:
        raise UsageError("%%cpjit: write the `await` in a cell of its own")
    return code


def _why_nothing(decorated: _Decorate) -> str:
    """Return why a cell has no call to show."""
    if decorated.names:
        names = _enumerated(decorated.names)
        return f"{names} {'are' if len(decorated.names) > 1 else 'is'} compiled at the first call"
    left = "; ".join(dict.fromkeys(decorated.left)) or "it defines none with `def`"
    return f"the cell calls no compiled function: {left}"


def _enumerated(texts: list[str]) -> str:
    """Return texts as a list in a sentence, shortened.

    >>> _enumerated(["f", "g", "h"])
    'f, g and h'
    """
    shown = texts[:_LISTED]
    if len(texts) > _LISTED:
        shown.append(f"{len(texts) - _LISTED} more")
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


# At most so many calls or functions are listed.
_LISTED = 8


def _refuse_timeit() -> None:
    """Refuse to run below %%timeit, which would show thousands of reports."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        if frame.f_code.co_filename == "<magic-timeit>":
            raise UsageError("%%cpjit: write %timeit f(x) in a cell below, not %%timeit above")
        frame = frame.f_back


def _tell(text: str) -> None:
    display(Pretty(f"%%cpjit: {text}"))


@magics_class
class CpnumMagics(Magics):  # type: ignore[misc, unused-ignore]
    """The magics of cpnum."""

    @magic_arguments()
    @argument("--isa", help="the ISA level: x86-64-v4, x86-64-v3 or aarch64")
    @argument("--fastmath", action="store_true", help="allow contraction and reassociation")
    @argument(
        "--precision",
        choices=("full", "fast"),
        default="full",
        help="how exact elementary functions are: 1 ULP, or 4 where that is faster",
    )
    @argument(
        "--fallback",
        choices=("error", "numpy"),
        default="error",
        help="what becomes of calls that cannot be compiled",
    )
    @argument(
        "--no-time", action="store_true", help="leave out the times, for which functions run again"
    )
    @argument("-o", "--out", metavar="NAME", help="keep the report in this variable")
    @cell_magic
    def cpjit(self, line: str, cell: str) -> None:
        """Compile the functions of this cell, run the cell, and report its last call.

        Every function with parameters that the cell defines with `def` is compiled as by `@cpjit`,
        unless it has a decorator, is a generator, or is defined in a class or in another function.
        The last call of a compiled function is shown: graph, stencils with their registers, holes
        before and after patching, disassembly, and times against NumPy.
        """
        __tracebackhide__ = True  # IPython leaves this frame out of the cell's tracebacks
        try:
            options = parse_argstring(self.cpjit, line)
        except ValueError as error:  # quotes that are not closed
            raise UsageError(f"%%cpjit: {error}") from None
        if options.out and (not options.out.isidentifier() or keyword.iskeyword(options.out)):
            raise UsageError(f"%%cpjit: {options.out} is not a name")
        try:
            decorate = cpjit(
                isa=options.isa,
                fastmath=options.fastmath,
                precision=options.precision,
                fallback=options.fallback,
            )
            decorate(np.negative)  # an unknown ISA level is found here
        except CpnumError as error:
            raise UsageError(f"%%cpjit: {error}") from None
        _refuse_timeit()
        calls = Calls()
        with observing(calls.observe) as observer:
            decorated = self._run(cell, decorate)
        if observer.elsewhere:
            _tell(f"calls by other threads, which are not shown: {observer.elsewhere}")
        if calls.last is None:
            _tell(_why_nothing(decorated))
            return
        others = calls.others()
        if others:
            _tell(f"the last call is shown; the cell also calls {_enumerated(others)}")
        name = calls.last[0].__name__
        try:
            # The function runs again for its times: what it prints was shown before.
            with capture_output():
                report = _report(calls.last, timed=not options.no_time)
        except CpnumError as error:
            _tell(f"{name} has no machine code to show: {error}")
            return
        except Exception as error:  # the user's function raises if it is traced again
            _tell(f"{name} cannot be shown: {one_line(error)}")
            return
        if options.out:
            shell: Any = self.shell
            shell.user_ns[options.out] = report
        display(report)

    def _run(self, cell: str, decorate: Callable[..., Any]) -> _Decorate:
        """Run a cell as IPython does, with its functions decorated; tell which they are."""
        __tracebackhide__ = True
        shell: Any = self.shell
        other = re.match(r"\s*(%%\w+)", cell)
        if other:
            raise UsageError(f"%%cpjit: write {other[1]} above %%cpjit, which then runs the cell")
        # For the line numbers that the user sees: the magic's line counts, and so do the empty
        # lines that IPython drops.
        dropped = itertools.takewhile(lambda each: not each.strip(), cell.splitlines())
        source = "\n" * (1 + len(list(dropped))) + shell.transform_cell(cell)
        number = len(shell.history_manager.input_hist_parsed) - 1
        name = shell.compile.cache(source, number, raw_code=source)
        try:
            module = shell.transform_ast(shell.compile.ast_parse(source, name))
        except SyntaxError as error:
            raise CellError(shell.SyntaxTB.structured_traceback(type(error), error, [])) from None
        decorated = _Decorate()
        module = ast.fix_missing_locations(decorated.visit(module))
        # As in any cell, IPython shows the last statements.
        count = _show(module.body, shell.ast_node_interactivity)
        if shell.displayhook.semicolon_at_end_of_expression(source):
            count = 0
        shown = [module.body.pop() for _ in range(count)][::-1]
        codes = [
            _compiled(shell, module, name, "exec"),
            _compiled(shell, ast.fix_missing_locations(ast.Interactive(shown)), name, "single"),
        ]
        names = shell.user_ns
        outer = names.get(_DECORATOR)  # set if another such cell runs this one
        names[_DECORATOR] = decorate
        try:
            for code in codes:
                exec(code, shell.user_global_ns, names)
        finally:
            if outer is None:
                names.pop(_DECORATOR, None)
            else:
                names[_DECORATOR] = outer
        return decorated


def register(shell: Any) -> None:
    """Add the magics to an IPython shell."""
    shell.register_magics(CpnumMagics)
    if _RELOAD not in autoreload.UPDATE_RULES:
        autoreload.UPDATE_RULES.insert(0, _RELOAD)


def unregister(shell: Any) -> None:
    """Remove the magics from an IPython shell."""
    shell.magics_manager.magics["cell"].pop("cpjit", None)
    shell.magics_manager.registry.pop(CpnumMagics.__name__, None)
    if _RELOAD in autoreload.UPDATE_RULES:
        autoreload.UPDATE_RULES.remove(_RELOAD)
