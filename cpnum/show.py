"""What a kernel looks like: its listing, and the report of one call.

A report is a sequence of tables; text and HTML are two faces of it, with the same content.  Holes
are marked in the bytes themselves: [ ] around a value that was patched in, after the hole's name,
and ( ) around bytes with bits of register numbers.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cpnum.emit import Line, Patch
from cpnum.ir import Apply, Input
from cpnum.kernel import Kernel
from cpnum.memory import Region
from cpnum.steps import Immediate

if TYPE_CHECKING:
    from cpnum.timing import Timing

# Longer tables are cut: the HTML of a report stays below 60 kB, the text below a few screens.
_ROWS = 60
_HEX = 16
_WIDEST = (
    2 + 2 * _HEX
)  # the digits of a constant; what is longer is a table, and named by its place
_REGISTERS = "registers"
_MARKED = re.compile(r"\[[A-Z]\w* [^]]*\]")
_LEGEND = "[ ] a patched value, ( ) bits of register numbers"

# A result that takes longer than this is timed with one call, so that a report takes about 1 s.
_SLOW_SECONDS = 0.05
_MEASURE_SECONDS = 0.15


# -- tables -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Table:
    """A part of a report; a row of one cell goes across all columns.

    >>> print(Table("Sizes", ("file", "bytes"), (("a", "12"), ("longer",), ("b", "3"))).text())
    Sizes
      file  bytes
      a     12
      longer
      b     3
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    def cut(self) -> Table:
        """Return the table with its first rows, and a note that says how many were cut."""
        more = len(self.rows) - _ROWS
        if more <= 0:
            return self
        note = "; ".join(filter(None, (self.note, f"{more} more rows are cut")))
        return Table(self.title, self.columns, self.rows[:_ROWS], note)

    def text(self) -> str:
        """Return the table as lines of text."""
        rows = [self.columns, *self.rows] if self.columns else list(self.rows)
        full = [row for row in rows if len(row) > 1]
        widths = [max(map(len, column)) for column in zip(*full, strict=True)]
        lines = [f"{self.title} ({self.note})" if self.note else self.title]
        for row in rows:
            # A row of one cell has no width to keep; it may be indented, as the IR is.
            cells = map(str.ljust, row, widths) if len(row) > 1 else row
            lines.append(f"  {'  '.join(cells)}".rstrip())
        return "\n".join(lines)

    def html(self, *, opened: bool) -> str:
        """Return the table as HTML that folds without a script."""
        from html import escape  # 2 ms that only a notebook pays

        width = max(len(self.columns), 1)
        head = "".join(f"<th>{escape(each)}</th>" for each in self.columns)
        span = f" colspan={width}" if width > 1 else ""
        body = "".join(
            f"<tr><td{span}>{escape(row[0])}</td></tr>"
            if len(row) == 1
            else f"<tr>{''.join(f'<td>{_underlined(escape(cell))}</td>' for cell in row)}</tr>"
            for row in self.rows
        )
        note = f" <span>({escape(self.note)})</span>" if self.note else ""
        return (
            f"<details{' open' if opened else ''}><summary>{escape(self.title)}{note}</summary>"
            f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table></details>"
        )


def _underlined(cell: str) -> str:
    return _MARKED.sub(r"<u>\g<0></u>", cell)


# -- bytes --------------------------------------------------------------------------------------


def _lines_of(text: object) -> tuple[tuple[str], ...]:
    return tuple((line,) for line in str(text).splitlines())


def _disassembled(data: bytes, offset: int, machine: str) -> Iterator[tuple[bytes, str]]:
    """Yield the bytes and the text of each instruction; all bytes are covered.

    Without capstone the text is empty, and there are 8 bytes at a time.
    """
    try:
        import capstone  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        for at in range(0, len(data), 8):
            yield data[at : at + 8], ""
        return
    kind = (
        (capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
        if machine == "aarch64"
        else (capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    )
    decoder = capstone.Cs(*kind)
    decoder.skipdata = True  # what it cannot decode is .byte
    end = 0
    for _, size, name, operands in decoder.disasm_lite(data, offset):
        yield data[end : end + size], f"{name} {operands}".rstrip()
        end += size
    if end < len(data):
        yield data[end:], f".byte {', '.join(f'{each:#04x}' for each in data[end:])}"


def _marks(line: Line) -> dict[int, tuple[str, Patch | None]]:
    """Return the bytes of a stencil that have holes: the hole's name, and the value's patch."""
    step = line.step
    bits = 0
    for hole in step.stencil.registers:
        for mask in hole.masks:
            bits |= mask
    if step.pointer is not None and step.stencil.pointer is not None:
        for mask in step.stencil.pointer.values():
            bits |= mask
    marks: dict[int, tuple[str, Patch | None]] = {
        at: (_REGISTERS, None) for at in range(step.stencil.size) if bits >> 8 * at & 0xFF
    }
    for patch in line.patches:
        marks |= dict.fromkeys(_bytes_of(patch), (patch.symbol, patch))
    return marks


def _bytes_of(patch: Patch) -> list[int]:
    """Return the bytes of its stencil that a patch changes bits of."""
    return sorted(
        {
            at
            for field in patch.fields
            for at in range(field.at // 8, (field.at + field.width - 1) // 8 + 1)
        }
    )


def _hex(
    data: bytes, start: int, marks: dict[int, tuple[str, Patch | None]], hidden: set[int]
) -> str:
    """Write the bytes that stand at `start` of their stencil, with its holes marked."""
    groups: list[tuple[str, list[str]]] = []
    for at, byte in enumerate(data, start):
        symbol = marks[at][0] if at in marks else ""
        if not groups or groups[-1][0] != symbol:
            groups.append((symbol, []))
        groups[-1][1].append(".." if at in hidden else f"{byte:02x}")
    parts = []
    for symbol, digits in groups:
        text = " ".join(digits)
        if symbol == _REGISTERS:
            text = f"({text})"
        elif symbol:
            text = f"[{symbol} {text}]"
        parts.append(text)
    return " ".join(parts)


# -- names --------------------------------------------------------------------------------------


def _word_names(kernel: Kernel) -> dict[int, str]:
    """Return the names of the words of the argument block, by offset."""
    frame, nest = kernel.steps.selection.frame, kernel.loop_nest
    parameters = nest.graph.parameters
    arrays = [parameters[each.parameter] + "".join(map(str, each.movement)) for each in nest.arrays]
    names = {}
    for at, array in enumerate([*arrays, "out"]):
        names[frame.pointer(at)] = f"<{array}.data>"
        names[frame.stride(at)] = f"<inner stride of {array}>"
        names[frame.outer_stride(at)] = f"<outer stride of {array}>"
        for axis in range(nest.axes - 1):
            names[frame.increment(at, axis)] = f"<step of {array} along i{axis}>"
    for axis in range(nest.axes):
        names[frame.extent(axis)] = f"<extent of i{axis}>"
        names[frame.counter(axis)] = f"<counter of i{axis}>"
    for at, node in enumerate(nest.arguments):
        while isinstance(node, Apply) and len(node.args) == 1:
            node = node.args[0]
        name = parameters[node.parameter] if isinstance(node, Input) else f"scalar {at}"
        names[frame.argument(at)] = f"<{name}>"
    return names


class _Names:
    """What the values in a kernel's holes mean, and which of them differ from run to run."""

    def __init__(self, kernel: Kernel) -> None:
        self.words = _word_names(kernel)
        frame = kernel.steps.selection.frame
        self.pointers = {frame.pointer(at) for at in range(frame.arrays)}

    def meaning(self, line: Line, patch: Patch) -> str:
        value = line.step.values.get(patch.symbol)
        if isinstance(value, Immediate):
            return self.words[value.offset]
        if patch.symbol.startswith("SLOT"):
            return f"{patch.text}, {self.words.get(patch.value, '<spilled>')}"
        text = str(patch.text)
        return text if len(text) <= _WIDEST else f"table at {patch.value:#06x}"

    def is_address(self, line: Line, patch: Patch) -> bool:
        value = line.step.values.get(patch.symbol)
        return isinstance(value, Immediate) and value.offset in self.pointers


# -- the listing --------------------------------------------------------------------------------


def _code_table(kernel: Kernel, data: bytes, *, raw: bool) -> Table:
    """Return each instruction with its bytes, its holes, and the stencil that it came from."""
    names = _Names(kernel)
    labels: dict[int, list[str]] = {}
    for label, offset in kernel.code.labels.items():
        labels.setdefault(offset, []).append(label)
    rows: list[tuple[str, ...]] = []
    texts: dict[int, str] = {}
    for line in kernel.code.lines():
        rows += [(f"{label}:",) for label in labels.get(line.offset, ())]
        source = f"  ; {line.step.source}" if line.step.source else ""
        rows.append((f"{line.offset:#06x}  {line.step}{source}",))
        rows += _instruction_rows(line, data, names, kernel.loop_nest.isa.machine, raw=raw)
        pool = kernel.code.pool.values()
        texts |= {patch.value: str(patch.text) for patch in line.patches if patch.value in pool}
    rows += _pool_rows(kernel, data, texts)
    return Table("Code", ("offset", "bytes", "assembly", "holes"), tuple(rows), _LEGEND)


def _halves(code: Table, kernel: Kernel) -> tuple[Table, Table]:
    """Split the code before the main loop, which is what one wants to see of a long kernel."""
    head = next(label for label, at in kernel.code.labels.items() if at == kernel.code.head)
    at = code.rows.index((f"{head}:",))
    return (
        Table("Code before the main loop", code.columns, code.rows[:at], code.note),
        Table("Code from the main loop on", code.columns, code.rows[at:], code.note),
    )


def _instruction_rows(
    line: Line, data: bytes, names: _Names, machine: str, *, raw: bool
) -> Iterator[tuple[str, ...]]:
    marks = _marks(line)
    hidden: set[int] = set()
    for patch in line.patches:
        if names.is_address(line, patch) and not raw:
            hidden.update(_bytes_of(patch))
    at = 0
    stencil = data[line.offset : line.offset + line.step.stencil.size]
    for instruction, text in _disassembled(stencil, line.offset, machine):
        here = [marks.get(byte, ("", None))[1] for byte in range(at, at + len(instruction))]
        patches = list({id(each): each for each in here if each is not None}.values())
        for patch in patches:
            if names.is_address(line, patch) and not raw:
                # The operands would show the address.
                text = f"{text.partition(',')[0]}, {names.meaning(line, patch)}"
        meanings = [f"{each.symbol}: {names.meaning(line, each)}" for each in patches]
        end = line.offset + at + len(instruction)
        if any(len(str(each.text)) > _WIDEST for each in patches):
            meanings = [f"CONSTANT: {_constant_read(text, end, data)}"]
        offset = f"{line.offset + at:#06x}"
        yield offset, _hex(instruction, at, marks, hidden), text, "; ".join(meanings)
        at += len(instruction)


_READS = re.compile(r"(\w+) ptr \[rip ([+-]) (0x[0-9a-f]+|\d+)\]")
_SIZES = {"byte": 1, "word": 2, "dword": 4, "qword": 8, "xmmword": 16}


def _constant_read(text: str, end: int, data: bytes) -> str:
    """Say what an instruction that ends at `end` reads of a table of constants."""
    found = _READS.search(text)
    if found is None:
        return "a table"
    width, sign, distance = found.groups()
    at = end + int(f"{sign}{distance}", 0)
    size = _SIZES.get(width)
    if size is None:
        return f"a vector at {at:#06x}"
    return f"{int.from_bytes(data[at : at + size], 'little'):#x}"


def _pool_rows(kernel: Kernel, data: bytes, texts: dict[int, str]) -> Iterator[tuple[str, ...]]:
    """Yield the constants behind the code, and the bytes that align them."""
    end = kernel.code.size
    if kernel.code.pool:
        yield ("constants:",)
    for constant, offset in kernel.code.pool.items():
        for at in range(end, offset, _HEX):
            part = data[at : min(at + _HEX, offset)]
            yield f"{at:#06x}", part.hex(" "), f".zero {len(part)}", ""
        end = offset + len(constant)
        for at in range(offset, end, _HEX):
            part = data[at : min(at + _HEX, end)]
            number = int.from_bytes(part, "little")
            size = {1: ".byte", 2: ".short", 4: ".long", 8: ".quad"}.get(len(part), ".octa")
            meaning = texts.get(offset, "") if at == offset else ""
            meaning = "" if meaning == hex(number) or len(meaning) > _WIDEST else meaning
            yield f"{at:#06x}", part.hex(" "), f"{size} {number:#x}", meaning


def listing(kernel: Kernel) -> str:
    """Return a kernel's code: stencils with their registers, bytes, holes and disassembly.

    The disassembly needs capstone; without it there are the bytes.
    """
    return _code_table(kernel, kernel.code.data, raw=False).text()


def _hole_table(kernel: Kernel, data: bytes, *, raw: bool) -> Table:
    """Return each hole, with its bytes in the stencil and in the code."""
    names = _Names(kernel)
    rows: list[tuple[str, ...]] = []
    for line in kernel.code.lines():
        step, size = line.step, line.step.stencil.size
        before, after = step.stencil.code.to_bytes(size, "little"), data[line.offset :][:size]
        marks = _marks(line)
        registers = [at for at in range(size) if marks.get(at, ("",))[0] == _REGISTERS]
        if registers:
            chosen = [f"r{each}" for each in step.registers]
            chosen += [] if step.pointer is None else [f"p{step.pointer}"]
            place = f"{line.offset + registers[0]:#06x}"
            cells = [_cut_hex([code[at] for at in registers]) for code in (before, after)]
            rows.append((place, step.stencil.name, _REGISTERS, *cells, " ".join(chosen)))
        for patch in line.patches:
            for places in _runs(_bytes_of(patch)):
                meaning = names.meaning(line, patch)
                old, new = (_cut_hex([code[at] for at in places]) for code in (before, after))
                if names.is_address(line, patch) and not raw:
                    new = " ".join([".."] * len(places))
                place = f"{line.offset + places[0]:#06x}"
                rows.append((place, step.stencil.name, patch.symbol, old, new, meaning))
    columns = ("offset", "stencil", "hole", "before", "after", "meaning")
    note = "after: as read back from the memory that runs"
    return Table("Holes", columns, tuple(rows), note)


def _runs(places: list[int]) -> list[list[int]]:
    """Split places into runs of neighbours.

    >>> _runs([3, 4, 8, 9, 10])
    [[3, 4], [8, 9, 10]]
    """
    runs: list[list[int]] = []
    for place in places:
        if not runs or runs[-1][-1] + 1 != place:
            runs.append([])
        runs[-1].append(place)
    return runs


def _cut_hex(data: Iterable[int]) -> str:
    digits = [f"{byte:02x}" for byte in data]
    return " ".join(digits) if len(digits) <= 8 else f"{' '.join(digits[:7])} …"


# -- the report ---------------------------------------------------------------------------------


class _Bound(Protocol):
    kernel: Kernel
    region: Region

    def __call__(self) -> np.ndarray[Any, Any]: ...


class _Jit(Protocol):
    py_func: Callable[..., Any]

    def __call__(self, *arguments: Any, **keywords: Any) -> Any: ...


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function with all compiled functions that it calls as plain NumPy ones.

    >>> from cpnum import cpjit
    >>> half = cpjit(lambda x: x / 2)
    >>> def quarter(x):
    ...     return half(half(x))
    >>> plain(quarter)(1.0)
    0.25
    """
    result: Callable[..., Any] = _plain(function, {})
    return result


def _plain(value: Any, seen: dict[int, Any]) -> Any:
    function = getattr(value, "py_func", value)
    if not isinstance(function, FunctionType):
        return function
    if id(function) in seen:
        return seen[id(function)]
    called = {
        name: function.__globals__[name]
        for name in function.__code__.co_names
        if hasattr(function.__globals__.get(name), "py_func")
    }
    cells = [each.cell_contents if _is_set(each) else None for each in function.__closure__ or ()]
    if not called and not any(hasattr(each, "py_func") for each in cells):
        return seen.setdefault(id(function), function)
    copied: dict[str, Any] = dict(function.__globals__)
    closure = tuple(
        CellType(content) if hasattr(content, "py_func") else cell
        for cell, content in zip(function.__closure__ or (), cells, strict=True)
    )
    result = FunctionType(
        function.__code__, copied, function.__name__, function.__defaults__, closure or None
    )
    result.__kwdefaults__ = function.__kwdefaults__
    seen[id(function)] = result
    copied |= {name: _plain(each, seen) for name, each in called.items()}
    for cell in closure:
        if _is_set(cell) and hasattr(cell.cell_contents, "py_func"):
            cell.cell_contents = _plain(cell.cell_contents, seen)
    return result


def _is_set(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


_CHUNK = 1 << 16


def difference(result: Any, expected: Any) -> str:
    """Say how far a result is from NumPy's.

    >>> difference(np.array([1.0, 2.0]), np.array([1.0, np.nextafter(2.0, 3.0)]))
    'at most 1 ULP from the result of NumPy, 1 of 2 elements differ'
    >>> difference(np.array([1, 2]), np.array([1, 2]))
    'the result is that of NumPy, bit for bit'
    """
    result, expected = np.asarray(result), np.asarray(expected)
    if result.dtype != expected.dtype or result.shape != expected.shape:
        expected = np.broadcast_to(expected.astype(result.dtype), result.shape)
    mine, theirs = result.reshape(-1), expected.reshape(-1)
    count, largest = 0, 0.0
    for at in range(0, mine.size, _CHUNK):
        a, b = mine[at : at + _CHUNK], theirs[at : at + _CHUNK]
        equal = a == b
        if a.dtype.kind == "f":
            equal = (equal & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))
        if not equal.all():
            count += int(np.count_nonzero(~equal))
            if a.dtype.kind == "f":
                from cpnum.timing import max_ulp

                largest = max(largest, max_ulp(a, b))
    if not count:
        return "the result is that of NumPy, bit for bit"
    differ = f"{count:,} of {mine.size:,} elements differ"
    if mine.dtype.kind != "f":
        return differ
    return f"at most {largest:.0f} ULP from the result of NumPy, {differ}"


def _timed(function: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def _measured(functions: dict[str, Callable[[], Any]], first: float) -> dict[str, Timing]:
    """Time the functions, with one call each if `first`, what a call of each took, is long."""
    from cpnum.timing import Timing, measure  # `statistics` takes 8 ms to import

    if first < _SLOW_SECONDS:
        return measure(functions, _MEASURE_SECONDS)
    timings = {}
    for name, function in functions.items():
        seconds = _timed(function)[1]
        timings[name] = Timing(seconds, 0.0, seconds, (seconds,), 1)
    return timings


def _shares(out: np.ndarray[Any, Any], arguments: Iterable[Any]) -> bool:
    return any(
        isinstance(each, np.ndarray) and np.may_share_memory(out, each) for each in arguments
    )


class Report:
    """What there is to see of one call: stages, stencils, holes, code, times.

    `kernel` is the kernel of the call, `bound` the same with this call's pointers, strides, extents
    and scalars in its code; `code` are the bytes of the latter, read back from where they run.
    `text(raw=True)` shows addresses too, which differ from run to run.

    >>> from cpnum import cpjit
    >>> report = cpjit(lambda x: x + 1).explain(np.ones(3))
    >>> "vaddpd" in str(report)
    True
    """

    def __init__(
        self,
        kernel: Kernel,
        bound: _Bound,
        function: _Jit,
        arguments: tuple[Any, ...],
        keywords: Mapping[str, Any],
        *,
        timed: bool = True,
    ) -> None:
        self.kernel = kernel
        self.bound = bound.kernel
        self.code = bound.region.read()
        self.timings: dict[str, Timing] = {}
        self.difference = ""
        numpy = functools.partial(plain(function.py_func), *arguments, **keywords)
        with np.errstate(all="ignore"):
            if timed:
                expected, slow = _timed(numpy)
                out, fast = _timed(bound)
                self.difference = difference(out, expected)
                del expected
                # Into an `out` that is an argument too, each call computes something else.
                kept = out.copy() if _shares(out, [*arguments, *keywords.values()]) else None
                calls: dict[str, Callable[[], Any]] = {
                    "called": functools.partial(function, *arguments, **keywords),
                    "bound": bound,
                    "NumPy": numpy,
                }
                self.timings = _measured(calls, slow + 2 * fast)
                if kept is not None:
                    out[...] = kept

    def tables(self, *, raw: bool = False) -> list[Table]:
        """Return the parts of the report."""
        bound = self.bound
        parts = [
            self._stages(),
            Table("Graph", (), _lines_of(self.kernel.graph)),
            Table("Loops", (), _lines_of(self.kernel.loop_nest)),
            Table("Stencils", (), _lines_of(bound.steps), "rN vector, pN general registers"),
            _hole_table(bound, self.code, raw=raw),
            *_halves(_code_table(bound, self.code, raw=raw), bound),
        ]
        return [*parts, self._times()] if self.timings else parts

    @property
    def header(self) -> str:
        """The call in one line."""
        from cpnum.timing import format_seconds

        kernel = self.kernel
        signature = str(kernel.graph).partition("\n")[0]
        lines = self.bound.code.lines()
        holes = len(_hole_table(self.bound, self.code, raw=False).rows)
        nest = kernel.loop_nest
        return (
            f"{signature} -> {nest.result.dtype}: {nest.isa}, {nest.lanes} lanes, "
            f"{len(lines)} stencils, {len(self.code)} bytes, {holes} holes, "
            f"compiled in {format_seconds(sum(kernel.seconds.values()))}"
        )

    def _stages(self) -> Table:
        from cpnum.timing import format_seconds

        again = self.bound.seconds
        rows = [
            (stage, format_seconds(seconds), format_seconds(again[stage]) if stage in again else "")
            for stage, seconds in self.kernel.seconds.items()
        ]
        return Table("Compile time", ("stage", "first call", "bound, after that"), tuple(rows))

    def _times(self) -> Table:
        from cpnum.timing import format_seconds

        numpy = self.timings["NumPy"].median
        what = {
            "called": "f(...), a new result each time",
            "bound": "f.bind(...)(), into one result",
            "NumPy": "the function itself, without cpjit",
        }
        once = len(self.timings["NumPy"].samples) == 1
        rows = [
            (
                name,
                format_seconds(timing.median) if once else str(timing),
                f"{numpy / timing.median:.1f} x NumPy",
                what[name],
            )
            for name, timing in self.timings.items()
        ]
        columns = ("call", "time", "speed", "what")
        note = "one call each" if once else "median ± IQR/2"
        return Table("Time", columns, (*rows, (self.difference,)), note)

    def text(self, *, raw: bool = False) -> str:
        """Return the report as text, with the addresses of the arrays if `raw`."""
        return "\n\n".join([self.header, *(each.cut().text() for each in self.tables(raw=raw))])

    def __str__(self) -> str:
        return self.text()

    # What notebooks show as text/plain.
    __repr__ = __str__

    def _repr_html_(self) -> str:
        from html import escape

        folded = {"Loops", "Stencils", "Code before the main loop"}
        tables = "".join(each.cut().html(opened=each.title not in folded) for each in self.tables())
        return (
            f'<div class="cpnum-report"><style>{_STYLE}</style>'
            f"<div><b>{escape(self.header)}</b></div>{tables}</div>"
        )


# Foreground and background are set together: detection of the theme fails somewhere in every
# host, and a panel that owns both colours is readable even then.
_STYLE = """
.cpnum-report{--cpn-fg:var(--jp-content-font-color1,var(--vscode-editor-foreground,#1a1a1a));
--cpn-bg:var(--jp-layout-color0,var(--vscode-editor-background,#fff));
color:var(--cpn-fg);background:var(--cpn-bg);padding:8px;overflow-x:auto}
html[theme=dark] .cpnum-report,html[data-theme=dark] .cpnum-report{--cpn-fg:#e6e6e6;
--cpn-bg:#1a1a1a}
.cpnum-report div,.cpnum-report summary,.cpnum-report table,.cpnum-report tr,.cpnum-report th,
.cpnum-report td,.cpnum-report u,.cpnum-report b,.cpnum-report span{color:var(--cpn-fg);
background:var(--cpn-bg)}
.cpnum-report summary{cursor:pointer;font-weight:bold;margin-top:6px}
.cpnum-report summary span{font-weight:normal}
.cpnum-report table{border-collapse:collapse;margin:0;
font-family:var(--jp-code-font-family,ui-monospace,monospace);font-size:12px}
.cpnum-report th,.cpnum-report td{white-space:pre;text-align:left;padding:0 12px 0 0;border:0}
.cpnum-report td[colspan]{border-top:1px solid #808080}
.cpnum-report u{text-decoration:underline}
"""
