"""Texts that are compared with files in tests/golden.

A file has one text, or messages, each below its name in brackets.
`CPNUM_UPDATE_GOLDEN=1 python -m pytest tests` writes the files anew; look at the difference.
"""

import os
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("golden")
UPDATE = bool(os.environ.get("CPNUM_UPDATE_GOLDEN"))


def stored(file):
    """Return the text of a file."""
    path = FOLDER / file
    if not path.exists():
        pytest.fail(f"no {file} in tests/golden: run the test with CPNUM_UPDATE_GOLDEN=1")
    return path.read_text(encoding="utf-8")


def store(file, text):
    path = FOLDER / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def compare(file, text):
    """The text is that of the file."""
    if UPDATE:
        store(file, text)
    assert stored(file).splitlines() == text.splitlines()


def compare_files(folder, names):
    """A folder has the files of these names, and no others."""
    found = {path.name for path in (FOLDER / folder).iterdir()}
    if UPDATE:
        for name in found - set(names):
            (FOLDER / folder / name).unlink()
        found &= set(names)
    assert found == set(names)


def messages(file):
    """Return the messages of a file by their names."""
    _, *parts = re.split(r"^\[(\w+)\]\n", stored(file), flags=re.M)
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def store_messages(file, found):
    store(file, "\n".join(f"[{name}]\n{found[name]}\n" for name in sorted(found)))


def compare_message(file, name, text):
    """The text is the message of that name in the file."""
    if UPDATE:
        known = messages(file) if (FOLDER / file).exists() else {}
        store_messages(file, {**known, name: text})
    assert messages(file).get(name) == text


def compare_names(file, names):
    """A file has messages of these names, and no others."""
    if UPDATE:
        known = messages(file)
        store_messages(file, {name: known[name] for name in names if name in known})
    assert set(messages(file)) == set(names)
