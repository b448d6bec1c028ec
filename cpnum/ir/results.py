"""Results: a leaf, or containers of leaves.

Each leaf is one object.  A function that returns an object twice has one leaf, which stands twice
in the tree.

>>> results = Results(Container(list, (), (0, 0)), (Known(2.5),))
>>> maker_of(results.tree)(values_of(results, (), iter(())))
[2.5, 2.5]
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from cpnum.ir.containers import made
from cpnum.ir.movement import Movement
from cpnum.ir.nodes import Node, Value
from cpnum.ir.sites import Site
from cpnum.tables.dtypes import DType
from cpnum.tables.reductions import Folded

# -- leaves -------------------------------------------------------------------------------------


class Fold(NamedTuple):
    """A reduction of a value along some axes, which are counted from the first one.

    If it `keeps` them, they have extent 1; if it `scans` one, each element of the result is that of
    the elements up to there.  A sum with a `ddof` is divided by the number of its elements less
    that, as a mean is.  If it `converts` the value, as the mean of integers does, it adds in
    pieces.  `initial` is the value before the first element.  `function` is NumPy's, at the user's
    line, and `check` what looks at the result afterwards; one that is read from a text has none.
    If it is `quiet`, a later loop computes the value once more, and reports its errors.
    """

    row: Folded
    axes: tuple[int, ...]
    keeps: bool
    function: Callable[[Value], Value] | None = None
    site: Site | None = None
    ddof: int | None = None
    converts: bool = False
    scans: bool = False
    initial: float | None = None
    check: Callable[[Value], object] | None = None
    quiet: bool = False

    def of(self, value: Value) -> Value:
        """Return what NumPy makes of a value."""
        if self.function is not None:
            return self.function(value)
        if self.scans:
            return self.row.ufunc.accumulate(value, self.axes[0])
        more: dict[str, Any] = {} if self.initial is None else {"initial": self.initial}
        result = self.row.ufunc.reduce(value, self.axes, keepdims=self.keeps, **more)
        return result if self.ddof is None else result / self.divisor(value.shape)

    def divisor(self, shape: tuple[int, ...]) -> int:
        """Return what a sum of a value of this shape is divided by; below 1 if that is nothing."""
        return math.prod([shape[each] for each in self.axes]) - (self.ddof or 0)

    def first(self, dtype: DType) -> np.generic | None:
        """Return what the elements of a result are before the first one; None if they are new."""
        if self.scans:
            return None
        if self.initial is not None:
            return dtype.numpy.type(self.initial)
        return self.row.first(dtype)

    def shape_of(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the result, from that of the value.

        >>> from cpnum.tables.reductions import BY_NAME
        >>> Fold(BY_NAME["add"], (1,), False).shape_of((2, 3, 4))
        (2, 4)
        """
        if self.scans:
            return shape
        if self.keeps:
            return tuple([1 if at in self.axes else each for at, each in enumerate(shape)])
        return tuple([each for at, each in enumerate(shape) if at not in self.axes])

    def __str__(self) -> str:
        divided = "" if self.ddof is None else f" / (n - {self.ddof})"
        divided += " in pieces" if self.converts else ""
        start = "" if self.initial is None else f" from {self.initial!r}"
        word = f"running {self.row.word}" if self.scans else self.row.word
        return f"{word}{divided}{start} over {self.axes}{' kept' if self.keeps else ''} of"


class Output(NamedTuple):
    """A value that is computed into memory of its own, or a reduction of it.

    `boxed`: a result without axes is an array, as from `np.where`, not a scalar, as from a ufunc.
    An output of an input is a copy.
    """

    node: Node
    boxed: bool = False
    fold: Fold | None = None


class Number(NamedTuple):
    """A Python number that Python computes from other Python numbers."""

    node: Node


class Given(NamedTuple):
    """The argument for a parameter itself."""

    parameter: int


class View(NamedTuple):
    """A view of an earlier leaf, which NumPy takes; an element of it if it is not `boxed`."""

    of: int
    movement: tuple[Movement, ...]
    boxed: bool = True


class Known(NamedTuple):
    """A value that does not depend on arguments: None, a text, a number."""

    value: object


# An array has at most so many tiles: each has machine code of its own.
MOST_TILES = 64

# For each axis, the first place and the one behind the last, or None for all places.
Region = tuple[tuple[int, int] | None, ...]


class Joined(NamedTuple):
    """An array that is computed tile by tile: earlier outputs, each with its region.

    They cover it, and have no memory of their own.
    """

    tiles: tuple[tuple[int, Region], ...]

    def shape_of(self, first: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of the whole, from that of its first tile; it may have axes before."""
        ends = list(zip(*[region for _, region in self.tiles], strict=True))
        before = len(first) - len(ends)
        whole = [
            max([extent, *[each[1] for each in axis if each is not None]])
            for extent, axis in zip(first[before:], ends, strict=True)
        ]
        return *first[:before], *whole


Leaf = Output | Number | Given | View | Known | Joined


# -- containers ---------------------------------------------------------------------------------


class Container(NamedTuple):
    """A tuple, list, dict, named tuple, dataclass or SimpleNamespace; the last four have keys."""

    kind: type
    keys: tuple[Any, ...]
    items: tuple[Tree, ...]


# The number of a leaf, or a container of trees.
Tree = int | Container

# The tree of what returns nothing that is used.
NOTHING = Container(tuple, (), ())


def maker_of(tree: Tree) -> Callable[[Sequence[Any]], Any]:
    """Return a function that makes the containers of a tree from the values of its leaves."""
    if isinstance(tree, int):
        return operator.itemgetter(tree)
    kind, keys, items = tree
    if kind is tuple and all(isinstance(each, int) for each in items):
        if len(items) > 1:
            return operator.itemgetter(*items)
        return _of_one(items[0]) if items else lambda values: ()
    makers = [maker_of(each) for each in items]
    if kind is tuple:
        return lambda values: tuple([make(values) for make in makers])
    if kind is dict and not keys:
        return lambda values: {}
    return lambda values: made(kind, keys, [make(values) for make in makers])


def _of_one(item: Any) -> Callable[[Sequence[Any]], Any]:
    return lambda values: (values[item],)


# -- results ------------------------------------------------------------------------------------


# The place of an output's array, and the index of the tile in it, None for the whole.
Place = tuple[int, tuple[Any, ...] | None]


class Results(NamedTuple):
    """A tree of leaves.  A view stands behind the leaf that it is of."""

    tree: Tree
    leaves: tuple[Leaf, ...]

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The leaves that are computed into memory of their own."""
        return tuple([leaf for leaf in self.leaves if type(leaf) is Output])

    @property
    def arrays(self) -> tuple[int, ...]:
        """The leaves that are computed and have memory of their own, by number."""
        tiles = {of for leaf in self.leaves if type(leaf) is Joined for of, _ in leaf.tiles}
        return tuple(
            [
                at
                for at, leaf in enumerate(self.leaves)
                if type(leaf) is Joined or (type(leaf) is Output and at not in tiles)
            ]
        )

    @property
    def places(self) -> list[Place]:
        """For each output, the place of its array among `arrays`, and the index of a tile in it."""
        arrays = {leaf: at for at, leaf in enumerate(self.arrays)}
        found: dict[int, Place] = {}
        for at, leaf in enumerate(self.leaves):
            if type(leaf) is Output and at in arrays:
                found[at] = arrays[at], None
            elif type(leaf) is Joined:
                found |= {of: (arrays[at], index_of(region)) for of, region in leaf.tiles}
        return [found[at] for at in sorted(found)]

    @property
    def output(self) -> Output | None:
        """The output, if the function returns nothing but that."""
        leaf = self.leaves[0] if self.tree == 0 else None
        return leaf if type(leaf) is Output else None

    @property
    def nodes(self) -> list[Node]:
        """The nodes of all leaves that are computed, in their order."""
        return [leaf.node for leaf in self.leaves if isinstance(leaf, Output | Number)]

    def with_nodes(self, new: Mapping[Node, Node]) -> Results:
        """Return the results with `new[node]` in the place of each node."""
        leaves = [
            leaf._replace(node=new[leaf.node]) if isinstance(leaf, Output | Number) else leaf
            for leaf in self.leaves
        ]
        return Results(self.tree, tuple(leaves))

    def verify(self, nodes: set[Node]) -> None:
        """Check that all leaves are there, that nodes are of these, and views behind their leaf.

        Raises:  ValueError if not.
        """
        for at, leaf in enumerate(self.leaves):
            if isinstance(leaf, Output | Number):
                if leaf.node not in nodes:
                    raise ValueError("a result is not among the nodes")
                if leaf.node.dtype.weak != (type(leaf) is Number):
                    weak = "the weak dtype" if leaf.node.dtype.weak else "no weak dtype, but"
                    raise ValueError(f"a result has {weak} {leaf.node.dtype}")
            elif isinstance(leaf, View) and not 0 <= leaf.of < at:
                raise ValueError("a view does not stand behind the leaf that it is of")
            elif isinstance(leaf, Joined):
                if not all(type(self.leaves[of]) is Output for of, _ in leaf.tiles if of < at):
                    raise ValueError("a tile is no output")
        for index in leaves_of(self.tree):
            if not 0 <= index < len(self.leaves):
                raise ValueError(f"there is no leaf {index}")


def single(node: Node, boxed: bool = False) -> Results:
    """Return the results of a function that returns one computed value."""
    return Results(0, (Output(node, boxed),))


def leaves_of(tree: Tree) -> Iterator[int]:
    """Yield the numbers of the leaves of a tree, from left to right.

    >>> list(leaves_of(Container(tuple, (), (1, Container(list, (), (0, 1))))))
    [1, 0, 1]
    """
    if isinstance(tree, int):
        yield tree
    else:
        for each in tree.items:
            yield from leaves_of(each)


def index_of(region: Region) -> tuple[Any, ...]:
    """Return the index of a region, in an array that may have more axes before.

    >>> index_of(((0, 1), None))
    (Ellipsis, slice(0, 1, None), slice(None, None, None))
    """
    return (..., *[slice(None) if each is None else slice(*each) for each in region])


def tiles_of(places: Iterable[Place], arrays: Sequence[Any]) -> list[Any]:
    """Return what is computed into for the output at each place: one of `arrays`, or a tile of it.

    Where there is None for an array, there is None for its output.
    """
    return [arrays[at] if index is None else arrays[at][index] for at, index in places]


def joined_in(results: Results) -> list[int]:
    """Return the places, among `results.arrays`, of the arrays that have tiles."""
    leaves = [results.leaves[at] for at in results.arrays]
    return [at for at, leaf in enumerate(leaves) if isinstance(leaf, Joined)]


def assembled(joined: Joined, values: Sequence[Value]) -> Value:
    """Return a new array of tiles, whose values are at their numbers."""
    first = values[joined.tiles[0][0]]
    result = np.empty(joined.shape_of(first.shape), first.dtype)
    for of, region in joined.tiles:
        result[index_of(region)] = values[of]
    return result


def values_of(
    results: Results,
    arguments: Sequence[Value],
    computed: Iterator[Value],
    joined: Iterator[Value] | None = None,
) -> list[Value]:
    """Return the values of all leaves; `computed` are those of outputs and numbers, in order.

    The arrays that have tiles are `joined`, or are made of the tiles.
    """
    values: list[Value] = []
    for leaf in results.leaves:
        kind = type(leaf)
        if kind is Output:
            value = next(computed)
            if not value.ndim:
                value = np.asarray(value) if leaf.boxed else value[()]  # type: ignore[union-attr]
        elif kind is Number:
            value = next(computed)
        elif isinstance(leaf, Given):
            value = arguments[leaf.parameter]
        elif isinstance(leaf, View):
            value = moved(values[leaf.of], leaf)
        elif isinstance(leaf, Joined):
            value = assembled(leaf, values) if joined is None else next(joined)
        else:
            value = leaf.value  # type: ignore[union-attr]
        values.append(value)
    return values


def moved(value: Value, view: View) -> Value:
    """Return the view of a value.

    >>> x = np.arange(3)
    >>> moved(x, View(0, ())).base is x
    True
    """
    for step in view.movement:
        value = step.returned(value)
    if not view.boxed:
        return value[()]
    return value if view.movement else value[...]
