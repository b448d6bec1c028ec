"""Stencils, and the packs that they are read from; `python -m cpnum.pack` lists and shows them."""
