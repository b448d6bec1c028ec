# %% [markdown]
# # 05 · A loop over an array
#
# *C → stencil →* **copy → patch → run**
#
# In this notebook you write a loop of stencils. It computes `a * x + b` for all elements of an
# array, and at the end for slices such as `x[::2]` and `x[::-1]`, none of which it copies.
#
# You need [04 · Gluing](04-gluing.ipynb), and 15 minutes.

# %%
import numpy as np

from cpnum import learn

pack = learn.pack("x86-64-v3")

# %% [markdown]
# In notebook 01 you read `[rdi + rsi*8]` as `x[rsi]`.
#
# **Predict.** The index of an element is in `r13`, and the address of `x` in `r15`. Which line of
# Python is this stencil?

# %%
learn.listing(pack["load_tail_f64"].fill((2,), pointer=15))

# %% [markdown]
# It is `value = x[i]`: read 8 bytes, `i` times 8 bytes behind the start. All stencils agree on
# three registers: `r12` has the address of the argument block, `r13` the index of the element,
# and `r14` the end, the index to stop before. `entry` sets them to what `learn.run` gives: the
# list and the two integers.
#
# (As in notebook 04, only the first of the four numbers in a vector register matters. Why such
# stencils are called *tail* is in notebook 06.)
#
# ## Round and round
#
# In Python the loop is this, written in an odd way:
#
# | Python | stencil | its instructions |
# | --- | --- | --- |
# | `if i >= end: skip the loop` | `tail` | compare, jump to `SKIP` if greater or equal |
# | `out[i] = a * x[i] + b` | load, multiply, add, store | |
# | `i += 1`, and again if `i < end` | `next_element` | add 1, compare, jump to `HEAD` if less |
#
# A label marks where each jump goes. There are two arrays, so there are two pointers: general
# registers 15, which is `r15`, and 7, which is `rdi`.


# %%
def put(name, *registers, **values):
    return learn.instance(pack[name], *registers, **values)


frame = [put("entry", BODY="body"), "body"]
frame += [put("load_pointer", pointer=15, SLOT=0), put("load_pointer", pointer=7, SLOT=8)]
frame += [put("argument_f64", 0, SLOT=16), put("argument_f64", 1, SLOT=24)]
loop = [
    put("tail", SKIP="done"),
    "loop",
    put("load_tail_f64", 2, pointer=15),
    put("multiply_f64", 0, 2, 2),
    put("add_f64", 2, 1, 2),
    put("store_tail_f64", 2, pointer=7),
    put("next_element", HEAD="loop"),
    "done",
    put("finish"),
]
code = learn.glue([*frame, *loop])
print(code.code)

# %% [markdown]
# The block is `[x, out, a, b]`. What does not change from element to element, the pointers and
# the two numbers, is read once, before the loop.
#
# **Predict.** What is in `out`? How many times does the processor do the multiplication?

# %%
x, out = np.arange(10.0) * 10, np.zeros(10)
learn.run(code, [x, out, 2.0, 1.0], 0, 10)
out

# %% [markdown]
# The code has one multiplication, and the processor came by ten times. Here are the instructions
# from `tail` on, which begins at 0x8a.

# %%
learn.listing(code.data[0x8A:])

# %% [markdown]
# The last jump is at 0x25, and `learn.glue` has filled its hole with `de ff ff ff`, which is −34.
# As in notebook 01, that is the distance from the end of the jump. It ends at 0x2b, which is 43,
# and 43 − 34 is 9, the place of the load and of the label.
#
# ## Start and end
#
# **Predict.** What is in `out` if the two integers are 3 and 7? And if they are 0 and 0?

# %%
for start, end in (3, 7), (0, 0):
    out = np.zeros(10)
    learn.run(code, [x, out, 2.0, 1.0], start, end)
    print(start, end, out)

# %% [markdown]
# Elements 3 to 6 in the first case, as in `range(3, 7)`. In the second one `tail` jumps to `done`
# at once. Without `tail` the loop would compute one element before it asks for the first time.
#
# ## What a slice is
#
# `x[::2]` has five numbers, and they are no copy. To see what it is, ask where it begins, and how
# many bytes it is from one element to the next. NumPy calls the latter its *strides*, one for
# each axis.
#
# **Predict.** If `x` begins at address `p`, where does `x[::-1]` begin, and what is its stride?

# %%
slices = {"x": x, "x[2:]": x[2:], "x[::2]": x[::2], "x[::-1]": x[::-1]}
for name, view in slices.items():
    print(f"{name:8} begins at p + {view.ctypes.data - x.ctypes.data:2}, strides {view.strides}")

# %% [markdown]
# A slice is another address and another stride, for the same 80 bytes:
#
# ```
# bytes       0     8    16    24    32    40    48    56    64    72
#          ┌─────┬─────┬─────┬─────┬─────┬─────┬─────┬─────┬─────┬─────┐
# x        │   0 │  10 │  20 │  30 │  40 │  50 │  60 │  70 │  80 │  90 │
#          └─────┴─────┴─────┴─────┴─────┴─────┴─────┴─────┴─────┴─────┘
# x[::2]      0 ────────→ 1 ────────→ 2 ────────→ 3 ────────→ 4
# x[::-1]     9 ←── 8 ←── 7 ←── 6 ←── 5 ←── 4 ←── 3 ←── 2 ←── 1 ←── 0
# ```
#
# Element `i` is at `address + stride * i`. A stride may be negative: `x[::-1]` begins at the last
# element of `x` and goes down.
#
# **Predict.** The loop of above knows nothing of strides. What does it make of `x[::2]`?

# %%
out = np.zeros(5)
learn.run(code, [x[::2], out, 2.0, 1.0], 0, 5)
print("is        ", out)
print("should be ", 2.0 * x[::2] + 1.0)

# %% [markdown]
# It takes the first five numbers. They are in memory, so nothing fails, and the result is wrong.
# With `x[::-1]` it begins at the last element, and goes up:

# %% tags=["raises-exception"]
learn.run(code, [x[::-1], np.zeros(10), 2.0, 1.0], 0, 10)

# %% [markdown]
# Whoever glues has to know the *layout* of the arrays: *contiguous* if the stride is the size of
# an element, *strided* if it is another one, *broadcast* if it is 0. `cpnum` looks at the strides
# of each call, and takes other stencils for other layouts.
#
# ## Your turn: strides
#
# An array of two axes is numbers in a row as well: the first row, then the second one. Here are
# four views of one. Fill in the stride of each, in bytes, without asking NumPy.

# %%
matrix = np.arange(12.0).reshape(3, 4)
views = [matrix[1], matrix[:, 1], matrix[::-1, 0], matrix.diagonal()]
print(matrix)
for view in views:
    print(view)

# %% tags=["exercise"]
strides = ...  # four numbers: [..., ..., ..., ...]


# %%
@learn.check(strides)
def are_strides(answer):
    "Rows, columns, backwards, across: to the processor they are one number."
    names = ["matrix[1]", "matrix[:, 1]", "matrix[::-1, 0]", "matrix.diagonal()"]
    assert isinstance(answer, list | tuple), "four numbers are wanted, as [1, 2, 3, 4]"
    assert len(answer) == 4, f"four numbers are wanted, and these are {len(answer)}"
    for name, view, seen in zip(names, views, answer, strict=True):
        assert seen is not ..., f"{name} is still to be filled in"
        step = f"{view[0]:g} to {view[1]:g}"
        assert seen == view.strides[0], f"{name}: count the bytes on the way from {step}"


# %% [markdown]
# <details><summary>Answer</summary>
#
# A row has four numbers, so it is 32 bytes to the next row. The diagonal goes one row and one
# number further.
#
# ```python
# strides = [8, 32, -32, 40]
# ```
#
# </details>
#
# ## A stencil for strides
#
# `load_strided_tail_f64` is for such arrays. Its hole `SLOT` is where in the argument block the
# stride is.

# %%
learn.listing(pack["load_strided_tail_f64"].fill((2,), pointer=15, values={"SLOT": 32}))

# %% [markdown]
# It reads the stride, multiplies it by the index, and reads the number at pointer plus product:
# `address + stride * i`, three instructions in place of one. `store_strided_tail_f64` is the same
# for a store.
#
# ## Your turn: any stride
#
# Glue a loop for `a * x + b` that works for any strides of `x` and of `out`. Its block is `[x,
# out, a, b, stride of x, stride of out]`. You may use `frame` as it is.

# %% tags=["exercise"]
strided = ...


# %%
@learn.check(strided)
def works_for_all_strides(code):
    "One code for slices, columns, backwards. A stride of 0 gives one number again and again."
    assert isinstance(code, learn.Glued), f"glued code is wanted, not {type(code).__name__}"
    used = [each.instance.stencil.name for each in code.code.lines()]
    assert "next_element" in used, "no stencil jumps back: a loop ends with next_element"
    repeated = np.broadcast_to(5.0, 6)
    for view in x, x[::2], x[::-1], matrix[:, 1], repeated:
        for whole in np.zeros((len(view), 1)), np.zeros((len(view), 3)):
            result = whole[:, 0]
            words = [view, result, 2.0, 1.0, *view.strides, *result.strides]
            learn.run(code, words, 0, len(view))
            sizes = f"stride {view.strides[0]} of x, {result.strides[0]} of out"
            wanted = 2.0 * view + 1.0
            assert (result == wanted).all(), f"{sizes}: out is {result}, and not {wanted}"


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# strided = learn.glue(
#     [
#         *frame,
#         put("tail", SKIP="done"),
#         "loop",
#         put("load_strided_tail_f64", 2, pointer=15, SLOT=32),
#         put("multiply_f64", 0, 2, 2),
#         put("add_f64", 2, 1, 2),
#         put("store_strided_tail_f64", 2, pointer=7, SLOT=40),
#         put("next_element", HEAD="loop"),
#         "done",
#         put("finish"),
#     ]
# )
# ```
#
# </details>
#
# ## Challenge: differences
#
# `np.diff(x)` has the differences of neighbours, `x[1] - x[0]`, `x[2] - x[1]` and so on: one
# fewer than `x` has elements. Write a function `differences(x, out)` that computes them with code
# of yours, for any strides. A third pointer may be in general register 6.
#
# Hint: what is `x[1:]`, seen as an address and a stride?

# %% tags=["exercise"]
differences = ...


# %%
@learn.check(differences)
def computes_differences(function):
    "Neighbours need no new stencil: x[1:] is the same memory from one stride further on."
    assert callable(function), "a function is wanted: def differences(x, out): ..."
    for view in x**2, (x**2)[::2], (x**2)[::-1], matrix[:, 1] ** 3:
        result = np.full(len(view) - 1, np.nan)
        function(view, result)
        sizes = f"x is {view}, with stride {view.strides[0]}"
        assert not np.isnan(result).all(), f"{sizes}: nothing was written to out"
        assert (result == np.diff(view)).all(), f"{sizes}: out is {result}, not {np.diff(view)}"


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# pairs = learn.glue(
#     [
#         put("entry", BODY="body"),
#         "body",
#         put("load_pointer", pointer=15, SLOT=0),
#         put("load_pointer", pointer=7, SLOT=8),
#         put("load_pointer", pointer=6, SLOT=16),
#         put("tail", SKIP="done"),
#         "loop",
#         put("load_strided_tail_f64", 0, pointer=15, SLOT=24),
#         put("load_strided_tail_f64", 1, pointer=7, SLOT=24),
#         put("subtract_f64", 0, 1, 0),
#         put("store_strided_tail_f64", 0, pointer=6, SLOT=32),
#         put("next_element", HEAD="loop"),
#         "done",
#         put("finish"),
#     ]
# )
#
#
# def differences(x, out):
#     learn.run(pairs, [x[1:], x[:-1], out, *x.strides, *out.strides], 0, len(out))
# ```
#
# </details>
#
# ## What you know now
#
# * A loop over an array is a label, an index in a register, and a jump back.
# * An array is an address and a stride. A slice is another address and another stride, and costs
#   no copy.
# * Machine code has no bounds and no layouts. Those who make it have to know them.
#
# Each round of your loop takes seven instructions for one element, and the registers would hold
# four: [06 · Four at a time](06-four-at-a-time.ipynb).
