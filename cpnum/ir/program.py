"""Programs: functions that are more than one loop, as straight lists of steps over arrays.

A loop computes elementwise, into new arrays or into views of arrays that are there.  A call is one
of NumPy's own functions, on whole arrays.  What a step makes is a parameter of the steps after it,
as if the caller had given it, and so is an array that a step has written to.

>>> import numpy as np
>>> from cpnum.trace.trace import trace
>>> def function(x):
...     x[1:] = x[:-1] * 2
...     return x - np.median(x)
>>> print(trace(function, (np.ones(4),)))
function(x: f64[:])
  %0 = multiply x[:-1] 2.0  f64
  x[1:] = %0
  b3 = numpy.median(x)  f64
  %0 = subtract x b3  f64
  t4 = %0
  return t4
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from cpnum.errors import ShapeError
from cpnum.faces import pre
from cpnum.ir.containers import leaves_in
from cpnum.ir.graph import Graph
from cpnum.ir.guards import Guard
from cpnum.ir.handling import Handling, filtered
from cpnum.ir.movement import Movement
from cpnum.ir.nodes import MADE, Input
from cpnum.ir.results import Fold, Given, Results, Tree, View, leaves_of
from cpnum.ir.signature import ArrayOf, Parameter, ScalarOf, Signature, Type, text_of
from cpnum.ir.sites import described
from cpnum.tables.dtypes import from_numpy, from_python


class ContentsError(Exception):
    """Contents of arrays have another outcome than those that the function was traced with."""


class Target(NamedTuple):
    """Where a loop puts a result: a new array, or the view of an array `of` an earlier step.

    The array is the `parameter` of this number.  A result that is a view, as in `x[1:] = x[:-1]`,
    is assigned: NumPy makes no copy of it.  A value that is folded is so before it is put there.
    """

    parameter: int
    of: int | None = None
    movement: tuple[Movement, ...] = ()
    is_assigned: bool = False
    fold: Fold | None = None

    def text(self, signature: Signature) -> str:
        """Return how it is written; the program has this `signature`."""
        return _view_text(signature, self.parameter, self.movement)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Loop:
    """An elementwise computation; all views are read before a target is written.

    The parameters of the `graph` are the `views`, and its results those of the `targets`, so that
    equal statements of a loop in Python have one graph.  The results had so many `elements` for the
    traced arguments.
    """

    graph: Graph
    views: tuple[tuple[int, tuple[Movement, ...]], ...]
    targets: tuple[Target, ...]
    elements: int

    @property
    def reads(self) -> set[int]:
        """The parameters that the loop reads, or writes to."""
        return {each for each, _ in self.views} | {
            each.of for each in self.targets if each.of is not None
        }

    def key(self, signature: Signature, known: dict[int, str]) -> str:
        """Return a text that is the same for steps that have the same lines.

        The texts of graphs are `known` by their identity; new ones are added.
        """
        text = known.get(id(self.graph))
        if text is None:
            lines, results = self.graph.written_loop()
            text = known[id(self.graph)] = "\n".join([*lines, *results])
        views = [_view_text(signature, *each) for each in self.views]
        targets = [each.text(signature) for each in self.targets]
        return "\n".join([text, *views, *targets])

    def lines(self, signature: Signature) -> list[str]:
        """Return the lines of a text; the program has this `signature`."""
        named = [
            Parameter(_view_text(signature, parameter, movement), each.type)
            for (parameter, movement), each in zip(self.views, self.graph.signature, strict=True)
        ]
        lines, results = replace(self.graph, signature=tuple(named)).written_loop()
        return lines + [
            f"  {target.text(signature)} = {text}"
            for target, text in zip(self.targets, results, strict=True)
        ]


def _view_text(signature: Signature, parameter: int, movement: tuple[Movement, ...]) -> str:
    return signature[parameter].name + "".join(map(str, movement))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Call:
    """A call of a function of NumPy's, or a check of contents, which has no results.

    The results of the `graph` are the arguments by position and those by name; it computes nothing
    but Python's numbers.  `results` are the parameters of the call's results, in its containers.
    The function may change its first argument and return nothing.  If it `shares`, a result may be
    in the memory of an argument.  `handling` is that of errors and warnings, as the function set it
    around the call.
    """

    graph: Graph
    function: Callable[..., Any]
    name: str
    results: Tree
    changes: bool
    shares: bool
    handling: Handling

    @property
    def reads(self) -> set[int]:
        """The parameters that the call reads, or writes to."""
        return read_by(self.graph)

    @property
    def is_check(self) -> bool:
        """Whether the call compares contents with an outcome."""
        return not self.changes and not [*leaves_of(self.results)]

    @property
    def changed(self) -> int | None:
        """The parameter that the function writes to, if any."""
        if not self.changes:
            return None
        leaves = self.graph.results.leaves
        leaf = leaves[0]
        leaf = leaves[leaf.of] if isinstance(leaf, View) else leaf
        assert isinstance(leaf, Given)
        return leaf.parameter

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
        if self.changes:
            return
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

    def key(self, signature: Signature, known: dict[int, str]) -> str:
        """Return a text that is the same for steps that have the same lines."""
        return "\n".join(self.lines(signature))

    def lines(self, signature: Signature) -> list[str]:
        """Return the lines of a text; the program has this `signature`."""
        lines, arguments = self.graph.written_call()
        results = [signature[each] for each in leaves_of(self.results)]
        if self.changes:
            return [*lines, f"  {self.name}({arguments})"]
        if self.is_check:
            return [*lines, f"  where {self.name.format(arguments)}"]
        names = ", ".join(each.name for each in results)
        types = ", ".join(str(each.type) for each in results)
        return [*lines, f"  {names} = {self.name}({arguments})  {types}"]


Step = Loop | Call


def read_by(graph: Graph) -> set[int]:
    """Return the parameters that a graph reads, or returns."""
    leaves = graph.results.leaves
    read = {leaf.parameter for leaf in leaves if isinstance(leaf, Given)}
    inputs = [node for node in graph.nodes if type(node) is Input]
    inputs += [each for condition in graph.conditions for each in condition.inputs]
    return read | {each.parameter for each in inputs if each.parameter != MADE}


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

    The first `given` parameters are the function's own, the others are made by steps.  `written`
    are the arguments that steps write to.  The largest argument had so many `elements` when the
    function was traced, and so many elements and rows are `visited` by Python's loops as written.
    """

    steps: tuple[Step, ...]
    graph: Graph
    given: int
    written: frozenset[int]
    elements: int
    visited: int

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
    def loops(self) -> tuple[Loop, ...]:
        """The steps that are loops."""
        return tuple([each for each in self.steps if isinstance(each, Loop)])

    @property
    def only_returned(self) -> frozenset[int]:
        """The parameters that steps make and return, and that no step reads."""
        read = frozenset[int]().union(*[step.reads for step in self.steps])
        returned = {leaf.parameter for leaf in self.results.leaves if isinstance(leaf, Given)}
        return frozenset([each for each in returned - read if each >= self.given])

    @property
    def calls(self) -> tuple[Call, ...]:
        """The steps that are calls."""
        return tuple([each for each in self.steps if isinstance(each, Call)])

    @property
    def written_before_checks(self) -> frozenset[int]:
        """The arguments that steps write to before contents are compared."""
        written: set[int] = set()
        found: set[int] = set()
        for step in self.steps:
            if isinstance(step, Loop):
                written |= {each.of for each in step.targets if each.of is not None}
            elif step.is_check:
                found |= written
            elif step.changed is not None:
                written.add(step.changed)
        return frozenset(found & self.written)

    @property
    def graphs(self) -> tuple[Graph, ...]:
        """The graphs of all loops, and that of what the function returns."""
        return (*[each.graph for each in self.loops], self.graph)

    @property
    def made(self) -> list[str]:
        """The names of what steps make, in their order."""
        given = {each.name for each in self.signature}
        names = dict.fromkeys(each.name for each in self.graph.signature[self.given :])
        return [each for each in names if each not in given]

    def values(self, arguments: Sequence[Any]) -> list[Any]:
        """Return the values of parameters before the first step: those of steps are None."""
        return [*arguments, *[None] * (len(self.graph.signature) - self.given)]

    def __repr__(self) -> str:
        return f"<program {self.name}: {len(self.loops)} loops, {len(self.calls)} calls>"

    def __str__(self) -> str:
        lines = [f"{self.name}({text_of(self.signature)})"]
        signature = self.graph.signature
        known: dict[int, str] = {}
        keys = [each.key(signature, known) for each in self.steps]
        lines += folded(keys, lambda at: self.steps[at].lines(signature), self.made)
        lines += str(self.graph).split("\n")[1:]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return pre(str(self))


# So many different steps may follow one another in what is repeated.
_LONGEST = 40
# A text has so many steps at its start, and so many at its end.
_FIRST, _LAST = 80, 20


class Repeat(NamedTuple):
    """Steps that are repeated: the first one, how many they are, and how often they are made.

    They move if names or indices are others each time, at equal distances.
    """

    at: int
    length: int
    times: int
    moves: bool

    @property
    def last(self) -> int:
        """The last step of all."""
        return self.at + self.length * self.times - 1

    def text(self, until: str) -> str:
        """Return the line below the steps; `until` is the text of the last one."""
        return f"  ... so {self.times} times{f', until {until}' if self.moves else ''}"


def folded(
    keys: Sequence[str], lines: Callable[[int], Sequence[str]], made: Sequence[str] = ()
) -> list[str]:
    """Return the lines of steps; what is repeated stands there once, and what is too long is cut.

    >>> folded("abcbcbca", lambda at: ["abcbcbca"[at]])
    ['a', 'b', 'c', '  ... so 3 times', 'a']
    >>> steps = ["t1 = x[0]", "t2 = t1 + x[1]", "t3 = t2 + x[2]", "t4 = t3 + x[3]"]
    >>> folded(steps, lambda at: [steps[at]], ["t1", "t2", "t3", "t4"])
    ['t1 = x[0]', 't2 = t1 + x[1]', '  ... so 3 times, until t4 = t3 + x[3]']
    """
    found = repeats(keys, made)

    def shown(some: Sequence[Repeat]) -> Iterator[str]:
        for each in some:
            for at in range(each.at, each.at + each.length):
                yield from lines(at)
            if each.times > 1:
                yield each.text(lines(each.last)[-1].strip())

    rest = found[_FIRST:]
    count = sum([each.length * each.times for each in rest[:-_LAST]])
    cut = [f"  ... and {count:,} more steps"] if count else []
    return [*shown(found[:_FIRST]), *cut, *shown(rest[-_LAST:])]


# The text of a step without the names of what steps made and without indices, and these as numbers.
_Pattern = tuple[str, tuple[int, ...]]


def repeats(keys: Sequence[str], made: Sequence[str] = ()) -> list[Repeat]:
    """Return how steps are repeated, whose texts are the keys; steps have `made` these names."""
    order = {name: at for at, name in enumerate(made)}
    patterns = [_pattern(each, order) for each in keys]
    found: list[Repeat] = []
    at = 0
    while at < len(keys):
        length, times = 1, 1
        for own in range(1, _LONGEST + 1):
            if times > 1 and own % length == 0:
                continue  # it is no longer
            again = _repeated(patterns, at, own)
            if again > 1 and (times == 1 or own * again > length * times):
                length, times = own, again
        end = at + length * times
        moves = patterns[at : at + length] != patterns[end - length : end]
        found.append(Repeat(at, length, times, moves))
        at = end
    return found


# Names, and whole numbers in brackets.
_MOVING = re.compile(r"[^\W\d]\w*|(?<=[\[,:] )-?\d+(?=[\],:])|(?<=[\[,:])-?\d+(?=[\],:])")


def _pattern(text: str, order: Mapping[str, int]) -> _Pattern:
    numbers: list[int] = []

    def without(found: re.Match[str]) -> str:
        word = found[0]
        if word[-1].isdigit() and word.lstrip("-").isdigit():
            numbers.append(int(word))
            return "0"
        if word in order:
            numbers.append(order[word])
            return "?"
        return word

    return _MOVING.sub(without, text), tuple(numbers)


def _repeated(patterns: Sequence[_Pattern], at: int, length: int) -> int:
    """Return how often the steps from one on, so many, follow one another."""
    own = patterns[at : at + length]
    times, first = 1, [0]
    while True:
        start = at + times * length
        if start + length > len(patterns) or patterns[start][0] != own[0][0]:
            return times
        pairs = [*zip(own, patterns[start : start + length], strict=True)]
        if any(mine != theirs for (mine, _), (theirs, _) in pairs):
            return times
        moves = [
            new - old
            for (_, mine), (_, theirs) in pairs
            for old, new in zip(mine, theirs, strict=True)
        ]
        if times == 1:
            first = moves
        elif moves != [times * each for each in first]:
            return times
        times += 1
