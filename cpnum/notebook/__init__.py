"""The cell magic %%cpjit."""
