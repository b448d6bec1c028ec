"""Stencils and packs; `python -m cpnum.pack` lists and shows the stencils of a pack."""
