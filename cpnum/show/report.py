"""The report of one call: its code linked to the user's lines, reasons, times, and all stages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import CodeType
from typing import Any, NamedTuple

from cpnum.compile.instances import Instance
from cpnum.compile.kernel import Kernel
from cpnum.errors import RangeError
from cpnum.ir.nodes import Apply, Node
from cpnum.ir.sites import Location
from cpnum.show.as_text import code_text, source_text
from cpnum.show.comparison import Comparison
from cpnum.show.key import key_of
from cpnum.show.listing import hole_table
from cpnum.show.table import Table, counted, wrapped
from cpnum.show.timing import Timing, format_seconds
from cpnum.show.view import View, locations, view_of
from cpnum.show.why import Reason, reasons
from cpnum.tables.ops import OPS

# The parts of a report, by the letter that `%%cpjit --show` takes.
PARTS = {
    "c": "code",
    "w": "why",
    "t": "time",
    "s": "stages",
    "g": "graph",
    "l": "loops",
    "h": "holes",
    "b": "bound",
    "k": "key",
}
# These are shown if none are asked for.  Holes are in the code, too.
SHOWN = tuple(each for each in PARTS.values() if each not in ("holes", "bound"))
# These stand open in HTML, and make the text of a report.
_FIRST = ("code", "why", "time")


def parts_of(text: str) -> tuple[str, ...]:
    """Return the parts that a text names, by letters or by names with commas between them.

    Raises:  RangeError if there is no such part.

    >>> parts_of("cw"), parts_of("graph,time")
    (('code', 'why'), ('graph', 'time'))
    """
    words = [each.strip() for each in text.split(",")]
    if len(words) == 1 and words[0] not in PARTS.values():
        words = list(words[0]) or [""]
    names = [PARTS.get(each, each) for each in words]
    for name in names:
        if name not in PARTS.values():
            known = ", ".join(f"{letter} {each}" for letter, each in PARTS.items())
            raise RangeError(f"no part of a report is called {name!r}", write=f"one of {known}")
    return tuple(dict.fromkeys(names))


class Code(NamedTuple):
    """A kernel and its bytes; `ran` if they were read from memory that they run in."""

    kernel: Kernel
    data: bytes
    ran: bool


class Report:
    """The code, reasons, times and stages of one call.

    `kernel` is the called kernel, and `code` its bytes, read back from where they run.  `parts` are
    the parts that are shown, all but holes and bound code if there are none; `plain` puts plain
    words beside the instructions; `advises_fastmath` says where that option would help.  `seconds`
    are the times of its stages, `again` those of a second compilation.  `text(raw=True)` shows
    addresses too, which differ from run to run.

    >>> import numpy as np
    >>> from cpnum import cpjit
    >>> report = cpjit(lambda x: x + 1).explain(np.ones(3))
    >>> "vaddpd" in str(report)
    True
    """

    def __init__(
        self,
        called: Code,
        *,
        function: CodeType | None = None,
        bound: Code | None = None,
        comparison: Comparison | None = None,
        again: Mapping[str, float] | str,
        cached: bool | None = None,
        parts: Collection[str] = (),
        plain: bool = False,
        advises_fastmath: bool = True,
    ) -> None:
        self.kernel, self.code, self.ran = called
        self.bound = bound
        self._function = function
        self.comparison = comparison
        self.seconds = self.kernel.seconds
        self.again = again
        self.cached = cached
        self.parts = tuple(parts)
        self.plain = plain
        self._advises_fastmath = advises_fastmath
        self._views: dict[tuple[bool, bool], View] = {}

    @property
    def timings(self) -> Mapping[str, Timing]:
        """The times of the call: called, bound, and NumPy's; there may be none."""
        return {} if self.comparison is None else self.comparison.timings

    @property
    def difference(self) -> str:
        """How the result differs from NumPy's, or why that is not known."""
        return "" if self.comparison is None else self.comparison.difference

    def view(self, *, raw: bool = False) -> View:
        """Return the user's lines and the code that they became, as data."""
        key = raw, self.plain
        if key not in self._views:
            self._views[key] = view_of(
                self.kernel, self.code, self._function, raw=raw, plain=self.plain
            )
        return self._views[key]

    def _bound_view(self, *, raw: bool) -> View:
        assert self.bound is not None
        return view_of(self.bound.kernel, self.bound.data, raw=raw, plain=self.plain)

    # -- head -----------------------------------------------------------------------------------

    @property
    def head(self) -> tuple[str, ...]:
        """The answers to what users ask first: loops, speed, difference, compile time."""
        signature = str(self.kernel.graph).partition("\n")[0]
        dtypes = ", ".join(str(each.buffer.dtype) for each in self.kernel.loop_nest.stores)
        lines = [f"{signature} -> {dtypes}", self._loops_text()]
        if not self.ran:
            lines.append("not run as machine code: this machine cannot run it")
        if self.comparison is not None:
            lines.append(self._speed_text(self.comparison))
        return (*lines, self._compiled_text())

    def _loops_text(self) -> str:
        nest = self.kernel.loop_nest
        loops = "1 loop" if nest.axes == 1 else f"{nest.axes} nested loops"
        stencils = sum(isinstance(item, Instance) for item in self.kernel.instances.items)
        return (
            f"fused into {loops}, {nest.vectors * nest.lanes} elements at once ({nest.isa}); "
            f"{counted(nest.element_ops, 'operation')} and "
            f"{counted(nest.element_bytes, 'byte')} an element; "
            f"{counted(stencils, 'stencil')}, {counted(len(self.code), 'byte')} of code"
        )

    def _speed_text(self, comparison: Comparison) -> str:
        if not comparison.timings:
            return f"times and difference: {comparison.difference}"
        times = format_seconds(comparison.timings["called"].median)
        return f"{comparison.speed_text('called')}, {times} a call; {comparison.difference}"

    def _compiled_text(self) -> str:
        when = {
            True: "compiled by an earlier call",
            False: "compiled by this call",
            None: "compiled",
        }
        text = f"{when[self.cached]} in {format_seconds(_without_pack(self.seconds))}"
        if isinstance(self.again, str):
            text += f", and not again: {self.again}"
        else:
            text += f", again in {format_seconds(_without_pack(self.again))}"
        pack = self.seconds.get("pack")
        return text + (f"; the pack was read in {format_seconds(pack)}" if pack else "")

    # -- parts ----------------------------------------------------------------------------------

    def shown(self, parts: Collection[str] = ()) -> tuple[str, ...]:
        """Return the names of the parts that are shown, of these or of those of the report."""
        names = tuple(parts) or self.parts or SHOWN
        there = {"time": self.comparison is not None, "bound": self.bound is not None}
        return tuple(each for each in names if there.get(each, True))

    def table(self, part: str, *, raw: bool = False) -> Table:
        """Return a part that is a table: time, stages, holes or key."""
        match part:
            case "time":
                return self._times()
            case "stages":
                return self._stages()
            case "holes":
                return hole_table(self.kernel, self.code, raw=raw)
            case _:
                return key_of(self.kernel)

    def lines(self, part: str) -> list[tuple[Location | None, str]]:
        """Return a part that is lines, each with the user's line that it is about."""
        if part == "why":
            return [(each.location, each.text) for each in self.why()]
        stage = self.kernel.graph if part == "graph" else self.kernel.loop_nest
        return list(_located(str(stage), self.kernel))

    def why(self) -> list[Reason]:
        """Return what was done once, at once, or not at all, and because of what."""
        return reasons(self.kernel, self._advises_fastmath)

    def _stages(self) -> Table:
        again = {} if isinstance(self.again, str) else self.again
        rows = [
            (
                "read the pack" if stage == "pack" else stage,
                _seconds_text(self.seconds, stage),
                _seconds_text(again, stage),
            )
            for stage in {**self.seconds, **again}
        ]
        return Table("Compile time", ("stage", "first time", "again"), tuple(rows))

    def _times(self) -> Table:
        assert self.comparison is not None
        comparison, timings = self.comparison, self.comparison.timings
        if not timings:
            return Table("Time", (), ((comparison.difference,),))
        written = "f.py_func(...), the function as written"
        if any(map(_is_special, self.kernel.graph.nodes)):
            written += "; cpnum.special by Python's math"
        what = {
            "called": "f(...), a new result each time",
            "bound": "f.bind(...)(), into one result",
            "NumPy": written,
        }
        once = len(timings["NumPy"].samples) == 1
        rows = []
        for name, timing in timings.items():
            time = format_seconds(timing.median) if once else str(timing)
            speed = "" if name == "NumPy" else comparison.speed_text(name)
            rows.append((name, time, speed, what[name]))
        runs = f"the function as written ran {comparison.runs} times for this"
        note = f"one call each; {runs}" if once else f"median ± IQR/2; {runs}"
        return Table(
            "Time", ("call", "time", "speed", "what"), (*rows, (comparison.difference,)), note
        )

    # -- faces ----------------------------------------------------------------------------------

    def text(
        self,
        *,
        width: int = 80,
        raw: bool = False,
        full: bool = False,
        parts: Collection[str] = (),
    ) -> str:
        """Return the report as text of at most `width` columns, of any if that is 0.

        The main loop is shown, and all of the code and all parts if `full`; the addresses of the
        arrays if `raw`.
        """
        wanted = parts or self.parts or (() if full else _FIRST)
        texts = ["\n".join(line for each in self.head for line in wrapped(each, width, 2))]
        for part in self.shown(wanted):
            if part == "code":
                view = self.view(raw=raw)
                texts.append(source_text(view, width))
                texts.append(f"{self._code_title()}\n{code_text(view, width, full=full)}")
            elif part == "bound":
                view = self._bound_view(raw=raw)
                texts.append(f"{_BOUND}\n{code_text(view, width, full=full)}")
            elif part in _LINES:
                texts.append(self._lines_text(part, width))
            else:
                texts.append(self.table(part, raw=raw).text(width))
        return "\n\n".join(texts)

    def _code_title(self) -> str:
        how = "read back from the memory that ran" if self.ran else "not run here"
        return f"Code: {counted(len(self.code), 'byte')}, {how}"

    def _lines_text(self, part: str, width: int) -> str:
        tags = self.view().tags
        lines = [_LINES[part]]
        for location, text in self.lines(part):
            tag = "" if location is None else tags.get(location, "")
            lines += wrapped(f"  {tag:>4}  {text}", width, 12)
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    # Notebooks show it as text/plain.
    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.html()

    def html(self, *, raw: bool = False, parts: Collection[str] = ()) -> str:
        """Return the report as HTML that needs no script and keeps to its own element."""
        from cpnum.show.as_html import LinkedHtml, fold, page  # 2 ms that only a notebook needs

        wanted = parts or self.parts
        linked = LinkedHtml(self.view(raw=raw))
        body = []
        for part in self.shown(wanted):
            opened = part in (wanted or _FIRST)
            if part == "code":
                body.append(fold(self._code_title(), linked.code(), opened=opened))
            elif part == "bound":
                sections = LinkedHtml(self._bound_view(raw=raw)).sections()
                body.append(fold(_BOUND, sections, opened=opened))
            elif part in _LINES:
                body.append(fold(_LINES[part], linked.lines(self.lines(part)), opened=opened))
            else:
                table = self.table(part, raw=raw)
                body.append(fold(table.title, table.html(), opened=opened, note=table.note))
        return page(self.head, "".join(body), linked.style())

    def json(self) -> dict[str, Any]:
        """Return all of the report as a dict of plain values, for tools.

        >>> import json
        >>> import numpy as np
        >>> from cpnum import cpjit
        >>> report = cpjit(lambda x: x + 1, isa="aarch64").explain(np.ones(3))
        >>> json.dumps(report.json())[:22]
        '{"function": "<lambda>'
        """
        nest, view = self.kernel.loop_nest, self.view()
        return {
            "function": self.kernel.graph.name,
            "head": list(self.head),
            "isa": str(nest.isa),
            "loops": nest.axes,
            "lanes": nest.lanes,
            "vectors": nest.vectors,
            "element_bytes": nest.element_bytes,
            "element_ops": nest.element_ops,
            "bytes": self.code.hex(),
            "ran": self.ran,
            "cached": self.cached,
            "seconds": dict(self.seconds),
            "again": self.again if isinstance(self.again, str) else dict(self.again),
            "timings": {name: list(each.samples) for name, each in self.timings.items()},
            "difference": self.difference,
            "runs": 0 if self.comparison is None else self.comparison.runs,
            "graph": str(self.kernel.graph),
            "nest": str(nest),
            "why": [_plain_value(each) for each in self.why()],
            "source": [_plain_value(each) for each in view.source],
            "sections": [_plain_value(each) for each in view.sections],
            "constants": [_plain_value(each) for each in view.constants],
        }


_BOUND = "Bound code: pointers, strides, extents and scalars are in it"
_LINES = {"why": "Why", "graph": "Graph", "loops": "Loops"}


def _without_pack(seconds: Mapping[str, float]) -> float:
    """Return the time of all stages; a pack is read once a process."""
    return sum(seconds.values()) - seconds.get("pack", 0.0)


def _seconds_text(seconds: Mapping[str, float], stage: str) -> str:
    return format_seconds(seconds[stage]) if stage in seconds else ""


def _is_special(node: Node) -> bool:
    return isinstance(node, Apply) and OPS.get(node.op.function, node.op).home == "special"


def _located(text: str, kernel: Kernel) -> Iterable[tuple[Location | None, str]]:
    """Yield the lines of a stage, each with the user's line of the value that it makes."""
    lines = locations(kernel)
    known = {name: lines.get(node) for node, name in kernel.graph.names.items()}
    for line in text.splitlines():
        name, separator, _ = line.strip().partition(" = ")
        yield known.get(name) if separator else None, line


def _plain_value(value: Any) -> Any:
    """Return a value of named tuples as dicts and lists."""
    if hasattr(value, "_asdict"):
        return {key: _plain_value(each) for key, each in value._asdict().items()}
    return [_plain_value(each) for each in value] if isinstance(value, tuple) else value
