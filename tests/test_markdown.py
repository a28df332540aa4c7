"""Markdown that hosts write: what it becomes, and what it never becomes."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from booking.markdown import LONGEST_MARKDOWN, is_safe_link, plain_text, render_markdown

ALLOWED = {"p", "br", "em", "strong", "ul", "ol", "li", "h3", "h4", "a"}


class Reader(HTMLParser):
    """Reads HTML as a browser would, and fails at anything that is not allowed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED, tag
        given = dict(attrs)
        assert set(given) <= ({"href", "rel"} if tag == "a" else {"start"} if tag == "ol" else set()), attrs
        if tag == "a":
            assert given["rel"] == "nofollow noopener"
            assert re.match(r"https?://[^/]|mailto:.+@", given["href"] or ""), attrs
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def check(html: str) -> None:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open


def test_paragraphs_lines_emphasis_and_lists() -> None:
    assert render_markdown("Le *port*,\nun **monde**.\n\nVenez\u00a0!") == (
        "<p>Le <em>port</em>,<br>\nun <strong>monde</strong>.</p>\n<p>Venez\u00a0!</p>\n"
    )
    assert render_markdown("- a\n- b") == "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"
    assert render_markdown("3. a\r\n4. b") == '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>\n'


def test_headings_stand_below_those_of_the_page() -> None:
    assert render_markdown("# A\n## B\n###### C") == "<h3>A</h3>\n<h4>B</h4>\n<h4>C</h4>\n"


def test_links_to_the_web_and_to_mailboxes() -> None:
    assert render_markdown('[le port](https://port.example/é?a=1&b=2 "Titre")') == (
        '<p><a href="https://port.example/%C3%A9?a=1&amp;b=2" rel="nofollow noopener">le port</a></p>\n'
    )
    assert 'href="mailto:a@port.example"' in render_markdown("<a@port.example>, [b](mailto:b@port.example)")
    assert 'href="http://port.example/x"' in render_markdown("<http://port.example/x>")


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "//evil.example", "/\\evil",
     "/events", "https:evil.example", "https:///evil", "http://", "https://bank.example@evil.example", "http://[::1", "ftp://a.example",
     "mailto:", "mailto:a", "mailto:a@b.example?bcc=c@d.example", "java\nscript:alert(1)", "\x01javascript:alert(1)", "blob:x", "tel:+331"],
)  # fmt: skip
def test_no_other_address_is_linked_to(url: str) -> None:
    assert not is_safe_link(url)
    for written in (f"[x]({url})", f"[x](<{url}>)", f"<{url}>", f"![x]({url})", f"[x][y]\n\n[y]: {url}"):
        html = render_markdown(written)
        check(html)
        assert "href" not in html or "mailto:a@b.example" in html, html


@pytest.mark.parametrize(
    "hostile",
    ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!-- x -->", "<![CDATA[x]]>", "<?php ?>", "</p></div>", "<svg/onload=alert(1)>",
     "&lt;script&gt;", "&#60;script&#62;", "[x](javascript&colon;alert(1))", "[x](&#106;avascript:alert(1))", "[x](java&Tab;script:alert(1))",
     "[a](http://a.example/\"onmouseover=\"alert(1))", "[a](http://a.example 'x\" onclick=\"y')", "[[a](http://a.example)](http://b.example)",
     "![a](http://a.example/x.png)", "[<b>](http://a.example/<b>)", "`<b>`", "```html\n<b>\n```", "    <b>", "> <b>", "<a href=x>y</a>",
     "<http://a.example/\"onclick=\"x>", "***a** b*", "\x00\x08<b>", "\ud800<b>", "a\u202eb", "# <b>", "- <b>\n- [x](javascript:y)", "---", "|a|\n|-|"],
)  # fmt: skip
def test_nothing_hostile_becomes_markup(hostile: str) -> None:
    html = render_markdown(hostile)
    check(html)
    html.encode()
    assert "\u202e" not in html
    assert "\x00" not in html


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="[]()<>*_#-!&;:/\\\"'`\n\t 1.ahtps\x00\u202e\ud800", max_size=120))
def test_no_text_at_all_becomes_other_markup(text: str) -> None:
    check(render_markdown(text))
    plain_text(text).encode()


@pytest.mark.parametrize(
    "piece", ["[", "*", ">", "_", "![", "[](", "[[a]", "- ", "`", "<", "\\", "**a", "1. ", " - a\n", "<a@", "\n\n", "&#", "# "]
)
def test_fifty_kilobytes_of_marks_take_no_time(piece: str) -> None:
    begun = time.perf_counter()
    check(render_markdown(piece * (50_000 // len(piece))))
    assert time.perf_counter() - begun < 3


def test_a_text_is_read_to_its_limit() -> None:
    assert len(render_markdown("a" * 50_000)) == LONGEST_MARKDOWN + len("<p></p>\n")


def test_the_words_without_the_marks() -> None:
    text = "# Le *port*\n\nUn [monde](https://port.example),\nsans `code` \\*\n\n- un\n- **deux**\n\n<https://a.example> <b>"
    assert plain_text(text) == "Le port\nUn monde,\nsans `code` *\nun\ndeux\nhttps://a.example <b>"
    assert plain_text("[x](javascript:y)\x00 \n\n \n") == "[x](javascript:y)"
    assert plain_text("") == ""
    assert render_markdown("") == ""
