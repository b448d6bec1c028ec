"""Made arrays: those that the function makes while it is traced, as by `np.zeros(3)`.

Their elements are as constant as the function's code: NumPy computes them at once, and the graph
has a copy of them where they meet a traced value.  What NumPy computes of made arrays and numbers
is made as well.  So a made array is of a class of its own, which NumPy asks at each step.

Each made array has a twin, to which all is written that is known to be constant.  If somebody else
wrote to the array, as C code does without asking, it differs from its twin, and is made no longer.

If a traced value is written to a made array, it is traced itself from then on, with all of its
views: the program has an array in its place, and whatever is done with it is done with that.

>>> from cpnum.tables.dtypes import F64
>>> builder = Builder()
>>> x = Traced(builder, builder.argument("x", F64, (3,)), (3,))
>>> array = np.arange(3.0)
>>> adopted(builder, array) is array  # it may be from outside
True
>>> RUNNING.builder = builder
>>> made = computed(np.arange, (3.0,)) * 2
>>> made, adopted(builder, made[:, None])
(array([0., 2., 4.]), f64[3, 1])
>>> made[1:] += array[1:]
>>> adopted(builder, made) is made  # it has elements from outside
True
>>> RUNNING.builder = None
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Iterable, Mapping
from types import EllipsisType, NoneType
from typing import Any, cast

import numpy as np

from cpnum.errors import UnsupportedError
from cpnum.ir.arrays import address
from cpnum.ir.handling import KINDS
from cpnum.ir.questions import VALUE
from cpnum.tables.dtypes import B, from_numpy
from cpnum.trace.builder import Builder, Shape, Traced
from cpnum.trace.looking import NO_NUMBER, is_number, look

_Function = Callable[..., Any]
_NO_KEYWORDS: Mapping[str, Any] = {}


class _Running(threading.local):
    """The builder of the innermost trace that runs in this thread, and how many do."""

    builder: Builder | None = None
    depth = 0


RUNNING = _Running()


class Memory:
    """The memory of made arrays that are views of one, and its twin."""

    __slots__ = ("_start", "_twin", "root", "trace", "traced")

    def __init__(self, root: Any, trace: object) -> None:
        # The traced array in the place of the root, if a traced value was written to it.
        self.traced: Traced | None = None
        self.root = root
        self.trace = trace
        self._start = address(root)
        self._twin = root.ravel("K").view(np.uint8).copy()

    def has(self, array: Any) -> bool:
        """Tell whether an array is a view of this memory."""
        return root_of(array) is self.root

    def is_as_known(self, array: Any) -> bool:
        """Tell whether a view has the elements that are known to be constant."""
        return not array.size or array.tobytes() == self.twin_of(array).tobytes()

    def twin_of(self, array: Any) -> Any:
        """Return the same view of the twin."""
        offset = address(array) - self._start
        return np.ndarray(array.shape, array.dtype, self._twin, offset, array.strides)

    def renew(self, array: Any) -> None:
        """Take the elements of a view for constant from now on."""
        if array.size and array.flags.writeable:
            self.twin_of(array)[...] = array


def root_of(array: Any) -> Any:
    """Return the array whose memory a view shares."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


class Made(np.ndarray[Any, Any]):
    """An array that the function made: NumPy's, but what is computed of it is made as well.

    A function may keep one when its trace has ended.  Then it is like any array.
    """

    __slots__ = ("memory",)

    memory: Memory | None

    def __array_finalize__(self, of: Any) -> None:
        """Take the memory of the array that this one is a view of; that of a copy is another."""
        self.memory = getattr(of, "memory", None)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """The class of the array as others see it."""
        return np.ndarray

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **keywords: Any) -> Any:
        given = (*inputs, *keywords.get("out", ()), keywords.get("where"))
        if any(issubclass(type(each), Traced) for each in given):
            return NotImplemented
        function = ufunc if method == "__call__" else getattr(ufunc, method)
        if any(map(is_traced, given)):
            return in_place_of(function(*traced(inputs), **traced(keywords)), given)
        return computed(function, inputs, keywords)

    def __array_function__(
        self, function: _Function, types: Any, args: Any, keywords: Mapping[str, Any]
    ) -> Any:
        if any(issubclass(each, Traced) for each in types):
            return NotImplemented
        tracing_args, tracing_keywords = traced(args), traced(keywords)
        if tracing_args is not args or tracing_keywords is not keywords:
            return function(*tracing_args, **tracing_keywords)

        def implementation(*args: Any, **keywords: Any) -> Any:
            return np.ndarray.__array_function__(self, function, types, args, keywords)

        if function is np.empty_like:
            return computed(zeroed(implementation), args, keywords)
        # Another library's function may have arrays of its own.
        is_numpys = function.__module__.partition(".")[0] == "numpy"
        return (computed if is_numpys else _called)(implementation, args, keywords)

    def __getitem__(self, key: Any) -> Any:
        if is_traced(self):
            return traced(self)[key]
        tracer = _tracer_in(key)
        if tracer is not None:
            as_traced = tracer.adopted(self)  # type: ignore[attr-defined]
            if as_traced is not self:
                return as_traced[key]
        result = np.ndarray.__getitem__(self, key)
        if type(result) is Made and not (result.memory and result.memory.has(result)):
            return computed(np.ndarray.__getitem__, (self, key))  # a copy, as of a list of indices
        return result

    def __setitem__(self, key: Any, value: Any) -> None:
        builder = RUNNING.builder
        memory = memory_of(builder, self)
        if memory is not None and memory.has(self):
            if memory.traced is not None or _has_traced(key, value):
                become_traced(self)[key] = value
                return
        array, at, new = plain(self), plain(key), plain(value)
        if builder is not None and memory is not None and array.flags.writeable:
            if is_constant(builder, (key, value)):
                # The twin is first, since the value may be a view of this array.
                with np.errstate(all="ignore"):
                    memory.twin_of(array)[at] = new
        array[at] = new

    def __reduce_ex__(self, protocol: Any) -> Any:
        return plain(self).__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return repr(plain(self))


def is_traced(value: object) -> bool:
    """Tell whether a value is a made array that a traced value was written to."""
    if type(value) is not Made:
        return False
    memory = value.memory
    return memory is not None and memory.traced is not None and memory.has(value)


def traced(value: Any) -> Any:
    """Return a value with traced arrays for made ones that are traced, also in containers."""
    kind = type(value)
    if kind is Made:
        return become_traced(value) if is_traced(value) else value
    if kind is tuple or kind is list:
        each = [traced(item) for item in value]
        return value if all(map(operator.is_, each, value)) else kind(each)
    if kind is dict:
        items = {name: traced(item) for name, item in value.items()}
        return value if all(items[name] is value[name] for name in items) else items
    return value


def become_traced(array: Made) -> Any:
    """Return the traced array in the place of a made one.

    Raises:  TraceError if the trace has ended.
    """
    memory = array.memory
    assert memory is not None
    builder = RUNNING.builder if memory.traced is None else memory.traced.builder
    assert builder is not None
    return builder.functions[Made](builder, array)


# The functions of NumPy that write to their first argument, with its name.
CHANGING_FIRST: dict[_Function, str] = {}


def written_to(array: Any) -> Any:
    """Return what a function writes to: the traced array in the place of a made one."""
    if type(array) is tuple:
        return tuple(map(written_to, array))
    memory = memory_of(RUNNING.builder, array)
    return become_traced(array) if memory is not None and memory.has(array) else array


def in_place_of(result: Any, given: Iterable[Any]) -> Any:
    """Return the made array for the traced one in its place, if a function returned that."""
    for each in given:
        if is_traced(each) and traced(each) is result:
            return each
    return result


def _has_traced(*values: Any) -> bool:
    """Tell whether a traced value is among the values, or in them, that is no number to look at.

    Integers are looked at, since most decide shapes; a function is not traced anew for another
    float.
    """
    builder = RUNNING.builder
    for each in values:
        if issubclass(type(each), Traced):
            is_integer = each.node.dtype.family != "F"
            if not (is_integer and each.builder is builder and is_number(each)):
                return True
        elif is_traced(each) or (isinstance(each, tuple | list) and _has_traced(*each)):
            return True
    return False


def _tracer_in(key: Any) -> Traced | None:
    """Return the first traced value in an index that is no number to look at, None without any."""
    for each in key if type(key) is tuple else (key,):
        each = traced(each)
        if issubclass(type(each), Traced) and not is_number(each):
            return cast(Traced, each)
    return None


def _method(name: str) -> _Function:
    """Return a method of arrays as made arrays have it."""
    original = getattr(np.ndarray, name)

    def method(self: Made, *args: Any, **keywords: Any) -> Any:
        if is_traced(self):
            return getattr(traced(self), name)(*args, **keywords)
        if any(issubclass(type(each), Traced) for each in (*args, *keywords.values())):
            return original(self, *args, **keywords)
        return computed(original, (self, *args), keywords)

    method.__name__ = name
    return method


def _reading(name: str) -> _Function:
    """Return a method that reads elements as made arrays have it."""
    original = getattr(np.ndarray, name)

    def method(self: Made, *args: Any, **keywords: Any) -> Any:
        if is_traced(self):
            return getattr(traced(self), name)(*args, **keywords)
        return original(self, *args, **keywords)

    method.__name__ = name
    return method


def _attribute(name: str) -> property:
    """Return an attribute through which elements are read or set, as made arrays have it."""
    original: Any = getattr(np.ndarray, name)

    def get(self: Made) -> Any:
        return getattr(traced(self), name) if is_traced(self) else original.__get__(self)

    def put(self: Made, value: Any) -> None:
        if is_traced(self):
            setattr(traced(self), name, value)
        else:
            original.__set__(self, value)

    return property(get, put)


def _resize(self: Made, *shape: Any, **keywords: Any) -> None:
    builder = RUNNING.builder
    if builder is None:
        plain(self).resize(*shape, **keywords)  # NumPy's own error: other arrays refer to it
        return
    raise builder.error(
        UnsupportedError,
        "the method resize of an array that the function made cannot be traced",
        seen=f"an array of dtype {self.dtype} and shape {self.shape}",
        write="an array of the new shape: y = np.zeros(count); y[: x.size] = x.ravel()",
    )


# The methods that return no array, and those that change what is not in memory.
_OF_ARRAYS = frozenset("dump dumps item setflags tobytes tofile tolist".split())

# What reads elements without a method of arrays.
_READING = """
    __array__ __bool__ __complex__ __contains__ __float__ __format__ __index__ __int__ __iter__
    __reduce__ __str__""".split()

for _name, _member in vars(np.ndarray).items():
    if callable(_member) and not _name.startswith("__") and _name not in _OF_ARRAYS:
        setattr(Made, _name, _method(_name))
for _name in (*_OF_ARRAYS, *_READING):
    setattr(Made, _name, _reading(_name))
for _name in ("ctypes", "data", "flat", "imag", "real"):
    setattr(Made, _name, _attribute(_name))
Made.__copy__ = Made.copy  # type: ignore[method-assign]
Made.__deepcopy__ = lambda self, memo: self.copy("K")  # type: ignore[method-assign]
Made.resize = _resize  # type: ignore[assignment, method-assign]

# The types of most arguments that are no arrays.
_NUMBERS = frozenset([bool, int, float, NoneType, type])


class _Given:
    """The arrays among the arguments of a call."""

    __slots__ = ("made", "others", "traced")

    def __init__(self) -> None:
        # Made arrays with the plain ones that the call gets, by the ids of these.
        self.made: dict[int, tuple[Any, Made]] = {}
        self.others: list[Any] = []
        self.traced = False

    def plain(self, value: Any) -> Any:
        """Return a value with NumPy's own arrays for made ones, also in tuples and lists."""
        kind = type(value)
        if kind in _NUMBERS:
            return value
        if is_traced(value):
            self.traced = True
            return traced(value)
        if kind is Made:
            array = np.ndarray.view(value, np.ndarray)
            self.made[id(array)] = array, value
            return array
        if issubclass(kind, tuple | list):
            each = [self.plain(item) for item in value]
            if all(map(operator.is_, each, value)):
                return value
            make = list if issubclass(kind, list) else getattr(kind, "_make", tuple)
            return make(each)
        if kind is dict:
            return {name: self.plain(item) for name, item in value.items()}
        if issubclass(kind, np.ndarray):
            self.others.append(value)
        elif issubclass(kind, Traced):
            self.traced = True
        return value

    def itself(self, result: Any) -> Any:
        """Return a result, or the made array if the result is the plain array in its place."""
        known = self.made.get(id(result))
        return result if known is None else known[1]

    def renew(self) -> None:
        """Take what was written to made arrays for constant."""
        for array, made in self.made.values():
            if made.memory is not None and not made.memory.is_as_known(array):
                made.memory.renew(array)

    def marked(self, result: Any, trace: object) -> Any:
        """Return the result of a call of constants, whose new arrays are made arrays."""
        if type(result) is np.ndarray:
            return self._marked(result, trace, {})
        kind, memories = type(result), dict[int, Memory]()
        make = kind if kind is tuple or kind is list else getattr(kind, "_make", None)
        if make is None:
            return result
        return make(
            [
                self._marked(each, trace, memories) if type(each) is np.ndarray else each
                for each in result
            ]
        )

    def _marked(self, array: Any, trace: object, memories: dict[int, Memory]) -> Any:
        """Return an array as a made one; `memories` are those of the other results, by the root."""
        root = root_of(array)
        memory = memories.get(id(root))
        for known, made in self.made.values():
            if known is array:
                return made
            if made.memory is not None and made.memory.root is root:
                memory = made.memory
        if memory is None:
            is_new = root.flags.owndata and not array.dtype.hasobject
            if not is_new or any(root_of(each) is root for each in self.others):
                return array
            memory = memories[id(root)] = Memory(root, trace)
        result = np.ndarray.view(array, Made)
        result.memory = memory
        return result


def plain(value: Any) -> Any:
    """Return a value with NumPy's own arrays for made ones, also in tuples and lists."""
    return _Given().plain(value)


def computed(
    function: _Function,
    args: Any,
    keywords: Mapping[str, Any] = _NO_KEYWORDS,
    of_traced: _Function | None = None,
) -> Any:
    """Return what NumPy computes; it is made if all arguments are constants.

    If there are traced values among them, it is what the function `of_traced` returns: NumPy may
    have asked these for the result, or for a number.
    """
    builder, given = RUNNING.builder, _Given()
    if builder is not None:
        args, keywords = traced(args), traced(keywords)
    constant = builder is not None and is_constant(builder, (*args, *keywords.values()))
    named = {name: given.plain(each) for name, each in keywords.items()}
    places = given.plain(args)
    if given.traced and of_traced is not None:
        result = of_traced(*args, **keywords)
    elif builder is None or not constant:
        return given.itself(function(*places, **named))
    else:
        result = _computed_once(builder, function, places, named)
    if builder is None or not constant:
        return result
    if given.made and (type(function) is not np.ufunc or "out" in keywords):
        given.renew()
    return given.marked(result, builder.made)


def _computed_once(builder: Builder, function: _Function, args: Any, keywords: Any) -> Any:
    """Return what NumPy computes of constants; refuse what it would report at each call."""
    reports: list[str] = []
    modes: dict[str, Any] = {"call": lambda report, _: reports.append(report)}
    modes |= {kind: "call" for kind, mode in np.geterr().items() if mode in _REPORTING}
    RUNNING.builder = None  # NumPy's own steps need not be known
    try:
        with np.errstate(**modes):
            result = function(*args, **keywords)
    finally:
        RUNNING.builder = builder
    if reports:
        kind = KINDS[reports[0]]
        raise builder.error(
            UnsupportedError,
            f"an array of constants with an error that NumPy reports at each call: {reports[0]}",
            seen=f"the errstate {np.geterr()}",
            write=f'with np.errstate({kind}="ignore"): around it, or the array as an argument',
        )
    return result


# The modes in which NumPy goes on after it has reported an error.
_REPORTING = ("warn", "call", "print", "log")


def looked(value: Any) -> Any:
    """Return a value with the numbers that are looked at for traced ones, also in tuples."""
    kind = type(value)
    if issubclass(kind, Traced):
        number = look(value, VALUE)
        return value if number is NO_NUMBER else number
    return tuple(map(looked, value)) if kind is tuple else value


def zeroed(function: _Function) -> _Function:
    """Return np.empty or its like with zeros for what was in memory, so that graphs are alike."""

    def zeros(*args: Any, **keywords: Any) -> Any:
        array = function(*args, **keywords)
        array[...] = np.zeros((), array.dtype)
        return array

    return zeros


def _called(function: _Function, args: Any, keywords: Mapping[str, Any]) -> Any:
    """Return what a function computes that is not NumPy's."""
    return function(*plain(args), **{name: plain(each) for name, each in keywords.items()})


# -- constants ----------------------------------------------------------------------------------

_CONSTANTS = (
    NoneType, bool, int, float, complex, str, bytes, type, np.generic, np.dtype, slice, range,
    EllipsisType, type(np._NoValue), np._CopyMode,
)  # fmt: skip


def is_constant(builder: Builder, value: Any) -> bool:
    """Tell whether a value of a call is as constant as the function's code.

    A number that is looked at is: there is a guard for it.
    """
    kind = type(value)
    if kind in _NUMBERS:
        return True
    if issubclass(kind, tuple | list):
        return all(is_constant(builder, each) for each in value)
    if kind is dict:
        return all(is_constant(builder, each) for each in value.values())
    if issubclass(kind, np.ndarray):
        return is_made(builder, value)
    if issubclass(kind, Traced):
        return value.builder is builder and is_number(value)
    return issubclass(kind, _CONSTANTS)


def memory_of(builder: Builder | None, array: Any) -> Memory | None:
    """Return the memory of a made array of this trace."""
    if type(array) is not Made or builder is None:
        return None
    memory = array.memory
    return memory if memory is not None and memory.trace is builder.made else None


def is_made(builder: Builder, array: Any) -> bool:
    """Tell whether an array was made by the function, or is watched, or is a view of such a one."""
    memory = memory_of(builder, array)
    if memory is not None:
        return memory.has(array) and memory.traced is None and memory.is_as_known(array)
    return is_array(array) and _is_watched(builder, array)


def _is_watched(builder: Builder, array: Any) -> bool:
    """Tell whether each call compares the elements of an array from outside."""
    while isinstance(array, np.ndarray):
        if id(array) in builder.watched:
            return True
        array = array.base
    return False


def is_made_now(values: Any) -> bool:
    """Tell whether an array among values was made by the function that this thread traces."""
    builder = RUNNING.builder
    if builder is None:
        return False
    given = _Given()
    given.plain([*values])
    return any(memory_of(builder, made) is not None for _, made in given.made.values())


def is_array(value: object) -> bool:
    """Tell whether a value is an array that may be a made one."""
    return type(value) is np.ndarray or type(value) is Made


# -- meeting traced values ----------------------------------------------------------------------


def adopted(builder: Builder, operand: Any) -> Any:
    """Return the traced value of an array that is constant; any other operand as it is."""
    if is_traced(operand) and memory_of(builder, operand) is not None:
        return traced(operand)
    if not is_array(operand) or not is_made(builder, operand):
        return operand
    operand = plain(operand)
    dtype = builder.attempt(from_numpy, operand.dtype)
    if not operand.ndim:
        return Traced(builder, builder.constant(operand[()], dtype), ())
    if operand.size and operand.tobytes() == operand.flat[0].tobytes() * operand.size:
        return filled(builder, operand.flat[0], operand.shape)
    return Traced(builder, builder.held(operand, dtype), operand.shape)


def filled(builder: Builder, value: Any, shape: Shape) -> Traced:
    """Return the traced value of an array of this shape whose elements are all one NumPy scalar."""
    dtype = builder.attempt(from_numpy, value.dtype)
    return Traced(builder, builder.constant(value, dtype, (shaping(builder, shape),)), shape)


def shaping(builder: Builder, shape: Shape) -> Any:
    """Return an input that gives a value this shape, and that no kernel reads."""
    return builder.held(np.ndarray(shape, bool, _BYTES, 0, (0,) * len(shape)), B)


_BYTES = bytes(1)
