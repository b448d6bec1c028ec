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
from .arguments import WAYS, arguments, form, parameters_of
from .packages import PACKAGES, Case, cases_of
from .trying import ANEW, QUIET, Outcome, attempt, expected, family

_NAMES = (*(package.name for package in PACKAGES), "sympy")
_KINDS = ("runs", "refused", "differs")
_ROW = "{:<16}{:<16}{:>6}{:>8}{:>9}{:>9}{:>6}{:>7}{:>9}"
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
    seen = set()
    for way in WAYS if names else ():
        rounds = [arguments(names, way, round_, case.patterns) for round_ in ROUNDS]
        if (filled := form(rounds[0])) in seen:
            continue
        seen.add(filled)
        known = expected(case.function, rounds)
        if known is not None:
            yield Tried(package, case.name, way, attempt(case.function, rounds, known))


def row(found: Sequence[Tried], *heads: str) -> str:
    counts = Counter(each.outcome.kind for each in found)
    notes = Counter(each.outcome.reason for each in found)
    share = f"{100 * counts['runs'] / len(found):.1f} %"
    return _ROW.format(
        *heads, len(found), *(counts[kind] for kind in _KINDS), notes[ANEW], notes[QUIET], share
    )


def table(found: Sequence[Tried], packages: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a table: functions that NumPy runs, and how many of them run here.

    Of those that run, `anew` are traced for each value of an argument, and `quiet` do not give
    NumPy's warnings about numbers that they look at.
    """
    yield _ROW.format("package", "arguments", "tried", *_KINDS, "anew", "quiet", "share")
    for package in packages:
        of_package = [each for each in found if each.package == package]
        for way in WAYS:
            if chosen := [each for each in of_package if each.way == way]:
                yield row(chosen, package, way)
    for way in WAYS:
        if chosen := [each for each in found if each.way == way]:
            yield row(chosen, "all", way)
    if found:
        yield row(found, "all", "all")


def functions_in_words(found: Sequence[Tried]) -> str:
    """Return how many functions run, whatever their arguments, and how many with some."""
    kinds: dict[str, set[str]] = {}
    for each in found:
        kinds.setdefault(f"{each.package}: {each.name}", set()).add(each.outcome.kind)
    always = sum(each == {"runs"} for each in kinds.values())
    ever = sum("runs" in each for each in kinds.values())
    return f"Of {len(kinds)} functions, {always} run with all arguments and {ever} with some."


def reasons(found: Sequence[Tried]) -> Iterator[str]:
    """Yield for what functions are refused: the most frequent reason first, with an example."""
    groups: dict[str, dict[str, Tried]] = {}
    for each in found:
        if each.outcome.kind == "refused":
            groups.setdefault(family(each.outcome.reason), {}).setdefault(each.name, each)
    for reason, group in sorted(groups.items(), key=lambda item: -len(item[1])):
        first = next(iter(group.values()))
        yield f"{len(group):5}  {reason}"
        yield f"         {first.name} ({first.way})"


def differences(found: Sequence[Tried]) -> Iterator[str]:
    for each in found:
        if each.outcome.kind == "differs":
            yield f"{each.name} ({each.way}): {each.outcome.reason}"


def main(options: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.corpus", description=__doc__)
    parser.add_argument(
        "packages", nargs="*", metavar="package", help=f"of {', '.join(_NAMES)}; all"
    )
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
    print(*table(found, packages), "", functions_in_words(found), sep="\n")
    print("", "Refused, by the number of functions:", *reasons(found), sep="\n")
    wrong = list(differences(found))
    print("", "Differ:" if wrong else "None differs.", *wrong, sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # packages that are imported give many
    sys.exit(main())
