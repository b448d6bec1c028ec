# %% [markdown]
# # 02 · The first hole
#
# *C → stencil →* **copy → patch → run**
#
# In this notebook you compile: not by writing instructions, but by copying some and overwriting a
# few of their bytes. First with a piece of code of your own, then with pieces that `cpnum` uses.
#
# You need [01 · Reading ten instructions](01-reading-ten-instructions.ipynb), and 15 minutes.

# %%
from cpnum import learn

template = bytes.fromhex("48 b8 88 77 66 55 44 33 22 11  c3")
learn.listing(template)

# %% [markdown]
# `movabs` is a `mov` with a number of 8 bytes. This one, 0x1122334455667788, is no number that
# anybody wants to return. It is a *marker*: it keeps a place free, and is easy to recognize.
#
# **Predict.** The lowest byte of a number comes first. At which offset in `template` does the
# marker begin, and with which byte?

# %%
MARKER = 0x1122334455667788
at = template.find(MARKER.to_bytes(8, "little"))
at, template[at : at + 8].hex(" ")

# %% [markdown]
# The 8 bytes from there on are a *hole*: bytes of an instruction that somebody is to overwrite.
# The processor never sees the marker if you overwrite it first.


# %%
def filled(value):
    code = bytearray(template)
    code[at : at + 8] = value.to_bytes(8, "little", signed=True)
    return bytes(code)


learn.listing(filled(1000))

# %% [markdown]
# The first line *copies* the bytes, the second *patches* the copy. `signed=True` lets negative
# numbers in; −1 is written as eight bytes `ff`.
#
# **Predict.** What do these return?

# %%
learn.run(filled(1000)), learn.run(filled(-1)), learn.run(template) == MARKER

# %% [markdown]
# `filled` makes a function for any number. It knows which bytes to overwrite, and nothing about
# the others: neither what `48 b8` means, nor that there is a `ret`. So it works in the same way
# for code of any length and kind, and it is fast:

# %%
# %timeit filled(1000)

# %% [markdown]
# A compiler for C takes thousands of times as long, since it has to find out which instructions
# are wanted. Here they have been chosen before.
#
# ## Your turn: two holes
#
# This code has two markers.

# %%
A, B = 0x1020304050607080, 0x1122334455667788
line_template = bytes.fromhex(
    "48 b8 80 70 60 50 40 30 20 10  48 0f af c7  48 b9 88 77 66 55 44 33 22 11  48 01 c8  c3"
)
learn.listing(line_template)

# %% [markdown]
# Read the listing: it returns A times `rdi`, plus B. Write a function that makes the code of
# *factor × x + term* from `line_template`, for any two integers.

# %% tags=["exercise"]
line = ...


# %%
@learn.check(line)
def makes_lines(make):
    "Two holes are no harder than one: each has its place."
    assert callable(make), "a function is wanted: def line(factor, term): ..."
    for factor, term, x in (2, 1, 20), (-3, 100, 7), (2**40, -1, 5):
        code = make(factor, term)
        assert isinstance(code, bytes), f"line({factor}, {term}) is {code!r}; bytes are wanted"
        left = [f"{marker:#x}" for marker in (A, B) if marker.to_bytes(8, "little") in code]
        assert not left, f"line({factor}, {term}) still has the marker {', '.join(left)}"
        result = learn.run(code, x)
        assert result == factor * x + term, (
            f"line({factor}, {term}) returns {result} for x = {x}, and "
            f"{factor * x + term} is wanted"
        )


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def line(factor, term):
#     code = line_template
#     for marker, value in (A, factor), (B, term):
#         hole = marker.to_bytes(8, "little")
#         code = code.replace(hole, value.to_bytes(8, "little", signed=True))
#     return code
# ```
#
# One case in eighteen million million million goes wrong with this answer: if the factor is
# 0x1122334455667788, it is taken for the second marker. To look for both places first is safer.
#
# </details>
#
# ## A real one
#
# Machine code that was compiled beforehand and has holes is called a *stencil*. `cpnum` has its
# stencils in a *pack*, a file for each kind of processor. `x86-64-v3` is a kind that most
# PCs and servers of the last ten years belong to.

# %%
pack = learn.pack("x86-64-v3")
print(len(pack), "stencils")
set_pointer = pack["set_pointer"]
set_pointer.show()

# %% [markdown]
# One instruction, and you know it: `set_pointer` is your template, for another register. The
# square brackets are its hole, by the name of IMMEDIATE. Instead of a marker there are zeros in
# it, and the last line of the output tells where it is: from bit 16, which is byte 2, there are
# 64 bits. Nothing has to be searched, and no number can be mistaken for a marker.
#
# There is also a second kind of hole, in round brackets: a register. We come to it in a minute;
# `fill` wants it filled as well. The registers of notebook 01, for integers and addresses, are
# called *general registers*. They have numbers, and `rdi` is number 7.
#
# **Predict.** Which bytes of the stencil will change?

# %%
stencil = set_pointer.fill(pointer=7, values={"IMMEDIATE": 1000})
learn.listing(stencil)

# %% [markdown]
# The number is in its place. And `49` has become `48`, which makes it register 7 in place of 15.
#
# All that is missing for a function is a result in `rax`, and a return. Any bytes may follow,
# since the processor goes on from one instruction to the next:

# %%
ending = bytes.fromhex("48 89 f8  c3")
print(learn.listing(stencil + ending))
learn.run(stencil + ending)

# %% [markdown]
# A stencil of `cpnum` has been copied, its holes patched, and the processor ran it. **You have
# just done copy-and-patch.** `cpnum` does the same with many stencils, one after the other: for a
# `+` in your formula, there is one that adds. No compiler was here, and none is on the computers
# of those who use `cpnum`.
#
# ## Registers are holes, too
#
# `set_pointer` works with any of seven registers. Look at the first two bytes of each, as bits:

# %%
for number in sorted(set_pointer.pointer):
    code = set_pointer.fill(pointer=number, values={"IMMEDIATE": 1000})
    print(f"{number:2} = {number:04b}   {code[0]:08b} {code[1]:08b}   {code[:2].hex(' ')}")

# %% [markdown]
# In binary, a number up to 15 has four digits. Look for them on the right.
#
# The last three digits of the number are the last three bits of the second byte. The first digit,
# by which 8 to 15 differ from 0 to 7, is the last bit of the first byte. A register is a hole of
# four bits, in two places. That is what the round brackets around `49 bf` say: *some* bits of
# these bytes are a register number.
#
# So one stencil serves for all registers. This matters: a formula has many values that need to be
# in registers at the same time, each in another one.
#
# Some instructions write a bit of a register number upside down. Here is the stencil that adds
# float64 numbers. Its registers are called `ymm0` to `ymm15`, and three of them are holes: two
# inputs and the result.

# %%
add = pack["add_f64"]
add.show()

# %% [markdown]
# `fill` takes the registers in the order of this list.
#
# **Predict.** From result 0 to result 8, one digit of the number changes, so one bit of the code
# should do so. Is it set or cleared?

# %%
for result in 0, 1, 2, 3, 8:
    code = add.fill((0, 0, result))
    print(f"{result} = {result:04b}   {code.hex(' ')}   {code[1]:08b} ... {code[4]:08b}")

# %% [markdown]
# For 1 and 2, a bit of the last byte is set. For 8, the first bit of byte 1 is *cleared*. But in
# all cases bits *flip*, and the exclusive or, `^` in Python, flips bits and knows no direction.
# It also adds up. What 1 flips and what 2 flips are together what 3 flips:


# %%
def number_of(result):
    return int.from_bytes(add.fill((0, 0, result)), "little")


flipped_by_1 = number_of(1) ^ number_of(0)
flipped_by_2 = number_of(2) ^ number_of(0)
code = number_of(0) ^ flipped_by_1 ^ flipped_by_2
code.to_bytes(add.size, "little").hex(" "), add.fill((0, 0, 3)).hex(" ")

# %% [markdown]
# This is exactly how `cpnum` patches these registers. For each digit of a register number, the
# pack says which bits of the code it flips. You have seen these lists under `holes`: the result's
# digits, the last one first, flip bits 35, 36, 37 and 15. Bit 35 is in byte 4, as 4 × 8 is 32,
# and bit 15 is the highest one of byte 1.
#
# ## What a hole refuses
#
# Here is a third kind of hole: the offset in a memory operand, as in `[rdi + 8]`.

# %%
load_pointer = pack["load_pointer"]
load_pointer.show()
learn.listing(load_pointer.fill(pointer=7, values={"SLOT": 8}))

# %% [markdown]
# **Predict.** This hole has 32 bits. What if the number has more?

# %% tags=["raises-exception"]
load_pointer.fill(pointer=7, values={"SLOT": 2**40})

# %% [markdown]
# The lower half of a number would be another offset: a crash at best, a wrong result at worst. So
# `cpnum` checks that an offset fits before it patches it. `fill` also tells you what a stencil
# wants if you forget something.
#
# ## Your turn: a register hole by hand
#
# The instruction `mov register, number` begins with `48 b8` for register 0, which is `rax`. Write
# a function that makes its ten bytes for any register from 0 to 15 and any number. The table of
# bits above has all that you need.

# %% tags=["exercise"]
set_register = ...


# %%
@learn.check(set_register)
def sets_any_register(make):
    "Four bits in two places: you patch registers now, as cpnum does."
    assert callable(make), "a function is wanted: def set_register(register, value): ..."
    names = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()
    for register, name in enumerate(names):
        code = make(register, -5)
        assert isinstance(code, bytes), f"it makes {code!r}; bytes are wanted"
        number = "fb ff ff ff ff ff ff ff"
        assert code[2:].hex(" ") == number, f"-5 is {number}, and from byte 2 on there is another"
        listing = learn.listing(code)
        assert f"movabs {name}, " in str(listing), (
            f"register {register} = {register:04b} is {name}. Your code begins with the bits "
            f"{code[0]:08b} {code[1]:08b}, which is something else:\n{listing}"
        )


# %% [markdown]
# <details><summary>Answer</summary>
#
# `register >> 3` is the first of the four digits, and `register & 7` the other three.
#
# ```python
# def set_register(register, value):
#     start = bytes([0x48 | register >> 3, 0xB8 | register & 7])
#     return start + value.to_bytes(8, "little", signed=True)
# ```
#
# </details>
#
# ## What you know now
#
# * A *stencil* is machine code with *holes*. To copy it and overwrite the holes takes no
#   knowledge of the other bytes.
# * You have met four kinds of holes: numbers (IMMEDIATE), offsets (SLOT), the distances of jumps
#   (HEAD, in the last notebook), and registers.
# * Registers are bits to be flipped, so `^` fills them; the others are whole bytes.
#
# One question is left: who writes the stencils, and how does anybody know where their holes are?
# [03 · Stencils from C](03-stencils-from-c.ipynb).
