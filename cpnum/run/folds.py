"""Loops that fold values: how they run, by a kernel or by NumPy's own function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from cpnum.compile.call import Array, Call, new_array
from cpnum.ir.arrays import address
from cpnum.ir.evaluate import outputs_of
from cpnum.ir.program import Loop
from cpnum.run.buffers import Buffer, give, take
from cpnum.run.errstate import report
from cpnum.run.loops import (
    LoopPlan,
    New,
    Running,
    State,
    Traffic,
    Values,
    copied_views,
    views_of,
)
from cpnum.run.specialization import Specialization


class FoldedInto(NamedTuple):
    """A new array that a loop computes into, which has `first` in it before; None for a value.

    A mean has a `divisor`; a `check` looks at the result.
    """

    new: New
    first: np.generic | None
    divisor: np.intp | None
    check: Callable[[Any], object] | None

    @property
    def is_unfinished(self) -> bool:
        """Whether the kernel leaves anything to do."""
        return self.new.is_scalar or self.divisor is not None or self.check is not None


class Stored(NamedTuple):
    """The kernel that stores values before another one folds them, and the `slot` of their buffer.

    A buffer that is taken for a single run has a `size`.
    """

    kernel: Running
    slot: int
    size: int | None


class FoldPlan(LoopPlan):
    """A loop that folds values into new arrays, by one kernel.

    Another kernel may have `stored` the values.  `copied` and `keeps` are as those of a KernelPlan.
    """

    def __init__(
        self,
        loop: Loop,
        own: Specialization,
        kernel: Running,
        into: Sequence[FoldedInto],
        copied: Sequence[tuple[int, int]],
        keeps: Sequence[Any],
        traffic: Traffic,
        stored: Stored | None = None,
    ) -> None:
        self.traffic = traffic
        self._loop = loop
        self._own = own
        self._kernel = kernel
        self._stored = stored
        self._into = tuple(into)
        self._copied = tuple(copied)
        self._keeps = keeps
        # Where all results stay where they are, a run takes 0.5 us less.
        self._stays = not copied and stored is None and all(each.new.slot for each in into)
        self._first = [(each.new.parameter, each.first) for each in into if each.first is not None]
        self._unfinished = [each for each in into if each.is_unfinished]

    def run(self, values: Values, state: State) -> None:
        """Compute the targets, and report floating-point errors."""
        if self._stays:
            for parameter, number in self._first:
                values[parameter].fill(number)
            self._enter(values, state)
            for each in self._unfinished:
                _finish(values, each, values[each.new.parameter])
            return
        copies = copied_views(self._loop, self._copied, values, state)
        arrays = []
        for new, first, *_ in self._into:
            if new.slot is None:
                array = new_array(new.shape, new.order, new.dtype)
                state.addresses[new.parameter] = address(array)
            else:
                array = values[new.parameter]
            if first is not None:
                array.fill(first)
            arrays.append(array)
        self._enter(values, state)
        del copies  # the kernel has read them
        for each, array in zip(self._into, arrays, strict=True):
            _finish(values, each, array)

    def _enter(self, values: Values, state: State) -> None:
        flags = 0
        taken: list[Buffer] = []
        if self._stored is not None:
            kernel, slot, size = self._stored
            if size is not None:
                taken.append(take(size))
                state.addresses[slot] = taken[0].address
            flags = kernel.run(state, values)
        flags |= self._kernel.run(state, values)
        give(taken)
        if flags:
            report(self._own.traced, views_of(self._loop, values), flags)

    def described(self) -> Iterator[tuple[Specialization, Call]]:
        """Yield the kernels, each with its call."""
        if self._stored is not None:
            yield self._stored.kernel.own, self._stored.kernel.call
        yield self._kernel.own, self._kernel.call


# The smallest number that is not subnormal in any dtype: NumPy may report the quotients below.
_LEAST = float(np.finfo(np.float32).tiny)


def _finish(values: Values, into: FoldedInto, array: Array) -> None:
    """Divide the sum of a mean, look at a result, and put it among the values."""
    if into.divisor is not None:
        _divide(array, into.divisor)
    if into.check is not None:
        into.check(array)
    values[into.new.parameter] = array[()] if into.new.is_scalar else array


def _divide(array: Array, divisor: np.intp) -> None:
    """Divide sums where they are; of one, Python's division takes a tenth of NumPy's time.

    >>> total = np.array([[9.0]])
    >>> _divide(total, np.intp(2))
    >>> total
    array([[4.5]])
    """
    if array.size == 1:
        quotient = array.item() / int(divisor)
        if abs(quotient) >= _LEAST:
            array.fill(quotient)
            return
    np.true_divide(array, divisor, out=array, casting="unsafe")


class PlansApart(LoopPlan):
    """A loop whose results no one kernel computes, each with a plan of its own."""

    def __init__(self, plans: Sequence[LoopPlan]) -> None:
        self._plans = tuple(plans)
        moved = [each.traffic for each in plans]
        self.traffic = Traffic(
            sum([each.read for each in moved]), sum([each.written for each in moved])
        )

    def run(self, values: Values, state: State) -> None:
        """Compute the targets, one after the other."""
        for each in self._plans:
            each.run(values, state)

    def described(self) -> Iterator[tuple[Specialization, Call]]:
        """Yield the kernels with their calls."""
        for each in self._plans:
            yield from each.described()


class NumpyFold(LoopPlan):
    """A loop whose values NumPy folds: a kernel would add in another order, or cannot run.

    The loops behind it are planned for results that are laid out as the arrays `like`.  `call` is
    that of the kernel, if there could be one.
    """

    def __init__(
        self,
        loop: Loop,
        own: Specialization,
        like: Sequence[Array],
        call: Call | None,
        traffic: Traffic,
    ) -> None:
        self.traffic = traffic
        self._call = call
        self._loop = loop
        self._own = own
        self._like = tuple(like)

    def run(self, values: Values, state: State) -> None:
        """Compute the targets; NumPy reports floating-point errors itself."""
        computed = outputs_of(self._own.traced, views_of(self._loop, values))
        for target, like, value in zip(self._loop.targets, self._like, computed, strict=True):
            if isinstance(value, np.ndarray):
                if value.strides != like.strides or target.fold is None:
                    array = np.empty_like(like)
                    array[...] = value
                    value = array
                state.addresses[target.parameter] = address(value)
            values[target.parameter] = value

    def described(self) -> Iterator[tuple[Specialization, Call]]:
        """Yield the kernel that would run, with its call."""
        if self._call is not None:
            yield self._own, self._call
