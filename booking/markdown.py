"""A safe subset of Markdown for what hosts write: CommonMark without HTML, pictures, code, quotes and rules.

What remains are paragraphs, line breaks, emphasis, lists, headings and links. Whatever else a text contains is
shown as it was typed, so nothing is lost and nothing becomes markup.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

LONGEST_MARKDOWN = 20_000
"""Characters that are read of one text. Doors refuse longer ones; whatever got past them is cut here."""

_RULES = ("emphasis", "escape", "newline", "link", "autolink", "heading", "list")
_HEADINGS = {"h1": "h3"}
"""Pages have their own h1 and h2; everything below the first level becomes h4."""
_MAIL = re.compile(r"mailto:[^\s@?&#<>\"']+@[^\s@?&#<>\"']+", re.IGNORECASE)


class _Subset(MarkdownIt):
    def __init__(self) -> None:
        super().__init__("zero", {"html": False, "breaks": True})
        self.enable(list(_RULES))

    def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
        """Whether a link may be one; otherwise it stays the text it was."""
        return is_safe_link(url)


def render_markdown(text: str) -> Markup:
    """A text as HTML that is safe wherever paragraphs may stand: `p br em strong ul ol li h3 h4 a` and nothing else."""
    parser = _parser()
    tokens = parser.parse(_cleaned(text))
    for token in _walk(tokens):
        if token.type in {"heading_open", "heading_close"}:
            token.tag = _HEADINGS.get(token.tag, "h4")
        elif token.type == "link_open":
            token.attrs = {"href": token.attrs["href"], "rel": "nofollow noopener"}
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - the parser escapes all text


def plain_text(text: str) -> str:
    """The words of a text without its marks, one line for each paragraph, heading, list item and line break."""
    blocks = (token.children or [] for token in _parser().parse(_cleaned(text)) if token.type == "inline")
    lines = "\n".join("".join("\n" if "break" in t.type else t.content for t in children) for children in blocks)
    return "\n".join(line.strip() for line in lines.splitlines() if line.strip())


def is_safe_link(url: str) -> bool:
    """Whether an address may be linked to: http or https with a host and no user name, or a bare mailto."""
    try:
        parts = urlsplit(url)
        secure = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False
    return secure or bool(_MAIL.fullmatch(url))


@lru_cache(maxsize=1)
def _parser() -> _Subset:
    return _Subset()


def _cleaned(text: str) -> str:
    """Without control characters, lone surrogates and the signs that turn the direction of text round."""
    lines = text[:LONGEST_MARKDOWN].replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(sign for sign in lines if sign == "\n" or not _is_hidden(sign))


def _is_hidden(sign: str) -> bool:
    return unicodedata.category(sign) in {"Cc", "Cs"} or "\u202a" <= sign <= "\u202e" or "\u2066" <= sign <= "\u2069"


def _walk(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()
