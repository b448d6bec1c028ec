# %% [markdown]
# # 12 · An operator of your own
#
# **C → stencil →** *trace → graph → loop →* **code → run**
#
# NumPy has some hundred functions for elements, and one day you need one that it has not. In this
# notebook you write one in a few lines of C, and `cpnum` fuses it with all others. Then you test
# it as the operators of `cpnum` are tested, until you find two mistakes that look like none.
#
# You need [03 · Stencils from C](03-stencils-from-c.ipynb), [07 · Tracing](07-tracing.ipynb), and
# 15 minutes. The compiler comes with `pip install "cpnum[learn]"`.

# %%
import zlib

import numpy as np

import cpnum
from cpnum import cpjit, learn

# %load_ext cpnum.learn

# %% [markdown]
# ## The function: fewer bits
#
# Measured numbers have three or four digits that mean something. The rest is noise, and noise
# cannot be compressed. So archives of weather data round each number to few *bits*, here to ten
# behind the leading one, which is about three digits. This is what a float32 consists of:
#
# ```text
#  1 bit   8 bits      23 bits
# ┌──────┬──────────┬────────────┬───────────────┐
# │ sign │ exponent │ 10 we keep │ 13 we drop    │   float64: 1, 11, 10 + 42
# └──────┴──────────┴────────────┴───────────────┘
# ```
#
# If you see these bits as one integer, rounding is integer arithmetic. Halfway between two
# results NumPy always takes the even one, and so do we: that is what `odd` is for.


# %%
def bitround_of_numpy(x):
    drop = 42 if x.dtype == np.float64 else 13
    bits = x.view(np.dtype(f"i{x.dtype.itemsize}"))  # the same bits, as integers
    odd = bits >> drop & 1
    bits = bits + odd + (2 ** (drop - 1) - 1)  # just less than half, or half
    return (bits >> drop << drop).view(x.dtype)


random = np.random.default_rng(12)
field = 15 + 10 * np.sin(np.linspace(0, 9, 100_000)) + random.normal(size=100_000)
rounded = bitround_of_numpy(field)
print(field[:4], "to", rounded[:4])
print(*[f"{len(zlib.compress(each.tobytes())):,} bytes" for each in (field, rounded)], sep=" to ")

# %% [markdown]
# Three digits are left, and the compressed file is a fraction of the other.
#
# NumPy runs six loops for this. If `cpnum` can trace the function, you need nothing of your own:
# `cpjit` fuses it. **Always try that first.**
#
# **Predict.** Can it?

# %% tags=["raises-exception"]
cpjit(bitround_of_numpy)(field)

# %% [markdown]
# To take a float for an integer is not arithmetic, and `cpnum` has no operator for it. In C it is
# one word. That is when an operator of your own is worth its trouble: if the formula cannot be
# written with those that are there.
#
# ## The language of one line
#
# Every operator of `cpnum` is one line in the file [`stencils/ops.c`](../stencils/ops.c). You
# know these from notebook 03:
#
# ```c
# OP(add,        TT_T, FLOAT(a + b), INT(a + b), BOOL(a | b))
# OP(reciprocal, T_T,  FLOAT(K(1.0) / a))
# ```
#
# `OP` and all other words of these lines are defined in [`stencils/op.h`](../stencils/op.h). You
# need few of them:
#
# | word | means |
# | --- | --- |
# | `T_T`, `TT_T`, `TTT_T` | one, two, three operands, and a result of the same type |
# | `TT_M` | two operands, and the result is a *mask*, true or false in each lane |
# | `a`, `b`, `c` | the operands. Each is a whole vector, and C computes in all lanes |
# | `F64(...)`, `F32(...)` | the expression for float64, the expression for float32 |
# | `FLOAT(...)`, `INT(...)` | one expression for both floats, for both integers |
# | `K(2.5)` | a floating-point constant, of the type of `a` |
# | `AS(vi64, a)` | the same bits, seen as integers of 64 bits. `vf64` are floats |
# | `mask ? x : y` | `np.where(mask, x, y)` |
#
# `+`, `>>` and `<<` mean in C what they mean in NumPy. Here is a first version. It adds half, and
# drops the bits. (`1L` is a 1 of 64 bits.)

# %%
first_c = """
OP(bitround, T_T,
   F64(AS(vf64, (AS(vi64, a) + (1L << 41)) >> 42 << 42)),
   F32(AS(vf32, (AS(vi32, a) + (1 << 12)) >> 13 << 13)))
"""

# %% [markdown]
# **Predict.** Each of the two has an addition and two shifts. How many instructions are these?

# %%
# %%needs ziglang elftools
learn.stencil(first_c, "bitround_f64", isa="x86-64-v3").show()

# %% [markdown]
# Two of the four compute, and two fetch a constant. The compiler has made one `vpand` of both
# shifts: a bitwise and with a constant, which clears 42 bits at once. `AS` has become nothing at
# all. A vector register does not know what is in it.
#
# CONSTANT shows the bytes of both constants, one behind the other. And the stencil has registers
# to choose: for the operand, for the result, and for a *temporary* that it needs on the way.
#
# ## The operator
#
# `cpnum.operator` takes a name, the C text, and the same function of NumPy, the *reference*. The
# result is a function.

# %%
# %%needs ziglang elftools
bitround = cpnum.operator("bitround", first_c, bitround_of_numpy)
print(bitround(field)[:4])
print(bitround(np.pi), bitround(np.float32(np.pi)))

# %% [markdown]
# To make the operator, and to call it with a new dtype, takes the compiler: about half a second.
# All other calls do not. The code is for your processor, whichever level it has.
#
# **Predict.** There is an expression for float64, and one for float32. What becomes of integers?

# %% tags=["raises-exception"]
# %%needs ziglang elftools
bitround(np.arange(3))

# %% [markdown]
# ## Fused
#
# In a function that is compiled, the operator is one like all others.
#
# **Predict.** How many loops has this function? What stands between its load and its store?

# %%
# %%needs ziglang elftools
anomaly = cpjit(lambda x, mean: bitround((x - mean) * 0.5))
kernel = anomaly.lower(field, 15.0)
print(kernel.graph, kernel.instances, sep="\n\n")

# %% [markdown]
# One loop and its tail, with your stencil in both. It gets its operand in the register in which
# `multiply_f64` left it, and leaves its result in one for the store. The registers are chosen
# anew for each function; that is what the holes of your stencil are for.
#
# `explain` measures, and compares with NumPy:

# %%
# %%needs ziglang elftools
print(*anomaly.explain(field, 15.0).head, sep="\n")

# %% [markdown]
# ## Testing it
#
# Bit for bit, says the third line. It says so of one array. What might go wrong with another one?
#
# * A **length** that is no multiple of the lanes: the tail is code of its own.
# * A **layout**: strided, backwards, broadcast arrays have other stencils around yours.
# * Another **dtype**: another expression of your C.
# * **Special values**: zeros with a sign, infinity, NaN, the largest and the smallest numbers.
#
# The tests of `cpnum` go through these for every operator, and so do yours. Comparing *bits* is
# stricter than `==`, which takes 0.0 for -0.0, and no NaN for equal to itself.


# %%
def cases(dtype):
    scales = 10.0 ** random.integers(-30, 30, (40, 50))
    table = (random.normal(size=(40, 50)) * scales).astype(dtype)
    lanes = 64 // table.itemsize  # of the widest vectors
    for length in range(2 * lanes + 1):
        yield f"{length} elements", table[0, :length]
    yield from {"table": table, "transposed": table.T, "backwards": table[::-1, ::-1]}.items()
    yield from {"column": table[:, 3], "every second": table[:, ::2]}.items()
    yield "broadcast", np.broadcast_to(table[:, :1], table.shape)
    limits = np.finfo(dtype)
    special = [0.0, 1.0, np.inf, np.nan, limits.max, limits.tiny, limits.smallest_subnormal]
    yield "special values", np.array([*special, *np.negative(special)], dtype)


def test(operator, reference, more=()):
    tested = [*cases("f4"), *cases("f8"), *more]
    for name, x in tested:
        found, wanted = operator(x), reference(x)
        different = found.view(f"i{x.itemsize}") != wanted.view(f"i{x.itemsize}")
        if different.any():
            print(f"{x.dtype}, {name}: {different.sum()} of {x.size} elements differ")
    print(len(tested), "arrays tested")


# %% [markdown]
# **Predict.** Does `bitround` pass? Look at `first_c` once more.

# %%
# %%needs ziglang elftools
test(bitround, bitround_of_numpy)

# %% [markdown]
# It passes, and is wrong. Run the cell again, some ten times: sooner or later one float32 of a
# table differs, and next time it does not. It would be easy to call this noise.
#
# `first_c` adds half and does not ask what is even, so it differs from the reference for numbers
# exactly halfway. A random float32 is halfway once in 8192 times. A random float64 is so once in
# 2⁴² times, which is never: random numbers would not find it in a year.
#
# So a test needs the numbers at which the code *decides* something. Here these are multiples of
# 2⁻¹¹ between 1 and 2: every second one is halfway between two numbers with ten bits.
#
# **Predict.** How many of the 2048 differ?

# %%
ties = [("ties", np.arange(1, 2, 2**-11, dtype=dtype)) for dtype in ("f4", "f8")]
print(ties[0][1][:4], "...")

# %%
# %%needs ziglang elftools
test(bitround, bitround_of_numpy, ties)
print(bitround.explain(ties[0][1]).head[2])

# %% [markdown]
# Half of them are halfway, and half of those go to the wrong side. `explain` says *how far* a
# result is from NumPy's, in ULP. 8192 is 2¹³: one unit in the place where we cut.
#
# `explain` decides nothing. A difference of 1 ULP may be what you want, if you compute in another
# order than NumPy. 8192 ULP and a quarter of all elements is a mistake. What matters is that you
# look.
#
# ## The second version
#
# The reference has two more steps, so the C gets them too. They are the same for both dtypes, and
# `#define` gives them a name; a backslash continues its line. `({ ... })` is a block, whose last
# line is its value, and `__typeof__(a)` is the type of `a`.

# %%
second_c = r"""
#define ROUNDED(integer, drop)                           \
    ({                                                   \
        integer bits = AS(integer, a);                   \
        integer odd = (bits >> drop) & 1;                \
        bits = bits + odd + ((1L << (drop - 1)) - 1);    \
        AS(__typeof__(a), bits >> drop << drop);         \
    })
OP(bitround, T_T, F64(ROUNDED(vi64, 42)), F32(ROUNDED(vi32, 13)))
"""

# %%
# %%needs ziglang elftools
bitround = cpnum.operator("bitround", second_c, bitround_of_numpy)
test(bitround, bitround_of_numpy, ties)

# %% [markdown]
# No difference. Are both right, then?
#
# A test against a reference finds where two programs differ. It does not find where both are
# wrong, and the reference was written by the same person, with the same idea. So there is a
# second kind of test, which needs no reference: say what has to be true of *every* result. Ours
# must be near to the number. It must not change if it is rounded again. And what is not a number
# must stay none.
#
# **Predict.** The next cell makes a million float32 numbers of random bits, so that everything
# occurs that can be in memory. Which of the three does not hold?

# %%
x = random.integers(0, 2**32, 1_000_000, dtype=np.uint32).view("f4")


def properties(function):
    result = function(x)
    usual = np.isfinite(x) & np.isfinite(result) & (abs(x) > 1e-30)
    print("near        ", (abs(result / np.where(usual, x, 1) - 1) <= 2**-11)[usual].all())
    print("stays       ", np.array_equal(function(result), result, equal_nan=True))
    lost = np.isnan(x) & ~np.isnan(result)
    print("NaN is NaN  ", not lost.any(), "" if not lost.any() else f"({lost.sum()} are lost)")
    return x[lost], result[lost]


with np.errstate(all="ignore"):
    before, after = properties(bitround_of_numpy)
print()
for bits, value in zip(before.view("u4")[:4], after[:4], strict=True):
    print(f"{bits:#x} is NaN, and becomes {value}")

# %%
# %%needs ziglang elftools
with np.errstate(all="ignore"):
    properties(bitround)

# %% [markdown]
# A NaN is whatever has the highest exponent, and any bits behind it but zeros. There are
# millions of them. `np.nan` is one, with the first of these bits set, and comes through. But if
# only low bits are set, rounding drops them, and what is left is *infinity*. If the high ones are
# all set, adding half runs over, through exponent and sign, and NaN becomes a zero. From there on
# nobody sees that a value was missing.
#
# The reference does so, and the C does the same. No comparison of the two would have found it.
#
# ## Your turn: repair it
#
# Write the third version of the C text, which returns a NaN as it is. The name stays `bitround`.
# (How does one ask for NaN? It is the only thing that is not equal to itself.)

# %% tags=["exercise"]
third_c = ...


# %%
def repaired_of_numpy(x):
    return np.where(np.isnan(x), x, bitround_of_numpy(x))


# %%
# %%needs ziglang elftools
@learn.check(third_c)
def keeps_nan(text):
    "One comparison more, and a missing value stays missing."
    assert isinstance(text, str), "a C text is wanted, as second_c is"
    assert text != second_c, "this is still the second version"
    operator = cpnum.operator("bitround", text, repaired_of_numpy)
    made = x[np.isnan(x)]
    lost = made[~np.isnan(operator(made))]
    assert not lost.size, f"{lost.size} of {made.size} NaNs are lost, as {lost.view('u4')[0]:#x}"
    for name, values in [*ties, *cases("f4"), *cases("f8")]:
        found, wanted = operator(values), repaired_of_numpy(values)
        assert np.array_equal(found, wanted, equal_nan=True), f"NaN is kept, and {name} differ"


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# third_c = r"""
# #define ROUNDED(integer, drop)                                     \
#     ({                                                             \
#         integer bits = AS(integer, a);                             \
#         integer odd = (bits >> drop) & 1;                          \
#         bits = bits + odd + ((1L << (drop - 1)) - 1);              \
#         (a != a) ? a : AS(__typeof__(a), bits >> drop << drop);    \
#     })
# OP(bitround, T_T, F64(ROUNDED(vi64, 42)), F32(ROUNDED(vi32, 13)))
# """
# ```
#
# It is a comparison of all lanes, and a choice in all lanes. There is no `if`.
#
# </details>
#
# ## Challenge: smoothstep
#
# Graphics people have a function that goes from 0 to 1 in a smooth curve: with `t` = `x` cut to
# the range from 0 to 1, it is `t * t * (3 - 2 * t)`. Write the C text of `smoothstep`, for both
# floats. The check has the reference, and tries everything that you have seen.
#
# `op.h` has more words: `CLIP(a, low, high)`, `MINIMUM(a, b)`, `MAXIMUM(a, b)`. And `LESS(a, b)`
# is `a < b` without the complaint that C's own makes about a NaN.

# %% tags=["exercise"]
smoothstep_c = ...


# %%
def smoothstep_of_numpy(x):
    t = np.clip(x, 0, 1)
    return t * t * (3 - 2 * t)


# %%
# %%needs ziglang elftools
@learn.check(smoothstep_c)
def is_smoothstep(text):
    "You have written an operator, and tested it where it decides: at 0, at 1, and at NaN."
    assert isinstance(text, str), 'a C text is wanted: "OP(smoothstep, T_T, ...)"'
    operator = cpnum.operator("smoothstep", text, smoothstep_of_numpy)
    edges = [np.linspace(-0.5, 1.5, 33, dtype=dtype) for dtype in ("f4", "f8")]
    nan = operator(np.array([np.nan, 0.5]))[0]
    assert np.isnan(nan), f"smoothstep of NaN is {nan}: which way does your choice send a NaN?"
    for name, values in [*[("-0.5 to 1.5", each) for each in edges], *cases("f4"), *cases("f8")]:
        found, wanted = operator(values), smoothstep_of_numpy(values)
        wrong = ~((found == wanted) | np.isnan(values))
        assert not wrong.any(), (
            f"{values.dtype}, {name}: for {values[wrong][0]} it is {found[wrong][0]}, "
            f"and {wanted[wrong][0]} is wanted"
        )


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# smoothstep_c = r"""
# #define SMOOTH(t) ({ __typeof__(a) t_ = t; t_ * t_ * (K(3.0) - K(2.0) * t_); })
# OP(smoothstep, T_T, FLOAT(SMOOTH(CLIP(a, K(0.0), K(1.0)))))
# """
# ```
#
# By the rule from the beginning, nobody needs this operator: `cpjit(smoothstep_of_numpy)` is
# fused without any C.
#
# </details>
#
# ## What you know now
#
# * An operator is a line of C, and the same function of NumPy. `cpnum` makes a stencil for each
#   dtype, and fuses it like its own.
# * It is worth it for what cannot be traced. For all else, `cpjit` is enough.
# * Random numbers test the way through. Mistakes are where code decides, so a test needs numbers
#   from there, and properties that hold without a reference.
#
# C is one of many languages that become machine code, and `cpnum` one of many programs that make
# it: [13 · Neighbours](13-neighbours.ipynb).
