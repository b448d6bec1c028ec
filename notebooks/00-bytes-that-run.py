# %% [markdown]
# # 00 · Bytes that run
#
# *C → stencil → copy → patch →* **run**
#
# A processor does not run Python, and it does not run C. It runs bytes. In this notebook you run
# six of them, break them, and change what they do.
#
# You need Python, and 10 minutes. No assembly.

# %%
from cpnum import learn

fortytwo = bytes([0xB8, 42, 0, 0, 0, 0xC3])
fortytwo.hex(" ")

# %% [markdown]
# These six bytes are a complete function. `bytes.hex` writes each byte as two hexadecimal digits,
# as everybody does who looks at machine code: `2a` is 42, since 2 × 16 + 10 is 42.
#
# `learn.run` takes bytes, puts them into memory that the processor may execute, and jumps to the
# first one.
#
# **Predict.** What will it return?

# %%
learn.run(fortytwo)

# %% [markdown]
# ## What the processor read
#
# It read the bytes from left to right. The first byte of an instruction says what to do, and how
# many bytes belong to it:
#
# | bytes | what the processor does |
# | --- | --- |
# | `b8 2a 00 00 00` | put the next four bytes, the number 42, into *register* `eax` |
# | `c3` | go back to the caller |
#
# A register is a variable inside of the processor; `eax` is where a function leaves its result.
# So this is `return 42`.
#
# Four bytes hold a number up to four thousand million. The lowest byte comes first: 42 is `2a 00
# 00 00`, and 256 is `00 01 00 00`. Python can write numbers so:

# %%
for number in 42, 256, 1000:
    print(f"{number:5}", number.to_bytes(4, "little").hex(" "))

# %% [markdown]
# ## What if the bytes are wrong?
#
# **Predict.** The last byte says "go back". What happens without it?

# %% tags=["raises-exception"]
learn.run(fortytwo[:5])

# %% [markdown]
# The processor does not know where a function ends. It goes on with whatever lies behind the last
# byte. Here nothing does: `learn.run` puts the code at the end of a page, and the page behind it
# is closed.
#
# The first byte decides nearly everything, even how many bytes belong to it. This one takes
# eight, and with it 42 means something else:

# %% tags=["raises-exception"]
learn.run(bytes([0xA0, 42, 0, 0, 0, 0, 0, 0, 0, 0xC3]))

# %% [markdown]
# `a0` means "read the byte at this address", and at address 42 there is no memory. SIGSEGV is how
# Linux ends a program that reads where it may not. Any number of mistakes is possible here, and
# none of them ends your notebook: `learn.run` starts another process, which takes some 30 ms, and
# tells how that one ended.
#
# Not even waiting forever is a problem. `eb fe` means "jump to where you are":

# %% tags=["raises-exception"]
learn.run(bytes([0xEB, 0xFE]), seconds=0.2)

# %% [markdown]
# ## Your turn: another number
#
# Change the bytes so that they return 7.

# %% tags=["exercise"]
seven = ...


# %%
@learn.check(seven)
def returns_7(code):
    "One byte of machine code is yours."
    assert isinstance(code, bytes), f"bytes are wanted, as fortytwo is, not {type(code).__name__}"
    result = learn.run(code)
    assert result == 7, f"it returns {result}"


# %% [markdown]
# <details><summary>Answer</summary>
#
# The byte behind `b8` is the lowest one of the number.
#
# ```python
# seven = bytes([0xB8, 7, 0, 0, 0, 0xC3])
# ```
#
# </details>
#
# ## Your turn: any number
#
# Write a function that makes the code that returns a given number, from 0 to 2³¹ − 1.

# %% tags=["exercise"]
returning = ...


# %%
@learn.check(returning)
def returns_any_number(make):
    "A Python function that makes machine code: that is a compiler, the smallest there is."
    assert callable(make), "a function is wanted: def returning(number): ..."
    for number in 7, 1000, 2**31 - 1:
        code = make(number)
        assert isinstance(code, bytes), f"returning({number}) is {code!r}, and bytes are wanted"
        result = learn.run(code)
        assert result == number, f"returning({number}) is {code.hex(' ')}, which returns {result}"


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def returning(number):
#     return b"\xb8" + number.to_bytes(4, "little") + b"\xc3"
# ```
#
# </details>
#
# ## What you know now
#
# * Machine code is bytes, and bytes can be made by anyone: a C compiler, or three lines of
#   Python.
# * A number inside of an instruction is a *place in the bytes*. You have put other numbers there,
#   and left all other bytes as they were.
#
# That second point is the whole idea of copy-and-patch, the method by which `cpnum` compiles
# NumPy code. First, you need to be able to read some more instructions: [01 · Reading ten
# instructions](01-reading-ten-instructions.ipynb).
