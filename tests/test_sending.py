"""Libraries that send functions by value, or remember their results, know compiled functions."""

import copy
import dataclasses
import functools
import inspect
import shutil
import subprocess
import sys
import textwrap
import types
import typing
from pathlib import Path

import numpy as np
import pytest
from calls import X, Y, hypot

from cpnum import UnsupportedError, cpjit

cloudpickle = pytest.importorskip("cloudpickle")
joblib = pytest.importorskip("joblib")


@cpjit
def by_name(x: float, shift: float = 1.0, *, factor: float = 2.0) -> float:
    """Return a line."""
    return x * factor + shift


@dataclasses.dataclass(frozen=True)
class Shift:
    """An object with a compiled method, and one that is called."""

    shift: float

    @cpjit
    def plus(self, x):
        """Return the sum."""
        return x + self.shift

    def __call__(self, x):
        """Return the sum."""
        return x + self.shift


def sent(value):
    return cloudpickle.loads(cloudpickle.dumps(value))


def run(path, program):
    path.write_text(textwrap.dedent(program))
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_functions_of_scripts_are_called_in_other_processes(tmp_path):
    program = """
        import functools
        import numpy as np
        from joblib import Parallel, delayed
        from cpnum import cpjit

        factor = 3.0

        @cpjit
        def inner(x):
            return x * factor

        @cpjit(fastmath=True)
        def outer(x, shift=1.0):
            assert outer.fastmath and type(outer).__name__ == "Jit"
            return inner(x) + shift

        class Shift:
            def __init__(self, shift):
                self.shift = shift

            @cpjit
            def plus(self, x):
                return inner(x) + self.shift

            @staticmethod
            @cpjit
            def minus(x):
                return x - 1.0

        def told(function):
            @functools.wraps(function)
            def wrapper(x):
                return function(x)
            return wrapper

        wrapped = told(outer)
        functions = [
            outer, Shift(5.0).plus, Shift.minus, cpjit(lambda x: x * 7.0), wrapped,
            functools.partial(outer, shift=2.0),
        ]
        if __name__ == "__main__":
            outer(np.ones(2))
            for done in Parallel(n_jobs=2)(delayed(f)(np.ones(1)) for f in functions):
                print(done)
        """
    assert run(tmp_path / "script.py", program) == "[4.]\n[8.]\n[0.]\n[7.]\n[4.]\n[5.]\n"


def test_functions_of_scripts_are_pickled_by_name_and_sent_by_value(tmp_path):
    # Libraries have copies of cloudpickle, under other names.
    shutil.copytree(Path(cloudpickle.__file__).parent, tmp_path / "vendored" / "cloudpickle")
    program = """
        import pickle
        import cloudpickle
        import numpy as np
        from vendored import cloudpickle as copied
        from cpnum import cpjit

        @cpjit
        def function(x):
            return x + 1.0

        print(pickle.loads(pickle.dumps(function)) is function)
        sent = [each.dumps(function) for each in (cloudpickle, copied)]
        del function
        print(*(pickle.loads(each)(np.ones(1)) for each in sent))
        """
    assert run(tmp_path / "script.py", program) == "True\n[2.] [2.]\n"


def test_cloudpickle_sends_functions_of_modules_by_name():
    assert sent(by_name) is by_name
    assert sent(Shift.plus) is Shift.plus
    assert np.array_equal(sent(Shift(2.0).plus)(X), X + 2.0)


def test_cloudpickle_sends_functions_of_registered_modules_by_value():
    module = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(module)
    try:
        other = sent(by_name)
    finally:
        cloudpickle.unregister_pickle_by_value(module)
    assert other is not by_name
    assert np.array_equal(other(X), by_name(X))
    assert sent(by_name) is by_name


def test_a_function_that_refers_to_itself_is_sent():
    @cpjit(precision="fast")
    def function(x):
        assert function
        return x + 1.0

    function.unit = "m"
    other = sent(function)
    assert other is not function
    assert other.__closure__[0].cell_contents is other
    assert (other.precision, other.unit) == ("fast", "m")
    assert np.array_equal(other(X), X + 1.0)
    assert copy.copy(function).unit == "m"


def test_a_wrapper_has_nothing_of_the_compiled_function_but_its_names():
    @functools.wraps(by_name)
    def wrapper(x):
        return by_name(x)

    assert wrapper.__wrapped__ is by_name
    assert wrapper.__name__ == "by_name"
    assert all(name.startswith("__") for name in vars(wrapper))
    assert np.array_equal(sent(wrapper)(X), by_name(X))


def edited(path, body):
    """Return a function whose file was edited and loaded again."""
    path.write_text(f"from cpnum import cpjit\n@cpjit\ndef f(x, n=1.0):\n    return {body}\n")
    module = types.ModuleType("edited")
    exec(compile(path.read_text(), str(path), "exec"), vars(module))
    return module.f


def test_dask_knows_an_edited_function(tmp_path, monkeypatch):
    stub = types.ModuleType("dask.base")
    stub.normalize_token = cloudpickle.dumps
    monkeypatch.setitem(sys.modules, "dask", types.ModuleType("dask"))
    monkeypatch.setitem(sys.modules, "dask.base", stub)
    path = tmp_path / "edited.py"
    old = edited(path, "x + 1.0")
    tokens = [
        each.__dask_tokenize__()
        for each in (
            old,
            edited(path, "x + 2.0"),
            cpjit(old.py_func, fastmath=True),
            cpjit(old.py_func, isa="aarch64"),
        )
    ]
    assert len(set(tokens)) == 4
    assert old.__dask_tokenize__() == edited(path, "x + 1.0").__dask_tokenize__() == tokens[0]


def test_dask_itself_calls_the_edited_function(tmp_path):
    array = pytest.importorskip("dask.array").ones(4, chunks=2)
    path = tmp_path / "edited.py"
    old, new = (array.map_blocks(edited(path, f"x + {shift}")) for shift in (1.0, 2.0))
    assert old.name != new.name
    assert np.array_equal(new.compute(), np.full(4, 3.0))


@pytest.mark.filterwarnings("ignore::joblib.memory.JobLibCollisionWarning")
def test_joblib_computes_again_with_an_edited_function(tmp_path):
    memory = joblib.Memory(tmp_path / "results", verbose=0)
    path = tmp_path / "edited.py"
    for shift in (1.0, 2.0):
        remembered = memory.cache(edited(path, f"x + {shift}"))
        assert not remembered.check_call_in_cache(X)
        assert np.array_equal(remembered(X), X + shift)
        assert memory.cache(edited(path, f"x + {shift}")).check_call_in_cache(X)


@pytest.mark.filterwarnings("ignore::joblib.memory.JobLibCollisionWarning")
@pytest.mark.parametrize(
    "function",
    [
        lambda shift: Shift(shift).plus,
        lambda shift: cpjit(Shift(shift).plus),
        lambda shift: cpjit(Shift(shift)),
        lambda shift: cpjit(Shift(shift).__call__),
        lambda shift: cpjit(functools.partial(hypot, y=shift)),
    ],
)
def test_joblib_knows_the_objects_of_methods(tmp_path, function):
    memory = joblib.Memory(tmp_path, verbose=0)
    for shift in (1.0, 2.0, 1.0):
        assert np.array_equal(memory.cache(function(shift))(X), function(shift)(X))


def test_a_compiled_function_has_what_libraries_ask_of_functions():
    function = by_name.py_func
    for name in ("code", "defaults", "kwdefaults", "closure", "globals", "annotations"):
        assert getattr(by_name, f"__{name}__") is getattr(function, f"__{name}__")
    assert inspect.getsource(by_name) == inspect.getsource(function)
    assert inspect.signature(by_name) == inspect.signature(function)
    assert typing.get_type_hints(by_name) == typing.get_type_hints(function)
    assert not hasattr(cpjit(np.sqrt), "__code__")
    assert not hasattr(cpjit(Shift(1.0).__call__), "__code__")


def test_the_code_of_a_compiled_function_cannot_be_set():
    with pytest.raises(UnsupportedError, match="__code__ of a compiled function cannot be set"):
        by_name.__code__ = hypot.__code__


def test_a_compiled_method_is_a_method_for_inspect():
    method = Shift(1.0).plus
    assert inspect.ismethod(method)
    assert inspect.getsource(method) == inspect.getsource(Shift.plus)
    assert str(inspect.signature(method)) == "(x)"
    assert np.array_equal(copy.copy(method)(X), X + 1.0)


def test_functions_without_code_are_told_apart_by_their_text():
    assert repr(cpjit(np.sqrt)) == "<cpjit <ufunc 'sqrt'>: 0 signatures>"
    assert repr(cpjit(Shift(2.0))) == "<cpjit Shift(shift=2.0): 0 signatures>"


def test_functions_are_dispatched_by_their_first_argument():
    general = functools.singledispatch(cpjit(lambda x: x + 1.0))

    @general.register
    @cpjit
    def _(x: float):
        return x * 100.0

    assert np.array_equal(general(X), X + 1.0)
    assert general(2.0) == 200.0
    assert np.array_equal(cpjit(cpjit(hypot))(X, Y), hypot(X, Y))
