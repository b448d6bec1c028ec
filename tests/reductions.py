"""Random functions that reduce arrays: what the search of folds runs.

As those of `statements`, they are Python source that runs on its arguments while it is written, and
bytes decide all of it; lower ones mean simpler functions.  Arrays are drawn by expressions of
NumPy, so that a large one is one line of the program that an example prints as.

Left out is what has other bits in NumPy itself, or may have them in cpnum:

* Of 0.0 and -0.0, the one that a minimum or a maximum is depends on NumPy's loops.  So zeros of
  values that these fold have no sign.
* Products of vectors and matrices are those of a library: no `dot`, no norm of all elements.
* Sums of values of a broadcast array may be in another order (docs/differences-from-numpy.md).  So
  functions that have one are of small whole numbers, and of what is exact for these.  The same
  holds for views of what is computed of arrays that are broadcast to each other.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from memories import NUMBERS, Arguments, Choices, Memory, Parameter, Shape
from statements import ERRORS, Example, Scope, is_broadcast
from statements import example_of as _plain_example_of

from cpnum.tables.dtypes import DTYPES, F32, F64, I32, I64, B

MOST_ELEMENTS = 20_000
EXTENTS = (
    3, 2, 4, 1, 5, 8, 7, 9, 6, 17, 0, 16, 33, 12, 64, 100, 127, 128, 129, 130, 256, 257, 300, 8192,
    8191, 8193, 8200, 40,
)  # fmt: skip
PALETTES = (
    (F64,), (F64,), (F32,), (F64, F32), (I64, F64), DTYPES, (I32,), (B,), (I64,), (F32, I32, B),
)  # fmt: skip
EXACT_PALETTES = ((F64,), (F64, I64), (I32,), (F64, B, I64))

# -- arguments ----------------------------------------------------------------------------------

# Expressions of a generator of random numbers and of a shape.
_NUMBERS_OF = {
    "f": (
        "{0}.integers(-9, 10, {1}) / 4",
        "{0}.standard_normal({1}) * 100",
        "{0}.random({1})",
        "{0}.choice([1.0, 0.0, inf, -inf, nan, 1e30, -1e30, 1e-40, 3.5, 0.1], {1})",
        "{0}.choice([nan, 1.0, -2.0], {1})",
        "{0}.standard_normal({1}) * 10.0 ** {0}.integers(-30, 30, {1})",
    ),
    "i": ("{0}.integers(-9, 10, {1})", "{0}.integers(-(2**31), 2**31, {1})"),
    "b": ("{0}.random({1}) < 0.5", "{0}.random({1}) < 0.99", "{0}.random({1}) < 0.01"),
}
# With both zeros, for functions without minima and maxima.
_ZEROS = "{0}.choice([-0.0, -0.0, -0.0, 0.0, 1.0], {1})"
_SMALL = {"f": "{0}.integers(-3, 4, {1}) * 1.0", "i": "{0}.integers(-3, 4, {1})"}
# Slices, and the extent of which they leave n elements: n * factor + rest.
_SLICES = (
    (":", 1, 0), ("::-1", 1, 0), ("1:-1", 1, 2), ("::2", 2, 0), ("1:", 1, 1), ("::-2", 2, 0),
    ("1::3", 3, 0),
)  # fmt: skip


@dataclass(frozen=True)
class Drawn(Memory):
    """An array whose contents an expression makes.

    >>> print(Drawn.of("np.arange(3)", np.dtype("f4")))
    np.array(np.arange(3), "float32", order="C")
    """

    text: str = ""

    @classmethod
    def of(cls, text: str, dtype: np.dtype, order: str = "C", is_misaligned: bool = False) -> Drawn:
        with np.errstate(all="ignore"):
            drawn = eval(text, {"np": np, "inf": np.inf, "nan": np.nan})
            contents = np.asarray(drawn).astype(dtype)
        return cls(contents, order, is_misaligned, text)

    def __str__(self) -> str:
        dtype = self.contents.dtype
        made = f'np.array({self.text}, "{dtype}", order="{self.order}")'
        if not self.is_misaligned:
            return made
        raw = f'bytearray(b"0" + {made}.tobytes("{self.order}"))'
        return f'np.ndarray({self.contents.shape}, "{dtype}", {raw}, 1, order="{self.order}")'


def contents_of(chosen: Choices, dtype: np.dtype, shape: Shape, kind: str) -> str:
    """Return an expression for contents: `exact` ones, those with `zeros` of both signs, or any."""
    generator = f"np.random.default_rng({chosen.below(256)})"
    texts = _NUMBERS_OF[dtype.kind]
    if kind == "exact":
        texts = (_SMALL.get(dtype.kind, texts[0]),)
    if kind == "zeros" and dtype.kind == "f":
        texts = (_ZEROS, *texts)
    return str(chosen.of(texts)).format(generator, shape)


class _Laying:
    """Arguments while they are made; those with stride 0 only if they are exact."""

    def __init__(self, chosen: Choices, kind: str, is_shared: bool) -> None:
        self._chosen = chosen
        self._kind = kind
        self._is_shared = is_shared
        self.memories: list[Drawn] = []
        self.given: dict[str, str] = {}
        # The memories that have one element more on each axis than a parameter.
        self._wide: dict[Parameter, str] = {}

    def array(self, dtype: np.dtype, shape: Shape) -> str:
        """Return a view of a memory."""
        chosen = self._chosen
        if self._is_shared and chosen.below(3):
            key = (dtype, shape)
            if key not in self._wide:
                self._wide[key] = self._memory(dtype, tuple(extent + 1 for extent in shape))
            items = ", ".join(chosen.of(("1:", ":-1", ":0:-1")) for _ in shape)
            return f"{self._wide[key]}[{items or '...'}]"
        way = chosen.below(6)
        if not shape or way < 2:
            return self._memory(dtype, shape)
        if way == 2:
            return self._sliced(dtype, shape)
        axes = self._permuted(len(shape))
        own = tuple(shape[axis] for axis in axes)
        places = tuple(axes.index(axis) for axis in range(len(shape)))
        if way in (3, 4):
            parent = self._memory(dtype, own) if way == 3 else self._sliced(dtype, own)
            return f"{parent}.transpose({places})"
        if self._kind == "exact":
            return self._repeated(dtype, shape)
        if chosen.once_in(2) and 0 not in shape:
            # The elements of neighbours on all axes are shared.
            memory = self._memory(dtype, (sum(shape) - len(shape) + 1,))
            strides = (dtype.itemsize,) * len(shape)
            return f"np.lib.stride_tricks.as_strided({memory}, {shape}, {strides})"
        return self._memory(dtype, shape)

    def _permuted(self, count: int) -> list[int]:
        left = list(range(count))
        return [left.pop(-1 - self._chosen.below(len(left))) for _ in range(count)]

    def _sliced(self, dtype: np.dtype, shape: Shape) -> str:
        rows = [self._chosen.of(_SLICES) for _ in shape]
        parent = tuple(
            extent * factor + rest for extent, (_, factor, rest) in zip(shape, rows, strict=True)
        )
        if math.prod(parent) > 8 * MOST_ELEMENTS:
            return self._memory(dtype, shape)
        return f"{self._memory(dtype, parent)}[{', '.join(row[0] for row in rows)}]"

    def _repeated(self, dtype: np.dtype, shape: Shape) -> str:
        chosen = self._chosen
        if chosen.once_in(4):
            return f"np.broadcast_to({self._memory(dtype, shape[1:])}, {shape})"
        own = tuple(1 if chosen.once_in(2) else extent for extent in shape)
        return f"np.broadcast_to({self._memory(dtype, own)}, {shape})"

    def _memory(self, dtype: np.dtype, shape: Shape) -> str:
        """Add a memory and return its name."""
        chosen = self._chosen
        order, is_misaligned = chosen.of("CCF"), chosen.once_in(16)
        text = contents_of(chosen, dtype, shape, self._kind)
        self.memories.append(Drawn.of(text, dtype, order, is_misaligned))
        return f"memory{len(self.memories) - 1}"


def laid_out(chosen: Choices, parameters: Mapping[str, Parameter | None], kind: str) -> Arguments:
    """Return arguments for parameters."""
    laying = _Laying(chosen, kind, is_shared=chosen.once_in(6))
    for name, parameter in parameters.items():
        laying.given[name] = (
            chosen.of(NUMBERS[name]) if parameter is None else laying.array(*parameter)
        )
    return Arguments(tuple(laying.memories), laying.given)


def drawn_anew(chosen: Choices, arguments: Arguments, kind: str) -> Arguments:
    """Return arguments of the same layouts with other contents."""
    memories = []
    for each in arguments.memories:
        contents = each.contents
        text = contents_of(chosen, contents.dtype, contents.shape, kind)
        memories.append(Drawn.of(text, contents.dtype, each.order, each.is_misaligned))
    return replace(arguments, memories=tuple(memories))


def shape_of(chosen: Choices) -> Shape:
    """Return a shape of up to four axes and not too many elements."""
    shape: list[int] = []
    for _ in range(chosen.of((2, 1, 2, 3, 1, 2, 3, 4, 0))):
        extent = chosen.of(EXTENTS)
        # Without an empty axis, the others hold not too many elements, either.
        count = math.prod(filter(None, [*shape, extent]))
        shape.append(extent if count <= MOST_ELEMENTS // 2 else min(extent, 2))
    at = chosen.below(max(len(shape), 1))  # long axes are not always the first one
    return tuple(shape[at:] + shape[:at])


def parameters(chosen: Choices, kind: str) -> dict[str, Parameter | None]:
    """Return one to three arrays, most of one shape, and numbers at times."""
    palette = chosen.of(EXACT_PALETTES if kind == "exact" else PALETTES)
    shape = shape_of(chosen)
    found: dict[str, Parameter | None] = {}
    for name in "xyz"[: chosen.of((1, 2, 2, 3))]:
        still = tuple(1 if chosen.once_in(2) else extent for extent in shape)
        shapes = (shape, shape, shape, shape[1:], still, shape, shape[-1:], shape)
        found[name] = chosen.of(palette).numpy, chosen.of(shapes) if found else shape
    if kind != "exact" and chosen.once_in(4):
        found["s"] = None
    return found


# -- reductions ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A reduction: how it is called, the keywords that it takes, and by what it is known.

    Its `axes` are any (`*`), one number or none (`1`), one number (`!`), or one or two (`2`).  It
    `is_exact` if its result is, for small whole numbers; it `is_extreme` if it finds a minimum or a
    maximum.
    """

    forms: tuple[str, ...]
    takes: str = ""
    axes: str = "*"
    is_exact: bool = False
    is_extreme: bool = False


def _rows() -> list[Row]:
    def both(name: str, takes: str, **more: Any) -> Row:
        return Row((f"np.{name}({{0}}{{1}})", f"{{0}}.{name}({{2}})"), takes, **more)

    def function(name: str, takes: str, **more: Any) -> Row:
        return Row((f"np.{name}({{0}}{{1}})",), takes, **more)

    exact, extreme = {"is_exact": True}, {"is_exact": True, "is_extreme": True}
    often = [
        both("sum", "dtype out keepdims initial where", **exact),
        both("mean", "dtype out keepdims where"),
        both("max", "out keepdims initial where", **extreme),
        both("min", "out keepdims initial where", **extreme),
        both("var", "dtype out ddof keepdims where"),
        both("std", "dtype out ddof keepdims where"),
        both("any", "out keepdims where", **exact),
        both("all", "out keepdims where", **exact),
        function("add.reduce", "dtype out keepdims initial where", **exact),
        function("ptp", "out keepdims", **extreme),
        function("average", "keepdims"),
        function("count_nonzero", "keepdims", **exact),
        function("nansum", "dtype out keepdims initial where", **exact),
        function("linalg.norm", "keepdims ord", axes="2"),
    ]
    others = [
        both("prod", "dtype out keepdims initial where"),
        both("argmin", "out keepdims", axes="1", **exact),
        both("argmax", "out keepdims", axes="1", **exact),
        both("cumsum", "dtype out", axes="1", **exact),
        both("cumprod", "dtype out", axes="1"),
        function("nanprod", "dtype out keepdims initial where"),
        function("nanmin", "out keepdims initial where", **extreme),
        function("nanmax", "out keepdims initial where", **extreme),
        function("nanmean", "dtype out keepdims where"),
        function("nanvar", "dtype out ddof keepdims where"),
        function("nanstd", "dtype out ddof keepdims where"),
        function("nancumsum", "dtype out", axes="1", **exact),
        function("nanargmin", "keepdims", axes="1", **exact),
        function("nanargmax", "keepdims", axes="1", **exact),
        function("minimum.reduce", "out keepdims initial where", **extreme),
        function("maximum.reduce", "out keepdims initial where", **extreme),
        function("fmin.reduce", "out keepdims initial where", **extreme),
        function("fmax.reduce", "out keepdims initial where", **extreme),
        function("multiply.reduce", "dtype out keepdims initial where"),
        function("logical_and.reduce", "out keepdims where", **exact),
        function("logical_or.reduce", "out keepdims where", **exact),
        function("add.accumulate", "dtype out", axes="!", **exact),
        function("maximum.accumulate", "out", axes="!", **extreme),
        function("trapezoid", "dx", axes="!"),
    ]
    return [*often, *often, *others]


ROWS = _rows()
EXACT_ROWS = [row for row in ROWS if row.is_exact]

# Each keyword with its values; `out` and `where` have functions of their own.
VALUES_OF = {
    "dtype": ("np.float64", "np.float32", "np.int64", "np.int32", "float", "bool", "int"),
    "keepdims": ("True", "True", "False"),
    "initial": ("0", "1", "2.5", "-7", "inf", "100"),
    "ddof": ("1", "0", "2", "0.5", "1000"),
    "ord": ("2", "1", "inf", "-inf", "0", "3"),
    "dx": ("0.5", "2"),
}
# How functions write what a keyword has: they know no `inf`.
_WORDS = {"inf": "np.inf", "-inf": "-np.inf"}

# -- values -------------------------------------------------------------------------------------

OPERATIONS = (
    "({0} + {1})", "({0} * {1})", "({0} - {1})", "np.abs({0})", "({0} / {1})", "(-{0})",
    "np.square({0})", "np.where({0} > {1}, {0}, {2})", "({0} > {1})", "np.sqrt({0})",
    "({1} - {0})", "np.minimum({0}, {1})", "np.maximum({1}, {0})", "({0} <= {1})",
    "({0} == {1})", "({1} / {0})", "np.isnan({0})", "({0} * {0})", "np.where({1} > 0, {0}, {2})",
    "{0}.astype(np.float32)", "{0}.astype(np.float64)",
)  # fmt: skip
INEXACT = ("/", "sqrt", "float32")
EXTREMES = ("np.minimum", "np.maximum")
LITERALS = ("2", "1", "0.5", "3", "-1.5", "np.float32(0.1)", "np.float64(0.3)", "0")
EXACT_LITERALS = ("2", "1", "3", "-1", "0")
VIEWS = (
    "{0}[1:]", "{0}.T", "{0}[:-1]", "{0}[..., 1:]", "{0}[::-1]", "{0}[0]", "{0}[..., 0]",
    "{0}[::2]", "{0}[..., ::2]", "{0}[..., ::-1]", "{0}[:, None]", "{0}[None]", "{0}[..., None]",
    "{0}.reshape(-1)", "{0}.swapaxes(0, -1)", "{0}.ravel()", "{0}.reshape({0}.shape[::-1])",
    "{0}.reshape({0}.shape[0], -1)", "np.moveaxis({0}, 0, -1)", "{0}[-1]", "{0}[:, 1:]",
    "{0}[:, ::-2]", "{0}.squeeze()", "{0}.reshape(1, -1)",
)  # fmt: skip
EXACT_VIEWS = (*VIEWS, "np.broadcast_to({0}, (3, *{0}.shape))")


class FoldScope(Scope):
    """Lines of a function that reduces arrays; these are larger ones."""

    most = MOST_ELEMENTS


class FoldWriter:
    """Reductions and what is around them, made for what is in a scope."""

    def __init__(self, scope: Scope, chosen: Choices, kind: str, may_fail: bool) -> None:
        self.scope = scope
        self._chosen = chosen
        self._kind = kind
        self._is_exact = kind == "exact"
        self._may_fail = may_fail
        # Texts of views of arguments that have not been written to.
        self._plain: set[str] = set()

    def _known(self, text: str) -> Any:
        value = self.scope.known(text)
        if self._is_exact and value is not None and np.any(np.abs(np.asarray(value)) > 2.0**40):
            return None
        return value

    # -- expressions ---------------------------------------------------------------------------

    def leaf(self) -> str:
        """Return a variable that is an array or a number of NumPy, or a view of one."""
        chosen = self._chosen
        names = [
            name
            for name in self.scope.names()
            if isinstance(self.scope.values[name], np.ndarray | np.generic)
        ]
        # The first option is the first argument.
        name = chosen.of(names[::-1])
        text = name
        if chosen.once_in(4):
            text = chosen.of(EXACT_VIEWS if self._is_exact else VIEWS).format(name)
            if chosen.once_in(4):
                text = chosen.of(VIEWS).format(text)
            if self.scope.known(text) is None:
                text = name
        is_written = any("out=" in line or line[0] in "xyz" for line in self.scope.lines)
        if name in "xyz" and not is_written:
            self._plain.add(text)
        return text

    def operand(self) -> str:
        """Return a leaf or a number."""
        if self._chosen.once_in(3):
            if "s" in self.scope.values and self._chosen.below(2):
                return "s"
            return str(self._chosen.of(EXACT_LITERALS if self._is_exact else LITERALS))
        return self.leaf()

    def _shape_of(self, *texts: str) -> Shape | None:
        """Return the shape of what is computed of values; None if it is none or a large one."""
        try:
            shape = np.broadcast_shapes(*(np.shape(self.scope.known(each)) for each in texts))
        except ValueError:
            return None
        return shape if math.prod(shape) <= MOST_ELEMENTS else None

    def value(self, most: int = 3, spreads: bool = False) -> str:
        """Return a leaf, or an expression of up to so many operators.

        If it `spreads`, it may end with an operator of which no operand has the shape of the
        result, as `x[:, None] - y`.
        """
        text = self.leaf()
        for _ in range(min(self._chosen.of((0, 1, 0, 1, 2, 3)), most)):
            template = self._chosen.of(OPERATIONS)
            if self._is_exact and any(word in template for word in INEXACT):
                continue
            others = [self.operand() for at in (1, 2) if f"{{{at}}}" in template]
            shape = self._shape_of(text, *others)
            shapes = [np.shape(self.scope.known(each)) for each in (text, *others)]
            is_wide = shape not in shapes and not self._is_exact
            if shape is None or (is_wide and not spreads):
                continue
            longer = template.format(text, *others, *others)
            value = self._known(longer)
            if value is None:
                continue
            if template.startswith(EXTREMES) and np.asarray(value).dtype.kind == "f":
                longer = f"({longer} + 0.0)"
            text = longer
            if is_wide:
                break
        return text

    def mask(self, shape: Shape) -> str:
        """Return a mask that is broadcast to a shape."""
        chosen = self._chosen
        for _ in range(3):
            text = self.leaf()
            value = self._known(text)
            if is_broadcast(np.shape(value), shape):
                if np.asarray(value).dtype == bool:
                    return text
                return f"({text} {chosen.of(('>', '<=', '!='))} {chosen.of(('0', '1', '0.5'))})"
        return "True"

    def axis(self, count: int, axes: str) -> str | None:
        """Return an axis of so many; None for the one that is the default."""
        chosen = self._chosen
        if chosen.once_in(40):
            return chosen.of(("5", "-7", "(0, 0)", "()", "1"))
        if axes in "*1" and chosen.once_in(4):
            return "None" if chosen.once_in(2) else None
        if axes == "!" and chosen.once_in(4):
            return None
        if not count:
            return None if axes != "2" else "0"
        if axes in "*2" and count > 1 and chosen.once_in(3):
            wanted = 2 if axes == "2" else 1 + chosen.below(count)
            several = [*itertools.combinations(range(count), wanted)]
            some = list(chosen.of(several))
            if chosen.once_in(3):
                some.reverse()
            if chosen.once_in(3):
                some[0] -= count
            return str(tuple(some))
        return str(chosen.below(2 * count) - count)

    # -- reductions ----------------------------------------------------------------------------

    def reduction(self, value: str | None = None, keeps: bool = False) -> str:
        """Return a reduction, of a value if one is given; its axes are kept if they have to be."""
        chosen = self._chosen
        rows = EXACT_ROWS if self._is_exact else ROWS
        row = chosen.of(rows)
        if keeps and "keepdims" not in row.takes:
            row = rows[0]
        if value is None:
            value = self.reduction() if chosen.once_in(8) else self.value(spreads=True)
        value = self._without_signs(value) if row.is_extreme else value
        known = self.scope.known(value)
        if known is None:
            return f"np.sum({value})"
        axis = self.axis(np.ndim(known), row.axes)
        is_first = row.axes in "*1" and chosen.once_in(3)
        words = [] if axis is None else [axis if is_first else f"axis={axis}"]
        form = chosen.of(row.forms)
        taken = row.takes.split()
        if axis is not None and "(" in axis and "ord" in taken:
            taken.remove("ord")  # norms of matrices are LAPACK's
        if keeps:
            words.append("keepdims=True")
            taken.remove("keepdims")
        for _ in range(chosen.of((0, 0, 1, 1, 2, 3))):
            if not taken:
                break
            words = self._with_keyword(taken.pop(chosen.below(len(taken))), words, form, value)
        text = self._called(form, value, words)
        if self._known(text) is not None or self._may_fail:
            return text
        return f"np.sum({value})"

    def _called(self, form: str, value: str, words: list[str]) -> str:
        return form.format(value, "".join(f", {each}" for each in words), ", ".join(words))

    def _with_keyword(self, key: str, words: list[str], form: str, value: str) -> list[str]:
        """Return the arguments of a call with one more, if NumPy takes it."""
        chosen = self._chosen
        if key == "out":
            result = self.scope.known(self._called(form, value, words))
            place = self._place_for(result)
            more = [] if place is None else [f"out={place}"]
        elif key == "where":
            more = [f"where={self.mask(np.shape(self.scope.known(value)))}"]
            if any(word in form for word in ("min", "max")) and not any(
                each.startswith("initial") for each in words
            ):
                more.append(f"initial={chosen.of(('0', '5', '-7'))}")
        else:
            given = chosen.of(VALUES_OF[key])
            if self._is_exact and key in ("dtype", "initial"):
                given = {"dtype": "np.float64", "initial": "3"}[key]
            more = [f"{key}={_WORDS.get(given, given)}"]
        longer = [*words, *more]
        if self._may_fail or self._known(self._called(form, value, longer)) is not None:
            return longer
        return words

    def _place_for(self, result: Any) -> str | None:
        """Return an array that can take a result."""
        if not isinstance(result, np.ndarray | np.generic):
            return None
        places = []
        for name in self.scope.arrays():
            array = self.scope.values[name]
            places += [
                place
                for place in (name, f"{name}[0]", f"{name}[..., 0]", f"{name}[..., 0:1]")
                if isinstance(view := self.scope.known(place), np.ndarray)
                and view.shape == result.shape
                and np.can_cast(result.dtype, view.dtype, "same_kind")
                and array.flags.writeable
            ]
        made = f"np.zeros({result.shape}, np.{result.dtype})"
        return str(self._chosen.of([made, *places]))

    def _without_signs(self, value: str) -> str:
        """Return a value of which zeros have no sign."""
        known = self.scope.known(value)
        is_plain = value in self._plain and self._kind != "zeros"
        if known is None or np.asarray(known).dtype.kind != "f" or is_plain:
            return value
        return f"({value} + 0.0)"

    # -- statements ----------------------------------------------------------------------------

    def statement(self) -> str:
        """Return any statement."""
        return str(self._chosen.of(STATEMENTS)(self))

    def fold(self) -> str:
        """Reduce a value: `v0 = np.sum(x * y, axis=1)`."""
        return f"{self.scope.new()} = {self.reduction()}"

    def keep(self) -> str:
        """Keep a value that later statements may reduce."""
        return f"{self.scope.new()} = {self.value()}"

    def normalize(self) -> str:
        """Compute with a value and its reduction: `v0 = x - x.mean(axis=1, keepdims=True)`."""
        value = self.value(2)
        operator = self._chosen.of("-+*" if self._is_exact else "-/+*")
        text = f"({value} {operator} {self.reduction(value, keeps=True)})"
        if self._chosen.once_in(3):
            text = self.reduction(text)
        return f"{self.scope.new()} = {text}"

    def combine(self) -> str:
        """Compute with two reductions: `v0 = x.max(axis=0) - y.mean()`."""
        operator = self._chosen.of("+-*" if self._is_exact else "+-*/")
        first, second = self.reduction(), self.reduction()
        shape = self._shape_of(first, second)
        shapes = [np.shape(self.scope.known(each)) for each in (first, second)]
        if shape is None or (shape not in shapes and not self._is_exact):
            return f"{self.scope.new()} = ({first}, {second})[1]"
        return f"{self.scope.new()} = {first} {operator} {second}"

    def write(self) -> str:
        """Write a reduction, or what is computed with one: `x[...] = y.sum(0)`, `x -= x.mean()`."""
        chosen = self._chosen
        names = self.scope.arrays()
        if not names:
            return self.fold()
        name = chosen.of(names[::-1])
        place = chosen.of(("{0}[...]", "{0}[...]", "{0}[1:]", "{0}[0]", "{0}[..., 0]")).format(name)
        target = self.scope.known(place)
        if not isinstance(target, np.ndarray):
            return self.fold()
        value = self.reduction(place.removesuffix("[...]") if chosen.once_in(3) else None)
        if not is_broadcast(np.shape(self._known(value)), target.shape):
            value = f"np.sum({value})"
        known = self.scope.known(value)
        fits = known is not None and np.can_cast(np.asarray(known).dtype, target.dtype, "same_kind")
        if not fits:
            return f"{place} = np.any({value})"
        operator = chosen.of(("", "", "-", "+", "*"))
        if operator == "-" and target.dtype == bool:
            operator = ""
        return f"{place.removesuffix('[...]') if operator else place} {operator}= {value}"

    def made(self) -> str:
        """Keep a new array of zeros or ones."""
        name = self.leaf()
        made = self._chosen.of(("np.zeros_like({0})", "np.ones({0}.shape)", "np.ones_like({0})"))
        return f"{self.scope.new()} = {made.format(name)}"

    def end(self) -> str:
        """Return a value, or several in a tuple."""
        kind = self._chosen.below(6)
        if kind == 5:
            return "return"
        count = (1, 1, 2, 3, 2)[kind]
        parts = [self._part() for _ in range(count)]
        return f"return {parts[0] if count == 1 else '(' + ', '.join(parts) + ')'}"

    def _part(self) -> str:
        """Return the last variable, a reduction, another variable or an expression."""
        kind, names = self._chosen.below(5), self.scope.names()
        if kind == 1:
            return self.reduction()
        if kind == 2:
            return str(self._chosen.of(names))
        if kind == 3:
            return self.value()
        return str(names[0])


STATEMENTS = (
    FoldWriter.fold, FoldWriter.fold, FoldWriter.normalize, FoldWriter.combine, FoldWriter.keep,
    FoldWriter.write, FoldWriter.fold, FoldWriter.normalize, FoldWriter.write, FoldWriter.keep,
    FoldWriter.made,
)  # fmt: skip


# -- examples -----------------------------------------------------------------------------------


class FoldExample(Example):
    """A function, and arguments of three calls.

    Those of the second one have the layouts of the first one, those of the third one others.
    """

    def __init__(self, source: str, first: Arguments, second: Arguments, third: Arguments) -> None:
        super().__init__(source, first, second)
        self.third = third

    @property
    def calls(self) -> tuple[Arguments, ...]:
        """The arguments of all calls."""
        return self.first, self.second, self.third

    def __repr__(self) -> str:
        """Return a program that makes all calls."""
        imports = "import numpy as np\nfrom numpy import inf, nan\n"
        call = f"print(f({', '.join(self.first.given)}))"
        return "\n".join(
            [f"\n{imports}\n{self.source}", *(f"{each}\n{call}" for each in self.calls)]
        )


_NUMBERS = st.binary(min_size=60, max_size=60)
_ROWS = st.lists(_NUMBERS, min_size=1, max_size=4)


@st.composite
def examples(draw: Callable[[st.SearchStrategy[Any]], Any]) -> FoldExample:
    """Functions of one to four statements; one of twelve may end with an error."""
    chosen = Choices(draw(_NUMBERS))
    kind = chosen.of(("any", "any", "zeros", "any", "exact"))
    may_fail = chosen.once_in(12)
    taken = parameters(chosen, kind)
    first = laid_out(Choices(draw(_NUMBERS)), taken, kind)
    second = drawn_anew(Choices(draw(_NUMBERS)), first, kind)
    third = laid_out(Choices(draw(_NUMBERS)), taken, kind)
    scope = FoldScope(first)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for row in draw(_ROWS):
            text = FoldWriter(scope, Choices(row), kind, may_fail).statement()
            if isinstance(scope.run(text), ERRORS) and may_fail:
                return _example_of([*scope.lines, text], first, second, third)
        end = FoldWriter(scope, Choices(draw(_NUMBERS)), kind, may_fail=False).end()
    return _example_of([*scope.lines, end], first, second, third)


def _example_of(
    lines: list[str], first: Arguments, second: Arguments, third: Arguments
) -> FoldExample:
    return FoldExample(_plain_example_of(lines, first, second).source, first, second, third)
