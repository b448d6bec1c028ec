"""Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

_PATH = shutil.which("chromium") or "/usr/bin/chromium"
_FLAGS = [
    # Root may not use the sandbox, and a container may have no user namespaces.
    "--no-sandbox",
    "--disable-gpu",
    # It asks nobody but the page's server.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_PATH, args=_FLAGS)
        try:
            yield browser
        finally:
            browser.close()
