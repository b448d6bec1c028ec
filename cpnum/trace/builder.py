"""The builder writes down nodes, and the user's line of each, while a function is traced."""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

import numpy as np

from cpnum.errors import CpnumError, UnsupportedError
from cpnum.ir.extents import Extent, of_argument
from cpnum.ir.movement import Movement, always_exists
from cpnum.ir.nodes import Apply, Broadcast, Input, Node, Nodes, Value
from cpnum.ir.sites import LIBRARIES, Site, user_site
from cpnum.ir.walk import Shaping
from cpnum.tables.dtypes import F32, FLOAT, DType
from cpnum.tables.ops import CAST
from cpnum.trace.kinds import Views
from cpnum.trace.site import at, error_site

Shape = tuple[int, ...]

# A NumPy function that is not a ufunc -> the function of tracers that stands for it.
Functions = Mapping[Callable[..., Any], Callable[..., Any]]

T = TypeVar("T")

# The context variable that np.errstate and np.seterr change; np.geterr() would take 1 us.
ERRSTATE = np._core.umath._extobj_contextvar  # type: ignore[attr-defined]

# The least number that rounds to infinity in float32: half a unit above the largest finite one.
OVERFLOWS_F32 = float.fromhex("0x1.ffffffp127")


class Builder:
    """The nodes of the function that is traced, with their sites and the shapes of inputs.

    `functions` are the NumPy functions that the tracers of this trace understand.

    >>> from cpnum.tables.dtypes import F64
    >>> builder = Builder()
    >>> x = builder.argument("x", F64, (3, 1))
    >>> builder.cast(x, F32)
    <cast of 1: f32>
    >>> builder.shapes[x], builder.parameters
    ((3, 1), ['x'])
    """

    __slots__ = (
        "_shaping",
        "as_written",
        "checked",
        "errstate",
        "extents",
        "functions",
        "nodes",
        "parameters",
        "parts",
        "refusal",
        "shape_observed",
        "shapes",
        "sites",
        "tracers",
        "views",
    )

    def __init__(self, functions: Functions | None = None) -> None:
        self.functions: Functions = functions or {}
        self.nodes = Nodes()
        self.parameters: list[str] = []
        self.sites: dict[Node | Broadcast, Site] = {}
        self.shapes: dict[Input, Shape] = {}
        self.extents: dict[Input, tuple[Extent, ...]] = {}
        self.shape_observed = False
        # All tracers of this builder that the function may keep.
        self.tracers: list[Traced] = []
        self.checked: set[Node] = set()
        self.as_written: dict[Node, Callable[..., Value]] = {}
        # The first error that was made: `trace` raises it even if the user's function caught it.
        self.refusal: CpnumError | None = None
        self.errstate = ERRSTATE.get()
        self._shaping = Shaping(self.shapes.get)
        self.views = Views()
        # The tracer that a view of a computed value was taken of, and the step; by the view's id.
        self.parts: dict[int, tuple[Traced, Movement | None]] = {}

    # -- nodes ----------------------------------------------------------------------------------

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

    def constant(self, value: object, dtype: DType, like: tuple[Input, ...] = ()) -> Node:
        """Return the node of `value` converted to `dtype` as NumPy does.

        A Python number beyond float32 stays a cast, since NumPy reports its overflow at each call.
        """
        if dtype is F32 and (type(value) is float or type(value) is int):
            if OVERFLOWS_F32 <= abs(value) < np.inf:
                return self.cast(self.nodes.constant(float(value), FLOAT), dtype)
        return self.attempt(self.nodes.constant, value, dtype, like)

    # -- sites and errors -----------------------------------------------------------------------

    def note(self, node: Node, callers: int = 0) -> None:
        """Note the user's line for a new node.

        The frame of that line is `callers` above the caller's, or further up.
        """
        if ERRSTATE.get() is not self.errstate:
            self.refuse_errstate()
        frame = sys._getframe(callers + 1)
        code = frame.f_code
        if code.co_filename.startswith(LIBRARIES):
            self.sites[node] = user_site()
        else:
            self.sites[node] = code, frame.f_lasti

    def refuse_errstate(self) -> NoReturn:
        """Refuse an operation in an `np.errstate`: the whole kernel runs under one errstate."""
        raise self.error(
            UnsupportedError,
            "np.errstate inside of the function cannot be traced",
            seen=f"an operation under {np.geterr()}",
            write="with np.errstate(...): around the call of the function",
        )

    def error(
        self,
        kind: type[CpnumError],
        message: str,
        seen: str | None = None,
        write: str | None = None,
    ) -> CpnumError:
        """Return an error that names the user's line; `trace` raises it if the caller does not."""
        error = at(kind(message, seen=seen, write=write), error_site())
        if self.refusal is None:
            self.refusal = error
        return error

    def attempt(self, function: Callable[..., T], *arguments: object) -> T:
        """Return function(*arguments); an error that it raises gets the user's line."""
        try:
            return function(*arguments)
        except CpnumError as error:
            raise self.error(type(error), error.message, error.seen, error.write) from None

    # -- shapes ---------------------------------------------------------------------------------

    def like(self, node: Node) -> tuple[Input, ...]:
        """Return the inputs whose common shape is the shape of `node`."""
        return self._shaping.of(node)

    def conditions(
        self,
        nodes: tuple[Node, ...],
        results: Sequence[Node],
        views: Container[tuple[int, tuple[Movement, ...]]],
    ) -> tuple[Broadcast, ...]:
        """Return a condition for each value that was made but is not among the graph's `nodes`.

        Inputs that broadcast in one of the `results` need no condition of their own, nor do the
        `views` of parameters that are returned.  A condition has the site of the value.
        """
        alive = set(nodes)
        shaping = [set(self.like(each)) for each in results]
        found: dict[Broadcast, None] = {}
        for each in self.nodes:
            # A value that was made for a view broadcasts if the value does that was made first.
            if each in alive or each in self.views.again:
                continue
            if type(each) is Apply:
                inputs = self.like(each)
            elif type(each) is Input and (each.parameter, each.movement) not in views:
                inputs = (each,)
            else:
                continue
            # A single input broadcasts, but as a view it has to exist.
            if (
                not inputs
                or any(known.issuperset(inputs) for known in shaping)
                or (len(inputs) == 1 and all(map(always_exists, inputs[0].movement)))
            ):
                continue
            condition = Broadcast(inputs)
            found.setdefault(condition)
            if each in self.sites:
                self.sites.setdefault(condition, self.sites[each])
        return tuple(found)


class Traced:
    """A node of a builder and the shape that it has for the traced arguments.

    Every tracer is one.

    >>> from cpnum.tables.dtypes import F64
    >>> builder = Builder()
    >>> Traced(builder, builder.argument("x", F64, (3, 1)), (3, 1))
    f64[3, 1]
    """

    __slots__ = ("builder", "known_shape", "node")

    # `known_shape` is for cpnum's own use: a graph does not depend on it, as it does on the shape
    # that a user looks at.
    def __init__(self, builder: Builder, node: Node, shape: Shape) -> None:
        self.builder = builder
        self.node = node
        self.known_shape = shape

    def __repr__(self) -> str:
        extents = f"[{', '.join(map(str, self.known_shape))}]" if self.known_shape else ""
        return f"{self.node.dtype}{extents}"
