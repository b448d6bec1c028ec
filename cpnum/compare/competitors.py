"""Those that are timed against each other: a compiled function, NumPy, numexpr, Numba, others.

Each of them makes its function anew, which is then prepared for the arguments of a call.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import FunctionType
from typing import Any, Literal, NamedTuple

import numpy as np

from cpnum.compare.expression import Expression, expression_of
from cpnum.compile.kernel import Kernel, Kernels
from cpnum.errors import CpnumError, UnsupportedError
from cpnum.ir.program import Program
from cpnum.jit.function import Jit, cpjit
from cpnum.jit.method import Method
from cpnum.run import memory
from cpnum.run.observer import as_written, observing
from cpnum.show.comparison import one_line, pairs_of
from cpnum.trace.arguments import arguments_of
from cpnum.trace.trace import trace

Compiled = Jit | Method
Against = str | Iterable[str] | Mapping[str, Callable[..., Any]] | None

CPNUM, NUMPY = "cpnum", "NumPy"


class Given(NamedTuple):
    """The arguments of a call."""

    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]

    def call(self, function: Callable[..., Any]) -> Callable[[], Any]:
        """Return the call of a function with these arguments."""
        return functools.partial(function, *self.arguments, **self.keywords)

    def arrays(self) -> dict[str, Any]:
        """Return the arrays among the arguments, and in containers, by their places.

        >>> [*Given((np.ones(1), [2, np.ones(1)]), {"x": np.ones(1)}).arrays()]
        ['[0]', '[1][1]', "['x']"]
        """
        both = self.arguments, {**self.keywords}
        pairs = [pair for each in both for pair in pairs_of(each, each)]
        return {place: each for place, each, _ in pairs if isinstance(each, np.ndarray)}


# Prepares a function for a call.
Prepared = Callable[[Given], Callable[[], Any]]


class Competitor(NamedTuple):
    """Something that computes a function.

    `make` makes it anew; it is compiled then, or when the call that it prepares is made.  `about`
    says how it computes.  `kernel` returns what cpnum has compiled.  `compiles` tells how often
    there is something to compile: never, once, or each time it is made.
    """

    name: str
    make: Callable[[], Prepared]
    about: str = ""
    kernel: Callable[[Given], Kernel | Kernels] | None = None
    compiles: Literal["never", "once", "again"] = "again"


# -- cpnum and NumPy ----------------------------------------------------------------------------


def remade(function: Compiled) -> Compiled:
    """Return a compiled function with the same options, for which nothing is compiled yet.

    >>> remade(cpjit(lambda x: x + 1, fastmath=True)).fastmath
    True
    """
    if isinstance(function, Method):
        made = remade(function.__func__)  # type: ignore[arg-type]
        return Method(made, function.__self__)
    return cpjit(
        function.py_func,
        fastmath=function.fastmath,
        precision=function.precision,
        accuracy=function.accuracy,
        isa=None if function.isa is None else str(function.isa),
        fallback=function.fallback,
    )


def compiled(function: Compiled, given: Given) -> Competitor:
    """Return a compiled function as a competitor.

    Raises:  the error that its call raises, unless it has `fallback="numpy"`.
    """
    try:
        function.lower(*given.arguments, **given.keywords)
    except CpnumError as error:
        if function.fallback == "error":
            raise
        about = f"runs through NumPy: {error.message}"
        return Competitor(
            CPNUM, lambda: lambda other: other.call(function), about, compiles="never"
        )
    made = function

    def make() -> Prepared:
        nonlocal made
        made = remade(function)
        return lambda other: other.call(made)

    def kernel(other: Given) -> Kernel | Kernels:
        found: Kernel | Kernels = made.lower(*other.arguments, **other.keywords)
        return found

    mode, reason = memory.mode()
    return Competitor(CPNUM, make, f"evaluated by NumPy: {reason}" * (mode == "none"), kernel)


def written(function: Compiled) -> Competitor:
    """Return the function as written, which NumPy computes."""

    def prepare(given: Given) -> Callable[[], Any]:
        call = given.call(function.py_func)
        others: list[object] = []

        def observe(other: Any, arguments: Any, out: Any, keywords: Any) -> Any:
            others.append(other)
            return other.as_written(arguments, out, keywords)

        with observing(observe):
            call()
        # It takes a microsecond, so only a function that calls compiled functions is run so.
        return _written(call) if others else call

    return Competitor(NUMPY, lambda: prepare, compiles="never")


def _written(call: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> Any:
        with as_written():
            return call()

    return run


# -- peers --------------------------------------------------------------------------------------


def _numexpr(function: Compiled, given: Given, threads: int) -> Competitor:
    numexpr = importlib.import_module("numexpr")
    names = frozenset(numexpr.expressions.functions)

    def expression(given: Given) -> Expression:
        graph = trace(function.py_func, given.arguments, given.keywords)
        if isinstance(graph, Program):
            raise UnsupportedError("numexpr calls no functions of whole arrays", seen=repr(graph))
        values = arguments_of(function.py_func, given.arguments, given.keywords).values
        return expression_of(graph, values, names)

    first = expression(given)
    types = numexpr.necompiler.getType
    signature = [(name, types(value)) for name, value in first.variables.items()]

    def make() -> Prepared:
        compiled = numexpr.NumExpr(first.text, signature=signature)

        def prepare(other: Given) -> Callable[[], Any]:
            found = first if other is given else expression(other)
            run = compiled if found.text == first.text else numexpr.NumExpr(found.text, signature)
            return functools.partial(run, *[found.variables[name] for name in run.input_names])

        return prepare

    return Competitor("numexpr", make, first.text)


def _numba(function: Compiled, given: Given, threads: int) -> Competitor:
    numba = importlib.import_module("numba")
    if not isinstance(function.py_func, FunctionType):
        raise UnsupportedError("Numba compiles functions of Python only")
    # With Python's error model a division raises, and a loop that may raise has no SIMD code.
    options = {"error_model": "numpy", "parallel": threads > 1}
    about = f"njit({', '.join(f'{name}={value!r}' for name, value in options.items())})"

    def make() -> Prepared:
        compiled = numba.njit(**options)(function.py_func)
        return lambda other: other.call(compiled)

    return Competitor("numba", make, about)


PEERS = {"numexpr": _numexpr, "numba": _numba}


def wanted(against: Against) -> tuple[list[str], dict[str, Callable[..., Any]]]:
    """Return the names of the peers, and the other functions, to compare with.

    NumPy is none of them: it is always compared with.

    Raises:  ValueError for an unknown name; CpnumError for a peer that is not installed.

    >>> wanted("numpy"), wanted(())
    (([], {}), ([], {}))
    """
    if isinstance(against, Mapping):
        return [], dict(against)
    if against is None:
        return [name for name in PEERS if importlib.util.find_spec(name)], {}
    names = against.split(",") if isinstance(against, str) else list(against)
    known = ["numpy", *PEERS]
    for name in names:
        if name not in known:
            raise ValueError(
                f"no peer {name!r}: there are {', '.join(known)}; any other function is compared "
                "by against={'its name': function}"
            )
        if not importlib.util.find_spec(name):
            raise CpnumError(
                f"{name} is not installed, so nothing is compared with it",
                write=f"pip install {name}",
            )
    return [name for name in names if name in PEERS], {}


def missing() -> list[str]:
    """Return the peers that are not installed.

    >>> set(missing()) <= {"numexpr", "numba"}
    True
    """
    return [name for name in PEERS if not importlib.util.find_spec(name)]


def competitors(
    function: Compiled,
    given: Given,
    names: Iterable[str],
    others: Mapping[str, Callable[..., Any]],
    threads: int,
) -> tuple[list[Competitor], dict[str, str]]:
    """Return all that are compared, and why others are not."""
    found = [compiled(function, given), written(function)]
    left_out: dict[str, str] = {}
    for name in names:
        try:
            found.append(PEERS[name](function, given, threads))
        except Exception as error:  # an ImportError of a broken installation, too
            left_out[name] = short(error)
    for name, other in others.items():
        found.append(Competitor(name, _prepared(other), compiles="once"))
    return found, left_out


def _prepared(function: Callable[..., Any]) -> Callable[[], Prepared]:
    return lambda: lambda given: given.call(function)


def short(error: Exception) -> str:
    """Return the cause of an error in a line of at most 200 characters.

    >>> short(UnsupportedError("numexpr has not sinc", write="x"))
    'numexpr has not sinc'
    """
    text = error.message if isinstance(error, CpnumError) else one_line(error)
    return text if len(text) <= 200 else f"{text[:197]}..."


@contextmanager
def computing_with(threads: int, names: Iterable[str]) -> Iterator[None]:
    """Let the named peers compute with so many threads, and with as many as before afterwards."""
    before = {}
    for name in names:
        if name == "numba" and threads == 1:
            continue  # without parallel=True it has none, and starts them when it is asked
        try:
            peer = importlib.import_module(name)
        except ImportError:
            continue  # said where it is left out: one that was built for another NumPy, for example
        before[peer] = peer.get_num_threads()
        peer.set_num_threads(threads)
    try:
        yield
    finally:
        for peer, count in before.items():
            peer.set_num_threads(count)
