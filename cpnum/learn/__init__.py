"""For looking and learning: run raw bytes, glue stencils by hand, make stencils of C.

>>> from cpnum import learn
>>> from cpnum.pack.stencil import load
>>> print(learn.glue([learn.instance(load("x86-64-v3")["sqrt_f64"], 0, 3)]))
Code ([ ] a patched value, ( ) bits of register numbers)
  offset  bytes               assembly            holes
  0x0000  r3 = sqrt_f64 r0
  0x0000  c4 (e1) 7d 51 (d8)  vsqrtpd ymm3, ymm0
"""

from cpnum.learn.compiling import stencil
from cpnum.learn.gluing import Glued, glue, instance
from cpnum.learn.running import run

__all__ = ["Glued", "glue", "instance", "run", "stencil"]
