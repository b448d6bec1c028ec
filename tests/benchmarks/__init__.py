"""The figures that cpnum is held to, measured beside its peers: `python -m tests.benchmarks`.

Times are medians of interleaved samples, printed as ratios as well; no test asserts one.
"""
