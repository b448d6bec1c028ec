"""One browser and one server, and each notebook run once: for all tests of this folder."""

from __future__ import annotations

import pytest

from .chromium import chromium
from .places import HOSTS, LABS, WIDTHS, Shows

_SAID = pytest.StashKey()


@pytest.fixture(scope="session")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def shows(browser, tmp_path_factory):
    with Shows(browser, tmp_path_factory.mktemp("shows")) as everything:
        yield everything


@pytest.fixture(scope="session", params=[*LABS, *HOSTS])
def place(request, shows):
    """Return reports in each host."""
    shown = shows.place(request.param)
    yield shown
    shown.leave()


@pytest.fixture
def say(request):
    """Return a function that tells something in the summary at the end."""
    return lambda *words: request.config.stash[_SAID].append(words)


def pytest_configure(config):
    config.stash[_SAID] = []


def pytest_terminal_summary(terminalreporter, config):
    for name, what in config.stash[_SAID]:
        terminalreporter.write_line(f"{name}: {what}")


@pytest.fixture(params=WIDTHS, ids=lambda width: f"{width}px")
def width(request):
    return request.param
