"""What is written down while a function is traced: nodes, the user's lines, shapes.

Movement of a computed value, as in `(a + b)[1:]`, is pushed down to its inputs here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

from cpnum.errors import CpnumError, UnsupportedError
from cpnum.ir.extents import Extent, in_signature, moved, of_argument
from cpnum.ir.movement import (
    Index,
    Item,
    Movement,
    Reshape,
    Transpose,
    joined,
)
from cpnum.ir.nodes import Apply, Broadcast, Constant, Input, Node, Nodes
from cpnum.ir.sites import Site
from cpnum.ir.walk import Shaping, postorder
from cpnum.tables.dtypes import F32, FLOAT, DType
from cpnum.tables.ops import CAST
from cpnum.trace.site import LIBRARIES, described, user_frame, user_site

Shape = tuple[int, ...]

_FULL = slice(None)

# What np.errstate and np.seterr change, of the running thread or task; np.geterr() takes 1 us.
ERRSTATE = np._core.umath._extobj_contextvar  # type: ignore[attr-defined]

# The least number that rounds to infinity in float32: half a unit above the largest finite one.
_OVERFLOWS = float.fromhex("0x1.ffffffp127")


class Recording:
    """The nodes of the function that is traced, and what is known about its inputs."""

    __slots__ = (
        "_shaping",
        "checked",
        "errstate",
        "extents",
        "nodes",
        "parameters",
        "refusal",
        "shape_observed",
        "shapes",
        "sites",
        "tracer",
    )

    def __init__(self, tracer: Callable[..., Any]) -> None:
        # Makes the tracer of a result: the module of tracers comes later in the line.
        self.tracer = tracer
        self.nodes = Nodes()
        self.parameters: list[str] = []
        self.sites: dict[Node | Broadcast, Site] = {}
        self.shapes: dict[Input, Shape] = {}
        self.extents: dict[Input, tuple[Extent, ...]] = {}
        self.shape_observed = False
        self.checked: set[Node] = set()
        # The first error that was made; the user's function may have caught it.
        self.refusal: CpnumError | None = None
        self.errstate = ERRSTATE.get()
        self._shaping = Shaping(lambda node: bool(self.shapes.get(node)))

    def argument(self, name: str, dtype: DType, shape: Shape) -> Input:
        """Return the node of the next parameter."""
        parameter = len(self.parameters)
        self.parameters.append(name)
        node = self.nodes.input(parameter, (), dtype)
        self.shapes[node] = shape
        self.extents[node] = of_argument(parameter, len(shape))
        return node

    def cast(self, node: Node, dtype: DType) -> Node:
        """Return the node of `node` converted to `dtype`."""
        if node.dtype is dtype:
            return node
        result = self.nodes.apply(CAST, (node,), dtype)
        if result not in self.sites:
            self.note(result)
        return result

    def note(self, node: Node, callers: int = 0) -> None:
        """Note that a new node comes from the user's line that runs, so many callers up or more."""
        if ERRSTATE.get() is not self.errstate:
            self.refuse_errstate()
        frame = sys._getframe(callers + 1)
        code = frame.f_code
        if code.co_filename.startswith(LIBRARIES):
            self.sites[node] = user_site()
        else:
            self.sites[node] = code, frame.f_lasti

    def refuse_errstate(self) -> NoReturn:
        """Refuse operations under an `np.errstate` of their own: a kernel has that of its call."""
        raise self.error(
            UnsupportedError,
            "np.errstate inside of the function cannot be traced",
            seen=f"an operation under {np.geterr()}",
            write="with np.errstate(...): around the call of the function",
        )

    def constant(self, value: Any, dtype: DType, like: tuple[Input, ...] = ()) -> Node:
        """Return the node of `value` converted to `dtype` as NumPy does.

        A conversion that overflows has a floating-point error at each call, so it stays a cast.
        """
        python = type(value) is float or type(value) is int
        if dtype is F32 and python and _OVERFLOWS <= abs(value) < np.inf:
            return self.cast(self.nodes.constant(float(value), FLOAT), dtype)
        return self.nodes.constant(value, dtype, like)

    def error(
        self,
        kind: type[CpnumError],
        message: str,
        seen: str | None = None,
        write: str | None = None,
    ) -> CpnumError:
        """Return an error that names the user's line; `trace` raises it, if nothing else does."""
        frame = user_frame()
        where = described((frame.f_code, frame.f_lasti))
        error = kind(message, where=where, seen=seen, write=write)
        if self.refusal is None:
            self.refusal = error
        return error

    def like(self, node: Node) -> tuple[Input, ...]:
        """Return the inputs whose common shape is the shape of `node`."""
        return self._shaping.of(node)

    def conditions(self, nodes: tuple[Node, ...]) -> tuple[Broadcast, ...]:
        """Return a condition for each value that was made but is not among the graph's `nodes`.

        The place that made the value is noted for the condition.  The last of `nodes` is the
        result: a value that broadcasts with all of its inputs needs no condition.  Of a view, the
        condition is only that it exists.
        """
        alive = set(nodes)
        shaping = set(self.like(nodes[-1]))
        found: dict[Broadcast, None] = {}
        for each in self.nodes:
            if each in alive:
                continue
            if type(each) is Apply:
                condition = Broadcast(self.like(each))
            elif type(each) is Input and each.movement:
                condition = Broadcast((each,))
            else:
                continue
            single = len(condition.inputs) == 1
            if shaping.issuperset(condition.inputs) or (
                single and not condition.inputs[0].movement
            ):
                continue
            found.setdefault(condition)
            if each in self.sites:
                self.sites.setdefault(condition, self.sites[each])
        return tuple(found)

    # -- movement -------------------------------------------------------------------------------

    def move(self, node: Node, shape: Shape, step: Movement) -> tuple[Node, Shape]:
        """Return the node and shape of a view of `node`; a computed one is rebuilt on views."""
        left = _replayed(shape, step)
        if isinstance(node, Input):
            return self._moved(node, step), left
        cone = self._cone(node)
        inputs = [each for each in cone if isinstance(each, Input)]
        if left and not any(len(self.shapes[each]) == len(shape) for each in inputs):
            raise self.error(
                UnsupportedError,
                "a single value that is computed cannot be given axes",
                write="the new axes on an argument instead",
            )
        if isinstance(step, Reshape):
            self._refuse_reshape(node, shape)
        repeated = self._repeated(step.items, shape, inputs) if isinstance(step, Index) else {}
        scalars_stay = any(self.shapes[each] for each in inputs)
        views: dict[Node, Node] = {}
        for each in cone:
            match each:
                case Input():
                    stays = scalars_stay and not self.shapes[each]
                    views[each] = each if stays else self._pushed(each, shape, step, repeated)
                case Constant(value, dtype, like):
                    moved_like: Any = tuple(views[x] for x in like)
                    views[each] = self.nodes.constant(value, dtype, moved_like)
                case Apply(op, args, dtype):
                    view = self.nodes.apply(op, tuple(views.get(x, x) for x in args), dtype)
                    views[each] = view
                    if each in self.sites:
                        self.sites.setdefault(view, self.sites[each])
        return views[node], left

    def _moved(self, node: Input, step: Movement) -> Input:
        if isinstance(step, Index) and all(item == _FULL for item in step.items):
            return node
        view = self.nodes.input(node.parameter, joined(node.movement, step), node.dtype)
        if view not in self.shapes:
            shape = self.shapes[view] = _replayed(self.shapes[node], step)
            self.extents[view] = moved(self.extents[node], step, shape)
        return view

    def _cone(self, node: Node) -> list[Node]:
        """Return what `node` is computed from, operands first, Python scalars left out."""
        return [each for each in postorder(node) if not each.dtype.weak]

    def _refuse_reshape(self, node: Node, shape: Shape) -> None:
        shapes = {self.shapes[each] for each in self.like(node)}
        if shapes != {shape}:
            raise self.error(
                UnsupportedError,
                "a computed value whose inputs are broadcast cannot be reshaped",
                write="the reshape on the arguments instead",
            )

    def _repeated(
        self, items: tuple[Item, ...], shape: Shape, inputs: list[Input]
    ) -> dict[int, set[Input]]:
        """Return the inputs whose one element is repeated along an axis that is indexed.

        What is returned must hold for all arguments of the signature, else the shape is observed.
        """
        repeated: dict[int, set[Input]] = {}
        axis = -1
        for item in items:
            axis += item is not None
            if item is None or item == _FULL:
                continue
            at = axis - len(shape)
            having = [each for each in inputs if len(self.shapes[each]) >= -at]
            single = {
                each
                for each in having
                if self.shapes[each][at] == 1 and in_signature(self.extents[each][at])
            }
            others = {self.extents[each][at] for each in having if each not in single}
            if not others:
                continue
            if len(others) > 1 and not all(map(in_signature, others)):
                self.shape_observed = True
                if shape[axis] != 1:
                    single = {each for each in having if self.shapes[each][at] == 1}
            repeated[axis] = single
        return repeated

    def _pushed(
        self, node: Input, shape: Shape, step: Movement, repeated: Mapping[int, set[Input]]
    ) -> Input:
        """Return the view of `node` that broadcasts as `step` demands of a value of `shape`."""
        own = self.shapes[node]
        missing = len(shape) - len(own)
        match step:
            case Index(items=items):
                return self._moved(node, Index.of(_adapted(items, missing, node, repeated)))
            case Transpose() if missing:
                node = self._moved(node, Index.of((None,) * missing + (_FULL,) * len(own)))
        return self._moved(node, step)


def _adapted(
    items: tuple[Item, ...], missing: int, node: Input, repeated: Mapping[int, set[Input]]
) -> tuple[Item, ...]:
    """Return an index of a value as that of an input, which has `missing` axes less."""
    adapted: list[Item] = []
    axis = -1
    for item in items:
        axis += item is not None
        if item is None:
            adapted.append(None)
        elif axis < missing:
            if isinstance(item, slice):
                adapted.append(None)
        elif node in repeated.get(axis, ()):
            adapted.append(_FULL if isinstance(item, slice) else 0)
        else:
            adapted.append(item)
    if missing:
        # Broadcasting supplies the leading axes.
        while adapted and adapted[0] is None:
            del adapted[0]
    return tuple(adapted)


_BYTES = bytes(8)


def _replayed(shape: Shape, step: Movement) -> Shape:
    """Let NumPy say what shape a view has, on an array that has no elements of its own."""
    array = np.ndarray(shape, "b", _BYTES, 0, (0,) * len(shape))
    replayed: Shape = step.replay(array).shape
    return replayed
