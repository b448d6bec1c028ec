"""Random typed expressions over random layouts: what the fuzzing tests run.

A `Program` is a list of steps; each applies an operator of `cpnum.ops` (or a Python operator, a
cast, a movement) to earlier values and constants.  While it is made it runs on the arguments, so
what NumPy itself refuses is left out, and its value on NumPy is known.
"""

import operator
from types import SimpleNamespace

import numpy as np
from cases import callable_of, special
from hypothesis import strategies as st

from cpnum.tables.dtypes import DTYPES, F32, F64, I32, I64, B, from_numpy
from cpnum.tables.ops import OPS, Form

SUPPORTED = {dtype.numpy for dtype in DTYPES}
EXACT = [op for op in OPS.values() if op.home == "numpy" and op.ulp <= 0.5 and len(op.results) == 1]
ELEMENTARY = [op for op in OPS.values() if op.ulp > 0.5 and op.home != "rewrites"]

# What the arguments and casts of one program are made of: kernels of one width, and mixed ones.
PALETTES = (
    (F64,), (F32,), (I64,), (I32,), (B,), (F64, B), (F32, B), (F32, I32), (F64, I64), (I64, I32, B),
    DTYPES,
)  # fmt: skip
SHAPES = (
    (5,), (17,), (1,), (0,), (64,), (33,), (3, 4), (), (2, 1, 9), (5, 7), (4, 33), (2, 3, 4),
    (130,), (16, 1), (1, 8), (3, 0), (2, 3, 2, 5), (7, 2, 3), (1, 1, 1, 1), (2, 65), (513,),
    (6, 1, 1, 3), (40, 3),
)  # fmt: skip
STEPS = (1, 1, 1, 2, -1, 3, -2, 0)

CONSTANTS = (
    2, 0.5, 1, 0, -1.0, 3.7, 2.0, True, 0.0, -0.0, -1, 0.1, 3, 31, 1.0, 64, 1e300, 1e-310, -5,
    2**31, 2**40, 2**63 - 1, float("inf"), float("nan"), False, np.float64(-2.5), np.float32(0.1),
    np.int64(2**40), np.int32(-7), np.bool(True), np.float32(1.0), np.float64(1e300),
)  # fmt: skip
PYTHON = (2.5, 3, -0.0, True, -7, 1e-300, 2**40, float("inf"), 0, 0.1)


# -- steps --------------------------------------------------------------------------------------

# -0.0 and 0.0 are equal, and which one NumPy takes depends on its SIMD level and on the position:
# the sum is 0.0 for both.
_ZEROS = {"minimum", "maximum", "fmin", "fmax", "clip"}


def _call(op):
    function = getattr(np, op.name)

    def compare(x, y):
        if not (hasattr(x, "dtype") or hasattr(y, "dtype")):
            # NumPy compares Python integers as objects, for which there are no stencils.
            raise TypeError("two Python scalars")
        return function(x, y)

    def equal_zeros(*operands):
        result = function(*operands)
        floating = getattr(result, "dtype", np.dtype(float)).kind == "f"
        return result + np.zeros((), result.dtype)[()] if floating else result

    def sign_of_numbers(x, y):
        # The sign of a NaN is not defined by IEEE 754, nor kept by NumPy.
        if hasattr(y, "dtype"):  # a Python scalar is none that was computed from several
            y = np.where(np.isnan(y), y.dtype.type(1), y)[()]
        return np.copysign(x, y)

    def sign_of_number(x):
        if isinstance(x, bool):
            raise TypeError("NumPy computes it in float16")
        return function(np.where(np.isnan(x), 1.0, x)[()] if hasattr(x, "dtype") else x)

    if op.form is Form.COMPARISON:
        return compare
    if op.name == "signbit":
        return sign_of_number
    if op.name == "copysign":
        return sign_of_numbers
    return equal_zeros if op.name in _ZEROS else function


def _python(function):
    """An operator: Python itself would need 2**40 bits for 1 << 2**40."""

    def operate(*operands):
        if function is operator.lshift and not any(hasattr(each, "dtype") for each in operands):
            raise TypeError("two Python scalars")
        return function(*operands)

    return operate


def _in_place(x, y):
    result = x.copy()
    result += y
    return result


def _as(dtype):
    def astype(x):
        return x.astype(dtype.numpy)

    return astype


def _each(function):
    """A movement: NumPy's scalars have none, and their tracers refuse it."""

    def move(x):
        if not x.ndim:
            raise ValueError("no axis to move")
        return function(x)

    return move


def _power(exponent):
    def power(x):
        # A power of a NumPy scalar is rounded otherwise; the tracer refuses it.  A negative power
        # of integers is an error, in NumPy only if there is an element.
        if not x.ndim or x.dtype == bool or (exponent == -1 and x.dtype.kind == "i"):
            raise ValueError("not an array of numbers")
        return x**exponent

    return power


def _exponent(x):
    significand, exponent = np.frexp(x)
    if significand.dtype == np.float16:
        raise TypeError("of booleans")
    return exponent


# One of the results; Python computes divmod if both operands are its scalars.
_PARTS = [
    ("np.modf[0]", 1, lambda x: np.modf(x)[0]),
    ("np.modf[1]", 1, lambda x: np.modf(x)[1]),
    ("np.frexp[0]", 1, lambda x: np.frexp(x)[0]),
    ("np.frexp[1]", 1, _exponent),
    ("divmod[0]", 2, lambda x, y: divmod(x, y)[0]),
    ("np.divmod[0]", 2, lambda x, y: np.divmod(x, y)[0]),
    ("np.divmod[1]", 2, lambda x, y: np.divmod(x, y)[1]),
]
# name, number of operands, function
_OPERATORS = [
    (f"operator.{name}", 2, _python(getattr(operator, name)))
    for name in (
        "add sub mul truediv floordiv mod lt le gt ge eq ne and_ or_ xor lshift rshift".split()
    )
] + [(f"operator.{name}", 1, getattr(operator, name)) for name in "neg pos abs invert".split()]
_MOVES = [
    ("[1:]", 1, _each(lambda x: x[1:])),
    ("[:-1]", 1, _each(lambda x: x[:-1])),
    ("[::-1]", 1, _each(lambda x: x[::-1])),
    ("[..., ::2]", 1, _each(lambda x: x[..., ::2])),
    ("[..., 1:-1]", 1, _each(lambda x: x[..., 1:-1])),
    ("[..., ::-1]", 1, _each(lambda x: x[..., ::-1])),
    (".T", 1, _each(lambda x: x.T)),
    ("[0]", 1, _each(lambda x: x[0])),
    ("[..., None]", 1, _each(lambda x: x[..., None])),
    ("[-1:]", 1, _each(lambda x: x[-1:])),
]
_POWERS = [(f"**{exponent}", 1, _power(exponent)) for exponent in (2, 0.5, -1, 1, 0, 2.0)]


def _table(ops):
    table = [(f"np.{op.name}", op.arity, _call(op)) for op in ops]
    casts = [(f"astype {dtype}", 1, _as(dtype)) for dtype in DTYPES]
    return [*table, *_PARTS, *_OPERATORS, *casts, *_MOVES, *_POWERS, ("in place", 2, _in_place)]


TABLE = _table(EXACT)
ELEMENTARY_TABLE = _table(EXACT) + 3 * [
    (f"np.{op.name}", op.arity, callable_of(op)) for op in ELEMENTARY
]

_REFUSED = (TypeError, ValueError, OverflowError, ZeroDivisionError, IndexError, AttributeError)


COMPARISONS = {op.name for op in OPS.values() if op.form is Form.COMPARISON}
COMPARISONS |= {"eq", "ne", "lt", "le", "gt", "ge"}


class Program:
    """A function and its arguments.

    `steps` are (name, function, operands), an operand the number of a value, or a constant in a
    1-tuple; `parents` the arrays that arguments are slices of, or None; `expected` NumPy's value.
    """

    def __init__(self, steps, result, arguments, parents, expected):
        self.steps = steps
        self.result = result
        self.arguments = arguments
        self.parents = parents
        self.expected = expected

    def run(self, arguments, instead=()):
        """Compute the result of any arguments; `instead` replaces functions by name."""
        return self.values(arguments, instead)[self.result]

    def values(self, arguments, instead=()):
        """Return the arguments and the values of all steps."""
        replaced = dict(instead)
        values = list(arguments)
        for name, function, operands in self.steps:
            function = replaced.get(name, function)
            values.append(function(*[x[0] if type(x) is tuple else values[x] for x in operands]))
        return values

    @property
    def cuts(self):
        """Whether elements are computed that are not needed.

        Those cut off, those of x**0, and those compared with an integer beyond their dtype.
        """
        moves = {name for name, _, _ in _MOVES}
        return any(
            name == "**0"
            or (name in moves and operands[0] >= len(self.arguments))
            or any(
                type(x) is tuple and type(x[0]) is int and not -(2**31) <= x[0] < 2**31
                for x in operands
                if name.partition(".")[2] in COMPARISONS
            )
            for name, _, operands in self.steps
        )

    @property
    def function(self):
        """The program as a Python function with as many parameters as it has arguments."""
        return self.calling(self.run)

    def calling(self, run):
        """Return a function of arguments in a tuple as one of as many parameters."""
        return (
            lambda a: run((a,)),
            lambda a, b: run((a, b)),
            lambda a, b, c: run((a, b, c)),
            lambda a, b, c, d: run((a, b, c, d)),
            lambda a, b, c, d, e: run((a, b, c, d, e)),
        )[len(self.arguments) - 1]

    def __repr__(self):
        lines = []
        for at, each in enumerate(self.arguments):
            kind = (
                f"{each.dtype}{each.shape} strides {each.strides}"
                if isinstance(each, np.ndarray)
                else repr(each)
            )
            lines.append(f"v{at} = {kind}")
        for at, (name, _, operands) in enumerate(self.steps, len(self.arguments)):
            text = ", ".join(repr(x[0]) if type(x) is tuple else f"v{x}" for x in operands)
            lines.append(f"v{at} = {name}({text})")
        return "\n".join(["Program(", *lines, f"return v{self.result})"])


# -- layouts ------------------------------------------------------------------------------------


def laid_out(shape, dtype, layout):
    """Return an array in a memory layout: order of axes, steps, bytes between, misalignment.

    An array of another shape with the same numbers has the same kind of layout.
    """
    order = sorted(range(len(shape)), key=lambda axis: (layout.order >> 2 * axis) & 3)
    strides = [0] * len(shape)
    step = dtype.itemsize + layout.packed
    first = 0
    for axis in reversed(order):
        wanted = STEPS[(layout.steps >> 3 * axis) & 7]
        size = step * max(abs(wanted), 1)
        strides[axis] = -size if wanted < 0 else size if wanted else 0
        if wanted < 0:
            first += size * max(shape[axis] - 1, 0)
        step = size * max(shape[axis], 1)
    offset = 8 + layout.misaligned
    memory = np.zeros(offset + step + 16, np.uint8)
    return np.ndarray(shape, dtype.numpy, memory, offset + first, strides)


def filled(array, chance):
    """Fill an array with a mixture of special values and random ones."""
    kind = array.dtype.kind
    with np.errstate(all="ignore"):
        values = chance.choice(special(from_numpy(array.dtype)), array.shape)
        if kind == "f":
            ordinary = chance.standard_normal(array.shape) * 10
        else:
            ordinary = chance.integers(0, 2 if kind == "b" else 1000, array.shape)
        array[...] = np.where(chance.random(array.shape) < 0.4, values, ordinary)
    return array


# -- programs -----------------------------------------------------------------------------------

_small = st.integers(0, 63)
_arguments = st.lists(
    st.tuples(st.integers(0, 11), _small, st.integers(0, 4095), _small), min_size=1, max_size=5
)
_bits = st.integers(0, 255)

# Kinds of arguments; lower numbers are arrays of all layouts.
_SCALAR, _PYTHON, _NO_AXES, _STILL = range(10, 14)
# Kinds of the arguments of a program that computes much outside of the innermost loop.
_HOISTED = (0, _STILL, _PYTHON, _SCALAR, 3, _PYTHON, _STILL, _NO_AXES, _PYTHON, 6, _SCALAR, _STILL)
# How many values a program has alive at once at its end; no level has more than 32 registers.
_ALIVE = (4, 0, 2, 0, 13, 0, 8, 0, 22, 40)
# A kernel computes both of one value at once.
_OTHER = {"np.sin": ("np.cos", np.cos), "np.cos": ("np.sin", np.sin)}
# Ways to apply an operator: 1 and 3 take operands that do not vary along the inner axis; 2 and 3
# take sin and cos together.
_WAYS = 4


@st.composite
def programs(draw, table=TABLE, instead=(), most=40):
    """Programs of up to `most` steps; `instead` are the functions that the oracle is to call.

    Half of them compute much with scalars and with arrays that do not vary along the inner axis;
    half of them end with many values that are alive at once.
    """
    palette = PALETTES[draw(st.integers(0, len(PALETTES) - 1))]
    shape = SHAPES[draw(st.integers(0, len(SHAPES) - 1))]
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    hoisted = draw(st.booleans())
    alive = _ALIVE[draw(st.integers(0, len(_ALIVE) - 1))]
    arguments, parents = [], []
    for at, (number, which, steps, more) in enumerate(draw(_arguments)):
        kind = _HOISTED[number] if hoisted and at else number
        argument, parent = _argument(palette, shape, kind, which, steps, more, chance)
        arguments.append(argument)
        parents.append(parent)
    if not any(isinstance(each, np.ndarray | np.generic) for each in arguments):
        arguments[0] = filled(np.empty(shape, palette[0].numpy), chance)
        parents[0] = None
    fewest = (1, 4) if alive else (1, 4, 12, 30)
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, _WAYS * len(table) - 1), _bits, _bits, _bits),
            min_size=draw(st.sampled_from([least for least in fewest if least < most])),
            max_size=min(most, 12) if alive else most,
        )
    )
    making = _Making(arguments, instead)
    with np.errstate(all="ignore"):
        for number, *picks in rows:
            way, row = divmod(number, len(table))
            name, arity, function = table[row]
            operands = _operands(making.values, arity, picks, hoisted and way % 2)
            making.step(name, function, operands)
            if way > 1 and name in _OTHER:
                making.step(*_OTHER[name], operands)
        if alive:
            _crowd(making, table, alive, hoisted, np.random.default_rng(draw(_bits)))
    values = making.values
    result = next(
        at
        for at in range(len(values) - 1, -1, -1)
        if isinstance(values[at], np.ndarray | np.generic)
    )
    return _pruned(Program(making.steps, result, arguments, parents, values[result]))


@st.composite
def places(draw):
    """Numbers that choose values of a program, which it returns in containers."""
    return draw(st.lists(_bits, min_size=1, max_size=5))


class Several:
    """A function of statements: a program's values, masks, guards, and containers of arguments.

    It returns several of its values, latest first, in containers.
    """

    def __init__(self, program, numbers):
        self.program = program
        self.numbers = numbers
        count = len(program.arguments) + len(program.steps)
        self.places = [program.result, *[count - 1 - number % count for number in numbers]]

    def run(self, arguments):
        """Return the values: the first two in a tuple, the others in a dict and in a list."""
        values = self.program.values(arguments)
        first, second, *others = [values[at] for at in self.places]
        count = len(others)
        others += [_masked(each) for each in others[:count] if _is_signed(each)]
        return _guarded(first, arguments), {"second": second, "others": others}

    @property
    def function(self):
        """The function as one of as many parameters as the program has arguments."""
        return self.program.calling(self.run)

    def of_containers(self, held):
        """Run the function, whose arguments are in the container that `packed` makes."""
        first, *rest = held["first"], *held["rest"]
        return self.run([first, *(each.x for each in rest)])

    def packed(self):
        """Return the arguments in a dict, a list, and objects."""
        first, *rest = self.program.arguments
        return {"first": first, "rest": [SimpleNamespace(x=each) for each in rest]}

    def __repr__(self):
        lines = repr(self.program).splitlines()
        return "\n".join([*lines[:-1], f"return {', '.join(f'v{at}' for at in self.places)})"])


def _is_signed(value):
    return np.ndim(value) > 0 and value.dtype.kind in "fi"


def _masked(value):
    """Change elements of a copy, which a mask chooses."""
    result = np.array(value)
    mask = result > 1
    result[mask] = -result[mask]
    result[~mask] += 1
    return result


def _guarded(value, arguments):
    """Take a branch, and take part in a sum as often, as the Python numbers among them ask for."""
    for each in arguments:
        if isinstance(each, int | float) and each > 0:
            value = value + sum(max(each, 2) > k for k in range(3))
    return value


class _Making:
    """The values and steps of a program while it is made."""

    def __init__(self, arguments, instead):
        self.values = list(arguments)
        self.steps = []
        self.replaced = dict(instead)

    def step(self, name, function, operands):
        """Append a step and return the number of its value; None if NumPy or cpnum refuses it."""
        if all(type(x) is tuple for x in operands):
            return None
        call = self.replaced.get(name, function)
        try:
            value = call(*[x[0] if type(x) is tuple else self.values[x] for x in operands])
        except _REFUSED:
            return None
        if _dtype(value) not in SUPPORTED or np.ndim(value) > 5 or np.size(value) > 20_000:
            return None
        self.values.append(value)
        self.steps.append((name, function, operands))
        return len(self.values) - 1


_SUMS = [("np.add", np.add), ("np.subtract", np.subtract)]
_GENTLE = [*_SUMS, ("np.multiply", np.multiply)]


def _crowd(making, table, count, hoisted, chance):
    """Make values, then add up `count` of them, from the first to the last and back.

    At the turn all of them are alive.
    """
    elementary = any(name in _OTHER for name, _, _ in table)
    total = max(range(len(making.values)), key=lambda at: np.size(making.values[at]))
    made = []
    for _ in range(2 * count):
        if len(made) >= count:
            break
        values = making.values
        among = [at for at, each in enumerate(values) if _is_still(each)] if hoisted else []
        if not among or chance.random() < 0.2:
            among = range(len(values))
        operand = among[-1 - int(chance.integers(0, min(len(among), 5)))]
        other = (int(chance.integers(2, 9)),)
        way = chance.integers(0, 4)
        if way == 0 and elementary:
            steps = [(name, function, [operand]) for name, function in _OTHER.values()]
        elif way == 1:
            name, arity, function = table[int(chance.integers(0, len(table)))]
            steps = [(name, function, [operand, other, other][:arity])]
        else:
            if way == 2:
                other = among[int(chance.integers(0, len(among)))]
            steps = [(*_GENTLE[int(chance.integers(0, len(_GENTLE)))], [operand, other])]
        new = [at for at in (making.step(*each) for each in steps) if at is not None]
        # Some values are used for others alone, as one of sin and cos often is.
        if new and chance.random() < 0.5:
            made = [at for at in made if at not in (operand, other)]
        made += new
    for each in made + made[::-1]:
        total = making.step(*_SUMS[int(chance.integers(0, 2))], [total, each]) or total


def _is_still(value):
    """Tell whether a value does not vary along the inner axis."""
    return np.shape(value)[-1:] in ((), (1,))


def _dtype(value):
    if type(value) is int and not -(2**63) <= value < 2**63:
        return None
    return np.asarray(value).dtype


def _argument(palette, shape, kind, which, steps, more, chance):
    dtype = palette[which % len(palette)]
    if kind == _PYTHON:
        return PYTHON[which % len(PYTHON)], None
    if kind == _SCALAR:
        return filled(np.empty(1, dtype.numpy), chance)[0], None
    # Some axes are broadcast: leading ones left out, others of extent 1.
    own = () if kind == _NO_AXES else shape[more % 4 if kind > 7 else 0 :]
    if kind == _STILL:
        own = (*own[:-1], 1)
    elif kind > 5:
        own = tuple(1 if which >> axis & 1 else extent for axis, extent in enumerate(own))
    layout = SimpleNamespace(
        order=(steps >> 4 if kind > 3 else 0b11100100) & 255,
        steps=steps if kind > 2 else 0,
        packed=more == 63,
        misaligned=1 if more >> 3 == 6 else 0,
    )
    if not own:
        return filled(laid_out(own, dtype, layout), chance), None
    # A slice of a larger array, so that an `out` can overlap it.
    parent = filled(laid_out((*own[:-1], own[-1] + 1), dtype, layout), chance)
    return parent[..., 1:], parent


def _operands(values, arity, picks, still):
    """Choose operands: the latest values are the likeliest; of the others, those that broadcast.

    With `still`, they do not vary along the inner axis where there are such values.
    """
    operands = []
    shape = ()
    for at, pick in enumerate(picks[:arity]):
        if pick >= 192 and arity > 1:
            operands.append((CONSTANTS[pick % len(CONSTANTS)],))
            continue
        fitting = [
            i for i, each in enumerate(values) if not at or _broadcast(shape, np.shape(each))
        ]
        if still:
            fitting = [i for i in fitting if _is_still(values[i])] or fitting
        # A program of many rows is to be deep: the first operand is one of the latest values.
        among = 2 if not at and pick & 7 else 3 if pick & 1 else 64
        chosen = fitting[-1 - (pick >> 3) % min(len(fitting), among)]
        shape = np.broadcast_shapes(shape, np.shape(values[chosen]))
        operands.append(chosen)
    return operands


def _broadcast(one, other):
    return all(m == n or m == 1 or n == 1 for m, n in zip(one[::-1], other[::-1], strict=False))


def _pruned(program):
    """Leave out the steps that the result does not need."""
    arity = len(program.arguments)
    needed = {program.result}
    for at in range(len(program.steps) - 1, -1, -1):
        if at + arity in needed:
            needed.update(x for x in program.steps[at][2] if type(x) is int)
    kept = [at for at in range(len(program.steps)) if at + arity in needed]
    names = {
        **{at: at for at in range(arity)},
        **{old + arity: new + arity for new, old in enumerate(kept)},
    }
    program.steps = [
        (name, function, [x if type(x) is tuple else names[x] for x in operands])
        for name, function, operands in (program.steps[at] for at in kept)
    ]
    program.result = names[program.result]
    return program
