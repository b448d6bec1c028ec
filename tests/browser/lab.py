"""A JupyterLab server, and a page of a browser with a notebook in it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from playwright.sync_api import Page

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

_SETTINGS = {
    # All cells are in the page, not only those that are in view.
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
# Seconds: for the start of the server, and for all cells of a notebook.
_START, _RUN = 60, 240


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Lab:
    """A server: notebooks are written to `files`, and opened at `address`."""

    def __init__(self, files: Path, address: str) -> None:
        self.files = files
        self.address = address

    def open(self, page: Page, name: str) -> OpenNotebook:
        """Show a notebook of `files` by itself."""
        page.goto(f"{self.address}/doc/tree/{name}")
        page.wait_for_function(_READY, arg=name, timeout=_START * 1000)
        page.evaluate(_ALONE)
        return OpenNotebook(page)


class OpenNotebook:
    """A notebook in a page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def run_all(self) -> None:
        """Run all cells, and wait until the last one is done."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        self.page.wait_for_function(_DONE, timeout=_RUN * 1000)

    def save(self) -> None:
        """Write the notebook with its outputs."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def choose_theme(self, theme: str) -> None:
        """Change to "light" or "dark"."""
        self.page.evaluate(
            "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})",
            THEMES[theme],
        )
        # The page is styled anew when the theme's style sheet has come.
        self.page.wait_for_function(_THEMED, arg=theme)


@contextmanager
def served(folder: Path) -> Iterator[Lab]:
    """Run JupyterLab with settings, runtime files and notebooks in `folder`."""
    files = folder / "files"
    files.mkdir(parents=True)
    settings = folder / "config" / "lab" / "user-settings"
    for name, values in _SETTINGS.items():
        path = settings / f"{name.replace(':', '/')}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    port = _free_port()
    environment = {**jupyter(folder), "JUPYTERLAB_SETTINGS_DIR": str(settings)}
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *("--IdentityProvider.token=", "--ServerApp.password="),
        *(f"--ServerApp.root_dir={files}", "--LabApp.expose_app_in_browser=True"),
        *("--LabApp.news_url=None", "--LabApp.extension_manager=readonly"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    log = folder / "lab.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=files, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_up(server, address, log)
            yield Lab(files, address)
        finally:
            _end(server)


def executed(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """Run all cells without a browser; what is tagged as an error may be one."""
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute"]
    run = subprocess.run(
        [*command, "--stdin", "--stdout"],
        input=nbformat.writes(notebook),
        env=jupyter(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(f"the notebook failed:\n{run.stderr}")
    return nbformat.reads(run.stdout, as_version=4)


def jupyter(folder: Path) -> dict[str, str]:
    """Return an environment in which Jupyter reads and writes below `folder` alone."""
    own = {
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
        "IPYTHONDIR": folder / "ipython",
    }
    # Whatever else is installed under that name, python3 is this interpreter.
    kernel = folder / "data" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
    kernel.write_text(json.dumps(spec))
    return {**os.environ, **{name: str(path) for name, path in own.items()}}


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()  # it ends its kernels
    try:
        server.wait(timeout=30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _wait_until_up(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.monotonic() + _START
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/api", timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}")


_READY = """name => {
    const widget = window.jupyterapp?.shell?.currentWidget;
    if (widget?.context?.path !== name || !widget.context.isReady) return false;
    const session = widget.sessionContext;
    return session.isReady && session.session?.kernel?.status === 'idle';
}"""

_ALONE = """() => {
    const shell = window.jupyterapp.shell;
    shell.collapseLeft();
    shell.collapseRight();
}"""

# Each code cell has a number, and none waits or runs.
_DONE = """() => {
    const panel = window.jupyterapp.shell.currentWidget;
    const code = panel.content.widgets.filter(cell => cell.model.type === 'code');
    return code.every(cell => cell.model.executionCount && cell.model.executionState === 'idle')
        && panel.sessionContext.session.kernel.status === 'idle';
}"""

_THEMED = """theme => {
    const colour = getComputedStyle(document.body).getPropertyValue('--jp-layout-color0').trim();
    return document.body.dataset.jpThemeLight === String(theme === 'light')
        && (theme === 'light') === ['white', '#fff', '#ffffff'].includes(colour);
}"""
