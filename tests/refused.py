"""What an error of cpnum that refuses something has."""

import linecache
import re
from pathlib import Path

import goldens

from cpnum import CpnumError


def assert_refused(file, name, kind, error):
    """The error has its class, the line at fault, and the text that is stored for the test file."""
    assert type(error) is kind
    assert isinstance(error, CpnumError)
    assert error.where is not None, str(error)
    assert error.seen is not None, str(error)
    assert error.write is not None, str(error)
    place = re.fullmatch(rf"{re.escape(Path(file).name)}, line (\d+):  (.*)", error.where)
    assert place, error.where
    line = linecache.getline(file, int(place[1])).strip()
    assert line == place[2]
    assert line.endswith("# here"), line
    assert error.__suppress_context__ or error.__context__ is None
    text = str(error).replace(error.where, f"FILE, line ...:  {line}")
    goldens.compare_message(f"{Path(file).stem.removeprefix('test_')}.txt", name, text)
