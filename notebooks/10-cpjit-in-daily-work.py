# %% [markdown]
# # 10 · cpjit in daily work
#
# **trace → graph → loop → stencils → code → run**
#
# You know what happens inside. This notebook is about the view from outside: what you look at
# first when you compile a function of your own, when it is compiled again, and what to do when it
# is refused. At the end you mend three functions that are.
#
# You need [07 · Tracing](07-tracing.ipynb), [09 · Measuring
# honestly](09-measuring-honestly.ipynb), and 15 minutes.

# %%
import math
import time

import numpy as np

from cpnum import cpjit, learn

# %load_ext cpnum

# %% [markdown]
# `%load_ext cpnum` adds *magics* to the notebook, which are commands that begin with `%` for a
# line, and with `%%` for a cell. Here is some weather to work with: a temperature and a humidity
# for each of 100,000 minutes.

# %%
random = np.random.default_rng(10)
minutes = np.arange(100_000)
day = np.cos(2 * np.pi * minutes / 1440)
celsius = 8 - 7 * day + random.normal(0, 2, minutes.size)
humidity = np.clip(65 + 20 * day + random.normal(0, 8, minutes.size), 10, 100)

# %% [markdown]
# ## A cell, and its report
#
# The *dew point* is the temperature at which the water in the air becomes dew. `%%cpjit` compiles
# all functions that the cell defines, runs the cell, and reports the last call.
#
# **Predict.** Which of the lines 4 and 5 becomes more code, and which operation is the reason?


# %%
# %%cpjit
def dew_point(celsius, humidity):
    a, b = 17.625, 243.04
    gamma = np.log(humidity / 100) + a * celsius / (b + celsius)
    return b * gamma / (a - gamma)


dew_point(celsius, humidity)

# %% [markdown]
# Read a report from the top, and stop when your question is answered:
#
# | question | where |
# | --- | --- |
# | Is it one loop? How many elements at once? | the head, behind the signature |
# | How many times as fast as NumPy? Is the result NumPy's? | the next line of it |
# | Was this call slow because it compiled? | the last line of the head |
# | Which of my lines is the large one? | the bytes beside your lines |
# | What is in it? | the rows below; a click on one opens it |
# | Why is it not faster? | *Why*, and *Time* |
#
# The line of the logarithm has most of the bytes. Among the rows there is one for each operation:
# open the one of `divide_f64`, and it is one instruction. Open the one of `log_f64`, and you see
# why lines differ. What you learnt in the notebooks before is all in here: stencils, holes before
# and after patching, registers, the tail.
#
# ## Does it differ?
#
# The head says how far the result is from NumPy's, in ULP. A large number of them may look
# alarming.
#
# `f.explain` returns a report, for those who want to have it in a variable.
#
# **Predict.** A logarithm of `cpnum` may differ from NumPy's by a ULP or two, and nothing else
# differs here. What is special about the element whose result differs most?

# %%
print(dew_point.explain(celsius, humidity).difference)
numpys = dew_point.py_func(celsius, humidity)
difference = np.abs(dew_point(celsius, humidity) - numpys)
worst = np.argmax(difference / np.spacing(np.abs(numpys)))
print(f"dew point there: {numpys[worst]:.6f} °C, and it differs by {difference[worst]:.0e} °C")
print(f"largest difference of all: {difference.max():.0e} °C")

# %% [markdown]
# The dew point is nearly zero there. `gamma` is the sum of a negative logarithm and a positive
# quotient, and in that minute they cancel. What is left is tiny, and the last digit of the
# logarithm is no longer the last digit of the result. In degrees, nothing has happened.
#
# A result without such functions is NumPy's, bit for bit, and then the head says so. If it does
# not, look at where it differs before you worry.
#
# ## Why is it not faster?
#
# Loggers like to write tables, a row for each minute. `table[:, 0]` is the first column. `-s`,
# or `--show`, selects parts of a report.
#
# **Predict.** The numbers are the same. What will *Why* say, and what becomes of the time?

# %%
table = np.stack([celsius, humidity], axis=1)
# %cpjit -s why,time dew_point(table[:, 0], table[:, 1])

# %% [markdown]
# *Strided* elements are not neighbours, as in notebook 05, so the load has to collect a vector
# from several places. The stencils between load and store are the same, and so are the results.
# How much it costs depends on what else there is to do: behind a logarithm, a slow load is partly
# hidden. If such a table is used often, two arrays are the better way to keep it.
#
# Other reasons that you will meet: a value is converted for each element, because dtypes are
# mixed; a value is computed once only; a register did not suffice.
#
# ## An expression, and other options
#
# `%cpjit` compiles an expression, too. The arrays in it become parameters. `--explain` puts plain
# words beside the instructions, and `--no-time` leaves out the times.

# %%
# %cpjit --no-time -s code --explain --isa x86-64-v3 celsius * 1.8 + 32

# %% [markdown]
# `--isa` compiles for another kind of processor than yours. Some more options:
#
# | option | use |
# | --- | --- |
# | `-o report`, `-q` | keeps the report in a variable; shows none |
# | `--signature 'f64[:], float'` | shows the code for a signature, before there is any data |
# | `-f NAME` | shows the last call of this function, if a cell calls several |
# | `-T report.html` | writes the report to a file, for a colleague |
# | `--text` | shows it as text |
# | `--fastmath` | trades the last digits for speed, as `@cpjit(fastmath=True)` does |
#
# `Tab` completes them, and `%%cpjit?` has all. For times alone there is `%cpbench`, which asks
# the questions of notebook 09 in a line.
#
# **Predict.** From which of these sizes on is the compiled function faster?

# %%
# %cpbench -n 1e2,1e4,1e6 --against numpy dew_point(celsius, humidity)

# %% [markdown]
# The column `x NumPy` answers. For a hundred numbers, most of the time is the call itself; for a
# million, it is the loop. The second table tells after which call the compiling has paid.
#
# ## Compiled anew, or not?
#
# A first call takes longer than a later one. So it is good to know which calls are first ones.
# `signatures` has the kinds of arguments that a function was traced for, and `compiled` is the
# number of its kernels.
#
# **Predict.** Which of these calls compile? Four of the eight do.

# %%
again = cpjit(dew_point.py_func)
calls = {
    "the first call": (celsius, humidity),
    "fewer numbers": (celsius[:1000], humidity[:1000]),
    "columns of the table": (table[:, 0], table[:, 1]),
    "every third number": (celsius[::3], humidity[::3]),
    "float32": (celsius.astype(np.float32), humidity.astype(np.float32)),
    "one humidity": (celsius, 50.0),
    "another humidity": (celsius, 60.0),
    "fewer, and another one": (celsius[:1000], 70.0),
}
for name, arguments in calls.items():
    traced, kernels, start = len(again.signatures), again.compiled, time.perf_counter()
    again(*arguments)
    milliseconds = 1000 * (time.perf_counter() - start)
    news = f"+{len(again.signatures) - traced} signature  +{again.compiled - kernels} kernel"
    print(f"{name:24}{news}  {milliseconds:6.2f} ms")
again.signatures

# %% [markdown]
# | what is new | traced | compiled |
# | --- | --- | --- |
# | the dtype, the number of axes, a number in place of an array | yes | yes |
# | how an array lies in memory: neighbours or not | no | yes |
# | how many elements, how many steps apart, which values | no | no |
#
# A number that is written into the function is a part of its code. A number that is an argument
# may change without a new kernel. The integer `50` would be another signature than `50.0`, and so
# would an array of a single element, since NumPy stretches it to any length.
#
# ## What is frozen
#
# In notebook 07, a changed global variable was noticed. `cpnum` compares the values of all names
# that a function reads from outside. Except for small arrays, it does not look *into* them.
#
# **Predict.** Three calls. What do they return?

# %%
settings = {"offset": 0.5}


@cpjit
def corrected(celsius):
    return celsius + settings["offset"]


print(corrected(np.zeros(3)))
settings["offset"] = 7.0
print(corrected(np.zeros(3)))
print(corrected(np.zeros((1, 3))))

# %% [markdown]
# The name `settings` stands for the same dictionary as before, so the second call runs the code
# that has 0.5 in it. The third call has two axes. That is a new signature, the function is traced
# again, and now it meets 7.0. A function with two answers is a mistake that takes long to find.
#
# The rule is short: what changes is an argument. `def corrected(celsius, offset)` is right each
# time. The rule also holds for attributes such as `self.offset`, for random
# numbers, and for the time of day.
#
# ## An error, line by line
#
# `cpnum` refuses what it cannot compile, and never computes something else instead. Here somebody
# lost a minute:

# %% tags=["raises-exception"]
dew_point(celsius, humidity[1:])

# %% [markdown]
# | line | what it tells |
# | --- | --- |
# | the first one | the class of the error, and what failed |
# | the next one | your line, and the expression in it that is marked |
# | `seen` | what `cpnum` met there: shapes, dtypes, values |
# | `write` | what to write instead, in most cases |
#
# `seen` is often enough. Here it shows 99,999 elements beside 100,000, so the mistake is in the
# call, and not in the formula.
#
# `@cpjit(fallback="numpy")` runs what is refused through NumPy, and warns once. For a function
# that is to be fast, the error is better: you learn what to mend.
#
# So here are three to be mended. Without `@cpjit` they are right: two for single numbers, and one
# for arrays. The checks compare with that, and compile what you write without a fallback.


# %%
def compiled(function):
    assert callable(function), "a function is wanted: write def in place of the line with ..."
    return cpjit(getattr(function, "py_func", function))


# %% [markdown]
# ## Your turn: wind chill
#
# The *wind chill* is how cold the wind feels, at a speed in km/h. The formula holds for cold and
# windy weather only; otherwise it is the temperature itself.


# %% tags=["raises-exception"]
@cpjit
def wind_chill(celsius, speed):
    if celsius > 10 or speed < 4.8:
        return celsius
    power = math.pow(speed, 0.16)
    return 13.12 + 0.6215 * celsius - 11.37 * power + 0.3965 * celsius * power


speed = random.uniform(0, 60, minutes.size)
wind_chill(celsius, speed)

# %% [markdown]
# Mend one mistake at a time, and let the error tell you the next one. Parentheses around
# comparisons matter, as `|` binds tighter than `>`.

# %% tags=["exercise"]
mended_chill = ...


# %%
@learn.check(mended_chill)
def is_the_wind_chill(function):
    "Two errors, one after the other: a choice for each element, and NumPy's power for Python's."
    chill = compiled(function)(celsius[:500], speed[:500])
    for found, at, wind in zip(chill, celsius, speed, strict=False):
        wanted = wind_chill.py_func(at, wind)
        assert abs(found - wanted) < 1e-9, (
            f"for {at:.1f} °C and {wind:.1f} km/h it is {found:.3f}, and {wanted:.3f} is wanted"
        )


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# @cpjit
# def mended_chill(celsius, speed):
#     power = speed**0.16
#     chill = 13.12 + 0.6215 * celsius - 11.37 * power + 0.3965 * celsius * power
#     return np.where((celsius > 10) | (speed < 4.8), celsius, chill)
# ```
#
# Both ways are computed for each element, and `np.where` chooses. `np.power(speed, 0.16)` is the
# same as `speed**0.16`.
#
# </details>
#
# ## Your turn: spikes
#
# A sensor sometimes sends a spike, a value beyond ±5 volts. The mean is that of the others. One
# volt is 20 degrees.


# %% tags=["raises-exception"]
@cpjit
def degrees(volts):
    return volts[np.abs(volts) <= 5].mean() * 20


volts = np.array([0.4, -0.1, 99.0, 1.2, -7.0, 5.0])
degrees(volts)

# %% tags=["exercise"]
mended_degrees = ...


# %%
@learn.check(mended_degrees)
def is_without_spikes(function):
    "A trace does not know how many elements a mask chooses. A zero adds nothing to a sum."
    found, wanted = compiled(function)(volts), degrees.py_func(volts)
    assert np.isclose(found, wanted), f"of {volts} it makes {found}, and {wanted} is wanted"


# %% [markdown]
# <details><summary>Answer</summary>
#
# All elements stay, with zeros for the spikes, and the others are counted.
#
# ```python
# @cpjit
# def mended_degrees(volts):
#     good = np.abs(volts) <= 5
#     return np.where(good, volts, 0.0).sum() / np.count_nonzero(good) * 20
# ```
#
# The last bit may be another one, since the numbers are added in another order. Before the sum, you
# may also write `volts[~good] = 0.0`: it changes the array of the caller, as in NumPy.
#
# </details>
#
# ## Challenge: until it is exact enough
#
# Where is a planet on its orbit? No formula tells the angle, but an equation by
# Kepler does, and it can be solved step by step. `mean` is the time since the planet was closest
# to the sun, as an angle. `flatness` says how far the orbit is from a circle.


# %% tags=["raises-exception"]
@cpjit
def planet(mean, flatness):
    angle, step = mean, 1.0
    while abs(step) > 1e-12:
        excess = angle - flatness * np.sin(angle) - mean
        step = excess / (1 - flatness * np.cos(angle))
        angle = angle - step
    return angle


times = np.linspace(0, 2 * np.pi, 1000)
planet(times, 0.2056)

# %% [markdown]
# Each element would be finished after another number of rounds. No `if` is in here, but `while`
# asks the same question. What does the tracer do with a `for` that does not depend on numbers?
# The flatness 0.2056 is Mercury's, and no other planet has a larger one.

# %% tags=["exercise"]
mended_planet = ...


# %%
@learn.check(mended_planet)
def finds_the_planet(function):
    "A fixed number of rounds: the elements that are finished earlier stay where they are."
    wanted = np.array([planet.py_func(each, 0.2056) for each in times])
    kernel = compiled(function).lower(times, 0.2056)
    error = np.abs(compiled(function)(times, 0.2056) - wanted).max()
    assert error < 1e-13, (
        f"it is off by up to {error:.0e}, after {kernel.loop_nest.element_ops} operations for "
        "an element. Each round doubles the number of right digits: is there one too few?"
    )


# %% [markdown]
# <details><summary>Answer</summary>
#
# Four rounds are enough; five leave a margin.
#
# ```python
# @cpjit
# def mended_planet(mean, flatness):
#     angle = mean
#     for _ in range(5):
#         excess = angle - flatness * np.sin(angle) - mean
#         angle = angle - excess / (1 - flatness * np.cos(angle))
#     return angle
# ```
#
# The loop of Python is unrolled: the graph has five sines and five cosines, and the one loop that
# is left goes over the elements.
#
# </details>
#
# ## What you know now
#
# * A report answers questions in the order in which they come up: loops, speed, difference,
#   compile time, your lines, reasons.
# * New dtypes, numbers of axes and layouts compile. Lengths and values do not. What changes is an
#   argument.
# * An error says what was seen and what to write. A choice for each element is `np.where`, a new
#   value has a new name, and a loop has a fixed number of rounds.
#
# So far, all data was in plain arrays. Elsewhere it has labels, gaps, and a size beyond your
# memory: [11 · pandas and xarray](11-pandas-and-xarray.ipynb).
