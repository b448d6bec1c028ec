"""Compiled functions in other processes: by name, or by value for cloudpickle.

Functions of scripts and notebooks have no name in other processes, so cloudpickle sends them by
value. It knows only Python's functions, and asks other objects as pickle does.
"""

from __future__ import annotations

import operator
import sys
from types import FrameType
from typing import Any


def name_to_send(function: Any, caller: FrameType) -> str | None:
    """Return the name that stands for a function in a pickle, None if its value does.

    `caller` is the frame that asks for it, in which pickle keeps the pickler.
    """
    name: str = getattr(function, "__qualname__", function.__name__)
    module: str = function.__module__
    try:
        found = operator.attrgetter(name)(sys.modules[module])
    except (AttributeError, KeyError):
        return None
    if found is not function or _takes_value(caller.f_locals.get("self"), module):
        return None
    return name


def _takes_value(pickler: object, module: str) -> bool:
    """Tell whether a pickler is a cloudpickle that sends functions of a module by value."""
    for each in type(pickler).__mro__:
        # Libraries have copies of it, such as joblib.externals.cloudpickle.
        package, found, _ = f"{each.__module__}.".partition("cloudpickle.")
        if found:
            copy = sys.modules.get(package + "cloudpickle")
            registered: set[str] = getattr(copy, "list_registry_pickle_by_value", set)()
            parents = module.split(".")
            names = {".".join(parents[: count + 1]) for count in range(len(parents))}
            return module == "__main__" or not names.isdisjoint(registered)
    return False
