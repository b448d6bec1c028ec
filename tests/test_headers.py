"""The headers that the pack builder writes from the tables, and the sources that include them."""

import re
from pathlib import Path

import numpy as np
import pytest

from cpnum.tables import stencils
from cpnum.tables.dtypes import DTYPES, DType
from cpnum.tables.isa import LEVELS
from cpnum.tables.ops import OPS
from cpnum.toolchain import assembly, build, compiler, headers

SOURCES = Path(__file__).parents[1] / "stencils"


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("headers")
    headers.write(folder)
    return folder


SMALL = DType("i16", np.dtype("int16"), "I", 2, "short")


def test_every_dtype_has_a_type_of_its_size_in_c(work):
    source = work / "sizes.c"
    source.write_text(
        f'#include "{SOURCES}/vector.h"\n'
        "#define CHECK(T, element, bytes, family) _Static_assert(sizeof(element) == bytes, #T);\n"
        "DTYPES(CHECK)\n",
        encoding="utf-8",
    )
    for isa in LEVELS.values():
        for lane in stencils.LANES:
            compiler.compile_c(source, isa, lane, work)


def test_a_header_has_a_row_for_each_dtype_and_for_each_two():
    text = headers.dtypes()
    for dtype in DTYPES:
        assert f"#define DTYPE_{dtype}(M, ...) M({dtype}, {dtype.c}, {dtype.itemsize}, " in text
        assert text.count(f"    DTYPE_{dtype}(M, ##__VA_ARGS__)") == 1
        for to in DTYPES:
            pair = re.search(rf"M\({dtype}, \d, [A-Z]+, {to}, \d, [A-Z]+\)", text)
            assert bool(pair) == (to is not dtype), (dtype, to)


@pytest.mark.parametrize("source", ["cast", "memory"])
@pytest.mark.parametrize("name", LEVELS)
def test_one_row_is_all_that_casts_loads_and_stores_need_of_a_dtype(
    name, source, tmp_path, monkeypatch
):
    for module in (headers, stencils):
        monkeypatch.setattr(module, "DTYPES", (*DTYPES, SMALL))
    headers.write(tmp_path)
    for lane in (8, 4):
        text = compiler.compile_c(SOURCES / f"{source}.c", LEVELS[name], lane, tmp_path)
        functions, _ = assembly.split(assembly.name_constants(text), LEVELS[name])
        build._compare(source, lane, set(functions))
        assert any("i16" in function for function in functions)


def test_each_elementary_function_is_included_from_the_file_of_its_name():
    included = re.findall(r'#include "(.*)"', headers.elementary())
    assert all((SOURCES / each).is_file() for each in included)
    assert {f"math/{op.function}.h" for op in OPS.values() if op.ulp > 0.5} == set(included)


def test_no_line_of_c_is_wider_than_those_of_python():
    for path in SOURCES.rglob("*.[ch]"):
        for at, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert len(line) <= 100, f"{path.name}:{at}"
