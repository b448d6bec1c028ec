"""The cache of one function: prepared calls by their keys, specializations by signature."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from cpnum.compile.call import Part
from cpnum.compile.kernel import Clock, Kernel, Kernels
from cpnum.errors import IsaError
from cpnum.ir.signature import Fixed, Signature
from cpnum.ir.simplify import Precision, simplify
from cpnum.jit.drawing import Generators, may_draw
from cpnum.jit.keys import call_key
from cpnum.jit.outside import Outside
from cpnum.remembered import Remembered
from cpnum.run import memory
from cpnum.run.bound import Bound, BoundResults
from cpnum.run.machine import Machine, machine_of
from cpnum.run.prepared import EmptyCall, NumpyCall, PreparedCall
from cpnum.run.results import ResultsCall
from cpnum.run.specialization import Specialization
from cpnum.tables import isa
from cpnum.tables.isa import Isa
from cpnum.trace.fixed import objects_of
from cpnum.trace.parameters import Arguments, signature_of, with_shapes
from cpnum.trace.trace import RefusedError, trace_arguments, trace_or_refuse

Fallback = Literal["error", "numpy"]

# In the table of specializations: the function looked at shapes, so a graph serves only the shapes
# it was traced for.
_SHAPE_OBSERVED = "shape observed"


class Refusal(NamedTuple):
    """Why the calls of a key or of a signature run through NumPy: in the place of compiled ones.

    Only `fallback="numpy"` remembers refusals.  Otherwise each call is an error, which has a
    traceback of its own, and the user may have changed what the function finds outside of it.
    """

    why: str

    def run(self, arguments: tuple[Any, ...]) -> None:
        """Compute nothing, as a prepared call that has to go the slow path."""

    def into(self, arguments: tuple[Any, ...], out: Any) -> None:
        """Compute nothing, as `run`."""


_Found = Specialization | Refusal | str

Prepared = PreparedCall | ResultsCall

_NO_PACK = "no stencil pack fits this processor"


_Key = tuple[object, ...]


class Options(NamedTuple):
    """The arguments of `cpjit`; `level` is the name of an ISA level."""

    fastmath: bool
    precision: Precision
    level: str | None
    fallback: Fallback


class Cache:
    """The prepared calls and specializations of a function, for the values of outside variables."""

    def __init__(self, function: Callable[..., Any], options: Options) -> None:
        self.function = function
        self.options = options
        self.isa = isa.choose(options.level)
        self.outside = Outside()
        self.calls: Remembered[_Key, Prepared | Refusal] = Remembered()
        self._specializations: Remembered[_Key, _Found] = Remembered()
        self._remembers_refusals = options.fallback == "numpy"
        # No method: specializations hold it, and the cache would live until garbage is collected.
        self._rewrite = functools.partial(
            simplify, fastmath=options.fastmath, precision=options.precision
        )

    # -- calls ----------------------------------------------------------------------------------

    def prepare(self, arguments: Arguments, out: Any, tell: Callable[[str], None]) -> Prepared:
        """Return the prepared call for the key of these arguments.

        Raises:  ExecutableMemoryError if the system refuses memory for its code; with
                 `fallback="numpy"` RefusedError if the trace fails or a refusal is remembered.
        """
        key = _key_of(arguments, out)
        found = self._known(key)
        if isinstance(found, Refusal):
            raise RefusedError(found.why)
        if found is not None:
            return found
        specialization, parts = self._describe(arguments, out, self._remembers_refusals)
        machine: Machine | None = None
        if any(each.call.arrangement is not None for each in parts):
            machine = self._machine()
            why_not = machine.why_not() if machine is not None else _NO_PACK
            if why_not is not None:
                tell(f"is evaluated by NumPy: {why_not}")
                machine = None
        prepared = self._prepared(specialization, parts, machine)
        objects = _objects_of(specialization.traced.signature)
        self.calls.remember(key, prepared, objects)
        return prepared

    def _known(self, key: _Key) -> Prepared | Refusal | None:
        """Return the prepared call of a key, or its refusal, if there is one."""
        try:
            return self.calls.get(key)
        except TypeError:
            return None  # an argument that cannot be hashed; no signature has it

    def _prepared(
        self, specialization: Specialization, parts: list[Part], machine: Machine | None
    ) -> Prepared:
        """Return a prepared call; without a machine, NumPy evaluates it."""
        if not specialization.is_plain:
            if machine is None:
                return specialization.prepare_results(parts, None, None)
            return specialization.prepare_results(parts, self.level(), machine)
        call = parts[0].call
        if call.arrangement is None:
            return EmptyCall(specialization.traced, call)
        if machine is None:
            return NumpyCall(specialization.traced, call)
        return specialization.prepare(call, self.level(), machine)

    def prepare_numpy(self, arguments: Arguments, out: Any) -> Prepared:
        """Return a call that NumPy evaluates; it is not remembered."""
        return self._prepared(*self._describe(arguments, out), None)

    def refuse(
        self, arguments: Arguments, out: Any, why: str, signatures: tuple[Signature, ...]
    ) -> None:
        """Remember a call that was refused, and the `signatures` of its trace if that was."""
        # The function as written may have assigned some that the trace did not come to.
        self.outside.drop_assigned()
        refusal = Refusal(why)
        for each in signatures:
            entry = refusal if each is signatures[-1] else _SHAPE_OBSERVED
            self._specializations.remember(each, entry, _objects_of(each))
        key = _key_of(arguments, out)
        if all(isinstance(each, np.ndarray) or _is_hashable(each) for each in arguments.values):
            self.calls.remember(key, refusal, tuple(objects_of(key)))

    def bind(self, arguments: Arguments, out: Any) -> Bound | BoundResults:
        """Return a bound call of these arguments, its results in `out` or in new arrays."""
        specialization = self._specialization(arguments, out)
        found = self._known(_key_of(arguments, out))
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

    def placed(self, arguments: Arguments, out: Any) -> list[tuple[Kernel, bytes | None]]:
        """Return the called kernels of these arguments, with their bytes, read where they run.

        These are None if they cannot run here.
        """
        specialization, parts = self._describe(arguments, out)
        kernels = specialization.lower(parts, self.level())
        machine = machine_of(self.level())
        if machine is None or machine.why_not() is not None:
            return [(each, None) for each in _each(kernels)]
        found: list[tuple[Kernel, bytes | None]] = []
        for places, call in parts:
            if call.arrangement is not None:
                own = specialization.part(places)
                prepared = own.prepare(call, self.level(), machine)
                region = prepared.placement.region
                found.append((own.kernel(call, self.level()), region.read()))
        return found

    def lower(self, arguments: Arguments, out: Any) -> Kernel | Kernels:
        """Return the called kernel for these arguments, or all of them."""
        specialization, parts = self._describe(arguments, out)
        return specialization.lower(parts, self.level())

    def _describe(
        self, arguments: Arguments, out: Any, refusing: bool = False
    ) -> tuple[Specialization, list[Part]]:
        """Return the specialization of a call, and its parts."""
        specialization = self._specialization(arguments, out, refusing)
        return specialization, specialization.describe(arguments.values, out)

    # -- specializations ------------------------------------------------------------------------

    def _specialization(
        self, arguments: Arguments, out: Any, refusing: bool = False
    ) -> Specialization:
        """Return the specialization for a call; trace the first call of a signature.

        If it is `refusing`, any error of a trace is RefusedError, and a remembered one, too.
        """
        signature = signature_of(arguments)
        # One look at the table: another thread may be adding the same signature.
        found = self._specializations.get(signature)
        if found is _SHAPE_OBSERVED:
            signature = with_shapes(signature, arguments.values)
            found = self._specializations.get(signature)
        if isinstance(found, Refusal):
            if refusing:
                raise RefusedError(found.why)
            found = None
        if found is None:
            fixed = [
                value
                for each, value in zip(signature, arguments.values, strict=True)
                if type(each.type) is Fixed
            ]
            self.outside.read(self.function, fixed)
            clock = Clock()
            trace = trace_or_refuse if refusing else trace_arguments
            modules = len(sys.modules)
            drawing = self._generators()
            traced = trace(self.function, arguments, signature)
            if drawing is not None:
                drawing.refuse_draws(traced.name)
            clock.end("trace")
            if len(sys.modules) != modules:  # the function imported some
                self.outside.read(self.function, fixed)
            self.outside.drop_assigned()
            objects = _objects_of(signature)
            if traced.signature != signature:
                self._specializations.remember(signature, _SHAPE_OBSERVED, objects)
            made = Specialization(traced, self._rewrite, clock)
            found = self._specializations.remember(traced.signature, made, objects)
            if isinstance(found, Refusal):
                # Only the second trace succeeded: what is inside of an object was changed.
                found = self._specializations[traced.signature] = made
                self.calls.clear()
        assert isinstance(found, Specialization)
        return found.into(out)

    def _generators(self) -> Generators | None:
        """Return the states of random generators, if the function has a name that draws."""
        own = getattr(self.function, "__code__", None)
        codes = self.outside.codes if own is None else (own, *self.outside.codes)
        return Generators() if may_draw(codes) else None

    def by_signature(self) -> dict[str, list[Specialization]]:
        """Return the specializations by the text of their signature, which several may share."""
        found: dict[str, list[Specialization]] = {}
        for each in list(self._specializations.values()):  # entries go with their objects
            if isinstance(each, Specialization):
                types = ", ".join(str(parameter.type) for parameter in each.graph.signature)
                found.setdefault(types, []).append(each)
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
    return call_key(out, arguments.values, arguments.names[arguments.positional :])
