"""Programs: functions that call NumPy's own functions on whole arrays, between loops.

A program is a straight list of steps.  Each step is a call, whose arguments its graph computes; the
last graph computes what the function returns.  Results of calls are parameters of the graphs after
them, as if the caller had given them.

>>> import numpy as np
>>> from cpnum.trace.trace import trace
>>> print(trace(lambda x: x - np.median(x * 2), (np.ones(4),)))
<lambda>(x: f64[:])
  %0 = multiply x 2.0  f64
  b1 = numpy.median(%0)  f64
  %0 = subtract x b1  f64
  return %0
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from cpnum.errors import ShapeError
from cpnum.faces import pre
from cpnum.ir.containers import leaves_in
from cpnum.ir.graph import Graph
from cpnum.ir.guards import Guard
from cpnum.ir.handling import Handling, filtered
from cpnum.ir.results import Results, Tree, leaves_of
from cpnum.ir.signature import ArrayOf, ScalarOf, Signature, Type, text_of
from cpnum.ir.sites import described
from cpnum.tables.dtypes import from_numpy, from_python


class ContentsError(Exception):
    """Contents of arrays have another outcome than those that the function was traced with."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Step:
    """A call of a function of NumPy's, or a check of contents, which has no results.

    The `graph` returns the arguments by position, those by name, and what later steps need beside
    them.  `stored` are the parameters of the latter.  `results` are the parameters of the call's
    results, in its containers.  `handling` is that of errors and warnings, as the function set it
    around the call.
    """

    graph: Graph
    function: Callable[..., Any]
    name: str
    results: Tree
    stored: tuple[int, ...]
    handling: Handling

    def call(self, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
        """Call the function."""
        modes, callback, filters, _ = self.handling
        if modes is None and filters is None:
            return self.function(*arguments, **keywords)
        errstate: Any = {} if modes is None else {**dict(modes), "call": callback}
        with filtered(filters), np.errstate(**errstate):
            return self.function(*arguments, **keywords)

    def keep(self, values: list[Any], result: Any) -> None:
        """Put the results of the call among the values of parameters.

        Raises:  ShapeError if one has another type than the trace expected.
        """
        signature = self.graph.signature
        if isinstance(self.results, int):
            self._keep(values, self.results, signature[self.results].type, result)
            return
        for parameter, value in zip(leaves_of(self.results), leaves_in(result), strict=True):
            self._keep(values, parameter, signature[parameter].type, value)

    def _keep(self, values: list[Any], parameter: int, expected: Type, value: Any) -> None:
        if not _has_type(value, expected):
            site = self.handling.site
            where = "" if site is None else f" in {described(site)}"
            raise ShapeError(
                f"{self.name} returned another type than for the arguments it was traced with",
                seen=f"{type_of_value(value)} for {expected}{where}",
                write="its call outside of the function",
            )
        values[parameter] = value


def _has_type(value: Any, expected: Type) -> bool:
    """Tell whether a value has a type, as `type_of_value` does."""
    if isinstance(expected, ArrayOf):
        if not isinstance(value, np.ndarray) or value.dtype != expected.dtype.numpy:
            return False
        shape, extents = value.shape, expected.extents
        return len(shape) == len(extents) and all(
            extent != 1 if known is None else extent == known
            for extent, known in zip(shape, extents, strict=True)
        )
    return isinstance(expected, ScalarOf) and type(value) is expected.dtype.scalar


def type_of_value(value: Any) -> ArrayOf | ScalarOf:
    """Return the type of a parameter that has this value.

    Raises:  DTypeError, TypeError for values that no graph computes with.

    >>> print(type_of_value(np.ones((3, 1))), type_of_value(np.float64(1)), type_of_value(2))
    f64[:, 1] f64 int
    """
    if isinstance(value, np.ndarray):
        extents = tuple([1 if extent == 1 else None for extent in value.shape])
        return ArrayOf(from_numpy(value.dtype), extents)
    if isinstance(value, np.generic):
        return ScalarOf(from_numpy(value.dtype))
    weak = from_python(value)
    if weak is None:
        raise TypeError(f"a result of type {type(value).__name__}")
    return ScalarOf(weak)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Program:
    """The steps of a function, and the graph of what it returns.

    The first `given` parameters are the function's own, the others are results of steps.
    """

    steps: tuple[Step, ...]
    graph: Graph
    given: int

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.graph.name

    @property
    def signature(self) -> Signature:
        """The signature of a call."""
        return self.graph.signature[: self.given]

    @property
    def results(self) -> Results:
        """The results of the function."""
        return self.graph.results

    @property
    def guards(self) -> tuple[Guard, ...]:
        """The outcomes of its questions about numbers among its arguments."""
        return self.graph.guards

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """The graphs of all steps, and that of what the function returns."""
        return (*[step.graph for step in self.steps], self.graph)

    def values(self, arguments: tuple[Any, ...]) -> list[Any]:
        """Return the values of parameters before the first step: those of steps are None."""
        return [*arguments, *[None] * (len(self.graph.signature) - self.given)]

    def __repr__(self) -> str:
        return f"<program {self.name}: {len(self.steps)} calls>"

    def __str__(self) -> str:
        lines = [f"{self.name}({text_of(self.signature)})"]
        for step in self.steps:
            lines += _lines(step)
        lines += str(self.graph).split("\n")[1:]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return pre(str(self))


def _lines(step: Step) -> list[str]:
    """Return the lines of a step: of the operators, and of the call."""
    lines, arguments, stored = step.graph.written_call()
    signature = step.graph.signature
    results = [signature[each] for each in leaves_of(step.results)]
    names = ", ".join(each.name for each in results)
    types = ", ".join(str(each.type) for each in results)
    kept = [
        f"  {signature[each].name} = {text}" for each, text in zip(step.stored, stored, strict=True)
    ]
    if not results:
        return [*lines, f"  where {step.name.format(arguments)}", *kept]
    return [*lines, f"  {names} = {step.name}({arguments})  {types}", *kept]
