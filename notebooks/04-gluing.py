# %% [markdown]
# # 04 · Gluing
#
# *C → stencil →* **copy → patch → run**
#
# One stencil does one thing. In this notebook you put stencils end to end until they are a
# function: first `1 + 2`, then `a * x + b`, and at the end your own compiler for polynomials.
#
# You need [03 · Stencils from C](03-stencils-from-c.ipynb), and 15 minutes.

# %%
import numpy as np

from cpnum import learn

pack = learn.pack("x86-64-v3")
add = pack["add_f64"].fill((0, 1, 2))

# %% [markdown]
# This adds registers 0 and 1, and the sum goes to register 2. The next stencil is to multiply
# the sum by register 3, and to leave the product in register 4. Its holes are two inputs and the
# result, as for `add_f64`.
#
# **Predict.** Which numbers go into its holes?

# %%
multiply = pack["multiply_f64"].fill((2, 3, 4))
learn.listing(add + multiply)

# %% [markdown]
# The processor *falls through* from the addition into the multiplication: the jump at the end of
# each stencil is gone, as you saw in notebook 03. What connects the two is a number. `add` leaves
# its result in `ymm2`, and `multiply` takes it from there, because 2 is in a hole of both.
#
# The words speak of 4 lanes: an `ymm` register holds four numbers in a row, and an instruction
# does the same with each. This notebook looks at the first one only. The other three have to wait
# for notebook 06.
#
# ## A function around it
#
# To run, the addition needs to get numbers from somewhere and to leave one somewhere. These
# stencils are for that:
#
# | stencil | what it does | its holes |
# | --- | --- | --- |
# | `entry` | saves the caller's registers, calls the code at `BODY`, restores them | `BODY` |
# | `load_pointer` | reads an address from the argument block | a general register, `SLOT` |
# | `argument_f64` | reads a number from the argument block | a register, `SLOT` |
# | `store_tail_f64` | writes one number to memory | a register, a general register |
# | `finish` | goes back to `entry` | none |
#
# The *argument block* is a row of words of 8 bytes, one for each argument. `SLOT` is the offset
# of a word in it. `entry` puts its address into `r12`, and all stencils look for it there:
#
# ```
# SLOT      0       8       16
#         ┌───────┬───────┬───────┐
# r12  →  │  out  │  1.0  │  2.0  │
#         └───────┴───────┴───────┘
# ```
#
# `out` is an array, so its word is an address. Numbers are in the block themselves.
#
# ## 1 + 2, by hand
#
# The first stencil is `entry`. It has to call the second one, which stands right behind it, so
# `BODY` is the size of `entry`. (`pack["entry"].show()` prints all of it; you need none of it.)

# %%
size = pack["entry"].size
parts = [
    pack["entry"].fill(values={"BODY": size}),
    pack["load_pointer"].fill(pointer=15, values={"SLOT": 0}),
    pack["argument_f64"].fill((0,), values={"SLOT": 8}),
    pack["argument_f64"].fill((1,), values={"SLOT": 16}),
    pack["add_f64"].fill((0, 1, 2)),
    pack["store_tail_f64"].fill((2,), pointer=15),
    pack["finish"].fill(),
]
by_hand = b"".join(parts)
learn.listing(by_hand[size:])

# %% [markdown]
# This is what `entry` calls: five stencils, and `finish`, which is the last two lines. General
# register 15, the pointer, is `r15`; registers 0, 1, 2 are `ymm0`, `ymm1`, `ymm2`. `xmm2` is a
# name for the first part of `ymm2`, and "bytes 0:8" of it are its first number. `vzeroupper`
# tidies up before the caller goes on.
#
# `learn.run` makes an argument block of a list. The two integers behind it, 0 and 1, go to `r13`
# and `r14`: the index of the element to start with, and the one to stop before. There is one
# element here, and notebook 05 makes more of them.
#
# **Predict.** What is in `out`? And what does the function return?

# %%
out = np.zeros(1)
print("returned", learn.run(by_hand, [out, 1.0, 2.0], 0, 1))
out

# %% [markdown]
# The sum is in the array, not in the result of the function. `entry` returns the floating-point
# errors as a number, such as 1 for a division by zero; 0 says that there were none.
#
# You have compiled `1 + 2`. A compiler did its part long ago, when the pack was built. What is
# left for you is to copy bytes and to write numbers into them.
#
# ## The same without counting bytes
#
# By hand you had to know the size of `entry`. `learn.glue` keeps such accounts. It takes
# *instances*, each a stencil with its registers and values, and *labels*. A label is a string: a
# name for the place where it stands. A label needs no bytes.


# %%
def put(name, *registers, **values):
    return learn.instance(pack[name], *registers, **values)


glued = learn.glue(
    [
        put("entry", BODY="body"),
        "body",
        put("load_pointer", pointer=15, SLOT=0),
        put("argument_f64", 0, SLOT=8),
        put("argument_f64", 1, SLOT=16),
        put("add_f64", 0, 1, 2),
        put("store_tail_f64", 2, pointer=15),
        put("finish"),
    ]
)
print(glued.code)
print(glued.data == by_hand)

# %% [markdown]
# The same bytes. Read a line such as `r2 = add_f64 r0 r1` as Python: `r` is a register, and `p15`
# is general register 15. On the left is the offset at which the stencil begins. `BODY=body`
# became 0x66, which is 102 in hexadecimal: the place of the label.
#
# ## a * x + b
#
# Everything but the middle stays as it is. So the middle becomes a parameter:


# %%
def framed(middle):
    start = [put("entry", BODY="body"), "body", put("load_pointer", pointer=15, SLOT=0)]
    return learn.glue([*start, *middle, put("finish")])


numbers = [put("argument_f64", register, SLOT=8 + 8 * register) for register in (0, 1, 2)]
product = put("multiply_f64", 1, 0, 3)
store = put("store_tail_f64", 3, pointer=15)
line = framed([*numbers, product, put("add_f64", 3, 2, 3), store])
print(line.code)

# %% [markdown]
# Registers 0, 1, 2 get what stands behind `out` in the block: `x`, `a`, `b`. Register 3 gets the
# product. The addition reads it and writes the sum to the same register, as `r = r + b` does in
# Python.
#
# **Predict.** What are the results for `x` = 4, `a` = 3, `b` = 5, and for `x` = 10?


# %%
def value_of(code, *words):
    out = np.full(1, np.nan)
    learn.run(code, [out, *words], 0, 1)
    return float(out[0])


value_of(line, 4.0, 3.0, 5.0), value_of(line, 10.0, 3.0, 5.0)

# %% [markdown]
# Other numbers need no other code. Write `4.0` and not `4`, though: the block has the bytes of
# what you give, and the bytes of the integer 4, read as a float64, are a number next to 0.
#
# ## What if a register is wrong?
#
# **Predict.** Here the addition takes register 1 in place of 2. Is that refused? If not, what is
# the result?

# %%
wrong = framed([*numbers, product, put("add_f64", 3, 1, 3), store])
value_of(wrong, 4.0, 3.0, 5.0)

# %% [markdown]
# Nothing is refused, and the result is `a * x + a`. To the processor, one register is as good as
# another. Only a number that no register has is refused:

# %% tags=["raises-exception"]
put("add_f64", 3, 16, 3)

# %% [markdown]
# The order of the block is a matter of agreement, too. Here the first word is a number, and
# `load_pointer` takes its 8 bytes as an address:

# %% tags=["raises-exception"]
learn.run(line, [4.0, 3.0, 5.0, out], 0, 1)

# %% [markdown]
# The message says which stencil was at work, and where it is in the code. The store was the first
# one to use the address, so it is the store that fails, although `load_pointer` read it.
#
# ## What if a label is wrong?
#
# **Predict.** Without the label, what would have to be written into `BODY`?

# %% tags=["raises-exception"]
learn.glue([put("entry", BODY="body"), *numbers, put("finish")])

# %% [markdown]
# `learn.glue` cannot know. It says for which stencil a label is missing, and does not guess.
#
# A label that stands elsewhere is no error at all. Here is one more stencil between `entry` and
# `body`.
#
# **Predict.** Is the result `a * x + b`, is it `a * x + b - b`, or does the code fail?

# %%
skipping = learn.glue(
    [
        put("entry", BODY="body"),
        put("subtract_f64", 3, 2, 3),
        "body",
        put("load_pointer", pointer=15, SLOT=0),
        *[*numbers, product, put("add_f64", 3, 2, 3), store],
        put("finish"),
    ]
)
print(skipping.code)
value_of(skipping, 4.0, 3.0, 5.0)

# %% [markdown]
# It is `a * x + b`, as before. `entry` calls the label, now at 0x6b, and the five bytes of the
# subtraction are never run. A stencil falls through into its neighbour; to any other place, the
# processor goes by a label.
#
# ## Your turn: subtract
#
# Glue `a * x + b - c`. The block is `[out, x, a, b, c]`, and `framed`, `put` and `numbers` are at
# hand. `subtract_f64` takes its second operand from its first.

# %% tags=["exercise"]
with_subtraction = ...


# %%
@learn.check(with_subtraction)
def subtracts(code):
    "One more stencil between two others, and nothing else had to change."
    assert isinstance(code, learn.Glued), f"glued code is wanted, not {type(code).__name__}"
    for x, a, b, c in (4.0, 3.0, 5.0, 7.0), (2.0, 0.5, 0.0, -1.0):
        seen, wanted = value_of(code, x, a, b, c), a * x + b - c
        assert not np.isnan(seen), "nothing was written to out: a store is missing at the end"
        assert seen == wanted, f"{x=}, {a=}, {b=}, {c=}: out is {seen}, and {wanted} is wanted"


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# with_subtraction = framed(
#     [
#         *numbers,
#         put("argument_f64", 4, SLOT=32),
#         put("multiply_f64", 1, 0, 3),
#         put("add_f64", 3, 2, 3),
#         put("subtract_f64", 3, 4, 3),
#         put("store_tail_f64", 3, pointer=15),
#     ]
# )
# ```
#
# </details>
#
# ## Your turn: two registers
#
# `line` uses four registers. There are 16, and a long formula runs out of them. Glue `a * x + b`,
# with the block `[out, x, a, b]`, so that it uses registers 0 and 1 only.

# %% tags=["exercise"]
frugal = ...


# %%
@learn.check(frugal)
def uses_two_registers(code):
    "When a value is read for the last time, its register is free. Compilers live on that."
    assert isinstance(code, learn.Glued), f"glued code is wanted, not {type(code).__name__}"
    for x, a, b in (4.0, 3.0, 5.0), (2.0, 0.5, -1.0):
        seen, wanted = value_of(code, x, a, b), a * x + b
        assert not np.isnan(seen), "nothing was written to out: a store is missing at the end"
        assert seen == wanted, f"{x=}, {a=}, {b=}: out is {seen}, and {wanted} is wanted"
    instances = [each.instance for each in code.code.lines()]
    used = {number for each in instances for number in (*each.operands, *each.results)}
    assert used <= {0, 1}, f"the result is right, and registers {sorted(used)} are used"


# %% [markdown]
# <details><summary>Answer</summary>
#
# `b` is read when `a` is not needed any more.
#
# ```python
# frugal = framed(
#     [
#         put("argument_f64", 0, SLOT=8),
#         put("argument_f64", 1, SLOT=16),
#         put("multiply_f64", 1, 0, 0),
#         put("argument_f64", 1, SLOT=24),
#         put("add_f64", 0, 1, 0),
#         put("store_tail_f64", 0, pointer=15),
#     ]
# )
# ```
#
# </details>
#
# ## Challenge: a compiler for polynomials
#
# Write a function `polynomial(count)` that returns the glued code of a polynomial with `count`
# coefficients. The block is `[out, x, c0, c1, c2, ...]`, and the value is `c0 + c1*x + c2*x*x +
# ...`. It needs the fewest steps from the inside out: `c0 + x*(c1 + x*(c2 + ...))`.

# %% tags=["exercise"]
polynomial = ...


# %%
@learn.check(polynomial)
def computes_polynomials(make):
    "The loop is in Python and runs while you compile. The machine code has none."
    assert callable(make), "a function is wanted: def polynomial(count): ..."
    for coefficients in [5.0], [5.0, 3.0], [1.0, -2.0, 0.5, 4.0]:
        code = make(len(coefficients))
        assert isinstance(code, learn.Glued), f"polynomial({len(coefficients)}) is {code!r}"
        seen = value_of(code, 2.0, *coefficients)
        wanted = sum(c * 2**k for k, c in enumerate(coefficients))
        assert not np.isnan(seen), "nothing was written to out: a store is missing at the end"
        assert seen == wanted, f"x=2, {coefficients}: out is {seen}, and {wanted} is wanted"


# %% [markdown]
# <details><summary>Answer</summary>
#
# Coefficient number `k` is at `SLOT=16 + 8 * k`. Register 1 has the value so far, from the last
# coefficient to the first one.
#
# ```python
# def polynomial(count):
#     x, value, coefficient = 0, 1, 2
#     middle = [put("argument_f64", x, SLOT=8), put("argument_f64", value, SLOT=8 + 8 * count)]
#     for k in reversed(range(count - 1)):
#         middle += [
#             put("multiply_f64", value, x, value),
#             put("argument_f64", coefficient, SLOT=16 + 8 * k),
#             put("add_f64", value, coefficient, value),
#         ]
#     return framed([*middle, put("store_tail_f64", value, pointer=15)])
# ```
#
# </details>
#
# ## What you know now
#
# * Stencils fall through: put end to end, they run one after the other.
# * Values go from one to the next in registers. Whoever glues decides which, and no one
#   checks that it is the right one.
# * A label is a place in the code. The holes of calls and jumps are filled with it.
#
# The code of this notebook computes one number in each call, and a call has its price. Arrays
# have many numbers: [05 · A loop over an array](05-a-loop-over-an-array.ipynb).
