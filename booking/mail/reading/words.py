"""Bytes and texts of strangers made harmless. Every function takes anything, and time that grows with its size alone."""

from __future__ import annotations

import codecs
import html
import re
import unicodedata
from email.errors import HeaderParseError
from email.header import decode_header

_CHARSETS = (
    "utf", "ascii", "iso8859", "iso2022", "cp", "koi8", "mac", "gb", "big5", "shift_jis", "euc_", "hz", "johab", "tis_620",
)  # fmt: skip
"""Python knows others that are no charsets, or take a time that grows with the square (punycode)."""
_LONGEST_HEADER = 2000
_LONGEST_HTML = 200_000
_TAG = re.compile(r"<(/?)([a-z!?][a-z0-9]{0,20})?[^<>]{0,4000}>", re.IGNORECASE)
_HIDDEN = re.compile(r"<!--|<(style|script|title)(?=[\s/>])", re.IGNORECASE)
_ENDS = {name: re.compile(f"</{name}[^<>]{{0,100}}>?", re.IGNORECASE) for name in ("style", "script", "title")} | {
    "!--": re.compile("-->")
}
_BREAKS = re.compile(r"address|article|blockquote|br|div|d[dlt]|h[1-6r]|li|ol|p|pre|section|table|tr|ul", re.IGNORECASE)
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\n\s*\n")


def decoded(content: bytes, charset: str = "") -> str:
    """Text of some charset: the one that is named, else UTF-8, else the one that takes every byte."""
    for name in (charset, "utf-8"):
        if name and _is_charset(name):
            try:
                return content.decode(name).removeprefix("\ufeff")
            except (UnicodeError, ValueError):
                continue
    return content.decode("cp1252", "replace")


def _is_charset(name: str) -> bool:
    try:
        return codecs.lookup(name.strip("\"' ")).name.replace("-", "").startswith(_CHARSETS)
    except (LookupError, ValueError, UnicodeError):
        return False


def decoded_header(value: str) -> str:
    """A header's encoded words (RFC 2047) as one line of text."""
    value = value[:_LONGEST_HEADER]
    if "=?" not in value:
        return one_line(value)
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError, LookupError):
        return one_line(value)
    return one_line("".join(piece if isinstance(piece, str) else decoded(piece, charset or "") for piece, charset in pieces))


def one_line(value: str, longest: int = _LONGEST_HEADER) -> str:
    """Text without control characters or line ends, cut."""
    return " ".join(_without_controls(value[: 4 * longest]).split())[:longest].strip()


def some_lines(value: str, longest: int) -> str:
    """Text whose only control characters are line ends, at most one empty line at a time, cut."""
    value = value[: 4 * longest].replace("\r\n", "\n").replace("\r", "\n")
    lines = "\n".join(_SPACES.sub(" ", _without_controls(line)).rstrip() for line in value.split("\n"))
    return _BLANK_LINES.sub("\n\n", lines).strip()[:longest].strip()


def _without_controls(value: str) -> str:
    """Neither NUL nor half a pair of surrogates, which no database takes; nor signs that turn the direction of a line."""
    if value.isascii() and value.isprintable():
        return value
    return "".join(" " if sign in "\t\r\n" else sign for sign in value if sign in "\t\r\n" or _is_harmless(sign))


def _is_harmless(sign: str) -> bool:
    return unicodedata.category(sign) not in {"Cc", "Cs"} and sign not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def text_of_html(markup: str) -> str:
    """The words of an HTML page, a line for each block.

    Not read by html.parser: 100 kB of `<a <a <a` keep that busy for minutes (its search for the end of a tag begins anew
    at each). Here a tag ends at the next angle bracket, or it is no tag. The result is text and is escaped like any other.
    """
    markup = _without_hidden(markup[: 5 * _LONGEST_HTML])
    pieces, at = [], 0
    for tag in _TAG.finditer(markup, 0, _LONGEST_HTML):
        pieces.append(markup[at : tag.start()].replace("\n", " "))
        pieces += ["\n"] if _BREAKS.fullmatch(tag[2] or "") else []
        at = tag.end()
    pieces.append(markup[at:_LONGEST_HTML].replace("\n", " "))
    try:
        return html.unescape("".join(pieces))
    except ValueError:  # a number of thousands of digits
        return "".join(pieces)


def _without_hidden(markup: str) -> str:
    """Without comments, styles and scripts. What is never closed goes to the end, as browsers read it."""
    kept, at = [], 0
    while begin := _HIDDEN.search(markup, at):
        kept.append(markup[at : begin.start()])
        close = _ENDS[(begin[1] or "!--").lower()].search(markup, begin.end())
        at = close.end() if close else len(markup)
    return "".join([*kept, markup[at:]])
