"""Programs that run: kernels of loops, and NumPy's functions between them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from cpnum.compile.call import Array, elements_apart
from cpnum.compile.call import Call as KernelArguments
from cpnum.compile.kernel import Clock, Kernel, Kernels, refuse_cast
from cpnum.compile.outs import filled, given_outs
from cpnum.errors import CpnumError, UnsupportedError
from cpnum.ir.arrays import address, laid_out_as, span
from cpnum.ir.containers import opened
from cpnum.ir.evaluate import host_value
from cpnum.ir.graph import Graph
from cpnum.ir.nodes import Apply
from cpnum.ir.program import Call, ContentsError, Loop, Program, read_by
from cpnum.ir.results import (
    Given,
    Joined,
    Number,
    Output,
    Tree,
    View,
    leaves_of,
    maker_of,
    values_of,
)
from cpnum.ir.signature import ArrayOf, ScalarOf
from cpnum.ir.walk import Shaping
from cpnum.remembered import Remembered
from cpnum.run.alias import overlap
from cpnum.run.buffers import give
from cpnum.run.loops import LoopPlan, State, Values
from cpnum.run.machine import Machine
from cpnum.run.planning import Planner
from cpnum.run.prepared import PreparedCall, WrittenCall
from cpnum.run.results import ResultsCall
from cpnum.run.specialization import Rewrite, Specialization
from cpnum.tables.isa import Isa

# The buffers of a run are kept for the next one of the same program if they have so many bytes.
MOST_KEPT = 1 << 26

# The time of an operator of NumPy's, and what fusing saves for each element of it; the time of a
# program, of a loop beside its kernel, and of a call of NumPy's beside what it takes as written.
# All are in ns, measured with arrays of 8 elements, and of 10,000.
_OPERATOR, _ELEMENT = 450, 0.1
_PROGRAM, _LOOP, _CALL = 7_000, 800, 2_500
# A reduction of NumPy's takes as much as a call; a sum takes half of an operator's time less.
_FOLD = 2_000
# What Python takes to visit an element, as in max(x).
_VISIT = 35

# After so many calls in a row with other contents, all run as written.
MOST_MISSED = 8


class ProgramSpecialization:
    """The program of a function for one signature, and the specializations of its graphs.

    Equal loops have one.
    """

    def __init__(self, traced: Program, rewrite: Rewrite, clock: Clock) -> None:
        self.traced = traced
        # Whether a call found it since it was made.
        self.again = False
        self.seconds: Mapping[str, float] = clock.seconds
        own = {id(each.graph): each.graph for each in traced.loops}
        self._loops = {key: Specialization(graph, rewrite, clock) for key, graph in own.items()}
        self._operators = {key: _operators(graph) for key, graph in own.items()}
        self.last = Specialization(traced.graph, rewrite, clock)

    @property
    def graph(self) -> Program:
        """The program, whose text has all of its graphs."""
        return self.traced

    def saved(self, arguments: Sequence[Any]) -> float:
        """Return about how many ns a call takes less than as written, less than 0 if more."""
        program = self.traced
        largest = max([each.size for each in arguments if isinstance(each, np.ndarray)], default=1)
        share = largest / max(program.elements, 1)
        scale = share * _ELEMENT
        found: float = -_PROGRAM - _CALL * len(program.calls) + program.visited * share * _VISIT
        for each in program.loops:
            count = self._operators[id(each.graph)]
            writes = sum([target.of is not None for target in each.targets])
            found += (count + writes) * _OPERATOR + count * each.elements * scale - _LOOP
            for fold in [target.fold for target in each.targets if target.fold is not None]:
                found += _FOLD + fold.row.is_tree * each.elements * scale / 2
        return found + _operators(program.graph) * (_OPERATOR + largest * _ELEMENT)

    def refuse(self, out: Any) -> None:
        """Refuse an `out` that cannot take the results.

        Raises:  OutError.
        """
        self.last.into(out)
        results, signature = self.traced.results, self.traced.graph.signature
        for at, array in given_outs(results, out):
            leaf = results.leaves[at]
            if isinstance(leaf, Given) and leaf.parameter >= self.traced.given:
                of = signature[leaf.parameter].type
                if isinstance(of, ArrayOf | ScalarOf):
                    refuse_cast(of.dtype.numpy, array.dtype)

    def of(self, loop: Loop) -> Specialization:
        """Return the specialization of a loop."""
        return self._loops[id(loop.graph)]

    def every_kernel(self) -> list[Kernel]:
        """Return the kernels of all loops."""
        each = [*self._loops.values(), self.last]
        return [kernel for own in each for kernel in own.every_kernel()]

    def planned(
        self, arguments: Sequence[Any], level: Isa | None = None, machine: Machine | None = None
    ) -> Planned:
        """Run the steps for these arguments, of which copies are written.

        Raises:  UnsupportedError if contents have another outcome than in the first call.
        """
        call = ProgramCall(self, level, machine)
        copies = [
            _with_memory(each) if at in self.traced.written else each
            for at, each in enumerate(arguments)
        ]
        try:
            with np.errstate(all="ignore"):  # it is no call of the user's
                return Planned(call, tuple(call.run_steps(copies)))
        except ContentsError:
            raise UnsupportedError(
                f"{self.traced.name} runs as written for these arguments",
                seen="contents with another outcome than in the first call",
                write="a new function: cpjit(f.py_func)",
            ) from None

    def described(
        self, arguments: tuple[Any, ...], out: Any
    ) -> Iterator[tuple[Specialization, KernelArguments]]:
        """Yield the calls of different kernels for these arguments, of which copies are written."""
        return self.planned(arguments).described(out)

    def lower(self, arguments: tuple[Any, ...], out: Any, level: Isa) -> Kernel | Kernels:
        """Return the kernels of a call.

        Raises:  UnsupportedError if there is none.
        """
        each = [own.kernel(call, level) for own, call in self.described(arguments, out)]
        if not each:
            raise UnsupportedError(
                f"all that {self.traced.name} computes are calls of NumPy's, so it has no kernel",
                seen=", ".join(step.name for step in self.traced.calls),
                write="its call, which makes them",
            )
        return each[0] if len(each) == 1 else Kernels(self.traced, tuple(each))


class Planned(NamedTuple):
    """A program that has run for some arguments, and the values of its parameters then."""

    call: ProgramCall
    values: tuple[Any, ...]

    def described(self, out: Any) -> Iterator[tuple[Specialization, KernelArguments]]:
        """Yield the calls of different kernels."""
        known = set()
        for plan in self.call.plans():
            for own, described in plan.described():
                key = kernel_key(own, described)
                if key not in known:
                    known.add(key)
                    yield own, described
        yield from self.call.specialization.last.described(self.values, out)


class Held(NamedTuple):
    """A value that is in a buffer, from the step that makes it to the last one that reads it.

    The `buffer` is the number of its address.
    """

    buffer: int
    size: int
    name: str
    first: int
    last: int


def kernel_key(own: Specialization, call: KernelArguments) -> object:
    """Return what is the same for two calls of one kernel."""
    assert call.arrangement is not None
    return id(own), call.arrangement.layouts


def _operators(graph: Graph) -> int:
    """Return how many operators of a graph NumPy computes for elements of arrays."""
    numbers = graph.scalars
    shaping = Shaping(lambda each: each.parameter not in numbers)
    return sum([type(each) is Apply and bool(shaping.of(each)) for each in graph.nodes])


def _with_memory(array: Any) -> Any:
    """Return a copy of an array, in memory of the same layout."""
    copy = laid_out_as(array)
    copy[...] = array
    return copy


class BoundProgram:
    """A program and its arguments, which it reads anew at each call, and may write to.

    What the program computes is in the same arrays at each call, those of `out` if it is given; but
    views that NumPy returns and that may not be written to.  A call that runs as written returns
    what the function does.

    >>> from cpnum import cpjit
    >>> x = np.ones(3)
    >>> shares = cpjit(lambda x: x / x.sum()).bind(x)
    >>> result = shares()
    >>> x[0] = 2.0
    >>> shares() is result
    True
    >>> result
    array([0.5 , 0.25, 0.25])
    """

    def __init__(self, call: ProgramCall, arguments: tuple[Any, ...], out: Any) -> None:
        self._call = call
        self._arguments = arguments
        self._out = out
        self._results = call.specialization.traced.results
        self._make = maker_of(self._results.tree)
        # The arrays of the first results, for each leaf that is computed; None before the first.
        self._kept: dict[int, Array] | None = None
        # The containers of the results, with arrays that kernels may compute into at once.
        self._into: Any = None
        # The states of runs with these arguments; a second run at the same time finds none.
        self._idle: list[State] = []
        self._steps: tuple[Callable[[Values, State], None], ...] | None = None
        self._arrays: tuple[Array, ...] = ()

    def __call__(self) -> Any:
        """Return the results."""
        if self._out is not None:
            return self._call.into(self._arguments, self._out)
        values = self._values()
        if values is None:
            return self._call.as_written(self._arguments)
        if self._into is None:
            result = self._call.results(values)
        else:
            result = self._call.results_into(values, self._into)
        if self._kept is not None and not self._kept:
            return result
        leaves: list[Any] = [None] * len(self._results.leaves)
        _put_leaves(self._results.tree, result, leaves)
        if self._kept is None:
            self._kept = self._keep(leaves)
            return result
        for leaf, array in self._kept.items():
            if leaves[leaf] is not array:
                array[...] = leaves[leaf]
                leaves[leaf] = array
        return self._make(leaves)

    def _values(self) -> tuple[Any, ...] | None:
        """Return the values of parameters, None for a call that is to run as written.

        The addresses of the arguments stay, so that later runs need not look at them.
        """
        try:
            state = self._idle.pop()
        except IndexError:
            values = self._call.values(self._arguments)
            if values is not None and self._steps is None:
                self._settle()
            return values
        assert self._steps is not None
        if self._arrays and not all(each.flags.writeable for each in self._arrays):
            self._idle.append(state)
            return self._call.values(self._arguments)
        again = state.values[:]
        again[: len(self._arguments)] = self._arguments
        try:
            for run in self._steps:
                run(again, state)
        except CpnumError as error:
            self._call.mark(error)
            raise
        finally:
            state.end()
            self._idle.append(state)
        return tuple(again)

    def _settle(self) -> None:
        """Have later runs begin with the first step, if all are planned and none can be refused."""
        steps = self._call.settled()
        if steps is None:
            self._steps = ()
            return
        written = self._call.specialization.traced.written
        self._arrays = tuple([self._arguments[at] for at in written])
        self._steps = steps
        self._idle.append(self._call.begun(self._arguments))

    def _keep(self, leaves: Sequence[Any]) -> dict[int, Array]:
        """Return the arrays of the first results, but arguments and what may not be written."""
        own = self._results.leaves
        kept = {
            at: value
            for at, value in enumerate(leaves)
            if isinstance(value, np.ndarray) and value.flags.writeable and not self._is_given(at)
        }
        computed = [kept.get(at) if at in self._results.arrays else None for at in range(len(own))]
        if any(each is not None for each in computed):
            self._into = self._make(computed)
        return kept

    def _is_given(self, leaf: int) -> bool:
        """Tell whether a leaf is an argument, or a view of one."""
        leaves = self._results.leaves
        of = leaves[leaf]
        while isinstance(of, View):
            of = leaves[of.of]
        return isinstance(of, Given) and of.parameter < self._call.specialization.traced.given

    def __repr__(self) -> str:
        return f"<bound call of {self._call.specialization.traced.name}>"


def _put_leaves(tree: Tree, value: Any, leaves: list[Any]) -> None:
    """Put the values in a result, which has the containers of a tree, at the numbers of leaves."""
    if isinstance(tree, int):
        leaves[tree] = value
        return
    _, items = opened(value) or ((), ())
    for each, item in zip(tree.items, items, strict=True):
        _put_leaves(each, item, leaves)


class ProgramCall:
    """Calls of a program with arguments of one key.

    The loops are planned before the first step runs, but those that read what NumPy returned: these
    are planned when its layout is known.  Without a machine, NumPy computes all graphs.  A call is
    the one as `written` if contents have another outcome than they had while the function was
    traced, or if what is written to may not be, or shares memory with another argument.  Arguments
    that are written to before contents are compared are copied, so that they can be restored.  One
    that `keeps` its results has them where they were, if no two calls run at the same time.
    """

    def __init__(
        self,
        specialization: ProgramSpecialization,
        level: Isa | None = None,
        machine: Machine | None = None,
        written: WrittenCall | None = None,
        keeps: bool = False,
    ) -> None:
        self.specialization = specialization
        self._keeps = keeps
        self._written = written
        # How many calls in a row had another outcome.
        self._missed = 0
        self._level = level
        self._machine = machine
        program = specialization.traced
        self._fates = fates = Fates(program)
        self._restored = sorted(program.written_before_checks)
        self._planner = Planner(
            len(program.graph.signature), program.given, fates.fresh, level, machine, keeps
        )
        self._planning = threading.Lock()
        # The bytes from the first element of each array to its lowest one, and behind its highest.
        self._spans: list[tuple[int, int]] | None = None
        # Whether the elements of each array that is written to share no memory with each other.
        self._apart: dict[int, bool] = {}
        self._is_planned = False
        self._plans: list[Remembered[Any, LoopPlan]] = [Remembered() for _ in program.steps]
        # What each step runs; None for a loop that is planned for the layouts of each call.
        self._runs: list[Callable[[Values, State], None] | None] = [
            None if isinstance(step, Loop) else _Calling(step).run for step in program.steps
        ]
        # The states that no run uses now.
        self._states: list[State] = []
        self._last: Remembered[Any, PreparedCall | ResultsCall] = Remembered()
        # What makes the results, if they are arguments, results of steps, and views of these.
        self._results = program.results
        computes = any(isinstance(each, Output | Number | Joined) for each in self._results.leaves)
        is_made = not computes and not program.graph.conditions
        self._make = maker_of(self._results.tree) if is_made else None

    def run(self, arguments: tuple[Any, ...]) -> Any:
        """Return new results."""
        values = self.values(arguments)
        if values is None:
            return self.as_written(arguments)
        return self.results(values)

    def into(self, arguments: tuple[Any, ...], out: Any) -> Any:
        """Compute into `out`; all results are computed before any is written that overlaps."""
        values = self.values(arguments)
        if values is None:
            assert self._written is not None
            return self._written.into(arguments, out)
        return self.results_into(values, out)

    def results(self, values: tuple[Any, ...]) -> Any:
        """Return new results, from the values of parameters."""
        if self._make is not None:
            return self._make(values_of(self._results, values, iter(())))
        try:
            return self._returned(values, None).run(values)
        except CpnumError as error:
            self.mark(error)
            raise

    def results_into(self, values: tuple[Any, ...], out: Any) -> Any:
        """Compute results into `out`, from the values of parameters."""
        try:
            done = self._returned(values, out).into(values, out)
            if done is None:
                return filled(self._returned(values, None).run(values), out)
            return done
        except CpnumError as error:
            self.mark(error)
            raise

    def mark(self, error: CpnumError) -> None:
        """Mark an error of a run: the call must not be repeated if it has written to arguments."""
        error.began |= bool(self.specialization.traced.written)

    def as_written(self, arguments: tuple[Any, ...]) -> Any:
        """Call the function as written."""
        assert self._written is not None
        return self._written.run(arguments)

    def values(self, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Return the values of parameters, None for a call that is to run as written."""
        if self._written is None:
            return tuple(self.run_steps(arguments))
        addresses = [address(arguments[at]) for at in self._fates.arrays]
        if self._missed >= MOST_MISSED:
            return None
        if self.specialization.traced.written and self._unwritable(arguments, addresses):
            return None
        before = [(arguments[at], arguments[at].copy("K")) for at in self._restored]
        try:
            values = self.run_steps(arguments, addresses)
        except ContentsError:
            for array, copy in before:
                array[...] = copy
            self._missed += 1
            return None
        self._missed = 0
        return tuple(values)

    def _unwritable(self, arguments: Sequence[Any], addresses: Sequence[int]) -> str:
        """Return why the arrays that are written to may not be, "" if they may.

        One may be read-only, or have elements that share memory, with each other or with those of
        another argument.
        """
        program, arrays = self.specialization.traced, self._fates.arrays
        if self._spans is None:
            written = {at: arguments[at] for at in sorted(program.written)}
            self._apart = {at: not x.size or elements_apart(x) for at, x in written.items()}
            self._spans = [span(arguments[at]) for at in arrays]
        for at, are_apart in self._apart.items():
            if not arguments[at].flags.writeable:
                return f"the function writes to {program.signature[at].name}, which is read-only"
            if not are_apart:
                name = program.signature[at].name
                return f"the function writes to {name}, whose elements share memory"
        ends = sorted([
            (start + low, start + high)
            for start, (low, high) in zip(addresses, self._spans, strict=True)
        ])  # fmt: skip
        if any(first < end for (_, end), (first, _) in pairwise(ends)):
            return self._shared(arguments)
        return ""

    def _shared(self, arguments: Sequence[Any]) -> str:
        """Return which array that is written to shares memory with another argument."""
        signature = self.specialization.traced.signature
        for at in self._apart:
            for other in self._fates.arrays:
                if other != at and overlap(arguments[at], arguments[other]):
                    name, shared = signature[at].name, signature[other].name
                    return f"the function writes to {name}, which shares memory with {shared}"
        return ""

    def _ensure_planned(self, arguments: Sequence[Any]) -> None:
        if not self._is_planned:
            with self._planning:
                self._plan(arguments)

    def run_steps(self, arguments: Sequence[Any], addresses: Sequence[int] | None = None) -> Values:
        """Run all steps; return the values of parameters, those that they computed among them.

        The `addresses` are those of arguments that are arrays.

        Raises:  ContentsError.
        """
        if addresses is None:
            addresses = [address(arguments[at]) for at in self._fates.arrays]
        self._ensure_planned(arguments)
        try:
            state = self._states.pop()
        except IndexError:
            state = State(self._planner.room)
        values = state.begin(arguments, self._fates.arrays, addresses, self._fates.scalars)
        try:
            for at, run in enumerate(self._runs):
                if run is None:
                    run = self._planned(at, values, state).run
                run(values, state)
        except CpnumError as error:
            self.mark(error)
            raise
        state.end()
        if self._keeps or state.bytes <= MOST_KEPT:
            self._states.append(state)
        else:
            give(state.buffers)
        return values

    def settled(self) -> tuple[Callable[[Values, State], None], ...] | None:
        """Return what the steps run, if that is the same for each run with the same arguments."""
        if any(step.is_check for step in self.specialization.traced.calls):
            return None  # contents may have another outcome
        runs = [each for each in self._runs if each is not None]
        return tuple(runs) if len(runs) == len(self._runs) else None

    def begun(self, arguments: Sequence[Any]) -> State:
        """Return a state that has the addresses and numbers of arguments, for nobody else."""
        if self._keeps and self._states:
            return self._states.pop()  # that of the run before
        state = State(self._planner.room)
        addresses = [address(arguments[at]) for at in self._fates.arrays]
        state.begin(arguments, self._fates.arrays, addresses, self._fates.scalars)
        return state

    def _plan(self, arguments: Sequence[Any]) -> None:
        """Plan all loops whose layouts do not depend on what NumPy returns."""
        if self._is_planned:
            return  # by another thread
        values = self.specialization.traced.values(arguments)
        steps = zip(self.specialization.traced.steps, self._fates.done, strict=True)
        for at, (step, done) in enumerate(steps):
            if isinstance(step, Loop) and at not in self._fates.varying:
                plan = self._planner.plan(self.specialization.of(step), step, values)
                self._plans[at].remember((), plan)
                self._runs[at] = plan.run
            if self._machine is not None:
                self._planner.done(done)
        self._is_planned = True

    def _planned(self, at: int, values: Values, state: State) -> LoopPlan:
        """Return the plan of a loop for the layouts of what NumPy returned."""
        key = tuple([_layout(values[each]) for each in self._fates.varying[at]])
        plan = self._plans[at].get(key)
        if plan is None:
            step = self.specialization.traced.steps[at]
            assert isinstance(step, Loop)
            own = self.specialization.of(step)
            with self._planning:
                plan = self._planner.plan(own, step, [*values], ahead=False)
            plan = self._plans[at].remember(key, plan)
        state.grow(self._planner.room)
        return plan

    def plans(self) -> Iterator[LoopPlan]:
        """Yield the plans of loops that there are."""
        for table in self._plans:
            yield from table.values()

    def plan(self, at: int) -> LoopPlan:
        """Return the newest plan of a step that is a loop and has run."""
        *_, newest = self._plans[at].values()
        return newest

    def held(self) -> list[Held]:
        """Return what is in the buffers of the program, when its steps have run."""
        signature, planner = self.specialization.traced.graph.signature, self._planner
        ends = {each: at for at, done in enumerate(self._fates.done) for each in done}
        slots = {each.parameter: each.slot for each in planner.room.pooled if not each.is_scalar}
        found: list[Held] = []
        for at, step in enumerate(self.specialization.traced.steps):
            if not isinstance(step, Loop) or at in self._fates.varying:
                continue
            through = dict(self.plan(at).traffic.through)
            for number, target in enumerate(step.targets):
                slot = slots.get(target.parameter) if target.of is None else through.get(number)
                if slot is not None:
                    size = planner.room.sizes[slot - planner.room.count - 1]
                    last = ends[target.parameter] if target.of is None else at
                    found.append(Held(slot, size, target.text(signature), at, last))
        return found

    def why_as_written(self, arguments: Sequence[Any]) -> str:
        """Return why a call with these arguments runs as written, "" if it does not."""
        if self._missed >= MOST_MISSED:
            return f"contents had another outcome in {MOST_MISSED} calls, one after the other"
        return self._unwritable(arguments, [address(arguments[at]) for at in self._fates.arrays])

    def _returned(self, values: tuple[Any, ...], out: Any) -> PreparedCall | ResultsCall:
        """Return the prepared call of the graph that is returned, for these values."""
        key = (out is None, *[_layout(values[each]) for each in self._fates.returned])
        found = self._last.get(key)
        if found is None:
            own = self.specialization.last.into(out)
            parts = own.describe(values, out)
            found = self._last.remember(key, own.prepare_parts(parts, self._level, self._machine))
        return found


def _layout(value: Any) -> object:
    return (value.shape, value.strides) if type(value) is np.ndarray else None


class Fates:
    """The fates of the values that steps make: who gets them, and who is the last to read them.

    `fresh` are those that the caller may get.  `varying` has for a loop what it reads whose layout
    depends on what NumPy returned.  `done` has for each step the values in buffers of the program
    that no later step reads.  `returned` are those that the last graph reads.  `scalars` are the
    arguments that are numbers, and `arrays` those that are arrays.
    """

    def __init__(self, program: Program) -> None:
        given = program.given
        signature = program.graph.signature
        self.scalars = tuple(
            [at for at, each in enumerate(signature[:given]) if type(each.type) is ScalarOf]
        )
        self.arrays = tuple(
            [at for at, each in enumerate(signature[:given]) if type(each.type) is ArrayOf]
        )
        last = read_by(program.graph)
        self.returned = tuple(sorted(each for each in last if each >= given))
        unknown: set[int] = set()
        made: set[int] = set()
        last_step: dict[int, int] = {}
        self.varying: dict[int, tuple[int, ...]] = {}
        for at, step in enumerate(program.steps):
            last_step.update(dict.fromkeys(step.reads, at))
            if isinstance(step, Call):
                unknown.update(leaves_of(step.results))
                continue
            new = [each.parameter for each in step.targets if each.of is None]
            made.update(new)
            varying = tuple(sorted(unknown & step.reads))
            if varying:
                self.varying[at] = varying
                unknown.update(new)
            last_step.update(dict.fromkeys(new, at))
        kept = set[int]().union(*[each.reads for each in program.calls if each.shares])
        self.fresh = frozenset(made & (last | kept))
        done: list[list[int]] = [[] for _ in program.steps]
        for each in made - self.fresh - unknown:
            if not signature[each].type.is_scalar:
                done[last_step[each]].append(each)
        self.done = [tuple(each) for each in done]


class _Calling:
    """A call that runs."""

    def __init__(self, step: Call) -> None:
        self._step = step
        results = step.graph.results
        self._results = results
        self._make = maker_of(results.tree)
        self._numbers = [leaf.node for leaf in results.leaves if isinstance(leaf, Number)]
        self._kept = tuple(leaves_of(step.results))

    def run(self, values: Values, state: State) -> None:
        """Make the call; put its results among the values."""
        step = self._step
        numbers = [host_value(node, values, step.graph.sites)[0] for node in self._numbers]
        arguments, keywords = self._make(values_of(self._results, values, iter(numbers)))
        step.keep(values, step.call(arguments, keywords))
        for parameter in self._kept:
            if isinstance(values[parameter], np.ndarray):
                state.addresses[parameter] = address(values[parameter])
