# %% [markdown]
# # 06 · Four at a time
#
# *C → stencil →* **copy → patch → run**
#
# A vector register holds several numbers, and one instruction computes with all of them. In this
# notebook your loop learns to use that, down to the last elements, for which a whole vector is
# too much. Then you count and measure what it gives.
#
# You need [05 · A loop over an array](05-a-loop-over-an-array.ipynb), and 15 minutes.

# %%
import resource

import numpy as np

from cpnum import learn

v3 = learn.pack("x86-64-v3")


def put(name, *registers, pack=v3, **values):
    return learn.instance(pack[name], *registers, **values)


def frame(pack=v3):
    return [
        put("entry", BODY="body", pack=pack),
        "body",
        put("load_pointer", pointer=15, SLOT=0, pack=pack),
        put("load_pointer", pointer=7, SLOT=8, pack=pack),
    ]


# %% [markdown]
# ## One addition, how many sums?
#
# This code has no loop. It loads, adds once, stores and returns. The block is `[x, out]`, and `x`
# is added to what is in `out`. The stencils of memory are `load_f64` and `store_f64` here,
# without `tail` in their names.
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
adding = learn.glue([*frame(), *once])
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
# This is called SIMD: a single instruction, multiple data. The stencils of notebooks 04 and 05
# did the same, and three of their four lanes went to waste.
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
# This is `a * x + b` again, with the block `[x, out, a, b]`. The loop is a function of the pack
# and of its first operation, because it will need another pack and another operation later.


# %%
numbers = [put("argument_f64", 0, SLOT=16), put("argument_f64", 1, SLOT=24)]


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


by_four = learn.glue([*frame(), *numbers, *loop_of(v3), put("finish")])
print(by_four.code)

# %% [markdown]
# **Predict.** `x` has ten elements, and a step takes four. What is in `out`?

# %%
x, out = np.arange(10.0) * 10, np.zeros(10)
learn.run(by_four, [x, out, 2.0, 1.0], 0, 10)
out

# %% [markdown]
# Two steps, eight elements. For a third step there are too few. How does the loop know? Here is
# the loop alone:

# %%
learn.listing(learn.glue(loop_of(v3)))

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
# memory which may not be read. And had the load gone well, the store would write over what
# belongs to somebody else.
#
# ## The tail
#
# The last elements, fewer than the lanes, are the *tail*. They go one at a time, and now the
# names in notebooks 04 and 05 make sense. `vectors_done` gives the end back what `vectors` took.
#
# **Predict.** How many times is each of the two multiplications in this code done, for ten
# elements?


# %%
def loop_by_one(operation="multiply_f64"):
    return [
        put("tail", SKIP="tail_done"),
        "tail_loop",
        put("load_tail_f64", 2, pointer=15),
        put(operation, 2, 0, 2),
        put("add_f64", 2, 1, 2),
        put("store_tail_f64", 2, pointer=7),
        put("next_element", HEAD="tail_loop"),
        "tail_done",
    ]


tail = [put("vectors_done", STEP=4), *loop_by_one()]
whole = learn.glue([*frame(), *numbers, *loop_of(v3), *tail, put("finish")])
out = np.zeros(10)
learn.run(whole, [x, out, 2.0, 1.0], 0, 10)
out

# %% [markdown]
# The first one twice, for elements 0 to 3 and 4 to 7, and the second one twice, for 8 and 9.
# `load_tail_f64` puts its one element into all four lanes. A lane without an element might hold
# anything, such as a zero to divide by, and raise an error that no element of the array raises.
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
# `pd` is *packed double*, all lanes of float64; `sd` is *scalar double*, lane 0 only. (`double`
# is C's name of float64, and `xmm2` the lower half of `ymm2`.) The third byte was `7d`, and is
# `7b`:
#
# | third byte | its bits | the bit before the last two | the last two bits |
# | --- | --- | --- | --- |
# | `7d` | 0111 1101 | 1: `ymm` | 01: float64, all lanes |
# | `7b` | 0111 1011 | 0: `xmm` | 11: float64, lane 0 only |
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
    "One bit is the width of the vector, 16 bytes or 32, and the others stay as they were."
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
# An *ISA level* is an instruction set that a pack is built for, such as x86-64-v3. The next one,
# x86-64-v4, has `zmm` registers of 64 bytes: eight lanes. Its pack comes with
# `cpnum`, and can be looked at on any processor, though not run on any.
#
# **Predict.** How many instructions does each of the three loops take for one element?

# %%
v4 = learn.pack("x86-64-v4")
loops = {1: loop_by_one()[1:], 4: loop_of(v3)[1:], 8: loop_of(v4)[1:]}  # from the label on
for lanes, items in loops.items():
    instructions = len(learn.listing(learn.glue(items).data))
    print(f"{lanes} at a time: {instructions} instructions, {instructions / lanes} an element")

learn.listing(learn.glue(loops[8]))

# %% [markdown]
# Each loop has seven instructions, of which four are work and three are the way back. They are
# shared by one, four or eight elements. The list is the loop of eight. It has wider registers,
# and other bytes (`62` begins most instructions for `zmm`). Its stencils are the same C, compiled
# for another level. That level also has *masks*, one bit a lane, by which a load and a store do
# part of their lanes: `cpnum` does the whole tail at once there.
#
# ## Measure
#
# `learn.run` starts a process, which takes far longer than a loop of 1000 elements. So the code
# itself has to do the loop many times. Three stencils make a second loop around the first:
# `count_range` and `repeat` count the rounds in a word of the block, and `inner_range` sets the
# index to 0 and the end to another word. The two arrays take 16 kB, which fits into the
# *cache*, a small fast memory next to the processor; notebook 08 is about arrays that do not fit.
#
# One line is there for the sake of its bytes only, as you will see.


# %%
def repeated(pack, loop):
    return learn.glue(
        [
            *frame(pack),
            put("argument_f64", 0, SLOT=16, pack=pack),
            put("argument_f64", 1, SLOT=24, pack=pack),
            put("argument_f64", 3, SLOT=24, pack=pack),  # moves what follows
            put("count_range", SLOT=40, pack=pack),  # word 5 = end - start, the rounds
            "again",
            put("inner_range", SLOT=32, pack=pack),  # r13 = 0, r14 = word 4, the elements
            *loop,
            put("repeat", SLOT=40, HEAD="again", pack=pack),
            put("finish", pack=pack),
        ]
    )


x, out = np.arange(1000.0), np.zeros(1000)


def processor_time():
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def shortest(code, rounds):
    seconds = []
    for _ in range(4):
        begin = processor_time()
        learn.run(code, [x, out, 1.5, 0.5, 1000, 0], 0, rounds, seconds=60)
        seconds.append(processor_time() - begin)
    return min(seconds)


# %% [markdown]
# The clock is that of the processes which `learn.run` starts: it stands still while the processor
# is busy with another program. The time of many rounds, less the time of one, is without the
# start of the process. The loop by one gets the instructions for one lane in place of those for
# four, so that it computes nothing in vain. Eight lanes are there if your processor is of level
# v4.
#
# **Predict.** How many times faster is each loop than the one before it? And if there is a
# division in place of the multiplication? This takes some seconds.


# %%
def codes_of(operation):
    data = repeated(v3, loop_by_one(operation)).data
    for vector in v3[operation].fill((2, 0, 2)), v3["add_f64"].fill((2, 1, 2)):
        data = data.replace(vector, one_lane(vector))
    yield 1, data
    yield 4, repeated(v3, loop_of(v3, operation))
    if learn.pack().isa == "x86-64-v4":
        yield 8, repeated(v4, loop_of(v4, operation))


rounds = 200_000
for operation in "multiply_f64", "divide_f64":
    single = None
    for lanes, code in codes_of(operation):
        seconds = (shortest(code, rounds + 1) - shortest(code, 1)) / rounds / len(x)
        single = single or seconds
        gain = f"{1e9 * seconds:.2f} ns an element, {single / seconds:.1f} times as fast as one"
        print(f"{operation:12}  {lanes} at a time: {gain}")

# %% [markdown]
# If instructions were all that takes time, four lanes would be four times as fast as one. The
# multiplication may come near to that. The division does not: the part of a processor that
# divides is narrow on most of them, and does a large vector in several goes. Then lanes save less
# time than they save instructions, and eight may gain nothing over four.
#
# The figures change from run to run; notebook 09 is about that. Now leave out the line in
# `repeated` that "moves what follows", and run the last cells again. On some Intel processors a
# loop takes up to twice as long if its jump back crosses a multiple of 32 bytes in memory, and
# without that line these jumps do. On other processors nothing changes.
#
# ## Challenge: eight at a time, on any processor
#
# A float32 has 4 bytes, so a `ymm` register has eight lanes of it. Glue `a * x + b` for float32
# arrays of any size, with the block `[x, out, a, b]`. The stencils have the same names with `f32`
# at their ends.

# %% tags=["exercise"]
by_eight = ...


# %%
@learn.check(by_eight)
def computes_float32(code):
    "Half the bytes for a number, twice the lanes. That is what a smaller dtype is worth."
    assert isinstance(code, learn.Glued), f"glued code is wanted, not {type(code).__name__}"
    a, b = np.float32(2), np.float32(1)
    for size in 0, 5, 8, 21:
        values = np.arange(size, dtype=np.float32) * 10
        result = np.full(size, np.nan, np.float32)
        learn.run(code, [values, result, a, b], 0, size)
        wanted = a * values + b
        assert (result == wanted).all(), f"{size} elements: out is {result}, and not {wanted}"
    used = [each.instance for each in code.code.lines()]
    steps = {str(value) for each in used for hole, value in each.values.items() if hole == "STEP"}
    assert steps, "the result is right, one element at a time: vectors are still missing"
    assert steps == {"8"}, f"the result is right, with steps of {', '.join(steps)}, not 8"


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# by_eight = learn.glue(
#     [
#         *frame(),
#         put("argument_f32", 0, SLOT=16),
#         put("argument_f32", 1, SLOT=24),
#         put("vectors", STEP=8, SKIP="done"),
#         "loop",
#         put("load_f32", 2, pointer=15, OFFSET=0),
#         put("multiply_f32", 2, 0, 2),
#         put("add_f32", 2, 1, 2),
#         put("store_f32", 2, pointer=7, OFFSET=0),
#         put("next_vectors", STEP=8, HEAD="loop"),
#         "done",
#         put("vectors_done", STEP=8),
#         put("tail", SKIP="tail_done"),
#         "tail_loop",
#         put("load_tail_f32", 2, pointer=15),
#         put("multiply_f32", 2, 0, 2),
#         put("add_f32", 2, 1, 2),
#         put("store_tail_f32", 2, pointer=7),
#         put("next_element", HEAD="tail_loop"),
#         "tail_done",
#         put("finish"),
#     ]
# )
# ```
#
# </details>
#
# ## What you know now
#
# * A vector register has lanes, and an instruction for vectors computes in all of them.
# * Each loop of vectors needs a tail.
# * Lanes divide the number of instructions. They divide the time only where instructions are what
#   takes the time.
#
# By now you have glued by hand what `cpnum` glues for a line of NumPy. It begins with such a
# line, not with a list of stencils: [07 · Tracing](07-tracing.ipynb).
