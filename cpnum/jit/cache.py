"""All that was made of one function: prepared calls by their keys, specializations by signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from cpnum.compile.call import Array, Call, describe, new_result
from cpnum.compile.kernel import Clock, Kernel
from cpnum.compile.skeleton import Entry
from cpnum.errors import IsaError, OutError, ShapeError
from cpnum.ir.graph import Graph
from cpnum.ir.signature import Signature
from cpnum.ir.simplify import Precision, simplify
from cpnum.jit.specialization import Specialization
from cpnum.run import memory
from cpnum.run.bound import Bound
from cpnum.run.machine import Machine, machine_of
from cpnum.run.prepared import EmptyCall, KernelCall, NumpyCall, PreparedCall
from cpnum.run.recipe import recipe_of
from cpnum.tables import isa
from cpnum.tables.isa import Isa
from cpnum.trace.parameters import Arguments, signature_of, with_shapes
from cpnum.trace.trace import trace_arguments

Fallback = Literal["error", "numpy"]

# Prepared calls are remembered for so many keys, specializations for so many signatures and fixed
# arguments, which they keep alive; a new one costs microseconds.
_REMEMBERED = 1024

# In the table of specializations: the function observed the shapes of such arguments, so that a
# graph serves only the shapes it was traced for.
_SHAPE_OBSERVED = "shape observed"


class Options(NamedTuple):
    """The arguments of `cpjit`; `level` is the name of an ISA level."""

    fastmath: bool
    precision: Precision
    level: str | None
    fallback: Fallback


class Cache:
    """The prepared calls and specializations of a function.

    `tell` is called with the reason if a call is evaluated by NumPy.
    """

    def __init__(
        self, function: Callable[..., Any], options: Options, tell: Callable[[str], None]
    ) -> None:
        self.function = function
        self.options = options
        self.isa = isa.choose(options.level)
        self.calls: dict[tuple[object, ...], PreparedCall] = {}
        self._specializations: dict[Signature, Specialization | str] = {}
        self._tell = tell

    # -- calls ----------------------------------------------------------------------------------

    def prepare(
        self, key: tuple[object, ...] | None, arguments: Arguments, out: Any
    ) -> PreparedCall:
        """Return a call of these arguments, which may be made again for all calls of its key.

        It is found or remembered under the key, if there is one.
        """
        found = self.calls.get(key) if key is not None else None
        if found is not None:
            return found
        specialization, call = self._described(arguments, out)
        prepared = self._prepared(specialization, call)
        if key is not None:
            if len(self.calls) >= _REMEMBERED:
                self.calls.clear()
            self.calls[key] = prepared
        return prepared

    def _prepared(self, specialization: Specialization, call: Call) -> PreparedCall:
        traced = specialization.traced
        if call.arrangement is None:
            return EmptyCall(traced, call)
        machine = self._machine()
        why_not = "no stencil pack fits this processor" if machine is None else machine.why_not()
        if machine is None or why_not is not None:
            self._tell(f"is evaluated by NumPy: {why_not}")
            return NumpyCall(traced, call)
        kernel = specialization.kernel(call, self.level())
        placement = specialization.placement(call, kernel, machine)
        return KernelCall(traced, call, recipe_of(call, kernel), placement)

    def prepare_numpy(self, arguments: Arguments, out: Any) -> PreparedCall:
        """Return a call that NumPy evaluates; it is not remembered."""
        specialization, call = self._described(arguments, out)
        return NumpyCall(specialization.traced, call)

    def bind(self, arguments: Arguments, out: Any) -> Bound:
        """Return a bound call of these arguments, its result in `out` or in a new array."""
        specialization, call = self._described(arguments, out)
        machine = self._machine()
        if call.arrangement is None or machine is None or machine.why_not() is not None:
            raise IsaError(
                "there is no code to bind: the result is empty or machine code cannot run here",
                seen=f"the shape {call.shape}; executable memory: {memory.mode()[0]}",
            )
        if out is None:
            out = new_result(call, specialization.graph.output.node.dtype.numpy)
        refuse_read_only(out)
        kernel = specialization.compiled(call, self.level(), Entry.BOUND)
        return Bound(specialization.traced, call, kernel, machine, arguments.values, out)

    def lower(self, arguments: Arguments, out: Any) -> Kernel:
        """Return the called kernel of these arguments."""
        specialization, call = self._described(arguments, out)
        if call.arrangement is None:
            raise ShapeError("an empty result needs no kernel", seen=f"the shape {call.shape}")
        return specialization.kernel(call, self.level())

    def _described(self, arguments: Arguments, out: Any) -> tuple[Specialization, Call]:
        if out is not None and type(out) is not np.ndarray:
            raise OutError(
                "`out` is not a plain array",
                seen=f"a {type(out).__name__}",
                write="out=np.asarray(out)" if isinstance(out, np.ndarray) else "out=np.empty(...)",
            )
        specialization = self._specialization(arguments).into(out)
        return specialization, describe(specialization.graph, arguments.values, out)

    # -- specializations ------------------------------------------------------------------------

    def _specialization(self, arguments: Arguments) -> Specialization:
        """Return the specialization for the signature of a call, traced now if it is the first."""
        signature = signature_of(arguments)
        # One look at the table: another thread may be entering the same signature.
        found = self._specializations.get(signature)
        if found is _SHAPE_OBSERVED:
            signature = with_shapes(signature, arguments.values)
            found = self._specializations.get(signature)
        if found is None:
            clock = Clock()
            traced = trace_arguments(self.function, arguments, signature)
            clock.end("trace")
            if len(self._specializations) >= _REMEMBERED:
                self._specializations.clear()
            if traced.signature != signature:
                self._specializations[signature] = _SHAPE_OBSERVED
            found = self._specializations.setdefault(
                traced.signature, Specialization(traced, self._rewrite, clock)
            )
        assert isinstance(found, Specialization)
        return found

    def _rewrite(self, graph: Graph) -> Graph:
        return simplify(graph, self.options.fastmath, self.options.precision)

    def by_signature(self) -> dict[str, list[Specialization]]:
        """Return the specializations; several may have signatures that are printed alike."""
        found: dict[str, list[Specialization]] = {}
        for each in self._specializations.values():
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
            raise IsaError(
                "no stencil pack fits this processor", write="isa= to look at another level's code"
            )
        return self.isa

    def _machine(self) -> Machine | None:
        """Return the machine that runs the level, None if no pack fits this processor."""
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


def refuse_read_only(out: Array) -> None:
    """Refuse an `out` that must not be written to."""
    if not out.flags.writeable:
        raise OutError(
            "`out` is read-only",
            seen=f"out of shape {out.shape}, not writeable",
            write="out=np.empty(...), or an array that may be written to",
        )
