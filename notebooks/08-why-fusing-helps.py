# %% [markdown]
# # 08 · Why fusing helps
#
# *trace → graph →* **loop** *→ stencils → code → run*
#
# To *fuse* means to compute a whole formula in one loop. In this notebook you count the bytes
# that this saves, predict what it gains, and measure it at three sizes. You also find three cases
# in which it gains nothing.
#
# You need [07 · Tracing](07-tracing.ipynb), and 15 minutes. The plot needs matplotlib.

# %%
import timeit
import tracemalloc

import numpy as np

import cpnum
from cpnum import cpjit, learn

# %load_ext cpnum.learn


@cpjit
def distance(x, y):
    return (x - 1) ** 2 + (y - 2) ** 2


random = np.random.default_rng(8)
x, y = random.random((2, 1_000_000))
print(distance.lower(x, y).graph)

# %% [markdown]
# This is the square of the distance from the point (1, 2). There are five operations. NumPy knows
# nothing of the formula: Python asks it for one operation after the other, so it runs five loops.
# Each of them stores its results in an array, where the next one finds them. An array in between,
# which no one asked for, is a *temporary*.
#
# **Predict.** `tracemalloc` counts the memory that is allocated, and `py_func` is the function as
# it was written, which NumPy computes. How many arrays of the size of
# `x` are alive at once, in NumPy and in one loop?

# %%
for name, function in ("NumPy", distance.py_func), ("one loop", distance):
    function(x, y)
    tracemalloc.start()
    function(x, y)
    print(f"{name:10}{tracemalloc.get_traced_memory()[1] / x.nbytes:.1f} arrays at once")
    tracemalloc.stop()

# %% [markdown]
# One array is the result. Whatever is above that is temporaries. NumPy is careful: if nobody else
# needs a temporary, and it is large, the next result overwrites it. But the memory is not the
# point. The way to it is.
#
# ## Counting bytes
#
# A number of type float64 has 8 bytes. The loop of `x - 1` reads 8 bytes and writes 8 bytes for
# each element. The number 1 stays in a register and costs nothing. The addition at the end reads
# two arrays, so it moves 24.
#
# **Predict.** How many bytes do all five loops move for an element? And one loop, that reads `x`
# and `y` and writes the result?


# %%
def bytes_of_numpy(graph):
    loops = []
    for node in graph.nodes:
        if hasattr(node, "op"):
            arrays = {each for each in node.args if not hasattr(each, "value")}
            loops.append(sum(each.dtype.itemsize for each in arrays) + node.dtype.itemsize)
    return loops


def compare_bytes(kernel):
    loops = bytes_of_numpy(kernel.graph)
    print(f"NumPy: {sum(loops)} bytes for an element, by its loops {loops}")
    print("one loop:", kernel.loop_nest.element_bytes, "bytes for an element")


compare_bytes(distance.lower(x, y))

# %% [markdown]
# In one loop, the values in between stay in registers. They are made and used within a few
# instructions, and no memory sees them.
#
# These are the bytes that the instructions ask for. The hardware may move more of them: most
# processors read a piece of memory before they overwrite it.
#
# ## Your turn: count
#
# How many bytes for an element are moved by `x * y + 0.5 * z`, if `x`, `y` and `z` are arrays of
# float64?

# %% tags=["exercise"]
numpy_bytes = ...
loop_bytes = ...


# %%
@learn.check(numpy_bytes, loop_bytes)
def counted(by_numpy, by_one_loop):
    "A half of the bytes: those of the temporaries are gone."
    assert by_numpy != 56, "56 leaves out a read: does 0.5 * z read z, and the sum both products?"
    assert by_numpy == 64, (
        f"numpy_bytes is {by_numpy}: there are three loops, and x * y alone reads two arrays and "
        "writes one"
    )
    assert by_one_loop == 32, f"loop_bytes is {by_one_loop}: which arrays are read and written?"


# %% [markdown]
# <details><summary>Answer</summary>
#
# `x * y` moves 24, `0.5 * z` moves 16, and the sum 24. One loop reads three arrays and writes
# one.
#
# ```python
# numpy_bytes = 24 + 16 + 24
# loop_bytes = 4 * 8
# ```
#
# </details>
#
# ## How fast do bytes come?
#
# That depends on how far away they are. Memory is large and slow. So a processor keeps copies of
# what it has used last in *caches*, each smaller and faster than the one behind it:
#
# ```text
# registers ── L1 ── L2 ── L3 ── memory
#  fastest                       largest
# ```
#
# `copy` below reads 8 bytes and writes 8, and does nothing else. `bind` makes a call of it whose
# arguments are fixed, which costs little.
#
# **Predict.** How much slower are bytes from memory than bytes from the caches next to the
# processor?

# %%
copy = cpjit(lambda x: x.copy())

for elements in 10_000, 300_000, 5_000_000:
    call = copy.bind(np.ones(elements), out=np.ones(elements))
    calls = 10_000_000 // elements
    seconds = min(timeit.repeat(call, number=calls, repeat=5)) / calls
    print(f"{16 * elements / 1e6:6.1f} MB in and out: {16 * elements / seconds / 1e9:5.1f} GB/s")

# %% [markdown]
# The last line is what counts for large arrays. It is the speed of your memory for one core, and
# no instruction can make it faster. If 24 bytes have to come in place of 88, however, they come
# in less time.
#
# ## Guess the winner
#
# Now the formula, as NumPy and as one loop, for the same three sizes. From the bytes you would
# expect 88 / 24, which is 3.7 times the speed.
#
# **Predict.** Write down a winner and a factor for 10,000, for 300,000 and for 5,000,000
# elements. At which of them are bytes the most expensive?

# %%
sizes = [10_000, 300_000, 5_000_000]
quietly = {"cpu_time": True, "progress": False}
result = cpnum.bench(distance, x, y, sizes=sizes, against="numpy", **quietly)
result

# %% [markdown]
# `cpnum.bench` repeats or cuts the arrays to each size, compares the results, and times the calls
# by turns; `cpu_time` leaves out the time of other programs. How to measure is the subject of the
# next notebook. Here are the same times beside the
# caches of your machine:

# %%
places = [*result.caches, ("memory", float("inf"))]
for size in sizes:
    fused, numpy = (result.row(name, size).timing.median for name in ("cpnum", "NumPy"))
    place = next(name for name, most in places if 24 * size <= most)
    winner = "one loop" if fused < numpy else "NumPy"
    print(f"{size:>9,} elements, {24 * size / 1e6:5.1f} MB, fit into {place:6}", end="  ")
    print(f"{winner} wins, by {max(numpy / fused, fused / numpy):.1f}")

# %% [markdown]
# Was your guess right? The factor seldom is 3.7 exactly, for the bytes are not all that takes
# time:
#
# * For small arrays, the call itself takes some microseconds of Python, and the bytes come fast.
# * In the middle, the larger cache is shared with others, and NumPy's temporaries need a part of
#   it.
# * For large arrays, the result needs fresh memory. The operating system clears it, page by page,
#   whoever computes the result.
#
# ## The roofline
#
# One plot shows what a machine can do at most. A program has so many operations for each byte
# that it moves, and this decides which of two ceilings it meets: the bytes that come in a second,
# or the operations that the processor computes in a second.

# %%
operations = 5
print(f"NumPy:    {operations / 88:.3f} operations per byte")
print(f"one loop: {operations / 24:.3f} operations per byte")

# %%
# %%needs matplotlib
result.plot("roofline")

# %% [markdown]
# Read it so:
#
# * From left to right, there is more to compute for each byte. `distance` stands where its 0.2
#   operations per byte are.
# * The slopes are the ceilings of memory and caches, which were measured just now by copies as
#   above. Under a slope, the program waits for bytes: it is *memory-bound*.
# * The flat line is the peak of the processor. A program near it computes all the time, and is
#   *compute-bound*.
# * A dot belongs to one size of arrays. A large one stays near the slope of memory or below it,
#   whatever its instructions are. The slopes are no sharp limits: a formula that writes less for
#   what it reads than a copy may be somewhat above, and so may arrays that fill less of a shared
#   cache. How far a dot is below shows what else takes time, such as fresh memory.
#
# The same operations with fewer bytes are a step to the right, and under a slope that is a step
# up. That is all that fusing does. Under the flat line, a step to the right changes nothing.
#
# ## Your turn: the roof as a function
#
# Write a function that returns the most operations in a second that a program can reach. It is
# given its operations per byte, the bytes in a second, and the peak operations in a second.

# %% tags=["exercise"]
roof = ...


# %%
@learn.check(roof)
def is_a_roof(function):
    "The slower of the two decides, and that is the whole model."
    assert callable(function), "a function: def roof(operations_per_byte, bandwidth, peak): ..."
    for given, wanted in (
        ((0.2, 10e9, 30e9), 2e9),
        ((0.2, 40e9, 30e9), 8e9),
        ((5, 10e9, 30e9), 30e9),
    ):
        found = function(*given)
        assert found == wanted, f"roof{given} is {found}, and {wanted} is wanted"


# %% [markdown]
# <details><summary>Answer</summary>
#
# Bytes in a second, times operations for each of them, are operations in a second.
#
# ```python
# def roof(operations_per_byte, bandwidth, peak):
#     return min(operations_per_byte * bandwidth, peak)
# ```
#
# </details>
#
# ## When fusing does not help: the processor is busy
#
# Fusing saves bytes. Where bytes are not what takes the time, it saves nothing.
#
# To see this, NumPy is the wrong opponent, for its sine is another program than that of `cpnum`.
# So let `cpnum` play against itself: the same stencils, in one loop or in one loop each. All
# arrays are there already, and all calls are bound.


# %%
def race(function, one_loop, one_by_one, *arguments):
    against = {"one loop": lambda *_: one_loop(), "one by one": lambda *_: one_by_one()}
    raced = cpnum.bench(function, *arguments, against=against, seconds=0.1, **quietly)
    return raced.row("one by one").timing.median / raced.row("one loop").timing.median


# %%
subtract, square, add, sine = map(cpjit, (np.subtract, np.square, np.add, np.sin))
x, y, a, b, c, d, e = random.random((7, 300_000))
five_steps = [
    subtract.bind(x, 1.0, out=a),
    square.bind(a, out=b),
    subtract.bind(y, 2.0, out=c),
    square.bind(c, out=d),
    add.bind(b, d, out=e),
]

# %%
three_steps = [sine.bind(x, out=a), sine.bind(a, out=b), sine.bind(b, out=c)]
sines = cpjit(lambda x: np.sin(np.sin(np.sin(x))))

# %% [markdown]
# **Predict.** One loop has 3.7 times fewer bytes for `distance`, and 3 times fewer for a sine of
# a sine of a sine. How much faster is it in each case?

# %%
bound, bound_sines = distance.bind(x, y, out=np.ones_like(x)), sines.bind(x, out=np.ones_like(x))
gain = race(distance, bound, lambda: [step() for step in five_steps][-1], x, y)
print(f"distance: 3.7 times fewer bytes, {gain:.2f} times as fast")
gain = race(sines, bound_sines, lambda: [step() for step in three_steps][-1], x)
print(f"sines:    3.0 times fewer bytes, {gain:.2f} times as fast")

# %% [markdown]
# A sine takes dozens of instructions. While they are computed, the next bytes arrive, and nobody
# waits for them. Compare the two lines: fewer bytes are worth as much as the time that was spent
# waiting. (The first factor may be above 3.7: temporaries also push other arrays out of the
# caches.)
#
# The second factor may even be below 1. One likely reason: in one loop, each sine has to wait for
# the result of the one before. In a loop of sines only, none depends on another, and the
# processor works on several at once.
#
# ## When fusing does not help: there is nothing to fuse
#
# **Predict.** What does a loop save for a single operation, such as `x + y`?

# %%
single = cpjit(lambda x, y: x + y)
compare_bytes(single.lower(x, y))
alone = cpnum.bench(single, x, y, against="numpy", seconds=0.1, **quietly)
speed = alone.row("NumPy").timing.median / alone.row("cpnum").timing.median
print(f"one loop is {speed:.2f} times as fast")

# %% [markdown]
# As many bytes, so the roof is the same. Whatever differs from 1.00 here has other reasons.
#
# ## When fusing does not help: the arrays are tiny
#
# Before any byte moves, a call has to find out what it is given: how many arrays, which dtypes,
# which shapes. `cpnum` does that in Python, NumPy in C.
#
# **Predict.** From how many elements on is `distance` faster as one loop?

# %%
tiny = [10, 100, 1_000, 10_000, 100_000]
small = cpnum.bench(distance, x, y, sizes=tiny, against="numpy", seconds=0.05, **quietly)
faster = []
for size in tiny:
    speed = small.row("NumPy", size).timing.median / small.row("cpnum", size).timing.median
    faster += [size] * (speed > 1)
    print(f"{size:>7,} elements: {speed:.2f} times as fast as NumPy")
print(f"faster from {min(faster):,} elements on" if faster else "never faster here")

# %% [markdown]
# A call that is made again and again with the same arrays can be bound, which takes most of that
# time away. But the best advice for arrays of ten elements is to put many of them into one.
#
# ## Challenge: a fifth of the bytes
#
# Write a formula of one or two arrays that moves at least five times fewer bytes in
# one loop than in NumPy. The sum of `bytes_of_numpy` is the judge.

# %% tags=["exercise"]
saving = ...


# %%
@learn.check(saving)
def saves_four_fifths(function):
    "The more operations there are for each array, the more there is to save."
    assert callable(function), "a function is wanted: def saving(x): ... or def saving(x, y): ..."
    count = function.__code__.co_argcount
    assert count in (1, 2), f"one or two arrays are wanted, and it takes {count}"
    kernel = cpjit(function).lower(*[np.ones(4), np.ones(4)][:count])
    by_numpy, by_one_loop = sum(bytes_of_numpy(kernel.graph)), kernel.loop_nest.element_bytes
    times = by_numpy / by_one_loop
    assert times >= 5, (
        f"NumPy moves {by_numpy} bytes, one loop {by_one_loop}: {times:.1f} times fewer. More "
        "operations on the same array would help"
    )


# %% [markdown]
# <details><summary>Answer</summary>
#
# One array in and one out are 16 bytes, so NumPy has to move 80. An operation with a constant
# moves 16, one between two arrays 24.
#
# ```python
# def saving(x):
#     return ((x * 0.1 + 0.2) * x + 0.3) * x + 0.4
# ```
#
# These are 16 + 16 + 24 + 16 + 24 + 16, which is 112 bytes: 7 times as many.
#
# </details>
#
# ## What you know now
#
# * A loop for each operation writes temporaries and reads them again. One loop keeps the values
#   in registers.
# * In array code, bytes from memory often take more time than the operations. Fusing saves bytes.
# * It does not help where the processor is busy, where there is one operation only, or where the
#   call takes longer than the loop.
#
# You have seen many measured times by now, and some may have surprised you. How far can one trust
# them? [09 · Measuring honestly](09-measuring-honestly.ipynb).
