# %% [markdown]
# # 01 · Reading ten instructions
#
# *C → stencil → copy → patch →* **run**
#
# Machine code becomes readable as soon as somebody cuts it into instructions. Ten of them are
# enough to read a loop. At the end of this notebook you read five lines of machine code and
# predict what they return.
#
# You need [00 · Bytes that run](00-bytes-that-run.ipynb), and 15 minutes.

# %%
import numpy as np

from cpnum import learn

learn.listing(bytes.fromhex("b8 2a 00 00 00 c3"))

# %% [markdown]
# These are the six bytes of the last notebook. `learn.listing` cuts them where the processor cuts
# them, and shows one instruction a line: its *offset*, which counts bytes from the first one on;
# its bytes; its name in *assembly*, the processor's language; and plain words.
#
# ## Registers
#
# A register holds 8 bytes, one number. There are 16 for everyday work, and most have odd old
# names: `rax`, `rcx`, `rdi`, `rsi`, but also `r8` to `r15`. `eax` is the lower half of `rax`.
# There is an agreement about who finds what where, which functions on Linux keep to:
#
# | | register |
# | --- | --- |
# | first argument | `rdi` |
# | second argument | `rsi` |
# | result | `rax` |
#
# So `learn.run(code, 40, 2)` puts 40 into `rdi` and 2 into `rsi`.

# %%
add_two = bytes.fromhex("48 89 f8  48 01 f0  c3")
learn.listing(add_two)

# %% [markdown]
# **Predict.** What does it return for 40 and 2?

# %%
learn.run(add_two, 40, 2)

# %% [markdown]
# `mov` copies from right to left: it is the `=` of this language. `add` is `+=`. An instruction
# has no third place for its result, so the first line copies 40 into `rax`, and the second adds
# to it there.
#
# Now put `29` in the place of byte `01`.
#
# **Predict.** The code will subtract. Which number from which?

# %%
subtract_two = add_two[:4] + b"\x29" + add_two[5:]
print(learn.listing(subtract_two))
learn.run(subtract_two, 40, 2)

# %% [markdown]
# It is `rax -= rsi`, in the same order as before. One byte says *what* is done; the byte behind
# it, `f0`, says *with which registers*, and it has not changed.
#
# ## Memory
#
# An array does not fit into a register. What `learn.run` passes for it is its *address*: the
# place in memory where its first element begins.

# %%
first = bytes.fromhex("48 8b 07  c3")
second = bytes.fromhex("48 8b 47 08  c3")
print(learn.listing(first))
print(learn.listing(second))

# %% [markdown]
# Brackets mean memory: `rdi` is the address, and `[rdi]` is what lies there. `qword ptr` says how
# much of it: 8 bytes.
#
# **Predict.** What do both return for this `x`? Is 8 a number of elements?

# %%
x = np.array([30, 10, 40, 10, 50])
learn.run(first, x), learn.run(second, x)

# %% [markdown]
# The processor counts in bytes. Each element of `x` takes 8 of them (`x.itemsize`), so `rdi + 8`
# is one element further: `x[1]`. If the index is known only when the code runs, a second register
# holds it:

# %%
pick = bytes.fromhex("48 8b 04 f7  c3")
print(learn.listing(pick))
learn.run(pick, x, 2)

# %% [markdown]
# `[rdi + rsi*8]` is how `x[rsi]` is written: the address of the array, and the index times the
# size of an element.
#
# **Predict.** In Python, `x[-1]` is the last element, and `x[5]` an error. What are they here?

# %% tags=["raises-exception"]
print(learn.run(pick, x, -1))
learn.run(pick, x, 5)

# %% [markdown]
# An address is a number, and the processor adds −8 or 40 to it like to any other. It knows
# neither where an array begins nor how long it is. Before this `x` there happens to be memory
# full of zeros, so the first call returns a 0 that nobody wrote, and nobody complains. Behind it
# there is closed memory: `learn.run` puts each array in front of a closed page, so that steps
# behind its end, the usual mistake, are found at once.
#
# Writing to memory looks the same, with the brackets on the left.
#
# **Predict.** What is in `x` afterwards?

# %%
increase = bytes.fromhex("48 01 77 08  31 c0  c3")
print(learn.listing(increase))
learn.run(increase, x, 5)
x

# %% [markdown]
# The first instruction reads `x[1]`, adds `rsi`, and writes it back. The second is the shortest
# way to set a register to zero: the exclusive or of anything with itself is 0. (Whatever writes
# `eax` also clears the upper half of `rax`.) So the function returns 0, and not what happened to
# be in `rax`.
#
# ## Your turn: another element
#
# Write code that returns `x[3]`, for any `x`. The bytes of `second` are a good start.

# %% tags=["exercise"]
fourth = ...


# %%
@learn.check(fourth)
def returns_element_3(code):
    "Element 3 lies 3 × 8 = 24 bytes behind the first one, and 24 is 18 in hexadecimal."
    assert isinstance(code, bytes), f"bytes are wanted, as second is, not {type(code).__name__}"
    elements = list(range(100, 132))
    result = learn.run(code, np.array(elements))
    assert result in elements, f"{code.hex(' ')} returns no element: do 8 bytes begin there?"
    at = elements.index(result)
    assert at == 3, f"it returns x[{at}], which lies {8 * at} bytes behind the first element"


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# fourth = bytes.fromhex("48 8b 47 18  c3")
# ```
#
# </details>
#
# ## Jumps
#
# So far the processor went from each line to the next. A *jump* sends it elsewhere.

# %%
total = bytes.fromhex("31 c0  48 03 07  48 83 c7 08  48 83 ee 01  75 f3  c3")
learn.listing(total)

# %% [markdown]
# "Go to 2" means the instruction at offset 2, `add rax, qword ptr [rdi]`.
#
# **Predict.** What is the result for an array of 30, 10, 40, 10, 50 and the number 3? Follow the
# three registers with your finger.

# %%
x = np.array([30, 10, 40, 10, 50])
learn.run(total, x, 3)

# %% [markdown]
# It is the sum of the first three elements. This is what the registers hold each time the
# processor comes to the jump:
#
# | time | `rax`, the sum | `rdi`, where to read | `rsi`, how many are left | jump? |
# | --- | --- | --- | --- | --- |
# | 1 | 30 | address of `x[1]` | 2 | yes |
# | 2 | 40 | address of `x[2]` | 1 | yes |
# | 3 | 80 | address of `x[3]` | 0 | no |
#
# How does `jne` know that `rsi` is zero? Arithmetic leaves a note about its result in the
# *flags*: was it zero, was it negative. A conditional jump reads this note, so it stands right
# behind the instruction that it depends on.
#
# The byte `f3` of the jump is the distance −13, from the end of the jump at `0xf` back to `0x2`.
# The address of neither is in the code. That is why `learn.run` could put these bytes anywhere,
# and why machine code can be copied at all.
#
# ## Your turn: every second element
#
# Change `total` so that it adds up every second element, `x[0] + x[2] + x[4]` and so on. The
# second argument is the number of elements to add.

# %% tags=["exercise"]
every_second = ...


# %%
@learn.check(every_second)
def adds_every_second_element(code):
    "The step from element to element is a number in the code: a stride, as NumPy calls it."
    assert isinstance(code, bytes), f"bytes are wanted, as total is, not {type(code).__name__}"
    powers = np.array([1, 10, 100, 1000, 10000, 100000])
    result = learn.run(code, powers, 3)
    assert result == 10101, (
        f"of {powers.tolist()} and 3 elements it made {result}, and 10101 is wanted. "
        "Which instruction goes on to the next element?"
    )


# %% [markdown]
# <details><summary>Answer</summary>
#
# `rdi` goes on by 16 bytes in place of 8, which is `10` in hexadecimal.
#
# ```python
# every_second = bytes.fromhex("31 c0  48 03 07  48 83 c7 10  48 83 ee 01  75 f3  c3")
# ```
#
# </details>
#
# ## Jumping over something
#
# `cmp` compares: it subtracts, throws the difference away, and keeps the note in the flags.

# %%
choose = bytes.fromhex("48 89 f8  48 39 f0  7d 03  48 89 f0  c3")
learn.listing(choose)

# %% [markdown]
# **Predict.** What does it return for 3 and 7, and for 7 and 3?

# %%
learn.run(choose, 3, 7), learn.run(choose, 7, 3)

# %% [markdown]
# The larger one, both times. For 7 and 3 the jump goes over the second `mov`. This is all there
# is to `if`, and a jump back is all there is to `for`.
#
# ## Code that somebody else wrote
#
# Here is a part of `cpnum`, made by a C compiler. You can read it. The index of an element is
# kept in `r13`, and the number of elements in `r14`.
#
# **Predict.** What is this part for? The jump goes to wherever the loop begins; here that is
# offset 0.

# %%
learn.listing(learn.pack("x86-64-v3")["next_element"].fill(values={"HEAD": 0}))

# %% [markdown]
# `i += 1`, and once more if `i < n`: it ends a loop over single elements. `inc` adds one. `jl` is
# a jump like `jne`, with another condition and four bytes for its distance. (`pack` and `fill`
# are the subject of the next notebook.)
#
# ## Your turn: five lines
#
# One instruction in here is new, and the words tell what it does.

# %%
five_lines = bytes.fromhex("b8 01 00 00 00  48 0f af c7  48 83 ef 01  75 f6  c3")
learn.listing(five_lines)

# %% [markdown]
# What does `learn.run(five_lines, 5)` return? Find the number without running it.

# %% tags=["exercise"]
prediction = ...


# %%
@learn.check(prediction)
def is_what_it_returns(number):
    "5 × 4 × 3 × 2 × 1: you have read a factorial in machine code."
    assert isinstance(number, int), f"a number is wanted, not {number!r}"
    hints = {
        5: "that is rax after the first multiplication, and rdi is 4 then, not zero",
        20: "that is rax after two multiplications, and rdi is 3 then, not zero",
        60: "that is rax after three multiplications, and rdi is 2 then, not zero",
        15: "that is the sum; imul multiplies",
        0: "when rdi is 0, the jump is not taken, so there is no multiplication by 0",
    }
    hint = "write down rax and rdi each time the processor comes to the jump"
    assert number == learn.run(five_lines, 5), f"not {number}: {hints.get(number, hint)}"


# %% [markdown]
# <details><summary>Answer</summary>
#
# `rax` is 1, then 5, 20, 60, 120 and 120 again, while `rdi` counts down from 5 to 0.
#
# ```python
# prediction = 120
# ```
#
# And for an argument of 0? `rdi` is −1 when the jump looks at it for the first time, which is not
# zero. The loop would go on for centuries, until 64 bits have counted around to 0.
#
# </details>
#
# ## What you know now
#
# | instruction | means |
# | --- | --- |
# | `mov a, b` | `a = b` |
# | `add`, `sub`, `imul` | `a += b`, `a -= b`, `a *= b` |
# | `inc a` | `a += 1` |
# | `xor a, a` | `a = 0` |
# | `cmp a, b` | compare, for the jump behind it |
# | `jmp`, `jne` and its like | go elsewhere; go there if a condition holds |
# | `ret` | return |
#
# * One of the operands may be memory, in brackets: an address, and how many bytes from there.
# * The numbers inside of instructions are offsets of elements, steps, and distances of jumps. You
#   have changed two of these kinds by hand.
#
# Next, you change them by program, for any value: [02 · The first hole](02-the-first-hole.ipynb).
