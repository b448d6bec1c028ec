"""The entries of a cache: what its tables have for a signature, or for the key of a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

from cpnum.compile.call import Array
from cpnum.errors import CpnumError
from cpnum.jit.variants import Variants
from cpnum.run.prepared import PreparedCall, WrittenCall
from cpnum.run.program import ProgramCall, ProgramSpecialization
from cpnum.run.results import ResultsCall
from cpnum.run.specialization import Specialization

Prepared = PreparedCall | ResultsCall | WrittenCall | ProgramCall
Compiled = Specialization | ProgramSpecialization


class NoCallError(CpnumError):
    """There is no prepared call for these arguments, so that the slow path has to go on."""


class ShapeObserved:
    """In the table of specializations: a graph serves only the shapes it was traced for."""

    again = True


SHAPE_OBSERVED = ShapeObserved()


class Refusal:
    """Why the calls of a key or of a signature run through NumPy: in the place of compiled ones.

    Only `fallback="numpy"` remembers refusals.  Otherwise each call is an error, which has a
    traceback of its own, and the user may have changed what the function finds outside of it.
    """

    __slots__ = ("again", "why")

    def __init__(self, why: str) -> None:
        self.why = why
        self.again = False

    def run(self, arguments: tuple[Any, ...]) -> NoReturn:
        """Compute nothing.

        Raises:  NoCallError.
        """
        raise NoCallError(self.why)

    def into(self, arguments: tuple[Any, ...], out: Any) -> NoReturn:
        """Compute nothing, as `run`."""
        raise NoCallError(self.why)


class Leaf(NamedTuple):
    """A prepared call or a refusal, and the variant of the function that it belongs to."""

    call: Prepared | Refusal
    variant: Compiled | Refusal


class GuardedCall:
    """The calls of one key, by the guards of their variants: in the place of a prepared call."""

    __slots__ = ("variants",)

    def __init__(self) -> None:
        self.variants: Variants[Leaf] = Variants()

    def find(self, arguments: Sequence[Any]) -> Prepared | Refusal | None:
        """Return the prepared call of these arguments, or its refusal, if there is one."""
        leaf = self.variants.find(arguments)
        if leaf is None:
            return None
        leaf.variant.again = True
        return leaf.call

    def run(self, arguments: tuple[Any, ...]) -> Any:
        """Return a new result.

        Raises:  NoCallError if there is no prepared call.
        """
        found = self.find(arguments)
        if found is None:
            raise NoCallError("numbers that the function has not seen yet")
        return found.run(arguments)

    def into(self, arguments: tuple[Any, ...], out: Array) -> Array | None:
        """Compute into `out`, as the prepared call does; raise errors as `run` does."""
        found = self.find(arguments)
        if found is None:
            raise NoCallError("numbers that the function has not seen yet")
        return found.into(arguments, out)


Entry = Compiled | Refusal | ShapeObserved
