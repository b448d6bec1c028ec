"""Runs the tests with the wheel on the other CPythons of this machine, for `make test`.

    python tests/pythons.py            on all that are found
    python tests/pythons.py 3.13       on one

The lowest of them has the oldest NumPy that cpnum supports, the others have the newest.  Where
there is no other Python, the one that runs this has the oldest, in an environment of its own.

What depends on neither Python nor NumPy is tested once, in .venv.
"""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
OWN = "{}.{}".format(*sys.version_info)

# Test files whose subject is the same on every Python: machine code, packs, compilers, lessons.
MACHINE_CODE = """
    accuracy arena benchmarks cpbench demo elementary guard_pages headers learn_* levels listing
    memfd memory memory_modes notebooks pack packaging plain plots register_pressure simplify
    stencils timing toolchain verify"""
# Those that compare with a NumPy; the Python that runs this has tested the newest one.
NUMBERS = """
    division fastmath floating_point_errors functions fuzz fuzz_statements joining layouts
    mixed_dtypes operators out programs result_dtypes scaling trace_movement trace_operators
    trace_powers views_inside warnings"""

# What a command says about itself: version and implementation, if it is a release and can make a
# virtual environment.
_QUESTION = """
import ensurepip, json, sys
kind, level = sys.implementation.name, sys.version_info.releaselevel
print(json.dumps(["%d.%d" % sys.version_info[:2], kind, level]))
"""


def patterns(names):
    """Return the patterns of test files."""
    return [f"test_{name}.py" for name in names.split()]


def oldest_numpy():
    """Return the requirement of the oldest NumPy: its first release, with all of its fixes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (version,) = (
        each.removeprefix("numpy>=")
        for each in project["dependencies"]
        if each.startswith("numpy>=")
    )
    return f"numpy=={version}.*"


def command_of(version):
    """Return the command of a CPython, None if it is not on this machine."""
    # A command pythonX.Y may be a shim of pyenv that leads nowhere, so each is tried by running it.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for command in (f"python{version}", *pyenv.glob(f"versions/{version}.*/bin/python")):
        try:
            asked = subprocess.run([command, "-c", _QUESTION], capture_output=True, check=False)
        except FileNotFoundError:
            continue
        if asked.returncode == 0 and json.loads(asked.stdout) == [version, "cpython", "final"]:
            return command
    return None


def plan(found, own=OWN):
    """Return (version, requirement of NumPy) for the Pythons to test, of those that were found."""
    others = [version for version in found if version != own] or [own]
    return [(others[0], oldest_numpy()), *((version, "numpy") for version in others[1:])]


def run(*command, **environment):
    print("+", *command, flush=True)
    subprocess.run(list(map(str, command)), check=True, cwd=ROOT, env=os.environ | environment)


def check_on(version, command, numpy):
    """Install the wheel into a virtual environment of its own, and run the tests there."""
    folder = ROOT / f".venv-{version}"
    python = folder / "bin" / "python"
    (wheel,) = (ROOT / "dist").glob("*.whl")
    run(command, "-m", "venv", folder)
    run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "cpnum")
    # --upgrade: an environment that is there already may have another NumPy.
    # --no-compile: most of what is installed is never imported.
    run(python, "-m", "pip", "install", "--upgrade", "--no-compile", f"{wheel}[test]", numpy)
    # It lets tests import each other as tests.*; it comes after the wheel's cpnum.
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "checkout.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    same = MACHINE_CODE + (NUMBERS if numpy == "numpy" else "")
    left_out = [f"--ignore-glob=*/{pattern}" for pattern in patterns(same)]
    pytest = folder / "bin" / "pytest"
    run(pytest, "--pyargs", "cpnum", "tests", *left_out, CPNUM_TEST="short")


def main(wanted):
    found = {version: command_of(version) for version in VERSIONS} | {OWN: sys.executable}
    for version in VERSIONS:
        if found[version] is None:
            print(f"CPython {version}: not on this machine, not tested")
    for version, numpy in plan([each for each in VERSIONS if found[each] is not None]):
        if not wanted or version in wanted:
            print(f"CPython {version} with {numpy}")
            check_on(version, found[version], numpy)


if __name__ == "__main__":
    main(sys.argv[1:])
