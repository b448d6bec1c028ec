"""Fixtures of all tests.

With CPNUM_TEST=aarch64, kernels of that level run in an emulator: `make test-aarch64`.
"""

import os
import tempfile
from pathlib import Path

if os.environ.get("CPNUM_TEST") == "aarch64":
    import aarch64

    # Before anything asks which levels run here; the C library that it builds takes a minute.
    aarch64.install(Path(tempfile.gettempdir()) / f"cpnum-aarch64-{os.getuid()}")

import cases
import pytest


@pytest.fixture(params=cases.HERE)
def level(request):
    """Each ISA level that this processor runs."""
    return request.param
