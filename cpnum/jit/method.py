"""A compiled function as a method."""

from __future__ import annotations

import functools
from types import MethodType
from typing import Any


class Method(functools.partial[Any]):
    """A compiled function and the object that is the first argument of its calls."""

    @property
    def py_func(self) -> MethodType:
        """The method as written."""
        return MethodType(self.func.py_func, *self.args)  # type: ignore[attr-defined]

    __wrapped__ = py_func

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """The class of methods: `inspect.ismethod` and joblib.Memory know these only."""
        return MethodType

    @property
    def __self__(self) -> object:
        return self.args[0]

    @property
    def __func__(self) -> object:
        return self.func

    def __eq__(self, other: object) -> bool:
        if type(other) is not Method:
            return NotImplemented
        return self.func is other.func and self.__self__ is other.__self__

    def __hash__(self) -> int:
        return hash((self.func, id(self.__self__)))

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        return self.py_func.__doc__

    def lower(self, /, *arguments: Any, **keywords: Any) -> Any:
        """Return the kernel for these arguments, as `Jit.lower`."""
        __tracebackhide__ = True
        return self.func.lower(*self.args, *arguments, **keywords)  # type: ignore[attr-defined]

    def bind(self, /, *arguments: Any, **keywords: Any) -> Any:
        """Return a bound call, as `Jit.bind`."""
        __tracebackhide__ = True
        return self.func.bind(*self.args, *arguments, **keywords)  # type: ignore[attr-defined]

    def explain(self, /, *arguments: Any, **keywords: Any) -> Any:
        """Return a report, as `Jit.explain`."""
        __tracebackhide__ = True
        return self.func.explain(*self.args, *arguments, **keywords)  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.func, name)

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Pickle by object and name, as Python's methods, if these lead back to this method.

        The function of a class method has no other name: its own leads to the method of the class.
        """
        if getattr(self.__self__, self.__name__, None) == self:
            return getattr, (self.__self__, self.__name__)
        return super().__reduce__()

    def __repr__(self) -> str:
        return f"<cpjit method {self.__name__} of {self.args[0]!r}>"
