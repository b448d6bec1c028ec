"""Speed beside the peers: four expressions, two dtypes, sizes from in-cache to memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cpnum.show.timing import Timing, measure

from .expressions import EXPRESSIONS, Expression, horner
from .peers import BOUND, CALLED, FASTMATH, check, lower_levels, prepared
from .tables import MISSED, Table, mark, power_of_ten

# The figures are for sizes from here on: below, a call costs more than its loop.
FROM_SIZE = 10_000

NOISY = "~"
_NOISE = f"{NOISY} is noisy: the spread is over a tenth"

Timings = dict[str, Timing]


def measured(
    expression: Expression, dtype: str, sizes: Sequence[int], peers: Sequence[str], seconds: float
) -> dict[int, Timings]:
    """Return the timings of an expression by size and column, each result checked before."""
    kind = np.dtype(dtype)
    made = prepared(expression, kind, peers)
    found = {}
    for size in sizes:
        arrays = expression.data(size, kind)
        out = np.empty(size, kind)
        calls = {name: each(arrays, out) for name, each in made.items()}
        check(expression, calls, arrays, out)
        found[size] = measure(calls, seconds)
    return found


def _best(timings: Timings, fastmath: bool, *starts: str) -> Timing | None:
    """Return the fastest of the columns that start so, None if there is none."""
    found = [
        timing
        for name, timing in timings.items()
        if name.startswith(starts) and (FASTMATH in name) == fastmath
    ]
    return min(found, key=lambda timing: timing.median, default=None)


def _ratio(ours: Timing, theirs: Timing | None, figure: float | None) -> str:
    if theirs is None:
        return "-"
    noisy = NOISY if ours.noisy or theirs.noisy else ""
    return mark(theirs.median / ours.median, figure or 0.0) + noisy


def _element(timing: Timing, size: int) -> str:
    return f"{timing.median / size * 1e9:.3g}{NOISY if timing.noisy else ''}"


def _times(expression: Expression, dtype: str, found: dict[int, Timings]) -> Table:
    columns = list(next(iter(found.values())))
    rows = [
        [column, *(_element(timings[column], size) for size, timings in found.items())]
        for column in columns
    ]
    return Table(
        f"{expression}, {dtype}: ns per element ({_NOISE})",
        ["", *map(power_of_ten, found)],
        rows,
    )


def _ratio_rows(
    expression: Expression, dtype: str, found: dict[int, Timings]
) -> Iterator[list[str]]:
    """Yield the rows of the summary: cpnum's speed as a multiple of others', by size."""
    levels = [f"{CALLED} {level}" for level in lower_levels()]
    others = ("NumPy", "numexpr", "Numba")
    # (whose, other columns, ours is fastmath, figure)
    lines: list[tuple[str, tuple[str, ...], bool, float | None]] = []
    for ours in (CALLED, BOUND, *levels):
        # The figures are the host level's.
        best, by_numpy, by_numba = (
            (None, None, None)
            if ours in levels
            else (expression.times_best, expression.times_numpy, expression.times_numba)
        )
        if expression.times_numpy is not None:
            lines.append((ours, ("NumPy",), False, by_numpy))
            lines.append((ours, ("Numba",), False, by_numba))
        else:
            lines.append((ours, others, False, best))
    for ours in (CALLED, BOUND):
        lines.append((f"{ours} {FASTMATH}", ("Numba",), True, expression.times_best))
    for ours, columns, fastmath, figure in lines:
        cells = [
            _ratio(
                timings[ours],
                _best(timings, fastmath, *columns),
                figure if size >= FROM_SIZE else None,
            )
            for size, timings in found.items()
        ]
        against = "best" if len(columns) > 1 else columns[0] + (" " + FASTMATH) * fastmath
        yield [
            str(expression), dtype, ours, against, "" if not figure else f"{figure:g}", *cells,
        ]  # fmt: skip


def tables(
    sizes: Sequence[int], dtypes: Sequence[str], peers: Sequence[str], seconds: float
) -> Iterator[Table]:
    """Yield the times of each expression, then the ratios of all."""
    rows: list[list[str]] = []
    for expression in EXPRESSIONS:
        for dtype in dtypes:
            found = measured(expression, dtype, sizes, peers, seconds)
            yield _times(expression, dtype, found)
            rows += _ratio_rows(expression, dtype, found)
    yield Table(
        "Speed of cpnum as a multiple of others', by number of elements",
        ["expression", "dtype", "", "of", "figure", *map(power_of_ten, sizes)],
        rows,
        [
            '"best" is the fastest of NumPy (as written, and by hand with out=), numexpr and Numba '
            "(njit, ufunc).",
            f"{MISSED} is below the figure, meant from {power_of_ten(FROM_SIZE)} elements on; "
            f"{_NOISE}",
        ],
    )


# The figure for each number of terms.
_HORNER = {30: 1.4, 100: 2.2}
_HORNER_SIZE = 30_000


def horner_tables(
    peers: Sequence[str], seconds: float, size: int = _HORNER_SIZE
) -> Iterator[Table]:
    """Yield the table of Horner's rule, whose long chain of dependent operations is interleaved."""
    wanted = tuple(peer for peer in peers if peer == "numba")
    rows: list[list[str]] = []
    for terms, figure in _HORNER.items():
        expression = horner(terms, f"Horner, {terms} terms")
        timings = measured(expression, "float64", (size,), wanted, seconds)[size]
        numba = _best(timings, False, "Numba")
        for column, timing in timings.items():
            ours = column.startswith(CALLED) and FASTMATH not in column
            host = column in (CALLED, BOUND)
            rows.append(
                [
                    str(terms),
                    column,
                    _element(timing, size),
                    _ratio(timing, numba, figure if host else None) if ours else "",
                    f"{figure:g}" if host else "",
                ]
            )
    yield Table(
        f"Horner's rule, float64, {power_of_ten(size)} elements",
        ["terms", "", "ns per element", "times Numba", "figure"],
        rows,
    )
