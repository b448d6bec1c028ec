"""Every module, class and function says in its docstring what it is, in plain words."""

import ast
from pathlib import Path

import pytest

import cpnum

PACKAGE = Path(cpnum.__file__).parent
MODULES = {
    str(path.relative_to(PACKAGE)): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}


def documented(tree):
    """Yield the module, its classes and its functions, each with its name."""
    yield "the module", tree
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node


def public(tree):
    """Yield the module, its public classes and functions, and their public methods."""
    yield "the module", tree
    pending = list(tree.body)
    while pending:
        node = pending.pop(0)
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            # An overload has the docstring of the function that is called.
            if "overload" not in map(ast.unparse, node.decorator_list):
                yield node.name, node
            pending += node.body if isinstance(node, ast.ClassDef) else []


@pytest.mark.parametrize("module", MODULES)
def test_no_docstring_begins_with_what(module):
    named = documented(MODULES[module])
    found = [name for name, node in named if (ast.get_docstring(node) or "").startswith("What")]
    assert found == []


@pytest.mark.parametrize("module", MODULES)
def test_everything_public_has_a_docstring(module):
    assert [name for name, node in public(MODULES[module]) if not ast.get_docstring(node)] == []
