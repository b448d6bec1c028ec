"""The command line: `python -m cpnum demo` and `python -m cpnum status`."""

from __future__ import annotations

import argparse

from cpnum.command import run
from cpnum.show.status import status


def _demo() -> None:
    from cpnum import demo  # here: its import raises IsaError if CPNUM_ISA is wrong

    demo.main()


def main() -> int:
    """Run the command that is given; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m cpnum", description=__doc__)
    commands = parser.add_subparsers(required=True)
    each = commands.add_parser("status", help="what cpnum runs on here, and why")
    each.set_defaults(run=lambda: print(status()))
    each = commands.add_parser("demo", help="all distances between 3,376 airports, compiled")
    each.set_defaults(run=_demo)
    return run(parser.parse_args().run)


if __name__ == "__main__":
    raise SystemExit(main())
