# %% [markdown]
# # 07 · Tracing
#
# **trace → graph** *→ loop → stencils → code → run*
#
# So far you chose the stencils by hand. A compiler has to find them in a Python function. In this
# notebook you write a tracer, which turns a function into a list of operations. Then you read the
# lists of the real one, and find out what no tracer can see.
#
# You need [06 · Four at a time](06-four-at-a-time.ipynb), Python's classes, and 15 minutes.

# %%
import numpy as np

from cpnum import cpjit, learn


def formula(x):
    return np.sin(x) * 2


# %% [markdown]
# One way to find the operations is to read the text of the function, as a compiler of C does.
# That is hard in Python, where any name may mean anything.
#
# The other way is to run the function. Not on an array, but on an object that computes nothing,
# and writes down what is asked of it. Such an object is a *tracer*.


# %%
class Tracer:
    def __init__(self, name, written):
        self.name, self.written = name, written

    def write_down(self, operation, *operands):
        result = type(self)(f"%{len(self.written)}", self.written)
        texts = [each.name if isinstance(each, Tracer) else str(each) for each in operands]
        self.written.append(f"{result.name} = {operation} {' '.join(texts)}")
        return result

    def __mul__(self, other):
        return self.write_down("multiply", self, other)

    def __array_ufunc__(self, ufunc, method, *operands):
        return self.write_down(ufunc.__name__, *operands)


# %% [markdown]
# **Predict.** `written` is an empty list. What is in it after the function has run?

# %%
written = []
result = formula(Tracer("x", written))
print("\n".join(written))
print("the result is", result.name)

# %% [markdown]
# No sine was computed. Here is what happened, step by step:
#
# | Python comes to | and asks | which writes down |
# | --- | --- | --- |
# | `np.sin(x)` | NumPy asks `x.__array_ufunc__` | `%0 = sin x` |
# | `... * 2` | Python asks `__mul__` of `%0` | `%1 = multiply %0 2` |
#
# `__array_ufunc__` is NumPy's own offer to other classes. A *ufunc* is a function such as
# `np.sin` that works on each element for itself. Before it computes, it looks whether an argument
# has this method, and hands the call over.
#
# The list is all that a compiler needs: one stencil for a line.
#
# **Predict.** `2 * np.sin(x)` is the same number as `np.sin(x) * 2`. Does the tracer see it?

# %% tags=["raises-exception"]
2 * np.sin(Tracer("x", written))

# %% [markdown]
# The 2 stands on the left, so Python asks the 2 first. An `int` does not know what a tracer is.
# Then Python asks the tracer for `__rmul__`, the multiplication from the *right* side, and there
# is none.
#
# ## Your turn: two more operators
#
# Write a class `BetterTracer` that inherits from `Tracer`, so that `2 * np.sin(x) + x` is written
# down. It needs `__rmul__` and `__add__`. Keep the order of the operands as the user wrote them.

# %% tags=["exercise"]
BetterTracer = ...


# %%
@learn.check(BetterTracer)
def writes_two_more(tracer):
    "Each operator of Python is a method, and a method may write."
    assert isinstance(tracer, type), "a class is wanted: class BetterTracer(Tracer): ..."
    assert issubclass(tracer, Tracer), "let it inherit: class BetterTracer(Tracer): ..."
    x = tracer("x", [])
    try:
        2 * np.sin(x) + x
    except TypeError as error:
        raise AssertionError(f"Python says: {error}") from None
    wanted = ["%0 = sin x", "%1 = multiply 2 %0", "%2 = add %1 x"]
    assert x.written == wanted, f"it is written down as {x.written}, and wanted is {wanted}"


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# class BetterTracer(Tracer):
#     def __rmul__(self, other):
#         return self.write_down("multiply", other, self)
#
#     def __add__(self, other):
#         return self.write_down("add", self, other)
# ```
#
# </details>
#
# Python has dozens of such methods. NumPy has a class for those who do not want to write them
# all: in `NDArrayOperatorsMixin`, each operator calls its ufunc, and all ufuncs end in
# `__array_ufunc__`.


# %%
class CompleteTracer(np.lib.mixins.NDArrayOperatorsMixin, Tracer):
    pass


def wave(x):
    return (x - 1) ** 2 * (2 * np.pi) / 4 + np.sin(x - 1)


x = CompleteTracer("x", [])
wave(x)
print("\n".join(x.written))

# %% [markdown]
# One thing in the function is not in the list: `2 * np.pi`. Both of its operands are numbers of
# Python, so Python multiplied them, and the tracer met the product only.
#
# ## The real tracer
#
# `f.lower(x)` compiles a function for arguments such as `x`, without running the code. It returns
# a *kernel*, the code with all stages on the way to it. The first stage is the *graph*, the list
# of operations, in which some have been rewritten already.
#
# **Predict.** Your list has seven lines. Is there one that a careful person would not compute?

# %%
kernel = cpjit(wave).lower(np.ones(4))
print(kernel.graph)

# %% [markdown]
# The first line says for what arguments the graph holds: `x` is an array of 64-bit floats with
# one axis, of any length. Each operation has its dtype behind it. Then compare:
#
# | in your list | in the graph | why it may |
# | --- | --- | --- |
# | `x - 1` twice | once, as `%0` | equal operations on equal operands have equal results |
# | a power with 2 | a product | `x * x` has the same bits, and is one fast instruction |
# | a division by 4 | a product with 0.25 | has the same bits too, since 4 is a power of two |
#
# Why a *graph*, if it looks like a list? Because `%0` is used in two places: values are points,
# and uses are arrows.
#
# ```text
#            ┌─ multiply ── multiply 6.28… ── multiply 0.25 ─┐
# x ── subtract 1                                            add ── result
#            └─ sin ─────────────────────────────────────────┘
# ```
#
# A compiler that may change the operations has a temptation: to change the result as well. The
# rule of `cpnum` is that a rewriting keeps each bit of each result, unless you ask for
# `fastmath`.
#
# **Predict.** Which of these eight become cheaper, and which have to stay?


# %%
def body(function):
    graph = cpjit(function).lower(np.ones(4)).graph
    return [line.strip() for line in str(graph).splitlines()[1:]]


print("x * 1   ", body(lambda x: x * 1))
print("x - 0   ", body(lambda x: x - 0))
print("x + 0   ", body(lambda x: x + 0))
print("x * 0   ", body(lambda x: x * 0))
print("x / 8   ", body(lambda x: x / 8))
print("x / 10  ", body(lambda x: x / 10))
print("x ** 0.5", body(lambda x: x**0.5))
print("x ** 3  ", body(lambda x: x**3))

# %% [markdown]
# `x * 1` and `x - 0` are `x` itself, so nothing is left of them. That `x ** 0.5` is a root is
# NumPy's own rule. The ones that stay have a reason each:

# %%
print("-0.0 + 0   is", np.float64(-0.0) + 0, "  and not -0.0")
print("nan * 0    is", np.float64("nan") * 0, "  and not 0")
print("3.0 / 10   is", np.float64(3) / 10, "  3.0 * 0.1 is", np.float64(3) * 0.1)

# %% [markdown]
# `x ** 3` stays a power for the reason of the last line: `x * x * x` is rounded twice, and may
# differ in the last digit.
#
# ## One graph for each kind of argument
#
# The real tracer knows the dtype of its argument. So another dtype is another graph.
# `f.inspect_ir()` has the graphs of all calls so far.

# %%
twice = cpjit(formula)
twice(np.ones(4))
twice(np.ones((3, 5), np.float32))
twice(np.arange(4))
print("\n\n".join(twice.inspect_ir().values()))

# %% [markdown]
# NumPy converts integers before it computes a sine, and so does the graph: `cast` is the
# conversion. And the product with 2 has become a sum, which has the same bits.
#
# The later stages take the graph line by line. You know the result from the last notebooks:

# %%
print(twice.lower(np.ones(4)).instances)

# %% [markdown]
# This is the loop that you have glued by hand: the way in, pointers, the loop over whole vectors,
# the tail, the way out. Each line of the graph has become one stencil with its registers, between
# load and store: once for whole vectors, and once for the tail. In parentheses are registers that
# a stencil needs for itself.
#
# ## Your turn: a formula of your own
#
# Write a formula of one array `x`, of operators and functions such as `np.exp`. As you write it,
# it has five operations or more. Predict how many its graph has. One that uses a value twice is
# interesting.

# %% tags=["exercise"]
my_formula = ...
my_prediction = ...


# %%
@learn.check(my_formula, my_prediction)
def predicted_the_graph(function, prediction):
    "You think like the tracer, and like the rewriting behind it."
    assert callable(function), "my_formula is a function: def my_formula(x): ..."
    x = CompleteTracer("x", [])
    function(x)
    assert isinstance(prediction, int), f"my_prediction is a number, not {prediction!r}"
    assert len(x.written) >= 5, f"five operations are wanted, and it has {x.written}"
    graph = cpjit(function).lower(np.ones(4)).graph
    names = [str(node.op) for node in graph.nodes if hasattr(node, "op")]
    assert prediction == len(names), (
        f"you predict {prediction}. {len(x.written)} are asked for, and {len(names)} are left: "
        f"{', '.join(names)}. Which one is a surprise?"
    )


# %% [markdown]
# <details><summary>Answer</summary>
#
# Yours is another one, of course. In this one, six operations are asked for: `x + 1` three times,
# a power, a product and a division. The three sums are one, which leaves four.
#
# ```python
# def my_formula(x):
#     return (x + 1) ** 2 * (x + 1) / (x + 1)
#
#
# my_prediction = 4
# ```
#
# </details>
#
# ## What a tracer cannot see
#
# The function runs once, and what Python does meanwhile is not in the graph.
#
# **Predict.** How often does this print, and what becomes of the `for`?


# %%
@cpjit
def polynomial(x):
    print("Python is here")
    value = 0.5
    for coefficient in 3.0, 2.0, 1.0:
        value = value * x + coefficient
    return value


for _ in range(3):
    polynomial(np.ones(4))
print(*polynomial.inspect_ir().values())

# %% [markdown]
# Three calls, and Python ran the function in the first one only. The loop is gone: the tracer met
# its six operations one after the other.
#
# So a loop of Python is fine, if it does not depend on the numbers in the array. Now for a
# decision that does.
#
# **Predict.** Say that half of the numbers in `x` are negative. What does *your* tracer write
# down?


# %%
def leaky(x):
    if x > 0:
        return x
    return 0.1 * x


x = CompleteTracer("x", [])
print("returns", leaky(x).name, "after", x.written)

# %% [markdown]
# It took the first way, without a word. To Python any object is true that does not say otherwise,
# and the tracer of a comparison is an object. Code from this list returns negative numbers as
# they are. That is the worst kind of mistake: a result that looks like one.
#
# The real tracer has a method `__bool__`, which Python calls for an `if`. For an array it refuses:

# %% tags=["raises-exception"]
cpjit(leaky)(np.linspace(-1, 1, 4))

# %% [markdown]
# `x > 0` is not one answer, but one for each element (`b[4]` is an array of 4 booleans), and none
# of them is known while the function is traced. A number that is an argument is known: there
# `__bool__` answers, and `cpnum` writes the answer down as a *guard*. A call with another answer is
# traced once more.
#
# ## Constants from outside
#
# A function may read a variable that is no argument of it. The tracer meets a number, and the
# number goes into the graph as a constant.
#
# **Predict.** What does the second call return, after `factor` has changed?

# %%
factor = 2.5


@cpjit
def scaled(x):
    print("Python is here, and factor is", factor)
    return x * factor


print(scaled(np.ones(2)))
factor = 3.5
print(scaled(np.ones(2)))

# %% [markdown]
# The right result: `cpnum` remembers which outside variables a function has read, and traces it
# anew when one has changed. Not every tracing compiler does so; some go on with the old number.
# If a number changes often, make it an argument. Then one graph serves all its values:

# %%
print(cpjit(lambda x, factor: x * factor).lower(np.ones(2), 2.5).graph)

# %% [markdown]
# Of a small array from outside, `cpnum` compares all numbers at each call. A large one is refused:
# its numbers may change at any time, and to look at all of them would take longer than to compute.

# %% tags=["raises-exception"]
weights = np.arange(1000.0)
cpjit(lambda x: x * weights)(np.ones(1000))

# %% [markdown]
# ## Your turn: without `if`
#
# Write `leaky` for whole arrays, so that it can be traced: positive numbers as they are, all
# others times 0.1. The error above says how. Three operations are enough, and two are possible.

# %% tags=["exercise"]
leaky_array = ...


# %%
@learn.check(leaky_array)
def chooses_without_if(function):
    "Both ways are computed, and each element takes the one that is its own."
    assert callable(function), "a function is wanted: def leaky_array(x): ..."
    x = np.array([-3.0, -1.0, -0.0, 2.0, 5.0])
    compiled = cpjit(function)
    names = [str(node.op) for node in compiled.lower(x).graph.nodes if hasattr(node, "op")]
    result = compiled(x)
    wanted = np.array([leaky(number) for number in x])
    assert np.array_equal(result, wanted), f"of {x} it makes {result}, not {wanted}"
    assert len(names) <= 3, f"it is right, and takes {len(names)} operations: {', '.join(names)}"


# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# def leaky_array(x):
#     return np.where(x > 0, x, 0.1 * x)
# ```
#
# With two operations: `np.maximum(x, 0.1 * x)`. Of a negative number, a tenth is the larger one.
#
# </details>
#
# ## What you know now
#
# * A tracer runs a function once, on objects that write down what is asked of them. The list is
#   the graph.
# * Rewriting makes the graph shorter, and keeps every bit.
# * What Python decides while it runs is decided for good: loops are unrolled, and an `if` on an
#   array cannot be traced.
#
# All operations of a graph go into one loop. That is why compiled code is fast, more than because
# of any single instruction: [08 · Why fusing helps](08-why-fusing-helps.ipynb).
