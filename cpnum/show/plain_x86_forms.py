"""Plain words for x86-64 that depend on the operands, or on a constant with a meaning."""

from __future__ import annotations

from collections.abc import Callable

from cpnum.show.plain_rows import Choice, Instruction, moved, repeated

# -- arithmetic ---------------------------------------------------------------------------------


def compared(instruction: Instruction) -> str:
    """Choose the words of a comparison: into a mask, or into the lanes of a vector."""
    kind, condition = instruction.types
    if instruction.operands[0].text.startswith("k"):
        return f"{{a}} = ({condition}){{lanes}}"
    if instruction.repeats and condition == "{b} == {c}" and "int" in kind:
        return "{a} = all bits 1"
    return f"{{a}} = all bits 1 where {condition}, else 0{{lanes}}"


def fused(words: str) -> Choice:
    """Choose which operands are the factors x and y, and which one is the term z."""

    def choose(instruction: Instruction) -> str:
        x, y, z = (f"{{{each}}}" for each in instruction.types[1])
        return f"{{a}} = {words.format(x=x, y=y, z=z)}{{lanes}}, rounded once"

    return choose


def integer(words: str) -> Choice:
    """Add the type of an integer in memory."""

    def choose(instruction: Instruction) -> str:
        memory = instruction.memory
        return f"{words}, int{8 * memory.size}" if memory else words

    return choose


def product(instruction: Instruction) -> str:
    """Choose the words of a product, of two operands or of the last two of three."""
    words = "{a} = {b} × {c}" if len(instruction.operands) == 3 else "{a} = {a} × {b}"
    return integer(words)(instruction)


# -- constants with a meaning -------------------------------------------------------------------


def rounded(instruction: Instruction) -> str:
    """Choose the words of a rounding to integers, or to some bits behind the point."""
    number = instruction.constant
    name = "rint" if number & 4 else ("rint", "floor", "ceil", "trunc")[number & 3]
    times, over = (f" {sign} 2**{number >> 4}" if number >> 4 else "" for sign in "×/")
    return f"{{a}} = {name}({{b}}{times}){over}{{lanes}}"


_CLASSES = {
    0x81: "NaN",
    0x01: "a quiet NaN",
    0x80: "a signaling NaN",
    0x06: "0",
    0x02: "+0",
    0x04: "-0",
    0x18: "infinite",
    0x08: "+inf",
    0x10: "-inf",
    0x20: "subnormal",
    0x40: "finite negative",
}


def classified(instruction: Instruction) -> str:
    """Choose the words of a test for classes of numbers, a bit for each class."""
    number, names = instruction.constant, []
    for bits, name in _CLASSES.items():
        if number & bits == bits:
            number ^= bits
            names.append(name)
    return f"{{a}} = ({{b}} is {' or '.join(names)}){{lanes}}"


# Bit 4 * a + 2 * b + c of the constant is the result for bits a, b and c.
TERNARY = {
    0x0F: "~{a}",
    0x28: "({a} ^ {b}) & {c}",
    0x48: "({a} ^ {c}) & {b}",
    0x60: "({b} ^ {c}) & {a}",
    0x6C: "{a} & {c} ^ {b}",
    0x78: "{b} & {c} ^ {a}",
    0x96: "{a} ^ {b} ^ {c}",
    0xBE: "{a} ^ {b} | {c}",
    0xCA: "{b} if {a} else {c}",
    0xE0: "({b} | {c}) & {a}",
    0xE2: "{a} if {b} else {c}",
    0xE4: "{a} if {c} else {b}",
    0xEA: "{a} & {b} | {c}",
    0xF6: "{b} ^ {c} | {a}",
    0xF8: "{b} & {c} | {a}",
}


def ternary(instruction: Instruction) -> str:
    """Choose the words of an operation on three bits whose results are the constant's bits."""
    number = instruction.constant
    if number == 0xFF:
        return "{a} = all bits 1{masked}"
    table = f"the bits of {number:#04x} that {{a}}, {{b}} and {{c}} number"
    return f"{{a}} = {TERNARY.get(number, table)}{{bits}}"


# -- parts of vectors ---------------------------------------------------------------------------


def in_blocks(words: str) -> Choice:
    """Add that a wide vector is taken as vectors of 16 bytes."""
    blocks = ", in each 16 bytes"
    return lambda instruction: words + (blocks if instruction.operands[0].size > 16 else "")


def part(words: str) -> Choice:
    """Choose the bytes of a part, which is as wide as the narrowest operand."""

    def choose(instruction: Instruction) -> str:
        size = min(each.size for each in instruction.operands if each.size)
        start = size * instruction.constant
        return words.format(bytes=f"bytes {start}:{start + size}")

    return choose


def half(bytes_: str) -> Choice:
    """Choose the words of a move of 8 bytes: a store, or a load that keeps the other bytes."""
    store = f"store bytes {bytes_} of {{b}} to memory at {{address}}"
    load = f"{{a}} = {{b}} with bytes {bytes_} = {{c}}"
    return lambda instruction: store if instruction.operands[0].address else load


def inserted(instruction: Instruction) -> str:
    """Choose the words of an insertion of one float32; the constant names lanes, and zeros."""
    number = instruction.constant
    source = "" if instruction.memory else f"[{number >> 6}]"
    zeros = ", ".join(str(each) for each in range(4) if number >> each & 1)
    others = f", 0 in lanes {zeros}" if zeros else ""
    return f"{{a}} = {{b}} with lane {number >> 4 & 3} = {{c}}{source}{others}, of {{first}}"


def one_lane(instruction: Instruction) -> str:
    """Choose the words of a move of lane 0; the other lanes of a vector become 0, or are kept."""
    first, second, *others = instruction.operands
    if others:
        return "{a} = {b} with lane 0 = {c}[0], of {first}"
    if first.lane and not second.address:
        lane = "[0]" if second.lane else ""
        return f"{{a}} = [{{b}}{lane}{', 0' * (instruction.count - 1)}], of {{first}}"
    return moved("{b}[0]", ", of {first}")(instruction)


def broadcast(instruction: Instruction) -> str:
    """Choose the words for one value that becomes that of all lanes."""
    if instruction.memory:
        return "load {amount} from memory at {address} into {count} lanes of {a}{where}"
    return repeated("{b}[0]" if instruction.operands[1].lane else "{b}")(instruction)


# -- permutations -------------------------------------------------------------------------------

# From the count of lanes, the constant and the block's number, an operand and a lane for each lane.
Pick = Callable[[int, int, int], list[tuple[str, int]]]


def picked(block: int, pick: Pick) -> Choice:
    """Choose the lanes that the constant names, for each `block` of bytes."""

    def choose(instruction: Instruction) -> str:
        count = block // instruction.operands[0].lane
        parts: list[tuple[str, list[str]]] = []
        is_one = instruction.operands[1].text == instruction.operands[2].text
        for at in range(instruction.count // count):
            for source, lane in pick(count, instruction.constant, at):
                source = "b" if is_one else source
                if not parts or parts[-1][0] != source:
                    parts.append((source, []))
                parts[-1][1].append(str(count * at + lane))
        text = " then ".join(f"{{{source}}}[{', '.join(lanes)}]" for source, lanes in parts)
        return f"{{a}} = {text}{{lanes}}"

    return choose


def any_lanes(count: int, number: int, block: int) -> list[tuple[str, int]]:
    """Pick each lane from b.

    >>> any_lanes(4, 0b11_10_10_00, 0)
    [('b', 0), ('b', 2), ('b', 2), ('b', 3)]
    """
    return [("b", number >> 2 * each & 3) for each in range(count)]


def shuffled(count: int, number: int, block: int) -> list[tuple[str, int]]:
    """Pick the lower half of the lanes from b, the upper half from c.

    >>> shuffled(4, 0b11_10_01_00, 0)
    [('b', 0), ('b', 1), ('c', 2), ('c', 3)]
    """
    if count == 2:  # the constant has a bit for each lane of the vector
        return [("b", number >> 2 * block & 1), ("c", number >> 2 * block + 1 & 1)]
    return [("bbcc"[each], number >> 2 * each & 3) for each in range(count)]


def quarters(instruction: Instruction) -> str:
    """Choose the quarters of b, then those of c, that the constant names."""
    first, second, third, last = [instruction.constant >> 2 * each & 3 for each in range(4)]
    if instruction.operands[1].text == instruction.operands[2].text:
        return f"{{a}} = the quarters {first}, {second}, {third}, {last} of {{b}}{{masked}}"
    return (
        f"{{a}} = the quarters {first}, {second} of {{b}} then {third}, {last} of {{c}}{{masked}}"
    )


def permuted(block: int, otherwise: Choice) -> Choice:
    """Choose lanes by the constant, or by the lanes of another vector."""
    by_constant = picked(block, any_lanes)
    return lambda each: (otherwise if each.operands[-1].number is None else by_constant)(each)


def numbered(instruction: Instruction) -> str:
    """Choose the words of a permutation by the lanes of a vector."""
    return "{a}[i] = {c}[{b}[i] % {count}]{lanes}"


def numbered_in_two(instruction: Instruction) -> str:
    """Choose the words of a permutation of two vectors by the lanes of a third one."""
    return f"{{a}}[i] = ({{a}} then {{c}})[{{b}}[i] % {2 * instruction.count}]{{lanes}}"


def two_by_numbers(instruction: Instruction) -> str:
    """Choose the words of such a permutation whose result overwrites the lanes that choose."""
    return f"{{a}}[i] = ({{b}} then {{c}})[{{a}}[i] % {2 * instruction.count}]{{lanes}}"
