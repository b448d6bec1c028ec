"""Names that stand for other functions while a function is traced: `asarray`, `zeros`, `max`.

NumPy has no hook for `np.asarray(x)`: it asks `x.__array__()` for an array of numbers.  So the name
`asarray` stands for a function of cpnum's while any function is traced, in the module `numpy` and
wherever `from numpy import asarray` put it.  What it does for other threads, and if somebody keeps
it, is what NumPy's function does: it passes on all but tracers.

Nor has Python a hook for `max(x)`, which iterates an array.  All modules share its functions, so
these stay in their place.  A name stands for another one in the globals of the functions that the
call may come to.

>>> asarray = np.asarray
>>> with replaced(Builder(), max, ()):
...     np.asarray is asarray, np.asarray([1, 2])
(False, array([1, 2]))
>>> np.asarray is asarray
True
"""

from __future__ import annotations

import functools
import math
import operator
import os
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

import numpy as np

from cpnum.ir.sites import is_installed
from cpnum.trace.builder import Builder, Traced
from cpnum.trace.built_in import BUILT_IN, is_iterated
from cpnum.trace.calls import called_at
from cpnum.trace.converting import CONVERSIONS
from cpnum.trace.joining import has_tracer
from cpnum.trace.made import RUNNING, computed, looked, traced, zeroed
from cpnum.trace.reached import called_by, codes_of, functions_of, loaded

_Function = Callable[..., Any]


# The functions of NumPy that make arrays of numbers.
_MAKERS = """
    zeros ones empty eye identity arange linspace logspace geomspace tri bartlett blackman hamming
    hanning kaiser indices diag_indices tril_indices triu_indices""".split()


class Replacement:
    """A function in the place of one of NumPy's: it is NumPy's for everything but tracers.

    What it makes of numbers while a function is traced is a made array of that function.  It is no
    Python function, which would become a method in a class.
    """

    def __init__(self, original: _Function) -> None:
        self.original = original
        # The number of the argument that may be a tracer, and the function that is called then.
        self._at: int
        self._convert: _Function | None
        self._at, self._convert = CONVERSIONS.get(original, (0, None))
        self._of_numbers = getattr(original, "__name__", None) in _MAKERS
        self._make = zeroed(original) if original is np.empty else original
        functools.update_wrapper(self, original, updated=())

    def __call__(self, /, *arguments: Any, **keywords: Any) -> Any:
        """Call NumPy's function, or the one of tracers."""
        builder = RUNNING.builder
        if builder is not None:
            arguments, keywords = traced(arguments), traced(keywords)
        if self._convert is not None and len(arguments) > self._at:
            value = arguments[self._at]
            if issubclass(type(value), Traced) or (
                builder is not None and isinstance(value, list | tuple) and has_tracer(value)
            ):
                return self._convert(*arguments, **keywords)
        if builder is None or sys._getframe(1).f_code.co_name == "<module>":
            # A module that the function imports keeps what it makes.
            return self.original(*arguments, **keywords)
        if self._of_numbers:
            arguments = looked(arguments)
            keywords = {name: looked(each) for name, each in keywords.items()}
        return computed(self._make, arguments, keywords, self.original)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)

    def __repr__(self) -> str:
        return repr(self.original)

    def __reduce__(self) -> Any:
        return _original, (self.__name__,)


class IndexedReplacement(Replacement):
    """An object in the place of one of NumPy's that makes arrays of indices, such as `np.mgrid`."""

    def __getitem__(self, key: Any) -> Any:
        if RUNNING.builder is None:
            return self._get(key)
        return computed(self._get, (key,))

    @property
    def _get(self) -> _Function:
        indexed: Any = self.original
        get: _Function = indexed.__getitem__
        return get


class BuiltInReplacement(Replacement):
    """A function in the place of one of Python's: it is Python's for everything but traced arrays.

    Its name is no variable of the user's.
    """

    def __init__(self, original: _Function) -> None:
        super().__init__(original)
        self._traced, self._names = BUILT_IN[original]

    def __call__(self, /, *arguments: Any, **keywords: Any) -> Any:
        """Call Python's function, or the one of traced arrays."""
        if RUNNING.builder is None:
            # Another thread traces.  What this one is warned of is at its own line.
            return called_at(sys._getframe(1), self.original)(*arguments, **keywords)
        array = traced(arguments[0]) if arguments else None
        if is_iterated(array) and len(arguments) + len(keywords) <= 1 + len(self._names):
            if keywords.keys() <= {*self._names}:
                return self._traced(array, *arguments[1:], **keywords)
        return self.original(*arguments, **keywords)

    def __reduce__(self) -> Any:
        return _built_in, (self.__name__,)


def original(value: object) -> object:
    """Return what a variable has when nothing is traced: NumPy's function, or nothing, as before.

    Anything else is returned as it is.
    """
    kind = type(value)
    if kind is BuiltInReplacement:
        return None
    if kind is Replacement or kind is IndexedReplacement:
        return value.original  # type: ignore[attr-defined]
    return value


def _original(name: str) -> _Function:
    """Return NumPy's function of a name, for pickles."""
    return ORIGINALS[name]


def _built_in(name: str) -> _Function:
    """Return Python's function of a name, for pickles."""
    return _BUILT_IN[name].original


# The functions of NumPy that are replaced by name: those of tracers, those that make arrays of
# numbers, those that make arrays of lists, too (an array answers for them itself), and objects.
_OF_LISTS = """
    block column_stack concatenate cumprod cumsum diag diagflat diff dstack fromiter hstack kron
    meshgrid outer repeat stack tile tril triu vander vstack""".split()
_INDEXED = "mgrid ogrid c_ r_".split()
ORIGINALS: dict[str, _Function] = {
    **{each.__name__: each for each in CONVERSIONS},
    **{name: getattr(np, name) for name in (*_MAKERS, *_OF_LISTS, *_INDEXED)},
}
_REPLACEMENTS = {
    name: (IndexedReplacement if name in _INDEXED else Replacement)(each)
    for name, each in ORIGINALS.items()
}
_BY_ID = {id(each): _REPLACEMENTS[name] for name, each in ORIGINALS.items()}
_BUILT_IN = {each.__name__: BuiltInReplacement(each) for each in BUILT_IN}


# -- where the names are ------------------------------------------------------------------------

_Namespace = dict[str, Any]


class _Place:
    """The names of one namespace that stand for functions to replace."""

    __slots__ = ("_functions", "_get", "_replacements", "namespace")

    def __init__(self, namespace: _Namespace, names: Iterable[str]) -> None:
        self.namespace = namespace
        self._functions = {name: original(namespace[name]) for name in names}
        self._replacements = {name: _BY_ID[id(each)] for name, each in self._functions.items()}
        get = operator.itemgetter(*self._functions)
        self._get = get if len(self._functions) > 1 else lambda namespace: (get(namespace),)

    def replace(self) -> None:
        """Put the replacements there."""
        self._exchange(self._functions, self._replacements)

    def restore(self) -> None:
        """Put NumPy's functions there again."""
        self._exchange(self._replacements, self._functions)

    def _exchange(self, before: _Namespace, after: _Namespace) -> None:
        """Set the names anew, but those that somebody has set to something else."""
        namespace = self.namespace
        try:
            if self._get(namespace) == (*before.values(),):
                namespace.update(after)
                return
        except KeyError:
            pass  # one was deleted
        namespace.update(
            {name: after[name] for name in after if namespace.get(name) is before[name]}
        )


class _NewPlace:
    """A name that a namespace does not have, as it finds a built-in function by it."""

    __slots__ = ("name", "namespace")

    def __init__(self, namespace: _Namespace, name: str) -> None:
        self.namespace = namespace
        self.name = name

    def replace(self) -> None:
        """Put the replacement there."""
        self.namespace.setdefault(self.name, _BUILT_IN[self.name])

    def restore(self) -> None:
        """Take the replacement away, but not what somebody has set the name to."""
        if self.namespace.get(self.name) is _BUILT_IN[self.name]:
            self.namespace.pop(self.name, None)


def _new_places(functions: Iterable[types.FunctionType]) -> Iterator[_NewPlace]:
    """Yield the places of the built-in functions that these functions read."""
    for each in functions:
        namespace = each.__globals__
        built_in = cast(Any, each).__builtins__
        for code in codes_of(each.__code__):
            if _BUILT_IN.keys().isdisjoint(code.co_names):
                continue
            raw = code.co_code
            for name in _BUILT_IN.keys() & loaded(code, raw, raw[::2]):
                replacement = _BUILT_IN[name]  # another thread may have put it there
                if namespace.get(name, replacement) is not replacement:
                    continue
                if built_in.get(name) is replacement.original:
                    yield _NewPlace(namespace, name)


# Modules that no trace enters: NumPy's own functions are in the table of tracers, or refused.
_NOT_ENTERED = sys.stdlib_module_names | {"cpnum", "numpy"}

_NUMPY = _Place(vars(np), ORIGINALS)


class _Modules:
    """The loaded modules that have such a name; each is looked at once, when it is complete."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._count = 0
        self._found: list[tuple[weakref.ref[types.ModuleType], _Place]] = []

    def places(self) -> list[_Place]:
        """Return the names in all modules; look at those that were loaded since."""
        if len(sys.modules) != self._count:
            self._look()
        return [place for module, place in self._found if module() is not None]

    def _look(self) -> None:
        modules = dict(sys.modules)
        is_complete = True
        for name in modules.keys() - self._seen:
            module = modules[name]
            if type(module) is types.ModuleType and name.partition(".")[0] not in _NOT_ENTERED:
                if getattr(module.__spec__, "_initializing", False):
                    is_complete = False
                    continue
                names = _names_in(vars(module), is_installed(_file(module)))
                if names:
                    self._found.append((weakref.ref(module), _Place(vars(module), names)))
            self._seen.add(name)
        if is_complete:
            self._count = len(modules)


def _file(module: types.ModuleType) -> str:
    return getattr(module, "__file__", None) or ""


def _names_in(namespace: _Namespace, is_usual: bool) -> list[str]:
    """Return the names that stand for one of the functions; only its own name if it `is_usual`."""
    if is_usual:
        return [name for name, each in ORIGINALS.items() if namespace.get(name) is each]
    if _BY_ID.keys().isdisjoint(map(id, namespace.values())):
        return []
    return [name for name, value in list(namespace.items()) if id(value) in _BY_ID]


def _calls_numpy_only(function: types.FunctionType, arguments: Iterable[object]) -> bool:
    """Tell at once that a function calls functions of NumPy, of `math` and built-in ones only."""
    code = function.__code__
    if function.__closure__ or function.__defaults__ or function.__kwdefaults__:
        return False
    if any(type(each) is types.CodeType for each in code.co_consts):
        return False
    namespace = function.__globals__
    for name in code.co_names:
        value = namespace.get(name)
        if value is not None and value is not np and value is not math:
            return False
    return all(isinstance(each, Traced) for each in arguments)


# -- replacing ----------------------------------------------------------------------------------


class _Names:
    """The names that are replaced now, and how many traces run."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.traces = 0
        # The names of a namespace, by its id, and single ones.
        self._replaced: dict[object, _Place | _NewPlace] = {}
        self._modules = _Modules()

    def replace(self, function: Any, arguments: Sequence[object]) -> None:
        """Replace the names that a call may come to, until `restore` was called as often."""
        own = called_by(function)
        # A bound method, for example, may call others of its object.
        alone = [own] if own is function and _calls_numpy_only(own, arguments) else []
        new = [*_new_places(alone or functions_of(function, arguments))]
        with self.lock:
            self.traces += 1
            self._put(id(_NUMPY.namespace), _NUMPY)
            for each in new:
                self._put((id(each.namespace), each.name), each)
            if alone:
                return
            for place in self._modules.places():
                self._put(id(place.namespace), place)
            # Their names may be new, or they may be no module's.
            namespaces = [] if own is None else [own.__globals__]
            if "__main__" in sys.modules:
                namespaces.append(vars(sys.modules["__main__"]))
            for namespace in namespaces:
                if id(namespace) not in self._replaced:
                    names = _names_in(namespace, is_usual=False)
                    if names:
                        self._put(id(namespace), _Place(namespace, names))

    def _put(self, key: object, place: _Place | _NewPlace) -> None:
        if key not in self._replaced:
            self._replaced[key] = place
            place.replace()

    def restore(self) -> None:
        """Restore all names when the last trace has ended."""
        with self.lock:
            self.traces -= 1
            if not self.traces:
                self.put_back()

    def put_back(self) -> None:
        """Restore the names."""
        while self._replaced:
            key, place = self._replaced.popitem()
            self._replaced[key] = place  # until it is done, or an interrupt would leave it
            place.restore()
            del self._replaced[key]

    def in_child(self) -> None:
        """After a fork, only the thread that forked is there."""
        self.lock = threading.Lock()
        self.traces = RUNNING.depth
        if not self.traces:
            self.put_back()


_NAMES = _Names()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: _NAMES.lock.acquire(),
        after_in_parent=lambda: _NAMES.lock.release(),
        after_in_child=_NAMES.in_child,
    )


class replaced:  # noqa: N801 (it reads as a function, and `contextmanager` takes longer)
    """Replace names while `builder` traces a call of `function` in this thread."""

    __slots__ = ("_arguments", "_before", "_builder", "_function")

    def __init__(self, builder: Builder, function: Any, arguments: Sequence[object]) -> None:
        self._builder = builder
        self._function = function
        self._arguments = arguments

    def __enter__(self) -> None:
        _NAMES.replace(self._function, self._arguments)
        self._before = RUNNING.builder
        RUNNING.builder = self._builder
        RUNNING.depth += 1

    def __exit__(self, *error: object) -> None:
        RUNNING.builder = self._before
        RUNNING.depth -= 1
        _NAMES.restore()
