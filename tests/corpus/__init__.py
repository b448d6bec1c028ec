"""Real functions of other packages, compared with NumPy under `@cpjit`: `python -m tests.corpus`.

A function is tried if plain NumPy runs it on arguments that are made from the names of its
parameters.  It runs, it is refused for a reason, or it differs, which is a bug.
"""
