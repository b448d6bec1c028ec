"""The command line: the demonstration on real airports, and the status."""

import importlib.util
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from cpnum import demo, status
from cpnum.command import run
from cpnum.run import memory
from cpnum.tables import isa

runs = pytest.mark.skipif(
    isa.host() is None or memory.mode()[0] == "none", reason="machine code cannot run here"
)


def command(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "cpnum", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def number(pattern, text):
    return float(re.search(pattern, text)[1].replace(",", ""))


# -- the demonstration --------------------------------------------------------------------------


def test_airports_are_read():
    names, latitude, longitude = demo.airports()
    assert len(names) == len(latitude) == len(longitude) == 3376
    assert names[0] == "Thigpen (00M), Bay Springs MS"
    assert np.degrees([latitude[0], longitude[0]]) == pytest.approx([31.95376472, -89.23450472])


def test_distances_are_those_of_other_formulas():
    names, latitude, longitude = demo.airports()
    codes = [re.search(r"\((\w+)\)", name)[1] for name in names]
    some = [codes.index(code) for code in ("JFK", "SFO", "HNL", "ANC")]
    km = demo.haversine(*np.ix_(latitude[some])[:1], 0.0, 0.0, 0.0).ravel()
    assert km == pytest.approx(np.abs(latitude[some]) * demo.RADIUS)
    lat1, lat2 = latitude[some][:, None], latitude[some]
    lon1, lon2 = longitude[some][:, None], longitude[some]
    # The spherical law of cosines; and what is told of JFK to SFO: 4,152 km.
    cosine = np.sin(lat1) * np.sin(lat2) + np.cos(lat1) * np.cos(lat2) * np.cos(lon1 - lon2)
    km = demo.haversine(lat1, lon1, lat2, lon2)
    assert km == pytest.approx(demo.RADIUS * np.arccos(np.minimum(cosine, 1)), abs=1e-3)
    assert km[0, 1] == pytest.approx(4152, abs=10)


@runs
def test_demo_prints_stages_times_and_the_answer():
    done = command("demo")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    text = done.stdout
    assert "All pairs of 3,376 airports: 11,397,376 great-circle distances" in text
    assert "haversine(lat1: f64[:, 1], lon1: f64[:, 1], lat2: f64[:], lon2: f64[:])" in text
    assert re.search(r"^  0x[0-9a-f]{4}  r\d+ = sin_f64 r", text, re.M)
    assert re.search(r"the first call, .*: [0-9.]+ (µs|ms) \(trace .*, place .*\)", text)
    assert re.search(r"^cpnum [0-9.]+ (ms|s) ± [0-9.]+$", text, re.M)
    assert re.search(r"^NumPy [0-9.]+ (ms|s) ± [0-9.]+$", text, re.M)
    ulps = number(r"at most ([0-9]+) ULP from the result of NumPy", text)
    assert 1 <= ulps <= 100

    names, latitude, longitude = demo.airports()
    half = np.sin((latitude - latitude[:, None]) / 2) ** 2
    cosines = np.cos(latitude) * np.cos(latitude)[:, None]
    half += cosines * np.sin((longitude - longitude[:, None]) / 2) ** 2
    farthest = np.unravel_index(np.argmax(half), half.shape)
    np.fill_diagonal(half, np.inf)
    remote = int(np.argmax(half.min(axis=1)))
    answer = text[text.index("The two airports farthest apart") :]
    apart, alone = answer.split("The most remote airport")
    for at in farthest:
        assert names[at] in apart
    distance = 2 * demo.RADIUS * np.arcsin(np.sqrt(half[farthest]))
    assert number(r"([0-9,]+) km", apart) == round(distance)
    assert names[remote] in alone.partition(" km ")[0]
    nearest = 2 * demo.RADIUS * np.arcsin(np.sqrt(half[remote].min()))
    assert number(r"([0-9,]+) km", alone) == round(nearest)


def test_demo_without_its_data_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert run(demo.main) == 1
    seen = capsys.readouterr()
    assert seen.out == ""
    assert 'pip install "cpnum[demo]"' in seen.err


@pytest.mark.parametrize(
    "level", ["x86-64-v9", "aarch64" if isa.host() is not isa.A64 else "x86-64-v3"]
)
def test_demo_on_a_level_that_is_not_here_says_so(level):
    done = command("demo", CPNUM_ISA=level)
    assert done.returncode == 1
    assert level in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_of_a_command_names_no_line():
    done = command("demo", CPNUM_ISA="aarch64" if isa.host() is not isa.A64 else "x86-64-v3")
    assert ", line " not in done.stderr


@runs
def test_demo_in_a_terminal_of_ascii_is_whole():
    done = command("demo", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Time of a call (median ? IQR/2)" in done.stdout
    assert done.stdout.endswith("\n") and "The most remote airport" in done.stdout


@pytest.mark.parametrize("words", ["cpnum demo", "cpnum status", "cpnum.pack show add_f64"])
def test_a_reader_that_has_seen_enough_ends_a_command_quietly(words):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", *words.split()], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_unknown_command_is_refused():
    done = command("dance")
    assert done.returncode == 2
    assert "demo" in done.stderr


# -- the status ---------------------------------------------------------------------------------


def test_status_says_what_runs_here():
    seen = status()
    assert str(seen) == repr(seen)
    assert seen.memory.startswith(f"{memory.mode()[0]}: ")
    assert f"NumPy {np.__version__}" in seen.versions
    for part in ("processor", "ISA level", "pack", "memory", "active", "versions"):
        assert re.search(f"^{part} +.", str(seen), re.M)


@runs
def test_status_of_machine_code():
    text = command("status", CPNUM_ISA="").stdout
    assert f"ISA level  {isa.host()}, the highest that this processor has\n" in text
    assert re.search(rf"pack +{isa.host()}\.pack, [0-9]+ stencils, digest [0-9a-f]+, in ", text)
    assert "active     machine code: " in text


@pytest.mark.parametrize(
    ("environment", "lines"),
    [
        (
            {"CPNUM_ISA": "x86-64-v9"},
            [
                "ISA level  CPNUM_ISA=x86-64-v9",
                "active     nothing: calls raise IsaError: unknown ISA level x86-64-v9",
            ],
        ),
        ({"CPNUM_MEMORY": "none"}, ["memory     none: CPNUM_MEMORY=none"]),
    ],
    ids=["an unknown level", "no executable memory"],
)
def test_status_says_why_there_is_no_machine_code(environment, lines):
    text = command("status", **environment).stdout
    for line in lines:
        assert f"{line}\n" in text
    assert "active     machine code" not in text


@runs
def test_status_says_that_a_level_is_forced():
    absent = "aarch64" if isa.host() is not isa.A64 else "x86-64-v3"
    text = command("status", CPNUM_ISA=str(isa.host())).stdout
    assert f"{isa.host()}, chosen by CPNUM_ISA (the highest here: {isa.host()})" in text
    text = command("status", CPNUM_ISA=absent).stdout
    assert f"active     nothing: calls raise IsaError: this processor has no {absent}\n" in text
