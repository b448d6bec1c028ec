"""The command line: `python -m cpnum demo` and `python -m cpnum status`."""

from __future__ import annotations

import argparse
import sys

from cpnum import CpnumError, status


def main() -> int:
    """Run the command that the arguments name; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m cpnum", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("status", help="what cpnum runs on here, and why")
    commands.add_parser("demo", help="all distances between 3,376 airports, compiled")
    if parser.parse_args().command == "status":
        print(status())
        return 0
    try:
        from cpnum import demo

        return demo.main()
    except CpnumError as error:  # CPNUM_ISA asks for what there is not
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
