"""The wheel, the packs in it, and what an import costs."""

import filecmp
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import pythons

from cpnum.pack.stencil import PACKS, load
from cpnum.tables.isa import LEVELS
from cpnum.tables.stencils import UNITS, expected
from cpnum.toolchain.build import digest

ROOT = Path(__file__).parents[1]
STENCILS = ROOT / "stencils"
PACK_FILES = [f"cpnum/packs/{name}.pack" for name in LEVELS]


def run(*arguments, cwd, **environment):
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def checkout(folder):
    """Copy what a clone has, with the packs of the package under test."""
    made = "__pycache__ .git .venv* .*_cache .hypothesis .ipynb_checkpoints dist packs".split()
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*made))
    shutil.copytree(PACKS, folder / "cpnum" / "packs")
    return folder


def built(target, folder):
    """Build a checkout as pip does, but with the build requirements of this environment."""
    output = folder / "dist"
    run("-m", "hatchling", "build", "--target", target, "--directory", output, cwd=folder)
    (path,) = output.iterdir()
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built("wheel", checkout(tmp_path_factory.mktemp("one") / "checkout"))


def test_the_wheel_has_all_packs_and_serves_every_python(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")
    assert wheel.stat().st_size <= 5_000_000
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        for name in PACK_FILES:
            assert archive.read(name) == Path(PACKS, Path(name).name).read_bytes()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"cpnum"}


def test_the_wheel_tells_type_checkers_and_readers_what_it_is(wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("cpnum/py.typed") == b""
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        text = archive.read(metadata).decode()
    assert text.endswith((ROOT / "README.md").read_text(encoding="utf-8"))
    assert "\nDescription-Content-Type: text/markdown\n" in text


def test_the_wheel_has_the_licence(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (licence,) = (name for name in archive.namelist() if name.endswith("/licenses/LICENSE"))
        assert archive.read(licence) == (ROOT / "LICENSE").read_bytes()
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    assert "License-Expression: BSD-3-Clause" in lines
    assert "License-File: LICENSE" in lines


def test_two_builds_give_the_same_bytes(wheel, tmp_path):
    """The second one is in another folder and has to build a pack that the first one found."""
    other = checkout(tmp_path / "elsewhere")
    missing = other / "cpnum" / "packs" / "x86-64-v3.pack"
    missing.unlink()
    again = built("wheel", other)
    assert filecmp.cmp(missing, Path(PACKS, missing.name), shallow=False)
    assert filecmp.cmp(again, wheel, shallow=False)


def test_the_wheel_works_from_any_folder(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    program = "import cpnum; print(cpnum.__file__); print(cpnum.cpjit(lambda x: x * x + 1)(3.0))"
    place, result = run("-c", program, cwd=tmp_path, PYTHONPATH=str(tmp_path / "installed")).split()
    assert Path(place) == tmp_path / "installed" / "cpnum" / "__init__.py"
    assert float(result) == 10.0


def test_the_wheel_brings_the_headers_with_which_stencils_are_made_of_c(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith("cpnum/stencils/")}
        archive.extractall(tmp_path / "installed")
    headers = {path.relative_to(STENCILS).as_posix() for path in STENCILS.rglob("*.h")}
    assert names == {f"cpnum/stencils/{each}" for each in headers}
    program = (
        "from cpnum import learn; from cpnum.pack.stencil import load; "
        "made = learn.stencil('OP(exp, T_T, F64(MATH(exp, a)))', 'exp_f64', 'x86-64-v3'); "
        "print(made.code == load('x86-64-v3')['exp_f64'].code)"
    )
    result = run("-c", program, cwd=tmp_path, PYTHONPATH=str(tmp_path / "installed"))
    assert result == "True\n"


def test_the_source_distribution_has_the_stencils_and_no_pack(tmp_path):
    with tarfile.open(built("sdist", checkout(tmp_path / "checkout"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {path.relative_to(ROOT).as_posix() for path in STENCILS.rglob("*.[ch]")}
    assert sources <= names
    assert {name for name in names if name.endswith(".pack")} == set()


@pytest.mark.parametrize("name", LEVELS)
def test_a_pack_is_current_with_the_sources(name):
    assert load(name).digest == digest(STENCILS)


@pytest.mark.parametrize("name", LEVELS)
def test_the_index_of_a_pack_is_complete(name):
    wanted = {stencil.name for unit in UNITS for stencil in expected(*unit).values()}
    pack = load(name)
    assert set(pack) == wanted
    assert {pack[each].name for each in pack} == wanted


def test_clang_has_one_pin():
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    clang = [each for each in project["build-system"]["requires"] if each.startswith("ziglang==")]
    assert len(clang) == 1
    extras = project["project"]["optional-dependencies"]
    assert clang[0] in extras["test"]
    assert set(extras["learn"]) <= set(extras["test"])


def test_an_import_loads_nothing_that_only_listings_notebooks_or_builds_need():
    loaded = run("-c", "import sys, cpnum; print(*sys.modules)", cwd=Path(PACKS).parents[1]).split()
    assert "cpnum.jit" in loaded
    heavy = {"IPython", "matplotlib", "capstone", "elftools", "ziglang", "pycparser", "hatchling"}
    assert heavy & {name.partition(".")[0] for name in loaded} == set()


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not on this machine")
def test_a_python_that_is_too_old_is_named(tmp_path):
    folder = checkout(tmp_path / "checkout")
    command = ["make", "demo", "PYTHON=false"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "cpnum needs Python 3.11 or newer, and false is not" in done.stdout


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["3.11", "3.12", "3.13"], [("3.12", "oldest"), ("3.13", "newest")]),
        (["3.11", "3.13"], [("3.13", "oldest")]),
        (["3.11"], [("3.11", "oldest")]),
    ],
)
def test_one_python_has_the_oldest_numpy(found, expected):
    requirements = {"oldest": "numpy==2.3.*", "newest": "numpy"}
    wanted = [(version, requirements[numpy]) for version, numpy in expected]
    assert pythons.plan(found, own="3.11") == wanted


def test_files_that_other_pythons_leave_out_are_there():
    folder = Path(pythons.__file__).parent
    for pattern in pythons.patterns(pythons.MACHINE_CODE + pythons.NUMBERS):
        assert list(folder.glob(pattern)), pattern
