"""Outside variables: a function is traced again when one has another value."""

import contextlib
import dataclasses
import enum
import functools
import gc
import importlib
import signal
import sys
import types
import weakref

import numpy as np
import pytest
from calls import X
from cases import assert_same

from cpnum import cpjit
from cpnum.jit import outside

factor = 2.0
counter = 0
compiled_helper = None


def helper(x):
    return x + 1


def use_factor(x):
    return x * factor


def use_helper(x):
    return helper(x) * 2


def set_global(monkeypatch, name, value):
    monkeypatch.setattr(sys.modules[__name__], name, value)


def traced(compiled):
    """Return a function that calls the compiled one, and how often that was traced."""
    calls = []

    @functools.wraps(compiled)
    def counted(*arguments):
        calls.append(arguments)
        return compiled(*arguments)

    return cpjit(counted), calls


@pytest.mark.parametrize("value", [3.0, 2, True, np.float32(2), -2.0])
def test_a_global_with_another_value_is_seen_by_every_signature(monkeypatch, value):
    f = cpjit(use_factor)
    f(X), f(X[:1])
    set_global(monkeypatch, "factor", value)
    for x in (X, X[:1]):
        assert_same(use_factor(x), f(x))
    monkeypatch.undo()
    assert_same(use_factor(X), f(X))


def test_zeros_of_either_sign_are_two_values(monkeypatch):
    f = cpjit(lambda x: x * factor)
    for value in (0.0, -0.0):
        set_global(monkeypatch, "factor", value)
        assert_same(f.py_func(X), f(X))


def test_an_equal_value_in_another_object_is_no_other_value(monkeypatch):
    f, calls = traced(use_factor)
    f(X)
    for _ in range(3):
        set_global(monkeypatch, "factor", float("2.0"))
        f(X)
    assert len(calls) == 1


def test_functions_that_are_called_are_seen_and_what_they_read(monkeypatch):
    f = cpjit(use_helper)
    f(X)
    set_global(monkeypatch, "helper", lambda x: x - factor)
    assert_same(use_helper(X), f(X))
    set_global(monkeypatch, "factor", 5.0)
    assert_same(use_helper(X), f(X))


def test_compiled_functions_that_are_called_are_seen(monkeypatch):
    set_global(monkeypatch, "compiled_helper", cpjit(use_factor))
    f = cpjit(lambda x: compiled_helper(x) + 1)
    f(X)
    set_global(monkeypatch, "factor", 7.0)
    assert_same(X * 7.0 + 1, f(X))


def test_callables_of_all_kinds_are_seen(monkeypatch):
    class Scaling:
        def __call__(self, x):
            return x * factor

        def scaled(self, x):
            return x * factor

    for function in (
        functools.partial(lambda k, x: x * k * factor, 2.0),
        Scaling().scaled,
        Scaling(),
        functools.wraps(helper)(lambda x: x * factor),
        lambda x: max((x * factor for _ in range(1)), key=id),
        lambda x: (lambda: x * factor)(),
    ):
        for compiled in (cpjit(function), cpjit(lambda x: function(x) + 1)):  # noqa: B023
            set_global(monkeypatch, "factor", 2.0)
            compiled(X)
            set_global(monkeypatch, "factor", 3.0)
            assert_same(compiled.py_func(X), compiled(X))


class Scaled:
    def scaled(self, x):
        return x * factor


class Left(Scaled):
    def scaled(self, x):
        return super().scaled(x)


class Right(Scaled):
    def scaled(self, x):
        return super().scaled(x) * factor


class Both(Left, Right):
    def twice(self, x):
        return self.scaled(x) * 2


class Made:
    def __init__(self):
        self.number = factor


@dataclasses.dataclass
class Changed:
    number: float = 1.0

    def __post_init__(self):
        self.number *= factor


@contextlib.contextmanager
def managed():
    yield factor


def use_managed(x):
    with managed() as number:
        return x * number


class Special:
    """A class with one special method, which is used without its name."""

    @staticmethod
    def of(name, method):
        return type("Special", (Special,), {name: method})()


INDEXED = Special.of("__getitem__", lambda self, key: factor)
SIZED = Special.of("__len__", lambda self: int(factor))
NUMBER = Special.of("__float__", lambda self: factor)
ITERATED = Special.of("__iter__", lambda self: iter([factor]))
ANY = Special.of("__getattr__", lambda self, name: factor)
LEFT, BOTH = Left(), Both()


def factor_of_helper(x, function=use_factor):
    return function(x)


def factor_of_method(x, *, scaled=LEFT):
    return scaled.scaled(x)


@pytest.mark.parametrize(
    "function",
    [
        factor_of_helper,
        factor_of_method,
        lambda x: LEFT.scaled(x),
        LEFT.scaled,
        lambda x: BOTH.scaled(x),
        BOTH.twice,
        lambda x: Both().twice(x),
        lambda x: x * Made().number,
        lambda x: x * Changed().number,
        use_managed,
        lambda x: x * INDEXED[0],
        lambda x: x * len(SIZED),
        lambda x: x * float(NUMBER),
        lambda x: x * next(iter(ITERATED)),
        lambda x: x * ANY.number,
        functools.partial(lambda function, x: function(x), use_factor),
        functools.partial(lambda scaled, x: scaled.scaled(x), LEFT),
        functools.partial(lambda x, function: function(x), function=use_factor),
    ],
)
def test_what_runs_without_its_name_is_seen(monkeypatch, function):
    compiled = cpjit(function)
    compiled(X)
    set_global(monkeypatch, "factor", 3.0)
    assert_same(function(X), compiled(X))


def test_each_member_of_a_class_is_searched_once(monkeypatch):
    kinds, methods = 20, 10
    program = "".join(
        f"class C{i}:\n    def __len__(self): return 1\n"
        + "".join(
            f"    def m{k}(self, x):\n"
            f"        return self.m{(k + 1) % methods}(C{(i + k) % kinds}().m{k}(x))\n"
            for k in range(methods)
        )
        for i in range(kinds)
    )
    namespace = {"__name__": "program"}
    exec(program, namespace)
    found = []
    monkeypatch.setattr(outside, "_function_of", lambda member: found.append(member) or member)
    outside.Outside().read(namespace["C0"].m0, [namespace["C1"]()])
    assert len(set(found)) >= kinds * methods
    assert len(found) <= 2 * kinds * (methods + 1)  # once for the class, once for an instance


def test_of_installed_packages_only_what_is_called_by_name_is_searched():
    program = (
        "factor = 2.0\n"
        "def scaled(x): return x * factor\n"
        "class Sized:\n"
        "    def __len__(self): return other\n"
        "    def scaled(self, x): return self.twice(x) * factor\n"
        "    def twice(self, x): return x * another\n"
    )
    library = types.ModuleType("library")
    library.other = library.another = 2
    exec(compile(program, "/usr/lib/python3/site-packages/library.py", "exec"), vars(library))
    sized = library.Sized()
    read = outside.Outside()
    read.read(lambda x: library.scaled(sized.scaled(x)) * len(sized))
    names = {name for _, name, _ in read.rows}
    assert "factor" in names
    assert names.isdisjoint(["other", "another"])


def test_a_function_that_cannot_run_is_not_searched(monkeypatch):
    made = Made()
    compiled, calls = traced(lambda x: x * made.number)
    compiled(X)
    set_global(monkeypatch, "factor", 3.0)
    compiled(X)
    assert len(calls) == 1


IMPORTING = {
    "import settings_of_a_test": "settings_of_a_test.parts.scale",
    "import settings_of_a_test.parts": "settings_of_a_test.parts.scale",
    "import settings_of_a_test.parts as parts": "parts.scale",
    "from settings_of_a_test import parts": "parts.scale",
    "from settings_of_a_test.parts import scale": "scale",
    "from . import parts": "parts.scale",
    "from .parts import scale": "scale",
    "from .deep.er import number": "number",
    "from .deep import er": "er.number",
}


@pytest.mark.parametrize("loaded", [True, False], ids=["loaded", "not loaded"])
@pytest.mark.parametrize("statement", IMPORTING)
def test_what_is_imported_inside_of_the_function_is_seen(tmp_path, monkeypatch, statement, loaded):
    package = tmp_path / "settings_of_a_test"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("from . import parts")
    (package / "parts.py").write_text("scale = 2.0")
    (package / "deep" / "__init__.py").write_text("")
    (package / "deep" / "er.py").write_text("number = 2.0")
    (package / "deep" / "up.py").write_text(
        "def g(x):\n    from ..parts import scale\n    return x * scale"
    )
    (package / "use.py").write_text(
        f"def f(x):\n    {statement}\n    return x * {IMPORTING[statement]}"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        functions = [
            importlib.import_module("settings_of_a_test.use").f,
            importlib.import_module("settings_of_a_test.deep.up").g,
        ]
        if loaded:
            for function in functions:
                function(X)
        for function in functions:
            compiled = cpjit(function)
            assert_same(X * 2.0, compiled(X))
            sys.modules["settings_of_a_test.parts"].scale = 3.0
            sys.modules.get("settings_of_a_test.deep.er", types.ModuleType("er")).number = 3.0
            assert_same(X * 3.0, compiled(X))
            sys.modules["settings_of_a_test.parts"].scale = 2.0
    finally:
        for name in [name for name in sys.modules if name.startswith("settings_of_a_test")]:
            del sys.modules[name]


class Model:
    def helper(self, x):
        return x * factor

    @cpjit
    def step(self, x):
        return self.helper(x) + 1


def test_methods_of_the_first_argument_are_searched(monkeypatch):
    model = Model()
    model.step(X)
    set_global(monkeypatch, "factor", 3.0)
    assert_same(X * 3.0 + 1, model.step(X))


def test_functions_that_wrap_each_other_are_searched_once():
    @functools.wraps(helper)
    def wrapping(x):
        return wrapping.__wrapped__(x)

    scaling = type("Scaling", (), {"__call__": lambda self, x: x * factor})()
    scaling.__wrapped__ = scaling
    for function in (wrapping, scaling):
        assert_same(function(X), cpjit(lambda x: function(x))(X))  # noqa: B023


class Colour(enum.Enum):
    RED = 2.0

    def doubled(self):
        return self.value * factor


class Weight(enum.IntFlag):
    HEAVY = 2


class Length:
    def __init__(self, metres):
        self.metres = metres


class Wide:
    """Its member is an instance of a class that has an instance of this one."""


class High:
    wide = Wide()


Length.mile = Length(1609.344)
Wide.high = High()
High.metres = 3.0

MEMBERS = {
    "enum": lambda x: x * Colour.RED.value,
    "method": lambda x: x * Colour.RED.doubled(),
    "flag": lambda x: x * int(Weight.HEAVY | Weight.HEAVY),
    "default": lambda x, colour=Colour.RED: x + (colour is Colour.RED),
    "own class": lambda x: x * Length.mile.metres * Length.mile.mile.metres,
    "each other's": lambda x: x * High.wide.high.wide.high.metres,
}


@pytest.fixture
def few_seconds():
    """Raise TimeoutError in a test that does not end."""

    def stop(number, frame):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(5)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("name", MEMBERS)
def test_members_of_classes_that_are_their_instances_are_searched_once(name, few_seconds):
    assert_same(MEMBERS[name](X), cpjit(MEMBERS[name])(X))


class Proxy:
    """As the objects of web frameworks, which stand for others while a request is served."""

    def __getattribute__(self, name):
        if name == "__dict__":
            return {}
        raise RuntimeError(f"no object to ask for {name}")


class Unhashable(type):
    def __eq__(cls, other):
        return cls is other


class Held(metaclass=Unhashable):
    value = 3.0

    def double(self):
        return self.value * factor


def test_objects_and_classes_without_class_or_hash_are_searched(monkeypatch):
    proxy, held, Held.proxy = Proxy(), Held(), Proxy()
    for function in (
        lambda x: x + (proxy is not None),
        eval("lambda x: x + (proxy is not None)", {"proxy": proxy}),
        lambda x: x + (Held.proxy is not None),
        lambda x: x * Held.value,
        lambda x: x * held.double(),
    ):
        f = cpjit(function)
        assert_same(function(X), f(X))
        set_global(monkeypatch, "factor", factor + 1)
        assert_same(function(X), f(X))
    del Held.proxy  # pytest asks it for its class


def test_what_a_method_of_an_enum_reads_is_seen(monkeypatch, few_seconds):
    f = cpjit(MEMBERS["method"])
    f(X)
    set_global(monkeypatch, "factor", 3.0)
    assert_same(MEMBERS["method"](X), f(X))


def test_variables_of_modules_are_seen(monkeypatch):
    settings = types.ModuleType("settings")
    settings.scale, settings.inner = 2.0, types.ModuleType("settings.inner")
    settings.inner.offset = 1.0
    monkeypatch.setitem(globals(), "settings", settings)
    f = cpjit(eval("lambda x: x * settings.scale + settings.inner.offset", globals()))
    f(X)
    settings.scale = 3.0
    assert_same(f.py_func(X), f(X))
    settings.inner.offset = 5.0
    assert_same(f.py_func(X), f(X))


def test_variables_of_enclosing_functions_are_seen():
    k = 2.0
    f = cpjit(lambda x: x * k)  # noqa: F821
    g = cpjit(lambda x: f(x) + 1)
    f(X), g(X)
    k = 3.0
    assert_same(X * 3.0, f(X))
    assert_same(X * 3.0 + 1, g(X))
    del k
    for function in (f.py_func, f):
        with pytest.raises(NameError):
            function(X)


def test_a_global_that_was_deleted_is_seen():
    namespace = {"k": 2.0}
    f = cpjit(eval("lambda x: x * k", namespace))
    f(X)
    del namespace["k"]
    with pytest.raises(NameError):
        f(X)


def test_every_way_to_a_kernel_sees_another_value(monkeypatch):
    f = cpjit(use_factor)
    f(X), f.bind(X), f.lower(X), f(X, out=np.empty_like(X))
    set_global(monkeypatch, "factor", 3.0)
    assert " 3.0 " in str(f.lower(X).graph)
    set_global(monkeypatch, "factor", 4.0)
    assert_same(X * 4.0, f.bind(X)())
    set_global(monkeypatch, "factor", 5.0)
    assert_same(X * 5.0, f(X, out=np.empty_like(X)))
    set_global(monkeypatch, "factor", 6.0)
    assert_same(X * 6.0, f(x=X))
    assert f.signatures == ["f64[:]"]


def test_a_variable_that_the_function_assigns_is_not_compared(monkeypatch):
    set_global(monkeypatch, "counter", 0)

    @cpjit
    def counting(x):
        global counter
        counter += 1
        return x + 1

    for x in (X, X, X[:1], X[:1]):
        counting(x)
    assert counter == 2


def test_a_change_during_a_trace_is_seen_by_the_next_call():
    namespace = {"k": 2.0, "other": 1.0}
    exec("def function(x):\n    y = x * k\n    change()\n    return y + other", namespace)
    namespace["change"] = lambda: namespace.update(other=9.0)
    f = cpjit(namespace["function"])
    f(X)
    assert_same(X * 2.0 + 9.0, f(X))


def test_old_kernels_and_values_are_not_kept():
    class Scaling:
        k = 2.0

    namespace = {"scaling": Scaling()}
    f = cpjit(eval("lambda x: x * scaling.k", namespace))
    f(X)
    old = weakref.ref(namespace["scaling"])
    code = weakref.ref(next(iter(f._cache.calls.values())).placement.region)
    namespace["scaling"] = Scaling()
    f(X)
    gc.collect()
    assert old() is None
    assert code() is None


def test_what_is_inside_of_an_object_is_a_constant():
    values = [2.0]
    f = cpjit(lambda x: x * values[0])
    f(X)
    values[0] = 3.0
    assert_same(X * 2.0, f(X))
