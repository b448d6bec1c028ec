"""Compiled functions are copied, pickled, and called in other processes."""

import copy
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from calls import X, Y, hypot
from cases import assert_same

from cpnum import cpjit


@cpjit(fastmath=True, precision="fast")
def compiled_by_name(x):
    """Return x + 1."""
    return x + 1


compiled_hypot = cpjit(hypot, fastmath=True, fallback="numpy")


class Shifted:
    """An object with a compiled method, that can be pickled."""

    shift = 3.0

    @cpjit
    def plus(self, x):
        """Return the sum."""
        return x + self.shift


def test_a_function_is_pickled_by_name_as_pythons_are():
    assert pickle.loads(pickle.dumps(compiled_by_name)) is compiled_by_name
    assert pickle.loads(pickle.dumps(Shifted.plus)) is Shifted.plus
    assert np.array_equal(pickle.loads(pickle.dumps(Shifted().plus))(X), X + 3.0)
    assert copy.deepcopy(compiled_by_name) is compiled_by_name


def test_a_function_of_another_name_is_pickled_by_what_it_was_made_of():
    compiled_hypot(X, Y)
    other = pickle.loads(pickle.dumps(compiled_hypot))
    assert other is not compiled_hypot
    assert other.py_func is hypot
    assert (other.fastmath, other.precision, other.fallback) == (True, "full", "numpy")
    assert np.array_equal(other(X, Y), compiled_hypot(X, Y))
    scaled = cpjit(lambda x, factor=2.0: x * factor, isa="x86-64-v3")
    for each in (copy.copy(scaled), copy.deepcopy([scaled])[0]):
        assert each is not scaled
        assert each.isa is scaled.isa
        assert each.py_func is scaled.py_func
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        pickle.dumps(scaled)
    root = pickle.loads(pickle.dumps(cpjit(np.sqrt)))
    assert np.array_equal(root(X), np.sqrt(X))


def test_a_function_is_called_in_processes_that_are_spawned(tmp_path):
    path = tmp_path / "spawning.py"
    path.write_text(
        textwrap.dedent(
            """
            import multiprocessing
            import numpy as np
            from cpnum import cpjit

            @cpjit
            def twice(x):
                return x * 2

            if __name__ == "__main__":
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    print(*pool.map(twice, [np.ones(3), 2.5]))
            """
        )
    )
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=120)
    assert done.stdout == "[2. 2. 2.] 5.0\n", done.stderr


class OfClass:
    factor = 2.0

    @classmethod
    @cpjit
    def scale(cls, x):
        return x * cls.factor

    @cpjit
    def double(self, x):
        return x * self.factor

    half = cpjit(lambda self, x: x / self.factor)


def test_methods_are_pickled_as_pythons_are():
    for method in (OfClass.scale, OfClass().scale, OfClass().double):
        sent = pickle.loads(pickle.dumps(method))
        assert_same(method(X), sent(X))
        assert type(sent) is type(method)
    copied = copy.deepcopy(OfClass().half)  # of another name
    assert_same(X / 2.0, copied(X))
