"""Builds stencil packs: C, assembly text with renamed registers, ELF, stencils.

    stencils/*.c --compile--> assembly --rename--> variants --assemble--> ELF --extract--> pack

`python -m cpnum.pack` builds, lists and shows them.  Nothing here is imported at run time.
"""
