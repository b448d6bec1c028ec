"""Loops that fold their value: how they run, by a kernel or by NumPy's own function."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cpnum.compile.call import Array, Call, new_array
from cpnum.ir.arrays import address
from cpnum.ir.evaluate import outputs_of
from cpnum.ir.program import Loop
from cpnum.run.errstate import report
from cpnum.run.loops import LoopPlan, New, Running, State, Traffic, Values, views_of
from cpnum.run.specialization import Specialization


class FoldPlan(LoopPlan):
    """A loop that folds its value into a new array, by one kernel; a mean is divided after that."""

    def __init__(
        self,
        loop: Loop,
        own: Specialization,
        kernel: Running,
        new: New,
        divisor: int | None,
        traffic: Traffic,
    ) -> None:
        self.traffic = traffic
        self._loop = loop
        self._own = own
        self._kernel = kernel
        self._new = new
        output = own.graph.outputs[0]
        assert output.fold is not None
        self._divisor = None if divisor is None else np.intp(divisor)
        self._first = output.fold.row.first(output.node.dtype)

    def run(self, values: Values, state: State) -> None:
        """Compute the target, and report floating-point errors."""
        new = self._new
        if new.slot is None:
            array = new_array(new.shape, new.order, new.dtype)
            state.addresses[new.parameter] = address(array)
        else:
            array = values[new.parameter]
        array.fill(self._first)
        kernel = self._kernel
        block = state.ready[kernel.number]
        if block is not None:
            flags = kernel.enter(block, 0, kernel.stop)
        else:
            flags = kernel.run(state, values)
        if flags:
            report(self._own.traced, views_of(self._loop, values), flags)
        if self._divisor is not None:
            np.true_divide(array, self._divisor, out=array, casting="unsafe")
        values[new.parameter] = array[()] if new.is_scalar else array

    def described(self) -> Iterator[tuple[Specialization, Call]]:
        """Yield the kernel with its call."""
        yield self._kernel.own, self._kernel.call


class NumpyFold(LoopPlan):
    """A loop whose value NumPy folds: a kernel would add in another order, or cannot run.

    The loops behind it are planned for a result that is laid out as the array `like`.  `call` is
    that of the kernel, if there could be one.
    """

    def __init__(
        self,
        loop: Loop,
        own: Specialization,
        like: Array,
        call: Call | None,
        traffic: Traffic,
    ) -> None:
        self.traffic = traffic
        self._call = call
        self._loop = loop
        self._own = own
        self._like = like

    def run(self, values: Values, state: State) -> None:
        """Compute the target; NumPy reports floating-point errors itself."""
        (value,) = outputs_of(self._own.traced, views_of(self._loop, values))
        parameter = self._loop.targets[0].parameter
        if isinstance(value, np.ndarray):
            if value.strides != self._like.strides:
                array = np.empty_like(self._like)
                array[...] = value
                value = array
            state.addresses[parameter] = address(value)
        values[parameter] = value

    def described(self) -> Iterator[tuple[Specialization, Call]]:
        """Yield the kernel that would run, with its call."""
        if self._call is not None:
            yield self._own, self._call
