"""Plain words for instructions of x86-64; their meanings are from Intel's SDM, volume 2."""

from __future__ import annotations

import re

from cpnum.show.plain_rows import COMPARISONS, Instruction, Operand, Row, moved, rows, same
from cpnum.show.plain_x86_forms import (
    any_lanes,
    broadcast,
    classified,
    compared,
    fused,
    half,
    in_blocks,
    inserted,
    integer,
    numbered,
    numbered_in_two,
    one_lane,
    part,
    permuted,
    picked,
    product,
    quarters,
    rounded,
    shuffled,
    ternary,
    two_by_numbers,
)

# -- suffixes -----------------------------------------------------------------------------------

_FLOAT = {"pd": "float64", "ps": "float32"}
_ONE_FLOAT = {"sd": "float64", "ss": "float32"}
_INT = {"b": "int8", "w": "int16", "d": "int32", "q": "int64"}
_UINT = {suffix: f"u{name}" for suffix, name in _INT.items()}
_MASK = {"b": "8", "w": "16", "d": "32", "q": "64"}
_PARTS = {
    f"{letter}{bits}x{count}": f"{name}{bits}"
    for letter, name in (("f", "float"), ("i", "int"))
    for bits, count in ((32, 4), (64, 2), (32, 8), (64, 4))
}
# The type after a conversion, and before it.
_NAMES = _FLOAT | {"dq": "int32", "qq": "int64"}
_CONVERTED = {f"{a}2{b}": (_NAMES[b], _NAMES[a]) for a in _NAMES for b in _NAMES if a != b}
_STEPS = (("b", "w"), ("b", "d"), ("b", "q"), ("w", "d"), ("w", "q"), ("d", "q"))
_WIDER = {a + b: (_INT[b], _INT[a]) for a, b in _STEPS}
_WIDER_UNSIGNED = {
    suffix: (f"u{after}", f"u{before}") for suffix, (after, before) in _WIDER.items()
}
_NARROWER = {b + a: (_INT[a], _INT[b]) for a, b in _STEPS}
# The bits of a register say nothing about its type, and compilers choose the shortest instruction.
_ANY = "bytes"
_MOVES = {"pd": ("float64",), "ps": ("float32", _ANY)}
_MOVES_OF_INT = {
    f"{aligned}{bits}": (f"int{bits or 8}", _ANY)
    for aligned in "au"
    for bits in ("", 8, 16, 32, 64)
}

# The flags are those of the comparison, test or subtraction before.  SDM vol. 1, appendix B.
_CONDITIONS = {
    "e": "equal (zero)",
    "ne": "not equal (not zero)",
    "a": "above (unsigned)",
    "ae": "above or equal (unsigned)",
    "b": "below (unsigned)",
    "be": "below or equal (unsigned)",
    "g": "greater (signed)",
    "ge": "greater or equal (signed)",
    "l": "less (signed)",
    "le": "less or equal (signed)",
}
# SDM vol. 2A, table 3-1.  With OQ, a quiet NaN is no floating-point error.
_COMPARED = {name: f"{{b}} {sign} {{c}}" for name, sign in COMPARISONS.items() if name != "ne"}
_COMPARED_FLOAT = _COMPARED | {f"{name}_oq": words for name, words in _COMPARED.items()}
_COMPARED |= {"nle": _COMPARED["gt"], "nlt": _COMPARED["ge"]}
_UNEQUAL = {"neq": "{b} != {c}"}
_UNORDERED = {"unord": "{b} or {c} is a NaN"}

# Which operands of a fused operation are the factors and the term.
_ORDERS = {"132": "acb", "213": "bac", "231": "bca"}


def _each(types: dict[str, str], meanings: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Return suffixes of two parts: a type stands behind another meaning."""
    return {a + b: (name, said) for a, said in meanings.items() for b, name in types.items()}


# -- the tables ---------------------------------------------------------------------------------

GROUPS = (
    rows(
        _FLOAT,
        {
            "vadd": "{a} = {b} + {c}{lanes}",
            "vsub": "{a} = {b} - {c}{lanes}",
            "vmul": "{a} = {b} × {c}{lanes}",
            "vdiv": "{a} = {b} / {c}{lanes}",
            "vsqrt": "{a} = sqrt({b}){lanes}",
            "vmin": "{a} = {b} if {b} < {c} else {c}{lanes}",
            "vround": rounded,
            "vrndscale": rounded,
            "vgetexp": "{a} = floor(log2(abs({b}))){lanes}",
            "vgetmant": "{a} = the mantissa of {b}{lanes}",
            "vscalef": "{a} = {b} × 2**floor({c}){lanes}",
            "vrcp14": "{a} = 1 / {b} within 2**-14{lanes}",
            "vfpclass": classified,
            "vmovmsk": "{a} = the sign bits of {b}{lanes}",
            "vtest": same(
                "test whether all sign bits of {a} are 0{lanes}",
                "test the sign bits of {a} & {b}, and of ~{a} & {b}, for 0{lanes}",
            ),
            "vblendm": "{a} = {c}{where}, else {b}{shape}",
            "vblendv": "{a} = {c} where the sign bit of {d} is 1, else {b}{lanes}",
            "vunpckl": in_blocks("{a} = the low halves of {b} and {c} in turn{lanes}"),
            "vshuf": picked(16, shuffled),
            "vperm": permuted(32, numbered),
            "vpermt2": numbered_in_two,
            "vmovh": half("8:16"),
            "vmovl": half("0:8"),
        },
    ),
    # No stencil has these; lessons set them beside those of all lanes.
    rows(
        _ONE_FLOAT,
        {
            "vadd": "{a} = {b} + {c}, in lane 0 alone, {first}",
            "vsub": "{a} = {b} - {c}, in lane 0 alone, {first}",
            "vmul": "{a} = {b} × {c}, in lane 0 alone, {first}",
            "vdiv": "{a} = {b} / {c}, in lane 0 alone, {first}",
        },
    ),
    rows(
        _each(_FLOAT, _ORDERS),
        {
            "vfmadd": fused("{x} × {y} + {z}"),
            "vfmsub": fused("{x} × {y} - {z}"),
            "vfnmadd": fused("{z} - {x} × {y}"),
            "vfnmsub": fused("-({x} × {y}) - {z}"),
        },
    ),
    rows(_each(_FLOAT, _COMPARED_FLOAT | _UNEQUAL | _UNORDERED), {"vcmp": compared}),
    rows(
        _each(_INT, _COMPARED | _UNEQUAL)
        | _each({f"u{suffix}": name for suffix, name in _UINT.items()}, _COMPARED | _UNEQUAL),
        {"vpcmp": compared},
    ),
    rows(
        _INT,
        {
            "vpadd": "{a} = {b} + {c}{lanes}",
            "vpsub": "{a} = {b} - {c}{lanes}",
            "vpmull": "{a} = {b} × {c}{lanes}",
            "vpabs": "{a} = abs({b}){lanes}",
            "vpmins": "{a} = min({b}, {c}){lanes}",
            "vpmaxs": "{a} = max({b}, {c}){lanes}",
            "vpsll": "{a} = {b} << {number}{lanes}",
            "vpsllv": "{a} = {b} << {c}{lanes}",
            "vpsra": "{a} = {b} >> {number}{lanes}",
            "vpsrav": "{a} = {b} >> {c}{lanes}",
            "vptestm": same("{a} = ({b} != 0){lanes}", "{a} = (({b} & {c}) != 0){lanes}"),
            "vptestnm": same("{a} = ({b} == 0){lanes}", "{a} = (({b} & {c}) == 0){lanes}"),
            "vpblendm": "{a} = {c}{where}, else {b}{shape}",
            "vpblend": "{a} = {c} where a bit of {d} is 1, else {b}{lanes}",
            "vpblendv": "{a} = {c} where the sign bit of {d} is 1, else {b}{lanes}",
            "vpbroadcast": broadcast,
            "vperm": permuted(32, numbered),
            "vpermi2": two_by_numbers,
            "vpinsr": "{a} = {b} with lane {number} = {c}, of {first}",
            "vpextr": moved("{b}[{number}]", ", of {first}"),
            "vpmovmsk": "{a} = the sign bits of {b}{lanes}",
            "vpmovm2": "{a} = all bits 1 where {b} is set, else 0{lanes}",
        },
    ),
    rows(
        _UINT,
        {
            "vpminu": "{a} = min({b}, {c}){lanes}",
            "vpmaxu": "{a} = max({b}, {c}){lanes}",
            "vpsrl": "{a} = {b} >> {number}{lanes}",
            "vpsrlv": "{a} = {b} >> {c}{lanes}",
        },
    ),
    rows(
        {"": "", "d": "int32", "q": "int64"},
        {
            "vpand": "{a} = {b} & {c}{bits}",
            "vpandn": "{a} = ~{b} & {c}{bits}",
            "vpor": "{a} = {b} | {c}{bits}",
            "vpxor": same("{a} = 0{masked}", "{a} = {b} ^ {c}{bits}"),
        },
    ),
    rows(
        _FLOAT,
        {
            "vand": "{a} = {b} & {c}{bits}",
            "vandn": "{a} = ~{b} & {c}{bits}",
            "vor": "{a} = {b} | {c}{bits}",
            "vxor": same("{a} = 0{masked}", "{a} = {b} ^ {c}{bits}"),
        },
    ),
    rows(
        {"d": "int32", "q": "int64"},
        {
            "vpternlog": ternary,
            "vmov": one_lane,
            "valign": "{a} = {c} then {b}, from lane {number} on{lanes}",
        },
    ),
    rows({"d": "int32"}, {"vpshuf": picked(16, any_lanes)}),
    rows({"f64x2": "float64", "i64x2": "int64"}, {"vshuf": quarters}),
    rows({"d": "uint32"}, {"vprol": "{a} = {b} rotated left by {number} bits{lanes}"}),
    rows(_MOVES, {"vmova": moved("{b}"), "vmovu": moved("{b}")}),
    rows(_MOVES_OF_INT, {"vmovdq": moved("{b}")}),
    rows({"d": "float64", "s": "float32"}, {"vmovs": one_lane, "vbroadcasts": broadcast}),
    rows(
        {"64x4": "float64", "32x8": "float32"},
        {"vbroadcastf": "load {amount} from memory at {address} into both halves of {a}{where}"},
    ),
    rows(
        _PARTS | {"f128": "", "i128": ""},
        {
            "vinsert": part("{{a}} = {{b}} with {bytes} = {{c}}{{masked}}"),
            "vextract": part("{{a}} = {bytes} of {{b}}{{masked}}"),
        },
    ),
    rows(
        {"ps": "float32"},
        {
            "vinsert": inserted,
            "vextract": moved("{b}[{number}]", ", of {first}"),
            "vpermil": permuted(16, in_blocks("{a}[i] = {b}[{c}[i] % 4]{lanes}")),
            "vmovlh": "{a} = bytes 0:8 of {b} then bytes 0:8 of {c}",
        },
    ),
    rows(
        {"ldup": ("float32", "even"), "hdup": ("float32", "odd")},
        {"vmovs": "{a} = each {second} lane of {b} twice{lanes}"},
    ),
    rows(
        {"b": "int8"},
        {"vpshuf": in_blocks("{a}[i] = {b}[{c}[i] % 16] if {c}[i] >= 0 else 0{lanes}")},
    ),
    rows(
        {"wd": "int16", "dq": "int32", "qdq": "int64"},
        {"vpunpckl": in_blocks("{a} = the low halves of {b} and {c} in turn{lanes}")},
    ),
    rows({"udq": "uint64"}, {"vpmul": "{a} = low uint32 of {b} × low uint32 of {c}{lanes}"}),
    rows(
        {"ssdw": ("int16", "int32"), "sswb": ("int8", "int16"), "uswb": ("uint8", "int16")},
        {"vpack": in_blocks("{a} = {b} then {c}, clipped from {second} to {first}")},
    ),
    rows(
        {"usdw": ("uint16", "int32")},
        {"vpack": in_blocks("{a} = {b} then {c}, clipped from {second} to {first}")},
    ),
    rows(
        {"w": "uint16"},
        {"vpavg": "{a} = ({b} + {c} + 1) >> 1{lanes}"},
    ),
    rows(
        _CONVERTED,
        {
            "vcvt": "{a} = {b}{converted}",
            "vcvtt": "{a} = trunc({b}){converted}",
        },
    ),
    rows(
        {"d": ("float64", "int64"), "s": ("float32", "int64")},
        {"vcvtsi2s": "{a} = {b} with lane 0 = {c}, {second} to {first}"},
    ),
    rows(
        {"d2si": ("int64", "float64"), "s2si": ("int64", "float32")},
        {"vcvtts": "{a} = trunc({b}[0]), {second} to {first}"},
    ),
    rows(_WIDER, {"vpmovsx": "{a} = {b}{converted}"}),
    rows(_WIDER_UNSIGNED, {"vpmovzx": "{a} = {b}{converted}"}),
    rows(_NARROWER, {"vpmov": "{a} = low bits of {b}{converted}"}),
    rows(
        {f"{suffix}2m": name for suffix, name in _INT.items()},
        {"vpmov": "{a} = the sign bits of {b}{lanes}"},
    ),
    rows(
        _MASK,
        {
            "kmov": "{a} = the low {first} bits of {b}",
            "kand": "{a} = {b} & {c}, in {first} lanes",
            "kandn": "{a} = ~{b} & {c}, in {first} lanes",
            "kor": "{a} = {b} | {c}, in {first} lanes",
            "knot": "{a} = ~{b}, in {first} lanes",
            "kortest": same(
                "test whether none or all of {first} lanes of {a} are set",
                "test whether none or all of {first} lanes of {a} | {b} are set",
            ),
        },
    ),
    rows({"": "int", "abs": "int", "zx": "uint"}, {"mov": moved("{b}")}),
    rows(
        {"": ""},
        {
            "add": integer("{a} += {b}"),
            "sub": integer("{a} -= {b}"),
            "imul": product,
            "and": integer("{a} &= {b}"),
            "xor": same("{a} = 0", "{a} ^= {b}"),
            "shl": "{a} <<= {number}",
            "shr": "{a} >>= {number} (unsigned)",
            "inc": integer("{a} += 1"),
            "dec": integer("{a} -= 1"),
            "sbb": same("{a} = -1 if below (unsigned), else 0", "{a} -= {b} + carry"),
            "bzhi": "{a} = the low {c} bits of {b}",
            "lea": "{a} = {address}",
            "cmp": integer("compare {a} with {b}"),
            "test": same("compare {a} with 0", "compare {a} & {b} with 0"),
            "vptest": same(
                "test whether all bits of {a} are 0",
                "test the bits of {a} & {b}, and of ~{a} & {b}, for 0",
            ),
            "push": "push {a} on the stack",
            "pop": "pop {a} off the stack",
            "call": "call the code at {a}",
            "ret": "return",
            "jmp": "go to {a}",
            "vldmxcsr": "load the floating-point state (mxcsr) from memory at {address}",
            "vstmxcsr": "store the floating-point state (mxcsr) to memory at {address}",
            "vzeroupper": "clear all vectors above their low 16 bytes",
        },
    ),
    rows(_CONDITIONS, {"j": "go to {a} if {first}", "cmov": "{a} = {b} if {first}"}),
)
ROWS: dict[str, Row] = {name: row for group in GROUPS for name, row in group.items()}


# -- operands -----------------------------------------------------------------------------------

_SIZES = {"byte": 1, "word": 2, "dword": 4, "qword": 8, "xmmword": 16, "ymmword": 32, "zmmword": 64}
_VECTORS = {"x": 16, "y": 32, "z": 64}
_MEMORY = re.compile(r"(?:(\w+) ptr )?\[(.+)\](\{1to\d+\})?")
_LANES = re.compile(r"(?:int|uint|float)(\d+)")


def _register_size(name: str) -> int:
    """Return the bytes of a register.

    >>> [_register_size(each) for each in ("zmm1", "r15", "r10d", "eax", "al", "k1")]
    [64, 8, 4, 4, 1, 8]
    """
    if name[1:3] == "mm":
        return _VECTORS[name[0]]
    if name[0] in "rk":
        return {"d": 4, "w": 2, "b": 1}.get(name[-1] if name[1].isdigit() else "", 8)
    return 4 if name[0] == "e" else 1 if name[-1] == "l" else 2


def _operand(text: str, lane: int) -> Operand:
    if found := _MEMORY.fullmatch(text):
        size, address, broadcast = found.groups()
        address = address.replace("*", " × ")
        size = _SIZES.get(size, 0)
        return Operand(f"memory[{address}]", size, address=address, once=bool(broadcast))
    if text[0].isdigit() or text[0] == "-":
        return Operand(text, number=int(text, 0))
    return Operand(text, _register_size(text), lane if text[1:3] == "mm" else 0)


def _lane(name: str) -> int:
    found = _LANES.fullmatch(name)
    return int(found[1]) // 8 if found else 0


def words(text: str) -> str:
    """Return the words for an instruction, nothing if it is in no table.

    >>> words("vmovupd zmm2 {k1} {z}, zmmword ptr [rdi + r13*8]")
    'load 8 float64 from memory at rdi + r13 × 8 into zmm2 where k1 is set, else 0'
    """
    name, _, rest = text.partition(" ")
    row = ROWS.get(name)
    if row is None:
        return ""
    zeroing = " {z}" in rest
    mask = re.search(r" \{(k\d)\}", rest)
    rest = re.sub(r" \{(k\d|z)\}", "", rest)
    first, second, *_ = (*row.suffix, "", "")
    lane = _lane(first)
    operands = tuple(_operand(each, lane) for each in rest.split(", ")) if rest else ()
    vectors = [each.size for each in operands if each.lane]
    count = vectors[0] // lane if vectors else 0
    memory = next((each.size for each in operands if each.address), 0)
    if vectors and _lane(second):
        count = min(count, (memory or vectors[-1]) // _lane(second))
    amount = f"{memory // lane} {first}" if lane else f"1 {first}{8 * memory}"
    if second == _ANY and not mask:
        amount = f"{memory} bytes"
    # The result of a masked comparison is 0 in the lanes that are not compared.
    zeroing |= bool(operands) and operands[0].text.startswith("k")
    return Instruction(
        row, operands, row.suffix, count, amount, mask[1] if mask else "", zeroing
    ).words()
