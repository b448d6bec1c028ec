"""Calls of NumPy's own functions on whole arrays: each is a step of a program.

The step's graph computes the arguments.  The results are parameters of the graphs after it.
"""

from __future__ import annotations

import functools
import inspect
import operator
import sys
from collections.abc import Callable, Mapping
from types import FrameType, FunctionType
from typing import Any

import numpy as np

from cpnum.errors import CpnumError
from cpnum.ir.containers import leaves_in, made, opened, with_leaves
from cpnum.ir.program import type_of_value
from cpnum.ir.questions import VALUE
from cpnum.ir.results import NOTHING, Container, Tree
from cpnum.ir.signature import Parameter
from cpnum.ir.sites import outside_of_numpy
from cpnum.tables.coverage import (
    CALLED,
    CALLED_METHODS,
    CALLS_OF_MODULES,
    CHANGING,
    CHANGING_METHODS,
)
from cpnum.trace.array import Tracer
from cpnum.trace.builder import Called, Written
from cpnum.trace.compensated import compensated
from cpnum.trace.folds import decides_order, fold_of, is_sum
from cpnum.trace.looking import is_number, look
from cpnum.trace.made import CHANGING_FIRST, RUNNING, written_to
from cpnum.trace.registry import FUNCTIONS, first_tracer
from cpnum.trace.returns import results_of
from cpnum.trace.sampling import Like, UnknownShapeError, sampled
from cpnum.trace.scalar import WeakTracer
from cpnum.trace.tracer import OWNED, SCALAR, VIEW, AnyTracer, UnknownArgumentError
from cpnum.trace.ufuncs import dtype_of
from cpnum.trace.writing import add_step, in_memory, overwritten

_Function = Callable[..., Any]


def call(function: _Function, name: str, arguments: tuple[Any, ...], keywords: Any) -> Any:
    """Return the traced results of a call, which becomes a step of the program, or several.

    Raises:  a CpnumError if their shapes are not known; what NumPy raises for such arguments.
    """
    out = keywords.get("out")
    if out is not None:
        return _into(out, function, name, arguments, keywords)
    rest = {key: each for key, each in keywords.items() if key != "out"}
    builder = first_tracer(*leaves_in((arguments, rest))).builder
    if builder.accuracy == "compensated" and is_sum(function):
        result = compensated(_step, function, name, arguments, rest)
        if result is not None:
            return result
    return _step(function, name, arguments, rest)


def _step(
    function: _Function,
    name: str,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any],
    quiet: bool = False,
) -> Any:
    """Return the traced results of a call that becomes a step of the program; it has no `out`.

    If it is `quiet`, a loop that it is reports no errors of what it folds: a later step does.
    """
    tracer = first_tracer(*leaves_in((arguments, keywords)))
    builder = tracer.builder
    given = _adopted(tracer, arguments, keywords)
    sample, shares = _sample(tracer, function, name, given)
    sharing: set[int] = set()
    if shares:
        # Both may be written to later, and then the other one is, too.
        for each in leaves_in(given):
            if isinstance(each, AnyTracer) and each.state != SCALAR:
                sharing.add(in_memory(each).parameter)
    first = len(builder.parameters)
    passed = results_of(builder, given, name, tuple(builder.signature), builder.given)
    tree, results = _entered(tracer, name, sample)
    at_line = functools.partial(called_at, outside_of_numpy(sys._getframe(1)))
    handling = builder.handling_here()
    fold = fold_of(function, at_line, *given, handling)
    if fold is not None and quiet:
        fold = fold[0]._replace(quiet=True), fold[1]
    add_step(builder, Called(passed, at_line(function), name, tree, None, shares, handling, fold))
    if shares:
        builder.shared |= sharing | set(range(first, len(builder.parameters)))
        for each in leaves_in(results):
            if isinstance(each, AnyTracer) and each.state is OWNED:
                each.state = VIEW
    return results


def _into(
    out: Any, function: _Function, name: str, arguments: tuple[Any, ...], keywords: Any
) -> Any:
    """Return an array that has the results of a call, which are of its dtype and shape."""
    own = written_to(out[0] if isinstance(out, tuple) and len(out) == 1 else out)
    rest = {key: each for key, each in keywords.items() if key != "out"}
    first = arguments[0] if arguments else None
    is_number = isinstance(first, AnyTracer) and first.state == SCALAR
    # Methods of NumPy's numbers do not return it, and `ptp` writes to it before it has read all.
    if not isinstance(own, Tracer) or is_number or name == "numpy.ptp":
        raise UnknownArgumentError("out")
    is_plain = own.builder.accuracy != "compensated"
    if is_plain and isinstance(first, Tracer) and decides_order(function, first, own):
        result = call(_into_like(function), name, arguments, {**rest, "like": own})
    else:
        result = call(function, name, arguments, rest)
    is_like = isinstance(result, Tracer) and result.node.dtype is own.node.dtype
    if not is_like or result.known_shape != own.known_shape:
        raise UnknownArgumentError("out")  # it may decide the dtype that is computed in
    own.set_value(result.node)
    return own


@functools.cache
def _into_like(function: _Function) -> _Function:
    """Return a function that has results in an array that is laid out as `like`.

    NumPy goes along the axes as `out` has them, and so it adds in another order.
    """

    def into_like(*arguments: Any, like: Any, **keywords: Any) -> Any:
        return function(*arguments, out=np.empty_like(like), **keywords)

    return into_like


def change(function: _Function, name: str, arguments: tuple[Any, ...], keywords: Any) -> None:
    """Make a call that writes to its first argument, a step of the program.

    Raises:  what NumPy raises for such arguments.
    """
    array = written_to(arguments[0])
    if not isinstance(array, Tracer):
        raise first_tracer(*leaves_in((arguments, keywords))).unsupported(
            f"{name} of a traced value into an array from outside cannot be traced",
            "the array as an argument of the function",
        )
    builder = array.builder
    target = in_memory(array)
    given = _adopted(array, (array, *arguments[1:]), keywords)
    _sample(array, function, name, given, changes=True)
    passed = results_of(builder, given, name, tuple(builder.signature), builder.given)
    at_line = called_at(outside_of_numpy(sys._getframe(1)), function)
    handling = builder.handling_here()
    version, stores = overwritten(builder, target)
    if stores:
        add_step(builder, Written((), stores))
    changes = target.parameter, version
    add_step(builder, Called(passed, at_line, name, NOTHING, changes, False, handling))


# The arguments of a call, by position and by name.
_Given = tuple[tuple[Any, ...], dict[str, Any]]


def _adopted(tracer: AnyTracer, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> _Given:
    """Return the arguments of a call, with tracers of made arrays; refuse arrays from outside."""
    named = {key: tracer.adopted(each) for key, each in keywords.items()}
    given = tuple(tracer.adopted(list(arguments))), named
    for each in leaves_in(given):
        if isinstance(each, np.ndarray) and not isinstance(each, AnyTracer):
            dtype_of(tracer.builder, each)  # refuses it
    return given


def called_at(frame: FrameType, function: _Function) -> _Function:
    """Return a function that calls another one at a frame's line, for warnings and tracebacks."""

    def called(*arguments: Any, **keywords: Any) -> Any:
        return function(*arguments, **keywords)

    code = called.__code__.replace(
        co_filename=frame.f_code.co_filename,
        co_name=frame.f_code.co_name,
        co_qualname=frame.f_code.co_qualname,
        co_firstlineno=frame.f_lineno - 1,  # the call is a line below
    )
    return FunctionType(code, frame.f_globals, closure=called.__closure__)


# -- what is returned ---------------------------------------------------------------------------


def _sample(
    tracer: AnyTracer, function: _Function, name: str, given: Any, changes: bool = False
) -> tuple[Any, bool]:
    """Return results with the dtypes and shapes of the call's, and whether they share memory."""
    arguments, keywords = with_leaves(given, _without_value)
    builder, RUNNING.builder = RUNNING.builder, None  # the small arrays are none of the function's
    try:
        return sampled(function, arguments, keywords, function not in _OF_INDICES, changes)
    except UnknownShapeError:
        raise tracer.unsupported(
            f"{name} cannot be traced: the shape of its result is not known",
            "its call outside of the function",
        ) from None
    except ValueError as error:
        if "read-only" in str(error):
            raise UnknownArgumentError("out") from None  # it has no name among the others
        raise
    finally:
        RUNNING.builder = builder


def _without_value(value: Any) -> Any:
    """Return an argument, without contents if it is traced, or a number that was looked at.

    Integers decide shapes, as an axis does, so Python looks at them.
    """
    if not isinstance(value, AnyTracer):
        return value
    dtype = value.node.dtype
    if value.state == SCALAR and dtype.family != "F" and is_number(value):
        return look(value, VALUE)
    if dtype.weak:
        return dtype.scalar(0.5)
    return Like(dtype.numpy, value.known_shape, value.state != SCALAR)


def _entered(tracer: AnyTracer, name: str, sample: Any) -> tuple[Tree, Any]:
    """Enter results among the parameters; return their tree, and tracers in their containers."""
    container = opened(sample)
    if container is None:
        return _parameter(tracer, name, sample)
    keys, items = container
    each = [_entered(tracer, name, item) for item in items]
    trees = tuple([tree for tree, _ in each])
    return Container(type(sample), keys, trees), made(
        type(sample), keys, [item for _, item in each]
    )


def _parameter(tracer: AnyTracer, name: str, sample: Any) -> tuple[int, AnyTracer]:
    builder = tracer.builder
    try:
        of = type_of_value(sample)
    except TypeError:
        raise tracer.unsupported(
            f"{name} cannot be traced: it returns a {type(sample).__name__}",
            "its call outside of the function",
        ) from None
    except CpnumError as error:
        message = f"the result of {name} cannot be traced: {error.message}"
        raise builder.error(type(error), message, error.seen, error.write) from None
    parameter, shape = len(builder.parameters), np.shape(sample)
    own = builder.unused_name("b")
    node = builder.argument(own, of.dtype, shape)
    result = (WeakTracer if of.dtype.weak else Tracer)(builder, node, shape)
    result.state = OWNED if isinstance(sample, np.ndarray) else SCALAR
    builder.signature.append(Parameter(own, of))
    builder.owners[parameter] = id(result)
    return parameter, result


# Their arguments have numbers that only arrays of the real extents go with.
_OF_INDICES = (operator.getitem, operator.setitem, np.take, np.diag, np.partition, np.argpartition)


# -- the table ----------------------------------------------------------------------------------


def _enter(function: _Function, name: str, module: str = "numpy") -> None:
    def traced(*arguments: Any, **keywords: Any) -> Any:
        return call(function, f"{module}.{name}", arguments, keywords)

    FUNCTIONS[function] = functools.update_wrapper(traced, function)


def _method(name: str) -> _Function:
    of_array = getattr(np.ndarray, name)
    of_scalar = getattr(np.generic, name, None)  # a number is not sorted, for example

    def method(self: Tracer, *arguments: Any, **keywords: Any) -> Any:
        function = of_scalar if self.state == SCALAR else of_array
        if function is None:
            raise AttributeError(f"'{self.__class__.__name__}' object has no attribute '{name}'")
        try:
            return call(function, f"numpy.{name}", (self, *arguments), keywords)
        except UnknownArgumentError as error:
            raise self.unsupported(
                f"the argument {error} of the method {name} of arrays cannot be traced",
                f"it without {error}",
            ) from None

    method.__name__ = name
    method.__qualname__ = f"Tracer.{name}"
    return method


def _enter_changing(function: _Function, name: str, first: str = "a") -> None:
    def traced(*arguments: Any, **keywords: Any) -> None:
        if not arguments:
            arguments = (keywords.pop(first),)
        change(function, name, arguments, keywords)

    FUNCTIONS[function] = functools.update_wrapper(traced, function)
    CHANGING_FIRST[function] = first


def _changing_method(name: str) -> _Function:
    function = getattr(np.ndarray, name)

    def method(self: Tracer, *arguments: Any, **keywords: Any) -> None:
        if self.state == SCALAR:
            raise AttributeError(f"'{self.__class__.__name__}' object has no attribute '{name}'")
        change(function, f"numpy.ndarray.{name}", (self, *arguments), keywords)

    method.__name__ = name
    method.__qualname__ = f"Tracer.{name}"
    return method


for _name in CALLED:
    if hasattr(np, _name):  # some are new
        _enter(getattr(np, _name), _name)
for _module, _names in CALLS_OF_MODULES.items():
    for _name in _names.split():
        if hasattr(getattr(np, _module), _name):
            _enter(getattr(getattr(np, _module), _name), _name, f"numpy.{_module}")
_enter(operator.getitem, "getitem", "operator")
_enter_changing(operator.setitem, "operator.setitem")
for _ufunc in {each for each in vars(np).values() if isinstance(each, np.ufunc)}:
    if _ufunc.nin == 2 and _ufunc.nout == 1 and _ufunc.signature is None:
        for _name in ("reduce", "accumulate", "reduceat"):
            _enter(getattr(_ufunc, _name), f"{_ufunc.__name__}.{_name}")
for _ufunc in {each for each in vars(np).values() if isinstance(each, np.ufunc)}:
    if _ufunc.nout == 1 and _ufunc.signature is None:
        _enter_changing(_ufunc.at, f"numpy.{_ufunc.__name__}.at")
for _name in CHANGING:
    _first = next(iter(inspect.signature(getattr(np, _name)).parameters))
    _enter_changing(getattr(np, _name), f"numpy.{_name}", _first)
for _name in CHANGING_METHODS:
    setattr(Tracer, _name, _changing_method(_name))
for _name in CALLED_METHODS:
    setattr(Tracer, _name, _method(_name))
