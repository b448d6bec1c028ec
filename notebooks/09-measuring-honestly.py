# %% [markdown]
# # 09 · Measuring honestly
#
# *trace → graph → loop → stencils → code →* **run**
#
# It is easy to measure a time, and easy to be fooled by it. In this notebook you are fooled on
# purpose, and learn what helps each time. Then you measure a compiler: what compiling
# costs, and after how many calls it pays.
#
# You need [08 · Why fusing helps](08-why-fusing-helps.ipynb), and 15 minutes. The plots need
# matplotlib.

# %%
import itertools
import math
import time

import numpy as np

import cpnum
from cpnum import cpjit, learn

# %load_ext cpnum.learn


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


# %% [markdown]
# `seconds` looks at the clock, makes a call, and looks at the clock again. Here is a function of
# 100,000 numbers, called six times.
#
# **Predict.** The arguments are the same. Are the times?

# %%
norm = cpjit(lambda x, y: np.sqrt(x * x + y * y))
x, y = np.random.default_rng(9).random((2, 100_000))

for number in range(1, 7):
    print(f"call {number}: {seconds(lambda: norm(x, y)) * 1e6:9.0f} µs")

# %% [markdown]
# ## Warm-up
#
# The first call reads a pack of stencils and compiles. Even the second one may be slow: its
# memory is new to the operating system, and the caches hold other things. Both kinds of time are
# real. But they are answers to different questions, so they must not be in one average. You *warm
# up*, that is, you make some calls that do not count, and you time first calls apart.
#
# ## Noise
#
# **Predict.** Now 500 warm calls. Which is larger, their mean or their median? (The *median* is
# the one in the middle, if you sort them.)


# %%
def summary(samples):
    lower, median, upper = np.quantile(samples, (0.25, 0.5, 0.75)) * 1e6
    print(f"fastest {samples.min() * 1e6:7.1f} µs      slowest {samples.max() * 1e6:9.1f} µs")
    print(f"median  {median:7.1f} µs      half of all are from {lower:.1f} to {upper:.1f} µs")
    mean, deviation = samples.mean() * 1e6, samples.std() * 1e6
    print(f"mean    {mean:7.1f} µs      standard deviation {deviation:.1f} µs")


samples = np.array([seconds(lambda: norm(x, y)) for _ in range(500)])
summary(samples)

# %%
end = 1.4 * np.median(samples)
counts, edges = np.histogram(samples, bins=16, range=(samples.min(), end))
for count, edge in zip(counts, edges, strict=False):
    print(f"from {edge * 1e6:7.1f} µs  {'█' * math.ceil(60 * count / counts.max())}")
print(f"{np.sum(samples > end)} of {samples.size} are slower still")

# %% [markdown]
# Nothing makes a call faster than the machine is. Many things make it slower: another program, an
# interrupt, a cache that somebody else has filled. So the times have a wall on the left, and a
# long slope on the right. The slope pulls at the mean, and the median hardly feels it.
#
# **Predict.** One more sample, during which the machine was away for 50 ms. What does it do to
# the mean, and to the median?

# %%
summary(np.append(samples, 0.05))

# %% [markdown]
# One bad sample of 501 moves the mean by some 100 µs, and the standard deviation by far more. The
# median stays, and so does the range of the middle half, the *interquartile range* or IQR. That
# is why `cpnum.bench` prints a median ± half of the IQR, and marks it with `~` if the IQR is
# above a tenth of the median.
#
# ## Your turn: median and IQR
#
# Write a function that returns both for any samples.

# %% tags=["exercise"]
median_and_iqr = ...


# %%
@learn.check(median_and_iqr)
def is_robust(function):
    "Two numbers that one bad sample in a hundred does not move."
    assert callable(function), "a function is wanted: def median_and_iqr(samples): ..."
    for given, wanted in (np.arange(101.0), (50, 50)), ([3.0, 1.0, 2.0, 900.0, 2.0], (2, 1)):
        found = function(np.array(given))
        assert np.shape(found) == (2,), f"it returns {found}, and two numbers are wanted"
        assert np.allclose(found, wanted), (
            f"of {given[:5]}{' and so on' * (len(given) > 5)} it makes {found}, not {wanted}"
        )


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def median_and_iqr(samples):
#     lower, median, upper = np.quantile(samples, (0.25, 0.5, 0.75))
#     return median, upper - lower
# ```
#
# </details>
#
# ## One after the other, or by turns?
#
# A median helps against single bad samples. Against a bad minute it does not: then all samples
# are bad. Machines have such spells. Somebody else computes, or the processor slows down because
# it is hot. Yours may be quiet just now, so here is a machine with spells that you can rely on:
# after every 140 calls it changes its speed.


# %%
class Moody:
    calls = 0

    def run(self):
        self.calls += 1
        slow = self.calls // 140 % 2
        for _ in range(1 + slow):
            norm(x, y)


# %% [markdown]
# Both competitors, A and B, are the *same* call. So an honest comparison says 1.00. First 100
# times A and then 100 times B, in four trials.
#
# **Predict.** What will it say?

# %%
machine = Moody()
for trial in range(1, 5):
    a = [seconds(machine.run) for _ in range(100)]
    b = [seconds(machine.run) for _ in range(100)]
    print(f"trial {trial}: A takes {np.median(a) / np.median(b):.2f} times as long as B")

# %% [markdown]
# The medians are right, and the ratios are not: A and B met different weather. Now by turns: A,
# B, A, B. Each pair is measured within a moment, so a spell meets both.

# %%
machine = Moody()
for trial in range(1, 5):
    pairs = np.array([(seconds(machine.run), seconds(machine.run)) for _ in range(100)])
    print(f"trial {trial}: A takes {np.median(pairs[:, 0] / pairs[:, 1]):.2f} times as long as B")

# %% [markdown]
# Measurements by turns are called *interleaved*. `cpnum.bench` takes one sample of each
# competitor in every round, and shuffles their order from round to round.
#
# To compare something with itself is a good test of any way to measure. If it is far from 1.00,
# believe no other number that it says.
#
# ## Trap: the clock is in the way
#
# **Predict.** A bound call for eight numbers takes about a microsecond. How much of that
# is the measurement?

# %%
tiny = cpjit(lambda x: x + 1).bind(np.ones(8), out=np.ones(8))


def thousand():
    for _ in range(1000):
        tiny()


nothing = np.median([seconds(lambda: None) for _ in range(1000)])
single = np.median([seconds(tiny) for _ in range(1000)])
many = np.median([seconds(thousand) for _ in range(20)]) / 1000
for name, value in ("no call at all", nothing), ("one call", single), ("one of 1,000", many):
    print(f"{name:15} {value * 1e9:6.0f} ns")

# %% [markdown]
# To look at the clock takes time, too: the first line is the time of nothing, and it is contained
# in the second one. If a call is short, measure many in one go, and divide.
#
# ## Trap: code that nobody needs
#
# **Predict.** How many times faster than NumPy is this function? It has an exponential.


# %%
@cpjit
def wasteful(x):
    _ = np.exp(x)
    return x + 1


raced = cpnum.bench(wasteful, x, against="numpy", progress=False, seconds=0.1)
speed = raced.row("NumPy").timing.median / raced.row("cpnum").timing.median
print(f"{speed:.1f} times as fast\n")
print(wasteful.lower(x).graph)

# %% [markdown]
# The number is right, and means nothing. Nobody uses the exponential, so it is not in the graph.
# Code without a use is *dead code*, and compilers leave it out. NumPy computes it, as it cannot
# know. If a benchmark shows a miracle, look at what was computed. Return all that should count.
#
# ## Trap: the data is already there
#
# **Predict.** The same function on the same 30,000 numbers again and again, and then on 500
# arrays one after the other, 30,000 numbers each. Is the second one slower?

# %%
line = cpjit(lambda x: x * 2 + 1)
arrays = np.random.default_rng(9).random((500, 30_000))
out = np.empty(30_000)
line(arrays[0], out=out)
same = np.median([seconds(lambda: line(arrays[0], out=out)) for _ in arrays])
others = np.median([seconds(lambda array=array: line(array, out=out)) for array in arrays])
print(f"the same array {same * 1e6:6.1f} µs")
print(f"500 arrays     {others * 1e6:6.1f} µs, {others / same:.2f} times as long")

# %% [markdown]
# An array that was used a moment ago is in a cache, as you saw in 08. A loop that measures makes
# its own data *hot*. In your program, the data may come from memory each time. Neither is wrong,
# if you say which one you measure, and if it is the one that you have.
#
# ## Trap: fast and wrong
#
# The fastest way to compute a root is to compute something else.

# %%
root = cpjit(lambda x: np.sqrt(x))
cheat = {"cheat": lambda x: x * 0.5 + 0.5}
raced = cpnum.bench(root, x, against=cheat, progress=False, rounds=5)
print("cheat is not timed:", raced.row("cheat").why)

# %% [markdown]
# So compare the results first. A time for a wrong result is no time. (One *ULP*, a unit in the
# last place, is the distance from a float to the next one. A few of them are another rounding.)
#
# ## What compiling costs
#
# Now for something real: the distance between two points on the globe, beside all that is
# installed here, at five sizes. `cpu_time` counts only the time in which this thread runs, so
# that other programs disturb less. This takes some seconds.


# %%
@cpjit
def haversine(lat1, lon1, lat2, lon2):
    a = (
        np.sin((lat2 - lat1) / 2) ** 2
        + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * 6371.0 * np.arcsin(np.sqrt(a))


def points(size):
    return tuple(np.random.default_rng(0).uniform(-1.5, 1.5, (4, size)))


sizes = [100, 1_000, 10_000, 100_000, 1_000_000]
result = cpnum.bench(haversine, points, sizes=sizes, seconds=0.1, cpu_time=True, progress=False)
result

# %% [markdown]
# A row with `~` is a noisy one: run the cell again before you tell anybody. Then read the second
# table. *Cold* is the first call of all, as after a start of Python. *Made again*
# is the first call of a function that is compiled once more. Here is where the time goes:

# %%
first = result.first["cpnum"]
print(f"{'':10}{'cold':>10}{'made again':>14}")
for stage in first.cold_stages:
    cold, again = first.cold_stages[stage] * 1e6, first.again_stages.get(stage, 0.0) * 1e6
    print(f"{stage:10}{cold:8.0f} µs{again:11.0f} µs")

# %% [markdown]
# `pack` is the reading of the stencils, which a process does once. The other rows are the stages
# that you know: trace the function, choose stencils, copy and patch. No compiler of C is among
# them. That is why this is a matter of milliseconds. (The stages are timed by the wall clock: on
# a busy machine they add up to more than the CPU time of the call.)
#
# ## Break-even
#
# To compile costs time once. Each call then saves a little. The call from which on you are ahead
# is the *break-even*.
#
# **Predict.** For 10,000 elements: after how many calls has compiling paid for itself?

# %%
compiling = result.compile_seconds("cpnum")
mine, theirs = (result.row(name, 10_000).timing.median for name in ("cpnum", "NumPy"))
print(f"compiling    {compiling * 1e6:9.0f} µs, once")
print(f"a call saves {(theirs - mine) * 1e6:9.0f} µs")

# %% [markdown]
# The rest is a division.
#
# ## Your turn: when does it pay?
#
# Write a function that returns the number of the call from which on the compiled function has
# taken less time in total, and `None` if that never happens.

# %% tags=["exercise"]
pays_from = ...


# %%
@learn.check(pays_from)
def is_break_even(function):
    "That is all there is to ask before you compile something."
    assert callable(function), "a function: def pays_from(compiling, mine, theirs): ..."
    for given, wanted in {(10.5, 1, 2): 11, (700.1, 0.2, 0.4): 3501, (1, 3, 2): None}.items():
        found = function(*given)
        assert found == wanted, (
            f"compiling {given[0]} ms, a call {given[1]} ms instead of {given[2]} ms: "
            f"you say {found}, and it is {wanted}"
        )
    assert function(1, 2, 2) is None, "of two equally fast ones, none ever pays"


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def pays_from(compiling, mine, theirs):
#     if mine >= theirs:
#         return None
#     return math.floor(compiling / (theirs - mine)) + 1
# ```
#
# </details>
#
# `result.break_even` does the same for each size:

# %%
for size in sizes:
    calls = result.break_even("cpnum", "NumPy", size)
    print(f"{size:>9,} elements:", "never" if calls is None else f"from call {calls:,} on")

# %% [markdown]
# ## Two plots that say nearly all
#
# The README of `cpnum` shows two plots. The first one answers: how fast is it, once it is warm?

# %%
# %%needs matplotlib
result.plot("sizes")

# %% [markdown]
# Both axes go by factors. On the left, the time is that of the call: ten times the elements take
# no longer, so a line falls. On the right, it is that of the loop, and the line is flat, or rises
# where the arrays leave a cache. Bands are quartiles. Where two bands overlap, do not name a
# winner.
#
# The second one answers: when does it pay?

# %%
# %%needs matplotlib
result.plot("calls", size=10_000)

# %% [markdown]
# A compiler starts high, for it has compiled, and rises slowly. NumPy starts low. Where the lines
# cross is the break-even, if they do. A compiler that needs a second for its first call starts
# far higher, and needs a long way to the right to make up for it.
#
# ## Challenge: a fair comparison
#
# Write `fair_ratio(first, second)`. It is given two calls without arguments, and
# returns how many times as long the first one takes. Warm up, take turns for at least ten rounds,
# and let no single bad sample decide.

# %% tags=["exercise"]
fair_ratio = ...


# %%
@learn.check(fair_ratio)
def compares_fairly(function):
    "It is not fooled by a cold start, a bad sample or a bad spell."
    assert callable(function), "a function is wanted: def fair_ratio(first, second): ..."
    order = []

    def call(name, milliseconds):
        order.append(name)
        cold, bad = order.count(name) == 1, name == "B" and order.count(name) == 6
        time.sleep(0.2 if cold or bad else milliseconds / 1000)

    ratio = function(lambda: call("A", 4), lambda: call("B", 2))
    made = min(order.count("A"), order.count("B"))
    assert made >= 10, f"one of the two was called {made} times: take ten rounds"
    turns = sum(one != other for one, other in itertools.pairwise(order))
    assert turns >= len(order) / 2, f"they do not take turns: {''.join(order[:30])}"
    assert ratio is not None and 1.4 < ratio < 2.6, (
        f"A sleeps for 4 ms, B for 2 ms, and you say {ratio}. Both first calls take 200 ms, and "
        "so does one call of B. Do they count?"
    )


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def fair_ratio(first, second):
#     first(), second()
#     pairs = [(seconds(first), seconds(second)) for _ in range(15)]
#     return np.median([mine / theirs for mine, theirs in pairs])
# ```
#
# </details>
#
# ## What you know now
#
# * Warm up, take turns, use the median and the IQR, compare the results, and look at what was
#   really computed.
# * A first call and a later call are two numbers. Together they give the break-even.
# * A number without its machine, its size and its spread is an anecdote.
#
# You have all the parts now. How they come together in a day's work: [10 · cpjit in daily
# work](10-cpjit-in-daily-work.ipynb).
