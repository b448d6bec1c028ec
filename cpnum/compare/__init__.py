"""Compares compiled functions with NumPy, numexpr and Numba: results, times, plots."""
