# %% [markdown]
# # 06 · Four at a time
#
# *C → stencil →* **copy → patch → run**
#
# A vector register holds several numbers, and one instruction computes with all of them. In this
# notebook your loop learns to use that, down to the last elements, for which a whole vector is too
# much. Then you count and measure what it gives.
#
# You need notebook 05 (a loop over an array), and 15 minutes.

# %%
from time import perf_counter

import numpy as np

from cpnum import learn

v3 = learn.pack("x86-64-v3")


def put(name, *registers, pack=v3, **values):
    return learn.instance(pack[name], *registers, **values)


frame = [put("entry", BODY="body"), "body"]
frame += [put("load_pointer", pointer=15, SLOT=0), put("load_pointer", pointer=7, SLOT=8)]

# %% [markdown]
# ## One addition, how many sums?
#
# This code has no loop. It loads, adds once, stores and returns. The block is `[x, out]`, and `x`
# is added to what is in `out`. The stencils of memory are `load_f64` and `store_f64` here, without
# `tail` in their names.
#
# **Predict.** How many elements of `out` change?

# %%
once = [
    put("load_f64", 0, pointer=15, OFFSET=0),
    put("load_f64", 1, pointer=7, OFFSET=0),
    put("add_f64", 0, 1, 2),
    put("store_f64", 2, pointer=7, OFFSET=0),
    put("finish"),
]
adding = learn.glue([*frame, *once])
x, out = np.array([1.0, 2, 3, 4, 5]), np.array([10.0, 20, 30, 40, 50])
learn.run(adding, [x, out], 0, 5)
out

# %% [markdown]
# Four. A `ymm` register has 32 bytes: four *lanes* of 8 bytes. A load fills all lanes, `vaddpd`
# adds lane by lane, a store writes all lanes.
#
# ```
# lane        0      1      2      3
#         ┌──────┬──────┬──────┬──────┐
# ymm0    │   1  │   2  │   3  │   4  │
#         └──────┴──────┴──────┴──────┘
#             +      +      +      +        one instruction
#         ┌──────┬──────┬──────┬──────┐
# ymm1    │  10  │  20  │  30  │  40  │
#         └──────┴──────┴──────┴──────┘
# ```
#
# This is called SIMD: a single instruction, multiple data. The stencils of notebooks 04 and 05 did
# the same, and three of their four lanes went to waste.
#
# ## A loop in steps of four
#
# | one at a time | four at a time | what is new |
# | --- | --- | --- |
# | `load_tail_f64` | `load_f64` | reads 32 bytes; `OFFSET` is for a second vector, 0 here |
# | `store_tail_f64` | `store_f64` | writes 32 bytes |
# | `tail` | `vectors` | `STEP`: asks whether so many elements are there |
# | `next_element` | `next_vectors` | `STEP`: goes so many elements on |
#
# This is `a * x + b` again, with the block `[x, out, a, b]`. The loop is a function of the pack and
# of the first operation, since other packs and another operation come later.


# %%
frame += [put("argument_f64", 0, SLOT=16), put("argument_f64", 1, SLOT=24)]


def loop_of(pack, operation="multiply_f64"):
    lanes = pack.level.lanes(8)  # how many numbers of 8 bytes a vector has
    return [
        put("vectors", STEP=lanes, SKIP="done", pack=pack),
        "loop",
        put("load_f64", 2, pointer=15, OFFSET=0, pack=pack),
        put(operation, 2, 0, 2, pack=pack),
        put("add_f64", 2, 1, 2, pack=pack),
        put("store_f64", 2, pointer=7, OFFSET=0, pack=pack),
        put("next_vectors", STEP=lanes, HEAD="loop", pack=pack),
        "done",
    ]


by_four = learn.glue([*frame, *loop_of(v3), put("finish")])
print(by_four.code)

# %% [markdown]
# **Predict.** `x` has ten elements, and a step takes four. What is in `out`?

# %%
x, out = np.arange(10.0) * 10, np.zeros(10)
learn.run(by_four, [x, out, 2.0, 1.0], 0, 10)
out

# %% [markdown]
# Two steps, eight elements. For a third step there are too few. How does the loop know?

# %%
start = by_four.code.labels["loop"] - v3["vectors"].size
learn.listing(by_four.data[start : by_four.code.labels["done"]])

# %% [markdown]
# `vectors` takes 4 from `r14`, the end. So `r13 <= r14` now means that four more elements are
# there, and `next_vectors` needs a single comparison to know it.
#
# **Predict.** Why not a third step over the end of the array, whose surplus nobody looks at? Here
# the end is 12.

# %% tags=["raises-exception"]
learn.run(by_four, [x, out, 2.0, 1.0], 0, 12)

# %% [markdown]
# A load of 32 bytes at element 8 takes 16 bytes of `x` and 16 of something else. Here that is
# memory which may not be read. And had the load gone well, the store would write over what belongs
# to somebody else.
#
# ## The tail
#
# The last elements, fewer than the lanes, are the *tail*. They go one at a time, and now the names
# in notebooks 04 and 05 make sense. `vectors_done` gives the end back what `vectors` took.
#
# **Predict.** How many times is each of the two multiplications in this code done, for ten
# elements?

# %%
rest = [
    put("vectors_done", STEP=4),
    put("tail", SKIP="tail_done"),
    "tail_loop",
    put("load_tail_f64", 2, pointer=15),
    put("multiply_f64", 2, 0, 2),
    put("add_f64", 2, 1, 2),
    put("store_tail_f64", 2, pointer=7),
    put("next_element", HEAD="tail_loop"),
    "tail_done",
]
whole = learn.glue([*frame, *loop_of(v3), *rest, put("finish")])
out = np.zeros(10)
learn.run(whole, [x, out, 2.0, 1.0], 0, 10)
out

# %% [markdown]
# Twice the one, for elements 0 to 3 and 4 to 7, and twice the other, for 8 and 9. What is left is
# the same instructions for other places: `load_tail_f64` puts one element into all four lanes.
# Empty lanes might hold anything, such as a zero to divide by, and raise an error that no element
# of the array has raised.
#
# ## Your turn: count
#
# How many times is each of the two multiplications done for 1003 elements? And for three?

# %% tags=["exercise"]
times = ...  # two pairs: [(..., ...), (..., ...)]


# %%
@learn.check(times)
def are_times(answer):
    "For a large array the tail is nothing; for a small one it may be everything."
    assert isinstance(answer, list | tuple), "two pairs are wanted: [(..., ...), (..., ...)]"
    assert len(answer) == 2, f"two pairs are wanted, and these are {len(answer)}"
    for count, pair in zip((1003, 3), answer, strict=True):
        assert isinstance(pair, list | tuple), f"for {count} a pair is wanted, not {pair!r}"
        assert len(pair) == 2, f"for {count} two numbers are wanted, and these are {len(pair)}"
        computed = 4 * pair[0] + pair[1]
        sums = f"{pair[0]} times four and {pair[1]} times one"
        assert computed == count, f"{sums} are {computed} elements, and not {count}"
        assert pair[1] < 4, f"the tail has fewer elements than the lanes, and not {pair[1]}"


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# times = [(250, 3), (0, 3)]
# ```
#
# </details>
#
# ## One lane, side by side
#
# Processors also have instructions for one lane. The pack has none, so make one: it differs from
# the one for four in two bits.


# %%
def one_lane(vector):
    code = bytearray(vector)
    code[2] ^= 0b110  # flip two bits of the third byte
    return bytes(code)


four = v3["add_f64"].fill((0, 1, 2))
learn.listing(four + one_lane(four))

# %% [markdown]
# `pd` is *packed double*, all lanes of float64; `sd` is *scalar double*, lane 0 only. (`double` is
# C's name of float64, and `xmm2` the lower half of `ymm2`.) The third byte was `7d`, and is `7b`:
#
# ```
# 7d   0 1 1 1 1 1 0 1        7b   0 1 1 1 1 0 1 1
#                ▲ ▲▲▲                      ▲ ▲▲▲
#                │ └┴┴─ 01: float64,        │ └┴┴─ 11: float64,
#                │      all lanes           │      lane 0 only
#                └ 1: ymm                   └ 0: xmm
# ```
#
# Both have five bytes, so one can take the place of the other in code that is glued already.
#
# **Predict.** What is in `out` after the code of the beginning, with this addition?

# %%
x4, out4 = np.array([1.0, 2, 3, 4]), np.array([10.0, 20, 30, 40])
learn.run(adding.data.replace(four, one_lane(four)), [x4, out4], 0, 4)
out4

# %% [markdown]
# Lane 0 has the sum. Lane 1 is a copy of the first operand's, and everything above is set to 0:
# an instruction for one lane says what becomes of the others, too.
#
# ## Your turn: two lanes
#
# Make the bytes of an addition of two lanes, `vaddpd xmm2, xmm0, xmm1`, from those of `four`. You
# have seen what each of the bits means.

# %% tags=["exercise"]
two = ...


# %%
@learn.check(two)
def adds_two_lanes(code):
    "One bit is the width of the vector. Processors of the year 2000 had no other width than this."
    assert isinstance(code, bytes | bytearray), f"bytes are wanted, not {type(code).__name__}"
    assert len(code) == 5, f"an instruction of 5 bytes is wanted, and these are {len(code)}"
    x4, out4 = np.array([1.0, 2, 3, 4]), np.array([10.0, 20, 30, 40])
    learn.run(adding.data.replace(four, bytes(code)), [x4, out4], 0, 4)
    seen = f"with {code.hex(' ')}, out is {out4}"
    assert out4[0] == 11, f"{seen}: lane 0 has no sum"
    assert out4[1] == 22, f"{seen}: lane 1 has no sum"
    assert not out4[2:].any(), f"{seen}: lanes 2 and 3 should be 0, so the width is yet to change"


# %% [markdown]
# <details><summary>Answer</summary>
#
# The bits for "all lanes" stay, and the bit for `ymm` becomes 0.
#
# ```python
# two = bytearray(four)
# two[2] ^= 0b100
# ```
#
# </details>
#
# ## Count instructions
#
# The next larger level, x86-64-v4, has `zmm` registers of 64 bytes: eight lanes. Its pack comes
# with `cpnum` and can be looked at anywhere, though not run anywhere. The loop of one lane is that
# of notebook 05, with two bits flipped in its multiplication and in its addition.
#
# **Predict.** How many instructions does each loop take for one element?

# %%
v4 = learn.pack("x86-64-v4")
by_eight = learn.glue(loop_of(v4))
by_one = learn.glue(["loop", *rest[3:8], "done"][:1] + [
    put("load_tail_f64", 2, pointer=15),
    put("multiply_f64", 2, 0, 2),
])
