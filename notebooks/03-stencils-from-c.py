# %% [markdown]
# # 03 · Stencils from C
#
# **C → stencil** *→ copy → patch → run*
#
# Nobody writes stencils byte by byte: a C compiler does. In this notebook you give it a few lines
# of C so that its code has holes, find these holes in a list that it writes along with the code,
# and do what the builder of `cpnum`'s packs does, on a small scale. You need no C.
#
# You need [02 · The first hole](02-the-first-hole.ipynb), and 15 minutes. The compiler is in a
# Python package: `pip install "cpnum[learn]"`. Without it, all works but the
# cells that call it, which begin with `%%needs`.

# %%
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import cpnum
from cpnum import learn

# %load_ext cpnum.learn

# %% [markdown]
# ## Why the number may not be known
#
# This is C for a function of one 8-byte integer, a `long`:
#
# ```c
# long times(long x) { return x * 3; }
# ```
#
# The next cell defines a function that calls the compiler: `-O2` asks for fast code, `-c` for no
# more than the code of this text, `-target` says for which machine, and the other flags leave out
# what a debugger wants. Then it prints the machine code in the file that the compiler has
# written.
#
# **Predict.** If there is a byte 03 in the code, it is a hole: put 5 there, and `times`
# multiplies by 5. Will there be one?


# %%
# %%needs ziglang elftools
FLAGS = """-O2 -c -target x86_64-linux-musl
           -g0 -fomit-frame-pointer -fno-asynchronous-unwind-tables"""


def compile_c(text):
    from elftools.elf.elffile import ELFFile

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "function.c").write_text(text)
        command = [sys.executable, "-m", "ziglang", "cc", *FLAGS.split(), "function.c"]
        subprocess.run(command, cwd=folder, check=True)
        return ELFFile(io.BytesIO(Path(folder, "function.o").read_bytes()))


for number in 3, 5, 7:
    compiled = compile_c(f"long times(long x) {{ return x * {number}; }}")
    print(number, "  ", compiled.get_section_by_name(".text").data().hex(" "))

# %% [markdown]
# The next cell has a copy of what the compiler wrote, for those who have no compiler at hand. All
# of this notebook is made so.

# %%
times_3 = bytes.fromhex("48 8d 04 7f  c3")
times_7 = bytes.fromhex("48 8d 04 fd 00 00 00 00  48 29 f8  c3")
print(learn.listing(times_3))
print(learn.listing(times_7))
learn.run(times_3, 14), learn.run(times_7, 6)

# %% [markdown]
# There is no 3 in the first function, and no 7 in the second. `lea` computes an address and keeps
# it, without looking into memory. Compilers like it for arithmetic: 3x is x + 2x, and 7x is 8x
# less x. The compiler looked for the best instructions *for this number*, and with another number
# they are others. No byte can be patched.
#
# ## A number that the compiler cannot know
#
# So the number has to be hidden from it. In C, a program may be spread over many files, and one
# file can name something that is in another:

# %%
times_in_c = """
extern char FACTOR[];
long times(long x) { return x * (long)FACTOR; }
"""

# %% [markdown]
# `extern char FACTOR[];` says: somewhere else there is an array FACTOR. `(long)FACTOR` is its
# address, as a number. Only when all files are put together, that address becomes known.
#
# **Predict.** What can a compiler write where the number belongs?

# %%
# %%needs ziglang elftools
times_elf = compile_c(times_in_c)
print(times_elf.get_section_by_name(".text").data().hex(" "))

# %%
times = bytes.fromhex("b8 00 00 00 00  48 0f af c7  c3")
print(learn.listing(times))
learn.run(times, 14)

# %% [markdown]
# It wrote zeros, and real multiplication. There is no FACTOR anywhere, and we do not mean to make
# one. All that we wanted is the place: four bytes for a number that comes later, a hole.
#
# ## The list of holes
#
# The compiler has to tell somebody about that place. Look at the file that it wrote. Files of
# machine code have a format called *ELF* on Linux: they consist of *sections*, each with a name.

# %%
# %%needs ziglang elftools
for section in times_elf.iter_sections():
    print(f"{section.name:16} {section.data_size:4} bytes")

# %% [markdown]
# `.text` is machine code, by an old name. `.symtab` has the names of functions and arrays,
# *symbols*. `.rela.text` is what we are looking for: the *relocations* of `.text`. A relocation
# is a request to whoever puts the program together, a tool called *linker*: "at this offset,
# please write the address of this symbol".
#
# **Predict.** The code is `b8 00 00 00 00 48 0f af c7 c3`. At which offset is the relocation?


# %%
# %%needs ziglang elftools
def show_relocations(elf):
    symbols = elf.get_section_by_name(".symtab")
    for each in elf.get_section_by_name(".rela.text").iter_relocations():
        symbol = symbols.get_symbol(each["r_info_sym"])
        print(f"offset {each['r_offset']:2}  type {each['r_info_type']:2}  {symbol.name}")


show_relocations(times_elf)

# %% [markdown]
# `offset  1  type 10  FACTOR`: behind the first byte, the number FACTOR is wanted. Type 10 means:
# the number itself, in 32 bits. **The relocations are the list of holes**, and a compiler writes
# it for every file.
#
# A linker would fill in an address. But nobody says that it has to be one:

# %%
patched = bytearray(times)
patched[1:5] = (3).to_bytes(4, "little")
learn.run(bytes(patched), 14)

# %% [markdown]
# ## Your turn: a linker
#
# Here is a function with two holes, *FACTOR × x + TERM*, and its relocations. (The second hole is
# the distance in a `lea`, which adds it; with zeros in it, that adds nothing.) Write a function
# that returns the code with all holes filled. `values` is a dictionary, such as `{"FACTOR": 3,
# "TERM": -2}`.

# %%
line = bytes.fromhex("b8 00 00 00 00  48 0f af c7  48 8d 80 00 00 00 00  c3")
line_relocations = [(1, "FACTOR"), (12, "TERM")]
learn.listing(line)

# %% tags=["exercise"]
link = ...  # def link(code, relocations, values): ...


# %%
@learn.check(link)
def fills_all_holes(function):
    "It needs no marker: the list says where each number goes."
    assert callable(function), "a function is wanted: def link(code, relocations, values): ..."
    for factor, term, x in (3, -2, 14), (1000, 70000, 5):
        code = function(line, line_relocations, {"FACTOR": factor, "TERM": term})
        assert isinstance(code, bytes), f"it returns {type(code).__name__}, and bytes are wanted"
        assert len(code) == len(line), f"{len(line)} bytes have become {len(code)}: patch 4 for 4"
        result = learn.run(code, x)
        assert result == factor * x + term, (
            f"for FACTOR {factor}, TERM {term} and x = {x} the code returns {result}, "
            f"and {factor * x + term} is wanted:\n{learn.listing(code)}"
        )
    swapped = function(times, [(1, "OTHER")], {"OTHER": 5, "FACTOR": 6})
    assert learn.run(swapped, 2) == 10, "the relocations say which symbol goes where"


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def link(code, relocations, values):
#     code = bytearray(code)
#     for offset, symbol in relocations:
#         code[offset : offset + 4] = values[symbol].to_bytes(4, "little", signed=True)
#     return bytes(code)
# ```
#
# A real linker looks at the types as well. That of FACTOR is 10, for a number that is not
# negative, since `mov eax` clears the upper half of `rax`. That of TERM is 11, for one with a
# sign.
#
# </details>
#
# ## Code that does not return
#
# One thing is in the way. A stencil is to be followed by another one, and a function ends with
# `ret`. So the C of `cpnum` does not return. It *continues*: its last act is to call another
# function, with all that it has computed.

# %%
continued_in_c = """
extern char FACTOR[];
long next(long x);
long times(long x) { return next(x * (long)FACTOR); }
"""

# %% [markdown]
# The second line says that there is a function `next` somewhere else.
#
# **Predict.** There is nothing left to do after `next`. By which instruction does the compiler go
# there? And how many relocations are there now?

# %%
# %%needs ziglang elftools
continued_elf = compile_c(continued_in_c)
print(continued_elf.get_section_by_name(".text").data().hex(" "))
show_relocations(continued_elf)

# %%
continued = bytes.fromhex("b8 00 00 00 00  48 0f af f8  e9 00 00 00 00")
learn.listing(continued)

# %% [markdown]
# It is a jump (this is called a *tail call*). Its distance is a hole as well: offset 10, `next`,
# type 4, which is a distance.
#
# Two things make this the shape that we want. The jump is *at the end*, so if the next piece is
# put right behind, there is nothing to jump over, and the jump can go. And by the agreement of
# notebook 01, a first argument is in `rdi`. `times` finds its x there, and leaves the product
# there, where the next piece looks for it. So pieces fit together, though none knows any other.
#
# **Predict.** Which bytes do you keep?

# %%
stencil = bytearray(continued[:9])
stencil[1:5] = (3).to_bytes(4, "little")
ending = bytes.fromhex("48 89 f8  c3")
print(learn.listing(bytes(stencil) + ending))
learn.run(bytes(stencil) + ending, 14)

# %% [markdown]
# The nine bytes without the jump are a stencil. `ending`, from the last notebook, is the next
# piece.
#
# ## How cpnum does it
#
# The C of `cpnum` has the same shape. Its functions keep to another agreement (`preserve_none`),
# which has more registers for arguments. Each of them passes on what it got: the index in `r13`,
# the end in `r14`, the addresses of arrays in `r15` and six others. That is why notebook 01 found
# an index in `r13`. And they do not leave it to the compiler whether the last call becomes a
# jump: `musttail` orders it.
#
# Here is what the compiler wrote for the pack, not as bytes but as assembly, the text before it.
# In this dialect, the source stands on the left and the destination on the right.

# %%
pack = learn.pack("x86-64-v3")
for name in "set_pointer", "load_pointer", "add_f64":
    print(f"{name:12}", *pack[name].assembly)

# %% [markdown]
# IMMEDIATE and SLOT are symbols, as FACTOR was. No address of that name exists. The word in
# braces fixes the length of an instruction, so that `rdi` takes as many bytes as `r15`.
#
# And the holes for registers? For these there are no relocations. The builder of the pack
# replaces `%r15` by `%rdi` in this text, makes bytes of both, and compares them. The bits that
# differ are the hole.
#
# `learn.stencil` does all of this. You write only what is to be computed:

# %%
# %%needs ziglang elftools
add = learn.stencil("OP(add, TT_T, FLOAT(a + b))", "add_f64", isa="x86-64-v3")
add.show()
print(add.fill((3, 4, 5)) == pack["add_f64"].fill((3, 4, 5)))

# %% [markdown]
# `OP` is an abbreviation that `cpnum` defines in C, for a function which continues:
#
# | | |
# | --- | --- |
# | `add` | the name |
# | `TT_T` | two operands and one result, all of the same type T |
# | `FLOAT(a + b)` | for floating-point types, this expression of the operands `a` and `b` |
#
# `True` says that you have built the stencil that is in the pack, with the same bytes. It has no
# relocations: its operands and its result are registers.
#
# Here is another line of `cpnum`'s C, without its part for integers: 1 / x. `K(1.0)` is a
# floating-point constant. Such a constant cannot be part of an instruction; it lies somewhere in
# memory.
#
# ```c
# OP(reciprocal, T_T, FLOAT(K(1.0) / a))
# ```
#
# **Predict.** How many instructions does it take, and how many relocations?

# %%
pack["reciprocal_f64"].show()

# %% [markdown]
# One instruction fetches the constant, and one divides. `rip` is where the processor is in the
# code, and the relocation is the distance from there to the constant. CONSTANT shows its bytes,
# too, and `cpnum` puts them behind the code.
#
# This stencil has more register bits than `add_f64`, because the result is in both instructions.
# For the same reason, its input is an *early-clobber*: it is read after the result's register has
# been written, so the two may not share one.
#
# ## Your turn: a stencil of your own
#
# Write C for the curve 1 / (1 + x²), by the name of `bell`: an `OP` with one operand, as a
# string. C has no operator for powers. The check compiles your text, and compares with NumPy.

# %% tags=["exercise"]
bell = ...


# %%
# %%needs ziglang elftools
@learn.check(bell)
def is_a_stencil_of_bell(text):
    "Your C has become machine code, which cpnum uses like any stencil of a pack."
    assert isinstance(text, str), 'a string is wanted: "OP(...)"'
    assert text.startswith("OP(bell,"), f"it begins with {text[:12]!r}, and not with 'OP(bell,'"
    assert "FLOAT(" in text, "the expression belongs into the parentheses of FLOAT(...)"
    assert "K(1)" not in text, "C wants a point in a floating-point constant: K(1.0)"
    stencil = learn.stencil(text, "bell_f64")
    assert stencil.operands == 1, f"it has {stencil.operands} operands; T_T is for one"
    x = np.linspace(-3, 3, 7)
    result = cpnum.operator("bell", text, lambda x: 1 / (1 + x * x))(x)
    assert np.allclose(result, 1 / (1 + x * x)), f"for x = {x} it computes {result}"


# %% [markdown]
# <details><summary>Answer</summary>
#
# `K` makes the constants of one type with `a`.
#
# ```python
# bell = "OP(bell, T_T, FLOAT(K(1.0) / (K(1.0) + a * a)))"
# ```
#
# </details>
#
# ## What you know now
#
# * A compiler chooses instructions to suit the numbers that it knows. A number that it cannot
#   know, the address of something in another file, becomes a hole, and a *relocation* says where.
# * A function that continues elsewhere ends with a jump. Without this jump it is a stencil: it
#   runs on into the next piece, and leaves its values in agreed registers.
# * `cpnum` does this once for all, when the pack is built. Those who use it need no compiler.
#
# Next, one stencil becomes many: [04 · Gluing](04-gluing.ipynb).
