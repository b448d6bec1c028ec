"""After a fork, the child compiles and calls; the parent's functions are what they were."""

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

# In a process of its own: pytest's has threads, and a fork of it would be warned about.
PRELUDE = """
    import os, sys
    from pathlib import Path
    import numpy as np
    from cpnum import cpjit

    x = np.arange(1.0, 1001.0)
    out = np.empty(1000)
    f = cpjit(lambda x: np.sqrt(x) * 2.0)
    assert np.array_equal(f(x), np.sqrt(x) * 2.0)
    bound = f.bind(x, out=out)

    def check():
        assert np.array_equal(f(x), np.sqrt(x) * 2.0)
        out[:] = 0.0
        assert np.array_equal(bound(), np.sqrt(x) * 2.0)
        assert np.array_equal(f(x[::-2]), np.sqrt(x[::-2]) * 2.0)
        assert "rwx" not in Path("/proc/self/maps").read_text()

    def compile_more(seed):
        for number in range(50):
            a = float(number + seed)
            g = cpjit(lambda x: x * a + a)
            assert np.array_equal(g(x), x * a + a)
            assert np.array_equal(g.bind(x)(), x * a + a)

    def in_child(work):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                work()
                status = 0
            finally:
                sys.stderr.flush()
                os._exit(status)
        return pid

    def wait(pid):
        _, status = os.waitpid(pid, 0)
        assert status == 0, f"the child ended with {status}"
"""


def run(code):
    program = textwrap.dedent(PRELUDE) + textwrap.dedent(code) + "\nprint('passed')\n"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "passed\n"


def test_a_child_calls_what_its_parent_compiled():
    run("wait(in_child(check)); check()")


def test_a_child_compiles_and_the_parents_code_stays():
    run(
        """
        code = bound.region.read()

        def work():
            check()
            compile_more(1000)
            check()

        pid = in_child(work)
        wait(pid)
        assert bound.region.read() == code
        check()
        """
    )


def test_parent_and_children_compile_at_once():
    run(
        """
        def work():
            compile_more(os.getpid() % 1000)
            check()

        pids = [in_child(work) for _ in range(4)]
        compile_more(5000)
        check()
        for pid in pids:
            wait(pid)
        check()
        """
    )


def test_a_grandchild_compiles():
    run(
        """
        def work():
            compile_more(1)
            wait(in_child(lambda: (check(), compile_more(2), check())))
            check()

        wait(in_child(work))
        check()
        """
    )


def test_a_fork_while_a_thread_compiles():
    run(
        """
        import threading, warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # fork with threads: what is tested

        stop = threading.Event()

        def compile_on():
            seed = 0
            while not stop.is_set():
                compile_more(seed)
                seed += 100

        thread = threading.Thread(target=compile_on)
        thread.start()
        for _ in range(10):
            wait(in_child(lambda: (compile_more(7), check())))
        stop.set()
        thread.join()
        check()
        """
    )
