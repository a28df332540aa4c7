"""Every message of the house: where it is written, its English, and whether a page shows it in French."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

from babel.messages.catalog import Message as Entry
from babel.messages.extract import extract
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from booking.config import ROOT

MessageId = str | tuple[str, str]
CODE = sorted((ROOT / "booking").rglob("*.py"))
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in {".html", ".txt"})
ENGLISH = sorted((ROOT / "booking" / "translations" / "en").glob("*.po"))
IN_CODE = {"_": (0,), "gettext": (0,), "translate": (1,), "say": (1,), "ngettext": (0, 1), "translate_plural": (1, 2)}
"""The functions that take messages, and which of their arguments are messages."""
IN_TEMPLATES = {"_": None, "gettext": None, "ngettext": (1, 2)}
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")


class Written(NamedTuple):
    """One translation, and the file it stands in."""

    file: str
    entry: Entry


def forms(message: MessageId | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """A message as its forms: one, or a singular and a plural."""
    return (message,) if isinstance(message, str) else tuple(message)


def placeholders(text: str) -> Counter[str]:
    return Counter(PLACEHOLDER.findall(text))


@lru_cache(maxsize=1)
def calls() -> tuple[tuple[str, str, ast.Call], ...]:
    """Every call in the code: where it stands, the name of what is called, and the call."""
    return tuple(_calls())


def _calls() -> Iterator[tuple[str, str, ast.Call]]:
    for path in CODE:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                yield f"{path.relative_to(ROOT)}:{node.lineno}", name, node


def calls_of(name: str) -> Iterator[tuple[str, ast.Call]]:
    """The calls of one name, and where they stand."""
    return ((where, call) for where, called, call in calls() if called == name)


def messages_of_code() -> Iterator[tuple[str, MessageId]]:
    for where, name, call in calls():
        wanted = IN_CODE.get(name, ())
        found = [arg.value for n, arg in enumerate(call.args) if n in wanted and isinstance(arg, ast.Constant)]
        if found and len(found) == len(wanted):
            yield where, found[0] if len(found) == 1 else (found[0], found[1])


def messages_of_templates() -> Iterator[tuple[str, MessageId]]:
    options = {"encoding": "utf-8", "silent": "false"}
    for path in TEMPLATES:
        with path.open("rb") as source:
            for line, message, _, _ in extract(babel_extract, source, keywords=IN_TEMPLATES, options=options):
                yield f"{path.relative_to(ROOT)}:{line}", message if isinstance(message, str) else (message[0], message[1])


@lru_cache(maxsize=1)
def messages() -> dict[MessageId, str]:
    """Every message of the house, and one place where it is written."""
    return {message: where for where, message in (*messages_of_code(), *messages_of_templates())}


def entries_of(path: Path) -> list[Entry]:
    with path.open("rb") as source:
        return [entry for entry in read_po(source, locale="en") if entry.id]


@lru_cache(maxsize=1)
def translations() -> dict[MessageId, list[Written]]:
    """What stands in the English files, by message."""
    found: dict[MessageId, list[Written]] = {}
    for path in ENGLISH:
        for entry in entries_of(path):
            found.setdefault(entry.id, []).append(Written(path.name, entry))
    return found


class Shown(HTMLParser):
    """What people and screen readers get from a page, without what is marked as French: titles, summaries, names."""

    EMPTY = frozenset({"meta", "link", "img", "input", "br", "rect", "path", "circle"})
    SAID = re.compile(r"alt|title|placeholder|content|aria-label|data-.*")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.nodes: list[str] = []
        self.hidden: list[bool] = [False]
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        hidden = self.hidden[-1] or tag in {"script", "style"} or (dict(attrs).get("lang") == "fr" and tag != "html")
        if not hidden:
            self.parts += [value for name, value in attrs if value and self.SAID.fullmatch(name)]
        if tag not in self.EMPTY:
            self.hidden.append(hidden)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.EMPTY:
            self.hidden.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.EMPTY:
            self.hidden.pop()

    def handle_data(self, data: str) -> None:
        if not self.hidden[-1]:
            self.parts.append(data)
            self.nodes.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.parts).split())


@lru_cache(maxsize=4096)
def as_pattern(message: str) -> re.Pattern[str]:
    """Finds a message as whole words in a text, whatever stands for its placeholders."""
    literal = [re.escape(part.replace("%%", "%")) for part in re.split(r"%\(\w+\)s", message)]
    return re.compile(r"(?<!\w)" + r".{1,80}?".join(literal) + r"(?!\w)")


@lru_cache(maxsize=4096)
def longest_words(message: str) -> str:
    """The longest part of a message between two placeholders: where it does not stand, the message does not."""
    return max((part.replace("%%", "%") for part in re.split(r"%\(\w+\)s", message)), key=len)


def stands_in(message: str, text: str) -> str | None:
    """How a message stands in a text, or None. Plain words are sought first: that is quick, and most are not there."""
    if longest_words(message) not in text:
        return None
    found = as_pattern(message).search(text)
    return found[0] if found else None


@lru_cache(maxsize=1)
def french_only() -> tuple[str, ...]:
    """The French sentences that no English one contains (« 3e » stands in "3e (Year 10)"); those without a word aside."""
    english = "\n".join(text for found in translations().values() for _, entry in found for text in forms(entry.string))
    french = {text for message in messages() for text in forms(message) if re.search(r"[^\W\d_]", PLACEHOLDER.sub("", text))}
    return tuple(text for text in sorted(french) if stands_in(text, english) is None)
