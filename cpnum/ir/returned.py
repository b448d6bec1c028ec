"""Results as text, written and read back.

    x                   the argument itself
    x[1:], %3[1:]       a view of it, or of a computed value; x[...] is one of all elements
    x[0] as scalar      an element
    %3, 2.5:f64         a computed value
    %3 as array         one that is an array even without axes
    x as copy           an input with memory of its own
    tiles(%3 at [0:4], %5 at [4:6])   an array that is computed tile by tile
    None, 3, 'text'     a value that depends on no argument

A leaf has one text: if another object has the same, `again` is put behind it.
"""

from __future__ import annotations

import ast
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import numpy as np

from cpnum.ir.containers import container_text
from cpnum.ir.movement import Movement, Transpose
from cpnum.ir.nodes import Input, Node
from cpnum.ir.results import (
    Container,
    Fold,
    Given,
    Joined,
    Known,
    Leaf,
    Number,
    Output,
    Region,
    Results,
    Tree,
    View,
    leaves_of,
)
from cpnum.ir.signature import Signature
from cpnum.tables.dtypes import BOOL, FLOAT, INT
from cpnum.tables.reductions import BY_WORD

# The text of an integer of more bits has no decimal digits: Python refuses to write thousands.
LONG = 128


def split(text: str, separator: str) -> list[str]:
    """Split a text where the separator stands outside of brackets and quotes.

    >>> split("x[1, 2], 'a, b'", ", ")
    ['x[1, 2]', "'a, b'"]
    """
    parts, start = [], 0
    for at, depth in enumerate(_depths(text)):
        if not depth and text.startswith(separator, at):
            parts.append(text[start:at])
            start = at + len(separator)
    return [*parts, text[start:]] if text else []


def _depths(text: str) -> Iterator[int]:
    """Yield how many brackets and quotes each letter of a text is in; they are in themselves."""
    depth, quote, escaped = 0, "", False
    for letter in text:
        if quote:
            yield depth + 1
            if letter == quote and not escaped:
                quote = ""
            escaped = letter == "\\" and not escaped
        elif letter in "'\"":
            quote = letter
            yield depth + 1
        elif letter in ")]}":
            yield depth
            depth -= 1
        else:
            depth += letter in "([{"
            yield depth


# -- writing ------------------------------------------------------------------------------------


def written_results(results: Results, signature: Signature, operand: Callable[[Node], str]) -> str:
    """Return the text of results; `operand` writes a node."""
    return _tree_text(results.tree, _texts(results, signature, operand))


def written_call(results: Results, signature: Signature, operand: Callable[[Node], str]) -> str:
    """Return the text of the arguments of a call: a tuple by position, and a dict by name."""
    texts = _texts(results, signature, operand)
    assert isinstance(results.tree, Container)
    by_place, by_name = [
        [_tree_text(each, texts) for each in part.items]
        for part in results.tree.items
        if isinstance(part, Container)
    ]
    names = results.tree.items[1].keys  # type: ignore[union-attr]
    named = [f"{name}={text}" for name, text in zip(names, by_name, strict=True)]
    return ", ".join([*by_place, *named])


def written_outputs(
    results: Results, signature: Signature, operand: Callable[[Node], str]
) -> Sequence[str]:
    """Return the text of each result of a loop."""
    texts = _texts(results, signature, operand)
    return [texts[at] for at in leaves_of(results.tree)]


def _texts(results: Results, signature: Signature, operand: Callable[[Node], str]) -> Sequence[str]:
    """Return the text of each leaf."""
    texts: list[str] = []
    names = [each.name for each in signature]
    for leaf in results.leaves:
        text = _leaf_text(leaf, texts, names, operand)
        count = 0 if isinstance(leaf, Known) else _again(text, texts)
        texts.append(text + (f" again {count}" if count > 1 else " again" * count))
    return texts


def _again(text: str, before: Sequence[str]) -> int:
    return sum(each == text or re.sub(r" again( \d+)?$", "", each) == text for each in before)


def _leaf_text(
    leaf: Leaf, before: Sequence[str], names: Sequence[str], operand: Callable[[Node], str]
) -> str:
    match leaf:
        case Given(parameter):
            return names[parameter]
        case View(of, movement, boxed):
            base = before[of]
            # Of a computed value, the text does not tell the number of axes.
            named = base in names
            steps = "".join(_step_text(step, named) for step in movement) or "[...]"
            base = f"({base})" if " " in base else base
            return base + steps + ("" if boxed else " as scalar")
        case Output(node, boxed, fold):
            if fold is not None:
                return f"{fold} {operand(node)}" + (" as array" if boxed else "")
            copied = " as copy" if isinstance(node, Input) else ""
            return operand(node) + (" as array" if boxed else copied)
        case Number(node):
            return operand(node)
        case Known(value):
            return _known_text(value, names)
        case Joined(tiles):
            texts = [f"{before[of]} at {_region_text(region)}" for of, region in tiles]
            return f"tiles({', '.join(texts)})"


def _region_text(region: Region) -> str:
    ends = [":" if each is None else f"{each[0]}:{each[1]}" for each in region]
    return f"[{', '.join(ends)}]"


def _step_text(step: Movement, named: bool) -> str:
    if type(step) is Transpose and not named:
        return f".transpose{step.value}"
    return str(step)


_WEAK = {float: FLOAT, int: INT, bool: BOOL}


def _known_text(value: object, names: Sequence[str]) -> str:
    if type(value) is int and value.bit_length() > LONG:
        return hex(value)
    text = repr(value)
    if isinstance(value, complex):
        text = text.strip("()")
    elif not isinstance(value, str | bytes):
        text = re.sub(r"\s+", " ", text).replace(", ", ",")
    return f"{text}:{_WEAK[type(value)]}" if text in names and type(value) in _WEAK else text


def _tree_text(tree: Tree, texts: Sequence[str]) -> str:
    if isinstance(tree, int):
        return texts[tree]
    kind, keys, items = tree
    inner = [_tree_text(each, texts) for each in items]
    is_dict = issubclass(kind, dict)
    return container_text(kind, [_known_text(key, ()) for key in keys] if is_dict else keys, inner)


# -- reading ------------------------------------------------------------------------------------


class _Text:
    """A value of which only the text is known."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


class ResultsReader:
    """Reads the text of results.

    `named` are the nodes of names, `operand` reads a constant with its dtype, None if it is none;
    `steps` reads a movement of an array of so many axes, which `axes` has for parameters.
    """

    def __init__(
        self,
        signature: Signature,
        named: dict[str, Node],
        axes: dict[str, int],
        operand: Callable[[str], Node | None],
        steps: Callable[[str, int], Iterator[Movement]],
    ) -> None:
        self.parameters = {each.name: at for at, each in enumerate(signature)}
        self.named = named
        self.axes = axes
        self.operand = operand
        self.steps = steps
        self.leaves: list[Leaf] = []
        self.known: dict[str, int] = {}

    def read(self, text: str) -> Results:
        """Return the results that have this text."""
        tree = self.tree(text)
        return Results(tree, tuple(self.leaves))

    def tree(self, text: str) -> Tree:
        """Return the tree of a text, whose leaves are read as well."""
        match = re.fullmatch(r"(\w*)([(\[{])(.*)([)\]}])", text)
        if match is None or not _encloses(text):
            return self.leaf(text)
        name, bracket, inner = match[1], match[2], match[3]
        parts = split(inner.removesuffix(","), ", ")
        if bracket == "{":
            keys, items = self._pairs(parts, ": ")
            kind = OrderedDict if name == OrderedDict.__name__ else dict
            return Container(kind, tuple(map(_literal, keys)), items)
        if bracket == "(" and name:
            if not all(re.match(r"[^\W\d]\w*=", part) for part in parts):
                return self.leaf(text)  # the text of a value, as range(0,3)
            keys, items = self._pairs(parts, "=")
            return Container(type(name, (), {}), tuple(keys), items)
        if name:
            return self.leaf(text)  # a view, as x[1:]
        return Container(tuple if bracket == "(" else list, (), tuple(map(self.tree, parts)))

    def _pairs(self, parts: Sequence[str], separator: str) -> tuple[list[str], tuple[Tree, ...]]:
        split_parts = [split(each, separator) for each in parts]
        items = tuple([self.tree(separator.join(rest)) for _, *rest in split_parts])
        return [key for key, *_ in split_parts], items

    def leaf(self, text: str) -> int:
        """Return the number of the leaf of a text."""
        at = self.known.get(text)
        if at is None:
            leaf = self._read(re.sub(r" again( \d+)?$", "", text))
            at = self.known[text] = len(self.leaves)
            self.leaves.append(leaf)
        return at

    def _read(self, text: str) -> Leaf:
        if text.startswith("tiles(") and text.endswith(")"):
            return self._joined(split(text.removeprefix("tiles(")[:-1], ", "))
        text, _, suffix = _suffixed(text)
        folded = re.fullmatch(_FOLD, text)
        if folded is not None:
            scans, word, ddof, converts, start, axes, keeps, of = folded.groups()
            fold = Fold(
                BY_WORD[word],
                ast.literal_eval(axes),
                keeps is not None,
                ddof=None if ddof is None else int(ddof),
                converts=converts is not None,
                scans=scans is not None,
                initial=None if start is None else cast(float, _literal(start)),
            )
            folded_node = self.named.get(of) or self.operand(of)
            assert folded_node is not None
            return Output(folded_node, suffix == "array", fold)
        base, rest = _base(text)
        if base in self.parameters or base in self.named:
            if rest:
                of = self.leaf(base)
                steps = () if rest == "[...]" else self.steps(rest, self.axes.get(base, 0))
                return View(of, tuple(steps), suffix != "scalar")
            node = self.named.get(base)
            if base in self.parameters and not suffix:
                return Given(self.parameters[base])
            assert node is not None
            return Number(node) if node.dtype.weak else Output(node, suffix == "array")
        if base.startswith("("):
            steps = () if rest == "[...]" else self.steps(rest, 0)
            return View(self.leaf(base[1:-1]), tuple(steps), suffix != "scalar")
        node = self.operand(text)
        if node is not None:
            return Output(node, suffix == "array")
        return Known(_literal(text))

    def _joined(self, parts: Sequence[str]) -> Joined:
        tiles = []
        for part in parts:
            text, _, region = part.rpartition(" at ")
            ends = [axis.split(":") for axis in region[1:-1].split(", ")]
            tiles.append(
                (self.leaf(text), tuple([(int(a), int(b)) if b else None for a, b in ends]))
            )
        return Joined(tuple(tiles))


# A fold: sum over (0, 1) of %2, sum / (n - 1) over (0,) kept of x, or max from -1.5 over (0,) of x
_FOLD = (
    r"(running )?(\w+)(?: / \(n - (\d+)\))?( in pieces)?(?: from (\S+))?"
    r" over (\([\d, ]+\))( kept)? of (.*)"
)


def _suffixed(text: str) -> tuple[str, str, str]:
    match = re.fullmatch(r"(.*)( as )(array|copy|scalar)", text)
    return (text, "", "") if match is None else (match[1], match[2], match[3])


def _base(text: str) -> tuple[str, str]:
    """Return the leaf that a view is of, and the movement.

    >>> _base("x[1:].T"), _base("(%3 as array)[...]"), _base("%3")
    (('x', '[1:].T'), ('(%3 as array)', '[...]'), ('%3', ''))
    """
    if text.startswith("("):
        depths = list(_depths(text))
        end = 1 + next(
            (at for at, each in enumerate(depths) if at and each == 1 and text[at] == ")")
        )
    else:
        match = re.match(r"[^.\[(]+", text)
        end = 0 if match is None else match.end()
    return text[:end], text[end:]


def _encloses(text: str) -> bool:
    """Tell whether the first bracket of a text is closed by its last letter.

    >>> _encloses("(x, y)"), _encloses("(x as copy)[1:]")
    (True, False)
    """
    for at, (letter, depth) in enumerate(zip(text, _depths(text), strict=True)):
        if letter in ")]}" and depth == 1:
            return at == len(text) - 1
    return False


def _literal(text: str) -> object:
    value, _, weak = text.rpartition(":")
    if weak in ("float", "int", "bool") and value:
        text = value
    numpy = re.fullmatch(r"np\.(\w+)\((.*)\)", text)
    if numpy is not None and numpy[1] in np.sctypeDict:
        return np.dtype(numpy[1]).type(_literal(numpy[2]))
    if text in ("inf", "-inf", "nan"):
        return float(text)
    try:
        return int(text, 16) if text.lstrip("-").startswith("0x") else ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return _Text(text)
