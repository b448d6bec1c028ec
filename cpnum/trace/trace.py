"""Tracing runs the user's function once, on tracers, and returns its graph.

>>> print(trace(lambda x, n: np.sqrt(x[1:] * (n + 1)), (np.ones(4), 2.5)))
<lambda>(x: f64[:], n: float)
  %0 = x[1:]             f64
  %1 = operator.add n 1  float
  %2 = cast %1           f64
  %3 = multiply %0 %2    f64
  %4 = sqrt %3           f64
  return %4
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np

from cpnum.errors import CpnumError, ShapeError, TraceError, UnsupportedError
from cpnum.ir.containers import made, opened
from cpnum.ir.graph import Graph
from cpnum.ir.guards import Guard
from cpnum.ir.program import Program
from cpnum.ir.questions import VALUE
from cpnum.ir.signature import (
    ArrayOf,
    ContainerOf,
    Fixed,
    Parameter,
    SameAs,
    ScalarOf,
    Signature,
)
from cpnum.ir.sites import of_python
from cpnum.trace import (  # noqa: F401 (they enter themselves)
    calls,
    ends,
    functions,
    methods,
    promoting,
    statistics,
)
from cpnum.trace.arguments import Arguments, arguments_of
from cpnum.trace.array import Tracer
from cpnum.trace.assembling import assembled
from cpnum.trace.builder import Accuracy, Builder, Traced, type_of
from cpnum.trace.contents import look_at_contents
from cpnum.trace.fields import Fields
from cpnum.trace.leftover import end
from cpnum.trace.looking import NO_NUMBER, look
from cpnum.trace.parameters import signature_of, with_shapes
from cpnum.trace.registry import FUNCTIONS
from cpnum.trace.replacing import replaced
from cpnum.trace.returns import results_of
from cpnum.trace.scalar import WeakTracer
from cpnum.trace.site import at, site_of
from cpnum.trace.tracer import ARGUMENT, SCALAR, AnyTracer


def is_tracing(arguments: Iterable[object]) -> bool:
    """Tell whether a call is made by a function that is being traced.

    A traced value may be in a container.

    >>> is_tracing((1.0, np.ones(3), (2.0,)))
    False
    """
    return any(
        _is_traced(each, ()) for each in arguments if type(each) is not np.ndarray
    )  # nearly all are


def _is_traced(value: Any, inside: tuple[object, ...]) -> bool:
    if isinstance(value, Traced):
        # A left-over of an earlier trace has no builder, and raises its error here.
        return value.builder is not None
    container = opened(value)
    if container is None or any(each is value for each in inside):
        return False
    inside = (*inside, value)
    if dataclasses.is_dataclass(value):
        # The object may keep a left-over that the function does not use.
        return any(isinstance(each, Tracer | WeakTracer) for each in container[1])
    return any(_is_traced(each, inside) for each in container[1])


def trace(
    function: Callable[..., Any],
    arguments: Sequence[Any],
    keywords: Mapping[str, Any] | None = None,
) -> Graph | Program:
    """Return the graph of `function`, for all arguments that have the signature of these.

    The graph has the parameters that `arguments_of` finds, in its order.  The function gets a
    fixed argument, which is neither an array nor a number, as it is: the graph holds for this one
    only.

    Raises:  any error of the function; a CpnumError that names the line if it cannot be traced.
    """
    given = arguments_of(function, arguments, keywords or {})
    return trace_arguments(function, given, signature_of(given))


class RefusedError(Exception):
    """A trace that failed, and why.

    It fails again for the last of the `signatures`, which has shapes if they may be the cause; then
    the one without is the first.  They are None if this is remembered already, or may not come
    again.  If there are `guards`, it fails for calls for which they hold.
    """

    def __init__(
        self,
        why: str,
        signatures: tuple[Signature, ...] | None = None,
        guards: tuple[Guard, ...] = (),
    ) -> None:
        super().__init__(why)
        self.why = why
        self.signatures = signatures
        self.guards = guards


def trace_or_refuse(
    function: Callable[..., Any],
    arguments: Arguments,
    signature: Signature,
    watched: Mapping[int, Any] | None = None,
    accuracy: Accuracy | None = "numpy",
) -> Graph | Program:
    """Return the graph of `function` for arguments of this signature, as `trace_arguments` does.

    Raises:  RefusedError for any error: tracers may have caused it, or the function.
    """
    builder = Builder(FUNCTIONS, watched, accuracy)
    try:
        return _graph(builder, function, arguments, signature)
    except Exception as error:
        signatures = {signature: None}
        if builder.shape_observed or isinstance(error, ShapeError):
            signatures[with_shapes(signature, arguments.values)] = None
        raise RefusedError(why(error), tuple(signatures), tuple(builder.guards)) from None


def why(error: Exception) -> str:
    """Return in one line why a call is not compiled.

    >>> why(TraceError("this needs a value", seen="x")), why(KeyError("x"))
    ('this needs a value', "while it was traced, KeyError: 'x'")
    """
    if isinstance(error, CpnumError):
        return error.message
    line = str(error).partition("\n")[0]
    return f"while it was traced, {type(error).__name__}: {line}".removesuffix(": ")


def trace_arguments(
    function: Callable[..., Any],
    arguments: Arguments,
    signature: Signature,
    watched: Mapping[int, Any] | None = None,
    accuracy: Accuracy | None = "numpy",
) -> Graph | Program:
    """Return the graph of `function` for arguments of this signature, as `trace` does.

    The arrays that are `watched`, by their ids, are constants: each call compares their elements.
    `accuracy` is how exact sums are, as in `cpjit`, and None with `fastmath`.
    """
    return _graph(Builder(FUNCTIONS, watched, accuracy), function, arguments, signature)


def _graph(
    builder: Builder, function: Callable[..., Any], arguments: Arguments, signature: Signature
) -> Graph | Program:
    name = getattr(function, "__name__", type(function).__name__)
    try:
        return _run(builder, function, name, arguments, signature)
    finally:
        # They hold tracers and arguments.
        builder.given, builder.values, builder.look = [], [], None
        end(builder, name)


def _run(
    builder: Builder,
    function: Callable[..., Any],
    name: str,
    arguments: Arguments,
    signature: Signature,
) -> Graph | Program:
    """Run the function on tracers of the arguments; return what it computed."""
    values = arguments.values
    tracers: list[Any] = []
    for parameter, value in zip(signature, values, strict=True):
        tracers.append(_tracer(builder, parameter, value, tracers))
    builder.signature, builder.given = list(signature), list(tracers)
    builder.names = frozenset(builder.parameters)
    look_at_contents(builder, values)
    passed = [tracers[each] for each in arguments.places]
    positional = arguments.positional
    named = dict(zip(arguments.names_of_keywords, passed[positional:], strict=True))
    fields = Fields(function, *_objects(arguments, signature, tracers))
    try:
        returned = _returned(builder, function, passed[:positional], named)
    except CpnumError:
        fields.put_back()  # nothing was computed
        raise
    except BaseException:
        fields.put_back(of_traced=True)  # NumPy's call would have done the rest
        raise
    fields.refuse_changes(builder, name)
    promoting.refuse_writes(builder, name)
    builder.refuse_seterr()
    if builder.shape_observed:
        signature = with_shapes(signature, values)
    every = (*signature, *builder.signature[len(signature) :])
    results = results_of(builder, returned, name, every, builder.given)
    return assembled(builder, name, signature, results)


# Objects by the names that the function has for them.
_Named = list[tuple[str, Any]]


def _objects(
    arguments: Arguments, signature: Signature, tracers: Sequence[Any]
) -> tuple[_Named, _Named]:
    """Return the fixed arguments, and the containers that were made for the trace."""
    names = arguments.written or arguments.names
    fixed: _Named = []
    copies: _Named = []
    for (_, of), name, value in zip(signature, names, tracers, strict=True):
        if type(of) is Fixed:
            fixed.append((name, value))
        elif type(of) is ContainerOf:
            copies.append((name, value))
    return fixed, copies


def _returned(
    builder: Builder,
    function: Callable[..., Any],
    arguments: Sequence[Any],
    keywords: Mapping[str, Any],
) -> Any:
    """Call the function; a refusal is raised even if the function caught it and went on."""
    refusal: CpnumError | None = None
    try:
        try:
            with replaced(builder, function, (*arguments, *keywords.values())):
                returned = function(*arguments, **keywords)
        except Exception as error:
            refusal = builder.refusal or _misused(error)
            if refusal is None or refusal is error:
                error.args = tuple(map(_value_of, error.args))
                raise
            _forget(refusal, error)
            raise refusal from error
        refusal = builder.refusal
        if refusal is not None:
            raise refusal
        return returned
    finally:
        # The traceback of a refusal holds this frame and the builder.  If they held the refusal,
        # the arguments would live until the garbage collector runs.
        builder.refusal = refusal = None


def _value_of(argument: object) -> object:
    """Return what an error says of a number: a missing key, for example, is its value."""
    if issubclass(type(argument), AnyTracer):
        value = look(cast(AnyTracer, argument), VALUE)
        return argument if value is NO_NUMBER else value
    return argument


def _forget(refusal: CpnumError, error: BaseException) -> None:
    """Cut the refusal out of the causes of an error that it gets as its own cause."""
    cause = error.__cause__
    while cause is not None:
        if cause is refusal:
            error.__cause__ = None
            return
        error, cause = cause, cause.__cause__


def _misused(error: Exception) -> CpnumError | None:
    """Return the refusal for an error of Python's that tracers caused, None for another error."""
    site = site_of(error)
    if site is None or isinstance(error, CpnumError):
        return None
    if isinstance(error, AttributeError) and isinstance(error.obj, AnyTracer):
        kind = error.obj.__class__
        if not hasattr(kind, str(error.name)):
            return None  # NumPy and Python have no such attribute either
        refusal: CpnumError = UnsupportedError(
            f"the attribute {error.name} of {kind.__module__}.{kind.__name__} cannot be traced",
            seen=type_of(error.obj),
            write="its use outside of the function",
        )
        return at(refusal, site)
    if Tracer.__name__ not in str(error) and not _checks_the_type(error):
        return None
    refusal = TraceError(
        "this cannot be done with a value that is being traced",
        seen=str(error),
        write="a NumPy function for it, or do it outside of the function",
    )
    return at(refusal, site)


def _checks_the_type(error: Exception) -> bool:
    """Tell whether Python's own library refused the type of a tracer, as json does."""
    step = error.__traceback__ if isinstance(error, TypeError) else None
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    if step is None or not of_python(step.tb_frame.f_code):
        return False
    return is_tracing(step.tb_frame.f_locals.values())


def _tracer(builder: Builder, parameter: Parameter, value: Any, before: Sequence[Any]) -> Any:
    """Return the tracer of an argument; a fixed argument stays as it is.

    `before` are the tracers of the parameters before it.
    """
    name, of = parameter.name, parameter.type
    if isinstance(of, ArrayOf):
        shape = value.shape
        return Tracer(builder, builder.argument(name, of.dtype, shape), shape, ARGUMENT)
    if isinstance(of, ScalarOf):
        builder.numbers[len(builder.parameters)] = value
        kind = WeakTracer if of.dtype.weak else Tracer
        return kind(builder, builder.argument(name, of.dtype, ()), (), SCALAR)
    builder.parameters.append(name)
    if isinstance(of, ContainerOf):
        return made(of.kind, of.keys, [before[each] for each in of.items])
    return before[of.parameter] if isinstance(of, SameAs) else value
