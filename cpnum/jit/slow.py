"""The slow path of a compiled function: all that its prepared calls do without.

`import cpnum` loads none of it, nor what traces and compiles.  The first call of a function does.
"""

from __future__ import annotations

import inspect
import os
import threading
import warnings
from typing import TYPE_CHECKING, Any

from cpnum.compile.outs import filled
from cpnum.errors import CpnumError, OutError, UnsupportedError
from cpnum.ir.guards import Guard
from cpnum.ir.signature import Signature
from cpnum.jit.cache import Cache
from cpnum.jit.entries import Prepared
from cpnum.jit.function import Jit
from cpnum.jit.keys import taken_key
from cpnum.run.alias import copied
from cpnum.run.bound import Bound, BoundResults
from cpnum.run.memory import ExecutableMemoryError
from cpnum.run.program import BoundProgram
from cpnum.run.results import ResultsCall
from cpnum.trace.arguments import Arguments, arguments_of, python_signature
from cpnum.trace.made import RUNNING, Made, computed, is_made_now, plain
from cpnum.trace.registry import FUNCTIONS
from cpnum.trace.site import located, user_frame
from cpnum.trace.trace import RefusedError, is_tracing, why

if TYPE_CHECKING:
    from cpnum.show.report import Report
    from cpnum.show.reports import Reports

# A function has one first cache, though several threads may make its first calls at once.
# One thread may enter it again: garbage that is collected meanwhile may make a first call, too.
_FIRST = threading.RLock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_FIRST.acquire, after_in_parent=_FIRST.release, after_in_child=_FIRST.release
    )


def signature_of_numpy(function: Any) -> inspect.Signature:
    """Return the parameters of one of NumPy's functions: of what traces it, if that is known."""
    for known, traced in FUNCTIONS.items():
        if known is function:  # np.where has no signature in NumPy 2.3
            try:
                return inspect.signature(traced)
            except ValueError:  # np.dot has none, so what traces it takes all arguments
                return inspect.signature(traced, follow_wrapped=False)
    return python_signature(function)


class SlowPath:
    """The slow path of a function, made for each use.

    A function that kept it would refer to itself, and live until garbage is collected.
    """

    __slots__ = ("_jit",)

    def __init__(self, jit: Jit) -> None:
        self._jit = jit

    def call(self, arguments: tuple[Any, ...], out: Any, keywords: dict[str, Any]) -> Any:
        """Make a call."""
        jit = self._jit
        if self._cache().has_containers and not keywords:
            taken = self._run_taken(arguments, out)
            if taken is not None:
                return taken[0]
        if is_tracing((*arguments, *keywords.values(), out)):
            if out is not None:
                raise located(
                    UnsupportedError(
                        f"the argument out of {jit.__name__} cannot be traced",
                        seen="its call by a function that is being traced",
                        write="x = f(y) instead of f(y, out=x)",
                    )
                )
            return self._inlined(arguments, keywords)
        if is_made_now((*arguments, *keywords.values(), out)):
            given_out = {} if out is None else {"out": out}
            return computed(jit, arguments, {**keywords, **given_out})
        given: Arguments | None = None
        prepared: Prepared | None = None
        signatures: tuple[Signature, ...] | None = None  # to be remembered as refused
        guards: tuple[Guard, ...] = ()
        try:
            given = self._arguments(arguments, keywords)
            prepared = self.prepared(given, out)
            if out is None:
                return prepared.run(given.values)
            done = prepared.into(given.values, out)
            if done is None and isinstance(prepared, ResultsCall):
                # All results are computed before any is written.
                return filled(self.prepared(given, None).run(given.values), out)
            if done is None:
                # As NumPy, read all elements before any is written.
                copies = given._replace(values=copied(given.values, out))
                done = self.prepared(copies, out).into(copies.values, out)
            return done
        except ExecutableMemoryError as error:
            if error.began:
                raise located(error) from None
            assert given is not None  # a step of a program needs code that was not placed before
            prepared = self._evaluating(error, given, out)
            return prepared.run(given.values) if out is None else prepared.into(given.values, out)
        except CpnumError as error:
            if jit.fallback == "error" or isinstance(error, OutError) or error.began:
                raise located(error) from None
            reason, signatures = why(error), () if prepared is None else None
        except RefusedError as refused:
            reason, signatures, guards = refused.why, refused.signatures, refused.guards
        except Exception as error:
            if jit.fallback == "error" or prepared is not None:
                raise
            reason = why(error)
        # Not in the handler of an error, which would be the context of the function's own.
        result = self.as_written(arguments, out, keywords)
        # An error that the function raises, too, may not come at the next call.
        if given is not None and signatures is not None:
            self._cache().refuse(given, out, reason, signatures, guards)
        self._tell(f"runs through NumPy: {reason}")
        return result

    def _inlined(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Call the function for a trace of another one, which gets its sums as exact as they are.

        All other options are those of the function that is being traced.
        """
        jit, builder = self._jit, RUNNING.builder
        if jit.accuracy == "numpy" or builder is None:
            return jit.py_func(*arguments, **keywords)
        before = builder.accuracy
        if before is None:
            raise located(
                UnsupportedError(
                    f'{jit.__name__}, which has accuracy="compensated", cannot be traced here',
                    seen="its call by a function with fastmath=True",
                    write="that function without fastmath=True",
                )
            )
        builder.accuracy = jit.accuracy
        try:
            return jit.py_func(*arguments, **keywords)
        finally:
            builder.accuracy = before

    def _run_taken(self, arguments: tuple[Any, ...], out: Any) -> tuple[Any] | None:
        """Run a call that is prepared and has containers; return None if there is none.

        What the call returned is in a tuple.
        """
        try:
            key, values = taken_key(out, arguments)
        except (TypeError, ValueError):
            return None  # a tracer, or an argument that cannot be hashed
        prepared = self._current().calls.get(key)
        if prepared is None:
            return None
        try:
            if out is None:
                return (prepared.run(values),)
            done = prepared.into(values, out)
            return None if done is None else (done,)
        except CpnumError as error:
            if error.began:
                raise located(error) from None
            return None  # nothing was computed yet; it is raised again at the user's line

    def located(self, error: CpnumError) -> Exception:
        """Return an error of a call with the user's line."""
        return located(error)

    def as_written(self, arguments: tuple[Any, ...], out: Any, keywords: dict[str, Any]) -> Any:
        """Call the function as written, without machine code."""
        return filled(self._jit.py_func(*arguments, **keywords), out)

    def prepared(self, arguments: Arguments, out: Any) -> Prepared:
        """Return the prepared call, for NumPy if the system refuses memory for its code."""
        try:
            return self._current().prepare(arguments, out, self._tell)
        except ExecutableMemoryError as error:
            return self._evaluating(error, arguments, out)

    def _evaluating(self, error: ExecutableMemoryError, arguments: Arguments, out: Any) -> Prepared:
        """Return a call that NumPy evaluates."""
        # Not remembered: the next call may get memory, as when file descriptors ran out.
        self._tell(f"is evaluated by NumPy: {error.message}; {error.seen}")
        return self._cache().prepare_numpy(arguments, out)

    def lower(self, arguments: tuple[Any, ...], out: Any, keywords: dict[str, Any]) -> Any:
        """Return the kernel for these arguments, or all of them."""
        try:
            return self._current().lower(self._arguments(arguments, keywords), out)
        except CpnumError as error:
            raise located(error) from None

    def bind(
        self, arguments: tuple[Any, ...], out: Any, keywords: dict[str, Any]
    ) -> Bound | BoundResults | BoundProgram:
        """Return a bound call."""
        try:
            return self._current().bind(self._arguments(arguments, keywords), out)
        except CpnumError as error:
            raise located(error) from None

    def report(
        self, call: tuple[tuple[Any, ...], Any, dict[str, Any]], **options: Any
    ) -> Report | Reports:
        """Return the report of a call."""
        from cpnum.jit.explaining import explained  # most users do without

        arguments, _, keywords = call
        try:
            given = self._arguments(arguments, keywords)
            return explained(self._jit, self._current(), given, call, **options)
        except CpnumError as error:
            raise located(error) from None

    def _arguments(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Arguments:
        """Return the arguments of a call; an array that another trace made is like any other."""
        function, signature = self._jit.py_func, self._jit._signature
        given = arguments_of(function, arguments, keywords, signature)
        if any(type(each) is Made for each in given.values):
            return arguments_of(function, plain(arguments), plain(keywords), signature)
        return given

    def _tell(self, message: str) -> None:
        """Warn once a function, at the user's line, that it does not run as machine code."""
        if not self._jit._told:
            self._jit._told = True
            frame = user_frame()
            warnings.warn_explicit(
                f"{self._jit.__name__} {message}",
                RuntimeWarning,
                frame.f_code.co_filename,
                frame.f_lineno,
                module=frame.f_globals.get("__name__", "<string>"),  # as in warnings.warn
            )

    # -- caches ---------------------------------------------------------------------------------

    def _current(self) -> Cache:
        """Return the cache, a new one if an outside variable has another value than before."""
        if not self._cache().outside.same():
            self._use_new()
        return self._cache()

    def _cache(self) -> Cache:
        """Return the cache, the first one if there was none."""
        cache = self._jit._cache
        if cache is not None:
            return cache
        with _FIRST:
            return self._jit._cache or self._use_new()

    def _use_new(self) -> Cache:
        jit = self._jit
        cache = Cache(jit.py_func, jit._options, jit.isa)
        jit._use(cache)
        return cache
