"""The modules stand in one line, and each imports only modules that stand before it."""

import ast
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import cpnum

PACKAGE = Path(cpnum.__file__).parent

# The straight line, from what needs nothing to what needs all: folders, and the modules of each.
LINE = {
    "": "errors command remembered faces",
    "tables": "dtypes isa ops coverage block reductions stencils",
    "pack": "disassembly holes stencil __main__",
    "ir": "arrays containers movement joins sites guards handling nodes results signature returned "
    "extents walk text graph program tiling reference evaluate questions rules rewrite divisors "
    "simplify",
    "trace": "site advice choices fixed containers arguments parameters kinds builder looking made "
    "push promote ufuncs keywords tracer chosen writing array scalar leftover registry folds "
    "compensated promoting compositions joining ends converting functions methods returns sampling "
    "calls statistics built_in reached replacing contents loop_graphs assembling fields trace",
    "compile": "arrange sources call folded tree schedule instances skeleton folding select assign "
    "emit pairs origins verify kernel outs",
    "run": "system linux arena memory recipe alias errstate pieces buffers machine prepared "
    "results bound specialization loops folds planning program observer",
    "show": "timing table restoring comparison listing plain_rows plain_x86_forms plain_x86 "
    "plain_aarch64 plain view why key as_text as_html steps report reports processor status "
    "progress",
    "jit": "options keys outside drawing variants entries cache method sending explaining function "
    "slow",
    "top": "special",
    "compare": "expression competitors contest ceilings errors drawing result plots bench",
    "notebook": "calls cell examples options benching magic",
    "commands": "demo __init__ __main__",
}
# The builder of packs stands beside the line: it sees these, and only lessons see it.
TOOLCHAIN = "headers architecture assembly compiler extract build hatch"
# What readers learn with; it sees everything.
LEARN = "child objects compiling gluing crashes reading running lessons operators __init__"
# Folders whose __init__ has names for users; those of all others are a docstring.
DOORS = {"learn"}
SEEN_BY_TOOLCHAIN = ("", "tables", "pack", "toolchain")

# Imports inside of functions: what only some users pay for.  (module, what it imports)
LAZY = {
    ("__init__", "compare.bench"),
    ("__init__", "learn.operators"),
    ("__init__", "notebook.benching"),  # IPython
    ("__init__", "notebook.magic"),
    ("__init__", "show.status"),
    ("__init__", "special"),
    ("compare.result", "compare.plots"),  # matplotlib
    ("__main__", "demo"),  # the data of the demonstration
    ("run.specialization", "ir.tiling"),  # for joined values only
    ("trace.push", "ir.joins"),
    ("trace.loop_graphs", "ir.tiling"),
    ("ir.simplify", "ir.divisors"),  # divisions of integers
    ("jit.function", "jit.sending"),
    ("jit.function", "show.listing"),
    ("jit.function", "jit.slow"),  # all that traces and compiles
    ("jit.slow", "jit.explaining"),
    ("show.report", "show.as_html"),
    ("show.steps", "show.as_html"),
    # pyelftools and ziglang, which users may not have
    ("learn.compiling", "toolchain.build"),
    ("learn.compiling", "toolchain.compiler"),
    ("learn.compiling", "toolchain.headers"),
    ("learn.compiling", "learn.objects"),
    ("pack.__main__", "toolchain.build"),  # pyelftools and ziglang, which users do not have
    ("toolchain.hatch", "toolchain.build"),  # a build hook is loaded before its requirements
    ("toolchain.hatch", "pack.stencil"),
}
HEAVY = "IPython matplotlib capstone elftools ziglang timeit statistics".split()
# What `import cpnum` loads: decorating functions, and prepared calls, need no more.
AT_IMPORT = {
    "": "errors remembered faces",
    "tables": "isa",
    "ir": "containers signature",
    "trace": "fixed containers arguments",
    "run": "observer",
    "jit": "options keys method function",
}
# Python's modules that it loads with that; the oldest NumPy does not need all of them.
OF_PYTHON = "__future__ copyreg dataclasses encodings.ascii inspect platform struct"


def files():
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path):
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


NAMES = {name_of(path) for path in files()}
FOLDERS = {path.parent.name for path in PACKAGE.rglob("__init__.py")} - {PACKAGE.name}


def listed(table):
    """Return the names of the modules of a table by folders."""
    return [
        f"{folder}.{module}" if folder in FOLDERS else module
        for folder, modules in table.items()
        for module in modules.split()
    ]


ORDER = listed({**LINE, "toolchain": TOOLCHAIN, "learn": LEARN})


def imported(node):
    """Return the modules of cpnum that an import statement names."""
    if isinstance(node, ast.Import):
        names = [each.name for each in node.names]
    else:
        assert node.level == 0, "relative import"
        names = [f"{node.module}.{each.name}" for each in node.names] + [node.module]
    found = set()
    for name in names:
        head, _, rest = name.partition(".")
        if head == "cpnum":
            parts = rest.split(".")
            candidates = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
            known = [each for each in candidates if each in NAMES or each in FOLDERS]
            found.update(known[:1])
    # `from cpnum.run.bound import Bound` names the module; a folder's file is empty.
    return found - FOLDERS


def imports(path):
    """Return (module, module imported, whether in a function, whether for types only)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []

    def visit(node, in_function, for_types):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                found.extend(
                    (name_of(path), each, in_function, for_types) for each in imported(child)
                )
            elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                visit(child, in_function, True)
            elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                visit(child, True, for_types)
            else:
                visit(child, in_function, for_types)

    visit(tree, False, False)
    return found


EDGES = [edge for path in files() for edge in imports(path)]


def test_every_module_stands_in_the_line():
    assert sorted(ORDER) == sorted(NAMES - {f"{folder}.__init__" for folder in FOLDERS - DOORS})


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_a_folder_says_in_one_sentence_what_it_is_for(folder):
    tree = ast.parse((PACKAGE / folder / "__init__.py").read_text(encoding="utf-8"))
    assert len(tree.body) == 1 or folder in DOORS
    assert ast.get_docstring(tree)


def test_imports_are_seen():
    assert len(EDGES) > 60
    assert ("compile.kernel", "compile.schedule", False, False) in EDGES
    assert ("toolchain.extract", "toolchain.assembly", False, False) in EDGES


@pytest.mark.parametrize("module", sorted(NAMES & set(ORDER)))
def test_a_module_imports_only_modules_before_it(module):
    late = {each for name, each in LAZY if name == module}
    imported = {each for name, each, _, _ in EDGES if name == module} - late
    assert [each for each in imported if ORDER.index(each) >= ORDER.index(module)] == []


def test_the_toolchain_sees_tables_and_stencils_only():
    seen = {each for name, each, _, _ in EDGES if name.startswith("toolchain.")}
    assert {each.rpartition(".")[0] for each in seen} <= set(SEEN_BY_TOOLCHAIN)


def test_imports_inside_of_functions_are_the_documented_ones():
    late = {(name, each) for name, each, in_function, _ in EDGES if in_function}
    assert late == LAZY


# What programs do before their first call, and what it loads beside that.
USES = {
    "imported": ("", ""),
    "decorating": (
        """
        @cpnum.cpjit(fallback="numpy", fastmath=True)
        def f(x, *, n=2):
            return x * n
        assert repr(f) == "<cpjit f: 0 signatures>" and f.signatures == [] and f.compiled == 0
        class Class:
            method = cpnum.cpjit(lambda self, x: x)
        Class().method
        """,
        "",
    ),
    "sending": (
        """
        re.f = cpnum.cpjit(re.escape)
        re.f.__qualname__ = "f"
        assert pickle.loads(pickle.dumps(re.f)) is re.f
        """,
        "jit.sending",
    ),
}


@pytest.mark.parametrize("use", USES)
def test_nothing_that_traces_or_compiles_is_loaded_before_the_first_call(use):
    code, others = USES[use]
    program = f"""
import numpy, pickle, re, sys, {", ".join(OF_PYTHON.split())}
before = {{*sys.modules}}
import cpnum
{textwrap.dedent(code)}
print(*({{*sys.modules}} - before))
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {each.removeprefix("cpnum.") for each in done.stdout.split()} - FOLDERS
    assert loaded == {*listed(AT_IMPORT), "cpnum", *others.split()}


def test_a_first_call_loads_nothing_that_only_some_users_need():
    code = (
        "import sys, numpy, cpnum; cpnum.cpjit(numpy.sqrt)(numpy.ones(3));"
        f"print([each for each in {HEAVY} if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_path_of_this_machine_is_in_the_package():
    home = str(Path.home())
    for path in files():
        text = path.read_text(encoding="utf-8")
        assert home not in text
        assert str(PACKAGE.parent) not in text
