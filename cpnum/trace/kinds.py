"""The kinds of inputs that a value is computed from, and how movement is pushed to them."""

from __future__ import annotations

from cpnum.ir.extents import Extent, common_shape
from cpnum.ir.movement import Movement
from cpnum.ir.nodes import Node

# The shape and the extents of an input.
Kind = tuple[tuple[int, ...], tuple[Extent, ...]]


class Push:
    """A step that a value takes, and all that its inputs have to know of the value.

    `repeated` has the axes along which inputs of extent 1 are repeated: true if the signature says
    which inputs those are, false if the traced shapes do.  `scalars_stay` if the value has inputs
    with axes.
    """

    __slots__ = ("axes", "repeated", "scalars_stay", "step")

    def __init__(
        self, step: Movement, axes: int, repeated: dict[int, bool], scalars_stay: bool
    ) -> None:
        self.step = step
        self.axes = axes
        self.repeated = repeated
        self.scalars_stay = scalars_stay


class Kinds:
    """The kinds of all inputs of a value, its shape, and the pushes of the steps that it took.

    `own` tells whether a push is the one of the value itself, or of one that it is repeated in.
    A push is `observing` if the signature does not say which inputs are repeated.

    >>> Kinds.of(frozenset([((3, 1), ()), ((4,), ())])).shape
    (3, 4)
    """

    __slots__ = ("each", "observing", "own", "pushes", "shape")

    def __init__(self, each: frozenset[Kind], shape: tuple[int, ...]) -> None:
        self.each = each
        self.shape = shape
        self.pushes: dict[Movement, Push] = {}
        self.own: dict[Push, bool] = {}
        self.observing: set[Push] = set()

    @classmethod
    def of(cls, each: frozenset[Kind]) -> Kinds:
        """Return the kinds, with the common shape of the inputs."""
        common: tuple[int, ...] = ()
        for shape, _ in each:
            common = common_shape(common, shape)
        return cls(each, common)


class Views:
    """All that is remembered of the views of computed values while a function is traced.

    `origins` has the value and the movement that a view was made from, `again` the operations that
    were made for views only.
    """

    __slots__ = ("again", "interned", "kinds", "origins", "pushed", "pushes")

    def __init__(self) -> None:
        self.pushed: dict[tuple[Node, Push], Node] = {}
        self.origins: dict[Node, tuple[Node, tuple[Movement, ...]]] = {}
        self.again: set[Node] = set()
        self.kinds: dict[Node, Kinds] = {}
        self.interned: dict[frozenset[Kind], Kinds] = {}
        self.pushes: dict[tuple[object, ...], Push] = {}
