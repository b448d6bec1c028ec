"""For looking and learning: run raw bytes, glue stencils by hand, make stencils of C.

`%load_ext cpnum.learn` adds the magic %%needs, which the notebooks of the course use.

>>> from cpnum import learn
>>> pack = learn.pack("x86-64-v3")
>>> print(learn.glue([learn.instance(pack["sqrt_f64"], 0, 3)]))
Code ([ ] a patched value, ( ) bits of register numbers)
  offset  bytes               assembly            holes
  0x0000  r3 = sqrt_f64 r0
  0x0000  c4 (e1) 7d 51 (d8)  vsqrtpd ymm3, ymm0
"""

from typing import Any

from cpnum.learn.compiling import from_object, stencil
from cpnum.learn.gluing import Glued, glue, instance, pack
from cpnum.learn.lessons import check, needs
from cpnum.learn.reading import listing
from cpnum.learn.running import run

__all__ = ["Glued", "check", "from_object", "glue", "instance", "listing", "pack", "run", "stencil"]


def load_ipython_extension(shell: Any) -> None:
    """Register %%needs; IPython calls this at `%load_ext cpnum.learn`."""
    shell.register_magic_function(needs, "cell")
