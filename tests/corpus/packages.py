"""The packages of the corpus, and what of them is tried."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .arguments import Kind, Rotation, Values, points, vector
from .trying import Function


@dataclass(frozen=True)
class Package:
    """A package: the roots of its modules, what names of parameters mean in it."""

    name: str
    modules: tuple[str, ...]
    patterns: tuple[tuple[str, Kind], ...] = field(default=())


# Functions that need files, the network or a screen, or that set what others read.
_LEFT_OUT = re.compile(
    r"(test|plot|load|read|save|write|export|download|get_|fetch|show|print|register|set_|warn|"
    r"message|describe|parse|open|retrieve|configure|deprecat|filter_warnings|clear_).*"
)
_MODULES_LEFT_OUT = re.compile(
    r".*\b(tests?|plotting|plot|io|iotools|conftest|examples|data|datasets|utilities\.(verbose|"
    r"requirements|deprecation|common|network)|graph|__main__|_version|recovery|iokit|geometry|tabular)\b.*"
)

# fmt: off
PACKAGES = (
    Package("colour", (
        "colour.adaptation", "colour.algebra", "colour.appearance", "colour.blindness",
        "colour.colorimetry", "colour.contrast", "colour.difference", "colour.models",
        "colour.notation", "colour.phenomena", "colour.temperature", "colour.utilities.array",
    )),
    Package("colorspacious", ("colorspacious",)),
    Package("hydroeval", ("hydroeval",)),
    Package("lmfit", ("lmfit.lineshapes",), ((r"x", Values(0.2, 9.0)),)),
    Package("navpy", ("navpy",), (
        (r"p0|q0", Values(-1.0, 1.0)),
        (r"pvec|qvec|w|ecef|ned|e", points(3, 0.1, 0.9)),
        (r"C", Rotation()),
    )),
    Package("numpy_financial", ("numpy_financial",)),
    Package("nvector", ("nvector",), (
        (r"n_E\w*|p_[AE]B_[EN]|nvectors|vector|a|b|path", Values(-1.0, 1.0, (3, 16))),
        (r"R_\w+", Rotation()),
    )),
    Package("pvlib", ("pvlib",)),
    Package("pymap3d", ("pymap3d",)),
    Package("refet", ("refet",)),
    Package("seawater", ("seawater",)),
    Package("skfuzzy", ("skfuzzy",), (
        (r"a|b|c|d|abcd?|efg|mean\d?|sigma\d?", Values(0.1, 0.9)),
        (r"interval\d?", vector(2, 0.1, 0.9)),
    )),
    Package("skyfield", ("skyfield",), (
        (r"M\d?|R", Values(-1.0, 1.0, (3, 3))),
        (r"v|u|xyz\w*|position\w*|velocity|pos_vec|vel_vec|\w_vec|rITRF|line_\w+|center|\w*_vector|\w*_au",
         Values(-1.0, 1.0, (3, 16))),
        (r"t|T", Values(-0.3, 0.3)),
    )),
    Package("thermofeel", ("thermofeel",)),
    Package("transforms3d", ("transforms3d",), (
        (r"q\d?|quat\d?|quaternion\d?", vector(4)),
        (r"M\d?|mat|matrix\d?|R|A", Rotation()),
        (r"v\d?|vec|vector|axis|direction|normal|point|xyz|T|Z|S|lengths|center|angles", vector(3)),
    )),
)
# fmt: on


@dataclass(frozen=True)
class Case:
    """A function of the corpus, with what the names of its parameters mean."""

    name: str
    function: Function
    patterns: tuple[tuple[str, Kind], ...] = ()


def _modules(root: str) -> Iterator[str]:
    yield root
    for each in pkgutil.walk_packages(
        getattr(importlib.import_module(root), "__path__", []), f"{root}."
    ):
        yield each.name


def cases_of(package: Package) -> Iterator[Case]:
    """Yield the public functions that are defined in the modules of a package."""
    for root in package.modules:
        for name in _modules(root):
            if _MODULES_LEFT_OUT.fullmatch(name):
                continue
            try:
                module = importlib.import_module(name)
            except ImportError:  # an extra of the package that is not installed
                continue
            for key, value in sorted(vars(module).items()):
                if (
                    inspect.isfunction(value)
                    and value.__module__ == name
                    and not key.startswith("_")
                    and not _LEFT_OUT.fullmatch(key)
                ):
                    yield Case(f"{name}.{key}", value, package.patterns)
