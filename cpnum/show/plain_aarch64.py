"""Plain words for instructions of AArch64; their meanings are from Arm's manual, DDI 0487."""

from __future__ import annotations

import re

from cpnum.show.plain_rows import (
    COMPARISONS,
    Choice,
    Instruction,
    Operand,
    Row,
    Words,
    repeated,
    rows,
    same,
)

# -- suffixes -----------------------------------------------------------------------------------

# The kinds of lanes; the operands have their sizes.
_FLOAT = {"": "float"}
_INT = {"": "int"}
_UINT = {"": "uint"}
_BITS = {"": "bits"}
_SIZED = ("float", "int", "uint")
_SIGNED = {name: ("int", sign) for name, sign in COMPARISONS.items() if name != "ne"}
_COMPARED_FLOAT = {name: ("float", sign) for name, (_, sign) in _SIGNED.items()}
_COMPARED = _SIGNED | {"hi": ("uint", ">"), "hs": ("uint", ">=")}

# The flags are those of the comparison or test before.  DDI 0487, C1.2.4.
_CONDITIONS = {
    "eq": "equal (zero)",
    "ne": "not equal (not zero)",
    "hs": "above or equal (unsigned)",
    "lo": "below (unsigned)",
    "hi": "above (unsigned)",
    "ls": "below or equal (unsigned)",
    "mi": "less (negative)",
    "pl": "not less (not negative)",
    "ge": "greater or equal (signed)",
    "lt": "less (signed)",
    "gt": "greater (signed)",
    "le": "less or equal (signed)",
}


# -- words that depend on the operands ----------------------------------------------------------


def _bits(words: str, constant: str = "") -> Choice:
    """Add that the lanes of vectors make no difference; those of a constant do."""

    def choose(instruction: Instruction) -> str:
        first, *_, last = instruction.operands
        if not first.lane:
            return words
        if last.number is not None:
            return f"{constant}{{lanes}}"
        return f"{words}, bit by bit{' in 8 bytes' if first.size == 8 else ''}"

    return choose


def _compared(instruction: Instruction) -> str:
    return f"{{a}} = all bits 1 where {{b}} {instruction.types[1]} {{c}}, else 0{{lanes}}"


def _inverted(instruction: Instruction) -> str:
    first, second = instruction.operands
    assert second.number is not None
    return f"{{a}} = {~second.number & (1 << 8 * first.lane) - 1:#x}{{lanes}}"


def _reversed(size: int) -> Words:
    """Choose the words of a move that reverses the lanes in each so many bytes."""
    return lambda each: (
        f"{{a}} = {{b}} with each {size // each.operands[0].lane} lanes reversed{{lanes}}"
    )


def _kept(instruction: Instruction) -> str:
    """Choose the words of a move of 16 bits into a register that keeps the others."""
    operand = instruction.operands[1]
    if operand.number is None:  # a listing hides addresses
        return "{a} = {a} with 16 bits of {b}"
    bits = f"bits {operand.shift}:{operand.shift + 16}"
    return f"{{a}} = {{a}} with {bits} = {operand.number >> operand.shift:#x}"


def _moved(instruction: Instruction) -> str:
    first, second = instruction.operands
    low = "the low 8 bytes of " if second.lane and first.size == 8 else ""
    general = [each.text[0] in "xw" for each in instruction.operands]
    bits = "the bits of " if instruction.row.stem == "fmov" and any(general) else ""
    return f"{{a}} = {low}{bits}{{b}}{'{lanes}' if not second.lane else ''}"


def _load(instruction: Instruction) -> str:
    targets = " and ".join(each.text for each in instruction.operands if not each.address)
    return f"load {{amount}} from memory at {{address}} into {targets}{{after}}"


def _store(instruction: Instruction) -> str:
    sources = " and ".join(each.text for each in instruction.operands if not each.address)
    return f"store {{amount}} from {sources} to memory at {{address}}{{after}}"


def _pairs(name: str) -> Choice:
    """Choose the words of an operation on neighbours, or on all lanes of the only operand."""
    pairs = f"{{a}} = {name} of neighbours in {{b}} then {{c}}{{lanes}}"
    return lambda instruction: pairs if len(instruction.operands) == 3 else _of_all(name)


def _of_all(name: str) -> str:
    return f"{{a}} = {name} of {{count}} lanes of {{first}} in {{b}}"


def _widened(instruction: Instruction) -> str:
    return "{a} = {b}" + (" << {number}" if instruction.constant else "") + "{converted}"


def _numbers(instruction: Instruction) -> list[int]:
    return [each.number for each in instruction.operands if each.number is not None]


def _bit_is(instruction: Instruction) -> str:
    return f"go to {{c}} if bit {_numbers(instruction)[0]} of {{a}} is {{first}}"


def _shifted_field(instruction: Instruction) -> str:
    shift, width = _numbers(instruction)
    return f"{{a}} = (the low {width} bit{'s' if width > 1 else ''} of {{b}}) << {shift}"


def _copied_field(instruction: Instruction) -> str:
    start, width = _numbers(instruction)
    return f"{{a}} = {{a}} with bits 0:{width} = bits {start}:{start + width} of {{b}}"


# -- the tables ---------------------------------------------------------------------------------

GROUPS = (
    rows(
        _FLOAT,
        {
            "fadd": "{a} = {b} + {c}{lanes}",
            "fsub": "{a} = {b} - {c}{lanes}",
            "fmul": "{a} = {b} × {c}{lanes}",
            "fdiv": "{a} = {b} / {c}{lanes}",
            "fmla": "{a} = {b} × {c} + {a}{lanes}, rounded once",
            "fmls": "{a} = {a} - {b} × {c}{lanes}, rounded once",
            "fneg": "{a} = -{b}{lanes}",
            "fabs": "{a} = abs({b}){lanes}",
            "fsqrt": "{a} = sqrt({b}){lanes}",
            "fmaxnm": "{a} = fmax({b}, {c}){lanes}",
            "fminnm": "{a} = fmin({b}, {c}){lanes}",
            "frintm": "{a} = floor({b}){lanes}",
            "frintp": "{a} = ceil({b}){lanes}",
            "frintx": "{a} = rint({b}){lanes}",
            "frintz": "{a} = trunc({b}){lanes}",
            "fmov": _moved,
            "fcmp": "compare {a} with {b}",
            "fcmpe": "compare {a} with {b}; NaN is an error",
        },
    ),
    rows(
        _INT,
        {
            "add": "{a} = {b} + {c}{lanes}",
            "sub": "{a} = {b} - {c}{lanes}",
            "subs": "compare {b} with {c}, then {a} = {b} - {c}",
            "mul": "{a} = {b} × {c}{lanes}",
            "madd": "{a} = {b} × {c} + {d}",
            "mls": "{a} = {a} - {b} × {c}{lanes}",
            "sdiv": "{a} = {b} / {c}, 0 if {c} is 0",
            "neg": "{a} = -{b}{lanes}",
            "abs": "{a} = abs({b}){lanes}",
            "smax": "{a} = max({b}, {c}){lanes}",
            "smin": "{a} = min({b}, {c}){lanes}",
            "shl": "{a} = {b} << {number}{lanes}",
            "lsl": "{a} = {b} << {number}",
            "sshr": "{a} = {b} >> {number}{lanes}",
            "sshl": "{a} = {b} << {c}, or >> if negative{lanes}",
            "addp": _pairs("the sum"),
            "addv": _of_all("the sum"),
            "cmtst": same(
                "{a} = all bits 1 where {b} != 0, else 0{lanes}",
                "{a} = all bits 1 where ({b} & {c}) != 0, else 0{lanes}",
            ),
            "cmp": "compare {a} with {b}",
            "tst": "compare {a} & {b} with 0",
        },
    ),
    rows(
        _UINT,
        {
            "umax": "{a} = max({b}, {c}){lanes}",
            "umin": "{a} = min({b}, {c}){lanes}",
            "umaxp": _pairs("the larger"),
            "umaxv": _of_all("the largest"),
            "ushr": "{a} = {b} >> {number}{lanes}",
            "lsr": "{a} = {b} >> {number} (unsigned)",
            "usra": "{a} = {a} + ({b} >> {number}){lanes}",
            "ushl": "{a} = {b} << {c}, or >> if negative{lanes}",
        },
    ),
    rows(_COMPARED_FLOAT, {"fcm": _compared}),
    rows(_COMPARED, {"cm": _compared}),
    rows(
        _BITS,
        {
            "and": _bits("{a} = {b} & {c}"),
            "bic": _bits("{a} = {b} & ~{c}", "{a} = {a} & ~{b}"),
            "orr": _bits("{a} = {b} | {c}", "{a} = {a} | {b}"),
            "orn": _bits("{a} = {b} | ~{c}"),
            "eor": _bits("{a} = {b} ^ {c}"),
            "mvn": _bits("{a} = ~{b}"),
            "bsl": _bits("{a} = {b} where {a} is 1, else {c}"),
            "bit": _bits("{a} = {b} where {c} is 1, else {a}"),
            "bif": _bits("{a} = {b} where {c} is 0, else {a}"),
            "dup": repeated("{b}"),
            "movi": "{a} = {b}{lanes}",
            "mvni": _inverted,
            "mov": _moved,
            "movk": _kept,
            "zip1": "{a} = the low halves of {b} and {c} in turn{lanes}",
            "uzp1": "{a} = {b}[:{count}:2] then {c}[:{count}:2]{lanes}",
            "ext": "{a} = {b}[{number}:{count}] then {c}[:{number}]{lanes}",
            "rev16": _reversed(2),
            "rev32": _reversed(4),
            "rev64": _reversed(8),
        },
    ),
    rows({"": ("int", "uint")}, {"umov": "{a} = {b}, {second}"}),
    rows({"": ("float", "int")}, {"scvtf": "{a} = {b}{converted}"}),
    rows({"": ("float", "uint")}, {"ucvtf": "{a} = {b}{converted}"}),
    rows({"": ("int", "float")}, {"fcvtzs": "{a} = trunc({b}){converted}"}),
    rows(
        {"": ("float", "float")},
        {
            "fcvtl": "{a} = {b}{converted}",
            "fcvtl2": "{a} = {b}[{count}:]{converted}",
            "fcvtn": "{a} = {b}{converted}",
            "fcvtn2": "{a}[{count}:] = {b}{converted}",
        },
    ),
    rows({"": ("int", "int")}, {"sshll": _widened, "xtn": "{a} = low bits of {b}{converted}"}),
    rows(
        {"": ("int", "int")},
        {
            "sshll2": _widened,
            "saddw": "{a} = {b} + {c}, {c} widened",
            "ssubw": "{a} = {b} - {c}, {c} widened",
        },
    ),
    rows({"": ("uint", "uint")}, {"ushll": _widened, "usubw": "{a} = {b} - {c}, {c} widened"}),
    rows(
        {"": "uint"},
        {
            "uhadd": "{a} = ({b} + {c}) >> 1{lanes}",
            "urhadd": "{a} = ({b} + {c} + 1) >> 1{lanes}",
        },
    ),
    rows({"r": "", "rb": "uint8", "p": "", "1": ""}, {"ld": _load}),
    rows({"r": "", "ur": "", "rb": "uint8", "p": "", "1": ""}, {"st": _store}),
    rows(
        _BITS,
        {"ld1r": "load {amount} from memory at {address} into {count} lanes of {a}{after}"},
    ),
    rows(
        {f".{name}": said for name, said in _CONDITIONS.items()},
        {"b": "go to {a} if {first}"},
    ),
    rows({"z": "==", "nz": "!="}, {"cb": "go to {b} if {a} {first} 0"}),
    rows({"z": "0", "nz": "1"}, {"tb": _bit_is}),
    rows({"": "", "p": "of the page "}, {"adr": "{a} = the address {first}{b}"}),
    rows(
        {"": ""},
        {
            "b": "go to {a}",
            "bl": "call the code at {a}",
            "ret": "return",
            "csetm": "{a} = -1 if {b}, else 0",
            "csel": "{a} = {b} if {d}, else {c}",
            "csinc": "{a} = {b} if {d}, else {c} + 1",
            "ubfiz": _shifted_field,
            "bfxil": _copied_field,
            "mrs": "{a} = the floating-point state ({b})",
            "msr": "the floating-point state ({a}) = {b}",
        },
    ),
)
ROWS: dict[str, Row] = {name: row for group in GROUPS for name, row in group.items()}


# -- operands -----------------------------------------------------------------------------------

_LETTERS = {"b": 1, "h": 2, "s": 4, "d": 8, "q": 16, "x": 8, "w": 4}
_SEPARATOR = re.compile(r", (?![^\[]*\])")
_VECTOR = re.compile(r"\{?(v\d+)\.(\d*)([bhsd])\}?(?:\[(\w+)\])?")
_MEMORY = re.compile(r"\[(.+)\](!?)")
_SHIFT = re.compile(r"(lsl|msl|sxtw|uxtw)(?: #(\w+))?")


def _operand(text: str) -> Operand:
    if found := _VECTOR.fullmatch(text):
        name, count, letter, lane = found.groups()
        size = _LETTERS[letter]
        if lane is not None:
            return Operand(f"{name}.{letter}[{int(lane, 0)}]", size)
        return Operand(name, size * int(count), size)
    if text.startswith("#"):
        text = text[1:]
        if "." in text:
            return Operand(repr(float(text)))
        return Operand(
            f"{int(text, 0):#x}" if "x" in text else str(int(text, 0)), number=int(text, 0)
        )
    if text in ("xzr", "wzr"):
        return Operand("0", _LETTERS[text[0]])
    known = re.fullmatch(r"[bhsdqxw]\d+", text)
    return Operand(_CONDITIONS.get(text, text), _LETTERS[text[0]] if known else 8)


def _shifted(operand: Operand, kind: str, shift: int) -> Operand:
    """Return an operand with a shift: of a register, a product, of a number, its value."""
    if operand.number is None:
        times = f" × {1 << shift}" if shift else ""
        return Operand(f"{'signed ' if kind == 'sxtw' else ''}{operand.text}{times}", operand.size)
    number = operand.number << shift
    number |= (1 << shift) - 1 if kind == "msl" else 0
    return Operand(f"{number:#x}", number=number, shift=shift)


def _listed(text: str) -> list[Operand]:
    """Return the operands, each with the shift that stands behind it."""
    operands: list[Operand] = []
    for each in re.split(_SEPARATOR, text):
        if found := _SHIFT.fullmatch(each):
            operands[-1] = _shifted(operands[-1], found[1], int(found[2] or "0", 0))
        elif found := _MEMORY.fullmatch(each):
            address = " + ".join(part.text for part in _listed(found[1])).replace("+ -", "- ")
            operands.append(Operand(f"memory[{address}]", address=address))
        else:
            operands.append(_operand(each))
    return operands


def words(text: str) -> str:
    """Return the words for an instruction, nothing if it is in no table.

    >>> words("fmla v3.4s, v2.4s, v4.4s")
    'v3 = v2 × v4 + v3, in 4 lanes of float32, rounded once'
    >>> words("ldr d10, [x9, w11, sxtw #3]")
    'load 8 bytes from memory at x9 + signed w11 × 8 into d10'
    """
    name, _, rest = text.partition(" ")
    row = ROWS.get(name)
    if row is None:
        return ""
    operands = _listed(rest) if rest else []
    after = ""
    places = [at for at, each in enumerate(operands) if each.address]
    if places and len(operands) > places[0] + 1:
        step = operands.pop().text
        base = operands[places[0]].address
        after = f", then {base} = {base} + {step}"
    elif rest.endswith("!"):
        address = operands[places[0]].address
        after = f", then {address.partition(' ')[0]} = {address}"
    registers = operands[: places[0]] if places else operands
    vectors = [each for each in registers if each.lane]
    count = min((each.size // each.lane for each in vectors), default=0)
    return Instruction(
        row, tuple(operands), _types(row, registers), count, _amount(row, registers), after=after
    ).words()


def _type(kind: str, operand: Operand) -> str:
    bits = 8 * (operand.lane or operand.size)
    return f"{bits} bits" if kind == "bits" else f"{kind}{bits}" if kind in _SIZED else kind


def _types(row: Row, registers: list[Operand]) -> tuple[str, ...]:
    """Return what the suffix means, with the sizes of the operands."""
    if len(row.suffix) == 1:  # one register may be a scalar
        registers = [each for each in registers if each.lane] or registers
    if not registers:
        return row.suffix
    return tuple(_type(*each) for each in zip(row.suffix, registers, strict=False))


def _amount(row: Row, registers: list[Operand]) -> str:
    """Return how much a load or a store moves."""
    if row.suffix[0] == "uint8":
        return "1 uint8"
    if registers and registers[0].text[0] in "xw":
        return f"{len(registers)} int{8 * registers[0].size}"
    size = sum(each.lane or each.size for each in registers)
    return f"{size} bytes" if size > 1 else "1 byte"
