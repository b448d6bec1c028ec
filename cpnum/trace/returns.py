"""Makes the results of a graph of the objects that the traced function returned.

>>> from cpnum.trace.trace import trace
>>> print(trace(lambda x, n: (x, x[1:] * n, {"count": n + 1}), (np.ones(4), 2.0)))
<lambda>(x: f64[:], n: float)
  %0 = x[1:]             f64
  %1 = cast n            f64
  %2 = multiply %0 %1    f64
  %3 = operator.add n 1  float
  return (x, %2, {'count': %3})
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence
from enum import Enum
from types import BuiltinFunctionType, EllipsisType, FunctionType, NoneType
from typing import Any

import numpy as np

from cpnum.errors import CpnumError, TraceError, UnsupportedError
from cpnum.ir.containers import opened
from cpnum.ir.movement import Movement, joined
from cpnum.ir.nodes import MADE, Input
from cpnum.ir.results import (
    Container,
    Given,
    Known,
    Leaf,
    Number,
    Output,
    Results,
    Tree,
    View,
)
from cpnum.ir.signature import ContainerOf, Fixed, ScalarOf, Signature
from cpnum.tables.dtypes import from_numpy
from cpnum.trace.array import Tracer
from cpnum.trace.builder import Builder, type_of
from cpnum.trace.chosen import is_chosen
from cpnum.trace.made import Memory, is_made, is_traced, memory_of, plain, traced
from cpnum.trace.site import at
from cpnum.trace.tracer import ARGUMENT, PART, SCALAR, VIEW, AnyTracer
from cpnum.trace.writing import root_of

# Values that nobody can change, so that all calls may return one object.
_CONSTANTS = (
    NoneType, bool, int, float, complex, str, bytes, np.generic, np.dtype, type, Enum, range, slice,
    EllipsisType, FunctionType, BuiltinFunctionType, np.ufunc,
)  # fmt: skip


def results_of(
    builder: Builder, returned: object, name: str, signature: Signature, given: Sequence[object]
) -> Results:
    """Return the results of a function of this `name`, to which these arguments were `given`.

    Raises:  a CpnumError for an object that cannot be made at each call.
    """
    if type(returned) is Tracer and returned.builder is builder:
        # Nearly all functions return one value that they computed.
        node, state = returned.node, returned.state
        if type(node) is not Input and state is not PART and not builder.taken:
            return Results(0, (Output(node, not returned.known_shape and state != SCALAR),))
    return _Returned(builder, name, signature, given).results(returned)


def views_in(results: Results) -> set[tuple[int, tuple[Movement, ...]]]:
    """Return parameters and movements of the views that NumPy takes at each call."""
    leaves = results.leaves
    return {
        (leaves[leaf.of].parameter, leaf.movement)  # type: ignore[union-attr]
        for leaf in leaves
        if isinstance(leaf, View) and isinstance(leaves[leaf.of], Given)
    }


def _named(kind: type) -> str:
    name = kind.__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


class _Returned:
    """Makes the leaves of what a function returned, each once."""

    def __init__(
        self, builder: Builder, name: str, signature: Signature, given: Sequence[object]
    ) -> None:
        self.builder = builder
        self.name = name
        self.signature = signature
        # Fixed arguments and containers by their ids; None is a result of its own.
        self.fixed = {
            id(value): at
            for at, (each, value) in enumerate(zip(signature, given, strict=False))
            if isinstance(each.type, Fixed | ContainerOf) and value is not None
        }
        self.leaves: list[Leaf] = []
        self._known: dict[object, int] = {}
        self._inside: list[object] = []
        self._memories: set[Memory] = set()
        # How many results are views of a computed value, or that value itself; by its id.
        self._sharing: Counter[int] = Counter()

    def results(self, returned: object) -> Results:
        """Return the results."""
        if self.builder.parts:
            roots = {id(each): id(self._root(each)[0]) for each in self._arrays(returned)}
            self._sharing.update(roots.values())
        return Results(self._tree(returned), tuple(self.leaves))

    # -- containers -----------------------------------------------------------------------------

    def _tree(self, value: Any) -> Tree:
        if isinstance(value, AnyTracer):
            if value.builder is not self.builder:
                raise TraceError(
                    f"{self.name} returned a value of another trace",
                    seen=f"{value!r}, of an outer function",
                    write="it as an argument of the function",
                )
            return self._leaf(id(value), lambda: self._traced(value))
        if id(value) in self.fixed:
            return self._given(self.fixed[id(value)])
        container = opened(value)
        if container is not None:
            if any(each is value for each in self._inside):
                raise self._refused(value, f"{_named(type(value))} that contains itself")
            keys, items = container
            self._inside.append(value)
            tree = Container(type(value), keys, tuple(map(self._tree, items)))
            self._inside.pop()
            return tree
        memory = memory_of(self.builder, value)
        if is_traced(value):
            return self._tree(traced(value))
        if memory is not None:
            return self._leaf(id(value), lambda: self._made(value, memory))
        if not isinstance(value, _CONSTANTS):
            raise self._refused(value, _named(type(value)))
        return self._leaf((type(value), id(value)), lambda: Known(value))

    def _leaf(self, key: object, make: Callable[[], Leaf]) -> int:
        """Return the number of the leaf of an object, which `make` makes."""
        at = self._known.get(key)
        if at is None:
            leaf = make()  # which may make another one first
            at = self._known[key] = len(self.leaves)
            self.leaves.append(leaf)
        return at

    def _given(self, parameter: int) -> int:
        return self._leaf(("argument", parameter), lambda: Given(parameter))

    # -- traced values --------------------------------------------------------------------------

    def _traced(self, tracer: AnyTracer) -> Leaf:
        node, state = tracer.node, tracer.state
        if is_chosen(tracer.known_shape):
            # In no variable: with its traceback, the error would keep the arguments alive.
            raise at(
                UnsupportedError(
                    f"{self.name} returns the elements that a mask chooses: their number is not "
                    "known",
                    seen=type_of(tracer),
                    write="np.where(mask, x, np.nan), or x, and x[mask] outside of the function",
                ),
                self.builder.sites[node],
            )
        if node.dtype.weak:
            return Given(node.parameter) if type(node) is Input else Number(node)
        boxed = state != SCALAR
        if self._is_given(tracer):
            return Given(node.parameter)  # type: ignore[union-attr]
        reads = (ARGUMENT, VIEW, SCALAR)
        if isinstance(node, Input) and node.parameter != MADE and state in reads:
            is_scalar = type(self.signature[node.parameter].type) is ScalarOf
            itself = state == ARGUMENT or (is_scalar and not boxed)
            if itself and not node.movement:
                return Given(node.parameter)
            return View(self._given(node.parameter), node.movement, boxed)
        if state == PART:
            root, movement = self._root(tracer)
            if self._sharing[id(root)] > 1 or self._is_given(root):
                of = self._leaf(id(root), lambda: self._traced(root))
                return View(of, movement)
        return self._computed(tracer)

    def _is_given(self, tracer: AnyTracer) -> bool:
        """Tell whether a traced value is the one of a parameter, as the result of a call is."""
        node = tracer.node
        return (
            type(node) is Input
            and node.parameter != MADE
            and not node.movement
            and self.builder.owners.get(node.parameter) == id(tracer)
        )

    def _computed(self, tracer: AnyTracer) -> Output:
        return Output(tracer.node, not tracer.known_shape and tracer.state != SCALAR)

    def _made(self, array: Any, memory: Memory) -> Output:
        """Return the output that is a copy of a made array: each call makes one of its own."""
        if not is_made(self.builder, array) or not array.flags.writeable:
            raise self._refused(array, "an array")
        if memory in self._memories:
            raise UnsupportedError(
                f"{self.name} returns two arrays that it made and that share memory",
                seen=f"an array of dtype {array.dtype} and shape {array.shape}",
                write="y.copy() for one of them",
            )
        self._memories.add(memory)
        own = plain(array)
        dtype = from_numpy(own.dtype)
        if not own.ndim:
            return Output(self.builder.constant(own[()], dtype), True)
        return Output(self.builder.held(own, dtype), False)

    def _root(self, tracer: AnyTracer) -> tuple[AnyTracer, tuple[Movement, ...]]:
        """Return the computed value that a tracer is a view of, and the movement to it."""
        root, steps = root_of(tracer)
        movement: tuple[Movement, ...] = ()
        for step in steps:
            movement = joined(movement, step)
        return root, movement

    def _arrays(self, value: Any) -> list[AnyTracer]:
        """Return the tracers of a tree that are arrays."""
        if isinstance(value, AnyTracer):
            return [value] if value.builder is self.builder and value.state != SCALAR else []
        container = opened(value)
        if container is None or any(each is value for each in self._inside):
            return []
        self._inside.append(value)
        found = [each for item in container[1] for each in self._arrays(item)]
        self._inside.pop()
        return found

    # -- refusals -------------------------------------------------------------------------------

    def _refused(self, returned: object, what: str) -> CpnumError:
        if isinstance(returned, np.ndarray):
            return UnsupportedError(
                f"{self.name} returns an array that does not depend on arguments that are arrays "
                "or numbers",
                seen=f"an array of dtype {returned.dtype} and shape {returned.shape}",
                write="its arrays as arguments of their own, or the function without cpjit",
            )
        if hasattr(type(returned), "__array__"):
            return UnsupportedError(
                f"{self.name} returns {what}, which is no NumPy array",
                seen=f"a result of type {type(returned).__name__}",
                write=f"np.asarray of the arguments of type {type(returned).__name__}",
            )
        write = "return and arrays, numbers, or tuples, lists, dicts and dataclasses of them"
        if isinstance(returned, Coroutine):
            returned.close()  # or Python would warn that nobody awaits it
            write = "def for async def: machine code has nothing to wait for"
        elif isinstance(returned, Generator | AsyncGenerator):
            write = "def and return for yield: a call returns all of its results at once"
        return TraceError(
            f"{self.name} returns {what}, which cannot be traced",
            seen=f"a result of type {type(returned).__name__}",
            write=write,
        )
