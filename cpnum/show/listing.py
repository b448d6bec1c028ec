"""The listing of a kernel: bytes with their holes, and the disassembly."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from cpnum.compile.emit import Code, Line, Patch
from cpnum.compile.instances import Immediate, runs
from cpnum.compile.kernel import Kernel
from cpnum.ir.nodes import Apply, Input
from cpnum.pack.disassembly import LEGEND, REGISTERS, disassembled, hex_text
from cpnum.pack.holes import bytes_of
from cpnum.show.table import Table

_HEX = 16
# Constants of more digits are tables, and are named by their offset.
_WIDEST = 2 + 2 * _HEX


# -- bytes --------------------------------------------------------------------------------------


def _marks(line: Line) -> dict[int, tuple[str, Patch | None]]:
    """Return the byte offsets in a stencil that have holes: the hole's name, and its patch."""
    marks: dict[int, tuple[str, Patch | None]]
    marks = dict.fromkeys(line.instance.stencil.register_bytes, (REGISTERS, None))
    for patch in line.patches:
        marks |= dict.fromkeys(bytes_of(patch.fields), (patch.symbol, patch))
    return marks


# -- names --------------------------------------------------------------------------------------


def _word_names(kernel: Kernel) -> dict[int, str]:
    """Return the names of the words of the argument block, by offset."""
    nest = kernel.loop_nest
    block = nest.block
    names = {}
    for at, operand in enumerate(nest.operands):
        array = operand.buffer.name
        names[block.pointer(at)] = f"<{array}.data>"
        names[block.stride(at)] = f"<inner stride of {array}>"
        names[block.outer_stride(at)] = f"<outer stride of {array}>"
        for axis in range(nest.axes - 1):
            names[block.increment(at, axis)] = f"<step of {array} along i{axis}>"
    for axis in range(nest.axes):
        names[block.extent(axis)] = f"<extent of i{axis}>"
        names[block.counter(axis)] = f"<counter of i{axis}>"
    for at, node in enumerate(nest.scalars):
        while isinstance(node, Apply) and len(node.args) == 1:
            node = node.args[0]
        name = f"scalar {at}"
        if isinstance(node, Input):
            name = kernel.graph.signature[node.parameter].name
        names[block.scalar(at)] = f"<{name}>"
    return names


class Names:
    """The meanings of the values in the holes of code; addresses differ from run to run.

    `words` are the names of the words of the argument block, by offset; other words have the name
    `other`.  `pointers` are the offsets of those that are addresses.
    """

    def __init__(
        self, words: Mapping[int, str], pointers: Collection[int] = (), other: str = ""
    ) -> None:
        self.words = words
        self.pointers = pointers
        self.other = other

    @classmethod
    def of(cls, kernel: Kernel) -> Names:
        """Return the names of a kernel's words."""
        block = kernel.loop_nest.block
        pointers = {block.pointer(at) for at in range(block.arrays)}
        return cls(_word_names(kernel), pointers, "<spilled>")

    def meaning(self, line: Line, patch: Patch) -> str:
        """Return what a patched value is, for example `table at 0x0a40`."""
        value = line.instance.values.get(patch.symbol)
        if isinstance(value, Immediate):
            return self.words[value.offset]
        if patch.symbol.startswith("SLOT"):
            word = self.words.get(patch.value, self.other)
            return f"{patch.text}, {word}" if word else patch.text
        text = str(patch.text)
        return text if len(text) <= _WIDEST else f"table at {patch.value:#06x}"

    def word(self, line: Line, patch: Patch) -> str:
        """Return the word of the call or the label that a hole is about, "" for another value."""
        found = re.search("<.*>", self.meaning(line, patch))
        if found:
            return found[0]
        return patch.text if isinstance(line.instance.values.get(patch.symbol), str) else ""

    def is_address(self, line: Line, patch: Patch) -> bool:
        """Tell whether a patched value is an address, which differs from run to run."""
        value = line.instance.values.get(patch.symbol)
        return isinstance(value, Immediate) and value.offset in self.pointers


# -- the listing --------------------------------------------------------------------------------


def code_table(kernel: Kernel, data: bytes, *, raw: bool) -> Table:
    """Return each instruction with its bytes, its holes, and its stencil."""
    architecture = kernel.loop_nest.isa.architecture
    return table_of(kernel.code, data, Names.of(kernel), architecture, raw=raw)


def table_of(code: Code, data: bytes, names: Names, architecture: str, *, raw: bool) -> Table:
    """Return each instruction of any code, as `code_table` does for a kernel."""
    rows = titled_rows(
        code, lambda line: instruction_rows(line, data, names, architecture, raw=raw)
    )
    if code.pool:
        rows.append(("constants:",))
    rows += pool_rows(code, data)
    return Table("Code", ("offset", "bytes", "assembly", "holes"), tuple(rows), LEGEND)


def titled_rows(
    code: Code, rows_of: Callable[[Line], Iterable[tuple[str, ...]]]
) -> list[tuple[str, ...]]:
    """Return the rows of each stencil below its labels and its own title."""
    labels: dict[int, list[str]] = {}
    for label, offset in code.labels.items():
        labels.setdefault(offset, []).append(label)
    rows: list[tuple[str, ...]] = []
    for line in code.lines():
        rows += [(f"{label}:",) for label in labels.pop(line.offset, ())]
        source = f"  ; {line.instance.source}" if line.instance.source else ""
        rows.append((f"{line.offset:#06x}  {line.instance}{source}",))
        rows += rows_of(line)
    rows += [(f"{label}:",) for each in labels.values() for label in each]  # behind all stencils
    return rows


def instruction_rows(
    line: Line, data: bytes, names: Names, architecture: str, *, raw: bool
) -> Iterator[tuple[str, str, str, str]]:
    """Yield each instruction of an instance: offset, bytes, assembly, meaning of its holes."""
    marks = _marks(line)
    symbols = {at: symbol for at, (symbol, _) in marks.items()}
    hidden: set[int] = set()
    for patch in line.patches:
        if names.is_address(line, patch) and not raw:
            hidden.update(bytes_of(patch.fields))
    at = 0
    stencil = data[line.offset : line.offset + line.instance.stencil.size]
    for instruction, text in disassembled(stencil, line.offset, architecture):
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
        yield offset, hex_text(instruction, at, symbols, hidden), text, "; ".join(meanings)
        at += len(instruction)


_READS = re.compile(r"(\w+) ptr \[rip ([+-]) (0x[0-9a-f]+|\d+)\]")
_SIZES = {"byte": 1, "word": 2, "dword": 4, "qword": 8, "xmmword": 16}


def _constant_read(text: str, end: int, data: bytes) -> str:
    """Return the constant that an instruction which ends at `end` reads from a table."""
    found = _READS.search(text)
    if found is None:
        return "a table"
    width, sign, distance = found.groups()
    at = end + int(f"{sign}{distance}", 0)
    size = _SIZES.get(width)
    if size is None:
        return f"a vector at {at:#06x}"
    return f"{int.from_bytes(data[at : at + size], 'little'):#x}"


def pool_rows(code: Code, data: bytes) -> Iterator[tuple[str, str, str, str]]:
    """Yield the constants behind the code, and the bytes that align them."""
    end = code.pool_start
    pool = code.pool.values()
    patches = [patch for line in code.lines() for patch in line.patches]
    texts = {patch.value: str(patch.text) for patch in patches if patch.value in pool}
    for constant, offset in code.pool.items():
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
    """Return a kernel's code: instances, bytes with their holes, and disassembly.

    Without capstone there is no disassembly.
    """
    return code_table(kernel, kernel.code.data, raw=False).text()


def hole_table(kernel: Kernel, data: bytes, *, raw: bool) -> Table:
    """Return each hole, with its bytes in the stencil and in the code."""
    names = Names.of(kernel)
    rows = [
        (offset, line.instance.stencil.name, *cells)
        for line in kernel.code.lines()
        for offset, *cells in hole_rows(line, data, names, raw=raw)
    ]
    columns = ("offset", "stencil", "hole", "before", "after", "meaning")
    return Table("Holes", columns, tuple(rows), "after: as read back from the memory that runs")


def hole_rows(
    line: Line, data: bytes, names: Names, *, raw: bool
) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield each hole of an instance: offset, name, bytes before and after, meaning."""
    instance, size = line.instance, line.instance.stencil.size
    before, after = instance.stencil.code.to_bytes(size, "little"), data[line.offset :][:size]
    marks = _marks(line)
    registers = [at for at in range(size) if marks.get(at, ("",))[0] == REGISTERS]
    if registers:
        chosen = [f"r{each}" for each in instance.registers]
        chosen += [] if instance.pointer is None else [f"p{instance.pointer}"]
        offset = f"{line.offset + registers[0]:#06x}"
        old, new = (_cut_hex([code[at] for at in registers]) for code in (before, after))
        yield offset, REGISTERS, old, new, " ".join(chosen)
    for patch in line.patches:
        for run in runs(bytes_of(patch.fields)):
            old, new = (_cut_hex([code[at] for at in run]) for code in (before, after))
            if names.is_address(line, patch) and not raw:
                new = " ".join([".."] * len(run))
            offset = f"{line.offset + run[0]:#06x}"
            yield offset, patch.symbol, old, new, names.meaning(line, patch)


def _cut_hex(data: Iterable[int]) -> str:
    digits = [f"{byte:02x}" for byte in data]
    return " ".join(digits) if len(digits) <= 8 else f"{' '.join(digits[:7])} …"
