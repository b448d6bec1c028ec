# %% [markdown]
# # 13 · Neighbours
#
# *trace → graph → loop → stencils →* **code → run**
#
# Copy-and-patch is one way of many to get machine code. In this notebook you look over the fence:
# you compile one formula with Cranelift and with LLVM, read what they made, and time them. Then
# you use what you know for things that `cpnum` was not made for: a language of your own, and
# stencils of Zig and C++.
#
# You need notebooks 03 to 07, and some five minutes for each of the five sections, which stand
# alone. What their cells need is `pip install wasmtime llvmlite "cpnum[learn]"`.

# %%
import ctypes
import io
import operator
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import cpnum
from cpnum import cpjit, learn

# %load_ext cpnum.learn


def fastest(call, rounds=15):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def compiled_by_cpnum():
    return cpjit(lambda x, a, b: a * x + b).lower(x, 2.0, 1.0)


compiled_line = cpjit(lambda x, a, b: a * x + b)
x = np.arange(10_000.0)
print(f"cpnum compiles a * x + b in {fastest(compiled_by_cpnum) * 1e6:.0f} µs")

# %% [markdown]
# This is what the others are compared with: all from the trace to the bytes. It is the fastest of
# fifteen times, so nobody pays for a first time here.
#
# ## 1 Is Cranelift copy-and-patch?
#
# One reads so now and then. *Cranelift* is the compiler in Wasmtime, which runs WebAssembly
# outside of browsers. *WebAssembly* is code for a machine that does not exist: a few simple
# operations, which any real machine can do, and each browser translates. It is binary, and has a
# text form, in which each operation stands before its operands:


# %%
line_wat = """
(module
  (memory (export "memory") 4)
  (func (export "line") (param $x i32) (param $out i32) (param $end i32)
                        (param $a f64) (param $b f64)
    (loop $again
      (f64.store (local.get $out)
        (f64.add (f64.mul (local.get $a) (f64.load (local.get $x))) (local.get $b)))
      (local.set $x (i32.add (local.get $x) (i32.const 8)))
      (local.set $out (i32.add (local.get $out) (i32.const 8)))
      (br_if $again (i32.lt_u (local.get $x) (local.get $end))))))
"""

# %% [markdown]
# It is the loop of notebook 05: `f64.load` reads 8 bytes at `$x`, `br_if` is the jump back. The
# memory is one block of its own, and an address is an offset in it.
#
# The result of Cranelift can be saved, and is an ELF file, as in notebook 03. So its code can be
# read.


# %%
# %%needs wasmtime elftools
import wasmtime
from elftools.elf.elffile import ELFFile


def compiled_by_cranelift(wat, level="speed"):
    config = wasmtime.Config()
    config.cranelift_opt_level = level
    engine = wasmtime.Engine(config)
    return engine, wasmtime.Module(engine, wat)


def functions(module):
    elf = ELFFile(io.BytesIO(bytes(module.serialize())))
    code = elf.get_section_by_name(".text").data()
    for each in elf.get_section_by_name(".symtab").iter_symbols():
        if each.name.startswith("wasm[0]::function"):
            yield code[each["st_value"] : each["st_value"] + each["st_size"]]


engine, line = compiled_by_cranelift(line_wat)
print(learn.listing(next(functions(line))))

# %% [markdown]
# Look at the multiplication. It reads its operand from memory: there is no load of its own. Both
# steps forward are an `add`, and the compare and the jump are as you know them. The lines before
# the loop fetch where the memory is, and `push` and `pop` keep a register of the caller's.
#
# Is this glued of stencils? Here is a test. Copy-and-patch has the same bytes for each
# multiplication, but for the holes. These functions multiply integers: `x * y`, `x * 8`, and one
# that multiplies and throws the product away.
#
# **Predict.** Which instruction multiplies, in each of the three?

# %%
# %%needs wasmtime elftools
_, products = compiled_by_cranelift("""
(module
  (func (param i64 i64) (result i64) (i64.mul (local.get 0) (local.get 1)))
  (func (param i64) (result i64) (i64.mul (local.get 0) (i64.const 8)))
  (func (param i64 i64) (result i64) (drop (i64.mul (local.get 0) (local.get 1))) (local.get 0)))
""")
for code in functions(products):
    print(learn.listing(code), end="\n\n")

# %% [markdown]
# `imul`, a shift, and nothing: the same operation, three times something else. A compiler that
# copies might do so as well, if it rewrites first. So the test says that somebody knows what a
# multiplication means, and no more. How Cranelift is built can be read in its source:
#
# | step | Cranelift | copy-and-patch in `cpnum` |
# | --- | --- | --- |
# | *rewriting* | by rules, and what no one uses goes | the same, in the graph |
# | *instruction selection* | while it compiles, by patterns | by clang, when the pack is built |
# | *register allocation* | for the whole function | for the whole kernel |
# | *encoding* | makes the bytes, field by field | copies the bytes, and patches fields |
#
# **Cranelift is not copy-and-patch**, by the second row and the fourth. A pattern may cover
# several operations, such as a load and a multiplication. A stencil is one operation, as a rule,
# and was chosen without knowing its neighbours. Systems of copy-and-patch other than `cpnum`
# often have neither the first row nor the third.
#
# The rumour has a cousin that is true. The people of Wasmtime wanted a simpler and faster
# compiler beside Cranelift, and considered copy-and-patch for it. They expected that building,
# debugging and extending it would be harder, and wrote one by hand that goes over the program
# once, Winch.
#
# **Predict.** Cranelift is written in Rust, and `cpnum`'s compiler in Python. Which one is done
# first?

# %%
# %%needs wasmtime elftools
line_wasm = wasmtime.wat2wasm(line_wat)  # the binary form
for level in "none", "speed":
    seconds = fastest(lambda level=level: compiled_by_cranelift(line_wasm, level))
    print(f"Cranelift, optimization {level:6}{seconds * 1e6:6.0f} µs")
print(f"cpnum{fastest(compiled_by_cpnum) * 1e6:30.0f} µs")

# %% [markdown]
# Wasmtime also checks the program and makes ways in and out, and `cpnum` also traces, so neither
# is the compiler alone. Take it as a size, not as a race. And the code is not the same: one takes
# an element at a time, since the WebAssembly says so, the other one whole vectors.
#
# It runs like this. First the array is copied into WebAssembly's memory.

# %%
# %%needs wasmtime elftools
store = wasmtime.Store(engine)
exports = wasmtime.Instance(store, line, []).exports(store)
in_wasm = exports["line"]
memory = np.frombuffer(exports["memory"].get_buffer_ptr(store))
size = len(x)
memory[:size] = x
in_wasm(store, 0, 8 * size, 8 * size, 2.0, 1.0)
print(memory[size : size + 5])

nothing = fastest(lambda: in_wasm(store, 0, 8, 8, 2.0, 1.0), 300)
all_elements = fastest(lambda: in_wasm(store, 0, 8 * size, 8 * size, 2.0, 1.0), 300)
print(f"{nothing * 1e6:.0f} µs a call for one element, {all_elements * 1e6:.0f} µs for {size:,}")
print(f"{(all_elements - nothing) / size * 1e9:.2f} ns an element")

out = np.empty_like(x)
bound = compiled_line.bind(x, 2.0, 1.0, out=out)
print(f"cpnum: {fastest(bound, 300) / size * 1e9:.2f} ns an element")

# %% [markdown]
# Most of a call is Python's way into Wasmtime, so it is subtracted here.
#
# ## 2 What do LLVM's levels cost?
#
# *LLVM* is what stands behind clang, Numba, Julia and many others. It compiles its own language,
# *LLVM IR*: types are written out, each name gets its value once, and a loop variable says in
# `phi` where it comes from.

# %%
line_ir = """
define void @line(ptr noalias %x, ptr noalias %out, i64 %count, double %a, double %b) {
start:
  br label %again
again:
  %i = phi i64 [ 0, %start ], [ %next, %again ]
  %from = getelementptr double, ptr %x, i64 %i
  %value = load double, ptr %from
  %product = fmul double %a, %value
  %sum = fadd double %product, %b
  %to = getelementptr double, ptr %out, i64 %i
  store double %sum, ptr %to
  %next = add i64 %i, 1
  %more = icmp slt i64 %next, %count
  br i1 %more, label %again, label %done
done:
  ret void
}
"""

# %% [markdown]
# `noalias` is a promise: the arrays do not overlap. The next cell compiles it in three steps, and
# times each: read the text, optimize, *generate* the machine code. `llvmlite` is LLVM as a Python
# package.


# %%
# %%needs llvmlite
import llvmlite.binding as llvm

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()
target, cpu = llvm.Target.from_default_triple(), llvm.get_host_cpu_name()


def compiled_by_llvm(level):
    machine = target.create_target_machine(
        cpu=cpu, features=llvm.get_host_cpu_features().flatten(), opt=level
    )
    times = [time.perf_counter()]
    module = llvm.parse_assembly(line_ir)
    times.append(time.perf_counter())
    options = llvm.create_pipeline_tuning_options(speed_level=level)
    passes = llvm.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    times.append(time.perf_counter())
    code = machine.emit_object(module)
    times.append(time.perf_counter())
    return machine, module, code, np.diff(times)


def first_loop(lines):
    multiply = next(n for n, line in enumerate(lines) if "vmul" in line)
    begin = max(n for n in range(multiply) if lines[n].startswith(".LBB"))
    end = next(n for n in range(multiply, len(lines)) if lines[n].startswith("\tj"))
    return lines[begin : end + 1]


for level in 0, 2:
    machine, module, *_ = compiled_by_llvm(level)
    lines = machine.emit_assembly(module).splitlines()
    print(f"-O{level}", *first_loop(lines), "", sep="\n")

# %% [markdown]
# These are the loops, in the dialect of notebook 03, with the source on the left. `-O0` is for
# those who do not want to wait: it allocates registers in the simplest way. In front of each jump
# values go to memory, to the *stack* (`-8(%rsp)`), and behind it they come back: loads of things
# that have not changed, in each round.
#
# `-O2` has done what took you notebooks 05 and 06, and takes several vectors a round. Behind this
# loop it has others for what is left, which are not shown.
#
# **Predict.** How many times as long does `-O2` take, and in which step? Where is `cpnum`?

# %%
# %%needs llvmlite
print("        read   optimize  generate     all")
for level in 0, 2:
    steps = np.min([compiled_by_llvm(level)[-1] for _ in range(10)], axis=0) * 1e6
    print(f"-O{level}{steps[0]:7.0f} µs{steps[1]:7.0f} µs{steps[2]:7.0f} µs{steps.sum():7.0f} µs")
print(f"cpnum{fastest(compiled_by_cpnum) * 1e6:32.0f} µs")

# %% [markdown]
# Mind that LLVM is written in C++ and `cpnum`'s compiler in Python. LLVM carries its generality
# along, for any program and any processor. By their own figures, the authors of copy-and-patch
# (Xu and Kjolstad, 2021) are two orders of magnitude ahead of `-O0` with a compiler in C++, for
# queries of a database.
#
# One need not copy to be fast, though. TPDE (2025) translates LLVM IR in a single pass, and is 8
# to 24 times as fast as `-O0` by its paper. Its author objects to stencils that one for each
# operation makes slow code, and that registers are hard to allocate in larger functions. Judge
# for yourself below. `cpnum` allocates them for a whole loop, and fills the numbers in.
#
# And what is the code worth?


# %%
# %%needs llvmlite
def in_llvm(level):
    machine, _, code, _ = compiled_by_llvm(level)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    types = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_double, ctypes.c_double
    return engine, ctypes.CFUNCTYPE(None, *types)(engine.get_function_address("line"))


out = np.empty_like(x)
addresses = x.ctypes.data, out.ctypes.data
for level in 0, 2:
    engine, function = in_llvm(level)
    seconds = fastest(lambda call=function: call(*addresses, len(x), 2.0, 1.0), 100)
    assert np.array_equal(out, 2 * x + 1)
    print(f"-O{level}   {seconds / len(x) * 1e9:.2f} ns an element")
seconds = fastest(compiled_line.bind(x, 2.0, 1.0, out=out), 100)
print(f"cpnum {seconds / len(x) * 1e9:.2f} ns an element")

# %% [markdown]
# The first row has the price of all those trips to the stack. A stencil is a piece of optimized
# code. What is slow in LLVM has been done before, when the pack was built. What is hard to do
# before is what concerns two operations at once: the multiplication of `-O2` reads its operand
# from memory, and `cpnum`'s has a load of its own in front. There can be stencils for two
# operations, but not for all pairs.
#
# ## 3 A byte code of one's own
#
# This section needs nothing but `cpnum`. Many programs have a small language inside: formulas of
# a spreadsheet, filters of a database, scripts of a game. They are often translated to *byte
# code*, and an *interpreter* reads it, one instruction after the other. Here is one, for a
# machine with a stack. `PUSH` puts an argument on the stack; the others take two values from
# there, and put one back.

# %%
PUSH, ADD, SUBTRACT, MULTIPLY, DIVIDE = range(5)
operations = {
    ADD: operator.add,
    SUBTRACT: operator.sub,
    MULTIPLY: operator.mul,
    DIVIDE: operator.truediv,
}


def interpret(program, arguments):
    stack, at = [], 0
    while at < len(program):
        if program[at] == PUSH:
            stack.append(arguments[program[at + 1]])
            at += 2
        else:
            operation, right, left = operations[program[at]], stack.pop(), stack.pop()
            stack.append(operation(left, right))
            at += 1
    return stack.pop()


# %% [markdown]
# **Predict.** The arguments are `x`, `a` and `b`, with the numbers 0, 1 and 2. Which formula is
# this program? How many values are on the stack at most?

# %%
program = bytes([PUSH, 0, PUSH, 1, MULTIPLY, PUSH, 2, ADD, PUSH, 0, PUSH, 0, MULTIPLY, DIVIDE])
interpret(program, (4.0, 3.0, 5.0))

# %% [markdown]
# It is `(x * a + b) / (x * x)`, and 17 / 16 for these numbers. There are three values at most on
# the stack.
#
# And now the thought that makes a compiler: which value is how high on the stack does not depend
# on the numbers. It can be known *before* the program runs. So place 0 of the stack is register
# 0, place 1 is register 1, and there is no stack.


# %%
names = {ADD: "add_f64", SUBTRACT: "subtract_f64", MULTIPLY: "multiply_f64", DIVIDE: "divide_f64"}
pack = learn.pack()


def put(name, *registers, **values):
    return learn.instance(pack[name], *registers, **values)


def translate(program):
    depth, at = 0, 0
    while at < len(program):
        if program[at] == PUSH:
            number = program[at + 1]
            if number == 0:  # x, an array
                yield put("load_f64", depth, pointer=15, OFFSET=0)
            else:
                yield put("argument_f64", depth, SLOT=8 + 8 * number)
            depth, at = depth + 1, at + 2
        else:
            depth, at = depth - 1, at + 1
            yield put(names[program[at - 1]], depth - 1, depth, depth - 1)


print(learn.glue(translate(program)).code)

# %% [markdown]
# `translate` has the shape of `interpret`: the same loop, the same two cases. Where one computes,
# the other yields a stencil. This is a *baseline compiler*, the one that is quick to compile,
# next to an interpreter, and copy-and-patch fits it: an instruction is a stencil.
#
# The JIT compiler of CPython, Python's usual interpreter, is built so. For each small operation
# of its interpreter there is a stencil, made by clang from the same C. It came to keep up to
# three values of the stack in registers, for the reason that you see here. It is at a gain of 8
# to 9 % over the interpreter on x86-64, by its developers (3.15, beta 1), for programs of all
# kinds, whose values are Python objects.
#
# The loop around it is that of notebook 06, with `repeat` to do it many times.


# %%
def looped(program):
    lanes = pack.level.lanes(8)
    return learn.glue(
        [
            put("entry", BODY="body"),
            "body",
            put("load_pointer", pointer=15, SLOT=0),
            put("load_pointer", pointer=7, SLOT=8),
            put("count_range", SLOT=40),
            "again",
            put("inner_range", SLOT=32),
            put("vectors", STEP=lanes, SKIP="done"),
            "loop",
            *translate(program),
            put("store_f64", 0, pointer=7, OFFSET=0),
            put("next_vectors", STEP=lanes, HEAD="loop"),
            "done",
            put("repeat", SLOT=40, HEAD="again"),
            put("finish"),
        ]
    )


def run(code, x, a, b, rounds=1):
    out = np.zeros_like(x)  # whole vectors only: the size is a multiple of 16
    learn.run(code, [x, out, a, b, len(x), 0], 0, rounds, seconds=60)
    return out


values = np.linspace(1, 2, 4096)
print(run(looped(program), values, 3.0, 5.0)[:3])
print(interpret(program, (values, 3.0, 5.0))[:3])

# %% [markdown]
# The second line has been interpreted too, with arrays on the stack in place of numbers. NumPy is
# such a machine, if you like: each operation is fetched once, and done for all elements.
#
# **Predict.** Three ways for 4096 elements: interpreted one by one, interpreted with arrays,
# translated. By what factors do they differ? And how long does it take to translate?


# %%
def report(way, seconds):
    print(f"{way:24}{seconds / len(values) * 1e9:9.2f} ns an element")


report("one by one", fastest(lambda: [interpret(program, (v, 3.0, 5.0)) for v in values], 5))
report("with arrays", fastest(lambda: interpret(program, (values, 3.0, 5.0))))
code, rounds = looped(program), 50_000
once = fastest(lambda: run(code, values, 3.0, 5.0), 5)  # mostly the start of a process
often = fastest(lambda: run(code, values, 3.0, 5.0, rounds + 1), 5)
report("translated", (often - once) / rounds)
print(f"to translate takes {fastest(lambda: looped(program)) * 1e6:.0f} µs")

# %% [markdown]
# Do not take the first factor for what a JIT compiler gains: this interpreter is written in
# Python, which is interpreted itself, and one in C is far faster. The second factor compares like
# with like, since NumPy's loops are machine code too. It is what fusing gives, as in notebook 08.
#
# ## Your turn: a language
#
# What is missing is the way from text to byte code. Python can read its own formulas:
# `ast.parse(text, mode="eval").body` is a tree. An `ast.Name` has an `id`, such as `"x"`. An
# `ast.BinOp` has `left`, `right` and `op`, which is an `ast.Add()`, `ast.Sub()`, `ast.Mult()` or
# `ast.Div()`. Write `bytecode(text)` for formulas of `x`, `a` and `b`.

# %% tags=["exercise"]
bytecode = ...


# %%
@learn.check(bytecode)
def translates_formulas(function):
    "From text to machine code: a language of your own, with two functions of a few lines."
    assert callable(function), "a function is wanted: def bytecode(text): ..."
    for text in "x", "x + a", "x - a * b", "(x - a) * b", "x / (a - b / (x + b))":
        made = function(text)
        assert isinstance(made, bytes), f"for {text!r} it returns {made!r}; bytes are wanted"
        try:
            seen = interpret(made, (5.0, 3.0, 2.0))
        except (IndexError, KeyError):
            raise AssertionError(f"{text!r} became {list(made)}, which does not run") from None
        wanted = eval(text, {"x": 5.0, "a": 3.0, "b": 2.0})
        assert seen == wanted, f"{text!r} became {list(made)}, which is {seen}, not {wanted}"
        result = run(looped(made), values, 3.0, 2.0)
        wanted = interpret(made, (values, 3.0, 2.0))
        assert np.array_equal(result, wanted), f"{text!r}: the machine code computes {result}"


# %% [markdown]
# <details><summary>Answer</summary>
#
# The operands first, then the operation. This order is what makes it a stack machine.
#
# ```python
# import ast
#
# codes = {ast.Add: ADD, ast.Sub: SUBTRACT, ast.Mult: MULTIPLY, ast.Div: DIVIDE}
#
#
# def bytecode(text):
#     def of(node):
#         if isinstance(node, ast.Name):
#             return bytes([PUSH, "xab".index(node.id)])
#         return of(node.left) + of(node.right) + bytes([codes[type(node.op)]])
#
#     return of(ast.parse(text, mode="eval").body)
# ```
#
# </details>
#
# ## 4 Stencils of Zig and C++
#
# A stencil is machine code that leaves alone what is not its own. It does not matter who wrote
# it. `learn.from_object` takes an object file of any compiler for x86-64, turns a function in it
# back to assembly, and makes its registers holes, as in notebook 03.
#
# Both of these compute the seventh power, and let the *compiler* do the recursion: `comptime` in
# Zig and a template in C++ are computed before the program runs.

# %%
level = learn.pack().level
zig_source = f"""
const Vector = @Vector({level.lanes(8)}, f64);
fn power(comptime n: usize, x: Vector) Vector {{
    if (n == 1) return x;
    return if (n % 2 == 1) x * power(n - 1, x) else power(n / 2, x * x);
}}
export fn seventh(x: Vector) Vector {{
    return power(7, x);
}}
"""
cpp_head = f"typedef double Vector __attribute__((vector_size({level.vector_bytes})));"
cpp_source = f"""
{cpp_head}
template <int n> Vector power(Vector x) {{
    if constexpr (n == 1) return x;
    else if constexpr (n % 2) return x * power<n - 1>(x);
    else return power<n / 2>(x * x);
}}
extern "C" Vector seventh(Vector x) {{ return power<7>(x); }}
"""

# %% [markdown]
# The vectors are as long as those of your processor. `export` and `extern "C"` make `seventh` a
# name that others find in the object file. (Rust works as well: `rustc --emit obj`.)
#
# **Predict.** How many multiplications does a seventh power take?


# %%
# %%needs ziglang elftools
def object_of(name, text):
    options = {".zig": "build-obj -O ReleaseFast -fstrip", ".cpp": "c++ -std=c++20 -O2 -c"}
    target = f"-target x86_64-linux-musl -mcpu={learn.pack().isa.replace('-', '_')}"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, name)
        source.write_text(text)
        flags = f"{options[source.suffix]} {target} -fomit-frame-pointer".split()
        command = [sys.executable, "-m", "ziglang", *flags, name]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return source.with_suffix(".o").read_bytes()


stencils = {
    "Zig": learn.from_object(object_of("power.zig", zig_source), "seventh", "zig_seventh_f64"),
    "C++": learn.from_object(object_of("power.cpp", cpp_source), "seventh", "cpp_seventh_f64"),
}
for language, stencil in stencils.items():
    print(f"{language}: {stencil.size} bytes", *stencil.assembly, sep="\n")

# %% [markdown]
# Four multiplications, and one copy in front, which `from_object` has added: a function may
# overwrite its operand, and a stencil may not, since somebody else may need it.
#
# From here on all is as in notebook 12. `cpnum.operator` also takes stencils, in place of a text.


# %%
def seventh_of_numpy(x):
    square = x * x
    return x * (square * (square * square))


# %%
# %%needs ziglang elftools
seventh = cpnum.operator("zig_seventh", [stencils["Zig"]], seventh_of_numpy)
curve = cpjit(lambda x: np.sqrt(1 - seventh(x)))
positions = np.linspace(0, 1, 1001)
print(curve(positions)[::200])
print(curve.explain(positions).head[2])

# %% [markdown]
# Zig is fused with the C of `cpnum`, in one loop. The three products are grouped as in the
# source, so the bits are those of NumPy.
#
# **Predict.** This function calls another one. What would happen in a loop if that one overwrote
# registers in which other stencils keep their values?

# %% tags=["raises-exception"]
# %%needs ziglang elftools
caller = """
extern "C" Vector other(Vector x);
extern "C" Vector caller(Vector x) { return other(x) * x; }
"""
learn.from_object(object_of("caller.cpp", cpp_head + caller), "caller", "caller_f64")

# %% [markdown]
# They would be gone, and the result wrong, without a word. So it is refused, as is whatever has
# variables outside of registers, or touches a register that is not its own. A stencil is checked
# when it is made.
#
# ## Challenge: the larger one
#
# Write a C++ function `larger` of two vectors, `x` and `y`, which returns in each lane the one
# with the larger absolute value, and `x` if they are equal. The check puts `cpp_head` in front of
# your text, so `Vector` is known. In C++, too, `mask ? x : y` chooses in each lane, and `x < 0`
# is a mask.

# %% tags=["exercise"]
larger_cpp = ...


# %%
# %%needs ziglang elftools
@learn.check(larger_cpp)
def chooses_the_larger(text):
    "C++ of your own, as a stencil, between stencils of C: nobody can tell them apart any more."
    assert isinstance(text, str), 'a C++ text is wanted: extern "C" Vector larger(...) {...}'
    assert 'extern "C"' in text, 'without extern "C" the name in the object file is another one'
    stencil = learn.from_object(
        object_of("larger.cpp", cpp_head + text), "larger", "cpp_larger_f64", operands=2
    )
    larger = cpnum.operator(
        "cpp_larger", [stencil], lambda x, y: np.where(np.abs(x) < np.abs(y), y, x)
    )
    x = np.array([1.0, -3.0, 2.0, -2.0, 0.0, -7.5, 4.0])
    y = np.array([-2.0, 2.0, -2.0, 2.0, -0.5, 0.0, 5.0])
    for found, wanted, a, b in zip(larger(x, y), larger.py_func(x, y), x, y, strict=True):
        assert found == wanted, f"of {a} and {b} it returns {found}, and {wanted} is wanted"
    fused = cpjit(lambda x, y: larger(x, y) - x)(x, y)
    assert np.array_equal(fused, larger.py_func(x, y) - x), f"fused, it computes {fused}"


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# larger_cpp = """
# static Vector size(Vector x) { return x < 0 ? -x : x; }
# extern "C" Vector larger(Vector x, Vector y) { return size(x) < size(y) ? y : x; }
# """
# ```
#
# In the source, `size` is called. But `static` says that nobody else needs it, and the compiler
# puts its code in the place of the call.
#
# </details>
#
# ## 5 Copy, or call?
#
# A stencil for a sum is one instruction. One for a sine is a whole program.
#
# **Predict.** How many bytes has each of these stencils? By how much does the code of a function
# grow with each further `np.exp` in it?

# %%
print({name: learn.pack()[f"{name}_f64"].size for name in ("add", "sqrt", "exp", "sin", "power")})


def sum_of(count):
    return cpjit(lambda x: sum(np.exp(x * (k + 0.5)) for k in range(count)))


for count in 1, 2, 4, 8:
    print(count, "times exp:", len(sum_of(count).lower(x).code.data), "bytes of code")

# %% [markdown]
# Everything is copied again in each place, and once more for the tail. The other way is to put
# the large function somewhere once, and to *call* it. Apache Impala, a database, does so with
# functions that were compiled beforehand; it has LLVM write the code around them, and can also
# put them inside. Its users complained of some 300 ms of compiling for queries of less than a
# second, and since 2024 it keeps compiled code in a cache. A call has a price of its own, too. By
# C's agreement, the function may overwrite all vector registers, so whatever is in them has to go
# to memory and come back. `cpnum` copies.
#
# Where else does copy-and-patch fit? Where a program is put together of known operations while it
# runs, and not for long enough that a slow compiler pays. These exist:
#
# | what is compiled | by |
# | --- | --- |
# | queries of databases | the first paper (2021); pg-copyjit, for PostgreSQL; Cognica |
# | WebAssembly | WasmNow, of the first paper |
# | byte code of languages | CPython, rcp for R, Deegen for Lua |
# | readers of JSON | facet, in Rust, with stencils made by Rust's compiler |
# | formulas of numbers | copapy, one number at a time; `cpnum`, with arrays |
#
# Regular expressions, packet filters and the rules of a spreadsheet have the same shape: small
# operations, chosen by a user. With section 3 you can begin with any of them.
#
# ## What you know now
#
# * Cranelift and LLVM choose instructions while they compile. Copy-and-patch has chosen before,
#   and pays for it where two operations could share an instruction.
# * A stack machine becomes machine code by counting: places on the stack are registers.
# * A stencil may come from any compiler that writes object files.
#
# This is the end of the course. The parts that you have used by hand, and the stages that `cpnum`
# puts between them, are described in [the architecture](../docs/architecture.md), and all of
# `learn` is in [stencils by hand](../docs/learn.md). You can read the code now.
