"""Facts without code: dtypes, operators, ISA levels, the argument block, the names of stencils."""
