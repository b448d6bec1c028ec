"""The builder writes down nodes, and the user's line of each, while a function is traced."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np

from cpnum.errors import CpnumError, TraceError, UnsupportedError
from cpnum.ir.extents import Extent, common_shape, of_argument
from cpnum.ir.guards import Guard
from cpnum.ir.handling import Handling, put_before
from cpnum.ir.movement import Held, Movement, always_exists
from cpnum.ir.nodes import MADE, Apply, Broadcast, Input, Node, Nodes, Value
from cpnum.ir.results import Fold, Results, Tree
from cpnum.ir.signature import Parameter
from cpnum.ir.sites import OWNERS, USERS, Site, user_site
from cpnum.ir.walk import Shaping
from cpnum.tables.dtypes import F32, F64, FLOAT, DType
from cpnum.tables.ops import CAST
from cpnum.trace.advice import instead_in_library
from cpnum.trace.kinds import Views
from cpnum.trace.site import at, error_site

Shape = tuple[int, ...]

# A NumPy function that is not a ufunc -> the function of tracers that stands for it.
Functions = Mapping[Callable[..., Any], Callable[..., Any]]

T = TypeVar("T")

# How exact sums of floating-point numbers are: as NumPy's, or as if rounded once.
Accuracy = Literal["numpy", "compensated"]

# The context variable that np.errstate and np.seterr change; np.geterr() would take 1 us.
ERRSTATE = np._core.umath._extobj_contextvar  # type: ignore[attr-defined]

# The least number that rounds to infinity in float32: half a unit above the largest finite one.
OVERFLOWS_F32 = float.fromhex("0x1.ffffffp127")


class Called(NamedTuple):
    """A call of NumPy's, with its arguments as results: see `cpnum.ir.program.Call`.

    A loop may compute what a call folds: a fold and the node that is folded.
    """

    passed: Results
    function: Callable[..., Any]
    name: str
    results: Tree
    changes: tuple[int, int] | None
    shares: bool
    handling: Handling
    fold: tuple[Fold, Node] | None = None


class Put(NamedTuple):
    """A value that is written to a view of an array, which is another parameter afterwards.

    It may be a view itself, of which NumPy makes no copy.
    """

    node: Node
    target: Input
    parameter: int
    is_view: bool


class Written(NamedTuple):
    """Values that a step writes: to views of arrays, and to new arrays, each a new parameter."""

    puts: tuple[Put, ...]
    stores: tuple[tuple[Node, int], ...]


def _record() -> object:
    """Return what takes the warnings that pass the filters; `record=True` changes it."""
    return getattr(warnings, "_showwarnmsg_impl", None)


class Builder:
    """The nodes of the function that is traced, with their sites and the shapes of inputs.

    `functions` are the NumPy functions that the tracers of this trace understand.  `accuracy` is
    how exact they make sums, None if it has to be NumPy's, since operators may be contracted.

    >>> from cpnum.tables.dtypes import F64
    >>> builder = Builder()
    >>> x = builder.argument("x", F64, (3, 1))
    >>> builder.cast(x, F32)
    <cast of 1: f32>
    >>> builder.shapes[x], builder.parameters
    ((3, 1), ['x'])
    """

    __slots__ = (
        "_record",
        "_shaping",
        "accuracy",
        "as_written",
        "asked",
        "checked",
        "computed",
        "costs",
        "errstate",
        "extents",
        "filters",
        "functions",
        "given",
        "guards",
        "handling",
        "indexed",
        "joined",
        "look",
        "made",
        "memories",
        "names",
        "nodes",
        "numbers",
        "owners",
        "parameters",
        "parts",
        "pinned",
        "put",
        "reads",
        "refusal",
        "roots",
        "shape_observed",
        "shapes",
        "shared",
        "signature",
        "sites",
        "stacked",
        "steps",
        "taken",
        "tracers",
        "values",
        "viewed",
        "viewed_again",
        "views",
        "visited",
        "watched",
    )

    def __init__(
        self,
        functions: Functions | None = None,
        watched: Mapping[int, Any] | None = None,
        accuracy: Accuracy | None = "numpy",
    ) -> None:
        self.functions: Functions = functions or {}
        self.accuracy = accuracy
        self.nodes = Nodes()
        self.parameters: list[str] = []
        # The names of the function's own parameters.
        self.names: frozenset[str] = frozenset()
        # The types of parameters, those that steps make behind those of the function; and what the
        # function got for its own.
        self.signature: list[Parameter] = []
        self.given: list[Any] = []
        # The tracer that stands for what a step made, by its id: it is forgotten with the last name
        # that the function has for it.
        self.owners: dict[int, int] = {}
        self.steps: list[Called | Written] = []
        # How many elements and rows steps are computed of that Python's own functions would visit.
        self.visited = 0
        # For an array that a step has written to, the parameter that it was at first; the arrays
        # that share memory with others; and what a value is computed from.
        self.roots: dict[int, int] = {}
        self.shared: set[int] = set()
        self.reads: dict[Node, frozenset[int]] = {}
        # What values cost to compute, and the views that were taken of costly ones.
        self.costs: dict[Node, int] = {}
        self.viewed: dict[Node, dict[tuple[Node, Movement], None]] = {}
        self.viewed_again: set[tuple[object, ...]] = set()
        # What looks at contents of arrays, and the real values of parameters.
        self.look: Callable[[Traced, Any], Any] | None = None
        self.values: list[Value] = []
        self.sites: dict[Node | Broadcast, Site] = {}
        self.shapes: dict[Input, Shape] = {}
        self.extents: dict[Input, tuple[Extent, ...]] = {}
        self.shape_observed = False
        # Whether a value was made of several, end to end, or stacked.
        self.joined = self.stacked = False
        # All tracers of this builder that the function may keep.
        self.tracers: list[Traced] = []
        self.checked: set[Node] = set()
        self.as_written: dict[Node, Callable[..., Value]] = {}
        # The nodes that stand for x[mask], and for y after y[mask] = f(x[mask]).
        self.taken: set[Node] = set()
        self.put: set[Node] = set()
        # The first error that was made: `trace` raises it even if the user's function caught it.
        self.refusal: CpnumError | None = None
        # The arrays that the function makes have this object, and those from outside whose elements
        # each call compares are here by their ids.
        self.made = object()
        # The memory of the made arrays that are traced, since a traced value was written to them.
        self.memories: list[Any] = []
        self.watched: Mapping[int, Any] = watched or {}
        self.errstate = ERRSTATE.get()
        self.filters = warnings.filters
        self._record = _record()
        # How errors are handled, of the nodes that were made where the function set that.
        self.handling: dict[Node, tuple[Handling, ...]] = {}
        # What `trace.looking` knows: the numbers among the arguments by parameter, values computed
        # of them, the outcomes of questions, their guards, and the nodes whose value these imply.
        self.numbers: dict[int, Value] = {}
        self.computed: dict[Node, Value] = {}
        self.asked: dict[object, Value] = {}
        self.guards: list[Guard] = []
        self.pinned: set[Node] = set()
        # The views that were taken of arrays: by the shape, the extents and the index, what step
        # that is, and the shape, the extents and the state of the view.
        self.indexed: dict[Any, tuple[Movement | None, Shape, tuple[Extent, ...], str]] = {}
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

    def held(self, array: Any, dtype: DType) -> Input:
        """Return the node of an array that the function made: a copy of it is in the graph."""
        node = self.nodes.input(MADE, (Held.of(array),), dtype)
        self.shapes[node] = self.extents[node] = array.shape
        return node

    def cast(self, node: Node, dtype: DType) -> Node:
        """Return the node of `node` converted to `dtype`."""
        if node.dtype is dtype:
            return node
        result = self.nodes.apply(CAST, (node,), dtype)
        self.note(result)
        return result

    def constant(self, value: object, dtype: DType, like: tuple[Input, ...] = ()) -> Node:
        """Return the node of `value` converted to `dtype` as NumPy does.

        A Python number beyond float32 stays a cast, since NumPy reports its overflow at each call.
        """
        if dtype is F32 and (type(value) is float or type(value) is int):
            if OVERFLOWS_F32 <= abs(value) < np.inf:
                # An integer that is no float either is an error.
                number = self.attempt(self.nodes.constant, value, F64).value
                return self.cast(self.nodes.constant(float(number), FLOAT), dtype)
        return self.attempt(self.nodes.constant, value, dtype, like)

    # -- sites and errors -----------------------------------------------------------------------

    def note(self, node: Node, callers: int = 0) -> None:
        """Note the user's line for a node, the first one if it is made again.

        The frame of that line is `callers` above the caller's, or further up.
        """
        if node in self.sites:
            self._note_again(node)
            return
        if ERRSTATE.get() is not self.errstate or warnings.filters is not self.filters:
            self._handle(node, ())
        frame = sys._getframe(callers + 1)
        code = frame.f_code
        if OWNERS.get(code.co_filename) is USERS:
            self.sites[node] = code, frame.f_lasti
        else:
            self.sites[node] = user_site()

    def _note_again(self, node: Node) -> None:
        """Note that NumPy would compute a node once more, maybe under another `np.errstate`."""
        inside = ERRSTATE.get() is not self.errstate or warnings.filters is not self.filters
        if inside or node in self.handling:
            outside = Handling(None, None, None, self.sites.get(node))
            self._handle(node, self.handling.get(node, (outside,)))

    def _handle(self, node: Node, before: tuple[Handling, ...]) -> None:
        """Note how the errors of a node are handled here, beside the times `before`."""
        here = self.handling_here()
        if all(here[:-1] != each[:-1] for each in before):  # another site reports the same once
            self.handling[node] = (*before, here)

    def handling_here(self) -> Handling:
        """Return how errors are handled at the user's line."""
        if _record() is not self._record:
            raise self.error(
                UnsupportedError,
                "warnings that are recorded inside of the function cannot be traced",
                seen="an operation in warnings.catch_warnings(record=True)",
                write="with warnings.catch_warnings(record=True): around the call of the function",
            )
        filters = None
        if warnings.filters is not self.filters:
            filters = put_before(self.filters, warnings.filters)
        here = Handling(None, None, filters, user_site())
        return here if ERRSTATE.get() is self.errstate else Handling.now(here.site, filters)

    def refuse_seterr(self) -> None:
        """Refuse a function that leaves NumPy with another errstate, which it does at each call."""
        if ERRSTATE.get() is not self.errstate:
            left = np.geterr()
            ERRSTATE.set(self.errstate)
            # The line of an operation under that errstate is the nearest that is known.
            sites = [each.site for times in self.handling.values() for each in times]
            raise at(
                UnsupportedError(
                    "np.seterr inside of the function cannot be traced",
                    seen=f"the errstate {left} after it",
                    write="with np.errstate(...): around the operations",
                ),
                next(filter(None, sites), None) or error_site(),
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
        if error.inside is not None and kind in (TraceError, UnsupportedError):
            error.write = instead_in_library(write)
        if self.refusal is None:
            self.refusal = error
        return error

    def attempt(self, function: Callable[..., T], *arguments: object) -> T:
        """Return function(*arguments); an error that it raises gets the user's line."""
        try:
            return function(*arguments)
        except CpnumError as error:
            raise self.error(type(error), error.message, error.seen, error.write) from None

    def unused_name(self, letter: str) -> str:
        """Return a name for the next parameter, which no argument has."""
        name = f"{letter}{len(self.parameters)}"
        while name in self.names:
            name = letter + name
        return name

    # -- shapes ---------------------------------------------------------------------------------

    def shape_of(self, node: Node) -> Shape:
        """Return the shape of a value for the traced arguments."""
        shape: Shape = ()
        for each in self.like(node):
            shape = common_shape(shape, self.shapes[each])
        return shape

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
        shaping: dict[Input, list[frozenset[Input]]] = {}
        for result in results:
            shapes = frozenset(self.like(result))
            for like in shapes:
                shaping.setdefault(like, []).append(shapes)
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
                or any(known.issuperset(inputs) for known in shaping.get(inputs[0], ()))
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
        return type_of(self)


def type_of(value: Traced) -> str:
    """Return the dtype and the shape of a traced value, as messages show it."""
    extents = f"[{', '.join(map(str, value.known_shape))}]" if value.known_shape else ""
    return f"{value.node.dtype}{extents}"
