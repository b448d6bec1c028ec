"""The base of all tracers: NumPy's functions on a traced value, and refused uses of its contents.

`np.sqrt(x)` calls `x.__array_ufunc__`, and `np.where(x, y, z)` calls `x.__array_function__`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

import numpy as np

from cpnum.errors import CpnumError, TraceError, UnsupportedError
from cpnum.ir.nodes import Apply, Input, Node
from cpnum.ir.questions import (
    CEILING,
    FLOOR,
    INTEGER,
    TRUNCATED,
    TRUTH,
    VALUE,
    Question,
    formatted,
)
from cpnum.ir.reference import BETWEEN_SCALARS
from cpnum.ir.sites import user_site
from cpnum.trace.advice import (
    READ,
    calls_cached,
    conversion,
    instead_of_attribute,
    makes_array,
    refused_line,
    why_refused,
)
from cpnum.trace.builder import Builder, Shape, Traced, type_of
from cpnum.trace.choices import truth_asked
from cpnum.trace.keywords import kept, trace_keywords
from cpnum.trace.looking import NO_NUMBER, look
from cpnum.trace.made import CHANGING_FIRST, adopted, in_place_of, is_array, written_to
from cpnum.trace.promote import computed_by_scalars, name_of
from cpnum.trace.site import is_operator, user_frame
from cpnum.trace.ufuncs import dtype_of, trace_pair, trace_single, trace_ufunc

F = TypeVar("F", bound=Callable[..., Any])

# The state of a tracer says where its value is.  An ARGUMENT is an array in memory: an argument, or
# one that a step stores; a VIEW is one of such an array.  An OWNED value is computed where it is
# needed, so that a write makes it another value.  A PART is a view of one, which is then VIEWED: it
# is stored before a write.  A SCALAR has no memory: an operation in place makes another scalar.  A
# MADE one has a copy of an array of numbers.
OWNED, ARGUMENT, VIEW, VIEWED, PART, SCALAR, MADE = (
    "owned",
    "argument",
    "view",
    "viewed",
    "part",
    "scalar",
    "made",
)

_COMPARISONS = frozenset(
    [np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal]
)


class UnknownArgumentError(TypeError):
    """The argument of this name cannot be traced, though the NumPy function can."""


def reason(function: Callable[..., Any]) -> str:
    """Return the end of the message that refuses a NumPy function.

    >>> reason(np.unique), reason(np.fft.fft)
    (': its shape depends on contents', ': complex numbers are not supported yet')
    """
    why = why_refused(function)
    return f": {why}" if why is not None else ""


class AnyTracer(Traced):
    """A traced value that stands for an array, a NumPy scalar or a Python scalar."""

    __slots__ = ("state",)

    def __init__(self, builder: Builder, node: Node, shape: Shape, state: str = OWNED) -> None:
        self.builder = builder
        self.node = node
        self.known_shape = shape
        self.state = SCALAR if not shape and state == OWNED else state
        builder.tracers.append(self)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """The class of the value that the tracer stands for; `isinstance` goes by it."""
        if self.state == SCALAR:
            return self.node.dtype.scalar
        return np.ndarray

    def result(self, node: Node, shape: Shape) -> AnyTracer:
        """Return the tracer of the outcome of a NumPy function."""
        raise NotImplementedError

    # -- NumPy's functions ----------------------------------------------------------------------

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: object
    ) -> Any:
        if method == "__call__" and not keywords and ufunc.nout == 1 and not ufunc.signature:
            if len(inputs) == 1:
                return self.result(*trace_single(self.builder, ufunc, self))
            first: object = inputs[0]
            if len(inputs) == 2 and first is self and not is_array(inputs[1]):
                return self.result(*trace_pair(self.builder, ufunc, self, inputs[1]))
        if method == "outer" and not keywords:
            inputs = self._outer(*inputs)
        elif method != "__call__" or ufunc.signature:
            return self._called(ufunc, method, inputs, keywords)
        if ufunc in _COMPARISONS:
            # A NumPy scalar on the left side of a comparison arrives as an array without axes.
            inputs = tuple(
                each[()] if is_array(each) and not each.ndim else each for each in inputs
            )
        if is_array(inputs[0]) or is_array(inputs[-1]):
            inputs = tuple([adopted(self.builder, each) for each in inputs])
        if keywords:
            return self._with_keywords(ufunc, inputs, keywords)
        result = self.result(*trace_ufunc(self.builder, ufunc, inputs))
        if issubclass(type(inputs[0]), np.generic) and is_operator(user_site()):
            # `np.int64(2) + x` arrives here as np.add, since NumPy's scalar comes first.
            between_scalars(result, *inputs)
        return result if ufunc.nout == 1 else self.each_of(result)

    def each_of(self, several: AnyTracer) -> tuple[AnyTracer, ...]:
        """Return the results of an operator that has several."""
        node, nodes = several.node, self.builder.nodes
        assert isinstance(node, Apply)
        return tuple(
            self.result(nodes.project(node, at, dtype), several.known_shape)
            for at, dtype in enumerate(node.op.dtypes_of_results(node.dtype))
        )

    def divided(self, operands: tuple[Any, Any], *first: object) -> tuple[AnyTracer, ...]:
        """Return the results of divmod; `first` are the operands, the one whose operator first."""
        several = self.result(*trace_ufunc(self.builder, np.divmod, operands))
        return self.each_of(between_scalars(several, *first))

    def _with_keywords(
        self, ufunc: np.ufunc, inputs: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> Any:
        """Trace a call with `dtype`, `casting`, `where`, and `out` that the function made."""
        given = keywords.get("out") or (None,) * ufunc.nout
        outs = written_to(given)
        if any(out is not None and not isinstance(out, AnyTracer) for out in outs):
            raise self.unsupported(
                f"numpy.{ufunc.__name__} of a traced value into an array from outside cannot be "
                "traced",
                "the array as an argument of the function",
            )
        if len(outs) > 1 and outs[0] is outs[1] is not None:
            raise self.unsupported(
                f"numpy.{ufunc.__name__} would write both results to one array",
                "out=(a, b), of two arrays",
            )
        where = adopted(self.builder, keywords.get("where", True))
        casting = keywords.get("casting", "same_kind")
        result = self.result(
            *trace_keywords(self.builder, ufunc, inputs, {**keywords, "where": where})
        )
        results = (result,) if ufunc.nout == 1 else self.each_of(result)
        written = tuple(
            each
            if out is None
            else out.overwrite(
                self.result(*kept(self.builder, where, each, out, casting)), ufunc, casting
            )
            for each, out in zip(results, outs, strict=True)
        )
        written = tuple([in_place_of(each, given) for each in written])
        return written[0] if ufunc.nout == 1 else written

    def overwrite(
        self, result: AnyTracer, ufunc: Callable[..., Any], casting: Any = "same_kind"
    ) -> AnyTracer:
        """Return this tracer with the value of `result`, which `ufunc` wrote to its memory."""
        raise TypeError("return arrays must be of ArrayType")  # as NumPy says of a number

    def _called(
        self, ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> Any:
        """Return the result of a ufunc of whole arrays, or of a method such as np.add.reduce."""
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        if function not in self.builder.functions:
            name = name_of(ufunc) + ("" if function is ufunc else f".{method}")
            raise self.unsupported(
                f"{name} cannot be traced: it writes to elements by their indices"
                if method == "at"
                else f"{name} cannot be traced{reason(ufunc)}",
                "its call outside of the function",
            )
        return self.__array_function__(function, (), inputs, keywords)

    def _outer(self, first: Any, second: Any) -> tuple[Any, Any]:
        """Return the operands of ufunc.outer, the first one with new axes for those of the second.

        NumPy makes arrays of both, so numbers among them are not weak.
        """
        first, second = (
            self.adopted(each if isinstance(each, Traced) else np.asarray(each))
            for each in (first, second)
        )
        count = np.ndim(second)
        return first[(..., *(None,) * count)] if count else first, second

    def __array_function__(
        self,
        function: Callable[..., Any],
        types: object,
        args: tuple[Any, ...],
        keywords: Mapping[str, Any],
    ) -> Any:
        traced = self.builder.functions.get(function)
        if traced is None:
            name = f"{function.__module__}.{function.__name__}"
            raise self.unsupported(
                f"{name} cannot be traced" + reason(function),
                instead_of_attribute(function.__name__, is_method=True),
            )
        # What is written to is no constant, though its elements may be known.
        changed = CHANGING_FIRST.get(function)
        first = 0 if changed is None else 1
        target = tuple(map(written_to, args[:first]))
        rest = [each if isinstance(each, Traced) else self.adopted(each) for each in args[first:]]
        args = (*target, *rest)
        if keywords:
            keywords = {
                name: written_to(each) if name in ("out", changed) else self.adopted(each)
                for name, each in keywords.items()
            }
        try:
            return traced(*args, **keywords)
        except UnknownArgumentError as error:
            raise self.unsupported(
                f"the argument {error} of numpy.{function.__name__} cannot be traced",
                f"it without {error}",
            ) from None

    def adopted(self, operand: Any) -> Any:
        """Return the tracer of an array that the function made; anything else as it is."""
        if isinstance(operand, list | tuple):
            each = [self.adopted(each) for each in operand]
            # A named tuple, for example, stays what it is.
            return type(operand)(each) if type(operand) in (list, tuple) else operand
        if not is_array(operand):
            return operand
        value = adopted(self.builder, operand)
        if value is operand or isinstance(value, AnyTracer):
            return value
        result = self.result(value.node, value.known_shape)
        result.state = MADE
        return result

    # -- refused uses ---------------------------------------------------------------------------

    def unsupported(self, message: str, write: str | None = None) -> CpnumError:
        """Return the error of a use that cannot be traced."""
        return self.builder.error(UnsupportedError, message, seen=type_of(self), write=write)

    def needs_value(self, use: str, write: str) -> CpnumError:
        """Return the error of a use that needs the contents."""
        name, subject = self._names()
        return self.builder.error(
            TraceError,
            f"{use} needs a value, but {name} is being traced",
            seen=f"{subject} is {type_of(self)}; its contents are not known while tracing",
            write=write,
        )

    def _names(self) -> tuple[str, str]:
        """Return the user's name for this value, for the middle and for the start of a sentence."""
        if isinstance(self.node, Input) and not self.node.movement:
            name = self.builder.parameters[self.node.parameter]
            if name in self.builder.names:  # no user knows the name of what a step made
                return name, name
        for name, value in user_frame().f_locals.items():
            # pytest keeps the parts of an assertion in variables that no user can write.
            if value is self and name.isidentifier():
                return name, name
        return "its operand", "the operand"

    # -- questions that Python asks -------------------------------------------------------------

    # The answer is a value if it depends on numbers among the arguments alone; see `looking`.

    def _look(self, question: Question, use: str, write: str) -> Any:
        """Return the outcome of a question, or refuse the `use` of contents."""
        outcome = look(self, question)
        if outcome is NO_NUMBER:
            raise self.needs_value(*conversion(use, write, self.node.dtype.weak))
        return outcome

    def __bool__(self) -> bool:
        outcome = look(self, VALUE if self.node.dtype.family == "B" else TRUTH)
        if outcome is NO_NUMBER:
            raise self.needs_value(*truth_asked())
        return bool(outcome)

    def __float__(self) -> float:
        return float(self._look(VALUE, "float()", "x.astype(float) for float(x)"))

    def __int__(self) -> int:
        question = INTEGER if self.node.dtype.family == "F" else VALUE
        return int(self._look(question, "int()", "x.astype(int) for int(x)"))

    def __complex__(self) -> complex:
        write = "its use outside of the function: there are only reals"
        return complex(self._look(VALUE, "complex()", write))

    def __index__(self) -> int:
        kind = self.node.dtype.scalar
        if self.state == SCALAR and not hasattr(kind, "__index__"):
            return operator.index(kind(1))  # Python's error: the type decides, not the value
        outcome = look(self, VALUE)
        if outcome is NO_NUMBER:
            raise self.needs_value(
                "an index or a range()", "a number, or an argument's shape: they are known"
            )
        return operator.index(outcome)

    def __str__(self) -> str:
        return str(self._number())

    def __repr__(self) -> str:
        return repr(self._number())

    def _number(self) -> Any:
        """Return the value of a number, but the type of what has no value yet."""
        outcome = look(self, VALUE) if self.state == SCALAR else NO_NUMBER
        return _Named(type_of(self)) if outcome is NO_NUMBER else outcome

    def __format__(self, form: str) -> str:
        if not form:
            return format(self._number(), form)
        outcome = look(self, formatted(form))
        if outcome is NO_NUMBER:
            raise self.needs_value(
                f"the format {form!r}", "{x} without a format, or the text outside of the function"
            )
        return str(outcome)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise self.needs_value("pickle", "its use outside of the function")

    # The function may catch Python's error that a class lacks one of these, so a number that has no
    # value yet refuses them, and an array has NumPy's error.

    def __hash__(self) -> int:
        if self.__class__ is np.ndarray:
            raise TypeError("unhashable type: 'numpy.ndarray'")
        if calls_cached():
            # The cache would keep the tracer after the trace.
            raise self.needs_value(*conversion("a key", "it outside of the function", False))
        return hash(self._look(VALUE, "a key", "f(table[x]) for f(x), and the table outside of it"))

    def __round__(self, digits: Any = None) -> Any:
        if self.__class__ is np.ndarray:
            raise TypeError("type numpy.ndarray doesn't define __round__ method")
        return round(self._look(VALUE, "round()", "np.rint(x) for round(x)"), digits)

    def __trunc__(self) -> Any:
        if not hasattr(self.__class__, "__trunc__"):
            raise TypeError(f"type numpy.{self.__class__.__name__} doesn't define __trunc__ method")
        return self._rounded(TRUNCATED)

    def __floor__(self) -> Any:
        return self._rounded(FLOOR)

    def __ceil__(self) -> Any:
        return self._rounded(CEILING)

    def _rounded(self, question: Question) -> Any:
        name = question.text.partition("(")[0]
        outcome = self._look(
            question if self.node.dtype.family == "F" else VALUE,
            f"{name}()",
            f"np.{name.removeprefix('math.')}(x) for {name}(x)",
        )
        return question.of(outcome)

    def __divmod__(self, other: Any) -> tuple[Any, ...]:
        return self.divided((self, other), self, other)

    def __rdivmod__(self, other: Any) -> tuple[Any, ...]:
        return self.divided((other, self), self, other)

    def __contains__(self, value: object) -> NoReturn:
        raise self.needs_value("`in`", "x == value, which compares each element")

    def __matmul__(self, other: object) -> Any:
        return np.matmul(self, other)  # type: ignore[call-overload]

    def __rmatmul__(self, other: object) -> Any:
        return np.matmul(other, self)  # type: ignore[call-overload]

    def __array__(self, dtype: Any = None, copy: object = None) -> Any:
        has_value = self.state == SCALAR and not makes_array()
        outcome = look(self, VALUE) if has_value else NO_NUMBER
        if outcome is NO_NUMBER:
            refused = refused_line()
            if refused is not None:
                raise self.unsupported(*refused)
            weak, write = self.node.dtype.weak, "its use outside of the function"
            raise self.needs_value(*conversion(READ, write, weak))
        return np.array(outcome, dtype)


class _Named(str):
    """A text that is its own representation."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def between_scalars(result: AnyTracer, *operands: object) -> AnyTracer:
    """Return the result of an operator; between scalars, NumPy reports its errors as of no ufunc.

    The first operand is the NumPy scalar whose operator it is.
    """
    builder, node = result.builder, result.node
    if type(node) is not Apply or node.dtype.family == "B":
        return result
    for each in operands:
        if isinstance(each, AnyTracer):
            if each.state != SCALAR:
                return result
        elif isinstance(each, np.ndarray | Traced):  # a made array, which may be adopted
            return result
    first, dtype = operands[0], node.args[0].dtype
    # Nearly all operators compute in the dtype of their first operand.
    if not (isinstance(first, AnyTracer) and first.node.dtype is dtype and dtype.family != "B"):
        if not computed_by_scalars(dtype, [dtype_of(builder, each) for each in operands]):
            return result
    if node.dtype.family == "I":
        builder.checked.add(node)
    elif node.op in BETWEEN_SCALARS:
        builder.as_written.setdefault(node, BETWEEN_SCALARS[node.op])
    return result


def named(method: F, kind: str, name: str) -> F:
    """Return an operator's method with the name that Python's errors show: Tracer.__add__."""
    method.__name__ = f"__{name}__"
    method.__qualname__ = f"{kind}.__{name}__"
    return method
