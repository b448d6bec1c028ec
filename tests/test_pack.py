"""`python -m cpnum.pack`: what it prints and builds, and packs that are damaged or missing."""

import re
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from cpnum import status
from cpnum.errors import IsaError
from cpnum.pack.__main__ import main
from cpnum.pack.stencil import PACKS, Pack, load
from cpnum.tables.isa import A64, LEVELS, V3
from cpnum.toolchain import build

SOURCES = Path(__file__).parents[1] / "stencils"


@pytest.mark.parametrize("name", LEVELS)
def test_list_prints_a_row_for_each_stencil(name, capsys):
    assert main(["list", "--isa", name]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == "stencil bytes in out temp constants holes".split()
    pack = load(LEVELS[name])
    assert [row.split()[0] for row in rows] == list(pack)
    for row in rows:
        stencil, size, operands, result, temporaries, constants, *holes = row.split()
        each = pack[stencil]
        assert (int(size), int(operands)) == (each.size, each.operands)
        assert result == ("tied" if each.tied else str(each.results))
        assert int(temporaries) == each.temporaries
        assert int(constants) == sum(value.constant is not None for value in each.values)
        assert ("POINTER" in holes) == (each.pointer is not None)


def test_show_prints_the_instructions_and_the_holes(capsys):
    assert main(["show", "add_f64", "--isa", "x86-64-v4"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "add_f64: 6 bytes, x86-64-v4",
        "code     [ ] a patched value, ( ) bits of register numbers",
        "  0x0000  62 (f1 fd 48) 58 (d1)  vaddpd zmm2, zmm0, zmm1",
        "holes    bits of the code, counted from the first byte's lowest",
        "  input, here register 0: [19] [20] [21] [22] [27]",
        "  input, here register 1: [40] [41] [42] [13] [14]",
        "  result, here register 2: [43] [44] [45] [15] [12]",
    ]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("name", ["load_f64", "sin_f64", "entry"])
def test_show_has_every_byte_and_every_instruction(name, level, capsys):
    assert main(["show", name, "--isa", level]) == 0
    out = capsys.readouterr().out
    stencil = load(LEVELS[level])[name]
    pointer = next(iter(stencil.pointer), None) if stencil.pointer else None
    code = stencil.patch(tuple(range(len(stencil.registers))), pointer)
    lines = re.findall(r"^  0x([0-9a-f]{4})  (.*?)(?:  .*)?$", out, re.M)
    offset = 0
    for at, digits in lines:
        assert int(at, 16) == offset
        data = bytes.fromhex(re.sub(r"\[[A-Z_]+ |[\[\]()]", "", digits))
        assert data == code.to_bytes(stencil.size, "little")[offset:][: len(data)]
        offset += len(data)
    assert offset == stencil.size
    assert ".byte" not in out


def test_show_prints_constants_and_pointers(capsys):
    assert main(["show", "negative_f64", "--isa", "x86-64-v3"]) == 0
    assert "CONSTANT: 40+32 = 0000000000000080" in capsys.readouterr().out
    assert main(["show", "load_f64", "--isa", "aarch64"]) == 0
    assert f"pointer: one of {len(A64.pointers)} general registers" in capsys.readouterr().out


def test_show_of_what_is_not_there_is_an_error(capsys):
    assert main(["show", "nothing_f64", "--isa", "x86-64-v3"]) == 1
    assert "nothing_f64" in capsys.readouterr().err


def test_a_build_without_sources_says_where_they_are(tmp_path, capsys):
    assert main(["build", "--sources", str(tmp_path), "--output", str(tmp_path / "packs")]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "there are no stencils to build packs from",
        f"  seen: no C file in {tmp_path}",
        "  write --sources FOLDER, the `stencils` of a source checkout",
    ]


def test_a_build_without_its_tools_says_what_to_install(tmp_path, capsys, monkeypatch):
    def version(name):
        raise PackageNotFoundError(name)

    command = ["build", "--sources", str(SOURCES), "--output", str(tmp_path)]
    monkeypatch.setattr(build, "version", version)
    assert main(command) == 1
    monkeypatch.setitem(sys.modules, "cpnum.toolchain.build", None)  # as if it found no elftools
    assert main(command) == 1
    seen = capsys.readouterr().err.splitlines()
    assert [seen[0], seen[2]] * 2 == [seen[at] for at in (0, 2, 3, 5)]
    assert seen[0] == "a tool that packs are built with is not installed"
    assert seen[1] == "  seen: No package metadata was found for ziglang"
    assert seen[2] == '  write pip install ".[test]", in a source checkout'
    assert seen[4].startswith("  seen: import of cpnum.toolchain.build halted")


def test_a_build_that_cannot_write_says_where(tmp_path, capsys):
    (tmp_path / "file").touch()
    output = str(tmp_path / "file" / "packs")
    assert main(["build", "--sources", str(SOURCES), "--output", output]) == 1
    failed, seen = capsys.readouterr().err.splitlines()
    assert failed == "the packs cannot be built"
    assert seen == f"  seen: [Errno 20] Not a directory: '{output}'"


@pytest.fixture(params=["empty", "half an index", "half of the stencils", "one byte too few"])
def damaged(request, tmp_path, monkeypatch):
    """Give a folder of packs, that of x86-64-v3 damaged, as the package's own."""
    whole = Path(PACKS, "x86-64-v3.pack").read_bytes()
    sizes = {
        "empty": 0,
        "half an index": whole.index(b"\n") // 2,
        "half of the stencils": len(whole) // 2,
        "one byte too few": len(whole) - 1,
    }
    path = tmp_path / "x86-64-v3.pack"
    path.write_bytes(whole[: sizes[request.param]])
    monkeypatch.setattr("cpnum.pack.stencil.PACKS", tmp_path)
    monkeypatch.setenv("CPNUM_ISA", "x86-64-v3")
    monkeypatch.setattr("cpnum.tables.isa.runs_here", lambda isa: True)
    load.cache_clear()
    yield path
    load.cache_clear()


def test_a_damaged_pack_is_an_error_that_says_what_to_do(damaged, capsys):
    assert main(["list", "--isa", "x86-64-v3"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "the stencil pack x86-64-v3.pack is not whole",
        f"  seen: {damaged.stat().st_size} bytes in {damaged}",
        "  write python -m cpnum.pack build, in a source checkout; or install a wheel",
    ]
    seen = status()
    assert (seen.pack, seen.active) == ("none", "nothing")
    assert "not whole" in seen.why


def test_a_damaged_pack_is_not_current(damaged):
    assert not build.is_current(damaged, Pack(Path(PACKS, damaged.name)).digest)


def test_a_pack_that_is_missing_is_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("cpnum.pack.stencil.PACKS", tmp_path)
    load.cache_clear()
    try:
        with pytest.raises(IsaError) as caught:
            load(V3)
    finally:
        load.cache_clear()
    assert str(caught.value) == (
        "no stencil pack for x86-64-v3\n"
        "  seen: no file x86-64-v3.pack beside the package\n"
        "  write python -m cpnum.pack build, in a source checkout; or install a wheel"
    )
