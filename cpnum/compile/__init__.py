"""Graph to Code: loops, stencils, registers, bytes; each stage is a value that prints itself."""
