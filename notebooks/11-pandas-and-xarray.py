# %% [markdown]
# # 11 · pandas and xarray
#
# *trace → graph → loop → stencils → code →* **run**
#
# A kernel knows numbers in a row. Your data may have labels, gaps, units, or a size beyond your
# memory. In this notebook you put compiled functions where they belong: at the edge, inside of
# what knows the labels. You meet three ways in which numbers go wrong there without an error.
#
# You need [10 · cpjit in daily work](10-cpjit-in-daily-work.ipynb), and 15 minutes. Some cells
# need pandas, xarray or dask.

# %%
import pickle
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from cpnum import cpjit, learn

# %load_ext cpnum.learn


@cpjit
def dew_point(celsius, humidity):
    gamma = np.log(humidity / 100) + 17.625 * celsius / (243.04 + celsius)
    return 243.04 * gamma / (17.625 - gamma)


@cpjit
def fahrenheit(celsius):
    return celsius * 1.8 + 32


# %% [markdown]
# ## Labels
#
# A `Series` of pandas is a row of numbers, and a label for each, the *index*. Here are two of
# them. They come from two files, so the order differs.

# %%
# %%needs pandas
import pandas as pd

celsius = pd.Series([19.0, 22.5, 7.0], index=["Lisbon", "Nairobi", "Osaka"])
humidity = pd.Series([60.0, 72.0, 85.0], index=["Osaka", "Lisbon", "Nairobi"])
print(celsius, humidity, sep="\n\n")

# %% [markdown]
# **Predict.** A Series has everything that NumPy needs to make an array of it. Does `cpnum` make
# one?

# %% tags=["raises-exception"]
# %%needs pandas
dew_point(celsius, humidity)

# %% [markdown]
# It refuses, and the last line says how to make the array yourself. Why does it not do so for
# you? Compare what the same formula returns for the two Series in pandas, and for the numbers
# without their labels.
#
# **Predict.** Which of the three places have the same dew point in both?

# %%
# %%needs pandas
print(dew_point.py_func(celsius, humidity).round(1).to_dict())
print(dew_point(celsius.to_numpy(), humidity.to_numpy()).round(1))

# %% [markdown]
# None has. pandas looks for the number with the same *label*, and computes Lisbon's dew point
# from Lisbon's humidity. NumPy and `cpnum` take the number in the same *place*, so Lisbon gets
# the humidity of Osaka. Both are right about what they were given. That is the first way to go
# wrong without an error, and the reason to refuse: who takes labels away should write it down.
#
# Written down, it is three steps:
#
# ```text
# labels    celsius, humidity ─── align ───── index ────┐
#                                   │ to_numpy()        │
# numbers                           └──── dew_point ────┴─── Series
# ```

# %%
# %%needs pandas
first, second = celsius.align(humidity, join="inner")
numbers = dew_point(first.to_numpy(), second.to_numpy())
print(pd.Series(numbers, first.index).round(1))
print("a view:", np.shares_memory(first.to_numpy(), first.to_numpy()))

# %% [markdown]
# `align` puts both in one order, and `join="inner"` keeps the labels that both have. `to_numpy`
# of floats copies nothing: two calls return the same memory. So the edge costs little, however
# long the data is. Columns of one `DataFrame` share their index, and need no `align`:
# `frame.assign(dew=dew_point(frame.celsius.to_numpy(), frame.humidity.to_numpy()))`.
#
# pandas offers another way, `map`, which looks shorter.
#
# **Predict.** How often is `fahrenheit` called by each?


# %%
# %%needs pandas
readings = pd.Series(np.random.default_rng(11).normal(12, 5, 2000))
for name, way in {
    "map": lambda: readings.map(fahrenheit),
    "edge": lambda: pd.Series(fahrenheit(readings.to_numpy()), readings.index),
}.items():
    way()
    start = time.perf_counter()
    way()
    print(f"{name:5}{1000 * (time.perf_counter() - start):8.2f} ms")
print(fahrenheit.signatures)

# %% [markdown]
# The signatures tell: `map` calls it with a single `float`, 2,000 times. The result is right, and
# there is a whole call of Python for each number. `apply` of a Series does the same.
#
# ## Your turn: the edge as a function
#
# Write `on_labels(function, first, second)`. It returns a Series of `function`'s results for the
# labels that both have, and `function` sees plain arrays.

# %% tags=["exercise"]
on_labels = ...


# %%
# %%needs pandas
@learn.check(on_labels)
def keeps_labels(function):
    "Labels are matched outside, and numbers are computed inside."
    assert callable(function), "a function: def on_labels(function, first, second): ..."
    first = pd.Series([1.0, 2.0, 4.0], index=["a", "b", "c"])
    second = pd.Series([30.0, 10.0, 50.0], index=["c", "a", "d"])
    kinds = []
    result = function(lambda x, y: kinds.append((type(x), type(y))) or x - y, first, second)
    assert kinds, "it does not call the function that it is given"
    assert set(kinds[0]) == {np.ndarray}, f"it passes {kinds[0]}, not plain arrays"
    assert isinstance(result, pd.Series), f"it returns {type(result).__name__}, without labels"
    found, wanted = result.to_dict(), {"a": -9.0, "c": -26.0}
    assert found == wanted, (
        f"of {first.to_dict()} and {second.to_dict()} it makes {found}, and {wanted} is wanted"
    )


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def on_labels(function, first, second):
#     first, second = first.align(second, join="inner")
#     return pd.Series(function(first.to_numpy(), second.to_numpy()), first.index)
# ```
#
# </details>
#
# ## Missing values: NaN
#
# Data has gaps. In an array of floats, a gap is mostly *NaN*, "not a number", a float with rules
# of its own. The kernel computes with it as with any other.
#
# **Predict.** Go through the lines. What becomes of the gap in the middle of `x`?

# %%
x = np.array([1.0, np.nan, 3.0])
for name, function in {
    "x * 2": lambda x: x * 2,
    "x > 2": lambda x: x > 2,
    "np.where(x > 2, x, 0)": lambda x: np.where(x > 2, x, 0),
    "np.maximum(x, 2)": lambda x: np.maximum(x, 2),
    "np.fmax(x, 2)": lambda x: np.fmax(x, 2),
    "np.isnan(x)": lambda x: np.isnan(x),
}.items():
    print(f"{name:24}{cpjit(function)(x)}")

# %% [markdown]
# Arithmetic passes the gap on, and so does `maximum`. `fmax` prefers the other operand. But a
# comparison with NaN is false, and behind it the gap is lost: in `where` it has become a 0, which
# looks measured. That is the second way to go wrong. It is the same in NumPy, so no test against
# NumPy finds it.
#
# ## Your turn: frost, or no idea
#
# Write a function that is 1.0 for temperatures below 0, otherwise 0.0, and NaN where the
# temperature is missing.

# %% tags=["exercise"]
frost = ...


# %%
@learn.check(frost)
def knows_what_it_does_not_know(function):
    "The gap stays a gap, because no comparison decides about it."
    assert callable(function), "a function is wanted: def frost(celsius): ..."
    given = np.array([-3.0, np.nan, 4.0, 0.0])
    found = cpjit(getattr(function, "py_func", function))(given)
    wanted = np.array([1.0, np.nan, 0.0, 0.0])
    assert np.array_equal(found, wanted, equal_nan=True), (
        f"of {given} it makes {found}, and {wanted} is wanted"
    )


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def frost(celsius):
#     return np.where(np.isnan(celsius), np.nan, np.where(celsius < 0, 1.0, 0.0))
# ```
#
# </details>
#
# ## Missing values: a mask
#
# Integers have no NaN. So there are arrays that carry a *mask* beside the numbers, which says
# where the gaps are. NumPy has such a class, and pandas has one, whose gap is called *NA*.
#
# **Predict.** What does `cpnum` do about a mask?

# %% tags=["raises-exception"]
counts = np.ma.array([3, 0, 5], mask=[False, True, False])
cpjit(lambda n: n * 1.5)(counts)

# %% [markdown]
# The 0 under the mask is no count at all, and without the mask nobody would know. So this is
# refused as well, and there are two ways: fill the gaps with a number that suits you, or compute
# all and put the mask back on the result. In pandas it is the first one that is common: NA
# becomes NaN at the edge. Say so, for what `to_numpy()` does by itself has changed between
# versions.

# %%
# %%needs pandas
counts = pd.Series([3, pd.NA, 5], index=["Mon", "Tue", "Wed"], dtype="Int64")
numbers = counts.to_numpy("float64", na_value=np.nan)
print(counts, numbers, cpjit(lambda n: n * 1.5)(numbers), sep="\n\n")

# %% [markdown]
# ## xarray
#
# A `DataArray` of xarray has names for its axes, too, its *dimensions*. `xr.apply_ufunc` is an
# edge that is ready made: it aligns, puts the axes in order, calls a function of plain arrays,
# and dresses the result again.
#
# **Predict.** Temperatures have hours and places, humidities have places only, in another order.
# What is the shape of the result? What does `dew_point` get to see?

# %%
# %%needs xarray
import xarray as xr

temperature = xr.DataArray(
    [[19.0, 22.5, 7.0], [18.0, 24.0, 6.5], [17.0, 25.5, 6.0], [16.5, 26.0, 5.5]],
    dims=("hour", "place"),
    coords={"hour": [9, 10, 11, 12], "place": ["Lisbon", "Nairobi", "Osaka"]},
    attrs={"units": "°C"},
)
moisture = xr.DataArray([60.0, 72.0], dims="place", coords={"place": ["Osaka", "Lisbon"]})
compiled = cpjit(dew_point.py_func)
print(xr.apply_ufunc(compiled, temperature, moisture, join="inner", keep_attrs=True).round(1))
print("\nwhat arrived:", compiled.signatures)

# %% [markdown]
# Four hours, and the two places that both know. Two plain arrays arrived, and the second one has
# one axis, which is stretched over the hours. Without `join="inner"` the labels have to be equal,
# or it is an error: xarray does not guess either.
#
# `keep_attrs=True` keeps the attributes of the first argument, here its unit. For a dew point
# that is right. For `fahrenheit` it would be the third way to go wrong: a number in °F with
# the label °C. Neither xarray nor `cpnum` knows what a formula does to units. You do.
#
# ## Bigger than memory
#
# A formula that computes each element for itself needs no more than a block at a time. NumPy can
# read an array from a file so, with `np.memmap`. (A memmap is a subclass of arrays, so
# `np.asarray` takes the plain array out of it.)
#
# **Predict.** A million numbers, in blocks of 300,000. How many kernels are made for the four
# calls, of which the last has fewer numbers?


# %%
fresh = cpjit(fahrenheit.py_func)
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "celsius.bin"
    np.random.default_rng(11).normal(12, 5, 1_000_000).tofile(file)
    on_disk = np.memmap(file, np.float64, "r")
    total = 0.0
    for start in range(0, on_disk.size, 300_000):
        total += fresh(np.asarray(on_disk[start : start + 300_000])).sum()
    print(f"mean {total / on_disk.size:.2f} °F, {fresh.compiled} kernel")
    del on_disk

# %% [markdown]
# One kernel serves blocks of all lengths, as you know from notebook 10. The cutting can be left
# to a library, such as dask. An array of dask is a plan: blocks, and what is to be done with
# them.
#
# **Predict.** Does the line with `map_blocks` compute anything?

# %%
# %%needs dask
import dask.array as da

readings = da.from_array(np.random.default_rng(11).normal(12, 5, 1_000_000), chunks=300_000)
plan = da.map_blocks(fahrenheit, readings, meta=np.empty(0))
print(plan)
print(f"mean {plan.mean().compute():.2f} °F")

# %% [markdown]
# What is printed first is the plan: it has a shape, and no numbers. `compute` has carried it out,
# block by block, in several threads. `meta` tells dask what kind of array a block becomes, so it
# need not try. Here the readings were in memory from the start. dask can also read them from
# files, and then no more than a few blocks are in memory at a time.
#
# The two edges can be combined: labels of xarray, blocks of dask.

# %%
# %%needs xarray dask
plan = xr.apply_ufunc(
    compiled,
    temperature.chunk(hour=2),
    moisture,
    join="inner",
    dask="parallelized",
    output_dtypes=[float],
)
print(plan.sel(place="Osaka").compute().round(1).values, "°C in Osaka, hour by hour")

# %% [markdown]
# ## Threads, and other processes
#
# Machine code does not need Python while it runs. So a kernel lets other threads run at the same
# time, and its code, which never changes, serves all of them.
#
# **Predict.** Eight blocks, four threads, and a function that was never called before. How many
# kernels?

# %%
fresh = cpjit(fahrenheit.py_func)
numbers = np.random.default_rng(11).normal(12, 5, 1_000_000)
with ThreadPoolExecutor(4) as pool:
    parts = list(pool.map(fresh, np.array_split(numbers, 8)))
print("all right:", np.array_equal(np.concatenate(parts), fahrenheit(numbers)))
print("kernels:", fresh.compiled)

# %% [markdown]
# Another process has memory of its own. To send something there, Python *pickles* it: makes bytes
# of it, and an object of the bytes on the other side.
#
# **Predict.** Is there machine code in the bytes?

# %%
print(pickle.dumps(dew_point))

# %% [markdown]
# There is a module and a name, as for any function of Python. The other side imports the module
# and finds the function there. A notebook is no module that others can import. So dask and others
# use *cloudpickle*, which sends the function itself.
#
# **Predict.** What are its signatures when it arrives?

# %%
# %%needs cloudpickle
import cloudpickle

other = """
import pickle, sys
function = pickle.load(sys.stdin.buffer)
print("arrived with", function.signatures)
print(function(22.5, 85.0), "after compiling", function.signatures)
"""
sent = cloudpickle.dumps(dew_point)
print(len(sent), "bytes are sent")
done = subprocess.run([sys.executable, "-c", other], input=sent, capture_output=True)
print(done.stdout.decode(), dew_point(22.5, 85.0), " here", sep="")

# %% [markdown]
# The function was sent, and no code. The other process compiles for itself, with the stencils for
# *its* processor, which may be another one than yours.
#
# ## Challenge: into a file, block by block
#
# Write `in_blocks(function, x, out, size)`. It computes `function` of all of `x`
# into `out`, with at most `size` elements in a call, and makes no array of its own: neither for
# the result, nor for a block of it.

# %% tags=["exercise"]
in_blocks = ...


# %%
@learn.check(in_blocks)
def works_in_blocks(function):
    "If `out` is a memmap, such a loop goes through files of any length."
    assert callable(function), "a function: def in_blocks(function, x, out, size): ..."
    x, result, sizes, straight = np.arange(1000.0), np.zeros(1000), [], []

    def recorded(part, out=None):
        sizes.append(part.size)
        straight.append(out is not None and np.shares_memory(out, result))
        return fahrenheit(part, out=out)

    function(recorded, x, result, 300)
    assert sizes, "it does not call the function that it is given"
    assert max(sizes) <= 300, f"the calls have {sizes} elements, and at most 300 are wanted"
    assert sum(sizes) == 1000, f"the calls have {sizes} elements, and x has 1000"
    assert all(straight), "blocks are made, then copied: a compiled function has out=, as NumPy's"
    assert np.array_equal(result, fahrenheit(x)), (
        f"out begins {result[:3]}, not {fahrenheit(x[:3])}"
    )


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def in_blocks(function, x, out, size):
#     for start in range(0, x.size, size):
#         block = slice(start, start + size)
#         function(x[block], out=out[block])
# ```
#
# Slices are views, so nothing is copied. For a memmap, write `np.asarray(out)[block]`.
#
# </details>
#
# ## What you know now
#
# * Labels stay outside: align, take the numbers, compute, put the labels back. `cpnum` refuses to
#   drop labels and masks for you.
# * NaN passes through arithmetic, and is lost in comparisons. Units are your business.
# * One kernel serves blocks of all lengths, and all threads. Functions are sent to other
#   processes, code is not.
#
# So far you used the operators that `cpnum` has. What if one is missing? You write it: [12 · An
# operator of your own](12-an-operator-of-your-own.ipynb).
