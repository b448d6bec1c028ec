"""Builds stencil packs: C, assembly text with renamed registers, ELF, stencils.

    stencils/*.c --compile--> assembly --rename--> variants --assemble--> ELF --extract--> pack

`python -m cpnum.pack build` runs it; nothing here is imported when functions are compiled.
"""
