"""No kernel touches a byte beside its arrays, at any length, stride and dtype.

The arrays end, or begin, exactly at a page that may not be read or written.  They are in a process
of its own, since a fault would end the tests: see `guarded.py`.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import guarded
import pytest

PROGRAM = Path(guarded.__file__)


def run_guarded(level, case):
    command = [sys.executable, str(PROGRAM), level, case]
    # The program finds cpnum where these tests found it.
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.mark.parametrize("case", [name for name in guarded.CASES if name != "fault"])
def test_arrays_beside_a_guard_page(case, level):
    finished = run_guarded(level, case)
    lines = finished.stdout.splitlines() or ["the start"]
    if finished.returncode < 0:
        name = signal.Signals(-finished.returncode).name
        pytest.fail(f"{name} after: {lines[-1]}")
    assert finished.returncode == 0, f"after: {lines[-1]}\n{finished.stderr[-2000:]}"
    assert lines[-1] == "done"
    assert len(lines) > 1


def test_the_guard_page_guards(level):
    finished = run_guarded(level, "fault")
    assert -finished.returncode in (signal.SIGSEGV, signal.SIGBUS)
    assert finished.stdout.splitlines() == [f"fault {level}"]


def test_the_canary_sees_a_write():
    memory = guarded.Guarded(100)
    for end in (False, True):
        array = memory.place((3, 4), (-7, 1), guarded.F32, end)
        array[...] = 1.0
        assert not memory.written_beside(array)
        beside = memory.place((3, 5), (-7, 1), guarded.F32, end)
        beside[...] = 1.0
        assert memory.written_beside(beside[:, 1:])
