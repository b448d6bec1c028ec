"""The names that users meet, and what they do: `cpjit`, its options, and what it makes."""

import copy
import dataclasses
import functools
import gc
import inspect
import itertools
import numbers
import os
import pickle
import subprocess
import sys
import textwrap
import warnings
import weakref
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest

import cpnum
from cpnum import DTypeError, IsaError, UnsupportedError, cpjit
from cpnum.compile.kernel import Kernel
from cpnum.compile.schedule import LoopNest
from cpnum.ir.graph import Graph

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


# -- decorating ---------------------------------------------------------------------------------


def test_the_decorator_with_and_without_options():
    @cpjit
    def plain(x):
        return x + 1

    @cpjit(fastmath=True, isa=None, fallback="numpy")
    def optioned(x):
        return x + 1

    called = cpjit(lambda x: x + 1, fastmath=False, precision="fast")
    for f in (plain, optioned, called):
        assert np.array_equal(f(X), X + 1)
    assert not plain.fastmath
    assert optioned.fastmath
    assert (plain.precision, called.precision) == ("full", "fast")
    with pytest.raises(ValueError, match='precision is "full" or "fast"'):
        cpjit(lambda x: x, precision="high")


def test_the_function_keeps_its_name_text_and_signature():
    f = cpjit(hypot)
    assert f.__name__ == "hypot"
    assert f.__qualname__ == "hypot"
    assert f.__module__ == __name__
    assert f.__doc__ == hypot.__doc__
    assert f.__wrapped__ is hypot
    assert f.py_func is hypot
    assert inspect.signature(f) == inspect.signature(hypot)
    assert repr(f) == "<cpjit hypot: 0 signatures>"


def test_a_class_has_methods_that_are_compiled():
    class Scaled:
        def __init__(self, factor):
            self.factor = factor

        @cpjit
        def times(self, x):
            return x * self.factor

        @staticmethod
        @cpjit
        def plus(x, y):
            return x + y

    two, three = Scaled(2.0), Scaled(3.0)
    assert np.array_equal(two.times(X), X * 2)
    assert np.array_equal(three.times(X), X * 3)
    assert np.array_equal(two.times(x=X), X * 2)
    assert np.array_equal(two.plus(X, Y), X + Y)
    out = np.empty_like(X)
    assert three.times(X, out=out) is out
    assert np.array_equal(out, X * 3)


def test_a_method_has_what_a_function_has():
    class Scaled:
        def __init__(self, factor):
            self.factor = factor

        @cpjit
        def times(self, x):
            """Multiply."""
            return x * self.factor

    two = Scaled(2.0)
    assert np.array_equal(two.times.bind(X)(), X * 2)
    out = np.empty_like(X)
    assert two.times.bind(X, out=out)() is out
    assert two.times.lower(X).graph.name == "times"
    assert "add_f64" in str(two.times.explain(X))
    assert len(two.times.signatures) == len(two.times.inspect_ir()) == 1
    assert (two.times.__name__, two.times.__doc__) == ("times", "Multiply.")
    assert np.array_equal(two.times.py_func(X), X * 2)
    assert str(inspect.signature(two.times)) == "(x)"
    assert repr(two.times) == f"<cpjit method times of {two!r}>"
    # A method that is called by a compiled function.
    assert np.array_equal(cpjit(lambda x: two.times(x) + 1)(X), X * 2 + 1)


@dataclasses.dataclass
class Line:
    """An object that is called; as it can be compared and changed, it has no hash."""

    slope: float

    def __call__(self, x, shift=0.0):
        return self.slope * x + shift


def with_two(function):
    @functools.wraps(function)
    def wrapper(x, **keywords):
        return function(x, 2.0, **keywords)

    return wrapper


def test_all_callables_are_compiled():
    line = cpjit(Line(2.0))
    assert np.array_equal(line(X), X * 2.0)
    assert np.array_equal(line(X, shift=1.0), X * 2.0 + 1.0)
    wrapper = cpjit(with_two(hypot))
    assert np.array_equal(wrapper(X), hypot(X, 2.0))
    assert np.array_equal(wrapper(x=X), hypot(X, 2.0))
    method = cpjit(Line(3.0).__call__)
    assert np.array_equal(method(X, shift=Y), X * 3.0 + Y)
    assert np.array_equal(cpjit(cpjit(hypot))(X, Y), hypot(X, Y))
    assert np.array_equal(cpjit(functools.partial(cpjit(hypot), y=2.0))(X), hypot(X, 2.0))
    assert np.array_equal(cpjit(np.where)(X > 1, X, Y), np.where(X > 1, X, Y))
    assert np.array_equal(cpjit(np.clip)(X, 1, 2, out=np.empty_like(X)), np.clip(X, 1, 2))


def test_a_parameter_may_be_called_self():
    f = cpjit(lambda self, x: self * x)
    assert np.array_equal(f(self=X, x=Y), X * Y)
    assert np.array_equal(f.bind(self=X, x=Y)(), X * Y)
    assert f.lower(self=X, x=Y).graph.parameters == ("self", "x")
    assert "multiply_f64" in str(f.explain(self=X, x=Y))


def test_a_function_that_is_dropped_is_freed():
    def function(*arguments):
        return arguments[0] + 1

    compiled = cpjit(function)
    compiled(X)
    dropped = weakref.ref(function)
    del compiled, function
    gc.collect()
    assert dropped() is None


# -- copying ------------------------------------------------------------------------------------


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


def test_closures_read_what_they_close_over_when_they_are_traced():
    def scaled(factor):
        @cpjit
        def times(x):
            return x * factor

        return times

    assert np.array_equal(scaled(2.0)(X), X * 2)
    assert np.array_equal(scaled(3.0)(X), X * 3)


def test_decorated_functions_call_decorated_functions():
    @cpjit
    def square(x):
        return x * x

    @cpjit
    def length(x, y):
        return np.sqrt(square(x) + square(y))

    assert np.array_equal(length(X, Y), hypot(X, Y))
    # The inner one was traced into the outer one.
    assert square.signatures == []
    assert "square" not in next(iter(length.inspect_ir().values()))


def test_ufuncs_and_builtins_and_partials():
    assert np.array_equal(cpjit(np.sqrt)(X), np.sqrt(X))
    assert np.array_equal(cpjit(np.add)(X, Y), X + Y)
    assert np.array_equal(cpjit(abs)(Y), abs(Y))
    assert np.array_equal(cpjit(functools.partial(hypot, y=2.0))(X), hypot(X, 2.0))


# -- calling ------------------------------------------------------------------------------------


def test_keywords_defaults_and_variable_arguments():
    @cpjit
    def f(x, y=2.0, *more, scale, **others):
        for each in more:
            x = x + each
        for each in others.values():
            x = x - each
        return (x + y) * scale

    assert np.array_equal(f(X, scale=2.0), (X + 2.0) * 2.0)
    assert np.array_equal(f(X, Y, X, scale=Y), (X + X + Y) * Y)
    assert np.array_equal(f(scale=2.0, x=X, y=Y), (X + Y) * 2.0)
    assert np.array_equal(f(X, scale=2.0, a=Y), (X - Y + 2.0) * 2.0)
    out = np.empty_like(X)
    assert f(X, scale=2.0, out=out) is out
    assert np.array_equal(out, (X + 2.0) * 2.0)


def test_out_is_returned_and_filled(level):
    f = cpjit(hypot, isa=level)
    out = np.full_like(X, -1.0)
    assert f(X, Y, out=out) is out
    assert np.array_equal(out, hypot(X, Y))
    wide = np.empty((3, X.size))
    assert f(X, Y, out=wide) is wide
    assert np.array_equal(wide, np.broadcast_to(hypot(X, Y), wide.shape))
    single = np.empty_like(X, dtype="f4")
    assert np.array_equal(f(X, Y, out=single), hypot(X, Y).astype("f4"))


def test_scalars_give_numpys_scalars(level):
    f = cpjit(hypot, isa=level)
    for arguments in ((3.0, 4.0), (np.float32(3), np.float32(4)), (np.float64(3), 4), (3, 4)):
        actual, expected = f(*arguments), hypot(*arguments)
        assert type(actual) is type(expected)
        assert actual == expected


def test_a_new_value_of_a_scalar_does_not_compile(level):
    f = cpjit(lambda x, a: x * a, isa=level)
    f(X, 1.0)
    kernel = f.lower(X, 1.0)
    for value in (2.0, -0.0, 1e300, float("inf")):
        assert np.array_equal(f(X, value), X * value)
        assert f.lower(X, value) is kernel
    assert f.signatures == ["f64[:], float"]


@dataclasses.dataclass(frozen=True)
class Factor:
    value: object


def test_constants_that_are_equal_but_not_the_same_are_told_apart():
    f = cpjit(lambda x, constant: x * constant[0])
    nested = cpjit(lambda x, constant: x * constant[0][0])
    h = cpjit(lambda x, factor: x * factor.value)
    for g, constants in (
        (f, [(2,), (2.0,), (True,)]),
        (f, [(0.0,), (-0.0,)]),
        (f, [(np.float64(2),), (np.float32(2),), (np.int64(2),)]),
        (nested, [((2,),), ((2.0,),)]),
        (h, [Factor(2), Factor(2.0)]),
    ):
        for x in (np.arange(3), np.arange(3.0)):
            for constant in constants:
                expected, actual = g.py_func(x, constant), g(x, constant)
                assert expected.dtype == actual.dtype
                assert expected.tobytes() == actual.tobytes()


@dataclasses.dataclass
class Changeable:
    k: float = 2.0


@dataclasses.dataclass(frozen=True)
class Odd:
    n: int
    unset: int = dataclasses.field(init=False, compare=False, repr=False)
    table: ClassVar = {"a": 1}
    given: dataclasses.InitVar[int] = 3
    extra: list = dataclasses.field(default_factory=list, hash=False, compare=False)


class Wider(Factor):
    def __init__(self, value, more):
        super().__init__(value)
        object.__setattr__(self, "more", more)

    def __eq__(self, other):
        return (self.value, self.more) == (other.value, other.more)

    def __hash__(self):
        return hash((self.value, self.more))


class Strange:
    def __init__(self, k):
        self.k = k

    def __eq__(self, other):
        raise RuntimeError

    def __hash__(self):
        return 0


def test_constants_are_told_apart_whatever_they_are_equal_to():
    for function, constants in (
        (lambda x, c: x * np.copysign(1.0, c[0].imag), [(1 + 0j,), (complex(1, -0.0),)]),
        (lambda x, c: x * c.step, [range(0, 1, 5), range(0, 1, 7)]),
        (lambda x, c: x * -c.as_tuple().exponent, [Decimal("0.5"), Decimal("0.50")]),
        (lambda x, c: x * c.more, [Wider(1, 2), Wider(1, 3)]),
        (lambda x, c: x * c.n, [Odd(2), Odd(3)]),
        (lambda x, c: x * c.k, [Strange(2), Strange(3), Strange(3.0)]),
        (lambda x, c: x * c(), [Fraction(3, 2).limit_denominator().__float__, lambda: 3]),
    ):
        f = cpjit(function)
        for _ in range(2):
            for constant in constants:
                expected, actual = function(np.arange(3), constant), f(np.arange(3), constant)
                assert expected.dtype == actual.dtype
                assert expected.tobytes() == actual.tobytes()


def test_what_may_change_is_refused_as_a_constant():
    f = cpjit(lambda x, model: x * model.k)
    with pytest.raises(UnsupportedError, match="arguments of type Changeable cannot be traced"):
        f(X, Changeable())
    with pytest.warns(RuntimeWarning, match="Changeable"):
        g = cpjit(f.py_func, fallback="numpy")
        assert np.array_equal(g(X, Changeable()), X * 2.0)


def test_constants_are_not_kept_for_ever():
    class Constant:
        pass

    f = cpjit(lambda x, constant: x * 2.0)
    constant = Constant()
    reference = weakref.ref(constant)
    f(X, constant)
    del constant
    for number in range(1100):
        f(X, str(number))
    assert reference() is None


def test_a_function_that_looks_at_shapes_takes_scalars():
    for function in (
        lambda x: x * np.size(x),
        lambda x: x * x.size if isinstance(x, np.generic) else x,
        lambda x: np.squeeze(x) * 2,
        lambda x: x.reshape(-1) * 2 if isinstance(x, np.generic) else x,
        lambda x: x + sum(np.shape(x)),
    ):
        for x in (2.5, np.float64(2.5)):
            expected, actual = function(x), cpjit(function)(x)
            assert np.shape(expected) == np.shape(actual)
            assert np.array_equal(expected, actual)


@pytest.mark.parametrize(
    "argument",
    [2.5, 2, True, np.float64(2.5), np.int32(2), X, X[0:1]],
    ids=["2.5", "2", "True", "float64", "int32", "an array", "one element"],
)
@pytest.mark.parametrize(
    "kind", [float, int, bool, np.floating, np.generic, np.ndarray, numbers.Number, np.float64]
)
def test_isinstance_tells_what_a_value_stands_for(argument, kind):
    def function(x):
        return x * 2.0 if isinstance(x, kind) else x * 3.0

    assert np.array_equal(function(argument), cpjit(function)(argument))
    scalar = cpjit(lambda x: x * 2.0 if np.isscalar(x) else x * 3.0)
    assert np.array_equal(scalar.py_func(argument), scalar(argument))


def test_the_result_is_not_an_argument():
    f = cpjit(lambda x: x)
    result = f(X)
    assert np.array_equal(result, X)
    assert not np.shares_memory(result, X)


# -- looking ------------------------------------------------------------------------------------


def test_signatures_are_listed_in_the_order_of_their_first_calls():
    f = cpjit(hypot)
    assert f.signatures == []
    f(X, Y)
    f(X.astype("f4"), 2.0)
    f(X[:, None], Y)
    f(X[:5], Y[:5])
    assert f.signatures == ["f64[:], f64[:]", "f32[:], float", "f64[:, 1], f64[:]"]
    assert list(f.inspect_ir()) == f.signatures
    assert list(f.inspect_asm()) == f.signatures
    assert repr(f) == "<cpjit hypot: 3 signatures>"


def test_an_out_of_the_results_dtype_is_no_other_signature():
    f = cpjit(hypot)
    f(X, Y)
    f(X, Y, out=np.empty_like(X))
    assert f.signatures == ["f64[:], f64[:]"]


def test_inspect_ir_is_the_text_of_the_graph():
    f = cpjit(hypot)
    f(X, Y)
    assert f.inspect_ir() == {
        "f64[:], f64[:]": (
            "hypot(x: f64[:], y: f64[:])\n"
            "  %0 = multiply x x  f64\n"
            "  %1 = multiply y y  f64\n"
            "  %2 = add %0 %1     f64\n"
            "  %3 = sqrt %2       f64\n"
            "  return %3"
        )
    }


def test_no_graph_is_left_out_of_the_looks():
    @cpjit
    def scaled(x, mode, **others):
        for each in others.values():
            x = x + each
        return x.reshape(-1) if mode is None else x * len(mode)

    scaled(X, "a")
    scaled(X, "b")
    scaled(X, None)
    scaled(X[:5], None)
    scaled(X[:10:2], None)
    scaled(X, "c" * 100 + "1" + "c" * 100)
    scaled(X, "c" * 100 + "2" + "c" * 200)
    scaled(X, "a", y=Y)
    scaled(X, "a", z=Y)
    long = f"f64[:], '{'c' * 27}...{'c' * 28}'"
    assert scaled.signatures == [
        "f64[:], 'a'",
        "f64[:], 'b'",
        "f64[37], None",
        "f64[5], None",
        long,
        "f64[:], 'a', f64[:]",
    ]
    assert repr(scaled) == "<cpjit scaled: 6 signatures>"
    graphs, code = scaled.inspect_ir(), scaled.inspect_asm()
    assert list(graphs) == list(code) == scaled.signatures
    # Two that are printed alike.
    assert "multiply x 201.0" in graphs[long]
    assert "multiply x 301.0" in graphs[long]
    assert "y: f64[:])" in graphs["f64[:], 'a', f64[:]"]
    assert "z: f64[:])" in graphs["f64[:], 'a', f64[:]"]


def test_inspect_asm_is_the_disassembly_of_each_layout(level):
    f = cpjit(hypot, isa=level)
    f(X, Y)
    once = f.inspect_asm()["f64[:], f64[:]"]
    assert "vsqrtpd" in once
    assert "vmulpd" in once
    f(X[::2], Y[::2])
    twice = f.inspect_asm()["f64[:], f64[:]"]
    assert twice.count("vsqrtpd") > once.count("vsqrtpd")


@pytest.mark.parametrize("name", ["x86-64-v4", "x86-64-v3", "aarch64"])
def test_lower_has_all_stages_for_any_level(name):
    f = cpjit(hypot, isa=name)
    kernel = f.lower(X, Y)
    assert isinstance(kernel, Kernel)
    assert isinstance(kernel.graph, Graph)
    assert isinstance(kernel.loop_nest, LoopNest)
    assert kernel.loop_nest.isa.name == name
    assert "sqrt_f64" in str(kernel.steps)
    assert isinstance(kernel.code.data, bytes)
    assert str(kernel).startswith(str(kernel.graph))
    assert {"trace", "simplify", "schedule", "select", "assign", "emit"} <= set(kernel.seconds)
    assert all(seconds >= 0 for seconds in kernel.seconds.values())


def test_lower_does_not_run_the_function_on_arrays(level):
    out = np.full_like(X, 7.0)
    f = cpjit(hypot, isa=level)
    kernel = f.lower(X, Y, out=out)
    assert np.all(out == 7.0)
    f(X, Y, out=out)
    assert f.lower(X, Y, out=out) is kernel
    assert f.lower(x=X, y=Y, out=out) is kernel


def test_explain_reports_all_stages():
    report = str(cpjit(hypot).explain(X, Y))
    for text in (
        "sqrt_f64",
        "%3 = sqrt %2",
        "vsqrtpd" if cpjit(hypot).isa.machine == "x86_64" else "",
    ):
        assert text in report


def test_status_says_what_is_active():
    text = str(cpnum.status())
    assert "machine code" in text
    assert np.__version__ in text


# -- bound --------------------------------------------------------------------------------------


def test_a_bound_call_reads_its_arrays_each_time(level):
    f = cpjit(hypot, isa=level)
    x, out = X.copy(), np.empty_like(X)
    bound = f.bind(x, Y, out=out)
    assert bound() is out
    assert np.array_equal(out, hypot(X, Y))
    x += 1
    bound()
    assert np.array_equal(out, hypot(X + 1, Y))


def test_a_bound_call_without_out_makes_one():
    bound = cpjit(hypot).bind(X, y=2.0)
    result = bound()
    assert result is bound.out
    assert np.array_equal(result, hypot(X, 2.0))


def test_bound_calls_hold_their_arrays():
    f = cpjit(lambda x, a: x * a)
    bounds = [f.bind(np.full(1000, float(k)), 2.0) for k in range(50)]
    for k, bound in enumerate(bounds):
        assert np.all(bound() == 2.0 * k)


def test_pointers_strides_extents_and_scalars_are_in_the_code(level):
    out = np.empty((5, 7))
    x = np.ones((5, 15))[:, ::2][:, :7]
    bound = cpjit(lambda x, a: x * a, isa=level).bind(x, 2.71828, out=out)
    code = bound.region.read()
    for value in (x.ctypes.data, out.ctypes.data):
        assert value.to_bytes(8, "little") in code
    assert np.float64(2.71828).tobytes() in code


# -- levels -------------------------------------------------------------------------------------


def test_levels_have_the_same_bits(level):
    expected = hypot(X, Y)
    assert cpjit(hypot, isa=level)(X, Y).tobytes() == expected.tobytes()


def test_the_environment_chooses_the_level(level):
    code = "print(cpjit(np.sqrt).isa); print(cpjit(np.sqrt)(np.ones(3)))"
    assert run(code, CPNUM_ISA=level) == [level, "[1. 1. 1.]"]


def test_the_option_is_stronger_than_the_environment():
    code = "print(cpjit(np.sqrt, isa='x86-64-v3').isa, cpjit(np.sqrt).isa)"
    assert run(code, CPNUM_ISA="aarch64") == ["x86-64-v3 aarch64"]


def test_an_unknown_level_is_refused():
    with pytest.raises(IsaError) as caught:
        cpjit(hypot, isa="x86-64-v9")
    assert str(caught.value) == (
        "unknown ISA level x86-64-v9\n"
        "  seen: isa='x86-64-v9'\n"
        "  write one of x86-64-v4, x86-64-v3, aarch64"
    )
    code = """
        try:
            cpjit(np.sqrt)
        except Exception as error:
            print(type(error).__name__, error)
    """
    assert run(code, CPNUM_ISA="v9") == [
        "IsaError unknown ISA level v9",
        "  seen: CPNUM_ISA=v9",
        "  write one of x86-64-v4, x86-64-v3, aarch64",
    ]


# -- fallback -----------------------------------------------------------------------------------


def test_fallback_runs_through_numpy_and_warns_once():
    @cpjit(fallback="numpy")
    def inverse(x):
        return np.linalg.inv(x) + 1.0

    matrix = np.array([[2.0, 0.0], [0.0, 4.0]])
    with pytest.warns(RuntimeWarning) as caught:
        assert np.array_equal(inverse(matrix), inverse.py_func(matrix))
    assert [str(each.message) for each in caught] == [
        "inverse runs through NumPy: numpy.linalg.inv cannot be traced"
    ]
    assert caught[0].filename == __file__
    # Warnings are errors here: there is no other.
    assert np.array_equal(inverse(matrix), inverse.py_func(matrix))
    out = np.empty((2, 2))
    assert inverse(matrix, out=out) is out
    assert np.array_equal(out, inverse.py_func(matrix))


def test_fallback_is_for_what_cannot_be_compiled_only():
    f = cpjit(lambda x: x + 1, fallback="numpy")
    with pytest.warns(RuntimeWarning, match="no stencils for dtype uint8"):
        assert f(np.ones(3, "uint8")).dtype == np.uint8
    assert np.array_equal(f(X), X + 1)
    assert f.signatures == ["f64[:]"]


def test_fallback_serves_a_call_like_one_that_was_compiled():
    f = cpjit(lambda x, n: x * n**0.5, fallback="numpy")
    assert np.array_equal(f(X, 4.0), X * 2.0)
    with pytest.warns(RuntimeWarning, match="a Python scalar was computed that is not a float"):
        assert f(X, -4.0).dtype == np.complex128
    with pytest.raises(DTypeError, match=r"test_api\.py, line"):
        cpjit(f.py_func)(X, -4.0)


def test_without_fallback_it_is_an_error():
    with pytest.raises(UnsupportedError):
        cpjit(np.linalg.inv)(np.eye(2))
    with pytest.raises(UnsupportedError):
        cpjit(np.linalg.inv, fallback="error")(np.eye(2))


NUMPY_PATH = """
    warnings.simplefilter("always")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        f = cpjit(lambda x, y: np.sqrt(x * x + y * y))
        g = cpjit(lambda x: x + 1)
        x, y = np.arange(5.0), np.ones(5)
        for _ in range(2):
            assert np.array_equal(f(x, y), np.sqrt(x * x + y * y))
            assert type(f(3.0, 4.0)) is np.float64
            out = np.empty(5)
            assert f(x, y, out=out) is out
            assert np.array_equal(out, np.sqrt(x * x + y * y))
            memory = np.arange(6.0)
            assert np.array_equal(g(memory[:-1], out=memory[1:]), np.arange(5.0) + 1)
            assert f(x[:0], y[:0]).shape == (0,)
        assert f.signatures[0] == "f64[:], f64[:]"
    messages = [str(each.message) for each in caught]
    print(len(messages), {each.category.__name__ for each in caught}, messages[0])
    import cpnum
    print("NumPy" in str(cpnum.status()))
"""


def test_without_executable_memory_numpy_evaluates_and_a_warning_says_why():
    first, status = run(NUMPY_PATH, CPNUM_MEMORY="none")
    assert first.startswith("2 {'RuntimeWarning'} <lambda> is evaluated by NumPy: ")
    assert "CPNUM_MEMORY" in first
    assert status == "True"


def test_without_a_level_that_fits_numpy_evaluates_and_a_warning_says_why():
    nothing = "import cpnum.tables.isa\n    cpnum.tables.isa.host = lambda: None\n"
    first, status = run(f"\n    {nothing}{NUMPY_PATH}")
    assert first == (
        "2 {'RuntimeWarning'} <lambda> is evaluated by NumPy: no stencil pack fits this processor"
    )
    assert status == "True"


def test_a_processor_that_cannot_be_asked_is_not_one_without_a_pack():
    code = """
        import resource
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        try:
            cpjit(np.sqrt)
        except OSError as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        print(cpjit(np.sqrt).isa is not None)
    """
    assert run(code) == ["[Errno 24] Too many open files: '/proc/cpuinfo'", "True"]


def test_without_executable_memory_there_is_nothing_to_bind():
    code = """
        try:
            cpjit(np.sqrt).bind(np.ones(3))
        except Exception as error:
            print(type(error).__name__, error)
        print(cpjit(np.sqrt).lower(np.ones(3)).graph.name)
    """
    with_error = run(code, CPNUM_MEMORY="none", PYTHONWARNINGS="ignore")
    assert with_error[0].startswith("IsaError there is no code to bind")
    assert with_error[-1] == "sqrt"


def test_memory_that_is_refused_later_is_asked_for_again_at_each_call():
    code = """
        import errno
        from cpnum.run import memory
        f = cpjit(lambda x: 3 * x)
        x = np.arange(7.0)
        f(x[::-1], out=np.empty(7))
        place = memory._PLACE["memfd"]
        def refuse(code, aligned):
            raise OSError(errno.EMFILE, "memfd_create: Too many open files")
        memory._PLACE["memfd"] = refuse
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(2):
                assert np.array_equal(f(x), 3 * x)
            assert np.array_equal(f(x[::-1], out=x), np.arange(18.0, -1.0, -3.0))
        print(len(caught), caught[0].filename, caught[0].message)
        try:
            f.bind(x)
        except memory.ExecutableMemoryError as error:
            print(error.message, error.where.partition(":")[0], error.seen)
        memory._PLACE["memfd"] = place
        f(x)
        print({type(plan).__name__ for plan in f._plans.values()})
    """
    told, bound, plans = run(code, CPNUM_MEMORY="memfd")
    seen = "memfd: [Errno 24] memfd_create: Too many open files"
    assert told == f"1 <string> <lambda> is evaluated by NumPy: no executable memory; {seen}"
    assert bound == f"no executable memory <string>, line 20 {seen}"
    assert plans == "{'Plan'}"


# -- fastmath -----------------------------------------------------------------------------------


def contracted(x, y, z):
    """Return x * y + z rounded once."""
    return np.array(
        [
            float(Fraction(a) * Fraction(b) + Fraction(c))
            for a, b, c in zip(x.tolist(), y.tolist(), z.tolist(), strict=True)
        ]
    )


def test_fastmath_rounds_a_multiply_add_once(level):
    x, y = np.random.default_rng(0).random((2, 301))
    z = -x * y * (1 + 1e-12)
    exact = cpjit(lambda x, y, z: x * y + z, isa=level)
    fast = cpjit(lambda x, y, z: x * y + z, isa=level, fastmath=True)
    assert exact(x, y, z).tobytes() == (x * y + z).tobytes()
    assert fast(x, y, z).tobytes() == contracted(x, y, z).tobytes()
    assert fast(x, y, z).tobytes() != exact(x, y, z).tobytes()
    assert "multiply_add" in str(fast.lower(x, y, z).graph)
    assert "multiply_add" not in str(exact.lower(x, y, z).graph)


def test_fastmath_is_near(level):
    def polynomial(x):
        result = 1.0 + 0.0 * x
        for k in range(1, 12):
            result = result * x + 1.0 / k
        return result

    fast = cpjit(polynomial, isa=level, fastmath=True)
    assert np.allclose(fast(X), polynomial(X), rtol=1e-14)


EXPRESSIONS = {
    "x * y + z": lambda x, y, z: x * y + z,
    "z + x * y": lambda x, y, z: z + x * y,
    "x * y - z": lambda x, y, z: x * y - z,
    "z - x * y": lambda x, y, z: z - x * y,
    "-(x * y) - z": lambda x, y, z: -(x * y) - z,
    "x * 2 + z": lambda x, y, z: x * 2 + z,
    "z - x * 2": lambda x, y, z: z - x * 2.0,
    "x * y + z * z": lambda x, y, z: x * y + z * z,
    "x + y + z + x + y": lambda x, y, z: x + y + z + x + y,
    "x * y * z * x * y": lambda x, y, z: x * y * z * x * y,
    "x - y - z - x": lambda x, y, z: x - y - z - x,
    "x * 0 + z": lambda x, y, z: x * 0.0 + z,
    "x + 0": lambda x, y, z: x + 0.0 + y * z,
    "x / x": lambda x, y, z: x / x + y * z,
}
SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, -0.5, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("name", EXPRESSIONS)
def test_fastmath_treats_nan_infinities_and_zeros_as_without(name, dtype, level):
    # All results here are exact, so a rounding less changes none.
    function = EXPRESSIONS[name]
    x, y, z = np.array(list(itertools.product(SPECIAL, repeat=3)), dtype).T.copy()
    with np.errstate(all="ignore"):
        expected = function(x, y, z)
        actual = cpjit(function, isa=level, fastmath=True)(x, y, z)
    assert actual.dtype == expected.dtype
    assert np.array_equal(np.isnan(actual), np.isnan(expected))
    number = ~np.isnan(expected)
    assert actual[number].tobytes() == expected[number].tobytes()


# -- floating-point errors ----------------------------------------------------------------------


def test_warnings_are_numpys_and_name_the_users_line(level):
    f = cpjit(lambda x: 1.0 / x, isa=level)  # the line
    with pytest.warns(RuntimeWarning, match="^divide by zero encountered in divide$") as caught:
        f(np.zeros(3))
    assert caught[0].filename == __file__
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        f(np.zeros(3))
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.all(np.isinf(f(np.zeros(3))))


def test_warnings_are_filtered_by_the_users_module():
    f = cpjit(lambda x: 1.0 / x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", module=__name__)
        f(np.zeros(3))
        cpjit(lambda x: np.linalg.inv(x), fallback="numpy")(np.eye(2))


def test_a_scalar_that_overflows_is_reported_once_at_the_users_line():
    f = cpjit(lambda x, number: x + number)
    x = np.ones(3, "f4")
    for call in (
        lambda: f(x, 1e39),
        f.bind(x, 1e39),
        lambda: cpjit(lambda x: x + 1e39)(x),
    ):
        with pytest.warns(RuntimeWarning) as caught:
            call()
        assert [str(each.message) for each in caught] == ["overflow encountered in cast"]
        assert caught[0].filename == __file__


def test_errors_of_scalars_beside_arrays_are_reported():
    f = cpjit(lambda x, n: x + (n + 1))
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        f(X, np.int32(2**31 - 1))
    bound = f.bind(X, np.int32(2**31 - 1))
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        bound()
    with np.errstate(all="raise"):
        f(X, np.int32(5))
        with pytest.raises(FloatingPointError):
            cpjit(lambda n: np.add(n, n) + (+n))(np.array(2**30 - 1, np.int32))
        assert cpjit(lambda n: n**2)(np.int64(2**40)) == 0
        assert cpjit(lambda n: n**3)(np.int32(50000)) == np.int32(50000) ** 3


def test_errors_of_scalars_are_those_of_an_empty_call_too():
    empty, f = np.zeros(0), cpjit(lambda x, a: x + 1 / a)
    assert f(empty, 2.0).shape == (0,)
    with pytest.raises(ZeroDivisionError):
        f(empty, 0.0)
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        f(empty, np.float64(0))
    with pytest.raises(OverflowError):
        cpjit(lambda x, n: x + n)(np.zeros(0, np.int32), 2**40)


def test_a_bound_call_reports_what_it_was_bound_with():
    number = np.array(0.0)
    bound = cpjit(lambda x, number: x / number).bind(np.ones(3), number)
    number[...] = 1.0
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        bound()


def test_scalars_of_float32_keep_their_bits():
    choose = cpjit(lambda x, number: np.where(x > 0, number, x))
    one = np.ones(1, np.float32)
    for bits in (0x7FA00001, 0x7FC12345, 0x80000000, 1, 0x007FFFFF):
        number = np.array([bits], np.uint32).view(np.float32)[0]
        assert choose(one, number).view(np.uint32)[0] == bits
    assert cpjit(lambda x: x * 2**64)(one)[0] == 2.0**64


def test_a_callback_that_is_missing_is_numpys_error():
    f = cpjit(lambda x: 1 / x)
    for mode in ("call", "log"):
        with np.errstate(all=mode, call=None), pytest.raises(NameError, match="no "):
            f(np.zeros(2))


def test_errors_of_a_scalars_conversion_are_reported():
    f = cpjit(lambda number: number.astype(np.int64))
    for x in (np.float64("nan"), np.array(np.inf)):
        with pytest.warns(RuntimeWarning, match="invalid value encountered in cast") as caught:
            f(x)
        assert [each.filename for each in caught] == [__file__]


def test_errors_are_those_of_values_that_out_overwrites():
    x = np.array([1e-200, 1.0])
    with np.errstate(under="warn"), pytest.warns(RuntimeWarning, match="underflow"):
        cpjit(lambda x: x * x)(x, out=x)
    z = np.array([0.0, 1.0, 2.0])
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        cpjit(lambda x, number: x / number)(np.ones(3), z[0:1].reshape(()), out=z)
