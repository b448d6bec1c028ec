"""For notebooks that teach: checks of a reader's answers, and cells that need a package."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

from cpnum.errors import CpnumError

Check = Callable[..., object]


def check(*answers: Any) -> Callable[[Check], Check]:
    """Return a decorator that calls a function with a reader's answers, and prints what it found.

    The function asserts what a right answer has, and its messages say what is missing.  Its
    docstring is printed when all is right.  An answer that is still `...` is yet to be given.

    >>> @check(41)
    ... def is_42(number):
    ...     "It is the answer."
    ...     assert number == 42, f"{number} is not 42: look at byte 1"
    Not yet: 41 is not 42: look at byte 1
    >>> _ = check(42)(is_42)
    Right. It is the answer.
    >>> _ = check(...)(is_42)
    Your turn: write your answer in place of the ... above, run it, then run this cell again.
    """

    def decorate(function: Check) -> Check:
        print(_verdict(function, answers))
        return function

    return decorate


def _verdict(function: Check, answers: tuple[Any, ...]) -> str:
    if any(each is ... for each in answers):
        return (
            "Your turn: write your answer in place of the ... above, run it, "
            "then run this cell again."
        )
    try:
        function(*answers)
    except (AssertionError, CpnumError) as error:
        return f"Not yet: {error}"
    except Exception as error:  # an answer may be anything
        return f"Not yet: {type(error).__name__}: {error}"
    return f"Right. {function.__doc__ or ''}".rstrip()


def needs(line: str, cell: str) -> None:
    """Run a cell if the packages that the line names are installed, else say what to install.

    It is the magic %%needs of `%load_ext cpnum.learn`:

        %%needs ziglang elftools
        stencil = learn.stencil("OP(cube, T_T, FLOAT(a * a * a))", "cube_f64")
    """
    from IPython import get_ipython

    missing = [name for name in line.split() if importlib.util.find_spec(name) is None]
    if missing:
        names = " ".join(dict.fromkeys(_DISTRIBUTIONS.get(name, name) for name in missing))
        print(f"This cell was left out. It needs: pip install {names}")
        return
    shell: Any = get_ipython()
    shell.run_cell(cell)


# Packages that are installed by another name than they are imported by.
_DISTRIBUTIONS = {"ziglang": '"cpnum[learn]"', "elftools": '"cpnum[learn]"'}
