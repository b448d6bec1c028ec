"""An IPython of its own for the tests of magics: it runs cells, and tells what came of them."""

import json
import os
import re
import subprocess
import sys

# Runs cells, and writes for each: did it succeed, what it printed, what it displayed.
SESSION = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

shell = InteractiveShell.instance(colors="nocolor")
shell.history_manager.enabled = False
outcomes = []
for cell in json.load(sys.stdin):
    with capture_output() as captured:
        success = shell.run_cell(cell, store_history=True).success
    texts = [output.data.items() for output in captured.outputs]
    shown = [{kind: str(value) for kind, value in each} for each in texts]
    outcomes.append([success, captured.stdout + captured.stderr, shown])
json.dump(outcomes, sys.stdout)
"""
START = "%load_ext cpnum\nimport numpy as np\nfrom cpnum import cpjit"


class Outcome:
    """What came of one cell."""

    def __init__(self, success, printed, shown):
        self.success, self.printed = success, printed
        value = re.search(r"^Out\[\d+\]: ?(.*)", printed, re.M | re.S)
        self.value = value and value[1].strip()
        # What was displayed besides.
        self.texts = [each["text/plain"] for each in shown]
        self.html = [each.get("text/html") for each in shown]
        self.kinds = [sorted(each) for each in shown]


def running(folder):
    """Return a function that runs cells in an IPython whose files are in a folder."""

    def run(*cells, **environment):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", SESSION],
            input=json.dumps([START, *cells]),
            env={**os.environ, "IPYTHONDIR": str(folder), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        start, *outcomes = [Outcome(*each) for each in json.loads(done.stdout)]
        assert start.success, start.printed
        return outcomes

    return run
