"""The cache of one function: prepared calls by their keys, specializations by signature."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cpnum.compile.call import Part
from cpnum.compile.kernel import Clock, Kernel, Kernels
from cpnum.errors import IsaError
from cpnum.ir.graph import Graph
from cpnum.ir.guards import Guard
from cpnum.ir.program import Program
from cpnum.ir.signature import ContainerOf, Fixed, Signature, types_of
from cpnum.ir.simplify import simplify
from cpnum.ir.sites import described
from cpnum.jit.drawing import Generators, may_draw
from cpnum.jit.entries import (
    SHAPE_OBSERVED,
    Compiled,
    Entry,
    GuardedCall,
    Leaf,
    Prepared,
    Refusal,
    ShapeObserved,
)
from cpnum.jit.keys import call_key, taken_key
from cpnum.jit.options import Options
from cpnum.jit.outside import Outside
from cpnum.jit.variants import Variants, spared
from cpnum.remembered import Remembered
from cpnum.run import memory
from cpnum.run.bound import Bound, BoundResults
from cpnum.run.machine import Machine, machine_of
from cpnum.run.prepared import PreparedCall, WrittenCall
from cpnum.run.program import BoundProgram, Planned, ProgramCall, ProgramSpecialization
from cpnum.run.specialization import Specialization
from cpnum.tables import isa
from cpnum.tables.isa import Isa
from cpnum.trace.arguments import Arguments
from cpnum.trace.choices import instead_of_look
from cpnum.trace.fixed import objects_of
from cpnum.trace.parameters import signature_of, with_shapes
from cpnum.trace.trace import RefusedError, trace_arguments, trace_or_refuse

_NO_PACK = "no stencil pack fits this processor"


_Key = tuple[object, ...]


class Cache:
    """The prepared calls and specializations of a function, for the values of outside variables."""

    def __init__(self, function: Callable[..., Any], options: Options, level: Isa | None) -> None:
        self.function = function
        self.options = options
        self.isa = level
        self.outside = Outside()
        self.calls: Remembered[_Key, Prepared | Refusal | GuardedCall] = Remembered()
        self._specializations: Remembered[_Key, Entry | Variants[Entry]] = Remembered()
        # Whether a call had arguments that are containers.
        self.has_containers = False
        self._remembers_refusals = options.fallback == "numpy"
        # No method: specializations hold it, and the cache would live until garbage is collected.
        self._rewrite = functools.partial(
            simplify, fastmath=options.fastmath, precision=options.precision
        )

    # -- calls ----------------------------------------------------------------------------------

    def prepare(self, arguments: Arguments, out: Any, tell: Callable[[str], None]) -> Prepared:
        """Return the prepared call for the key of these arguments.

        Raises:  ExecutableMemoryError if the system refuses memory for its code; RefusedError if
                 the function looks at a number that is another one at each call, and with
                 `fallback="numpy"` if the trace fails or a refusal is remembered.
        """
        key = _key_of(arguments, out)
        self.has_containers |= bool(arguments.containers)
        found = self._known(key, arguments)
        if isinstance(found, Refusal):
            raise RefusedError(found.why)
        if found is not None:
            return found
        variant = self._specialization(arguments, self._remembers_refusals, sparing=True)
        written = self._written(arguments)
        prepared: Prepared
        if isinstance(variant, ProgramSpecialization):
            variant.refuse(out)
            prepared = written
            if self._least_saved() <= variant.saved(arguments.values):
                prepared = ProgramCall(variant, self.isa, self._running(tell), written)
        elif _runs_sooner_as_written(variant.traced, arguments.values):
            self.calls[key] = written
            return written
        else:
            specialization = variant.into(out)
            parts = specialization.describe(arguments.values, out)
            is_empty = all(each.call.arrangement is None for each in parts)
            machine = None if is_empty else self._running(tell)
            prepared = specialization.prepare_parts(parts, self.isa, machine)
        objects = _objects_of(variant.traced.signature)
        self._remember(key, Leaf(prepared, variant), variant.traced.guards, objects)
        return prepared

    def _written(self, arguments: Arguments) -> WrittenCall:
        """Return the call of the function as written for arguments that are passed so."""
        return WrittenCall(self.function, arguments.places, arguments.names_of_keywords)

    def _running(self, tell: Callable[[str], None]) -> Machine | None:
        """Return the machine that runs kernels; `tell` why NumPy does if there is none."""
        machine = self._machine()
        why_not = machine.why_not() if machine is not None else _NO_PACK
        if why_not is None:
            return machine
        tell(f"is evaluated by NumPy: {why_not}")
        return None

    def _known(self, key: _Key, arguments: Arguments) -> Prepared | Refusal | None:
        """Return the prepared call of these arguments, or its refusal, if there is one."""
        try:
            found = self.calls.get(key)
        except TypeError:
            return None  # an argument that cannot be hashed; no signature has it
        return found.find(arguments.values) if isinstance(found, GuardedCall) else found

    def _remember(
        self, key: _Key, leaf: Leaf, guards: Sequence[Guard], objects: Sequence[object]
    ) -> None:
        """Remember the calls of a key, those only for which the guards hold if there are any."""
        if not guards:
            self.calls.remember(key, leaf.call, objects)
            return
        found = self.calls.remember(key, GuardedCall(), objects)
        if not isinstance(found, GuardedCall):
            found = self.calls[key] = GuardedCall()
        found.variants.enter(guards, leaf)

    def prepare_numpy(self, arguments: Arguments, out: Any) -> Prepared:
        """Return a call that NumPy evaluates; it is not remembered."""
        specialization = self._specialization(arguments)
        if isinstance(specialization, ProgramSpecialization):
            return ProgramCall(specialization, written=self._written(arguments))
        specialization = specialization.into(out)
        parts = specialization.describe(arguments.values, out)
        return specialization.prepare_parts(parts, None, None)

    def refuse(
        self,
        arguments: Arguments,
        out: Any,
        why: str,
        signatures: tuple[Signature, ...],
        guards: tuple[Guard, ...] = (),
    ) -> None:
        """Remember a call that was refused, and the `signatures` of its trace if that was.

        It is refused again if its `guards` hold.
        """
        # The function as written may have assigned some that the trace did not come to.
        self.outside.drop_assigned()
        refusal = Refusal(why)
        for each in signatures:
            if each is signatures[-1]:
                self._enter(each, guards, refusal)
            else:
                self._enter(each, _before_shape(guards), SHAPE_OBSERVED)
        key = _key_of(arguments, out)
        if all(
            isinstance(each, np.ndarray) or at in arguments.containers or _is_hashable(each)
            for at, each in enumerate(arguments.values)
        ):
            self._remember(key, Leaf(refusal, refusal), guards, tuple(objects_of(key)))

    def bind(self, arguments: Arguments, out: Any) -> Bound | BoundResults | BoundProgram:
        """Return a bound call of these arguments, its results in `out` or in new arrays."""
        found_for = self._specialization(arguments)
        if isinstance(found_for, ProgramSpecialization):
            found_for.refuse(out)
            written = self._written(arguments)
            call = ProgramCall(found_for, self.isa, self._machine(), written, keeps=True)
            return BoundProgram(call, arguments.values, out)
        specialization = found_for.into(out)
        found = self._known(_key_of(arguments, out), arguments)
        if isinstance(found, PreparedCall):
            parts = [Part((0,), found.call)]
        else:
            parts = specialization.describe(arguments.values, out)
        machine = self._machine()
        empty = [each.call.shape for each in parts if each.call.arrangement is None]
        if parts and (empty or machine is None or machine.why_not() is not None):
            raise IsaError(
                "there is no code to bind: a result is empty or machine code cannot run here",
                seen=f"the shape {(empty or [parts[0].call.shape])[0]}; "
                f"executable memory: {memory.mode()[0]}",
            )
        return specialization.bind(parts, self.level(), machine, arguments.values, out)

    def planned(self, arguments: Arguments) -> Planned | None:
        """Return the program of a call, run for copies of its arguments; None if it is none."""
        specialization = self._specialization(arguments)
        if not isinstance(specialization, ProgramSpecialization):
            return None
        machine = machine_of(self.level())
        if machine is not None and machine.why_not() is not None:
            machine = None
        return specialization.planned(arguments.values, self.level(), machine)

    def placed(
        self, arguments: Arguments, out: Any, planned: Planned | None
    ) -> list[tuple[Kernel, bytes | None]]:
        """Return the called kernels of these arguments, with their bytes, read where they run.

        These are None if they cannot run here.  A program is `planned`.
        """
        level = self.level()
        machine = machine_of(level)
        found: list[tuple[Kernel, bytes | None]] = []
        if machine is not None and machine.why_not() is None:
            if planned is not None:
                described = planned.described(out)
            else:
                described = self._specialization(arguments).described(arguments.values, out)
            for own, call in described:
                region = own.prepare(call, level, machine).placement.region
                found.append((own.kernel(call, level), region.read()))
        # Without any kernel, that is an error.
        return found or [(each, None) for each in _each(self.lower(arguments, out))]

    def why_as_written(self, arguments: Arguments, out: Any) -> str:
        """Return why a call of a program runs as written, "" if it does not."""
        specialization = self._specialization(arguments)
        assert isinstance(specialization, ProgramSpecialization)
        saved = specialization.saved(arguments.values)
        if saved < self._least_saved():
            longer = f"{-1e-3 * saved:.0f} µs longer"
            return f"the arrays are too small, a program would take about {longer}"
        machine = machine_of(self.level())
        if machine is None or machine.why_not() is not None:
            return ""  # it does not run at all
        prepared = self.prepare(arguments, out, lambda _: None)
        assert isinstance(prepared, ProgramCall)
        return prepared.why_as_written(arguments.values)

    def _least_saved(self) -> float:
        """Return how many ns a program has to save, so that a call does not run as written.

        None does so whose sums are compensated.
        """
        return -np.inf if self.options.accuracy == "compensated" else _LEAST_SAVED

    def traced(self, arguments: Arguments) -> Graph | Program:
        """Return what the function became for these arguments."""
        return self._specialization(arguments).traced

    def lower(self, arguments: Arguments, out: Any) -> Kernel | Kernels:
        """Return the called kernel for these arguments, or all of them."""
        return self._specialization(arguments).lower(arguments.values, out, self.level())

    # -- specializations ------------------------------------------------------------------------

    def _specialization(
        self, arguments: Arguments, refusing: bool = False, sparing: bool = False
    ) -> Compiled:
        """Return the specialization for a call; trace the first call of a signature.

        If it is `refusing`, any error of a trace is RefusedError, and a remembered one, too.  If it
        is `sparing`, a number that is another one at each call is RefusedError.
        """
        signature = signature_of(arguments)
        # One look at the table: another thread may be adding the same signature.
        found = self._found(signature, arguments)
        if isinstance(found, ShapeObserved):
            signature = with_shapes(signature, arguments.values)
            found = self._found(signature, arguments)
        if isinstance(found, Refusal):
            found.again = True
            if refusing:
                raise RefusedError(found.why)
            found = None
        if isinstance(found, Compiled):
            found.again = True
            return found
        if sparing:
            self._spare(signature, arguments)
        return self._trace(signature, arguments, refusing)

    def _found(self, signature: Signature, arguments: Arguments) -> Entry | None:
        """Return what is known of a signature and of the numbers of a call."""
        found = self._specializations.get(signature)
        return found.find(arguments.values) if isinstance(found, Variants) else found

    def _spare(self, signature: Signature, arguments: Arguments) -> None:
        """Raise RefusedError for an outcome that will not come again, as far as is known."""
        variants = self._specializations.get(signature)
        guard = spared(variants, arguments.values) if isinstance(variants, Variants) else None
        if guard is not None and guard.site is not None:
            raise RefusedError(
                f"it looks at a number that is another one at each call, in "
                f"{described(guard.site)}; write {instead_of_look(guard.site)}"
            )

    def _trace(self, signature: Signature, arguments: Arguments, refusing: bool) -> Compiled:
        """Trace the function, and enter what it became."""
        fixed = [
            value
            for each, value in zip(signature, arguments.values, strict=True)
            if isinstance(each.type, Fixed | ContainerOf)
        ]
        self.outside.read(self.function, fixed)
        clock = Clock()
        trace = trace_or_refuse if refusing else trace_arguments
        modules = len(sys.modules)
        drawing = self._generators()
        watched = self.outside.watched()
        accuracy = None if self.options.fastmath else self.options.accuracy
        traced = trace(self.function, arguments, signature, watched, accuracy)
        if drawing is not None:
            drawing.refuse_draws(traced.name)
        clock.end("trace")
        if len(sys.modules) != modules:  # the function imported some
            self.outside.read(self.function, fixed)
        self.outside.drop_assigned()
        if traced.signature != signature:
            self._enter(signature, _before_shape(traced.guards), SHAPE_OBSERVED)
        made: Compiled
        if isinstance(traced, Program):
            made = ProgramSpecialization(traced, self._rewrite, clock)
        else:
            made = Specialization(traced, self._rewrite, clock)
        found = self._enter(traced.signature, traced.guards, made)
        if not isinstance(found, Compiled):
            # Only the second trace succeeded: what is inside of an object was changed.
            found = made
            self._enter(traced.signature, traced.guards, made, anew=True)
            self.calls.clear()
        return found

    def _enter(
        self, signature: Signature, guards: Sequence[Guard], entry: Entry, anew: bool = False
    ) -> Entry:
        """Return the entry of a signature with these guards, `entry` if it is the first."""
        objects = _objects_of(signature)
        if guards:
            variants = self._specializations.remember(signature, Variants(), objects)
            if not isinstance(variants, Variants):
                variants = self._specializations[signature] = Variants()
            return variants.enter(guards, entry, anew)
        found = self._specializations.remember(signature, entry, objects)
        if anew or isinstance(found, Variants):
            found = self._specializations[signature] = entry
        return found

    def _generators(self) -> Generators | None:
        """Return the states of random generators, if the function has a name that draws."""
        own = getattr(self.function, "__code__", None)
        codes = self.outside.codes if own is None else (own, *self.outside.codes)
        return Generators() if may_draw(codes) else None

    def by_signature(self) -> dict[str, list[Compiled]]:
        """Return the specializations by the text of their signature, which several may share."""
        found: dict[str, list[Compiled]] = {}
        for entry in list(self._specializations.values()):  # entries go with their objects
            for each in entry if isinstance(entry, Variants) else (entry,):
                if isinstance(each, Compiled):
                    found.setdefault(_text_of(each.graph), []).append(each)
        return found

    # -- the machine ----------------------------------------------------------------------------

    def level(self) -> Isa:
        """Return the ISA level of kernels.

        Raises:  IsaError if there is none that this processor runs.
        """
        if self.isa is None:
            raise IsaError(_NO_PACK, write="isa= to look at another level's code")
        return self.isa

    def _machine(self) -> Machine | None:
        """Return the machine that runs the ISA level, None if no pack fits this processor."""
        if self.isa is None:
            return None
        machine = machine_of(self.isa)
        if machine is None:
            raise IsaError(
                f"this processor has no {self.isa}",
                seen=f"its highest level is {isa.host()}",
                write=".lower() to see the code, or another isa=",
            )
        return machine


def _each(kernels: Kernel | Kernels) -> tuple[Kernel, ...]:
    return kernels.each if isinstance(kernels, Kernels) else (kernels,)


def _text_of(graph: Graph | Program) -> str:
    """Return the types of a graph's parameters, and its guards."""
    types = types_of(graph.signature)
    guards = " and ".join(guard.text for guard in graph.guards)
    return f"{types} where {guards}" if guards else types


# Python computes with numbers in less time than it takes to compute what guards ask about.
_MANY_VALUES = 24

# A program that saves less time than so many ns runs as written.
_LEAST_SAVED = 0.0


def _runs_sooner_as_written(traced: Graph, arguments: Sequence[Any]) -> bool:
    """Tell whether no kernel would make a call faster, because of many guards."""
    arrays = [each for each in arguments if isinstance(each, np.ndarray)]
    return not arrays and sum(each.size for each in traced.guards) > _MANY_VALUES


def _before_shape(guards: Sequence[Guard]) -> list[Guard]:
    """Return the guards of questions that the function asked before it looked at a shape."""
    return [each for each in guards if not each.after_shape]


def _is_hashable(argument: object) -> bool:
    """Tell whether an argument may be in a key; a list, for example, would be kept alive by it."""
    try:
        hash(argument)
    except TypeError:
        return False
    return True


def _objects_of(signature: Signature) -> tuple[object, ...]:
    """Return the objects that a signature, or the key of a call, does not keep alive."""
    for each in signature:
        if type(each.type) is Fixed:
            fixed = tuple([each.type.key for each in signature if isinstance(each.type, Fixed)])
            return tuple(objects_of(fixed))
    return ()


def _key_of(arguments: Arguments, out: Any) -> _Key:
    if not arguments.containers:
        return call_key(out, arguments.values, arguments.names_of_keywords)
    passed = [arguments.values[each] for each in arguments.places]
    return taken_key(out, passed, arguments.names_of_keywords)[0]
