"""The cell magic %%cpjit, which compiles the functions of a cell."""
