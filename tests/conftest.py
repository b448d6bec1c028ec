"""Fixtures of all tests."""

import cases
import pytest


@pytest.fixture(params=cases.HERE)
def level(request):
    """Each ISA level that this processor runs."""
    return request.param
