"""Random functions that write to arrays: what the search of statements runs.

A function is Python source of up to twelve statements.  It runs on its arguments while it is
written, so what NumPy refuses is left out, or ends the function.  Bytes decide all of it; lower
ones mean simpler functions, so that Hypothesis finds a simple one that fails.
"""

from __future__ import annotations

import linecache
import textwrap
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any

import numpy as np
from hypothesis import strategies as st
from memories import NUMBERS, Arguments, Choices, Parameter, Shape, laid_out

from cpnum.tables.dtypes import DTYPES, F32, F64, I32, I64, B

SUPPORTED = {dtype.numpy for dtype in DTYPES}
MOST_ELEMENTS = 3000
SHAPES = (
    (5,), (4, 6), (3, 3), (17,), (2, 3, 4), (33,), (1,), (6, 1), (3, 40), (70,), (5, 5), (1, 7),
    (130,), (2, 2, 20), (3, 3, 3), (0,), (3, 0),
)  # fmt: skip
PALETTES = (
    (F64,), (F64, F64, I64), DTYPES, (F32, F64, B), (I64, I32, B), (F32,), (F32, F32, I32), (I32,),
    (B,),
)  # fmt: skip
FILENAME = "<statements>"

# Of 0.0 and -0.0, the one that these return depends on NumPy's vectors: the sum with 0.0 does not.
EXTREMES = ("np.minimum({0}, {1})", "np.maximum({1}, {0})")
OPERATIONS = (
    "({0} + {1})", "({0} * {1})", "({1} - {0})", "({0} - {1})", "(-{0})", "abs({0})",
    "np.where({0} > {1}, {0}, {2})", "({0} / {1})", "({0} > {1})", "np.sqrt(np.abs({0}))",
    "({0} + {1})", "({0} * {1})", *EXTREMES, "({0} // {1})", "({0} <= {1})",
    "{0}.astype(np.float32)", "({0} & {1})", "(~{0})", "{0}.astype(np.int64)", "({0} ^ {1})",
    "np.where({1} > 0, {0}, {2})", "np.add({0}, {1})", "({0} == {1})", "({0} | {1})",
    "({0} % {1})", "np.multiply({0}, {1})", "{0}.astype(bool)", "np.square({0})",
    "np.logical_not({0})",
)  # fmt: skip
LITERALS = (
    "0", "1", "2", "-1", "0.5", "3", "-2.5", "True", "7", "100", "np.float32(1.5)",
    "np.float64(0.25)", "np.int32(7)", "np.int64(-3)", "np.inf", "np.nan", "-0.0",
)  # fmt: skip
IN_PLACE = {"f": "+ * - / // %", "i": "+ * - // & | ^ %", "b": "& | ^ + *"}
UFUNCS = "add multiply subtract negative divide absolute greater square logical_or equal".split()
ITEMS = (
    ":", "1:", ":-1", "0", "::2", "-1", "1:-1", "::-1", "1::2", "1", "-2:", ":1", "2:", "::-2",
    "-2::-1", "len({0}) // 2 :",
)  # fmt: skip
ITEMS_OF_LOOPS = ("i", "i:", "i + 1", "-1 - i", ":i", "i : i + 2", "i - 1")
ITEMS_OF_NUMBERS = ("n:", "n", ":n", "-n:", "n : n + 2")
MOVES = (
    "{0}.T", "{0}[None]", "{0}[..., None]", "{0}.reshape(-1)", "{0}.ravel()", "np.flip({0})",
    "{0}.swapaxes(0, -1)", "{0}.reshape({0}.shape[::-1])", "{0}.squeeze()", "np.transpose({0})",
    "{0}.reshape(1, -1)", "np.atleast_2d({0})",
)  # fmt: skip
# Of an array, its shape, a number, and how many elements it has.
MADE = (
    "{0}.copy()", "np.zeros_like({0})", "np.zeros({0}.shape)", "np.ones_like({0})",
    "np.full_like({0}, {2})", "np.zeros({0}.shape, dtype=np.int64)", "np.zeros({1})",
    "np.full({0}.shape, {2})", "np.ones({1})", "np.zeros_like({0}, dtype=np.float32)",
    "np.copy({0})", "np.zeros({0}.shape, dtype={0}.dtype)", "np.arange({3})", "np.array({0})",
)  # fmt: skip
EMPTY = ("np.empty_like({0})", "np.empty({0}.shape)", "np.empty({1}, np.float32)")
# An array, an expression like its last axis, and a number: all elements are written.
FILLING = (
    "{0}[...] = {1}", "{0}.fill({2})", "{0}[:1] = {1}\n{0}[1:] = {2}", "np.copyto({0}, {1})",
    "{0}[::2] = {2}\n{0}[1::2] = {1}", "for i in range(len({0})):\n    {0}[i] = {2}",
)  # fmt: skip
# An array, one of few numbers, whose sums have no roundings, and another one of its shape.
CALLS = (
    "np.cumsum({0}, axis={3})", "np.sort({0}, axis={3})", "{1}.sum(axis={3})", "{1}.sum()",
    "({1} @ {1}.T)", "np.abs({0}).max()", "np.concatenate([{0}, {2}])",
    "np.roll({0}, 1, axis={3})", "np.diff({0}, axis={3})", "np.any({0} > 1)",
    "({0} > 1).sum(axis={3})", "np.abs({0}).max(axis={3}, keepdims=True)", "np.stack([{0}, {2}])",
    "np.cumsum({0})", "np.sum({1} * 2, axis={3})", "np.take({0}, [0, -1], axis={3})",
    "np.all({0} <= {2})",
)  # fmt: skip
RANGES = ("range(3)", "range(2)", "range(1, 3)", "range(2, 0, -1)", "range(min(len({0}), 6) - 1)",
          "range({0}.shape[0] // 2)")  # fmt: skip
# Statements that end with an error, nearly always.
WRONG = (
    "{0}[len({0})] = 0", "{0}[1:] = np.ones(len({0}) + 7)", 'raise ValueError("mine")',
    "{0} += np.ones((2, *{0}.shape))", "np.add({0}, 1, out={0}[1:])", "{0}[...] = 1 // 0",
    "{0}[..., 0, 0, 0, 0, 0] = 1", "for i in range(9):\n    {0}[i] = i",
)  # fmt: skip
# Conditions, by the parameter that they need.
CONDITIONS = {
    "n": ("n > 1", "n == 2", "n", "n < 2"),
    "s": ("s > 0", "s < 1.0", "not s"),
    "": ("len({0}) > 4", "{0}.ndim > 1", "{0}.shape[-1] == 5"),
}

ERRORS = (TypeError, ValueError, IndexError, OverflowError, ZeroDivisionError)
# What a text that is put together raises as well.
MISTAKES = (*ERRORS, AttributeError, NameError, SyntaxError)


class UnwantedError(Exception):
    """A value that functions are not to have: of a dtype without stencils, or too large."""


def check_wanted(value: object, most: int = MOST_ELEMENTS) -> None:
    """Raise UnwantedError if functions are not to have a value."""
    if isinstance(value, np.ndarray | np.generic):
        wanted = value.dtype in SUPPORTED and value.size <= most and value.ndim < 5
    else:
        wanted = isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**31)
    if not wanted:
        raise UnwantedError


def is_broadcast(own: Shape, shape: Shape) -> bool:
    """Tell whether a shape is broadcast to another one."""
    try:
        return np.broadcast_shapes(own, shape) == shape
    except ValueError:
        return False


def memory_of(array: np.ndarray) -> object:
    """Return the array that owns the bytes of another one."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def slice_of(chosen: Choices, extent: int, wanted: int) -> str:
    """Return a slice that leaves so many elements of an extent, or one of them."""
    if extent == wanted:
        return str(chosen.of((":", ":", ":", "::-1")))
    if extent < wanted:
        return ":1"
    left = extent - wanted
    start = chosen.below(left + 1)
    forms = [f"{start}:{start - left}" if start < left else f"{start}:"]
    forms.append(f"{start}:{start + wanted}")
    step = extent // max(wanted, 1)
    if len(range(0, extent, step)) == wanted:
        forms.append(f"::{step}")
    return str(chosen.of(forms))


def indented(text: str) -> str:
    return textwrap.indent(text, "    ")


class Scope:
    """Lines of a function, and the variables that they have made so far."""

    most = MOST_ELEMENTS

    def __init__(self, arguments: Arguments) -> None:
        self._arguments = arguments
        self.lines: list[str] = []
        self.values: dict[str, Any] = {}
        self.restart()

    def restart(self) -> None:
        """Run the lines on new arguments."""
        self.values = {"np": np, **self._arguments.made()[0]}
        exec("\n".join(self.lines), self.values)
        self.forget_counters()

    def forget_counters(self) -> None:
        for name in "ij":
            self.values.pop(name, None)

    def run(self, text: str) -> Exception | None:
        """Append a statement, or return the error that refuses it."""
        self.forget_counters()
        try:
            exec(text, self.values)
            for name in self.names():
                check_wanted(self.values[name], self.most)
        except (*MISTAKES, UnwantedError) as error:
            self.restart()
            return error
        self.lines.append(text)
        self.forget_counters()
        return None

    def names(self) -> list[str]:
        """Return the names of variables, the latest first."""
        return [
            name
            for name in self.values
            if name not in ("np", "i", "j") and not name.startswith("__")
        ][::-1]

    def arrays(self) -> list[str]:
        """Return the names of arrays that have axes; a parameter always is one."""
        return [
            name
            for name in self.names()
            if isinstance(self.values[name], np.ndarray) and self.values[name].ndim
        ]

    def scalars(self) -> list[str]:
        found = [name for name in self.names() if not np.ndim(self.values[name])]
        return [*found, "i"] if "i" in self.values else found

    def new(self) -> str:
        """Return a name that no variable has."""
        return f"v{sum(name.startswith('v') for name in self.values)}"

    def known(self, text: str) -> Any:
        """Return the value of an expression, None if it is none or one that is not wanted."""
        try:
            value = eval(text, self.values)
            check_wanted(value, self.most)
        except (*MISTAKES, UnwantedError):
            return None
        return value


class Writer:
    """Expressions and statements, made for what is in a scope."""

    def __init__(self, scope: Scope, chosen: Choices) -> None:
        self.scope = scope
        self._chosen = chosen

    # -- expressions ---------------------------------------------------------------------------

    def array(self) -> str:
        """Return the name of an array."""
        return str(self._chosen.of(self.scope.arrays()))

    def scalar(self) -> str:
        """Return a number: a literal, a variable, or an element."""
        kind, scalars = self._chosen.below(4), self.scope.scalars()
        if kind == 1 and scalars:
            return str(self._chosen.of(scalars))
        element = self.element() if kind == 2 else None
        return element or str(self._chosen.of(LITERALS))

    def element(self) -> str | None:
        """Return an element of an array, None if there is none at the place."""
        name = self.array()
        items = [self._chosen.of(("0", "-1", "1")) for _ in self.scope.values[name].shape]
        text = f"{name}[{', '.join(items)}]"
        return None if self.scope.known(text) is None else text

    def place(self, name: str) -> str:
        """Return a view of an array, or an element of it."""
        chosen = self._chosen
        count = chosen.below(self.scope.values[name].ndim + 1)
        are_inner = chosen.once_in(5)
        items = [self._item(name) for _ in range(count)]
        if not items or are_inner:
            items.insert(0, "...")
        if chosen.once_in(12):
            items.insert(chosen.below(len(items) + 1), "None")
        text = f"{name}[{', '.join(items)}]"
        return f"{name}[...]" if self.scope.known(text) is None else text

    def _item(self, name: str) -> str:
        chosen, values = self._chosen, self.scope.values
        if "i" in values and not chosen.once_in(3):
            return str(chosen.of(ITEMS_OF_LOOPS))
        if "j" in values:
            return "j"
        if "n" in values and chosen.once_in(5):
            return str(chosen.of(ITEMS_OF_NUMBERS))
        return str(chosen.of(ITEMS)).format(name)

    def place_of_array(self) -> tuple[str, np.ndarray]:
        """Return an array or a view of one, with its value."""
        name = self.array()
        text = name if self._chosen.below(2) == 0 else self.place(name)
        value = self.scope.known(text)
        return (text, value) if np.ndim(value) else (name, self.scope.values[name])

    def operand(self, shape: Shape, own: str | None = None) -> str:
        """Return a value that is broadcast to a shape, often one of the array `own`."""
        kind = self._chosen.below(8)
        if kind in (0, 7):
            return self.scalar()
        text = self._fitted(own if own is not None and kind < 4 else self.array(), shape)
        value = self.scope.known(text)
        return text if value is not None and is_broadcast(np.shape(value), shape) else "1"

    def _fitted(self, name: str, shape: Shape) -> str:
        """Return a view of an array that has a shape, or is broadcast to it."""
        chosen, own = self._chosen, self.scope.values[name].shape
        if len(own) > 1 and own == shape[::-1] and chosen.once_in(3):
            return f"{name}.T"
        outer = max(len(own) - len(shape), 0)
        numbers = ("0", "-1", *(name for name in "in" if name in self.scope.values))
        items = [chosen.of(numbers) for _ in range(outer)]
        inner = zip(own[outer:], shape[len(shape) - len(own) + outer :], strict=True)
        items += [slice_of(chosen, *extents) for extents in inner]
        while items and items[-1] == ":":
            items.pop()
        return f"{name}[{', '.join(items)}]" if items else name

    def expression(self, shape: Shape, own: str | None = None) -> str:
        """Return an expression that is broadcast to a shape, often one of the array `own`."""
        text = self.operand(shape, own)
        for _ in range(self._chosen.of((0, 1, 1, 2, 3))):
            template = self._chosen.of(OPERATIONS)
            others = [self.operand(shape) if f"{{{at}}}" in template else "" for at in (1, 2)]
            longer = template.format(text, *others)
            value = self.scope.known(longer)
            if value is None or not is_broadcast(np.shape(value), shape):
                continue
            if template in EXTREMES and np.asarray(value).dtype.kind == "f":
                longer = f"({longer} + 0.0)"
            text = longer
        return text

    def written(self, place: str, own: str | None = None) -> str:
        """Return an expression that is written to a place.

        NumPy reads too late what is written along one axis in other steps: `x[::2] = x[:3]`.
        """
        target = self.scope.known(place)
        text = self.expression(np.shape(target), own)
        value = self.scope.known(text)
        if not (isinstance(value, np.ndarray) and isinstance(target, np.ndarray)):
            return text
        is_late = memory_of(value) is memory_of(target) and value.strides != target.strides
        return f"{text}.copy()" if is_late and target.ndim == 1 else text

    def like(self, text: str) -> str:
        """Return an expression of just the shape of another one, of which it may be."""
        shape = self.scope.known(text).shape
        expression = self.expression(shape)
        known = self.scope.known(expression)
        return expression if np.shape(known) == shape else f"({text} * 2)"

    def mask(self, place: str, array: np.ndarray) -> str:
        """Return a mask of an array, which shares no memory with it: NumPy defines nothing then."""
        chosen = self._chosen
        shape = array.shape[:1] if chosen.once_in(6) else array.shape
        ready = [
            name
            for name in self.scope.arrays()
            if self.scope.values[name].dtype == bool and self.scope.values[name].shape == shape
        ]
        if ready and array.dtype != bool and chosen.below(3):
            return str(chosen.of((ready[0], f"~{ready[0]}", ready[-1])))
        one = place if shape == array.shape and chosen.below(3) else self.operand(shape)
        mask = f"{one} {chosen.of(('>', '<=', '!='))} {self.operand(shape)}"
        return mask if np.shape(self.scope.known(mask)) == shape else f"{place} > 1"

    # -- statements ----------------------------------------------------------------------------

    def write(self) -> str:
        """Write to a view or an element: `x[1:] = x[:-1] + y`."""
        name = self.array()
        place = self.place(name)
        return f"{place} = {self.written(place, name)}"

    def augment(self) -> str:
        """Write what an operator makes of the old elements: `x[::2] += v`, `x *= y`."""
        name = self.array()
        place = name if self._chosen.below(3) == 0 else self.place(name)
        return self._in_place(place, self.expression(np.shape(self.scope.known(place)), name))

    def _in_place(self, place: str, value: str) -> str:
        """Return an operation in place, nearly always one whose result the place can take."""
        dtype = self.scope.known(place).dtype
        operator = self._chosen.of(IN_PLACE[dtype.kind].split())
        known = self.scope.known(f"{place} {operator} ({value})")
        fits = known is not None and np.can_cast(known.dtype, dtype, "same_kind")
        if not fits and not self._chosen.once_in(8):
            value = "True" if dtype.kind == "b" else "2"
        return f"{place} {operator}= {value}"

    def into(self) -> str:
        """Let a ufunc write: `np.add(x, 1, out=y[1:])`."""
        place, array = self.place_of_array()
        name = self._chosen.of(UFUNCS)
        operands = [self.expression(array.shape) for _ in range(getattr(np, name).nin)]
        known = self.scope.known(f"np.{name}({', '.join(operands)})")
        fits = known is not None and np.can_cast(known.dtype, array.dtype, "same_kind")
        if not fits and not self._chosen.once_in(8):
            name, operands = "multiply", [place, "True" if array.dtype.kind == "b" else "2"]
        # NumPy writes where no mask says so if it casts to an array that overlaps an operand.
        if self._chosen.once_in(5) and known is not None and known.dtype == array.dtype:
            operands.append(f"where={self.mask(place, array)}")
        text = f"np.{name}({', '.join(operands)}, out={place})"
        return f"{self.scope.new()} = {text}" if self._chosen.once_in(5) else text

    def masked(self) -> str:
        """Write where a mask says so: `x[x > y] = v`, `x[m] = y[m]`, `x[m] += 1`."""
        place, array = self.place_of_array()
        mask = self.mask(place, array)
        way = self._chosen.below(8)
        if way == 3:
            known = self.scope.known(f"{place}[{mask}]")
            return f"{place} = 0" if known is None else self._in_place(f"{place}[{mask}]", "1")
        if way in (4, 5):
            value = f"{self.like(place)}[{mask}]"
            target = f"{place}[{mask}]"
            return f"{target} = {value}" if way == 4 else self._in_place(target, value)
        if way == 6:
            return f"np.copyto({place}, {self.written(place)}, where={mask})"
        if way == 7:
            return f"np.putmask({place}, {mask}, {self.like(place)})"
        return f"{place}[{mask}] = {self.scalar()}"

    def fill(self) -> str:
        """Write by a method or a function: `x[1:].fill(0)`, `np.copyto(x, y)`."""
        place, _ = self.place_of_array()
        if self._chosen.below(2) == 0:
            return f"{place}.fill({self.scalar()})"
        return f"np.copyto({place}, {self.written(place)})"

    def set_element(self) -> str:
        """Write an element: `x[0, 1] = v`."""
        element = self.element() or self.place(self.array())
        if self._chosen.below(3):
            return f"{element} = {self.expression(())}"
        return self._in_place(element, self.expression(()))

    def view(self) -> str:
        """Keep a view in a variable."""
        text = self.place(self.array())
        if self._chosen.once_in(3):
            base = self._chosen.of((text, self.array()))
            text = self._chosen.of(MOVES).format(base)
        return f"{self.scope.new()} = {text}"

    def new(self) -> str:
        """Keep a new array: a value, one that NumPy makes, or one that is filled then."""
        name, new = self.array(), self.scope.new()
        kind = self._chosen.below(3)
        if kind == 0:
            return f"{new} = {self.like(name)}"
        shape = self.scope.values[name].shape
        size = min(np.prod(shape, dtype=int), 40)
        of = (name, shape, self.scalar(), size)
        if kind == 1:
            return f"{new} = {self._chosen.of(MADE).format(*of)}"
        filling = self._chosen.of(FILLING).format(new, self.expression(shape[-1:]), self.scalar())
        return f"{new} = {self._chosen.of(EMPTY).format(*of)}\n{filling}"

    def take(self) -> str:
        """Take a scalar out, which keeps its value."""
        return f"{self.scope.new()} = {self.element() or self.scalar()}"

    def call(self) -> str:
        """Call a NumPy function of whole arrays."""
        name = self.array()
        is_float = self.scope.values[name].dtype.kind == "f"
        few = f"np.floor(np.minimum(np.abs({name}), 8))" if is_float else name
        axis = self._chosen.of((0, -1))
        text = self._chosen.of(CALLS).format(name, few, self.like(name), axis)
        return f"{self.scope.new()} = {text}"

    def rebind(self) -> str:
        """Give a name to another value: `v = a`, `a, b = b, a`, `a = a * 2`."""
        name, other, way = self.array(), self.array(), self._chosen.below(4)
        if way == 0:
            return f"{self.scope.new()} = {name}"
        if way == 1 and name != other:
            return f"{name}, {other} = {other}, {name}"
        return f"{name} = {self.like(name)}"

    def loop(self) -> str:
        """Repeat statements with a number."""
        ranges = RANGES if "n" not in self.scope.values else (*RANGES, "range(n)", "range(n + 1)")
        numbers = self._chosen.of(ranges).format(self.array())
        first = next(iter(eval(numbers, self.scope.values)), None)
        if first is None:
            numbers, first = "range(2)", 0
        self.scope.values["i"] = first
        if self._chosen.once_in(6):
            self.scope.values["j"] = 0
            body = f"for j in range(2):\n{indented(self._body(IN_LOOPS))}"
        else:
            body = self._body(IN_LOOPS)
        return f"for i in {numbers}:\n{indented(body)}"

    def branch(self) -> str:
        """Choose between statements by a number."""
        names = [name for name in NUMBERS if name in self.scope.values]
        condition = self._chosen.of(CONDITIONS[self._chosen.of((*names, ""))]).format(self.array())
        text = f"if {condition}:\n{indented(self._body(WRITES))}"
        if self._chosen.below(2) == 0:
            return text
        return f"{text}\nelse:\n{indented(self._body(WRITES))}"

    def _body(self, among: Sequence[Callable[[Writer], str]]) -> str:
        """Return one or two statements that NumPy runs; what they do is undone."""
        counters = {name: self.scope.values[name] for name in "ij" if name in self.scope.values}
        lines = []
        for _ in range(self._chosen.of((1, 1, 2))):
            text = self._chosen.of(among)(self)
            try:
                exec(text, self.scope.values)
            except MISTAKES:
                break
            lines.append(text)
        self.scope.restart()
        self.scope.values.update(counters)
        return "\n".join(lines) or "pass"

    def statement(self) -> str:
        """Return any statement."""
        return str(self._chosen.of(STATEMENTS)(self))

    # -- ends ----------------------------------------------------------------------------------

    def wrong(self) -> str:
        """Raise an error."""
        return str(self._chosen.of(WRONG)).format(self.array())

    def end(self) -> str:
        """Return nothing, a value, or several in a container."""
        chosen, kind = self._chosen, self._chosen.below(10)
        if kind == 1:
            return "return"
        if kind < 5:
            return f"return {self._part()}"
        parts = [self._part() for _ in range(2 + chosen.below(2))]
        named = ", ".join(f'"{name}": {part}' for name, part in zip("xyz", parts, strict=False))
        together = ", ".join(parts)
        container = chosen.of((f"({together})", f"{{{named}}}", f"[{together}]"))
        return f"return {container}"

    def _part(self) -> str:
        """Return an array, an argument, a view, an expression or a number."""
        kind, scalars = self._chosen.below(8), self.scope.scalars()
        if kind == 1:
            return self.scope.arrays()[-1]
        if kind == 2:
            return self.place(self.array())
        if kind == 3:
            return self.like(self.array())
        return str(self._chosen.of(scalars)) if kind == 4 and scalars else self.array()


WRITES = (
    Writer.write, Writer.augment, Writer.masked, Writer.into, Writer.set_element, Writer.fill,
    Writer.write, Writer.augment,
)  # fmt: skip
IN_LOOPS = (*WRITES, Writer.take, Writer.new)
STATEMENTS = (
    *WRITES, Writer.view, Writer.new, Writer.view, Writer.new, Writer.take, Writer.call,
    Writer.rebind, Writer.loop, Writer.branch, Writer.loop, *WRITES[:4],
)  # fmt: skip


# -- examples -----------------------------------------------------------------------------------


class Example:
    """A function, and arguments of two calls: of equal dtypes and shapes, laid out otherwise."""

    def __init__(self, source: str, first: Arguments, second: Arguments) -> None:
        self.source = source
        self.first = first
        self.second = second

    def function(self) -> FunctionType:
        """Return the function, with its lines where tracebacks find them."""
        lines = self.source.splitlines(keepends=True)
        linecache.cache[FILENAME] = len(self.source), None, lines, FILENAME
        scope: dict[str, Any] = {"np": np}
        exec(compile(self.source, FILENAME, "exec"), scope)
        function: FunctionType = scope["f"]
        return function

    def __repr__(self) -> str:
        """Return a program that makes both calls."""
        imports = "import numpy as np\nfrom numpy import inf, nan\n"
        call = f"print(f({', '.join(self.first.given)}))"
        calls = [f"{arguments}\n{call}" for arguments in (self.first, self.second)]
        return "\n".join([f"\n{imports}\n{self.source}", *calls])


def parameters(chosen: Choices) -> dict[str, Parameter | None]:
    """Return one to four arrays, most of one shape, and numbers at times."""
    palette, shape = chosen.of(PALETTES), chosen.of(SHAPES)
    found: dict[str, Parameter | None] = {}
    for name in "abcd"[: chosen.of((1, 2, 2, 3, 4))]:
        still = tuple(1 if chosen.once_in(2) else extent for extent in shape)
        shapes = (shape, shape, shape, shape[1:] or shape, shape, still, shape[::-1], shape)
        found[name] = chosen.of(palette).numpy, chosen.of(shapes)
    return found | {name: None for name in NUMBERS if chosen.once_in(3)}


_NUMBERS = st.binary(min_size=40, max_size=40)
_ROWS = st.lists(_NUMBERS, min_size=1, max_size=12)


@st.composite
def examples(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Example:
    """Functions of one to twelve statements; one of twelve ends with an error."""
    chosen = Choices(draw(_NUMBERS))
    taken = parameters(chosen)
    has_error = chosen.once_in(12)
    first = laid_out(Choices(draw(_NUMBERS)), taken, shared=(0, 0, 4))
    second = laid_out(Choices(draw(_NUMBERS)), taken, shared=(0, 4, 3, 4))
    scope = Scope(first)
    with np.errstate(all="ignore"):
        for row in draw(_ROWS):
            text = Writer(scope, Choices(row)).statement()
            if isinstance(scope.run(text), ERRORS) and has_error:
                return example_of([*scope.lines, text], first, second)
        writer = Writer(scope, Choices(draw(_NUMBERS)))
        end = writer.wrong() if has_error else writer.end()
    return example_of([*scope.lines, end], first, second)


def example_of(lines: Sequence[str], first: Arguments, second: Arguments) -> Example:
    body = "\n".join(lines)
    return Example(f"def f({', '.join(first.given)}):\n{indented(body)}\n", first, second)
