"""The modules stand in one line, and each imports only modules that stand before it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cpnum

PACKAGE = Path(cpnum.__file__).parent

# The straight line, from what needs nothing to what needs all.  Modules of one row of the design
# (DESIGN.md, section 2) that were split stand beside each other.
ORDER = """
    errors command dtypes isa ops stencil
    movement ir site recording resolve traced operations weak tracer
    operators functions parameters trace
    reference evaluate rules simplify schedule steps frame select assign emit memory run kernel
    specialization timing table listing report keys method jit special status magic demo
    __init__ __main__
""".split()
PACK_ORDER = "__init__ catalog headers assembly compiler extract build hatch __main__".split()

# Imports inside of functions: what only some users pay for.  (module, what it imports)
LAZY = {
    ("__init__", "magic"),  # IPython
    ("__init__", "special"),
    ("__main__", "demo"),  # the data of the demonstration
    ("jit", "listing"),
    ("jit", "report"),
    ("pack.__main__", "pack.build"),  # pyelftools and ziglang, which users do not have
    ("pack.hatch", "pack.build"),  # the same: a build hook is loaded before its requirements
    ("pack.hatch", "stencil"),
}
HEAVY = "IPython matplotlib capstone elftools ziglang timeit statistics".split()
# Executable memory needs it, so the first call does.
AT_FIRST_CALL = ["cffi", "pycparser"]


def files():
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path):
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


NAMES = {name_of(path) for path in files()}


def place(name):
    """Return the place of a module in the line; `pack` is built on what stands up to `stencil`."""
    if name.startswith("pack."):
        return ORDER.index("stencil"), 1 + PACK_ORDER.index(name.removeprefix("pack."))
    return ORDER.index(name), 0


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
            known = [each for each in candidates if each in NAMES or each == "pack"]
            found.update(known[:1])
    # `from cpnum.run import Plan` names the module `run`; the package `pack` itself is empty.
    return found - {"pack"}


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
    modules = {name for name in NAMES if not name.startswith("pack.")}
    assert sorted(ORDER) == sorted(modules)
    pack = {name.removeprefix("pack.") for name in NAMES if name.startswith("pack.")}
    assert sorted(PACK_ORDER) == sorted(pack)


def test_the_code_map_has_every_module():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    table = readme.partition("| module | what it is |")[2].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if row]
    assert {"`__init__`", *" ".join(cells).split()} >= {f"`{name}`" for name in ORDER}


def test_imports_are_seen():
    assert len(EDGES) > 60
    assert ("kernel", "schedule", False, False) in EDGES
    assert ("pack.extract", "pack.assembly", False, False) in EDGES


@pytest.mark.parametrize("module", sorted(NAMES))
def test_a_module_imports_only_modules_before_it(module):
    wrong = [each for name, each, _, _ in EDGES if name == module and place(each) >= place(module)]
    assert wrong == []


def test_imports_inside_of_functions_are_the_documented_ones():
    late = {(name, each) for name, each, in_function, _ in EDGES if in_function}
    assert late == LAZY


def test_importing_cpnum_loads_nothing_that_only_some_users_need():
    names = HEAVY + AT_FIRST_CALL
    code = f"import sys, cpnum; print([each for each in {names} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


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
