"""`cpjit`: a function that is traced once a signature, compiled once a layout, and run."""

from __future__ import annotations

import functools
import inspect
import operator
import sys
import threading
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np

from cpnum.compile.call import Array, Call, describe
from cpnum.compile.kernel import Clock, Kernel, compile
from cpnum.compile.skeleton import Entry
from cpnum.errors import CpnumError, IsaError, OutError, ShapeError, UnsupportedError
from cpnum.ir.graph import Graph
from cpnum.ir.simplify import Precision, simplify
from cpnum.jit.keys import call_key
from cpnum.jit.method import Method
from cpnum.jit.specialization import Bound, Specialization
from cpnum.run import memory
from cpnum.run import plan as run
from cpnum.run.memory import ExecutableMemoryError
from cpnum.run.plan import Plan
from cpnum.tables import isa
from cpnum.tables.isa import Isa
from cpnum.trace.parameters import (
    arity,
    bind,
    python_signature,
    refuse_out,
    signature_of,
    with_shapes,
)
from cpnum.trace.site import located, user_frame
from cpnum.trace.trace import AS_WRITTEN, is_tracing, trace_arguments
from cpnum.trace.ufuncs import FUNCTIONS

if TYPE_CHECKING:
    from cpnum.show.report import Report

Fallback = Literal["error", "numpy"]

# Plans are remembered for so many shapes and strides, specializations for so many signatures and
# constants, which they keep alive; a new one costs microseconds.
_REMEMBERED = 1024

# In the table of specializations: the function observed the shapes of such arguments, so that a
# graph serves only the shapes it was traced for.
_SHAPE_OBSERVED = "shape observed"


def _read_only(out: Array) -> OutError:
    return OutError(
        "`out` is read-only",
        seen=f"out of shape {out.shape}, not writeable",
        write="out=np.empty(...), or an array that may be written to",
    )


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    for known, traced in FUNCTIONS.items():
        if known is function:  # np.where, of which NumPy 2.3 does not tell
            return inspect.signature(traced)
    return python_signature(function)


class Jit:
    """A function that is compiled when it is called.  `cpjit` makes them.

    >>> @cpjit
    ... def norm(x, y):
    ...     return np.sqrt(x * x + y * y)
    >>> norm(np.array([3.0, 5.0]), np.array([4.0, 12.0]))
    array([ 5., 13.])
    >>> norm.signatures
    ['f64[:], f64[:]']
    """

    def __init__(
        self,
        py_func: Callable[..., Any],
        fastmath: bool,
        precision: Precision,
        level: str | None,
        fallback: Fallback,
    ) -> None:
        if precision not in ("full", "fast"):
            raise ValueError(f'precision is "full" or "fast", not {precision!r}')
        if fallback not in ("error", "numpy"):
            raise ValueError(f'fallback is "error" or "numpy", not {fallback!r}')
        if not callable(py_func):
            raise TypeError(f"cpjit decorates functions, not {type(py_func).__name__}")
        if isinstance(py_func, staticmethod):
            raise TypeError("cpjit decorates functions: write @staticmethod above @cpjit")
        self.py_func = py_func
        self.fastmath = fastmath
        self.precision = precision
        self.fallback = fallback
        self.isa = isa.choose(level)
        self._options = fastmath, precision, level, fallback
        self._plans: dict[Any, run.AnyPlan] = {}
        self._specializations: dict[Any, Specialization | str] = {}
        self._told = False
        # A plain signature needs no binding of arguments to parameters at each call.
        self._arity = arity(py_func)
        self._signature = None if isinstance(py_func, np.ufunc) else _signature(py_func)
        self.__name__ = getattr(py_func, "__name__", type(py_func).__name__)
        if self._signature is not None:
            refuse_out(self.__name__, self._signature)
        functools.update_wrapper(self, py_func, updated=())
        self.__isabstractmethod__ = getattr(py_func, "__isabstractmethod__", False)

    # -- calling --------------------------------------------------------------------------------

    def __call__(self, /, *arguments: Any, out: Array | None = None, **keywords: Any) -> Any:
        """Compute the function's result with compiled code, into `out` if it is given."""
        if AS_WRITTEN and threading.get_ident() in AS_WRITTEN:
            return self._as_written(arguments, out, keywords)
        if not keywords and len(arguments) == self._arity:
            # The short way for a call like an earlier one: call_key, without a call for arrays.
            array = np.ndarray
            key = [
                (each.dtype, each.shape, each.strides) if type(each) is array else call_key(each)
                for each in (out, *arguments)
            ]
            try:
                plan = self._plans.get(tuple(key))
            except TypeError:
                plan = None  # a tracer, or an argument that cannot be hashed
            if plan is not None:
                try:
                    return self._run(plan, arguments, (), out)
                except CpnumError as error:
                    return self._refused(error, arguments, out, keywords)
        return self._first_call(arguments, out, keywords)

    def _first_call(
        self, arguments: tuple[Any, ...], out: Array | None, keywords: dict[str, Any]
    ) -> Any:
        """Make a call that no plan was found for; keywords are looked up here, too."""
        if is_tracing((*arguments, *keywords.values(), out)):
            if out is not None:
                raise located(
                    UnsupportedError(
                        f"the argument out of {self.__name__} cannot be traced",
                        seen="its call by a function that is being traced",
                        write="x = f(y) instead of f(y, out=x)",
                    )
                )
            return self.py_func(*arguments, **keywords)
        try:
            flat, names = self._flat(arguments, keywords)
            return self._run(self._plan_or_numpy(flat, names, out), flat, names, out)
        except CpnumError as error:
            return self._refused(error, arguments, out, keywords)

    def _refused(
        self,
        error: CpnumError,
        arguments: tuple[Any, ...],
        out: Array | None,
        keywords: dict[str, Any],
    ) -> Any:
        """Raise the error, or let NumPy compute what cpnum refuses."""
        if self.fallback == "error" or isinstance(error, OutError):
            raise located(error) from None
        self._tell(f"{self.__name__} runs through NumPy: {error.message}")
        return self._as_written(arguments, out, keywords)

    def _as_written(
        self, arguments: tuple[Any, ...], out: Array | None, keywords: dict[str, Any]
    ) -> Any:
        result = self.py_func(*arguments, **keywords)
        if out is None:
            return result
        np.copyto(out, result, casting="same_kind")
        return out

    def _flat(
        self, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> tuple[tuple[Any, ...], tuple[str, ...]]:
        """Return the arguments of a call, without defaults, and the names of the last ones.

        These are the parameters that take no positional argument.
        """
        names, values, positional = bind(self.py_func, arguments, keywords, self._signature)
        return values, names[positional:]

    def _tell(self, message: str) -> None:
        """Warn once a function, at the user's line, that it does not run as machine code."""
        if not self._told:
            self._told = True
            frame = user_frame()
            warnings.warn_explicit(
                message,
                RuntimeWarning,
                frame.f_code.co_filename,
                frame.f_lineno,
                module=frame.f_globals.get("__name__", "<string>"),  # as warnings.warn has it
            )

    def _run(
        self,
        plan: run.AnyPlan,
        arguments: tuple[Any, ...],
        names: tuple[str, ...],
        out: Array | None,
    ) -> Any:
        if out is None:
            result = plan.new_result()
            flags = plan.run(arguments, result)
            if flags:
                run.report(plan.graph, arguments, flags)
            return result if result.ndim or plan.graph.output.boxed else result[()]
        if not out.flags.writeable:
            raise located(_read_only(out))
        before = arguments
        if plan.may_overlap(arguments, out):
            overlapping = [view for view in plan.views(arguments) if run.overlap(out, view)]
            if not all(run.in_place(out, view) for view in overlapping):
                # All is read before anything is written, as NumPy has it.
                arguments = run.copied(arguments, out)
                plan = self._plan_or_numpy(arguments, names, out)
                return self._run(plan, arguments, names, out)
            if run.watched():
                # Each element is read before it is written; a report needs the old ones.
                before = run.copied(arguments, out)
        flags = plan.run(arguments, out)
        if flags:
            run.report(plan.graph, before, flags)
        return out

    # -- compiling ------------------------------------------------------------------------------

    def _rewrite(self, graph: Graph) -> Graph:
        return simplify(graph, self.fastmath, self.precision)

    def _specialize(self, arguments: tuple[Any, ...], names: tuple[str, ...]) -> Specialization:
        """Return the specialization for the signature of a call, traced now if it is the first."""
        count = len(arguments) - len(names)
        keywords = dict(zip(names, arguments[count:], strict=True))
        bound = bind(self.py_func, arguments[:count], keywords, self._signature)
        key = signature_of(bound)
        # One look at the table: another thread may be entering the same signature.
        found = self._specializations.get(key)
        if found is _SHAPE_OBSERVED:
            key = with_shapes(key, bound.values)
            found = self._specializations.get(key)
        if found is None:
            clock = Clock()
            traced = trace_arguments(self.py_func, bound, key)
            clock.end("trace")
            graph = self._rewrite(traced)
            clock.end("simplify")
            if len(self._specializations) >= _REMEMBERED:
                self._specializations.clear()
            if traced.signature != key:
                self._specializations[key] = _SHAPE_OBSERVED
            found = self._specializations.setdefault(
                traced.signature, Specialization(traced, graph, clock.seconds)
            )
        assert isinstance(found, Specialization)
        return found

    def _call(
        self, arguments: tuple[Any, ...], names: tuple[str, ...], out: Array | None
    ) -> tuple[Specialization, Call]:
        if out is not None and type(out) is not np.ndarray:
            raise OutError(
                "`out` is not a plain array",
                seen=f"a {type(out).__name__}",
                write="out=np.asarray(out)" if isinstance(out, np.ndarray) else "out=np.empty(...)",
            )
        specialization = self._specialize(arguments, names).into(out, self._rewrite)
        return specialization, describe(specialization.graph, arguments, out)

    def _plan(
        self, arguments: tuple[Any, ...], names: tuple[str, ...], out: Array | None
    ) -> run.AnyPlan:
        """Return the plan for a call, made now if it is the first of these shapes and strides."""
        key = (*names, call_key(out), *[call_key(each) for each in arguments])
        try:
            plan = self._plans.get(key)
        except TypeError:
            return self._new_plan(arguments, names, out)  # which refuses what cannot be hashed
        if plan is None:
            plan = self._new_plan(arguments, names, out)
            if len(self._plans) >= _REMEMBERED:
                self._plans.clear()
            self._plans[key] = plan
        return plan

    def _plan_or_numpy(
        self, arguments: tuple[Any, ...], names: tuple[str, ...], out: Array | None
    ) -> run.AnyPlan:
        """Return the plan for a call, NumPy's if the system refuses memory for its code."""
        try:
            return self._plan(arguments, names, out)
        except ExecutableMemoryError as error:
            # Not remembered: file descriptors, for one, that ran out are there again later.
            self._tell(f"{self.__name__} is evaluated by NumPy: {error.message}; {error.seen}")
            specialization, call = self._call(arguments, names, out)
            return run.NumpyPlan(specialization.traced, call)

    def _new_plan(
        self, arguments: tuple[Any, ...], names: tuple[str, ...], out: Array | None
    ) -> run.AnyPlan:
        specialization, call = self._call(arguments, names, out)
        if call.arrangement is None:
            return run.EmptyPlan(specialization.traced, call)
        why_not = self._why_not()
        if why_not is not None:
            self._tell(f"{self.__name__} is evaluated by NumPy: {why_not}")
            return run.NumpyPlan(specialization.traced, call)
        assert self.isa is not None
        kernel = specialization.kernel(call, self.isa)
        return Plan(specialization.traced, call, kernel, specialization.region(call, kernel))

    def _why_not(self) -> str | None:
        """Return why machine code cannot run here, None if it can."""
        if self.isa is None:
            return "no stencil pack fits this processor"
        if not isa.runs_here(self.isa):
            raise IsaError(
                f"this processor has no {self.isa}",
                seen=f"its highest level is {isa.host()}",
                write=".lower() to see the code, or another isa=",
            )
        name, reason = memory.mode()
        return reason if name == "none" else None

    def _level(self) -> Isa:
        if self.isa is None:
            raise IsaError(
                "no stencil pack fits this processor", write="isa= to look at another level's code"
            )
        return self.isa

    def lower(self, /, *arguments: Any, out: Array | None = None, **keywords: Any) -> Kernel:
        """Return the kernel for these arguments, with all its stages, without running it.

        >>> kernel = cpjit(lambda x: x + 1, isa="aarch64").lower(np.ones(3))
        >>> print(kernel.graph)
        <lambda>(x: f64[:])
          %0 = add x 1.0  f64
          return %0
        """
        try:
            arguments, names = self._flat(arguments, keywords)
            specialization, call = self._call(arguments, names, out)
            if call.arrangement is None:
                raise ShapeError("an empty result needs no kernel", seen=f"the shape {call.shape}")
            return specialization.kernel(call, self._level())
        except CpnumError as error:
            raise located(error) from None

    def bind(self, /, *arguments: Any, out: Array | None = None, **keywords: Any) -> Bound:
        """Return a call without arguments, everything patched into its code; it returns `out`.

        Raises:  OutError if `out` overlaps an argument that it is not equal to;
                 ExecutableMemoryError if the system refuses memory for the code.
        """
        try:
            return self._bind(*self._flat(arguments, keywords), out)
        except CpnumError as error:
            raise located(error) from None

    def _bind(self, arguments: tuple[Any, ...], names: tuple[str, ...], out: Array | None) -> Bound:
        plan = self._plan(arguments, names, out)
        if not isinstance(plan, Plan):
            raise IsaError(
                "there is no code to bind: the result is empty or machine code cannot run here",
                seen=f"the shape {plan.call.shape}; executable memory: {memory.mode()[0]}",
            )
        if out is None:
            out = plan.new_result()
        if not out.flags.writeable:
            raise _read_only(out)
        assert plan.call.arrangement is not None
        kernel = compile(
            plan.kernel.graph,
            plan.call.sources,
            plan.call.arrangement.layouts,
            self._level(),
            Clock(),
            Entry.BOUND,
        )
        return Bound(plan, kernel, arguments, out)

    # -- looking --------------------------------------------------------------------------------

    @property
    def signatures(self) -> list[str]:
        """The signatures that the function was compiled for.

        Arguments that are fixed are printed as they are, shortened; arrays with their extents if
        the function looked at these.
        """
        return list(self._by_signature())

    def _by_signature(self) -> dict[str, list[Specialization]]:
        """Return what was compiled; several may have signatures that are printed alike."""
        found: dict[str, list[Specialization]] = {}
        for each in self._specializations.values():
            if type(each) is Specialization:
                found.setdefault(
                    ", ".join(str(parameter.type) for parameter in each.graph.signature), []
                ).append(each)
        return found

    def inspect_ir(self) -> dict[str, str]:
        """Return the text of the graph for each signature."""
        return {
            signature: "\n\n".join(dict.fromkeys(str(each.graph) for each in compiled))
            for signature, compiled in self._by_signature().items()
        }

    def inspect_asm(self) -> dict[str, str]:
        """Return the disassembly for each signature, of each layout it was compiled for."""
        from cpnum.show.listing import listing  # 2 ms that `import cpnum` can do without

        return {
            signature: "\n\n".join(
                listing(kernel) for each in compiled for kernel in each.kernels.values()
            )
            for signature, compiled in self._by_signature().items()
        }

    def explain(self, /, *arguments: Any, out: Array | None = None, **keywords: Any) -> Report:
        """Return a report: stages, stencils, bytes with their holes, disassembly, timings.

        For NumPy's time the function as written is called a dozen times, with its side effects.
        """
        from cpnum.show.report import Report

        bound = self.bind(*arguments, out=out, **keywords)
        kernel = self.lower(*arguments, out=out, **keywords)
        return Report(kernel, bound, self, arguments, keywords)

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle as a function does, by name; by what it was made of if that is another object."""
        name: str = getattr(self, "__qualname__", self.__name__)
        try:
            found = operator.attrgetter(name)(sys.modules[self.__module__])
        except (AttributeError, KeyError):
            found = None
        if found is self:
            return name
        return type(self), (self.py_func, *self._options)

    def __repr__(self) -> str:
        return f"<cpjit {self.__name__}: {len(self.signatures)} signatures>"

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """Bind as a function does when it is a method of a class."""
        return self if instance is None else Method(self, instance)


@overload
def cpjit(function: Callable[..., Any], /) -> Jit: ...
@overload
def cpjit(
    *,
    fastmath: bool = False,
    precision: Precision = "full",
    isa: str | None = None,
    fallback: Fallback = "error",
) -> Callable[[Callable[..., Any]], Jit]: ...
@overload
def cpjit(
    function: Callable[..., Any],
    /,
    *,
    fastmath: bool = False,
    precision: Precision = "full",
    isa: str | None = None,
    fallback: Fallback = "error",
) -> Jit: ...
def cpjit(
    function: Callable[..., Any] | None = None,
    /,
    *,
    fastmath: bool = False,
    precision: Precision = "full",
    isa: str | None = None,
    fallback: Fallback = "error",
) -> Any:
    """Compile a NumPy function when it is called, by copying and patching stencils.

    `fastmath` allows a multiplication and an addition to be fused, sums and products to be
    reassociated, and a float32 quotient of a root to be off by 4.2 ULP (1.5 for a divisor below
    2**126); NaN, infinities and signed zeros are treated as without.  `precision="fast"` allows
    elementary functions an error of 4 ULP instead of 1, where that makes them faster.  Variables
    from outside of the function are constants from its first call on, as Numba and JAX have it.
    `isa` selects a lower level than the host's.  With `fallback="numpy"`, what cannot be compiled
    runs through NumPy, and a warning says why, once; with "error" it is an error.

    Raises:  IsaError if there is no such level.

    >>> @cpjit
    ... def axpy(a, x, y):
    ...     return a * x + y
    >>> axpy(2.0, np.arange(3.0), 1.0)
    array([1., 3., 5.])
    """
    if function is None:
        return functools.partial(
            cpjit, fastmath=fastmath, precision=precision, isa=isa, fallback=fallback
        )
    return Jit(function, fastmath, precision, isa, fallback)
