"""Looking at contents: Python asks for a number that was computed of arrays, as `if x.max() > 1:`.

NumPy computes all that the function did so far, for the arguments of this call.  The outcome is a
step of the program: it is compared at each call, and a call with another outcome runs as written.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from cpnum.errors import CpnumError
from cpnum.ir.containers import leaves_in
from cpnum.ir.evaluate import value_of
from cpnum.ir.handling import Handling
from cpnum.ir.movement import Movement, replayed
from cpnum.ir.nodes import Node
from cpnum.ir.program import ContentsError
from cpnum.ir.questions import CEILING, FLOOR, INTEGER, TRUNCATED, TRUTH, VALUE, Question
from cpnum.ir.results import NOTHING, Number, Output, View, leaves_of, maker_of, values_of
from cpnum.trace.builder import Builder, Called, Traced, Written
from cpnum.trace.looking import NO_NUMBER
from cpnum.trace.returns import results_of

# A loop that converges asks at each round, in each call as often as its contents need.
MOST_LOOKS = 32

_WHOLE = (TRUTH, INTEGER, CEILING, FLOOR, TRUNCATED)


def look_at_contents(builder: Builder, arguments: tuple[Any, ...]) -> None:
    """Let Python look at contents while a function is traced with these arguments."""
    builder.values = list(arguments)
    builder.look = _Contents(builder).look


class _Contents:
    """The real values of what a function computed so far."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._known: dict[Node, Any] = {}
        self._called = 0
        self._looks = 0

    def look(self, traced: Traced, question: Question) -> Any:
        """Return the outcome of a question, or `NO_NUMBER` for one that would hardly repeat."""
        builder, node = self._builder, traced.node
        is_whole = question in _WHOLE or (question is VALUE and node.dtype.family in "BI")
        if traced.known_shape or not is_whole or self._looks >= MOST_LOOKS:
            return NO_NUMBER
        try:
            value = self._value(node)
        except CpnumError:
            return NO_NUMBER
        outcome = question.of(value)
        passed = results_of(builder, ((traced,), {}), "if", tuple(builder.signature), builder.given)
        text = f"{question.text} == {outcome}"
        check = _check(question.of, outcome)
        builder.steps.append(Called(passed, check, text, NOTHING, None, False, _PLAIN))
        self._called += 1
        self._looks += 1
        builder.asked[node, question] = outcome
        return outcome

    def _value(self, node: Node) -> Any:
        """Return the value of a node, as NumPy computes it for the arguments of this call."""
        builder = self._builder
        while self._called < len(builder.steps):
            step = builder.steps[self._called]
            if isinstance(step, Called):
                self._call(step)
            else:
                self._write(step)
            self._called += 1
        return value_of(node, builder.values, builder.as_written, self._known)

    def _call(self, called: Called) -> None:
        """Make a call that the function made, and note the values of its results."""
        builder, results = self._builder, called.passed
        computed = [
            value_of(leaf.node, builder.values, builder.as_written, self._known)
            for leaf in results.leaves
            if isinstance(leaf, Output | Number)
        ]
        leaves = values_of(results, builder.values, iter(computed))
        arguments, keywords = maker_of(results.tree)(leaves)
        if called.changes is not None:
            # The array that is given stays as it is.
            changed = arguments[0].copy()
            arguments = changed, *arguments[1:]
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            returned = called.function(*arguments, **keywords)
        if called.changes is None:
            for parameter, value in zip(
                leaves_of(called.results), leaves_in(returned), strict=True
            ):
                self._keep(parameter, value)
        else:
            before, after = called.changes
            view = results.leaves[0]
            movement = view.movement if isinstance(view, View) else ()
            self._keep(after, _changed(builder.values[before], movement, changed))

    def _write(self, written: Written) -> None:
        """Note the values of what a step writes: copies of the arrays that are given."""
        builder = self._builder
        made = {
            parameter: value_of(node, builder.values, builder.as_written, self._known)
            for node, parameter in written.stores
        }
        for node, target, parameter, _ in written.puts:
            value = value_of(node, builder.values, builder.as_written, self._known)
            before = builder.values[target.parameter]
            made[parameter] = _changed(before, target.movement, value)
        for parameter, value in made.items():
            self._keep(parameter, value)

    def _keep(self, parameter: int, value: Any) -> None:
        values = self._builder.values
        values += [None] * (parameter + 1 - len(values))
        values[parameter] = value


def _changed(array: Any, movement: tuple[Movement, ...], value: Any) -> Any:
    """Return a copy of an array whose view has other elements."""
    whole = array.copy("K")
    replayed(whole, movement)[...] = value
    return whole


_PLAIN = Handling(None, None, None, None)


def _check(of: Callable[[Any], Any], outcome: Any) -> Callable[[Any], tuple[()]]:
    """Return a function that refuses a value with another outcome."""

    def check(value: Any) -> tuple[()]:
        try:
            found = of(value)
        except (ArithmeticError, ValueError):
            raise ContentsError from None
        if found != outcome:
            raise ContentsError
        return ()

    return check
