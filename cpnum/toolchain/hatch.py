"""The build hook: hatchling builds the packs before it makes a wheel or an editable install."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PackHook(BuildHookInterface):  # type: ignore[type-arg] # is a class of BuilderConfig at run time
    """Builds the packs that are missing or out of date, into the package."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build; `version` is "standard" or "editable", and both need the packs."""
        # hatchling loads this file by its path: this checkout is not installed, and another may be.
        sys.path.insert(0, self.root)
        try:
            from cpnum.pack.stencil import PACKS
            from cpnum.toolchain.build import build

            packs = build(Path(self.root, "stencils"), Path(PACKS))
        finally:
            sys.path.remove(self.root)
        for path in packs:
            self.app.display_info(f"{path.name}: {path.stat().st_size} bytes")
        if version == "standard":
            # For stencils that readers make of C; an editable install finds them in the checkout.
            sources = Path(self.root, "stencils")
            for path in sorted(sources.rglob("*.h")):
                target = Path("cpnum", "stencils", path.relative_to(sources))
                build_data["force_include"][str(path)] = str(target)
