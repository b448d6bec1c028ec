"""The steps of a program: what each writes, the bytes that it moves, and who computes it.

>>> from cpnum import cpjit
>>> report = cpjit(lambda x: x / (x * x).sum()).explain(np.ones(8))
>>> print(report.steps.table().text())
Steps (128 B read and 72 B written in a call)
  step  writes   reads  writes  by        notes
  1     b1       64 B   8 B     kernel 1  sum
  2     returns  64 B   64 B    kernel 2
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from cpnum.faces import pre
from cpnum.ir.program import Call, Loop, Program, repeats
from cpnum.ir.results import Number, leaves_of, values_of
from cpnum.run.loops import AssignmentPlan
from cpnum.run.planning import stored_bytes, traffic_of
from cpnum.run.program import Held, Planned, kernel_key
from cpnum.show.table import Table, bytes_text, counted
from cpnum.tables.coverage import CALLED, CHANGING_METHODS

# A list of names is cut after so many, and a table after so many rows.
_NAMES, _ROWS = 4, 40


class Row(NamedTuple):
    """A step by its number, what it writes to, the bytes it reads and writes, and who does it."""

    number: int
    target: str
    read: int
    written: int
    by: str
    note: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts of all but the number."""
        return self.target, bytes_text(self.read), bytes_text(self.written), self.by, self.note


class Buffer(NamedTuple):
    """A buffer of so many bytes: the names of the values that are in it, from step to step."""

    number: int
    size: int
    names: tuple[str, ...]
    first: int
    last: int


class Steps:
    """The steps of a call of a program, in rows, and the buffers that they share.

    `why` says why the call runs as written, "" if it does not.
    """

    def __init__(self, planned: Planned, out: Any, why: str = "") -> None:
        self.program: Program = planned.call.specialization.traced
        self.why = why
        held = planned.call.held()
        self._numbers = {
            each: at for at, each in enumerate(dict.fromkeys(each.buffer for each in held), 1)
        }
        kernels = {kernel_key(*each): at for at, each in enumerate(planned.described(out), 1)}
        self.rows = tuple(_rows(planned, out, kernels, self._noted(held)))
        self.buffers = tuple(self._buffers(held))

    def _noted(self, held: Iterable[Held]) -> dict[tuple[int, str], str]:
        """Return the buffers of what steps write, by step and name."""
        return {(each.first, each.name): str(self._numbers[each.buffer]) for each in held}

    def _buffers(self, held: Sequence[Held]) -> Iterable[Buffer]:
        for buffer, number in self._numbers.items():
            own = [each for each in held if each.buffer == buffer]
            names = tuple(dict.fromkeys(each.name for each in own))
            first, last = own[0].first, max(each.last for each in own)
            yield Buffer(number, own[0].size, names, first + 1, last + 1)

    @property
    def head(self) -> tuple[str, ...]:
        """The program in a line, and why it does not run if so."""
        loops, calls = len(self.program.loops), len(self.program.calls)
        of = [counted(loops, "loop")] * bool(loops) + [counted(calls, "call")] * bool(calls)
        line = f"{self.program.name} is a program of {' and '.join(of)}"
        return line, *([f"This call runs as written: {self.why}"] if self.why else [])

    def table(self, *, full: bool = False) -> Table:
        """Return the rows as a table; what is repeated stands there once."""
        rows: list[tuple[str, ...]] = []
        for repeat in repeats(["\n".join(each.cells) for each in self.rows], self.program.made):
            steps = self.rows[repeat.at : repeat.at + repeat.length]
            rows += [(str(each.number), *each.cells) for each in steps]
            if repeat.times > 1:
                rows.append((repeat.text(self.rows[repeat.last].target),))
        if not full:
            rows = _cut(rows, "row")
        columns = ("step", "writes", "reads", "writes", "by", "notes")
        return Table("Steps", columns, tuple(rows), self._moved())

    def _moved(self) -> str:
        """Return how much a call reads and writes."""
        read = bytes_text(sum([each.read for each in self.rows])) or "nothing"
        written = bytes_text(sum([each.written for each in self.rows])) or "nothing"
        return f"{read} read and {written} written in a call"

    def buffer_table(self, *, full: bool = False) -> Table:
        """Return the buffers as a table."""
        rows: list[tuple[str, ...]] = [
            (
                str(each.number),
                bytes_text(each.size),
                f"{each.first}-{each.last}" if each.last > each.first else str(each.first),
                ", ".join(each.names) if full else _listed(each.names),
            )
            for each in self.buffers
        ]
        total = bytes_text(sum([each.size for each in self.buffers]))
        if not full:
            rows = _cut(rows, "buffer")
        return Table("Buffers", ("buffer", "size", "in steps", "values"), tuple(rows), total)

    def text(self, width: int = 80, *, full: bool = False) -> str:
        """Return the program, the table of its steps and that of its buffers as text."""
        texts = ["\n".join([*self.head, str(self.program)]), self.table(full=full).text(width)]
        if self.buffers:
            texts.append(self.buffer_table(full=full).text(width))
        return "\n\n".join(texts)

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return self.html()

    def html(self) -> str:
        """Return the same as HTML, each part in a fold."""
        from cpnum.show.as_html import fold, page  # 2 ms that only a notebook needs

        tables = [self.table(), *([self.buffer_table()] if self.buffers else [])]
        body = [fold("Program", pre(str(self.program)), opened=True)]
        body += [fold(each.title, each.html(), opened=True, note=each.note) for each in tables]
        return page(self.head, "".join(body), "")

    def json(self) -> dict[str, Any]:
        """Return the steps and buffers as plain values, for tools."""
        return {
            "program": str(self.program),
            "as_written": self.why,
            "steps": [each._asdict() for each in self.rows],
            "buffers": [{**each._asdict(), "names": [*each.names]} for each in self.buffers],
        }


def _cut(rows: list[tuple[str, ...]], what: str) -> list[tuple[str, ...]]:
    if len(rows) <= _ROWS:
        return rows
    more = counted(len(rows) - _ROWS, f"more {what}")
    return [*rows[: _ROWS - 10], (f"  ... {more}: text(full=True) has all",), *rows[-10:]]


def _listed(names: Sequence[str]) -> str:
    """Return names with commas, some of them if there are many.

    >>> _listed("abc"), _listed("abcdefg")
    ('a, b, c', 'a, b, c and 4 more')
    """
    if len(names) <= _NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: _NAMES - 1])} and {len(names) - _NAMES + 1} more"


# -- rows ---------------------------------------------------------------------------------------

_Buffers = Mapping[tuple[int, str], str]
_Kernels = Mapping[object, int]


def _rows(planned: Planned, out: Any, kernels: _Kernels, buffers: _Buffers) -> Iterable[Row]:
    program = planned.call.specialization.traced
    returned = program.only_returned
    for at, step in enumerate(program.steps):
        if isinstance(step, Call):
            yield _call_row(at, step, planned)
        else:
            yield _loop_row(at, step, planned, kernels, buffers, returned)
    last = planned.call.specialization.last.into(out)
    if last.graph.outputs:
        parts = last.describe(planned.values, out)
        traffic = traffic_of(last.graph, parts, planned.values)
        by = [
            kernels[kernel_key(last.part(places), call)]
            for places, call in parts
            if call.arrangement is not None
        ]
        yield Row(len(program.steps) + 1, "returns", traffic.read, traffic.written, _by(by))


def _loop_row(
    at: int,
    step: Loop,
    planned: Planned,
    kernels: _Kernels,
    buffers: _Buffers,
    returned: frozenset[int],
) -> Row:
    plan = planned.call.plan(at)
    signature = planned.call.specialization.traced.graph.signature
    texts = [each.text(signature) for each in step.targets]
    names = [
        "returns" if each.parameter in returned and each.fold is None else text
        for each, text in zip(step.targets, texts, strict=True)
    ]
    notes = [
        f"{'' if target.of is None else 'through '}buffer {buffers[at, name]}"
        for target, name in zip(step.targets, texts, strict=True)
        if (at, name) in buffers
    ]
    names = [*dict.fromkeys(names)]
    if any((at, texts[number]) not in buffers for number, _ in plan.traffic.through):
        notes.append("through a buffer")
    read, written, _ = plan.traffic
    if isinstance(plan, AssignmentPlan):
        note = "NumPy's: from one view of an array to another"
        return Row(at + 1, _listed(names), read, written, "assignment", note)
    by = [kernels[kernel_key(*each)] for each in plan.described()]
    words = [each.fold.row.word for each in step.targets if each.fold is not None]
    if words and not by:
        note = "NumPy's: a loop would add in another order"
        return Row(at + 1, _listed(names), read, written, f"numpy.{words[0]}", note)
    notes[:0] = words
    return Row(at + 1, _listed(names), read, written, _by(by), _listed(notes))


def _by(kernels: Sequence[int]) -> str:
    if not kernels:
        return "no elements"
    return f"kernel{'s' if len(kernels) > 1 else ''} {_listed([*map(str, kernels)])}"


def _call_row(at: int, step: Call, planned: Planned) -> Row:
    signature = planned.call.specialization.traced.graph.signature
    results = step.graph.results
    numbers = iter([0 for leaf in results.leaves if isinstance(leaf, Number)])
    passed = values_of(results, planned.values, numbers)
    arrays = [passed[each] for each in dict.fromkeys(leaves_of(results.tree))]
    arrays = [each for each in arrays if isinstance(each, np.ndarray)]
    read = sum(map(stored_bytes, arrays))
    if step.is_check:
        return Row(at + 1, "", read, 0, "Python", "compares contents")
    if step.changed is not None:
        target, written = signature[step.changed].name, stored_bytes(arrays[0])
    else:
        made = [*leaves_of(step.results)]
        target = _listed([signature[each].name for each in made])
        written = sum([np.asarray(planned.values[each]).nbytes for each in made])
    # The functions of Python's that have a step are in no module.
    note = f"NumPy's: {_group(step.name)}" if "." in step.name else "Python's, without its loop"
    return Row(at + 1, target, read, written, step.name, note)


_GROUPS = {
    "elements by their indices": "getitem setitem at put put_along_axis fill_diagonal".split(),
    "reductions": "reduce accumulate reduceat".split(),
    "sorting and searching": CHANGING_METHODS,
}
_OF_MODULES = {"numpy.linalg": "linear algebra", "numpy.fft": "Fourier transforms"}


def _group(name: str) -> str:
    """Return the kind of functions that one of NumPy's is of.

    >>> _group("numpy.sum"), _group("numpy.linalg.inv"), _group("maximum.reduce")
    ('reductions', 'linear algebra', 'reductions')
    >>> _group("operator.getitem"), _group("numpy.ndarray.sort")
    ('elements by their indices', 'sorting and searching')
    """
    module, _, own = name.rpartition(".")
    if module in _OF_MODULES:
        return _OF_MODULES[module]
    for group, names in _GROUPS.items():
        if own in names:
            return group
    return CALLED.get(own, "functions of whole arrays")
