"""`cpjit`: a function is traced once for each signature, compiled once for each layout, and run.

Prepared calls are made here.  All else is in `cpnum.jit.slow`, which is loaded when it is needed
first, with what traces and compiles.  So `import cpnum` takes little longer than NumPy.
"""

from __future__ import annotations

import copyreg
import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MethodType
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from cpnum.errors import CpnumError, UnsupportedError, trimmed
from cpnum.faces import pre
from cpnum.jit.keys import call_key
from cpnum.jit.method import Method
from cpnum.jit.options import Options
from cpnum.run.observer import ACTIVE, current
from cpnum.tables import isa
from cpnum.trace.arguments import arity, python_signature, refuse_out

if TYPE_CHECKING:
    from cpnum.ir.simplify import Precision
    from cpnum.jit.cache import Cache
    from cpnum.jit.entries import Compiled
    from cpnum.jit.options import Fallback
    from cpnum.jit.slow import SlowPath
    from cpnum.run.bound import Bound, BoundResults
    from cpnum.run.program import BoundProgram
    from cpnum.show.report import Report
    from cpnum.show.reports import Reports
    from cpnum.trace.builder import Accuracy


@functools.cache
def _slow_path() -> type[SlowPath]:
    """Return the class of slow paths; load it, and all that traces and compiles."""
    from cpnum.jit.slow import SlowPath

    return SlowPath


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    if str(getattr(function, "__module__", None)).partition(".")[0] == "numpy":
        from cpnum.jit.slow import signature_of_numpy  # few users compile NumPy's own functions

        return signature_of_numpy(function)
    return python_signature(function)


class _OfFunction:
    """An attribute of the function as written, for libraries that ask functions for it.

    joblib.Memory takes functions of one name and code for the same.  So a method that was compiled
    with its object has none of these.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, jit: Jit | None, owner: type) -> Any:
        if jit is None:
            return self
        if isinstance(jit.py_func, MethodType):
            raise AttributeError(name=self._name, obj=jit)
        return getattr(jit.py_func, self._name)

    def __set__(self, jit: Jit, value: object) -> None:
        # No AttributeError: after one, IPython's %autoreload writes to memory.  After this error it
        # loads the module again, with the options of its functions.
        raise UnsupportedError(
            f"the attribute {self._name} of a compiled function cannot be set",
            write="cpjit(g) for another function g",
        )


class Jit:
    """A function that is compiled when it is called; `cpjit` makes it.

    >>> @cpjit
    ... def norm(x, y):
    ...     return np.sqrt(x * x + y * y)
    >>> norm(np.array([3.0, 5.0]), np.array([4.0, 12.0]))
    array([ 5., 13.])
    >>> norm.signatures
    ['f64[:], f64[:]']
    """

    # Not in __dict__, which functools.wraps copies to other functions.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "_arity",
        "_options",
        "_signature",
        "_told",
        "_used",
        "accuracy",
        "fallback",
        "fastmath",
        "isa",
        "precision",
        "py_func",
    )

    def __init__(
        self,
        py_func: Callable[..., Any],
        fastmath: bool,
        precision: Precision,
        accuracy: Accuracy,
        level: str | None,
        fallback: Fallback,
    ) -> None:
        if precision not in ("full", "fast"):
            raise ValueError(f'precision is "full" or "fast", not {precision!r}')
        if accuracy not in ("numpy", "compensated"):
            raise ValueError(f'accuracy is "numpy" or "compensated", not {accuracy!r}')
        if accuracy == "compensated" and fastmath:
            raise ValueError('with accuracy="compensated", fastmath must be False')
        if fallback not in ("error", "numpy"):
            raise ValueError(f'fallback is "error" or "numpy", not {fallback!r}')
        if not callable(py_func):
            raise TypeError(f"cpjit decorates functions, not {type(py_func).__name__}")
        if isinstance(py_func, staticmethod):
            raise TypeError("cpjit decorates functions: write @staticmethod above @cpjit")
        self.py_func = py_func
        self.fastmath = fastmath
        self.precision = precision
        self.accuracy = accuracy
        self.fallback = fallback
        self._told = False
        # A call of so many positional arguments needs no look at the signature.
        self._arity = arity(py_func)
        self._signature = None if isinstance(py_func, np.ufunc) else _signature(py_func)
        self.__name__ = getattr(py_func, "__name__", type(py_func).__name__)
        if self._signature is not None:
            refuse_out(self.__name__, self._signature)
        self._options = Options(fastmath, precision, accuracy, level, fallback)
        self.isa = isa.choose(level)
        # The cache, its calls, and the rows of outside variables.  Each call needs these.  They are
        # one value, since another thread may set it now, and the calls of one cache must not be
        # compared with the variables of another.
        self._used: tuple[Cache | None, Mapping[Any, Any], Sequence[Any]] = None, {}, ()
        functools.update_wrapper(self, py_func, updated=())
        self.__isabstractmethod__ = getattr(py_func, "__isabstractmethod__", False)

    __code__ = _OfFunction()
    __defaults__ = _OfFunction()
    __kwdefaults__ = _OfFunction()
    __closure__ = _OfFunction()
    __globals__ = _OfFunction()

    # -- calling --------------------------------------------------------------------------------

    def __call__(self, /, *arguments: Any, out: Any = None, **keywords: Any) -> Any:
        """Compute the function's results with compiled code, into `out` if it is given.

        If there are several results, `out` has their containers: `out=(z, None)` writes the first
        one to `z`, and the second one to a new array.
        """
        observing = current() if ACTIVE else None
        if not keywords and len(arguments) == self._arity and observing is None:
            # The fast path, for a call that is prepared.
            try:
                _, calls, outside = self._used
                prepared = calls.get(call_key(out, arguments))
                for holder, name, value in outside:
                    if value is not (holder.cell_contents if name is None else holder.get(name)):
                        prepared = None
            except (TypeError, ValueError):
                # A tracer, an argument that cannot be hashed, or a variable that was deleted.
                prepared = None
            if prepared is not None:
                try:
                    if out is None:
                        return prepared.run(arguments)
                    done = prepared.into(arguments, out)
                    if done is not None:
                        return done
                except CpnumError as error:
                    if error.began:
                        raise trimmed(self._slow.located(error)) from None
                    # Nothing was computed yet; the slow path raises it at the user's line.
        __tracebackhide__ = True  # IPython leaves this frame out
        try:
            if observing is not None:
                return observing.observe(self, arguments, out, keywords)
            return self.call(arguments, out, keywords)
        except Exception as error:
            raise trimmed(error)  # noqa: B904 (it is the same error)

    def call(self, arguments: tuple[Any, ...], out: Any, keywords: dict[str, Any]) -> Any:
        """Make a call, observed or not, without the fast path of `__call__`."""
        return self._slow.call(arguments, out, keywords)

    def as_written(self, arguments: tuple[Any, ...], out: Any, keywords: dict[str, Any]) -> Any:
        """Call the function as written, without machine code."""
        return self._slow.as_written(arguments, out, keywords)

    @property
    def _slow(self) -> SlowPath:
        return _slow_path()(self)

    def _use(self, cache: Cache) -> None:
        self._used = cache, cache.calls, cache.outside.rows

    @property
    def _cache(self) -> Cache | None:
        """The cache in use, None before the first call."""
        return self._used[0]

    # -- compiling ------------------------------------------------------------------------------

    def lower(self, /, *arguments: Any, out: Any = None, **keywords: Any) -> Any:
        """Return the kernel for these arguments, with all its stages; do not run it.

        If the results have several shapes, each has a kernel: `Kernels` in the place of `Kernel`.

        >>> kernel = cpjit(lambda x: x + 1, isa="aarch64").lower(np.ones(3))
        >>> print(kernel.graph)
        <lambda>(x: f64[:])
          %0 = add x 1.0  f64
          return %0
        """
        __tracebackhide__ = True
        try:
            return self._slow.lower(arguments, out, keywords)
        except Exception as error:
            raise trimmed(error)  # noqa: B904

    def bind(
        self, /, *arguments: Any, out: Any = None, **keywords: Any
    ) -> Bound | BoundResults | BoundProgram:
        """Return a bound call: it takes no arguments, writes to `out`, and returns it.

        Raises:  OutError if `out` overlaps an argument and is not the same array;
                 ExecutableMemoryError if the system refuses memory for the code.
        """
        __tracebackhide__ = True
        try:
            return self._slow.bind(arguments, out, keywords)
        except Exception as error:
            raise trimmed(error)  # noqa: B904

    # -- looking --------------------------------------------------------------------------------

    def _by_signature(self) -> dict[str, list[Compiled]]:
        return {} if self._cache is None else self._cache.by_signature()

    @property
    def signatures(self) -> list[str]:
        """The signatures that the function was compiled for.

        A fixed argument is printed with its value, shortened; an array is printed with its extents
        if the function looked at them.
        """
        return list(self._by_signature())

    @property
    def compiled(self) -> int:
        """How many kernels the function has."""
        every = self._by_signature().values()
        return sum(len(each.every_kernel()) for compiled in every for each in compiled)

    def inspect_ir(self) -> dict[str, str]:
        """Return the text of the graph by signature."""
        return {
            signature: "\n\n".join(dict.fromkeys(str(each.graph) for each in compiled))
            for signature, compiled in self._by_signature().items()
        }

    def inspect_asm(self) -> dict[str, str]:
        """Return the disassembly of all kernels by signature."""
        from cpnum.show.listing import listing  # most users do without

        return {
            signature: "\n\n".join(
                listing(kernel) for each in compiled for kernel in each.every_kernel()
            )
            for signature, compiled in self._by_signature().items()
        }

    def explain(self, /, *arguments: Any, out: Any = None, **keywords: Any) -> Any:
        """Return a report: the code linked to the user's lines, reasons, times, all stages.

        To time NumPy, the function as written is called a dozen times, with its side effects.
        What it writes to its arguments is undone.
        """
        __tracebackhide__ = True
        return self.report((arguments, out, keywords))

    def report(
        self, call: tuple[tuple[Any, ...], Any, dict[str, Any]], **options: Any
    ) -> Report | Reports:
        """Return the report of a call, `(arguments, out, keywords)`, with options of `explained`.

        See `cpnum.jit.explaining`.
        """
        __tracebackhide__ = True
        try:
            return self._slow.report(call, **options)
        except Exception as error:
            raise trimmed(error)  # noqa: B904

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle by name, as functions do, or by function and options.

        The latter are sent if another object has the name, or if cloudpickle sends functions so.
        """
        from cpnum.jit.sending import name_to_send  # most users do without

        name = name_to_send(self, sys._getframe(1))
        if name is not None:
            return name
        # As a state, which may refer to this object: a function may refer to its own name.
        return copyreg.__newobj__, (type(self),), self.__getstate__()  # type: ignore[attr-defined]

    def __getstate__(self) -> tuple[Any, ...]:
        """Return the attributes that users have set, the function, and the options."""
        own = {key: value for key, value in vars(self).items() if not key.startswith("__")}
        return own, self.py_func, *self._options

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Make this the function of that state, with nothing compiled yet."""
        own, *made_of = state
        Jit.__init__(self, *made_of)
        vars(self).update(own)

    def __dask_tokenize__(self) -> object:
        """Return the value by which dask knows whether two functions are one."""
        from dask.base import normalize_token  # only dask calls this

        return type(self).__qualname__, normalize_token((self.py_func, *self._options))

    def __repr__(self) -> str:
        # Without code, the text is all that tells two functions of one name apart.
        name = self.__name__ if hasattr(self, "__code__") else repr(self.py_func)
        return f"<cpjit {name}: {len(self.signatures)} signatures>"

    def _repr_html_(self) -> str:
        lines = [f"{self.__name__}, compiled for {len(self.signatures)} signatures"]
        for signature, compiled in self._by_signature().items():
            kernels = [kernel for each in compiled for kernel in each.every_kernel()]
            lines += [f"  {signature}", *(f"    {kernel!r}" for kernel in kernels)]
        return pre("\n".join(lines))

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """Return a method of an instance, as functions in a class do."""
        return self if instance is None else Method(self, instance)


@overload
def cpjit(function: Callable[..., Any], /) -> Jit: ...
@overload
def cpjit(
    *,
    fastmath: bool = False,
    precision: Precision = "full",
    accuracy: Accuracy = "numpy",
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
    accuracy: Accuracy = "numpy",
    isa: str | None = None,
    fallback: Fallback = "error",
) -> Jit: ...
def cpjit(
    function: Callable[..., Any] | None = None,
    /,
    *,
    fastmath: bool = False,
    precision: Precision = "full",
    accuracy: Accuracy = "numpy",
    isa: str | None = None,
    fallback: Fallback = "error",
) -> Any:
    """Compile a NumPy function when it is called, by copying and patching stencils.

    `fastmath` allows a multiplication and an addition to be fused, sums and products to be
    reassociated, and a float32 quotient of a root to be off by 4.2 ULP (1.5 for a divisor below
    2**126); NaN, infinities and signed zeros are as without.  `precision="fast"` allows
    elementary functions an error of 4 ULP instead of 1, where that makes them faster.
    With `accuracy="compensated"`, sums of floating-point numbers, also those of means, variances
    and the like, are as if computed with twice the precision and rounded; it excludes `fastmath`.
    `isa` selects a lower level than the host's.  With `fallback="numpy"`, a call that cannot be
    compiled runs through NumPy, and a warning says why, once; with "error" it is an error.

    Raises:  IsaError if there is no such level; ValueError for another value of an option.

    >>> @cpjit
    ... def axpy(a, x, y):
    ...     return a * x + y
    >>> axpy(2.0, np.arange(3.0), 1.0)
    array([1., 3., 5.])
    >>> x = np.array([1.0, 1e-20, -1.0])
    >>> cpjit(np.sum)(x), cpjit(np.sum, accuracy="compensated")(x)
    (np.float64(0.0), np.float64(1e-20))
    """
    if function is None:
        return functools.partial(
            cpjit,
            fastmath=fastmath,
            precision=precision,
            accuracy=accuracy,
            isa=isa,
            fallback=fallback,
        )
    return Jit(function, fastmath, precision, accuracy, isa, fallback)
