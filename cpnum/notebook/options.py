"""The options of the magics: what they are called, how a line is read, and their completion."""

# IPython's functions have no annotations.
# mypy: allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import argparse
import difflib
import keyword
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher
from IPython.core.error import UsageError
from IPython.core.magic_arguments import argument

from cpnum.show.report import PARTS
from cpnum.tables.isa import LEVELS


class Option(NamedTuple):
    """An option of a magic: its names, its help, and the values it takes.

    `takes` is the word for its value in the help, "" for an option that is there or not; `values`
    are those that there are, if they can be listed.
    """

    names: tuple[str, ...]
    help: str
    takes: str = ""
    values: tuple[str, ...] = ()
    default: Any = None
    type: Callable[[str], Any] = str

    def decorator(self) -> Any:
        """Return the decorator that gives a magic this option."""
        if not self.takes:
            return argument(*self.names, action="store_true", help=self.help)
        return argument(
            *self.names,
            metavar=self.takes,
            default=self.default,
            type=self.type,
            choices=self.values or None,
            help=self.help,
        )


def sizes_of(text: str) -> list[int]:
    """Return the sizes that are written as `1e3,1e5`, or as a range `1e3:1e6`.

    Raises:  ArgumentTypeError if the text is none of these.

    >>> sizes_of("10,1e3"), sizes_of("1e2:1e4")
    ([10, 1000], [100, 300, 1000, 3000, 10000])
    """
    first, colon, last = text.partition(":")
    try:
        if not colon:
            return [int(float(each)) for each in text.split(",")]
        low, high = int(float(first)), int(float(last))
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text} is not as 1e3,1e5 or 1e3:1e6") from None
    if not 1 <= low <= high:
        raise argparse.ArgumentTypeError(f"there are no sizes from {first} to {last}")
    between = [step * 10**power for power in range(len(str(high))) for step in _STEPS]
    return sorted({low, high, *(each for each in between if low < each < high)})


# Of each power of ten.
_STEPS = (1, 3)

# A part of `--show` may be one of many letters, so its values are only completed.
_PARTS = ", ".join(f"{letter} {name}" for letter, name in PARTS.items())

OPTIONS = (
    Option(("-s", "--show"), f"the parts that are shown, by letter or name: {_PARTS}", "STAGES"),
    Option(("-f", "--function"), "show the last call of this function", "NAME"),
    Option(("--signature",), "compile for a signature, without a call: 'f64[:], float'", "TEXT"),
    Option(("-b", "--bench"), "compare with NumPy and the peers that are installed, in detail"),
    Option(("-n",), "how many calls a sample times", "LOOPS", default=1, type=int),
    Option(("-r",), "how many samples are timed", "ROUNDS", default=11, type=int),
    Option(("--no-time",), "leave out the times, for which functions run again"),
    Option(("-o", "--out"), "keep the report in this variable", "NAME"),
    Option(("-q", "--quiet"), "show no report"),
    Option(("-T", "--to"), "write the report to a file: .html, .json, or text", "FILE"),
    Option(("--text",), "show the report as text"),
    Option(("--explain",), "put plain words beside the instructions"),
    Option(("--bound",), "show the code of the bound call as well"),
    Option(("--isa",), "the ISA level of the code", "LEVEL", tuple(LEVELS)),
    Option(("--fastmath",), "allow contraction and reassociation"),
    Option(
        ("--precision",),
        "how exact elementary functions are: 1 ULP, or 4 where that is faster",
        "HOW",
        ("full", "fast"),
        "full",
    ),
    Option(
        ("--accuracy",),
        "how exact sums are: as NumPy's, or as with twice the precision",
        "HOW",
        ("numpy", "compensated"),
        "numpy",
    ),
    Option(
        ("--fallback",),
        "what becomes of calls that cannot be compiled",
        "HOW",
        ("error", "numpy"),
        "error",
    ),
)


# The options of `%cpbench`; `read_line` and `complete` serve both.
BENCH_OPTIONS = (
    Option(
        ("-n", "--sizes"),
        "numbers of elements that arrays are repeated or cut to: 1e3,1e5 or 1e3:1e7",
        "SIZES",
        type=sizes_of,
    ),
    Option(("-r", "--repeat"), "take R samples of each, not for 0.2 s", "R", type=int),
    Option(("--against",), "of numpy,numexpr,numba: those that are installed", "NAMES"),
    Option(("--threads",), "of numexpr and Numba", "N", default=1, type=int),
    Option(("--cpu-time",), "do not count the time of other programs"),
    Option(("-p", "--plot"), "draw the times by size, or by calls"),
    Option(("-q", "--quiet"), "show no table and no progress"),
    Option(("-o", "--out"), "keep the result in this variable", "NAME"),
)

_MAGICS = {"%cpjit": OPTIONS, "%%cpjit": OPTIONS, "%cpbench": BENCH_OPTIONS}


def with_options(options: Sequence[Option]) -> Callable[[Any], Any]:
    """Return a decorator that gives a magic options, in their order."""

    def decorate(function: Any) -> Any:
        for option in reversed(options):
            function = option.decorator()(function)
        return function

    return decorate


def read_line(magic: Any, line: str, name: str) -> tuple[Any, str]:
    """Return the options of a line of a magic, and the expression behind them.

    Raises:  UsageError if an option is not known, has a wrong value, or lacks its value.
    """
    words, rest = _options_of(line, name)
    try:
        options = magic.parser.parse_args(words)
    except UsageError as error:
        raise UsageError(f"{name}: {error}") from None
    if options.out and (not options.out.isidentifier() or keyword.iskeyword(options.out)):
        raise UsageError(f"{name}: {options.out} is not a name")
    return options, rest


def _options_of(line: str, name: str) -> tuple[list[str], str]:
    """Split a line into the words of its options and the rest, which is an expression."""
    words: list[str] = []
    rest = line.strip()
    while rest.startswith("-"):
        word, rest = _first_word(rest, name)
        word, equals, value = word.partition("=")
        option = _named(word, name)
        words.append(word)
        if option.takes:
            if not equals:
                if not rest:
                    raise UsageError(f"{name}: {word} takes a value: {word} {option.takes}")
                value, rest = _first_word(rest, name)
            words.append(value)
        elif equals:
            raise UsageError(f"{name}: {word} takes no value")
    return words, rest


def _first_word(line: str, name: str) -> tuple[str, str]:
    """Return the first word of a line, or what is in quotes there, and the rest of the line."""
    quote = line[0] if line[0] in "'\"" else ""
    if quote:
        end = line.find(quote, 1)
        if end < 0:
            raise UsageError(f"{name}: No closing quotation")
        return line[1:end], line[end + 1 :].strip()
    word, _, rest = line.partition(" ")
    return word, rest.strip()


def _named(word: str, name: str) -> Option:
    for option in _MAGICS[name]:
        if word in option.names:
            return option
    names = [each for option in _MAGICS[name] for each in option.names]
    near = difflib.get_close_matches(word, names, 1)
    meant = f", did you mean {near[0]}?" if near else f", `{name}?` lists the options"
    raise UsageError(f"{name}: there is no option {word}{meant}")


# -- completion ---------------------------------------------------------------------------------


@context_matcher()
def complete(context: CompletionContext) -> Any:
    """Return how the line of a magic goes on, which IPython asks of a matcher.

    Behind an option that takes one of some values these are returned, else the options, if a word
    with a dash was begun.
    """
    *words, begun = context.text_until_cursor.split(" ")
    texts: Iterable[str] = ()
    options = _MAGICS.get(words[0], ()) if words else ()
    if options:
        texts = _values(words[-1], options)
        if not texts and begun.startswith("-"):
            texts = [name for option in options for name in option.names]
    found = [SimpleCompletion(each) for each in texts if each.startswith(begun)]
    # No names of Python besides.
    return {"completions": found, "suppress": bool(found)}


def _values(word: str, options: Sequence[Option]) -> tuple[str, ...]:
    for option in options:
        if word in option.names:
            return tuple(PARTS.values()) if "--show" in option.names else option.values
    return ()
