"""Outside variables: a function is traced again when one has another value."""

import contextlib
import dataclasses
import enum
import functools
import gc
import importlib
import signal
import sys
import threading
import types
import weakref

import numpy as np
import pytest
from calls import X
from cases import assert_same

from cpnum import cpjit
from cpnum.jit import outside
from cpnum.jit.cache import Cache
from cpnum.jit.outside import Outside


@pytest.fixture
def without_ipython(monkeypatch):
    """With it, the code of functions is compared as well."""
    monkeypatch.delitem(sys.modules, "IPython", raising=False)


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


class Numbered:
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
        lambda x: x * Numbered().number,
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
    visit = outside._Search._visit
    monkeypatch.setattr(
        outside._Search, "_visit", lambda *each: found.append(each[1]) or visit(*each)
    )
    outside.Outside().read(namespace["C0"].m0, [namespace["C1"]()])
    assert len(set(map(id, found))) >= kinds * methods
    assert len(found) <= 3 * kinds * (methods + 1)  # for the class, an instance, and a method


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


# Each defines `f`, or what it is made of, which reads the global `k`.
WAYS_TO_A_VARIABLE = {
    "a default": "def f(x, h=h): return h(x)",
    "a default that is a keyword": "def f(x, *, h=h): return h(x)",
    "a dictionary": "table = {'h': h}\ndef f(x): return table['h'](x)",
    "a list of pairs": "table = [('h', h)]\ndef f(x): return table[0][1](x)",
    "a named tuple": "table = namedtuple('Table', 'step')(h)\ndef f(x): return table.step(x)",
    "a namespace": "table = SimpleNamespace(step=h)\ndef f(x): return table.step(x)",
    "an attribute of an instance": "m = M()\nm.own = h\ndef f(x): return m.own(x)",
    "an attribute of an attribute": "m = M()\nm.inner = Inner()\ndef f(x): return m.inner.step(x)",
    "a slot": "m = Slot()\nm.own = h\ndef f(x): return m.own(x)",
    "a function's attribute": "def g(x): return g.own(x)\ng.own = h\ndef f(x): return g(x)",
    "a compiled function in a list": "table = [cpjit(h)]\ndef f(x): return table[0](x)",
    "arguments of a partial function": "def call(h, x): return h(x)\nf = partial(call, h)",
    "keywords of a partial function": "def call(x, h): return h(x)\nf = partial(call, h=h)",
    "a method that calls a method": "m = M()\ndef f(x): return m.outer(x)",
    "a bound method that calls a method": "f = M().outer",
    "a callable that calls a method": "f = M()",
    "a compiled method of a global": "m = M()\ndef f(x): return m.compiled(x)",
    "super": "m = Derived()\ndef f(x): return m.scale(x)",
    "a class method": "def f(x): return M.of_class(x)",
    "the making of an instance": "def f(x): return x * Made().made",
    "an item": "m = M()\ndef f(x): return x * m[0]",
    "a conversion": "m = M()\ndef f(x): return x * float(m)",
    "an attribute that is missing": "m = M()\ndef f(x): return x * m.missing",
    "a loop": "m = M()\ndef f(x): return [x * each for each in m][0]",
    "a with statement": "m = M()\ndef f(x):\n    with m as factor: return x * factor",
    "a context manager": "def f(x):\n    with managed() as factor: return x * factor",
    "a descriptor": "m = M()\ndef f(x): return x * m.described",
    "a metaclass": "def f(x): return x * Made.of_type",
    "a property that reads a property": "m = M()\ndef f(x): return x * m.twice",
    "a method that is dispatched": "def f(x): return M().dispatched('', x)",
    "a function that is dispatched": "def f(x): return dispatched('', x)",
}
COMMON = """
from collections import namedtuple
from contextlib import contextmanager
from functools import partial, singledispatch, singledispatchmethod
from types import SimpleNamespace
from cpnum import cpjit
k = 2.0
def h(x): return x * k
class Descriptor:
    def __get__(self, instance, owner): return k
class M:
    described = Descriptor()
    def scale(self, x): return x * k
    def outer(self, x): return self.scale(x)
    __call__ = outer
    @cpjit
    def compiled(self, x): return self.scale(x)
    @classmethod
    def of_class(cls, x): return cls.of_none(x)
    @staticmethod
    def of_none(x): return x * k
    def __getitem__(self, at): return k
    def __float__(self): return k
    def __getattr__(self, name):
        if name != "missing": raise AttributeError(name)
        return k
    def __iter__(self): yield k
    def __enter__(self): return k
    def __exit__(self, *error): pass
    @property
    def once(self): return k
    @property
    def twice(self): return self.once
    @singledispatchmethod
    def dispatched(self, kind, x): return x
    @dispatched.register
    def _(self, kind: str, x): return x * k
class Derived(M):
    def scale(self, x): return super().scale(x)
class Inner:
    def step(self, x): return x * k
class Slot:
    __slots__ = ("own",)
class Type(type):
    @property
    def of_type(cls): return k
class Made(metaclass=Type):
    def __init__(self): self.made = k
@contextmanager
def managed(): yield k
@singledispatch
def dispatched(kind, x): return x
@dispatched.register
def _(kind: str, x): return x * k
"""


@pytest.mark.parametrize("way", WAYS_TO_A_VARIABLE)
def test_all_that_a_function_may_call_is_searched(way):
    namespace = {"__name__": "models"}
    exec(COMMON + WAYS_TO_A_VARIABLE[way], namespace)
    f = cpjit(namespace["f"])
    assert_same(X * 2.0, f(X))
    namespace["k"] = 3.0
    assert_same(X * 3.0, f(X))


def test_large_containers_are_not_searched(without_ipython):
    namespace = {"k": 2.0, "data": [lambda x: x * 1.0] * 1_001}
    exec("def f(x): return x * len(data)", namespace)
    outside = Outside()
    outside.read(namespace["f"])
    assert {name for _, name, _ in outside.rows} == {"len", "data"}


@pytest.mark.parametrize(
    "statement, factor",
    [
        ("import lazy", "lazy.k"),
        ("from lazy import k", "k"),
        ("import lazy.inner", "lazy.inner.k"),
        ("from .inner import k", "k"),
        ("from . import inner", "inner.k"),
        ("from .. import lazy", "lazy.k"),
    ],
)
@pytest.mark.parametrize("loaded", [True, False])
def test_variables_of_modules_that_are_imported_inside_are_seen(
    tmp_path, monkeypatch, statement, factor, loaded
):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    if statement.startswith("from .. "):
        root, package = "outer", "outer.lazy"
    else:
        root = package = "lazy"
    folder = tmp_path / package.replace(".", "/")
    folder.mkdir(parents=True)
    for each in (folder / "__init__.py", folder / "inner.py"):
        each.write_text("k = 2.0")
    namespace = {"__name__": f"{package}.models", "__package__": package}
    exec(f"def f(x):\n    {statement}\n    return x * {factor}", namespace)
    f = cpjit(namespace["f"])
    try:
        if loaded:
            namespace["f"](X)
        assert_same(X * 2.0, f(X))
        for name, module in sys.modules.items():
            if name.partition(".")[0] == root:
                module.k = 3.0
        assert_same(X * 3.0, f(X))
    finally:
        for name in [each for each in sys.modules if each.partition(".")[0] == root]:
            del sys.modules[name]


def test_a_name_may_come_to_stand_for_another_module():
    one, other = types.ModuleType("one"), types.ModuleType("other")
    one.scale = lambda x: x * 2.0
    other.scale, other.exp = (lambda x: x * 3.0), np.sqrt
    namespace = {"settings": one, "xp": np}
    exec("def f(x): return settings.scale(xp.exp(x))", namespace)
    f, x = cpjit(namespace["f"]), np.zeros(3)
    assert_same(np.ones(3) * 2.0, f(x))
    namespace["settings"] = other
    assert_same(np.ones(3) * 3.0, f(x))
    namespace["xp"] = other
    assert_same(np.zeros(3), f(x))


def test_the_usual_names_of_modules_that_do_not_change_are_not_compared(without_ipython):
    namespace = {}
    exec("import math, numpy as np\ndef f(x): return np.exp(x) * math.pi", namespace)
    f = cpjit(namespace["f"])
    f(X)
    assert f._cache.outside.rows == []


def test_a_global_that_hides_a_builtin_is_seen():
    namespace = {}
    exec("def f(x): return abs(x) * 2.0", namespace)
    f = cpjit(namespace["f"])
    f(X)
    namespace["abs"] = lambda x: x + 1.0
    assert_same((X + 1.0) * 2.0, f(X))
    del namespace["abs"]
    assert_same(abs(X) * 2.0, f(X))


def test_the_names_of_attributes_are_no_globals(without_ipython):
    namespace = {"real": 2.0, "np": np}
    names = "\n".join(f"    v{at}" for at in range(300))  # beyond a byte
    exec(f"def many(x):\n{names}\n    return x.real * last", namespace)
    read = Outside()
    read.read(namespace["many"])
    assert [name for _, name, _ in read.rows] == [*[f"v{at}" for at in range(300)], "last"]


def test_replaced_code_of_an_imported_function_is_seen_in_ipython(monkeypatch):
    pytest.importorskip("IPython")
    namespace = {"__name__": "helpers"}
    exec("def h(x): return x * 2.0\ndef other(x): return x * 3.0", namespace)
    exec("class M:\n    def scale(self, x): return x * 2.0", namespace)
    h, model, other = namespace["h"], namespace["M"](), namespace["other"]
    functions = [cpjit(h), cpjit(lambda x: h(x)), cpjit(lambda x: model.scale(x) * 1.0)]
    for f in functions:
        assert_same(X * 2.0, f(X))
    h.__code__ = other.__code__
    type(model).scale.__code__ = (lambda self, x: x * 3.0).__code__
    for f in functions:
        assert_same(X * 3.0, f(X))


def test_a_variable_that_another_thread_assigns_during_a_trace_is_compared():
    namespace = {"k": 2.0}

    def assign():
        thread = threading.Thread(target=lambda: namespace.update(k=namespace["next"]))
        thread.start()
        thread.join()

    namespace |= {"assign": assign, "next": 3.0}
    exec("def f(x):\n    y = x * k\n    assign()\n    return y", namespace)
    f = cpjit(namespace["f"])
    assert_same(X * 2.0, f(X))
    assert_same(X * 3.0, f(X))
    namespace["k"] = namespace["next"] = 5.0
    assert_same(X * 5.0, f(X))


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


def test_variables_that_are_assigned_are_found_among_modules_with_arrays():
    namespaces = [{"count": 0, "data": np.ones(3)} for _ in range(2)]
    for each in namespaces:
        exec("def f(x):\n    global count\n    count += 1\n    return x * len(data)", each)
    one, other = (each["f"] for each in namespaces)
    f = cpjit(lambda x: one(x) + other(x))
    for _ in range(3):
        assert_same(X * 6.0, f(X))
    assert [each["count"] for each in namespaces] == [1, 1]


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


def test_calls_are_compared_with_the_variables_of_their_own_cache():
    namespace = {"k": 2.0}
    f = cpjit(eval("lambda x: x * k", namespace))
    f(X)
    steps = []

    def use_another_cache_meanwhile(frame, event, argument):
        """Do as another thread that sees the change, too: before the last line of `_use`."""
        steps.append(event)
        if steps.count("line") == lines:
            sys.settrace(None)
            f._use(Cache(f.py_func, f._cache.options, f.isa))
        return use_another_cache_meanwhile

    for lines in (1, 2, 3):  # noqa: B007
        namespace["k"] += 1.0
        steps.clear()
        cache = Cache(f.py_func, f._cache.options, f.isa)
        sys.settrace(use_another_cache_meanwhile)
        f._use(cache)
        sys.settrace(None)
        for _ in range(2):
            assert_same(X * namespace["k"], f(X))
            namespace["k"] += 1.0
