"""The day sheet on paper: what stands on it, and texts that must not break it."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest
import typst

from booking import clock, paper
from booking.config import ROOT
from booking.paper import MOST_ROWS, day_sheet

TEMPLATE = ROOT / "templates" / "paper" / "day_sheet.typ"
LABELS = {
    "places": "Places prises",
    "meeting_point": "Rendez-vous",
    "host": "Organisme",
    "contact": "Contact",
    "none": "Aucune réservation.",
    "total": "Total",
    "page": "Page %(page)s sur %(pages)s",
    "came": "Là",
    "reference": "Référence",
    "who": "Qui",
    "level": "Niveau",
    "pupils": "Élèves",
    "adults": "Adultes",
    "needs": "Accessibilité",
    "present": "Présents",
}
A_CLASS = {
    "reference": "7KQ4-M9TX",
    "who": "3e B, Collège du Port",
    "level": "3e",
    "pupils": 28,
    "adults": 3,
    "needs": ["mobilité réduite : 1", "surdité : 2"],
    "contact_name": "Claire Martin",
    "phone": "01 23 45 67 89",
}


def sheet(*bookings: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "locale": "fr",
        "labels": LABELS,
        "title": "Visite du port",
        "day": "Mardi 24 novembre 2026",
        "hours": "10 h – 11 h 30",
        "meeting_point": "Accueil, bâtiment A",
        "host": "Port du Fleuve",
        "contact": "",
        "places": "28 sur 31",
        "printed": "Imprimé lundi",
        "bookings": list(bookings),
    } | more


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def words(data: dict[str, Any], kind: str) -> list[str]:
    """The texts Typst sets in headings or tables, as data: what became markup would be missing among them."""
    inputs = {"data": json.dumps(paper._day_sheet_facts(data))}
    found = json.loads(typst.query(TEMPLATE, kind, root=TEMPLATE.parent, sys_inputs=inputs))
    return [said for element in found for said in texts_in(element.get("body") or element["children"])]


def texts_in(element: Any) -> list[str]:
    if isinstance(element, dict):
        if element.get("func") == "text":
            return [element["text"].replace("\u200b", "")]
        return [said for value in element.values() for said in texts_in(value)]
    return [said for value in element for said in texts_in(value)] if isinstance(element, list) else []


def test_a_sheet_is_one_page_with_title_language_tags_and_its_hour() -> None:
    with clock.clock_at(datetime(2026, 11, 23, 16, 0, 0, 500, tzinfo=UTC)):
        pdf = day_sheet(sheet(A_CLASS))
    assert pdf.startswith(b"%PDF-")
    assert pages(pdf) == 1
    assert b"/Lang(fr)" in pdf
    assert b"Visite du port, Mardi 24 novembre 2026</rdf:li></rdf:Alt></dc:title>" in pdf
    assert b"pdfuaid:part>1<" in pdf
    assert len(re.findall(rb"/S\s*/TH\b", pdf)) == 9
    assert b"D:20261123160000" in pdf
    assert b"/Lang(en)" in day_sheet(sheet(A_CLASS, locale="en"))


def test_everything_a_gate_needs_stands_in_the_table() -> None:
    said = words(sheet(A_CLASS, A_CLASS | {"pupils": 2, "adults": 1}), "table")
    for text in (
        "7KQ4-M9TX",
        "3e B, Collège du Port",
        "3e",
        "28",
        "3",
        "Claire Martin",
        "01 23 45 67 89",
        "surdité : 2",
        "30",
        "4",
    ):
        assert text in said
    for name in ("came", "reference", "who", "level", "pupils", "adults", "needs", "contact", "present", "total"):
        assert LABELS[name] in said
    assert words(sheet(A_CLASS), "heading") == ["Visite du port"]


def test_every_text_and_every_label_is_printed(frozen: datetime) -> None:
    data = sheet(A_CLASS, contact="Jean Dupont")
    before = day_sheet(data)
    assert day_sheet(data) == before
    for name in ("day", "hours", "meeting_point", "host", "contact", "places", "printed"):
        assert day_sheet(data | {name: "xyz"}) != before, name
    for name in LABELS.keys() - {"none"}:
        assert day_sheet(data | {"labels": LABELS | {name: "xyz"}}) != before, name


def test_a_slot_without_bookings_says_so(frozen: datetime) -> None:
    assert pages(day_sheet(sheet())) == 1
    assert words(sheet(), "table") == []
    assert day_sheet(sheet()) != day_sheet(sheet(labels=LABELS | {"none": "xyz"}))


def test_many_bookings_flow_over_pages_with_the_header_repeated() -> None:
    pdf = day_sheet(sheet(*[A_CLASS] * 60))
    assert pages(pdf) == 3
    assert TEMPLATE.read_text().count("table.header(") == 1, "Typst repeats what stands in it"


HOSTILE = "#panic() *gras* _x_ $x$ `a` <b> \\ #{1+1} https://a.example // c /* @x = y ~ -- ' \" ]"


def test_no_text_becomes_markup() -> None:
    texts = dict.fromkeys(("reference", "who", "level", "contact_name", "phone"), HOSTILE)
    data = sheet(A_CLASS | texts | {"needs": [HOSTILE]}, **dict.fromkeys(("title", "day", "hours", "host", "contact"), HOSTILE))
    assert words(data, "table").count(HOSTILE) == 6
    assert words(data, "heading") == [HOSTILE]
    assert pages(day_sheet(data)) == 1


@pytest.mark.parametrize(
    "text",
    ["👩‍🏫 🇫🇷 🧑🏽‍🦽", "שלום العربية", "中文 日本語", "N" * 5_000, "Nom très long " * 400, "a\x00\x07\x1b\u202eb\u2066c\ud83d\uffff", "e" + "\u0301" * 300,
     "\u200d" * 300, "", "un\r\ndeux\u2028trois"],
)  # fmt: skip
def test_no_text_breaks_a_sheet(text: str) -> None:
    texts = dict.fromkeys(("reference", "who", "level", "contact_name", "phone"), text)
    top = dict.fromkeys(("title", "day", "hours", "meeting_point", "host", "contact", "places", "printed"), text)
    begun = time.perf_counter()
    pdf = day_sheet(sheet(A_CLASS | texts | {"needs": [text]}, **top))
    assert pages(pdf) <= 2
    assert time.perf_counter() - begun < 5


def test_signs_that_cannot_be_printed_are_left_out() -> None:
    (said,) = words(sheet(title="a\x00\u202eb\ud83d\n c"), "heading")
    assert said == "ab c"


def test_more_bookings_than_a_sheet_can_list_are_refused() -> None:
    with pytest.raises(ValueError, match="1000"):
        day_sheet(sheet(*[A_CLASS] * (MOST_ROWS + 1)))


def test_a_missing_fact_is_named() -> None:
    data = sheet(A_CLASS)
    del data["meeting_point"]
    with pytest.raises(KeyError, match="meeting_point"):
        day_sheet(data)


def test_what_is_not_confirmed_is_listed_apart_and_part_of_no_total() -> None:
    later = A_CLASS | {"reference": "2222-3333", "pupils": 5}
    data = sheet(A_CLASS, held=[later], labels=LABELS | {"held": "Pas encore confirmées"})
    said = words(data, "table")
    assert said.index("28") < said.index("2222-3333")
    assert said.count("28") == 2
    assert words(data, "heading") == ["Visite du port", "Pas encore confirmées"]
    assert pages(day_sheet(data)) == 1
    with pytest.raises(ValueError):
        day_sheet(sheet(*[A_CLASS] * MOST_ROWS, held=[later], labels=LABELS | {"held": "x"}))
