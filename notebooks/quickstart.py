# %% [markdown]
# # cpnum in ten minutes
#
# You know NumPy.  cpnum takes a function that you have written with it and makes one loop of
# machine code of the whole function: no temporary arrays, several elements at a time, no compiler
# on your machine.  The answer stays NumPy's.
#
# Run the cells from top to bottom.  Nothing here needs more than NumPy and cpnum.

# %%
import numpy as np

import cpnum
from cpnum import cpjit

cpnum.status()


# %% [markdown]
# `status()` says what cpnum found: the processor, the *ISA level* (which instructions it may
# use), the *pack* of precompiled pieces for that level, and whether machine code runs here at
# all.  Where it does not, the same functions run through NumPy, and `active` says why.
#
# ## Decorate, call
#
# Put `@cpjit` before a function.  The first call with a new kind of arguments compiles it.


# %%
@cpjit
def norm(x, y):
    return np.sqrt(x * x + y * y)


x = np.linspace(0.0, 1.0, 100_000)
y = np.linspace(1.0, 2.0, 100_000)
norm(x, y)

# %% [markdown]
# The result is NumPy's, bit for bit.  `py_func` is the function as you wrote it.

# %%
assert np.array_equal(norm(x, y), norm.py_func(x, y))
norm.signatures

# %% [markdown]
# Other dtypes, shapes, strides and numbers work as well.  A new dtype, or a new kind of memory
# layout, is compiled anew; a new length or a new number is not.

# %%
print(norm(3.0, 4.0))
print(norm(x.astype("float32"), np.float32(1)).dtype)
print(norm(x[::2], y[::-2]).shape)
norm.signatures

# %% [markdown]
# ## What became of it
#
# cpnum called `norm` once, not with arrays but with *tracers*, which write down what is done to
# them. This is what they wrote: the function's *graph*, one operation a line.

# %%
print(next(iter(norm.inspect_ir().values())))


# %% [markdown]
# The magic `%%cpjit` does the decorating for a whole cell, and shows what became of the last
# call. The cell without its first line is the same working Python.

# %%
# %load_ext cpnum


# %%
# %%cpjit
def scaled(x):
    return x * 2.5 + 1


scaled(x)


# %% [markdown]
# From top to bottom:
#
# * **What you ask first**: how many loops it became, how often as fast as NumPy it is, whether
#   the result differs, and how long compiling took.
# * **Code**: your lines, each with the bytes that it became, then the loops.  A row is a
#   *stencil*, a precompiled piece: the line it is of, the value it computes, the registers that
#   were chosen for it, and its code.  Put the pointer on one of your lines, and its rows light
#   up.  Open a row: its instructions, and its *holes* with the bytes before and after patching.
#   The bytes are read back from the memory that ran.
# * **Why**: what is computed only once, how many vectors at once, and what was not done.
# * **Time** of a call, against the same function in NumPy; **Compile time** by stage.
# * **Graph** and **Loops**: what is computed, and in which loop.  A value such as `%0` has one
#   name in all parts.  **Key** explains the notation.
#
# `norm.explain(x, y)` returns the same report for a call, and its `text()` and `json()` are for
# terminals and tools.  A line does for an expression: `%cpjit np.sqrt(x * x + y)`.  `%%cpjit?`
# lists the options; try `--explain` for plain words beside the instructions.
#
# ## Broadcasting
#
# All distances between four cities: a column against a row.


# %%
@cpjit
def haversine(lat1, lon1, lat2, lon2):
    a = (
        np.sin((lat2 - lat1) / 2) ** 2
        + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * 6371.0 * np.arcsin(np.sqrt(a))


cities = ["Lisbon", "Nairobi", "Lima", "Osaka"]
lat = np.radians([38.72, -1.29, -12.05, 34.69])
lon = np.radians([-9.14, 36.82, -77.04, 135.50])

km = haversine(lat[:, None], lon[:, None], lat, lon)
for city, row in zip(cities, km.round().astype(int), strict=True):
    print(f"{city:8}", row)

# %% [markdown]
# `np.cos(lat1)` does not depend on the column.  In the loops it stands outside of the inner one,
# so it is computed once a row:

# %%
print(haversine.lower(lat[:, None], lon[:, None], lat, lon).loop_nest)

# %% [markdown]
# Functions such as `sin` are within 1 unit in the last place of the exact value, as NumPy's
# nearly are, but not always on the same side.  So this is the one place where results can differ
# from NumPy's, in the last digits:

# %%
expected = haversine.py_func(lat[:, None], lon[:, None], lat, lon)
np.abs(km - expected).max() / km.max()


# %% [markdown]
# ## Errors that teach
#
# While the function is traced, elements of arrays are not known, so Python cannot choose between
# two branches. The error names the line and says what to write.


# %% tags=["raises-exception"]
@cpjit
def relu(x):
    if x > 0:
        return x
    return 0.0


relu(x)


# %%
@cpjit
def relu(x):
    return np.where(x > 0, x, 0.0)


relu(np.array([-1.0, 2.0]))

# %% [markdown]
# ## Fallback
#
# With `fallback="numpy"`, what cannot be compiled runs through NumPy instead, and a warning says
# why, once.

# %%
import warnings


@cpjit(fallback="numpy")
def eigenvalues(a):
    return np.linalg.eigvals(a) * 2


with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(eigenvalues(np.eye(2)))
for each in caught:
    print(each.message)

# %% [markdown]
# ## Results of your own, and bound calls
#
# `out=` takes an array for the result, as NumPy's functions do.  `bind` goes further: it returns
# a call without arguments, with the arrays' addresses in its code.  It reads what is in the
# arrays when it is called.

# %%
z = np.empty_like(x)
norm(x, y, out=z)

try:
    again = norm.bind(x, y, out=z)
except cpnum.IsaError as error:  # where machine code cannot run
    print(error)
else:
    x[:3] = 3.0
    y[:3] = 4.0
    print(again()[:3], again)

# %% [markdown]
# ## How fast?
#
# One comparison, on this machine, with the results checked first.  NumPy makes a temporary array
# for each operation; the compiled loop makes none.

# %%
from cpnum.show.timing import measure


def bell(x, y):
    return np.exp(-(x * x + y * y) / 2)


compiled = cpjit(bell)
np.testing.assert_allclose(compiled(x, y), bell(x, y), rtol=1e-14)
for name, timing in measure(
    {"NumPy": lambda: bell(x, y), "cpnum": lambda: compiled(x, y)}, seconds=0.2
).items():
    print(f"{name}  {timing}")

# %% [markdown]
# `fastmath=True` allows a multiplication and an addition to become one instruction, and sums to
# be regrouped.  That is faster, and changes the last digits.
#
# `python -m cpnum demo` runs `haversine` on all pairs of 3,376 airports.
