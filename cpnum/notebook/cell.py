"""The cell of %%cpjit: its functions are decorated, and it runs as IPython runs any cell."""

# IPython's functions have no annotations.
# mypy: allow-untyped-calls

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import CodeType
from typing import Any, NamedTuple

import numpy as np
from IPython.core.error import UsageError

from cpnum.errors import OWN
from cpnum.jit.function import Jit
from cpnum.jit.method import Method

# The name of the decorator while a cell runs; no user has such a name.
_DECORATOR = "__cpnum_cpjit__"


class Decorated(NamedTuple):
    """The functions of a cell: names of those that were decorated, and why others were `left`."""

    names: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


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


def _compiled(shell: Any, tree: ast.AST, name: str, mode: str) -> CodeType:
    with shell.compile.extra_flags(ast.PyCF_ALLOW_TOP_LEVEL_AWAIT):
        code: CodeType = shell.compile(tree, name, mode)
    if code.co_flags & inspect.CO_COROUTINE:
        raise UsageError("%%cpjit: write the `await` in a cell of its own")
    return code


@contextmanager
def errors_as_in_any_cell(shell: Any) -> Iterator[None]:
    """Have IPython show the user's errors without the frames of the magic, as in any cell."""
    __tracebackhide__ = True
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        step = error.__traceback__
        while step is not None and step.tb_frame.f_code.co_filename.startswith(OWN):
            step = step.tb_next
        if step is not None and not hasattr(error, "_render_traceback_"):
            # It keeps its traceback, for %debug.
            error._render_traceback_ = functools.partial(  # type: ignore[union-attr]
                shell.InteractiveTB.structured_traceback, type(error), error, step, tb_offset=0
            )
        raise


def run_cell(shell: Any, cell: str, decorate: Callable[..., Any]) -> Decorated:
    """Run a cell as IPython does, with its functions decorated; tell which they are."""
    __tracebackhide__ = True  # IPython leaves this frame out of the cell's tracebacks
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
    decorate_all = _Decorate()
    module = ast.fix_missing_locations(decorate_all.visit(module))
    # As in any cell, IPython shows the last statements.
    count = _show(module.body, shell.ast_node_interactivity)
    if shell.displayhook.semicolon_at_end_of_expression(source):
        count = 0
    shown = [module.body.pop() for _ in range(count)][::-1]
    codes = [
        _compiled(shell, module, name, "exec"),
        _compiled(shell, ast.fix_missing_locations(ast.Interactive(shown)), name, "single"),
    ]
    _execute(shell, codes, decorate)
    return Decorated(tuple(decorate_all.names), tuple(decorate_all.left))


def _execute(shell: Any, codes: Sequence[CodeType], decorate: Callable[..., Any]) -> None:
    """Run code that knows the decorator by its name."""
    __tracebackhide__ = True
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


class Expression:
    """An expression of a user: a call of a compiled function, or what becomes one.

    Raises:  CellError if it is none.
    """

    def __init__(self, shell: Any, text: str) -> None:
        number = len(shell.history_manager.input_hist_parsed) - 1
        self._shell = shell
        self._text = text
        self._name = shell.compile.cache(text, number, raw_code=text)
        try:
            self._body = ast.parse(text, self._name, "eval").body
        except SyntaxError as error:
            lines = shell.SyntaxTB.structured_traceback(type(error), error, [])
            raise CellError(lines) from None

    def run(self, decorate: Callable[..., Any]) -> Any:
        """Return its value.

        If it is no call of a compiled function, its arrays and numbers become the parameters of a
        function that computes it, and that is compiled.
        """
        __tracebackhide__ = True
        body = self._body
        known = {**self._shell.user_global_ns, **self._shell.user_ns}
        if isinstance(body, ast.Call) and isinstance(_named(body.func, known), Jit | Method):
            return eval(compile(ast.Expression(body), self._name, "eval"), known)
        names = [each for each in ast.walk(body) if isinstance(each, ast.Name)]
        names.sort(key=lambda each: (each.lineno, each.col_offset))
        loaded = dict.fromkeys(each.id for each in names)
        parameters = [each for each in loaded if _is_value(known.get(each))]
        if not parameters:
            raise UsageError(f"%cpjit: no name in {self._text} stands for an array or a number")
        taken = [ast.arg(each) for each in parameters]
        arguments = ast.arguments([], taken, None, [], [], None, [])
        tree = ast.fix_missing_locations(ast.Expression(ast.Lambda(arguments, body)))
        function = eval(compile(tree, self._name, "eval"), known)
        function.__name__ = "expression"
        return decorate(function)(*[known[each] for each in parameters])


def _named(function: ast.expr, known: dict[str, Any]) -> Any:
    """Return the object that a name with attributes stands for, None if it is no such thing."""
    match function:
        case ast.Name(name):
            return known.get(name)
        case ast.Attribute(value, name):
            return getattr(_named(value, known), name, None)
    return None


def _is_value(value: Any) -> bool:
    return isinstance(value, np.ndarray | np.generic | bool | int | float)
