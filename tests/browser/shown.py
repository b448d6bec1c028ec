"""A report in a page, and what is measured there by `page.js`."""

from __future__ import annotations

import html.parser
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import ElementHandle

_FUNCTIONS = (Path(__file__).parent / "page.js").read_text(encoding="utf-8")

# A patched value among the bytes of an instruction: [STEP 08 00 00 00], [x.data: .. .. .. ..].
_LABEL = re.compile(r"\[([A-Za-z_][^][]*?):? (?:(?:[0-9a-f]{2}|\.\.) ?)+\]")


def measure(element: ElementHandle, name: str, argument: Any = None) -> Any:
    """Call a function of `page.js` with an element of a page."""
    call = f"(root, argument) => {{ {_FUNCTIONS}\nreturn {name}(root, argument); }}"
    return element.evaluate(call, argument)


class Shown:
    """A report: its element in the page, and the HTML that the host was given."""

    def __init__(self, element: ElementHandle, html: str) -> None:
        self.element = element
        self.html = html

    def measure(self, name: str, argument: Any = None) -> Any:
        """Call a function of `page.js` with the element of this report."""
        return measure(self.element, name, argument)

    @property
    def text(self) -> str:
        """What is seen, without white space."""
        return squeezed(self.measure("seenText"))


def squeezed(text: str) -> str:
    """Return text without white space."""
    return re.sub(r"\s", "", text)


def labels(text: str) -> list[str]:
    """Return the names of the holes in code.

    >>> labels("0f 8e [HEAD c5 ff ff ff] (01) [x.data: .. ..] [ ] [no label]")
    ['HEAD', 'x.data']
    """
    return _LABEL.findall(text)


class Source(html.parser.HTMLParser):
    """The text of a report's HTML, in the pieces that stand between tags and ends of lines.

    >>> source = Source("<div><style>b {}</style><b>a b</b> &lt; <pre>one\\n  two</pre></div>")
    >>> source.pieces, source.text
    (['a b', ' < ', 'one', '  two'], 'a b < one  two')
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._in_style = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Begin a style sheet."""
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        """End a style sheet."""
        self._in_style = False

    def handle_data(self, data: str) -> None:
        """Keep what is text."""
        if not self._in_style:
            self.pieces.extend(filter(None, data.split("\n")))

    @property
    def text(self) -> str:
        """All of the text."""
        return "".join(self.pieces)
