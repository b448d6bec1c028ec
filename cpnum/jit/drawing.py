"""Random numbers: a function that draws some is refused, since a trace draws them once for all.

Python and NumPy each have a generator that all of a program shares.  Their states are compared
before and after a trace, if the function has a name by which numbers are drawn.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import CodeType
from typing import Any

from cpnum.errors import UnsupportedError

# The names by which numbers are drawn; those of a module, as in np.random.power, are not needed.
NAMES = frozenset(
    """
    random random_sample random_integers ranf rand randn randint randrange getrandbits randbytes
    choice choices shuffle permutation uniform triangular normal gauss normalvariate lognormal
    lognormvariate standard_normal standard_exponential standard_gamma standard_t standard_cauchy
    expovariate exponential vonmises vonmisesvariate gammavariate betavariate pareto paretovariate
    weibull weibullvariate binomial binomialvariate poisson chisquare dirichlet geometric gumbel
    hypergeometric laplace logistic logseries multinomial multivariate_normal negative_binomial
    noncentral_chisquare noncentral_f rayleigh wald zipf
    """.split()
)


def may_draw(codes: Iterable[CodeType]) -> bool:
    """Tell whether code, or code inside of it, has a name by which random numbers are drawn.

    >>> may_draw([(lambda: np.random.rand(3)).__code__]), may_draw([(lambda x: x + 1).__code__])
    (True, False)
    """
    pending = list(codes)
    while pending:
        code = pending.pop()
        if not NAMES.isdisjoint(code.co_names):
            return True
        pending += [each for each in code.co_consts if isinstance(each, CodeType)]
    return False


class Generators:
    """The states of the shared generators at one moment."""

    def __init__(self) -> None:
        # Only functions that may draw pay for these modules.
        import random

        from numpy.random import mtrand

        self._python, self._numpy = random, mtrand
        self._states = self._now()

    def _now(self) -> tuple[Any, Any]:
        return self._python.getstate(), self._numpy.get_state(legacy=False)

    def refuse_draws(self, name: str) -> None:
        """Refuse the function of this name if it has drawn since; take back what it drew."""
        (python, numpy), (now, numpy_now) = self._states, self._now()
        # The state of NumPy's has arrays, which compare by element.
        if python == now and repr(_plain(numpy)) == repr(_plain(numpy_now)):
            return
        self._python.setstate(python)
        self._numpy.set_state(numpy)
        library = "NumPy" if python == now else "Python"
        raise UnsupportedError(
            f"{name} draws random numbers, which would be the same at each call",
            seen=f"another state of the generator of {library} after it",
            write="the numbers as an argument",
        )


def _plain(state: Any) -> Any:
    """Return a state with bytes for its arrays."""
    if isinstance(state, dict):
        return {name: _plain(each) for name, each in state.items()}
    return state.tobytes() if hasattr(state, "tobytes") else state
