"""What the tests of the package's names share: two arrays, a function, a process."""

import os
import subprocess
import sys
import textwrap

import numpy as np

X = np.linspace(0.5, 2.0, 37)
Y = np.linspace(-1.0, 3.0, 37)


def hypot(x, y):
    """Return the length of the hypotenuse."""
    return np.sqrt(x * x + y * y)


def run(code, **environment):
    """Run code in a process of its own; return what it prints."""
    program = "import numpy as np, warnings\nfrom cpnum import cpjit\n" + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
