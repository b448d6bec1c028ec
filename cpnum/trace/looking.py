"""Looking: Python asks for a number that depends on numbers among the arguments alone.

The number is computed from the arguments of this call.  A guard says what was asked and what the
outcome was, since the graph holds only for calls that have the same outcome.

>>> from cpnum.ir.questions import VALUE
>>> from cpnum.tables.dtypes import F64, INT
>>> builder = Builder()
>>> x, n = builder.argument("x", F64, (3,)), builder.argument("n", INT, ())
>>> builder.numbers[1] = 3
>>> look(Traced(builder, n, ()), VALUE), look(Traced(builder, x, (3,)), VALUE)
(3, <no number>)
>>> [each.text for each in builder.guards]
['n == 3']
"""

from __future__ import annotations

from typing import Any, Final

from cpnum.errors import CpnumError, PythonError
from cpnum.ir.evaluate import host_value
from cpnum.ir.nodes import Apply, Constant, Host, Input, Node, Project
from cpnum.ir.questions import VALUE, Question, Raised, guard_of
from cpnum.ir.sites import caller_of, note_site
from cpnum.ir.walk import postorder
from cpnum.trace.builder import Builder, Traced
from cpnum.trace.site import error_site


class _NoNumber:
    def __repr__(self) -> str:
        return "<no number>"


# The answer for a value that depends on the contents of an array.
NO_NUMBER: Final = _NoNumber()

# After so many guards, the arguments themselves are looked at, and their values imply the rest:
# each call asks all of its guards, and each guard computes what it asks about.
MOST_GUARDS = 16


def is_number(traced: Traced) -> bool:
    """Tell whether a value is one number that depends on numbers among the arguments alone."""
    builder = traced.builder
    return not traced.known_shape and all(
        each.parameter in builder.numbers
        if isinstance(each, Input)
        else not (isinstance(each, Constant) and each.like)
        and isinstance(each, Constant | Apply | Host | Project)
        for each in postorder(traced.node, builder.computed)
    )


def look(traced: Traced, question: Question) -> Any:
    """Return what a question about a number has as outcome, or `NO_NUMBER`.

    Raises:  the error that Python or NumPy would raise; a CpnumError for a number that cannot be.
    """
    builder, node = traced.builder, traced.node
    key = node, question
    if key in builder.asked:
        return builder.asked[key]
    if not is_number(traced):
        return NO_NUMBER if builder.look is None else builder.look(traced, question)
    if len(builder.guards) >= MOST_GUARDS:
        _look_at_arguments(builder, node)
    outcome: Any
    try:
        outcome = question.of(_value(builder, node))
    except PythonError as error:
        _note(builder, question, node, Raised(type(error.error)))
        if error.site is not None:
            note_site(error.error, error.site)
        raise error.error from None
    except CpnumError as error:
        _note(builder, question, node, Raised(type(error)))
        raise builder.error(type(error), error.message, error.seen, error.write) from None
    except Exception as error:
        _note(builder, question, node, Raised(type(error)))
        raise
    _note(builder, question, node, outcome)
    builder.asked[key] = outcome
    return outcome


def _value(builder: Builder, node: Node) -> Any:
    value, _ = host_value(
        node, builder.numbers, builder.sites, builder.as_written, builder.computed
    )
    return value


def _look_at_arguments(builder: Builder, node: Node) -> None:
    for each in postorder(node):
        if isinstance(each, Input):
            _note(builder, VALUE, each, builder.numbers[each.parameter])


def _note(builder: Builder, question: Question, node: Node, outcome: Any) -> None:
    """Write down a guard, unless those before it imply the outcome."""
    if not _is_pinned(builder, node):
        guard = guard_of(
            question,
            node,
            outcome,
            builder.parameters,
            builder.as_written,
            caller_of(error_site()),
            builder.shape_observed,
        )
        builder.guards.append(guard)
        if question is VALUE and not isinstance(outcome, Raised):
            builder.pinned.add(node)


def _is_pinned(builder: Builder, node: Node) -> bool:
    """Tell whether the guards imply the value of a node."""
    pinned = builder.pinned
    needed = postorder(node, pinned)
    if any(isinstance(each, Input) for each in needed):
        return False
    pinned.update(needed)
    return True
