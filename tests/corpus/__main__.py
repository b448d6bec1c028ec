"""Prints how many functions of other packages run: `python -m tests.corpus [pvlib sympy ...]`."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

os.environ["CPNUM_CHECK"] = "1"  # each kernel is checked, as in tests; before cpnum is imported

from . import lambdified
from .arguments import WAYS, arguments, parameters_of
from .packages import PACKAGES, Case, cases_of
from .trying import Outcome, attempt, expected, family

_NAMES = (*(package.name for package in PACKAGES), "sympy")
_KINDS = ("runs", "refused", "differs")
ROUNDS = (0, 1)


@dataclass(frozen=True)
class Tried:
    """A function with one kind of arguments, and what became of it."""

    package: str
    name: str
    way: str
    outcome: Outcome


def functions(package: str) -> Iterator[Case]:
    if package == "sympy":
        yield from lambdified.cases()
    else:
        yield from cases_of(next(each for each in PACKAGES if each.name == package))


def tried(package: str, case: Case) -> Iterator[Tried]:
    """Yield what becomes of a function, for each kind of arguments that NumPy runs it on."""
    try:
        names = parameters_of(case.function)
    except (TypeError, ValueError):  # it has no signature
        return
    for way in WAYS if names else ():
        rounds = [arguments(names, way, round_, case.patterns) for round_ in ROUNDS]
        known = expected(case.function, rounds)
        if known is not None:
            yield Tried(package, case.name, way, attempt(case.function, rounds, known))


def table(found: Sequence[Tried], packages: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a table: functions that NumPy runs, and how many of them run here."""
    head = ("package", "way", "tried", *_KINDS, "share")
    yield "{:<16}{:<16}{:>6}{:>8}{:>9}{:>9}{:>8}".format(*head)
    for package in (*packages, "all"):
        for way in WAYS:
            counts = Counter(
                each.outcome.kind
                for each in found
                if each.way == way and package in (each.package, "all")
            )
            if total := counts.total():
                numbers = [counts[kind] for kind in _KINDS]
                share = f"{100 * counts['runs'] / total:.1f} %"
                yield "{:<16}{:<16}{:>6}{:>8}{:>9}{:>9}{:>8}".format(
                    package, way, total, *numbers, share
                )


def reasons(found: Sequence[Tried]) -> Iterator[str]:
    """Yield for what functions are refused: the most frequent reason first, with an example."""
    counts: dict[str, list[Tried]] = {}
    for each in found:
        if each.outcome.kind == "refused":
            counts.setdefault(family(each.outcome.reason), []).append(each)
    for reason, group in sorted(counts.items(), key=lambda item: -len(item[1])):
        first = group[0]
        yield f"{len(group):5}  {reason}"
        yield f"         {first.name} ({first.way})"


def main(options: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.corpus", description=__doc__)
    parser.add_argument("packages", nargs="*", metavar="package", help=f"of {', '.join(_NAMES)}; all")
    parser.add_argument("--each", action="store_true", help="print a line for each function")
    chosen = parser.parse_args(options)
    for name in chosen.packages:
        if name not in _NAMES:
            parser.error(f"no package {name}: there are {', '.join(_NAMES)}")
    packages = chosen.packages or _NAMES
    found = []
    for package in packages:
        for case in functions(package):
            for each in tried(package, case):
                found.append(each)
                if chosen.each:
                    outcome = each.outcome
                    print(f"{outcome.kind:8} {each.name} ({each.way}) {outcome.reason}", flush=True)
    wrong = [each for each in found if each.outcome.kind == "differs"]
    print(*table(found, packages), "", *reasons(found), sep="\n")
    print(*(f"differs: {each.name} ({each.way}): {each.outcome.reason}" for each in wrong), sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # packages that are imported give many
    sys.exit(main())
