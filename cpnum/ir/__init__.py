"""What a function computes: nodes and graphs, rewritten exactly, and evaluated by NumPy."""
