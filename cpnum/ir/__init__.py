"""Nodes and graphs of a function, rewritten exactly, and evaluated by NumPy."""
